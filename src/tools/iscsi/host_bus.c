/*
 * From a bus_command to a host_request and back. Only here are SRB statuses turned into SCSI's: what
 * the driver said in sense data goes through as it is, what it said in an SRB status alone gets the
 * nearest SCSI word, since iSCSI has no other.
 */
#include "tools/iscsi/host_bus.h"

#include "tools/iscsi/pdu.h"

#include "host.h"

#include <ntifs.h>
#include <storport.h>

#include <stdlib.h>
#include <string.h>

#define STATUS_GOOD             0x00
#define STATUS_CHECK_CONDITION  0x02
#define STATUS_TARGET_BUSY      0x08
#define COMMAND_TIMEOUT_SECONDS 60

static int by_address(const void *one, const void *other)
{
    return memcmp(one, other, sizeof(struct bus_address));
}

static unsigned units(void *context, struct bus_unit *out, unsigned room)
{
    static struct host_unit found[BUS_UNITS]; /* Under the target's lock. */
    unsigned count = host_units(found, BUS_UNITS);

    (void)context;
    count = count < BUS_UNITS ? count : BUS_UNITS;
    count = count < room ? count : room;
    for (unsigned i = 0; i < count; i++) {
        out[i].at = (struct bus_address){found[i].path, found[i].target, found[i].lun};
        out[i].device_type = found[i].device_type;
        out[i].block_size = found[i].block_size;
    }
    qsort(out, count, sizeof(*out), by_address);
    return count;
}

/** Sense data for what the driver did not put into any. */
static void make_sense(struct bus_command *command, uint8_t key, uint8_t asc, uint8_t ascq)
{
    command->status = STATUS_CHECK_CONDITION;
    command->sense_length = 18;
    memset(command->sense, 0, 18);
    command->sense[0] = 0x70;
    command->sense[2] = key;
    command->sense[7] = 10;
    command->sense[12] = asc;
    command->sense[13] = ascq;
}

