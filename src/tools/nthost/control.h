/**
 * \file
 * Client of the driver's control interface, inside the host: tools/control, with complaints. Paths
 * are POSIX paths of this machine, or Windows paths ("Z:\\...", "\\\\server\\share\\..."), which go
 * through unchanged.
 */
#ifndef NTHOST_CONTROL_H
#define NTHOST_CONTROL_H

#include "host.h"
#include "tools/control/adapter.h"
#include "tools/nthost/address.h"

/** What CONNECT is asked for. */
struct control_image {
    const char *path;
    uint32_t flags;           /**< VMINI_CONNECT_*. */
    const struct address *at; /**< NULL: the first free address. */
};

/** Connects an image and waits until Storport has seen the unit. Complains itself, and checks
 * what can be known before: an image whose size is no multiple of its block size is refused. */
bool control_connect(const struct control_image *image, VMINI_CONNECT_OUT *out);
/** Disconnects by path, or by address when `path` is NULL. Complains itself. */
bool control_disconnect(const char *path, const struct address *address);
/** Asks for version and limits. Complains itself. */
bool control_ping(VMINI_SCSIPORT_OUT *out);
/** The connected images; the caller frees the list. NULL after an error, about which it
 * complained. */
VMINI_ACTIVE_LIST_OUT *control_list(void);
/** Takes the first event after `last`, if it has happened already. \return 1, 0 = none yet, -1
 * after a complaint. */
int control_next_event(uint64_t last, VMINI_EVENT *event);

#endif
