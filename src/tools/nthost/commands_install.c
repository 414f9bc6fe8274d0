/*
 * Commands about what is installed: driver packages, device nodes. On Windows: InfVerif, pnputil,
 * devcon, and Device Manager.
 */
#include "tools/nthost/commands.h"

#include "install.h"
#include "tools/nthost/tool.h"

#include <stdlib.h>
#include <string.h>

static bool inf_check(int argc, char **argv)
{
    struct host_inf_check check = {.test_signing = argument_flag(&argc, argv, "--test-signing")};
    const char *build = argument_value(&argc, argv, "--build");
    unsigned errors, warnings;
    uint64_t number = 0;

    if (!arguments_known(argc, argv) ||
        (build != NULL && !number_parse(build, "build", 99999, &number))) {
        return false;
    }
    if (argc != 2) {
        return tool_misuse("inf check FILE [--test-signing] [--build N]",
                           "inf check takes one file");
    }
    check.inf = argv[1];
    check.build = (unsigned)number;
    errors = host_inf_check(&check, stdout, &warnings);
    printf("%s: %u error(s), %u warning(s)\n", check.inf, errors, warnings);
    return errors == 0 ||
           tool_fail("correct the lines that are named above", "%s cannot be installed", check.inf);
}

/** Tells what is installed now. */
static void show_installed(void)
{
    struct host_device adapter;

    printf("service %s\n", host_service());
    if (host_devices(&adapter, 1) != 0 && !adapter.is_unit) {
        printf("device node %s: %s\n", adapter.instance, adapter.hardware_id);
    } else {
        puts("no device node");
    }
}

static bool inf_install(int argc, char **argv)
{
    struct host_package package = {.driver_file = argument_value(&argc, argv, "--driver"),
                                   .no_device = argument_flag(&argc, argv, "--no-device"),
                                   .test_signing = argument_flag(&argc, argv, "--test-signing")};
    struct host_error error;

    if (!arguments_known(argc, argv)) {
        return false;
    }
    if (argc != 2 && argc != 3) {
        return tool_misuse(
            "inf install FILE [HWID] [--driver IMAGE] [--no-device] [--test-signing]",
            "inf install takes one file, and a hardware ID if you like");
    }
    package.inf = argv[1];
    package.hardware_id = argc == 3 ? argv[2] : NULL;
    if (!host_install_package(&package, &error)) {
        return tool_fail_host(&error);
    }
    show_installed();
    return true;
}

static bool inf(struct session *session, int argc, char **argv)
{
    (void)session;
    return (strcmp(argv[1], "check") == 0 ? inf_check : inf_install)(argc - 1, argv + 1);
}

static bool devices(struct session *session, int argc, char **argv)
{
    unsigned count = host_devices(NULL, 0);
    struct host_device *all = calloc(count + 1, sizeof(*all));

    (void)session;
    (void)argc;
    (void)argv;
    if (all == NULL) {
        return tool_fail("free some memory", "out of memory");
    }
    count = host_devices(all, count);
    if (count == 0) {
        puts("there is no device node");
    }
    for (unsigned i = 0; i < count; i++) {
        const struct host_device *device = &all[i];

        printf("%s%s  %s%s%s  %s%s\n", device->is_unit ? "  " : "", device->instance,
               device->is_unit ? "" : device->hardware_id, device->is_unit ? "" : "  service ",
               device->service[0] != '\0' ? device->service : "(none)",
               device->started ? "started" : "not started", device->problem[0] != '\0' ? ":" : "");
        if (device->problem[0] != '\0') {
            printf("    %s\n", device->problem);
        }
    }
    free(all);
    return true;
}

/** PnP takes the adapter away; with --device its devnode goes too, with --service both. */
static bool remove_adapter(struct session *session, int argc, char **argv)
{
    bool service = argument_flag(&argc, argv, "--service");
    bool device = argument_flag(&argc, argv, "--device") || service;
    struct host_error error;

    if (!arguments_known(argc, argv)) {
        return false;
    }
    if (!device || host_started()) {
        if (!host_remove(&error)) {
            return tool_fail_host(&error);
        }
        session->stopped = false;
        puts("removed");
    }
    if (device) {
        if ((host_loaded() && !host_unload(&error)) || !host_uninstall(service, &error)) {
            return tool_fail_host(&error);
        }
        printf("uninstalled: %s\n",
               host_service() != NULL ? "the service is still there" : "device node and service");
    }
    return true;
}

static bool why(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    (void)argv;
    host_why(stdout);
    return true;
}

const struct command commands_install[] = {
    {"inf", "check FILE | install FILE [HWID]",
     "what InfVerif would say; installs (--driver IMAGE, --no-device, --test-signing)",
     "05-install", 1, -1, NEEDS_NOTHING, inf},
    {"devices", "", "the device tree, as Device Manager shows it", "05-install", 0, 0,
     NEEDS_NOTHING, devices},
    {"remove", "[--device] [--service]",
     "PnP takes the adapter away; also its device node, its service", "01-adapter", 0, 2,
     NEEDS_NOTHING, remove_adapter},
    {"why", "", "why nothing happens", "05-install", 0, 0, NEEDS_NOTHING, why},
    {0},
};
