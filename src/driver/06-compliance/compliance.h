/**
 * \file
 * How an SRB ends: status, sense data, transfer accounting. The rules that "Virtual Storport
 * Tweaks" found broken live here, each in one place. A leaf: any module may call it, it calls none
 * of them.
 *
 * A handler never completes an SRB. It returns an SRB status (SRB_STATUS_PENDING: somebody will
 * complete it later), and VminiSrbComplete, called in exactly one place for each way an SRB can go,
 * hands it back to Storport.
 */
#ifndef VMINI_COMPLIANCE_H
#define VMINI_COMPLIANCE_H

#include "vmini.h"

/**
 * What a failure means: sense key, additional sense code and its qualifier (SPC-4 4.5), written as
 * the standards' tables write them, key/ASC/ASCQ: 05/24/00 is 0x052400.
 */
typedef ULONG VMINI_SENSE;

#define VMINI_SENSE_NONE               0x000000UL /**< NO SENSE, NO ADDITIONAL SENSE INFORMATION */
#define VMINI_SENSE_NOT_CONNECTED      0x020403UL /**< NOT READY, MANUAL INTERVENTION REQUIRED */
#define VMINI_SENSE_NO_MEDIUM          0x023A00UL /**< MEDIUM NOT PRESENT */
#define VMINI_SENSE_WRITE_ERROR        0x030C00UL /**< WRITE ERROR */
#define VMINI_SENSE_READ_ERROR         0x031100UL /**< UNRECOVERED READ ERROR */
#define VMINI_SENSE_TARGET_FAILURE     0x044400UL /**< INTERNAL TARGET FAILURE */
#define VMINI_SENSE_LIST_LENGTH        0x051A00UL /**< PARAMETER LIST LENGTH ERROR */
#define VMINI_SENSE_INVALID_COMMAND    0x052000UL /**< INVALID COMMAND OPERATION CODE */
#define VMINI_SENSE_LBA_OUT_OF_RANGE   0x052100UL /**< LOGICAL BLOCK ADDRESS OUT OF RANGE */
#define VMINI_SENSE_INVALID_FIELD      0x052400UL /**< INVALID FIELD IN CDB */
#define VMINI_SENSE_INVALID_LUN        0x052500UL /**< LOGICAL UNIT NOT SUPPORTED */
#define VMINI_SENSE_INVALID_PARAMETER  0x052600UL /**< INVALID FIELD IN PARAMETER LIST */
#define VMINI_SENSE_WRONG_FORMAT       0x053002UL /**< CANNOT READ MEDIUM, INCOMPATIBLE FORMAT */
#define VMINI_SENSE_SAVING_UNSUPPORTED 0x053900UL /**< SAVING PARAMETERS NOT SUPPORTED */
#define VMINI_SENSE_REMOVAL_PREVENTED  0x055302UL /**< MEDIUM REMOVAL PREVENTED */
#define VMINI_SENSE_ILLEGAL_MODE       0x056400UL /**< ILLEGAL MODE FOR THIS TRACK */
#define VMINI_SENSE_WRITE_PROTECTED    0x072700UL /**< WRITE PROTECTED */
#define VMINI_SENSE_SPACE_ALLOCATION   0x072707UL /**< SPACE ALLOCATION FAILED WRITE PROTECT */
#define VMINI_SENSE_RESOURCES          0x0B5503UL /**< ABORTED COMMAND, INSUFFICIENT RESOURCES */
#define VMINI_SENSE_MISCOMPARE         0x0E1D00UL /**< MISCOMPARE DURING VERIFY OPERATION */

/** Bytes of fixed format sense data that we write: all of SENSE_DATA. */
#define VMINI_SENSE_LENGTH sizeof(SENSE_DATA)
/** Bytes of the longest sense data that we write: the header and two descriptors. */
#define VMINI_SENSE_LONGEST 28

/**
 * The first thing in an SRB extension, whoever owns the rest: what this module has to know of the
 * unit that the SRB is for. Set before anything that may fail with sense data is called.
 */
typedef struct _VMINI_SRB_HEADER {
    BOOLEAN DescriptorSense; /**< D_SENSE: descriptor format, not fixed (SPC-4 7.5.8). */
} VMINI_SRB_HEADER, *PVMINI_SRB_HEADER;

