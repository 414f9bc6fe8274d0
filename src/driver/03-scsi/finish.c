/**
 * \file
 * What the file system said, in SCSI: one table from NTSTATUS to sense data.
 *
 * Runs when a work item has ended, at <= DISPATCH_LEVEL, in whatever thread the IRP was completed.
 * It must never report a success that did not happen: a transfer that moved fewer bytes than the
 * CDB asked for has failed, whatever its status says. The backing file may have been cut short.
 */
#include "03-scsi/commands.h"

/** One status that means something of its own. */
typedef struct _VMINI_STATUS_SENSE {
    NTSTATUS Status;
    VMINI_SENSE Sense;
} VMINI_STATUS_SENSE;

/*
 * Why these:
 * - No space: a sparse image on a full volume. SPACE ALLOCATION FAILED is SBC's own word for it
 *   (SBC-3 4.7.3.6), and classpnp tells the file system "disk full".
 * - No memory passes. Class drivers try an ABORTED COMMAND again; SRB_STATUS_BUSY would be simpler,
 *   but is not allowed once a transaction has begun.
 * - Not connected: the file is gone for good as far as this open is concerned (its volume was
 *   dismounted, its server lost). NOT READY, MANUAL INTERVENTION REQUIRED is not tried again: only
 *   somebody who connects the image anew can help. MEDIUM ERROR would have the host map blocks out.
 * - Everything else is an error of the medium: see VminiScsiDefaultSense.
 */
//! [status-sense]
static const VMINI_STATUS_SENSE VminiStatusSense[] = {
    {STATUS_DISK_FULL, VMINI_SENSE_SPACE_ALLOCATION},
    {STATUS_QUOTA_EXCEEDED, VMINI_SENSE_SPACE_ALLOCATION},
    {STATUS_MEDIA_WRITE_PROTECTED, VMINI_SENSE_WRITE_PROTECTED},
    {STATUS_ACCESS_DENIED, VMINI_SENSE_WRITE_PROTECTED},
    {STATUS_INSUFFICIENT_RESOURCES, VMINI_SENSE_RESOURCES},
    {STATUS_NO_MEMORY, VMINI_SENSE_RESOURCES},
    {STATUS_COMMITMENT_LIMIT, VMINI_SENSE_RESOURCES},
    {STATUS_FILE_INVALID, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_FILE_DELETED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_FILE_CLOSED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_FILE_FORCED_CLOSED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_VOLUME_DISMOUNTED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_WRONG_VOLUME, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_NO_MEDIA_IN_DEVICE, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_NO_SUCH_DEVICE, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_DEVICE_DOES_NOT_EXIST, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_DEVICE_NOT_CONNECTED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_DEVICE_NOT_READY, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_DEVICE_REMOVED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_BAD_NETWORK_PATH, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_UNEXPECTED_NETWORK_ERROR, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_NETWORK_NAME_DELETED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_CONNECTION_DISCONNECTED, VMINI_SENSE_NOT_CONNECTED},
    {STATUS_CONNECTION_RESET, VMINI_SENSE_NOT_CONNECTED},
};
//! [status-sense]

/** An error that the table does not name: the blocks could not be read, or not be written. */
static VMINI_SENSE VminiScsiDefaultSense(_In_ const VMINI_WORK_ITEM *Work)
{
    return Work->Command == VminiDoWrite || Work->Command == VminiDoFlush || Work->Writing
               ? VMINI_SENSE_WRITE_ERROR
               : VMINI_SENSE_READ_ERROR;
}

/** The sense data for a failed work item. */
static VMINI_SENSE VminiScsiSenseOf(_In_ const VMINI_WORK_ITEM *Work)
{
    ULONG Row;

    for (Row = 0; Row < RTL_NUMBER_OF(VminiStatusSense); Row++) {
        if (VminiStatusSense[Row].Status == Work->Status) {
            return VminiStatusSense[Row].Sense;
        }
    }
    return VminiScsiDefaultSense(Work);
}

/** Fails a request; an error of the medium names the first block that did not make it (SBC-3
 *  4.18). If all were moved, the flush after them has failed, and nobody knows which it concerns.
 *  \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiScsiFailWork(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ VMINI_SENSE Sense)
{
    PVMINI_WORK_ITEM Work = &Request->Work;

    if (Work->Information >= Work->Length || (Sense >> 16) != SCSI_SENSE_MEDIUM_ERROR) {
        return VminiSenseFail(Request->Srb, Sense);
    }
    return VminiSenseFailInformation(Request->Srb, Sense,
                                     (Work->Offset + Work->Information) / Request->Unit->BlockSize);
}

/** The file system, or a reset, has ended a work item with an error. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiScsiErrorStatus(_Inout_ PVMINI_SCSI_REQUEST Request)
{
    const VMINI_WORK_ITEM *Work = &Request->Work;

    if (Work->Status == STATUS_CANCELLED) {
        return SRB_STATUS_BUS_RESET; /* Only a reset cancels; the initiator tries again. */
    }
    if (Work->Status == VMINI_STATUS_MISCOMPARE) {
        return VminiSenseFailInformation(Request->Srb, VMINI_SENSE_MISCOMPARE, Work->Information);
    }
    return VminiScsiFailWork(Request, VminiScsiSenseOf(Work));
}

_Use_decl_annotations_ UCHAR VminiScsiWorkStatus(PVMINI_SCSI_REQUEST Request)
{
    const VMINI_WORK_ITEM *Work = &Request->Work;

    if (!NT_SUCCESS(Work->Status)) {
        return VminiScsiErrorStatus(Request);
    }
    if (Work->Command != VminiDoFlush && Work->Information < Work->Length) {
        return VminiScsiFailWork(Request, VminiScsiDefaultSense(Work));
    }
    return SRB_STATUS_SUCCESS;
}
