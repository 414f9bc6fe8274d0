/**
 * \file
 * How many bytes a CDB moves, and which way. The expected data transfer length of the PDU need not
 * agree: the difference is the residual, and the driver wants a buffer as long as its CDB says.
 */
#ifndef ISCSI_LENGTHS_H
#define ISCSI_LENGTHS_H

#include "tools/iscsi/bus.h"

struct cdb_transfer {
    enum bus_direction direction;
    uint64_t length; /**< Bytes. */
    bool known;      /**< The command is in the table; otherwise the PDU's word is all there is. */
    /** A write of blocks that can be cut to fewer of them: where the CDB has their number. */
    uint8_t count_at, count_bytes;
};

/** \param block_size bytes of a logical block; 0: not known, then commands that count blocks are
 * not either. */
struct cdb_transfer cdb_transfer(const uint8_t *cdb, uint8_t cdb_length, uint32_t block_size);

/** Cuts a write to so many blocks: the CDB's transfer length is changed. */
void cdb_shorten(uint8_t *cdb, const struct cdb_transfer *transfer, uint32_t blocks);

#endif
