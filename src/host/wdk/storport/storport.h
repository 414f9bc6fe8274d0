/**
 * \file
 * The interface between Storport and a miniport: what a driver registers, what it is called with,
 * and what it may call.
 *
 * Only the routines marked STORPORT_API are imported from storport.sys. All the others are inlines
 * that end in one of two variadic dispatchers, StorPortNotification (it tells Storport something)
 * and StorPortExtendedFunction (it asks for something): whoever implements Storport implements the
 * imports and those two. The inlines pass the argument lists that the WDK's pass; arguments smaller
 * than an int are promoted, a STOR_UNIT_ATTRIBUTES goes by value.
 *
 * Names, layouts and values are the WDK's (Windows 10 1709 and later); the text is our own, written
 * from public documentation. Left out, because a virtual adapter has no hardware: port and register
 * access, bus data, physical addresses, scatter/gather lists as a service, DMA and contiguous
 * memory, MSI locks, ACPI, PoFx, host memory buffers, crypto engines, NVMe.
 */
#ifndef __STORPORT_H
#define __STORPORT_H
#define _NTSTORPORT_

#include <wdm.h>

#include "scsi.h"
#include "srb.h"

#ifndef STORPORT_API
#define STORPORT_API DECLSPEC_IMPORT
#endif

typedef PHYSICAL_ADDRESS STOR_PHYSICAL_ADDRESS;
typedef UNICODE_STRING STOR_UNICODE_STRING, *PSTOR_UNICODE_STRING;

/* ---- Status of StorPort routines ---- */

#define STOR_STATUS_SUCCESS                0x00000000U
#define STOR_STATUS_UNSUCCESSFUL           0xC1000001U
#define STOR_STATUS_NOT_IMPLEMENTED        0xC1000002U
#define STOR_STATUS_INSUFFICIENT_RESOURCES 0xC1000003U
#define STOR_STATUS_BUFFER_TOO_SMALL       0xC1000004U
#define STOR_STATUS_ACCESS_DENIED          0xC1000005U
#define STOR_STATUS_INVALID_PARAMETER      0xC1000006U
#define STOR_STATUS_INVALID_DEVICE_REQUEST 0xC1000007U
#define STOR_STATUS_INVALID_IRQL           0xC1000008U
#define STOR_STATUS_INVALID_DEVICE_STATE   0xC1000009U
#define STOR_STATUS_INVALID_BUFFER_SIZE    0xC100000AU
#define STOR_STATUS_UNSUPPORTED_VERSION    0xC100000BU
#define STOR_STATUS_BUSY                   0xC100000CU
#define STOR_STATUS_THROTTLED_REQUEST      0xC100000DU
#define STOR_STATUS_TIMEOUT                0xC100000EU
#define STOR_STATUS_INVALID_DATA           0xC100000FU

/* What HwFindAdapter returns. */
#define SP_RETURN_NOT_FOUND  0
#define SP_RETURN_FOUND      1
#define SP_RETURN_ERROR      2
#define SP_RETURN_BAD_CONFIG 3

/** PortVersionFlags: this Storport calls HwInitializeTracing. */
#define SP_VER_TRACE_SUPPORT 0x0010

/* ErrorCode of StorPortLogError. */
#define SP_BUS_PARITY_ERROR          0x0001
#define SP_UNEXPECTED_DISCONNECT     0x0002
#define SP_INVALID_RESELECTION       0x0003
#define SP_BUS_TIME_OUT              0x0004
#define SP_PROTOCOL_ERROR            0x0005
#define SP_INTERNAL_ADAPTER_ERROR    0x0006
#define SP_REQUEST_TIMEOUT           0x0007
#define SP_IRQ_NOT_RESPONDING        0x0008
#define SP_BAD_FW_WARNING            0x0009
#define SP_BAD_FW_ERROR              0x000A
#define SP_LOST_WMI_MINIPORT_REQUEST 0x000B

/* ---- What a miniport tells Storport about itself ---- */

/* MapBuffers: which SRBs have a DataBuffer that the miniport may touch. */
#define STOR_MAP_NO_BUFFERS                       0 /* none but those of IO_CONTROL and WMI */
#define STOR_MAP_ALL_BUFFERS                      1 /* obsolete: what 2 says */
#define STOR_MAP_NON_READ_WRITE_BUFFERS           2
#define STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE 3

/* FeatureSupport of HW_INITIALIZATION_DATA. */
#define STOR_FEATURE_VIRTUAL_MINIPORT                    0x00000001
#define STOR_FEATURE_ATA_PASS_THROUGH                    0x00000002
#define STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES        0x00000004
#define STOR_FEATURE_DUMP_POINTERS                       0x00000008
#define STOR_FEATURE_DEVICE_NAME_NO_SUFFIX               0x00000010
#define STOR_FEATURE_DUMP_RESUME_CAPABLE                 0x00000020
#define STOR_FEATURE_DEVICE_DESCRIPTOR_FROM_ATA_INFO_VPD 0x00000040
#define STOR_FEATURE_EXTRA_IO_INFORMATION                0x00000080
#define STOR_FEATURE_ADAPTER_CONTROL_PRE_FINDADAPTER     0x00000100
#define STOR_FEATURE_ADAPTER_NOT_REQUIRE_IO_PORT         0x00000200
#define STOR_FEATURE_DUMP_16_BYTE_ALIGNMENT              0x00000400
#define STOR_FEATURE_SET_ADAPTER_INTERFACE_TYPE          0x00000800
#define STOR_FEATURE_DUMP_INFO                           0x00001000
#define STOR_FEATURE_SUPPORTS_NVME_ADAPTER               0x00004000

/* FeatureSupport of PORT_CONFIGURATION_INFORMATION. */
#define STOR_ADAPTER_FEATURE_DEVICE_TELEMETRY               0x00000001
#define STOR_ADAPTER_FEATURE_STOP_UNIT_DURING_POWER_DOWN    0x00000002
#define STOR_ADAPTER_UNCACHED_EXTENSION_NUMA_NODE_PREFERRED 0x00000004
#define STOR_ADAPTER_DMA_V3_PREFERRED                       0x00000008
#define STOR_ADAPTER_FEATURE_ABORT_COMMAND                  0x00000010
#define STOR_ADAPTER_FEATURE_RICH_TEMPERATURE_THRESHOLD     0x00000020
#define STOR_ADAPTER_DMA_ADDRESS_WIDTH_SPECIFIED            0x00000040

/* Dma64BitAddresses: Storport writes 80h, the miniport answers with one of the others. */
#define SCSI_DMA64_SYSTEM_SUPPORTED                             0x80
#define SCSI_DMA64_MINIPORT_SUPPORTED                           0x01
#define SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED                 0x02
#define SCSI_DMA64_MINIPORT_FULL64BIT_NO_BOUNDARY_REQ_SUPPORTED 0x03
#define SCSI_DMA64_MINIPORT_64BIT_ONE_4GB_SUPPORTED             0x04

/* DumpMode. */
#define DUMP_MODE_CRASH       0x01
#define DUMP_MODE_HIBER       0x02
#define DUMP_MODE_MARK_MEMORY 0x03
#define DUMP_MODE_RESUME      0x04

typedef enum _STOR_SYNCHRONIZATION_MODEL {
    StorSynchronizeHalfDuplex,
    StorSynchronizeFullDuplex /* the only one for a virtual miniport */
} STOR_SYNCHRONIZATION_MODEL;

typedef enum _INTERRUPT_SYNCHRONIZATION_MODE {
    InterruptSupportNone,
    InterruptSynchronizeAll,
    InterruptSynchronizePerMessage
} INTERRUPT_SYNCHRONIZATION_MODE;

typedef enum _SCSI_ADAPTER_CONTROL_TYPE {
    ScsiQuerySupportedControlTypes = 0,
    ScsiStopAdapter,
    ScsiRestartAdapter,
    ScsiSetBootConfig,
    ScsiSetRunningConfig,
    ScsiPowerSettingNotification,
    ScsiAdapterPower,
    ScsiAdapterPoFxPowerRequired,
    ScsiAdapterPoFxPowerActive,
    ScsiAdapterPoFxPowerSetFState,
    ScsiAdapterPoFxPowerControl,
    ScsiAdapterPrepareForBusReScan,
    ScsiAdapterSystemPowerHints,
    ScsiAdapterFilterResourceRequirements,
    ScsiAdapterPoFxMaxOperationalPower,
    ScsiAdapterPoFxSetPerfState,
    ScsiAdapterSurpriseRemoval,
    ScsiAdapterSerialNumber,
    ScsiAdapterCryptoOperation,
    ScsiAdapterQueryFruId,
    ScsiAdapterSetEventLogging,
    ScsiAdapterReportInternalData,
    ScsiAdapterResetBusSynchronous,
    ScsiAdapterPostHwInitialize,
    ScsiAdapterPrepareEarlyDumpData,
    ScsiAdapterRestoreEarlyDumpData,
    ScsiAdapterKsrPowerDown,
    ScsiAdapterPreparePLDR,
    ScsiAdapterNvmeofAdapterOperation,
    ScsiAdapterControlMax
} SCSI_ADAPTER_CONTROL_TYPE,
    *PSCSI_ADAPTER_CONTROL_TYPE;

typedef enum _SCSI_ADAPTER_CONTROL_STATUS {
    ScsiAdapterControlSuccess = 0,
    ScsiAdapterControlUnsuccessful,
    ScsiAdapterControlRetryNeeded,
    ScsiAdapterControlBufferTooSmall
} SCSI_ADAPTER_CONTROL_STATUS,
    *PSCSI_ADAPTER_CONTROL_STATUS;

typedef enum _SCSI_UNIT_CONTROL_TYPE {
    ScsiQuerySupportedUnitControlTypes = 0,
    ScsiUnitUsage,
    ScsiUnitStart,
    ScsiUnitPower,
    ScsiUnitPoFxPowerInfo,
    ScsiUnitPoFxPowerRequired,
    ScsiUnitPoFxPowerActive,
    ScsiUnitPoFxPowerSetFState,
    ScsiUnitPoFxPowerControl,
    ScsiUnitRemove,
    ScsiUnitSurpriseRemoval,
    ScsiUnitRichDescription,
    ScsiUnitQueryBusType,
    ScsiUnitQueryFruId,
    ScsiUnitReportInternalData,
    ScsiUnitKsrPowerDown,
    ScsiUnitControlMax
} SCSI_UNIT_CONTROL_TYPE,
    *PSCSI_UNIT_CONTROL_TYPE;

