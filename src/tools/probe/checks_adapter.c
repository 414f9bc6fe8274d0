/*
 * The adapter itself, and the older form of an SRB: what does not depend on the command.
 */
#include "tools/probe/families.h"

#define BUS_TYPE_VIRTUAL 0x0E
#define BUS_TYPE_FIBRE   0x06

static void judge_bus_type(const struct check *check, const struct transcript *transcript,
                           struct verdict *verdict)
{
    (void)check;
    if (transcript->bus_type != BUS_TYPE_VIRTUAL) {
        found(verdict, "bus type %02Xh%s", transcript->bus_type,
              transcript->bus_type == BUS_TYPE_FIBRE
                  ? ", Fibre: Storport's default without a BusType"
                  : "");
        mark(verdict, 0, AREA_STATUS, 0, 0);
    }
}

/** The vendor and the product are text: the data have arrived. */
#define LEGACY .legacy = true, .clause = "WDK SCSI_REQUEST_BLOCK"

const struct check checks_adapter[] = {
    {
        .id = "bus-type",
        .fix = 9,
        .severity = SEVERITY_ERROR,
        .command = "IOCTL_STORAGE_QUERY_PROPERTY, adapter descriptor",
        .clause = "WDK STORAGE_ADAPTER_DESCRIPTOR, INF AddReg Parameters\\BusType",
        .expect = "bus type 0Eh: BusTypeVirtual",
        .why = "Windows treats the disks as a Fibre Channel array's: clusters, SAN policy and MPIO "
               "take hold of them.",
        .steps = {TEST_UNIT_READY},
        .judge = judge_bus_type,
    },
    {
        .id = "legacy-inquiry",
        .severity = SEVERITY_ERROR,
        LEGACY,
        .command = "INQUIRY in a SCSI_REQUEST_BLOCK",
        .expect = "bytes 8 to 35: printable ASCII",
        .why = "Storport sends this form to a miniport that does not ask for the other.",
        .steps = {IN(36, 0x12, 0, 0, 0, 36)},
        .judge = judge_text,
        .field = {8, 28, 0, 0},
    },
    {
        .id = "legacy-read10",
        .severity = SEVERITY_ERROR,
        LEGACY,
        .command = "READ(10) in a SCSI_REQUEST_BLOCK",
        .expect = "success",
        .why = "Storport sends this form to a miniport that does not ask for the other.",
        .steps = {IN(512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_success,
    },
    {
        .id = "legacy-sense",
        .severity = SEVERITY_ERROR,
        LEGACY,
        .command = "READ(10) beyond the end in a SCSI_REQUEST_BLOCK",
        .expect = "out of range",
        .why = "The two forms have their sense buffer in different places.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = 512,
                   .lba = LBA_END}},
        .judge = judge_sense,
        .code = 0x052100,
    },
    {
        .id = "legacy-unsupported",
        .fix = 8,
        .severity = SEVERITY_ERROR,
        LEGACY,
        .command = "an operation code that does not exist, C7h, in a SCSI_REQUEST_BLOCK",
        .expect = "a command that does not exist",
        .why = "Without sense data a class driver can only guess, and try again.",
        .steps = {SEND(0xC7)},
        .judge = judge_sense,
        .code = 0x052000,
    },
    {
        .id = "legacy-moved",
        .fix = 2,
        .severity = SEVERITY_ERROR,
        LEGACY,
        .command = "READ(10), one block into a larger buffer, in a SCSI_REQUEST_BLOCK",
        .expect = "what was moved, not what was asked for",
        .why = "The two forms have the field in different places.",
        .steps = {IN(4096, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)},
        .judge = judge_moved_value,
        .field = {.value = 512},
    },
    {
        .id = "legacy-failed",
        .fix = 3,
        .severity = SEVERITY_ERROR,
        LEGACY,
        .command = "READ(10) beyond the end in a SCSI_REQUEST_BLOCK",
        .expect = "a request that failed has moved nothing",
        .why = "The two forms have the field in different places.",
        .steps = {{.cdb = {0x28, 0, 0, 0, 0, 0, 0, 0, 1},
                   .direction = HOST_DATA_IN,
                   .length = 512,
                   .lba = LBA_END}},
        .judge = judge_none_moved,
    },
};
const unsigned checks_adapter_count = sizeof(checks_adapter) / sizeof(checks_adapter[0]);
