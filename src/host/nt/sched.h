/**
 * \file
 * The two schedulers behind one interface.
 *
 * *Real*: every simulated thread is a POSIX thread; they run in parallel, time is the monotonic
 * clock. For speed. *Seeded*: every simulated thread is a fiber (ucontext) of one POSIX thread;
 * exactly one runs, and at each scheduling point the strategy decides, from the seed alone, who
 * goes on. Time is virtual: it advances only when every thread waits. The same seed gives the same
 * run, to the last trace record.
 *
 * Level 1 scheduling points are the entries of imported routines (nt_routine_enter) and nothing
 * else. A driver built with -fsanitize=thread has level 2 points too: its accesses to memory
 * (points.c).
 */
#ifndef HOST_NT_SCHED_H
#define HOST_NT_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sched_kind { SCHED_REAL, SCHED_SEEDED };

/** How the seeded scheduler chooses. */
enum sched_strategy {
    SCHED_RANDOM, /**< Uniform choice among the runnable threads at each point. */
    /** Probabilistic concurrency testing: random priorities, `depth` - 1 change points. */
    SCHED_PCT,
    /** Follows a given list of choices, then never preempts: the engine of exhaustive search. */
    SCHED_BOUNDED,
};

struct sched_options {
    enum sched_kind kind;
    uint64_t seed;
    enum sched_strategy strategy;
    unsigned depth;           /**< PCT: bugs of up to this depth. */
    unsigned expected_points; /**< PCT: where to spread the change points; 0 = 10,000. */
    unsigned processors;      /**< Simulated processors; 0 = those online (real) or 2 (seeded). */
    /** BOUNDED: choice (index among the runnable, current thread first) at point i. */
    const uint32_t *choices;
    size_t choice_count;
};

/** One scheduling decision that had alternatives, for the exhaustive search. */
struct sched_decision {
    /** Index among the runnable threads; 0 = the current thread goes on, if it can. */
    uint32_t chosen;
    uint32_t alternatives; /**< How many could have been chosen. */
    /** The current thread could have gone on: choosing another one is a preemption. */
    bool preemptive;
};

struct nt_thread;

void sched_boot(const struct sched_options *options);
void sched_halt(void);
unsigned sched_processors(void);

/** The machine, as far as every routine looks at it. Written by sched_boot and sched_halt only,
 *  when no simulated thread but the caller's exists. */
struct sched_machine {
    enum sched_kind kind;
    unsigned generation; /**< Odd while booted; a thread of another generation belongs to another
                              machine. */
};
extern struct sched_machine sched_machine;

static inline enum sched_kind sched_kind(void)
{
    return sched_machine.kind;
}

/**
 * A scheduling point: under the seeded scheduler another thread may run before this returns. No-op
 * under the real one, and at IRQL >= DISPATCH_LEVEL only threads on another simulated processor may
 * be chosen.
 */
void sched_point(void);

/** Current time in 100 ns units since boot (virtual or monotonic). */
uint64_t sched_time(void);

/** Which simulated thread this POSIX thread is at the moment; only sched.c writes it. */
struct sched_self {
    struct nt_thread *thread;
    unsigned generation;
    bool spawned;
};
extern _Thread_local struct sched_self sched_self __attribute__((tls_model("initial-exec")));
/** What inline functions seldom call is in Windows' calling convention, this header's own word for
 *  NTAPI: see nt_routine_watched. */
#if defined(__x86_64__)
#define SCHED_SELDOM __attribute__((ms_abi))
#else
#define SCHED_SELDOM
#endif
/** The rest of sched_current(): the first call of a foreign POSIX thread. */
SCHED_SELDOM struct nt_thread *sched_attach(void);

/** The thread that is running; a foreign POSIX thread is attached (given a thread object) on first
 *  use. */
static inline struct nt_thread *sched_current(void)
{
    unsigned generation = __atomic_load_n(&sched_machine.generation, __ATOMIC_RELAXED);

    if (__builtin_expect(sched_self.generation != generation || sched_self.thread == NULL, 0)) {
        return sched_attach();
    }
    return sched_self.thread;
}
/** Gives a foreign POSIX thread's thread object back before that thread ends. */
void sched_detach(void);

/**
 * Starts a simulated thread.
 * \param name must live as long as the machine.
 * \return the thread object with a reference
 * for the caller, who gives it back with nt_object_dereference (after waiting on it, or at once).
 */
struct nt_thread *sched_spawn(const char *name, void (*run)(void *), void *argument);
/** Ends the current simulated thread. */
_Noreturn void sched_exit(void);

/**
 * The lock of all dispatcher objects: held around every change of a signal state and every
 * wait-list change.
 */
void sched_lock(void);
void sched_unlock(void);
/**
 * Blocks the current thread until sched_wake() or until `deadline` (sched_time units, UINT64_MAX =
 * never). Called and returns with the dispatcher lock held.
 * \return false when the deadline ended it.
 */
bool sched_block(uint64_t deadline);
/** Makes a blocked thread runnable. Dispatcher lock held. */
void sched_wake(struct nt_thread *thread);
/**
 * Changes when a blocked thread's wait ends; under the real scheduler its sched_block() may return
 * true early, so a caller of sched_block() whose deadline others change looks again at what it
 * waits for. Dispatcher lock held.
 */
void sched_set_deadline(struct nt_thread *thread, uint64_t deadline);
/**
 * Waits while another thread holds the spin lock.
 * \param round how often this acquisition has failed before.
 */
void sched_spin(const volatile uintptr_t *lock, unsigned round);
/** The thread has reached DISPATCH_LEVEL (gives it a simulated processor) or left it. */
void sched_irql_crossed(struct nt_thread *thread);
/** Number of the simulated processor that the current thread runs on. */
unsigned sched_processor(void);

/**
 * A choice that the simulated hardware makes (does this I/O pend?): a number below `count`. Seeded:
 * from the seed, and one of the run's decisions, so that an exhaustive search tries every answer.
 * Real: always 0. No scheduling point.
 */
uint32_t sched_random(uint32_t count);

/** Every decision of this run (seeded). */
size_t sched_decisions(const struct sched_decision **out);

/**
 * Runs every other runnable thread and expired timer until all wait (seeded; virtual time does not
 * advance past `until`). Real: waits until the machine is idle. Used by tests between two steps.
 */
void sched_settle(uint64_t until);

/**
 * \return the name of the simulated thread whose stack's guard page holds `address` (it overran its
 * stack), or NULL.
 */
const char *sched_stack_guard(const void *address);
/** Seeded: does the address lie in the current thread's own stack? */
bool sched_is_own_stack(const void *address);
/** The seed of this run, for reports. */
uint64_t sched_seed(void);

#endif
