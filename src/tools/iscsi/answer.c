/*
 * How a command is answered: Data-In with the status in the last PDU, or a SCSI Response; the
 * residual between what was expected and what moved (RFC 7143 11.4.5). Status and sense data are
 * the driver's, as they came.
 */
#include "tools/iscsi/conn.h"

#define STATUS_CHECK_CONDITION 0x02
#define STATUS_TARGET_BUSY     0x08

void answer_judge(struct task *task, uint8_t key, uint8_t asc, uint8_t ascq)
{
    struct bus_command *command = &task->command;
    bool descriptor = task->conn != NULL && task->conn->luns[command->at.lun].descriptor_sense;

    if (task->judged) {
        return; /* What happened first is told. */
    }
    task->judged = true;
    command->status = STATUS_CHECK_CONDITION;
    command->transferred = 0;
    memset(command->sense, 0, sizeof(command->sense));
    if (descriptor) { /* SPC-4 4.5.2 */
        command->sense[0] = 0x72;
        command->sense[1] = key;
        command->sense[2] = asc;
        command->sense[3] = ascq;
        command->sense_length = 8;
    } else { /* SPC-4 4.5.3 */
        command->sense[0] = 0x70;
        command->sense[2] = key;
        command->sense[7] = 10;
        command->sense[12] = asc;
        command->sense[13] = ascq;
        command->sense_length = 18;
    }
}

/** A unit that is not there: SPC-4 6.6.2 (INQUIRY), SAM-5 4.7 (everything else). */
static void answer_absent(struct task *task)
{
    static const uint8_t inquiry[36] = {0x7F, 0, 6, 2, 31};
    struct bus_command *command = &task->command;
    uint32_t wanted = get16(command->cdb + 3);

    if (command->cdb[0] != 0x12 || (command->cdb[1] & 1) != 0 || !task->read) {
        answer_judge(task, 0x05, 0x25, 0x00); /* logical unit not supported */
        return;
    }
    if (task->buffer == NULL) {
        task->buffer = buffers_take(&task->target->buffers, sizeof(inquiry), &task->room);
    }
    if (task->buffer != NULL) {
        memcpy(task->buffer, inquiry, sizeof(inquiry));
        command->transferred = wanted < sizeof(inquiry) ? wanted : sizeof(inquiry);
        command->status = 0;
        command->sense_length = 0;
    }
}

/** Writes residual count and its flag. */
static void put_residual(const struct task *task, struct out *out)
{
    uint32_t moved = task->cut != 0 ? task->cut : task->command.transferred;

    if (moved > task->expected) {
        out->header[1] |= PDU_OVERFLOW;
        put32(out->header + PDU_RESIDUAL, moved - task->expected);
    } else if (moved < task->expected) {
        out->header[1] |= PDU_UNDERFLOW;
        put32(out->header + PDU_RESIDUAL, task->expected - moved);
    }
}

/** One Data-In PDU. */
static void fill_data_in(const struct task *task, struct out *out, uint32_t at, uint32_t length,
                         uint32_t number, bool final)
{
    memcpy(out->header + PDU_LUN, task->lun_field, 8);
    out->header[1] = final ? PDU_FINAL : 0;
    out->data = task->buffer + at;
    out->length = length;
    put32(out->header + PDU_DATASN, number);
    put32(out->header + PDU_BUFFER_OFFSET, at);
}

/** The data of a read, the status with the last of them. \return false: no memory. */
static bool send_data(struct conn *conn, struct task *task, uint32_t length)
{
    uint32_t at = 0, in_burst = 0, number = task->sent_pdus;
    struct out *out = &task->out;

    while (length - at > conn->parameters.peer_segment ||
           length - at > conn->parameters.max_burst - in_burst) {
        uint32_t count = conn->parameters.peer_segment;

        if (count > conn->parameters.max_burst - in_burst) {
            count = conn->parameters.max_burst - in_burst;
        }
        out = out_new(conn, PDU_DATA_IN, task->tag);
        if (out == NULL) {
            return false;
        }
        in_burst += count;
        fill_data_in(task, out, at, count, number++, in_burst == conn->parameters.max_burst);
        in_burst %= conn->parameters.max_burst;
        out_queue(conn, out, false);
        at += count;
    }
    out = &task->out;
    out_prepare(out, PDU_DATA_IN, task->tag);
    fill_data_in(task, out, at, length - at, number, true);
    out->header[1] |= PDU_STATUS;
    return true;
}

/** SCSI Response, with sense data if there are any. */
static void fill_response(struct task *task)
{
    struct bus_command *command = &task->command;
    struct out *out = &task->out;

    out_prepare(out, PDU_SCSI_RESPONSE, task->tag);
    out->header[3] = command->status;
    put32(out->header + PDU_DATASN, task->sent_pdus);
    if (command->sense_length != 0 && command->status != 0) {
        put16(task->sense, command->sense_length);
        memcpy(task->sense + 2, command->sense, command->sense_length);
        out->data = task->sense;
        out->length = 2u + command->sense_length;
    }
}

static void send_answer(struct conn *conn, struct task *task)
{
    struct bus_command *command = &task->command;
    uint32_t length = command->transferred;

    if (length > task->expected) {
        length = task->expected;
    }
    if (!task->read || command->status != 0 || length == 0 || task->buffer == NULL) {
        fill_response(task);
    } else if (!send_data(conn, task, length)) {
        /* The connection ends, but what is queued already is sent from the task's buffer. */
        command->status = STATUS_TARGET_BUSY;
        command->transferred = 0;
        fill_response(task);
    }
    put_residual(task, &task->out);
    task_forget(task); /* Before the window is told: this one is answered. */
    task->state = TASK_ANSWERED;
    task->out.task = task;
    task->out.pooled = false;
    out_queue(conn, &task->out, true);
}

void answer_task(struct task *task)
{
    struct management *management = task->management;
    struct conn *conn = task->conn;

    if (task->then != NULL) {
        task->then(task);
        task_free(task);
    } else if (task->aborted) {
        task_free(task);
        management_task_ended(management);
    } else if (conn == NULL || conn->phase == CONN_ENDING) {
        if (conn != NULL) {
            task_forget(task);
        }
        task_free(task);
    } else {
        if (task->command.absent) {
            answer_absent(task);
            conn->luns[task->command.at.lun].block_size = 0;
        }
        attention_after(task);
        send_answer(conn, task);
    }
}
