/**
 * \file
 * READ CAPACITY(10) and (16): the address of the last block, and the bytes in one.
 *
 *     10: CDB 25h (SBC-3 5.15)             16: CDB 9Eh, service action 10h (SBC-3 5.16)
 *     0-3  last LBA; FFFFFFFFh: ask (16)       0-7   last LBA
 *     4-7  bytes in a block                    8-11  bytes in a block
 *                                              12    P_TYPE (3..1), PROT_EN (bit 0): 0
 *                                              13    blocks in a physical block, exponent (3..0)
 *                                              14    LBPME (bit 7), LBPRZ (bit 6): a thin disk,
 *                                                    whose deallocated blocks read as zeros
 *                                              16-31 reserved
 *
 * The capacity is the file's size in whole blocks when it was opened: a tail that fills no block is
 * not served, and a file that grows later does not make the disk grow.
 */
#include "03-scsi/commands.h"

_Static_assert(sizeof(READ_CAPACITY_DATA) == 8, "SBC-3 5.15");
_Static_assert(sizeof(READ_CAPACITY16_DATA) == 32, "SBC-3 5.16");
_Static_assert(offsetof(READ_CAPACITY16_DATA, BytesPerBlock) == 8, "SBC-3 5.16");

/** \copydoc VMINI_SCSI_HANDLER \article{Part III, Figure 10} */
_Use_decl_annotations_ UCHAR VminiScsiReadCapacity10(PVMINI_SCSI_REQUEST Request)
{
    ULONGLONG LastLba = Request->Unit->BlockCount - 1;
    PREAD_CAPACITY_DATA Data;

    VminiTransferBegin(&Request->Reply);
    Data = VminiTransferAppend(&Request->Reply, sizeof(*Data));
    VminiWriteBe32(&Data->LogicalBlockAddress, (ULONG)min(LastLba, MAXULONG));
    VminiWriteBe32(&Data->BytesPerBlock, Request->Unit->BlockSize);
    return VminiScsiReply(Request, sizeof(*Data)); /* The CDB has no allocation length. */
}

/** READ CAPACITY(16): for disks whose last LBA needs more than 32 bits, and for who asks. A physical
 *  block has 4 KiB, because the file system's cache moves pages: who writes less makes it read first.
 */
_Use_decl_annotations_ UCHAR VminiScsiReadCapacity16(PVMINI_SCSI_REQUEST Request)
{
    PREAD_CAPACITY16_DATA Data;

    VminiTransferBegin(&Request->Reply);
    Data = VminiTransferAppend(&Request->Reply, sizeof(*Data));
    VminiWriteBe64(&Data->LogicalBlockAddress, Request->Unit->BlockCount - 1);
    VminiWriteBe32(&Data->BytesPerBlock, Request->Unit->BlockSize);
    Data->LogicalPerPhysicalExponent = VMINI_PHYSICAL_BLOCK_EXPONENT;
    Data->LBPME = Request->Unit->Thin ? 1 : 0;
    Data->LBPRZ = Request->Unit->Thin ? 1 : 0;
    return VminiScsiReply(Request, VminiReadBe32(&Request->Cdb[10]));
}
