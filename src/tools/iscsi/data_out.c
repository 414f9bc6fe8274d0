/*
 * Data-Out: what comes unasked, and what an R2T asks for. One R2T at a time, data in order
 * (MaxOutstandingR2T=1, DataPDUInOrder and DataSequenceInOrder Yes): a PDU that does not go on
 * where the last one ended fails its command, and its data are dropped.
 */
#include "tools/iscsi/conn.h"

/** Asks for the next burst. */
static void send_r2t(struct task *task)
{
    struct conn *conn = task->conn;
    struct out *out = out_new(conn, PDU_R2T, task->tag);
    uint32_t length = task->expected - task->received;

    if (out == NULL) {
        return;
    }
    if (length > conn->parameters.max_burst) {
        length = conn->parameters.max_burst;
    }
    task->transfer_tag = conn->next_transfer_tag++;
    if (task->transfer_tag == PDU_RESERVED_TAG) {
        task->transfer_tag = conn->next_transfer_tag++;
    }
    task->burst_end = task->received + length;
    task->datasn = 0;
    memcpy(out->header + PDU_LUN, task->lun_field, 8);
    put32(out->header + PDU_TTT, task->transfer_tag);
    put32(out->header + PDU_DATASN, task->r2tsn++);
    put32(out->header + PDU_BUFFER_OFFSET, task->received);
    put32(out->header + PDU_DESIRED_LENGTH, length);
    task->sent_pdus++;
    out_queue(conn, out, false);
}

void data_out_continue(struct task *task)
{
    if (task->unsolicited) {
        return;
    }
    if (!task->judged && task->write && task->received < task->expected) {
        send_r2t(task);
    } else {
        task_ready(task);
    }
}

/** Is this PDU what is expected next? */
static bool fits(const struct conn *conn, const struct task *task)
{
    const uint8_t *header = conn->header;
    uint32_t tag = get32(header + PDU_TTT);

    return tag == (task->unsolicited ? PDU_RESERVED_TAG : task->transfer_tag) &&
           get32(header + PDU_DATASN) == task->datasn &&
           get32(header + PDU_BUFFER_OFFSET) == task->received &&
           conn->data_length <= task->burst_end - task->received;
}

void data_out_begin(struct conn *conn)
{
    struct task *task = task_find(conn, get32(conn->header + PDU_ITT));

    if (task == NULL || task->state != TASK_COLLECTING || !task->write) {
        conn->skip = true; /* Perhaps of a command that was aborted meanwhile. */
        return;
    }
    conn->task = task;
    if (!task->judged && !fits(conn, task)) {
        answer_judge(task, 0x0B, 0x4B, 0x00); /* data phase error */
    }
    if (!task->judged) {
        conn->data = task->buffer + task->received;
    }
}

void data_out_end(struct conn *conn, bool intact)
{
    struct task *task = conn->task;

    conn->task = NULL;
    if (!intact) {
        out_reject(conn, REJECT_DATA_DIGEST);
        answer_judge(task, 0x0B, 0x47, 0x05);
    }
    task->datasn++;
    task->received += task->judged ? 0 : conn->data_length;
    if ((conn->header[1] & PDU_FINAL) == 0) {
        return;
    }
    if (!task->judged && !task->unsolicited && task->received != task->burst_end) {
        answer_judge(task, 0x0B, 0x0C, 0x0D); /* not enough of what was asked for */
    }
    task->unsolicited = false;
    data_out_continue(task);
}
