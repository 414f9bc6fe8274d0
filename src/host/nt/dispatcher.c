/*
 * Dispatcher objects: events, mutexes, semaphores (timers and threads join in), and the waits on
 * them. All signal states and wait lists are under the one dispatcher lock; an object is handed to
 * the waiter by whoever signals it, in the order of arrival. Nothing here knows which scheduler
 * runs: it blocks and wakes.
 */
#include "nt/dispatcher.h"

/* The kinds of object that a thread can wait for, as bits. */
#define BIT(type) (1u << (type))
#define EVENTS    (BIT(NOTIFICATION_EVENT) | BIT(SYNCHRONIZATION_EVENT))
#define TIMERS    (BIT(NOTIFICATION_TIMER) | BIT(SYNCHRONIZATION_TIMER))
#define OWNED     (BIT(MUTANT_OBJECT) | BIT(SEMAPHORE_OBJECT))
#define WAITABLE  (EVENTS | TIMERS | OWNED | BIT(THREAD_OBJECT))

/** One wait: lives on the waiting thread's stack; its blocks link it to each of its objects. */
struct waiter {
    struct nt_thread *thread;
    KWAIT_BLOCK *blocks; /**< SparePtr leads back here. */
    ULONG count;
    WAIT_TYPE type;
    bool done;
    NTSTATUS status;
};

/* --- objects --- */

const struct nt_object_type nt_event_type = {.name = "Event"};

void dispatcher_initialize(DISPATCHER_HEADER *header, enum dispatcher_type type, size_t size,
                           LONG state)
{
    size_t words = size / sizeof(LONG);

    *header = (DISPATCHER_HEADER){.Type = (UCHAR)type,
                                  .Size = (UCHAR)(words <= MAXUCHAR ? words : MAXUCHAR),
                                  .SignalState = state};
    InitializeListHead(&header->WaitListHead);
}

/** Memory that was never initialized has no size. */
void dispatcher_check(const DISPATCHER_HEADER *header, uint32_t types, const char *routine)
{
    if (header == NULL || header->Size == 0 || header->Type > 31 ||
        (types & BIT(header->Type)) == 0) {
        verifier_bugcheck(RULE_WAIT_OBJECT, (uintptr_t)header, 0, 0,
                          "%s is given something that is not initialized, or not what it takes",
                          routine);
    }
}

static bool ready(const DISPATCHER_HEADER *header, const struct nt_thread *thread)
{
    return header->SignalState > 0 || (header->Type == MUTANT_OBJECT &&
                                       ((const KMUTANT *)header)->OwnerThread == (PKTHREAD)thread);
}

/** What a satisfied wait does to the object. */
static void consume(DISPATCHER_HEADER *header, struct nt_thread *thread)
{
    KMUTANT *mutant = (KMUTANT *)header;

    switch (header->Type) {
    case SYNCHRONIZATION_EVENT:
    case SYNCHRONIZATION_TIMER:
        header->SignalState = 0;
        break;
    case SEMAPHORE_OBJECT:
        header->SignalState--;
        break;
    case MUTANT_OBJECT:
        if (--header->SignalState == 0) {
            mutant->OwnerThread = (PKTHREAD)thread;
            thread->critical_region += mutant->ApcDisable;
            InsertTailList(&thread->mutants, &mutant->MutantListEntry);
        }
        break;
    default: /* Notification events and timers, and threads, stay signalled. */
        break;
    }
}

/* --- satisfying waits; dispatcher lock held --- */

/** \return whether the wait can end now, by the object at *key for WaitAny. */
static bool satisfiable(const struct waiter *waiter, ULONG *key)
{
    for (ULONG i = 0; i < waiter->count; i++) {
        bool is_ready = ready(waiter->blocks[i].Object, waiter->thread);

        if (is_ready && waiter->type == WaitAny) {
            *key = i;
            return true;
        }
        if (!is_ready && waiter->type == WaitAll) {
            return false;
        }
    }
    *key = 0;
    return waiter->type == WaitAll;
}

static void satisfy(struct waiter *waiter, ULONG key)
{
    for (ULONG i = 0; i < waiter->count; i++) {
        if (waiter->type == WaitAll || i == key) {
            consume(waiter->blocks[i].Object, waiter->thread);
        }
    }
    waiter->status = STATUS_WAIT_0 + (NTSTATUS)key;
    waiter->done = true;
}

