/*
 * What the registry knows of an adapter: the service, its image, the devnode. Here it is read back
 * when a machine boots from a registry that was kept: a root-enumerated device has no bus that
 * would report it anew, so the key below Enum\ROOT is all that there is of it between two boots.
 */
#include "install.h"
#include "pnp/state.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/** What a device object gets that nobody protects: the system and administrators do all, others
 *  read. */
#define DEFAULT_SECURITY "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;WD)"

/** A file of this host as an NT path: Z: is the root directory. */
#define IMAGE_PREFIX "\\??\\Z:"

const char *pnp_service_key(char *buffer, size_t size, const char *sub)
{
    snprintf(buffer, size, PNP_SERVICES "\\%s%s%s", pnp.service, sub[0] != '\0' ? "\\" : "", sub);
    return buffer;
}

bool host_set_image(const char *driver_file, struct host_error *error)
{
    uint16_t wide[PATH_MAX];
    char key[256], *text, *path = NULL;
    bool done = false;
    size_t chars = 0;

    if (!host_win32_path(driver_file, wide, PATH_MAX, error)) {
        return false;
    }
    while (wide[chars] != 0) {
        chars++;
    }
    text = nt_utf8(wide, chars);
    if (text != NULL && asprintf(&path, "\\??\\%s", text) >= 0) {
        done =
            nt_registry_set_string(pnp_service_key(key, sizeof(key), ""), "ImagePath", path, false);
        free(path);
    }
    free(text);
    return done || host_fail(error, STATUS_UNSUCCESSFUL, "use a shorter path",
                             "the registry does not take %.200s", driver_file);
}

char *pnp_image_path(struct host_error *error)
{
    char key[256];
    char *text = nt_registry_get_string(pnp_service_key(key, sizeof(key), ""), "ImagePath");
    char *path = NULL;

    if (text == NULL) {
        host_fail(error, STATUS_OBJECT_NAME_NOT_FOUND, "install the driver package again",
                  "service \"%s\" has no ImagePath in the registry", pnp.service);
    } else if (strncasecmp(text, IMAGE_PREFIX "\\", strlen(IMAGE_PREFIX) + 1) != 0) {
        host_fail(error, STATUS_OBJECT_NAME_INVALID,
                  "name a file of this host: " IMAGE_PREFIX "\\, and the path with backslashes",
                  "service \"%s\": its ImagePath \"%.150s\" is no file here", pnp.service, text);
    } else {
        path = strdup(text + strlen(IMAGE_PREFIX));
        for (char *at = path; at != NULL && *at != '\0'; at++) {
            *at = *at == '\\' ? '/' : *at;
        }
    }
    free(text);
    return path;
}

bool pnp_service_check(struct host_error *error)
{
    char key[256];
    ULONG type, length;
    uint32_t *start;
    bool disabled;

    if (pnp.service[0] == '\0') {
        return host_fail(error, STATUS_OBJECT_NAME_NOT_FOUND, "install the driver package",
                         "no driver is installed for device node " PNP_INSTANCE);
    }
    if (!nt_registry_key_exists(pnp_service_key(key, sizeof(key), ""))) {
        return host_fail(error, STATUS_OBJECT_NAME_NOT_FOUND,
                         "install the driver package again, or remove the device node",
                         "device node " PNP_INSTANCE " names service \"%s\", which is not in the "
                         "registry",
                         pnp.service);
    }
    start = nt_registry_get(key, "Start", &type, &length);
    disabled = start != NULL && type == REG_DWORD && length == sizeof(*start) && *start == 4;
    free(start);
    return !disabled || host_fail(error, STATUS_INVALID_PARAMETER,
                                  "set its value Start to 3 (on demand), as the INF does",
                                  "service \"%s\" is disabled: Start is 4", pnp.service);
}

void pnp_recall_security(void)
{
    char *text = nt_registry_get_string(PNP_ENUM "\\" PNP_INSTANCE, "Security");

    snprintf(pnp.security, sizeof(pnp.security), "%s", text != NULL ? text : DEFAULT_SECURITY);
    free(text);
}

int32_t host_adapter_open(void)
{
    if (pnp.stage != PNP_STARTED) {
        return STATUS_NO_SUCH_DEVICE;
    }
    return nt_sddl_allows(pnp.security, nt_token_effective().user, GENERIC_READ | GENERIC_WRITE)
               ? STATUS_SUCCESS
               : STATUS_ACCESS_DENIED;
}

/** The first service that has an image. \return its name, to be freed, or NULL. */
static char *find_service(void)
{
    char key[400], *name, *image;

    for (unsigned i = 0; (name = nt_registry_subkey(PNP_SERVICES, i)) != NULL; i++) {
        snprintf(key, sizeof(key), PNP_SERVICES "\\%s", name);
        image = nt_registry_get_string(key, "ImagePath");
        if (image != NULL) {
            free(image);
            return name;
        }
        free(name);
    }
    return NULL;
}

void pnp_recall(void)
{
    char *service = nt_registry_get_string(PNP_ENUM "\\" PNP_INSTANCE, "Service");

    pnp.has_devnode = nt_registry_key_exists(PNP_ENUM "\\" PNP_INSTANCE);
    if (service == NULL && !pnp.has_devnode) {
        service = find_service();
    }
    snprintf(pnp.service, sizeof(pnp.service), "%s", service != NULL ? service : "");
    pnp.stage = service != NULL || pnp.has_devnode ? PNP_INSTALLED : PNP_NOTHING;
    free(service);
}

const char *host_service(void)
{
    return pnp.service[0] != '\0' ? pnp.service : NULL;
}
