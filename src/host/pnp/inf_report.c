/**
 * \file
 * Findings: how something wrong with an INF is said. One form for the parser, the installer and the
 * checks: a number, the place, what is wrong, and what to do.
 */
#include "pnp/inf_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct inf_finding *finding, const struct inf_file *inf,
                 enum inf_severity severity, unsigned code, const char *format, va_list arguments)
{
    char text[sizeof(finding->message) + sizeof(finding->remedy)];
    char *split;

    *finding = (struct inf_finding){.severity = severity, .code = code};
    snprintf(finding->file, sizeof(finding->file), "%s", inf->name);
    vsnprintf(text, sizeof(text), format, arguments);
    split = strchr(text, '\n');
    if (split != NULL) {
        *split = '\0';
        snprintf(finding->remedy, sizeof(finding->remedy), "%.*s", (int)sizeof(finding->remedy) - 1,
                 split + 1);
    }
    snprintf(finding->message, sizeof(finding->message), "%.*s", (int)sizeof(finding->message) - 1,
             text);
}

void inf_report(struct inf_finding *finding, const struct inf_file *inf, enum inf_severity severity,
                unsigned code, unsigned line, unsigned column, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill(finding, inf, severity, code, format, arguments);
    va_end(arguments);
    finding->line = line;
    finding->column = column;
}

static void append(struct inf_findings *findings, const struct inf_finding *finding)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct inf_finding *other = &findings->items[i];

        if (other->code == finding->code && other->line == finding->line &&
            other->column == finding->column && strcmp(other->message, finding->message) == 0) {
            return;
        }
    }
    findings->items =
        inf_grow(findings->items, findings->count, &findings->capacity, sizeof(*finding));
    findings->items[findings->count++] = *finding;
}

void inf_add(struct inf_findings *findings, const struct inf_file *inf, enum inf_severity severity,
             unsigned code, const struct inf_field *where, const char *format, ...)
{
    struct inf_finding finding;
    va_list arguments;

    va_start(arguments, format);
    fill(&finding, inf, severity, code, format, arguments);
    va_end(arguments);
    finding.line = where == NULL ? 0 : where->line;
    finding.column = where == NULL ? 0 : where->column;
    append(findings, &finding);
}

bool inf_findings_move(struct inf_findings *from, struct inf_findings *to)
{
    bool good = inf_findings_count(from, INF_ERROR) == 0;

    for (size_t i = 0; i < from->count; i++) {
        append(to, &from->items[i]);
    }
    inf_findings_free(from);
    return good;
}

struct inf_field inf_at_line(const struct inf_line *line)
{
    return line->key.raw != NULL ? line->key : line->fields[0];
}

struct inf_field inf_at_section(const struct inf_section *section)
{
    return (struct inf_field){.line = section->line, .column = 1};
}

void inf_findings_free(struct inf_findings *findings)
{
    free(findings->items);
    *findings = (struct inf_findings){0};
}

size_t inf_findings_count(const struct inf_findings *findings, enum inf_severity severity)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++) {
        count += findings->items[i].severity == severity;
    }
    return count;
}

const struct inf_finding *inf_findings_find(const struct inf_findings *findings, unsigned code)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].code == code) {
            return &findings->items[i];
        }
    }
    return NULL;
}

int inf_finding_format(const struct inf_finding *finding, char *buffer, size_t size)
{
    char place[32] = "";

    if (finding->line != 0) {
        snprintf(place, sizeof(place), ":%u:%u", finding->line, finding->column);
    }
    return snprintf(buffer, size, "%s%s: %s %u: %s %s", finding->file, place,
                    finding->severity == INF_ERROR ? "error" : "warning", finding->code,
                    finding->message, finding->remedy);
}
