/*
 * Child processes for test cases, see child.h. The child's stderr goes to a file in memory, so that
 * a bugcheck which is expected does not fill the screen; when a case fails, the text is shown.
 */
#define _GNU_SOURCE

#include "child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Code coverage is kept, if this build counts it: a child leaves by _exit. */
extern void __gcov_dump(void) __attribute__((weak));
extern int __llvm_profile_write_file(void) __attribute__((weak));

static _Noreturn void leave(int status)
{
    fflush(stdout);
    if (__gcov_dump != NULL) {
        __gcov_dump();
    }
    if (__llvm_profile_write_file != NULL) {
        __llvm_profile_write_file();
    }
    _exit(status);
}

void child_fail(const char *expression, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, expression);
    leave(CHILD_CHECK_FAILED);
}

/** VMINI_CHILD_SECONDS: more time, for a machine that has a lot else to do. Not for a child that is
 *  meant to run out of it. */
static unsigned patience(unsigned timeout_s)
{
    const char *text = getenv("VMINI_CHILD_SECONDS");
    unsigned more = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 0;

    return more > timeout_s && timeout_s >= CHILD_SECONDS ? more : timeout_s;
}

bool child_thorough(void)
{
    return getenv("VMINI_THOROUGH") != NULL;
}

unsigned child_seeds(unsigned count)
{
    return child_thorough() ? count : (count + 9) / 10;
}

unsigned child_preemptions(void)
{
    return child_thorough() ? CHILD_PREEMPTIONS : 1;
}

static _Noreturn void be_child(void (*body)(void *), void *argument, unsigned timeout_s, int report,
                               int text)
{
    dup2(text, STDERR_FILENO);
    verifier_report_fd(report);
    alarm(patience(timeout_s));
    body(argument);
    leave(0);
}

static void read_text(int fd, struct child_result *result)
{
    ssize_t length = pread(fd, result->text, sizeof result->text - 1, 0);

    result->text[length < 0 ? 0 : length] = '\0';
    result->sanitizer =
        strstr(result->text, "Sanitizer") != NULL || strstr(result->text, "runtime error:") != NULL;
}

struct child_result child_run(void (*body)(void *), void *argument, unsigned timeout_s)
{
    struct child_result result;
    int ends[2], text = memfd_create("stderr", MFD_CLOEXEC), status = 0;
    pid_t child;

    memset(&result, 0, sizeof result);
    fflush(NULL);
    if (text < 0 || pipe(ends) != 0 || (child = fork()) < 0) {
        perror("child_run");
        exit(EXIT_FAILURE);
    }
    if (child == 0) {
        close(ends[0]);
        be_child(body, argument, timeout_s, ends[1], text);
    }
    close(ends[1]);
    while (waitpid(child, &status, 0) < 0) {
    }
    result.reported =
        read(ends[0], &result.report, sizeof result.report) == (ssize_t)sizeof result.report;
    read_text(text, &result);
    result.exited = WIFEXITED(status);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    close(ends[0]);
    close(text);
    return result;
}

static bool check(bool ok, const struct child_result *result, const char *name, const char *what,
                  const char *file, unsigned line)
{
    char words[160];

    snprintf(words, sizeof words, "%s %s (status %d, signal %d)", name, what, result->status,
             result->signal);
    if (!ok) {
        printf("\n--- stderr of %s\n%s\n---\n", name, result->text);
    }
    return CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, line, words, file, "", CU_FALSE);
}

void child_assert_passes(void (*body)(void *), void *argument, const char *name, const char *file,
                         unsigned line)
{
    struct child_result result = child_run(body, argument, CHILD_SECONDS);

    check(result.exited && result.status == 0 && !result.reported && !result.sanitizer, &result,
          name, "runs without breaking a rule", file, line);
}

struct verifier_report child_assert_breaks(enum verifier_rule_symbol rule, void (*body)(void *),
                                           void *argument, const char *name, const char *file,
                                           unsigned line)
{
    struct child_result result = child_run(body, argument, CHILD_SECONDS);
    const struct verifier_rule *row = verifier_rule(rule);
    char what[120];

    snprintf(what, sizeof what, "breaks the rule %s", row->id);
    check(result.exited && result.status == VERIFIER_EXIT_STATUS && result.reported &&
              !result.sanitizer && result.report.rule == (int)rule &&
              result.report.code == row->code &&
              (row->parameter1 == 0 || result.report.parameter[0] == row->parameter1),
          &result, name, what, file, line);
    return result.report;
}
