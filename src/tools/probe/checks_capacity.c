/*
 * READ CAPACITY(10) and (16): where the disk ends. Compared with the image file itself, and with
 * each other.
 */
#include "tools/probe/families.h"

#define CAPACITY10       IN(8, 0x25)
#define CAPACITY16(room) IN(room, 0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, room)

/** The last LBA and the block size are those of the file. */
static void judge_size(const struct check *check, const struct transcript *transcript,
                       struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    unsigned width = answer->cdb[0] == 0x25 ? 4 : 8;
    uint64_t wanted = transcript->blocks - 1;

    wanted = width == 4 && wanted > UINT32_MAX ? UINT32_MAX : wanted;
    if (!must_succeed(transcript, check_steps(check) - 1, verdict)) {
        return;
    }
    expected(verdict, "last LBA %llX, blocks of %u bytes%s", (unsigned long long)wanted,
             transcript->block_size,
             wanted == UINT32_MAX ? ": more than fits, ask READ CAPACITY(16)" : "");
    if (be(answer->data, width) != wanted ||
        be(answer->data + width, 4) != transcript->block_size) {
        found(verdict, "last LBA %llX, blocks of %u bytes",
              (unsigned long long)be(answer->data, width), (unsigned)be(answer->data + width, 4));
        mark(verdict, check_steps(check) - 1, AREA_DATA, 0, width + 4);
    }
}

static void judge_agree(const struct check *check, const struct transcript *transcript,
                        struct verdict *verdict)
{
    const uint8_t *ten = transcript->answers[0].data, *sixteen = last(check, transcript)->data;

    if (must_succeed(transcript, 0, verdict) && must_succeed(transcript, 1, verdict) &&
        (be(ten, 4) != be(sixteen, 8) || be(ten + 4, 4) != be(sixteen + 8, 4))) {
        found(verdict, "(10): last LBA %llX, %u bytes; (16): last LBA %llX, %u bytes",
              (unsigned long long)be(ten, 4), (unsigned)be(ten + 4, 4),
              (unsigned long long)be(sixteen, 8), (unsigned)be(sixteen + 8, 4));
        mark(verdict, 0, AREA_DATA, 0, 8);
        mark(verdict, 1, AREA_DATA, 0, 12);
    }
}

#define SIZE(name, cmd, section, where, cdb, reason)                                               \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .bus = where, .command = cmd, .clause = section,   \
        .expect = "the size of the image", .why = reason, .steps = {cdb}, .judge = judge_size,     \
    }

const struct check checks_capacity[] = {
    SIZE(
        "capacity10-size", "READ CAPACITY(10)", "SBC-3 5.15", BUS_DISK, CAPACITY10,
        "One too many, and the last block fails; one too few, and a file system's end is missing."),
    SIZE(
        "capacity16-size", "READ CAPACITY(16)", "SBC-3 5.16", BUS_DISK, CAPACITY16(32),
        "One too many, and the last block fails; one too few, and a file system's end is missing."),
    SIZE("capacity10-size-cdrom", "READ CAPACITY(10)", "MMC-6 6.22", BUS_CDROM, CAPACITY10,
         "cdrom.sys reads up to this block, and in blocks of this size."),
    SIZE("capacity10-large", "READ CAPACITY(10)", "SBC-3 5.15", BUS_LARGE, CAPACITY10,
         "Other bits of a number that does not fit show a small disk, whose end is in the middle "
         "of the large one."),
    SIZE("capacity16-large", "READ CAPACITY(16)", "SBC-3 5.16", BUS_LARGE, CAPACITY16(32),
         "A disk of more than 2 TiB loses what is beyond."),
    {
        .id = "capacity-agree",
        .severity = SEVERITY_ERROR,
        .command = "READ CAPACITY(10) and (16)",
        .clause = "SBC-3 5.15, 5.16",
        .expect = "the same last LBA and block size from both",
        .why = "Conformance suites do not compare them; firmware uses one, the operating system "
               "the other.",
        .steps = {CAPACITY10, CAPACITY16(32)},
        .judge = judge_agree,
    },
    {
        .id = "capacity16-protection",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "READ CAPACITY(16)",
        .clause = "SBC-3 5.16",
        .expect = "PROT_EN and P_I_EXPONENT, and on a disk that is not thin LBPME: bytes 12 to 15 "
                  "are 0, but for the physical block exponent",
        .why = "A host would expect 8 bytes of protection information behind every block, or trim "
               "the disk.",
        .steps = {CAPACITY16(32)},
        .judge = judge_zero,
        .field = {12, 1, 0, 0},
        .also = {{13, 1, 0xF0, 0}, {14, 2, 0, 0}},
    },
    {
        .id = "capacity16-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "READ CAPACITY(16)",
        .clause = "SBC-3 5.16",
        .expect = "reserved bytes, 16 to 31, are 0",
        .why = "What is not written is kernel memory shown to a program.",
        .steps = {CAPACITY16(32)},
        .judge = judge_zero,
        .field = {16, 16, 0, 0},
    },
    {
        .id = "capacity16-truncated",
        .severity = SEVERITY_ERROR,
        .command = "READ CAPACITY(16)",
        .clause = "SPC-4 4.2.5.6, SBC-3 5.16",
        .expect = "an allocation length of 12 moves no more than 12 bytes",
        .why = "The host may have other data behind them.",
        .steps = {IN(32, 0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12)},
        .judge = judge_untouched,
        .field = {12, 0, 0, 0},
    },
    {
        .id = "capacity16-allocation-0",
        .severity = SEVERITY_ERROR,
        .command = "READ CAPACITY(16)",
        .clause = "SPC-4 4.2.5.6, SBC-3 5.16",
        .expect = "an allocation length of 0 is no error",
        .why = "The conformance suite asks with every length from 0 to 15.",
        .steps = {IN(32, 0x9E, 0x10)},
        .judge = judge_success,
    },
    {
        .id = "capacity10-short-buffer",
        .severity = SEVERITY_ERROR,
        .command = "READ CAPACITY(10)",
        .clause = "WDK SCSI_REQUEST_BLOCK",
        .expect = "a buffer of 4 bytes gets the last LBA, and nothing is written behind it",
        .why = "The CDB has no allocation length: only the SRB says how much room there is.",
        .steps = {CAPACITY10, IN(4, 0x25)},
        .judge = judge_same,
        .field = {0, 4, 0, 0},
    },
    {
        .id = "capacity16-service-action",
        .severity = SEVERITY_ERROR,
        .command = "SERVICE ACTION IN(16), service action 1Fh",
        .clause = "SPC-4 4.3, SBC-3 5.16",
        .expect = "a service action that does not exist is refused",
        .why = "Whoever gets a capacity instead parses it as something else.",
        .steps = {IN(32, 0x9E, 0x1F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32)},
        .judge = judge_sense,
        .code = 0x052400,
    },
};
const unsigned checks_capacity_count = sizeof(checks_capacity) / sizeof(checks_capacity[0]);
