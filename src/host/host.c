/*
 * The machine as a whole: boot, the adapter's life, halt and census. What tools and tests call; everything is done by the
 * parts.
 */
#include "host.h"

#include "install.h"
#include "nt/io.h"
#include "nt/nt.h"
#include "pnp/pnp.h"
#include "storport/port.h"
#include "verifier/report.h"

#include <string.h>

bool host_boot(const struct host_options *options, struct host_error *error)
{
    struct port_options port = {.srb_type = (uint8_t)options->srb_type,
                                .adapter_control_passive = options->adapter_control_passive,
                                .reset_bus_passive = options->reset_bus_passive,
                                .no_class_drivers = options->no_class_drivers};

    verifier_install_fault_handler();
    verifier_enable(options->verifier);
    sched_boot(&options->sched);
    port_set_options(&port);
    if (!nt_io_boot(options->unc_root, options->registry_file, error)) {
        sched_halt();
        return false;
    }
    if (!pnp_boot(error)) {
        return false;
    }
    pnp_recall();
    return true;
}

bool host_install(const char *inf_path, const char *hwid, const char *driver_file,
                  struct host_error *error)
{
    struct host_package package = {
        .inf = inf_path, .hardware_id = hwid, .driver_file = driver_file, .test_signing = true};

    return host_install_package(&package, error);
}

bool host_install_bare(const char *service, const char *driver_file, bool with_devnode,
                       struct host_error *error)
{
    return pnp_install_bare(service, driver_file, with_devnode, error);
}

bool host_start(struct host_error *error)
{
    return pnp_start(error);
}

bool host_adapter_stop(struct host_error *error)
{
    NTSTATUS status = pnp_started() ? port_adapter_stop(port_fdo()) : STATUS_NO_SUCH_DEVICE;

    return NT_SUCCESS(status) ||
           host_fail(error, status, "start the adapter first, and stop it once",
                     "the adapter could not be stopped (status %08X)", (unsigned)status);
}

bool host_adapter_restart(struct host_error *error)
{
    NTSTATUS status = pnp_started() ? port_adapter_restart(port_fdo()) : STATUS_NO_SUCH_DEVICE;

    return NT_SUCCESS(status) ||
           host_fail(error, status, "stop the adapter first",
                     "the adapter could not be restarted (status %08X)", (unsigned)status);
}

bool host_remove(struct host_error *error)
{
    return pnp_remove(error);
}

bool host_unload(struct host_error *error)
{
    return pnp_unload(error);
}

void host_why(FILE *out)
{
    pnp_why(out);
}

uint32_t host_bus_type(void)
{
    return port_bus_type();
}

/** Tells every unit that the machine shuts down, as the class drivers do. */
static void send_shutdowns(void)
{
    struct host_unit units[64];
    unsigned count = host_units(units, 64);

    for (unsigned i = 0; i < count && i < 64; i++) {
        host_send_shutdown(units[i].path, units[i].target, units[i].lun);
    }
}

unsigned host_halt(FILE *report)
{
    struct host_error error;
    unsigned leaks;

    if (pnp_started()) {
        host_adapter_restart(
            NULL); /* If it is stopped: a machine that sleeps is woken to be shut down. */
        send_shutdowns();
        pnp_remove(NULL);
    }
    if (pnp_driver() != NULL) {
        pnp_unload(NULL);
    }
    /* A thread that has ended gives its own reference back a moment after it is signalled. */
    sched_settle(sched_time());
    leaks = verifier_census(report);
    pnp_halt();
    if (!nt_io_halt(&error)) {
        leaks++; /* What was installed would be forgotten in silence. */
        if (report != NULL) {
            fprintf(report, "%s: %s\n", error.message, error.remedy);
        }
    }
    sched_halt();
    return leaks;
}

static void (*bugcheck_observer)(void);
static struct host_bugcheck bugcheck;

static void bugcheck_seen(const struct verifier_report *report)
{
    bugcheck = (struct host_bugcheck){.code = report->code,
                                      .name = report_code_name(report->code),
                                      .text = report->text,
                                      .where = report->where};
    memcpy(bugcheck.parameter, report->parameter, sizeof(bugcheck.parameter));
    bugcheck_observer();
}

const struct host_bugcheck *host_bugcheck(void)
{
    return &bugcheck;
}

void host_on_bugcheck(void (*observe)(void))
{
    bugcheck_observer = observe;
    verifier_on_bugcheck(observe != NULL ? bugcheck_seen : NULL);
}

struct host_census host_census(void)
{
    struct host_census census;
    size_t bytes;

    memset(&census, 0, sizeof(census));
    census.pool_blocks = nt_pool_outstanding(0, &bytes);
    census.pool_bytes = bytes;
    census.threads = nt_system_threads();
    census.handles = nt_handle_count();
    census.objects = nt_object_count();
    census.irps = nt_irp_count();
    census.mdls = nt_mdl_count();
    census.notifications = nt_notification_count();
    census.interfaces = nt_interface_count();
    census.timers = nt_timers_armed();
    port_counts(&census.srbs_started, &census.srbs_completed);
    return census;
}
