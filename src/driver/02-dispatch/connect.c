/**
 * \file
 * CONNECT: from a path to a device that Storport has seen.
 *
 *     program      HwProcessServiceRequest: checks, address, connection in the list, IRP pended,
 *                  DO_CREATE queued
 *     opening      DO_CREATE opens the file as the caller; device record made whole, published,
 *                  BusChangeDetected
 *     Storport     REPORT LUNS, INQUIRY -> VminiServiceEnumerated: the CONNECT ends with the
 *                  device's address
 *
 * At each of the three points the caller may have given up. Then what was built so far is taken
 * down again.
 * \article{Part III, IOCTL_OSRVMPORT_CONNECT}
 */
#include "02-dispatch/connection.h"

/**
 * Gives back what a connection that never became a device holds, and ends its CONNECT. Must not be
 * touched afterwards. \irql{PASSIVE_LEVEL}
 */
static VOID VminiConnectFail(_In_ _Post_invalid_ PVMINI_CONNECTION Connection, _In_ NTSTATUS Status)
{
    PVMINI_ADAPTER Adapter = Connection->Adapter;
    PIRP Irp;

    if (Connection->Open.Media != NULL) {
        (VOID) VminiMediaClose(Connection->Open.Media);
    }
    VminiBusReleaseAddress(Adapter, Connection->Address);
    VminiConnectionRemove(Connection);
    Irp = VminiPendedTake(Adapter, VminiPendedConnect, Connection);
    if (Irp != NULL) {
        VminiPendedComplete(Adapter, Irp, Status, 0);
    }
    if (Connection->Static) {
        VminiStaticFailed(Adapter, Connection->Address, Connection->UserPath, Status);
    }
    VminiConnectionDereference(Connection);
}

/**
 * Makes the device record of an opened connection.
 * \return STATUS_SUCCESS or why there is none. \irql{PASSIVE_LEVEL}
 */
static NTSTATUS VminiConnectMakeDevice(_Inout_ PVMINI_CONNECTION Connection,
                                       _Outptr_ PVMINI_DEVICE *Device)
{
    PVMINI_DEVICE New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), VMINI_TAG_BUS);
    NTSTATUS Status;

    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, sizeof(*New));
    New->Static = Connection->Static;
    Status = VminiUnitInitialize(&New->Unit, Connection->Open.Media, Connection->Flags,
                                 Connection->Address, &Connection->Key);
    if (NT_SUCCESS(Status)) {
        Status = VminiVolumeWatch(Connection);
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(New, VMINI_TAG_BUS);
        return Status;
    }
    New->Connection = Connection;
    *Device = New;
    return STATUS_SUCCESS;
}

/** The file is open: builds the device and lets it arrive. \irql{PASSIVE_LEVEL} */
static VOID VminiConnectArrive(_Inout_ PVMINI_CONNECTION Connection)
{
    PVMINI_SERVICE Service = Connection->Adapter->Service;
    PVMINI_DEVICE Device;
    NTSTATUS Status;
    KIRQL OldIrql;

    Status = VminiConnectMakeDevice(Connection, &Device);
    if (!NT_SUCCESS(Status)) {
        VminiConnectFail(Connection, Status);
        return;
    }
    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    Connection->BlockSize = Device->Unit.BlockSize;
    Connection->BlockCount = Device->Unit.BlockCount;
    Connection->Arrived = TRUE; /* From here on DISCONNECT finds it. */
    KeReleaseSpinLock(&Service->Lock, OldIrql);

    /* The connection belongs to the device now, and may end with it at any moment: a reference of
     * our own lets us ask one last time whether somebody gave up while the device was not there yet
     * to be taken away again. */
    InterlockedIncrement(&Connection->References);
    VminiBusArrive(Connection->Adapter, Device);
    if (InterlockedCompareExchange(&Connection->Unwanted, 0, 0) != 0 ||
        InterlockedCompareExchange(&Connection->ContainingMediaRemoved, 0, 0) != 0) {
        VminiConnectionDepart(Connection);
    }
    VminiConnectionDereference(Connection);
}

/** DO_CREATE has ended. \irql{PASSIVE_LEVEL: the thread of Opening, or VminiWorkQueueDestroy} */
static VOID VminiConnectOpened(_Inout_ PVMINI_CONNECTION Connection)
{
    PVMINI_SERVICE Service = Connection->Adapter->Service;
    NTSTATUS Status = Connection->Work.Status;

    SeDeleteClientSecurity(&Connection->Client);
    if (NT_SUCCESS(Status) && InterlockedCompareExchange(&Connection->Unwanted, 0, 0) != 0) {
        Status = STATUS_CANCELLED;
    }
    if (NT_SUCCESS(Status)) {
        VminiConnectArrive(Connection);
    } else {
        VminiConnectFail(Connection, Status);
    }
    VminiServiceBusy(Service, -1);
}

_Use_decl_annotations_ VOID VminiServiceWorkDone(PVMINI_WORK_ITEM Item)
{
    PVMINI_CONNECTION Connection = CONTAINING_RECORD(Item, VMINI_CONNECTION, Work);

    if (Item->Command == VminiDoCreate) {
        VminiConnectOpened(Connection);
    } else {
        /* DO_CLOSE: VminiServiceDeviceGone waits. */
        KeSetEvent(&Connection->Closed, IO_NO_INCREMENT, FALSE);
    }
}

