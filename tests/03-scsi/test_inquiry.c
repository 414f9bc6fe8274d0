/**
 * \file
 * INQUIRY, SPC-4 6.6, and its vital product data pages, 7.8.
 */
#include "scsi_fixture.h"

#define INQUIRY(evpd, page, length) CDB(0x12, (evpd), (page), (length) >> 8, (length)&0xFF, 0)

static scsi_command_t command;

/** Bytes of standard data: through the revision, and no version descriptors. */
#define STANDARD 36

static void standard_data_is_36_bytes(void)
{
    scsi(&command, &units.disk, INQUIRY(0, 0, 255), 255);
    EXPECT_GOOD(&command, STANDARD);
    CU_ASSERT_EQUAL(command.data[0], 0x00); /* direct access, connected */
    CU_ASSERT_EQUAL(command.data[1], 0x00); /* RMB 0 */
    CU_ASSERT_EQUAL(command.data[2], 0x06); /* SPC-4 */
    CU_ASSERT_EQUAL(command.data[3], 0x02); /* response data format */
    CU_ASSERT_EQUAL(command.data[5], 0x00); /* PROTECT, 3PC, TPGS: none */
    CU_ASSERT_EQUAL(command.data[6], 0x00);
    CU_ASSERT_EQUAL(command.data[7], 0x02); /* CMDQUE */
    CU_ASSERT(memcmp(&command.data[8], "VMINI   VIRTUAL DISK    1.00", 28) == 0);
}

static void additional_length_counts_what_follows(void)
{
    scsi(&command, &units.disk, INQUIRY(0, 0, 36), 36);
    CU_ASSERT_EQUAL(command.data[4], STANDARD - 5);
    CU_ASSERT_EQUAL(command.data[4], 0x1F);
}

/** SAM-5, SPC-4 and SBC-3, behind 22 bytes of nothing; the rest of the eight is 0. */
static void a_thin_disk_names_the_standards(void)
{
    static const UCHAR claims[] = {0x00, 0xA0, 0x04, 0x60, 0x04, 0xC0};

    scsi(&command, &units.thin, INQUIRY(0, 0, 255), 255);
    EXPECT_GOOD(&command, 74);
    CU_ASSERT_EQUAL(command.data[4], 74 - 5);
    CU_ASSERT(fake_all(&command.data[36], 22, 0));
    CU_ASSERT(memcmp(&command.data[58], claims, sizeof(claims)) == 0);
    CU_ASSERT(fake_all(&command.data[64], 10, 0));
}

static void a_cdrom_says_so(void)
{
    scsi(&command, &units.cdrom, INQUIRY(0, 0, 36), 36);
    EXPECT_GOOD(&command, 36);
    CU_ASSERT_EQUAL(command.data[0], 0x05);
    CU_ASSERT_EQUAL(command.data[1], 0x80);
    CU_ASSERT(memcmp(&command.data[16], "VIRTUAL CD-ROM  ", 16) == 0);
}

static void a_removable_disk_says_so(void)
{
    scsi(&command, &units.removable, INQUIRY(0, 0, 36), 36);
    CU_ASSERT_EQUAL(command.data[0], 0x00);
    CU_ASSERT_EQUAL(command.data[1], 0x80);
}

static void an_absent_lun_0_is_not_there(void)
{
    scsi(&command, NULL, INQUIRY(0, 0, 36), 36);
    EXPECT_GOOD(&command, 36);
    CU_ASSERT_EQUAL(command.data[0], 0x7F); /* qualifier 011b, type 1Fh */
    CU_ASSERT_EQUAL(command.data[1], 0x00);
    CU_ASSERT_EQUAL(command.data[4], 0x1F);
}

static void it_needs_no_medium(void)
{
    units.cdrom.Ejected = 1;
    scsi(&command, &units.cdrom, INQUIRY(0, 0, 36), 36);
    EXPECT_GOOD(&command, 36);
}

static void a_page_code_needs_evpd(void)
{
    scsi(&command, &units.disk, INQUIRY(0, 0x80, 36), 36);
    EXPECT_FIELD(&command, 2, -1);
    scsi(&command, &units.disk, INQUIRY(0, 0x01, 36), 36);
    EXPECT_FIELD(&command, 2, -1);
}

static void command_support_data_is_obsolete(void)
{
    scsi(&command, &units.disk, INQUIRY(2, 0x12, 36), 36);
    EXPECT_FIELD(&command, 1, 1);
}

