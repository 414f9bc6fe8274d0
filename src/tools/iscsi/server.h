/**
 * \file
 * The target behind sockets: one event loop (libuv), and a lock that lets one thread at a time into
 * the target. Whoever ends a command, a worker of the driver say, sends its answer at once if the
 * target is free; if not, whoever is inside does it on the way out. So an answer waits for nobody to
 * be woken, and answers that end together go out together.
 */
#ifndef ISCSI_SERVER_H
#define ISCSI_SERVER_H

#include "tools/iscsi/chap.h"

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

struct server;

struct server_options {
    const char *address; /**< NULL: 127.0.0.1. */
    const char *port;    /**< NULL: 3260; "0": any that is free. */
    const struct chap_account *account;
};

/** What went wrong, and what to do about it. */
struct server_error {
    char message[256];
    char remedy[256];
};

/** Listens. The machine is up. \return NULL after an error. */
struct server *server_open(const struct server_options *options, struct server_error *error);
/** Its event loop, for what is to be served beside the target. */
uv_loop_t *server_loop(struct server *server);
/** "127.0.0.1:3260", as an initiator on this machine would type it. */
const char *server_portal(const struct server *server);
/** Does it listen beyond this machine's loopback addresses? */
bool server_is_public(const struct server *server);
/** Serves until SIGINT or SIGTERM; then ends every session, and waits for what the bus still has. */
void server_run(struct server *server);
void server_close(struct server *server);

#endif
