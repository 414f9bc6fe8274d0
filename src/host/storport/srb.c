/*
 * The two forms of an SRB, as the class drivers lay them out: built here from one description, and
 * the few accessors that srbhelper.h does not have. Nothing here issues an SRB, except
 * PortSendAndWait, which the bus scan stands on.
 */
#include "storport/internal.h"

/** Bytes of an extended SRB's header with one SRBEX_DATA offset, rounded as classpnp does. */
#define PORT_SRB_ADDRESS_OFFSET ((ULONG)sizeof(STORAGE_REQUEST_BLOCK))
#define PORT_SRB_DATA_OFFSET    (PORT_SRB_ADDRESS_OFFSET + (ULONG)sizeof(STOR_ADDR_BTL8))

static VOID PortFillScsi(PSCSI_REQUEST_BLOCK Srb, const PORT_SRB_FIELDS *Fields)
{
    Srb->Length = sizeof(*Srb);
    Srb->Function = Fields->Function;
    Srb->PathId = Fields->Path;
    Srb->TargetId = Fields->Target;
    Srb->Lun = Fields->Lun;
    Srb->QueueTag = SP_UNTAGGED;
    Srb->QueueAction = SRB_SIMPLE_TAG_REQUEST;
    Srb->SrbFlags = Fields->SrbFlags;
    Srb->DataTransferLength = Fields->DataLength;
    Srb->TimeOutValue = Fields->Timeout;
    Srb->DataBuffer = Fields->Data;
    Srb->NextSrb = Fields->NextSrb;
    switch (Fields->Function) {
    case SRB_FUNCTION_PNP:
        ((PSCSI_PNP_REQUEST_BLOCK)Srb)->PnPAction = (STOR_PNP_ACTION)Fields->Action;
        ((PSCSI_PNP_REQUEST_BLOCK)Srb)->SrbPnPFlags = Fields->AdapterFlag;
        return;
    case SRB_FUNCTION_POWER:
        ((PSCSI_POWER_REQUEST_BLOCK)Srb)->SrbPowerFlags = Fields->AdapterFlag;
        ((PSCSI_POWER_REQUEST_BLOCK)Srb)->DevicePowerState =
            (STOR_DEVICE_POWER_STATE)Fields->PowerState;
        ((PSCSI_POWER_REQUEST_BLOCK)Srb)->PowerAction = (STOR_POWER_ACTION)Fields->Action;
        return;
    case SRB_FUNCTION_WMI:
        ((PSCSI_WMI_REQUEST_BLOCK)Srb)->WMISubFunction = Fields->SubFunction;
        ((PSCSI_WMI_REQUEST_BLOCK)Srb)->WMIFlags = Fields->AdapterFlag;
        ((PSCSI_WMI_REQUEST_BLOCK)Srb)->DataPath = Fields->DataPath;
        return;
    default:
        Srb->CdbLength = Fields->CdbLength;
        Srb->SenseInfoBuffer = Fields->Sense;
        Srb->SenseInfoBufferLength = Fields->SenseLength;
        if (Fields->CdbLength != 0) {
            RtlCopyMemory(Srb->Cdb, Fields->Cdb, Fields->CdbLength);
        }
    }
}

/** The SRBEX_DATA that goes with a SCSI command. \return its size. */
static ULONG PortFillCdb(PSRBEX_DATA Data, const PORT_SRB_FIELDS *Fields)
{
    BOOLEAN large = Fields->CdbLength > 16;
    PSRBEX_DATA_SCSI_CDB16 cdb16 = (PSRBEX_DATA_SCSI_CDB16)Data;

    Data->Type = large ? SrbExDataTypeScsiCdb32 : SrbExDataTypeScsiCdb16;
    Data->Length = large ? SRBEX_DATA_SCSI_CDB32_LENGTH : SRBEX_DATA_SCSI_CDB16_LENGTH;
    cdb16->SenseInfoBufferLength = Fields->SenseLength;
    cdb16->CdbLength = Fields->CdbLength;
    cdb16->SenseInfoBuffer = Fields->Sense;
    RtlCopyMemory(cdb16->Cdb, Fields->Cdb,
                  Fields->CdbLength); /* both forms have the Cdb at the same offset */
    return large ? sizeof(SRBEX_DATA_SCSI_CDB32) : sizeof(SRBEX_DATA_SCSI_CDB16);
}

/** The SRBEX_DATA of this function, behind the address. \return its size, 0 if the function has
 * none. */
