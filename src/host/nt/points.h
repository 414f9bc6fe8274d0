/**
 * \file
 * Level 2 scheduling points: what their trace records say. Records of TRACE_ACCESS come from drivers
 * that are built with -fsanitize=thread only (points.c).
 */
#ifndef HOST_NT_POINTS_H
#define HOST_NT_POINTS_H

#include <stdbool.h>

/** What the driver is about to do. */
enum point_kind {
    POINT_READ = 1,
    POINT_WRITE,
    POINT_INTERLOCKED,
    POINT_CALL, /**< It calls an imported routine. */
};

/** A driver with points was loaded; only points.c sets it. */
extern bool points_present;
/** An imported routine was entered: its name, and the driver's return address. Does nothing for calls
 *  of the host's own. */
void points_called(const char *routine, const void *caller);
/** Is this code of ours that touches memory in the driver's stead? */
bool points_contain(const void *code);

#endif
