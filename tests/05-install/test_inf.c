/**
 * \file
 * The INF parser's specification: what is a section, a line, a field; quotes, comments,
 * continuation, %strings%, encodings; and that no bytes whatever make it crash.
 */
#include "inf_fixture.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Parses "[S]\n" and the text, and compares the first line's fields (key first, "" = none). */
static void expect_fields(const char *text, size_t count, const char *const *fields)
{
    char whole[600];
    struct inf_file *inf;
    const struct inf_line *line;

    snprintf(whole, sizeof(whole), "[Strings]\ntoken = value\n[S]\n%s", text);
    inf = inf_fixture_parse(whole);
    line = inf_line_at(inf_find_section(inf, "S"), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    CU_ASSERT_EQUAL(inf_field_count(line), count);
    for (size_t i = 0; i <= count; i++) {
        const char *field = inf_field_string(line, i);

        if (strcmp(field == NULL ? "" : field, fields[i]) != 0) {
            printf("\n  in <%s>: field %zu is <%s>, not <%s>", text, i, field, fields[i]);
            CU_FAIL("another field was expected");
        }
    }
    inf_close(inf);
}
#define EXPECT(text, ...)                                                                          \
    expect_fields(text, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *) - 1,                \
                  (const char *[]){__VA_ARGS__})

static void fields_are_separated_by_commas(void)
{
    EXPECT("a, b ,c", "", "a", "b", "c");
    EXPECT("key = a", "key", "a");
    EXPECT("key=a=b", "key", "a=b");
    EXPECT("a,b=c", "", "a", "b=c");
    EXPECT("a,,c", "", "a", "", "c");
    EXPECT("a,b,", "", "a", "b");
    EXPECT("a,b,,", "", "a", "b", "");
    EXPECT("key=", "key");
    EXPECT("two words , x", "", "two words", "x");
}

static void comments_end_a_line(void)
{
    EXPECT("a,b ; c,d", "", "a", "b");
    EXPECT("a,\"b;c\"", "", "a", "b;c");
    EXPECT("a,b;", "", "a", "b");
    EXPECT("; nothing\n\n   ; nothing\na", "", "a");
    EXPECT("%a;b%,c", "", "%a;b%", "c");
}

static void quotes_protect_everything(void)
{
    EXPECT("\" a \",b", "", " a ", "b");
    EXPECT("\"a,b\" , c", "", "a,b", "c");
    EXPECT("\"a=b\"=c", "a=b", "c");
    EXPECT("x,\"say \"\"hi\"\" now\"", "", "x", "say \"hi\" now");
    EXPECT("x,\"\"\"all\"\"\"", "", "x", "\"all\"");
    EXPECT("x,\"\"", "", "x", "");
    EXPECT("x,\"C:\\dir\\\",y", "", "x", "C:\\dir\\", "y");
    EXPECT("x,one\" two \"three", "", "x", "one two three");
}

static void a_backslash_at_the_end_continues_the_line(void)
{
    EXPECT("a,b,\\\n   c", "", "a", "b", "c");
    EXPECT("a,b\\\n,c", "", "a", "b", "c");
    EXPECT("a,\\ ; comment\n b", "", "a", "b");
    EXPECT("key = \"dir\\\"\\\n,file", "key", "dir\\", "file");
    EXPECT("key = dir\\\\\n,file", "key", "dir", "file");
    EXPECT("a,\\\n\\\nb", "", "a", "b");
    EXPECT("a,b\\c", "", "a", "b\\c");
    EXPECT("a,b\\", "", "a", "b");
    EXPECT("\\\n\na", "", "a");
    EXPECT("a,\\\r\nb", "", "a", "b");
}

static void strings_are_substituted(void)
{
    EXPECT("%token%", "", "value");
    EXPECT("%TOKEN% = x", "value", "x");
    EXPECT("a,\"<%token%%token%>\"", "", "a", "<valuevalue>");
    EXPECT("a,%%token%%", "", "a", "%token%");
    EXPECT("a,\"%%SystemRoot%%\\%token%\"", "", "a", "%SystemRoot%\\value");
    EXPECT("a,%13%\\x.sys", "", "a", "%13%\\x.sys");
    EXPECT("a,%unknown%", "", "a", "%unknown%");
    EXPECT("a,100%", "", "a", "100%");
}

