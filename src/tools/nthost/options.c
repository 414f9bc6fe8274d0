/*
 * getopt_long, with a table for each subcommand; what an option means is the same for both.
 */
#include "tools/nthost/options.h"

#include "tools/nthost/address.h"
#include "tools/nthost/control.h"
#include "tools/nthost/tool.h"

#include <getopt.h>
#include <string.h>

enum option_code {
    OPT_DRIVER = 256,
    OPT_INF,
    OPT_DISK,
    OPT_CDROM,
    OPT_READ_ONLY,
    OPT_REMOVABLE,
    OPT_THIN,
    OPT_SEED,
    OPT_REAL,
    OPT_LEGACY,
    OPT_NO_VERIFIER,
    OPT_TRACE,
    OPT_SCRIPT,
    OPT_AS,
    OPT_UNC,
    OPT_SET,
    OPT_NO_START,
    OPT_NO_INSTALL,
    OPT_REGISTRY,
    OPT_CONTROL,
    OPT_CONTROL_MODE,
    OPT_CONTROL_GROUP,
    OPT_OUTPUT,
    OPT_HELP,
};

static const struct option run_options[] = {
    {"driver", required_argument, NULL, OPT_DRIVER},
    {"inf", required_argument, NULL, OPT_INF},
    {"disk", required_argument, NULL, OPT_DISK},
    {"cdrom", required_argument, NULL, OPT_CDROM},
    {"read-only", no_argument, NULL, OPT_READ_ONLY},
    {"removable", no_argument, NULL, OPT_REMOVABLE},
    {"thin", no_argument, NULL, OPT_THIN},
    {"seed", required_argument, NULL, OPT_SEED},
    {"real", no_argument, NULL, OPT_REAL},
    {"legacy-srbs", no_argument, NULL, OPT_LEGACY},
    {"no-verifier", no_argument, NULL, OPT_NO_VERIFIER},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"as", required_argument, NULL, OPT_AS},
    {"unc", required_argument, NULL, OPT_UNC},
    {"set", required_argument, NULL, OPT_SET},
    {"no-start", no_argument, NULL, OPT_NO_START},
    {"no-install", no_argument, NULL, OPT_NO_INSTALL},
    {"registry", required_argument, NULL, OPT_REGISTRY},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"control-mode", required_argument, NULL, OPT_CONTROL_MODE},
    {"control-group", required_argument, NULL, OPT_CONTROL_GROUP},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static const struct option demo_options[] = {
    {"driver", required_argument, NULL, OPT_DRIVER}, {"inf", required_argument, NULL, OPT_INF},
    {"disk", required_argument, NULL, OPT_DISK},     {"cdrom", required_argument, NULL, OPT_CDROM},
    {"output", required_argument, NULL, OPT_OUTPUT}, {"seed", required_argument, NULL, OPT_SEED},
    {"help", no_argument, NULL, OPT_HELP},           {0},
};

void options_help_run(void)
{
    puts("usage: nthost run [OPTION]...\n"
         "\n"
         "Boots a small Windows, installs the driver, starts it, connects the images, and obeys "
         "commands: from a script,\n"
         "from standard input, or, on a terminal, at a prompt. `help` there lists the commands.\n"
         "\n"
         "  --driver FILE     the miniport's image (default: the file that lies beside --inf FILE, "
         "or vmini.so beside nthost)\n"
         "  --inf FILE        its INF (default: the project's vmini.inf); its catalog may be "
         "missing\n"
         "  --set NAME=VALUE  one of the numbers in the service's Parameters key, e.g. "
         "NumberOfBuses=8\n"
         "  --registry FILE   keeps the registry there; what was installed before is not installed "
         "anew\n"
         "  --no-start        install only; the command `start` starts it\n"
         "  --no-install      not even that; the command `inf install` installs it\n"
         "\n"
         "  --disk IMG        connects a disk image; may be repeated\n"
         "  --cdrom ISO       connects a CD-ROM image; may be repeated\n"
         "  --read-only, --removable, --thin\n"
         "                    hold for every --disk\n"
         "\n"
         "  --script FILE     obeys FILE; an error ends it. \"-\": standard input\n"
         "  --control PATH    a socket for vminictl; without a prompt the host then stays until "
         "SIGINT or SIGTERM\n"
         "  --control-mode MODE, --control-group GROUP\n"
         "                    who may use it (default: 0600). Root, the host's own user, and the "
         "group if the mode lets\n"
         "                    it in are administrators\n"
         "\n"
         "  --as USER[:UID]   who calls: administrator (default) or standard; UID: whose rights to "
         "files count\n"
         "  --unc DIR         the directory that stands for the network: \\\\server\\share is "
         "DIR/server/share\n"
         "\n"
         "  --seed N          seeded scheduler, with this seed (default: 1): the same seed, the "
         "same run\n"
         "  --real            POSIX threads instead: fast, and never the same twice\n"
         "  --legacy-srbs     SCSI_REQUEST_BLOCKs instead of STORAGE_REQUEST_BLOCKs\n"
         "  --no-verifier     without the expensive checks\n"
         "  --trace FILE      writes every record of the run to FILE, also after a bugcheck: as "
         "text, or, if its name ends\n"
         "                    in .json, as Chrome Trace JSON for Perfetto and `nthost trace`\n"
         "  -v, --verbose     prints, after each command, the records that it left\n"
         "\n"
         "Exit status: 0 all well, 1 something failed, 2 usage, 86 bugcheck.");
}

