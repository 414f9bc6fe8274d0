/**
 * \file
 * Runs programs as a person or a script runs them, and looks at what they print and how they end.
 * nthost is VMINI_NTHOST, the driver VMINI_DRIVER; everything happens in a directory of its own
 * that goes away afterwards.
 */
#ifndef TESTS_SHELL_H
#define TESTS_SHELL_H

#include <CUnit/Basic.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

/** Absolute paths. */
struct shell {
    char project[PATH_MAX]; /**< Where the runner was started. */
    char nthost[PATH_MAX];
    char driver[PATH_MAX];
    char culprit[PATH_MAX];   /**< A driver that breaks a rule. */
    char directory[PATH_MAX]; /**< The images; also the current directory. */
};
extern struct shell shell;

/** What a run left: its output, standard error included, and its exit status (128 + signal). */
struct result {
    char *text;
    int status;
};

/** A suite's set-up and clean-up. */
int shell_set_up(void);
int shell_tear_down(void);

void write_file(const char *name, const void *data, size_t length);
void make_image(const char *name, off_t size);
/** A whole file; the caller frees it. \param length may be NULL. */
char *read_file(const char *name, size_t *length);
/** Makes a copy of the driver's INF in which the first `from` is `to`; NULL: nothing is changed. */
void copy_of_inf(const char *name, const char *from, const char *to);
/** Runs a program with a file as its input. \param arguments the program's name first, NULL last. */
struct result shell_spawn(const char *program, char *const *arguments, const char *input);
/** Runs nthost with these arguments, up to NULL. */
struct result tool(const char *first, ...);
/** The user `nobody`, and his group. */
#define NOBODY      65534
#define NOBODY_TEXT "65534"
/** Are we root, so that somebody else can be tried? What root may do proves nothing. Says so if not.
 */
bool have_somebody_else(void);
/** Copies a file into the suite's directory: the tree may lie where only root looks. */
void copy_file(const char *from, const char *name, mode_t mode);
/** Runs a program as nobody, with these arguments up to NULL. */
struct result as_nobody(const char *program, const char *first, ...);
/** Runs a script: `nthost run --driver ... --script script.txt`, and one more option if not
 * NULL, with its value. */
struct result script(const char *text, const char *option, const char *value);
/** Does the output contain this? Says so on stderr if not. */
bool contains(const struct result *result, const char *what);
/** Did it end with this status? Says so on stderr if not. */
bool ended(const struct result *result, int status);

/** A run ends with this status, and its output contains each of these. */
#define EXPECT(run_, status_, ...)                                                                 \
    do {                                                                                           \
        struct result result_ = (run_);                                                            \
        static const char *const wanted_[] = {__VA_ARGS__};                                        \
        CU_ASSERT(ended(&result_, (status_)));                                                     \
        for (size_t i_ = 0; i_ < sizeof(wanted_) / sizeof(wanted_[0]); i_++) {                     \
            CU_ASSERT(contains(&result_, wanted_[i_]));                                            \
        }                                                                                          \
        free(result_.text);                                                                        \
    } while (0)

#endif
