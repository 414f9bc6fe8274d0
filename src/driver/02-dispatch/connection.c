/**
 * \file
 * A connection as a record: made whole, before anybody can find it; freed by whoever drops the last
 * reference. What happens to it in between is in connect.c and disconnect.c.
 */
#include "02-dispatch/connection.h"

/** Captures who calls, so that the thread that opens the file can be him. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiConnectCapture(_Inout_ PVMINI_CONNECTION Connection)
{
    SECURITY_QUALITY_OF_SERVICE Quality;

    RtlZeroMemory(&Quality, sizeof(Quality));
    Quality.Length = sizeof(Quality);
    Quality.ImpersonationLevel = SecurityImpersonation;
    /* As he is now, not as he may become. */
    Quality.ContextTrackingMode = SECURITY_STATIC_TRACKING;
    return SeCreateClientSecurity(PsGetCurrentThread(), &Quality, FALSE, &Connection->Client);
}

_Use_decl_annotations_ NTSTATUS VminiConnectionCreate(PVMINI_ADAPTER Adapter,
                                                      const VMINI_CONNECTION_REQUEST *Request,
                                                      PVMINI_CONNECTION *Connection)
{
    PVMINI_CONNECTION New;
    NTSTATUS Status;

    if ((Request->Flags & ~VMINI_CONNECT_FLAGS) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), VMINI_TAG_CONNECT);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, sizeof(*New));
    New->Adapter = Adapter;
    New->Flags = Request->Flags;
    New->Static = Request->Static;
    New->Address = Request->Address;
    New->Address.Reserved = 0;
    New->References = 1;
    KeInitializeEvent(&New->Closed, NotificationEvent, FALSE);
    Status = VminiPathResolve(Request->Path, New);
    if (NT_SUCCESS(Status)) {
        Status = VminiConnectCapture(New);
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(New, VMINI_TAG_CONNECT);
        return Status;
    }
    *Connection = New;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID VminiConnectionDereference(PVMINI_CONNECTION Connection)
{
    if (InterlockedDecrement(&Connection->References) == 0) {
        ExFreePoolWithTag(Connection, VMINI_TAG_CONNECT);
    }
}

_Use_decl_annotations_ VOID VminiConnectionRemove(PVMINI_CONNECTION Connection)
{
    PVMINI_SERVICE Service = Connection->Adapter->Service;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    Connection->Gone = TRUE;
    RemoveEntryList(&Connection->Link);
    KeReleaseSpinLock(&Service->Lock, OldIrql);
}
