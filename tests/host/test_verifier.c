/*
 * The verifier itself: the report and its record, marks around callbacks, the order of locks beyond
 * two, buffers that are not mapped, the census, wild addresses in the host, and a stack that is
 * used up.
 */
#include "child.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "nt/pool.h"

#define TAG 0x74736554u

static void boot(enum sched_kind kind)
{
    struct sched_options options = {.kind = kind, .seed = 4711};

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
}

/* --- the report --- */

static void bugcheck(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    printf("buffered text that must not be lost");
    verifier_bugcheck(RULE_IRQL_TOO_HIGH, 2, 3, 4, "details %d", 5);
}

static void test_report(void)
{
    struct child_result result = child_run(bugcheck, NULL, CHILD_SECONDS);
    static const char *const parts[] = {
        "*** STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION",
        "(0x00000000000000E5, 0x0000000000000002, 0x0000000000000003, 0x0000000000000004)",
        "rule     A kernel routine is called at or below its maximum IRQL.",
        "[irql-too-high]",
        "details  details 5",
        "IRQL 0 (PASSIVE_LEVEL)",
        "seed     4711; the same seed replays this run",
        "read     chapters/02-dispatch.md",
        "\n    bugcheck\n",
    };

    CU_ASSERT_TRUE(result.exited && result.status == VERIFIER_EXIT_STATUS && result.reported);
    CU_ASSERT_EQUAL(result.report.code, 0xC4);
    CU_ASSERT_EQUAL(result.report.rule, RULE_IRQL_TOO_HIGH);
    CU_ASSERT_EQUAL(result.report.parameter[0], 0xE5);
    CU_ASSERT_EQUAL(result.report.parameter[3], 4);
    CU_ASSERT_EQUAL(result.report.seed, 4711);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.report.text, "details 5"));
    for (size_t i = 0; i < RTL_NUMBER_OF(parts); i++) {
        if (strstr(result.text, parts[i]) == NULL) {
            printf("\nmissing: %s\nin: %s\n", parts[i], result.text);
        }
        CU_ASSERT_PTR_NOT_NULL(strstr(result.text, parts[i]));
    }
}

static void any_code(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    KeBugCheckEx(MANUALLY_INITIATED_CRASH, 1, 2, 3, 4);
}

static void test_any_code(void)
{
    struct child_result result = child_run(any_code, NULL, CHILD_SECONDS);

    CU_ASSERT_TRUE(result.reported);
    CU_ASSERT_EQUAL(result.report.code, MANUALLY_INITIATED_CRASH);
    CU_ASSERT_EQUAL(result.report.rule, -1);
    CU_ASSERT_EQUAL(result.report.parameter[3], 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.text, "MANUALLY_INITIATED_CRASH"));
}

static void *break_a_rule(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    verifier_bugcheck(RULE_IRQL_LOWER, 0, 0, 0, "one of many");
}

static void many_at_once(void *unused)
{
    pthread_t threads[4];

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_REAL);
    for (unsigned i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, break_a_rule, NULL);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void test_one_report_only(void)
{
    struct child_result result = child_run(many_at_once, NULL, CHILD_SECONDS);
    const char *first = strstr(result.text, "*** STOP");

    CU_ASSERT_TRUE(result.reported && result.report.rule == RULE_IRQL_LOWER);
    if (first == NULL) {
        printf("\nstatus %d, signal %d: %s\n", result.status, result.signal, result.text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_PTR_NULL(strstr(first + 1, "*** STOP"));
}

static void fault_in_the_report(const struct verifier_report *report)
{
    volatile char *volatile nowhere = (volatile char *)8; /* What it is, gcc must not see. */

    UNREFERENCED_PARAMETER(report);
    *nowhere = 1;
}

static void broken_report(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    verifier_on_bugcheck(fault_in_the_report);
    verifier_bugcheck(RULE_IRQL_LOWER, 0, 0, 0, "first");
}

static void test_fault_in_the_report(void)
{
    struct child_result result = child_run(broken_report, NULL, CHILD_SECONDS);

    CU_ASSERT_TRUE(result.exited && result.status == VERIFIER_EXIT_STATUS);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.text, "another fault while this was reported"));
}

/* --- child_run itself --- */

static void hang(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    for (;;) {
        pthread_testcancel();
    }
}

static void fail_check(void *unused)
{
    CHILD_CHECK(unused != NULL);
}

