/**
 * \file
 * One run of a scenario in a child: what the exhaustive search (explore.c) and the sweep over seeds
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
/** Runs a scenario from its start in a child. \param begin what sched_explore_from_here() does
 *  there; NULL = nothing. */
struct explore_run explore_run_start(const struct explore_scenario *scenario,
                                     const struct sched_override *with, void (*begin)(void));
/** Waits for the run and says how it ended. */
void explore_run_finish(struct explore_run *run, struct explore_result *result);
/** Memory that is used only as far as it is touched. \param shared with the children. */
void *explore_run_reserve(size_t size, bool shared);

#endif
