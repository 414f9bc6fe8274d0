/**
 * \file
 * The class drivers' side: disk.sys and cdrom.sys as far as their start sequences go, on LU PDOs.
 * Host code, not driver code: what they learn goes into struct host_unit.
 */
#ifndef STORPORT_CLASS_H
#define STORPORT_CLASS_H

#include "host.h"
#include "storport/internal.h"
#include "storport/port.h"

/** A class driver on one LU PDO: PORT_UNIT.Class. */
struct class_device {
    PPORT_UNIT unit;
    PDEVICE_OBJECT pdo;
    uint8_t device_type;
    bool removable, write_protected, mmc;
    bool read16; /**< Last LBA beyond 32 bits: the 16-byte commands from then on. */
    bool write_cache;
    bool thin;
    uint32_t block_size;
    uint64_t block_count;
    STORAGE_ADAPTER_DESCRIPTOR adapter;
};

/** Fills the public description of a unit. */
void class_describe(PPORT_UNIT unit, struct host_unit *out);
/** disk.sys and classpnp: DiskInitFdo, DiskStartFdo. */
void class_disk_start(struct class_device *device);
/** cdrom.sys. */
void class_cdrom_start(struct class_device *device);

/** A command with data in, in the way of classpnp. \return bytes moved, or -1 if it failed. */
int class_data_in(struct class_device *device, const uint8_t *cdb, uint8_t cdb_length, void *data,
                  uint32_t length);
/** A command without data. \return whether it succeeded. */
bool class_no_data(struct class_device *device, const uint8_t *cdb, uint8_t cdb_length);
/** A METHOD_BUFFERED IOCTL to the PDO. \return its status. */
NTSTATUS class_ioctl(struct class_device *device, ULONG code, void *buffer, ULONG input,
                     ULONG output);
/** READ CAPACITY(10), and (16) if the last LBA needs it. \return false if there is no medium. */
bool class_read_capacity(struct class_device *device);

static inline uint32_t class_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

#endif
