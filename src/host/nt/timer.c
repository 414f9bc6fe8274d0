/*
 * Timers and DPCs. One host thread, the clock, sleeps until the first timer is due and signals it;
 * as many DPC threads as there are processors take queued DPCs and call them at DISPATCH_LEVEL.
 * Timer list and DPC queue are under the dispatcher lock. Nothing here may call a driver with that
 * lock held.
 */
#include "nt/dispatcher.h"
#include "nt/sched_backend.h"

#include <pthread.h>
#include <string.h>

/** Windows' number for a DPC in KDPC.Type. */
#define DPC_OBJECT      19
#define MAX_DPC_THREADS 64

/** KTIMER.Header.Reserved1: the timer is in the list. */
#define ARMED 1

static struct {
    bool started, stopping;
    LIST_ENTRY timers; /**< By due time. */
    unsigned armed;
    struct nt_thread *clock;
    uint64_t clock_until;            /**< When the clock wakes up by itself. */
    PSINGLE_LIST_ENTRY first, *tail; /**< DPCs, in the order in which they will run. */
    uint64_t queued; /**< DPCs ever queued: a DPC's number, in its ProcessorHistory. */
    unsigned dpc_threads, idle;
    struct dpc_thread {
        struct nt_thread *thread;
        uint64_t runs; /**< Number of the DPC that it runs, 0 = none. */
        bool waiting;
    } dpc[MAX_DPC_THREADS];
    LIST_ENTRY flushers;
} kernel;

/** A thread in KeFlushQueuedDpcs. */
struct flusher {
    LIST_ENTRY link;
    uint64_t up_to; /**< Waits for the DPCs with numbers up to this one. */
    KEVENT done;
};

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

/* --- DPC queue; dispatcher lock held --- */

static inline PKDPC dpc_of(PSINGLE_LIST_ENTRY link)
{
    return CONTAINING_RECORD(link, KDPC, DpcListEntry);
}

static void push(PKDPC dpc)
{
    if (dpc->Importance == HighImportance) {
        dpc->DpcListEntry.Next = kernel.first;
        if (kernel.first == NULL) {
            kernel.tail = &dpc->DpcListEntry.Next;
        }
        kernel.first = &dpc->DpcListEntry;
    } else {
        dpc->DpcListEntry.Next = NULL;
        *kernel.tail = &dpc->DpcListEntry;
        kernel.tail = &dpc->DpcListEntry.Next;
    }
}

static void take_out(PSINGLE_LIST_ENTRY *link)
{
    PKDPC dpc = dpc_of(*link);

    *link = dpc->DpcListEntry.Next;
    if (*link == NULL) {
        kernel.tail = link;
    }
    dpc->DpcData = NULL;
}

static void wake_dpc_thread(void)
{
    for (unsigned i = 0; i < kernel.dpc_threads; i++) {
        if (kernel.dpc[i].waiting) {
            kernel.dpc[i].waiting = false;
            sched_wake(kernel.dpc[i].thread);
            return;
        }
    }
}

/** \return FALSE when it was queued already. */
static BOOLEAN insert(PKDPC dpc, PVOID argument1, PVOID argument2)
{
    if (dpc->DpcData != NULL) {
        return FALSE;
    }
    dpc->DpcData = &kernel;
    dpc->SystemArgument1 = argument1;
    dpc->SystemArgument2 = argument2;
    dpc->ProcessorHistory = ++kernel.queued;
    push(dpc);
    wake_dpc_thread();
    return TRUE;
}

/** \return whether every DPC up to that number has run. */
static bool flushed(uint64_t up_to)
{
    for (PSINGLE_LIST_ENTRY link = kernel.first; link != NULL; link = link->Next) {
        if (dpc_of(link)->ProcessorHistory <= up_to) {
            return false;
        }
    }
    for (unsigned i = 0; i < kernel.dpc_threads; i++) {
        if (kernel.dpc[i].runs != 0 && kernel.dpc[i].runs <= up_to) {
            return false;
        }
    }
    return true;
}

static void release_flushers(void)
{
    PLIST_ENTRY entry = kernel.flushers.Flink;

    while (entry != &kernel.flushers) {
        struct flusher *flusher = CONTAINING_RECORD(entry, struct flusher, link);

        entry = entry->Flink;
        if (flushed(flusher->up_to)) {
            RemoveEntryList(&flusher->link);
            flusher->done.Header.SignalState = 1;
            dispatcher_signal(&flusher->done.Header);
        }
    }
}

/* --- DPC threads --- */

/** Runs one DPC: at DISPATCH_LEVEL, and it must leave as it came. */
static void call(const KDPC *dpc, PKDPC original)
{
    KIRQL old = nt_raise_irql(DISPATCH_LEVEL);
    struct verifier_mark mark = verifier_callback_enter("DeferredRoutine");

    dpc->DeferredRoutine(original, dpc->DeferredContext, dpc->SystemArgument1,
                         dpc->SystemArgument2);
    verifier_callback_leave(&mark);
    nt_lower_irql(old);
}

