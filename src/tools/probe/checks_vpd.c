/*
 * Vital product data: INQUIRY with EVPD = 1. By these pages Windows tells disks apart and learns
 * what it may send.
 *
 * A driver that ignores EVPD answers all of them with standard data. That is one fault, found by
 * the checks that are marked `unconditional`; the others do not judge bytes that are no page at
 * all.
 */
#include "tools/probe/families.h"

#include <string.h>

#define PAGE(page)             IN(255, 0x12, 1, page, 0, 255)
#define LONGEST_LIST           251u
#define DESIGNATOR_HEADER      4u
#define DESIGNATOR_ASSOCIATION 0x30
#define DESIGNATOR_TYPE        0x0F
#define DESIGNATOR_T10         1
#define DESIGNATOR_EUI         2
#define DESIGNATOR_NAA         3
#define CODE_SET_BINARY        1

/** The page that was asked for, and a length that can be. */
static void judge_page(const struct check *check, const struct transcript *transcript,
                       struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    char text[64];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    expected(verdict,
             "byte 1 is %02X, the page that was asked for, and bytes 2 and 3 are its length",
             answer->cdb[2]);
    if (answer->data[1] != answer->cdb[2] || be(answer->data + 2, 2) > LONGEST_LIST) {
        found(verdict, "%s", bytes_text(answer->data, 4, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, 1, 3);
    }
}

static void judge_list_order(const struct check *check, const struct transcript *transcript,
                             struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    unsigned length = (unsigned)be(answer->data + 2, 2);
    char text[64];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    for (unsigned i = 0; i < length; i++) {
        if (i == 0 ? answer->data[4] != 0 : answer->data[4 + i] <= answer->data[3 + i]) {
            found(verdict, "%s", bytes_text(answer->data + 4, length, text, sizeof(text)));
            mark(verdict, 0, AREA_DATA, 4 + i, 1);
            return;
        }
    }
    if (length == 0) {
        found(verdict, "an empty list");
        mark(verdict, 0, AREA_DATA, 2, 2);
    }
}

static bool is_listed(const struct answer *list, uint8_t page)
{
    return memchr(list->data + 4, page, (size_t)be(list->data + 2, 2)) != NULL;
}

/** Listed pages are answered, and only they. */
static void judge_listed(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *list = &transcript->answers[0];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    for (unsigned i = 1; i < check_steps(check); i++) {
        const struct answer *answer = &transcript->answers[i];
        uint8_t page = answer->cdb[2];

        if (is_listed(list, page) != succeeded(answer)) {
            found(verdict, "page %02Xh is %s and %s", page,
                  is_listed(list, page) ? "listed" : "not listed",
                  succeeded(answer) ? "answered" : "refused");
            mark(verdict, i, AREA_STATUS, 0, 0);
        }
    }
}

static void judge_serial(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    unsigned length = (unsigned)be(answer->data + 2, 2);
    char text[64];
    bool good = length != 0;

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    for (unsigned i = 0; i < length; i++) {
        good = good && answer->data[4 + i] >= 0x20 && answer->data[4 + i] <= 0x7E;
    }
    if (!good) {
        found(verdict, "length %u: %s", length,
              bytes_text(answer->data + 4, length, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, 2, 2 + length);
    }
}

/** Walks page 83h. \return the offset of the first designator of this type that names the unit;
 *  0: none; the offset at which the walk ended is in *end. */
static uint32_t find_designator(const struct answer *answer, uint8_t type, uint32_t *end)
{
    uint32_t length = 4 + (uint32_t)be(answer->data + 2, 2), at = 4, found_at = 0;

    while (at + DESIGNATOR_HEADER <= length) {
        uint8_t kind = answer->data[at + 1];

        if ((kind & DESIGNATOR_TYPE) == type && (kind & DESIGNATOR_ASSOCIATION) == 0 &&
            found_at == 0) {
            found_at = at;
        }
        at += DESIGNATOR_HEADER + answer->data[at + 3];
    }
    *end = at;
    return found_at;
}

static void judge_designators(const struct check *check, const struct transcript *transcript,
                              struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t length = 4 + (uint32_t)be(answer->data + 2, 2), end;

    if (must_succeed(transcript, 0, verdict)) {
        find_designator(answer, DESIGNATOR_NAA, &end);
        if (end != length || length == 4) {
            found(verdict, "page length %u, but the designators end at byte %u", length - 4, end);
            mark(verdict, 0, AREA_DATA, 2, 2);
        }
    }
}

static void judge_naa(const struct check *check, const struct transcript *transcript,
                      struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t end, at;

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    at = find_designator(answer, DESIGNATOR_NAA, &end);
    at = at != 0 ? at : find_designator(answer, DESIGNATOR_EUI, &end);
    if (at == 0) {
        found(verdict, "no NAA and no EUI-64 designator of the logical unit");
        mark(verdict, 0, AREA_DATA, 4, end - 4);
    } else if ((answer->data[at] & 0x0F) != CODE_SET_BINARY ||
               (answer->data[at + 3] != 8 && answer->data[at + 3] != 16)) {
        found(verdict, "code set %u, length %u", answer->data[at] & 0x0Fu, answer->data[at + 3]);
        mark(verdict, 0, AREA_DATA, at, DESIGNATOR_HEADER);
    }
}

static void judge_t10(const struct check *check, const struct transcript *transcript,
                      struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    const uint8_t *vendor = transcript->answers[0].data + 8;
    uint32_t end, at;
    char text[64];

    if (!must_succeed(transcript, 0, verdict) || !must_succeed(transcript, 1, verdict)) {
        return;
    }
    at = find_designator(answer, DESIGNATOR_T10, &end);
    if (at == 0) {
        found(verdict, "no T10 vendor id designator of the logical unit");
        mark(verdict, 1, AREA_DATA, 4, end - 4);
    } else if (memcmp(answer->data + at + DESIGNATOR_HEADER, vendor, 8) != 0) {
        found(verdict, "%s",
              bytes_text(answer->data + at + DESIGNATOR_HEADER, 8, text, sizeof(text)));
        mark(verdict, 1, AREA_DATA, at + DESIGNATOR_HEADER, 8);
    }
}

/** Two units: what they say of themselves must differ. */
static void judge_differ(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *one = &transcript->answers[0], *other = last(check, transcript);
    uint32_t length = answer_length(one);

    if (must_succeed(transcript, 0, verdict) && must_succeed(transcript, 1, verdict) &&
        length == answer_length(other) && length <= ANSWER_KEPT &&
        memcmp(one->data, other->data, length) == 0) {
        found(verdict, "the same %u bytes from both", length);
        mark(verdict, 1, AREA_DATA, 4, length - 4);
    }
}

static void judge_rotation(const struct check *check, const struct transcript *transcript,
                           struct verdict *verdict)
{
    uint64_t rate = be(last(check, transcript)->data + 4, 2);

    if (must_succeed(transcript, 0, verdict) &&
        !(rate <= 1 || (rate >= 0x0401 && rate <= 0xFFFE))) {
        found(verdict, "bytes 4 and 5: %04x", (unsigned)rate);
        mark(verdict, 0, AREA_DATA, 4, 2);
    }
}

/** VPD says whether UNMAP exists; READ CAPACITY(16) says so too. */
static void judge_provisioning(const struct check *check, const struct transcript *transcript,
                               struct verdict *verdict)
{
    const struct answer *page = &transcript->answers[0], *capacity = last(check, transcript);
    bool unmap = (page->data[5] & 0x80) != 0, managed = (capacity->data[14] & 0x80) != 0;

    if (!must_succeed(transcript, 0, verdict) || !must_succeed(transcript, 1, verdict)) {
        return;
    }
    if (be(capacity->data + 16, 8) != 0) {
        verdict->hidden = true; /* What is not written there is judged elsewhere. */
    } else if (unmap && !managed) {
        found(verdict, "LBPU is 1 and LBPME is 0");
        mark(verdict, 0, AREA_DATA, 5, 1);
        mark(verdict, 1, AREA_DATA, 14, 1);
    }
}

/** A limit that is stated must be one that can be lived with. */
static void judge_maximum(const struct check *check, const struct transcript *transcript,
                          struct verdict *verdict)
{
    const struct answer *page = last(check, transcript);
    uint64_t maximum = be(page->data + 8, 4);

    if (must_succeed(transcript, 0, verdict) && maximum != 0 &&
        maximum * transcript->block_size < 65536) {
        found(verdict, "bytes 8 to 11: %u blocks", (unsigned)maximum);
        mark(verdict, 0, AREA_DATA, 8, 4);
    }
}

#define ANSWERED(name, page, where, reason)                                                        \
    {                                                                                              \
        .id = name, .fix = 6, .severity = SEVERITY_ERROR, .bus = where,                            \
        .command = "INQUIRY, VPD page " #page, .clause = "SPC-4 6.6.1, 7.8.1",                     \
        .expect = "the page", .why = reason, .steps = {PAGE(page)}, .judge = judge_page,           \
        .unconditional = true,                                                                     \
    }

const struct check checks_vpd[] = {
    ANSWERED("vpd-00-page", 0x00, BUS_DISK,
             "Standard data read as a list of pages name pages that do not exist; classpnp then "
             "asks for them."),
    ANSWERED("vpd-80-page", 0x80, BUS_DISK,
             "Standard data read as a serial number are the same for every disk."),
    ANSWERED("vpd-83-page", 0x83, BUS_DISK,
             "Storport tells disks apart by this page: two that look alike become one."),
    ANSWERED("vpd-b0-page", 0xB0, BUS_DISK,
             "classpnp would take letters of the vendor's name for the limits of a transfer."),
    ANSWERED("vpd-b1-page", 0xB1, BUS_DISK,
             "Windows decides by it whether to defragment the disk."),
    ANSWERED("vpd-b2-page", 0xB2, BUS_DISK, "Windows decides by it whether to send UNMAP."),
    ANSWERED("vpd-80-page-cdrom", 0x80, BUS_CDROM,
             "Standard data read as a serial number are the same for every drive."),
    ANSWERED("vpd-83-page-cdrom", 0x83, BUS_CDROM, "Storport tells drives apart by this page."),
    {
        .id = "vpd-unsupported",
        .fix = 6,
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page C5h",
        .clause = "SPC-4 6.6.1",
        .expect = "a page that does not exist is refused",
        .why = "Whoever gets standard data instead parses them as the page.",
        .steps = {PAGE(0xC5)},
        .judge = judge_sense,
        .code = 0x052400,
        .unconditional = true,
    },
    {
        .id = "vpd-b0-cdrom",
        .fix = 6,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY, VPD page B0h",
        .clause = "SPC-4 6.6.1",
        .expect = "a CD-ROM has no block limits page",
        .why = "Pages B0h to BFh mean other things for other device types.",
        .steps = {PAGE(0xB0)},
        .judge = judge_sense,
        .code = 0x052400,
        .unconditional = true,
    },
    {
        .id = "vpd-00-order",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page 00h",
        .clause = "SPC-4 7.8",
        .expect = "the list begins with 00h and ascends",
        .why = "classpnp stops at the first page that is out of order, and uses none of them.",
        .steps = {PAGE(0x00)},
        .judge = judge_list_order,
    },
    {
        .id = "vpd-00-order-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY, VPD page 00h",
        .clause = "SPC-4 7.8",
        .expect = "the list begins with 00h and ascends",
        .why = "classpnp stops at the first page that is out of order, and uses none of them.",
        .steps = {PAGE(0x00)},
        .judge = judge_list_order,
    },
    {
        .id = "vpd-00-complete",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page 00h",
        .clause = "SPC-4 7.8",
        .expect = "every page in the list is answered, and no other",
        .why = "A listed page that fails costs retries at every start; one that is not listed is "
               "never asked for.",
        .steps = {PAGE(0x00), PAGE(0x80), PAGE(0x83), PAGE(0x86), PAGE(0x8F), PAGE(0xB0),
                  PAGE(0xB1), PAGE(0xB2)},
        .judge = judge_listed,
    },
    {
        .id = "vpd-00-complete-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY, VPD page 00h",
        .clause = "SPC-4 7.8",
        .expect = "every page in the list is answered, and no other",
        .why = "A listed page that fails costs retries at every start.",
        .steps = {PAGE(0x00), PAGE(0x80), PAGE(0x83), PAGE(0x86), PAGE(0x8F), PAGE(0xB0),
                  PAGE(0xB1), PAGE(0xB2)},
        .judge = judge_listed,
    },
    {
        .id = "vpd-80-serial",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page 80h",
        .clause = "SPC-4 7.8",
        .expect = "a serial number of printable ASCII, as long as the page length says",
        .why = "Backup and cluster software knows disks by it.",
        .steps = {PAGE(0x80)},
        .judge = judge_serial,
    },
    {
        .id = "vpd-80-unique",
        .severity = SEVERITY_ERROR,
        .bus = BUS_TWO,
        .command = "INQUIRY, VPD page 80h",
        .clause = "SPC-4 7.8",
        .expect = "two disks have two serial numbers",
        .why = "MPIO joins disks with the same number into one, and writes to either.",
        .steps =
            {PAGE(0x80),
             {.cdb = {0x12, 1, 0x80, 0, 255}, .direction = HOST_DATA_IN, .length = 255, .lun = 5}},
        .judge = judge_differ,
    },
    {
        .id = "vpd-83-length",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page 83h",
        .clause = "SPC-4 7.8.6",
        .expect = "the designators fill the page exactly",
        .why = "A parser runs over the end, or never finds the last one.",
        .steps = {PAGE(0x83)},
        .judge = judge_designators,
    },
    {
        .id = "vpd-83-naa",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page 83h",
        .clause = "SPC-4 7.8.6.2",
        .expect = "an NAA or EUI-64 designator of the logical unit, binary, 8 or 16 bytes",
        .why = "Windows' storage spaces, clusters and MPIO need a world wide unique name.",
        .steps = {PAGE(0x83)},
        .judge = judge_naa,
    },
    {
        .id = "vpd-83-t10",
        .severity = SEVERITY_WARNING,
        .command = "INQUIRY, VPD page 83h",
        .clause = "SPC-4 7.8.6",
        .expect = "a T10 vendor id designator that begins with INQUIRY's vendor identification",
        .why = "Tools for people show this one.",
        .steps = {IN(36, 0x12, 0, 0, 0, 36), PAGE(0x83)},
        .judge = judge_t10,
    },
    {
        .id = "vpd-83-unique",
        .severity = SEVERITY_ERROR,
        .bus = BUS_TWO,
        .command = "INQUIRY, VPD page 83h",
        .clause = "SPC-4 7.8.6.2",
        .expect = "two disks have two identities",
        .why = "MPIO joins disks with the same name into one, and writes to either.",
        .steps =
            {PAGE(0x83),
             {.cdb = {0x12, 1, 0x83, 0, 255}, .direction = HOST_DATA_IN, .length = 255, .lun = 5}},
        .judge = judge_differ,
    },
    {
        .id = "vpd-83-truncated",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page 83h",
        .clause = "SPC-4 4.2.5.6",
        .expect = "an allocation length of 4 leaves the page length as it is",
        .why = "Storport asks for 4 bytes first, and then for as many as they announce.",
        .steps = {PAGE(0x83), IN(255, 0x12, 1, 0x83, 0, 4)},
        .judge = judge_same,
        .field = {0, 4, 0, 0},
    },
    {
        .id = "vpd-83-tail",
        .severity = SEVERITY_NOTE,
        .command = "INQUIRY, VPD page 83h",
        .clause = "SPC-4 4.2.5.6",
        .expect = "the buffer behind the answer is 00",
        .why = "What lies there must not be somebody else's memory.",
        .steps = {PAGE(0x83)},
        .judge = judge_tail,
    },
    {
        .id = "vpd-83-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page 83h",
        .clause = "SPC-4 7.8.6",
        .expect = "byte 2 of the first designator, and PIV and the protocol, are 0",
        .why = "A protocol that is claimed by accident makes the name one of a port.",
        .steps = {PAGE(0x83)},
        .judge = judge_zero,
        .field = {4, 1, 0xF0, 0},
        .also = {{5, 1, 0xC0, 0}, {6, 1, 0xFF, 0}},
    },
    {
        .id = "vpd-b0-length",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page B0h",
        .clause = "SBC-3 6.6",
        .expect = "page length 003C",
        .why = "A shorter page is the one of SBC-2, without the limits of UNMAP.",
        .steps = {PAGE(0xB0)},
        .judge = judge_value,
        .field = {2, 2, 0, 0x003C},
    },
    {
        .id = "vpd-b0-maximum",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page B0h",
        .clause = "SBC-3 6.6",
        .expect = "the maximum transfer length is 0 (no limit) or at least 64 KiB",
        .why = "Class drivers cut every transfer into pieces of this size.",
        .steps = {PAGE(0xB0)},
        .judge = judge_maximum,
    },
    {
        .id = "vpd-b0-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page B0h",
        .clause = "SBC-3 6.6",
        .expect = "limits that are not announced (12 to 19), those of UNMAP on a disk that is not "
                  "thin (20 to 35), and reserved bytes (44 to 63) are 0",
        .why = "classpnp sends UNMAP as large as these bytes happen to say.",
        .steps = {PAGE(0xB0)},
        .judge = judge_zero,
        .field = {12, 8, 0, 0},
        .also = {{20, 16, 0, 0}, {44, 20, 0, 0}},
    },
    {
        .id = "vpd-b1-length",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page B1h",
        .clause = "SBC-3 6.6",
        .expect = "page length 003C",
        .why = "The standard gives the page one length only.",
        .steps = {PAGE(0xB1)},
        .judge = judge_value,
        .field = {2, 2, 0, 0x003C},
    },
    {
        .id = "vpd-b1-rotation",
        .severity = SEVERITY_WARNING,
        .command = "INQUIRY, VPD page B1h",
        .clause = "SBC-3 6.6",
        .expect = "medium rotation rate 0000, 0001 (none) or 0401 to FFFE",
        .why = "Windows decides by it between defragmenting and trimming.",
        .steps = {PAGE(0xB1)},
        .judge = judge_rotation,
    },
    {
        .id = "vpd-b1-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page B1h",
        .clause = "SBC-3 6.6",
        .expect = "reserved bytes, 8 to 63, are 0",
        .why = "They will mean something in the next standard.",
        .steps = {PAGE(0xB1)},
        .judge = judge_zero,
        .field = {8, 56, 0, 0},
    },
    {
        .id = "vpd-b2-length",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page B2h",
        .clause = "SBC-3 6.6",
        .expect = "page length 0004: no provisioning group descriptor",
        .why = "More announces a descriptor that is not there.",
        .steps = {PAGE(0xB2)},
        .judge = judge_value,
        .field = {2, 2, 0, 0x0004},
    },
    {
        .id = "vpd-b2-capacity",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY, VPD page B2h",
        .clause = "SBC-3 5.16, 6.6",
        .expect = "LBPU (UNMAP) only with READ CAPACITY(16)'s LBPME",
        .why = "Where the two disagree, a host trims a disk that cannot be trimmed.",
        .steps = {PAGE(0xB2), IN(32, 0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32)},
        .judge = judge_provisioning,
    },
};
const unsigned checks_vpd_count = sizeof(checks_vpd) / sizeof(checks_vpd[0]);
