/*
 * The control interface, from the prompt's side. Only call() knows how a request reaches the
 * driver: as IOCTL_MINIPORT_PROCESS_SERVICE_IRP on the adapter, like any program's. There is no
 * other way in, and the door has a lock: the descriptor that the INF gives the device.
 */
#include "tools/nthost/control.h"

#include "tools/control/explain.h"
#include "tools/control/path.h"
#include "tools/nthost/tool.h"

#include <stdio.h>
#include <stdlib.h>

static int32_t call(struct adapter_channel *channel, const void *input, uint32_t input_length,
                    void *output, uint32_t output_length, uint32_t *returned)
{
    (void)channel;
    return host_ioctl_call(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, input, input_length, output,
                           output_length, returned);
}

static struct adapter_channel inside = {call};

static VMINI_ADDRESS wire_address(const struct address *address)
{
    return address == NULL ? ADAPTER_ANYWHERE
                           : (VMINI_ADDRESS){address->path, address->target, address->lun, 0};
}

/** Opens the adapter, as a program must before it can ask for anything. */
static bool may_open(void)
{
    int32_t status = host_adapter_open();

    if (status == (int32_t)STATUS_NO_SUCH_DEVICE) {
        return tool_fail("`start` it; `why` says more", "no adapter is started");
    }
    return status == STATUS_SUCCESS ||
           tool_fail("do it as administrator: the INF's security descriptor lets nobody else in",
                     "the user may not open the adapter (STATUS_ACCESS_DENIED)");
}

static bool fail(const char *verb, const char *what, int32_t status)
{
    const struct explanation *explanation = explain_status(status);
    const char *name = nt_status_name(status);

    if (explanation->words != NULL) {
        return tool_fail(explanation->remedy, "%s %s: %s (%s)", verb, what, explanation->words,
                         name);
    }
    return tool_fail("`trace 40` shows what happened before", "%s %s: failed with status %08X%s%s",
                     verb, what, (unsigned)status, name != NULL ? " " : "",
                     name != NULL ? name : "");
}

static bool widen(const char *path, WCHAR *out)
{
    struct path_problem problem;

    return control_image_path(path, out, &problem) || tool_fail(problem.remedy, "%s", problem.what);
}

static bool whole_blocks(const struct control_image *image)
{
    struct path_problem problem;

    return control_image_whole(image->path, image->flags, &problem) ||
           tool_fail(problem.remedy, "%s", problem.what);
}

static bool same_path(const WCHAR *one, const WCHAR *other)
{
    while (*one != 0 && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

/** Where an image is, when the answer to CONNECT did not say it. */
static bool find_connected(const char *name, const WCHAR *path, VMINI_CONNECT_OUT *out)
{
    VMINI_ACTIVE_LIST_OUT *list;
    bool found = false;

    host_settle(); /* Storport may not have seen it yet either. */
    list = control_list();
    for (ULONG i = 0; list != NULL && i < list->Returned && !found; i++) {
        const VMINI_ACTIVE_ENTRY *entry = &list->Entries[i];

        found = same_path(entry->PathName, path);
        if (found) {
            out->Address = entry->Address;
            out->BlockSize = entry->BlockSize;
            out->BlockCount = entry->BlockCount;
        }
    }
    free(list);
    return found || fail("connect", name, (int32_t)STATUS_DEVICE_REMOVED);
}

bool control_connect(const struct control_image *image, VMINI_CONNECT_OUT *out)
{
    WCHAR path[VMINI_PATH_LENGTH];
    int32_t status;

    if (!may_open() || !whole_blocks(image) || !widen(image->path, path)) {
        return false;
    }
    status = adapter_connect(&inside, path, image->flags, wire_address(image->at), out);
    if (status == STATUS_SUCCESS && out->Address.Path == ADAPTER_ANYWHERE.Path) {
        return find_connected(image->path, path, out);
    }
    return status == STATUS_SUCCESS || fail("connect", image->path, status);
}

bool control_disconnect(const char *path, const struct address *address)
{
    WCHAR wide[VMINI_PATH_LENGTH];
    char where[16];
    int32_t status;

    if (!may_open() || (path != NULL && !widen(path, wide))) {
        return false;
    }
    status = adapter_disconnect(&inside, path != NULL ? wide : NULL, wire_address(address));
    if (status == STATUS_SUCCESS) {
        return true;
    }
    if (path == NULL) {
        snprintf(where, sizeof(where), "%u:%u:%u", address->path, address->target, address->lun);
        path = where;
    }
    return fail("disconnect", path, status);
}

bool control_ping(VMINI_SCSIPORT_OUT *out)
{
    int32_t status;

    if (!may_open()) {
        return false;
    }
    status = adapter_ping(&inside, out);
    return status == STATUS_SUCCESS || fail("ping", "the adapter", status);
}

VMINI_ACTIVE_LIST_OUT *control_list(void)
{
    VMINI_ACTIVE_LIST_OUT *out = NULL;
    int32_t status;

    if (!may_open()) {
        return NULL;
    }
    status = adapter_list(&inside, &out);
    if (status != STATUS_SUCCESS) {
        fail("list", "the adapter's images", status);
    }
    return out;
}

int control_next_event(uint64_t last, VMINI_EVENT *event)
{
    VMINI_WAIT_EVENT_IN in;
    struct host_ioctl ioctl = {.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                               .input = &in,
                               .input_length = sizeof(in),
                               .output = event,
                               .output_length = sizeof(*event)};

    if (!may_open()) {
        return -1;
    }
    adapter_fill_wait_event(&in, last);
    host_ioctl_start(&ioctl);
    host_ioctl_cancel(&ioctl); /* Does nothing to a request that has been answered. */
    host_ioctl_wait(&ioctl);
    if (ioctl.status == STATUS_SUCCESS) {
        return 1;
    }
    if (ioctl.status == (int32_t)STATUS_CANCELLED) {
        return 0;
    }
    fail("wait for", "events", ioctl.status);
    return -1;
}
