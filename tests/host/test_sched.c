/*
 * The two schedulers: threads, virtual time, determinism, the three strategies and the searches
 * over schedules. A case that must fail (a race that is found, a deadlock) does so in the
 * explorer's child.
 */
#include "nt/explore.h"
#include "nt/fiber.h"
#include "nt/nt.h"

#include <CUnit/CUnit.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

CU_ErrorCode register_sched_suite(void);

#define SECOND 10000000LL

static void boot_seeded(uint64_t seed, unsigned processors)
{
    sched_boot(&(struct sched_options){
        .kind = SCHED_SEEDED, .seed = seed, .strategy = SCHED_RANDOM, .processors = processors});
}

static void boot_real(void)
{
    sched_boot(&(struct sched_options){.kind = SCHED_REAL});
}

static void join(struct nt_thread *thread)
{
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    nt_object_dereference(thread);
}

/* --- a machine --- */

static void add_one(void *argument)
{
    __atomic_fetch_add((int *)argument, 1, __ATOMIC_SEQ_CST);
}

static void boots_again_and_again(void)
{
    for (int i = 0; i < 6; i++) {
        int count = 0;
        struct nt_thread *a, *b;

        if (i % 2 == 0) {
            boot_real();
        } else {
            boot_seeded(1, 0);
        }
        CU_ASSERT_EQUAL(sched_kind(), i % 2 == 0 ? SCHED_REAL : SCHED_SEEDED);
        CU_ASSERT_EQUAL(sched_current()->id, 1);
        CU_ASSERT_TRUE(sched_current()->foreign);
        a = sched_spawn("a", add_one, &count);
        b = sched_spawn("b", add_one, &count);
        CU_ASSERT_EQUAL(a->id, 2);
        CU_ASSERT_EQUAL(b->id, 3);
        join(a);
        join(b);
        CU_ASSERT_EQUAL(count, 2);
        sched_halt();
    }
    CU_ASSERT_EQUAL(nt_irql(), PASSIVE_LEVEL); /* Asking without a machine is allowed. */
}

static NTAPI VOID start_routine(PVOID context)
{
    add_one(context);
    PsTerminateSystemThread(STATUS_SUCCESS);
    add_one(context); /* Not reached. */
}

static void system_thread(void)
{
    int count = 0;
    HANDLE handle;
    PVOID object;

    CU_ASSERT_EQUAL(PsTerminateSystemThread(STATUS_SUCCESS), STATUS_INVALID_PARAMETER);
    CU_ASSERT_EQUAL(
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, start_routine, &count),
        STATUS_SUCCESS);
    CU_ASSERT_EQUAL(ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode,
                                              &object, NULL),
                    STATUS_SUCCESS);
    ZwClose(handle);
    CU_ASSERT_EQUAL(KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL),
                    STATUS_SUCCESS);
    CU_ASSERT_EQUAL(nt_system_threads(), 0);
    CU_ASSERT_EQUAL(((struct nt_thread *)object)->exit_status, STATUS_SUCCESS);
    ObDereferenceObject(object);
    CU_ASSERT_EQUAL(count, 1);
}

static void system_threads(void)
{
    boot_real();
    system_thread();
    sched_halt();
    boot_seeded(1, 0);
    system_thread();
    sched_halt();
}

/* --- the real scheduler --- */

struct counter {
    KSPIN_LOCK lock;
    KEVENT go;
    unsigned value;
};

static void count_under_lock(void *argument)
{
    struct counter *counter = argument;
    KIRQL old;

    KeWaitForSingleObject(&counter->go, Executive, KernelMode, FALSE, NULL);
    for (int i = 0; i < 5000; i++) {
        KeAcquireSpinLock(&counter->lock, &old);
        counter->value++;
        KeReleaseSpinLock(&counter->lock, old);
    }
}

