/*
 * Subcommands that look at an installed machine, or change it, between its runs. Each boots a
 * machine from the registry file, obeys one of the prompt's commands, and shuts down: the registry
 * is then written back.
 */
#include "tools/nthost/setup.h"

#include "install.h"
#include "tools/nthost/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGISTRY_VARIABLE "NTHOST_REGISTRY"
#define SETUP_WORDS       64

void setup_help(void)
{
    puts("usage: nthost inf check FILE [--test-signing] [--build N]\n"
         "       nthost inf install FILE [HWID] [--driver IMAGE] [--no-device] [--test-signing]\n"
         "       nthost devices\n"
         "       nthost remove [--service]\n"
         "       nthost reg query KEY [VALUE] [--all]\n"
         "       nthost reg add KEY VALUE TYPE DATA...\n"
         "       nthost reg delete KEY [VALUE]\n"
         "       nthost why\n"
         "\n"
         "The same commands as at the prompt of `nthost run`, for a machine that is not running. "
         "All but `inf check` want\n"
         "\n"
         "  --registry FILE   the machine's registry; inf install makes it when it is not there, "
         "as\n"
         "                    nthost run does. Or set " REGISTRY_VARIABLE "\n"
         "\n"
         "inf check     what InfVerif would say: file, line, number, what to do. --build N: must "
         "have\n"
         "              models for that build of Windows 10 (16299)\n"
         "inf install   service, device node with the hardware ID, registry values. The driver is "
         "the\n"
         "              package's own file or --driver. --no-device: the service alone, as `sc "
         "create`\n"
         "              makes it. --test-signing: the catalog may be missing\n"
         "devices       the device tree\n"
         "remove        takes the device node away; --service: and the service\n"
         "reg           the registry\n"
         "why           starts what is installed, and says why it works or does not\n"
         "\n"
         "Exit status: 0 all well, 1 something failed, 2 usage.");
}

/** Boots from the registry file. */
static bool boot(const char *registry)
{
    struct host_options options = {
        .sched = {.kind = SCHED_SEEDED, .seed = 1}, .verifier = true, .registry_file = registry};
    struct host_error error;

    return host_boot(&options, &error) || tool_fail_host(&error);
}

static bool shut_down(void)
{
    return host_halt(stderr) == 0 ||
           tool_fail("see what was said before", "the machine did not end as it should");
}

/** Takes the registry's name out of the arguments. \return NULL: none is named. */
static const char *take_registry(int *argc, char **argv)
{
    const char *named = argument_value(argc, argv, "--registry");

    return named != NULL ? named : getenv(REGISTRY_VARIABLE);
}

static bool is_missing(const char *path)
{
    struct stat status;

    return stat(path, &status) != 0 && errno == ENOENT;
}

/** Is a registry named, and is it there? Only installing makes one: to anything else, a file that
 * is not there is a name that was mistyped. */
static bool has_registry(const char *command, const char *registry, bool installs)
{
    if (registry == NULL) {
        return tool_misuse("--registry FILE; inf install makes it", "%s: which machine?", command);
    }
    return installs || !is_missing(registry) ||
           tool_fail("name one that is there; nthost inf install --registry FILE makes one, nthost "
                     "run --registry FILE too",
                     "there is no registry %s", registry);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            setup_help();
            return true;
        }
    }
    return false;
}

/** What the prompt calls `remove --device`: here nothing is started that could merely be stopped. */
static bool obey(int argc, char **argv)
{
    struct session session = {0};
    char *words[SETUP_WORDS + 2] = {argv[0]};
    int count = 1;

    if (argc > SETUP_WORDS) {
        return tool_fail("see nthost help inf", "more than %d words", SETUP_WORDS);
    }
    if (strcmp(argv[0], "remove") == 0) {
        words[count++] = (char *)(uintptr_t) "--device";
    }
    for (int i = 1; i < argc; i++) {
        words[count++] = argv[i];
    }
    return command_words(&session, count, words);
}

enum tool_exit setup(int argc, char **argv)
{
    const char *registry;
    bool inf, checks, makes, ok;

    if (wants_help(argc, argv)) {
        return TOOL_OK;
    }
    registry = take_registry(&argc, argv);
    if (!command_fits(argc, argv)) {
        return TOOL_USAGE;
    }
    inf = strcmp(argv[0], "inf") == 0;
    checks = inf && strcmp(argv[1], "check") == 0;
    makes = inf && !checks && registry != NULL && is_missing(registry);
    if ((!checks && !has_registry(argv[0], registry, inf)) || !boot(checks ? NULL : registry)) {
        return tool_failure();
    }
    ok = obey(argc, argv);
    makes = makes && !ok;
    ok = shut_down() && ok;
    if (makes) {
        unlink(registry); /* A machine on which nothing was installed: nobody asked for that. */
    }
    return ok ? TOOL_OK : tool_failure();
}

enum tool_exit setup_why(int argc, char **argv)
{
    const char *registry;
    struct host_error error;
    bool works;

    if (wants_help(argc, argv)) {
        return TOOL_OK;
    }
    registry = take_registry(&argc, argv);
    if (argc != 1) {
        tool_misuse("see nthost why --help", "why takes no arguments");
        return TOOL_USAGE;
    }
    if (!has_registry(argv[0], registry, false) || !boot(registry)) {
        return tool_failure();
    }
    works = host_start(&error);
    host_why(stdout);
    return shut_down() && works ? TOOL_OK : TOOL_FAILED;
}
