/*
 * From an address on the adapter's bus to the volumes of Windows, and what is done to them.
 *
 *     adapter's device node -> its children that are disks or CD-ROM drives
 *         -> IOCTL_SCSI_GET_ADDRESS: the one at the address
 *         -> IOCTL_STORAGE_GET_DEVICE_NUMBER: its number
 *     every volume -> the same number, or an extent on that disk
 *
 * That a disk is the adapter's child, and not only at the right address, keeps the volumes of other
 * adapters out. Nothing is opened for more than a question until it is clear what it belongs to.
 */
#include "tools/vminictl/volumes_windows.h"

#include <cfgmgr32.h>
#include <setupapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define LOCK_TRIES        20  /* An indexer or a virus scanner looks at a file, and goes. */
#define LOCK_MILLISECONDS 100 /* Between two of them. */

static const GUID adapter_class = VMINI_INTERFACE_GUID_INIT;
static const GUID disk_class = {
    0x53f56307, 0xb6bf, 0x11d0, {0x94, 0xf2, 0x00, 0xa0, 0xc9, 0x1e, 0xfb, 0x8b}};
static const GUID cdrom_class = {
    0x53f56308, 0xb6bf, 0x11d0, {0x94, 0xf2, 0x00, 0xa0, 0xc9, 0x1e, 0xfb, 0x8b}};

