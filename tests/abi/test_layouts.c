/*
 * Compares every structure and constant of the driver interface, as the native compiler lays it
 * out, with the numbers of Windows on x64 (layouts.def, values.def). abi_mingw.c does the same for
 * the other build, so what passes here and compiles there is laid out alike in both. Each failure
 * names the structure and the field. It must never compute an expected number: they are written
 * down.
 */
#include <ntifs.h>

#include <ntddcdrm.h>
#include <ntddmmc.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <storport.h>

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *what;
    int64_t actual;
    int64_t expected;
};

#define ABI_FIELD(type, field, offset)
#define ABI_BITS(type, field, byte, bit, width)
#define ABI_SIZE(type, bytes) {"sizeof(" #type ")", (int64_t)sizeof(type), bytes},
static const struct row sizes[] = {
#include "layouts.def"
};
#undef ABI_SIZE
#undef ABI_FIELD

#define ABI_SIZE(type, bytes)
#define ABI_FIELD(type, field, offset)                                                             \
    {"offsetof(" #type ", " #field ")", (int64_t)offsetof(type, field), offset},
static const struct row offsets[] = {
#include "layouts.def"
};
#undef ABI_FIELD
#undef ABI_BITS

#define ABI_VALUE(constant, value) {#constant, (int64_t)(constant), value},
static const struct row values[] = {
#include "values.def"
};
#undef ABI_VALUE

static void check(const struct row *row)
{
    char message[256];

    snprintf(message, sizeof(message),
             "%s is %" PRId64 " (0x%" PRIx64 "), Windows has %" PRId64 " (0x%" PRIx64 ")",
             row->what, row->actual, (uint64_t)row->actual, row->expected, (uint64_t)row->expected);
    CU_assertImplementation(row->actual == row->expected, __LINE__, message, __FILE__, "",
                            CU_FALSE);
}

static void check_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(&rows[i]);
    }
}

static void test_sizes(void)
{
    check_all(sizes, sizeof(sizes) / sizeof(sizes[0]));
}

static void test_offsets(void)
{
    check_all(offsets, sizeof(offsets) / sizeof(offsets[0]));
}

static void test_values(void)
{
    check_all(values, sizeof(values) / sizeof(values[0]));
}

/* Every bit of the structure, least significant bit of byte 0 first: the first one set, and how
 * many are, when the field alone is all ones. */
static void check_bits(const char *what, const unsigned char *bytes, size_t size, int64_t first,
                       int64_t width)
{
    struct row row = {what, -1, first};
    int64_t set = 0;
    char count[160];

    for (size_t bit = 0; bit < size * 8; bit++) {
        if (bytes[bit / 8] >> (bit % 8) & 1) {
            if (set++ == 0) {
                row.actual = (int64_t)bit;
            }
        }
    }
    check(&row);
    snprintf(count, sizeof(count), "width of %s", what);
    row = (struct row){count, set, width};
    check(&row);
}

#define ABI_FIELD(type, field, offset)
#define ABI_BITS(type, field, byte, bit, width)                                                    \
    {                                                                                              \
        type object;                                                                               \
        memset(&object, 0, sizeof(object));                                                        \
        object.field = (1u << (width)) - 1;                                                        \
        check_bits("bit of " #type "." #field, (const unsigned char *)&object, sizeof(object),     \
                   (byte)*8 + (bit), width);                                                       \
    }
static void test_bits(void){
#include "layouts.def"
}
#undef ABI_SIZE
#undef ABI_FIELD
#undef ABI_BITS

CU_ErrorCode register_layouts_suite(void);
CU_ErrorCode register_layouts_suite(void)
{
    CU_TestInfo tests[] = {
        {"size of every structure", test_sizes},
        {"offset of every field", test_offsets},
        {"place of every bit-field", test_bits},
        {"value of every constant", test_values},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"abi: native layouts are those of Windows", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
