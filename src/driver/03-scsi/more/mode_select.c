/**
 * \file
 * MODE SELECT(6) and (10): an initiator sets a unit up. What MODE SENSE reports comes back, with the
 * changeable bits as the initiator wants them.
 *
 *     CDB(6) 15h              CDB(10) 55h                 (SPC-4 6.11, 6.12)
 *     1  PF (bit 4), SP (0)   1    PF (bit 4), SP (0)     PF: pages as SPC has them; SP: save them
 *     4  list length          7-8  list length
 *
 * The parameter list is laid out as mode.c draws it: header, block descriptor or none, pages. All of
 * it is checked before any of it is obeyed: a list with one wrong byte changes nothing.
 */
#include "03-scsi/commands.h"

#define VMINI_MODE_PF     0x10 /**< Byte 1. */
#define VMINI_MODE_PF_BIT 4
#define VMINI_MODE_SP     0x01 /**< Byte 1. */
#define VMINI_MODE_SPF    0x40 /**< Byte 0 of a page: it is a subpage, of which there are none. */

#define VMINI_PAGE_HEADER 2

/** A parameter list, and what has been read of it. */
typedef struct _VMINI_MODE_LIST {
    const UCHAR *Data;
    ULONG Length;
    ULONG At;    /**< What comes next. */
    LONG Given;  /**< VMINI_MODE_* bits of the pages so far. */
    LONG Wanted; /**< Those of them that are to be set. */
} VMINI_MODE_LIST;

/** Refuses the list: the byte that comes so many after At, or a bit of it. */
static UCHAR VminiModeRefuse(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ const VMINI_MODE_LIST *List,
                             _In_ ULONG Byte, _In_ UCHAR Bit)
{
    return VminiSenseFailParameter(Request->Srb, (USHORT)(List->At + Byte), Bit);
}

/** Are there so many bytes more? If not, the list ends in the middle of something. */
static BOOLEAN VminiModeHas(_In_ const VMINI_MODE_LIST *List, _In_ ULONG Bytes)
{
    return Bytes <= List->Length - List->At;
}

/**
 * The block descriptor: there can be none, or one that says what is so anyway. A medium keeps its
 * size; 0 blocks and FFFFFFFFh mean that, too (SBC-3 6.5.2).
 * \irql{<= DISPATCH_LEVEL}
 */
static UCHAR VminiModeCheckBlock(_Inout_ PVMINI_SCSI_REQUEST Request, _Inout_ VMINI_MODE_LIST *List)
{
    const UCHAR *Block = List->Data + List->At;
    ULONG Blocks;

    if (!VminiModeHas(List, sizeof(MODE_PARAMETER_BLOCK))) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_LIST_LENGTH);
    }
    Blocks = VminiReadBe32(Block);
    if (Blocks != 0 && Blocks != MAXULONG && Blocks != Request->Unit->BlockCount) {
        return VminiModeRefuse(Request, List, 0, VMINI_WHOLE_BYTE);
    }
    if (VminiReadBe24(Block + offsetof(MODE_PARAMETER_BLOCK, BlockLength)) !=
        Request->Unit->BlockSize) {
        return VminiModeRefuse(Request, List, offsetof(MODE_PARAMETER_BLOCK, BlockLength),
                               VMINI_WHOLE_BYTE);
    }
    List->At += (ULONG)sizeof(MODE_PARAMETER_BLOCK);
    return SRB_STATUS_SUCCESS;
}

/** The header: only the block descriptors' length is looked at; what a device says of itself there
 *  (mode data length, WP, DPOFUA) is reserved in this direction. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiModeCheckHeader(_Inout_ PVMINI_SCSI_REQUEST Request,
                                  _Inout_ VMINI_MODE_LIST *List, _In_ ULONG HeaderLength)
{
    ULONG Blocks;

    if (!VminiModeHas(List, HeaderLength)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_LIST_LENGTH);
    }
    Blocks =
        HeaderLength == sizeof(MODE_PARAMETER_HEADER10)
            ? VminiReadBe16(List->Data + offsetof(MODE_PARAMETER_HEADER10, BlockDescriptorLength))
            : List->Data[offsetof(MODE_PARAMETER_HEADER, BlockDescriptorLength)];
    if (Blocks != 0 && Blocks != sizeof(MODE_PARAMETER_BLOCK)) {
        return VminiModeRefuse(Request, List, HeaderLength - 1, VMINI_WHOLE_BYTE);
    }
    List->At += HeaderLength;
    return Blocks == 0 ? SRB_STATUS_SUCCESS : VminiModeCheckBlock(Request, List);
}

/** Compares a page with what it may be: current values, but for the changeable bits.
 *  \return SRB_STATUS_SUCCESS, or the first byte that is otherwise has been refused. */
static UCHAR VminiModeComparePage(_Inout_ PVMINI_SCSI_REQUEST Request,
                                  _In_ const VMINI_MODE_LIST *List, _In_ const UCHAR *Current,
                                  _In_ const UCHAR *Changeable, _In_ ULONG Length)
{
    const UCHAR *Page = List->Data + List->At;
    ULONG Byte;

    for (Byte = VMINI_PAGE_HEADER; Byte < Length; Byte++) {
        if (((Page[Byte] ^ Current[Byte]) & ~Changeable[Byte]) != 0) {
            return VminiModeRefuse(Request, List, Byte, VMINI_WHOLE_BYTE);
        }
    }
    return SRB_STATUS_SUCCESS;
}

