/*
 * What an I_T nexus is told, and what it holds: unit attentions and the prevention of medium
 * removal. Both are kept here, one for each session and unit, because an SRB does not say which
 * initiator it comes from: to the driver, the target is the only one.
 */
#include "tools/iscsi/conn.h"

#define UNIT_ATTENTION 0x06

/** Ascending: the first that is pending is told first (SAM-5 5.14). */
static const struct {
    uint8_t bit, asc, ascq;
} attentions[] = {
    {ATTENTION_POWER_ON, 0x29, 0x00},     /* power on, reset, or bus device reset occurred */
    {ATTENTION_TARGET_RESET, 0x29, 0x02}, /* SCSI bus reset occurred */
    {ATTENTION_UNIT_RESET, 0x29, 0x03},   /* bus device reset function occurred */
    {ATTENTION_CLEARED, 0x2F, 0x00},      /* commands cleared by another initiator */
    {ATTENTION_MEDIUM, 0x28, 0x00},       /* not ready to ready change, medium may have changed */
    {ATTENTION_MODE, 0x2A, 0x01},         /* mode parameters changed */
};

/** Does this session see the unit? */
static bool sees(const struct conn *conn, const struct bus_address *at)
{
    return conn->phase == CONN_FULL && !conn->login.discovery && conn->at.path == at->path &&
           conn->at.target == at->target;
}

void attention_raise(struct target *target, const struct bus_address *at, enum attention what,
                     const struct conn *except)
{
    for (struct conn *conn = target->conns; conn != NULL; conn = conn->next) {
        if (conn != except && sees(conn, at)) {
            uint8_t *pending = &conn->luns[at->lun].attention;

            /* A reset makes everything before it old news. */
            *pending = what <= ATTENTION_UNIT_RESET ? (uint8_t)what : (uint8_t)(*pending | what);
        }
    }
}

/** Commands that no attention stops (SPC-4 6.6, 6.33; MMC-6 6.5, 6.7). */
static bool exempt(uint8_t opcode)
{
    return opcode == 0x12 || opcode == 0xA0 || opcode == 0x46 || opcode == 0x4A;
}

/** REQUEST SENSE gets the attention as its data, and GOOD (SPC-4 6.39). */
static void tell_as_data(struct task *task, uint8_t asc, uint8_t ascq)
{
    struct bus_command *command = &task->command;
    uint32_t length = command->cdb[4];

    answer_judge(task, UNIT_ATTENTION, asc, ascq);
    task->buffer = task->buffer != NULL
                       ? task->buffer
                       : buffers_take(&task->target->buffers, BUFFERS_LEAST, &task->room);
    if (task->buffer == NULL) {
        return;
    }
    memcpy(task->buffer, command->sense, command->sense_length);
    command->transferred = length < command->sense_length ? length : command->sense_length;
    command->status = 0;
    command->sense_length = 0;
}

void attention_check(struct task *task)
{
    uint8_t *pending = &task->conn->luns[task->command.at.lun].attention;
    uint8_t opcode = task->command.cdb[0];

    if (*pending == 0 || task->judged || task->command.absent || exempt(opcode)) {
        return;
    }
    for (unsigned i = 0; i < sizeof(attentions) / sizeof(attentions[0]); i++) {
        if ((*pending & attentions[i].bit) == 0) {
            continue;
        }
        *pending &= (uint8_t)~attentions[i].bit;
        if (opcode == 0x03) {
            tell_as_data(task, attentions[i].asc, attentions[i].ascq);
        } else {
            answer_judge(task, UNIT_ATTENTION, attentions[i].asc, attentions[i].ascq);
        }
        return;
    }
}

/** D_SENSE, as MODE SENSE tells it, holds for what the target itself has to say (SPC-4 7.5.8). */
static void learn_sense_format(struct task *task)
{
    const uint8_t *data = task->buffer;

    if (task->command.status != 0 || task->command.transferred < 7 || (data[4] & 0x3F) != 0x0A) {
        return;
    }
    for (struct conn *conn = task->target->conns; conn != NULL; conn = conn->next) {
        if (sees(conn, &task->command.at)) {
            conn->luns[task->command.at.lun].descriptor_sense = (data[6] & 0x04) != 0;
        }
    }
}

static void mode_selected(struct task *task)
{
    static const uint8_t mode_sense[6] = {0x1A, 0x08, 0x0A, 0, 16, 0};

    task_send_own(task->target, &task->command.at, mode_sense, sizeof(mode_sense), 16,
                  learn_sense_format);
    attention_raise(task->target, &task->command.at, ATTENTION_MODE, task->conn);
}

#define LOAD 0x03 /* START STOP UNIT: LOEJ and START */

void attention_after(struct task *task)
{
    struct bus_command *command = &task->command;

    if (task->judged || command->status != 0 || command->absent) {
        return;
    }
    switch (command->cdb[0]) {
    case 0x15: /* MODE SELECT(6), (10) */
    case 0x55:
        mode_selected(task);
        break;
    case 0x1B: /* START STOP UNIT */
        if ((command->cdb[4] & 0xF3) == LOAD) {
            attention_raise(task->target, &command->at, ATTENTION_MEDIUM, task->conn);
        }
        break;
    case 0x1E: /* PREVENT ALLOW MEDIUM REMOVAL */
        task->conn->luns[command->at.lun].prevents = (command->cdb[4] & 1) != 0;
        break;
    default:
        break;
    }
}

/** Does any session but this one hold the medium? */
static bool others_prevent(const struct conn *self, const struct bus_address *at)
{
    for (const struct conn *conn = self->target->conns; conn != NULL; conn = conn->next) {
        if (conn != self && sees(conn, at) && conn->luns[at->lun].prevents) {
            return true;
        }
    }
    return false;
}

bool attention_overrules(struct task *task)
{
    const struct bus_command *command = &task->command;

    if (command->cdb[0] != 0x1E || (command->cdb[4] & 3) != 0 ||
        !others_prevent(task->conn, &command->at)) {
        return false;
    }
    task->conn->luns[command->at.lun].prevents = false;
    task->judged = true; /* GOOD: this initiator no longer prevents, another does. */
    return true;
}

static void nothing(struct task *task)
{
    (void)task;
}

void attention_session_ends(struct conn *conn)
{
    static const uint8_t allow[6] = {0x1E, 0, 0, 0, 0, 0};
    struct bus_address at = conn->at;

    for (unsigned lun = 0; lun < CONN_LUNS; lun++) {
        at.lun = (uint8_t)lun;
        if (conn->luns[lun].prevents && !others_prevent(conn, &at)) {
            task_send_own(conn->target, &at, allow, sizeof(allow), 0, nothing);
        }
        conn->luns[lun].prevents = false;
    }
}

void attention_reset(struct target *target, const struct bus_address *at,
                     enum bus_reset_level level)
{
    for (struct conn *conn = target->conns; conn != NULL; conn = conn->next) {
        bool covered = conn->phase == CONN_FULL && conn->at.path == at->path &&
                       (level == BUS_RESET_BUS || conn->at.target == at->target);

        for (unsigned lun = 0; lun < CONN_LUNS && covered; lun++) {
            if (level != BUS_RESET_UNIT || lun == at->lun) {
                conn->luns[lun].prevents = false;
            }
        }
    }
}
