/**
 * \file
 * See scsi_fixture.h.
 */
#include "scsi_fixture.h"

#include <stdio.h>

scsi_units_t units;

static UCHAR target_luns[255];
static ULONG target_lun_count;
static unsigned lists_made;

static ULONG list_luns(PVMINI_ADAPTER Adapter, UCHAR Path, UCHAR Target, PUCHAR Luns, ULONG Count)
{
    if (Adapter != &fake_adapter || Path != 0 || Target != 1) {
        fake_port.strangers++;
    }
    lists_made++;
    memcpy(Luns, target_luns, min(Count, target_lun_count));
    return target_lun_count;
}

void scsi_set_luns(const UCHAR *luns, ULONG count)
{
    memcpy(target_luns, luns, count);
    target_lun_count = count;
    lists_made = 0;
}

unsigned scsi_lists_made(void)
{
    return lists_made;
}

NTSTATUS scsi_unit(PVMINI_UNIT unit, ULONGLONG bytes, ULONG flags, const WCHAR *path)
{
    VMINI_ADDRESS address = {0, 1, 2, 0};
    UNICODE_STRING name = {0, 0, (PWCH)path};

    while (path[name.Length / sizeof(WCHAR)] != 0) {
        name.Length = (USHORT)(name.Length + sizeof(WCHAR));
    }
    units.media.Size = bytes;
    units.media.ReadOnly = FALSE;
    return VminiUnitInitialize(unit, &units.media, flags, address, &name);
}

void scsi_setup(void)
{
    VminiScsiIndexCommands(); /* As DriverEntry does. */
    fake_port_reset();
    scsi_set_luns((const UCHAR[]){2}, 1);
    CU_ASSERT_FATAL(scsi_unit(&units.disk, DISK_BLOCKS * 512, 0, u"\\??\\C:\\disk.img") == 0);
    CU_ASSERT_FATAL(scsi_unit(&units.removable, DISK_BLOCKS * 512, VMINI_CONNECT_REMOVABLE,
                              u"\\??\\C:\\removable.img") == 0);
    CU_ASSERT_FATAL(scsi_unit(&units.read_only, DISK_BLOCKS * 512, VMINI_CONNECT_READ_ONLY,
                              u"\\??\\C:\\read-only.img") == 0);
    CU_ASSERT_FATAL(scsi_unit(&units.cdrom, CDROM_BLOCKS * 2048, VMINI_CONNECT_CDROM,
                              u"\\??\\C:\\disc.iso") == 0);
    CU_ASSERT_FATAL(
        scsi_unit(&units.thin, DISK_BLOCKS * 512, VMINI_CONNECT_THIN, u"\\??\\C:\\thin.img") == 0);
    CU_ASSERT_FATAL(scsi_unit(&units.thin_big, BIG_BLOCKS * 512, VMINI_CONNECT_THIN,
                              u"\\??\\C:\\thin-big.img") == 0);
    CU_ASSERT_FATAL(scsi_unit(&units.big, BIG_BLOCKS * 512, 0, u"\\??\\C:\\big.img") == 0);
}

PVMINI_UNIT scsi_unit_for(const VMINI_SCSI_COMMAND *row)
{
    PVMINI_UNIT kinds[] = {&units.disk, &units.removable, &units.thin, &units.cdrom};
    size_t kind = 0;

    while ((row->Devices & VminiUnitDevices(kinds[kind])) == 0) {
        kind++;
        CU_ASSERT_FATAL(kind < RTL_NUMBER_OF(kinds));
    }
    return kinds[kind];
}

void scsi_command(scsi_command_t *command, PVMINI_UNIT unit, const UCHAR *cdb, size_t length,
                  ULONG room)
{
    memset(command, 0, sizeof(*command));
    fake_srb_init(&command->fake, cdb, length, room);
    command->unit = unit;
}

/** Every byte of the data buffer is as the initiator left it. */
static bool data_untouched(const scsi_command_t *command)
{
    if (command->sent != NULL) {
        return memcmp(command->data, command->sent, command->fake.data_length) == 0;
    }
    return fake_all(command->data, command->fake.data_length, FAKE_POISON);
}

/** What lies behind the bytes that moved is zero as far as the command could have written, and not
 *  touched after that. */
static bool tail_is_clean(const scsi_command_t *command)
{
    const UCHAR *byte = command->data + command->fake.moved;
    const UCHAR *end = command->data + command->fake.data_length;

    while (byte < end && *byte == 0) {
        byte++;
    }
    return fake_all(byte, (size_t)(end - byte), FAKE_POISON);
}

