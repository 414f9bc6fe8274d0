/*
 * The way back of an SRB: RequestComplete. Here the rules about completion are checked (once, with
 * a final status, at or below DISPATCH_LEVEL), BUSY and QUEUE FULL turn into another try, and the
 * sender's IRP ends. The miniport's SRB is dead from the first line of PortRequestFinish on.
 */
#include "storport/internal.h"

/** Finds a guarded request by the address of the SRB that the miniport has, without looking at the
 * SRB. */
static PPORT_REQUEST PortFindIssued(PPORT_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PLIST_ENTRY head = &Adapter->Issued[((ULONG_PTR)Srb >> 4) % PORT_ISSUED_BUCKETS];
    PPORT_REQUEST found = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&Adapter->Lock, &irql);
    for (PLIST_ENTRY entry = head->Flink; entry != head && found == NULL; entry = entry->Flink) {
        PPORT_REQUEST request = CONTAINING_RECORD(entry, PORT_REQUEST, IssuedLink);

        if (request->MiniportSrb == Srb) {
            found = request;
        }
    }
    KeReleaseSpinLock(&Adapter->Lock, irql);
    return found;
}

/** The outstanding request that an SRB of the miniport's belongs to; an SRB that is not outstanding
 * is a broken rule. */
PPORT_REQUEST PortRequestOf(PPORT_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PPORT_REQUEST request = NULL;

    if (Srb != NULL && PortGuardRequests()) {
        request = PortFindIssued(Adapter, Srb);
    } else if (Srb != NULL && SrbGetOriginalRequest(Srb) != NULL) {
        request = ((PIRP)SrbGetOriginalRequest(Srb))->Tail.Overlay.DriverContext[0];
    }
    if (request == NULL || request->MiniportSrb != Srb ||
        ReadNoFence(&request->State) != PORT_REQUEST_ISSUED) {
        PORT_VIOLATION(SRB_TWICE, SCSI_VERIFIER_DETECTED_VIOLATION, 0x2004, 0, 0, 0,
                       "An SRB that is not outstanding (completed before, or never issued) was "
                       "given to StorPort");
    }
    return request;
}

/** Bounds on what a completed SRB says. */
static VOID PortCheckCompletion(PPORT_REQUEST Request)
{
    UCHAR status = Request->MiniportSrb->SrbStatus;

    if (SRB_STATUS(status) == SRB_STATUS_PENDING) {
        PORT_VIOLATION(SRB_PENDING, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3001, Request->Id,
                       Request->Opcode, 0, "%s (SRB %llu) was completed with SRB_STATUS_PENDING",
                       PortSrbName(Request->Function, Request->Opcode),
                       (unsigned long long)Request->Id);
    }
    if ((status & SRB_STATUS_QUEUE_FROZEN) != 0) {
        PORT_VIOLATION(
            SRB_FROZEN, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3002, Request->Id, Request->Opcode, 0,
            "%s (SRB %llu) was completed with SRB_STATUS_QUEUE_FROZEN, which is Storport's to set",
            PortSrbName(Request->Function, Request->Opcode), (unsigned long long)Request->Id);
    }
    if (SRB_STATUS(status) == SRB_STATUS_SUCCESS &&
        SrbGetDataTransferLength(Request->MiniportSrb) > Request->SenderLength) {
        PORT_VIOLATION(SRB_LENGTH, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3003, Request->Id,
                       SrbGetDataTransferLength(Request->MiniportSrb), Request->SenderLength,
                       "%s (SRB %llu) reports %u bytes moved of %u that were asked for",
                       PortSrbName(Request->Function, Request->Opcode),
                       (unsigned long long)Request->Id,
                       SrbGetDataTransferLength(Request->MiniportSrb), Request->SenderLength);
    }
}

VOID PortRequestComplete(PPORT_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PPORT_REQUEST request = PortRequestOf(Adapter, Srb);

    PortCheckCompletion(request);
    if (InterlockedCompareExchange(&request->State, PORT_REQUEST_COMPLETED, PORT_REQUEST_ISSUED) !=
        PORT_REQUEST_ISSUED) {
        PORT_VIOLATION(SRB_TWICE, SCSI_VERIFIER_DETECTED_VIOLATION, 0x2004, request->Id, 0, 0,
                       "%s (SRB %llu) was completed by two threads",
                       PortSrbName(request->Function, request->Opcode),
                       (unsigned long long)request->Id);
    }
    PortRequestFinish(request);
}

