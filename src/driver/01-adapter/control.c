/**
 * \file
 * HwAdapterControl, HwUnitControl and HwFreeAdapterResources: the adapter stops, goes on, and ends.
 *
 * A stop is not the end. It comes for a power transition, a rebalance of resources, or a removal,
 * and it comes at an IRQL at which nothing can be waited for; so it only quiets the adapter. What
 * HwInitialize created goes away in HwFreeAdapterResources, the last callback of an adapter's life,
 * at PASSIVE_LEVEL.
 */
#include "01-adapter/adapter.h"

/** The control types that we answer; everything else stays FALSE in Storport's list. */
static const SCSI_ADAPTER_CONTROL_TYPE VminiAdapterControls[] = {
    ScsiQuerySupportedControlTypes,
    ScsiStopAdapter,
    ScsiRestartAdapter,
};

/** The unit control types that we answer. */
static const SCSI_UNIT_CONTROL_TYPE VminiUnitControls[] = {
    ScsiQuerySupportedUnitControlTypes,
    ScsiUnitStart,
    ScsiUnitRemove,
};

/**
 * Marks one control type as supported. The list may be longer than this driver knows types, or, on
 * an older Windows, shorter: an index at or beyond MaxControlType lies outside the caller's memory.
 * \irql{any}
 */
static VOID VminiControlMark(_Inout_ PSCSI_SUPPORTED_CONTROL_TYPE_LIST List, _In_ ULONG Type)
{
    if (Type < List->MaxControlType) {
        List->SupportedTypeList[Type] = TRUE;
    }
}

/** Parks all threads of the queues, or lets them go on; after a HwInitialize that failed there are
 *  none. \irql{<= DISPATCH_LEVEL} */
static VOID VminiAdapterPark(_In_ PVMINI_ADAPTER Adapter, _In_ BOOLEAN Park)
{
    if (Adapter->Work != NULL) {
        VminiWorkQueuePark(Adapter->Work, Park);
        VminiWorkQueuePark(Adapter->Opening, Park);
        VminiWorkQueuePark(Adapter->Closing, Park);
    }
}

/** Ends a queue's threads and frees it, if there is one. \irql{PASSIVE_LEVEL} */
static VOID VminiAdapterEndQueue(_Inout_ PVMINI_WORK_QUEUE *Queue)
{
    if (*Queue != NULL) {
        VminiWorkQueueDestroy(*Queue);
        *Queue = NULL;
    }
}

VOID VminiAdapterResume(_Inout_ PVMINI_ADAPTER Adapter)
{
    VminiAdapterPark(Adapter, FALSE);
    InterlockedExchange(&Adapter->Stopped, 0);
}

VOID VminiAdapterDestroyParts(_Inout_ PVMINI_ADAPTER Adapter)
{
    //! [teardown]
    if (Adapter->Service != NULL) {
        VminiServiceClose(Adapter);
        VminiServiceDrain(Adapter); /* Nobody brings a new device any more. */
    }
    if (Adapter->Bus != NULL) {
        VminiBusDestroy(Adapter); /* Closes the files: needs Service, Closing and Work. */
    }
    if (Adapter->Service != NULL) {
        VminiServiceDestroy(Adapter);
    }
    VminiAdapterEndQueue(&Adapter->Opening);
    VminiAdapterEndQueue(&Adapter->Closing);
    VminiAdapterEndQueue(&Adapter->Work);
    //! [teardown]
}

/**
 * Controls the adapter as a whole.
 *
 * ScsiStopAdapter finds no SRB outstanding (Storport has seen to that, and has sent a FLUSH). It
 * parks the threads: an IRP-level CONNECT that is being worked on would otherwise open files while
 * the machine goes to sleep. It does not end the threads, because nobody may wait for them here and
 * nobody could create new ones in ScsiRestartAdapter: both come at DISPATCH_LEVEL or above.
 *
 * \return ScsiAdapterControlSuccess; ScsiAdapterControlUnsuccessful for a type that we did not
 * offer, and for a restart after a HwInitialize that failed.
 * \irql{PASSIVE_LEVEL for the query, <= DISPATCH_LEVEL otherwise: written for DISPATCH_LEVEL}
 * \locks{none} \thread{any}
 * \article{Part I, HwAdapterControl}
 */
