/*
 * cdrom.sys, the start sequence: INQUIRY, the media-change probe by GET EVENT STATUS NOTIFICATION,
 * GET CONFIGURATION and what follows for an MMC drive, READ CAPACITY. The order is that of
 * Microsoft's published source.
 */
#include "storport/class.h"

#include <string.h>

#define FEATURE_DVD_READ 0x001F

/** 36 bytes, and again with the length that they announce. */
static void read_inquiry(struct class_device *device)
{
    uint8_t cdb[6] = {SCSIOP_INQUIRY, 0, 0, 0, 36};
    uint8_t data[260];

    if (class_data_in(device, cdb, sizeof(cdb), data, 36) >= 36 && data[4] + 5u != 36) {
        cdb[3] = (uint8_t)((data[4] + 5u) >> 8);
        cdb[4] = (uint8_t)(data[4] + 5u);
        class_data_in(device, cdb, sizeof(cdb), data, data[4] + 5u);
    }
}

/** \return whether the drive tells of events; if not, TEST UNIT READY is polled. */
static bool probe_event_status(struct class_device *device)
{
    uint8_t cdb[10] = {SCSIOP_GET_EVENT_STATUS, 1, 0, 0, 0x10, 0, 0, 0, 8};
    uint8_t data[8];

    return class_data_in(device, cdb, sizeof(cdb), data, sizeof(data)) >= 4;
}

/** All features, then the first of them alone. \return whether it is an MMC drive; `dvd`: it reads
 * DVDs. */
static bool read_configuration(struct class_device *device, bool *dvd)
{
    uint8_t all[10] = {SCSIOP_GET_CONFIGURATION, 0, 0, 0, 0, 0, 0, 0x10, 0};
    uint8_t one[10] = {SCSIOP_GET_CONFIGURATION, 2, 0, 0, 0, 0, 0, 0, 16};
    static const size_t room = 0x1000;
    uint8_t data[0x1000];
    int length = class_data_in(device, all, sizeof(all), data, (uint32_t)room);

    *dvd = false;
    if (length < 8) {
        return false;
    }
    for (size_t at = 8; at + 4 <= (size_t)length; at += 4u + data[at + 3]) {
        *dvd = *dvd || (data[at] << 8 | data[at + 1]) == FEATURE_DVD_READ;
    }
    class_data_in(device, one, sizeof(one), data, 16);
    return true;
}

/** Page 2Ah by MODE SENSE(10), three tries, then by MODE SENSE(6). */
static void read_capabilities(struct class_device *device)
{
    uint8_t ten[10] = {SCSIOP_MODE_SENSE10, 0x08, MODE_PAGE_CAPABILITIES, 0, 0, 0, 0, 0, 0x2A};
    uint8_t six[6] = {SCSIOP_MODE_SENSE, 0x08, MODE_PAGE_CAPABILITIES, 0, 0x1E};
    uint8_t data[0x2A];

    for (unsigned attempt = 0; attempt < 3; attempt++) {
        if (class_data_in(device, ten, sizeof(ten), data, sizeof(data)) >= 8) {
            return;
        }
    }
    class_data_in(device, six, sizeof(six), data, 0x1E);
}

/** The region setup of DVD drives: REPORT KEY (RPC state). */
static void read_region(struct class_device *device)
{
    uint8_t cdb[12] = {SCSIOP_REPORT_KEY, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0x08};
    uint8_t data[8];

    class_data_in(device, cdb, sizeof(cdb), data, sizeof(data));
}

void class_cdrom_start(struct class_device *device)
{
    static const uint8_t test_unit_ready[6] = {SCSIOP_TEST_UNIT_READY};
    SCSI_ADDRESS address;
    bool events, dvd;

    class_ioctl(device, IOCTL_SCSI_GET_ADDRESS, &address, 0, sizeof(address));
    read_inquiry(device);
    events = probe_event_status(device);
    device->mmc = read_configuration(device, &dvd);
    if (device->mmc) {
        read_capabilities(device);
    }
    class_read_capacity(device); /* success says that there is a medium */
    if (dvd) {
        read_region(device);
    }
    device->write_protected = true;
    if (events) { /* the first tick of the timer */
        probe_event_status(device);
    } else {
        class_no_data(device, test_unit_ready, sizeof(test_unit_ready));
    }
}
