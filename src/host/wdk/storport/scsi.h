/**
 * \file
 * SCSI as Windows spells it: operation codes, CDBs, and the data that commands return.
 *
 * The union CDB lays sixteen bytes out once per command; the structures below it are the parameter
 * data of INQUIRY, the VPD pages, READ CAPACITY, MODE SENSE, sense data, UNMAP, GET LBA STATUS,
 * PERSISTENT RESERVE and the MMC commands of a CD-ROM. Everything here is a wire format: packed,
 * numbers of more than one byte big-endian and therefore byte arrays, except where the WDK has an
 * integer that must be swapped. Names and layouts are the WDK's; the text is our own, written from
 * public documentation and the standards (SPC-4, SBC-3, MMC-6). Needs the basic types: include
 * ntddk.h, ntifs.h or windows.h first. GET CONFIGURATION data is in ntddmmc.h, READ TOC data in
 * ntddcdrm.h, as in the WDK.
 */
#ifndef _NTSCSI_
#define _NTSCSI_

#ifndef ANYSIZE_ARRAY
#define ANYSIZE_ARRAY 1
#endif

/* Operation codes, ascending. */
#define SCSIOP_TEST_UNIT_READY               0x00
#define SCSIOP_REZERO_UNIT                   0x01
#define SCSIOP_REQUEST_SENSE                 0x03
#define SCSIOP_FORMAT_UNIT                   0x04
#define SCSIOP_REASSIGN_BLOCKS               0x07
#define SCSIOP_READ6                         0x08
#define SCSIOP_WRITE6                        0x0A
#define SCSIOP_SEEK6                         0x0B
#define SCSIOP_INQUIRY                       0x12
#define SCSIOP_VERIFY6                       0x13
#define SCSIOP_MODE_SELECT                   0x15
#define SCSIOP_RESERVE_UNIT                  0x16
#define SCSIOP_RELEASE_UNIT                  0x17
#define SCSIOP_MODE_SENSE                    0x1A
#define SCSIOP_START_STOP_UNIT               0x1B
#define SCSIOP_RECEIVE_DIAGNOSTIC            0x1C
#define SCSIOP_SEND_DIAGNOSTIC               0x1D
#define SCSIOP_MEDIUM_REMOVAL                0x1E
#define SCSIOP_READ_FORMATTED_CAPACITY       0x23
#define SCSIOP_READ_CAPACITY                 0x25
#define SCSIOP_READ                          0x28
#define SCSIOP_WRITE                         0x2A
#define SCSIOP_SEEK                          0x2B
#define SCSIOP_WRITE_VERIFY                  0x2E
#define SCSIOP_VERIFY                        0x2F
#define SCSIOP_PRE_FETCH10                   0x34
#define SCSIOP_SYNCHRONIZE_CACHE             0x35
#define SCSIOP_READ_DEFECT_DATA10            0x37
#define SCSIOP_WRITE_DATA_BUFF               0x3B
#define SCSIOP_READ_DATA_BUFF                0x3C
#define SCSIOP_WRITE_SAME                    0x41
#define SCSIOP_READ_SUB_CHANNEL              0x42 /* of a CD-ROM */
#define SCSIOP_UNMAP                         0x42 /* of a disk */
#define SCSIOP_READ_TOC                      0x43
#define SCSIOP_READ_HEADER                   0x44
#define SCSIOP_GET_CONFIGURATION             0x46
#define SCSIOP_GET_EVENT_STATUS              0x4A
#define SCSIOP_LOG_SELECT                    0x4C
#define SCSIOP_LOG_SENSE                     0x4D
#define SCSIOP_READ_DISC_INFORMATION         0x51
#define SCSIOP_READ_DISK_INFORMATION         0x51
#define SCSIOP_READ_TRACK_INFORMATION        0x52
#define SCSIOP_MODE_SELECT10                 0x55
#define SCSIOP_RESERVE_UNIT10                0x56
#define SCSIOP_RELEASE_UNIT10                0x57
#define SCSIOP_MODE_SENSE10                  0x5A
#define SCSIOP_READ_BUFFER_CAPACITY          0x5C
#define SCSIOP_PERSISTENT_RESERVE_IN         0x5E
#define SCSIOP_PERSISTENT_RESERVE_OUT        0x5F
#define SCSIOP_OPERATION32                   0x7F
#define SCSIOP_POPULATE_TOKEN                0x83
#define SCSIOP_WRITE_USING_TOKEN             0x83
#define SCSIOP_RECEIVE_ROD_TOKEN_INFORMATION 0x84
#define SCSIOP_ATA_PASSTHROUGH16             0x85
#define SCSIOP_READ16                        0x88
#define SCSIOP_COMPARE_AND_WRITE             0x89
#define SCSIOP_WRITE16                       0x8A
#define SCSIOP_ORWRITE16                     0x8B
#define SCSIOP_WRITE_VERIFY16                0x8E
#define SCSIOP_VERIFY16                      0x8F
#define SCSIOP_PRE_FETCH16                   0x90
#define SCSIOP_SYNCHRONIZE_CACHE16           0x91
#define SCSIOP_WRITE_SAME16                  0x93
#define SCSIOP_READ_CAPACITY16               0x9E /* with SERVICE_ACTION_READ_CAPACITY16 */
#define SCSIOP_GET_LBA_STATUS                0x9E /* with SERVICE_ACTION_GET_LBA_STATUS */
#define SCSIOP_SERVICE_ACTION_IN16           0x9E
#define SCSIOP_SERVICE_ACTION_OUT16          0x9F
#define SCSIOP_REPORT_LUNS                   0xA0
#define SCSIOP_ATA_PASSTHROUGH12             0xA1
#define SCSIOP_SECURITY_PROTOCOL_IN          0xA2
#define SCSIOP_MAINTENANCE_IN                0xA3
#define SCSIOP_REPORT_KEY                    0xA4 /* of a CD-ROM */
#define SCSIOP_MAINTENANCE_OUT               0xA4
#define SCSIOP_READ12                        0xA8
#define SCSIOP_WRITE12                       0xAA
#define SCSIOP_GET_PERFORMANCE               0xAC
#define SCSIOP_READ_DVD_STRUCTURE            0xAD
#define SCSIOP_WRITE_VERIFY12                0xAE
#define SCSIOP_VERIFY12                      0xAF
#define SCSIOP_SECURITY_PROTOCOL_OUT         0xB5
#define SCSIOP_SET_READ_AHEAD                0xA7
#define SCSIOP_READ_CD_MSF                   0xB9
#define SCSIOP_SET_CD_SPEED                  0xBB
#define SCSIOP_MECHANISM_STATUS              0xBD
#define SCSIOP_READ_CD                       0xBE

/* Service actions: byte 1, bits 4..0. */
#define SERVICE_ACTION_READ_CAPACITY16                  0x10
#define SERVICE_ACTION_GET_LBA_STATUS                   0x12
#define SERVICE_ACTION_REPORT_SUPPORTED_OPERATION_CODES 0x0C
#define SERVICE_ACTION_REPORT_TIMESTAMP                 0x0F

#define RESERVATION_ACTION_READ_KEYS                0x00
#define RESERVATION_ACTION_READ_RESERVATIONS        0x01
#define RESERVATION_ACTION_REGISTER                 0x00
#define RESERVATION_ACTION_RESERVE                  0x01
#define RESERVATION_ACTION_RELEASE                  0x02
#define RESERVATION_ACTION_CLEAR                    0x03
#define RESERVATION_ACTION_PREEMPT                  0x04
#define RESERVATION_ACTION_PREEMPT_ABORT            0x05
#define RESERVATION_ACTION_REGISTER_IGNORE_EXISTING 0x06

#define RESERVATION_TYPE_WRITE_EXCLUSIVE             0x01
#define RESERVATION_TYPE_EXCLUSIVE                   0x03
#define RESERVATION_TYPE_WRITE_EXCLUSIVE_REGISTRANTS 0x05
#define RESERVATION_TYPE_EXCLUSIVE_REGISTRANTS       0x06
#define RESERVATION_SCOPE_LU                         0x00
#define RESERVATION_SCOPE_ELEMENT                    0x02

/* Status byte (SAM). */
#define SCSISTAT_GOOD                  0x00
#define SCSISTAT_CHECK_CONDITION       0x02
#define SCSISTAT_CONDITION_MET         0x04
#define SCSISTAT_BUSY                  0x08
#define SCSISTAT_INTERMEDIATE          0x10
#define SCSISTAT_INTERMEDIATE_COND_MET 0x14
#define SCSISTAT_RESERVATION_CONFLICT  0x18
#define SCSISTAT_COMMAND_TERMINATED    0x22
#define SCSISTAT_QUEUE_FULL            0x28

/* Byte 1 of CDBs, and other masks. */
#define CDB_FORCE_MEDIA_ACCESS   0x08
#define CDB_INQUIRY_EVPD         0x01
#define CDB_RETURN_ON_COMPLETION 0
#define CDB_RETURN_IMMEDIATE     1

