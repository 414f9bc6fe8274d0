/*
 * Events, mutexes, semaphores, timers, DPCs, work items, fast mutexes and the rules about them, as
 * the WDK's pages describe them. What does not depend on time runs under both schedulers; a broken
 * rule is caught in a child.
 */
#include "nt/explore.h"
#include "nt/nt.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

CU_ErrorCode register_dispatcher_suite(void);

#define SECOND      10000000LL
#define MILLISECOND 10000LL

/** Boots each kind of machine in turn, and under the seeded scheduler several seeds. */
static void under_both(void (*body)(void))
{
    sched_boot(&(struct sched_options){.kind = SCHED_REAL});
    body();
    sched_halt();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        sched_boot(
            &(struct sched_options){.kind = SCHED_SEEDED, .seed = seed, .strategy = SCHED_RANDOM});
        body();
        sched_halt();
    }
}

static void boot_seeded(void)
{
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .seed = 3, .strategy = SCHED_RANDOM});
}

static NTSTATUS wait_for(PVOID object, LONGLONG time)
{
    LARGE_INTEGER timeout = {.QuadPart = -time};

    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, time < 0 ? NULL : &timeout);
}

#define FOREVER (-1)

static void join(struct nt_thread *thread)
{
    wait_for(thread, FOREVER);
    nt_object_dereference(thread);
}

static void add(int *number, int amount)
{
    __atomic_fetch_add(number, amount, __ATOMIC_SEQ_CST);
}

static int value(int *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

/* --- events --- */

struct waiters {
    KEVENT event;
    int through;
};

static void wait_once(void *argument)
{
    struct waiters *w = argument;

    wait_for(&w->event, FOREVER);
    add(&w->through, 1);
}

static void start_waiters(struct waiters *w, EVENT_TYPE type, struct nt_thread *threads[3])
{
    w->through = 0;
    KeInitializeEvent(&w->event, type, FALSE);
    for (int i = 0; i < 3; i++) {
        threads[i] = sched_spawn("waiter", wait_once, w);
    }
    sched_settle(0);
}

static void notification_body(void)
{
    struct nt_thread *threads[3];
    struct waiters w;

    start_waiters(&w, NotificationEvent, threads);
    CU_ASSERT_EQUAL(value(&w.through), 0);
    CU_ASSERT_EQUAL(KeSetEvent(&w.event, 0, FALSE), 0);
    for (int i = 0; i < 3; i++) {
        join(threads[i]);
    }
    CU_ASSERT_EQUAL(w.through, 3);
    CU_ASSERT_EQUAL(KeReadStateEvent(&w.event), 1);
    CU_ASSERT_EQUAL(KeSetEvent(&w.event, 0, FALSE), 1);
    CU_ASSERT_EQUAL(wait_for(&w.event, 0), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(KeResetEvent(&w.event), 1);
    CU_ASSERT_EQUAL(wait_for(&w.event, 0), STATUS_TIMEOUT);
}

static void notification_event(void)
{
    under_both(notification_body);
}

static void synchronization_body(void)
{
    struct nt_thread *threads[3];
    struct waiters w;

    start_waiters(&w, SynchronizationEvent, threads);
    for (int i = 1; i <= 3; i++) {
        KeSetEvent(&w.event, 0, FALSE);
        sched_settle(0);
        CU_ASSERT_EQUAL(value(&w.through), i);
        CU_ASSERT_EQUAL(KeReadStateEvent(&w.event), 0);
    }
    for (int i = 0; i < 3; i++) {
        join(threads[i]);
    }
    KeSetEvent(&w.event, 0, FALSE);
    CU_ASSERT_EQUAL(wait_for(&w.event, 0), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(wait_for(&w.event, 0), STATUS_TIMEOUT);
    KeSetEvent(&w.event, 0, FALSE);
    KeClearEvent(&w.event);
    CU_ASSERT_EQUAL(wait_for(&w.event, 0), STATUS_TIMEOUT);
}

static void synchronization_event(void)
{
    under_both(synchronization_body);
}

/* --- time-outs --- */

static void time_out_body(void)
{
    LARGE_INTEGER at;
    ULONGLONG begin = KeQueryInterruptTime();
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    CU_ASSERT_EQUAL(wait_for(&event, 2 * MILLISECOND), STATUS_TIMEOUT);
    CU_ASSERT_TRUE(KeQueryInterruptTime() >= begin + 2 * MILLISECOND);
    KeQuerySystemTime(&at);
    at.QuadPart += 2 * MILLISECOND;
    CU_ASSERT_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &at),
                    STATUS_TIMEOUT);
    at.QuadPart = 1; /* In 1601. */
    CU_ASSERT_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &at),
                    STATUS_TIMEOUT);
    KeSetEvent(&event, 0, FALSE);
    CU_ASSERT_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &at),
                    STATUS_SUCCESS);
}

