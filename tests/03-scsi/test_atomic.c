/**
 * \file
 * COMPARE AND WRITE, ORWRITE and WRITE AND VERIFY: what the workers are asked for, and what their
 * answers mean. (That they are atomic, tests/04-workers shows.)
 */
#include "scsi_fixture.h"

#define COMPARE(flags, lba, blocks)                                                                \
    CDB(0x89, (flags), 0, 0, 0, 0, 0, 0, (lba) >> 8, (lba)&0xFF, 0, 0, 0, (blocks), 0, 0)
#define ORWRITE(flags, lba, blocks)                                                                \
    CDB(0x8B, (flags), 0, 0, 0, 0, 0, 0, (lba) >> 8, (lba)&0xFF, 0, 0, (blocks) >> 8,              \
        (blocks)&0xFF, 0, 0)

static scsi_command_t command;
static UCHAR data[4096];

static UCHAR send(PVMINI_UNIT unit, const UCHAR *cdb, size_t length, ULONG bytes)
{
    scsi_command(&command, unit, cdb, length, bytes);
    command.data_out = true;
    if (bytes <= sizeof(data)) {
        command.sent = data;
    }
    return scsi_run(&command);
}

static void fill(void)
{
    scsi_setup();
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (UCHAR)(i * 7);
    }
}

/* --- COMPARE AND WRITE --- */

static void both_halves_reach_the_worker(void)
{
    send(&units.disk, COMPARE(0, 10, 2), 2048);
    EXPECT_WORK(&command, VminiDoCompareWrite, 10 * 512, 1024);
    CU_ASSERT(memcmp(command.request.Work.Buffer, data, 2048) == 0);
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 1024);
    EXPECT_GOOD(&command, 2048);
    send(&units.disk, COMPARE(0x18, 10, 2), 2048); /* DPO, FUA */
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 1024);
}

static void a_difference_is_a_miscompare(void)
{
    send(&units.disk, COMPARE(0, 10, 2), 2048);
    scsi_work_done(&command, VMINI_STATUS_MISCOMPARE, 700);
    EXPECT_SENSE(&command, 0x0E1D00);
    EXPECT_INFORMATION(&command, 700); /* The first byte of the data-out that differs. */
}

static void which_step_failed_is_told(void)
{
    send(&units.disk, COMPARE(0, 10, 2), 2048);
    scsi_work_done(&command, STATUS_UNSUCCESSFUL, 512); /* while it was comparing */
    EXPECT_SENSE(&command, 0x031100);
    EXPECT_INFORMATION(&command, 11);
    send(&units.disk, COMPARE(0, 10, 2), 2048);
    command.request.Work.Writing = TRUE;
    scsi_work_done(&command, STATUS_UNSUCCESSFUL, 512);
    EXPECT_SENSE(&command, 0x030C00);
    EXPECT_INFORMATION(&command, 11);
    send(&units.disk, COMPARE(0, 10, 2), 2048);
    command.request.Work.Writing = TRUE;
    scsi_work_done(&command, STATUS_SUCCESS, 512); /* a short write */
    EXPECT_SENSE(&command, 0x030C00);
}

static void the_data_out_is_just_two_halves(void)
{
    static const ULONG lengths[] = {0, 512, 1024, 2047, 2049, 4096};
    size_t i;

    for (i = 0; i < RTL_NUMBER_OF(lengths); i++) {
        send(&units.disk, COMPARE(0, 10, 2), lengths[i]);
        EXPECT_FIELD(&command, 13, -1);
    }
    send(&units.disk, COMPARE(0, 10, 0), 0);
    EXPECT_GOOD(&command, 0); /* Nothing to compare, nothing to write: no error. */
    send(&units.disk, COMPARE(0, 10, 0), 4096); /* 256 blocks, a byte cannot say it */
    EXPECT_FIELD(&command, 13, -1);
}

static void up_to_255_blocks(void)
{
    send(&units.disk, COMPARE(0, 10, 255), 2 * 255 * 512);
    EXPECT_WORK(&command, VminiDoCompareWrite, 10 * 512, 255 * 512);
    scsi_work_done(&command, STATUS_SUCCESS, 255 * 512);
    /* The bytes before the number are reserved: no part of it (SBC-4 5.3). */
    send(&units.disk, CDB(0x89, 0, 0, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3, 2, 0, 0), 2048);
    EXPECT_WORK(&command, VminiDoCompareWrite, 10 * 512, 1024);
    scsi_work_done(&command, STATUS_SUCCESS, 1024);
    EXPECT_GOOD(&command, 2048);
    /* Who means 256 blocks sends as many, and is told. */
    send(&units.disk, CDB(0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), 2 * 256 * 512);
    EXPECT_FIELD(&command, 13, -1);
}

/* --- ORWRITE --- */

static void bits_to_set_reach_the_worker(void)
{
    send(&units.disk, ORWRITE(0, 20, 8), 4096);
    EXPECT_WORK(&command, VminiDoOrWrite, 20 * 512, 4096);
    CU_ASSERT(memcmp(command.request.Work.Buffer, data, 4096) == 0);
    scsi_work_done(&command, STATUS_SUCCESS, 4096);
    EXPECT_GOOD(&command, 4096);
    send(&units.disk, ORWRITE(0x08, 20, 8), 4096);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 4096);
    send(&units.disk, ORWRITE(0, 20, 0), 0);
    EXPECT_GOOD(&command, 0);
    send(&units.disk, ORWRITE(0, 20, 8), 4095);
    EXPECT_FIELD(&command, 10, -1);
}

