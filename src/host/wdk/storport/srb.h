/**
 * \file
 * SCSI request blocks, in both of their forms: the unit of work that Storport hands to a miniport.
 *
 * The old form is one 0x58-byte structure whose meaning depends on its Function; the extended form
 * (Windows 8) is a header with an address and a list of typed data blocks at offsets. The first
 * eight bytes are common to all: Length, Function, SrbStatus and four more. Read either form
 * through srbhelper.h. Names, layouts and values are the WDK's; the text is our own, written from
 * public documentation. Include it for itself or through storport.h; mingw-w64's older srb.h must
 * not be seen in its place.
 *
 * The structures are allowed to alias each other (`may_alias`): a driver casts between them.
 */
#ifndef _NTSRB_
#define _NTSRB_

#include <wdm.h>

#ifndef ANYSIZE_ARRAY
#define ANYSIZE_ARRAY 1
#endif

#ifndef STOR_ADDRESS_ALIGN
#define STOR_ADDRESS_ALIGN 8
#endif

/** On a structure: it may be reached through a pointer to another one. */
#define STOR_MAY_ALIAS __attribute__((may_alias))

/* Limits of the address space of an adapter. */
#define SCSI_MAXIMUM_BUSES_PER_ADAPTER 255
#define SCSI_MAXIMUM_TARGETS_PER_BUS   128 /* ScsiPort's limit; Storport itself takes 255 */
#define SCSI_MAXIMUM_LUNS_PER_TARGET   255
#define SCSI_MINIMUM_PHYSICAL_BREAKS   16
#define SCSI_MAXIMUM_PHYSICAL_BREAKS   255

/* The defaults that a PORT_CONFIGURATION_INFORMATION arrives with. */
#define SCSI_MAXIMUM_BUSES         8
#define SCSI_MAXIMUM_TARGETS       8
#define SCSI_MAXIMUM_LOGICAL_UNITS 8

/** Nobody has set this field: the adapter imposes no limit of its own. */
#define SP_UNINITIALIZED_VALUE ((ULONG)~0)
/** A wildcard for a path, target or logical unit; as a queue tag: the request has none. */
#define SP_UNTAGGED ((UCHAR)~0)

#define MAXIMUM_CDB_SIZE 12 /* a constant of old: the SRB has room for 16 bytes */

/* Function: what is asked. Those marked "port" end in Storport and never reach a miniport. */
#define SRB_FUNCTION_EXECUTE_SCSI          0x00
#define SRB_FUNCTION_CLAIM_DEVICE          0x01 /* port */
#define SRB_FUNCTION_IO_CONTROL            0x02
#define SRB_FUNCTION_RECEIVE_EVENT         0x03
#define SRB_FUNCTION_RELEASE_QUEUE         0x04 /* port */
#define SRB_FUNCTION_ATTACH_DEVICE         0x05 /* port */
#define SRB_FUNCTION_RELEASE_DEVICE        0x06 /* port */
#define SRB_FUNCTION_SHUTDOWN              0x07
#define SRB_FUNCTION_FLUSH                 0x08
#define SRB_FUNCTION_PROTOCOL_COMMAND      0x09
#define SRB_FUNCTION_ABORT_COMMAND         0x10
#define SRB_FUNCTION_RELEASE_RECOVERY      0x11
#define SRB_FUNCTION_RESET_BUS             0x12
#define SRB_FUNCTION_RESET_DEVICE          0x13
#define SRB_FUNCTION_TERMINATE_IO          0x14
#define SRB_FUNCTION_FLUSH_QUEUE           0x15 /* port */
#define SRB_FUNCTION_REMOVE_DEVICE         0x16 /* port */
#define SRB_FUNCTION_WMI                   0x17
#define SRB_FUNCTION_LOCK_QUEUE            0x18 /* port */
#define SRB_FUNCTION_UNLOCK_QUEUE          0x19 /* port */
#define SRB_FUNCTION_QUIESCE_DEVICE        0x1A /* port */
#define SRB_FUNCTION_RESET_LOGICAL_UNIT    0x20
#define SRB_FUNCTION_SET_LINK_TIMEOUT      0x21
#define SRB_FUNCTION_LINK_TIMEOUT_OCCURRED 0x22
#define SRB_FUNCTION_LINK_TIMEOUT_COMPLETE 0x23
#define SRB_FUNCTION_POWER                 0x24
#define SRB_FUNCTION_PNP                   0x25
#define SRB_FUNCTION_DUMP_POINTERS         0x26
#define SRB_FUNCTION_FREE_DUMP_POINTERS    0x27
/** Only ever in Function: the block is an extended one, and SrbFunction says what is asked. */
#define SRB_FUNCTION_STORAGE_REQUEST_BLOCK 0x28
#define SRB_FUNCTION_DUMP_INFO             0x2A
#define SRB_FUNCTION_FREE_DUMP_INFO        0x2B

