/**
 * \file
 * Reads HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmini\\Parameters, once, from DriverEntry.
 *
 * What stands in the registry is input like any other: an administrator typed it, or a script did.
 * A value that is absent, of another type or out of range falls back to its default, and the driver
 * starts. Nothing here may fail a load: the INF writes these values, but the driver must also start
 * where somebody has deleted them.
 */
#include "vmini.h"

/** One value of the key: its name, where it goes, and what it may be. */
typedef struct _VMINI_CONFIG_VALUE {
    PCWSTR Name;
    ULONG Offset; /**< Of a ULONG in VMINI_CONFIG. */
    ULONG Default;
    ULONG Minimum;
    ULONG Maximum;
} VMINI_CONFIG_VALUE;

//! [config-table]
static const VMINI_CONFIG_VALUE VminiConfigValues[] = {
    {L"BreakOnEntry", FIELD_OFFSET(VMINI_CONFIG, BreakOnEntry), 0, 0, 1},
    {L"TraceLevel", FIELD_OFFSET(VMINI_CONFIG, TraceLevel), TRACE_LEVEL_ERROR, 0,
     TRACE_LEVEL_VERBOSE},
    {L"TraceFlags", FIELD_OFFSET(VMINI_CONFIG, TraceFlags), MAXULONG, 0, MAXULONG},
    {L"NumberOfWorkers", FIELD_OFFSET(VMINI_CONFIG, NumberOfWorkers), 0, 0, 64},
    {L"NumberOfBuses", FIELD_OFFSET(VMINI_CONFIG, NumberOfBuses), 1, 1, 255},
    {L"MaximumTargets", FIELD_OFFSET(VMINI_CONFIG, MaximumTargets), 16, 1, 255},
    {L"MaximumLuns", FIELD_OFFSET(VMINI_CONFIG, MaximumLuns), 8, 1, 255},
};
//! [config-table]

/** The ULONG that a row of the table is about. */
VMINI_INIT static PULONG VminiConfigField(_Inout_ PVMINI_CONFIG Config,
                                          _In_ const VMINI_CONFIG_VALUE *Value)
{
    return (PULONG)((PUCHAR)Config + Value->Offset);
}

/** Reads one REG_DWORD. \irql{PASSIVE_LEVEL} \return FALSE when it is absent or something else. */
VMINI_INIT static BOOLEAN VminiConfigReadDword(_In_ HANDLE Key, _In_ PCWSTR Name,
                                               _Out_ PULONG Result)
{
    /* Aligned. */
    ULONG Buffer[FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) / sizeof(ULONG) + 1];
    PKEY_VALUE_PARTIAL_INFORMATION Information = (PKEY_VALUE_PARTIAL_INFORMATION)(PVOID)Buffer;
    UNICODE_STRING ValueName;
    ULONG Length;

    RtlInitUnicodeString(&ValueName, Name);
    /* A longer value does not fit and fails with STATUS_BUFFER_OVERFLOW: it is no REG_DWORD. */
    if (!NT_SUCCESS(ZwQueryValueKey(Key, &ValueName, KeyValuePartialInformation, Information,
                                    sizeof(Buffer), &Length))) {
        return FALSE;
    }
    if (Information->Type != REG_DWORD || Information->DataLength != sizeof(ULONG)) {
        return FALSE;
    }
    RtlCopyMemory(Result, Information->Data, sizeof(ULONG));
    return TRUE;
}

_Use_decl_annotations_ NTSTATUS VminiConfigOpenKey(HANDLE Root, PUNICODE_STRING Name, PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;

    /* OBJ_KERNEL_HANDLE: DriverEntry runs in the system process, but nothing should depend on
     * that. */
    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Root,
                               NULL);
    return ZwOpenKey(Key, KEY_READ, &Attributes);
}

VMINI_INIT NTSTATUS VminiConfigRead(_In_ PUNICODE_STRING RegistryPath, _Out_ PVMINI_CONFIG Config)
{
    UNICODE_STRING Parameters;
    HANDLE Service;
    HANDLE Key;
    NTSTATUS Status;
    ULONG Index;
    ULONG Number;

    for (Index = 0; Index < RTL_NUMBER_OF(VminiConfigValues); Index++) {
        *VminiConfigField(Config, &VminiConfigValues[Index]) = VminiConfigValues[Index].Default;
    }
    Status = VminiConfigOpenKey(NULL, RegistryPath, &Service);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    RtlInitUnicodeString(&Parameters, L"Parameters");
    Status = VminiConfigOpenKey(Service, &Parameters, &Key);
    ZwClose(Service);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (Index = 0; Index < RTL_NUMBER_OF(VminiConfigValues); Index++) {
        const VMINI_CONFIG_VALUE *Value = &VminiConfigValues[Index];
        if (VminiConfigReadDword(Key, Value->Name, &Number) && Number >= Value->Minimum &&
            Number <= Value->Maximum) {
            *VminiConfigField(Config, Value) = Number;
        }
    }
    ZwClose(Key);
    return STATUS_SUCCESS;
}
