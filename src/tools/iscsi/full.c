/*
 * Which PDU may come when, and who deals with it: one table. Before a session is in the full feature
 * phase only login requests may come; a discovery session may ask for names, ping and log out.
 */
#include "tools/iscsi/conn.h"

#include <stdlib.h>

enum allowed { IN_LOGIN = 1, IN_DISCOVERY = 2, IN_NORMAL = 4 };

static void scratch_begin(struct conn *conn);
static void login_end_of_pdu(struct conn *conn, bool intact);
static void nop_out(struct conn *conn, bool intact);
static void task_request(struct conn *conn, bool intact);
static void text_pdu(struct conn *conn, bool intact);
static void logout_request(struct conn *conn, bool intact);
static void snack(struct conn *conn, bool intact);

static const struct kind {
    enum pdu_opcode opcode;
    unsigned allowed;
    bool additional;              /**< May have additional headers. */
    void (*begin)(struct conn *); /**< The header has come. */
    void (*end)(struct conn *, bool intact);
} kinds[] = {
    {PDU_SCSI_COMMAND, IN_NORMAL, true, command_begin, command_end},
    {PDU_DATA_OUT, IN_NORMAL, false, data_out_begin, data_out_end},
    {PDU_NOP_OUT, IN_NORMAL | IN_DISCOVERY, false, scratch_begin, nop_out},
    {PDU_TASK_REQUEST, IN_NORMAL, false, NULL, task_request},
    {PDU_TEXT_REQUEST, IN_NORMAL | IN_DISCOVERY, false, scratch_begin, text_pdu},
    {PDU_LOGOUT_REQUEST, IN_NORMAL | IN_DISCOVERY, false, NULL, logout_request},
    {PDU_LOGIN_REQUEST, IN_LOGIN, false, scratch_begin, login_end_of_pdu},
    {PDU_SNACK_REQUEST, IN_NORMAL, false, NULL, snack},
};

static const struct kind *kind_of(const struct conn *conn)
{
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].opcode == pdu_opcode(conn->header)) {
            return &kinds[i];
        }
    }
    return NULL;
}

static unsigned now_allowed(const struct conn *conn)
{
    if (conn->phase == CONN_LOGIN) {
        return IN_LOGIN;
    }
    return conn->login.discovery ? IN_DISCOVERY : IN_NORMAL;
}

/** Numbered requests are executed in order. One ahead of the next cannot be caught up with on the
 * only connection; one outside the window is ignored (RFC 7143 4.2.2.1). */
bool full_take_number(struct conn *conn)
{
    uint32_t number = get32(conn->header + PDU_CMDSN);

    if ((conn->header[0] & PDU_IMMEDIATE) != 0) {
        return true;
    }
    if (serial_before(number, conn->expcmdsn) || serial_before(conn->maxcmdsn, number)) {
        return false;
    }
    if (number != conn->expcmdsn) {
        out_reject_and_end(conn, REJECT_PROTOCOL);
        return false;
    }
    conn->expcmdsn++;
    return true;
}

bool full_scratch(struct conn *conn)
{
    if (conn->scratch_room < conn->data_length) {
        uint8_t *scratch = realloc(conn->scratch, conn->data_length);

        if (scratch == NULL) {
            out_reject_and_end(conn, REJECT_RESOURCES);
            return false;
        }
        conn->scratch = scratch;
        conn->scratch_room = conn->data_length;
    }
    conn->data = conn->scratch;
    return true;
}

static void scratch_begin(struct conn *conn)
{
    full_scratch(conn);
}

void full_begin(struct conn *conn)
{
    const struct kind *kind = kind_of(conn);

    if (kind == NULL && conn->phase == CONN_FULL) {
        conn->skip = true;
        out_reject(conn, REJECT_UNSUPPORTED);
    } else if (kind == NULL || (kind->allowed & now_allowed(conn)) == 0 ||
               (conn->header[PDU_AHS_LENGTH] != 0 && !kind->additional)) {
        out_reject_and_end(conn, REJECT_PROTOCOL);
    } else if (kind->begin != NULL) {
        kind->begin(conn);
    }
}

void full_end(struct conn *conn, bool intact)
{
    const struct kind *kind = kind_of(conn);

    if (!conn->skip && kind != NULL) {
        kind->end(conn, intact);
    }
    conn->data = NULL;
    conn->task = NULL;
}

/** A PDU that is not a command's: data that are damaged are not used. */
static bool reject_damaged(struct conn *conn, bool intact)
{
    if (!intact) {
        out_reject(conn, REJECT_DATA_DIGEST);
    }
    return !intact;
}

/* --- login --- */

/** A session number says that the initiator believes in a session: there is no second connection to
 * one. */
