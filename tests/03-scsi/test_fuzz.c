/**
 * \file
 * Any CDB at all: whatever it says, the rules of scsi_fixture.c's check_rules hold, nothing is
 * written outside the buffers, and no work item reaches beyond the file or beyond the buffer.
 */
#include "scsi_fixture.h"

#define ROUNDS 60000

static scsi_command_t command;

/**
 * A random CDB; most of them of a command that exists, with fields that are often small or extreme.
 */
static UCHAR random_cdb(ULONGLONG *seed, UCHAR cdb[16])
{
    const VMINI_SCSI_COMMAND *row = &VminiScsiCommands[fake_random(seed) % VminiScsiCommandCount];

    for (unsigned i = 0; i < 16; i++) {
        static const UCHAR favourites[] = {0, 0, 0, 0, 1, 2, 3, 8, 0x3F, 0x7F, 0x80, 0xFF};
        ULONGLONG number = fake_random(seed);

        cdb[i] = number % 4 == 0 ? (UCHAR)(number >> 8)
                                 : favourites[(number >> 8) % RTL_NUMBER_OF(favourites)];
    }
    if (fake_random(seed) % 16 == 0) {
        return (UCHAR)(1 + fake_random(seed) % 16);
    }
    if (fake_random(seed) % 2 == 0) { /* A tame one: else nearly every LBA is out of range. */
        cdb[1] &= 0x1F;
        memset(&cdb[2], 0, row->CdbLength - 2u);
        cdb[2 + fake_random(seed) % (row->CdbLength - 2u)] = (UCHAR)(fake_random(seed) % 5);
        cdb[row->CdbLength == 10   ? 8
            : row->CdbLength == 12 ? 9
                                   : 13] = (UCHAR)(fake_random(seed) % 9);
    }
    cdb[0] = row->OperationCode;
    if (row->ServiceAction != VMINI_NO_SERVICE_ACTION && fake_random(seed) % 8 != 0) {
        cdb[1] = row->ServiceAction;
    }
    cdb[row->CdbLength - 1] &= (UCHAR) ~(fake_random(seed) % 8 == 0 ? 0 : 0x04);
    return row->CdbLength;
}

static ULONG random_room(ULONGLONG *seed)
{
    static const ULONG rooms[] = {0, 1, 4, 8, 18, 36, 255, 512, 2048, 4096, 65536};

    return fake_random(seed) % 2 == 0 ? rooms[fake_random(seed) % RTL_NUMBER_OF(rooms)]
                                      : (ULONG)(fake_random(seed) % 1024);
}

/** The bytes of Buffer that a command uses. */
static ULONG buffer_bytes(const VMINI_WORK_ITEM *work)
{
    switch (work->Command) {
    case VminiDoWriteSame:
    case VminiDoZero:
    case VminiDoAllocated:
        return work->Size;
    case VminiDoCompareWrite:
        return 2 * work->Length;
    default:
        return work->Length;
    }
}

/** What is zeroed lies inside the file. */
static void check_ranges(PVMINI_UNIT unit, const VMINI_WORK_ITEM *work)
{
    const FILE_ZERO_DATA_INFORMATION *range = (const void *)work->Buffer;

    CU_ASSERT(unit->Thin);
    CU_ASSERT(work->Size != 0 && work->Size % sizeof(*range) == 0);
    for (ULONG i = 0; i < work->Size / sizeof(*range); i++) {
        CU_ASSERT(range[i].FileOffset.QuadPart >= 0 &&
                  range[i].FileOffset.QuadPart <= range[i].BeyondFinalZero.QuadPart);
        CU_ASSERT((ULONGLONG)range[i].BeyondFinalZero.QuadPart <= unit->BlockCount * 512);
    }
}

/** A command that may change the medium. */
static bool writes(const VMINI_WORK_ITEM *work)
{
    return work->Command == VminiDoWrite || work->Command == VminiDoWriteVerify ||
           work->Command == VminiDoCompareWrite || work->Command == VminiDoOrWrite ||
           work->Command == VminiDoWriteSame || work->Command == VminiDoZero;
}

