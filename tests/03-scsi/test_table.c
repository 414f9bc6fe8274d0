/**
 * \file
 * The command table, and what is checked before any handler runs.
 */
#include "scsi_fixture.h"

static scsi_command_t command;

static void the_table_is_sorted(void)
{
    ULONG row;

    for (row = 1; row < VminiScsiCommandCount; row++) {
        const VMINI_SCSI_COMMAND *before = &VminiScsiCommands[row - 1];
        const VMINI_SCSI_COMMAND *here = &VminiScsiCommands[row];

        CU_ASSERT(before->OperationCode * 256 + before->ServiceAction <
                  here->OperationCode * 256 + here->ServiceAction);
    }
}

static void every_row_is_whole(void)
{
    static const UCHAR length_of_group[] = {6, 10, 10, 0, 16, 12, 0, 0};
    ULONG row;

    for (row = 0; row < VminiScsiCommandCount; row++) {
        const VMINI_SCSI_COMMAND *here = &VminiScsiCommands[row];

        CU_ASSERT_EQUAL(here->CdbLength, length_of_group[here->OperationCode >> 5]);
        CU_ASSERT_PTR_NOT_NULL(here->Execute);
        CU_ASSERT(here->Name != NULL && here->Name[0] != 0);
        CU_ASSERT_NOT_EQUAL(here->Devices, 0);
        CU_ASSERT_EQUAL(here->Needs & ~(VMINI_NEEDS_MEDIUM | VMINI_NEEDS_WRITE), 0);
    }
}

/** Byte 0 belongs to the opcode and the last one is CONTROL; a service action is in its field. */
static void every_usage_map_fits_its_cdb(void)
{
    ULONG row;

    for (row = 0; row < VminiScsiCommandCount; row++) {
        const VMINI_SCSI_COMMAND *here = &VminiScsiCommands[row];

        CU_ASSERT_FATAL(here->Usage != NULL);
        CU_ASSERT_EQUAL(here->Usage[0], 0);
        CU_ASSERT(fake_all(&here->Usage[here->CdbLength - 1],
                           VMINI_LONGEST_CDB + 1u - here->CdbLength, 0));
        CU_ASSERT(here->ServiceAction == VMINI_NO_SERVICE_ACTION ||
                  here->Usage[1] == here->ServiceAction);
    }
}

static void every_row_is_found(void)
{
    UCHAR cdb[16];
    ULONG row;
    unsigned opcode, found = 0;

    for (opcode = 0; opcode < 256; opcode++) {
        unsigned action;

        for (action = 0; action < 32; action++) {
            const VMINI_SCSI_COMMAND *here;

            memset(cdb, 0, sizeof(cdb));
            cdb[0] = (UCHAR)opcode;
            cdb[1] = (UCHAR)(0xE0 | action);
            here = VminiScsiFindCommand(cdb, 16);
            if (here != NULL) {
                CU_ASSERT_EQUAL(here->OperationCode, opcode);
                CU_ASSERT(here->ServiceAction == VMINI_NO_SERVICE_ACTION ||
                          here->ServiceAction == action);
                found += here->ServiceAction != VMINI_NO_SERVICE_ACTION || action == 0;
            }
        }
    }
    for (row = 0; row < VminiScsiCommandCount; row++) {
        found--;
    }
    CU_ASSERT_EQUAL(found, 0);
}

/** Has a unit any command with this opcode? */
static bool has_opcode(PVMINI_UNIT unit, UCHAR opcode)
{
    ULONG row;

    for (row = 0; row < VminiScsiCommandCount; row++) {
        if (VminiScsiCommands[row].OperationCode == opcode &&
            (VminiScsiCommands[row].Devices & VminiUnitDevices(unit)) != 0) {
            return true;
        }
    }
    return false;
}

static void an_unknown_opcode_is_answered_with_sense(void)
{
    PVMINI_UNIT kinds[] = {&units.disk, &units.removable, &units.read_only, &units.cdrom};
    unsigned opcode;
    size_t kind;

    for (opcode = 0; opcode < 256; opcode++) {
        UCHAR cdb[16] = {(UCHAR)opcode};

        for (kind = 0; kind < RTL_NUMBER_OF(kinds); kind++) {
            if (!has_opcode(kinds[kind], (UCHAR)opcode)) {
                scsi(&command, kinds[kind], cdb, 16, 512);
                EXPECT_SENSE(&command, 0x052000);
            }
        }
    }
}

static void prevent_allow_on_a_fixed_disk_is_such_a_one(void)
{
    scsi(&command, &units.disk, CDB(0x1E, 0, 0, 0, 1, 0), 0);
    EXPECT_SENSE(&command, 0x052000);
}

static void an_unknown_service_action_is_an_invalid_field(void)
{
    unsigned action;

    for (action = 0; action < 32; action++) {
        UCHAR cdb[16] = {0x9E, (UCHAR)action};

        scsi(&command, &units.disk, cdb, 16, 32);
        if (action == 0x10 || action == 0x12) {
            EXPECT_GOOD(&command, 0);
        } else {
            EXPECT_FIELD(&command, 1, 4);
        }
        scsi(&command, &units.cdrom, cdb, 16, 32);
        EXPECT_SENSE(&command, 0x052000);
        cdb[0] = 0xA3;
        scsi(&command, &units.cdrom, cdb, 16, 32);
        if (action == 0x0C || action == 0x0D) {
            EXPECT_GOOD(&command, 0);
        } else {
            EXPECT_FIELD(&command, 1, 4);
        }
    }
}

