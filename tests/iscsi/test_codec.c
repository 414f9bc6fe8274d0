/**
 * \file
 * Bytes and text: digests, LUN fields, serial numbers, keys, binary values.
 */
#include <CUnit/CUnit.h>

#include "tools/iscsi/digest.h"
#include "tools/iscsi/lengths.h"
#include "tools/iscsi/pdu.h"
#include "tools/iscsi/text.h"

#include <string.h>

/** RFC 7143 appendix A.4. */
static void digests_of_the_standard(void)
{
    static const uint8_t zeros_digest[] = {0xAA, 0x36, 0x91, 0x8A};
    static const uint8_t ones_digest[] = {0x43, 0xAB, 0xA8, 0x62};
    static const uint8_t up_digest[] = {0x4E, 0x79, 0xDD, 0x46};
    uint8_t bytes[32] = {0}, out[4];

    digest_end(digest_add(DIGEST_BEGIN, bytes, 32), out);
    CU_ASSERT_EQUAL(memcmp(out, zeros_digest, 4), 0);
    memset(bytes, 0xFF, sizeof(bytes));
    digest_end(digest_add(DIGEST_BEGIN, bytes, 32), out);
    CU_ASSERT_EQUAL(memcmp(out, ones_digest, 4), 0);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    digest_end(digest_add(digest_add(DIGEST_BEGIN, bytes, 11), bytes + 11, 21), out);
    CU_ASSERT_EQUAL(memcmp(out, up_digest, 4), 0);
}

static void luns(void)
{
    static const uint8_t peripheral[8] = {0, 5}, flat[8] = {0x40, 200}, beyond[8] = {0x41, 0},
                         second_level[8] = {0, 1, 0, 1}, well_known[8] = {0xC1, 1};
    uint8_t lun = 0;

    CU_ASSERT(pdu_lun(peripheral, &lun) && lun == 5);
    CU_ASSERT(pdu_lun(flat, &lun) && lun == 200);
    CU_ASSERT(!pdu_lun(beyond, &lun));
    CU_ASSERT(!pdu_lun(second_level, &lun));
    CU_ASSERT(!pdu_lun(well_known, &lun));
}

static void serial_numbers_wrap(void)
{
    CU_ASSERT(serial_before(1, 2));
    CU_ASSERT(serial_before(0xFFFFFFFF, 0));
    CU_ASSERT(!serial_before(0, 0xFFFFFFF0));
    CU_ASSERT(!serial_before(7, 7));
}

static void keys_are_walked(void)
{
    static const char bytes[] = "A=1\0\0B=x=y\0C=";
    struct text text = {.limit = 100};
    struct text_pair pair;
    size_t at = 0;

    CU_ASSERT(text_append(&text, bytes, sizeof(bytes)));
    CU_ASSERT(text_next(&text, &at, &pair) == 1 && strcmp(pair.key, "A") == 0);
    CU_ASSERT(text_next(&text, &at, &pair) == 1 && strcmp(pair.value, "x=y") == 0);
    CU_ASSERT(text_next(&text, &at, &pair) == 1 && pair.value[0] == '\0');
    CU_ASSERT_EQUAL(text_next(&text, &at, &pair), 0);
    text_free(&text);
}

static void bad_keys_are_refused(void)
{
    static const char *const bad[] = {
        "noequals", "=value", "a-key-of-64-bytes-is-one-byte-too-long-aaaaaaaaaaaaaaaaaaaaaaaaa=1"};
    struct text_pair pair;

    for (unsigned i = 0; i < 3; i++) {
        struct text text = {.limit = 100};
        size_t at = 0;

        CU_ASSERT(text_append(&text, bad[i], strlen(bad[i]) + 1));
        CU_ASSERT_EQUAL(text_next(&text, &at, &pair), -1);
        text_free(&text);
    }
    struct text open_end = {.limit = 100};
    size_t at = 0;
    CU_ASSERT(text_append(&open_end, "A=1", 3));
    CU_ASSERT_EQUAL(text_next(&open_end, &at, &pair), -1);
    CU_ASSERT(!text_append(&open_end,
                           "0123456789012345678901234567890123456789012345678901234567890"
                           "123456789012345678901234567890123456789",
                           100));
    text_free(&open_end);
}

