/**
 * \file
 * THE table: which commands there are, who has them, and what they need before they run.
 *
 * An SRB that executes a CDB comes here first (VminiScsiExecute asks VminiScsiFindCommand). A
 * command is one row; a new one needs a row and a handler, and nothing else knows that it exists.
 * \article{Part III, OsrUserHandleSrb}
 */
#include "03-scsi/commands.h"

#define DISK      VMINI_ON_DISK
#define CDROM     VMINI_ON_CDROM
#define BOTH      (VMINI_ON_DISK | VMINI_ON_CDROM)
#define THIN      VMINI_ON_THIN
#define ALL       (VMINI_ON_DISK | VMINI_ON_CDROM | VMINI_ON_ABSENT)
#define EJECTABLE (VMINI_ON_CDROM | VMINI_ON_REMOVABLE)
#define MEDIUM    VMINI_NEEDS_MEDIUM
#define WRITE     (VMINI_NEEDS_MEDIUM | VMINI_NEEDS_WRITE)
#define NO_SA     VMINI_NO_SERVICE_ACTION

/*
 * What of a CDB is looked at: the usage map of REPORT SUPPORTED OPERATION CODES (SPC-4 6.35.3). A 1
 * stands for a bit that an initiator may set; fields that must be 0 here (protection, reserved ones)
 * and hints that are ignored (group number) are 0, and so is CONTROL. Byte 0 is the opcode's.
 */
#define ALL2 0xFF, 0xFF
#define ALL4 ALL2, ALL2
#define ALL8 ALL4, ALL4

#define USAGE(Name, ...) static const UCHAR Name[VMINI_LONGEST_CDB] = {0, __VA_ARGS__}

/* Byte 1, then what the form has: blocks.c draws them. */
#define FORM6(Flags)  Flags, 0xFF, 0xFF, 0xFF
#define FORM10(Flags) Flags, ALL4, 0, ALL2
#define FORM12(Flags) Flags, ALL4, ALL4
#define FORM16(Flags) Flags, ALL8, ALL4

#define DPO    0x10
#define FUA    0x08
#define BYTCHK 0x06
#define UNMAP  0x08 /* Of WRITE SAME. */
#define NDOB   0x01 /* Of WRITE SAME(16). */
#define IMMED  0x02 /* Of SYNCHRONIZE CACHE and PRE-FETCH. */

/** SCSIOP_READ_DEFECT_DATA12, which the WDK lacks, and a service action that it lacks, too:
 *  REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS. */
#define VMINI_READ_DEFECT_DATA12     0xB7
#define VMINI_REPORT_TASK_MANAGEMENT 0x0D

USAGE(UsesNothing, 0);
USAGE(UsesSense, 0x01, 0, 0, 0xFF);
USAGE(UsesInquiry, 0x01, 0xFF, ALL2);
USAGE(UsesModeSelect6, 0x10, 0, 0, 0xFF);
USAGE(UsesModeSelect10, 0x10, 0, 0, 0, 0, 0, ALL2);
USAGE(UsesModeSense6, 0x08, 0xFF, 0xFF, 0xFF);
USAGE(UsesModeSense10, 0x18, 0xFF, 0xFF, 0, 0, 0, ALL2);
USAGE(UsesStartStop, 0x01, 0, 0, 0xF7);
USAGE(UsesPrevent, 0, 0, 0, 0x03);
USAGE(UsesReadWrite6, FORM6(0x1F));
USAGE(UsesReadWrite10, FORM10(DPO | FUA));
USAGE(UsesReadWrite12, FORM12(DPO | FUA));
USAGE(UsesReadWrite16, FORM16(DPO | FUA));
USAGE(UsesVerify10, FORM10(DPO | BYTCHK));
USAGE(UsesVerify12, FORM12(DPO | BYTCHK));
USAGE(UsesVerify16, FORM16(DPO | BYTCHK));
USAGE(UsesCompareAndWrite, DPO | FUA, ALL8, 0, 0, 0, 0xFF);
USAGE(UsesWriteSame10, FORM10(UNMAP));
USAGE(UsesWriteSame16, FORM16(UNMAP | NDOB));
USAGE(UsesUnmap, 0, 0, 0, 0, 0, 0, ALL2);
USAGE(UsesLbaStatus, SERVICE_ACTION_GET_LBA_STATUS, ALL8, ALL4);
USAGE(UsesRange10, FORM10(IMMED));
USAGE(UsesRange16, FORM16(IMMED));
USAGE(UsesCapacity16, SERVICE_ACTION_READ_CAPACITY16, 0, 0, 0, 0, 0, 0, 0, 0, ALL4);
USAGE(UsesOpcodes, SERVICE_ACTION_REPORT_SUPPORTED_OPERATION_CODES, 0x87, 0xFF, ALL2, ALL4);
USAGE(UsesTaskManagement, VMINI_REPORT_TASK_MANAGEMENT, 0x80, 0, 0, 0, ALL4);
USAGE(UsesDefects10, 0, 0x1F, 0, 0, 0, 0, ALL2);
USAGE(UsesDefects12, 0x1F, 0, 0, 0, 0, ALL4);
USAGE(UsesReportLuns, 0, 0xFF, 0, 0, 0, ALL4);
USAGE(UsesReadToc, 0x02, 0x0F, 0, 0, 0, 0xFF, ALL2);
USAGE(UsesConfiguration, 0x03, ALL2, 0, 0, 0, ALL2);
USAGE(UsesEventStatus, 0x01, 0, 0, 0xFF, 0, 0, ALL2);
USAGE(UsesDiscStructure, 0x0F, 0, 0, 0, 0, 0xFF, 0xFF, ALL2);
USAGE(UsesReadCd, 0x08, ALL4, 0xFF, ALL2, 0x10);
USAGE(UsesReadCdMsf, 0x08, 0, 0xFF, ALL2, 0xFF, ALL2, 0x10);
USAGE(UsesMechanismStatus, 0, 0, 0, 0, 0, 0, 0, ALL2);
USAGE(UsesDiscInformation, 0x07, 0, 0, 0, 0, 0, ALL2);

