/**
 * \file
 * READ CD, READ CD MSF, READ DISC STRUCTURE, MECHANISM STATUS (MMC-6 6.18, 6.19, 6.22, 6.12).
 */
#include "scsi_fixture.h"

#define USER 0x10
#define ANY  0
#define DATA 2

#define READ_CD(type, lba, sectors, flags, sub)                                                    \
    CDB(0xBE, (type) << 2, ((ULONG)(lba)) >> 24, ((lba) >> 16) & 0xFF, ((lba) >> 8) & 0xFF,        \
        (lba)&0xFF, ((sectors) >> 16) & 0xFF, ((sectors) >> 8) & 0xFF, (sectors)&0xFF, (flags),    \
        (sub), 0)
#define READ_MSF(m1, s1, f1, m2, s2, f2, flags)                                                    \
    CDB(0xB9, 0, 0, (m1), (s1), (f1), (m2), (s2), (f2), (flags), 0, 0)
#define STRUCTURE(type, layer, format, length)                                                     \
    CDB(0xAD, (type), 0, 0, 0, 0, (layer), (format), (length) >> 8, (length)&0xFF, 0, 0)
#define MECHANISM(length) CDB(0xBD, 0, 0, 0, 0, 0, 0, 0, (length) >> 8, (length)&0xFF, 0, 0)

static scsi_command_t command;
static VMINI_UNIT dvd; /* 4 GiB. */

static void setup(void)
{
    scsi_setup();
    scsi_unit(&dvd, 4ull << 30, VMINI_CONNECT_CDROM, u"dvd");
}

static void user_data_come_from_the_worker(void)
{
    static const UCHAR types[] = {ANY, DATA};
    unsigned i;

    for (i = 0; i < RTL_NUMBER_OF(types); i++) {
        scsi(&command, &units.cdrom, READ_CD(types[i], 7, 3, USER, 0), 8192);
        EXPECT_WORK(&command, VminiDoReadBuffer, 7 * 2048, 3 * 2048);
        CU_ASSERT_PTR_EQUAL(command.request.Work.Buffer, command.data);
        scsi_work_done(&command, STATUS_SUCCESS, 3 * 2048);
        EXPECT_GOOD(&command, 3 * 2048);
    }
}

static void a_read_that_fails_names_its_sector(void)
{
    scsi(&command, &units.cdrom, READ_CD(ANY, 7, 3, USER, 0), 8192);
    scsi_work_done(&command, STATUS_DEVICE_DATA_ERROR, 2048);
    EXPECT_SENSE(&command, 0x031100);
    EXPECT_INFORMATION(&command, 8);
    scsi(&command, &units.cdrom, READ_CD(ANY, 7, 3, USER, 0), 8192);
    scsi_work_done(&command, STATUS_SUCCESS, 2048); /* The file has become shorter. */
    EXPECT_SENSE(&command, 0x031100);
}

static void nothing_is_no_error(void)
{
    scsi(&command, &units.cdrom, READ_CD(ANY, 0, 0, USER, 0), 2048);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.cdrom, READ_CD(ANY, CDROM_BLOCKS, 0, USER, 0), 2048);
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.cdrom, READ_CD(ANY, 0, 2, 0, 0), 2048); /* Of each sector nothing. */
    EXPECT_GOOD(&command, 0);
    scsi(&command, &units.cdrom, READ_MSF(0, 2, 0, 0, 2, 0, USER), 2048);
    EXPECT_GOOD(&command, 0);
}

static void sectors_must_be_on_the_disc(void)
{
    scsi(&command, &units.cdrom, READ_CD(ANY, 249, 2, USER, 0), 8192);
    EXPECT_SENSE(&command, 0x052100);
    EXPECT_INFORMATION(&command, CDROM_BLOCKS);
    scsi(&command, &units.cdrom, READ_CD(ANY, 0xFFFFFFFFu, 1, USER, 0), 8192);
    EXPECT_SENSE(&command, 0x052100);
    scsi(&command, &units.cdrom, READ_CD(ANY, 250, 1, 0, 0), 0);
    EXPECT_SENSE(&command, 0x052100);
}

