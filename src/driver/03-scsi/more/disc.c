/**
 * \file
 * READ DISC STRUCTURE and MECHANISM STATUS: what a DVD says of itself, and what the tray does.
 *
 *     ADh (MMC-6 6.22)                       BDh (MMC-6 6.12)
 *     1    media type (3..0): 0, DVD         8-9  allocation length
 *     6    layer
 *     7    format
 *     8-9  allocation length
 *
 * A CD has no structures: CANNOT READ MEDIUM, INCOMPATIBLE FORMAT. A changer would have slots; this
 * drive has none, but MECHANISM STATUS also says whether the tray is open.
 */
#include "03-scsi/commands.h"

#define VMINI_STRUCTURE_PHYSICAL  0x00
#define VMINI_STRUCTURE_COPYRIGHT 0x01
#define VMINI_STRUCTURE_LIST      0xFF

/** In front of all structures: the bytes after this field, and two that are reserved. */
#define VMINI_STRUCTURE_HEADER 4
/** Bytes of the layer descriptor that are not specific to a medium. */
#define VMINI_LAYER_LENGTH     17
#define VMINI_COPYRIGHT_LENGTH 4

/* The layer descriptor of a DVD-ROM (MMC-6 6.22.3.2.1). */
#define VMINI_LAYER_BOOK     0x01    /**< DVD-ROM (0 in bits 7..4), version 1. */
#define VMINI_LAYER_DISC     0x0F    /**< 120 mm; its rate is not specified. */
#define VMINI_LAYER_EMBOSSED 0x01    /**< One layer, embossed. */
#define VMINI_DVD_FIRST      0x30000 /**< Physical sector number of block 0. */
#define VMINI_DVD_LAST       0xFFFFFF

/** 00h, physical: which sectors the data area has, as far as 24 bits can say. */
static VOID VminiStructurePhysical(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    PUCHAR At = VminiTransferAppend(&Request->Reply, VMINI_LAYER_LENGTH);
    ULONGLONG Last = VMINI_DVD_FIRST + Request->Unit->BlockCount - 1;

    At[0] = VMINI_LAYER_BOOK;
    At[1] = VMINI_LAYER_DISC;
    At[2] = VMINI_LAYER_EMBOSSED;
    VminiWriteBe32(&At[4], VMINI_DVD_FIRST);
    VminiWriteBe32(&At[8], (ULONG)min(Last, VMINI_DVD_LAST));
}

/** 01h, copyright: no protection system, and all regions. */
static VOID VminiStructureCopyright(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    (VOID) VminiTransferAppend(&Request->Reply, VMINI_COPYRIGHT_LENGTH);
}

/** FFh: the structures that can be read (bit 6), and their lengths. */
static VOID VminiStructureList(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    static const UCHAR List[] = {
        VMINI_STRUCTURE_PHYSICAL,  0x40, 0, VMINI_STRUCTURE_HEADER + VMINI_LAYER_LENGTH,
        VMINI_STRUCTURE_COPYRIGHT, 0x40, 0, VMINI_STRUCTURE_HEADER + VMINI_COPYRIGHT_LENGTH,
    };

    RtlCopyMemory(VminiTransferAppend(&Request->Reply, sizeof(List)), List, sizeof(List));
}

/** One structure. */
typedef struct _VMINI_DISC_STRUCTURE {
    UCHAR Format;
    VOID (*Append)(PVMINI_SCSI_REQUEST Request); /**< Appends it to the reply. */
} VMINI_DISC_STRUCTURE;

static const VMINI_DISC_STRUCTURE VminiDiscStructures[] = {
    {VMINI_STRUCTURE_PHYSICAL, VminiStructurePhysical},
    {VMINI_STRUCTURE_COPYRIGHT, VminiStructureCopyright},
    {VMINI_STRUCTURE_LIST, VminiStructureList},
};

/** \return NULL: there is none of this format. */
static const VMINI_DISC_STRUCTURE *VminiStructureFind(_In_ UCHAR Format)
{
    ULONG Row;

    for (Row = 0; Row < RTL_NUMBER_OF(VminiDiscStructures); Row++) {
        if (VminiDiscStructures[Row].Format == Format) {
            return &VminiDiscStructures[Row];
        }
    }
    return NULL;
}

/** READ DISC STRUCTURE: of DVDs only. */
_Use_decl_annotations_ UCHAR VminiScsiReadDiscStructure(PVMINI_SCSI_REQUEST Request)
{
    const UCHAR *Cdb = Request->Cdb;
    const VMINI_DISC_STRUCTURE *Structure = VminiStructureFind(Cdb[7]);

    if ((Cdb[1] & 0xF) != 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, 3);
    }
    if (!VminiUnitIsDvd(Request->Unit)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_WRONG_FORMAT);
    }
    if (Cdb[6] != 0) {
        return VminiSenseFailCdbField(Request->Srb, 6, VMINI_WHOLE_BYTE);
    }
    if (Structure == NULL) {
        return VminiSenseFailCdbField(Request->Srb, 7, VMINI_WHOLE_BYTE);
    }
    VminiTransferBegin(&Request->Reply);
    (VOID) VminiTransferAppend(&Request->Reply, VMINI_STRUCTURE_HEADER);
    Structure->Append(Request);
    VminiWriteBe16(Request->Reply.Data, (USHORT)(Request->Reply.Length - sizeof(USHORT)));
    return VminiScsiReply(Request, VminiReadBe16(&Cdb[8]));
}

#define VMINI_DOOR_OPEN 0x10

_Static_assert(sizeof(MECHANICAL_STATUS_INFORMATION_HEADER) == 8, "MMC-6 6.12.2");

/** MECHANISM STATUS: an idle mechanism without slots. */
_Use_decl_annotations_ UCHAR VminiScsiMechanismStatus(PVMINI_SCSI_REQUEST Request)
{
    PUCHAR Data;

    VminiTransferBegin(&Request->Reply);
    Data = VminiTransferAppend(&Request->Reply, sizeof(MECHANICAL_STATUS_INFORMATION_HEADER));
    Data[1] = VminiUnitHasMedium(Request->Unit) ? 0 : VMINI_DOOR_OPEN;
    return VminiScsiReply(Request, VminiReadBe16(&Request->Cdb[8]));
}
