/*
 * BreakOnEntry: with a debugger attached DriverEntry stops in it, once; without one, or without the
 * value, the driver starts as ever. The debugger is this process, by ptrace.
 */
#include <CUnit/Basic.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "system/machine.h"

/** Installs, starts, stops. */
static void start(uint32_t break_on_entry)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 1}, .verifier = true};
    struct host_error error;

    CHILD_CHECK(host_boot(&options, &error));
    CHILD_CHECK(host_install_bare(MACHINE_SERVICE, machine_driver(), true, &error));
    CHILD_CHECK(host_set_parameter(MACHINE_SERVICE, "BreakOnEntry", break_on_entry));
    CHILD_CHECK(host_start(&error));
    machine_halt();
}

/** The debugger: lets the process run to its end. \param breaks how often it stopped by itself.
 *  \return its wait status. */
static int debug(pid_t child, unsigned *breaks)
{
    int status = 0, passed;
    pid_t thread;

    *breaks = 0;
    while ((thread = waitpid(-1, &status, __WALL)) > 0 && (thread != child || WIFSTOPPED(status))) {
        if (!WIFSTOPPED(status)) {
            continue; /* One of its threads has ended. */
        }
        passed = WSTOPSIG(status);
        if (passed == SIGTRAP && status >> 16 == 0) {
            ++*breaks;
        }
        if (passed == SIGTRAP || passed == SIGSTOP) { /* A break, a thread's birth. */
            passed = 0;
        }
        ptrace(PTRACE_CONT, thread, NULL, (void *)(intptr_t)passed);
    }
    return status;
}

/** Starts the driver under a debugger. \return how often it broke; -1 after saying that there can
 *  be none. */
static int breaks_of(uint32_t break_on_entry)
{
    pid_t child = fork();
    unsigned breaks;
    int status;

    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(errno == EPERM ? 99 : 1);
        }
        raise(SIGSTOP); /* Until the debugger has said what it wants. */
        start(break_on_entry);
        _exit(0);
    }
    CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
        printf("\n    skipped: this machine lets nobody debug ");
        return -1;
    }
    CU_ASSERT_FATAL(WIFSTOPPED(status) &&
                    ptrace(PTRACE_SETOPTIONS, child, NULL,
                           (void *)(PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)) == 0 &&
                    ptrace(PTRACE_CONT, child, NULL, NULL) == 0);
    status = debug(child, &breaks);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return (int)breaks;
}

static void test_debugger(void)
{
    int breaks = breaks_of(1);

    if (breaks >= 0) {
        CU_ASSERT_EQUAL(breaks, 1);
        CU_ASSERT_EQUAL(breaks_of(0), 0);
        CU_ASSERT_EQUAL(breaks_of(2), 0); /* Out of range: the default. */
    }
}

static void without_debugger(void *unused)
{
    (void)unused;
    start(1);
}

static void test_no_debugger(void)
{
    CHILD_PASSES(without_debugger, NULL);
}

CU_ErrorCode register_break_suite(void);
CU_ErrorCode register_break_suite(void)
{
    static CU_TestInfo tests[] = {
        {"with a debugger, once, if it is asked for", test_debugger},
        {"without one, never", test_no_debugger},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"BreakOnEntry", NULL, machine_clean, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
