/*
 * The table of transfer lengths (SPC-4 4.2.5, SBC-3 5, MMC-6 6). A command that is not here moves
 * what its PDU says; a new command of the driver's works without a row, but for the count of an
 * overflow.
 */
#include "tools/iscsi/lengths.h"

#include "tools/iscsi/pdu.h"

enum unit {
    UNIT_BYTES,
    UNIT_BLOCKS,
    UNIT_VERIFY,    /**< Blocks, one, or none: BYTCHK says. */
    UNIT_ONE_BLOCK, /**< WRITE SAME. */
    UNIT_SAME16,    /**< WRITE SAME(16): one block, or none with NDOB. */
    UNIT_TWICE,     /**< COMPARE AND WRITE: what to compare, then what to write. */
    UNIT_CD,        /**< READ CD: byte 9 says what of each sector. */
    UNIT_CD_MSF,    /**< READ CD MSF: from one address to another. */
};

struct row {
    uint8_t opcode;
    uint8_t service_action; /**< ANY: the opcode is one command. */
    enum bus_direction direction;
    enum unit unit;
    uint8_t at, bytes; /**< Where the CDB has the length. */
    bool shortens;     /**< A write that may be cut to what data there are. */
};

#define ANY 0xFF
#define IN  BUS_DATA_IN
#define OUT BUS_DATA_OUT

static const struct row rows[] = {
    {0x03, ANY, IN, UNIT_BYTES, 4, 1, false},      /* REQUEST SENSE */
    {0x08, ANY, IN, UNIT_BLOCKS, 4, 1, false},     /* READ(6) */
    {0x0A, ANY, OUT, UNIT_BLOCKS, 4, 1, true},     /* WRITE(6) */
    {0x12, ANY, IN, UNIT_BYTES, 3, 2, false},      /* INQUIRY */
    {0x15, ANY, OUT, UNIT_BYTES, 4, 1, false},     /* MODE SELECT(6) */
    {0x1A, ANY, IN, UNIT_BYTES, 4, 1, false},      /* MODE SENSE(6) */
    {0x25, ANY, IN, UNIT_BYTES, 0, 0, false},      /* READ CAPACITY(10): 8 bytes */
    {0x28, ANY, IN, UNIT_BLOCKS, 7, 2, false},     /* READ(10) */
    {0x2A, ANY, OUT, UNIT_BLOCKS, 7, 2, true},     /* WRITE(10) */
    {0x2E, ANY, OUT, UNIT_BLOCKS, 7, 2, true},     /* WRITE AND VERIFY(10) */
    {0x2F, ANY, OUT, UNIT_VERIFY, 7, 2, false},    /* VERIFY(10) */
    {0x37, ANY, IN, UNIT_BYTES, 7, 2, false},      /* READ DEFECT DATA(10) */
    {0x41, ANY, OUT, UNIT_ONE_BLOCK, 7, 2, false}, /* WRITE SAME(10) */
    {0x42, ANY, OUT, UNIT_BYTES, 7, 2, false},     /* UNMAP */
    {0x43, ANY, IN, UNIT_BYTES, 7, 2, false},      /* READ TOC/PMA/ATIP */
    {0x46, ANY, IN, UNIT_BYTES, 7, 2, false},      /* GET CONFIGURATION */
    {0x4A, ANY, IN, UNIT_BYTES, 7, 2, false},      /* GET EVENT STATUS NOTIFICATION */
    {0x4D, ANY, IN, UNIT_BYTES, 7, 2, false},      /* LOG SENSE */
    {0x51, ANY, IN, UNIT_BYTES, 7, 2, false},      /* READ DISC INFORMATION */
    {0x55, ANY, OUT, UNIT_BYTES, 7, 2, false},     /* MODE SELECT(10) */
    {0x5A, ANY, IN, UNIT_BYTES, 7, 2, false},      /* MODE SENSE(10) */
    {0x5E, ANY, IN, UNIT_BYTES, 7, 2, false},      /* PERSISTENT RESERVE IN */
    {0x5F, ANY, OUT, UNIT_BYTES, 5, 4, false},     /* PERSISTENT RESERVE OUT */
    {0x88, ANY, IN, UNIT_BLOCKS, 10, 4, false},    /* READ(16) */
    {0x89, ANY, OUT, UNIT_TWICE, 13, 1, false},    /* COMPARE AND WRITE */
    {0x8A, ANY, OUT, UNIT_BLOCKS, 10, 4, true},    /* WRITE(16) */
    {0x8B, ANY, OUT, UNIT_BLOCKS, 10, 4, false},   /* ORWRITE(16) */
    {0x8E, ANY, OUT, UNIT_BLOCKS, 10, 4, true},    /* WRITE AND VERIFY(16) */
    {0x8F, ANY, OUT, UNIT_VERIFY, 10, 4, false},   /* VERIFY(16) */
    {0x93, ANY, OUT, UNIT_SAME16, 10, 4, false},   /* WRITE SAME(16) */
    {0x9E, 0x10, IN, UNIT_BYTES, 10, 4, false},    /* READ CAPACITY(16) */
    {0x9E, 0x12, IN, UNIT_BYTES, 10, 4, false},    /* GET LBA STATUS */
    {0xA0, ANY, IN, UNIT_BYTES, 6, 4, false},      /* REPORT LUNS */
    {0xA3, 0x0C, IN, UNIT_BYTES, 6, 4, false},     /* REPORT SUPPORTED OPERATION CODES */
    {0xA3, 0x0D, IN, UNIT_BYTES, 6, 4, false},     /* REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS */
    {0xA8, ANY, IN, UNIT_BLOCKS, 6, 4, false},     /* READ(12) */
    {0xAA, ANY, OUT, UNIT_BLOCKS, 6, 4, true},     /* WRITE(12) */
    {0xAD, ANY, IN, UNIT_BYTES, 8, 2, false},      /* READ DVD STRUCTURE */
    {0xAE, ANY, OUT, UNIT_BLOCKS, 6, 4, true},     /* WRITE AND VERIFY(12) */
    {0xAF, ANY, OUT, UNIT_VERIFY, 6, 4, false},    /* VERIFY(12) */
    {0xB7, ANY, IN, UNIT_BYTES, 6, 4, false},      /* READ DEFECT DATA(12) */
    {0xB9, ANY, IN, UNIT_CD_MSF, 6, 3, false},     /* READ CD MSF */
    {0xBD, ANY, IN, UNIT_BYTES, 8, 2, false},      /* MECHANISM STATUS */
    {0xBE, ANY, IN, UNIT_CD, 6, 3, false},         /* READ CD */
};

