/**
 * \file
 * Is it ready, what is wrong, take it out, leave it in: the commands about the medium as a whole.
 *
 * A removable unit can be ejected; its file stays open, it only answers MEDIUM NOT PRESENT until it
 * is loaded again. Ejected, Prevented and MediaEvent are the only things about a unit that commands
 * change: several may do so at once, so they are interlocked.
 */
#include "03-scsi/commands.h"

/** The table has checked that there is a medium: that is all. SPC-4 6.47. */
_Use_decl_annotations_ UCHAR VminiScsiTestUnitReady(PVMINI_SCSI_REQUEST Request)
{
    UNREFERENCED_PARAMETER(Request);
    return SRB_STATUS_SUCCESS;
}

#define VMINI_SENSE_DESC 0x01 /**< REQUEST SENSE byte 1: descriptor format, please. */

/** What REQUEST SENSE has to tell. Errors went with the SRBs that failed (autosense), so only the
 *  present state is left: what SPC-4 calls pollable sense data. */
static VMINI_SENSE VminiMediumSense(_In_opt_ PVMINI_UNIT Unit)
{
    if (Unit == NULL) {
        return VMINI_SENSE_INVALID_LUN;
    }
    return VminiUnitHasMedium(Unit) ? VMINI_SENSE_NONE : VMINI_SENSE_NO_MEDIUM;
}

/** REQUEST SENSE, SPC-4 6.39: CDB byte 1 DESC (bit 0), byte 4 allocation length. It succeeds
 *  whatever it has to tell. DESC chooses the format, whatever D_SENSE says. */
_Use_decl_annotations_ UCHAR VminiScsiRequestSense(PVMINI_SCSI_REQUEST Request)
{
    VMINI_SENSE_RECORD Record = {.Sense = VminiMediumSense(Request->Unit)};
    PVMINI_REPLY Reply = &Request->Reply;

    VminiTransferBegin(Reply);
    if ((Request->Cdb[1] & VMINI_SENSE_DESC) != 0) {
        Reply->Length = VminiSenseBuildDescriptors(Reply->Data, &Record);
    } else {
        VminiSenseBuild(VminiTransferAppend(Reply, sizeof(SENSE_DATA)), Record.Sense);
    }
    return VminiScsiReply(Request, Request->Cdb[4]);
}

/*
 * START STOP UNIT (SBC-3 5.25), byte 4:
 *
 *        7     6     5     4     3     2     1     0
 *     +-----------------------+-----+-----+-----+-----+
 *     | POWER CONDITION       |  0  |NO_FL|LOEJ |START|    NO_FL: do not flush
 *     +-----------------------+-----+-----+-----+-----+
 */
#define VMINI_POWER_CONDITION 0xF0
#define VMINI_NO_FLUSH        0x04
#define VMINI_LOEJ            0x02
#define VMINI_LOEJ_BIT        1
#define VMINI_START           0x01

/** Puts the medium back. While its removal is prevented the mechanism does not move, inwards no more
 *  than outwards. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiMediumLoad(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    if (!VminiUnitHasMedium(Request->Unit) &&
        InterlockedCompareExchange(&Request->Unit->Prevented, 0, 0) != 0) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_REMOVAL_PREVENTED);
    }
    if (InterlockedExchange(&Request->Unit->Ejected, 0) != 0) {
        InterlockedExchange(&Request->Unit->MediaEvent, NOTIFICATION_MEDIA_EVENT_NEW_MEDIA);
    }
    return SRB_STATUS_SUCCESS;
}

/** Takes the medium out, unless somebody holds it. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiMediumEject(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    PVMINI_UNIT Unit = Request->Unit;

    if (InterlockedCompareExchange(&Unit->Prevented, 0, 0) != 0) {
        return VminiSenseFail(Request->Srb, VMINI_SENSE_REMOVAL_PREVENTED);
    }
    if (InterlockedExchange(&Unit->Ejected, 1) == 0) {
        InterlockedExchange(&Unit->MediaEvent, NOTIFICATION_MEDIA_EVENT_MEDIA_REMOVAL);
    }
    return SRB_STATUS_SUCCESS;
}

/** Stop or eject, once the data are on the medium. Also the Finish of the flush that did that. */
_Use_decl_annotations_ UCHAR VminiScsiStartStopDone(PVMINI_SCSI_REQUEST Request)
{
    return (Request->Cdb[4] & VMINI_LOEJ) != 0 ? VminiMediumEject(Request) : SRB_STATUS_SUCCESS;
}

/** Starting a unit that always runs does nothing; nor do power conditions. Stopping flushes. */
_Use_decl_annotations_ UCHAR VminiScsiStartStopUnit(PVMINI_SCSI_REQUEST Request)
{
    UCHAR Wanted = Request->Cdb[4];

    if ((Wanted & VMINI_POWER_CONDITION) != 0) {
        return SRB_STATUS_SUCCESS;
    }
    if ((Wanted & VMINI_LOEJ) != 0 && !Request->Unit->Removable) {
        return VminiSenseFailCdbField(Request->Srb, 4, VMINI_LOEJ_BIT);
    }
    if ((Wanted & VMINI_START) != 0) {
        return (Wanted & VMINI_LOEJ) != 0 ? VminiMediumLoad(Request) : SRB_STATUS_SUCCESS;
    }
    if (Request->Unit->ReadOnly || (Wanted & VMINI_NO_FLUSH) != 0) {
        return VminiScsiStartStopDone(Request);
    }
    return VminiBlocksQueue(Request, VminiDoFlush, NULL);
}

/** PREVENT ALLOW MEDIUM REMOVAL, SBC-3 5.10: byte 4, PREVENT (1..0). 0 allows and 1
 *  prevents; 2 and 3 are obsolete. An SRB does not say which initiator it is from: there is one. */
_Use_decl_annotations_ UCHAR VminiScsiPreventAllow(PVMINI_SCSI_REQUEST Request)
{
    UCHAR Prevent = Request->Cdb[4] & 3;

    if (Prevent > 1) {
        return VminiSenseFailCdbField(Request->Srb, 4, 1);
    }
    InterlockedExchange(&Request->Unit->Prevented, Prevent);
    return SRB_STATUS_SUCCESS;
}
