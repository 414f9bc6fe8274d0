/*
 * What disk.sys and cdrom.sys have in common (classpnp): claiming the unit, the property queries
 * without which neither starts, commands and their retries, and what is known of a unit.
 */
#include "storport/class.h"

#include <stdlib.h>
#include <string.h>

#define CLASS_RETRIES 4

/** Copies a field of the INQUIRY data without the spaces that fill it up. */
static void copy_trimmed(char *out, const uint8_t *field, size_t length)
{
    while (length > 0 && (field[length - 1] == ' ' || field[length - 1] == 0)) {
        length--;
    }
    memcpy(out, field, length);
    out[length] = '\0';
}

void class_describe(PPORT_UNIT unit, struct host_unit *out)
{
    const struct class_device *device = unit->Class;

    memset(out, 0, sizeof(*out));
    out->path = unit->Path;
    out->target = unit->Target;
    out->lun = unit->Lun;
    out->device_type = unit->Inquiry[0] & 0x1F;
    out->removable = (unit->Inquiry[1] & 0x80) != 0;
    copy_trimmed(out->vendor, unit->Inquiry + 8, 8);
    copy_trimmed(out->product, unit->Inquiry + 16, 16);
    copy_trimmed(out->revision, unit->Inquiry + 32, 4);
    memcpy(out->serial, unit->Serial, unit->SerialLength);
    if (device != NULL) {
        out->claimed = true;
        out->block_size = device->block_size;
        out->block_count = device->block_count;
        out->write_protected = device->write_protected;
    }
}

static void fill_request(struct class_device *device, struct host_request *request,
                         const uint8_t *cdb, uint8_t cdb_length)
{
    request->path = device->unit->Path;
    request->target = device->unit->Target;
    request->lun = device->unit->Lun;
    request->cdb_length = cdb_length;
    memcpy(request->cdb, cdb, cdb_length);
    request->sense_length = 18; /* SENSE_DATA_EX */
    request->timeout = 10;      /* SCSI_DISK_TIMEOUT */
}

/** Which SRB statuses classpnp tries again. */
static bool worth_a_retry(const struct host_request *request)
{
    switch (SRB_STATUS(request->srb_status)) {
    case SRB_STATUS_BUSY:
    case SRB_STATUS_TIMEOUT:
    case SRB_STATUS_COMMAND_TIMEOUT:
    case SRB_STATUS_BUS_RESET:
    case SRB_STATUS_PARITY_ERROR:
    case SRB_STATUS_UNEXPECTED_BUS_FREE:
        return true;
    case SRB_STATUS_ERROR: /* UNIT ATTENTION is told once, and the command is sent again */
        return request->sense_valid > 2 && (request->sense[2] & 0x0F) == SCSI_SENSE_UNIT_ATTENTION;
    default:
        return false;
    }
}

static bool class_send(struct host_request *request, unsigned retries)
{
    uint8_t status;

    do {
        status = host_execute(request);
    } while (status != SRB_STATUS_SUCCESS && retries-- > 0 && worth_a_retry(request));
    return status == SRB_STATUS_SUCCESS ||
           (status == SRB_STATUS_DATA_OVERRUN && request->transferred <= request->data_length);
}

int class_data_in(struct class_device *device, const uint8_t *cdb, uint8_t cdb_length, void *data,
                  uint32_t length)
{
    struct host_request *request = host_request_create();
    int moved = -1;

    memset(data, 0, length);
    fill_request(device, request, cdb, cdb_length);
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = length;
    if (class_send(request, CLASS_RETRIES)) {
        moved = (int)request->transferred;
    }
    host_request_free(request);
    return moved;
}

bool class_no_data(struct class_device *device, const uint8_t *cdb, uint8_t cdb_length)
{
    struct host_request *request = host_request_create();
    bool succeeded;

    fill_request(device, request, cdb, cdb_length);
    succeeded = class_send(request, 1);
    host_request_free(request);
    return succeeded;
}

