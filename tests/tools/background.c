/*
 * Programs beside the test, see background.h.
 */
#include "tools/background.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int seconds(void)
{
    const char *text = getenv("VMINI_CHILD_SECONDS");

    return text != NULL ? atoi(text) : 60;
}

struct background background_start(const char *program, char *const *arguments)
{
    struct background self = {.process = -1};
    posix_spawn_file_actions_t actions;
    int in[2], out[2];

    CU_ASSERT_FATAL(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    CU_ASSERT_FATAL(posix_spawnp(&self.process, program, &actions, NULL, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    self.input = in[1];
    self.output = out[0];
    self.text = calloc(1, 1);
    return self;
}

/** Reads what has come. \return false: it has closed its output, or it took too long. */
static bool read_more(struct background *self)
{
    struct pollfd readable = {.fd = self->output, .events = POLLIN};
    char piece[4096];
    ssize_t count;

    if (poll(&readable, 1, seconds() * 1000) <= 0) {
        return false;
    }
    count = read(self->output, piece, sizeof(piece));
    if (count <= 0) {
        return false;
    }
    self->text = realloc(self->text, self->used + (size_t)count + 1);
    CU_ASSERT_FATAL(self->text != NULL);
    memcpy(self->text + self->used, piece, (size_t)count);
    self->used += (size_t)count;
    self->text[self->used] = '\0';
    return true;
}

bool background_prints(struct background *self, const char *what)
{
    while (strstr(self->text, what) == NULL) {
        if (!read_more(self)) {
            fprintf(stderr, "\n--- never printed: %s\n--- in this output:\n%s---\n", what,
                    self->text);
            return false;
        }
    }
    return true;
}

void background_line(struct background *self, const char *line)
{
    CU_ASSERT(write(self->input, line, strlen(line)) == (ssize_t)strlen(line));
}

struct result background_end(struct background *self, int signal)
{
    struct result result = {NULL, -1};
    int status = -1;

    if (signal != 0) {
        kill(self->process, signal);
    }
    close(self->input);
    while (read_more(self)) {
    }
    close(self->output);
    CU_ASSERT(waitpid(self->process, &status, 0) == self->process);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.text = self->text;
    return result;
}
