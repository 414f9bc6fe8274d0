/*
 * The run-time library: strings at the edge of their buffers, case, hashes, numbers, GUIDs; and
 * UTF-8 to UTF-16 and back for every code point.
 */
#include "io_fixture.h"

#include <stdlib.h>
#include <string.h>

static void boot(void)
{
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .seed = 1});
    verifier_enable(true);
}

static UNICODE_STRING literal(const WCHAR *text)
{
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, text);
    return string;
}

static void init(void *unused)
{
    WCHAR *long_text = calloc(40000, sizeof(WCHAR));
    UNICODE_STRING string;
    ANSI_STRING ansi;

    UNREFERENCED_PARAMETER(unused);
    boot();
    RtlInitUnicodeString(&string, u"abc");
    CHILD_CHECK(string.Length == 6 && string.MaximumLength == 8);
    RtlInitUnicodeString(&string, NULL);
    CHILD_CHECK(string.Length == 0 && string.MaximumLength == 0 && string.Buffer == NULL);
    RtlInitAnsiString(&ansi, "abc");
    CHILD_CHECK(ansi.Length == 3 && ansi.MaximumLength == 4);
    for (unsigned i = 0; i < 39999; i++) {
        long_text[i] = 'x';
    }
    CHILD_CHECK(RtlInitUnicodeStringEx(&string, long_text) == STATUS_NAME_TOO_LONG);
    CHILD_CHECK(string.Length == 0);
    RtlInitUnicodeString(&string, long_text);
    CHILD_CHECK(string.Length == 0xFFFC && string.MaximumLength == 0xFFFE);
    long_text[0x7FFE] = 0;
    CHILD_CHECK(RtlInitUnicodeStringEx(&string, long_text) == STATUS_SUCCESS);
    CHILD_CHECK(string.Length == 0xFFFC);
    free(long_text);
}

static void test_init(void)
{
    CHILD_PASSES(init, NULL);
}

static void copy_and_append(void *unused)
{
    UNICODE_STRING source, target;

    UNREFERENCED_PARAMETER(unused);
    boot();
    source = literal(u"abcd");
    for (USHORT room = 0; room <= 12; room += 2) { /* Every room, in a buffer of just that size. */
        target.Buffer = malloc(room + (room == 0));
        target.MaximumLength = room;
        RtlCopyUnicodeString(&target, &source);
        CHILD_CHECK(target.Length == min(room, 8));
        CHILD_CHECK(memcmp(target.Buffer, source.Buffer, target.Length) == 0);
        CHILD_CHECK(room < 10 || target.Buffer[4] == 0);
        target.Length = 0;
        CHILD_CHECK(RtlAppendUnicodeStringToString(&target, &source) ==
                    (room >= 8 ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL));
        CHILD_CHECK(target.Length == (room >= 8 ? 8 : 0));
        bool fits = target.Length + 2 <= room;
        CHILD_CHECK(RtlAppendUnicodeToString(&target, u"e") ==
                    (fits ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL));
        free(target.Buffer);
    }
    target.Buffer = NULL;
    target.Length = target.MaximumLength = 0;
    CHILD_CHECK(RtlAppendUnicodeToString(&target, NULL) == STATUS_SUCCESS);
}

static void test_copy_and_append(void)
{
    CHILD_PASSES(copy_and_append, NULL);
}