static void no_more_than_the_buffer_or_a_transfer(void)
{
    VMINI_UNIT long_cd;

    scsi(&command, &units.cdrom, READ_CD(ANY, 0, 2, USER, 0), 4095);
    EXPECT_FIELD(&command, 6, -1);
    scsi_unit(&long_cd, 400000ull * 2048, VMINI_CONNECT_CDROM, u"cd");
    scsi(&command, &long_cd, READ_CD(ANY, 0, VMINI_MAXIMUM_TRANSFER_LENGTH / 2048 + 1, USER, 0),
         VMINI_MAXIMUM_TRANSFER_LENGTH + 2048);
    EXPECT_FIELD(&command, 6, -1);
    /* 65,536 sectors: all three bytes count. */
    scsi(&command, &long_cd, READ_CD(ANY, 0, 0x10000, USER, 0), 2048);
    EXPECT_FIELD(&command, 6, -1);
}

/** Each bit of byte 9 but USER, and each of byte 10, asks for what an image does not hold. */
static void what_is_not_in_the_file_is_refused(void)
{
    int bit;

    for (bit = 0; bit < 8; bit++) {
        scsi(&command, &units.cdrom, READ_CD(ANY, 0, 1, USER | 1 << bit, 0), 4096);
        if ((1 << bit) != USER) {
            EXPECT_FIELD(&command, 9, bit);
        }
        scsi(&command, &units.cdrom, READ_CD(ANY, 0, 1, USER, 1 << bit), 4096);
        EXPECT_FIELD(&command, 10, bit);
    }
    scsi(&command, &units.cdrom, READ_CD(ANY, 0, 1, 0xF8, 0), 4096); /* A raw sector. */
    EXPECT_FIELD(&command, 9, 7);
}

static void the_track_is_a_data_track(void)
{
    unsigned type;

    for (type = 0; type < 8; type++) {
        scsi(&command, &units.cdrom, READ_CD(type, 0, 1, USER, 0), 2048);
        if (type == ANY || type == DATA) {
            EXPECT_WORK(&command, VminiDoReadBuffer, 0, 2048);
        } else {
            EXPECT_SENSE(&command, 0x056400);
        }
    }
    scsi(&command, &dvd, READ_CD(ANY, 0, 1, USER, 0), 2048);
    EXPECT_SENSE(&command, 0x053002);
}

static void addresses_in_minutes_seconds_and_frames(void)
{
    scsi(&command, &units.cdrom, READ_MSF(0, 2, 5, 0, 2, 8, USER), 8192);
    EXPECT_WORK(&command, VminiDoReadBuffer, 5 * 2048, 3 * 2048);
    scsi(&command, &units.cdrom, READ_MSF(0, 4, 74, 0, 5, 0, USER), 8192); /* 224 */
    EXPECT_WORK(&command, VminiDoReadBuffer, 224 * 2048, 2048);
    scsi(&command, &units.cdrom, READ_MSF(0, 5, 24, 0, 5, 26, USER), 8192); /* 249 and 250 */
    EXPECT_SENSE(&command, 0x052100);
    scsi(&command, &units.cdrom, READ_MSF(0, 1, 74, 0, 2, 0, USER), 8192); /* The lead-in. */
    EXPECT_SENSE(&command, 0x052100);
    scsi(&command, &units.cdrom, READ_MSF(0, 0, 0, 0, 2, 1, USER), 8192);
    EXPECT_SENSE(&command, 0x052100);
    scsi(&command, &units.cdrom, READ_MSF(0, 60, 0, 1, 2, 0, USER), 8192);
    EXPECT_FIELD(&command, 3, -1);
    scsi(&command, &units.cdrom, READ_MSF(0, 2, 0, 0, 2, 75, USER), 8192);
    EXPECT_FIELD(&command, 6, -1);
    scsi(&command, &units.cdrom, READ_MSF(0, 2, 1, 0, 2, 0, USER), 8192); /* It ends first. */
    EXPECT_FIELD(&command, 6, -1);
}

static void a_dvd_tells_its_structure(void)
{
    scsi(&command, &dvd, STRUCTURE(0, 0, 0, 2052), 2052);
    EXPECT_GOOD(&command, 21);
    CU_ASSERT(memcmp(command.data, "\x00\x13\x00\x00\x01\x0F\x01\x00", 8) == 0);
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[8]), 0x30000);
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[12]), 0x30000 + (4ull << 30) / 2048 - 1);
    CU_ASSERT(fake_all(&command.data[16], 5, 0));
    scsi(&command, &dvd, STRUCTURE(0, 0, 1, 8), 8);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(memcmp(command.data, "\x00\x06\x00\x00\x00\x00\x00\x00", 8) == 0);
    scsi(&command, &dvd, STRUCTURE(0, 0, 0xFF, 64), 64);
    EXPECT_GOOD(&command, 12);
    CU_ASSERT(memcmp(command.data, "\x00\x0A\x00\x00\x00\x40\x00\x15\x01\x40\x00\x08", 12) == 0);
}

