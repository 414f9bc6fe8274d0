/*
 * Findings as text, like a compiler's diagnostics: what is wrong, the bytes with the wrong ones
 * underlined, what was expected and by which clause, and why it matters. Two drivers: a table.
 */
#include "tools/probe/judge.h"
#include "tools/probe/report.h"

#include <string.h>

#define ROW    16u
#define COLUMN 46

enum style { PLAIN, BOLD, DIM, RED, YELLOW, CYAN };

static bool colours;

static const char *style(enum style style)
{
    static const char *const codes[] = {"\033[0m",    "\033[1m",    "\033[2m",
                                        "\033[1;31m", "\033[1;33m", "\033[1;36m"};

    return colours ? codes[style] : "";
}

static enum style severity_style(enum severity severity)
{
    return severity == SEVERITY_ERROR ? RED : severity == SEVERITY_WARNING ? YELLOW : CYAN;
}

static void line(FILE *out, const char *label, const char *text)
{
    fprintf(out, "  %s%-9s%s %s\n", style(DIM), label, style(PLAIN), text);
}

/** ^^ below each wrong byte. */
static void print_carets(FILE *out, uint32_t from, uint32_t count, const struct verdict *verdict,
                         unsigned step, enum area area)
{
    uint32_t gap = 11;

    for (uint32_t i = from; i < from + count; i++) {
        if (is_marked(verdict, step, area, i)) {
            fprintf(out, "%*s%s^^%s", (int)gap + 1, "", style(RED), style(PLAIN));
            gap = 0;
        } else {
            gap += 3;
        }
    }
    fputc('\n', out);
}

/** A row of bytes and, if any is wrong, a row of ^ below. */
static void print_row(FILE *out, const char *label, const uint8_t *bytes, uint32_t from,
                      uint32_t count, const struct verdict *verdict, unsigned step, enum area area)
{
    bool wrong = false;

    fprintf(out, "  %s%-6s%3u%s", style(DIM), label, from, style(PLAIN));
    for (uint32_t i = from; i < from + count; i++) {
        bool bad = is_marked(verdict, step, area, i);

        wrong = wrong || bad;
        fprintf(out, " %s%02x%s", bad ? style(RED) : "", bytes[i], bad ? style(PLAIN) : "");
    }
    fputc('\n', out);
    if (wrong) {
        print_carets(out, from, count, verdict, step, area);
    }
}

/** The first row, and the first that has a wrong byte. */
static void print_bytes(FILE *out, const char *label, const uint8_t *bytes, uint32_t count,
                        const struct verdict *verdict, unsigned step, enum area area)
{
    bool told = false;

    for (uint32_t from = 0; from < count; from += ROW) {
        uint32_t length = count - from < ROW ? count - from : ROW;
        bool wrong = false;

        for (uint32_t i = from; i < from + length; i++) {
            wrong = wrong || is_marked(verdict, step, area, i);
        }
        if (from == 0 || (wrong && !told)) {
            print_row(out, from == 0 ? label : "", bytes, from, length, verdict, step, area);
            told = told || wrong;
        }
    }
}

static bool is_in_verdict(const struct verdict *verdict, unsigned step)
{
    for (unsigned i = 0; i < verdict->mark_count; i++) {
        if (verdict->marks[i].step == step) {
            return true;
        }
    }
    return false;
}

static void print_step(FILE *out, const struct result *result, unsigned step)
{
    const struct answer *answer = &result->transcript->answers[step];
    char text[160];

    print_bytes(out, "cdb", answer->cdb, answer->cdb_length, &result->verdict, step,
                AREA_STATUS + AREA_TRANSFERRED);
    print_bytes(out, "data", answer->data, shown_bytes(result, step), &result->verdict, step,
                AREA_DATA);
    print_bytes(out, "sense", answer->sense, answer->sense_length, &result->verdict, step,
                AREA_SENSE);
    line(out, "status", outcome_text(answer, text, sizeof(text)));
}