/** Descriptor format: 8 bytes, then whole descriptors of known types. \return the length. */
static UCHAR descriptors_end(const UCHAR *sense)
{
    UCHAR at = 8;

    while (at < 8 + sense[7]) {
        CU_ASSERT_FATAL((sense[at] == 0 && sense[at + 1] == 10) ||
                        (sense[at] == 2 && sense[at + 1] == 6));
        at = (UCHAR)(at + 2 + sense[at + 1]);
    }
    return at;
}

/** As descriptor sense data have it, in a buffer with room for them. */
static bool descriptors_follow_the_rules(const scsi_command_t *command)
{
    const fake_srb_t *fake = &command->fake;

    return (fake->srb_status & SRB_STATUS_AUTOSENSE_VALID) != 0 && fake->sense[0] == 0x72 &&
           fake->sense[1] != 0 && fake->sense_written == descriptors_end(fake->sense) &&
           fake_all(fake->sense + fake->sense_written, fake->sense_length - fake->sense_written,
                    FAKE_POISON);
}

static bool sense_follows_the_rules(const scsi_command_t *command)
{
    const fake_srb_t *fake = &command->fake;
    bool wanted = SRB_STATUS(fake->srb_status) == SRB_STATUS_ERROR && fake->sense_length != 0 &&
                  !fake->no_sense && (fake->flags & SRB_FLAGS_DISABLE_AUTOSENSE) == 0;
    UCHAR expected = min(fake->sense_length, 18);

    if (wanted && command->request.Header.DescriptorSense && fake->sense_length >= 28) {
        return descriptors_follow_the_rules(command);
    }
    if (wanted && command->request.Header.DescriptorSense) {
        return fake->sense_written <= fake->sense_length && fake->sense[0] == 0x72;
    }

    if (!wanted) {
        return (fake->srb_status & SRB_STATUS_AUTOSENSE_VALID) == 0 &&
               fake_all(fake->sense, fake->sense_length, FAKE_POISON);
    }
    return (fake->srb_status & SRB_STATUS_AUTOSENSE_VALID) != 0 &&
           fake->sense_written == expected && (fake->sense[0] & 0x7F) == 0x70 &&
           (expected < 3 || fake->sense[2] != 0) && (expected < 8 || fake->sense[7] == 10) &&
           fake_all(fake->sense + expected, fake->sense_length - expected, FAKE_POISON);
}

/** Rules for every command that has ended: see the names. */
static void check_rules(const scsi_command_t *command)
{
    const fake_srb_t *fake = &command->fake;
    bool good = fake->srb_status == SRB_STATUS_SUCCESS;

    CU_ASSERT_EQUAL(fake->completions, 1);
    CU_ASSERT_EQUAL(fake_port.strangers, 0);
    CU_ASSERT_EQUAL(fake_port.pool_blocks, 0);
    CU_ASSERT(fake_guards_hold());
    CU_ASSERT(sense_follows_the_rules(command));
    CU_ASSERT_EQUAL(fake->srb_status & SRB_STATUS_QUEUE_FROZEN, 0);
    CU_ASSERT(good || SRB_STATUS(fake->srb_status) == SRB_STATUS_ERROR ||
              fake->srb_status == SRB_STATUS_BUS_RESET);
    CU_ASSERT(fake->moved <= fake->data_length);
    if (good) {
        CU_ASSERT_EQUAL(fake->scsi_status, SCSISTAT_GOOD);
        CU_ASSERT(command->data_out ? data_untouched(command) : tail_is_clean(command));
    } else {
        CU_ASSERT_EQUAL(fake->moved, 0);
        CU_ASSERT(data_untouched(command));
        CU_ASSERT(fake->scsi_status == SCSISTAT_CHECK_CONDITION ||
                  fake->srb_status == SRB_STATUS_BUS_RESET);
    }
}

static UCHAR scsi_end(scsi_command_t *command, UCHAR status)
{
    if (status == SRB_STATUS_PENDING) {
        return status;
    }
    VminiSrbComplete(&fake_adapter, command->fake.srb, status);
    check_rules(command);
    return command->fake.srb_status;
}

