/**
 * \file
 * PRE-FETCH and READ DEFECT DATA: commands about the blocks that move none of them.
 */
#include "scsi_fixture.h"

#define PREFETCH10(flags, lba, blocks)                                                             \
    CDB(0x34, (flags), 0, 0, (lba) >> 8, (lba)&0xFF, 0, (blocks) >> 8, (blocks)&0xFF, 0)
#define PREFETCH16(flags, lba, blocks)                                                             \
    CDB(0x90, (flags), 0, 0, 0, 0, 0, 0, (lba) >> 8, (lba)&0xFF, 0, 0, (blocks) >> 8,              \
        (blocks)&0xFF, 0, 0)

static scsi_command_t command;

static void blocks_are_read_and_the_answer_is_good(void)
{
    scsi(&command, &units.disk, PREFETCH10(0, 10, 20), 0);
    EXPECT_WORK(&command, VminiDoCompare, 10 * 512, 20 * 512);
    CU_ASSERT_PTR_NULL(command.request.Work.Buffer);
    scsi_work_done(&command, STATUS_SUCCESS, 20 * 512);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.read_only, PREFETCH16(0, 999, 1), 0);
    EXPECT_WORK(&command, VminiDoCompare, 999 * 512, 512);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    EXPECT_GOOD(&command, 0);
}

static void no_blocks_mean_the_rest(void)
{
    scsi(&command, &units.disk, PREFETCH10(0, 900, 0), 0);
    EXPECT_WORK(&command, VminiDoCompare, 900 * 512, 100 * 512);
    scsi_work_done(&command, STATUS_SUCCESS, 100 * 512);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.disk, PREFETCH16(0, DISK_BLOCKS, 0), 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.disk, PREFETCH16(0, DISK_BLOCKS + 1, 0), 0);
    EXPECT_SENSE(&command, 0x052100);
}

static void no_more_than_one_transfer_is_read(void)
{
    scsi(&command, &units.big, PREFETCH16(0, 0, 0), 0);
    EXPECT_WORK(&command, VminiDoCompare, 0, VMINI_MAXIMUM_TRANSFER_LENGTH);
    scsi_work_done(&command, STATUS_SUCCESS, VMINI_MAXIMUM_TRANSFER_LENGTH);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.big, PREFETCH10(0, 5, 0xFFFF), 0);
    EXPECT_WORK(&command, VminiDoCompare, 5 * 512, VMINI_MAXIMUM_TRANSFER_LENGTH);
    scsi_work_done(&command, STATUS_SUCCESS, VMINI_MAXIMUM_TRANSFER_LENGTH);
    EXPECT_GOOD(&command, 0);
}

static void immed_does_not_wait(void)
{
    scsi(&command, &units.disk, PREFETCH10(2, 0, 100), 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.disk, PREFETCH16(2, 0, 100), 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.disk, PREFETCH16(2, 1000, 1), 0);
    EXPECT_SENSE(&command, 0x052100);
}

static void blocks_that_are_not_there_cannot_be_fetched(void)
{
    scsi(&command, &units.disk, PREFETCH10(0, 999, 2), 0);
    EXPECT_SENSE(&command, 0x052100);
    EXPECT_INFORMATION(&command, DISK_BLOCKS);
    scsi(&command, &units.disk, PREFETCH16(0, 1001, 1), 0);
    EXPECT_SENSE(&command, 0x052100);
}

static void an_error_of_the_medium_is_told(void)
{
    scsi(&command, &units.disk, PREFETCH10(0, 10, 20), 0);
    scsi_work_done(&command, STATUS_UNSUCCESSFUL, 1024);
    EXPECT_SENSE(&command, 0x031100);
    EXPECT_INFORMATION(&command, 12);
}

static void there_are_no_defects(void)
{
    UCHAR wanted;

    for (wanted = 0; wanted < 0x20; wanted++) {
        bool known = (wanted & 7) <= 5;

        scsi(&command, &units.disk, CDB(0x37, 0, wanted, 0, 0, 0, 0, 0x01, 0x00, 0), 256);
        if (!known) {
            EXPECT_FIELD(&command, 2, 2);
        } else {
            EXPECT_GOOD(&command, 4);
            CU_ASSERT_EQUAL(command.data[1], wanted);
            CU_ASSERT(command.data[0] == 0 && VminiReadBe16(&command.data[2]) == 0);
        }
        scsi(&command, &units.disk, CDB(0xB7, wanted, 0, 0, 0, 0, 0, 0, 0x01, 0x00, 0, 0), 256);
        if (!known) {
            EXPECT_FIELD(&command, 1, 2);
        } else {
            EXPECT_GOOD(&command, 8);
            CU_ASSERT_EQUAL(command.data[1], wanted);
            CU_ASSERT(command.data[0] == 0 && fake_all(&command.data[2], 6, 0));
        }
    }
}

static void an_allocation_length_cuts_the_defect_list(void)
{
    UCHAR length;

    for (length = 0; length < 10; length++) {
        scsi(&command, &units.disk, CDB(0x37, 0, 0x1D, 0, 0, 0, 0, 0, length, 0), 64);
        EXPECT_GOOD(&command, min(length, 4));
        scsi(&command, &units.disk, CDB(0xB7, 0x1D, 0, 0, 0, 0, 0, 0, 0, length, 0, 0), 64);
        EXPECT_GOOD(&command, min(length, 8));
    }
}

static void all_of_them_need_a_medium(void)
{
    units.removable.Ejected = 1;
    scsi(&command, &units.removable, PREFETCH10(0, 0, 1), 0);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.removable, PREFETCH16(0, 0, 1), 0);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.removable, CDB(0x37, 0, 0, 0, 0, 0, 0, 0, 4, 0), 4);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.removable, CDB(0xB7, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), 8);
    EXPECT_SENSE(&command, 0x023A00);
}

CU_ErrorCode register_prefetch_suite(void);
CU_ErrorCode register_prefetch_suite(void)
{
    CU_TestInfo tests[] = {
        {"blocks are read and the answer is GOOD", blocks_are_read_and_the_answer_is_good},
        {"no blocks mean the rest", no_blocks_mean_the_rest},
        {"no more than one transfer is read", no_more_than_one_transfer_is_read},
        {"IMMED does not wait", immed_does_not_wait},
        {"blocks that are not there cannot be fetched",
         blocks_that_are_not_there_cannot_be_fetched},
        {"an error of the medium is told", an_error_of_the_medium_is_told},
        {"there are no defects", there_are_no_defects},
        {"an allocation length cuts the defect list", an_allocation_length_cuts_the_defect_list},
        {"all of them need a medium", all_of_them_need_a_medium},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"03 scsi: pre-fetch and defects", NULL, NULL, scsi_setup, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
