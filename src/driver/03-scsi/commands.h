/**
 * \file
 * Private to 03-scsi: the handlers that the command table names, and what they share.
 */
#ifndef VMINI_COMMANDS_H
#define VMINI_COMMANDS_H

#include "03-scsi/scsi.h"
#include "06-compliance/endian.h"

/* The handlers, one per row of the table, in the file of their family. */
VMINI_SCSI_HANDLER VminiScsiTestUnitReady; /* medium.c */
VMINI_SCSI_HANDLER VminiScsiRequestSense;
VMINI_SCSI_HANDLER VminiScsiStartStopUnit;
VMINI_SCSI_HANDLER VminiScsiStartStopDone;
VMINI_SCSI_HANDLER VminiScsiPreventAllow;
VMINI_SCSI_HANDLER VminiScsiInquiry;    /* inquiry.c */
VMINI_SCSI_HANDLER VminiScsiReportLuns; /* report_luns.c */
VMINI_SCSI_HANDLER VminiScsiModeSense6; /* mode.c */
VMINI_SCSI_HANDLER VminiScsiModeSense10;
VMINI_SCSI_HANDLER VminiScsiReadCapacity10; /* capacity.c */
VMINI_SCSI_HANDLER VminiScsiReadCapacity16;
VMINI_SCSI_HANDLER VminiScsiRead; /* rw.c */
VMINI_SCSI_HANDLER VminiScsiWrite;
VMINI_SCSI_HANDLER VminiScsiVerify;           /* verify.c */
VMINI_SCSI_HANDLER VminiScsiSynchronizeCache; /* sync.c */
VMINI_SCSI_HANDLER VminiScsiReadToc;          /* cdrom.c */
VMINI_SCSI_HANDLER VminiScsiReadDiscInformation;
VMINI_SCSI_HANDLER VminiScsiGetConfiguration; /* cdrom_features.c */
VMINI_SCSI_HANDLER VminiScsiGetEventStatus;   /* cdrom_events.c */

/* The rarer ones, in more/. */
VMINI_SCSI_HANDLER VminiScsiReportOpcodes; /* more/opcodes.c */
VMINI_SCSI_HANDLER VminiScsiReportTaskManagement;
VMINI_SCSI_HANDLER VminiScsiPreFetch;         /* more/prefetch.c */
VMINI_SCSI_HANDLER VminiScsiReadDefectData10; /* more/defects.c */
VMINI_SCSI_HANDLER VminiScsiReadDefectData12;
VMINI_SCSI_HANDLER VminiScsiModeSelect6; /* more/mode_select.c */
VMINI_SCSI_HANDLER VminiScsiModeSelect10;
VMINI_SCSI_HANDLER VminiScsiWriteVerify;     /* more/write_verify.c */
VMINI_SCSI_HANDLER VminiScsiCompareAndWrite; /* more/atomic.c */
VMINI_SCSI_HANDLER VminiScsiOrWrite;
VMINI_SCSI_HANDLER VminiScsiWriteSame;    /* more/write_same.c */
VMINI_SCSI_HANDLER VminiScsiUnmap;        /* more/unmap.c */
VMINI_SCSI_HANDLER VminiScsiGetLbaStatus; /* more/lba_status.c */
VMINI_SCSI_HANDLER VminiScsiLbaStatusDone;
VMINI_SCSI_HANDLER VminiScsiReadCd; /* more/read_cd.c */
VMINI_SCSI_HANDLER VminiScsiReadCdMsf;
VMINI_SCSI_HANDLER VminiScsiReadDiscStructure; /* more/disc.c */
VMINI_SCSI_HANDLER VminiScsiMechanismStatus;

/* What page B0h says of them, and what they obey (SBC-3 6.6). */
#define VMINI_MAXIMUM_COMPARE_AND_WRITE 255UL    /**< Blocks: the field has one byte. */
#define VMINI_MAXIMUM_WRITE_SAME        0xFFFFUL /**< Blocks: as many as WRITE SAME(10) can name. */
#define VMINI_MAXIMUM_UNMAP_DESCRIPTORS 256UL
/** Bytes that NTFS can give back at least; see 04-workers/space.c. */
#define VMINI_UNMAP_GRANULARITY (64UL * 1024)
/** log2 of the logical blocks in a physical one: 4 KiB, as a file system's cache has them. */
#define VMINI_PHYSICAL_BLOCK_EXPONENT 3

