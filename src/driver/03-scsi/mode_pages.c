/**
 * \file
 * The mode pages: one table, page code -> length and contents.
 *
 * All pages begin alike (SPC-4 7.5.7): byte 0 PS (bit 7) and page code (5..0), byte 1 the bytes
 * that follow. PS is 0, nothing can be saved. What MODE SELECT can change is a bit of
 * VMINI_UNIT.Mode, and a row of the second table here says where in the pages it shows: in the
 * current values, in the default ones, and in the mask of changeable ones.
 */
#include "03-scsi/commands.h"

/** One page. */
typedef struct _VMINI_MODE_PAGE {
    UCHAR PageCode;
    UCHAR Devices;                                    /**< VMINI_ON_* bits: who has it. */
    UCHAR Length;                                     /**< Bytes, the first two included. */
    VOID (*Fill)(const VMINI_UNIT *Unit, PVOID Page); /**< What never changes; NULL: all is 0. */
} VMINI_MODE_PAGE;

/** One bit of a page that follows VMINI_UNIT.Mode. */
typedef struct _VMINI_MODE_BIT {
    UCHAR PageCode;
    UCHAR Byte; /**< Of the page. */
    UCHAR Mask;
    LONG Mode; /**< VMINI_MODE_*. */
} VMINI_MODE_BIT;

#define VMINI_MODE_PAGE_HEADER 2

_Static_assert(sizeof(MODE_CONTROL_PAGE) == 12, "SPC-4 7.5.8");
_Static_assert(sizeof(MODE_INFO_EXCEPTIONS) == 12, "SPC-4 7.5.13");
_Static_assert(sizeof(CDVD_CAPABILITIES_PAGE) == 24, "MMC-3 5.5");

/** 08h, caching (SBC-3 6.5), has 20 bytes; MODE_CACHING_PAGE ends after the first 12. */
#define VMINI_CACHING_LENGTH 20

/** Commands end in any order: QUEUE ALGORITHM MODIFIER 1, unrestricted reordering. The rest is 0:
 *  one task set for all, none aborted with another (QERR). */
static VOID VminiModeControl(_In_ const VMINI_UNIT *Unit, _Inout_ PVOID Page)
{
    UNREFERENCED_PARAMETER(Unit);
    ((PMODE_CONTROL_PAGE)Page)->QueueAlgorithmModifier = 1;
}

/** 1Ch, informational exceptions control: none are ever reported (DEXCPT). */
static VOID VminiModeExceptions(_In_ const VMINI_UNIT *Unit, _Inout_ PVOID Page)
{
    UNREFERENCED_PARAMETER(Unit);
    ((PMODE_INFO_EXCEPTIONS)Page)->Dexcpt = 1;
}

/** Speed that 2Ah claims, in units of 1000 bytes a second: 40 times that of an audio CD. */
#define VMINI_CDROM_SPEED (40 * 176)
/** Buffer that 2Ah claims, in KiB. */
#define VMINI_CDROM_BUFFER 512

/** 2Ah, CD-ROM capabilities and mechanical status: reads CD-R, CD-RW and DVD-ROM too, has a locking tray. */
static VOID VminiModeCapabilities(_In_ const VMINI_UNIT *Unit, _Inout_ PVOID Page)
{
    PCDVD_CAPABILITIES_PAGE Capabilities = Page;

    Capabilities->CDRRead = 1;
    Capabilities->CDERead = 1;
    Capabilities->Method2 = 1;
    Capabilities->DVDROMRead = 1;
    Capabilities->Mode2Form1 = 1;
    Capabilities->Lock = 1;
    Capabilities->LockState = ReadNoFence(&Unit->Prevented) != 0;
    Capabilities->Eject = 1;
    Capabilities->LoadingMechanismType = CDVD_LMT_TRAY;
    VminiWriteBe16(Capabilities->ReadSpeedMaximum, VMINI_CDROM_SPEED);
    VminiWriteBe16(Capabilities->ReadSpeedCurrent, VMINI_CDROM_SPEED);
    VminiWriteBe16(Capabilities->BufferSize, VMINI_CDROM_BUFFER);
}

/* Ascending by page code: "all pages" is answered in this order. */
//! [mode-pages]
static const VMINI_MODE_PAGE VminiModePages[] = {
    {MODE_PAGE_CACHING, VMINI_ON_DISK, VMINI_CACHING_LENGTH, NULL},
    {MODE_PAGE_CONTROL, VMINI_ON_DISK | VMINI_ON_CDROM, sizeof(MODE_CONTROL_PAGE),
     VminiModeControl},
    {MODE_PAGE_FAULT_REPORTING, VMINI_ON_DISK | VMINI_ON_CDROM, sizeof(MODE_INFO_EXCEPTIONS),
     VminiModeExceptions},
    {MODE_PAGE_CAPABILITIES, VMINI_ON_CDROM, sizeof(CDVD_CAPABILITIES_PAGE), VminiModeCapabilities},
};
//! [mode-pages]

