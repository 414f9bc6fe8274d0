/**
 * \file
 * MODE SENSE(6) and (10), SPC-4 6.13 and 6.14, and the mode pages.
 */
#include "scsi_fixture.h"

#define DBD 0x08

/* MODE SENSE with `page`: page control in bits 7..6, page code in 5..0. */
#define SENSE6(flags, page, subpage, length) CDB(0x1A, (flags), (page), (subpage), (length), 0)
#define SENSE10(flags, page, subpage, length)                                                      \
    CDB(0x5A, (flags), (page), (subpage), 0, 0, 0, (length) >> 8, (length)&0xFF, 0)

static scsi_command_t command;

static const UCHAR caching[20] = {0x08, 0x12, 0x04};
static const UCHAR control[12] = {0x0A, 0x0A, 0x00, 0x10};
static const UCHAR exceptions[12] = {0x1C, 0x0A, 0x08};

static void a_disk_answers_header_descriptor_and_page(void)
{
    scsi(&command, &units.disk, SENSE6(0, 0x08, 0, 255), 255);
    EXPECT_GOOD(&command, 4 + 8 + 20);
    CU_ASSERT(memcmp(command.data, "\x1F\x00\x10\x08", 4) == 0);
    CU_ASSERT(memcmp(&command.data[4], "\x00\x00\x03\xE8\x00\x00\x02\x00", 8) == 0);
    CU_ASSERT(memcmp(&command.data[12], caching, 20) == 0);
    scsi(&command, &units.disk, SENSE10(0, 0x0A, 0, 255), 255);
    EXPECT_GOOD(&command, 8 + 8 + 12);
    CU_ASSERT(memcmp(command.data, "\x00\x1A\x00\x10\x00\x00\x00\x08", 8) == 0);
    CU_ASSERT(memcmp(&command.data[16], control, 12) == 0);
}

static void mode_data_length_does_not_count_itself(void)
{
    scsi(&command, &units.disk, SENSE6(DBD, 0x3F, 0, 255), 255);
    CU_ASSERT_EQUAL(command.data[0], command.fake.moved - 1);
    scsi(&command, &units.disk, SENSE10(DBD, 0x3F, 0, 255), 255);
    CU_ASSERT_EQUAL(VminiReadBe16(command.data), command.fake.moved - 2);
}

static void all_pages_come_ascending(void)
{
    UCHAR page = 0;
    ULONG at;

    scsi(&command, &units.disk, SENSE10(DBD, 0x3F, 0, 1024), 1024);
    EXPECT_GOOD(&command, 8 + 20 + 12 + 12);
    CU_ASSERT(memcmp(&command.data[8], caching, 20) == 0);
    CU_ASSERT(memcmp(&command.data[28], control, 12) == 0);
    CU_ASSERT(memcmp(&command.data[40], exceptions, 12) == 0);
    scsi(&command, &units.cdrom, SENSE10(0, 0x3F, 0, 1024), 1024);
    EXPECT_GOOD(&command, 8 + 12 + 12 + 24);
    for (at = 8; at < command.fake.moved; at += 2u + command.data[at + 1]) {
        CU_ASSERT(command.data[at] > page);
        page = command.data[at];
    }
    CU_ASSERT_EQUAL(page, 0x2A);
    CU_ASSERT_EQUAL(at, command.fake.moved);
}

static void dbd_leaves_the_descriptor_out(void)
{
    scsi(&command, &units.disk, SENSE6(DBD, 0x08, 0, 255), 255);
    EXPECT_GOOD(&command, 4 + 20);
    CU_ASSERT(memcmp(command.data, "\x17\x00\x10\x00", 4) == 0);
}

