/*
 * IRPs: allocation, the way down (IofCallDriver), the way up (IofCompleteRequest) and cancel.
 * Between a driver and the file system or port device that it calls. An IRP belongs to whoever
 * IofCallDriver gave it to until that driver completes it or passes it on; this file never touches
 * an IRP after it has handed it over.
 */
#include "nt/iothread.h"

#include <stdlib.h>

#define IRP_SMALL_STACK 2
#define IRP_LARGE_STACK 10

/** What precedes an allocated IRP: a driver may overwrite every byte of the IRP itself with
 *  IoInitializeIrp. */
struct irp_block {
    uint32_t origin;        /* enum io_cache, or IO_CACHES: pool. */
    uint32_t output_length; /* Room behind UserBuffer; IoStatus.Information must not exceed it. */
    bool
        threaded; /* A thread waits for it, and its end frees it (IoBuildDeviceIoControlRequest). */
    bool hosts_own; /* Of the host API: in no census. */
    uint64_t in_use;
    IRP irp;
};
#define IRP_IN_USE 0x5052495F45564954ull

static KSPIN_LOCK cancel_lock;

static struct irp_block *irp_block_of(PIRP irp)
{
    return CONTAINING_RECORD(irp, struct irp_block, irp);
}

/* --- allocation --- */

static void irp_reset(PIRP irp, USHORT size, CCHAR stack_size)
{
    memset(irp, 0, size);
    irp->Type = IO_TYPE_IRP;
    irp->Size = size;
    irp->StackCount = stack_size;
    irp->CurrentLocation = (CHAR)(stack_size + 1);
    InitializeListHead(&irp->ThreadListEntry);
    irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(irp + 1) + stack_size;
}

static struct irp_block *irp_block_allocate(CCHAR stack_size)
{
    size_t head = offsetof(struct irp_block, irp);
    uint32_t origin = stack_size <= IRP_SMALL_STACK ? IO_CACHE_IRP_SMALL : IO_CACHE_IRP_LARGE;
    struct irp_block *block;

    if (stack_size > IRP_LARGE_STACK || !io_cache_wanted()) {
        block = nt_pool_allocate(NonPagedPoolNx, head + IoSizeOfIrp(stack_size), NT_HOST_TAG);
        origin = IO_CACHES;
    } else {
        CCHAR room = origin == IO_CACHE_IRP_SMALL ? IRP_SMALL_STACK : IRP_LARGE_STACK;
        block = io_cache_take(origin, head + IoSizeOfIrp(room));
    }
    if (block != NULL) {
        block->origin = origin;
        block->output_length = 0;
        block->threaded = false;
        block->hosts_own = false;
        block->in_use = IRP_IN_USE;
    }
    return block;
}

PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(ChargeQuota);
    struct irp_block *block = io_should_fail(NT_IO_FAIL_IRP) ? NULL : irp_block_allocate(StackSize);
    if (block == NULL) {
        return NULL;
    }
    io_count(IO_IRPS, 1);
    irp_reset(&block->irp, IoSizeOfIrp(StackSize), StackSize);
    return &block->irp;
}

VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    irp_reset(Irp, PacketSize, StackSize);
}

VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Iostatus)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UCHAR flags = Irp->AllocationFlags;

    irp_reset(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = flags;
    Irp->IoStatus.Status = Iostatus;
}

static void irp_release(PIRP irp)
{
    struct irp_block *block = irp_block_of(irp);

    irp->Type = 0;
    block->in_use = 0;
    io_count(IO_IRPS, block->hosts_own ? 0 : -1);
    if (block->origin == IO_CACHES) {
        nt_pool_free(block, NT_HOST_TAG);
    } else {
        io_cache_give(block->origin, block);
    }
}

