/**
 * \file
 * The I/O controls of a SCSI port: pass-through, miniport I/O control, service IRPs.
 *
 * Shared by drivers and applications: needs the basic types, so include ntddk.h, ntifs.h or
 * windows.h (with winioctl.h or not) first. Names, layouts and values are the WDK's; the text is
 * our own, written from public documentation.
 */
#ifndef _NTDDSCSIH_
#define _NTDDSCSIH_

#ifndef CTL_CODE
#include <devioctl.h>
#endif

#define DD_SCSI_DEVICE_NAME "\\Device\\ScsiPort"

#define IOCTL_SCSI_BASE FILE_DEVICE_CONTROLLER

#ifndef FILE_DEVICE_SCSI
#define FILE_DEVICE_SCSI 0x0000001b
#endif

#define SCSI_CTL_RW(Function)                                                                      \
    CTL_CODE(IOCTL_SCSI_BASE, Function, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
#define SCSI_CTL_ANY(Function) CTL_CODE(IOCTL_SCSI_BASE, Function, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define IOCTL_SCSI_PASS_THROUGH        SCSI_CTL_RW(0x0401)
#define IOCTL_SCSI_MINIPORT            SCSI_CTL_RW(0x0402)
#define IOCTL_SCSI_GET_INQUIRY_DATA    SCSI_CTL_ANY(0x0403)
#define IOCTL_SCSI_GET_CAPABILITIES    SCSI_CTL_ANY(0x0404)
#define IOCTL_SCSI_PASS_THROUGH_DIRECT SCSI_CTL_RW(0x0405)
#define IOCTL_SCSI_GET_ADDRESS         SCSI_CTL_ANY(0x0406)
#define IOCTL_SCSI_RESCAN_BUS          SCSI_CTL_ANY(0x0407)
#define IOCTL_SCSI_GET_DUMP_POINTERS   SCSI_CTL_ANY(0x0408)
#define IOCTL_SCSI_FREE_DUMP_POINTERS  SCSI_CTL_ANY(0x0409)
#define IOCTL_IDE_PASS_THROUGH         SCSI_CTL_RW(0x040a)
#define IOCTL_ATA_PASS_THROUGH         SCSI_CTL_RW(0x040b)
#define IOCTL_ATA_PASS_THROUGH_DIRECT  SCSI_CTL_RW(0x040c)
#define IOCTL_ATA_MINIPORT             SCSI_CTL_RW(0x040d)
/** Goes to HwProcessServiceRequest, which may keep it. */
#define IOCTL_MINIPORT_PROCESS_SERVICE_IRP SCSI_CTL_RW(0x040e)
#define IOCTL_SCSI_PASS_THROUGH_EX         SCSI_CTL_RW(0x0411)
#define IOCTL_SCSI_PASS_THROUGH_DIRECT_EX  SCSI_CTL_RW(0x0412)

/* From class driver to port driver, with IRP_MJ_SCSI: not made by CTL_CODE. */
#define IOCTL_SCSI_EXECUTE_IN   ((FILE_DEVICE_SCSI << 16) + 0x0011)
#define IOCTL_SCSI_EXECUTE_OUT  ((FILE_DEVICE_SCSI << 16) + 0x0012)
#define IOCTL_SCSI_EXECUTE_NONE ((FILE_DEVICE_SCSI << 16) + 0x0013)

/* ControlCode values of an SRB_IO_CONTROL that Windows itself sends. */
#define IOCTL_SCSI_MINIPORT_SMART_VERSION         ((FILE_DEVICE_SCSI << 16) + 0x0500)
#define IOCTL_SCSI_MINIPORT_IDENTIFY              ((FILE_DEVICE_SCSI << 16) + 0x0501)
#define IOCTL_SCSI_MINIPORT_READ_SMART_ATTRIBS    ((FILE_DEVICE_SCSI << 16) + 0x0502)
#define IOCTL_SCSI_MINIPORT_READ_SMART_THRESHOLDS ((FILE_DEVICE_SCSI << 16) + 0x0503)
#define IOCTL_SCSI_MINIPORT_ENABLE_SMART          ((FILE_DEVICE_SCSI << 16) + 0x0504)
#define IOCTL_SCSI_MINIPORT_DISABLE_SMART         ((FILE_DEVICE_SCSI << 16) + 0x0505)
#define IOCTL_SCSI_MINIPORT_RETURN_STATUS         ((FILE_DEVICE_SCSI << 16) + 0x0506)
#define IOCTL_SCSI_MINIPORT_WRITE_SMART_LOG       ((FILE_DEVICE_SCSI << 16) + 0x050c)
#define IOCTL_SCSI_MINIPORT_NOT_QUORUM_CAPABLE    ((FILE_DEVICE_SCSI << 16) + 0x0520)
#define IOCTL_SCSI_MINIPORT_NVCACHE               ((FILE_DEVICE_SCSI << 16) + 0x0600)
#define IOCTL_SCSI_MINIPORT_DSM                   ((FILE_DEVICE_SCSI << 16) + 0x0720)
#define IOCTL_SCSI_MINIPORT_DSM_GENERAL           ((FILE_DEVICE_SCSI << 16) + 0x0721)

/** Begins the buffer of IOCTL_SCSI_MINIPORT: to whom, and what. */
typedef struct _SRB_IO_CONTROL {
    ULONG HeaderLength; /* sizeof(SRB_IO_CONTROL) */
    UCHAR Signature[8]; /* whose codes these are; not terminated */
    ULONG Timeout;      /* seconds */
    ULONG ControlCode;
    ULONG ReturnCode;
    ULONG Length; /* bytes that follow this header */
} SRB_IO_CONTROL, *PSRB_IO_CONTROL;

/* DataIn of a pass-through. */
#define SCSI_IOCTL_DATA_OUT         0
#define SCSI_IOCTL_DATA_IN          1
#define SCSI_IOCTL_DATA_UNSPECIFIED 2

/** Data and sense data lie in the same buffer, at these offsets. */
typedef struct _SCSI_PASS_THROUGH {
    USHORT Length;
    UCHAR ScsiStatus;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    UCHAR CdbLength;
    UCHAR SenseInfoLength;
    UCHAR DataIn;
    ULONG DataTransferLength;
    ULONG TimeOutValue;
    ULONG_PTR DataBufferOffset;
    ULONG SenseInfoOffset;
    UCHAR Cdb[16];
} SCSI_PASS_THROUGH, *PSCSI_PASS_THROUGH;

/** Data lies where it is: locked, and aligned as the adapter's AlignmentMask asks. */
typedef struct _SCSI_PASS_THROUGH_DIRECT {
    USHORT Length;
    UCHAR ScsiStatus;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    UCHAR CdbLength;
    UCHAR SenseInfoLength;
    UCHAR DataIn;
    ULONG DataTransferLength;
    ULONG TimeOutValue;
    PVOID DataBuffer;
    ULONG SenseInfoOffset;
    UCHAR Cdb[16];
} SCSI_PASS_THROUGH_DIRECT, *PSCSI_PASS_THROUGH_DIRECT;

/** IOCTL_SCSI_GET_ADDRESS. */
typedef struct _SCSI_ADDRESS {
    ULONG Length;
    UCHAR PortNumber;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
} SCSI_ADDRESS, *PSCSI_ADDRESS;

/** IOCTL_SCSI_GET_CAPABILITIES. */
typedef struct _IO_SCSI_CAPABILITIES {
    ULONG Length;
    ULONG MaximumTransferLength; /* bytes */
    ULONG MaximumPhysicalPages;
    ULONG SupportedAsynchronousEvents;
    ULONG AlignmentMask;
    BOOLEAN TaggedQueuing;
    BOOLEAN AdapterScansDown;
    BOOLEAN AdapterUsesPio;
} IO_SCSI_CAPABILITIES, *PIO_SCSI_CAPABILITIES;

/* IOCTL_SCSI_GET_INQUIRY_DATA: the buses, then per logical unit one SCSI_INQUIRY_DATA. */
typedef struct _SCSI_BUS_DATA {
    UCHAR NumberOfLogicalUnits;
    UCHAR InitiatorBusId;
    ULONG InquiryDataOffset;
} SCSI_BUS_DATA, *PSCSI_BUS_DATA;

typedef struct _SCSI_ADAPTER_BUS_INFO {
    UCHAR NumberOfBuses;
    SCSI_BUS_DATA BusData[1];
} SCSI_ADAPTER_BUS_INFO, *PSCSI_ADAPTER_BUS_INFO;

typedef struct _SCSI_INQUIRY_DATA {
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    BOOLEAN DeviceClaimed;
    ULONG InquiryDataLength;
    ULONG NextInquiryDataOffset;
    UCHAR InquiryData[1];
} SCSI_INQUIRY_DATA, *PSCSI_INQUIRY_DATA;

_Static_assert(sizeof(SRB_IO_CONTROL) == 28, "SRB_IO_CONTROL");

#endif /* _NTDDSCSIH_ */
