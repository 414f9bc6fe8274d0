/*
 * Thin provisioning: UNMAP, GET LBA STATUS, WRITE SAME with UNMAP, and the pages that announce them.
 *
 * 128 blocks are unmapped at once, 64 KiB: no file system here gives back less.
 */
#include "tools/probe/families.h"

#include <string.h>

/* A parameter list of one descriptor; 128 blocks at this LBA (its last bytes). */
#define LIST(lba6, lba7, count2, count3)                                                           \
    BYTES(0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, lba6, lba7, 0, 0, count2, count3)
#define UNMAP_CDB          0x42, 0, 0, 0, 0, 0, 0, 0, 24
#define UNMAP_FIRST_128    PARAMETERS(24, LIST(0, 0, 0, 128), UNMAP_CDB)
#define UNMAP_LIST(length) 0x42, 0, 0, 0, 0, 0, 0, 0, length
#define READ_8(lba)        IN(4096, 0x28, 0, 0, 0, 0, lba, 0, 0, 8)
#define WRITE_8(byte, lba) OUT(4096, byte, 0x2A, 0, 0, 0, 0, lba, 0, 0, 8)
#define LBA_STATUS(lba)    IN(64, 0x9E, 0x12, 0, 0, 0, 0, 0, 0, 0, lba, 0, 0, 0, 64)
#define CAPACITY16         IN(32, 0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32)
#define SAME_UNMAP         0x08
#define INVALID_FIELD      0x052400
#define OUT_OF_RANGE       0x052100
#define LIST_LENGTH        0x051A00
#define UNKNOWN            0x052000
#define LBPRZ              0x40

/** All steps succeed, and all bytes of what the last one reads are field.value; 0 is expected only
 *  where READ CAPACITY(16), the first step, promises zeros. */
static void judge_bytes(const struct check *check, const struct transcript *transcript,
                        struct verdict *verdict)
{
    unsigned steps = check_steps(check);
    const struct answer *read = last(check, transcript);
    char text[64];

    for (unsigned i = 0; i < steps; i++) {
        if (!must_succeed(transcript, i, verdict)) {
            return;
        }
    }
    if (check->field.value == 0 && (transcript->answers[0].data[14] & LBPRZ) == 0) {
        verdict->hidden = true;
        return;
    }
    for (uint32_t i = 0; i < read->length && i < ANSWER_KEPT; i++) {
        if (read->data[i] != check->field.value) {
            found(verdict, "byte %u of the blocks: %s", i,
                  bytes_text(read->data + i, read->length - i, text, sizeof(text)));
            mark(verdict, steps - 1, AREA_DATA, i, 1);
            return;
        }
    }
}

/** The first descriptor begins at the LBA asked for, and has blocks; field.value is their status. */
static void judge_first(const struct check *check, const struct transcript *transcript,
                        struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct answer *answer = last(check, transcript);
    const uint8_t *first = answer->data + 8;
    char text[64];

    for (unsigned i = 0; i <= step; i++) {
        if (!must_succeed(transcript, i, verdict)) {
            return;
        }
    }
    if (answer_length(answer) < 24 || be(first, 8) != be(answer->cdb + 2, 8) ||
        be(first + 8, 4) == 0 || (first[12] & 0x0F) != check->field.value) {
        found(verdict, "%s", bytes_text(first, 16, text, sizeof(text)));
        mark(verdict, step, AREA_DATA, 8, 16);
    }
}

/** Each descriptor begins where the one before it ended. */
static void judge_descriptors(const struct check *check, const struct transcript *transcript,
                              struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct answer *answer = last(check, transcript);
    uint32_t end = answer_length(answer);
    uint64_t next = be(answer->cdb + 2, 8);
    char text[64];

    if (!must_succeed(transcript, step, verdict)) {
        return;
    }
    end = end < answer->length ? end : answer->length;
    for (uint32_t at = 8; at + 16 <= end; at += 16) {
        const uint8_t *descriptor = answer->data + at;

        if (be(descriptor, 8) != next || be(descriptor + 8, 4) == 0 ||
            be(descriptor, 8) + be(descriptor + 8, 4) > transcript->blocks) {
            found(verdict, "byte %u: %s", at, bytes_text(descriptor, 16, text, sizeof(text)));
            mark(verdict, step, AREA_DATA, at, 16);
            return;
        }
        next += be(descriptor + 8, 4);
    }
}

