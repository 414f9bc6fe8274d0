/**
 * \file
 * The finished driver's answers to every check of the probe, got once for all suites that look at
 * them.
 */
#ifndef TESTS_PROBED_H
#define TESTS_PROBED_H

#include "tools/probe/judge.h"
#include "tools/probe/machine.h"
#include "tools/probe/report.h"

/** Runs one check; the caller frees the transcript. \param file the driver; its INF is found above
 *  it. NULL: the driver that is tested. */
struct transcript *probed_run(const struct check *check, const char *file, probe_connect *connect);
/** The same for several checks that share a machine; their results get transcripts. */
void probed_share(struct result *const *results, unsigned count, const char *file,
                  probe_connect *connect);
/** All checks on the driver that is tested. */
const struct column *probed_column(void);
const struct result *probed_result(const char *id);

/** Options as the command line would make them. */
const struct probe_options *probed_options(void);
/** The driver as it was before the fixes; NULL: it is not built. */
const char *probed_before(void);

#endif
