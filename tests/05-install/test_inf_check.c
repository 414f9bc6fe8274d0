/**
 * \file
 * inf_check()'s specification, a row for each thing that can be wrong with an INF: one edit of a
 * correct one, and the one finding that it must give: its code, severity, line and words.
 */
#include "inf_fixture.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define W INF_WARNING
#define E INF_ERROR
/** So many other findings follow that their number says nothing. */
#define SOME 10

struct broken {
    const char *from;
    const char *to;
    enum inf_severity severity;
    unsigned code;
    const char *at;    /**< Stands first on the line of the finding; NULL: about the whole file. */
    const char *words; /**< Part of the message. */
    size_t others;     /**< Findings that follow from the same mistake. */
};

static const struct broken text_rows[] = {
    {"%Maker% = Models", "%Mkaer% = Models", E, 1235, "%Mkaer%",
     "%Mkaer% is not defined in [Strings]", 0},
    {"one,\"two, three\"", "%x%,%x%", E, 1235, "%x%,%x%", "%x% is not defined", 1},
    {"Device = \"Test", "Devise = \"Test", E, 1235, "%Device% = Inst", "%Device% is not defined",
     1},
    {"\"%%SystemRoot%%\\x\"", "%SystemRoot%\\x", E, 1235, "%SystemRoot%", "%SystemRoot% is not", 0},
    {"\"%%SystemRoot%%\\x\"", "100%", E, 1235, "100%", "stands alone", 0},
    {"\"%%SystemRoot%%\\x\"", "\"100% of\"", E, 1235, "100% of", "stands alone", 0},
    {"[Strings]\n", "[Strings.0409]\nMaker = x\nDevice = y\n[Strings]\n", E, 1235, "%Disk%",
     "%Disk% is not defined in [Strings.0409]", 0},
    {"HKR,\"Parameters\",\"BusType\"", "HKR,\x93Parameters\x94,\"BusType\"", E,
     INF_CODE_TYPOGRAPHIC, "HKR,\x93", "typographic quotation mark", 1},
    {"Description = ", "; caf\xC3\xA9\nDescription = ", W, 1003, "; caf", "reads them as ANSI", 0},
    {"[Version]", "\xEF\xBB\xBF[Version]", W, 1003, NULL, "Windows' tools want ANSI or UTF-16LE",
     0},
};

