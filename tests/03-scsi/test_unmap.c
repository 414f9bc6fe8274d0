/**
 * \file
 * UNMAP and GET LBA STATUS: the lists that come in and go out, and the limits of both.
 */
#include "scsi_fixture.h"

#define UNMAP(length) CDB(0x42, 0, 0, 0, 0, 0, 0, (length) >> 8, (length)&0xFF, 0)
#define LBA_STATUS(lba, room)                                                                      \
    CDB(0x9E, 0x12, 0, 0, 0, 0, 0, 0, (lba) >> 8, (lba)&0xFF, 0, 0, (room) >> 8, (room)&0xFF, 0, 0)

static scsi_command_t command;
static UCHAR list[8 + 16 * 300];

/** Fills a descriptor of the list. */
static void descriptor(unsigned number, ULONGLONG lba, ULONG blocks)
{
    memset(&list[8 + 16 * number], 0, 16);
    VminiWriteBe64(&list[8 + 16 * number], lba);
    VminiWriteBe32(&list[16 + 16 * number], blocks);
}

/** Sends so many of them. */
static UCHAR unmap(PVMINI_UNIT unit, unsigned count)
{
    ULONG length = 8 + 16 * count;

    VminiWriteBe16(&list[0], (USHORT)(length - 2));
    VminiWriteBe16(&list[2], (USHORT)(length - 8));
    scsi_command(&command, unit, UNMAP(length), length);
    command.data_out = true;
    command.sent = list;
    return scsi_run(&command);
}

static void expect_ranges(ULONG count)
{
    CU_ASSERT_FATAL(command.fake.completions == 0 && command.request.Work.Command == VminiDoZero);
    CU_ASSERT_EQUAL(command.request.Work.Size, count * sizeof(FILE_ZERO_DATA_INFORMATION));
}

static const FILE_ZERO_DATA_INFORMATION *range(unsigned number)
{
    return (const FILE_ZERO_DATA_INFORMATION *)(const void *)command.request.Work.Buffer + number;
}

static void descriptors_become_ranges(void)
{
    descriptor(0, 8, 16);
    descriptor(1, 0, 0);
    descriptor(2, 999, 1);
    descriptor(3, 1000, 0); /* No blocks at the very end are no error. */
    unmap(&units.thin, 4);
    expect_ranges(4);
    CU_ASSERT(range(0)->FileOffset.QuadPart == 8 * 512 &&
              range(0)->BeyondFinalZero.QuadPart == 24 * 512);
    CU_ASSERT(range(1)->FileOffset.QuadPart == 0 && range(1)->BeyondFinalZero.QuadPart == 0);
    CU_ASSERT(range(2)->FileOffset.QuadPart == 999 * 512 &&
              range(2)->BeyondFinalZero.QuadPart == 1000 * 512);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_GOOD(&command, 8 + 4 * 16);
    descriptor(0, (1ull << 34) - 0xFFFFFFFFull, 0xFFFFFFFF);
    unmap(&units.thin_big, 1);
    CU_ASSERT_EQUAL(range(0)->BeyondFinalZero.QuadPart, 1ll << 43);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_GOOD(&command, 24);
}

static void lists_without_descriptors_are_no_error(void)
{
    scsi(&command, &units.thin, UNMAP(0), 0);
    EXPECT_GOOD(&command, 0);
    unmap(&units.thin, 0);
    EXPECT_GOOD(&command, 8);
    VminiWriteBe16(&list[2], 15); /* Not even one descriptor. */
    scsi_command(&command, &units.thin, UNMAP(24), 24);
    command.data_out = true;
    command.sent = list;
    scsi_run(&command);
    EXPECT_GOOD(&command, 24);
}

/** The two lengths need not agree: no more is looked at than both of them cover. */
static void a_list_that_is_cut_off(void)
{
    unsigned length;

    descriptor(0, 8, 16);
    descriptor(1, 2000, 16); /* Out of range, if it is looked at. */
    for (length = 1; length < 40; length++) {
        VminiWriteBe16(&list[2], 32);
        scsi_command(&command, &units.thin, UNMAP(length), length);
        command.data_out = true;
        command.sent = list;
        scsi_run(&command);
        if (length < 8) {
            EXPECT_SENSE(&command, 0x051A00);
        } else if (length < 24) {
            EXPECT_GOOD(&command, length);
        } else {
            expect_ranges(1);
            scsi_work_done(&command, STATUS_SUCCESS, 0);
        }
    }
    VminiWriteBe16(&list[2], 16);
    scsi_command(&command, &units.thin, UNMAP(40), 40);
    command.data_out = true;
    command.sent = list;
    scsi_run(&command);
    expect_ranges(1);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    scsi_command(&command, &units.thin, UNMAP(40), 39); /* The SRB has less than the CDB says. */
    command.data_out = true;
    command.sent = list;
    scsi_run(&command);
    EXPECT_FIELD(&command, 7, -1);
}

