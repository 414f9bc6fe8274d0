/*
 * Task management (RFC 7143 11.5, 11.6). A command that the bus has is ended by Storport's abort,
 * which for this kind of miniport is a reset of the unit; unit, target and bus resets are Storport's
 * own rungs. The response waits until everything that it speaks of has ended.
 */
#include "tools/iscsi/conn.h"

#include <stdlib.h>

enum function {
    ABORT_TASK = 1,
    ABORT_TASK_SET = 2,
    CLEAR_ACA = 3,
    CLEAR_TASK_SET = 4,
    UNIT_RESET = 5,
    TARGET_WARM_RESET = 6,
    TARGET_COLD_RESET = 7,
    TASK_REASSIGN = 8,
};

enum response {
    RESPONSE_COMPLETE = 0,
    RESPONSE_NO_TASK = 1,
    RESPONSE_NO_UNIT = 2,
    RESPONSE_NO_REASSIGN = 4,
    RESPONSE_UNSUPPORTED = 5,
    RESPONSE_REJECTED = 255,
};

static void respond(struct conn *conn, uint32_t tag, enum response response)
{
    struct out *out = out_new(conn, PDU_TASK_RESPONSE, tag);

    if (out != NULL) {
        out->header[2] = (uint8_t)response;
        out_queue(conn, out, true);
    }
}

/** Ends one task without an answer. */
static void abort_one(struct management *management, struct task *task, bool on_bus_too)
{
    bool running = task->state == TASK_RUNNING;

    task_forget(task);
    if (!running) {
        task_free(task);
        return;
    }
    task->aborted = true;
    task->management = management;
    management->pending++;
    if (on_bus_too) {
        task->target->bus.abort(task->target->bus.context, &task->command);
    }
}

static bool covers(const struct management *management, const struct bus_address *at)
{
    const struct bus_address *scope = &management->reset.at;

    if (management->function == TARGET_COLD_RESET) {
        return at->path == scope->path;
    }
    return at->path == scope->path && at->target == scope->target &&
           (management->function == TARGET_WARM_RESET || at->lun == scope->lun);
}

/** Ends a session's tasks that the function is about. */
static void abort_covered(struct management *management, struct conn *conn, bool on_bus_too)
{
    for (unsigned bucket = 0; bucket < CONN_TAG_BUCKETS; bucket++) {
        struct task *task = conn->tasks[bucket], *next;

        for (; task != NULL; task = next) {
            next = task->next;
            if (covers(management, &task->command.at)) {
                abort_one(management, task, on_bus_too);
            }
        }
    }
}

static bool unit_exists(const struct conn *conn, const struct bus_address *at)
{
    struct bus_unit units[BUS_UNITS];
    unsigned count = conn->target->bus.units(conn->target->bus.context, units, BUS_UNITS);

    for (unsigned i = 0; i < count && i < BUS_UNITS; i++) {
        if (memcmp(&units[i].at, at, sizeof(*at)) == 0) {
            return true;
        }
    }
    return false;
}

static void begin_reset(struct management *management, enum bus_reset_level level)
{
    struct target *target = management->conn->target;

    management->reset.event.kind = BUS_RESET_DONE;
    management->reset.level = level;
    management->pending++;
    target->on_bus++;
    target->bus.reset(target->bus.context, &management->reset);
}

/** Every session of the target is told, and has lost its hold on the medium. */
static void reset_has_happened(struct target *target, const struct bus_reset *reset)
{
    enum attention what =
        reset->level == BUS_RESET_UNIT ? ATTENTION_UNIT_RESET : ATTENTION_TARGET_RESET;
    struct bus_unit units[BUS_UNITS];
    unsigned count = target->bus.units(target->bus.context, units, BUS_UNITS);

    attention_reset(target, &reset->at, reset->level);
    for (unsigned i = 0; i < count && i < BUS_UNITS; i++) {
        if (units[i].at.path == reset->at.path &&
            (reset->level == BUS_RESET_BUS || units[i].at.target == reset->at.target) &&
            (reset->level != BUS_RESET_UNIT || units[i].at.lun == reset->at.lun)) {
            attention_raise(target, &units[i].at, what, NULL);
        }
    }
}

/** Target cold reset: all sessions of the target end (RFC 7143 11.5.1). */
static void end_sessions(struct target *target, const struct bus_address *at)
{
    for (struct conn *conn = target->conns; conn != NULL; conn = conn->next) {
        if (conn->phase == CONN_FULL && !conn->login.discovery && conn->at.path == at->path &&
            conn->at.target == at->target) {
            conn_end(conn);
        }
    }
}

