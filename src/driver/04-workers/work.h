/**
 * \file
 * The work queue: how a request that came at DISPATCH_LEVEL gets to the file system, which wants
 * PASSIVE_LEVEL.
 *
 * Somebody else's structure (an SRB extension, a connection) holds a VMINI_WORK_ITEM.
 * VminiWorkSubmit queues it at any IRQL up to DISPATCH_LEVEL; a worker thread takes it at
 * PASSIVE_LEVEL and does what its command says. Reads and writes go to the file system as IRPs with
 * a completion routine: the worker does not wait for them. Every item that was submitted is ended
 * exactly once, by a call of Callbacks->ItemDone, at <= DISPATCH_LEVEL in any thread; from that
 * call on the item belongs to its owner again and this module never touches it.
 * \article{Part III, Doing Real Work}
 *
 *    VminiWorkSubmit      worker takes it        IRP sent         last holder lets go
 *   Idle ---------> Queued -------------> Running ------> Running -------------------> ItemDone
 *                     |                      ^  written, WriteThrough |                    ^
 *                     |                      +-- a worker: the flush -+                    |
 *                     |  VminiWorkReset: removed, STATUS_CANCELLED                         |
 *                     +--------------------------------------------------------------------+
 */
#ifndef VMINI_WORK_H
#define VMINI_WORK_H

#include "04-workers/media.h"

/** What a worker is to do; the articles' names. */
typedef enum _VMINI_WORK_COMMAND {
    VminiDoCreate = 1, /**< Open the file of Item->Open. \article{Part III, DO_CREATE} */
    VminiDoClose,      /**< Flush and close Item->Media. \article{Part III, DO_CLOSE} */
    VminiDoRead,       /**< Length bytes at Offset into the MDL. \article{Part III, DO_READ} */
    VminiDoWrite,      /**< Length bytes at Offset from the MDL. \article{Part III, DO_WRITE} */
    VminiDoFlush,      /**< Make everything written before durable. */
    /**
     * Read Length bytes at Offset and compare them with Buffer (VERIFY, BYTCHK=1); Buffer NULL:
     * only read them. Data that differ end it with VMINI_STATUS_MISCOMPARE and Information = the
     * offset of the first byte that differs.
     */
    VminiDoCompare,
    VminiDoCall, /**< Call Item->Routine at PASSIVE_LEVEL: for work that is not file I/O. */

    /* The rarer ones, from here on (VminiExclusionIsOff). The worker waits for each of their steps; in
     * parentheses, whether they exclude others from their range while they last (exclusion.c). */
    VminiDoWriteVerify, /**< Write Buffer, then as VminiDoCompare, or only read if !Comparing (yes). */
    /** Buffer has twice Length bytes: if the blocks are equal to the first half, write the second
     *  (yes). */
    VminiDoCompareWrite,
    VminiDoReadBuffer, /**< Read into Buffer, not into an MDL (no). */
    VminiDoOrWrite,    /**< Read, OR with Buffer, write (yes). */
    VminiDoWriteSame,  /**< Write the Size bytes of Buffer over and over (no). */
    /** Zero the ranges of Buffer, an array of FILE_ZERO_DATA_INFORMATION of Size bytes, and give
     *  their space back to the file system if the file is sparse. Length not 0: the ranges are the
     *  Length bytes at Offset, and if the file system cannot do it, zeros are written (no). */
    VminiDoZero,
    /** Where is there data? Buffer is an array of FILE_ALLOCATED_RANGE_BUFFER of Size bytes: first the
     *  range that is asked for, then room for the answer, as many bytes as Information says (no). */
    VminiDoAllocated,
    VminiWorkCommandCount
} VMINI_WORK_COMMAND;

/**
 * Status of a VminiDoCompare whose data differ: a customer-defined NTSTATUS error of this driver.
 */
#define VMINI_STATUS_MISCOMPARE ((NTSTATUS)0xE0560001L)

