/*
 * The remaining routines that storport.sys exports for a virtual miniport: completion of many
 * requests, the error log, time, debug output, the Parameters\Device key.
 */
#include "storport/internal.h"

#define PORT_REGISTRY_BUFFER_SIZE 1024u

/** Discouraged: it takes requests away from a miniport that may still work on them. */
VOID NTAPI StorPortCompleteRequest(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                   UCHAR SrbStatus)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PortRequestCompleteAll(PortAdapterOf(HwDeviceExtension), PathId, TargetId, Lun, SrbStatus);
}

VOID NTAPI StorPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId,
                            UCHAR TargetId, UCHAR Lun, ULONG ErrorCode, ULONG UniqueId)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(HwDeviceExtension);
    UNREFERENCED_PARAMETER(Srb);
    UNREFERENCED_PARAMETER(PathId);
    UNREFERENCED_PARAMETER(TargetId);
    UNREFERENCED_PARAMETER(Lun);
    PortTraceEtw(u"StorPortLogError", ErrorCode, StorportEtwLevelError, UniqueId);
}

VOID NTAPI StorPortQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    PORT_ROUTINE(HIGH_LEVEL);
    KeQuerySystemTime(CurrentTime);
}

VOID NTAPI StorPortStallExecution(ULONG Delay)
{
    PORT_ROUTINE(HIGH_LEVEL);
    if (Delay > 100000) {
        PORT_VIOLATION(STALL_TOO_LONG, SCSI_VERIFIER_DETECTED_VIOLATION, 0x2001, Delay, 0, 0,
                       "StorPortStallExecution of %u microseconds", Delay);
    }
    PortStall(Delay);
}

VOID NTAPI StorPortDebugPrint(ULONG DebugPrintLevel, PCSTR DebugMessage, ...)
{
    PORT_ROUTINE(HIGH_LEVEL);
    PORT_ARGUMENTS arguments;

    PortArgumentsBegin(arguments, DebugMessage);
    PortTraceDebug(DebugPrintLevel, DebugMessage, arguments);
    PortArgumentsEnd(arguments);
}

/** A virtual adapter has no interrupt: the routine is simply called. */
BOOLEAN NTAPI StorPortSynchronizeAccess(PVOID HwDeviceExtension,
                                        PSTOR_SYNCHRONIZED_ACCESS SynchronizedAccessRoutine,
                                        PVOID Context)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);
    STOR_LOCK_HANDLE lock = {0};
    BOOLEAN result;

    PortAcquireLock(adapter, InterruptLock, NULL, &lock);
    result = SynchronizedAccessRoutine(HwDeviceExtension, Context);
    PortReleaseLock(adapter, &lock);
    return result;
}

/* --- Services\<svc>\Parameters\Device --- */

PUCHAR NTAPI StorPortAllocateRegistryBuffer(PVOID HwDeviceExtension, PULONG Length)
{
    PORT_ROUTINE(PASSIVE_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);

    if (adapter->RegistryBuffer != NULL) { /* one at a time */
        *Length = 0;
        return NULL;
    }
    *Length =
        *Length == 0 || *Length > PORT_REGISTRY_BUFFER_SIZE ? PORT_REGISTRY_BUFFER_SIZE : *Length;
    adapter->RegistryBuffer =
        ExAllocatePoolWithTag(NonPagedPoolNx, PORT_REGISTRY_BUFFER_SIZE, PORT_TAG);
    return adapter->RegistryBuffer;
}

VOID NTAPI StorPortFreeRegistryBuffer(PVOID HwDeviceExtension, PUCHAR Buffer)
{
    PORT_ROUTINE(PASSIVE_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);

    if (Buffer != NULL && Buffer == adapter->RegistryBuffer) {
        ExFreePoolWithTag(Buffer, PORT_TAG);
        adapter->RegistryBuffer = NULL;
    }
}

/** Widens an ASCII name; FALSE if it does not fit. */
static BOOLEAN PortWiden(PUCHAR Text, PWCHAR Wide, ULONG Room)
{
    ULONG i = 0;

    for (; Text[i] != '\0' && i + 1 < Room; i++) {
        Wide[i] = Text[i];
    }
    Wide[i] = 0;
    return Text[i] == '\0';
}