static void spin_lock_excludes(void)
{
    struct counter counter = {0};
    struct nt_thread *threads[6];

    boot_real();
    KeInitializeEvent(&counter.go, NotificationEvent, FALSE);
    for (int i = 0; i < 6; i++) {
        threads[i] = sched_spawn("counter", count_under_lock, &counter);
    }
    KeSetEvent(&counter.go, 0, FALSE);
    for (int i = 0; i < 6; i++) {
        join(threads[i]);
    }
    CU_ASSERT_EQUAL(counter.value, 30000);
    sched_halt();
}

static void *foreign(void *argument)
{
    KEVENT *event = argument;

    if (sched_current()->foreign && sched_current()->id > 1 && nt_irql() == PASSIVE_LEVEL) {
        KeSetEvent(event, 0, FALSE);
    }
    return NULL; /* Detached by its end. */
}

static void foreign_threads_attach(void)
{
    pthread_t id;
    KEVENT event;

    boot_real();
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    CU_ASSERT_EQUAL(pthread_create(&id, NULL, foreign, &event), 0);
    CU_ASSERT_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL),
                    STATUS_SUCCESS);
    pthread_join(id, NULL);
    sched_halt();
}

/** Two threads that wake each other: a lost wake-up would hang here. */
struct ping_pong {
    KEVENT ping, pong;
};

static void answer(void *argument)
{
    struct ping_pong *p = argument;

    for (int i = 0; i < 5000; i++) {
        KeWaitForSingleObject(&p->ping, Executive, KernelMode, FALSE, NULL);
        KeSetEvent(&p->pong, 0, FALSE);
    }
}

static void no_wake_up_is_lost(void)
{
    struct ping_pong p;
    struct nt_thread *thread;

    boot_real();
    KeInitializeEvent(&p.ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&p.pong, SynchronizationEvent, FALSE);
    thread = sched_spawn("answer", answer, &p);
    for (int i = 0; i < 5000; i++) {
        KeSetEvent(&p.ping, 0, FALSE);
        KeWaitForSingleObject(&p.pong, Executive, KernelMode, FALSE, NULL);
    }
    join(thread);
    sched_halt();
}

/* --- virtual time, settling --- */

