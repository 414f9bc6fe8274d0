/**
 * \file
 * The upper edge's way in: HwStartIo and what it keeps in the SRB extension.
 */
#ifndef VMINI_DISPATCH_H
#define VMINI_DISPATCH_H

#include "02-dispatch/service.h"

/**
 * What vmini keeps with each SRB. Storport allocates it uninitialised, and again after
 * SRB_STATUS_BUSY.
 */
typedef struct _VMINI_SRB_EXTENSION {
    VMINI_SCSI_REQUEST Request; /**< EXECUTE_SCSI. First: it begins with 06's VMINI_SRB_HEADER. */
    PVMINI_DEVICE Device;       /**< Referenced while the SRB is pending. */
    VMINI_DRAIN Drain;          /**< Reset SRBs: until the running items have ended. */
} VMINI_SRB_EXTENSION, *PVMINI_SRB_EXTENSION;

_Static_assert(offsetof(VMINI_SRB_EXTENSION, Request.Header) == 0, "where 06 looks for it");

/**
 * Storport hands over an SRB: looks its function up, has it done, or has somebody do it later.
 * Always TRUE. \irql{<= DISPATCH_LEVEL} \locks{none} \thread{any: often the sender's}
 * \article{Part III, Figure 5, OsrVmExecuteScsi}
 */
HW_STARTIO VminiHwStartIo;

/**
 * The last rung of the reset ladder. Never waits. \irql{DISPATCH_LEVEL}
 * \locks{StartIo lock held by Storport} \thread{any}
 */
HW_RESET_BUS VminiHwResetBus;

/** 04's way up: a work item has ended. Static storage. */
extern const VMINI_WORK_CALLBACKS VminiDispatchWorkCallbacks;

#endif
