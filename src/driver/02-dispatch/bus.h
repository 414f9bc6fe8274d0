/**
 * \file
 * The devices on the bus: a table by path, target and LUN, references, arrival and departure.
 *
 * A device is found under the bus lock and referenced under it; whoever drops the last reference
 * lets the delete thread free it. The protocol by which a device leaves is the articles': it is
 * marked Missing, Storport is told that the bus changed, the scan that then gets "no device" sets
 * ReportedMissing. The delete thread does the rest in two steps: it closes the file as soon as no
 * SRB refers to the device (the volume under the image may be waiting for that), and frees the
 * record, and with it the address, once the device is ReportedMissing.
 *
 * What counts as a scan? Not time, and not an INQUIRY alone, which any program may send: a disk that
 * came to the address before Storport has missed the old one would be taken for it, with the old
 * one's file system still mounted. A scan asks the target for its list first, and then each unit
 * that it knew. So both must have been answered without the device since it is Missing: REPORT LUNS,
 * then INQUIRY. Storport need not ask a unit that it has lost sight of already (it was in the middle
 * of a scan): then the list of a second scan does, which we have asked for after the first. If no
 * scan comes, Storport is told again that the bus changed, and once more, each time after twice as
 * long; the address stays taken.
 * \article{Part III, IOCTL_OSRVMPORT_DISCONNECT}
 */
#ifndef VMINI_BUS_H
#define VMINI_BUS_H

#include "03-scsi/scsi.h"

/**
 * How long Storport's questions are waited for, of a device that arrived and of one that is missing:
 * 10 s in 100 ns.
 */
#define VMINI_REPORT_TIMEOUT (10LL * 1000 * 1000 * 10)

struct _VMINI_CONNECTION;

/** A device on the bus. Nonpaged. \article{Part III, Figure 6, OSR_VM_DEVICE} */
typedef struct _VMINI_DEVICE {
    /* Set before the device is published in the table, read-only afterwards. */
    VMINI_UNIT Unit;
    struct _VMINI_CONNECTION *Connection; /**< Who connected it; owned by the device. */
    BOOLEAN Static; /**< The registry names it: it waits for Storport as long as that takes. */

    /* Guarded by the bus lock. */
    LIST_ENTRY Link; /**< All devices of the bus, in order of arrival. */
    /** 1 for the table, 1 for each SRB, each lookup. The delete thread drops the first. */
    LONG References;
    BOOLEAN Enumerated;      /**< Storport's INQUIRY has seen it. */
    BOOLEAN Missing;         /**< On its way out: lookups no longer find it. */
    BOOLEAN Unlisted;        /**< Missing, and a REPORT LUNS has been answered without it. */
    BOOLEAN UnlistedBefore;  /**< And after that Storport was asked for another scan. */
    BOOLEAN ReportedMissing; /**< Missing, and a scan has been told so: see above. */
    UCHAR Asked;             /**< How often Storport was told again that the bus changed. */
    BOOLEAN Closed;          /**< The delete thread has closed the file. */
    /** Unbiased interrupt time of arrival, then of Missing; or when Storport was last told again. */
    ULONGLONG Since;
} VMINI_DEVICE, *PVMINI_DEVICE;

/** Creates the empty bus and the delete thread. \irql{PASSIVE_LEVEL} */
NTSTATUS VminiBusCreate(_Inout_ PVMINI_ADAPTER Adapter);

/**
 * Every device departs, at once and without Storport; waits for the delete thread; frees the bus.
 * No connection may be in the making any more (VminiServiceDrain). \irql{PASSIVE_LEVEL}
 * \locks{none}
 */
VOID VminiBusDestroy(_Inout_ PVMINI_ADAPTER Adapter);

/**
 * Finds the device at an address and references it. A device that is Missing is not found.
 * \return the device, to be given back with VminiBusDereference, or NULL.
 * \irql{<= DISPATCH_LEVEL} \locks{takes the bus lock} \article{Part III, Figure 7, FindOsrVmDevice}
 */
PVMINI_DEVICE VminiBusFind(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_ADDRESS Address);

/**
 * An INQUIRY for this address is about to be told that nobody is there: a device that is Missing
 * there, and that a REPORT LUNS has left out already, becomes ReportedMissing, and the delete thread
 * hears of it.
 * \irql{<= DISPATCH_LEVEL} \locks{takes the bus lock}
 */
VOID VminiBusReportMissing(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_ADDRESS Address);

/** Gives a reference back. The device may be freed any time afterwards. \irql{<= DISPATCH_LEVEL} */
VOID VminiBusDereference(_In_ PVMINI_ADAPTER Adapter, _In_ _Post_invalid_ PVMINI_DEVICE Device);

/** TRUE when the target has at least one device that is not missing. \irql{<= DISPATCH_LEVEL} */
BOOLEAN VminiBusTargetExists(_In_ PVMINI_ADAPTER Adapter, _In_ UCHAR Path, _In_ UCHAR Target);

/**
 * See VMINI_LIST_LUNS. A device that is Missing becomes Unlisted by it, in the same breath as the
 * list is made; so it is also called for a target that has nobody left, with Count 0.
 * \irql{<= DISPATCH_LEVEL}
 */
VMINI_LIST_LUNS VminiBusListLuns;

/**
 * Reserves a free address: the wanted one, or (all 0xFF) the first that is free in the order LUN,
 * target, path. The address is held until VminiBusArrive publishes a device there or
 * VminiBusReleaseAddress gives it back.
 * \return STATUS_SUCCESS, STATUS_INVALID_PARAMETER (outside the bus), STATUS_DEVICE_BUSY (taken),
 *         STATUS_INSUFFICIENT_RESOURCES (bus full, or no memory).
 * \irql{PASSIVE_LEVEL} \locks{takes the bus lock}
 */
NTSTATUS VminiBusReserveAddress(_In_ PVMINI_ADAPTER Adapter, _Inout_ PVMINI_ADDRESS Address);
/** Gives back an address that no device took. \irql{<= DISPATCH_LEVEL} \locks{takes the bus lock} */
VOID VminiBusReleaseAddress(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_ADDRESS Address);

/**
 * Publishes a whole device at its reserved address and tells Storport.
 * \article{Part III, OsrSPAnnounceArrival}
 * \irql{PASSIVE_LEVEL} \locks{none held}
 */
VOID VminiBusArrive(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device);

/**
 * Marks a device Missing and tells Storport. Idempotent. \article{Part III, OsrSPAnnounceDeparture}
 * \return TRUE if this call was the one that marked it.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
BOOLEAN VminiBusDepart(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device);

/**
 * Marks a device as enumerated: Storport's INQUIRY got its answer.
 * \return TRUE the first time, unless it is Missing.
 * \irql{<= DISPATCH_LEVEL}
 */
BOOLEAN VminiBusMarkEnumerated(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device);

/**
 * A reset clears what a unit remembers of its initiators: see VminiUnitReset.
 * \irql{<= DISPATCH_LEVEL} \locks{takes the bus lock}
 */
VOID VminiBusResetUnits(_In_ PVMINI_ADAPTER Adapter, _In_ const VMINI_SCOPE *Scope);

/** Number of devices that are not missing. \irql{<= DISPATCH_LEVEL} */
ULONG VminiBusCount(_In_ PVMINI_ADAPTER Adapter);

#endif
