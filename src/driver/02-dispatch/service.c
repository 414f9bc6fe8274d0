/**
 * \file
 * The control interface's front door: HwProcessServiceRequest, and one table of commands.
 *
 * The IRP comes at PASSIVE_LEVEL, in the thread of the program that sent it: that is why the
 * articles configure their devices through it, and not through IOCTL_SCSI_MINIPORT. What is in the
 * buffer was written by anybody who could open the adapter, so it is believed in nothing: lengths,
 * signature and version are checked first, then whether the caller may do what he asks for.
 */
#include "02-dispatch/connection.h"

/** One command. */
typedef struct _VMINI_COMMAND_ROW {
    ULONG InputLength;  /**< Exactly so many bytes come in. */
    ULONG OutputLength; /**< At least so many go out. */
    BOOLEAN Privileged; /**< Changes something: needs SeManageVolumePrivilege. */
    VMINI_COMMAND_HANDLER *Handler;
} VMINI_COMMAND_ROW;

/**
 * VminiCommandScsiport: "yes, it is me". \irql{PASSIVE_LEVEL}
 * \article{Part III, IOCTL_OSRVMPORT_SCSIPOINT}
 */
static NTSTATUS VminiCommandScsiportHandler(_Inout_ PVMINI_SERVICE_REQUEST Request)
{
    PVMINI_SCSIPORT_OUT Out = Request->Buffer;
    PVMINI_ADAPTER Adapter = Request->Adapter;

    Out->Signature = VMINI_COMMAND_SIGNATURE;
    Out->Version = VMINI_COMMAND_VERSION;
    Out->NumberOfBuses = Adapter->NumberOfBuses;
    Out->MaximumTargets = Adapter->MaximumTargets;
    Out->MaximumLuns = Adapter->MaximumLuns;
    Out->ActiveDevices = VminiBusCount(Adapter);
    Request->Information = sizeof(*Out);
    return STATUS_SUCCESS;
}

//! [commands]
static const VMINI_COMMAND_ROW VminiCommands[] = {
    [VminiCommandScsiport] = {sizeof(VMINI_COMMAND), sizeof(VMINI_SCSIPORT_OUT), FALSE,
                              VminiCommandScsiportHandler},
    [VminiCommandConnect] = {sizeof(VMINI_CONNECT_IN), sizeof(VMINI_CONNECT_OUT), TRUE,
                             VminiCommandConnectHandler},
    [VminiCommandDisconnect] = {sizeof(VMINI_DISCONNECT_IN), 0, TRUE,
                                VminiCommandDisconnectHandler},
    [VminiCommandActiveList] = {sizeof(VMINI_COMMAND), FIELD_OFFSET(VMINI_ACTIVE_LIST_OUT, Entries),
                                FALSE, VminiCommandActiveListHandler},
    [VminiCommandWaitEvent] = {sizeof(VMINI_WAIT_EVENT_IN), sizeof(VMINI_EVENT), FALSE,
                               VminiCommandWaitEventHandler},
};
//! [commands]

/**
 * May the caller change what is connected? The IOCTL's own access bits (read and write) were
 * checked when the handle was opened, and are the same for every command behind it; so the command
 * is checked here. \irql{PASSIVE_LEVEL}
 */
static BOOLEAN VminiServiceMayChange(_In_ PIRP Irp)
{
    return SeSinglePrivilegeCheck(RtlConvertLongToLuid(SE_MANAGE_VOLUME_PRIVILEGE),
                                  Irp->RequestorMode);
}

/** Finds the command, or says what is wrong with the request. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiServiceCheck(_In_ const VMINI_SERVICE_REQUEST *Request,
                                  _Outptr_ const VMINI_COMMAND_ROW **Row)
{
    const VMINI_COMMAND *Command = Request->Buffer;

    if (Command == NULL || Request->InputLength < sizeof(*Command)) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    if (Command->Signature != VMINI_COMMAND_SIGNATURE) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Command->Version != VMINI_COMMAND_VERSION) {
        return STATUS_REVISION_MISMATCH;
    }
    if (Command->Code >= RTL_NUMBER_OF(VminiCommands) ||
        VminiCommands[Command->Code].Handler == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    *Row = &VminiCommands[Command->Code];
    if (Request->InputLength != (*Row)->InputLength || Command->Length != (*Row)->InputLength) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    if (Request->OutputLength < (*Row)->OutputLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if ((*Row)->Privileged && !VminiServiceMayChange(Request->Irp)) {
        return STATUS_PRIVILEGE_NOT_HELD;
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID VminiServiceBusy(PVMINI_SERVICE Service, LONG Change)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    Service->Busy += Change;
    if (Service->Busy == 0) {
        /* Under the lock: see VminiServiceDrain. */
        KeSetEvent(&Service->Idle, IO_NO_INCREMENT, FALSE);
    } else {
        KeClearEvent(&Service->Idle);
    }
    KeReleaseSpinLock(&Service->Lock, OldIrql);
}

