/**
 * \file
 * WRITE SAME(10) and (16): one block of data, written to many; or, with UNMAP, many blocks given back.
 *
 *     41h, 93h (SBC-3 5.43, 5.44)
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------+-----+-----+-----+-----+-----+
 *      1 |  WRPROTECT: 0   |ANCH |UNMAP|  0  |  0  |NDOB |   NDOB: (16) only, no data are sent
 *        +-----------------+-----+-----+-----+-----+-----+
 *     LBA and number of blocks: see blocks.c; 0 blocks: to the end
 *
 * ANCHOR asks for space that is kept but not used, which a file cannot promise: refused, as page B2h
 * announces (ANC_SUP = 0). So are bits 2 and 1, obsolete since SBC-3: they made each block another
 * one. NDOB is SBC-4's, but initiators set it: zeros are meant, and none are sent. Without UNMAP they
 * are written like any other block; that costs time, but every file system can do it, and the blocks
 * keep their space.
 */
#include "03-scsi/commands.h"

#define VMINI_SAME_ANCHOR_BIT 4
#define VMINI_SAME_UNMAP      0x08
#define VMINI_SAME_UNMAP_BIT  3
#define VMINI_SAME_NDOB       0x01 /**< WRITE SAME(16): no data-out buffer. */

/** Is there no data-out, by the CDB's own word? */
static BOOLEAN VminiSameHasNoData(_In_ const VMINI_SCSI_REQUEST *Request)
{
    return Request->Cdb[0] == SCSIOP_WRITE_SAME16 && (Request->Cdb[1] & VMINI_SAME_NDOB) != 0;
}

/** Checks byte 1, but for the protection field. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiSameCheckFlags(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    static const UCHAR Refused[] = {VMINI_SAME_ANCHOR_BIT, 2, 1, 0};
    UCHAR Flags = Request->Cdb[1];
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Refused); Index++) {
        if ((Flags & (1 << Refused[Index])) != 0 &&
            (Refused[Index] != 0 || !VminiSameHasNoData(Request))) {
            return VminiSenseFailCdbField(Request->Srb, 1, Refused[Index]);
        }
    }
    if ((Flags & VMINI_SAME_UNMAP) != 0 && !Request->Unit->Thin) {
        return VminiSenseFailCdbField(Request->Srb, 1, VMINI_SAME_UNMAP_BIT);
    }
    return SRB_STATUS_SUCCESS;
}

/** Which blocks. 0 stands for all up to the end, if those are not too many. */
static UCHAR VminiSameExtent(_Inout_ PVMINI_SCSI_REQUEST Request, _Out_ PVMINI_EXTENT Extent)
{
    UCHAR SrbStatus = VminiBlocksAccessUpTo(Request, Extent, VMINI_MAXIMUM_WRITE_SAME);
    ULONGLONG Rest;

    if (SrbStatus != SRB_STATUS_SUCCESS || Extent->Blocks != 0) {
        return SrbStatus;
    }
    Rest = Request->Unit->BlockCount - Extent->Lba;
    if (Rest > VMINI_MAXIMUM_WRITE_SAME) {
        return VminiBlocksRefuseCount(Request);
    }
    Extent->Blocks = (ULONG)Rest;
    return SRB_STATUS_SUCCESS;
}

static BOOLEAN VminiSameIsZero(_In_reads_bytes_(Length) const UCHAR *Data, _In_ ULONG Length)
{
    return Data[0] == 0 && RtlCompareMemory(Data, Data + 1, Length - 1) == Length - 1;
}

/** Gives the blocks back: the file system makes holes of them. (A file system that cannot: the worker
 *  writes zeros.) \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiSameUnmap(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ const VMINI_EXTENT *Extent)
{
    PFILE_ZERO_DATA_INFORMATION Range =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Range), VMINI_TAG_SCSI);

    if (Range == NULL) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
    }
    Request->Allocation = Range;
    Range->FileOffset.QuadPart = (LONGLONG)(Extent->Lba * Request->Unit->BlockSize);
    Range->BeyondFinalZero.QuadPart =
        Range->FileOffset.QuadPart + VminiBlocksBytes(Request->Unit, Extent);
    Request->Work.Buffer = (PUCHAR)Range;
    Request->Work.Size = sizeof(*Range);
    return VminiBlocksQueue(Request, VminiDoZero, Extent);
}

/** Takes a block of zeros for the data-out that was not sent. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiSameAttachZeros(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    ULONG BlockSize = Request->Unit->BlockSize;
    PUCHAR Zeros = ExAllocatePoolWithTag(NonPagedPoolNx, BlockSize, VMINI_TAG_SCSI);

    if (Zeros == NULL) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
    }
    RtlZeroMemory(Zeros, BlockSize);
    Request->Allocation = Zeros;
    Request->Work.Buffer = Zeros;
    Request->Work.Size = BlockSize;
    return SRB_STATUS_SUCCESS;
}

/**
 * Looks at the data-out: one block, no more and no less.
 * \param Zero  receives whether it is all zero.
 * \return SRB_STATUS_SUCCESS, or what VminiSenseFail returned. \irql{<= DISPATCH_LEVEL}
 */
static UCHAR VminiSameAttach(_Inout_ PVMINI_SCSI_REQUEST Request, _Out_ PBOOLEAN Zero)
{
    ULONG BlockSize = Request->Unit->BlockSize;
    UCHAR SrbStatus;

    *Zero = FALSE;
    if (SrbGetDataTransferLength(Request->Srb) != BlockSize) {
        return VminiBlocksRefuseCount(Request);
    }
    SrbStatus = VminiBlocksAttach(Request, BlockSize);
    if (SrbStatus == SRB_STATUS_SUCCESS) {
        Request->Work.Size = BlockSize;
        *Zero = VminiSameIsZero(Request->Work.Buffer, BlockSize);
    }
    return SrbStatus;
}

/**
 * WRITE SAME(10) and (16). A deallocated block reads as zeros, so UNMAP gives the blocks back only
 * where zeros are to be written; other data are written, as without UNMAP (SBC-3 4.7.3.4.4).
 */
_Use_decl_annotations_ UCHAR VminiScsiWriteSame(PVMINI_SCSI_REQUEST Request)
{
    BOOLEAN NoData = VminiSameHasNoData(Request);
    BOOLEAN Zero = TRUE;
    VMINI_EXTENT Extent = {0};
    UCHAR SrbStatus = VminiSameCheckFlags(Request);

    if (SrbStatus == SRB_STATUS_SUCCESS) {
        SrbStatus = VminiSameExtent(Request, &Extent);
    }
    if (SrbStatus == SRB_STATUS_SUCCESS && !NoData) {
        SrbStatus = VminiSameAttach(Request, &Zero);
    }
    if (SrbStatus != SRB_STATUS_SUCCESS || Extent.Blocks == 0) {
        return SrbStatus;
    }
    if (Zero && (Request->Cdb[1] & VMINI_SAME_UNMAP) != 0) {
        return VminiSameUnmap(Request, &Extent);
    }
    if (NoData) {
        SrbStatus = VminiSameAttachZeros(Request);
    }
    return SrbStatus == SRB_STATUS_SUCCESS ? VminiBlocksQueue(Request, VminiDoWriteSame, &Extent)
                                           : SrbStatus;
}
