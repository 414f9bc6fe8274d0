/**
 * \file
 * The mode pages: one table, page code -> length and contents.
 *
 * All pages begin alike (SPC-4 7.5.7): byte 0 PS (bit 7) and page code (5..0), byte 1 the bytes
 * that follow. PS is 0, nothing can be saved. Nothing can be changed either, there is no MODE
 * SELECT: the changeable values, a mask, are 0 throughout, and the default values are the current
 * ones.
 */
#include "03-scsi/commands.h"

/** One page. */
typedef struct _VMINI_MODE_PAGE {
    UCHAR PageCode;
    UCHAR Devices;                                    /**< VMINI_ON_* bits: who has it. */
    UCHAR Length;                                     /**< Bytes, the first two included. */
    VOID (*Fill)(const VMINI_UNIT *Unit, PVOID Page); /**< Current values; it is 0 before. */
} VMINI_MODE_PAGE;

#define VMINI_MODE_PAGE_HEADER 2

_Static_assert(sizeof(MODE_CONTROL_PAGE) == 12, "SPC-4 7.5.8");
_Static_assert(sizeof(MODE_INFO_EXCEPTIONS) == 12, "SPC-4 7.5.13");
_Static_assert(sizeof(CDVD_CAPABILITIES_PAGE) == 24, "MMC-3 5.5");

/** 08h, caching (SBC-3 6.5), has 20 bytes; MODE_CACHING_PAGE ends after the first 12. */
#define VMINI_CACHING_LENGTH 20

/**
 * WCE: the file system below us caches what is written, so an initiator that wants data to last has
 * to use FUA or SYNCHRONIZE CACHE, and both reach the file. \irql{<= DISPATCH_LEVEL}
 */
static VOID VminiModeCaching(_In_ const VMINI_UNIT *Unit, _Inout_ PVOID Page)
{
    ((PMODE_CACHING_PAGE)Page)->WriteCacheEnable = !Unit->ReadOnly;
}

/** Commands end in any order: QUEUE ALGORITHM MODIFIER 1, unrestricted reordering. The rest is 0:
 *  fixed format sense data (D_SENSE), one task set for all, none aborted with another (QERR). */
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

/** 2Ah, CD-ROM capabilities and mechanical status: reads CD-R and CD-RW too, has a locking tray. */
static VOID VminiModeCapabilities(_In_ const VMINI_UNIT *Unit, _Inout_ PVOID Page)
{
    PCDVD_CAPABILITIES_PAGE Capabilities = Page;

    Capabilities->CDRRead = 1;
    Capabilities->CDERead = 1;
    Capabilities->Method2 = 1;
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
    {MODE_PAGE_CACHING, VMINI_ON_DISK, VMINI_CACHING_LENGTH, VminiModeCaching},
    {MODE_PAGE_CONTROL, VMINI_ON_DISK | VMINI_ON_CDROM, sizeof(MODE_CONTROL_PAGE),
     VminiModeControl},
    {MODE_PAGE_FAULT_REPORTING, VMINI_ON_DISK | VMINI_ON_CDROM, sizeof(MODE_INFO_EXCEPTIONS),
     VminiModeExceptions},
    {MODE_PAGE_CAPABILITIES, VMINI_ON_CDROM, sizeof(CDVD_CAPABILITIES_PAGE), VminiModeCapabilities},
};
//! [mode-pages]

static VOID VminiModeAppendPage(_Inout_ PVMINI_SCSI_REQUEST Request,
                                _In_ const VMINI_MODE_PAGE *Page, _In_ UCHAR Control)
{
    PUCHAR At = VminiTransferAppend(&Request->Reply, Page->Length);

    if (Control != MODE_SENSE_CHANGEABLE_VALUES) {
        Page->Fill(Request->Unit, At);
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
