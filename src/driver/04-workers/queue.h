/**
 * \file
 * The inside of the work queue, private to 04-workers.
 */
#ifndef VMINI_QUEUE_H
#define VMINI_QUEUE_H

#include "04-workers/thread.h"
#include "04-workers/work.h"

/** The queue. Nonpaged. */
struct _VMINI_WORK_QUEUE {
    /* Set by VminiWorkQueueCreate, read-only afterwards. */
    const VMINI_WORK_CALLBACKS *Callbacks;
    PDEVICE_OBJECT Device; /**< The adapter's; see IoSetCompletionRoutineEx. */
    ULONG ThreadCount;

    KSEMAPHORE Wake; /**< Counts the threads that have been told to look at the queue. */

    KSPIN_LOCK Lock;    /**< Guards what follows, and the items' second group. */
    LIST_ENTRY Waiting; /**< Tickets of queued items, oldest first. */
    /** Tickets of items that a worker or the file system has, and of those that are ending. */
    LIST_ENTRY Running;
    LIST_ENTRY Drains; /**< VMINI_DRAIN. */
    ULONGLONG NextSequence;
    LONG Idle; /**< Threads that wait on Wake and have not been told. */
    BOOLEAN Parked;
    BOOLEAN Ending;

    PKTHREAD Threads[1]; /**< ThreadCount of them. */
};

/**
 * Does what Item->Command says; the item is ended now or by the IRP that was sent.
 * \irql{PASSIVE_LEVEL}
 */
VOID VminiWorkRun(_Inout_ PVMINI_WORK_ITEM Item);

/**
 * Gives up one use of Item->Irp; the last user frees it and ends the item: Status and Information
 * are set, it leaves the running list and goes back to its owner. \irql{<= DISPATCH_LEVEL}
 * \locks{none held}
 */
VOID VminiWorkRelease(_Inout_ PVMINI_WORK_ITEM Item);

/** Sends the read, write or flush of an item; VminiWorkRelease will end it. \irql{PASSIVE_LEVEL} */
VOID VminiIoStart(_Inout_ PVMINI_WORK_ITEM Item);

/** VminiDoCompare: reads piece by piece, and waits. \irql{PASSIVE_LEVEL} */
VOID VminiIoCompare(_Inout_ PVMINI_WORK_ITEM Item);

#endif
