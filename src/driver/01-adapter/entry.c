/**
 * \file
 * DriverEntry: the driver introduces itself to Storport.
 *
 * This is the one routine that Windows itself calls. It reads what is configured, fills a table of
 * callbacks and hands it to StorPortInitialize; from then on Storport owns the driver object's
 * dispatch table, and everything else reaches us through the callbacks. Nothing is allocated here,
 * so nothing can leak when registration fails. Whether Storport ever calls VminiHwFindAdapter is
 * not decided here either: that takes a device node (chapter 5).
 */
#include "01-adapter/adapter.h"

VMINI_CONFIG VminiConfig;

/**
 * Registers the virtual miniport with Storport.
 *
 * The articles fill a VIRTUAL_HW_INITIALIZATION_DATA (Vista SP1 to 7). That structure is, byte for
 * byte, the first B0h bytes of today's HW_INITIALIZATION_DATA; Storport tells the two apart by
 * HwInitializationDataSize and still takes either. The new one adds what the old could not say:
 * that the miniport is virtual (STOR_FEATURE_VIRTUAL_MINIPORT), and which forms of SRB and address
 * it understands.
 *
 * \return what StorPortInitialize returns; the driver is unloaded if that is an error.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{one of the system's} \article{Part I, DriverEntry}
 */
_Use_decl_annotations_ VMINI_INIT NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject,
                                                             PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA Data;

    /* A key that cannot be read leaves the defaults in force; the driver starts all the same. */
    (VOID) VminiConfigRead(RegistryPath, &VminiConfig);
    VminiConfigDevicesSetUp(RegistryPath);
    if (VminiConfig.BreakOnEntry != 0 && !KdRefreshDebuggerNotPresent()) {
        DbgBreakPoint(); /* Without a debugger this would be a bugcheck: hence the question. */
    }

    VminiScsiIndexCommands();

    //! [registration]
    RtlZeroMemory(&Data, sizeof(Data)); /* HwBuildIo, HwInterrupt, HwDmaStarted must be NULL. */
    Data.HwInitializationDataSize = sizeof(Data);
    Data.AdapterInterfaceType = Internal; /* On no physical bus. */

    Data.HwFindAdapter = (PVOID)VminiHwFindAdapter;
    Data.HwInitialize = VminiHwInitialize;
    Data.HwStartIo = VminiHwStartIo;
    Data.HwResetBus = VminiHwResetBus;
    Data.HwAdapterControl = VminiHwAdapterControl;
    Data.HwUnitControl = VminiHwUnitControl;
    Data.HwFreeAdapterResources = VminiHwFreeAdapterResources;
    Data.HwProcessServiceRequest = VminiHwProcessServiceRequest;
    Data.HwCompleteServiceIrp = VminiHwCompleteServiceIrp;
    Data.HwInitializeTracing = VminiHwInitializeTracing;
    Data.HwCleanupTracing = VminiHwCleanupTracing;
    Data.PortVersionFlags = SP_VER_TRACE_SUPPORT; /* Else Storport calls neither of those two. */

    Data.DeviceExtensionSize = sizeof(VMINI_ADAPTER);
    Data.SrbExtensionSize = sizeof(VMINI_SRB_EXTENSION);
    Data.SpecificLuExtensionSize = 0; /* Our device records live as long as *we* say. */

    /* READ and WRITE data go to the file system by MDL and are not mapped; the small answers
     * are. */
    Data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    /* No meaning without DMA; TRUE is what Storport checks for. */
    Data.NeedPhysicalAddresses = TRUE;
    Data.TaggedQueuing = TRUE;
    Data.AutoRequestSense = TRUE;
    Data.MultipleRequestPerLu = TRUE;

    Data.FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT | STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES;
    Data.SrbTypeFlags = SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK | SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    Data.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
    //! [registration]
}
