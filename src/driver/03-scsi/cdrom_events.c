/**
 * \file
 * GET EVENT STATUS NOTIFICATION: has anything happened? cdrom.sys asks once a second.
 *
 *     CDB (MMC-6 6.6)                       data
 *     0    4Ah                              0-1  the bytes after this field
 *     1    POLLED (bit 0)                   2    NEA (bit 7), class (2..0)
 *     4    classes wanted, one bit each     3    classes supported, one bit each: media (bit 4)
 *     7-8  allocation length                4    event code (3..0)
 *     9    control                          5    medium present (bit 1), tray open (bit 0)
 *                                           6-7  slots of a changer: 0
 *
 * A question waits for its answer only if POLLED is 0, which is not supported. An event is told
 * once.
 */
#include "03-scsi/commands.h"

#define VMINI_EVENT_POLLED 0x01
#define VMINI_EVENT_HEADER 4

_Static_assert(sizeof(NOTIFICATION_EVENT_STATUS_HEADER) == VMINI_EVENT_HEADER, "MMC-6 6.6.3");
_Static_assert(sizeof(NOTIFICATION_MEDIA_STATUS) == 4, "MMC-6 6.6.3");

/** Takes the pending event, if the initiator has room for it: who asks for the header only is told
 *  nothing, so the event is not used up. \irql{<= DISPATCH_LEVEL} */
static UCHAR VminiEventTake(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG AllocationLength)
{
    if (min(AllocationLength, SrbGetDataTransferLength(Request->Srb)) <= VMINI_EVENT_HEADER) {
        return NOTIFICATION_MEDIA_EVENT_NO_EVENT;
    }
    return (UCHAR)InterlockedExchange(&Request->Unit->MediaEvent,
                                      NOTIFICATION_MEDIA_EVENT_NO_EVENT);
}

/** Appends the media class's event. \irql{<= DISPATCH_LEVEL} */
static VOID VminiEventAppendMedia(_Inout_ PVMINI_SCSI_REQUEST Request, _In_ ULONG AllocationLength)
{
    PNOTIFICATION_MEDIA_STATUS Media = VminiTransferAppend(&Request->Reply, sizeof(*Media));
    BOOLEAN Present = VminiUnitHasMedium(Request->Unit);

    Media->MediaEvent = VminiEventTake(Request, AllocationLength) & 0xFU;
    Media->MediaPresent = Present ? 1 : 0;
    Media->DoorTrayOpen = Present ? 0 : 1;
}

/** GET EVENT STATUS NOTIFICATION, polled: tells an event of the medium once. */
_Use_decl_annotations_ UCHAR VminiScsiGetEventStatus(PVMINI_SCSI_REQUEST Request)
{
    const UCHAR *Cdb = Request->Cdb;
    PVMINI_REPLY Reply = &Request->Reply;
    ULONG AllocationLength = VminiReadBe16(&Cdb[7]);
    PNOTIFICATION_EVENT_STATUS_HEADER Header;

    if ((Cdb[1] & VMINI_EVENT_POLLED) == 0) {
        return VminiSenseFailCdbField(Request->Srb, 1, 0);
    }
    VminiTransferBegin(Reply);
    Header = VminiTransferAppend(Reply, VMINI_EVENT_HEADER);
    Header->SupportedEventClasses = NOTIFICATION_MEDIA_STATUS_CLASS_MASK;
    if ((Cdb[4] & NOTIFICATION_MEDIA_STATUS_CLASS_MASK) != 0) {
        Header->NotificationClass = NOTIFICATION_MEDIA_STATUS_CLASS_EVENTS;
        VminiEventAppendMedia(Request, AllocationLength);
    } else {
        Header->NEA = 1; /* None of the classes that were asked for is supported. */
    }
    VminiWriteBe16(Header->EventDataLength,
                   (USHORT)(Reply->Length - sizeof(Header->EventDataLength)));
    return VminiScsiReply(Request, AllocationLength);
}