static const struct broken version_rows[] = {
    {"[Version]", "[Verzion]", E, 1001, NULL, "[Version] is missing", 1},
    {"Signature = \"$Windows NT$\"\n", "", E, 1001, "[Version]", "no valid signature", 0},
    {"$Windows NT$", "$Windows 95$", E, 1001, "Signature", "signature: $Windows 95$", 0},
    {"Class = SCSIAdapter\n", "", E, 1013, "[Version]", "Key Class is missing", 0},
    {"ClassGuid = {4D36E97B-E325-11CE-BFC1-08002BE10318}\n", "", E, 1013, "[Version]",
     "Key ClassGuid is missing", 0},
    {"4D36E97B", "4D36E967", E, 1280, "ClassGuid", "SCSIAdapter has another GUID", 1},
    {"4D36E97B", "4D36E97C", E, 1280, "ClassGuid", "SCSIAdapter has another GUID", 0},
    {"= SCSIAdapter", "= Adapters", E, 1281, "Class = A",
     "is that of class SCSIAdapter, not of Adapters", 0},
    {"= SCSIAdapter\nClassGuid = {4D36E97B", "= DiskDrive\nClassGuid = {4D36E967", E,
     INF_CODE_WRONG_CLASS, "Class = D", "DiskDrive is not that of a storage adapter", 0},
    {"= SCSIAdapter\nClassGuid = {4D36E97B", "= Mine\nClassGuid = {12345678", E,
     INF_CODE_WRONG_CLASS, "Class = M", "Mine is not that of a storage adapter", 0},
    {"= SCSIAdapter\nClassGuid = {4D36E97B", "= HDC\nClassGuid = {4D36E96A", E,
     INF_CODE_UNSUPPORTED, "Class = H", "class SCSIAdapter; HDC is for ATA", 0},
    {"{4D36E97B", "{4D36E97G", E, INF_CODE_BAD_TOKEN, "ClassGuid", "is no GUID", 0},
    {"BFC1-08002BE10318}", "BFC1-08002BE10318", E, INF_CODE_BAD_TOKEN, "ClassGuid", "is no GUID",
     0},
    {"Provider = %Maker%\n", "", E, 1013, "[Version]", "Key Provider is missing", 0},
    {"\"Tests, Inc.\"", "microsoft", E, 1204, "Provider", "must not be Microsoft", 0},
    {"DriverVer = 02/29/2024,1.2.3.4\n", "", E, 1234, "[Version]", "Key DriverVer is missing", 0},
    {"02/29/2024", "02/29/2023", E, 1218, "DriverVer", "\"02/29/2023\" is no date", 0},
    {"02/29/2024", "13/01/2024", E, 1218, "DriverVer", "is no date", 0},
    {"02/29/2024", "2024-02-29", E, 1218, "DriverVer", "is no date", 0},
    {"02/29/2024", "2/29-2024", E, 1218, "DriverVer", "is no date", 0},
    {",1.2.3.4", "", E, 1217, "DriverVer", "is no version", 0},
    {",1.2.3.4", ",1.2.3.65536", E, 1217, "DriverVer", "\"1.2.3.65536\" is no version", 0},
    {",1.2.3.4", ",1.2.3.4.5", E, 1217, "DriverVer", "is no version", 0},
    {",1.2.3.4", ",1..3", E, 1217, "DriverVer", "is no version", 0},
    {"CatalogFile = test.cat\n", "", E, 1233, "[Version]", "Key CatalogFile is missing", 0},
    {"test.cat", "test.sys", E, INF_CODE_BAD_TOKEN, "CatalogFile", "is no catalog", 0},
    {"PnpLockdown = 1\n", "", W, 1324, "[Version]", "PnpLockdown", 0},
    {"PnpLockdown = 1\n", "PnpLockdown = 0\n", W, 1324, "PnpLockdown", "PnpLockdown", 0},
    {"[Strings]", "[DefaultInstall]\n[Strings]", E, 1212, "[DefaultInstall]", "in one INF", 0},
    {"[Strings]", "[ClassInstall32]\n[Strings]", E, 1285, "[ClassInstall32]", "setup class", 0},
};

static const struct broken models_rows[] = {
    {"[Manufacturer]", "[Manufacturers]", E, 1203, NULL, "[Manufacturer] is missing", SOME},
    {"[Models.NTamd64.10.0...16299]", "[Models.NTamd64]", E, 1203, "%Maker% = Models",
     "Section [Models.NTamd64.10.0...16299], which [Manufacturer] promises, is missing", SOME},
    {",NTamd64.10.0...16299\n", ",NTamd64.10.0...16299,NTx86\n", E, 1203, "%Maker% = Models",
     "[Models.NTx86]", 0},
    {",NTamd64.10.0...16299\n", ",NTamd64.10.0...16299,NTx64\n", E, INF_CODE_BAD_TOKEN,
     "%Maker% = Models", "\"NTx64\" is no target operating system", 0},
    {",NTamd64.10.0...16299\n", "\n[Models]\n%Device% = Inst,root\\test\n", W, 2223,
     "%Maker% = Models", "for x86 only", 2},
    {"%Maker% = Models,NTamd64.10.0...16299\n[Models.NTamd64.10.0...16299]",
     "%Maker% = Models,NTamd64.10.0...17134\n[Models.NTamd64.10.0...17134]", E, INF_CODE_NO_TARGET,
     "[Manufacturer]", "no models for amd64 Windows 10.0 build 16299", 0},
    {"Inst,root\\test,root\\compatible", "Inst", E, 1006, "%Device% = Inst", "no hardware ID",
     SOME},
    {"%Device% = Inst,root\\test,root\\compatible\n", "", E, 1297, "[Manufacturer]",
     "installs on no device", 8},
    {"%Device% = Inst,", "%Device% = Other,", E, 1203, "%Device% = Other",
     "Section [Other], which the model names, is missing", 8},
    {"[Strings]", "[Spare]\nx=1\n[Strings]", W, 2083, "[Spare]",
     "Nothing refers to section [Spare]", 0},
    {"[Strings]", "[Inst.NT.Interfaces]\n[Strings]", W, INF_CODE_UNSUPPORTED,
     "[Inst.NT.Interfaces]", "read by Windows but not by this host", 0},
    {"CopyFiles = Files", "Include = x.inf\nNeeds = Other\nCopyFiles = Files", E,
     INF_CODE_UNSUPPORTED, "Needs", "needs sections of another INF", 0},
};

