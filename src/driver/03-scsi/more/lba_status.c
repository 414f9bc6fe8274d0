/**
 * \file
 * GET LBA STATUS: which blocks have space behind them.
 *
 *     CDB 9Eh/12h (SBC-3 5.4)                data
 *     2-9   starting LBA                     0-3   bytes after this field
 *     10-13 allocation length                8-    descriptors of 16 bytes:
 *                                                  0-7  LBA    8-11  number of blocks
 *                                                  12   status (3..0): 0 mapped, 1 deallocated
 *
 * The first descriptor begins at the LBA that was asked for, and each one where the one before it
 * ended. There need not be descriptors to the end of the disk: who wants to know more asks again.
 *
 * A worker asks the file system which ranges are allocated; what lies between them is deallocated. A
 * disk that is not thin is all mapped, without a question.
 */
#include "03-scsi/commands.h"

#define VMINI_LBA_STATUS_HEADER 8

/** Descriptors that fit into the reply. */
#define VMINI_LBA_DESCRIPTORS                                                                      \
    ((VMINI_REPLY_SIZE - VMINI_LBA_STATUS_HEADER) / sizeof(LBA_STATUS_DESCRIPTOR))
/** Ranges that are asked for: each can make two descriptors, a hole and itself. */
#define VMINI_LBA_RANGES (VMINI_LBA_DESCRIPTORS / 2)

_Static_assert(sizeof(LBA_STATUS_DESCRIPTOR) == 16, "SBC-3 5.4.2");
_Static_assert(offsetof(LBA_STATUS_LIST_HEADER, Descriptors) == VMINI_LBA_STATUS_HEADER,
               "SBC-3 5.4.2");

/** What the worker gets, and fills: VminiDoAllocated. */
typedef struct _VMINI_LBA_QUERY {
    FILE_ALLOCATED_RANGE_BUFFER Asked;
    FILE_ALLOCATED_RANGE_BUFFER Found[VMINI_LBA_RANGES];
} VMINI_LBA_QUERY, *PVMINI_LBA_QUERY;

/** An answer that is being put together. */
typedef struct _VMINI_LBA_LIST {
    PVMINI_REPLY Reply;
    ULONGLONG Next; /**< The first block that has no descriptor yet. */
} VMINI_LBA_LIST;

/** Adds blocks up to, not including, End. What is empty is not added; what has more than 2^32-1 blocks
 *  is cut off, and nothing can follow it. \return FALSE: the list is full. */
static BOOLEAN VminiLbaAppend(_Inout_ VMINI_LBA_LIST *List, _In_ ULONGLONG End, _In_ UCHAR Status)
{
    PLBA_STATUS_DESCRIPTOR Descriptor;
    ULONGLONG Blocks;

    if (End <= List->Next) {
        return TRUE;
    }
    if (sizeof(*Descriptor) > sizeof(List->Reply->Data) - List->Reply->Length) {
        return FALSE;
    }
    Blocks = min(End - List->Next, MAXULONG);
    Descriptor = VminiTransferAppend(List->Reply, sizeof(*Descriptor));
    VminiWriteBe64(&Descriptor->StartingLBA, List->Next);
    VminiWriteBe32(&Descriptor->LogicalBlockCount, (ULONG)Blocks);
    Descriptor->ProvisioningStatus = Status & 0xFU;
    List->Next += Blocks;
    return List->Next == End;
}

/**
 * Adds what the file system found, hole and range in turn. It rounds to units of its own, so a range
 * may begin before the first block that was asked for; and a hole that ends within a block leaves that
 * block mapped.
 */
static VOID VminiLbaAppendRanges(_Inout_ PVMINI_SCSI_REQUEST Request, _Inout_ VMINI_LBA_LIST *List,
                                 _In_reads_(Count) const FILE_ALLOCATED_RANGE_BUFFER *Ranges,
                                 _In_ ULONG Count)
{
    ULONG BlockSize = Request->Unit->BlockSize;
    ULONGLONG BlockCount = Request->Unit->BlockCount;
    BOOLEAN Room = TRUE;
    ULONG Index;

    for (Index = 0; Index < Count && Room; Index++) {
        ULONGLONG Start = (ULONGLONG)Ranges[Index].FileOffset.QuadPart;
        ULONGLONG End = Start + (ULONGLONG)Ranges[Index].Length.QuadPart;

        Room = VminiLbaAppend(List, min(Start / BlockSize, BlockCount), LBA_STATUS_DEALLOCATED) &&
               VminiLbaAppend(List, min((End + BlockSize - 1) / BlockSize, BlockCount),
                              LBA_STATUS_MAPPED);
    }
    /* All ranges are known only if there was room for one more. */
    if (Room && Count < VMINI_LBA_RANGES) {
        (VOID) VminiLbaAppend(List, BlockCount, LBA_STATUS_DEALLOCATED);
    }
}

/** Begins the answer. */
static VMINI_LBA_LIST VminiLbaBegin(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    VMINI_LBA_LIST List = {&Request->Reply, VminiReadBe64(&Request->Cdb[2])};

    VminiTransferBegin(List.Reply);
    VminiTransferAppend(List.Reply, VMINI_LBA_STATUS_HEADER);
    return List;
}

/** Ends it. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiLbaSend(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    VminiWriteBe32(Request->Reply.Data, Request->Reply.Length - (ULONG)sizeof(ULONG));
    return VminiScsiReply(Request, VminiReadBe32(&Request->Cdb[10]));
}

/** The file system has answered. */
_Use_decl_annotations_ UCHAR VminiScsiLbaStatusDone(PVMINI_SCSI_REQUEST Request)
{
    const VMINI_LBA_QUERY *Query = Request->Allocation;
    VMINI_LBA_LIST List = VminiLbaBegin(Request);
    ULONG Count = (ULONG)(Request->Work.Information / sizeof(Query->Found[0]));

    VminiLbaAppendRanges(Request, &List, Query->Found, min(Count, VMINI_LBA_RANGES));
    return VminiLbaSend(Request);
}

/** Prepares the question. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiLbaAsk(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONGLONG Lba)
{
    const VMINI_UNIT *Unit = Request->Unit;
    PVMINI_LBA_QUERY Query = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Query), VMINI_TAG_SCSI);

    if (Query == NULL) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
    }
    Request->Allocation = Query;
    Query->Asked.FileOffset.QuadPart = (LONGLONG)(Lba * Unit->BlockSize);
    Query->Asked.Length.QuadPart = (LONGLONG)((Unit->BlockCount - Lba) * Unit->BlockSize);
    Request->Work.Buffer = (PUCHAR)Query;
    Request->Work.Size = sizeof(*Query);
    return VminiBlocksQueue(Request, VminiDoAllocated, NULL);
}

/** GET LBA STATUS. The block that it asks for must exist, so the one after the last is out of range. */
_Use_decl_annotations_ UCHAR VminiScsiGetLbaStatus(PVMINI_SCSI_REQUEST Request)
{
    ULONGLONG Lba = VminiReadBe64(&Request->Cdb[2]);
    VMINI_LBA_LIST List;

    if (Lba >= Request->Unit->BlockCount) {
        return VminiSenseFailInformation(Request->Srb, VMINI_SENSE_LBA_OUT_OF_RANGE, Lba);
    }
    if (Request->Unit->Thin) {
        return VminiLbaAsk(Request, Lba);
    }
    List = VminiLbaBegin(Request);
    (VOID) VminiLbaAppend(&List, Request->Unit->BlockCount, LBA_STATUS_MAPPED);
    return VminiLbaSend(Request);
}
