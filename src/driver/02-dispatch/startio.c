/**
 * \file
 * HwStartIo: where every SRB comes in.
 *
 * Storport calls at any IRQL up to DISPATCH_LEVEL, on several processors at once, holding no lock.
 * One table says what each SRB function is; an SRB either ends before HwStartIo returns, or it is
 * pending and ends in one of the two places below that say so. Nothing here may wait, and nothing
 * of an SRB may be touched once it is complete.
 *
 *     HwStartIo -> handler -> status          -> VminiSrbComplete
 *                          -> SRB_STATUS_PENDING
 *                               work item queued -> VminiSrbWorkDone -> VminiSrbComplete
 *                               reset draining   -> VminiResetDone   -> VminiSrbComplete
 */
#include "02-dispatch/functions.h"

/** SRB function -> handler. A function that Storport does not send to miniports has no row. */
//! [srb-functions]
static VMINI_SRB_HANDLER *const VminiSrbFunctions[] = {
    [SRB_FUNCTION_EXECUTE_SCSI] = VminiSrbExecuteScsi,
    [SRB_FUNCTION_IO_CONTROL] = VminiSrbIoControl,
    [SRB_FUNCTION_SHUTDOWN] = VminiSrbFlush,
    [SRB_FUNCTION_FLUSH] = VminiSrbFlush,
    [SRB_FUNCTION_ABORT_COMMAND] = VminiSrbAbortCommand,
    [SRB_FUNCTION_RESET_BUS] = VminiSrbReset,
    [SRB_FUNCTION_RESET_DEVICE] = VminiSrbReset,
    [SRB_FUNCTION_RESET_LOGICAL_UNIT] = VminiSrbReset,
    [SRB_FUNCTION_WMI] = VminiSrbWmi,
    [SRB_FUNCTION_POWER] = VminiSrbPower,
    [SRB_FUNCTION_PNP] = VminiSrbPnp,
    [SRB_FUNCTION_DUMP_POINTERS] = VminiSrbDumpPointers,
    [SRB_FUNCTION_FREE_DUMP_POINTERS] = VminiSrbDumpPointers,
};
//! [srb-functions]

/*
 * Always returns TRUE: what a FALSE would make Storport do is not documented, and an SRB that
 * cannot be done is better ended with a status that says why.
 */
_Use_decl_annotations_ BOOLEAN NTAPI VminiHwStartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PVMINI_ADAPTER Adapter = DeviceExtension;
    ULONG Function = SrbGetSrbFunction(Srb);
    UCHAR SrbStatus = SRB_STATUS_INVALID_REQUEST;

    if (Function < RTL_NUMBER_OF(VminiSrbFunctions) && VminiSrbFunctions[Function] != NULL) {
        SrbStatus = VminiSrbFunctions[Function](Adapter, Srb);
    }
    if (SRB_STATUS(SrbStatus) != SRB_STATUS_PENDING) {
        VminiSrbComplete(Adapter, Srb, SrbStatus);
    }
    return TRUE;
}

/**
 * Is this an INQUIRY by which a bus scan finds out who is there? (Not one for a VPD page.)
 */
static BOOLEAN VminiSrbIsInquiry(_In_ PSCSI_REQUEST_BLOCK Srb)
{
    const CDB *Cdb = SrbGetCdb(Srb);

    return Cdb != NULL && SrbGetCdbLength(Srb) >= 6 && Cdb->AsByte[0] == SCSIOP_INQUIRY &&
           (Cdb->AsByte[1] & CDB_INQUIRY_EVPD) == 0;
}

/** Is this the REPORT LUNS by which a bus scan begins, at each target? */
static BOOLEAN VminiSrbIsReportLuns(_In_ PSCSI_REQUEST_BLOCK Srb)
{
    const CDB *Cdb = SrbGetCdb(Srb);

    return Cdb != NULL && SrbGetCdbLength(Srb) >= 12 && Cdb->AsByte[0] == SCSIOP_REPORT_LUNS;
}

/**
 * A CDB is told that nobody is there. If it is one of a bus scan's, then that is how Storport learns
 * that a device has left. A READ that is told so is some program's, and the scan still has to come.
 * \param Absent  the target exists, and REPORT LUNS makes its list itself.
 * \irql{<= DISPATCH_LEVEL}
 */
static VOID VminiSrbReportMissing(_In_ PVMINI_ADAPTER Adapter, _In_ PSCSI_REQUEST_BLOCK Srb,
                                  _In_ VMINI_ADDRESS Address, _In_ BOOLEAN Absent)
{
    if (VminiSrbIsInquiry(Srb)) {
        VminiBusReportMissing(Adapter, Address);
    } else if (!Absent && Address.Lun == 0 && VminiSrbIsReportLuns(Srb)) {
        (VOID) VminiBusListLuns(Adapter, Address.Path, Address.Target, NULL, 0);
    }
}

/**
 * Finds who a CDB is for. \return the device, referenced; or NULL, and then *Absent says whether
 * the target exists, so that its LUN 0 has to answer although no device is there (SPC-4 5.1).
 * \irql{<= DISPATCH_LEVEL}
 */
static PVMINI_DEVICE VminiSrbFindDevice(_In_ PVMINI_ADAPTER Adapter, _In_ PSCSI_REQUEST_BLOCK Srb,
                                        _In_ VMINI_ADDRESS Address, _Out_ PBOOLEAN Absent)
{
    PVMINI_DEVICE Device = VminiBusFind(Adapter, Address);

    *Absent = Device == NULL && Address.Lun == 0 &&
              VminiBusTargetExists(Adapter, Address.Path, Address.Target);
    if (Device == NULL) {
        VminiSrbReportMissing(Adapter, Srb, Address, *Absent);
    }
    return Device;
}