/** What sense data say, in whatever format. */
typedef struct _VMINI_SENSE_RECORD {
    VMINI_SENSE Sense;
    BOOLEAN HasInformation;
    ULONGLONG Information;     /**< An LBA, or where a comparison failed. */
    UCHAR SenseKeySpecific[3]; /**< As SPC-4 4.5.2.4 has them; byte 0, bit 7: they are valid. */
} VMINI_SENSE_RECORD, *PVMINI_SENSE_RECORD;
/** For VminiSenseFailCdbField: the whole byte is wrong, not one field of it. */
#define VMINI_WHOLE_BYTE 0xFF

/**
 * Ends a command with CHECK CONDITION: writes the sense data where the SRB wants them.
 *
 * Fixed format (SPC-4 4.5.3) or, if the SRB's header says so, descriptor format, truncated to the
 * SRB's sense buffer; nothing is written when there is no buffer or SRB_FLAGS_DISABLE_AUTOSENSE is
 * set, and then SRB_STATUS_AUTOSENSE_VALID stays off.
 *
 * \param Srb    the request.
 * \param Sense  what went wrong.
 * \return SRB_STATUS_ERROR, with SRB_STATUS_AUTOSENSE_VALID when sense data were written.
 * \irql{<= DISPATCH_LEVEL} \locks{none} \article{Tweaks, Figure 5, ProcessScsiCommandError}
 */
UCHAR VminiSenseFail(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ VMINI_SENSE Sense);

/**
 * The same with INVALID FIELD IN CDB, pointing at the byte (and bit) that is wrong: the field
 * pointer of the sense-key specific bytes, SPC-4 4.5.2.4.2.
 *
 * \param Srb   the request.
 * \param Byte  offset of the offending byte in the CDB.
 * \param Bit   most significant bit of the offending field, or VMINI_WHOLE_BYTE.
 * \return as VminiSenseFail.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
UCHAR VminiSenseFailCdbField(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ USHORT Byte, _In_ UCHAR Bit);

/**
 * The same with INVALID FIELD IN PARAMETER LIST: the pointer is into the data that the initiator
 * sent.
 *
 * \param Srb   the request.
 * \param Byte  offset of the offending byte in the parameter list.
 * \param Bit   most significant bit of the offending field, or VMINI_WHOLE_BYTE.
 * \return as VminiSenseFail.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
UCHAR VminiSenseFailParameter(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ USHORT Byte, _In_ UCHAR Bit);

/**
 * The same with the INFORMATION field: an LBA, or where a comparison failed.
 *
 * \param Srb          the request.
 * \param Sense        what went wrong.
 * \param Information  the fixed format drops it, VALID = 0, when it does not fit 32 bits.
 * \return as VminiSenseFail.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
UCHAR VminiSenseFailInformation(_Inout_ PSCSI_REQUEST_BLOCK Srb, _In_ VMINI_SENSE Sense,
                                _In_ ULONGLONG Information);

/**
 * Builds sense data in the fixed format, for REQUEST SENSE and for the functions above.
 * \param Data   all of it is written. \param Sense what it says.
 * \irql{any} \locks{none}
 */
VOID VminiSenseBuild(_Out_ PSENSE_DATA Data, _In_ VMINI_SENSE Sense);

/**
 * Builds sense data in the descriptor format. (descriptor.c)
 * \param Data   receives them. \param Record what they say.
 * \return their bytes, VMINI_SENSE_LONGEST at most.
 * \irql{any} \locks{none}
 */
UCHAR VminiSenseBuildDescriptors(_Out_writes_bytes_(VMINI_SENSE_LONGEST) PVOID Data,
                                 _In_ const VMINI_SENSE_RECORD *Record);

/** Bytes of the longest answer that VMINI_REPLY can hold: GET CONFIGURATION's and to spare. */
#define VMINI_REPLY_SIZE 256

/**
 * An answer that a command puts together before any of it is moved, so that each answer is written
 * in one way whatever the allocation length leaves of it.
 */
typedef struct _VMINI_REPLY {
    ULONG Length;                 /**< Bytes of Data that belong to the answer. */
    UCHAR Data[VMINI_REPLY_SIZE]; /**< Zero but for what the command has written. */
} VMINI_REPLY, *PVMINI_REPLY;

