/**
 * \file
 * Tracing: one line of ETW per thing worth knowing, chosen by level and flag.
 *
 * The articles print to the debugger (OsrTracePrint) and could not find out what Storport's tracing
 * callbacks were for. They are the miniport's chance to start a tracing session of its own before
 * the first adapter exists and to end it after the last; since Windows 8.1 a miniport can simply
 * write to Storport's own ETW channel instead, and that is what this one does. The callbacks
 * remain, to say in the debugger which build is talking and how it is configured.
 */
#include "01-adapter/adapter.h"

/** Event number in Storport's channel: one for all our lines, the text tells them apart. */
#define VMINI_ETW_EVENT_ID 1UL

_Use_decl_annotations_ VOID VminiTraceWrite(PVMINI_ADAPTER Adapter, UCHAR Level, ULONG Flag,
                                            PCWSTR Text, PCWSTR Name1, ULONGLONG Value1,
                                            PCWSTR Name2, ULONGLONG Value2)
{
    if (Adapter == NULL) {
        DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "vmini: %ws\n", Text);
        return;
    }
    /* STOR_STATUS_NOT_IMPLEMENTED means that nobody listens: there is nothing to do about it. */
    (VOID) StorPortEtwEvent2(Adapter, NULL, VMINI_ETW_EVENT_ID, (PWSTR)(ULONG_PTR)Text, Flag,
                             (STORPORT_ETW_LEVEL)Level, StorportEtwEventOpcodeInfo, NULL,
                             (PWSTR)(ULONG_PTR)Name1, Value1, (PWSTR)(ULONG_PTR)Name2, Value2);
}

/**
 * Storport asks the miniport to start tracing, with the arguments of StorPortInitialize.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{one of the system's} \article{Part I, PortVersionFlags}
 */
_Use_decl_annotations_ VOID NTAPI VminiHwInitializeTracing(PVOID Arg1, PVOID Arg2)
{
    UNREFERENCED_PARAMETER(Arg1); /* DRIVER_OBJECT */
    UNREFERENCED_PARAMETER(Arg2); /* Registry path: DriverEntry has read it. */
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "vmini: trace level %u, flags %08x\n",
               VminiConfig.TraceLevel, VminiConfig.TraceFlags);
}

/**
 * The driver is about to be unloaded.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{one of the system's} \article{Part I, PortVersionFlags}
 */
_Use_decl_annotations_ VOID NTAPI VminiHwCleanupTracing(PVOID Arg1)
{
    UNREFERENCED_PARAMETER(Arg1);
    VminiConfig.TraceLevel = 0; /* No line after this one. */
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "vmini: tracing ends\n");
}
