/*
 * A program's IOCTL: sent to the adapter in the program's name, waited for by nobody, answered when
 * it has ended.
 */
#include "tools/control/server_parts.h"
#include "tools/control/types.h"

#include <stdlib.h>
#include <string.h>

int32_t request_open(const struct client *client)
{
    unsigned uid;
    enum host_user user = host_get_user(&uid);
    int32_t status;

    host_set_user(client->user, client->uid);
    status = host_adapter_open();
    host_set_user(user, uid);
    return status;
}

/** An IOCTL has ended: in any thread, at <= DISPATCH_LEVEL. */
static void ioctl_done(struct host_ioctl *ioctl)
{
    struct client *client = ioctl->context;

    atomic_store(&client->done, true);
    uv_async_send(&client->server->completed);
}

/** Calls the host in the peer's name. */
static void start_as_peer(struct client *client)
{
    unsigned uid;
    enum host_user user = host_get_user(&uid);

    host_set_user(client->user, client->uid);
    host_ioctl_start(&client->ioctl);
    host_set_user(user, uid);
    if (sched_kind() == SCHED_SEEDED) {
        sched_settle(sched_time()); /* Nobody else lets the machine's threads run. */
    }
}

bool request_start(struct client *client, const struct wire_message *message)
{
    client->ioctl_input = malloc(message->length + 1);
    client->reply = calloc(1, sizeof(*client->reply) + message->output_length);
    if (client->ioctl_input == NULL || client->reply == NULL) {
        free(client->ioctl_input);
        free(client->reply);
        return false;
    }
    memcpy(client->ioctl_input, message + 1, message->length);
    client->ioctl = (struct host_ioctl){.code = message->code,
                                        .input = client->ioctl_input,
                                        .input_length = message->length,
                                        .output = client->reply + 1,
                                        .output_length = message->output_length,
                                        .done = ioctl_done,
                                        .context = client};
    client->busy = true;
    client->server->pending++;
    atomic_store(&client->done, false);
    start_as_peer(client);
    return true;
}

void request_answer(struct client *client)
{
    struct wire_message *reply = client->reply;

    host_ioctl_wait(&client->ioctl);
    reply->magic = WIRE_MAGIC;
    reply->kind = WIRE_REPLY;
    reply->status = client->ioctl.status;
    reply->output_length = client->ioctl.returned;
    reply->length = min(client->ioctl.returned, client->ioctl.output_length);
    if (NT_ERROR(reply->status)) {
        reply->length = 0; /* The kernel copies for successes and warnings. */
    }
    client->busy = false;
    client->server->pending--;
    client->reply = NULL;
    free(client->ioctl_input);
    client->ioctl_input = NULL;
    client_send(client, reply);
}