static void values(void)
{
    uint8_t out[8];
    uint32_t number;

    CU_ASSERT(text_number("0x1F", 0, 31, &number) && number == 31);
    CU_ASSERT(!text_number("32", 0, 31, &number));
    CU_ASSERT(!text_number("", 0, 31, &number));
    CU_ASSERT(!text_number("1 ", 0, 31, &number));
    CU_ASSERT(!text_number("99999999999999999999", 0, UINT32_MAX, &number));
    CU_ASSERT(text_list_has("CHAP,None", "None"));
    CU_ASSERT(!text_list_has("CHAPX,Non", "CHAP"));
    CU_ASSERT(text_binary("0x0a0B", out, 8) == 2 && out[0] == 10 && out[1] == 11);
    CU_ASSERT(text_binary("0xabc", out, 8) == 2 && out[0] == 10 && out[1] == 0xBC);
    CU_ASSERT(text_binary("0bAQID", out, 8) == 3 && out[2] == 3);
    CU_ASSERT_EQUAL(text_binary("0x010203040506070809", out, 8), -1);
    CU_ASSERT_EQUAL(text_binary("0xzz", out, 8), -1);
    CU_ASSERT_EQUAL(text_binary("12", out, 8), -1);
}

static struct cdb_transfer of(const uint8_t *cdb)
{
    return cdb_transfer(cdb, 16, 512);
}

static void lengths_of_commands(void)
{
    static const uint8_t read6[16] = {0x08}, read16[16] = {[0] = 0x88, [10] = 1},
                         verify[16] = {[0] = 0x2F, [8] = 9},
                         verify_all[16] = {[0] = 0x2F, [1] = 2, [8] = 9},
                         verify_one[16] = {[0] = 0x2F, [1] = 6, [8] = 9},
                         same[16] = {[0] = 0x93, [13] = 77},
                         nothing[16] = {[0] = 0x93, [1] = 1, [13] = 77},
                         caw[16] = {[0] = 0x89, [13] = 3}, strange[16] = {0xFF};
    uint8_t write10[16] = {[0] = 0x2A, [7] = 1, [8] = 2};
    struct cdb_transfer transfer = of(write10);

    CU_ASSERT_EQUAL(of(read6).length, 256 * 512);
    CU_ASSERT_EQUAL(of(read16).length, 16777216ull * 512);
    CU_ASSERT_EQUAL(of(verify).direction, BUS_NO_DATA);
    CU_ASSERT_EQUAL(of(verify_all).length, 9 * 512);
    CU_ASSERT_EQUAL(of(verify_one).length, 512);
    CU_ASSERT_EQUAL(of(same).length, 512);
    CU_ASSERT_EQUAL(of(nothing).length, 0);
    CU_ASSERT_EQUAL(of(caw).length, 6 * 512);
    CU_ASSERT_FALSE(of(strange).known);
    CU_ASSERT_FALSE(cdb_transfer(write10, 6, 512).known);
    CU_ASSERT_FALSE(cdb_transfer(write10, 10, 0).known);
    cdb_shorten(write10, &transfer, 0x0201);
    CU_ASSERT(write10[7] == 2 && write10[8] == 1 && write10[6] == 0 && write10[9] == 0);
}

/** READ CD moves user data, or nothing; READ CD MSF from one address up to another. */
static void lengths_of_sectors(void)
{
    static const uint8_t cd[16] = {[0] = 0xBE, [6] = 1, [8] = 2, [9] = 0x10},
                         no_data[16] = {[0] = 0xBE, [8] = 2},
                         raw[16] = {[0] = 0xBE, [8] = 2, [9] = 0xF8},
                         msf[16] = {[0] = 0xB9, [4] = 2, [5] = 70, [7] = 4, [8] = 1, [9] = 0x10},
                         turned[16] = {[0] = 0xB9, [4] = 4, [7] = 2, [9] = 0x10};

    CU_ASSERT_EQUAL(cdb_transfer(cd, 12, 2048).length, 0x10002ull * 2048);
    CU_ASSERT_EQUAL(cdb_transfer(cd, 12, 2048).direction, BUS_DATA_IN);
    CU_ASSERT_EQUAL(cdb_transfer(no_data, 12, 2048).length, 0);
    CU_ASSERT_EQUAL(cdb_transfer(raw, 12, 2048).length, 0);
    CU_ASSERT_EQUAL(cdb_transfer(msf, 12, 2048).length, (5 + 75 + 1) * 2048);
    CU_ASSERT_EQUAL(cdb_transfer(turned, 12, 2048).length, 0);
    CU_ASSERT_FALSE(cdb_transfer(cd, 10, 2048).known);
}

CU_ErrorCode register_codec_suite(void)
{
    CU_TestInfo tests[] = {
        {"digests of the standard", digests_of_the_standard},
        {"LUN fields", luns},
        {"serial numbers wrap", serial_numbers_wrap},
        {"keys are walked", keys_are_walked},
        {"bad keys are refused", bad_keys_are_refused},
        {"numbers, lists, binary values", values},
        {"what a CDB moves", lengths_of_commands},
        {"what READ CD moves", lengths_of_sectors},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"iscsi: codec", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