typedef enum _SCSI_UNIT_CONTROL_STATUS {
    ScsiUnitControlSuccess = 0,
    ScsiUnitControlUnsuccessful
} SCSI_UNIT_CONTROL_STATUS,
    *PSCSI_UNIT_CONTROL_STATUS;

/**
 * Parameters of the two query types. MaxControlType entries follow, all FALSE: write no others; it
 * may be more than the driver was compiled with, or fewer.
 */
typedef struct _SCSI_SUPPORTED_CONTROL_TYPE_LIST {
    ULONG MaxControlType;
    BOOLEAN SupportedTypeList[];
} SCSI_SUPPORTED_CONTROL_TYPE_LIST, *PSCSI_SUPPORTED_CONTROL_TYPE_LIST;

struct _DRIVER_OBJECT;
struct _GROUP_AFFINITY;
struct _PORT_CONFIGURATION_INFORMATION;
struct _STOR_DPC;

/* ---- Callbacks: the role types that a driver declares its routines with ---- */

/** DriverEntry, as Storport's documentation declares it. \irql{PASSIVE_LEVEL} */
typedef NTSTATUS(NTAPI sp_DRIVER_INITIALIZE)(_In_ struct _DRIVER_OBJECT *DriverObject,
                                             _In_ PUNICODE_STRING RegistryPath);

/** After HwFindAdapter, and after each power-up without ScsiRestartAdapter. \irql{PASSIVE_LEVEL,
 *  for a virtual miniport} \locks{none} */
typedef BOOLEAN(NTAPI HW_INITIALIZE)(_In_ PVOID DeviceExtension);
typedef HW_INITIALIZE *PHW_INITIALIZE;

/** After HwInitialize, if that asked for it. \irql{PASSIVE_LEVEL} \locks{none} */
typedef BOOLEAN(NTAPI HW_PASSIVE_INITIALIZE_ROUTINE)(_In_ PVOID DeviceExtension);
typedef HW_PASSIVE_INITIALIZE_ROUTINE *PHW_PASSIVE_INITIALIZE_ROUTINE;

/** Not called for a virtual miniport. */
typedef BOOLEAN(NTAPI HW_BUILDIO)(_In_ PVOID DeviceExtension, _In_ PSCSI_REQUEST_BLOCK Srb);
typedef HW_BUILDIO *PHW_BUILDIO;

/** One SRB, of either form. \irql{<= DISPATCH_LEVEL, any, concurrently} \locks{none, for a virtual
 *  miniport} */
typedef BOOLEAN(NTAPI HW_STARTIO)(_In_ PVOID DeviceExtension, _In_ PSCSI_REQUEST_BLOCK Srb);
typedef HW_STARTIO *PHW_STARTIO;

/** Not called for a virtual miniport. */
typedef BOOLEAN(NTAPI HW_INTERRUPT)(_In_ PVOID DeviceExtension);
typedef HW_INTERRUPT *PHW_INTERRUPT;

/** StorPortNotification's RequestTimerCall. \irql{DISPATCH_LEVEL} \locks{StartIo} */
typedef VOID(NTAPI HW_TIMER)(_In_ PVOID DeviceExtension);
typedef HW_TIMER *PHW_TIMER;

/** StorPortRequestTimer. \irql{DISPATCH_LEVEL} \locks{none} */
typedef VOID(NTAPI HW_TIMER_EX)(_In_ PVOID DeviceExtension, _In_opt_ PVOID Context);
typedef HW_TIMER_EX *PHW_TIMER_EX;

/** Not called for a virtual miniport. */
typedef VOID(NTAPI HW_DMA_STARTED)(_In_ PVOID DeviceExtension);
typedef HW_DMA_STARTED *PHW_DMA_STARTED;

/** A physical miniport's; a virtual one has VIRTUAL_HW_FIND_ADAPTER. \irql{PASSIVE_LEVEL} */
typedef ULONG(NTAPI HW_FIND_ADAPTER)(_In_ PVOID DeviceExtension, _In_opt_ PVOID HwContext,
                                     _In_opt_ PVOID BusInformation, _In_opt_ PCHAR ArgumentString,
                                     _Inout_ struct _PORT_CONFIGURATION_INFORMATION *ConfigInfo,
                                     _Out_ PBOOLEAN Again);
typedef HW_FIND_ADAPTER *PHW_FIND_ADAPTER;

/** HwContext: PDO. BusInformation: FDO. LowerDevice: what the FDO is attached to. \return
 *  SP_RETURN_*. \irql{PASSIVE_LEVEL, while the adapter is started} \locks{none} */
typedef ULONG(NTAPI VIRTUAL_HW_FIND_ADAPTER)(
    _In_ PVOID DeviceExtension, _In_ PVOID HwContext, _In_ PVOID BusInformation,
    _In_ PVOID LowerDevice, _In_opt_ PCHAR ArgumentString,
    _Inout_ struct _PORT_CONFIGURATION_INFORMATION *ConfigInfo, _Out_ PBOOLEAN Again);
typedef VIRTUAL_HW_FIND_ADAPTER *PVIRTUAL_HW_FIND_ADAPTER;

/** The last tier of a reset: the SRBs of a path must end. \irql{DISPATCH_LEVEL} \locks{StartIo} */
typedef BOOLEAN(NTAPI HW_RESET_BUS)(_In_ PVOID DeviceExtension, _In_ ULONG PathId);
typedef HW_RESET_BUS *PHW_RESET_BUS;

/** Not called for a virtual miniport. */
typedef BOOLEAN(NTAPI HW_ADAPTER_STATE)(_In_ PVOID DeviceExtension, _In_ PVOID Context,
                                        _In_ BOOLEAN SaveState);
typedef HW_ADAPTER_STATE *PHW_ADAPTER_STATE;

/** \irql{depends on ControlType: PASSIVE_LEVEL for the query} \locks{none} */
typedef SCSI_ADAPTER_CONTROL_STATUS(NTAPI HW_ADAPTER_CONTROL)(
    _In_ PVOID DeviceExtension, _In_ SCSI_ADAPTER_CONTROL_TYPE ControlType, _In_ PVOID Parameters);
typedef HW_ADAPTER_CONTROL *PHW_ADAPTER_CONTROL;

/** \irql{depends on ControlType: PASSIVE_LEVEL for the query} \locks{none} */
typedef SCSI_UNIT_CONTROL_STATUS(NTAPI HW_UNIT_CONTROL)(_In_ PVOID DeviceExtension,
                                                        _In_ SCSI_UNIT_CONTROL_TYPE ControlType,
                                                        _In_ PVOID Parameters);
typedef HW_UNIT_CONTROL *PHW_UNIT_CONTROL;

/** The last callback of an adapter. \irql{PASSIVE_LEVEL} \locks{none} */
typedef VOID(NTAPI HW_FREE_ADAPTER_RESOURCES)(_In_ PVOID DeviceExtension);
typedef HW_FREE_ADAPTER_RESOURCES *PHW_FREE_ADAPTER_RESOURCES;

/** An IOCTL_MINIPORT_PROCESS_SERVICE_IRP; ends with StorPortCompleteServiceIrp.
 *  \irql{PASSIVE_LEVEL} \locks{none} */
typedef VOID(NTAPI HW_PROCESS_SERVICE_REQUEST)(_In_ PVOID DeviceExtension, _In_ PVOID Irp);
typedef HW_PROCESS_SERVICE_REQUEST *PHW_PROCESS_SERVICE_REQUEST;

/** The adapter goes: complete all service IRPs now. \irql{PASSIVE_LEVEL} \locks{none} */
typedef VOID(NTAPI HW_COMPLETE_SERVICE_IRP)(_In_ PVOID DeviceExtension);
typedef HW_COMPLETE_SERVICE_IRP *PHW_COMPLETE_SERVICE_IRP;

/** Gets StorPortInitialize's first two arguments. \irql{PASSIVE_LEVEL} */
typedef VOID(NTAPI HW_INITIALIZE_TRACING)(_In_ PVOID Arg1, _In_ PVOID Arg2);
typedef HW_INITIALIZE_TRACING *PHW_INITIALIZE_TRACING;

/** Gets the driver object. \irql{PASSIVE_LEVEL} */
typedef VOID(NTAPI HW_CLEANUP_TRACING)(_In_ PVOID Arg1);
typedef HW_CLEANUP_TRACING *PHW_CLEANUP_TRACING;

/** Somebody listens to Storport's ETW channel, or no longer. \irql{PASSIVE_LEVEL} \locks{none} */
typedef VOID(NTAPI HW_TRACING_ENABLED)(_In_ PVOID HwDeviceExtension, _In_ BOOLEAN Enabled);
typedef HW_TRACING_ENABLED *PHW_TRACING_ENABLED;

/** Storport has handled a StorPortStateChangeDetected. \irql{DISPATCH_LEVEL} \locks{StartIo} */
typedef VOID(NTAPI HW_STATE_CHANGE)(_In_ PVOID HwDeviceExtension, _In_opt_ PVOID Context,
                                    _In_ SHORT AddressType, _In_ PVOID Address, _In_ ULONG Status);
typedef HW_STATE_CHANGE *PHW_STATE_CHANGE;

/** StorPortQueueWorkItem. \irql{PASSIVE_LEVEL} \locks{none} */
typedef VOID(NTAPI HW_WORKITEM)(_In_ PVOID HwDeviceExtension, _In_opt_ PVOID Context,
                                _In_ PVOID Worker);
typedef HW_WORKITEM *PHW_WORKITEM;

/** StorPortIssueDpc. \irql{DISPATCH_LEVEL} \locks{none} */
typedef VOID(NTAPI HW_DPC_ROUTINE)(_In_ struct _STOR_DPC *Dpc, _In_ PVOID HwDeviceExtension,
                                   _In_opt_ PVOID SystemArgument1, _In_opt_ PVOID SystemArgument2);
typedef HW_DPC_ROUTINE *PHW_DPC_ROUTINE;

/** Not called for a virtual miniport. */
typedef BOOLEAN(NTAPI HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE)(_In_ PVOID HwDeviceExtension,
                                                             _In_ ULONG MessageId);
typedef HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE *PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE;

/** StorPortSynchronizeAccess; a virtual adapter has no interrupt to synchronize with. */
typedef BOOLEAN(NTAPI STOR_SYNCHRONIZED_ACCESS)(_In_ PVOID HwDeviceExtension, _In_ PVOID Context);
typedef STOR_SYNCHRONIZED_ACCESS *PSTOR_SYNCHRONIZED_ACCESS;

