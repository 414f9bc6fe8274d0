/**
 * \file
 * Vital product data: INQUIRY with EVPD = 1. One table, page code -> what fills it.
 *
 * All pages begin alike (SPC-4 7.8.1); the table's functions append what follows.
 *
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------+-----------------------------+
 *      0 |  qualifier      |  device type                |
 *      1 |  page code                                    |
 *    2-3 |  page length: the bytes after this field      |
 *        +-----------------------------------------------+
 *
 * Windows asks for 00h first and then only for what is listed there, in ascending order; Storport
 * tells disks apart by 80h and 83h, classpnp reads B0h and B2h before it sends an UNMAP.
 */
#include "03-scsi/commands.h"

/** Bytes in front of every page. */
#define VMINI_VPD_HEADER 4

/** One page. */
typedef struct _VMINI_VPD_PAGE {
    UCHAR PageCode;
    UCHAR Devices;                             /**< VMINI_ON_* bits: who has it. */
    VOID (*Fill)(PVMINI_SCSI_REQUEST Request); /**< Appends the page's contents to the reply. */
} VMINI_VPD_PAGE;

static VOID VminiVpdSupportedPages(_Inout_ PVMINI_SCSI_REQUEST Request);

/** 80h, unit serial number (SPC-4 7.8). */
static VOID VminiVpdSerialNumber(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    RtlCopyMemory(VminiTransferAppend(&Request->Reply, VMINI_SERIAL_LENGTH), Request->Unit->Serial,
                  VMINI_SERIAL_LENGTH);
}

/**
 * Appends one designator of page 83h (SPC-4 7.8.6).
 *
 *     byte   7     6     5     4     3     2     1     0
 *        +-----------------------+-----------------------+
 *      0 |  protocol: 0          |  code set             |
 *      1 | PIV |  0  |association|  designator type      |   association 0: the logical unit
 *      2 |  0                                            |
 *      3 |  designator length                            |
 *        +-----------------------------------------------+
 */
static PUCHAR VminiVpdDesignator(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ VPD_CODE_SET CodeSet,
                                 _In_ VPD_IDENTIFIER_TYPE Type, _In_ UCHAR Length)
{
    PVPD_IDENTIFICATION_DESCRIPTOR Header = VminiTransferAppend(&Request->Reply, sizeof(*Header));

    Header->CodeSet = (UCHAR)CodeSet & 0xFU;
    Header->Association = VpdAssocDevice;
    Header->IdentifierType = (UCHAR)Type & 0xFU;
    Header->IdentifierLength = Length;
    return VminiTransferAppend(&Request->Reply, Length);
}

_Static_assert(sizeof(VPD_IDENTIFICATION_DESCRIPTOR) == 4, "designator header");

#define VMINI_VENDOR_LENGTH  8
#define VMINI_PRODUCT_LENGTH 16

/** 83h, device identification (SPC-4 7.8.6): a T10 name for people, an NAA number for programs. */
static VOID VminiVpdIdentifiers(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    const VMINI_UNIT *Unit = Request->Unit;
    PUCHAR At =
        VminiVpdDesignator(Request, VpdCodeSetAscii, VpdIdentifierTypeVendorId,
                           VMINI_VENDOR_LENGTH + VMINI_PRODUCT_LENGTH + VMINI_SERIAL_LENGTH);

    RtlCopyMemory(At, VMINI_VENDOR, VMINI_VENDOR_LENGTH);
    At += VMINI_VENDOR_LENGTH;
    RtlCopyMemory(At, VminiUnitProduct(Unit), VMINI_PRODUCT_LENGTH);
    At += VMINI_PRODUCT_LENGTH;
    RtlCopyMemory(At, Unit->Serial, VMINI_SERIAL_LENGTH);

    At =
        VminiVpdDesignator(Request, VpdCodeSetBinary, VpdIdentifierTypeFCPHName, sizeof(Unit->Naa));
    RtlCopyMemory(At, Unit->Naa, sizeof(Unit->Naa));
}

