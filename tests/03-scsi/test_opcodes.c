/**
 * \file
 * REPORT SUPPORTED OPERATION CODES and REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS: what they say is
 * what the unit does.
 */
#include "scsi_fixture.h"

#define OPCODES(option, opcode, action, length)                                                    \
    CDB(0xA3, 0x0C, (option), (opcode), (action) >> 8, (action)&0xFF, 0, 0, (length) >> 8,         \
        (length)&0xFF, 0, 0)
#define TMF(option, length) CDB(0xA3, 0x0D, (option), 0, 0, 0, 0, 0, 0, (length), 0, 0)

static scsi_command_t command;
static UCHAR list[4096];

static PVMINI_UNIT kinds[] = {&units.disk, &units.removable, &units.read_only, &units.thin,
                              &units.cdrom};

/** How many rows of the table a unit has. */
static ULONG rows_of(PVMINI_UNIT unit)
{
    ULONG count = 0;
    ULONG row;

    for (row = 0; row < VminiScsiCommandCount; row++) {
        count += (VminiScsiCommands[row].Devices & VminiUnitDevices(unit)) != 0;
    }
    return count;
}

/** Fetches the list of all commands. \return its bytes. */
static ULONG fetch(PVMINI_UNIT unit, UCHAR timeouts)
{
    scsi(&command, unit, OPCODES(timeouts, 0, 0, sizeof(list)), sizeof(list));
    CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_SUCCESS);
    memcpy(list, command.data, sizeof(list));
    CU_ASSERT_EQUAL(VminiReadBe32(list), command.fake.moved - 4);
    return command.fake.moved;
}

/** A command that is listed is admitted: whatever else is wrong with a CDB of zeros. */
static void check_listed(PVMINI_UNIT unit, const UCHAR *descriptor)
{
    UCHAR cdb[16] = {descriptor[0]};
    const VMINI_SCSI_COMMAND *row;

    if ((descriptor[5] & 1) != 0) {
        cdb[1] = descriptor[3];
    }
    row = VminiScsiFindCommand(cdb, 16);
    CU_ASSERT_FATAL(row != NULL && (row->Devices & VminiUnitDevices(unit)) != 0);
    CU_ASSERT_EQUAL(VminiReadBe16(&descriptor[6]), row->CdbLength);
    CU_ASSERT_EQUAL((descriptor[5] & 1) != 0, row->ServiceAction != VMINI_NO_SERVICE_ACTION);
    CU_ASSERT(descriptor[1] == 0 && descriptor[4] == 0);
}

static void all_commands_are_listed(void)
{
    size_t kind;

    for (kind = 0; kind < RTL_NUMBER_OF(kinds); kind++) {
        ULONG bytes = fetch(kinds[kind], 0);
        ULONG at;

        CU_ASSERT_EQUAL(bytes, 4 + 8 * rows_of(kinds[kind]));
        for (at = 4; at < bytes; at += 8) {
            check_listed(kinds[kind], &list[at]);
            CU_ASSERT_EQUAL(list[at + 5] & 2, 0); /* CTDP */
        }
    }
}

static void with_timeouts_each_has_twelve_bytes_more(void)
{
    ULONG bytes = fetch(&units.disk, 0x80);
    ULONG at;

    CU_ASSERT_EQUAL(bytes, 4 + 20 * rows_of(&units.disk));
    for (at = 4; at < bytes; at += 20) {
        check_listed(&units.disk, &list[at]);
        CU_ASSERT_EQUAL(list[at + 5] & 2, 2); /* CTDP */
        CU_ASSERT(list[at + 8] == 0x00 && list[at + 9] == 0x0A);
        CU_ASSERT(fake_all(&list[at + 10], 10, 0));
    }
}

static void an_allocation_length_cuts_the_list(void)
{
    UCHAR whole[4096];
    ULONG bytes = fetch(&units.disk, 0x80);
    ULONG length;

    memcpy(whole, list, sizeof(whole));
    for (length = 0; length < bytes + 4; length += 3) {
        scsi(&command, &units.disk, OPCODES(0x80, 0, 0, length), sizeof(list));
        EXPECT_GOOD(&command, min(length, bytes));
        CU_ASSERT(memcmp(command.data, whole, min(length, bytes)) == 0);
        scsi(&command, &units.disk, OPCODES(0x80, 0, 0, sizeof(list)), length);
        EXPECT_GOOD(&command, min(length, bytes));
        CU_ASSERT(memcmp(command.data, whole, min(length, bytes)) == 0);
    }
}

/** One row asked for by itself. */
static void check_one(PVMINI_UNIT unit, const VMINI_SCSI_COMMAND *row)
{
    bool has_action = row->ServiceAction != VMINI_NO_SERVICE_ACTION;
    USHORT action = has_action ? row->ServiceAction : 0;
    UCHAR right = has_action ? 2 : 1;
    UCHAR wrong = has_action ? 1 : 2;
    UCHAR options[] = {right, 3};
    size_t i;

    for (i = 0; i < sizeof(options); i++) {
        scsi(&command, unit, OPCODES(options[i], row->OperationCode, action, 255), 255);
        EXPECT_GOOD(&command, 4u + row->CdbLength);
        CU_ASSERT_EQUAL(command.data[1], 0x03);
        CU_ASSERT_EQUAL(VminiReadBe16(&command.data[2]), row->CdbLength);
        CU_ASSERT_EQUAL(command.data[4], row->OperationCode);
        CU_ASSERT(memcmp(&command.data[5], &row->Usage[1], row->CdbLength - 1u) == 0);
    }
    scsi(&command, unit, OPCODES(right | 0x80, row->OperationCode, action, 255), 255);
    EXPECT_GOOD(&command, 4u + row->CdbLength + 12);
    CU_ASSERT_EQUAL(command.data[1], 0x83);
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[4 + row->CdbLength]), 10);

    /* Not byte 1: some initiators take that for "no such command". */
    scsi(&command, unit, OPCODES(wrong, row->OperationCode, action, 255), 255);
    EXPECT_FIELD(&command, 2, 2);
}

