/**
 * \file
 * iSCSI protocol data units as bytes (RFC 7143 section 11): operation codes, and where the fields
 * of the 48-byte basic header segment lie. Nothing here knows a connection.
 *
 *     byte  0        1        2        3
 *        +--------+--------+--------+--------+
 *      0 |.I| opc |F| by opcode              |   I: immediate delivery   F: final
 *        +--------+--------+--------+--------+
 *      4 |AHS len | data segment length      |   AHS length in 4-byte words
 *        +--------+--------+--------+--------+
 *      8 | LUN, or by opcode                 |
 *     16 | initiator task tag                |
 *     20 | by opcode                         |   mostly the target transfer tag
 *     24 | StatSN (to the initiator), CmdSN  |
 *     28 | ExpCmdSN, ExpStatSN               |
 *     32 | MaxCmdSN, or by opcode            |
 *     36 | DataSN, R2TSN, ExpDataSN, status  |
 *     40 | buffer offset                     |
 *     44 | residual count, desired length    |
 *        +--------+--------+--------+--------+
 *        additional header segments, header digest, data, padding to 4 bytes, data digest
 */
#ifndef ISCSI_PDU_H
#define ISCSI_PDU_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PDU_HEADER       48u
#define PDU_AHS_MAXIMUM  64u /**< Bytes of additional headers that we take; a CDB of 32 needs 20. */
#define PDU_DIGEST       4u
#define PDU_RESERVED_TAG 0xFFFFFFFFu /**< An initiator or target transfer tag that means "none". */

enum pdu_opcode {
    PDU_NOP_OUT = 0x00,
    PDU_SCSI_COMMAND = 0x01,
    PDU_TASK_REQUEST = 0x02,
    PDU_LOGIN_REQUEST = 0x03,
    PDU_TEXT_REQUEST = 0x04,
    PDU_DATA_OUT = 0x05,
    PDU_LOGOUT_REQUEST = 0x06,
    PDU_SNACK_REQUEST = 0x10,

    PDU_NOP_IN = 0x20,
    PDU_SCSI_RESPONSE = 0x21,
    PDU_TASK_RESPONSE = 0x22,
    PDU_LOGIN_RESPONSE = 0x23,
    PDU_TEXT_RESPONSE = 0x24,
    PDU_DATA_IN = 0x25,
    PDU_LOGOUT_RESPONSE = 0x26,
    PDU_R2T = 0x31,
    PDU_ASYNC_MESSAGE = 0x32,
    PDU_REJECT = 0x3F,
};

#define PDU_IMMEDIATE 0x40 /**< Byte 0: delivered at once, takes no CmdSN. */
#define PDU_FINAL     0x80 /**< Byte 1. */

/* Byte 1 of a SCSI command, of a SCSI response and of Data-In. */
#define PDU_READ      0x40
#define PDU_WRITE     0x20
#define PDU_OVERFLOW  0x04
#define PDU_UNDERFLOW 0x02
#define PDU_STATUS    0x01 /**< Data-In only: it carries the command's status (S). */

/* Byte 1 of login and text. */
#define PDU_TRANSIT  0x80
#define PDU_CONTINUE 0x40

/** Offsets of the fields in the header. */
enum pdu_field {
    PDU_AHS_LENGTH = 4,
    PDU_DATA_LENGTH = 5, /* 3 bytes */
    PDU_LUN = 8,
    PDU_ISID = 8, /* 6 bytes */
    PDU_TSIH = 14,
    PDU_ITT = 16,
    PDU_TTT = 20,
    PDU_EXPECTED_LENGTH = 20, /* SCSI command */
    PDU_CID = 20,             /* login, logout */
    PDU_REFERENCED_TAG = 20,  /* task management */
    PDU_CMDSN = 24,
    PDU_STATSN = 24,
    PDU_EXPSTATSN = 28,
    PDU_EXPCMDSN = 28,
    PDU_MAXCMDSN = 32,
    PDU_CDB = 32,      /* 16 bytes */
    PDU_REFCMDSN = 32, /* task management */
    PDU_DATASN = 36,   /* also R2TSN, ExpDataSN, and login's status class and detail */
    PDU_BUFFER_OFFSET = 40,
    PDU_RESIDUAL = 44,
    PDU_DESIRED_LENGTH = 44,
};

/** Reasons of a Reject, byte 2 (RFC 7143 11.17.1). */
enum pdu_reject {
    REJECT_DATA_DIGEST = 0x02,
    REJECT_SNACK = 0x03,
    REJECT_PROTOCOL = 0x04,
    REJECT_UNSUPPORTED = 0x05,
    REJECT_IMMEDIATE = 0x06,
    REJECT_IN_PROGRESS = 0x07,
    REJECT_INVALID_FIELD = 0x09,
    REJECT_RESOURCES = 0x0A,
};

static inline uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get24(const uint8_t *at)
{
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

static inline uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline uint64_t get64(const uint8_t *at)
{
    return (uint64_t)get32(at) << 32 | get32(at + 4);
}

static inline void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put24(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 16);
    put16(at + 1, (uint16_t)value);
}

static inline void put32(uint8_t *at, uint32_t value)
{
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

static inline enum pdu_opcode pdu_opcode(const uint8_t *header)
{
    return (enum pdu_opcode)(header[0] & 0x3F);
}

/** Bytes of padding after a data segment. */
static inline uint32_t pdu_padding(uint32_t length)
{
    return -length & 3u;
}

/** Serial numbers wrap (RFC 1982, 32 bits): is `a` before `b`? */
static inline bool serial_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/** The logical unit number of an 8-byte LUN field: single-level peripheral or flat addressing
 * (SAM-5 4.7). \return false for any other form, or a number above 255. */
static inline bool pdu_lun(const uint8_t *field, uint8_t *lun)
{
    uint8_t method = field[0] >> 6;

    *lun = field[1];
    return (method == 0 || method == 1) && (field[0] & 0x3F) == 0 && get32(field + 2) == 0 &&
           get16(field + 6) == 0;
}

#endif
