/**
 * \file
 * TEST UNIT READY, REQUEST SENSE, START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL.
 */
#include "scsi_fixture.h"

#define READY         CDB(0x00, 0, 0, 0, 0, 0)
#define SENSE(d, n)   CDB(0x03, (d), 0, 0, (n), 0)
#define START_STOP(b) CDB(0x1B, 0, 0, 0, (b), 0)
#define PREVENT(n)    CDB(0x1E, 0, 0, 0, (n), 0)

enum { STOP = 0, START = 1, EJECT = 2, LOAD = 3, EJECT_NO_FLUSH = 6 };

static scsi_command_t command;

/** Ejects and expects success; a unit that can be written is flushed first. */
static void eject(PVMINI_UNIT unit)
{
    if (scsi(&command, unit, START_STOP(EJECT), 0) == SRB_STATUS_PENDING) {
        EXPECT_WORK(&command, VminiDoFlush, 0, 0);
        scsi_work_done(&command, STATUS_SUCCESS, 0);
    }
    EXPECT_GOOD(&command, 0);
}

static void a_unit_with_a_medium_is_ready(void)
{
    scsi(&command, &units.disk, READY, 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.cdrom, READY, 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.disk, READY, 512); /* A buffer does not matter: nothing moves. */
    EXPECT_GOOD(&command, 0);
}

static void an_ejected_medium_is_not_present(void)
{
    PVMINI_UNIT kinds[] = {&units.removable, &units.cdrom};

    for (size_t i = 0; i < RTL_NUMBER_OF(kinds); i++) {
        eject(kinds[i]);
        scsi(&command, kinds[i], READY, 0);
        EXPECT_SENSE(&command, 0x023A00);
        scsi(&command, kinds[i], START_STOP(LOAD), 0);
        EXPECT_GOOD(&command, 0);
        scsi(&command, kinds[i], READY, 0);
        EXPECT_GOOD(&command, 0);
    }
}

static void data_are_on_the_medium_before_it_leaves(void)
{
    scsi(&command, &units.removable, START_STOP(EJECT), 0);
    EXPECT_WORK(&command, VminiDoFlush, 0, 0);
    CU_ASSERT_EQUAL(units.removable.Ejected, 0);
    scsi_work_done(&command, STATUS_IO_DEVICE_ERROR, 0); /* It stays when that fails. */
    EXPECT_SENSE(&command, 0x030C00);
    CU_ASSERT_EQUAL(units.removable.Ejected, 0);
    scsi(&command, &units.removable, START_STOP(EJECT), 0);
    scsi_work_done(&command, STATUS_CANCELLED, 0);
    CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_BUS_RESET);
    CU_ASSERT_EQUAL(units.removable.Ejected, 0);
    scsi(&command, &units.removable, START_STOP(EJECT_NO_FLUSH), 0);
    EXPECT_GOOD(&command, 0);
    CU_ASSERT_EQUAL(units.removable.Ejected, 1);
}

static void a_held_medium_stays(void)
{
    PVMINI_UNIT kinds[] = {&units.removable, &units.cdrom};

    for (size_t i = 0; i < RTL_NUMBER_OF(kinds); i++) {
        scsi(&command, kinds[i], PREVENT(1), 0);
        EXPECT_GOOD(&command, 0);
        scsi(&command, kinds[i], START_STOP(EJECT_NO_FLUSH), 0);
        EXPECT_SENSE(&command, 0x055302);
        scsi(&command, kinds[i], READY, 0);
        EXPECT_GOOD(&command, 0);
        scsi(&command, kinds[i], PREVENT(0), 0);
        EXPECT_GOOD(&command, 0);
        eject(kinds[i]);
    }
}

static void a_medium_held_during_the_flush_stays(void)
{
    scsi(&command, &units.removable, START_STOP(EJECT), 0);
    units.removable.Prevented = 1;
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_SENSE(&command, 0x055302);
    CU_ASSERT_EQUAL(units.removable.Ejected, 0);
}

static void a_fixed_disk_cannot_be_ejected(void)
{
    scsi(&command, &units.disk, START_STOP(EJECT), 0);
    EXPECT_FIELD(&command, 4, 1);
    scsi(&command, &units.disk, START_STOP(LOAD), 0);
    EXPECT_FIELD(&command, 4, 1);
}

static void stopping_keeps_the_medium(void)
{
    scsi(&command, &units.removable, START_STOP(STOP), 0);
    EXPECT_WORK(&command, VminiDoFlush, 0, 0);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.removable, READY, 0);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.removable, START_STOP(START), 0);
    EXPECT_GOOD(&command, 0);
}