/* A CD's addresses: a second has 75 frames, which are its blocks, and LBA 0 is two seconds into the
 * disc. */
#define VMINI_CD_SECONDS 60U
#define VMINI_CD_FRAMES  75U
#define VMINI_CD_LEAD_IN 150U
/** The last address that can be said: 99:59:74. */
#define VMINI_CD_LAST (100 * VMINI_CD_SECONDS * VMINI_CD_FRAMES - 1)

/** Is the disc in the drive a DVD? An image that is longer than a CD can be is one. \irql{any} */
FORCEINLINE BOOLEAN VminiUnitIsDvd(_In_ const VMINI_UNIT *Unit)
{
    return Unit->BlockCount + VMINI_CD_LEAD_IN - 1 > VMINI_CD_LAST;
}

/** The command table, ascending by opcode and service action. */
extern const VMINI_SCSI_COMMAND VminiScsiCommands[];
extern const ULONG VminiScsiCommandCount;

/** Which VMINI_ON_* describe a unit. \param Unit NULL: the absent LUN 0. \irql{any} */
FORCEINLINE UCHAR VminiUnitDevices(_In_opt_ const VMINI_UNIT *Unit)
{
    return Unit != NULL ? Unit->Devices : VMINI_ON_ABSENT;
}

/** Byte 0 of INQUIRY data: peripheral qualifier and device type. \param Unit NULL: no unit. */
UCHAR VminiUnitPeripheral(_In_opt_ const VMINI_UNIT *Unit);

/** Are writes refused, for the file's sake or by SWP? \irql{any} */
FORCEINLINE BOOLEAN VminiUnitIsProtected(_In_ const VMINI_UNIT *Unit)
{
    return Unit->ReadOnly || (ReadNoFence(&Unit->Mode) & VMINI_MODE_WRITE_PROTECT) != 0;
}

/** Is there a medium? \irql{<= DISPATCH_LEVEL} */
FORCEINLINE BOOLEAN VminiUnitHasMedium(_In_ PVMINI_UNIT Unit)
{
    return InterlockedCompareExchange(&Unit->Ejected, 0, 0) == 0;
}

/** Vendor (8), product (16) identification and serial number (16): who a unit is. \irql{any} */
#define VMINI_VENDOR        "VMINI   "
#define VMINI_PRODUCT_DISK  "VIRTUAL DISK    "
#define VMINI_PRODUCT_CDROM "VIRTUAL CD-ROM  "
#define VMINI_REVISION      "1.00"
/** The product identification of a unit: 16 characters. \param Unit NULL: no unit. */
PCSTR VminiUnitProduct(_In_opt_ const VMINI_UNIT *Unit);

/** Sends Request->Reply. \param AllocationLength the CDB's. \return as VminiTransferReply. */
UCHAR VminiScsiReply(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG AllocationLength);

/** What a work item's end means to the initiator. (finish.c)
 *  \return SRB_STATUS_SUCCESS if all of Work.Length moved; SRB_STATUS_BUS_RESET if a reset stopped
 *  it; else what VminiSenseFail returned. \irql{<= DISPATCH_LEVEL} */
UCHAR VminiScsiWorkStatus(_Inout_ PVMINI_SCSI_REQUEST Request);

/** INQUIRY with EVPD = 1. \param AllocationLength the CDB's. \return SRB status. (vpd.c) */
UCHAR VminiScsiVpdPage(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG AllocationLength);

/**
 * Appends the mode pages that were asked for to Request->Reply. (mode_pages.c)
 * \param Page     page code, or MODE_SENSE_RETURN_ALL.
 * \param Control  page control: which values. SAVED has been refused before.
 * \return TRUE; FALSE, and nothing appended, when the unit has no such page.
 * \irql{<= DISPATCH_LEVEL}
 */
BOOLEAN VminiModeAppendPages(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ UCHAR Page,
                             _In_ UCHAR Control);

