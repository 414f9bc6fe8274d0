/**
 * \file
 * The port driver's own structures. One PORT_ADAPTER is the extension of an adapter's FDO; one
 * PORT_UNIT is a logical unit, known by its address, with a PDO once it has answered; one
 * PORT_REQUEST is one issue of one SRB to HwStartIo.
 *
 * Lock order: a unit's Lock before the adapter's Lock; neither is held while the miniport is
 * called.
 */
#ifndef STORPORT_INTERNAL_H
#define STORPORT_INTERNAL_H

#include <ntifs.h>

#include <ntddscsi.h>
#include <ntddstor.h>
#include <srbhelper.h>
#include <storport.h>

#include "storport/hooks.h"

/** Tag of the port's own memory: not the driver's, so no census counts it. */
#define PORT_TAG         PORT_POOL_TAG
#define PORT_PRIVATE_TAG PORT_POOL_PRIVATE_TAG
/** Tag of what the port allocates in the miniport's name: device and LU extensions. Counted, and
 * checked for armed timers when freed. */
#define PORT_EXTENSION_TAG 0x78457250u /* "PrEx" */

#define PORT_DEFAULT_QUEUE_DEPTH 250 /* virtual miniport; a physical one gets 20 */
#define PORT_LEGACY_QUEUE_LIMIT  255 /* without extended SRBs */
#define PORT_DEFAULT_MAXIMUM_IO  1000
#define PORT_BUSY_RETRY_COUNT    20
#define PORT_BUSY_PAUSE_MS       250
#define PORT_QUEUE_FULL_PERCENT  25
#define PORT_INTERNAL_TIMEOUT    10 /* seconds, for the port's own requests */
#define PORT_LOST_RESETS         5  /* an SRB that survives so many resets has been forgotten */
#define PORT_DEFAULT_BUS_TYPE    6  /* Fibre, as the registry page says */
#define PORT_BUCKETS             256
#define PORT_ISSUED_BUCKETS      64

/* Why requests are held back: bits of Hold in the adapter and in the unit. */
#define PORT_HOLD_STOPPED 0x0001u /* not started, stopped, removed */
#define PORT_HOLD_PAUSED  0x0002u /* StorPortPause, StorPortPauseDevice */
#define PORT_HOLD_BUSY    0x0004u /* StorPortBusy, QUEUE_FULL: until some requests have completed */
#define PORT_HOLD_RETRY   0x0008u /* BUSY: for 250 ms */
#define PORT_HOLD_RESET   0x0010u /* a reset is going on */
#define PORT_HOLD_LINK    0x0020u /* LinkDown */
#define PORT_HOLD_FROZEN  0x0040u /* an error without NO_QUEUE_FREEZE */
#define PORT_HOLD_LOCKED  0x0080u /* SRB_FUNCTION_LOCK_QUEUE */

typedef struct _PORT_ADAPTER PORT_ADAPTER, *PPORT_ADAPTER;
typedef struct _PORT_UNIT PORT_UNIT, *PPORT_UNIT;
typedef struct _PORT_REQUEST PORT_REQUEST, *PPORT_REQUEST;

/** Storage for an SRB of either form, with one SRBEX_DATA. */
typedef union _PORT_SRB {
    SCSI_REQUEST_BLOCK Scsi;
    STORAGE_REQUEST_BLOCK Storage;
    UCHAR Bytes[0x80 + sizeof(STOR_ADDR_BTL8) + sizeof(SRBEX_DATA_SCSI_CDB32)];
} PORT_SRB, *PPORT_SRB;

/** What an SRB says, in either form. */
typedef struct _PORT_SRB_FIELDS {
    UCHAR Function;
    UCHAR Path, Target, Lun;
    UCHAR CdbLength;
    UCHAR SenseLength;
    UCHAR SubFunction; /* WMI sub-function; SrbPnPFlags, SrbPowerFlags */
    UCHAR AdapterFlag;
    ULONG Action;     /* STOR_PNP_ACTION; STOR_POWER_ACTION */
    ULONG PowerState; /* STOR_DEVICE_POWER_STATE */
    ULONG SrbFlags;
    ULONG DataLength;
    ULONG Timeout;
    const UCHAR *Cdb;
    PVOID Data;
    PVOID Sense;
    PVOID DataPath; /* WMI */
    PVOID NextSrb;  /* the SRB to abort */
} PORT_SRB_FIELDS, *PPORT_SRB_FIELDS;

