/** \file `nthost race`. */
#ifndef NTHOST_RACING_H
#define NTHOST_RACING_H

#include "tools/nthost/tool.h"

void racing_help(void);
enum tool_exit racing(int argc, char **argv);

#endif
