/**
 * \file
 * Test cases that may stop the machine run in a child process: one machine per process, and a
 * bugcheck, a signal or a time-out there is the case's result, not its end.
 *
 * The caller must have no machine booted and no second thread, because it forks.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <CUnit/CUnit.h>

#include <stdbool.h>

#include "verifier/verifier.h"

/** How a child ended. */
struct child_result {
    bool exited;    /**< By itself or by a bugcheck; else by `signal`. */
    int status;     /**< Exit status: 0, CHILD_CHECK_FAILED, VERIFIER_EXIT_STATUS ... */
    int signal;     /**< SIGALRM = time-out. */
    bool reported;  /**< There was a bugcheck, and `report` is it. */
    bool sanitizer; /**< A sanitizer complained. */
    struct verifier_report report;
    char text[16384]; /**< What it wrote to stderr. */
};

#define CHILD_CHECK_FAILED 71
#define CHILD_SECONDS      20

/** Runs `body` in a child. \param timeout_s seconds until it is killed. */
struct child_result child_run(void (*body)(void *), void *argument, unsigned timeout_s);

/** In a child: `expression` holds, or the child ends and says where. */
#define CHILD_CHECK(expression)                                                                    \
    ((expression) ? (void)0 : child_fail(#expression, __FILE__, __LINE__))
_Noreturn void child_fail(const char *expression, const char *file, int line);

/** In the parent: `body` runs to its end without breaking a rule. */
#define CHILD_PASSES(body, argument) child_assert_passes(body, argument, #body, __FILE__, __LINE__)
/** In the parent: `body` breaks just this rule, with the code and first parameter of the table.
 *  \return the report. */
#define CHILD_BREAKS(rule, body, argument)                                                         \
    child_assert_breaks(rule, body, argument, #body, __FILE__, __LINE__)

void child_assert_passes(void (*body)(void *), void *argument, const char *name, const char *file,
                         unsigned line);
struct verifier_report child_assert_breaks(enum verifier_rule_symbol rule, void (*body)(void *),
                                           void *argument, const char *name, const char *file,
                                           unsigned line);

/** Is this the long version, for which nobody waits (VMINI_THOROUGH, set by `make explore`
 *  and `make mutants`)? */
bool child_thorough(void);

/** How many of so many seeds there is time for: all of them in the long version, else a part. */
unsigned child_seeds(unsigned count);

/** How many preemptions an exhaustive search of a whole scenario has time for: two in the long version
 *  (one under a sanitizer), else one. */
unsigned child_preemptions(void);

/** The same for a search of a few steps, which only a sanitizer makes long. */
#if defined(VMINI_TSAN) || defined(VMINI_ASAN)
#define CHILD_PREEMPTIONS 1
#else
#define CHILD_PREEMPTIONS 2
#endif

#endif
