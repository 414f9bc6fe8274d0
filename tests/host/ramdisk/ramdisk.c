/*
 * A second miniport: a RAM disk of 256 KiB at 0:0:0, in about a hundred lines. It shares nothing
 * with vmini, registers with the older VIRTUAL_HW_INITIALIZATION_DATA, and proves that the host
 * knows no driver by name. Everything is answered inside of HwStartIo.
 */
#include <ntddk.h>

#include <srbhelper.h>
#include <storport.h>

#define RAM_BLOCK  512u
#define RAM_BLOCKS 512u
#define RAM_TAG    0x446d6152u /* "RamD" */

typedef struct _RAM_ADAPTER {
    PUCHAR Disk;
} RAM_ADAPTER, *PRAM_ADAPTER;

static ULONG RamBe32(const UCHAR *Bytes)
{
    return (ULONG)Bytes[0] << 24 | (ULONG)Bytes[1] << 16 | (ULONG)Bytes[2] << 8 | Bytes[3];
}

static VOID RamPutBe32(PUCHAR Bytes, ULONG Value)
{
    Bytes[0] = (UCHAR)(Value >> 24);
    Bytes[1] = (UCHAR)(Value >> 16);
    Bytes[2] = (UCHAR)(Value >> 8);
    Bytes[3] = (UCHAR)Value;
}

/** Sense data, as much as there is room for. */
static UCHAR RamFail(PSCSI_REQUEST_BLOCK Srb, UCHAR Key, UCHAR Asc)
{
    UCHAR sense[18] = {0x70, 0, Key, 0, 0, 0, 0, 10, 0, 0, 0, 0, Asc};
    ULONG length = min(SrbGetSenseInfoBufferLength(Srb), (UCHAR)sizeof(sense));

    SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
    SrbSetDataTransferLength(Srb, 0);
    if (SrbGetSenseInfoBuffer(Srb) == NULL || length == 0) {
        return SRB_STATUS_ERROR;
    }
    RtlCopyMemory(SrbGetSenseInfoBuffer(Srb), sense, length);
    SrbSetSenseInfoBufferLength(Srb, (UCHAR)length);
    return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

/** Gives as much of an answer as the CDB allows and the buffer holds. */
static UCHAR RamAnswer(PSCSI_REQUEST_BLOCK Srb, const VOID *Data, ULONG Length, ULONG Allocation)
{
    ULONG moved = min(min(Length, Allocation), SrbGetDataTransferLength(Srb));

    RtlCopyMemory(SrbGetDataBuffer(Srb), Data, moved);
    SrbSetDataTransferLength(Srb, moved);
    return SRB_STATUS_SUCCESS;
}

static UCHAR RamInquiry(PSCSI_REQUEST_BLOCK Srb, const UCHAR *Cdb)
{
    UCHAR data[36] = {0, 0, 6, 2, 31, 0, 0, 2};

    if ((Cdb[1] & 1) != 0) {
        return RamFail(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_CDB);
    }
    RtlCopyMemory(data + 8, "TESTS   RAM DISK        1.0 ", 28);
    return RamAnswer(Srb, data, sizeof(data), (ULONG)Cdb[3] << 8 | Cdb[4]);
}

/** READ(10) and WRITE(10). The data are not mapped: StorPort is asked where they are. */
static UCHAR RamTransfer(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, const UCHAR *Cdb)
{
    ULONG lba = RamBe32(Cdb + 2), count = (ULONG)Cdb[7] << 8 | Cdb[8], length = count * RAM_BLOCK;
    PVOID data;

    if (lba > RAM_BLOCKS || count > RAM_BLOCKS - lba || length > SrbGetDataTransferLength(Srb)) {
        return RamFail(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_BLOCK);
    }
    SrbSetDataTransferLength(Srb, length);
    if (length == 0) {
        return SRB_STATUS_SUCCESS;
    }
    if (StorPortGetSystemAddress(Adapter, Srb, &data) != STOR_STATUS_SUCCESS) {
        return SRB_STATUS_ERROR;
    }
    if (Cdb[0] == SCSIOP_READ) {
        RtlCopyMemory(data, Adapter->Disk + lba * RAM_BLOCK, length);
    } else {
        RtlCopyMemory(Adapter->Disk + lba * RAM_BLOCK, data, length);
    }
    return SRB_STATUS_SUCCESS;
}

static UCHAR RamScsi(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    const UCHAR *cdb = (const UCHAR *)SrbGetCdb(Srb);
    UCHAR capacity[8] = {0}, luns[16] = {0, 0, 0, 8};

    if (SrbGetPathId(Srb) != 0 || SrbGetTargetId(Srb) != 0 || SrbGetLun(Srb) != 0) {
        return SRB_STATUS_NO_DEVICE;
    }
    switch (cdb[0]) {
    case SCSIOP_TEST_UNIT_READY:
        return SRB_STATUS_SUCCESS;
    case SCSIOP_INQUIRY:
        return RamInquiry(Srb, cdb);
    case SCSIOP_REPORT_LUNS:
        return RamAnswer(Srb, luns, sizeof(luns), RamBe32(cdb + 6));
    case SCSIOP_READ_CAPACITY:
        RamPutBe32(capacity, RAM_BLOCKS - 1);
        RamPutBe32(capacity + 4, RAM_BLOCK);
        return RamAnswer(Srb, capacity, sizeof(capacity), sizeof(capacity));
    case SCSIOP_READ:
    case SCSIOP_WRITE:
        return RamTransfer(Adapter, Srb, cdb);
    default:
        return RamFail(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND);
    }
}

static BOOLEAN NTAPI RamStartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR status;

    switch (SrbGetSrbFunction(Srb)) {
    case SRB_FUNCTION_EXECUTE_SCSI:
        status = RamScsi(DeviceExtension, Srb);
        break;
    case SRB_FUNCTION_FLUSH:
    case SRB_FUNCTION_SHUTDOWN:
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
    case SRB_FUNCTION_RESET_DEVICE:
        status = SRB_STATUS_SUCCESS; /* nothing is ever outstanding */
        break;
    default:
        status = SRB_STATUS_INVALID_REQUEST;
    }
    SrbSetSrbStatus(Srb, status);
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
    return TRUE;
}

