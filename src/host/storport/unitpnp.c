/*
 * LU PDOs: how a unit that answered in the scan becomes a device of PnP's, and how it goes. The bus
 * relations are the scan's result; a PDO that they no longer hold is removed by PnP, and only then
 * is its unit deleted.
 */
#include "storport/internal.h"

static NTSTATUS PortUnitCreatePdo(PPORT_UNIT Unit)
{
    PDEVICE_OBJECT pdo;
    PPORT_UNIT_DEVICE device;
    NTSTATUS status =
        IoCreateDevice(Unit->Adapter->Common.Self->DriverObject, sizeof(*device), NULL,
                       FILE_DEVICE_MASS_STORAGE, FILE_DEVICE_SECURE_OPEN, FALSE, &pdo);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    device = pdo->DeviceExtension;
    device->Common.Kind = PORT_KIND_UNIT;
    device->Common.Self = pdo;
    device->Unit = Unit;
    PortUnitReference(Unit); /* the PDO's */
    Unit->Pdo = pdo;
    pdo->Flags |= DO_DIRECT_IO | DO_BUS_ENUMERATED_DEVICE;
    pdo->AlignmentRequirement = Unit->Adapter->Config.AlignmentMask;
    pdo->Flags &= ~DO_DEVICE_INITIALIZING;
    PortTracePnp("pdo-created", (ULONG64)Unit->Path << 16 | (ULONG64)Unit->Target << 8 | Unit->Lun);
    return STATUS_SUCCESS;
}

/** PnP has removed the PDO, or the adapter goes with everything on it. \irql{PASSIVE_LEVEL} */
VOID PortUnitDelete(PPORT_UNIT Unit)
{
    PDEVICE_OBJECT pdo = Unit->Pdo;
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Adapter->Lock, &irql);
    Unit->Pdo = NULL;
    KeReleaseSpinLock(&Unit->Adapter->Lock, irql);
    PortUnitGone(Unit);
    PortTracePnp("pdo-deleted", (ULONG64)Unit->Path << 16 | (ULONG64)Unit->Target << 8 | Unit->Lun);
    if (Unit->Present) {
        Unit->Present = FALSE;
        PortUnitRelease(Unit);
    }
    IoDeleteDevice(pdo);
    PortUnitRelease(Unit);
}

/** Counts, or with a list collects, the units to report. */
static ULONG PortCollectUnits(PPORT_ADAPTER Adapter, PDEVICE_RELATIONS Relations, ULONG Room)
{
    ULONG count = 0;

    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        if (!unit->Present || unit->Departed || unit->Pdo == NULL) {
            continue;
        }
        if (Relations != NULL && count < Room) {
            ObReferenceObject(unit->Pdo);
            Relations->Objects[count] = unit->Pdo;
            unit->Reported = TRUE;
        }
        count++;
    }
    return count;
}

/** PDOs for those who came; a mark on those who went. */
static VOID PortArriveAndDepart(PPORT_ADAPTER Adapter)
{
    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        if (unit->Present && unit->Pdo == NULL) {
            PortUnitCreatePdo(unit);
        } else if (!unit->Present && unit->Reported && !unit->Departed) {
            unit->Departed = TRUE;
            PortTracePnp("pdo-missing",
                         (ULONG64)unit->Path << 16 | (ULONG64)unit->Target << 8 | unit->Lun);
        }
    }
}

/** IRP_MN_QUERY_DEVICE_RELATIONS for BusRelations: scan, then report. */
NTSTATUS PortBusRelations(PPORT_ADAPTER Adapter, PIRP Irp)
{
    PDEVICE_RELATIONS relations;
    ULONG count, listed;

    PortScan(Adapter);
    PortArriveAndDepart(Adapter);
    count = PortCollectUnits(Adapter, NULL, 0);
    relations = ExAllocatePoolWithTag(
        PagedPool, sizeof(*relations) + count * sizeof(PDEVICE_OBJECT), PORT_TAG);
    if (relations == NULL) {
        return PortComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    listed = PortCollectUnits(Adapter, relations, count); /* min() would call it twice. */
    relations->Count = min(count, listed);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = (ULONG_PTR)relations;
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Adapter->Lower, Irp);
}

/** Tells the miniport of a PnP event of the unit by an SRB; what it answers does not matter. */
static VOID PortSendPnp(PPORT_UNIT Unit, STOR_PNP_ACTION Action)
{
    PORT_SRB_FIELDS fields = {.Function = SRB_FUNCTION_PNP,
                              .Action = (ULONG)Action,
                              .SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE,
                              .Timeout = PORT_INTERNAL_TIMEOUT};

    if (Unit->Adapter->State == PortRunning) {
        PortSendAndWait(Unit, &fields, NULL);
    }
}

/** StorQueryCapabilities with the buffer of the miniport's own choosing: 8 bytes, or 24 with the
 * feature. */