/** Something is wrong with what IoFreeIrp was given. */
static __attribute__((noinline)) void NTAPI irp_check_free(PIRP Irp)
{
    if (nt_pool_is_freed(Irp) || Irp->Type != IO_TYPE_IRP ||
        irp_block_of(Irp)->in_use != IRP_IN_USE) {
        verifier_bugcheck(RULE_IRP_FREE_NOT_IRP, (uintptr_t)Irp, 0, 0,
                          "IoFreeIrp of something that is not an allocated IRP");
    }
    if (irp_block_of(Irp)
            ->threaded) { /* Not Tail.Overlay.Thread: drivers set it, for the file system's use. */
        verifier_bugcheck(RULE_IRP_FREE_THREAD, (uintptr_t)Irp, 0, 0,
                          "IoFreeIrp of an IRP that its thread still waits for");
    }
}

VOID NTAPI IoFreeIrp(PIRP Irp)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    if (nt_pool_is_freed(Irp) || Irp->Type != IO_TYPE_IRP ||
        irp_block_of(Irp)->in_use != IRP_IN_USE || irp_block_of(Irp)->threaded) {
        irp_check_free(Irp);
    }
    irp_release(Irp);
}

void nt_irp_disown(PIRP irp)
{
    irp_block_of(irp)->hosts_own = true;
    io_count(IO_IRPS, -1);
}

uint64_t nt_irp_count(void)
{
    return (uint64_t)io_counted(IO_IRPS);
}

/* --- the way down --- */

/* The checks are apart, in Windows' calling convention: see nt_routine_watched. */

/** Something is wrong with what IofCallDriver was given. */
static __attribute__((noinline)) void NTAPI irp_check_call(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (nt_pool_is_freed(Irp) || Irp->Type != IO_TYPE_IRP) {
        verifier_bugcheck(RULE_IRP_CALL_NOT_IRP, (uintptr_t)Irp, 0, 0,
                          "IoCallDriver with something that is not an IRP");
    }
    if (DeviceObject == NULL || DeviceObject->Type != IO_TYPE_DEVICE) {
        verifier_bugcheck(RULE_IRP_CALL_BAD_DEVICE, (uintptr_t)DeviceObject, 0, 0,
                          "IoCallDriver with something that is not a device object");
    }
    if (Irp->CurrentLocation <= 1) {
        verifier_bugcheck_at(RULE_IRP_NO_STACK_LOCATION, (uintptr_t)Irp, 0, 0, 0,
                             "the IRP has %d stack locations, and one more device is called",
                             Irp->StackCount);
    }
}

NTSTATUS NTAPI IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    if (nt_pool_is_freed(Irp) || Irp->Type != IO_TYPE_IRP || DeviceObject == NULL ||
        DeviceObject->Type != IO_TYPE_DEVICE || Irp->CurrentLocation <= 1) {
        irp_check_call(DeviceObject, Irp);
    }
    IoSetNextIrpStackLocation(Irp);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    PDRIVER_DISPATCH dispatch = DeviceObject->DriverObject->MajorFunction[location->MajorFunction];
    location->DeviceObject = DeviceObject;
    struct verifier_mark mark = verifier_callback_enter("dispatch routine");
    NTSTATUS status = dispatch(DeviceObject, Irp);
    verifier_callback_leave(&mark);
    return status;
}