static void dpc_run(void *argument)
{
    struct dpc_thread *self = argument;

    sched_lock();
    while (!kernel.stopping) {
        if (kernel.first != NULL) {
            PKDPC original = dpc_of(kernel.first);
            KDPC dpc =
                *original; /* Once it is out of the queue the driver may free or queue it again. */

            self->runs = dpc.ProcessorHistory;
            take_out(&kernel.first);
            sched_unlock();
            call(&dpc, original);
            sched_lock();
            self->runs = 0;
            release_flushers();
        } else {
            self->waiting = true;
            sched_block(UINT64_MAX);
            self->waiting = false;
        }
    }
    sched_unlock();
}

/* --- timers; dispatcher lock held --- */

static void arm(PKTIMER timer)
{
    PLIST_ENTRY entry = kernel.timers.Blink;

    while (entry != &kernel.timers &&
           CONTAINING_RECORD(entry, KTIMER, TimerListEntry)->DueTime.QuadPart >
               timer->DueTime.QuadPart) {
        entry = entry->Blink;
    }
    InsertHeadList(entry, &timer->TimerListEntry);
    timer->Header.Reserved1 = ARMED;
    kernel.armed++;
}

static void disarm(PKTIMER timer)
{
    RemoveEntryList(&timer->TimerListEntry);
    timer->Header.Reserved1 = 0;
    kernel.armed--;
}

static uint64_t first_due(void)
{
    if (IsListEmpty(&kernel.timers)) {
        return UINT64_MAX;
    }
    return CONTAINING_RECORD(kernel.timers.Flink, KTIMER, TimerListEntry)->DueTime.QuadPart;
}

/** The timer's time has come. */
static void expire(PKTIMER timer)
{
    if (timer->Header.Reserved1 == ARMED) {
        disarm(timer);
    }
    if (timer->Period != 0) {
        timer->DueTime.QuadPart += (uint64_t)timer->Period * 10000;
        arm(timer);
    }
    if (timer->Dpc != NULL) {
        insert(timer->Dpc, NULL, NULL);
    }
    timer->Header.SignalState = 1;
    dispatcher_signal(&timer->Header);
}

static void clock_run(void *argument)
{
    UNREFERENCED_PARAMETER(argument);
    sched_lock();
    while (!kernel.stopping) {
        while (first_due() <= sched_time()) {
            expire(CONTAINING_RECORD(kernel.timers.Flink, KTIMER, TimerListEntry));
        }
        kernel.clock_until = first_due();
        sched_block(kernel.clock_until);
    }
    sched_unlock();
}

/** The first timer may be another one now. Waking up too early costs a little; but virtual time
 *  must not go there. */
static void rearm_clock(void)
{
    uint64_t due = first_due();

    if (due < kernel.clock_until || sched_kind() == SCHED_SEEDED) {
        kernel.clock_until = due;
        sched_set_deadline(kernel.clock, due);
    }
}

/* --- starting and stopping the host's threads --- */

static struct nt_thread *start_service(const char *name, void (*run)(void *), void *argument)
{
    struct nt_thread *thread = sched_spawn(name, run, argument);

    thread->service = true;
    return thread;
}

/** Starts the clock and the DPC threads when the first timer or DPC is used. */
static void start(void)
{
    static const char *const names[] = {"dpc 0", "dpc 1", "dpc 2", "dpc 3"};

    if (__atomic_load_n(&kernel.started, __ATOMIC_ACQUIRE)) {
        return;
    }
    pthread_mutex_lock(&starting);
    if (!kernel.started) {
        kernel.tail = &kernel.first;
        InitializeListHead(&kernel.timers);
        InitializeListHead(&kernel.flushers);
        kernel.clock = start_service("clock", clock_run, NULL);
        for (unsigned i = 0; i < sched_processors(); i++) {
            kernel.dpc[i].thread = start_service(i < 4 ? names[i] : "dpc", dpc_run, &kernel.dpc[i]);
        }
        kernel.dpc_threads = sched_processors();
        __atomic_store_n(&kernel.started, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&starting);
}

static void join(struct nt_thread *thread)
{
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
}

void timer_halt(void)
{
    if (!kernel.started) {
        return;
    }
    sched_lock();
    kernel.stopping = true;
    sched_wake(kernel.clock);
    for (unsigned i = 0; i < kernel.dpc_threads; i++) {
        sched_wake(kernel.dpc[i].thread);
    }
    sched_unlock();
    join(kernel.clock);
    for (unsigned i = 0; i < kernel.dpc_threads; i++) {
        join(kernel.dpc[i].thread);
    }
    memset(&kernel, 0, sizeof kernel);
}

/* --- DPC routines --- */

VOID NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    NT_ROUTINE(HIGH_LEVEL);
    *Dpc = (KDPC){.Type = DPC_OBJECT,
                  .Importance = MediumImportance,
                  .DeferredRoutine = DeferredRoutine,
                  .DeferredContext = DeferredContext};
}

