/*
 * Text requests of the full feature phase: SendTargets (RFC 7143 appendix C). An answer that is
 * longer than the initiator takes in one PDU is told in pieces, each fetched by a request.
 */
#include "tools/iscsi/conn.h"

#include <stdlib.h>

/** One target and where it is reached. */
static bool put_target(struct conn *conn, const char *name)
{
    return text_put(&conn->text_answer, "TargetName", "%s", name) &&
           text_put(&conn->text_answer, "TargetAddress", "%s,%u", conn->portal, LOGIN_PORTAL_GROUP);
}

/** Names of the bus's targets: all, or the one. */
static bool put_targets(struct conn *conn, const char *only)
{
    struct bus_unit units[BUS_UNITS];
    char name[LOGIN_NAME_MAXIMUM], last[LOGIN_NAME_MAXIMUM] = "";
    unsigned count = conn->target->bus.units(conn->target->bus.context, units, BUS_UNITS);

    for (unsigned i = 0; i < count && i < BUS_UNITS; i++) {
        target_name(units[i].at.path, units[i].at.target, name, sizeof(name));
        if (strcmp(name, last) == 0 || (only != NULL && strcasecmp(only, name) != 0)) {
            continue; /* Units come in the order of their addresses. */
        }
        memcpy(last, name, sizeof(last));
        if (!put_target(conn, name)) {
            return false;
        }
    }
    return true;
}

/** SendTargets: All is for discovery sessions, nothing is the session's own target. */
static bool send_targets(struct conn *conn, const char *value)
{
    const char *own = conn->login.target;

    if (conn->login.discovery) {
        if (value[0] == '\0') {
            return text_put(&conn->text_answer, "SendTargets", "Reject");
        }
        return put_targets(conn, strcmp(value, "All") == 0 ? NULL : value);
    }
    if (value[0] != '\0' && strcasecmp(value, own) != 0) {
        return text_put(&conn->text_answer, "SendTargets", "Reject");
    }
    return put_targets(conn, own);
}

static bool answer_key(struct conn *conn, const struct text_pair *pair)
{
    uint32_t number;

    if (strcmp(pair->key, "SendTargets") == 0) {
        return send_targets(conn, pair->value);
    }
    if (strcmp(pair->key, "MaxRecvDataSegmentLength") == 0 &&
        text_number(pair->value, 512, 16777215, &number)) {
        conn->parameters.peer_segment = number;
        return true;
    }
    return text_put(&conn->text_answer, pair->key, "NotUnderstood");
}

/** Answers the whole request. \return false after a reject. */
static bool answer_request(struct conn *conn)
{
    struct text_pair pair;
    size_t at = 0;
    int got;

    conn->text_answer.length = 0;
    conn->text_told = 0;
    while ((got = text_next(&conn->text_request, &at, &pair)) == 1) {
        if (!answer_key(conn, &pair)) {
            out_reject(conn, REJECT_RESOURCES);
            return false;
        }
    }
    if (got < 0) {
        out_reject(conn, REJECT_PROTOCOL);
    }
    return got == 0;
}

/** The next piece of the answer. */
static void tell(struct conn *conn)
{
    struct out *out = out_new(conn, PDU_TEXT_RESPONSE, get32(conn->header + PDU_ITT));
    size_t left = conn->text_answer.length - conn->text_told;
    uint32_t length =
        left < conn->parameters.peer_segment ? (uint32_t)left : conn->parameters.peer_segment;

    if (out == NULL) {
        return;
    }
    if (length != 0) {
        out->owned = malloc(length);
        if (out->owned == NULL) {
            out_free(conn->target, out);
            conn_end(conn);
            return;
        }
        memcpy(out->owned, conn->text_answer.bytes + conn->text_told, length);
        out->data = out->owned;
        out->length = length;
    }
    conn->text_told += length;
    conn->text_tag = PDU_RESERVED_TAG;
    if (length < left || (conn->header[1] & PDU_CONTINUE) != 0) {
        conn->text_tag = conn->next_transfer_tag++;
        out->header[1] = length < left ? PDU_CONTINUE : 0;
    }
    put32(out->header + PDU_TTT, conn->text_tag);
    out_queue(conn, out, true);
}

void text_request(struct conn *conn)
{
    uint32_t tag = get32(conn->header + PDU_TTT);

    if (tag != PDU_RESERVED_TAG && tag != conn->text_tag) {
        out_reject(conn, REJECT_INVALID_FIELD);
        return;
    }
    if (tag == PDU_RESERVED_TAG) { /* A new request. */
        conn->text_request.length = 0;
        conn->text_answer.length = conn->text_told = 0;
    }
    if (conn->text_told < conn->text_answer.length) {
        tell(conn);
        return;
    }
    if (!text_append(&conn->text_request, conn->data, conn->data_length)) {
        out_reject(conn, REJECT_RESOURCES);
        return;
    }
    if ((conn->header[1] & PDU_CONTINUE) != 0) {
        conn->text_answer.length = conn->text_told = 0;
        tell(conn);
        return;
    }
    if (answer_request(conn)) {
        conn->text_request.length = 0;
        tell(conn);
    }
}
