/*
 * Level 2 scheduling points: what a driver does between two imported routines is one step at level
 * 1; at level 2 each access to memory is one. The fixture is the same source, built both ways.
 */
#include "child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "image/image.h"
#include "nt/explore.h"
#include "nt/fiber.h"
#include "nt/io.h"
#include "nt/nt.h"
#include "nt/points.h"

/** A run of the fixture. */
struct run {
    const char *file;
    bool wrong;
    bool real;
};

/** Loads it, calls its DriverEntry, unloads it. */
static void count(void *argument)
{
    const struct run *run = argument;
    struct sched_options options = {
        .kind = run->real ? SCHED_REAL : SCHED_SEEDED, .seed = 1, .depth = 2};
    const char *folder = getenv("VMINI_FIXTURES");
    UNICODE_STRING service;
    struct host_error error;
    struct image *image;
    char path[512];

    snprintf(path, sizeof path, "%s/%s.so", folder == NULL ? "build/tests/fixtures" : folder,
             run->file);
    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
    CHILD_CHECK(nt_io_boot(NULL, NULL, &error));
    if (!image_load(path, &image, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    RtlInitUnicodeString(&service, run->wrong ? u"\\Services\\wrong" : u"\\Services\\right");
    sched_explore_from_here();
    CHILD_CHECK(image->entry(nt_driver_create("\\Driver\\fixture"), &service) == STATUS_SUCCESS);
    sched_explore_to_here();
    image_unload(image);
    sched_halt();
}

static void level_1_sees_one_step(void)
{
    struct run run = {"points", true, false};
    struct explore_result result = sched_explore(count, &run, CHILD_PREEMPTIONS, 0);

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(result.exhausted);
}

/** A driver without points leaves no such record. */
static void untraced(void *argument)
{
    trace_enable(1u << TRACE_ACCESS);
    count(argument);
    CHILD_CHECK(trace_count() == 0);
}

static void other_drivers_leave_no_records(void)
{
    struct run run = {"points", false, false};

    CHILD_PASSES(untraced, &run);
}

#if !defined(FIBER_TSAN)

static bool lost(const struct explore_result *result)
{
    return result->outcome == EXPLORE_BUGCHECK && result->report.code == 0x1057;
}

static void level_2_loses_the_update(void)
{
    struct run run = {"points-level2", true, false};
    struct explore_result result = sched_explore_delays(count, &run, 0, 0);
    uint64_t seed = 0;

    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED); /* It takes a delay. */
    CU_ASSERT_EQUAL(result.runs, 1);
    result = sched_explore_delays(count, &run, 1, 0);
    CU_ASSERT_TRUE(lost(&result));
    explore_result_free(&result);
    result = sched_explore(count, &run, 1, 0);
    CU_ASSERT_TRUE(lost(&result));
    explore_result_free(&result);
    result = sched_sweep(count, &run, SCHED_PCT, 1, 200, &seed);
    CU_ASSERT_TRUE(lost(&result));
    result = sched_sweep(count, &run, SCHED_PCT, seed, 1, NULL);
    CU_ASSERT_TRUE(lost(&result)); /* The seed alone repeats it. */
    result = sched_sweep(count, &run, SCHED_RANDOM, 1, 200, NULL);
    CU_ASSERT_TRUE(lost(&result));
}

static void interlocked_operations_are_whole(void)
{
    struct run run = {"points-level2", false, false};
    struct explore_result one = sched_explore_delays(count, &run, 1, 0);
    struct explore_result two = sched_explore_delays(count, &run, 2, 0);

    CU_ASSERT_EQUAL(one.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(one.exhausted);
    CU_ASSERT_EQUAL(two.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(two.exhausted);
    CU_ASSERT_TRUE(two.runs > one.runs && one.runs > 10);
    CU_ASSERT_EQUAL(sched_sweep(count, &run, SCHED_PCT, 1, 50, NULL).outcome, EXPLORE_PASSED);
}

/** How often the trace says that CountTwice does this to offset 16 of a block. */
static unsigned accesses(enum point_kind kind)
{
    const struct trace_record *record;
    unsigned found = 0;

    for (size_t i = 0; (record = trace_at(i)) != NULL; i++) {
        found += record->kind == TRACE_ACCESS && strcmp(record->name, "CountTwice") == 0 &&
                 record->argument[1] == (4 << 8 | (uint64_t)kind) && record->argument[3] == 16 &&
                 record->argument[2] != 0;
    }
    return found;
}

/** The records name function, place and block; what is on the stack has none. */
static void traced(void *argument)
{
    const struct trace_record *record;
    struct run *run = argument;
    unsigned calls = 0, others = 0;

    trace_enable(1u << TRACE_ACCESS);
    count(run);
    CHILD_CHECK(accesses(POINT_READ) == (run->wrong ? 4 : 0));
    CHILD_CHECK(accesses(POINT_WRITE) == (run->wrong ? 4 : 0));
    CHILD_CHECK(accesses(POINT_INTERLOCKED) == (run->wrong ? 0 : 4));
    for (size_t i = 0; (record = trace_at(i)) != NULL; i++) {
        bool call = (record->argument[1] & 0xff) == POINT_CALL;

        calls += call && strcmp(record->name, "PsTerminateSystemThread") == 0;
        others += !call && record->argument[2] == 0 && strcmp(record->name, "CountTwice") == 0;
        CHILD_CHECK(record->argument[0] != 0);
    }
    CHILD_CHECK(calls == 2);
    CHILD_CHECK(others == 0);
}

static void the_trace_tells_each_access(void)
{
    struct run wrong = {"points-level2", true, false}, right = {"points-level2", false, false};

    CHILD_PASSES(traced, &wrong);
    CHILD_PASSES(traced, &right);
}

static void the_real_scheduler_takes_it_too(void)
{
    struct run run = {"points-level2", false, true};

    CHILD_PASSES(count, &run);
}

#endif

CU_ErrorCode register_points_suite(void)
{
    static CU_TestInfo cases[] = {
        {"level 1 sees one step", level_1_sees_one_step},
        {"other drivers leave no records", other_drivers_leave_no_records},
#if !defined(FIBER_TSAN) /* There the compiler's calls go to ThreadSanitizer. */
        {"level 2 loses the update", level_2_loses_the_update},
        {"interlocked operations are whole", interlocked_operations_are_whole},
        {"the trace tells each access", the_trace_tells_each_access},
        {"the real scheduler takes it too", the_real_scheduler_takes_it_too},
#endif
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {{"points", NULL, NULL, NULL, NULL, cases}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
