/**
 * \file
 * Sense data: the bytes of SPC-4 4.5.3, where they go, and how the SRB says that they are there.
 */
#include "06-compliance/compliance.h"
#include "support/fake_port.h"

#include <CUnit/CUnit.h>
#include <string.h>

static fake_srb_t fake;

/** A failing command's SRB with so much room for sense data. */
static void build(fake_form_t form, UCHAR sense_length)
{
    static const UCHAR cdb[6] = {0xFF};

    fake_srb_init(&fake, cdb, sizeof(cdb), 0);
    fake.form = form;
    fake.sense_length = sense_length;
    fake_build(&fake);
}

static void fixed_format_is_18_bytes(void)
{
    SENSE_DATA data;

    memset(&data, FAKE_POISON, sizeof(data));
    VminiSenseBuild(&data, 0x052402);
    CU_ASSERT(memcmp(&data, "\x70\0\x05\0\0\0\0\x0A\0\0\0\0\x24\x02\0\0\0\0", 18) == 0);
    VminiSenseBuild(&data, VMINI_SENSE_MISCOMPARE);
    CU_ASSERT(memcmp(&data, "\x70\0\x0E\0\0\0\0\x0A\0\0\0\0\x1D\0\0\0\0\0", 18) == 0);
}

static void a_failure_sets_status_and_flag(void)
{
    static const fake_form_t forms[] = {FAKE_LEGACY, FAKE_EXTENDED};

    for (size_t i = 0; i < RTL_NUMBER_OF(forms); i++) {
        build(forms[i], 18);
        CU_ASSERT_EQUAL(VminiSenseFail(fake.srb, VMINI_SENSE_INVALID_COMMAND),
                        SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
        CU_ASSERT_EQUAL(SrbGetScsiStatus(fake.srb), SCSISTAT_CHECK_CONDITION);
        CU_ASSERT_EQUAL(SrbGetSenseInfoBufferLength(fake.srb), 18);
        CU_ASSERT(memcmp(fake.sense, "\x70\0\x05\0\0\0\0\x0A\0\0\0\0\x20\0\0\0\0\0", 18) == 0);
    }
}

static void a_field_pointer_names_byte_and_bit(void)
{
    build(FAKE_LEGACY, 18);
    VminiSenseFailCdbField(fake.srb, 2, 5);
    CU_ASSERT(memcmp(fake.sense, "\x70\0\x05\0\0\0\0\x0A\0\0\0\0\x24\0\0\xCD\0\x02", 18) == 0);
    VminiSenseFailCdbField(fake.srb, 0x0102, VMINI_WHOLE_BYTE);
    CU_ASSERT(memcmp(&fake.sense[15], "\xC0\x01\x02", 3) == 0);
    VminiSenseFailCdbField(fake.srb, 0, 0); /* bit 0 is a bit */
    CU_ASSERT(memcmp(&fake.sense[15], "\xC8\x00\x00", 3) == 0);
}

static void a_parameter_is_not_in_the_cdb(void)
{
    build(FAKE_LEGACY, 18);
    VminiSenseFailParameter(fake.srb, 0x0105, 3);
    CU_ASSERT(memcmp(fake.sense, "\x70\0\x05\0\0\0\0\x0A\0\0\0\0\x26\0\0\x8B\x01\x05", 18) == 0);
    VminiSenseFailParameter(fake.srb, 4, VMINI_WHOLE_BYTE);
    CU_ASSERT(memcmp(&fake.sense[15], "\x80\x00\x04", 3) == 0);
}

/* --- descriptor format --- */

static VMINI_SRB_HEADER header = {TRUE};

static void build_with_descriptors(fake_form_t form, UCHAR sense_length)
{
    static const UCHAR cdb[6] = {0xFF};

    fake_srb_init(&fake, cdb, sizeof(cdb), 0);
    fake.form = form;
    fake.sense_length = sense_length;
    fake.extension = &header;
    fake_build(&fake);
}

static void d_sense_asks_for_descriptors(void)
{
    static const fake_form_t forms[] = {FAKE_LEGACY, FAKE_EXTENDED};

    for (size_t i = 0; i < RTL_NUMBER_OF(forms); i++) {
        build_with_descriptors(forms[i], 32);
        CU_ASSERT_EQUAL(VminiSenseFail(fake.srb, VMINI_SENSE_NO_MEDIUM),
                        SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
        CU_ASSERT_EQUAL(SrbGetSenseInfoBufferLength(fake.srb), 8);
        CU_ASSERT(memcmp(fake.sense, "\x72\x02\x3A\0\0\0\0\0", 8) == 0);
        CU_ASSERT(fake_all(fake.sense + 8, 24, FAKE_POISON));
    }
    header.DescriptorSense = FALSE;
    build_with_descriptors(FAKE_LEGACY, 32);
    VminiSenseFail(fake.srb, VMINI_SENSE_NO_MEDIUM);
    CU_ASSERT_EQUAL(fake.sense[0], 0x70);
    header.DescriptorSense = TRUE;
}

static void a_field_pointer_is_a_descriptor(void)
{
    build_with_descriptors(FAKE_LEGACY, 32);
    VminiSenseFailCdbField(fake.srb, 2, 5);
    CU_ASSERT_EQUAL(SrbGetSenseInfoBufferLength(fake.srb), 16);
    CU_ASSERT(memcmp(fake.sense, "\x72\x05\x24\0\0\0\0\x08\x02\x06\0\0\xCD\0\x02\0", 16) == 0);
}

static void information_has_64_bits_in_a_descriptor(void)
{
    build_with_descriptors(FAKE_LEGACY, 32);
    VminiSenseFailInformation(fake.srb, VMINI_SENSE_LBA_OUT_OF_RANGE, 0x1122334455667788ULL);
    CU_ASSERT_EQUAL(SrbGetSenseInfoBufferLength(fake.srb), 20);
    CU_ASSERT(memcmp(fake.sense, "\x72\x05\x21\0\0\0\0\x0C\x00\x0A\x80\0", 12) == 0);
    CU_ASSERT(memcmp(&fake.sense[12], "\x11\x22\x33\x44\x55\x66\x77\x88", 8) == 0);
}

static void descriptors_are_cut_to_the_buffer(void)
{
    UCHAR length;

    for (length = 0; length <= 24; length++) {
        build_with_descriptors(FAKE_EXTENDED, length);
        VminiSenseFailInformation(fake.srb, VMINI_SENSE_LBA_OUT_OF_RANGE, 7);
        CU_ASSERT_EQUAL(SrbGetSenseInfoBufferLength(fake.srb), min(length, 20));
        CU_ASSERT(length < 8 || fake.sense[7] == 12); /* Not changed by that. */
        CU_ASSERT(fake_guards_hold());
    }
}

/** Whatever they say, both formats say the same; and both facts at once fit. */
static void the_longest_sense_data(void)
{
    VMINI_SENSE_RECORD record = {VMINI_SENSE_MISCOMPARE, TRUE, 5, {0xC0, 0, 9}};
    UCHAR data[VMINI_SENSE_LONGEST];

    CU_ASSERT_EQUAL(VminiSenseBuildDescriptors(data, &record), VMINI_SENSE_LONGEST);
    CU_ASSERT_EQUAL(data[7], VMINI_SENSE_LONGEST - 8);
    CU_ASSERT(memcmp(&data[8], "\x00\x0A\x80\0\0\0\0\0\0\0\0\x05", 12) == 0);
    CU_ASSERT(memcmp(&data[20], "\x02\x06\0\0\xC0\0\x09\0", 8) == 0);
}

static void information_is_32_bits_or_invalid(void)
{
    build(FAKE_LEGACY, 18);
    VminiSenseFailInformation(fake.srb, VMINI_SENSE_READ_ERROR, 0x12345678);
    CU_ASSERT(memcmp(fake.sense, "\xF0\0\x03\x12\x34\x56\x78\x0A\0\0\0\0\x11\0\0\0\0\0", 18) == 0);
    VminiSenseFailInformation(fake.srb, VMINI_SENSE_READ_ERROR, 0xFFFFFFFF);
    CU_ASSERT(memcmp(fake.sense, "\xF0\0\x03\xFF\xFF\xFF\xFF", 7) == 0);
    VminiSenseFailInformation(fake.srb, VMINI_SENSE_READ_ERROR, 0x100000000ull);
    CU_ASSERT(memcmp(fake.sense, "\x70\0\x03\0\0\0\0", 7) == 0);
}

static void every_room_is_respected(void)
{
    static const fake_form_t forms[] = {FAKE_LEGACY, FAKE_EXTENDED};
    UCHAR whole[18];
    unsigned length;

    build(FAKE_LEGACY, 18);
    VminiSenseFailCdbField(fake.srb, 7, 3);
    memcpy(whole, fake.sense, sizeof(whole));
    for (size_t i = 0; i < RTL_NUMBER_OF(forms); i++) {
        for (length = 0; length < 256; length++) {
            unsigned written = min(length, 18);

            build(forms[i], (UCHAR)length);
            CU_ASSERT_EQUAL(VminiSenseFailCdbField(fake.srb, 7, 3), length == 0 ? 0x04 : 0x84);
            CU_ASSERT(memcmp(fake.sense, whole, written) == 0); /* byte 7 stays 10 */
            CU_ASSERT(fake_all(fake.sense + written, length - written, FAKE_POISON));
            CU_ASSERT_EQUAL(SrbGetSenseInfoBufferLength(fake.srb), written);
            CU_ASSERT(fake_guards_hold());
        }
    }
}

static void who_wants_none_gets_none(void)
{
    static const UCHAR cdb[6] = {0};

    fake_srb_init(&fake, cdb, sizeof(cdb), 0);
    fake.flags = SRB_FLAGS_DISABLE_AUTOSENSE;
    fake_build(&fake);
    CU_ASSERT_EQUAL(VminiSenseFail(fake.srb, VMINI_SENSE_NO_MEDIUM), SRB_STATUS_ERROR);
    CU_ASSERT(fake_all(fake.sense, 18, FAKE_POISON));
    CU_ASSERT_EQUAL(SrbGetScsiStatus(fake.srb), SCSISTAT_CHECK_CONDITION);
    fake_srb_init(&fake, cdb, sizeof(cdb), 0);
    fake.no_sense = true;
    fake_build(&fake);
    CU_ASSERT_EQUAL(VminiSenseFail(fake.srb, VMINI_SENSE_NO_MEDIUM), SRB_STATUS_ERROR);
    CU_ASSERT_EQUAL(SrbGetScsiStatus(fake.srb), SCSISTAT_CHECK_CONDITION);
}

CU_ErrorCode register_sense_suite(void);
CU_ErrorCode register_sense_suite(void)
{
    CU_TestInfo tests[] = {
        {"fixed format is 18 bytes", fixed_format_is_18_bytes},
        {"a failure sets status and flag", a_failure_sets_status_and_flag},
        {"a field pointer names byte and bit", a_field_pointer_names_byte_and_bit},
        {"a parameter is not in the CDB", a_parameter_is_not_in_the_cdb},
        {"D_SENSE asks for descriptors", d_sense_asks_for_descriptors},
        {"a field pointer is a descriptor", a_field_pointer_is_a_descriptor},
        {"INFORMATION has 64 bits in a descriptor", information_has_64_bits_in_a_descriptor},
        {"descriptors are cut to the buffer", descriptors_are_cut_to_the_buffer},
        {"the longest sense data", the_longest_sense_data},
        {"information is 32 bits, or invalid", information_is_32_bits_or_invalid},
        {"every room is respected", every_room_is_respected},
        {"who wants none gets none", who_wants_none_gets_none},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"06 compliance: sense data", NULL, NULL, fake_port_reset, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
