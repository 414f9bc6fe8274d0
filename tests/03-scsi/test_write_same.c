/**
 * \file
 * WRITE SAME(10) and (16), SBC-3 5.43, 5.44: from CDB and data-out to a work item.
 */
#include "scsi_fixture.h"

#define SAME10(flags, lba, blocks)                                                                 \
    CDB(0x41, (flags), 0, 0, (lba) >> 8, (lba)&0xFF, 0, (blocks) >> 8, (blocks)&0xFF, 0)
#define SAME16(flags, lba, blocks)                                                                 \
    CDB(0x93, (flags), 0, 0, 0, 0, 0, 0, (lba) >> 8, (lba)&0xFF, (blocks) >> 24,                   \
        (blocks) >> 16 & 0xFF, (blocks) >> 8 & 0xFF, (blocks)&0xFF, 0, 0)
#define UNMAP 0x08
#define NDOB  0x01

static scsi_command_t command;
static const UCHAR zeros[1024], ones[1024] = {[0 ... 1023] = 1};

static UCHAR same(PVMINI_UNIT unit, const UCHAR *cdb, size_t length, const void *data, ULONG bytes)
{
    scsi_command(&command, unit, cdb, length, bytes);
    command.data_out = true;
    command.sent = data;
    return scsi_run(&command);
}

/** It waits for a range to become zero. */
static void expect_zero(ULONGLONG lba, ULONGLONG blocks)
{
    const VMINI_WORK_ITEM *work = &command.request.Work;
    const FILE_ZERO_DATA_INFORMATION *range = (const void *)work->Buffer;

    CU_ASSERT_FATAL(command.fake.completions == 0 && work->Command == VminiDoZero);
    CU_ASSERT(work->Size == sizeof(*range));
    CU_ASSERT(work->Offset == lba * 512 && work->Length == blocks * 512); /* Of the same bytes. */
    CU_ASSERT_EQUAL(range->FileOffset.QuadPart, (LONGLONG)lba * 512);
    CU_ASSERT_EQUAL(range->BeyondFinalZero.QuadPart, (LONGLONG)(lba + blocks) * 512);
    scsi_work_done(&command, STATUS_SUCCESS, blocks * 512);
}

/** It waits for zeros to be written: a block of them, though none was sent. */
static void expect_written_zeros(ULONGLONG lba, ULONGLONG blocks)
{
    EXPECT_WORK(&command, VminiDoWriteSame, lba * 512, (ULONG)blocks * 512);
    CU_ASSERT_EQUAL_FATAL(command.request.Work.Size, 512);
    CU_ASSERT(memcmp(command.request.Work.Buffer, zeros, 512) == 0);
    scsi_work_done(&command, STATUS_SUCCESS, blocks * 512);
}

static void one_block_goes_to_many(void)
{
    same(&units.disk, SAME10(0, 100, 300), ones, 512);
    EXPECT_WORK(&command, VminiDoWriteSame, 100 * 512, 300 * 512);
    CU_ASSERT_EQUAL(command.request.Work.Size, 512);
    CU_ASSERT(memcmp(command.request.Work.Buffer, ones, 512) == 0);
    scsi_work_done(&command, STATUS_SUCCESS, 300 * 512);
    EXPECT_GOOD(&command, 512);
    same(&units.thin, SAME16(0, 999, 1), zeros, 512); /* Without UNMAP zeros are written, too. */
    EXPECT_WORK(&command, VminiDoWriteSame, 999 * 512, 512);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    EXPECT_GOOD(&command, 512);
}

