/*
 * Services: an image becomes a driver. DriverEntry is called once, before the first devnode that
 * needs the driver is started; Unload after the last one is gone.
 */
#include "pnp/state.h"

#include <stdio.h>
#include <stdlib.h>

/**
 * The registry path that DriverEntry gets:
 * "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\name".
 */
static WCHAR *registry_path(UNICODE_STRING *string)
{
    char path[160];
    size_t chars;
    WCHAR *text;

    snprintf(path, sizeof(path), "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\%s",
             pnp.service);
    text = nt_utf16(path, &chars);
    string->Buffer = text;
    string->Length = (USHORT)(chars * sizeof(WCHAR));
    string->MaximumLength = string->Length;
    return text;
}

/** Calls DriverEntry. */
static NTSTATUS call_entry(void)
{
    struct verifier_mark mark;
    UNICODE_STRING path;
    WCHAR *buffer = registry_path(&path);
    NTSTATUS status;

    trace_event(TRACE_CALLBACK_ENTER, "DriverEntry", 0, 0, 0, 0);
    mark = verifier_callback_enter("DriverEntry");
    status = pnp.image->entry(pnp.driver, &path);
    verifier_callback_leave(&mark);
    trace_event(TRACE_CALLBACK_LEAVE, "DriverEntry", (uint32_t)status, 0, 0, 0);
    free(buffer);
    return status;
}

/** Takes the image out of the machine; its census must be clean by now. */
static void drop_image(void)
{
    if (pnp.driver != NULL) {
        nt_object_dereference(pnp.driver);
        pnp.driver = NULL;
    }
    if (pnp.image != NULL) {
        image_unload(pnp.image);
        pnp.image = NULL;
    }
}

bool pnp_load(struct host_error *error)
{
    char name[80], *path;
    NTSTATUS status;
    bool loaded;

    if (pnp.driver != NULL) {
        return true;
    }
    path = pnp_image_path(error);
    loaded = path != NULL && image_load(path, &pnp.image, error);
    free(path);
    if (!loaded) {
        return false;
    }
    snprintf(name, sizeof(name), "\\Driver\\%s", pnp.service);
    verifier_load_census();
    pnp.driver = nt_driver_create(name);
    trace_event(TRACE_PNP, "load", 0, 0, 0, 0);
    status = call_entry();
    if (!NT_SUCCESS(status)) {
        verifier_unload_census(pnp.service);
        host_fail(error, status,
                  "see what StorPortInitialize returned: STATUS_REVISION_MISMATCH means a "
                  "structure size that this Storport does not know",
                  "%s: DriverEntry failed with status %08X", pnp.image->path, (unsigned)status);
        drop_image();
        return false;
    }
    image_discard_init(pnp.image);
    return true;
}

bool pnp_unload(struct host_error *error)
{
    struct verifier_mark mark;

    if (pnp.driver == NULL) {
        return host_fail(error, STATUS_OBJECT_NAME_NOT_FOUND, "start it first",
                         "no driver is loaded");
    }
    if (pnp.pdo != NULL) {
        return host_fail(error, STATUS_DEVICE_BUSY, "remove the adapter first",
                         "\"%s\" still has a started device", pnp.service);
    }
    if (pnp.driver->DriverUnload != NULL) {
        trace_event(TRACE_CALLBACK_ENTER, "DriverUnload", 0, 0, 0, 0);
        mark = verifier_callback_enter("DriverUnload");
        pnp.driver->DriverUnload(pnp.driver);
        verifier_callback_leave(&mark);
        trace_event(TRACE_CALLBACK_LEAVE, "DriverUnload", 0, 0, 0, 0);
    }
    verifier_unload_census(pnp.service);
    trace_event(TRACE_PNP, "unload", 0, 0, 0, 0);
    drop_image();
    return true;
}
