/*
 * The demo: one run of the machine, told line by line, each line with the chapter that explains it.
 * Nothing here is typed in advance: callbacks, commands and ways come from the trace, bytes and
 * statuses from answers.
 */
#include "tools/nthost/demo.h"

#include "nt/trace.h"
#include "tools/nthost/control.h"
#include "tools/nthost/decode.h"
#include "tools/nthost/demo_parts.h"
#include "tools/nthost/words.h"

#include <ntddstor.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The three units of the demo. */
struct stage {
    const char *disk, *cdrom, *output;
    struct address from, to, cd;
    struct scsi_geometry geometry;
    struct host_census working; /**< What the driver held while it worked. */
};

/** The two that the INF decides between: with its BusType, and without. */
static const char *bus_type_name(unsigned type)
{
    return type == BusTypeVirtual ? " (BusTypeVirtual)"
           : type == BusTypeFibre ? " (BusTypeFibre)"
                                  : "";
}

static bool start(const struct options *options)
{
    struct machine_files files;

    if (!machine_find(&options->machine, &files)) {
        return false;
    }
    demo_record(true);
    if (!machine_up(&options->machine, &files)) {
        return false;
    }
    printf("%svmini: a virtual Storport miniport, loaded and driven by its host.%s Seed %" PRIu64
           ", verifier on; name@N: a callback at IRQL N.\n\n",
           tool_style(STYLE_BOLD), tool_style(STYLE_PLAIN), options->machine.host.sched.seed);
    demo_line("05-install", "install");
    demo_words("%s: one devnode; its disks report bus type %u%s", strrchr(files.inf, '/') + 1,
               host_bus_type(), bus_type_name(host_bus_type()));
    demo_end();
    demo_line("01-adapter", "start");
    demo_callbacks(0);
    return true;
}

static bool connect_one(const char *path, uint32_t flags, struct address *address,
                        struct scsi_geometry *geometry)
{
    struct control_image image = {.path = path, .flags = flags};
    VMINI_CONNECT_OUT out;
    char size[32];

    if (!control_connect(&image, &out)) {
        return false;
    }
    host_settle();
    *address = (struct address){out.Address.Path, out.Address.Target, out.Address.Lun};
    geometry->blocks = out.BlockCount;
    geometry->block_size = out.BlockSize;
    demo_line("02-dispatch", "connect");
    demo_words("%u:%u:%u  %s  %" PRIu64 " x %u bytes (%s)%s", address->path, address->target,
               address->lun, path, geometry->blocks, geometry->block_size,
               size_text(geometry->blocks * geometry->block_size, size, sizeof(size)),
               (flags & (VMINI_CONNECT_READ_ONLY | VMINI_CONNECT_CDROM)) != 0 ? ", read-only" : "");
    demo_end();
    return true;
}