static void time_outs(void)
{
    under_both(time_out_body);
}

static void time_outs_are_exact_in_virtual_time(void)
{
    LARGE_INTEGER at;
    KEVENT event;

    boot_seeded();
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    CU_ASSERT_EQUAL(wait_for(&event, 90 * SECOND), STATUS_TIMEOUT);
    CU_ASSERT_EQUAL(KeQueryInterruptTime(), (ULONGLONG)(90 * SECOND));
    KeQuerySystemTime(&at);
    at.QuadPart += 10 * SECOND;
    CU_ASSERT_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &at),
                    STATUS_TIMEOUT);
    CU_ASSERT_EQUAL(KeQueryInterruptTime(), (ULONGLONG)(100 * SECOND));
    sched_halt();
}

/* --- several objects --- */

struct several {
    KEVENT first, second;
    NTSTATUS status;
};

static void wait_for_all(void *argument)
{
    struct several *s = argument;
    PVOID objects[] = {&s->first, &s->second};

    s->status =
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL);
}

static void several_body(void)
{
    struct several s = {.status = -1};
    PVOID objects[] = {&s.first, &s.second};
    struct nt_thread *thread;
    LARGE_INTEGER now = {.QuadPart = 0};

    KeInitializeEvent(&s.first, SynchronizationEvent, FALSE);
    KeInitializeEvent(&s.second, SynchronizationEvent, TRUE);
    CU_ASSERT_EQUAL(
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_WAIT_1);
    CU_ASSERT_EQUAL(
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, &now, NULL),
        STATUS_TIMEOUT);
    thread = sched_spawn("all", wait_for_all, &s);
    sched_settle(0);
    KeSetEvent(&s.first, 0, FALSE);
    sched_settle(0);
    CU_ASSERT_EQUAL(KeReadStateEvent(&s.first),
                    1); /* Nothing is taken before everything is there. */
    KeSetEvent(&s.second, 0, FALSE);
    join(thread);
    CU_ASSERT_EQUAL(s.status, STATUS_SUCCESS);
    CU_ASSERT_EQUAL(KeReadStateEvent(&s.first), 0);
    CU_ASSERT_EQUAL(KeReadStateEvent(&s.second), 0);
}

static void several_objects(void)
{
    under_both(several_body);
}

/* --- mutexes, semaphores --- */

struct mutex {
    KMUTEX mutex;
    int got;
};

static void take_mutex(void *argument)
{
    struct mutex *m = argument;

    wait_for(&m->mutex, FOREVER);
    add(&m->got, 1);
    KeReleaseMutex(&m->mutex, FALSE);
}

static void mutex_body(void)
{
    struct mutex m = {.got = 0};
    struct nt_thread *thread;

    KeInitializeMutex(&m.mutex, 0);
    CU_ASSERT_EQUAL(wait_for(&m.mutex, FOREVER), STATUS_SUCCESS);
    CU_ASSERT_TRUE(KeAreApcsDisabled());
    CU_ASSERT_EQUAL(wait_for(&m.mutex, 0), STATUS_SUCCESS); /* Again, by its owner. */
    thread = sched_spawn("other", take_mutex, &m);
    sched_settle(0);
    CU_ASSERT_EQUAL(KeReleaseMutex(&m.mutex, FALSE), -1);
    sched_settle(0);
    CU_ASSERT_EQUAL(value(&m.got), 0);
    CU_ASSERT_EQUAL(KeReleaseMutex(&m.mutex, FALSE), 0);
    join(thread);
    CU_ASSERT_EQUAL(m.got, 1);
    CU_ASSERT_EQUAL(KeReadStateMutex(&m.mutex), 1);
    CU_ASSERT_FALSE(KeAreApcsDisabled());
}

static void mutex_is_recursive(void)
{
    under_both(mutex_body);
}