/** The part of an SRB's data buffer that a command may write. */
typedef struct _VMINI_WINDOW {
    PUCHAR Buffer; /**< In system space; NULL when Room is 0. */
    ULONG Room;    /**< Bytes: neither the CDB's allocation length nor the buffer is exceeded. */
} VMINI_WINDOW, *PVMINI_WINDOW;

/** Starts an answer: empty, and zero all over. \param Reply the answer. \irql{any} */
VOID VminiTransferBegin(_Out_ PVMINI_REPLY Reply);

/**
 * Makes an answer longer.
 * \param Reply   the answer. \param Length bytes; the sum of all stays below VMINI_REPLY_SIZE.
 * \return where the new bytes are: zero, to be filled by the caller.
 * \irql{any}
 */
PVOID VminiTransferAppend(_Inout_ PVMINI_REPLY Reply, _In_ ULONG Length);

/**
 * The SRB's data buffer in system space, whatever Storport mapped.
 *
 * READ and WRITE data are not mapped (STOR_MAP_NON_READ_WRITE_BUFFERS) and must not be asked for.
 *
 * \param Adapter  device extension.
 * \param Srb      the request.
 * \param Length   receives the bytes that the buffer holds: the SRB's DataTransferLength.
 * \return the buffer, or NULL when it has no bytes or cannot be mapped now.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
PVOID VminiTransferBuffer(_In_ PVMINI_ADAPTER Adapter, _In_ PSCSI_REQUEST_BLOCK Srb,
                          _Out_ PULONG Length);

/**
 * Opens the data buffer for a data-in command and zeroes the part that the command may write.
 *
 * \param Adapter           device extension.
 * \param Srb               the request.
 * \param AllocationLength  from the CDB; 0 is no error (SPC-4 4.2.5.6).
 * \param Window            receives it.
 * \return SRB_STATUS_SUCCESS, or as VminiSenseFail when the buffer could not be mapped.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
UCHAR VminiTransferOpen(_In_ PVMINI_ADAPTER Adapter, _Inout_ PSCSI_REQUEST_BLOCK Srb,
                        _In_ ULONG AllocationLength, _Out_ PVMINI_WINDOW Window);

/**
 * Writes a piece of an answer; what lies outside the window is not written.
 *
 * \param Window  from VminiTransferOpen.
 * \param Offset  where in the answer the piece begins.
 * \param Data    the piece. \param Length its bytes.
 * \return bytes of the answer, up to the end of this piece, that the initiator got.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
ULONG VminiTransferPut(_In_ const VMINI_WINDOW *Window, _In_ ULONG Offset,
                       _In_reads_bytes_(Length) const VOID *Data, _In_ ULONG Length);

/**
 * Answers a data-in command: as much of the reply as the CDB's allocation length and the SRB's
 * buffer allow (SPC-4 4.2.5.6: an answer cut short is no error, and its length fields stay as they
 * are).
 *
 * \param Adapter           device extension.
 * \param Srb               the request.
 * \param Reply             the whole answer.
 * \param AllocationLength  from the CDB.
 * \param Moved             receives the bytes that the initiator got.
 * \return SRB_STATUS_SUCCESS, or as VminiSenseFail when the buffer could not be mapped.
 * \irql{<= DISPATCH_LEVEL} \locks{none}
 */
UCHAR VminiTransferReply(_In_ PVMINI_ADAPTER Adapter, _Inout_ PSCSI_REQUEST_BLOCK Srb,
                         _In_ const VMINI_REPLY *Reply, _In_ ULONG AllocationLength,
                         _Out_ PULONG Moved);

/**
 * Ends an SRB: accounts for the transfer (nothing moved if it failed), sets its status and gives it
 * to Storport. The only call of StorPortNotification(RequestComplete) in the driver. Nothing of the
 * SRB or its extension may be touched afterwards: drop references that live there before.
 *
 * \param Adapter    device extension.
 * \param Srb        the request; Storport's from here on.
 * \param SrbStatus  any SRB status but SRB_STATUS_PENDING.
 * \irql{<= DISPATCH_LEVEL} \locks{none held} \article{Part III, OsrSpCompleteSrb}
 */
VOID VminiSrbComplete(_In_ PVMINI_ADAPTER Adapter, _In_ _Post_invalid_ PSCSI_REQUEST_BLOCK Srb,
                      _In_ UCHAR SrbStatus);

#endif
