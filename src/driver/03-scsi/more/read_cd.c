/**
 * \file
 * READ CD and READ CD MSF: sectors of a CD, and as much of each as is wanted.
 *
 *     BEh, B9h (MMC-6 6.18, 6.19)
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------+-----------------+-----+-----+
 *      1 |  0              |  sector type    | DAP |  0  |   type: 0 any, 2 data (mode 1)
 *      9 |SYNC |  headers  |USER |EDC  | C2 errors |  0  |
 *     10 |  0                    |  sub-channel          |
 *        +-----------------+-----------------------------+
 *     READ CD: 2-5 LBA, 6-8 number of sectors
 *     READ CD MSF: 3-5 where it begins, 6-8 where it ends: minute, second, frame
 *
 * An image holds the 2048 bytes of user data of each sector, so those can be had, or nothing. Sync
 * pattern, headers, error correction and sub-channel were never in the file, and none are invented.
 */
#include "03-scsi/commands.h"

#define VMINI_CD_TYPE_ANY   0
#define VMINI_CD_TYPE_DATA  2
#define VMINI_CD_USER       0x10 /**< Byte 9: the user data. */
#define VMINI_CD_FLAGS      9
#define VMINI_CD_SUBCHANNEL 10

/** Refuses the first bit of a byte that asks for what there is not.
 *  \return SRB_STATUS_SUCCESS: there is none. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiCdCheckByte(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ USHORT Byte,
                              _In_ UCHAR Allowed)
{
    UCHAR Refused = Request->Cdb[Byte] & (UCHAR)~Allowed;
    UCHAR Bit = 7;

    if (Refused == 0) {
        return SRB_STATUS_SUCCESS;
    }
    while ((Refused & (1U << Bit)) == 0) {
        Bit--;
    }
    return VminiSenseFailCdbField(Request->Srb, Byte, Bit);
}

/** What is wanted of each sector, and of which kind of sector. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiCdCheck(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    UCHAR Type = (Request->Cdb[1] >> 2) & 7;
    UCHAR SrbStatus = VminiCdCheckByte(Request, VMINI_CD_FLAGS, VMINI_CD_USER);

    if (SrbStatus == SRB_STATUS_SUCCESS) {
        SrbStatus = VminiCdCheckByte(Request, VMINI_CD_SUBCHANNEL, 0);
    }
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    if (VminiUnitIsDvd(Request->Unit)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_WRONG_FORMAT);
    }
    return Type == VMINI_CD_TYPE_ANY || Type == VMINI_CD_TYPE_DATA
               ? SRB_STATUS_SUCCESS
               : VminiSenseFail(Request->Srb, VMINI_SENSE_ILLEGAL_MODE);
}

/** READ CD: no sectors, or nothing of each, is no error. Storport maps the buffer, as it does for all
 *  commands but READ and WRITE. */
_Use_decl_annotations_ UCHAR VminiScsiReadCd(PVMINI_SCSI_REQUEST Request)
{
    VMINI_EXTENT Extent;
    UCHAR SrbStatus = VminiCdCheck(Request);

    if (SrbStatus == SRB_STATUS_SUCCESS) {
        SrbStatus = VminiBlocksAccess(Request, &Extent);
    }
    if (SrbStatus != SRB_STATUS_SUCCESS || Extent.Blocks == 0 ||
        (Request->Cdb[VMINI_CD_FLAGS] & VMINI_CD_USER) == 0) {
        return SrbStatus;
    }
    SrbStatus = VminiBlocksAttach(Request, VminiBlocksBytes(Request->Unit, &Extent));
    return SrbStatus == SRB_STATUS_SUCCESS ? VminiBlocksQueue(Request, VminiDoReadBuffer, &Extent)
                                           : SrbStatus;
}

/** Is this an address? Minutes are any: what is not on the disc is out of range. */
static BOOLEAN VminiCdIsMsf(_In_reads_bytes_(3) const UCHAR *Msf)
{
    return Msf[1] < VMINI_CD_SECONDS && Msf[2] < VMINI_CD_FRAMES;
}

/** READ CD MSF: from one address up to, not including, another. */
_Use_decl_annotations_ UCHAR VminiScsiReadCdMsf(PVMINI_SCSI_REQUEST Request)
{
    const UCHAR *Cdb = Request->Cdb;

    if (!VminiCdIsMsf(&Cdb[3])) {
        return VminiSenseFailCdbField(Request->Srb, 3, VMINI_WHOLE_BYTE);
    }
    if (!VminiCdIsMsf(&Cdb[6]) || VminiReadBe24(&Cdb[6]) < VminiReadBe24(&Cdb[3])) {
        return VminiSenseFailCdbField(Request->Srb, 6, VMINI_WHOLE_BYTE);
    }
    return VminiScsiReadCd(Request);
}