/* SrbStatus: how it ended. */
#define SRB_STATUS_PENDING                0x00 /* not ended: never complete with it */
#define SRB_STATUS_SUCCESS                0x01
#define SRB_STATUS_ABORTED                0x02
#define SRB_STATUS_ABORT_FAILED           0x03
#define SRB_STATUS_ERROR                  0x04 /* see ScsiStatus, and the sense data */
#define SRB_STATUS_BUSY                   0x05
#define SRB_STATUS_INVALID_REQUEST        0x06
#define SRB_STATUS_INVALID_PATH_ID        0x07
#define SRB_STATUS_NO_DEVICE              0x08
#define SRB_STATUS_TIMEOUT                0x09
#define SRB_STATUS_SELECTION_TIMEOUT      0x0A
#define SRB_STATUS_COMMAND_TIMEOUT        0x0B
#define SRB_STATUS_MESSAGE_REJECTED       0x0D
#define SRB_STATUS_BUS_RESET              0x0E
#define SRB_STATUS_PARITY_ERROR           0x0F
#define SRB_STATUS_REQUEST_SENSE_FAILED   0x10
#define SRB_STATUS_NO_HBA                 0x11
#define SRB_STATUS_DATA_OVERRUN           0x12
#define SRB_STATUS_UNEXPECTED_BUS_FREE    0x13
#define SRB_STATUS_PHASE_SEQUENCE_FAILURE 0x14
#define SRB_STATUS_BAD_SRB_BLOCK_LENGTH   0x15
#define SRB_STATUS_REQUEST_FLUSHED        0x16
#define SRB_STATUS_INVALID_LUN            0x20
#define SRB_STATUS_INVALID_TARGET_ID      0x21
#define SRB_STATUS_BAD_FUNCTION           0x22
#define SRB_STATUS_ERROR_RECOVERY         0x23
#define SRB_STATUS_NOT_POWERED            0x24
#define SRB_STATUS_LINK_DOWN              0x25
#define SRB_STATUS_INTERNAL_ERROR         0x30
#define SRB_STATUS_QUEUE_FROZEN           0x40 /* flag; Storport's, a miniport never sets it */
#define SRB_STATUS_AUTOSENSE_VALID        0x80 /* flag; the sense buffer holds sense data */

/** A status without its two flags. */
#define SRB_STATUS(Status) ((Status) & ~(SRB_STATUS_AUTOSENSE_VALID | SRB_STATUS_QUEUE_FROZEN))

/* SrbFlags. */
#define SRB_FLAGS_QUEUE_ACTION_ENABLE      0x00000002U
#define SRB_FLAGS_DISABLE_DISCONNECT       0x00000004U
#define SRB_FLAGS_DISABLE_SYNCH_TRANSFER   0x00000008U
#define SRB_FLAGS_BYPASS_FROZEN_QUEUE      0x00000010U
#define SRB_FLAGS_DISABLE_AUTOSENSE        0x00000020U
#define SRB_FLAGS_DATA_IN                  0x00000040U /* device to host */
#define SRB_FLAGS_DATA_OUT                 0x00000080U /* host to device */
#define SRB_FLAGS_NO_DATA_TRANSFER         0x00000000U
#define SRB_FLAGS_UNSPECIFIED_DIRECTION    (SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT)
#define SRB_FLAGS_NO_QUEUE_FREEZE          0x00000100U
#define SRB_FLAGS_ADAPTER_CACHE_ENABLE     0x00000200U
#define SRB_FLAGS_FREE_SENSE_BUFFER        0x00000400U
#define SRB_FLAGS_D3_PROCESSING            0x00000800U
#define SRB_FLAGS_SEQUENTIAL_REQUIRED      0x00001000U
#define SRB_FLAGS_IS_ACTIVE                0x00010000U
#define SRB_FLAGS_ALLOCATED_FROM_ZONE      0x00020000U
#define SRB_FLAGS_SGLIST_FROM_POOL         0x00040000U
#define SRB_FLAGS_BYPASS_LOCKED_QUEUE      0x00080000U
#define SRB_FLAGS_NO_KEEP_AWAKE            0x00100000U
#define SRB_FLAGS_PORT_DRIVER_ALLOCSENSE   0x00200000U
#define SRB_FLAGS_PORT_DRIVER_SENSEHASPORT 0x00400000U
#define SRB_FLAGS_DONT_START_NEXT_PACKET   0x00800000U
#define SRB_FLAGS_PORT_DRIVER_RESERVED     0x0F000000U
#define SRB_FLAGS_CLASS_DRIVER_RESERVED    0xF0000000U

