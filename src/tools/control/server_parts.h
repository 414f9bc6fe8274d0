/**
 * \file
 * What the files of the control server share.
 */
#ifndef CONTROL_SERVER_PARTS_H
#define CONTROL_SERVER_PARTS_H

#include "tools/control/server.h"
#include "tools/control/wire.h"

#include <stdatomic.h>
#include <sys/types.h>

/** Programs at a time. */
#define SERVER_CLIENTS 64

struct control_server {
    uv_loop_t *loop;
    uv_pipe_t listener;
    uv_async_t completed; /**< An IOCTL has ended, in whatever thread. */
    uv_timer_t clock;     /**< Seeded scheduler: while something is pending, its time runs. */
    char path[108];
    dev_t device; /**< Of the socket file, to take away no other. */
    ino_t inode;
    gid_t group; /**< Whose members are administrators; (gid_t)-1 = nobody's. */
    struct client *clients;
    unsigned client_count, pending;
    unsigned handles; /**< Of the first group that are not closed yet. */
    bool stopping;
};

/** One program. */
struct client {
    uv_pipe_t pipe;
    struct control_server *server;
    struct client *next;
    enum host_user user;
    unsigned uid;
    bool closing; /**< Its pipe is closed, or is being closed. */
    bool closed;

    char *input; /**< Bytes of a message that is not whole yet. */
    size_t used, room;

    /* The IOCTL that is under way. */
    bool busy;
    atomic_bool done;
    struct host_ioctl ioctl;
    char *ioctl_input;
    struct wire_message *reply; /**< The output is behind it. */
};

/** socket.c: makes the socket file. \return a listening descriptor, or -1. */
int server_socket(const struct control_server_options *options, struct control_server *server,
                  struct host_error *error);
/** socket.c: takes the socket file away, if it is still ours. */
void server_socket_remove(const struct control_server *server);
/** socket.c: who is at the other end? \return false: the kernel does not say. */
bool server_peer(const struct control_server *server, int fd, enum host_user *user, unsigned *uid);

/** client.c: a program has connected. */
void client_accept(struct control_server *server);
/** client.c: answers what has ended; frees clients that are gone. */
void client_collect(struct control_server *server);
/** client.c: hangs up. What is pending is cancelled. */
void client_close(struct client *client);
/** client.c: sends a message, and frees it afterwards. */
void client_send(struct client *client, struct wire_message *message);
/** request.c: may the peer open the adapter? \return NTSTATUS. */
int32_t request_open(const struct client *client);
/** request.c: sends the IOCTL. \return false: there is no memory. */
bool request_start(struct client *client, const struct wire_message *message);
/** request.c: it has ended; its answer goes to the program, if that is still there. */
void request_answer(struct client *client);

#endif
