/**
 * \file
 * The adapter's life: registration, start, control, end. Storport's callbacks that are not about
 * one SRB.
 */
#ifndef VMINI_ADAPTER_H
#define VMINI_ADAPTER_H

#include "02-dispatch/dispatch.h"

DRIVER_INITIALIZE DriverEntry;
VIRTUAL_HW_FIND_ADAPTER VminiHwFindAdapter;
HW_INITIALIZE VminiHwInitialize;
HW_ADAPTER_CONTROL VminiHwAdapterControl;
HW_UNIT_CONTROL VminiHwUnitControl;
HW_FREE_ADAPTER_RESOURCES VminiHwFreeAdapterResources;
HW_INITIALIZE_TRACING VminiHwInitializeTracing;
HW_CLEANUP_TRACING VminiHwCleanupTracing;

/** Ends a stop: queues and SRBs go on. \irql{<= DISPATCH_LEVEL} */
VOID VminiAdapterResume(_Inout_ PVMINI_ADAPTER Adapter);

/** Frees what VminiHwInitialize created, as far as it got. \irql{PASSIVE_LEVEL} \locks{none} */
VOID VminiAdapterDestroyParts(_Inout_ PVMINI_ADAPTER Adapter);

#endif
