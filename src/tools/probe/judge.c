/*
 * What judges are made from: reading answers, and saying what is wrong with them.
 */
#include "tools/probe/judge.h"

#include <stdarg.h>
#include <string.h>

#define SRB_SUCCESS       0x01
#define SRB_ERROR         0x04
#define SRB_STATUS_BITS   0x3F
#define SRB_AUTOSENSE     0x80
#define SCSI_GOOD         0x00
#define SCSI_CHECK        0x02
#define OPCODE_SENSE      0x03
#define OPCODE_INQUIRY    0x12
#define OPCODE_MODE6      0x1A
#define OPCODE_CAPACITY10 0x25
#define OPCODE_TOC        0x43
#define OPCODE_FEATURES   0x46
#define OPCODE_EVENTS     0x4A
#define OPCODE_DISC       0x51
#define OPCODE_MODE10     0x5A
#define OPCODE_CAPACITY16 0x9E
#define OPCODE_LUNS       0xA0
#define OPCODE_REPORT     0xA3
#define ACTION_LBA_STATUS 0x12
#define ACTION_TASKS      0x0D
#define THROUGH_REVISION  36u   /* Standard INQUIRY data: the least that there is. */
#define VPD_LONGEST       1020u /* More than any page here has: then it is no page. */

uint64_t be(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    while (count-- > 0) {
        value = value << 8 | *bytes++;
    }
    return value;
}

const struct answer *last(const struct check *check, const struct transcript *transcript)
{
    return &transcript->answers[check_steps(check) - 1];
}

/* --- saying --- */

static void say(char *text, const char *format, va_list arguments)
{
    vsnprintf(text, VERDICT_TEXT, format, arguments);
}

void found(struct verdict *verdict, const char *format, ...)
{
    va_list arguments;

    if (verdict->failed) {
        return; /* What comes second often follows from what came first. */
    }
    va_start(arguments, format);
    say(verdict->got, format, arguments);
    va_end(arguments);
    verdict->failed = true;
}

void expected(struct verdict *verdict, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(verdict->expected, format, arguments);
    va_end(arguments);
}

void mark(struct verdict *verdict, unsigned step, enum area area, uint32_t offset, uint32_t length)
{
    if (verdict->mark_count < VERDICT_MARKS) {
        verdict->marks[verdict->mark_count++] = (struct mark){step, area, offset, length};
    }
}

const char *bytes_text(const uint8_t *bytes, size_t count, char *buffer, size_t size)
{
    size_t shown = count > 16 ? 16 : count, used = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < shown && used + 4 < size; i++) {
        used += (size_t)snprintf(buffer + used, size - used, "%s%02x", i == 0 ? "" : " ", bytes[i]);
    }
    if (shown < count && used + 5 < size) {
        snprintf(buffer + used, size - used, " ...");
    }
    return buffer;
}

static const char *status_name(uint8_t status)
{
    static const struct {
        uint8_t status;
        const char *name;
    } names[] = {{0x00, "PENDING"},
                 {0x01, "SUCCESS"},
                 {0x02, "ABORTED"},
                 {0x04, "ERROR"},
                 {0x05, "BUSY"},
                 {0x06, "INVALID_REQUEST"},
                 {0x07, "INVALID_PATH_ID"},
                 {0x08, "NO_DEVICE"},
                 {0x09, "TIMEOUT"},
                 {0x0A, "SELECTION_TIMEOUT"},
                 {0x0E, "BUS_RESET"},
                 {0x12, "DATA_OVERRUN"},
                 {0x20, "INVALID_LUN"},
                 {0x21, "INVALID_TARGET_ID"},
                 {0x30, "INTERNAL_ERROR"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].status == (status & SRB_STATUS_BITS)) {
            return names[i].name;
        }
    }
    return "another status";
}

static const char *scsi_name(uint8_t status)
{
    return status == SCSI_GOOD    ? "GOOD"
           : status == SCSI_CHECK ? "CHECK CONDITION"
                                  : "another SCSI status";
}

const char *outcome_text(const struct answer *answer, char *buffer, size_t size)
{
    char sense[32] = "";
    uint32_t code;

    if (sense_of(answer, &code)) {
        snprintf(sense, sizeof(sense), ", sense %02X/%02X/%02X", code >> 16, code >> 8 & 0xFF,
                 code & 0xFF);
    } else if (!succeeded(answer)) {
        snprintf(sense, sizeof(sense), ", no sense data");
    }
    snprintf(buffer, size, "%s (%02Xh), %s%s", status_name(answer->srb_status), answer->srb_status,
             scsi_name(answer->scsi_status), sense);
    return buffer;
}