static void sleep_for(LONGLONG time)
{
    LARGE_INTEGER interval = {.QuadPart = -time};

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static void time_is_virtual(void)
{
    boot_seeded(1, 0);
    CU_ASSERT_EQUAL(KeQueryInterruptTime(), 0);
    sleep_for(3600 * SECOND);
    CU_ASSERT_EQUAL(KeQueryInterruptTime(), (ULONGLONG)(3600 * SECOND));
    sched_halt();
}

struct sleeper {
    unsigned steps;
};

static void sleep_in_steps(void *argument)
{
    struct sleeper *sleeper = argument;

    for (int i = 0; i < 3; i++) {
        KeQueryTimeIncrement();
        sleeper->steps++;
        sleep_for(SECOND);
    }
}

static void settle_runs_the_others(void)
{
    struct sleeper sleeper = {0};
    struct nt_thread *thread;

    boot_seeded(7, 0);
    thread = sched_spawn("sleeper", sleep_in_steps, &sleeper);
    sched_settle(0);
    CU_ASSERT_EQUAL(sleeper.steps, 1);
    CU_ASSERT_EQUAL(sched_time(), 0);
    sched_settle((uint64_t)SECOND);
    CU_ASSERT_EQUAL(sleeper.steps, 2);
    sched_settle(UINT64_MAX);
    CU_ASSERT_EQUAL(sleeper.steps, 3);
    CU_ASSERT_EQUAL(sched_time(), (uint64_t)(3 * SECOND));
    join(thread);
    sched_halt();
}

static void add_later(void *argument)
{
    sleep_for(20000); /* 2 ms: blocked with a time-out counts as idle. */
    add_one(argument);
}

static void settle_waits_for_idle(void)
{
    struct nt_thread *threads[4];
    int count = 0;

    boot_real();
    for (int i = 0; i < 3; i++) {
        threads[i] = sched_spawn("worker", add_one, &count);
    }
    sched_settle(0);
    CU_ASSERT_EQUAL(__atomic_load_n(&count, __ATOMIC_SEQ_CST), 3);
    threads[3] = sched_spawn("later", add_later, &count);
    for (int i = 0; i < 4; i++) {
        join(threads[i]);
    }
    CU_ASSERT_EQUAL(count, 4);
    sched_halt();
}

/* --- determinism --- */

static void mixed_work(void *argument)
{
    struct counter *counter = argument;

    for (int i = 0; i < 5; i++) {
        KIRQL old;

        KeAcquireSpinLock(&counter->lock, &old);
        counter->value++;
        KeReleaseSpinLock(&counter->lock, old);
        sleep_for(i % 2 == 0 ? SECOND : 0);
    }
}

/** \return the trace of one run as text, malloc'ed. */
static char *trace_of(uint64_t seed)
{
    struct counter counter = {0};
    struct nt_thread *threads[3];
    size_t size = 0;
    char *text = NULL;
    FILE *out;

    trace_clear();
    boot_seeded(seed, 2);
    for (int i = 0; i < 3; i++) {
        threads[i] = sched_spawn("mixed", mixed_work, &counter);
    }
    for (int i = 0; i < 3; i++) {
        join(threads[i]);
    }
    sched_halt();
    out = open_memstream(&text, &size);
    trace_print(out, 0);
    fclose(out);
    return text;
}

static void a_seed_is_a_run(void)
{
    char *first, *second, *other;

    trace_enable(1u << TRACE_ROUTINE | 1u << TRACE_IRQL | 1u << TRACE_THREAD);
    first = trace_of(42);
    second = trace_of(42);
    other = trace_of(43);
    trace_enable(0);
    trace_clear(); /* The cases that follow run in children of this process. */
    CU_ASSERT_TRUE(strlen(first) > 1000);
    CU_ASSERT_STRING_EQUAL(first, second);
    CU_ASSERT_STRING_NOT_EQUAL(first, other);
    free(first);
    free(second);
    free(other);
}

/* --- the toy: two threads add to a number; unlocked, an addition is lost when one is preempted
 * in the middle --- */

struct toy {
    bool locked;
    KSPIN_LOCK lock;
    unsigned number;
};

static void toy_add(void *argument)
{
    struct toy *toy = argument;
    KIRQL old = PASSIVE_LEVEL;
    unsigned number;

    if (toy->locked) {
        KeAcquireSpinLock(&toy->lock, &old);
    }
    number = __atomic_load_n(&toy->number, __ATOMIC_RELAXED);
    KeQueryTimeIncrement(); /* A scheduling point. */
    __atomic_store_n(&toy->number, number + 1, __ATOMIC_RELAXED);
    if (toy->locked) {
        KeReleaseSpinLock(&toy->lock, old);
    }
}

static void toy_run(void *argument)
{
    struct toy toy = {.locked = *(bool *)argument};
    struct nt_thread *a, *b;

    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .depth = 2, .expected_points = 8});
    a = sched_spawn("a", toy_add, &toy);
    b = sched_spawn("b", toy_add, &toy);
    join(a);
    join(b);
    sched_halt();
    if (toy.number != 2) {
        _exit(3);
    }
}

static void seeds_find_the_lost_update(void)
{
    static const enum sched_strategy strategies[] = {SCHED_RANDOM, SCHED_PCT};
    bool locked = false;

    for (int i = 0; i < 2; i++) {
        uint64_t seed = 0, again = 0;
        struct explore_result result = sched_sweep(toy_run, &locked, strategies[i], 1, 100, &seed);

        CU_ASSERT_EQUAL(result.outcome, EXPLORE_EXIT);
        CU_ASSERT_EQUAL(result.status, 3);
        CU_ASSERT_TRUE(seed >= 1 && seed <= 100);
        CU_ASSERT_EQUAL(result.runs, seed);
        result = sched_sweep(toy_run, &locked, strategies[i], seed, 1, &again);
        CU_ASSERT_EQUAL(result.outcome, EXPLORE_EXIT); /* The seed alone repeats it. */
    }
}