/** Fills the work item that opens the file. */
static VOID VminiConnectPrepareWork(_Inout_ PVMINI_CONNECTION Connection)
{
    Connection->Open.Path = Connection->NtPath;
    Connection->Open.ReadOnly =
        (Connection->Flags & (VMINI_CONNECT_READ_ONLY | VMINI_CONNECT_CDROM)) != 0;
    Connection->Open.Sparse =
        (Connection->Flags & VMINI_CONNECT_THIN) != 0 && !Connection->Open.ReadOnly;
    Connection->Open.Client = &Connection->Client;
    Connection->Open.Unwanted = &Connection->Unwanted;
    Connection->Work.Command = VminiDoCreate;
    Connection->Work.Open = &Connection->Open;
    Connection->Work.Address.Path = 0xFF; /* No reset concerns it. */
    Connection->Work.Address.Target = 0xFF;
    Connection->Work.Address.Lun = 0xFF;
}

/** Does the list hold a connection with this key? \locks{service's lock held} */
static BOOLEAN VminiConnectIsDuplicate(_In_ const VMINI_SERVICE *Service,
                                       _In_ const VMINI_CONNECTION *Connection)
{
    const LIST_ENTRY *Link;

    for (Link = Service->Connections.Flink; Link != &Service->Connections; Link = Link->Flink) {
        const VMINI_CONNECTION *Other = CONTAINING_RECORD(Link, VMINI_CONNECTION, Link);
        if (Other->Key.Length == Connection->Key.Length &&
            RtlCompareMemory(Other->KeyBuffer, Connection->KeyBuffer, Connection->Key.Length) ==
                Connection->Key.Length) {
            return TRUE;
        }
    }
    return FALSE;
}

/**
 * Puts a whole connection into the list. \article{Tweaks, CreateConnection}
 * \return STATUS_SUCCESS, STATUS_OBJECT_NAME_COLLISION: this file is connected already.
 * \irql{PASSIVE_LEVEL} \locks{takes the service's lock}
 */
static NTSTATUS VminiConnectInsert(_In_ PVMINI_SERVICE Service, _In_ PVMINI_CONNECTION Connection)
{
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    if (VminiConnectIsDuplicate(Service, Connection)) {
        Status = STATUS_OBJECT_NAME_COLLISION;
    } else {
        InsertTailList(&Service->Connections, &Connection->Link);
    }
    KeReleaseSpinLock(&Service->Lock, OldIrql);
    return Status;
}

_Use_decl_annotations_ NTSTATUS VminiConnectionBegin(PVMINI_CONNECTION Connection, PIRP Irp)
{
    PVMINI_ADAPTER Adapter = Connection->Adapter;
    NTSTATUS Status;

    Status = VminiBusReserveAddress(Adapter, &Connection->Address);
    if (!NT_SUCCESS(Status)) {
        SeDeleteClientSecurity(&Connection->Client);
        VminiConnectionDereference(Connection);
        return Status;
    }
    VminiConnectPrepareWork(Connection);
    VminiServiceBusy(Adapter->Service, 1);
    Status = VminiConnectInsert(Adapter->Service, Connection);
    if (NT_SUCCESS(Status)) {
        Status = Irp == NULL ? STATUS_PENDING
                             : VminiPendedQueue(Adapter, Irp, VminiPendedConnect, Connection, 0);
        if (Status == STATUS_PENDING) {
            VminiWorkSubmit(Adapter->Opening, &Connection->Work);
            return STATUS_PENDING; /* Connection may be gone by now. */
        }
        VminiConnectionRemove(Connection);
    }
    SeDeleteClientSecurity(&Connection->Client);
    VminiBusReleaseAddress(Adapter, Connection->Address);
    VminiConnectionDereference(Connection);
    VminiServiceBusy(Adapter->Service, -1);
    return Status;
}

/** \copydoc VMINI_COMMAND_HANDLER */
_Use_decl_annotations_ NTSTATUS VminiCommandConnectHandler(PVMINI_SERVICE_REQUEST Request)
{
    const VMINI_CONNECT_IN *In = Request->Buffer;
    const VMINI_CONNECTION_REQUEST Wanted = {In->Flags, In->Address, In->PathName, FALSE};
    PVMINI_CONNECTION Connection;
    NTSTATUS Status;

    Status = VminiConnectionCreate(Request->Adapter, &Wanted, &Connection);
    return NT_SUCCESS(Status) ? VminiConnectionBegin(Connection, Request->Irp) : Status;
}

_Use_decl_annotations_ VOID VminiServiceEnumerated(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    /* The caller's reference to the device keeps it. */
    PVMINI_CONNECTION Connection = Device->Connection;
    PVMINI_CONNECT_OUT Out;
    KIRQL OldIrql;
    PIRP Irp;

    if (!VminiBusMarkEnumerated(Adapter, Device)) {
        return;
    }
    KeAcquireSpinLock(&Adapter->Service->Lock, &OldIrql);
    Connection->Enumerated = TRUE;
    KeReleaseSpinLock(&Adapter->Service->Lock, OldIrql);
    Irp = VminiPendedTake(Adapter, VminiPendedConnect, Connection);
    if (Irp != NULL) {
        Out = Irp->AssociatedIrp.SystemBuffer;
        Out->Address = Connection->Address;
        Out->BlockSize = Device->Unit.BlockSize;
        Out->BlockCount = Device->Unit.BlockCount;
        VminiPendedComplete(Adapter, Irp, STATUS_SUCCESS, sizeof(*Out));
    }
    VminiEventPost(Adapter, VminiEventArrival, Connection->Address, Connection->UserPath,
                   STATUS_SUCCESS);
}

_Use_decl_annotations_ VOID VminiServiceNotEnumerated(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    PVMINI_CONNECTION Connection = Device->Connection;
    PIRP Irp = VminiPendedTake(Adapter, VminiPendedConnect, Connection);

    if (Irp != NULL) {
        VminiPendedComplete(Adapter, Irp, STATUS_IO_TIMEOUT, 0);
    }
    StorPortNotification(BusChangeDetected, Adapter, Device->Unit.Address.Path);
}
