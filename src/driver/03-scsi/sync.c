/**
 * \file
 * SYNCHRONIZE CACHE(10) and (16): what was written before is on the medium when this ends.
 *
 *     35h, 91h (SBC-3 5.26, 5.27)
 *     byte 1: IMMED (bit 1)    LBA and number of blocks: see blocks.c; 0 blocks: to the end
 *
 * A file system flushes files, not ranges: the range is checked, and then all of the file is
 * flushed. IMMED would let us answer first and flush later. We flush first all the same: an answer
 * that comes later than allowed breaks nothing, and the work item lives no longer than its SRB.
 */
#include "03-scsi/commands.h"

/** SYNCHRONIZE CACHE(10) and (16). */
_Use_decl_annotations_ UCHAR VminiScsiSynchronizeCache(PVMINI_SCSI_REQUEST Request)
{
    VMINI_EXTENT Extent;
    UCHAR SrbStatus = VminiBlocksRange(Request, &Extent);

    if (SrbStatus != SRB_STATUS_SUCCESS || Request->Unit->ReadOnly) {
        return SrbStatus; /* Nothing was ever written to a file that is open for reading only. */
    }
    return VminiBlocksQueue(Request, VminiDoFlush, NULL);
}
