/**
 * \file
 * How items end, and how a reset waits for them without a thread.
 *
 * A reset has to do three things that pull in different directions: end at once what only waits in
 * the queue, never end what the file system still has, and report its own end only after the last
 * of those. The first is a walk along a list; the second is IoCancelIrp, called without the lock on
 * an IRP that a hold keeps allocated; the third is a drain: a count of the running items that were
 * there when the reset came.
 */
#include "04-workers/queue.h"

_Use_decl_annotations_ BOOLEAN VminiScopeContains(const VMINI_SCOPE *Scope,
                                                  const VMINI_ADDRESS *Address)
{
    if (Address->Path == 0xFF && Address->Target == 0xFF && Address->Lun == 0xFF) {
        return FALSE;
    }
    return (Scope->Level < VminiScopeBus || Scope->Address.Path == Address->Path) &&
           (Scope->Level < VminiScopeTarget || Scope->Address.Target == Address->Target) &&
           (Scope->Level < VminiScopeUnit || Scope->Address.Lun == Address->Lun);
}

/** Is this ticket one that the drain waits for? \locks{queue's lock held} */
static BOOLEAN VminiDrainCounts(_In_ const VMINI_DRAIN *Drain, _In_ const VMINI_WORK_TICKET *Ticket)
{
    return Ticket->Sequence < Drain->Sequence &&
           VminiScopeContains(&Drain->Scope, &Ticket->Address);
}

/**
 * Takes one off a drain; a drain that has nothing left moves to Finished. \locks{queue's lock held}
 */
static VOID VminiDrainDecrement(_Inout_ PVMINI_DRAIN Drain, _Inout_ PLIST_ENTRY Finished)
{
    if (--Drain->Remaining == 0) {
        RemoveEntryList(&Drain->Link);
        InsertTailList(Finished, &Drain->Link);
    }
}

/** Tells the owners of finished drains. The next one is read first: Done gives the drain away.
 *  \irql{<= DISPATCH_LEVEL} \locks{none held} */
static VOID VminiDrainsDone(_Inout_ PLIST_ENTRY Finished)
{
    while (!IsListEmpty(Finished)) {
        PVMINI_DRAIN Drain = CONTAINING_RECORD(RemoveHeadList(Finished), VMINI_DRAIN, Link);
        Drain->Done(Drain);
    }
}

/** Takes an ended ticket off the drains that wait for it. \locks{queue's lock held} */
static VOID VminiDrainsCountDown(_Inout_ PVMINI_WORK_QUEUE Queue,
                                 _In_ const VMINI_WORK_TICKET *Ending, _Inout_ PLIST_ENTRY Finished)
{
    PLIST_ENTRY Link = Queue->Drains.Flink;

    while (Link != &Queue->Drains) {
        PVMINI_DRAIN Drain = CONTAINING_RECORD(Link, VMINI_DRAIN, Link);
        Link = Link->Flink; /* Before the drain leaves the list. */
        if (VminiDrainCounts(Drain, Ending)) {
            VminiDrainDecrement(Drain, Finished);
        }
    }
}

/** An item has ended: its ticket leaves the list, and whoever waited for it is told. \irql{<=
 *  DISPATCH_LEVEL} \locks{none held} */
static VOID VminiDrainsItemEnded(_Inout_ PVMINI_WORK_QUEUE Queue, _Inout_ PVMINI_WORK_TICKET Ending)
{
    LIST_ENTRY Finished;
    KIRQL OldIrql;

    InitializeListHead(&Finished);
    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    RemoveEntryList(&Ending->Link);
    VminiDrainsCountDown(Queue, Ending, &Finished);
    KeReleaseSpinLock(&Queue->Lock, OldIrql);
    VminiDrainsDone(&Finished);
}

/** Frees what an IRP was sent with. \irql{<= DISPATCH_LEVEL} */
static VOID VminiWorkFreeIrp(_Inout_ PVMINI_WORK_ITEM Item)
{
    if (Item->PartialMdl != NULL) {
        IoFreeMdl(Item->PartialMdl); /* Unmaps it too, if the file system mapped it. */
        Item->PartialMdl = NULL;
    }
    if (Item->Irp != NULL) {
        IoFreeIrp(Item->Irp);
        Item->Irp = NULL;
    }
}

