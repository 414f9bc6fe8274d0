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
#define PNP_CLASS    "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class"
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
    bool has_devnode;
    char security[512]; /**< Descriptor of the started adapter's device objects, as SDDL. */
    char problem[320];  /**< PNP_FAILED: why. */

    struct image *image;
    PDRIVER_OBJECT driver;
    PDRIVER_OBJECT root_bus; /**< The PnP manager's own driver, to whom the PDO belongs. */
    PDEVICE_OBJECT pdo;

    PDEVICE_OBJECT *children; /**< LU PDOs of the last scan, referenced. */
    size_t child_count;
};

extern struct pnp_state pnp;

struct inf_install;
struct inf_registry_write;

/** install.c: writes what the INF says. \param inf its path, for the record. */
bool pnp_apply(const struct inf_install *install, const char *inf, const char *driver_file,
               bool with_devnode, struct host_error *error);
/** values.c: writes one value of an AddReg section. */
bool pnp_write_value(const struct inf_install *install, const struct inf_registry_write *write,
                     struct host_error *error);
/** recall.c: the service's key, or one below it. \return `buffer`. */
const char *pnp_service_key(char *buffer, size_t size, const char *sub);
/** recall.c: the file of this host that ImagePath names; to be freed. NULL = there is none. */
char *pnp_image_path(struct host_error *error);
/** recall.c: reads the descriptor that the INF gave the device, or takes Windows' own. */
void pnp_recall_security(void);
/** recall.c: is the service there, and may it be started? */
bool pnp_service_check(struct host_error *error);
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