static const struct broken service_rows[] = {
    {"[Inst.NT.Services]", "[Inst.Services]", E, 1296, "%Device% = Inst",
     "[Inst.NT] has no [Inst.NT.Services]", 3},
    {"test,0x00000002,Service", "test,,Service", E, 1296, "[Inst.NT.Services]",
     "No service is associated with the hardware", 2},
    {"test,0x00000002,Service", "test,,Service", W, INF_CODE_UNSUPPORTED, "AddService",
     "\"test\" is not the device's function driver", 2},
    {"test,0x00000002,Service", "test,two,Service", E, INF_CODE_BAD_TOKEN, "AddService",
     "flags of AddService", 2},
    {"test,0x00000002,Service", "test,2,Service\nAddService = more,2,Service", E, 1211,
     "AddService = more", "second service", 0},
    {"test,0x00000002,Service", ",2", E, INF_CODE_UNSUPPORTED, "AddService", "names no service", 2},
    {"test,0x00000002,Service", "test,2", E, 1005, "AddService", "AddService names no section", 2},
    {"test,0x00000002,Service", "test,2,Servise", E, 1203, "AddService",
     "Section [Servise], which AddService names, is missing", 2},
    {"ServiceType = 1\n", "", E, 1013, "[Service]", "Key ServiceType is missing", 0},
    {"StartType = 3\n", "", E, 1013, "[Service]", "Key StartType is missing", 0},
    {"ErrorControl = 1\n", "", E, 1013, "[Service]", "Key ErrorControl is missing", 0},
    {"ServiceBinary = %13%\\test.sys\n", "", E, 1013, "[Service]", "Key ServiceBinary is missing",
     0},
    {"ServiceType = 1", "ServiceType = 0x10", E, INF_CODE_BAD_TOKEN, "ServiceType",
     "ServiceType = 0x10 is not for", 0},
    {"StartType = 3", "StartType = 4", E, INF_CODE_BAD_TOKEN, "StartType", "StartType = 4", 0},
    {"StartType = 3", "StartType = 2", E, INF_CODE_BAD_TOKEN, "StartType", "StartType = 2", 0},
    {"StartType = 3", "StartType = demand", E, INF_CODE_BAD_TOKEN, "StartType", "= demand", 0},
    {"ErrorControl = 1", "ErrorControl = 4", E, INF_CODE_BAD_TOKEN, "ErrorControl", "= 4", 0},
    {"%13%\\test.sys", "%13%\\tset.sys", E, 2084, "ServiceBinary",
     "%13%\\tset.sys is not copied by any CopyFiles", 0},
    {"%13%\\test.sys", "%12%\\test.sys", E, 2084, "ServiceBinary", "is not copied", 0},
    {"%13%\\test.sys", "test.sys", E, 2085, "ServiceBinary", "does not name a directory", 1},
    {"%13%\\test.sys", "%13%test.sys", E, 2085, "ServiceBinary", "does not name a directory", 1},
    {"%13%\\test.sys", "%13%\\", E, 2085, "ServiceBinary", "does not name a directory", 1},
};

