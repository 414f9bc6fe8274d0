/*
 * Many seeds, several at a time; the first to fail is the lowest. PCT has to know about how many
 * scheduling points a run has: a run without any preemption tells it first.
 */
#include "nt/explore_run.h"
#include "nt/sched_backend.h"

#include <sys/mman.h>
#include <unistd.h>

#define MAX_JOBS 8

static unsigned job_limit(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : online > MAX_JOBS ? MAX_JOBS : (unsigned)online;
}

/** The scenario has come to the part that is explored. */
static void begin(void)
{
    seeded_explore_afresh();
}

/** Scheduling points of a run without preemption; 0 when it fails. */
static uint64_t measure(const struct explore_scenario *scenario)
{
    uint64_t *points = explore_run_reserve(sizeof *points, true);
    struct sched_override with = {.strategy = SCHED_BOUNDED, .points = points};
    struct explore_run run = explore_run_start(scenario, &with, begin);
    struct explore_result ignored;
    uint64_t counted;

    explore_run_finish(&run, &ignored);
    counted = *points;
    munmap(points, sizeof *points);
    return counted;
}

struct explore_result sched_sweep(void (*body)(void *), void *argument,
                                  enum sched_strategy strategy, uint64_t first_seed, uint64_t count,
                                  uint64_t *failing_seed)
{
    struct explore_scenario scenario = {body, argument};
    struct explore_result result = {.outcome = EXPLORE_PASSED}, ignored;
    struct sched_override with = {.strategy = strategy};
    struct explore_run runs[MAX_JOBS];
    unsigned limit = job_limit();
    uint64_t started = 0, finished = 0;

    explore_run_check_caller();
    with.expected_points = strategy == SCHED_PCT ? (unsigned)measure(&scenario) : 0;
    while (finished < count && result.outcome == EXPLORE_PASSED) {
        for (; started < count && started - finished < limit; started++) {
            with.seed = first_seed + started;
            runs[started % MAX_JOBS] = explore_run_start(&scenario, &with, begin);
        }
        explore_run_finish(&runs[finished % MAX_JOBS], &result); /* In order of seeds. */
        finished++;
    }
    result.runs = finished;
    if (result.outcome != EXPLORE_PASSED && failing_seed != NULL) {
        *failing_seed = first_seed + finished - 1;
    }
    for (; finished < started; finished++) {
        explore_run_finish(&runs[finished % MAX_JOBS], &ignored);
    }
    return result;
}
