/**
 * \file
 * MODE SELECT(6) and (10), SPC-4 6.11: what can be changed, and what WCE, SWP and D_SENSE then do.
 */
#include "scsi_fixture.h"

#define PF                      0x10
#define SELECT6(flags, length)  CDB(0x15, (flags), 0, 0, (length), 0)
#define SELECT10(flags, length) CDB(0x55, (flags), 0, 0, 0, 0, 0, (length) >> 8, (length)&0xFF, 0)

static scsi_command_t command;

/** Sends a parameter list. */
static UCHAR select_cdb(PVMINI_UNIT unit, const UCHAR *cdb, size_t cdb_length, const void *list,
                        ULONG length)
{
    scsi_command(&command, unit, cdb, cdb_length, length);
    command.data_out = true;
    command.sent = list;
    return scsi_run(&command);
}

#define SEND6(unit, list)                                                                          \
    select_cdb((unit), SELECT6(PF, sizeof(list) - 1), (list), (ULONG)sizeof(list) - 1)
#define SEND10(unit, list)                                                                         \
    select_cdb((unit), SELECT10(PF, sizeof(list) - 1), (list), (ULONG)sizeof(list) - 1)

/* Pages as MODE SENSE has them, but for the bits that a test is about. */
#define HEADER                "\0\0\0\0"
#define CACHING(bits)         "\x08\x12" bits "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CONTROL(byte2, byte4) "\x0A\x0A" byte2 "\x10" byte4 "\0\0\0\0\0\0\0"

/** What MODE SENSE says of a page now. */
static const UCHAR *sense_page(PVMINI_UNIT unit, UCHAR page)
{
    static UCHAR data[64];

    scsi(&command, unit, CDB(0x1A, 0x08, page, 0, 64, 0), 64);
    memcpy(data, command.data, 64);
    return data + 4;
}

static UCHAR write_one(PVMINI_UNIT unit)
{
    scsi_command(&command, unit, CDB(0x2A, 0, 0, 0, 0, 9, 0, 0, 1, 0), 512);
    command.data_out = true;
    return scsi_run(&command);
}

static void swp_refuses_writes(void)
{
    SEND6(&units.disk, HEADER CONTROL("\0", "\x08"));
    EXPECT_GOOD(&command, 16);
    CU_ASSERT_EQUAL(sense_page(&units.disk, 0x0A)[4], 0x08);
    CU_ASSERT_EQUAL(command.data[2], 0x90); /* WP and DPOFUA in the header */
    write_one(&units.disk);
    EXPECT_SENSE(&command, 0x072700);
    scsi(&command, &units.disk, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), 512);
    EXPECT_WORK(&command, VminiDoRead, 9 * 512, 512); /* Reads go on. */
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    SEND6(&units.disk, HEADER CONTROL("\0", "\0"));
    EXPECT_GOOD(&command, 16);
    CU_ASSERT_EQUAL(write_one(&units.disk), SRB_STATUS_PENDING);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    EXPECT_GOOD(&command, 512);
}

static void without_a_write_cache_writes_go_through(void)
{
    write_one(&units.disk);
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    SEND10(&units.disk, HEADER "\0\0\0\0" CACHING("\0"));
    EXPECT_WORK(&command, VminiDoFlush, 0, 0); /* What is in the cache is not left behind. */
    CU_ASSERT_EQUAL(units.disk.Mode & VMINI_MODE_WRITE_CACHE, 0);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_GOOD(&command, 28);
    CU_ASSERT_EQUAL(sense_page(&units.disk, 0x08)[2], 0x00);
    write_one(&units.disk);
    CU_ASSERT_TRUE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
    SEND6(&units.disk, HEADER CACHING("\0"));
    EXPECT_GOOD(&command, 24); /* It is off already. */
    SEND6(&units.disk, HEADER CACHING("\x04"));
    EXPECT_GOOD(&command, 24);
    CU_ASSERT_EQUAL(sense_page(&units.disk, 0x08)[2], 0x04);
    write_one(&units.disk);
    CU_ASSERT_FALSE(command.request.Work.WriteThrough);
    scsi_work_done(&command, STATUS_SUCCESS, 512);
}

static void a_flush_that_fails_leaves_the_cache_off(void)
{
    SEND6(&units.disk, HEADER CACHING("\0"));
    scsi_work_done(&command, STATUS_DISK_FULL, 0);
    EXPECT_SENSE(&command, 0x072707);
    CU_ASSERT_EQUAL(units.disk.Mode & VMINI_MODE_WRITE_CACHE, 0);
}

