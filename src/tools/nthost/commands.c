/*
 * From a line to a command: splits it into words, finds the row of the table, checks the number of
 * arguments, calls it.
 */
#include "tools/nthost/commands.h"

#include "nt/trace.h"
#include "tools/nthost/tool.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAXIMUM_WORDS 64

static bool help(struct session *session, int argc, char **argv)
{
    (void)session;
    return command_help(argc > 1 ? argv[1] : NULL);
}

static bool echo(struct session *session, int argc, char **argv)
{
    (void)session;
    for (int i = 1; i < argc; i++) {
        printf("%s%s", i > 1 ? " " : "", argv[i]);
    }
    putchar('\n');
    return true;
}

static bool quit(struct session *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    session->quit = true;
    return true;
}

static const struct command commands_general[] = {
    {"help", "[COMMAND]", "lists the commands, or explains one", "", 0, 1, NEEDS_NOTHING, help},
    {"echo", "[WORD]...", "prints the words", "", 0, -1, NEEDS_NOTHING, echo},
    {"quit", "", "shuts the machine down and ends", "", 0, 0, NEEDS_NOTHING, quit},
    {0},
};

static const struct command_group groups[] = {
    {"Images and the bus", commands_bus}, {"SCSI: what a unit says", commands_scsi},
    {"SCSI: blocks", commands_blocks},    {"What is installed", commands_install},
    {"The registry", commands_reg},       {"The adapter's life", commands_adapter},
    {"Looking inside", commands_look},    {"General", commands_general},
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < GROUPS; i++) {
        for (const struct command *row = groups[i].commands; row->name != NULL; row++) {
            if (strcmp(row->name, name) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

const char *command_name_at(size_t index)
{
    for (size_t i = 0; i < GROUPS; i++) {
        for (const struct command *row = groups[i].commands; row->name != NULL; row++) {
            if (index-- == 0) {
                return row->name;
            }
        }
    }
    return NULL;
}

bool command_help(const char *name)
{
    const struct command *row;

    if (name != NULL) {
        row = find(name);
        if (row == NULL) {
            return tool_fail("`help` lists them all", "there is no command \"%s\"", name);
        }
        printf("%s%s%s%s%s\n    %s", tool_style(STYLE_BOLD), row->name, tool_style(STYLE_PLAIN),
               row->arguments[0] != '\0' ? " " : "", row->arguments, row->help);
        printf(row->chapter[0] != '\0' ? "\n    chapter %s\n" : "\n", row->chapter);
        return true;
    }
    for (size_t i = 0; i < GROUPS; i++) {
        printf("%s%s%s\n", tool_style(STYLE_BOLD), groups[i].title, tool_style(STYLE_PLAIN));
        for (row = groups[i].commands; row->name != NULL; row++) {
            char usage[96];

            snprintf(usage, sizeof(usage), "%s %s", row->name, row->arguments);
            printf(strlen(usage) <= 42 ? "  %-42s %s\n" : "  %s\n%45s%s\n", usage,
                   strlen(usage) <= 42 ? row->help : "", row->help);
        }
    }
    puts("A line may begin with ! (it must fail) or # (a comment). \"Quotes\" hold words with "
         "blanks together.");
    return true;
}

/** Splits in place. \return number of words, -1 after a complaint. */
static int split(char *line, char **words)
{
    int count = 0;
    char *at = line;

    for (;;) {
        at += strspn(at, " \t\r\n");
        if (*at == '\0' || *at == '#') {
            words[count] = NULL;
            return count;
        }
        if (count == MAXIMUM_WORDS) {
            tool_fail("split it in two", "the line has more than %d words", MAXIMUM_WORDS);
            return -1;
        }
        bool quoted = *at == '"';
        char *end = quoted ? strchr(at + 1, '"') : at + strcspn(at, " \t\r\n");
        if (end == NULL) {
            tool_fail("close it with another \"", "a quote is open to the end of the line");
            return -1;
        }
        words[count++] = quoted ? at + 1 : at;
        at = end + (*end != '\0');
        *end = '\0';
    }
}

/** Is the first argument one of the verbs that the usage tells, if it tells any? */
static bool verb_fits(const struct command *row, const char *verb)
{
    static const char separator[] = " | ";
    const char *usage = row->arguments, *next = strstr(usage, separator);
    size_t length = strlen(verb);

    if (next == NULL || !islower((unsigned char)usage[0])) {
        return true;
    }
    while (strncmp(usage, verb, length) != 0 || usage[length] != ' ') {
        if (next == NULL) {
            char advice[100];

            snprintf(advice, sizeof(advice), "%s %s", row->name, row->arguments);
            return tool_misuse(advice, "%s: there is no \"%s\"", row->name, verb);
        }
        usage = next + strlen(separator);
        next = strstr(usage, separator);
    }
    return true;
}

bool command_fits(int argc, char **argv)
{
    const struct command *row = find(argv[0]);

    if (row == NULL) {
        return tool_misuse("`help` lists them all", "there is no command \"%s\"", argv[0]);
    }
    if (argc - 1 < row->fewest || (row->most >= 0 && argc - 1 > row->most)) {
        return tool_misuse("see `help`", "usage: %s %s", row->name, row->arguments);
    }
    return argc == 1 || verb_fits(row, argv[1]);
}

bool command_words(struct session *session, int argc, char **argv)
{
    const struct command *row = find(argv[0]);

    if (!command_fits(argc, argv)) {
        return false;
    }
    if (row->need == NEEDS_ADAPTER && session->stopped) {
        return tool_fail("`restart` it first", "%s: the adapter is stopped", argv[0]);
    }
    return row->run(session, argc, argv);
}

/** Runs the words, and prints what they left in the trace if that is wanted. */
static bool run_traced(struct session *session, int argc, char **argv)
{
    size_t from = trace_count();
    bool ok = command_words(session, argc, argv);

    if (session->verbose) {
        fputs(tool_style(STYLE_DIM), stdout);
        trace_print(stdout, from);
        fputs(tool_style(STYLE_PLAIN), stdout);
    }
    return ok;
}

bool command_line(struct session *session, const char *line)
{
    char *words[MAXIMUM_WORDS + 1];
    char *copy = strdup(line);
    char *start = copy == NULL ? NULL : copy + strspn(copy, " \t");
    bool must_fail = start != NULL && *start == '!';
    bool ok = copy != NULL || tool_fail("free some memory", "out of memory");

    if (ok) {
        int count = split(start + must_fail, words);

        tool_expect(must_fail && count > 0);
        ok = count == 0 || (count > 0 && run_traced(session, count, words));
        tool_expect(false);
        if (must_fail && count > 0) {
            ok = !ok || tool_fail("take the ! away", "this had to fail, and did not");
        }
    }
    free(copy);
    return ok;
}

/** Removes `count` words from position `at`. */
static void drop(int *argc, char **argv, int at, int count)
{
    for (int i = at; i + count <= *argc; i++) {
        argv[i] = argv[i + count];
    }
    *argc -= count;
}

bool argument_flag(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            drop(argc, argv, i, 1);
            return true;
        }
    }
    return false;
}

const char *argument_value(int *argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            const char *value = argv[i + 1];

            drop(argc, argv, i, 2);
            return value;
        }
    }
    return NULL;
}

bool arguments_known(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            char advice[80];

            snprintf(advice, sizeof(advice), "see `help %.40s`", argv[0]);
            return tool_misuse(advice, "%s: unknown or incomplete option %s", argv[0], argv[i]);
        }
    }
    return true;
}
