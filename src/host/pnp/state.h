/**
 * \file
 * What plug and play knows: one service and one devnode. Private to pnp/.
 */
#ifndef HOST_PNP_STATE_H
#define HOST_PNP_STATE_H

#include "image/image.h"
#include "nt/io.h"
#include "nt/nt.h"
#include "pnp/pnp.h"

#define PNP_SERVICES "HKLM\\SYSTEM\\CurrentControlSet\\Services"
#define PNP_ENUM     "HKLM\\SYSTEM\\CurrentControlSet\\Enum"
#define PNP_INSTANCE "ROOT\\SCSIADAPTER\\0000"

/** Where the adapter stands. */
enum pnp_stage {
    PNP_NOTHING,    /**< No service is installed. */
    PNP_INSTALLED,  /**< Service and perhaps devnode exist; nothing was started. */
    PNP_NO_DEVNODE, /**< DriverEntry ran, and the driver was unloaded again. */
    PNP_FAILED,     /**< Start failed: see `problem`. */
    PNP_STARTED,
    PNP_REMOVED,
};

struct pnp_state {
    enum pnp_stage stage;
    char service[64];
    char *image_path;
    bool has_devnode;
    char problem[320]; /**< PNP_FAILED: why. */

    struct image *image;
    PDRIVER_OBJECT driver;
    PDRIVER_OBJECT root_bus; /**< The PnP manager's own driver, to whom the PDO belongs. */
    PDEVICE_OBJECT pdo;

    PDEVICE_OBJECT *children; /**< LU PDOs of the last scan, referenced. */
    size_t child_count;
};

extern struct pnp_state pnp;

/** service.c: loads the image and calls DriverEntry, unless that has happened already. */
bool pnp_load(struct host_error *error);
/** devnode.c: makes the PDO; takes it away. */
bool pnp_create_pdo(struct host_error *error);
void pnp_delete_pdo(void);
/**
 * relations.c: runs a task in the PnP thread, alone, and waits for it. One caller at a time.
 * \irql{PASSIVE_LEVEL}
 */
void pnp_run(void (*task)(void *), void *context);
/**
 * relations.c: asks for the units on the bus, starts new ones and removes those that left.
 * \irql{PASSIVE_LEVEL}
 */
void pnp_enumerate(void);
/** relations.c: removes all units, as before the adapter itself is removed. */
void pnp_remove_children(void);

#endif