static void d_sense_changes_the_format(void)
{
    SEND6(&units.big, HEADER CONTROL("\x04", "\0"));
    EXPECT_GOOD(&command, 16);
    scsi_command(&command, &units.big,
                 CDB(0x88, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0),
                 512);
    command.fake.sense_length = 64;
    scsi_run(&command);
    EXPECT_SENSE(&command, 0x052100);
    CU_ASSERT(memcmp(command.fake.sense, "\x72\x05\x21\0\0\0\0\x0C\x00\x0A\x80\0", 12) == 0);
    CU_ASSERT_EQUAL(VminiReadBe64(&command.fake.sense[12]), MAXULONGLONG);
    scsi(&command, &units.disk, CDB(0xFF, 0, 0, 0, 0, 0), 0); /* Another unit's are as before. */
    EXPECT_SENSE(&command, 0x052000);
    CU_ASSERT_EQUAL(command.fake.sense[0], 0x70);
    SEND6(&units.big, HEADER CONTROL("\0", "\0"));
    scsi(&command, &units.big, CDB(0xFF, 0, 0, 0, 0, 0), 0);
    CU_ASSERT_EQUAL(command.fake.sense[0], 0x70);
    SEND6(&units.cdrom, HEADER CONTROL("\x04", "\0"));
    EXPECT_GOOD(&command, 16);
    scsi(&command, &units.cdrom, CDB(0xFF, 0, 0, 0, 0, 0), 0);
    CU_ASSERT_EQUAL(command.fake.sense[0], 0x72);
}

static void a_block_descriptor_may_say_what_is_so(void)
{
    SEND6(&units.disk, "\0\0\0\x08"
                       "\0\0\x03\xE8\0\0\x02\0" CONTROL("\0", "\x08"));
    EXPECT_GOOD(&command, 24);
    SEND6(&units.disk, "\0\0\0\x08"
                       "\0\0\0\0\0\0\x02\0");
    EXPECT_GOOD(&command, 12);
    SEND10(&units.disk, "\0\0\0\0\0\0\0\x08"
                        "\xFF\xFF\xFF\xFF\0\0\x02\0");
    EXPECT_GOOD(&command, 16);
    SEND6(&units.cdrom, "\0\0\0\x08"
                        "\0\0\0\0\0\0\x08\0");
    EXPECT_GOOD(&command, 12);
    SEND6(&units.disk, "\0\0\0\x08"
                       "\0\0\x03\xE7\0\0\x02\0"); /* another size */
    EXPECT_PARAMETER(&command, 4, -1);
    SEND6(&units.disk, "\0\0\0\x08"
                       "\0\0\0\0\0\0\x10\0"); /* 4096 bytes a block */
    EXPECT_PARAMETER(&command, 9, -1);
    SEND10(&units.disk, "\0\0\0\0\0\0\0\x08"
                        "\0\0\0\0\0\0\x02\x01");
    EXPECT_PARAMETER(&command, 13, -1);
    SEND6(&units.disk, "\0\0\0\x10"
                       "\0\0\0\0\0\0\x02\0"
                       "\0\0\0\0\0\0\x02\0"); /* two of them */
    EXPECT_PARAMETER(&command, 3, -1);
    SEND10(&units.disk, "\0\0\0\0\0\0\x01\x08"
                        "\0\0\0\0\0\0\x02\0");
    EXPECT_PARAMETER(&command, 7, -1);
}

/** Every bit that the mask of changeable bits does not have, one after the other. */
static void other_bits_cannot_be_changed(void)
{
    static const struct {
        UCHAR page, length, mask_at, mask, also_at, also;
    } pages[] = {{0x08, 20, 2, 0x04, 0, 0}, {0x0A, 12, 2, 0x04, 4, 0x08}, {0x1C, 12, 0, 0, 0, 0}};
    size_t p;

    for (p = 0; p < RTL_NUMBER_OF(pages); p++) {
        UCHAR list[4 + 20] = {0};
        unsigned bit;

        memcpy(&list[4], sense_page(&units.disk, pages[p].page), pages[p].length);
        for (bit = 16; bit < pages[p].length * 8u; bit++) {
            UCHAR byte = (UCHAR)(bit / 8), mask = (UCHAR)(1 << bit % 8);
            LONG before = units.disk.Mode;

            if ((byte == pages[p].mask_at && mask == pages[p].mask) ||
                (byte == pages[p].also_at && mask == pages[p].also)) {
                continue;
            }
            list[4 + byte] ^= mask;
            select_cdb(&units.disk, SELECT6(PF, 4 + pages[p].length), list, 4u + pages[p].length);
            EXPECT_PARAMETER(&command, 4u + byte, -1);
            CU_ASSERT_EQUAL(units.disk.Mode, before);
            list[4 + byte] ^= mask;
        }
        select_cdb(&units.disk, SELECT6(PF, 4 + pages[p].length), list, 4u + pages[p].length);
        EXPECT_GOOD(&command, 4u + pages[p].length);
    }
}

/** One wrong byte at the end, and nothing at the beginning was done. */
static void all_or_nothing(void)
{
    LONG before = units.disk.Mode;

    SEND6(&units.disk, HEADER CONTROL("\x04", "\x08") CACHING("\x05"));
    EXPECT_PARAMETER(&command, 4 + 12 + 2, -1);
    CU_ASSERT_EQUAL(units.disk.Mode, before);
    SEND6(&units.disk, HEADER CONTROL("\x04", "\x08") CACHING("\0"));
    CU_ASSERT_EQUAL(units.disk.Mode, VMINI_MODE_WRITE_PROTECT | VMINI_MODE_DESCRIPTOR_SENSE);
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    EXPECT_GOOD(&command, 4 + 12 + 20);
}

