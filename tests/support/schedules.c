/*
 * Runs of a scenario under many schedules, judged by CUnit.
 */
#include "support/schedules.h"

#include <CUnit/CUnit.h>

#include "support/child.h"

void schedules_sweep(void (*scenario)(void *), void *argument, enum sched_strategy strategy,
                     unsigned seeds)
{
    uint64_t seed = 0;
    struct explore_result result =
        sched_sweep(scenario, argument, strategy, 1, child_seeds(seeds), &seed);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    if (result.outcome != EXPLORE_PASSED) {
        fprintf(stderr, "    strategy %u, seed %llu: %s: %s\n", (unsigned)strategy,
                (unsigned long long)seed, explore_outcome_name(result.outcome), result.report.text);
    }
    explore_result_free(&result);
}

void schedules_exhaust(void (*scenario)(void *), uint64_t limit)
{
    struct explore_result result = sched_explore(scenario, NULL, child_preemptions(), limit);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(result.exhausted);
    if (result.outcome != EXPLORE_PASSED) {
        fprintf(stderr, "    %s: %s\n", explore_outcome_name(result.outcome), result.report.text);
    }
    printf(" (%llu schedules) ", (unsigned long long)result.runs);
    explore_result_free(&result);
}
