/*
 * What applications and class drivers ask the port: IRP_MJ_SCSI to a unit's PDO (SRBs; some end
 * here, the rest go to the miniport), and IRP_MJ_DEVICE_CONTROL to the adapter and to the units.
 * All control codes are METHOD_BUFFERED: one buffer holds input and output, and no length is
 * believed before it is compared.
 */
#include "storport/internal.h"

/* --- IRP_MJ_SCSI --- */

/** Functions that the port itself answers. \return FALSE if the miniport gets it. */
static BOOLEAN PortAnswersItself(PPORT_UNIT Unit, UCHAR Function, UCHAR *SrbStatus)
{
    BOOLEAN extended = Unit->Adapter->Config.SrbType == SRB_TYPE_STORAGE_REQUEST_BLOCK;

    *SrbStatus = SRB_STATUS_SUCCESS;
    switch (Function) {
    case SRB_FUNCTION_CLAIM_DEVICE:
        *SrbStatus = Unit->Pdo == NULL ? SRB_STATUS_NO_DEVICE
                     : Unit->Claimed   ? SRB_STATUS_BUSY
                                       : SRB_STATUS_SUCCESS;
        Unit->Claimed = Unit->Pdo != NULL;
        return TRUE;
    case SRB_FUNCTION_RELEASE_DEVICE:
    case SRB_FUNCTION_REMOVE_DEVICE:
        Unit->Claimed = FALSE;
        return TRUE;
    case SRB_FUNCTION_RELEASE_QUEUE:
        PortReleaseUnit(Unit, PORT_HOLD_FROZEN);
        return TRUE;
    case SRB_FUNCTION_FLUSH_QUEUE:
        PortUnitFinishQueued(Unit, NULL, SRB_STATUS_REQUEST_FLUSHED);
        PortReleaseUnit(Unit, PORT_HOLD_FROZEN);
        return TRUE;
    case SRB_FUNCTION_LOCK_QUEUE:
        PortHoldUnit(Unit, PORT_HOLD_LOCKED);
        return TRUE;
    case SRB_FUNCTION_UNLOCK_QUEUE:
        PortReleaseUnit(Unit, PORT_HOLD_LOCKED);
        return TRUE;
    case SRB_FUNCTION_QUIESCE_DEVICE:
        return TRUE;
    case SRB_FUNCTION_FLUSH: /* only where something is cached */
        return !Unit->Adapter->Config.CachesData;
    case SRB_FUNCTION_SHUTDOWN:
        /* The two pages differ: legacy SRBs only with CachesData, extended ones always. */
        return !Unit->Adapter->Config.CachesData && !extended;
    case SRB_FUNCTION_POWER: /* replaced by the control call */
        return Unit->Adapter->UnitControl[ScsiUnitPower];
    default:
        return FALSE;
    }
}

/** An SRB for a unit: answered here, or the miniport's. \irql{<= DISPATCH_LEVEL} */
NTSTATUS PortUnitScsi(PPORT_UNIT Unit, PIRP Irp)
{
    PSCSI_REQUEST_BLOCK srb = IoGetCurrentIrpStackLocation(Irp)->Parameters.Scsi.Srb;
    NTSTATUS status;
    UCHAR srbStatus;

    if (SrbGetSrbFunction(srb) != SRB_FUNCTION_EXECUTE_SCSI &&
        PortAnswersItself(Unit, (UCHAR)SrbGetSrbFunction(srb), &srbStatus)) {
        PortSrbSetStatus(srb, srbStatus);
        status = srbStatus == SRB_STATUS_BUSY ? STATUS_DEVICE_BUSY : PortStatusOfSrb(srbStatus);
        return PortComplete(Irp, status, 0);
    }
    return PortUnitSubmit(Unit, Irp);
}