static void print_finding(FILE *out, const struct report *report, const struct result *result)
{
    const struct check *check = result->check;
    const struct verdict *verdict = &result->verdict;
    char device[64], text[64];

    fprintf(out, "%s%s[%s]%s %s%s: %s%s\n", style(severity_style(check->severity)),
            severity_name(check->severity), check->id, style(PLAIN), style(BOLD),
            device_text(check, report->options, device, sizeof(device)), check->command,
            style(PLAIN));
    for (unsigned step = 0; step < result->transcript->count; step++) {
        if (is_in_verdict(verdict, step)) {
            print_step(out, result, step);
        }
    }
    line(out, "expected", verdict->expected);
    line(out, "got", verdict->got);
    line(out, "clause", check->clause);
    line(out, "why", check->why);
    if (check->fix != 0) {
        snprintf(text, sizeof(text), "%02u: make diff FIX=%02u", check->fix, check->fix);
        line(out, "fix", text);
    }
    fputc('\n', out);
}

static void print_totals(FILE *out, const struct column *column)
{
    fprintf(out, "%s%u check%s, %u finding%s%s", style(BOLD), column->count,
            column->count == 1 ? "" : "s", column->findings, column->findings == 1 ? "" : "s",
            style(PLAIN));
    if (column->hidden != 0) {
        fprintf(out,
                "; %u could not be judged: what they look at is hidden by another finding, or is "
                "optional and not there",
                column->hidden);
    }
    fputc('\n', out);
}

/* --- two columns --- */

static const char *cell(const struct result *result, char *buffer, size_t size)
{
    if (!result->verdict.failed) {
        snprintf(buffer, size, "%s", result->verdict.hidden ? "not judged" : "ok");
    } else {
        snprintf(buffer, size, "%.*s", (int)size - 1, result->verdict.got);
    }
    return buffer;
}

static void print_table_row(FILE *out, const struct result *left, const struct result *right)
{
    char before[COLUMN + 1], after[60], fix[4] = "";

    if (left->check->fix != 0) {
        snprintf(fix, sizeof(fix), "%02u", left->check->fix);
    }
    fprintf(out, "%-3s  %-31s  %s%-*s%s  %s%s%s\n", fix, left->check->id,
            left->verdict.failed ? style(RED) : style(DIM), COLUMN,
            cell(left, before, sizeof(before)), style(PLAIN),
            right->verdict.failed ? style(RED) : style(DIM), cell(right, after, sizeof(after)),
            style(PLAIN));
}

static bool differs(const struct result *left, const struct result *right)
{
    return left->verdict.failed || right->verdict.failed;
}

/** Sorted by fix; those of no fix come last. */
static void print_table(FILE *out, const struct report *report)
{
    const struct column *left = &report->columns[0], *right = &report->columns[1];

    fprintf(out, "%sfix  %-31s  %-*s  %s%s\n", style(BOLD), "check", COLUMN, left->driver->name,
            right->driver->name, style(PLAIN));
    for (unsigned fix = 1; fix <= 256; fix++) {
        for (unsigned i = 0; i < left->count; i++) {
            if (left->results[i].check->fix == (uint8_t)fix &&
                differs(&left->results[i], &right->results[i])) {
                print_table_row(out, &left->results[i], &right->results[i]);
            }
        }
    }
    fprintf(out, "\n%s: ", left->driver->name);
    print_totals(out, left);
    fprintf(out, "%s: ", right->driver->name);
    print_totals(out, right);
}

void report_text(FILE *out, const struct report *report)
{
    const struct column *column = &report->columns[0];

    colours = report->options->colours;
    if (report->column_count == 2) {
        print_table(out, report);
        return;
    }
    for (unsigned i = 0; i < column->count; i++) {
        if (column->results[i].verdict.failed) {
            print_finding(out, report, &column->results[i]);
        }
    }
    print_totals(out, column);
}
