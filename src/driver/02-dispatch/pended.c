/**
 * \file
 * The cancel-safe queue of service IRPs.
 *
 * A pended IRP can end in two ways at once: its event happens, and its caller gives up. The I/O
 * manager's IO_CSQ makes one of the two win, provided that these callbacks keep its rules: all of
 * them run with the queue's lock held but the last, which gets an IRP that is already out of the
 * queue. The lock is the service's own, so that "has it happened already?" and "then wait for it"
 * are one step.
 */
#include "02-dispatch/connection.h"

/** What VminiPendedQueue tells VminiPendedInsert. */
typedef struct _VMINI_PENDED_INSERT {
    VMINI_PENDED_KIND Kind;
    PVMINI_CONNECTION Connection;
    ULONGLONG LastSequence;
} VMINI_PENDED_INSERT;

/** The service that a queue is part of. */
static PVMINI_SERVICE VminiPendedService(_In_ PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, VMINI_SERVICE, Csq);
}

/** Has what the IRP would wait for happened already? \locks{service's lock held} */
static NTSTATUS VminiPendedCheck(_In_ const VMINI_SERVICE *Service,
                                 _In_ const VMINI_PENDED_INSERT *Insert)
{
    if (Service->Closed) {
        return STATUS_DELETE_PENDING;
    }
    if (Insert->Kind == VminiPendedDisconnect && Insert->Connection->Gone) {
        return STATUS_DELETE_PENDING;
    }
    if (Insert->Kind == VminiPendedWaitEvent && Insert->LastSequence >= Service->NextSequence) {
        return STATUS_INVALID_PARAMETER; /* From another life of the adapter, or made up. */
    }
    if (Insert->Kind == VminiPendedWaitEvent && VminiEventIsNewer(Service, Insert->LastSequence)) {
        return STATUS_RETRY;
    }
    return STATUS_SUCCESS;
}

/**
 * IO_CSQ: insert. A status other than success leaves the IRP to the caller. \irql{DISPATCH_LEVEL}
 */
