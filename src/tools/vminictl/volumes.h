/**
 * \file
 * Before a disk goes, its file systems have to write what they hold in memory: the driver takes a
 * disk away at once, and what comes later is lost. What is decided here is the same for every
 * system; how a volume is found, locked and dismounted is the system's (volumes_windows.c), or a
 * test's.
 */
#ifndef VMINICTL_VOLUMES_H
#define VMINICTL_VOLUMES_H

#include "tools/vminictl/os.h"

#include <stddef.h>
#include <stdint.h>

/** A device that can hold volumes: STORAGE_DEVICE_NUMBER. */
struct volume_device {
    uint32_t type; /**< FILE_DEVICE_DISK, FILE_DEVICE_CD_ROM. */
    uint32_t number;
};
#define VOLUME_ON_DISK 7u /**< FILE_DEVICE_DISK: what the numbers of extents are of. */

/** Where a volume lives. */
struct volume_place {
    bool has_device;             /**< It says which device it is on. */
    struct volume_device device; /**< One that is on several does not say. */
    const uint32_t *disks;       /**< The disk of each of its extents. */
    size_t disk_count;           /**< 0 on a CD-ROM. */
};

/** Is it on this device, or does a part of it? */
bool volume_is_on(const struct volume_place *place, struct volume_device device);
/** Is a unit at this path, target and logical unit the one that is meant? */
bool volume_same_address(uint8_t path, uint8_t target, uint8_t lun, VMINI_ADDRESS at);

#define VOLUME_NAME 320

/** A volume that is to be taken away. */
struct volume {
    char name[VOLUME_NAME]; /**< As people know it: "E:\\", or its GUID. */
    void *path;             /**< As the system opens it, malloc'ed. */
    void *handle;           /**< NULL = not open. */
    bool locked;
};

/** What a system does with a volume. */
struct volume_ops {
    /** Opens it. */
    bool (*open)(struct volume *volume);
    /** Nobody else has anything open on it, nor can open it: what it held in memory is written. */
    bool (*lock)(struct volume *volume);
    /** Writes what it holds in memory, although somebody else uses it. */
    void (*flush)(struct volume *volume);
    /** Its file system goes. */
    bool (*dismount)(struct volume *volume);
    /** Closes it: the lock goes, too. */
    void (*close)(struct volume *volume);
};

/**
 * Locks all, then dismounts all: when one is in use none has been touched. They stay open, and so
 * stay dismounted, until volumes_release().
 * \param force  also what is in use; what others have not written yet is lost.
 * \return false: `problem` names the volume, and all are closed.
 */
bool volumes_take(const struct volume_ops *ops, struct volume *volumes, size_t count, bool force,
                  struct os_problem *problem);
void volumes_release(const struct volume_ops *ops, struct volume *volumes, size_t count);

#endif