/*
 * WCE: the file system below us caches what is written, so an initiator that wants data to last has
 * to use FUA or SYNCHRONIZE CACHE, and both flush the file; or it switches the cache off, and every
 * command that writes is followed by a flush before it ends, as with FUA. SWP: writes get WRITE PROTECTED. D_SENSE: sense data in descriptor format.
 */
//! [mode-bits]
static const VMINI_MODE_BIT VminiModeTable[] = {
    {MODE_PAGE_CACHING, 2, 0x04, VMINI_MODE_WRITE_CACHE},
    {MODE_PAGE_CONTROL, 2, 0x04, VMINI_MODE_DESCRIPTOR_SENSE},
    {MODE_PAGE_CONTROL, 4, 0x08, VMINI_MODE_WRITE_PROTECT},
};
//! [mode-bits]

_Use_decl_annotations_ LONG VminiModeDefaults(const VMINI_UNIT *Unit)
{
    return Unit->ReadOnly ? 0 : VMINI_MODE_WRITE_CACHE;
}

/** The bits that can be changed. A medium that cannot be written has no write cache, and a CD-ROM
 *  no software write protection. */
static LONG VminiModeChangeable(_In_ const VMINI_UNIT *Unit)
{
    LONG Bits = VMINI_MODE_DESCRIPTOR_SENSE;

    Bits |= Unit->Cdrom ? 0 : VMINI_MODE_WRITE_PROTECT;
    return Bits | (Unit->ReadOnly ? 0 : VMINI_MODE_WRITE_CACHE);
}

/** The bits that a page control asks for. */
static LONG VminiModeValues(_In_ const VMINI_UNIT *Unit, _In_ UCHAR Control)
{
    switch (Control) {
    case MODE_SENSE_CHANGEABLE_VALUES:
        return VminiModeChangeable(Unit);
    case MODE_SENSE_DEFAULT_VAULES:
        return VminiModeDefaults(Unit);
    default:
        return ReadNoFence(&Unit->Mode);
    }
}

_Use_decl_annotations_ LONG VminiModeBits(UCHAR PageCode, const UCHAR *Page, PLONG Given)
{
    LONG Set = 0;
    ULONG Row;

    *Given = 0;
    for (Row = 0; Row < RTL_NUMBER_OF(VminiModeTable); Row++) {
        const VMINI_MODE_BIT *Bit = &VminiModeTable[Row];

        if (Bit->PageCode == PageCode) {
            *Given |= Bit->Mode;
            Set |= (Page[Bit->Byte] & Bit->Mask) != 0 ? Bit->Mode : 0;
        }
    }
    return Set;
}

static VOID VminiModeAppendPage(_Inout_ PVMINI_SCSI_REQUEST Request,
                                _In_ const VMINI_MODE_PAGE *Page, _In_ UCHAR Control)
{
    PUCHAR At = VminiTransferAppend(&Request->Reply, Page->Length);
    LONG Values = VminiModeValues(Request->Unit, Control);
    ULONG Row;

    if (Control != MODE_SENSE_CHANGEABLE_VALUES && Page->Fill != NULL) {
        Page->Fill(Request->Unit, At);
    }
    for (Row = 0; Row < RTL_NUMBER_OF(VminiModeTable); Row++) {
        const VMINI_MODE_BIT *Bit = &VminiModeTable[Row];

        if (Bit->PageCode == Page->PageCode && (Values & Bit->Mode) != 0) {
            At[Bit->Byte] |= Bit->Mask;
        }
    }
    At[0] = Page->PageCode;
    At[1] = (UCHAR)(Page->Length - VMINI_MODE_PAGE_HEADER);
}

_Use_decl_annotations_ BOOLEAN VminiModeAppendPages(PVMINI_SCSI_REQUEST Request, UCHAR Page,
                                                    UCHAR Control)
{
    UCHAR Devices = VminiUnitDevices(Request->Unit);
    BOOLEAN Found = FALSE;
    ULONG Row;

    for (Row = 0; Row < RTL_NUMBER_OF(VminiModePages); Row++) {
        if ((VminiModePages[Row].Devices & Devices) != 0 &&
            (Page == MODE_SENSE_RETURN_ALL || Page == VminiModePages[Row].PageCode)) {
            VminiModeAppendPage(Request, &VminiModePages[Row], Control);
            Found = TRUE;
        }
    }
    return Found;
}
