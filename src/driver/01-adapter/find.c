/**
 * \file
 * HwFindAdapter and HwInitialize: the adapter comes into being.
 *
 * Storport calls these while PnP starts our device node: first "tell me about your adapter", then
 * "make it work". FindAdapter only describes; everything that must be undone is created in
 * Initialize, so that there is one place to undo it (VminiHwFreeAdapterResources). Both may come
 * again after a stop, with the device extension as we left it.
 */
#include <initguid.h>

#include "01-adapter/adapter.h"

DEFINE_GUID(GUID_DEVINTERFACE_VMINI, 0x6d2f7c1a, 0x6c0b, 0x4b6e, 0x9b, 0x7e, 0x3a, 0x51, 0xd0, 0xc4,
            0xe8, 0x17);

/**
 * Registers the device interface by which management programs find the adapter.
 * \irql{PASSIVE_LEVEL} Without it nobody could connect anything, so a failure is reported, not
 * swallowed.
 */
static NTSTATUS VminiAdapterRegisterInterface(_Inout_ PVMINI_ADAPTER Adapter)
{
    if (Adapter->InterfaceName.Buffer != NULL) {
        return STATUS_SUCCESS; /* A second HwFindAdapter: it is registered already. */
    }
    return IoRegisterDeviceInterface(Adapter->Pdo, &GUID_DEVINTERFACE_VMINI, NULL,
                                     &Adapter->InterfaceName);
}

/**
 * Writes what Storport must know into its structure. The rest of it arrives filled and is left
 * alone.
 */
static VOID VminiAdapterDescribe(_In_ PVMINI_ADAPTER Adapter,
                                 _Inout_ PPORT_CONFIGURATION_INFORMATION Config)
{
    //! [configuration]
    /* No DMA, no interrupt, no ports: Storport must not ask for them. */
    Config->VirtualDevice = TRUE;
    Config->ScatterGather = TRUE; /* Otherwise the virtual adapter does not fully initialise. */
    /* Without meaning here; the default, and what Storport expects beside it. */
    Config->Master = TRUE;
    Config->CachesData = TRUE; /* The file system caches for us: send FLUSH and SHUTDOWN. */
    Config->ResetTargetSupported = TRUE;
    /* Half duplex is for ported SCSIport miniports. */
    Config->SynchronizationModel = StorSynchronizeFullDuplex;

    Config->NumberOfBuses = Adapter->NumberOfBuses; /* Arrives as 0: nothing would be scanned. */
    Config->MaximumNumberOfTargets = Adapter->MaximumTargets;
    Config->MaximumNumberOfLogicalUnits = Adapter->MaximumLuns;

    /* "Unlimited" (SP_UNINITIALIZED_VALUE) is legal and has led to READ CDBs of length 0; so we say
     * how much. The number of physical breaks only has to allow a transfer of that length that
     * begins in the middle of a page. */
    Config->MaximumTransferLength = VMINI_MAXIMUM_TRANSFER_LENGTH;
    Config->NumberOfPhysicalBreaks = VMINI_MAXIMUM_TRANSFER_LENGTH / PAGE_SIZE + 1;
    Config->AlignmentMask = 0; /* Any address: pass-through users need not align their buffers. */

    /* Left as they are: AdapterScansDown, Dma32BitAddresses, Dma64BitAddresses (no meaning without
     * a bus), WmiDataProvider (not ours to change), MaxNumberOfIO, MaxIOsPerLun,
     * InitialLunQueueDepth (1000, 255, 250 suit us), AdapterInterfaceType: the bus type that
     * Windows shows comes from the INF (chapter 5), not from here. */
    //! [configuration]
}

/**
 * Describes the adapter to Storport.
 *
 * \param DeviceExtension  our VMINI_ADAPTER, zeroed if this is the first time.
 * \param HwContext        the adapter's PDO. \param BusInformation  its FDO (Storport's).
 * \param LowerDevice      what the FDO is attached to: for a root-enumerated device nothing of
 *                         interest.
 * \param ArgumentString   the registry's DriverParameter, unused. \param Again  unused by Storport.
 * \return SP_RETURN_FOUND, or SP_RETURN_ERROR when the device interface cannot be registered.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{PnP's} \article{Part I, HwFindAdapter}
 */