static void section_names_ignore_case_and_merge(void)
{
    struct inf_file *inf = inf_fixture_parse("[One]\na=1\n[Two]\nb=2\n[ ONE ] ; again\nc=3\nA=4\n");
    const struct inf_section *one = inf_find_section(inf, "one");
    const struct inf_line *a;

    CU_ASSERT_EQUAL(inf_section_count(inf), 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(one);
    CU_ASSERT_STRING_EQUAL(inf_section_name(one), "One");
    CU_ASSERT_EQUAL(inf_section_line(one), 1);
    CU_ASSERT_EQUAL(inf_line_count(one), 3);
    a = inf_next_line(one, "a", NULL);
    CU_ASSERT_STRING_EQUAL(inf_field_string(a, 1), "1");
    a = inf_next_line(one, "a", a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_STRING_EQUAL(inf_field_string(a, 1), "4");
    CU_ASSERT_EQUAL(inf_line_number(a), 7);
    CU_ASSERT_PTR_NULL(inf_next_line(one, "a", a));
    CU_ASSERT_PTR_NULL(inf_find_line(inf, "one", "b"));
    CU_ASSERT_PTR_NULL(inf_find_line(inf, "three", "a"));
    CU_ASSERT_PTR_NULL(inf_section_at(inf, 2));
    CU_ASSERT_PTR_NULL(inf_line_at(one, 3));
    inf_close(inf);
}

static void every_field_knows_where_it_began(void)
{
    struct inf_file *inf = inf_fixture_parse("[S]\n  k\xE9y = a ,\t\"b\",\\\n   c\n");
    const struct inf_line *line = inf_line_at(inf_find_section(inf, "S"), 0);
    static const unsigned places[][2] = {{2, 3}, {2, 9}, {2, 13}, {3, 4}};

    for (size_t i = 0; i < 4; i++) {
        unsigned row = 0;
        unsigned column = 0;

        CU_ASSERT_TRUE(inf_field_position(line, i, &row, &column));
        CU_ASSERT_EQUAL(row, places[i][0]);
        CU_ASSERT_EQUAL(column, places[i][1]);
    }
    CU_ASSERT_FALSE(inf_field_position(line, 4, &(unsigned){0}, &(unsigned){0}));
    inf_close(inf);
    inf = inf_fixture_parse("[S]\r\n\r\na\rb\r\n"); /* CR LF is one end of a line, CR alone too */
    CU_ASSERT_EQUAL(inf_line_number(inf_line_at(inf_find_section(inf, "S"), 0)), 3);
    CU_ASSERT_EQUAL(inf_line_number(inf_line_at(inf_find_section(inf, "S"), 1)), 4);
    inf_close(inf);
}

static void numbers_are_decimal_or_hexadecimal(void)
{
    struct inf_file *inf =
        inf_fixture_parse("[S]\n10,0x10,0XfF,4294967295,4294967296,0x,1x,-1,\"\",0x100000000\n");
    const struct inf_line *line = inf_line_at(inf_find_section(inf, "S"), 0);
    static const uint32_t good[] = {10, 16, 255, UINT32_MAX};
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(inf_field_uint(line, i + 1, &value));
        CU_ASSERT_EQUAL(value, good[i]);
    }
    for (size_t i = 5; i <= 11; i++) {
        CU_ASSERT_FALSE(inf_field_uint(line, i, &value));
    }
    inf_close(inf);
}

static void windows_uses_one_strings_section(void)
{
    struct inf_file *inf = inf_fixture_parse("[S]\n%a%,%b%\n"
                                             "[Strings]\na=plain\nb=only here\n"
                                             "[Strings.0407]\na=deutsch\n"
                                             "[Strings.0809]\na=british\n"
                                             "[Strings.0009]\na=english\n");
    const struct inf_line *line = inf_line_at(inf_find_section(inf, "S"), 0);

    /* 0409h is not there: the neutral section of the language comes before its relatives. */
    CU_ASSERT_STRING_EQUAL(inf_strings_name(inf), "Strings.0009");
    CU_ASSERT_STRING_EQUAL(inf_field_string(line, 1), "english");
    CU_ASSERT_STRING_EQUAL(inf_field_string(line, 2), "%b%");
    inf_set_language(inf, 0x0809);
    CU_ASSERT_STRING_EQUAL(inf_field_string(line, 1), "british");
    inf_set_language(inf, 0x0C07); /* Austria: German of another country */
    CU_ASSERT_STRING_EQUAL(inf_field_string(line, 1), "deutsch");
    inf_set_language(inf, 0x040C);
    CU_ASSERT_STRING_EQUAL(inf_strings_name(inf), "Strings");
    CU_ASSERT_STRING_EQUAL(inf_field_string(line, 1), "plain");
    CU_ASSERT_STRING_EQUAL(inf_field_string(line, 2), "only here");
    inf_close(inf);
}

/** Text as UTF-16LE with a byte order mark; ASCII only. */
static uint8_t *utf16(const char *text, size_t *length)
{
    uint8_t *bytes = calloc(strlen(text) + 1, 2);

    bytes[0] = 0xFF;
    bytes[1] = 0xFE;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bytes[2 + 2 * i] = (uint8_t)text[i];
    }
    *length = 2 + 2 * strlen(text);
    return bytes;
}

