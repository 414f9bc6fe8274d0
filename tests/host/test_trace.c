/*
 * The recorder and the drivers' printf: what is recorded, as what text, and that a driver's formats
 * come out as on Windows.
 */
#include "child.h"

#include <pthread.h>
#include <string.h>

#include "nt/nt.h"

static void boot(enum sched_kind kind)
{
    struct sched_options options = {.kind = kind, .seed = 1};

    verifier_install_fault_handler();
    sched_boot(&options);
}

/* --- the recorder --- */

static void records(void *unused)
{
    char name[] = "short-lived";
    const struct trace_record *record;

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    trace_event(TRACE_PNP, "off", 1, 2, 3, 4);
    CHILD_CHECK(trace_count() == 0);
    trace_enable(1u << TRACE_PNP | 1u << TRACE_ETW);
    CHILD_CHECK(trace_wants(TRACE_PNP) && !trace_wants(TRACE_ROUTINE));
    trace_event(TRACE_PNP, "start", 1, 2, 3, 4);
    trace_event(TRACE_ROUTINE, "not wanted", 0, 0, 0, 0);
    trace_text(TRACE_ETW, name, 9, 0, 0, 0);
    memset(name, 'x', sizeof name - 1);
    trace_text(TRACE_ETW, "short-lived", 10, 0, 0, 0);
    CHILD_CHECK(trace_count() == 3);
    record = trace_at(0);
    CHILD_CHECK(record->sequence == 1 && record->kind == TRACE_PNP &&
                strcmp(record->name, "start") == 0);
    CHILD_CHECK(record->argument[0] == 1 && record->argument[3] == 4);
    CHILD_CHECK(record->thread == sched_current()->id && record->irql == PASSIVE_LEVEL);
    CHILD_CHECK(strcmp(trace_at(1)->name, "short-lived") == 0);
    CHILD_CHECK(trace_at(1)->name == trace_at(2)->name);
    CHILD_CHECK(trace_at(3) == NULL);
    trace_clear();
    CHILD_CHECK(trace_count() == 0 && trace_at(0) == NULL);
}

static void test_records(void)
{
    CHILD_PASSES(records, NULL);
}

static void routines(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    trace_enable(1u << TRACE_ROUTINE);
    nt_raise_irql(DISPATCH_LEVEL);
    DbgPrint("x");
    nt_lower_irql(PASSIVE_LEVEL);
    CHILD_CHECK(trace_count() == 1);
    CHILD_CHECK(strcmp(trace_at(0)->name, "DbgPrint") == 0 && trace_at(0)->irql == DISPATCH_LEVEL);
}

static void test_routines(void)
{
    CHILD_PASSES(routines, NULL);
}

static void lines(void *unused)
{
    static const char *const expected =
        "     1         0.0000000 T1  cpu0 irql0 srb      #7 0:1:2 opcode 0x28 length 4096\n"
        "     2         0.0000000 T1  cpu0 irql0 srb-done #7 status 0x01 scsi 0x00 moved 4096\n"
        "     3         0.0000000 T1  cpu0 irql0 irql     0 -> 2\n"
        "     4         0.0000000 T1  cpu0 irql0 thread   worker ended 3\n"
        "     5         0.0000000 T1  cpu0 irql0 file     read offset 512 length 100 status "
        "0xc000007f\n"
        "     6         0.0000000 T1  cpu0 irql0 debug    one line\n"
        "     7         0.0000000 T1  cpu0 irql0 callback HwFindAdapter 0x10 0x0 0x30\n";
    char text[2000];
    FILE *out = fmemopen(text, sizeof text, "w");

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    trace_enable(~0u);
    trace_event(TRACE_SRB_START, "srb", 7, 0x000102, 0x28, 4096);
    trace_event(TRACE_SRB_COMPLETE, "srb", 7, 1, 0, 4096);
    trace_event(TRACE_IRQL, "irql", 0, 2, 0, 0);
    trace_event(TRACE_THREAD, "worker", 2, 3, 0, 0);
    trace_event(TRACE_FILE, "read", 512, 100, (uint32_t)STATUS_DISK_FULL, 0);
    trace_text(TRACE_DEBUG, "one line\r\n", 0, 0, 0, 0);
    trace_event(TRACE_CALLBACK_ENTER, "HwFindAdapter", 0x10, 0, 0x30, 0);
    trace_print(out, 0);
    fclose(out);
    if (strcmp(text, expected) != 0) {
        fputs(text, stderr);
    }
    CHILD_CHECK(strcmp(text, expected) == 0);
}

static void test_lines(void)
{
    CHILD_PASSES(lines, NULL);
}

static void *record_many(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    for (uint64_t i = 0; i < 20000; i++) {
        trace_event(TRACE_PNP, "event", i, 0, 0, 0);
        trace_text(TRACE_ETW, i % 2 == 0 ? "even" : "odd", i, 0, 0, 0);
    }
    sched_detach();
    return NULL;
}

