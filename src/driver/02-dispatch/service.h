/**
 * \file
 * The control interface: connections, events, and the service IRPs that wait for them.
 */
#ifndef VMINI_SERVICE_H
#define VMINI_SERVICE_H

#include "02-dispatch/bus.h"

/** Creates connection list and event ring. \irql{PASSIVE_LEVEL} */
NTSTATUS VminiServiceCreate(_Inout_ PVMINI_ADAPTER Adapter);

/**
 * Connects the images that the registry names: *static* devices. Returns when they are on their
 * way; a thread of its own opens the files, and one that fails is told by an event and a trace line, and by
 * nothing else. \irql{PASSIVE_LEVEL, in a system thread} \locks{none held}
 * \article{Part I, static and dynamic devices}
 */
VOID VminiServiceConnectStatic(_In_ PVMINI_ADAPTER Adapter);

/**
 * No new request is taken any more, and every pended one ends; a CONNECT's device departs, or does not
 * arrive. What is connected stays connected. Idempotent. \irql{<= APC_LEVEL} \locks{none held}
 */
VOID VminiServiceClose(_Inout_ PVMINI_ADAPTER Adapter);

/** Requests are taken again: the adapter starts once more after a stop that had closed the service.
 *  \irql{<= DISPATCH_LEVEL} \locks{none held} */
VOID VminiServiceReopen(_Inout_ PVMINI_ADAPTER Adapter);

/**
 * After VminiServiceClose: waits until no connection is in the making and every IRP that was pended
 * has been completed, by whomever. No queue must be parked.
 * \irql{PASSIVE_LEVEL} \locks{none held}
 */
VOID VminiServiceDrain(_Inout_ PVMINI_ADAPTER Adapter);

/** Frees them. No IRP may be pending and no connection left. \irql{PASSIVE_LEVEL} */
VOID VminiServiceDestroy(_Inout_ PVMINI_ADAPTER Adapter);

/**
 * A service IRP arrives. \irql{PASSIVE_LEVEL} \locks{none} \thread{the program's}
 * \article{Part III, Figure 2, OsrHwProcessServiceRequest}
 */
HW_PROCESS_SERVICE_REQUEST VminiHwProcessServiceRequest;

/**
 * The adapter is going away: every pended service IRP ends now.
 * \irql{PASSIVE_LEVEL} \locks{none} \thread{PnP's}
 */
HW_COMPLETE_SERVICE_IRP VminiHwCompleteServiceIrp;

/**
 * An INQUIRY for a device has been answered: the first one ends the CONNECT that waits for it.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
VOID VminiServiceEnumerated(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device);

/**
 * A work item that belongs to a connection (DO_CREATE, DO_CLOSE, DO_CALL) has ended.
 * \irql{<= DISPATCH_LEVEL} \locks{none held}
 */
VOID VminiServiceWorkDone(_In_ PVMINI_WORK_ITEM Item);

/**
 * The backing file failed a request: tells those who wait for events. \irql{<= DISPATCH_LEVEL}
 * \locks{none held}
 */
VOID VminiServiceMediaError(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device,
                            _In_ NTSTATUS Status);

/**
 * Storport has not asked for a new device within VMINI_REPORT_TIMEOUT, it is none of the registry's,
 * and it is Missing now: CONNECT fails with STATUS_IO_TIMEOUT, and Storport is told. \irql{PASSIVE_LEVEL}
 * \locks{none held}
 */
VOID VminiServiceNotEnumerated(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device);

/**
 * No SRB refers to a missing device any more: its file is closed here, DISCONNECT and query-remove
 * are answered and the departure is told. The device record still exists; Device->Connection is
 * freed and NULL afterwards.
 * \irql{PASSIVE_LEVEL} \locks{none held}
 */
VOID VminiServiceDeviceGone(_In_ PVMINI_ADAPTER Adapter, _In_ PVMINI_DEVICE Device);

#endif