/* ---- Registration ---- */

/** What DriverEntry gives StorPortInitialize (Windows 8 form). Zero it, then fill it. */
typedef struct _HW_INITIALIZATION_DATA {
    ULONG HwInitializationDataSize; /* sizeof(HW_INITIALIZATION_DATA) */
    INTERFACE_TYPE AdapterInterfaceType;
    PHW_INITIALIZE HwInitialize;
    PHW_STARTIO HwStartIo;
    PHW_INTERRUPT HwInterrupt;
    PVOID HwFindAdapter; /* VIRTUAL_HW_FIND_ADAPTER with STOR_FEATURE_VIRTUAL_MINIPORT */
    PHW_RESET_BUS HwResetBus;
    PHW_DMA_STARTED HwDmaStarted;
    PHW_ADAPTER_STATE HwAdapterState;
    ULONG DeviceExtensionSize;     /* bytes per adapter, zeroed once */
    ULONG SpecificLuExtensionSize; /* bytes per logical unit, zeroed once */
    ULONG SrbExtensionSize;        /* bytes per SRB, never zeroed */
    ULONG NumberOfAccessRanges;
    PVOID Reserved;
    UCHAR MapBuffers; /* STOR_MAP_* */
    BOOLEAN NeedPhysicalAddresses;
    BOOLEAN TaggedQueuing;
    BOOLEAN AutoRequestSense;
    BOOLEAN MultipleRequestPerLu;
    BOOLEAN ReceiveEvent;
    USHORT VendorIdLength;
    PVOID VendorId;
    union {
        USHORT ReservedUshort;
        USHORT PortVersionFlags;
    };
    USHORT DeviceIdLength;
    PVOID DeviceId;
    PHW_ADAPTER_CONTROL HwAdapterControl;
    PHW_BUILDIO HwBuildIo;
    PHW_FREE_ADAPTER_RESOURCES HwFreeAdapterResources;
    PHW_PROCESS_SERVICE_REQUEST HwProcessServiceRequest;
    PHW_COMPLETE_SERVICE_IRP HwCompleteServiceIrp;
    PHW_INITIALIZE_TRACING HwInitializeTracing;
    PHW_CLEANUP_TRACING HwCleanupTracing;
    PHW_TRACING_ENABLED HwTracingEnabled;
    ULONG FeatureSupport;   /* STOR_FEATURE_* */
    ULONG SrbTypeFlags;     /* SRB_TYPE_FLAG_* */
    ULONG AddressTypeFlags; /* ADDRESS_TYPE_FLAG_* */
    ULONG Reserved1;
    PHW_UNIT_CONTROL HwUnitControl;
} HW_INITIALIZATION_DATA, *PHW_INITIALIZATION_DATA;

/** The form of Windows Vista SP1 to 7, still accepted: the first B0h bytes of the other. */
typedef struct _VIRTUAL_HW_INITIALIZATION_DATA {
    ULONG HwInitializationDataSize; /* sizeof(VIRTUAL_HW_INITIALIZATION_DATA) */
    INTERFACE_TYPE AdapterInterfaceType;
    PHW_INITIALIZE HwInitialize;
    PHW_STARTIO HwStartIo;
    PHW_INTERRUPT HwInterrupt;
    PVIRTUAL_HW_FIND_ADAPTER HwFindAdapter;
    PHW_RESET_BUS HwResetBus;
    PHW_DMA_STARTED HwDmaStarted;
    PHW_ADAPTER_STATE HwAdapterState;
    ULONG DeviceExtensionSize;
    ULONG SpecificLuExtensionSize;
    ULONG SrbExtensionSize;
    ULONG NumberOfAccessRanges;
    PVOID Reserved;
    UCHAR MapBuffers;
    BOOLEAN NeedPhysicalAddresses;
    BOOLEAN TaggedQueuing;
    BOOLEAN AutoRequestSense;
    BOOLEAN MultipleRequestPerLu;
    BOOLEAN ReceiveEvent;
    USHORT VendorIdLength;
    PVOID VendorId;
    union {
        USHORT ReservedUshort;
        USHORT PortVersionFlags;
    };
    USHORT DeviceIdLength;
    PVOID DeviceId;
    PHW_ADAPTER_CONTROL HwAdapterControl;
    PHW_BUILDIO HwBuildIo;
    PHW_FREE_ADAPTER_RESOURCES HwFreeAdapterResources;
    PHW_PROCESS_SERVICE_REQUEST HwProcessServiceRequest;
    PHW_COMPLETE_SERVICE_IRP HwCompleteServiceIrp;
    PHW_INITIALIZE_TRACING HwInitializeTracing;
    PHW_CLEANUP_TRACING HwCleanupTracing;
} VIRTUAL_HW_INITIALIZATION_DATA, *PVIRTUAL_HW_INITIALIZATION_DATA;

#define HW_INIT_DATA_SIZE_PHYSICAL FIELD_OFFSET(HW_INITIALIZATION_DATA, HwFreeAdapterResources)
#define HW_INIT_DATA_SIZE_VIRTUAL  FIELD_OFFSET(HW_INITIALIZATION_DATA, HwTracingEnabled)

typedef struct _ACCESS_RANGE {
    STOR_PHYSICAL_ADDRESS RangeStart;
    ULONG RangeLength;
    BOOLEAN RangeInMemory;
} ACCESS_RANGE, *PACCESS_RANGE;

typedef struct _MEMORY_REGION {
    PUCHAR VirtualBase;
    PHYSICAL_ADDRESS PhysicalBase;
    ULONG Length;
} MEMORY_REGION, *PMEMORY_REGION;

/**
 * The adapter's configuration, filled in part by Storport before HwFindAdapter and completed there.
 * It must not be zeroed: most of it has defaults, and the driver changes only what it means to.
 */
typedef struct _PORT_CONFIGURATION_INFORMATION {
    ULONG Length;
    ULONG SystemIoBusNumber;
    INTERFACE_TYPE AdapterInterfaceType;
    ULONG BusInterruptLevel;
    ULONG BusInterruptVector;
    KINTERRUPT_MODE InterruptMode;
    ULONG MaximumTransferLength;  /* bytes; to be set */
    ULONG NumberOfPhysicalBreaks; /* to be set */
    ULONG DmaChannel;
    ULONG DmaPort;
    DMA_WIDTH DmaWidth;
    DMA_SPEED DmaSpeed;
    ULONG AlignmentMask;
    ULONG NumberOfAccessRanges;
    ACCESS_RANGE (*AccessRanges)[];
    PVOID MiniportDumpData; /* a MINIPORT_DUMP_POINTERS, in dump mode */
    UCHAR NumberOfBuses;    /* 0 until set */
    CCHAR InitiatorBusId[8];
    BOOLEAN ScatterGather; /* TRUE for a virtual miniport */
    BOOLEAN Master;
    BOOLEAN CachesData; /* asks for FLUSH and SHUTDOWN */
    BOOLEAN AdapterScansDown;
    BOOLEAN AtdiskPrimaryClaimed;
    BOOLEAN AtdiskSecondaryClaimed;
    BOOLEAN Dma32BitAddresses;
    BOOLEAN DemandMode;
    UCHAR MapBuffers;
    BOOLEAN NeedPhysicalAddresses;
    BOOLEAN TaggedQueuing;
    BOOLEAN AutoRequestSense;
    BOOLEAN MultipleRequestPerLu;
    BOOLEAN ReceiveEvent;
    BOOLEAN RealModeInitialized;
    BOOLEAN BufferAccessScsiPortControlled;
    UCHAR MaximumNumberOfTargets; /* per bus, at most 255 */
    UCHAR SrbType;                /* SRB_TYPE_*: what SRBs will come */
    UCHAR AddressType;
    ULONG SlotNumber;
    ULONG BusInterruptLevel2;
    ULONG BusInterruptVector2;
    KINTERRUPT_MODE InterruptMode2;
    ULONG DmaChannel2;
    ULONG DmaPort2;
    DMA_WIDTH DmaWidth2;
    DMA_SPEED DmaSpeed2;
    ULONG DeviceExtensionSize;
    ULONG SpecificLuExtensionSize;
    ULONG SrbExtensionSize;
    UCHAR Dma64BitAddresses; /* SCSI_DMA64_* */
    BOOLEAN ResetTargetSupported;
    UCHAR MaximumNumberOfLogicalUnits; /* per target, at most 255 */
    BOOLEAN WmiDataProvider;
    STOR_SYNCHRONIZATION_MODEL SynchronizationModel;
    PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE HwMSInterruptRoutine;
    INTERRUPT_SYNCHRONIZATION_MODE InterruptSynchronizationMode;
    MEMORY_REGION DumpRegion;
    ULONG RequestedDumpBufferSize;
    BOOLEAN VirtualDevice; /* TRUE: to be set by a virtual miniport */
    UCHAR DumpMode;        /* DUMP_MODE_*, 0 outside a dump */
    UCHAR DmaAddressWidth; /* Windows 10 2004; padding before */
    ULONG ExtendedFlags1;
    ULONG MaxNumberOfIO; /* outstanding, whole adapter */
    ULONG MaxIOsPerLun;
    ULONG InitialLunQueueDepth; /* 250 for a virtual miniport */
    ULONG BusResetHoldTime;     /* microseconds */
    ULONG FeatureSupport;       /* STOR_ADAPTER_* */
} PORT_CONFIGURATION_INFORMATION, *PPORT_CONFIGURATION_INFORMATION;

/* ---- PnP, power and what else goes through SRBs and control calls ---- */

#define STOR_DEVICE_CAPABILITIES_VERSION_1    0x1
#define STOR_DEVICE_CAPABILITIES_EX_VERSION_1 0x1

/** StorQueryCapabilities without STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES. */
typedef struct _STOR_DEVICE_CAPABILITIES {
    USHORT Version;
    ULONG : 0; /* System V would start the bits behind Version; Windows starts a new ULONG */
    ULONG DeviceD1 : 1;
    ULONG DeviceD2 : 1;
    ULONG LockSupported : 1;
    ULONG EjectSupported : 1;
    ULONG Removable : 1;
    ULONG DockDevice : 1;
    ULONG UniqueID : 1;
    ULONG SilentInstall : 1;
    ULONG SurpriseRemovalOK : 1;
    ULONG NoDisplayInUI : 1;
} STOR_DEVICE_CAPABILITIES, *PSTOR_DEVICE_CAPABILITIES;

