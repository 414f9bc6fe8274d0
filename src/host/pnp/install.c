/*
 * Installing a driver package: from the INF to the registry. Nothing is copied and nothing is
 * started here; the image that stands for the service's binary is named by the caller, because on
 * Linux it is another file than the INF's.
 */
#include "pnp/inf.h"
#include "pnp/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool host_fail(struct host_error *error, int32_t status, const char *remedy, const char *format,
               ...)
{
    va_list arguments;

    if (error != NULL) {
        va_start(arguments, format);
        vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
        snprintf(error->remedy, sizeof(error->remedy), "%s", remedy);
        error->status = status;
    }
    return false;
}

/** Makes a registry path from parts. \return `buffer`. */
static const char *key_path(char *buffer, size_t size, const char *root, const char *name,
                            const char *sub)
{
    snprintf(buffer, size, "%s\\%s%s%s", root, name, sub[0] != '\0' ? "\\" : "", sub);
    return buffer;
}

/** Remembers the service and writes its key. */
static bool add_service(const char *service, const char *driver_file, struct host_error *error)
{
    if (pnp.stage != PNP_NOTHING) {
        return host_fail(error, STATUS_OBJECT_NAME_COLLISION,
                         "one adapter per machine: remove it first, or start a new run",
                         "service \"%s\" is already installed", pnp.service);
    }
    if (strlen(service) >= sizeof(pnp.service)) {
        return host_fail(error, STATUS_NAME_TOO_LONG, "use a shorter AddService name",
                         "service name \"%s\" is too long", service);
    }
    pnp.image_path = strdup(driver_file);
    if (pnp.image_path == NULL) {
        return host_fail(error, STATUS_NO_MEMORY, "free some memory", "out of memory");
    }
    strcpy(pnp.service, service);
    pnp.stage = PNP_INSTALLED;
    return true;
}

/** Creates the devnode's key, as devcon or devgen does. */
static void add_devnode(const char *hwid, const char *class_guid, const char *description)
{
    const char *key = PNP_ENUM "\\" PNP_INSTANCE;

    nt_registry_set_string(key, "HardwareID", hwid, true);
    nt_registry_set_string(key, "Service", pnp.service, false);
    nt_registry_set_string(key, "ClassGUID", class_guid, false);
    nt_registry_set_string(key, "DeviceDesc", description, false);
    nt_registry_create_key(PNP_ENUM "\\" PNP_INSTANCE "\\Device Parameters");
    pnp.has_devnode = true;
}

/** One value of an AddReg section. */
static bool write_value(const struct inf_registry_write *write, struct host_error *error)
{
    char path[512];

    switch (write->root) {
    case INF_ROOT_SERVICE:
        key_path(path, sizeof(path), PNP_SERVICES, pnp.service, write->subkey);
        break;
    case INF_ROOT_DEVICE:
        key_path(path, sizeof(path), PNP_ENUM "\\" PNP_INSTANCE, "Device Parameters",
                 write->subkey);
        break;
    case INF_ROOT_LOCAL_MACHINE:
        snprintf(path, sizeof(path), "HKLM\\%s", write->subkey);
        break;
    default: /* Keys that only user-mode Windows reads. */
        return true;
    }
    if (!nt_registry_set(path, write->value, write->type, write->data, (ULONG)write->size)) {
        return host_fail(error, STATUS_UNSUCCESSFUL, "check the name and the size of the value",
                         "line %u of the INF: the registry does not take %s\\%s", write->line, path,
                         write->value);
    }
    return true;
}

/** Carries out what the INF says for one hardware ID. */
static bool apply(const struct inf_install *install, const char *driver_file,
                  struct host_error *error)
{
    char path[256];

    if (!add_service(install->service.name, driver_file, error)) {
        return false;
    }
    key_path(path, sizeof(path), PNP_SERVICES, pnp.service, "");
    nt_registry_set_dword(path, "Type", install->service.type);
    nt_registry_set_dword(path, "Start", install->service.start);
    nt_registry_set_dword(path, "ErrorControl", install->service.error_control);
    nt_registry_set_string(path, "ImagePath", install->service.binary, false);
    nt_registry_set_string(path, "DisplayName", install->service.display_name, false);
    add_devnode(install->hardware_id, install->class_guid, install->description);
    for (size_t i = 0; i < install->write_count; i++) {
        if (!write_value(&install->writes[i], error)) {
            return false;
        }
    }
    return true;
}

/** Turns the first error among the findings into a host_error. */
static bool fail_with(const struct inf_finding *finding, struct host_error *error)
{
    return host_fail(error, STATUS_INVALID_PARAMETER, finding->remedy, "%s:%u: error %u: %s",
                     finding->file, finding->line, finding->code, finding->message);
}

bool pnp_install_inf(const char *inf_path, const char *hwid, const char *driver_file,
                     struct host_error *error)
{
    struct inf_findings findings = {0};
    struct inf_install install;
    struct inf_finding reason;
    struct inf_file *inf = inf_open(inf_path, &reason);
    bool ok = false;

    if (inf == NULL) {
        return fail_with(&reason, error);
    }
    if (inf_resolve_install(inf, hwid, &INF_TARGET_1709, &install, &findings)) {
        ok = apply(&install, driver_file, error);
        inf_install_free(&install);
    } else {
        for (size_t i = 0; i < findings.count; i++) {
            if (findings.items[i].severity == INF_ERROR) {
                fail_with(&findings.items[i], error);
                break;
            }
        }
    }
    inf_findings_free(&findings);
    inf_close(inf);
    return ok;
}

bool pnp_install_bare(const char *service, const char *driver_file, bool with_devnode,
                      struct host_error *error)
{
    char path[256], hwid[80];

    if (!add_service(service, driver_file, error)) {
        return false;
    }
    nt_registry_create_key(key_path(path, sizeof(path), PNP_SERVICES, service, "Parameters"));
    if (with_devnode) {
        snprintf(hwid, sizeof(hwid), "root\\%s", service);
        add_devnode(hwid, "{4D36E97B-E325-11CE-BFC1-08002BE10318}", service);
    }
    return true;
}

bool host_set_parameter(const char *service, const char *name, uint32_t value)
{
    char path[256];

    return nt_registry_set_dword(key_path(path, sizeof(path), PNP_SERVICES, service, "Parameters"),
                                 name, value);
}

bool host_set_parameter_string(const char *service, const char *name, const char *utf8, bool multi)
{
    char path[256];

    return nt_registry_set_string(key_path(path, sizeof(path), PNP_SERVICES, service, "Parameters"),
                                  name, utf8, multi);
}
