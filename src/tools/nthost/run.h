/**
 * \file
 * The subcommand `run`: a machine, and somebody who tells it what to do.
 */
#ifndef NTHOST_RUN_H
#define NTHOST_RUN_H

#include "tools/nthost/options.h"
#include "tools/nthost/tool.h"

/** Runs it. */
enum tool_exit run(const struct options *options);

#endif