/** StorQueryCapabilities with it. */
typedef struct _STOR_DEVICE_CAPABILITIES_EX {
    USHORT Version;
    USHORT Size;
    ULONG DeviceD1 : 1;
    ULONG DeviceD2 : 1;
    ULONG LockSupported : 1;
    ULONG EjectSupported : 1;
    ULONG Removable : 1;
    ULONG DockDevice : 1;
    ULONG UniqueID : 1;
    ULONG SilentInstall : 1;
    ULONG RawDeviceOK : 1;
    ULONG SurpriseRemovalOK : 1;
    ULONG NoDisplayInUI : 1;
    ULONG DefaultWriteCacheEnabled : 1;
    ULONG Reserved0 : 20;
    ULONG Address;
    ULONG UINumber;
    ULONG Reserved1[2];
} STOR_DEVICE_CAPABILITIES_EX, *PSTOR_DEVICE_CAPABILITIES_EX;

#define STOR_POWER_CONTROL_HEADER_VERSION_1 0x1

typedef struct _STOR_POWER_CONTROL_HEADER {
    ULONG Version;
    ULONG Size;
    PSTOR_ADDRESS Address;
} STOR_POWER_CONTROL_HEADER, *PSTOR_POWER_CONTROL_HEADER;

/** ScsiAdapterPower. */
typedef struct _STOR_ADAPTER_CONTROL_POWER {
    STOR_POWER_CONTROL_HEADER Header;
    STOR_POWER_ACTION PowerAction;
    STOR_DEVICE_POWER_STATE PowerState;
} STOR_ADAPTER_CONTROL_POWER, *PSTOR_ADAPTER_CONTROL_POWER;

/** ScsiUnitPower. */
typedef struct _STOR_UNIT_CONTROL_POWER {
    PSTOR_ADDRESS Address;
    STOR_POWER_ACTION PowerAction;
    STOR_DEVICE_POWER_STATE PowerState;
} STOR_UNIT_CONTROL_POWER, *PSTOR_UNIT_CONTROL_POWER;

typedef enum _SCSI_UC_DEVICE_USAGE_TYPE {
    ScsiDeviceUsageTypeUndefined = 0,
    ScsiDeviceUsageTypePaging,
    ScsiDeviceUsageTypeHibernation,
    ScsiDeviceUsageTypeDumpFile,
    ScsiDeviceUsageTypeBoot
} SCSI_UC_DEVICE_USAGE_TYPE;

/** ScsiUnitUsage. */
typedef struct _STOR_UC_DEVICE_USAGE {
    PSTOR_ADDRESS Address;
    SCSI_UC_DEVICE_USAGE_TYPE UsageType;
    BOOLEAN InUse;
} STOR_UC_DEVICE_USAGE, *PSTOR_UC_DEVICE_USAGE;

/** ScsiPowerSettingNotification. */
typedef struct _STOR_POWER_SETTING_INFO {
    GUID PowerSettingGuid;
    PVOID Value;
    ULONG ValueLength;
} STOR_POWER_SETTING_INFO, *PSTOR_POWER_SETTING_INFO;

/** What StorPortSetUnitAttributes declares while an INQUIRY completes. */
typedef struct _STOR_UNIT_ATTRIBUTES {
    ULONG DeviceAttentionSupported : 1;
    ULONG AsyncNotificationSupported : 1;
    ULONG D3ColdNotSupported : 1;
    ULONG Reserved : 29;
} STOR_UNIT_ATTRIBUTES, *PSTOR_UNIT_ATTRIBUTES;

#define STOR_VENDOR_ID_LENGTH                          16
#define STOR_MODEL_NUMBER_LENGTH                       64
#define STOR_FIRMWARE_REVISION_LENGTH                  16
#define STOR_RICH_DEVICE_DESCRIPTION_STRUCTURE_VERSION 0x1

/** ScsiUnitRichDescription. */
typedef struct _STOR_RICH_DEVICE_DESCRIPTION {
    ULONG Version;
    ULONG Size;
    CHAR VendorId[STOR_VENDOR_ID_LENGTH + 1];
    CHAR ModelNumber[STOR_MODEL_NUMBER_LENGTH + 1];
    CHAR FirmwareRevision[STOR_FIRMWARE_REVISION_LENGTH + 1];
} STOR_RICH_DEVICE_DESCRIPTION, *PSTOR_RICH_DEVICE_DESCRIPTION;

#define DUMP_MINIPORT_VERSION_1   0x0100
#define DUMP_MINIPORT_NAME_LENGTH 15

/** DataBuffer of SRB_FUNCTION_DUMP_POINTERS. */
typedef struct _MINIPORT_DUMP_POINTERS {
    USHORT Version;
    USHORT Size;
    WCHAR DriverName[DUMP_MINIPORT_NAME_LENGTH];
    struct _ADAPTER_OBJECT *AdapterObject;
    PVOID MappedRegisterBase;
    ULONG CommonBufferSize;
    PVOID MiniportPrivateDumpData;
    ULONG SystemIoBusNumber;
    INTERFACE_TYPE AdapterInterfaceType;
    ULONG MaximumTransferLength;
    ULONG NumberOfPhysicalBreaks;
    ULONG AlignmentMask;
    ULONG NumberOfAccessRanges;
    ACCESS_RANGE (*AccessRanges)[];
    UCHAR NumberOfBuses;
    BOOLEAN Master;
    BOOLEAN MapBuffers;
    UCHAR MaximumNumberOfTargets;
} MINIPORT_DUMP_POINTERS, *PMINIPORT_DUMP_POINTERS;

typedef enum _STOR_EVENT_ASSOCIATION_ENUM {
    StorEventAdapterAssociation = 0,
    StorEventLunAssociation,
    StorEventTargetAssociation,
    StorEventInvalidAssociation
} STOR_EVENT_ASSOCIATION_ENUM;

#define STOR_CURRENT_LOG_INTERFACE_REVISION 0x0100

/** One entry for the system event log. Dump data and strings together: at most 150 bytes. */
typedef struct _STOR_LOG_EVENT_DETAILS {
    ULONG InterfaceRevision;
    ULONG Size;
    ULONG Flags;
    STOR_EVENT_ASSOCIATION_ENUM EventAssociation;
    ULONG PathId;
    ULONG TargetId;
    ULONG LunId;
    BOOLEAN StorportSpecificErrorCode;
    ULONG ErrorCode;
    ULONG UniqueId;
    ULONG DumpDataSize;
    PVOID DumpData;
    ULONG StringCount;
    PWSTR *StringList;
} STOR_LOG_EVENT_DETAILS, *PSTOR_LOG_EVENT_DETAILS;

/* ---- Locks, DPCs ---- */

typedef enum _STOR_SPINLOCK {
    InvalidLock = 0,
    DpcLock = 1,
    StartIoLock,
    InterruptLock, /* a virtual adapter has none */
    ThreadedDpcLock,
    DpcLevelLock
} STOR_SPINLOCK;

/** Storage for a held lock; lives on the holder's stack. */
typedef struct _STOR_LOCK_HANDLE {
    STOR_SPINLOCK Lock;
    struct {
        struct {
            PVOID Next;
            PVOID Lock;
        } LockQueue;
        KIRQL OldIrql;
    } Context;
} STOR_LOCK_HANDLE, *PSTOR_LOCK_HANDLE;

/** The bytes of a KDPC. */
typedef struct _DPC_BUFFER {
    CSHORT Type;
    UCHAR Number;
    UCHAR Importance;
    struct {
        PVOID F;
        PVOID B;
    };
    PVOID DeferredRoutine;
    PVOID DeferredContext;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
    PVOID DpcData;
} DPC_BUFFER;

/** A miniport's DPC, serialized with itself by Lock. */
typedef struct _STOR_DPC {
    DPC_BUFFER Dpc;
    ULONG_PTR Lock;
} STOR_DPC, *PSTOR_DPC;

/* ---- What can be asked of Storport about a request or about itself ---- */

typedef enum _STOR_IO_PRIORITY_HINT {
    StorIoPriorityVeryLow = 0,
    StorIoPriorityLow,
    StorIoPriorityNormal,
    StorIoPriorityHigh,
    StorIoPriorityCritical
} STOR_IO_PRIORITY_HINT,
    *PSTOR_IO_PRIORITY_HINT;

#define STOR_REQUEST_INFO_VER_1 0x1

/** What the I/O manager knew of the request behind an SRB; Flags are REQUEST_INFO_*. */
typedef struct _STOR_REQUEST_INFO {
    USHORT Version;
    USHORT Size;
    STOR_IO_PRIORITY_HINT PriorityHint;
    ULONG Flags;
    ULONG Key;
    ULONG Length;
    BOOLEAN IsWriteRequest;
    UCHAR Reserved[3];
    PSTOR_UNICODE_STRING FileName;
    ULONG ProcessId;
} STOR_REQUEST_INFO, *PSTOR_REQUEST_INFO;

typedef STOR_REQUEST_INFO STOR_REQUEST_INFO_V1, *PSTOR_REQUEST_INFO_V1;

typedef struct _PERF_CONFIGURATION_DATA {
    ULONG Version;
    ULONG Size;
    ULONG Flags;
    ULONG ConcurrentChannels;
    ULONG FirstRedirectionMessageNumber;
    ULONG LastRedirectionMessageNumber;
    ULONG DeviceNode;
    ULONG Reserved;
    struct _GROUP_AFFINITY *MessageTargets;
} PERF_CONFIGURATION_DATA, *PPERF_CONFIGURATION_DATA;

typedef struct _STARTIO_PERFORMANCE_PARAMETERS {
    ULONG Version;
    ULONG Size;
    ULONG MessageNumber;
    ULONG ChannelNumber;
} STARTIO_PERFORMANCE_PARAMETERS, *PSTARTIO_PERFORMANCE_PARAMETERS;

/* A list that a physical miniport gets from StorPortGetScatterGatherList; here for its layout. */
typedef struct _STOR_SCATTER_GATHER_ELEMENT {
    STOR_PHYSICAL_ADDRESS PhysicalAddress;
    ULONG Length;
    ULONG_PTR Reserved;
} STOR_SCATTER_GATHER_ELEMENT, *PSTOR_SCATTER_GATHER_ELEMENT;

typedef struct _STOR_SCATTER_GATHER_LIST {
    ULONG NumberOfElements;
    ULONG_PTR Reserved;
    STOR_SCATTER_GATHER_ELEMENT List[];
} STOR_SCATTER_GATHER_LIST, *PSTOR_SCATTER_GATHER_LIST;

