/*
 * One function for each command: opens the adapter, sends the request, shows the answer, and turns
 * what went wrong into words and an exit status.
 */
#include "tools/vminictl/commands.h"

#include "tools/control/explain.h"
#include "tools/control/path.h"
#include "tools/control/text.h"
#include "tools/vminictl/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum exit_status complain(enum exit_status status, const char *remedy, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("vminictl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    if (remedy[0] != '\0') {
        fprintf(stderr, "    what to do: %s\n", remedy);
    }
    return status;
}

bool address_read(const char *text, VMINI_ADDRESS *address)
{
    unsigned part[3];
    int used = 0;

    if (sscanf(text, "%3u:%3u:%3u%n", &part[0], &part[1], &part[2], &used) != 3 ||
        text[used] != '\0' || part[0] > 254 || part[1] > 254 || part[2] > 254) {
        return false;
    }
    *address = (VMINI_ADDRESS){(UCHAR)part[0], (UCHAR)part[1], (UCHAR)part[2], 0};
    return true;
}

/** The driver, or the way to it, said no. \param verb,what "connect", "disk.img". */
static enum exit_status refused(const struct adapter_channel *channel, const char *verb,
                                const char *what, int32_t status)
{
    const struct explanation *explanation = explain_status(status);
    const char *name = nt_status_name(status);

    if (os_interrupted() && status == (int32_t)STATUS_CANCELLED) {
        return complain(EXIT_INTERRUPTED, "", "%s %s: interrupted; nothing was changed", verb,
                        what);
    }
    if (os_lost(channel)) {
        return complain(EXIT_NO_ADAPTER, "start it again; what it said last is where it ran",
                        "%s %s: the adapter went away", verb, what);
    }
    if (explanation->words == NULL) {
        return complain(EXIT_REFUSED, "the driver's trace may say more",
                        "%s %s: failed with status %08X%s%s", verb, what, (unsigned)status,
                        name != NULL ? " " : "", name != NULL ? name : "");
    }
    return complain(status == (int32_t)STATUS_PRIVILEGE_NOT_HELD ? EXIT_PERMISSION : EXIT_REFUSED,
                    explanation->remedy, "%s %s: %s (%s)", verb, what, explanation->words, name);
}

/** Opens the adapter. \return NULL after a complaint: *status is to be returned. */
static struct adapter_channel *open_adapter(const struct request *request, enum exit_status *status)
{
    struct os_problem problem;
    struct adapter_channel *channel = os_open(request->adapter, &problem);

    if (channel == NULL) {
        *status = complain(problem.status, problem.remedy, "%s", problem.what);
    }
    return channel;
}

/** Makes the driver's path of the user's. */
static bool take_path(const char *path, WCHAR *out)
{
    struct path_problem problem;

    if (control_image_path(path, out, &problem)) {
        return true;
    }
    complain(EXIT_USAGE, problem.remedy, "%s", problem.what);
    return false;
}

enum exit_status command_connect(const struct request *request)
{
    struct adapter_channel *channel;
    WCHAR path[VMINI_PATH_LENGTH];
    enum exit_status status = EXIT_FINE;
    struct path_problem problem;
    VMINI_CONNECT_OUT out;
    int32_t result;

    if (!take_path(request->target, path)) {
        return EXIT_USAGE;
    }
    if (!control_image_whole(request->target, request->flags, &problem)) {
        return complain(EXIT_REFUSED, problem.remedy, "%s", problem.what);
    }
    channel = open_adapter(request, &status);
    if (channel == NULL) {
        return status;
    }
    result = adapter_connect(channel, path, request->flags, request->at, &out);
    if (result != STATUS_SUCCESS) {
        status = refused(channel, "connect", request->target, result);
    } else if (request->json) {
        json_connected(&out);
    } else {
        control_print_connected(&out, request->target);
    }
    os_close(channel);
    return status;
}

