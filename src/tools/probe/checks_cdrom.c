/*
 * What only a CD-ROM drive has: table of contents, features, events. What is on the disc is in
 * checks_disc.c.
 */
#include "tools/probe/families.h"

#define TOC(format, msf) IN(804, 0x43, msf, format, 0, 0, 0, 0, 3, 36)
#define LEAD_OUT         0xAA
#define TOC_ENTRY        8u

/** The length field counts what follows it: header, then whole descriptors. */
static void judge_toc_length(const struct check *check, const struct transcript *transcript,
                             struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t entry = (answer->cdb[2] & 0x0F) == 2 ? 11 : TOC_ENTRY,
             length = (uint32_t)be(answer->data, 2);
    uint32_t tracks = (uint32_t)check->field.value;

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    expected(verdict, "TOC data length %u: 2 bytes of numbers and %u descriptors of %u",
             2 + tracks * entry, tracks, entry);
    if (length != 2 + tracks * entry) {
        found(verdict, "TOC data length %u", length);
        mark(verdict, 0, AREA_DATA, 0, 2);
    }
}

/** The lead-out begins behind the last block. */
static void judge_lead_out(const struct check *check, const struct transcript *transcript,
                           struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    const uint8_t *entry = answer->data + 4 + TOC_ENTRY;
    uint64_t frames = ((uint64_t)entry[5] * 60 + entry[6]) * 75 + entry[7];
    uint64_t where = (answer->cdb[1] & 2) != 0 ? frames - 150 : be(entry + 4, 4);
    char text[64];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    expected(verdict, "the second descriptor is track AAh at LBA %llu: %s",
             (unsigned long long)transcript->blocks, check->expect);
    if (entry[2] != LEAD_OUT || where != transcript->blocks) {
        found(verdict, "%s", bytes_text(entry, TOC_ENTRY, text, sizeof(text)));
        mark(verdict, 0, AREA_DATA, 4 + TOC_ENTRY, TOC_ENTRY);
    }
}

/** Data length, and features that end just there, ascending. */
static void judge_features(const struct check *check, const struct transcript *transcript,
                           struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t end = answer_length(answer), at = 8;
    int64_t before = -1;

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    while (at + 4 <= end && at + 4 <= ANSWER_KEPT && (int64_t)be(answer->data + at, 2) > before) {
        before = (int64_t)be(answer->data + at, 2);
        at += 4u + answer->data[at + 3];
    }
    if (at != end || before < 0) {
        found(verdict, "data length %u, and features up to byte %u", end - 4, at);
        mark(verdict, 0, AREA_DATA, 0, 4);
        mark(verdict, 0, AREA_DATA, at < ANSWER_KEPT ? at : 0, 4);
    }
}

/** No event any more, and the tray as it is. */
static void judge_told_once(const struct check *check, const struct transcript *transcript,
                            struct verdict *verdict)
{
    const struct answer *first = &transcript->answers[1], *again = last(check, transcript);

    if (!must_succeed(transcript, 1, verdict) || !must_succeed(transcript, 2, verdict)) {
        return;
    }
    if ((first->data[4] & 0x0F) != 3 || (again->data[4] & 0x0F) != 0) {
        found(verdict, "event %u, then event %u", first->data[4] & 0x0Fu, again->data[4] & 0x0Fu);
        mark(verdict, 1, AREA_DATA, 4, 1);
        mark(verdict, 2, AREA_DATA, 4, 1);
    }
}

#define EVENT IN(8, 0x4A, 0x01, 0, 0, 0x10, 0, 0, 0, 8)