static void expect_value(const void *bytes, size_t length, const char *expected)
{
    struct inf_finding error;
    struct inf_file *inf = inf_parse_memory("bytes", bytes, length, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(inf);
    CU_ASSERT_STRING_EQUAL(inf_field_string(inf_find_line(inf, "S", "k"), 1), expected);
    inf_close(inf);
}

static void ansi_utf8_and_utf16_are_read(void)
{
    static const char utf8[] = "\xEF\xBB\xBF[S]\r\nk=\xC3\xA9\xE2\x82\xAC\xF0\x9F\x92\xBE\r\n";
    static const char ansi[] = "[S]\rk=\xE9\x80\x81\r";
    static const uint8_t wide[] = {0xFF, 0xFE, '[', 0,    'S', 0,    ']',  0,    '\n', 0,    'k',
                                   0,    '=',  0,   0xE9, 0,   0xAC, 0x20, 0x3D, 0xD8, 0xBE, 0xDC};

    expect_value(utf8, sizeof(utf8) - 1, "é€💾");
    expect_value(ansi, sizeof(ansi) - 1, "é€\xC2\x81");
    expect_value(wide, sizeof(wide), "é€💾");
    expect_value("[S]\nk=1\x1A[junk", 14, "1"); /* Ctrl-Z ends the text */
}

/** Windows' own tools like UTF-16: saving the driver's INF so must not change what it says. */
static void the_same_inf_in_utf16_says_the_same(void)
{
    size_t length;
    size_t wide_length;
    char *text = inf_fixture_read(VMINI_INF, &length);
    uint8_t *wide = utf16(text, &wide_length);
    struct inf_finding error;
    struct inf_file *narrow_inf = inf_parse_memory("narrow", text, length, &error);
    struct inf_file *wide_inf = inf_parse_memory("wide", wide, wide_length, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(narrow_inf);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wide_inf);
    CU_ASSERT_EQUAL_FATAL(inf_section_count(wide_inf), inf_section_count(narrow_inf));
    for (size_t i = 0; i < inf_section_count(wide_inf); i++) {
        const struct inf_section *a = inf_section_at(narrow_inf, i);
        const struct inf_section *b = inf_section_at(wide_inf, i);

        CU_ASSERT_STRING_EQUAL(inf_section_name(a), inf_section_name(b));
        CU_ASSERT_EQUAL_FATAL(inf_line_count(a), inf_line_count(b));
        for (size_t j = 0; j < inf_line_count(a); j++) {
            CU_ASSERT_EQUAL(inf_field_count(inf_line_at(a, j)), inf_field_count(inf_line_at(b, j)));
            CU_ASSERT_STRING_EQUAL(inf_field_string(inf_line_at(a, j), 1),
                                   inf_field_string(inf_line_at(b, j), 1));
        }
    }
    inf_close(wide_inf);
    inf_close(narrow_inf);
    free(wide);
    free(text);
}

/** Bytes that must be refused, with the code, the line and words of the message. */
static void expect_refusal(const void *bytes, size_t length, unsigned code, unsigned line,
                           unsigned column, const char *words)
{
    struct inf_finding error = {.code = 0};
    struct inf_file *inf = inf_parse_memory("bad.inf", bytes, length, &error);

    CU_ASSERT_PTR_NULL(inf);
    CU_ASSERT_EQUAL(error.code, code);
    CU_ASSERT_EQUAL(error.severity, INF_ERROR);
    CU_ASSERT_EQUAL(error.line, line);
    CU_ASSERT_EQUAL(error.column, column);
    CU_ASSERT_STRING_EQUAL(error.file, "bad.inf");
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
    CU_ASSERT_STRING_NOT_EQUAL(error.remedy, "");
    if (strstr(error.message, words) == NULL) {
        printf("\n  <%s> has no <%s>", error.message, words);
    }
    inf_close(inf);
}
#define REFUSE(text, ...) expect_refusal(text, sizeof(text) - 1, __VA_ARGS__)

static void other_encodings_are_refused(void)
{
    REFUSE("\xFE\xFF\0[", 1003, 1, 1, "UTF-16BE");
    REFUSE("[\0S\0]\0", 1003, 1, 1, "zero byte");
    REFUSE("\xFF\xFE[\0S", 1003, 1, 1, "middle of a character");
    REFUSE("\xFF\xFE[\0\n\0\x3D\xD8x\0", 1003, 2, 1, "surrogate");
    REFUSE("\xFF\xFE\x00\xDC", 1003, 1, 1, "surrogate");
    REFUSE("\xFF\xFE\0\0", 1003, 1, 1, "NUL");
    REFUSE("\xEF\xBB\xBF[S]\n\xC3(", 1003, 2, 1, "not UTF-8");
    REFUSE("\xEF\xBB\xBF\xC0\x80", 1003, 1, 1, "not UTF-8");
    REFUSE("\xEF\xBB\xBF\xED\xA0\x80", 1003, 1, 1, "not UTF-8");
    REFUSE("\xEF\xBB\xBF[S]\0", 1003, 1, 1, "NUL");
}

static void bad_syntax_is_refused(void)
{
    char *longest = calloc(1, 6000);
    size_t length;

    REFUSE("[S]\nk = \"open\nnext", 1002, 2, 5, "not closed on its line");
    REFUSE("[S]\nk = a, \"open", 1002, 2, 8, "not closed on its line");
    REFUSE("[S\nk=1", 1002, 1, 1, "not closed");
    REFUSE("[]\n", 1002, 1, 1, "1 to 255 characters");
    REFUSE("[  ]\n", 1002, 1, 1, "1 to 255 characters");
    REFUSE("[S] k=1\n", 1002, 1, 5, "follows the section's name");
    REFUSE("; comment\nk=1\n[S]\n", 1002, 2, 1, "before the first [section]");
    REFUSE("[S]\nk = C:\\dir\\\n[T]\n", 1002, 3, 1, "swallowed");

    strcpy(longest, "[S]\nk=");
    memset(longest + strlen(longest), 'x', 4095);
    length = strlen(longest);
    CU_ASSERT_PTR_NOT_NULL(longest);
    expect_value(longest, length, longest + 6);
    longest[length] = longest[length + 1] = 'x';
    expect_refusal(longest, length + 1, 1002, 2, 3 + 4095, "longer than 4095");
    longest[6] = '"';
    expect_refusal(longest, length + 2, 1002, 2, 3 + 4096, "longer than 4095");
    longest[6] = longest[length + 1] = '%';
    expect_refusal(longest, length + 2, 1002, 2, 3 + 4095, "longer than 4095");
    memset(longest, 'x', 300);
    memcpy(longest, "[", 1);
    memcpy(longest + 257, "]\n", 3);
    expect_refusal(longest, 259, 1002, 1, 1, "1 to 255 characters");
    free(longest);
}

static void a_file_that_cannot_be_read_is_named(void)
{
    struct inf_finding error = {.code = 0};
    char text[1200];

    CU_ASSERT_PTR_NULL(inf_open("no/such/file.inf", &error));
    CU_ASSERT_EQUAL(error.code, 1000);
    inf_finding_format(&error, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "no/such/file.inf: error 1000: The INF cannot be read: No such "
                                 "file or directory. Give the path of an INF file that you may "
                                 "read.");
    CU_ASSERT_PTR_NULL(inf_open("/", &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "directory"));
}

/** Parses, checks and resolves whatever the bytes are; only crashes matter. */
static void survive(const void *bytes, size_t length)
{
    struct inf_check_options options = {.target = INF_TARGET_1709, .package_dir = "."};
    struct inf_findings findings = {0};
    struct inf_finding error;
    struct inf_install install;
    uint8_t *exact = malloc(length + (length == 0)); /* so that one byte too many is caught */
    struct inf_file *inf;

    memcpy(exact, bytes, length);
    inf = inf_parse_memory("fuzz", exact, length, &error);
    free(exact);
    if (inf == NULL) {
        CU_ASSERT_NOT_EQUAL(error.code, 0);
        return;
    }
    inf_check(inf, &options, &findings);
    if (inf_resolve_install(inf, "root\\vmini", &options.target, &install, &findings)) {
        inf_install_free(&install);
    }
    inf_findings_free(&findings);
    inf_close(inf);
}

static void truncation_never_crashes(void)
{
    size_t length;
    char *text = inf_fixture_read(VMINI_INF, &length);
    size_t wide_length;
    uint8_t *wide;

    for (size_t i = 0; i <= length; i++) {
        survive(text, i);
    }
    for (size_t i = 0; i <= strlen(inf_fixture_good); i++) {
        survive(inf_fixture_good, i);
    }
    wide = utf16(inf_fixture_good, &wide_length);
    for (size_t i = 0; i <= wide_length; i++) {
        survive(wide, i);
    }
    free(wide);
    free(text);
}

static void changed_bytes_never_crash(void)
{
    static const char bytes[] = "\0\n\"%\\,=[];@\xFF{(";
    size_t length = strlen(inf_fixture_good);
    char *text = malloc(length);

    memcpy(text, inf_fixture_good, length);
    for (size_t i = 0; i < length; i++) {
        text[i] = bytes[i % (sizeof(bytes) - 1)];
        survive(text, length);
        text[i] = inf_fixture_good[i];
    }
    free(text);
}

CU_ErrorCode register_inf_suite(void);
CU_ErrorCode register_inf_suite(void)
{
    CU_TestInfo tests[] = {
        {"fields are separated by commas", fields_are_separated_by_commas},
        {"comments end a line", comments_end_a_line},
        {"quotes protect everything", quotes_protect_everything},
        {"a backslash at the end continues the line", a_backslash_at_the_end_continues_the_line},
        {"strings are substituted", strings_are_substituted},
        {"section names ignore case, and merge", section_names_ignore_case_and_merge},
        {"every field knows where it began", every_field_knows_where_it_began},
        {"numbers are decimal or hexadecimal", numbers_are_decimal_or_hexadecimal},
        {"Windows uses one Strings section", windows_uses_one_strings_section},
        {"ANSI, UTF-8 and UTF-16 are read", ansi_utf8_and_utf16_are_read},
        {"the same INF in UTF-16 says the same", the_same_inf_in_utf16_says_the_same},
        {"other encodings are refused", other_encodings_are_refused},
        {"bad syntax is refused, with its place", bad_syntax_is_refused},
        {"a file that cannot be read is named", a_file_that_cannot_be_read_is_named},
        {"truncation never crashes", truncation_never_crashes},
        {"changed bytes never crash", changed_bytes_never_crash},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"05 install: INF text", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