/* --- reading --- */

bool succeeded(const struct answer *answer)
{
    return (answer->srb_status & SRB_STATUS_BITS) == SRB_SUCCESS;
}

bool must_succeed(const struct transcript *transcript, unsigned step, struct verdict *verdict)
{
    char text[160];

    if (succeeded(&transcript->answers[step]) &&
        transcript->answers[step].scsi_status == SCSI_GOOD) {
        return true;
    }
    found(verdict, "%s", outcome_text(&transcript->answers[step], text, sizeof(text)));
    mark(verdict, step, AREA_STATUS, 0, 0);
    return false;
}

bool sense_of(const struct answer *answer, uint32_t *code)
{
    const uint8_t *sense = answer->sense;
    uint8_t format = sense[0] & 0x7F;

    if ((answer->srb_status & SRB_AUTOSENSE) == 0) {
        return false;
    }
    if ((format == 0x70 || format == 0x71) && answer->sense_length >= 14) {
        *code = (uint32_t)((sense[2] & 0x0F) << 16 | sense[12] << 8 | sense[13]);
        return true;
    }
    if ((format == 0x72 || format == 0x73) && answer->sense_length >= 4) {
        *code = (uint32_t)((sense[1] & 0x0F) << 16 | sense[2] << 8 | sense[3]);
        return true;
    }
    return false;
}

/** Header, block descriptors, and as many whole pages as the length field admits. A length field
 *  that is a little wrong does not matter here: that has its own check. */
static uint32_t mode_length(const struct answer *answer, unsigned header)
{
    const uint8_t *data = answer->data;
    uint32_t end = (uint32_t)be(data, header == 4 ? 1 : 2) + (header == 4 ? 1 : 2);
    uint32_t at = header + (uint32_t)(header == 4 ? data[3] : be(data + 6, 2));

    while (at + 2 <= end && at + 2 <= ANSWER_KEPT && data[at + 1] != 0 &&
           at + 2u + data[at + 1] <= end) {
        at += 2u + data[at + 1];
    }
    return at;
}

/** Standard INQUIRY data. If its own length field is wrong, which has a check of its own, what is
 *  known of the layout says where it ends. */
static uint32_t inquiry_length(const uint8_t *data)
{
    return 5u + data[4] >= THROUGH_REVISION ? 5u + data[4] : THROUGH_REVISION;
}

/** REPORT SUPPORTED OPERATION CODES: all of them, or one and its usage map. */
static uint32_t report_length(const struct answer *answer)
{
    if (answer->cdb[1] == ACTION_TASKS) {
        return 4u + answer->data[3];
    }
    return 4 +
           (uint32_t)((answer->cdb[2] & 7) == 0 ? be(answer->data, 4) : be(answer->data + 2, 2));
}

uint32_t answer_length(const struct answer *answer)
{
    const uint8_t *data = answer->data;

    switch (answer->cdb[0]) {
    case OPCODE_INQUIRY:
        if ((answer->cdb[1] & 1) != 0) {
            return 4 + (uint32_t)be(data + 2, 2);
        }
        return inquiry_length(data);
    case OPCODE_MODE6:
        return mode_length(answer, 4);
    case OPCODE_MODE10:
        return mode_length(answer, 8);
    case OPCODE_CAPACITY10:
        return 8;
    case OPCODE_CAPACITY16:
        return answer->cdb[1] == ACTION_LBA_STATUS ? 4 + (uint32_t)be(data, 4) : 32;
    case OPCODE_REPORT:
        return report_length(answer);
    case OPCODE_LUNS:
        return 8 + (uint32_t)be(data, 4);
    case OPCODE_SENSE:
        return 8u + data[7];
    case OPCODE_FEATURES:
        return 4 + (uint32_t)be(data, 4);
    case OPCODE_TOC:
    case OPCODE_EVENTS:
    case OPCODE_DISC:
        return 2 + (uint32_t)be(data, 2);
    default:
        return 0;
    }
}

uint32_t allocation_of(const struct answer *answer)
{
    const uint8_t *cdb = answer->cdb;

    switch (cdb[0]) {
    case OPCODE_INQUIRY:
        return (uint32_t)be(cdb + 3, 2);
    case OPCODE_SENSE:
    case OPCODE_MODE6:
        return cdb[4];
    case OPCODE_LUNS:
    case OPCODE_REPORT:
        return (uint32_t)be(cdb + 6, 4);
    case OPCODE_CAPACITY16:
        return (uint32_t)be(cdb + 10, 4);
    case OPCODE_CAPACITY10:
        return UINT32_MAX;
    default:
        return (uint32_t)be(cdb + 7, 2);
    }
}

