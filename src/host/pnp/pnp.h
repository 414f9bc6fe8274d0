/**
 * \file
 * Plug and play for root-enumerated adapters: the service, its devnode, and the IRPs that start,
 * scan and remove it.
 *
 * The order is Windows': a devnode names a service; the service's image is loaded once; AddDevice
 * attaches the port's device object to the devnode's PDO; START_DEVICE brings the adapter up;
 * QUERY_DEVICE_RELATIONS asks it which units are on its bus. Without a devnode the driver's
 * DriverEntry runs, and then nothing more happens.
 */
#ifndef HOST_PNP_H
#define HOST_PNP_H

#include "host.h"
#include <ntifs.h>

/** Starts and ends the PnP thread. */
bool pnp_boot(struct host_error *error);
/** Finds in the registry what earlier machines have installed. */
void pnp_recall(void);
void pnp_halt(void);

/**
 * IoInvalidateDeviceRelations asked for a new scan of this adapter's bus: the PnP thread will do
 * it.
 * \irql{<= DISPATCH_LEVEL}
 */
void pnp_queue_invalidate(PDEVICE_OBJECT device);
/** Waits until no scan is queued or running. \irql{PASSIVE_LEVEL} */
void pnp_settle(void);
/** Queues a scan and waits for it. \irql{PASSIVE_LEVEL} */
void pnp_scan(void);

/**
 * Sends one IRP_MJ_PNP to the top of a device stack and waits.
 * \param fill  fills the stack location; NULL = nothing to fill.
 * \param information  receives IoStatus.Information; may
 * be NULL. \irql{PASSIVE_LEVEL}
 */
NTSTATUS pnp_send(PDEVICE_OBJECT device, UCHAR minor, void (*fill)(PIO_STACK_LOCATION, void *),
                  void *context, ULONG_PTR *information);

/** The adapter's PDO, or NULL without a devnode that has been started. */
PDEVICE_OBJECT pnp_adapter_pdo(void);
/** The loaded driver, or NULL. */
PDRIVER_OBJECT pnp_driver(void);
bool pnp_started(void);

/* What host.h offers; host.c passes it on. */
bool pnp_install_bare(const char *service, const char *driver_file, bool with_devnode,
                      struct host_error *error);
bool pnp_start(struct host_error *error);
bool pnp_remove(struct host_error *error);
bool pnp_unload(struct host_error *error);
void pnp_why(FILE *out);

/**
 * Fills a host_error: the message is formatted, the remedy is not.
 * \return false, for the caller to return.
 */
bool host_fail(struct host_error *error, int32_t status, const char *remedy, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

#endif
