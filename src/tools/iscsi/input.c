/*
 * Bytes to PDUs. Headers are read into a small stage; the data of a write, as far as they are not in
 * the stage already, straight into the command's buffer. A header that cannot be trusted ends the
 * connection, since nobody knows where the next one begins.
 */
#include "tools/iscsi/conn.h"

#include <stdlib.h>

/** Data that go past the stage only if there are at least so many: a second piece costs too. */
#define DIRECT_LEAST 4096u

static uint32_t staged(const struct conn *conn)
{
    return conn->stage_end - conn->stage_begin;
}

/** Memory is short, and this connection has commands that will give some back: not now. */
static bool must_wait(const struct conn *conn)
{
    return conn->target->buffers.in_use > TARGET_BUFFERS && conn->target->on_bus != 0;
}

unsigned conn_buffers(struct conn *conn, struct iovec iov[2])
{
    unsigned count = 0;

    if (conn->phase == CONN_ENDING || (conn->input == INPUT_HEADER && must_wait(conn))) {
        return 0;
    }
    if (conn->stage_begin != 0) {
        memmove(conn->stage, conn->stage + conn->stage_begin, staged(conn));
        conn->stage_end -= conn->stage_begin;
        conn->stage_begin = 0;
    }
    if (conn->input == INPUT_DATA && conn->data != NULL && conn->data_left >= DIRECT_LEAST &&
        staged(conn) == 0) {
        iov[count].iov_base = conn->data + (conn->data_length - conn->data_left);
        iov[count++].iov_len = conn->data_left;
    }
    iov[count].iov_base = conn->stage + conn->stage_end;
    iov[count++].iov_len = CONN_STAGE - conn->stage_end;
    return count;
}

/** The tail of a PDU: padding and data digest. */
static uint32_t tail_length(const struct conn *conn)
{
    return conn->data_length == 0
               ? 0
               : pdu_padding(conn->data_length) + (conn->data_digest ? PDU_DIGEST : 0);
}

/** Where a header ends: basic, additional, digest. \return 0: not known yet. */
static uint32_t header_length(const struct conn *conn)
{
    uint32_t additional;

    if (staged(conn) < PDU_HEADER) {
        return 0;
    }
    additional = 4u * conn->stage[conn->stage_begin + PDU_AHS_LENGTH];
    return PDU_HEADER + additional + (conn->header_digest ? PDU_DIGEST : 0);
}

/** Checks the digest of a header that is in the stage. */
static bool header_intact(const struct conn *conn, uint32_t length)
{
    const uint8_t *header = conn->stage + conn->stage_begin;
    uint8_t digest[PDU_DIGEST];

    if (!conn->header_digest) {
        return true;
    }
    digest_end(digest_add(DIGEST_BEGIN, header, length - PDU_DIGEST), digest);
    return memcmp(digest, header + length - PDU_DIGEST, PDU_DIGEST) == 0;
}

/** \return false: more bytes are needed. */
static bool parse_header(struct conn *conn)
{
    uint32_t length = header_length(conn);

    if (length == 0 || staged(conn) < length) {
        return false;
    }
    if (!header_intact(conn, length)) {
        conn_end(conn); /* ErrorRecoveryLevel 0: RFC 7143 7.7. */
        return false;
    }
    memcpy(conn->header, conn->stage + conn->stage_begin, PDU_HEADER);
    if (4u * conn->header[PDU_AHS_LENGTH] > PDU_AHS_MAXIMUM ||
        get24(conn->header + PDU_DATA_LENGTH) > conn->parameters.own_segment) {
        out_reject_and_end(conn, REJECT_PROTOCOL);
        return false;
    }
    memcpy(conn->header + PDU_HEADER, conn->stage + conn->stage_begin + PDU_HEADER,
           4u * conn->header[PDU_AHS_LENGTH]);
    conn->stage_begin += length;
    conn->data_length = conn->data_left = get24(conn->header + PDU_DATA_LENGTH);
    conn->data = NULL;
    conn->task = NULL;
    conn->skip = false;
    full_begin(conn);
    conn->input = INPUT_DATA;
    return true;
}

/** The rest of the data that is in the stage. */
static bool parse_data(struct conn *conn)
{
    uint32_t count = staged(conn) < conn->data_left ? staged(conn) : conn->data_left;
    const uint8_t *from = conn->stage + conn->stage_begin;

    if (conn->data_digest && conn->data == NULL) {
        conn->digest = digest_add(
            conn->data_left == conn->data_length ? DIGEST_BEGIN : conn->digest, from, count);
    }
    if (conn->data != NULL && count != 0) {
        memcpy(conn->data + (conn->data_length - conn->data_left), from, count);
    }
    conn->data_left -= count;
    conn->stage_begin += count;
    if (conn->data_left != 0) {
        return false;
    }
    conn->input = INPUT_TAIL;
    return true;
}

/** Is the data digest right? */
static bool data_intact(struct conn *conn, const uint8_t *tail)
{
    uint32_t padding = pdu_padding(conn->data_length);
    uint8_t digest[PDU_DIGEST];

    if (!conn->data_digest || conn->data_length == 0 || conn->skip) {
        return true;
    }
    if (conn->data != NULL) {
        conn->digest = digest_add(DIGEST_BEGIN, conn->data, conn->data_length);
    }
    digest_end(digest_add(conn->digest, tail, padding), digest);
    return memcmp(digest, tail + padding, PDU_DIGEST) == 0;
}

static bool parse_tail(struct conn *conn)
{
    uint32_t length = tail_length(conn);
    bool intact;

    if (staged(conn) < length) {
        return false;
    }
    intact = data_intact(conn, conn->stage + conn->stage_begin);
    conn->stage_begin += length;
    conn->input = INPUT_HEADER;
    full_end(conn, intact);
    return true;
}

void conn_received(struct conn *conn, size_t length)
{
    bool more = true;

    conn->active = true;
    if (conn->input == INPUT_DATA && conn->data != NULL && conn->data_left >= DIRECT_LEAST &&
        staged(conn) == 0) {
        uint32_t direct = length < conn->data_left ? (uint32_t)length : conn->data_left;

        conn->data_left -= direct;
        length -= direct;
    }
    conn->stage_end += (uint32_t)length;
    while (more && conn->phase != CONN_ENDING) {
        switch (conn->input) {
        case INPUT_HEADER:
            more = parse_header(conn);
            break;
        case INPUT_DATA:
            more = parse_data(conn);
            break;
        case INPUT_TAIL:
            more = parse_tail(conn);
            break;
        }
    }
}