static void semaphore_body(void)
{
    KSEMAPHORE semaphore;

    KeInitializeSemaphore(&semaphore, 1, 3);
    CU_ASSERT_EQUAL(wait_for(&semaphore, 0), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(wait_for(&semaphore, 0), STATUS_TIMEOUT);
    CU_ASSERT_EQUAL(KeReleaseSemaphore(&semaphore, 0, 2, FALSE), 0);
    CU_ASSERT_EQUAL(KeReleaseSemaphore(&semaphore, 0, 1, FALSE), 2);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(wait_for(&semaphore, 0), STATUS_SUCCESS);
    }
    CU_ASSERT_EQUAL(KeReadStateSemaphore(&semaphore), 0);
}

static void semaphore_counts(void)
{
    under_both(semaphore_body);
}

struct fast {
    FAST_MUTEX mutex;
    int number;
};

static void count_fast(void *argument)
{
    struct fast *fast = argument;

    for (int i = 0; i < 50; i++) {
        int number;

        ExAcquireFastMutex(&fast->mutex);
        number = fast->number;
        KeQueryTimeIncrement();
        fast->number = number + 1;
        ExReleaseFastMutex(&fast->mutex);
    }
}

static void fast_mutex_body(void)
{
    struct nt_thread *threads[3];
    struct fast fast = {.number = 0};

    ExInitializeFastMutex(&fast.mutex);
    for (int i = 0; i < 3; i++) {
        threads[i] = sched_spawn("fast", count_fast, &fast);
    }
    for (int i = 0; i < 3; i++) {
        join(threads[i]);
    }
    CU_ASSERT_EQUAL(fast.number, 150);
    CU_ASSERT_TRUE(ExTryToAcquireFastMutex(&fast.mutex));
    CU_ASSERT_EQUAL(KeGetCurrentIrql(), APC_LEVEL);
    ExReleaseFastMutex(&fast.mutex);
    CU_ASSERT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void fast_mutex_excludes(void)
{
    under_both(fast_mutex_body);
}

/* --- spin locks' relatives --- */

static void list_body(void)
{
    LIST_ENTRY head, a, b;
    KSPIN_LOCK lock;
    KLOCK_QUEUE_HANDLE handle;

    KeInitializeSpinLock(&lock);
    InitializeListHead(&head);
    CU_ASSERT_PTR_NULL(ExInterlockedRemoveHeadList(&head, &lock));
    CU_ASSERT_PTR_NULL(ExInterlockedInsertTailList(&head, &a, &lock));
    CU_ASSERT_PTR_EQUAL(ExInterlockedInsertTailList(&head, &b, &lock), &a);
    CU_ASSERT_PTR_EQUAL(ExInterlockedRemoveHeadList(&head, &lock), &a);
    CU_ASSERT_PTR_EQUAL(ExInterlockedInsertHeadList(&head, &a, &lock), &b);
    CU_ASSERT_PTR_EQUAL(ExInterlockedRemoveHeadList(&head, &lock), &a);
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    CU_ASSERT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseInStackQueuedSpinLock(&handle);
    CU_ASSERT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void interlocked_lists(void)
{
    under_both(list_body);
}

/* --- timers and DPCs --- */

struct dpc {
    KDPC dpc;
    KEVENT ran;
    int runs;
    KIRQL irql;
    PVOID argument;
    ULONGLONG time;
};

static NTAPI VOID dpc_routine(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct dpc *d = context;

    (void)dpc;
    (void)argument2;
    d->irql = KeGetCurrentIrql();
    d->argument = argument1;
    d->time = KeQueryInterruptTime();
    add(&d->runs, 1);
    KeSetEvent(&d->ran, 0, FALSE);
}

static void initialize_dpc(struct dpc *d)
{
    *d = (struct dpc){.runs = 0};
    KeInitializeEvent(&d->ran, SynchronizationEvent, FALSE);
    KeInitializeDpc(&d->dpc, dpc_routine, d);
}

static void dpc_body(void)
{
    struct dpc d;

    initialize_dpc(&d);
    CU_ASSERT_TRUE(KeInsertQueueDpc(&d.dpc, &d.runs, NULL));
    KeFlushQueuedDpcs();
    CU_ASSERT_EQUAL(value(&d.runs), 1);
    CU_ASSERT_EQUAL(d.irql, DISPATCH_LEVEL);
    CU_ASSERT_PTR_EQUAL(d.argument, &d.runs);
    CU_ASSERT_FALSE(KeRemoveQueueDpc(&d.dpc));
    KeFlushQueuedDpcs(); /* Nothing to wait for. */
}

static void dpcs_run_at_dispatch_level(void)
{
    under_both(dpc_body);
}

static void a_dpc_is_queued_once(void)
{
    struct dpc d;
    KIRQL old;

    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .processors = 1});
    initialize_dpc(&d);
    KeRaiseIrql(DISPATCH_LEVEL, &old); /* The only processor: no DPC runs until it comes down. */
    CU_ASSERT_TRUE(KeInsertQueueDpc(&d.dpc, NULL, NULL));
    CU_ASSERT_FALSE(KeInsertQueueDpc(&d.dpc, NULL, NULL));
    CU_ASSERT_TRUE(KeRemoveQueueDpc(&d.dpc));
    CU_ASSERT_TRUE(KeInsertQueueDpc(&d.dpc, NULL, NULL));
    CU_ASSERT_EQUAL(value(&d.runs), 0);
    KeLowerIrql(old);
    KeFlushQueuedDpcs();
    CU_ASSERT_EQUAL(value(&d.runs), 1);
    sched_halt();
}

