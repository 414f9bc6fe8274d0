/**
 * \file
 * READ and WRITE in all their forms (SBC-3 5.11 to 5.14, 5.33 to 5.35): which bytes of the file
 * they are about, and everything that must be refused before one of them moves.
 */
#include "scsi_fixture.h"

/** One form of a command that names blocks. */
typedef struct form {
    UCHAR opcode;
    UCHAR length;
    UCHAR lba_at, lba_bytes;
    UCHAR count_at, count_bytes;
} form_t;

static const form_t reads[] = {
    {0x08, 6, 1, 3, 4, 1}, {0x28, 10, 2, 4, 7, 2}, {0xA8, 12, 2, 4, 6, 4}, {0x88, 16, 2, 8, 10, 4}};
static const form_t writes[] = {
    {0x0A, 6, 1, 3, 4, 1}, {0x2A, 10, 2, 4, 7, 2}, {0xAA, 12, 2, 4, 6, 4}, {0x8A, 16, 2, 8, 10, 4}};

static scsi_command_t command;

static void put(UCHAR *at, unsigned bytes, ULONGLONG value)
{
    while (bytes-- > 0) {
        at[bytes] = (UCHAR)value;
        value >>= 8;
    }
}

/** Can the form say this LBA and count? */
static bool fits(const form_t *form, ULONGLONG lba, ULONGLONG count)
{
    unsigned lba_bits = form->length == 6 ? 21 : form->lba_bytes * 8u;

    return (lba_bits == 64 || lba >> lba_bits == 0) && count >> (form->count_bytes * 8) == 0;
}

/** Runs one form with so many bytes of buffer. */
static UCHAR rw(const form_t *form, PVMINI_UNIT unit, ULONGLONG lba, ULONGLONG count, ULONG room)
{
    UCHAR cdb[16] = {form->opcode};

    put(cdb + form->lba_at, form->lba_bytes, lba);
    put(cdb + form->count_at, form->count_bytes, count);
    scsi_command(&command, unit, cdb, form->length, room);
    command.data_out = true; /* Nobody here touches the data: they are the file system's. */
    return scsi_run(&command);
}

#define FOR_EACH_FORM(form, forms)                                                                 \
    for (const form_t *form = (forms); form < (forms) + RTL_NUMBER_OF(forms); form++)

static void a_read_is_handed_to_the_workers(void)
{
    FOR_EACH_FORM(form, reads)
    {
        rw(form, &units.disk, 7, 3, 3 * 512);
        EXPECT_WORK(&command, VminiDoRead, 7 * 512, 3 * 512);
        CU_ASSERT_PTR_EQUAL(command.request.Work.Mdl, fake_mdl());
        CU_ASSERT_PTR_EQUAL(command.request.Work.Va, command.fake.data);
        CU_ASSERT_FALSE(command.request.Work.WriteThrough);
        CU_ASSERT_EQUAL(fake_port.mappings, 0); /* The data are never mapped. */
        scsi_work_done(&command, STATUS_SUCCESS, 3 * 512);
        EXPECT_GOOD(&command, 3 * 512);
    }
}

static void a_write_is_handed_to_the_workers(void)
{
    FOR_EACH_FORM(form, writes)
    {
        rw(form, &units.disk, 7, 3, 3 * 512);
        EXPECT_WORK(&command, VminiDoWrite, 7 * 512, 3 * 512);
        CU_ASSERT_FALSE(command.request.Work.WriteThrough);
        scsi_work_done(&command, STATUS_SUCCESS, 3 * 512);
        EXPECT_GOOD(&command, 3 * 512);
    }
}

static void no_blocks_mean_256_in_the_6_byte_forms(void)
{
    rw(&reads[0], &units.disk, 0, 0, 256 * 512);
    EXPECT_WORK(&command, VminiDoRead, 0, 256 * 512);
    rw(&writes[0], &units.disk, 10, 0, 256 * 512);
    EXPECT_WORK(&command, VminiDoWrite, 10 * 512, 256 * 512);
    rw(&reads[0], &units.disk, DISK_BLOCKS - 255, 0, 256 * 512);
    EXPECT_SENSE(&command, 0x052100);
}

