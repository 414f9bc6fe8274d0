/**
 * \file
 * The checks of [Version] and of what it promises: signature, class, provider, date and version,
 * catalog. A driver whose [Version] is wrong is refused before anything else of the INF is read.
 * Source: INF Version Section; InfVerif's error codes.
 */
#include "pnp/inf_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** Setup classes that Microsoft defines and a driver of this kind could be mistaken for. */
static const struct {
    const char *name;
    const char *guid;
} classes[] = {
    {"SCSIAdapter", "{4D36E97B-E325-11CE-BFC1-08002BE10318}"},
    {"DiskDrive", "{4D36E967-E325-11CE-BFC1-08002BE10318}"},
    {"CDROM", "{4D36E965-E325-11CE-BFC1-08002BE10318}"},
    {"HDC", "{4D36E96A-E325-11CE-BFC1-08002BE10318}"},
    {"Net", "{4D36E972-E325-11CE-BFC1-08002BE10318}"},
    {"System", "{4D36E97D-E325-11CE-BFC1-08002BE10318}"},
    {"USB", "{36FC9E60-C465-11CF-8056-444553540000}"},
    {"Volume", "{71A27CDD-812A-11D0-BEC7-08002BE2092F}"},
};
#define CLASS_COUNT (sizeof(classes) / sizeof(classes[0]))

/** A [Version] entry that must be there. */
static const struct inf_line *required(const struct inf_file *inf, const char *key, unsigned code,
                                       enum inf_severity severity, const char *remedy,
                                       struct inf_findings *findings)
{
    const struct inf_line *line = inf_find_line(inf, "Version", key);
    struct inf_field place = inf_at_section(inf_find_section(inf, "Version"));

    if (line != NULL && inf_text_or_empty(line, 1)[0] != '\0') {
        return line;
    }
    inf_add(findings, inf, severity, code, &place, "Key %s is missing in [Version].\n%s", key,
            remedy);
    return NULL;
}

static void check_signature(const struct inf_file *inf, struct inf_findings *findings)
{
    const struct inf_line *line = inf_find_line(inf, "Version", "Signature");
    const char *text = inf_text_or_empty(line, 1);
    struct inf_field place =
        line != NULL ? inf_at_line(line) : inf_at_section(inf_find_section(inf, "Version"));

    if (!inf_same(text, "$Windows NT$") && !inf_same(text, "$Chicago$")) {
        inf_add(findings, inf, INF_ERROR, 1001, &place,
                "[Version] has no valid signature%s%.40s.\nWrite Signature = \"$Windows NT$\" with "
                "plain quotation marks.",
                text[0] == '\0' ? "" : ": ", text);
    }
}

