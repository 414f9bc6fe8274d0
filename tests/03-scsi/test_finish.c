/**
 * \file
 * How a work item's end becomes SCSI's: NTSTATUS to sense, short transfers, resets.
 */
#include "scsi_fixture.h"

static scsi_command_t command;

/** Starts a READ(10) or WRITE(10) of blocks 20 to 23. */
static void start(UCHAR opcode)
{
    scsi(&command, &units.disk, CDB(opcode, 0, 0, 0, 0, 20, 0, 0, 4, 0), 2048);
    CU_ASSERT_EQUAL(command.fake.completions, 0);
    command.data_out = true;
}

static void fail(UCHAR opcode, NTSTATUS status)
{
    start(opcode);
    scsi_work_done(&command, status, 0);
}

static void errors_of_the_medium_depend_on_the_direction(void)
{
    static const NTSTATUS errors[] = {STATUS_IO_DEVICE_ERROR,   STATUS_DEVICE_DATA_ERROR,
                                      STATUS_CRC_ERROR,         STATUS_END_OF_FILE,
                                      STATUS_UNSUCCESSFUL,      STATUS_DISK_CORRUPT_ERROR,
                                      STATUS_FILE_LOCK_CONFLICT};

    for (size_t i = 0; i < RTL_NUMBER_OF(errors); i++) {
        fail(0x28, errors[i]);
        EXPECT_SENSE(&command, 0x031100);
        EXPECT_INFORMATION(&command, 20);
        fail(0x2A, errors[i]);
        EXPECT_SENSE(&command, 0x030C00);
        EXPECT_INFORMATION(&command, 20);
    }
}

static void a_full_disk_is_data_protect(void)
{
    fail(0x2A, STATUS_DISK_FULL);
    EXPECT_SENSE(&command, 0x072707);
    fail(0x2A, STATUS_QUOTA_EXCEEDED);
    EXPECT_SENSE(&command, 0x072707);
}

static void a_file_that_became_read_only_is_write_protected(void)
{
    fail(0x2A, STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT_SENSE(&command, 0x072700);
    fail(0x2A, STATUS_ACCESS_DENIED);
    EXPECT_SENSE(&command, 0x072700);
}

static void missing_memory_is_an_aborted_command(void)
{
    fail(0x28, STATUS_INSUFFICIENT_RESOURCES);
    EXPECT_SENSE(&command, 0x0B5503);
    fail(0x28, STATUS_NO_MEMORY);
    EXPECT_SENSE(&command, 0x0B5503);
}

static void a_file_that_is_gone_is_not_ready(void)
{
    static const NTSTATUS errors[] = {STATUS_FILE_INVALID,         STATUS_FILE_DELETED,
                                      STATUS_FILE_CLOSED,          STATUS_VOLUME_DISMOUNTED,
                                      STATUS_NO_MEDIA_IN_DEVICE,   STATUS_NO_SUCH_DEVICE,
                                      STATUS_NETWORK_NAME_DELETED, STATUS_CONNECTION_DISCONNECTED,
                                      STATUS_DEVICE_REMOVED};

    for (size_t i = 0; i < RTL_NUMBER_OF(errors); i++) {
        fail(0x28, errors[i]);
        EXPECT_SENSE(&command, 0x020403);
        fail(0x2A, errors[i]);
        EXPECT_SENSE(&command, 0x020403);
    }
}

static void a_reset_leaves_no_sense(void)
{
    fail(0x28, STATUS_CANCELLED);
    CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_BUS_RESET);
    CU_ASSERT_EQUAL(command.fake.moved, 0);
}

static void a_transfer_that_moved_less_has_failed(void)
{
    ULONG moved;

    for (moved = 0; moved < 2048; moved += 37) { /* The file was cut short underneath. */
        start(0x28);
        scsi_work_done(&command, STATUS_SUCCESS, moved);
        EXPECT_SENSE(&command, 0x031100);
        EXPECT_INFORMATION(&command, 20 + moved / 512);
        start(0x2A);
        scsi_work_done(&command, STATUS_SUCCESS, moved);
        EXPECT_SENSE(&command, 0x030C00);
        EXPECT_INFORMATION(&command, 20 + moved / 512);
    }
}

static void no_status_but_success_succeeds(void)
{
    ULONGLONG seed = 3;
    unsigned i;

    for (i = 0; i < 20000; i++) {
        NTSTATUS status = (NTSTATUS)(0xC0000000u | (fake_random(&seed) & 0x3FF));

        fail(i % 2 == 0 ? 0x28 : 0x2A, status);
        CU_ASSERT_NOT_EQUAL(command.fake.srb_status, SRB_STATUS_SUCCESS);
    }
}

static void sense_is_written_as_far_as_there_is_room(void)
{
    static const fake_form_t forms[] = {FAKE_LEGACY, FAKE_EXTENDED};
    UCHAR whole[18];
    UCHAR length;

    scsi(&command, &units.disk, CDB(0x28, 0, 0xFF, 0, 0, 0, 0, 0, 1, 0), 512);
    memcpy(whole, command.fake.sense, sizeof(whole));
    for (size_t form = 0; form < RTL_NUMBER_OF(forms); form++) {
        for (length = 0; length <= 32; length++) {
            scsi_command(&command, &units.disk, CDB(0x28, 0, 0xFF, 0, 0, 0, 0, 0, 1, 0), 512);
            command.fake.form = forms[form];
            command.fake.sense_length = length;
            scsi_run(&command); /* check_rules looks at what lies beyond */
            CU_ASSERT_EQUAL(command.fake.srb_status, length == 0 ? 0x04 : 0x84);
            CU_ASSERT(memcmp(command.fake.sense, whole, min(length, 18)) == 0);
        }
    }
}

static void who_wants_no_sense_gets_none(void)
{
    scsi_command(&command, &units.disk, CDB(0xFF), 0);
    command.fake.flags = SRB_FLAGS_DISABLE_AUTOSENSE;
    scsi_run(&command);
    CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_ERROR);
    CU_ASSERT_EQUAL(command.fake.scsi_status, SCSISTAT_CHECK_CONDITION);
    scsi_command(&command, &units.disk, CDB(0xFF), 0);
    command.fake.no_sense = true;
    scsi_run(&command);
    CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_ERROR);
}

CU_ErrorCode register_finish_suite(void);
CU_ErrorCode register_finish_suite(void)
{
    CU_TestInfo tests[] = {
        {"errors of the medium depend on the direction",
         errors_of_the_medium_depend_on_the_direction},
        {"a full disk is DATA PROTECT", a_full_disk_is_data_protect},
        {"a file that became read-only is write-protected",
         a_file_that_became_read_only_is_write_protected},
        {"missing memory is an ABORTED COMMAND", missing_memory_is_an_aborted_command},
        {"a file that is gone is NOT READY", a_file_that_is_gone_is_not_ready},
        {"a reset leaves no sense", a_reset_leaves_no_sense},
        {"a transfer that moved less has failed", a_transfer_that_moved_less_has_failed},
        {"no status but success succeeds", no_status_but_success_succeeds},
        {"sense is written as far as there is room", sense_is_written_as_far_as_there_is_room},
        {"who wants no sense gets none", who_wants_no_sense_gets_none},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: how commands end", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