/** Holds requests until a timer expires. */
typedef struct _PORT_HOLD_TIMER {
    KTIMER Timer;
    KDPC Dpc;
    ULONG Bit;
    PPORT_ADAPTER Adapter;
    PPORT_UNIT Unit; /* NULL: the whole adapter */
} PORT_HOLD_TIMER, *PPORT_HOLD_TIMER;

/** One issue of an SRB to the miniport; a retry is a new one. */
struct _PORT_REQUEST {
    LIST_ENTRY Link;       /* Unit->Outstanding; Unit->Lock */
    LIST_ENTRY IssuedLink; /* Adapter->Issued, when requests are guarded */
    PPORT_REQUEST NextFree;
    PPORT_UNIT Unit;
    PIRP Irp;
    PSCSI_REQUEST_BLOCK Srb;         /* the sender's */
    PSCSI_REQUEST_BLOCK MiniportSrb; /* what the miniport has: the same, or a guarded copy */
    PVOID SrbExtension;
    PVOID Sense; /* guarded copy of the sense buffer, or NULL */
    PVOID SenderSense;
    PVOID SenderData; /* the sender's DataBuffer, replaced while the miniport has the SRB */
    ULONG SenderLength;
    ULONG TicksLeft; /* seconds until it times out; 0 = never. Unit->Lock */
    ULONG Resets;    /* survived without being completed. Unit->Lock */
    LONG State;      /* PORT_REQUEST_*, interlocked */
    BOOLEAN Guarded;
    BOOLEAN Listed; /* in Adapter->Issued */
    BOOLEAN Timed;  /* it has a TimeOutValue */
    BOOLEAN BypassHold;
    UCHAR Function;
    UCHAR Opcode;
    UCHAR SenseLength;
    ULONG64 Id;
    DECLSPEC_ALIGN(16) UCHAR Inline[]; /* the SRB extension, when not guarded */
};
#define PORT_REQUEST_FREE      0
#define PORT_REQUEST_ISSUED    1
#define PORT_REQUEST_COMPLETED 2

/** What an FDO and an LU PDO begin with: their DeviceExtension. */
typedef struct _PORT_DEVICE {
    ULONG Kind; /* PORT_KIND_* */
    PDEVICE_OBJECT Self;
} PORT_DEVICE, *PPORT_DEVICE;
#define PORT_KIND_ADAPTER 0x41747250u
#define PORT_KIND_UNIT    0x55747250u

/** Extension of an LU PDO. */
typedef struct _PORT_UNIT_DEVICE {
    PORT_DEVICE Common;
    PPORT_UNIT Unit;
} PORT_UNIT_DEVICE, *PPORT_UNIT_DEVICE;

/** A logical unit: the state that the address has, whether or not something answers there. */
struct _PORT_UNIT {
    /* Adapter->Lock. */
    LIST_ENTRY Link;
    PPORT_UNIT NextInBucket;
    LONG References;

    PPORT_ADAPTER Adapter;
    PVOID Extension; /* SpecificLuExtensionSize bytes, zeroed once */
    UCHAR Path, Target, Lun;

    UCHAR Apart[64]; /* pool aligns to 16: this keeps the two locks' fields on lines of their own */

    /* Lock. */
    KSPIN_LOCK Lock;
    LIST_ENTRY Queue; /* IRPs, by Tail.Overlay.ListEntry */
    LIST_ENTRY Outstanding;
    PPORT_REQUEST FreeRequests;
    ULONG OutstandingCount;
    ULONG QueueDepth;
    ULONG BusyCount; /* completions until PORT_HOLD_BUSY ends */
    ULONG Hold;
    BOOLEAN Gone;    /* nothing is started any more, and nobody finds it by its address */
    BOOLEAN Claimed; /* by a class driver */

    KDPC StartDpc;
    PORT_HOLD_TIMER RetryTimer;
    PORT_HOLD_TIMER PauseTimer;

