/*
 * READ, WRITE, VERIFY: do the right bytes move? And do no bytes move that must not?
 */
#include "tools/probe/families.h"

#include <string.h>

#define BLOCK          512
#define READ10(blocks) IN((blocks)*BLOCK, 0x28, 0, 0, 0, 0, 0, 0, 0, blocks)
#define WRITE10(byte)  OUT(BLOCK, byte, 0x2A, 0, 0, 0, 0, 2, 0, 0, 1)
#define LBA_2          0x28, 0, 0, 0, 0, 2, 0, 0, 1

/** The last answer holds the beginning of the image. */
static void judge_image(const struct check *check, const struct transcript *transcript,
                        struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t size = answer->length < IMAGE_KEPT ? answer->length : IMAGE_KEPT;
    char text[64];

    if (!must_succeed(transcript, check_steps(check) - 1, verdict)) {
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        if (answer->data[i] != transcript->image[i]) {
            found(verdict, "byte %u: %s", i,
                  bytes_text(answer->data + i, size - i, text, sizeof(text)));
            mark(verdict, check_steps(check) - 1, AREA_DATA, i, size - i > 16 ? 16 : size - i);
            return;
        }
    }
}

/** The last answer is a block that holds nothing but the byte in field.value. */
static void judge_filled(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[64];

    for (unsigned step = 0; step < check_steps(check); step++) {
        if (!must_succeed(transcript, step, verdict)) {
            return;
        }
    }
    for (uint32_t i = 0; i < answer->length && i < ANSWER_KEPT; i++) {
        if (answer->data[i] != check->field.value) {
            found(verdict, "byte %u: %s", i,
                  bytes_text(answer->data + i, answer->length - i, text, sizeof(text)));
            mark(verdict, check_steps(check) - 1, AREA_DATA, i, 16);
            return;
        }
    }
}

/** The first and the last command read the same; what was between has changed nothing. */
static void judge_unchanged(const struct check *check, const struct transcript *transcript,
                            struct verdict *verdict)
{
    const struct answer *before = &transcript->answers[0], *after = last(check, transcript);
    uint32_t size = before->length < ANSWER_KEPT ? before->length : ANSWER_KEPT;
    unsigned step = check_steps(check) - 1;
    char text[64];

    if (!must_succeed(transcript, 0, verdict) || !must_succeed(transcript, step, verdict)) {
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        if (before->data[i] != after->data[i]) {
            found(verdict, "byte %u is now %s", i,
                  bytes_text(after->data + i, size - i, text, sizeof(text)));
            mark(verdict, step, AREA_DATA, i, size - i > 16 ? 16 : size - i);
            return;
        }
    }
}

