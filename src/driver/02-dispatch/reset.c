/**
 * \file
 * Resets: the rungs of Storport's ladder when a request takes too long.
 *
 * The law of this file: an SRB whose buffer a lower IRP still owns is never completed. What waits
 * in the queue ends at once with SRB_STATUS_BUS_RESET. What is in flight is asked to stop
 * (IoCancelIrp) and completes *itself* when the file system lets go of it; the reset SRB stays
 * pending until the last of those has ended, without a thread waiting for it. A driver that
 * completes SRBs from the reset path completes them a second time when the file system is done.
 * (Microsoft: multi-tier reset in Storport)
 */
#include "02-dispatch/functions.h"

/**
 * The part of the bus that a reset SRB is about. Lun means nothing for RESET_DEVICE, Target neither
 * for RESET_BUS.
 */
static VMINI_SCOPE VminiResetScope(_In_ PSCSI_REQUEST_BLOCK Srb)
{
    VMINI_SCOPE Scope;

    Scope.Address = VminiSrbAddress(Srb);
    switch (SrbGetSrbFunction(Srb)) {
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
        Scope.Level = VminiScopeUnit;
        break;
    case SRB_FUNCTION_RESET_DEVICE:
        Scope.Level = VminiScopeTarget;
        break;
    default:
        Scope.Level = VminiScopeBus;
        break;
    }
    return Scope;
}

/** The last request that a reset SRB waited for has ended. \irql{<= DISPATCH_LEVEL} */
static VOID VminiResetDone(_In_ PVMINI_DRAIN Drain)
{
    PVMINI_SRB_EXTENSION Extension = CONTAINING_RECORD(Drain, VMINI_SRB_EXTENSION, Drain);

    VminiSrbComplete(Extension->Request.Adapter, Extension->Request.Srb, SRB_STATUS_SUCCESS);
}

/** The reset SRBs: what is queued ends now, and the reset once what runs has ended. */
_Use_decl_annotations_ UCHAR VminiSrbReset(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PVMINI_SRB_EXTENSION Extension = SrbGetMiniportContext(Srb);
    VMINI_SCOPE Scope = VminiResetScope(Srb);

    VminiTrace(Adapter, TRACE_LEVEL_WARNING, VMINI_TRACE_IO, L"reset", L"function",
               SrbGetSrbFunction(Srb), L"target", Scope.Address.Target);
    Extension->Request.Adapter = Adapter;
    Extension->Request.Srb = Srb;
    Extension->Drain.Done = VminiResetDone;
    VminiBusResetUnits(Adapter, &Scope);
    VminiWorkReset(Adapter->Work, &Scope, &Extension->Drain);
    return SRB_STATUS_PENDING;
}

/**
 * \copydoc VminiHwResetBus
 *
 * The 2009 article saw PASSIVE_LEVEL, today's documentation says DISPATCH_LEVEL with the StartIo
 * lock held: this is right at either, because it waits for nothing. \return TRUE: the reset has
 * been carried out.
 * \article{Part I, HwResetBus}
 */
_Use_decl_annotations_ BOOLEAN NTAPI VminiHwResetBus(PVOID DeviceExtension, ULONG PathId)
{
    PVMINI_ADAPTER Adapter = DeviceExtension;
    VMINI_SCOPE Scope = {VminiScopeBus, {(UCHAR)PathId, 0, 0, 0}};

    VminiTrace(Adapter, TRACE_LEVEL_WARNING, VMINI_TRACE_IO, L"bus reset", L"path", PathId, NULL,
               0);
    VminiBusResetUnits(Adapter, &Scope);
    VminiWorkReset(Adapter->Work, &Scope, NULL);
    return TRUE;
}

/**
 * Storport sends this only to miniports that ask for it (STOR_ADAPTER_FEATURE_ABORT_COMMAND); we do
 * not. Should it come all the same, "abort failed" is the truth, and makes the sender go on to a
 * reset, which works.
 */
_Use_decl_annotations_ UCHAR VminiSrbAbortCommand(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
    return SRB_STATUS_ABORT_FAILED;
}
