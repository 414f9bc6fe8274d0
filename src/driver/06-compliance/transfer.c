/**
 * \file
 * Data that a command answers from memory: built whole, then cut to what the initiator has room
 * for.
 *
 * Two lengths limit an answer. The allocation length is the CDB's: more than that a target never
 * sends. DataTransferLength is the SRB's: more than that the buffer does not hold. They come from
 * different places and need not agree, so both count. That the answer is longer than either is no
 * error (SPC-4 4.2.5.6): an initiator asks for 4 bytes to learn how many there are.
 *
 * READ and WRITE never come here: their data go straight between the file system and the MDL.
 */
#include "06-compliance/compliance.h"

_Use_decl_annotations_ VOID VminiTransferBegin(PVMINI_REPLY Reply)
{
    /* The reply lies in the SRB extension, which Storport hands out as the last request left it.
     * What a command does not set must still be 0 on the wire: reserved fields are defined as 0,
     * and kernel memory is nobody's business.
     * \article{Tweaks, Assumption of Pre-Zeroed Data Buffers} */
    RtlZeroMemory(Reply->Data, sizeof(Reply->Data));

    Reply->Length = 0;
}

_Use_decl_annotations_ PVOID VminiTransferAppend(PVMINI_REPLY Reply, ULONG Length)
{
    PUCHAR At = Reply->Data + Reply->Length;

    NT_ASSERT(Length <= sizeof(Reply->Data) - Reply->Length);
    Reply->Length += Length;
    return At;
}

_Use_decl_annotations_ PVOID VminiTransferBuffer(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb,
                                                 PULONG Length)
{
    PVOID Address = NULL;

    *Length = SrbGetDataTransferLength(Srb);
    if (*Length == 0) {
        return NULL; /* Storport may leave a stale pointer where nothing is to be moved. */
    }
    if (StorPortGetSystemAddress(Adapter, Srb, &Address) != STOR_STATUS_SUCCESS) {
        return NULL;
    }
    return Address;
}

_Use_decl_annotations_ UCHAR VminiTransferOpen(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb,
                                               ULONG AllocationLength, PVMINI_WINDOW Window)
{
    ULONG Length;

    //! [open]
    Window->Buffer = VminiTransferBuffer(Adapter, Srb, &Length);
    Window->Room = min(Length, AllocationLength);
    if (Window->Room == 0) {
        return SRB_STATUS_SUCCESS;
    }
    if (Window->Buffer == NULL) {
        /* No address space to map the buffer: a passing shortage. Class drivers try an ABORTED
         * COMMAND again, and nothing has happened yet that a second try would repeat. */
        return VminiSenseFail(Srb, VMINI_SENSE_RESOURCES);
    }
    RtlZeroMemory(Window->Buffer, Window->Room);
    return SRB_STATUS_SUCCESS;
    //! [open]
}

_Use_decl_annotations_ ULONG VminiTransferPut(const VMINI_WINDOW *Window, ULONG Offset,
                                              const VOID *Data, ULONG Length)
{
    if (Offset >= Window->Room) {
        return Window->Room;
    }
    Length = min(Length, Window->Room - Offset);
    RtlCopyMemory(Window->Buffer + Offset, Data, Length);
    return Offset + Length;
}

_Use_decl_annotations_ UCHAR VminiTransferReply(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb,
                                                const VMINI_REPLY *Reply, ULONG AllocationLength,
                                                PULONG Moved)
{
    VMINI_WINDOW Window;
    UCHAR SrbStatus = VminiTransferOpen(Adapter, Srb, AllocationLength, &Window);

    *Moved = 0;
    if (SrbStatus == SRB_STATUS_SUCCESS) {
        *Moved = VminiTransferPut(&Window, 0, Reply->Data, Reply->Length);
    }
    return SrbStatus;
}
