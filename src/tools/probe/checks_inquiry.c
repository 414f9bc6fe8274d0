/*
 * Standard INQUIRY data, field by field: the first bytes that anybody reads of a device.
 */
#include "tools/probe/families.h"

#include <string.h>

/** Standard data with room for anything. */
#define STANDARD IN(255, 0x12, 0, 0, 0, 255)
#define DATA_36  IN(36, 0x12, 0, 0, 0, 36)

static void judge_version(const struct check *check, const struct transcript *transcript,
                          struct verdict *verdict)
{
    uint8_t version = last(check, transcript)->data[2];

    if (must_succeed(transcript, 0, verdict) && (version < 0x04 || version > 0x07)) {
        found(verdict, "byte 2: %02x", version);
        mark(verdict, 0, AREA_DATA, 2, 1);
    }
}

/** The first five bytes of the second answer are those of the first, and nothing came behind
 *  them. */
static void judge_short_buffer(const struct check *check, const struct transcript *transcript,
                               struct verdict *verdict)
{
    const struct answer *whole = &transcript->answers[0], *part = last(check, transcript);
    char text[64];

    if (must_succeed(transcript, 0, verdict) && must_succeed(transcript, 1, verdict) &&
        memcmp(whole->data, part->data, part->length) != 0) {
        found(verdict, "%s", bytes_text(part->data, part->length, text, sizeof(text)));
        mark(verdict, 1, AREA_DATA, 0, part->length);
    }
}