#define CDB6GENERIC_LENGTH  6
#define CDB10GENERIC_LENGTH 10
#define CDB12GENERIC_LENGTH 12

#define SETBITON  1
#define SETBITOFF 0

#pragma pack(push, 1)

/** A command descriptor block of up to sixteen bytes, once per command. */
typedef union _CDB {
    struct _CDB6GENERIC {
        UCHAR OperationCode;
        UCHAR Immediate : 1;
        UCHAR CommandUniqueBits : 4;
        UCHAR LogicalUnitNumber : 3;
        UCHAR CommandUniqueBytes[3];
        UCHAR Link : 1;
        UCHAR Flag : 1;
        UCHAR Reserved : 4;
        UCHAR VendorUnique : 2;
    } CDB6GENERIC;

    /** READ(6), WRITE(6), SEEK(6): 21 bits of LBA; zero blocks means 256. */
    struct _CDB6READWRITE {
        UCHAR OperationCode;
        UCHAR LogicalBlockMsb1 : 5;
        UCHAR LogicalUnitNumber : 3;
        UCHAR LogicalBlockMsb0;
        UCHAR LogicalBlockLsb;
        UCHAR TransferBlocks;
        UCHAR Control;
    } CDB6READWRITE;

    /** INQUIRY of SCSI-2, and the shape of REQUEST SENSE. */
    struct _CDB6INQUIRY {
        UCHAR OperationCode;
        UCHAR Reserved1 : 5;
        UCHAR LogicalUnitNumber : 3;
        UCHAR PageCode;
        UCHAR IReserved;
        UCHAR AllocationLength;
        UCHAR Control;
    } CDB6INQUIRY;

    /** INQUIRY with the EVPD bit. AllocationLength here is its low byte; SPC-3 made it two. */
    struct _CDB6INQUIRY3 {
        UCHAR OperationCode;
        UCHAR EnableVitalProductData : 1;
        UCHAR CommandSupportData : 1;
        UCHAR Reserved1 : 6;
        UCHAR PageCode;
        UCHAR Reserved2;
        UCHAR AllocationLength;
        UCHAR Control;
    } CDB6INQUIRY3;

    /** READ(10), WRITE(10), VERIFY(10), WRITE AND VERIFY(10), READ CAPACITY(10). */
    struct _CDB10 {
        UCHAR OperationCode;
        UCHAR RelativeAddress : 1;
        UCHAR Reserved1 : 2;
        UCHAR ForceUnitAccess : 1;
        UCHAR DisablePageOut : 1;
        UCHAR LogicalUnitNumber : 3;
        UCHAR LogicalBlockByte0;
        UCHAR LogicalBlockByte1;
        UCHAR LogicalBlockByte2;
        UCHAR LogicalBlockByte3;
        UCHAR Reserved2;
        UCHAR TransferBlocksMsb;
        UCHAR TransferBlocksLsb;
        UCHAR Control;
    } CDB10;

    /** READ(12), WRITE(12), VERIFY(12). */
    struct _CDB12 {
        UCHAR OperationCode;
        UCHAR RelativeAddress : 1;
        UCHAR Reserved1 : 2;
        UCHAR ForceUnitAccess : 1;
        UCHAR DisablePageOut : 1;
        UCHAR LogicalUnitNumber : 3;
        UCHAR LogicalBlock[4];
        UCHAR TransferLength[4];
        UCHAR Reserved2;
        UCHAR Control;
    } CDB12;

    /** READ(16), WRITE(16) and their like. */
    struct _CDB16 {
        UCHAR OperationCode;
        UCHAR Reserved1 : 3;
        UCHAR ForceUnitAccess : 1;
        UCHAR DisablePageOut : 1;
        UCHAR Protection : 3;
        UCHAR LogicalBlock[8];
        UCHAR TransferLength[4];
        UCHAR Reserved2;
        UCHAR Control;
    } CDB16;

    struct _READ16 {
        UCHAR OperationCode;
        UCHAR Reserved1 : 3;
        UCHAR ForceUnitAccess : 1;
        UCHAR DisablePageOut : 1;
        UCHAR ReadProtect : 3;
        UCHAR LogicalBlock[8];
        UCHAR TransferLength[4];
        UCHAR Reserved2 : 7;
        UCHAR Streaming : 1;
        UCHAR Control;
    } READ16;

    struct _WRITE16 {
        UCHAR OperationCode;
        UCHAR Reserved1 : 3;
        UCHAR ForceUnitAccess : 1;
        UCHAR DisablePageOut : 1;
        UCHAR WriteProtect : 3;
        UCHAR LogicalBlock[8];
        UCHAR TransferLength[4];
        UCHAR Reserved2 : 7;
        UCHAR Streaming : 1;
        UCHAR Control;
    } WRITE16;

    struct _VERIFY16 {
        UCHAR OperationCode;
        UCHAR Reserved1 : 1;
        UCHAR ByteCheck : 1;
        UCHAR BlockVerify : 1;
        UCHAR Reserved2 : 1;
        UCHAR DisablePageOut : 1;
        UCHAR VerifyProtect : 3;
        UCHAR LogicalBlock[8];
        UCHAR VerificationLength[4];
        UCHAR Reserved3 : 7;
        UCHAR Streaming : 1;
        UCHAR Control;
    } VERIFY16;

    struct _READ_CAPACITY16 {
        UCHAR OperationCode;
        UCHAR ServiceAction : 5;
        UCHAR Reserved1 : 3;
        UCHAR LogicalBlock[8];
        UCHAR AllocationLength[4];
        UCHAR PMI : 1;
        UCHAR Reserved2 : 7;
        UCHAR Control;
    } READ_CAPACITY16;

    struct _GET_LBA_STATUS {
        UCHAR OperationCode;
        UCHAR ServiceAction : 5;
        UCHAR Reserved1 : 3;
        UCHAR StartingLBA[8];
        UCHAR AllocationLength[4];
        UCHAR Reserved2;
        UCHAR Control;
    } GET_LBA_STATUS;

    struct _SYNCHRONIZE_CACHE10 {
        UCHAR OperationCode;
        UCHAR RelAddr : 1;
        UCHAR Immediate : 1;
        UCHAR Reserved : 3;
        UCHAR Lun : 3;
        UCHAR LogicalBlockAddress[4];
        UCHAR Reserved2;
        UCHAR BlockCount[2];
        UCHAR Control;
    } SYNCHRONIZE_CACHE10;

    struct _SYNCHRONIZE_CACHE16 {
        UCHAR OperationCode;
        UCHAR Reserved1 : 1;
        UCHAR Immediate : 1;
        UCHAR Reserved2 : 6;
        UCHAR LogicalBlock[8];
        UCHAR BlockCount[4];
        UCHAR Reserved3;
        UCHAR Control;
    } SYNCHRONIZE_CACHE16;

    struct _UNMAP {
        UCHAR OperationCode;
        UCHAR Anchor : 1;
        UCHAR Reserved1 : 7;
        UCHAR Reserved2[4];
        UCHAR GroupNumber : 5;
        UCHAR Reserved3 : 3;
        UCHAR AllocationLength[2];
        UCHAR Control;
    } UNMAP;

    struct _MODE_SENSE {
        UCHAR OperationCode;
        UCHAR Reserved1 : 3;
        UCHAR Dbd : 1;
        UCHAR Reserved2 : 4;
        UCHAR PageCode : 6;
        UCHAR Pc : 2;
        UCHAR SubPageCode;
        UCHAR AllocationLength;
        UCHAR Control;
    } MODE_SENSE;

    struct _MODE_SENSE10 {
        UCHAR OperationCode;
        UCHAR Reserved1 : 3;
        UCHAR Dbd : 1;
        UCHAR LongLBAAccepted : 1;
        UCHAR Reserved2 : 3;
        UCHAR PageCode : 6;
        UCHAR Pc : 2;
        UCHAR SubPageCode;
        UCHAR Reserved3[3];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } MODE_SENSE10;

    struct _MODE_SELECT {
        UCHAR OperationCode;
        UCHAR SPBit : 1;
        UCHAR Reserved1 : 3;
        UCHAR PFBit : 1;
        UCHAR LogicalUnitNumber : 3;
        UCHAR Reserved2[2];
        UCHAR ParameterListLength;
        UCHAR Control;
    } MODE_SELECT;

    struct _MODE_SELECT10 {
        UCHAR OperationCode;
        UCHAR SPBit : 1;
        UCHAR Reserved1 : 3;
        UCHAR PFBit : 1;
        UCHAR LogicalUnitNumber : 3;
        UCHAR Reserved2[5];
        UCHAR ParameterListLength[2];
        UCHAR Control;
    } MODE_SELECT10;

    struct _LOGSENSE {
        UCHAR OperationCode;
        UCHAR SPBit : 1;
        UCHAR PPCBit : 1;
        UCHAR Reserved1 : 3;
        UCHAR LogicalUnitNumber : 3;
        UCHAR PageCode : 6;
        UCHAR PCBit : 2;
        union {
            UCHAR SubPageCode;
            UCHAR Reserved2;
        };
        UCHAR Reserved3;
        UCHAR ParameterPointer[2];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } LOGSENSE;

    struct _REPORT_LUNS {
        UCHAR OperationCode;
        UCHAR Reserved1[5];
        UCHAR AllocationLength[4];
        UCHAR Reserved2[1];
        UCHAR Control;
    } REPORT_LUNS;

    struct _START_STOP {
        UCHAR OperationCode;
        UCHAR Immediate : 1;
        UCHAR Reserved1 : 4;
        UCHAR LogicalUnitNumber : 3;
        UCHAR Reserved2[2];
        UCHAR Start : 1;
        UCHAR LoadEject : 1;
        UCHAR Reserved3 : 6;
        UCHAR Control;
    } START_STOP;

    struct _MEDIA_REMOVAL {
        UCHAR OperationCode;
        UCHAR Reserved1 : 5;
        UCHAR LogicalUnitNumber : 3;
        UCHAR Reserved2[2];
        UCHAR Prevent : 1;
        UCHAR Persistant : 1;
        UCHAR Reserved3 : 6;
        UCHAR Control;
    } MEDIA_REMOVAL;

    struct _PERSISTENT_RESERVE_IN {
        UCHAR OperationCode;
        UCHAR ServiceAction : 5;
        UCHAR Reserved1 : 3;
        UCHAR Reserved2[5];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } PERSISTENT_RESERVE_IN;

    struct _PERSISTENT_RESERVE_OUT {
        UCHAR OperationCode;
        UCHAR ServiceAction : 5;
        UCHAR Reserved1 : 3;
        UCHAR Type : 4;
        UCHAR Scope : 4;
        UCHAR Reserved2[4];
        UCHAR ParameterListLength[2];
        UCHAR Control;
    } PERSISTENT_RESERVE_OUT;

    /* MMC. */
    struct _READ_TOC {
        UCHAR OperationCode;
        UCHAR Reserved0 : 1;
        UCHAR Msf : 1;
        UCHAR Reserved1 : 3;
        UCHAR LogicalUnitNumber : 3;
        UCHAR Format2 : 4;
        UCHAR Reserved2 : 4;
        UCHAR Reserved3[3];
        UCHAR StartingTrack;
        UCHAR AllocationLength[2];
        UCHAR Control : 6;
        UCHAR Format : 2;
    } READ_TOC;

    struct _READ_HEADER {
        UCHAR OperationCode;
        UCHAR Reserved1 : 1;
        UCHAR Msf : 1;
        UCHAR Reserved2 : 3;
        UCHAR Lun : 3;
        UCHAR LogicalBlockAddress[4];
        UCHAR Reserved3;
        UCHAR AllocationLength[2];
        UCHAR Control;
    } READ_HEADER;

    struct _SUBCHANNEL {
        UCHAR OperationCode;
        UCHAR Reserved0 : 1;
        UCHAR Msf : 1;
        UCHAR Reserved1 : 3;
        UCHAR LogicalUnitNumber : 3;
        UCHAR Reserved2 : 6;
        UCHAR SubQ : 1;
        UCHAR Reserved3 : 1;
        UCHAR Format;
        UCHAR Reserved4[2];
        UCHAR TrackNumber;
        UCHAR AllocationLength[2];
        UCHAR Control;
    } SUBCHANNEL;

    struct _GET_CONFIGURATION {
        UCHAR OperationCode;
        UCHAR RequestType : 2;
        UCHAR Reserved1 : 6;
        UCHAR StartingFeature[2];
        UCHAR Reserved2[3];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } GET_CONFIGURATION;

    struct _GET_EVENT_STATUS_NOTIFICATION {
        UCHAR OperationCode;
        UCHAR Immediate : 1;
        UCHAR Reserved : 4;
        UCHAR Lun : 3;
        UCHAR Reserved2[2];
        UCHAR NotificationClassRequest;
        UCHAR Reserved3[2];
        UCHAR EventListLength[2];
        UCHAR Control;
    } GET_EVENT_STATUS_NOTIFICATION;

    struct _READ_DISK_INFORMATION {
        UCHAR OperationCode;
        UCHAR Reserved1 : 5;
        UCHAR Lun : 3;
        UCHAR Reserved2[5];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } READ_DISK_INFORMATION;

    struct _READ_DISC_INFORMATION {
        UCHAR OperationCode;
        UCHAR DataType : 3;
        UCHAR Reserved1 : 5;
        UCHAR Reserved2[5];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } READ_DISC_INFORMATION;

    struct _READ_TRACK_INFORMATION {
        UCHAR OperationCode;
        UCHAR Track : 2;
        UCHAR Reserved4 : 3;
        UCHAR Lun : 3;
        UCHAR BlockAddress[4];
        UCHAR Reserved3;
        UCHAR AllocationLength[2];
        UCHAR Control;
    } READ_TRACK_INFORMATION;

    struct _READ_BUFFER_CAPACITY {
        UCHAR OperationCode;
        UCHAR BlockInfo : 1;
        UCHAR Reserved1 : 7;
        UCHAR Reserved2[5];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } READ_BUFFER_CAPACITY;

    struct _READ_FORMATTED_CAPACITIES {
        UCHAR OperationCode;
        UCHAR Reserved1 : 5;
        UCHAR Lun : 3;
        UCHAR Reserved2[5];
        UCHAR AllocationLength[2];
        UCHAR Control;
    } READ_FORMATTED_CAPACITIES;

    struct _READ_DVD_STRUCTURE {
        UCHAR OperationCode;
        UCHAR Reserved1 : 5;
        UCHAR Lun : 3;
        UCHAR RMDBlockNumber[4];
        UCHAR LayerNumber;
        UCHAR Format;
        UCHAR AllocationLength[2];
        UCHAR Reserved3 : 6;
        UCHAR AGID : 2;
        UCHAR Control;
    } READ_DVD_STRUCTURE;

    struct _REPORT_KEY {
        UCHAR OperationCode;
        UCHAR Reserved1 : 5;
        UCHAR Lun : 3;
        UCHAR LogicalBlockAddress[4];
        UCHAR Reserved2[2];
        UCHAR AllocationLength[2];
        UCHAR KeyFormat : 6;
        UCHAR AGID : 2;
        UCHAR Control;
    } REPORT_KEY;

    struct _MECH_STATUS {
        UCHAR OperationCode;
        UCHAR Reserved : 5;
        UCHAR Lun : 3;
        UCHAR Reserved1[6];
        UCHAR AllocationLength[2];
        UCHAR Reserved2[1];
        UCHAR Control;
    } MECH_STATUS;

    struct _READ_CD {
        UCHAR OperationCode;
        UCHAR RelativeAddress : 1;
        UCHAR Reserved0 : 1;
        UCHAR ExpectedSectorType : 3;
        UCHAR Lun : 3;
        UCHAR StartingLBA[4];
        UCHAR TransferBlocks[3];
        UCHAR Reserved2 : 1;
        UCHAR ErrorFlags : 2;
        UCHAR IncludeEDC : 1;
        UCHAR IncludeUserData : 1;
        UCHAR HeaderCode : 2;
        UCHAR IncludeSyncData : 1;
        UCHAR SubChannelSelection : 3;
        UCHAR Reserved3 : 5;
        UCHAR Control;
    } READ_CD;

    struct _GET_PERFORMANCE {
        UCHAR OperationCode;
        UCHAR Except : 2;
        UCHAR Write : 1;
        UCHAR Tolerance : 2;
        UCHAR Reserved0 : 3;
        UCHAR StartingLBA[4];
        UCHAR Reserved1[2];
        UCHAR MaximumNumberOfDescriptors[2];
        UCHAR Type;
        UCHAR Control;
    } GET_PERFORMANCE;

    ULONG AsUlong[4];
    UCHAR AsByte[16];
} CDB, *PCDB;

