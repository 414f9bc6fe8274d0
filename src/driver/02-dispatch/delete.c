/**
 * \file
 * The delete thread: closes files and frees devices when nobody refers to them any more.
 *
 * It is the only one that ever frees a device. Whoever changes something that it waits for (the
 * last reference of a missing device, ReportedMissing, a new device) sets DeleteWork; it then looks
 * at every device anew, so that no wake-up can be lost, and goes back to sleep until the next event
 * or the next deadline. A deadline frees nothing: it makes a CONNECT fail whose device Storport has
 * not asked for (a program waits for it; nobody does for one of the registry's), and of everything
 * else it says again that the bus changed. The articles' delete
 * thread looked at devices only when Storport happened to ask for one, and freed nothing if it never
 * did.
 * \article{Part III, DeleteDevicesThread}
 */
#include "02-dispatch/table.h"

/** What a device needs next. */
typedef enum _VMINI_DELETE_STEP {
    VminiStepNone,
    VminiStepAsk,     /**< Storport has not asked: tell it again that the bus changed. */
    VminiStepTimeout, /**< It arrived, but Storport has not asked for it: it goes again. */
    VminiStepClose,   /**< No SRB refers to it: close the file. */
    VminiStepFree,    /**< Closed and reported: free record and address. */
} VMINI_DELETE_STEP;

/** Scans are costly: after a few times the time between two is doubled no more (10 s, then 20 s, up
 *  to 320 s). */
#define VMINI_ASK_DOUBLINGS 5

/**
 * What to do with one device now.
 * \param Deadline  lowered to the time when it must be looked at again at the latest.
 *                  \locks{bus lock held}
 */
static VMINI_DELETE_STEP VminiDeleteDecide(_In_ const VMINI_DEVICE *Device, _In_ ULONGLONG Now,
                                           _Inout_ PULONGLONG Deadline)
{
    ULONGLONG Patience = Device->Since + ((ULONGLONG)VMINI_REPORT_TIMEOUT << Device->Asked);

    //! [delete-steps]
    if (Device->Missing && !Device->Closed) {
        return Device->References == 1 ? VminiStepClose : VminiStepNone;
    }
    if (Device->Missing && (Device->ReportedMissing || !Device->Enumerated)) {
        /* One that Storport never saw, it need not miss. No reference: it was so when it was closed,
         * and nobody finds a missing device. */
        NT_ASSERT(Device->References == 1);
        return VminiStepFree;
    }
    if (!Device->Missing && Device->Enumerated) {
        return VminiStepNone;
    }
    if (Now >= Patience) {
        return Device->Missing || Device->Static ? VminiStepAsk : VminiStepTimeout;
    }
    //! [delete-steps]
    *Deadline = min(*Deadline, Patience);
    return VminiStepNone;
}

/** Storport is about to be told again. \locks{bus lock held} */
static VOID VminiDeleteAsk(_Inout_ PVMINI_DEVICE Device, _In_ ULONGLONG Now)
{
    Device->UnlistedBefore = Device->Unlisted;
    Device->Since = Now;
    if (Device->Asked < VMINI_ASK_DOUBLINGS) {
        Device->Asked++;
    }
}

/** Takes a device out of the table. \locks{bus lock held} */
static VOID VminiDeleteUnlink(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device)
{
    VMINI_SLOT *Slot = VminiBusSlot(Adapter, Device->Unit.Address);

    Slot->Device = NULL;
    Slot->Reserved = FALSE;
    RemoveEntryList(&Device->Link);
}

/**
 * Finds a device that needs something; one to be freed is already out of the table.
 * \irql{PASSIVE_LEVEL}
 */
static VMINI_DELETE_STEP VminiDeleteNext(_In_ PVMINI_ADAPTER Adapter,
                                         _Outptr_ PVMINI_DEVICE *Device, _Out_ PULONGLONG Deadline,
                                         _Out_ PBOOLEAN Ended)
{
    PVMINI_BUS Bus = Adapter->Bus;
    ULONGLONG Now = KeQueryUnbiasedInterruptTime();
    VMINI_DELETE_STEP Step = VminiStepNone;
    PLIST_ENTRY Link;
    KIRQL OldIrql;

    *Device = NULL;
    *Deadline = MAXULONGLONG;
    KeAcquireSpinLock(&Bus->Lock, &OldIrql);
    for (Link = Bus->Devices.Flink; Step == VminiStepNone && Link != &Bus->Devices;
         Link = Link->Flink) {
        *Device = CONTAINING_RECORD(Link, VMINI_DEVICE, Link);
        Step = VminiDeleteDecide(*Device, Now, Deadline);
    }
    if (Step == VminiStepFree) {
        VminiDeleteUnlink(Adapter, *Device);
    } else if (Step == VminiStepAsk) {
        VminiDeleteAsk(*Device, Now);
    } else if (Step == VminiStepTimeout) {
        /* Under the lock: an INQUIRY that comes now comes too late. */
        (VOID) VminiBusMarkMissing(Adapter, *Device);
    }
    *Ended = Bus->Ending && IsListEmpty(&Bus->Devices);
    KeReleaseSpinLock(&Bus->Lock, OldIrql);
    return Step;
}

/** Does what VminiDeleteNext found. \irql{PASSIVE_LEVEL} \locks{none held} */
static VOID VminiDeleteDo(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device,
                          _In_ VMINI_DELETE_STEP Step)
{
    KIRQL OldIrql;

    switch (Step) {
    case VminiStepAsk:
        /* Nobody but us frees it. */
        VminiTrace(Adapter, TRACE_LEVEL_WARNING, VMINI_TRACE_PNP, L"bus change told again",
                   L"target", Device->Unit.Address.Target, L"lun", Device->Unit.Address.Lun);
        StorPortNotification(BusChangeDetected, Adapter, Device->Unit.Address.Path);
        break;
    case VminiStepTimeout:
        VminiServiceNotEnumerated(Adapter, Device);
        break;
    case VminiStepClose:
        VminiServiceDeviceGone(Adapter, Device);
        KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
        Device->Closed = TRUE;
        KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
        break;
    case VminiStepFree:
        ExFreePoolWithTag(Device, VMINI_TAG_BUS);
        break;
    default:
        break;
    }
}

_Use_decl_annotations_ VOID NTAPI VminiDeleteThread(PVOID Context)
{
    PVMINI_ADAPTER Adapter = Context;
    PVMINI_BUS Bus = Adapter->Bus;
    PVMINI_DEVICE Device;
    BOOLEAN Ended;

    for (;;) {
        LARGE_INTEGER Timeout;
        ULONGLONG Deadline;
        VMINI_DELETE_STEP Step = VminiDeleteNext(Adapter, &Device, &Deadline, &Ended);

        if (Step != VminiStepNone) {
            VminiDeleteDo(Adapter, Device, Step);
        } else if (Ended) {
            break;
        } else {
            /* Once: min() would read the clock twice. */
            ULONGLONG Now = KeQueryUnbiasedInterruptTime();

            Timeout.QuadPart = -(LONGLONG)(Deadline - min(Deadline, Now));
            KeWaitForSingleObject(&Bus->DeleteWork, Executive, KernelMode, FALSE,
                                  Deadline == MAXULONGLONG ? NULL : &Timeout);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}