    /* The PnP thread's: scan and PnP IRPs run one at a time. */
    PDEVICE_OBJECT Pdo;
    /* Present, Departed: others look, too, and see what the scan wrote before. */
    _Atomic(BOOLEAN) Present; /* answered in the last scan */
    BOOLEAN Scanned;          /* looked at in the current scan */
    BOOLEAN Reported;         /* in the BusRelations that PnP has */
    BOOLEAN Started;
    _Atomic(BOOLEAN) Departed; /* reported missing: PnP is removing the PDO */
    BOOLEAN Replaced; /* look again when it is gone: something else may be at this address */
    BOOLEAN Inquired; /* at least one INQUIRY was sent */
    STOR_UNIT_ATTRIBUTES Attributes;
    UCHAR InquiryLength;
    UCHAR Inquiry[96];
    UCHAR SerialLength;
    CHAR Serial[64];
    USHORT DeviceIdLength;
    UCHAR DeviceId[256]; /* VPD 83h, whole */
    PVOID Class;         /* the class driver's */
};

/** What StorPortInitialize keeps of a driver: its driver object extension. */
typedef struct _PORT_DRIVER {
    HW_INITIALIZATION_DATA Data; /* the older form is widened to this one */
    UNICODE_STRING RegistryPath;
    BOOLEAN OldForm;
    ULONG Adapters; /* FDOs so far: the next one's number */
} PORT_DRIVER, *PPORT_DRIVER;

/** Precedes the miniport's device extension, so that each leads to the other. */
typedef struct DECLSPEC_ALIGN(16) _PORT_EXTENSION_HEADER {
    ULONG64 Signature;
    PPORT_ADAPTER Adapter;
} PORT_EXTENSION_HEADER, *PPORT_EXTENSION_HEADER;
#define PORT_EXTENSION_SIGNATURE 0x74726f50726f7453ULL

/** Where the adapter is in its life. */
typedef enum _PORT_STATE {
    PortAdded, /* AddDevice */
    PortStarting,
    PortRunning,
    PortStopped, /* ScsiStopAdapter */
    PortRemoved
} PORT_STATE;

/** Which callback is running in which some routines are only legal. */
typedef enum _PORT_PHASE {
    PortPhaseNone,
    PortPhaseFindAdapter,
    PortPhaseInitialize,
    PortPhasePassive
} PORT_PHASE;

/** The reset ladder's state. One reset at a time. */
typedef struct _PORT_RESET {
    LONG Active;
    ULONG Tier;     /* PORT_TIER_* that is being tried */
    BOOLEAN Single; /* this tier only, asked for from above */
    BOOLEAN Succeeded;
    UCHAR Path, Target, Lun;
    KDPC Dpc;
    KEVENT Done; /* a notification event: set while no reset is going on */
    struct {
        PIRP Irp;
        LONG Busy;  /* the miniport still has the SRB of an earlier reset */
        LONG Ended; /* this attempt has ended, by completion or by time-out */
        UCHAR SrbStatus;
        PORT_SRB Srb;
    } Attempt[2]; /* unit, target */
} PORT_RESET, *PPORT_RESET;
#define PORT_TIER_UNIT   0
#define PORT_TIER_TARGET 1
#define PORT_TIER_BUS    2
#define PORT_TIER_DONE   3

struct _PORT_ADAPTER {
    PORT_DEVICE Common;
    PPORT_DRIVER Driver;
    PDEVICE_OBJECT Pdo;   /* the PnP manager's */
    PDEVICE_OBJECT Lower; /* what the FDO is attached to */
    PPORT_EXTENSION_HEADER Header;
    PVOID Extension; /* the miniport's device extension, or NULL before the first start */
    PORT_CONFIGURATION_INFORMATION Config;
    BOOLEAN AdapterControl[ScsiAdapterControlMax];
    BOOLEAN UnitControl[ScsiUnitControlMax];
    _Atomic(PORT_STATE) State; /* the PnP thread's; notifications look at it */
    PORT_PHASE Phase;
    ULONG Number; /* RaidPort<n> */
    ULONG BusType;
    PCHAR DriverParameter;
    PHW_PASSIVE_INITIALIZE_ROUTINE PassiveInitialize;
    UNICODE_STRING Interface; /* GUID_DEVINTERFACE_STORAGEPORT */
    PUCHAR RegistryBuffer;
    CHAR Reason[400];

    KSPIN_LOCK Lock;
    LIST_ENTRY Units;
    PPORT_UNIT Buckets[PORT_BUCKETS];
    LIST_ENTRY Dpcs;   /* PORT_DPC */
    LIST_ENTRY Timers; /* PORT_TIMER */
    LIST_ENTRY Workers;
    LIST_ENTRY Issued[PORT_ISSUED_BUCKETS]; /* guarded requests by the SRB's address */

    KSPIN_LOCK StartIoLock;
    KSPIN_LOCK InterruptLock;

