/*
 * The adapter's life: a start that fails leaves nothing, a stop quiets it, a restart lets it go
 * on, and at the end
 * everything is gone before HwFreeAdapterResources returns.
 */
#include "support/linked.h"

#include "01-adapter/adapter.h"

#include <CUnit/CUnit.h>

#include <string.h>

/* --- start --- */

/** Each allocation and each thread that a start needs, refused: no start, nothing left, and the
 *  next one works. */
static void a_start_fails_clean(void *argument)
{
    unsigned failures = 0;
    struct host_error error;

    (void)argument;
    linked_boot();
    host_set_parameter(LINKED_SERVICE, "NumberOfWorkers", 2);
    for (unsigned nth = 1; nth <= 13; nth++) {
        bool started;

        CHILD_CHECK(linked_entry() == STATUS_SUCCESS);
        if (nth <= 7) {
            nt_pool_fail(nth, false);
        } else {
            nt_thread_fail(nth - 7);
        }
        started = host_start(&error);
        nt_pool_fail(0, false);
        nt_thread_fail(0);
        if (started) {
            CHILD_CHECK(host_remove(&error) && host_unload(&error));
        }
        failures += !started;
        CHILD_CHECK(nt_pool_outstanding(0, NULL) == 0 && nt_system_threads() == 0 &&
                    nt_interface_count() == 0);
    }
    /* Device extension and interface name; three queues, service, bus; two workers, those that open
     * and close, and the delete thread. */
    CHILD_CHECK(failures == 2 + 5 + 5);
    linked_start();
    CHILD_CHECK(nt_system_threads() == 5);
    linked_down();
}

/** HwInitialize has failed, and the adapter is stopped, restarted and freed all the same. */
static void control_after_a_failed_start(void *argument)
{
    static VMINI_ADAPTER adapter = {.NumberOfBuses = 1, .MaximumTargets = 1, .MaximumLuns = 1};

    (void)argument;
    linked_up();
    VminiConfig.TraceLevel = 0; /* A line of this adapter's would be no extension of Storport's. */
    nt_pool_fail(1, false);
    CHILD_CHECK(!VminiHwInitialize(&adapter) && adapter.Work == NULL);
    nt_pool_fail(0, false);
    CHILD_CHECK(VminiHwAdapterControl(&adapter, ScsiStopAdapter, NULL) ==
                ScsiAdapterControlSuccess);
    CHILD_CHECK(VminiHwAdapterControl(&adapter, ScsiRestartAdapter, NULL) ==
                ScsiAdapterControlUnsuccessful);
    VminiHwCompleteServiceIrp(&adapter);
    VminiHwFreeAdapterResources(&adapter);
    linked_down();
}

/* --- stop and restart --- */

static bool done;

static void connecting(void *argument)
{
    CHILD_CHECK(linked_connect(argument, 0, NULL) == STATUS_SUCCESS);
    done = true;
}

static void control(SCSI_ADAPTER_CONTROL_TYPE type, KIRQL irql)
{
    KIRQL old;

    KeRaiseIrql(irql, &old);
    CHILD_CHECK(VminiHwAdapterControl(linked_adapter(), type, NULL) == ScsiAdapterControlSuccess);
    KeLowerIrql(old);
}

/** A CONNECT that came a moment before the stop waits for the restart: no file is opened while the
 *  machine sleeps. */
static void a_stop_quiets_a_restart_resumes(void *argument)
{
    KIRQL irql = *(const KIRQL *)argument;
    struct nt_thread *thread;

    linked_up();
    for (unsigned round = 0; round < 3; round++) {
        uint64_t opens = host_file_counts().opens;
        char name[16];

        snprintf(name, sizeof(name), "%u.img", round);
        control(ScsiStopAdapter, irql);
        CHILD_CHECK(linked_adapter()->Stopped != 0);
        done = false;
        thread = sched_spawn("connecting", connecting, (void *)(uintptr_t)linked_image(name, 512));
        linked_settle();
        CHILD_CHECK(!done && host_file_counts().opens == opens);
        control(ScsiRestartAdapter, irql);
        CHILD_CHECK(linked_adapter()->Stopped == 0);
        nt_wait(thread, NULL);
        nt_object_dereference(thread);
        CHILD_CHECK(done);
    }
    CHILD_CHECK(VminiBusCount(linked_adapter()) == 3); /* Nothing was lost on the way. */
    linked_down();
}

