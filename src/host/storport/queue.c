/*
 * What waits, and why. Each unit has a queue of IRPs; a bit in its Hold or in the adapter's says
 * why nothing may start (paused, busy, reset, frozen, stopped ...). Whoever clears a bit kicks the
 * queue: a DPC then starts what may start, never the thread that completed something, so that no
 * miniport is re-entered from its own completion.
 */
#include "storport/internal.h"

NTSTATUS PortUnitSubmit(PPORT_UNIT Unit, PIRP Irp)
{
    PPORT_REQUEST request = NULL;
    NTSTATUS status;
    KIRQL irql;

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&Unit->Lock, &irql);
    status = PortRequestTake(Unit, Irp, &request);
    if (status == STATUS_DEVICE_BUSY) {
        InsertTailList(&Unit->Queue, &Irp->Tail.Overlay.ListEntry);
    }
    KeReleaseSpinLock(&Unit->Lock, irql);
    if (NT_SUCCESS(status)) {
        PortRequestIssue(request);
    } else if (status != STATUS_DEVICE_BUSY) {
        PortIrpFail(Irp, status == STATUS_INSUFFICIENT_RESOURCES ? SRB_STATUS_INTERNAL_ERROR
                                                                 : SRB_STATUS_NO_DEVICE);
    }
    return STATUS_PENDING;
}

/** Takes the first IRP of the queue, if it may start. */
static PPORT_REQUEST PortUnitPop(PPORT_UNIT Unit, PIRP *Failed, NTSTATUS *Status)
{
    PPORT_REQUEST request = NULL;
    PLIST_ENTRY entry;
    PIRP irp;

    KeAcquireSpinLockAtDpcLevel(&Unit->Lock);
    *Failed = NULL;
    *Status = STATUS_DEVICE_BUSY;
    if (!IsListEmpty(&Unit->Queue)) {
        entry = RemoveHeadList(&Unit->Queue);
        irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        *Status = PortRequestTake(Unit, irp, &request);
        if (*Status == STATUS_DEVICE_BUSY) {
            InsertHeadList(&Unit->Queue, entry);
        } else if (!NT_SUCCESS(*Status)) {
            *Failed = irp;
        }
    }
    KeReleaseSpinLockFromDpcLevel(&Unit->Lock);
    return request;
}

/** Starts what may start. \irql{DISPATCH_LEVEL} */
VOID NTAPI PortUnitStartDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PPORT_UNIT unit = Context;
    PPORT_REQUEST request;
    NTSTATUS status;
    PIRP failed;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    do {
        request = PortUnitPop(unit, &failed, &status);
        if (request != NULL) {
            PortRequestIssue(request);
        } else if (failed != NULL) {
            PortIrpFail(failed, SRB_STATUS_NO_DEVICE);
        }
    } while (status != STATUS_DEVICE_BUSY);
    PortUnitRelease(unit);
}

/** Lets the queue be looked at again; the DPC refers to the unit while it is queued. */
VOID PortUnitKick(PPORT_UNIT Unit)
{
    BOOLEAN empty;
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Lock, &irql);
    empty = IsListEmpty(&Unit->Queue);
    KeReleaseSpinLock(&Unit->Lock, irql);
    if (empty) {
        return;
    }
    PortUnitReference(Unit);
    if (!KeInsertQueueDpc(&Unit->StartDpc, NULL, NULL)) {
        PortUnitRelease(Unit);
    }
}

VOID PortAdapterKick(PPORT_ADAPTER Adapter)
{
    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        PortUnitKick(unit);
    }
}

VOID PortHoldUnit(PPORT_UNIT Unit, ULONG Bit)
{
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Lock, &irql);
    Unit->Hold |= Bit;
    KeReleaseSpinLock(&Unit->Lock, irql);
}

VOID PortReleaseUnit(PPORT_UNIT Unit, ULONG Bit)
{
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Lock, &irql);
    Unit->Hold &= ~Bit;
    KeReleaseSpinLock(&Unit->Lock, irql);
    PortUnitKick(Unit);
}

VOID PortHoldAdapter(PPORT_ADAPTER Adapter, ULONG Bit)
{
    InterlockedOr(&Adapter->Hold, (LONG)Bit);
}

