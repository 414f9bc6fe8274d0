/*
 * The server as a whole: listening, waking up when an IOCTL has ended, and going away.
 */
#include "tools/control/server_parts.h"

#include <stdlib.h>
#include <string.h>

/** How often the seeded machine's clock is moved on while a program waits. */
#define CLOCK_MILLISECONDS 50

static void connected(uv_stream_t *listener, int status)
{
    if (status == 0) {
        client_accept(listener->data);
    }
}

static void completed(uv_async_t *async)
{
    client_collect(async->data);
}

/** Under the seeded scheduler time stands still while nobody calls the host. Somebody waits, so it
 *  goes on, as fast as ours. */
static void tick(uv_timer_t *timer)
{
    const struct control_server *server = timer->data;

    if (server->pending != 0 && sched_kind() == SCHED_SEEDED) {
        sched_settle(sched_time() + CLOCK_MILLISECONDS * 10000);
    }
}

bool control_server_start(uv_loop_t *loop, const struct control_server_options *options,
                          struct control_server **out, struct host_error *error)
{
    struct control_server *server = calloc(1, sizeof(*server));
    int fd = server == NULL ? -1 : server_socket(options, server, error);

    if (fd < 0) {
        free(server);
        return false;
    }
    server->loop = loop;
    uv_pipe_init(loop, &server->listener, 0);
    uv_async_init(loop, &server->completed, completed);
    uv_timer_init(loop, &server->clock);
    server->listener.data = server->completed.data = server->clock.data = server;
    server->handles = 3;
    uv_timer_start(&server->clock, tick, CLOCK_MILLISECONDS, CLOCK_MILLISECONDS);
    uv_pipe_open(&server->listener, fd);
    if (uv_listen((uv_stream_t *)&server->listener, SERVER_CLIENTS, connected) != 0) {
        snprintf(error->message, sizeof(error->message), "control socket %s: cannot listen",
                 server->path);
        snprintf(error->remedy, sizeof(error->remedy), "name another path");
        control_server_stop(server);
        return false;
    }
    *out = server;
    return true;
}

static void handle_closed(uv_handle_t *handle)
{
    struct control_server *server = handle->data;

    server->handles--;
}

void control_server_stop(struct control_server *server)
{
    server->stopping = true;
    server_socket_remove(server);
    uv_close((uv_handle_t *)&server->listener, handle_closed);
    for (struct client *client = server->clients; client != NULL; client = client->next) {
        client_close(client);
    }
    while (server->clients != NULL) {
        if (sched_kind() == SCHED_SEEDED) {
            sched_settle(sched_time());
        }
        uv_run(server->loop, UV_RUN_ONCE);
        client_collect(server);
    }
    uv_close((uv_handle_t *)&server->completed, handle_closed);
    uv_close((uv_handle_t *)&server->clock, handle_closed);
    while (server->handles != 0) {
        uv_run(server->loop, UV_RUN_ONCE);
    }
    free(server);
}