/**
 * Puts a copy of the item's ticket into its place in the list.
 *
 * The item is about to go back to its owner, who may free it; but until the owner has completed the
 * SRB, a reset that arrives now must still wait for it. The copy leads to no item: a reset that
 * finds it takes no hold on an IRP that is being freed.
 * \locks{queue's lock held: its neighbours' coming and going changes a ticket's links}
 */
static VOID VminiWorkReplaceTicket(_Inout_ PVMINI_WORK_ITEM Item, _Out_ PVMINI_WORK_TICKET Ending)
{
    *Ending = Item->Ticket;
    Ending->Item = NULL;
    Ending->Link.Blink->Flink = &Ending->Link;
    Ending->Link.Flink->Blink = &Ending->Link;
}

_Use_decl_annotations_ VOID VminiWorkRelease(PVMINI_WORK_ITEM Item)
{
    PVMINI_WORK_QUEUE Queue = Item->Queue;
    VMINI_WORK_TICKET Ending;
    KIRQL OldIrql;
    LONG Wake;

    //! [release]
    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    if (--Item->Holds != 0) {
        KeReleaseSpinLock(&Queue->Lock, OldIrql);
        return;
    }
    /* In the same breath: a reset that finds the ticket a moment later would take a hold on an IRP
     * that is being freed, and let go of it as the last one, a second time. */
    VminiWorkReplaceTicket(Item, &Ending);
    Wake = VminiExclusionIsOff(Queue, Item) ? 0 : VminiExclusionLeave(Queue, Item);
    KeReleaseSpinLock(&Queue->Lock, OldIrql);

    VminiWorkWake(Queue, Wake);
    VminiWorkFreeIrp(Item);
    Queue->Callbacks->ItemDone(Item); /* The item is its owner's from here on. */
    VminiDrainsItemEnded(Queue, &Ending);
    //! [release]
}

/** Moves the queued items in scope to Removed. \locks{queue's lock held} */
static VOID VminiResetRemoveQueued(_Inout_ PVMINI_WORK_QUEUE Queue, _In_ const VMINI_SCOPE *Scope,
                                   _Inout_ PLIST_ENTRY Removed)
{
    PLIST_ENTRY Link = Queue->Waiting.Flink;

    while (Link != &Queue->Waiting) {
        PVMINI_WORK_TICKET Ticket = CONTAINING_RECORD(Link, VMINI_WORK_TICKET, Link);
        Link = Link->Flink;
        if (VminiScopeContains(Scope, &Ticket->Address)) {
            RemoveEntryList(&Ticket->Link);
            InsertTailList(Removed, &Ticket->Link);
        }
    }
}

/**
 * Marks the next running item in scope as cancelled and holds its IRP.
 * \return NULL when there is none left.
 * \locks{queue's lock held}
 */
static PVMINI_WORK_ITEM VminiResetHoldRunning(_In_ PVMINI_WORK_QUEUE Queue,
                                              _In_ const VMINI_SCOPE *Scope)
{
    PLIST_ENTRY Link;

    for (Link = Queue->Running.Flink; Link != &Queue->Running; Link = Link->Flink) {
        PVMINI_WORK_TICKET Ticket = CONTAINING_RECORD(Link, VMINI_WORK_TICKET, Link);
        PVMINI_WORK_ITEM Item = Ticket->Item;
        if (Item == NULL || Item->Cancelled || !VminiScopeContains(Scope, &Ticket->Address)) {
            continue;
        }
        Item->Cancelled = TRUE; /* A worker that has not sent the IRP yet will not send it. */
        if (Item->Irp != NULL) {
            Item->Holds++;
            return Item;
        }
    }
    return NULL;
}

/** Moves the items in scope that have written and wait for a worker's flush to Written; nobody else
 *  has them then. \locks{queue's lock held} */
static VOID VminiResetTakeWritten(_Inout_ PVMINI_WORK_QUEUE Queue, _In_ const VMINI_SCOPE *Scope,
                                  _Inout_ PLIST_ENTRY Written)
{
    PLIST_ENTRY Link = Queue->Flushing.Flink;

    while (Link != &Queue->Flushing) {
        PVMINI_WORK_ITEM Item = CONTAINING_RECORD(Link, VMINI_WORK_ITEM, FlushLink);
        Link = Link->Flink;
        if (VminiScopeContains(Scope, &Item->Ticket.Address)) {
            RemoveEntryList(&Item->FlushLink);
            InsertTailList(Written, &Item->FlushLink);
        }
    }
}

