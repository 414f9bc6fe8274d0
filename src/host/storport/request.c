/*
 * One SRB on its way to HwStartIo. A request is taken under the unit's lock, when the unit and the
 * adapter let it start, and issued with no lock held, at the sender's IRQL or, as the seed decides,
 * at DISPATCH_LEVEL. While the verifier is on, the miniport gets copies of the SRB, of its sense
 * buffer and of its extension in guarded pool, which are gone the moment the request has ended.
 * This file ends where the miniport has the SRB; complete.c is the way back.
 */
#include "storport/internal.h"

/** An SRB extension is not zeroed; what the last request left in it would look like something. */
#define PORT_POISON 0xA5
/** A request's own references, and those of the call of HwStartIo, which may outlive it. */
#define PORT_REQUEST_REFERENCES 2

static BOOLEAN PortIsReset(UCHAR Function)
{
    return Function == SRB_FUNCTION_RESET_LOGICAL_UNIT || Function == SRB_FUNCTION_RESET_DEVICE ||
           Function == SRB_FUNCTION_RESET_BUS || Function == SRB_FUNCTION_ABORT_COMMAND;
}

/** Does anything speak against starting this SRB now? */
static BOOLEAN PortMustWait(PPORT_UNIT Unit, ULONG SrbFlags, BOOLEAN Reset)
{
    ULONG hold = Unit->Hold;
    ULONG adapterHold = (ULONG)ReadNoFence(&Unit->Adapter->Hold);

    if ((adapterHold & PORT_HOLD_STOPPED) != 0) {
        return TRUE;
    }
    if (Reset) {
        return FALSE;
    }
    if ((SrbFlags & SRB_FLAGS_BYPASS_FROZEN_QUEUE) != 0) {
        hold &= ~PORT_HOLD_FROZEN;
    }
    if ((SrbFlags & SRB_FLAGS_BYPASS_LOCKED_QUEUE) != 0) {
        hold &= ~PORT_HOLD_LOCKED;
    }
    return (hold | adapterHold) != 0 || Unit->OutstandingCount >= Unit->QueueDepth;
}

/** A request block: from the unit's cache, or new. Guarded ones hold no SRB extension. */
static PPORT_REQUEST PortRequestAllocate(PPORT_UNIT Unit)
{
    BOOLEAN guarded = PortGuardRequests();
    PPORT_REQUEST request = Unit->FreeRequests;

    if (request != NULL && request->Guarded == guarded) {
        Unit->FreeRequests = request->NextFree;
        return request;
    }
    request = ExAllocatePoolWithTag(
        NonPagedPoolNx, sizeof(*request) + (guarded ? 0 : Unit->Adapter->Config.SrbExtensionSize),
        PORT_PRIVATE_TAG);
    if (request != NULL) {
        request->Guarded = guarded;
        request->State = PORT_REQUEST_FREE;
        request->Unit = Unit;
    }
    return request;
}

VOID PortRequestFree(PPORT_REQUEST Request)
{
    Request->NextFree = Request->Unit->FreeRequests;
    Request->Unit->FreeRequests = Request;
}

static VOID PortRequestFill(PPORT_REQUEST Request, PIRP Irp, PSCSI_REQUEST_BLOCK Srb,
                            UCHAR Function, BOOLEAN Reset)
{
    ULONG timeout = SrbGetTimeOutValue(Srb);
    PCDB cdb = Function == SRB_FUNCTION_EXECUTE_SCSI ? SrbGetCdb(Srb) : NULL;

    Request->Irp = Irp;
    Request->Srb = Srb;
    Request->Function = Function;
    Request->BypassHold = Reset;
    Request->Opcode = cdb != NULL ? ((PUCHAR)cdb)[0] : 0;
    Request->SenderData = SrbGetDataBuffer(Srb);
    Request->SenderLength = SrbGetDataTransferLength(Srb);
    Request->Resets = 0;
    Request->Timed = timeout != 0;
    Request->TicksLeft = timeout == 0 ? 0 : timeout + 1; /* the first tick may come at once */
    Request->Id = (ULONG64)InterlockedIncrement64(&Request->Unit->Adapter->Started);
    Irp->Tail.Overlay.DriverContext[2] =
        (PVOID)Request->Id; /* for whoever wants to find it in the trace */
}

/** A request that was not taken after all. */
static VOID PortRundownReleaseRequest(PPORT_ADAPTER Adapter)
{
    for (LONG i = 0; i < PORT_REQUEST_REFERENCES; i++) {
        PortRundownRelease(Adapter);
    }
}

