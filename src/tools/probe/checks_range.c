/*
 * Where the disk ends: the last block is served, the next one is refused, and no number is large
 * enough to wrap round.
 */
#include "tools/probe/families.h"

#define BLOCK 512
#define PAST  "an address beyond the end is refused, whatever the transfer length"

#define TEN(op, blocks, size, way, where)                                                          \
    {                                                                                              \
        .cdb = {op, 0, 0, 0, 0, 0, 0, 0, blocks}, .direction = way, .length = size, .lba = where   \
    }

/** One command that must be refused as out of range. */
#define REFUSED(name, cmd, section, needs_writable, reason, ...)                                   \
    {                                                                                              \
        .id = name, .fix = 15, .severity = SEVERITY_ERROR, .writes = needs_writable,               \
        .command = cmd, .clause = section, .expect = PAST, .why = reason, .steps = {__VA_ARGS__},  \
        .judge = judge_sense, .code = 0x052100,                                                    \
    }

/** VALID and INFORMATION: if they are there, they name the first block that is not. */
static void judge_information(const struct check *check, const struct transcript *transcript,
                              struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[64];

    if (answer->sense_length < 8 || (answer->sense[0] & 0x80) == 0) {
        verdict->hidden = true;
        return;
    }
    expected(verdict, "INFORMATION, bytes 3 to 6, is %08llX: the first block beyond the end",
             (unsigned long long)transcript->blocks);
    if (be(answer->sense + 3, 4) != transcript->blocks) {
        found(verdict, "%s", bytes_text(answer->sense + 3, 4, text, sizeof(text)));
        mark(verdict, 0, AREA_SENSE, 3, 4);
    }
}

const struct check checks_range[] = {
    {
        .id = "range-read10-last",
        .severity = SEVERITY_ERROR,
        .command = "READ(10), the last block",
        .clause = "SBC-3 4.5, 5.11",
        .expect = "success",
        .why = "Partition tables have their copy there.",
        .steps = {TEN(0x28, 1, BLOCK, HOST_DATA_IN, LBA_LAST)},
        .judge = judge_success,
    },
    REFUSED("range-read10-end", "READ(10), one block behind the last", "SBC-3 4.5, 5.11", false,
            "The read would return what is not there, and call it a success.",
            TEN(0x28, 1, BLOCK, HOST_DATA_IN, LBA_END)),
    REFUSED("range-read10-straddle", "READ(10), two blocks from the last one on", "SBC-3 4.5, 5.11",
            false, "A read that is cut short and called a success is lost data.",
            TEN(0x28, 2, 2 * BLOCK, HOST_DATA_IN, LBA_LAST)),
    REFUSED("range-write10-straddle", "WRITE(10), two blocks from the last one on",
            "SBC-3 4.5, 5.33", true, "The image would grow, or the data be lost.",
            TEN(0x2A, 2, 2 * BLOCK, HOST_DATA_OUT, LBA_LAST)),
    REFUSED("range-write10-end", "WRITE(10), one block behind the last", "SBC-3 4.5, 5.33", true,
            "The image would grow, or the data be lost.",
            TEN(0x2A, 1, BLOCK, HOST_DATA_OUT, LBA_END)),
    REFUSED("range-verify10-straddle", "VERIFY(10), two blocks from the last one on",
            "SBC-3 4.5, 5.29", false, "Blocks that do not exist would be called good.",
            TEN(0x2F, 2, 0, HOST_DATA_NONE, LBA_LAST)),
    REFUSED("range-sync10-end", "SYNCHRONIZE CACHE(10), one block behind the last", "SBC-3 5.26",
            true, "A host that miscounts is never told.", TEN(0x35, 1, 0, HOST_DATA_NONE, LBA_END)),
    REFUSED("range-read12-beyond", "READ(12), LBA FFFFFFFFh", "SBC-3 4.5, 5.12", false,
            "LBA plus length wraps round in 32 bits.",
            IN(BLOCK, 0xA8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1)),
    REFUSED("range-read16-highest", "READ(16), LBA FFFFFFFFFFFFFFFFh", "SBC-3 4.5, 5.13", false,
            "LBA plus length wraps round in 64 bits: block 0 would be read.",
            IN(BLOCK, 0x88, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1)),
    REFUSED("range-read16-product", "READ(16), LBA 0080000000000000h", "SBC-3 4.5, 5.13", false,
            "LBA times 512 wraps round in 64 bits: block 0 would be read.",
            IN(BLOCK, 0x88, 0, 0x00, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    REFUSED("range-write16-product", "WRITE(16), LBA 0080000000000000h", "SBC-3 4.5, 5.35", true,
            "LBA times 512 wraps round in 64 bits: block 0 would be overwritten.",
            OUT(BLOCK, 0xC3, 0x8A, 0, 0x00, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    REFUSED("range-read10-none-beyond", "READ(10), 0 blocks, two behind the last",
            "SBC-3 4.5, 5.11", false, "The range is checked even when nothing is to be moved.",
            TEN(0x28, 0, 0, HOST_DATA_NONE, LBA_BEYOND)),
    {
        .id = "range-read10-none-end",
        .severity = SEVERITY_WARNING,
        .command = "READ(10), 0 blocks, right behind the last",
        .clause = "SBC-3 4.5, 5.11",
        .expect = "success: no blocks at the very end are still in range",
        .why = "A loop that ends exactly at the end sends it.",
        .steps = {TEN(0x28, 0, 0, HOST_DATA_NONE, LBA_END)},
        .judge = judge_success,
    },
    {
        .id = "range-information",
        .severity = SEVERITY_WARNING,
        .command = "READ(10), two blocks from the last one on",
        .clause = "SBC-3 4.18.1, SPC-4 4.5.3",
        .expect = "INFORMATION names the first block beyond the end",
        .why = "The host cannot tell otherwise how far the transfer would have been good.",
        .steps = {TEN(0x28, 2, 2 * BLOCK, HOST_DATA_IN, LBA_LAST)},
        .judge = judge_information,
    },
    {
        .id = "range-read10-end-cdrom",
        .fix = 15,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ(10), one block behind the last",
        .clause = "MMC-6 6.14",
        .expect = PAST,
        .why = "Discs are copied until this error comes.",
        .steps = {TEN(0x28, 1, 2048, HOST_DATA_IN, LBA_END)},
        .judge = judge_sense,
        .code = 0x052100,
    },
};
const unsigned checks_range_count = sizeof(checks_range) / sizeof(checks_range[0]);