/* QueueAction and RequestAttribute: the message codes of the task attributes (SAM). */
#define SRB_SIMPLE_TAG_REQUEST        0x20
#define SRB_HEAD_OF_QUEUE_TAG_REQUEST 0x21
#define SRB_ORDERED_QUEUE_TAG_REQUEST 0x22

/* Bits that address the adapter itself, not one of its logical units. */
#define SRB_WMI_FLAGS_ADAPTER_REQUEST      0x01
#define SRB_POWER_FLAGS_ADAPTER_REQUEST    0x01
#define SRB_PNP_FLAGS_ADAPTER_REQUEST      0x01
#define SRB_IOCTL_FLAGS_ADAPTER_REQUEST    0x01
#define SRB_PROTOCOL_FLAGS_ADAPTER_REQUEST 0x01

/** The answer to "which SRB form": SrbType in PORT_CONFIGURATION_INFORMATION. */
#define SRB_TYPE_SCSI_REQUEST_BLOCK    0
#define SRB_TYPE_STORAGE_REQUEST_BLOCK 1
/** The same as a request, in HW_INITIALIZATION_DATA's SrbTypeFlags: a mask. */
#define SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK    (1 << SRB_TYPE_SCSI_REQUEST_BLOCK)
#define SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK (1 << SRB_TYPE_STORAGE_REQUEST_BLOCK)
/** AddressType there: bus, target and logical unit of eight bits. Not a STOR_ADDRESS Type. */
#define STORAGE_ADDRESS_TYPE_BTL8 0
#define ADDRESS_TYPE_FLAG_BTL8    (1 << STORAGE_ADDRESS_TYPE_BTL8)

/* Power and PnP, as an SRB says them. */
typedef enum _STOR_DEVICE_POWER_STATE {
    StorPowerDeviceUnspecified = 0,
    StorPowerDeviceD0,
    StorPowerDeviceD1,
    StorPowerDeviceD2,
    StorPowerDeviceD3,
    StorPowerDeviceMaximum
} STOR_DEVICE_POWER_STATE,
    *PSTOR_DEVICE_POWER_STATE;

typedef enum _STOR_POWER_ACTION {
    StorPowerActionNone = 0,
    StorPowerActionReserved,
    StorPowerActionSleep,
    StorPowerActionHibernate,
    StorPowerActionShutdown,
    StorPowerActionShutdownReset,
    StorPowerActionShutdownOff,
    StorPowerActionWarmEject
} STOR_POWER_ACTION,
    *PSTOR_POWER_ACTION;

/** The minor function of the PnP IRP that became the SRB, hence the gaps. */
typedef enum _STOR_PNP_ACTION {
    StorStartDevice = 0x0,
    StorRemoveDevice = 0x2,
    StorStopDevice = 0x4,
    StorQueryCapabilities = 0x9,
    StorQueryResourceRequirements = 0xB,
    StorFilterResourceRequirements = 0xD,
    StorSurpriseRemoval = 0x17
} STOR_PNP_ACTION,
    *PSTOR_PNP_ACTION;