/** What the miniport wrote goes to the sender's SRB; then the guarded copies are gone. */
static VOID PortUnguardRequest(PPORT_REQUEST Request, BOOLEAN TakeResults)
{
    PPORT_ADAPTER adapter = Request->Unit->Adapter;
    KIRQL irql;

    if (Request->Listed) {
        KeAcquireSpinLock(&adapter->Lock, &irql);
        RemoveEntryList(&Request->IssuedLink);
        KeReleaseSpinLock(&adapter->Lock, irql);
        Request->Listed = FALSE;
    }
    if (Request->MiniportSrb != NULL && TakeResults) {
        RtlCopyMemory(Request->Srb, Request->MiniportSrb, PortSrbLength(Request->Srb));
        if (Request->Sense != NULL) {
            UCHAR length = SrbGetSenseInfoBufferLength(Request->MiniportSrb);

            RtlCopyMemory(Request->SenderSense, Request->Sense, Request->SenseLength);
            PortSrbSetSense(Request->Srb, Request->SenderSense, min(length, Request->SenseLength));
        }
    }
    if (Request->MiniportSrb != NULL) {
        ExFreePoolWithTag(Request->MiniportSrb, PORT_TAG);
    }
    if (Request->SrbExtension != NULL) {
        ExFreePoolWithTag(Request->SrbExtension, PORT_TAG);
    }
    if (Request->Sense != NULL) {
        ExFreePoolWithTag(Request->Sense, PORT_TAG);
    }
}

/** The sender's SRB as the sender knows it; with the results, or as it was before (another try). */
VOID PortRequestRestore(PPORT_REQUEST Request, BOOLEAN TakeResults)
{
    if (Request->Guarded) {
        PortUnguardRequest(Request, TakeResults);
    }
    Request->MiniportSrb = NULL;
    SrbSetDataBuffer(Request->Srb, Request->SenderData);
    PortSrbSetExtension(Request->Srb, NULL);
    if (!TakeResults) {
        SrbSetDataTransferLength(Request->Srb, Request->SenderLength);
        PortSrbSetStatus(Request->Srb, SRB_STATUS_PENDING);
    }
}

/** Another try? QUEUE FULL waits for a quarter of the outstanding requests; BUSY for 250 ms, 20
 * times at most. */
static BOOLEAN PortWantsRetry(PPORT_REQUEST Request, UCHAR SrbStatus, UCHAR ScsiStatus,
                              BOOLEAN *QueueFull)
{
    ULONG_PTR retries = (ULONG_PTR)Request->Irp->Tail.Overlay.DriverContext[1];

    *QueueFull = SRB_STATUS(SrbStatus) == SRB_STATUS_ERROR && ScsiStatus == SCSISTAT_QUEUE_FULL;
    if (Request->Function != SRB_FUNCTION_EXECUTE_SCSI || ReadNoFence(&Request->Unit->Gone)) {
        return FALSE;
    }
    if (!*QueueFull && SRB_STATUS(SrbStatus) != SRB_STATUS_BUSY &&
        !(SRB_STATUS(SrbStatus) == SRB_STATUS_ERROR && ScsiStatus == SCSISTAT_BUSY)) {
        return FALSE;
    }
    if (retries >= PORT_BUSY_RETRY_COUNT) {
        return FALSE;
    }
    Request->Irp->Tail.Overlay.DriverContext[1] = (PVOID)(retries + 1);
    return TRUE;
}

