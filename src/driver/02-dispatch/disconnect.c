/**
 * \file
 * DISCONNECT and the end of a connection; the list of what is connected.
 *
 * DISCONNECT marks the device Missing and lets the bus do the rest. It answers when the file is
 * closed, so that a program may delete or move the image right after.
 * \article{Part III, IOCTL_OSRVMPORT_DISCONNECT}
 */
#include "02-dispatch/connection.h"

_Use_decl_annotations_ VOID VminiConnectionDepart(PVMINI_CONNECTION Connection)
{
    PVMINI_ADAPTER Adapter = Connection->Adapter;
    PVMINI_DEVICE Device = VminiBusFind(Adapter, Connection->Address);

    if (Device == NULL) {
        return; /* Not there yet, or on its way out. */
    }
    if (Device->Connection == Connection) {
        (VOID) VminiBusDepart(Adapter, Device);
    }
    VminiBusDereference(Adapter, Device);
}

/**
 * Does this connection go by the address or, if that is empty, by the key?
 * \locks{service's lock held}
 */
static BOOLEAN VminiDisconnectMatches(_In_ const VMINI_CONNECTION *Connection,
                                      _In_ const VMINI_CONNECTION *Wanted)
{
    if (Wanted->Key.Length == 0) {
        return Connection->Address.Path == Wanted->Address.Path &&
               Connection->Address.Target == Wanted->Address.Target &&
               Connection->Address.Lun == Wanted->Address.Lun;
    }
    return Connection->Key.Length == Wanted->Key.Length &&
           RtlCompareMemory(Connection->KeyBuffer, Wanted->KeyBuffer, Wanted->Key.Length) ==
               Wanted->Key.Length;
}

/**
 * Finds the connection that is meant, claims it for this DISCONNECT and references it, all under
 * the lock.
 *
 * The first DISCONNECT wins: the file is closed once, and one IRP is told.
 * \return STATUS_SUCCESS, STATUS_NO_SUCH_DEVICE (none that has arrived), STATUS_DELETE_PENDING
 * (claimed before).
 * \irql{<= DISPATCH_LEVEL}
 */
static NTSTATUS VminiDisconnectClaim(_In_ PVMINI_SERVICE Service,
                                     _In_ const VMINI_CONNECTION *Wanted,
                                     _Outptr_ PVMINI_CONNECTION *Claimed)
{
    NTSTATUS Status = STATUS_NO_SUCH_DEVICE;
    PLIST_ENTRY Link;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    for (Link = Service->Connections.Flink; Link != &Service->Connections; Link = Link->Flink) {
        PVMINI_CONNECTION Connection = CONTAINING_RECORD(Link, VMINI_CONNECTION, Link);
        if (!Connection->Arrived || !VminiDisconnectMatches(Connection, Wanted)) {
            continue;
        }
        Status = STATUS_DELETE_PENDING;
        if (!Connection->Disconnecting) {
            Connection->Disconnecting = TRUE;
            InterlockedIncrement(&Connection->References);
            *Claimed = Connection;
            Status = STATUS_SUCCESS;
        }
        break;
    }
    KeReleaseSpinLock(&Service->Lock, OldIrql);
    return Status;
}

/** Nobody waits after all: the next DISCONNECT may claim it. \irql{<= DISPATCH_LEVEL} */
static VOID VminiDisconnectUnclaim(_In_ PVMINI_SERVICE Service, _Inout_ PVMINI_CONNECTION Claimed)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    Claimed->Disconnecting = FALSE;
    KeReleaseSpinLock(&Service->Lock, OldIrql);
}

/**
 * Reads which connection is meant: a scratch record with a key or an address. \irql{PASSIVE_LEVEL}
 */
static NTSTATUS VminiDisconnectParse(_In_ const VMINI_DISCONNECT_IN *In,
                                     _Outptr_ PVMINI_CONNECTION *Wanted)
{
    PVMINI_CONNECTION New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), VMINI_TAG_CONNECT);
    NTSTATUS Status = STATUS_SUCCESS;

    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, sizeof(*New));
    New->Address = In->Address;
    if (In->PathName[0] != 0) {
        Status = VminiPathResolve(In->PathName, New);
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(New, VMINI_TAG_CONNECT);
        return Status;
    }
    *Wanted = New;
    return STATUS_SUCCESS;
}

/** \copydoc VMINI_COMMAND_HANDLER */
_Use_decl_annotations_ NTSTATUS VminiCommandDisconnectHandler(PVMINI_SERVICE_REQUEST Request)
{
    PVMINI_ADAPTER Adapter = Request->Adapter;
    PVMINI_CONNECTION Connection;
    PVMINI_CONNECTION Wanted;
    NTSTATUS Status;

    Status = VminiDisconnectParse(Request->Buffer, &Wanted);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = VminiDisconnectClaim(Adapter->Service, Wanted, &Connection);
    ExFreePoolWithTag(Wanted, VMINI_TAG_CONNECT);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = VminiPendedQueue(Adapter, Request->Irp, VminiPendedDisconnect, Connection, 0);
    if (Status == STATUS_PENDING) {
        /* The flag first: if the device is not on the bus yet, whoever puts it there looks at the
         * flag afterwards. */
        InterlockedExchange(&Connection->Unwanted, 1);
        VminiConnectionDepart(Connection);
    } else {
        VminiDisconnectUnclaim(Adapter->Service, Connection);
    }
    VminiConnectionDereference(Connection);
    return Status;
}

