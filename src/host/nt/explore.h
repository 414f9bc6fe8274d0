/**
 * \file
 * Searching the schedules of a scenario: exhaustively up to a number of preemptions, or by many
 * seeds.
 *
 * A scenario boots a seeded machine, does something and halts it; it shows a failure by a bugcheck,
 * a crash or a non-zero exit. Runs are made in children; one that halts its machine goes on with
 * the next run, one that fails, exits or leaves its machine running does not. The caller must have
 * no machine booted. The scenario's sched_boot() says how many processors; strategy, seed and
 * choices are the explorer's.
 */
#ifndef HOST_NT_EXPLORE_H
#define HOST_NT_EXPLORE_H

#include "nt/sched.h"
#include "verifier/verifier.h"

enum explore_outcome {
    EXPLORE_PASSED,   /**< Every run that was made. */
    EXPLORE_BUGCHECK, /**< `report` says which. */
    EXPLORE_SIGNAL,   /**< Killed by the signal `status`. */
    EXPLORE_EXIT,     /**< Exit status `status`. */
    EXPLORE_TIMEOUT,  /**< Ran longer than EXPLORE_RUN_SECONDS: it hangs. */
};
#define EXPLORE_RUN_SECONDS 60

struct explore_result {
    enum explore_outcome outcome; /**< Of the run that failed. */
    int status;
    struct verifier_report report;
    uint64_t runs;     /**< Made, the one that failed included. */
    bool exhausted;    /**< sched_explore: there is no further schedule within the bound. */
    uint32_t *choices; /**< sched_explore: the failing schedule, for sched_options.choices. */
    size_t choice_count;
};

/**
 * Depth-first search over all schedules with at most `preemption_bound` preemptions; stops at the
 * first that fails.
 * \param max_runs 0 = no limit.
 */
struct explore_result sched_explore(void (*scenario)(void *), void *argument,
                                    unsigned preemption_bound, uint64_t max_runs);
/**
 * The same over all schedules with at most `delay_bound` delays. The threads stand in a queue, in the
 * order of their creation; one runs until it waits, then the first in the queue that can run does.
 * A delay sends the thread whose turn it is to the end of the queue. So a thread that is delayed
 * comes back only when all others wait: one delay is what most races need, and there are only as
 * many schedules as scheduling points.
 */
struct explore_result sched_explore_delays(void (*scenario)(void *), void *argument,
                                           unsigned delay_bound, uint64_t max_runs);
/**
 * In a scenario: the part to be explored begins here. To keep the number of schedules small, threads
 * are preempted from here on only where a driver calls an imported routine or, with level 2 points,
 * touches memory, not where the host does: a driver shows what it does in no other place. The calling
 * thread is the one that booted the machine.
 * sched_explore: what came before is done once, without alternatives; each schedule is a fork of the
 * process at this point. sched_sweep: the strategy starts afresh, so that PCT's change points fall
 * where they may find something. Outside of an exploration it does nothing.
 */
void sched_explore_from_here(void);
/** In a scenario of sched_explore: the part to be explored ends here; the rest of the run has one
 *  schedule. Elsewhere it does nothing. */
void sched_explore_to_here(void);
/**
 * Runs seeds first_seed, first_seed + 1, ... and stops at the first (the lowest) that fails.
 * \param failing_seed receives it; may be NULL.
 */
struct explore_result sched_sweep(void (*scenario)(void *), void *argument,
                                  enum sched_strategy strategy, uint64_t first_seed, uint64_t count,
                                  uint64_t *failing_seed);
/** Frees the list of choices. */
void explore_result_free(struct explore_result *result);
/** "passed", "bugcheck" ...: for reports. */
const char *explore_outcome_name(enum explore_outcome outcome);

#endif
