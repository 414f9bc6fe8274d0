/**
 * \file
 * GET CONFIGURATION data (MMC-6 5.3, 6.5): the header, and the features that a read-only CD-ROM or
 * DVD-ROM device reports. A wire format: packed, numbers big-endian. Needs the basic types: include
 * ntddk.h, ntifs.h or windows.h first. Names and layouts are the WDK's; the text is our own.
 */
#ifndef _NTDDMMC_
#define _NTDDMMC_

#pragma pack(push, 1)

/* RequestType: all features, the current ones, or one. */
#define SCSI_GET_CONFIGURATION_REQUEST_TYPE_ALL     0x0
#define SCSI_GET_CONFIGURATION_REQUEST_TYPE_CURRENT 0x1
#define SCSI_GET_CONFIGURATION_REQUEST_TYPE_ONE     0x2

typedef struct _GET_CONFIGURATION_HEADER {
    UCHAR DataLength[4]; /* bytes after this field */
    UCHAR Reserved[2];
    UCHAR CurrentProfile[2]; /* FEATURE_PROFILE_TYPE */
    UCHAR Data[];
} GET_CONFIGURATION_HEADER, *PGET_CONFIGURATION_HEADER;

typedef struct _FEATURE_HEADER {
    UCHAR FeatureCode[2]; /* FEATURE_NUMBER */
    UCHAR Current : 1;
    UCHAR Persistent : 1;
    UCHAR Version : 4;
    UCHAR Reserved0 : 2;
    UCHAR AdditionalLength; /* bytes after this one; a multiple of four */
} FEATURE_HEADER, *PFEATURE_HEADER;

typedef enum _FEATURE_PROFILE_TYPE {
    ProfileInvalid = 0x0000,
    ProfileNonRemovableDisk = 0x0001,
    ProfileRemovableDisk = 0x0002,
    ProfileCdrom = 0x0008,
    ProfileCdRecordable = 0x0009,
    ProfileCdRewritable = 0x000A,
    ProfileDvdRom = 0x0010,
    ProfileDvdRecordable = 0x0011,
    ProfileDvdRam = 0x0012,
    ProfileDvdRewritable = 0x0013,
    ProfileDvdPlusRW = 0x001A,
    ProfileDvdPlusR = 0x001B,
    ProfileBDRom = 0x0040,
    ProfileNonStandard = 0xFFFF
} FEATURE_PROFILE_TYPE,
    *PFEATURE_PROFILE_TYPE;

typedef enum _FEATURE_NUMBER {
    FeatureProfileList = 0x0000,
    FeatureCore = 0x0001,
    FeatureMorphing = 0x0002,
    FeatureRemovableMedium = 0x0003,
    FeatureWriteProtect = 0x0004,
    FeatureRandomReadable = 0x0010,
    FeatureMultiRead = 0x001D,
    FeatureCdRead = 0x001E,
    FeatureDvdRead = 0x001F,
    FeatureRandomWritable = 0x0020,
    FeatureIncrementalStreamingWritable = 0x0021,
    FeatureFormattable = 0x0023,
    FeatureDefectManagement = 0x0024,
    FeatureWriteOnce = 0x0025,
    FeatureMrw = 0x0028,
    FeatureCdTrackAtOnce = 0x002D,
    FeatureCdMastering = 0x002E,
    FeatureBDRead = 0x0040,
    FeaturePowerManagement = 0x0100,
    FeatureSMART = 0x0101,
    FeatureEmbeddedChanger = 0x0102,
    FeatureTimeout = 0x0105,
    FeatureDvdCSS = 0x0106,
    FeatureRealTimeStreaming = 0x0107,
    FeatureLogicalUnitSerialNumber = 0x0108,
    FeatureMediaSerialNumber = 0x0109,
    FeatureFirmwareDate = 0x010C,
    FeatureAACS = 0x010D
} FEATURE_NUMBER,
    *PFEATURE_NUMBER;

typedef struct _FEATURE_DATA_PROFILE_LIST_EX {
    UCHAR ProfileNumber[2];
    UCHAR Current : 1;
    UCHAR Reserved1 : 7;
    UCHAR Reserved2;
} FEATURE_DATA_PROFILE_LIST_EX, *PFEATURE_DATA_PROFILE_LIST_EX;

typedef struct _FEATURE_DATA_PROFILE_LIST {
    FEATURE_HEADER Header;
    FEATURE_DATA_PROFILE_LIST_EX Profiles[];
} FEATURE_DATA_PROFILE_LIST, *PFEATURE_DATA_PROFILE_LIST;