VOID PortReleaseAdapter(PPORT_ADAPTER Adapter, ULONG Bit)
{
    InterlockedAnd(&Adapter->Hold, (LONG)~Bit);
    PortAdapterKick(Adapter);
}

/** Ends with `SrbStatus` what waits in the queue: all of it, or only one IRP. */
VOID PortUnitFinishQueued(PPORT_UNIT Unit, PIRP Only, UCHAR SrbStatus)
{
    PLIST_ENTRY entry;
    PIRP irp;
    KIRQL irql;

    do {
        irp = NULL;
        KeAcquireSpinLock(&Unit->Lock, &irql);
        for (entry = Unit->Queue.Flink; entry != &Unit->Queue; entry = entry->Flink) {
            irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
            if (Only == NULL || irp == Only) {
                RemoveEntryList(entry);
                break;
            }
            irp = NULL;
        }
        KeReleaseSpinLock(&Unit->Lock, irql);
        if (irp != NULL) {
            PortIrpFail(irp, SrbStatus);
        }
    } while (irp != NULL && Only == NULL);
}

/* --- MaxNumberOfIO --- */

/** One more request of the adapter, unless it has MaxNumberOfIO already. Full is raised before the
 * second look, so that either that look succeeds or the completion that made room sees Full. */
BOOLEAN PortAdapterTakeSlot(PPORT_ADAPTER Adapter)
{
    LONG limit = (LONG)Adapter->Config.MaxNumberOfIO;

    for (ULONG look = 0; look < 2; look++) {
        if (InterlockedIncrement(&Adapter->Outstanding) <= limit) {
            return TRUE;
        }
        InterlockedDecrement(&Adapter->Outstanding);
        InterlockedExchange(&Adapter->Full, 1);
    }
    return FALSE;
}

VOID PortAdapterReturnSlot(PPORT_ADAPTER Adapter)
{
    InterlockedDecrement(&Adapter->Outstanding);
    if (ReadNoFence(&Adapter->Full) != 0 && InterlockedExchange(&Adapter->Full, 0) != 0) {
        PortAdapterKick(Adapter);
    }
}

/* --- Rundown: 1 while the adapter runs, and 1 for each request and each call of HwStartIo. --- */

VOID PortRundownReference(PPORT_ADAPTER Adapter)
{
    InterlockedIncrement(&Adapter->Rundown);
}

VOID PortRundownRelease(PPORT_ADAPTER Adapter)
{
    if (InterlockedDecrement(&Adapter->Rundown) == 0) {
        KeSetEvent(&Adapter->Idle, IO_NO_INCREMENT, FALSE);
    }
}

/* --- Timers that end a hold --- */

/** \irql{DISPATCH_LEVEL} */
static VOID NTAPI PortHoldTimerDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PPORT_HOLD_TIMER timer = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    if (timer->Unit == NULL) {
        PortReleaseAdapter(timer->Adapter, timer->Bit);
    } else {
        PPORT_UNIT unit = timer->Unit;

        PortReleaseUnit(unit, timer->Bit);
        PortUnitRelease(unit);
    }
}

VOID PortHoldTimerInitialize(PPORT_HOLD_TIMER Timer, PPORT_ADAPTER Adapter, PPORT_UNIT Unit,
                             ULONG Bit)
{
    KeInitializeTimer(&Timer->Timer);
    KeInitializeDpc(&Timer->Dpc, PortHoldTimerDpc, Timer);
    Timer->Adapter = Adapter;
    Timer->Unit = Unit;
    Timer->Bit = Bit;
}

VOID PortHoldTimerStart(PPORT_HOLD_TIMER Timer, ULONG Milliseconds)
{
    LARGE_INTEGER due;

    due.QuadPart = -(LONGLONG)Milliseconds * 10000;
    if (Timer->Unit != NULL) {
        PortUnitReference(Timer->Unit);
    }
    if (KeSetTimer(&Timer->Timer, due, &Timer->Dpc) && Timer->Unit != NULL) {
        PortUnitRelease(Timer->Unit); /* it was set already: one DPC comes, not two */
    }
}

VOID PortHoldTimerCancel(PPORT_HOLD_TIMER Timer)
{
    if (KeCancelTimer(&Timer->Timer) && Timer->Unit != NULL) {
        PortUnitRelease(Timer->Unit);
    }
}
