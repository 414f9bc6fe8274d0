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
