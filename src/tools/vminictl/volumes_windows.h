/**
 * \file
 * The volumes of one of the adapter's units, on Windows.
 */
#ifndef VMINICTL_VOLUMES_WINDOWS_H
#define VMINICTL_VOLUMES_WINDOWS_H

#include "tools/vminictl/volumes.h"

/** UTF-8 of UTF-16, allocated. */
char *windows_narrow(const WCHAR *text);

/**
 * Finds the disk or CD-ROM drive that is a child of the adapter and has this address, and the
 * volumes that live on it. A unit that no class driver has started on has none.
 * \param adapter  its device interface.
 * \param volumes  receives them, to be freed.
 * \return false: `problem`.
 */
bool windows_find_volumes(const WCHAR *adapter, VMINI_ADDRESS at, struct volume **volumes,
                          size_t *count, struct os_problem *problem);

/** The volumes that live on a device, in the same way. */
bool windows_volumes_on(struct volume_device device, struct volume **volumes, size_t *count);

extern const struct volume_ops windows_volume_ops;

#endif
