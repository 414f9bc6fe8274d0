/*
 * A connection's socket: bytes from it into the target and back. Everything here runs with the lock
 * held, also the system calls, none of which waits: nobody may free a buffer while it is read into.
 */
#include "tools/iscsi/server_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECES   64u
#define LOGIN_MS 15000u /**< A login takes no longer. */
/** Ticks of silence after which the other side is asked, and after which it is given up. */
#define SILENT_ASK  6u
#define SILENT_LOST 12u

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    close(peer->fd);
    free(peer);
}

/** Closes socket and connection. The loop's thread only. */
static void close_peer(struct peer *peer)
{
    struct server *server = peer->server;

    conn_close(peer->conn);
    if (peer->previous != NULL) {
        peer->previous->next = peer->next;
    } else {
        server->peers = peer->next;
    }
    if (peer->next != NULL) {
        peer->next->previous = peer->previous;
    }
    server->peer_count--;
    uv_close((uv_handle_t *)&peer->poll, on_closed);
    if (server->stopping) {
        uv_async_send(&server->wake);
    }
}

/** Something for the loop's thread: see peer_attend. */
static void call_loop(struct peer *peer)
{
    uv_async_send(&peer->server->wake);
}

void peer_flush(struct peer *peer)
{
    struct iovec iov[PIECES];
    struct msghdr message = {.msg_iov = iov};
    ssize_t sent;

    while (!peer->lost && (message.msg_iovlen = conn_output(peer->conn, iov, PIECES)) != 0) {
        sent = sendmsg(peer->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            conn_sent(peer->conn, (size_t)sent);
        } else if (sent < 0 && errno == EINTR) {
            continue;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!peer->wants_write) {
                peer->wants_write = true;
                call_loop(peer);
            }
            return;
        } else {
            peer->lost = true;
            call_loop(peer);
            return;
        }
    }
    if (!peer->lost && conn_over(peer->conn)) {
        peer->lost = true;
        call_loop(peer);
    }
    if (peer->paused) {
        call_loop(peer);
    }
}

/** Reads once: if there is more, the loop comes again, after others have had their turn. */
static void fill(struct peer *peer)
{
    struct iovec iov[2];
    unsigned count = conn_buffers(peer->conn, iov);
    ssize_t length;

    peer->paused = count == 0;
    if (count == 0) {
        return;
    }
    length = readv(peer->fd, iov, (int)count);
    if (length > 0) {
        conn_received(peer->conn, (size_t)length);
    } else if (length == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
        peer->lost = true;
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct peer *peer = poll->data;
    struct server *server = peer->server;

    server_enter(server);
    if (status != 0) {
        peer->lost = true;
    }
    if (!peer->lost && (events & UV_WRITABLE) != 0) {
        peer->wants_write = false;
        peer_flush(peer);
    }
    if (!peer->lost && (events & (UV_READABLE | UV_DISCONNECT)) != 0) {
        fill(peer);
    }
    peer_attend(peer);
    server_leave(server);
}

void peer_attend(struct peer *peer)
{
    int wanted;

    if (peer->lost) {
        close_peer(peer);
        return;
    }
    if (peer->paused) {
        struct iovec iov[2];

        peer->paused = conn_buffers(peer->conn, iov) == 0;
    }
    wanted = (peer->wants_write ? UV_WRITABLE : 0) | (peer->paused ? 0 : UV_READABLE);
    if (wanted != peer->events) {
        peer->events = wanted;
        uv_poll_start(&peer->poll, wanted, on_ready);
    }
}

void peer_check(struct peer *peer, uint64_t now)
{
    if (!conn_logged_in(peer->conn)) {
        peer->lost = peer->lost || now - peer->opened > LOGIN_MS;
        return;
    }
    peer->silent = conn_active(peer->conn) ? 0 : peer->silent + 1;
    if (peer->silent == SILENT_ASK) {
        conn_ping(peer->conn);
    }
    peer->lost = peer->lost || peer->silent >= SILENT_LOST;
}

void peer_open(struct server *server, int fd)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    char portal[TARGET_PORTAL_SIZE];
    int on = 1;

    if (peer == NULL || !listener_name(fd, portal, sizeof(portal))) {
        free(peer);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    server_enter(server);
    peer->fd = fd;
    peer->server = server;
    peer->opened = uv_now(&server->loop);
    peer->conn = conn_open(&server->target, portal, peer);
    if (peer->conn == NULL) {
        close(fd);
        free(peer);
    } else {
        peer->next = server->peers;
        if (peer->next != NULL) {
            peer->next->previous = peer;
        }
        server->peers = peer;
        server->peer_count++;
        uv_poll_init(&server->loop, &peer->poll, fd);
        peer->poll.data = peer;
        peer_attend(peer);
    }
    server_leave(server);
}
