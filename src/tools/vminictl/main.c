/*
 * vminictl: the management application of vmini, as a console program. It connects and disconnects
 * images, and watches what happens. This file reads the command line; getopt_long is on both
 * systems.
 * \article{Part III, OsrVmSampleMgmt}
 */
#include "tools/vminictl/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "1.0.0"

enum option_code {
    OPT_CDROM = 256,
    OPT_READ_ONLY,
    OPT_REMOVABLE,
    OPT_THIN,
    OPT_AT,
    OPT_JSON,
    OPT_COUNT,
    OPT_SINCE,
    OPT_CONTROL,
    OPT_FORCE,
};

#define COMMON                                                                                     \
    {"control", required_argument, NULL, OPT_CONTROL}, {"help", no_argument, NULL, 'h'},           \
    {                                                                                              \
        0                                                                                          \
    }

static const struct option connect_options[] = {
    {"cdrom", no_argument, NULL, OPT_CDROM},
    {"read-only", no_argument, NULL, OPT_READ_ONLY},
    {"removable", no_argument, NULL, OPT_REMOVABLE},
    {"thin", no_argument, NULL, OPT_THIN},
    {"at", required_argument, NULL, OPT_AT},
    {"json", no_argument, NULL, OPT_JSON},
    COMMON,
};
static const struct option disconnect_options[] = {{"force", no_argument, NULL, OPT_FORCE}, COMMON};
static const struct option json_options[] = {{"json", no_argument, NULL, OPT_JSON}, COMMON};
static const struct option watch_options[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {"count", required_argument, NULL, OPT_COUNT},
    {"since", required_argument, NULL, OPT_SINCE},
    COMMON,
};

static const struct command {
    const char *name;
    const char *arguments;
    const char *help;
    const struct option *options;
    bool takes_target;
    enum exit_status (*run)(const struct request *request);
} commands[] = {
    {"connect", "PATH [--cdrom] [--read-only] [--removable] [--thin] [--at P:T:L] [--json]",
     "serves an image file as a disk or CD-ROM", connect_options, true, command_connect},
    {"disconnect", "PATH|P:T:L [--force]",
     "dismounts what is on it, takes it away, closes the file", disconnect_options, true,
     command_disconnect},
    {"list", "[--json]", "what is connected", json_options, false, command_list},
    {"ping", "[--json]", "version and limits of the adapter", json_options, false, command_ping},
    {"watch", "[--json] [--count N] [--since N]",
     "prints arrivals, departures and media errors as they happen", watch_options, false,
     command_watch},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
    fputs("usage: vminictl COMMAND [ARGUMENT]... [--control NAME]\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  vminictl %s %s\n      %s\n", commands[i].name, commands[i].arguments,
                commands[i].help);
    }
    fprintf(out,
            "\n"
            "  --cdrom       2048-byte blocks, read-only: a CD-ROM\n"
            "  --read-only   opens the file for reading only\n"
            "  --removable   a disk whose medium can be ejected\n"
            "  --thin        thin provisioned: UNMAP gives space back to the file system\n"
            "  --at P:T:L    path, target and logical unit; without it the first that is free\n"
            "  --force       disconnects it although a volume on it is in use (Windows): what has\n"
            "                not been written yet is lost\n"
            "  --json        the answer as JSON; watch: one object a line\n"
            "  --count N     watch ends after N events\n"
            "  --since N     watch begins after event N; without it, with the oldest that the\n"
            "                driver remembers\n"
            "  --control NAME\n"
            "                %s\n"
            "\n"
            "Exit status: 0 all well, 1 the driver refused, 2 usage, 3 no adapter, 4 not\n"
            "permitted, 130 interrupted.\n",
            os_name_help);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static bool read_number(const char *text, const char *what, uint64_t *value)
{
    char *end;

    *value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0') {
        return true;
    }
    complain(EXIT_USAGE, "give a decimal number", "%s \"%s\" is no number", what, text);
    return false;
}

/** One option. */
static bool take(int code, struct request *request)
{
    switch (code) {
    case OPT_CDROM:
        request->flags |= VMINI_CONNECT_CDROM;
        return true;
    case OPT_READ_ONLY:
        request->flags |= VMINI_CONNECT_READ_ONLY;
        return true;
    case OPT_REMOVABLE:
        request->flags |= VMINI_CONNECT_REMOVABLE;
        return true;
    case OPT_THIN:
        request->flags |= VMINI_CONNECT_THIN;
        return true;
    case OPT_FORCE:
        request->force = true;
        return true;
    case OPT_JSON:
        request->json = true;
        return true;
    case OPT_CONTROL:
        request->adapter = optarg;
        return true;
    case OPT_COUNT:
        return read_number(optarg, "--count", &request->count);
    case OPT_SINCE:
        return read_number(optarg, "--since", &request->since);
    default:
        if (address_read(optarg, &request->at)) {
            return true;
        }
        complain(EXIT_USAGE, "path:target:unit, for example 0:1:0", "\"%s\" is no address", optarg);
        return false;
    }
}

/** Reads a command's arguments; argv[0] is its name. \return false: *status is to be returned. */
static bool read_arguments(const struct command *command, int argc, char **argv,
                           struct request *request, enum exit_status *status)
{
    int code;

    *status = EXIT_USAGE;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":h", command->options, NULL)) != -1) {
        if (code == 'h') {
            usage(stdout);
            *status = EXIT_FINE;
            return false;
        }
        if (code == ':' || code == '?') {
            complain(EXIT_USAGE, "vminictl --help", "%s: %s %s", command->name,
                     code == ':' ? "a value is missing behind" : "unknown or ambiguous option",
                     argv[optind - 1]);
            return false;
        }
        if (!take(code, request)) {
            return false;
        }
    }
    if (argc - optind != (command->takes_target ? 1 : 0)) {
        complain(EXIT_USAGE, "put quotes around a path with blanks", "usage: vminictl %s %s",
                 command->name, command->arguments);
        return false;
    }
    request->target = command->takes_target ? argv[optind] : NULL;
    return true;
}

int main(int argc, char **argv)
{
    struct request request = {.at = ADAPTER_ANYWHERE};
    const struct command *command;
    enum exit_status status;

    os_begin(&argc, &argv);
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_FINE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("vminictl " VERSION);
        return EXIT_FINE;
    }
    command = find(argv[1]);
    if (command == NULL) {
        return (int)complain(EXIT_USAGE, "vminictl --help lists them", "there is no command \"%s\"",
                             argv[1]);
    }
    request.adapter = getenv(os_name_variable);
    if (!read_arguments(command, argc - 1, argv + 1, &request, &status)) {
        return (int)status;
    }
    return (int)command->run(&request);
}
