/*
 * Many seeds, several at a time; the first to fail is the lowest. PCT has to know about how many
 * scheduling points a run has: a run without any preemption tells it first.
 */
#include "nt/explore_run.h"
#include "nt/sched_backend.h"

#include <signal.h>
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
    struct explore_progress progress;
    struct explore_result ignored;
    struct explore_run run;
    uint64_t counted;

    if (explore_run_branch(&run)) {
        explore_run_make(scenario, &with, begin, &progress);
        explore_run_leave();
    }
    explore_run_finish(&run, &ignored);
    counted = *points;
    munmap(points, sizeof *points);
    return counted;
}

/** Seeds that a child runs, or several, one after the other, if runs end their process. */
struct batch {
    const struct explore_scenario *scenario;
    struct sched_override with;
    struct explore_run run;
    struct explore_progress *progress; /**< Shared with the child. */
    uint64_t first, count;
};

/** As many as a child may run, but all processors have something to do. */
static uint64_t batch_size(uint64_t count, unsigned jobs)
{
    uint64_t share = (count + jobs - 1) / jobs;

    return share < EXPLORE_RUN_BATCH ? share : EXPLORE_RUN_BATCH;
}

/** Begins with the first seed that has not passed yet. */
static void batch_start(struct batch *batch)
{
    batch->progress->running = false;
    if (explore_run_branch(&batch->run)) {
        while (batch->progress->passed < batch->count) {
            batch->with.seed = batch->first + batch->progress->passed;
            explore_run_make(batch->scenario, &batch->with, begin, batch->progress);
        }
        explore_run_leave();
    }
}

/** Waits until all of its seeds have passed, or one has not. */
static void batch_finish(struct batch *batch, struct explore_result *result)
{
    explore_run_finish(&batch->run, result);
    while (result->outcome == EXPLORE_PASSED && batch->progress->passed < batch->count) {
        batch->progress->passed++; /* This run has ended its process. */
        if (batch->progress->passed < batch->count) {
            batch_start(batch);
            explore_run_finish(&batch->run, result);
        }
    }
}

/** Batches under way: the oldest is the next to be waited for, so that the lowest seed that fails is
 *  the first to be known. */
struct sweep {
    struct batch batches[MAX_JOBS];
    unsigned jobs, started, finished;
    uint64_t first, count, dealt, size;
};

static void sweep_start(struct sweep *sweep, const struct batch *like,
                        struct explore_progress *progress)
{
    while (sweep->dealt < sweep->count && sweep->started - sweep->finished < sweep->jobs) {
        unsigned slot = sweep->started++ % MAX_JOBS;
        struct batch *batch = &sweep->batches[slot];
        uint64_t left = sweep->count - sweep->dealt;

        *batch = *like;
        batch->progress = &progress[slot];
        *batch->progress = (struct explore_progress){0};
        batch->first = sweep->first + sweep->dealt;
        batch->count = left < sweep->size ? left : sweep->size;
        sweep->dealt += batch->count;
        batch_start(batch);
    }
}

struct explore_result sched_sweep(void (*body)(void *), void *argument,
                                  enum sched_strategy strategy, uint64_t first_seed, uint64_t count,
                                  uint64_t *failing_seed)
{
    struct explore_scenario scenario = {body, argument};
    struct explore_result result = {.outcome = EXPLORE_PASSED}, ignored;
    struct explore_progress *progress = explore_run_reserve(MAX_JOBS * sizeof *progress, true);
    struct batch like = {.scenario = &scenario, .with = {.strategy = strategy}};
    struct sweep sweep = {.jobs = job_limit(), .first = first_seed, .count = count};

    explore_run_check_caller();
    sweep.size = batch_size(count, sweep.jobs);
    like.with.expected_points = strategy == SCHED_PCT ? (unsigned)measure(&scenario) : 0;
    while (result.runs < count && result.outcome == EXPLORE_PASSED) {
        struct batch *batch = &sweep.batches[sweep.finished % MAX_JOBS];

        sweep_start(&sweep, &like, progress);
        sweep.finished++;
        batch_finish(batch, &result);
        result.runs += batch->progress->passed;
    }
    if (result.outcome != EXPLORE_PASSED && failing_seed != NULL) {
        *failing_seed = first_seed + result.runs;
    }
    result.runs += result.outcome != EXPLORE_PASSED;
    for (; sweep.finished < sweep.started; sweep.finished++) {
        kill(sweep.batches[sweep.finished % MAX_JOBS].run.pid, SIGKILL);
        explore_run_finish(&sweep.batches[sweep.finished % MAX_JOBS].run, &ignored);
    }
    munmap(progress, MAX_JOBS * sizeof *progress);
    return result;
}
