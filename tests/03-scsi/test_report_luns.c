/**
 * \file
 * REPORT LUNS, SPC-4 6.33.
 */
#include "scsi_fixture.h"

#define REPORT_LUNS(select, length)                                                                \
    CDB(0xA0, 0, (select), 0, 0, 0, (UCHAR)((length) >> 24), (UCHAR)((length) >> 16),              \
        (UCHAR)((length) >> 8), (UCHAR)(length), 0, 0)

static scsi_command_t command;

static void the_list_names_every_unit(void)
{
    scsi_set_luns((const UCHAR[]){0, 5, 254}, 3);
    scsi(&command, &units.disk, REPORT_LUNS(0, 255), 255);
    EXPECT_GOOD(&command, 32);
    CU_ASSERT(memcmp(command.data,
                     "\0\0\0\x18\0\0\0\0"
                     "\0\x00\0\0\0\0\0\0"
                     "\0\x05\0\0\0\0\0\0"
                     "\0\xFE\0\0\0\0\0\0",
                     32) == 0);
}

static void lun_0_need_not_exist_to_answer(void)
{
    scsi_set_luns((const UCHAR[]){5}, 1);
    scsi(&command, NULL, REPORT_LUNS(0, 16), 16);
    EXPECT_GOOD(&command, 16);
    CU_ASSERT(memcmp(command.data, "\0\0\0\x08\0\0\0\0\0\x05\0\0\0\0\0\0", 16) == 0);
}

static void there_are_no_well_known_units(void)
{
    scsi(&command, &units.disk, REPORT_LUNS(1, 255), 255);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(fake_all(command.data, 8, 0));
    scsi(&command, &units.disk, REPORT_LUNS(2, 255), 255);
    EXPECT_GOOD(&command, 16);
}

static void other_selections_are_refused(void)
{
    unsigned select;

    for (select = 3; select < 256; select++) {
        scsi(&command, &units.disk, REPORT_LUNS(0, 255), 255);
        command.fake.cdb[2] = (UCHAR)select;
        scsi_run(&command);
        EXPECT_FIELD(&command, 2, -1);
    }
}

static void every_length_of_255_units_is_obeyed(void)
{
    UCHAR luns[255];
    ULONG length;

    for (length = 0; length < 255; length++) {
        luns[length] = (UCHAR)length;
    }
    scsi_set_luns(luns, 255);
    for (length = 0; length <= 8 + 255 * 8 + 9; length++) {
        ULONG moved = min(length, 8 + 255 * 8);

        scsi(&command, &units.disk, REPORT_LUNS(0, 4096), length);
        EXPECT_GOOD(&command, moved);
        scsi(&command, &units.disk, REPORT_LUNS(0, length), 4096);
        EXPECT_GOOD(&command, moved);
        CU_ASSERT(fake_all(command.data + length, 4096 - length, FAKE_POISON));
        if (moved >= 4) { /* The true length, however little of the list was asked for. */
            CU_ASSERT_EQUAL(VminiReadBe32(command.data), 255 * 8);
        }
        if (moved % 8 == 0 && moved > 8) {
            CU_ASSERT_EQUAL(command.data[moved - 7], moved / 8 - 2);
        }
    }
}

/** To make a list counts as telling Storport: one that cannot be handed over is not made. */
static void no_list_is_made_that_nobody_gets(void)
{
    scsi_command(&command, &units.disk, REPORT_LUNS(0, 255), 255);
    fake_port.fail_mapping = true;
    CU_ASSERT(SRB_STATUS(scsi_run(&command)) != SRB_STATUS_SUCCESS);
    CU_ASSERT_EQUAL(scsi_lists_made(), 0);
    fake_port.fail_mapping = false;
    scsi(&command, &units.disk, REPORT_LUNS(0, 255), 255);
    CU_ASSERT_EQUAL(scsi_lists_made(), 1);
}

CU_ErrorCode register_report_luns_suite(void);
CU_ErrorCode register_report_luns_suite(void)
{
    CU_TestInfo tests[] = {
        {"the list names every unit", the_list_names_every_unit},
        {"LUN 0 need not exist to answer", lun_0_need_not_exist_to_answer},
        {"there are no well known units", there_are_no_well_known_units},
        {"other selections are refused", other_selections_are_refused},
        {"every length of 255 units is obeyed", every_length_of_255_units_is_obeyed},
        {"no list is made that nobody gets", no_list_is_made_that_nobody_gets},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: REPORT LUNS", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