const struct check checks_blocks[] = {
    {
        .id = "read10-data",
        .severity = SEVERITY_ERROR,
        .command = "READ(10)",
        .clause = "SBC-3 5.11",
        .expect = "the bytes of the image",
        .why = "Nothing else matters if this is wrong.",
        .steps = {READ10(8)},
        .judge = judge_image,
    },
    {
        .id = "read6-data",
        .severity = SEVERITY_ERROR,
        .command = "READ(6)",
        .clause = "SBC-3 5.10",
        .expect = "the bytes of the image; a transfer length of 0 means 256 blocks",
        .why = "Boot loaders still use it.",
        .steps = {IN(256 * BLOCK, 0x08)},
        .judge = judge_image,
    },
    {
        .id = "read12-data",
        .severity = SEVERITY_ERROR,
        .command = "READ(12)",
        .clause = "SBC-3 5.12",
        .expect = "the bytes of the image",
        .why = "The four forms of READ must read the same.",
        .steps = {IN(8 * BLOCK, 0xA8, 0, 0, 0, 0, 0, 0, 0, 0, 8)},
        .judge = judge_image,
    },
    {
        .id = "read16-data",
        .severity = SEVERITY_ERROR,
        .command = "READ(16)",
        .clause = "SBC-3 5.13",
        .expect = "the bytes of the image",
        .why = "The four forms of READ must read the same.",
        .steps = {IN(8 * BLOCK, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8)},
        .judge = judge_image,
    },
    {
        .id = "read10-data-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ(10)",
        .clause = "MMC-6 6.14",
        .expect = "the bytes of the image, in blocks of 2048 bytes",
        .why = "Nothing else matters if this is wrong.",
        .steps = {IN(4096, 0x28, 0, 0, 0, 0, 0, 0, 0, 2)},
        .judge = judge_image,
    },
    {
        .id = "write10-read10",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "WRITE(10), READ(10)",
        .clause = "SBC-3 5.33",
        .expect = "what was written is what is read",
        .why = "Nothing else matters if this is wrong.",
        .steps = {WRITE10(0xC3), IN(BLOCK, LBA_2)},
        .judge = judge_filled,
        .field = {0, 0, 0, 0xC3},
    },
    {
        .id = "write16-fua",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "WRITE(16) with FUA, READ(10)",
        .clause = "SBC-3 5.35",
        .expect = "what was written is what is read",
        .why = "Journals are written so.",
        .steps = {OUT(BLOCK, 0x3C, 0x8A, 0x08, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1),
                  IN(BLOCK, LBA_2)},
        .judge = judge_filled,
        .field = {0, 0, 0, 0x3C},
    },
    {
        .id = "read10-none",
        .severity = SEVERITY_ERROR,
        .command = "READ(10), 0 blocks",
        .clause = "SBC-3 5.11",
        .expect = "a transfer length of 0 is no error",
        .why = "Class drivers that cap their transfers have sent it.",
        .steps = {IN(BLOCK, 0x28)},
        .judge = judge_success,
    },
    {
        .id = "read10-none-untouched",
        .severity = SEVERITY_ERROR,
        .command = "READ(10), 0 blocks",
        .clause = "SBC-3 5.11",
        .expect = "a transfer length of 0 moves nothing",
        .why = "For READ(6) 0 means 256; who forgets the difference overruns the buffer.",
        .steps = {IN(BLOCK, 0x28)},
        .judge = judge_untouched,
    },
    {
        .id = "write10-none",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "WRITE(10), 0 blocks",
        .clause = "SBC-3 5.33",
        .expect = "a transfer length of 0 writes nothing",
        .why = "For WRITE(6) 0 means 256.",
        .steps = {IN(BLOCK, LBA_2), OUT(BLOCK, 0xC3, 0x2A, 0, 0, 0, 0, 2), IN(BLOCK, LBA_2)},
        .judge = judge_unchanged,
    },
    {
        .id = "verify10-none",
        .severity = SEVERITY_WARNING,
        .command = "VERIFY(10), 0 blocks",
        .clause = "SBC-3 5.29",
        .expect = "a verification length of 0 is no error",
        .why = "The conformance suite sends it.",
        .steps = {SEND(0x2F)},
        .judge = judge_success,
    },
    {
        .id = "read10-short-buffer",
        .fix = 4,
        .severity = SEVERITY_ERROR,
        .command = "READ(10), 8 blocks into a buffer of one",
        .clause = "WDK SCSI_REQUEST_BLOCK, DataTransferLength; SPC-4 4.2.5.5",
        .expect = "a CDB that wants more than the buffer holds is an invalid request, refused "
                  "before a byte moves",
        .why = "The other seven blocks would be written over whatever lies behind the buffer.",
        .steps = {IN(BLOCK, 0x28, 0, 0, 0, 0, 0, 0, 0, 8)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "read16-short-buffer",
        .fix = 4,
        .severity = SEVERITY_ERROR,
        .command = "READ(16), 8 blocks into a buffer of one",
        .clause = "WDK SCSI_REQUEST_BLOCK, DataTransferLength; SPC-4 4.2.5.5",
        .expect = "a CDB that wants more than the buffer holds is an invalid request, refused "
                  "before a byte moves",
        .why = "The other seven blocks would be written over whatever lies behind the buffer.",
        .steps = {IN(BLOCK, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "read10-short-buffer-cdrom",
        .fix = 4,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ(10), 2 blocks into a buffer of one",
        .clause = "WDK SCSI_REQUEST_BLOCK, DataTransferLength; SPC-4 4.2.5.5",
        .expect = "a CDB that wants more than the buffer holds is an invalid request, refused "
                  "before a byte moves",
        .why = "The other block would be written over whatever lies behind the buffer.",
        .steps = {IN(2048, 0x28, 0, 0, 0, 0, 0, 0, 0, 2)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "write10-short-buffer",
        .fix = 4,
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "WRITE(10), 8 blocks from a buffer of one",
        .clause = "WDK SCSI_REQUEST_BLOCK, DataTransferLength; SPC-4 4.2.5.5",
        .expect = "a CDB that wants more than the buffer holds is an invalid request, refused "
                  "before a byte moves",
        .why = "Seven blocks of somebody else's memory would go to the disk.",
        .steps = {OUT(BLOCK, 0xC3, 0x2A, 0, 0, 0, 0, 2, 0, 0, 8)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "verify10-short-buffer",
        .fix = 4,
        .severity = SEVERITY_ERROR,
        .command = "VERIFY(10), 8 blocks with a buffer of one",
        .clause = "WDK SCSI_REQUEST_BLOCK, DataTransferLength; SPC-4 4.2.5.5",
        .expect = "a CDB that wants more than the buffer holds is an invalid request, refused "
                  "before a byte moves",
        .why = "The comparison would read on behind the buffer.",
        .steps = {OUT(BLOCK, 0, 0x2F, 0x02, 0, 0, 0, 0, 0, 0, 8)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "write10-beyond-unchanged",
        .fix = 15,
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "WRITE(10), one block of two beyond the end",
        .clause = "SBC-3 4.5, 5.33",
        .expect = "a write that is refused changes nothing",
        .why = "Half a write is what nobody expects after an error.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = BLOCK,
                   .lba = LBA_LAST},
                  {.cdb = {0x2A, 0, 0, 0, 0, 0, 0, 0, 2},
                   .direction = HOST_DATA_OUT,
                   .length = 2 * BLOCK,
                   .fill = 0xC3,
                   .lba = LBA_LAST},
                  {.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = BLOCK,
                   .lba = LBA_LAST}},
        .judge = judge_unchanged,
    },
    {
        .id = "read10-beyond-untouched",
        .fix = 15,
        .severity = SEVERITY_ERROR,
        .command = "READ(10), one block of two beyond the end",
        .clause = "SBC-3 4.5, 5.11",
        .expect = "a read that is refused moves nothing",
        .why = "A program that overlooks the status works with half of the data.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 2},
                   .direction = HOST_DATA_IN,
                   .length = 2 * BLOCK,
                   .lba = LBA_LAST}},
        .judge = judge_untouched,
    },
    {
        .id = "read10-rdprotect",
        .severity = SEVERITY_WARNING,
        .command = "READ(10), RDPROTECT = 1",
        .clause = "SBC-3 5.11",
        .expect = "protection information, which there is none of, is refused",
        .why = "The host would wait for 8 more bytes with every block.",
        .steps = {IN(BLOCK, 0x28, 0x20, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "write10-wrprotect",
        .severity = SEVERITY_WARNING,
        .writes = true,
        .command = "WRITE(10), WRPROTECT = 1",
        .clause = "SBC-3 5.33",
        .expect = "protection information, which there is none of, is refused",
        .why = "Its 8 bytes with every block would be written as data.",
        .steps = {OUT(BLOCK, 0xC3, 0x2A, 0x20, 0, 0, 0, 2, 0, 0, 1)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "verify10-same",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "WRITE(10), VERIFY(10) with BYTCHK = 1",
        .clause = "SBC-3 5.29",
        .expect = "blocks that are equal verify",
        .why = "Backup software would call good copies bad.",
        .steps = {WRITE10(0xC3), OUT(BLOCK, 0xC3, 0x2F, 0x02, 0, 0, 0, 2, 0, 0, 1)},
        .judge = judge_success,
    },
    {
        .id = "verify10-differs",
        .severity = SEVERITY_ERROR,
        .command = "VERIFY(10) with BYTCHK = 1",
        .clause = "SBC-3 5.29",
        .expect = "blocks that differ are a miscompare",
        .why = "Backup software would call bad copies good.",
        .steps = {OUT(BLOCK, 0xC3, 0x2F, 0x02, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_sense,
        .code = 0x0E1D00,
    },
    {
        .id = "write10-read-only",
        .severity = SEVERITY_ERROR,
        .bus = BUS_READ_ONLY,
        .command = "WRITE(10)",
        .clause = "SBC-3 4.12",
        .expect = "a disk that is write protected says so",
        .why =
            "Windows shows \"write protected\" for this code and an unknown error for all others.",
        .steps = {WRITE10(0xC3)},
        .judge = judge_sense,
        .code = 0x072700,
    },
    {
        .id = "write6-read-only",
        .severity = SEVERITY_ERROR,
        .bus = BUS_READ_ONLY,
        .command = "WRITE(6)",
        .clause = "SBC-3 4.12",
        .expect = "a disk that is write protected says so",
        .why = "One form of WRITE that is forgotten is enough to change the image.",
        .steps = {OUT(BLOCK, 0xC3, 0x0A, 0, 0, 0, 1)},
        .judge = judge_sense,
        .code = 0x072700,
    },
    {
        .id = "write12-read-only",
        .severity = SEVERITY_ERROR,
        .bus = BUS_READ_ONLY,
        .command = "WRITE(12)",
        .clause = "SBC-3 4.12",
        .expect = "a disk that is write protected says so",
        .why = "One form of WRITE that is forgotten is enough to change the image.",
        .steps = {OUT(BLOCK, 0xC3, 0xAA, 0, 0, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_sense,
        .code = 0x072700,
    },
    {
        .id = "write16-read-only",
        .severity = SEVERITY_ERROR,
        .bus = BUS_READ_ONLY,
        .command = "WRITE(16)",
        .clause = "SBC-3 4.12",
        .expect = "a disk that is write protected says so",
        .why = "One form of WRITE that is forgotten is enough to change the image.",
        .steps = {OUT(BLOCK, 0xC3, 0x8A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_sense,
        .code = 0x072700,
    },
    {
        .id = "write10-read-only-unchanged",
        .severity = SEVERITY_ERROR,
        .bus = BUS_READ_ONLY,
        .command = "WRITE(10)",
        .clause = "SBC-3 4.12",
        .expect = "a write that is refused changes nothing",
        .why = "Somebody asked for the image to stay as it is.",
        .steps = {IN(BLOCK, LBA_2), WRITE10(0x3C), IN(BLOCK, LBA_2)},
        .judge = judge_unchanged,
    },
    {
        .id = "sync10",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "SYNCHRONIZE CACHE(10)",
        .clause = "SBC-3 5.26",
        .expect = "success: LBA 0 and 0 blocks mean the whole disk",
        .why = "Windows sends it at every flush; a disk that lacks it loses what it caches.",
        .steps = {SEND(0x35)},
        .judge = judge_success,
    },
    {
        .id = "sync16",
        .severity = SEVERITY_WARNING,
        .writes = true,
        .command = "SYNCHRONIZE CACHE(16)",
        .clause = "SBC-3 5.27",
        .expect = "success: LBA 0 and 0 blocks mean the whole disk",
        .why = "Large disks are flushed with this form.",
        .steps = {SEND(0x91)},
        .judge = judge_success,
    },
};
const unsigned checks_blocks_count = sizeof(checks_blocks) / sizeof(checks_blocks[0]);