    LONG Hold; /* PORT_HOLD_*, interlocked */
    LONG TickArmed;
    LONG ServiceIrps; /* given to HwProcessServiceRequest, not completed */
    KEVENT Idle;

    UCHAR Apart[64];  /* each request changes what follows: on a line of its own */
    LONG Rundown;     /* 1 + requests + calls in progress */
    LONG Outstanding; /* limited by MaxNumberOfIO */
    LONG Full;        /* somebody was held because of that limit */
    LONG BusyCount;
    LONG64 Started; /* requests: the number of the newest one */
    LONG64 Completed;
    UCHAR ApartToo[64];

    KTIMER TickTimer;
    KDPC TickDpc;
    PORT_HOLD_TIMER PauseTimer;
    PORT_HOLD_TIMER LinkTimer;
    KTIMER HwTimer; /* RequestTimerCall */
    KDPC HwTimerDpc;
    PHW_TIMER HwTimerRoutine;
    PORT_RESET Reset;
    KEVENT ScanLock;
};

/** What the owner of the machine chooses; all FALSE is Windows. */
typedef struct _PORT_OPTIONS {
    BOOLEAN LegacySrbs;       /* where the miniport takes both forms */
    BOOLEAN ControlAtPassive; /* ScsiStopAdapter and ScsiRestartAdapter at PASSIVE_LEVEL */
    BOOLEAN ResetBusAtPassive;
    BOOLEAN NoClassDrivers;
    BOOLEAN StartIoAtPassive; /* HwStartIo never at DISPATCH_LEVEL by the port's own choice */
} PORT_OPTIONS;

extern PORT_OPTIONS PortOptions;

/* init.c */
PPORT_DRIVER PortDriverOf(PDRIVER_OBJECT DriverObject);
/** The adapter that a device extension belongs to; a pointer that is none is a broken rule. */
PPORT_ADAPTER PortAdapterOf(PVOID HwDeviceExtension);
extern PPORT_ADAPTER PortTheAdapter; /* the one adapter of the machine, or NULL */
/** Keeps why the adapter does not start; a '#' in the text stands for the value. Empty text clears
 * it. */
VOID PortSay(PPORT_ADAPTER Adapter, PCSTR Text, ULONG Value);

/* adapter.c, config.c, control.c */
DRIVER_ADD_DEVICE PortAddDevice;
NTSTATUS PortAdapterStart(PPORT_ADAPTER Adapter);
/** Holds the queues and waits until the miniport has nothing and runs nothing of ours; and the
 * opposite. */
VOID PortAdapterStopIo(PPORT_ADAPTER Adapter);
VOID PortAdapterResumeIo(PPORT_ADAPTER Adapter);
VOID PortAdapterRemove(PPORT_ADAPTER Adapter);
VOID PortConfigInitialize(PPORT_ADAPTER Adapter);
BOOLEAN PortRegistrationAccept(PPORT_ADAPTER Adapter);
BOOLEAN PortConfigAccept(PPORT_ADAPTER Adapter);
VOID PortReadParameters(PPORT_ADAPTER Adapter);
SCSI_ADAPTER_CONTROL_STATUS PortAdapterControl(PPORT_ADAPTER Adapter,
                                               SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters);
SCSI_UNIT_CONTROL_STATUS PortUnitControl(PPORT_UNIT Unit, SCSI_UNIT_CONTROL_TYPE Type);
VOID PortQueryControlTypes(PPORT_ADAPTER Adapter);
NTSTATUS PortStop(PPORT_ADAPTER Adapter);
NTSTATUS PortRestart(PPORT_ADAPTER Adapter);
BOOLEAN PortResetBus(PPORT_ADAPTER Adapter, UCHAR Path);
BOOLEAN PortCallFindAdapter(PPORT_ADAPTER Adapter);
BOOLEAN PortCallInitialize(PPORT_ADAPTER Adapter);

/* unit.c */
/** Finds a unit, or makes one when `Create`. \return referenced, or NULL. \irql{<=
 * DISPATCH_LEVEL} */
PPORT_UNIT PortUnitGet(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun, BOOLEAN Create);
/** The same, and the unit's PDO: referenced, or NULL. \irql{<= DISPATCH_LEVEL} */
PPORT_UNIT PortUnitGetWithPdo(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun,
                              BOOLEAN Create, PDEVICE_OBJECT *Pdo);