UCHAR scsi_run(scsi_command_t *command)
{
    PVMINI_SCSI_REQUEST request = &command->request;

    command->fake.extension = request;
    fake_build(&command->fake);
    command->data = command->fake.data;
    if (command->sent != NULL) {
        memcpy(command->data, command->sent, command->fake.data_length);
    }
    /* As HwStartIo does it: Storport's poison stays where nobody has written. */
    memset(request, FAKE_POISON, sizeof(*request));
    request->Adapter = &fake_adapter;
    request->Srb = command->fake.srb;
    request->Unit = command->unit;
    request->Address = (VMINI_ADDRESS){0, 1, command->unit != NULL ? 2 : 0, 0};
    request->ListLuns = list_luns;
    return scsi_end(command, VminiScsiExecute(request));
}

UCHAR scsi_work_done(scsi_command_t *command, NTSTATUS status, ULONG_PTR information)
{
    command->request.Work.Status = status;
    command->request.Work.Information = information;
    return scsi_end(command, VminiScsiFinish(&command->request));
}

UCHAR scsi(scsi_command_t *command, PVMINI_UNIT unit, const UCHAR *cdb, size_t length, ULONG room)
{
    scsi_command(command, unit, cdb, length, room);
    return scsi_run(command);
}

/** Reports a failure at the test's own line, with what was seen. */
static void verdict(bool ok, const scsi_command_t *command, const char *what, const char *file,
                    unsigned line)
{
    const fake_srb_t *fake = &command->fake;
    static char text[200];

    snprintf(
        text, sizeof(text),
        "%s; CDB %02X %02X %02X: SRB status %02X, moved %u, sense %02X/%02X/%02X [%02X %02X%02X]",
        what, fake->cdb[0], fake->cdb[1], fake->cdb[2], fake->srb_status, fake->moved,
        fake->sense[2], fake->sense[12], fake->sense[13], fake->sense[15], fake->sense[16],
        fake->sense[17]);
    CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, line, text, file, "", CU_FALSE);
}

void expect_good(const scsi_command_t *command, ULONG moved, const char *file, unsigned line)
{
    verdict(command->fake.completions == 1 && command->fake.srb_status == SRB_STATUS_SUCCESS &&
                command->fake.moved == moved,
            command, "expected GOOD", file, line);
}

static bool has_sense(const scsi_command_t *command, VMINI_SENSE sense)
{
    const UCHAR *data = command->fake.sense;

    if (command->fake.sense_written >= 8 && data[0] == 0x72) {
        return command->fake.completions == 1 && data[1] == sense >> 16 &&
               data[2] == (sense >> 8 & 0xFF) && data[3] == (sense & 0xFF);
    }
    return command->fake.completions == 1 && command->fake.sense_length >= 18 &&
           command->fake.srb_status == (SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID) &&
           data[2] == sense >> 16 && data[12] == (sense >> 8 & 0xFF) && data[13] == (sense & 0xFF);
}

void expect_sense(const scsi_command_t *command, VMINI_SENSE sense, const char *file, unsigned line)
{
    verdict(has_sense(command, sense), command, "expected a certain sense", file, line);
}

void expect_field(const scsi_command_t *command, unsigned byte, int bit, const char *file,
                  unsigned line)
{
    const UCHAR *data = command->fake.sense;
    UCHAR flags = bit < 0 ? 0xC0 : (UCHAR)(0xC8 | bit);

    verdict(has_sense(command, 0x052400) && data[15] == flags && data[16] == 0 && data[17] == byte,
            command, "expected INVALID FIELD IN CDB with a field pointer", file, line);
}

void expect_parameter(const scsi_command_t *command, unsigned byte, int bit, const char *file,
                      unsigned line)
{
    const UCHAR *data = command->fake.sense;
    UCHAR flags = bit < 0 ? 0x80 : (UCHAR)(0x88 | bit);

    verdict(has_sense(command, 0x052600) && data[15] == flags && VminiReadBe16(&data[16]) == byte,
            command, "expected INVALID FIELD IN PARAMETER LIST with a field pointer", file, line);
}

void expect_information(const scsi_command_t *command, ULONG value, const char *file, unsigned line)
{
    const UCHAR *data = command->fake.sense;

    verdict(command->fake.completions == 1 && data[0] == 0xF0 && VminiReadBe32(&data[3]) == value,
            command, "expected VALID and INFORMATION", file, line);
}

void expect_work(const scsi_command_t *command, VMINI_WORK_COMMAND what, ULONGLONG offset,
                 ULONG bytes, const char *file, unsigned line)
{
    const VMINI_WORK_ITEM *work = &command->request.Work;

    verdict(command->fake.completions == 0 && work->Command == what &&
                work->Media == command->unit->Media && work->Offset == offset &&
                work->Length == bytes,
            command, "expected a certain work item", file, line);
}