static LARGE_INTEGER in(LONGLONG time)
{
    return (LARGE_INTEGER){.QuadPart = -time};
}

static void timer_body(void)
{
    struct dpc d;
    KTIMER timer;

    initialize_dpc(&d);
    KeInitializeTimer(&timer);
    CU_ASSERT_FALSE(KeSetTimer(&timer, in(MILLISECOND), &d.dpc));
    CU_ASSERT_EQUAL(wait_for(&timer, FOREVER), STATUS_SUCCESS);
    CU_ASSERT_TRUE(KeReadStateTimer(&timer));
    CU_ASSERT_EQUAL(wait_for(&d.ran, FOREVER), STATUS_SUCCESS);
    CU_ASSERT_FALSE(KeCancelTimer(&timer));
    CU_ASSERT_FALSE(KeSetTimer(&timer, in(3600 * SECOND), &d.dpc));
    CU_ASSERT_FALSE(KeReadStateTimer(&timer));
    CU_ASSERT_EQUAL(nt_timers_armed(), 1);
    CU_ASSERT_PTR_EQUAL(nt_timer_within(&timer, sizeof timer), &timer);
    CU_ASSERT_TRUE(KeSetTimer(&timer, in(7200 * SECOND), &d.dpc));
    CU_ASSERT_TRUE(KeCancelTimer(&timer));
    CU_ASSERT_FALSE(KeCancelTimer(&timer));
    CU_ASSERT_EQUAL(nt_timers_armed(), 0);
    CU_ASSERT_PTR_NULL(nt_timer_within(&timer, sizeof timer));
    KeSetTimer(&timer, in(0), NULL); /* At once. */
    CU_ASSERT_EQUAL(wait_for(&timer, 0), STATUS_SUCCESS);
    KeFlushQueuedDpcs();
    CU_ASSERT_EQUAL(value(&d.runs), 1);
}

static void timers(void)
{
    under_both(timer_body);
}

static void periodic_timer(void)
{
    struct dpc d;
    KTIMER timer;

    boot_seeded();
    initialize_dpc(&d);
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeSetTimerEx(&timer, in(2 * SECOND), 500, &d.dpc);
    sched_settle((uint64_t)(4 * SECOND)); /* 2.0, 2.5, 3.0, 3.5, 4.0 s. */
    CU_ASSERT_EQUAL(value(&d.runs), 5);
    CU_ASSERT_EQUAL(d.time, (ULONGLONG)(4 * SECOND));
    CU_ASSERT_EQUAL(wait_for(&timer, 0), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(wait_for(&timer, 0), STATUS_TIMEOUT);
    CU_ASSERT_TRUE(KeCancelTimer(&timer));
    sched_settle(UINT64_MAX);
    CU_ASSERT_EQUAL(value(&d.runs), 5);
    CU_ASSERT_EQUAL(sched_time(), (uint64_t)(4 * SECOND));
    sched_halt();
}

static void timers_expire_in_order(void)
{
    struct dpc d[3];
    KTIMER timer[3];

    boot_seeded();
    for (int i = 0; i < 3; i++) {
        initialize_dpc(&d[i]);
        KeInitializeTimer(&timer[i]);
        KeSetTimer(&timer[i], in((3 - i) * SECOND), &d[i].dpc);
    }
    sched_settle(UINT64_MAX);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(d[i].time, (ULONGLONG)((3 - i) * SECOND));
    }
    sched_halt();
}

