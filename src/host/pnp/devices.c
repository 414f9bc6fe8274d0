/*
 * The device tree as Device Manager shows it: the adapter's devnode from the registry, and the
 * units that the adapter reports, which only exist while it is started.
 */
#include "install.h"
#include "pnp/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Copies a REG_SZ, or the first string of a REG_MULTI_SZ. */
static void take_string(const char *value, char *out, size_t size)
{
    char *text = nt_registry_get_string(PNP_ENUM "\\" PNP_INSTANCE, value);

    snprintf(out, size, "%s", text != NULL ? text : "");
    free(text);
}

static void describe_adapter(struct host_device *device)
{
    struct host_error error = {.message = ""};

    memset(device, 0, sizeof(*device));
    snprintf(device->instance, sizeof(device->instance), "%s", PNP_INSTANCE);
    take_string("HardwareID", device->hardware_id, sizeof(device->hardware_id));
    take_string("DeviceDesc", device->description, sizeof(device->description));
    take_string("Service", device->service, sizeof(device->service));
    device->started = pnp.stage == PNP_STARTED;
    if (device->service[0] == '\0') {
        snprintf(device->problem, sizeof(device->problem), "no driver is installed for it");
    } else if (!pnp_service_check(&error)) {
        snprintf(device->problem, sizeof(device->problem), "%s", error.message);
    } else if (pnp.stage == PNP_FAILED) {
        snprintf(device->problem, sizeof(device->problem), "%s", pnp.problem);
    }
}

static void fill_id(PIO_STACK_LOCATION stack, void *context)
{
    stack->Parameters.QueryId.IdType = *(BUS_QUERY_ID_TYPE *)context;
}

/** Asks a unit for an identifier. */
static void query_id(PDEVICE_OBJECT pdo, BUS_QUERY_ID_TYPE type, char *out, size_t size)
{
    ULONG_PTR text = 0;
    size_t chars = 0;
    char *utf8;

    out[0] = '\0';
    if (!NT_SUCCESS(pnp_send(pdo, IRP_MN_QUERY_ID, fill_id, &type, &text)) || text == 0) {
        return;
    }
    while (((WCHAR *)text)[chars] != 0) {
        chars++;
    }
    utf8 = nt_utf8((WCHAR *)text, chars);
    snprintf(out, size, "%s", utf8 != NULL ? utf8 : "");
    free(utf8);
    ExFreePool((PVOID)text);
}

static void describe_unit(PDEVICE_OBJECT pdo, struct host_device *device)
{
    char place[40];

    memset(device, 0, sizeof(*device));
    device->is_unit = true;
    device->started = true;
    query_id(pdo, BusQueryDeviceID, device->hardware_id, sizeof(device->hardware_id));
    query_id(pdo, BusQueryInstanceID, place, sizeof(place));
    snprintf(device->instance, sizeof(device->instance), "%s\\%s", device->hardware_id, place);
    snprintf(device->service, sizeof(device->service), "%s",
             strncmp(device->hardware_id, "SCSI\\CdRom", 10) == 0 ? "cdrom"
             : strncmp(device->hardware_id, "SCSI\\Disk", 9) == 0 ? "disk"
                                                                  : "");
}

struct list {
    struct host_device *devices;
    unsigned room, count;
};

/** In the PnP thread: no unit comes or goes meanwhile. */
static void list_task(void *context)
{
    struct list *list = context;

    if (pnp.has_devnode && list->count++ < list->room) {
        describe_adapter(&list->devices[list->count - 1]);
    }
    for (size_t i = 0; i < pnp.child_count; i++) {
        if (list->count++ < list->room) {
            describe_unit(pnp.children[i], &list->devices[list->count - 1]);
        }
    }
}

unsigned host_devices(struct host_device *devices, unsigned count)
{
    struct list list = {devices, count, 0};

    pnp_run(list_task, &list);
    return list.count;
}

bool host_started(void)
{
    return pnp_started();
}

bool host_loaded(void)
{
    return pnp_driver() != NULL;
}

/** Takes the software key away. */
static void delete_driver_key(void)
{
    char driver[80], key[160];

    take_string("Driver", driver, sizeof(driver));
    if (driver[0] != '\0') {
        snprintf(key, sizeof(key), PNP_CLASS "\\%s", driver);
        nt_registry_delete_tree(key);
    }
}

bool host_uninstall(bool service, struct host_error *error)
{
    char key[256];

    if (pnp.stage == PNP_STARTED || pnp.driver != NULL) {
        return host_fail(error, STATUS_DEVICE_BUSY,
                         "remove the adapter and unload the driver first", "\"%s\" is in use",
                         pnp.service);
    }
    if (pnp.stage == PNP_NOTHING) {
        return host_fail(error, STATUS_OBJECT_NAME_NOT_FOUND, "nothing to do",
                         "no device node and no service is installed");
    }
    service |= !pnp.has_devnode;
    if (pnp.has_devnode) {
        delete_driver_key();
        nt_registry_delete_tree(PNP_ENUM "\\" PNP_INSTANCE);
        pnp.has_devnode = false;
    }
    if (service && pnp.service[0] != '\0') {
        nt_registry_delete_tree(pnp_service_key(key, sizeof(key), ""));
    }
    pnp_recall();
    return true;
}
