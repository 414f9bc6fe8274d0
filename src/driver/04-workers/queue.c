/**
 * \file
 * The work queue: from DISPATCH_LEVEL to PASSIVE_LEVEL.
 *
 * SRBs arrive where nobody may wait; the file system must be called where one may. Between the two
 * lies this list and the threads that serve it. Everything shared is guarded by one spin lock that
 * is held for a few instructions; no callback and no IoCancelIrp is ever called with it held.
 */
#include "04-workers/queue.h"

_Use_decl_annotations_ VOID VminiWorkWake(PVMINI_WORK_QUEUE Queue, LONG Count)
{
    if (Count > 0) {
        KeReleaseSemaphore(&Queue->Wake, IO_DISK_INCREMENT, Count, FALSE);
    }
}

_Use_decl_annotations_ VOID VminiWorkSubmit(PVMINI_WORK_QUEUE Queue, PVMINI_WORK_ITEM Item)
{
    LONG Wake = 0;
    KIRQL OldIrql;

    Item->Queue = Queue;
    Item->Holds = 1;
    Item->Cancelled = FALSE;
    Item->Flushing = FALSE;
    Item->Irp = NULL;
    Item->PartialMdl = NULL;
    Item->Ticket.Address = Item->Address;
    Item->Ticket.Item = Item;

    //! [submit]
    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    Item->Ticket.Sequence = Queue->NextSequence++;
    InsertTailList(&Queue->Waiting, &Item->Ticket.Link);
    if (!Queue->Parked && Queue->Idle > 0) {
        Queue->Idle--; /* Told once: two items never wake the same thread twice. */
        Wake = 1;
    }
    KeReleaseSpinLock(&Queue->Lock, OldIrql);
    /* From here on the item may be done and gone. */
    VminiWorkWake(Queue, Wake);
    //! [submit]
}

/** Puts an item among those that wait for their flush. \return FALSE: a reset came first.
 *  \irql{<= DISPATCH_LEVEL} */
static BOOLEAN VminiWorkQueueFlush(_Inout_ PVMINI_WORK_QUEUE Queue, _Inout_ PVMINI_WORK_ITEM Item)
{
    BOOLEAN Cancelled;
    KIRQL OldIrql;

    Item->Flushing = TRUE;
    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    Cancelled = Item->Cancelled;
    if (!Cancelled) {
        InsertTailList(&Queue->Flushing, &Item->FlushLink);
    }
    if (!Cancelled && Queue->Idle > 0) {
        Queue->Idle--;
        VminiWorkWake(Queue, 1); /* With the lock held: without it the item, and the queue with it,
                                  * might be gone, and this thread is none of those that are waited for. */
    }
    KeReleaseSpinLock(&Queue->Lock, OldIrql);
    return !Cancelled;
}

_Use_decl_annotations_ VOID VminiWorkFlush(PVMINI_WORK_ITEM Item)
{
    if (!VminiIoTakeBack(Item) || !VminiWorkQueueFlush(Item->Queue, Item)) {
        Item->Status = STATUS_CANCELLED; /* Written, but perhaps only into a cache. */
        VminiWorkRelease(Item);
    }
}

_Use_decl_annotations_ VOID VminiWorkQueuePark(PVMINI_WORK_QUEUE Queue, BOOLEAN Park)
{
    LONG Wake = 0;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    Queue->Parked = Park;
    if (!Park && !IsListEmpty(&Queue->Waiting)) {
        Wake = Queue->Idle; /* Whoever finds nothing to do goes back to sleep. */
        Queue->Idle = 0;
    }
    KeReleaseSpinLock(&Queue->Lock, OldIrql);
    VminiWorkWake(Queue, Wake);
}

/**
 * Takes the oldest item that may run, and counts it among the running ones in the same breath: a reset
 * finds it in one list or in the other. Items that wait for their flush are among those already; they
 * come first, and go on in a parked queue too, as all that has begun. \return NULL: none; the caller
 * is counted as idle and must wait, or end if Ending was set.
 * \irql{<= DISPATCH_LEVEL}
 */
static PVMINI_WORK_ITEM VminiWorkTake(_Inout_ PVMINI_WORK_QUEUE Queue, _Inout_ PBOOLEAN Ending)
{
    PVMINI_WORK_ITEM Item = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    if (!IsListEmpty(&Queue->Flushing)) {
        Item = CONTAINING_RECORD(RemoveHeadList(&Queue->Flushing), VMINI_WORK_ITEM, FlushLink);
    }
    while (Item == NULL && !Queue->Parked && !Queue->Ending && !IsListEmpty(&Queue->Waiting)) {
        Item = CONTAINING_RECORD(RemoveHeadList(&Queue->Waiting), VMINI_WORK_ITEM, Ticket.Link);
        if (VminiExclusionIsOff(Queue, Item) || VminiExclusionAdmit(Queue, Item)) {
            InsertTailList(&Queue->Running, &Item->Ticket.Link);
        } else {
            Item = NULL; /* It is among the blocked ones now. */
        }
    }
    if (Item == NULL) {
        Queue->Idle++;
        *Ending = Queue->Ending;
    }
    KeReleaseSpinLock(&Queue->Lock, OldIrql);
    return Item;
}

