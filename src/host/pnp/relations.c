/*
 * Bus relations: which units the adapter says are on its bus, compared with those it said last
 * time. New ones are started and offered to the class drivers; those that are missing are removed.
 * All of it, and the start and the removal of the adapter itself, runs in one PnP thread: no scan
 * ever meets an adapter that is on its way out. Scans that are asked for while one is queued are
 * the same scan.
 */
#include "pnp/state.h"
#include "storport/port.h"

#include <stdlib.h>
#include <string.h>

static struct {
    KSPIN_LOCK lock;
    KEVENT work;          /**< Synchronization: something is queued, or the thread is to end. */
    KEVENT idle;          /**< Notification: nothing is queued or running. */
    KEVENT done;          /**< Synchronization: the task has been carried out. */
    bool queued;          /**< A scan. */
    void (*task)(void *); /**< Something else, or NULL; goes first. */
    void *context;
    bool ending;
    struct nt_thread *thread;
} worker;

/** Is this PDO among those? */
static bool contains(PDEVICE_OBJECT *list, size_t count, PDEVICE_OBJECT pdo)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == pdo) {
            return true;
        }
    }
    return false;
}

static void fill_relations(PIO_STACK_LOCATION stack, void *context)
{
    (void)context;
    stack->Parameters.QueryDeviceRelations.Type = BusRelations;
}

static void fill_capabilities(PIO_STACK_LOCATION stack, void *context)
{
    stack->Parameters.DeviceCapabilities.Capabilities = context;
}

/** The PnP sequence of a unit that has arrived. */
static void start_child(PDEVICE_OBJECT pdo)
{
    DEVICE_CAPABILITIES capabilities;

    memset(&capabilities, 0, sizeof(capabilities));
    capabilities.Size = sizeof(capabilities);
    capabilities.Version = 1;
    capabilities.Address = (ULONG)-1;
    capabilities.UINumber = (ULONG)-1;
    trace_event(TRACE_PNP, "unit-arrives", 0, 0, 0, 0);
    pnp_send(pdo, IRP_MN_QUERY_CAPABILITIES, fill_capabilities, &capabilities, NULL);
    if (NT_SUCCESS(pnp_send(pdo, IRP_MN_START_DEVICE, NULL, NULL, NULL))) {
        port_class_start(pdo);
    }
}

/** A unit is gone (`surprise`), or the adapter is about to go. Gives its reference back. */
static void remove_child(PDEVICE_OBJECT pdo, bool surprise)
{
    trace_event(TRACE_PNP, "unit-leaves", surprise, 0, 0, 0);
    if (surprise) {
        pnp_send(pdo, IRP_MN_SURPRISE_REMOVAL, NULL, NULL, NULL);
    } else {
        pnp_send(pdo, IRP_MN_QUERY_REMOVE_DEVICE, NULL, NULL, NULL);
    }
    port_class_remove(pdo);
    pnp_send(pdo, IRP_MN_REMOVE_DEVICE, NULL, NULL, NULL);
    ObDereferenceObject(pdo);
}