/* ChangedEntity of StorPortStateChangeDetected. */
#define STATE_CHANGE_LUN             0x1
#define STATE_CHANGE_TARGET          0x2
#define STATE_CHANGE_BUS             0x4
#define ATTRIBUTE_VM_PASSTHROUGH_LUN 0x1

/* Flags of StorPortAsyncNotificationDetected; 0 says all three. */
#define RAID_ASYNC_NOTIFY_FLAG_MEDIA_STATUS     0x1
#define RAID_ASYNC_NOTIFY_FLAG_DEVICE_STATUS    0x2
#define RAID_ASYNC_NOTIFY_FLAG_DEVICE_OPERATION 0x4
#define RAID_ASYNC_NOTIFY_SUPPORTED_FLAGS                                                          \
    (RAID_ASYNC_NOTIFY_FLAG_MEDIA_STATUS | RAID_ASYNC_NOTIFY_FLAG_DEVICE_STATUS |                  \
     RAID_ASYNC_NOTIFY_FLAG_DEVICE_OPERATION)

/* ETW. */
#define STORPORT_ETW_MAX_DESCRIPTION_LENGTH    32 /* characters before the NUL */
#define STORPORT_ETW_MAX_PARAM_NAME_LENGTH     16
#define STORPORT_ETW_EVENT_KEYWORD_IO          0x01ULL
#define STORPORT_ETW_EVENT_KEYWORD_PERFORMANCE 0x02ULL
#define STORPORT_ETW_EVENT_KEYWORD_POWER       0x04ULL
#define STORPORT_ETW_EVENT_KEYWORD_ENUMERATION 0x08ULL

typedef enum _STORPORT_ETW_LEVEL {
    StorportEtwLevelLogAlways = 0,
    StorportEtwLevelCritical = 1,
    StorportEtwLevelError = 2,
    StorportEtwLevelWarning = 3,
    StorportEtwLevelInformational = 4,
    StorportEtwLevelVerbose = 5
} STORPORT_ETW_LEVEL,
    *PSTORPORT_ETW_LEVEL;

typedef enum _STORPORT_ETW_EVENT_OPCODE {
    StorportEtwEventOpcodeInfo = 0,
    StorportEtwEventOpcodeStart = 1,
    StorportEtwEventOpcodeStop = 2,
    StorportEtwEventOpcodeDC_Start = 3,
    StorportEtwEventOpcodeDC_Stop = 4,
    StorportEtwEventOpcodeExtension = 5,
    StorportEtwEventOpcodeReply = 6,
    StorportEtwEventOpcodeResume = 7,
    StorportEtwEventOpcodeSuspend = 8,
    StorportEtwEventOpcodeSend = 9,
    StorportEtwEventOpcodeReceive = 240
} STORPORT_ETW_EVENT_OPCODE,
    *PSTORPORT_ETW_EVENT_OPCODE;

typedef enum _STORPORT_FEATURE_TYPE {
    StorportFeatureBusTypeUnitControl = 0,
    StorportFeatureMax
} STORPORT_FEATURE_TYPE,
    *PSTORPORT_FEATURE_TYPE;

/* ---- The two dispatchers ---- */

typedef enum _SCSI_NOTIFICATION_TYPE {
    RequestComplete = 0,
    NextRequest,
    NextLuRequest,
    ResetDetected,
    _obsolete1,
    _obsolete2,
    RequestTimerCall,
    BusChangeDetected,
    WMIEvent,
    WMIReregister,
    LinkUp,
    LinkDown,
    QueryTickCount,
    BufferOverrunDetected,
    TraceNotification,
    GetExtendedFunctionTable,
    EnablePassiveInitialization = 0x1000,
    InitializeDpc,
    IssueDpc,
    AcquireSpinLock,
    ReleaseSpinLock,
    StateChangeDetectedCall,
    IoTargetRequestServiceTime,
    AsyncNotificationDetected,
    RequestDirectComplete,
    InitializeDpcWithContext,
    InitializeThreadedDpc,
    SetTargetProcessorDpc,
    MarkDeviceFailed,
    MarkDeviceFailedEx,
    TerminateSystemThread,
    NvmeofNotification
} SCSI_NOTIFICATION_TYPE,
    *PSCSI_NOTIFICATION_TYPE;

/** What StorPortExtendedFunction is asked for, numbered from 0; older versions know fewer. */
typedef enum _STORPORT_FUNCTION_CODE {
    ExtFunctionAllocatePool = 0,
    ExtFunctionFreePool,
    ExtFunctionAllocateMdl,
    ExtFunctionFreeMdl,
    ExtFunctionBuildMdlForNonPagedPool,
    ExtFunctionGetSystemAddress,
    ExtFunctionGetOriginalMdl,
    ExtFunctionCompleteServiceIrp,
    ExtFunctionGetDeviceObjects,
    ExtFunctionBuildScatterGatherList,
    ExtFunctionPutScatterGatherList = 10,
    ExtFunctionAcquireMSISpinLock,
    ExtFunctionReleaseMSISpinLock,
    ExtFunctionGetMessageInterruptInformation,
    ExtFunctionInitializePerformanceOptimizations,
    ExtFunctionGetStartIoPerformanceParameters,
    ExtFunctionLogSystemEvent,
    ExtFunctionGetCurrentProcessorNumber,
    ExtFunctionGetActiveGroupCount,
    ExtFunctionGetGroupAffinity,
    ExtFunctionGetActiveNodeCount = 20,
    ExtFunctionGetNodeAffinity,
    ExtFunctionGetHighestNodeNumber,
    ExtFunctionGetLogicalProcessorRelationship,
    ExtFunctionAllocateContiguousMemorySpecifyCacheNode,
    ExtFunctionFreeContiguousMemorySpecifyCache,
    ExtFunctionSetPowerSettingNotificationGuids,
    ExtFunctionInvokeAcpiMethod,
    ExtFunctionGetRequestInfo,
    ExtFunctionInitializeWorker,
    ExtFunctionQueueWorkItem = 30,
    ExtFunctionFreeWorker,
    ExtFunctionInitializeTimer,
    ExtFunctionRequestTimer,
    ExtFunctionFreeTimer,
    ExtFunctionInitializeSListHead,
    ExtFunctionInterlockedFlushSList,
    ExtFunctionInterlockedPopEntrySList,
    ExtFunctionInterlockedPushEntrySList,
    ExtFunctionQueryDepthSList,
    ExtFunctionGetActivityId = 40,
    ExtFunctionGetSystemPortNumber,
    ExtFunctionGetDataInBufferMdl,
    ExtFunctionGetDataInBufferSystemAddress,
    ExtFunctionGetDataInBufferScatterGatherList,
    ExtFunctionMarkDumpMemory,
    ExtFunctionSetUnitAttributes,
    ExtFunctionQueryPerformanceCounter,
    ExtFunctionInitializePoFxPower,
    ExtFunctionPoFxActivateComponent,
    ExtFunctionPoFxIdleComponent = 50,
    ExtFunctionPoFxSetComponentLatency,
    ExtFunctionPoFxSetComponentResidency,
    ExtFunctionPoFxPowerControl,
    ExtFunctionFlushDataBufferMdl,
    ExtFunctionDeviceOperationAllowed,
    ExtFunctionGetProcessorIndexFromNumber,
    ExtFunctionPoFxSetIdleTimeout,
    ExtFunctionMiniportEtwEvent2,
    ExtFunctionMiniportEtwEvent4,
    ExtFunctionMiniportEtwEvent8 = 60,
    ExtFunctionCurrentOsInstallationUpgrade,
    ExtFunctionRegistryReadAdapterKey,
    ExtFunctionRegistryWriteAdapterKey,
    ExtFunctionSetAdapterBusType,
    ExtFunctionPoFxRegisterPerfStates,
    ExtFunctionPoFxSetPerfState,
    ExtFunctionGetD3ColdSupport,
    ExtFunctionInitializeRpmb,
    ExtFunctionAllocateHmb,
    ExtFunctionFreeHmb = 70,
    ExtFunctionPropagateIrpExtension,
    ExtFunctionInterlockedInsertHeadList,
    ExtFunctionInterlockedInsertTailList,
    ExtFunctionInterlockedRemoveHeadList,
    ExtFunctionInitializeSpinlock,
    ExtFunctionGetPfns,
    ExtFunctionInitializeCryptoEngine,
    ExtFunctionGetRequestCryptoInfo,
    ExtFunctionMiniportTelemetry,
    ExtFunctionUpdateAdapterMaxIO = 80,
    ExtFunctionDelayExecution,
    ExtFunctionAllocateDmaMemory,
    ExtFunctionFreeDmaMemory,
    ExtFunctionUpdateAdapterMaxIOInfo,
    ExtFunctionMiniportChannelEtwEvent2,
    ExtFunctionMiniportChannelEtwEvent4,
    ExtFunctionMiniportChannelEtwEvent8,
    ExtFunctionInitializeHighResolutionTimer,
    ExtFunctionRequestHighResolutionTimer,
    ExtFunctionCancelHighResolutionTimer = 90,
    ExtFunctionFreeHighResolutionTimer,
    ExtFunctionGetCurrentProcessorIndex,
    ExtFunctionAcquireSpinLock,
    ExtFunctionGetProcessorCount,
    ExtFunctionCancelDpc,
    ExtFunctionMiniportTelemetryEx,
    ExtFunctionQueryConfiguration,
    ExtFunctionLogHardwareError,
    ExtFunctionInitializeEvent,
    ExtFunctionWaitForEvent = 100,
    ExtFunctionSetEvent,
    ExtFunctionDeviceReset,
    ExtFunctionSetFeatureList,
    ExtFunctionCaptureLiveDump,
    ExtFunctionMiniportLogByteStream,
    ExtFunctionQueryDpcWatchdogInformation,
    ExtFunctionQueryTimerMinInterval,
    ExtFunctionMaskPciMsixEntry,
    ExtFunctionGetCurrentIrql,
    ExtFunctionCreateSystemThread = 110,
    ExtFunctionSetPriorityThread,
    ExtFunctionSetSystemGroupAffinityThread,
    ExtFunctionRevertToUserGroupAffinityThread,
    ExtFunctionDeviceResetEx,
    ExtFunctionMiniportReportInternalData,
    ExtFunctionGetMessageInterruptIDFromProcessorIndex,
    ExtFunctionGetNodeAffinity2,
    ExtFunctionEnableRegistryKeyNotification,
    ExtFunctionPoFxRegisterPerfStatesEx,
    ExtFunctionReadRegistryKey = 120,
    ExtFunctionGetDeviceBase2,
    ExtFunctionIsDriverHotSwapEnabled,
    ExtFunctionRegisterDriverProxy,
    ExtFunctionRegisterDriverProxyEndpoints,
    ExtFunctionGetDriverProxyEndpointWrapper,
    ExtFunctionNvmeIceIoStart,
    ExtFunctionNvmeIceIoComplete,
    ExtFunctionNvmeMiniportEvent,
    ExtFunctionNvmeMiniportTelemetry
} STORPORT_FUNCTION_CODE,
    *PSTORPORT_FUNCTION_CODE;

