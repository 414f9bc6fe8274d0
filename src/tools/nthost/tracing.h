/**
 * \file
 * The subcommand `trace`: pictures of a run.
 */
#ifndef NTHOST_TRACING_H
#define NTHOST_TRACING_H

#include "tools/nthost/tool.h"

/** Reads its own options. */
enum tool_exit tracing(int argc, char **argv);
void tracing_help(void);

#endif
