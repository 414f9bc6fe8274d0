/**
 * \file
 * PRE-FETCH(10) and (16): I shall read these blocks soon.
 *
 *     34h, 90h (SBC-3 5.8, 5.9)
 *     byte 1: IMMED (bit 1)    LBA and number of blocks: see blocks.c; 0 blocks: to the end
 *
 * The blocks are read through the file system's cache, where a READ that follows finds them. Whether
 * they stay there is the cache's business. So the answer is always GOOD, "not all of it may be
 * there", and never CONDITION MET, which would promise that it is. For the same reason a pre-fetch of
 * terabytes is no error: as much as one transfer moves is read of it.
 */
#include "03-scsi/commands.h"

#define VMINI_PREFETCH_IMMED 0x02

/** PRE-FETCH(10) and (16). With IMMED the answer must not wait for the blocks: then none are read,
 *  for a work item lives no longer than its SRB. */
_Use_decl_annotations_ UCHAR VminiScsiPreFetch(PVMINI_SCSI_REQUEST Request)
{
    ULONG Longest = VMINI_MAXIMUM_TRANSFER_LENGTH / Request->Unit->BlockSize;
    VMINI_EXTENT Extent;
    UCHAR SrbStatus = VminiBlocksRange(Request, &Extent);

    if (SrbStatus != SRB_STATUS_SUCCESS || (Request->Cdb[1] & VMINI_PREFETCH_IMMED) != 0) {
        return SrbStatus;
    }
    if (Extent.Blocks == 0) {
        Extent.Blocks = (ULONG)min(Request->Unit->BlockCount - Extent.Lba, Longest);
    }
    Extent.Blocks = min(Extent.Blocks, Longest);
    return Extent.Blocks == 0 ? SRB_STATUS_SUCCESS
                              : VminiBlocksQueue(Request, VminiDoCompare, &Extent);
}
