/*
 * MODE SENSE(6) and (10): lengths above all. The answer is a header, block descriptors and pages;
 * three length fields have to agree for a host to find its way through it.
 */
#include "tools/probe/families.h"

#define ALL_PAGES             0x3F
#define DBD                   0x08
#define MODE6(page, control)  IN(255, 0x1A, control, page, 0, 255)
#define MODE10(page, control) IN(255, 0x5A, control, page, 0, 0, 0, 0, 0, 255)

static unsigned header_length(const struct answer *answer)
{
    return answer->cdb[0] == 0x1A ? 4 : 8;
}

/** Bytes that the length field announces, itself included. */
static uint32_t announced(const struct answer *answer)
{
    return answer->cdb[0] == 0x1A ? 1u + answer->data[0] : 2u + (uint32_t)be(answer->data, 2);
}

static uint32_t descriptor_length(const struct answer *answer)
{
    return answer->cdb[0] == 0x1A ? answer->data[3] : (uint32_t)be(answer->data + 6, 2);
}

/** Offset of the first page. */
static uint32_t first_page(const struct answer *answer)
{
    return header_length(answer) + descriptor_length(answer);
}

/** Mode Data Length is right when header, descriptors and pages end where it says. */
static void judge_length(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t end = answer_length(answer), size = header_length(answer) / 4;

    if (!must_succeed(transcript, check_steps(check) - 1, verdict)) {
        return;
    }
    expected(verdict,
             "mode data length %u: header, descriptor and pages have %u bytes, and it does not "
             "count its own %s",
             end - size, end, size == 1 ? "one" : "two");
    if (announced(answer) != end) {
        found(verdict, "mode data length %u, %u too %s", announced(answer) - size,
              announced(answer) > end ? announced(answer) - end : end - announced(answer),
              announced(answer) > end ? "many" : "few");
        mark(verdict, check_steps(check) - 1, AREA_DATA, 0, size);
    }
}

/** Ascending page codes; 00h, vendor specific, last (SPC-4 6.13). */
static void judge_page_order(const struct check *check, const struct transcript *transcript,
                             struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t end = answer_length(answer);
    unsigned before = 0;

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    for (uint32_t at = first_page(answer); at + 2 <= end; at += 2u + answer->data[at + 1]) {
        unsigned page = answer->data[at] & 0x3F;

        if (page <= before) {
            found(verdict, "page %02Xh after page %02Xh", page, before);
            mark(verdict, 0, AREA_DATA, at, 1);
            return;
        }
        before = page;
    }
    if (before == 0) {
        found(verdict, "no page at all");
        mark(verdict, 0, AREA_DATA, first_page(answer), 1);
    }
}

