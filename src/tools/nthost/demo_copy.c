/*
 * Copying a disk through SRBs, several at a time. A transfer of nothing but zeros need not be
 * written to a blank disk; everything is read back and compared all the same.
 */
#include "tools/nthost/demo_parts.h"

#include "nt/trace.h"
#include "tools/nthost/tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH    8u /* Transfers in flight. */
#define TRANSFER (256u * 1024)

/** One batch: the same piece of both disks. */
struct batch {
    struct host_request *requests[DEPTH];
    uint8_t *buffers[2]; /**< DEPTH transfers each. */
    uint64_t lba;
    unsigned count;
    uint32_t lengths[DEPTH];
};

static void free_batch(struct batch *batch)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        if (batch->requests[i] != NULL) {
            host_request_free(batch->requests[i]);
        }
    }
    free(batch->buffers[0]);
    free(batch->buffers[1]);
}

static bool make_batch(struct batch *batch)
{
    memset(batch, 0, sizeof(*batch));
    for (unsigned i = 0; i < DEPTH; i++) {
        batch->requests[i] = host_request_create();
    }
    batch->buffers[0] = malloc((size_t)DEPTH * TRANSFER);
    batch->buffers[1] = malloc((size_t)DEPTH * TRANSFER);
    if (batch->buffers[0] == NULL || batch->buffers[1] == NULL) {
        free_batch(batch);
        return tool_fail("free some memory", "out of memory");
    }
    return true;
}

/** Sets the batch to the next piece. \return false at the end. */
static bool next_batch(struct batch *batch, const struct scsi_geometry *geometry)
{
    uint64_t per_transfer = TRANSFER / geometry->block_size;

    for (unsigned i = 0; i < batch->count; i++) {
        batch->lba += batch->lengths[i] / geometry->block_size;
    }
    batch->count = 0;
    for (uint64_t at = batch->lba; batch->count < DEPTH && at < geometry->blocks;
         at += per_transfer) {
        uint64_t left = geometry->blocks - at;

        batch->lengths[batch->count++] =
            (uint32_t)((left < per_transfer ? left : per_transfer) * geometry->block_size);
    }
    return batch->count > 0;
}

static void submit(struct host_request *request, const struct address *address,
                   const struct scsi_command *command)
{
    request->path = address->path;
    request->target = address->target;
    request->lun = address->lun;
    memcpy(request->cdb, command->cdb, sizeof(request->cdb));
    request->cdb_length = command->cdb_length;
    request->direction = command->direction;
    request->data = command->data;
    request->data_length = command->length;
    host_submit(request);
}

/** Tells of a transfer that failed, as if it had been sent alone. */
static bool complain(const struct host_request *request)
{
    struct scsi_command command = {.address = {request->path, request->target, request->lun}};

    memcpy(command.cdb, request->cdb, sizeof(command.cdb));
    command.srb_status = request->srb_status & 0x3F;
    command.sense_length = request->sense_valid;
    memcpy(command.sense, request->sense, sizeof(command.sense));
    return scsi_complain(&command);
}

/** Sends the batch's transfers that `wanted` names, all at once, and waits for them. */
static bool transfer(struct batch *batch, const struct address *address,
                     const struct scsi_geometry *geometry, uint8_t opcode, unsigned buffer,
                     const bool *wanted)
{
    uint64_t lba = batch->lba;
    bool ok = true;

    for (unsigned i = 0; i < batch->count; i++) {
        uint32_t blocks = batch->lengths[i] / geometry->block_size;
        struct scsi_command command = scsi_block_command(
            address, opcode, lba, blocks, opcode == 0x28 ? HOST_DATA_IN : HOST_DATA_OUT,
            batch->buffers[buffer] + (size_t)i * TRANSFER, batch->lengths[i]);

        if (wanted[i]) {
            submit(batch->requests[i], address, &command);
        }
        lba += blocks;
    }
    for (unsigned i = 0; i < batch->count; i++) {
        if (wanted[i]) {
            host_wait(batch->requests[i]);
            if (ok && ((batch->requests[i]->srb_status & 0x3F) != 1 ||
                       batch->requests[i]->transferred != batch->lengths[i])) {
                ok = complain(batch->requests[i]);
            }
        }
    }
    return ok;
}

