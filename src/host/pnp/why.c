/*
 * "After my DriverEntry is called nothing more happens": why, in words, and what to do about it.
 */
#include "pnp/state.h"
#include "storport/port.h"

/** The question of the thread, and its answer. */
static void why_no_devnode(FILE *out)
{
    fprintf(out,
            "DriverEntry of \"%s\" ran and succeeded, and then nothing more happened: there is no "
            "device node, so Storport never calls HwFindAdapter, and the driver was unloaded "
            "again.\n"
            "A virtual adapter has no bus that would report it. Somebody must make a device node "
            "with the hardware ID of the INF, say root\\%s:\n"
            "  here:        nthost inf install FILE.inf\n"
            "  on Windows:  devgen /add /bus ROOT /hardwareid root\\%s, or devcon install FILE.inf "
            "root\\%s\n",
            pnp.service, pnp.service, pnp.service, pnp.service);
}

void pnp_why(FILE *out)
{
    switch (pnp.stage) {
    case PNP_NOTHING:
        fprintf(out, "No driver package is installed: there is no service that could be loaded.\n");
        break;
    case PNP_INSTALLED:
        if (pnp.service[0] == '\0') {
            fprintf(out, "Device node " PNP_INSTANCE " has no driver: no service is installed for "
                         "it.\n");
            break;
        }
        fprintf(out, "Service \"%s\" is installed%s, but nothing has been started yet.\n",
                pnp.service,
                pnp.has_devnode ? " and device node " PNP_INSTANCE " names it"
                                : " without a device node");
        break;
    case PNP_NO_DEVNODE:
        why_no_devnode(out);
        break;
    case PNP_FAILED:
        fprintf(out, "The adapter did not start: %s.\n", pnp.problem);
        break;
    case PNP_STARTED:
        if (!port_why(out)) {
            fprintf(out, "The adapter works; %zu unit(s) are on its bus.\n", pnp.child_count);
        }
        break;
    case PNP_REMOVED:
        fprintf(out, "The adapter was removed.\n");
        break;
    }
}
