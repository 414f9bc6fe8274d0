/**
 * \file
 * The logical unit: what a device *is*, and how it answers a CDB. One table drives it.
 *
 * 02-dispatch finds the device and calls VminiScsiExecute. Commands that need only memory are
 * answered at once; those that need the backing file fill Request->Work and return
 * SRB_STATUS_PENDING: the caller submits the item, and when it has ended calls VminiScsiFinish,
 * which turns the file system's status into SCSI's.
 * \article{Part III, OsrUserHandleSrb}
 */
#ifndef VMINI_SCSI_H
#define VMINI_SCSI_H

#include "04-workers/work.h"
#include "06-compliance/compliance.h"

#define VMINI_DISK_BLOCK_SIZE  512UL
#define VMINI_CDROM_BLOCK_SIZE 2048UL
/** What a serial number looks like: 16 hexadecimal digits made from the path. */
#define VMINI_SERIAL_LENGTH 16

/** A logical unit. Nonpaged; embedded in 02's device record. Only the interlocked fields change
 *  while SRBs run. */
typedef struct _VMINI_UNIT {
    /* Set by VminiUnitInitialize, read-only afterwards. */
    BOOLEAN Cdrom;
    BOOLEAN ReadOnly;
    BOOLEAN Removable; /**< RMB: a CD-ROM, or a disk that was connected as removable. */
    BOOLEAN Thin;      /**< UNMAP exists: the file is sparse. */
    UCHAR Devices;     /**< VMINI_ON_* bits: which rows of the tables are for it. */
    VMINI_ADDRESS Address;
    PVMINI_MEDIA Media; /**< The backing file; open as long as the unit can be found on the bus. */
    ULONG BlockSize;
    ULONGLONG BlockCount;              /**< Whole blocks only: a file's odd tail is not served. */
    UCHAR Serial[VMINI_SERIAL_LENGTH]; /**< ASCII, not terminated. */
    UCHAR Naa[8];                      /**< NAA 3h, locally assigned: SPC-4 7.8.6.6.4. */

    /* Interlocked. */
    LONG Ejected;    /**< Nonzero: NOT READY, MEDIUM NOT PRESENT until it is loaded again. */
    LONG Prevented;  /**< Nonzero: PREVENT ALLOW MEDIUM REMOVAL holds the medium. */
    LONG MediaEvent; /**< Event that GET EVENT STATUS NOTIFICATION has to tell; 0 = none. */
    LONG Mode;       /**< VMINI_MODE_* bits: what MODE SELECT can change. */
} VMINI_UNIT, *PVMINI_UNIT;

/* Bits of VMINI_UNIT.Mode; mode_pages.c says where in which page they are. */
#define VMINI_MODE_WRITE_CACHE      0x1 /**< WCE: a WRITE may end before its data are durable. */
#define VMINI_MODE_WRITE_PROTECT    0x2 /**< SWP: writes are refused. */
#define VMINI_MODE_DESCRIPTOR_SENSE 0x4 /**< D_SENSE: sense data in the descriptor format. */

/**
 * Fills a logical unit.
 *
 * \param Unit          the unit; all of it is written.
 * \param Media         its open file, owned by the caller.
 * \param Flags         VMINI_CONNECT_*.
 * \param Address       where it is.
 * \param IdentityPath  what serial number and NAA are made from: the same path gives the same
 *                      identity, in any case of its letters.
 * \return STATUS_SUCCESS; STATUS_FILE_INVALID when the file holds less than one block.
 * \irql{PASSIVE_LEVEL} \locks{none}
 */
NTSTATUS VminiUnitInitialize(_Out_ PVMINI_UNIT Unit, _In_ PVMINI_MEDIA Media, _In_ ULONG Flags,
                             _In_ VMINI_ADDRESS Address, _In_ PCUNICODE_STRING IdentityPath);

struct _VMINI_SCSI_COMMAND;

/** REPORT LUNS has to know what else is on the target: 02 lends it this.
 *  \return how many logical units the target has; the first min(that, Count) numbers, ascending,
 *  are in Luns. \irql{<= DISPATCH_LEVEL} \locks{none held} */
typedef ULONG(VMINI_LIST_LUNS)(_In_ PVMINI_ADAPTER Adapter, _In_ UCHAR Path, _In_ UCHAR Target,
                               _Out_writes_(Count) PUCHAR Luns, _In_ ULONG Count);

/**
 * A logical unit reset, or a harder one: mode parameters are at their defaults again, and nobody
 * holds the medium (SPC-4 7.5.2, SBC-3 5.10). \irql{any}
 */
VOID VminiUnitReset(_Inout_ PVMINI_UNIT Unit);