/** Takes over a new list of children. */
static void adopt(PDEVICE_OBJECT *list, size_t count)
{
    PDEVICE_OBJECT *old = pnp.children;
    size_t old_count = pnp.child_count;

    pnp.children = list;
    pnp.child_count = count;
    for (size_t i = 0; i < old_count; i++) {
        if (!contains(list, count, old[i])) {
            remove_child(old[i], true);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (contains(old, old_count, list[i])) {
            ObDereferenceObject(list[i]); /* It was referenced when it arrived. */
        } else {
            start_child(list[i]);
        }
    }
    free(old);
}

void pnp_enumerate(void)
{
    PDEVICE_RELATIONS relations = NULL;
    ULONG_PTR information = 0;
    PDEVICE_OBJECT *list;
    size_t count;

    if (pnp.stage != PNP_STARTED || !NT_SUCCESS(pnp_send(pnp.pdo, IRP_MN_QUERY_DEVICE_RELATIONS,
                                                         fill_relations, NULL, &information))) {
        return;
    }
    relations = (PDEVICE_RELATIONS)information;
    if (relations == NULL) {
        return;
    }
    count = relations->Count;
    list = malloc((count != 0 ? count : 1) * sizeof(*list));
    if (list != NULL) {
        memcpy(list, relations->Objects, count * sizeof(*list));
        adopt(list, count);
    }
    ExFreePool(relations);
}

void pnp_remove_children(void)
{
    for (size_t i = 0; i < pnp.child_count; i++) {
        remove_child(pnp.children[i], false);
    }
    free(pnp.children);
    pnp.children = NULL;
    pnp.child_count = 0;
}

/** What the PnP thread is to do next. */
enum request { REQUEST_NOTHING, REQUEST_SCAN, REQUEST_TASK, REQUEST_END };

/** Takes the next request. */
static enum request take_request(void)
{
    enum request what;
    KIRQL irql;

    KeAcquireSpinLock(&worker.lock, &irql);
    if (worker.task != NULL) {
        what = REQUEST_TASK;
    } else if (worker.queued) {
        what = REQUEST_SCAN;
        worker.queued = false;
    } else {
        what = worker.ending ? REQUEST_END : REQUEST_NOTHING;
        nt_set_event(&worker.idle);
    }
    KeReleaseSpinLock(&worker.lock, irql);
    return what;
}

/** Carries the task out. The next one may come as soon as it is cleared. */
static void do_task(void)
{
    KIRQL irql;

    worker.task(worker.context);
    KeAcquireSpinLock(&worker.lock, &irql);
    worker.task = NULL;
    KeReleaseSpinLock(&worker.lock, irql);
    nt_set_event(&worker.done);
}

/** The PnP thread. */
static void run(void *argument)
{
    enum request what;

    (void)argument;
    while ((what = take_request()) != REQUEST_END) {
        if (what == REQUEST_TASK) {
            do_task();
        } else if (what == REQUEST_SCAN) {
            pnp_enumerate();
        } else {
            nt_wait(&worker.work, NULL);
        }
    }
}

void pnp_run(void (*task)(void *), void *context)
{
    KIRQL irql;

    KeAcquireSpinLock(&worker.lock, &irql);
    worker.context = context;
    worker.task = task;
    KeClearEvent(&worker.idle);
    KeReleaseSpinLock(&worker.lock, irql);
    nt_set_event(&worker.work);
    nt_wait(&worker.done, NULL);
}

void pnp_queue_invalidate(PDEVICE_OBJECT device)
{
    KIRQL irql;

    (void)device; /* One adapter. */
    KeAcquireSpinLock(&worker.lock, &irql);
    worker.queued = true;
    KeClearEvent(&worker.idle);
    KeReleaseSpinLock(&worker.lock, irql);
    nt_set_event(&worker.work);
}

/** \irql{<= DISPATCH_LEVEL} (WDK: IoInvalidateDeviceRelations) */
VOID NTAPI IoInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    if (Type == BusRelations) { /* the other relations are not kept */
        pnp_queue_invalidate(DeviceObject);
    }
}

void pnp_settle(void)
{
    nt_wait(&worker.idle, NULL);
}

void pnp_scan(void)
{
    pnp_queue_invalidate(pnp.pdo);
    pnp_settle();
}

bool pnp_boot(struct host_error *error)
{
    memset(&pnp, 0, sizeof(pnp));
    memset(&worker, 0, sizeof(worker));
    KeInitializeSpinLock(&worker.lock);
    KeInitializeEvent(&worker.work, SynchronizationEvent, FALSE);
    KeInitializeEvent(&worker.idle, NotificationEvent, TRUE);
    KeInitializeEvent(&worker.done, SynchronizationEvent, FALSE);
    worker.thread = sched_spawn("PnP", run, NULL);
    if (worker.thread == NULL) {
        return host_fail(error, STATUS_NO_MEMORY, "free some memory", "no PnP thread");
    }
    worker.thread->service =
        true; /* Of the system process: what a driver opens here, SYSTEM opens. */
    return true;
}

void pnp_halt(void)
{
    KIRQL irql;

    KeAcquireSpinLock(&worker.lock, &irql);
    worker.ending = true;
    KeReleaseSpinLock(&worker.lock, irql);
    nt_set_event(&worker.work);
    nt_wait(worker.thread, NULL);
    nt_object_dereference(worker.thread);
    memset(&pnp, 0, sizeof(pnp));
}
