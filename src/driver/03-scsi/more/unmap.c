/**
 * \file
 * UNMAP: these blocks are not needed any more. Their space goes back to the file system, and they read
 * as zeros.
 *
 *     CDB 42h (SBC-3 5.28)                   parameter list
 *     1    ANCHOR (bit 0)                    0-1   bytes after this field
 *     7-8  parameter list length             2-3   bytes of the descriptors
 *                                            8-    descriptors of 16 bytes:
 *                                                  0-7  LBA    8-11  number of blocks
 *
 * The list comes from the initiator, perhaps from a program's own memory that changes while we look:
 * each number is fetched once, checked, and kept in memory of ours.
 */
#include "03-scsi/commands.h"

#define VMINI_UNMAP_ANCHOR 0x01

_Static_assert(sizeof(UNMAP_BLOCK_DESCRIPTOR) == 16, "SBC-3 5.28.2");
_Static_assert(offsetof(UNMAP_LIST_HEADER, Descriptors) == 8, "SBC-3 5.28.2");

/** How many whole descriptors the list has: what it says, and what there is of it, whichever is less.
 *  The rest of one that is cut off is ignored (SBC-3 5.28.2). */
static ULONG VminiUnmapCount(_In_ const UNMAP_LIST_HEADER *List, _In_ ULONG ListLength)
{
    ULONG Bytes = VminiReadBe16(List->BlockDescrDataLength);

    Bytes = min(Bytes, ListLength - (ULONG)offsetof(UNMAP_LIST_HEADER, Descriptors));
    return Bytes / (ULONG)sizeof(UNMAP_BLOCK_DESCRIPTOR);
}

/** Turns one descriptor into a range of the file. \return SRB_STATUS_SUCCESS, or LBA OUT OF RANGE has
 *  been said. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiUnmapRange(_Inout_ PVMINI_SCSI_REQUEST Request,
                             _In_ const UNMAP_BLOCK_DESCRIPTOR *Descriptor,
                             _Out_ PFILE_ZERO_DATA_INFORMATION Range)
{
    const VMINI_UNIT *Unit = Request->Unit;
    ULONGLONG Lba = VminiReadBe64(Descriptor->StartingLba);
    ULONG Blocks = VminiReadBe32(Descriptor->LbaCount);

    if (Lba > Unit->BlockCount || Blocks > Unit->BlockCount - Lba) {
        return VminiSenseFailInformation(Request->Srb, VMINI_SENSE_LBA_OUT_OF_RANGE,
                                         max(Lba, Unit->BlockCount));
    }
    Range->FileOffset.QuadPart = (LONGLONG)(Lba * Unit->BlockSize);
    Range->BeyondFinalZero.QuadPart = (LONGLONG)((Lba + Blocks) * Unit->BlockSize);
    return SRB_STATUS_SUCCESS;
}

/** Makes ranges of all descriptors, or of none. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiUnmapRanges(_Inout_ PVMINI_SCSI_REQUEST Request,
                              _In_ const UNMAP_BLOCK_DESCRIPTOR *Descriptors, _In_ ULONG Count)
{
    ULONG Bytes = Count * (ULONG)sizeof(FILE_ZERO_DATA_INFORMATION);
    PFILE_ZERO_DATA_INFORMATION Ranges =
        ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, VMINI_TAG_SCSI);
    UCHAR SrbStatus = SRB_STATUS_SUCCESS;
    ULONG Index;

    if (Ranges == NULL) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
    }
    for (Index = 0; Index < Count && SrbStatus == SRB_STATUS_SUCCESS; Index++) {
        SrbStatus = VminiUnmapRange(Request, &Descriptors[Index], &Ranges[Index]);
    }
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        ExFreePoolWithTag(Ranges, VMINI_TAG_SCSI);
        return SrbStatus;
    }
    Request->Allocation = Ranges;
    Request->Work.Buffer = (PUCHAR)Ranges;
    Request->Work.Size = Bytes;
    return VminiBlocksQueue(Request, VminiDoZero, NULL);
}

/** The parameter list is there. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiUnmapList(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ const UNMAP_LIST_HEADER *List,
                            _In_ ULONG ListLength)
{
    ULONG Count = VminiUnmapCount(List, ListLength);

    Request->Moved = ListLength;
    if (Count == 0) {
        return SRB_STATUS_SUCCESS;
    }
    if (Count > VMINI_MAXIMUM_UNMAP_DESCRIPTORS) {
        return VminiSenseFailParameter(
            Request->Srb, offsetof(UNMAP_LIST_HEADER, BlockDescrDataLength), VMINI_WHOLE_BYTE);
    }
    return VminiUnmapRanges(Request, List->Descriptors, Count);
}

/** UNMAP: for thin disks only. A list of no bytes, or without descriptors, is no error. */
_Use_decl_annotations_ UCHAR VminiScsiUnmap(PVMINI_SCSI_REQUEST Request)
{
    ULONG ListLength = VminiReadBe16(&Request->Cdb[7]);
    const UNMAP_LIST_HEADER *List;
    ULONG Room;

    if ((Request->Cdb[1] & VMINI_UNMAP_ANCHOR) != 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, 0); /* ANC_SUP is 0 in page B2h. */
    }
    if (ListLength == 0) {
        return SRB_STATUS_SUCCESS;
    }
    if (ListLength < offsetof(UNMAP_LIST_HEADER, Descriptors)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_LIST_LENGTH);
    }
    if (ListLength > SrbGetDataTransferLength(Request->Srb)) {
        return VminiSenseFailCdbField(Request->Srb, 7, VMINI_WHOLE_BYTE);
    }
    List = VminiTransferBuffer(Request->Adapter, Request->Srb, &Room);
    return List != NULL ? VminiUnmapList(Request, List, ListLength)
                        : VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
}
