/**
 * \file
 * The rules for a package that Windows runs from the Driver Store: where its registry values and
 * files may go, what its service's file is, who may open its device. They are looked at on what one
 * install section does, after the walk.
 * Source: InfVerif's error codes; Driver Package Isolation; INF AddReg Directive ("security-
 * descriptor-string").
 */
#include "pnp/inf_internal.h"

#include <string.h>

#define DIRID_DRIVER_STORE 13u

static struct inf_field at(unsigned line)
{
    return (struct inf_field){.line = line, .column = 1};
}

static bool below(const char *key, const char *parent)
{
    size_t length = strlen(parent);

    return inf_same_n(key, parent, length) && (key[length] == '\0' || key[length] == '\\');
}

/** A key outside the device's own: HKR is the only root that follows the device when it goes. */
static void check_absolute(const struct inf_file *inf, const struct inf_registry_write *write,
                           struct inf_findings *findings)
{
    struct inf_field place = at(write->line);
    static const char remedy[] = "Write it relative to the device or the service, with HKR.";

    if (write->root != INF_ROOT_LOCAL_MACHINE) {
        inf_add(findings, inf, INF_ERROR, 1320, &place,
                "A driver package must not write below HKCR, HKCU or HKU.\n%s", remedy);
    } else if (below(write->subkey, "SYSTEM\\CurrentControlSet\\Services")) {
        inf_add(findings, inf, INF_ERROR, 1221, &place,
                "The services key is written by its full path.\n%s", remedy);
    } else if (below(write->subkey, "SYSTEM\\CurrentControlSet")) {
        inf_add(findings, inf, INF_WARNING, 1321, &place,
                "HKLM\\%.80s is not the device's own key; Windows tolerates it for now.\n%s",
                write->subkey, remedy);
    } else {
        inf_add(findings, inf, INF_WARNING, 1322, &place,
                "HKLM\\%.80s is not isolated to the device.\n%s", write->subkey, remedy);
    }
}

static void check_write(const struct inf_file *inf, const struct inf_registry_write *write,
                        struct inf_findings *findings)
{
    struct inf_field place = at(write->line);

    if (write->root >= INF_ROOT_LOCAL_MACHINE) {
        check_absolute(inf, write, findings);
    } else if (write->root == INF_ROOT_SERVICE && !below(write->subkey, "Parameters")) {
        inf_add(findings, inf, INF_WARNING, 1323, &place,
                "Value \"%.60s\" goes into the service's own key.\nWrite HKR,\"Parameters\",...: a "
                "driver's settings belong below Parameters.",
                write->value);
    }
}

/** Directories outside the Driver Store that InfVerif still lets pass. */
static bool legacy_dirid(uint32_t dirid)
{
    static const uint32_t allowed[] = {10,    11,    12,    23,    51,    52,
                                       55,    16422, 16425, 16426, 16427, 16428,
                                       66000, 66001, 66002, 66003, 66004};

    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (allowed[i] == dirid) {
            return true;
        }
    }
    return false;
}

static void check_copy(const struct inf_file *inf, const struct inf_copy *copy,
                       struct inf_findings *findings)
{
    struct inf_field place = at(copy->line);

    if (copy->target_dirid == DIRID_DRIVER_STORE) {
        if (!inf_same(copy->source, copy->target) ||
            !inf_same(copy->source_subdir, copy->target_subdir)) {
            inf_add(findings, inf, INF_ERROR, 1100, &place,
                    "\"%.80s\" has another name or directory in the Driver Store than in the "
                    "package.\nThe Driver Store keeps the package as it is: let both be the same.",
                    copy->target);
        }
    } else if (legacy_dirid(copy->target_dirid)) {
        inf_add(findings, inf, INF_WARNING, 1326, &place,
                "\"%.80s\" is copied to directory %u, outside the Driver Store.\nWrite "
                "DefaultDestDir = 13 and ServiceBinary = %%13%%\\file: since Windows 10 1709 a "
                "driver runs from the Driver Store.",
                copy->target, (unsigned)copy->target_dirid);
    } else {
        inf_add(findings, inf, INF_ERROR, 1340, &place,
                "\"%.80s\" is copied to directory %u, which a driver package must not use.\nWrite "
                "DefaultDestDir = 13.",
                copy->target, (unsigned)copy->target_dirid);
    }
}

