/*
 * The rarer ways to write, and what comes near them: COMPARE AND WRITE, ORWRITE, WRITE AND VERIFY,
 * WRITE SAME, PRE-FETCH, READ DEFECT DATA.
 *
 * Most checks write one block first, send their command, and read what there is then.
 */
#include "tools/probe/families.h"

#define WRITE_BLOCK(byte) OUT(512, byte, 0x2A, 0, 0, 0, 0, 0, 0, 0, 1)
#define READ_BLOCK        IN(512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)
/* One block at LBA 0, by CDBs of 10, 12 and 16 bytes. */
#define ONE10(opcode, flags) opcode, flags, 0, 0, 0, 0, 0, 0, 1
#define ONE12(opcode, flags) opcode, flags, 0, 0, 0, 0, 0, 0, 0, 1
#define ONE16(opcode, flags) opcode, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define COMPARE_ONE(one, other)                                                                    \
    HALVES(1024, one, other, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
#define PROTECT         0x20
#define UNMAP           0x08
#define NO_DATA         0x01
#define BYTE_CHECK      0x02
#define MISCOMPARE      0x0E1D00
#define INVALID_FIELD   0x052400
#define OUT_OF_RANGE    0x052100
#define WRITE_PROTECTED 0x072700
#define SENSE_VALID     0x80
#define CONDITION_MET   0x04

/** The command before the last fails with `code`, or succeeds when there is none; and all bytes of
 *  what is read then are field.value. */
static void judge_content(const struct check *check, const struct transcript *transcript,
                          struct verdict *verdict)
{
    unsigned steps = check_steps(check);
    const struct answer *command = &transcript->answers[steps - 2];
    const struct answer *read = last(check, transcript);
    uint32_t code = 0;
    char text[160];

    if (check->code == 0 && !must_succeed(transcript, steps - 2, verdict)) {
        return;
    }
    if (check->code != 0 && (!sense_of(command, &code) || code != check->code)) {
        found(verdict, "%s", outcome_text(command, text, sizeof(text)));
        mark(verdict, steps - 2, AREA_STATUS, 0, 0);
        return;
    }
    if (!must_succeed(transcript, steps - 1, verdict)) {
        return;
    }
    for (uint32_t i = 0; i < read->length && i < ANSWER_KEPT; i++) {
        if (read->data[i] != check->field.value) {
            found(verdict, "byte %u of the block: %s", i,
                  bytes_text(read->data + i, read->length - i, text, sizeof(text)));
            mark(verdict, steps - 1, AREA_DATA, i, 1);
            return;
        }
    }
}

/** INFORMATION is valid, and field.value. */
static void judge_information(const struct check *check, const struct transcript *transcript,
                              struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    unsigned step = check_steps(check) - 1;
    char text[64];

    judge_sense(check, transcript, verdict);
    if (!verdict->failed &&
        ((answer->sense[0] & SENSE_VALID) == 0 || be(answer->sense + 3, 4) != check->field.value)) {
        found(verdict, "bytes 0 to 6: %s", bytes_text(answer->sense, 7, text, sizeof(text)));
        mark(verdict, step, AREA_SENSE, 0, 7);
    }
}

/** GOOD, or CONDITION MET: the blocks are in the cache. */
static void judge_prefetch(const struct check *check, const struct transcript *transcript,
                           struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    unsigned step = check_steps(check) - 1;
    char text[160];

    if (!succeeded(answer) || (answer->scsi_status & ~CONDITION_MET) != 0) {
        found(verdict, "%s", outcome_text(answer, text, sizeof(text)));
        mark(verdict, step, AREA_STATUS, 0, 0);
    }
}

#define WRITES(name, cmd, section, what, reason, byte, ...)                                        \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .writes = true, .command = cmd, .clause = section, \
        .expect = what, .why = reason, .steps = {WRITE_BLOCK(0x0F), __VA_ARGS__, READ_BLOCK},      \
        .judge = judge_content, .field = {0, 512, 0, byte},                                        \
    }
#define REFUSED(name, cmd, section, what, reason, sense, ...)                                      \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .writes = true, .command = cmd, .clause = section, \
        .expect = what, .why = reason, .steps = {__VA_ARGS__}, .judge = judge_sense,               \
        .code = sense,                                                                             \
    }
