/*
 * One program at the socket: the bytes that it sends become messages. Nothing of them is believed:
 * what is no message ends the conversation.
 */
#include "tools/control/server_parts.h"
#include "tools/control/types.h"

#include <stdlib.h>
#include <string.h>

/** Bits of an IOCTL code that say how its buffers travel; only METHOD_BUFFERED is offered here. */
#define METHOD_BITS 3u

/* --- sending --- */

static void written(uv_write_t *write, int status)
{
    (void)status; /* A peer that has gone away is noticed by the reader. */
    free(write->data);
    free(write);
}

void client_send(struct client *client, struct wire_message *message)
{
    uv_write_t *write = malloc(sizeof(*write));
    uv_buf_t buffer = uv_buf_init((char *)message, (unsigned)(sizeof(*message) + message->length));

    if (write != NULL) {
        write->data = message;
        if (!client->closing &&
            uv_write(write, (uv_stream_t *)&client->pipe, &buffer, 1, written) == 0) {
            return;
        }
    }
    free(write);
    free(message);
}

static void say_hello(struct client *client, int32_t status)
{
    struct wire_message *hello = calloc(1, sizeof(*hello));

    if (hello != NULL) {
        hello->magic = WIRE_MAGIC;
        hello->kind = WIRE_HELLO;
        hello->status = status;
        client_send(client, hello);
    }
}

/* --- the end of a client --- */

static void pipe_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;

    client->closed = true;
    client_collect(client->server);
}

void client_close(struct client *client)
{
    if (!client->closing) {
        client->closing = true;
        uv_close((uv_handle_t *)&client->pipe, pipe_closed);
        if (client->busy) {
            host_ioctl_cancel(&client->ioctl);
        }
    }
}

/** Says goodbye when all that was sent before has been written. */
static void hung_up(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    client_close(shutdown->data);
    free(shutdown);
}

static void hang_up(struct client *client)
{
    uv_shutdown_t *shutdown = malloc(sizeof(*shutdown));

    if (shutdown != NULL) {
        shutdown->data = client;
        if (uv_shutdown(shutdown, (uv_stream_t *)&client->pipe, hung_up) == 0) {
            return;
        }
        free(shutdown);
    }
    client_close(client);
}

static void free_client(struct client *client)
{
    free(client->input);
    free(client);
}

void client_collect(struct control_server *server)
{
    struct client **link = &server->clients;

    while (*link != NULL) {
        struct client *client = *link;

        if (client->busy && atomic_load(&client->done)) {
            request_answer(client);
        }
        if (client->closed && !client->busy) {
            *link = client->next;
            server->client_count--;
            free_client(client);
        } else {
            link = &client->next;
        }
    }
}

/* --- receiving --- */

/** One whole message. \return false: it is none. */
static bool obey(struct client *client, const struct wire_message *message)
{
    if (message->kind == WIRE_CANCEL && message->length == 0) {
        if (client->busy) {
            host_ioctl_cancel(&client->ioctl);
        }
        return true;
    }
    return message->kind == WIRE_IOCTL && !client->busy &&
           message->output_length <= WIRE_MAXIMUM_OUTPUT &&
           (message->code & METHOD_BITS) == METHOD_BUFFERED && request_start(client, message);
}

/** Obeys the messages that are whole. \return false: something else has come. */
static bool obey_all(struct client *client)
{
    size_t at = 0;
    bool good = true;

    while (good && !client->closing && client->used - at >= sizeof(struct wire_message)) {
        struct wire_message header;

        memcpy(&header, client->input + at, sizeof(header));
        good = header.magic == WIRE_MAGIC && header.length <= WIRE_MAXIMUM_INPUT;
        if (!good || client->used - at < sizeof(header) + header.length) {
            break;
        }
        /* Messages are multiples of nothing: a copy, so that the structure is aligned. */
        struct wire_message *message = malloc(sizeof(header) + header.length);

        good = message != NULL;
        if (good) {
            memcpy(message, client->input + at, sizeof(header) + header.length);
            at += sizeof(header) + header.length;
            good = obey(client, message);
        }
        free(message);
    }
    memmove(client->input, client->input + at, client->used - at);
    client->used -= at;
    return good;
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;
    size_t wanted = client->used + 8192;
    char *larger = client->room >= wanted ? client->input : realloc(client->input, wanted);

    (void)suggested;
    if (larger == NULL) {
        *buffer = uv_buf_init(NULL, 0); /* The reader gets UV_ENOBUFS. */
        return;
    }
    client->input = larger;
    client->room = client->room >= wanted ? client->room : wanted;
    *buffer = uv_buf_init(client->input + client->used, (unsigned)(client->room - client->used));
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct client *client = stream->data;

    (void)buffer;
    if (count < 0) {
        client_close(client);
    } else {
        client->used += (size_t)count;
        if (!obey_all(client)) {
            client_close(client);
        }
    }
}

/* --- the beginning --- */

void client_accept(struct control_server *server)
{
    struct client *client = calloc(1, sizeof(*client));
    int32_t status = (int32_t)STATUS_INSUFFICIENT_RESOURCES;
    uv_os_fd_t fd;

    if (client == NULL) {
        return;
    }
    client->server = server;
    client->pipe.data = client;
    uv_pipe_init(server->loop, &client->pipe, 0);
    client->pipe.data = client;
    client->next = server->clients;
    server->clients = client;
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&client->pipe) != 0 ||
        uv_fileno((uv_handle_t *)&client->pipe, &fd) != 0 ||
        !server_peer(server, fd, &client->user, &client->uid)) {
        server->client_count++;
        client_close(client);
        return;
    }
    if (server->client_count++ < SERVER_CLIENTS) {
        status = request_open(client);
    }
    say_hello(client, status);
    if (status != STATUS_SUCCESS ||
        uv_read_start((uv_stream_t *)&client->pipe, give_room, received) != 0) {
        hang_up(client);
    }
}