static void many_threads(void *unused)
{
    pthread_t threads[4];

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_REAL);
    trace_enable(1u << TRACE_PNP | 1u << TRACE_ETW);
    for (unsigned i = 0; i < 4; i++) {
        CHILD_CHECK(pthread_create(&threads[i], NULL, record_many, NULL) == 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    CHILD_CHECK(trace_count() == 4 * 2 * 20000);
    for (size_t i = 0; i < trace_count(); i++) {
        CHILD_CHECK(trace_at(i) != NULL && trace_at(i)->sequence == i + 1);
    }
}

static void test_many_threads(void)
{
    CHILD_PASSES(many_threads, NULL);
}

/* --- printf --- */

static char text[600];

static size_t NTAPI format(size_t size, const char *format, ...)
{
    nt_va_list arguments;
    size_t length;

    nt_va_start(arguments, format);
    length = nt_format(text, size, format, arguments);
    nt_va_end(arguments);
    return length;
}

#define FORMATS(expected, ...)                                                                     \
    do {                                                                                           \
        format(sizeof text, __VA_ARGS__);                                                          \
        CU_ASSERT_STRING_EQUAL(text, expected);                                                    \
    } while (0)

static void test_integers(void)
{
    FORMATS("0 -1 2147483647", "%d %i %ld", 0, -1, INT32_MAX);
    FORMATS("4294967295 18446744073709551615", "%u %I64u", UINT32_MAX, UINT64_MAX);
    FORMATS("-5 -9223372036854775808", "%lld %I64d", (LONGLONG)-5, INT64_MIN);
    FORMATS("ff FF 0xff 0XFF 0", "%x %X %#x %#X %#x", 255, 255, 255, 255, 0);
    FORMATS("00000000deadbeef|0000BEEF", "%016I64x|%08lX", (ULONGLONG)0xdeadbeef, 0xbeef);
    FORMATS("   42|42   |00042|+42| 42", "%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42);
    FORMATS("  -42|-0042|-42  ", "%5d|%05d|%-5d", -42, -42, -42);
    FORMATS("  007|7", "%5.3d|%.0d", 7, 7);
    FORMATS("     7|7     ", "%*d|%*d", 6, 7, -6, 7);
    FORMATS("17 0000000000001234", "%o %p", 15, (void *)0x1234);
    FORMATS("65535 -1 12 34", "%hu %hd %I32u %Iu", 65535, 0xffff, 12, (SIZE_T)34);
    /* A 32-bit conversion takes the low half only, whatever lies in the rest of the slot. */
    FORMATS("1 1", "%lu %x", UINT64_C(0xffffffff00000001), UINT64_C(0xffffffff00000001));
}

static void test_strings(void)
{
    UNICODE_STRING wide = {6, 8, (PWCH)u"abcd"};
    ANSI_STRING narrow = {3, 5, (char *)"vwxyz"};
    UNICODE_STRING empty = {0, 0, NULL};

    FORMATS("abc|  abc|abc  |ab", "%s|%5s|%-5s|%.2s", "abc", "abc", "abc", "abc");
    FORMATS("abc|abc|abc|abc", "%ws|%S|%ls|%hs", u"abc", u"abc", u"abc", "abc");
    FORMATS("abc|  abc|vwx", "%wZ|%5wZ|%Z", &wide, &wide, &narrow);
    FORMATS("(null) (null) (null)", "%s %ws %wZ", NULL, NULL, &empty);
    FORMATS("a b", "%c %C", 'a', u'b');
    FORMATS("100% %q", "100%% %%q");
    FORMATS("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd", "%ws",
            u"\u00e9\u20ac\U0001F600\xd800");
}

static void test_limits(void)
{
    CU_ASSERT_EQUAL(format(4, "%s", "abcdef"), 6);
    CU_ASSERT_STRING_EQUAL(text, "abc");
    text[0] = 'k';
    CU_ASSERT_EQUAL(format(0, "%d", 12345), 5);
    CU_ASSERT_EQUAL(text[0], 'k');
    CU_ASSERT_EQUAL(format(sizeof text, "50%"), 2);
    CU_ASSERT_STRING_EQUAL(text, "50");
}

static size_t NTAPI format_wide(WCHAR *out, size_t chars, const WCHAR *format, ...)
{
    nt_va_list arguments;
    size_t length;

    nt_va_start(arguments, format);
    length = nt_format_wide(out, chars, format, arguments);
    nt_va_end(arguments);
    return length;
}

static void test_wide_formats(void)
{
    WCHAR out[32];

    CU_ASSERT_EQUAL(format_wide(out, 32, u"%s-%S-%d-%hs", u"ab", "cd", 7, "e"), 9);
    CU_ASSERT_EQUAL(memcmp(out, u"ab-cd-7-e", 20), 0);
    CU_ASSERT_EQUAL(format_wide(out, 3, u"%s", u"abcdef"), 6);
    CU_ASSERT_EQUAL(memcmp(out, u"ab", 6), 0);
}

/* --- DbgPrint --- */

static void debug_print(void *unused)
{
    char shown[100] = "";
    FILE *out = fmemopen(shown, sizeof shown, "w");

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    DbgPrint("nobody listens %d\n", 1);
    trace_enable(1u << TRACE_DEBUG);
    nt_debug_output(out);
    DbgPrint("lun %d %ws\n", 5, u"wide");
    DbgPrintEx(DPFLTR_STORMINIPORT_ID, DPFLTR_ERROR_LEVEL, "%I64x\n", UINT64_C(0x123456789));
    nt_debug_output(NULL);
    fclose(out);
    CHILD_CHECK(strcmp(shown, "lun 5 wide\n123456789\n") == 0);
    CHILD_CHECK(trace_count() == 2 && strcmp(trace_at(0)->name, "lun 5 wide\n") == 0);
}

static void test_debug_print(void)
{
    CHILD_PASSES(debug_print, NULL);
}

CU_ErrorCode register_trace_suite(void);
CU_ErrorCode register_trace_suite(void)
{
    static CU_TestInfo tests[] = {
        {"only what is wanted is recorded", test_records},
        {"each routine is recorded at its IRQL", test_routines},
        {"records as lines", test_lines},
        {"threads record at the same time", test_many_threads},
        {"printf: integers", test_integers},
        {"printf: strings", test_strings},
        {"printf: the end of the buffer", test_limits},
        {"printf: wide formats", test_wide_formats},
        {"DbgPrint", test_debug_print},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"host: trace", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