/* --- work items --- */

static const struct nt_object_type device_type = {.name = "Device"};

struct work {
    PIO_WORKITEM item;
    KEVENT done, go;
    KIRQL irql;
    PDEVICE_OBJECT device;
};

static NTAPI VOID work_routine(PDEVICE_OBJECT device, PVOID context)
{
    struct work *work = context;

    work->irql = KeGetCurrentIrql();
    work->device = device;
    KeSetEvent(&work->done, 0, FALSE);
}

/** Waits for another work item: a worker of its own must run that one. */
static NTAPI VOID nested_routine(PDEVICE_OBJECT device, PVOID context)
{
    struct work *work = context;
    struct work inner = {.item = IoAllocateWorkItem(device)};

    KeInitializeEvent(&inner.done, NotificationEvent, FALSE);
    IoQueueWorkItem(inner.item, work_routine, DelayedWorkQueue, &inner);
    wait_for(&inner.done, FOREVER);
    IoFreeWorkItem(inner.item);
    KeSetEvent(&work->done, 0, FALSE);
}

static void work_body(void)
{
    PDEVICE_OBJECT device = nt_object_create(&device_type, sizeof *device);
    struct work work = {.irql = HIGH_LEVEL, .item = IoAllocateWorkItem(device)};
    KIRQL old;

    KeInitializeEvent(&work.done, SynchronizationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    IoQueueWorkItem(work.item, work_routine, DelayedWorkQueue, &work);
    KeLowerIrql(old);
    wait_for(&work.done, FOREVER);
    CU_ASSERT_EQUAL(work.irql, PASSIVE_LEVEL);
    CU_ASSERT_PTR_EQUAL(work.device, device);
    IoQueueWorkItem(work.item, nested_routine, CriticalWorkQueue, &work);
    wait_for(&work.done, FOREVER);
    CU_ASSERT_EQUAL(nt_work_items(), 1);
    IoFreeWorkItem(work.item);
    CU_ASSERT_EQUAL(nt_work_items(), 0);
    sched_settle(0);
    nt_object_dereference(device);
}

static void work_items_run_at_passive_level(void)
{
    under_both(work_body);
}

/* --- rules: each body breaks one --- */

static KEVENT event;
static KSPIN_LOCK lock;
static FAST_MUTEX fast_mutex;
static KMUTEX mutex;
static KSEMAPHORE semaphore;
static LARGE_INTEGER a_while = {.QuadPart = -1};

static void raised_wait_forever(void)
{
    KeRaiseIrqlToDpcLevel();
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static void raised_wait(void)
{
    KeRaiseIrqlToDpcLevel();
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &a_while);
}

static void wait_above_dispatch(void)
{
    LARGE_INTEGER now = {.QuadPart = 0};

    KfRaiseIrql(HIGH_LEVEL);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now);
}

static void raised_delay(void)
{
    KeRaiseIrqlToDpcLevel();
    KeDelayExecutionThread(KernelMode, FALSE, &a_while);
}

static void raise_below(void)
{
    KfRaiseIrql(HIGH_LEVEL);
    KfRaiseIrql(DISPATCH_LEVEL);
}

static void lower_above(void)
{
    KeLowerIrql(APC_LEVEL);
}

static void lock_twice(void)
{
    KIRQL old;

    KeAcquireSpinLock(&lock, &old);
    KeAcquireSpinLockAtDpcLevel(&lock);
}

static void release_unheld(void)
{
    KeRaiseIrqlToDpcLevel();
    KeReleaseSpinLockFromDpcLevel(&lock);
}

static void release_low(void)
{
    KIRQL old;

    KeAcquireSpinLock(&lock, &old);
    KeLowerIrql(old);
    KeReleaseSpinLock(&lock, old);
}

static void dpc_variant_low(void)
{
    KeAcquireSpinLockAtDpcLevel(&lock);
}

static void dpc_release_low(void)
{
    KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(&lock);
    KeLowerIrql(PASSIVE_LEVEL);
    KeReleaseSpinLockFromDpcLevel(&lock);
}

static void fast_mutex_raised(void)
{
    KeRaiseIrqlToDpcLevel();
    ExAcquireFastMutex(&fast_mutex);
}