static void structures_that_there_are_not(void)
{
    unsigned format;

    for (format = 2; format < 0xFF; format++) {
        scsi(&command, &dvd, STRUCTURE(0, 0, format, 64), 64);
        EXPECT_FIELD(&command, 7, -1);
    }
    scsi(&command, &dvd, STRUCTURE(0, 1, 0, 64), 64);
    EXPECT_FIELD(&command, 6, -1);
    scsi(&command, &dvd, STRUCTURE(1, 0, 0, 64), 64); /* Of a Blu-ray disc. */
    EXPECT_FIELD(&command, 1, 3);
    scsi(&command, &units.cdrom, STRUCTURE(0, 0, 0, 64), 64);
    EXPECT_SENSE(&command, 0x053002);
}

/** The last sector number has 24 bits. */
static void a_dvd_longer_than_its_numbers(void)
{
    scsi_unit(&dvd, 64ull << 30, VMINI_CONNECT_CDROM, u"dvd");
    scsi(&command, &dvd, STRUCTURE(0, 0, 0, 64), 64);
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[12]), 0xFFFFFF);
}

static void the_mechanism_says_whether_the_tray_is_open(void)
{
    scsi(&command, &units.cdrom, MECHANISM(64), 64);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(fake_all(command.data, 8, 0));
    units.cdrom.Ejected = 1;
    scsi(&command, &units.cdrom, MECHANISM(64), 64);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(memcmp(command.data, "\x00\x10\x00\x00\x00\x00\x00\x00", 8) == 0);
}

static void without_a_disc_nothing_is_read(void)
{
    units.cdrom.Ejected = 1;
    scsi(&command, &units.cdrom, READ_CD(ANY, 0, 1, USER, 0), 2048);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.cdrom, READ_MSF(0, 2, 0, 0, 2, 1, USER), 2048);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.cdrom, STRUCTURE(0, 0, 0, 64), 64);
    EXPECT_SENSE(&command, 0x023A00);
}

static void a_disk_has_none_of_these(void)
{
    scsi(&command, &units.disk, READ_CD(ANY, 0, 1, USER, 0), 2048);
    EXPECT_SENSE(&command, 0x052000);
    scsi(&command, &units.disk, READ_MSF(0, 2, 0, 0, 2, 1, USER), 2048);
    EXPECT_SENSE(&command, 0x052000);
    scsi(&command, &units.disk, STRUCTURE(0, 0, 0, 64), 64);
    EXPECT_SENSE(&command, 0x052000);
    scsi(&command, &units.disk, MECHANISM(64), 64);
    EXPECT_SENSE(&command, 0x052000);
}

static void every_allocation_length_is_obeyed(void)
{
    ULONG length;

    for (length = 0; length <= 32; length++) {
        scsi(&command, &dvd, STRUCTURE(0, 0, 0, length), 64);
        EXPECT_GOOD(&command, min(length, 21));
        scsi(&command, &units.cdrom, MECHANISM(length), 64);
        EXPECT_GOOD(&command, min(length, 8));
        CU_ASSERT(fake_all(command.data + length, 64 - length, FAKE_POISON));
    }
}

CU_ErrorCode register_read_cd_suite(void);
CU_ErrorCode register_read_cd_suite(void)
{
    CU_TestInfo tests[] = {
        {"user data come from the worker", user_data_come_from_the_worker},
        {"a read that fails names its sector", a_read_that_fails_names_its_sector},
        {"nothing is no error", nothing_is_no_error},
        {"sectors must be on the disc", sectors_must_be_on_the_disc},
        {"no more than the buffer, or a transfer", no_more_than_the_buffer_or_a_transfer},
        {"what is not in the file is refused", what_is_not_in_the_file_is_refused},
        {"the track is a data track", the_track_is_a_data_track},
        {"addresses in minutes, seconds and frames", addresses_in_minutes_seconds_and_frames},
        {"a DVD tells its structure", a_dvd_tells_its_structure},
        {"structures that there are not", structures_that_there_are_not},
        {"a DVD longer than its numbers", a_dvd_longer_than_its_numbers},
        {"the mechanism says whether the tray is open",
         the_mechanism_says_whether_the_tray_is_open},
        {"without a disc nothing is read", without_a_disc_nothing_is_read},
        {"a disk has none of these", a_disk_has_none_of_these},
        {"every allocation length is obeyed", every_allocation_length_is_obeyed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: READ CD and discs", NULL, NULL, setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
