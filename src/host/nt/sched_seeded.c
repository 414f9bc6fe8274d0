/*
 * The seeded scheduler: every simulated thread is a fiber on one POSIX thread, and at each
 * scheduling point the strategy says which fiber goes on. Time stands still while anything can run.
 * It must never ask the machine (clock, address, processor): two runs of a seed are the same run.
 *
 * Processors. A thread at DISPATCH_LEVEL sits on its simulated processor until it comes down;
 * threads below run on whatever processor is left. So a thread below DISPATCH_LEVEL can run while
 * fewer than `processors` threads are raised, a raised thread can always run, and one that spins
 * can run when the lock is free.
 */
#include "nt/nt.h"
#include "nt/sched_backend.h"
#include "nt/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A thread that polls gives the others a turn after this many points in a row. */
#define POLL_LIMIT 10000

enum state { RUNNABLE, BLOCKED, SPINNING, SETTLING };

/** The scheduler's part of a thread. */
struct seeded_thread {
    struct fiber fiber; /**< First: the fiber is the thread. */
    struct nt_thread *thread;
    struct seeded_thread *next; /**< In order of creation. */
    enum state state;
    uint64_t deadline;               /**< BLOCKED, SETTLING: in virtual time. */
    bool timed_out;                  /**< BLOCKED: the deadline ended it. */
    const volatile uintptr_t *spins; /**< SPINNING: on this lock. */
    uint64_t priority;               /**< PCT; BOUNDED: its turn. */
    uint32_t
        started; /**< Orders the creator's writes before the thread's reads, for ThreadSanitizer. */
};

static struct {
    struct seeded_thread *first, *current, *dead;
    struct strategy strategy;
    struct sched_options options; /**< What it was made of. */
    uint64_t now;
    unsigned streak; /**< Points since another thread ran while one could. */
    bool locked;     /**< The dispatcher lock: held across no switch but sched_block's own. */
    struct sched_decision *record;
    size_t record_size, *record_count, own_count;
    bool own_record;
    bool unrecorded; /**< Behind the part that is explored: every choice is the first. */
    bool paged_open;
} seeded;

/** Stands for the dispatcher lock in ThreadSanitizer's eyes, as the mutex does in the real
 *  scheduler. */
static uint32_t lock_order;

static inline struct seeded_thread *part(const struct nt_thread *thread)
{
    return thread->sched;
}

/* --- who can run --- */

FIBER_NO_TSAN static unsigned raised_threads(void)
{
    unsigned count = 0;

    for (const struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
        count += t->thread->irql >= DISPATCH_LEVEL;
    }
    return count;
}

FIBER_NO_TSAN static bool can_run(const struct seeded_thread *t, unsigned raised)
{
    if (t->state == SPINNING) {
        return *t->spins == 0;
    }
    return t->state == RUNNABLE &&
           (t->thread->irql >= DISPATCH_LEVEL || raised < sched_processors());
}

#define MAX_THREADS 1024

/** Who can run: the current thread first, the others in order of creation; BOUNDED: in the order of
 *  their turns. */
struct candidates {
    struct seeded_thread *thread[MAX_THREADS];
    uint64_t priority[MAX_THREADS];
    size_t count;
    bool current; /**< The first is the current thread. */
};

FIBER_NO_TSAN static void add(struct candidates *set, struct seeded_thread *t)
{
    if (set->count == MAX_THREADS) {
        sched_misuse("more than 1024 simulated threads", "end some of them");
    }
    set->thread[set->count] = t;
    set->priority[set->count++] = t->priority;
}

/** BOUNDED: the last one takes its place among the others. */
FIBER_NO_TSAN static void queue_up(struct candidates *set)
{
    size_t at = set->count - 1;
    struct seeded_thread *t = set->thread[at];

    for (; at > set->current && set->priority[at - 1] > t->priority; at--) {
        set->thread[at] = set->thread[at - 1];
        set->priority[at] = set->priority[at - 1];
    }
    set->thread[at] = t;
    set->priority[at] = t->priority;
}

FIBER_NO_TSAN static void collect(struct candidates *set, bool with_current)
{
    unsigned raised = raised_threads();

    set->count = 0;
    set->current = with_current && seeded.current != NULL && can_run(seeded.current, raised);
    if (set->current) {
        add(set, seeded.current);
    }
    for (struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
        if (t != seeded.current && can_run(t, raised)) {
            add(set, t);
            if (seeded.strategy.kind == SCHED_BOUNDED) {
                queue_up(set);
            }
        }
    }
    if (!with_current && set->count == 0 && seeded.current != NULL &&
        can_run(seeded.current, raised)) {
        add(set, seeded.current);
    }
}