/* READ TOC, READ SUB-CHANNEL. */
#define READ_TOC_FORMAT_TOC      0x00
#define READ_TOC_FORMAT_SESSION  0x01
#define READ_TOC_FORMAT_FULL_TOC 0x02
#define READ_TOC_FORMAT_PMA      0x03
#define READ_TOC_FORMAT_ATIP     0x04
#define CD_MSF                   1 /* Msf bit: addresses as minute, second, frame */

/* Peripheral device types and qualifiers (SPC-4 6.6.2). */
#define DIRECT_ACCESS_DEVICE            0x00
#define SEQUENTIAL_ACCESS_DEVICE        0x01
#define PRINTER_DEVICE                  0x02
#define PROCESSOR_DEVICE                0x03
#define WRITE_ONCE_READ_MULTIPLE_DEVICE 0x04
#define READ_ONLY_DIRECT_ACCESS_DEVICE  0x05
#define SCANNER_DEVICE                  0x06
#define OPTICAL_DEVICE                  0x07
#define MEDIUM_CHANGER                  0x08
#define COMMUNICATION_DEVICE            0x09
#define ARRAY_CONTROLLER_DEVICE         0x0C
#define SCSI_ENCLOSURE_DEVICE           0x0D
#define REDUCED_BLOCK_DEVICE            0x0E
#define HOST_MANAGED_ZONED_BLOCK_DEVICE 0x14
#define LOGICAL_UNIT_NOT_PRESENT_DEVICE 0x7F
#define DEVICE_QUALIFIER_ACTIVE         0x00
#define DEVICE_QUALIFIER_NOT_ACTIVE     0x01
#define DEVICE_QUALIFIER_NOT_SUPPORTED  0x03
#define DEVICE_CONNECTED                0x00