static ULONG NTAPI RamFindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation,
                                  PVOID LowerDevice, PCHAR ArgumentString,
                                  PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    PRAM_ADAPTER adapter = DeviceExtension;

    UNREFERENCED_PARAMETER(HwContext);
    UNREFERENCED_PARAMETER(BusInformation);
    UNREFERENCED_PARAMETER(LowerDevice);
    UNREFERENCED_PARAMETER(ArgumentString);
    ConfigInfo->VirtualDevice = TRUE;
    ConfigInfo->MaximumTransferLength = 128 * 1024;
    ConfigInfo->NumberOfPhysicalBreaks = 33;
    ConfigInfo->NumberOfBuses = 1;
    ConfigInfo->MaximumNumberOfTargets = 1;
    ConfigInfo->MaximumNumberOfLogicalUnits = 1;
    ConfigInfo->SynchronizationModel = StorSynchronizeFullDuplex;
    *Again = FALSE;
    if (adapter->Disk ==
        NULL) { /* it may be found again after a stop: the extension is as it was */
        adapter->Disk = ExAllocatePoolWithTag(NonPagedPoolNx, RAM_BLOCKS * RAM_BLOCK, RAM_TAG);
        if (adapter->Disk == NULL) {
            return SP_RETURN_ERROR;
        }
        RtlZeroMemory(adapter->Disk, RAM_BLOCKS * RAM_BLOCK);
    }
    return SP_RETURN_FOUND;
}

static BOOLEAN NTAPI RamInitialize(PVOID DeviceExtension)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    return TRUE;
}

static BOOLEAN NTAPI RamResetBus(PVOID DeviceExtension, ULONG PathId)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(PathId);
    return TRUE;
}

static SCSI_ADAPTER_CONTROL_STATUS NTAPI RamAdapterControl(PVOID DeviceExtension,
                                                           SCSI_ADAPTER_CONTROL_TYPE ControlType,
                                                           PVOID Parameters)
{
    PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = Parameters;

    UNREFERENCED_PARAMETER(DeviceExtension);
    if (ControlType == ScsiQuerySupportedControlTypes) {
        for (ULONG type = 0; type <= (ULONG)ScsiRestartAdapter && type < list->MaxControlType;
             type++) {
            list->SupportedTypeList[type] = TRUE;
        }
    }
    return ScsiAdapterControlSuccess;
}

static VOID NTAPI RamFreeAdapterResources(PVOID DeviceExtension)
{
    PRAM_ADAPTER adapter = DeviceExtension;

    ExFreePoolWithTag(adapter->Disk, RAM_TAG);
    adapter->Disk = NULL;
}

DRIVER_INITIALIZE DriverEntry;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    VIRTUAL_HW_INITIALIZATION_DATA data;

    RtlZeroMemory(&data, sizeof(data));
    data.HwInitializationDataSize = sizeof(data);
    data.AdapterInterfaceType = Internal;
    data.HwInitialize = RamInitialize;
    data.HwStartIo = RamStartIo;
    data.HwFindAdapter = RamFindAdapter;
    data.HwResetBus = RamResetBus;
    data.HwAdapterControl = RamAdapterControl;
    data.HwFreeAdapterResources = RamFreeAdapterResources;
    data.DeviceExtensionSize = sizeof(RAM_ADAPTER);
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath,
                                        (PHW_INITIALIZATION_DATA)(PVOID)&data, NULL);
}