/* ---- Imported routines ---- */

/**
 * Registers the miniport; DriverEntry's one call.
 * \param Argument1,Argument2  DriverEntry's own arguments.
 * \param HwInitializationData  either form; its first field says which.
 * \param HwContext  unused for a PnP driver.
 * \return an NTSTATUS: STATUS_SUCCESS, _INVALID_PARAMETER, _NO_MEMORY, _REVISION_MISMATCH (a size
 *         that no form has), _INSUFFICIENT_RESOURCES.
 * \irql{PASSIVE_LEVEL}
 */
STORPORT_API ULONG NTAPI StorPortInitialize(_In_ PVOID Argument1, _In_ PVOID Argument2,
                                            _In_ PHW_INITIALIZATION_DATA HwInitializationData,
                                            _In_opt_ PVOID HwContext);

/** Tells Storport something; the arguments depend on the type. RequestComplete: `Srb`, which then
 *  belongs to Storport. BusChangeDetected: a path, or nothing. RequestTimerCall: `PHW_TIMER, ULONG`
 *  microseconds. \irql{<= DISPATCH_LEVEL} */
STORPORT_API VOID NTAPI StorPortNotification(_In_ SCSI_NOTIFICATION_TYPE NotificationType,
                                             _In_ PVOID HwDeviceExtension, ...);

/** Asks Storport for something: behind every wrapper below. \return STOR_STATUS_*;
 *  STOR_STATUS_NOT_IMPLEMENTED for a code that this Storport does not know. */
STORPORT_API ULONG NTAPI StorPortExtendedFunction(_In_ STORPORT_FUNCTION_CODE FunctionCode,
                                                  _In_ PVOID HwDeviceExtension, ...);

/** \return the extension of a logical unit, or NULL where Storport knows none.
 *  \irql{<= DISPATCH_LEVEL} */
STORPORT_API PVOID NTAPI StorPortGetLogicalUnit(_In_ PVOID HwDeviceExtension, _In_ UCHAR PathId,
                                                _In_ UCHAR TargetId, _In_ UCHAR Lun);

/** Holds all requests of the adapter for TimeOut seconds or until StorPortResume. */
STORPORT_API BOOLEAN NTAPI StorPortPause(_In_ PVOID HwDeviceExtension, _In_ ULONG TimeOut);
/** Ends StorPortPause. */
STORPORT_API BOOLEAN NTAPI StorPortResume(_In_ PVOID HwDeviceExtension);
/** Holds the requests of one logical unit for TimeOut seconds or until StorPortResumeDevice. */
STORPORT_API BOOLEAN NTAPI StorPortPauseDevice(_In_ PVOID HwDeviceExtension, _In_ UCHAR PathId,
                                               _In_ UCHAR TargetId, _In_ UCHAR Lun,
                                               _In_ ULONG TimeOut);
/** Ends StorPortPauseDevice. */
STORPORT_API BOOLEAN NTAPI StorPortResumeDevice(_In_ PVOID HwDeviceExtension, _In_ UCHAR PathId,
                                                _In_ UCHAR TargetId, _In_ UCHAR Lun);
/** Holds new requests of the adapter until that many outstanding ones have completed. */
STORPORT_API BOOLEAN NTAPI StorPortBusy(_In_ PVOID HwDeviceExtension,
                                        _In_ ULONG RequestsToComplete);
/** Ends StorPortBusy. */
STORPORT_API BOOLEAN NTAPI StorPortReady(_In_ PVOID HwDeviceExtension);
/** StorPortBusy for one logical unit. */
STORPORT_API BOOLEAN NTAPI StorPortDeviceBusy(_In_ PVOID HwDeviceExtension, _In_ UCHAR PathId,
                                              _In_ UCHAR TargetId, _In_ UCHAR Lun,
                                              _In_ ULONG RequestsToComplete);
/** Ends StorPortDeviceBusy. */
STORPORT_API BOOLEAN NTAPI StorPortDeviceReady(_In_ PVOID HwDeviceExtension, _In_ UCHAR PathId,
                                               _In_ UCHAR TargetId, _In_ UCHAR Lun);
/** Changes a logical unit's queue depth (> 0); not before its first INQUIRY. */
STORPORT_API BOOLEAN NTAPI StorPortSetDeviceQueueDepth(_In_ PVOID HwDeviceExtension,
                                                       _In_ UCHAR PathId, _In_ UCHAR TargetId,
                                                       _In_ UCHAR Lun, _In_ ULONG Depth);
/** Completes all outstanding requests that match; SP_UNTAGGED matches any. Discouraged: it goes
 *  past whatever queue the miniport keeps. */
STORPORT_API VOID NTAPI StorPortCompleteRequest(_In_ PVOID HwDeviceExtension, _In_ UCHAR PathId,
                                                _In_ UCHAR TargetId, _In_ UCHAR Lun,
                                                _In_ UCHAR SrbStatus);
/** Writes SP_* to the event log. Deprecated in favour of StorPortLogSystemEvent. */
STORPORT_API VOID NTAPI StorPortLogError(_In_ PVOID HwDeviceExtension,
                                         _In_opt_ PSCSI_REQUEST_BLOCK Srb, _In_ UCHAR PathId,
                                         _In_ UCHAR TargetId, _In_ UCHAR Lun, _In_ ULONG ErrorCode,
                                         _In_ ULONG UniqueId);
/** \param CurrentTime  100 ns units since 1601, UTC. \irql{any} */
STORPORT_API VOID NTAPI StorPortQuerySystemTime(_Out_ PLARGE_INTEGER CurrentTime);
/** Spins. \param Delay  microseconds, below 1000. \irql{any} */
STORPORT_API VOID NTAPI StorPortStallExecution(_In_ ULONG Delay);
/** Prints to the debugger. \param DebugPrintLevel  0 error to 3 information. \irql{any} */
STORPORT_API VOID NTAPI StorPortDebugPrint(_In_ ULONG DebugPrintLevel, _In_ PCSTR DebugMessage,
                                           ...);
/** \param Length  in: bytes wanted; out: bytes got. \return the adapter's one registry buffer;
 *  NULL while it is out. \irql{PASSIVE_LEVEL} */
STORPORT_API PUCHAR NTAPI StorPortAllocateRegistryBuffer(_In_ PVOID HwDeviceExtension,
                                                         _In_ PULONG Length);
/** Gives the registry buffer back. \irql{PASSIVE_LEVEL} */
STORPORT_API VOID NTAPI StorPortFreeRegistryBuffer(_In_ PVOID HwDeviceExtension,
                                                   _In_ PUCHAR Buffer);
/**
 * Reads a value of the service's Parameters\\Device key (Global nonzero) or Parameters\\DeviceN.
 * \param Buffer  the registry buffer; strings arrive as ASCII.
 * \param BufferLength  in: room; out: bytes, or with FALSE bytes needed, 0 for an error.
 * \irql{PASSIVE_LEVEL}
 */
STORPORT_API BOOLEAN NTAPI StorPortRegistryRead(_In_ PVOID HwDeviceExtension, _In_ PUCHAR ValueName,
                                                _In_ ULONG Global, _In_ ULONG Type,
                                                _In_ PUCHAR Buffer, _Inout_ PULONG BufferLength);
/** Writes such a value. \irql{PASSIVE_LEVEL} */
STORPORT_API BOOLEAN NTAPI StorPortRegistryWrite(_In_ PVOID HwDeviceExtension,
                                                 _In_ PUCHAR ValueName, _In_ ULONG Global,
                                                 _In_ ULONG Type, _In_ PUCHAR Buffer,
                                                 _In_ ULONG BufferLength);
/** Runs a callback against the interrupt; for a virtual adapter there is nothing to run against. */
STORPORT_API BOOLEAN NTAPI StorPortSynchronizeAccess(
    _In_ PVOID HwDeviceExtension, _In_ PSTOR_SYNCHRONIZED_ACCESS SynchronizedAccessRoutine,
    _In_opt_ PVOID Context);

#define StorPortCopyMemory(Destination, Source, Length) RtlCopyMemory(Destination, Source, Length)
#define StorPortMoveMemory(Destination, Source, Length) RtlMoveMemory(Destination, Source, Length)

/* ---- Inlines over StorPortExtendedFunction; each returns STOR_STATUS_* ---- */

