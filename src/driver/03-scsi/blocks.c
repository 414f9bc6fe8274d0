/**
 * \file
 * What the commands that name blocks have in common: READ, WRITE, VERIFY, SYNCHRONIZE CACHE, and the
 * rarer ones.
 *
 * Each comes in up to four forms, and the opcode's top three bits, its group, say which:
 *
 *     group  bytes  LBA     blocks
 *       0      6    1-3 *   4        * 21 bits: the top three bits of byte 1 are not part of it;
 *     1, 2    10    2-5     7-8        blocks: 0 means 256
 *       5     12    2-5     6-9
 *       4     16    2-9     10-13
 *     READ CD    12    2-5     6-8
 *     READ CD MSF: from bytes 3-5 to 6-8, in minutes, seconds and frames
 *     COMPARE AND WRITE: of group 4, but the blocks in 13 only; 10-12 are reserved, and so ignored
 *
 * Nothing that a CDB says is believed: an LBA may be anything up to 2^64-1 and a count up to
 * 2^32-1, so they are compared in a way that cannot overflow, before either is multiplied.
 */
#include "03-scsi/commands.h"

#define VMINI_READ6_LBA_MASK    0x1FFFFFUL
#define VMINI_READ6_ZERO_BLOCKS 256

/** Minute, second and frame of a CD, as a frame's number. */
static ULONG VminiBlocksFrame(_In_reads_bytes_(3) const UCHAR *Msf)
{
    return (Msf[0] * VMINI_CD_SECONDS + Msf[1]) * VMINI_CD_FRAMES + Msf[2];
}

/** The same of CDBs of 12 bytes; READ CD, which is one of them, has fields of its own. */
static VOID VminiBlocksDecode12(_In_ const UCHAR *Cdb, _Out_ PVMINI_EXTENT Extent)
{
    Extent->Lba = VminiReadBe32(&Cdb[2]);
    Extent->Blocks = VminiReadBe32(&Cdb[6]);
    if (Cdb[0] == SCSIOP_READ_CD) {
        Extent->Blocks = VminiReadBe24(&Cdb[6]);
    } else if (Cdb[0] == SCSIOP_READ_CD_MSF) {
        /* Before LBA 0 lies what wraps round to a huge LBA. */
        Extent->Lba = (ULONGLONG)VminiBlocksFrame(&Cdb[3]) - VMINI_CD_LEAD_IN;
        Extent->Blocks = VminiBlocksFrame(&Cdb[6]) - VminiBlocksFrame(&Cdb[3]);
    }
}

/** Reads LBA and number of blocks, whichever form the CDB has. */
static VOID VminiBlocksDecode(_In_ const UCHAR *Cdb, _Out_ PVMINI_EXTENT Extent)
{
    switch (Cdb[0] >> 5) {
    case 0:
        Extent->Lba = VminiReadBe24(&Cdb[1]) & VMINI_READ6_LBA_MASK;
        Extent->Blocks = Cdb[4] != 0 ? Cdb[4] : VMINI_READ6_ZERO_BLOCKS;
        break;
    case 4:
        Extent->Lba = VminiReadBe64(&Cdb[2]);
        Extent->Blocks = Cdb[0] == SCSIOP_COMPARE_AND_WRITE ? Cdb[13] : VminiReadBe32(&Cdb[10]);
        break;
    case 5:
        VminiBlocksDecode12(Cdb, Extent);
        break;
    default:
        Extent->Lba = VminiReadBe32(&Cdb[2]);
        Extent->Blocks = VminiReadBe16(&Cdb[7]);
        break;
    }
}

/** Where a CDB has its number of blocks: for the field pointer. */
static USHORT VminiBlocksCountByte(_In_ const UCHAR *Cdb)
{
    static const UCHAR CountByte[] = {4, 7, 7, 7, 10, 6, 7, 7};

    return CountByte[Cdb[0] >> 5];
}

_Use_decl_annotations_ UCHAR VminiBlocksRefuseCount(PVMINI_SCSI_REQUEST Request)
{
    return VminiSenseFailCdbField(Request->Srb, VminiBlocksCountByte(Request->Cdb),
                                  VMINI_WHOLE_BYTE);
}

