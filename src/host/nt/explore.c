/*
 * Exploration: one forked child per run, the record of its decisions in memory shared with it, so
 * that a run that dies still tells which way it went. It must run in a process that has no machine
 * booted and no second POSIX thread, because it forks.
 */
#include "nt/explore.h"
#include "nt/sched_backend.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/** Decisions that a run can have. The memory is only used as far as a run goes. */
#define MAX_DECISIONS ((size_t)1 << 21)
#define MAX_JOBS      8

/** A run under way. */
struct job {
    pid_t pid;
    int report; /**< Reading end of the pipe for its verifier_report. */
    uint64_t seed;
};

/* --- one run --- */

/** Forks. \return true in the child, which makes the run; a bugcheck there is reported. */
static bool branch(struct job *job)
{
    int ends[2];

    if (pipe(ends) != 0) {
        sched_misuse("no pipe to be had for a run", "raise the limit of open files (ulimit -n)");
    }
    job->pid = fork();
    if (job->pid < 0) {
        sched_misuse("no process to be had for a run", "raise the limit of processes (ulimit -u)");
    }
    if (job->pid == 0) {
        close(ends[0]);
        verifier_report_fd(ends[1]);
        alarm(EXPLORE_RUN_SECONDS);
        return true;
    }
    close(ends[1]);
    job->report = ends[0];
    return false;
}

static _Noreturn void run_to_end(void (*scenario)(void *), void *argument,
                                 const struct sched_override *with)
{
    sched_set_override(with);
    scenario(argument);
    fflush(NULL);
    _exit(0);
}

static struct job start(void (*scenario)(void *), void *argument, const struct sched_override *with)
{
    struct job job = {.seed = with->seed};

    if (branch(&job)) {
        run_to_end(scenario, argument, with);
    }
    return job;
}

/** Waits for the run and says how it ended. */
static void finish(struct job *job, struct explore_result *result)
{
    int status = 0;

    while (waitpid(job->pid, &status, 0) < 0) {
    }
    result->outcome = EXPLORE_PASSED;
    if (read(job->report, &result->report, sizeof result->report) ==
        (ssize_t)sizeof result->report) {
        result->outcome = EXPLORE_BUGCHECK;
    } else if (WIFSIGNALED(status)) {
        result->status = WTERMSIG(status);
        result->outcome = result->status == SIGALRM ? EXPLORE_TIMEOUT : EXPLORE_SIGNAL;
    } else if (WEXITSTATUS(status) != 0) {
        result->status = WEXITSTATUS(status);
        result->outcome = EXPLORE_EXIT;
    }
    close(job->report);
}

static void check_caller(void)
{
    if (sched_is_booted()) {
        sched_misuse("exploration was started on a machine that runs",
                     "call sched_halt (host_halt) first");
    }
    fflush(NULL); /* What is buffered now must not be written by each child. */
}

/* --- exhaustive search --- */

/** The record of the last run, shared with the child that makes it. */
struct shared {
    bool inner; /**< The scenario said where to begin, and its process did the whole search. */
    struct explore_result result; /**< Of that search. */
    size_t count;
    struct sched_decision record[MAX_DECISIONS];
};

/**
 * Turns the schedule that was run into the next one in depth-first order: the last decision that
 * has another alternative within the bound takes it; what comes after it starts afresh.
 * \return the length of the new list of choices, 0 when there is none.
 */
