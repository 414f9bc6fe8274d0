/*
 * PORT_CONFIGURATION_INFORMATION: what Storport writes into it before HwFindAdapter, what it
 * demands afterwards, and the registry values that go with it. A configuration that breaks a rule
 * does not start, and says why: on Windows one is left with a yellow mark in the Device Manager.
 */
#include "storport/internal.h"

/** Reads a REG_DWORD of Services\<svc>\<Key>. \return FALSE if it is not there.
 * \irql{PASSIVE_LEVEL} */
static BOOLEAN PortReadValue(PPORT_DRIVER Driver, PCWSTR Key, PCWSTR Name, PVOID Data,
                             ULONG *Length)
{
    UCHAR buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 256];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PKEY_VALUE_PARTIAL_INFORMATION)(PVOID)buffer;
    WCHAR path[300];
    UNICODE_STRING name, pathString;
    OBJECT_ATTRIBUTES attributes;
    BOOLEAN found = FALSE;
    HANDLE handle;
    ULONG used;

    RtlInitEmptyUnicodeString(&pathString, path, sizeof(path));
    RtlCopyUnicodeString(&pathString, &Driver->RegistryPath);
    if (!NT_SUCCESS(RtlAppendUnicodeToString(&pathString, Key))) {
        return FALSE;
    }
    InitializeObjectAttributes(&attributes, &pathString, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&handle, KEY_READ, &attributes))) {
        return FALSE;
    }
    RtlInitUnicodeString(&name, Name);
    if (NT_SUCCESS(ZwQueryValueKey(handle, &name, KeyValuePartialInformation, buffer,
                                   sizeof(buffer), &used)) &&
        value->DataLength <= *Length) {
        RtlCopyMemory(Data, value->Data, value->DataLength);
        *Length = value->DataLength;
        found = TRUE;
    }
    ZwClose(handle);
    return found;
}

/** DriverParameter becomes HwFindAdapter's ArgumentString: UTF-16 in the registry, characters
 * beyond ASCII as '?'. */
static VOID PortReadDriverParameter(PPORT_ADAPTER Adapter)
{
    WCHAR text[128];
    ULONG length = sizeof(text), count;

    if (Adapter->DriverParameter != NULL ||
        (!PortReadValue(Adapter->Driver, u"\\Parameters\\Device0", u"DriverParameter", text,
                        &length) &&
         !PortReadValue(Adapter->Driver, u"\\Parameters\\Device", u"DriverParameter", text,
                        &length))) {
        return;
    }
    count = length / sizeof(WCHAR);
    Adapter->DriverParameter = ExAllocatePoolWithTag(NonPagedPoolNx, count + 1, PORT_TAG);
    for (ULONG i = 0; Adapter->DriverParameter != NULL && i <= count; i++) {
        Adapter->DriverParameter[i] = i == count ? '\0' : text[i] < 0x80 ? (CHAR)text[i] : '?';
    }
}

VOID PortReadParameters(PPORT_ADAPTER Adapter)
{
    ULONG busType = 0, length = sizeof(busType);

    Adapter->BusType = PORT_DEFAULT_BUS_TYPE;
    if (PortReadValue(Adapter->Driver, u"\\Parameters", u"BusType", &busType, &length) &&
        length == sizeof(busType) && busType <= 0x7F) {
        Adapter->BusType = busType;
    }
    PortReadDriverParameter(Adapter);
}

/** Which SRBs will come: extended ones if the miniport takes them, unless the machine's owner wants
 * the others. */
static UCHAR PortChooseSrbType(PPORT_ADAPTER Adapter)
{
    ULONG flags = Adapter->Driver->Data.SrbTypeFlags;

    if ((flags & SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK) == 0) {
        return SRB_TYPE_SCSI_REQUEST_BLOCK;
    }
    if ((flags & SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK) != 0 && PortOptions.LegacySrbs) {
        return SRB_TYPE_SCSI_REQUEST_BLOCK;
    }
    return SRB_TYPE_STORAGE_REQUEST_BLOCK;
}