static void seeds_pass_the_fixed_one(void)
{
    bool locked = true;
    struct explore_result result = sched_sweep(toy_run, &locked, SCHED_RANDOM, 1, 200, NULL);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    CU_ASSERT_EQUAL(result.runs, 200);
}

static void search_finds_the_lost_update(void)
{
    bool locked = false;
    struct explore_result result = sched_explore(toy_run, &locked, 0, 0);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED); /* It takes a preemption. */
    CU_ASSERT_TRUE(result.exhausted);
    result = sched_explore(toy_run, &locked, 1, 0);
    CU_ASSERT_EQUAL(result.outcome, EXPLORE_EXIT);
    CU_ASSERT_FALSE(result.exhausted);
    CU_ASSERT_TRUE(result.runs < 60);
    CU_ASSERT_TRUE(result.choice_count > 0);
    explore_result_free(&result);
}

static void search_exhausts_the_fixed_one(void)
{
    bool locked = true;
    struct explore_result one = sched_explore(toy_run, &locked, 1, 0);
    struct explore_result two = sched_explore(toy_run, &locked, 2, 0);
    struct explore_result cut = sched_explore(toy_run, &locked, 2, 5);

    CU_ASSERT_EQUAL(one.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(one.exhausted);
    CU_ASSERT_EQUAL(two.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(two.exhausted);
    CU_ASSERT_TRUE(two.runs > one.runs);
    CU_ASSERT_EQUAL(cut.runs, 5);
    CU_ASSERT_FALSE(cut.exhausted);
}

/** Every schedule of two threads of two points each, without a bound: the number of ways is
 *  known. */
static void two_points(void *argument)
{
    (void)argument;
    KeQueryTimeIncrement();
    KeQueryTimeIncrement();
}

static void two_threads_of_two_points(void *argument)
{
    struct nt_thread *a, *b;

    (void)argument;
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED});
    a = sched_spawn("a", two_points, NULL);
    b = sched_spawn("b", two_points, NULL);
    sched_settle(0); /* The main thread takes no part: it goes on when both have ended. */
    nt_object_dereference(a);
    nt_object_dereference(b);
    sched_halt();
}

static void search_counts_every_schedule(void)
{
    struct explore_result result = sched_explore(two_threads_of_two_points, NULL, 100, 0);

    /* Each thread runs three pieces (before, between and after its points): C(6,3) = 20
     * interleavings. */
    CU_ASSERT_TRUE(result.exhausted);
    CU_ASSERT_EQUAL(result.runs, 20);
    result = sched_explore(two_threads_of_two_points, NULL, 0, 0);
    CU_ASSERT_EQUAL(result.runs, 2);
}

#if defined(FIBER_TSAN)
/** The fibers must not hide from ThreadSanitizer what would be a race of threads. */
static void race(void *argument)
{
    unsigned *number = argument;

    KeQueryTimeIncrement();
    ++*number;
}

static void race_run(void *argument)
{
    unsigned number = 0;
    struct nt_thread *a, *b;

    (void)argument;
    close(STDERR_FILENO);
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED});
    a = sched_spawn("a", race, &number);
    b = sched_spawn("b", race, &number);
    join(a);
    join(b);
    sched_halt();
}

static void races_are_seen(void)
{
    CU_ASSERT_EQUAL(sched_explore(race_run, NULL, 0, 1).outcome, EXPLORE_EXIT);
}
#endif

/* --- processors --- */

struct level {
    bool raised, seen;
};

static void watch(void *argument)
{
    struct level *level = argument;

    for (int i = 0; i < 20; i++) {
        KeQueryTimeIncrement();
        level->seen |= __atomic_load_n(&level->raised, __ATOMIC_SEQ_CST);
    }
}

/** Raises to DISPATCH_LEVEL while another thread watches. \return whether that one ran
 *  meanwhile. */