/** The file systems on it go first: what they have in memory gets into the image. */
static enum exit_status disconnect(struct adapter_channel *channel, const struct request *request,
                                   const WCHAR *path, VMINI_ADDRESS at)
{
    struct os_problem problem;
    int32_t result;

    if (!os_take_volumes(channel, path, at, request->force, &problem)) {
        return complain(problem.status, problem.remedy, "disconnect %s: %s", request->target,
                        problem.what);
    }
    result = adapter_disconnect(channel, path, at);
    return result == STATUS_SUCCESS ? EXIT_FINE
                                    : refused(channel, "disconnect", request->target, result);
}

enum exit_status command_disconnect(const struct request *request)
{
    struct adapter_channel *channel;
    WCHAR path[VMINI_PATH_LENGTH];
    enum exit_status status = EXIT_FINE;
    VMINI_ADDRESS address = ADAPTER_ANYWHERE;
    bool by_address = address_read(request->target, &address);

    if (!by_address && !take_path(request->target, path)) {
        return EXIT_USAGE;
    }
    channel = open_adapter(request, &status);
    if (channel == NULL) {
        return status;
    }
    status = disconnect(channel, request, by_address ? NULL : path, address);
    os_close(channel); /* Only now: what was mounted must not be mounted anew before it has gone. */
    return status;
}

static void print_list(const VMINI_ACTIVE_LIST_OUT *list)
{
    if (list->Returned == 0) {
        puts("nothing is connected");
    }
    for (ULONG i = 0; i < list->Returned; i++) {
        control_print_image(&list->Entries[i]);
    }
}

enum exit_status command_list(const struct request *request)
{
    enum exit_status status = EXIT_FINE;
    struct adapter_channel *channel = open_adapter(request, &status);
    VMINI_ACTIVE_LIST_OUT *list;
    int32_t result;

    if (channel == NULL) {
        return status;
    }
    result = adapter_list(channel, &list);
    if (result != STATUS_SUCCESS) {
        status = refused(channel, "list", "the images", result);
    } else if (request->json) {
        json_list(list);
    } else {
        print_list(list);
    }
    free(list);
    os_close(channel);
    return status;
}

enum exit_status command_ping(const struct request *request)
{
    enum exit_status status = EXIT_FINE;
    struct adapter_channel *channel = open_adapter(request, &status);
    VMINI_SCSIPORT_OUT out;
    int32_t result;

    if (channel == NULL) {
        return status;
    }
    result = adapter_ping(channel, &out);
    if (result != STATUS_SUCCESS) {
        status = refused(channel, "ping", "the adapter", result);
    } else if (request->json) {
        json_ping(&out);
    } else {
        control_print_ping(&out);
    }
    os_close(channel);
    return status;
}

enum exit_status command_watch(const struct request *request)
{
    enum exit_status status = EXIT_FINE;
    struct adapter_channel *channel = open_adapter(request, &status);
    uint64_t last = request->since, told = 0;
    VMINI_EVENT event;
    int32_t result;

    if (channel == NULL) {
        return status;
    }
    while (request->count == 0 || told < request->count) {
        result = adapter_wait_event(channel, last, &event);
        if (result == (int32_t)STATUS_CANCELLED && os_interrupted()) {
            break; /* The way a watch ends. */
        }
        if (result == (int32_t)STATUS_INVALID_PARAMETER) {
            status = complain(EXIT_REFUSED, "leave --since out",
                              "watch: event %llu has not been yet", (unsigned long long)last);
            break;
        }
        if (result == (int32_t)STATUS_DEVICE_REMOVED || result == (int32_t)STATUS_NO_SUCH_DEVICE) {
            status = complain(EXIT_NO_ADAPTER, "", "watch: the adapter went away");
            break;
        }
        if (result != STATUS_SUCCESS) {
            status = refused(channel, "watch", "the adapter", result);
            break;
        }
        last = event.Sequence;
        told++;
        (request->json ? json_event : control_print_event)(&event);
        fflush(stdout);
    }
    os_close(channel);
    return status;
}