static size_t next_schedule(const struct shared *run, uint32_t *choices, unsigned bound)
{
    unsigned preemptions = 0;
    size_t length = 0;

    for (size_t i = 0; i < run->count; i++) {
        const struct sched_decision *decision = &run->record[i];

        choices[i] = decision->chosen;
        if (decision->chosen + 1 < decision->alternatives &&
            preemptions + decision->preemptive <= bound) {
            length = i + 1;
        }
        preemptions += decision->preemptive && decision->chosen != 0;
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
    unsigned bound;
    uint64_t max_runs;
};

/** In a run that sched_explore made: its search, until the scenario says where to begin. */
static struct search *searched;

/** Notes how a run ended. \return false when the search has ended with it. */
static bool search_goes_on(struct search *search, struct explore_result *result)
{
    result->runs++;
    if (result->outcome != EXPLORE_PASSED) {
        return false;
    }
    search->choice_count = next_schedule(search->run, search->choices, search->bound);
    result->exhausted = search->choice_count == 0;
    return !result->exhausted && (search->max_runs == 0 || result->runs < search->max_runs);
}

void sched_explore_from_here(void)
{
    struct search *search = searched;
    struct explore_result result = {.outcome = EXPLORE_PASSED};
    struct job job;

    if (search == NULL) {
        return;
    }
    searched = NULL;
    alarm(0); /* From here on each run has its own. */
    fflush(NULL);
    search->choice_count = 0;
    do {
        if (branch(&job)) {
            seeded_explore_from_here(search->choices, search->choice_count);
            return;
        }
        finish(&job, &result);
    } while (search_goes_on(search, &result));
    search->run->result = result;
    search->run->inner = true;
    _exit(0);
}

void sched_explore_to_here(void)
{
    if (sched_driver_points_only) {
        seeded_explore_to_here();
    }
}

static void *reserve(size_t size, int sharing)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        sched_misuse("no memory for the record of decisions", "free some memory");
    }
    return memory;
}

struct explore_result sched_explore(void (*scenario)(void *), void *argument,
                                    unsigned preemption_bound, uint64_t max_runs)
{
    struct explore_result result = {.outcome = EXPLORE_PASSED};
    struct shared *run = reserve(sizeof *run, MAP_SHARED);
    struct search search = {.run = run,
                            .choices = reserve(MAX_DECISIONS * sizeof(uint32_t), MAP_PRIVATE),
                            .bound = preemption_bound,
                            .max_runs = max_runs};
    struct sched_override with = {.strategy = SCHED_BOUNDED,
                                  .choices = search.choices,
                                  .record = run->record,
                                  .record_size = MAX_DECISIONS,
                                  .record_count = &run->count};

    check_caller();
    searched = &search;
    do {
        struct job job;

        run->count = 0;
        with.choice_count = search.choice_count;
        job = start(scenario, argument, &with);
        finish(&job, &result);
        if (run->inner) {
            result = run->result;
            break;
        }
    } while (search_goes_on(&search, &result));
    searched = NULL;
    if (result.outcome != EXPLORE_PASSED) {
        keep_choices(&result, run);
    }
    munmap(run, sizeof *run);
    munmap(search.choices, MAX_DECISIONS * sizeof(uint32_t));
    return result;
}

/* --- seeds --- */

static unsigned job_limit(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : online > MAX_JOBS ? MAX_JOBS : (unsigned)online;
}

struct explore_result sched_sweep(void (*scenario)(void *), void *argument,
                                  enum sched_strategy strategy, uint64_t first_seed, uint64_t count,
                                  uint64_t *failing_seed)
{
    struct explore_result result = {.outcome = EXPLORE_PASSED};
    struct job jobs[MAX_JOBS];
    unsigned limit = job_limit();
    uint64_t started = 0, finished = 0;

    check_caller();
    while (finished < count && result.outcome == EXPLORE_PASSED) {
        while (started < count && started - finished < limit) {
            struct sched_override with = {.strategy = strategy, .seed = first_seed + started};

            jobs[started % MAX_JOBS] = start(scenario, argument, &with);
            started++;
        }
        finish(&jobs[finished % MAX_JOBS],
               &result); /* In order of seeds: the first to fail is the lowest. */
        finished++;
    }
    result.runs = finished;
    if (result.outcome != EXPLORE_PASSED && failing_seed != NULL) {
        *failing_seed = first_seed + finished - 1;
    }
    for (; finished < started; finished++) {
        struct explore_result ignored;

        finish(&jobs[finished % MAX_JOBS], &ignored);
    }
    return result;
}

void explore_result_free(struct explore_result *result)
{
    free(result->choices);
    result->choices = NULL;
    result->choice_count = 0;
}

const char *explore_outcome_name(enum explore_outcome outcome)
{
    static const char *const names[] = {"passed", "bugcheck", "killed by a signal", "failed",
                                        "hung"};

    return names[outcome];
}