/** The same as Storport does it, requests held and drained: the disk is there afterwards. */
static void a_power_transition(void *argument)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = 1, .processors = 2},
                                   .verifier = true,
                                   .adapter_control_passive =
                                       *(const KIRQL *)argument == PASSIVE_LEVEL};
    struct host_request *request;
    struct host_error error;

    linked_boot_with(&options);
    linked_start();
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    host_settle();
    request = host_request_create();
    request->cdb_length = 6; /* TEST UNIT READY */
    for (unsigned round = 0; round < 3; round++) {
        CHILD_CHECK(host_adapter_stop(&error));
        CHILD_CHECK(linked_adapter()->Stopped != 0);
        CHILD_CHECK(host_adapter_restart(&error));
        CHILD_CHECK(host_execute(request) == SRB_STATUS_SUCCESS);
    }
    host_request_free(request);
    linked_down();
}

static void test_stop_restart(void)
{
    static const KIRQL levels[] = {DISPATCH_LEVEL, PASSIVE_LEVEL}; /* As documented, and as seen. */

    for (unsigned i = 0; i < RTL_NUMBER_OF(levels); i++) {
        CHILD_PASSES(a_stop_quiets_a_restart_resumes, (void *)(uintptr_t)&levels[i]);
        CHILD_PASSES(a_power_transition, (void *)(uintptr_t)&levels[i]);
    }
}

/* --- the end --- */

/** Removal, with everything still in use: disks connected, a program waiting, one CONNECT parked
 *  by a stop. */
static void the_end_of_a_busy_adapter(void *argument)
{
    VMINI_WAIT_EVENT_IN wait;
    VMINI_CONNECT_OUT out;
    VMINI_CONNECT_IN in;
    VMINI_EVENT event;
    struct host_ioctl waiting, parked;
    struct host_error error;

    (void)argument;
    linked_up();
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(linked_connect(linked_image("b.iso", 4096), VMINI_CONNECT_CDROM, NULL) ==
                STATUS_SUCCESS);
    host_settle();
    memset(&wait, 0, sizeof(wait));
    linked_header(&wait.Command, VminiCommandWaitEvent, sizeof(wait));
    wait.LastSequence = 2;
    linked_begin(&waiting, &wait, sizeof(wait), &event, sizeof(event));
    control(ScsiStopAdapter, DISPATCH_LEVEL);
    linked_connect_in(&in, linked_image("c.img", 512), 0);
    linked_begin(&parked, &in, sizeof(in), &out, sizeof(out));
    linked_settle();
    CHILD_CHECK(host_remove(&error));
    CHILD_CHECK(host_ioctl_wait(&waiting) == STATUS_DEVICE_REMOVED);
    CHILD_CHECK(host_ioctl_wait(&parked) == STATUS_DEVICE_REMOVED);
    CHILD_CHECK(nt_system_threads() == 0 && nt_pool_outstanding(0, NULL) == 0);
    CHILD_CHECK(nt_notification_count() == 0 && nt_interface_count() == 0);
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    linked_down();
}

/** A restart of everything: the driver stays loaded, the adapter is removed and started again. */
static void removed_and_started_again(void *argument)
{
    struct host_error error;

    (void)argument;
    linked_up();
    for (unsigned round = 0; round < 3; round++) {
        CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
        CHILD_CHECK(host_remove(&error));
        CHILD_CHECK(nt_pool_outstanding(0, NULL) == 0);
        CHILD_CHECK(host_start(&error));
    }
    linked_down();
}

/* --- tracing --- */