static NTSTATUS NTAPI irp_sent(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(irp);
    nt_set_event(context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS nt_irp_send(PDEVICE_OBJECT device, PIRP irp)
{
    KEVENT done;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(irp, irp_sent, &done, TRUE, TRUE, TRUE);
    IofCallDriver(device, irp);
    nt_wait(&done, NULL);
    return irp->IoStatus.Status;
}

/* --- the way up --- */

/** Something is wrong with what IofCompleteRequest was given. */
static __attribute__((noinline)) void NTAPI irp_check_completion(PIRP irp)
{
    PDRIVER_CANCEL cancel;
    NTSTATUS status;

    if (nt_pool_is_freed(irp) || irp->Type != IO_TYPE_IRP ||
        irp->CurrentLocation > irp->StackCount) {
        verifier_bugcheck_at(RULE_IRP_COMPLETED_TWICE, (uintptr_t)irp, 0, 0, 0,
                             "IoCompleteRequest of an IRP that was completed before");
    }
    status = irp->IoStatus.Status;
    cancel = __atomic_load_n(&irp->CancelRoutine, __ATOMIC_SEQ_CST);
    if (status == STATUS_PENDING || status == -1) {
        verifier_bugcheck(RULE_IRP_STATUS_PENDING, (uint32_t)status, (uintptr_t)irp, 0,
                          "IoCompleteRequest with status 0x%08X", (unsigned)status);
    }
    if (cancel != NULL) {
        verifier_bugcheck(RULE_IRP_CANCEL_ROUTINE_SET, (uintptr_t)cancel, (uintptr_t)irp, 0,
                          "IoCompleteRequest while the cancel routine is set");
    }
}

static bool irp_wants_call(PIRP irp, UCHAR control)
{
    return (NT_SUCCESS(irp->IoStatus.Status) && (control & SL_INVOKE_ON_SUCCESS) != 0) ||
           (!NT_SUCCESS(irp->IoStatus.Status) && (control & SL_INVOKE_ON_ERROR) != 0) ||
           ((control & SL_INVOKE_ON_CANCEL) != 0 &&
            __atomic_load_n(&irp->Cancel, __ATOMIC_SEQ_CST));
}

/** What a lower driver left in a location is worth nothing to the next user of the IRP. */
static void irp_clear_location(PIO_STACK_LOCATION location)
{
    location->MinorFunction = 0;
    location->Flags = 0;
    location->Control = 0;
    memset(&location->Parameters, 0, sizeof(location->Parameters));
    location->FileObject = NULL;
}

/** Calls the completion routine that the driver above left in `location`. The IRP may be gone if it
 *  returns STATUS_MORE_PROCESSING_REQUIRED. */
static NTSTATUS irp_call_completion(PIRP irp, PIO_STACK_LOCATION location)
{
    PDEVICE_OBJECT device = irp->CurrentLocation <= irp->StackCount
                                ? IoGetCurrentIrpStackLocation(irp)->DeviceObject
                                : NULL;
    PIO_COMPLETION_ROUTINE routine = location->CompletionRoutine;
    PVOID context = location->Context;

    irp_clear_location(location);
    struct verifier_mark mark = verifier_callback_enter("IoCompletion");
    NTSTATUS status = routine(device, irp, context);
    verifier_callback_leave(&mark);
    return status;
}

/* --- completion routines that hold their driver --- */

/** What IoSetCompletionRoutineEx puts in the place of the driver's routine. */
struct unload_safe {
    PDEVICE_OBJECT device;
    PIO_COMPLETION_ROUTINE routine;
    PVOID context;
    bool cached; /* From the thread's cache, not from pool. */
};

static struct unload_safe *unload_safe_allocate(void)
{
    bool cached = io_cache_wanted();
    struct unload_safe *safe =
        cached ? io_cache_take(IO_CACHE_COMPLETION, sizeof(*safe))
               : nt_pool_allocate(NonPagedPoolNx, sizeof(*safe), NT_PRIVATE_TAG);

    if (safe != NULL) {
        safe->cached = cached;
    }
    return safe;
}

static void unload_safe_free(struct unload_safe *safe)
{
    if (safe->cached) {
        io_cache_give(IO_CACHE_COMPLETION, safe);
    } else {
        nt_pool_free(safe, NT_PRIVATE_TAG);
    }
}

/** The device object, and with it the driver, stays until the routine has returned. */
static NTSTATUS NTAPI unload_safe_completion(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct unload_safe safe = *(struct unload_safe *)context;

    unload_safe_free(context);
    NTSTATUS status = safe.routine(device, irp, safe.context);
    nt_object_dereference(safe.device);
    return status;
}

NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                        PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                        BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                        BOOLEAN InvokeOnCancel)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    struct unload_safe *safe = NULL;

    if (!io_should_fail(NT_IO_FAIL_COMPLETION)) {
        safe = unload_safe_allocate();
    }
    if (safe == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    nt_object_reference(DeviceObject);
    safe->device = DeviceObject;
    safe->routine = CompletionRoutine;
    safe->context = Context;
    IoSetCompletionRoutine(Irp, unload_safe_completion, safe, InvokeOnSuccess, InvokeOnError,
                           InvokeOnCancel);
    return STATUS_SUCCESS;
}

/* --- the end of a threaded IRP --- */

static void irp_copy_output(PIRP irp)
{
    struct irp_block *block = irp_block_of(irp);
    void *system_buffer = irp->AssociatedIrp.SystemBuffer;

    if (!NT_ERROR(irp->IoStatus.Status) && irp->IoStatus.Information > block->output_length &&
        irp->IoStatus.Status != STATUS_BUFFER_OVERFLOW) {
        verifier_bugcheck_at(RULE_IRP_INFORMATION, (uintptr_t)system_buffer, 0, 0, 0,
                             "IoStatus.Information is %llu, the output buffer has %u bytes",
                             (unsigned long long)irp->IoStatus.Information, block->output_length);
    }
    if ((irp->Flags & IRP_INPUT_OPERATION) != 0 && !NT_ERROR(irp->IoStatus.Status)) {
        size_t length = irp->IoStatus.Information < block->output_length ? irp->IoStatus.Information
                                                                         : block->output_length;
        memcpy(irp->UserBuffer, system_buffer, length);
    }
    if ((irp->Flags & IRP_DEALLOCATE_BUFFER) != 0) {
        nt_pool_free(system_buffer, NT_HOST_TAG);
    }
}

/** The end of an IRP that a thread waits for: results to the caller, then nothing of the IRP is
 *  left. Apart, as the checks are. */
static __attribute__((noinline)) void NTAPI irp_finish(PIRP irp)
{
    if (!irp_block_of(irp)->threaded) {
        verifier_bugcheck(RULE_IRP_RAN_OFF_TOP, (uintptr_t)irp, 0, 0,
                          "an IRP from IoAllocateIrp ran past its allocator's completion routine");
    }
    PKEVENT event = irp->UserEvent;
    PIO_STATUS_BLOCK iosb = irp->UserIosb;
    PIO_APC_ROUTINE apc = irp->Overlay.AsynchronousParameters.UserApcRoutine;
    PVOID apc_context = irp->Overlay.AsynchronousParameters.UserApcContext;

    if ((irp->Flags & IRP_BUFFERED_IO) != 0) {
        irp_copy_output(irp);
    }
    for (PMDL mdl = irp->MdlAddress; mdl != NULL;) {
        PMDL next = mdl->Next;
        if ((mdl->MdlFlags & MDL_PAGES_LOCKED) != 0) {
            MmUnlockPages(mdl);
        }
        IoFreeMdl(mdl);
        mdl = next;
    }
    *iosb = irp->IoStatus;
    irp_release(irp);
    if (apc != NULL) {
        apc(apc_context, iosb, 0);
    } else if (event != NULL) {
        nt_set_event(event);
    }
}

VOID NTAPI IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(PriorityBoost);
    if (nt_pool_is_freed(Irp) || Irp->Type != IO_TYPE_IRP ||
        Irp->CurrentLocation > Irp->StackCount || Irp->IoStatus.Status == STATUS_PENDING ||
        Irp->IoStatus.Status == -1 ||
        __atomic_load_n(&Irp->CancelRoutine, __ATOMIC_SEQ_CST) != NULL) {
        irp_check_completion(Irp);
    }
    while (Irp->CurrentLocation <= Irp->StackCount) {
        PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
        UCHAR control = location->Control;

        Irp->PendingReturned = (control & SL_PENDING_RETURNED) != 0;
        IoSkipCurrentIrpStackLocation(Irp);
        if (irp_wants_call(Irp, control)) {
            if (irp_call_completion(Irp, location) == STATUS_MORE_PROCESSING_REQUIRED) {
                return;
            }
        } else {
            irp_clear_location(location);
            /* Nobody above was asked, so the pending mark travels up by itself. */
            if (Irp->PendingReturned && Irp->CurrentLocation <= Irp->StackCount) {
                IoMarkIrpPending(Irp);
            }
        }
    }
    irp_finish(Irp);
}