/** Bytes 0 to 35: through ProductRevisionLevel. What an initiator asks for first. */
#define INQUIRYDATABUFFERSIZE 36

typedef union _VERSION_DESCRIPTOR {
    UCHAR Bytes[2]; /* big-endian */
    USHORT Value;   /* not swapped */
} VERSION_DESCRIPTOR, *PVERSION_DESCRIPTOR;

/** Standard INQUIRY data. */
typedef struct _INQUIRYDATA {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR DeviceTypeModifier : 7;
    UCHAR RemovableMedia : 1;
    union {
        UCHAR Versions;
        struct {
            UCHAR ANSIVersion : 3;
            UCHAR ECMAVersion : 3;
            UCHAR ISOVersion : 2;
        };
    };
    UCHAR ResponseDataFormat : 4;
    UCHAR HiSupport : 1;
    UCHAR NormACA : 1;
    UCHAR TerminateTask : 1;
    UCHAR AERC : 1;
    UCHAR AdditionalLength; /* bytes after this one */
    union {
        UCHAR Reserved;
        struct {
            UCHAR PROTECT : 1;
            UCHAR Reserved_1 : 2;
            UCHAR ThirdPartyCoppy : 1; /* the WDK's spelling */
            UCHAR TPGS : 2;
            UCHAR ACC : 1;
            UCHAR SCCS : 1;
        };
    };
    UCHAR Addr16 : 1;
    UCHAR Addr32 : 1;
    UCHAR AckReqQ : 1;
    UCHAR MediumChanger : 1;
    UCHAR MultiPort : 1;
    UCHAR ReservedBit2 : 1;
    UCHAR EnclosureServices : 1;
    UCHAR ReservedBit3 : 1;
    UCHAR SoftReset : 1;
    UCHAR CommandQueue : 1;
    UCHAR TransferDisable : 1;
    UCHAR LinkedCommands : 1;
    UCHAR Synchronous : 1;
    UCHAR Wide16Bit : 1;
    UCHAR Wide32Bit : 1;
    UCHAR RelativeAddressing : 1;
    UCHAR VendorId[8];
    UCHAR ProductId[16];
    UCHAR ProductRevisionLevel[4];
    UCHAR VendorSpecific[20];
    UCHAR Reserved3[2];
    VERSION_DESCRIPTOR VersionDescriptors[8];
    UCHAR Reserved4[30];
} INQUIRYDATA, *PINQUIRYDATA;

/* Vital product data pages. */
#define VPD_MAX_BUFFER_SIZE                    0xFF
#define VPD_SUPPORTED_PAGES                    0x00
#define VPD_SERIAL_NUMBER                      0x80
#define VPD_DEVICE_IDENTIFIERS                 0x83
#define VPD_MEDIA_SERIAL_NUMBER                0x84
#define VPD_SOFTWARE_INTERFACE_IDENTIFIERS     0x84
#define VPD_NETWORK_MANAGEMENT_ADDRESSES       0x85
#define VPD_EXTENDED_INQUIRY_DATA              0x86
#define VPD_MODE_PAGE_POLICY                   0x87
#define VPD_SCSI_PORTS                         0x88
#define VPD_ATA_INFORMATION                    0x89
#define VPD_THIRD_PARTY_COPY                   0x8F
#define VPD_BLOCK_LIMITS                       0xB0
#define VPD_BLOCK_DEVICE_CHARACTERISTICS       0xB1
#define VPD_LOGICAL_BLOCK_PROVISIONING         0xB2
#define VPD_ZONED_BLOCK_DEVICE_CHARACTERISTICS 0xB6

typedef struct _VPD_SUPPORTED_PAGES_PAGE {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR PageCode;
    UCHAR Reserved;
    UCHAR PageLength;
    UCHAR SupportedPageList[];
} VPD_SUPPORTED_PAGES_PAGE, *PVPD_SUPPORTED_PAGES_PAGE;

typedef struct _VPD_SERIAL_NUMBER_PAGE {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR PageCode;
    UCHAR Reserved;
    UCHAR PageLength;
    UCHAR SerialNumber[];
} VPD_SERIAL_NUMBER_PAGE, *PVPD_SERIAL_NUMBER_PAGE;

/** VPD_MEDIA_SERIAL_NUMBER of a removable medium. */
typedef struct _VPD_MEDIA_SERIAL_NUMBER_PAGE {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR PageCode;
    UCHAR Reserved;
    UCHAR PageLength;
    UCHAR SerialNumber[];
} VPD_MEDIA_SERIAL_NUMBER_PAGE, *PVPD_MEDIA_SERIAL_NUMBER_PAGE;

/** Code set of a designator. */
typedef enum _VPD_CODE_SET {
    VpdCodeSetReserved = 0,
    VpdCodeSetBinary = 1,
    VpdCodeSetAscii = 2,
    VpdCodeSetUTF8 = 3
} VPD_CODE_SET,
    *PVPD_CODE_SET;

/** What a designator designates. */
typedef enum _VPD_ASSOCIATION {
    VpdAssocDevice = 0, /* the logical unit */
    VpdAssocPort = 1,
    VpdAssocTarget = 2,
    VpdAssocReserved1 = 3,
    VpdAssocReserved2 = 4
} VPD_ASSOCIATION,
    *PVPD_ASSOCIATION;

/** Designator type. */
typedef enum _VPD_IDENTIFIER_TYPE {
    VpdIdentifierTypeVendorSpecific = 0,
    VpdIdentifierTypeVendorId = 1, /* T10 vendor identification */
    VpdIdentifierTypeEUI64 = 2,
    VpdIdentifierTypeFCPHName = 3, /* NAA */
    VpdIdentifierTypePortRelative = 4,
    VpdIdentifierTypeTargetPortGroup = 5,
    VpdIdentifierTypeLogicalUnitGroup = 6,
    VpdIdentifierTypeMD5LogicalUnitId = 7,
    VpdIdentifierTypeSCSINameString = 8
} VPD_IDENTIFIER_TYPE,
    *PVPD_IDENTIFIER_TYPE;

typedef struct _VPD_IDENTIFICATION_DESCRIPTOR {
    UCHAR CodeSet : 4;
    UCHAR Reserved : 4;
    UCHAR IdentifierType : 4;
    UCHAR Association : 2;
    UCHAR Reserved2 : 2;
    UCHAR Reserved3;
    UCHAR IdentifierLength;
    UCHAR Identifier[];
} VPD_IDENTIFICATION_DESCRIPTOR, *PVPD_IDENTIFICATION_DESCRIPTOR;

typedef struct _VPD_IDENTIFICATION_PAGE {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR PageCode;
    UCHAR Reserved;
    UCHAR PageLength;
    UCHAR Descriptors[];
} VPD_IDENTIFICATION_PAGE, *PVPD_IDENTIFICATION_PAGE;

/** VPD_BLOCK_LIMITS; PageLength is big-endian, 3Ch for this form. */
typedef struct _VPD_BLOCK_LIMITS_PAGE {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR PageCode;
    UCHAR PageLength[2];
    union {
        struct {
            UCHAR Reserved0; /* bit 0 is WSNZ */
            UCHAR MaximumCompareAndWriteLength;
            UCHAR OptimalTransferLengthGranularity[2];
            UCHAR MaximumTransferLength[4];
            UCHAR OptimalTransferLength[4];
            UCHAR MaxPrefetchXDReadXDWriteTransferLength[4];
            UCHAR MaximumUnmapLBACount[4];
            UCHAR MaximumUnmapBlockDescriptorCount[4];
            UCHAR OptimalUnmapGranularity[4];
            union {
                struct {
                    UCHAR UnmapGranularityAlignmentByte3 : 7; /* most significant */
                    UCHAR UGAValid : 1;
                    UCHAR UnmapGranularityAlignmentByte2;
                    UCHAR UnmapGranularityAlignmentByte1;
                    UCHAR UnmapGranularityAlignmentByte0;
                };
                UCHAR UnmapGranularityAlignment[4];
            };
            UCHAR Reserved1[28]; /* bytes 0 to 7: MAXIMUM WRITE SAME LENGTH */
        };
        UCHAR Descriptors[0];
    };
} VPD_BLOCK_LIMITS_PAGE, *PVPD_BLOCK_LIMITS_PAGE;

typedef struct _VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR PageCode;
    UCHAR Reserved0;
    UCHAR PageLength;
    UCHAR MediumRotationRateMsb;
    UCHAR MediumRotationRateLsb;
    UCHAR MediumProductType;
    UCHAR NominalFormFactor : 4;
    UCHAR WACEREQ : 2;
    UCHAR WABEREQ : 2;
    UCHAR VBULS : 1;
    UCHAR FUAB : 1;
    UCHAR BOCS : 1;
    UCHAR Reserved1 : 1;
    UCHAR ZONED : 2;
    UCHAR Reserved2 : 2;
    UCHAR Reserved3[3];
    UCHAR DepopulationTime[4];
    UCHAR Reserved4[48];
} VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE, *PVPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE;

