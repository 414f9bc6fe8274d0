/**
 * \file
 * A column of a report: what every check found on one driver.
 */
#ifndef PROBE_COLUMN_H
#define PROBE_COLUMN_H

#include "tools/probe/check.h"

/** The image files that checks run on (machine.h). */
struct images;

/** All checks on one driver. */
struct column {
    const struct probe_driver *driver;
    struct result *results;
    unsigned count;
    unsigned findings;
    unsigned hidden;
};

/** Runs the checks that are wanted on the column's driver, and judges them. Free with column_free(),
 *  whatever comes back. \return false when a machine could not be used, or without memory: said on
 *  stderr. */
bool column_run(struct column *column, const struct probe_options *options, struct images *images);
void column_free(struct column *column);

#endif