static const struct broken copy_rows[] = {
    {"CopyFiles = Files", "CopyFiles = test.sys", E, 1203, "CopyFiles",
     "Section [test.sys], which CopyFiles names, is missing", 2},
    {"CopyFiles = Files", "CopyFiles =", E, 1005, "CopyFiles", "CopyFiles names no section", 2},
    {"CopyFiles = Files", "CopyFiles = Files,@", E, 1006, "CopyFiles", "has no name", 0},
    {"[Files]\ntest.sys\n", "[Files]\ntest.sys\nmore.sys\n", E, 1230, "more.sys",
     "\"more.sys\" is copied but is not under [SourceDisksFiles] for amd64", 0},
    {"[SourceDisksFiles]", "[SourceDisksFiles.x86]", E, 1230, "test.sys\n[DriverReg]",
     "not under [SourceDisksFiles] for amd64", 0},
    {"test.sys = 1\n", "test.sys = 2\n", E, INF_CODE_BAD_TOKEN, "test.sys = 2",
     "Disk \"2\" is not under [SourceDisksNames]", 0},
    {"test.sys = 1\n", "test.sys = 1\ntest.cat = 1\n", E, 1213, "test.cat = 1",
     "\"test.cat\" is under [SourceDisksFiles]", 0},
    {"DefaultDestDir = 13\n", "", E, 1013, "test.sys\n[DriverReg]",
     "[DestinationDirs] does not say where \"test.sys\" goes", 1},
    {"DefaultDestDir = 13", "DefaultDestDir = store", E, INF_CODE_BAD_TOKEN, "DefaultDestDir",
     "\"store\" is no directory number", 1},
    {"DefaultDestDir = 13", "DefaultDestDir = 12", W, 1326, "test.sys\n[DriverReg]",
     "directory 12, outside the Driver Store", 1},
    {"DefaultDestDir = 13", "DefaultDestDir = 13\nFiles = 17", E, 1340, "test.sys\n[DriverReg]",
     "directory 17, which a driver package must not use", 1},
    {"[Files]\ntest.sys\n", "[Files]\nnew.sys,test.sys\n", E, 1100, "new.sys",
     "another name or directory", 1},
    {"DefaultDestDir = 13", "DefaultDestDir = 12,sub", E, 2084, "ServiceBinary", "is not copied",
     1},
    {"DefaultDestDir = 13", "DefaultDestDir = 13,sub", E, 1100, "test.sys\n[DriverReg]",
     "another name or directory", 1},
};