static void no_blocks_mean_the_rest(void)
{
    same(&units.disk, SAME10(0, 10, 0), ones, 512);
    EXPECT_WORK(&command, VminiDoWriteSame, 10 * 512, 990 * 512);
    scsi_work_done(&command, STATUS_SUCCESS, 990 * 512);
    EXPECT_GOOD(&command, 512);
    same(&units.disk, SAME16(0, 1000, 0), ones, 512);
    EXPECT_GOOD(&command, 512);
    same(&units.disk, SAME16(0, 1001, 0), ones, 512);
    EXPECT_SENSE(&command, 0x052100);
    same(&units.big, SAME10(0, 10, 0), ones, 512); /* That would be more than page B0h says. */
    EXPECT_FIELD(&command, 7, -1);
    same(&units.big, SAME16(0, 10, 0), ones, 512);
    EXPECT_FIELD(&command, 10, -1);
}

static void no_more_than_page_b0_says(void)
{
    same(&units.big, SAME16(0, 0, 0xFFFF), ones, 512);
    EXPECT_WORK(&command, VminiDoWriteSame, 0, 0xFFFF * 512);
    scsi_work_done(&command, STATUS_SUCCESS, 0xFFFF * 512);
    EXPECT_GOOD(&command, 512);
    same(&units.big, SAME16(0, 0, 0x10000), ones, 512);
    EXPECT_FIELD(&command, 10, -1);
    same(&units.disk, SAME10(0, 999, 2), ones, 512);
    EXPECT_SENSE(&command, 0x052100);
    EXPECT_INFORMATION(&command, 1000);
}

/** Zeros that may be unmapped are; other data are written (SBC-3 4.7.3.4.4). */
static void unmap_gives_zeros_back(void)
{
    same(&units.thin, SAME10(UNMAP, 8, 16), zeros, 512);
    expect_zero(8, 16);
    EXPECT_GOOD(&command, 512);
    same(&units.thin, SAME16(UNMAP, 900, 0), zeros, 512);
    expect_zero(900, 100);
    EXPECT_GOOD(&command, 512);
    same(&units.thin, SAME16(UNMAP, 8, 16), ones, 512);
    EXPECT_WORK(&command, VminiDoWriteSame, 8 * 512, 16 * 512);
    scsi_work_done(&command, STATUS_SUCCESS, 16 * 512);
    EXPECT_GOOD(&command, 512);
}

/** One byte that is not zero, wherever it is: the block is not zero. */
static void every_byte_counts(void)
{
    static UCHAR block[512];
    unsigned at;

    for (at = 0; at < 512; at++) {
        block[at] = 0x80;
        same(&units.thin, SAME10(UNMAP, 0, 1), block, 512);
        CU_ASSERT_EQUAL(command.request.Work.Command, VminiDoWriteSame);
        scsi_work_done(&command, STATUS_SUCCESS, 512);
        block[at] = 0;
    }
}

static void without_a_data_out_zeros_are_meant(void)
{
    same(&units.thin, SAME16(NDOB | UNMAP, 8, 16), zeros, 0);
    expect_zero(8, 16);
    EXPECT_GOOD(&command, 0);
    /* Without UNMAP nothing is given back, on a thin disk neither: zeros are written. */
    same(&units.disk, SAME16(NDOB, 8, 16), zeros, 0);
    expect_written_zeros(8, 16);
    EXPECT_GOOD(&command, 0);
    same(&units.thin, SAME16(NDOB, 8, 16), zeros, 0);
    expect_written_zeros(8, 16);
    EXPECT_GOOD(&command, 0);
    same(&units.disk, SAME16(NDOB, 1000, 0), zeros, 0); /* To the end, and there is nothing. */
    EXPECT_GOOD(&command, 0);
    same(&units.thin, SAME10(NDOB | UNMAP, 8, 16), zeros, 0); /* (10) has no such bit. */
    EXPECT_FIELD(&command, 1, 0);
}

