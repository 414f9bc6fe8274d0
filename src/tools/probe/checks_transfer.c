/*
 * DataTransferLength: on the way in what the initiator wants, on the way out what it got; in every
 * outcome. Buffers are larger than the answers, so that a field that nobody updates is seen.
 */
#include "tools/probe/families.h"

#define MOVED    "what was moved, not what was asked for"
#define NOTHING  "a request that failed has moved nothing"
#define SRB_PAGE "WDK SCSI_REQUEST_BLOCK, DataTransferLength"

/** A success whose answer's length is in the answer. */
#define ANSWER(name, cmd, where, reason, ...)                                                      \
    {                                                                                              \
        .id = name, .fix = 2, .severity = SEVERITY_ERROR, .bus = where, .command = cmd,            \
        .clause = SRB_PAGE, .expect = MOVED, .why = reason, .steps = {__VA_ARGS__},                \
        .judge = judge_moved,                                                                      \
    }
/** A success that moves so many bytes. */
#define COUNT(name, cmd, number, where, needs_writable, count, reason, ...)                        \
    {                                                                                              \
        .id = name, .fix = number, .severity = SEVERITY_ERROR, .bus = where,                       \
        .writes = needs_writable, .command = cmd, .clause = SRB_PAGE, .expect = MOVED,             \
        .why = reason, .steps = {__VA_ARGS__}, .judge = judge_moved_value,                         \
        .field = {.value = count},                                                                 \
    }
/** A failure. */
#define FAILURE(name, cmd, where, reason, ...)                                                     \
    {                                                                                              \
        .id = name, .fix = 3, .severity = SEVERITY_ERROR, .bus = where, .command = cmd,            \
        .clause = SRB_PAGE, .expect = NOTHING, .why = reason, .steps = {__VA_ARGS__},              \
        .judge = judge_none_moved,                                                                 \
    }

