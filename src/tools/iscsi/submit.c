/*
 * A command on its way to the bus: direction and length of its SRB, memory for what it reads, and
 * what waits while there is none.
 */
#include "tools/iscsi/conn.h"
#include "tools/iscsi/lengths.h"

#define STATUS_BUSY 0x08

/** Bytes of a block of the task's unit; asks the bus when that is not known yet. */
static uint32_t block_size(struct task *task)
{
    struct conn_lun *luns = task->conn->luns;
    struct target *target = task->target;
    struct bus_unit units[BUS_UNITS];
    unsigned count;

    if (luns[task->command.at.lun].block_size == 0) {
        count = target->bus.units(target->bus.context, units, BUS_UNITS);
        for (unsigned i = 0; i < count && i < BUS_UNITS; i++) {
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
    if (length > BUFFERS_MOST && transfer.known && transfer.direction == BUS_DATA_IN &&
        task->conn->luns[command->at.lun].device_type == CDROM) {
        answer_judge(task, 0x05, 0x24, 0x00); /* A disk's driver says so itself: see page B0h. */
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
        task_drop_buffer(task);
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

        task_stop_waiting(task);
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