/** Takes the request out of the unit. \locks{Unit->Lock held} */
static VOID PortRequestUnlink(PPORT_REQUEST Request, BOOLEAN Retry, BOOLEAN QueueFull,
                              BOOLEAN Freeze)
{
    PPORT_UNIT unit = Request->Unit;

    RemoveEntryList(&Request->Link);
    unit->OutstandingCount--;
    if ((unit->Hold & PORT_HOLD_BUSY) != 0 &&
        (unit->BusyCount <= 1 || unit->OutstandingCount == 0)) {
        unit->Hold &= ~PORT_HOLD_BUSY;
    } else if ((unit->Hold & PORT_HOLD_BUSY) != 0) {
        unit->BusyCount--;
    }
    if (Retry) {
        InsertHeadList(&unit->Queue, &Request->Irp->Tail.Overlay.ListEntry);
        if (QueueFull && unit->OutstandingCount != 0) {
            unit->Hold |= PORT_HOLD_BUSY;
            unit->BusyCount = max(1, unit->OutstandingCount * PORT_QUEUE_FULL_PERCENT / 100);
        } else {
            unit->Hold |= PORT_HOLD_RETRY;
        }
    }
    if (Freeze) {
        unit->Hold |= PORT_HOLD_FROZEN;
    }
    if (Request->Guarded || unit->Gone) {
        ExFreePoolWithTag(Request, PORT_PRIVATE_TAG);
    } else {
        PortRequestFree(Request);
    }
}

/** StorPortBusy: that many completions, then the adapter's queues run on. */
static VOID PortAdapterCompleted(PPORT_ADAPTER Adapter)
{
    if ((ReadNoFence(&Adapter->Hold) & (LONG)PORT_HOLD_BUSY) != 0 &&
        (InterlockedDecrement(&Adapter->BusyCount) == 0 ||
         ReadNoFence(&Adapter->Outstanding) == 0)) {
        PortReleaseAdapter(Adapter, PORT_HOLD_BUSY);
    }
}

VOID PortRequestFinish(PPORT_REQUEST Request)
{
    PPORT_UNIT unit = Request->Unit;
    PPORT_ADAPTER adapter = unit->Adapter;
    PSCSI_REQUEST_BLOCK seen = Request->MiniportSrb != NULL ? Request->MiniportSrb : Request->Srb;
    PSCSI_REQUEST_BLOCK srb = Request->Srb;
    PIRP irp = Request->Irp;
    UCHAR status = seen->SrbStatus, scsiStatus = SrbGetScsiStatus(seen);
    BOOLEAN reset = Request->BypassHold, queueFull, retry, pause, freeze, more;
    KIRQL irql;

    PortTraceComplete(PortSrbName(Request->Function, Request->Opcode), Request->Id, status,
                      scsiStatus, SrbGetDataTransferLength(seen));
    retry = PortWantsRetry(Request, status, scsiStatus, &queueFull);
    PortRequestRestore(Request, !retry);
    freeze = !retry && SRB_STATUS(status) != SRB_STATUS_SUCCESS &&
             Request->Function == SRB_FUNCTION_EXECUTE_SCSI &&
             (SrbGetSrbFlags(srb) & SRB_FLAGS_NO_QUEUE_FREEZE) == 0;
    irp->Tail.Overlay.DriverContext[0] = NULL;
    KeAcquireSpinLock(&unit->Lock, &irql);
    PortRequestUnlink(Request, retry, queueFull, freeze);
    pause = retry && (unit->Hold & PORT_HOLD_RETRY) != 0;
    more = !IsListEmpty(&unit->Queue);
    KeReleaseSpinLock(&unit->Lock, irql);
    InterlockedIncrement64(&adapter->Completed);
    if (!reset) {
        PortAdapterReturnSlot(adapter);
    }
    PortAdapterCompleted(adapter);
    if (pause) {
        PortHoldTimerStart(&unit->RetryTimer, PORT_BUSY_PAUSE_MS);
    }
    if (more) {
        PortUnitKick(unit);
    }
    if (!retry) { /* otherwise the SRB may be on its way again already */
        PortSrbSetStatus(srb, srb->SrbStatus | (freeze ? SRB_STATUS_QUEUE_FROZEN : 0));
        PortIrpComplete(irp, srb);
    }
    PortRundownRelease(adapter);
    PortUnitRelease(unit);
}

/** HwStartIo returned FALSE: what Storport then does is not documented. Here the SRB, if the
 * miniport has not completed it, counts as BUSY and comes again. */