/* ProvisioningType. */
#define PROVISIONING_TYPE_UNKNOWN  0x0
#define PROVISIONING_TYPE_RESOURCE 0x1
#define PROVISIONING_TYPE_THIN     0x2

typedef struct _VPD_LOGICAL_BLOCK_PROVISIONING_PAGE {
    UCHAR DeviceType : 5;
    UCHAR DeviceTypeQualifier : 3;
    UCHAR PageCode;
    UCHAR PageLength[2];
    UCHAR ThresholdExponent;
    UCHAR DP : 1;
    UCHAR ANC_SUP : 1;
    UCHAR LBPRZ : 1;
    UCHAR Reserved0 : 2;
    UCHAR LBPWS10 : 1;
    UCHAR LBPWS : 1;
    UCHAR LBPU : 1;
    UCHAR ProvisioningType : 3;
    UCHAR Reserved1 : 5;
    UCHAR Reserved2;
    UCHAR ProvisioningGroupDescr[];
} VPD_LOGICAL_BLOCK_PROVISIONING_PAGE, *PVPD_LOGICAL_BLOCK_PROVISIONING_PAGE;

/** REPORT LUNS data: LunListLength counts the bytes of Lun, big-endian. */
typedef struct _LUN_LIST {
    UCHAR LunListLength[4];
    UCHAR Reserved[4];
    UCHAR Lun[][8];
} LUN_LIST, *PLUN_LIST;

/** READ CAPACITY(10) data; both big-endian. FFFFFFFFh: ask READ CAPACITY(16). */
typedef struct _READ_CAPACITY_DATA {
    ULONG LogicalBlockAddress;
    ULONG BytesPerBlock;
} READ_CAPACITY_DATA, *PREAD_CAPACITY_DATA;

/** The first twelve bytes of READ CAPACITY(16) data; big-endian. */
typedef struct _READ_CAPACITY_DATA_EX {
    LARGE_INTEGER LogicalBlockAddress;
    ULONG BytesPerBlock;
} READ_CAPACITY_DATA_EX, *PREAD_CAPACITY_DATA_EX;

/** READ CAPACITY(16) data; big-endian. */
typedef struct _READ_CAPACITY16_DATA {
    LARGE_INTEGER LogicalBlockAddress;
    ULONG BytesPerBlock;
    UCHAR ProtectionEnable : 1;
    UCHAR ProtectionType : 3;
    UCHAR RcBasis : 2;
    UCHAR Reserved : 2;
    UCHAR LogicalPerPhysicalExponent : 4;
    UCHAR ProtectionInfoExponent : 4;
    UCHAR LowestAlignedBlock_MSB : 6;
    UCHAR LBPRZ : 1;
    UCHAR LBPME : 1;
    UCHAR LowestAlignedBlock_LSB;
    UCHAR Reserved3[16];
} READ_CAPACITY16_DATA, *PREAD_CAPACITY16_DATA;

/* GET LBA STATUS data (SBC-3 5.4). */
#define LBA_STATUS_MAPPED      0x0
#define LBA_STATUS_DEALLOCATED 0x1
#define LBA_STATUS_ANCHORED    0x2

typedef struct _LBA_STATUS_DESCRIPTOR {
    ULONGLONG StartingLBA;   /* big-endian */
    ULONG LogicalBlockCount; /* big-endian */
    UCHAR ProvisioningStatus : 4;
    UCHAR Reserved1 : 4;
    UCHAR Reserved2[3];
} LBA_STATUS_DESCRIPTOR, *PLBA_STATUS_DESCRIPTOR;

typedef struct _LBA_STATUS_LIST_HEADER {
    ULONG ParameterLength; /* big-endian; bytes after this field */
    ULONG Reserved;
    LBA_STATUS_DESCRIPTOR Descriptors[];
} LBA_STATUS_LIST_HEADER, *PLBA_STATUS_LIST_HEADER;

/* UNMAP parameter list; big-endian. */
typedef struct _UNMAP_BLOCK_DESCRIPTOR {
    UCHAR StartingLba[8];
    UCHAR LbaCount[4];
    UCHAR Reserved[4];
} UNMAP_BLOCK_DESCRIPTOR, *PUNMAP_BLOCK_DESCRIPTOR;

typedef struct _UNMAP_LIST_HEADER {
    UCHAR DataLength[2];
    UCHAR BlockDescrDataLength[2];
    UCHAR Reserved[4];
    UNMAP_BLOCK_DESCRIPTOR Descriptors[];
} UNMAP_LIST_HEADER, *PUNMAP_LIST_HEADER;

/* Mode parameters. */
#define MODE_PAGE_ERROR_RECOVERY   0x01
#define MODE_PAGE_DISCONNECT       0x02
#define MODE_PAGE_FORMAT_DEVICE    0x03
#define MODE_PAGE_RIGID_GEOMETRY   0x04
#define MODE_PAGE_FLEXIBILE        0x05 /* the WDK's spelling */
#define MODE_PAGE_WRITE_PARAMETERS 0x05
#define MODE_PAGE_VERIFY_ERROR     0x07
#define MODE_PAGE_CACHING          0x08
#define MODE_PAGE_PERIPHERAL       0x09
#define MODE_PAGE_CONTROL          0x0A
#define MODE_PAGE_MEDIUM_TYPES     0x0B
#define MODE_PAGE_CD_AUDIO_CONTROL 0x0E
#define MODE_PAGE_POWER_CONDITION  0x1A
#define MODE_PAGE_FAULT_REPORTING  0x1C /* informational exceptions control */
#define MODE_PAGE_CDVD_INACTIVITY  0x1D
#define MODE_PAGE_CAPABILITIES     0x2A
#define MODE_SENSE_RETURN_ALL      0x3F

/* Pc, page control. */
#define MODE_SENSE_CURRENT_VALUES    0x0
#define MODE_SENSE_CHANGEABLE_VALUES 0x1
#define MODE_SENSE_DEFAULT_VAULES    0x2 /* the WDK's spelling */
#define MODE_SENSE_SAVED_VALUES      0x3

/* DeviceSpecificParameter of a disk. */
#define MODE_DSP_FUA_SUPPORTED 0x10
#define MODE_DSP_WRITE_PROTECT 0x80

/** MODE SENSE(6): ModeDataLength does not count itself. */
typedef struct _MODE_PARAMETER_HEADER {
    UCHAR ModeDataLength;
    UCHAR MediumType;
    UCHAR DeviceSpecificParameter;
    UCHAR BlockDescriptorLength;
} MODE_PARAMETER_HEADER, *PMODE_PARAMETER_HEADER;

typedef struct _MODE_PARAMETER_HEADER10 {
    UCHAR ModeDataLength[2];
    UCHAR MediumType;
    UCHAR DeviceSpecificParameter;
    UCHAR Reserved[2];
    UCHAR BlockDescriptorLength[2];
} MODE_PARAMETER_HEADER10, *PMODE_PARAMETER_HEADER10;

typedef struct _MODE_PARAMETER_BLOCK {
    UCHAR DensityCode;
    UCHAR NumberOfBlocks[3];
    UCHAR Reserved;
    UCHAR BlockLength[3];
} MODE_PARAMETER_BLOCK, *PMODE_PARAMETER_BLOCK;

typedef struct _MODE_CACHING_PAGE {
    UCHAR PageCode : 6;
    UCHAR Reserved : 1;
    UCHAR PageSavable : 1;
    UCHAR PageLength;
    UCHAR ReadDisableCache : 1;
    UCHAR MultiplicationFactor : 1;
    UCHAR WriteCacheEnable : 1;
    UCHAR Reserved2 : 5;
    UCHAR WriteRetensionPriority : 4;
    UCHAR ReadRetensionPriority : 4;
    UCHAR DisablePrefetchTransfer[2];
    UCHAR MinimumPrefetch[2];
    UCHAR MaximumPrefetch[2];
    UCHAR MaximumPrefetchCeiling[2];
} MODE_CACHING_PAGE, *PMODE_CACHING_PAGE;

/** MODE_PAGE_CONTROL (SPC-4 7.5.8). */
typedef struct _MODE_CONTROL_PAGE {
    UCHAR PageCode : 6;
    UCHAR Reserved1 : 1;
    UCHAR PageSavable : 1;
    UCHAR PageLength; /* 0Ah */
    UCHAR RLEC : 1;
    UCHAR GLTSD : 1;
    UCHAR D_SENSE : 1; /* descriptor format sense data */
    UCHAR DPICZ : 1;
    UCHAR TMF_ONLY : 1;
    UCHAR TST : 3;
    UCHAR Obsolete1 : 1;
    UCHAR QERR : 2;
    UCHAR NUAR : 1;
    UCHAR QueueAlgorithmModifier : 4;
    UCHAR Obsolete2 : 3;
    UCHAR SWP : 1; /* software write protect */
    UCHAR UA_INTLCK_CTRL : 2;
    UCHAR RAC : 1;
    UCHAR VS : 1;
    UCHAR AutoloadMode : 3;
    UCHAR Reserved2 : 1;
    UCHAR RWWP : 1;
    UCHAR ATMPE : 1;
    UCHAR TAS : 1;
    UCHAR ATO : 1;
    UCHAR Obsolete3[2];
    UCHAR BusyTimeoutPeriod[2];
    UCHAR ExtendedSelfTestCompletionTime[2];
} MODE_CONTROL_PAGE, *PMODE_CONTROL_PAGE;