static bool is_guid(const char *text)
{
    static const char form[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";

    if (strlen(text) != sizeof(form) - 1) {
        return false;
    }
    for (size_t i = 0; form[i] != '\0'; i++) {
        bool good =
            form[i] == 'x' ? strchr("0123456789abcdefABCDEF", text[i]) != NULL : text[i] == form[i];

        if (!good) {
            return false;
        }
    }
    return true;
}

/** A name and a GUID of Microsoft's classes belong together. \return do they? */
static bool check_pair(const struct inf_file *inf, const struct inf_line *name,
                       const struct inf_line *guid, struct inf_findings *findings)
{
    const char *name_text = inf_text_or_empty(name, 1);
    const char *guid_text = inf_text_or_empty(guid, 1);
    bool good = true;

    for (size_t i = 0; i < CLASS_COUNT; i++) {
        bool same_name = inf_same(name_text, classes[i].name);
        bool same_guid = inf_same(guid_text, classes[i].guid);

        if (same_name && !same_guid) {
            inf_add(findings, inf, INF_ERROR, 1280, inf_field(guid, 1),
                    "Class %s has another GUID than %.40s.\nWrite ClassGuid = %s.", classes[i].name,
                    guid_text, classes[i].guid);
        } else if (same_guid && !same_name) {
            inf_add(findings, inf, INF_ERROR, 1281, inf_field(name, 1),
                    "ClassGuid %s is that of class %s, not of %.40s.\nWrite Class = %s, or the "
                    "GUID of the class that is meant.",
                    classes[i].guid, classes[i].name, name_text, classes[i].name);
        }
        good = good && same_name == same_guid;
    }
    return good;
}

/**
 * Name and GUID belong together; but is it an adapter's class? With another one the package
 * installs on Windows, and then that class's filter drivers sit on the adapter (for DiskDrive, the
 * partition manager).
 */
static void check_adapter_class(const struct inf_file *inf, const struct inf_line *name,
                                struct inf_findings *findings)
{
    const char *text = inf_text_or_empty(name, 1);

    if (inf_same(text, "HDC")) {
        inf_add(findings, inf, INF_ERROR, INF_CODE_UNSUPPORTED, inf_field(name, 1),
                "This host's adapters are of class SCSIAdapter; HDC is for ATA controllers.\nWrite "
                "Class = SCSIAdapter and ClassGuid = %s.",
                classes[0].guid);
    } else if (!inf_same(text, "SCSIAdapter")) {
        inf_add(findings, inf, INF_ERROR, INF_CODE_WRONG_CLASS, inf_field(name, 1),
                "Class %.40s is not that of a storage adapter.\nWrite Class = SCSIAdapter and "
                "ClassGuid = %s: another class brings its own filter drivers.",
                text, classes[0].guid);
    }
}

static void check_class(const struct inf_file *inf, struct inf_findings *findings)
{
    const struct inf_line *name = required(inf, "Class", 1013, INF_ERROR,
                                           "A storage adapter's is Class = SCSIAdapter.", findings);
    const struct inf_line *guid = required(
        inf, "ClassGuid", 1013, INF_ERROR,
        "A storage adapter's is ClassGuid = {4D36E97B-E325-11CE-BFC1-08002BE10318}.", findings);

    if (guid != NULL && !is_guid(inf_text_or_empty(guid, 1))) {
        inf_add(findings, inf, INF_ERROR, INF_CODE_BAD_TOKEN, inf_field(guid, 1),
                "\"%.60s\" is no GUID.\nWrite it as {4D36E97B-E325-11CE-BFC1-08002BE10318}.",
                inf_text_or_empty(guid, 1));
    } else if (name != NULL && guid != NULL && check_pair(inf, name, guid, findings)) {
        check_adapter_class(inf, name, findings);
    }
}

static void check_provider(const struct inf_file *inf, struct inf_findings *findings)
{
    const struct inf_line *line = required(inf, "Provider", 1013, INF_ERROR,
                                           "Name the organisation that wrote the INF.", findings);

    if (line != NULL && inf_same(inf_text_or_empty(line, 1), "Microsoft")) {
        inf_add(findings, inf, INF_ERROR, 1204, inf_field(line, 1),
                "The provider must not be Microsoft.\nName the organisation that wrote the INF.");
    }
}

static bool is_date(const char *text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month = 0;
    int day = 0;
    int year = 0;
    int used = 0;
    char first;
    char second;

    if (sscanf(text, "%2d%c%2d%c%4d%n", &month, &first, &day, &second, &year, &used) != 5 ||
        text[used] != '\0' || first != second || (first != '/' && first != '-')) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] || year < 1980) {
        return false;
    }
    return month != 2 || day != 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/** One to four numbers up to 65535 with dots between. */
static bool is_version(const char *text)
{
    int parts = 0;

    for (;;) {
        size_t length = strspn(text, "0123456789");
        uint32_t value;
        char number[6];

        if (length == 0 || length > 5 || ++parts > 4) {
            return false;
        }
        memcpy(number, text, length);
        number[length] = '\0';
        if (!inf_parse_uint(number, &value) || value > 65535) {
            return false;
        }
        text += length;
        if (*text == '\0') {
            return true;
        }
        if (*text++ != '.') {
            return false;
        }
    }
}

