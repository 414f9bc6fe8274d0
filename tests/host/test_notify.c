/*
 * PnP notification: who is told what when a volume is asked to go, vetoes, unregistering inside and
 * outside a callback.
 */
#include "io_fixture.h"

#include <wdmguid.h>

#include <stdlib.h>
#include <string.h>

struct listener {
    HANDLE file;
    PFILE_OBJECT object;
    PVOID entry;
    NTSTATUS answer;  /* To QUERY_REMOVE. */
    bool closes;      /* Closes its file when asked. */
    bool unregisters; /* ... and itself. */
    unsigned asked, cancelled, complete;
    KEVENT *entered, *leave; /* The callback waits. */
};

static PDRIVER_OBJECT driver;

static void close_file(struct listener *listener)
{
    if (listener->object != NULL) {
        ObDereferenceObject(listener->object);
        ZwClose(listener->file);
        listener->object = NULL;
    }
}

static NTSTATUS NTAPI callback(PVOID structure, PVOID context)
{
    PTARGET_DEVICE_REMOVAL_NOTIFICATION event = structure;
    struct listener *listener = context;

    CHILD_CHECK(event->Version == 1 && event->Size == sizeof(*event));
    CHILD_CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    if (listener->entered != NULL) {
        KeSetEvent(listener->entered, 0, FALSE);
        KeWaitForSingleObject(listener->leave, Executive, KernelMode, FALSE, NULL);
    }
    if (memcmp(&event->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE, sizeof(GUID)) == 0) {
        CHILD_CHECK(listener->object == NULL || event->FileObject == listener->object);
        listener->asked++;
        if (listener->unregisters) {
            CHILD_CHECK(IoUnregisterPlugPlayNotificationEx(listener->entry) == STATUS_SUCCESS);
        }
        if (listener->closes) {
            close_file(listener);
        }
        return listener->answer;
    }
    bool cancel = memcmp(&event->Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED, sizeof(GUID)) == 0;
    *(cancel ? &listener->cancelled : &listener->complete) += 1;
    return STATUS_SUCCESS;
}

static void listen(struct listener *listener)
{
    listener->file = io_open("f");
    listener->object = io_file_object(listener->file);
    CHILD_CHECK(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, listener->object,
                                               driver, callback, listener,
                                               &listener->entry) == STATUS_SUCCESS);
}

static void boot(void)
{
    io_boot(SCHED_SEEDED, 1, true);
    io_directory();
    io_make_file("f", 10);
    driver = nt_driver_create("\\Driver\\test");
}

static void halt(void)
{
    nt_object_dereference(driver);
    io_remove_directory();
    io_halt();
}

static void delivery(void *unused)
{
    struct listener keeps = {0}, closes = {.closes = true};

    UNREFERENCED_PARAMETER(unused);
    boot();
    listen(&keeps);
    listen(&closes);
    CHILD_CHECK(nt_notification_count() == 2);
    CHILD_CHECK(
        host_volume_query_remove("/proc")); /* Another volume: nobody is asked, nothing is open. */
    CHILD_CHECK(keeps.asked == 0 && closes.asked == 0);
    CHILD_CHECK(!host_volume_query_remove(io_path("f"))); /* `keeps` has its file open. */
    CHILD_CHECK(keeps.asked == 1 && closes.asked == 1 && keeps.cancelled == 0);
    host_volume_remove_cancelled(io_path("f"));
    CHILD_CHECK(keeps.cancelled == 1 && closes.cancelled == 1);
    host_volume_remove_cancelled(io_path("f")); /* Nobody is asked any more. */
    CHILD_CHECK(keeps.cancelled == 1);
    close_file(&keeps);
    CHILD_CHECK(host_volume_query_remove(io_path("")));
    host_volume_remove_complete(io_path(""));
    CHILD_CHECK(keeps.complete == 1 && closes.complete == 1);
    host_volume_remove_complete(io_path("")); /* By surprise: everybody is told. */
    CHILD_CHECK(keeps.complete == 2 && closes.complete == 2);
    CHILD_CHECK(IoUnregisterPlugPlayNotificationEx(keeps.entry) == STATUS_SUCCESS);
    CHILD_CHECK(IoUnregisterPlugPlayNotificationEx(closes.entry) == STATUS_SUCCESS);
    CHILD_CHECK(nt_notification_count() == 0);
    halt();
}