static ULONG PortFillExData(PSRBEX_DATA Data, const PORT_SRB_FIELDS *Fields)
{
    switch (Fields->Function) {
    case SRB_FUNCTION_EXECUTE_SCSI:
        return PortFillCdb(Data, Fields);
    case SRB_FUNCTION_PNP:
        Data->Type = SrbExDataTypePnP;
        Data->Length = SRBEX_DATA_PNP_LENGTH;
        ((PSRBEX_DATA_PNP)Data)->PnPAction = (STOR_PNP_ACTION)Fields->Action;
        ((PSRBEX_DATA_PNP)Data)->SrbPnPFlags = Fields->AdapterFlag;
        return sizeof(SRBEX_DATA_PNP);
    case SRB_FUNCTION_POWER:
        Data->Type = SrbExDataTypePower;
        Data->Length = SRBEX_DATA_POWER_LENGTH;
        ((PSRBEX_DATA_POWER)Data)->SrbPowerFlags = Fields->AdapterFlag;
        ((PSRBEX_DATA_POWER)Data)->DevicePowerState = (STOR_DEVICE_POWER_STATE)Fields->PowerState;
        ((PSRBEX_DATA_POWER)Data)->PowerAction = (STOR_POWER_ACTION)Fields->Action;
        return sizeof(SRBEX_DATA_POWER);
    case SRB_FUNCTION_WMI:
        Data->Type = SrbExDataTypeWmi;
        Data->Length = SRBEX_DATA_WMI_LENGTH;
        ((PSRBEX_DATA_WMI)Data)->WMISubFunction = Fields->SubFunction;
        ((PSRBEX_DATA_WMI)Data)->WMIFlags = Fields->AdapterFlag;
        ((PSRBEX_DATA_WMI)Data)->DataPath = Fields->DataPath;
        return sizeof(SRBEX_DATA_WMI);
    default:
        return 0;
    }
}

static ULONG PortFillStorage(PPORT_SRB Storage, const PORT_SRB_FIELDS *Fields)
{
    PSTORAGE_REQUEST_BLOCK srb = &Storage->Storage;
    PSTOR_ADDR_BTL8 address = (PSTOR_ADDR_BTL8)(Storage->Bytes + PORT_SRB_ADDRESS_OFFSET);
    ULONG size = PortFillExData((PSRBEX_DATA)(Storage->Bytes + PORT_SRB_DATA_OFFSET), Fields);

    srb->Length = FIELD_OFFSET(STORAGE_REQUEST_BLOCK, Signature);
    srb->Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
    srb->Signature = SRB_SIGNATURE;
    srb->Version = STORAGE_REQUEST_BLOCK_VERSION_1;
    srb->SrbLength = PORT_SRB_DATA_OFFSET + size;
    srb->SrbFunction = Fields->Function;
    srb->SrbFlags = Fields->SrbFlags;
    srb->RequestTag = (ULONG)SP_UNTAGGED;
    srb->RequestAttribute = SRB_SIMPLE_TAG_REQUEST;
    srb->TimeOutValue = Fields->Timeout;
    srb->AddressOffset = PORT_SRB_ADDRESS_OFFSET;
    srb->DataTransferLength = Fields->DataLength;
    srb->DataBuffer = Fields->Data;
    srb->NextSrb = Fields->NextSrb;
    if (size != 0) {
        srb->NumSrbExData = 1;
        srb->SrbExDataOffset[0] = PORT_SRB_DATA_OFFSET;
    }
    address->Type = STOR_ADDRESS_TYPE_BTL8;
    address->AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
    address->Path = Fields->Path;
    address->Target = Fields->Target;
    address->Lun = Fields->Lun;
    return srb->SrbLength;
}

/** Builds an SRB of either form. \return its bytes; 0 if a legacy SRB has no room for the CDB. */
ULONG PortSrbBuild(PPORT_SRB Storage, BOOLEAN Extended, const PORT_SRB_FIELDS *Fields)
{
    if (Fields->CdbLength > (Extended ? 32 : 16)) {
        return 0;
    }
    if (!Extended) {
        RtlZeroMemory(&Storage->Scsi, sizeof(Storage->Scsi));
        PortFillScsi(&Storage->Scsi, Fields);
        return sizeof(Storage->Scsi);
    }
    RtlZeroMemory(Storage, sizeof(*Storage));
    return PortFillStorage(Storage, Fields);
}

ULONG PortSrbLength(PSCSI_REQUEST_BLOCK Srb)
{
    return Srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK
               ? ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbLength
               : (ULONG)sizeof(*Srb);
}