uint32_t moved_by(const struct answer *answer)
{
    uint32_t allocation = allocation_of(answer), moved = answer_length(answer);

    moved = moved < allocation ? moved : allocation;
    return moved < answer->length ? moved : answer->length;
}

/* --- the way to a check's own judge --- */

/** Is this answer so wrong that whatever else is said about it follows from one fault, which has a
 *  check of its own? Standard data in place of a page; a descriptor of more than 255 bytes. */
static bool is_beyond_judging(const struct answer *answer)
{
    if (!succeeded(answer)) {
        return false;
    }
    if (answer->cdb[0] == OPCODE_INQUIRY && (answer->cdb[1] & 1) != 0) {
        return answer->data[1] != answer->cdb[2] || be(answer->data + 2, 2) > VPD_LONGEST;
    }
    return answer->cdb[0] == OPCODE_MODE10 && allocation_of(answer) != 0 && answer->data[6] != 0;
}

static void judge_ending(const struct transcript *transcript, struct verdict *verdict)
{
    expected(verdict, "the command ends");
    found(verdict, "%s", transcript->words);
}

struct verdict check_judge(const struct check *check, const struct transcript *transcript)
{
    struct verdict verdict;

    memset(&verdict, 0, sizeof(verdict));
    expected(&verdict, "%s", check->expect);
    if (transcript->ending != ENDED_WELL) {
        judge_ending(transcript, &verdict);
        return verdict;
    }
    for (unsigned i = 0; i < transcript->count && !check->unconditional; i++) {
        if (is_beyond_judging(&transcript->answers[i])) {
            verdict.hidden = true;
            return verdict;
        }
    }
    check->judge(check, transcript, &verdict);
    verdict.hidden = verdict.hidden && !verdict.failed;
    return verdict;
}

/* --- the general judges --- */

void judge_success(const struct check *check, const struct transcript *transcript,
                   struct verdict *verdict)
{
    must_succeed(transcript, check_steps(check) - 1, verdict);
}

void judge_value(const struct check *check, const struct transcript *transcript,
                 struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct field *field = &check->field;
    const uint8_t *bytes = last(check, transcript)->data + field->offset;
    uint64_t mask = field->mask != 0 ? field->mask : UINT64_MAX;
    char text[64];

    if (must_succeed(transcript, step, verdict) &&
        (be(bytes, field->length) & mask) != field->value) {
        found(verdict, "byte %u: %s", field->offset,
              bytes_text(bytes, field->length, text, sizeof(text)));
        mark(verdict, step, AREA_DATA, field->offset, field->length);
    }
}

static void zero_field(const struct field *field, unsigned step, const struct answer *answer,
                       struct verdict *verdict)
{
    char text[64];

    for (unsigned i = 0; i < field->length; i++) {
        uint8_t mask = field->mask != 0 ? (uint8_t)field->mask : 0xFF;

        if ((answer->data[field->offset + i] & mask) != 0) {
            found(verdict, "byte %u: %s", field->offset,
                  bytes_text(answer->data + field->offset, field->length, text, sizeof(text)));
            mark(verdict, step, AREA_DATA, field->offset, field->length);
            return;
        }
    }
}

void judge_zero(const struct check *check, const struct transcript *transcript,
                struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;

    if (!must_succeed(transcript, step, verdict)) {
        return;
    }
    zero_field(&check->field, step, last(check, transcript), verdict);
    for (unsigned i = 0; i < sizeof(check->also) / sizeof(check->also[0]); i++) {
        zero_field(&check->also[i], step, last(check, transcript), verdict);
    }
}

void judge_tail(const struct check *check, const struct transcript *transcript,
                struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct answer *answer = last(check, transcript);
    uint32_t end = allocation_of(answer) < answer->length ? allocation_of(answer) : answer->length;
    uint32_t from = answer_length(answer);
    char text[64];

    if (!must_succeed(transcript, step, verdict)) {
        return;
    }
    verdict->hidden = from == 0;
    for (uint32_t i = from; from != 0 && i < end && i < ANSWER_KEPT; i++) {
        if (answer->data[i] != 0) {
            expected(verdict, "bytes %u to %u, behind the answer, are 00", from, end - 1);
            found(verdict, "from byte %u on: %s", i,
                  bytes_text(answer->data + i, end - i, text, sizeof(text)));
            mark(verdict, step, AREA_DATA, i, end - i);
            return;
        }
    }
}

