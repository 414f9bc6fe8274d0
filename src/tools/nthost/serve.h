/**
 * \file
 * `nthost serve`: the bus as an iSCSI target.
 */
#ifndef NTHOST_SERVE_H
#define NTHOST_SERVE_H

#include "tools/nthost/tool.h"

enum tool_exit serve(int argc, char **argv);
void serve_help(void);

#endif