void options_help_demo(void)
{
    puts("usage: nthost demo --disk IMG --cdrom ISO --output NEW [--driver FILE] [--inf FILE] "
         "[--seed N]\n"
         "\n"
         "Boots the host, connects a disk image and a CD-ROM image read-only and a blank disk NEW, "
         "copies the disk block by\n"
         "block through SRBs, reads it back, takes everything down, and shows on the way what "
         "happened. `make demo` calls it\n"
         "and checks the copy. NEW is overwritten.");
}

/** --as USER[:UID]. */
static bool parse_user(const char *text, struct machine_options *machine)
{
    const char *colon = strchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    uint64_t uid = 0;

    if (length == 8 && strncmp(text, "standard", length) == 0) {
        machine->user = HOST_USER_STANDARD;
    } else if (length != 13 || strncmp(text, "administrator", length) != 0) {
        return tool_fail("administrator or standard, and :UID if you like",
                         "--as %s: no such kind of user", text);
    }
    if (colon != NULL && !number_parse(colon + 1, "UID", UINT32_MAX - 1, &uid)) {
        return false;
    }
    machine->unix_uid = (unsigned)uid;
    return true;
}

static bool add_image(struct options *options, const char *path, bool cdrom)
{
    if (options->image_count == OPTIONS_IMAGES) {
        return tool_fail("connect more with the command `connect`", "more than %d images",
                         OPTIONS_IMAGES);
    }
    options->images[options->image_count++] = (struct option_image){path, cdrom};
    return true;
}

/** Options whose value is kept as it is. \return where, or NULL. */
static const char **text_of(int code, struct options *options)
{
    switch (code) {
    case OPT_DRIVER:
        return &options->machine.driver;
    case OPT_INF:
        return &options->machine.inf;
    case OPT_TRACE:
        return &options->trace;
    case OPT_SCRIPT:
        return &options->script;
    case OPT_UNC:
        return &options->machine.host.unc_root;
    case OPT_REGISTRY:
        return &options->machine.host.registry_file;
    case OPT_CONTROL:
        return &options->control.path;
    case OPT_CONTROL_GROUP:
        return &options->control.group;
    case OPT_OUTPUT:
        return &options->output;
    default:
        return NULL;
    }
}

/** Options without a value. */
static void take_flag(int code, struct options *options)
{
    struct host_options *host = &options->machine.host;

    options->disk_flags |= (code == OPT_READ_ONLY ? VMINI_CONNECT_READ_ONLY : 0) |
                           (code == OPT_REMOVABLE ? VMINI_CONNECT_REMOVABLE : 0) |
                           (code == OPT_THIN ? VMINI_CONNECT_THIN : 0);
    options->no_start |= code == OPT_NO_START || code == OPT_NO_INSTALL;
    options->machine.no_install |= code == OPT_NO_INSTALL;
    options->help |= code == OPT_HELP;
    options->verbose |= code == 'v';
    host->sched.kind = code == OPT_REAL ? SCHED_REAL : host->sched.kind;
    host->srb_type = code == OPT_LEGACY ? HOST_SRB_LEGACY : host->srb_type;
    host->verifier &= code != OPT_NO_VERIFIER;
}

/** One option. */
static bool take(int code, const char *value, struct options *options)
{
    const char **text = text_of(code, options);

    if (text != NULL) {
        *text = value;
        return true;
    }
    switch (code) {
    case OPT_DISK:
    case OPT_CDROM:
        return add_image(options, value, code == OPT_CDROM);
    case OPT_SEED:
        return number_parse(value, "seed", UINT64_MAX, &options->machine.host.sched.seed);
    case OPT_AS:
        return parse_user(value, &options->machine);
    case OPT_CONTROL_MODE:
        return control_mode_parse(value, &options->control.mode) ||
               tool_fail("for example 0660", "--control-mode %s: no permissions in octal", value);
    case OPT_SET:
        return machine_add_parameter(&options->machine, value);
    default:
        take_flag(code, options);
        return true;
    }
}

bool options_parse(int argc, char **argv, bool demo, struct options *options)
{
    const char *advice = demo ? "see nthost help demo" : "see nthost help run";
    int code;

    memset(options, 0, sizeof(*options));
    options->machine.host.sched =
        (struct sched_options){.kind = SCHED_SEEDED, .seed = 1, .strategy = SCHED_RANDOM};
    options->machine.host.verifier = true;
    opterr = 0;
    while ((code = getopt_long(argc, argv, demo ? ":" : ":v", demo ? demo_options : run_options,
                               NULL)) != -1) {
        if (code == ':') {
            return tool_fail(advice, "option %s wants a value", argv[optind - 1]);
        }
        if (code == '?') {
            return tool_fail(advice, "unknown or ambiguous option %s", argv[optind - 1]);
        }
        if (!take(code, optarg, options)) {
            return false;
        }
    }
    if (optind < argc) {
        return tool_fail(advice, "\"%s\" is no option", argv[optind]);
    }
    return true;
}