/** The page is there, with the length in field.value. */
static void judge_page(const struct check *check, const struct transcript *transcript,
                       struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t at = first_page(answer);
    char text[64];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    if (at + 2 > ANSWER_KEPT || (answer->data[at] & 0x3F) != (answer->cdb[2] & 0x3F) ||
        answer->data[at + 1] != check->field.value) {
        at = at + 2 > ANSWER_KEPT ? 0 : at;
        found(verdict, "byte %u: %s", at, bytes_text(answer->data + at, 2, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, at, 2);
    }
}

/** WCE is the one bit of page 08h that may be changeable, and only if MODE SELECT exists. */
static void judge_changeable(const struct check *check, const struct transcript *transcript,
                             struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint8_t wce = succeeded(&transcript->answers[0]) ? 0x04 : 0;
    uint32_t at = first_page(answer);
    char text[64];

    if (!must_succeed(transcript, 1, verdict)) {
        return;
    }
    if (at + 2u + answer->data[at + 1] > answer->length) {
        verdict->hidden = true;
        return;
    }
    for (uint32_t i = at + 2; i < at + 2u + answer->data[at + 1]; i++) {
        if ((answer->data[i] & ~(i == at + 2 ? wce : 0)) != 0) {
            found(verdict, "byte %u: %s", i,
                  bytes_text(answer->data + i, answer->data[at + 1], text, sizeof(text)));
            mark(verdict, 1, AREA_DATA, i, 1);
            return;
        }
    }
}

/** The block descriptor says what READ CAPACITY says. */
static void judge_descriptor(const struct check *check, const struct transcript *transcript,
                             struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[64];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    expected(verdict, "one descriptor of 8 bytes: %u blocks of %u bytes",
             (unsigned)transcript->blocks, transcript->block_size);
    if (answer->data[3] != 8) {
        found(verdict, "block descriptor length %u", answer->data[3]);
        mark(verdict, 0, AREA_DATA, 3, 1);
    } else if (be(answer->data + 4, 4) != transcript->blocks ||
               be(answer->data + 9, 3) != transcript->block_size) {
        found(verdict, "%s", bytes_text(answer->data + 4, 8, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, 4, 8);
    }
}

static void judge_no_descriptor(const struct check *check, const struct transcript *transcript,
                                struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);

    if (must_succeed(transcript, 0, verdict) && descriptor_length(answer) != 0) {
        found(verdict, "block descriptor length %u", descriptor_length(answer));
        mark(verdict, 0, AREA_DATA, 3, 1);
    }
}

/** DPOFUA says that FUA is understood; then a READ with FUA must be. */
static void judge_dpofua(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    bool claimed = (transcript->answers[0].data[2] & 0x10) != 0;
    bool works = succeeded(last(check, transcript));

    if (must_succeed(transcript, 0, verdict) && claimed != works) {
        found(verdict, "DPOFUA is %u, and a READ with FUA %s", claimed,
              works ? "succeeds" : "fails");
        mark(verdict, 0, AREA_DATA, 2, 1);
    }
}

/** Both forms have the same device-specific parameter. */
static void judge_two_forms(const struct check *check, const struct transcript *transcript,
                            struct verdict *verdict)
{
    uint8_t six = transcript->answers[0].data[2], ten = last(check, transcript)->data[3];

    if (must_succeed(transcript, 0, verdict) && must_succeed(transcript, 1, verdict) &&
        six != ten) {
        found(verdict, "MODE SENSE(6) says %02x, MODE SENSE(10) %02x", six, ten);
        mark(verdict, 0, AREA_DATA, 2, 1);
        mark(verdict, 1, AREA_DATA, 3, 1);
    }
}

/** A page that may or may not exist: itself, or a refusal in due form. */
static void judge_refused_or_page(const struct check *check, const struct transcript *transcript,
                                  struct verdict *verdict)
{
    if (succeeded(last(check, transcript))) {
        judge_page(check, transcript, verdict);
    } else {
        judge_sense(check, transcript, verdict);
    }
}

#define LENGTH(name, cmd, section, where, cdb, reason)                                             \
    {                                                                                              \
        .id = name, .fix = 7, .severity = SEVERITY_ERROR, .bus = where, .command = cmd,            \
        .clause = section, .expect = "a mode data length that does not count itself",              \
        .why = reason, .steps = {cdb}, .judge = judge_length,                                      \
    }

const struct check checks_mode[] = {
    LENGTH("mode6-length", "MODE SENSE(6)", "SPC-4 7.5.5, 6.13", BUS_DISK, MODE6(ALL_PAGES, 0),
           "A host that believes it reads one byte of its own buffer as part of a page."),
    LENGTH(
        "mode6-length-one-page", "MODE SENSE(6)", "SPC-4 7.5.5, 6.13", BUS_DISK, MODE6(0x08, DBD),
        "disk.sys finds the caching page by it, and with it whether the disk has a write cache."),
    LENGTH("mode10-length", "MODE SENSE(10)", "SPC-4 7.5.5, 6.14", BUS_DISK, MODE10(ALL_PAGES, 0),
           "A host that believes it reads two bytes of its own buffer as part of a page."),
    LENGTH("mode10-length-one-page", "MODE SENSE(10)", "SPC-4 7.5.5, 6.14", BUS_DISK,
           MODE10(0x0A, DBD),
           "A host that believes it reads two bytes of its own buffer as part of a page."),
    LENGTH("mode6-length-cdrom", "MODE SENSE(6)", "SPC-4 7.5.5, 6.13", BUS_CDROM,
           MODE6(ALL_PAGES, 0), "cdrom.sys looks for page 2Ah up to this length."),
    LENGTH("mode10-length-cdrom", "MODE SENSE(10)", "SPC-4 7.5.5, 6.14", BUS_CDROM,
           MODE10(0x2A, DBD), "cdrom.sys looks for page 2Ah up to this length."),
    {
        .id = "mode6-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6)",
        .clause = "SPC-4 7.5.5, SBC-3 6.5",
        .expect = "medium type (byte 1), reserved bits of byte 2 and the descriptor's reserved "
                  "byte 8 are 0",
        .why = "Hosts took some medium types for floppy disks.",
        .steps = {MODE6(0x08, 0)},
        .judge = judge_zero,
        .field = {1, 1, 0, 0},
        .also = {{2, 1, 0x6F, 0}, {8, 1, 0, 0}},
    },
    {
        .id = "mode10-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(10)",
        .clause = "SPC-4 7.5.5",
        .expect = "medium type (2), LONGLBA and reserved bytes (4, 5), and the high byte of the "
                  "descriptor "
                  "length (6) are 0",
        .why = "With LONGLBA set by accident the host expects descriptors of 16 bytes.",
        .steps = {MODE10(0x08, 0)},
        .judge = judge_zero,
        .field = {2, 1, 0, 0},
        .also = {{4, 3, 0, 0}},
        .unconditional = true,
    },
    {
        .id = "mode6-page-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6), page 08h",
        .clause = "SBC-3 6.5",
        .expect = "what the caching page does not use is 0: bytes 3 to 19 of the page",
        .why = "RCD set by accident makes the host read everything twice; a cache size by accident "
               "makes no sense.",
        .steps = {MODE6(0x08, DBD)},
        .judge = judge_zero,
        .field = {4 + 3, 17, 0, 0},
    },
    {
        .id = "mode6-tail",
        .severity = SEVERITY_NOTE,
        .command = "MODE SENSE(6)",
        .clause = "SPC-4 4.2.5.6",
        .expect = "the buffer behind the answer is 00",
        .why = "What lies there must not be somebody else's memory.",
        .steps = {MODE6(ALL_PAGES, 0)},
        .judge = judge_tail,
    },
    {
        .id = "mode6-truncated-length",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6)",
        .clause = "SPC-4 4.2.5.6, 6.13",
        .expect = "an allocation length of 4 leaves the header as it is",
        .why = "Hosts ask for the header alone, to learn how much there is.",
        .steps = {MODE6(ALL_PAGES, 0), IN(255, 0x1A, 0, ALL_PAGES, 0, 4)},
        .judge = judge_same,
        .field = {0, 4, 0, 0},
    },
    {
        .id = "mode10-truncated-length",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(10)",
        .clause = "SPC-4 4.2.5.6, 6.14",
        .expect = "an allocation length of 8 leaves the header as it is",
        .why = "Hosts ask for the header alone, to learn how much there is.",
        .steps = {MODE10(ALL_PAGES, 0), IN(255, 0x5A, 0, ALL_PAGES, 0, 0, 0, 0, 0, 8)},
        .judge = judge_same,
        .field = {0, 8, 0, 0},
    },
    {
        .id = "mode6-beyond-allocation",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6)",
        .clause = "SPC-4 4.2.5.6",
        .expect = "an allocation length of 4 moves no more than 4 bytes",
        .why = "The host may have other data behind the 4 bytes that it gave away.",
        .steps = {IN(64, 0x1A, 0, ALL_PAGES, 0, 4)},
        .judge = judge_untouched,
        .field = {4, 0, 0, 0},
    },
    {
        .id = "mode6-short-buffer",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6)",
        .clause = "SPC-4 4.2.5.6, WDK SCSI_REQUEST_BLOCK",
        .expect = "a buffer of 4 bytes gets 4 bytes, whatever the allocation length says",
        .why = "The rest would be written over other memory.",
        .steps = {MODE6(ALL_PAGES, 0), IN(4, 0x1A, 0, ALL_PAGES, 0, 192)},
        .judge = judge_same,
        .field = {0, 4, 0, 0},
    },
    {
        .id = "mode6-allocation-0",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6)",
        .clause = "SPC-4 4.2.5.6, 6.13",
        .expect = "an allocation length of 0 is no error",
        .why = "Test programs send it.",
        .steps = {IN(64, 0x1A, 0, ALL_PAGES, 0, 0)},
        .judge = judge_success,
    },
    {
        .id = "mode6-descriptor",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6)",
        .clause = "SBC-3 6.5",
        .expect = "one block descriptor",
        .why = "Old hosts take the block size from here.",
        .steps = {MODE6(0x08, 0)},
        .judge = judge_descriptor,
    },
    {
        .id = "mode6-dbd",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6)",
        .clause = "SPC-4 6.13",
        .expect = "no block descriptor when DBD is 1",
        .why = "Hosts look for the page right behind the header.",
        .steps = {MODE6(0x08, DBD)},
        .judge = judge_no_descriptor,
    },
    {
        .id = "mode6-page-order",
        .severity = SEVERITY_WARNING,
        .command = "MODE SENSE(6), page 3Fh",
        .clause = "SPC-4 6.13",
        .expect = "all pages, in ascending order",
        .why = "A host that looks for one page stops at the first higher one.",
        .steps = {MODE6(ALL_PAGES, 0)},
        .judge = judge_page_order,
    },
    {
        .id = "mode6-page-order-cdrom",
        .severity = SEVERITY_WARNING,
        .bus = BUS_CDROM,
        .command = "MODE SENSE(6), page 3Fh",
        .clause = "SPC-4 6.13",
        .expect = "all pages, in ascending order",
        .why = "A host that looks for one page stops at the first higher one.",
        .steps = {MODE6(ALL_PAGES, 0)},
        .judge = judge_page_order,
    },
    {
        .id = "mode6-caching-page",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6), page 08h",
        .clause = "SBC-3 6.5",
        .expect = "page code 08, page length 12h",
        .why = "disk.sys does not use a page of another length, and then never flushes.",
        .steps = {MODE6(0x08, 0)},
        .judge = judge_page,
        .field = {0, 0, 0, 0x12},
    },
    {
        .id = "mode6-control-page",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6), page 0Ah",
        .clause = "SPC-4 7.5.8",
        .expect = "page code 0A, page length 0Ah",
        .why = "It says which format sense data have.",
        .steps = {MODE6(0x0A, DBD)},
        .judge = judge_page,
        .field = {0, 0, 0, 0x0A},
    },
    {
        .id = "mode10-caching-page",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(10), page 08h",
        .clause = "SBC-3 6.5",
        .expect = "page code 08, page length 12h",
        .why = "The page is one and the same, whichever command fetches it.",
        .steps = {MODE10(0x08, DBD)},
        .judge = judge_page,
        .field = {0, 0, 0, 0x12},
    },
    {
        .id = "mode10-capabilities-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "MODE SENSE(10), page 2Ah",
        .clause = "MMC-3 5.5",
        .expect = "page code 2A, page length 16h",
        .why = "cdrom.sys learns from it what the drive can do.",
        .steps = {MODE10(0x2A, DBD)},
        .judge = judge_page,
        .field = {0, 0, 0, 0x16},
    },
    {
        .id = "mode6-changeable",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6), page 08h, changeable values",
        .clause = "SPC-4 6.13, 7.5.7",
        .expect = "the mask of changeable bits holds WCE at most, and nothing where MODE SELECT "
                  "does not exist",
        .why = "disk.sys offers to switch the write cache off when the mask says that it can be.",
        .steps = {OUT(4, 0, 0x15, 0x10, 0, 0, 4), MODE6(0x40 | 0x08, DBD)},
        .judge = judge_changeable,
    },
    {
        .id = "mode6-saved",
        .severity = SEVERITY_WARNING,
        .command = "MODE SENSE(6), page 08h, saved values",
        .clause = "SPC-4 6.13",
        .expect =
            "saved values, which there are not, are refused as SAVING PARAMETERS NOT SUPPORTED",
        .why = "Current values in their place would be taken for those after a restart.",
        .steps = {MODE6(0xC0 | 0x08, DBD)},
        .judge = judge_sense,
        .code = 0x053900,
    },
    {
        .id = "mode6-unsupported-page",
        .severity = SEVERITY_ERROR,
        .command = "MODE SENSE(6), page 3Eh",
        .clause = "SPC-4 6.13",
        .expect = "a page that does not exist is refused",
        .why = "A host that gets a header without a page reads on behind it.",
        .steps = {MODE6(0x3E, DBD)},
        .judge = judge_refused_or_page,
        .code = 0x052400,
        .field = {0, 0, 0, 0x0A},
    },
    {
        .id = "mode6-subpage",
        .severity = SEVERITY_WARNING,
        .command = "MODE SENSE(6), page 08h, subpage 05h",
        .clause = "SPC-4 6.13",
        .expect = "a subpage that does not exist is refused",
        .why = "The page in its place has another format.",
        .steps = {IN(255, 0x1A, DBD, 0x08, 0x05, 255)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "mode6-write-protect",
        .severity = SEVERITY_ERROR,
        .bus = BUS_READ_ONLY,
        .command = "MODE SENSE(6)",
        .clause = "SBC-3 6.5",
        .expect = "byte 2, bit 7 (WP) is 1: writes are refused",
        .why = "Without it Windows mounts the volume for writing, and loses what it caches.",
        .steps = {MODE6(ALL_PAGES, 0)},
        .judge = judge_value,
        .field = {2, 1, 0x80, 0x80},
    },
    {
        .id = "mode6-writable",
        .severity = SEVERITY_ERROR,
        .writes = true,
        .command = "MODE SENSE(6)",
        .clause = "SBC-3 6.5",
        .expect = "byte 2, bit 7 (WP) is 0: it can be written",
        .why = "With it Windows mounts the volume read-only.",
        .steps = {MODE6(ALL_PAGES, 0)},
        .judge = judge_value,
        .field = {2, 1, 0x80, 0x00},
    },
    {
        .id = "mode6-dpofua",
        .severity = SEVERITY_WARNING,
        .command = "MODE SENSE(6)",
        .clause = "SBC-3 6.5",
        .expect = "byte 2, bit 4 (DPOFUA) is 1 exactly when a READ(10) with FUA succeeds",
        .why = "Windows writes its journals with FUA only where this bit is set.",
        .steps = {MODE6(ALL_PAGES, 0), IN(512, 0x28, 0x08, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_dpofua,
    },
    {
        .id = "mode10-two-forms",
        .severity = SEVERITY_WARNING,
        .command = "MODE SENSE(10)",
        .clause = "SPC-4 7.5.5",
        .expect = "the device-specific parameter of MODE SENSE(6)",
        .why = "Which form a host uses must not decide whether the disk is write protected.",
        .steps = {MODE6(ALL_PAGES, 0), MODE10(ALL_PAGES, 0)},
        .judge = judge_two_forms,
    },
};
const unsigned checks_mode_count = sizeof(checks_mode) / sizeof(checks_mode[0]);