/** \irql{<= DISPATCH_LEVEL} */
NTSTATUS NTAPI PortDispatchScsi(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPORT_UNIT_DEVICE device = DeviceObject->DeviceExtension;

    if (device->Common.Kind != PORT_KIND_UNIT) {
        return PortComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    return PortUnitScsi(device->Unit, Irp);
}

/* --- service IRPs --- */

/** IOCTL_MINIPORT_PROCESS_SERVICE_IRP: the miniport has the IRP until it gives it to
 * StorPortCompleteServiceIrp. */
static NTSTATUS PortServiceIrp(PPORT_ADAPTER Adapter, PIRP Irp)
{
    PHW_PROCESS_SERVICE_REQUEST process = Adapter->Driver->Data.HwProcessServiceRequest;
    PORT_CALL call;

    if (process == NULL) {
        return PortComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    InterlockedIncrement(&Adapter->ServiceIrps);
    IoMarkIrpPending(Irp);
    PortCallEnter(&call, "HwProcessServiceRequest", 0, 0);
    process(Adapter->Extension, Irp);
    PortCallLeave(&call, 0);
    return STATUS_PENDING;
}

/** StorPortCompleteServiceIrp. \irql{<= DISPATCH_LEVEL} */
NTSTATUS PortCompleteServiceIrp(PPORT_ADAPTER Adapter, PIRP Irp)
{
    if (InterlockedDecrement(&Adapter->ServiceIrps) < 0) {
        PORT_VIOLATION(SERVICE_IRP_TWICE, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x3009, 0, 0, 0,
                       "StorPortCompleteServiceIrp was called more often than "
                       "HwProcessServiceRequest got an IRP");
    }
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* --- IOCTL_SCSI_MINIPORT --- */

/** SRB_FUNCTION_IO_CONTROL with the caller's SRB_IO_CONTROL and what follows it, in nonpaged
 * memory. */
NTSTATUS PortMiniportIoctl(PPORT_UNIT Unit, PPORT_ADAPTER Adapter, PVOID Buffer, ULONG InputLength,
                           ULONG OutputLength, PULONG_PTR Information)
{
    PSRB_IO_CONTROL header = Buffer;
    ULONG length = max(InputLength, OutputLength);
    PORT_SRB_FIELDS fields = {.Function = SRB_FUNCTION_IO_CONTROL,
                              .SrbFlags = SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE,
                              .DataLength = length};
    PPORT_UNIT unit = Unit;
    UCHAR status;

    if (InputLength < sizeof(*header) || header->HeaderLength != sizeof(*header) ||
        header->Length > length - sizeof(*header)) {
        return STATUS_INVALID_PARAMETER;
    }
    unit =
        Unit != NULL ? Unit : PortUnitGet(Adapter, 0, 0, 0, TRUE); /* the adapter's go to 0:0:0 */
    fields.Data = ExAllocatePoolWithTag(NonPagedPoolNx, length, PORT_TAG);
    if (fields.Data == NULL || unit == NULL) {
        if (fields.Data != NULL) {
            ExFreePoolWithTag(fields.Data, PORT_TAG);
        }
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(fields.Data, length);
    RtlCopyMemory(fields.Data, Buffer, InputLength);
    fields.Timeout = header->Timeout != 0 ? header->Timeout : PORT_INTERNAL_TIMEOUT;
    status = PortSendAndWait(unit, &fields, NULL);
    *Information =
        min(OutputLength, (ULONG)sizeof(*header) + ((PSRB_IO_CONTROL)fields.Data)->Length);
    RtlCopyMemory(Buffer, fields.Data, OutputLength);
    ExFreePoolWithTag(fields.Data, PORT_TAG);
    if (Unit == NULL) {
        PortUnitRelease(unit);
    }
    if (!NT_SUCCESS(PortStatusOfSrb(status))) {
        *Information = 0;
    }
    return PortStatusOfSrb(status);
}

/* --- the rest --- */

static NTSTATUS PortGetAddress(PPORT_UNIT Unit, PVOID Buffer, ULONG OutputLength,
                               PULONG_PTR Information)
{
    SCSI_ADDRESS address = {.Length = sizeof(address),
                            .PortNumber = (UCHAR)Unit->Adapter->Number,
                            .PathId = Unit->Path,
                            .TargetId = Unit->Target,
                            .Lun = Unit->Lun};

    if (OutputLength < sizeof(address)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(Buffer, &address, sizeof(address));
    *Information = sizeof(address);
    return STATUS_SUCCESS;
}

static NTSTATUS PortRescan(PPORT_ADAPTER Adapter)
{
    IoInvalidateDeviceRelations(Adapter->Pdo, BusRelations);
    return STATUS_SUCCESS;
}

/** \irql{PASSIVE_LEVEL} */
NTSTATUS NTAPI PortDispatchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPORT_DEVICE device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    PPORT_UNIT unit = device->Kind == PORT_KIND_UNIT ? ((PPORT_UNIT_DEVICE)device)->Unit : NULL;
    PPORT_ADAPTER adapter = unit != NULL ? unit->Adapter : (PPORT_ADAPTER)device;
    ULONG input = location->Parameters.DeviceIoControl.InputBufferLength;
    ULONG output = location->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    ULONG_PTR information = 0;

    if (adapter->State != PortRunning) {
        return PortComplete(Irp, STATUS_NO_SUCH_DEVICE, 0);
    }
    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_MINIPORT_PROCESS_SERVICE_IRP:
        if (unit == NULL) {
            return PortServiceIrp(adapter, Irp);
        }
        break;
    case IOCTL_SCSI_MINIPORT:
        status = PortMiniportIoctl(unit, adapter, buffer, input, output, &information);
        break;
    case IOCTL_STORAGE_QUERY_PROPERTY:
        status = PortQueryProperty(adapter, unit, buffer, input, output, &information);
        break;
    case IOCTL_SCSI_GET_ADDRESS:
        if (unit != NULL) {
            status = PortGetAddress(unit, buffer, output, &information);
        }
        break;
    case IOCTL_SCSI_RESCAN_BUS:
        status = PortRescan(adapter);
        break;
    default:
        break;
    }
    return PortComplete(Irp, status, information);
}
