/*
 * The exhaustive search: depth first over the decisions of a scenario. Their record lies in memory
 * shared with the run's child, so that a run that dies still tells which way it went.
 */
#include "nt/explore_run.h"
#include "nt/sched_backend.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/** Decisions that a run can have. The memory is only used as far as a run goes. */
#define MAX_DECISIONS ((size_t)1 << 21)

/** How far schedules may differ from the first. */
struct explore_bound {
    enum { EXPLORE_PREEMPTIONS, EXPLORE_DELAYS } kind;
    unsigned limit;
};

/** A search under way, shared with the child that makes its runs. */
struct search {
    struct explore_progress progress;
    struct explore_bound bound;
    uint64_t max_runs, runs; /**< Runs that have passed. */
    bool exhausted, more;
    bool inner; /**< The scenario said where to begin, and its process did the whole search. */
    struct explore_result result; /**< Of that search. */

    /* The next run, then the last one. */
    size_t choice_count, count;
    uint32_t choices[MAX_DECISIONS];
    struct sched_decision record[MAX_DECISIONS];
};

/** What an alternative takes from the bound. */
static unsigned cost(const struct sched_decision *decision, uint32_t chosen,
                     const struct explore_bound *bound)
{
    return bound->kind == EXPLORE_DELAYS ? chosen : decision->preemptive && chosen != 0;
}

/**
 * Turns the schedule that was run into the next one in depth-first order: the last decision that
 * has another alternative within the bound takes it; what comes after it starts afresh.
 * \return the length of the new list of choices, 0 when there is none.
 */
static size_t next_schedule(struct search *search)
{
    const struct explore_bound *bound = &search->bound;
    unsigned spent = 0;
    size_t length = 0;

    for (size_t i = 0; i < search->count; i++) {
        const struct sched_decision *decision = &search->record[i];

        search->choices[i] = decision->chosen;
        if (decision->chosen + 1 < decision->alternatives &&
            spent + cost(decision, decision->chosen + 1, bound) <= bound->limit) {
            length = i + 1;
        }
        spent += cost(decision, decision->chosen, bound);
    }
    if (length != 0) {
        search->choices[length - 1]++;
    }
    return length;
}

static void keep_choices(struct explore_result *result, const struct search *search)
{
    size_t count = search->count;

    while (count > 0 && search->record[count - 1].chosen == 0) {
        count--; /* What is not listed is 0. */
    }
    result->choices = malloc((count + 1) * sizeof result->choices[0]);
    result->choice_count = result->choices != NULL ? count : 0;
    for (size_t i = 0; i < result->choice_count; i++) {
        result->choices[i] = search->record[i].chosen;
    }
}

/** In a run that sched_explore made: its search. */
static struct search *searched;

/** A run has passed: the next one is prepared, if there is one. */
static void search_on(struct search *search)
{
    search->runs++;
    search->choice_count = next_schedule(search);
    search->exhausted = search->choice_count == 0;
    search->more = !search->exhausted && (search->max_runs == 0 || search->runs < search->max_runs);
}

/** The scenario has come to the part that is explored: each schedule is a fork of it. */
static void begin(void)
{
    struct search *search = searched;
    struct explore_result *result = &search->result;
    struct explore_run run;

    search->choice_count = 0;
    search->inner = true;
    do {
        if (explore_run_branch(&run)) {
            explore_run_only();
            seeded_explore_from_here(search->choices, search->choice_count);
            return;
        }
        explore_run_finish(&run, result);
        if (result->outcome == EXPLORE_PASSED) {
            search_on(search);
        }
    } while (result->outcome == EXPLORE_PASSED && search->more);
    _exit(0);
}

/** In the child: runs, as many as it may. */
static _Noreturn void search_in_child(struct search *search,
                                      const struct explore_scenario *scenario)
{
    struct sched_override with = {.strategy = SCHED_BOUNDED,
                                  .choices = search->choices,
                                  .record = search->record,
                                  .record_size = MAX_DECISIONS,
                                  .record_count = &search->count};

    do {
        search->count = 0;
        with.choice_count = search->choice_count;
        explore_run_make(scenario, &with, begin, &search->progress);
        search_on(search);
    } while (search->more && search->progress.passed < EXPLORE_RUN_BATCH);
    explore_run_leave();
}

/** A child, and how its last run ended. */
static void search_some(struct search *search, const struct explore_scenario *scenario,
                        struct explore_result *result)
{
    struct explore_run run;

    search->progress = (struct explore_progress){0};
    if (explore_run_branch(&run)) {
        search_in_child(search, scenario);
    }
    explore_run_finish(&run, result);
    if (search->inner) {
        *result = search->result;
    } else if (result->outcome == EXPLORE_PASSED && search->progress.running) {
        search_on(search); /* The run has ended its process. */
    }
}

static struct explore_result explore(const struct explore_scenario *scenario,
                                     struct explore_bound bound, uint64_t max_runs)
{
    struct explore_result result = {.outcome = EXPLORE_PASSED};
    struct search *search = explore_run_reserve(sizeof *search, true);

    explore_run_check_caller();
    search->bound = bound;
    search->max_runs = max_runs;
    searched = search;
    do {
        search_some(search, scenario, &result);
    } while (result.outcome == EXPLORE_PASSED && search->more && !search->inner);
    searched = NULL;
    result.exhausted = search->exhausted;
    result.runs = search->runs;
    if (result.outcome != EXPLORE_PASSED) {
        result.runs++;
        keep_choices(&result, search);
    }
    munmap(search, sizeof *search);
    return result;
}

struct explore_result sched_explore(void (*scenario)(void *), void *argument,
                                    unsigned preemption_bound, uint64_t max_runs)
{
    struct explore_bound bound = {EXPLORE_PREEMPTIONS, preemption_bound};

    return explore(&(struct explore_scenario){scenario, argument}, bound, max_runs);
}

struct explore_result sched_explore_delays(void (*scenario)(void *), void *argument,
                                           unsigned delay_bound, uint64_t max_runs)
{
    struct explore_bound bound = {EXPLORE_DELAYS, delay_bound};

    return explore(&(struct explore_scenario){scenario, argument}, bound, max_runs);
}
