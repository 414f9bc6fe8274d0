/*
 * PDUs out, PDUs in. Checks nothing that a test may want to see go wrong.
 */
#include "initiator.h"

#include "tools/iscsi/digest.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_MS 20000

void initiator_begin(struct initiator *initiator, struct target *target)
{
    memset(initiator, 0, sizeof(*initiator));
    initiator->fd = -1;
    initiator->target = target;
    initiator->conn = conn_open(target, "127.0.0.1:3260", initiator);
}

void initiator_begin_socket(struct initiator *initiator, int fd)
{
    memset(initiator, 0, sizeof(*initiator));
    initiator->fd = fd;
}

void initiator_end(struct initiator *initiator)
{
    if (initiator->conn != NULL) {
        conn_close(initiator->conn);
        initiator->conn = NULL;
    }
    if (initiator->fd >= 0) {
        close(initiator->fd);
        initiator->fd = -1;
    }
    free(initiator->bytes);
    initiator->bytes = NULL;
}

static void keep(struct initiator *initiator, const void *bytes, size_t length)
{
    while (initiator->room < initiator->length + length) {
        initiator->room = initiator->room * 2 + 4096;
        initiator->bytes = realloc(initiator->bytes, initiator->room);
    }
    memcpy(initiator->bytes + initiator->length, bytes, length);
    initiator->length += length;
}

/** Takes what the target has to send. */
static void drain(struct initiator *initiator)
{
    struct iovec iov[16];
    unsigned count;

    while ((count = conn_output(initiator->conn, iov, 16)) != 0) {
        size_t sent = 0;

        for (unsigned i = 0; i < count; i++) {
            keep(initiator, iov[i].iov_base, iov[i].iov_len);
            sent += iov[i].iov_len;
        }
        conn_sent(initiator->conn, sent);
    }
}

bool initiator_over(struct initiator *initiator)
{
    drain(initiator);
    return conn_over(initiator->conn);
}

static void feed(struct initiator *initiator, const uint8_t *bytes, size_t length)
{
    struct iovec iov[2];

    while (length > 0) {
        unsigned count = conn_buffers(initiator->conn, iov);
        size_t done = 0;

        for (unsigned i = 0; i < count && length > 0; i++) {
            size_t part = iov[i].iov_len < length ? iov[i].iov_len : length;

            memcpy(iov[i].iov_base, bytes, part);
            bytes += part;
            length -= part;
            done += part;
        }
        if (done == 0) {
            return; /* It has ended the connection, or wants nothing now. */
        }
        conn_received(initiator->conn, done);
    }
}

void initiator_raw(struct initiator *initiator, const void *bytes, size_t length)
{
    const char *at = bytes;

    if (initiator->conn != NULL) {
        feed(initiator, bytes, length);
        return;
    }
    while (length > 0) {
        ssize_t sent = send(initiator->fd, at, length, MSG_NOSIGNAL);

        if (sent <= 0) {
            return; /* The test sees it when nothing comes back. */
        }
        at += sent;
        length -= (size_t)sent;
    }
}

void initiator_send(struct initiator *initiator, uint8_t *header, const void *data, uint32_t length)
{
    uint32_t padding = pdu_padding(length);
    uint8_t zeros[4] = {0}, digest[4];

    put24(header + PDU_DATA_LENGTH, length);
    initiator_raw(initiator, header, PDU_HEADER);
    if (initiator->header_digest) {
        digest_end(digest_add(DIGEST_BEGIN, header, PDU_HEADER), digest);
        initiator_raw(initiator, digest, sizeof(digest));
    }
    initiator_raw(initiator, data, length);
    initiator_raw(initiator, zeros, padding);
    if (initiator->data_digest && length != 0) {
        digest_end(digest_add(digest_add(DIGEST_BEGIN, data, length), zeros, padding), digest);
        initiator_raw(initiator, digest, sizeof(digest));
    }
}

