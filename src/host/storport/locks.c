/*
 * Locks, DPCs and the adapter's timer as a miniport has them from Storport. A virtual adapter has
 * no interrupt, so its InterruptLock is a spin lock at DISPATCH_LEVEL like the others; the order
 * (DPC or StartIo before Interrupt) is watched by the kernel's own lock rules.
 */
#include "storport/internal.h"

/** What stands behind a STOR_DPC: KDPC.DeferredContext. */
typedef struct _PORT_DPC {
    LIST_ENTRY Link;
    PPORT_ADAPTER Adapter;
    PSTOR_DPC Dpc;
    PHW_DPC_ROUTINE Routine;
} PORT_DPC, *PPORT_DPC;

VOID PortAcquireLock(PPORT_ADAPTER Adapter, STOR_SPINLOCK Kind, PVOID Context,
                     PSTOR_LOCK_HANDLE Handle)
{
    PKSPIN_LOCK lock;

    switch (Kind) {
    case DpcLock:
    case ThreadedDpcLock:
    case DpcLevelLock:
        lock = Context != NULL ? (PKSPIN_LOCK) & ((PSTOR_DPC)Context)->Lock : NULL;
        break;
    case StartIoLock:
        lock = &Adapter->StartIoLock;
        break;
    case InterruptLock:
        lock = &Adapter->InterruptLock;
        break;
    default:
        lock = NULL;
    }
    if (lock == NULL) {
        PORT_VIOLATION(LOCK_KIND, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3006, Kind, 0, 0,
                       "StorPortAcquireSpinLock of lock type %d%s", Kind,
                       Kind == DpcLock ? " without its STOR_DPC" : ", which there is not");
    }
    Handle->Lock = Kind;
    Handle->Context.LockQueue.Lock = lock;
    KeAcquireSpinLock(lock, &Handle->Context.OldIrql);
}

VOID PortReleaseLock(PPORT_ADAPTER Adapter, PSTOR_LOCK_HANDLE Handle)
{
    PKSPIN_LOCK lock = Handle->Context.LockQueue.Lock;

    UNREFERENCED_PARAMETER(Adapter);
    if (Handle->Lock == InvalidLock || lock == NULL) {
        PORT_VIOLATION(LOCK_KIND, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3006, Handle->Lock, 0, 0,
                       "StorPortReleaseSpinLock of a lock handle that holds no lock");
    }
    Handle->Lock = InvalidLock;
    KeReleaseSpinLock(lock, Handle->Context.OldIrql);
}

/** \irql{DISPATCH_LEVEL} */
static VOID NTAPI PortDpcRoutine(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PPORT_DPC dpc = Context;
    PORT_CALL call;

    UNREFERENCED_PARAMETER(Dpc);
    PortCallEnter(&call, "HwDpcRoutine", 0, 0);
    dpc->Routine(dpc->Dpc, dpc->Adapter->Extension, First, Second);
    PortCallLeave(&call, 0);
}

VOID PortDpcInitialize(PPORT_ADAPTER Adapter, PSTOR_DPC Dpc, PHW_DPC_ROUTINE Routine)
{
    PPORT_DPC record = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*record), PORT_TAG);
    KIRQL irql;

    if (record == NULL) {
        return; /* a DPC that was never initialized is not queued */
    }
    record->Adapter = Adapter;
    record->Dpc = Dpc;
    record->Routine = Routine;
    KeInitializeSpinLock((PKSPIN_LOCK)&Dpc->Lock);
    KeInitializeDpc((PKDPC)(PVOID)&Dpc->Dpc, PortDpcRoutine, record);
    KeAcquireSpinLock(&Adapter->Lock, &irql);
    InsertTailList(&Adapter->Dpcs, &record->Link);
    KeReleaseSpinLock(&Adapter->Lock, irql);
}

BOOLEAN PortDpcIssue(PSTOR_DPC Dpc, PVOID First, PVOID Second)
{
    return ((PKDPC)(PVOID)&Dpc->Dpc)->DeferredRoutine == PortDpcRoutine &&
           KeInsertQueueDpc((PKDPC)(PVOID)&Dpc->Dpc, First, Second);
}

/* --- RequestTimerCall: one timer per adapter --- */

VOID PortHwTimerRequest(PPORT_ADAPTER Adapter, PHW_TIMER Routine, ULONG Microseconds)
{
    LARGE_INTEGER due;

    KeCancelTimer(&Adapter->HwTimer);
    Adapter->HwTimerRoutine = Routine;
    if (Microseconds != 0) {
        due.QuadPart = -(LONGLONG)Microseconds * 10;
        KeSetTimer(&Adapter->HwTimer, due, &Adapter->HwTimerDpc);
    }
}

/** HwTimer is called with the StartIo lock held. \irql{DISPATCH_LEVEL} */
VOID NTAPI PortHwTimerDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PPORT_ADAPTER adapter = Context;
    STOR_LOCK_HANDLE lock = {0};
    PORT_CALL call;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    PortAcquireLock(adapter, StartIoLock, NULL, &lock);
    PortCallEnter(&call, "HwTimer", 0, 0);
    adapter->HwTimerRoutine(adapter->Extension);
    PortCallLeave(&call, 0);
    PortReleaseLock(adapter, &lock);
}
