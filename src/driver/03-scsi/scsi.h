/**
 * \file
 * The logical unit: what a device *is*, and how it answers a CDB. One table drives it.
 *
 * 02-dispatch finds the device and calls VminiScsiExecute. Commands that need only memory are answered at once;
 * those that need the backing file fill Request->Work and return SRB_STATUS_PENDING: the caller submits the item,
 * and when it has ended calls VminiScsiFinish, which turns the file system's status into SCSI's.
 * \article{Part III, OsrUserHandleSrb}
 */
#ifndef VMINI_SCSI_H
#define VMINI_SCSI_H

#include "04-workers/work.h"
#include "06-compliance/compliance.h"

#define VMINI_DISK_BLOCK_SIZE 512UL
#define VMINI_CDROM_BLOCK_SIZE 2048UL
/** What a serial number looks like: 16 hexadecimal digits made from the path. */
#define VMINI_SERIAL_LENGTH 16

/** A logical unit. Nonpaged; embedded in 02's device record. Fields below "interlocked" change while SRBs run. */
typedef struct _VMINI_UNIT {
    /* Set by VminiUnitInitialize, read-only afterwards. */
    BOOLEAN Cdrom;
    BOOLEAN ReadOnly;
    BOOLEAN Removable; /**< RMB: a CD-ROM, or a disk that was connected as removable. */
    BOOLEAN Thin;
    VMINI_ADDRESS Address;
    PVMINI_MEDIA Media; /**< The backing file; open as long as the unit can be found on the bus. */
    ULONG BlockSize;
    ULONGLONG BlockCount; /**< Whole blocks only: a file's odd tail is not served. */
    UCHAR Serial[VMINI_SERIAL_LENGTH]; /**< ASCII, not terminated. */
    UCHAR Naa[8];                      /**< NAA 3h (locally assigned) identifier, SPC-4 7.8.6.6.4. */

    /* Interlocked. */
    LONG Ejected;   /**< Nonzero: NOT READY, MEDIUM NOT PRESENT until it is loaded again. */
    LONG Prevented; /**< Nonzero: PREVENT ALLOW MEDIUM REMOVAL holds the medium. */
    LONG MediaEvent; /**< Pending GET EVENT STATUS NOTIFICATION media event code (MMC 6.7.2.5), 0 = none. */
} VMINI_UNIT, *PVMINI_UNIT;

/**
 * Fills a logical unit. \param Media open file, owned by the caller. \param Flags VMINI_CONNECT_*.
 * \param IdentityPath the path that serial number and NAA are made from: the same file gives the same identity.
 * \return STATUS_SUCCESS; STATUS_FILE_INVALID when the file holds less than one block.
 * \irql{PASSIVE_LEVEL}
 */
NTSTATUS VminiUnitInitialize(_Out_ PVMINI_UNIT Unit, _In_ PVMINI_MEDIA Media, _In_ ULONG Flags,
                             _In_ VMINI_ADDRESS Address, _In_ PCUNICODE_STRING IdentityPath);

struct _VMINI_SCSI_COMMAND;

/** REPORT LUNS has to know what else is on the target: 02 lends it this. \irql{<= DISPATCH_LEVEL} \locks{none held}
 *  \return how many logical units the target has; the first min(that, Count) numbers, ascending, are in Luns. */
typedef ULONG(NTAPI VMINI_LIST_LUNS)(_In_ PVMINI_ADAPTER Adapter, _In_ UCHAR Path, _In_ UCHAR Target,
                                     _Out_writes_(Count) PUCHAR Luns, _In_ ULONG Count);

/** One CDB being executed; lives in the SRB extension. */
typedef struct _VMINI_SCSI_REQUEST {
    PVMINI_ADAPTER Adapter;
    PSCSI_REQUEST_BLOCK Srb;
    PVMINI_UNIT Unit; /**< NULL: LUN 0 of a target that has other LUNs, but not this one (SPC-4 5.1). */
    VMINI_ADDRESS Address;
    VMINI_LIST_LUNS *ListLuns;
    const UCHAR *Cdb;
    UCHAR CdbLength;
    const struct _VMINI_SCSI_COMMAND *Command; /**< Its row in the table. */
    VMINI_WORK_ITEM Work;                      /**< When the backing file is needed. */
    PVOID Allocation;                          /**< Nonpaged scratch; freed by VminiScsiFinish. */
} VMINI_SCSI_REQUEST, *PVMINI_SCSI_REQUEST;

/** One row of the command table. */
typedef struct _VMINI_SCSI_COMMAND {
    UCHAR OperationCode;
    UCHAR CdbLength;      /**< Bytes; a shorter CDB is ILLEGAL REQUEST. */
    UCHAR ServiceAction;  /**< For opcodes shared by several commands (9Eh, A3h): byte 1 bits 4..0; 0xFF: none. */
    UCHAR Devices;        /**< VMINI_ON_* bits: who has it. */
    UCHAR Needs;          /**< VMINI_NEEDS_* bits, checked before the handler runs. */
    PCSTR Name;
    UCHAR(NTAPI *Execute)(_Inout_ PVMINI_SCSI_REQUEST Request); /**< \return SRB status, perhaps SRB_STATUS_PENDING. */
    UCHAR(NTAPI *Finish)(_Inout_ PVMINI_SCSI_REQUEST Request); /**< After a successful work item; NULL: SUCCESS. */
} VMINI_SCSI_COMMAND, *PVMINI_SCSI_COMMAND;

#define VMINI_ON_DISK 0x01
#define VMINI_ON_CDROM 0x02
#define VMINI_ON_ABSENT 0x04 /**< Also answered for an absent LUN 0. */
#define VMINI_NEEDS_MEDIUM 0x01 /**< Else NOT READY, MEDIUM NOT PRESENT (02/3A/00). */
#define VMINI_NEEDS_WRITE 0x02  /**< Else DATA PROTECT, WRITE PROTECTED (07/27/00). */

/**
 * Starts a CDB.
 * \param Request  Adapter, Srb, Unit, Address and ListLuns are set; the rest is filled here.
 * \return the SRB status of a command that has ended, or SRB_STATUS_PENDING: then Request->Work is filled and the
 *         caller submits it.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
UCHAR VminiScsiExecute(_Inout_ PVMINI_SCSI_REQUEST Request);

/**
 * Ends a CDB whose work item has ended.
 * \return the SRB status to complete with; a cancelled item gives SRB_STATUS_BUS_RESET.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
UCHAR VminiScsiFinish(_Inout_ PVMINI_SCSI_REQUEST Request);

/** The row for an opcode (and service action), or NULL. \irql{any} */
const VMINI_SCSI_COMMAND *VminiScsiFindCommand(_In_ const UCHAR *Cdb, _In_ UCHAR CdbLength);

#endif