/** Is this the file that the service runs? */
static bool is_binary(const struct inf_copy *copy, const struct inf_service *service)
{
    size_t length = strlen(copy->target_subdir);
    const char *file = service->binary_file;

    if (copy->target_dirid != service->binary_dirid) {
        return false;
    }
    if (length > 0) {
        if (!inf_same_n(file, copy->target_subdir, length) || file[length] != '\\') {
            return false;
        }
        file += length + 1;
    }
    return inf_same(file, copy->target);
}

static void check_binary(const struct inf_file *inf, const struct inf_install *install,
                         struct inf_findings *findings)
{
    struct inf_field place = at(install->service.line);

    if (install->service.line == 0) {
        return; /* already reported: no service, or none with a file */
    }
    for (size_t i = 0; i < install->copy_count; i++) {
        if (is_binary(&install->copies[i], &install->service)) {
            return;
        }
    }
    inf_add(findings, inf, INF_ERROR, 2084, &place,
            "The service's file %.80s is not copied by any CopyFiles.\nCorrect the name, or copy "
            "the file to the directory that ServiceBinary names.",
            install->service.binary);
}

void inf_check_rules(const struct inf_file *inf, const struct inf_install *install,
                     struct inf_findings *findings)
{
    for (size_t i = 0; i < install->write_count; i++) {
        check_write(inf, &install->writes[i], findings);
    }
    for (size_t i = 0; i < install->copy_count; i++) {
        check_copy(inf, &install->copies[i], findings);
    }
    check_binary(inf, install, findings);
}

/* --- the device's security descriptor --- */

/** One (type;flags;rights;object;inherited;trustee) of a DACL, taken apart. */
struct ace {
    char type[8];
    char rights[40];
    char trustee[80];
};

/** Reads the entry that begins at the parenthesis p. \return what follows it, or NULL when it is
 * malformed. */
static const char *read_ace(const char *p, struct ace *ace)
{
    *ace = (struct ace){.type = ""};
    for (int part = 0; part < 6; part++) {
        size_t length = strcspn(++p, ";()");
        char *into = part == 0   ? ace->type
                     : part == 2 ? ace->rights
                     : part == 5 ? ace->trustee
                                 : NULL;
        size_t room = part == 0   ? sizeof(ace->type)
                      : part == 2 ? sizeof(ace->rights)
                                  : sizeof(ace->trustee);

        if (into != NULL) {
            if (length >= room) {
                return NULL;
            }
            memcpy(into, p, length);
        }
        p += length;
        if (*p != (part < 5 ? ';' : ')')) {
            return NULL;
        }
    }
    return ace->type[0] == '\0' || ace->trustee[0] == '\0' ? NULL : p + 1;
}

/** Whom a device's descriptor gives more than reading. */
struct grants {
    bool system;
    bool administrators;
    char other[80];
};

static void note_grant(const struct ace *ace, struct grants *grants)
{
    bool all = inf_same(ace->rights, "GA") || inf_same(ace->rights, "FA");

    if (!inf_same(ace->type, "A")) {
        return;
    }
    if (inf_same(ace->trustee, "SY")) {
        grants->system |= all;
    } else if (inf_same(ace->trustee, "BA")) {
        grants->administrators |= all;
    } else if (!inf_same(ace->rights, "GR")) {
        memcpy(grants->other, ace->trustee, sizeof(grants->other));
    }
}

void inf_check_security(struct inf_walk *walk, const struct inf_field *field)
{
    const char *text = field == NULL ? "" : field->text;
    const char *p = strstr(text, "D:");
    struct grants grants = {.system = false};
    struct ace ace;

    p = p == NULL ? NULL : p + 2 + strspn(p + 2, "PAIR"); /* protected, auto-inherit flags */
    while (p != NULL && *p == '(') {
        p = read_ace(p, &ace);
        if (p != NULL) {
            note_grant(&ace, &grants);
        }
    }
    if (p == NULL || *p != '\0') {
        inf_add(
            walk->findings, walk->inf, INF_ERROR, INF_CODE_SECURITY, field,
            "\"%.80s\" is no security descriptor.\nWrite it as \"D:P(A;;GA;;;SY)(A;;GA;;;BA)\".",
            text);
    } else if (!grants.system || !grants.administrators) {
        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_SECURITY, field,
                "The security descriptor shuts out the system or the administrators.\nGive both "
                "all access: (A;;GA;;;SY)(A;;GA;;;BA).");
    } else if (grants.other[0] != '\0') {
        inf_add(walk->findings, walk->inf, INF_WARNING, INF_CODE_SECURITY, field,
                "The security descriptor gives %.60s more than reading.\nGive it to SY and BA "
                "alone, if the device is for administrators.",
                grants.other);
    }
}
