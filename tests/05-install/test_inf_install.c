/**
 * \file
 * What installing does with an INF: every value of the driver's own, the models that each Windows
 * chooses, the registry's types, the form of 2009, and why an installation is refused.
 */
#include "inf_fixture.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>

static const struct inf_target x64_1709 = {"amd64", 10, 0, 16299};

/** Resolves what must resolve; fails the test with the findings otherwise. */
static void resolve(const struct inf_file *inf, const char *id, const struct inf_target *target,
                    struct inf_install *install)
{
    struct inf_findings findings = {0};
    bool good = inf_resolve_install(inf, id, target, install, &findings);

    if (!good) {
        inf_fixture_print(&findings);
    }
    inf_findings_free(&findings);
    CU_ASSERT_TRUE_FATAL(good);
}

static const struct inf_registry_write *find_write(const struct inf_install *install,
                                                   const char *value)
{
    for (size_t i = 0; i < install->write_count; i++) {
        if (strcmp(install->writes[i].value, value) == 0) {
            return &install->writes[i];
        }
    }
    CU_FAIL_FATAL("the value is not written");
    return NULL;
}

/** Everything that vmini.inf promises, and nothing more. */
static void vmini_inf_says_what_chapter_5_says(void)
{
    static const struct {
        const char *name;
        uint32_t value;
    } parameters[] = {{"BusType", 0x0E},      {"BreakOnEntry", 0},    {"TraceLevel", 2},
                      {"TraceFlags", ~0u},    {"NumberOfWorkers", 0}, {"NumberOfBuses", 1},
                      {"MaximumTargets", 16}, {"MaximumLuns", 8}};
    struct inf_finding error;
    struct inf_file *inf = inf_open(VMINI_INF, &error);
    struct inf_install install;

    CU_ASSERT_PTR_NOT_NULL_FATAL(inf);
    CU_ASSERT_STRING_EQUAL(inf_name(inf), VMINI_INF);
    resolve(inf, "ROOT\\VMINI", &x64_1709, &install);
    CU_ASSERT_STRING_EQUAL(install.class_name, "SCSIAdapter");
    CU_ASSERT_STRING_EQUAL(install.class_guid, "{4D36E97B-E325-11CE-BFC1-08002BE10318}");
    CU_ASSERT_STRING_EQUAL(install.provider, "vmini");
    CU_ASSERT_STRING_EQUAL(install.driver_date, "11/21/2025");
    CU_ASSERT_STRING_EQUAL(install.driver_version, "1.0.0.0");
    CU_ASSERT_STRING_EQUAL(install.catalog, "vmini.cat");
    CU_ASSERT_TRUE(install.pnp_lockdown);
    CU_ASSERT_STRING_EQUAL(install.manufacturer, "vmini");
    CU_ASSERT_STRING_EQUAL(install.description, "vmini Virtual Storage Adapter");
    CU_ASSERT_STRING_EQUAL(install.hardware_id, "root\\vmini");
    CU_ASSERT_STRING_EQUAL(install.models_section, "Models.NTamd64.10.0...16299");
    CU_ASSERT_STRING_EQUAL(install.install_section, "Vmini_Install.NT");
    CU_ASSERT_STRING_EQUAL(install.security, "D:P(A;;GA;;;SY)(A;;GA;;;BA)");
    CU_ASSERT_STRING_EQUAL(install.service.name, "vmini");
    CU_ASSERT_STRING_EQUAL(install.service.display_name, "vmini Virtual Storage Adapter");
    CU_ASSERT_STRING_EQUAL(install.service.description, "");
    CU_ASSERT_STRING_EQUAL(install.service.load_order_group, "");
    CU_ASSERT_EQUAL(install.service.flags, 2);
    CU_ASSERT_EQUAL(install.service.type, 1);
    CU_ASSERT_EQUAL(install.service.start, 3);
    CU_ASSERT_EQUAL(install.service.error_control, 1);
    CU_ASSERT_STRING_EQUAL(install.service.binary, "%13%\\vmini.sys");
    CU_ASSERT_EQUAL(install.service.binary_dirid, 13);
    CU_ASSERT_STRING_EQUAL(install.service.binary_file, "vmini.sys");
    CU_ASSERT_EQUAL_FATAL(install.copy_count, 1);
    CU_ASSERT_STRING_EQUAL(install.copies[0].source, "vmini.sys");
    CU_ASSERT_STRING_EQUAL(install.copies[0].source_subdir, "");
    CU_ASSERT_STRING_EQUAL(install.copies[0].target, "vmini.sys");
    CU_ASSERT_STRING_EQUAL(install.copies[0].target_subdir, "");
    CU_ASSERT_EQUAL(install.copies[0].target_dirid, 13);
    CU_ASSERT_EQUAL(install.write_count, sizeof(parameters) / sizeof(parameters[0]));
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        const struct inf_registry_write *write = find_write(&install, parameters[i].name);

        CU_ASSERT_EQUAL(write->root, INF_ROOT_SERVICE);
        CU_ASSERT_STRING_EQUAL(write->subkey, "Parameters");
        CU_ASSERT_EQUAL(write->type, INF_REG_DWORD);
        CU_ASSERT_EQUAL(write->dword, parameters[i].value);
    }
    inf_install_free(&install);
    inf_close(inf);
}

