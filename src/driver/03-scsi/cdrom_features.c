/**
 * \file
 * GET CONFIGURATION: what a drive can do, in features. One table, feature code -> descriptor.
 *
 *     CDB (MMC-6 6.5)                        data
 *     0    46h                               0-3  data length: the bytes after this field
 *     1    RT (1..0)                         6-7  current profile; 0: no medium
 *     2-3  starting feature number           8-   features, ascending:
 *     7-8  allocation length                      0-1 code
 *     9    control                                2   version (5..2), persistent (1), current (0)
 *                                                 3   additional length: the bytes after this one
 *
 *     RT 0: all features from the starting one on; 1: the current ones of them; 2: that one only
 *
 * cdrom.sys parses this to learn whether it has an MMC drive and which; without it the drive would
 * be "legacy". Features of the medium are current only while there is one.
 */
#include "03-scsi/commands.h"

#define VMINI_PROFILE_CDROM 0x0008

/* RT, request type. */
#define VMINI_RT_ALL     0
#define VMINI_RT_CURRENT 1
#define VMINI_RT_ONE     2

#define VMINI_FEATURE_PERSISTENT 0x02
#define VMINI_FEATURE_CURRENT    0x01
#define VMINI_FEATURE_VERSION_1  0x04

#define VMINI_CONFIGURATION_HEADER 8
#define VMINI_FEATURE_HEADER       4

/** One feature. */
typedef struct _VMINI_FEATURE {
    USHORT Code;
    UCHAR Flags;       /**< Byte 2 without the current bit, if that depends on the medium. */
    BOOLEAN OfMedium;  /**< Current only while there is a medium. */
    UCHAR Length;      /**< Additional length. */
    UCHAR Contents[8]; /**< What follows the header. */
} VMINI_FEATURE;

#define VMINI_ALWAYS (VMINI_FEATURE_PERSISTENT | VMINI_FEATURE_CURRENT)

//! [features]
static const VMINI_FEATURE VminiFeatures[] = {
    /* Profile list: CD-ROM. The current bit of the profile itself is set when it is sent. */
    {0x0000, VMINI_ALWAYS, FALSE, 4, {VMINI_PROFILE_CDROM >> 8, VMINI_PROFILE_CDROM & 0xFF}},
    /* Core: the physical interface is SCSI (1). */
    {0x0001, VMINI_ALWAYS, FALSE, 4, {0, 0, 0, 1}},
    /* Morphing: changes are polled for (GET EVENT STATUS NOTIFICATION), not waited for. */
    {0x0002, VMINI_ALWAYS | VMINI_FEATURE_VERSION_1, FALSE, 4, {0}},
    /* Removable medium: a tray (1 in bits 7..5) that ejects (bit 3) and locks (bit 0). */
    {0x0003, VMINI_ALWAYS, FALSE, 4, {0x29}},
    /* Random readable: 2048 bytes a block, one block at least. */
    {0x0010, 0, TRUE, 8, {0, 0, VMINI_CDROM_BLOCK_SIZE >> 8, 0, 0, 1}},
    /* Power management: START STOP UNIT. */
    {0x0100, VMINI_ALWAYS, FALSE, 0, {0}},
    /* Timeout: commands end, or fail, in time. */
    {0x0105, VMINI_ALWAYS, FALSE, 0, {0}},
};
//! [features]

/** Appends one feature. \param Medium whether there is a medium. */
static VOID VminiFeatureAppend(_Inout_ PVMINI_SCSI_REQUEST Request,
                               _In_ const VMINI_FEATURE *Feature, _In_ BOOLEAN Medium)
{
    PUCHAR At = VminiTransferAppend(&Request->Reply, VMINI_FEATURE_HEADER + Feature->Length);

    VminiWriteBe16(At, Feature->Code);
    At[2] = Feature->Flags;
    if (Feature->OfMedium && Medium) {
        At[2] |= VMINI_FEATURE_CURRENT;
    }
    At[3] = Feature->Length;
    RtlCopyMemory(At + VMINI_FEATURE_HEADER, Feature->Contents, Feature->Length);
    if (Feature->Code == 0 && Medium) {
        At[VMINI_FEATURE_HEADER + 2] = VMINI_FEATURE_CURRENT; /* The profile is current. */
    }
}

/** Is this feature wanted? */
static BOOLEAN VminiFeatureWanted(_In_ const UCHAR *Cdb, _In_ const VMINI_FEATURE *Feature,
                                  _In_ BOOLEAN Medium)
{
    USHORT Start = VminiReadBe16(&Cdb[2]);
    BOOLEAN Current = !Feature->OfMedium || Medium;

    switch (Cdb[1] & 3) {
    case VMINI_RT_ONE:
        return Feature->Code == Start;
    case VMINI_RT_CURRENT:
        return Feature->Code >= Start && Current;
    default:
        return Feature->Code >= Start;
    }
}

/** GET CONFIGURATION: the features of the drive, as the table has them. */
_Use_decl_annotations_ UCHAR VminiScsiGetConfiguration(PVMINI_SCSI_REQUEST Request)
{
    const UCHAR *Cdb = Request->Cdb;
    PVMINI_REPLY Reply = &Request->Reply;
    BOOLEAN Medium = VminiUnitHasMedium(Request->Unit);
    ULONG Row;

    if ((Cdb[1] & 3) > VMINI_RT_ONE) {
        return VminiSenseFailCdbField(Request->Srb, 1, 1);
    }
    VminiTransferBegin(Reply);
    VminiTransferAppend(Reply, VMINI_CONFIGURATION_HEADER);
    for (Row = 0; Row < RTL_NUMBER_OF(VminiFeatures); Row++) {
        if (VminiFeatureWanted(Cdb, &VminiFeatures[Row], Medium)) {
            VminiFeatureAppend(Request, &VminiFeatures[Row], Medium);
        }
    }
    VminiWriteBe32(Reply->Data, Reply->Length - (ULONG)sizeof(ULONG));
    VminiWriteBe16(&Reply->Data[6], Medium ? VMINI_PROFILE_CDROM : 0);
    return VminiScsiReply(Request, VminiReadBe16(&Cdb[7]));
}