/* --- when nobody can --- */

/** Lets time pass until the first deadline. \return false when there is none. */
FIBER_NO_TSAN static bool pass_time(void)
{
    uint64_t deadline = UINT64_MAX;
    struct seeded_thread *settler = NULL;

    for (struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
        if (t->state == BLOCKED && t->deadline < deadline) {
            deadline = t->deadline;
        }
        if (t->state == SETTLING && (settler == NULL || t->deadline < settler->deadline)) {
            settler = t;
        }
    }
    if (settler != NULL && deadline > settler->deadline) {
        settler->state = RUNNABLE;
        return true;
    }
    if (deadline == UINT64_MAX) {
        if (settler != NULL) {
            settler->state = RUNNABLE;
        }
        return settler != NULL;
    }
    seeded.now = deadline > seeded.now ? deadline : seeded.now;
    for (struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
        if (t->state == BLOCKED && t->deadline <= seeded.now) {
            t->state = RUNNABLE;
            t->timed_out = true;
        }
    }
    return true;
}

static const char *state_words(const struct seeded_thread *t)
{
    if (t->state == SPINNING) {
        return "spins for a spin lock";
    }
    if (t->state == RUNNABLE) {
        return "finds no free processor";
    }
    return t->thread->waits != NULL ? t->thread->waits : "waits inside the host";
}

/** Nobody can run and no time-out will end a wait. */
static _Noreturn void deadlock(void)
{
    char text[400] = "";
    size_t used = 0;
    unsigned count = 0;

    for (const struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
        if (t->thread->service && t->state == BLOCKED && t->thread->waits == NULL) {
            continue; /* Idle: there is nothing for it to do. */
        }
        count++;
        if (used < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%sthread %u (%s) %s",
                                     used == 0 ? "" : "; ", t->thread->id, t->thread->name,
                                     state_words(t));
        }
    }
    verifier_bugcheck(RULE_DEADLOCK, count, 0, 0, "%s", text);
}

/* --- the switch --- */

/** Frees what the last thread to end could not free itself: its stack. */
FIBER_NO_TSAN static void reap(void)
{
    struct seeded_thread *dead = seeded.dead;

    if (dead != NULL) {
        seeded.dead = NULL;
        fiber_unseen(true);
        fiber_free(&dead->fiber);
        nt_object_dereference(dead->thread);
        fiber_unseen(false);
    }
}

/** Paged pool is there below DISPATCH_LEVEL only, for whichever thread runs. */
FIBER_NO_TSAN static void paged_pool_for(const struct nt_thread *thread)
{
    bool open = thread->irql < DISPATCH_LEVEL;

    if (open != seeded.paged_open) {
        seeded.paged_open = open;
        fiber_unseen(true);
        nt_pool_paged_access(open);
        fiber_unseen(false);
    }
}

FIBER_NO_TSAN static void record(size_t chosen, const struct candidates *set)
{
    size_t count = *seeded.record_count;

    if (count == seeded.record_size) {
        if (!seeded.own_record) {
            sched_misuse("a run took more decisions than the explorer can hold",
                         "make the scenario shorter");
        }
        seeded.record_size = seeded.record_size == 0 ? 4096 : seeded.record_size * 2;
        fiber_unseen(true);
        seeded.record = realloc(seeded.record, seeded.record_size * sizeof seeded.record[0]);
        fiber_unseen(false);
        if (seeded.record == NULL) {
            sched_misuse("no memory for the record of decisions", "make the scenario shorter");
        }
    }
    seeded.record[count] =
        (struct sched_decision){(uint32_t)chosen, (uint32_t)set->count, set->current};
    *seeded.record_count = count + 1;
}

/** BOUNDED: who was not chosen although it was his turn goes to the end of the queue. */
FIBER_NO_TSAN static void pass_over(const struct candidates *set, size_t chosen)
{
    for (size_t i = 0; i < chosen && seeded.strategy.kind == SCHED_BOUNDED; i++) {
        set->thread[i]->priority = strategy_priority(&seeded.strategy);
    }
}

/** Decides who goes on. \param with_current false: the current thread has had its turn, unless
 *  it is alone. */