#define THIN(name, cmd, section, what, reason, function, ...)                                      \
    .id = name, .severity = SEVERITY_ERROR, .bus = BUS_THIN, .writes = true, .command = cmd,       \
    .clause = section, .expect = what, .why = reason, .steps = {__VA_ARGS__}, .judge = function

const struct check checks_thin[] = {
    {
        THIN("thin-capacity16", "READ CAPACITY(16)", "SBC-3 5.16",
             "LBPME is 1: blocks can be given back", "Linux and Windows trim only where it is set.",
             judge_value, CAPACITY16),
        .field = {14, 1, 0x80, 0x80},
    },
    {
        THIN("thin-vpd-b2", "INQUIRY, VPD page B2h", "SBC-3 6.6", "LBPU is 1: there is an UNMAP",
             "classpnp asks this page before it sends one.", judge_value,
             IN(255, 0x12, 1, 0xB2, 0, 255)),
        .field = {5, 1, 0x80, 0x80},
    },
    {
        THIN("thin-vpd-b0", "INQUIRY, VPD page B0h", "SBC-3 6.6",
             "UNMAP takes more than 0 blocks: byte 20", "With a limit of 0 nobody sends it.",
             judge_value, IN(255, 0x12, 1, 0xB0, 0, 255)),
        .field = {20, 1, 0x80, 0x80},
    },
    {
        THIN("unmap-zeros", "UNMAP, 128 blocks", "SBC-3 4.7.3.5, 5.28",
             "what was given back reads as zeros, as LBPRZ promises",
             "Hosts that want zeros send UNMAP instead of writing them.", judge_bytes, CAPACITY16,
             UNMAP_FIRST_128, READ_8(0)),
    },
    {
        THIN("unmap-neighbours", "UNMAP, 128 blocks", "SBC-3 5.28",
             "the blocks behind them keep what they have", "They hold other files.", judge_bytes,
             WRITE_8(0x55, 128), UNMAP_FIRST_128, READ_8(128)),
        .field = {0, 0, 0, 0x55},
    },
    {
        THIN("unmap-written-again", "UNMAP, then WRITE(10)", "SBC-3 4.7.3.5",
             "blocks that were given back can be written", "A disk is trimmed and used again.",
             judge_bytes, UNMAP_FIRST_128, WRITE_8(0x66, 0), READ_8(0)),
        .field = {0, 0, 0, 0x66},
    },
    {
        THIN("unmap-no-list", "UNMAP, a list of 0 bytes", "SBC-3 5.28.1", "it is no error",
             "A host that trims nothing should not take the disk for broken.", judge_success,
             SEND(UNMAP_LIST(0))),
    },
    {
        THIN("unmap-no-descriptors", "UNMAP, a list without descriptors", "SBC-3 5.28.2",
             "it is no error", "A host that trims nothing should not take the disk for broken.",
             judge_success, PARAMETERS(8, BYTES(0, 6), UNMAP_LIST(8))),
    },
    {
        THIN("unmap-no-blocks", "UNMAP of 0 blocks", "SBC-3 5.28.2", "it is no error",
             "A host that trims nothing should not take the disk for broken.", judge_success,
             PARAMETERS(24, LIST(0, 0, 0, 0), UNMAP_CDB)),
    },
    {
        THIN("unmap-short-list", "UNMAP, a list of 7 bytes", "SBC-3 5.28.1",
             "less than a header is refused", "What is missing would be read from other memory.",
             judge_sense, PARAMETERS(7, BYTES(0, 6), UNMAP_LIST(7))),
        .code = LIST_LENGTH,
    },
    {
        THIN("unmap-anchor", "UNMAP, ANCHOR = 1", "SBC-3 5.28.1",
             "anchored blocks, which page B2h does not announce, are refused",
             "A host would count on space that nobody keeps.", judge_sense,
             PARAMETERS(24, LIST(0, 0, 0, 128), 0x42, 1, 0, 0, 0, 0, 0, 0, 24)),
        .code = INVALID_FIELD,
    },
    {
        THIN("unmap-beyond", "UNMAP, behind the last block", "SBC-3 5.28.1",
             "blocks that do not exist are refused", "The image file would lose or gain bytes.",
             judge_sense, PARAMETERS(24, LIST(0x40, 0, 0, 1), UNMAP_CDB)),
        .code = OUT_OF_RANGE,
    },
    {
        THIN("unmap-overflow", "UNMAP, LBA FFFFFFFFFFFFFFFFh", "SBC-3 5.28.1",
             "an LBA that overflows with its number of blocks is refused",
             "The sum is a small number, and the blocks there belong to others.", judge_sense,
             PARAMETERS(24,
                        BYTES(0, 22, 0, 16, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                              0xFF, 0, 0, 0, 2),
                        UNMAP_CDB)),
        .code = OUT_OF_RANGE,
    },
    {
        .id = "unmap-not-thin",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "UNMAP, on a disk that is not thin",
        .clause = "SBC-3 5.28, 6.6",
        .expect = "a command that page B2h does not announce is unknown",
        .why = "libiscsi's conformance tests send it, to see whether the two agree.",
        .steps = {UNMAP_FIRST_128},
        .judge = judge_sense,
        .code = UNKNOWN,
    },
    {
        THIN("lba-status-first", "GET LBA STATUS", "SBC-3 5.4.2",
             "the first descriptor begins at the LBA that was asked for, and is mapped",
             "QEMU takes anything else for an error of the disk.", judge_first, WRITE_8(1, 0),
             LBA_STATUS(3)),
    },
    {
        THIN("lba-status-unmapped", "GET LBA STATUS, after UNMAP", "SBC-3 5.4.2",
             "blocks that were given back are deallocated: 1", "Backups skip them.", judge_first,
             UNMAP_FIRST_128, LBA_STATUS(5)),
        .field = {0, 0, 0, 1},
    },
    {
        THIN("lba-status-chain", "GET LBA STATUS, after UNMAP", "SBC-3 5.4.2",
             "each descriptor begins where the one before it ended, within the disk",
             "A backup would skip blocks, or read some twice.", judge_descriptors, WRITE_8(1, 200),
             UNMAP_FIRST_128, LBA_STATUS(0)),
    },
    {
        THIN("lba-status-beyond", "GET LBA STATUS, behind the last block", "SBC-3 5.4.1",
             "a block that does not exist is refused", "There is nothing to say of it.",
             judge_sense, IN(64, 0x9E, 0x12, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 64)),
        .code = OUT_OF_RANGE,
    },
    {
        THIN("lba-status-length", "GET LBA STATUS, allocation length 8",
             "SBC-3 5.4.1, SPC-4 4.2.5.6", "the header alone says the same",
             "Hosts ask for it, to learn how much there is.", judge_same, LBA_STATUS(0),
             IN(64, 0x9E, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8)),
        .field = {0, 8, 0, 0},
    },
    {
        THIN("same-unmap-zeros", "WRITE SAME(16), UNMAP = 1, zeros", "SBC-3 4.7.3.4.4, 5.44",
             "the blocks read as zeros", "Linux clears with it what it has promised zeros for.",
             judge_bytes, CAPACITY16, WRITE_8(0x77, 0),
             OUT(512, 0, 0x93, SAME_UNMAP, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128), READ_8(0)),
    },
    {
        THIN("same-unmap-data", "WRITE SAME(10), UNMAP = 1, other data", "SBC-3 4.7.3.4.4, 5.43",
             "data that an unmapped block would not show are written",
             "A host that sends them wants to read them.", judge_bytes,
             OUT(512, 0x77, 0x41, SAME_UNMAP, 0, 0, 0, 0, 0, 0, 128), READ_8(0)),
        .field = {0, 0, 0, 0x77},
    },
};
const unsigned checks_thin_count = sizeof(checks_thin) / sizeof(checks_thin[0]);
