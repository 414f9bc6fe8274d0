/**
 * \file
 * MODE SENSE(6) and (10): how a device is set up. The header and the block descriptor; the pages
 * are in mode_pages.c.
 *
 *     CDB(6)                  CDB(10)                     (SPC-4 6.13, 6.14)
 *     0  1Ah                  0    5Ah
 *     1  DBD (bit 3)          1    LLBAA (bit 4), DBD (bit 3)
 *     2  PC (7..6), page      2    PC (7..6), page        PC: 0 current, 1 changeable,
 *     3  subpage              3    subpage                 2 default, 3 saved
 *     4  allocation length    7-8  allocation length
 *     5  control              9    control
 *
 *     header(6)               header(10)                  (SPC-4 7.5.5)
 *     0  mode data length     0-1  mode data length       the bytes after this field
 *     1  medium type          2    medium type            0
 *     2  device-specific      3    device-specific        WP (bit 7), DPOFUA (bit 4): SBC-3 6.5
 *     3  descriptor length    4    LONGLBA (bit 0)
 *                             6-7  descriptor length
 *
 * Then one block descriptor for a disk, none for a CD-ROM (MMC has none), then the pages.
 */
#include "03-scsi/commands.h"

#define VMINI_MODE_DBD         0x08 /**< Byte 1: no block descriptor, please. */
#define VMINI_MODE_SUBPAGE_ALL 0xFF

_Static_assert(sizeof(MODE_PARAMETER_HEADER) == 4, "MODE SENSE(6) header");
_Static_assert(sizeof(MODE_PARAMETER_HEADER10) == 8, "MODE SENSE(10) header");
_Static_assert(sizeof(MODE_PARAMETER_BLOCK) == 8, "block descriptor");

/** The device-specific parameter: FUA is honoured by disks, so DPOFUA is set. */
static UCHAR VminiModeDeviceSpecific(_In_ const VMINI_UNIT *Unit)
{
    UCHAR Parameter = Unit->Cdrom ? 0 : MODE_DSP_FUA_SUPPORTED;

    return VminiUnitIsProtected(Unit) ? Parameter | MODE_DSP_WRITE_PROTECT : Parameter;
}

/**
 * Appends the short LBA block descriptor, SBC-3 6.5. \return its bytes.
 *
 *     0-3  number of logical blocks; FFFFFFFFh: more than fit, ask READ CAPACITY(16); 0: no medium
 *     5-7  block length
 */
static UCHAR VminiModeAppendBlock(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    PVMINI_UNIT Unit = Request->Unit;
    PUCHAR At;

    if (Unit->Cdrom || (Request->Cdb[1] & VMINI_MODE_DBD) != 0) {
        return 0;
    }
    At = VminiTransferAppend(&Request->Reply, sizeof(MODE_PARAMETER_BLOCK));
    if (VminiUnitHasMedium(Unit)) {
        VminiWriteBe32(At, (ULONG)min(Unit->BlockCount, MAXULONG));
    }
    VminiWriteBe24(At + offsetof(MODE_PARAMETER_BLOCK, BlockLength), Unit->BlockSize);
    return sizeof(MODE_PARAMETER_BLOCK);
}

/** Refuses what cannot be asked for: saved values, subpages. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiModeCheck(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    UCHAR SubPage = Request->Cdb[3];

    if (Request->Cdb[2] >> 6 == MODE_SENSE_SAVED_VALUES) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_SAVING_UNSUPPORTED);
    }
    if (SubPage != 0 && SubPage != VMINI_MODE_SUBPAGE_ALL) {
        return VminiSenseFailCdbField(Request->Srb, 3, VMINI_WHOLE_BYTE);
    }
    return SRB_STATUS_SUCCESS;
}

/**
 * Writes the header's length field. It does not count itself: with 3, an initiator knows that 4
 * bytes are there; with 4, it waits for a fifth. \article{Tweaks, Mode Sense Emulation}
 */
static VOID VminiModeSetLength(_Inout_ PVMINI_REPLY Reply, _In_ ULONG HeaderLength)
{
    if (HeaderLength == sizeof(MODE_PARAMETER_HEADER10)) {
        VminiWriteBe16(Reply->Data, (USHORT)(Reply->Length - sizeof(USHORT)));
    } else {
        Reply->Data[0] = (UCHAR)(Reply->Length - sizeof(UCHAR));
    }
}

/** Block descriptor, pages, length: what both forms have in common. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiModeSend(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG HeaderLength,
                           _In_ ULONG AllocationLength)
{
    UCHAR Page = Request->Cdb[2] & 0x3F;
    UCHAR Control = Request->Cdb[2] >> 6;
    UCHAR DescriptorLength = VminiModeAppendBlock(Request);

    if (!VminiModeAppendPages(Request, Page, Control)) {
        return VminiSenseFailCdbField(Request->Srb, 2, 5);
    }
    Request->Reply.Data[HeaderLength - 1] = DescriptorLength; /* The last byte of both headers. */

    VminiModeSetLength(&Request->Reply, HeaderLength);

    return VminiScsiReply(Request, AllocationLength);
}

/** MODE SENSE(6). */
_Use_decl_annotations_ UCHAR VminiScsiModeSense6(PVMINI_SCSI_REQUEST Request)
{
    UCHAR SrbStatus = VminiModeCheck(Request);
    PMODE_PARAMETER_HEADER Header;

    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    VminiTransferBegin(&Request->Reply);
    Header = VminiTransferAppend(&Request->Reply, sizeof(*Header));
    Header->DeviceSpecificParameter = VminiModeDeviceSpecific(Request->Unit);
    return VminiModeSend(Request, sizeof(*Header), Request->Cdb[4]);
}

/** MODE SENSE(10): the same with a longer header. */
_Use_decl_annotations_ UCHAR VminiScsiModeSense10(PVMINI_SCSI_REQUEST Request)
{
    UCHAR SrbStatus = VminiModeCheck(Request);
    PMODE_PARAMETER_HEADER10 Header;

    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    VminiTransferBegin(&Request->Reply);
    Header = VminiTransferAppend(&Request->Reply, sizeof(*Header));
    Header->DeviceSpecificParameter = VminiModeDeviceSpecific(Request->Unit);
    return VminiModeSend(Request, sizeof(*Header), VminiReadBe16(&Request->Cdb[7]));
}
