/*
 * Work items and timers that Storport lends to a miniport through StorPortExtendedFunction. The
 * handle is the object's address; the adapter keeps them in lists and frees, at its end, what the
 * miniport did not.
 */
#include "storport/internal.h"

#define PORT_OBJECT_IDLE 0
#define PORT_OBJECT_BUSY 1 /* queued or armed */

typedef struct _PORT_WORKER {
    LIST_ENTRY Link;
    PPORT_ADAPTER Adapter;
    PIO_WORKITEM Item;
    PHW_WORKITEM Routine;
    PVOID Context;
    LONG State;
} PORT_WORKER, *PPORT_WORKER;

typedef struct _PORT_TIMER {
    LIST_ENTRY Link;
    PPORT_ADAPTER Adapter;
    KTIMER Timer;
    KDPC Dpc;
    PHW_TIMER_EX Routine;
    PVOID Context;
    LONG State;
} PORT_TIMER, *PPORT_TIMER;

static VOID PortLink(PPORT_ADAPTER Adapter, PLIST_ENTRY Head, PLIST_ENTRY Entry)
{
    KIRQL irql;

    KeAcquireSpinLock(&Adapter->Lock, &irql);
    InsertTailList(Head, Entry);
    KeReleaseSpinLock(&Adapter->Lock, irql);
}

/** Is this address one of the objects in the list? A freed or wild handle is not, and is not looked
 * at. */
static BOOLEAN PortKnows(PPORT_ADAPTER Adapter, PLIST_ENTRY Head, PLIST_ENTRY Entry, BOOLEAN Remove)
{
    BOOLEAN known = FALSE;
    KIRQL irql;

    KeAcquireSpinLock(&Adapter->Lock, &irql);
    for (PLIST_ENTRY at = Head->Flink; at != Head && !known; at = at->Flink) {
        known = at == Entry;
    }
    if (known && Remove) {
        RemoveEntryList(Entry);
    }
    KeReleaseSpinLock(&Adapter->Lock, irql);
    return known;
}

/* --- work items --- */

/** \irql{PASSIVE_LEVEL} */
static VOID NTAPI PortWorkerRoutine(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PPORT_WORKER worker = Context;
    PPORT_ADAPTER adapter = worker->Adapter;
    PHW_WORKITEM routine = worker->Routine;
    PVOID context = worker->Context;
    PORT_CALL call;

    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedExchange(&worker->State,
                        PORT_OBJECT_IDLE); /* the routine may queue or free its own worker */
    PortCallEnter(&call, "HwWorkItem", 0, 0);
    routine(adapter->Extension, context, worker);
    PortCallLeave(&call, 0);
    PortRundownRelease(adapter);
}

ULONG PortWorkerInitialize(PPORT_ADAPTER Adapter, PVOID *Worker)
{
    PPORT_WORKER worker = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*worker), PORT_TAG);

    *Worker = NULL;
    if (worker == NULL) {
        return STOR_STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(worker, sizeof(*worker));
    worker->Adapter = Adapter;
    worker->Item = IoAllocateWorkItem(Adapter->Common.Self);
    if (worker->Item == NULL) {
        ExFreePoolWithTag(worker, PORT_TAG);
        return STOR_STATUS_INSUFFICIENT_RESOURCES;
    }
    PortLink(Adapter, &Adapter->Workers, &worker->Link);
    *Worker = worker;
    return STOR_STATUS_SUCCESS;
}

ULONG PortWorkerQueue(PPORT_ADAPTER Adapter, PHW_WORKITEM Routine, PVOID Worker, PVOID Context)
{
    PPORT_WORKER worker = Worker;

    if (worker == NULL || Routine == NULL ||
        !PortKnows(Adapter, &Adapter->Workers, &worker->Link, FALSE)) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    PortRundownReference(Adapter); /* HwFreeAdapterResources comes after the last work item */
    if (Adapter->State == PortRemoved || Adapter->State == PortAdded) {
        PortRundownRelease(Adapter);
        return STOR_STATUS_INVALID_DEVICE_STATE;
    }
    if (InterlockedCompareExchange(&worker->State, PORT_OBJECT_BUSY, PORT_OBJECT_IDLE) !=
        PORT_OBJECT_IDLE) {
        PortRundownRelease(Adapter);
        return STOR_STATUS_BUSY;
    }
    worker->Routine = Routine;
    worker->Context = Context;
    IoQueueWorkItem(worker->Item, PortWorkerRoutine, DelayedWorkQueue, worker);
    return STOR_STATUS_SUCCESS;
}

