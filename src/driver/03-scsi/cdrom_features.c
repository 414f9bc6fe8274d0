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
 * be "legacy". What is about discs is current only while such a disc is in: an image that is longer
 * than a CD can be is a DVD.
 */
#include "03-scsi/commands.h"

#define VMINI_PROFILE_NONE  0x0000
#define VMINI_PROFILE_CDROM 0x0008
#define VMINI_PROFILE_DVD   0x0010

/* RT, request type. */
#define VMINI_RT_ALL     0
#define VMINI_RT_CURRENT 1
#define VMINI_RT_ONE     2

#define VMINI_FEATURE_PERSISTENT 0x02
#define VMINI_FEATURE_CURRENT    0x01
#define VMINI_FEATURE_VERSION_1  0x04
#define VMINI_FEATURE_VERSION_2  0x08

#define VMINI_CONFIGURATION_HEADER 8
#define VMINI_FEATURE_HEADER       4

/** One feature. */
typedef struct _VMINI_FEATURE {
    USHORT Code;
    UCHAR Flags;       /**< Byte 2; without the current bit, if that depends on the disc. */
    UCHAR Discs;       /**< VMINI_OF_*: it is current while such a disc is in. */
    UCHAR Length;      /**< Additional length. */
    UCHAR Contents[8]; /**< What follows the header. */
} VMINI_FEATURE;

#define VMINI_OF_CD  0x01
#define VMINI_OF_DVD 0x02
#define VMINI_ALWAYS (VMINI_FEATURE_PERSISTENT | VMINI_FEATURE_CURRENT)

//! [features]
static const VMINI_FEATURE VminiFeatures[] = {
    /* Profile list: DVD-ROM, CD-ROM. The current bit of a profile itself is set when it is sent. */
    {0x0000, VMINI_ALWAYS, 0, 8, {0, VMINI_PROFILE_DVD, 0, 0, 0, VMINI_PROFILE_CDROM}},
    /* Core: the physical interface is SCSI (1). */
    {0x0001, VMINI_ALWAYS, 0, 4, {0, 0, 0, 1}},
    /* Morphing: changes are polled for (GET EVENT STATUS NOTIFICATION), not waited for. */
    {0x0002, VMINI_ALWAYS | VMINI_FEATURE_VERSION_1, 0, 4, {0}},
    /* Removable medium: a tray (1 in bits 7..5) that ejects (bit 3) and locks (bit 0). */
    {0x0003, VMINI_ALWAYS, 0, 4, {0x29}},
    /* Random readable: 2048 bytes a block, one block at least. */
    {0x0010, 0, VMINI_OF_CD | VMINI_OF_DVD, 8, {0, 0, VMINI_CDROM_BLOCK_SIZE >> 8, 0, 0, 1}},
    /* CD read: READ CD, without C2 errors and CD-Text. */
    {0x001E, VMINI_FEATURE_VERSION_2, VMINI_OF_CD, 4, {0}},
    /* DVD read: READ DISC STRUCTURE. */
    {0x001F, VMINI_FEATURE_VERSION_1, VMINI_OF_DVD, 4, {0}},
    /* Power management: START STOP UNIT. */
    {0x0100, VMINI_ALWAYS, 0, 0, {0}},
    /* Timeout: commands end, or fail, in time. */
    {0x0105, VMINI_ALWAYS, 0, 0, {0}},
};
//! [features]

/** The profile of the disc that is in. */
static USHORT VminiFeatureProfile(_In_ PVMINI_UNIT Unit)
{
    if (!VminiUnitHasMedium(Unit)) {
        return VMINI_PROFILE_NONE;
    }
    return VminiUnitIsDvd(Unit) ? VMINI_PROFILE_DVD : VMINI_PROFILE_CDROM;
}

/** Is a feature current with this profile? */
static BOOLEAN VminiFeatureIsCurrent(_In_ const VMINI_FEATURE *Feature, _In_ USHORT Profile)
{
    return (Feature->Flags & VMINI_FEATURE_CURRENT) != 0 ||
           (Profile == VMINI_PROFILE_CDROM && (Feature->Discs & VMINI_OF_CD) != 0) ||
           (Profile == VMINI_PROFILE_DVD && (Feature->Discs & VMINI_OF_DVD) != 0);
}

/** Sets the current bit of that profile in the list of profiles, four bytes each. */
static VOID VminiFeatureMarkProfile(_Inout_ PUCHAR List, _In_ ULONG Length, _In_ USHORT Profile)
{
    ULONG At;

    for (At = 0; At < Length; At += 4) {
        if (VminiReadBe16(&List[At]) == Profile) {
            List[At + 2] = VMINI_FEATURE_CURRENT;
        }
    }
}

/** Appends one feature. */
static VOID VminiFeatureAppend(_Inout_ PVMINI_SCSI_REQUEST Request,
                               _In_ const VMINI_FEATURE *Feature, _In_ USHORT Profile)
{
    PUCHAR At = VminiTransferAppend(&Request->Reply, VMINI_FEATURE_HEADER + Feature->Length);

    VminiWriteBe16(At, Feature->Code);
    At[2] = Feature->Flags;
    if (VminiFeatureIsCurrent(Feature, Profile)) {
        At[2] |= VMINI_FEATURE_CURRENT;
    }
    At[3] = Feature->Length;
    RtlCopyMemory(At + VMINI_FEATURE_HEADER, Feature->Contents, Feature->Length);
    if (Feature->Code == 0) {
        VminiFeatureMarkProfile(At + VMINI_FEATURE_HEADER, Feature->Length, Profile);
    }
}

/** Is this feature wanted? */
static BOOLEAN VminiFeatureWanted(_In_ const UCHAR *Cdb, _In_ const VMINI_FEATURE *Feature,
                                  _In_ USHORT Profile)
{
    USHORT Start = VminiReadBe16(&Cdb[2]);

    switch (Cdb[1] & 3) {
    case VMINI_RT_ONE:
        return Feature->Code == Start;
    case VMINI_RT_CURRENT:
        return Feature->Code >= Start && VminiFeatureIsCurrent(Feature, Profile);
    default:
        return Feature->Code >= Start;
    }
}

/** GET CONFIGURATION: the features of the drive, as the table has them. */
_Use_decl_annotations_ UCHAR VminiScsiGetConfiguration(PVMINI_SCSI_REQUEST Request)
{
    const UCHAR *Cdb = Request->Cdb;
    PVMINI_REPLY Reply = &Request->Reply;
    USHORT Profile = VminiFeatureProfile(Request->Unit);
    ULONG Row;

    if ((Cdb[1] & 3) > VMINI_RT_ONE) {
        return VminiSenseFailCdbField(Request->Srb, 1, 1);
    }
    VminiTransferBegin(Reply);
    VminiTransferAppend(Reply, VMINI_CONFIGURATION_HEADER);
    for (Row = 0; Row < RTL_NUMBER_OF(VminiFeatures); Row++) {
        if (VminiFeatureWanted(Cdb, &VminiFeatures[Row], Profile)) {
            VminiFeatureAppend(Request, &VminiFeatures[Row], Profile);
        }
    }
    VminiWriteBe32(Reply->Data, Reply->Length - (ULONG)sizeof(ULONG));
    VminiWriteBe16(&Reply->Data[6], Profile);
    return VminiScsiReply(Request, VminiReadBe16(&Cdb[7]));
}