/* --- cancel --- */

VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    *Irql = KeAcquireSpinLockRaiseToDpc(&cancel_lock);
}

VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    KeReleaseSpinLock(&cancel_lock, Irql);
}

BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&cancel_lock);
    PDRIVER_CANCEL cancel;

    if (Irp->Type != IO_TYPE_IRP) {
        verifier_bugcheck_at(RULE_IRP_CANCEL_STATE, (uintptr_t)Irp, 0, 0, 0,
                             "IoCancelIrp of an IRP that was freed");
    }
    __atomic_store_n(&Irp->Cancel, TRUE,
                     __ATOMIC_SEQ_CST); /* Before the exchange: see IoCsqInsertIrpEx. */
    cancel = IoSetCancelRoutine(Irp, NULL);
    if (cancel == NULL) {
        KeReleaseSpinLock(&cancel_lock, irql);
        return FALSE;
    }
    if (Irp->CurrentLocation > Irp->StackCount) {
        verifier_bugcheck_at(RULE_IRP_CANCEL_STATE, (uintptr_t)Irp, (uintptr_t)cancel, 0, 0,
                             "a cancel routine is set in an IRP that was completed");
    }
    Irp->CancelIrql = irql;
    /* The cancel routine releases the lock, with CancelIrql. */
    cancel(IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Irp);
    return TRUE;
}

