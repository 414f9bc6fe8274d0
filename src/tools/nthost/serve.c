/*
 * The life of a server: machine up, images connected, target listening; on SIGINT or SIGTERM all of
 * it down again, in order, so that nothing that was written is lost and what leaked is told.
 */
#include "tools/nthost/serve.h"

#include "tools/iscsi/target.h"
#include "tools/nthost/control.h"
#include "tools/nthost/serve_options.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void serve_help(void)
{
    puts("usage: nthost serve [OPTION | IMG]...\n"
         "\n"
         "Boots a small Windows, starts the driver, connects the images, and offers them as iSCSI "
         "targets to real initiators,\n"
         "until SIGINT (Ctrl-C) or SIGTERM. Prints a line for each unit, ADDRESS KIND URL PATH, "
         "then \"ready\".\n"
         "A SCSI target of the bus is an iSCSI target: unit B:T:L is LUN L of\n"
         "" TARGET_NAME_PREFIX ":B.T.\n"
         "\n"
         "  IMG               a disk image; may be repeated\n"
         "  --cdrom ISO       a CD-ROM image; may be repeated\n"
         "  --read-only, --removable, --thin\n"
         "                    hold for the disk images after them\n"
         "\n"
         "  --port N          (default: 3260; 0: any that is free)\n"
         "  --listen ADDR     (default: 127.0.0.1) an address or name of this machine; beyond "
         "loopback only with --chap\n"
         "  --chap USER:FILE  initiators log in as USER, with the secret in FILE's first line (12 "
         "bytes or more)\n"
         "\n"
         "  --control PATH    a socket for vminictl: images are connected and disconnected while "
         "it serves\n"
         "  --control-mode MODE, --control-group GROUP\n"
         "                    who may use it (default: 0600)\n"
         "\n"
         "  --driver FILE     the miniport's image (default: vmini.so beside nthost)\n"
         "  --inf FILE        its INF (default: the project's vmini.inf)\n"
         "  --set NAME=VALUE  one of the numbers in the service's Parameters key, e.g. "
         "NumberOfBuses=8\n"
         "  --legacy-srbs     SCSI_REQUEST_BLOCKs instead of STORAGE_REQUEST_BLOCKs\n"
         "  --verifier        with the expensive checks\n"
         "\n"
         "Exit status: 0 all well, 1 something failed, 2 usage, 86 bugcheck.");
}

static const char *kind_of(const struct serve_image *image)
{
    if ((image->flags & VMINI_CONNECT_CDROM) != 0) {
        return "cdrom";
    }
    return (image->flags & VMINI_CONNECT_READ_ONLY) != 0 ? "read-only-disk" : "disk";
}

/** Connects the images; their addresses go to `at`. */
static bool connect_all(const struct serve_options *options, struct address *at)
{
    for (unsigned i = 0; i < options->image_count; i++) {
        struct control_image image = {.path = options->images[i].path,
                                      .flags = options->images[i].flags};
        VMINI_CONNECT_OUT out;

        if (!control_connect(&image, &out)) {
            return false;
        }
        at[i] = (struct address){out.Address.Path, out.Address.Target, out.Address.Lun};
    }
    host_settle();
    return true;
}

static void print_units(const struct serve_options *options, const struct address *at,
                        const char *portal)
{
    char name[LOGIN_NAME_MAXIMUM];

    for (unsigned i = 0; i < options->image_count; i++) {
        printf("%u:%u:%u %s iscsi://%s/%s/%u %s\n", at[i].path, at[i].target, at[i].lun,
               kind_of(&options->images[i]), portal,
               target_name(at[i].path, at[i].target, name, sizeof(name)), at[i].lun,
               options->images[i].path);
    }
}

/** Opens the control socket, if there is to be one. */
static bool open_control(const struct serve_options *options, struct server *server,
                         struct control_server **control)
{
    struct host_error error;

    if (options->control.path == NULL) {
        return true;
    }
    signal(SIGPIPE, SIG_IGN); /* A program may hang up at any time. */
    if (!control_server_start(server_loop(server), &options->control, control, &error)) {
        return tool_fail_host(&error);
    }
    printf("control socket: %s\n", options->control.path);
    return true;
}

static bool serve_units(const struct serve_options *options, const struct address *at)
{
    struct control_server *control = NULL;
    struct server_error error;
    struct server *server = server_open(&options->server, &error);

    if (server == NULL) {
        return tool_fail(error.remedy, "%s", error.message);
    }
    if (!open_control(options, server, &control)) {
        server_close(server);
        return false;
    }
    print_units(options, at, server_portal(server));
    if (server_is_public(server)) {
        printf("Listens beyond this machine: whoever knows the secret of \"%s\" may log in.\n",
               options->account.user);
    }
    puts("ready");
    fflush(stdout);
    server_run(server);
    if (control != NULL) {
        control_server_stop(control);
    }
    server_close(server);
    return true;
}

/** What was written reaches the files, and the files are closed. */
static bool disconnect_all(void)
{
    struct host_unit units[SERVE_IMAGES];
    unsigned count = host_units(units, SERVE_IMAGES);
    bool ok = true;

    for (unsigned i = 0; i < count && i < SERVE_IMAGES; i++) {
        struct address at = {units[i].path, units[i].target, units[i].lun};

        host_send_flush(at.path, at.target, at.lun);
        ok = control_disconnect(NULL, &at) && ok;
    }
    host_settle();
    return ok;
}

static enum tool_exit run(const struct serve_options *options)
{
    struct address at[SERVE_IMAGES];
    struct machine_files files;
    bool up, ok;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!machine_find(&options->machine, &files)) {
        return TOOL_FAILED;
    }
    up = machine_up(&options->machine, &files);
    ok = up && connect_all(options, at) && serve_units(options, at);
    if (up) {
        ok = disconnect_all() && ok;
    }
    ok = machine_down() && ok;
    if (ok) {
        puts("The machine is down; nothing was left behind.");
    }
    return ok ? TOOL_OK : tool_failure();
}

enum tool_exit serve(int argc, char **argv)
{
    struct serve_options *options = malloc(sizeof(*options));
    enum tool_exit result = TOOL_USAGE;

    if (options == NULL) {
        tool_fail("free some memory", "out of memory");
        return TOOL_FAILED;
    }
    if (serve_options_parse(argc, argv, options)) {
        if (options->help) {
            serve_help();
            result = TOOL_OK;
        } else {
            result = run(options);
        }
    }
    free(options);
    return result;
}