_Use_decl_annotations_ UCHAR VminiBlocksRange(PVMINI_SCSI_REQUEST Request, PVMINI_EXTENT Extent)
{
    ULONGLONG BlockCount = Request->Unit->BlockCount;

    VminiBlocksDecode(Request->Cdb, Extent);
    //! [range]
    /* No blocks at the very end are still in range: 0 more than all. */
    if (Extent->Lba > BlockCount || Extent->Blocks > BlockCount - Extent->Lba) {
        return VminiSenseFailInformation(Request->Srb, VMINI_SENSE_LBA_OUT_OF_RANGE,
                                         max(Extent->Lba, BlockCount)); /* The first that is not. */
    }
    //! [range]
    return SRB_STATUS_SUCCESS;
}

_Use_decl_annotations_ UCHAR VminiBlocksAccessUpTo(PVMINI_SCSI_REQUEST Request,
                                                   PVMINI_EXTENT Extent, ULONG Maximum)
{
    const UCHAR *Cdb = Request->Cdb;
    UCHAR SrbStatus;

    /* RDPROTECT, WRPROTECT, VRPROTECT: must be 0 when INQUIRY says PROTECT = 0 (SBC-3 5.11). */
    if (Cdb[0] >> 5 != 0 && Cdb[1] >> 5 != 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, 7);
    }
    SrbStatus = VminiBlocksRange(Request, Extent);
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    /* SBC-3 6.6: more than page B0h says is refused, not cut. */
    return Extent->Blocks > Maximum ? VminiBlocksRefuseCount(Request) : SRB_STATUS_SUCCESS;
}

_Use_decl_annotations_ UCHAR VminiBlocksAccess(PVMINI_SCSI_REQUEST Request, PVMINI_EXTENT Extent)
{
    return VminiBlocksAccessUpTo(Request, Extent,
                                 VMINI_MAXIMUM_TRANSFER_LENGTH / Request->Unit->BlockSize);
}

_Use_decl_annotations_ UCHAR VminiBlocksCheckTransfer(PVMINI_SCSI_REQUEST Request, ULONG Length)
{
    /* The CDB says how many bytes move, the SRB how many its buffer has, and nobody keeps them equal.
     * What would run over the end is refused before any byte moves; room to spare is no error.
     * \article{Tweaks, Validating the SRB DataTransferLength} */
    //! [transfer-check]
    if (Length > SrbGetDataTransferLength(Request->Srb)) {
        return VminiBlocksRefuseCount(Request);
    }
    //! [transfer-check]
    Request->Moved = Length;
    return SRB_STATUS_SUCCESS;
}

_Use_decl_annotations_ UCHAR VminiBlocksAttach(PVMINI_SCSI_REQUEST Request, ULONG Length)
{
    ULONG Room;
    UCHAR SrbStatus = VminiBlocksCheckTransfer(Request, Length);

    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    Request->Work.Buffer = VminiTransferBuffer(Request->Adapter, Request->Srb, &Room);
    return Request->Work.Buffer != NULL ? SRB_STATUS_SUCCESS
                                        : VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
}

/** Byte 1 of WRITE, ORWRITE, and COMPARE AND WRITE, but for WRITE(6). */
#define VMINI_FUA 0x08

_Use_decl_annotations_ VOID VminiBlocksForceUnitAccess(PVMINI_SCSI_REQUEST Request)
{
    if (Request->Cdb[0] >> 5 != 0 && (Request->Cdb[1] & VMINI_FUA) != 0) {
        Request->Work.WriteThrough = TRUE;
    }
}

_Use_decl_annotations_ UCHAR VminiBlocksQueue(PVMINI_SCSI_REQUEST Request,
                                              VMINI_WORK_COMMAND Command,
                                              const VMINI_EXTENT *Extent)
{
    PVMINI_WORK_ITEM Work = &Request->Work;
    const VMINI_UNIT *Unit = Request->Unit;

    Work->Command = Command;
    Work->Media = Unit->Media;
    Work->Offset = Extent != NULL ? Extent->Lba * Unit->BlockSize : 0;
    Work->Length = Extent != NULL ? VminiBlocksBytes(Unit, Extent) : 0;
    return SRB_STATUS_PENDING;
}