/** Adds what the trace recorded to the counts, and forgets it. */
static void count(struct demo_copy *copy)
{
    unsigned in_flight = 0;

    for (size_t i = 0; i < trace_count(); i++) {
        const struct trace_record *record = trace_at(i);

        if (record->kind == TRACE_SRB_START) {
            copy->reads += record->argument[2] == 0x28 || record->argument[2] == 0x88;
            copy->writes += record->argument[2] == 0x2A || record->argument[2] == 0x8A;
            in_flight++;
            copy->most_in_flight =
                in_flight > copy->most_in_flight ? in_flight : copy->most_in_flight;
        } else if (record->kind == TRACE_SRB_COMPLETE) {
            copy->failed += (record->argument[1] & 0x3F) != 1;
            in_flight -= in_flight > 0;
        }
    }
    trace_clear();
}

/** Large disks take a while: says how far it is, on a terminal. */
static void progress(const char *what, uint64_t lba, const struct scsi_geometry *geometry)
{
    static uint64_t shown;
    uint64_t percent = lba * 100 / geometry->blocks;

    if (isatty(STDERR_FILENO) && geometry->blocks * geometry->block_size > 256u << 20 &&
        percent != shown) {
        shown = percent;
        fprintf(stderr, "\r  %s %" PRIu64 "%% \r", what, percent);
    }
}

static bool is_zero(const uint8_t *data, uint32_t length)
{
    return data[0] == 0 && memcmp(data, data + 1, length - 1) == 0;
}

static const bool all_wanted[DEPTH] = {true, true, true, true, true, true, true, true};

bool demo_copy(const struct address *from, const struct address *to,
               const struct scsi_geometry *geometry, struct demo_copy *copy)
{
    struct batch batch;
    bool ok = make_batch(&batch);

    memset(copy, 0, sizeof(*copy));
    while (ok && next_batch(&batch, geometry)) {
        bool wanted[DEPTH] = {false};

        ok = transfer(&batch, from, geometry, 0x28, 0, all_wanted);
        for (unsigned i = 0; ok && i < batch.count; i++) {
            wanted[i] = !is_zero(batch.buffers[0] + (size_t)i * TRANSFER, batch.lengths[i]);
            copy->skipped += !wanted[i];
            copy->bytes += batch.lengths[i];
        }
        ok = ok && transfer(&batch, to, geometry, 0x2A, 0, wanted);
        count(copy);
        progress("copying", batch.lba, geometry);
    }
    free_batch(&batch);
    return ok;
}

bool demo_compare(const struct address *left, const struct address *right,
                  const struct scsi_geometry *geometry, struct demo_copy *counts)
{
    struct batch batch;
    bool ok = make_batch(&batch);

    memset(counts, 0, sizeof(*counts));
    while (ok && next_batch(&batch, geometry)) {
        ok = transfer(&batch, left, geometry, 0x28, 0, all_wanted) &&
             transfer(&batch, right, geometry, 0x28, 1, all_wanted);
        for (unsigned i = 0; ok && i < batch.count; i++) {
            size_t at = (size_t)i * TRANSFER;

            counts->bytes += batch.lengths[i];
            if (memcmp(batch.buffers[0] + at, batch.buffers[1] + at, batch.lengths[i]) != 0) {
                ok = tool_fail("`nthost run` with `read` shows both",
                               "the copy differs in the %u bytes from LBA %" PRIu64,
                               batch.lengths[i], batch.lba + i * (TRANSFER / geometry->block_size));
            }
        }
        count(counts);
        progress("comparing", batch.lba, geometry);
    }
    free_batch(&batch);
    return ok;
}