/** What was queued lies inside the file and, if it moves data, inside the buffer. */
static void check_work(PVMINI_UNIT unit)
{
    const VMINI_WORK_ITEM *work = &command.request.Work;
    bool moves = work->Command == VminiDoRead || work->Command == VminiDoWrite;

    CU_ASSERT((unsigned __int128)work->Offset + work->Length <=
              (unsigned __int128)unit->BlockCount * unit->BlockSize);
    CU_ASSERT(!writes(work) || !VminiUnitIsProtected(unit));
    CU_ASSERT(!writes(work) || work->WriteThrough || (unit->Mode & VMINI_MODE_WRITE_CACHE) != 0);
    if (moves) {
        CU_ASSERT(work->Length != 0 && work->Length <= command.fake.data_length);
        CU_ASSERT_PTR_EQUAL(work->Va, command.fake.data);
    } else if (work->Buffer != NULL) {
        volatile UCHAR last = work->Buffer[buffer_bytes(work) - 1]; /* readable to its end */

        (void)last;
    } else {
        CU_ASSERT(work->Command == VminiDoFlush || work->Command == VminiDoCompare);
    }
    if (work->Command == VminiDoZero) {
        check_ranges(unit, work);
    }
}

/** Ends the work item in some way. */
static void end_work(ULONGLONG *seed)
{
    static const NTSTATUS ends[] = {STATUS_SUCCESS,      STATUS_SUCCESS,         STATUS_SUCCESS,
                                    STATUS_DISK_FULL,    STATUS_CANCELLED,       STATUS_END_OF_FILE,
                                    STATUS_UNSUCCESSFUL, VMINI_STATUS_MISCOMPARE};
    bool asks = command.request.Work.Command == VminiDoAllocated;
    ULONG length = asks ? command.request.Work.Size : command.request.Work.Length;
    NTSTATUS status = ends[fake_random(seed) % RTL_NUMBER_OF(ends)];
    ULONG moved = fake_random(seed) % 4 != 0 ? length : (ULONG)(fake_random(seed) % (length + 1u));
    bool whole = asks || command.request.Work.Command == VminiDoFlush || moved == length;
    UCHAR result;

    command.data_out = !asks;
    if (asks) { /* The file system's answer: anything. */
        for (ULONG i = 0; i < length; i++) {
            command.request.Work.Buffer[i] = (UCHAR)(fake_random(seed) >> 8);
        }
    }
    result = scsi_work_done(&command, status, moved);
    if (result == SRB_STATUS_SUCCESS) {
        CU_ASSERT(status == STATUS_SUCCESS && whole);
    }
}

static void any_cdb_obeys_the_rules(void)
{
    PVMINI_UNIT kinds[] = {&units.disk, &units.removable, &units.read_only, &units.cdrom,
                           &units.big,  &units.thin,      &units.thin_big,  NULL};
    ULONGLONG seed = 20240229;
    unsigned round, good = 0, bad = 0, queued = 0;

    for (round = 0; round < ROUNDS; round++) {
        PVMINI_UNIT unit = kinds[fake_random(&seed) % RTL_NUMBER_OF(kinds)];
        UCHAR cdb[16];
        UCHAR length = random_cdb(&seed, cdb);

        units.removable.Ejected = fake_random(&seed) % 8 == 0;
        units.cdrom.Ejected = fake_random(&seed) % 8 == 0;
        if (unit != NULL) {
            unit->Mode = (LONG)(fake_random(&seed) % 8);
        }
        scsi_command(&command, unit, cdb, length, random_room(&seed));
        memcpy(command.fake.cdb, cdb, sizeof(cdb)); /* A short CDB has something behind it, too. */
        command.fake.form = fake_random(&seed) % 2 == 0 ? FAKE_LEGACY : FAKE_EXTENDED;
        command.fake.sense_length = (UCHAR)(fake_random(&seed) % 33);
        command.fake.flags = fake_random(&seed) % 16 == 0 ? SRB_FLAGS_DISABLE_AUTOSENSE : 0;
        fake_port.fail_mapping = fake_random(&seed) % 64 == 0;
        fake_port.fail_pool = fake_random(&seed) % 64 == 0;
        if (scsi_run(&command) == SRB_STATUS_PENDING) {
            queued++;
            check_work(unit);
            end_work(&seed);
        }
        good += command.fake.srb_status == SRB_STATUS_SUCCESS;
        bad += command.fake.srb_status != SRB_STATUS_SUCCESS;
    }
    /* A fuzzer that only ever hits the first check proves nothing. */
    CU_ASSERT(good > ROUNDS / 10 && bad > ROUNDS / 10 && queued > ROUNDS / 30);
}

CU_ErrorCode register_fuzz_suite(void);
CU_ErrorCode register_fuzz_suite(void)
{
    CU_TestInfo tests[] = {
        {"any CDB obeys the rules", any_cdb_obeys_the_rules},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: any CDB", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