VOID PortSrbSetExtension(PSCSI_REQUEST_BLOCK Srb, PVOID SrbExtension)
{
    if (Srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK) {
        ((PSTORAGE_REQUEST_BLOCK)Srb)->MiniportContext = SrbExtension;
    } else {
        Srb->SrbExtension = SrbExtension;
    }
}

/** SrbStatus is in the part that both forms share. */
VOID PortSrbSetStatus(PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
    Srb->SrbStatus = SrbStatus;
}

VOID PortSrbSetSense(PSCSI_REQUEST_BLOCK Srb, PVOID Sense, UCHAR Length)
{
    SrbSetSenseInfoBuffer(Srb, Sense);
    SrbSetSenseInfoBufferLength(Srb, Length);
}

/** READ and WRITE of 6, 10, 12 and 16 bytes: the commands whose data MapBuffers speaks of. */
BOOLEAN PortSrbIsReadWrite(UCHAR Opcode)
{
    switch (Opcode) {
    case SCSIOP_READ6:
    case SCSIOP_WRITE6:
    case SCSIOP_READ:
    case SCSIOP_WRITE:
    case SCSIOP_READ12:
    case SCSIOP_WRITE12:
    case SCSIOP_READ16:
    case SCSIOP_WRITE16:
        return TRUE;
    default:
        return FALSE;
    }
}

/** A name for the trace. */
PCSTR PortSrbName(UCHAR Function, UCHAR Opcode)
{
    static const struct {
        UCHAR Function;
        PCSTR Name;
    } names[] = {
        {SRB_FUNCTION_IO_CONTROL, "IO_CONTROL"},
        {SRB_FUNCTION_SHUTDOWN, "SHUTDOWN"},
        {SRB_FUNCTION_FLUSH, "FLUSH"},
        {SRB_FUNCTION_ABORT_COMMAND, "ABORT_COMMAND"},
        {SRB_FUNCTION_RESET_BUS, "RESET_BUS"},
        {SRB_FUNCTION_RESET_DEVICE, "RESET_DEVICE"},
        {SRB_FUNCTION_RESET_LOGICAL_UNIT, "RESET_LOGICAL_UNIT"},
        {SRB_FUNCTION_WMI, "WMI"},
        {SRB_FUNCTION_POWER, "POWER"},
        {SRB_FUNCTION_PNP, "PNP"},
        {SRB_FUNCTION_DUMP_POINTERS, "DUMP_POINTERS"},
        {SRB_FUNCTION_FREE_DUMP_POINTERS, "FREE_DUMP_POINTERS"},
    };
    static const struct {
        UCHAR Opcode;
        PCSTR Name;
    } commands[] = {
        {SCSIOP_TEST_UNIT_READY, "TEST UNIT READY"},
        {SCSIOP_REQUEST_SENSE, "REQUEST SENSE"},
        {SCSIOP_READ6, "READ(6)"},
        {SCSIOP_WRITE6, "WRITE(6)"},
        {SCSIOP_INQUIRY, "INQUIRY"},
        {SCSIOP_MODE_SELECT, "MODE SELECT(6)"},
        {SCSIOP_MODE_SENSE, "MODE SENSE(6)"},
        {SCSIOP_START_STOP_UNIT, "START STOP UNIT"},
        {SCSIOP_MEDIUM_REMOVAL, "PREVENT ALLOW MEDIUM REMOVAL"},
        {SCSIOP_READ_CAPACITY, "READ CAPACITY(10)"},
        {SCSIOP_READ, "READ(10)"},
        {SCSIOP_WRITE, "WRITE(10)"},
        {SCSIOP_WRITE_VERIFY, "WRITE AND VERIFY(10)"},
        {SCSIOP_VERIFY, "VERIFY(10)"},
        {SCSIOP_PRE_FETCH10, "PRE-FETCH(10)"},
        {SCSIOP_SYNCHRONIZE_CACHE, "SYNCHRONIZE CACHE(10)"},
        {SCSIOP_READ_DEFECT_DATA10, "READ DEFECT DATA(10)"},
        {SCSIOP_WRITE_SAME, "WRITE SAME(10)"},
        {SCSIOP_UNMAP, "UNMAP"},
        {SCSIOP_READ_TOC, "READ TOC"},
        {SCSIOP_GET_CONFIGURATION, "GET CONFIGURATION"},
        {SCSIOP_GET_EVENT_STATUS, "GET EVENT STATUS NOTIFICATION"},
        {SCSIOP_READ_DISC_INFORMATION, "READ DISC INFORMATION"},
        {SCSIOP_MODE_SELECT10, "MODE SELECT(10)"},
        {SCSIOP_MODE_SENSE10, "MODE SENSE(10)"},
        {SCSIOP_READ16, "READ(16)"},
        {SCSIOP_COMPARE_AND_WRITE, "COMPARE AND WRITE"},
        {SCSIOP_WRITE16, "WRITE(16)"},
        {SCSIOP_ORWRITE16, "ORWRITE(16)"},
        {SCSIOP_WRITE_VERIFY16, "WRITE AND VERIFY(16)"},
        {SCSIOP_VERIFY16, "VERIFY(16)"},
        {SCSIOP_PRE_FETCH16, "PRE-FETCH(16)"},
        {SCSIOP_SYNCHRONIZE_CACHE16, "SYNCHRONIZE CACHE(16)"},
        {SCSIOP_WRITE_SAME16, "WRITE SAME(16)"},
        {SCSIOP_SERVICE_ACTION_IN16, "SERVICE ACTION IN(16)"},
        {SCSIOP_REPORT_LUNS, "REPORT LUNS"},
        {SCSIOP_MAINTENANCE_IN, "MAINTENANCE IN"},
        {SCSIOP_REPORT_KEY, "REPORT KEY"},
        {SCSIOP_READ12, "READ(12)"},
        {SCSIOP_WRITE12, "WRITE(12)"},
        {SCSIOP_READ_DVD_STRUCTURE, "READ DISC STRUCTURE"},
        {SCSIOP_WRITE_VERIFY12, "WRITE AND VERIFY(12)"},
        {SCSIOP_VERIFY12, "VERIFY(12)"},
        {SCSIOP_READ_CD_MSF, "READ CD MSF"},
        {SCSIOP_MECHANISM_STATUS, "MECHANISM STATUS"},
        {SCSIOP_READ_CD, "READ CD"},
    };

    if (Function == SRB_FUNCTION_EXECUTE_SCSI) {
        for (ULONG i = 0; i < RTL_NUMBER_OF(commands); i++) {
            if (commands[i].Opcode == Opcode) {
                return commands[i].Name;
            }
        }
        return "EXECUTE_SCSI";
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(names); i++) {
        if (names[i].Function == Function) {
            return names[i].Name;
        }
    }
    return "SRB";
}

