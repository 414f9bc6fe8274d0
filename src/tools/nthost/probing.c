/*
 * The probe's door to this project: which driver, which INF, which images; the checks themselves
 * are in tools/probe and would work with any other driver.
 */
#include "tools/nthost/probing.h"

#include "tools/nthost/address.h"
#include "tools/nthost/control.h"
#include "tools/nthost/machine.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEFORE_DRIVER "variants/before/build/vmini.so"
#define ADVICE        "see nthost help probe"

enum option_code {
    OPT_DRIVER = 256,
    OPT_INF,
    OPT_BEFORE,
    OPT_COMPARE,
    OPT_DEVICE,
    OPT_CDROM,
    OPT_FORMAT,
    OPT_OUTPUT,
    OPT_ONLY,
    OPT_LIST,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"driver", required_argument, NULL, OPT_DRIVER},
    {"inf", required_argument, NULL, OPT_INF},
    {"before", no_argument, NULL, OPT_BEFORE},
    {"compare", required_argument, NULL, OPT_COMPARE},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"cdrom", required_argument, NULL, OPT_CDROM},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"only", required_argument, NULL, OPT_ONLY},
    {"list", no_argument, NULL, OPT_LIST},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/** What the command line says. */
struct arguments {
    struct probe_options probe;
    const char *driver, *compare, *inf;
    bool before, list, help;
};

void probing_help(void)
{
    puts("usage: nthost probe [OPTION]... [IMG] [--cdrom ISO]\n"
         "\n"
         "Sends what a protocol analyser and Windows send, and judges every answer by the "
         "standard.\n"
         "Each check has a process of its own: a bugcheck is that check's result.\n"
         "\n"
         "  IMG               a disk image for the checks that only read; it is opened read-only.\n"
         "                    Without it, and for checks that write, the probe makes images.\n"
         "  --cdrom ISO       the same for a CD-ROM\n"
         "  --driver FILE     the miniport's image (default: vmini.so beside nthost)\n"
         "  --before          the driver as it was before the fixes (make before builds it); as\n"
         "                    HTML, beside the one that --compare or else the default names\n"
         "  --compare FILE    a second driver, in a second column: text and HTML\n"
         "  --inf FILE        its INF (default: the one of the driver's tree)\n"
         "  --device P:T:L    where the unit under test is connected (default 0:0:0)\n"
         "  --format FORMAT   text, json or html\n"
         "  --output FILE     writes the report there\n"
         "  --only ID         one check only; --list prints all of them\n"
         "\n"
         "Exit status: 0 nothing found, 1 findings (of the second driver, if there are two), or\n"
         "the checks could not run, 2 usage.");
}

bool probing_connect(const char *path, enum probe_kind kind, const struct probe_address *at)
{
    static const uint32_t flags[] = {
        [PROBE_DISK] = 0,
        [PROBE_DISK_READ_ONLY] = VMINI_CONNECT_READ_ONLY,
        [PROBE_DISK_REMOVABLE] = VMINI_CONNECT_REMOVABLE,
        [PROBE_DISK_THIN] = VMINI_CONNECT_THIN,
        [PROBE_CDROM] = VMINI_CONNECT_CDROM,
    };
    struct address address = {at->path, at->target, at->lun};
    struct control_image image = {.path = path, .flags = flags[kind], .at = &address};
    VMINI_CONNECT_OUT out;

    return control_connect(&image, &out);
}

static bool parse_format(const char *text, enum probe_format *format)
{
    static const char *const names[] = {"text", "json", "html"};

    for (int i = PROBE_TEXT; i <= PROBE_HTML; i++) {
        if (strcmp(text, names[i]) == 0) {
            *format = (enum probe_format)i;
            return true;
        }
    }
    return tool_fail("text, json or html", "--format %s: there is no such format", text);
}

static bool parse_device(const char *text, struct probe_address *device)
{
    struct address address;

    if (!address_parse(text, &address)) {
        return false;
    }
    *device = (struct probe_address){address.path, address.target, address.lun};
    return true;
}

static bool take_option(int code, const char *value, struct arguments *arguments)
{
    switch (code) {
    case OPT_DRIVER:
        arguments->driver = value;
        return true;
    case OPT_INF:
        arguments->inf = value;
        return true;
    case OPT_BEFORE:
        arguments->before = true;
        return true;
    case OPT_COMPARE:
        arguments->compare = value;
        return true;
    case OPT_DEVICE:
        return parse_device(value, &arguments->probe.address);
    case OPT_CDROM:
        arguments->probe.cdrom = value;
        return true;
    case OPT_FORMAT:
        return parse_format(value, &arguments->probe.format);
    case OPT_OUTPUT:
        arguments->probe.output = value;
        return true;
    case OPT_ONLY:
        arguments->probe.only = value;
        return true;
    case OPT_LIST:
        arguments->list = true;
        return true;
    case OPT_HELP:
        arguments->help = true;
        return true;
    default:
        return false;
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
    arguments->probe.disk = argv[optind];
    if (optind + 1 < argc) {
        return tool_fail(ADVICE, "\"%s\": one image is enough", argv[optind + 1]);
    }
    if (arguments->before && arguments->driver != NULL) {
        return tool_fail("--compare names a second driver", "--before and --driver name one each");
    }
    if (arguments->compare != NULL && arguments->probe.format == PROBE_JSON) {
        return tool_fail("run it once for each driver", "--compare: JSON has one driver only");
    }
    return true;
}

/** Finds driver and INF. \param name for the report; NULL: the file's. */
static bool find_driver(const char *file, const char *inf, const char *name,
                        struct machine_files *files, struct probe_driver *driver)
{
    struct machine_options options = {.driver = file, .inf = inf};

    if (!machine_find(&options, files)) {
        return false;
    }
    *driver = (struct probe_driver){
        .name = name != NULL ? name : strrchr(files->driver, '/') + 1,
        .file = files->driver,
        .inf = files->inf,
    };
    return true;
}

static bool find_before(char *path, size_t size)
{
    if (!machine_beside(BEFORE_DRIVER, path, size)) {
        return false;
    }
    return access(path, R_OK) == 0 || tool_fail("make before builds it", "there is no %s", path);
}

enum tool_exit probing(int argc, char **argv)
{
    static struct machine_files files, compare_files;
    struct arguments arguments;
    char before[PATH_MAX];
    bool two;

    if (!parse(argc, argv, &arguments)) {
        return TOOL_USAGE;
    }
    if (arguments.help || arguments.list) {
        arguments.help ? probing_help() : probe_list(stdout);
        return TOOL_OK;
    }
    if (arguments.before) {
        if (!find_before(before, sizeof(before))) {
            return TOOL_FAILED;
        }
        arguments.driver = before;
    }
    two = arguments.compare != NULL || (arguments.before && arguments.probe.format == PROBE_HTML);
    if (!find_driver(arguments.driver, arguments.inf, arguments.before ? "before" : NULL, &files,
                     &arguments.probe.driver) ||
        (two && !find_driver(arguments.compare, NULL, arguments.before ? "finished" : NULL,
                             &compare_files, &arguments.probe.compare))) {
        return TOOL_FAILED;
    }
    arguments.probe.connect = probing_connect;
    arguments.probe.colours = tool_style(STYLE_BOLD)[0] != '\0' && arguments.probe.output == NULL;
    return (enum tool_exit)probe_run(&arguments.probe);
}