static void flags_that_are_refused(void)
{
    same(&units.thin, SAME10(0x10, 0, 1), zeros, 512); /* ANCHOR */
    EXPECT_FIELD(&command, 1, 4);
    same(&units.thin, SAME16(0x18, 0, 1), zeros, 512); /* ANCHOR and UNMAP */
    EXPECT_FIELD(&command, 1, 4);
    same(&units.thin, SAME10(0x04, 0, 1), zeros, 512); /* PBDATA */
    EXPECT_FIELD(&command, 1, 2);
    same(&units.thin, SAME16(0x02, 0, 1), zeros, 512); /* LBDATA */
    EXPECT_FIELD(&command, 1, 1);
    same(&units.disk, SAME16(UNMAP, 0, 1), zeros, 512); /* not thin */
    EXPECT_FIELD(&command, 1, 3);
    same(&units.thin, SAME10(0x20, 0, 1), zeros, 512); /* WRPROTECT */
    EXPECT_FIELD(&command, 1, 7);
}

static void the_data_out_is_just_one_block(void)
{
    static const ULONG lengths[] = {0, 1, 256, 511, 513, 1024};
    size_t i;

    for (i = 0; i < RTL_NUMBER_OF(lengths); i++) {
        same(&units.thin, SAME10(0, 0, 1), ones, lengths[i]);
        EXPECT_FIELD(&command, 7, -1);
        same(&units.thin, SAME16(UNMAP, 0, 1), ones, lengths[i]);
        EXPECT_FIELD(&command, 10, -1);
    }
}

static void a_write_cache_that_is_off_is_written_through(void)
{
    units.thin.Mode = 0;
    same(&units.thin, SAME10(0, 0, 1), ones, 512);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    same(&units.thin, SAME10(UNMAP, 0, 1), zeros, 512);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    expect_zero(0, 1);
    units.thin.Mode = VMINI_MODE_WRITE_CACHE;
    same(&units.thin, SAME10(0, 0, 1), ones, 512);
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
}

static void failures(void)
{
    same(&units.read_only, SAME10(0, 0, 1), ones, 512);
    EXPECT_SENSE(&command, 0x072700);
    units.removable.Ejected = 1;
    same(&units.removable, SAME16(0, 0, 1), ones, 512);
    EXPECT_SENSE(&command, 0x023A00);
    same(&units.disk, SAME10(0, 7, 9), ones, 512);
    scsi_work_done(&command, STATUS_DISK_FULL, 1024);
    EXPECT_SENSE(&command, 0x072707);
    same(&units.disk, SAME10(0, 7, 9), ones, 512);
    command.request.Work.Writing = TRUE;
    scsi_work_done(&command, STATUS_UNSUCCESSFUL, 1024);
    EXPECT_SENSE(&command, 0x030C00);
    EXPECT_INFORMATION(&command, 9); /* The first block that was not written. */
    fake_port.fail_pool = true;
    same(&units.thin, SAME10(UNMAP, 7, 9), zeros, 512);
    EXPECT_SENSE(&command, 0x0B5503);
    same(&units.disk, SAME16(NDOB, 7, 9), zeros, 0);
    EXPECT_SENSE(&command, 0x0B5503);
    fake_port.fail_pool = false;
    fake_port.fail_mapping = true;
    same(&units.thin, SAME10(0, 7, 9), zeros, 512);
    EXPECT_SENSE(&command, 0x0B5503);
}

CU_ErrorCode register_write_same_suite(void);
CU_ErrorCode register_write_same_suite(void)
{
    CU_TestInfo tests[] = {
        {"one block goes to many", one_block_goes_to_many},
        {"no blocks mean the rest", no_blocks_mean_the_rest},
        {"no more than page B0h says", no_more_than_page_b0_says},
        {"UNMAP gives zeros back", unmap_gives_zeros_back},
        {"every byte counts", every_byte_counts},
        {"without a data-out zeros are meant", without_a_data_out_zeros_are_meant},
        {"flags that are refused", flags_that_are_refused},
        {"the data-out is just one block", the_data_out_is_just_one_block},
        {"a write cache that is off is written through",
         a_write_cache_that_is_off_is_written_through},
        {"failures", failures},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: WRITE SAME", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