/** One CDB being executed; lives in the SRB extension, and at its beginning. */
typedef struct _VMINI_SCSI_REQUEST {
    VMINI_SRB_HEADER Header; /**< For 06: set by VminiScsiExecute. */

    /* Set by the caller of VminiScsiExecute. */
    PVMINI_ADAPTER Adapter;
    PSCSI_REQUEST_BLOCK Srb;
    PVMINI_UNIT Unit; /**< NULL: LUN 0 of a target that has other LUNs, but not this one. */
    VMINI_ADDRESS Address;
    VMINI_LIST_LUNS *ListLuns;

    /* Set by VminiScsiExecute. */
    const UCHAR *Cdb;
    UCHAR CdbLength;
    ULONG Moved; /**< Bytes that a success moves: what DataTransferLength will say. */
    const struct _VMINI_SCSI_COMMAND *Command; /**< Its row in the table. */
    PVOID Allocation;                          /**< Nonpaged scratch; freed by VminiScsiFinish. */
    VMINI_WORK_ITEM Work;                      /**< When the backing file is needed. */

    /** The answer of a command that has one, while it is written: VminiTransferBegin clears it, so
     *  that only commands that answer from memory pay for that. */
    VMINI_REPLY Reply;
} VMINI_SCSI_REQUEST, *PVMINI_SCSI_REQUEST;

/** Executes one command, or one step of it.
 *  \return an SRB status; SRB_STATUS_PENDING from Execute: Request->Work is filled.
 *  \irql{<= DISPATCH_LEVEL} \locks{none held} */
typedef UCHAR(VMINI_SCSI_HANDLER)(_Inout_ PVMINI_SCSI_REQUEST Request);

/** One row of the command table. */
typedef struct _VMINI_SCSI_COMMAND {
    UCHAR OperationCode;
    UCHAR ServiceAction; /**< For opcodes that several commands share (9Eh): CDB byte 1, bits 4..0.
                              VMINI_NO_SERVICE_ACTION: the opcode is one command. */
    UCHAR CdbLength;     /**< Bytes; a shorter CDB is ILLEGAL REQUEST. */
    UCHAR Devices;       /**< VMINI_ON_* bits: who has it. */
    UCHAR Needs;         /**< VMINI_NEEDS_* bits, checked before the handler runs. */
    const UCHAR *Usage;  /**< Which bits of the CDB mean something: CdbLength bytes; see table.c. */
    PCSTR Name;
    VMINI_SCSI_HANDLER *Execute;
    VMINI_SCSI_HANDLER *Finish; /**< After a successful work item; NULL: SUCCESS. */
} VMINI_SCSI_COMMAND, *PVMINI_SCSI_COMMAND;

#define VMINI_NO_SERVICE_ACTION 0xFF
#define VMINI_LONGEST_CDB       16

#define VMINI_ON_DISK      0x01
#define VMINI_ON_CDROM     0x02
#define VMINI_ON_ABSENT    0x04 /**< Also answered for an absent LUN 0. */
#define VMINI_ON_REMOVABLE 0x08 /**< A disk that was connected as removable. */
#define VMINI_ON_THIN      0x10 /**< A disk that was connected as thin. */

#define VMINI_NEEDS_MEDIUM 0x01 /**< Else NOT READY, MEDIUM NOT PRESENT (02/3A/00). */
#define VMINI_NEEDS_WRITE  0x02 /**< Else DATA PROTECT, WRITE PROTECTED (07/27/00). */

/**
 * Starts a CDB.
 * \param Request  Adapter, Srb, Unit, Address and ListLuns are set; the rest may be anything.
 * \return the SRB status of a command that has ended, or SRB_STATUS_PENDING: then Request->Work is
 *         filled but for its Address, and the caller submits it.
 * \irql{<= DISPATCH_LEVEL} \locks{none held} \article{Part III, OsrUserHandleSrb}
 */
UCHAR VminiScsiExecute(_Inout_ PVMINI_SCSI_REQUEST Request);

/**
 * Ends a CDB whose work item has ended: turns an NTSTATUS into sense data.
 * \param Request  as VminiScsiExecute left it; Work.Status and Work.Information are valid.
 * \return the SRB status to complete with; a cancelled item gives SRB_STATUS_BUS_RESET.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
UCHAR VminiScsiFinish(_Inout_ PVMINI_SCSI_REQUEST Request);

/** Makes the index from opcodes to rows of the command table, which every command is found by.
 *  Once, in DriverEntry, before the first SRB. \irql{PASSIVE_LEVEL} */
VOID VminiScsiIndexCommands(VOID);

/** The row for an opcode (and service action), or NULL. \param Cdb the CDB. \param CdbLength its
 *  bytes, at least 1. \irql{any} */
const VMINI_SCSI_COMMAND *VminiScsiFindCommand(_In_ const UCHAR *Cdb, _In_ UCHAR CdbLength);

#endif