/** The first `length` bytes of an answer, wherever it is cut: neither longer nor different. */
static void sweep(PVMINI_UNIT unit, UCHAR evpd, UCHAR page, ULONG whole)
{
    UCHAR answer[256];
    ULONG length;

    scsi(&command, unit, INQUIRY(evpd, page, 255), 255);
    EXPECT_GOOD(&command, whole);
    memcpy(answer, command.data, whole);
    for (length = 0; length <= whole + 8; length++) {
        ULONG moved = min(length, whole);

        scsi(&command, unit, INQUIRY(evpd, page, length), 255); /* cut by the CDB */
        EXPECT_GOOD(&command, moved);
        CU_ASSERT(memcmp(command.data, answer, moved) == 0);
        CU_ASSERT(fake_all(command.data + length, 255 - length, FAKE_POISON));
        scsi(&command, unit, INQUIRY(evpd, page, 255), length); /* cut by the buffer */
        EXPECT_GOOD(&command, moved);
        CU_ASSERT(memcmp(command.data, answer, moved) == 0);
    }
}

static void every_allocation_length_is_obeyed(void)
{
    sweep(&units.disk, 0, 0, STANDARD);
    sweep(&units.cdrom, 0, 0, STANDARD);
    sweep(NULL, 0, 0, STANDARD);
    sweep(&units.disk, 1, 0x00, 10);
    sweep(&units.disk, 1, 0x80, 20);
    sweep(&units.disk, 1, 0x83, 60);
    sweep(&units.disk, 1, 0xB0, 64);
    sweep(&units.disk, 1, 0xB1, 64);
    sweep(&units.disk, 1, 0xB2, 8);
}

static void the_allocation_length_has_two_bytes(void)
{
    scsi(&command, &units.disk, INQUIRY(0, 0, 0x0100), 256);
    EXPECT_GOOD(&command, STANDARD);
    scsi(&command, &units.disk, INQUIRY(0, 0, 0xFFFF), 0xFFFF);
    EXPECT_GOOD(&command, STANDARD);
}

static void reserved_bytes_are_zero(void)
{
    /* The fake port's SRB extension and buffers are full of A5h: a byte that the driver forgot
     * would be A5h. */
    scsi(&command, &units.disk, INQUIRY(1, 0xB1, 64), 64);
    CU_ASSERT(memcmp(command.data, "\x00\xB1\x00\x3C\x00\x01", 6) == 0);
    CU_ASSERT(fake_all(command.data + 6, 58, 0));
    scsi(&command, &units.disk, INQUIRY(1, 0xB2, 8), 8);
    CU_ASSERT(memcmp(command.data, "\x00\xB2\x00\x04\x00\x00\x00\x00", 8) == 0);
}

static void page_00_lists_the_pages_ascending(void)
{
    scsi(&command, &units.disk, INQUIRY(1, 0x00, 255), 255);
    EXPECT_GOOD(&command, 10);
    CU_ASSERT(memcmp(command.data, "\x00\x00\x00\x06\x00\x80\x83\xB0\xB1\xB2", 10) == 0);
    scsi(&command, &units.cdrom, INQUIRY(1, 0x00, 255), 255);
    EXPECT_GOOD(&command, 7);
    CU_ASSERT(memcmp(command.data, "\x05\x00\x00\x03\x00\x80\x83", 7) == 0);
    scsi(&command, NULL, INQUIRY(1, 0x00, 255), 255);
    EXPECT_GOOD(&command, 5);
    CU_ASSERT(memcmp(command.data, "\x7F\x00\x00\x01\x00", 5) == 0);
}

static void listed_pages_and_no_others_are_answered(void)
{
    PVMINI_UNIT kinds[] = {&units.disk, &units.cdrom, NULL};
    size_t kind;
    unsigned page;

    for (kind = 0; kind < RTL_NUMBER_OF(kinds); kind++) {
        UCHAR listed[256] = {0};
        ULONG i;

        scsi(&command, kinds[kind], INQUIRY(1, 0x00, 255), 255);
        for (i = 0; i < command.data[3]; i++) {
            listed[command.data[4 + i]] = 1;
        }
        for (page = 0; page < 256; page++) {
            scsi(&command, kinds[kind], INQUIRY(1, page, 255), 255);
            if (listed[page]) {
                CU_ASSERT_EQUAL(command.fake.srb_status, SRB_STATUS_SUCCESS);
                CU_ASSERT_EQUAL(command.data[1], page);
                CU_ASSERT_EQUAL(command.fake.moved, 4u + VminiReadBe16(&command.data[2]));
            } else {
                EXPECT_FIELD(&command, 2, -1);
            }
        }
    }
}

static void page_80_is_the_serial_number(void)
{
    scsi(&command, &units.disk, INQUIRY(1, 0x80, 255), 255);
    EXPECT_GOOD(&command, 20);
    CU_ASSERT(memcmp(command.data, "\x00\x80\x00\x10", 4) == 0);
    CU_ASSERT(memcmp(&command.data[4], units.disk.Serial, 16) == 0);
}