static void one_command_is_told_with_its_usage_map(void)
{
    ULONG row;
    size_t kind;

    for (kind = 0; kind < RTL_NUMBER_OF(kinds); kind++) {
        for (row = 0; row < VminiScsiCommandCount; row++) {
            if ((VminiScsiCommands[row].Devices & VminiUnitDevices(kinds[kind])) != 0) {
                check_one(kinds[kind], &VminiScsiCommands[row]);
            }
        }
    }
}

static void what_a_unit_lacks_is_not_supported(void)
{
    UCHAR option;

    for (option = 1; option <= 3; option++) {
        scsi(&command, &units.disk, OPCODES(option, 0x5E, 0, 255), 255); /* PERSISTENT RESERVE IN */
        EXPECT_GOOD(&command, 4);
        CU_ASSERT(command.data[1] == 0x01 && command.data[2] == 0 && command.data[3] == 0);
    }
    scsi(&command, &units.disk, OPCODES(1 | 0x80, 0x43, 0, 255), 255); /* READ TOC: a CD-ROM's */
    EXPECT_GOOD(&command, 4);
    CU_ASSERT_EQUAL(command.data[1], 0x01);
    scsi(&command, &units.disk, OPCODES(2, 0x9E, 0x11, 255), 255);
    EXPECT_GOOD(&command, 4);
    scsi(&command, &units.disk, OPCODES(2, 0x9E, 0x0110, 255), 255);
    EXPECT_GOOD(&command, 4);
    CU_ASSERT_EQUAL(command.data[1], 0x01);
}

static void other_options_are_reserved(void)
{
    UCHAR option;

    for (option = 4; option < 8; option++) {
        scsi(&command, &units.disk, OPCODES(option, 0x28, 0, 255), 255);
        EXPECT_FIELD(&command, 2, 2);
    }
}

/** A flag that a usage map has may be set: the command is then not refused as an invalid field. */
static void flags_of_a_usage_map_may_be_set(void)
{
    ULONG row;
    unsigned bit;

    for (row = 0; row < VminiScsiCommandCount; row++) {
        const VMINI_SCSI_COMMAND *here = &VminiScsiCommands[row];

        for (bit = 3; bit < 5 && here->ServiceAction == VMINI_NO_SERVICE_ACTION; bit++) {
            UCHAR cdb[16] = {here->OperationCode, (UCHAR)(1 << bit)};

            if ((here->Usage[1] & 1 << bit) != 0 && (here->Devices & VMINI_ON_DISK) != 0) {
                scsi(&command, &units.thin, cdb, here->CdbLength, 512);
                CU_ASSERT(command.fake.sense[12] != 0x24 || command.fake.sense[17] != 1);
            }
        }
    }
}

static void resets_are_the_task_management_functions(void)
{
    scsi(&command, &units.disk, TMF(0, 255), 255);
    EXPECT_GOOD(&command, 4);
    CU_ASSERT_EQUAL(command.data[0], 0x0A); /* LURS, TRS */
    CU_ASSERT(fake_all(&command.data[1], 3, 0));
    scsi(&command, &units.cdrom, TMF(0x80, 255), 255);
    EXPECT_GOOD(&command, 16);
    CU_ASSERT_EQUAL(command.data[0], 0x0A);
    CU_ASSERT_EQUAL(command.data[3], 12);
    CU_ASSERT(fake_all(&command.data[4], 12, 0));
    scsi(&command, &units.disk, TMF(0, 3), 255);
    EXPECT_GOOD(&command, 3);
    scsi(&command, &units.disk, TMF(0, 0), 0);
    EXPECT_GOOD(&command, 0);
}

static void they_need_no_medium(void)
{
    units.removable.Ejected = 1;
    scsi(&command, &units.removable, OPCODES(1, 0x28, 0, 255), 255);
    EXPECT_GOOD(&command, 14);
    scsi(&command, &units.removable, TMF(0, 4), 4);
    EXPECT_GOOD(&command, 4);
}

static void a_buffer_that_cannot_be_mapped(void)
{
    fake_port.fail_mapping = true;
    scsi(&command, &units.disk, OPCODES(0, 0, 0, 4096), 4096);
    EXPECT_SENSE(&command, 0x0B5503);
}

CU_ErrorCode register_opcodes_suite(void);
CU_ErrorCode register_opcodes_suite(void)
{
    CU_TestInfo tests[] = {
        {"all commands are listed", all_commands_are_listed},
        {"with timeouts each has twelve bytes more", with_timeouts_each_has_twelve_bytes_more},
        {"an allocation length cuts the list", an_allocation_length_cuts_the_list},
        {"one command is told with its usage map", one_command_is_told_with_its_usage_map},
        {"what a unit lacks is not supported", what_a_unit_lacks_is_not_supported},
        {"other options are reserved", other_options_are_reserved},
        {"flags of a usage map may be set", flags_of_a_usage_map_may_be_set},
        {"resets are the task management functions", resets_are_the_task_management_functions},
        {"they need no medium", they_need_no_medium},
        {"a buffer that cannot be mapped", a_buffer_that_cannot_be_mapped},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: supported commands", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