ULONG PortWorkerFree(PPORT_ADAPTER Adapter, PVOID Worker)
{
    PPORT_WORKER worker = Worker;

    if (worker == NULL || !PortKnows(Adapter, &Adapter->Workers, &worker->Link, FALSE)) {
        return STOR_STATUS_UNSUCCESSFUL;
    }
    if (worker->State != PORT_OBJECT_IDLE) {
        return STOR_STATUS_BUSY;
    }
    PortKnows(Adapter, &Adapter->Workers, &worker->Link, TRUE);
    IoFreeWorkItem(worker->Item);
    ExFreePoolWithTag(worker, PORT_TAG);
    return STOR_STATUS_SUCCESS;
}

/* --- timers --- */

/** \irql{DISPATCH_LEVEL} */
static VOID NTAPI PortTimerDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PPORT_TIMER timer = Context;
    PPORT_ADAPTER adapter = timer->Adapter;
    PORT_CALL call;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    InterlockedExchange(&timer->State, PORT_OBJECT_IDLE); /* the routine may arm it again */
    PortCallEnter(&call, "HwTimerEx", 0, 0);
    timer->Routine(adapter->Extension, timer->Context);
    PortCallLeave(&call, 0);
}

ULONG PortTimerInitialize(PPORT_ADAPTER Adapter, PVOID *Timer)
{
    PPORT_TIMER timer = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*timer), PORT_TAG);

    *Timer = timer;
    if (timer == NULL) {
        return STOR_STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(timer, sizeof(*timer));
    timer->Adapter = Adapter;
    KeInitializeTimer(&timer->Timer);
    KeInitializeDpc(&timer->Dpc, PortTimerDpc, timer);
    PortLink(Adapter, &Adapter->Timers, &timer->Link);
    return STOR_STATUS_SUCCESS;
}

ULONG PortTimerRequest(PPORT_ADAPTER Adapter, PVOID Timer, PHW_TIMER_EX Routine, PVOID Context,
                       ULONGLONG Microseconds)
{
    PPORT_TIMER timer = Timer;
    LARGE_INTEGER due;

    if (timer == NULL || !PortKnows(Adapter, &Adapter->Timers, &timer->Link, FALSE)) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if (Microseconds == 0) {
        if (KeCancelTimer(&timer->Timer)) {
            InterlockedExchange(&timer->State, PORT_OBJECT_IDLE);
        }
        return STOR_STATUS_SUCCESS;
    }
    if (Routine == NULL) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if (InterlockedCompareExchange(&timer->State, PORT_OBJECT_BUSY, PORT_OBJECT_IDLE) !=
        PORT_OBJECT_IDLE) {
        return STOR_STATUS_BUSY;
    }
    timer->Routine = Routine;
    timer->Context = Context;
    due.QuadPart = -(LONGLONG)Microseconds * 10;
    KeSetTimer(&timer->Timer, due, &timer->Dpc);
    return STOR_STATUS_SUCCESS;
}

/** The timer must be idle: a DPC on its way would find freed memory. */
ULONG PortTimerFree(PPORT_ADAPTER Adapter, PVOID Timer)
{
    PPORT_TIMER timer = Timer;

    if (timer == NULL || !PortKnows(Adapter, &Adapter->Timers, &timer->Link, FALSE)) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if (KeCancelTimer(&timer->Timer)) {
        InterlockedExchange(&timer->State, PORT_OBJECT_IDLE);
    }
    if (timer->State != PORT_OBJECT_IDLE) {
        return STOR_STATUS_BUSY;
    }
    PortKnows(Adapter, &Adapter->Timers, &timer->Link, TRUE);
    ExFreePoolWithTag(timer, PORT_TAG);
    return STOR_STATUS_SUCCESS;
}

/** What is left when the adapter ends. \irql{PASSIVE_LEVEL} */
VOID PortObjectsFree(PPORT_ADAPTER Adapter)
{
    while (!IsListEmpty(&Adapter->Timers)) {
        PPORT_TIMER timer = CONTAINING_RECORD(RemoveHeadList(&Adapter->Timers), PORT_TIMER, Link);

        KeCancelTimer(&timer->Timer);
        KeFlushQueuedDpcs();
        ExFreePoolWithTag(timer, PORT_TAG);
    }
    while (!IsListEmpty(&Adapter->Workers)) {
        PPORT_WORKER worker =
            CONTAINING_RECORD(RemoveHeadList(&Adapter->Workers), PORT_WORKER, Link);

        IoFreeWorkItem(worker->Item);
        ExFreePoolWithTag(worker, PORT_TAG);
    }
    while (!IsListEmpty(&Adapter->Dpcs)) { /* PORT_DPC begins with its link */
        PLIST_ENTRY entry = RemoveHeadList(&Adapter->Dpcs);

        ExFreePoolWithTag(entry, PORT_TAG);
    }
}
