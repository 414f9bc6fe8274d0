/*
 * The loop and the lock. What ends a command pushes it on a list and tries the lock; it never waits
 * for it, because it may hold a lock of the driver's or be deep in its completion. Whoever has the
 * lock looks at the list after letting go, so nothing stays on it.
 */
#include "tools/iscsi/server_parts.h"

#include "host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define TICK_MS 5000

static void random_bytes(void *context, uint8_t *out, size_t length)
{
    (void)context;
    if (getrandom(out, length, 0) != (ssize_t)length) {
        abort(); /* A guessable challenge would be worse. */
    }
}

/* --- the lock --- */

/** What has ended, in the order in which it did. */
static struct bus_event *take_done(struct server *server)
{
    struct bus_event *event = atomic_exchange(&server->done, NULL), *first = NULL;

    while (event != NULL) {
        struct bus_event *next = event->next;

        event->next = first;
        first = event;
        event = next;
    }
    return first;
}

/** Answers what has ended, and sends what is to be sent. */
static void settle(struct server *server)
{
    struct bus_event *event = take_done(server);
    struct conn *conn;

    do {
        while (event != NULL) {
            struct bus_event *next = event->next;

            target_event(&server->target, event);
            event = next;
        }
        while ((conn = target_dirty(&server->target)) != NULL) {
            peer_flush(conn_user(conn));
        }
        event = take_done(server);
    } while (event != NULL);
    if (server->stopping && server->target.on_bus == 0) {
        uv_async_send(&server->wake);
    }
}

void server_enter(struct server *server)
{
    pthread_mutex_lock(&server->lock);
}

void server_leave(struct server *server)
{
    do {
        settle(server);
        pthread_mutex_unlock(&server->lock);
    } while (atomic_load(&server->done) != NULL && pthread_mutex_trylock(&server->lock) == 0);
}

/** The bus has finished something. Any thread, also one that is inside the target already. */
static void bus_done(void *context, struct bus_event *event)
{
    struct server *server = context;
    struct bus_event *head = atomic_load(&server->done);

    do {
        event->next = head;
    } while (!atomic_compare_exchange_weak(&server->done, &head, event));
    if (pthread_mutex_trylock(&server->lock) == 0) {
        server_leave(server);
    }
}

/* --- the loop --- */

static void stop_loop(struct server *server)
{
    if (server->peers == NULL && server->target.on_bus == 0) {
        uv_stop(&server->loop);
    }
}

static void on_wake(uv_async_t *wake)
{
    struct server *server = wake->data;
    struct peer *peer, *next;

    server_enter(server);
    for (peer = server->peers; peer != NULL; peer = next) {
        next = peer->next;
        peer_attend(peer);
    }
    if (server->stopping) {
        stop_loop(server);
    }
    server_leave(server);
}

static void on_tick(uv_timer_t *tick)
{
    struct server *server = tick->data;
    uint64_t now = uv_now(&server->loop);
    struct peer *peer, *next;

    server_enter(server);
    for (peer = server->peers; peer != NULL; peer = next) {
        next = peer->next;
        peer_check(peer, now);
        peer_attend(peer);
    }
    listener_resume(server);
    server_leave(server);
}

/** Ends every session; the loop stops when they and their commands are gone. */
static void on_signal(uv_signal_t *signal, int number)
{
    struct server *server = signal->data;
    struct peer *peer, *next;

    (void)number;
    uv_signal_stop(&server->terminate); /* A second one ends the process at once. */
    uv_signal_stop(&server->interrupt);
    server_enter(server);
    server->stopping = true;
    listener_close(server);
    for (peer = server->peers; peer != NULL; peer = next) {
        next = peer->next;
        conn_shut_down(peer->conn);
        peer_flush(peer);
        peer->lost = true;
        peer_attend(peer);
    }
    stop_loop(server);
    server_leave(server);
}

static void begin_loop(struct server *server)
{
    uv_loop_init(&server->loop);
    uv_async_init(&server->loop, &server->wake, on_wake);
    uv_signal_init(&server->loop, &server->terminate);
    uv_signal_init(&server->loop, &server->interrupt);
    uv_timer_init(&server->loop, &server->tick);
    server->wake.data = server->terminate.data = server->interrupt.data = server->tick.data =
        server;
}

struct server *server_open(const struct server_options *options, struct server_error *error)
{
    struct server *server = calloc(1, sizeof(*server));
    struct bus bus;

    if (server == NULL) {
        snprintf(error->message, sizeof(error->message), "out of memory");
        snprintf(error->remedy, sizeof(error->remedy), "free some memory");
        return NULL;
    }
    pthread_mutex_init(&server->lock, NULL);
    server->listening = -1;
    begin_loop(server);
    server->bus = (struct host_bus){.loop = &server->loop, .done = bus_done, .context = server};
    bus = host_bus(&server->bus);
    target_begin(&server->target, &bus, options->account, random_bytes);
    if (!listener_open(server, options, error)) {
        server_close(server);
        return NULL;
    }
    return server;
}

uv_loop_t *server_loop(struct server *server)
{
    return &server->loop;
}

const char *server_portal(const struct server *server)
{
    return server->portal;
}

bool server_is_public(const struct server *server)
{
    return server->is_public;
}

void server_run(struct server *server)
{
    uv_signal_start(&server->terminate, on_signal, SIGTERM);
    uv_signal_start(&server->interrupt, on_signal, SIGINT);
    uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS);
    uv_run(&server->loop, UV_RUN_DEFAULT);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void server_close(struct server *server)
{
    listener_close(server);
    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    target_end(&server->target);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
