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

static _Noreturn void be_child(void (*scenario)(void *), void *argument,
                               const struct sched_override *with, int report)
{
    verifier_report_fd(report);
    sched_set_override(with);
    alarm(EXPLORE_RUN_SECONDS);
    scenario(argument);
    fflush(NULL);
    _exit(0);
}

static struct job start(void (*scenario)(void *), void *argument, const struct sched_override *with)
{
    struct job job = {.seed = with->seed};
    int ends[2];

    if (pipe(ends) != 0) {
        sched_misuse("no pipe to be had for a run", "raise the limit of open files (ulimit -n)");
    }
    job.pid = fork();
    if (job.pid < 0) {
        sched_misuse("no process to be had for a run", "raise the limit of processes (ulimit -u)");
    }
    if (job.pid == 0) {
        close(ends[0]);
        be_child(scenario, argument, with, ends[1]);
    }
    close(ends[1]);
    job.report = ends[0];
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

struct explore_result sched_explore(void (*scenario)(void *), void *argument,
                                    unsigned preemption_bound, uint64_t max_runs)
{
    struct explore_result result = {.outcome = EXPLORE_PASSED};
    struct shared *run = mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint32_t *choices = mmap(NULL, MAX_DECISIONS * sizeof *choices, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct sched_override with = {.strategy = SCHED_BOUNDED, .choices = choices};

    if (run == MAP_FAILED || choices == MAP_FAILED) {
        sched_misuse("no memory for the record of decisions", "free some memory");
    }
    with.record = run->record;
    with.record_size = MAX_DECISIONS;
    with.record_count = &run->count;
    check_caller();
    while (result.outcome == EXPLORE_PASSED && (max_runs == 0 || result.runs < max_runs)) {
        struct job job;

        run->count = 0;
        job = start(scenario, argument, &with);
        finish(&job, &result);
        result.runs++;
        if (result.outcome != EXPLORE_PASSED) {
            keep_choices(&result, run);
            break;
        }
        with.choice_count = next_schedule(run, choices, preemption_bound);
        if (with.choice_count == 0) {
            result.exhausted = true;
            break;
        }
    }
    munmap(run, sizeof *run);
    munmap(choices, MAX_DECISIONS * sizeof *choices);
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