/*
 * Ascending by opcode, then by service action: VminiScsiFindCommand relies on rows of one opcode
 * being neighbours.
 *
 * PREVENT ALLOW MEDIUM REMOVAL does not exist on a fixed disk: it gets INVALID COMMAND OPERATION
 * CODE there, as on a real one, and Windows asks every disk.
 * \article{Tweaks, Prevent/Allow Medium Handling}
 */
//! [commands]
const VMINI_SCSI_COMMAND VminiScsiCommands[] = {
    /* opcode, service action, CDB bytes, devices, needs, usage, name, execute, finish */
    {SCSIOP_TEST_UNIT_READY, NO_SA, 6, BOTH, MEDIUM, UsesNothing, "TEST UNIT READY",
     VminiScsiTestUnitReady, NULL},
    {SCSIOP_REQUEST_SENSE, NO_SA, 6, ALL, 0, UsesSense, "REQUEST SENSE", VminiScsiRequestSense,
     NULL},
    {SCSIOP_READ6, NO_SA, 6, DISK, MEDIUM, UsesReadWrite6, "READ(6)", VminiScsiRead, NULL},
    {SCSIOP_WRITE6, NO_SA, 6, DISK, WRITE, UsesReadWrite6, "WRITE(6)", VminiScsiWrite, NULL},
    {SCSIOP_INQUIRY, NO_SA, 6, ALL, 0, UsesInquiry, "INQUIRY", VminiScsiInquiry, NULL},
    {SCSIOP_MODE_SELECT, NO_SA, 6, BOTH, 0, UsesModeSelect6, "MODE SELECT(6)", VminiScsiModeSelect6,
     NULL},
    {SCSIOP_MODE_SENSE, NO_SA, 6, BOTH, 0, UsesModeSense6, "MODE SENSE(6)", VminiScsiModeSense6,
     NULL},
    {SCSIOP_START_STOP_UNIT, NO_SA, 6, BOTH, 0, UsesStartStop, "START STOP UNIT",
     VminiScsiStartStopUnit, VminiScsiStartStopDone},
    {SCSIOP_MEDIUM_REMOVAL, NO_SA, 6, EJECTABLE, 0, UsesPrevent, "PREVENT ALLOW MEDIUM REMOVAL",
     VminiScsiPreventAllow, NULL},
    {SCSIOP_READ_CAPACITY, NO_SA, 10, BOTH, MEDIUM, UsesNothing, "READ CAPACITY(10)",
     VminiScsiReadCapacity10, NULL},
    {SCSIOP_READ, NO_SA, 10, BOTH, MEDIUM, UsesReadWrite10, "READ(10)", VminiScsiRead, NULL},
    {SCSIOP_WRITE, NO_SA, 10, DISK, WRITE, UsesReadWrite10, "WRITE(10)", VminiScsiWrite, NULL},
    {SCSIOP_WRITE_VERIFY, NO_SA, 10, DISK, WRITE, UsesVerify10, "WRITE AND VERIFY(10)",
     VminiScsiWriteVerify, NULL},
    {SCSIOP_VERIFY, NO_SA, 10, DISK, MEDIUM, UsesVerify10, "VERIFY(10)", VminiScsiVerify, NULL},
    {SCSIOP_PRE_FETCH10, NO_SA, 10, DISK, MEDIUM, UsesRange10, "PRE-FETCH(10)", VminiScsiPreFetch,
     NULL},
    {SCSIOP_SYNCHRONIZE_CACHE, NO_SA, 10, DISK, MEDIUM, UsesRange10, "SYNCHRONIZE CACHE(10)",
     VminiScsiSynchronizeCache, NULL},
    {SCSIOP_READ_DEFECT_DATA10, NO_SA, 10, DISK, MEDIUM, UsesDefects10, "READ DEFECT DATA(10)",
     VminiScsiReadDefectData10, NULL},
    {SCSIOP_WRITE_SAME, NO_SA, 10, DISK, WRITE, UsesWriteSame10, "WRITE SAME(10)",
     VminiScsiWriteSame, NULL},
    {SCSIOP_UNMAP, NO_SA, 10, THIN, WRITE, UsesUnmap, "UNMAP", VminiScsiUnmap, NULL},
    {SCSIOP_READ_TOC, NO_SA, 10, CDROM, MEDIUM, UsesReadToc, "READ TOC/PMA/ATIP", VminiScsiReadToc,
     NULL},
    {SCSIOP_GET_CONFIGURATION, NO_SA, 10, CDROM, 0, UsesConfiguration, "GET CONFIGURATION",
     VminiScsiGetConfiguration, NULL},
    {SCSIOP_GET_EVENT_STATUS, NO_SA, 10, CDROM, 0, UsesEventStatus, "GET EVENT STATUS NOTIFICATION",
     VminiScsiGetEventStatus, NULL},
    {SCSIOP_READ_DISC_INFORMATION, NO_SA, 10, CDROM, MEDIUM, UsesDiscInformation,
     "READ DISC INFORMATION", VminiScsiReadDiscInformation, NULL},
    {SCSIOP_MODE_SELECT10, NO_SA, 10, BOTH, 0, UsesModeSelect10, "MODE SELECT(10)",
     VminiScsiModeSelect10, NULL},
    {SCSIOP_MODE_SENSE10, NO_SA, 10, BOTH, 0, UsesModeSense10, "MODE SENSE(10)",
     VminiScsiModeSense10, NULL},
    {SCSIOP_READ16, NO_SA, 16, DISK, MEDIUM, UsesReadWrite16, "READ(16)", VminiScsiRead, NULL},
    {SCSIOP_COMPARE_AND_WRITE, NO_SA, 16, DISK, WRITE, UsesCompareAndWrite, "COMPARE AND WRITE",
     VminiScsiCompareAndWrite, NULL},
    {SCSIOP_WRITE16, NO_SA, 16, DISK, WRITE, UsesReadWrite16, "WRITE(16)", VminiScsiWrite, NULL},
    {SCSIOP_ORWRITE16, NO_SA, 16, DISK, WRITE, UsesReadWrite16, "ORWRITE(16)", VminiScsiOrWrite,
     NULL},
    {SCSIOP_WRITE_VERIFY16, NO_SA, 16, DISK, WRITE, UsesVerify16, "WRITE AND VERIFY(16)",
     VminiScsiWriteVerify, NULL},
    {SCSIOP_VERIFY16, NO_SA, 16, DISK, MEDIUM, UsesVerify16, "VERIFY(16)", VminiScsiVerify, NULL},
    {SCSIOP_PRE_FETCH16, NO_SA, 16, DISK, MEDIUM, UsesRange16, "PRE-FETCH(16)", VminiScsiPreFetch,
     NULL},
    {SCSIOP_SYNCHRONIZE_CACHE16, NO_SA, 16, DISK, MEDIUM, UsesRange16, "SYNCHRONIZE CACHE(16)",
     VminiScsiSynchronizeCache, NULL},
    {SCSIOP_WRITE_SAME16, NO_SA, 16, DISK, WRITE, UsesWriteSame16, "WRITE SAME(16)",
     VminiScsiWriteSame, NULL},
    {SCSIOP_SERVICE_ACTION_IN16, SERVICE_ACTION_READ_CAPACITY16, 16, DISK, MEDIUM, UsesCapacity16,
     "READ CAPACITY(16)", VminiScsiReadCapacity16, NULL},
    {SCSIOP_SERVICE_ACTION_IN16, SERVICE_ACTION_GET_LBA_STATUS, 16, DISK, MEDIUM, UsesLbaStatus,
     "GET LBA STATUS", VminiScsiGetLbaStatus, VminiScsiLbaStatusDone},
    {SCSIOP_REPORT_LUNS, NO_SA, 12, ALL, 0, UsesReportLuns, "REPORT LUNS", VminiScsiReportLuns,
     NULL},
    {SCSIOP_MAINTENANCE_IN, SERVICE_ACTION_REPORT_SUPPORTED_OPERATION_CODES, 12, BOTH, 0,
     UsesOpcodes, "REPORT SUPPORTED OPERATION CODES", VminiScsiReportOpcodes, NULL},
    {SCSIOP_MAINTENANCE_IN, VMINI_REPORT_TASK_MANAGEMENT, 12, BOTH, 0, UsesTaskManagement,
     "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", VminiScsiReportTaskManagement, NULL},
    {SCSIOP_READ12, NO_SA, 12, BOTH, MEDIUM, UsesReadWrite12, "READ(12)", VminiScsiRead, NULL},
    {SCSIOP_WRITE12, NO_SA, 12, DISK, WRITE, UsesReadWrite12, "WRITE(12)", VminiScsiWrite, NULL},
    {SCSIOP_READ_DVD_STRUCTURE, NO_SA, 12, CDROM, MEDIUM, UsesDiscStructure, "READ DISC STRUCTURE",
     VminiScsiReadDiscStructure, NULL},
    {SCSIOP_WRITE_VERIFY12, NO_SA, 12, DISK, WRITE, UsesVerify12, "WRITE AND VERIFY(12)",
     VminiScsiWriteVerify, NULL},
    {SCSIOP_VERIFY12, NO_SA, 12, DISK, MEDIUM, UsesVerify12, "VERIFY(12)", VminiScsiVerify, NULL},
    {VMINI_READ_DEFECT_DATA12, NO_SA, 12, DISK, MEDIUM, UsesDefects12, "READ DEFECT DATA(12)",
     VminiScsiReadDefectData12, NULL},
    {SCSIOP_READ_CD_MSF, NO_SA, 12, CDROM, MEDIUM, UsesReadCdMsf, "READ CD MSF", VminiScsiReadCdMsf,
     NULL},
    {SCSIOP_MECHANISM_STATUS, NO_SA, 12, CDROM, 0, UsesMechanismStatus, "MECHANISM STATUS",
     VminiScsiMechanismStatus, NULL},
    {SCSIOP_READ_CD, NO_SA, 12, CDROM, MEDIUM, UsesReadCd, "READ CD", VminiScsiReadCd, NULL},
};
//! [commands]

