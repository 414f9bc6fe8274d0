/*
 * How a failure is told: status, sense data with the SRB (autosense), their format, and what
 * happens where the SRB has little room for them or none.
 */
#include "tools/probe/families.h"

#define SRB_STATUS_ERROR_VALUE 0x04
#define SRB_STATUS_MASK        0x3F
#define SRB_AUTOSENSE_VALID    0x80
#define CHECK_CONDITION        0x02

/** A failure that every driver here tells: READ(10) behind the last block. */
#define OUT_OF_RANGE                                                                               \
    {                                                                                              \
        .cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1}, .direction = HOST_DATA_IN, .length = 512,           \
        .lba = LBA_END                                                                             \
    }

/** One byte of the sense data. */
static void judge_sense_value(const struct check *check, const struct transcript *transcript,
                              struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    const uint8_t *bytes = answer->sense + check->field.offset;
    char text[64];

    if (answer->sense_length < check->field.offset + check->field.length ||
        (be(bytes, check->field.length) & check->field.mask) != check->field.value) {
        found(verdict, "%u bytes of sense data, byte %u: %s", answer->sense_length,
              check->field.offset, bytes_text(bytes, check->field.length, text, sizeof(text)));
        mark(verdict, check_steps(check) - 1, AREA_SENSE, check->field.offset, check->field.length);
    }
}

static void judge_sense_length(const struct check *check, const struct transcript *transcript,
                               struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);

    if (answer->sense_length != check->field.value) {
        found(verdict, "%u bytes", answer->sense_length);
        mark(verdict, 0, AREA_STATUS, 0, 0);
    }
    for (unsigned i = (unsigned)check->field.value; i < sizeof(answer->sense); i++) {
        if (answer->sense[i] != POISON) {
            found(verdict, "byte %u was written: %02x", i, answer->sense[i]);
            mark(verdict, 0, AREA_SENSE, i, 1);
            return;
        }
    }
}

/** Without autosense: CHECK CONDITION all the same, and no claim of sense data. */
static void judge_no_sense(const struct check *check, const struct transcript *transcript,
                           struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[160];

    if ((answer->srb_status & SRB_STATUS_MASK) != SRB_STATUS_ERROR_VALUE ||
        (answer->srb_status & SRB_AUTOSENSE_VALID) != 0 || answer->scsi_status != CHECK_CONDITION) {
        found(verdict, "%s", outcome_text(answer, text, sizeof(text)));
        mark(verdict, 0, AREA_STATUS, 0, 0);
    }
}

/** SKSV: if the field pointer is there, it points at the byte in field.value. */
static void judge_pointer(const struct check *check, const struct transcript *transcript,
                          struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[64];

    if (answer->sense_length < 18 || (answer->sense[15] & 0x80) == 0) {
        verdict->hidden = true;
    } else if ((answer->sense[15] & 0x40) == 0 || be(answer->sense + 16, 2) != check->field.value) {
        found(verdict, "bytes 15 to 17: %s", bytes_text(answer->sense + 15, 3, text, sizeof(text)));
        mark(verdict, 0, AREA_SENSE, 15, 3);
    }
}

#define UNSUPPORTED(name, cmd, where, reason, ...)                                                 \
    {                                                                                              \
        .id = name, .fix = 8, .severity = SEVERITY_ERROR, .bus = where, .command = cmd,            \
        .clause = "SPC-4 4.5, SAM-5 5.13", .expect = "a command that does not exist",              \
        .why = reason, .steps = {__VA_ARGS__}, .judge = judge_sense, .code = 0x052000,             \
    }

