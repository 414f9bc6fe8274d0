/*
 * disk.sys with classpnp, the start sequence: DiskInitFdo (capacity, the first block, failure
 * prediction), the VPD pages, DiskStartFdo (the caching page). The order and the allocation lengths
 * are those of Microsoft's published source.
 */
#include "storport/class.h"

#include <stdlib.h>
#include <string.h>

#define MODE_CACHING                0x08
#define MODE_INFORMATION_EXCEPTIONS 0x1C

/** LBA 0, as HalExamineMBR and DiskReadSignature read it: once each. */
static void read_first_block(struct class_device *device)
{
    uint8_t cdb10[10] = {SCSIOP_READ, 0, 0, 0, 0, 0, 0, 0, 1};
    uint8_t cdb16[16] = {SCSIOP_READ16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    void *block;

    if (device->block_size == 0 || device->block_size > 65536 || device->block_count == 0) {
        return;
    }
    block = malloc(device->block_size);
    for (unsigned reader = 0; reader < 2; reader++) {
        if (device->read16) {
            class_data_in(device, cdb16, sizeof(cdb16), block, device->block_size);
        } else {
            class_data_in(device, cdb10, sizeof(cdb10), block, device->block_size);
        }
    }
    free(block);
}

/** SMART through IOCTL_SCSI_MINIPORT; a miniport that knows none refuses the signature, and MODE
 * SENSE page 1Ch follows. */
static void probe_failure_prediction(struct class_device *device)
{
    struct {
        SRB_IO_CONTROL header;
        uint8_t data[528];
    } smart;
    uint8_t mode_sense[6] = {SCSIOP_MODE_SENSE, 0x08, MODE_INFORMATION_EXCEPTIONS, 0, 192};
    uint8_t page[192];
    SCSI_ADDRESS address;

    if (!NT_SUCCESS(class_ioctl(device, IOCTL_SCSI_GET_ADDRESS, &address, 0, sizeof(address)))) {
        return;
    }
    memset(&smart, 0, sizeof(smart));
    smart.header.HeaderLength = sizeof(smart.header);
    memcpy(smart.header.Signature, "SCSIDISK", 8);
    smart.header.Timeout = 10;
    smart.header.ControlCode = IOCTL_SCSI_MINIPORT_IDENTIFY;
    smart.header.Length = sizeof(smart.data);
    if (!NT_SUCCESS(
            class_ioctl(device, IOCTL_SCSI_MINIPORT, &smart, sizeof(smart), sizeof(smart)))) {
        class_data_in(device, mode_sense, sizeof(mode_sense), page, sizeof(page));
    }
}

static int inquiry_vpd(struct class_device *device, uint8_t page, uint8_t *data)
{
    uint8_t cdb[6] = {SCSIOP_INQUIRY, 1, page, 0, 0xFF};

    return class_data_in(device, cdb, sizeof(cdb), data, 0xFF);
}

/** The list must begin with 00h and ascend, or none of it counts. */
static bool page_listed(const uint8_t *list, int length, uint8_t page)
{
    bool found = false;

    for (int i = 0; i < list[3] && 4 + i < length; i++) {
        if (i == 0 ? list[4] != 0 : list[4 + i] <= list[4 + i - 1]) {
            return false;
        }
        found = found || list[4 + i] == page;
    }
    return found;
}

static void read_vpd_pages(struct class_device *device)
{
    static const uint8_t wanted[] = {0xB2, 0xB0, 0x8F};
    uint8_t list[0xFF], page[0xFF];
    int length = inquiry_vpd(device, 0, list);

    if (length < 5) {
        return;
    }
    for (size_t i = 0; i < sizeof(wanted); i++) {
        if (page_listed(list, length, wanted[i])) {
            int got = inquiry_vpd(device, wanted[i], page);

            device->thin = device->thin || (wanted[i] == 0xB2 && got > 6 && (page[6] & 7) == 2);
        }
    }
}

/** The caching page: PC = current, 192 bytes, asked once more if fewer than 4 come. Bit 7 of the
 * header's third byte is the write protection. */
static void read_caching_page(struct class_device *device)
{
    uint8_t cdb[6] = {SCSIOP_MODE_SENSE, 0, MODE_CACHING, 0, 192};
    uint8_t data[192];
    int length = class_data_in(device, cdb, sizeof(cdb), data, sizeof(data));
    size_t page;

    if (length < 4) {
        length = class_data_in(device, cdb, sizeof(cdb), data, sizeof(data));
    }
    if (length < 4) {
        return;
    }
    device->write_protected = (data[2] & 0x80) != 0;
    page = 4u + data[3];
    if (page + 3 <= (size_t)length && (data[page] & 0x3F) == MODE_CACHING) {
        device->write_cache = (data[page + 2] & 0x04) != 0;
    }
}

void class_disk_start(struct class_device *device)
{
    static const uint8_t test_unit_ready[6] = {SCSIOP_TEST_UNIT_READY};
    STORAGE_HOTPLUG_INFO hotplug;

    class_ioctl(device, IOCTL_STORAGE_GET_HOTPLUG_INFO, &hotplug, 0,
                sizeof(hotplug)); /* the port does not have it */
    if (!class_read_capacity(device)) {
        device->block_size = 0; /* the disk starts nevertheless, without a medium */
    }
    read_first_block(device);
    if (!device->removable) {
        class_read_capacity(device);
    }
    probe_failure_prediction(device);
    read_vpd_pages(device);
    read_caching_page(device);
    /* The first tick of the media-change poll, which comes every second afterwards. */
    if (device->removable) {
        class_no_data(device, test_unit_ready, sizeof(test_unit_ready));
    }
}
