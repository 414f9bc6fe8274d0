/*
 * What is done to the volumes of a disk before it goes, in which order, and when it is refused. It
 * touches no system itself.
 */
#include "tools/vminictl/volumes.h"

#include <stdio.h>

#define FORCE "or force it with --force: what has not been written yet is lost"

bool volume_is_on(const struct volume_place *place, struct volume_device device)
{
    if (place->has_device && place->device.type == device.type &&
        place->device.number == device.number) {
        return true;
    }
    for (size_t i = 0; i < place->disk_count && device.type == VOLUME_ON_DISK; i++) {
        if (place->disks[i] == device.number) {
            return true;
        }
    }
    return false;
}

bool volume_same_address(uint8_t path, uint8_t target, uint8_t lun, VMINI_ADDRESS at)
{
    return path == at.Path && target == at.Target && lun == at.Lun;
}

static bool refuse(struct os_problem *problem, const struct volume *volume, const char *what,
                   const char *remedy)
{
    problem->status = EXIT_REFUSED;
    snprintf(problem->what, sizeof(problem->what), "volume %s %s", volume->name, what);
    snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
    return false;
}

/** \return false: one is in use, or cannot be opened. */
static bool lock_all(const struct volume_ops *ops, struct volume *volumes, size_t count, bool force,
                     struct os_problem *problem)
{
    for (size_t i = 0; i < count; i++) {
        if (!ops->open(&volumes[i])) {
            if (!force) {
                return refuse(problem, &volumes[i], "cannot be opened, and so not be dismounted",
                              "look at it in Disk Management, " FORCE);
            }
            continue;
        }
        volumes[i].locked = ops->lock(&volumes[i]);
        if (!volumes[i].locked && !force) {
            return refuse(problem, &volumes[i], "is in use",
                          "close what is open on it (a program, a window, a prompt), " FORCE);
        }
    }
    return true;
}

static bool dismount_all(const struct volume_ops *ops, struct volume *volumes, size_t count,
                         bool force, struct os_problem *problem)
{
    for (size_t i = 0; i < count; i++) {
        if (volumes[i].handle == NULL) {
            continue;
        }
        if (!volumes[i].locked) {
            ops->flush(&volumes[i]);
        }
        if (!ops->dismount(&volumes[i]) && !force) {
            return refuse(problem, &volumes[i], "cannot be dismounted",
                          "look at it in Disk Management, " FORCE);
        }
    }
    return true;
}

bool volumes_take(const struct volume_ops *ops, struct volume *volumes, size_t count, bool force,
                  struct os_problem *problem)
{
    if (lock_all(ops, volumes, count, force, problem) &&
        dismount_all(ops, volumes, count, force, problem)) {
        return true;
    }
    volumes_release(ops, volumes, count);
    return false;
}

void volumes_release(const struct volume_ops *ops, struct volume *volumes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (volumes[i].handle != NULL) {
            ops->close(&volumes[i]);
            volumes[i].handle = NULL;
            volumes[i].locked = false;
        }
    }
}