const struct check checks_inquiry[] = {
    {
        .id = "inquiry-peripheral",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 0 is 00: qualifier 000b, direct access block device",
        .why = "Storport makes a device object by this byte: with another type, disk.sys never "
               "sees it.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {0, 1, 0xFF, 0x00},
    },
    {
        .id = "inquiry-peripheral-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 0 is 05: qualifier 000b, CD/DVD device",
        .why = "cdrom.sys loads for type 05h only.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {0, 1, 0xFF, 0x05},
    },
    {
        .id = "inquiry-rmb",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 1, bit 7 (RMB) is 0: a fixed disk",
        .why = "Windows would treat the disk as removable media: no partitions but the first, no "
               "dynamic disk.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {1, 1, 0x80, 0x00},
    },
    {
        .id = "inquiry-rmb-removable",
        .severity = SEVERITY_ERROR,
        .bus = BUS_REMOVABLE,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 1, bit 7 (RMB) is 1: the medium can be taken out",
        .why = "Without it nobody asks whether there still is a medium, and stale data are served "
               "from caches.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {1, 1, 0x80, 0x80},
    },
    {
        .id = "inquiry-rmb-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2, MMC-6 6.9",
        .expect = "byte 1, bit 7 (RMB) is 1: discs are removable",
        .why = "cdrom.sys would not look for a changed disc.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {1, 1, 0x80, 0x80},
    },
    {
        .id = "inquiry-version",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 2 is 04 to 07: SPC-2 to SPC-5",
        .why = "Hosts ask for VPD pages, READ CAPACITY(16) and REPORT LUNS by the version that is "
               "claimed.",
        .steps = {STANDARD},
        .judge = judge_version,
    },
    {
        .id = "inquiry-format",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 3, bits 3..0 (response data format) are 2",
        .why = "Less than 2 is SCSI-1, whose data look otherwise; more is reserved.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {3, 1, 0x0F, 0x02},
    },
    {
        .id = "inquiry-additional-length",
        .fix = 5,
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 4 is 1F: 36 bytes less the 5 up to here",
        .why =
            "A host that reads 5 bytes and then as many as this says never sees who the device is.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {4, 1, 0xFF, 0x1F},
    },
    {
        .id = "inquiry-additional-length-cdrom",
        .fix = 5,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 4 is 1F: 36 bytes less the 5 up to here",
        .why = "cdrom.sys reads 36 bytes and then as many as this announces.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {4, 1, 0xFF, 0x1F},
    },
    {
        .id = "inquiry-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2, 4.2.1",
        .expect = "reserved and obsolete bits, and features that do not exist, are 0: bytes 1, 3 "
                  "and 5 to 7",
        .why = "A bit that happens to be set promises protection, multiple ports or an enclosure; "
               "and what is not written "
               "is kernel memory shown to a program.",
        .steps = {STANDARD},
        .judge = judge_zero,
        .field = {1, 1, 0x7F, 0},
        .also = {{3, 1, 0xC0, 0}, {5, 2, 0xFF, 0}, {7, 1, 0xFD, 0}},
    },
    {
        .id = "inquiry-reserved-cdrom",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2, 4.2.1",
        .expect = "reserved and obsolete bits, and features that do not exist, are 0: bytes 1, 3 "
                  "and 5 to 7",
        .why = "What is not written is kernel memory shown to a program.",
        .steps = {STANDARD},
        .judge = judge_zero,
        .field = {1, 1, 0x7F, 0},
        .also = {{3, 1, 0xC0, 0}, {5, 2, 0xFF, 0}, {7, 1, 0xFD, 0}},
    },
    {
        .id = "inquiry-cmdque",
        .severity = SEVERITY_WARNING,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2",
        .expect = "byte 7, bit 1 (CMDQUE) is 1: any number of commands at once",
        .why =
            "Storport keeps queueing off for a unit that does not claim it: one request at a time.",
        .steps = {STANDARD},
        .judge = judge_value,
        .field = {7, 1, 0x02, 0x02},
    },
    {
        .id = "inquiry-vendor",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2, 4.3.1",
        .expect = "bytes 8 to 15, T10 vendor identification: printable ASCII, left-aligned, padded "
                  "with blanks",
        .why = "Storport builds the hardware ids from it; an unprintable character makes them "
               "unusable.",
        .steps = {STANDARD},
        .judge = judge_text,
        .field = {8, 8, 0, 0},
    },
    {
        .id = "inquiry-product",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2, 4.3.1",
        .expect = "bytes 16 to 31, product identification: printable ASCII, left-aligned, padded "
                  "with blanks",
        .why = "It is the name that the device manager shows.",
        .steps = {STANDARD},
        .judge = judge_text,
        .field = {16, 16, 0, 0},
    },
    {
        .id = "inquiry-revision",
        .severity = SEVERITY_WARNING,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2, 4.3.1",
        .expect = "bytes 32 to 35, product revision level: printable ASCII, left-aligned, padded "
                  "with blanks",
        .why = "Drivers and tools match firmware revisions by it.",
        .steps = {STANDARD},
        .judge = judge_text,
        .field = {32, 4, 0, 0},
    },
    {
        .id = "inquiry-vendor-cdrom",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.2, 4.3.1",
        .expect = "bytes 8 to 35: printable ASCII",
        .why = "Storport builds the hardware ids from it.",
        .steps = {STANDARD},
        .judge = judge_text,
        .field = {8, 28, 0, 0},
    },
    {
        .id = "inquiry-tail",
        .severity = SEVERITY_NOTE,
        .command = "INQUIRY",
        .clause = "SPC-4 4.2.5.6",
        .expect = "the buffer behind the answer is 00",
        .why = "Old callers look at the whole buffer; what lies there must not be somebody else's "
               "memory.",
        .steps = {STANDARD},
        .judge = judge_tail,
    },
    {
        .id = "inquiry-truncated-length",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 4.2.5.6",
        .expect = "an allocation length of 5 leaves the additional length as it is",
        .why = "Asking for 5 bytes to learn how many there are is what the field is for.",
        .steps = {DATA_36, IN(36, 0x12, 0, 0, 0, 5)},
        .judge = judge_same,
        .field = {4, 1, 0, 0},
    },
    {
        .id = "inquiry-beyond-allocation",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 4.2.5.6",
        .expect = "an allocation length of 5 moves no more than 5 bytes",
        .why = "The host may have other data behind the 5 bytes that it gave away.",
        .steps = {IN(36, 0x12, 0, 0, 0, 5)},
        .judge = judge_untouched,
        .field = {5, 0, 0, 0},
    },
    {
        .id = "inquiry-allocation-0",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 4.2.5.6",
        .expect = "an allocation length of 0 is no error",
        .why =
            "Test programs send it, and a class driver would retry a failed INQUIRY for seconds.",
        .steps = {IN(36, 0x12, 0, 0, 0, 0)},
        .judge = judge_success,
    },
    {
        .id = "inquiry-allocation-0-untouched",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 4.2.5.6",
        .expect = "an allocation length of 0 moves nothing",
        .why = "The host has said that there is no room.",
        .steps = {IN(36, 0x12, 0, 0, 0, 0)},
        .judge = judge_untouched,
    },
    {
        .id = "inquiry-allocation-16-bit",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.1",
        .expect = "an allocation length of 0100h, bytes 3 and 4, gets the same answer as one of 36",
        .why = "The field has had two bytes since SPC-3: whoever reads the lower one only takes "
               "256 for 0.",
        .steps = {DATA_36, IN(256, 0x12, 0, 0, 1, 0)},
        .judge = judge_same,
        .field = {8, 28, 0, 0},
    },
    {
        .id = "inquiry-short-buffer",
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 4.2.5.6, WDK SCSI_REQUEST_BLOCK",
        .expect = "a buffer of 5 bytes gets 5 bytes, whatever the allocation length says",
        .why = "Pass-through programs send CDBs and buffers that do not agree: the rest would be "
               "written over other memory.",
        .steps = {DATA_36, IN(5, 0x12, 0, 0, 0, 36)},
        .judge = judge_short_buffer,
    },
    {
        .id = "inquiry-cmddt",
        .severity = SEVERITY_WARNING,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.1",
        .expect = "CMDDT, obsolete, is refused as an invalid field",
        .why = "Standard data in its place would be read as command support data.",
        .steps = {IN(36, 0x12, 0x02, 0x12, 0, 36)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "inquiry-page-without-evpd",
        .fix = 6,
        .severity = SEVERITY_ERROR,
        .command = "INQUIRY",
        .clause = "SPC-4 6.6.1",
        .expect = "a page code with EVPD = 0 is refused",
        .why = "Conformance suites and multipath drivers ask just this to learn whether VPD is "
               "taken seriously.",
        .steps = {IN(255, 0x12, 0, 0x80, 0, 255)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "inquiry-naca",
        .severity = SEVERITY_WARNING,
        .command = "INQUIRY",
        .clause = "SAM-5 5.2",
        .expect = "NACA in the control byte is refused: NORMACA is 0",
        .why = "The initiator would wait for an auto contingent allegiance that never comes.",
        .steps = {IN(36, 0x12, 0, 0, 0, 36, 0x04)},
        .judge = judge_sense,
        .code = 0x052400,
    },
};
const unsigned checks_inquiry_count = sizeof(checks_inquiry) / sizeof(checks_inquiry[0]);