const struct check checks_transfer[] = {
    ANSWER("moved-inquiry", "INQUIRY", BUS_DISK,
           "A program that trusts it prints 219 bytes that the device never sent.",
           IN(255, 0x12, 0, 0, 0, 255)),
    ANSWER("moved-inquiry-truncated", "INQUIRY, allocation length 5", BUS_DISK,
           "classpnp sees by it that an answer is incomplete.", IN(255, 0x12, 0, 0, 0, 5)),
    ANSWER("moved-mode6", "MODE SENSE(6)", BUS_DISK,
           "classpnp looks for mode pages up to this length.", IN(255, 0x1A, 0, 0x3F, 0, 255)),
    ANSWER("moved-mode10", "MODE SENSE(10)", BUS_DISK,
           "classpnp looks for mode pages up to this length.",
           IN(512, 0x5A, 0, 0x3F, 0, 0, 0, 0, 2, 0)),
    ANSWER("moved-capacity10", "READ CAPACITY(10)", BUS_DISK,
           "Pass-through programs get this many bytes back.", IN(64, 0x25)),
    ANSWER("moved-capacity16", "READ CAPACITY(16)", BUS_DISK,
           "Pass-through programs get this many bytes back.",
           IN(64, 0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64)),
    ANSWER("moved-vpd", "INQUIRY, VPD page 83h", BUS_DISK,
           "Storport allocates a copy of this size.", IN(255, 0x12, 1, 0x83, 0, 255)),
    ANSWER("moved-luns", "REPORT LUNS", BUS_DISK,
           "A scan that trusts it takes the rest of the buffer for LUNs.",
           IN(512, 0xA0, 0, 0, 0, 0, 0, 0, 0, 2, 0)),
    ANSWER("moved-request-sense", "REQUEST SENSE", BUS_DISK,
           "The sense data would seem to have 252 bytes.", IN(252, 0x03, 0, 0, 0, 252)),
    ANSWER("moved-mode10-cdrom", "MODE SENSE(10)", BUS_CDROM,
           "cdrom.sys looks for page 2Ah up to this length.",
           IN(512, 0x5A, 0x08, 0x3F, 0, 0, 0, 0, 2, 0)),
    ANSWER("moved-toc", "READ TOC/PMA/ATIP", BUS_CDROM, "cdrom.sys counts tracks by it.",
           IN(804, 0x43, 0, 0, 0, 0, 0, 0, 3, 36)),
    ANSWER("moved-configuration", "GET CONFIGURATION", BUS_CDROM,
           "cdrom.sys walks the features up to this length.",
           IN(1024, 0x46, 0, 0, 0, 0, 0, 0, 4, 0)),
    ANSWER("moved-event", "GET EVENT STATUS NOTIFICATION", BUS_CDROM,
           "cdrom.sys looks at the event only if it came.",
           IN(64, 0x4A, 0x01, 0, 0, 0x10, 0, 0, 0, 64)),
    COUNT("moved-inquiry-allocation-0", "INQUIRY, allocation length 0", 2, BUS_DISK, false, 0,
          "36 bytes would seem to have come where none were asked for.", IN(36, 0x12)),
    COUNT("moved-read10", "READ(10), one block into a larger buffer", 2, BUS_DISK, false, 512,
          "The file system would believe that the whole buffer was read.",
          IN(4096, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)),
    COUNT("moved-read16", "READ(16), one block into a larger buffer", 2, BUS_DISK, false, 512,
          "The file system would believe that the whole buffer was read.",
          IN(4096, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    COUNT("moved-write10", "WRITE(10), one block of a larger buffer", 2, BUS_DISK, true, 512,
          "The file system would believe that the whole buffer was written.",
          OUT(4096, 0xC3, 0x2A, 0, 0, 0, 0, 2, 0, 0, 1)),
    COUNT("moved-read10-none", "READ(10), 0 blocks", 2, BUS_DISK, false, 0,
          "Nothing was read, and the buffer's old contents would pass for data.", IN(512, 0x28)),
    COUNT("moved-read10-cdrom", "READ(10), one block into a larger buffer", 2, BUS_CDROM, false,
          2048, "The file system would believe that the whole buffer was read.",
          IN(4096, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)),
    COUNT("moved-read10-exact", "READ(10), 8 blocks into a buffer of 8", 0, BUS_DISK, false, 4096,
          "A length that is too small makes the class driver call the read incomplete.",
          IN(4096, 0x28, 0, 0, 0, 0, 0, 0, 0, 8)),
    COUNT("moved-write10-exact", "WRITE(10), one block", 0, BUS_DISK, true, 512,
          "A length that is too small makes the class driver call the write incomplete.",
          OUT(512, 0xC3, 0x2A, 0, 0, 0, 0, 2, 0, 0, 1)),
    COUNT("moved-test-unit-ready", "TEST UNIT READY", 0, BUS_DISK, false, 0, "There are no data.",
          TEST_UNIT_READY),
    FAILURE("failed-opcode", "an operation code that does not exist, C7h", BUS_DISK,
            "The buffer's old contents would pass for an answer.", IN(64, 0xC7)),
    FAILURE("failed-opcode-cdrom", "an operation code that does not exist, C7h", BUS_CDROM,
            "The buffer's old contents would pass for an answer.", IN(64, 0xC7)),
    FAILURE("failed-field", "INQUIRY with CMDDT", BUS_DISK,
            "The buffer's old contents would pass for an answer.", IN(64, 0x12, 0x02, 0, 0, 64)),
    FAILURE("failed-range", "READ(10) beyond the end", BUS_DISK,
            "The file system would believe that a read beyond the end succeeded.",
            {.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
             .direction = HOST_DATA_IN,
             .length = 512,
             .lba = LBA_END}),
    FAILURE("failed-range-cdrom", "READ(10) beyond the end", BUS_CDROM,
            "The file system would believe that a read beyond the end succeeded.",
            {.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
             .direction = HOST_DATA_IN,
             .length = 2048,
             .lba = LBA_END}),
    FAILURE("failed-write-protected", "WRITE(10) to a read-only disk", BUS_READ_ONLY,
            "The file system would believe that its data were written.",
            OUT(512, 0xC3, 0x2A, 0, 0, 0, 0, 2, 0, 0, 1)),
    FAILURE("failed-short-buffer", "READ(10), 8 blocks into a buffer of one", BUS_DISK,
            "512 bytes of old contents would pass for data.",
            IN(512, 0x28, 0, 0, 0, 0, 0, 0, 0, 8)),
    FAILURE("failed-no-medium", "READ(10) without a medium", BUS_REMOVABLE,
            "Old contents of the buffer would pass for data of a disk that has been taken out.",
            SEND(0x1B, 0, 0, 0, 0x02), IN(512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)),
    FAILURE("failed-absent-unit", "READ(10) of a unit that does not exist", BUS_DISK,
            "A disk that is gone would still seem to answer.",
            {.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
             .direction = HOST_DATA_IN,
             .length = 512,
             .lun = 5}),
};
const unsigned checks_transfer_count = sizeof(checks_transfer) / sizeof(checks_transfer[0]);