/** The old form, for SRB_FUNCTION_EXECUTE_SCSI and all functions without a form of their own. */
typedef struct STOR_MAY_ALIAS _SCSI_REQUEST_BLOCK {
    USHORT Length; /* sizeof(SCSI_REQUEST_BLOCK) */
    UCHAR Function;
    UCHAR SrbStatus;
    UCHAR ScsiStatus;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    UCHAR QueueTag;
    UCHAR QueueAction;
    UCHAR CdbLength;
    UCHAR SenseInfoBufferLength; /* in: room; out: bytes of sense data */
    ULONG SrbFlags;
    ULONG DataTransferLength; /* in: bytes wanted; out: bytes moved */
    ULONG TimeOutValue;       /* seconds */
    PVOID DataBuffer;         /* mapped, or not: see MapBuffers */
    PVOID SenseInfoBuffer;
    struct _SCSI_REQUEST_BLOCK *NextSrb;
    PVOID OriginalRequest; /* the IRP */
    PVOID SrbExtension;    /* SrbExtensionSize bytes for the miniport, not zeroed */
    union {
        ULONG InternalStatus;
        ULONG QueueSortKey;
        ULONG LinkTimeoutValue;
    };
    ULONG Reserved;
    UCHAR Cdb[16];
} SCSI_REQUEST_BLOCK, *PSCSI_REQUEST_BLOCK;

#define SCSI_REQUEST_BLOCK_SIZE sizeof(SCSI_REQUEST_BLOCK)

/** SRB_FUNCTION_WMI. */
typedef struct STOR_MAY_ALIAS _SCSI_WMI_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function;
    UCHAR SrbStatus;
    UCHAR WMISubFunction;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    UCHAR Reserved1;
    UCHAR WMIFlags;
    UCHAR Reserved2[2];
    ULONG SrbFlags;
    ULONG DataTransferLength;
    ULONG TimeOutValue;
    PVOID DataBuffer;
    PVOID DataPath;
    PVOID Reserved3;
    PVOID OriginalRequest;
    PVOID SrbExtension;
    ULONG Reserved4;
    ULONG Reserved6;
    UCHAR Reserved5[16];
} SCSI_WMI_REQUEST_BLOCK, *PSCSI_WMI_REQUEST_BLOCK;

/** SRB_FUNCTION_POWER. */
typedef struct STOR_MAY_ALIAS _SCSI_POWER_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function;
    UCHAR SrbStatus;
    UCHAR SrbPowerFlags;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    STOR_DEVICE_POWER_STATE DevicePowerState;
    ULONG SrbFlags;
    ULONG DataTransferLength;
    ULONG TimeOutValue;
    PVOID DataBuffer;
    PVOID SenseInfoBuffer;
    struct _SCSI_REQUEST_BLOCK *NextSrb;
    PVOID OriginalRequest;
    PVOID SrbExtension;
    STOR_POWER_ACTION PowerAction;
    ULONG Reserved;
    UCHAR Reserved5[16];
} SCSI_POWER_REQUEST_BLOCK, *PSCSI_POWER_REQUEST_BLOCK;

/** SRB_FUNCTION_PNP. For StorQueryCapabilities DataBuffer is a STOR_DEVICE_CAPABILITIES or _EX. */
typedef struct STOR_MAY_ALIAS _SCSI_PNP_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function;
    UCHAR SrbStatus;
    UCHAR PnPSubFunction;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    STOR_PNP_ACTION PnPAction;
    ULONG SrbFlags;
    ULONG DataTransferLength;
    ULONG TimeOutValue;
    PVOID DataBuffer;
    PVOID SenseInfoBuffer;
    struct _SCSI_REQUEST_BLOCK *NextSrb;
    PVOID OriginalRequest;
    PVOID SrbExtension;
    ULONG SrbPnPFlags;
    ULONG Reserved;
    UCHAR Reserved4[16];
} SCSI_PNP_REQUEST_BLOCK, *PSCSI_PNP_REQUEST_BLOCK;

/* Addresses. Type, Port and AddressLength are common; what follows depends on Type. */
#define STOR_ADDRESS_TYPE_UNKNOWN 0x0
#define STOR_ADDRESS_TYPE_BTL8    0x1
#define STOR_ADDRESS_TYPE_MAX     0xffff

#define STOR_ADDR_BTL8_ADDRESS_LENGTH 4

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _STOR_ADDRESS {
    USHORT Type;
    USHORT Port;
    ULONG AddressLength; /* bytes of AddressData */
    UCHAR AddressData[ANYSIZE_ARRAY];
} STOR_ADDRESS, *PSTOR_ADDRESS;

/** Path, target and logical unit of eight bits each: the only kind that a miniport sees. */
typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _STOR_ADDR_BTL8 {
    USHORT Type;         /* STOR_ADDRESS_TYPE_BTL8 */
    USHORT Port;         /* RaidPort number */
    ULONG AddressLength; /* STOR_ADDR_BTL8_ADDRESS_LENGTH */
    UCHAR Path;
    UCHAR Target;
    UCHAR Lun;
    UCHAR Reserved;
} STOR_ADDR_BTL8, *PSTOR_ADDR_BTL8;

