/*
 * A run of the probe: every check on every driver, then the report.
 */
#include "tools/probe/probe.h"

#include "tools/probe/machine.h"
#include "tools/probe/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void probe_list(FILE *out)
{
    for (unsigned i = 0; i < check_count(); i++) {
        const struct check *check = check_at(i);
        char fix[8] = "";

        if (check->fix != 0) {
            snprintf(fix, sizeof(fix), "%02u", check->fix);
        }
        fprintf(out, "%-32s %-2s  %-7s  %s\n", check->id, fix, severity_name(check->severity),
                check->command);
    }
}

/** Takes the answers of the machine in a slot. \return false when the machine could not be used:
 *  said on stderr. */
static bool finish_check(struct machine *machine, const struct check *check, struct column *column)
{
    struct result *result = &column->results[column->count];

    result->check = check;
    result->transcript = machine_wait(machine);
    if (result->transcript->ending == ENDED_UNUSABLE) {
        fflush(stdout);
        fprintf(stderr, "nthost: probe: %s: the check could not run on %s\n%s", check->id,
                column->driver->file, result->transcript->words);
        transcript_free(result->transcript);
        return false;
    }
    result->verdict = check_judge(check, result->transcript);
    column->count++;
    column->findings += result->verdict.failed;
    column->hidden += result->verdict.hidden;
    return true;
}

/** The checks that are wanted. \return how many. */
static unsigned choose(const struct check **chosen, const char *only)
{
    unsigned count = 0;

    for (unsigned i = 0; i < check_count(); i++) {
        if (only == NULL || strcmp(only, check_at(i)->id) == 0) {
            chosen[count++] = check_at(i);
        }
    }
    return count;
}

/** A few machines run at once; their results are taken in order. */
static bool run_checks(const struct check **checks, unsigned count, struct column *column,
                       const struct probe_options *options, struct images *images)
{
    struct machine machines[MACHINE_SLOTS];
    unsigned started = 0, ended = 0;
    bool good = true;

    while (ended < started || (good && started < count)) {
        if (good && started < count && started - ended < MACHINE_SLOTS) {
            good = machine_start(&machines[started % MACHINE_SLOTS], started % MACHINE_SLOTS,
                                 checks[started], column->driver, options, images);
            started += good;
        } else if (good) {
            good = finish_check(&machines[ended % MACHINE_SLOTS], checks[ended], column);
            ended++;
        } else {
            transcript_free(machine_wait(&machines[ended++ % MACHINE_SLOTS]));
        }
    }
    return good;
}

static bool run_column(struct column *column, const struct probe_options *options,
                       struct images *images)
{
    const struct check **checks = calloc(check_count(), sizeof(*checks));
    bool good;

    column->results = calloc(check_count(), sizeof(*column->results));
    good = checks != NULL && column->results != NULL &&
           run_checks(checks, choose(checks, options->only), column, options, images);
    free(checks);
    return good;
}

static void free_column(struct column *column)
{
    for (unsigned i = 0; i < column->count; i++) {
        transcript_free(column->results[i].transcript);
    }
    free(column->results);
}

static bool write_report(FILE *out, const struct report *report)
{
    switch (report->options->format) {
    case PROBE_JSON:
        return report_json(out, report);
    case PROBE_HTML:
        report_html(out, report);
        return true;
    default:
        report_text(out, report);
        return true;
    }
}

static bool output(const struct report *report)
{
    const char *path = report->options->output;
    FILE *out = path != NULL ? fopen(path, "w") : stdout;
    bool good = out != NULL && write_report(out, report);

    good = good && fflush(out) == 0 && !ferror(out);
    if (!good) {
        fprintf(stderr,
                "nthost: probe: %s: %s\n    what to do: name a file that can be written, with "
                "--output FILE\n",
                path != NULL ? path : "standard output", strerror(errno));
    }
    if (path != NULL && out != NULL) {
        fclose(out);
    }
    return good;
}

int probe_run(const struct probe_options *options)
{
    struct report report = {.options = options,
                            .column_count = options->compare.file != NULL ? 2 : 1};
    struct images *images;
    bool good;

    if (options->only != NULL && check_find(options->only) == NULL) {
        fprintf(
            stderr,
            "nthost: probe: there is no check \"%s\"\n    what to do: --list prints their ids\n",
            options->only);
        return 2;
    }
    images = images_open(options);
    if (images == NULL) {
        return 1;
    }
    report.columns[0].driver = &options->driver;
    report.columns[1].driver = &options->compare;
    good = run_column(&report.columns[0], options, images) &&
           (report.column_count == 1 || run_column(&report.columns[1], options, images));
    images_close(images);
    good = good && output(&report);
    for (unsigned i = 0; i < report.column_count; i++) {
        good = good && (i + 1 < report.column_count || report.columns[i].findings == 0);
        free_column(&report.columns[i]);
    }
    return good ? 0 : 1;
}