#define PROTECTION(name, cmd, section, ...)                                                        \
    REFUSED(name, cmd, section,                                                                    \
            "a protection field is refused where INQUIRY says that there is no protection",        \
            "The blocks that are sent are longer by 8 bytes, and all that follows would move.",    \
            INVALID_FIELD, __VA_ARGS__)
#define PROTECTED(name, cmd, section, ...)                                                         \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .bus = BUS_READ_ONLY, .command = cmd,              \
        .clause = section, .expect = "a disk that is write protected refuses it",                  \
        .why = "A write that is lost without a word is the worst answer.", .steps = {__VA_ARGS__}, \
        .judge = judge_sense, .code = WRITE_PROTECTED,                                             \
    }

const struct check checks_rewrite[] = {
    WRITES("compare-write-equal", "COMPARE AND WRITE", "SBC-3 5.2",
           "where the blocks are equal, the second half of the data is written",
           "VMware takes its locks with it.", 0x22, COMPARE_ONE(0x0F, 0x22)),
    {
        .id = "compare-write-different",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "COMPARE AND WRITE",
        .clause = "SBC-3 5.2",
        .expect = "MISCOMPARE, and the block is as before",
        .why = "Two hosts would both have the lock.",
        .steps = {WRITE_BLOCK(0x0F), COMPARE_ONE(0x33, 0x22), READ_BLOCK},
        .judge = judge_content,
        .field = {0, 512, 0, 0x0F},
        .code = MISCOMPARE,
    },
    {
        .id = "compare-write-information",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "COMPARE AND WRITE",
        .clause = "SBC-3 5.2",
        .expect = "INFORMATION is the offset of the first byte that is different: 5",
        .why = "Clusters find out by it whose the lock is.",
        .steps = {WRITE_BLOCK(0x0F),
                  {.cdb = {ONE16(0x89, 0)},
                   .direction = HOST_DATA_OUT,
                   .length = 1024,
                   .fill = 0x33,
                   .head = {0x0F, 0x0F, 0x0F, 0x0F, 0x0F},
                   .head_length = 5}},
        .judge = judge_information,
        .field = {0, 0, 0, 5},
        .code = MISCOMPARE,
    },
    REFUSED("compare-write-length", "COMPARE AND WRITE, one block of data", "SBC-3 5.2",
            "data-out that is not twice the number of blocks is refused",
            "Nobody knows which part is to be compared, and which is to be written.", INVALID_FIELD,
            OUT(512, 0x0F, ONE16(0x89, 0))),
    PROTECTION("compare-write-protect", "COMPARE AND WRITE, WRPROTECT = 1", "SBC-3 5.2",
               OUT(1024, 0, ONE16(0x89, PROTECT))),
    WRITES("orwrite-bits", "ORWRITE(16)", "SBC-3 5.5", "bits are set, and none is cleared",
           "Bitmaps that many hosts share lose what another one has set.", 0x3F,
           OUT(512, 0x30, ONE16(0x8B, 0))),
    PROTECTION("orwrite-protect", "ORWRITE(16), ORPROTECT = 1", "SBC-3 5.5",
               OUT(512, 0, ONE16(0x8B, PROTECT))),
    WRITES("write-verify10", "WRITE AND VERIFY(10)", "SBC-3 5.37", "the blocks are written",
           "Formatting tools use it.", 0x44, OUT(512, 0x44, ONE10(0x2E, 0))),
    WRITES("write-verify12", "WRITE AND VERIFY(12), BYTCHK = 1", "SBC-3 5.38",
           "the blocks are written", "Formatting tools use it.", 0x44,
           OUT(512, 0x44, ONE12(0xAE, BYTE_CHECK))),
    WRITES("write-verify16", "WRITE AND VERIFY(16), BYTCHK = 1", "SBC-3 5.39",
           "the blocks are written", "Formatting tools use it.", 0x44,
           OUT(512, 0x44, ONE16(0x8E, BYTE_CHECK))),
    PROTECTION("write-verify-protect", "WRITE AND VERIFY(10), WRPROTECT = 1", "SBC-3 5.37",
               OUT(512, 0, ONE10(0x2E, PROTECT))),
    WRITES("write-same10", "WRITE SAME(10), 8 blocks", "SBC-3 5.43",
           "the one block is written to all",
           "Linux clears with it what it has promised zeros for.", 0x66,
           OUT(512, 0x66, 0x41, 0, 0, 0, 0, 0, 0, 0, 8)),
    WRITES("write-same16", "WRITE SAME(16), 8 blocks", "SBC-3 5.44",
           "the one block is written to all",
           "Linux clears with it what it has promised zeros for.", 0x66,
           OUT(512, 0x66, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8)),
    REFUSED("write-same-length", "WRITE SAME(10), two blocks of data", "SBC-3 5.43",
            "data-out of another length than one block is refused",
            "Nobody knows which of them is meant.", INVALID_FIELD, OUT(1024, 0, ONE10(0x41, 0))),
    REFUSED("write-same-unmap", "WRITE SAME(16), UNMAP = 1", "SBC-3 5.44, 6.6",
            "UNMAP is refused where page B2h says that there is none",
            "What is said not to exist must not happen.", INVALID_FIELD,
            OUT(512, 0, ONE16(0x93, UNMAP))),
    PROTECTION("write-same-protect", "WRITE SAME(10), WRPROTECT = 1", "SBC-3 5.43",
               OUT(512, 0, ONE10(0x41, PROTECT))),
    {
        .id = "write-same-beyond",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "WRITE SAME(16), behind the last block",
        .clause = "SBC-3 5.44",
        .expect = "what is not all on the disk is refused",
        .why = "The image file would grow.",
        .steps = {{.cdb = {0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2},
                   .direction = HOST_DATA_OUT,
                   .length = 512,
                   .lba = LBA_LAST}},
        .judge = judge_sense,
        .code = OUT_OF_RANGE,
    },
    {
        .id = "prefetch10",
        .severity = SEVERITY_WARNING,
        .command = "PRE-FETCH(10)",
        .clause = "SBC-3 5.8",
        .expect = "GOOD, or CONDITION MET",
        .why = "A hint should not be an error.",
        .steps = {SEND(ONE10(0x34, 0))},
        .judge = judge_prefetch,
    },
    {
        .id = "prefetch16",
        .severity = SEVERITY_WARNING,
        .command = "PRE-FETCH(16)",
        .clause = "SBC-3 5.9",
        .expect = "GOOD, or CONDITION MET",
        .why = "A hint should not be an error.",
        .steps = {SEND(ONE16(0x90, 0))},
        .judge = judge_prefetch,
    },
    {
        .id = "prefetch-beyond",
        .severity = SEVERITY_WARNING,
        .command = "PRE-FETCH(10), behind the last block",
        .clause = "SBC-3 5.8",
        .expect = "blocks that do not exist are refused",
        .why = "The cache holds blocks of the disk.",
        .steps = {{.cdb = {ONE10(0x34, 0)}, .direction = HOST_DATA_NONE, .lba = LBA_END}},
        .judge = judge_sense,
        .code = OUT_OF_RANGE,
    },
    {
        .id = "defects10",
        .severity = SEVERITY_WARNING,
        .command = "READ DEFECT DATA(10)",
        .clause = "SBC-3 5.17",
        .expect = "a header, and a list without defects: bytes 2 and 3 are 0",
        .why = "Test programs count them.",
        .steps = {IN(64, 0x37, 0, 0x0D, 0, 0, 0, 0, 0, 64)},
        .judge = judge_value,
        .field = {2, 2, 0, 0},
    },
    {
        .id = "defects12",
        .severity = SEVERITY_WARNING,
        .command = "READ DEFECT DATA(12)",
        .clause = "SBC-3 5.18",
        .expect = "a header, and a list without defects: bytes 4 to 7 are 0",
        .why = "Test programs count them.",
        .steps = {IN(64, 0xB7, 0x0D, 0, 0, 0, 0, 0, 0, 0, 64)},
        .judge = judge_value,
        .field = {4, 4, 0, 0},
    },
    PROTECTED("compare-write-read-only", "COMPARE AND WRITE", "SBC-3 4.14, 5.2", COMPARE_ONE(0, 1)),
    PROTECTED("orwrite-read-only", "ORWRITE(16)", "SBC-3 4.14, 5.5", OUT(512, 0, ONE16(0x8B, 0))),
    PROTECTED("write-verify-read-only", "WRITE AND VERIFY(10)", "SBC-3 4.14, 5.37",
              OUT(512, 0, ONE10(0x2E, 0))),
    PROTECTED("write-same-read-only", "WRITE SAME(16)", "SBC-3 4.14, 5.44",
              OUT(512, 0, ONE16(0x93, 0))),
};
const unsigned checks_rewrite_count = sizeof(checks_rewrite) / sizeof(checks_rewrite[0]);