/** A worker. \irql{PASSIVE_LEVEL} \thread{its own} \article{Part III, DoWorkThreadStart} */
static VOID NTAPI VminiWorkThread(_In_ PVOID Context)
{
    PVMINI_WORK_QUEUE Queue = Context;
    PVMINI_WORK_ITEM Item;
    BOOLEAN Ending = FALSE;

    for (;;) {
        Item = VminiWorkTake(Queue, &Ending);
        if (Item != NULL) {
            VminiWorkRun(Item);
        } else if (Ending) {
            break;
        } else {
            KeWaitForSingleObject(&Queue->Wake, Executive, KernelMode, FALSE, NULL);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/**
 * Frees the queue's memory after its threads, as many as there are, have ended.
 * \irql{PASSIVE_LEVEL}
 */
static VOID VminiWorkQueueFree(_In_ _Post_invalid_ PVMINI_WORK_QUEUE Queue)
{
    KIRQL OldIrql;
    ULONG Index;

    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    Queue->Ending = TRUE;
    KeReleaseSpinLock(&Queue->Lock, OldIrql);
    VminiWorkWake(Queue, (LONG)Queue->ThreadCount);
    for (Index = 0; Index < Queue->ThreadCount; Index++) {
        VminiThreadWait(Queue->Threads[Index]);
    }
    /* Not earlier: a worker that has just ended a DO_CLOSE, which no scope contains, takes its
     * ticket off the list last. */
    NT_ASSERT(IsListEmpty(&Queue->Waiting) && IsListEmpty(&Queue->Running) &&
              IsListEmpty(&Queue->Blocked) && IsListEmpty(&Queue->Flushing) &&
              Queue->Exclusive == 0);
    ExFreePoolWithTag(Queue, VMINI_TAG_WORK);
}

_Use_decl_annotations_ NTSTATUS VminiWorkQueueCreate(const VMINI_WORK_CALLBACKS *Callbacks,
                                                     ULONG Threads, PDEVICE_OBJECT Device,
                                                     PVMINI_WORK_QUEUE *Queue)
{
    PVMINI_WORK_QUEUE New;
    NTSTATUS Status = STATUS_SUCCESS;
    SIZE_T Bytes;

    *Queue = NULL;
    if (Threads == 0) {
        Threads = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
    }
    Bytes = FIELD_OFFSET(VMINI_WORK_QUEUE, Threads) + Threads * sizeof(PKTHREAD);
    New = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, VMINI_TAG_WORK);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, Bytes);
    New->Callbacks = Callbacks;
    New->Device = Device;
    KeInitializeSemaphore(&New->Wake, 0, MAXLONG);
    KeInitializeSpinLock(&New->Lock);
    InitializeListHead(&New->Waiting);
    InitializeListHead(&New->Running);
    InitializeListHead(&New->Blocked);
    InitializeListHead(&New->Flushing);
    InitializeListHead(&New->Drains);
    while (New->ThreadCount < Threads && NT_SUCCESS(Status)) {
        Status = VminiThreadCreate(VminiWorkThread, New, &New->Threads[New->ThreadCount]);
        if (NT_SUCCESS(Status)) {
            New->ThreadCount++;
        }
    }
    if (!NT_SUCCESS(Status)) {
        VminiWorkQueueFree(New); /* Ends the threads that did start. */
        return Status;
    }
    *Queue = New;
    return STATUS_SUCCESS;
}

/** A drain that somebody at PASSIVE_LEVEL waits for. */
typedef struct _VMINI_WAITED_DRAIN {
    VMINI_DRAIN Drain;
    KEVENT Event;
} VMINI_WAITED_DRAIN;

/** \irql{<= DISPATCH_LEVEL} */
static VOID VminiWaitedDrainDone(_In_ PVMINI_DRAIN Drain)
{
    KeSetEvent(&CONTAINING_RECORD(Drain, VMINI_WAITED_DRAIN, Drain)->Event, IO_NO_INCREMENT, FALSE);
}

_Use_decl_annotations_ VOID VminiWorkQueueDestroy(PVMINI_WORK_QUEUE Queue)
{
    VMINI_SCOPE Everything = {VminiScopeAdapter, {0, 0, 0, 0}};
    VMINI_WAITED_DRAIN Last;

    /* Also those that only just called ItemDone, and still have to take their ticket off the
     * list. */
    KeInitializeEvent(&Last.Event, NotificationEvent, FALSE);
    Last.Drain.Done = VminiWaitedDrainDone;
    VminiWorkReset(Queue, &Everything, &Last.Drain);
    KeWaitForSingleObject(&Last.Event, Executive, KernelMode, FALSE, NULL);
    VminiWorkQueueFree(Queue);
}