/* The typed data blocks of an extended SRB. Length counts the bytes after Type and Length. */
typedef enum _SRBEXDATATYPE {
    SrbExDataTypeUnknown = 0x0,
    SrbExDataTypeBidirectional = 0x1,
    SrbExDataTypeScsiCdb16 = 0x40,
    SrbExDataTypeScsiCdb32 = 0x41,
    SrbExDataTypeScsiCdbVar = 0x42,
    SrbExDataTypeWmi = 0x60,
    SrbExDataTypePower = 0x61,
    SrbExDataTypePnP = 0x62,
    SrbExDataTypeIoInfo = 0x80,
    SrbExDataTypeMSReservedStart = (int)0xf0000000,
    SrbExDataTypeReserved = (int)0xffffffff
} SRBEXDATATYPE,
    *PSRBEXDATATYPE;

#define SRBEX_DATA_BIDIRECTIONAL_LENGTH    16
#define SRBEX_DATA_SCSI_CDB16_LENGTH       32
#define SRBEX_DATA_SCSI_CDB32_LENGTH       48
#define SRBEX_DATA_SCSI_CDB_VAR_LENGTH_MIN 24
#define SRBEX_DATA_WMI_LENGTH              16
#define SRBEX_DATA_POWER_LENGTH            12
#define SRBEX_DATA_PNP_LENGTH              16
#define SRBEX_DATA_IO_INFO_LENGTH          24

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR Data[ANYSIZE_ARRAY];
} SRBEX_DATA, *PSRBEX_DATA;

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_BIDIRECTIONAL {
    SRBEXDATATYPE Type;
    ULONG Length;
    ULONG DataInTransferLength;
    ULONG Reserved1;
    PVOID DataInBuffer;
} SRBEX_DATA_BIDIRECTIONAL, *PSRBEX_DATA_BIDIRECTIONAL;

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_SCSI_CDB16 {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR ScsiStatus;
    UCHAR SenseInfoBufferLength;
    UCHAR CdbLength;
    UCHAR Reserved;
    ULONG Reserved1;
    PVOID SenseInfoBuffer;
    UCHAR Cdb[16];
} SRBEX_DATA_SCSI_CDB16, *PSRBEX_DATA_SCSI_CDB16;

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_SCSI_CDB32 {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR ScsiStatus;
    UCHAR SenseInfoBufferLength;
    UCHAR CdbLength;
    UCHAR Reserved;
    ULONG Reserved1;
    PVOID SenseInfoBuffer;
    UCHAR Cdb[32];
} SRBEX_DATA_SCSI_CDB32, *PSRBEX_DATA_SCSI_CDB32;

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_SCSI_CDB_VAR {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR ScsiStatus;
    UCHAR SenseInfoBufferLength;
    UCHAR Reserved[2];
    ULONG CdbLength;
    ULONG Reserved1[2];
    PVOID SenseInfoBuffer;
    UCHAR Cdb[ANYSIZE_ARRAY];
} SRBEX_DATA_SCSI_CDB_VAR, *PSRBEX_DATA_SCSI_CDB_VAR;

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_WMI {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR WMISubFunction;
    UCHAR WMIFlags;
    UCHAR Reserved[2];
    ULONG Reserved1;
    PVOID DataPath;
} SRBEX_DATA_WMI, *PSRBEX_DATA_WMI;

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_POWER {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR SrbPowerFlags;
    UCHAR Reserved[3];
    STOR_DEVICE_POWER_STATE DevicePowerState;
    STOR_POWER_ACTION PowerAction;
} SRBEX_DATA_POWER, *PSRBEX_DATA_POWER;

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_PNP {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR PnPSubFunction;
    UCHAR Reserved[3];
    STOR_PNP_ACTION PnPAction;
    ULONG SrbPnPFlags;
    ULONG Reserved1;
} SRBEX_DATA_PNP, *PSRBEX_DATA_PNP;