NTSTATUS PortRequestTake(PPORT_UNIT Unit, PIRP Irp, PPORT_REQUEST *Request)
{
    PPORT_ADAPTER adapter = Unit->Adapter;
    PSCSI_REQUEST_BLOCK srb = IoGetCurrentIrpStackLocation(Irp)->Parameters.Scsi.Srb;
    UCHAR function = (UCHAR)SrbGetSrbFunction(srb);
    BOOLEAN reset = PortIsReset(function);
    PPORT_REQUEST request;

    if (Unit->Gone) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (PortMustWait(Unit, SrbGetSrbFlags(srb), reset)) {
        return STATUS_DEVICE_BUSY;
    }
    InterlockedAdd(&adapter->Rundown, PORT_REQUEST_REFERENCES);
    if ((ReadAcquire(&adapter->Hold) & (LONG)PORT_HOLD_STOPPED) != 0 ||
        (!reset && !PortAdapterTakeSlot(adapter))) {
        PortRundownReleaseRequest(adapter);
        return STATUS_DEVICE_BUSY;
    }
    request = PortRequestAllocate(Unit);
    if (request == NULL) {
        if (!reset) {
            InterlockedDecrement(&adapter->Outstanding);
        }
        PortRundownReleaseRequest(adapter);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PortRequestFill(request, Irp, srb, function, reset);
    InterlockedAdd(&Unit->References, PORT_REQUEST_REFERENCES);
    InsertTailList(&Unit->Outstanding, &request->Link);
    Unit->OutstandingCount++;
    *Request = request;
    return STATUS_SUCCESS;
}

/** Where the data are in system space; FALSE if they could not be mapped. \irql{<=
 * DISPATCH_LEVEL} */
BOOLEAN PortRequestMapped(PPORT_REQUEST Request, PVOID *Address)
{
    PMDL mdl = Request->Irp->MdlAddress;
    PUCHAR base;

    *Address = Request->SenderData;
    if (mdl == NULL || Request->SenderData == NULL) {
        return TRUE;
    }
    base = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute);
    if (base == NULL) {
        *Address = NULL;
        return FALSE;
    }
    /* The SRB's data may begin in the middle of the MDL. */
    *Address = base + ((PUCHAR)Request->SenderData - (PUCHAR)MmGetMdlVirtualAddress(mdl));
    return TRUE;
}

/** DataBuffer as MapBuffers promises it. \return FALSE when it could not be mapped and has to
 * be. */
static BOOLEAN PortPrepareData(PPORT_REQUEST Request)
{
    BOOLEAN readWrite =
        Request->Function == SRB_FUNCTION_EXECUTE_SCSI && PortSrbIsReadWrite(Request->Opcode);
    UCHAR map = Request->Unit->Adapter->Config.MapBuffers;
    PVOID address;

    if (Request->Function == SRB_FUNCTION_EXECUTE_SCSI &&
        (map == STOR_MAP_NO_BUFFERS ||
         (readWrite && map != STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE))) {
        return TRUE; /* the MDL's own address: good for arithmetic only */
    }
    if (!PortRequestMapped(Request, &address) && !readWrite) {
        return FALSE;
    }
    SrbSetDataBuffer(Request->MiniportSrb, address);
    return TRUE;
}

static PLIST_ENTRY PortIssuedBucket(PPORT_ADAPTER Adapter, PVOID Srb)
{
    return &Adapter->Issued[((ULONG_PTR)Srb >> 4) % PORT_ISSUED_BUCKETS];
}

/** Copies of the SRB, the sense buffer and the extension in pool of their own. \return FALSE
 * without memory. */