static void no_blocks_mean_none_in_the_others(void)
{
    FOR_EACH_FORM(form, reads)
    {
        if (form->length != 6) {
            rw(form, &units.disk, 0, 0, 0);
            EXPECT_GOOD(&command, 0); /* and no work item */
            rw(form, &units.disk, DISK_BLOCKS, 0, 512);
            EXPECT_GOOD(&command, 0);
            rw(form, &units.disk, DISK_BLOCKS + 1, 0, 0);
            EXPECT_SENSE(&command, 0x052100);
        }
    }
}

static void the_top_bits_of_a_6_byte_lba_are_not_the_lbas(void)
{
    scsi(&command, &units.disk, CDB(0x08, 0xE0, 0, 5, 1, 0), 512);
    EXPECT_WORK(&command, VminiDoRead, 5 * 512, 512);
}

static void fua_reaches_the_file(void)
{
    scsi(&command, &units.disk, CDB(0x2A, 0x08, 0, 0, 0, 1, 0, 0, 1, 0), 512);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi(&command, &units.disk, CDB(0xAA, 0x18, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0), 512);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi(&command, &units.disk, CDB(0x8A, 0x08, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0), 512);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi(&command, &units.disk, CDB(0x2A, 0x10, 0, 0, 0, 1, 0, 0, 1, 0), 512); /* DPO alone */
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
    scsi(&command, &units.big, CDB(0x0A, 0x08, 0, 1, 1, 0), 512); /* In WRITE(6) it is LBA. */
    EXPECT_WORK(&command, VminiDoWrite, 0x080001ull * 512, 512);
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
    scsi(&command, &units.disk, CDB(0x28, 0x18, 0, 0, 0, 1, 0, 0, 1, 0), 512);
    EXPECT_WORK(&command, VminiDoRead, 512, 512);
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
}

/** All is written, the flush after it failed: a write error, and no word of which block. */
static void a_flush_that_fails_names_no_block(void)
{
    scsi(&command, &units.disk, CDB(0x2A, 0x08, 0, 0, 0, 7, 0, 0, 2, 0), 1024);
    scsi_work_done(&command, STATUS_IO_DEVICE_ERROR, 1024);
    EXPECT_SENSE(&command, 0x030C00);
    CU_ASSERT_EQUAL(command.fake.sense[0] & 0x80, 0);
    scsi(&command, &units.disk, CDB(0x2A, 0x08, 0, 0, 0, 7, 0, 0, 2, 0), 1024);
    scsi_work_done(&command, STATUS_IO_DEVICE_ERROR, 512); /* The write itself. */
    EXPECT_SENSE(&command, 0x030C00);
    EXPECT_INFORMATION(&command, 8);
    scsi(&command, &units.disk, CDB(0x2A, 0x08, 0, 0, 0, 7, 0, 0, 2, 0), 1024);
    scsi_work_done(&command, STATUS_DISK_FULL, 1024);
    EXPECT_SENSE(&command, 0x072707);
}

/** WCE counts as it is when the command comes, not as it is when it ends. */
static void the_write_cache_is_asked_once(void)
{
    scsi(&command, &units.disk, CDB(0x2A, 0, 0, 0, 0, 7, 0, 0, 1, 0), 512);
    units.disk.Mode &= ~VMINI_MODE_WRITE_CACHE;
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    scsi(&command, &units.disk, CDB(0x2A, 0, 0, 0, 0, 7, 0, 0, 1, 0), 512);
    units.disk.Mode |= VMINI_MODE_WRITE_CACHE;
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    units.disk.Mode &= ~VMINI_MODE_WRITE_CACHE;
    scsi(&command, &units.disk, CDB(0x28, 0, 0, 0, 0, 7, 0, 0, 1, 0), 512);
    CU_ASSERT_FALSE(command.request.Work.WriteThrough); /* What only reads needs no flush. */
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    units.disk.Mode |= VMINI_MODE_WRITE_CACHE;
}