/** Version 2. PhysicalInterface 1 is SCSI, 2 ATAPI. */
typedef struct _FEATURE_DATA_CORE {
    FEATURE_HEADER Header;
    UCHAR PhysicalInterface[4];
    UCHAR DeviceBusyEvent : 1;
    UCHAR INQUIRY2 : 1;
    UCHAR Reserved1 : 6;
    UCHAR Reserved2[3];
} FEATURE_DATA_CORE, *PFEATURE_DATA_CORE;

typedef struct _FEATURE_DATA_MORPHING {
    FEATURE_HEADER Header;
    UCHAR Asynchronous : 1;
    UCHAR OCEvent : 1;
    UCHAR Reserved01 : 6;
    UCHAR Reserved2[3];
} FEATURE_DATA_MORPHING, *PFEATURE_DATA_MORPHING;

typedef struct _FEATURE_DATA_REMOVABLE_MEDIUM {
    FEATURE_HEADER Header;
    UCHAR Lockable : 1;
    UCHAR Reserved1 : 1;
    UCHAR DefaultToPrevent : 1;
    UCHAR Eject : 1;
    UCHAR Reserved2 : 1;
    UCHAR LoadingMechanism : 3;
    UCHAR Reserved3[3];
} FEATURE_DATA_REMOVABLE_MEDIUM, *PFEATURE_DATA_REMOVABLE_MEDIUM;

typedef struct _FEATURE_DATA_RANDOM_READABLE {
    FEATURE_HEADER Header;
    UCHAR LogicalBlockSize[4];
    UCHAR Blocking[2]; /* blocks per unit that the device reads */
    UCHAR ErrorRecoveryPagePresent : 1;
    UCHAR Reserved1 : 7;
    UCHAR Reserved2;
} FEATURE_DATA_RANDOM_READABLE, *PFEATURE_DATA_RANDOM_READABLE;

typedef struct _FEATURE_DATA_MULTI_READ {
    FEATURE_HEADER Header;
} FEATURE_DATA_MULTI_READ, *PFEATURE_DATA_MULTI_READ;

typedef struct _FEATURE_DATA_CD_READ {
    FEATURE_HEADER Header;
    UCHAR CDText : 1;
    UCHAR C2ErrorData : 1;
    UCHAR Reserved01 : 5;
    UCHAR DigitalAudioPlay : 1;
    UCHAR Reserved2[3];
} FEATURE_DATA_CD_READ, *PFEATURE_DATA_CD_READ;

typedef struct _FEATURE_DATA_DVD_READ {
    FEATURE_HEADER Header;
    UCHAR Multi110 : 1;
    UCHAR Reserved1 : 7;
    UCHAR Reserved2;
    UCHAR DualDashR : 1;
    UCHAR Reserved3 : 7;
    UCHAR Reserved4;
} FEATURE_DATA_DVD_READ, *PFEATURE_DATA_DVD_READ;

typedef struct _FEATURE_DATA_POWER_MANAGEMENT {
    FEATURE_HEADER Header;
} FEATURE_DATA_POWER_MANAGEMENT, *PFEATURE_DATA_POWER_MANAGEMENT;

typedef struct _FEATURE_DATA_TIMEOUT {
    FEATURE_HEADER Header;
    UCHAR Group3 : 1;
    UCHAR Reserved1 : 7;
    UCHAR Reserved2;
    UCHAR UnitLength[2];
} FEATURE_DATA_TIMEOUT, *PFEATURE_DATA_TIMEOUT;

typedef struct _FEATURE_DATA_REAL_TIME_STREAMING {
    FEATURE_HEADER Header;
    UCHAR StreamRecording : 1;
    UCHAR WriteSpeedInGetPerf : 1;
    UCHAR WriteSpeedInMP2A : 1;
    UCHAR SetCDSpeed : 1;
    UCHAR ReadBufferCapacityBlock : 1;
    UCHAR Reserved1 : 3;
    UCHAR Reserved2[3];
} FEATURE_DATA_REAL_TIME_STREAMING, *PFEATURE_DATA_REAL_TIME_STREAMING;

/** ASCII, padded to a multiple of four. */
typedef struct _FEATURE_DATA_LOGICAL_UNIT_SERIAL_NUMBER {
    FEATURE_HEADER Header;
    UCHAR SerialNumber[];
} FEATURE_DATA_LOGICAL_UNIT_SERIAL_NUMBER, *PFEATURE_DATA_LOGICAL_UNIT_SERIAL_NUMBER;

#pragma pack(pop)

#endif /* _NTDDMMC_ */
