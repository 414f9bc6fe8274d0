/**
 * \file
 * What every file of nthost shares: how it complains, how it colours, how its exit statuses are
 * numbered.
 */
#ifndef NTHOST_TOOL_H
#define NTHOST_TOOL_H

#include "host.h"

#include <stdbool.h>
#include <stdio.h>

#define TOOL_VERSION "1.0.0"

enum tool_exit {
    TOOL_OK = 0,
    TOOL_FAILED = 1,
    TOOL_USAGE = 2,
    TOOL_BUGCHECK = 86, /**< The host ends the process itself, with this status. */
};

/** Says where the next complaints come from: "nthost", or "script.txt:12". The text is copied. */
void tool_at(const char *where);

/** Complains: the place, what is wrong, and on a second line what to do. \return false, for the
 * caller to return. */
bool tool_fail(const char *remedy, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The same of words that were typed: the command line is not understood. \return false. */
bool tool_misuse(const char *remedy, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The exit status of what has failed: TOOL_USAGE after a tool_misuse, else TOOL_FAILED. */
enum tool_exit tool_failure(void);

/** The same with what the host said. \return false. */
bool tool_fail_host(const struct host_error *error);

/** From now on a complaint is what was expected, and is told as that. */
void tool_expect(bool expected);

/** A note that does not make anything fail. */
void tool_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum tool_style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BAD };

/** Escape sequence for standard output, or "" when that is no terminal or NO_COLOR is set. */
const char *tool_style(enum tool_style style);

#endif