static void test_child(void)
{
    struct child_result result = child_run(hang, NULL, 1);

    CU_ASSERT_TRUE(!result.exited && result.signal == SIGALRM && !result.reported);
    result = child_run(fail_check, NULL, CHILD_SECONDS);
    CU_ASSERT_TRUE(result.exited && result.status == CHILD_CHECK_FAILED && !result.reported);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.text, "unused != NULL"));
    result = child_run(fail_check, "something", CHILD_SECONDS);
    CU_ASSERT_TRUE(result.exited && result.status == 0);
}

/* --- locks --- */

static void take(const void *outer, const void *inner)
{
    verifier_lock_acquiring(outer, "spin lock");
    verifier_lock_acquired(outer, "spin lock");
    verifier_lock_acquiring(inner, "spin lock");
    verifier_lock_acquired(inner, "spin lock");
    verifier_lock_released(inner, "spin lock");
    verifier_lock_released(outer, "spin lock");
}

static void cycle_of_three(void *close)
{
    static char locks[3];

    boot(SCHED_SEEDED);
    take(&locks[0], &locks[1]);
    take(&locks[1], &locks[2]);
    take(&locks[0], &locks[2]);
    if (close != NULL) {
        take(&locks[2], &locks[0]);
    }
}

static void order_of_freed_locks(void *keep)
{
    char *one, *two;

    boot(SCHED_SEEDED);
    one = ExAllocatePoolWithTag(NonPagedPoolNx, 16, TAG);
    two = ExAllocatePoolWithTag(NonPagedPoolNx, 16, TAG);
    take(one, two);
    if (keep == NULL) {
        verifier_memory_freed(two, 16); /* Other locks may live there from now on. */
    }
    take(two, one);
}

static void release_out_of_order(void *unused)
{
    static char locks[20];

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    for (unsigned i = 0; i < 20; i++) { /* More than are remembered. */
        verifier_lock_acquired(&locks[i], "mutex");
    }
    for (unsigned i = 0; i < 20; i++) {
        verifier_lock_released(&locks[i], "mutex");
    }
    CHILD_CHECK(sched_current()->verify.held_count == 0);
}

static void free_held_lock(void *hold)
{
    PKSPIN_LOCK lock;
    KIRQL old;

    boot(SCHED_SEEDED);
    lock = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *lock, TAG);
    KeInitializeSpinLock(lock);
    KeAcquireSpinLock(lock, &old);
    if (hold == NULL) {
        KeReleaseSpinLock(lock, old);
    }
    ExFreePool(lock);
}

static void test_locks(void)
{
    CHILD_BREAKS(RULE_LOCK_ORDER, cycle_of_three, "close");
    CHILD_PASSES(cycle_of_three, NULL);
    CHILD_BREAKS(RULE_LOCK_ORDER, order_of_freed_locks, "keep");
    CHILD_PASSES(order_of_freed_locks, NULL);
    CHILD_PASSES(release_out_of_order, NULL);
    CHILD_BREAKS(RULE_LOCK_LEAKED, free_held_lock, "hold");
    CHILD_PASSES(free_held_lock, NULL);
}

/* --- marks --- */

static void mark_values(void *unused)
{
    struct verifier_mark mark;

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    nt_raise_irql(DISPATCH_LEVEL);
    mark = verifier_callback_enter("HwStartIo");
    nt_lower_irql(PASSIVE_LEVEL);
    verifier_callback_leave(&mark);
}

static void test_callback_mark(void)
{
    struct verifier_report report = CHILD_BREAKS(RULE_CALLBACK_IRQL, mark_values, NULL);

    CU_ASSERT_EQUAL(report.parameter[0], 0 << 16 | DISPATCH_LEVEL << 8 | 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "HwStartIo was called at IRQL 2"));
}

/* --- buffers that are not mapped --- */

static void unmapped(void *how)
{
    volatile char *buffer;

    boot(SCHED_SEEDED);
    for (unsigned i = 0; i < 5000; i++) { /* Once around the range. */
        buffer = verifier_unmapped_buffer(1 << 20);
        CHILD_CHECK((uintptr_t)buffer % PAGE_SIZE == 0);
    }
    buffer = verifier_unmapped_buffer(100);
    if (how != NULL) {
        verifier_unmapped_buffer_release((void *)buffer);
    }
    buffer[50] = 1;
}