static void fast_mutex_twice(void)
{
    ExAcquireFastMutex(&fast_mutex);
    ExAcquireFastMutex(&fast_mutex);
}

static void fast_mutex_released_low(void)
{
    ExAcquireFastMutex(&fast_mutex);
    KeLowerIrql(PASSIVE_LEVEL);
    ExReleaseFastMutex(&fast_mutex);
}

static void fast_mutex_unheld(void)
{
    KfRaiseIrql(APC_LEVEL);
    ExReleaseFastMutex(&fast_mutex);
}

static void mutex_unheld(void)
{
    KeReleaseMutex(&mutex, FALSE);
}

static void semaphore_beyond(void)
{
    KeReleaseSemaphore(&semaphore, 0, 2, FALSE);
}

static void wait_for_rubbish(void)
{
    KEVENT never;

    memset(&never, 0, sizeof never);
    KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, NULL);
}

static void leave_unentered(void)
{
    KeLeaveCriticalRegion();
}

static void too_many_objects(void)
{
    PVOID objects[4] = {&event, &event, &event, &event};

    KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
}

static void queue_twice(void)
{
    PIO_WORKITEM item = IoAllocateWorkItem(nt_object_create(&device_type, sizeof(DEVICE_OBJECT)));

    KeRaiseIrqlToDpcLevel(); /* Of the only processor: no worker runs. */
    IoQueueWorkItem(item, work_routine, DelayedWorkQueue, NULL);
    IoQueueWorkItem(item, work_routine, DelayedWorkQueue, NULL);
}

static void free_queued(void)
{
    PIO_WORKITEM item = IoAllocateWorkItem(nt_object_create(&device_type, sizeof(DEVICE_OBJECT)));

    KeRaiseIrqlToDpcLevel();
    IoQueueWorkItem(item, work_routine, DelayedWorkQueue, NULL);
    IoFreeWorkItem(item);
}

static NTAPI VOID end_raised(PVOID context)
{
    (void)context;
    KeRaiseIrqlToDpcLevel();
}

static NTAPI VOID end_with_mutex(PVOID context)
{
    (void)context;
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
}

static NTAPI VOID end_in_region(PVOID context)
{
    (void)context;
    KeEnterCriticalRegion();
}

static NTAPI VOID end_with_spin_lock(PVOID context)
{
    KIRQL old;

    (void)context;
    KeAcquireSpinLock(&lock, &old);
    KeLowerIrql(old);
}

static void run_thread(PKSTART_ROUTINE routine)
{
    HANDLE handle;

    PsCreateSystemThread(&handle, 0, NULL, NULL, NULL, routine, NULL);
    sched_settle(UINT64_MAX);
}

static void thread_ends_raised(void)
{
    run_thread(end_raised);
}

static void thread_ends_with_mutex(void)
{
    run_thread(end_with_mutex);
}

static void thread_ends_in_region(void)
{
    run_thread(end_in_region);
}

static void thread_ends_with_spin_lock(void)
{
    run_thread(end_with_spin_lock);
}

static NTAPI VOID raises_and_returns(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    KeLowerIrql(PASSIVE_LEVEL);
}

