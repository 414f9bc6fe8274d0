/*
 * Installing: what an INF says becomes keys and values of the registry. Nothing is copied and
 * nothing is started here. The Driver Store of this machine is wherever the driver's file lies: the
 * service's ImagePath names it there.
 */
#include "install.h"
#include "pnp/inf.h"
#include "pnp/state.h"

#include <stdarg.h>
#include <stdio.h>
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

/** May this service be installed now? One adapter per machine. */
static bool check_room(const char *service, struct host_error *error)
{
    if (pnp.has_devnode) {
        return host_fail(error, STATUS_OBJECT_NAME_COLLISION,
                         "remove that one first; `devcon install` would make a second adapter each "
                         "time, but this machine has one",
                         "device node " PNP_INSTANCE " is installed already, for service \"%s\"",
                         pnp.service);
    }
    if (pnp.stage != PNP_NOTHING && strcmp(pnp.service, service) != 0) {
        return host_fail(error, STATUS_OBJECT_NAME_COLLISION,
                         "remove it first, or use another registry file",
                         "another service, \"%s\", is installed already", pnp.service);
    }
    return strlen(service) < sizeof(pnp.service) ||
           host_fail(error, STATUS_NAME_TOO_LONG, "use a shorter AddService name",
                     "service name \"%s\" is too long", service);
}

/** Writes the service's key. */
static bool add_service(const char *service, const char *driver_file, struct host_error *error)
{
    if (!check_room(service, error)) {
        return false;
    }
    strcpy(pnp.service, service);
    if (!host_set_image(driver_file, error)) {
        pnp.service[0] = '\0';
        return false;
    }
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

/** The software key: which INF, and which section of it, the driver came from. */
static void add_driver_key(const struct inf_install *install, const char *inf)
{
    const char *slash = strrchr(inf, '/');
    char key[160], driver[80];

    snprintf(driver, sizeof(driver), "%s\\0000", install->class_guid);
    snprintf(key, sizeof(key), PNP_CLASS "\\%s", driver);
    nt_registry_set_string(PNP_ENUM "\\" PNP_INSTANCE, "Driver", driver, false);
    nt_registry_set_string(key, "InfPath", slash != NULL ? slash + 1 : inf, false);
    nt_registry_set_string(key, "InfSection", install->install_section, false);
    nt_registry_set_string(key, "ProviderName", install->provider, false);
    nt_registry_set_string(key, "DriverDate", install->driver_date, false);
    nt_registry_set_string(key, "DriverVersion", install->driver_version, false);
    nt_registry_set_string(key, "MatchingDeviceId", install->hardware_id, false);
}

static void write_service(const struct inf_install *install)
{
    char path[256];

    pnp_service_key(path, sizeof(path), "");
    nt_registry_set_dword(path, "Type", install->service.type);
    nt_registry_set_dword(path, "Start", install->service.start);
    nt_registry_set_dword(path, "ErrorControl", install->service.error_control);
    nt_registry_set_string(path, "DisplayName", install->service.display_name, false);
    if (install->service.description[0] != '\0') {
        nt_registry_set_string(path, "Description", install->service.description, false);
    }
    if (install->service.load_order_group[0] != '\0') {
        nt_registry_set_string(path, "Group", install->service.load_order_group, false);
    }
}

bool pnp_apply(const struct inf_install *install, const char *inf, const char *driver_file,
               bool with_devnode, struct host_error *error)
{
    if (!add_service(install->service.name, driver_file, error)) {
        return false;
    }
    write_service(install);
    if (with_devnode) {
        add_devnode(install->hardware_id, install->class_guid, install->description);
        add_driver_key(install, inf);
        if (install->security[0] != '\0') {
            nt_registry_set_string(PNP_ENUM "\\" PNP_INSTANCE, "Security", install->security,
                                   false);
        }
    }
    for (size_t i = 0; i < install->write_count; i++) {
        if (!pnp_write_value(install, &install->writes[i], error)) {
            host_uninstall(true, NULL);
            return false;
        }
    }
    return true;
}

bool pnp_install_bare(const char *service, const char *driver_file, bool with_devnode,
                      struct host_error *error)
{
    char path[256], hwid[80];

    if (!add_service(service, driver_file, error)) {
        return false;
    }
    nt_registry_create_key(pnp_service_key(path, sizeof(path), "Parameters"));
    if (with_devnode) {
        snprintf(hwid, sizeof(hwid), "root\\%s", service);
        add_devnode(hwid, "{4D36E97B-E325-11CE-BFC1-08002BE10318}", service);
    }
    return true;
}

/** The Parameters key of a service that may not be installed yet. */
static const char *parameters_key(char *buffer, size_t size, const char *service)
{
    snprintf(buffer, size, PNP_SERVICES "\\%s\\Parameters", service);
    return buffer;
}

bool host_set_parameter(const char *service, const char *name, uint32_t value)
{
    char path[256];

    return nt_registry_set_dword(parameters_key(path, sizeof(path), service), name, value);
}

bool host_set_parameter_string(const char *service, const char *name, const char *utf8, bool multi)
{
    char path[256];

    return nt_registry_set_string(parameters_key(path, sizeof(path), service), name, utf8, multi);
}
