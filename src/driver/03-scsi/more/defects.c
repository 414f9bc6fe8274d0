/**
 * \file
 * READ DEFECT DATA(10) and (12): the blocks that a medium has lost. A file has none.
 *
 *     CDB 37h (SBC-3 5.17)                   B7h (SBC-3 5.18)
 *     1    0                                 1    PLIST (bit 4), GLIST (bit 3), format (2..0)
 *     2    PLIST, GLIST, format              2-5  address descriptor index
 *     7-8  allocation length                 6-9  allocation length
 *
 *     data(10)                               data(12)
 *     1    PLISTV, GLISTV, format            1    PLISTV, GLISTV, format
 *     2-3  defect list length: 0             4-7  defect list length: 0
 *
 * An empty list is the same in every format, so each one that may be asked for is answered in kind:
 * the byte of the CDB goes back as it came.
 */
#include "03-scsi/commands.h"

#define VMINI_DEFECT_REQUEST 0x1F /**< Both lists' bits and the format. */
#define VMINI_DEFECT_FORMAT  0x07
/** Formats 6 and 7 are vendor specific and reserved (SBC-3 5.3.2); the others are descriptors. */
#define VMINI_DEFECT_LAST_FORMAT 5

#define VMINI_DEFECT_HEADER10 4
#define VMINI_DEFECT_HEADER12 8

/** The empty list. \param Byte where the CDB says which one. */
static UCHAR VminiDefectsNone(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ USHORT Byte,
                              _In_ ULONG HeaderLength, _In_ ULONG AllocationLength)
{
    UCHAR Wanted = Request->Cdb[Byte] & VMINI_DEFECT_REQUEST;
    PUCHAR Header;

    if ((Wanted & VMINI_DEFECT_FORMAT) > VMINI_DEFECT_LAST_FORMAT) {
        return VminiSenseFailCdbField(Request->Srb, Byte, 2);
    }
    VminiTransferBegin(&Request->Reply);
    Header = VminiTransferAppend(&Request->Reply, HeaderLength);
    Header[1] = Wanted;
    return VminiScsiReply(Request, AllocationLength);
}

/** READ DEFECT DATA(10). */
_Use_decl_annotations_ UCHAR VminiScsiReadDefectData10(PVMINI_SCSI_REQUEST Request)
{
    return VminiDefectsNone(Request, 2, VMINI_DEFECT_HEADER10, VminiReadBe16(&Request->Cdb[7]));
}

/** READ DEFECT DATA(12). */
_Use_decl_annotations_ UCHAR VminiScsiReadDefectData12(PVMINI_SCSI_REQUEST Request)
{
    return VminiDefectsNone(Request, 1, VMINI_DEFECT_HEADER12, VminiReadBe32(&Request->Cdb[6]));
}
