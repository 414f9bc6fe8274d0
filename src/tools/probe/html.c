/*
 * The report as one HTML file that needs nothing else: each answer as a table of bytes, cut into
 * fields; what is wrong is marked, and says why when it is pointed at, tapped, or reached by
 * keyboard. Two drivers stand side by side.
 */
#include "tools/probe/html.h"

#define SENSE_SHOWN 18u

/* report.css and report.js, as they are. */
__asm__(".section .rodata\n"
        ".global probe_css\nprobe_css: .incbin \"src/tools/probe/report.css\"\n.byte 0\n"
        ".global probe_js\nprobe_js: .incbin \"src/tools/probe/report.js\"\n.byte 0\n"
        ".text\n");
extern const char probe_css[], probe_js[];

FILE *html;

static void pair(const char *name, const char *text)
{
    html_element("dt", NULL, name);
    html_element("dd", NULL, text);
}

/* --- one check --- */

static bool has_mark(const struct verdict *verdict, unsigned step, enum area area)
{
    for (unsigned i = 0; i < verdict->mark_count; i++) {
        if (verdict->marks[i].step == step && verdict->marks[i].area == area) {
            return true;
        }
    }
    return false;
}

static void write_status(const struct result *result, unsigned step)
{
    const struct answer *answer = &result->transcript->answers[step];
    const struct verdict *verdict = &result->verdict;
    char text[160], moved[80];

    html_element("p", has_mark(verdict, step, AREA_STATUS) ? "got" : NULL,
                 outcome_text(answer, text, sizeof(text)));
    if (answer->length != 0 || answer->transferred != 0) {
        snprintf(moved, sizeof(moved), "DataTransferLength %u, of %u", answer->transferred,
                 answer->length);
        html_element("p", has_mark(verdict, step, AREA_TRANSFERRED) ? "got" : NULL, moved);
    }
}

static void write_step(const struct report *report, const struct result *result,
                       const struct result *other, unsigned step)
{
    const struct answer *answer = &result->transcript->answers[step];
    struct html_table table = {report, result, other, step, AREA_DATA};
    uint32_t shown = shown_bytes(result, step);
    char text[80];

    fputs("<div class=\"step\"><p>CDB <span class=\"cdb\">", html);
    html_escape(bytes_text(answer->cdb, answer->cdb_length, text, sizeof(text)));
    fputs("</span></p>\n", html);
    write_status(result, step);
    if (other != NULL && step < other->transcript->count && shown_bytes(other, step) > shown) {
        shown = shown_bytes(other, step); /* Both columns have the same rows. */
    }
    snprintf(text, sizeof(text),
             shown < answer->length ? "Data, the first %u of %u bytes" : "Data, %u bytes", shown,
             answer->length);
    html_table(&table, text, shown);
    table.area = AREA_SENSE;
    html_table(&table, "Sense data",
               answer->sense_length < SENSE_SHOWN ? answer->sense_length : SENSE_SHOWN);
    fputs("</div>\n", html);
}

static void write_column(const struct report *report, unsigned column, unsigned number)
{
    const struct result *result = &report->columns[column].results[number];
    const struct result *other =
        report->column_count == 2 ? &report->columns[1 - column].results[number] : NULL;

    fputs("<section>", html);
    if (report->column_count == 2) {
        html_element("h4", NULL, report->columns[column].driver->name);
    }
    if (result->verdict.failed) {
        fputs("<p class=\"wrong\">Got: ", html);
        html_escape(result->verdict.got);
        fputs("</p>", html);
    } else {
        html_element("p", result->verdict.hidden ? NULL : "ok",
                     result->verdict.hidden ? "Not judged" : "As it should be");
    }
    for (unsigned step = 0; step < result->transcript->count; step++) {
        write_step(report, result, other, step);
    }
    fputs("</section>\n", html);
}

static const struct result *worst(const struct report *report, unsigned number)
{
    const struct result *first = &report->columns[0].results[number];

    return report->column_count == 2 && !first->verdict.failed ? &report->columns[1].results[number]
                                                               : first;
}

static void write_body(const struct report *report, unsigned number)
{
    const struct result *result = worst(report, number);
    const struct check *check = result->check;

    fputs("<dl>", html);
    pair("Expected", result->verdict.expected);
    pair("Why", check->why);
    pair("Clause", check->clause);
    if (check->fix != 0) {
        fprintf(html, "<dt>Fix</dt><dd><code>make diff FIX=%02u</code></dd>", check->fix);
    }
    fprintf(html, "</dl>\n<div class=\"columns%s\">\n", report->column_count == 2 ? " two" : "");
    for (unsigned column = 0; column < report->column_count; column++) {
        write_column(report, column, number);
    }
    fputs("</div>\n", html);
}

static bool is_found(const struct report *report, unsigned number)
{
    return worst(report, number)->verdict.failed;
}