VOID PortUnitQueryCapabilities(PPORT_UNIT Unit, PDEVICE_CAPABILITIES Capabilities)
{
    BOOLEAN full = (Unit->Adapter->Driver->Data.FeatureSupport &
                    STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES) != 0;
    ULONG size = full ? sizeof(STOR_DEVICE_CAPABILITIES_EX) : sizeof(STOR_DEVICE_CAPABILITIES);
    PVOID buffer = ExAllocatePoolWithTag(NonPagedPoolNx, size, PORT_TAG);
    PSTOR_DEVICE_CAPABILITIES_EX large = buffer;
    PSTOR_DEVICE_CAPABILITIES small = buffer;
    PORT_SRB_FIELDS fields = {.Function = SRB_FUNCTION_PNP,
                              .Action = StorQueryCapabilities,
                              .SrbFlags = SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE,
                              .Data = buffer,
                              .DataLength = size,
                              .Timeout = PORT_INTERNAL_TIMEOUT};

    if (buffer == NULL || Unit->Adapter->State != PortRunning) {
        if (buffer != NULL) {
            ExFreePoolWithTag(buffer, PORT_TAG);
        }
        return;
    }
    RtlZeroMemory(buffer, size);
    if (full) {
        large->Version = STOR_DEVICE_CAPABILITIES_EX_VERSION_1;
        large->Size = (USHORT)size;
    } else {
        small->Version = STOR_DEVICE_CAPABILITIES_VERSION_1;
    }
    if (SRB_STATUS(PortSendAndWait(Unit, &fields, NULL)) == SRB_STATUS_SUCCESS) {
        Capabilities->LockSupported = full ? large->LockSupported : small->LockSupported;
        Capabilities->EjectSupported = full ? large->EjectSupported : small->EjectSupported;
        Capabilities->Removable = full ? large->Removable : small->Removable;
        Capabilities->UniqueID = full ? large->UniqueID : small->UniqueID;
        Capabilities->SilentInstall = full ? large->SilentInstall : small->SilentInstall;
        Capabilities->SurpriseRemovalOK =
            full ? large->SurpriseRemovalOK : small->SurpriseRemovalOK;
        Capabilities->NoDisplayInUI = full ? large->NoDisplayInUI : small->NoDisplayInUI;
        Capabilities->RawDeviceOK = full ? large->RawDeviceOK : 0;
    }
    ExFreePoolWithTag(buffer, PORT_TAG);
}

static NTSTATUS PortUnitCapabilitiesIrp(PPORT_UNIT Unit, PIRP Irp)
{
    PDEVICE_CAPABILITIES capabilities =
        IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceCapabilities.Capabilities;

    capabilities->Address = (ULONG)Unit->Target << 8 | Unit->Lun;
    PortUnitQueryCapabilities(Unit, capabilities);
    return PortComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS PortUnitIdIrp(PPORT_UNIT Unit, PIRP Irp)
{
    PWCHAR text = NULL;
    NTSTATUS status =
        PortQueryId(Unit, IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryId.IdType, &text);

    return PortComplete(Irp, status, (ULONG_PTR)text);
}

/** IRP_MN_REMOVE_DEVICE: a unit that is still there keeps its PDO, and can start again. */
static NTSTATUS PortUnitRemoveIrp(PPORT_UNIT Unit, PIRP Irp)
{
    PPORT_ADAPTER adapter = Unit->Adapter;
    BOOLEAN again = Unit->Replaced;

    PortUnitControl(Unit, ScsiUnitRemove);
    PortSendPnp(Unit, StorRemoveDevice);
    Unit->Started = FALSE;
    Unit->Claimed = FALSE;
    if (Unit->Departed) {
        PortUnitDelete(Unit);
        if (again && adapter->State == PortRunning) {
            IoInvalidateDeviceRelations(adapter->Pdo, BusRelations);
        }
    }
    return PortComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS PortUnitPnp(PPORT_UNIT_DEVICE Device, PIRP Irp)
{
    PPORT_UNIT unit = Device->Unit;

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        unit->Started = TRUE;
        PortUnitControl(unit, ScsiUnitStart);
        PortSendPnp(unit, StorStartDevice);
        return PortComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MN_QUERY_CAPABILITIES:
        return PortUnitCapabilitiesIrp(unit, Irp);
    case IRP_MN_QUERY_ID:
        return PortUnitIdIrp(unit, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        PortUnitControl(unit, ScsiUnitSurpriseRemoval);
        PortSendPnp(unit, StorSurpriseRemoval);
        return PortComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MN_REMOVE_DEVICE:
        return PortUnitRemoveIrp(unit, Irp);
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return PortComplete(Irp, STATUS_SUCCESS, 0);
    default: /* the bus driver is the last: what nobody answered stays unanswered */
        return PortComplete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
    }
}
