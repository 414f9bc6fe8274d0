/**
 * \file
 * What is on a disc: READ TOC and READ DISC INFORMATION. An image is one session with one data
 * track.
 *
 *     session 1   +----------------------------------------------+
 *                 | track 1: data, from LBA 0 (00:02:00)         | lead-out: track AAh
 *                 +----------------------------------------------+
 *                 0                                              BlockCount
 */
#include "03-scsi/commands.h"

#define VMINI_FIRST_TRACK 1
#define VMINI_LEAD_OUT    0xAA
/** ADR 1 (the Q sub-channel holds a position), CONTROL 4 (a data track, copying not permitted). */
#define VMINI_ADR_CONTROL 0x14

/** One descriptor of formats 0 and 1 (MMC-6 6.25.3). */
typedef struct _VMINI_TOC_TRACK {
    UCHAR Reserved1;
    UCHAR AdrControl;
    UCHAR Track;
    UCHAR Reserved2;
    UCHAR Address[4]; /**< LBA, or 0, minute, second, frame. */
} VMINI_TOC_TRACK;

/** One descriptor of format 2, raw: what the lead-in's Q sub-channel says (MMC-6 6.25.3). */
typedef struct _VMINI_TOC_RAW {
    UCHAR Session;
    UCHAR AdrControl;
    UCHAR Tno;    /**< 0: lead-in. */
    UCHAR Point;  /**< What this is about: a track, or A0h, A1h, A2h. */
    UCHAR Now[3]; /**< Where in the lead-in. */
    UCHAR Zero;
    UCHAR Value[3]; /**< Minute, second, frame of the point; or a number in the first. */
} VMINI_TOC_RAW;

/** In front of all formats: length, first and last track (or session). */
typedef struct _VMINI_TOC_HEADER {
    UCHAR Length[2]; /**< The bytes after this field. */
    UCHAR First;
    UCHAR Last;
} VMINI_TOC_HEADER;

_Static_assert(sizeof(VMINI_TOC_TRACK) == 8, "MMC-6 6.25.3");
_Static_assert(sizeof(VMINI_TOC_RAW) == 11, "MMC-6 6.25.3");
_Static_assert(sizeof(VMINI_TOC_HEADER) == 4, "MMC-6 6.25.3");

/** Writes an LBA as minute, second, frame. A DVD can be longer than these can say. */
static VOID VminiTocMsf(_Out_writes_bytes_(3) PUCHAR At, _In_ ULONGLONG Lba)
{
    ULONG Frame = (ULONG)min(Lba + VMINI_CD_LEAD_IN, VMINI_CD_LAST);

    At[0] = (UCHAR)(Frame / VMINI_CD_FRAMES / VMINI_CD_SECONDS);
    At[1] = (UCHAR)(Frame / VMINI_CD_FRAMES % VMINI_CD_SECONDS);
    At[2] = (UCHAR)(Frame % VMINI_CD_FRAMES);
}

/** Appends a descriptor of formats 0 and 1. */
static VOID VminiTocTrack(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ UCHAR Track, _In_ ULONGLONG Lba)
{
    VMINI_TOC_TRACK *Descriptor = VminiTransferAppend(&Request->Reply, sizeof(*Descriptor));

    Descriptor->AdrControl = VMINI_ADR_CONTROL;
    Descriptor->Track = Track;
    if ((Request->Cdb[1] & 0x02) != 0) {
        VminiTocMsf(&Descriptor->Address[1], Lba);
    } else {
        VminiWriteBe32(Descriptor->Address, (ULONG)min(Lba, MAXULONG));
    }
}

/** Appends a descriptor of format 2. */
static PUCHAR VminiTocRaw(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ UCHAR Point)
{
    VMINI_TOC_RAW *Descriptor = VminiTransferAppend(&Request->Reply, sizeof(*Descriptor));

    Descriptor->Session = 1;
    Descriptor->AdrControl = VMINI_ADR_CONTROL;
    Descriptor->Point = Point;
    return Descriptor->Value;
}

/** Format 0: the tracks, from the CDB's starting track on, and the lead-out. \return FALSE: no
 *  such. */
static BOOLEAN VminiTocFormat0(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    UCHAR Start = Request->Cdb[6];

    if (Start > VMINI_FIRST_TRACK && Start != VMINI_LEAD_OUT) {
        return FALSE;
    }
    if (Start <= VMINI_FIRST_TRACK) {
        VminiTocTrack(Request, VMINI_FIRST_TRACK, 0);
    }
    VminiTocTrack(Request, VMINI_LEAD_OUT, Request->Unit->BlockCount);
    return TRUE;
}

