/*
 * Commands about the adapter as a whole: start and stop, resets.
 */
#include "tools/nthost/commands.h"

#include "tools/nthost/tool.h"

#include <string.h>

/** One of the host's functions that may fail; afterwards the adapter is stopped, or it is not. */
static bool life(struct session *session, bool (*function)(struct host_error *), bool stopped,
                 const char *done)
{
    struct host_error error;

    if (!function(&error)) {
        return tool_fail_host(&error);
    }
    session->stopped = stopped;
    puts(done);
    return true;
}

static bool stop(struct session *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return life(session, host_adapter_stop, true, "stopped");
}

static bool restart(struct session *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return life(session, host_adapter_restart, false, "restarted");
}

static bool start(struct session *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return life(session, host_start, false, "started");
}

static bool unload(struct session *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return life(session, host_unload, false, "unloaded; nothing was left behind");
}

static bool bus_type(struct session *session, int argc, char **argv)
{
    uint32_t type = host_bus_type();

    (void)session;
    (void)argc;
    (void)argv;
    printf("bus type %02Xh%s\n", (unsigned)type,
           type == 0x06   ? ", Fibre Channel: what Storport says when nobody has told it"
           : type == 0x0E ? ", virtual"
                          : "");
    return true;
}

static bool reset(struct session *session, int argc, char **argv)
{
    static const struct {
        const char *name;
        enum host_reset_level level;
    } levels[] = {
        {"unit", HOST_RESET_UNIT}, {"target", HOST_RESET_TARGET}, {"bus", HOST_RESET_BUS}};
    struct address address;

    (void)session;
    (void)argc;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(argv[1], levels[i].name) == 0) {
            if (!address_parse(argv[2], &address)) {
                return false;
            }
            return (host_reset(levels[i].level, address.path, address.target, address.lun) &&
                    puts("reset") >= 0) ||
                   tool_fail("`units` lists what can be reset; `trace 40` shows what happened",
                             "%s: the %s reset failed", argv[2], argv[1]);
        }
    }
    return tool_fail("reset unit|target|bus P:T:L", "\"%s\" is no level of reset", argv[1]);
}

const struct command commands_adapter[] = {
    {"reset", "unit|target|bus P:T:L", "one rung of the reset ladder", "02-dispatch", 2, 2,
     NEEDS_ADAPTER, reset},
    {"stop", "", "ScsiStopAdapter, as before the power goes", "01-adapter", 0, 0, NEEDS_NOTHING,
     stop},
    {"restart", "", "ScsiRestartAdapter, as when the power is back", "01-adapter", 0, 0,
     NEEDS_NOTHING, restart},
    {"start", "", "PnP starts it, for the first time or again", "01-adapter", 0, 0, NEEDS_NOTHING,
     start},
    {"bus-type", "", "the bus that the adapter says its disks are on", "05-install", 0, 0,
     NEEDS_ADAPTER, bus_type},
    {"unload", "", "unloads the driver (after remove)", "01-adapter", 0, 0, NEEDS_NOTHING, unload},
    {0},
};