/** An SRB status that says more than the SCSI status. */
static void translate(struct bus_command *command, uint8_t srb_status)
{
    switch (srb_status) {
    case SRB_STATUS_SUCCESS:
    case SRB_STATUS_DATA_OVERRUN: /* The SCSI status tells. */
        break;
    case SRB_STATUS_NO_DEVICE:
    case SRB_STATUS_INVALID_LUN:
    case SRB_STATUS_INVALID_TARGET_ID:
    case SRB_STATUS_INVALID_PATH_ID:
    case SRB_STATUS_SELECTION_TIMEOUT:
        command->absent = true;
        break;
    case SRB_STATUS_BUSY:
    case SRB_STATUS_BUS_RESET: /* A reset that somebody else wanted: the command may come again. */
    case SRB_STATUS_ABORTED:
    case SRB_STATUS_REQUEST_FLUSHED:
    case SRB_STATUS_INTERNAL_ERROR:
        command->status = STATUS_TARGET_BUSY;
        break;
    case SRB_STATUS_NO_HBA:
        make_sense(command, SCSI_SENSE_NOT_READY, SCSI_ADSENSE_LUN_NOT_READY, 0x03);
        break;
    case SRB_STATUS_INVALID_REQUEST:
        make_sense(command, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
        break;
    case SRB_STATUS_ERROR:
        if (command->status == STATUS_GOOD) {
            make_sense(command, SCSI_SENSE_HARDWARE_ERROR, 0x44, 0); /* internal target failure */
        }
        break;
    default:
        make_sense(command, SCSI_SENSE_ABORTED_COMMAND, 0x44, 0);
        break;
    }
}

/** Sends the next piece of a long READ(10) or (12). */
static void submit_piece(struct bus_command *command)
{
    struct host_request *request = command->handle;
    uint32_t done = command->piece_done / command->block_size;
    uint32_t blocks = command->length / command->block_size - done;

    blocks = blocks < command->piece_blocks ? blocks : command->piece_blocks;
    put32(request->cdb + 2, get32(command->cdb + 2) + done);
    if (command->cdb[0] == 0x28) {
        put16(request->cdb + 7, (uint16_t)blocks);
    } else {
        put32(request->cdb + 6, blocks);
    }
    request->data = (char *)command->data + command->piece_done;
    request->data_length = blocks * command->block_size;
    host_submit(request);
}

/** A piece has ended. \return whether another follows. */
static bool next_piece(struct bus_command *command, const struct host_request *request)
{
    if (command->piece_blocks == 0 || SRB_STATUS(request->srb_status) != SRB_STATUS_SUCCESS) {
        return false;
    }
    command->piece_done += request->transferred;
    if (request->transferred == 0 || command->piece_done + command->block_size > command->length) {
        return false;
    }
    submit_piece(command);
    return true;
}

/** \irql{<= DISPATCH_LEVEL} */
static void request_done(struct host_request *request)
{
    struct bus_command *command = request->context;
    struct host_bus *self = command->owner;
    uint32_t moved = request->transferred;

    if (next_piece(command, request)) {
        return;
    }
    moved = command->piece_blocks != 0 ? command->piece_done : moved;
    command->status = request->scsi_status;
    command->transferred = moved < command->length ? moved : command->length;
    command->sense_length =
        request->sense_valid < BUS_SENSE ? request->sense_valid : (uint8_t)BUS_SENSE;
    memcpy(command->sense, request->sense, command->sense_length);
    translate(command, SRB_STATUS(request->srb_status));
    if (command->status != STATUS_GOOD || command->absent) {
        command->transferred = 0;
    }
    command->event.kind = BUS_COMMAND_DONE;
    self->done(self->context, &command->event);
}

static bool open_command(void *context, struct bus_command *command)
{
    struct host_request *request = host_request_create();

    if (request == NULL) {
        return false;
    }
    request->done = request_done;
    request->context = command;
    request->timeout = COMMAND_TIMEOUT_SECONDS;
    command->handle = request;
    command->owner = context;
    return true;
}

static void close_command(void *context, struct bus_command *command)
{
    (void)context;
    host_request_free(command->handle);
}

static void submit(void *context, struct bus_command *command)
{
    static const enum host_direction directions[] = {[BUS_NO_DATA] = HOST_DATA_NONE,
                                                     [BUS_DATA_IN] = HOST_DATA_IN,
                                                     [BUS_DATA_OUT] = HOST_DATA_OUT};
    struct host_request *request = command->handle;

    (void)context;
    request->path = command->at.path;
    request->target = command->at.target;
    request->lun = command->at.lun;
    memcpy(request->cdb, command->cdb, sizeof(request->cdb));
    request->cdb_length = command->cdb_length;
    request->direction = directions[command->direction];
    request->data = command->data;
    request->data_length = command->length;
    if (command->piece_blocks != 0) {
        command->piece_done = 0;
        submit_piece(command);
    } else {
        host_submit(request);
    }
}

static void abort_command(void *context, struct bus_command *command)
{
    (void)context;
    host_abort(command->handle);
}

/* --- resets --- */

struct reset_work {
    uv_work_t work;
    struct host_bus *self;
    struct bus_reset *reset;
};

/** On a thread of the pool: host_reset waits until the rung has been tried. */
static void carry_out(uv_work_t *work)
{
    static const enum host_reset_level levels[] = {[BUS_RESET_UNIT] = HOST_RESET_UNIT,
                                                   [BUS_RESET_TARGET] = HOST_RESET_TARGET,
                                                   [BUS_RESET_BUS] = HOST_RESET_BUS};
    struct bus_reset *reset = ((struct reset_work *)work)->reset;

    reset->succeeded =
        host_reset(levels[reset->level], reset->at.path, reset->at.target, reset->at.lun);
    sched_detach();
}

static void carried_out(uv_work_t *work, int status)
{
    struct reset_work *it = (struct reset_work *)work;
    struct host_bus *self = it->self;
    struct bus_reset *reset = it->reset;

    reset->succeeded = reset->succeeded && status == 0;
    free(it);
    self->done(self->context, &reset->event);
}

/** Only ever called on the loop's thread: requests come from there. */
static void reset(void *context, struct bus_reset *wanted)
{
    struct host_bus *self = context;
    struct reset_work *work = malloc(sizeof(*work));

    wanted->succeeded = false;
    if (work == NULL) {
        self->done(self->context, &wanted->event);
        return;
    }
    work->self = self;
    work->reset = wanted;
    uv_queue_work(self->loop, &work->work, carry_out, carried_out);
}

struct bus host_bus(struct host_bus *self)
{
    return (struct bus){.context = self,
                        .units = units,
                        .open = open_command,
                        .close = close_command,
                        .submit = submit,
                        .abort = abort_command,
                        .reset = reset};
}
