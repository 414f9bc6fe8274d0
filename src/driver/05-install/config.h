/**
 * \file
 * What is configured: the service's Parameters key, read once, in DriverEntry, and the images that
 * the key below it names, read when the adapter starts. A leaf that any module may read.
 */
#ifndef VMINI_CONFIG_H
#define VMINI_CONFIG_H

#include <ntifs.h>

#include "vmini_ioctl.h"

/**
 * The values of HKLM\\SYSTEM\\CurrentControlSet\\Services\\vmini\\Parameters, checked and
 * defaulted.
 */
typedef struct _VMINI_CONFIG {
    /** Nonzero: DriverEntry breaks into an attached debugger. \article{thread, BreakOnEntry} */
    ULONG BreakOnEntry;
    ULONG TraceLevel;      /**< Highest TRACE_LEVEL_* that is written; 0 = nothing. */
    ULONG TraceFlags;      /**< VMINI_TRACE_* bits. */
    ULONG NumberOfWorkers; /**< Worker threads; 0 = one per active processor. 64 at most. */
    ULONG NumberOfBuses;   /**< 1..255. */
    ULONG MaximumTargets;  /**< Targets per bus, 1..255. */
    ULONG MaximumLuns;     /**< Logical units per target, 1..255. */
} VMINI_CONFIG, *PVMINI_CONFIG;

/**
 * Reads the Parameters key below RegistryPath. A value that is missing, of another type or out of
 * range is replaced by its default; a missing key gives all defaults.
 *
 * \param RegistryPath  the service key, as DriverEntry got it.
 * \param Config        receives the values; whole and valid whatever is returned.
 * \return STATUS_SUCCESS, or why the key could not be read (the defaults are in force).
 * \irql{PASSIVE_LEVEL} \locks{none}
 */
NTSTATUS VminiConfigRead(_In_ PUNICODE_STRING RegistryPath, _Out_ PVMINI_CONFIG Config);

/** What the registry answers with, on its way to VMINI_CONFIG_DEVICE. */
typedef union _VMINI_CONFIG_ANSWER {
    KEY_BASIC_INFORMATION Key;
    KEY_VALUE_PARTIAL_INFORMATION Value;
    UCHAR Bytes[FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) +
                (VMINI_PATH_LENGTH + 1) * sizeof(WCHAR)];
} VMINI_CONFIG_ANSWER, *PVMINI_CONFIG_ANSWER;

/**
 * An image that is to be connected when the adapter starts: a key below Parameters\\Devices. Too
 * large for the stack.
 */
typedef struct _VMINI_CONFIG_DEVICE {
    ULONG Flags;                   /**< VMINI_CONNECT_*; 0 if the key does not say. */
    VMINI_ADDRESS Address;         /**< All 0xFF if the key does not say: the first free one. */
    WCHAR Path[VMINI_PATH_LENGTH]; /**< Terminated. */
    VMINI_CONFIG_ANSWER Answer;    /**< For VminiConfigDevice: so it needs no memory of its own. */
} VMINI_CONFIG_DEVICE, *PVMINI_CONFIG_DEVICE;

/**
 * Remembers where the images are listed, for VminiConfigDevice. For DriverEntry: the string that it
 * gets is gone when it returns. \irql{PASSIVE_LEVEL}
 */
VOID VminiConfigDevicesSetUp(_In_ PCUNICODE_STRING RegistryPath);

/**
 * Reads the n-th image of Parameters\\Devices, as ZwEnumerateKey counts its subkeys. Values: Path
 * (REG_SZ), and if wanted Flags (REG_DWORD, VMINI_CONNECT_*) and Address (REG_DWORD, 0x00PPTTLL:
 * path, target, logical unit).
 *
 * \param Index   0, 1, 2 ...
 * \param Device  receives it; Path is empty where none could be read.
 * \return STATUS_SUCCESS; STATUS_NO_MORE_ENTRIES: there is no n-th; anything else: this one is no
 *         good, but the next one may be. So who counts up comes to an end.
 * \irql{PASSIVE_LEVEL} \locks{none}
 */
NTSTATUS VminiConfigDevice(_In_ ULONG Index, _Out_ PVMINI_CONFIG_DEVICE Device);

/** Opens a key to read it: below Root, or an absolute one when Root is NULL. \irql{PASSIVE_LEVEL} */
NTSTATUS VminiConfigOpenKey(_In_opt_ HANDLE Root, _In_ PUNICODE_STRING Name, _Out_ PHANDLE Key);

#endif
