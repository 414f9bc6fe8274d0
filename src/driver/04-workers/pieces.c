/**
 * \file
 * Work of several steps: READ CD, VERIFY, WRITE AND VERIFY, COMPARE AND WRITE, ORWRITE, WRITE SAME. They read
 * and write piece by piece through a buffer of their own, and the worker waits for each piece.
 *
 * A thread that waits serves nobody else meanwhile: the price for commands that are rare. Between two
 * pieces a reset may stop the item (STATUS_CANCELLED); what has been written by then stays written.
 * Nothing else comes in between where that would matter: see exclusion.c.
 */
#include "04-workers/queue.h"

/** Bytes that are read or written at a time: a multiple of every block size. */
#define VMINI_PIECE (64UL * 1024)

/** The buffer that pieces go through. */
typedef struct _VMINI_SCRATCH {
    PUCHAR Data; /**< VMINI_PIECE bytes, nonpaged. */
    PMDL Mdl;    /**< Describes them. */
} VMINI_SCRATCH, *PVMINI_SCRATCH;

/** \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiScratchCreate(_Out_ PVMINI_SCRATCH Scratch)
{
    Scratch->Mdl = NULL;
    Scratch->Data = ExAllocatePoolWithTag(NonPagedPoolNx, VMINI_PIECE, VMINI_TAG_WORK);
    if (Scratch->Data != NULL) {
        Scratch->Mdl = IoAllocateMdl(Scratch->Data, VMINI_PIECE, FALSE, FALSE, NULL);
    }
    if (Scratch->Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(Scratch->Mdl);
    return STATUS_SUCCESS;
}

/** \irql{PASSIVE_LEVEL} */
static VOID VminiScratchFree(_Inout_ PVMINI_SCRATCH Scratch)
{
    if (Scratch->Mdl != NULL) {
        IoFreeMdl(
            Scratch->Mdl); /* A canceller may still hold an IRP; it does not look at its MDL. */
    }
    if (Scratch->Data != NULL) {
        ExFreePoolWithTag(Scratch->Data, VMINI_TAG_WORK);
    }
}