VOID NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    NT_ROUTINE(HIGH_LEVEL);
    Dpc->Importance = (UCHAR)Importance;
}

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    BOOLEAN inserted;

    NT_ROUTINE(HIGH_LEVEL);
    start();
    sched_lock();
    inserted = insert(Dpc, SystemArgument1, SystemArgument2);
    sched_unlock();
    return inserted;
}

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    BOOLEAN removed = FALSE;

    NT_ROUTINE(HIGH_LEVEL);
    start();
    sched_lock();
    for (PSINGLE_LIST_ENTRY *link = &kernel.first; *link != NULL && !removed;
         link = &(*link)->Next) {
        if (dpc_of(*link) == Dpc) {
            take_out(link);
            removed = TRUE;
            break;
        }
    }
    release_flushers();
    sched_unlock();
    return removed;
}

VOID NTAPI KeFlushQueuedDpcs(VOID)
{
    struct flusher flusher;

    NT_ROUTINE(PASSIVE_LEVEL);
    start();
    dispatcher_initialize(&flusher.done.Header, NOTIFICATION_EVENT, sizeof flusher.done, 0);
    sched_lock();
    flusher.up_to = kernel.queued;
    InsertTailList(&kernel.flushers, &flusher.link);
    release_flushers();
    sched_unlock();
    nt_wait(&flusher.done, NULL);
}

/* --- timer routines --- */

VOID NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    NT_ROUTINE(HIGH_LEVEL);
    *Timer = (KTIMER){.Period = 0};
    dispatcher_initialize(&Timer->Header,
                          Type == NotificationTimer ? NOTIFICATION_TIMER : SYNCHRONIZATION_TIMER,
                          sizeof *Timer, 0);
}

VOID NTAPI KeInitializeTimer(PKTIMER Timer)
{
    NT_ROUTINE(HIGH_LEVEL);
    *Timer = (KTIMER){.Period = 0};
    dispatcher_initialize(&Timer->Header, NOTIFICATION_TIMER, sizeof *Timer, 0);
}

static void check(const KTIMER *timer, const char *routine)
{
    dispatcher_check(&timer->Header, 1u << NOTIFICATION_TIMER | 1u << SYNCHRONIZATION_TIMER,
                     routine);
}

static BOOLEAN set(PKTIMER timer, LARGE_INTEGER due, LONG period, PKDPC dpc)
{
    uint64_t at = dispatcher_deadline(&due);
    BOOLEAN was_armed;

    start();
    sched_lock();
    was_armed = timer->Header.Reserved1 == ARMED;
    if (was_armed) {
        disarm(timer);
    }
    timer->Header.SignalState = 0;
    timer->DueTime.QuadPart = at != 0 ? at : sched_time();
    timer->Period = (ULONG)period;
    timer->Dpc = dpc;
    if (timer->DueTime.QuadPart <= sched_time()) {
        expire(timer);
    } else {
        arm(timer);
    }
    rearm_clock();
    sched_unlock();
    return was_armed;
}

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    check(Timer, "KeSetTimer");
    return set(Timer, DueTime, 0, Dpc);
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    check(Timer, "KeSetTimerEx");
    return set(Timer, DueTime, Period, Dpc);
}

BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    BOOLEAN was_armed;

    NT_ROUTINE(DISPATCH_LEVEL);
    check(Timer, "KeCancelTimer");
    sched_lock();
    was_armed = Timer->Header.Reserved1 == ARMED;
    if (was_armed) {
        disarm(Timer);
        rearm_clock();
    }
    sched_unlock();
    return was_armed;
}

BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    BOOLEAN state;

    NT_ROUTINE(HIGH_LEVEL);
    check(Timer, "KeReadStateTimer");
    sched_lock();
    state = Timer->Header.SignalState != 0;
    sched_unlock();
    return state;
}

/* --- for the verifier --- */

unsigned nt_timers_armed(void)
{
    unsigned armed;

    sched_lock();
    armed = kernel.armed;
    sched_unlock();
    return armed;
}

static bool within(const void *object, const void *start, size_t size)
{
    return (uintptr_t)object - (uintptr_t)start < size;
}

const void *nt_timer_within(const void *start, size_t size)
{
    const void *found = NULL;

    if (!__atomic_load_n(&kernel.started, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    sched_lock();
    for (PLIST_ENTRY entry = kernel.timers.Flink; entry != &kernel.timers; entry = entry->Flink) {
        const KTIMER *timer = CONTAINING_RECORD(entry, KTIMER, TimerListEntry);

        found = within(timer, start, size) ? timer : found;
    }
    for (PSINGLE_LIST_ENTRY link = kernel.first; link != NULL; link = link->Next) {
        found = within(dpc_of(link), start, size) ? dpc_of(link) : found;
    }
    sched_unlock();
    return found;
}
