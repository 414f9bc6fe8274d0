/**
 * \file
 * What only a CD-ROM answers: READ TOC, READ DISC INFORMATION, GET CONFIGURATION, GET EVENT STATUS
 * NOTIFICATION (MMC-6 6.25, 6.21, 6.5, 6.6).
 */
#include "scsi_fixture.h"

#define TOC(msf, format, track, length)                                                            \
    CDB(0x43, (msf) << 1, (format), 0, 0, 0, (track), (length) >> 8, (length)&0xFF, 0)
#define DISC(type, length) CDB(0x51, (type), 0, 0, 0, 0, 0, (length) >> 8, (length)&0xFF, 0)
#define CONFIGURATION(rt, start, length)                                                           \
    CDB(0x46, (rt), (start) >> 8, (start)&0xFF, 0, 0, 0, (length) >> 8, (length)&0xFF, 0)
#define EVENTS(polled, classes, length)                                                            \
    CDB(0x4A, (polled), 0, 0, (classes), 0, 0, (length) >> 8, (length)&0xFF, 0)
#define MEDIA 0x10

static scsi_command_t command;

static void the_toc_has_a_track_and_a_lead_out(void)
{
    scsi(&command, &units.cdrom, TOC(0, 0, 0, 804), 804);
    EXPECT_GOOD(&command, 20);
    CU_ASSERT(memcmp(command.data, "\x00\x12\x01\x01", 4) == 0);
    CU_ASSERT(memcmp(&command.data[4], "\x00\x14\x01\x00\x00\x00\x00\x00", 8) == 0);
    CU_ASSERT(memcmp(&command.data[12], "\x00\x14\xAA\x00\x00\x00\x00\xFA", 8) == 0); /* 250 */
}

static void the_toc_tells_minutes_seconds_and_frames(void)
{
    scsi(&command, &units.cdrom, TOC(1, 0, 0, 804), 804);
    EXPECT_GOOD(&command, 20);
    CU_ASSERT(memcmp(&command.data[8], "\x00\x00\x02\x00", 4) == 0);  /* LBA 0 */
    CU_ASSERT(memcmp(&command.data[16], "\x00\x00\x05\x19", 4) == 0); /* 250 + 150 frames */
}

static void a_disc_longer_than_a_cd_ends_at_99_59_74(void)
{
    VMINI_UNIT dvd;

    scsi_unit(&dvd, 4ull << 30, VMINI_CONNECT_CDROM, u"dvd");
    scsi(&command, &dvd, TOC(1, 0, 0xAA, 804), 804);
    CU_ASSERT(memcmp(&command.data[8], "\x00\x63\x3B\x4A", 4) == 0);
    scsi(&command, &dvd, TOC(0, 0, 0xAA, 804), 804);
    CU_ASSERT_EQUAL(VminiReadBe32(&command.data[8]), (4ull << 30) / 2048);
}

static void the_toc_begins_at_the_starting_track(void)
{
    unsigned track;

    for (track = 0; track < 256; track++) {
        scsi(&command, &units.cdrom, TOC(0, 0, track, 804), 804);
        if (track <= 1) {
            EXPECT_GOOD(&command, 20);
        } else if (track == 0xAA) {
            EXPECT_GOOD(&command, 12);
            CU_ASSERT_EQUAL(command.data[6], 0xAA);
        } else {
            EXPECT_FIELD(&command, 6, -1);
        }
    }
}

static void format_1_tells_the_last_session(void)
{
    scsi(&command, &units.cdrom, TOC(0, 1, 0, 12), 12);
    EXPECT_GOOD(&command, 12);
    CU_ASSERT(memcmp(command.data, "\x00\x0A\x01\x01\x00\x14\x01\x00\x00\x00\x00\x00", 12) == 0);
}