static void vmini_inf_is_clean(void)
{
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    struct inf_finding error;
    struct inf_file *inf = inf_open(VMINI_INF, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(inf);
    CU_ASSERT_TRUE(inf_check(inf, &options, &findings));
    CU_ASSERT_EQUAL(findings.count, 0);
    inf_fixture_print(&findings);
    inf_findings_free(&findings);
    inf_close(inf);
}

static void vmini_inf_is_ascii(void)
{
    size_t length;
    char *text = inf_fixture_read(VMINI_INF, &length);

    CU_ASSERT_TRUE(length > 1000);
    for (size_t i = 0; i < length; i++) {
        CU_ASSERT_TRUE_FATAL(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    }
    free(text);
}

/** One row of the matrix: a [Manufacturer] line, a Windows, and the section that it takes. */
static const struct {
    const char *decorations;
    struct inf_target target;
    const char *chosen; /**< NULL: none. */
} matrix[] = {
    /* the driver's own */
    {",NTamd64.10.0...16299", {"amd64", 10, 0, 16299}, "M.NTamd64.10.0...16299"},
    {",NTamd64.10.0...16299", {"amd64", 10, 0, 26100}, "M.NTamd64.10.0...16299"},
    {",NTamd64.10.0...16299", {"amd64", 10, 0, 16298}, NULL},
    {",NTamd64.10.0...16299", {"amd64", 6, 3, 20000}, NULL},
    {",NTamd64.10.0...16299", {"x86", 10, 0, 16299}, NULL},
    {",NTamd64.10.0...16299", {"arm64", 10, 0, 16299}, NULL},
    {",ntAMD64.10.0...16299", {"AMD64", 10, 0, 16299}, "M.NTamd64.10.0...16299"},
    /* a build counts only within its own version */
    {",NTamd64.10.0...16299", {"amd64", 11, 0, 1}, "M.NTamd64.10.0...16299"},
    {",NTamd64.10.0...16299", {"amd64", 10, 1, 1}, "M.NTamd64.10.0...16299"},
    /* the highest build, version, that is not too high */
    {",NTamd64.10.0...14393,NTamd64.10.0...17763,NTamd64.10.0...16299",
     {"amd64", 10, 0, 17000},
     "M.NTamd64.10.0...16299"},
    {",NTamd64.10.0...14393,NTamd64.10.0...17763,NTamd64.10.0...16299",
     {"amd64", 10, 0, 17763},
     "M.NTamd64.10.0...17763"},
    {",NTamd64,NTamd64.6.1,NTamd64.10.0", {"amd64", 10, 0, 16299}, "M.NTamd64.10.0"},
    {",NTamd64,NTamd64.6.1,NTamd64.10.0", {"amd64", 6, 3, 9600}, "M.NTamd64.6.1"},
    {",NTamd64,NTamd64.6.1,NTamd64.10.0", {"amd64", 6, 0, 6000}, "M.NTamd64"},
    {",NTamd64.6.0,NTamd64.6.1,NTamd64.6.2", {"amd64", 6, 1, 7600}, "M.NTamd64.6.1"},
    {",NTamd64.6.1,NTamd64.6.1...7601", {"amd64", 6, 1, 7601}, "M.NTamd64.6.1...7601"},
    /* no architecture: x86; a named one is closer */
    {"", {"x86", 6, 1, 7601}, "M"},
    {"", {"amd64", 10, 0, 16299}, NULL},
    {",NT", {"amd64", 10, 0, 16299}, NULL},
    {",NT", {"x86", 10, 0, 16299}, "M.NT"},
    {",NT.5.1", {"x86", 10, 0, 16299}, "M.NT.5.1"},
    {",NT.5.1,NTx86.5.1", {"x86", 10, 0, 16299}, "M.NTx86.5.1"},
    {",NT.6.0,NTx86.5.1", {"x86", 10, 0, 16299}, "M.NT.6.0"},
    {",NTx86.6.0", {"x86", 5, 1, 2600}, "M"},
    /* product type and suite are not looked at */
    {",NTamd64.10.0.1", {"amd64", 10, 0, 16299}, "M.NTamd64.10.0.1"},
    {",NTamd64.10.0.3.0x80", {"amd64", 10, 0, 16299}, "M.NTamd64.10.0.3.0x80"},
    /* the form of 2009, a trailing comma, all architectures */
    {", NTx86, NTamd64", {"amd64", 10, 0, 16299}, "M.NTamd64"},
    {", NTx86, NTamd64,", {"x86", 10, 0, 16299}, "M.NTx86"},
    {",NTarm64.10.0,NTarm.10.0,NTia64", {"arm64", 10, 0, 16299}, "M.NTarm64.10.0"},
    {",NTarm64.10.0,NTarm.10.0,NTia64", {"arm", 10, 0, 16299}, "M.NTarm.10.0"},
    {",NTarm64.10.0,NTarm.10.0,NTia64", {"ia64", 6, 0, 6000}, "M.NTia64"},
};

static void each_windows_chooses_its_models(void)
{
    for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
        char text[400];
        struct inf_findings findings = {0};
        struct inf_file *inf;
        const struct inf_section *section;
        const char *name;

        snprintf(text, sizeof(text), "[Manufacturer]\nx = M%s\n%s[%s]\n", matrix[i].decorations,
                 strcmp(matrix[i].target.architecture, "x86") == 0 ? "" : "[M]\n",
                 matrix[i].chosen == NULL ? "Other" : matrix[i].chosen);
        inf = inf_fixture_parse(text);
        section = inf_choose_models(inf, inf_find_line(inf, "Manufacturer", "x"), &matrix[i].target,
                                    &findings);
        name = section == NULL ? "(none)" : inf_section_name(section);
        if (strcmp(name, matrix[i].chosen == NULL ? "(none)" : matrix[i].chosen) != 0) {
            printf("\n  row %zu <%s>: %s", i, matrix[i].decorations, name);
            CU_FAIL("another models section was expected");
        }
        CU_ASSERT_EQUAL(findings.count, 0);
        inf_findings_free(&findings);
        inf_close(inf);
    }
}

static void bad_decorations_are_named(void)
{
    static const char *const bad[] = {"NTamd65",
                                      "amd64",
                                      "10.0",
                                      "NTamd64.x",
                                      "NTamd64.10.0.",
                                      "NTamd64.10.0....1.2",
                                      "NTamd64.10.0...99999999999"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[200];
        struct inf_findings findings = {0};
        struct inf_file *inf;

        snprintf(text, sizeof(text), "[Manufacturer]\nx = M,%s\n", bad[i]);
        inf = inf_fixture_parse(text);
        CU_ASSERT_PTR_NULL(
            inf_choose_models(inf, inf_find_line(inf, "Manufacturer", "x"), &x64_1709, &findings));
        /* "NTamd64.10.0." only has an empty part, which is allowed: so a section is missing. */
        CU_ASSERT_EQUAL(findings.count, 1);
        CU_ASSERT_EQUAL(findings.items[0].code, i == 4 ? 1203u : (unsigned)INF_CODE_BAD_TOKEN);
        CU_ASSERT_EQUAL(findings.items[0].line, 2);
        CU_ASSERT_PTR_NOT_NULL(strstr(findings.items[0].message, bad[i]));
        inf_findings_free(&findings);
        inf_close(inf);
    }
}

static void the_registry_gets_the_types_that_the_flags_name(void)
{
    struct inf_file *inf = inf_fixture_parse(inf_fixture_good);
    struct inf_install install;
    const struct inf_registry_write *write;
    static const char16_t words[] =
        u"one\0two, three\0four\0"; /* an empty one would end the list */
    static const char16_t path[] = u"%SystemRoot%\\x";

    resolve(inf, NULL, &x64_1709, &install);
    CU_ASSERT_STRING_EQUAL(install.hardware_id, "root\\test");
    CU_ASSERT_EQUAL(install.write_count, 4);

    write = find_write(&install, "Words");
    CU_ASSERT_EQUAL(write->root, INF_ROOT_DRIVER);
    CU_ASSERT_EQUAL(write->type, INF_REG_MULTI_SZ);
    CU_ASSERT_EQUAL_FATAL(write->size, sizeof(words));
    CU_ASSERT_EQUAL(memcmp(write->data, words, sizeof(words)), 0);

    write = find_write(&install, "Path");
    CU_ASSERT_EQUAL(write->root, INF_ROOT_SERVICE);
    CU_ASSERT_EQUAL(write->type, INF_REG_EXPAND_SZ);
    CU_ASSERT_STRING_EQUAL(write->subkey, "Parameters\\Sub");
    CU_ASSERT_STRING_EQUAL(write->text, "%SystemRoot%\\x");
    CU_ASSERT_EQUAL_FATAL(write->size, sizeof(path));
    CU_ASSERT_EQUAL(memcmp(write->data, path, sizeof(path)), 0);

    write = find_write(&install, "Bytes");
    CU_ASSERT_EQUAL(write->type, INF_REG_BINARY);
    CU_ASSERT_EQUAL_FATAL(write->size, 3);
    CU_ASSERT_EQUAL(memcmp(write->data, "\1\2\xFF", 3), 0);

    write = find_write(&install, "BusType");
    CU_ASSERT_EQUAL(write->type, INF_REG_DWORD);
    CU_ASSERT_EQUAL(write->dword, 14);
    CU_ASSERT_EQUAL_FATAL(write->size, 4);
    CU_ASSERT_EQUAL(memcmp(write->data, "\x0E\0\0\0", 4), 0);
    CU_ASSERT_EQUAL(write->line, inf_fixture_line(inf_fixture_good, "HKR,\"Parameters\",\"Bus"));

    CU_ASSERT_STRING_EQUAL(install.service.description, "A driver; for tests");
    CU_ASSERT_STRING_EQUAL(install.service.load_order_group, "SCSI Miniport");
    inf_install_free(&install);
    inf_close(inf);
}

/** One entry in place of the fixture's first DWORD, and what it becomes. */
static void expect_write(const char *entry, enum inf_root root, uint32_t type, uint32_t flags,
                         const void *data, size_t size)
{
    char *text =
        inf_fixture_edit(inf_fixture_good, "HKR,\"Parameters\",\"BusType\",0x00010001,0x0E", entry);
    struct inf_file *inf = inf_fixture_parse(text);
    struct inf_install install;
    const struct inf_registry_write *write;

    resolve(inf, "root\\test", &x64_1709, &install);
    write = find_write(&install, "V");
    CU_ASSERT_EQUAL(write->root, root);
    CU_ASSERT_EQUAL(write->type, type);
    CU_ASSERT_EQUAL(write->flags, flags);
    CU_ASSERT_EQUAL_FATAL(write->size, size);
    CU_ASSERT_TRUE(size == 0 || memcmp(write->data, data, size) == 0);
    inf_install_free(&install);
    inf_close(inf);
    free(text);
}

static void every_form_of_an_entry_is_read(void)
{
    expect_write("HKR,P,V", INF_ROOT_SERVICE, INF_REG_SZ, 0, u"", 2);
    expect_write("HKR,P,V,,\"\"", INF_ROOT_SERVICE, INF_REG_SZ, 0, u"", 2);
    expect_write("hkr,P,V,0,x", INF_ROOT_SERVICE, INF_REG_SZ, 0, u"x", 4);
    expect_write("HKLM,P,V,0x10001,1,2,3,FF", INF_ROOT_LOCAL_MACHINE, INF_REG_DWORD, 0x10001,
                 "\1\2\3\xFF", 4);
    expect_write("HKCR,P,V,0x20001", INF_ROOT_CLASSES, INF_REG_NONE, 0x20001, "", 0);
    expect_write("HKCU,P,V,0x1", INF_ROOT_CURRENT_USER, INF_REG_BINARY, 1, "", 0);
    expect_write("HKU,P,V,0x000B0001,1,0,0,0,0,0,0,80", INF_ROOT_USERS, 11, 0xB0001,
                 "\1\0\0\0\0\0\0\x80", 8);
    expect_write("HKR,P,V,0x10000", INF_ROOT_SERVICE, INF_REG_MULTI_SZ, 0x10000, u"", 2);
    expect_write("HKR,P,V,0x10008,a", INF_ROOT_SERVICE, INF_REG_MULTI_SZ, 0x10008, u"a\0", 6);
    expect_write("HKR,P,V,0x10003,7", INF_ROOT_SERVICE, INF_REG_DWORD, 0x10003, "\7\0\0\0", 4);
    expect_write("HKR,P,V,0x10", INF_ROOT_SERVICE, INF_REG_SZ, 0x10, "", 0);
    expect_write("HKR,P,V,0x10005", INF_ROOT_SERVICE, INF_REG_DWORD, 0x10005, "", 0);
    expect_write("HKR,P,V,,%x%\n[Strings]\nx=\xE9\n[ServiceReg]", INF_ROOT_SERVICE, INF_REG_SZ, 0,
                 u"é", 4);
}

static void text_leaves_as_utf16(void)
{
    static const char16_t save[] = u"\u00E9\U0001F4BE"; /* the second is a surrogate pair */
    char *edited =
        inf_fixture_edit(inf_fixture_good, "0x00010001,0x0E", ",\xC3\xA9\xF0\x9F\x92\xBE");
    char *text = calloc(1, strlen(edited) + 4);
    struct inf_file *inf;
    struct inf_install install;
    const struct inf_registry_write *write;

    strcat(strcpy(text, "\xEF\xBB\xBF"), edited);
    inf = inf_fixture_parse(text);
    resolve(inf, "root\\test", &x64_1709, &install);
    write = find_write(&install, "BusType");
    CU_ASSERT_EQUAL_FATAL(write->size, sizeof(save));
    CU_ASSERT_EQUAL(memcmp(write->data, save, sizeof(save)), 0);
    inf_install_free(&install);
    inf_close(inf);
    free(text);
    free(edited);
}

static void the_form_of_2009_still_installs(void)
{
    static const struct inf_target targets[] = {{"amd64", 6, 1, 7601}, {"x86", 6, 0, 6000}};
    static const char *const folders[] = {"amd64", "i386"};
    struct inf_file *inf = inf_fixture_parse(inf_fixture_2009);

    for (size_t i = 0; i < 2; i++) {
        struct inf_install install;

        resolve(inf, "ROOT\\old", &targets[i], &install);
        CU_ASSERT_STRING_EQUAL(install.models_section, i == 0 ? "OLD.NTamd64" : "OLD.NTx86");
        CU_ASSERT_STRING_EQUAL(install.install_section, "OLD_Device");
        CU_ASSERT_STRING_EQUAL(install.manufacturer, "Old Maker, Inc.");
        CU_ASSERT_STRING_EQUAL(install.hardware_id, "root\\Old");
        CU_ASSERT_FALSE(install.pnp_lockdown);
        CU_ASSERT_EQUAL(install.service.start, 0);
        CU_ASSERT_STRING_EQUAL(install.service.binary, "%12%\\old.sys");
        CU_ASSERT_EQUAL(install.service.binary_dirid, 12);
        CU_ASSERT_STRING_EQUAL(install.service.load_order_group, "SCSI Miniport");
        CU_ASSERT_EQUAL_FATAL(install.copy_count, 1);
        CU_ASSERT_STRING_EQUAL(install.copies[0].source, "old.sys");
        CU_ASSERT_STRING_EQUAL(install.copies[0].source_subdir, folders[i]);
        CU_ASSERT_EQUAL(install.copies[0].target_dirid, 12);
        CU_ASSERT_EQUAL(find_write(&install, "BreakOnEntry")->dword, 0);
        inf_install_free(&install);
    }
    inf_close(inf);
}

static void platform_sections_come_first(void)
{
    char *one = inf_fixture_edit(inf_fixture_good, "[Inst.NT]", "[Inst.NTamd64]");
    char *two = inf_fixture_edit(one, "[Inst.NT.Services]", "[Inst.NTamd64.Services]");
    char *three = inf_fixture_edit(two, "[SourceDisksFiles]\ntest.sys = 1\n",
                                   "[SourceDisksFiles]\ntest.sys = 9\n"
                                   "[SourceDisksFiles.amd64]\ntest.sys = 1,\\sub\n"
                                   "[Inst]\nCopyFiles = Nothing\n");
    char *four = inf_fixture_edit(three, "CatalogFile", "CatalogFile.NTamd64");
    struct inf_file *inf = inf_fixture_parse(four);
    struct inf_install install;

    resolve(inf, "root\\compatible", &x64_1709, &install);
    CU_ASSERT_STRING_EQUAL(install.install_section, "Inst.NTamd64");
    CU_ASSERT_STRING_EQUAL(install.hardware_id, "root\\compatible");
    CU_ASSERT_STRING_EQUAL(install.copies[0].source_subdir, "sub");
    CU_ASSERT_STRING_EQUAL(install.catalog, "test.cat");
    CU_ASSERT_STRING_EQUAL(install.security, ""); /* [Inst.NT.HW] is not this section's */
    inf_install_free(&install);
    inf_close(inf);
    free(four);
    free(three);
    free(two);
    free(one);
}

/** An ID that one model names first and another only as compatible belongs to the first. */
static void the_model_that_names_the_id_earliest_wins(void)
{
    char *text = inf_fixture_edit(inf_fixture_good, "[Inst.NT]",
                                  "\"Other\" = Inst, root\\compatible\n[Inst.NT]");
    struct inf_file *inf = inf_fixture_parse(text);
    struct inf_install install;

    resolve(inf, "root\\compatible", &x64_1709, &install);
    CU_ASSERT_STRING_EQUAL(install.description, "Other");
    inf_install_free(&install);
    resolve(inf, "root\\test", &x64_1709, &install);
    CU_ASSERT_STRING_EQUAL(install.description, "Test adapter");
    inf_install_free(&install);
    inf_close(inf);
    free(text);
}

/** The fixture for a Windows or an ID that it does not serve. */
static void expect_refusal(const char *text, const char *id, const struct inf_target *target,
                           unsigned code, const char *words)
{
    struct inf_file *inf = inf_fixture_parse(text);
    struct inf_findings findings = {0};
    struct inf_install install;
    const struct inf_finding *finding;

    memset(&install, 0xA5, sizeof(install));
    CU_ASSERT_FALSE(inf_resolve_install(inf, id, target, &install, &findings));
    CU_ASSERT_PTR_NULL(install.writes);
    CU_ASSERT_PTR_NULL(install.copies);
    finding = inf_findings_find(&findings, code);
    CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
    CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, words));
    CU_ASSERT_STRING_NOT_EQUAL(finding->remedy, "");
    /* The same list again: what it already holds must not turn the answer. */
    CU_ASSERT_FALSE(inf_resolve_install(inf, id, target, &install, &findings));
    inf_findings_free(&findings);
    inf_close(inf);
}