/** MODE_PAGE_FAULT_REPORTING. */
typedef struct _MODE_INFO_EXCEPTIONS {
    UCHAR PageCode : 6;
    UCHAR Reserved1 : 1;
    UCHAR PSBit : 1;
    UCHAR PageLength; /* 0Ah */
    union {
        UCHAR Flags;
        struct {
            UCHAR LogErr : 1;
            UCHAR Reserved2 : 1;
            UCHAR Test : 1;
            UCHAR Dexcpt : 1;
            UCHAR Reserved3 : 3;
            UCHAR Perf : 1;
        };
    };
    UCHAR ReportMethod : 4;
    UCHAR Reserved4 : 4;
    UCHAR IntervalTimer[4];
    UCHAR ReportCount[4];
} MODE_INFO_EXCEPTIONS, *PMODE_INFO_EXCEPTIONS;

/** MODE_PAGE_CAPABILITIES of a CD-ROM (MMC-3's form; MMC-6 calls it legacy). */
typedef struct _CDVD_CAPABILITIES_PAGE {
    UCHAR PageCode : 6;
    UCHAR Reserved : 1;
    UCHAR PSBit : 1;
    UCHAR PageLength; /* 18h and more */
    UCHAR CDRRead : 1;
    UCHAR CDERead : 1;
    UCHAR Method2 : 1;
    UCHAR DVDROMRead : 1;
    UCHAR DVDRRead : 1;
    UCHAR DVDRAMRead : 1;
    UCHAR Reserved2 : 2;
    UCHAR CDRWrite : 1;
    UCHAR CDEWrite : 1;
    UCHAR TestWrite : 1;
    UCHAR Reserved3 : 1;
    UCHAR DVDRWrite : 1;
    UCHAR DVDRAMWrite : 1;
    UCHAR Reserved4 : 2;
    UCHAR AudioPlay : 1;
    UCHAR Composite : 1;
    UCHAR DigitalPortOne : 1;
    UCHAR DigitalPortTwo : 1;
    UCHAR Mode2Form1 : 1;
    UCHAR Mode2Form2 : 1;
    UCHAR MultiSession : 1;
    UCHAR BufferUnderrunFree : 1;
    UCHAR CDDA : 1;
    UCHAR CDDAAccurate : 1;
    UCHAR RWSupported : 1;
    UCHAR RWDeinterleaved : 1;
    UCHAR C2Pointers : 1;
    UCHAR ISRC : 1;
    UCHAR UPC : 1;
    UCHAR ReadBarCodeCapable : 1;
    UCHAR Lock : 1;
    UCHAR LockState : 1;
    UCHAR PreventJumper : 1;
    UCHAR Eject : 1;
    UCHAR Reserved6 : 1;
    UCHAR LoadingMechanismType : 3;
    UCHAR SeparateVolume : 1;
    UCHAR SeperateChannelMute : 1; /* the WDK's spelling */
    UCHAR SupportsDiskPresent : 1;
    UCHAR SWSlotSelection : 1;
    UCHAR SideChangeCapable : 1;
    UCHAR RWInLeadInReadable : 1;
    UCHAR Reserved7 : 2;
    union {
        UCHAR ReadSpeedMaximum[2];
        UCHAR ObsoleteReserved[2];
    };
    UCHAR NumberVolumeLevels[2];
    UCHAR BufferSize[2]; /* KiB */
    union {
        UCHAR ReadSpeedCurrent[2];
        UCHAR ObsoleteReserved2[2];
    };
    UCHAR ObsoleteReserved3;
    UCHAR Reserved8 : 1;
    UCHAR BCK : 1;
    UCHAR RCK : 1;
    UCHAR LSBF : 1;
    UCHAR Length : 2;
    UCHAR Reserved9 : 2;
    union {
        UCHAR WriteSpeedMaximum[2];
        UCHAR ObsoleteReserved4[2];
    };
    union {
        UCHAR WriteSpeedCurrent[2];
        UCHAR ObsoleteReserved11[2];
    };
    union {
        UCHAR CopyManagementRevision[2];
        UCHAR Reserved10[2];
    };
} CDVD_CAPABILITIES_PAGE, *PCDVD_CAPABILITIES_PAGE;

/* LoadingMechanismType. */
#define CDVD_LMT_CADDY              0
#define CDVD_LMT_TRAY               1
#define CDVD_LMT_POPUP              2
#define CDVD_LMT_RESERVED1          3
#define CDVD_LMT_CHANGER_INDIVIDUAL 4
#define CDVD_LMT_CHANGER_CARTRIDGE  5

/* Sense data. */
#define SCSI_SENSE_ERRORCODE_FIXED_CURRENT       0x70
#define SCSI_SENSE_ERRORCODE_FIXED_DEFERRED      0x71
#define SCSI_SENSE_ERRORCODE_DESCRIPTOR_CURRENT  0x72
#define SCSI_SENSE_ERRORCODE_DESCRIPTOR_DEFERRED 0x73

/** Fixed format. Information and CommandSpecificInformation are big-endian. */
typedef struct _SENSE_DATA {
    UCHAR ErrorCode : 7;
    UCHAR Valid : 1;
    UCHAR SegmentNumber;
    UCHAR SenseKey : 4;
    UCHAR Reserved : 1;
    UCHAR IncorrectLength : 1;
    UCHAR EndOfMedia : 1;
    UCHAR FileMark : 1;
    UCHAR Information[4];
    UCHAR AdditionalSenseLength;
    UCHAR CommandSpecificInformation[4];
    UCHAR AdditionalSenseCode;
    UCHAR AdditionalSenseCodeQualifier;
    UCHAR FieldReplaceableUnitCode;
    UCHAR SenseKeySpecific[3];
} SENSE_DATA, *PSENSE_DATA;

typedef SENSE_DATA FIXED_SENSE_DATA, *PFIXED_SENSE_DATA;

/** Descriptor format: AdditionalSenseLength counts the bytes of DescriptorBuffer. */
typedef struct _DESCRIPTOR_SENSE_DATA {
    UCHAR ErrorCode : 7;
    UCHAR Reserved1 : 1;
    UCHAR SenseKey : 4;
    UCHAR Reserved2 : 4;
    UCHAR AdditionalSenseCode;
    UCHAR AdditionalSenseCodeQualifier;
    UCHAR Reserved3[3];
    UCHAR AdditionalSenseLength;
    UCHAR DescriptorBuffer[ANYSIZE_ARRAY];
} DESCRIPTOR_SENSE_DATA, *PDESCRIPTOR_SENSE_DATA;

/** Either. */
typedef union _SENSE_DATA_EX {
    FIXED_SENSE_DATA FixedData;
    DESCRIPTOR_SENSE_DATA DescriptorData;
} SENSE_DATA_EX, *PSENSE_DATA_EX;

#define SENSE_BUFFER_SIZE          (sizeof(SENSE_DATA))
#define SENSE_BUFFER_SIZE_EX       (sizeof(SENSE_DATA_EX))
#define MAX_SENSE_BUFFER_SIZE      255
#define MAX_ADDITIONAL_SENSE_BYTES (MAX_SENSE_BUFFER_SIZE - SENSE_BUFFER_SIZE)

/* Descriptors of the descriptor format (SPC-4 4.5.2). */
#define SCSI_SENSE_DESCRIPTOR_TYPE_INFORMATION            0x00
#define SCSI_SENSE_DESCRIPTOR_TYPE_COMMAND_SPECIFIC       0x01
#define SCSI_SENSE_DESCRIPTOR_TYPE_SENSE_KEY_SPECIFIC     0x02
#define SCSI_SENSE_DESCRIPTOR_TYPE_FIELD_REPLACEABLE_UNIT 0x03
#define SCSI_SENSE_DESCRIPTOR_TYPE_STREAM_COMMAND         0x04
#define SCSI_SENSE_DESCRIPTOR_TYPE_BLOCK_COMMAND          0x05

typedef struct _SCSI_SENSE_DESCRIPTOR_HEADER {
    UCHAR DescriptorType;
    UCHAR AdditionalLength; /* bytes after this one */
} SCSI_SENSE_DESCRIPTOR_HEADER, *PSCSI_SENSE_DESCRIPTOR_HEADER;

