/**
 * \file
 * The bus of the simulated Windows as the target's bus: each command is a host_request, and so an
 * SRB; aborts and resets are Storport's.
 */
#ifndef ISCSI_HOST_BUS_H
#define ISCSI_HOST_BUS_H

#include "tools/iscsi/bus.h"

#include <uv.h>

struct host_bus {
    uv_loop_t *loop; /**< Resets are waited for on its pool of threads. */
    /** Told of everything that has ended, on whichever thread that happens. */
    void (*done)(void *context, struct bus_event *event);
    void *context;
};

/** The functions for struct target; `self` must outlive them. */
struct bus host_bus(struct host_bus *self);

#endif
