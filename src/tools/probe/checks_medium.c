/*
 * Is it ready? Take it out, leave it in: TEST UNIT READY, START STOP UNIT, PREVENT ALLOW MEDIUM
 * REMOVAL.
 */
#include "tools/probe/families.h"

#define READY   TEST_UNIT_READY
#define EJECT   SEND(0x1B, 0, 0, 0, 0x02)
#define LOAD    SEND(0x1B, 0, 0, 0, 0x03)
#define PREVENT SEND(0x1E, 0, 0, 0, 1)
#define ALLOW   SEND(0x1E)

/** Every command of the check succeeds. */
static void judge_all(const struct check *check, const struct transcript *transcript,
                      struct verdict *verdict)
{
    for (unsigned step = 0; step < check_steps(check); step++) {
        if (!must_succeed(transcript, step, verdict)) {
            return;
        }
    }
}

/** NOT READY, MEDIUM NOT PRESENT, in any of its forms: 02/3A/xx. */
static void judge_no_medium(const struct check *check, const struct transcript *transcript,
                            struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    uint32_t code = 0;
    char text[160];

    if (succeeded(answer) || !sense_of(answer, &code) || code >> 8 != 0x023A) {
        found(verdict, "%s", outcome_text(answer, text, sizeof(text)));
        mark(verdict, check_steps(check) - 1, AREA_STATUS, 0, 0);
        mark(verdict, check_steps(check) - 1, AREA_SENSE, 2, 1);
        mark(verdict, check_steps(check) - 1, AREA_SENSE, 12, 2);
    }
}

#define NO_MEDIUM(name, cmd, where, ...)                                                           \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .bus = where, .command = cmd,                      \
        .clause = "SBC-3 4.3, SPC-4 6.47", .expect = "CHECK CONDITION, 02/3A/xx: no medium",       \
        .why = "Windows shows an empty drive for this code, and an error for others.",             \
        .steps = {EJECT, __VA_ARGS__}, .judge = judge_no_medium,                                   \
    }
#define FINE(name, cmd, where, section, what, reason, ...)                                         \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .bus = where, .command = cmd, .clause = section,   \
        .expect = what, .why = reason, .steps = {__VA_ARGS__}, .judge = judge_all,                 \
    }
#define REFUSED(name, cmd, where, section, what, reason, sense, ...)                               \
    {                                                                                              \
        .id = name, .severity = SEVERITY_ERROR, .bus = where, .command = cmd, .clause = section,   \
        .expect = what, .why = reason, .steps = {__VA_ARGS__}, .judge = judge_sense,               \
        .code = sense,                                                                             \
    }

const struct check checks_medium[] = {
    FINE("ready", "TEST UNIT READY", BUS_DISK, "SPC-4 6.47", "success: the disk is there",
         "Nothing is mounted on a unit that is not ready.", READY),
    FINE("ready-cdrom", "TEST UNIT READY", BUS_CDROM, "SPC-4 6.47", "success: the disc is in",
         "cdrom.sys polls with it.", READY),
    FINE("prevent-allow-cdrom", "PREVENT ALLOW MEDIUM REMOVAL", BUS_CDROM, "SBC-3 5.10, MMC-6 6.12",
         "success, both ways: a drive has a tray to lock",
         "Windows locks the tray while a disc is in use.", PREVENT, ALLOW),
    FINE("prevent-allow-removable", "PREVENT ALLOW MEDIUM REMOVAL", BUS_REMOVABLE, "SBC-3 5.10",
         "success, both ways: a removable medium can be held",
         "Windows locks the medium while a volume is mounted.", PREVENT, ALLOW),
    REFUSED("prevent-eject", "START STOP UNIT, eject, while it is prevented", BUS_REMOVABLE,
            "SBC-3 5.10, 5.25", "medium removal prevented",
            "The medium would be gone from under a mounted volume.", 0x055302, PREVENT, EJECT),
    REFUSED("prevent-eject-cdrom", "START STOP UNIT, eject, while it is prevented", BUS_CDROM,
            "MMC-6 6.12, 6.42", "medium removal prevented",
            "The disc would be gone from under a mounted volume.", 0x055302, PREVENT, EJECT),
    FINE("allow-eject", "START STOP UNIT, eject, when it is allowed again", BUS_REMOVABLE,
         "SBC-3 5.10, 5.25", "success: what was prevented can be allowed",
         "The medium could never be taken out.", PREVENT, ALLOW, EJECT),
    REFUSED("prevent-reserved", "PREVENT ALLOW MEDIUM REMOVAL, PREVENT = 3", BUS_REMOVABLE,
            "SBC-3 5.10", "an obsolete value is refused",
            "The sender means a persistent lock, which there is not.", 0x052400,
            SEND(0x1E, 0, 0, 0, 3)),
    NO_MEDIUM("ejected-ready", "TEST UNIT READY without a medium", BUS_REMOVABLE, READY),
    NO_MEDIUM("ejected-read10", "READ(10) without a medium", BUS_REMOVABLE,
              IN(512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)),
    NO_MEDIUM("ejected-write10", "WRITE(10) without a medium", BUS_REMOVABLE,
              OUT(512, 0xC3, 0x2A, 0, 0, 0, 0, 2, 0, 0, 1)),
    NO_MEDIUM("ejected-capacity10", "READ CAPACITY(10) without a medium", BUS_REMOVABLE,
              IN(8, 0x25)),
    NO_MEDIUM("ejected-ready-cdrom", "TEST UNIT READY without a disc", BUS_CDROM, READY),
    NO_MEDIUM("ejected-toc", "READ TOC/PMA/ATIP without a disc", BUS_CDROM,
              IN(804, 0x43, 0, 0, 0, 0, 0, 0, 3, 36)),
    FINE("ejected-inquiry", "INQUIRY without a medium", BUS_REMOVABLE, "SPC-4 6.6.1",
         "success: the unit is there, whatever is in it", "Storport would take the unit away.",
         EJECT, IN(36, 0x12, 0, 0, 0, 36)),
    FINE("load-ready", "TEST UNIT READY after the medium was put back", BUS_REMOVABLE, "SBC-3 5.25",
         "success", "A medium that comes back must be usable.", EJECT, LOAD, READY),
    FINE("load-ready-cdrom", "TEST UNIT READY after the disc was put back", BUS_CDROM, "MMC-6 6.42",
         "success", "A disc that comes back must be usable.", EJECT, LOAD, READY),
    REFUSED("eject-fixed", "START STOP UNIT, eject, on a fixed disk", BUS_DISK, "SBC-3 5.25",
            "LOEJ is refused where nothing can be taken out",
            "A success would show a disk that has been ejected and is still there.", 0x052400,
            EJECT),
    FINE("stop-fixed", "START STOP UNIT, stop and start, on a fixed disk", BUS_DISK, "SBC-3 5.25",
         "success", "Windows stops disks when it goes to sleep.", SEND(0x1B),
         SEND(0x1B, 0, 0, 0, 1), READY),
    {
        .id = "request-sense-ejected",
        .severity = SEVERITY_WARNING,
        .bus = BUS_REMOVABLE,
        .command = "REQUEST SENSE without a medium",
        .clause = "SPC-4 6.39",
        .expect = "bytes 2, 12 and 13 of the answer: 02/3A/00",
        .why = "Hosts poll with it instead of TEST UNIT READY.",
        .steps = {EJECT, IN(252, 0x03, 0, 0, 0, 252)},
        .judge = judge_value,
        .field = {12, 2, 0, 0x3A00},
    },
};
const unsigned checks_medium_count = sizeof(checks_medium) / sizeof(checks_medium[0]);