static bool runs_beside_dispatch(unsigned processors)
{
    struct level level = {0};
    struct nt_thread *thread;
    KIRQL old;

    boot_seeded(5, processors);
    thread = sched_spawn("watch", watch, &level);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    __atomic_store_n(&level.raised, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 20; i++) {
        KeQueryTimeIncrement();
    }
    __atomic_store_n(&level.raised, false, __ATOMIC_SEQ_CST);
    KeLowerIrql(old);
    join(thread);
    sched_halt();
    return level.seen;
}

static void dispatch_level_keeps_its_processor(void)
{
    CU_ASSERT_FALSE(runs_beside_dispatch(1));
    CU_ASSERT_TRUE(runs_beside_dispatch(2));
}

static void raised_threads_have_their_own_processors(void *argument)
{
    bool *taken = argument;
    KIRQL old = KeRaiseIrqlToDpcLevel();
    ULONG number = KeGetCurrentProcessorNumberEx(NULL);

    for (int i = 0; i < 10; i++) {
        if (number >= sched_processors() ||
            __atomic_exchange_n(&taken[number], true, __ATOMIC_SEQ_CST)) {
            abort();
        }
        KeQueryTimeIncrement();
        __atomic_store_n(&taken[number], false, __ATOMIC_SEQ_CST);
        KeLowerIrql(old);
        old = KeRaiseIrqlToDpcLevel();
        number = KeGetCurrentProcessorNumberEx(NULL);
    }
    KeLowerIrql(old);
}

static void processors_are_told_apart(void)
{
    struct nt_thread *threads[4];
    bool taken[3] = {false};

    boot_seeded(11, 3);
    CU_ASSERT_EQUAL(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), 3);
    for (int i = 0; i < 4; i++) {
        threads[i] = sched_spawn("raiser", raised_threads_have_their_own_processors, taken);
    }
    for (int i = 0; i < 4; i++) {
        join(threads[i]);
    }
    sched_halt();
}

/* --- deadlocks --- */

/** A bugcheck is expected: its report reaches the parent by its own way. */
static void hush(void)
{
    if (freopen("/dev/null", "w", stderr) == NULL) {
        _exit(1);
    }
}

static void wait_for_nobody(void *argument)
{
    KEVENT event;

    (void)argument;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static void all_wait(void *argument)
{
    hush();
    boot_seeded(1, 2);
    wait_for_nobody(sched_spawn("helper", wait_for_nobody, argument));
}

static void deadlock_is_reported(void)
{
    struct explore_result result = sched_explore(all_wait, NULL, 0, 1);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_BUGCHECK);
    CU_ASSERT_EQUAL(result.report.rule, RULE_DEADLOCK);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.report.text, "main"));
    CU_ASSERT_PTR_NOT_NULL(strstr(result.report.text, "helper"));
    CU_ASSERT_PTR_NOT_NULL(strstr(result.report.text, "waits for a notification event"));
    explore_result_free(&result);
}

static KSPIN_LOCK lock_a, lock_b;

static void take_both(PKSPIN_LOCK first, PKSPIN_LOCK second)
{
    KIRQL old;

    KeAcquireSpinLock(first, &old);
    KeAcquireSpinLockAtDpcLevel(second);
    KeReleaseSpinLockFromDpcLevel(second);
    KeReleaseSpinLock(first, old);
}

static void b_then_a(void *argument)
{
    (void)argument;
    take_both(&lock_b, &lock_a);
}

static void crossed_locks(void *argument)
{
    struct nt_thread *thread;

    (void)argument;
    hush();
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .processors = 2});
    KeInitializeSpinLock(&lock_a);
    KeInitializeSpinLock(&lock_b);
    thread = sched_spawn("b-then-a", b_then_a, NULL);
    take_both(&lock_a, &lock_b);
    join(thread);
    sched_halt();
}

static void crossed_spin_locks_are_found(void)
{
    struct explore_result result = sched_explore(crossed_locks, NULL, 1, 200);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_BUGCHECK);
    CU_ASSERT_EQUAL(result.report.rule, RULE_DEADLOCK);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.report.text, "spins for a spin lock"));
    explore_result_free(&result);
}

