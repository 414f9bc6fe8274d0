/**
 * \file
 * SCSI commands as the tool sends them: one SRB each, through the host's request interface.
 */
#ifndef NTHOST_SCSI_H
#define NTHOST_SCSI_H

#include "host.h"
#include "tools/nthost/address.h"

/** The longest transfer that the tool asks for at once; the driver's own limit. */
#define SCSI_MAXIMUM_TRANSFER (1024u * 1024)

/** One command and its answer. */
struct scsi_command {
    struct address address;
    uint8_t cdb[32];
    uint8_t cdb_length;
    enum host_direction direction;
    void *data;
    uint32_t length;

    uint8_t srb_status; /**< Without its flag bits. */
    uint8_t scsi_status;
    uint32_t transferred;
    uint8_t sense[255];
    uint8_t sense_length;
    uint64_t id; /**< Number of its SRB in the trace. */
};

/** What READ CAPACITY says. */
struct scsi_geometry {
    uint32_t block_size;
    uint64_t blocks;
};

uint16_t read_be16(const uint8_t *bytes);
uint32_t read_be32(const uint8_t *bytes);
uint64_t read_be64(const uint8_t *bytes);
void write_be(uint8_t *bytes, unsigned count, uint64_t value);

/** Starts a command: fills address, CDB length, direction and data. The CDB itself is zero but
 * for its operation code. */
struct scsi_command scsi_prepare(const struct address *address, uint8_t opcode, uint8_t cdb_length,
                                 enum host_direction direction, void *data, uint32_t length);
/** Sends it and waits. \return true for SRB_STATUS_SUCCESS. Silent. */
bool scsi_send(struct scsi_command *command);
/** Complains about a command that failed, in words, with the remedy that fits its sense data.
 * \return false. */
bool scsi_complain(const struct scsi_command *command);
/** scsi_send, and scsi_complain if it failed. */
bool scsi_do(struct scsi_command *command);

/** Asks for the size of the medium: READ CAPACITY(10), and (16) when that is not enough.
 * Complains itself. */
bool scsi_geometry(const struct address *address, struct scsi_geometry *geometry);
/** Fills READ(10)/WRITE(10)/VERIFY(10), or the (16) form for what is beyond 32 bits. \param
 * opcode of the (10) form. */
struct scsi_command scsi_block_command(const struct address *address, uint8_t opcode, uint64_t lba,
                                       uint32_t blocks, enum host_direction direction, void *data,
                                       uint32_t length);

#endif