const ULONG VminiScsiCommandCount = RTL_NUMBER_OF(VminiScsiCommands);

/** Opcode -> its first row, or NULL. Written by VminiScsiIndexCommands only. */
static const VMINI_SCSI_COMMAND *VminiScsiFirstRow[256];

_Use_decl_annotations_ VMINI_INIT VOID VminiScsiIndexCommands(VOID)
{
    ULONG Row;

    for (Row = RTL_NUMBER_OF(VminiScsiCommands); Row > 0; Row--) {
        const VMINI_SCSI_COMMAND *Command = &VminiScsiCommands[Row - 1];
        VminiScsiFirstRow[Command->OperationCode] = Command;
    }
}

_Use_decl_annotations_ const VMINI_SCSI_COMMAND *VminiScsiFindCommand(const UCHAR *Cdb,
                                                                      UCHAR CdbLength)
{
    const VMINI_SCSI_COMMAND *End = &VminiScsiCommands[RTL_NUMBER_OF(VminiScsiCommands)];
    const VMINI_SCSI_COMMAND *Command = VminiScsiFirstRow[Cdb[0]];

    if (Command == NULL) {
        return NULL;
    }
    for (; Command != End && Command->OperationCode == Cdb[0]; Command++) {
        if (Command->ServiceAction == VMINI_NO_SERVICE_ACTION ||
            (CdbLength > 1 && Command->ServiceAction == (Cdb[1] & 0x1F))) {
            return Command;
        }
    }
    return NULL;
}
