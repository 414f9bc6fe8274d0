/**
 * \file
 * What the files of the server share: server.c (the loop and the lock), listener.c, peer.c.
 */
#ifndef ISCSI_SERVER_PARTS_H
#define ISCSI_SERVER_PARTS_H

#include "tools/iscsi/host_bus.h"
#include "tools/iscsi/server.h"
#include "tools/iscsi/target.h"

#include <pthread.h>
#include <stdatomic.h>

#define SERVER_CONNECTIONS 256u

/** A connection's socket. */
struct peer {
    uv_poll_t poll; /**< The loop's thread only. */
    int fd;
    struct server *server;
    struct peer *next, *previous;
    struct conn *conn;
    uint64_t opened; /**< Milliseconds. */
    unsigned silent; /**< Ticks without a byte. */
    bool wants_write;
    bool paused; /**< Not read, until there is memory. */
    bool lost;   /**< To be closed by the loop's thread. */
    int events;  /**< What is polled. */
};

struct server {
    uv_loop_t loop;
    uv_async_t wake; /**< Something is to be done that only the loop's thread may do. */
    uv_signal_t terminate, interrupt;
    uv_timer_t tick;
    uv_poll_t listener;
    int listening;
    bool is_public;
    bool stopping;
    char portal[TARGET_PORTAL_SIZE];
    struct peer *peers;
    unsigned peer_count;
    struct host_bus bus;
    pthread_mutex_t lock; /**< The target, and the fields of peers but for `poll`. */
    _Atomic(struct bus_event *) done;
    struct target target;
};

/** Takes and gives back the lock; on the way out, what has ended meanwhile is answered. */
void server_enter(struct server *server);
void server_leave(struct server *server);

/* listener.c */
bool listener_open(struct server *server, const struct server_options *options,
                   struct server_error *error);
void listener_close(struct server *server);
/** Accepts (again): it stops when there are no more files to be had. */
void listener_resume(struct server *server);
/** "ADDRESS:PORT" of a socket. */
bool listener_name(int fd, char *buffer, size_t size);

/* peer.c */
void peer_open(struct server *server, int fd);
/** Sends what there is, as far as the socket takes it. Lock held; any thread. */
void peer_flush(struct peer *peer);
/** What only the loop's thread may do: polls for what is wanted, closes what is lost. Lock held. */
void peer_attend(struct peer *peer);
/** Once in a while: is the other side there? Lock held. */
void peer_check(struct peer *peer, uint64_t now);

#endif