static void format_2_tells_the_lead_in(void)
{
    scsi(&command, &units.cdrom, TOC(1, 2, 0, 804), 804);
    EXPECT_GOOD(&command, 4 + 4 * 11);
    CU_ASSERT(memcmp(command.data, "\x00\x2E\x01\x01", 4) == 0);
    CU_ASSERT(memcmp(&command.data[4], "\x01\x14\x00\xA0\x00\x00\x00\x00\x01\x00\x00", 11) == 0);
    CU_ASSERT(memcmp(&command.data[15], "\x01\x14\x00\xA1\x00\x00\x00\x00\x01\x00\x00", 11) == 0);
    CU_ASSERT(memcmp(&command.data[26], "\x01\x14\x00\xA2\x00\x00\x00\x00\x00\x05\x19", 11) == 0);
    CU_ASSERT(memcmp(&command.data[37], "\x01\x14\x00\x01\x00\x00\x00\x00\x00\x02\x00", 11) == 0);
    scsi(&command, &units.cdrom, TOC(1, 2, 2, 804), 804); /* There is no session 2. */
    EXPECT_FIELD(&command, 6, -1);
}

static void other_formats_are_refused(void)
{
    unsigned format;

    for (format = 3; format < 16; format++) {
        scsi(&command, &units.cdrom, TOC(0, format, 0, 804), 804);
        EXPECT_FIELD(&command, 2, 3);
    }
}

static void old_programs_put_the_format_elsewhere(void)
{
    scsi(&command, &units.cdrom, CDB(0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40), 12);
    EXPECT_GOOD(&command, 12);
    CU_ASSERT_EQUAL(command.data[1], 0x0A); /* format 1 */
}

static void the_disc_is_complete(void)
{
    scsi(&command, &units.cdrom, DISC(0, 255), 255);
    EXPECT_GOOD(&command, 34);
    CU_ASSERT(memcmp(command.data, "\x00\x20\x0E\x01\x01\x01\x01\x20\x00", 9) == 0);
    CU_ASSERT(fake_all(&command.data[9], 7, 0));
    CU_ASSERT(fake_all(&command.data[16], 8, 0xFF));
    CU_ASSERT(fake_all(&command.data[24], 10, 0));
    scsi(&command, &units.cdrom, DISC(1, 255), 255);
    EXPECT_FIELD(&command, 1, 2);
}

/** Walks the features. \return how many; every one is looked at. */
static unsigned features(unsigned *current)
{
    ULONG at = 8;
    unsigned count = 0;
    int last = -1;

    *current = 0;
    CU_ASSERT_EQUAL(VminiReadBe32(command.data), command.fake.moved - 4);
    while (at + 4 <= command.fake.moved) {
        int code = VminiReadBe16(&command.data[at]);

        CU_ASSERT(code > last);
        CU_ASSERT_EQUAL(command.data[at + 3] % 4, 0);
        last = code;
        *current += command.data[at + 2] & 1;
        at += 4u + command.data[at + 3];
        count++;
    }
    CU_ASSERT_EQUAL(at, command.fake.moved);
    return count;
}

static void the_configuration_is_a_cdrom(void)
{
    unsigned current;

    scsi(&command, &units.cdrom, CONFIGURATION(0, 0, 1024), 1024);
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[6]), 0x0008);
    CU_ASSERT_EQUAL(features(&current), 9);
    CU_ASSERT_EQUAL(current, 8); /* All but DVD read. */
    CU_ASSERT(memcmp(&command.data[8], "\x00\x00\x03\x08\x00\x10\x00\x00\x00\x08\x01\x00", 12) ==
              0);
    scsi(&command, &units.cdrom, CONFIGURATION(2, 0x001E, 1024), 1024);
    CU_ASSERT(memcmp(&command.data[8], "\x00\x1E\x09\x04\x00\x00\x00\x00", 8) == 0);
    scsi(&command, &units.cdrom, CONFIGURATION(2, 0x001F, 1024), 1024);
    CU_ASSERT(memcmp(&command.data[8], "\x00\x1F\x04\x04\x00\x00\x00\x00", 8) == 0);
}