/** Nonpaged pool; the buffer is not zeroed. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortAllocatePool(_In_ PVOID HwDeviceExtension, _In_ ULONG NumberOfBytes,
                                       _In_ ULONG Tag, _Out_ PVOID *BufferPointer)
{
    return StorPortExtendedFunction(ExtFunctionAllocatePool, HwDeviceExtension, NumberOfBytes, Tag,
                                    BufferPointer);
}

/** Frees StorPortAllocatePool's. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortFreePool(_In_ PVOID HwDeviceExtension, _In_ PVOID BufferPointer)
{
    return StorPortExtendedFunction(ExtFunctionFreePool, HwDeviceExtension, BufferPointer);
}

/** An MDL for a buffer of nonpaged pool. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortAllocateMdl(_In_ PVOID HwDeviceExtension, _In_ PVOID BufferPointer,
                                      _In_ ULONG NumberOfBytes, _Out_ PVOID *Mdl)
{
    return StorPortExtendedFunction(ExtFunctionAllocateMdl, HwDeviceExtension, BufferPointer,
                                    NumberOfBytes, Mdl);
}

/** Frees it. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortFreeMdl(_In_ PVOID HwDeviceExtension, _In_ PVOID Mdl)
{
    return StorPortExtendedFunction(ExtFunctionFreeMdl, HwDeviceExtension, Mdl);
}

/** Fills its page array. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortBuildMdlForNonPagedPool(_In_ PVOID HwDeviceExtension, _Inout_ PVOID Mdl)
{
    return StorPortExtendedFunction(ExtFunctionBuildMdlForNonPagedPool, HwDeviceExtension, Mdl);
}

/** Where an SRB's data can be touched. \return STOR_STATUS_INVALID_PARAMETER without data,
 *  STOR_STATUS_INSUFFICIENT_RESOURCES when it cannot be mapped. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortGetSystemAddress(_In_ PVOID HwDeviceExtension,
                                           _In_ PSCSI_REQUEST_BLOCK Srb, _Out_ PVOID *SystemAddress)
{
    return StorPortExtendedFunction(ExtFunctionGetSystemAddress, HwDeviceExtension, Srb,
                                    SystemAddress);
}

/** The MDL of an SRB's data. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortGetOriginalMdl(_In_ PVOID HwDeviceExtension, _In_ PSCSI_REQUEST_BLOCK Srb,
                                         _Out_ PVOID *Mdl)
{
    return StorPortExtendedFunction(ExtFunctionGetOriginalMdl, HwDeviceExtension, Srb, Mdl);
}

/** Completes an IRP from HwProcessServiceRequest; its IoStatus has been set.
 *  \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortCompleteServiceIrp(_In_ PVOID HwDeviceExtension, _In_ PVOID Irp)
{
    return StorPortExtendedFunction(ExtFunctionCompleteServiceIrp, HwDeviceExtension, Irp);
}

/** The adapter's FDO, its PDO, and what the FDO is attached to. */
FORCEINLINE ULONG StorPortGetDeviceObjects(_In_ PVOID HwDeviceExtension,
                                           _Out_ PVOID *AdapterDeviceObject,
                                           _Out_ PVOID *PhysicalDeviceObject,
                                           _Out_ PVOID *LowerDeviceObject)
{
    return StorPortExtendedFunction(ExtFunctionGetDeviceObjects, HwDeviceExtension,
                                    AdapterDeviceObject, PhysicalDeviceObject, LowerDeviceObject);
}

/** Asks what optimizations there are (Query TRUE), or for some. In HwInitialize or after it. */
FORCEINLINE ULONG StorPortInitializePerfOpts(_In_ PVOID HwDeviceExtension, _In_ BOOLEAN Query,
                                             _Inout_ PPERF_CONFIGURATION_DATA PerfConfigData)
{
    return StorPortExtendedFunction(ExtFunctionInitializePerformanceOptimizations,
                                    HwDeviceExtension, Query, PerfConfigData);
}

/** Writes to the system event log. \param MaximumSize  out: how many bytes would have fitted.
 *  \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortLogSystemEvent(_In_ PVOID HwDeviceExtension,
                                         _Inout_ PSTOR_LOG_EVENT_DETAILS LogDetails,
                                         _Inout_ PULONG MaximumSize)
{
    return StorPortExtendedFunction(ExtFunctionLogSystemEvent, HwDeviceExtension, LogDetails,
                                    MaximumSize);
}

/** RequestInfo's Version and Size are set by the caller. \irql{any} */
FORCEINLINE ULONG StorPortGetRequestInfo(_In_ PVOID HwDeviceExtension, _In_ PSCSI_REQUEST_BLOCK Srb,
                                         _Inout_ PSTOR_REQUEST_INFO RequestInfo)
{
    return StorPortExtendedFunction(ExtFunctionGetRequestInfo, HwDeviceExtension, Srb, RequestInfo);
}

/** The ETW activity of a request. \return STOR_STATUS_UNSUCCESSFUL if it has none. \irql{any} */
FORCEINLINE ULONG StorPortGetActivityIdSrb(_In_ PVOID HwDeviceExtension,
                                           _In_ PSCSI_REQUEST_BLOCK Srb, _Out_ LPGUID ActivityId)
{
    return StorPortExtendedFunction(ExtFunctionGetActivityId, HwDeviceExtension, Srb, ActivityId);
}

/** A work item. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortInitializeWorker(_In_ PVOID HwDeviceExtension, _Out_ PVOID *Worker)
{
    return StorPortExtendedFunction(ExtFunctionInitializeWorker, HwDeviceExtension, Worker);
}

/** Queues it. \return STOR_STATUS_BUSY if it is queued already. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortQueueWorkItem(_In_ PVOID HwDeviceExtension,
                                        _In_ PHW_WORKITEM WorkItemCallback, _In_ PVOID Worker,
                                        _In_opt_ PVOID Context)
{
    return StorPortExtendedFunction(ExtFunctionQueueWorkItem, HwDeviceExtension, WorkItemCallback,
                                    Worker, Context);
}

/** Frees it. \return STOR_STATUS_BUSY while it is queued. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortFreeWorker(_In_ PVOID HwDeviceExtension, _In_ PVOID Worker)
{
    return StorPortExtendedFunction(ExtFunctionFreeWorker, HwDeviceExtension, Worker);
}

/** A timer. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortInitializeTimer(_In_ PVOID HwDeviceExtension, _Out_ PVOID *TimerHandle)
{
    return StorPortExtendedFunction(ExtFunctionInitializeTimer, HwDeviceExtension, TimerHandle);
}

/** Arms it. \param TimerValue  microseconds from now, 0 cancels.
 *  \param TolerableDelay  microseconds. \return STOR_STATUS_BUSY if it is armed. \irql{any} */
FORCEINLINE ULONG StorPortRequestTimer(_In_ PVOID HwDeviceExtension, _In_ PVOID TimerHandle,
                                       _In_ PHW_TIMER_EX TimerCallback,
                                       _In_opt_ PVOID CallbackContext, _In_ ULONGLONG TimerValue,
                                       _In_ ULONGLONG TolerableDelay)
{
    return StorPortExtendedFunction(ExtFunctionRequestTimer, HwDeviceExtension, TimerHandle,
                                    TimerCallback, CallbackContext, TimerValue, TolerableDelay);
}

/** Frees it. \irql{<= DISPATCH_LEVEL} */
FORCEINLINE ULONG StorPortFreeTimer(_In_ PVOID HwDeviceExtension, _In_ PVOID TimerHandle)
{
    return StorPortExtendedFunction(ExtFunctionFreeTimer, HwDeviceExtension, TimerHandle);
}

/** Fills Address->Port. \return STOR_STATUS_INVALID_DEVICE_STATE before there is a number. */
FORCEINLINE ULONG StorPortGetSystemPortNumber(_In_ PVOID HwDeviceExtension,
                                              _In_ PSTOR_ADDRESS Address)
{
    return StorPortExtendedFunction(ExtFunctionGetSystemPortNumber, HwDeviceExtension, Address);
}

/** Only while an INQUIRY of that unit completes. \irql{any} */
FORCEINLINE ULONG StorPortSetUnitAttributes(_In_ PVOID HwDeviceExtension,
                                            _In_ PSTOR_ADDRESS Address,
                                            _In_ STOR_UNIT_ATTRIBUTES Attributes)
{
    return StorPortExtendedFunction(ExtFunctionSetUnitAttributes, HwDeviceExtension, Address,
                                    Attributes);
}

/** \param PerformanceFrequency  may be NULL. \irql{any} */
FORCEINLINE ULONG StorPortQueryPerformanceCounter(_In_ PVOID HwDeviceExtension,
                                                  _Out_opt_ PLARGE_INTEGER PerformanceFrequency,
                                                  _Out_ PLARGE_INTEGER PerformanceCounter)
{
    return StorPortExtendedFunction(ExtFunctionQueryPerformanceCounter, HwDeviceExtension,
                                    PerformanceFrequency, PerformanceCounter);
}

/**
 * Publishes an event with two values to Microsoft-Windows-Storage-Storport/Diagnose.
 * \param Address  the unit, or NULL for the adapter. \param EventDescription  not NULL.
 * \param EventKeywords  STORPORT_ETW_EVENT_KEYWORD_*, or 0. An unnamed value is logged as 0.
 * \return STOR_STATUS_NOT_IMPLEMENTED while nobody listens. \irql{<= DISPATCH_LEVEL}
 */
FORCEINLINE ULONG StorPortEtwEvent2(_In_ PVOID HwDeviceExtension, _In_opt_ PSTOR_ADDRESS Address,
                                    _In_ ULONG EventId, _In_ PWSTR EventDescription,
                                    _In_ ULONGLONG EventKeywords,
                                    _In_ STORPORT_ETW_LEVEL EventLevel,
                                    _In_ STORPORT_ETW_EVENT_OPCODE EventOpcode,
                                    _In_opt_ PSCSI_REQUEST_BLOCK Srb, _In_opt_ PWSTR Parameter1Name,
                                    _In_ ULONGLONG Parameter1Value, _In_opt_ PWSTR Parameter2Name,
                                    _In_ ULONGLONG Parameter2Value)
{
    return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent2, HwDeviceExtension, Address,
                                    EventId, EventDescription, EventKeywords, EventLevel,
                                    EventOpcode, Srb, Parameter1Name, Parameter1Value,
                                    Parameter2Name, Parameter2Value);
}

/**
 * Publishes an event with four values to Microsoft-Windows-Storage-Storport/Diagnose.
 * \param Address  the unit, or NULL for the adapter. \param EventDescription  not NULL.
 * \param EventKeywords  STORPORT_ETW_EVENT_KEYWORD_*, or 0. An unnamed value is logged as 0.
 * \return STOR_STATUS_NOT_IMPLEMENTED while nobody listens. \irql{<= DISPATCH_LEVEL}
 */
FORCEINLINE ULONG StorPortEtwEvent4(
    _In_ PVOID HwDeviceExtension, _In_opt_ PSTOR_ADDRESS Address, _In_ ULONG EventId,
    _In_ PWSTR EventDescription, _In_ ULONGLONG EventKeywords, _In_ STORPORT_ETW_LEVEL EventLevel,
    _In_ STORPORT_ETW_EVENT_OPCODE EventOpcode, _In_opt_ PSCSI_REQUEST_BLOCK Srb,
    _In_opt_ PWSTR Parameter1Name, _In_ ULONGLONG Parameter1Value, _In_opt_ PWSTR Parameter2Name,
    _In_ ULONGLONG Parameter2Value, _In_opt_ PWSTR Parameter3Name, _In_ ULONGLONG Parameter3Value,
    _In_opt_ PWSTR Parameter4Name, _In_ ULONGLONG Parameter4Value)
{
    return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent4, HwDeviceExtension, Address,
                                    EventId, EventDescription, EventKeywords, EventLevel,
                                    EventOpcode, Srb, Parameter1Name, Parameter1Value,
                                    Parameter2Name, Parameter2Value, Parameter3Name,
                                    Parameter3Value, Parameter4Name, Parameter4Value);
}

