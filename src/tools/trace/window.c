/*
 * Which part of a run a picture shows: the way of one SRB, or the records between two numbers.
 */
#include "tools/trace/lanes.h"

#include "tools/nthost/tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** The number of the SRB that was asked for, by number or by the name of its command. */
static bool find_srb(const struct steps *steps, const char *wanted, uint64_t *srb)
{
    char *end;

    *srb = strtoull(wanted, &end, 10);
    if (end != wanted && *end == '\0') {
        return true;
    }
    *srb = 0;
    for (size_t i = 0; i < steps->count; i++) {
        if (steps->step[i].kind == STEP_SRB_DONE && strcmp(steps->step[i].name, wanted) == 0) {
            *srb = steps->step[i].srb;
        }
    }
    return *srb != 0 || tool_fail("name an SRB by its number, or a command, as in READ(10)",
                                  "--srb %s: no such SRB has ended in this trace", wanted);
}

/** From an SRB's first record until the thread that completed it has nothing more to do with it:
 *  it waits, or leaves what it was in. */
static bool window_of_srb(const struct steps *steps, uint64_t srb, size_t *from, size_t *to)
{
    size_t i = 0, done;

    while (i < steps->count &&
           !(steps->step[i].kind == STEP_SRB_START && steps->step[i].srb == srb)) {
        i++;
    }
    *from = i;
    while (i < steps->count &&
           !(steps->step[i].kind == STEP_SRB_DONE && steps->step[i].srb == srb)) {
        i++;
    }
    if (i == steps->count) {
        return tool_fail("open the trace in Perfetto, or print it as text, to see the numbers",
                         "SRB #%" PRIu64 " does not begin and end in this trace", srb);
    }
    for (done = i; i < steps->count; i++) {
        const struct step *step = &steps->step[i];

        if (step->thread == steps->step[done].thread &&
            (step->kind == STEP_BLOCKED || step->kind == STEP_SRB_START)) {
            break;
        }
    }
    *to = i;
    return true;
}

static bool window_of_records(const struct steps *steps, const struct lanes_options *options,
                              size_t *from, size_t *to)
{
    *from = 0;
    while (*from < steps->count && steps->step[*from].record < options->from) {
        ++*from;
    }
    *to = *from;
    while (*to < steps->count && (options->to == 0 || steps->step[*to].record <= options->to)) {
        ++*to;
    }
    return *from < *to ||
           tool_fail("a text trace shows the numbers",
                     "no record lies between %" PRIu64 " and %" PRIu64, options->from, options->to);
}

bool lanes_window(const struct steps *steps, const struct lanes_options *options, uint64_t *srb,
                  size_t *from, size_t *to)
{
    *srb = 0;
    *from = *to = 0;
    if (options->srb == NULL) {
        return window_of_records(steps, options, from, to);
    }
    return find_srb(steps, options->srb, srb) && window_of_srb(steps, *srb, from, to);
}