static void write_found(const struct report *report, unsigned number)
{
    const struct check *check = report->columns[0].results[number].check;
    char device[64];

    fprintf(html, "<article class=\"found %s\" id=\"%s\">", severity_name(check->severity),
            check->id);
    html_element("span",
                 check->severity == SEVERITY_ERROR     ? "badge error"
                 : check->severity == SEVERITY_WARNING ? "badge warning"
                                                       : "badge note",
                 severity_name(check->severity));
    if (check->fix != 0) {
        fprintf(html, "<span class=\"badge fix\">fix %02u</span>", check->fix);
    }
    html_element("h3", NULL, check->id);
    fputs("<p>", html);
    html_escape(check->command);
    fputs(", ", html);
    html_escape(device_text(check, report->options, device, sizeof(device)));
    fputs("</p>\n", html);
    write_body(report, number);
    fputs("</article>\n", html);
}

static void write_passed(const struct report *report, unsigned number)
{
    const struct check *check = report->columns[0].results[number].check;
    char device[64];

    fprintf(html, "<details class=\"check\" id=\"%s\"><summary>", check->id);
    html_element("h3", NULL, check->id);
    fputs(" <span>", html);
    html_escape(check->command);
    fputs(", ", html);
    html_escape(device_text(check, report->options, device, sizeof(device)));
    fputs("</span></summary>\n", html);
    write_body(report, number);
    fputs("</details>\n", html);
}

/* --- the page --- */

static void write_totals(const struct report *report)
{
    fprintf(html, "<ul class=\"totals\"><li><b>%u</b>checks</li>", report->columns[0].count);
    for (unsigned i = 0; i < report->column_count; i++) {
        fprintf(html, "<li class=\"%s\"><b>%u</b>findings, ",
                report->columns[i].findings != 0 ? "has" : "none", report->columns[i].findings);
        html_escape(report->columns[i].driver->name);
        fputs("</li>", html);
    }
    fputs("</ul>\n<p class=\"legend\"><span><i class=\"bad\">00</i> wrong</span>", html);
    if (report->column_count == 2) {
        fputs("<span><i class=\"changed\">1f</i> not the same in both</span>", html);
    }
    fputs("<span>Point at bytes, tap them, or reach them with Tab and the arrow keys: they say "
          "what they are.</span></p>\n",
          html);
}

/** On a narrow screen, where a row is a block of lines, the driver's name stands in front. */
static void write_list_cell(const struct column *column, const struct result *result)
{
    fprintf(html, "<td class=\"%s\" data-driver=\"", result->verdict.failed ? "wrong" : "ok");
    html_escape(column->driver->name);
    fputs("\">", html);
    html_escape(result->verdict.failed   ? result->verdict.got
                : result->verdict.hidden ? "not judged"
                                         : "ok");
    fputs("</td>", html);
}

static void write_list(const struct report *report)
{
    fputs("<h2>Findings</h2>\n<div class=\"scroll\"><table "
          "class=\"list\"><thead><tr><th>Fix</th><th>Check</th>",
          html);
    for (unsigned i = 0; i < report->column_count; i++) {
        html_element("th", NULL, report->columns[i].driver->name);
    }
    fputs("</tr></thead><tbody>\n", html);
    for (unsigned fix = 1; fix <= 256; fix++) { /* 256 is 0, none of them: last. */
        for (unsigned i = 0; i < report->columns[0].count; i++) {
            const struct check *check = report->columns[0].results[i].check;

            if (check->fix != (uint8_t)fix || !is_found(report, i)) {
                continue;
            }
            fprintf(html, check->fix != 0 ? "<tr><td>%02u</td>" : "<tr><td></td>", check->fix);
            fprintf(html, "<td><a href=\"#%s\">%s</a></td>", check->id, check->id);
            for (unsigned column = 0; column < report->column_count; column++) {
                write_list_cell(&report->columns[column], &report->columns[column].results[i]);
            }
            fputs("</tr>\n", html);
        }
    }
    fputs("</tbody></table></div>\n", html);
}

static void write_head(const struct report *report)
{
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Probe: ",
        html);
    html_escape(report->columns[0].driver->name);
    fprintf(html,
            "</title>\n<style>\n%s</style></head><body>\n<h1>What the probe found</h1>\n<p "
            "class=\"lead\">",
            probe_css);
    html_escape("Every answer of the driver, judged by the standard as a protocol analyser does: ");
    for (unsigned i = 0; i < report->column_count; i++) {
        fputs(i != 0 ? " beside <code>" : "<code>", html);
        html_escape(report->columns[i].driver->name);
        fputs("</code>", html);
    }
    fputs(".</p>\n", html);
}

static unsigned count_found(const struct report *report)
{
    unsigned count = 0;

    for (unsigned i = 0; i < report->columns[0].count; i++) {
        count += is_found(report, i);
    }
    return count;
}

void report_html(FILE *out, const struct report *report)
{
    unsigned count = count_found(report);

    html = out;
    html_tables_begin();
    write_head(report);
    write_totals(report);
    if (count != 0) {
        write_list(report);
    }
    for (unsigned i = 0; i < report->columns[0].count; i++) {
        if (is_found(report, i)) {
            write_found(report, i);
        }
    }
    if (count != report->columns[0].count) {
        fputs("<h2>As it should be</h2>\n", html);
    }
    for (unsigned i = 0; i < report->columns[0].count; i++) {
        if (!is_found(report, i)) {
            write_passed(report, i);
        }
    }
    fprintf(html, "<footer>nthost probe</footer>\n<script>\n%s</script>\n</body></html>\n",
            probe_js);
}