FIBER_NO_TSAN static struct seeded_thread *choose(bool with_current)
{
    static struct candidates set;
    size_t choice = 0;

    collect(&set, with_current);
    while (set.count == 0) {
        if (!pass_time()) {
            deadlock();
        }
        collect(&set, true);
        set.current = false; /* It had stopped to wait: another one's turn is no preemption. */
        if (set.count == 0 && raised_threads() >= sched_processors()) {
            deadlock(); /* Every processor spins. */
        }
    }
    if (set.count > 1 && !seeded.unrecorded) {
        choice = strategy_choose(&seeded.strategy, set.priority, set.count);
        record(choice, &set);
        pass_over(&set, choice);
        seeded.streak = set.thread[choice] == seeded.current ? seeded.streak + 1 : 0;
    }
    return set.thread[choice];
}

/** Lets the strategy decide and switches to its choice. Returns when this thread is chosen
 *  again; never, if it ended. */
FIBER_NO_TSAN static void reschedule(bool with_current)
{
    struct seeded_thread *previous = seeded.current;
    struct seeded_thread *next = choose(with_current);

    next->state = RUNNABLE;
    if (next == previous) {
        return;
    }
    seeded.current = next;
    sched_set_current(next->thread);
    paged_pool_for(next->thread);
    fiber_switch(previous != NULL ? &previous->fiber : &seeded.dead->fiber, &next->fiber,
                 previous == NULL);
    reap();
}

/** First frame of every fiber. */
FIBER_NO_TSAN static void enter(struct fiber *fiber)
{
    struct seeded_thread *t = (struct seeded_thread *)fiber;

    reap();
    fiber_order_after(&t->started);
    sched_thread_main(t->thread);
}

/* --- the interface --- */

FIBER_NO_TSAN uint32_t seeded_random(uint32_t count)
{
    static struct candidates
        set; /* Without threads: only the number of alternatives is recorded. */
    size_t choice;

    if (count <= 1 || seeded.unrecorded) {
        return 0;
    }
    choice = strategy_choose(&seeded.strategy, NULL, count);
    set.count = count;
    set.current = false;
    record(choice, &set);
    return (uint32_t)choice;
}

FIBER_NO_TSAN static struct seeded_thread *add_thread(struct nt_thread *thread)
{
    struct seeded_thread *t = calloc(1, sizeof *t);
    struct seeded_thread **link = &seeded.first;

    if (t == NULL) {
        sched_misuse("no memory for a thread", "free some memory");
    }
    t->thread = thread;
    t->priority = strategy_priority(&seeded.strategy);
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = t;
    thread->sched = t;
    return t;
}

FIBER_NO_TSAN void seeded_boot(const struct sched_options *options, struct nt_thread *main_thread,
                               const struct sched_override *override)
{
    struct sched_options effective = *options;

    free(seeded.own_record ? seeded.record : NULL);
    memset(&seeded, 0, sizeof seeded);
    seeded.own_record = true;
    seeded.record_count = &seeded.own_count;
    seeded.paged_open = true;
    if (override != NULL) {
        effective.strategy = override->strategy;
        effective.seed = override->seed;
        if (effective.expected_points == 0) { /* What the scenario says comes first. */
            effective.expected_points = override->expected_points;
        }
        effective.choices = override->choices;
        effective.choice_count = override->choice_count;
    }
    if (override != NULL && override->record != NULL) {
        seeded.own_record = false;
        seeded.record = override->record;
        seeded.record_size = override->record_size;
        seeded.record_count = override->record_count;
        *seeded.record_count = 0;
    }
    seeded.options = effective;
    strategy_boot(&seeded.strategy, &effective);
    seeded.current = add_thread(main_thread);
    fiber_adopt(&seeded.current->fiber);
}

FIBER_NO_TSAN void seeded_halt(void)
{
    struct seeded_thread *t = seeded.first;

    if (seeded.current != seeded.first) {
        sched_misuse("sched_halt in a simulated thread",
                     "call it from the thread that booted the machine");
    }
    while (t != NULL) {
        struct seeded_thread *next = t->next;

        if (t != seeded.current) { /* Left behind by a driver: it never runs again. */
            fiber_free(&t->fiber);
            nt_object_dereference(t->thread);
        }
        t = next;
    }
    seeded.first = NULL;
    seeded.current = NULL;
}

FIBER_NO_TSAN void seeded_start(struct nt_thread *thread)
{
    struct seeded_thread *t = add_thread(thread);

    fiber_make(&t->fiber, enter);
    fiber_order_before(&t->started);
}

