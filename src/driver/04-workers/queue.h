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
    LIST_ENTRY Blocked; /**< Tickets that a range in use holds up, oldest first: exclusion.c. */
    LONG Exclusive;     /**< Exclusive items among the running and the blocked ones. */
    /** Running items, by their FlushLink, that have written and wait for a worker to send the flush. */
    LIST_ENTRY Flushing;
    LIST_ENTRY Drains; /**< VMINI_DRAIN. */
    ULONGLONG NextSequence;
    LONG Idle; /**< Threads that wait on Wake and have not been told. */
    BOOLEAN Parked;
    BOOLEAN Ending;

    PKTHREAD Threads[1]; /**< ThreadCount of them. */
};

/** Wakes Count threads. \irql{<= DISPATCH_LEVEL} \locks{none held} */
VOID VminiWorkWake(_Inout_ PVMINI_WORK_QUEUE Queue, _In_ LONG Count);

/**
 * Does nobody have to be asked whether an item may run? Nearly always: no exclusive one is under way,
 * and this one is none of the rarer commands. \locks{queue's lock held}
 */
FORCEINLINE BOOLEAN VminiExclusionIsOff(_In_ const VMINI_WORK_QUEUE *Queue,
                                        _In_ const VMINI_WORK_ITEM *Item)
{
    return Queue->Exclusive == 0 && Item->Command <= VminiDoCall;
}

/**
 * May an item that was just taken run beside those that do? If not, its ticket is in the list of
 * blocked ones. (exclusion.c) \locks{queue's lock held}
 */
BOOLEAN VminiExclusionAdmit(_Inout_ PVMINI_WORK_QUEUE Queue, _Inout_ PVMINI_WORK_ITEM Item);

/** An item no longer uses its range. \return how many threads to wake. \locks{queue's lock held} */
LONG VminiExclusionLeave(_Inout_ PVMINI_WORK_QUEUE Queue, _In_ const VMINI_WORK_ITEM *Item);

/** The blocked items wait again, in front of all others. \return how many threads to wake.
 *  \locks{queue's lock held} */
LONG VminiExclusionRetry(_Inout_ PVMINI_WORK_QUEUE Queue);

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

/** Sends the read, write or flush of an item; VminiIoEnd will end it. \irql{PASSIVE_LEVEL} */
VOID VminiIoStart(_Inout_ PVMINI_WORK_ITEM Item);

/**
 * All that an item had to read and write is done, or has failed; Status says which. Ends it: at once, or
 * by the flush if it was to be durable and nothing has failed. The only way that leads there, for items
 * of one IRP and of many. \irql{<= DISPATCH_LEVEL} \locks{none}
 */
VOID VminiIoEnd(_Inout_ PVMINI_WORK_ITEM Item);

/**
 * Takes a completed IRP back, for the next step to have one. \return FALSE: a canceller has a hold on it,
 * so it stays where it is and goes with the item. \irql{<= DISPATCH_LEVEL} \locks{none}
 */
BOOLEAN VminiIoTakeBack(_Inout_ PVMINI_WORK_ITEM Item);

/** Hands a running item that has written to a worker, which will call VminiIoFlush; or ends it, if a
 *  reset wants that. \irql{<= DISPATCH_LEVEL} \locks{none} */
VOID VminiWorkFlush(_Inout_ PVMINI_WORK_ITEM Item);

/** Sends the flush that makes an item durable; it ends with that, Information as the write left it.
 *  \irql{PASSIVE_LEVEL} */
VOID VminiIoFlush(_Inout_ PVMINI_WORK_ITEM Item);

/** What one IRP is to do. */
typedef struct _VMINI_IO {
    UCHAR Major; /**< IRP_MJ_READ, _WRITE, _FLUSH_BUFFERS, _FILE_SYSTEM_CONTROL. */
    ULONG Length;
    ULONGLONG Offset;
    PMDL Mdl;
    PIO_COMPLETION_ROUTINE Completion;
    PVOID Context;

    /* IRP_MJ_FILE_SYSTEM_CONTROL. */
    ULONG Code; /**< FSCTL_*. */
    PVOID Input;
    ULONG InputLength;
    PVOID Output; /**< METHOD_NEITHER: system memory that can be touched in any thread. */
    ULONG OutputLength;
} VMINI_IO;

/**
 * Sends an IRP and waits for its end: the steps of the commands that have several.
 * \param Io           what to do; Completion and Context are set here.
 * \param Information  receives the bytes that moved.
 * \return the file system's status; STATUS_CANCELLED: a reset wants the item to stop.
 * \irql{PASSIVE_LEVEL}
 */
NTSTATUS VminiIoWait(_Inout_ PVMINI_WORK_ITEM Item, _Inout_ VMINI_IO *Io,
                     _Out_ PULONG_PTR Information);

/* The commands of several steps, in pieces.c; they wait. \irql{PASSIVE_LEVEL} */
VOID VminiIoCompare(_Inout_ PVMINI_WORK_ITEM Item);
VOID VminiIoReadBuffer(_Inout_ PVMINI_WORK_ITEM Item);
VOID VminiIoWriteVerify(_Inout_ PVMINI_WORK_ITEM Item);
VOID VminiIoCompareWrite(_Inout_ PVMINI_WORK_ITEM Item);
VOID VminiIoOrWrite(_Inout_ PVMINI_WORK_ITEM Item);
VOID VminiIoWriteSame(_Inout_ PVMINI_WORK_ITEM Item);
/** Zeros over all of the item's bytes: for VminiIoZero, where the file system cannot. */
VOID VminiIoWriteZeros(_Inout_ PVMINI_WORK_ITEM Item);

/* Those about the file's space, in space.c; they wait. \irql{PASSIVE_LEVEL} */
/** Of VminiDoCreate: marks the file that was opened as sparse, or closes it again. */
VOID VminiSpaceMakeSparse(_Inout_ PVMINI_WORK_ITEM Item);
VOID VminiIoZero(_Inout_ PVMINI_WORK_ITEM Item);
VOID VminiIoAllocated(_Inout_ PVMINI_WORK_ITEM Item);

#endif
