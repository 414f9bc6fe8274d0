/**
 * \file
 * The inside of the bus, private to bus.c and delete.c.
 */
#ifndef VMINI_TABLE_H
#define VMINI_TABLE_H

#include "02-dispatch/service.h"

/** One address. */
typedef struct _VMINI_SLOT {
    PVMINI_DEVICE Device; /**< Published here, or NULL. */
    BOOLEAN Reserved;     /**< Taken: by Device, or by a connection in the making. */
} VMINI_SLOT;

/**
 * The logical units of one target. Allocated when its first address is reserved, kept until the bus
 * goes.
 */
typedef struct _VMINI_TARGET {
    ULONG Present;       /**< Devices that are not missing. */
    VMINI_SLOT Slots[1]; /**< MaximumLuns of them. */
} VMINI_TARGET, *PVMINI_TARGET;

/** The bus. Nonpaged. */
struct _VMINI_BUS {
    PKTHREAD DeleteThread;
    /** Synchronization event: there may be something for the delete thread to do. */
    KEVENT DeleteWork;

    KSPIN_LOCK Lock; /**< Guards what follows, and the second group of VMINI_DEVICE. */
    LIST_ENTRY Devices;
    ULONG Present; /**< Devices that are not missing. */
    BOOLEAN Ending;

    /** NumberOfBuses x MaximumTargets; NULL: nothing was ever connected there. */
    PVMINI_TARGET Targets[1];
};

/**
 * The slot of an address, or NULL: outside the bus, or a target that never had a device.
 * \locks{bus lock held}
 */
VMINI_SLOT *VminiBusSlot(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_ADDRESS Address);

/** The place of a target in the table. The address must lie on the bus. \locks{bus lock held} */
PVMINI_TARGET *VminiBusTarget(_In_ PVMINI_ADAPTER Adapter, _In_ UCHAR Path, _In_ UCHAR Target);

/** Marks a device Missing. \return FALSE if it was already. \locks{bus lock held} */
BOOLEAN VminiBusMarkMissing(_In_ PVMINI_ADAPTER Adapter, _Inout_ PVMINI_DEVICE Device);

/** The delete thread; Context is the adapter. \irql{PASSIVE_LEVEL} \thread{its own} */
KSTART_ROUTINE VminiDeleteThread;

#endif
