/**
 * \file
 * VERIFY and SYNCHRONIZE CACHE: the other commands that name blocks (SBC-3 5.26, 5.27, 5.29 to
 * 5.31).
 */
#include "scsi_fixture.h"

#define BYTCHK(n) ((n) << 1)
#define VERIFY10(flags, lba, blocks)                                                               \
    CDB(0x2F, (flags), 0, 0, (lba) >> 8, (lba)&0xFF, 0, (blocks) >> 8, (blocks)&0xFF, 0)

static scsi_command_t command;
static UCHAR blocks[2048 * 512];

static void verify(const UCHAR *cdb, size_t length, ULONG room)
{
    scsi_command(&command, &units.disk, cdb, length, room);
    command.data_out = true;
    command.sent = blocks;
    scsi_run(&command);
}

static void fill_blocks(void)
{
    ULONGLONG seed = 1;

    for (size_t i = 0; i < sizeof(blocks); i++) {
        blocks[i] = (UCHAR)fake_random(&seed);
    }
}

static void bytchk_0_only_reads(void)
{
    verify(VERIFY10(BYTCHK(0), 5, 3), 0);
    EXPECT_WORK(&command, VminiDoCompare, 5 * 512, 3 * 512);
    CU_ASSERT_PTR_NULL(command.request.Work.Buffer);
    scsi_work_done(&command, STATUS_SUCCESS, 3 * 512);
    EXPECT_GOOD(&command, 0);
}

static void all_forms_say_the_same(void)
{
    verify(CDB(0xAF, 0, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0), 0);
    EXPECT_WORK(&command, VminiDoCompare, 5 * 512, 3 * 512);
    verify(CDB(0x8F, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0), 0);
    EXPECT_WORK(&command, VminiDoCompare, 5 * 512, 3 * 512);
}

static void bytchk_1_compares_with_the_data(void)
{
    fill_blocks();
    verify(VERIFY10(BYTCHK(1), 5, 3), 3 * 512);
    EXPECT_WORK(&command, VminiDoCompare, 5 * 512, 3 * 512);
    CU_ASSERT_PTR_EQUAL(command.request.Work.Buffer, command.fake.data);
    scsi_work_done(&command, STATUS_SUCCESS, 3 * 512);
    EXPECT_GOOD(&command, 3 * 512);
}

static void bytchk_3_compares_with_one_block(void)
{
    fill_blocks();
    verify(VERIFY10(BYTCHK(3), 5, 4), 512);
    EXPECT_WORK(&command, VminiDoCompare, 5 * 512, 4 * 512);
    for (unsigned i = 0; i < 4; i++) {
        CU_ASSERT(memcmp(command.request.Work.Buffer + i * 512, blocks, 512) == 0);
    }
    CU_ASSERT_EQUAL(fake_port.pool_blocks, 1);
    scsi_work_done(&command, STATUS_SUCCESS, 4 * 512); /* and the copies are freed */
    EXPECT_GOOD(&command, 512);
}

static void bytchk_2_is_reserved(void)
{
    verify(VERIFY10(BYTCHK(2), 5, 3), 3 * 512);
    EXPECT_FIELD(&command, 1, 2);
}

static void data_that_differ_are_a_miscompare(void)
{
    fill_blocks();
    verify(VERIFY10(BYTCHK(1), 5, 3), 3 * 512);
    scsi_work_done(&command, VMINI_STATUS_MISCOMPARE, 777);
    EXPECT_SENSE(&command, 0x0E1D00);
    EXPECT_INFORMATION(&command, 777);
    verify(VERIFY10(BYTCHK(3), 5, 3), 512);
    scsi_work_done(&command, VMINI_STATUS_MISCOMPARE, 0);
    EXPECT_SENSE(&command, 0x0E1D00);
    EXPECT_INFORMATION(&command, 0);
}

static void a_buffer_that_is_too_short_is_refused(void)
{
    verify(VERIFY10(BYTCHK(1), 5, 3), 3 * 512 - 1);
    EXPECT_FIELD(&command, 7, -1);
    verify(VERIFY10(BYTCHK(3), 5, 3), 511);
    EXPECT_FIELD(&command, 7, -1);
    verify(CDB(0x8F, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0), 0);
    EXPECT_FIELD(&command, 10, -1);
}

static void a_block_that_cannot_be_read_is_named(void)
{
    verify(VERIFY10(BYTCHK(0), 5, 3), 0);
    scsi_work_done(&command, STATUS_DEVICE_DATA_ERROR, 512);
    EXPECT_SENSE(&command, 0x031100);
    EXPECT_INFORMATION(&command, 6);
}

static void memory_that_is_missing_is_told(void)
{
    fake_port.fail_pool = true;
    verify(VERIFY10(BYTCHK(3), 5, 3), 512);
    EXPECT_SENSE(&command, 0x0B5503);
    fake_port.fail_mapping = true;
    verify(VERIFY10(BYTCHK(1), 5, 3), 3 * 512);
    EXPECT_SENSE(&command, 0x0B5503);
}

