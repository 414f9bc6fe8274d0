/**
 * \file
 * READ TOC data (MMC-6 6.26) and its limits. A wire format of bytes; numbers are big-endian, and an
 * address is an LBA, or with the Msf bit a zero byte, minute, second, frame. Needs the basic
 * types: include ntddk.h, ntifs.h or windows.h first. Names and layouts are the WDK's; the text is
 * our own.
 * Only the data: the I/O controls of a CD-ROM class driver are not here.
 */
#ifndef _NTDDCDRM_
#define _NTDDCDRM_

#define MAXIMUM_NUMBER_TRACKS          100
#define MAXIMUM_CDROM_SIZE             804 /* of a CDROM_TOC with all of them */
#define MINIMUM_CDROM_READ_TOC_EX_SIZE 2

#define CDROM_READ_TOC_EX_FORMAT_TOC      0x00
#define CDROM_READ_TOC_EX_FORMAT_SESSION  0x01
#define CDROM_READ_TOC_EX_FORMAT_FULL_TOC 0x02
#define CDROM_READ_TOC_EX_FORMAT_PMA      0x03
#define CDROM_READ_TOC_EX_FORMAT_ATIP     0x04
#define CDROM_READ_TOC_EX_FORMAT_CDTEXT   0x05

/* Control. */
#define AUDIO_WITH_PREEMPHASIS 0x1
#define DIGITAL_COPY_PERMITTED 0x2
#define AUDIO_DATA_TRACK       0x4 /* set: data; clear: audio */
#define TWO_FOUR_CHANNEL_AUDIO 0x8

/* Adr. */
#define ADR_NO_MODE_INFORMATION      0x0
#define ADR_ENCODES_CURRENT_POSITION 0x1
#define ADR_ENCODES_MEDIA_CATALOG    0x2
#define ADR_ENCODES_ISRC             0x3

typedef struct _TRACK_DATA {
    UCHAR Reserved;
    UCHAR Control : 4;
    UCHAR Adr : 4;
    UCHAR TrackNumber;
    UCHAR Reserved1;
    UCHAR Address[4];
} TRACK_DATA, *PTRACK_DATA;

/** Format 0: the tracks, then the lead-out as number AAh. */
typedef struct _CDROM_TOC {
    UCHAR Length[2]; /* bytes after this field */
    UCHAR FirstTrack;
    UCHAR LastTrack;
    TRACK_DATA TrackData[MAXIMUM_NUMBER_TRACKS];
} CDROM_TOC, *PCDROM_TOC;

#define CDROM_TOC_SIZE sizeof(CDROM_TOC)

/** Format 1: the first track of the last complete session. */
typedef struct _CDROM_TOC_SESSION_DATA {
    UCHAR Length[2];
    UCHAR FirstCompleteSession;
    UCHAR LastCompleteSession;
    TRACK_DATA TrackData[1];
} CDROM_TOC_SESSION_DATA, *PCDROM_TOC_SESSION_DATA;

/** Format 2: what the lead-in holds. */
typedef struct _CDROM_TOC_FULL_TOC_DATA_BLOCK {
    UCHAR SessionNumber;
    UCHAR Control : 4;
    UCHAR Adr : 4;
    UCHAR Reserved1;
    UCHAR Point;
    UCHAR MsfExtra[3];
    UCHAR Zero;
    UCHAR Msf[3];
} CDROM_TOC_FULL_TOC_DATA_BLOCK, *PCDROM_TOC_FULL_TOC_DATA_BLOCK;

typedef struct _CDROM_TOC_FULL_TOC_DATA {
    UCHAR Length[2];
    UCHAR FirstCompleteSession;
    UCHAR LastCompleteSession;
    CDROM_TOC_FULL_TOC_DATA_BLOCK Descriptors[];
} CDROM_TOC_FULL_TOC_DATA, *PCDROM_TOC_FULL_TOC_DATA;

_Static_assert(sizeof(CDROM_TOC) == MAXIMUM_CDROM_SIZE, "CDROM_TOC");

#endif /* _NTDDCDRM_ */