typedef struct _SCSI_SENSE_DESCRIPTOR_INFORMATION {
    SCSI_SENSE_DESCRIPTOR_HEADER Header;
    UCHAR Reserved1 : 7;
    UCHAR Valid : 1;
    UCHAR Reserved2;
    UCHAR Information[8];
} SCSI_SENSE_DESCRIPTOR_INFORMATION, *PSCSI_SENSE_DESCRIPTOR_INFORMATION;

/* Sense keys. */
#define SCSI_SENSE_NO_SENSE        0x00
#define SCSI_SENSE_RECOVERED_ERROR 0x01
#define SCSI_SENSE_NOT_READY       0x02
#define SCSI_SENSE_MEDIUM_ERROR    0x03
#define SCSI_SENSE_HARDWARE_ERROR  0x04
#define SCSI_SENSE_ILLEGAL_REQUEST 0x05
#define SCSI_SENSE_UNIT_ATTENTION  0x06
#define SCSI_SENSE_DATA_PROTECT    0x07
#define SCSI_SENSE_BLANK_CHECK     0x08
#define SCSI_SENSE_UNIQUE          0x09
#define SCSI_SENSE_COPY_ABORTED    0x0A
#define SCSI_SENSE_ABORTED_COMMAND 0x0B
#define SCSI_SENSE_EQUAL           0x0C
#define SCSI_SENSE_VOL_OVERFLOW    0x0D
#define SCSI_SENSE_MISCOMPARE      0x0E
#define SCSI_SENSE_RESERVED        0x0F

/* Additional sense codes. */
#define SCSI_ADSENSE_NO_SENSE                              0x00
#define SCSI_ADSENSE_NO_SEEK_COMPLETE                      0x02
#define SCSI_ADSENSE_WRITE                                 0x03
#define SCSI_ADSENSE_LUN_NOT_READY                         0x04
#define SCSI_ADSENSE_LUN_COMMUNICATION                     0x08
#define SCSI_ADSENSE_SERVO_ERROR                           0x09
#define SCSI_ADSENSE_WARNING                               0x0B
#define SCSI_ADSENSE_WRITE_ERROR                           0x0C
#define SCSI_ADSENSE_COPY_TARGET_DEVICE_ERROR              0x0D
#define SCSI_ADSENSE_UNRECOVERED_ERROR                     0x11
#define SCSI_ADSENSE_TRACK_ERROR                           0x14
#define SCSI_ADSENSE_SEEK_ERROR                            0x15
#define SCSI_ADSENSE_REC_DATA_NOECC                        0x17
#define SCSI_ADSENSE_REC_DATA_ECC                          0x18
#define SCSI_ADSENSE_DEFECT_LIST_ERROR                     0x19
#define SCSI_ADSENSE_PARAMETER_LIST_LENGTH                 0x1A
#define SCSI_ADSENSE_MISCOMPARE_DURING_VERIFY_OPERATION    0x1D
#define SCSI_ADSENSE_ILLEGAL_COMMAND                       0x20
#define SCSI_ADSENSE_ILLEGAL_BLOCK                         0x21
#define SCSI_ADSENSE_INVALID_TOKEN                         0x23
#define SCSI_ADSENSE_INVALID_CDB                           0x24
#define SCSI_ADSENSE_INVALID_LUN                           0x25
#define SCSI_ADSENSE_INVALID_FIELD_PARAMETER_LIST          0x26
#define SCSI_ADSENSE_WRITE_PROTECT                         0x27
#define SCSI_ADSENSE_MEDIUM_CHANGED                        0x28
#define SCSI_ADSENSE_BUS_RESET                             0x29
#define SCSI_ADSENSE_PARAMETERS_CHANGED                    0x2A
#define SCSI_ADSENSE_INSUFFICIENT_TIME_FOR_OPERATION       0x2E
#define SCSI_ADSENSE_INVALID_MEDIA                         0x30
#define SCSI_ADSENSE_DEFECT_LIST                           0x32
#define SCSI_ADSENSE_LB_PROVISIONING                       0x38
#define SCSI_ADSENSE_SAVING_PARAMETER_NOT_SUPPORTED        0x39
#define SCSI_ADSENSE_NO_MEDIA_IN_DEVICE                    0x3A
#define SCSI_ADSENSE_POSITION_ERROR                        0x3B
#define SCSI_ADSENSE_LOGICAL_UNIT_ERROR                    0x3E
#define SCSI_ADSENSE_OPERATING_CONDITIONS_CHANGED          0x3F
#define SCSI_ADSENSE_DATA_PATH_FAILURE                     0x41
#define SCSI_ADSENSE_POWER_ON_SELF_TEST_FAILURE            0x42
#define SCSI_ADSENSE_INTERNAL_TARGET_FAILURE               0x44
#define SCSI_ADSENSE_DATA_TRANSFER_ERROR                   0x4B
#define SCSI_ADSENSE_LUN_FAILED_SELF_CONFIGURATION         0x4C
#define SCSI_ADSENSE_MEDIUM_LOAD_OR_EJECT_FAILED           0x53
#define SCSI_ADSENSE_RESOURCE_FAILURE                      0x55
#define SCSI_ADSENSE_OPERATOR_REQUEST                      0x5A
#define SCSI_ADSENSE_FAILURE_PREDICTION_THRESHOLD_EXCEEDED 0x5D
#define SCSI_ADSENSE_ILLEGAL_MODE_FOR_THIS_TRACK           0x64
#define SCSI_ADSENSE_COPY_PROTECTION_FAILURE               0x6F
#define SCSI_ADSENSE_VENDOR_UNIQUE                         0x80

/* Qualifiers. */
#define SCSI_SENSEQ_CAUSE_NOT_REPORTABLE             0x00
#define SCSI_SENSEQ_BECOMING_READY                   0x01 /* of 04h */
#define SCSI_SENSEQ_INIT_COMMAND_REQUIRED            0x02 /* of 04h */
#define SCSI_SENSEQ_MANUAL_INTERVENTION_REQUIRED     0x03
#define SCSI_SENSEQ_FORMAT_IN_PROGRESS               0x04
#define SCSI_SENSEQ_SPACE_ALLOC_FAILED_WRITE_PROTECT 0x07 /* of 27h */
#define SCSI_SENSEQ_SOFTWARE_WRITE_PROTECT           0x02 /* of 27h */
#define SCSI_SENSEQ_PARAMETER_NOT_SUPPORTED          0x01 /* of 26h */
#define SCSI_SENSEQ_PARAMETER_VALUE_INVALID          0x02 /* of 26h */
#define SCSI_SENSEQ_CAPACITY_DATA_CHANGED            0x09 /* of 2Ah */
#define SCSI_SENSEQ_SOFT_THRESHOLD_REACHED           0x07 /* of 38h */
#define SCSI_SENSEQ_MEDIUM_TRAY_CLOSED               0x01 /* of 3Ah */
#define SCSI_SENSEQ_MEDIUM_TRAY_OPEN                 0x02 /* of 3Ah */
#define SCSI_SENSEQ_MICROCODE_CHANGED                0x01 /* of 3Fh */
#define SCSI_SENSEQ_OPERATING_DEFINITION_CHANGED     0x02 /* of 3Fh */
#define SCSI_SENSEQ_INQUIRY_DATA_CHANGED             0x03 /* of 3Fh */
#define SCSI_SENSEQ_REPORTED_LUNS_DATA_CHANGED       0x0E /* of 3Fh */
#define SCSI_SENSEQ_MEDIUM_REMOVAL_PREVENTED         0x02 /* of 53h */

/* Persistent reservations; big-endian. */
typedef struct _PRI_REGISTRATION_LIST {
    UCHAR Generation[4];
    UCHAR AdditionalLength[4];
    UCHAR ReservationKeyList[][8];
} PRI_REGISTRATION_LIST, *PPRI_REGISTRATION_LIST;

typedef struct _PRI_RESERVATION_DESCRIPTOR {
    UCHAR ReservationKey[8];
    UCHAR ScopeSpecificAddress[4];
    UCHAR Reserved;
    UCHAR Type : 4;
    UCHAR Scope : 4;
    UCHAR Obsolete[2];
} PRI_RESERVATION_DESCRIPTOR, *PPRI_RESERVATION_DESCRIPTOR;

typedef struct _PRI_RESERVATION_LIST {
    UCHAR Generation[4];
    UCHAR AdditionalLength[4];
    PRI_RESERVATION_DESCRIPTOR Reservations[];
} PRI_RESERVATION_LIST, *PPRI_RESERVATION_LIST;

typedef struct _PRO_PARAMETER_LIST {
    UCHAR ReservationKey[8];
    UCHAR ServiceActionReservationKey[8];
    UCHAR ScopeSpecificAddress[4];
    UCHAR ActivatePersistThroughPowerLoss : 1;
    UCHAR Reserved1 : 7;
    UCHAR Reserved2;
    UCHAR Obsolete[2];
} PRO_PARAMETER_LIST, *PPRO_PARAMETER_LIST;

