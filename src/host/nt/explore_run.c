/*
 * Runs in a child: the fork, the pipe for a bugcheck, how it ended. A child whose scenario halts its
 * machine can go on with the next run: a fork costs more than most runs do. It must be called in a
 * process that has no second POSIX thread, because it forks.
 */
#include "nt/explore_run.h"

#include "nt/sched_backend.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/** In a run from a scenario's start: what sched_explore_from_here() does, once. */
static void (*explore_begin)(void);
/** This process makes runs; it is in the middle of its only one. */
static bool explore_running, explore_only;

bool explore_run_branch(struct explore_run *run)
{
    int ends[2];

    if (pipe(ends) != 0) {
        sched_misuse("no pipe to be had for a run", "raise the limit of open files (ulimit -n)");
    }
    run->pid = fork();
    if (run->pid < 0) {
        sched_misuse("no process to be had for a run", "raise the limit of processes (ulimit -u)");
    }
    if (run->pid == 0) {
        close(ends[0]);
        verifier_report_fd(ends[1]);
        alarm(EXPLORE_RUN_SECONDS);
        return true;
    }
    close(ends[1]);
    run->report = ends[0];
    return false;
}

void explore_run_only(void)
{
    explore_only = true;
}

_Noreturn void explore_run_leave(void)
{
    fflush(NULL);
    _exit(0);
}

void explore_run_make(const struct explore_scenario *scenario, const struct sched_override *with,
                      void (*begin)(void), struct explore_progress *progress)
{
    progress->running = true;
    explore_running = true;
    explore_begin = begin;
    alarm(EXPLORE_RUN_SECONDS);
    sched_set_override(with);
    scenario->body(scenario->argument);
    if (with->points != NULL) {
        *with->points = seeded_points();
    }
    if (explore_only || sched_is_booted()) {
        explore_run_leave();
    }
    progress->running = false;
    progress->passed++;
}

void explore_run_finish(struct explore_run *run, struct explore_result *result)
{
    int status = 0;

    while (waitpid(run->pid, &status, 0) < 0) {
    }
    result->outcome = EXPLORE_PASSED;
    if (read(run->report, &result->report, sizeof result->report) ==
        (ssize_t)sizeof result->report) {
        result->outcome = EXPLORE_BUGCHECK;
    } else if (WIFSIGNALED(status)) {
        result->status = WTERMSIG(status);
        result->outcome = result->status == SIGALRM ? EXPLORE_TIMEOUT : EXPLORE_SIGNAL;
    } else if (WEXITSTATUS(status) != 0) {
        result->status = WEXITSTATUS(status);
        result->outcome = EXPLORE_EXIT;
    }
    close(run->report);
}

void explore_run_check_caller(void)
{
    if (sched_is_booted()) {
        sched_misuse("exploration was started on a machine that runs",
                     "call sched_halt (host_halt) first");
    }
    fflush(NULL); /* What is buffered now must not be written by each child. */
}

void *explore_run_reserve(size_t size, bool shared)
{
    int sharing = shared ? MAP_SHARED : MAP_PRIVATE;
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        sched_misuse("no memory for the record of decisions", "free some memory");
    }
    return memory;
}

void sched_explore_from_here(void)
{
    void (*begin)(void) = explore_begin;

    if (begin != NULL) {
        explore_begin = NULL;
        alarm(0); /* From here on each run has its own. */
        fflush(NULL);
        begin();
    }
}

void sched_explore_to_here(void)
{
    if (explore_running) {
        seeded_explore_to_here();
    }
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