static void unlink_blocks(struct waiter *waiter)
{
    for (ULONG i = 0; i < waiter->count; i++) {
        RemoveEntryList(&waiter->blocks[i].WaitListEntry);
    }
}

/** \return the first waiter of the object whose wait can end, or NULL. */
static struct waiter *first_satisfiable(DISPATCHER_HEADER *header, ULONG *key)
{
    for (PLIST_ENTRY entry = header->WaitListHead.Flink; entry != &header->WaitListHead;
         entry = entry->Flink) {
        KWAIT_BLOCK *block = CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry);

        if (satisfiable(block->SparePtr, key)) {
            return block->SparePtr;
        }
    }
    return NULL;
}

void dispatcher_signal(DISPATCHER_HEADER *header)
{
    struct waiter *waiter;
    ULONG key;

    while (header->SignalState > 0 && (waiter = first_satisfiable(header, &key)) != NULL) {
        satisfy(waiter, key);
        unlink_blocks(waiter);
        sched_wake(waiter->thread);
    }
}

/* --- waiting --- */

uint64_t dispatcher_deadline(const LARGE_INTEGER *timeout)
{
    if (timeout == NULL) {
        return UINT64_MAX;
    }
    if (timeout->QuadPart == 0) {
        return 0;
    }
    if (timeout->QuadPart < 0) {
        return sched_time() + (0 - (uint64_t)timeout->QuadPart);
    }
    return (uint64_t)timeout->QuadPart > time_at_boot()
               ? (uint64_t)timeout->QuadPart - time_at_boot()
               : 0;
}

static const char *waits_for(const struct waiter *waiter)
{
    if (waiter->count > 1) {
        return waiter->type == WaitAll ? "waits for all of several objects"
                                       : "waits for one of several objects";
    }
    switch (((const DISPATCHER_HEADER *)waiter->blocks[0].Object)->Type) {
    case NOTIFICATION_EVENT:
        return "waits for a notification event";
    case SYNCHRONIZATION_EVENT:
        return "waits for a synchronization event";
    case MUTANT_OBJECT:
        return "waits for a mutex";
    case SEMAPHORE_OBJECT:
        return "waits for a semaphore";
    case THREAD_OBJECT:
        return "waits for a thread to end";
    default:
        return "waits for a timer";
    }
}

/** Queues the wait at its objects and sleeps until it is satisfied or the deadline has passed. */
static void sleep_until_done(struct waiter *waiter, uint64_t deadline)
{
    for (ULONG i = 0; i < waiter->count; i++) {
        DISPATCHER_HEADER *header = waiter->blocks[i].Object;

        waiter->blocks[i].SparePtr = waiter;
        InsertTailList(&header->WaitListHead, &waiter->blocks[i].WaitListEntry);
    }
    waiter->thread->waits = waits_for(waiter);
    while (!waiter->done && sched_block(deadline)) {
    }
    waiter->thread->waits = NULL;
    if (!waiter->done) {
        unlink_blocks(waiter);
    }
}

/** \return a bit for each object that is a mutex and that the wait has just acquired; a recursive
 *  acquisition is none. \locks{dispatcher lock held: without it the objects may be gone} */
static uint64_t acquired_mutexes(const struct waiter *waiter)
{
    uint64_t acquired = 0;

    for (ULONG i = 0; waiter->done && i < waiter->count; i++) {
        const DISPATCHER_HEADER *header = waiter->blocks[i].Object;

        if (header->Type == MUTANT_OBJECT && header->SignalState == 0 &&
            (waiter->type == WaitAll || (NTSTATUS)i == waiter->status - STATUS_WAIT_0)) {
            acquired |= (uint64_t)1 << i;
        }
    }
    return acquired;
}

/** Tells the verifier of a mutex that the thread is about to wait for, however long. */
static void report_acquiring(void *object, const struct nt_thread *thread)
{
    const KMUTANT *mutant = object;

    if (mutant->Header.Type == MUTANT_OBJECT &&
        __atomic_load_n((void *const *)&mutant->OwnerThread, __ATOMIC_RELAXED) != (void *)thread) {
        verifier_lock_acquiring(object, "mutex");
    }
}