static void pages_that_are_not_there(void)
{
    SEND6(&units.disk, HEADER "\x01\x0A\0\0\0\0\0\0\0\0\0\0");
    EXPECT_PARAMETER(&command, 4, 6);
    SEND6(&units.disk, HEADER "\x3F\x0A\0\0\0\0\0\0\0\0\0\0");
    EXPECT_PARAMETER(&command, 4, 6);
    SEND6(&units.disk, HEADER "\x4A\x01\0\x1C\0\0\0\0\0\0\0\0"); /* a subpage */
    EXPECT_PARAMETER(&command, 4, 6);
    SEND6(&units.cdrom, HEADER CACHING("\x04")); /* a disk's */
    EXPECT_PARAMETER(&command, 4, 6);
    SEND6(&units.disk, HEADER "\x0A\x0B\0\x10\0\0\0\0\0\0\0\0\0");
    EXPECT_PARAMETER(&command, 5, -1);
    SEND6(&units.read_only, HEADER CACHING("\x04")); /* nothing is written there */
    EXPECT_PARAMETER(&command, 6, -1);
    SEND6(&units.cdrom, HEADER CONTROL("\0", "\x08"));
    EXPECT_PARAMETER(&command, 8, -1);
}

static void a_list_that_ends_too_early(void)
{
    static const char list[] = "\0\0\0\x08"
                               "\0\0\0\0\0\0\x02\0" CONTROL("\0", "\x08");
    LONG before = units.disk.Mode;
    UCHAR length;

    for (length = 1; length < sizeof(list) - 1; length++) {
        select_cdb(&units.disk, SELECT6(PF, length), list, length);
        if (length == 12) {
            EXPECT_GOOD(&command, 12); /* Header and block descriptor: a list without pages. */
        } else {
            EXPECT_SENSE(&command, 0x051A00);
        }
        CU_ASSERT_EQUAL(units.disk.Mode, before);
    }
    select_cdb(&units.disk, SELECT6(PF, 0), list, 0);
    EXPECT_GOOD(&command, 0);
    select_cdb(&units.disk, SELECT10(0, 0), list, 24);
    EXPECT_GOOD(&command, 0);
}

static void what_the_cdb_must_say(void)
{
    static const UCHAR list[16] = HEADER CONTROL("\0", "\0");

    select_cdb(&units.disk, SELECT6(PF | 1, 16), list, 16); /* SP: nothing can be saved */
    EXPECT_FIELD(&command, 1, 0);
    select_cdb(&units.disk, SELECT6(0, 16), list, 16); /* PF 0: pages of no standard */
    EXPECT_FIELD(&command, 1, 4);
    select_cdb(&units.disk, SELECT6(PF, 16), list, 15);
    EXPECT_FIELD(&command, 4, -1);
    select_cdb(&units.disk, SELECT10(PF, 16), list, 15);
    EXPECT_FIELD(&command, 7, -1);
    scsi_command(&command, &units.disk, SELECT6(PF, 16), 16);
    command.sent = list;
    command.data_out = true;
    fake_port.fail_mapping = true;
    scsi_run(&command);
    EXPECT_SENSE(&command, 0x0B5503);
}

static void it_needs_no_medium(void)
{
    units.removable.Ejected = 1;
    SEND6(&units.removable, HEADER CONTROL("\0", "\x08"));
    EXPECT_GOOD(&command, 16);
}

static void a_reset_restores_the_defaults(void)
{
    SEND6(&units.disk, HEADER CONTROL("\x04", "\x08") CACHING("\0"));
    scsi_work_done(&command, STATUS_SUCCESS, 0);
    units.disk.Prevented = 1;
    VminiUnitReset(&units.disk);
    CU_ASSERT_EQUAL(units.disk.Mode, VMINI_MODE_WRITE_CACHE);
    CU_ASSERT_EQUAL(units.disk.Prevented, 0);
    VminiUnitReset(&units.read_only);
    CU_ASSERT_EQUAL(units.read_only.Mode, 0);
}

CU_ErrorCode register_mode_select_suite(void);
CU_ErrorCode register_mode_select_suite(void)
{
    CU_TestInfo tests[] = {
        {"SWP refuses writes", swp_refuses_writes},
        {"without a write cache writes go through", without_a_write_cache_writes_go_through},
        {"a flush that fails leaves the cache off", a_flush_that_fails_leaves_the_cache_off},
        {"D_SENSE changes the format", d_sense_changes_the_format},
        {"a block descriptor may say what is so", a_block_descriptor_may_say_what_is_so},
        {"other bits cannot be changed", other_bits_cannot_be_changed},
        {"all or nothing", all_or_nothing},
        {"pages that are not there", pages_that_are_not_there},
        {"a list that ends too early", a_list_that_ends_too_early},
        {"what the CDB must say", what_the_cdb_must_say},
        {"it needs no medium", it_needs_no_medium},
        {"a reset restores the defaults", a_reset_restores_the_defaults},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: MODE SELECT", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
