/**
 * \file
 * What sched.c needs of the two schedulers, and what they need of it. Only sched*.c and explore.c
 * include it: the rest of the host sees sched.h.
 */
#ifndef HOST_NT_SCHED_BACKEND_H
#define HOST_NT_SCHED_BACKEND_H

#include "nt/nt.h"

/** Replaces what the scenario asked of sched_boot(): the explorer decides, the scenario only
 *  says how many processors. */
struct sched_override {
    enum sched_strategy strategy;
    uint64_t seed;
    unsigned expected_points; /**< Where the scenario says nothing. */
    uint64_t *points;         /**< Where the number of scheduling points goes; NULL = nowhere. */
    const uint32_t *choices;
    size_t choice_count;
    struct sched_decision
        *record; /**< Where decisions go instead of the scheduler's own array; NULL = there. */
    size_t record_size;
    size_t *record_count;
};
/** Takes effect at the next sched_boot(); NULL = none. */
void sched_set_override(const struct sched_override *override);
bool sched_is_booted(void);

/** Only calls by driver code are scheduling points. */
extern bool sched_driver_points_only;

/** The thread that this POSIX thread is from now on. */
void sched_set_current(struct nt_thread *thread);
/** Runs the thread's function and ends it; the bottom of every simulated thread's stack. */
_Noreturn void sched_thread_main(struct nt_thread *thread);
/** Stops the process with a message: the host was used wrongly. */
_Noreturn void sched_misuse(const char *what, const char *remedy);

/* sched_real.c */
void real_boot(const struct sched_options *options, struct nt_thread *main_thread);
void real_halt(void);
uint64_t real_time(void);
void real_attach(struct nt_thread *thread);
void real_start(struct nt_thread *thread);
/** The current thread has ended; dispatcher lock held. */
void real_ended(void);
_Noreturn void real_exit(void);
_Noreturn void real_park(void);
void real_lock(void);
void real_unlock(void);
bool real_block(uint64_t deadline);
void real_wake(struct nt_thread *thread);
void real_spin(unsigned round);
void real_settle(void);

/* sched_seeded.c */
void seeded_boot(const struct sched_options *options, struct nt_thread *main_thread,
                 const struct sched_override *override);
void seeded_halt(void);
void seeded_point(void);
uint64_t seeded_time(void);
void seeded_start(struct nt_thread *thread);
_Noreturn void seeded_exit(void);
void seeded_lock(void);
void seeded_unlock(void);
bool seeded_block(uint64_t deadline);
void seeded_wake(struct nt_thread *thread);
void seeded_set_deadline(struct nt_thread *thread, uint64_t deadline);
void seeded_spin(const volatile uintptr_t *lock);
uint32_t seeded_random(uint32_t count);
void seeded_irql_crossed(struct nt_thread *thread);
void seeded_settle(uint64_t until);
size_t seeded_decisions(const struct sched_decision **out);
const char *seeded_stack_guard(const void *address);
bool seeded_is_own_stack(const void *address);
/** Decisions are recorded from here on, and follow this list. */
void seeded_explore_from_here(const uint32_t *choices, size_t count);
/** From here on the strategy decides as if the machine had been booted now. */
void seeded_explore_afresh(void);
/** Scheduling points of the driver since one of the two, or since boot. */
uint64_t seeded_points(void);
/** No decision is recorded any more; the current thread goes on while it can. */
void seeded_explore_to_here(void);

/* sched_strategy.c: who goes on, from the seed alone. */
struct strategy {
    enum sched_strategy kind;
    uint64_t random[4];  /**< State of xoshiro256**. */
    uint64_t points;     /**< Scheduling points so far. */
    unsigned depth;      /**< PCT. */
    uint64_t change[32]; /**< PCT: at which point the current thread's priority drops; ascending. */
    unsigned changes, next_change;
    uint64_t lowest;         /**< PCT: next priority below all others. */
    uint64_t turn;           /**< BOUNDED: of the next thread to queue up. */
    const uint32_t *choices; /**< BOUNDED. */
    size_t choice_count, next_choice;
};
void strategy_boot(struct strategy *strategy, const struct sched_options *options);
/** PCT: the priority of a new thread; BOUNDED: its turn, behind all others. */
uint64_t strategy_priority(struct strategy *strategy);
/** Counts a scheduling point of the current thread. \return its priority from now on. */
uint64_t strategy_point(struct strategy *strategy, uint64_t priority);
/** PCT: a priority below all others, for a thread that polls. */
uint64_t strategy_demote(struct strategy *strategy);
/** \return an index below `count`; `priorities` are those of the threads that can run, NULL = no
 *  threads are chosen among. */
size_t strategy_choose(struct strategy *strategy, const uint64_t *priorities, size_t count);

/* The host's own threads; each stops them and forgets its state. */
void timer_halt(void);
void workitem_halt(void);
/** Makes a thread object, not yet running. Foreign threads have no `run`. */
struct nt_thread *thread_create(const char *name, uint32_t id, void (*run)(void *), void *argument);
/** Bugchecks when the thread would leave something behind. */
void thread_check_end(const struct nt_thread *thread);
/** Signals the object of a thread that has ended. Dispatcher lock held. */
void thread_signal_end(struct nt_thread *thread);

#endif