static void protection_information_is_refused(void)
{
    unsigned protect;

    for (protect = 1; protect < 8; protect++) {
        UCHAR byte = (UCHAR)(protect << 5);

        scsi(&command, &units.disk, CDB(0x28, byte, 0, 0, 0, 1, 0, 0, 1, 0), 512);
        EXPECT_FIELD(&command, 1, 7);
        scsi(&command, &units.disk, CDB(0xAA, byte, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0), 512);
        EXPECT_FIELD(&command, 1, 7);
    }
}

/** The boundary matrix: every LBA and count that is near something, against 128-bit arithmetic. */
static void an_lba_out_of_range_is_refused(void)
{
    static const PVMINI_UNIT disks[] = {&units.disk, &units.big};
    static const ULONGLONG anchors[] = {0,           1,          0x7F,        0xFF,
                                        0x100,       0x1FFFFF,   0x7FFFFFFF,  0xFFFFFFFF,
                                        0x100000000, BIG_BLOCKS, 1ull << 55,  1ull << 63,
                                        ~0ull - 255, ~0ull,      DISK_BLOCKS, (1ull << 32) - 1};
    static const ULONGLONG counts[] = {0, 1, 2, 127, 255, 256, DISK_BLOCKS - 1, DISK_BLOCKS, 2048};

    for (size_t disk = 0; disk < RTL_NUMBER_OF(disks); disk++) {
        for (size_t a = 0; a < RTL_NUMBER_OF(anchors) * 5; a++) {
            ULONGLONG lba = anchors[a / 5] + a % 5 - 2;

            for (size_t c = 0; c < RTL_NUMBER_OF(counts); c++) {
                FOR_EACH_FORM(form, reads)
                {
                    ULONGLONG blocks = form->length == 6 && counts[c] == 0 ? 256 : counts[c];
                    bool inside = (unsigned __int128)lba + blocks <= disks[disk]->BlockCount;

                    if (!fits(form, lba, counts[c])) {
                        continue;
                    }
                    rw(form, disks[disk], lba, counts[c], 1024 * 1024);
                    if (!inside) {
                        EXPECT_SENSE(&command, 0x052100);
                    } else if (blocks == 0) {
                        EXPECT_GOOD(&command, 0);
                    } else {
                        EXPECT_WORK(&command, VminiDoRead, lba * 512, (ULONG)blocks * 512);
                    }
                }
            }
        }
    }
}

static void the_first_bad_block_is_named(void)
{
    rw(&reads[1], &units.disk, DISK_BLOCKS - 1, 2, 1024);
    EXPECT_INFORMATION(&command, DISK_BLOCKS);
    rw(&reads[1], &units.disk, DISK_BLOCKS + 5, 1, 512);
    EXPECT_INFORMATION(&command, DISK_BLOCKS + 5);
    rw(&reads[3], &units.big, BIG_BLOCKS, 1, 512); /* It does not fit 32 bits. */
    EXPECT_SENSE(&command, 0x052100);
    CU_ASSERT_EQUAL(command.fake.sense[0], 0x70);
}

static void the_last_block_of_8_tb_is_there(void)
{
    rw(&reads[3], &units.big, BIG_BLOCKS - 1, 1, 512);
    EXPECT_WORK(&command, VminiDoRead, (BIG_BLOCKS - 1) * 512, 512);
    rw(&writes[3], &units.big, BIG_BLOCKS - 1, 1, 512);
    EXPECT_WORK(&command, VminiDoWrite, (BIG_BLOCKS - 1) * 512, 512);
}