/** 449,850 blocks end at 99:59:74; with one more it cannot be a CD. */
static void a_longer_image_is_a_dvd(void)
{
    unsigned current;
    VMINI_UNIT disc;

    scsi_unit(&disc, 449850ull * 2048, VMINI_CONNECT_CDROM, u"cd");
    scsi(&command, &disc, CONFIGURATION(0, 0, 1024), 1024);
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[6]), 0x0008);
    scsi_unit(&disc, 449851ull * 2048, VMINI_CONNECT_CDROM, u"dvd");
    scsi(&command, &disc, CONFIGURATION(0, 0, 1024), 1024);
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[6]), 0x0010);
    CU_ASSERT_EQUAL(features(&current), 9);
    CU_ASSERT_EQUAL(current, 8); /* All but CD read. */
    CU_ASSERT(memcmp(&command.data[8], "\x00\x00\x03\x08\x00\x10\x01\x00\x00\x08\x00\x00", 12) ==
              0);
    scsi(&command, &disc, CONFIGURATION(1, 0x001E, 1024), 1024); /* Current ones only. */
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[8]), 0x001F);
}

static void without_a_medium_no_profile_is_current(void)
{
    unsigned current;

    units.cdrom.Ejected = 1;
    scsi(&command, &units.cdrom, CONFIGURATION(0, 0, 1024), 1024);
    CU_ASSERT_EQUAL(VminiReadBe16(&command.data[6]), 0);
    CU_ASSERT_EQUAL(features(&current), 9);
    CU_ASSERT_EQUAL(current, 6);
    CU_ASSERT(memcmp(&command.data[8], "\x00\x00\x03\x08\x00\x10\x00\x00\x00\x08\x00\x00", 12) ==
              0);
    scsi(&command, &units.cdrom, CONFIGURATION(1, 0, 1024), 1024); /* only current ones */
    CU_ASSERT_EQUAL(features(&current), 6);
}

static void one_feature_can_be_asked_for(void)
{
    unsigned current;

    scsi(&command, &units.cdrom, CONFIGURATION(2, 0x0010, 1024), 1024);
    EXPECT_GOOD(&command, 8 + 12);
    CU_ASSERT(memcmp(&command.data[8], "\x00\x10\x01\x08\x00\x00\x08\x00\x00\x01\x00\x00", 12) ==
              0);
    scsi(&command, &units.cdrom, CONFIGURATION(2, 0x0020, 1024), 1024); /* none such: no error */
    EXPECT_GOOD(&command, 8);
    scsi(&command, &units.cdrom, CONFIGURATION(0, 0x0020, 1024), 1024);
    CU_ASSERT_EQUAL(features(&current), 2); /* 0100h, 0105h */
    scsi(&command, &units.cdrom, CONFIGURATION(3, 0, 1024), 1024);
    EXPECT_FIELD(&command, 1, 1);
}

static void a_new_disc_is_told_once(void)
{
    scsi(&command, &units.cdrom, EVENTS(1, MEDIA, 8), 8);
    EXPECT_GOOD(&command, 8);
    CU_ASSERT(memcmp(command.data, "\x00\x06\x04\x10\x02\x02\x00\x00", 8) == 0); /* NewMedia */
    scsi(&command, &units.cdrom, EVENTS(1, MEDIA, 8), 8);
    CU_ASSERT(memcmp(command.data, "\x00\x06\x04\x10\x00\x02\x00\x00", 8) == 0); /* NoChg */
}

static void eject_and_load_are_events(void)
{
    scsi(&command, &units.cdrom, CDB(0x1B, 0, 0, 0, 2, 0), 0);
    scsi(&command, &units.cdrom, EVENTS(1, MEDIA, 8), 8);
    CU_ASSERT(memcmp(&command.data[4], "\x03\x01\x00\x00", 4) == 0); /* removed, tray open */
    scsi(&command, &units.cdrom, CDB(0x1B, 0, 0, 0, 2, 0), 0);       /* it is out already */
    scsi(&command, &units.cdrom, EVENTS(1, MEDIA, 8), 8);
    CU_ASSERT(memcmp(&command.data[4], "\x00\x01\x00\x00", 4) == 0);
    scsi(&command, &units.cdrom, CDB(0x1B, 0, 0, 0, 3, 0), 0);
    scsi(&command, &units.cdrom, EVENTS(1, MEDIA, 8), 8);
    CU_ASSERT(memcmp(&command.data[4], "\x02\x02\x00\x00", 4) == 0); /* new medium */
}

