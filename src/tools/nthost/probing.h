/**
 * \file
 * `nthost probe`: its command line, and how the probe, which knows no driver, gets images
 * connected.
 */
#ifndef NTHOST_PROBING_H
#define NTHOST_PROBING_H

#include "tools/nthost/tool.h"
#include "tools/probe/probe.h"

void probing_help(void);
enum tool_exit probing(int argc, char **argv);

/** Connects an image by the driver's control interface. */
probe_connect probing_connect;

#endif
