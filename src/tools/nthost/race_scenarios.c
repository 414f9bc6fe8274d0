/*
 * The scenarios. Each boots the smallest machine that does: one worker, one or two addresses. What
 * comes before the race has one schedule; so has what comes after it: shutting down, which finds
 * what was left behind. A scenario ends by a bugcheck or with status 1 if the driver loses.
 */
#include <ntifs.h>

#include "tools/nthost/race.h"

#include "tools/control/adapter.h"
#include "tools/control/path.h"
#include "tools/nthost/control.h"
#include "tools/nthost/tool.h"

#include <ntddscsi.h>

#include <stdlib.h>
#include <string.h>

static void stop(void)
{
    exit(TOOL_FAILED);
}

/* --- the machine --- */

/** \param luns of the one target: how many disks there can be. */
static void up(const struct race_machine *machine, unsigned luns)
{
    struct machine_options options = machine->options;
    struct machine_files files = machine->files;

    options.parameters[options.parameter_count++] = luns == 1 ? "MaximumLuns=1" : "MaximumLuns=2";
    if (!machine_up(&options, &files)) {
        stop();
    }
}

static void down(void)
{
    if (!machine_down()) {
        stop();
    }
}

static void connect(const char *image)
{
    struct control_image wanted = {.path = image};
    VMINI_CONNECT_OUT out;

    if (!control_connect(&wanted, &out)) {
        stop();
    }
    host_settle();
    sched_settle(sched_time());
}

/** A CONNECT that is under way. */
struct connecting {
    struct host_ioctl ioctl;
    VMINI_CONNECT_IN in;
    VMINI_CONNECT_OUT out;
};

static void connect_begin(struct connecting *connecting, const char *image)
{
    struct path_problem problem;

    connecting->in = (VMINI_CONNECT_IN){.Command = {VMINI_COMMAND_SIGNATURE, VMINI_COMMAND_VERSION,
                                                    VminiCommandConnect, sizeof(connecting->in)},
                                        .Address = ADAPTER_ANYWHERE};
    if (!control_image_path(image, connecting->in.PathName, &problem)) {
        stop();
    }
    connecting->ioctl.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
    connecting->ioctl.input = &connecting->in;
    connecting->ioctl.input_length = sizeof(connecting->in);
    connecting->ioctl.output = &connecting->out;
    connecting->ioctl.output_length = sizeof(connecting->out);
    host_ioctl_start(&connecting->ioctl);
}

static void disconnect(void *image)
{
    control_disconnect(image, NULL);
}

static void reset_bus(void *unused)
{
    (void)unused;
    host_reset(HOST_RESET_BUS, 0, 0, 0);
}

static struct nt_thread *start(const char *name, void (*body)(void *), const char *image)
{
    return sched_spawn(name, body, (void *)(uintptr_t)image);
}

static void finish(struct nt_thread *thread)
{
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

static struct host_request *read_request(void)
{
    static const uint8_t cdb[] = {0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    static uint8_t data[512];
    struct host_request *request = host_request_create();

    memcpy(request->cdb, cdb, sizeof(cdb));
    request->cdb_length = sizeof(cdb);
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = sizeof(data);
    return request;
}

/* --- the races --- */

static void connect_and_disconnect(const struct race_machine *machine)
{
    static struct connecting connecting;
    struct nt_thread *other;

    up(machine, 2);
    connect(machine->images[1]);
    other = start("disconnect", disconnect, machine->images[1]);
    sched_explore_from_here();
    connect_begin(&connecting, machine->images[0]);
    sched_explore_to_here();
    host_ioctl_wait(&connecting.ioctl);
    finish(other);
    down();
}

static void read_and_disconnect(const struct race_machine *machine)
{
    struct host_request *request;
    struct nt_thread *other;

    up(machine, 1);
    connect(machine->images[0]);
    request = read_request();
    other = start("disconnect", disconnect, machine->images[0]);
    sched_explore_from_here();
    host_submit(request);
    sched_explore_to_here();
    host_wait(request);
    host_request_free(request);
    finish(other);
    down();
}

/** Storport's INQUIRY has found the device: what the class driver sends now is no part of the race. */
static void connected(struct host_ioctl *ioctl)
{
    (void)ioctl;
    sched_explore_to_here();
}

static void arrival_and_scan(const struct race_machine *machine)
{
    static struct connecting connecting = {.ioctl.done = connected};

    up(machine, 1);
    sched_explore_from_here();
    connect_begin(&connecting, machine->images[0]);
    host_ioctl_wait(&connecting.ioctl);
    down();
}

static void read_and_reset(const struct race_machine *machine)
{
    struct host_request *request;
    struct nt_thread *other;

    up(machine, 1);
    connect(machine->images[0]);
    request = read_request();
    other = start("reset", reset_bus, NULL);
    host_submit(request);
    sched_explore_from_here();
    host_wait(request);
    sched_explore_to_here();
    host_request_free(request);
    finish(other);
    down();
}

static void remove_and_unload(const struct race_machine *machine)
{
    struct host_error error;

    up(machine, 1);
    sched_explore_from_here();
    if (!host_remove(&error) || !host_unload(&error)) {
        tool_fail_host(&error);
        stop();
    }
    sched_explore_to_here();
    down();
}

const struct race races[] = {
    {10, "connect-and-disconnect", "CONNECT of one image, DISCONNECT of another", 1,
     connect_and_disconnect},
    {11, "read-and-disconnect", "a READ for a disk, DISCONNECT of that disk", 1,
     read_and_disconnect},
    {12, "arrival-and-scan", "a disk arrives, Storport scans the bus", 1, arrival_and_scan},
    {13, "read-and-reset", "a READ that a worker has, a reset of its bus", 1, read_and_reset},
    {21, "remove-and-unload", "the adapter is removed, the driver unloaded", 1, remove_and_unload},
};
const unsigned race_count = sizeof(races) / sizeof(races[0]);
