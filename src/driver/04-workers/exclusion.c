/**
 * \file
 * COMPARE AND WRITE and ORWRITE read blocks and write them again, and nobody may come in between
 * ("an uninterrupted series of actions", SBC-3 5.2, 5.5): two initiators that take a lock by COMPARE
 * AND WRITE would both get it. WRITE AND VERIFY wants the same, or it would take another's data for a
 * miscompare.
 *
 * With several workers, and reads and writes that no worker waits for, "one after the other" does not
 * come by itself. The rule here: an exclusive item runs only while no other item uses any byte of its
 * range, and nobody else is let into the range until it has ended. An item that has to wait gets out
 * of the way: its ticket goes to the blocked ones, and the worker takes the next item. When any item
 * ends, the blocked ones are put back in front of the queue, oldest first, and try again.
 *
 * Nobody waits for ever: an item is blocked only by running ones and by blocked ones that are older,
 * so the oldest of them runs as soon as those in its range have ended; and no later item overtakes it
 * there. No thread waits for a range, so there is nothing that could deadlock. While no exclusive item
 * is under way, which is nearly always, all this costs one comparison.
 */
#include "04-workers/queue.h"

/** What a command does to its range. */
typedef enum _VMINI_RANGE_USE {
    VminiUseNone = 0,  /**< It has none. */
    VminiUseShared,    /**< Others may do the like at the same time. */
    VminiUseExclusive, /**< Nobody else may use it. */
    VminiUseWholeFile, /**< Shared; its range is the whole file. */
} VMINI_RANGE_USE;

//! [range-use]
static const UCHAR VminiRangeUse[VminiWorkCommandCount] = {
    [VminiDoRead] = VminiUseShared,           [VminiDoWrite] = VminiUseShared,
    [VminiDoCompare] = VminiUseShared,        [VminiDoReadBuffer] = VminiUseShared,
    [VminiDoWriteVerify] = VminiUseExclusive, [VminiDoCompareWrite] = VminiUseExclusive,
    [VminiDoOrWrite] = VminiUseExclusive,     [VminiDoWriteSame] = VminiUseShared,
    [VminiDoZero] = VminiUseWholeFile,
};
//! [range-use]

static BOOLEAN VminiIsExclusive(_In_ const VMINI_WORK_ITEM *Item)
{
    return VminiRangeUse[Item->Command] == VminiUseExclusive;
}

/** Do two items have bytes in common? */
static BOOLEAN VminiRangesMeet(_In_ const VMINI_WORK_ITEM *One, _In_ const VMINI_WORK_ITEM *Other)
{
    if (One->Media != Other->Media || VminiRangeUse[Other->Command] == VminiUseNone) {
        return FALSE;
    }
    return VminiRangeUse[One->Command] == VminiUseWholeFile ||
           VminiRangeUse[Other->Command] == VminiUseWholeFile ||
           (One->Offset < Other->Offset + Other->Length &&
            Other->Offset < One->Offset + One->Length);
}

/** Has the list an item that this one must not run beside? \locks{queue's lock held} */
static BOOLEAN VminiExclusionFinds(_In_ const LIST_ENTRY *List, _In_ const VMINI_WORK_ITEM *Item)
{
    const LIST_ENTRY *Link;

    for (Link = List->Flink; Link != List; Link = Link->Flink) {
        /* Without an item: it is ending, and done with its blocks. */
        const VMINI_WORK_ITEM *Other = CONTAINING_RECORD(Link, VMINI_WORK_TICKET, Link)->Item;

        if (Other != NULL && (VminiIsExclusive(Item) || VminiIsExclusive(Other)) &&
            VminiRangesMeet(Item, Other)) {
            return TRUE;
        }
    }
    return FALSE;
}

_Use_decl_annotations_ BOOLEAN VminiExclusionAdmit(PVMINI_WORK_QUEUE Queue, PVMINI_WORK_ITEM Item)
{
    BOOLEAN Exclusive = VminiIsExclusive(Item);
    BOOLEAN Admitted;

    if (!Exclusive && Queue->Exclusive == 0) {
        return TRUE;
    }
    Admitted = VminiRangeUse[Item->Command] == VminiUseNone ||
               (!VminiExclusionFinds(&Queue->Running, Item) &&
                !VminiExclusionFinds(&Queue->Blocked, Item));
    if (!Admitted) {
        InsertTailList(&Queue->Blocked, &Item->Ticket.Link);
    }
    Queue->Exclusive += Exclusive ? 1 : 0;
    return Admitted;
}

_Use_decl_annotations_ LONG VminiExclusionRetry(PVMINI_WORK_QUEUE Queue)
{
    LONG Wake = 0;

    while (!IsListEmpty(&Queue->Blocked)) {
        PLIST_ENTRY Link = RemoveTailList(&Queue->Blocked);

        InsertHeadList(&Queue->Waiting, Link);
        if (VminiIsExclusive(CONTAINING_RECORD(Link, VMINI_WORK_ITEM, Ticket.Link))) {
            Queue->Exclusive--;
        }
        if (!Queue->Parked && Queue->Idle > 0) {
            Queue->Idle--;
            Wake++;
        }
    }
    return Wake;
}

_Use_decl_annotations_ LONG VminiExclusionLeave(PVMINI_WORK_QUEUE Queue,
                                                const VMINI_WORK_ITEM *Item)
{
    if (Queue->Exclusive == 0) {
        return 0;
    }
    Queue->Exclusive -= VminiIsExclusive(Item) ? 1 : 0;
    return VminiExclusionRetry(Queue);
}
