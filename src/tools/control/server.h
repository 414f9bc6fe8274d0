/**
 * \file
 * The control socket of a running host: programs send IOCTLs to the adapter through it, as they do
 * on Windows through the adapter's device interface.
 *
 * It lives on the caller's libuv loop and needs that loop's thread to be one that may call the host
 * API; nothing else in the program need know about it. Whoever gets through the door is somebody:
 * the peer's credentials (SO_PEERCRED) become the caller's token, so that rights and access to
 * files are checked against him, not against the host.
 *
 * | the peer                                                       | is          |
 * | -------------------------------------------------------------- | ----------- |
 * | root, or the user that the host runs as                        | an administrator |
 * | a member of the socket's group, if the mode lets the group in  | an administrator |
 * | anybody else whom the mode lets in                             | a standard user  |
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include "host.h"

#include <uv.h>

struct control_server_options {
    const char *path;  /**< Of the socket: at most 107 bytes. */
    unsigned mode;     /**< Permissions: who may connect must be able to write. 0 = 0600. */
    const char *group; /**< Name or number of its group; NULL = the process's. */
};

/** Permissions as chmod takes them, in octal. \return false: that is none. */
bool control_mode_parse(const char *text, unsigned *mode);

struct control_server;

/**
 * Makes the socket and begins to listen. A socket that a dead host has left is replaced; one that
 * is in use, and any other file, is not.
 * \param out  receives the server.
 */
bool control_server_start(uv_loop_t *loop, const struct control_server_options *options,
                          struct control_server **out, struct host_error *error);

/**
 * Ends it: the socket goes, what is pending is cancelled, its handles are closed. Runs the loop
 * until they are. To be called before the machine is shut down.
 */
void control_server_stop(struct control_server *server);

#endif