/** Ends items that have written: perhaps only into a cache. \irql{<= DISPATCH_LEVEL} \locks{none held} */
static VOID VminiResetEndWritten(_Inout_ PLIST_ENTRY Written)
{
    while (!IsListEmpty(Written)) {
        PVMINI_WORK_ITEM Item =
            CONTAINING_RECORD(RemoveHeadList(Written), VMINI_WORK_ITEM, FlushLink);
        Item->Status = STATUS_CANCELLED;
        VminiWorkRelease(Item);
    }
}

/** Enters a drain and counts what it has to wait for. \locks{queue's lock held} */
static VOID VminiResetEnterDrain(_Inout_ PVMINI_WORK_QUEUE Queue, _In_ const VMINI_SCOPE *Scope,
                                 _Inout_ PVMINI_DRAIN Drain)
{
    PLIST_ENTRY Link;

    Drain->Scope = *Scope;
    Drain->Sequence = Queue->NextSequence;
    Drain->Remaining = 1; /* Ours: Done is not called while we still cancel. */
    for (Link = Queue->Running.Flink; Link != &Queue->Running; Link = Link->Flink) {
        if (VminiDrainCounts(Drain, CONTAINING_RECORD(Link, VMINI_WORK_TICKET, Link))) {
            Drain->Remaining++;
        }
    }
    InsertTailList(&Queue->Drains, &Drain->Link);
}

/** Ends items that never ran. \irql{<= DISPATCH_LEVEL} \locks{none held} */
static VOID VminiResetEndRemoved(_Inout_ PVMINI_WORK_QUEUE Queue, _Inout_ PLIST_ENTRY Removed)
{
    while (!IsListEmpty(Removed)) {
        PVMINI_WORK_ITEM Item =
            CONTAINING_RECORD(RemoveHeadList(Removed), VMINI_WORK_ITEM, Ticket.Link);
        Item->Status = STATUS_CANCELLED;
        Item->Information = 0;
        Queue->Callbacks->ItemDone(Item);
    }
}

_Use_decl_annotations_ VOID VminiWorkReset(PVMINI_WORK_QUEUE Queue, const VMINI_SCOPE *Scope,
                                           PVMINI_DRAIN Drain)
{
    PVMINI_WORK_ITEM Item;
    LIST_ENTRY Finished;
    LIST_ENTRY Removed;
    LIST_ENTRY Written;
    KIRQL OldIrql;
    LONG Wake;

    InitializeListHead(&Finished);
    InitializeListHead(&Removed);
    InitializeListHead(&Written);
    KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    Wake = VminiExclusionRetry(Queue); /* What a range holds up has not begun either. */
    VminiResetRemoveQueued(Queue, Scope, &Removed);
    if (Drain != NULL) {
        VminiResetEnterDrain(Queue, Scope, Drain);
    }
    VminiResetTakeWritten(Queue, Scope, &Written);
    //! [reset-cancel]
    while ((Item = VminiResetHoldRunning(Queue, Scope)) != NULL) {
        /* IoCancelIrp may complete the IRP before it returns, and the completion routine takes our
         * lock. Our hold keeps the IRP allocated meanwhile; whoever lets go last ends the item. */
        KeReleaseSpinLock(&Queue->Lock, OldIrql);
        IoCancelIrp(Item->Irp);
        VminiWorkRelease(Item);
        KeAcquireSpinLock(&Queue->Lock, &OldIrql);
    }
    //! [reset-cancel]
    KeReleaseSpinLock(&Queue->Lock, OldIrql);
    VminiWorkWake(Queue, Wake);
    VminiResetEndRemoved(Queue, &Removed);
    VminiResetEndWritten(&Written);
    if (Drain != NULL) {
        KeAcquireSpinLock(&Queue->Lock, &OldIrql);
        VminiDrainDecrement(Drain, &Finished);
        KeReleaseSpinLock(&Queue->Lock, OldIrql);
        VminiDrainsDone(&Finished);
    }
}
