/*
 * A connection's life, which is its session's: from conn_open to conn_close, whichever side ends
 * it. Commands that the bus still has outlive it, and end unheard.
 */
#include "tools/iscsi/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct conn *conn_open(struct target *target, const char *portal, void *user)
{
    struct conn *conn = calloc(1, sizeof(*conn));

    if (conn == NULL) {
        return NULL;
    }
    conn->target = target;
    conn->user = user;
    snprintf(conn->portal, sizeof(conn->portal), "%s", portal);
    conn->last_out = &conn->first_out;
    conn->text_request.limit = LOGIN_TEXT_MAXIMUM;
    conn->text_answer.limit = (size_t)1 << 20;
    conn->text_tag = PDU_RESERVED_TAG;
    login_begin(&conn->login, &target->rules);
    conn->parameters = conn->login.negotiation.parameters;
    conn->next = target->conns;
    if (conn->next != NULL) {
        conn->next->previous = conn;
    }
    target->conns = conn;
    return conn;
}

/** Takes the connection out of the target's list of those that want attention. */
static void clean(struct conn *conn)
{
    struct conn **link = &conn->target->dirty;

    while (conn->is_dirty && *link != NULL) {
        if (*link == conn) {
            *link = conn->next_dirty;
            conn->is_dirty = false;
        } else {
            link = &(*link)->next_dirty;
        }
    }
}

/** Every task is the bus's alone from now on, or gone. */
static void abandon_tasks(struct conn *conn)
{
    for (unsigned bucket = 0; bucket < CONN_TAG_BUCKETS; bucket++) {
        while (conn->tasks[bucket] != NULL) {
            struct task *task = conn->tasks[bucket];

            task_forget(task);
            if (task->state != TASK_RUNNING) {
                task_free(task);
            }
        }
    }
}

void conn_close(struct conn *conn)
{
    struct target *target = conn->target;

    clean(conn);
    abandon_tasks(conn);
    management_forget(conn);
    while (conn->first_out != NULL) {
        struct out *out = conn->first_out;

        conn->first_out = out->next;
        out_free(target, out);
    }
    attention_session_ends(conn);
    if (conn->previous != NULL) {
        conn->previous->next = conn->next;
    } else {
        target->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->previous = conn->previous;
    }
    login_end(&conn->login);
    text_free(&conn->text_request);
    text_free(&conn->text_answer);
    free(conn->scratch);
    free(conn);
    task_start_waiting(target);
}

void *conn_user(const struct conn *conn)
{
    return conn->user;
}

void conn_mark_dirty(struct conn *conn)
{
    if (!conn->is_dirty) {
        conn->is_dirty = true;
        conn->next_dirty = conn->target->dirty;
        conn->target->dirty = conn;
    }
}

void conn_end(struct conn *conn)
{
    conn->phase = CONN_ENDING;
    conn_mark_dirty(conn);
}

bool conn_over(const struct conn *conn)
{
    return conn->phase == CONN_ENDING && conn->first_out == NULL;
}

bool conn_logged_in(const struct conn *conn)
{
    return conn->phase == CONN_FULL;
}

bool conn_active(struct conn *conn)
{
    bool active = conn->active;

    conn->active = false;
    return active;
}

/** Is this the session of the same initiator port and target? (RFC 7143 6.3.5) */
static bool same_nexus(const struct conn *one, const struct conn *other)
{
    return one->login.discovery == other->login.discovery &&
           memcmp(one->login.isid, other->login.isid, sizeof(one->login.isid)) == 0 &&
           strcasecmp(one->login.initiator, other->login.initiator) == 0 &&
           strcasecmp(one->login.target, other->login.target) == 0;
}

/** A session number that nobody has. */
static uint16_t new_session_number(struct target *target)
{
    bool taken;

    do {
        taken = ++target->last_tsih == 0;
        for (const struct conn *conn = target->conns; conn != NULL && !taken; conn = conn->next) {
            taken = conn->tsih == target->last_tsih;
        }
    } while (taken);
    return target->last_tsih;
}

void conn_begin_session(struct conn *conn)
{
    for (struct conn *other = conn->target->conns; other != NULL; other = other->next) {
        if (other != conn && other->phase == CONN_FULL && same_nexus(conn, other)) {
            attention_session_ends(other);
            conn_end(other);
        }
    }
    conn->tsih = new_session_number(conn->target);
    conn->phase = CONN_FULL;
    for (unsigned i = 0; i < CONN_LUNS; i++) {
        conn->luns[i].attention = conn->login.discovery ? 0 : ATTENTION_POWER_ON;
    }
}

void conn_ping(struct conn *conn)
{
    struct out *out = out_new(conn, PDU_NOP_IN, PDU_RESERVED_TAG);

    if (out != NULL) {
        put32(out->header + PDU_TTT, conn->next_transfer_tag++);
        out_queue(conn, out, false);
    }
}

/** An Asynchronous Message: the target drops all connections (RFC 7143 11.9.1, event 2). */
void conn_shut_down(struct conn *conn)
{
    struct out *out;

    if (conn->phase == CONN_FULL && !conn->login.discovery) {
        out = out_new(conn, PDU_ASYNC_MESSAGE, PDU_RESERVED_TAG);
        if (out != NULL) {
            out->header[36] = 3; /* all connections of the session */
            out_queue(conn, out, true);
        }
    }
    conn_end(conn);
}
