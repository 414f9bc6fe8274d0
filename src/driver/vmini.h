/**
 * \file
 * What every module of the driver shares: the WDK headers, the adapter, tracing, pool tags.
 *
 * The driver is six modules, one a chapter. Calls run 01 -> 02 -> 03 -> 04; 05 (what is configured)
 * and 06 (how an SRB ends) are leaves that anyone may call; 04 reaches up only through the table of
 * functions that it is given. Each module owns its part of the adapter and hides it behind its own
 * header: here the parts are only pointers. The articles' *upper edge* (what Storport sees) is 01
 * and 02, their *lower edge* (what the device is) 03 and 04. \article{Part III, Figure 1}
 */
#ifndef VMINI_H
#define VMINI_H

#include <ntifs.h>

#include <evntrace.h> /* TRACE_LEVEL_* */
#include <ntddscsi.h>
#include <ntddstor.h>
#include <storport.h>
#include <srbhelper.h>

#include "vmini_ioctl.h"
#include "05-install/config.h"

/** Code that only DriverEntry runs: Windows throws section INIT away once DriverEntry has returned,
 *  and a later call is a bugcheck. The Linux build has no such section.
 *  (WDK: \#pragma alloc_text(INIT, ...), which gcc does not know) */
#ifdef _WIN32
#define VMINI_INIT __attribute__((section("INIT")))
#else
#define VMINI_INIT
#endif

/**
 * Pool tags: "VmAd" and so on in a debugger's !poolused. One per module, so that a leak names its
 * chapter.
 */
#define VMINI_TAG_ADAPTER 'dAmV'
#define VMINI_TAG_BUS     'uBmV'
#define VMINI_TAG_CONNECT 'oCmV'
#define VMINI_TAG_SCSI    'cSmV'
#define VMINI_TAG_WORK    'oWmV'
#define VMINI_TAG_MEDIA   'eMmV'
#define VMINI_TAG_CONFIG  'fCmV'

/**
 * A transfer is never longer than this: 1 MiB. Storport is told so, and initiators are (VPD page
 * B0h). "Unlimited" made READ CDBs with a length of 0 in a driver of this kind.
 */
#define VMINI_MAXIMUM_TRANSFER_LENGTH (1024UL * 1024)

typedef struct _VMINI_BUS VMINI_BUS, *PVMINI_BUS; /* 02: devices by address */
/* 02: connections, events, IRPs */
typedef struct _VMINI_SERVICE VMINI_SERVICE, *PVMINI_SERVICE;
typedef struct _VMINI_WORK_QUEUE VMINI_WORK_QUEUE, *PVMINI_WORK_QUEUE; /* 04: queue and threads */

/**
 * The adapter: Storport's device extension for it. Nonpaged, zeroed by Storport when first
 * allocated and then left alone: a second HwFindAdapter after a stop finds it as it was. (WDK:
 * HW_INITIALIZATION_DATA, DeviceExtensionSize)
 */
typedef struct _VMINI_ADAPTER {
    /* Written by VminiHwFindAdapter and VminiHwInitialize, read-only afterwards. */
    PDEVICE_OBJECT Pdo; /**< The PnP manager's device object for root\\vmini. */
    PDEVICE_OBJECT Fdo; /**< Storport's device object for the adapter. */
    /** Symbolic link of the device interface; Buffer NULL: none registered. */
    UNICODE_STRING InterfaceName;
    UCHAR NumberOfBuses;
    UCHAR MaximumTargets; /**< Targets per bus. */
    UCHAR MaximumLuns;    /**< Logical units per target. */
    PVMINI_BUS Bus;
    PVMINI_SERVICE Service;
    /* Three queues of the same kind. To open a file on a share that does not answer takes minutes,
     * and its file system may need one of our own disks; so neither that nor the flush before a close
     * must hold up the disks' reads and writes, or each other. */
    PVMINI_WORK_QUEUE Work;    /**< The workers: what SRBs want of the backing files. */
    PVMINI_WORK_QUEUE Opening; /**< One thread, that opens backing files: DO_CREATE. */
    PVMINI_WORK_QUEUE Closing; /**< One thread, that closes them: DO_CLOSE. */

    /* Interlocked. */
    /** Nonzero between ScsiStopAdapter and ScsiRestartAdapter: new SRBs are refused. */
    LONG Stopped;
} VMINI_ADAPTER, *PVMINI_ADAPTER;

/**
 * Why a trace line is written; the bits of Parameters\\TraceFlags. \article{Part III, OsrTracePrint}
 */
#define VMINI_TRACE_FUNCTION 0x01UL /**< Entry and exit of callbacks. */
#define VMINI_TRACE_PNP      0x02UL /**< Arrival, departure, adapter control. */
#define VMINI_TRACE_SCSI     0x04UL /**< CDBs and how they ended. */
#define VMINI_TRACE_CONNECT  0x08UL /**< The control interface. */
#define VMINI_TRACE_IO       0x10UL /**< Work items and the backing file. */

/** What DriverEntry read from the service's Parameters key; read-only after DriverEntry. */
extern VMINI_CONFIG VminiConfig;

/**
 * Writes one line to Storport's ETW channel, when its level and flag are wanted.
 *
 * \param Adapter  the adapter; NULL before one exists (then the line goes to the debugger only).
 * \param Level    TRACE_LEVEL_ERROR, _WARNING, _INFORMATION or _VERBOSE.
 * \param Flag     one VMINI_TRACE_* bit.
 * \param Text     what happened: a constant string.
 * \param Name1,Value1,Name2,Value2  two named values; a NULL name ends them early.
 * \irql{<= DISPATCH_LEVEL} \locks{none needed, any spin lock may be held}
 * Source: WDK StorPortEtwEvent2; \article{Part III, OsrTracePrint}
 */
VOID VminiTraceWrite(_In_opt_ PVMINI_ADAPTER Adapter, _In_ UCHAR Level, _In_ ULONG Flag,
                     _In_ PCWSTR Text, _In_opt_ PCWSTR Name1, _In_ ULONGLONG Value1,
                     _In_opt_ PCWSTR Name2, _In_ ULONGLONG Value2);

/** The cheap test in front of VminiTraceWrite: nothing is called when the line is not wanted. */
#define VminiTrace(Adapter, Level, Flag, Text, Name1, Value1, Name2, Value2)                       \
    do {                                                                                           \
        if ((Level) <= VminiConfig.TraceLevel && (VminiConfig.TraceFlags & (Flag)) != 0) {         \
            VminiTraceWrite((Adapter), (Level), (Flag), (Text), (Name1), (Value1), (Name2),        \
                            (Value2));                                                             \
        }                                                                                          \
    } while (0)

#endif
