/*
 * nthost trace render FILE.json: the command line before tools/trace.
 */
#include "tools/nthost/tracing.h"

#include "tools/nthost/address.h"
#include "tools/trace/lanes.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define ADVICE "see nthost help trace"

enum option_code {
    OPT_SRB = 256,
    OPT_FROM,
    OPT_TO,
    OPT_ONLY,
    OPT_ALL,
    OPT_TITLE,
    OPT_OUTPUT,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"srb", required_argument, NULL, OPT_SRB},
    {"from", required_argument, NULL, OPT_FROM},
    {"to", required_argument, NULL, OPT_TO},
    {"only", required_argument, NULL, OPT_ONLY},
    {"all", no_argument, NULL, OPT_ALL},
    {"title", required_argument, NULL, OPT_TITLE},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

struct arguments {
    struct lanes_options lanes;
    const char *input, *output;
    bool help;
};

void tracing_help(void)
{
    puts(
        "usage: nthost trace render FILE.json [OPTION]...\n"
        "\n"
        "Draws a run that `nthost run --trace FILE.json` has recorded as one SVG file: a lane for\n"
        "each thread, the IRQL as colour, virtual time and SRBs at the left. (Perfetto opens the\n"
        "same FILE.json.)\n"
        "\n"
        "  --srb N|COMMAND   only the way of SRB number N, or of the last one with that command:\n"
        "                    --srb 'READ(10)'\n"
        "  --from N, --to N  only these records\n"
        "  --only FILE       only the functions that FILE names, one a line\n"
        "  --all             also what the host calls of itself\n"
        "  --title TEXT      the line above the picture\n"
        "  --output FILE     writes there, not to standard output\n"
        "\n"
        "Functions are in a trace if the driver was built with -finstrument-functions: `make\n"
        "build/calls/vmini.so`, then nthost run --driver build/calls/vmini.so.");
}

static bool take_option(int code, const char *value, struct arguments *arguments)
{
    switch (code) {
    case OPT_SRB:
        arguments->lanes.srb = value;
        return true;
    case OPT_FROM:
        return number_parse(value, "record", UINT64_MAX, &arguments->lanes.from);
    case OPT_TO:
        return number_parse(value, "record", UINT64_MAX, &arguments->lanes.to);
    case OPT_ONLY:
        arguments->lanes.only = value;
        return true;
    case OPT_ALL:
        arguments->lanes.all = true;
        return true;
    case OPT_TITLE:
        arguments->lanes.title = value;
        return true;
    case OPT_OUTPUT:
        arguments->output = value;
        return true;
    default:
        arguments->help = true;
        return true;
    }
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
    int code;

    memset(arguments, 0, sizeof(*arguments));
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (code == ':') {
            return tool_fail(ADVICE, "option %s wants a value", argv[optind - 1]);
        }
        if (code == '?') {
            return tool_fail(ADVICE, "unknown or ambiguous option %s", argv[optind - 1]);
        }
        if (!take_option(code, optarg, arguments)) {
            return false;
        }
    }
    if (arguments->help) {
        return true;
    }
    if (optind >= argc || strcmp(argv[optind], "render") != 0) {
        return tool_fail(ADVICE, "trace wants to know what to do: render FILE.json");
    }
    if (optind + 2 != argc) {
        return tool_fail(ADVICE, "render wants one file");
    }
    arguments->input = argv[optind + 1];
    return true;
}

/** Draws it, to a file or to standard output. */
static bool draw(const char *path, const struct lanes *lanes)
{
    FILE *out = path == NULL ? stdout : fopen(path, "w");
    bool ok;

    if (out == NULL) {
        return tool_fail("check the path and the rights", "%s: %s", path, strerror(errno));
    }
    lanes_svg(out, lanes);
    ok = fflush(out) == 0 && !ferror(out);
    if (out != stdout) {
        ok = fclose(out) == 0 && ok;
    }
    return ok || tool_fail("check the room on the disk", "%s: %s",
                           path == NULL ? "standard output" : path, strerror(errno));
}

enum tool_exit tracing(int argc, char **argv)
{
    struct arguments arguments;
    struct steps steps = {0};
    struct lanes *lanes;
    bool ok;

    if (!parse(argc, argv, &arguments)) {
        return TOOL_USAGE;
    }
    if (arguments.help) {
        tracing_help();
        return TOOL_OK;
    }
    lanes = malloc(sizeof(*lanes));
    ok = lanes != NULL && steps_load(arguments.input, &steps) &&
         lanes_choose(&steps, &arguments.lanes, lanes) && draw(arguments.output, lanes);
    free(lanes);
    steps_free(&steps);
    return ok ? TOOL_OK : TOOL_FAILED;
}