/** The VMINI_MODE_* bits of a unit that nobody has changed. (mode_pages.c) \irql{any} */
LONG VminiModeDefaults(_In_ const VMINI_UNIT *Unit);

/**
 * Which VMINI_MODE_* bits a page has, and which of them are set in a page that an initiator sent.
 * (mode_pages.c)
 * \param PageCode  the page. \param Page its bytes, as many as MODE SENSE has.
 * \param Given     receives the bits that the page has.
 * \return those that are set. \irql{any}
 */
LONG VminiModeBits(_In_ UCHAR PageCode, _In_ const UCHAR *Page, _Out_ PLONG Given);

/** The blocks that a CDB is about. */
typedef struct _VMINI_EXTENT {
    ULONGLONG Lba;
    ULONG Blocks;
} VMINI_EXTENT, *PVMINI_EXTENT;

/**
 * Reads LBA and number of blocks from the CDB and checks that the unit has them. (blocks.c)
 * \param Extent  receives them.
 * \return SRB_STATUS_SUCCESS; else LOGICAL BLOCK ADDRESS OUT OF RANGE has been said.
 * \irql{<= DISPATCH_LEVEL}
 */
UCHAR VminiBlocksRange(_Inout_ PVMINI_SCSI_REQUEST Request, _Out_ PVMINI_EXTENT Extent);

/**
 * The same for commands that touch the blocks: refuses protection information, which no unit has,
 * and more blocks than VPD page B0h allows.
 * \param Extent  receives LBA and blocks.
 * \return SRB_STATUS_SUCCESS, or what VminiSenseFail returned.
 * \irql{<= DISPATCH_LEVEL}
 */
UCHAR VminiBlocksAccess(_Inout_ PVMINI_SCSI_REQUEST Request, _Out_ PVMINI_EXTENT Extent);

/** The same with another limit. \param Maximum blocks, as page B0h has it for the command. */
UCHAR VminiBlocksAccessUpTo(_Inout_ PVMINI_SCSI_REQUEST Request, _Out_ PVMINI_EXTENT Extent,
                            _In_ ULONG Maximum);

/** Refuses the CDB's number of blocks. \return what VminiSenseFail returned.
 *  \irql{<= DISPATCH_LEVEL} */
UCHAR VminiBlocksRefuseCount(_Inout_ PVMINI_SCSI_REQUEST Request);

/**
 * Checks the SRB's buffer against what the CDB is about to move. (blocks.c)
 * \param Length  bytes that the CDB moves.
 * \return SRB_STATUS_SUCCESS, or what VminiSenseFail returned. \irql{<= DISPATCH_LEVEL}
 */
UCHAR VminiBlocksCheckTransfer(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG Length);

/**
 * The same, and gives the buffer to the worker: for commands whose data Storport maps, all but READ
 * and WRITE. \param Length bytes of data-out, not 0.
 * \return SRB_STATUS_SUCCESS, Work.Buffer is set; or what VminiSenseFail returned.
 * \irql{<= DISPATCH_LEVEL}
 */
UCHAR VminiBlocksAttach(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG Length);

/** If the CDB asks for it, makes the data of a write durable before it ends: for commands that have the
 *  bit. (A write cache that is switched off asks it of all that write: execute.c.) \irql{any} */
VOID VminiBlocksForceUnitAccess(_Inout_ PVMINI_SCSI_REQUEST Request);

/** Bytes of an extent. It has passed VminiBlocksAccess, or the like, so they fit. \irql{any} */
FORCEINLINE ULONG VminiBlocksBytes(_In_ const VMINI_UNIT *Unit, _In_ const VMINI_EXTENT *Extent)
{
    NT_ASSERT(Extent->Blocks <= MAXULONG / Unit->BlockSize);
    return Extent->Blocks * Unit->BlockSize;
}

/**
 * Fills Request->Work for the workers.
 * \param Command  what is to be done.
 * \param Extent   the blocks; NULL: none, or what the item's buffer says.
 * \return SRB_STATUS_PENDING. \irql{<= DISPATCH_LEVEL}
 */
UCHAR VminiBlocksQueue(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ VMINI_WORK_COMMAND Command,
                       _In_opt_ const VMINI_EXTENT *Extent);

#endif