/** Has so many bytes, waiting for them if they come through a socket. */
static bool have(struct initiator *initiator, size_t length)
{
    char buffer[65536];

    if (initiator->conn != NULL) {
        drain(initiator);
    }
    while (initiator->fd >= 0 && initiator->length < length) {
        struct pollfd poll_for = {.fd = initiator->fd, .events = POLLIN};
        ssize_t got = poll(&poll_for, 1, SOCKET_MS) == 1
                          ? recv(initiator->fd, buffer, sizeof(buffer), 0)
                          : -1;

        if (got <= 0) {
            return false;
        }
        keep(initiator, buffer, (size_t)got);
    }
    return initiator->length >= length;
}

bool initiator_receive(struct initiator *initiator, struct answer *answer)
{
    size_t header = PDU_HEADER + (initiator->header_digest ? PDU_DIGEST : 0), whole;

    if (!have(initiator, header)) {
        return false;
    }
    memcpy(answer->header, initiator->bytes, PDU_HEADER);
    answer->length = get24(answer->header + PDU_DATA_LENGTH);
    whole = header + answer->length + pdu_padding(answer->length) +
            (initiator->data_digest && answer->length != 0 ? PDU_DIGEST : 0);
    if (answer->length > sizeof(answer->data) || !have(initiator, whole)) {
        return false;
    }
    memcpy(answer->data, initiator->bytes + header, answer->length);
    memmove(initiator->bytes, initiator->bytes + whole, initiator->length - whole);
    initiator->length -= whole;
    return true;
}

void initiator_request(struct initiator *initiator, uint8_t header[PDU_HEADER], uint8_t opcode,
                       uint8_t flags)
{
    memset(header, 0, PDU_HEADER);
    header[0] = opcode;
    header[1] = flags;
    put32(header + PDU_ITT, ++initiator->tag);
    put32(header + PDU_TTT, PDU_RESERVED_TAG);
    put32(header + PDU_CMDSN, initiator->cmdsn);
    if ((opcode & PDU_IMMEDIATE) == 0 && opcode != PDU_DATA_OUT) {
        initiator->cmdsn++;
    }
}

void initiator_command(struct initiator *initiator, uint8_t header[PDU_HEADER], uint8_t flags,
                       uint32_t expected, const uint8_t *cdb, size_t cdb_length)
{
    initiator_request(initiator, header, PDU_SCSI_COMMAND, flags);
    put32(header + PDU_EXPECTED_LENGTH, expected);
    memcpy(header + PDU_CDB, cdb, cdb_length);
}

/** Appends "key=value" and its NUL. */
static size_t add(char *text, size_t at, const char *key, const char *value)
{
    return at + (size_t)sprintf(text + at, "%s=%s", key, value) + 1;
}

unsigned initiator_login(struct initiator *initiator, const char *target)
{
    static struct answer answer;
    uint8_t header[PDU_HEADER];
    char text[2048];
    size_t length = 0;

    length = add(text, length, "InitiatorName",
                 initiator->name != NULL ? initiator->name : "iqn.2010-05.example.test:one");
    length = add(text, length, "SessionType", target != NULL ? "Normal" : "Discovery");
    if (target != NULL) {
        length = add(text, length, "TargetName", target);
    }
    for (const char *key = initiator->keys; key != NULL && *key != '\0'; key += strlen(key) + 1) {
        memcpy(text + length, key, strlen(key) + 1);
        length += strlen(key) + 1;
    }
    initiator_request(initiator, header, PDU_LOGIN_REQUEST | PDU_IMMEDIATE, 0x87);
    header[PDU_ISID + 5] = initiator->isid;
    put32(header + PDU_CID, 0);
    initiator_send(initiator, header, text, (uint32_t)length);
    if (!initiator_receive(initiator, &answer)) {
        return 0xFFFF;
    }
    if (get16(answer.header + 36) == 0) {
        initiator->header_digest = memmem(answer.data, answer.length, "HeaderDigest=CRC32C", 19);
        initiator->data_digest = memmem(answer.data, answer.length, "DataDigest=CRC32C", 17);
    }
    return get16(answer.header + 36);
}