static void check_driver_version(const struct inf_file *inf, struct inf_findings *findings)
{
    const struct inf_line *line = required(inf, "DriverVer", 1234, INF_ERROR,
                                           "Add DriverVer = month/day/year, w.x.y.z.", findings);

    if (line == NULL) {
        return;
    }
    if (!is_date(inf_text_or_empty(line, 1))) {
        inf_add(
            findings, inf, INF_ERROR, 1218, inf_field(line, 1),
            "\"%.40s\" is no date of a driver.\nWrite month/day/year with four digits of the year.",
            inf_text_or_empty(line, 1));
    }
    if (!is_version(inf_text_or_empty(line, 2))) {
        struct inf_field place = line->count >= 2 ? line->fields[1] : inf_at_line(line);

        inf_add(findings, inf, INF_ERROR, 1217, &place,
                "\"%.40s\" is no version of a driver.\nWrite w.x.y.z behind the date, each number "
                "at most 65535.",
                inf_text_or_empty(line, 2));
    }
}

/** Is the catalog beside the INF? */
static void check_catalog_file(const struct inf_file *inf, const struct inf_line *line,
                               const struct inf_check_options *options,
                               struct inf_findings *findings)
{
    char path[4096];
    const char *name = inf_text_or_empty(line, 1);

    if (options->package_dir == NULL) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", options->package_dir, name);
    if (access(path, R_OK) != 0) {
        inf_add(findings, inf, options->test_signing ? INF_WARNING : INF_ERROR, INF_CODE_NO_CATALOG,
                inf_field(line, 1),
                "Catalog \"%.80s\" is not in the package: the driver is unsigned.\nMake it with "
                "Inf2Cat and sign it, or allow test signing (--test-signing).",
                name);
    }
}

static void check_catalog(const struct inf_file *inf, const struct inf_check_options *options,
                          struct inf_findings *findings)
{
    const struct inf_section *version = inf_find_section(inf, "Version");
    bool found = false;

    for (size_t i = 0; i < version->count; i++) {
        const struct inf_line *line = &version->lines[i];
        const char *key = inf_text_or_empty(line, 0);

        if (inf_same(key, "CatalogFile") || inf_same_n(key, "CatalogFile.", 12)) {
            const char *name = inf_text_or_empty(line, 1);
            size_t length = strlen(name);

            found = true;
            if (length < 5 || !inf_same(name + length - 4, ".cat")) {
                inf_add(findings, inf, INF_ERROR, INF_CODE_BAD_TOKEN, &line->key,
                        "\"%.80s\" is no catalog.\nName a file that ends in .cat.", name);
            } else {
                check_catalog_file(inf, line, options, findings);
            }
        }
    }
    if (!found) {
        required(inf, "CatalogFile", 1233, options->test_signing ? INF_WARNING : INF_ERROR,
                 "Without a catalog the package cannot be signed: add CatalogFile = name.cat, or "
                 "allow test signing (--test-signing).",
                 findings);
    }
}

static void check_lockdown(const struct inf_file *inf, struct inf_findings *findings)
{
    const struct inf_line *line = inf_find_line(inf, "Version", "PnpLockdown");
    struct inf_field place = inf_at_section(inf_find_section(inf, "Version"));
    uint32_t value = 0;

    if (line == NULL || !inf_field_uint(line, 1, &value) || value != 1) {
        inf_add(findings, inf, INF_WARNING, 1324, line == NULL ? &place : &line->key,
                "[Version] does not say PnpLockdown = 1.\nAdd it: Windows then keeps other "
                "programs from changing the driver's files.");
    }
}

void inf_check_version(const struct inf_file *inf, const struct inf_check_options *options,
                       struct inf_findings *findings)
{
    if (inf_find_section(inf, "Version") == NULL) {
        inf_add(findings, inf, INF_ERROR, 1001, NULL,
                "Section [Version] is missing.\nBegin the file with [Version] and Signature = "
                "\"$Windows NT$\".");
        return;
    }
    check_signature(inf, findings);
    check_class(inf, findings);
    check_provider(inf, findings);
    check_driver_version(inf, findings);
    check_catalog(inf, options, findings);
    check_lockdown(inf, findings);
}
