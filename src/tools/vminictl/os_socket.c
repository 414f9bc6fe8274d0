/*
 * vminictl on Linux: the adapter is behind the control socket of a running host. The messages are
 * in tools/control/wire.h. SIGINT and SIGTERM are blocked except while an answer is waited for, so
 * that none is missed; then the host is asked to cancel, and its reply still comes.
 */
#include "tools/vminictl/os.h"

#include "tools/control/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

const char os_name_variable[] = "VMINI_CONTROL";
const char os_name_help[] = "the control socket of the host (nthost run --control NAME);\n"
                            "                or set VMINI_CONTROL";

struct socket_channel {
    struct adapter_channel channel;
    int fd;
    bool lost;
};

static volatile sig_atomic_t interrupted;
static sigset_t open_mask; /**< With SIGINT and SIGTERM let through. */

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

void os_begin(int *argc, char ***argv)
{
    struct sigaction action = {.sa_handler = interrupt};
    sigset_t blocked;

    (void)argc;
    (void)argv;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &open_mask);
    sigdelset(&open_mask, SIGINT);
    sigdelset(&open_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool os_interrupted(void)
{
    return interrupted != 0;
}

static bool send_all(struct socket_channel *self, const void *data, size_t length)
{
    const char *at = data;

    while (length != 0 && !self->lost) {
        ssize_t sent = write(self->fd, at, length);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            self->lost = true;
            break;
        }
        at += sent;
        length -= (size_t)sent;
    }
    return !self->lost;
}

static bool send_cancel(struct socket_channel *self)
{
    struct wire_message cancel = {.magic = WIRE_MAGIC, .kind = WIRE_CANCEL};

    return send_all(self, &cancel, sizeof(cancel));
}

/** Receives exactly so many bytes. \param cancel whether Ctrl-C asks for a cancellation, once. */
static bool receive_all(struct socket_channel *self, void *data, size_t length, bool *cancel)
{
    struct pollfd readable = {.fd = self->fd, .events = POLLIN};
    char *at = data;

    while (length != 0 && !self->lost) {
        ssize_t got;

        if (interrupted && *cancel) {
            *cancel = false;
            send_cancel(self);
        }
        if (ppoll(&readable, 1, NULL, *cancel ? &open_mask : NULL) < 0) {
            continue; /* EINTR: somebody pressed Ctrl-C. */
        }
        got = read(self->fd, at, length);
        if (got <= 0) {
            self->lost = got == 0 || errno != EINTR;
            continue;
        }
        at += got;
        length -= (size_t)got;
    }
    return !self->lost;
}

/** Receives a message of this kind; the bytes behind it are the caller's to receive. */
static bool receive_header(struct socket_channel *self, enum wire_kind kind,
                           struct wire_message *message, bool *cancel)
{
    if (receive_all(self, message, sizeof(*message), cancel) &&
        (message->magic != WIRE_MAGIC || message->kind != (uint32_t)kind)) {
        self->lost = true; /* It is no host that speaks. */
    }
    return !self->lost;
}

static int32_t call(struct adapter_channel *channel, const void *input, uint32_t input_length,
                    void *output, uint32_t output_length, uint32_t *returned)
{
    struct socket_channel *self = (struct socket_channel *)channel;
    struct wire_message message = {.magic = WIRE_MAGIC,
                                   .kind = WIRE_IOCTL,
                                   .code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                                   .length = input_length,
                                   .output_length = output_length};
    bool cancel = true;

    if (!send_all(self, &message, sizeof(message)) || !send_all(self, input, input_length) ||
        !receive_header(self, WIRE_REPLY, &message, &cancel)) {
        return (int32_t)STATUS_DEVICE_REMOVED;
    }
    if (message.length > output_length) {
        self->lost = true;
    } else {
        receive_all(self, output, message.length, &cancel);
    }
    *returned = message.output_length;
    return self->lost ? (int32_t)STATUS_DEVICE_REMOVED : message.status;
}

/** Says why there is no way. */
static struct adapter_channel *fail(struct os_problem *problem, enum exit_status status,
                                    const char *name, const char *what, const char *remedy)
{
    problem->status = status;
    snprintf(problem->what, sizeof(problem->what), "%.200s: %.150s", name, what);
    snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
    return NULL;
}

/** Why connect() failed. */
static struct adapter_channel *explain(struct os_problem *problem, const char *name, int error)
{
    if (error == EACCES || error == EPERM) {
        return fail(problem, EXIT_PERMISSION, name,
                    "permission denied: the socket's mode decides who may use the adapter",
                    "ask the host's owner, who sets it with --control-mode and --control-group");
    }
    if (error == ENOENT || error == ECONNREFUSED) {
        return fail(problem, EXIT_NO_ADAPTER, name, "no adapter: no host listens there",
                    "start one: nthost run --control NAME");
    }
    return fail(problem, EXIT_NO_ADAPTER, name, strerror(error),
                "name the host's control socket: nthost run --control NAME");
}

/** The host says whether the adapter may be opened. */
static bool read_hello(struct socket_channel *self, const char *name, struct os_problem *problem)
{
    struct wire_message hello;
    bool cancel = false;

    if (!receive_header(self, WIRE_HELLO, &hello, &cancel)) {
        fail(problem, EXIT_NO_ADAPTER, name, "what listens there is no host of this version",
             "use nthost and vminictl of one release");
    } else if (hello.status == (int32_t)STATUS_ACCESS_DENIED) {
        fail(problem, EXIT_PERMISSION, name,
             "access denied: the security descriptor of the INF lets only administrators open "
             "the adapter",
             "run as the host's own user or as root");
    } else if (hello.status == (int32_t)STATUS_NO_SUCH_DEVICE) {
        fail(problem, EXIT_NO_ADAPTER, name, "no adapter: the host runs, but none is started",
             "start it there; `why` says more");
    } else if (hello.status != STATUS_SUCCESS) {
        fail(problem, EXIT_REFUSED, name, "the host is busy with too many programs",
             "end some of them");
    } else {
        return true;
    }
    return false;
}

struct adapter_channel *os_open(const char *name, struct os_problem *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct socket_channel *self;

    if (name == NULL) {
        return fail(problem, EXIT_NO_ADAPTER, "no adapter",
                    "no control socket of a running host was named",
                    "--control NAME or VMINI_CONTROL, the name that nthost run --control got");
    }
    if (strlen(name) >= sizeof(address.sun_path)) {
        return explain(problem, name, ENAMETOOLONG);
    }
    strcpy(address.sun_path, name);
    self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return explain(problem, name, ENOMEM);
    }
    self->channel.call = call;
    self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (self->fd < 0 ||
        connect(self->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        explain(problem, name, errno);
    } else if (read_hello(self, name, problem)) {
        return &self->channel;
    }
    os_close(&self->channel);
    return NULL;
}

bool os_take_volumes(struct adapter_channel *channel, const WCHAR *path, VMINI_ADDRESS at,
                     bool force, struct os_problem *problem)
{
    (void)channel;
    (void)path;
    (void)at;
    (void)force;
    (void)problem;
    return true;
}

void os_close(struct adapter_channel *channel)
{
    struct socket_channel *self = (struct socket_channel *)channel;

    if (self->fd >= 0) {
        close(self->fd);
    }
    free(self);
}

bool os_lost(const struct adapter_channel *channel)
{
    return ((const struct socket_channel *)channel)->lost;
}
