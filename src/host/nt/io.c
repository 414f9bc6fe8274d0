/*
 * Boot and halt of the I/O manager, and what it reports to the census.
 */
#include "nt/io_internal.h"

bool nt_io_boot(const char *unc_root, const char *registry_file, struct host_error *error)
{
    nt_pool_boot();
    security_boot();
    fs_set_unc_root(unc_root);
    if (!registry_boot(registry_file, error)) {
        security_halt();
        return false;
    }
    if (!fsd_boot()) {
        snprintf(error->message, sizeof(error->message),
                 "the file system device cannot be created");
        snprintf(error->remedy, sizeof(error->remedy), "free some memory");
        return false;
    }
    verifier_census_register("mapped MDL", nt_mdl_mapped_count,
                             NULL); /* The other kinds it knows itself. */
    verifier_census_register("referenced token", security_token_count, NULL);
    return true;
}

bool nt_io_halt(struct host_error *error)
{
    bool saved;

    for (unsigned i = 0; i < NT_IO_FAULT_KINDS; i++) {
        nt_io_fail(i, 0, false);
    }
    notify_halt();
    fsd_halt();
    nt_device_halt();
    saved = registry_halt(error);
    fs_set_unc_root(NULL);
    security_halt();
    return saved;
}