static void test_delivery(void)
{
    CHILD_PASSES(delivery, NULL);
}

/** The one that refuses, and those before it, hear that it was called off; the one behind it hears
 *  nothing. */
static void veto(void *unused)
{
    struct listener first = {.closes = true}, second = {.answer = STATUS_UNSUCCESSFUL}, third = {0};

    UNREFERENCED_PARAMETER(unused);
    boot();
    listen(&first);
    listen(&second);
    listen(&third);
    CHILD_CHECK(!host_volume_query_remove(io_path("f")));
    CHILD_CHECK(first.asked == 1 && second.asked == 1 && third.asked == 0);
    CHILD_CHECK(first.cancelled == 1 && second.cancelled == 1 && third.cancelled == 0);
    struct listener *all[] = {&first, &second, &third};
    for (unsigned i = 0; i < 3; i++) {
        IoUnregisterPlugPlayNotificationEx(all[i]->entry);
        close_file(all[i]);
    }
    halt();
}

static void test_veto(void)
{
    CHILD_PASSES(veto, NULL);
}

static void inside(void *unused)
{
    struct listener listener = {.closes = true, .unregisters = true};

    UNREFERENCED_PARAMETER(unused);
    boot();
    listen(&listener);
    CHILD_CHECK(host_volume_query_remove(io_path("f")));
    CHILD_CHECK(listener.asked == 1 && nt_notification_count() == 0);
    host_volume_remove_complete(io_path("f"));
    CHILD_CHECK(listener.complete == 0);
    halt();
}

static void test_unregister_in_callback(void)
{
    CHILD_PASSES(inside, NULL);
}

static void asker(void *path)
{
    host_volume_query_remove(path);
}

static bool unregistered;
static void unregisterer(void *entry)
{
    IoUnregisterPlugPlayNotificationEx(entry);
    unregistered = true;
}

/** Unregistering waits for a callback that runs in another thread. */
static void waits(void *unused)
{
    KEVENT entered, leave;
    struct listener listener = {.closes = true, .entered = &entered, .leave = &leave};

    UNREFERENCED_PARAMETER(unused);
    boot();
    KeInitializeEvent(&entered, NotificationEvent, FALSE);
    KeInitializeEvent(&leave, NotificationEvent, FALSE);
    listen(&listener);
    struct nt_thread *asks = sched_spawn("asker", asker, (void *)(uintptr_t)io_path("f"));
    nt_wait(&entered, NULL);
    struct nt_thread *ends = sched_spawn("unregisterer", unregisterer, listener.entry);
    sched_settle(sched_time() + 1000);
    CHILD_CHECK(!unregistered && listener.asked == 0);
    KeSetEvent(&leave, 0, FALSE);
    nt_wait(ends, NULL);
    CHILD_CHECK(unregistered && listener.asked == 1);
    nt_wait(asks, NULL);
    nt_object_dereference(asks);
    nt_object_dereference(ends);
    halt();
}

static void test_unregister_waits(void)
{
    CHILD_PASSES(waits, NULL);
}

static void bad(void *unused)
{
    struct listener listener = {0};
    PVOID entry;

    UNREFERENCED_PARAMETER(unused);
    boot();
    CHILD_CHECK(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, NULL, driver,
                                               callback, NULL, &entry) == STATUS_INVALID_PARAMETER);
    CHILD_CHECK(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, driver, driver,
                                               callback, NULL, &entry) == STATUS_INVALID_PARAMETER);
    listen(&listener);
    IoUnregisterPlugPlayNotificationEx(listener.entry);
    IoUnregisterPlugPlayNotificationEx(listener.entry);
}

static void test_unregistered_twice(void)
{
    CHILD_BREAKS(RULE_NOTIFICATION_BAD, bad, NULL);
}

CU_ErrorCode register_notify_suite(void);
CU_ErrorCode register_notify_suite(void)
{
    static CU_TestInfo tests[] = {
        {"delivery", test_delivery},
        {"a veto", test_veto},
        {"unregistering in the callback", test_unregister_in_callback},
        {"unregistering waits for a callback", test_unregister_waits},
        {"unregistered twice", test_unregistered_twice},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {.pName = "notify", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