static void a_cdrom_has_no_descriptor(void)
{
    scsi(&command, &units.cdrom, SENSE10(0, 0x2A, 0, 255), 255);
    EXPECT_GOOD(&command, 8 + 24);
    CU_ASSERT(memcmp(command.data, "\x00\x1E\x00\x80\x00\x00\x00\x00", 8) == 0);
    CU_ASSERT_EQUAL(command.data[8], 0x2A);
    CU_ASSERT_EQUAL(command.data[9], 0x16);
    CU_ASSERT_EQUAL(command.data[8 + 3], 0x00);       /* It writes nothing. */
    CU_ASSERT_EQUAL(command.data[8 + 6], 0x29);       /* tray, eject, lock */
    CU_ASSERT_EQUAL(command.data[8 + 6] >> 5 & 7, 1); /* loading mechanism: tray */
    units.cdrom.Prevented = 1;
    scsi(&command, &units.cdrom, SENSE10(0, 0x2A, 0, 255), 255);
    CU_ASSERT_EQUAL(command.data[8 + 6], 0x2B); /* locked */
}

static void a_disk_beyond_2_tib_says_ask_elsewhere(void)
{
    scsi(&command, &units.big, SENSE6(0, 0x08, 0, 255), 255);
    CU_ASSERT(memcmp(&command.data[4], "\xFF\xFF\xFF\xFF\x00\x00\x02\x00", 8) == 0);
}

static void without_a_medium_there_are_no_blocks(void)
{
    units.removable.Ejected = 1;
    scsi(&command, &units.removable, SENSE6(0, 0x08, 0, 255), 255);
    EXPECT_GOOD(&command, 32);
    CU_ASSERT(memcmp(&command.data[4], "\x00\x00\x00\x00\x00\x00\x02\x00", 8) == 0);
}

static void write_protection_shows_in_the_header(void)
{
    scsi(&command, &units.read_only, SENSE6(DBD, 0x08, 0, 255), 255);
    CU_ASSERT_EQUAL(command.data[2], 0x90);     /* WP and DPOFUA */
    CU_ASSERT_EQUAL(command.data[4 + 2], 0x00); /* and nothing is cached for writing */
    scsi(&command, &units.read_only, SENSE10(DBD, 0x08, 0, 255), 255);
    CU_ASSERT_EQUAL(command.data[3], 0x90);
    scsi(&command, &units.cdrom, SENSE6(DBD, 0x2A, 0, 255), 255);
    CU_ASSERT_EQUAL(command.data[2], 0x80);
}

/** WCE, D_SENSE and SWP; no cache where nothing is written, no SWP on a disc. */
static void the_mask_of_changeable_bits(void)
{
    scsi(&command, &units.disk, SENSE10(DBD, 0x7F, 0, 255), 255); /* PC 01b, page 3Fh */
    EXPECT_GOOD(&command, 8 + 20 + 12 + 12);
    CU_ASSERT(memcmp(&command.data[8], "\x08\x12\x04", 3) == 0 &&
              fake_all(&command.data[11], 17, 0));
    CU_ASSERT(memcmp(&command.data[28], "\x0A\x0A\x04\x00\x08", 5) == 0);
    CU_ASSERT(fake_all(&command.data[33], 7, 0));
    CU_ASSERT(memcmp(&command.data[40], "\x1C\x0A", 2) == 0 && fake_all(&command.data[42], 10, 0));
    scsi(&command, &units.read_only, SENSE10(DBD, 0x48, 0, 255), 255);
    CU_ASSERT(fake_all(&command.data[10], 18, 0));
    scsi(&command, &units.cdrom, SENSE10(DBD, 0x4A, 0, 255), 255);
    CU_ASSERT(memcmp(&command.data[8], "\x0A\x0A\x04\x00\x00", 5) == 0);
}

static void defaults_are_the_current_values(void)
{
    scsi(&command, &units.disk, SENSE10(DBD, 0xBF, 0, 255), 255); /* PC 10b */
    EXPECT_GOOD(&command, 8 + 20 + 12 + 12);
    CU_ASSERT(memcmp(&command.data[8], caching, 20) == 0);
    CU_ASSERT(memcmp(&command.data[28], control, 12) == 0);
    units.disk.Mode = VMINI_MODE_WRITE_PROTECT | VMINI_MODE_DESCRIPTOR_SENSE;
    scsi(&command, &units.disk, SENSE10(DBD, 0xBF, 0, 255), 255);
    CU_ASSERT(memcmp(&command.data[8], caching, 20) == 0); /* They stay what they are. */
    CU_ASSERT(memcmp(&command.data[28], control, 12) == 0);
}

