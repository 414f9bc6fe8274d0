/*
 * IRPs: the way down and up a stack of devices, pending, completion routines, cancel; and the race
 * of cancel against removal in a cancel-safe queue, searched exhaustively.
 */
#include "io_fixture.h"

#include "nt/explore.h"
#include "support/schedules.h"

#include <string.h>

static void boot(void)
{
    io_boot(SCHED_SEEDED, 1, true);
}

/* --- a stack of three devices --- */

static struct {
    PDRIVER_OBJECT driver;
    PDEVICE_OBJECT device[3]; /* From the bottom up. */
    unsigned calls;
    PIRP held;
    char order[32]; /* Which completion routine ran: 'a' + its context, 'P' when PendingReturned. */
} stack;

static void note(char c)
{
    size_t length = strlen(stack.order);

    stack.order[length] = c;
    stack.order[length + 1] = '\0';
}

static NTSTATUS NTAPI pass_through(PDEVICE_OBJECT device, PIRP irp);
static NTSTATUS NTAPI bottom(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    if (device != stack.device[0]) {
        return pass_through(device, irp);
    }
    stack.calls++;
    if (location->MinorFunction == 1) { /* Pended: somebody completes it later. */
        IoMarkIrpPending(irp);
        stack.held = irp;
        return STATUS_PENDING;
    }
    irp->IoStatus.Status = location->MinorFunction == 2 ? STATUS_DISK_FULL : STATUS_SUCCESS;
    irp->IoStatus.Information = 17;
    NTSTATUS status = irp->IoStatus.Status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI completed(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(device);
    note((char)('a' + (uintptr_t)context));
    if (irp->PendingReturned) {
        note('P');
        if (irp->CurrentLocation <= irp->StackCount) {
            IoMarkIrpPending(irp);
        }
    }
    return STATUS_SUCCESS;
}

/** Device 1 sets a completion routine for success only, device 2 skips its location. */
static NTSTATUS NTAPI pass_through(PDEVICE_OBJECT device, PIRP irp)
{
    if (device == stack.device[1]) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, completed, (PVOID)1, TRUE, FALSE, FALSE);
        return IoCallDriver(stack.device[0], irp);
    }
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(stack.device[1], irp);
}

static void stack_make(void)
{
    stack.driver = nt_driver_create("\\Driver\\test");
    stack.driver->MajorFunction[IRP_MJ_READ] = bottom;
    for (unsigned i = 0; i < 3; i++) {
        CHILD_CHECK(IoCreateDevice(stack.driver, 32, NULL, FILE_DEVICE_DISK, 0, FALSE,
                                   &stack.device[i]) == STATUS_SUCCESS);
        CHILD_CHECK(stack.device[i]->Flags & DO_DEVICE_INITIALIZING);
        if (i != 0) {
            CHILD_CHECK(IoAttachDeviceToDeviceStack(stack.device[i], stack.device[0]) ==
                        stack.device[i - 1]);
        }
        stack.device[i]->Flags &= ~DO_DEVICE_INITIALIZING;
        CHILD_CHECK(stack.device[i]->StackSize == (CCHAR)(i + 1));
    }
    CHILD_CHECK(IoGetAttachedDevice(stack.device[0]) == stack.device[2]);
}

static void stack_free(void)
{
    IoDetachDevice(stack.device[1]);
    IoDetachDevice(stack.device[0]);
    for (unsigned i = 0; i < 3; i++) {
        IoDeleteDevice(stack.device[i]);
    }
    nt_object_dereference(stack.driver);
}

static PIRP make_irp(UCHAR minor)
{
    PIRP irp = IoAllocateIrp(stack.device[2]->StackSize, FALSE);

    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoGetNextIrpStackLocation(irp)->MinorFunction = minor;
    return irp;
}

