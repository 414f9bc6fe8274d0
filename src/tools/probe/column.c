/*
 * All checks on one driver: which of them share a machine, and the judges' verdicts in the order of
 * the table. It knows neither how a machine works (machine.c) nor how findings are told (report.h).
 */
#include "tools/probe/column.h"

#include "tools/probe/machine.h"

#include <stdlib.h>
#include <string.h>

#if defined(VMINI_TSAN)
/* ThreadSanitizer does not follow a process that is copied while several fibers are under way. */
#define CAN_BE_COPIED false
#else
#define CAN_BE_COPIED true
#endif

/** The results, in such an order that those whose checks share a machine follow each other. */
struct order {
    struct result **results;
    unsigned count;
};

static bool share(const struct check *one, const struct check *other)
{
    return CAN_BE_COPIED && one->legacy == other->legacy && one->bus == other->bus &&
           !one->writes && !other->writes;
}

static bool is_in(const struct order *order, const struct result *result)
{
    for (unsigned i = 0; i < order->count; i++) {
        if (order->results[i] == result) {
            return true;
        }
    }
    return false;
}

static void put_in_order(struct column *column, struct order *order)
{
    for (unsigned i = 0; i < column->count; i++) {
        const struct check *check = column->results[i].check;

        if (is_in(order, &column->results[i])) {
            continue;
        }
        order->results[order->count++] = &column->results[i];
        for (unsigned j = i + 1; j < column->count; j++) {
            if (share(check, column->results[j].check)) {
                order->results[order->count++] = &column->results[j];
            }
        }
    }
}

/** \return how many results, from this one on, belong to one machine. */
static unsigned together(const struct order *order, unsigned first)
{
    unsigned count = 1;

    while (first + count < order->count &&
           share(order->results[first]->check, order->results[first + count]->check)) {
        count++;
    }
    return count;
}

/** A few machines run at once. \return false without memory. */
static bool run_machines(const struct order *order, const struct column *column,
                         const struct probe_options *options, struct images *images)
{
    struct machine machines[MACHINE_SLOTS];
    unsigned started = 0, ended = 0, first = 0;
    bool good = true;

    while (ended < started || (good && first < order->count)) {
        if (good && first < order->count && started - ended < MACHINE_SLOTS) {
            unsigned count = together(order, first);

            good = machine_start(&machines[started % MACHINE_SLOTS], started % MACHINE_SLOTS,
                                 order->results + first, count, column->driver, options, images);
            started += good;
            first += count;
        } else {
            machine_wait(&machines[ended++ % MACHINE_SLOTS]);
        }
    }
    return good;
}

/** \return false when the check's machine could not be used: said on stderr. */
static bool judge(struct column *column, struct result *result)
{
    if (result->transcript->ending == ENDED_UNUSABLE) {
        fflush(stdout);
        fprintf(stderr, "nthost: probe: %s: the check could not run on %s\n%s", result->check->id,
                column->driver->file, result->transcript->words);
        return false;
    }
    result->verdict = check_judge(result->check, result->transcript);
    column->findings += result->verdict.failed;
    column->hidden += result->verdict.hidden;
    return true;
}

bool column_run(struct column *column, const struct probe_options *options, struct images *images)
{
    struct order order = {calloc(check_count(), sizeof(struct result *)), 0};
    bool good;

    column->results = calloc(check_count(), sizeof(*column->results));
    good = order.results != NULL && column->results != NULL;
    for (unsigned i = 0; good && i < check_count(); i++) {
        if (options->only == NULL || strcmp(options->only, check_at(i)->id) == 0) {
            column->results[column->count++].check = check_at(i);
        }
    }
    if (good) {
        put_in_order(column, &order);
        good = run_machines(&order, column, options, images);
    }
    if (!good) {
        fprintf(stderr, "nthost: probe: out of memory\n    what to do: free some memory\n");
    }
    for (unsigned i = 0; good && i < column->count; i++) {
        good = judge(column, &column->results[i]);
    }
    free(order.results);
    return good;
}

void column_free(struct column *column)
{
    for (unsigned i = 0; i < column->count; i++) {
        transcript_free(column->results[i].transcript);
    }
    free(column->results);
    column->results = NULL;
    column->count = column->findings = column->hidden = 0;
}