static const struct broken registry_rows[] = {
    {"AddReg = ServiceReg", "AddReg = ServiceRge", E, 1203, "AddReg = ServiceRge",
     "Section [ServiceRge], which AddReg names, is missing", 1},
    {"AddReg = ServiceReg", "AddReg = ServiceReg,,DriverReg", E, 1005, "AddReg = ServiceReg",
     "AddReg names no section", 1},
    {"HKR,\"Parameters\",\"BusType\"", "HKEY,\"Parameters\",\"BusType\"", E, INF_CODE_BAD_TOKEN,
     "HKEY", "must begin with HKR", 0},
    {"HKR,\"Parameters\",\"BusType\"", "HKR=\"Parameters\",\"BusType\"", E, INF_CODE_BAD_TOKEN,
     "HKR=", "must begin with HKR", 0},
    {"0x00010001,0x0E", "REG_DWORD,0x0E", E, INF_CODE_BAD_TOKEN, "HKR,\"Parameters\",\"Bus",
     "flags are no number", 0},
    {"0x00010001,0x0E", "0x00010101,0x0E", E, INF_CODE_BAD_TOKEN, "HKR,\"Parameters\",\"Bus",
     "bit that has no meaning", 0},
    {"0x00010001,0x0E", "0x00030000,0x0E", E, INF_CODE_BAD_TOKEN, "HKR,\"Parameters\",\"Bus",
     "bit that has no meaning", 0},
    {"0x00010001,0x0E", "0x00010009,0x0E", E, INF_CODE_BAD_TOKEN, "HKR,\"Parameters\",\"Bus",
     "Only a REG_MULTI_SZ", 0},
    {"0x00010001,0x0E", "0x00010001", E, INF_CODE_BAD_TOKEN, "HKR,\"Parameters\",\"Bus",
     "has no value.", 0},
    {"0x00010001,0x0E", "0x00010001,\n0x0E", E, INF_CODE_BAD_TOKEN, "HKR,\"Parameters\",\"Bus",
     "has no value, and its line ends in a comma", 1},
    {"0x00010001,0x0E", "0x00010001,fourteen", E, INF_CODE_BAD_TOKEN, "fourteen",
     "no number of 32 bits", 0},
    {"0x00010001,0x0E", "0x00010001,1,2", E, INF_CODE_BAD_TOKEN, "0x00010001,1,2",
     "no number of 32 bits", 0},
    {"1,0x2,FF", "1,100", E, INF_CODE_BAD_TOKEN, "1,100", "bytes in hexadecimal", 0},
    {"1,0x2,FF", "1,,3", E, INF_CODE_BAD_TOKEN, "1,,3", "bytes in hexadecimal", 0},
    {"1,0x2,FF", "1,-1", E, INF_CODE_BAD_TOKEN, "1,-1", "bytes in hexadecimal", 0},
    {"HKR,\"Parameters\",\"BusType\"", "HKR,,\"BusType\"", W, 1323, "HKR,,\"BusType\"",
     "service's own key", 0},
    {"HKR,\"Parameters\",\"BusType\"", "HKCR,,\"BusType\"", E, 1320, "HKCR", "HKCR, HKCU or HKU",
     0},
    {"HKR,\"Parameters\",\"BusType\"", "HKLM,Software\\x,y", W, 1322, "HKLM", "not isolated", 0},
    {"HKR,\"Parameters\",\"BusType\"", "HKLM,System\\CurrentControlSet\\Control,y", W, 1321, "HKLM",
     "tolerates it for now", 0},
    {"HKR,\"Parameters\",\"BusType\"", "HKLM,SYSTEM\\CurrentControlSet\\Services\\test,y", E, 1221,
     "HKLM", "services key is written by its full path", 0},
    {"D:P(A;;GA;;;SY)(A;;GA;;;BA)", "D:P(A;;GA;;;SY)(A;;GA;;;BA", E, INF_CODE_SECURITY,
     "HKR,,Security", "is no security descriptor", 0},
    {"D:P(A;;GA;;;SY)(A;;GA;;;BA)", "everyone", E, INF_CODE_SECURITY, "HKR,,Security",
     "\"everyone\" is no security descriptor", 0},
    {"D:P(A;;GA;;;SY)(A;;GA;;;BA)", "D:P(A;GA;SY)", E, INF_CODE_SECURITY, "HKR,,Security",
     "is no security descriptor", 0},
    {"(A;;GA;;;BA)", "(A;;0x1F01FF0x1F01FF0x1F01FF0x1F01FF0x1F01FF0x1F01FF;;;BA)", E,
     INF_CODE_SECURITY, "HKR,,Security", "is no security descriptor", 0},
    {"D:P(A;;GA;;;SY)(A;;GA;;;BA)", "D:P(A;;GA;;;BA)", E, INF_CODE_SECURITY, "HKR,,Security",
     "shuts out the system", 0},
    {"D:P(A;;GA;;;SY)(A;;GA;;;BA)", "D:P(A;;GA;;;SY)(A;;GR;;;BA)", E, INF_CODE_SECURITY,
     "HKR,,Security", "or the administrators", 0},
    {"(A;;GA;;;BA)", "(A;;GA;;;BA)(A;;GRGW;;;WD)", W, INF_CODE_SECURITY, "HKR,,Security",
     "gives WD more than reading", 0},
};

/** Does the list hold the row's finding, in its place? */
static bool found(const struct broken *row, const char *text, const struct inf_findings *findings)
{
    unsigned line = row->at == NULL ? 0 : inf_fixture_line(text, row->at);

    for (size_t i = 0; i < findings->count; i++) {
        const struct inf_finding *finding = &findings->items[i];

        if (finding->code == row->code && finding->severity == row->severity &&
            finding->line == line && strstr(finding->message, row->words) != NULL) {
            return finding->remedy[0] != '\0' && strcmp(finding->file, "test.inf") == 0;
        }
    }
    return false;
}

static void check_row(const struct broken *row)
{
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    char *text = inf_fixture_edit(inf_fixture_good, row->from, row->to);
    struct inf_file *inf = inf_fixture_parse(text);
    bool good = inf_check(inf, &options, &findings);
    bool expected = found(row, text, &findings) &&
                    (row->others == SOME ? findings.count > 1 : findings.count == row->others + 1);

    if (!expected) {
        printf("\n  <%s> -> <%s>, expected %u <%s> and %zu others:", row->from, row->to, row->code,
               row->words, row->others);
        inf_fixture_print(&findings);
        CU_FAIL("another finding was expected");
    }
    CU_ASSERT_EQUAL(good, inf_findings_count(&findings, INF_ERROR) == 0);
    inf_findings_free(&findings);
    inf_close(inf);
    free(text);
}

