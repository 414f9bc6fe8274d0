/**
 * \file
 * A run as Chrome Trace JSON, which Perfetto and chrome://tracing open: callbacks and functions are
 * slices of their thread, an SRB is an asynchronous span, IRQL is a counter for each thread.
 */
#ifndef TRACE_CHROME_H
#define TRACE_CHROME_H

#include "host.h"

/**
 * Writes all records so far. \param seeded the run's time was virtual, and stands still while
 * anything can run: then each record takes one microsecond of the picture, and its virtual time is
 * an argument ("time") of the event. \param seed of a seeded run.
 */
void chrome_write(FILE *out, bool seeded, uint64_t seed);

#endif
