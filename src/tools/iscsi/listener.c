/*
 * The listening socket. Without CHAP nobody is asked who he is: then only this machine may reach it.
 */
#include "tools/iscsi/server_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_PORT "3260"

static bool fail(struct server_error *error, const char *remedy, const char *what,
                 const char *address, const char *port, const char *why)
{
    snprintf(error->message, sizeof(error->message), "%s %s, port %s: %s", what, address, port,
             why);
    snprintf(error->remedy, sizeof(error->remedy), "%s", remedy);
    return false;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;

        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

bool listener_name(int fd, char *buffer, size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    char host[INET6_ADDRSTRLEN], port[8];

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return false;
    }
    snprintf(buffer, size, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
    return true;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct server *server = poll->data;
    int fd;

    (void)events;
    if (status != 0) {
        return;
    }
    fd = accept4(server->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            uv_poll_stop(poll); /* It would be called again at once: the next tick goes on. */
        }
        return;
    }
    if (server->peer_count >= SERVER_CONNECTIONS) {
        close(fd);
        return;
    }
    peer_open(server, fd);
}

/** Binds and listens. \return errno. */
static int listen_on(struct server *server, const struct addrinfo *info)
{
    int on = 1;

    server->listening = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listening < 0) {
        return errno;
    }
    setsockopt(server->listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server->listening, info->ai_addr, info->ai_addrlen) != 0 ||
        listen(server->listening, 64) != 0) {
        return errno;
    }
    return 0;
}

/** What a user does about it. */
static const char *remedy_for(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "somebody listens there already: choose another with --port, or --port 0 for any";
    case EACCES:
        return "ports below 1024 are root's: choose one above with --port";
    case EADDRNOTAVAIL:
        return "name an address of this machine with --listen";
    default:
        return "choose another address with --listen, or another port with --port";
    }
}

void listener_resume(struct server *server)
{
    if (server->listening >= 0) {
        uv_poll_start(&server->listener, UV_READABLE, on_connection);
    }
}

bool listener_open(struct server *server, const struct server_options *options,
                   struct server_error *error)
{
    const char *address = options->address != NULL ? options->address : "127.0.0.1";
    const char *port = options->port != NULL ? options->port : DEFAULT_PORT;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *info;
    int status = getaddrinfo(address, port, &hints, &info);

    if (status != 0) {
        return fail(error, "name an address of this machine with --listen", "cannot listen on",
                    address, port, gai_strerror(status));
    }
    server->is_public = !is_loopback(info->ai_addr);
    if (server->is_public && options->account == NULL) {
        freeaddrinfo(info);
        return fail(error, "add --chap USER:FILE, so that initiators must know a secret",
                    "will not listen on", address, port,
                    "others could reach it, and nobody would be asked who he is");
    }
    status = listen_on(server, info);
    freeaddrinfo(info);
    if (status != 0) {
        return fail(error, remedy_for(status), "cannot listen on", address, port, strerror(status));
    }
    listener_name(server->listening, server->portal, sizeof(server->portal));
    uv_poll_init(&server->loop, &server->listener, server->listening);
    server->listener.data = server;
    listener_resume(server);
    return true;
}

void listener_close(struct server *server)
{
    if (server->listening >= 0) {
        if (server->listener.data != NULL) {
            uv_close((uv_handle_t *)&server->listener, NULL);
        }
        close(server->listening);
        server->listening = -1;
    }
}