#define CHECK_ROWS(rows)                                                                           \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) {                                \
        check_row(&(rows)[i]);                                                                     \
    }

static void the_fixture_is_clean(void)
{
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    struct inf_file *inf = inf_fixture_parse(inf_fixture_good);

    CU_ASSERT_TRUE(inf_check(inf, &options, &findings));
    CU_ASSERT_EQUAL(findings.count, 0);
    CU_ASSERT_PTR_NULL(inf_findings_find(&findings, 1203));
    inf_fixture_print(&findings);
    inf_findings_free(&findings);
    inf_close(inf);
}

static void mistakes_in_the_text(void)
{
    CHECK_ROWS(text_rows)
}

static void mistakes_in_version(void)
{
    CHECK_ROWS(version_rows)
}

static void mistakes_in_models(void)
{
    CHECK_ROWS(models_rows)
}

static void mistakes_in_services(void)
{
    CHECK_ROWS(service_rows)
}

static void mistakes_in_files(void)
{
    CHECK_ROWS(copy_rows)
}

static void mistakes_in_the_registry(void)
{
    CHECK_ROWS(registry_rows)
}

static void the_form_of_2009_is_legal_but_old(void)
{
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    struct inf_file *inf = inf_fixture_parse(inf_fixture_2009);

    CU_ASSERT_TRUE(inf_check(inf, &options, &findings));
    CU_ASSERT_EQUAL(findings.count, 2);
    CU_ASSERT_PTR_NOT_NULL(inf_findings_find(&findings, 1324));
    CU_ASSERT_PTR_NOT_NULL(inf_findings_find(&findings, 1326));
    inf_findings_free(&findings);
    inf_close(inf);
}

/** Every platform is checked, not only the one that asks. */
static void another_platforms_mistake_is_found(void)
{
    char *text = inf_fixture_edit(inf_fixture_2009,
                                  "[SourceDisksNames.x86]\n1=", "[SourceDisksNames.x86]\n2=");
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    struct inf_file *inf = inf_fixture_parse(text);
    struct inf_install install;

    CU_ASSERT_FALSE(inf_check(inf, &options, &findings));
    CU_ASSERT_PTR_NOT_NULL_FATAL(inf_findings_find(&findings, INF_CODE_BAD_TOKEN));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(inf_findings_find(&findings, INF_CODE_BAD_TOKEN)->message, "for x86"));
    CU_ASSERT_TRUE(inf_resolve_install(inf, NULL, &options.target, &install, &findings));
    inf_install_free(&install);
    inf_findings_free(&findings);
    inf_close(inf);
    free(text);
}

/** The service's file may lie in a subdirectory, as long as ServiceBinary says so. */
static void a_subdirectory_is_part_of_the_files_path(void)
{
    char *one =
        inf_fixture_edit(inf_fixture_good, "DefaultDestDir = 13", "DefaultDestDir = 13,Sub");
    char *two = inf_fixture_edit(one, "test.sys = 1", "test.sys = 1,sub");
    char *three = inf_fixture_edit(two, "%13%\\test.sys", "%13%\\SUB\\test.sys");
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    struct inf_file *inf = inf_fixture_parse(three);

    CU_ASSERT_TRUE(inf_check(inf, &options, &findings));
    CU_ASSERT_EQUAL(findings.count, 0);
    inf_fixture_print(&findings);
    inf_findings_free(&findings);
    inf_close(inf);
    free(three);
    free(two);
    free(one);
}

/** Tokens can make a short field too long: that is found where the field stands. */
static void strings_can_make_a_field_too_long(void)
{
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    char value[2000] = "Long = \"";
    char *one = inf_fixture_edit(inf_fixture_good, "A driver; for tests", "%Long%%Long%%Long%");
    char *two;
    struct inf_file *inf;
    const struct inf_finding *finding;

    memset(value + 8, 'x', 1366);
    strcat(value, "\"\nDisk =");
    two = inf_fixture_edit(one, "Disk =", value);
    inf = inf_fixture_parse(two);
    CU_ASSERT_FALSE(inf_check(inf, &options, &findings));
    CU_ASSERT_EQUAL(findings.count, 1);
    finding = inf_findings_find(&findings, 1002);
    CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
    CU_ASSERT_EQUAL(finding->line, inf_fixture_line(two, "Description"));
    CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "longer than 4095"));
    inf_findings_free(&findings);
    inf_close(inf);
    free(two);
    free(one);
}