/** Bytes of a CDB, by its group. */
static uint8_t group_length(uint8_t opcode)
{
    static const uint8_t lengths[] = {6, 10, 10, 0, 16, 12, 0, 0};

    return lengths[opcode >> 5];
}

static const struct row *find(const uint8_t *cdb, uint8_t cdb_length)
{
    uint8_t wanted = group_length(cdb[0]);

    if (wanted == 0 || cdb_length < wanted) {
        return NULL;
    }
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].opcode == cdb[0] &&
            (rows[i].service_action == ANY || rows[i].service_action == (cdb[1] & 0x1F))) {
            return &rows[i];
        }
    }
    return NULL;
}

static uint32_t field(const uint8_t *cdb, uint8_t at, uint8_t bytes)
{
    uint32_t value = 0;

    for (uint8_t i = 0; i < bytes; i++) {
        value = value << 8 | cdb[at + i];
    }
    return value;
}

/** Bytes that READ CD wants: of so many sectors the user data, or nothing that there is. */
static uint64_t cd_bytes(const uint8_t *cdb, uint64_t sectors, uint32_t block_size)
{
    return (cdb[9] & 0xF8) == 0x10 ? sectors * block_size : 0;
}

/** Minute, second and frame as a frame's number. */
static uint32_t frame(const uint8_t *msf)
{
    return (msf[0] * 60u + msf[1]) * 75u + msf[2];
}

static uint64_t msf_sectors(const uint8_t *cdb)
{
    uint32_t from = frame(cdb + 3), to = frame(cdb + 6);

    return to > from ? to - from : 0;
}

/** Blocks of data that a VERIFY brings along: SBC-3 table 105. */
static uint64_t verify_blocks(const uint8_t *cdb, uint64_t blocks)
{
    switch (cdb[1] >> 1 & 3) {
    case 1:
        return blocks;
    case 3:
        return 1;
    default:
        return 0;
    }
}

static uint64_t length_of(const struct row *row, const uint8_t *cdb, uint32_t block_size)
{
    uint64_t count = field(cdb, row->at, row->bytes);

    switch (row->unit) {
    case UNIT_BYTES:
        return row->bytes != 0 ? count : 8;
    case UNIT_BLOCKS:
        return (row->bytes == 1 && count == 0 ? 256 : count) * block_size; /* READ(6): 0 is 256 */
    case UNIT_VERIFY:
        return verify_blocks(cdb, count) * block_size;
    case UNIT_ONE_BLOCK:
        return block_size;
    case UNIT_SAME16:
        return (cdb[1] & 1) != 0 ? 0 : block_size;
    case UNIT_TWICE:
        return 2 * count * block_size;
    case UNIT_CD:
        return cd_bytes(cdb, count, block_size);
    case UNIT_CD_MSF:
        return cd_bytes(cdb, msf_sectors(cdb), block_size);
    }
    return 0;
}

struct cdb_transfer cdb_transfer(const uint8_t *cdb, uint8_t cdb_length, uint32_t block_size)
{
    const struct row *row = find(cdb, cdb_length);
    struct cdb_transfer transfer = {.direction = BUS_NO_DATA};

    if (row == NULL || (row->unit != UNIT_BYTES && block_size == 0)) {
        return transfer;
    }
    transfer.known = true;
    transfer.length = length_of(row, cdb, block_size);
    /* COMPARE AND WRITE has one byte for the blocks: 256 of them read as 0, and only the data tell. */
    transfer.direction =
        transfer.length != 0 || row->unit == UNIT_TWICE ? row->direction : BUS_NO_DATA;
    if (row->shortens) {
        transfer.count_at = row->at;
        transfer.count_bytes = row->bytes;
    }
    return transfer;
}

void cdb_shorten(uint8_t *cdb, const struct cdb_transfer *transfer, uint32_t blocks)
{
    for (uint8_t i = transfer->count_bytes; i > 0; i--) {
        cdb[transfer->count_at + i - 1] = (uint8_t)blocks;
        blocks >>= 8;
    }
}