static void judge_session(struct conn *conn, uint8_t *response)
{
    enum login_status status = LOGIN_NO_SESSION;

    if (conn->login.tsih == 0 || conn->login.status != LOGIN_SUCCESS) {
        return;
    }
    for (const struct conn *other = conn->target->conns; other != NULL; other = other->next) {
        if (other != conn && other->tsih == conn->login.tsih) {
            status = LOGIN_TOO_MANY_CONNECTIONS;
        }
    }
    login_refuse(&conn->login, status, response);
}

/** The login is complete: what was agreed on holds from here on. */
static void enter_full(struct conn *conn, uint8_t *response)
{
    if (!conn->login.discovery && !target_find(conn->target, conn->login.target, &conn->at)) {
        login_refuse(&conn->login, LOGIN_NOT_FOUND, response);
        return;
    }
    conn->parameters = conn->login.negotiation.parameters;
    conn_begin_session(conn);
    put16(response + PDU_TSIH, conn->tsih);
}

static void login_answer(struct conn *conn, const uint8_t *response)
{
    struct out *out = out_new(conn, PDU_LOGIN_RESPONSE, conn->login.tag);

    if (out == NULL) {
        return;
    }
    memcpy(out->header, response, PDU_HEADER);
    out->length = (uint32_t)conn->login.answer.length;
    if (out->length != 0) {
        out->owned = malloc(out->length);
        if (out->owned == NULL) {
            out_free(conn->target, out);
            conn_end(conn);
            return;
        }
        memcpy(out->owned, conn->login.answer.bytes, out->length);
        out->data = out->owned;
    }
    out_queue(conn, out, conn->login.status == LOGIN_SUCCESS);
}

static void login_end_of_pdu(struct conn *conn, bool intact)
{
    uint8_t response[PDU_HEADER];

    (void)intact; /* There are no digests before the login is complete. */
    if (conn->login.requests == 0) {
        conn->expcmdsn = get32(conn->header + PDU_CMDSN);
        conn->maxcmdsn = conn->expcmdsn;
        conn->statsn = get32(conn->header + PDU_EXPSTATSN);
    }
    login_request(&conn->login, conn->header, conn->data, conn->data_length, response);
    if (conn->login.status == LOGIN_SUCCESS) {
        judge_session(conn, response);
    }
    if (conn->login.status == LOGIN_SUCCESS && conn->login.stage == LOGIN_FULL_FEATURE) {
        enter_full(conn, response);
    }
    login_answer(conn, response);
    if (conn->login.status != LOGIN_SUCCESS) {
        conn_end(conn);
    } else if (conn->phase == CONN_FULL) { /* The response itself has no digest yet. */
        conn->header_digest = conn->parameters.header_digest;
        conn->data_digest = conn->parameters.data_digest;
    }
}

/* --- the small ones --- */

/** A ping is answered with its data; an answer to ours needs none (RFC 7143 11.18). */
static void nop_out(struct conn *conn, bool intact)
{
    uint32_t tag = get32(conn->header + PDU_ITT), length = conn->data_length;
    struct out *out;

    if (reject_damaged(conn, intact)) {
        return;
    }
    if (!full_take_number(conn) || tag == PDU_RESERVED_TAG) {
        return;
    }
    out = out_new(conn, PDU_NOP_IN, tag);
    if (out == NULL) {
        return;
    }
    memcpy(out->header + PDU_LUN, conn->header + PDU_LUN, 8);
    out->length = length < conn->parameters.peer_segment ? length : conn->parameters.peer_segment;
    out->data = out->owned = conn->scratch; /* The scratch goes with it. */
    conn->scratch = NULL;
    conn->scratch_room = 0;
    out_queue(conn, out, true);
}

static void task_request(struct conn *conn, bool intact)
{
    if (!reject_damaged(conn, intact) && full_take_number(conn)) {
        management_request(conn);
    }
}

static void text_pdu(struct conn *conn, bool intact)
{
    if (!reject_damaged(conn, intact) && full_take_number(conn)) {
        text_request(conn);
    }
}

#define LOGOUT_FOR_RECOVERY 2
#define LOGOUT_UNSUPPORTED  2

/** Logout: closing the session and closing its only connection are one (RFC 7143 11.14). */
static void logout_request(struct conn *conn, bool intact)
{
    struct out *out;

    if (reject_damaged(conn, intact) || !full_take_number(conn)) {
        return;
    }
    out = out_new(conn, PDU_LOGOUT_RESPONSE, get32(conn->header + PDU_ITT));
    if (out == NULL) {
        return;
    }
    if ((conn->header[1] & 0x7F) >= LOGOUT_FOR_RECOVERY) {
        out->header[2] = LOGOUT_UNSUPPORTED;
        out_queue(conn, out, true);
        return;
    }
    attention_session_ends(conn);
    out_queue(conn, out, true);
    conn_end(conn);
}

/** ErrorRecoveryLevel 0 has nothing to send again. */
static void snack(struct conn *conn, bool intact)
{
    (void)intact;
    out_reject(conn, REJECT_SNACK);
}