VOID PortRequestRefused(PPORT_UNIT Unit, PPORT_REQUEST Request, ULONG64 Id)
{
    BOOLEAN ours = FALSE;
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Lock, &irql);
    for (PLIST_ENTRY entry = Unit->Outstanding.Flink; entry != &Unit->Outstanding && !ours;
         entry = entry->Flink) {
        ours = CONTAINING_RECORD(entry, PORT_REQUEST, Link) == Request && Request->Id == Id &&
               InterlockedCompareExchange(&Request->State, PORT_REQUEST_COMPLETED,
                                          PORT_REQUEST_ISSUED) == PORT_REQUEST_ISSUED;
    }
    KeReleaseSpinLock(&Unit->Lock, irql);
    if (ours) {
        PortSrbSetStatus(Request->MiniportSrb, SRB_STATUS_BUSY);
        PortRequestFinish(Request);
    }
}

static PPORT_REQUEST PortTakeOutstanding(PPORT_UNIT Unit)
{
    PPORT_REQUEST taken = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Lock, &irql);
    for (PLIST_ENTRY entry = Unit->Outstanding.Flink; entry != &Unit->Outstanding && taken == NULL;
         entry = entry->Flink) {
        PPORT_REQUEST request = CONTAINING_RECORD(entry, PORT_REQUEST, Link);

        if (InterlockedCompareExchange(&request->State, PORT_REQUEST_COMPLETED,
                                       PORT_REQUEST_ISSUED) == PORT_REQUEST_ISSUED) {
            taken = request;
        }
    }
    KeReleaseSpinLock(&Unit->Lock, irql);
    return taken;
}

/** StorPortCompleteRequest: everything that matches and that the miniport has. */
VOID PortRequestCompleteAll(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun,
                            UCHAR SrbStatus)
{
    PPORT_REQUEST request;

    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        if ((Path != SP_UNTAGGED && Path != unit->Path) ||
            (Target != SP_UNTAGGED && Target != unit->Target) ||
            (Lun != SP_UNTAGGED && Lun != unit->Lun)) {
            continue;
        }
        while ((request = PortTakeOutstanding(unit)) != NULL) {
            PortSrbSetStatus(request->MiniportSrb, SrbStatus);
            PortRequestFinish(request);
        }
    }
}

/** The status that classpnp makes of an SRB status. */
NTSTATUS PortStatusOfSrb(UCHAR SrbStatus)
{
    switch (SRB_STATUS(SrbStatus)) {
    case SRB_STATUS_SUCCESS:
        return STATUS_SUCCESS;
    case SRB_STATUS_INVALID_REQUEST:
    case SRB_STATUS_BAD_FUNCTION:
        return STATUS_INVALID_DEVICE_REQUEST;
    case SRB_STATUS_INVALID_PATH_ID:
    case SRB_STATUS_NO_DEVICE:
    case SRB_STATUS_NO_HBA:
    case SRB_STATUS_INVALID_LUN:
    case SRB_STATUS_INVALID_TARGET_ID:
        return STATUS_NO_SUCH_DEVICE;
    case SRB_STATUS_SELECTION_TIMEOUT:
        return STATUS_DEVICE_NOT_CONNECTED;
    case SRB_STATUS_TIMEOUT:
    case SRB_STATUS_COMMAND_TIMEOUT:
        return STATUS_IO_TIMEOUT;
    case SRB_STATUS_DATA_OVERRUN:
        return STATUS_DATA_OVERRUN;
    case SRB_STATUS_INTERNAL_ERROR:
        return STATUS_INSUFFICIENT_RESOURCES;
    case SRB_STATUS_ABORTED:
    case SRB_STATUS_REQUEST_FLUSHED:
        return STATUS_CANCELLED;
    default:
        return STATUS_IO_DEVICE_ERROR;
    }
}

VOID PortIrpComplete(PIRP Irp, PSCSI_REQUEST_BLOCK Srb)
{
    Irp->IoStatus.Status = PortStatusOfSrb(Srb->SrbStatus);
    Irp->IoStatus.Information = SrbGetDataTransferLength(Srb);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/** Ends an IRP that no miniport has seen. */
VOID PortIrpFail(PIRP Irp, UCHAR SrbStatus)
{
    PSCSI_REQUEST_BLOCK srb = IoGetCurrentIrpStackLocation(Irp)->Parameters.Scsi.Srb;

    PortSrbSetStatus(srb, SrbStatus);
    SrbSetDataTransferLength(srb, 0);
    PortIrpComplete(Irp, srb);
}
