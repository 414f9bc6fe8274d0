/**
 * \file
 * A logical unit's facts: size, kind, identity; and READ CAPACITY(10) and (16), which tell the
 * first.
 */
#include "scsi_fixture.h"

#define CAPACITY10 CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0)
#define CAPACITY16(length)                                                                         \
    CDB(0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (length) >> 8, (length)&0xFF, 0, 0)

static scsi_command_t command;

static void whole_blocks_are_counted(void)
{
    VMINI_UNIT unit;

    CU_ASSERT_EQUAL(scsi_unit(&unit, 512, 0, u"x"), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(unit.BlockCount, 1);
    CU_ASSERT_EQUAL(unit.BlockSize, 512);
    CU_ASSERT_EQUAL(scsi_unit(&unit, 1023, 0, u"x"), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(unit.BlockCount, 1);
    CU_ASSERT_EQUAL(scsi_unit(&unit, 4096, VMINI_CONNECT_CDROM, u"x"), STATUS_SUCCESS);
    CU_ASSERT_EQUAL(unit.BlockCount, 2);
    CU_ASSERT_EQUAL(unit.BlockSize, 2048);
}

static void less_than_a_block_is_no_unit(void)
{
    VMINI_UNIT unit;

    CU_ASSERT_EQUAL(scsi_unit(&unit, 0, 0, u"x"), STATUS_FILE_INVALID);
    CU_ASSERT_EQUAL(scsi_unit(&unit, 511, 0, u"x"), STATUS_FILE_INVALID);
    CU_ASSERT_EQUAL(scsi_unit(&unit, 2047, VMINI_CONNECT_CDROM, u"x"), STATUS_FILE_INVALID);
}

static void flags_say_what_it_is(void)
{
    CU_ASSERT(!units.disk.ReadOnly && !units.disk.Removable && !units.disk.Cdrom);
    CU_ASSERT(!units.removable.ReadOnly && units.removable.Removable && !units.removable.Cdrom);
    CU_ASSERT(units.read_only.ReadOnly && !units.read_only.Removable);
    CU_ASSERT(units.cdrom.ReadOnly && units.cdrom.Removable && units.cdrom.Cdrom);
}

static void a_file_opened_for_reading_is_read_only(void)
{
    VMINI_UNIT unit;
    VMINI_MEDIA media = {.Size = 512, .ReadOnly = TRUE};
    VMINI_ADDRESS address = {0, 0, 0, 0};
    UNICODE_STRING path = RTL_CONSTANT_STRING(u"x");

    CU_ASSERT_EQUAL(VminiUnitInitialize(&unit, &media, 0, address, &path), STATUS_SUCCESS);
    CU_ASSERT_TRUE(unit.ReadOnly);
}

static void the_path_makes_the_identity(void)
{
    VMINI_UNIT one, two;

    scsi_unit(&one, 512, 0, u"\\??\\C:\\Images\\Disk.img");
    scsi_unit(&two, 5120, VMINI_CONNECT_REMOVABLE, u"\\??\\c:\\images\\DISK.IMG");
    CU_ASSERT(memcmp(one.Serial, two.Serial, sizeof(one.Serial)) == 0);
    CU_ASSERT(memcmp(one.Naa, two.Naa, sizeof(one.Naa)) == 0);
    scsi_unit(&two, 512, 0, u"\\??\\C:\\Images\\Disk2.img");
    CU_ASSERT(memcmp(one.Serial, two.Serial, sizeof(one.Serial)) != 0);
    CU_ASSERT(memcmp(one.Naa, two.Naa, sizeof(one.Naa)) != 0);
}

static void serial_numbers_are_16_hexadecimal_digits(void)
{
    size_t i;

    for (i = 0; i < sizeof(units.disk.Serial); i++) {
        CU_ASSERT_PTR_NOT_NULL(memchr("0123456789ABCDEF", units.disk.Serial[i], 16));
    }
}

static void a_thousand_paths_are_a_thousand_identities(void)
{
    static UCHAR seen[1000][8];
    WCHAR path[] = u"\\??\\C:\\disk000.img";
    unsigned i, j;

    for (i = 0; i < 1000; i++) {
        VMINI_UNIT unit;

        path[11] = (WCHAR)('0' + i / 100);
        path[12] = (WCHAR)('0' + i / 10 % 10);
        path[13] = (WCHAR)('0' + i % 10);
        scsi_unit(&unit, 512, 0, path);
        memcpy(seen[i], unit.Naa, 8);
        for (j = 0; j < i; j++) {
            if (memcmp(seen[i], seen[j], 8) == 0) {
                CU_FAIL("two paths have one NAA identifier");
            }
        }
    }
}

static void capacity_is_the_last_address(void)
{
    scsi(&command, &units.disk, CAPACITY10, 8);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(memcmp(command.data, "\x00\x00\x03\xE7\x00\x00\x02\x00", 8) == 0);
    scsi(&command, &units.cdrom, CAPACITY10, 8);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(memcmp(command.data, "\x00\x00\x00\xF9\x00\x00\x08\x00", 8) == 0);
    scsi(&command, &units.disk, CAPACITY16(32), 32);
    EXPECT_GOOD(&command, 32);
    CU_ASSERT(memcmp(command.data, "\0\0\0\0\0\0\x03\xE7\0\0\x02\0", 12) == 0);
    CU_ASSERT_EQUAL(command.data[12], 0);          /* no protection */
    CU_ASSERT_EQUAL(command.data[13], 3);          /* 8 logical blocks in a physical one */
    CU_ASSERT(fake_all(&command.data[14], 18, 0)); /* no provisioning */
    scsi(&command, &units.thin, CAPACITY16(32), 32);
    CU_ASSERT(memcmp(&command.data[12], "\x00\x03\xC0\x00", 4) == 0); /* LBPME, LBPRZ */
}

static void beyond_2_tib_the_10_byte_form_says_ffffffff(void)
{
    static const struct {
        ULONGLONG blocks;
        ULONG last;
    } cases[] = {{1ull << 31, 0x7FFFFFFF},
                 {0xFFFFFFFFull, 0xFFFFFFFE},
                 {1ull << 32, 0xFFFFFFFF},
                 {(1ull << 32) + 1, 0xFFFFFFFF},
                 {BIG_BLOCKS, 0xFFFFFFFF}};
    size_t i;

    for (i = 0; i < RTL_NUMBER_OF(cases); i++) {
        VMINI_UNIT unit;

        scsi_unit(&unit, cases[i].blocks * 512, 0, u"x");
        scsi(&command, &unit, CAPACITY10, 8);
        CU_ASSERT_EQUAL(VminiReadBe32(command.data), cases[i].last);
        scsi(&command, &unit, CAPACITY16(32), 32);
        CU_ASSERT_EQUAL(VminiReadBe64(command.data), cases[i].blocks - 1);
    }
}

static void every_allocation_length_is_obeyed(void)
{
    ULONG length;

    for (length = 0; length <= 40; length++) {
        scsi(&command, &units.disk, CAPACITY16(length), 64);
        EXPECT_GOOD(&command, min(length, 32));
        scsi(&command, &units.disk, CAPACITY16(0x0120), length);
        EXPECT_GOOD(&command, min(length, 32));
        scsi(&command, &units.disk, CAPACITY10, length); /* its length is always 8 */
        EXPECT_GOOD(&command, min(length, 8));
    }
}

static void without_a_medium_there_is_no_capacity(void)
{
    units.removable.Ejected = 1;
    scsi(&command, &units.removable, CAPACITY10, 8);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.removable, CAPACITY16(32), 32);
    EXPECT_SENSE(&command, 0x023A00);
}

CU_ErrorCode register_unit_suite(void);
CU_ErrorCode register_unit_suite(void)
{
    CU_TestInfo tests[] = {
        {"whole blocks are counted", whole_blocks_are_counted},
        {"less than a block is no unit", less_than_a_block_is_no_unit},
        {"flags say what it is", flags_say_what_it_is},
        {"a file opened for reading is read-only", a_file_opened_for_reading_is_read_only},
        {"the path makes the identity", the_path_makes_the_identity},
        {"serial numbers are 16 hexadecimal digits", serial_numbers_are_16_hexadecimal_digits},
        {"a thousand paths are a thousand identities", a_thousand_paths_are_a_thousand_identities},
        {"capacity is the last address", capacity_is_the_last_address},
        {"beyond 2 TiB the 10-byte form says FFFFFFFF",
         beyond_2_tib_the_10_byte_form_says_ffffffff},
        {"every allocation length is obeyed", every_allocation_length_is_obeyed},
        {"without a medium there is no capacity", without_a_medium_there_is_no_capacity},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"03 scsi: the unit and its capacity", NULL, NULL, scsi_setup, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