/** Signals the sender, who frees the IRP. \irql{<= DISPATCH_LEVEL} */
static NTSTATUS NTAPI PortSendDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/** Sends an SRB that the port makes itself, past the PDO (there may be none yet), and waits.
 * `Fields->Data` is nonpaged; `Fields->DataLength` comes back as what was moved.
 * \irql{PASSIVE_LEVEL} */
UCHAR PortSendAndWait(PPORT_UNIT Unit, PPORT_SRB_FIELDS Fields, PUCHAR ScsiStatus)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    PPORT_SRB srb = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*srb), PORT_PRIVATE_TAG);
    PMDL mdl = Fields->DataLength != 0
                   ? IoAllocateMdl(Fields->Data, Fields->DataLength, FALSE, FALSE, NULL)
                   : NULL;
    UCHAR status = SRB_STATUS_INTERNAL_ERROR;
    KEVENT done;

    Fields->Path = Unit->Path;
    Fields->Target = Unit->Target;
    Fields->Lun = Unit->Lun;
    if (irp != NULL && srb != NULL && (mdl != NULL || Fields->DataLength == 0) &&
        PortSrbBuild(srb, Unit->Adapter->Config.SrbType == SRB_TYPE_STORAGE_REQUEST_BLOCK,
                     Fields) != 0) {
        if (mdl != NULL) {
            MmBuildMdlForNonPagedPool(mdl);
        }
        KeInitializeEvent(&done, NotificationEvent, FALSE);
        irp->MdlAddress = mdl;
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_SCSI;
        IoGetNextIrpStackLocation(irp)->Parameters.Scsi.Srb = &srb->Scsi;
        SrbSetOriginalRequest(&srb->Scsi, irp);
        IoSetCompletionRoutine(irp, PortSendDone, &done, TRUE, TRUE, TRUE);
        IoSetNextIrpStackLocation(irp);
        PortUnitSubmit(Unit, irp);
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = srb->Scsi.SrbStatus;
        Fields->DataLength = SrbGetDataTransferLength(&srb->Scsi);
        if (ScsiStatus != NULL) {
            *ScsiStatus = SrbGetScsiStatus(&srb->Scsi);
        }
    }
    if (mdl != NULL) {
        IoFreeMdl(mdl);
    }
    if (srb != NULL) {
        ExFreePoolWithTag(srb, PORT_PRIVATE_TAG);
    }
    if (irp != NULL) {
        IoFreeIrp(irp);
    }
    return status;
}
