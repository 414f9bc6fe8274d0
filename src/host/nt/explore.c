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

/** The record of the last run, shared with the child that makes it. */
struct shared {
    bool inner; /**< The scenario said where to begin, and its process did the whole search. */
    struct explore_result result; /**< Of that search. */
    size_t count;
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
static size_t next_schedule(const struct shared *run, uint32_t *choices,
                            const struct explore_bound *bound)
{
    unsigned spent = 0;
    size_t length = 0;

    for (size_t i = 0; i < run->count; i++) {
        const struct sched_decision *decision = &run->record[i];

        choices[i] = decision->chosen;
        if (decision->chosen + 1 < decision->alternatives &&
            spent + cost(decision, decision->chosen + 1, bound) <= bound->limit) {
            length = i + 1;
        }
        spent += cost(decision, decision->chosen, bound);
    }
    if (length != 0) {
        choices[length - 1]++;
    }
    return length;
}

static void keep_choices(struct explore_result *result, const struct shared *run)
{
    size_t count = run->count;

    while (count > 0 && run->record[count - 1].chosen == 0) {
        count--; /* What is not listed is 0. */
    }
    result->choices = malloc((count + 1) * sizeof result->choices[0]);
    result->choice_count = result->choices != NULL ? count : 0;
    for (size_t i = 0; i < result->choice_count; i++) {
        result->choices[i] = run->record[i].chosen;
    }
}

/** A search under way. */
struct search {
    struct shared *run;
    uint32_t *choices;
    size_t choice_count;
    struct explore_bound bound;
    uint64_t max_runs;
};

/** In a run that sched_explore made: its search. */
static struct search *searched;

/** Notes how a run ended. \return false when the search has ended with it. */
static bool search_goes_on(struct search *search, struct explore_result *result)
{
    result->runs++;
    if (result->outcome != EXPLORE_PASSED) {
        return false;
    }
    search->choice_count = next_schedule(search->run, search->choices, &search->bound);
    result->exhausted = search->choice_count == 0;
    return !result->exhausted && (search->max_runs == 0 || result->runs < search->max_runs);
}

/** The scenario has come to the part that is explored: each schedule is a fork of it. */
static void begin(void)
{
    struct search *search = searched;
    struct explore_result result = {.outcome = EXPLORE_PASSED};
    struct explore_run run;

    search->choice_count = 0;
    do {
        if (explore_run_branch(&run)) {
            seeded_explore_from_here(search->choices, search->choice_count);
            return;
        }
        explore_run_finish(&run, &result);
    } while (search_goes_on(search, &result));
    search->run->result = result;
    search->run->inner = true;
    _exit(0);
}

static struct explore_result explore(const struct explore_scenario *scenario,
                                     struct explore_bound bound, uint64_t max_runs)
{
    struct explore_result result = {.outcome = EXPLORE_PASSED};
    struct shared *run = explore_run_reserve(sizeof *run, true);
    struct search search = {.run = run,
                            .choices = explore_run_reserve(MAX_DECISIONS * sizeof(uint32_t), false),
                            .bound = bound,
                            .max_runs = max_runs};
    struct sched_override with = {.strategy = SCHED_BOUNDED,
                                  .choices = search.choices,
                                  .record = run->record,
                                  .record_size = MAX_DECISIONS,
                                  .record_count = &run->count};

    explore_run_check_caller();
    searched = &search;
    do {
        struct explore_run child;

        run->count = 0;
        with.choice_count = search.choice_count;
        child = explore_run_start(scenario, &with, begin);
        explore_run_finish(&child, &result);
        if (run->inner) {
            result = run->result;
            break;
        }
    } while (search_goes_on(&search, &result));
    if (result.outcome != EXPLORE_PASSED) {
        keep_choices(&result, run);
    }
    munmap(run, sizeof *run);
    munmap(search.choices, MAX_DECISIONS * sizeof(uint32_t));
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