/* Contents of B0h, B1h and B2h without the header, as SBC-3 6.6 has them. */
#define VMINI_VPD_LIMITS_LENGTH          0x3C
#define VMINI_VPD_CHARACTERISTICS_LENGTH 0x3C
#define VMINI_VPD_PROVISIONING_LENGTH    0x04
/** Bytes that a file system moves at least: its cache works in pages. */
#define VMINI_TRANSFER_GRANULARITY 4096
#define VMINI_ROTATION_NONE        0x0001 /**< MEDIUM ROTATION RATE: it does not rotate. */

_Static_assert(sizeof(VPD_BLOCK_LIMITS_PAGE) == VMINI_VPD_HEADER + VMINI_VPD_LIMITS_LENGTH, "B0h");
_Static_assert(sizeof(VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE) ==
                   VMINI_VPD_HEADER + VMINI_VPD_CHARACTERISTICS_LENGTH,
               "B1h");

/** Offset of MAXIMUM WRITE SAME LENGTH, 8 bytes that the WDK counts among the reserved ones. */
#define VMINI_VPD_WRITE_SAME_LENGTH 36

_Static_assert(offsetof(VPD_BLOCK_LIMITS_PAGE, Reserved1) == VMINI_VPD_WRITE_SAME_LENGTH, "B0h");

/** The limits of UNMAP: no limit to the blocks, and units that NTFS can give back. */
static VOID VminiVpdUnmapLimits(_In_ const VMINI_UNIT *Unit, _Inout_ PVPD_BLOCK_LIMITS_PAGE Page)
{
    VminiWriteBe32(Page->MaximumUnmapLBACount, MAXULONG);
    VminiWriteBe32(Page->MaximumUnmapBlockDescriptorCount, VMINI_MAXIMUM_UNMAP_DESCRIPTORS);
    VminiWriteBe32(Page->OptimalUnmapGranularity, VMINI_UNMAP_GRANULARITY / Unit->BlockSize);
    Page->UGAValid = 1; /* The units begin at block 0. */
}

/**
 * B0h, block limits (SBC-3 6.6): how much a command may move at once; what is 0 is not limited,
 * or belongs to a command that does not exist.
 *
 *     4     WSNZ (bit 0): 0, WRITE SAME takes   16-19 maximum prefetch length
 *           0 blocks                            20-35 the limits of UNMAP
 *     5     maximum compare and write length    36-43 maximum write same length
 *     6-7   optimal transfer granularity        44-63 reserved
 *     8-11  maximum transfer length
 *     12-15 optimal transfer length
 */
static VOID VminiVpdBlockLimits(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    PVPD_BLOCK_LIMITS_PAGE Page = (PVPD_BLOCK_LIMITS_PAGE)Request->Reply.Data;
    ULONG BlockSize = Request->Unit->BlockSize;

    VminiTransferAppend(&Request->Reply, VMINI_VPD_LIMITS_LENGTH);
    Page->MaximumCompareAndWriteLength = VMINI_MAXIMUM_COMPARE_AND_WRITE;
    VminiWriteBe16(Page->OptimalTransferLengthGranularity,
                   (USHORT)(VMINI_TRANSFER_GRANULARITY / BlockSize));
    VminiWriteBe32(Page->MaximumTransferLength, VMINI_MAXIMUM_TRANSFER_LENGTH / BlockSize);
    VminiWriteBe64(Page->Reserved1, VMINI_MAXIMUM_WRITE_SAME);
    if (Request->Unit->Thin) {
        VminiVpdUnmapLimits(Request->Unit, Page);
    }
}

/** B1h, block device characteristics (SBC-3 6.6): a medium without a seek penalty. */
static VOID VminiVpdCharacteristics(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    PVPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE Page =
        (PVPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE)Request->Reply.Data;

    VminiTransferAppend(&Request->Reply, VMINI_VPD_CHARACTERISTICS_LENGTH);
    VminiWriteBe16(&Page->MediumRotationRateMsb, VMINI_ROTATION_NONE);
}

_Static_assert(sizeof(VPD_LOGICAL_BLOCK_PROVISIONING_PAGE) ==
                   VMINI_VPD_HEADER + VMINI_VPD_PROVISIONING_LENGTH,
               "B2h");

