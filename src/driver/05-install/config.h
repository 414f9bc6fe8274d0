/**
 * \file
 * What is configured: the service's Parameters key, read once, in DriverEntry. A leaf that any
 * module may read.
 */
#ifndef VMINI_CONFIG_H
#define VMINI_CONFIG_H

#include <ntifs.h>

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

#endif