static void dpc_returns_lowered(void)
{
    static KDPC dpc;

    KeInitializeDpc(&dpc, raises_and_returns, NULL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}

static const struct broken {
    void (*body)(void);
    enum verifier_rule_symbol rule;
} broken[] = {
    {raised_wait_forever, RULE_WAIT_FOREVER_DISPATCH},
    {raised_wait, RULE_WAIT_DISPATCH},
    {wait_above_dispatch, RULE_IRQL_TOO_HIGH},
    {raised_delay, RULE_IRQL_TOO_HIGH},
    {raise_below, RULE_IRQL_RAISE},
    {lower_above, RULE_IRQL_LOWER},
    {lock_twice, RULE_LOCK_SELF_DEADLOCK},
    {release_unheld, RULE_LOCK_NOT_HELD},
    {release_low, RULE_SPIN_RELEASE_IRQL},
    {dpc_variant_low, RULE_SPIN_AT_DPC_IRQL},
    {dpc_release_low, RULE_SPIN_FROM_DPC_IRQL},
    {fast_mutex_raised, RULE_FAST_MUTEX_ACQUIRE_IRQL},
    {fast_mutex_twice, RULE_LOCK_SELF_DEADLOCK},
    {fast_mutex_released_low, RULE_FAST_MUTEX_RELEASE_IRQL},
    {fast_mutex_unheld, RULE_LOCK_NOT_HELD},
    {mutex_unheld, RULE_MUTEX_NOT_OWNED},
    {semaphore_beyond, RULE_SEMAPHORE_LIMIT},
    {wait_for_rubbish, RULE_WAIT_OBJECT},
    {leave_unentered, RULE_CRITICAL_REGION_LEAVE},
    {too_many_objects, RULE_WAIT_BLOCKS},
    {queue_twice, RULE_WORK_ITEM_QUEUED},
    {free_queued, RULE_WORK_ITEM_QUEUED},
    {thread_ends_raised, RULE_THREAD_END_IRQL},
    {thread_ends_with_mutex, RULE_LOCK_THREAD_END},
    {thread_ends_in_region, RULE_THREAD_END_REGION},
    {thread_ends_with_spin_lock, RULE_LOCK_THREAD_END},
    {dpc_returns_lowered, RULE_CALLBACK_IRQL},
};

static void break_rule(void *argument)
{
    const struct broken *rule = argument;

    if (freopen("/dev/null", "w", stderr) ==
        NULL) { /* The report reaches the parent by its own way. */
        _exit(1);
    }
    verifier_enable(true);
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .processors = 1});
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeSpinLock(&lock);
    ExInitializeFastMutex(&fast_mutex);
    KeInitializeMutex(&mutex, 0);
    KeInitializeSemaphore(&semaphore, 0, 1);
    rule->body();
}

static void broken_rules_are_caught(void)
{
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct explore_result result = sched_explore(break_rule, (void *)&broken[i], 0, 1);

        CU_ASSERT_EQUAL(result.outcome, EXPLORE_BUGCHECK);
        CU_ASSERT_EQUAL(result.report.rule, (int32_t)broken[i].rule);
        if (result.report.rule != (int32_t)broken[i].rule) {
            fprintf(stderr, "broken rule %zu: %s, rule %d: %s\n", i,
                    explore_outcome_name(result.outcome), result.report.rule, result.report.text);
        }
        explore_result_free(&result);
    }
}

/** What the rules allow. */
static void allowed_body(void)
{
    LARGE_INTEGER now = {.QuadPart = 0};
    KIRQL old;

    KeInitializeEvent(&event, NotificationEvent, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    CU_ASSERT_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now),
                    STATUS_SUCCESS);
    KeResetEvent(&event);
    CU_ASSERT_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now),
                    STATUS_TIMEOUT);
    CU_ASSERT_EQUAL(KfRaiseIrql(DISPATCH_LEVEL), DISPATCH_LEVEL);
    KeLowerIrql(old);
    KeEnterCriticalRegion();
    CU_ASSERT_TRUE(KeAreApcsDisabled());
    KeLeaveCriticalRegion();
    KeEnterGuardedRegion();
    CU_ASSERT_TRUE(KeAreAllApcsDisabled());
    KeLeaveGuardedRegion();
    CU_ASSERT_FALSE(KeAreApcsDisabled());
}

static void what_the_rules_allow(void)
{
    under_both(allowed_body);
}

CU_ErrorCode register_dispatcher_suite(void)
{
    static CU_TestInfo cases[] = {
        {"a notification event lets everyone through", notification_event},
        {"a synchronization event lets one through", synchronization_event},
        {"time-outs", time_outs},
        {"time-outs are exact in virtual time", time_outs_are_exact_in_virtual_time},
        {"waits for one or all of several objects", several_objects},
        {"a mutex is recursive", mutex_is_recursive},
        {"a semaphore counts", semaphore_counts},
        {"a fast mutex excludes", fast_mutex_excludes},
        {"interlocked lists and queued spin locks", interlocked_lists},
        {"DPCs run at DISPATCH_LEVEL", dpcs_run_at_dispatch_level},
        {"a DPC is queued once", a_dpc_is_queued_once},
        {"timers", timers},
        {"a periodic timer", periodic_timer},
        {"timers expire in order", timers_expire_in_order},
        {"work items run at PASSIVE_LEVEL", work_items_run_at_passive_level},
        {"what the rules allow", what_the_rules_allow},
        {"broken rules are caught", broken_rules_are_caught},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {{"dispatcher", NULL, NULL, NULL, NULL, cases},
                                    CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