static NTSTATUS NTAPI stop_here(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    CHILD_CHECK(device == NULL); /* The sender has no device of its own. */
    note(irp->PendingReturned ? 'Q' : 'q');
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void completion_walk(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot();
    stack_make();
    PIRP irp = make_irp(0);
    CHILD_CHECK(irp->CurrentLocation == irp->StackCount + 1);
    IoSetCompletionRoutine(irp, stop_here, NULL, TRUE, TRUE, TRUE);
    CHILD_CHECK(IoCallDriver(stack.device[2], irp) == STATUS_SUCCESS);
    CHILD_CHECK(strcmp(stack.order, "bq") == 0 && irp->IoStatus.Information == 17);
    CHILD_CHECK(irp->CurrentLocation == irp->StackCount + 1);

    /* An error: device 1's routine wanted success only. */
    stack.order[0] = '\0';
    IoReuseIrp(irp, STATUS_SUCCESS);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoGetNextIrpStackLocation(irp)->MinorFunction = 2;
    IoSetCompletionRoutine(irp, stop_here, NULL, TRUE, TRUE, TRUE);
    CHILD_CHECK(IoCallDriver(stack.device[2], irp) == STATUS_DISK_FULL);
    CHILD_CHECK(strcmp(stack.order, "q") == 0);
    /* ... unless it is cancelled and the routine wants that; the sender's does, device 1's does
     * not. */
    IoFreeIrp(irp);
    CHILD_CHECK(nt_irp_count() == 0 && stack.calls == 2);
    stack_free();
    io_halt();
}

static void test_completion_walk(void)
{
    CHILD_PASSES(completion_walk, NULL);
}

/** The pending mark travels up through drivers that set no routine, and through those that do. */
static void pending_travels(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot();
    stack_make();
    for (unsigned error = 0; error < 2; error++) {
        stack.order[0] = '\0';
        PIRP irp = make_irp(1);
        IoSetCompletionRoutine(irp, stop_here, NULL, TRUE, TRUE, TRUE);
        CHILD_CHECK(IoCallDriver(stack.device[2], irp) == STATUS_PENDING);
        CHILD_CHECK(stack.order[0] == '\0');
        stack.held->IoStatus.Status = error ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS;
        IoCompleteRequest(stack.held, IO_NO_INCREMENT);
        CHILD_CHECK(strcmp(stack.order, error ? "Q" : "bPQ") == 0);
        IoFreeIrp(irp);
    }
    stack_free();
    io_halt();
}

static void test_pending_travels(void)
{
    CHILD_PASSES(pending_travels, NULL);
}

/* --- device objects --- */

static void devices(void *unused)
{
    UNICODE_STRING name = io_string("\\Device\\Once");
    PDEVICE_OBJECT first, second;

    UNREFERENCED_PARAMETER(unused);
    boot();
    PDRIVER_OBJECT driver = nt_driver_create("\\Driver\\test");
    CHILD_CHECK(IoCreateDevice(driver, 8, &name, 7, 0, FALSE, &first) == STATUS_SUCCESS);
    CHILD_CHECK(driver->DeviceObject == first && first->DeviceExtension != NULL);
    CHILD_CHECK(*(ULONGLONG *)first->DeviceExtension == 0);
    CHILD_CHECK(IoCreateDevice(driver, 0, &name, 7, 0, FALSE, &second) ==
                STATUS_OBJECT_NAME_COLLISION);
    /* Nothing attaches to a device that is still being set up. */
    CHILD_CHECK(IoCreateDevice(driver, 0, NULL, 7, 0, FALSE, &second) == STATUS_SUCCESS);
    CHILD_CHECK(IoAttachDeviceToDeviceStack(second, first) == NULL);
    PIRP irp = IoAllocateIrp(1, FALSE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_SHUTDOWN;
    CHILD_CHECK(nt_irp_send(first, irp) == STATUS_INVALID_DEVICE_REQUEST);
    IoFreeIrp(irp);
    PVOID extension, again;
    CHILD_CHECK(IoAllocateDriverObjectExtension(driver, devices, 40, &extension) == STATUS_SUCCESS);
    CHILD_CHECK(IoAllocateDriverObjectExtension(driver, devices, 40, &again) ==
                STATUS_OBJECT_NAME_COLLISION);
    CHILD_CHECK(IoGetDriverObjectExtension(driver, devices) == extension);
    CHILD_CHECK(IoGetDriverObjectExtension(driver, boot) == NULL);
    IoDeleteDevice(second);
    IoDeleteDevice(first);
    CHILD_CHECK(driver->DeviceObject == NULL);
    CHILD_CHECK(IoCreateDevice(driver, 8, &name, 7, 0, FALSE, &first) == STATUS_SUCCESS);
    IoDeleteDevice(first);
    nt_object_dereference(driver);
    io_halt();
}

static void test_devices(void)
{
    CHILD_PASSES(devices, NULL);
}

static const GUID test_guid = {0x12345678, 0x9abc, 0xdef0, {1, 2, 3, 4, 5, 6, 7, 8}};

static void interfaces(void *unused)
{
    PDEVICE_OBJECT pdo;
    UNICODE_STRING link, expected, bad = io_string("\\??\\nothing");
    ULONG length;
    WCHAR property[40];
    HANDLE key;

    UNREFERENCED_PARAMETER(unused);
    boot();
    PDRIVER_OBJECT driver = nt_driver_create("\\Driver\\test");
    IoCreateDevice(driver, 0, NULL, 7, 0, FALSE, &pdo);
    CHILD_CHECK(IoRegisterDeviceInterface(pdo, &test_guid, NULL, &link) ==
                STATUS_INVALID_DEVICE_REQUEST);
    nt_device_set_instance(pdo, "ROOT\\SCSIADAPTER\\0000");
    CHILD_CHECK(IoRegisterDeviceInterface(pdo, &test_guid, NULL, &link) == STATUS_SUCCESS);
    expected = io_string("\\??\\ROOT#SCSIADAPTER#0000#{12345678-9abc-def0-0102-030405060708}");
    CHILD_CHECK(RtlEqualUnicodeString(&link, &expected, FALSE));
    CHILD_CHECK(nt_interface_find(&test_guid) == NULL && nt_interface_count() == 0);
    CHILD_CHECK(IoSetDeviceInterfaceState(&link, FALSE) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHILD_CHECK(IoSetDeviceInterfaceState(&link, TRUE) == STATUS_SUCCESS);
    CHILD_CHECK(IoSetDeviceInterfaceState(&link, TRUE) == STATUS_OBJECT_NAME_EXISTS);
    CHILD_CHECK(nt_interface_count() == 1);
    CHILD_CHECK(nt_interface_find(&test_guid) == pdo);
    nt_object_dereference(pdo);
    CHILD_CHECK(IoSetDeviceInterfaceState(&bad, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHILD_CHECK(IoSetDeviceInterfaceState(&link, FALSE) == STATUS_SUCCESS);
    RtlFreeUnicodeString(&link);

    nt_registry_set_string("HKLM\\SYSTEM\\CurrentControlSet\\Enum\\ROOT\\SCSIADAPTER\\0000", "Mfg",
                           "Me", false);
    CHILD_CHECK(IoGetDeviceProperty(pdo, DevicePropertyManufacturer, 0, NULL, &length) ==
                    STATUS_BUFFER_TOO_SMALL &&
                length == 6);
    CHILD_CHECK(IoGetDeviceProperty(pdo, DevicePropertyManufacturer, sizeof(property), property,
                                    &length) == STATUS_SUCCESS &&
                property[1] == 'e');
    CHILD_CHECK(IoGetDeviceProperty(pdo, DevicePropertyFriendlyName, 0, NULL, &length) ==
                STATUS_OBJECT_NAME_NOT_FOUND);
    CHILD_CHECK(IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &key) ==
                STATUS_OBJECT_NAME_NOT_FOUND);
    CHILD_CHECK(IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key) ==
                STATUS_SUCCESS);
    ZwClose(key);
    IoDeleteDevice(pdo);
    nt_object_dereference(driver);
    io_halt();
}

static void test_interfaces_and_properties(void)
{
    CHILD_PASSES(interfaces, NULL);
}

/* --- IRPs that a thread waits for --- */

#define IOCTL_TEST   CTL_CODE(FILE_DEVICE_DISK, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_DIRECT CTL_CODE(FILE_DEVICE_DISK, 0x801, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)

/** Adds 1 to every byte; says that it gave back what the first byte says, or everything. */
static NTSTATUS NTAPI control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG length = location->Parameters.DeviceIoControl.OutputBufferLength;
    bool direct = location->Parameters.DeviceIoControl.IoControlCode == IOCTL_DIRECT;
    UCHAR *data = direct ? MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority)
                         : irp->AssociatedIrp.SystemBuffer;

    UNREFERENCED_PARAMETER(device);
    irp->IoStatus.Information = data[0] == 99 ? length + 1 : length;
    for (ULONG i = 0; i < length; i++) {
        data[i]++;
    }
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static void device_control(void *first_byte)
{
    UCHAR in[4] = {(UCHAR)(uintptr_t)first_byte, 2, 3, 4}, out[4] = {0};
    IO_STATUS_BLOCK iosb;
    KEVENT done;

    boot();
    stack_make();
    stack.driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    PIRP irp = IoBuildDeviceIoControlRequest(IOCTL_TEST, stack.device[0], in, 4, out, 4, FALSE,
                                             &done, &iosb);
    CHILD_CHECK(IoCallDriver(stack.device[0], irp) == STATUS_SUCCESS);
    CHILD_CHECK(KeReadStateEvent(&done) != 0 && iosb.Information == 4);
    CHILD_CHECK(out[0] == in[0] + 1 && out[3] == 5 && in[3] == 4);
    CHILD_CHECK(IoGetCurrentProcess() != NULL && PsGetCurrentProcessId() != NULL);
    KeClearEvent(&done);
    irp = IoBuildDeviceIoControlRequest(IOCTL_DIRECT, stack.device[0], in, 4, out, 4, FALSE, &done,
                                        &iosb);
    CHILD_CHECK(IoGetRequestorProcess(irp) == IoGetCurrentProcess());
    CHILD_CHECK(IoCallDriver(stack.device[0], irp) == STATUS_SUCCESS && out[3] == 6);
    CHILD_CHECK(nt_irp_count() == 0 && nt_mdl_count() == 0 && nt_mdl_mapped_count() == 0);
    stack_free();
    io_halt();
}

static void test_device_control(void)
{
    CHILD_PASSES(device_control, (void *)1);
    CHILD_BREAKS(RULE_IRP_INFORMATION, device_control, (void *)99);
}

/* --- cancel --- */

static unsigned cancelled;

static VOID NTAPI cancel_routine(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    cancelled++;
    irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static void cancel(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot();
    stack_make();
    PIRP irp = make_irp(1);
    IoSetCompletionRoutine(irp, stop_here, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(stack.device[0], irp);
    CHILD_CHECK(!IoCancelIrp(irp) && irp->Cancel && cancelled == 0); /* No routine: only marked. */
    CHILD_CHECK(IoSetCancelRoutine(irp, cancel_routine) == NULL);
    CHILD_CHECK(IoCancelIrp(irp) && cancelled == 1 && irp->CancelRoutine == NULL);
    CHILD_CHECK(irp->IoStatus.Status == STATUS_CANCELLED && strcmp(stack.order, "Q") == 0);
    CHILD_CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    IoFreeIrp(irp);
    stack_free();
    io_halt();
}

static void test_cancel(void)
{
    CHILD_PASSES(cancel, NULL);
}

/* --- cancel against removal: whoever gets the IRP completes it, once --- */

static struct {
    IO_CSQ csq;
    KSPIN_LOCK lock;
    LIST_ENTRY list;
    unsigned cancelled, removed;
} queue;

static VOID NTAPI csq_insert(PIO_CSQ csq, PIRP irp)
{
    UNREFERENCED_PARAMETER(csq);
    InsertTailList(&queue.list, &irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_remove(PIO_CSQ csq, PIRP irp)
{
    UNREFERENCED_PARAMETER(csq);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI csq_peek(PIO_CSQ csq, PIRP irp, PVOID context)
{
    LIST_ENTRY *next = irp == NULL ? queue.list.Flink : irp->Tail.Overlay.ListEntry.Flink;

    UNREFERENCED_PARAMETER(csq);
    UNREFERENCED_PARAMETER(context);
    return next == &queue.list ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_acquire(PIO_CSQ csq, PKIRQL irql)
{
    UNREFERENCED_PARAMETER(csq);
    KeAcquireSpinLock(&queue.lock, irql);
}

static VOID NTAPI csq_release(PIO_CSQ csq, KIRQL irql)
{
    UNREFERENCED_PARAMETER(csq);
    KeReleaseSpinLock(&queue.lock, irql);
}

static VOID NTAPI csq_complete(PIO_CSQ csq, PIRP irp)
{
    UNREFERENCED_PARAMETER(csq);
    queue.cancelled++;
    irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI csq_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    IoCsqInsertIrp(&queue.csq, irp, NULL);
    return STATUS_PENDING;
}

static void remover(void *argument)
{
    PIRP irp = IoCsqRemoveNextIrp(&queue.csq, NULL);

    UNREFERENCED_PARAMETER(argument);
    if (irp != NULL) {
        queue.removed++;
        irp->IoStatus.Status = STATUS_SUCCESS;
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
}

static NTSTATUS NTAPI race_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(irp);
    (*(unsigned *)context)++;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void queue_make(void)
{
    memset(&queue, 0, sizeof(queue));
    KeInitializeSpinLock(&queue.lock);
    InitializeListHead(&queue.list);
    IoCsqInitialize(&queue.csq, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release,
                    csq_complete);
}

static void sender(void *argument)
{
    IofCallDriver(stack.device[0], argument);
}

/** One IRP; one thread sends it, one cancels it, one takes it out: in every order. */
static void race(void *unused)
{
    struct nt_thread *threads[2];
    unsigned done = 0;

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, false);
    stack_make();
    queue_make();
    stack.driver->MajorFunction[IRP_MJ_READ] = csq_dispatch;
    PIRP irp = make_irp(0);
    IoSetCompletionRoutine(irp, race_done, &done, TRUE, TRUE, TRUE);
    threads[0] = sched_spawn("sender", sender, irp);
    threads[1] = sched_spawn("remover", remover, NULL);
    IoCancelIrp(irp);
    for (unsigned i = 0; i < 2; i++) {
        nt_wait(threads[i], NULL);
        nt_object_dereference(threads[i]);
    }
    remover(NULL); /* If neither got it, it must still be in the queue. */
    CHILD_CHECK(done == 1 && queue.cancelled + queue.removed == 1);
    CHILD_CHECK(IsListEmpty(&queue.list));
    CHILD_CHECK(irp->IoStatus.Status == (queue.removed ? STATUS_SUCCESS : STATUS_CANCELLED));
    IoFreeIrp(irp);
    stack_free();
    io_halt();
}

static void test_race_exhaustively(void)
{
    struct explore_result result = sched_explore(race, NULL, CHILD_PREEMPTIONS, 0);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(result.exhausted);
    CU_ASSERT_TRUE(result.runs > 25 * CHILD_PREEMPTIONS); /* It did search. */
    explore_result_free(&result);
}

static void test_race_by_seeds(void)
{
    schedules_sweep(race, NULL, SCHED_RANDOM, 200);
}

/** The same race without the library's care, to see that the search finds it: both complete the
 *  IRP. */
static VOID NTAPI careless_cancel(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static void careless_completer(void *argument)
{
    PIRP irp = argument;

    KeDelayExecutionThread(KernelMode, FALSE, &(LARGE_INTEGER){.QuadPart = 0});
    IoSetCancelRoutine(irp, NULL); /* Its answer, which says who owns the IRP, is thrown away. */
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI careless_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, careless_cancel);
    return STATUS_PENDING;
}

static void careless_race(void *unused)
{
    unsigned done = 0;

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_SEEDED, 1, false);
    stack_make();
    stack.driver->MajorFunction[IRP_MJ_READ] = careless_dispatch;
    PIRP irp = make_irp(0);
    IoSetCompletionRoutine(irp, race_done, &done, TRUE, TRUE, TRUE);
    IofCallDriver(stack.device[0], irp);
    struct nt_thread *thread = sched_spawn("completer", careless_completer, irp);
    IoCancelIrp(irp);
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    IoFreeIrp(irp);
}

static void test_careless_race_is_found(void)
{
    struct explore_result result = sched_explore(careless_race, NULL, 2, 0);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_BUGCHECK);
    CU_ASSERT_EQUAL(result.report.rule, RULE_IRP_COMPLETED_TWICE);
    CU_ASSERT_EQUAL(result.report.code, MULTIPLE_IRP_COMPLETE_REQUESTS);
    explore_result_free(&result);
}

/** IoCsqRemoveIrp by context: the IRP that is gone is not given twice. */
static void csq_context(void *unused)
{
    IO_CSQ_IRP_CONTEXT context;
    unsigned done = 0;

    UNREFERENCED_PARAMETER(unused);
    boot();
    stack_make();
    queue_make();
    PIRP irp = make_irp(1);
    IoSetCompletionRoutine(irp, race_done, &done, TRUE, TRUE, TRUE);
    IofCallDriver(stack.device[0], irp); /* `bottom` keeps it. */
    IoCsqInsertIrp(&queue.csq, stack.held, &context);
    CHILD_CHECK(IoCsqRemoveIrp(&queue.csq, &context) == irp && context.Irp == NULL);
    CHILD_CHECK(IoCsqRemoveIrp(&queue.csq, &context) == NULL);
    IoCsqInsertIrp(&queue.csq, irp, &context);
    CHILD_CHECK(IoCancelIrp(irp) && context.Irp == NULL && queue.cancelled == 1 && done == 1);
    CHILD_CHECK(IoCsqRemoveIrp(&queue.csq, &context) == NULL);
    IoFreeIrp(irp);
    stack_free();
    io_halt();
}

static void test_csq_context(void)
{
    CHILD_PASSES(csq_context, NULL);
}

/* --- low resources, many threads --- */

static void irp_failure(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot();
    nt_io_fail(NT_IO_FAIL_IRP, 2, false);
    PIRP first = IoAllocateIrp(2, FALSE);
    CHILD_CHECK(first != NULL && IoAllocateIrp(2, FALSE) == NULL);
    PIRP third = IoAllocateIrp(60, FALSE);
    CHILD_CHECK(third != NULL && third->StackCount == 60);
    IoFreeIrp(first);
    IoFreeIrp(third);
    io_halt();
}

static void test_allocation_can_fail(void)
{
    CHILD_PASSES(irp_failure, NULL);
}

static void churn(void *argument)
{
    UNREFERENCED_PARAMETER(argument);
    for (unsigned i = 0; i < 20000; i++) {
        PIRP irps[4];
        for (unsigned j = 0; j < 4; j++) {
            irps[j] = IoAllocateIrp((CCHAR)(1 + (i + j) % 12), FALSE);
            IoAllocateMdl(&irps, 64 + i % 1000, FALSE, FALSE, irps[j]);
        }
        for (unsigned j = 0; j < 4; j++) {
            IoFreeMdl(irps[j]->MdlAddress);
            IoFreeIrp(irps[j]);
        }
    }
}

static void many_threads(void *unused)
{
    struct nt_thread *threads[3];

    UNREFERENCED_PARAMETER(unused);
    io_boot(SCHED_REAL, 1, false);
    for (unsigned i = 0; i < 3; i++) {
        threads[i] = sched_spawn("churn", churn, NULL);
    }
    for (unsigned i = 0; i < 3; i++) {
        nt_wait(threads[i], NULL);
        nt_object_dereference(threads[i]);
    }
    CHILD_CHECK(nt_irp_count() == 0 && nt_mdl_count() == 0);
    io_halt();
}

static void test_many_threads(void)
{
    CHILD_PASSES(many_threads, NULL);
}

/* --- the rules --- */

static void break_rule(void *which)
{
    boot();
    stack_make();
    PIRP irp = make_irp(1);
    PIRP plain = make_irp(0);
    IoSetCompletionRoutine(irp, stop_here, NULL, TRUE, TRUE, TRUE);
    switch ((enum verifier_rule_symbol)(uintptr_t)which) {
    case RULE_IRP_NO_STACK_LOCATION:
        plain = IoAllocateIrp(1, FALSE);
        IoSetNextIrpStackLocation(plain); /* The sender keeps the only one for itself. */
        IoCallDriver(stack.device[0], plain);
        break;
    case RULE_IRP_COMPLETED_TWICE:
        IoCallDriver(stack.device[0], irp);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        break;
    case RULE_IRP_STATUS_PENDING:
        IoCallDriver(stack.device[0], irp);
        irp->IoStatus.Status = STATUS_PENDING;
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        break;
    case RULE_IRP_CANCEL_ROUTINE_SET:
        IoCallDriver(stack.device[0], irp);
        IoSetCancelRoutine(irp, cancel_routine);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        break;
    case RULE_IRP_CANCEL_STATE:
        IoCallDriver(stack.device[0], irp);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        IoSetCancelRoutine(irp, cancel_routine);
        IoCancelIrp(irp);
        break;
    case RULE_IRP_RAN_OFF_TOP:
        IoCallDriver(stack.device[0], plain); /* Nobody stops it. */
        break;
    case RULE_IRP_FREE_THREAD: {
        IO_STATUS_BLOCK iosb;
        IoFreeIrp(IoBuildDeviceIoControlRequest(IOCTL_TEST, stack.device[0], NULL, 0, NULL, 0,
                                                FALSE, NULL, &iosb));
        break;
    }
    case RULE_IRP_CALL_BAD_DEVICE:
        IoCallDriver((PDEVICE_OBJECT)stack.driver, plain);
        break;
    case RULE_IRP_CALL_NOT_IRP:
        plain->Type = 0;
        IoCallDriver(stack.device[0], plain);
        break;
    case RULE_IRP_FREE_NOT_IRP:
        plain->Type = 0;
        IoFreeIrp(plain);
        break;
    case RULE_DEVICE_STILL_ATTACHED:
        IoDeleteDevice(stack.device[1]);
        break;
    default:
        break;
    }
}

static void test_rules(void)
{
    static const enum verifier_rule_symbol rules[] = {
        RULE_IRP_NO_STACK_LOCATION,  RULE_IRP_COMPLETED_TWICE,   RULE_IRP_STATUS_PENDING,
        RULE_IRP_CANCEL_ROUTINE_SET, RULE_IRP_CANCEL_STATE,      RULE_IRP_RAN_OFF_TOP,
        RULE_IRP_FREE_THREAD,        RULE_IRP_CALL_BAD_DEVICE,   RULE_IRP_CALL_NOT_IRP,
        RULE_IRP_FREE_NOT_IRP,       RULE_DEVICE_STILL_ATTACHED,
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(rules); i++) {
        CHILD_BREAKS(rules[i], break_rule, (void *)(uintptr_t)rules[i]);
    }
}

CU_ErrorCode register_irp_suite(void);
CU_ErrorCode register_irp_suite(void)
{
    static CU_TestInfo tests[] = {
        {"completion walks the stack", test_completion_walk},
        {"the pending mark travels up", test_pending_travels},
        {"device objects", test_devices},
        {"device interfaces and properties", test_interfaces_and_properties},
        {"device control", test_device_control},
        {"cancel", test_cancel},
        {"cancel against removal, every schedule with 2 preemptions", test_race_exhaustively},
        {"cancel against removal, by seeds", test_race_by_seeds},
        {"a careless cancel is found out", test_careless_race_is_found},
        {"a queue's IRP by its context", test_csq_context},
        {"allocation can fail", test_allocation_can_fail},
        {"many threads", test_many_threads},
        {"each rule", test_rules},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {.pName = "irp", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