/** Opens a device only to ask it something: no file system is mounted, nobody is disturbed. */
static HANDLE open_to_ask(const WCHAR *path)
{
    return CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

static bool ask(HANDLE device, DWORD code, void *answer, DWORD size)
{
    DWORD returned;

    return DeviceIoControl(device, code, NULL, 0, answer, size, &returned, NULL);
}

/* --- the unit --- */

/** What is looked for among the devices. */
struct search {
    const WCHAR *adapter; /**< Its device interface. */
    DEVINST node;         /**< Its device node, when that was found. */
    VMINI_ADDRESS at;
    struct volume_device device; /**< The unit's number, when that was found. */
    bool mute;                   /**< A unit of the adapter did not say where it is. */
};

/** Where is the device, and which number has it? \return false: it does not say. */
static bool ask_place(const WCHAR *path, SCSI_ADDRESS *address, struct volume_device *device)
{
    HANDLE handle = open_to_ask(path);
    STORAGE_DEVICE_NUMBER number;
    bool told;

    if (handle == INVALID_HANDLE_VALUE) {
        return false;
    }
    told = ask(handle, IOCTL_SCSI_GET_ADDRESS, address, sizeof(*address)) &&
           ask(handle, IOCTL_STORAGE_GET_DEVICE_NUMBER, &number, sizeof(number));
    CloseHandle(handle);
    if (told) {
        *device = (struct volume_device){number.DeviceType, number.DeviceNumber};
    }
    return told;
}

/** A path of a device without its "\\\\?\\" or "\\\\.\\": both lead to the same device. */
static const WCHAR *bare(const WCHAR *path)
{
    return wcsncmp(path, L"\\\\?\\", 4) == 0 || wcsncmp(path, L"\\\\.\\", 4) == 0 ? path + 4 : path;
}

static bool is_adapter(const WCHAR *path, DEVINST node, struct search *search)
{
    if (CompareStringOrdinal(bare(path), -1, bare(search->adapter), -1, TRUE) != CSTR_EQUAL) {
        return false;
    }
    search->node = node;
    return true;
}

static bool is_unit(const WCHAR *path, DEVINST node, struct search *search)
{
    SCSI_ADDRESS at;
    DEVINST parent;

    if (CM_Get_Parent(&parent, node, 0) != CR_SUCCESS || parent != search->node) {
        return false;
    }
    if (!ask_place(path, &at, &search->device)) {
        search->mute = true;
        return false;
    }
    return volume_same_address(at.PathId, at.TargetId, at.Lun, search->at);
}

/** Asks one device interface. */
static bool look_at(HDEVINFO set, SP_DEVICE_INTERFACE_DATA *data,
                    bool (*is)(const WCHAR *, DEVINST, struct search *), struct search *search)
{
    SP_DEVICE_INTERFACE_DETAIL_DATA_W *detail;
    SP_DEVINFO_DATA info = {.cbSize = sizeof(info)};
    DWORD size = 0;
    bool found = false;

    SetupDiGetDeviceInterfaceDetailW(set, data, NULL, 0, &size, NULL);
    detail = calloc(1, size + sizeof(*detail));
    if (detail != NULL) {
        detail->cbSize = sizeof(*detail);
        found = SetupDiGetDeviceInterfaceDetailW(set, data, detail, size, NULL, &info) &&
                is(detail->DevicePath, info.DevInst, search);
        free(detail);
    }
    return found;
}

/** Looks through the interfaces of a class that are there, until one is what is looked for. */
static bool find(const GUID *class, bool (*is)(const WCHAR *, DEVINST, struct search *),
                 struct search *search)
{
    HDEVINFO set = SetupDiGetClassDevsW(class, NULL, NULL, DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
    SP_DEVICE_INTERFACE_DATA data = {.cbSize = sizeof(data)};
    bool found = false;

    if (set == INVALID_HANDLE_VALUE) {
        return false;
    }
    for (DWORD i = 0; !found && SetupDiEnumDeviceInterfaces(set, NULL, class, i, &data); i++) {
        found = look_at(set, &data, is, search);
    }
    SetupDiDestroyDeviceInfoList(set);
    return found;
}

/* --- the volumes --- */

/** The disks of a volume's extents: malloc'ed, NULL = it has none, as on a CD-ROM. */
static uint32_t *disks_of(HANDLE volume, size_t *count)
{
    DWORD size = sizeof(VOLUME_DISK_EXTENTS), returned;
    VOLUME_DISK_EXTENTS *extents = NULL;
    uint32_t *disks = NULL;
    bool told = false;

    *count = 0;
    for (int tries = 0; !told && tries < 4; tries++) {
        free(extents);
        extents = calloc(1, size);
        if (extents == NULL) {
            return NULL;
        }
        told = DeviceIoControl(volume, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, NULL, 0, extents, size,
                               &returned, NULL);
        if (!told && GetLastError() != ERROR_MORE_DATA) {
            break;
        }
        size = offsetof(VOLUME_DISK_EXTENTS, Extents) +
               extents->NumberOfDiskExtents * (DWORD)sizeof(DISK_EXTENT);
    }
    if (told && extents->NumberOfDiskExtents != 0) {
        disks = calloc(extents->NumberOfDiskExtents, sizeof(*disks));
    }
    for (DWORD i = 0; disks != NULL && i < extents->NumberOfDiskExtents; i++) {
        disks[i] = extents->Extents[i].DiskNumber;
        *count = i + 1;
    }
    free(extents);
    return disks;
}

/** \param path without the backslash at its end: the device, not its root directory. */
static bool lives_on(const WCHAR *path, struct volume_device device)
{
    HANDLE handle = open_to_ask(path);
    STORAGE_DEVICE_NUMBER number = {0};
    struct volume_place place = {0};
    uint32_t *disks;
    bool lives;

    if (handle == INVALID_HANDLE_VALUE) {
        return false;
    }
    place.has_device = ask(handle, IOCTL_STORAGE_GET_DEVICE_NUMBER, &number, sizeof(number));
    place.device = (struct volume_device){number.DeviceType, number.DeviceNumber};
    disks = disks_of(handle, &place.disk_count);
    place.disks = disks;
    lives = volume_is_on(&place, device);
    free(disks);
    CloseHandle(handle);
    return lives;
}

/** The name that people know: a drive letter or a folder, else the volume's own. */
static void take_name(const WCHAR *guid, struct volume *volume)
{
    WCHAR paths[MAX_PATH] = L"";
    DWORD length;
    char *name;

    if (!GetVolumePathNamesForVolumeNameW(guid, paths, MAX_PATH, &length)) {
        paths[0] = 0;
    }
    name = windows_narrow(paths[0] != 0 ? paths : guid);
    snprintf(volume->name, sizeof(volume->name), "%s", name);
    free(name);
}

/** Adds a volume. \param guid "\\\\?\\Volume{...}\\". */
static bool add_volume(const WCHAR *guid, const WCHAR *path, struct volume **volumes, size_t *count)
{
    struct volume *larger = realloc(*volumes, (*count + 1) * sizeof(*larger));

    if (larger == NULL) {
        return false;
    }
    *volumes = larger;
    larger[*count] = (struct volume){.path = _wcsdup(path)};
    take_name(guid, &larger[*count]);
    return larger[(*count)++].path != NULL;
}

bool windows_volumes_on(struct volume_device device, struct volume **volumes, size_t *count)
{
    WCHAR guid[MAX_PATH], path[MAX_PATH];
    HANDLE find = FindFirstVolumeW(guid, MAX_PATH);
    bool complete = true;

    *volumes = NULL;
    *count = 0;
    if (find == INVALID_HANDLE_VALUE) {
        return GetLastError() == ERROR_NO_MORE_FILES;
    }
    do {
        wcscpy(path, guid);
        path[wcslen(path) - 1] = 0;
        complete = !lives_on(path, device) || add_volume(guid, path, volumes, count);
    } while (complete && FindNextVolumeW(find, guid, MAX_PATH));
    complete = complete && GetLastError() == ERROR_NO_MORE_FILES;
    FindVolumeClose(find);
    return complete;
}

bool windows_find_volumes(const WCHAR *adapter, VMINI_ADDRESS at, struct volume **volumes,
                          size_t *count, struct os_problem *problem)
{
    struct search search = {.adapter = adapter, .at = at};

    *volumes = NULL;
    *count = 0;
    problem->status = EXIT_REFUSED;
    snprintf(problem->remedy, sizeof(problem->remedy),
             "dismount its volumes yourself (mountvol E: /p), then disconnect it with --force");
    if (!find(&adapter_class, is_adapter, &search)) {
        snprintf(problem->what, sizeof(problem->what),
                 "cannot tell which of the disks it is: the adapter's device was not found");
        return false;
    }
    if (!find(&disk_class, is_unit, &search) && !find(&cdrom_class, is_unit, &search)) {
        snprintf(problem->what, sizeof(problem->what),
                 "cannot tell which disk it is: one does not say at which address it is");
        return !search.mute;
    }
    if (!windows_volumes_on(search.device, volumes, count)) {
        snprintf(problem->what, sizeof(problem->what),
                 "cannot list the volumes (Windows error %lu)", GetLastError());
        return false;
    }
    return true;
}

/* --- what is done to them --- */

static bool open_volume(struct volume *volume)
{
    /* The second for what cannot be written: a CD-ROM. */
    static const DWORD access[] = {GENERIC_READ | GENERIC_WRITE, GENERIC_READ};
    HANDLE handle = INVALID_HANDLE_VALUE;

    for (int i = 0; handle == INVALID_HANDLE_VALUE && i < 2; i++) {
        handle = CreateFileW(volume->path, access[i], FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                             OPEN_EXISTING, 0, NULL);
    }
    volume->handle = handle != INVALID_HANDLE_VALUE ? handle : NULL;
    return volume->handle != NULL;
}

/** Not ready: an empty drive, in which nothing is mounted that could refuse. */
static bool ask_mounted(HANDLE volume, DWORD code)
{
    return ask(volume, code, NULL, 0) || GetLastError() == ERROR_NOT_READY;
}

static bool lock_volume(struct volume *volume)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (ask_mounted(volume->handle, FSCTL_LOCK_VOLUME)) {
            return true;
        }
        Sleep(LOCK_MILLISECONDS);
    }
    return false;
}

static void flush_volume(struct volume *volume)
{
    FlushFileBuffers(volume->handle);
}

static bool dismount_volume(struct volume *volume)
{
    return ask_mounted(volume->handle, FSCTL_DISMOUNT_VOLUME);
}

static void close_volume(struct volume *volume)
{
    CloseHandle(volume->handle);
}

const struct volume_ops windows_volume_ops = {open_volume, lock_volume, flush_volume,
                                              dismount_volume, close_volume};