_Use_decl_annotations_ VOID VminiServiceComplete(PVMINI_ADAPTER Adapter, PIRP Irp, NTSTATUS Status,
                                                 ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information =
        NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW ? Information : 0;
    (VOID) StorPortCompleteServiceIrp(Adapter, Irp); /* Fails only for a NULL IRP. */
}

/** \copydoc VminiHwProcessServiceRequest */
_Use_decl_annotations_ VOID NTAPI VminiHwProcessServiceRequest(PVOID DeviceExtension, PVOID Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation((PIRP)Irp);
    VMINI_SERVICE_REQUEST Request = {
        DeviceExtension, Irp, ((PIRP)Irp)->AssociatedIrp.SystemBuffer, 0, 0, 0};
    const VMINI_COMMAND_ROW *Row;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        Request.InputLength = Stack->Parameters.DeviceIoControl.InputBufferLength;
        Request.OutputLength = Stack->Parameters.DeviceIoControl.OutputBufferLength;
        Status = VminiServiceCheck(&Request, &Row);
        if (NT_SUCCESS(Status)) {
            Status = Row->Handler(&Request);
        }
    }
    VminiTrace(Request.Adapter, NT_SUCCESS(Status) ? TRACE_LEVEL_INFORMATION : TRACE_LEVEL_WARNING,
               VMINI_TRACE_CONNECT, L"service request", L"status", (ULONG)Status, NULL, 0);
    if (Status != STATUS_PENDING) {
        VminiServiceComplete(Request.Adapter, Irp, Status, Request.Information);
    }
}

_Use_decl_annotations_ NTSTATUS VminiServiceCreate(PVMINI_ADAPTER Adapter)
{
    PVMINI_SERVICE Service =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Service), VMINI_TAG_CONNECT);
    NTSTATUS Status;

    if (Service == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Service, sizeof(*Service));
    Service->Adapter = Adapter;
    KeInitializeEvent(&Service->Idle, NotificationEvent, TRUE);
    KeInitializeSpinLock(&Service->Lock);
    InitializeListHead(&Service->Connections);
    InitializeListHead(&Service->Pended);
    Service->NextSequence = 1;
    Status = VminiPendedInitialize(Service);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Service, VMINI_TAG_CONNECT);
        return Status;
    }
    Adapter->Service = Service;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID VminiServiceClose(PVMINI_ADAPTER Adapter)
{
    PVMINI_SERVICE Service = Adapter->Service;
    KIRQL OldIrql;
    PIRP Irp;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    Service->Closed = TRUE; /* From here on VminiPendedQueue takes nothing. */
    KeReleaseSpinLock(&Service->Lock, OldIrql);
    while ((Irp = VminiPendedTake(Adapter, VminiPendedAny, NULL)) != NULL) {
        VminiPendedGiveUp(Adapter, Irp, STATUS_DEVICE_REMOVED);
    }
}

_Use_decl_annotations_ VOID VminiServiceReopen(PVMINI_ADAPTER Adapter)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Adapter->Service->Lock, &OldIrql);
    Adapter->Service->Closed = FALSE;
    KeReleaseSpinLock(&Adapter->Service->Lock, OldIrql);
}

/** \copydoc VminiHwCompleteServiceIrp */
_Use_decl_annotations_ VOID NTAPI VminiHwCompleteServiceIrp(PVOID DeviceExtension)
{
    PVMINI_ADAPTER Adapter = DeviceExtension;

    if (Adapter->Service != NULL) {
        VminiServiceClose(Adapter); /* Waits for nothing: the threads may be parked. */
    }
}

_Use_decl_annotations_ VOID VminiServiceDrain(PVMINI_ADAPTER Adapter)
{
    PVMINI_SERVICE Service = Adapter->Service;
    KIRQL OldIrql;

    KeWaitForSingleObject(&Service->Idle, Executive, KernelMode, FALSE, NULL);
    /* Whoever set the event still held the lock. Once we have had it, he is out of the service, and
     * it may go. */
    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    KeReleaseSpinLock(&Service->Lock, OldIrql);
}

_Use_decl_annotations_ VOID VminiServiceDestroy(PVMINI_ADAPTER Adapter)
{
    NT_ASSERT(IsListEmpty(&Adapter->Service->Connections) &&
              IsListEmpty(&Adapter->Service->Pended));
    ExFreePoolWithTag(Adapter->Service, VMINI_TAG_CONNECT);
    Adapter->Service = NULL;
}