/** How much of the bus a reset means. */
typedef enum _VMINI_SCOPE_LEVEL {
    VminiScopeAdapter = 0,
    VminiScopeBus,
    VminiScopeTarget,
    VminiScopeUnit,
} VMINI_SCOPE_LEVEL;

/**
 * The items that a reset or a drain is about: those whose Address lies below this point of the bus.
 */
typedef struct _VMINI_SCOPE {
    VMINI_SCOPE_LEVEL Level;
    VMINI_ADDRESS Address;
} VMINI_SCOPE, *PVMINI_SCOPE;

/** Does a scope contain an address? Never one of all FFh. \irql{any} */
BOOLEAN VminiScopeContains(_In_ const VMINI_SCOPE *Scope, _In_ const VMINI_ADDRESS *Address);

struct _VMINI_WORK_ITEM;

/**
 * An item's place in the queue or among the running ones. It outlives the item by a moment: see
 * VminiWorkRelease.
 */
typedef struct _VMINI_WORK_TICKET {
    LIST_ENTRY Link;
    VMINI_ADDRESS Address;
    /** Order of submission, so that a drain knows who came before it. */
    ULONGLONG Sequence;
    struct _VMINI_WORK_ITEM *Item; /**< NULL: it is ending, and cannot be cancelled any more. */
} VMINI_WORK_TICKET, *PVMINI_WORK_TICKET;

/** Work of a VminiDoCall item. \irql{PASSIVE_LEVEL} */
typedef NTSTATUS(VMINI_WORK_ROUTINE)(_Inout_ struct _VMINI_WORK_ITEM *Item);

/**
 * One piece of work. Nonpaged. The owner fills the first group, the queue uses the second, the
 * owner reads the third.
 */
typedef struct _VMINI_WORK_ITEM {
    /* Filled by the owner before VminiWorkSubmit. */
    VMINI_WORK_COMMAND Command;
    VMINI_ADDRESS Address;       /**< For VMINI_SCOPE; all 0xFF: no reset concerns it. */
    PVMINI_MEDIA Media;          /**< The file; must stay open until the item has ended. */
    PVMINI_MEDIA_OPEN Open;      /**< VminiDoCreate. */
    VMINI_WORK_ROUTINE *Routine; /**< VminiDoCall. */
    ULONGLONG Offset;            /**< Bytes into the file. */
    ULONG Length;                /**< Bytes. */
    BOOLEAN WriteThrough;        /**< A flush follows what is written, before it ends (FUA). */
    BOOLEAN Comparing;           /**< VminiDoWriteVerify: compare, too. */
    /** Of commands of several steps: the one that they ended with was a write, or the flush. */
    BOOLEAN Writing;
    ULONG Size; /**< Bytes of Buffer, where that is not Length. */
    /** VminiDoRead, VminiDoWrite: describes at least Length bytes from Va. */
    PMDL Mdl;
    /** Address *as the MDL knows it*, where the data begin; never dereferenced. */
    PVOID Va;
    /** The other commands: nonpaged; Length bytes if they do not say otherwise. */
    PUCHAR Buffer;

    /* Guarded by the queue's lock. */
    VMINI_WORK_TICKET Ticket;
    /** Who still uses Irp: the I/O itself, and every canceller. The last one ends the item. */
    LONG Holds;
    BOOLEAN Cancelled;    /**< A reset wanted it to stop. */
    BOOLEAN Flushing;     /**< All is written; what is left to do is the flush. */
    LIST_ENTRY FlushLink; /**< Among those that wait for a worker to send it. */
    PIRP Irp;             /**< The IRP in flight. */
    PMDL PartialMdl;      /**< What Irp transfers, when that is not the whole of Mdl. */
    PVMINI_WORK_QUEUE Queue;

    /* Valid in ItemDone. */
    /** STATUS_SUCCESS, the file system's error, STATUS_CANCELLED, VMINI_STATUS_MISCOMPARE. */
    NTSTATUS Status;
    /**
     * Bytes that moved. A short transfer is reported here with STATUS_SUCCESS; the owner decides.
     */
    ULONG_PTR Information;
} VMINI_WORK_ITEM, *PVMINI_WORK_ITEM;