_Use_decl_annotations_ SCSI_ADAPTER_CONTROL_STATUS NTAPI VminiHwAdapterControl(
    PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters)
{
    PVMINI_ADAPTER Adapter = DeviceExtension;
    ULONG Index;

    VminiTrace(Adapter, TRACE_LEVEL_INFORMATION, VMINI_TRACE_PNP, L"adapter control", L"type",
               (ULONG)ControlType, NULL, 0);
    switch (ControlType) {
    case ScsiQuerySupportedControlTypes:
        for (Index = 0; Index < RTL_NUMBER_OF(VminiAdapterControls); Index++) {
            VminiControlMark(Parameters, (ULONG)VminiAdapterControls[Index]);
        }
        return ScsiAdapterControlSuccess;
    case ScsiStopAdapter:
        InterlockedExchange(&Adapter->Stopped, 1);
        VminiAdapterPark(Adapter, TRUE);
        return ScsiAdapterControlSuccess;
    case ScsiRestartAdapter:
        if (Adapter->Work == NULL) {
            return ScsiAdapterControlUnsuccessful; /* There is nothing that could go on. */
        }
        VminiAdapterResume(Adapter);
        return ScsiAdapterControlSuccess;
    default:
        return ScsiAdapterControlUnsuccessful;
    }
}

/**
 * Controls one logical unit.
 *
 * ScsiUnitRemove means that Windows has let go of the unit, not that the device has left: a disk
 * that is disabled in Device Manager is removed and later started again, and a SCSI disk stays on
 * its bus all the while. So nothing is disconnected here; what DISCONNECT marked Missing leaves by
 * the INQUIRY that no longer finds it.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{any} (WDK: HW_UNIT_CONTROL)
 */
_Use_decl_annotations_ SCSI_UNIT_CONTROL_STATUS NTAPI
VminiHwUnitControl(PVOID DeviceExtension, SCSI_UNIT_CONTROL_TYPE ControlType, PVOID Parameters)
{
    ULONG Index;

    VminiTrace((PVMINI_ADAPTER)DeviceExtension, TRACE_LEVEL_INFORMATION, VMINI_TRACE_PNP,
               L"unit control", L"type", (ULONG)ControlType, NULL, 0);
    switch (ControlType) {
    case ScsiQuerySupportedUnitControlTypes:
        for (Index = 0; Index < RTL_NUMBER_OF(VminiUnitControls); Index++) {
            VminiControlMark(Parameters, (ULONG)VminiUnitControls[Index]);
        }
        return ScsiUnitControlSuccess;
    case ScsiUnitStart:
    case ScsiUnitRemove:
        return ScsiUnitControlSuccess;
    default:
        return ScsiUnitControlUnsuccessful;
    }
}

/**
 * Undoes HwFindAdapter and HwInitialize. The last call for this adapter: when it returns, the
 * driver may be unloaded, so every thread must be gone, not merely about to go.
 *
 * The articles' Part I had nothing to free here; with threads and open files there is.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{PnP's} \article{Part I, HwFreeAdapterResources}
 */
_Use_decl_annotations_ VOID NTAPI VminiHwFreeAdapterResources(PVOID DeviceExtension)
{
    PVMINI_ADAPTER Adapter = DeviceExtension;

    if (Adapter->InterfaceName.Buffer != NULL) {
        (VOID) IoSetDeviceInterfaceState(&Adapter->InterfaceName, FALSE);
        RtlFreeUnicodeString(&Adapter->InterfaceName); /* Sets Buffer to NULL. */
    }
    VminiAdapterPark(Adapter, FALSE); /* The files are closed by threads that may be parked. */
    VminiAdapterDestroyParts(Adapter);
}
