/**
 * \file
 * A scenario under many schedules, and under all of them, as a check of a case: it must pass under each.
 */
#ifndef SUPPORT_SCHEDULES_H
#define SUPPORT_SCHEDULES_H

#include "nt/explore.h"

/** Under the schedules of `seeds` seeds (child_seeds() of them). Says which seed fails, and how. */
void schedules_sweep(void (*scenario)(void *), void *argument, enum sched_strategy strategy,
                     unsigned seeds);

/** Under every schedule with at most child_preemptions() preemptions; fails, too, if those are more than
 *  `limit`. Says how many there were. */
void schedules_exhaust(void (*scenario)(void *), uint64_t limit);

#endif