static void who_asks_for_the_header_uses_up_no_event(void)
{
    ULONG length;

    for (length = 0; length <= 4; length++) {
        scsi(&command, &units.cdrom, EVENTS(1, MEDIA, length), 8);
        EXPECT_GOOD(&command, length);
        scsi(&command, &units.cdrom, EVENTS(1, MEDIA, 8), length);
        EXPECT_GOOD(&command, length);
    }
    scsi(&command, &units.cdrom, EVENTS(1, MEDIA, 8), 8);
    CU_ASSERT_EQUAL(command.data[4], NOTIFICATION_MEDIA_EVENT_NEW_MEDIA);
}

static void other_classes_have_no_events(void)
{
    scsi(&command, &units.cdrom, EVENTS(1, 0x4E, 8), 8);
    EXPECT_GOOD(&command, 4);
    CU_ASSERT(memcmp(command.data, "\x00\x02\x80\x10", 4) == 0);
    scsi(&command, &units.cdrom, EVENTS(1, 0x7E, 8), 8); /* media among them */
    EXPECT_GOOD(&command, 8);
}

static void waiting_for_an_event_is_not_supported(void)
{
    scsi(&command, &units.cdrom, EVENTS(0, MEDIA, 8), 8);
    EXPECT_FIELD(&command, 1, 0);
}

static void without_a_medium_there_is_nothing_on_it(void)
{
    units.cdrom.Ejected = 1;
    scsi(&command, &units.cdrom, TOC(0, 0, 0, 804), 804);
    EXPECT_SENSE(&command, 0x023A00);
    scsi(&command, &units.cdrom, DISC(0, 255), 255);
    EXPECT_SENSE(&command, 0x023A00);
}

static void every_allocation_length_is_obeyed(void)
{
    ULONG length;

    for (length = 0; length <= 80; length++) {
        scsi(&command, &units.cdrom, TOC(0, 0, 0, length), 300);
        EXPECT_GOOD(&command, min(length, 20));
        CU_ASSERT(fake_all(command.data + length, 300 - length, FAKE_POISON));
        scsi(&command, &units.cdrom, TOC(0, 2, 0, 300), length);
        EXPECT_GOOD(&command, min(length, 48));
        scsi(&command, &units.cdrom, DISC(0, length), 300);
        EXPECT_GOOD(&command, min(length, 34));
        scsi(&command, &units.cdrom, CONFIGURATION(0, 0, length), 300);
        EXPECT_GOOD(&command, min(length, 80));
    }
}

CU_ErrorCode register_cdrom_suite(void);
CU_ErrorCode register_cdrom_suite(void)
{
    CU_TestInfo tests[] = {
        {"the TOC has a track and a lead-out", the_toc_has_a_track_and_a_lead_out},
        {"the TOC tells minutes, seconds and frames", the_toc_tells_minutes_seconds_and_frames},
        {"a disc longer than a CD ends at 99:59:74", a_disc_longer_than_a_cd_ends_at_99_59_74},
        {"the TOC begins at the starting track", the_toc_begins_at_the_starting_track},
        {"format 1 tells the last session", format_1_tells_the_last_session},
        {"format 2 tells the lead-in", format_2_tells_the_lead_in},
        {"other formats are refused", other_formats_are_refused},
        {"old programs put the format elsewhere", old_programs_put_the_format_elsewhere},
        {"the disc is complete", the_disc_is_complete},
        {"the configuration is a CD-ROM's", the_configuration_is_a_cdrom},
        {"a longer image is a DVD", a_longer_image_is_a_dvd},
        {"without a medium no profile is current", without_a_medium_no_profile_is_current},
        {"one feature can be asked for", one_feature_can_be_asked_for},
        {"a new disc is told once", a_new_disc_is_told_once},
        {"eject and load are events", eject_and_load_are_events},
        {"who asks for the header uses up no event", who_asks_for_the_header_uses_up_no_event},
        {"other classes have no events", other_classes_have_no_events},
        {"waiting for an event is not supported", waiting_for_an_event_is_not_supported},
        {"without a medium there is nothing on it", without_a_medium_there_is_nothing_on_it},
        {"every allocation length is obeyed", every_allocation_length_is_obeyed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"03 scsi: CD-ROM", NULL, NULL, scsi_setup, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
