/**
 * \file
 * The control interface of vmini: what a management program may ask of the driver, and the bytes it
 * asks with.
 *
 * Every request is one IOCTL_MINIPORT_PROCESS_SERVICE_IRP (METHOD_BUFFERED) sent to the adapter's
 * device interface. Storport hands the IRP to VminiHwProcessServiceRequest at PASSIVE_LEVEL, in the
 * caller's thread context. The input buffer begins with a VMINI_COMMAND header that says which
 * command it is; the access bits of the outer IOCTL therefore say nothing about the inner command,
 * and the driver checks the rights of each command itself (see the table below).
 * \article{Part III, IOCTL_OSRVMPORT_CONNECT}
 *
 * | VminiCommand | right         | input               | output                | pends            |
 * | ------------ | ------------- | ------------------- | --------------------- | ---------------- |
 * | Scsiport     | open handle   | VMINI_COMMAND       | VMINI_SCSIPORT_OUT    | no               |
 * | Connect      | manage-volume | VMINI_CONNECT_IN    | VMINI_CONNECT_OUT     | until enumerated |
 * | Disconnect   | manage-volume | VMINI_DISCONNECT_IN | none                  | until closed     |
 * | ActiveList   | open handle   | VMINI_COMMAND       | VMINI_ACTIVE_LIST_OUT | no               |
 * | WaitEvent    | open handle   | VMINI_WAIT_EVENT_IN | VMINI_EVENT           | until an event   |
 *
 * This header is shared by the driver and by programs: it uses fixed-size fields only, the same on
 * both sides of the boundary and in 32- and 64-bit programs, and includes nothing.
 */
#ifndef VMINI_IOCTL_H
#define VMINI_IOCTL_H

/**
 * First field of every command: "VMIN" read as a little-endian number. Anything else is refused.
 */
#define VMINI_COMMAND_SIGNATURE 0x4E494D56UL
/** The version of this interface. A driver refuses a version that it does not know. */
#define VMINI_COMMAND_VERSION 1UL
/**
 * WCHARs in a path, the terminating NUL included. \article{Part III, MAX_NAME_LENGTH} doubles it
 * for prefixes.
 */
#define VMINI_PATH_LENGTH 512
/** Device interface that the adapter registers: {6D2F7C1A-6C0B-4B6E-9B7E-3A51D0C4E817}. */
#define VMINI_INTERFACE_GUID_INIT                                                                  \
    {                                                                                              \
        0x6d2f7c1a, 0x6c0b, 0x4b6e,                                                                \
        {                                                                                          \
            0x9b, 0x7e, 0x3a, 0x51, 0xd0, 0xc4, 0xe8, 0x17                                         \
        }                                                                                          \
    }

/** What the caller wants done; the inner command code. */
typedef enum _VMINI_COMMAND_CODE {
    /** Is this vmini, and which version? \article{Part III, IOCTL_OSRVMPORT_SCSIPOINT} */
    VminiCommandScsiport = 1,
    /** Back a new device by a file. \article{Part III, IOCTL_OSRVMPORT_CONNECT} */
    VminiCommandConnect,
    /** Take a device away. \article{Part III, IOCTL_OSRVMPORT_DISCONNECT} */
    VminiCommandDisconnect,
    /** What is connected? \article{Part III, IOCTL_OSRVMPORT_GETACTIVELIST} */
    VminiCommandActiveList,
    VminiCommandWaitEvent, /**< Tell me when something happens (the "reverse callback"). */
} VMINI_COMMAND_CODE;

/** Header of every input buffer. */
typedef struct _VMINI_COMMAND {
    ULONG Signature; /**< VMINI_COMMAND_SIGNATURE. */
    ULONG Version;   /**< VMINI_COMMAND_VERSION. */
    ULONG Code;      /**< One of VMINI_COMMAND_CODE. */
    ULONG Length;    /**< Bytes of the whole input structure, this header included. */
} VMINI_COMMAND, *PVMINI_COMMAND;

/** A device's place on the bus. 0xFF in every field: no address. */
typedef struct _VMINI_ADDRESS {
    UCHAR Path;
    UCHAR Target;
    UCHAR Lun;
    UCHAR Reserved; /**< 0. */
} VMINI_ADDRESS, *PVMINI_ADDRESS;

/** Answer of VminiCommandScsiport. */
typedef struct _VMINI_SCSIPORT_OUT {
    ULONG Signature; /**< VMINI_COMMAND_SIGNATURE. */
    ULONG Version;   /**< VMINI_COMMAND_VERSION. */
    ULONG NumberOfBuses;
    ULONG MaximumTargets; /**< Targets per bus. */
    ULONG MaximumLuns;    /**< Logical units per target. */
    ULONG ActiveDevices;
} VMINI_SCSIPORT_OUT, *PVMINI_SCSIPORT_OUT;