static void saved_values_are_not_supported(void)
{
    scsi(&command, &units.disk, SENSE6(0, 0xC8, 0, 255), 255); /* PC 11b */
    EXPECT_SENSE(&command, 0x053900);
    scsi(&command, &units.disk, SENSE10(0, 0xFF, 0, 255), 255);
    EXPECT_SENSE(&command, 0x053900);
}

static void other_pages_are_refused(void)
{
    unsigned page;

    for (page = 0; page < 0x3F; page++) {
        bool disk = page == 0x08 || page == 0x0A || page == 0x1C;
        bool cdrom = page == 0x0A || page == 0x1C || page == 0x2A;

        scsi(&command, &units.disk, SENSE6(0, page, 0, 255), 255);
        if (disk) {
            CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_SUCCESS);
        } else {
            EXPECT_FIELD(&command, 2, 5);
        }
        scsi(&command, &units.cdrom, SENSE10(0, page, 0, 255), 255);
        if (cdrom) {
            CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_SUCCESS);
        } else {
            EXPECT_FIELD(&command, 2, 5);
        }
    }
}

static void there_are_no_subpages(void)
{
    unsigned subpage;

    for (subpage = 1; subpage < 255; subpage++) {
        scsi(&command, &units.disk, SENSE6(0, 0x0A, subpage, 255), 255);
        EXPECT_FIELD(&command, 3, -1);
    }
    scsi(&command, &units.disk, SENSE6(DBD, 0x3F, 0xFF, 255), 255); /* all pages, all subpages */
    EXPECT_GOOD(&command, 4 + 20 + 12 + 12);
}

static void every_allocation_length_is_obeyed(void)
{
    UCHAR answer[64];
    ULONG length;

    scsi(&command, &units.disk, SENSE6(0, 0x3F, 0, 255), 255);
    EXPECT_GOOD(&command, 56);
    memcpy(answer, command.data, 56);
    for (length = 0; length <= 64; length++) {
        ULONG moved = min(length, 56);

        scsi(&command, &units.disk, SENSE6(0, 0x3F, 0, length), 255);
        EXPECT_GOOD(&command, moved);
        CU_ASSERT(memcmp(command.data, answer, moved) == 0);
        CU_ASSERT(fake_all(command.data + length, 255 - length, FAKE_POISON));
        scsi(&command, &units.disk, SENSE6(0, 0x3F, 0, 255), length);
        EXPECT_GOOD(&command, moved);
        CU_ASSERT(memcmp(command.data, answer, moved) == 0);
        scsi(&command, &units.cdrom, SENSE10(0, 0x2A, 0, length), 300);
        EXPECT_GOOD(&command, min(length, 32));
    }
    scsi(&command, &units.cdrom, SENSE10(0, 0x2A, 0, 0x0100), 300); /* two bytes of length */
    EXPECT_GOOD(&command, 32);
}

CU_ErrorCode register_mode_suite(void);
CU_ErrorCode register_mode_suite(void)
{
    CU_TestInfo tests[] = {
        {"a disk answers header, descriptor and page", a_disk_answers_header_descriptor_and_page},
        {"mode data length does not count itself", mode_data_length_does_not_count_itself},
        {"all pages come ascending", all_pages_come_ascending},
        {"DBD leaves the descriptor out", dbd_leaves_the_descriptor_out},
        {"a CD-ROM has no descriptor", a_cdrom_has_no_descriptor},
        {"a disk beyond 2 TiB says: ask elsewhere", a_disk_beyond_2_tib_says_ask_elsewhere},
        {"without a medium there are no blocks", without_a_medium_there_are_no_blocks},
        {"write protection shows in the header", write_protection_shows_in_the_header},
        {"the mask of changeable bits", the_mask_of_changeable_bits},
        {"defaults are the current values", defaults_are_the_current_values},
        {"saved values are not supported", saved_values_are_not_supported},
        {"other pages are refused", other_pages_are_refused},
        {"there are no subpages", there_are_no_subpages},
        {"every allocation length is obeyed", every_allocation_length_is_obeyed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: MODE SENSE", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