VOID PortUnitReference(PPORT_UNIT Unit);
VOID PortUnitRelease(PPORT_UNIT Unit);
/** Nothing more starts; what is queued ends with NO_DEVICE. */
VOID PortUnitGone(PPORT_UNIT Unit);
/** The next unit after `Previous` (released by this), referenced; NULL at the end. */
PPORT_UNIT PortUnitNext(PPORT_ADAPTER Adapter, PPORT_UNIT Previous);

/* queue.c */
/** An IRP with an SRB for this unit: issued now or queued. Always STATUS_PENDING. \irql{<=
 * DISPATCH_LEVEL} */
NTSTATUS PortUnitSubmit(PPORT_UNIT Unit, PIRP Irp);
VOID PortUnitKick(PPORT_UNIT Unit);
VOID PortAdapterKick(PPORT_ADAPTER Adapter);
VOID PortHoldUnit(PPORT_UNIT Unit, ULONG Bit);
VOID PortReleaseUnit(PPORT_UNIT Unit, ULONG Bit);
VOID PortHoldAdapter(PPORT_ADAPTER Adapter, ULONG Bit);
VOID PortReleaseAdapter(PPORT_ADAPTER Adapter, ULONG Bit);
VOID PortHoldTimerInitialize(PPORT_HOLD_TIMER Timer, PPORT_ADAPTER Adapter, PPORT_UNIT Unit,
                             ULONG Bit);
VOID PortHoldTimerStart(PPORT_HOLD_TIMER Timer, ULONG Milliseconds);
VOID PortHoldTimerCancel(PPORT_HOLD_TIMER Timer);
KDEFERRED_ROUTINE PortUnitStartDpc;
VOID PortUnitFinishQueued(PPORT_UNIT Unit, PIRP Only, UCHAR SrbStatus);
BOOLEAN PortAdapterTakeSlot(PPORT_ADAPTER Adapter);
VOID PortAdapterReturnSlot(PPORT_ADAPTER Adapter);
VOID PortRundownReference(PPORT_ADAPTER Adapter);
VOID PortRundownRelease(PPORT_ADAPTER Adapter);

/* request.c, complete.c */
/** Makes a request of an IRP, if the unit and the adapter let it start now. \locks{Unit->Lock held}
 * \return STATUS_DEVICE_BUSY: wait in the queue; other errors end the IRP. */
NTSTATUS PortRequestTake(PPORT_UNIT Unit, PIRP Irp, PPORT_REQUEST *Request);
VOID PortRequestIssue(PPORT_REQUEST Request);
VOID PortRequestFree(PPORT_REQUEST Request);
VOID PortRequestComplete(PPORT_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb);
/** The rest of a completion, once the caller has moved State from ISSUED to COMPLETED. */
VOID PortRequestFinish(PPORT_REQUEST Request);
VOID PortRequestRefused(PPORT_UNIT Unit, PPORT_REQUEST Request, ULONG64 Id);
PPORT_REQUEST PortRequestOf(PPORT_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb);
VOID PortRequestRestore(PPORT_REQUEST Request, BOOLEAN TakeResults);
VOID PortRequestCompleteAll(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun,
                            UCHAR SrbStatus);
VOID PortIrpComplete(PIRP Irp, PSCSI_REQUEST_BLOCK Srb);
VOID PortIrpFail(PIRP Irp, UCHAR SrbStatus);
NTSTATUS PortStatusOfSrb(UCHAR SrbStatus);
BOOLEAN PortRequestMapped(PPORT_REQUEST Request, PVOID *Address);

/* srb.c */
ULONG PortSrbBuild(PPORT_SRB Storage, BOOLEAN Extended, const PORT_SRB_FIELDS *Fields);
ULONG PortSrbLength(PSCSI_REQUEST_BLOCK Srb);
VOID PortSrbSetExtension(PSCSI_REQUEST_BLOCK Srb, PVOID SrbExtension);
VOID PortSrbSetStatus(PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus);
/** The two bytes of a sense buffer in an SRB that has one. */
VOID PortSrbSetSense(PSCSI_REQUEST_BLOCK Srb, PVOID Sense, UCHAR Length);
PCSTR PortSrbName(UCHAR Function, UCHAR Opcode);
BOOLEAN PortSrbIsReadWrite(UCHAR Opcode);
/** An SRB of the port's own, sent and waited for. \irql{PASSIVE_LEVEL} \return SRB status, flags
 * included. */