FIBER_NO_TSAN _Noreturn void seeded_exit(void)
{
    struct seeded_thread **link = &seeded.first;

    while (*link != seeded.current) {
        link = &(*link)->next;
    }
    *link = seeded.current->next;
    seeded.dead = seeded.current;
    seeded.current = NULL;
    reschedule(false);
    abort(); /* Unreachable: nobody chooses a thread that is in no list. */
}

FIBER_NO_TSAN void seeded_point(void)
{
    struct seeded_thread *t = seeded.current;
    bool polls = seeded.streak >= POLL_LIMIT;

    if (seeded.locked) {
        sched_misuse("a scheduling point under the dispatcher lock",
                     "call no NT routine between sched_lock and sched_unlock");
    }
    if (!seeded.unrecorded) {
        t->priority = strategy_point(&seeded.strategy, t->priority);
    }
    if (polls) {
        t->priority = strategy_demote(&seeded.strategy);
        seeded.streak = 0;
    }
    reschedule(!polls);
}

FIBER_NO_TSAN uint64_t seeded_time(void)
{
    return seeded.now;
}

void seeded_lock(void)
{
    fiber_order_after(&lock_order);
    if (seeded.locked) {
        sched_misuse("sched_lock taken twice", "it is not recursive");
    }
    seeded.locked = true;
}

void seeded_unlock(void)
{
    seeded.locked = false;
    fiber_order_before(&lock_order);
}

FIBER_NO_TSAN bool seeded_block(uint64_t deadline)
{
    struct seeded_thread *t = seeded.current;

    if (t->thread->irql >= DISPATCH_LEVEL) {
        sched_misuse("sched_block at DISPATCH_LEVEL", "check the IRQL before a wait");
    }
    t->state = BLOCKED;
    t->deadline = deadline;
    t->timed_out = false;
    seeded_unlock();
    reschedule(true);
    seeded_lock();
    return !t->timed_out;
}

FIBER_NO_TSAN void seeded_wake(struct nt_thread *thread)
{
    struct seeded_thread *t = part(thread);

    if (t->state == BLOCKED) {
        t->state = RUNNABLE;
    } else {
        t->timed_out = false; /* Its time-out had come, but it has not run yet: the wake wins. */
    }
}

FIBER_NO_TSAN void seeded_set_deadline(struct nt_thread *thread, uint64_t deadline)
{
    part(thread)->deadline = deadline;
}

FIBER_NO_TSAN void seeded_spin(const volatile uintptr_t *lock)
{
    seeded.current->state = SPINNING;
    seeded.current->spins = lock;
    reschedule(true);
}

FIBER_NO_TSAN void seeded_irql_crossed(struct nt_thread *thread)
{
    if (thread->irql >= DISPATCH_LEVEL) {
        uint64_t taken = 0;

        for (const struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
            if (t->thread != thread && t->thread->irql >= DISPATCH_LEVEL) {
                taken |= (uint64_t)1 << t->thread->processor;
            }
        }
        thread->processor = (uint8_t)__builtin_ctzll(~taken);
    }
    paged_pool_for(thread);
}

FIBER_NO_TSAN void seeded_settle(uint64_t until)
{
    seeded.current->state = SETTLING;
    seeded.current->deadline = until;
    fiber_order_before(&lock_order);
    reschedule(true);
    fiber_order_after(
        &lock_order); /* What the others did before they blocked or ended has happened. */
}

size_t seeded_decisions(const struct sched_decision **out)
{
    *out = seeded.record;
    return *seeded.record_count;
}

void seeded_explore_from_here(const uint32_t *choices, size_t count)
{
    *seeded.record_count = 0;
    seeded.strategy.points = 0;
    seeded.strategy.choices = choices;
    seeded.strategy.choice_count = count;
    seeded.strategy.next_choice = 0;
    sched_driver_points_only = true;
}

void seeded_explore_afresh(void)
{
    seeded_explore_from_here(NULL, 0);
    strategy_boot(&seeded.strategy, &seeded.options);
    for (struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
        t->priority = strategy_priority(&seeded.strategy);
    }
}

uint64_t seeded_points(void)
{
    return seeded.strategy.points;
}

void seeded_explore_to_here(void)
{
    seeded.unrecorded = true;
    sched_driver_points_only = false;
}

bool seeded_is_own_stack(const void *address)
{
    return fiber_stack_holds(&seeded.current->fiber, address);
}

const char *seeded_stack_guard(const void *address)
{
    for (const struct seeded_thread *t = seeded.first; t != NULL; t = t->next) {
        if (fiber_guard_holds(&t->fiber, address)) {
            return t->thread->name;
        }
    }
    return NULL;
}