#define VMINI_CONNECT_CDROM                                                                        \
    0x1UL /**< Present the file as a CD-ROM (2048-byte blocks, read only). */
#define VMINI_CONNECT_READ_ONLY                                                                    \
    0x2UL /**< Open the file for reading only; writes get DATA PROTECT. */
#define VMINI_CONNECT_REMOVABLE 0x4UL /**< A disk whose medium can be ejected and loaded. */
#define VMINI_CONNECT_THIN                                                                         \
    0x8UL /**< Thin provisioned: UNMAP gives space back. Refused with the file system's status, \
               STATUS_INVALID_DEVICE_REQUEST, where files cannot be sparse. */
#define VMINI_CONNECT_FLAGS 0xFUL /**< All flags that version 1 knows; any other bit is refused. */

/** Input of VminiCommandConnect. \article{Part III, Figure 3, CONNECT_IN} */
typedef struct _VMINI_CONNECT_IN {
    VMINI_COMMAND Command;
    ULONG Flags;                       /**< VMINI_CONNECT_*. */
    VMINI_ADDRESS Address;             /**< Wanted address, or all 0xFF for the first free one. */
    WCHAR PathName[VMINI_PATH_LENGTH]; /**< NUL-terminated Win32, UNC or NT path of the image. */
} VMINI_CONNECT_IN, *PVMINI_CONNECT_IN;

/** Answer of VminiCommandConnect, once Storport has seen the device. */
typedef struct _VMINI_CONNECT_OUT {
    VMINI_ADDRESS Address;
    ULONG BlockSize;      /**< Bytes per logical block. */
    ULONGLONG BlockCount; /**< Logical blocks. */
} VMINI_CONNECT_OUT, *PVMINI_CONNECT_OUT;

/** Input of VminiCommandDisconnect: by path, or by address when PathName is empty. */
typedef struct _VMINI_DISCONNECT_IN {
    VMINI_COMMAND Command;
    VMINI_ADDRESS Address;
    ULONG Reserved; /**< 0. */
    WCHAR PathName[VMINI_PATH_LENGTH];
} VMINI_DISCONNECT_IN, *PVMINI_DISCONNECT_IN;

/** One connected image. */
typedef struct _VMINI_ACTIVE_ENTRY {
    VMINI_ADDRESS Address;
    ULONG Flags; /**< VMINI_CONNECT_*. */
    ULONG BlockSize;
    ULONG State; /**< 0 arriving, 1 enumerated by Storport, 2 departing. */
    ULONGLONG BlockCount;
    WCHAR PathName[VMINI_PATH_LENGTH];
} VMINI_ACTIVE_ENTRY, *PVMINI_ACTIVE_ENTRY;

/** Answer of VminiCommandActiveList: as many entries as fit; Total says how many there are. */
typedef struct _VMINI_ACTIVE_LIST_OUT {
    ULONG Total;    /**< Devices connected. */
    ULONG Returned; /**< Entries that follow. */
    VMINI_ACTIVE_ENTRY Entries[1];
} VMINI_ACTIVE_LIST_OUT, *PVMINI_ACTIVE_LIST_OUT;

/** Kinds of VMINI_EVENT. */
typedef enum _VMINI_EVENT_KIND {
    VminiEventArrival = 1, /**< A device was connected and enumerated. */
    VminiEventDeparture,   /**< A device is gone and its file closed. */
    VminiEventMediaError,  /**< The backing file failed a request; Status says how. */
    /** An image that the registry names could not be connected; Status says why, and the address is
     *  0xFF where it had none. */
    VminiEventConnectFailed,
} VMINI_EVENT_KIND;

/**
 * Input of VminiCommandWaitEvent: the last sequence number that the caller has seen (0 at first).
 */
typedef struct _VMINI_WAIT_EVENT_IN {
    VMINI_COMMAND Command;
    ULONGLONG LastSequence;
} VMINI_WAIT_EVENT_IN, *PVMINI_WAIT_EVENT_IN;

/** Answer of VminiCommandWaitEvent. */
typedef struct _VMINI_EVENT {
    ULONGLONG Sequence; /**< 1, 2, 3 ... for the life of the adapter. */
    /** Events after LastSequence that were overwritten before they could be told. */
    ULONG Lost;
    ULONG Kind; /**< VMINI_EVENT_KIND. */
    VMINI_ADDRESS Address;
    LONG Status; /**< NTSTATUS of the failure, 0 otherwise. */
    WCHAR PathName[VMINI_PATH_LENGTH];
} VMINI_EVENT, *PVMINI_EVENT;

#endif