/* --- IRPs that a thread waits for --- */

static void *ioctl_system_buffer(PIRP irp, const void *input, ULONG input_length,
                                 ULONG output_length)
{
    ULONG size = input_length > output_length ? input_length : output_length;
    void *buffer = size == 0 ? NULL : nt_pool_allocate(NonPagedPoolNx, size, NT_HOST_TAG);

    if (buffer != NULL) {
        memset(buffer, 0, size);
        if (input != NULL) {
            memcpy(buffer, input, input_length);
        }
        irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    }
    irp->AssociatedIrp.SystemBuffer = buffer;
    return buffer;
}

/** METHOD_IN_DIRECT and METHOD_OUT_DIRECT: the input is copied, the "output" buffer becomes an
 *  MDL. */
static bool ioctl_buffers(PIRP irp, ULONG method, void *input, ULONG input_length, void *output,
                          ULONG output_length)
{
    bool buffered = method == METHOD_BUFFERED;
    ULONG copied_out = buffered ? output_length : 0;

    if (method == METHOD_NEITHER) {
        IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.Type3InputBuffer = input;
        irp->UserBuffer = output;
        return true;
    }
    if ((input_length != 0 || copied_out != 0) &&
        ioctl_system_buffer(irp, input, input_length, copied_out) == NULL) {
        return false;
    }
    if (buffered) {
        irp->UserBuffer = output;
        irp->Flags |= output != NULL ? IRP_INPUT_OPERATION : 0;
        irp_block_of(irp)->output_length = output_length;
    } else if (output != NULL && output_length != 0) {
        if (IoAllocateMdl(output, output_length, FALSE, FALSE, irp) == NULL) {
            return false;
        }
        MmProbeAndLockPages(irp->MdlAddress, KernelMode,
                            method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
        irp_block_of(irp)->output_length = output_length;
    }
    return true;
}

PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                         PVOID InputBuffer, ULONG InputBufferLength,
                                         PVOID OutputBuffer, ULONG OutputBufferLength,
                                         BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    PIRP irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    PIO_STACK_LOCATION location;

    if (irp == NULL) {
        return NULL;
    }
    location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction =
        InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    location->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
    location->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
    location->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
    if (!ioctl_buffers(irp, METHOD_FROM_CTL_CODE(IoControlCode), InputBuffer, InputBufferLength,
                       OutputBuffer, OutputBufferLength)) {
        if ((irp->Flags & IRP_DEALLOCATE_BUFFER) != 0) {
            nt_pool_free(irp->AssociatedIrp.SystemBuffer, NT_HOST_TAG);
        }
        irp_release(irp);
        return NULL;
    }
    irp->UserIosb = IoStatusBlock;
    irp->UserEvent = Event;
    irp->Tail.Overlay.Thread = (PETHREAD)sched_current();
    irp_block_of(irp)->threaded = true;
    return irp;
}
