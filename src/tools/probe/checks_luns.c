/*
 * REPORT LUNS, and what a unit says that is not there: how a bus scan sees the target.
 */
#include "tools/probe/families.h"

#define HEADER 8u
#define ENTRY  8u
#define LUNS(room_high, room_low)                                                                  \
    IN((room_high)*256 + (room_low), 0xA0, 0, 0, 0, 0, 0, 0, 0, room_high, room_low)
#define ABSENT_PERIPHERAL 0x7F

static bool is_no_device(const struct answer *answer)
{
    uint8_t status = answer->srb_status & 0x3F;

    return status == 0x08 || status == 0x0A || status == 0x20 || status == 0x21;
}

/** Length, order, and the unit under test among them. */
static void judge_list(const struct check *check, const struct transcript *transcript,
                       struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t length = (uint32_t)be(answer->data, 4);
    uint64_t before = 0;
    bool there = false;

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    if (length % ENTRY != 0 || length == 0 || length > answer->length - HEADER) {
        found(verdict, "LUN list length %u", length);
        mark(verdict, 0, AREA_DATA, 0, 4);
        return;
    }
    for (uint32_t at = HEADER; at < HEADER + length; at += ENTRY) {
        uint64_t lun = be(answer->data + at, 8);

        if (at != HEADER && lun <= before) {
            found(verdict, "LUN %016llX after LUN %016llX", (unsigned long long)lun,
                  (unsigned long long)before);
            mark(verdict, 0, AREA_DATA, at, ENTRY);
        }
        there = there || lun == check->field.value << 48;
        before = lun;
    }
    if (!there) {
        found(verdict, "the list does not name LUN %u", (unsigned)check->field.value);
        mark(verdict, 0, AREA_DATA, HEADER, length);
    }
}

static void judge_length(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);

    if (must_succeed(transcript, 0, verdict) && be(answer->data, 4) != check->field.value) {
        found(verdict, "LUN list length %u", (unsigned)be(answer->data, 4));
        mark(verdict, 0, AREA_DATA, 0, 4);
    }
}

/** A unit that does not exist: the port says so, or INQUIRY data with qualifier 011b do. */
static void judge_absent(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[160];

    if (is_no_device(answer) ||
        (succeeded(answer) && answer->cdb[0] == 0x12 && answer->data[0] == ABSENT_PERIPHERAL)) {
        return;
    }
    found(verdict, "%s", outcome_text(answer, text, sizeof(text)));
    mark(verdict, 0, AREA_STATUS, 0, 0);
}

#define AT(target_number, lun_number, size, ...)                                                   \
    {                                                                                              \
        .cdb = {__VA_ARGS__}, .direction = HOST_DATA_IN, .length = (size),                         \
        .target = target_number, .lun = lun_number                                                 \
    }

