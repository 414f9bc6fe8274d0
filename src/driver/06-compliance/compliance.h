/**
 * \file
 * How an SRB ends: status, sense data, transfer accounting. The rules that "Virtual Storport Tweaks" found broken
 * live here, each in one place. A leaf: any module may call it, it calls none of them.
 *
 * A handler never completes an SRB. It returns an SRB status (SRB_STATUS_PENDING: somebody will complete it later),
 * and VminiSrbComplete, called in exactly one place for each way an SRB can go, hands it back to Storport.
 */
#ifndef VMINI_COMPLIANCE_H
#define VMINI_COMPLIANCE_H

#include "vmini.h"

/** Sense key, additional sense code and qualifier: what a failure means (SPC-4 4.5). */
typedef struct _VMINI_SENSE {
    UCHAR Key;
    UCHAR Asc;
    UCHAR Ascq;
} VMINI_SENSE;

/**
 * Ends a command with CHECK CONDITION: writes the sense data where the SRB wants them.
 *
 * Fixed format (SPC-4 4.5.3), truncated to the SRB's sense buffer; nothing is written when there is no buffer or
 * SRB_FLAGS_DISABLE_AUTOSENSE is set, and then SRB_STATUS_AUTOSENSE_VALID stays off too.
 * \param Srb    the request.
 * \param Sense  what went wrong.
 * \return SRB_STATUS_ERROR, with SRB_STATUS_AUTOSENSE_VALID when sense data were written.
 * \irql{<= DISPATCH_LEVEL} \locks{none} \article{Tweaks, Figure 5, ProcessScsiCommandError}
 */
UCHAR VminiSenseFail(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ VMINI_SENSE Sense);

/**
 * The same, pointing at the byte (and bit) of the CDB that is wrong: sense-key specific field pointer, SPC-4 4.5.2.4.2.
 * \param Byte  offset of the offending byte in the CDB.
 * \param Bit   most significant bit of the offending field, or 0xFF for the whole byte.
 */
UCHAR VminiSenseFailCdbField(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ USHORT Byte, _In_ UCHAR Bit);

/** The same with the INFORMATION field (an LBA, or the offset of a miscompare). */
UCHAR VminiSenseFailInformation(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ VMINI_SENSE Sense, _In_ ULONGLONG Information);

/**
 * Writes sense data into a buffer (REQUEST SENSE). \return bytes written: min(Length, 18).
 */
ULONG VminiSenseBuild(_Out_writes_bytes_(Length) PVOID Buffer, _In_ ULONG Length, _In_ VMINI_SENSE Sense);

/**
 * The SRB's data buffer in system space, whatever Storport mapped.
 *
 * READ and WRITE data are not mapped (STOR_MAP_NON_READ_WRITE_BUFFERS) and must not be asked for here.
 * \param Adapter  device extension. \param Srb the request.
 * \param Length   receives the bytes that the buffer holds: the SRB's DataTransferLength.
 * \return the buffer, or NULL when there is none or it cannot be mapped.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
PVOID VminiTransferBuffer(_In_ PVMINI_ADAPTER Adapter, _In_ PSCSI_REQUEST_BLOCK Srb, _Out_ PULONG Length);

/**
 * Answers a data-in command from memory: zeroes the buffer, copies as much of Data as the CDB's allocation length and
 * the SRB's buffer allow, and sets DataTransferLength to what was copied (SPC-4 4.2.5.6).
 *
 * \param Adapter           device extension. \param Srb the request.
 * \param Data              the whole answer. \param DataLength its bytes.
 * \param AllocationLength  from the CDB; 0 is no error.
 * \return SRB_STATUS_SUCCESS, or SRB_STATUS_INTERNAL_ERROR when the buffer could not be mapped.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
UCHAR VminiTransferReply(_In_ PVMINI_ADAPTER Adapter, _Inout_ PSCSI_REQUEST_BLOCK Srb,
                         _In_reads_bytes_(DataLength) const VOID *Data, _In_ ULONG DataLength,
                         _In_ ULONG AllocationLength);

/**
 * Ends an SRB: accounts for the transfer (nothing moved if it failed), sets its status and gives it to Storport.
 * The only call of StorPortNotification(RequestComplete) in the driver. Nothing of the SRB or its extension may be
 * touched afterwards: drop references that live there before.
 * \param SrbStatus  any SRB status but SRB_STATUS_PENDING.
 * \irql{<= DISPATCH_LEVEL} \locks{none held} \article{Part III, OsrSpCompleteSrb}
 */
VOID VminiSrbComplete(_In_ PVMINI_ADAPTER Adapter, _In_ _Post_invalid_ PSCSI_REQUEST_BLOCK Srb, _In_ UCHAR SrbStatus);

#endif