/** The defaults on entry to HwFindAdapter. */
VOID PortConfigInitialize(PPORT_ADAPTER Adapter)
{
    PPORT_CONFIGURATION_INFORMATION config = &Adapter->Config;
    PHW_INITIALIZATION_DATA data = &Adapter->Driver->Data;

    RtlZeroMemory(config, sizeof(*config));
    config->Length = sizeof(*config);
    config->SystemIoBusNumber = 0;
    config->AdapterInterfaceType = data->AdapterInterfaceType;
    config->MaximumTransferLength = SP_UNINITIALIZED_VALUE;
    config->NumberOfPhysicalBreaks =
        0x11; /* SDV speaks of SP_UNINITIALIZED_VALUE; the page says 0x11 */
    config->DmaChannel = SP_UNINITIALIZED_VALUE;
    config->DmaPort = SP_UNINITIALIZED_VALUE;
    for (ULONG i = 0; i < RTL_NUMBER_OF(config->InitiatorBusId); i++) {
        config->InitiatorBusId[i] = (CCHAR)SP_UNTAGGED;
    }
    config->ScatterGather = TRUE;
    config->Master = TRUE;
    config->Dma32BitAddresses = TRUE;
    config->Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED;
    config->MapBuffers = data->MapBuffers;
    config->NeedPhysicalAddresses = TRUE;
    config->TaggedQueuing = TRUE;
    config->AutoRequestSense = TRUE;
    config->MultipleRequestPerLu = TRUE;
    config->WmiDataProvider = TRUE;
    config->MaximumNumberOfTargets = SCSI_MAXIMUM_TARGETS_PER_BUS;
    config->MaximumNumberOfLogicalUnits = SCSI_MAXIMUM_LOGICAL_UNITS;
    config->SrbType = PortChooseSrbType(Adapter);
    config->AddressType = STORAGE_ADDRESS_TYPE_BTL8;
    config->DeviceExtensionSize = data->DeviceExtensionSize;
    config->SpecificLuExtensionSize = data->SpecificLuExtensionSize;
    config->SrbExtensionSize = data->SrbExtensionSize;
    config->MaxNumberOfIO = PORT_DEFAULT_MAXIMUM_IO;
    config->MaxIOsPerLun = PORT_LEGACY_QUEUE_LIMIT;
    config->InitialLunQueueDepth = PORT_DEFAULT_QUEUE_DEPTH;
}

static BOOLEAN PortRefuse(PPORT_ADAPTER Adapter, PCSTR Text, ULONG Value)
{
    PortSay(Adapter, Text, Value);
    return FALSE;
}

/** Depths: what is beyond a limit is cut to it, as the pages say the limits are. */
static VOID PortLimitDepths(PPORT_CONFIGURATION_INFORMATION Config)
{
    UCHAR dma = Config->Dma64BitAddresses & (UCHAR)~SCSI_DMA64_SYSTEM_SUPPORTED;

    if (Config->MaxNumberOfIO == 0 || Config->MaxNumberOfIO == SP_UNINITIALIZED_VALUE ||
        (Config->MaxNumberOfIO > PORT_DEFAULT_MAXIMUM_IO &&
         dma < SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED)) {
        Config->MaxNumberOfIO = PORT_DEFAULT_MAXIMUM_IO;
    }
    if (Config->MaxIOsPerLun == 0 || (Config->SrbType != SRB_TYPE_STORAGE_REQUEST_BLOCK &&
                                      Config->MaxIOsPerLun > PORT_LEGACY_QUEUE_LIMIT)) {
        Config->MaxIOsPerLun = PORT_LEGACY_QUEUE_LIMIT;
    }
    Config->MaxIOsPerLun = min(Config->MaxIOsPerLun, Config->MaxNumberOfIO);
}

