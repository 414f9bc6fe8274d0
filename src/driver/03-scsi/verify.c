/**
 * \file
 * VERIFY(10), (12) and (16): can the blocks be read, and do they hold what the initiator sends
 * along?
 *
 *     byte   7     6     5     4     3     2     1     0       (SBC-3 5.29)
 *        +-----------------+-----+-----+-----------+-----+
 *      1 |  VRPROTECT: 0   | DPO |  0  |  BYTCHK   |  0  |
 *        +-----------------+-----+-----+-----------+-----+
 *
 *     BYTCHK 0: read the blocks, compare nothing; no data-out
 *            1: compare them with as many blocks of data-out
 *            2: reserved
 *            3: compare each of them with one block of data-out
 *
 * The data-out buffer is mapped: VERIFY is neither READ nor WRITE to Storport. The worker compares.
 */
#include "03-scsi/commands.h"

#define VMINI_BYTCHK_NONE      0
#define VMINI_BYTCHK_ALL       1
#define VMINI_BYTCHK_ONE_BLOCK 3
#define VMINI_BYTCHK_BIT       2 /**< Its most significant bit in byte 1. */

/** Makes Length bytes out of one block, for BYTCHK 3. \return NULL without memory.
 *  \irql{<= DISPATCH_LEVEL} */
static PUCHAR VminiVerifyRepeat(_In_ const UCHAR *Block, _In_ ULONG BlockSize, _In_ ULONG Length)
{
    PUCHAR Copies = ExAllocatePoolWithTag(NonPagedPoolNx, Length, VMINI_TAG_SCSI);
    ULONG At;

    for (At = 0; Copies != NULL && At < Length; At += BlockSize) {
        RtlCopyMemory(Copies + At, Block, BlockSize);
    }
    return Copies;
}

/** Gives the worker something to compare with. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiVerifyAttach(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ UCHAR ByteCheck,
                               _In_ ULONG Length)
{
    ULONG BlockSize = Request->Unit->BlockSize;
    UCHAR SrbStatus =
        VminiBlocksAttach(Request, ByteCheck == VMINI_BYTCHK_ALL ? Length : BlockSize);

    if (SrbStatus == SRB_STATUS_SUCCESS && ByteCheck == VMINI_BYTCHK_ONE_BLOCK) {
        Request->Allocation = VminiVerifyRepeat(Request->Work.Buffer, BlockSize, Length);
        Request->Work.Buffer = Request->Allocation;
        if (Request->Allocation == NULL) {
            return VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
        }
    }
    return SrbStatus;
}

/** VERIFY(10), (12) and (16). */
_Use_decl_annotations_ UCHAR VminiScsiVerify(PVMINI_SCSI_REQUEST Request)
{
    UCHAR ByteCheck = (Request->Cdb[1] >> 1) & 3;
    VMINI_EXTENT Extent;
    UCHAR SrbStatus = VminiBlocksAccess(Request, &Extent);

    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    if (ByteCheck == 2) {
        return VminiSenseFailCdbField(Request->Srb, 1, VMINI_BYTCHK_BIT);
    }
    if (Extent.Blocks == 0) {
        return SRB_STATUS_SUCCESS;
    }
    if (ByteCheck != VMINI_BYTCHK_NONE) {
        SrbStatus = VminiVerifyAttach(Request, ByteCheck, VminiBlocksBytes(Request->Unit, &Extent));
    }
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    return VminiBlocksQueue(Request, VminiDoCompare, &Extent);
}