static NTSTATUS NTAPI VminiPendedInsert(_In_ PIO_CSQ Csq, _In_ PIRP Irp, _In_ PVOID InsertContext)
{
    PVMINI_SERVICE Service = VminiPendedService(Csq);
    const VMINI_PENDED_INSERT *Insert = InsertContext;
    NTSTATUS Status = VminiPendedCheck(Service, Insert);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The IRP is ours while it is pended, and so are its DriverContext fields but the last, which
     * is the queue's. */
    Irp->Tail.Overlay.DriverContext[0] = (PVOID)(ULONG_PTR)Insert->Kind;
    Irp->Tail.Overlay.DriverContext[1] = Insert->Connection;
    Irp->Tail.Overlay.DriverContext[2] = (PVOID)(ULONG_PTR)Insert->LastSequence;
    if (Insert->Connection != NULL) {
        InterlockedIncrement(&Insert->Connection->References);
    }
    Service->Busy++;
    KeClearEvent(&Service->Idle);
    InsertTailList(&Service->Pended, &Irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

/** IO_CSQ: remove. \irql{DISPATCH_LEVEL} */
static VOID NTAPI VminiPendedRemove(_In_ PIO_CSQ Csq, _In_ PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/** Which IRPs VminiPendedTake wants. */
typedef struct _VMINI_PENDED_SELECT {
    VMINI_PENDED_KIND Kind;
    PVMINI_CONNECTION Connection;
} VMINI_PENDED_SELECT;

/**
 * IO_CSQ: the next one after Irp that PeekContext, a VMINI_PENDED_SELECT, selects.
 * \irql{DISPATCH_LEVEL}
 */
static PIRP NTAPI VminiPendedPeek(_In_ PIO_CSQ Csq, _In_opt_ PIRP Irp, _In_opt_ PVOID PeekContext)
{
    PVMINI_SERVICE Service = VminiPendedService(Csq);
    const VMINI_PENDED_SELECT *Select = PeekContext;
    PLIST_ENTRY Link = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : Service->Pended.Flink;

    for (; Link != &Service->Pended; Link = Link->Flink) {
        PIRP Next = CONTAINING_RECORD(Link, IRP, Tail.Overlay.ListEntry);
        if (Select == NULL || Select->Kind == VminiPendedAny ||
            ((ULONG_PTR)Next->Tail.Overlay.DriverContext[0] == (ULONG_PTR)Select->Kind &&
             Next->Tail.Overlay.DriverContext[1] == Select->Connection)) {
            return Next;
        }
    }
    return NULL;
}

/** IO_CSQ: lock. \irql{<= DISPATCH_LEVEL} */
static VOID NTAPI VminiPendedLock(_In_ PIO_CSQ Csq, _Out_ PKIRQL Irql)
{
    KeAcquireSpinLock(&VminiPendedService(Csq)->Lock, Irql);
}

/** IO_CSQ: unlock. \irql{DISPATCH_LEVEL} */
static VOID NTAPI VminiPendedUnlock(_In_ PIO_CSQ Csq, _In_ KIRQL Irql)
{
    KeReleaseSpinLock(&VminiPendedService(Csq)->Lock, Irql);
}

_Use_decl_annotations_ VOID VminiPendedGiveUp(PVMINI_ADAPTER Adapter, PIRP Irp, NTSTATUS Status)
{
    ULONG_PTR Kind = (ULONG_PTR)Irp->Tail.Overlay.DriverContext[0];
    PVMINI_CONNECTION Connection = Irp->Tail.Overlay.DriverContext[1];

    if (Kind == VminiPendedConnect) {
        InterlockedExchange(&Connection->Unwanted, 1);
        VminiConnectionDepart(Connection);
    }
    VminiPendedComplete(Adapter, Irp, Status, 0);
}

/**
 * IO_CSQ: the caller gave up and the IRP is out of the queue.
 * \irql{<= DISPATCH_LEVEL} \locks{none held} \thread{any: whoever cancels}
 */
static VOID NTAPI VminiPendedCancelled(_In_ PIO_CSQ Csq, _In_ PIRP Irp)
{
    VminiPendedGiveUp(VminiPendedService(Csq)->Adapter, Irp, STATUS_CANCELLED);
}

_Use_decl_annotations_ NTSTATUS VminiPendedInitialize(PVMINI_SERVICE Service)
{
    return IoCsqInitializeEx(&Service->Csq, VminiPendedInsert, VminiPendedRemove, VminiPendedPeek,
                             VminiPendedLock, VminiPendedUnlock, VminiPendedCancelled);
}

_Use_decl_annotations_ NTSTATUS VminiPendedQueue(PVMINI_ADAPTER Adapter, PIRP Irp,
                                                 VMINI_PENDED_KIND Kind,
                                                 PVMINI_CONNECTION Connection,
                                                 ULONGLONG LastSequence)
{
    VMINI_PENDED_INSERT Insert = {Kind, Connection, LastSequence};
    NTSTATUS Status;

    /* No IO_CSQ_IRP_CONTEXT: IoCsqInsertIrpEx fills one in before our insert routine may refuse,
     * and a later IoCsqRemoveIrp would then take an IRP out that never was in. What an IRP waits
     * for stands in the IRP itself. */
    Status = IoCsqInsertIrpEx(&Adapter->Service->Csq, Irp, NULL, &Insert);
    return NT_SUCCESS(Status) ? STATUS_PENDING : Status;
}

_Use_decl_annotations_ PIRP VminiPendedTake(PVMINI_ADAPTER Adapter, VMINI_PENDED_KIND Kind,
                                            PVMINI_CONNECTION Connection)
{
    VMINI_PENDED_SELECT Select = {Kind, Connection};

    return IoCsqRemoveNextIrp(&Adapter->Service->Csq, &Select);
}

_Use_decl_annotations_ VOID VminiPendedComplete(PVMINI_ADAPTER Adapter, PIRP Irp, NTSTATUS Status,
                                                ULONG_PTR Information)
{
    PVMINI_CONNECTION Connection = Irp->Tail.Overlay.DriverContext[1];

    VminiServiceComplete(Adapter, Irp, Status, Information);
    if (Connection != NULL) {
        VminiConnectionDereference(Connection);
    }
    VminiServiceBusy(Adapter->Service, -1); /* Last: the service may go right after. */
}
