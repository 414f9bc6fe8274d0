/**
 * \file
 * A host_request as api.c keeps it, for api_send.c too.
 */
#ifndef STORPORT_API_H
#define STORPORT_API_H

#include <stdatomic.h>

#include "host.h"
#include "nt/io.h"
#include "storport/internal.h"
#include "storport/port.h"

enum { API_DONE, API_IN_FLIGHT, API_WAITED_FOR };

struct api_request {
    struct host_request body;
    struct host_request *request; /**< &body. */
    PIRP irp;
    PORT_SRB srb;
    PORT_SRB_FIELDS
    extra; /**< What the public fields have no place for: PnP action, power state ... */
    PMDL mdl;
    void *claimed; /**< The address that the MDL has, which faults. */
    char *start;   /**< Memory that the MDL describes, and how much. */
    size_t length;
    void *bounce; /**< Guarded copy of the data, or NULL. */
    char *bounce_data;
    atomic_int state;
    KEVENT event;
    struct api_request *next;
};

/** What host_submit on a thread is in the middle of: nt_thread.submit. */
struct api_frame {
    struct api_request *request; /**< Being issued. */
    struct api_request *again;   /**< Submitted by done routines meanwhile. */
    bool ended;                  /**< `request` came back inside of its own issue(). */
    bool in_done;                /**< A done routine is running. */
};

#endif