static void a_device_that_the_inf_does_not_serve_is_refused(void)
{
    static const struct inf_target older = {"amd64", 10, 0, 15063};
    static const struct inf_target x86 = {"x86", 10, 0, 16299};
    char *two =
        inf_fixture_edit(inf_fixture_good, "[Inst.NT]", "%Device% = Inst, root\\second\n[Inst.NT]");
    char *none =
        inf_fixture_edit(inf_fixture_good, "%Device% = Inst,root\\test,root\\compatible", "");

    expect_refusal(two, "root\\tset", &x64_1709, INF_CODE_NO_HWID,
                   "\"root\\tset\"; this INF serves: root\\test, root\\second");
    expect_refusal(none, "root\\test", &x64_1709, INF_CODE_NO_HWID, "this INF serves: none");
    expect_refusal(inf_fixture_good, "root\\test", &older, INF_CODE_NO_TARGET,
                   "no models for amd64 Windows 10.0 build 15063");
    expect_refusal(inf_fixture_good, NULL, &x86, INF_CODE_NO_TARGET, "no models for x86");
    expect_refusal("[Version]\n", "root\\test", &x64_1709, 1203, "[Manufacturer] is missing");
    expect_refusal("", "root\\test", &x64_1709, 1001, "[Version] is missing");
    free(none);
    free(two);
}

CU_ErrorCode register_inf_install_suite(void);
CU_ErrorCode register_inf_install_suite(void)
{
    CU_TestInfo tests[] = {
        {"vmini.inf says what chapter 5 says", vmini_inf_says_what_chapter_5_says},
        {"vmini.inf is clean", vmini_inf_is_clean},
        {"vmini.inf is ASCII", vmini_inf_is_ascii},
        {"each Windows chooses its models", each_windows_chooses_its_models},
        {"bad decorations are named", bad_decorations_are_named},
        {"the registry gets the types that the flags name",
         the_registry_gets_the_types_that_the_flags_name},
        {"every form of an entry is read", every_form_of_an_entry_is_read},
        {"text leaves as UTF-16", text_leaves_as_utf16},
        {"the form of 2009 still installs", the_form_of_2009_still_installs},
        {"platform sections come first", platform_sections_come_first},
        {"the model that names the ID earliest wins", the_model_that_names_the_id_earliest_wins},
        {"a device that the INF does not serve is refused",
         a_device_that_the_inf_does_not_serve_is_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"05 install: INF resolution", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
