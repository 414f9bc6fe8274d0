/**
 * \file
 * The main program of every test runner: registers the suites of one folder and runs them with
 * CUnit's basic interface.
 *
 *     run [--list] [--only SUITE [--case CASE]] [--each]
 *
 * --each runs each case in a process of its own, and writes one line for it, with tabs: how it
 * ended (passed, failed, "signal 11", "exit 86", timeout), the suite, the case. What the case
 * prints goes to stderr. For mk/variants: a driver with a fault in it may take the process of a
 * case with it, but not the verdicts on the others.
 *
 * The Makefile writes the list of suites (suites.h) from the names of the folder's test_*.c files.
 */
#include <CUnit/Basic.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUITE(name) CU_ErrorCode register_##name##_suite(void);
#include SUITES_HEADER
#undef SUITE

static const struct {
    const char *name;
    CU_ErrorCode (*add)(void);
} suites[] = {
#define SUITE(name) {#name, register_##name##_suite},
#include SUITES_HEADER
#undef SUITE
};

#define SUITE_COUNT (sizeof(suites) / sizeof(suites[0]))

/** Registers the suites that were asked for. \return how many, 0 after an error. */
static unsigned add_suites(const char *only)
{
    unsigned added = 0;

    for (size_t i = 0; i < SUITE_COUNT; i++) {
        if (only != NULL && strcmp(only, suites[i].name) != 0) {
            continue;
        }
        if (suites[i].add() != CUE_SUCCESS) {
            fprintf(stderr, "%s: suite \"%s\" could not be set up: %s\n", RUNNER, suites[i].name,
                    CU_get_error_msg());
            return 0;
        }
        added++;
    }
    return added;
}

#define EACH_SECONDS 600
#define EACH_FAILED  70

/** The child's part: runs one case, its suite's set-up included, and never returns. */
static _Noreturn void run_child(CU_pSuite suite, CU_pTest test)
{
    signal(SIGALRM, SIG_DFL);
    alarm(EACH_SECONDS);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    CU_basic_run_test(suite, test);
    exit(CU_get_number_of_failures() + CU_get_number_of_suites_failed() == 0 ? EXIT_SUCCESS
                                                                             : EACH_FAILED);
}

/** Runs one case in a child and writes its line. \return whether it passed. */
static bool run_case(const char *name, CU_pSuite suite, CU_pTest test)
{
    char verdict[32] = "failed";
    int status = -1;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        run_child(suite, test);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("run --each");
        exit(2);
    }
    if (WIFSIGNALED(status)) {
        snprintf(verdict, sizeof(verdict), WTERMSIG(status) == SIGALRM ? "timeout" : "signal %d",
                 WTERMSIG(status));
    } else if (WEXITSTATUS(status) != EACH_FAILED && WEXITSTATUS(status) != EXIT_SUCCESS) {
        snprintf(verdict, sizeof(verdict), "exit %d", WEXITSTATUS(status));
    }
    printf("%s\t%s\t%s\n", status == 0 ? "passed" : verdict, name, test->pName);
    return status == 0;
}

/** \param one runs only the case of this name, if not NULL. \return how many cases did not pass. */
static unsigned run_each(const char *only, const char *one)
{
    unsigned bad = 0, ran = 0;

    for (size_t i = 0; i < SUITE_COUNT; i++) {
        if (only != NULL && strcmp(only, suites[i].name) != 0) {
            continue;
        }
        if (CU_initialize_registry() != CUE_SUCCESS || suites[i].add() != CUE_SUCCESS) {
            fprintf(stderr, "%s: suite \"%s\" could not be set up: %s\n", RUNNER, suites[i].name,
                    CU_get_error_msg());
            exit(2);
        }
        for (CU_pSuite suite = CU_get_registry()->pSuite; suite != NULL; suite = suite->pNext) {
            for (CU_pTest test = suite->pTest; test != NULL; test = test->pNext) {
                if (one == NULL || strcmp(one, test->pName) == 0) {
                    bad += !run_case(suites[i].name, suite, test);
                    ran++;
                }
            }
        }
        CU_cleanup_registry();
    }
    if (ran == 0) {
        fprintf(stderr, "%s: no such case in \"%s\"\n", RUNNER, only != NULL ? only : "any suite");
        exit(2);
    }
    return bad;
}

int main(int argc, char **argv)
{
    const char *only = NULL, *one = NULL;
    bool each = argc > 1 && strcmp(argv[argc - 1], "--each") == 0;
    unsigned failures;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < SUITE_COUNT; i++) {
            puts(suites[i].name);
        }
        return 0;
    }
    argc -= each;
    if (each && argc == 5 && strcmp(argv[3], "--case") == 0) {
        one = argv[4];
        argc = 3;
    }
    if (argc == 3 && strcmp(argv[1], "--only") == 0) {
        only = argv[2];
    } else if (argc != 1) {
        fprintf(stderr, "usage: run [--list] [--only SUITE [--case CASE]] [--each]\n");
        return 2;
    }
    /* What a child prints before it dies must not be printed twice. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (each) {
        return run_each(only, one) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 2;
    }
    if (add_suites(only) == 0) {
        fprintf(stderr, "%s: no suite \"%s\"; --list prints their names\n", RUNNER,
                only != NULL ? only : "");
        return 2;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    failures = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
