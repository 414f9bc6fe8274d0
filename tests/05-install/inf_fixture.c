/**
 * \file
 * The INFs that the suites change, and the tools to do it; see inf_fixture.h.
 */
#include "inf_fixture.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char inf_fixture_good[] =
    "[Version]\n"
    "Signature = \"$Windows NT$\"\n"
    "Class = SCSIAdapter\n"
    "ClassGuid = {4D36E97B-E325-11CE-BFC1-08002BE10318}\n"
    "Provider = %Maker%\n"
    "DriverVer = 02/29/2024,1.2.3.4\n"
    "CatalogFile = test.cat\n"
    "PnpLockdown = 1\n"
    "[DestinationDirs]\n"
    "DefaultDestDir = 13\n"
    "[SourceDisksNames]\n"
    "1 = %Disk%\n"
    "[SourceDisksFiles]\n"
    "test.sys = 1\n"
    "[Manufacturer]\n"
    "%Maker% = Models,NTamd64.10.0...16299\n"
    "[Models.NTamd64.10.0...16299]\n"
    "%Device% = Inst,root\\test,root\\compatible\n"
    "[Inst.NT]\n"
    "CopyFiles = Files\n"
    "AddReg = DriverReg\n"
    "[Files]\n"
    "test.sys\n"
    "[DriverReg]\n"
    "HKR,,Words,0x00010000,one,\"two, three\",,four\n"
    "[Inst.NT.HW]\n"
    "AddReg = DeviceReg\n"
    "[DeviceReg]\n"
    "HKR,,Security,,\"D:P(A;;GA;;;SY)(A;;GA;;;BA)\"\n"
    "[Inst.NT.Services]\n"
    "AddService = test,0x00000002,Service\n"
    "[Service]\n"
    "DisplayName = %Device%\n"
    "Description = \"A driver; for tests\"\n"
    "ServiceType = 1\n"
    "StartType = 3\n"
    "ErrorControl = 1\n"
    "ServiceBinary = %13%\\test.sys\n"
    "LoadOrderGroup = SCSI Miniport\n"
    "AddReg = ServiceReg\n"
    "[ServiceReg]\n"
    "HKR,\"Parameters\",\"BusType\",0x00010001,0x0E\n"
    "HKR,\"Parameters\\Sub\",\"Path\",0x00020000,\"%%SystemRoot%%\\x\"\n"
    "HKR,\"Parameters\",\"Bytes\",0x00000001,1,0x2,FF\n"
    "[Strings]\n"
    "Maker = \"Tests, Inc.\"\n"
    "Device = \"Test adapter\"\n"
    "Disk = \"Test disk\"\n";

const char inf_fixture_2009[] = "[Version]\n"
                                "Signature=\"$WINDOWS NT$\"\n"
                                "Class=SCSIAdapter\n"
                                "ClassGUID={4D36E97B-E325-11CE-BFC1-08002BE10318}\n"
                                "Provider=%MAKER%\n"
                                "DriverVer=10/02/2009,6.0.1.2\n"
                                "CatalogFile=old.cat\n"
                                "[DestinationDirs]\n"
                                "DefaultDestDir=12\n"
                                "[Manufacturer]\n"
                                "%MAKER%=OLD, NTx86, NTamd64\n"
                                "[OLD.NTx86]\n"
                                "%DESC%=OLD_Device, %ID%\n"
                                "[OLD.NTamd64]\n"
                                "%DESC%=OLD_Device, %ID%\n"
                                "[OLD_Device]\n"
                                "CopyFiles=@old.sys\n"
                                "[OLD_Device.Services]\n"
                                "AddService=oldsvc,%ASSOC%,OLD_Service\n"
                                "[SourceDisksNames.x86]\n"
                                "1=%DISK%,,,\\i386\n"
                                "[SourceDisksNames.amd64]\n"
                                "1=%DISK%,,,\\amd64\n"
                                "[SourceDisksFiles]\n"
                                "old.sys=1\n"
                                "[OLD_Service]\n"
                                "DisplayName=%DESC%\n"
                                "ServiceType=%KERNEL%\n"
                                "StartType=%BOOT%\n"
                                "ErrorControl=%NORMAL%\n"
                                "ServiceBinary=%12%\\old.sys\n"
                                "LoadOrderGroup=SCSI Miniport\n"
                                "AddReg=old_reg\n"
                                "[old_reg]\n"
                                "HKR,\"Parameters\",\"BreakOnEntry\",%DWORD%,\\\n"
                                "    0x00000000\n"
                                "[Strings]\n"
                                "MAKER=\"Old Maker, Inc.\"\n"
                                "DESC=\"Old virtual adapter\"\n"
                                "DISK=\"Old disk\"\n"
                                "ID=\"root\\Old\"\n"
                                "ASSOC=0x00000002\n"
                                "KERNEL=1\n"
                                "BOOT=0\n"
                                "NORMAL=1\n"
                                "DWORD=0x00010001\n";

char *inf_fixture_edit(const char *text, const char *from, const char *to)
{
    const char *found = strstr(text, from);
    size_t before = found == NULL ? 0 : (size_t)(found - text);
    char *edited = calloc(1, strlen(text) + strlen(to) + 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    memcpy(edited, text, before);
    strcpy(edited + before, to);
    strcat(edited, found + strlen(from));
    return edited;
}

unsigned inf_fixture_line(const char *text, const char *part)
{
    const char *found = strstr(text, part);
    unsigned line = 1;

    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    for (const char *p = text; p < found; p++) {
        line += *p == '\n';
    }
    return line;
}

struct inf_file *inf_fixture_parse(const char *text)
{
    struct inf_finding error;
    struct inf_file *inf = inf_parse_memory("test.inf", text, strlen(text), &error);

    if (inf == NULL) {
        printf("\n  %u: %s\n", error.line, error.message);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(inf);
    return inf;
}

char *inf_fixture_read(const char *path, size_t *length)
{
    FILE *stream = fopen(path, "rb");
    char *bytes = calloc(1, 1 << 20);

    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    *length = fread(bytes, 1, (1 << 20) - 1, stream);
    fclose(stream);
    return bytes;
}

void inf_fixture_print(const struct inf_findings *findings)
{
    char text[1200];

    for (size_t i = 0; i < findings->count; i++) {
        inf_finding_format(&findings->items[i], text, sizeof(text));
        printf("\n  %s", text);
    }
}
