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
#define ALL       (VMINI_ON_DISK | VMINI_ON_CDROM | VMINI_ON_ABSENT)
#define EJECTABLE (VMINI_ON_CDROM | VMINI_ON_REMOVABLE)
#define MEDIUM    VMINI_NEEDS_MEDIUM
#define WRITE     (VMINI_NEEDS_MEDIUM | VMINI_NEEDS_WRITE)
#define NO_SA     VMINI_NO_SERVICE_ACTION

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
    /* opcode, service action, CDB bytes, devices, needs, name, execute, finish */
    {SCSIOP_TEST_UNIT_READY, NO_SA, 6, BOTH, MEDIUM, "TEST UNIT READY", VminiScsiTestUnitReady,
     NULL},
    {SCSIOP_REQUEST_SENSE, NO_SA, 6, ALL, 0, "REQUEST SENSE", VminiScsiRequestSense, NULL},
    {SCSIOP_READ6, NO_SA, 6, DISK, MEDIUM, "READ(6)", VminiScsiRead, NULL},
    {SCSIOP_WRITE6, NO_SA, 6, DISK, WRITE, "WRITE(6)", VminiScsiWrite, NULL},
    {SCSIOP_INQUIRY, NO_SA, 6, ALL, 0, "INQUIRY", VminiScsiInquiry, NULL},
    {SCSIOP_MODE_SENSE, NO_SA, 6, BOTH, 0, "MODE SENSE(6)", VminiScsiModeSense6, NULL},
    {SCSIOP_START_STOP_UNIT, NO_SA, 6, BOTH, 0, "START STOP UNIT", VminiScsiStartStopUnit,
     VminiScsiStartStopDone},
    {SCSIOP_MEDIUM_REMOVAL, NO_SA, 6, EJECTABLE, 0, "PREVENT ALLOW MEDIUM REMOVAL",
     VminiScsiPreventAllow, NULL},
    {SCSIOP_READ_CAPACITY, NO_SA, 10, BOTH, MEDIUM, "READ CAPACITY(10)", VminiScsiReadCapacity10,
     NULL},
    {SCSIOP_READ, NO_SA, 10, BOTH, MEDIUM, "READ(10)", VminiScsiRead, NULL},
    {SCSIOP_WRITE, NO_SA, 10, DISK, WRITE, "WRITE(10)", VminiScsiWrite, NULL},
    {SCSIOP_VERIFY, NO_SA, 10, DISK, MEDIUM, "VERIFY(10)", VminiScsiVerify, NULL},
    {SCSIOP_SYNCHRONIZE_CACHE, NO_SA, 10, DISK, MEDIUM, "SYNCHRONIZE CACHE(10)",
     VminiScsiSynchronizeCache, NULL},
    {SCSIOP_READ_TOC, NO_SA, 10, CDROM, MEDIUM, "READ TOC/PMA/ATIP", VminiScsiReadToc, NULL},
    {SCSIOP_GET_CONFIGURATION, NO_SA, 10, CDROM, 0, "GET CONFIGURATION", VminiScsiGetConfiguration,
     NULL},
    {SCSIOP_GET_EVENT_STATUS, NO_SA, 10, CDROM, 0, "GET EVENT STATUS NOTIFICATION",
     VminiScsiGetEventStatus, NULL},
    {SCSIOP_READ_DISC_INFORMATION, NO_SA, 10, CDROM, MEDIUM, "READ DISC INFORMATION",
     VminiScsiReadDiscInformation, NULL},
    {SCSIOP_MODE_SENSE10, NO_SA, 10, BOTH, 0, "MODE SENSE(10)", VminiScsiModeSense10, NULL},
    {SCSIOP_READ16, NO_SA, 16, DISK, MEDIUM, "READ(16)", VminiScsiRead, NULL},
    {SCSIOP_WRITE16, NO_SA, 16, DISK, WRITE, "WRITE(16)", VminiScsiWrite, NULL},
    {SCSIOP_VERIFY16, NO_SA, 16, DISK, MEDIUM, "VERIFY(16)", VminiScsiVerify, NULL},
    {SCSIOP_SYNCHRONIZE_CACHE16, NO_SA, 16, DISK, MEDIUM, "SYNCHRONIZE CACHE(16)",
     VminiScsiSynchronizeCache, NULL},
    {SCSIOP_SERVICE_ACTION_IN16, SERVICE_ACTION_READ_CAPACITY16, 16, DISK, MEDIUM,
     "READ CAPACITY(16)", VminiScsiReadCapacity16, NULL},
    {SCSIOP_REPORT_LUNS, NO_SA, 12, ALL, 0, "REPORT LUNS", VminiScsiReportLuns, NULL},
    {SCSIOP_READ12, NO_SA, 12, BOTH, MEDIUM, "READ(12)", VminiScsiRead, NULL},
    {SCSIOP_WRITE12, NO_SA, 12, DISK, WRITE, "WRITE(12)", VminiScsiWrite, NULL},
    {SCSIOP_VERIFY12, NO_SA, 12, DISK, MEDIUM, "VERIFY(12)", VminiScsiVerify, NULL},
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
