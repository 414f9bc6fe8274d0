/**
 * \file
 * Events, and WAIT_EVENT: the driver calls the program, by answering a question that was asked in
 * advance.
 *
 * This is what the service IRP was made for ("reverse callback"): a program leaves an IRP with the
 * driver and gets it back when something has happened. Between two of its questions a program would
 * miss events, so the last ones are kept in a ring, numbered; a question names the last number that
 * its asker knows. (Microsoft, Implementing a Storport virtual miniport driver,
 * HwProcessServiceRequest)
 */
#include "02-dispatch/connection.h"

_Use_decl_annotations_ BOOLEAN VminiEventIsNewer(const VMINI_SERVICE *Service,
                                                 ULONGLONG LastSequence)
{
    return LastSequence + 1 < Service->NextSequence;
}

/** Copies the first event after LastSequence; there is one. \irql{<= DISPATCH_LEVEL} */
static VOID VminiEventRead(_In_ PVMINI_SERVICE Service, _In_ ULONGLONG LastSequence,
                           _Out_ PVMINI_EVENT Event)
{
    ULONGLONG First = LastSequence + 1;
    ULONGLONG Oldest;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    NT_ASSERT(VminiEventIsNewer(Service, LastSequence));
    Oldest =
        Service->NextSequence > VMINI_EVENT_RING ? Service->NextSequence - VMINI_EVENT_RING : 1;
    Oldest = max(Oldest, First);
    *Event = Service->Ring[Oldest % VMINI_EVENT_RING];
    Event->Lost = (ULONG)min(Oldest - First, MAXULONG);
    KeReleaseSpinLock(&Service->Lock, OldIrql);
}

/** Writes an event into the ring. \irql{<= DISPATCH_LEVEL} */
static VOID VminiEventRecord(_In_ PVMINI_SERVICE Service, _In_ VMINI_EVENT_KIND Kind,
                             _In_ VMINI_ADDRESS Address,
                             _In_reads_(VMINI_PATH_LENGTH) const WCHAR *Path, _In_ NTSTATUS Status)
{
    PVMINI_EVENT Event;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Service->Lock, &OldIrql);
    Event = &Service->Ring[Service->NextSequence % VMINI_EVENT_RING];
    RtlZeroMemory(Event, sizeof(*Event));
    Event->Sequence = Service->NextSequence++;
    Event->Kind = (ULONG)Kind;
    Event->Address = Address;
    Event->Status = Status;
    RtlCopyMemory(Event->PathName, Path, sizeof(Event->PathName));
    KeReleaseSpinLock(&Service->Lock, OldIrql);
}

_Use_decl_annotations_ VOID VminiEventPost(PVMINI_ADAPTER Adapter, VMINI_EVENT_KIND Kind,
                                           VMINI_ADDRESS Address, const WCHAR *Path,
                                           NTSTATUS Status)
{
    PIRP Irp;

    VminiEventRecord(Adapter->Service, Kind, Address, Path, Status);
    while ((Irp = VminiPendedTake(Adapter, VminiPendedWaitEvent, NULL)) != NULL) {
        ULONGLONG LastSequence = (ULONG_PTR)Irp->Tail.Overlay.DriverContext[2];
        VminiEventRead(Adapter->Service, LastSequence, Irp->AssociatedIrp.SystemBuffer);
        VminiPendedComplete(Adapter, Irp, STATUS_SUCCESS, sizeof(VMINI_EVENT));
    }
}

_Use_decl_annotations_ VOID VminiServiceMediaError(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device,
                                                   NTSTATUS Status)
{
    VminiTrace(Adapter, TRACE_LEVEL_ERROR, VMINI_TRACE_IO, L"media error", L"status", (ULONG)Status,
               L"target", Device->Unit.Address.Target);
    VminiEventPost(Adapter, VminiEventMediaError, Device->Unit.Address,
                   Device->Connection->UserPath, Status);
}

/** \copydoc VMINI_COMMAND_HANDLER */
_Use_decl_annotations_ NTSTATUS VminiCommandWaitEventHandler(PVMINI_SERVICE_REQUEST Request)
{
    const VMINI_WAIT_EVENT_IN *In = Request->Buffer;
    /* Before the answer overwrites it: the buffer is the same. */
    ULONGLONG LastSequence = In->LastSequence;
    NTSTATUS Status;

    Status =
        VminiPendedQueue(Request->Adapter, Request->Irp, VminiPendedWaitEvent, NULL, LastSequence);
    if (Status != STATUS_RETRY) {
        return Status;
    }
    /* Events do not go away. */
    VminiEventRead(Request->Adapter->Service, LastSequence, Request->Buffer);
    Request->Information = sizeof(VMINI_EVENT);
    return STATUS_SUCCESS;
}