const struct check checks_luns[] = {
    {
        .id = "luns-list",
        .severity = SEVERITY_ERROR,
        .command = "REPORT LUNS",
        .clause = "SPC-4 6.33",
        .expect = "a list of whole entries, ascending, that names LUN 0",
        .why = "Storport scans what is listed, and nothing else.",
        .steps = {LUNS(2, 0)},
        .judge = judge_list,
        .field = {.value = 0},
    },
    {
        .id = "luns-list-two",
        .severity = SEVERITY_ERROR,
        .bus = BUS_TWO,
        .command = "REPORT LUNS of a target with LUN 0 and LUN 5",
        .clause = "SPC-4 6.33",
        .expect = "a list of whole entries, ascending, that names LUN 5",
        .why = "A disk that is not listed does not exist for Windows.",
        .steps = {LUNS(2, 0)},
        .judge = judge_list,
        .field = {.value = 5},
    },
    {
        .id = "luns-list-length",
        .severity = SEVERITY_ERROR,
        .bus = BUS_TWO,
        .command = "REPORT LUNS of a target with LUN 0 and LUN 5",
        .clause = "SPC-4 6.33",
        .expect = "LUN list length 16: 8 bytes for each of two units, without the header",
        .why = "A list that is too long names units that do not exist.",
        .steps = {LUNS(2, 0)},
        .judge = judge_length,
        .field = {.value = 16},
    },
    {
        .id = "luns-truncated-length",
        .severity = SEVERITY_ERROR,
        .bus = BUS_TWO,
        .command = "REPORT LUNS, allocation length 16",
        .clause = "SPC-4 4.2.5.6, 6.33",
        .expect = "LUN list length 16, although the second entry does not fit",
        .why = "Storport asks for 16 bytes first, and then for as many as they announce.",
        .steps = {LUNS(0, 16)},
        .judge = judge_length,
        .field = {.value = 16},
    },
    {
        .id = "luns-beyond-allocation",
        .severity = SEVERITY_ERROR,
        .bus = BUS_TWO,
        .command = "REPORT LUNS, allocation length 16",
        .clause = "SPC-4 4.2.5.6",
        .expect = "no more than 16 bytes move",
        .why = "The host may have other data behind them.",
        .steps = {IN(64, 0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 16)},
        .judge = judge_untouched,
        .field = {16, 0, 0, 0},
    },
    {
        .id = "luns-reserved",
        .severity = SEVERITY_WARNING,
        .command = "REPORT LUNS",
        .clause = "SPC-4 6.33",
        .expect = "bytes 4 to 7 are 0: reserved",
        .why = "What is not written is kernel memory shown to a program.",
        .steps = {LUNS(2, 0)},
        .judge = judge_zero,
        .field = {4, 4, 0, 0},
    },
    {
        .id = "luns-tail",
        .severity = SEVERITY_NOTE,
        .command = "REPORT LUNS",
        .clause = "SPC-4 4.2.5.6",
        .expect = "the buffer behind the answer is 00",
        .why = "A scan that reads on would find units there.",
        .steps = {LUNS(2, 0)},
        .judge = judge_tail,
    },
    {
        .id = "luns-well-known",
        .severity = SEVERITY_WARNING,
        .command = "REPORT LUNS, SELECT REPORT = 01h",
        .clause = "SPC-4 6.33",
        .expect = "an empty list: there are no well known logical units",
        .why = "Storport would send commands for the whole target to a disk.",
        .steps = {IN(512, 0xA0, 0, 0x01, 0, 0, 0, 0, 0, 2, 0)},
        .judge = judge_length,
        .field = {.value = 0},
    },
    {
        .id = "luns-select-reserved",
        .severity = SEVERITY_WARNING,
        .command = "REPORT LUNS, SELECT REPORT = 55h",
        .clause = "SPC-4 6.33",
        .expect = "a reserved value is refused",
        .why = "It will mean another list one day.",
        .steps = {IN(512, 0xA0, 0, 0x55, 0, 0, 0, 0, 0, 2, 0)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "luns-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "REPORT LUNS",
        .clause = "SPC-4 6.33",
        .expect = "a list of whole entries, ascending, that names LUN 0",
        .why = "Storport scans what is listed, and nothing else.",
        .steps = {LUNS(2, 0)},
        .judge = judge_list,
        .field = {.value = 0},
    },
    {
        .id = "absent-lun",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY of a LUN that does not exist",
        .clause = "SPC-4 6.6.2, WDK SRB_STATUS_NO_DEVICE",
        .expect = "no such device, or qualifier 011b and type 1Fh",
        .why = "Windows would show a disk that is not there.",
        .steps = {AT(0, 7, 36, 0x12, 0, 0, 0, 36)},
        .judge = judge_absent,
    },
    {
        .id = "absent-lun-ready",
        .severity = SEVERITY_ERROR,
        .command = "READ(10) of a LUN that does not exist",
        .clause = "WDK SRB_STATUS_NO_DEVICE",
        .expect = "no such device",
        .why = "A disk that has left must not answer for another.",
        .steps = {AT(0, 7, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_absent,
    },
    {
        .id = "absent-target",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY of a target that does not exist",
        .clause = "WDK SRB_STATUS_NO_DEVICE",
        .expect = "no such device",
        .why = "Every scan would find a disk at every address.",
        .steps = {AT(1, 0, 36, 0x12, 0, 0, 0, 36)},
        .judge = judge_absent,
    },
    {
        .id = "absent-lun0-inquiry",
        .severity = SEVERITY_ERROR,
        .bus = BUS_LUN5,
        .command = "INQUIRY of LUN 0, where only LUN 5 exists",
        .clause = "SPC-4 6.6.2, 6.33",
        .expect = "byte 0 is 7F: no unit here, but a target",
        .why = "A scan that gets no answer from LUN 0 does not look for LUN 5.",
        .steps = {IN(36, 0x12, 0, 0, 0, 36)},
        .judge = judge_value,
        .field = {0, 1, 0xFF, 0x7F},
    },
    {
        .id = "absent-lun0-luns",
        .severity = SEVERITY_ERROR,
        .bus = BUS_LUN5,
        .command = "REPORT LUNS at LUN 0, where only LUN 5 exists",
        .clause = "SPC-4 6.33",
        .expect = "a list of whole entries, ascending, that names LUN 5",
        .why = "It is how a scan finds LUN 5.",
        .steps = {LUNS(2, 0)},
        .judge = judge_list,
        .field = {.value = 5},
    },
    {
        .id = "absent-lun0-ready",
        .severity = SEVERITY_ERROR,
        .bus = BUS_LUN5,
        .command = "TEST UNIT READY of LUN 0, where only LUN 5 exists",
        .clause = "SAM-5 5.11, SPC-4 4.5",
        .expect = "no logical unit there",
        .why = "Windows would wait for a disk that never gets ready.",
        .steps = {TEST_UNIT_READY},
        .judge = judge_sense,
        .code = 0x052500,
    },
};
const unsigned checks_luns_count = sizeof(checks_luns) / sizeof(checks_luns[0]);