static void a_cdb_that_is_too_short_is_refused(void)
{
    ULONG row;

    for (row = 0; row < VminiScsiCommandCount; row++) {
        const VMINI_SCSI_COMMAND *here = &VminiScsiCommands[row];
        UCHAR cdb[16] = {here->OperationCode};
        UCHAR length;

        for (length = 1; length < here->CdbLength; length++) {
            if (here->ServiceAction != VMINI_NO_SERVICE_ACTION) {
                cdb[1] = here->ServiceAction;
            }
            scsi(&command, scsi_unit_for(here), cdb, length, 512);
            EXPECT_SENSE(&command, 0x052400);
        }
    }
}

static void no_cdb_is_no_command(void)
{
    fake_srb_t fake;
    VMINI_SCSI_REQUEST request;

    fake_srb_init(&fake, CDB(0), 0);
    fake.cdb_length = 0;
    fake_build(&fake);
    memset(&request, 0, sizeof(request));
    request.Adapter = &fake_adapter;
    request.Srb = fake.srb;
    request.Unit = &units.disk;
    CU_ASSERT_EQUAL(VminiScsiExecute(&request), SRB_STATUS_INVALID_REQUEST);
}

static void naca_is_refused(void)
{
    ULONG row;

    for (row = 0; row < VminiScsiCommandCount; row++) {
        const VMINI_SCSI_COMMAND *here = &VminiScsiCommands[row];
        UCHAR cdb[16] = {here->OperationCode};

        if (here->ServiceAction != VMINI_NO_SERVICE_ACTION) {
            cdb[1] = here->ServiceAction;
        }
        cdb[here->CdbLength - 1] = 0x04;
        scsi(&command, scsi_unit_for(here), cdb, here->CdbLength, 512);
        EXPECT_FIELD(&command, here->CdbLength - 1u, 2);
    }
}

static void an_absent_lun_0_answers_three_commands(void)
{
    unsigned opcode;

    for (opcode = 0; opcode < 256; opcode++) {
        UCHAR cdb[16] = {(UCHAR)opcode};

        scsi(&command, NULL, cdb, 16, 512);
        if (opcode == 0x03 || opcode == 0x12 || opcode == 0xA0) {
            EXPECT_GOOD(&command, 0); /* Their allocation length is 0 here. */
        } else {
            EXPECT_SENSE(&command, 0x052500);
        }
    }
}

static void both_forms_of_an_srb_are_answered_alike(void)
{
    PVMINI_UNIT kinds[] = {&units.disk, &units.removable, &units.read_only, &units.cdrom, NULL};
    static scsi_command_t extended;
    unsigned opcode;
    size_t kind;

    for (opcode = 0; opcode < 256; opcode++) {
        /* An allocation length of 255 wherever a command may have it. */
        UCHAR cdb[16] = {(UCHAR)opcode, 0x10, 0, 0, 0xFF, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0xFF};

        for (kind = 0; kind < RTL_NUMBER_OF(kinds); kind++) {
            UCHAR data[512];
            UCHAR status = scsi(&command, kinds[kind], cdb, 16, sizeof(data));
            UCHAR sense[18];

            memcpy(data, command.data, sizeof(data));
            memcpy(sense, command.fake.sense, sizeof(sense));
            if (kinds[kind] != NULL) {
                kinds[kind]->MediaEvent =
                    kinds[kind]->Cdrom ? NOTIFICATION_MEDIA_EVENT_NEW_MEDIA : 0;
            }
            scsi_command(&extended, kinds[kind], cdb, 16, sizeof(data));
            extended.fake.form = FAKE_EXTENDED;
            CU_ASSERT_EQUAL(scsi_run(&extended), status);
            CU_ASSERT_EQUAL(extended.fake.moved, command.fake.moved);
            CU_ASSERT_EQUAL(extended.fake.scsi_status, command.fake.scsi_status);
            CU_ASSERT(memcmp(extended.data, data, sizeof(data)) == 0);
            CU_ASSERT(memcmp(extended.fake.sense, sense, sizeof(sense)) == 0);
            CU_ASSERT_EQUAL(extended.request.Work.Command, command.request.Work.Command);
            CU_ASSERT_EQUAL(extended.request.Work.Offset, command.request.Work.Offset);
            CU_ASSERT_EQUAL(extended.request.Work.Length, command.request.Work.Length);
        }
    }
}

CU_ErrorCode register_table_suite(void);
CU_ErrorCode register_table_suite(void)
{
    CU_TestInfo tests[] = {
        {"the table is sorted", the_table_is_sorted},
        {"every row is whole", every_row_is_whole},
        {"every row is found", every_row_is_found},
        {"every usage map fits its CDB", every_usage_map_fits_its_cdb},
        {"an unknown opcode is answered with sense", an_unknown_opcode_is_answered_with_sense},
        {"PREVENT ALLOW on a fixed disk is such a one",
         prevent_allow_on_a_fixed_disk_is_such_a_one},
        {"an unknown service action is an invalid field",
         an_unknown_service_action_is_an_invalid_field},
        {"a CDB that is too short is refused", a_cdb_that_is_too_short_is_refused},
        {"no CDB is no command", no_cdb_is_no_command},
        {"NACA is refused", naca_is_refused},
        {"an absent LUN 0 answers three commands", an_absent_lun_0_answers_three_commands},
        {"both forms of an SRB are answered alike", both_forms_of_an_srb_are_answered_alike},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: the command table", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