void judge_untouched(const struct check *check, const struct transcript *transcript,
                     struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct answer *answer = last(check, transcript);
    char text[64];

    for (uint32_t i = check->field.offset; i < answer->length && i < ANSWER_KEPT; i++) {
        if (answer->data[i] != POISON) {
            found(verdict, "byte %u was written: %s", i,
                  bytes_text(answer->data + i, answer->length - i, text, sizeof(text)));
            mark(verdict, step, AREA_DATA, i, answer->length - i);
            return;
        }
    }
}

void judge_text(const struct check *check, const struct transcript *transcript,
                struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const uint8_t *bytes = last(check, transcript)->data + check->field.offset;
    char text[64];
    bool good = bytes[0] != ' ';

    if (!must_succeed(transcript, step, verdict)) {
        return;
    }
    for (unsigned i = 0; i < check->field.length; i++) {
        good = good && bytes[i] >= 0x20 && bytes[i] <= 0x7E;
    }
    if (!good) {
        found(verdict, "byte %u: %s", check->field.offset,
              bytes_text(bytes, check->field.length, text, sizeof(text)));
        mark(verdict, step, AREA_DATA, check->field.offset, check->field.length);
    }
}

void judge_same(const struct check *check, const struct transcript *transcript,
                struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct field *field = &check->field;
    const uint8_t *one = transcript->answers[0].data + field->offset,
                  *other = last(check, transcript)->data + field->offset;
    char first[64], second[64];

    if (must_succeed(transcript, 0, verdict) && must_succeed(transcript, step, verdict) &&
        memcmp(one, other, field->length) != 0) {
        found(verdict, "byte %u: %s, and before %s", field->offset,
              bytes_text(other, field->length, second, sizeof(second)),
              bytes_text(one, field->length, first, sizeof(first)));
        mark(verdict, step, AREA_DATA, field->offset, field->length);
    }
}

void judge_sense(const struct check *check, const struct transcript *transcript,
                 struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct answer *answer = last(check, transcript);
    uint32_t code = UINT32_MAX;
    char text[160];

    expected(verdict, "CHECK CONDITION with autosense %02X/%02X/%02X: %s", check->code >> 16,
             check->code >> 8 & 0xFF, check->code & 0xFF, check->expect);
    if ((answer->srb_status & SRB_STATUS_BITS) == SRB_ERROR && answer->scsi_status == SCSI_CHECK &&
        sense_of(answer, &code) && code == check->code) {
        return;
    }
    found(verdict, "%s", outcome_text(answer, text, sizeof(text)));
    mark(verdict, step, AREA_STATUS, 0, 0);
    if (code != UINT32_MAX) {
        mark(verdict, step, AREA_SENSE, 2, 1);
        mark(verdict, step, AREA_SENSE, 12, 2);
    }
}

static void judge_transferred(const struct check *check, const struct transcript *transcript,
                              uint32_t wanted, struct verdict *verdict)
{
    unsigned step = check_steps(check) - 1;
    const struct answer *answer = last(check, transcript);

    expected(verdict, "DataTransferLength %u: %s", wanted, check->expect);
    if (answer->transferred != wanted) {
        found(verdict, "DataTransferLength %u%s", answer->transferred,
              answer->transferred == answer->length ? ", as it was sent" : "");
        mark(verdict, step, AREA_TRANSFERRED, 0, 0);
    }
}

void judge_moved(const struct check *check, const struct transcript *transcript,
                 struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);

    if (!must_succeed(transcript, check_steps(check) - 1, verdict)) {
        return;
    }
    if (answer_length(answer) == 0 || answer_length(answer) > ANSWER_KEPT) {
        verdict->hidden = true; /* Its length fields are wrong, which has its own check. */
        return;
    }
    judge_transferred(check, transcript, moved_by(answer), verdict);
}

void judge_moved_value(const struct check *check, const struct transcript *transcript,
                       struct verdict *verdict)
{
    if (must_succeed(transcript, check_steps(check) - 1, verdict)) {
        judge_transferred(check, transcript, (uint32_t)check->field.value, verdict);
    }
}

void judge_none_moved(const struct check *check, const struct transcript *transcript,
                      struct verdict *verdict)
{
    if (succeeded(last(check, transcript))) {
        verdict->hidden = true; /* That it should have failed has its own check. */
        return;
    }
    judge_transferred(check, transcript, 0, verdict);
}
