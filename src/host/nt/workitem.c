/*
 * Work items: a routine to run soon at PASSIVE_LEVEL, in one of the host's worker threads. A
 * further worker starts when all are busy, so that a routine that waits for another work item does
 * not wait for ever. The queue is under the dispatcher lock.
 */
#include "nt/dispatcher.h"
#include "nt/sched_backend.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORKERS 16

struct _IO_WORKITEM {
    LIST_ENTRY link;
    PDEVICE_OBJECT device;
    PIO_WORKITEM_ROUTINE routine;
    PVOID context;
    bool queued;
};

static struct {
    LIST_ENTRY queue;
    unsigned length, workers, idle;
    bool stopping;
    struct worker {
        struct nt_thread *thread;
        bool waiting;
    } worker[MAX_WORKERS];
} pool;

static unsigned items;

/** Runs one work item. The item may be freed by its own routine. */
static void call(PIO_WORKITEM item)
{
    PDEVICE_OBJECT device = item->device;
    PIO_WORKITEM_ROUTINE routine = item->routine;
    PVOID context = item->context;
    struct verifier_mark mark = verifier_callback_enter("IoWorkItemRoutine");

    routine(device, context);
    verifier_callback_leave(&mark);
    nt_object_dereference(device);
}

static void work(void *argument)
{
    struct worker *self = argument;

    sched_lock();
    self->thread = sched_current(); /* The one who started it may not have got that far. */
    while (!pool.stopping) {
        if (pool.length != 0) {
            PIO_WORKITEM item =
                CONTAINING_RECORD(RemoveHeadList(&pool.queue), struct _IO_WORKITEM, link);

            pool.length--;
            item->queued = false;
            sched_unlock();
            call(item);
            sched_lock();
        } else {
            self->waiting = true;
            pool.idle++;
            sched_block(UINT64_MAX);
            pool.idle -= self->waiting;
            self->waiting = false;
        }
    }
    sched_unlock();
}

/** Dispatcher lock held. \return false when no worker is idle. */
static bool wake_worker(void)
{
    for (unsigned i = 0; i < pool.workers; i++) {
        if (pool.worker[i].waiting) {
            pool.worker[i].waiting = false;
            pool.idle--;
            sched_wake(pool.worker[i].thread);
            return true;
        }
    }
    return false;
}

/** Starts one more worker in the slot that the caller has reserved. */
static void start_worker(unsigned slot)
{
    struct nt_thread *thread = sched_spawn("worker", work, &pool.worker[slot]);

    thread->service = true;
    sched_lock();
    pool.worker[slot].thread = thread;
    sched_unlock();
}

void workitem_halt(void)
{
    sched_lock();
    pool.stopping = true;
    while (wake_worker()) {
    }
    sched_unlock();
    for (unsigned i = 0; i < pool.workers; i++) {
        nt_wait(pool.worker[i].thread, NULL);
        nt_object_dereference(pool.worker[i].thread);
    }
    memset(&pool, 0, sizeof pool);
    items = 0;
}

unsigned nt_work_items(void)
{
    return __atomic_load_n(&items, __ATOMIC_SEQ_CST);
}

PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM item;

    NT_ROUTINE(DISPATCH_LEVEL);
    item = calloc(1, sizeof *item);
    if (item != NULL) {
        item->device = DeviceObject;
        __atomic_fetch_add(&items, 1, __ATOMIC_SEQ_CST);
    }
    return item;
}

static void check_free(const struct _IO_WORKITEM *item, bool queued, const char *routine)
{
    if (queued) {
        verifier_bugcheck(RULE_WORK_ITEM_QUEUED, (uintptr_t)item, 0, 0,
                          "%s on a work item that is queued", routine);
    }
}

VOID NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    bool queued;

    NT_ROUTINE(DISPATCH_LEVEL);
    sched_lock();
    queued = IoWorkItem->queued;
    sched_unlock();
    check_free(IoWorkItem, queued, "IoFreeWorkItem");
    __atomic_fetch_sub(&items, 1, __ATOMIC_SEQ_CST);
    free(IoWorkItem);
}

VOID NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    unsigned slot = MAX_WORKERS;
    bool queued;

    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(QueueType);
    sched_lock();
    queued = IoWorkItem->queued;
    if (!queued) {
        IoWorkItem->queued = true;
        IoWorkItem->routine = WorkerRoutine;
        IoWorkItem->context = Context;
        nt_object_reference(IoWorkItem->device); /* Until the routine has returned. */
        if (pool.workers == 0) {
            InitializeListHead(&pool.queue);
        }
        InsertTailList(&pool.queue, &IoWorkItem->link);
        pool.length++;
        if (!wake_worker() && pool.workers < MAX_WORKERS) {
            slot = pool.workers++;
        }
    }
    sched_unlock();
    check_free(IoWorkItem, queued, "IoQueueWorkItem");
    if (slot < MAX_WORKERS) {
        start_worker(slot);
    }
}
