/**
 * \file
 * Programs that run beside the test: a host with a control socket, a vminictl that waits. What they
 * print is read as it comes; every wait has an end.
 */
#ifndef TESTS_BACKGROUND_H
#define TESTS_BACKGROUND_H

#include "tools/shell.h"

/** A program that runs. */
struct background {
    pid_t process;
    int input;  /**< Its standard input; -1: closed. */
    int output; /**< Its standard output and error. */
    char *text; /**< What it has printed so far. */
    size_t used;
};

/** Starts it. \param arguments NULL last. */
struct background background_start(const char *program, char *const *arguments);
/** Waits until it has printed this, at most as long as a child of a test may take. \return whether
 *  it has. */
bool background_prints(struct background *self, const char *what);
/** Gives it a line. */
void background_line(struct background *self, const char *line);
/** Closes its input, sends it a signal if not 0, and waits for its end. The text is the caller's to
 *  free. */
struct result background_end(struct background *self, int signal);

#endif
