/**
 * \file
 * The results of a run, and the three forms in which they are told.
 */
#ifndef PROBE_REPORT_H
#define PROBE_REPORT_H

#include "tools/probe/column.h"

/** A report: one column, or two that have the same checks. */
struct report {
    struct column columns[2];
    unsigned column_count;
    const struct probe_options *options;
};

/** "disk 0:0:0" ... : what a check was sent to. \return `buffer`. */
const char *device_text(const struct check *check, const struct probe_options *options,
                        char *buffer, size_t size);
/** Is this byte marked by the verdict? */
bool is_marked(const struct verdict *verdict, unsigned step, enum area area, uint32_t offset);
/** How many bytes of an answer's data are worth showing. */
uint32_t shown_bytes(const struct result *result, unsigned step);

void report_text(FILE *out, const struct report *report);
/** \return false without memory. */
bool report_json(FILE *out, const struct report *report);
void report_html(FILE *out, const struct report *report);

#endif