static NTSTATUS wait(ULONG count, PVOID objects[], WAIT_TYPE type, const LARGE_INTEGER *timeout,
                     KWAIT_BLOCK *blocks)
{
    struct waiter waiter = {.thread = sched_current(),
                            .blocks = blocks,
                            .count = count,
                            .type = type,
                            .status = STATUS_TIMEOUT};
    uint64_t deadline = dispatcher_deadline(timeout), mutexes;
    ULONG key;

    for (ULONG i = 0; i < count; i++) {
        dispatcher_check(objects[i], WAITABLE, "a wait");
        blocks[i].Object = objects[i];
        if (timeout == NULL && count == 1) {
            report_acquiring(objects[i], waiter.thread);
        }
    }
    sched_lock();
    if (satisfiable(&waiter, &key)) {
        satisfy(&waiter, key);
    } else if (deadline == UINT64_MAX || (deadline != 0 && deadline > sched_time())) {
        sleep_until_done(&waiter, deadline);
    }
    mutexes = acquired_mutexes(&waiter);
    sched_unlock();
    for (ULONG i = 0; mutexes != 0; i++, mutexes >>= 1) {
        if (mutexes & 1) {
            verifier_lock_acquired(blocks[i].Object, "mutex");
        }
    }
    return waiter.status;
}

NTSTATUS nt_wait(void *object, const LARGE_INTEGER *timeout)
{
    KWAIT_BLOCK block;

    return wait(1, &object, WaitAny, timeout, &block);
}

/** At DISPATCH_LEVEL a wait may only look. */
static void check_wait_irql(const void *object, const LARGE_INTEGER *timeout)
{
    KIRQL irql = nt_irql();

    if (irql >= DISPATCH_LEVEL && timeout == NULL) {
        verifier_bugcheck(RULE_WAIT_FOREVER_DISPATCH, irql, (uintptr_t)object, 0,
                          "a wait without a time-out at IRQL %u", irql);
    }
    if (irql >= DISPATCH_LEVEL && timeout->QuadPart != 0) {
        verifier_bugcheck(RULE_WAIT_DISPATCH, irql, (uintptr_t)object, (uintptr_t)timeout,
                          "a wait with a time-out that is not zero at IRQL %u", irql);
    }
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
                                     KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                     PLARGE_INTEGER Timeout)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(WaitReason);
    UNREFERENCED_PARAMETER(WaitMode);
    UNREFERENCED_PARAMETER(Alertable);
    check_wait_irql(Object, Timeout);
    return nt_wait(Object, Timeout);
}

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                        PKWAIT_BLOCK WaitBlockArray)
{
    KWAIT_BLOCK own[THREAD_WAIT_OBJECTS];

    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(WaitReason);
    UNREFERENCED_PARAMETER(WaitMode);
    UNREFERENCED_PARAMETER(Alertable);
    if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS ||
        (Count > THREAD_WAIT_OBJECTS && WaitBlockArray == NULL)) {
        verifier_bugcheck(RULE_WAIT_BLOCKS, 0, 0, 0, "a wait for %u objects %s wait blocks", Count,
                          WaitBlockArray == NULL ? "without" : "with");
    }
    check_wait_irql(Object, Timeout);
    return wait(Count, Object, WaitType, Timeout, WaitBlockArray != NULL ? WaitBlockArray : own);
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                      PLARGE_INTEGER Interval)
{
    struct nt_thread *thread = sched_current();
    uint64_t deadline;

    NT_ROUTINE(APC_LEVEL);
    UNREFERENCED_PARAMETER(WaitMode);
    UNREFERENCED_PARAMETER(Alertable);
    deadline = dispatcher_deadline(Interval);
    sched_lock();
    thread->waits = "sleeps";
    while (deadline > sched_time() && sched_block(deadline)) {
    }
    thread->waits = NULL;
    sched_unlock();
    return STATUS_SUCCESS;
}

/* --- events --- */

VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    NT_ROUTINE(HIGH_LEVEL);
    dispatcher_initialize(&Event->Header,
                          Type == NotificationEvent ? NOTIFICATION_EVENT : SYNCHRONIZATION_EVENT,
                          sizeof *Event, State != FALSE);
}

LONG nt_set_event(KEVENT *event)
{
    LONG old;

    sched_lock();
    old = event->Header.SignalState;
    event->Header.SignalState = 1;
    if (!IsListEmpty(&event->Header.WaitListHead)) {
        dispatcher_signal(&event->Header);
    }
    sched_unlock();
    return old;
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(Increment);
    UNREFERENCED_PARAMETER(Wait);
    dispatcher_check(&Event->Header, EVENTS, "KeSetEvent");
    return nt_set_event(Event);
}