UCHAR PortSendAndWait(PPORT_UNIT Unit, PPORT_SRB_FIELDS Fields, PUCHAR ScsiStatus);

/* timeout.c, reset.c */
VOID PortTickArm(PPORT_ADAPTER Adapter);
KDEFERRED_ROUTINE PortTickDpc;
VOID PortResetInitialize(PPORT_ADAPTER Adapter);
VOID PortResetFree(PPORT_ADAPTER Adapter);
BOOLEAN PortResetBegin(PPORT_ADAPTER Adapter, PPORT_UNIT Unit, ULONG Tier, BOOLEAN Single);
VOID PortResetAttemptTimedOut(PPORT_ADAPTER Adapter, PPORT_REQUEST Request);

/* scan.c, identity.c */
VOID PortScan(PPORT_ADAPTER Adapter);
BOOLEAN PortIdentityRead(PPORT_UNIT Unit, BOOLEAN Known);
UCHAR PortInquiry(PPORT_UNIT Unit, UCHAR VpdPage, BOOLEAN Vpd, PUCHAR Buffer, ULONG *Length);
UCHAR PortReportLuns(PPORT_UNIT Unit, PUCHAR Buffer, ULONG *Length);

/* pnp.c, unitpnp.c, ids.c, ioctl.c, property.c */
DRIVER_DISPATCH PortDispatchPnp, PortDispatchPower, PortDispatchScsi, PortDispatchControl,
    PortDispatchOpen, PortDispatchSystemControl;
NTSTATUS PortUnitPnp(PPORT_UNIT_DEVICE Device, PIRP Irp);
NTSTATUS PortUnitScsi(PPORT_UNIT Unit, PIRP Irp);
NTSTATUS PortBusRelations(PPORT_ADAPTER Adapter, PIRP Irp);
NTSTATUS PortComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
VOID PortUnitDelete(PPORT_UNIT Unit);
NTSTATUS PortQueryId(PPORT_UNIT Unit, BUS_QUERY_ID_TYPE Type, PWCHAR *Text);
VOID PortUnitQueryCapabilities(PPORT_UNIT Unit, PDEVICE_CAPABILITIES Capabilities);
NTSTATUS PortQueryProperty(PPORT_ADAPTER Adapter, PPORT_UNIT Unit, PVOID Buffer, ULONG InputLength,
                           ULONG OutputLength, PULONG_PTR Information);
NTSTATUS PortMiniportIoctl(PPORT_UNIT Unit, PPORT_ADAPTER Adapter, PVOID Buffer, ULONG InputLength,
                           ULONG OutputLength, PULONG_PTR Information);
NTSTATUS PortCompleteServiceIrp(PPORT_ADAPTER Adapter, PIRP Irp);

/* objects.c: what StorPort lends to a miniport. */
ULONG PortWorkerInitialize(PPORT_ADAPTER Adapter, PVOID *Worker);
ULONG PortWorkerQueue(PPORT_ADAPTER Adapter, PHW_WORKITEM Routine, PVOID Worker, PVOID Context);
ULONG PortWorkerFree(PPORT_ADAPTER Adapter, PVOID Worker);
ULONG PortTimerInitialize(PPORT_ADAPTER Adapter, PVOID *Timer);
ULONG PortTimerRequest(PPORT_ADAPTER Adapter, PVOID Timer, PHW_TIMER_EX Routine, PVOID Context,
                       ULONGLONG Microseconds);
ULONG PortTimerFree(PPORT_ADAPTER Adapter, PVOID Timer);
VOID PortObjectsFree(PPORT_ADAPTER Adapter);

/* locks.c */
VOID PortAcquireLock(PPORT_ADAPTER Adapter, STOR_SPINLOCK Kind, PVOID Context,
                     PSTOR_LOCK_HANDLE Handle);
VOID PortReleaseLock(PPORT_ADAPTER Adapter, PSTOR_LOCK_HANDLE Handle);
VOID PortDpcInitialize(PPORT_ADAPTER Adapter, PSTOR_DPC Dpc, PHW_DPC_ROUTINE Routine);
BOOLEAN PortDpcIssue(PSTOR_DPC Dpc, PVOID First, PVOID Second);
VOID PortHwTimerRequest(PPORT_ADAPTER Adapter, PHW_TIMER Routine, ULONG Microseconds);
KDEFERRED_ROUTINE PortHwTimerDpc;

#endif