/** Opens Parameters\Device, or Parameters\Device<port>. */
static BOOLEAN PortOpenDeviceKey(PPORT_ADAPTER Adapter, ULONG Global, BOOLEAN Create, PHANDLE Key)
{
    WCHAR path[300], digit[2] = {(WCHAR)('0' + Adapter->Number % 10), 0};
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    NTSTATUS status;
    ULONG disposition;

    RtlInitEmptyUnicodeString(&name, path, sizeof(path));
    RtlCopyUnicodeString(&name, &Adapter->Driver->RegistryPath);
    if (!NT_SUCCESS(RtlAppendUnicodeToString(&name, u"\\Parameters\\Device")) ||
        (!Global && !NT_SUCCESS(RtlAppendUnicodeToString(&name, digit)))) {
        return FALSE;
    }
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    status = Create ? ZwCreateKey(Key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, &disposition)
                    : ZwOpenKey(Key, KEY_READ, &attributes);
    return NT_SUCCESS(status);
}

/** A value as the caller wants it: strings in ASCII, the rest as they are. */
static BOOLEAN PortTakeValue(PKEY_VALUE_PARTIAL_INFORMATION Value, ULONG Type, PUCHAR Buffer,
                             PULONG Length)
{
    BOOLEAN text =
        Value->Type == REG_SZ || Value->Type == REG_MULTI_SZ || Value->Type == REG_EXPAND_SZ;
    ULONG needed = text ? Value->DataLength / sizeof(WCHAR) : Value->DataLength;
    PWCHAR wide = (PWCHAR)(PVOID)Value->Data;

    if (Value->Type != Type) {
        *Length = 0;
        return FALSE;
    }
    if (needed > *Length) {
        *Length = needed;
        return FALSE;
    }
    for (ULONG i = 0; i < needed; i++) {
        Buffer[i] = !text ? Value->Data[i] : wide[i] < 0x80 ? (UCHAR)wide[i] : '?';
    }
    *Length = needed;
    return TRUE;
}

BOOLEAN NTAPI StorPortRegistryRead(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
                                   ULONG Type, PUCHAR Buffer, PULONG BufferLength)
{
    PORT_ROUTINE(PASSIVE_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);
    ULONG size = sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 2 * PORT_REGISTRY_BUFFER_SIZE, used;
    PKEY_VALUE_PARTIAL_INFORMATION value = NULL;
    BOOLEAN read = FALSE;
    UNICODE_STRING name;
    WCHAR wide[64];
    HANDLE key;

    if (Buffer == NULL || Buffer != adapter->RegistryBuffer ||
        !PortWiden(ValueName, wide, RTL_NUMBER_OF(wide)) ||
        !PortOpenDeviceKey(adapter, Global, FALSE, &key)) {
        *BufferLength = 0;
        return FALSE;
    }
    RtlInitUnicodeString(&name, wide);
    value = ExAllocatePoolWithTag(PagedPool, size, PORT_TAG);
    if (value == NULL ||
        !NT_SUCCESS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, value, size, &used))) {
        *BufferLength = 0;
    } else {
        read = PortTakeValue(value, Type, Buffer, BufferLength);
    }
    if (value != NULL) {
        ExFreePoolWithTag(value, PORT_TAG);
    }
    ZwClose(key);
    return read;
}

BOOLEAN NTAPI StorPortRegistryWrite(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
                                    ULONG Type, PUCHAR Buffer, ULONG BufferLength)
{
    PORT_ROUTINE(PASSIVE_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);
    BOOLEAN text = Type == REG_SZ || Type == REG_MULTI_SZ || Type == REG_EXPAND_SZ;
    BOOLEAN written = FALSE;
    UNICODE_STRING name;
    PWCHAR data = NULL;
    WCHAR wide[64];
    HANDLE key;

    if (BufferLength > PORT_REGISTRY_BUFFER_SIZE ||
        !PortWiden(ValueName, wide, RTL_NUMBER_OF(wide)) ||
        !PortOpenDeviceKey(adapter, Global, TRUE, &key)) {
        return FALSE;
    }
    RtlInitUnicodeString(&name, wide);
    if (text) {
        data = ExAllocatePoolWithTag(PagedPool, (BufferLength + 1) * sizeof(WCHAR), PORT_TAG);
        for (ULONG i = 0; data != NULL && i < BufferLength; i++) {
            data[i] = Buffer[i];
        }
    }
    if (!text || data != NULL) {
        written =
            NT_SUCCESS(ZwSetValueKey(key, &name, 0, Type, text ? (PVOID)data : Buffer,
                                     text ? BufferLength * (ULONG)sizeof(WCHAR) : BufferLength));
    }
    if (data != NULL) {
        ExFreePoolWithTag(data, PORT_TAG);
    }
    ZwClose(key);
    return written;
}
