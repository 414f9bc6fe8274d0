/*
 * A SCSI command's PDU (RFC 7143 11.3): its form, its number, its CDB, its task, and room for the
 * data that come with it.
 */
#include "tools/iscsi/conn.h"

#define STATUS_BUSY 0x08

/** The form of the PDU. \return the reason of a reject, or 0. */
static enum pdu_reject judge_form(const struct conn *conn)
{
    const uint8_t *header = conn->header;
    bool read = (header[1] & PDU_READ) != 0, write = (header[1] & PDU_WRITE) != 0;
    uint32_t tag = get32(header + PDU_ITT);

    if (tag == PDU_RESERVED_TAG) {
        return REJECT_INVALID_FIELD;
    }
    if (read && write) { /* No command of a disk moves data both ways. */
        return REJECT_UNSUPPORTED;
    }
    if ((header[1] & PDU_FINAL) == 0 && (!write || conn->parameters.initial_r2t)) {
        return REJECT_PROTOCOL;
    }
    if (conn->data_length > get32(header + PDU_EXPECTED_LENGTH) ||
        (conn->data_length != 0 && !write)) {
        return REJECT_PROTOCOL;
    }
    if ((header[0] & PDU_IMMEDIATE) != 0 && conn->immediate >= CONN_IMMEDIATE) {
        return REJECT_IMMEDIATE;
    }
    return (enum pdu_reject)0;
}

/** CDBs of more than 16 bytes go on in an additional header (RFC 7143 11.2.2.3). */
static bool take_cdb(struct conn *conn, struct bus_command *command)
{
    static const uint8_t lengths[] = {6, 10, 10, 16, 16, 12, 16, 16};
    const uint8_t *additional = conn->header + PDU_HEADER;
    uint32_t more;

    memcpy(command->cdb, conn->header + PDU_CDB, 16);
    command->cdb_length = lengths[command->cdb[0] >> 5];
    if (conn->header[PDU_AHS_LENGTH] == 0) {
        return true;
    }
    more = get16(additional);
    if (additional[2] != 1 || more < 1 || more - 1 > sizeof(command->cdb) - 16 ||
        more + 3 > 4u * conn->header[PDU_AHS_LENGTH]) {
        return false;
    }
    memcpy(command->cdb + 16, additional + 4, more - 1);
    command->cdb_length = (uint8_t)(16 + more - 1);
    return true;
}

/** Room for what the initiator writes, and whether it may write now. */
static void prepare_write(struct conn *conn, struct task *task)
{
    if (task->expected > BUFFERS_MOST) { /* No unit takes so much: see VPD page B0h. */
        answer_judge(task, 0x05, 0x24, 0x00);
        return;
    }
    if (conn->data_length != 0 &&
        (!conn->parameters.immediate_data || conn->data_length > conn->parameters.first_burst)) {
        answer_judge(task, 0x0B, 0x0C, 0x0C); /* unexpected unsolicited data */
        return;
    }
    task->buffer = buffers_take(&task->target->buffers, task->expected, &task->room);
    if (task->buffer == NULL) {
        task->judged = true;
        task->command.status = STATUS_BUSY;
    }
    task->burst_end = task->expected < conn->parameters.first_burst ? task->expected
                                                                    : conn->parameters.first_burst;
    conn->data = task->buffer;
}

void command_begin(struct conn *conn)
{
    enum pdu_reject reason = judge_form(conn);
    struct task *task;

    conn->skip = true;
    if (!full_take_number(conn)) {
        return;
    }
    if (reason == 0 && task_find(conn, get32(conn->header + PDU_ITT)) != NULL) {
        reason = REJECT_IN_PROGRESS;
    }
    task = reason == 0 ? task_new(conn->target) : NULL;
    if (task == NULL) {
        out_reject(conn, reason != 0 ? reason : REJECT_RESOURCES);
        return;
    }
    if (!take_cdb(conn, &task->command)) {
        task_free(task);
        out_reject(conn, REJECT_INVALID_FIELD);
        return;
    }
    conn->skip = false;
    task->tag = get32(conn->header + PDU_ITT);
    task->expected = get32(conn->header + PDU_EXPECTED_LENGTH);
    task->read = (conn->header[1] & PDU_READ) != 0;
    task->write = (conn->header[1] & PDU_WRITE) != 0;
    task->immediate = (conn->header[0] & PDU_IMMEDIATE) != 0;
    task->command.at = conn->at;
    memcpy(task->lun_field, conn->header + PDU_LUN, 8);
    task->command.absent = !pdu_lun(task->lun_field, &task->command.at.lun);
    task_remember(conn, task);
    conn->task = task;
    if (task->write && task->expected != 0) {
        prepare_write(conn, task);
    }
}

void command_end(struct conn *conn, bool intact)
{
    struct task *task = conn->task;

    if (!intact) {
        out_reject(conn, REJECT_DATA_DIGEST);
        answer_judge(task, 0x0B, 0x47, 0x05); /* protocol service CRC error */
    }
    task->received = conn->data_length;
    task->unsolicited = (conn->header[1] & PDU_FINAL) == 0;
    conn->task = NULL;
    attention_check(task);
    data_out_continue(task);
}
