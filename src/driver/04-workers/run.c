/**
 * \file
 * What a worker does with an item: one table, command -> routine. All of it runs at PASSIVE_LEVEL.
 */
#include "04-workers/queue.h"

/**
 * DO_CREATE. Opens that wait behind one that takes minutes are not begun when their callers have
 * given up meanwhile; those of the registry's devices, which have no caller, are.
 * \irql{PASSIVE_LEVEL} \article{Part III, DO_CREATE}
 */
static VOID VminiWorkCreate(_Inout_ PVMINI_WORK_ITEM Item)
{
    if (InterlockedCompareExchange(Item->Open->Unwanted, 0, 0) != 0) {
        Item->Status = STATUS_CANCELLED;
    } else {
        Item->Status = VminiMediaOpen(Item->Open);
    }
    if (NT_SUCCESS(Item->Status) && Item->Open->Sparse) {
        VminiSpaceMakeSparse(Item);
    }
    VminiWorkRelease(Item);
}

/** DO_CLOSE. \irql{PASSIVE_LEVEL} \article{Part III, DO_CLOSE} */
static VOID VminiWorkClose(_Inout_ PVMINI_WORK_ITEM Item)
{
    Item->Status = VminiMediaClose(Item->Media);
    Item->Media = NULL;
    VminiWorkRelease(Item);
}

/** DO_CALL. \irql{PASSIVE_LEVEL} */
static VOID VminiWorkCall(_Inout_ PVMINI_WORK_ITEM Item)
{
    Item->Status = Item->Routine(Item);
    VminiWorkRelease(Item);
}

//! [work-commands]
static VOID (*const VminiWorkCommands[VminiWorkCommandCount])(PVMINI_WORK_ITEM Item) = {
    [VminiDoCreate] = VminiWorkCreate,
    [VminiDoClose] = VminiWorkClose,
    [VminiDoRead] = VminiIoStart,
    [VminiDoWrite] = VminiIoStart,
    [VminiDoFlush] = VminiIoStart,
    [VminiDoCompare] = VminiIoCompare,
    [VminiDoCall] = VminiWorkCall,
    [VminiDoReadBuffer] = VminiIoReadBuffer,
    [VminiDoWriteVerify] = VminiIoWriteVerify,
    [VminiDoCompareWrite] = VminiIoCompareWrite,
    [VminiDoOrWrite] = VminiIoOrWrite,
    [VminiDoWriteSame] = VminiIoWriteSame,
    [VminiDoZero] = VminiIoZero,
    [VminiDoAllocated] = VminiIoAllocated,
};
//! [work-commands]

_Use_decl_annotations_ VOID VminiWorkRun(PVMINI_WORK_ITEM Item)
{
    if (Item->Flushing) {
        VminiIoFlush(Item); /* Its second step. */
        return;
    }
    Item->Information = 0;
    VminiWorkCommands[Item->Command](Item);
}