static void a_megabyte_is_the_most(void)
{
    rw(&reads[1], &units.big, 0, 2048, 1024 * 1024);
    EXPECT_WORK(&command, VminiDoRead, 0, 1024 * 1024);
    rw(&reads[1], &units.big, 0, 2049, 1024 * 1024 + 512);
    EXPECT_FIELD(&command, 7, -1);
    rw(&reads[2], &units.big, 0, 0x00800000, 512); /* 2^32 bytes: 0 in 32 bits. */
    EXPECT_FIELD(&command, 6, -1);
    rw(&writes[3], &units.big, 0, 0xFFFFFFFF, 512);
    EXPECT_FIELD(&command, 10, -1);
}

static void a_buffer_that_is_too_short_is_refused(void)
{
    static const UCHAR count_at[] = {4, 7, 6, 10};
    ULONG room;

    for (room = 0; room < 2 * 512; room += 73) {
        FOR_EACH_FORM(form, reads)
        {
            rw(form, &units.disk, 0, 2, room);
            EXPECT_FIELD(&command, count_at[form - reads], -1);
        }
        FOR_EACH_FORM(form, writes)
        {
            rw(form, &units.disk, 0, 2, room);
            EXPECT_FIELD(&command, count_at[form - writes], -1);
        }
    }
    rw(&reads[1], &units.disk, 0, 2, 2 * 512 - 1);
    EXPECT_FIELD(&command, 7, -1);
}

static void of_a_longer_buffer_only_the_cdbs_bytes_move(void)
{
    FOR_EACH_FORM(form, reads)
    {
        rw(form, &units.disk, 4, 1, 4096);
        EXPECT_WORK(&command, VminiDoRead, 4 * 512, 512);
        scsi_work_done(&command, STATUS_SUCCESS, 512);
        EXPECT_GOOD(&command, 512);
    }
}

static void the_data_may_begin_inside_the_mdl(void)
{
    scsi_command(&command, &units.disk, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0), 1024);
    command.fake.mdl_skip = 1536;
    scsi_run(&command);
    EXPECT_WORK(&command, VminiDoRead, 9 * 512, 1024);
    CU_ASSERT_PTR_EQUAL(command.request.Work.Va, command.fake.data);
}

static void without_an_address_the_data_begin_where_the_mdl_does(void)
{
    scsi_command(&command, &units.disk, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0), 1024);
    command.fake.no_data_buffer = true;
    scsi_run(&command);
    EXPECT_WORK(&command, VminiDoRead, 9 * 512, 1024);
    CU_ASSERT_PTR_EQUAL(command.request.Work.Va, command.fake.data);
}

static void an_mdl_that_does_not_hold_the_data_is_refused(void)
{
    scsi_command(&command, &units.disk, CDB(0x2A, 0, 0, 0, 0, 9, 0, 0, 2, 0), 1024);
    command.fake.mdl_missing = 1;
    scsi_run(&command);
    EXPECT_SENSE(&command, 0x044400);
    scsi_command(&command, &units.disk, CDB(0x2A, 0, 0, 0, 0, 9, 0, 0, 2, 0), 1024);
    fake_port.fail_mdl = true;
    scsi_run(&command);
    EXPECT_SENSE(&command, 0x044400);
}

static void an_address_outside_the_mdl_is_refused(void)
{
    scsi_command(&command, &units.disk, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0), 1024);
    command.fake.mdl_skip = (ULONG)-512; /* The MDL begins behind the data. */
    command.fake.mdl_missing = (ULONG)-512;
    scsi_run(&command);
    EXPECT_SENSE(&command, 0x044400);
}

static void a_read_only_unit_is_not_written(void)
{
    FOR_EACH_FORM(form, writes)
    {
        rw(form, &units.read_only, 0, 1, 512);
        EXPECT_SENSE(&command, 0x072700);
    }
    FOR_EACH_FORM(form, reads)
    {
        rw(form, &units.read_only, 0, 1, 512);
        EXPECT_WORK(&command, VminiDoRead, 0, 512);
    }
}

