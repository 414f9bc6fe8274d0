/**
 * \file
 * From a CDB to a status: finds the row, checks what every command has in common, runs the handler.
 *
 * This is where 02-dispatch hands an SRB over, at any IRQL up to DISPATCH_LEVEL, the device
 * referenced and no lock held. What comes out is an SRB status; nothing here completes the SRB or
 * waits.
 */
#include "03-scsi/commands.h"

/** CONTROL byte, bit 2: the initiator wants auto contingent allegiance (SAM-5 5.2). None here. */
#define VMINI_CONTROL_NACA     0x04
#define VMINI_CONTROL_NACA_BIT 2

/** Does the unit have a command with this opcode, whatever its service action? */
static BOOLEAN VminiScsiHasOpcode(_In_ const VMINI_SCSI_REQUEST *Request)
{
    ULONG Row;

    for (Row = 0; Row < VminiScsiCommandCount; Row++) {
        if (VminiScsiCommands[Row].OperationCode == Request->Cdb[0] &&
            (VminiScsiCommands[Row].Devices & VminiUnitDevices(Request->Unit)) != 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/**
 * Says no to a command that the unit does not have. \irql{<= DISPATCH_LEVEL}
 *
 * An absent LUN 0 answers everything else with LOGICAL UNIT NOT SUPPORTED (SAM-5, incorrect logical
 * unit); a known opcode with an unknown service action is an invalid field; the rest is the
 * operation code itself.
 */
static UCHAR VminiScsiRefuse(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    if (Request->Unit == NULL) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_INVALID_LUN);
    }
    if (VminiScsiHasOpcode(Request)) {
        return VminiSenseFailCdbField(Request->Srb, 1, 4);
    }
    /* A bare SRB_STATUS_ERROR would leave the class driver to guess, and to try again: a device
     * that lacks a command says so in sense data.
     * \article{Tweaks, Prevent/Allow Medium Handling} */
    return VminiSenseFail(Request->Srb, VMINI_SENSE_INVALID_COMMAND);
}

/** A command that writes. Without a write cache its data are durable before it ends. That is decided
 *  here, once: a MODE SELECT that comes later concerns later commands. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiScsiAdmitWrite(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    if (VminiUnitIsProtected(Request->Unit)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_WRITE_PROTECTED);
    }
    Request->Work.WriteThrough = (ReadNoFence(&Request->Unit->Mode) & VMINI_MODE_WRITE_CACHE) == 0;
    return SRB_STATUS_SUCCESS;
}

/** The checks of the table's Needs column. What an absent LUN 0 answers needs nothing.
 *  \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiScsiCheckNeeds(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ UCHAR Needs)
{
    if (Request->Unit == NULL) {
        return SRB_STATUS_SUCCESS;
    }
    if ((Needs & VMINI_NEEDS_MEDIUM) != 0 && !VminiUnitHasMedium(Request->Unit)) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_NO_MEDIUM);
    }
    return (Needs & VMINI_NEEDS_WRITE) != 0 ? VminiScsiAdmitWrite(Request) : SRB_STATUS_SUCCESS;
}

/** Everything that is checked before a handler runs. Sets Request->Command if nothing speaks against
 *  it. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiScsiAdmit(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    //! [admit]
    const VMINI_SCSI_COMMAND *Command = VminiScsiFindCommand(Request->Cdb, Request->CdbLength);
    UCHAR SrbStatus;

    if (Command == NULL || (Command->Devices & VminiUnitDevices(Request->Unit)) == 0) {
        return VminiScsiRefuse(Request);
    }
    if (Request->CdbLength < Command->CdbLength) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_INVALID_FIELD);
    }
    if ((Request->Cdb[Command->CdbLength - 1] & VMINI_CONTROL_NACA) != 0) {
        return VminiSenseFailCdbField(Request->Srb, (USHORT)(Command->CdbLength - 1),
                                      VMINI_CONTROL_NACA_BIT);
    }
    SrbStatus = VminiScsiCheckNeeds(Request, Command->Needs);
    if (SrbStatus == SRB_STATUS_SUCCESS) {
        Request->Command = Command;
    }
    return SrbStatus;
    //! [admit]
}

/** The end of every command, whether it took a worker or not. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiScsiEnd(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ UCHAR SrbStatus)
{
    if (SrbStatus == SRB_STATUS_SUCCESS) {
        SrbSetScsiStatus(Request->Srb, SCSISTAT_GOOD);

        /* On the way in DataTransferLength says how much the initiator wants, on the way out how
         * much it got. \article{Tweaks, No SRB DataTransferLength Update} */
        SrbSetDataTransferLength(Request->Srb, Request->Moved);
    }
    VminiTrace(Request->Adapter, TRACE_LEVEL_VERBOSE, VMINI_TRACE_SCSI, L"CDB ended", L"opcode",
               Request->Cdb[0], L"SRB status", SrbStatus);
    return SrbStatus;
}

_Use_decl_annotations_ UCHAR VminiScsiExecute(PVMINI_SCSI_REQUEST Request)
{
    UCHAR SrbStatus;
    ULONG Length32;

    /* One search of an extended SRB for both. A variable-length CDB has its length elsewhere. */
    Request->Cdb = (const UCHAR *)SrbGetScsiData(Request->Srb, &Request->CdbLength, &Length32, NULL,
                                                 NULL, NULL);
    if (Request->CdbLength == 0) {
        Request->CdbLength = (UCHAR)min(Length32, MAXUCHAR);
    }
    Request->Moved = 0;
    Request->Command = NULL;
    Request->Allocation = NULL;
    VminiWorkClear(&Request->Work);
    Request->Header.DescriptorSense = Request->Unit != NULL && (ReadNoFence(&Request->Unit->Mode) &
                                                                VMINI_MODE_DESCRIPTOR_SENSE) != 0;
    if (Request->Cdb == NULL || Request->CdbLength == 0) {
        return SRB_STATUS_INVALID_REQUEST; /* No command at all: there is nobody to sense. */
    }
    SrbStatus = VminiScsiAdmit(Request);
    if (Request->Command != NULL) {
        SrbStatus = Request->Command->Execute(Request);
    }
    return SrbStatus == SRB_STATUS_PENDING ? SrbStatus : VminiScsiEnd(Request, SrbStatus);
}

_Use_decl_annotations_ UCHAR VminiScsiReply(PVMINI_SCSI_REQUEST Request, ULONG AllocationLength)
{
    return VminiTransferReply(Request->Adapter, Request->Srb, &Request->Reply, AllocationLength,
                              &Request->Moved);
}

_Use_decl_annotations_ UCHAR VminiScsiFinish(PVMINI_SCSI_REQUEST Request)
{
    UCHAR SrbStatus = VminiScsiWorkStatus(Request);

    if (SrbStatus == SRB_STATUS_SUCCESS && Request->Command->Finish != NULL) {
        SrbStatus = Request->Command->Finish(Request);
    }
    if (Request->Allocation != NULL) {
        ExFreePoolWithTag(Request->Allocation, VMINI_TAG_SCSI);
        Request->Allocation = NULL;
    }
    return VminiScsiEnd(Request, SrbStatus);
}