static bool same_file(const char *left, const char *right)
{
    struct stat one, other;

    return stat(left, &one) == 0 && stat(right, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/** A new, empty file of the source's size. */
static bool make_blank(const struct stage *stage)
{
    int file;

    if (same_file(stage->output, stage->disk) || same_file(stage->output, stage->cdrom)) {
        return tool_fail("name another --output", "%s is one of the sources", stage->output);
    }
    file = open(stage->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0 ||
        ftruncate(file, (off_t)(stage->geometry.blocks * stage->geometry.block_size)) != 0) {
        if (file >= 0) {
            close(file);
        }
        return tool_fail("check the path, the rights and the free space", "%s: %s", stage->output,
                         strerror(errno));
    }
    return close(file) == 0;
}

static bool connect_all(struct stage *stage)
{
    struct scsi_geometry other;
    size_t from = trace_count();

    if (!connect_one(stage->disk, VMINI_CONNECT_READ_ONLY, &stage->from, &stage->geometry) ||
        !make_blank(stage) || !connect_one(stage->output, 0, &stage->to, &other) ||
        !connect_one(stage->cdrom, VMINI_CONNECT_CDROM, &stage->cd, &other)) {
        return false;
    }
    demo_line("02-dispatch", "enumerate");
    demo_commands(from);
    return true;
}

static bool inquiry(const struct stage *stage)
{
    uint8_t data[36] = {0};
    struct scsi_command command =
        scsi_prepare(&stage->from, 0x12, 6, HOST_DATA_IN, data, sizeof(data));
    char hex[128];
    int text = 24; /* Vendor and product, without the blanks at the end. */

    command.cdb[4] = sizeof(data);
    if (!scsi_do(&command)) {
        return false;
    }
    while (text > 0 && data[7 + text] == ' ') {
        text--;
    }
    demo_line("03-scsi", "INQUIRY");
    demo_words("CDB %s ->", hex_line(command.cdb, command.cdb_length, hex, sizeof(hex)));
    demo_words("%u bytes: %s ... \"%.*s\"", command.transferred,
               hex_line(data, 8, hex, sizeof(hex)), text, (const char *)data + 8);
    demo_end();
    return true;
}

/** One READ(10), and the way it went. */
static bool read_way(const struct stage *stage)
{
    uint8_t data[4096];
    uint32_t blocks = sizeof(data) / stage->geometry.block_size;
    struct scsi_command command =
        scsi_block_command(&stage->from, 0x28, 0, blocks, HOST_DATA_IN, data, sizeof(data));
    char hex[64];

    if (stage->geometry.blocks < blocks) {
        return true; /* A disk that is smaller than that has no such READ. */
    }
    if (!scsi_do(&command)) {
        return false;
    }
    demo_line("04-workers", "READ(10)");
    demo_words("CDB %s, SRB #%" PRIu64 "; its way:",
               hex_line(command.cdb, command.cdb_length, hex, sizeof(hex)), command.id);
    demo_end();
    demo_way(command.id);
    return true;
}

/** A command that must fail: what its SRB says. */
static bool beyond_the_end(const struct stage *stage)
{
    uint8_t data[512];
    struct scsi_command command = scsi_block_command(&stage->from, 0x28, stage->geometry.blocks, 1,
                                                     HOST_DATA_IN, data, sizeof(data));
    struct sense sense = {0, 0, 0};

    scsi_send(&command);
    sense_parse(command.sense, command.sense_length, &sense);
    demo_line("06-compliance", "an error");
    demo_words("READ at LBA %" PRIu64 " -> %s, %u bytes moved;", stage->geometry.blocks,
               srb_status_name(command.srb_status), command.transferred);
    demo_words("sense %X/%02X/%02X: %s, %s", sense.key, sense.asc, sense.ascq,
               sense_key_name(sense.key), asc_name(sense.asc, sense.ascq));
    demo_end();
    return true;
}

/** Copy, flush, compare. */
static bool copy(const struct stage *stage)
{
    struct scsi_command flush = scsi_block_command(&stage->to, 0x35, 0, 0, HOST_DATA_NONE, NULL, 0);
    struct demo_copy done;
    char size[32];

    demo_record(false);
    trace_clear();
    if (!demo_copy(&stage->from, &stage->to, &stage->geometry, &done) || !scsi_do(&flush)) {
        return false;
    }
    demo_line("04-workers", "copy");
    demo_words("%s: %" PRIu64 " READ and %" PRIu64 " WRITE SRBs, up to %u in flight, %" PRIu64
               " failed;",
               size_text(done.bytes, size, sizeof(size)), done.reads, done.writes,
               done.most_in_flight, done.failed);
    demo_words("%" PRIu64 " transfers of zeros left out", done.skipped);
    demo_end();
    if (!demo_compare(&stage->from, &stage->to, &stage->geometry, &done)) {
        return false;
    }
    demo_line("04-workers", "read back");
    demo_words("%s of both disks by %" PRIu64 " READ SRBs, %" PRIu64 " failed: every byte is equal",
               size_text(done.bytes, size, sizeof(size)), done.reads, done.failed);
    demo_end();
    demo_record(true);
    return true;
}

static bool disconnect_all(struct stage *stage)
{
    struct host_file_counts before = host_file_counts(), after;
    unsigned units = host_units(NULL, 0);

    stage->working = host_census();
    if (!control_disconnect(stage->disk, NULL) || !control_disconnect(stage->output, NULL) ||
        !control_disconnect(stage->cdrom, NULL)) {
        return false;
    }
    host_settle();
    after = host_file_counts();
    demo_line("02-dispatch", "disconnect");
    demo_words("units on the bus: %u -> %u; files closed: %" PRIu64, units, host_units(NULL, 0),
               after.closes - before.closes);
    demo_end();
    return true;
}

/** Removes and unloads; what the driver held, and what is left without it. */
static bool end(const struct stage *stage)
{
    const struct host_census *with = &stage->working;
    struct host_census idle = host_census(), without;
    struct host_error error;
    size_t from = trace_count();

    if (!host_remove(&error) || !host_unload(&error)) {
        return tool_fail_host(&error);
    }
    without = host_census();
    demo_line("01-adapter", "unload");
    demo_callbacks(from);
    demo_line("01-adapter", "census");
    demo_words("SRBs: %" PRIu64 " started, %" PRIu64 " completed;", idle.srbs_started,
               idle.srbs_completed);
    demo_words("pool blocks %" PRIu64 " -> %" PRIu64 ",", with->pool_blocks, without.pool_blocks);
    demo_words("threads %" PRIu64 " -> %" PRIu64 ",", with->threads, without.threads);
    demo_words("handles %" PRIu64 " -> %" PRIu64 ",", with->handles, without.handles);
    demo_words("IRPs %" PRIu64 " -> %" PRIu64 ",", with->irps, without.irps);
    demo_words("timers %" PRIu64 " -> %" PRIu64 ",", with->timers, without.timers);
    demo_words("device interfaces %" PRIu64 " -> %" PRIu64, with->interfaces, without.interfaces);
    demo_end();
    return true;
}

/** All that is between start and halt. */
static bool perform(struct stage *stage)
{
    if (!connect_all(stage) || !inquiry(stage) || !read_way(stage)) {
        return false;
    }
    demo_line("03-scsi", "CD-ROM");
    if (!demo_cdrom(&stage->cd)) {
        return false;
    }
    demo_end();
    return beyond_the_end(stage) && copy(stage) && disconnect_all(stage) && end(stage);
}

enum tool_exit demo(const struct options *options)
{
    struct stage stage = {.output = options->output};
    bool ok;

    for (unsigned i = 0; i < options->image_count; i++) {
        *(options->images[i].cdrom ? &stage.cdrom : &stage.disk) = options->images[i].path;
    }
    if (options->image_count != 2 || stage.disk == NULL || stage.cdrom == NULL ||
        stage.output == NULL) {
        tool_fail("see nthost help demo", "the demo wants one --disk, one --cdrom and an --output");
        return TOOL_USAGE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    ok = start(options) && perform(&stage);
    ok = machine_down() && ok;
    return ok ? TOOL_OK : TOOL_FAILED;
}
