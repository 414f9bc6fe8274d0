/*
 * PDUs on their way out: numbered, digested and queued here, then handed to the server as pieces of
 * memory. The data of a read go out from the buffer that the driver filled.
 */
#include "tools/iscsi/conn.h"

#include <stdlib.h>

#define FREE_OUTS 256u

void out_prepare(struct out *out, enum pdu_opcode opcode, uint32_t tag)
{
    memset(out->header, 0, PDU_HEADER);
    out->header[0] = (uint8_t)opcode;
    out->header[1] = PDU_FINAL;
    put32(out->header + PDU_ITT, tag);
    put32(out->header + PDU_TTT,
          opcode == PDU_SCSI_RESPONSE || opcode == PDU_REJECT || opcode == PDU_TASK_RESPONSE ||
                  opcode == PDU_LOGOUT_RESPONSE || opcode == PDU_LOGIN_RESPONSE
              ? 0
              : PDU_RESERVED_TAG);
    out->header_length = PDU_HEADER;
    out->trailer_length = 0;
    out->data = NULL;
    out->length = 0;
    out->owned = NULL;
    out->task = NULL;
    out->next = NULL;
}

struct out *out_new(struct conn *conn, enum pdu_opcode opcode, uint32_t tag)
{
    struct target *target = conn->target;
    struct out *out = target->free_outs;

    if (out != NULL) {
        target->free_outs = out->next;
        target->free_out_count--;
    } else {
        out = malloc(sizeof(*out));
    }
    if (out == NULL) {
        conn_end(conn);
        return NULL;
    }
    out->pooled = true;
    out_prepare(out, opcode, tag);
    return out;
}

void out_free(struct target *target, struct out *out)
{
    struct task *task = out->task;

    free(out->owned);
    if (out->pooled && target->free_out_count < FREE_OUTS) {
        out->next = target->free_outs;
        target->free_outs = out;
        target->free_out_count++;
    } else if (out->pooled) {
        free(out);
    }
    if (task != NULL) {
        task_free(task);
    }
}

/** StatSN of the next numbered response, and the window. */
static void fill_numbers(struct conn *conn, struct out *out, bool numbered)
{
    uint32_t window = conn->in_window < TARGET_WINDOW ? TARGET_WINDOW - conn->in_window : 0;
    uint32_t most = conn->expcmdsn + window - 1;

    if (serial_before(conn->maxcmdsn, most)) { /* It never goes back (RFC 7143 4.2.2.1). */
        conn->maxcmdsn = most;
    }
    if (numbered || pdu_opcode(out->header) == PDU_R2T || pdu_opcode(out->header) == PDU_NOP_IN) {
        put32(out->header + PDU_STATSN, conn->statsn);
    }
    conn->statsn += numbered;
    put32(out->header + PDU_EXPCMDSN, conn->expcmdsn);
    put32(out->header + PDU_MAXCMDSN, conn->maxcmdsn);
}

/** Padding, and the digests that are in force. */
static void fill_trailer(struct conn *conn, struct out *out)
{
    uint32_t padding = pdu_padding(out->length), digest;

    put24(out->header + PDU_DATA_LENGTH, out->length);
    memset(out->trailer, 0, sizeof(out->trailer));
    out->trailer_length = (uint8_t)padding;
    if (conn->header_digest) {
        digest_end(digest_add(DIGEST_BEGIN, out->header, PDU_HEADER), out->header + PDU_HEADER);
        out->header_length = PDU_HEADER + PDU_DIGEST;
    }
    if (conn->data_digest && out->length != 0) {
        digest = digest_add(DIGEST_BEGIN, out->data, out->length);
        digest_end(digest_add(digest, out->trailer, padding), out->trailer + padding);
        out->trailer_length = (uint8_t)(padding + PDU_DIGEST);
    }
}

void out_queue(struct conn *conn, struct out *out, bool numbered)
{
    fill_numbers(conn, out, numbered);
    fill_trailer(conn, out);
    *conn->last_out = out;
    conn->last_out = &out->next;
    conn_mark_dirty(conn);
}

void out_reject(struct conn *conn, enum pdu_reject reason)
{
    struct out *out = out_new(conn, PDU_REJECT, PDU_RESERVED_TAG);

    if (out == NULL) {
        return;
    }
    out->owned = malloc(PDU_HEADER);
    if (out->owned == NULL) {
        out_free(conn->target, out);
        conn_end(conn);
        return;
    }
    memcpy(out->owned, conn->header, PDU_HEADER);
    out->data = out->owned;
    out->length = PDU_HEADER;
    out->header[2] = (uint8_t)reason;
    out_queue(conn, out, true);
}

void out_reject_and_end(struct conn *conn, enum pdu_reject reason)
{
    out_reject(conn, reason);
    conn_end(conn);
}

/** The three pieces of a PDU. */
static unsigned pieces(const struct out *out, struct iovec piece[3])
{
    unsigned count = 0;

    piece[count++] = (struct iovec){(void *)(uintptr_t)out->header, out->header_length};
    if (out->length != 0) {
        piece[count++] = (struct iovec){(void *)(uintptr_t)out->data, out->length};
    }
    if (out->trailer_length != 0) {
        piece[count++] = (struct iovec){(void *)(uintptr_t)out->trailer, out->trailer_length};
    }
    return count;
}

unsigned conn_output(struct conn *conn, struct iovec *iov, unsigned room)
{
    size_t skip = conn->out_sent;
    unsigned used = 0;

    for (const struct out *out = conn->first_out; out != NULL && used + 3 <= room;
         out = out->next) {
        struct iovec piece[3];
        unsigned count = pieces(out, piece);

        for (unsigned i = 0; i < count; i++) {
            if (skip >= piece[i].iov_len) {
                skip -= piece[i].iov_len;
                continue;
            }
            iov[used].iov_base = (char *)piece[i].iov_base + skip;
            iov[used++].iov_len = piece[i].iov_len - skip;
            skip = 0;
        }
    }
    return used;
}

void conn_sent(struct conn *conn, size_t length)
{
    while (length > 0) {
        struct out *out = conn->first_out;
        size_t left =
            out->header_length + (size_t)out->length + out->trailer_length - conn->out_sent;

        if (length < left) {
            conn->out_sent += (uint32_t)length;
            return;
        }
        length -= left;
        conn->out_sent = 0;
        conn->first_out = out->next;
        if (conn->first_out == NULL) {
            conn->last_out = &conn->first_out;
        }
        out_free(conn->target, out);
    }
}