/** One page. What MODE SENSE would say of it is put together in the reply, where nothing else is
 *  needed: current values first, then the mask of changeable ones. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiModeCheckPage(_Inout_ PVMINI_SCSI_REQUEST Request, _Inout_ VMINI_MODE_LIST *List)
{
    const UCHAR *Page = List->Data + List->At;
    UCHAR PageCode = Page[0] & 0x3F;
    PVMINI_REPLY Reply = &Request->Reply;
    ULONG Length;
    LONG Given;
    LONG Wanted;
    UCHAR SrbStatus;

    VminiTransferBegin(Reply);
    if ((Page[0] & VMINI_MODE_SPF) != 0 || PageCode == MODE_SENSE_RETURN_ALL ||
        !VminiModeAppendPages(Request, PageCode, MODE_SENSE_CURRENT_VALUES)) {
        return VminiModeRefuse(Request, List, 0, 6);
    }
    Length = Reply->Length;
    if (Page[1] != Length - VMINI_PAGE_HEADER) {
        return VminiModeRefuse(Request, List, 1, VMINI_WHOLE_BYTE);
    }
    if (!VminiModeHas(List, Length)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_LIST_LENGTH);
    }
    (VOID) VminiModeAppendPages(Request, PageCode, MODE_SENSE_CHANGEABLE_VALUES);
    SrbStatus = VminiModeComparePage(Request, List, Reply->Data, Reply->Data + Length, Length);
    Wanted = VminiModeBits(PageCode, Page, &Given);
    List->Given |= Given;
    List->Wanted = (List->Wanted & ~Given) | Wanted;
    List->At += Length;
    return SrbStatus;
}

/** The pages, one after the other to the end of the list. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiModeCheckPages(_Inout_ PVMINI_SCSI_REQUEST Request, _Inout_ VMINI_MODE_LIST *List)
{
    UCHAR SrbStatus = SRB_STATUS_SUCCESS;

    while (SrbStatus == SRB_STATUS_SUCCESS && List->At < List->Length) {
        if (!VminiModeHas(List, VMINI_PAGE_HEADER)) {
            return VminiSenseFail(Request->Srb, VMINI_SENSE_LIST_LENGTH);
        }
        SrbStatus = VminiModeCheckPage(Request, List);
    }
    return SrbStatus;
}

/**
 * Sets the bits, all in one step. Whoever switches the write cache off means the data that are in it
 * as well: they are made durable before the command ends. The bit comes first: what is
 * sent from now on goes through. Should the flush fail, the command says so; the cache stays off.
 * \irql{<= DISPATCH_LEVEL}
 */
static UCHAR VminiModeApply(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ const VMINI_MODE_LIST *List)
{
    PVMINI_UNIT Unit = Request->Unit;
    LONG Old;
    LONG New;

    do {
        Old = ReadNoFence(&Unit->Mode);
        New = (Old & ~List->Given) | List->Wanted;
    } while (InterlockedCompareExchange(&Unit->Mode, New, Old) != Old);
    if ((Old & ~New & VMINI_MODE_WRITE_CACHE) != 0) {
        return VminiBlocksQueue(Request, VminiDoFlush, NULL);
    }
    return SRB_STATUS_SUCCESS;
}

/** What both forms have in common. \param LengthByte where the CDB has the list's length. */
static UCHAR VminiModeSelect(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG HeaderLength,
                             _In_ ULONG ListLength, _In_ USHORT LengthByte)
{
    VMINI_MODE_LIST List = {NULL, ListLength, 0, 0, 0};
    ULONG Room;
    UCHAR SrbStatus;

    if ((Request->Cdb[1] & VMINI_MODE_SP) != 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, 0);
    }
    if (ListLength == 0) {
        return SRB_STATUS_SUCCESS; /* No error (SPC-4 6.11). */
    }
    if ((Request->Cdb[1] & VMINI_MODE_PF) == 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, VMINI_MODE_PF_BIT);
    }
    if (ListLength > SrbGetDataTransferLength(Request->Srb)) {
        return VminiSenseFailCdbField(Request->Srb, LengthByte, VMINI_WHOLE_BYTE);
    }
    List.Data = VminiTransferBuffer(Request->Adapter, Request->Srb, &Room);
    if (List.Data == NULL) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_RESOURCES);
    }
    SrbStatus = VminiModeCheckHeader(Request, &List, HeaderLength);
    if (SrbStatus == SRB_STATUS_SUCCESS) {
        SrbStatus = VminiModeCheckPages(Request, &List);
    }
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    Request->Moved = ListLength;
    return VminiModeApply(Request, &List);
}

/** MODE SELECT(6). */
_Use_decl_annotations_ UCHAR VminiScsiModeSelect6(PVMINI_SCSI_REQUEST Request)
{
    return VminiModeSelect(Request, sizeof(MODE_PARAMETER_HEADER), Request->Cdb[4], 4);
}

/** MODE SELECT(10). */
_Use_decl_annotations_ UCHAR VminiScsiModeSelect10(PVMINI_SCSI_REQUEST Request)
{
    return VminiModeSelect(Request, sizeof(MODE_PARAMETER_HEADER10),
                           VminiReadBe16(&Request->Cdb[7]), 7);
}
