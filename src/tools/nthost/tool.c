/*
 * Complaints and colours. Standard output is flushed before a complaint is written, so that both
 * read in the right order when they go to the same place.
 */
#include "tools/nthost/tool.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static char place[512] = "nthost";
static bool expecting, misused;

void tool_at(const char *where)
{
    snprintf(place, sizeof(place), "%s", where);
}

void tool_expect(bool expected)
{
    expecting = expected;
}

static void complain(const char *kind, const char *format, va_list arguments)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s", place, kind);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

static void fail(const char *remedy, const char *format, va_list arguments)
{
    complain(expecting ? "as expected: " : "", format, arguments);
    if (!expecting && remedy != NULL && remedy[0] != '\0') {
        fprintf(stderr, "    what to do: %s\n", remedy);
    }
}

bool tool_fail(const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fail(remedy, format, arguments);
    va_end(arguments);
    return false;
}

bool tool_misuse(const char *remedy, const char *format, ...)
{
    va_list arguments;

    misused = true;
    va_start(arguments, format);
    fail(remedy, format, arguments);
    va_end(arguments);
    return false;
}

enum tool_exit tool_failure(void)
{
    return misused ? TOOL_USAGE : TOOL_FAILED;
}

bool tool_fail_host(const struct host_error *error)
{
    return tool_fail(error->remedy, "%s", error->message);
}

void tool_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain("note: ", format, arguments);
    va_end(arguments);
}

const char *tool_style(enum tool_style style)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[31m"};
    static int colours = -1;

    if (colours < 0) {
        colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    }
    return colours ? codes[style] : "";
}