/**
 * B2h, logical block provisioning (SBC-3 6.6). A thin disk has UNMAP (LBPU) and both forms of WRITE
 * SAME with UNMAP (LBPWS, LBPWS10), and what they deallocate reads as zeros (LBPRZ). A disk that is
 * not thin has none of them: all is 0.
 */
static VOID VminiVpdProvisioning(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    PVPD_LOGICAL_BLOCK_PROVISIONING_PAGE Page =
        (PVPD_LOGICAL_BLOCK_PROVISIONING_PAGE)Request->Reply.Data;
    UCHAR Thin = Request->Unit->Thin ? 1 : 0;

    VminiTransferAppend(&Request->Reply, VMINI_VPD_PROVISIONING_LENGTH);
    Page->LBPU = Thin & 1U;
    Page->LBPWS = Thin & 1U;
    Page->LBPWS10 = Thin & 1U;
    Page->LBPRZ = Thin & 1U;
    Page->ProvisioningType = (Thin != 0 ? PROVISIONING_TYPE_THIN : PROVISIONING_TYPE_UNKNOWN) & 7U;
}

//! [vpd-pages]
static const VMINI_VPD_PAGE VminiVpdPages[] = {
    {VPD_SUPPORTED_PAGES, VMINI_ON_DISK | VMINI_ON_CDROM | VMINI_ON_ABSENT, VminiVpdSupportedPages},
    {VPD_SERIAL_NUMBER, VMINI_ON_DISK | VMINI_ON_CDROM, VminiVpdSerialNumber},
    {VPD_DEVICE_IDENTIFIERS, VMINI_ON_DISK | VMINI_ON_CDROM, VminiVpdIdentifiers},
    {VPD_BLOCK_LIMITS, VMINI_ON_DISK, VminiVpdBlockLimits},
    {VPD_BLOCK_DEVICE_CHARACTERISTICS, VMINI_ON_DISK, VminiVpdCharacteristics},
    {VPD_LOGICAL_BLOCK_PROVISIONING, VMINI_ON_DISK, VminiVpdProvisioning},
};
//! [vpd-pages]

/** 00h, supported pages (SPC-4 7.8): the table, as far as this device has it; ascending, or
 *  classpnp ignores them all. */
static VOID VminiVpdSupportedPages(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    UCHAR Devices = VminiUnitDevices(Request->Unit);
    ULONG Row;

    for (Row = 0; Row < RTL_NUMBER_OF(VminiVpdPages); Row++) {
        if ((VminiVpdPages[Row].Devices & Devices) != 0) {
            *(PUCHAR)VminiTransferAppend(&Request->Reply, 1) = VminiVpdPages[Row].PageCode;
        }
    }
}

/** The page that the CDB asks for, or NULL when this device lacks it. */
static const VMINI_VPD_PAGE *VminiVpdFind(_In_ const VMINI_SCSI_REQUEST *Request)
{
    UCHAR Devices = VminiUnitDevices(Request->Unit);
    ULONG Row;

    for (Row = 0; Row < RTL_NUMBER_OF(VminiVpdPages); Row++) {
        if (VminiVpdPages[Row].PageCode == Request->Cdb[2] &&
            (VminiVpdPages[Row].Devices & Devices) != 0) {
            return &VminiVpdPages[Row];
        }
    }
    return NULL;
}

_Use_decl_annotations_ UCHAR VminiScsiVpdPage(PVMINI_SCSI_REQUEST Request, ULONG AllocationLength)
{
    const VMINI_VPD_PAGE *Page = VminiVpdFind(Request);
    PVMINI_REPLY Reply = &Request->Reply;

    if (Page == NULL) {
        return VminiSenseFailCdbField(Request->Srb, 2, VMINI_WHOLE_BYTE);
    }
    VminiTransferBegin(Reply);
    VminiTransferAppend(Reply, VMINI_VPD_HEADER);
    Reply->Data[0] = VminiUnitPeripheral(Request->Unit);
    Reply->Data[1] = Page->PageCode;
    Page->Fill(Request);
    VminiWriteBe16(&Reply->Data[2], (USHORT)(Reply->Length - VMINI_VPD_HEADER));
    return VminiScsiReply(Request, AllocationLength);
}