/**
 * Closes the file by DO_CLOSE and waits.
 * \return the status of the flush before the close. \irql{PASSIVE_LEVEL}
 */
static NTSTATUS VminiConnectionClose(_Inout_ PVMINI_CONNECTION Connection)
{
    VMINI_ADDRESS Nowhere = {0xFF, 0xFF, 0xFF, 0};

    RtlZeroMemory(&Connection->Work, sizeof(Connection->Work));
    Connection->Work.Command = VminiDoClose;
    Connection->Work.Address = Nowhere;
    Connection->Work.Media = Connection->Open.Media;
    Connection->Open.Media = NULL;
    VminiWorkSubmit(Connection->Adapter->Closing, &Connection->Work);
    KeWaitForSingleObject(&Connection->Closed, Executive, KernelMode, FALSE, NULL);
    return Connection->Work.Status;
}

_Use_decl_annotations_ VOID VminiServiceDeviceGone(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    PVMINI_CONNECTION Connection = Device->Connection;
    NTSTATUS Status;
    PIRP Irp;

    Device->Connection = NULL;
    Device->Unit.Media = NULL;
    Status = VminiConnectionClose(Connection);
    /* After the close: a query-remove that waits for it holds up VminiVolumeUnwatch until it has
     * returned. */
    VminiVolumeUnwatch(Connection);
    VminiConnectionRemove(Connection);
    /* It left before Storport had asked for it. */
    Irp = VminiPendedTake(Adapter, VminiPendedConnect, Connection);
    if (Irp != NULL) {
        VminiPendedComplete(Adapter, Irp, STATUS_DEVICE_REMOVED, 0);
    }
    Irp = VminiPendedTake(Adapter, VminiPendedDisconnect, Connection);
    if (Irp != NULL) {
        /* A failed flush is the last chance to hear of lost data. */
        VminiPendedComplete(Adapter, Irp, Status, 0);
    }
    VminiEventPost(Adapter, VminiEventDeparture, Connection->Address, Connection->UserPath, Status);
    VminiConnectionDereference(Connection);
}

/** What VMINI_ACTIVE_ENTRY.State says. \locks{service's lock held} */
static ULONG VminiListState(_In_ const VMINI_CONNECTION *Connection)
{
    if (Connection->Unwanted != 0 || Connection->ContainingMediaRemoved != 0) {
        return 2;
    }
    return Connection->Enumerated ? 1 : 0;
}

/** Copies one connection into the answer. \locks{service's lock held} */
static VOID VminiListFill(_Out_ PVMINI_ACTIVE_ENTRY Entry, _In_ const VMINI_CONNECTION *Connection)
{
    RtlZeroMemory(Entry, sizeof(*Entry));
    Entry->Address = Connection->Address;
    Entry->Flags = Connection->Flags;
    Entry->BlockSize = Connection->BlockSize;
    Entry->BlockCount = Connection->BlockCount;
    Entry->State = VminiListState(Connection);
    RtlCopyMemory(Entry->PathName, Connection->UserPath, sizeof(Entry->PathName));
}

/** \copydoc VMINI_COMMAND_HANDLER \article{Part III, IOCTL_OSRVMPORT_GETACTIVELIST} */
_Use_decl_annotations_ NTSTATUS VminiCommandActiveListHandler(PVMINI_SERVICE_REQUEST Request)
{
    PVMINI_SERVICE Service = Request->Adapter->Service;
    PVMINI_ACTIVE_LIST_OUT Out = Request->Buffer;
    ULONG Room = (Request->OutputLength - FIELD_OFFSET(VMINI_ACTIVE_LIST_OUT, Entries)) /
                 sizeof(VMINI_ACTIVE_ENTRY);
    PLIST_ENTRY Link;
    KIRQL OldIrql;

    Out->Total = 0;
    Out->Returned = 0;
    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    for (Link = Service->Connections.Flink; Link != &Service->Connections; Link = Link->Flink) {
        if (Out->Total < Room) {
            VminiListFill(&Out->Entries[Out->Returned++],
                          CONTAINING_RECORD(Link, VMINI_CONNECTION, Link));
        }
        Out->Total++;
    }
    KeReleaseSpinLock(&Service->Lock, OldIrql);
    Request->Information = FIELD_OFFSET(VMINI_ACTIVE_LIST_OUT, Entries) +
                           (ULONG_PTR)Out->Returned * sizeof(VMINI_ACTIVE_ENTRY);
    return Out->Returned < Out->Total ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}