static void compare(void *unused)
{
    UNICODE_STRING a, b, prefix, umlaut, upper;
    ULONG hash, folded;

    UNREFERENCED_PARAMETER(unused);
    boot();
    a = literal(u"Image");
    b = literal(u"iMAGE");
    prefix = literal(u"ima");
    umlaut = literal(u"\u00e4\u00df\u03b1\u0436");
    upper = literal(u"\u00c4\u00df\u0391\u0416");
    CHILD_CHECK(RtlEqualUnicodeString(&a, &b, TRUE) && !RtlEqualUnicodeString(&a, &b, FALSE));
    CHILD_CHECK(RtlEqualUnicodeString(&umlaut, &upper, TRUE));
    CHILD_CHECK(RtlPrefixUnicodeString(&prefix, &a, TRUE) &&
                !RtlPrefixUnicodeString(&prefix, &a, FALSE));
    CHILD_CHECK(!RtlPrefixUnicodeString(&a, &prefix, TRUE));
    CHILD_CHECK(RtlCompareUnicodeString(&a, &b, TRUE) == 0 &&
                RtlCompareUnicodeString(&a, &b, FALSE) < 0);
    CHILD_CHECK(RtlCompareUnicodeString(&prefix, &b, TRUE) < 0);
    CHILD_CHECK(RtlUpcaseUnicodeChar(u'\u00e4') == u'\u00c4' && RtlDowncaseUnicodeChar('Q') == 'q');
    CHILD_CHECK(RtlHashUnicodeString(&a, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &folded) ==
                STATUS_SUCCESS);
    CHILD_CHECK(RtlHashUnicodeString(&b, TRUE, HASH_STRING_ALGORITHM_X65599, &hash) ==
                STATUS_SUCCESS);
    CHILD_CHECK(hash == folded);
    a = literal(u"ab");
    RtlHashUnicodeString(&a, FALSE, HASH_STRING_ALGORITHM_X65599, &hash);
    CHILD_CHECK(hash == 'a' * 65599u + 'b');
    CHILD_CHECK(RtlHashUnicodeString(&a, FALSE, 2, &hash) == STATUS_INVALID_PARAMETER);
    CHILD_CHECK(RtlCompareMemory("abcx", "abcy", 4) == 3 && RtlCompareMemory("ab", "ab", 2) == 2);
}

static void test_compare(void)
{
    CHILD_PASSES(compare, NULL);
}

static void convert(void *unused)
{
    UNICODE_STRING wide = literal(u"a\u00e9\u4e2d"), made;
    ANSI_STRING narrow = {0};

    UNREFERENCED_PARAMETER(unused);
    boot();
    CHILD_CHECK(RtlUnicodeStringToAnsiString(&narrow, &wide, TRUE) == STATUS_SUCCESS);
    CHILD_CHECK(narrow.Length == 3 && memcmp(narrow.Buffer, "a\xE9?", 4) == 0);
    CHILD_CHECK(RtlAnsiStringToUnicodeString(&made, &narrow, TRUE) == STATUS_SUCCESS);
    CHILD_CHECK(made.Length == 6 && memcmp(made.Buffer, u"a\u00e9?", 8) == 0);
    narrow.MaximumLength = 3;
    CHILD_CHECK(RtlUnicodeStringToAnsiString(&narrow, &wide, FALSE) == STATUS_BUFFER_OVERFLOW);
    RtlFreeAnsiString(&narrow);
    made.MaximumLength = 4;
    CHILD_CHECK(RtlUpcaseUnicodeString(&made, &wide, FALSE) == STATUS_BUFFER_OVERFLOW);
    RtlFreeUnicodeString(&made);
    CHILD_CHECK(made.Buffer == NULL && narrow.Buffer == NULL);
    CHILD_CHECK(RtlUpcaseUnicodeString(&made, &wide, TRUE) == STATUS_SUCCESS);
    CHILD_CHECK(memcmp(made.Buffer, u"A\u00c9\u4e2d", 6) == 0);
    RtlFreeUnicodeString(&made);
    CHILD_CHECK(nt_pool_outstanding(0, NULL) == 0);
}

static void test_convert(void)
{
    CHILD_PASSES(convert, NULL);
}

static void numbers(void *unused)
{
    static const struct {
        const WCHAR *text;
        ULONG base, value;
    } cases[] = {
        {u"42", 0, 42},   {u" \t-1", 0, UINT32_MAX}, {u"0x1F", 0, 31}, {u"0b101", 0, 5},
        {u"0o17", 0, 15}, {u"ff", 16, 255},          {u"12z", 10, 12}, {u"", 10, 0},
        {u"+7", 10, 7},   {u"4294967297", 10, 1},
    };
    WCHAR buffer[20];
    UNICODE_STRING string, out = {0, sizeof(buffer), buffer};
    ULONG value;

    UNREFERENCED_PARAMETER(unused);
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        string = literal(cases[i].text);
        CHILD_CHECK(RtlUnicodeStringToInteger(&string, cases[i].base, &value) == STATUS_SUCCESS);
        CHILD_CHECK(value == cases[i].value);
    }
    CHILD_CHECK(RtlUnicodeStringToInteger(&string, 7, &value) == STATUS_INVALID_PARAMETER);
    CHILD_CHECK(RtlIntegerToUnicodeString(UINT32_MAX, 10, &out) == STATUS_SUCCESS);
    CHILD_CHECK(out.Length == 20 && memcmp(buffer, u"4294967295", 22) == 0);
    CHILD_CHECK(RtlInt64ToUnicodeString(0xABCDEF0123456789, 16, &out) == STATUS_SUCCESS);
    CHILD_CHECK(memcmp(buffer, u"ABCDEF0123456789", 34) == 0);
    CHILD_CHECK(RtlIntegerToUnicodeString(0, 0, &out) == STATUS_SUCCESS && out.Length == 2);
    out.MaximumLength = 18;
    CHILD_CHECK(RtlIntegerToUnicodeString(UINT32_MAX, 10, &out) == STATUS_BUFFER_OVERFLOW);
    CHILD_CHECK(RtlIntegerToUnicodeString(1, 3, &out) == STATUS_INVALID_PARAMETER);
}