static BOOLEAN PortGuardRequest(PPORT_REQUEST Request)
{
    PPORT_ADAPTER adapter = Request->Unit->Adapter;
    ULONG length = PortSrbLength(Request->Srb), extension = adapter->Config.SrbExtensionSize;
    BOOLEAN scsi = Request->Function == SRB_FUNCTION_EXECUTE_SCSI;
    KIRQL irql;

    Request->SenderSense = scsi ? SrbGetSenseInfoBuffer(Request->Srb) : NULL;
    Request->SenseLength =
        Request->SenderSense != NULL ? SrbGetSenseInfoBufferLength(Request->Srb) : 0;
    Request->Sense = NULL;
    Request->SrbExtension = NULL;
    Request->Listed = FALSE;
    Request->MiniportSrb = ExAllocatePoolWithTag(NonPagedPoolNx, length, PORT_TAG);
    if (extension != 0) {
        Request->SrbExtension = ExAllocatePoolWithTag(NonPagedPoolNx, extension, PORT_TAG);
    }
    if (Request->SenseLength != 0) {
        Request->Sense = ExAllocatePoolWithTag(NonPagedPoolNx, Request->SenseLength, PORT_TAG);
    }
    if (Request->MiniportSrb == NULL || (extension != 0 && Request->SrbExtension == NULL) ||
        (Request->SenseLength != 0 && Request->Sense == NULL)) {
        return FALSE;
    }
    RtlCopyMemory(Request->MiniportSrb, Request->Srb, length);
    if (Request->Sense != NULL) {
        RtlCopyMemory(Request->Sense, Request->SenderSense, Request->SenseLength);
        PortSrbSetSense(Request->MiniportSrb, Request->Sense, Request->SenseLength);
    }
    KeAcquireSpinLock(&adapter->Lock, &irql);
    InsertTailList(PortIssuedBucket(adapter, Request->MiniportSrb), &Request->IssuedLink);
    KeReleaseSpinLock(&adapter->Lock, irql);
    Request->Listed = TRUE;
    return TRUE;
}

/** What the miniport sees of the request. */
static BOOLEAN PortRequestPrepare(PPORT_REQUEST Request)
{
    if (Request->Guarded) {
        if (!PortGuardRequest(Request)) {
            return FALSE;
        }
    } else {
        Request->MiniportSrb = Request->Srb;
        Request->SrbExtension = Request->Inline;
    }
    if (Request->Unit->Adapter->Config.SrbExtensionSize == 0) {
        Request->SrbExtension = NULL;
    } else if (Request->Guarded) {
        RtlFillMemory(Request->SrbExtension, Request->Unit->Adapter->Config.SrbExtensionSize,
                      PORT_POISON);
    }
    Request->Irp->Tail.Overlay.DriverContext[0] = Request;
    SrbSetOriginalRequest(Request->MiniportSrb, Request->Irp);
    PortSrbSetExtension(Request->MiniportSrb, Request->SrbExtension);
    PortSrbSetStatus(Request->MiniportSrb, SRB_STATUS_PENDING);
    return PortPrepareData(Request);
}

/** Calls HwStartIo. After it the request may be gone. */
static VOID PortCallStartIo(PPORT_REQUEST Request)
{
    PPORT_UNIT unit = Request->Unit;
    PPORT_ADAPTER adapter = unit->Adapter;
    ULONG64 id = Request->Id;
    KIRQL irql = KeGetCurrentIrql();
    BOOLEAN raise = irql < DISPATCH_LEVEL && !PortOptions.StartIoAtPassive && PortRandom(2) != 0;
    BOOLEAN started;
    PORT_CALL call;

    if (raise) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
    }
    PortCallEnter(&call, "HwStartIo", id, 0);
    started = adapter->Driver->Data.HwStartIo(adapter->Extension, Request->MiniportSrb);
    PortCallLeave(&call, started);
    if (raise) {
        KeLowerIrql(irql);
    }
    if (!started) {
        PortRequestRefused(unit, Request, id);
    }
}

VOID PortRequestIssue(PPORT_REQUEST Request)
{
    PPORT_UNIT unit = Request->Unit;
    PPORT_ADAPTER adapter = unit->Adapter;

    if (Request->Timed && ReadNoFence(&adapter->TickArmed) == 0) {
        PortTickArm(adapter);
    }
    if (Request->Opcode == SCSIOP_INQUIRY) {
        WriteNoFence(&unit->Inquired, TRUE);
    }
    PortTraceStart(PortSrbName(Request->Function, Request->Opcode), Request->Id,
                   (ULONG64)unit->Path << 16 | (ULONG64)unit->Target << 8 | unit->Lun,
                   Request->Function == SRB_FUNCTION_EXECUTE_SCSI ? Request->Opcode
                                                                  : 0x100u | Request->Function,
                   Request->SenderLength);
    if (PortRequestPrepare(Request)) {
        InterlockedExchange(&Request->State, PORT_REQUEST_ISSUED);
        PortCallStartIo(Request);
    } else {
        PortSrbSetStatus(Request->MiniportSrb != NULL ? Request->MiniportSrb : Request->Srb,
                         SRB_STATUS_INTERNAL_ERROR);
        InterlockedExchange(&Request->State, PORT_REQUEST_COMPLETED);
        PortRequestFinish(Request);
    }
    PortRundownRelease(adapter);
    PortUnitRelease(unit);
}