/** Flags of SRBEX_DATA_IO_INFO and of STOR_REQUEST_INFO: what the file system said of the I/O. */
#define REQUEST_INFO_NO_CACHE_FLAG             0x00000001
#define REQUEST_INFO_PAGING_IO_FLAG            0x00000002
#define REQUEST_INFO_SEQUENTIAL_IO_FLAG        0x00000004
#define REQUEST_INFO_TEMPORARY_FLAG            0x00000008
#define REQUEST_INFO_WRITE_THROUGH_FLAG        0x00000010
#define REQUEST_INFO_HYBRID_WRITE_THROUGH_FLAG 0x00000020
#define REQUEST_INFO_NO_FILE_OBJECT_FLAG       0x00000040
#define REQUEST_INFO_VOLUME_ZERO_OFFSET_FLAG   0x00000080
#define REQUEST_INFO_VALID_CACHEPRIORITY_FLAG  0x80000000

typedef struct STOR_MAY_ALIAS DECLSPEC_ALIGN(STOR_ADDRESS_ALIGN) _SRBEX_DATA_IO_INFO {
    SRBEXDATATYPE Type;
    ULONG Length;
    ULONG Flags;
    ULONG Key;
    ULONG RWLength;
    BOOLEAN IsWriteRequest;
    UCHAR CachePriority;
    UCHAR Reserved[2];
    ULONG Reserved1[2];
} SRBEX_DATA_IO_INFO, *PSRBEX_DATA_IO_INFO;

#define SRB_SIGNATURE                   0x53524258 /* "SRBX" */
#define STORAGE_REQUEST_BLOCK_VERSION_1 0x1

/**
 * The extended form. AddressOffset and each SrbExDataOffset are bytes from the start of the block;
 * an offset is good only if it lies behind this header and before SrbLength.
 */
typedef struct STOR_MAY_ALIAS _STORAGE_REQUEST_BLOCK {
    USHORT Length;  /* offset of Signature: 8 */
    UCHAR Function; /* SRB_FUNCTION_STORAGE_REQUEST_BLOCK */
    UCHAR SrbStatus;
    UCHAR ReservedUchar[4]; /* zero */
    ULONG Signature;        /* SRB_SIGNATURE */
    ULONG Version;
    ULONG SrbLength; /* bytes of the whole block */
    ULONG SrbFunction;
    ULONG SrbFlags;
    ULONG ReservedUlong;
    ULONG RequestTag;
    USHORT RequestPriority;
    USHORT RequestAttribute;
    ULONG TimeOutValue; /* seconds */
    ULONG SystemStatus; /* an NTSTATUS, with SRB_STATUS_INTERNAL_ERROR */
    ULONG ZeroGuard1;   /* zero */
    ULONG AddressOffset;
    ULONG NumSrbExData;
    ULONG DataTransferLength;
    PVOID DataBuffer;
    PVOID ZeroGuard2; /* zero: whoever reads it as an old SRB's CDB finds TEST UNIT READY */
    PVOID OriginalRequest;
    PVOID ClassContext;
    PVOID PortContext;
    PVOID MiniportContext; /* SrbExtensionSize bytes for the miniport, not zeroed */
    struct _STORAGE_REQUEST_BLOCK *NextSrb;
    ULONG SrbExDataOffset[ANYSIZE_ARRAY];
} STORAGE_REQUEST_BLOCK, *PSTORAGE_REQUEST_BLOCK;

/** What every form begins with: enough to see which one it is. */
typedef struct STOR_MAY_ALIAS _STORAGE_REQUEST_BLOCK_HEADER {
    USHORT Length;
    UCHAR Function;
    UCHAR SrbStatus;
} STORAGE_REQUEST_BLOCK_HEADER, *PSTORAGE_REQUEST_BLOCK_HEADER;

_Static_assert(sizeof(SCSI_REQUEST_BLOCK) == 0x58, "SCSI_REQUEST_BLOCK");
_Static_assert(sizeof(SCSI_WMI_REQUEST_BLOCK) == 0x58, "SCSI_WMI_REQUEST_BLOCK");
_Static_assert(sizeof(SCSI_POWER_REQUEST_BLOCK) == 0x58, "SCSI_POWER_REQUEST_BLOCK");
_Static_assert(sizeof(SCSI_PNP_REQUEST_BLOCK) == 0x58, "SCSI_PNP_REQUEST_BLOCK");
_Static_assert(sizeof(STORAGE_REQUEST_BLOCK) == 0x80, "STORAGE_REQUEST_BLOCK");

#endif /* _NTSRB_ */