static void all_or_nothing(void)
{
    descriptor(0, 8, 16);
    descriptor(1, 990, 11);
    unmap(&units.thin, 2);
    EXPECT_SENSE(&command, 0x052100);
    EXPECT_INFORMATION(&command, 1000);
    descriptor(1, MAXULONGLONG, 1);
    unmap(&units.thin, 2);
    EXPECT_SENSE(&command, 0x052100);
    descriptor(1, 1001, 0);
    unmap(&units.thin, 2);
    EXPECT_SENSE(&command, 0x052100);
}

static void no_more_descriptors_than_page_b0_says(void)
{
    unsigned i;

    for (i = 0; i < 257; i++) {
        descriptor(i, i, 1);
    }
    unmap(&units.thin, 256);
    expect_ranges(256);
    CU_ASSERT_EQUAL(range(255)->FileOffset.QuadPart, 255 * 512);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_GOOD(&command, 8 + 256 * 16);
    unmap(&units.thin, 257);
    EXPECT_PARAMETER(&command, 2, -1);
}

static void refusals(void)
{
    descriptor(0, 8, 16);
    unmap(&units.disk, 1); /* not thin: no such command */
    EXPECT_SENSE(&command, 0x052000);
    scsi_command(&command, &units.thin, CDB(0x42, 1, 0, 0, 0, 0, 0, 0, 24, 0), 24); /* ANCHOR */
    scsi_run(&command);
    EXPECT_FIELD(&command, 1, 0);
    units.thin.Mode |= VMINI_MODE_WRITE_PROTECT;
    unmap(&units.thin, 1);
    EXPECT_SENSE(&command, 0x072700);
    units.thin.Mode = 0;
    unmap(&units.thin, 1);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_DISK_FULL, 0);
    EXPECT_SENSE(&command, 0x072707);
    unmap(&units.thin, 1);
    command.request.Work.Writing = TRUE;
    scsi_work_done(&command, STATUS_UNSUCCESSFUL, 0);
    EXPECT_SENSE(&command, 0x030C00);
    CU_ASSERT_EQUAL(command.fake.sense[0], 0x70); /* It is not known which block. */
    fake_port.fail_pool = true;
    unmap(&units.thin, 1);
    EXPECT_SENSE(&command, 0x0B5503);
    fake_port.fail_pool = false;
    fake_port.fail_mapping = true;
    unmap(&units.thin, 1);
    EXPECT_SENSE(&command, 0x0B5503);
}

/* --- GET LBA STATUS --- */

/** Asks at `lba`; the file system answers with so many ranges, of bytes. */
static void status(ULONGLONG lba, ULONG room, const LONGLONG (*ranges)[2], unsigned count)
{
    FILE_ALLOCATED_RANGE_BUFFER *query;
    unsigned i;

    scsi(&command, &units.thin, LBA_STATUS(lba, room), 255);
    CU_ASSERT_FATAL(command.fake.completions == 0);
    CU_ASSERT_EQUAL(command.request.Work.Command, VminiDoAllocated);
    query = (FILE_ALLOCATED_RANGE_BUFFER *)(void *)command.request.Work.Buffer;
    CU_ASSERT_EQUAL(query[0].FileOffset.QuadPart, (LONGLONG)lba * 512);
    CU_ASSERT_EQUAL(query[0].Length.QuadPart, (LONGLONG)(DISK_BLOCKS - lba) * 512);
    CU_ASSERT_FATAL(command.request.Work.Size >= (count + 1) * sizeof(*query));
    for (i = 0; i < count; i++) {
        query[i + 1].FileOffset.QuadPart = ranges[i][0];
        query[i + 1].Length.QuadPart = ranges[i][1] - ranges[i][0];
    }
    scsi_work_done(&command, STATUS_SUCCESS, count * sizeof(*query));
}

/** Descriptor `number` is this one. */
static void expect_descriptor(unsigned number, ULONGLONG lba, ULONG blocks, UCHAR provisioning)
{
    const UCHAR *at = command.data + 8 + 16 * number;

    CU_ASSERT_EQUAL(VminiReadBe64(at), lba);
    CU_ASSERT_EQUAL(VminiReadBe32(at + 8), blocks);
    CU_ASSERT_EQUAL(at[12], provisioning);
    CU_ASSERT(fake_all(at + 13, 3, 0));
}

static void holes_and_data_in_turn(void)
{
    static const LONGLONG two[][2] = {{8 * 512, 16 * 512}, {100 * 512, 1000 * 512}};

    status(0, 255, two, 2);
    EXPECT_GOOD(&command, 8 + 4 * 16);
    CU_ASSERT_EQUAL(VminiReadBe32(command.data), 4 + 4 * 16);
    expect_descriptor(0, 0, 8, 1);
    expect_descriptor(1, 8, 8, 0);
    expect_descriptor(2, 16, 84, 1);
    expect_descriptor(3, 100, 900, 0);
    status(0, 255, NULL, 0); /* no data at all */
    EXPECT_GOOD(&command, 8 + 16);
    expect_descriptor(0, 0, 1000, 1);
    status(999, 255, NULL, 0);
    EXPECT_GOOD(&command, 8 + 16);
    expect_descriptor(0, 999, 1, 1);
}