static void test_numbers(void)
{
    CHILD_PASSES(numbers, NULL);
}

static void guids(void *unused)
{
    static const GUID guid = {
        0x01234567, 0x89ab, 0xcdef, {1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}};
    static const WCHAR text[] = u"{01234567-89AB-CDEF-0123-456789ABCDEF}";
    UNICODE_STRING string;
    GUID back;

    UNREFERENCED_PARAMETER(unused);
    boot();
    CHILD_CHECK(RtlStringFromGUID(&guid, &string) == STATUS_SUCCESS);
    CHILD_CHECK(string.Length == 76 && memcmp(string.Buffer, text, sizeof(text)) == 0);
    CHILD_CHECK(RtlGUIDFromString(&string, &back) == STATUS_SUCCESS);
    CHILD_CHECK(memcmp(&back, &guid, sizeof(guid)) == 0);
    for (unsigned i = 0; i < 38; i++) { /* A wrong character anywhere. */
        WCHAR kept = string.Buffer[i];
        string.Buffer[i] = 'g';
        CHILD_CHECK(RtlGUIDFromString(&string, &back) == STATUS_INVALID_PARAMETER);
        string.Buffer[i] = kept;
    }
    string.Length -= 2;
    CHILD_CHECK(RtlGUIDFromString(&string, &back) == STATUS_INVALID_PARAMETER);
    RtlFreeUnicodeString(&string);
    RTL_OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};
    CHILD_CHECK(RtlGetVersion(&version) == STATUS_SUCCESS);
    CHILD_CHECK(version.dwMajorVersion == 10 && version.dwBuildNumber == 16299);
}

static void test_guids_and_version(void)
{
    CHILD_PASSES(guids, NULL);
}

/** Every code point there and back; what is not well-formed is refused. */
static void test_utf(void)
{
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC3",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF8\x88\x80\x80\x80",
                                      "a\xFF"};
    WCHAR pair[3] = {0};
    size_t chars;
    unsigned wrong = 0;

    for (uint32_t point = 1; point < 0x110000; point++) {
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        size_t units = point < 0x10000 ? 1 : 2;
        pair[0] = (WCHAR)(units == 1 ? point : 0xD800 + ((point - 0x10000) >> 10));
        pair[1] = (WCHAR)(units == 1 ? 0 : 0xDC00 + (point & 0x3FF));
        char *text = nt_utf8(pair, units);
        WCHAR *back = text == NULL ? NULL : nt_utf16(text, &chars);
        if (surrogate ? text != NULL
                      : back == NULL || chars != units || memcmp(back, pair, 2 * units) != 0) {
            wrong++;
        }
        free(back);
        free(text);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (size_t i = 0; i < RTL_NUMBER_OF(bad); i++) {
        CU_ASSERT_PTR_NULL(nt_utf16(bad[i], &chars));
    }
    CU_ASSERT_PTR_NULL(nt_utf8(u"a\0b", 3));
}

CU_ErrorCode register_rtl_suite(void);
CU_ErrorCode register_rtl_suite(void)
{
    static CU_TestInfo tests[] = {
        {"initialising strings", test_init}, {"copy and append", test_copy_and_append},
        {"compare and hash", test_compare},  {"convert", test_convert},
        {"numbers", test_numbers},           {"GUIDs and version", test_guids_and_version},
        {"UTF-8 and UTF-16", test_utf},      CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {.pName = "rtl", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
