/**
 * \file
 * The other end: an initiator for tests. It makes PDUs byte by byte, so that it can make wrong ones,
 * and takes the answers apart. Behind it is either a connection of the target in this process, or a
 * socket.
 */
#ifndef TESTS_INITIATOR_H
#define TESTS_INITIATOR_H

#include "tools/iscsi/pdu.h"
#include "tools/iscsi/target.h"

/** A PDU that the target sent. */
struct answer {
    uint8_t header[PDU_HEADER];
    uint8_t data[1 << 20];
    uint32_t length;
};

struct initiator {
    struct conn *conn; /**< In this process ... */
    struct target *target;
    int fd; /**< ... or a socket, -1 otherwise. */
    bool header_digest, data_digest;
    uint32_t cmdsn, tag, statsn;
    uint8_t *bytes; /**< What the target has sent and nobody has looked at. */
    size_t length, room;
    const char *keys; /**< More operational keys for the login, NUL after each, and one more. */
    const char *name; /**< NULL: a name of its own. */
    uint8_t isid;     /**< Last byte of the ISID. */
};

/** An initiator on a connection of its own. */
void initiator_begin(struct initiator *initiator, struct target *target);
void initiator_begin_socket(struct initiator *initiator, int fd);
void initiator_end(struct initiator *initiator);

/** Sends bytes as they are. */
void initiator_raw(struct initiator *initiator, const void *bytes, size_t length);
/** Sends a PDU: fills in lengths, padding and digests. */
void initiator_send(struct initiator *initiator, uint8_t *header, const void *data,
                    uint32_t length);
/** Takes the next PDU. \return false: there is none (in this process), or the socket has ended. */
bool initiator_receive(struct initiator *initiator, struct answer *answer);
/** Has the target ended the connection? (In this process.) */
bool initiator_over(struct initiator *initiator);

/** Logs in to `target` (NULL: discovery). \return login status, 0 = success. */
unsigned initiator_login(struct initiator *initiator, const char *target);

/** The header of a SCSI command with the next CmdSN. */
void initiator_command(struct initiator *initiator, uint8_t header[PDU_HEADER], uint8_t flags,
                       uint32_t expected, const uint8_t *cdb, size_t cdb_length);
/** Headers of other requests. */
void initiator_request(struct initiator *initiator, uint8_t header[PDU_HEADER], uint8_t opcode,
                       uint8_t flags);

#define FINAL_READ  (PDU_FINAL | PDU_READ)
#define FINAL_WRITE (PDU_FINAL | PDU_WRITE)

#endif
