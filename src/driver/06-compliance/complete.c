/**
 * \file
 * The one place where an SRB goes back to Storport.
 *
 * Whoever ends an SRB comes here with its status: HwStartIo for what is answered at once, the work
 * item's callback for what went to the file, the drain for a reset. One place means that the rules
 * below hold for all of them, and that a breakpoint here sees every SRB once. It must never touch
 * the SRB after the notification: the memory may by then be somebody else's request.
 */
#include "06-compliance/compliance.h"

_Use_decl_annotations_ VOID VminiSrbComplete(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb,
                                             UCHAR SrbStatus)
{
    NT_ASSERT(SRB_STATUS(SrbStatus) != SRB_STATUS_PENDING);

    /* A failed request moved nothing, and says so: on the way in DataTransferLength was what the
     * initiator wanted, and it may take the field for what it got. (An SRB that is refused as busy
     * is sent again as it is: its length stays.) */
    //! [complete]
    if (SRB_STATUS(SrbStatus) != SRB_STATUS_SUCCESS && SRB_STATUS(SrbStatus) != SRB_STATUS_BUSY) {
        SrbSetDataTransferLength(Srb, 0);
    }

    /* SrbStatus is at the same offset in both forms of an SRB. Its flag SRB_STATUS_QUEUE_FROZEN is
     * Storport's to set, never ours. */
    Srb->SrbStatus = SrbStatus;
    StorPortNotification(RequestComplete, Adapter, Srb);
    //! [complete]
}