/* GET EVENT STATUS NOTIFICATION: classes asked for (a mask) and answered (a number). */
#define NOTIFICATION_OPERATIONAL_CHANGE_CLASS_MASK 0x02
#define NOTIFICATION_POWER_MANAGEMENT_CLASS_MASK   0x04
#define NOTIFICATION_EXTERNAL_REQUEST_CLASS_MASK   0x08
#define NOTIFICATION_MEDIA_STATUS_CLASS_MASK       0x10
#define NOTIFICATION_MULTI_HOST_CLASS_MASK         0x20
#define NOTIFICATION_DEVICE_BUSY_CLASS_MASK        0x40

#define NOTIFICATION_NO_CLASS_EVENTS                 0x0
#define NOTIFICATION_OPERATIONAL_CHANGE_CLASS_EVENTS 0x1
#define NOTIFICATION_POWER_MANAGEMENT_CLASS_EVENTS   0x2
#define NOTIFICATION_EXTERNAL_REQUEST_CLASS_EVENTS   0x3
#define NOTIFICATION_MEDIA_STATUS_CLASS_EVENTS       0x4
#define NOTIFICATION_MULTI_HOST_CLASS_EVENTS         0x5
#define NOTIFICATION_DEVICE_BUSY_CLASS_EVENTS        0x6

#define NOTIFICATION_MEDIA_EVENT_NO_CHANGE     0x0
#define NOTIFICATION_MEDIA_EVENT_NO_EVENT      0x0
#define NOTIFICATION_MEDIA_EVENT_EJECT_REQUEST 0x1
#define NOTIFICATION_MEDIA_EVENT_NEW_MEDIA     0x2
#define NOTIFICATION_MEDIA_EVENT_MEDIA_REMOVAL 0x3
#define NOTIFICATION_MEDIA_EVENT_MEDIA_CHANGE  0x4

#define NOTIFICATION_OPERATIONAL_EVENT_NO_CHANGE 0x0
#define NOTIFICATION_POWER_EVENT_NO_CHANGE       0x0
#define NOTIFICATION_POWER_STATUS_ACTIVE         0x1
#define NOTIFICATION_BUSY_EVENT_NO_EVENT         0x0

typedef struct _NOTIFICATION_EVENT_STATUS_HEADER {
    UCHAR EventDataLength[2]; /* big-endian; bytes after this field */
    UCHAR NotificationClass : 3;
    UCHAR Reserved : 4;
    UCHAR NEA : 1; /* no event available: none of the classes asked for is supported */
    UCHAR SupportedEventClasses;
    UCHAR ClassEventData[];
} NOTIFICATION_EVENT_STATUS_HEADER, *PNOTIFICATION_EVENT_STATUS_HEADER;

typedef struct _NOTIFICATION_OPERATIONAL_STATUS {
    UCHAR OperationalEvent : 4;
    UCHAR Reserved1 : 4;
    UCHAR OperationalStatus : 4;
    UCHAR Reserved2 : 3;
    UCHAR PersistentPrevented : 1;
    UCHAR Operation[2];
} NOTIFICATION_OPERATIONAL_STATUS, *PNOTIFICATION_OPERATIONAL_STATUS;

typedef struct _NOTIFICATION_POWER_STATUS {
    UCHAR PowerEvent : 4;
    UCHAR Reserved : 4;
    UCHAR PowerStatus;
    UCHAR Reserved2[2];
} NOTIFICATION_POWER_STATUS, *PNOTIFICATION_POWER_STATUS;

typedef struct _NOTIFICATION_MEDIA_STATUS {
    UCHAR MediaEvent : 4;
    UCHAR Reserved : 4;
    union {
        UCHAR PowerStatus;
        UCHAR MediaStatus;
        struct {
            UCHAR DoorTrayOpen : 1;
            UCHAR MediaPresent : 1;
            UCHAR ReservedX : 6;
        };
    };
    UCHAR StartSlot;
    UCHAR EndSlot;
} NOTIFICATION_MEDIA_STATUS, *PNOTIFICATION_MEDIA_STATUS;

typedef struct _NOTIFICATION_BUSY_STATUS {
    UCHAR DeviceBusyEvent : 4;
    UCHAR Reserved : 4;
    UCHAR DeviceBusyStatus;
    UCHAR Time[2]; /* big-endian, units of 100 ms */
} NOTIFICATION_BUSY_STATUS, *PNOTIFICATION_BUSY_STATUS;

/* READ DISC INFORMATION. */
#define DISK_STATUS_EMPTY             0x00
#define DISK_STATUS_INCOMPLETE        0x01
#define DISK_STATUS_COMPLETE          0x02
#define DISK_STATUS_OTHERS            0x03
#define LAST_SESSION_EMPTY            0x00
#define LAST_SESSION_INCOMPLETE       0x01
#define LAST_SESSION_RESERVED_DAMAGED 0x02
#define LAST_SESSION_COMPLETE         0x03
#define DISK_TYPE_CDDA                0x00 /* CD-DA or CD-ROM */
#define DISK_TYPE_CDI                 0x10
#define DISK_TYPE_XA                  0x20
#define DISK_TYPE_UNDEFINED           0xFF

typedef struct _OPC_TABLE_ENTRY {
    UCHAR Speed[2];
    UCHAR OPCValue[6];
} OPC_TABLE_ENTRY, *POPC_TABLE_ENTRY;

typedef struct _DISC_INFORMATION {
    UCHAR Length[2]; /* big-endian; bytes after this field */
    UCHAR DiscStatus : 2;
    UCHAR LastSessionStatus : 2;
    UCHAR Erasable : 1;
    UCHAR Reserved1 : 3;
    UCHAR FirstTrackNumber;
    UCHAR NumberOfSessionsLsb;
    UCHAR LastSessionFirstTrackLsb;
    UCHAR LastSessionLastTrackLsb;
    UCHAR MrwStatus : 2;
    UCHAR MrwDirtyBit : 1;
    UCHAR Reserved2 : 2;
    UCHAR URU : 1;
    UCHAR DBC_V : 1;
    UCHAR DID_V : 1;
    UCHAR DiscType;
    UCHAR NumberOfSessionsMsb;
    UCHAR LastSessionFirstTrackMsb;
    UCHAR LastSessionLastTrackMsb;
    UCHAR DiskIdentification[4];
    UCHAR LastSessionLeadIn[4];
    UCHAR LastPossibleLeadOutStartTime[4];
    UCHAR DiskBarCode[8];
    UCHAR Reserved4;
    UCHAR NumberOPCEntries;
    OPC_TABLE_ENTRY OPCTable[ANYSIZE_ARRAY];
} DISC_INFORMATION, *PDISC_INFORMATION;

/** READ TRACK INFORMATION data; big-endian. */
typedef struct _TRACK_INFORMATION {
    UCHAR Length[2];
    UCHAR TrackNumber;
    UCHAR SessionNumber;
    UCHAR Reserved1;
    UCHAR TrackMode : 4;
    UCHAR Copy : 1;
    UCHAR Damage : 1;
    UCHAR Reserved2 : 2;
    UCHAR DataMode : 4;
    UCHAR FP : 1;
    UCHAR Packet : 1;
    UCHAR Blank : 1;
    UCHAR RT : 1;
    UCHAR NWA_V : 1;
    UCHAR Reserved3 : 7;
    UCHAR TrackStartAddress[4];
    UCHAR NextWritableAddress[4];
    UCHAR FreeBlocks[4];
    UCHAR FixedPacketSize[4];
} TRACK_INFORMATION, *PTRACK_INFORMATION;

/** MECHANISM STATUS data without a slot table. */
typedef struct _MECHANICAL_STATUS_INFORMATION_HEADER {
    UCHAR CurrentSlot : 5;
    UCHAR ChangerState : 2;
    UCHAR Fault : 1;
    UCHAR Reserved : 5; /* bit 4: door open */
    UCHAR MechanismState : 3;
    UCHAR CurrentLogicalBlockAddress[3];
    UCHAR NumberAvailableSlots;
    UCHAR SlotTableLength[2];
} MECHANICAL_STATUS_INFORMATION_HEADER, *PMECHANICAL_STATUS_INFORMATION_HEADER;

#pragma pack(pop)

_Static_assert(sizeof(CDB) == 16, "CDB");
_Static_assert(sizeof(INQUIRYDATA) == 104, "INQUIRYDATA");
_Static_assert(sizeof(SENSE_DATA) == 18, "SENSE_DATA");
_Static_assert(sizeof(READ_CAPACITY16_DATA) == 32, "READ_CAPACITY16_DATA");
_Static_assert(sizeof(CDVD_CAPABILITIES_PAGE) == 24, "CDVD_CAPABILITIES_PAGE");
_Static_assert(sizeof(MODE_CONTROL_PAGE) == 12, "MODE_CONTROL_PAGE");
_Static_assert(sizeof(MODE_INFO_EXCEPTIONS) == 12, "MODE_INFO_EXCEPTIONS");
_Static_assert(sizeof(DISC_INFORMATION) == 42, "DISC_INFORMATION");
_Static_assert(sizeof(TRACK_INFORMATION) == 24, "TRACK_INFORMATION");
_Static_assert(sizeof(LBA_STATUS_DESCRIPTOR) == 16, "LBA_STATUS_DESCRIPTOR");

#endif /* _NTSCSI_ */