static void without_a_medium_nothing_is_read_or_written(void)
{
    units.removable.Ejected = 1;
    FOR_EACH_FORM(form, reads)
    {
        rw(form, &units.removable, 0, 1, 512);
        EXPECT_SENSE(&command, 0x023A00);
    }
    FOR_EACH_FORM(form, writes)
    {
        rw(form, &units.removable, 0, 1, 512);
        EXPECT_SENSE(&command, 0x023A00);
    }
}

static void a_cdrom_has_blocks_of_2048_bytes(void)
{
    rw(&reads[1], &units.cdrom, 3, 2, 4096);
    EXPECT_WORK(&command, VminiDoRead, 3 * 2048, 4096);
    rw(&reads[2], &units.cdrom, CDROM_BLOCKS - 1, 1, 2048);
    EXPECT_WORK(&command, VminiDoRead, (CDROM_BLOCKS - 1) * 2048, 2048);
    rw(&reads[1], &units.cdrom, CDROM_BLOCKS, 1, 2048);
    EXPECT_SENSE(&command, 0x052100);
    rw(&reads[0], &units.cdrom, 0, 1, 2048); /* READ(6) and (16) are not MMC's. */
    EXPECT_SENSE(&command, 0x052000);
    rw(&writes[1], &units.cdrom, 0, 1, 2048);
    EXPECT_SENSE(&command, 0x052000);
}

static void the_tail_of_an_odd_file_is_not_served(void)
{
    VMINI_UNIT odd;
    ULONG tail;

    for (tail = 0; tail < 512; tail += 73) {
        CU_ASSERT_FATAL(scsi_unit(&odd, 2 * 512 + tail, 0, u"odd") == STATUS_SUCCESS);
        rw(&reads[1], &odd, 1, 1, 512);
        EXPECT_WORK(&command, VminiDoRead, 512, 512);
        rw(&reads[1], &odd, 2, 1, 512);
        EXPECT_SENSE(&command, 0x052100);
    }
}

CU_ErrorCode register_rw_suite(void);
CU_ErrorCode register_rw_suite(void)
{
    CU_TestInfo tests[] = {
        {"a READ is handed to the workers", a_read_is_handed_to_the_workers},
        {"a WRITE is handed to the workers", a_write_is_handed_to_the_workers},
        {"no blocks mean 256 in the 6-byte forms", no_blocks_mean_256_in_the_6_byte_forms},
        {"no blocks mean none in the others", no_blocks_mean_none_in_the_others},
        {"the top bits of a 6-byte LBA are not the LBA's",
         the_top_bits_of_a_6_byte_lba_are_not_the_lbas},
        {"FUA reaches the file", fua_reaches_the_file},
        {"a flush that fails names no block", a_flush_that_fails_names_no_block},
        {"the write cache is asked once", the_write_cache_is_asked_once},
        {"protection information is refused", protection_information_is_refused},
        {"an LBA out of range is refused", an_lba_out_of_range_is_refused},
        {"the first bad block is named", the_first_bad_block_is_named},
        {"the last block of 8 TB is there", the_last_block_of_8_tb_is_there},
        {"a megabyte is the most", a_megabyte_is_the_most},
        {"a buffer that is too short is refused", a_buffer_that_is_too_short_is_refused},
        {"of a longer buffer only the CDB's bytes move",
         of_a_longer_buffer_only_the_cdbs_bytes_move},
        {"the data may begin inside the MDL", the_data_may_begin_inside_the_mdl},
        {"without an address the data begin where the MDL does",
         without_an_address_the_data_begin_where_the_mdl_does},
        {"an MDL that does not hold the data is refused",
         an_mdl_that_does_not_hold_the_data_is_refused},
        {"an address outside the MDL is refused", an_address_outside_the_mdl_is_refused},
        {"a read-only unit is not written", a_read_only_unit_is_not_written},
        {"without a medium nothing is read or written",
         without_a_medium_nothing_is_read_or_written},
        {"a CD-ROM has blocks of 2048 bytes", a_cdrom_has_blocks_of_2048_bytes},
        {"the tail of an odd file is not served", the_tail_of_an_odd_file_is_not_served},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: READ and WRITE", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
