/*
 * A run of the probe: every check on every driver, then the report.
 */
#include "tools/probe/probe.h"

#include "tools/probe/machine.h"
#include "tools/probe/report.h"

#include <errno.h>
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
    good = column_run(&report.columns[0], options, images) &&
           (report.column_count == 1 || column_run(&report.columns[1], options, images));
    images_close(images);
    good = good && output(&report);
    for (unsigned i = 0; i < report.column_count; i++) {
        good = good && (i + 1 < report.column_count || report.columns[i].findings == 0);
        column_free(&report.columns[i]);
    }
    return good ? 0 : 1;
}