/** The file system rounds to units of its own; the answer begins where it was asked for. */
static void the_first_descriptor_begins_at_the_lba(void)
{
    static const LONGLONG wide[][2] = {{0, 300 * 512}};

    status(130, 255, wide, 1);
    EXPECT_GOOD(&command, 8 + 2 * 16);
    expect_descriptor(0, 130, 170, 0);
    expect_descriptor(1, 300, 700, 1);
}

/** A block with any byte of data is mapped; data behind the last block are not told. */
static void blocks_are_whole(void)
{
    static const LONGLONG odd[][2] = {{8 * 512 + 100, 9 * 512 + 1}, {990 * 512, 1200 * 512}};

    status(0, 255, odd, 2);
    EXPECT_GOOD(&command, 8 + 4 * 16);
    expect_descriptor(0, 0, 8, 1);
    expect_descriptor(1, 8, 2, 0);
    expect_descriptor(2, 10, 980, 1);
    expect_descriptor(3, 990, 10, 0);
}

/** More ranges than there is room for: what comes after the last one is not known. */
static void a_full_answer_stops(void)
{
    LONGLONG many[7][2];
    unsigned i;

    for (i = 0; i < 7; i++) {
        many[i][0] = (i + 1) * 16 * 512;
        many[i][1] = many[i][0] + 8 * 512;
    }
    status(0, 255, (const LONGLONG(*)[2])many, 7);
    EXPECT_GOOD(&command, 8 + 14 * 16);
    expect_descriptor(13, 7 * 16, 8, 0);
    status(0, 255, (const LONGLONG(*)[2])many, 6);
    EXPECT_GOOD(&command, 8 + 13 * 16);
    expect_descriptor(12, 6 * 16 + 8, 1000 - 6 * 16 - 8, 1);
}

static void a_disk_that_is_not_thin_is_mapped(void)
{
    scsi(&command, &units.disk, LBA_STATUS(10, 255), 255);
    EXPECT_GOOD(&command, 24);
    CU_ASSERT_EQUAL(VminiReadBe32(command.data), 20);
    expect_descriptor(0, 10, 990, 0);
    scsi(&command, &units.big, LBA_STATUS(10, 255), 255);
    EXPECT_GOOD(&command, 24);
    expect_descriptor(0, 10, 0xFFFFFFFF, 0); /* As many as the field can say. */
}

static void the_allocation_length_cuts_it(void)
{
    ULONG length;

    for (length = 0; length < 30; length++) {
        scsi(&command, &units.disk, LBA_STATUS(10, length), 255);
        EXPECT_GOOD(&command, min(length, 24));
    }
}

static void the_block_must_exist(void)
{
    scsi(&command, &units.thin, LBA_STATUS(1000, 24), 24);
    EXPECT_SENSE(&command, 0x052100);
    EXPECT_INFORMATION(&command, 1000);
    scsi(&command, &units.disk, LBA_STATUS(1001, 24), 24);
    EXPECT_SENSE(&command, 0x052100);
    units.removable.Ejected = 1;
    scsi(&command, &units.removable, LBA_STATUS(0, 24), 24);
    EXPECT_SENSE(&command, 0x023A00);
}

static void the_file_system_fails(void)
{
    scsi(&command, &units.thin, LBA_STATUS(0, 24), 24);
    scsi_work_done(&command, STATUS_UNSUCCESSFUL, 0);
    EXPECT_SENSE(&command, 0x031100);
    CU_ASSERT_EQUAL(command.fake.sense[0], 0x70);
    fake_port.fail_pool = true;
    scsi(&command, &units.thin, LBA_STATUS(0, 24), 24);
    EXPECT_SENSE(&command, 0x0B5503);
}

CU_ErrorCode register_unmap_suite(void);
CU_ErrorCode register_unmap_suite(void)
{
    CU_TestInfo tests[] = {
        {"descriptors become ranges", descriptors_become_ranges},
        {"lists without descriptors are no error", lists_without_descriptors_are_no_error},
        {"a list that is cut off", a_list_that_is_cut_off},
        {"all or nothing", all_or_nothing},
        {"no more descriptors than page B0h says", no_more_descriptors_than_page_b0_says},
        {"refusals", refusals},
        {"holes and data in turn", holes_and_data_in_turn},
        {"the first descriptor begins at the LBA", the_first_descriptor_begins_at_the_lba},
        {"blocks are whole", blocks_are_whole},
        {"a full answer stops", a_full_answer_stops},
        {"a disk that is not thin is mapped", a_disk_that_is_not_thin_is_mapped},
        {"the allocation length cuts it", the_allocation_length_cuts_it},
        {"the block must exist", the_block_must_exist},
        {"the file system fails", the_file_system_fails},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"03 scsi: UNMAP, GET LBA STATUS", NULL, NULL, scsi_setup, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