static void page_83_names_the_unit_twice(void)
{
    scsi(&command, &units.disk, INQUIRY(1, 0x83, 255), 255);
    EXPECT_GOOD(&command, 60);
    CU_ASSERT(memcmp(command.data, "\x00\x83\x00\x38", 4) == 0);
    CU_ASSERT(memcmp(&command.data[4], "\x02\x01\x00\x28", 4) == 0); /* ASCII, T10 vendor id */
    CU_ASSERT(memcmp(&command.data[8], "VMINI   VIRTUAL DISK    ", 24) == 0);
    CU_ASSERT(memcmp(&command.data[32], units.disk.Serial, 16) == 0);
    CU_ASSERT(memcmp(&command.data[48], "\x01\x03\x00\x08", 4) == 0); /* binary, NAA */
    CU_ASSERT_EQUAL(command.data[52] >> 4, 3);                        /* locally assigned */
    CU_ASSERT(memcmp(&command.data[52], units.disk.Naa, 8) == 0);
}

static void page_b0_limits_a_transfer_to_1_mib(void)
{
    scsi(&command, &units.disk, INQUIRY(1, 0xB0, 255), 255);
    EXPECT_GOOD(&command, 64);
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[2]), 0x3C);
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[6]), 8);
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[8]) * 512, 1024 * 1024);
    CU_ASSERT_EQUAL(command.data[4], 0);                       /* WSNZ: 0 blocks are fine */
    CU_ASSERT_EQUAL(command.data[5], 255);                     /* COMPARE AND WRITE */
    CU_ASSERT(fake_all(&command.data[12], 24, 0));             /* no UNMAP */
    CU_ASSERT_EQUAL(VminiReadBe64(&command.data[36]), 0xFFFF); /* WRITE SAME */
    CU_ASSERT(fake_all(&command.data[44], 20, 0));
}

static void pages_of_a_thin_disk_tell_of_unmap(void)
{
    scsi(&command, &units.thin, INQUIRY(1, 0xB0, 255), 255);
    EXPECT_GOOD(&command, 64);
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[20]), 0xFFFFFFFF); /* any number of blocks */
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[24]), 256);        /* descriptors */
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[28]), 128);        /* 64 KiB */
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[32]), 0x80000000); /* aligned at 0 */
    scsi(&command, &units.thin, INQUIRY(1, 0xB2, 255), 255);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(memcmp(command.data, "\x00\xB2\x00\x04\x00\xE4\x02\x00", 8) == 0);
    scsi(&command, &units.disk, INQUIRY(1, 0xB2, 255), 255);
    CU_ASSERT(memcmp(command.data, "\x00\xB2\x00\x04\x00\x00\x00\x00", 8) == 0);
}

static void no_memory_to_map_the_buffer_is_told(void)
{
    fake_port.fail_mapping = true;
    scsi(&command, &units.disk, INQUIRY(0, 0, 36), 36);
    EXPECT_SENSE(&command, 0x0B5503);
    scsi(&command, &units.disk, INQUIRY(0, 0, 0), 36); /* nothing to write: nothing to map */
    EXPECT_GOOD(&command, 0);
}

CU_ErrorCode register_inquiry_suite(void);
CU_ErrorCode register_inquiry_suite(void)
{
    CU_TestInfo tests[] = {
        {"standard data is 36 bytes", standard_data_is_36_bytes},
        {"a thin disk names the standards", a_thin_disk_names_the_standards},
        {"additional length counts what follows", additional_length_counts_what_follows},
        {"a CD-ROM says so", a_cdrom_says_so},
        {"a removable disk says so", a_removable_disk_says_so},
        {"an absent LUN 0 is not there", an_absent_lun_0_is_not_there},
        {"it needs no medium", it_needs_no_medium},
        {"a page code needs EVPD", a_page_code_needs_evpd},
        {"command support data is obsolete", command_support_data_is_obsolete},
        {"every allocation length is obeyed", every_allocation_length_is_obeyed},
        {"the allocation length has two bytes", the_allocation_length_has_two_bytes},
        {"reserved bytes are zero", reserved_bytes_are_zero},
        {"page 00 lists the pages, ascending", page_00_lists_the_pages_ascending},
        {"listed pages and no others are answered", listed_pages_and_no_others_are_answered},
        {"page 80 is the serial number", page_80_is_the_serial_number},
        {"page 83 names the unit twice", page_83_names_the_unit_twice},
        {"page B0 limits a transfer to 1 MiB", page_b0_limits_a_transfer_to_1_mib},
        {"pages of a thin disk tell of UNMAP", pages_of_a_thin_disk_tell_of_unmap},
        {"no memory to map the buffer is told", no_memory_to_map_the_buffer_is_told},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: INQUIRY", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
