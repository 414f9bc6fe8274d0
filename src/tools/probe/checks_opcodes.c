/*
 * What a unit says of itself: REPORT SUPPORTED OPERATION CODES, and whether it is true.
 */
#include "tools/probe/families.h"

#include <string.h>

#define RSOC(options, opcode, action)                                                              \
    IN(1024, 0xA3, 0x0C, options, opcode, 0, action, 0, 0, 0x04, 0x00)
#define RCTD        0x80
#define ALL         0
#define PLAIN       1
#define SERVICE     2
#define WHICHEVER   3
#define DESCRIPTOR  8u
#define TIMEOUTS    12u
#define CTDP        0x02
#define SERVACTV    0x01
#define SUPPORT     0x07
#define NONE        1
#define STANDARD    3
#define UNKNOWN     0x052000 /* INVALID COMMAND OPERATION CODE */
#define LONGEST_CDB 16u

/** One descriptor, checked by itself. \return its length; 0: it is wrong, and was told. */
static uint32_t judge_descriptor(const struct answer *answer, uint32_t at, struct verdict *verdict)
{
    static const uint8_t lengths[8] = {6, 10, 10, 0, 16, 12, 0, 0};
    const uint8_t *data = answer->data + at;
    bool timeouts = (answer->cdb[2] & RCTD) != 0;
    char text[64];

    if (data[1] != 0 || data[4] != 0 || (data[5] & ~(CTDP | SERVACTV)) != 0 ||
        ((data[5] & CTDP) != 0) != timeouts || be(data + 6, 2) != lengths[data[0] >> 5] ||
        ((data[5] & SERVACTV) == 0 && be(data + 2, 2) != 0)) {
        found(verdict, "descriptor at byte %u: %s", at,
              bytes_text(data, DESCRIPTOR, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, at, DESCRIPTOR);
        return 0;
    }
    return DESCRIPTOR + (timeouts ? TIMEOUTS : 0);
}

/** Is this command in the list, in front of `end`? */
static bool lists(const struct answer *answer, uint32_t end, uint8_t opcode, uint16_t action)
{
    uint32_t each = DESCRIPTOR + ((answer->cdb[2] & RCTD) != 0 ? TIMEOUTS : 0);

    for (uint32_t at = 4; at + each <= end; at += each) {
        if (answer->data[at] == opcode && be(answer->data + at + 2, 2) == action) {
            return true;
        }
    }
    return false;
}

/** Each descriptor makes sense, and no command has two. */
static void judge_list(const struct check *check, const struct transcript *transcript,
                       struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t end = answer_length(answer), length;

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    if (end > answer->length || end <= 4) {
        found(verdict, "command data length %u", end - 4);
        mark(verdict, 0, AREA_DATA, 0, 4);
        return;
    }
    for (uint32_t at = 4; at < end; at += length) {
        length = judge_descriptor(answer, at, verdict);
        if (length == 0) {
            return;
        }
        if (at + length > end ||
            lists(answer, at, answer->data[at], (uint16_t)be(answer->data + at + 2, 2))) {
            found(verdict, "%s at byte %u, of command %02Xh",
                  at + length > end ? "half a descriptor" : "a second descriptor", at,
                  answer->data[at]);
            mark(verdict, 0, AREA_DATA, at, DESCRIPTOR);
            return;
        }
    }
}

/** SBC-3 table 15: what every direct access device has. */
static void judge_mandatory(const struct check *check, const struct transcript *transcript,
                            struct verdict *verdict)
{
    static const struct {
        uint8_t opcode, action;
    } mandatory[] = {{0x00, 0}, {0x03, 0}, {0x12, 0},    {0x25, 0},
                     {0x28, 0}, {0x88, 0}, {0x9E, 0x10}, {0xA0, 0}};
    const struct answer *answer = last(check, transcript);

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    for (unsigned i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++) {
        if (!lists(answer, answer_length(answer), mandatory[i].opcode, mandatory[i].action)) {
            found(verdict, "%02Xh/%02Xh is not listed", mandatory[i].opcode, mandatory[i].action);
            mark(verdict, 0, AREA_DATA, 0, 4);
        }
    }
}

/** One command: SUPPORT, CDB length, and a usage map that begins with the operation code. */
static void judge_one(const struct check *check, const struct transcript *transcript,
                      struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    const uint8_t *data = answer->data;
    unsigned length = (unsigned)check->field.value;
    char text[64];

    if (must_succeed(transcript, 0, verdict) &&
        (data[0] != 0 || data[1] != STANDARD || be(data + 2, 2) != length ||
         data[4] != answer->cdb[3])) {
        found(verdict, "%s", bytes_text(data, 4 + 4, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, 0, 5);
    }
}

/** The second command is known exactly when the answer to the first says so. */
static void judge_truth(const struct check *check, const struct transcript *transcript,
                        struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    bool said = (transcript->answers[0].data[1] & SUPPORT) == STANDARD;
    uint32_t code = 0;
    char text[160];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    (void)sense_of(answer, &code);
    if (said == (!succeeded(answer) && (code == UNKNOWN || code == 0))) {
        found(verdict, "SUPPORT is %u, and the command: %s",
              transcript->answers[0].data[1] & SUPPORT, outcome_text(answer, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, 1, 1);
        mark(verdict, 1, AREA_STATUS, 0, 0);
    }
}

/** The short form has 4 bytes, the long one 16; and a way to reset the unit is known. */
static void judge_tasks(const struct check *check, const struct transcript *transcript,
                        struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[64];

    if (must_succeed(transcript, 0, verdict) &&
        (answer->data[3] != check->field.value || (answer->data[0] & 0x08) == 0 ||
         (answer->data[1] & 0xF8) != 0 || answer->data[2] != 0)) {
        found(verdict, "%s", bytes_text(answer->data, 4, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, 0, 4);
    }
}

#define TRUE_OF(name, cmd, where, opcode, ...)                                                     \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .bus = where, .writes = true, .command = cmd,      \
        .clause = "SPC-4 6.35.3",                                                                  \
        .expect = "the command is known exactly when the unit says that it supports it",           \
        .why = "Hosts that ask believe the answer, in either direction.",                          \
        .steps = {RSOC(WHICHEVER, opcode, 0), __VA_ARGS__}, .judge = judge_truth,                  \
    }

const struct check checks_opcodes[] = {
    {
        .id = "opcodes-list",
        .severity = SEVERITY_ERROR,
        .command = "REPORT SUPPORTED OPERATION CODES, all",
        .clause = "SPC-4 6.35.2",
        .expect = "descriptors of 8 bytes, each with the length of its CDB, none twice",
        .why = "A host that is told of a CDB of 0 bytes sends none.",
        .steps = {RSOC(ALL, 0, 0)},
        .judge = judge_list,
    },
    {
        .id = "opcodes-list-timeouts",
        .severity = SEVERITY_ERROR,
        .command = "REPORT SUPPORTED OPERATION CODES, all, RCTD = 1",
        .clause = "SPC-4 6.35.2, 6.35.4",
        .expect = "CTDP is 1, and a timeouts descriptor of 12 bytes follows each descriptor",
        .why = "A host that steps 20 bytes reads every second command only.",
        .steps = {RSOC(RCTD | ALL, 0, 0)},
        .judge = judge_list,
    },
    {
        .id = "opcodes-list-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "REPORT SUPPORTED OPERATION CODES, all",
        .clause = "SPC-4 6.35.2",
        .expect = "descriptors of 8 bytes, each with the length of its CDB, none twice",
        .why = "A host that is told of a CDB of 0 bytes sends none.",
        .steps = {RSOC(ALL, 0, 0)},
        .judge = judge_list,
    },
    {
        .id = "opcodes-mandatory",
        .severity = SEVERITY_WARNING,
        .command = "REPORT SUPPORTED OPERATION CODES, all",
        .clause = "SBC-3 5.1",
        .expect = "the commands that every disk has are listed",
        .why = "A host that asks for one before it sends it would not find the disk usable.",
        .steps = {RSOC(ALL, 0, 0)},
        .judge = judge_mandatory,
    },
    {
        .id = "opcodes-tail",
        .severity = SEVERITY_NOTE,
        .command = "REPORT SUPPORTED OPERATION CODES, READ(10)",
        .clause = "SPC-4 4.2.5.6",
        .expect = "the buffer behind the answer is 00",
        .why = "What lies there must not be somebody else's memory.",
        .steps = {RSOC(PLAIN, 0x28, 0)},
        .judge = judge_tail,
    },
    {
        .id = "opcodes-one",
        .severity = SEVERITY_ERROR,
        .command = "REPORT SUPPORTED OPERATION CODES, READ(10)",
        .clause = "SPC-4 6.35.3",
        .expect = "SUPPORT 011b, a CDB of 10 bytes, and a usage map that begins with 28",
        .why = "Linux looks here for FUA, and for WRITE SAME before it uses it.",
        .steps = {RSOC(PLAIN, 0x28, 0)},
        .judge = judge_one,
        .field = {0, 0, 0, 10},
    },
    {
        .id = "opcodes-one-action",
        .severity = SEVERITY_ERROR,
        .command = "REPORT SUPPORTED OPERATION CODES, READ CAPACITY(16)",
        .clause = "SPC-4 6.35.3",
        .expect = "SUPPORT 011b, a CDB of 16 bytes, and a usage map that begins with 9E",
        .why = "Without it the host stays with READ CAPACITY(10), and 2 TiB.",
        .steps = {RSOC(SERVICE, 0x9E, 0x10)},
        .judge = judge_one,
        .field = {0, 0, 0, 16},
    },
    {
        .id = "opcodes-one-whichever",
        .severity = SEVERITY_WARNING,
        .command = "REPORT SUPPORTED OPERATION CODES, option 011b",
        .clause = "SPC-4 6.35.1",
        .expect = "the option for those who do not know whether there are service actions",
        .why = "A host need not know the table of operation codes.",
        .steps = {RSOC(WHICHEVER, 0x28, 0)},
        .judge = judge_one,
        .field = {0, 0, 0, 10},
    },
    {
        .id = "opcodes-unsupported",
        .severity = SEVERITY_ERROR,
        .command = "REPORT SUPPORTED OPERATION CODES, FFh",
        .clause = "SPC-4 6.35.3",
        .expect = "a command that does not exist is no error: SUPPORT is 001b",
        .why = "The question is there to be asked of such commands.",
        .steps = {RSOC(PLAIN, 0xFF, 0)},
        .judge = judge_value,
        .field = {1, 1, SUPPORT, NONE},
    },
    {
        .id = "opcodes-action-missing",
        .severity = SEVERITY_WARNING,
        .command = "REPORT SUPPORTED OPERATION CODES, 9Eh without a service action",
        .clause = "SPC-4 6.35.1",
        .expect = "option 001b for a command that has service actions is refused",
        .why = "There is no one answer.",
        .steps = {RSOC(PLAIN, 0x9E, 0)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "opcodes-action-needless",
        .severity = SEVERITY_WARNING,
        .command = "REPORT SUPPORTED OPERATION CODES, 28h with a service action",
        .clause = "SPC-4 6.35.1",
        .expect = "option 010b for a command without service actions is refused",
        .why = "READ(10) with service action 0 is another command, which does not exist.",
        .steps = {RSOC(SERVICE, 0x28, 0)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "opcodes-option",
        .severity = SEVERITY_WARNING,
        .command = "REPORT SUPPORTED OPERATION CODES, option 111b",
        .clause = "SPC-4 6.35.1",
        .expect = "a reserved option is refused",
        .why = "An answer of another format would be parsed as what was asked for.",
        .steps = {RSOC(7, 0x28, 0)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    TRUE_OF("opcodes-true-unmap", "UNMAP", BUS_DISK, 0x42, OUT(8, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 8)),
    TRUE_OF("opcodes-true-unmap-thin", "UNMAP", BUS_THIN, 0x42,
            OUT(8, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 8)),
    TRUE_OF("opcodes-true-write-same", "WRITE SAME(16)", BUS_DISK, 0x93,
            OUT(512, 0, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    TRUE_OF("opcodes-true-compare-write", "COMPARE AND WRITE", BUS_DISK, 0x89,
            OUT(1024, 0, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    TRUE_OF("opcodes-true-reserve", "PERSISTENT RESERVE IN", BUS_DISK, 0x5E,
            IN(8, 0x5E, 0, 0, 0, 0, 0, 0, 0, 8)),
    {
        .id = "tasks-short",
        .severity = SEVERITY_WARNING,
        .command = "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS",
        .clause = "SPC-4 6.36",
        .expect = "4 bytes, and a LOGICAL UNIT RESET, which SAM-5 makes mandatory",
        .why = "Who resets what hangs must know how.",
        .steps = {IN(64, 0xA3, 0x0D, 0, 0, 0, 0, 0, 0, 0, 64)},
        .judge = judge_tasks,
        .field = {0, 0, 0, 0},
    },
    {
        .id = "tasks-long",
        .severity = SEVERITY_WARNING,
        .command = "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS, REPD = 1",
        .clause = "SPC-4 6.36",
        .expect = "16 bytes: byte 3 is 0C",
        .why = "The timeouts follow.",
        .steps = {IN(64, 0xA3, 0x0D, 0x80, 0, 0, 0, 0, 0, 0, 64)},
        .judge = judge_tasks,
        .field = {0, 0, 0, 12},
    },
};
const unsigned checks_opcodes_count = sizeof(checks_opcodes) / sizeof(checks_opcodes[0]);
