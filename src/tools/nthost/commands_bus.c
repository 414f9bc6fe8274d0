/*
 * Commands about images and the bus: the driver's control interface, and what Storport made of it.
 */
#include "tools/nthost/commands.h"

#include "tools/control/text.h"
#include "tools/nthost/control.h"
#include "tools/nthost/decode.h"
#include "tools/nthost/tool.h"
#include "tools/nthost/words.h"

#include <stdlib.h>
#include <string.h>

static bool connect_image(struct session *session, int argc, char **argv)
{
    struct control_image image = {0};
    VMINI_CONNECT_OUT out;
    struct address at;
    const char *where = argument_value(&argc, argv, "--at");

    (void)session;
    image.flags = (argument_flag(&argc, argv, "--cdrom") ? VMINI_CONNECT_CDROM : 0) |
                  (argument_flag(&argc, argv, "--read-only") ? VMINI_CONNECT_READ_ONLY : 0) |
                  (argument_flag(&argc, argv, "--removable") ? VMINI_CONNECT_REMOVABLE : 0) |
                  (argument_flag(&argc, argv, "--thin") ? VMINI_CONNECT_THIN : 0);
    if (!arguments_known(argc, argv) || (where != NULL && !address_parse(where, &at))) {
        return false;
    }
    if (argc != 2) {
        return tool_fail("put quotes around a path with blanks", "connect takes one path");
    }
    image.path = argv[1];
    image.at = where != NULL ? &at : NULL;
    if (!control_connect(&image, &out)) {
        return false;
    }
    host_settle(); /* The class drivers start on the unit before the next command is read. */
    control_print_connected(&out, image.path);
    return true;
}

static bool disconnect_image(struct session *session, int argc, char **argv)
{
    struct address address;
    bool by_address = address_looks_like(argv[1]);

    (void)session;
    (void)argc;
    if (by_address && !address_parse(argv[1], &address)) {
        return false;
    }
    if (!control_disconnect(by_address ? NULL : argv[1], by_address ? &address : NULL)) {
        return false;
    }
    host_settle();
    return true;
}

static bool list(struct session *session, int argc, char **argv)
{
    VMINI_ACTIVE_LIST_OUT *images = control_list();

    (void)session;
    (void)argc;
    (void)argv;
    if (images == NULL) {
        return false;
    }
    if (images->Returned == 0) {
        puts("nothing is connected");
    }
    for (ULONG i = 0; i < images->Returned; i++) {
        control_print_image(&images->Entries[i]);
    }
    free(images);
    return true;
}

static bool units(struct session *session, int argc, char **argv)
{
    unsigned count = host_units(NULL, 0);
    struct host_unit *all = calloc(count + 1, sizeof(*all));
    char size[32];

    (void)session;
    (void)argc;
    (void)argv;
    if (all == NULL) {
        return tool_fail("free some memory", "out of memory");
    }
    count = host_units(all, count);
    if (count == 0) {
        puts("no unit is on the bus");
    }
    for (unsigned i = 0; i < count; i++) {
        const struct host_unit *unit = &all[i];

        printf("%u:%u:%u  %-13s \"%s\" \"%s\" \"%s\" %s%s%s%s%s%s\n", unit->path, unit->target,
               unit->lun, device_type_name(unit->device_type), unit->vendor, unit->product,
               unit->revision,
               unit->block_size != 0
                   ? size_text(unit->block_count * unit->block_size, size, sizeof(size))
                   : "no medium",
               unit->removable ? ", removable" : "",
               unit->write_protected ? ", write protected" : "",
               unit->claimed ? ", class driver started" : "",
               unit->serial[0] != '\0' ? ", serial " : "", unit->serial);
    }
    free(all);
    return true;
}

static bool ping(struct session *session, int argc, char **argv)
{
    VMINI_SCSIPORT_OUT out;

    (void)session;
    (void)argc;
    (void)argv;
    if (!control_ping(&out)) {
        return false;
    }
    control_print_ping(&out);
    return true;
}

static bool scan(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    (void)argv;
    printf("%u unit(s)\n", host_scan());
    return true;
}

static bool events(struct session *session, int argc, char **argv)
{
    VMINI_EVENT event;
    int more;

    (void)argc;
    (void)argv;
    while ((more = control_next_event(session->last_event, &event)) > 0) {
        session->last_event = event.Sequence;
        control_print_event(&event);
    }
    return more == 0;
}

const struct command commands_bus[] = {
    {"connect", "PATH [--cdrom] [--read-only] [--removable] [--thin] [--at P:T:L]",
     "serves an image as a disk or CD-ROM", "02-dispatch", 1, -1, NEEDS_ADAPTER, connect_image},
    {"disconnect", "PATH|P:T:L", "takes it away and closes the file", "02-dispatch", 1, 1,
     NEEDS_ADAPTER, disconnect_image},
    {"list", "", "what is connected, as the driver sees it", "02-dispatch", 0, 0, NEEDS_ADAPTER,
     list},
    {"units", "", "what is on the bus, as Storport sees it", "02-dispatch", 0, 0, NEEDS_NOTHING,
     units},
    {"ping", "", "asks the driver for version and limits", "02-dispatch", 0, 0, NEEDS_ADAPTER,
     ping},
    {"scan", "", "scans the bus now", "02-dispatch", 0, 0, NEEDS_NOTHING, scan},
    {"events", "", "arrivals, departures, media errors since last asked", "02-dispatch", 0, 0,
     NEEDS_ADAPTER, events},
    {0},
};
