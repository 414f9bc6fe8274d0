/*
 * Driver packages: an INF and the files beside it. Finds what is to be installed, and says what is
 * wrong with it before anything is changed.
 */
#include "install.h"
#include "pnp/inf.h"
#include "pnp/state.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/** [Version] names no catalog at all: InfVerif's number. */
#define INF_CODE_NONE_NAMED 1233

/** The folder that a file lies in. */
static const char *folder_of(const char *file, char *buffer, size_t size)
{
    const char *slash = strrchr(file, '/');
    int length = slash == NULL ? 1 : slash == file ? 1 : (int)(slash - file);

    snprintf(buffer, size, "%.*s", length, slash == NULL ? "." : file);
    return buffer;
}

/** Turns a finding into a host_error. */
static bool fail_with(const struct inf_finding *finding, struct host_error *error)
{
    return host_fail(error, STATUS_INVALID_PARAMETER, finding->remedy, "%s:%u: error %u: %.200s",
                     finding->file, finding->line, finding->code, finding->message);
}

/** The first error among them. \return false. */
static bool fail_with_first(const struct inf_findings *findings, struct host_error *error)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].severity == INF_ERROR) {
            return fail_with(&findings->items[i], error);
        }
    }
    return host_fail(error, STATUS_INVALID_PARAMETER, "check the INF", "the INF is no good");
}

/** Where the service's file lies: in the package's folder, below it where [SourceDisksNames] says.
 */
static void source_of(const struct inf_install *install, const char *inf, char *out, size_t size)
{
    const char *file = install->service.binary_file, *below = "";
    char folder[PATH_MAX];

    for (size_t i = 0; i < install->copy_count; i++) {
        if (strcasecmp(install->copies[i].target, file) == 0) {
            file = install->copies[i].source;
            below = install->copies[i].source_subdir;
            break;
        }
    }
    folder_of(inf, folder, sizeof(folder));
    snprintf(out, size, "%s/%s%s%s", folder, below, below[0] != '\0' ? "/" : "", file);
    for (char *at = out + strlen(folder); *at != '\0'; at++) {
        *at = *at == '\\' ? '/' : *at;
    }
}

/** The image: what the caller named, or the package's own. */
static bool choose_image(const struct host_package *package, const struct inf_install *install,
                         char *out, size_t size, struct host_error *error)
{
    if (package->driver_file != NULL) {
        snprintf(out, size, "%s", package->driver_file);
        return true;
    }
    source_of(install, package->inf, out, size);
    return access(out, R_OK) == 0 ||
           host_fail(error, STATUS_OBJECT_NAME_NOT_FOUND,
                     "put the driver's file beside its INF, or name another image for it",
                     "the package is not whole: %.200s is not there", out);
}

/** The catalog must lie beside the INF, unless test signing is on. */
static bool check_catalog(const struct inf_file *inf, const struct host_package *package,
                          struct host_error *error)
{
    char folder[PATH_MAX];
    struct inf_findings findings = {0};
    struct inf_check_options options = {.target = INF_TARGET_1709,
                                        .test_signing = package->test_signing,
                                        .package_dir =
                                            folder_of(package->inf, folder, sizeof(folder))};
    bool ok = true;

    inf_check(inf, &options, &findings);
    for (size_t i = 0; ok && i < findings.count; i++) {
        const struct inf_finding *finding = &findings.items[i];

        if (finding->severity == INF_ERROR &&
            (finding->code == INF_CODE_NO_CATALOG || finding->code == INF_CODE_NONE_NAMED)) {
            ok = fail_with(finding, error);
        }
    }
    inf_findings_free(&findings);
    return ok;
}

bool host_install_package(const struct host_package *package, struct host_error *error)
{
    struct inf_findings findings = {0};
    struct inf_install install;
    struct inf_finding reason;
    struct inf_file *inf = inf_open(package->inf, &reason);
    char image[PATH_MAX];
    bool ok;

    if (inf == NULL) {
        return fail_with(&reason, error);
    }
    ok = inf_resolve_install(inf, package->hardware_id, &INF_TARGET_1709, &install, &findings);
    if (!ok) {
        fail_with_first(&findings, error);
    } else {
        ok = check_catalog(inf, package, error) &&
             choose_image(package, &install, image, sizeof(image), error) &&
             pnp_apply(&install, package->inf, image, !package->no_device, error);
        inf_install_free(&install);
    }
    inf_findings_free(&findings);
    inf_close(inf);
    return ok;
}

bool host_package_file(const char *path, char *out, size_t size)
{
    struct inf_findings findings = {0};
    struct inf_install install;
    struct inf_finding reason;
    struct inf_file *inf = inf_open(path, &reason);
    bool found = false;

    if (inf != NULL && inf_resolve_install(inf, NULL, &INF_TARGET_1709, &install, &findings)) {
        source_of(&install, path, out, size);
        found = access(out, R_OK) == 0;
        inf_install_free(&install);
    }
    inf_findings_free(&findings);
    inf_close(inf);
    return found;
}

/** Writes one finding. */
static void write_finding(const struct inf_finding *finding, FILE *out)
{
    char text[1200];

    inf_finding_format(finding, text, sizeof(text));
    fprintf(out, "%s\n", text);
}

unsigned host_inf_check(const struct host_inf_check *check, FILE *out, unsigned *warnings)
{
    char folder[PATH_MAX];
    struct inf_check_options options = {.target = INF_TARGET_1709,
                                        .test_signing = check->test_signing,
                                        .package_dir =
                                            folder_of(check->inf, folder, sizeof(folder))};
    struct inf_findings findings = {0};
    struct inf_finding reason;
    struct inf_file *inf = inf_open(check->inf, &reason);
    unsigned errors;

    *warnings = 0;
    if (inf == NULL) {
        write_finding(&reason, out);
        return 1;
    }
    if (check->build != 0) {
        options.target.build = check->build;
    }
    inf_check(inf, &options, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        write_finding(&findings.items[i], out);
    }
    errors = (unsigned)inf_findings_count(&findings, INF_ERROR);
    *warnings = (unsigned)inf_findings_count(&findings, INF_WARNING);
    inf_findings_free(&findings);
    inf_close(inf);
    return errors;
}