static void expect_catalog(const char *text, const char *dir, bool test_signing, unsigned code,
                           enum inf_severity severity)
{
    struct inf_check_options options = {
        .target = INF_TARGET_1709, .test_signing = test_signing, .package_dir = dir};
    struct inf_findings findings = {0};
    struct inf_file *inf = inf_fixture_parse(text);

    CU_ASSERT_EQUAL(inf_check(inf, &options, &findings), code == 0 || severity == INF_WARNING);
    CU_ASSERT_EQUAL_FATAL(findings.count, code != 0);
    if (code != 0) {
        CU_ASSERT_EQUAL(findings.items[0].code, code);
        CU_ASSERT_EQUAL(findings.items[0].severity, severity);
        CU_ASSERT_PTR_NOT_NULL(strstr(findings.items[0].remedy, "--test-signing"));
    }
    inf_findings_free(&findings);
    inf_close(inf);
}

static void a_missing_catalog_needs_test_signing(void)
{
    char dir[] = "/tmp/vmini-inf-XXXXXX";
    char path[sizeof(dir) + 16];
    char *without = inf_fixture_edit(inf_fixture_good, "CatalogFile = test.cat\n", "");
    FILE *stream;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    expect_catalog(inf_fixture_good, dir, false, INF_CODE_NO_CATALOG, INF_ERROR);
    expect_catalog(inf_fixture_good, dir, true, INF_CODE_NO_CATALOG, INF_WARNING);
    expect_catalog(without, dir, false, 1233, INF_ERROR);
    expect_catalog(without, dir, true, 1233, INF_WARNING);
    snprintf(path, sizeof(path), "%s/test.cat", dir);
    stream = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fclose(stream);
    expect_catalog(inf_fixture_good, dir, false, 0, INF_ERROR);
    unlink(path);
    rmdir(dir);
    free(without);
}

static void findings_are_printed_as_editors_read_them(void)
{
    struct inf_check_options options = {.target = INF_TARGET_1709};
    struct inf_findings findings = {0};
    char *text = inf_fixture_edit(inf_fixture_good, "%Maker%", "Microsoft");
    struct inf_file *inf = inf_fixture_parse(text);
    char line[1200];

    CU_ASSERT_FALSE(inf_check(inf, &options, &findings));
    CU_ASSERT_EQUAL_FATAL(findings.count, 1);
    inf_finding_format(&findings.items[0], line, sizeof(line));
    CU_ASSERT_STRING_EQUAL(line, "test.inf:5:12: error 1204: The provider must not be Microsoft. "
                                 "Name the organisation that wrote the INF.");
    inf_check(inf, &options, &findings); /* the same list again: nothing is said twice */
    CU_ASSERT_EQUAL(findings.count, 1);
    inf_findings_free(&findings);
    inf_close(inf);
    free(text);
}

CU_ErrorCode register_inf_check_suite(void);
CU_ErrorCode register_inf_check_suite(void)
{
    CU_TestInfo tests[] = {
        {"the fixture is clean", the_fixture_is_clean},
        {"mistakes in the text", mistakes_in_the_text},
        {"mistakes in [Version]", mistakes_in_version},
        {"mistakes in [Manufacturer] and models", mistakes_in_models},
        {"mistakes in services", mistakes_in_services},
        {"mistakes in files", mistakes_in_files},
        {"mistakes in the registry", mistakes_in_the_registry},
        {"the form of 2009 is legal, but old", the_form_of_2009_is_legal_but_old},
        {"another platform's mistake is found", another_platforms_mistake_is_found},
        {"a subdirectory is part of the file's path", a_subdirectory_is_part_of_the_files_path},
        {"strings can make a field too long", strings_can_make_a_field_too_long},
        {"a missing catalog needs test signing", a_missing_catalog_needs_test_signing},
        {"findings are printed as editors read them", findings_are_printed_as_editors_read_them},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"05 install: INF checks", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
