/**
 * \file
 * REPORT LUNS: which logical units a target has. Storport's bus scan begins with it, at LUN 0,
 * whether there is a LUN 0 or not.
 *
 *     CDB (SPC-4 6.33)                  data
 *     0    A0h                          0-3   LUN list length: 8 for each unit
 *     2    SELECT REPORT                4-7   reserved
 *     6-9  allocation length            8-    one 8-byte LUN each (SAM-5 4.7.7.2):
 *     11   control                            byte 0: 00h, peripheral device addressing
 *                                             byte 1: the number, 0..255
 *
 * The list can be 2 KiB long, so it is written straight into the initiator's buffer.
 */
#include "03-scsi/commands.h"

/* SELECT REPORT: which kinds of units are wanted. */
#define VMINI_SELECT_ADDRESSED  0x00 /**< All but well known ones. */
#define VMINI_SELECT_WELL_KNOWN 0x01 /**< Only well known ones (W-LUNs): we have none. */
#define VMINI_SELECT_ALL        0x02

#define VMINI_LUN_SIZE        8
#define VMINI_LUN_LIST_HEADER 8
#define VMINI_MAXIMUM_LUNS    255

_Static_assert(sizeof(LUN_LIST) == VMINI_LUN_LIST_HEADER, "LUN list header");

/** Writes header and list. \return bytes that the initiator got. \irql{<= DISPATCH_LEVEL} */
static ULONG VminiReportLunsWrite(_In_ const VMINI_WINDOW *Window,
                                  _In_reads_(Count) const UCHAR *Luns, _In_ ULONG Count)
{
    UCHAR Entry[VMINI_LUN_SIZE] = {0};
    ULONG Moved;
    ULONG Index;

    VminiWriteBe32(Entry, Count * VMINI_LUN_SIZE);
    Moved = VminiTransferPut(Window, 0, Entry, sizeof(Entry));
    VminiWriteBe32(Entry, 0);
    for (Index = 0; Index < Count; Index++) {
        Entry[1] = Luns[Index];
        Moved = VminiTransferPut(Window, VMINI_LUN_LIST_HEADER + Index * VMINI_LUN_SIZE, Entry,
                                 sizeof(Entry));
    }
    return Moved;
}

/** REPORT LUNS: which units the target has. */
_Use_decl_annotations_ UCHAR VminiScsiReportLuns(PVMINI_SCSI_REQUEST Request)
{
    UCHAR Luns[VMINI_MAXIMUM_LUNS];
    ULONG Count = 0;
    VMINI_WINDOW Window;
    UCHAR SrbStatus;

    if (Request->Cdb[2] > VMINI_SELECT_ALL) {
        return VminiSenseFailCdbField(Request->Srb, 2, VMINI_WHOLE_BYTE);
    }
    SrbStatus =
        VminiTransferOpen(Request->Adapter, Request->Srb, VminiReadBe32(&Request->Cdb[6]), &Window);
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        return SrbStatus;
    }
    /* Only now: a list that is made is one that Storport gets, see bus.h. */
    if (Request->Cdb[2] != VMINI_SELECT_WELL_KNOWN) {
        Count = Request->ListLuns(Request->Adapter, Request->Address.Path, Request->Address.Target,
                                  Luns, RTL_NUMBER_OF(Luns));
    }
    Request->Moved = VminiReportLunsWrite(&Window, Luns, min(Count, RTL_NUMBER_OF(Luns)));
    return SRB_STATUS_SUCCESS;
}