/** Reads a piece: all of it, or it is an error. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPieceRead(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch,
                               _In_ ULONG Done, _In_ ULONG Length)
{
    VMINI_IO Io = {
        .Major = IRP_MJ_READ, .Length = Length, .Offset = Item->Offset + Done, .Mdl = Scratch->Mdl};
    ULONG_PTR Moved;
    NTSTATUS Status;

    Item->Writing = FALSE;
    Item->Information = Done;
    Status = VminiIoWait(Item, &Io, &Moved);
    return NT_SUCCESS(Status) && Moved != Length ? STATUS_END_OF_FILE : Status;
}

/** Reads all blocks into the initiator's buffer. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesReadBuffer(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done;
    ULONG Length;

    for (Done = 0; Done < Item->Length && NT_SUCCESS(Status); Done += Length) {
        Length = min(VMINI_PIECE, Item->Length - Done);
        Status = VminiPieceRead(Item, Scratch, Done, Length);
        if (NT_SUCCESS(Status)) {
            RtlCopyMemory(Item->Buffer + Done, Scratch->Data, Length);
            Item->Information = Done + Length;
        }
    }
    return Status;
}

/** Writes the first bytes of the scratch; Item->Information says how far that got.
 *  \return STATUS_END_OF_FILE for a short write. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPieceWrite(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch,
                                _In_ ULONG Done, _In_ ULONG Length)
{
    VMINI_IO Io = {.Major = IRP_MJ_WRITE,
                   .Length = Length,
                   .Offset = Item->Offset + Done,
                   .Mdl = Scratch->Mdl};
    ULONG_PTR Moved;
    NTSTATUS Status;

    Item->Writing = TRUE;
    Status = VminiIoWait(Item, &Io, &Moved);
    Item->Information = Done + (NT_SUCCESS(Status) ? Moved : 0);
    return NT_SUCCESS(Status) && Moved != Length ? STATUS_END_OF_FILE : Status;
}

/** Writes Length bytes of the initiator's data. It copies them: Storport has mapped the buffer for
 *  us to read, and the MDL behind it does not fit the mapped address. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesWrite(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch,
                                 _In_ const UCHAR *Data)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done;
    ULONG Length;

    for (Done = 0; Done < Item->Length && NT_SUCCESS(Status); Done += Length) {
        Length = min(VMINI_PIECE, Item->Length - Done);
        RtlCopyMemory(Scratch->Data, Data + Done, Length);
        Status = VminiPieceWrite(Item, Scratch, Done, Length);
    }
    return Status;
}

/** Reads all blocks and compares them with Data, if there are any. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesCompare(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch,
                                   _In_opt_ const UCHAR *Data)
{
    ULONG Done;
    ULONG Length;

    for (Done = 0; Done < Item->Length; Done += Length) {
        NTSTATUS Status;
        SIZE_T Same;

        Length = min(VMINI_PIECE, Item->Length - Done);
        Status = VminiPieceRead(Item, Scratch, Done, Length);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Same = Data == NULL ? Length : RtlCompareMemory(Scratch->Data, Data + Done, Length);
        Item->Information = Done + Same;
        if (Same != Length) {
            return VMINI_STATUS_MISCOMPARE;
        }
    }
    return STATUS_SUCCESS;
}

/** VminiDoCompare. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesVerify(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    return VminiPiecesCompare(Item, Scratch, Item->Buffer);
}

/** What was written is read back. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesWriteVerify(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    NTSTATUS Status = VminiPiecesWrite(Item, Scratch, Item->Buffer);

    return NT_SUCCESS(Status)
               ? VminiPiecesCompare(Item, Scratch, Item->Comparing ? Item->Buffer : NULL)
               : Status;
}

/** Nothing is written unless all of it is equal. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesCompareWrite(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    NTSTATUS Status = VminiPiecesCompare(Item, Scratch, Item->Buffer);

    return NT_SUCCESS(Status) ? VminiPiecesWrite(Item, Scratch, Item->Buffer + Item->Length)
                              : Status;
}

/** Reads, ORs and writes one piece after the other. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesOrWrite(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done;
    ULONG Length;
    ULONG At;

    for (Done = 0; Done < Item->Length && NT_SUCCESS(Status); Done += Length) {
        Length = min(VMINI_PIECE, Item->Length - Done);
        Status = VminiPieceRead(Item, Scratch, Done, Length);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        for (At = 0; At < Length; At++) {
            Scratch->Data[At] |= Item->Buffer[Done + At];
        }
        Status = VminiPieceWrite(Item, Scratch, Done, Length);
    }
    return Status;
}

/** Writes what is in the scratch over and over. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesRepeat(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done;
    ULONG Length;

    for (Done = 0; Done < Item->Length && NT_SUCCESS(Status); Done += Length) {
        Length = min(VMINI_PIECE, Item->Length - Done);
        Status = VminiPieceWrite(Item, Scratch, Done, Length);
    }
    return Status;
}

/** Fills the scratch with copies of Buffer, and all blocks with those. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesWriteSame(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    ULONG At;

    NT_ASSERT(Item->Size != 0 && VMINI_PIECE % Item->Size == 0);
    for (At = 0; At < min(VMINI_PIECE, Item->Length); At += Item->Size) {
        RtlCopyMemory(Scratch->Data + At, Item->Buffer, Item->Size);
    }
    return VminiPiecesRepeat(Item, Scratch);
}

/** \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiPiecesWriteZeros(_Inout_ PVMINI_WORK_ITEM Item, _In_ PVMINI_SCRATCH Scratch)
{
    RtlZeroMemory(Scratch->Data, VMINI_PIECE);
    return VminiPiecesRepeat(Item, Scratch);
}

/** Does it with a buffer, and ends the item: with one flush for all pieces, if they must be durable.
 *  \irql{PASSIVE_LEVEL} */
static VOID VminiPiecesRun(_Inout_ PVMINI_WORK_ITEM Item,
                           _In_ NTSTATUS (*Steps)(PVMINI_WORK_ITEM Item, PVMINI_SCRATCH Scratch))
{
    VMINI_SCRATCH Scratch;

    Item->Status = VminiScratchCreate(&Scratch);
    if (NT_SUCCESS(Item->Status)) {
        Item->Status = Steps(Item, &Scratch);
    }
    VminiScratchFree(&Scratch);
    VminiIoEnd(Item);
}

_Use_decl_annotations_ VOID VminiIoCompare(PVMINI_WORK_ITEM Item)
{
    VminiPiecesRun(Item, VminiPiecesVerify);
}

_Use_decl_annotations_ VOID VminiIoReadBuffer(PVMINI_WORK_ITEM Item)
{
    VminiPiecesRun(Item, VminiPiecesReadBuffer);
}

_Use_decl_annotations_ VOID VminiIoWriteVerify(PVMINI_WORK_ITEM Item)
{
    VminiPiecesRun(Item, VminiPiecesWriteVerify);
}

_Use_decl_annotations_ VOID VminiIoCompareWrite(PVMINI_WORK_ITEM Item)
{
    VminiPiecesRun(Item, VminiPiecesCompareWrite);
}

_Use_decl_annotations_ VOID VminiIoOrWrite(PVMINI_WORK_ITEM Item)
{
    VminiPiecesRun(Item, VminiPiecesOrWrite);
}

_Use_decl_annotations_ VOID VminiIoWriteSame(PVMINI_WORK_ITEM Item)
{
    VminiPiecesRun(Item, VminiPiecesWriteSame);
}

_Use_decl_annotations_ VOID VminiIoWriteZeros(PVMINI_WORK_ITEM Item)
{
    VminiPiecesRun(Item, VminiPiecesWriteZeros);
}
