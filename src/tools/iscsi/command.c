/*
 * A SCSI command from its PDU to the bus: its task, its CDB, its buffer, and what speaks against
 * sending it.
 */
#include "tools/iscsi/conn.h"
#include "tools/iscsi/lengths.h"

#include <stdlib.h>

#define FREE_TASKS  256u
#define STATUS_BUSY 0x08

/* --- tasks --- */

struct task *task_new(struct target *target)
{
    struct task *task = target->free_tasks;

    if (task != NULL) {
        target->free_tasks = task->next;
        target->free_task_count--;
    } else {
        task = calloc(1, sizeof(*task));
        if (task == NULL || !target->bus.open(target->bus.context, &task->command)) {
            free(task);
            return NULL;
        }
    }
    target->tasks++;
    task->target = target;
    return task;
}

/** Gives the buffer back. */
static void drop_buffer(struct task *task)
{
    if (task->buffer != NULL) {
        buffers_give(&task->target->buffers, task->buffer, task->room);
        task->buffer = NULL;
    }
}

static void stop_waiting(struct task *task)
{
    struct target *target = task->target;

    for (struct task **link = &target->waiting; *link != NULL; link = &(*link)->next_waiting) {
        if (*link == task) {
            *link = task->next_waiting;
            if (*link == NULL) {
                target->waiting_end = link;
            }
            return;
        }
    }
}

void task_free(struct task *task)
{
    struct target *target = task->target;
    void *handle = task->command.handle, *owner = task->command.owner;

    if (task->state == TASK_WAITING) {
        stop_waiting(task);
    }
    drop_buffer(task);
    target->tasks--;
    if (target->free_task_count == FREE_TASKS) {
        target->bus.close(target->bus.context, &task->command);
        free(task);
        return;
    }
    memset(task, 0, offsetof(struct task, out));
    task->then = NULL;
    task->command.handle = handle;
    task->command.owner = owner;
    task->next = target->free_tasks;
    target->free_tasks = task;
    target->free_task_count++;
}

struct task *task_find(struct conn *conn, uint32_t tag)
{
    struct task *task = conn->tasks[tag % CONN_TAG_BUCKETS];

    while (task != NULL && task->tag != tag) {
        task = task->next;
    }
    return task;
}

static void remember(struct conn *conn, struct task *task)
{
    struct task **bucket = &conn->tasks[task->tag % CONN_TAG_BUCKETS];

    task->conn = conn;
    task->next = *bucket;
    *bucket = task;
    conn->task_count++;
    conn->in_window += !task->immediate;
    conn->immediate += task->immediate;
}

void task_forget(struct task *task)
{
    struct conn *conn = task->conn;
    struct task **link = &conn->tasks[task->tag % CONN_TAG_BUCKETS];

    while (*link != task) {
        link = &(*link)->next;
    }
    *link = task->next;
    task->next = NULL;
    task->conn = NULL;
    conn->task_count--;
    conn->in_window -= !task->immediate;
    conn->immediate -= task->immediate;
    if (conn->task == task) { /* Its data are just coming: nobody wants them any more. */
        conn->task = NULL;
        conn->data = NULL;
        conn->skip = true;
    }
}

/* --- the PDU --- */

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
    remember(conn, task);
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

/* --- to the bus --- */

/** Bytes of a block of the task's unit; asks the bus when that is not known yet. */
static uint32_t block_size(struct task *task)
{
    struct conn_lun *luns = task->conn->luns;
    struct target *target = task->target;
    struct bus_unit units[CONN_LUNS];
    unsigned count;

    if (luns[task->command.at.lun].block_size == 0) {
        count = target->bus.units(target->bus.context, units, CONN_LUNS);
        for (unsigned i = 0; i < count && i < CONN_LUNS; i++) {
            if (units[i].at.path == task->command.at.path &&
                units[i].at.target == task->command.at.target) {
                luns[units[i].at.lun].block_size = units[i].block_size;
                luns[units[i].at.lun].device_type = units[i].device_type;
            }
        }
    }
    return luns[task->command.at.lun].block_size;
}

/** Fewer data than the CDB writes: as many blocks are written as have come whole. The only place
 * where a CDB is changed. */
static void shorten(struct task *task, const struct cdb_transfer *transfer, uint32_t size)
{
    uint32_t blocks = task->expected / size;

    task->cut = transfer->length > UINT32_MAX ? UINT32_MAX : (uint32_t)transfer->length;
    if (task->expected % size != 0) {
        answer_judge(task, 0x05, 0x0E, 0x03); /* invalid field in command information unit */
    } else if (blocks == 0 && transfer->count_bytes == 1) {
        task->judged = true; /* WRITE(6) of no blocks would be one of 256 */
    } else {
        cdb_shorten(task->command.cdb, transfer, blocks);
    }
}