const struct check checks_sense[] = {
    UNSUPPORTED(
        "sense-prevent-allow", "PREVENT ALLOW MEDIUM REMOVAL on a fixed disk", BUS_DISK,
        "Windows asks every disk; one that fails without sense data is asked again and again.",
        SEND(0x1E, 0, 0, 0, 1)),
    UNSUPPORTED("sense-opcode", "an operation code that does not exist, C7h", BUS_DISK,
                "Without sense data a class driver can only guess, and try again.", SEND(0xC7)),
    UNSUPPORTED("sense-opcode-data", "an operation code that does not exist, C7h, with a buffer",
                BUS_DISK, "Without sense data a class driver can only guess, and try again.",
                IN(64, 0xC7)),
    UNSUPPORTED("sense-opcode-cdrom", "an operation code that does not exist, C7h", BUS_CDROM,
                "Without sense data a class driver can only guess, and try again.", SEND(0xC7)),
    UNSUPPORTED("sense-write10-cdrom", "WRITE(10) to a CD-ROM", BUS_CDROM,
                "Burning programs find out so that a drive cannot write.",
                OUT(2048, 0xC3, 0x2A, 0, 0, 0, 0, 0, 0, 0, 1)),
    UNSUPPORTED("sense-opcode-read-only", "an operation code that does not exist, C7h",
                BUS_READ_ONLY, "A command that does not exist is not write protected.", SEND(0xC7)),
    {
        .id = "sense-status",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end",
        .clause = "SAM-5 5.3.1, WDK SRB_STATUS_AUTOSENSE_VALID",
        .expect = "SRB_STATUS_ERROR, CHECK CONDITION and AUTOSENSE_VALID together",
        .why = "Without the flag the sense data are not looked at.",
        .steps = {OUT_OF_RANGE},
        .judge = judge_sense,
        .code = 0x052100,
    },
    {
        .id = "sense-response-code",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end",
        .clause = "SPC-4 4.5.1, 4.5.3",
        .expect = "byte 0, bits 6..0, are 70: current error, fixed format",
        .why = "Everything behind it is read by this code; 00 reads as no sense data.",
        .steps = {OUT_OF_RANGE},
        .judge = judge_sense_value,
        .field = {0, 1, 0x7F, 0x70},
    },
    {
        .id = "sense-additional-length",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end",
        .clause = "SPC-4 4.5.3",
        .expect = "byte 7 is 0A: 18 bytes less the 8 up to here",
        .why = "With 0 there the ASC, in byte 12, does not exist for a host that looks.",
        .steps = {OUT_OF_RANGE},
        .judge = judge_sense_value,
        .field = {7, 1, 0xFF, 0x0A},
    },
    {
        .id = "sense-reserved",
        .severity = SEVERITY_WARNING,
        .command = "READ(10) beyond the end",
        .clause = "SPC-4 4.5.3",
        .expect = "byte 1 is 00: obsolete",
        .why = "It was a segment number once, and is still printed by tools.",
        .steps = {OUT_OF_RANGE},
        .judge = judge_sense_value,
        .field = {1, 1, 0xFF, 0x00},
    },
    {
        .id = "sense-flags",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end",
        .clause = "SPC-4 4.5.3",
        .expect = "filemark, EOM and ILI, byte 2, bits 7..4, are 0",
        .why = "They belong to tapes; with ILI a host takes INFORMATION for a residual.",
        .steps = {OUT_OF_RANGE},
        .judge = judge_sense_value,
        .field = {2, 1, 0xF0, 0x00},
    },
    {
        .id = "sense-length",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end",
        .clause = "WDK SCSI_REQUEST_BLOCK, SenseInfoBufferLength",
        .expect = "18 bytes of sense data, SenseInfoBufferLength says so, and nothing is written "
                  "behind them",
        .why = "Pass-through programs get as many bytes as this says.",
        .steps = {OUT_OF_RANGE},
        .judge = judge_sense_length,
        .field = {.value = 18},
    },
    {
        .id = "sense-truncated",
        .fix = 19,
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end, with a sense buffer of 8 bytes",
        .clause = "WDK SCSI_REQUEST_BLOCK, SenseInfoBufferLength",
        .expect = "8 bytes of sense data, and nothing is written behind them",
        .why = "The rest would be written over other memory.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = 512,
                   .lba = LBA_END,
                   .sense = 8}},
        .judge = judge_sense_length,
        .field = {.value = 8},
    },
    {
        .id = "sense-truncated-length",
        .fix = 19,
        .severity = SEVERITY_WARNING,
        .command = "READ(10) beyond the end, with a sense buffer of 8 bytes",
        .clause = "SPC-4 4.5.3",
        .expect = "byte 7 is still 0A: truncation changes no length field",
        .why = "The host would not know that there was more.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = 512,
                   .lba = LBA_END,
                   .sense = 8}},
        .judge = judge_sense_value,
        .field = {7, 1, 0xFF, 0x0A},
    },
    {
        .id = "sense-no-buffer",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end, without a sense buffer",
        .clause = "WDK SRB_STATUS_AUTOSENSE_VALID",
        .expect = "CHECK CONDITION, without AUTOSENSE_VALID",
        .why = "The class driver would read sense data from nowhere.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = 512,
                   .lba = LBA_END,
                   .no_sense = true}},
        .judge = judge_no_sense,
    },
    {
        .id = "sense-disabled",
        .fix = 19,
        .severity = SEVERITY_ERROR,
        .command = "READ(10) beyond the end, with SRB_FLAGS_DISABLE_AUTOSENSE",
        .clause = "WDK SRB_FLAGS_DISABLE_AUTOSENSE",
        .expect = "CHECK CONDITION, without AUTOSENSE_VALID",
        .why = "The sender has said that the buffer is not to be written.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = 512,
                   .lba = LBA_END,
                   .no_autosense = true}},
        .judge = judge_no_sense,
    },
    {
        .id = "sense-field-pointer",
        .severity = SEVERITY_WARNING,
        .command = "READ(10), RDPROTECT = 1",
        .clause = "SPC-4 4.5.2.4.2",
        .expect = "the field pointer, if there is one, points into the CDB, at byte 1",
        .why = "It is what tells a programmer which field is wrong.",
        .steps = {IN(512, 0x28, 0x20, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_pointer,
        .field = {.value = 1},
    },
    {
        .id = "sense-short-cdb",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) in a CDB of 6 bytes",
        .clause = "SPC-4 4.3, WDK SCSI_REQUEST_BLOCK, CdbLength",
        .expect = "a CDB that is too short is refused",
        .why = "The transfer length would be read from behind the CDB.",
        .steps = {{.cdb = {0x28}, .cdb_length = 6, .direction = HOST_DATA_IN, .length = 512}},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "request-sense-idle",
        .severity = SEVERITY_ERROR,
        .command = "REQUEST SENSE",
        .clause = "SPC-4 6.39",
        .expect = "NO SENSE: what was wrong has been told by autosense",
        .why = "An error that is told twice is handled twice.",
        .steps = {OUT_OF_RANGE, IN(252, 0x03, 0, 0, 0, 252)},
        .judge = judge_value,
        .field = {2, 1, 0x0F, 0x00},
    },
    {
        .id = "request-sense-format",
        .severity = SEVERITY_ERROR,
        .command = "REQUEST SENSE",
        .clause = "SPC-4 6.39, 4.5.3",
        .expect = "byte 0 is 70: fixed format, when DESC is 0",
        .why = "Everything behind it is read by this code.",
        .steps = {IN(252, 0x03, 0, 0, 0, 252)},
        .judge = judge_value,
        .field = {0, 1, 0x7F, 0x70},
    },
    {
        .id = "request-sense-descriptor",
        .severity = SEVERITY_WARNING,
        .command = "REQUEST SENSE with DESC",
        .clause = "SPC-4 6.39, 4.5.2",
        .expect = "byte 0 is 72: descriptor format, when DESC is 1",
        .why = "The two formats have the sense key in different places.",
        .steps = {IN(252, 0x03, 0x01, 0, 0, 252)},
        .judge = judge_value,
        .field = {0, 1, 0x7F, 0x72},
    },
};
const unsigned checks_sense_count = sizeof(checks_sense) / sizeof(checks_sense[0]);
