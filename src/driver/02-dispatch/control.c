/**
 * \file
 * The SRB functions that are neither SCSI commands nor resets nor PnP: FLUSH and SHUTDOWN,
 * IO_CONTROL, WMI, DUMP_POINTERS.
 */
#include "02-dispatch/functions.h"

/**
 * Makes what was written to one unit durable. Storport sends FLUSH and SHUTDOWN because the adapter
 * said CachesData; SHUTDOWN may come several times, the last one after the last write.
 *
 * The SRB borrows the request in its extension: Command is NULL, which says that no CDB is
 * behind it, and nobody will look for sense data.
 */
_Use_decl_annotations_ UCHAR VminiSrbFlush(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PVMINI_SRB_EXTENSION Extension = SrbGetMiniportContext(Srb);
    PVMINI_DEVICE Device = VminiBusFind(Adapter, VminiSrbAddress(Srb));

    if (Device == NULL) {
        return SRB_STATUS_NO_DEVICE;
    }
    if (Device->Unit.ReadOnly) {
        VminiBusDereference(Adapter, Device);
        return SRB_STATUS_SUCCESS; /* Nothing was written. */
    }
    VminiWorkClear(&Extension->Request.Work);
    Extension->Device = Device;
    Extension->Request.Adapter = Adapter;
    Extension->Request.Srb = Srb;
    Extension->Request.Command = NULL;
    Extension->Request.Work.Command = VminiDoFlush;
    Extension->Request.Work.Media = Device->Unit.Media;
    Extension->Request.Work.Address = Device->Unit.Address;
    VminiWorkSubmit(Adapter->Work, &Extension->Request.Work);
    return SRB_STATUS_PENDING;
}

_Use_decl_annotations_ UCHAR VminiSrbFlushStatus(NTSTATUS Status)
{
    if (NT_SUCCESS(Status)) {
        return SRB_STATUS_SUCCESS;
    }
    return Status == STATUS_CANCELLED ? SRB_STATUS_BUS_RESET : SRB_STATUS_ERROR;
}

/**
 * IOCTL_SCSI_MINIPORT arrives here, at DISPATCH_LEVEL, where no file can be opened: the reason why
 * the articles, and we, take configuration requests through HwProcessServiceRequest instead. The
 * class drivers probe for SMART this way; the answer to a signature that is not ours, and none is,
 * is INVALID_REQUEST. The buffer is not even looked at.
 * \article{Part III, A Short Recap}
 */
_Use_decl_annotations_ UCHAR VminiSrbIoControl(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
    return SRB_STATUS_INVALID_REQUEST;
}

/** We provide no WMI data blocks. */
_Use_decl_annotations_ UCHAR VminiSrbWmi(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
    return SRB_STATUS_INVALID_REQUEST;
}

/**
 * Windows asks for dump pointers when it wants to write crash dumps to one of our disks. While it
 * writes one, no file system runs and IRQL is HIGH_LEVEL: a disk that *is* a file cannot take a
 * dump. Saying so makes Windows choose another disk; filling in the structure would promise a dump
 * that is never written.
 */
_Use_decl_annotations_ UCHAR VminiSrbDumpPointers(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
    return SRB_STATUS_INVALID_REQUEST;
}
