/**
 * \file
 * The volume under the image: Plug and Play asks whether it may go.
 *
 * An open file keeps its volume from being removed. So the driver asks to be told
 * (EventCategoryTargetDeviceChange on the file object), and when the question comes it lets the
 * device depart and waits until the delete thread has closed the file: only then does it say yes.
 * The order matters: no new SRB, the running ones end, flush, close.
 * \article{Part III, Figure 4, ContainingMediaRemoved}
 */
#include <initguid.h>
#include <ioevent.h>
#include <wdmguid.h>

#include "02-dispatch/connection.h"

/** Is the volume asked to go, or gone without having been asked (a stick that was pulled out)? */
static BOOLEAN VminiVolumeLeaves(_In_ const GUID *Event)
{
    return RtlCompareMemory(Event, &GUID_TARGET_DEVICE_QUERY_REMOVE, sizeof(GUID)) ==
               sizeof(GUID) ||
           RtlCompareMemory(Event, &GUID_TARGET_DEVICE_REMOVE_COMPLETE, sizeof(GUID)) ==
               sizeof(GUID);
}

/**
 * Plug and Play reports about the volume.
 *
 * The connection cannot go away meanwhile: VminiVolumeUnwatch waits for this routine. A removal
 * that is cancelled afterwards does not bring the device back; the program that connected it hears
 * of the departure and may connect again.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{PnP's}
 */
static NTSTATUS NTAPI VminiVolumeChanged(_In_ PVOID NotificationStructure,
                                         _Inout_opt_ PVOID Context)
{
    PTARGET_DEVICE_REMOVAL_NOTIFICATION Notification = NotificationStructure;
    PVMINI_CONNECTION Connection = Context;

    if (Connection != NULL && VminiVolumeLeaves(&Notification->Event)) {
        InterlockedExchange(&Connection->ContainingMediaRemoved, 1);
        VminiConnectionDepart(Connection);
        KeWaitForSingleObject(&Connection->Closed, Executive, KernelMode, FALSE, NULL);
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ NTSTATUS VminiVolumeWatch(PVMINI_CONNECTION Connection)
{
    PVMINI_MEDIA Media = Connection->Open.Media;
    NTSTATUS Status;

    if (Media->Remote) {
        return STATUS_SUCCESS; /* A share has no device below it that could ask. */
    }
    Status =
        IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, Media->FileObject,
                                       Connection->Adapter->Fdo->DriverObject, VminiVolumeChanged,
                                       Connection, &Connection->PnPNotificationEntry);
    if (NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES) {
        return Status;
    }
    /* A file system without a device of Plug and Play's below it (a RAM disk, a redirector that does
     * not say that it is one): usually STATUS_INVALID_DEVICE_REQUEST. Nobody will ask, then; and if
     * somebody could, our open file keeps the volume from going. */
    VminiTrace(Connection->Adapter, TRACE_LEVEL_WARNING, VMINI_TRACE_CONNECT,
               L"volume is not watched", L"status", (ULONG)Status, NULL, 0);
    Connection->PnPNotificationEntry = NULL;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID VminiVolumeUnwatch(PVMINI_CONNECTION Connection)
{
    if (Connection->PnPNotificationEntry != NULL) {
        (VOID) IoUnregisterPlugPlayNotificationEx(Connection->PnPNotificationEntry);
        Connection->PnPNotificationEntry = NULL;
    }
}
