/**
 * \file
 * Plug and play for root-enumerated devices: services, devnodes, the IRPs that start and remove them.
 */
#ifndef HOST_PNP_H
#define HOST_PNP_H

#include "host.h"
#include <ntifs.h>

/** IoInvalidateDeviceRelations asked for a new bus scan of this adapter stack; runs in the PnP worker thread. */
void pnp_queue_invalidate(PDEVICE_OBJECT device);
/** Sends one IRP_MJ_PNP to the top of a device stack and waits. */
NTSTATUS pnp_send(PDEVICE_OBJECT device, UCHAR minor, void (*fill)(PIO_STACK_LOCATION, void *), void *context,
                  ULONG_PTR *information);
/** The adapter's stack (top), its PDO, and its driver object; NULL before start. */
PDEVICE_OBJECT pnp_adapter_top(void);
PDEVICE_OBJECT pnp_adapter_pdo(void);
PDRIVER_OBJECT pnp_driver(void);
/** Symbolic link name of the enabled device interfaces count (for the census). */
size_t pnp_interface_count(void);

#endif
