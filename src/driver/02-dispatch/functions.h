/**
 * \file
 * The handlers of HwStartIo's table, private to 02-dispatch.
 */
#ifndef VMINI_FUNCTIONS_H
#define VMINI_FUNCTIONS_H

#include "02-dispatch/dispatch.h"

/**
 * Handles SRBs of one function.
 * \return the status to complete the SRB with; SRB_STATUS_PENDING: it is, or will be, completed by
 * somebody else.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
typedef UCHAR(VMINI_SRB_HANDLER)(_In_ PVMINI_ADAPTER Adapter, _Inout_ PSCSI_REQUEST_BLOCK Srb);

VMINI_SRB_HANDLER VminiSrbExecuteScsi;
VMINI_SRB_HANDLER VminiSrbIoControl;
VMINI_SRB_HANDLER VminiSrbFlush;
VMINI_SRB_HANDLER VminiSrbAbortCommand;
VMINI_SRB_HANDLER VminiSrbReset;
VMINI_SRB_HANDLER VminiSrbWmi;
VMINI_SRB_HANDLER VminiSrbPower;
VMINI_SRB_HANDLER VminiSrbPnp;
VMINI_SRB_HANDLER VminiSrbDumpPointers;

/** How a FLUSH or SHUTDOWN SRB ends whose work item ended with Status. \irql{any} */
UCHAR VminiSrbFlushStatus(_In_ NTSTATUS Status);

/** Where an SRB is for. \irql{any} */
FORCEINLINE VMINI_ADDRESS VminiSrbAddress(_In_ PSCSI_REQUEST_BLOCK Srb)
{
    VMINI_ADDRESS Address = {0, 0, 0, 0};

    (VOID) SrbGetPathTargetLun(Srb, &Address.Path, &Address.Target, &Address.Lun);
    return Address;
}

#endif