/** Format 1: where the last session's first track is. Its starting track field is reserved. */
static BOOLEAN VminiTocFormat1(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    VminiTocTrack(Request, VMINI_FIRST_TRACK, 0);
    return TRUE;
}

/** Format 2: A0h first track and disc type, A1h last track, A2h lead-out, then the track. The
 *  starting track field is a session number here. */
static BOOLEAN VminiTocFormat2(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    if (Request->Cdb[6] > 1) {
        return FALSE;
    }
    VminiTocRaw(Request, 0xA0)[0] = VMINI_FIRST_TRACK;
    VminiTocRaw(Request, 0xA1)[0] = VMINI_FIRST_TRACK;
    VminiTocMsf(VminiTocRaw(Request, 0xA2), Request->Unit->BlockCount);
    VminiTocMsf(VminiTocRaw(Request, VMINI_FIRST_TRACK), 0);
    return TRUE;
}

/** Format -> what appends its descriptors. */
static BOOLEAN (*const VminiTocFormats[])(PVMINI_SCSI_REQUEST Request) = {
    [READ_TOC_FORMAT_TOC] = VminiTocFormat0,
    [READ_TOC_FORMAT_SESSION] = VminiTocFormat1,
    [READ_TOC_FORMAT_FULL_TOC] = VminiTocFormat2,
};

/**
 * READ TOC/PMA/ATIP (MMC-6 6.25): byte 1 MSF (bit 1), byte 2 format (3..0), byte 6 starting track,
 * 7-8 allocation length. Before MMC the format was in the two top bits of the control byte, and old
 * programs still put it there. \irql{<= DISPATCH_LEVEL}
 */
_Use_decl_annotations_ UCHAR VminiScsiReadToc(PVMINI_SCSI_REQUEST Request)
{
    const UCHAR *Cdb = Request->Cdb;
    UCHAR Format = (Cdb[2] & 0xF) != 0 ? Cdb[2] & 0xF : Cdb[9] >> 6;
    VMINI_TOC_HEADER *Header;

    if (Format >= RTL_NUMBER_OF(VminiTocFormats)) {
        return VminiSenseFailCdbField(Request->Srb, 2, 3);
    }
    VminiTransferBegin(&Request->Reply);
    Header = VminiTransferAppend(&Request->Reply, sizeof(*Header));
    Header->First = 1;
    Header->Last = 1;
    if (!VminiTocFormats[Format](Request)) {
        return VminiSenseFailCdbField(Request->Srb, 6, VMINI_WHOLE_BYTE);
    }
    VminiWriteBe16(Header->Length, (USHORT)(Request->Reply.Length - sizeof(Header->Length)));
    return VminiScsiReply(Request, VminiReadBe16(&Cdb[7]));
}

/** Bytes of READ DISC INFORMATION data without the table of power calibrations: MMC-6 6.21.3. */
#define VMINI_DISC_INFORMATION_LENGTH offsetof(DISC_INFORMATION, OPCTable)

_Static_assert(VMINI_DISC_INFORMATION_LENGTH == 34, "MMC-6 6.21.3");

/** READ DISC INFORMATION (MMC-6 6.21): byte 1 data type (2..0), 7-8 allocation length. A complete
 *  disc, for which the places where more could be written are all FFh. */
_Use_decl_annotations_ UCHAR VminiScsiReadDiscInformation(PVMINI_SCSI_REQUEST Request)
{
    PDISC_INFORMATION Data;

    if ((Request->Cdb[1] & 7) != 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, 2);
    }
    VminiTransferBegin(&Request->Reply);
    Data = VminiTransferAppend(&Request->Reply, VMINI_DISC_INFORMATION_LENGTH);
    VminiWriteBe16(Data->Length, VMINI_DISC_INFORMATION_LENGTH - sizeof(Data->Length));
    Data->DiscStatus = DISK_STATUS_COMPLETE;
    Data->LastSessionStatus = LAST_SESSION_COMPLETE;
    Data->FirstTrackNumber = VMINI_FIRST_TRACK;
    Data->NumberOfSessionsLsb = 1;
    Data->LastSessionFirstTrackLsb = VMINI_FIRST_TRACK;
    Data->LastSessionLastTrackLsb = VMINI_FIRST_TRACK;
    Data->URU = 1;
    Data->DiscType = DISK_TYPE_CDDA;
    VminiWriteBe32(Data->LastSessionLeadIn, MAXULONG);
    VminiWriteBe32(Data->LastPossibleLeadOutStartTime, MAXULONG);
    return VminiScsiReply(Request, VminiReadBe16(&Request->Cdb[7]));
}