/** A thread that polls does not keep the others from running, whatever the strategy. */
static void poll_until_set(void *argument)
{
    while (!__atomic_load_n((bool *)argument, __ATOMIC_SEQ_CST)) {
        KeQueryTimeIncrement();
    }
}

static void set_flag(void *argument)
{
    KeQueryTimeIncrement();
    __atomic_store_n((bool *)argument, true, __ATOMIC_SEQ_CST);
}

static void poll_and_set(void *argument)
{
    bool flag = false;
    struct nt_thread *poller, *setter;

    (void)argument;
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED});
    poller = sched_spawn("poller", poll_until_set, &flag);
    setter = sched_spawn("setter", set_flag, &flag);
    join(poller);
    join(setter);
    sched_halt();
}

static void polling_lets_others_run(void)
{
    struct explore_result result = sched_explore(poll_and_set, NULL, 0, 3);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    explore_result_free(&result);
    CU_ASSERT_EQUAL(sched_sweep(poll_and_set, NULL, SCHED_PCT, 1, 20, NULL).outcome,
                    EXPLORE_PASSED);
}

/* --- stacks --- */

static void say_whose_stack(int signal, siginfo_t *info, void *context)
{
    const char *name = sched_stack_guard(info->si_addr);

    (void)signal;
    (void)context;
    _exit(name != NULL && strcmp(name, "deep") == 0 ? 9 : 8);
}

static int dive(unsigned depth)
{
    volatile char frame[4096];

    frame[0] = (char)depth;
    return depth == 0 ? 0 : dive(depth - 1) + frame[0];
}

static void deep(void *argument)
{
    (void)argument;
    dive(100000);
}

static void overrun_stack(void *argument)
{
    static char stack[1 << 16];
    struct sigaction action = {.sa_sigaction = say_whose_stack,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    (void)argument;
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigaction(SIGSEGV, &action, NULL);
    boot_seeded(1, 1);
    join(sched_spawn("deep", deep, NULL));
}

static void stacks_have_guards(void)
{
    struct explore_result result = sched_explore(overrun_stack, NULL, 0, 1);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_EXIT);
    CU_ASSERT_EQUAL(result.status, 9);
    explore_result_free(&result);
}

CU_ErrorCode register_sched_suite(void)
{
    static CU_TestInfo cases[] = {
        {"a machine boots and halts again and again", boots_again_and_again},
        {"system threads have handles and end", system_threads},
        {"real: a spin lock excludes", spin_lock_excludes},
        {"real: foreign threads attach", foreign_threads_attach},
        {"real: no wake-up is lost", no_wake_up_is_lost},
        {"real: settling waits for an idle machine", settle_waits_for_idle},
        {"seeded: time is virtual", time_is_virtual},
        {"seeded: settling runs the others", settle_runs_the_others},
        {"seeded: a seed is a run", a_seed_is_a_run},
        {"seeded: seeds find the lost update", seeds_find_the_lost_update},
        {"seeded: seeds pass the fixed one", seeds_pass_the_fixed_one},
        {"seeded: the search finds the lost update", search_finds_the_lost_update},
        {"seeded: the search exhausts the fixed one", search_exhausts_the_fixed_one},
        {"seeded: the search counts every schedule", search_counts_every_schedule},
#if defined(FIBER_TSAN)
        {"seeded: ThreadSanitizer sees races", races_are_seen},
#endif
        {"seeded: DISPATCH_LEVEL keeps its processor", dispatch_level_keeps_its_processor},
        {"seeded: processors are told apart", processors_are_told_apart},
        {"seeded: a deadlock is reported", deadlock_is_reported},
        {"seeded: crossed spin locks are found", crossed_spin_locks_are_found},
        {"seeded: polling lets others run", polling_lets_others_run},
        {"seeded: stacks have guards", stacks_have_guards},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {{"sched", NULL, NULL, NULL, NULL, cases}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
