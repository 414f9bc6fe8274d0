/*
 * PnP, power and WMI IRPs: the dispatch routines of the driver object, and what concerns the
 * adapter's FDO. An LU PDO's part is in unitpnp.c.
 */
#include "storport/internal.h"

NTSTATUS PortComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS PortPassDown(PPORT_ADAPTER Adapter, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Adapter->Lower, Irp);
}

/** \irql{<= DISPATCH_LEVEL} */
static NTSTATUS NTAPI PortForwardDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/** Lets the lower devices have the IRP first; it is ours again afterwards. \irql{PASSIVE_LEVEL} */
static NTSTATUS PortForwardAndWait(PPORT_ADAPTER Adapter, PIRP Irp)
{
    KEVENT done;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PortForwardDone, &done, TRUE, TRUE, TRUE);
    if (IoCallDriver(Adapter->Lower, Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    }
    return Irp->IoStatus.Status;
}

static NTSTATUS PortAdapterStartIrp(PPORT_ADAPTER Adapter, PIRP Irp)
{
    NTSTATUS status = PortForwardAndWait(Adapter, Irp);

    if (NT_SUCCESS(status)) {
        /* After IRP_MN_STOP_DEVICE the device extension is as the miniport left it, and it is found
         * again. */
        status = PortAdapterStart(Adapter);
    }
    return PortComplete(Irp, status, 0);
}

static NTSTATUS PortAdapterRemoveIrp(PPORT_ADAPTER Adapter, PIRP Irp)
{
    PDEVICE_OBJECT self = Adapter->Common.Self, lower = Adapter->Lower;
    NTSTATUS status;

    PortAdapterRemove(Adapter);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = PortPassDown(Adapter, Irp);
    IoDetachDevice(lower);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS PortAdapterPnp(PPORT_ADAPTER Adapter, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return PortAdapterStartIrp(Adapter, Irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (location->Parameters.QueryDeviceRelations.Type == BusRelations &&
            Adapter->State == PortRunning) {
            return PortBusRelations(Adapter, Irp);
        }
        return PortPassDown(Adapter, Irp);
    case IRP_MN_STOP_DEVICE:
        PortStop(Adapter);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return PortPassDown(Adapter, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        if (Adapter->State == PortRunning && Adapter->AdapterControl[ScsiAdapterSurpriseRemoval]) {
            PortAdapterControl(Adapter, ScsiAdapterSurpriseRemoval, NULL);
        }
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return PortPassDown(Adapter, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return PortAdapterRemoveIrp(Adapter, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return PortPassDown(Adapter, Irp);
    default:
        return PortPassDown(Adapter, Irp);
    }
}

NTSTATUS NTAPI PortDispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPORT_DEVICE device = DeviceObject->DeviceExtension;

    if (device->Kind == PORT_KIND_UNIT) {
        return PortUnitPnp((PPORT_UNIT_DEVICE)device, Irp);
    }
    return PortAdapterPnp((PPORT_ADAPTER)device, Irp);
}

/** A unit's power state is told by an SRB, unless ScsiUnitPower is supported; the adapter's goes
 * through port_adapter_stop and port_adapter_restart. */
NTSTATUS NTAPI PortDispatchPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPORT_DEVICE device = DeviceObject->DeviceExtension;

    if (device->Kind == PORT_KIND_UNIT) {
        return PortComplete(Irp, STATUS_SUCCESS, 0);
    }
    return PortPassDown((PPORT_ADAPTER)device, Irp);
}

/** WMI: no provider registers here. */
NTSTATUS NTAPI PortDispatchSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPORT_DEVICE device = DeviceObject->DeviceExtension;

    if (device->Kind == PORT_KIND_UNIT) {
        return PortComplete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
    }
    return PortPassDown((PPORT_ADAPTER)device, Irp);
}

/** CREATE, CLEANUP, CLOSE: anyone may open; what a handle may do is checked per IOCTL. */
NTSTATUS NTAPI PortDispatchOpen(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPORT_DEVICE device = DeviceObject->DeviceExtension;
    BOOLEAN gone =
        device->Kind == PORT_KIND_ADAPTER && ((PPORT_ADAPTER)device)->State != PortRunning;

    if (gone && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        return PortComplete(Irp, STATUS_NO_SUCH_DEVICE, 0);
    }
    return PortComplete(Irp, STATUS_SUCCESS, 0);
}