_Use_decl_annotations_ ULONG NTAPI VminiHwFindAdapter(PVOID DeviceExtension, PVOID HwContext,
                                                      PVOID BusInformation, PVOID LowerDevice,
                                                      PCHAR ArgumentString,
                                                      PPORT_CONFIGURATION_INFORMATION ConfigInfo,
                                                      PBOOLEAN Again)
{
    PVMINI_ADAPTER Adapter = DeviceExtension;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(LowerDevice);
    UNREFERENCED_PARAMETER(ArgumentString);
    UNREFERENCED_PARAMETER(Again);

    Adapter->Pdo = HwContext;
    Adapter->Fdo = BusInformation;
    Adapter->NumberOfBuses = (UCHAR)VminiConfig.NumberOfBuses;
    Adapter->MaximumTargets = (UCHAR)VminiConfig.MaximumTargets;
    Adapter->MaximumLuns = (UCHAR)VminiConfig.MaximumLuns;
    Status = VminiAdapterRegisterInterface(Adapter);
    if (!NT_SUCCESS(Status)) {
        VminiTrace(Adapter, TRACE_LEVEL_ERROR, VMINI_TRACE_PNP, L"no device interface", L"status",
                   (ULONG)Status, NULL, 0);
        return SP_RETURN_ERROR;
    }
    VminiAdapterDescribe(Adapter, ConfigInfo);
    return SP_RETURN_FOUND;
}

/**
 * Creates the modules' parts of the adapter, lowest first. On failure nothing is left.
 * \irql{PASSIVE_LEVEL}
 */
static NTSTATUS VminiAdapterCreateParts(_Inout_ PVMINI_ADAPTER Adapter)
{
    NTSTATUS Status;

    Status = VminiWorkQueueCreate(&VminiDispatchWorkCallbacks, VminiConfig.NumberOfWorkers,
                                  Adapter->Fdo, &Adapter->Work);
    if (NT_SUCCESS(Status)) {
        Status =
            VminiWorkQueueCreate(&VminiDispatchWorkCallbacks, 1, Adapter->Fdo, &Adapter->Opening);
    }
    if (NT_SUCCESS(Status)) {
        Status =
            VminiWorkQueueCreate(&VminiDispatchWorkCallbacks, 1, Adapter->Fdo, &Adapter->Closing);
    }
    if (NT_SUCCESS(Status)) {
        Status = VminiServiceCreate(Adapter);
    }
    if (NT_SUCCESS(Status)) {
        Status = VminiBusCreate(Adapter);
    }
    if (!NT_SUCCESS(Status)) {
        VminiAdapterDestroyParts(Adapter);
    }
    return Status;
}

/**
 * Makes the adapter work: threads, bus, control interface; then the images that the registry names
 * are on their way.
 *
 * The documentation gives DIRQL for physical adapters. A virtual one has no interrupt and no DIRQL;
 * Storport holds no lock and calls at PASSIVE_LEVEL, as the articles found too. Threads could not
 * be created otherwise.
 * \return TRUE on success.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{PnP's} \article{Part I, HwInitialize}
 */
_Use_decl_annotations_ BOOLEAN NTAPI VminiHwInitialize(PVOID DeviceExtension)
{
    PVMINI_ADAPTER Adapter = DeviceExtension;
    BOOLEAN First = Adapter->Work == NULL;
    NTSTATUS Status = STATUS_SUCCESS;

    if (First) {
        Status = VminiAdapterCreateParts(Adapter);
    } else {
        VminiServiceReopen(Adapter); /* The stop before may have come with HwCompleteServiceIrp. */
    }
    if (NT_SUCCESS(Status)) {
        VminiAdapterResume(Adapter);
        Status = IoSetDeviceInterfaceState(&Adapter->InterfaceName, TRUE);
    }
    if (!NT_SUCCESS(Status)) {
        VminiTrace(Adapter, TRACE_LEVEL_ERROR, VMINI_TRACE_PNP, L"start failed", L"status",
                   (ULONG)Status, NULL, 0);
        VminiAdapterDestroyParts(Adapter); /* A failed start leaves no thread behind. */
    } else if (First) {
        VminiServiceConnectStatic(Adapter);
    }
    return NT_SUCCESS(Status);
}
