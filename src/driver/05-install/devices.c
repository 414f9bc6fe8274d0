/**
 * \file
 * Reads which images are to be connected when the adapter starts: Parameters\\Devices, one key for
 * each.
 *
 *     Services\vmini\Parameters\Devices\boot     Path     REG_SZ     C:\images\boot.img
 *                                                Flags    REG_DWORD  2, VMINI_CONNECT_READ_ONLY
 *                                                Address  REG_DWORD  0x00000100, target 1
 *
 * A key for each, and not one REG_MULTI_SZ of paths: what else is to be said of an image then has a
 * name and a type of its own, and one entry can be added or taken away without reading the others.
 * The articles' Part I calls such devices static.
 *
 * Who may write there may choose what is opened as SYSTEM; that is why it is a key of the service,
 * which only administrators may write.
 */
#include "vmini.h"

/** Longer than any service's key: its name has at most 256 characters. */
#define VMINI_CONFIG_KEY_LENGTH 512

static WCHAR VminiConfigDevicesBuffer[VMINI_CONFIG_KEY_LENGTH];
/** The key's path; empty: there is none. Written by DriverEntry, read-only afterwards. */
static UNICODE_STRING VminiConfigDevicesKey;

VMINI_INIT VOID VminiConfigDevicesSetUp(_In_ PCUNICODE_STRING RegistryPath)
{
    static const WCHAR Below[] = L"\\Parameters\\Devices";

    if (RegistryPath->Length + sizeof(Below) > sizeof(VminiConfigDevicesBuffer)) {
        return;
    }
    RtlCopyMemory(VminiConfigDevicesBuffer, RegistryPath->Buffer, RegistryPath->Length);
    RtlCopyMemory((PUCHAR)VminiConfigDevicesBuffer + RegistryPath->Length, Below, sizeof(Below));
    RtlInitUnicodeString(&VminiConfigDevicesKey, VminiConfigDevicesBuffer);
}

/**
 * Opens the n-th key below another. \irql{PASSIVE_LEVEL}
 * \return STATUS_NO_MORE_ENTRIES also when the list cannot be read: it would not end otherwise.
 */
static NTSTATUS VminiConfigOpenNth(_In_ HANDLE Root, _In_ ULONG Index,
                                   _Inout_ PVMINI_CONFIG_ANSWER Answer, _Out_ PHANDLE Key)
{
    UNICODE_STRING Name;
    NTSTATUS Status;
    ULONG Length;

    Status =
        ZwEnumerateKey(Root, Index, KeyBasicInformation, &Answer->Key, sizeof(*Answer), &Length);
    if (!NT_SUCCESS(Status)) {
        return STATUS_NO_MORE_ENTRIES;
    }
    Name.Buffer = Answer->Key.Name;
    Name.Length = (USHORT)Answer->Key.NameLength;
    Name.MaximumLength = Name.Length;
    return VminiConfigOpenKey(Root, &Name, Key);
}

/**
 * Reads one value of a given type into Answer->Value.
 * \return STATUS_OBJECT_TYPE_MISMATCH: it has another type. \irql{PASSIVE_LEVEL}
 */
static NTSTATUS VminiConfigQuery(_In_ HANDLE Key, _In_ PCWSTR Name, _In_ ULONG Type,
                                 _Inout_ PVMINI_CONFIG_ANSWER Answer)
{
    UNICODE_STRING ValueName;
    NTSTATUS Status;
    ULONG Length;

    RtlInitUnicodeString(&ValueName, Name);
    Status = ZwQueryValueKey(Key, &ValueName, KeyValuePartialInformation, &Answer->Value,
                             sizeof(*Answer), &Length);
    if (NT_SUCCESS(Status) && Answer->Value.Type != Type) {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    return Status;
}

/** Reads the path. A string in the registry may lack its NUL. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiConfigReadPath(_In_ HANDLE Key, _Inout_ PVMINI_CONFIG_ANSWER Answer,
                                    _Out_writes_(VMINI_PATH_LENGTH) PWSTR Path)
{
    NTSTATUS Status = VminiConfigQuery(Key, L"Path", REG_SZ, Answer);
    ULONG Length;

    if (Status == STATUS_BUFFER_OVERFLOW) {
        return STATUS_NAME_TOO_LONG;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Length = Answer->Value.DataLength / sizeof(WCHAR);
    if (Length > VMINI_PATH_LENGTH) {
        return STATUS_NAME_TOO_LONG;
    }
    RtlCopyMemory(Path, Answer->Value.Data, Length * sizeof(WCHAR));
    if (Length < VMINI_PATH_LENGTH) {
        Path[Length] = 0;
    } else if (Path[Length - 1] != 0) {
        Path[0] = 0;
        return STATUS_NAME_TOO_LONG;
    }
    return STATUS_SUCCESS;
}

/** Reads a number that may be absent. \return FALSE: it is there, and no REG_DWORD. */
static BOOLEAN VminiConfigReadNumber(_In_ HANDLE Key, _In_ PCWSTR Name,
                                     _Inout_ PVMINI_CONFIG_ANSWER Answer, _Inout_ PULONG Number)
{
    NTSTATUS Status = VminiConfigQuery(Key, Name, REG_DWORD, Answer);

    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        return TRUE;
    }
    if (!NT_SUCCESS(Status) || Answer->Value.DataLength != sizeof(*Number)) {
        return FALSE;
    }
    RtlCopyMemory(Number, Answer->Value.Data, sizeof(*Number));
    return TRUE;
}

/** Reads what an image's key holds. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiConfigReadDevice(_In_ HANDLE Key, _Inout_ PVMINI_CONFIG_DEVICE Device)
{
    PVMINI_CONFIG_ANSWER Answer = &Device->Answer;
    ULONG Address = MAXULONG;
    NTSTATUS Status = VminiConfigReadPath(Key, Answer, Device->Path);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!VminiConfigReadNumber(Key, L"Flags", Answer, &Device->Flags) ||
        !VminiConfigReadNumber(Key, L"Address", Answer, &Address)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    Device->Address.Path = (UCHAR)(Address >> 16);
    Device->Address.Target = (UCHAR)(Address >> 8);
    Device->Address.Lun = (UCHAR)Address;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ NTSTATUS VminiConfigDevice(ULONG Index, PVMINI_CONFIG_DEVICE Device)
{
    NTSTATUS Status;
    HANDLE Devices;
    HANDLE Key;

    RtlZeroMemory(Device, sizeof(*Device));
    Device->Address.Path = 0xFF;
    Device->Address.Target = 0xFF;
    Device->Address.Lun = 0xFF;
    if (VminiConfigDevicesKey.Length == 0 ||
        !NT_SUCCESS(VminiConfigOpenKey(NULL, &VminiConfigDevicesKey, &Devices))) {
        return STATUS_NO_MORE_ENTRIES; /* No such key: no such images. */
    }
    Status = VminiConfigOpenNth(Devices, Index, &Device->Answer, &Key);
    ZwClose(Devices);
    if (NT_SUCCESS(Status)) {
        Status = VminiConfigReadDevice(Key, Device);
        ZwClose(Key);
    }
    return Status;
}