static void ranges_are_checked(void)
{
    verify(VERIFY10(0, DISK_BLOCKS - 1, 1), 0);
    EXPECT_WORK(&command, VminiDoCompare, (DISK_BLOCKS - 1) * 512, 512);
    verify(VERIFY10(0, DISK_BLOCKS - 1, 2), 0);
    EXPECT_SENSE(&command, 0x052100);
    verify(VERIFY10(0, 0, 0), 0); /* no blocks: nothing to verify */
    EXPECT_GOOD(&command, 0);
    verify(VERIFY10(0, DISK_BLOCKS + 1, 0), 0);
    EXPECT_SENSE(&command, 0x052100);
    verify(VERIFY10(0x20, 0, 1), 0); /* VRPROTECT */
    EXPECT_FIELD(&command, 1, 7);
    scsi(&command, &units.big, CDB(0x8F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0), 0);
    EXPECT_FIELD(&command, 10, -1); /* 2^32 bytes are more than page B0h allows */
}

#define SYNC10(flags, lba, count)                                                                  \
    CDB(0x35, (flags), 0, 0, (lba) >> 8, (lba)&0xFF, 0, (count) >> 8, (count)&0xFF, 0)

static void synchronize_cache_flushes_the_file(void)
{
    scsi(&command, &units.disk, SYNC10(0, 0, 0), 0);
    EXPECT_WORK(&command, VminiDoFlush, 0, 0);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.disk, CDB(0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0);
    EXPECT_WORK(&command, VminiDoFlush, 0, 0);
}

static void immed_waits_all_the_same(void)
{
    scsi(&command, &units.disk, SYNC10(2, 10, 10), 0);
    EXPECT_WORK(&command, VminiDoFlush, 0, 0);
}

static void a_flush_that_fails_is_told(void)
{
    scsi(&command, &units.disk, SYNC10(0, 0, 0), 0);
    scsi_work_done(&command, STATUS_IO_DEVICE_ERROR, 0);
    EXPECT_SENSE(&command, 0x030C00);
    CU_ASSERT_EQUAL(command.fake.sense[0], 0x70); /* No block in particular. */
    scsi(&command, &units.disk, SYNC10(0, 0, 0), 0);
    scsi_work_done(&command, STATUS_DISK_FULL, 0);
    EXPECT_SENSE(&command, 0x072707);
}

static void its_range_is_checked(void)
{
    scsi(&command, &units.disk, SYNC10(0, DISK_BLOCKS - 1, 1), 0);
    EXPECT_WORK(&command, VminiDoFlush, 0, 0);
    scsi(&command, &units.disk, SYNC10(0, DISK_BLOCKS - 1, 2), 0);
    EXPECT_SENSE(&command, 0x052100);
    scsi(&command, &units.big, CDB(0x91, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0), 0);
    EXPECT_SENSE(&command, 0x052100);
    scsi(&command, &units.big, CDB(0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0),
         0);
    EXPECT_WORK(&command, VminiDoFlush, 0, 0); /* Page B0h does not limit a flush. */
}

static void a_read_only_unit_has_nothing_to_flush(void)
{
    scsi(&command, &units.read_only, SYNC10(0, 0, 0), 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.read_only, SYNC10(0, DISK_BLOCKS, 1), 0);
    EXPECT_SENSE(&command, 0x052100);
}

static void without_a_medium_both_fail(void)
{
    units.removable.Ejected = 1;
    scsi(&command, &units.removable, VERIFY10(0, 0, 1), 0);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.removable, SYNC10(0, 0, 0), 0);
    EXPECT_SENSE(&command, 0x023A00);
}

CU_ErrorCode register_verify_suite(void);
CU_ErrorCode register_verify_suite(void)
{
    CU_TestInfo tests[] = {
        {"VERIFY: BYTCHK 0 only reads", bytchk_0_only_reads},
        {"VERIFY: all forms say the same", all_forms_say_the_same},
        {"VERIFY: BYTCHK 1 compares with the data", bytchk_1_compares_with_the_data},
        {"VERIFY: BYTCHK 3 compares with one block", bytchk_3_compares_with_one_block},
        {"VERIFY: BYTCHK 2 is reserved", bytchk_2_is_reserved},
        {"VERIFY: data that differ are a miscompare", data_that_differ_are_a_miscompare},
        {"VERIFY: a buffer that is too short is refused", a_buffer_that_is_too_short_is_refused},
        {"VERIFY: a block that cannot be read is named", a_block_that_cannot_be_read_is_named},
        {"VERIFY: memory that is missing is told", memory_that_is_missing_is_told},
        {"VERIFY: ranges are checked", ranges_are_checked},
        {"SYNCHRONIZE CACHE flushes the file", synchronize_cache_flushes_the_file},
        {"SYNCHRONIZE CACHE: IMMED waits all the same", immed_waits_all_the_same},
        {"SYNCHRONIZE CACHE: a flush that fails is told", a_flush_that_fails_is_told},
        {"SYNCHRONIZE CACHE: its range is checked", its_range_is_checked},
        {"SYNCHRONIZE CACHE: a read-only unit has nothing to flush",
         a_read_only_unit_has_nothing_to_flush},
        {"without a medium both fail", without_a_medium_both_fail},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"03 scsi: VERIFY and SYNCHRONIZE CACHE", NULL, NULL, scsi_setup, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
