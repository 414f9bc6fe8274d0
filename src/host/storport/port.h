/**
 * \file
 * What the rest of the host may ask of the port driver and of the class drivers above it. The port
 * itself is reached as any driver is: through StorPortInitialize and through IRPs to its device
 * objects.
 */
#ifndef STORPORT_PORT_H
#define STORPORT_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <storport.h>

struct host_unit;

/** What host_boot chooses for the port. Set before the adapter starts. */
struct port_options {
    uint8_t srb_type; /**< enum host_srb_type: which SRBs, if the miniport takes both. */
    bool adapter_control_passive;
    bool reset_bus_passive;
    bool no_class_drivers; /**< port_class_start does nothing. */
    bool passive_startio;  /**< HwStartIo never at DISPATCH_LEVEL by the port's own choice. */
};
void port_set_options(const struct port_options *options);

/** The FDO of the started adapter, or NULL. */
PDEVICE_OBJECT port_fdo(void);
/** Why there is no working adapter, in plain words; nothing if there is one. \return whether
 * something was said. */
bool port_why(FILE *out);
/** The same text, or "". Valid until the next start. */
const char *port_reason(void);

/** ScsiStopAdapter with the queues held and drained, as at a power-down. \irql{PASSIVE_LEVEL} */
NTSTATUS port_adapter_stop(PDEVICE_OBJECT fdo);
/** ScsiRestartAdapter, or HwFindAdapter + HwInitialize where the miniport does not support it; then
 * the queues run on. \irql{PASSIVE_LEVEL} */
NTSTATUS port_adapter_restart(PDEVICE_OBJECT fdo);

/** STORAGE_BUS_TYPE of the adapter: registry BusType, overridden by StorPortSetAdapterBusType. */
uint32_t port_bus_type(void);
/** Lets the class drivers start on LU PDOs that are new: disk.sys on type 0, cdrom.sys on type 5.
 * To be called from the PnP thread after it has started the PDOs. \irql{PASSIVE_LEVEL} */
void port_start_classes(void);
/** A class driver starts on one LU PDO / the PDO is about to be removed. \irql{PASSIVE_LEVEL} */
void port_class_start(PDEVICE_OBJECT pdo);
void port_class_remove(PDEVICE_OBJECT pdo);
/** Copies up to `count` units that are present. \return how many there are. */
unsigned port_units(struct host_unit *units, unsigned count);
/** SRBs given to HwStartIo and completed since the driver was loaded. */
void port_counts(uint64_t *started, uint64_t *completed);
/** Is `pdo` a logical unit of ours? */
bool port_is_unit(PDEVICE_OBJECT pdo);

#endif