static void power_conditions_change_nothing(void)
{
    unsigned condition;

    for (condition = 1; condition < 16; condition++) {
        scsi(&command, &units.removable, START_STOP((UCHAR)(condition << 4 | EJECT)), 0);
        EXPECT_GOOD(&command, 0);
        CU_ASSERT_EQUAL(units.removable.Ejected, 0);
    }
}

static void obsolete_kinds_of_prevention_are_refused(void)
{
    scsi(&command, &units.removable, PREVENT(2), 0);
    EXPECT_FIELD(&command, 4, 1);
    scsi(&command, &units.cdrom, PREVENT(3), 0);
    EXPECT_FIELD(&command, 4, 1);
}

static void without_an_error_there_is_no_sense(void)
{
    scsi(&command, &units.disk, SENSE(0, 18), 18);
    EXPECT_GOOD(&command, 18);
    CU_ASSERT(memcmp(command.data, "\x70\0\0\0\0\0\0\x0A\0\0\0\0\0\0\0\0\0\0", 18) == 0);
}

static void the_present_state_can_be_asked_for(void)
{
    eject(&units.cdrom);
    scsi(&command, &units.cdrom, SENSE(0, 18), 18);
    EXPECT_GOOD(&command, 18);
    CU_ASSERT(command.data[2] == 0x02 && command.data[12] == 0x3A && command.data[13] == 0);
    scsi(&command, NULL, SENSE(0, 18), 18);
    EXPECT_GOOD(&command, 18);
    CU_ASSERT(command.data[2] == 0x05 && command.data[12] == 0x25 && command.data[13] == 0);
}

static void descriptor_format_can_be_asked_for(void)
{
    scsi(&command, NULL, SENSE(1, 252), 252);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(memcmp(command.data, "\x72\x05\x25\0\0\0\0\0", 8) == 0);
}

static void every_allocation_length_is_obeyed(void)
{
    ULONG length;

    for (length = 0; length <= 24; length++) {
        scsi(&command, &units.disk, SENSE(0, (UCHAR)length), 64);
        EXPECT_GOOD(&command, min(length, 18));
        CU_ASSERT(fake_all(command.data + length, 64 - length, FAKE_POISON));
        scsi(&command, &units.disk, SENSE(1, 64), length);
        EXPECT_GOOD(&command, min(length, 8));
    }
}

/** A locked mechanism moves neither out nor in; what is in is no matter of moving. */
static void nothing_is_loaded_while_it_is_prevented(void)
{
    units.removable.Ejected = 1;
    units.removable.Prevented = 1;
    scsi(&command, &units.removable, CDB(0x1B, 0, 0, 0, 3, 0), 0);
    EXPECT_SENSE(&command, 0x055302);
    CU_ASSERT_EQUAL(units.removable.Ejected, 1);
    units.removable.Prevented = 0;
    scsi(&command, &units.removable, CDB(0x1B, 0, 0, 0, 3, 0), 0);
    EXPECT_GOOD(&command, 0);
    units.removable.Prevented = 1;
    scsi(&command, &units.removable, CDB(0x1B, 0, 0, 0, 3, 0), 0);
    EXPECT_GOOD(&command, 0);
}

CU_ErrorCode register_medium_suite(void);
CU_ErrorCode register_medium_suite(void)
{
    CU_TestInfo tests[] = {
        {"a unit with a medium is ready", a_unit_with_a_medium_is_ready},
        {"an ejected medium is not present", an_ejected_medium_is_not_present},
        {"data are on the medium before it leaves", data_are_on_the_medium_before_it_leaves},
        {"a held medium stays", a_held_medium_stays},
        {"a medium held during the flush stays", a_medium_held_during_the_flush_stays},
        {"a fixed disk cannot be ejected", a_fixed_disk_cannot_be_ejected},
        {"stopping keeps the medium", stopping_keeps_the_medium},
        {"power conditions change nothing", power_conditions_change_nothing},
        {"obsolete kinds of prevention are refused", obsolete_kinds_of_prevention_are_refused},
        {"REQUEST SENSE: without an error there is no sense", without_an_error_there_is_no_sense},
        {"REQUEST SENSE: the present state can be asked for", the_present_state_can_be_asked_for},
        {"REQUEST SENSE: descriptor format can be asked for", descriptor_format_can_be_asked_for},
        {"REQUEST SENSE: every allocation length is obeyed", every_allocation_length_is_obeyed},
        {"nothing is loaded while it is prevented", nothing_is_loaded_while_it_is_prevented},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: the medium", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