/** Something that the function waited for has ended; the last of them lets it answer. */
static void settle(struct target *target, struct management *management)
{
    struct management **link = &target->managements;

    if (--management->pending != 0) {
        return;
    }
    while (*link != management) {
        link = &(*link)->next;
    }
    *link = management->next;
    if (management->conn != NULL) {
        respond(management->conn, management->tag,
                management->failed ? RESPONSE_REJECTED : RESPONSE_COMPLETE);
    }
    if (management->function == TARGET_COLD_RESET) {
        end_sessions(target, &management->reset.at);
    }
    free(management);
}

void management_task_ended(struct management *management)
{
    settle(management->target, management);
}

void management_reset_ended(struct management *management)
{
    management->failed = !management->reset.succeeded;
    reset_has_happened(management->target, &management->reset);
    settle(management->target, management);
}

void management_forget(struct conn *conn)
{
    for (struct management *it = conn->target->managements; it != NULL; it = it->next) {
        if (it->conn == conn) {
            it->conn = NULL;
        }
    }
}

/** CLEAR TASK SET ends the tasks of all sessions; the others learn it by a unit attention. */
static void clear_task_set(struct management *management)
{
    struct conn *self = management->conn;

    for (struct conn *conn = self->target->conns; conn != NULL; conn = conn->next) {
        if (conn->phase == CONN_FULL && !conn->login.discovery) {
            abort_covered(management, conn, true);
        }
    }
    attention_raise(self->target, &management->reset.at, ATTENTION_CLEARED, self);
}

static void carry_out(struct management *management)
{
    struct conn *conn = management->conn;
    struct task *task;

    switch ((enum function)management->function) {
    case ABORT_TASK:
        task = task_find(conn, get32(conn->header + PDU_REFERENCED_TAG));
        abort_one(management, task, true);
        break;
    case ABORT_TASK_SET:
        abort_covered(management, conn, true);
        break;
    case CLEAR_TASK_SET:
        clear_task_set(management);
        break;
    case UNIT_RESET:
        abort_covered(management, conn, false);
        begin_reset(management, BUS_RESET_UNIT);
        break;
    case TARGET_WARM_RESET:
        abort_covered(management, conn, false);
        begin_reset(management, BUS_RESET_TARGET);
        break;
    default:
        abort_covered(management, conn, false);
        begin_reset(management, BUS_RESET_BUS);
        break;
    }
}

/** What can be said without doing anything. \return COMPLETE: it is to be carried out. */
static enum response judge(const struct conn *conn, uint8_t function, const struct bus_address *at)
{
    switch ((enum function)function) {
    case ABORT_TASK:
        return task_find((struct conn *)(uintptr_t)conn,
                         get32(conn->header + PDU_REFERENCED_TAG)) != NULL
                   ? RESPONSE_COMPLETE
                   : RESPONSE_NO_TASK;
    case ABORT_TASK_SET:
    case CLEAR_TASK_SET:
    case UNIT_RESET:
        return unit_exists(conn, at) ? RESPONSE_COMPLETE : RESPONSE_NO_UNIT;
    case TARGET_WARM_RESET:
    case TARGET_COLD_RESET:
        return RESPONSE_COMPLETE;
    case TASK_REASSIGN:
        return RESPONSE_NO_REASSIGN;
    case CLEAR_ACA: /* There is no ACA: NACA is refused. */
    default:
        return RESPONSE_UNSUPPORTED;
    }
}

void management_request(struct conn *conn)
{
    uint8_t function = conn->header[1] & 0x7F;
    uint32_t tag = get32(conn->header + PDU_ITT);
    struct bus_address at = conn->at;
    struct management *management;
    enum response response;

    if (!pdu_lun(conn->header + PDU_LUN, &at.lun) && function <= UNIT_RESET &&
        function != ABORT_TASK) {
        respond(conn, tag, RESPONSE_NO_UNIT);
        return;
    }
    response = judge(conn, function, &at);
    management = response == RESPONSE_COMPLETE ? calloc(1, sizeof(*management)) : NULL;
    if (management == NULL) {
        respond(conn, tag, response != RESPONSE_COMPLETE ? response : RESPONSE_REJECTED);
        return;
    }
    management->target = conn->target;
    management->conn = conn;
    management->tag = tag;
    management->function = function;
    management->reset.at = at;
    management->next = conn->target->managements;
    conn->target->managements = management;
    management->pending = 1; /* Its own, so that it does not end while it begins. */
    carry_out(management);
    settle(conn->target, management);
}
