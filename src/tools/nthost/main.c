/*
 * nthost: a small Windows for a Storport miniport to live in, on the command line. This file only
 * finds the subcommand.
 */
#include "tools/nthost/demo.h"
#include "tools/nthost/options.h"
#include "tools/nthost/probing.h"
#include "tools/nthost/racing.h"
#include "tools/nthost/run.h"
#include "tools/nthost/setup.h"
#include "tools/nthost/serve.h"
#include "tools/nthost/tool.h"
#include "tools/nthost/tracing.h"

#include <string.h>

struct subcommand {
    const char *name;
    const char *help;
    void (*explain)(void);
    enum tool_exit (*run)(const struct options *options);
    enum tool_exit (*command)(int argc, char **argv); /**< Reads its own options, instead of run. */
};

static const struct subcommand subcommands[] = {
    {"run", "boots, connects images, obeys commands (prompt or script)", options_help_run, run,
     NULL},
    {"serve", "offers the bus as iSCSI targets, for real initiators", serve_help, NULL, serve},
    {"demo", "copies a disk through SRBs and shows what happens", options_help_demo, demo, NULL},
    {"race", "plays what happens at once, under every schedule", racing_help, NULL, racing},
    {"probe", "judges the driver's answers by the standard, byte by byte", probing_help, NULL,
     probing},
    {"trace", "draws a recorded run: threads, IRQL, SRBs, as one SVG", tracing_help, NULL, tracing},
    {"inf", "checks an INF, installs a driver package", setup_help, NULL, setup},
    {"devices", "the device nodes of an installed machine", setup_help, NULL, setup},
    {"remove", "takes its device node away", setup_help, NULL, setup},
    {"reg", "its registry", setup_help, NULL, setup},
    {"why", "why its adapter works, or does not", setup_help, NULL, setup_why},
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static const struct subcommand *find(const char *name)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(subcommands[i].name, name) == 0) {
            return &subcommands[i];
        }
    }
    tool_fail("nthost --help lists them", "there is no subcommand \"%s\"", name);
    return NULL;
}

static void overview(FILE *out)
{
    fputs("usage: nthost SUBCOMMAND [OPTION]...\n\n", out);
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        fprintf(out, "  nthost %-7s %s\n", subcommands[i].name, subcommands[i].help);
    }
    fputs("\n  nthost help SUBCOMMAND, nthost --version\n", out);
}

static enum tool_exit help(const char *name)
{
    const struct subcommand *row;

    if (name == NULL) {
        overview(stdout);
        return TOOL_OK;
    }
    row = find(name);
    if (row == NULL) {
        return TOOL_USAGE;
    }
    row->explain();
    return TOOL_OK;
}

int main(int argc, char **argv)
{
    const struct subcommand *row;
    struct options options;

    if (argc < 2) {
        overview(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        return help(argc > 2 ? argv[2] : NULL);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("nthost " TOOL_VERSION);
        return TOOL_OK;
    }
    row = find(argv[1]);
    if (row != NULL && row->command != NULL) {
        return row->command(argc - 1, argv + 1);
    }
    if (row == NULL || !options_parse(argc - 1, argv + 1, row->run == demo, &options)) {
        return TOOL_USAGE;
    }
    if (options.help) {
        row->explain();
        return TOOL_OK;
    }
    return row->run(&options);
}
