/*
 * Commands that move blocks: READ, WRITE, VERIFY, SYNCHRONIZE CACHE, in transfers of at most 1 MiB.
 */
#include "tools/nthost/commands.h"

#include "tools/nthost/decode.h"
#include "tools/nthost/scsi.h"
#include "tools/nthost/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** A range of blocks, as typed: P:T:L LBA COUNT. */
struct range {
    struct address address;
    uint64_t lba, count;
    struct scsi_geometry geometry;
};

static bool parse_range(char **argv, struct range *range)
{
    return address_parse(argv[1], &range->address) &&
           number_parse(argv[2], "LBA", UINT64_MAX, &range->lba) &&
           number_parse(argv[3], "COUNT", UINT32_MAX, &range->count) &&
           scsi_geometry(&range->address, &range->geometry);
}

/** Where the data of a WRITE or VERIFY come from. */
struct source {
    FILE *file;
    const char *name;
    enum { FROM_FILE, FROM_BYTE, FROM_LBA, FROM_RANDOM } kind;
    uint8_t byte;
    uint64_t state;
};

/** Fills a buffer for blocks that begin at `lba`. */
static bool fill(struct source *source, uint8_t *data, uint32_t length, uint64_t lba,
                 uint32_t block_size)
{
    switch (source->kind) {
    case FROM_FILE:
        return fread(data, 1, length, source->file) == length ||
               tool_fail("give a smaller COUNT or a longer file", "%s: ends before %u more bytes",
                         source->name, length);
    case FROM_BYTE:
        memset(data, source->byte, length);
        return true;
    case FROM_LBA:
        for (uint32_t at = 0; at < length; at += 8) {
            write_be(data + at, 8, lba + at / block_size);
        }
        return true;
    case FROM_RANDOM:
        for (uint32_t at = 0; at < length; at += 8) {
            source->state = source->state * 6364136223846793005u + 1442695040888963407u;
            write_be(data + at, 8, source->state ^ source->state >> 29);
        }
        return true;
    }
    return false;
}

/** Understands FILE|PATTERN. */
static bool open_source(const char *text, struct source *source)
{
    uint64_t number;

    source->name = text;
    if (strcmp(text, "zero") == 0 || strcmp(text, "ones") == 0 || strncmp(text, "0x", 2) == 0) {
        number = text[0] == 'o' ? 0xFF : 0;
        source->kind = FROM_BYTE;
        if (text[1] == 'x' && !number_parse(text, "byte", 0xFF, &number)) {
            return false;
        }
        source->byte = (uint8_t)number;
        return true;
    }
    if (strcmp(text, "lba") == 0) {
        source->kind = FROM_LBA;
        return true;
    }
    if (strncmp(text, "random:", 7) == 0) {
        source->kind = FROM_RANDOM;
        return number_parse(text + 7, "seed", UINT64_MAX, &source->state);
    }
    source->kind = FROM_FILE;
    source->file = fopen(text, "rb");
    return source->file != NULL ||
           tool_fail("give a file, or a pattern: zero, ones, 0xNN, lba, random:SEED", "%s: %s",
                     text, strerror(errno));
}

/** WRITE or VERIFY with data from a source; VERIFY without one. */
static bool put_blocks(const struct range *range, uint8_t opcode, struct source *source)
{
    uint32_t step = SCSI_MAXIMUM_TRANSFER / range->geometry.block_size;
    uint8_t *data = malloc(SCSI_MAXIMUM_TRANSFER);
    bool ok = data != NULL || tool_fail("free some memory", "out of memory");
    uint64_t left = range->count;

    for (uint64_t lba = range->lba; ok && left > 0;) {
        uint32_t blocks = left < step ? (uint32_t)left : step;
        uint32_t length = source != NULL ? blocks * range->geometry.block_size : 0;
        struct scsi_command command =
            scsi_block_command(&range->address, opcode, lba, blocks,
                               length != 0 ? HOST_DATA_OUT : HOST_DATA_NONE, data, length);

        command.cdb[1] =
            opcode == 0x2F && length != 0 ? 0x02 : 0; /* BYTCHK: compare with the data. */
        ok = (length == 0 || fill(source, data, length, lba, range->geometry.block_size)) &&
             scsi_do(&command);
        lba += blocks;
        left -= blocks;
    }
    free(data);
    return ok;
}