/** The callbacks and registration fields without which a virtual adapter does not start. */
BOOLEAN PortRegistrationAccept(PPORT_ADAPTER Adapter)
{
    PHW_INITIALIZATION_DATA data = &Adapter->Driver->Data;

    if ((data->FeatureSupport & STOR_FEATURE_VIRTUAL_MINIPORT) == 0) {
        return PortRefuse(Adapter,
                          "The driver registered as a physical miniport: FeatureSupport lacks "
                          "STOR_FEATURE_VIRTUAL_MINIPORT. There is no hardware here.",
                          0);
    }
    if (data->HwFindAdapter == NULL || data->HwInitialize == NULL || data->HwStartIo == NULL) {
        return PortRefuse(Adapter, "HwFindAdapter, HwInitialize and HwStartIo must not be NULL.",
                          0);
    }
    if (data->HwAdapterControl == NULL || data->HwResetBus == NULL ||
        data->HwFreeAdapterResources == NULL) {
        return PortRefuse(
            Adapter,
            "HwAdapterControl, HwResetBus and HwFreeAdapterResources are required of a virtual "
            "miniport.",
            0);
    }
    if (data->HwProcessServiceRequest != NULL && data->HwCompleteServiceIrp == NULL) {
        return PortRefuse(
            Adapter, "HwProcessServiceRequest is set, so HwCompleteServiceIrp is required.", 0);
    }
    if (data->HwInitializeTracing != NULL && data->HwCleanupTracing == NULL) {
        return PortRefuse(Adapter, "HwInitializeTracing is set, so HwCleanupTracing is required.",
                          0);
    }
    if (data->HwBuildIo != NULL) {
        return PortRefuse(Adapter,
                          "HwBuildIo must be NULL: it is not called for a virtual miniport.", 0);
    }
    if (!data->TaggedQueuing || !data->AutoRequestSense || !data->MultipleRequestPerLu) {
        return PortRefuse(
            Adapter, "TaggedQueuing, AutoRequestSense and MultipleRequestPerLu must be TRUE.", 0);
    }
    return TRUE;
}

/** Does what HwFindAdapter left in the configuration make an adapter? If not, the reason is
 * kept. */
BOOLEAN PortConfigAccept(PPORT_ADAPTER Adapter)
{
    PPORT_CONFIGURATION_INFORMATION config = &Adapter->Config;

    if (!config->VirtualDevice) {
        return PortRefuse(Adapter, "HwFindAdapter did not set VirtualDevice to TRUE.", 0);
    }
    if (!config->ScatterGather) {
        return PortRefuse(
            Adapter,
            "HwFindAdapter set ScatterGather to FALSE; a virtual adapter then does not fully "
            "initialize.",
            0);
    }
    if (config->MapBuffers == STOR_MAP_NO_BUFFERS) {
        return PortRefuse(Adapter,
                          "MapBuffers is 0: the miniport could not reach the data of INQUIRY. Use "
                          "STOR_MAP_NON_READ_WRITE_BUFFERS.",
                          0);
    }
    if (config->MapBuffers > STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE) {
        return PortRefuse(Adapter, "MapBuffers is #, which is none of STOR_MAP_*.",
                          config->MapBuffers);
    }
    if (config->MaximumTransferLength == SP_UNINITIALIZED_VALUE ||
        config->MaximumTransferLength < PAGE_SIZE) {
        return PortRefuse(
            Adapter,
            "HwFindAdapter left MaximumTransferLength unset (SP_UNINITIALIZED_VALUE), or it is "
            "less than a page.",
            0);
    }
    if (config->NumberOfPhysicalBreaks == SP_UNINITIALIZED_VALUE ||
        config->NumberOfPhysicalBreaks == 0) {
        return PortRefuse(Adapter, "HwFindAdapter left NumberOfPhysicalBreaks unset.", 0);
    }
    if (config->NumberOfBuses == 0) {
        return PortRefuse(Adapter,
                          "HwFindAdapter left NumberOfBuses at 0: there is no bus to scan.", 0);
    }
    if (config->MaximumNumberOfTargets == 0 || config->MaximumNumberOfLogicalUnits == 0) {
        return PortRefuse(
            Adapter, "MaximumNumberOfTargets and MaximumNumberOfLogicalUnits must not be 0.", 0);
    }
    if ((config->AlignmentMask & (config->AlignmentMask + 1)) != 0) {
        return PortRefuse(Adapter, "AlignmentMask is #, not a power of two less one.",
                          config->AlignmentMask);
    }
    if (config->SynchronizationModel != StorSynchronizeFullDuplex) {
        return PortRefuse(Adapter, "SynchronizationModel must be StorSynchronizeFullDuplex.", 0);
    }
    PortLimitDepths(config);
    return TRUE;
}
