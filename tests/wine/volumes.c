/*
 * What vminictl.exe finds out about volumes, on a Windows that has some: for the drive that is named,
 * which device it is on, and which volumes live there. Dismounts nothing. For Wine, where the
 * driver's own disks never come to life.
 *
 *     volumes C:
 */
#include "tools/vminictl/volumes_windows.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct volume *volumes;
    struct volume_device device;
    STORAGE_DEVICE_NUMBER number;
    char path[40];
    DWORD returned;
    HANDLE drive;
    size_t count;

    os_begin(&argc, &argv);
    snprintf(path, sizeof(path), "\\\\.\\%.20s", argc == 2 ? argv[1] : "C:");
    drive = CreateFileA(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (drive == INVALID_HANDLE_VALUE ||
        !DeviceIoControl(drive, IOCTL_STORAGE_GET_DEVICE_NUMBER, NULL, 0, &number, sizeof(number),
                         &returned, NULL)) {
        printf("%s: error %lu\n", path, GetLastError());
        return 1;
    }
    device = (struct volume_device){number.DeviceType, number.DeviceNumber};
    if (!windows_volumes_on(device, &volumes, &count)) {
        printf("the volumes: error %lu\n", GetLastError());
        return 1;
    }
    printf("device %u of type %u: %u volume(s)\n", (unsigned)device.number, (unsigned)device.type,
           (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        bool open = windows_volume_ops.open(&volumes[i]);

        printf("volume %s %s\n", volumes[i].name, open ? "can be opened" : "cannot be opened");
    }
    volumes_release(&windows_volume_ops, volumes, count);
    return 0;
}