/* --- WRITE AND VERIFY --- */

static const UCHAR opcodes[] = {0x2E, 0xAE, 0x8E};

/** A WRITE AND VERIFY of 3 blocks at 30, in one of its forms. */
static UCHAR write_verify(unsigned form, UCHAR flags, ULONG bytes)
{
    UCHAR cdb[16] = {opcodes[form], flags};
    static const UCHAR lba_at[] = {5, 5, 9}, count_at[] = {8, 9, 13}, length[] = {10, 12, 16};

    cdb[lba_at[form]] = 30;
    cdb[count_at[form]] = 3;
    return send(&units.disk, cdb, length[form], bytes);
}

static void what_was_written_is_verified(void)
{
    unsigned form;

    for (form = 0; form < 3; form++) {
        write_verify(form, 0x00, 1536);
        EXPECT_WORK(&command, VminiDoWriteVerify, 30 * 512, 1536);
        CU_ASSERT(command.request.Work.WriteThrough && !command.request.Work.Comparing);
        CU_ASSERT(memcmp(command.request.Work.Buffer, data, 1536) == 0);
        scsi_work_done(&command, STATUS_SUCCESS, 1536);
        EXPECT_GOOD(&command, 1536);
        write_verify(form, 0x12, 1536); /* DPO, BYTCHK */
        CU_ASSERT(command.request.Work.WriteThrough && command.request.Work.Comparing);
        scsi_work_done(&command, VMINI_STATUS_MISCOMPARE, 5);
        EXPECT_SENSE(&command, 0x0E1D00);
        write_verify(form, 0x04, 1536);
        EXPECT_FIELD(&command, 1, 2);
        write_verify(form, 0x06, 1536);
        EXPECT_FIELD(&command, 1, 2);
        write_verify(form, 0x00, 1535);
        EXPECT_SENSE(&command, 0x052400);
    }
}

/* --- all of them --- */

static const UCHAR all[][16] = {
    {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
    {0x8B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
    {0x2E, 0, 0, 0, 0, 0, 0, 0, 1},
    {0xAE, 0, 0, 0, 0, 0, 0, 0, 0, 1},
    {0x8E, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
};

/** One block at 0, with a byte of the CDB set to something else. */
static UCHAR one_block(PVMINI_UNIT unit, size_t row, unsigned byte, UCHAR value)
{
    UCHAR cdb[16];

    memcpy(cdb, all[row], sizeof(cdb));
    cdb[byte] = value;
    return send(unit, cdb, 16, cdb[0] == 0x89 ? 1024 : 512);
}

static void what_all_writes_have_in_common(void)
{
    size_t row;

    for (row = 0; row < RTL_NUMBER_OF(all); row++) {
        CU_ASSERT_EQUAL(one_block(&units.disk, row, 1, 0), SRB_STATUS_PENDING);
        scsi_work_done(&command, STATUS_SUCCESS, 512);
        one_block(&units.disk, row, 1, 0x20); /* protection */
        EXPECT_FIELD(&command, 1, 7);
        one_block(&units.disk, row, 3, 0x01); /* far behind the end */
        EXPECT_SENSE(&command, 0x052100);
        one_block(&units.read_only, row, 1, 0);
        EXPECT_SENSE(&command, 0x072700);
        units.removable.Ejected = 1;
        one_block(&units.removable, row, 1, 0);
        EXPECT_SENSE(&command, 0x023A00);
        units.removable.Ejected = 0;
        units.disk.Mode = VMINI_MODE_WRITE_PROTECT;
        one_block(&units.disk, row, 1, 0);
        EXPECT_SENSE(&command, 0x072700);
        units.disk.Mode = 0;
        one_block(&units.disk, row, 1, 0);
        CU_ASSERT_TRUE(command.request.Work.WriteThrough);
        scsi_work_done(&command, STATUS_DISK_FULL, 0);
        EXPECT_SENSE(&command, 0x072707);
        units.disk.Mode = VMINI_MODE_WRITE_CACHE;
        fake_port.fail_mapping = true;
        one_block(&units.disk, row, 1, 0);
        EXPECT_SENSE(&command, 0x0B5503);
        fake_port.fail_mapping = false;
    }
}

CU_ErrorCode register_atomic_suite(void);
CU_ErrorCode register_atomic_suite(void)
{
    CU_TestInfo tests[] = {
        {"both halves reach the worker", both_halves_reach_the_worker},
        {"a difference is a miscompare", a_difference_is_a_miscompare},
        {"which step failed is told", which_step_failed_is_told},
        {"the data-out is just two halves", the_data_out_is_just_two_halves},
        {"up to 255 blocks", up_to_255_blocks},
        {"bits to set reach the worker", bits_to_set_reach_the_worker},
        {"what was written is verified", what_was_written_is_verified},
        {"what all writes have in common", what_all_writes_have_in_common},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: writes that read", NULL, NULL, fill, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
