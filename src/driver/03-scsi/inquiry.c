/**
 * \file
 * INQUIRY: the first thing that anybody asks a device. Storport decides by it whether there is one.
 *
 *     CDB (SPC-4 6.6.1)                      standard data (SPC-4 6.6.2)
 *     0    12h                               0     qualifier (7..5), device type (4..0)
 *     1    EVPD (bit 0)                      1     RMB (bit 7)
 *     2    page code                         2     version: 06h, SPC-4
 *     3-4  allocation length                 3     response data format: 2
 *     5    control                           4     additional length: the bytes after this one
 *                                            5-7   flags: CMDQUE (byte 7, bit 1)
 *                                            8-15  vendor, 16-31 product, 32-35 revision: ASCII,
 *                                                  left-aligned, padded with blanks
 *                                            58-73 of a thin disk only: version descriptors
 *
 * It is answered with no medium and, for LUN 0, even with no unit: it must never touch the file.
 */
#include "03-scsi/commands.h"

_Static_assert(INQUIRYDATABUFFERSIZE == 36, "through the revision");
_Static_assert(offsetof(INQUIRYDATA, AdditionalLength) == 4, "standard INQUIRY data");
_Static_assert(offsetof(INQUIRYDATA, VendorId) == 8, "standard INQUIRY data");
_Static_assert(offsetof(INQUIRYDATA, VendorSpecific) == INQUIRYDATABUFFERSIZE, "36 bytes");
_Static_assert(offsetof(INQUIRYDATA, VersionDescriptors) == 58, "standard INQUIRY data");

#define VMINI_INQUIRY_EVPD    0x01 /**< Byte 1: a vital product data page is wanted. */
#define VMINI_INQUIRY_CMDDT   0x02 /**< Byte 1: obsolete since SPC-3, command support data. */
#define VMINI_VERSION_SPC4    0x06
#define VMINI_RESPONSE_FORMAT 0x02 /**< Byte 3: the only format that there is. */

/* Version descriptors, "no version claimed" each (SPC-4 6.6.2). */
#define VMINI_CLAIMS_SAM5 0x00A0
#define VMINI_CLAIMS_SPC4 0x0460
#define VMINI_CLAIMS_SBC3 0x04C0

/** Names the standards. Thin provisioning came with SBC-3: an initiator may look for that name here
 *  before it trusts the limits of UNMAP, which page B0h has where SBC-2 has nothing. */
static VOID VminiInquiryClaims(_Inout_ PVMINI_SCSI_REQUEST Request, _Inout_ PINQUIRYDATA Data)
{
    (VOID) VminiTransferAppend(&Request->Reply,
                               RTL_SIZEOF_THROUGH_FIELD(INQUIRYDATA, VersionDescriptors) -
                                   INQUIRYDATABUFFERSIZE);
    VminiWriteBe16(Data->VersionDescriptors[0].Bytes, VMINI_CLAIMS_SAM5);
    VminiWriteBe16(Data->VersionDescriptors[1].Bytes, VMINI_CLAIMS_SPC4);
    VminiWriteBe16(Data->VersionDescriptors[2].Bytes, VMINI_CLAIMS_SBC3);
}

/**
 * Standard INQUIRY data: 36 bytes. Only a thin disk sends more, because it has to say more.
 * \irql{<= DISPATCH_LEVEL} \article{Part III, Figure 8}
 */
static UCHAR VminiInquiryStandard(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG AllocationLength)
{
    const VMINI_UNIT *Unit = Request->Unit;
    PINQUIRYDATA Data;

    VminiTransferBegin(&Request->Reply);
    Data = VminiTransferAppend(&Request->Reply, INQUIRYDATABUFFERSIZE);
    *(PUCHAR)Data = VminiUnitPeripheral(Unit); /* Byte 0: qualifier and type. */
    Data->RemovableMedia = Unit != NULL && Unit->Removable;
    if (Unit != NULL && Unit->Thin) {
        VminiInquiryClaims(Request, Data);
    }

    /* How many bytes follow this field, 36 - 5 = 1Fh (thin: 45h): an initiator reads 5 bytes, then as
     * many more. With 0 here it may stop before the vendor's name.
     * \article{Tweaks, Additional Length Field Not Set} */
    Data->AdditionalLength =
        (UCHAR)(Request->Reply.Length - RTL_SIZEOF_THROUGH_FIELD(INQUIRYDATA, AdditionalLength));

    Data->Versions = VMINI_VERSION_SPC4;
    Data->ResponseDataFormat = VMINI_RESPONSE_FORMAT;
    Data->CommandQueue = 1; /* Any number of commands at once, ended in any order. */
    RtlCopyMemory(Data->VendorId, VMINI_VENDOR, sizeof(Data->VendorId));
    RtlCopyMemory(Data->ProductId, VminiUnitProduct(Unit), sizeof(Data->ProductId));
    RtlCopyMemory(Data->ProductRevisionLevel, VMINI_REVISION, sizeof(Data->ProductRevisionLevel));
    return VminiScsiReply(Request, AllocationLength);
}

/** INQUIRY: standard data, or a VPD page. */
_Use_decl_annotations_ UCHAR VminiScsiInquiry(PVMINI_SCSI_REQUEST Request)
{
    ULONG AllocationLength = VminiReadBe16(&Request->Cdb[3]);

    if ((Request->Cdb[1] & VMINI_INQUIRY_CMDDT) != 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, 1);
    }

    /* A page is answered with that page or not at all: standard data in its place would be read as
     * one. And a page code without EVPD asks for what does not exist (SPC-4 6.6.1).
     * \article{Tweaks, Another SCSIOP_INQUIRY issue} */
    if ((Request->Cdb[1] & VMINI_INQUIRY_EVPD) != 0) {
        return VminiScsiVpdPage(Request, AllocationLength);
    }
    if (Request->Cdb[2] != 0) {
        return VminiSenseFailCdbField(Request->Srb, 2, VMINI_WHOLE_BYTE);
    }

    return VminiInquiryStandard(Request, AllocationLength);
}