/**
 * An SRB for a device has ended: tells Storport, then those who wait, and lets the device go
 * *last*, because until then it keeps the unit's file open. Srb and Extension are gone after the
 * first line. \irql{<= DISPATCH_LEVEL}
 */
static VOID VminiSrbEnd(_In_ PVMINI_ADAPTER Adapter, _In_ PSCSI_REQUEST_BLOCK Srb,
                        _In_ PVMINI_DEVICE Device, _In_ UCHAR SrbStatus, _In_ BOOLEAN Enumerated)
{
    VminiSrbComplete(Adapter, Srb, SrbStatus);
    if (Enumerated) {
        VminiServiceEnumerated(Adapter, Device);
    }
    VminiBusDereference(Adapter, Device);
}

/** A CDB: finds the device, asks chapter 3, and ends the SRB or gives it to the workers. */
_Use_decl_annotations_ UCHAR VminiSrbExecuteScsi(PVMINI_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PVMINI_SRB_EXTENSION Extension = SrbGetMiniportContext(Srb);
    VMINI_ADDRESS Address = VminiSrbAddress(Srb);
    PVMINI_DEVICE Device;
    BOOLEAN Absent;
    UCHAR SrbStatus;

    if (InterlockedCompareExchange(&Adapter->Stopped, 0, 0) != 0) {
        return SRB_STATUS_NOT_POWERED;
    }
    Device = VminiSrbFindDevice(Adapter, Srb, Address, &Absent);
    if (Device == NULL && !Absent) {
        return SRB_STATUS_NO_DEVICE;
    }
    /* The extension arrives uninitialised, and once more after SRB_STATUS_BUSY: what is used is set
     * here and in VminiScsiExecute. */
    Extension->Device = Device;
    Extension->Request.Adapter = Adapter;
    Extension->Request.Srb = Srb;
    Extension->Request.Unit = Device != NULL ? &Device->Unit : NULL;
    Extension->Request.Address = Address;
    Extension->Request.ListLuns = VminiBusListLuns;

    //! [execute]
    SrbStatus = VminiScsiExecute(&Extension->Request);
    if (SRB_STATUS(SrbStatus) == SRB_STATUS_PENDING) {
        Extension->Request.Work.Address = Address;
        VminiWorkSubmit(Adapter->Work, &Extension->Request.Work); /* Srb may be complete by now. */
        return SRB_STATUS_PENDING;
    }
    //! [execute]
    if (Device == NULL) {
        return SrbStatus;
    }
    VminiSrbEnd(Adapter, Srb, Device, SrbStatus,
                SrbStatus == SRB_STATUS_SUCCESS && VminiSrbIsInquiry(Srb));
    return SRB_STATUS_PENDING; /* It is complete: the caller must not complete it again. */
}

/**
 * What to tell those who wait for events: a transfer that stopped short has met the end of a file
 * cut off.
 */
static NTSTATUS VminiSrbMediaStatus(_In_ const VMINI_WORK_ITEM *Item)
{
    if (NT_SUCCESS(Item->Status) && Item->Command != VminiDoFlush &&
        Item->Information < Item->Length) {
        return STATUS_END_OF_FILE;
    }
    return Item->Status;
}

/** An SRB has failed: if the medium is why, those who wait for events are told. \irql{<=
 *  DISPATCH_LEVEL} */
static VOID VminiSrbReportMedia(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device,
                                _In_ const VMINI_WORK_ITEM *Item)
{
    NTSTATUS Status = VminiSrbMediaStatus(Item);

    if (!NT_SUCCESS(Status) && Status != STATUS_CANCELLED && Status != VMINI_STATUS_MISCOMPARE) {
        VminiServiceMediaError(Adapter, Device, Status);
    }
}

/** Ends an SRB that went to the workers. \irql{<= DISPATCH_LEVEL} \locks{none held} */
static VOID VminiSrbWorkDone(_In_ PVMINI_WORK_ITEM Item)
{
    PVMINI_SRB_EXTENSION Extension = CONTAINING_RECORD(Item, VMINI_SRB_EXTENSION, Request.Work);
    PVMINI_ADAPTER Adapter = Extension->Request.Adapter;
    PVMINI_DEVICE Device = Extension->Device;
    PSCSI_REQUEST_BLOCK Srb = Extension->Request.Srb;
    UCHAR SrbStatus;

    if (Extension->Request.Command != NULL) {
        SrbStatus = VminiScsiFinish(&Extension->Request);
    } else {
        SrbStatus = VminiSrbFlushStatus(Item->Status);
    }
    if (SrbStatus != SRB_STATUS_SUCCESS) {
        VminiSrbReportMedia(Adapter, Device, Item);
    }
    VminiSrbEnd(Adapter, Srb, Device, SrbStatus, FALSE);
}

/** 04's only way up. \irql{<= DISPATCH_LEVEL} \locks{none held} */
static VOID VminiDispatchItemDone(_In_ PVMINI_WORK_ITEM Item)
{
    switch (Item->Command) {
    case VminiDoCreate:
    case VminiDoClose:
    case VminiDoCall:
        VminiServiceWorkDone(Item);
        break;
    default:
        VminiSrbWorkDone(Item);
        break;
    }
}

const VMINI_WORK_CALLBACKS VminiDispatchWorkCallbacks = {VminiDispatchItemDone};