/**
 * Publishes an event with eight values to Microsoft-Windows-Storage-Storport/Diagnose.
 * \param Address  the unit, or NULL for the adapter. \param EventDescription  not NULL.
 * \param EventKeywords  STORPORT_ETW_EVENT_KEYWORD_*, or 0. An unnamed value is logged as 0.
 * \return STOR_STATUS_NOT_IMPLEMENTED while nobody listens. \irql{<= DISPATCH_LEVEL}
 */
FORCEINLINE ULONG StorPortEtwEvent8(
    _In_ PVOID HwDeviceExtension, _In_opt_ PSTOR_ADDRESS Address, _In_ ULONG EventId,
    _In_ PWSTR EventDescription, _In_ ULONGLONG EventKeywords, _In_ STORPORT_ETW_LEVEL EventLevel,
    _In_ STORPORT_ETW_EVENT_OPCODE EventOpcode, _In_opt_ PSCSI_REQUEST_BLOCK Srb,
    _In_opt_ PWSTR Parameter1Name, _In_ ULONGLONG Parameter1Value, _In_opt_ PWSTR Parameter2Name,
    _In_ ULONGLONG Parameter2Value, _In_opt_ PWSTR Parameter3Name, _In_ ULONGLONG Parameter3Value,
    _In_opt_ PWSTR Parameter4Name, _In_ ULONGLONG Parameter4Value, _In_opt_ PWSTR Parameter5Name,
    _In_ ULONGLONG Parameter5Value, _In_opt_ PWSTR Parameter6Name, _In_ ULONGLONG Parameter6Value,
    _In_opt_ PWSTR Parameter7Name, _In_ ULONGLONG Parameter7Value, _In_opt_ PWSTR Parameter8Name,
    _In_ ULONGLONG Parameter8Value)
{
    return StorPortExtendedFunction(
        ExtFunctionMiniportEtwEvent8, HwDeviceExtension, Address, EventId, EventDescription,
        EventKeywords, EventLevel, EventOpcode, Srb, Parameter1Name, Parameter1Value,
        Parameter2Name, Parameter2Value, Parameter3Name, Parameter3Value, Parameter4Name,
        Parameter4Value, Parameter5Name, Parameter5Value, Parameter6Name, Parameter6Value,
        Parameter7Name, Parameter7Value, Parameter8Name, Parameter8Value);
}

/** Reads the adapter's hardware key. \irql{PASSIVE_LEVEL} */
FORCEINLINE ULONG StorPortRegistryReadAdapterKey(_In_ PVOID HwDeviceExtension,
                                                 _In_opt_ PUCHAR SubKeyName, _In_ PUCHAR ValueName,
                                                 _In_ ULONG ValueType, _Inout_ PVOID *ValueData,
                                                 _Inout_ PULONG ValueDataLength)
{
    return StorPortExtendedFunction(ExtFunctionRegistryReadAdapterKey, HwDeviceExtension,
                                    SubKeyName, ValueName, ValueType, ValueData, ValueDataLength);
}

/** Writes it. \irql{PASSIVE_LEVEL} */
FORCEINLINE ULONG StorPortRegistryWriteAdapterKey(_In_ PVOID HwDeviceExtension,
                                                  _In_opt_ PUCHAR SubKeyName, _In_ PUCHAR ValueName,
                                                  _In_ ULONG ValueType, _In_ PVOID ValueData,
                                                  _In_ ULONG ValueDataLength)
{
    return StorPortExtendedFunction(ExtFunctionRegistryWriteAdapterKey, HwDeviceExtension,
                                    SubKeyName, ValueName, ValueType, ValueData, ValueDataLength);
}

/** Overrides the registry's BusType. Only in HwFindAdapter. \param BusType  STORAGE_BUS_TYPE. */
FORCEINLINE ULONG StorPortSetAdapterBusType(_In_ PVOID HwDeviceExtension, _In_ ULONG BusType)
{
    return StorPortExtendedFunction(ExtFunctionSetAdapterBusType, HwDeviceExtension, BusType);
}

/** Only in HwInitialize or the passive routine.
 *  \return STOR_STATUS_INVALID_DEVICE_REQUEST elsewhere. */
FORCEINLINE ULONG StorPortUpdateAdapterMaxIO(_In_ PVOID HwDeviceExtension, _In_ ULONG MaxIoCount)
{
    return StorPortExtendedFunction(ExtFunctionUpdateAdapterMaxIO, HwDeviceExtension, MaxIoCount);
}

/** Sleeps, or at DISPATCH_LEVEL spins. \param DelayInMicroseconds  how long. \irql{any} */
FORCEINLINE ULONG StorPortDelayExecution(_In_ PVOID HwDeviceExtension,
                                         _In_ ULONG DelayInMicroseconds)
{
    return StorPortExtendedFunction(ExtFunctionDelayExecution, HwDeviceExtension,
                                    DelayInMicroseconds);
}

/** StorPortAcquireSpinLock with all lock types and a status (Windows 10 1809). */
FORCEINLINE ULONG StorPortAcquireSpinLockEx(_In_ PVOID HwDeviceExtension,
                                            _In_ STOR_SPINLOCK SpinLock, _In_opt_ PVOID LockContext,
                                            _Inout_ PSTOR_LOCK_HANDLE LockHandle)
{
    return StorPortExtendedFunction(ExtFunctionAcquireSpinLock, HwDeviceExtension, SpinLock,
                                    LockContext, LockHandle);
}

/** At the start of HwFindAdapter (Windows 10 2004). */
FORCEINLINE ULONG StorPortSetFeatureList(_In_ PVOID HwDeviceExtension, _In_ ULONG FeatureNumber,
                                         _In_ STORPORT_FEATURE_TYPE *FeatureList)
{
    return StorPortExtendedFunction(ExtFunctionSetFeatureList, HwDeviceExtension, FeatureNumber,
                                    FeatureList);
}

/* ---- Inlines over StorPortNotification ---- */

/**
 * Takes one of Storport's locks.
 * \param SpinLock  DpcLock or StartIoLock. \param LockContext  the STOR_DPC for DpcLock, else NULL.
 * \param LockHandle  storage until StorPortReleaseSpinLock.
 * \irql{<= DISPATCH_LEVEL; DISPATCH_LEVEL until the release}
 */
FORCEINLINE VOID StorPortAcquireSpinLock(_In_ PVOID HwDeviceExtension, _In_ STOR_SPINLOCK SpinLock,
                                         _In_opt_ PVOID LockContext,
                                         _Inout_ PSTOR_LOCK_HANDLE LockHandle)
{
    StorPortNotification(AcquireSpinLock, HwDeviceExtension, SpinLock, LockContext, LockHandle);
}

/** Lets it go. */
FORCEINLINE VOID StorPortReleaseSpinLock(_In_ PVOID HwDeviceExtension,
                                         _Inout_ PSTOR_LOCK_HANDLE LockHandle)
{
    StorPortNotification(ReleaseSpinLock, HwDeviceExtension, LockHandle);
}

/** Asks for HwPassiveInitializeRoutine. \return FALSE outside HwInitialize. */
FORCEINLINE BOOLEAN StorPortEnablePassiveInitialization(
    _In_ PVOID DeviceExtension, _In_ PHW_PASSIVE_INITIALIZE_ROUTINE HwPassiveInitializeRoutine)
{
    LONG Succeeded = FALSE;

    StorPortNotification(EnablePassiveInitialization, DeviceExtension, HwPassiveInitializeRoutine,
                         &Succeeded);
    return (BOOLEAN)Succeeded;
}

/** Prepares a DPC; in the passive initialization routine. \irql{PASSIVE_LEVEL} */
FORCEINLINE VOID StorPortInitializeDpc(_In_ PVOID DeviceExtension, _Out_ PSTOR_DPC Dpc,
                                       _In_ PHW_DPC_ROUTINE HwDpcRoutine)
{
    StorPortNotification(InitializeDpc, DeviceExtension, Dpc, HwDpcRoutine);
}

/** Queues a DPC. \return FALSE if it was queued already. */
FORCEINLINE BOOLEAN StorPortIssueDpc(_In_ PVOID DeviceExtension, _In_ PSTOR_DPC Dpc,
                                     _In_opt_ PVOID SystemArgument1, _In_opt_ PVOID SystemArgument2)
{
    LONG Succeeded = FALSE;

    StorPortNotification(IssueDpc, DeviceExtension, Dpc, SystemArgument1, SystemArgument2,
                         &Succeeded);
    return (BOOLEAN)Succeeded;
}

/**
 * Says that a logical unit, target or bus has changed: Storport enumerates it again.
 * \param ChangedEntity  STATE_CHANGE_*. \param Address  must live until HwStateChange is called.
 * \return STOR_STATUS_UNSUCCESSFUL while an earlier one is being handled. \irql{any}
 */
FORCEINLINE ULONG StorPortStateChangeDetected(_In_ PVOID HwDeviceExtension,
                                              _In_ ULONG ChangedEntity, _In_ PSTOR_ADDRESS Address,
                                              _In_ ULONG Attributes,
                                              _In_opt_ PHW_STATE_CHANGE HwStateChange,
                                              _In_opt_ PVOID HwStateChangeContext)
{
    ULONG Status = STOR_STATUS_NOT_IMPLEMENTED;

    StorPortNotification(StateChangeDetectedCall, HwDeviceExtension, ChangedEntity, Address,
                         Attributes, HwStateChange, HwStateChangeContext, &Status);
    return Status;
}

/**
 * Says that a unit with AsyncNotificationSupported has something to tell its class driver.
 * \param Flags  RAID_ASYNC_NOTIFY_FLAG_*. \return STOR_STATUS_BUSY while one is in flight.
 * \irql{any}
 */
FORCEINLINE ULONG StorPortAsyncNotificationDetected(_In_ PVOID HwDeviceExtension,
                                                    _In_ PSTOR_ADDRESS Address,
                                                    _In_ ULONGLONG Flags)
{
    ULONG Status = STOR_STATUS_NOT_IMPLEMENTED;

    StorPortNotification(AsyncNotificationDetected, HwDeviceExtension, Address, Flags, &Status);
    return Status;
}

#endif /* __STORPORT_H */
