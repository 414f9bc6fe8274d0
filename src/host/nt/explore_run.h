/**
 * \file
 * Runs of a scenario in a child: what the exhaustive search (explore.c) and the sweep over seeds
 * (explore_sweep.c) share.
 */
#ifndef HOST_NT_EXPLORE_RUN_H
#define HOST_NT_EXPLORE_RUN_H

#include "nt/explore.h"

#include <sys/types.h>

struct sched_override;

/** A run under way. */
struct explore_run {
    pid_t pid;
    int report; /**< Reading end of the pipe for its verifier_report. */
};

/** Runs that one child makes, at most. */
#define EXPLORE_RUN_BATCH 64

/** What a child tells of its runs, in memory that it shares with its parent. */
struct explore_progress {
    uint64_t passed; /**< Runs that have halted their machine. */
    bool running;    /**< Another one has begun. */
};

/** What is explored. */
struct explore_scenario {
    void (*body)(void *);
    void *argument;
};

/** The caller must have no machine booted: it forks. */
void explore_run_check_caller(void);
/** Forks where it stands. \return true in the child, which makes the run; a bugcheck there is
 *  reported. */
bool explore_run_branch(struct explore_run *run);
/** In a child: runs the scenario from its start. Returns if the scenario has halted its machine:
 *  then the process may make another run. A machine that runs goes with the process.
 *  \param begin what sched_explore_from_here() does there. */
void explore_run_make(const struct explore_scenario *scenario, const struct sched_override *with,
                      void (*begin)(void), struct explore_progress *progress);
/** In the middle of a run: the process ends with it. */
void explore_run_only(void);
/** In a child: no more runs. */
_Noreturn void explore_run_leave(void);
/** Waits for the run and says how it ended. */
void explore_run_finish(struct explore_run *run, struct explore_result *result);
/** Memory that is used only as far as it is touched. \param shared with the children. */
void *explore_run_reserve(size_t size, bool shared);

#endif
