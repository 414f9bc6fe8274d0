/**
 * \file
 * The subcommand `demo`: what `make demo` shows.
 */
#ifndef NTHOST_DEMO_H
#define NTHOST_DEMO_H

#include "tools/nthost/options.h"
#include "tools/nthost/tool.h"

/** Runs it. Every value that it prints comes from an answer or from a trace record of this run. */
enum tool_exit demo(const struct options *options);

#endif