#define CDROM       0x05
#define CDROM_PIECE (1024u * 1024)

/** A disk says in VPD page B0h how much it takes at once; a CD-ROM has no page for that, so long
 * reads are cut, as the class driver of Windows does with every read. */
static void cut_long_read(struct task *task, uint32_t size)
{
    struct bus_command *command = &task->command;
    bool read = command->cdb[0] == 0x28 || command->cdb[0] == 0xA8;

    if (read && task->conn->luns[command->at.lun].device_type == CDROM &&
        command->length > CDROM_PIECE) {
        command->block_size = size;
        command->piece_blocks = CDROM_PIECE / size;
    }
}

/** Direction and length of the SRB. */
static void measure(struct task *task)
{
    struct bus_command *command = &task->command;
    uint32_t size = block_size(task);
    struct cdb_transfer transfer = cdb_transfer(command->cdb, command->cdb_length, size);
    uint64_t length = task->expected;

    command->direction = task->write ? BUS_DATA_OUT : task->read ? BUS_DATA_IN : BUS_NO_DATA;
    if (transfer.known) {
        command->direction = transfer.direction;
    }
    if (command->direction == BUS_DATA_IN && transfer.known) {
        length = transfer.length;
    } else if (command->direction == BUS_DATA_OUT) {
        length = task->write ? task->expected : 0;
        if (transfer.count_bytes != 0 && task->write && length < transfer.length) {
            shorten(task, &transfer, size);
        }
    }
    command->length = length < BUFFERS_MOST ? (uint32_t)length : (uint32_t)BUFFERS_MOST;
    if (command->direction == BUS_NO_DATA || command->length == 0) {
        command->direction = BUS_NO_DATA;
        command->length = 0;
    } else if (command->direction == BUS_DATA_IN && transfer.known) {
        cut_long_read(task, size);
    }
}

/** Hands the task to the bus. */
static void submit(struct task *task)
{
    struct target *target = task->target;

    task->state = TASK_RUNNING;
    target->on_bus++;
    target->bus.submit(target->bus.context, &task->command);
}

/** Finds memory for what will be read. \return false: there is none. */
static bool take_memory(struct task *task)
{
    struct bus_command *command = &task->command;

    if (command->direction == BUS_DATA_IN) {
        drop_buffer(task);
        task->buffer = buffers_take(&task->target->buffers, command->length, &task->room);
    }
    command->data = command->length != 0 ? task->buffer : NULL;
    return command->length == 0 || task->buffer != NULL;
}

static void start(struct task *task)
{
    if (take_memory(task)) {
        submit(task);
    } else {
        task->judged = true;
        task->command.status = STATUS_BUSY;
        answer_task(task);
    }
}

/** Is there memory for one more read? There always is for the only command. */
static bool memory_for(const struct task *task)
{
    const struct target *target = task->target;

    return task->command.direction != BUS_DATA_IN || target->on_bus == 0 ||
           target->buffers.in_use + task->command.length <= TARGET_BUFFERS;
}

void task_ready(struct task *task)
{
    struct target *target = task->target;

    if (!task->judged && !task->command.absent) {
        measure(task);
    }
    if (task->judged || task->command.absent || attention_overrules(task)) {
        answer_task(task);
    } else if (target->waiting == NULL && memory_for(task)) {
        start(task);
    } else {
        task->state = TASK_WAITING;
        task->next_waiting = NULL;
        *target->waiting_end = task;
        target->waiting_end = &task->next_waiting;
    }
}

void task_start_waiting(struct target *target)
{
    while (target->waiting != NULL && memory_for(target->waiting)) {
        struct task *task = target->waiting;

        stop_waiting(task);
        start(task);
    }
}

void task_send_own(struct target *target, const struct bus_address *at, const uint8_t *cdb,
                   uint8_t cdb_length, uint32_t length, void (*then)(struct task *))
{
    struct task *task = task_new(target);

    if (task == NULL) {
        return;
    }
    task->command.at = *at;
    memcpy(task->command.cdb, cdb, cdb_length);
    task->command.cdb_length = cdb_length;
    task->command.length = length;
    task->command.direction = length != 0 ? BUS_DATA_IN : BUS_NO_DATA;
    task->then = then;
    if (take_memory(task)) {
        submit(task);
    } else {
        task_free(task);
    }
}
