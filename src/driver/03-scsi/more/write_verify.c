/**
 * \file
 * WRITE AND VERIFY(10), (12) and (16): write the blocks, and see that they can be read.
 *
 *     2Eh, AEh, 8Eh (SBC-3 5.37 to 5.39)
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------+-----+-----+-----------+-----+
 *      1 |  WRPROTECT: 0   | DPO |  0  |  BYTCHK   |  0  |
 *        +-----------------+-----+-----+-----------+-----+
 *
 *     BYTCHK 0: read the blocks afterwards    1: and compare them with what was sent    2, 3: reserved
 *
 * A write that waits in a cache has not been verified: a flush follows, always, and the command is GOOD
 * only if that was. (What is read back before it may still come from the cache; there is no way around
 * it in a file system.)
 */
#include "03-scsi/commands.h"

#define VMINI_BYTCHK_COMPARE 1
#define VMINI_BYTCHK_BIT     2 /**< Its most significant bit in byte 1. */

/** WRITE AND VERIFY(10), (12) and (16). */
_Use_decl_annotations_ UCHAR VminiScsiWriteVerify(PVMINI_SCSI_REQUEST Request)
{
    UCHAR ByteCheck = (Request->Cdb[1] >> 1) & 3;
    VMINI_EXTENT Extent;
    UCHAR SrbStatus = VminiBlocksAccess(Request, &Extent);

    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    if (ByteCheck > VMINI_BYTCHK_COMPARE) {
        return VminiSenseFailCdbField(Request->Srb, 1, VMINI_BYTCHK_BIT);
    }
    if (Extent.Blocks == 0) {
        return SRB_STATUS_SUCCESS;
    }
    SrbStatus = VminiBlocksAttach(Request, VminiBlocksBytes(Request->Unit, &Extent));
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    Request->Work.Comparing = ByteCheck == VMINI_BYTCHK_COMPARE;
    Request->Work.WriteThrough = TRUE;
    return VminiBlocksQueue(Request, VminiDoWriteVerify, &Extent);
}