NTSTATUS class_ioctl(struct class_device *device, ULONG code, void *buffer, ULONG input,
                     ULONG output)
{
    IO_STATUS_BLOCK status = {.Status = STATUS_INSUFFICIENT_RESOURCES};
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(code, device->pdo, buffer, input, buffer, output, FALSE,
                                        &done, &status);
    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (IoCallDriver(device->pdo, irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    }
    return status.Status;
}

/** The header first, for the size; then the whole. \return whether the property is there. */
static bool query_property(struct class_device *device, STORAGE_PROPERTY_ID id, void *out,
                           ULONG room)
{
    union {
        STORAGE_PROPERTY_QUERY query;
        STORAGE_DESCRIPTOR_HEADER header;
        uint8_t bytes[512];
    } buffer;
    ULONG size;

    memset(&buffer, 0, sizeof(buffer));
    buffer.query.PropertyId = id;
    buffer.query.QueryType = PropertyStandardQuery;
    if (!NT_SUCCESS(class_ioctl(device, IOCTL_STORAGE_QUERY_PROPERTY, &buffer, sizeof(buffer.query),
                                sizeof(buffer.header)))) {
        return false;
    }
    size = min(buffer.header.Size, (ULONG)sizeof(buffer));
    memset(&buffer, 0, sizeof(buffer));
    buffer.query.PropertyId = id;
    buffer.query.QueryType = PropertyStandardQuery;
    if (!NT_SUCCESS(class_ioctl(device, IOCTL_STORAGE_QUERY_PROPERTY, &buffer, sizeof(buffer.query),
                                size))) {
        return false;
    }
    memcpy(out, &buffer, min(size, room));
    return true;
}

bool class_read_capacity(struct class_device *device)
{
    static const uint8_t capacity10[10] = {SCSIOP_READ_CAPACITY};
    static const uint8_t capacity16[16] = {SCSIOP_READ_CAPACITY16,
                                           SERVICE_ACTION_READ_CAPACITY16,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           12};
    uint8_t data[12];
    uint64_t last;

    device->block_size = 0;
    device->block_count = 0;
    if (class_data_in(device, capacity10, sizeof(capacity10), data, 8) < 8) {
        return false;
    }
    last = class_be32(data);
    device->block_size = class_be32(data + 4);
    if (last == UINT32_MAX &&
        class_data_in(device, capacity16, sizeof(capacity16), data, 12) == 12) {
        last = (uint64_t)class_be32(data) << 32 | class_be32(data + 4);
        device->block_size = class_be32(data + 8);
        device->read16 = true;
    }
    device->block_count = last + 1;
    return true;
}

/** The claim ends in the port: no two class drivers start on one unit. */
static bool claim(PPORT_UNIT unit, uint8_t function)
{
    struct host_request *request = host_request_create();
    bool claimed;

    request->path = unit->Path;
    request->target = unit->Target;
    request->lun = unit->Lun;
    request->function = function;
    claimed = host_execute(request) == SRB_STATUS_SUCCESS;
    host_request_free(request);
    return claimed;
}

static PPORT_UNIT unit_of(PDEVICE_OBJECT pdo)
{
    return port_is_unit(pdo) ? ((PPORT_UNIT_DEVICE)pdo->DeviceExtension)->Unit : NULL;
}

void port_class_start(PDEVICE_OBJECT pdo)
{
    PPORT_UNIT unit = unit_of(pdo);
    uint8_t type = unit != NULL ? unit->Inquiry[0] & 0x1F : 0xFF;
    STORAGE_DEVICE_DESCRIPTOR descriptor = {0};
    STORAGE_MINIPORT_DESCRIPTOR miniport;
    struct class_device *device;

    if (PortOptions.NoClassDrivers || unit == NULL || unit->Class != NULL ||
        (type != DIRECT_ACCESS_DEVICE && type != READ_ONLY_DIRECT_ACCESS_DEVICE) ||
        !claim(unit, SRB_FUNCTION_CLAIM_DEVICE)) {
        return;
    }
    device = calloc(1, sizeof(*device));
    device->unit = unit;
    device->pdo = pdo;
    device->device_type = type;
    query_property(device, StorageMiniportProperty, &miniport,
                   sizeof(miniport)); /* may be missing */
    if (!query_property(device, StorageAdapterProperty, &device->adapter,
                        sizeof(device->adapter)) ||
        !query_property(device, StorageDeviceProperty, &descriptor, sizeof(descriptor))) {
        claim(unit, SRB_FUNCTION_RELEASE_DEVICE);
        free(device);
        return;
    }
    device->removable = descriptor.RemovableMedia;
    if (type == DIRECT_ACCESS_DEVICE) {
        class_disk_start(device);
    } else {
        class_cdrom_start(device);
    }
    unit->Class = device;
}

void port_class_remove(PDEVICE_OBJECT pdo)
{
    PPORT_UNIT unit = unit_of(pdo);

    if (unit != NULL && unit->Class != NULL) {
        free(unit->Class);
        unit->Class = NULL;
        if (!unit->Departed) {
            claim(unit, SRB_FUNCTION_RELEASE_DEVICE);
        }
    }
}

void port_start_classes(void)
{
    if (PortTheAdapter == NULL) {
        return;
    }
    for (PPORT_UNIT unit = PortUnitNext(PortTheAdapter, NULL); unit != NULL;
         unit = PortUnitNext(PortTheAdapter, unit)) {
        if (unit->Pdo != NULL && unit->Started && unit->Present && !unit->Departed) {
            port_class_start(unit->Pdo);
        }
    }
}