/** Each level against each wanted level, each flag against each mask: a line is written when both
 *  say so. */
static void tracing_levels_and_flags(void *argument)
{
    static const ULONG flags[] = {VMINI_TRACE_FUNCTION, VMINI_TRACE_PNP, VMINI_TRACE_SCSI,
                                  VMINI_TRACE_CONNECT, VMINI_TRACE_IO};
    static const ULONG masks[] = {0, 0x01, 0x02, 0x04, 0x08, 0x10, 0x15, 0xFFFFFFFF};

    (void)argument;
    linked_up();
    trace_enable(1u << TRACE_ETW);
    for (UCHAR wanted = 0; wanted <= TRACE_LEVEL_VERBOSE; wanted++) {
        for (UCHAR level = TRACE_LEVEL_ERROR; level <= TRACE_LEVEL_VERBOSE; level++) {
            for (unsigned f = 0; f < RTL_NUMBER_OF(flags); f++) {
                for (unsigned m = 0; m < RTL_NUMBER_OF(masks); m++) {
                    bool expected = level <= wanted && (masks[m] & flags[f]) != 0;

                    VminiConfig.TraceLevel = wanted;
                    VminiConfig.TraceFlags = masks[m];
                    trace_clear();
                    VminiTrace(linked_adapter(), level, flags[f], L"line", L"one", 1, L"two", 2);
                    CHILD_CHECK(trace_count() == expected);
                    if (expected) {
                        CHILD_CHECK(strcmp(trace_at(0)->name, "line") == 0 &&
                                    trace_at(0)->argument[1] == level);
                    }
                }
            }
        }
    }
    trace_enable(0);
    linked_down();
}

/** What is traced by default: errors. What Parameters say is what counts. */
static void tracing_as_configured(void *argument)
{
    (void)argument;
    linked_boot();
    host_set_parameter(LINKED_SERVICE, "TraceLevel", TRACE_LEVEL_INFORMATION);
    host_set_parameter(LINKED_SERVICE, "TraceFlags", VMINI_TRACE_PNP);
    linked_start();
    trace_enable(1u << TRACE_ETW);
    CHILD_CHECK(linked_connect(linked_image("a.img", 512), 0, NULL) == STATUS_SUCCESS);
    trace_enable(0);
    bool arrival = false;
    for (size_t i = 0; i < trace_count(); i++) {
        arrival = arrival || strcmp(trace_at(i)->name, "arrival") == 0;
        CHILD_CHECK(strcmp(trace_at(i)->name, "CDB ended") != 0 &&
                    strcmp(trace_at(i)->name, "service request") != 0);
    }
    CHILD_CHECK(arrival);
    linked_down();
    CHILD_CHECK(VminiConfig.TraceLevel == 0); /* HwCleanupTracing: no line after the last one. */
}

LINKED_CASE(a_start_fails_clean)
LINKED_CASE(control_after_a_failed_start)
LINKED_CASE(the_end_of_a_busy_adapter)
LINKED_CASE(removed_and_started_again)
LINKED_CASE(tracing_levels_and_flags)
LINKED_CASE(tracing_as_configured)

CU_ErrorCode register_adapter_life_suite(void);
CU_ErrorCode register_adapter_life_suite(void)
{
    CU_pSuite suite = CU_add_suite("01 life", linked_folder_create, linked_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "a start that fails leaves nothing", test_a_start_fails_clean) == NULL ||
        CU_add_test(suite, "control after a start that failed",
                    test_control_after_a_failed_start) == NULL ||
        CU_add_test(suite, "stop quiets, restart resumes", test_stop_restart) == NULL ||
        CU_add_test(suite, "the end of a busy adapter", test_the_end_of_a_busy_adapter) == NULL ||
        CU_add_test(suite, "removed and started again", test_removed_and_started_again) == NULL ||
        CU_add_test(suite, "tracing: levels and flags", test_tracing_levels_and_flags) == NULL ||
        CU_add_test(suite, "tracing as configured", test_tracing_as_configured) == NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
