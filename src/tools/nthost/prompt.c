/*
 * The interactive loop. The first word completes to a command, every other one to a file, which is
 * libedit's default.
 */
#include "tools/nthost/prompt.h"

#include "tools/nthost/loop.h"
#include "tools/nthost/tool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <editline/readline.h>

static char *next_command(const char *text, int state)
{
    static size_t index;
    const char *name;

    if (state == 0) {
        index = 0;
    }
    while ((name = command_name_at(index)) != NULL) {
        index++;
        if (strncmp(name, text, strlen(text)) == 0) {
            return strdup(name);
        }
    }
    return NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)end;
    return start == 0 ? rl_completion_matches(text, next_command) : NULL;
}

/** libedit calls this instead of waiting for a key. */
static int serve_meanwhile(void)
{
    loop_until_input(STDIN_FILENO);
    return 0;
}

void prompt_run(struct session *session, bool serve)
{
    char *line;

    rl_readline_name = "nthost";
    rl_attempted_completion_function = complete;
    rl_event_hook = serve ? serve_meanwhile : NULL;
    using_history();
    puts("vmini in its host. `help` lists the commands, `connect FILE` serves an image, `quit` "
         "ends.");
    while (!session->quit && (line = readline("nthost> ")) != NULL) {
        if (line[strspn(line, " \t")] != '\0') {
            add_history(line);
            command_line(session, line);
        }
        free(line);
    }
    if (!session->quit) {
        putchar('\n');
    }
}
