/**
 * \file
 * The main program of every test runner: registers the suites of one folder and runs them with CUnit's basic interface.
 *
 *     run [--list] [--only SUITE]
 *
 * The Makefile writes the list of suites (suites.h) from the names of the folder's test_*.c files.
 */
#include <CUnit/Basic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
            fprintf(stderr, "%s: suite \"%s\" could not be set up: %s\n", RUNNER, suites[i].name, CU_get_error_msg());
            return 0;
        }
        added++;
    }
    return added;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    unsigned failures;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < SUITE_COUNT; i++) {
            puts(suites[i].name);
        }
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--only") == 0) {
        only = argv[2];
    } else if (argc != 1) {
        fprintf(stderr, "usage: run [--list] [--only SUITE]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* What a child prints before it dies must not be printed twice. */
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 2;
    }
    if (add_suites(only) == 0) {
        fprintf(stderr, "%s: no suite \"%s\"; --list prints their names\n", RUNNER, only != NULL ? only : "");
        return 2;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    failures = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
