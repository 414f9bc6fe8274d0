/**
 * \file
 * Subcommands about a machine that is installed, not running: inf, devices, remove, reg, why.
 */
#ifndef NTHOST_SETUP_H
#define NTHOST_SETUP_H

#include "tools/nthost/tool.h"

/** `nthost inf|devices|remove|reg ARGUMENT... [--registry FILE]`: the prompt's command of that name,
 *  on a machine that boots from FILE and starts nothing. */
enum tool_exit setup(int argc, char **argv);
/** `nthost why --registry FILE`: starts what is installed, and says what came of it. */
enum tool_exit setup_why(int argc, char **argv);
void setup_help(void);

#endif
