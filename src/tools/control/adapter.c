/*
 * The requests of the control interface: filled, sent, and their answers checked for their length.
 * Nothing here says anything to anybody.
 */
#include "tools/control/adapter.h"

#include <stdlib.h>
#include <string.h>

static void fill(VMINI_COMMAND *command, VMINI_COMMAND_CODE code, size_t length)
{
    command->Signature = VMINI_COMMAND_SIGNATURE;
    command->Version = VMINI_COMMAND_VERSION;
    command->Code = (ULONG)code;
    command->Length = (ULONG)length;
}

/** Sends a request whose answer has a fixed length. */
static int32_t call(struct adapter_channel *channel, const void *input, size_t input_length,
                    void *output, size_t output_length)
{
    uint32_t returned = 0;
    int32_t status = channel->call(channel, input, (uint32_t)input_length, output,
                                   (uint32_t)output_length, &returned);

    return status == STATUS_SUCCESS && returned != output_length
               ? (int32_t)STATUS_INVALID_BUFFER_SIZE
               : status;
}

/** Copies a path into a request. \return false: it does not fit. */
static bool take_path(const WCHAR *path, WCHAR *out)
{
    for (size_t i = 0; i < VMINI_PATH_LENGTH; i++) {
        out[i] = path[i];
        if (path[i] == 0) {
            return true;
        }
    }
    return false;
}

int32_t adapter_ping(struct adapter_channel *channel, VMINI_SCSIPORT_OUT *out)
{
    VMINI_COMMAND in;

    int32_t status;

    fill(&in, VminiCommandScsiport, sizeof(in));
    status = call(channel, &in, sizeof(in), out, sizeof(*out));
    return status == STATUS_SUCCESS && out->Signature != VMINI_COMMAND_SIGNATURE
               ? (int32_t)STATUS_INVALID_DEVICE_REQUEST
               : status;
}

int32_t adapter_connect(struct adapter_channel *channel, const WCHAR *path, uint32_t flags,
                        VMINI_ADDRESS at, VMINI_CONNECT_OUT *out)
{
    VMINI_CONNECT_IN in;
    uint32_t returned = 0;
    int32_t status;

    memset(&in, 0, sizeof(in));
    fill(&in.Command, VminiCommandConnect, sizeof(in));
    in.Flags = flags;
    in.Address = at;
    if (!take_path(path, in.PathName)) {
        return (int32_t)STATUS_NAME_TOO_LONG;
    }
    status = channel->call(channel, &in, sizeof(in), out, sizeof(*out), &returned);
    if (status == STATUS_SUCCESS && returned == 0) { /* The driver as it was before fix 20. */
        memset(out, 0, sizeof(*out));
        out->Address = ADAPTER_ANYWHERE;
        return status;
    }
    return status == STATUS_SUCCESS && returned != sizeof(*out)
               ? (int32_t)STATUS_INVALID_BUFFER_SIZE
               : status;
}

int32_t adapter_disconnect(struct adapter_channel *channel, const WCHAR *path, VMINI_ADDRESS at)
{
    VMINI_DISCONNECT_IN in;

    memset(&in, 0, sizeof(in));
    fill(&in.Command, VminiCommandDisconnect, sizeof(in));
    in.Address = at;
    if (path != NULL && !take_path(path, in.PathName)) {
        return (int32_t)STATUS_NAME_TOO_LONG;
    }
    return call(channel, &in, sizeof(in), NULL, 0);
}

int32_t adapter_list(struct adapter_channel *channel, VMINI_ACTIVE_LIST_OUT **out)
{
    VMINI_ACTIVE_LIST_OUT *list = NULL, *larger;
    int32_t status = (int32_t)STATUS_BUFFER_OVERFLOW;
    uint32_t entries = 16, returned;
    VMINI_COMMAND in;

    *out = NULL;
    fill(&in, VminiCommandActiveList, sizeof(in));
    while (status == (int32_t)STATUS_BUFFER_OVERFLOW) {
        size_t size =
            offsetof(VMINI_ACTIVE_LIST_OUT, Entries) + (size_t)entries * sizeof(VMINI_ACTIVE_ENTRY);

        larger = size <= UINT32_MAX ? realloc(list, size) : NULL;
        if (larger == NULL) {
            status = (int32_t)STATUS_INSUFFICIENT_RESOURCES;
            break;
        }
        list = larger;
        returned = 0;
        status = channel->call(channel, &in, sizeof(in), list, (uint32_t)size, &returned);
        if (status == STATUS_SUCCESS &&
            (returned < offsetof(VMINI_ACTIVE_LIST_OUT, Entries) || list->Returned > entries ||
             returned < offsetof(VMINI_ACTIVE_LIST_OUT, Entries) +
                            list->Returned * sizeof(VMINI_ACTIVE_ENTRY))) {
            status = (int32_t)STATUS_INVALID_BUFFER_SIZE;
        }
        /* More may arrive until it is asked again. */
        entries = status == (int32_t)STATUS_BUFFER_OVERFLOW ? list->Total + 4 : entries;
    }
    if (status != STATUS_SUCCESS) {
        free(list);
        return status;
    }
    *out = list;
    return status;
}

void adapter_fill_wait_event(VMINI_WAIT_EVENT_IN *in, uint64_t last)
{
    memset(in, 0, sizeof(*in));
    fill(&in->Command, VminiCommandWaitEvent, sizeof(*in));
    in->LastSequence = last;
}

int32_t adapter_wait_event(struct adapter_channel *channel, uint64_t last, VMINI_EVENT *event)
{
    VMINI_WAIT_EVENT_IN in;

    adapter_fill_wait_event(&in, last);
    return call(channel, &in, sizeof(in), event, sizeof(*event));
}