static void test_unmapped_buffer(void)
{
    struct verifier_report report = CHILD_BREAKS(RULE_UNMAPPED_BUFFER, unmapped, NULL);

    CU_ASSERT_EQUAL(report.parameter[1], 1);
    CU_ASSERT_PTR_NULL(strstr(report.text, "has been completed"));
    report = CHILD_BREAKS(RULE_UNMAPPED_BUFFER, unmapped, "late");
    CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "has been completed"));
}

/* --- faults of all kinds, in the host --- */

static void wild_read(void *address)
{
    boot(SCHED_SEEDED);
    CHILD_CHECK(*(volatile char *)address == 0);
}

static void wild_call(void *address)
{
    boot(SCHED_SEEDED);
    ((void (*volatile)(void))(uintptr_t)address)();
}

static void test_wild_addresses(void)
{
    void *nothing = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct verifier_report report = CHILD_BREAKS(RULE_BAD_ADDRESS_PASSIVE, wild_read, (void *)16);

    CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "NULL pointer"));
    CHILD_BREAKS(RULE_BAD_ADDRESS_SYSTEM, wild_read, nothing);
    report = CHILD_BREAKS(RULE_BAD_ADDRESS_PASSIVE, wild_read, (void *)0xcdcdcdcdcdcdcdcd);
    CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "0xCD"));
    report = CHILD_BREAKS(RULE_BAD_ADDRESS_PASSIVE, wild_call, (void *)16);
    CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "executed"));
    munmap(nothing, PAGE_SIZE);
}

static unsigned NTAPI descend(unsigned depth)
{
    volatile char page[512];

    page[0] = (char)depth;
    return depth == 0 ? 0 : descend(depth - 1) + (unsigned)page[0];
}

static void descend_in_thread(void *depth)
{
    descend((unsigned)(uintptr_t)depth);
}

static void use_stack(void *kind)
{
    struct nt_thread *thread;

    boot(*(enum sched_kind *)kind);
    thread = sched_spawn("deep", descend_in_thread, (void *)UINT32_MAX);
    nt_wait(thread, NULL);
}

static void test_stack_overflow(void)
{
    static enum sched_kind seeded = SCHED_SEEDED, real = SCHED_REAL;

    CU_ASSERT_EQUAL(CHILD_BREAKS(RULE_STACK_OVERFLOW, use_stack, &seeded).parameter[0], 8);
    CHILD_BREAKS(RULE_STACK_OVERFLOW, use_stack, &real);
}

/* --- the census --- */

static uint64_t things;

static uint64_t count_things(void)
{
    return things;
}

static void describe_things(FILE *out)
{
    fprintf(out, "  a thing\n");
}

static void census(void *unused)
{
    char text[400] = "";
    FILE *out = fmemopen(text, sizeof text, "w");

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED);
    things = 3;
    verifier_census_register("thing", count_things, describe_things);
    verifier_census_register("thing", count_things, describe_things);
    verifier_load_census();
    CHILD_CHECK(verifier_census(out) == 0);
    things = 5;
    CHILD_CHECK(verifier_census(out) == 1);
    fclose(out);
    CHILD_CHECK(strcmp(text, "thing: 2\n  a thing\n") == 0);
}

static void leave_things(void *left)
{
    boot(SCHED_SEEDED);
    verifier_census_register("thing", count_things, NULL);
    verifier_load_census();
    things = left == NULL ? 0 : 1;
    verifier_unload_census("driver");
}

static void test_census(void)
{
    CHILD_PASSES(census, NULL);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(CHILD_BREAKS(RULE_UNLOAD_PENDING, leave_things, "one").text, "thing: 1"));
    CHILD_PASSES(leave_things, NULL);
}

CU_ErrorCode register_verifier_suite(void);
CU_ErrorCode register_verifier_suite(void)
{
    static CU_TestInfo tests[] = {
        {"the report and its record", test_report},
        {"a code that is no rule of ours", test_any_code},
        {"of many bugchecks at once one is reported", test_one_report_only},
        {"a fault inside of the report", test_fault_in_the_report},
        {"how a child process ends", test_child},
        {"locks: cycles, freed locks, any order of release", test_locks},
        {"state around callbacks", test_callback_mark},
        {"buffers that are not mapped", test_unmapped_buffer},
        {"wild addresses", test_wild_addresses},
        {"a stack that is used up", test_stack_overflow},
        {"the census", test_census},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"host: verifier", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