/** Zeroes what the owner of an item fills. (What the queue uses, it sets itself.) \irql{any} */
FORCEINLINE VOID VminiWorkClear(_Out_ PVMINI_WORK_ITEM Item)
{
    RtlZeroMemory(Item, offsetof(VMINI_WORK_ITEM, Ticket));
}

/** The only way up from this module. */
typedef struct _VMINI_WORK_CALLBACKS {
    /** An item has ended. \irql{<= DISPATCH_LEVEL} \locks{none held} */
    VOID (*ItemDone)(_In_ PVMINI_WORK_ITEM Item);
} VMINI_WORK_CALLBACKS;

/**
 * Waits, without a thread, until the items that a reset found running have ended. Owner's memory,
 * nonpaged.
 */
typedef struct _VMINI_DRAIN {
    LIST_ENTRY Link; /**< Queue's lock. */
    VMINI_SCOPE Scope;
    ULONGLONG Sequence; /**< Items submitted later do not count. */
    /** Running items in scope that have not ended, and 1 for VminiWorkReset; queue's lock. */
    LONG Remaining;
    /**
     * Called once, when Remaining is 0; the drain is the owner's again. \irql{<= DISPATCH_LEVEL}
     * \locks{none held}
     */
    VOID (*Done)(_In_ struct _VMINI_DRAIN *Drain);
} VMINI_DRAIN, *PVMINI_DRAIN;

/**
 * Creates the queue and its threads.
 * \param Callbacks  kept by pointer: static storage.
 * \param Threads    how many; 0 = one per active processor.
 * \param Device     the adapter's device object: held while an IRP's completion routine of ours may
 *                   run, so that the driver is not unloaded under its last instructions
 *                   (IoSetCompletionRoutineEx).
 * \param Queue      receives the queue.
 * \return STATUS_SUCCESS or why a thread or memory could not be had; then nothing is left behind.
 * \irql{PASSIVE_LEVEL} \locks{none} \article{Part III, OsrUserAdapterStarted}
 */
NTSTATUS VminiWorkQueueCreate(_In_ const VMINI_WORK_CALLBACKS *Callbacks, _In_ ULONG Threads,
                              _In_ PDEVICE_OBJECT Device, _Outptr_ PVMINI_WORK_QUEUE *Queue);

/**
 * Ends the threads, waits on their *thread objects* (an event set by the thread would let the
 * driver be unloaded under its last instructions), and frees the queue. Items still queued are
 * ended with STATUS_CANCELLED first.
 * \irql{PASSIVE_LEVEL} \locks{none}
 */
VOID VminiWorkQueueDestroy(_In_ _Post_invalid_ PVMINI_WORK_QUEUE Queue);

/**
 * Lets the threads rest (Park = TRUE: no item is started) or go on. \irql{<= DISPATCH_LEVEL}
 * \locks{none held}
 */
VOID VminiWorkQueuePark(_Inout_ PVMINI_WORK_QUEUE Queue, _In_ BOOLEAN Park);

/**
 * Queues an item. It ends by ItemDone, perhaps before this returns.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
VOID VminiWorkSubmit(_Inout_ PVMINI_WORK_QUEUE Queue, _Inout_ PVMINI_WORK_ITEM Item);

/**
 * Ends every queued read, write, flush and compare in scope with STATUS_CANCELLED, now; asks those
 * that run to stop (IoCancelIrp) and lets Drain tell when the last of them has ended. Never waits.
 * DO_CREATE, DO_CLOSE and DO_CALL are not touched.
 * \param Scope   which items.
 * \param Drain   Done is called even when nothing ran, perhaps before this returns. NULL: nobody
 *                wants to know.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
VOID VminiWorkReset(_Inout_ PVMINI_WORK_QUEUE Queue, _In_ const VMINI_SCOPE *Scope,
                    _Inout_opt_ PVMINI_DRAIN Drain);

#endif
