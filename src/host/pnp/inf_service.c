/**
 * \file
 * AddService: the kernel service that makes the driver the device's function driver. Without the
 * flag SPSVCINST_ASSOCSERVICE a service is installed but no device gets it, so exactly one must
 * have it.
 * Source: INF AddService Directive.
 */
#include "pnp/inf_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A key that a service-install section must have. */
static const struct inf_line *required(struct inf_walk *walk, const struct inf_section *section,
                                       const char *key)
{
    const struct inf_line *line = inf_next_line(section, key, NULL);

    if (line == NULL || inf_text_or_empty(line, 1)[0] == '\0') {
        struct inf_field place = inf_at_section(section);

        inf_add(walk->findings, walk->inf, INF_ERROR, 1013, &place,
                "Key %s is missing in the service section [%.80s].\nA driver's service needs "
                "ServiceType = 1, StartType = 3, ErrorControl = 1 and ServiceBinary = "
                "%%13%%\\file.sys.",
                key, section->name);
        return NULL;
    }
    return line;
}

/** Reads a required number and compares it with the values that are right for a Plug and Play
 * driver. */
static uint32_t required_number(struct inf_walk *walk, const struct inf_section *section,
                                const char *key, const char *allowed, const char *remedy)
{
    const struct inf_line *line = required(walk, section, key);
    uint32_t value = 0;

    if (line == NULL) {
        return 0;
    }
    if (!inf_field_uint(line, 1, &value) || value > 9 ||
        strchr(allowed, (char)('0' + (int)value)) == NULL) {
        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_BAD_TOKEN, inf_field(line, 1),
                "%s = %.40s is not for a Plug and Play driver.\n%s", key,
                inf_text_or_empty(line, 1), remedy);
    }
    return value;
}

/** Takes "%13%\file.sys" apart. */
static void read_binary(struct inf_walk *walk, const struct inf_line *line,
                        struct inf_service *service)
{
    const char *path = inf_text_or_empty(line, 1);
    const char *end = path[0] == '%' ? strchr(path + 1, '%') : NULL;
    char number[12] = "";

    service->binary = path;
    if (end != NULL) {
        snprintf(number, sizeof(number), "%.*s", (int)(end - path - 1), path + 1);
    }
    if (!inf_parse_uint(number, &service->binary_dirid) || end[1] != '\\' || end[2] == '\0') {
        inf_add(walk->findings, walk->inf, INF_ERROR, 2085, inf_field(line, 1),
                "ServiceBinary = %.80s does not name a directory by its number.\nWrite "
                "%%13%%\\file.sys for a driver that runs from the Driver Store, %%12%%\\file.sys "
                "for System32\\drivers.",
                path);
        service->binary_file = path;
        return;
    }
    service->binary_file = end + 2;
}

static const char *optional(const struct inf_section *section, const char *key)
{
    return inf_text_or_empty(inf_next_line(section, key, NULL), 1);
}

static void read_service(struct inf_walk *walk, const struct inf_section *section,
                         struct inf_service *service)
{
    const struct inf_line *binary;

    service->type = required_number(walk, section, "ServiceType", "1",
                                    "Write ServiceType = 1 (SERVICE_KERNEL_DRIVER).");
    service->start = required_number(walk, section, "StartType", "013",
                                     "Write StartType = 3 (demand); 0 is for drivers of the boot "
                                     "disk, 2 and 4 are never right.");
    service->error_control = required_number(walk, section, "ErrorControl", "0123",
                                             "Write ErrorControl = 1 (SERVICE_ERROR_NORMAL).");
    binary = required(walk, section, "ServiceBinary");
    service->binary = "";
    service->binary_file = "";
    if (binary != NULL) {
        service->line = binary->line;
        read_binary(walk, binary, service);
    }
    service->display_name = optional(section, "DisplayName");
    service->description = optional(section, "Description");
    service->load_order_group = optional(section, "LoadOrderGroup");
    inf_walk_addreg(walk, section, INF_ROOT_SERVICE);
}

/** An AddService without the flag: on Windows an extra service, here nothing. */
static void skip_service(struct inf_walk *walk, const struct inf_line *line)
{
    inf_add(walk->findings, walk->inf, INF_WARNING, INF_CODE_UNSUPPORTED, &line->key,
            "Service \"%.80s\" is not the device's function driver, and this host installs only "
            "that.\nAdd the flag 0x00000002 (SPSVCINST_ASSOCSERVICE) if it should be.",
            inf_text_or_empty(line, 1));
    inf_walk_use(walk, inf_find_section(walk->inf, inf_text_or_empty(line, 3)));
}

/** One AddService line. \return 1 when it is the associated service. */
static int walk_service(struct inf_walk *walk, const struct inf_line *line, int associated)
{
    const struct inf_section *section;
    uint32_t flags = 0;

    if (inf_text_or_empty(line, 2)[0] != '\0' && !inf_field_uint(line, 2, &flags)) {
        inf_add(
            walk->findings, walk->inf, INF_ERROR, INF_CODE_BAD_TOKEN, inf_field(line, 2),
            "The flags of AddService are no number.\nWrite 0x00000002 (SPSVCINST_ASSOCSERVICE).");
        return 1;
    }
    if ((flags & INF_ASSOCSERVICE) == 0) {
        skip_service(walk, line);
        return 0;
    }
    if (associated > 0) {
        inf_add(walk->findings, walk->inf, INF_ERROR, 1211, &line->key,
                "A second service is associated with the device.\nLeave the flag 0x00000002 to the "
                "function driver alone.");
        return 1;
    }
    if (inf_text_or_empty(line, 1)[0] == '\0') {
        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_UNSUPPORTED, &line->key,
                "AddService names no service: the device would run without a driver.\nName the "
                "service.");
        return 1;
    }
    section = inf_walk_section(walk, line, 3, "AddService");
    walk->out->service.name = inf_text_or_empty(line, 1);
    walk->out->service.flags = flags;
    if (section != NULL) {
        read_service(walk, section, &walk->out->service);
    }
    return 1;
}

void inf_walk_services(struct inf_walk *walk, const struct inf_section *install)
{
    char name[INF_MAX_SECTION_NAME * 4 + 16];
    const struct inf_section *services;
    const struct inf_line *line = NULL;
    struct inf_field place;
    int associated = 0;

    snprintf(name, sizeof(name), "%s.Services", install->name);
    services = inf_find_section(walk->inf, name);
    while ((line = inf_next_line(services, "AddService", line)) != NULL) {
        associated += walk_service(walk, line, associated);
    }
    if (associated == 0) {
        place = inf_at_section(services);
        inf_add(walk->findings, walk->inf, INF_ERROR, 1296, &place,
                "No service is associated with the hardware: the device would have no "
                "driver.\nGive AddService the flag 0x00000002 (SPSVCINST_ASSOCSERVICE).");
    }
}
