/**
 * \file
 * COMPARE AND WRITE and ORWRITE(16): read and write in one, and nobody in between. Clusters keep
 * locks and bitmaps on a shared disk with them.
 *
 *     CDB 89h (SBC-3 5.2)                    CDB 8Bh (SBC-3 5.5)
 *     1    WRPROTECT, DPO, FUA               1     ORPROTECT, DPO, FUA
 *     2-9  LBA                               2-9   LBA
 *     13   number of blocks                  10-13 number of blocks
 *
 *     data-out of COMPARE AND WRITE: as many blocks to compare with, then as many to write
 *
 * That they are atomic is the workers' doing: 04-workers/exclusion.c.
 */
#include "03-scsi/commands.h"

/** Where the CDB of COMPARE AND WRITE has its number of blocks: one byte, so 255 at most. */
#define VMINI_COMPARE_COUNT_BYTE 13

/** COMPARE AND WRITE: if the blocks are as the initiator believes, they become as it wants. What is
 *  sent must be just that long: with more or less, the two halves would be others. (That also catches
 *  who means 256 blocks, or more, and says so in the reserved bytes.) */
_Use_decl_annotations_ UCHAR VminiScsiCompareAndWrite(PVMINI_SCSI_REQUEST Request)
{
    VMINI_EXTENT Extent;
    ULONG Length;
    UCHAR SrbStatus = VminiBlocksAccessUpTo(Request, &Extent, VMINI_MAXIMUM_COMPARE_AND_WRITE);

    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    Length = 2 * VminiBlocksBytes(Request->Unit, &Extent);
    if (SrbGetDataTransferLength(Request->Srb) != Length) {
        return VminiSenseFailCdbField(Request->Srb, VMINI_COMPARE_COUNT_BYTE, VMINI_WHOLE_BYTE);
    }
    if (Extent.Blocks == 0) {
        return SRB_STATUS_SUCCESS;
    }
    SrbStatus = VminiBlocksAttach(Request, Length);
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    VminiBlocksForceUnitAccess(Request);
    return VminiBlocksQueue(Request, VminiDoCompareWrite, &Extent);
}

/** ORWRITE(16): sets bits, clears none. */
_Use_decl_annotations_ UCHAR VminiScsiOrWrite(PVMINI_SCSI_REQUEST Request)
{
    VMINI_EXTENT Extent;
    UCHAR SrbStatus = VminiBlocksAccess(Request, &Extent);

    if (SrbStatus != SRB_STATUS_SUCCESS || Extent.Blocks == 0) {
        return SrbStatus;
    }
    SrbStatus = VminiBlocksAttach(Request, VminiBlocksBytes(Request->Unit, &Extent));
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    VminiBlocksForceUnitAccess(Request);
    return VminiBlocksQueue(Request, VminiDoOrWrite, &Extent);
}