static LONG exchange_state(DISPATCHER_HEADER *header, LONG state)
{
    LONG old;

    sched_lock();
    old = header->SignalState;
    header->SignalState = state;
    sched_unlock();
    return old;
}

static LONG read_state(DISPATCHER_HEADER *header)
{
    LONG state;

    sched_lock();
    state = header->SignalState;
    sched_unlock();
    return state;
}

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    dispatcher_check(&Event->Header, EVENTS, "KeResetEvent");
    return exchange_state(&Event->Header, 0);
}

VOID NTAPI KeClearEvent(PRKEVENT Event)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    dispatcher_check(&Event->Header, EVENTS, "KeClearEvent");
    exchange_state(&Event->Header, 0);
}

LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    NT_ROUTINE(HIGH_LEVEL);
    dispatcher_check(&Event->Header, EVENTS, "KeReadStateEvent");
    return read_state(&Event->Header);
}

/* --- mutexes --- */

VOID NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(Level);
    dispatcher_initialize(&Mutex->Header, MUTANT_OBJECT, sizeof *Mutex, 1);
    InitializeListHead(&Mutex->MutantListEntry);
    Mutex->OwnerThread = NULL;
    Mutex->Abandoned = FALSE;
    Mutex->ApcDisable = 1;
}

/** Gives one acquisition back. \return false when the thread does not own it. */
static bool release_mutex(KMUTANT *mutex, struct nt_thread *thread, LONG *old)
{
    *old = mutex->Header.SignalState;
    if (mutex->OwnerThread != (PKTHREAD)thread) {
        return false;
    }
    if (++mutex->Header.SignalState == 1) {
        mutex->OwnerThread = NULL;
        RemoveEntryList(&mutex->MutantListEntry);
        thread->critical_region -= mutex->ApcDisable;
        dispatcher_signal(&mutex->Header);
    }
    return true;
}

LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    struct nt_thread *thread = sched_current();
    bool owned;
    LONG old;

    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(Wait);
    dispatcher_check(&Mutex->Header, BIT(MUTANT_OBJECT), "KeReleaseMutex");
    if (read_state(&Mutex->Header) == 0 && Mutex->OwnerThread == (PKTHREAD)thread) {
        verifier_lock_released(Mutex, "mutex"); /* Before another thread can have it. */
    }
    sched_lock();
    owned = release_mutex(Mutex, thread, &old);
    sched_unlock();
    if (!owned) {
        verifier_bugcheck(RULE_MUTEX_NOT_OWNED, (uintptr_t)Mutex, (uintptr_t)thread, 0,
                          "thread %u (%s) releases a mutex that it does not own", thread->id,
                          thread->name);
    }
    return old;
}

LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    dispatcher_check(&Mutex->Header, BIT(MUTANT_OBJECT), "KeReadStateMutex");
    return read_state(&Mutex->Header);
}

/* --- semaphores --- */

VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    dispatcher_initialize(&Semaphore->Header, SEMAPHORE_OBJECT, sizeof *Semaphore, Count);
    Semaphore->Limit = Limit;
}

LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              BOOLEAN Wait)
{
    LONG old;

    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(Increment);
    UNREFERENCED_PARAMETER(Wait);
    dispatcher_check(&Semaphore->Header, BIT(SEMAPHORE_OBJECT), "KeReleaseSemaphore");
    sched_lock();
    old = Semaphore->Header.SignalState;
    if (Adjustment > 0 && Adjustment <= Semaphore->Limit - old) {
        Semaphore->Header.SignalState += Adjustment;
        dispatcher_signal(&Semaphore->Header);
        Adjustment = 0;
    }
    sched_unlock();
    if (Adjustment != 0) {
        verifier_bugcheck(RULE_SEMAPHORE_LIMIT, (uintptr_t)Semaphore, (uint64_t)old, 0,
                          "KeReleaseSemaphore by %d: the count is %d, the limit %d", Adjustment,
                          old, Semaphore->Limit);
    }
    return old;
}

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    NT_ROUTINE(HIGH_LEVEL);
    dispatcher_check(&Semaphore->Header, BIT(SEMAPHORE_OBJECT), "KeReadStateSemaphore");
    return read_state(&Semaphore->Header);
}