/** READ, into a file or on the screen. */
static bool get_blocks(const struct range *range, FILE *file, const char *name)
{
    uint32_t step = SCSI_MAXIMUM_TRANSFER / range->geometry.block_size;
    uint8_t *data = malloc(SCSI_MAXIMUM_TRANSFER);
    bool ok = data != NULL || tool_fail("free some memory", "out of memory");
    uint64_t left = range->count;

    for (uint64_t lba = range->lba; ok && left > 0;) {
        uint32_t blocks = left < step ? (uint32_t)left : step;
        uint32_t length = blocks * range->geometry.block_size;
        struct scsi_command command =
            scsi_block_command(&range->address, 0x28, lba, blocks, HOST_DATA_IN, data, length);

        ok = scsi_do(&command);
        if (ok && command.transferred != length) {
            ok = tool_fail("this is a fault of the driver", "%u of %u bytes came",
                           command.transferred, length);
        }
        if (ok && file == NULL) {
            print_hex(data, length);
        } else if (ok && fwrite(data, 1, length, file) != length) {
            ok =
                tool_fail("free some space", "%s: could not be written: %s", name, strerror(errno));
        }
        lba += blocks;
        left -= blocks;
    }
    free(data);
    return ok;
}

static void say(const char *verb, const struct range *range)
{
    printf("%" PRIu64 " block(s) of %u bytes %s from LBA %" PRIu64 "\n", range->count,
           range->geometry.block_size, verb, range->lba);
}

static bool read_blocks(struct session *session, int argc, char **argv)
{
    const char *name = argc > 4 ? argv[4] : NULL;
    struct range range;
    FILE *file = NULL;
    bool ok;

    (void)session;
    if (!parse_range(argv, &range)) {
        return false;
    }
    if (name == NULL && range.count > 64) {
        return tool_fail("name a FILE for them", "%" PRIu64 " blocks are too many to print",
                         range.count);
    }
    if (name != NULL && (file = fopen(name, "wb")) == NULL) {
        return tool_fail("check the path and the rights", "%s: %s", name, strerror(errno));
    }
    ok = get_blocks(&range, file, name);
    if (file != NULL && fclose(file) != 0 && ok) {
        ok = tool_fail("free some space", "%s: could not be written: %s", name, strerror(errno));
    }
    if (ok && name != NULL) {
        say("read", &range);
    }
    return ok;
}

/** write and verify: the same words, another operation code. */
static bool put(int argc, char **argv, uint8_t opcode, const char *verb)
{
    struct source source = {0};
    struct range range;
    bool ok;

    if (!parse_range(argv, &range) || (argc > 4 && !open_source(argv[4], &source))) {
        return false;
    }
    ok = put_blocks(&range, opcode, argc > 4 ? &source : NULL);
    if (source.file != NULL) {
        fclose(source.file);
    }
    if (ok) {
        say(verb, &range);
    }
    return ok;
}

static bool write_blocks(struct session *session, int argc, char **argv)
{
    (void)session;
    return put(argc, argv, 0x2A, "written");
}

static bool verify_blocks(struct session *session, int argc, char **argv)
{
    (void)session;
    return put(argc, argv, 0x2F, "verified");
}

static bool flush(struct session *session, int argc, char **argv)
{
    bool as_srb = argument_flag(&argc, argv, "--srb");
    struct scsi_command command;
    struct address address;
    uint8_t status;

    (void)session;
    if (!arguments_known(argc, argv) || argc != 2) {
        return argc == 2 ? false : tool_fail("see `help flush`", "flush takes one address");
    }
    if (!address_parse(argv[1], &address)) {
        return false;
    }
    if (as_srb) {
        status = host_send_flush(address.path, address.target, address.lun);
        return status == 1 ||
               tool_fail("`trace 40` shows the way it went",
                         "%s: SRB_FUNCTION_FLUSH ended with 0x%02X", argv[1], status);
    }
    command = scsi_block_command(&address, 0x35, 0, 0, HOST_DATA_NONE, NULL, 0);
    return scsi_do(&command);
}

const struct command commands_blocks[] = {
    {"read", "P:T:L LBA COUNT [FILE]", "READ: prints the blocks, or puts them into a file",
     "04-workers", 3, 4, NEEDS_ADAPTER, read_blocks},
    {"write", "P:T:L LBA COUNT FILE|PATTERN",
     "WRITE: from a file, or zero, ones, 0xNN, lba, random:SEED", "04-workers", 4, 4, NEEDS_ADAPTER,
     write_blocks},
    {"verify", "P:T:L LBA COUNT [FILE|PATTERN]", "VERIFY: can be read, and is equal to", "03-scsi",
     3, 4, NEEDS_ADAPTER, verify_blocks},
    {"flush", "P:T:L [--srb]", "SYNCHRONIZE CACHE, or an SRB of its own", "04-workers", 1, 2,
     NEEDS_ADAPTER, flush},
    {0},
};
