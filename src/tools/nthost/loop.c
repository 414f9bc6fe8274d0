/*
 * libuv's loop, embedded: the terminal is not put under it, because it would make the terminal's
 * reads non-blocking for everybody who shares it.
 */
#include "tools/nthost/loop.h"

#include "tools/nthost/tool.h"

#include <poll.h>
#include <signal.h>

static struct {
    bool running, signals, over;
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    struct control_server *server;
} self;

static void signalled(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
    self.over = true;
}

bool loop_start(const struct control_server_options *options, bool signals)
{
    struct host_error error;

    if (options->path == NULL) {
        return true;
    }
    signal(SIGPIPE, SIG_IGN); /* A program may hang up at any time. */
    uv_loop_init(&self.loop);
    if (!control_server_start(&self.loop, options, &self.server, &error)) {
        uv_loop_close(&self.loop);
        return tool_fail_host(&error);
    }
    printf("control socket: %s\n", options->path);
    self.running = true;
    self.signals = signals;
    if (signals) {
        uv_signal_init(&self.loop, &self.interrupt);
        uv_signal_init(&self.loop, &self.terminate);
        uv_signal_start(&self.interrupt, signalled, SIGINT);
        uv_signal_start(&self.terminate, signalled, SIGTERM);
    }
    return true;
}

bool loop_turn(void)
{
    if (self.running) {
        uv_run(&self.loop, UV_RUN_NOWAIT);
    }
    return !self.over;
}

bool loop_until_input(int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.events = POLLIN}};

    while (self.running && loop_turn()) {
        fds[1].fd = uv_backend_fd(&self.loop);
        if (poll(fds, 2, uv_backend_timeout(&self.loop)) > 0 && fds[0].revents != 0) {
            return true;
        }
    }
    return !self.over;
}

void loop_until_signal(void)
{
    while (self.running && self.signals && !self.over) {
        uv_run(&self.loop, UV_RUN_ONCE);
    }
}

void loop_stop(void)
{
    if (!self.running) {
        return;
    }
    control_server_stop(self.server);
    if (self.signals) {
        uv_close((uv_handle_t *)&self.interrupt, NULL);
        uv_close((uv_handle_t *)&self.terminate, NULL);
    }
    uv_run(&self.loop, UV_RUN_DEFAULT);
    uv_loop_close(&self.loop);
    self.running = false;
}
