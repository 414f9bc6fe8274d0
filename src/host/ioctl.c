/*
 * IOCTLs to the adapter, as DeviceIoControl sends them: an IRP_MJ_DEVICE_CONTROL with a system
 * buffer, in the caller's thread. The IRP outlives its completion until nobody is about to cancel
 * it: `holds` counts the request itself and each canceller; whoever lets go last tells the caller.
 */
#include "host.h"

#include "nt/io.h"
#include "nt/nt.h"
#include "pnp/pnp.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ioctl_internal {
    PIRP irp;
    void *buffer; /**< METHOD_BUFFERED: input and output. */
    KEVENT event;
    atomic_int holds;
};

/** The last holder lets go: the answer goes to the caller. \irql{<= DISPATCH_LEVEL} */
static void release(struct host_ioctl *ioctl)
{
    struct ioctl_internal *internal = ioctl->internal;
    void (*done)(struct host_ioctl *) = ioctl->done;

    if (atomic_fetch_sub(&internal->holds, 1) != 1) {
        return;
    }
    ioctl->status = internal->irp->IoStatus.Status;
    ioctl->returned = (uint32_t)internal->irp->IoStatus.Information;
    /* The I/O manager copies for warnings too. */
    if (!NT_ERROR(ioctl->status) && ioctl->output != NULL) {
        uint32_t count =
            ioctl->returned < ioctl->output_length ? ioctl->returned : ioctl->output_length;
        memcpy(ioctl->output, internal->buffer, count);
    }
    IoFreeIrp(internal->irp);
    if (internal->buffer != NULL) {
        nt_pool_free(internal->buffer, NT_HOST_TAG);
    }
    if (done != NULL) {
        done(ioctl);
    }
    nt_set_event(&internal->event); /* Ioctl may be gone now. */
}

static NTSTATUS NTAPI completed(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    (void)irp;
    release(context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/** Ends an IOCTL that could not be sent. */
static void refuse(struct host_ioctl *ioctl, struct ioctl_internal *internal, NTSTATUS status)
{
    ioctl->status = status;
    ioctl->returned = 0;
    if (ioctl->done != NULL) {
        ioctl->done(ioctl);
    }
    nt_set_event(&internal->event);
}

void host_ioctl_start(struct host_ioctl *ioctl)
{
    struct ioctl_internal *internal = calloc(1, sizeof(*internal));
    uint32_t length =
        ioctl->input_length > ioctl->output_length ? ioctl->input_length : ioctl->output_length;
    PDEVICE_OBJECT pdo = pnp_adapter_pdo(), top;
    PIO_STACK_LOCATION stack;

    if (internal == NULL) {
        abort(); /* The host itself is out of memory: there is nothing to simulate. */
    }
    ioctl->internal = internal;
    KeInitializeEvent(&internal->event, NotificationEvent, FALSE);
    if (pdo == NULL) {
        refuse(ioctl, internal, STATUS_NO_SUCH_DEVICE);
        return;
    }
    top = IoGetAttachedDeviceReference(pdo);
    internal->irp = IoAllocateIrp(top->StackSize, FALSE);
    nt_irp_disown(internal->irp);
    /* As long as it must be and no longer: special pool then catches who writes beyond. */
    internal->buffer = length != 0 ? nt_pool_allocate(NonPagedPoolNx, length, NT_HOST_TAG) : NULL;
    if (length != 0) {
        memset(internal->buffer, 0, length);
        memcpy(internal->buffer, ioctl->input, ioctl->input_length);
    }
    atomic_init(&internal->holds, 1);
    internal->irp->AssociatedIrp.SystemBuffer = internal->buffer;
    internal->irp->RequestorMode = UserMode;
    internal->irp->Tail.Overlay.Thread = PsGetCurrentThread();
    stack = IoGetNextIrpStackLocation(internal->irp);
    stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    stack->Parameters.DeviceIoControl.IoControlCode = ioctl->code;
    stack->Parameters.DeviceIoControl.InputBufferLength = ioctl->input_length;
    stack->Parameters.DeviceIoControl.OutputBufferLength = ioctl->output_length;
    IoSetCompletionRoutine(internal->irp, completed, ioctl, TRUE, TRUE, TRUE);
    IoCallDriver(top, internal->irp);
    ObDereferenceObject(top);
}

int32_t host_ioctl_wait(struct host_ioctl *ioctl)
{
    struct ioctl_internal *internal = ioctl->internal;

    nt_wait(&internal->event, NULL);
    ioctl->internal = NULL;
    free(internal);
    return ioctl->status;
}

void host_ioctl_cancel(struct host_ioctl *ioctl)
{
    struct ioctl_internal *internal = ioctl->internal;
    int holds = atomic_load(&internal->holds);

    while (holds > 0) {
        if (atomic_compare_exchange_weak(&internal->holds, &holds, holds + 1)) {
            IoCancelIrp(internal->irp);
            release(ioctl);
            return;
        }
    }
}

int32_t host_ioctl_call(uint32_t code, const void *input, uint32_t input_length, void *output,
                        uint32_t output_length, uint32_t *returned)
{
    struct host_ioctl ioctl = {.code = code,
                               .input = input,
                               .input_length = input_length,
                               .output = output,
                               .output_length = output_length};
    int32_t status;

    host_ioctl_start(&ioctl);
    status = host_ioctl_wait(&ioctl);
    if (returned != NULL) {
        *returned = ioctl.returned;
    }
    return status;
}
