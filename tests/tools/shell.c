/*
 * Programs run as a person or a script runs them, see shell.h.
 */
#include "tools/shell.h"

#include <CUnit/Basic.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define MAXIMUM_ARGUMENTS 32

struct shell shell;

void write_file(const char *name, const void *data, size_t length)
{
    FILE *file = fopen(name, "wb");

    CU_ASSERT_FATAL(file != NULL && fwrite(data, 1, length, file) == length && fclose(file) == 0);
}

void make_image(const char *name, off_t size)
{
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

    CU_ASSERT_FATAL(file >= 0 && ftruncate(file, size) == 0 && close(file) == 0);
}

char *read_file(const char *name, size_t *length)
{
    FILE *file = fopen(name, "rb");
    char *text = NULL;
    size_t used = 0, room = 0;

    CU_ASSERT_FATAL(file != NULL);
    do {
        room = room * 2 + 4096;
        text = realloc(text, room);
        CU_ASSERT_FATAL(text != NULL);
        used += fread(text + used, 1, room - used - 1, file);
    } while (used == room - 1);
    fclose(file);
    text[used] = '\0';
    if (length != NULL) {
        *length = used;
    }
    return text;
}

void copy_of_inf(const char *name, const char *from, const char *to)
{
    char path[PATH_MAX + 64], *text, *at;
    FILE *file;

    snprintf(path, sizeof(path), "%s/src/driver/05-install/vmini.inf", shell.project);
    text = read_file(path, NULL);
    at = from == NULL ? text : strstr(text, from);
    file = fopen(name, "w");
    CU_ASSERT_FATAL(at != NULL && file != NULL);
    if (from != NULL) {
        fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    } else {
        fputs(text, file);
    }
    CU_ASSERT_FATAL(fclose(file) == 0);
    free(text);
}

struct result shell_spawn(const char *program, char *const *arguments, const char *input)
{
    posix_spawn_file_actions_t actions;
    struct result result = {NULL, -1};
    pid_t child;
    int status;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "output.txt",
                                     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    CU_ASSERT_FATAL(posix_spawnp(&child, program, &actions, NULL, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.text = read_file("output.txt", NULL);
    return result;
}

/** Adds words up to NULL behind `count` that are there. */
static void add_words(char **arguments, int count, const char *first, va_list list)
{
    for (const char *word = first; word != NULL && count < MAXIMUM_ARGUMENTS - 1;
         word = va_arg(list, const char *)) {
        arguments[count++] = (char *)(uintptr_t)word;
    }
}

struct result tool(const char *first, ...)
{
    char *arguments[MAXIMUM_ARGUMENTS] = {shell.nthost};
    va_list list;

    va_start(list, first);
    add_words(arguments, 1, first, list);
    va_end(list);
    return shell_spawn(shell.nthost, arguments, "/dev/null");
}

bool have_somebody_else(void)
{
    if (geteuid() != 0) {
        printf("\n    skipped: only root can run a program as another user ");
        return false;
    }
    return true;
}

void copy_file(const char *from, const char *name, mode_t mode)
{
    size_t length;
    char *data = read_file(from, &length);

    write_file(name, data, length);
    CU_ASSERT(chmod(name, mode) == 0);
    free(data);
}

struct result as_nobody(const char *program, const char *first, ...)
{
    char *arguments[MAXIMUM_ARGUMENTS] = {(char *)"setpriv", (char *)"--reuid=" NOBODY_TEXT,
                                          (char *)"--regid=" NOBODY_TEXT, (char *)"--clear-groups",
                                          (char *)(uintptr_t)program};
    va_list list;

    va_start(list, first);
    add_words(arguments, 5, first, list);
    va_end(list);
    return shell_spawn("setpriv", arguments, "/dev/null");
}

struct result script(const char *text, const char *option, const char *value)
{
    write_file("script.txt", text, strlen(text));
    return tool("run", "--driver", shell.driver, "--script", "script.txt", option, value, NULL);
}

bool contains(const struct result *result, const char *what)
{
    if (strstr(result->text, what) != NULL) {
        return true;
    }
    fprintf(stderr, "\n--- this is missing: %s\n--- in this output (status %d):\n%s---\n", what,
            result->status, result->text);
    return false;
}

bool ended(const struct result *result, int status)
{
    if (result->status == status) {
        return true;
    }
    fprintf(stderr, "\n--- exit status %d, not %d, after:\n%s---\n", result->status, status,
            result->text);
    return false;
}

int shell_set_up(void)
{
    const char *program = getenv("VMINI_NTHOST"), *image = getenv("VMINI_DRIVER");
    const char *fixtures = getenv("VMINI_FIXTURES"), *temporary = getenv("TMPDIR");
    char path[PATH_MAX];

    if (program == NULL || image == NULL || fixtures == NULL) {
        fprintf(stderr, "set VMINI_NTHOST, VMINI_DRIVER and VMINI_FIXTURES, as `make test` does\n");
        return 1;
    }
    snprintf(path, sizeof(path), "%.4000s/rule_irql-too-high.so", fixtures);
    if (realpath(program, shell.nthost) == NULL || realpath(image, shell.driver) == NULL ||
        realpath(path, shell.culprit) == NULL ||
        getcwd(shell.project, sizeof(shell.project)) == NULL) {
        fprintf(stderr, "%s, %s or %s: %s; build it\n", program, image, path, strerror(errno));
        return 1;
    }
    snprintf(shell.directory, sizeof(shell.directory), "%s/nthost-XXXXXX",
             temporary != NULL ? temporary : "/tmp");
    return mkdtemp(shell.directory) == NULL || chmod(shell.directory, 0755) != 0 ||
           chdir(shell.directory) != 0;
}

int shell_tear_down(void)
{
    char *const arguments[] = {(char *)"rm", (char *)"-rf", shell.directory, NULL};
    pid_t child;
    int status = 1;

    if (chdir(shell.project) != 0 ||
        posix_spawnp(&child, "rm", NULL, NULL, arguments, environ) != 0) {
        return 1;
    }
    return waitpid(child, &status, 0) != child || status != 0;
}
