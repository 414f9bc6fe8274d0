/*
 * What `devcon install` and `devcon remove` do, by SetupAPI: a root-enumerated device node is made
 * and its driver installed from an INF, or taken away. For Wine, which has no such program.
 *
 *     devnode install FILE.inf HARDWARE-ID
 *     devnode remove HARDWARE-ID
 */
#include <windows.h>
#include <newdev.h>
#include <setupapi.h>
#include <stdio.h>
#include <wchar.h>

/** SCSIAdapter: "Storage controllers". */
static const GUID scsi_adapter = {
    0x4D36E97B, 0xE325, 0x11CE, {0xBF, 0xC1, 0x08, 0x00, 0x2B, 0xE1, 0x03, 0x18}};

static int failed(const char *what)
{
    printf("devnode: %s failed: %08lX\n", what, GetLastError());
    return 1;
}

static int install(const WCHAR *inf, const WCHAR *hardware_id)
{
    HDEVINFO set = SetupDiCreateDeviceInfoList(&scsi_adapter, NULL);
    SP_DEVINFO_DATA device = {.cbSize = sizeof(device)};
    WCHAR list[200] = L""; /* A REG_MULTI_SZ: ends with two NULs. */
    BOOL reboot = FALSE;

    wcsncpy(list, hardware_id, 198);
    if (!SetupDiCreateDeviceInfoW(set, L"SCSIAdapter", &scsi_adapter, NULL, NULL, DICD_GENERATE_ID,
                                  &device)) {
        return failed("SetupDiCreateDeviceInfo");
    }
    if (!SetupDiSetDeviceRegistryPropertyW(set, &device, SPDRP_HARDWAREID, (BYTE *)list,
                                           (DWORD)((wcslen(list) + 2) * sizeof(WCHAR)))) {
        return failed("SetupDiSetDeviceRegistryProperty");
    }
    if (!SetupDiCallClassInstaller(DIF_REGISTERDEVICE, set, &device)) {
        return failed("DIF_REGISTERDEVICE");
    }
    if (!UpdateDriverForPlugAndPlayDevicesW(NULL, hardware_id, inf, INSTALLFLAG_FORCE, &reboot)) {
        return failed("UpdateDriverForPlugAndPlayDevices");
    }
    SetupDiDestroyDeviceInfoList(set);
    return 0;
}

static int remove_all(const WCHAR *hardware_id)
{
    HDEVINFO set = SetupDiGetClassDevsW(NULL, L"ROOT", NULL, DIGCF_ALLCLASSES);
    SP_DEVINFO_DATA device = {.cbSize = sizeof(device)};
    int removed = 0;

    for (DWORD i = 0; SetupDiEnumDeviceInfo(set, i, &device); i++) {
        WCHAR id[200] = L"";

        SetupDiGetDeviceRegistryPropertyW(set, &device, SPDRP_HARDWAREID, NULL, (BYTE *)id,
                                          sizeof(id) - sizeof(WCHAR), NULL);
        if (_wcsicmp(id, hardware_id) == 0) {
            if (!SetupDiCallClassInstaller(DIF_REMOVE, set, &device)) {
                return failed("DIF_REMOVE");
            }
            removed++;
        }
    }
    SetupDiDestroyDeviceInfoList(set);
    return removed == 1 ? 0 : failed("finding one device");
}

int wmain(int argc, WCHAR **argv)
{
    if (argc == 4 && wcscmp(argv[1], L"install") == 0) {
        return install(argv[2], argv[3]);
    }
    if (argc == 3 && wcscmp(argv[1], L"remove") == 0) {
        return remove_all(argv[2]);
    }
    printf("devnode install FILE.inf HARDWARE-ID, devnode remove HARDWARE-ID\n");
    return 2;
}