const struct check checks_cdrom[] = {
    {
        .id = "toc-length",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 0",
        .clause = "MMC-6 6.25.3",
        .expect = "one track and the lead-out",
        .why = "cdrom.sys counts the tracks by this length.",
        .steps = {TOC(0, 0)},
        .judge = judge_toc_length,
        .field = {.value = 2},
    },
    {
        .id = "toc-session-length",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 1",
        .clause = "MMC-6 6.25.3",
        .expect = "one session",
        .why = "File systems find the last session by it.",
        .steps = {TOC(1, 0)},
        .judge = judge_toc_length,
        .field = {.value = 1},
    },
    {
        .id = "toc-full-length",
        .severity = SEVERITY_WARNING,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 2",
        .clause = "MMC-6 6.25.3",
        .expect = "points A0h, A1h, A2h and the track",
        .why = "Copying programs read the disc's layout here.",
        .steps = {TOC(2, 2)},
        .judge = judge_toc_length,
        .field = {.value = 4},
    },
    {
        .id = "toc-tracks",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 0",
        .clause = "MMC-6 6.25.3",
        .expect = "bytes 2 and 3, first and last track, are 1",
        .why = "A drive without a first track has no file system.",
        .steps = {TOC(0, 0)},
        .judge = judge_value,
        .field = {2, 2, 0, 0x0101},
    },
    {
        .id = "toc-data-track",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 0",
        .clause = "MMC-6 6.25.3",
        .expect = "byte 5, bit 2: a data track",
        .why = "Windows starts the music player for any other.",
        .steps = {TOC(0, 0)},
        .judge = judge_value,
        .field = {5, 1, 0x04, 0x04},
    },
    {
        .id = "toc-lead-out",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 0",
        .clause = "MMC-6 6.25.3",
        .expect = "the lead-out begins where the image ends",
        .why = "Windows takes the size of the disc from here.",
        .steps = {TOC(0, 0)},
        .judge = judge_lead_out,
    },
    {
        .id = "toc-lead-out-msf",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 0, MSF",
        .clause = "MMC-6 6.25.3, 4.2.3.8",
        .expect = "the lead-out begins where the image ends, in minutes, seconds and frames",
        .why = "cdrom.sys asks in this form, and adds the two seconds of the lead-in.",
        .steps = {TOC(0, 2)},
        .judge = judge_lead_out,
    },
    {
        .id = "toc-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 0",
        .clause = "MMC-6 6.25.3",
        .expect = "reserved bytes of the descriptors, 4, 7, 12 and 15, are 0",
        .why = "What is not written is kernel memory shown to a program.",
        .steps = {TOC(0, 0)},
        .judge = judge_zero,
        .field = {4, 1, 0, 0},
        .also = {{7, 1, 0, 0}, {12, 1, 0, 0}, {15, 1, 0, 0}},
    },
    {
        .id = "toc-truncated-length",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, allocation length 4",
        .clause = "SPC-4 4.2.5.6, MMC-6 6.25",
        .expect = "an allocation length of 4 leaves the header as it is",
        .why = "Hosts ask for the header alone, to learn how much there is.",
        .steps = {TOC(0, 0), IN(804, 0x43, 0, 0, 0, 0, 0, 0, 0, 4)},
        .judge = judge_same,
        .field = {0, 4, 0, 0},
    },
    {
        .id = "toc-format-reserved",
        .severity = SEVERITY_WARNING,
        .bus = BUS_CDROM,
        .command = "READ TOC/PMA/ATIP, format 0Fh",
        .clause = "MMC-6 6.25.2",
        .expect = "a format that does not exist is refused",
        .why = "Another format in its place is read wrongly.",
        .steps = {TOC(0x0F, 0)},
        .judge = judge_sense,
        .code = 0x052400,
    },
    {
        .id = "configuration-features",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET CONFIGURATION",
        .clause = "MMC-6 6.5, 5.2.2",
        .expect = "features in ascending order, that end where the data length says",
        .why = "cdrom.sys walks them; a feature beyond the end is whatever lies there.",
        .steps = {IN(1024, 0x46, 0, 0, 0, 0, 0, 0, 4, 0)},
        .judge = judge_features,
    },
    {
        .id = "configuration-profile",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET CONFIGURATION",
        .clause = "MMC-6 6.5.2",
        .expect = "bytes 6 and 7, the current profile, are 0008: CD-ROM",
        .why = "Windows decides by it what kind of disc is in.",
        .steps = {IN(1024, 0x46, 0, 0, 0, 0, 0, 0, 4, 0)},
        .judge = judge_value,
        .field = {6, 2, 0, 0x0008},
    },
    {
        .id = "configuration-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET CONFIGURATION",
        .clause = "MMC-6 6.5.2",
        .expect = "bytes 4 and 5 are 0: reserved",
        .why = "What is not written is kernel memory shown to a program.",
        .steps = {IN(1024, 0x46, 0, 0, 0, 0, 0, 0, 4, 0)},
        .judge = judge_zero,
        .field = {4, 2, 0, 0},
    },
    {
        .id = "configuration-no-disc",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET CONFIGURATION without a disc",
        .clause = "MMC-6 6.5.2",
        .expect = "bytes 6 and 7, the current profile, are 0: no disc",
        .why = "Windows would go on showing the old one.",
        .steps = {SEND(0x1B, 0, 0, 0, 0x02), IN(1024, 0x46, 0, 0, 0, 0, 0, 0, 4, 0)},
        .judge = judge_value,
        .field = {6, 2, 0, 0x0000},
    },
    {
        .id = "event-length",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET EVENT STATUS NOTIFICATION",
        .clause = "MMC-6 6.6.3",
        .expect = "bytes 0 and 1, the event data length, are 6: what follows this field",
        .why = "cdrom.sys looks at the event only if the length says that it is there.",
        .steps = {EVENT},
        .judge = judge_value,
        .field = {0, 2, 0, 0x0006},
    },
    {
        .id = "event-class",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET EVENT STATUS NOTIFICATION",
        .clause = "MMC-6 6.6.3",
        .expect = "byte 2 is 4, the media class, and byte 3, supported classes, has its bit, 10h",
        .why = "Without events Windows polls with TEST UNIT READY, and misses discs that are "
               "changed quickly.",
        .steps = {EVENT},
        .judge = judge_value,
        .field = {2, 2, 0x0710, 0x0410},
    },
    {
        .id = "event-reserved",
        .fix = 1,
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET EVENT STATUS NOTIFICATION",
        .clause = "MMC-6 6.6.3",
        .expect = "NEA and reserved bits of bytes 2, 4 and 5, and the slots 6 and 7, are 0",
        .why = "What is not written is kernel memory shown to a program.",
        .steps = {EVENT},
        .judge = judge_zero,
        .field = {2, 1, 0xF8, 0},
        .also = {{4, 1, 0xF0, 0}, {5, 1, 0xFC, 0}, {6, 2, 0, 0}},
    },
    {
        .id = "event-told-once",
        .severity = SEVERITY_ERROR,
        .bus = BUS_CDROM,
        .command = "GET EVENT STATUS NOTIFICATION after an eject",
        .clause = "MMC-6 6.6.3",
        .expect = "event 3, media removal, once",
        .why = "An event that is told twice is two discs; one that is lost, none.",
        .steps = {SEND(0x1B, 0, 0, 0, 0x02), EVENT, EVENT},
        .judge = judge_told_once,
    },
    {
        .id = "event-asynchronous",
        .severity = SEVERITY_WARNING,
        .bus = BUS_CDROM,
        .command = "GET EVENT STATUS NOTIFICATION, POLLED = 0",
        .clause = "MMC-6 6.6.2",
        .expect = "waiting for an event, which is not supported, is refused",
        .why = "The command would not end before something happens.",
        .steps = {IN(8, 0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8)},
        .judge = judge_sense,
        .code = 0x052400,
    },
};
const unsigned checks_cdrom_count = sizeof(checks_cdrom) / sizeof(checks_cdrom[0]);
