/*
 * Resets of the work queue: what only waits ends at once, what the file system has ends when the
 * file system lets go of
 * it, each item ends once, and a drain tells when the last one has.
 */
#include "machine.h"

#include <CUnit/CUnit.h>

#include <unistd.h>

#include "support/schedules.h"

#define BLOCK 4096u

static uint8_t memory[8][BLOCK];

/* --- one reset, step by step --- */

static void queued_items_end_at_once(void *argument)
{
    struct job jobs[3];
    struct drain drain;

    (void)argument;
    machine_boot(1);
    VminiWorkQueuePark(machine.queue, TRUE); /* Nobody takes them. */
    for (unsigned i = 0; i < 3; i++) {
        job_init(&jobs[i], VminiDoFlush, 0, 0);
        job_submit(&jobs[i]);
    }
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    for (unsigned i = 0; i < 3; i++) {
        CHILD_CHECK(jobs[i].ended == 1 && jobs[i].status == STATUS_CANCELLED &&
                    jobs[i].information == 0);
        CHILD_CHECK(jobs[i].place == i + 1);
    }
    CHILD_CHECK(drain.done == 1 && drain.ended_before == 3);
    CHILD_CHECK(host_file_counts().flushes == 0);
    machine_halt();
}

static void running_items_are_cancelled(void *argument)
{
    struct drain drain;
    struct job job;
    PMDL mdl;

    (void)argument;
    machine_boot(1);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    job_transfer(&job, VminiDoRead, 0, memory[0], BLOCK);
    mdl = job.item.Mdl;
    job_submit(&job);
    settle();
    CHILD_CHECK(job.ended == 0);
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    job_wait(&job);
    CHILD_CHECK(job.status == STATUS_CANCELLED);
    settle();
    CHILD_CHECK(drain.done == 1 && drain.ended_before == 1);
    job_free(&job, mdl);
    machine_halt();
}

static void written_and_waiting_for_its_flush(void *argument)
{
    /* The only worker hangs in a compare of another unit: the flush after the write must not wait for it
     * when the unit is reset. */
    struct job hanging, job;
    struct drain drain;
    PMDL mdl;

    (void)argument;
    machine_boot(1);
    fault(HOST_FILE_WRITE, 1, false, 0, ALL_BYTES, true);
    fault(HOST_FILE_READ, 1, true, 0, ALL_BYTES, true);
    job_transfer(&job, VminiDoWrite, 0, memory[0], BLOCK);
    mdl = job.item.Mdl;
    job.item.WriteThrough = TRUE;
    job_submit(&job);
    job_init(&hanging, VminiDoCompare, 1, 0);
    hanging.item.Length = 3 * 64 * 1024;
    job_submit(&hanging);
    settle();
    host_file_release(); /* The write ends; the compare hangs in its second piece. */
    settle();
    CHILD_CHECK(job.ended == 0 && hanging.ended == 0);
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    CHILD_CHECK(job.ended == 1 && job.status == STATUS_CANCELLED && drain.done == 1);
    CHILD_CHECK(hanging.ended == 0 && host_file_counts().flushes == 0);
    reset(VminiScopeUnit, 0, 1, 0, NULL);
    job_wait(&hanging);
    job_free(&job, mdl);
    machine_halt();
}

static void parked_between_take_and_send(void *argument)
{
    /* A compare has no IRP between two pieces: a reset that comes then must stop the next one. */
    struct drain drain;
    struct job job;

    (void)argument;
    machine_boot(1);
    fault(HOST_FILE_READ, 2, false, 0, ALL_BYTES, true);
    job_init(&job, VminiDoCompare, 0, 0);
    job.item.Length = 3 * 64 * 1024;
    job_submit(&job);
    settle();
    CHILD_CHECK(job.ended == 0 && host_file_counts().reads == 1);
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    job_wait(&job);
    settle();
    CHILD_CHECK(job.status == STATUS_CANCELLED && drain.done == 1);
    CHILD_CHECK(host_file_counts().reads == 1);
    machine_halt();
}

static void a_reset_of_nothing_is_done_at_once(void *argument)
{
    struct drain drain;

    (void)argument;
    machine_boot(1);
    reset(VminiScopeAdapter, 0, 0, 0, &drain);
    CHILD_CHECK(drain.done == 1);
    reset(VminiScopeBus, 3, 0, 0, NULL);
    machine_halt();
}

/* --- scopes --- */

struct scope_case {
    VMINI_SCOPE_LEVEL level;
    UCHAR path, target, lun;
    unsigned hit; /* Bits: which of the jobs below. */
};

/* Jobs: 0 = 0:0:0, 1 = 0:0:1, 2 = 0:1:0, 3 = 1:0:0, 4 = none (FF:FF:FF). */
static const struct scope_case scopes[] = {
    {VminiScopeUnit, 0, 0, 0, 1u << 0},
    {VminiScopeUnit, 0, 0, 1, 1u << 1},
    {VminiScopeUnit, 0, 1, 0, 1u << 2},
    {VminiScopeUnit, 0, 5, 0, 0},
    {VminiScopeTarget, 0, 0, 9, 1u << 0 | 1u << 1},
    {VminiScopeTarget, 1, 0, 0, 1u << 3},
    {VminiScopeBus, 0, 9, 9, 1u << 0 | 1u << 1 | 1u << 2},
    {VminiScopeBus, 1, 9, 9, 1u << 3},
    {VminiScopeAdapter, 9, 9, 9, 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3},
    {VminiScopeUnit, 0xFF, 0xFF, 0xFF, 0},
};

static void a_scope_hits_what_lies_below_it(void *argument)
{
    const struct scope_case *scope = argument;
    static const VMINI_ADDRESS where[] = {
        {0, 0, 0, 0}, {0, 0, 1, 0}, {0, 1, 0, 0}, {1, 0, 0, 0}, {255, 255, 255, 0}};
    struct drain drain;
    struct job jobs[5];

    machine_boot(1);
    VminiWorkQueuePark(machine.queue, TRUE);
    for (unsigned i = 0; i < 5; i++) {
        job_init(&jobs[i], VminiDoFlush, 0, 0);
        jobs[i].item.Address = where[i];
        job_submit(&jobs[i]);
    }
    reset(scope->level, scope->path, scope->target, scope->lun, &drain);
    for (unsigned i = 0; i < 5; i++) {
        CHILD_CHECK(jobs[i].ended == (scope->hit >> i & 1));
    }
    CHILD_CHECK(drain.done == 1);
    VminiWorkQueuePark(machine.queue, FALSE);
    for (unsigned i = 0; i < 5; i++) {
        job_wait(&jobs[i]);
        CHILD_CHECK(jobs[i].status ==
                    ((scope->hit >> i & 1) != 0 ? STATUS_CANCELLED : STATUS_SUCCESS));
    }
    machine_halt();
}

static void test_scopes(void)
{
    for (size_t i = 0; i < RTL_NUMBER_OF(scopes); i++) {
        CHILD_PASSES(a_scope_hits_what_lies_below_it, (void *)(uintptr_t)&scopes[i]);
    }
}

/* --- drains --- */

static void a_drain_waits_for_those_before_it_only(void *argument)
{
    struct job before, after, other;
    struct drain drain;
    PMDL mdl[3];

    (void)argument;
    machine_boot(2);
    fault(HOST_FILE_READ, 1, true, 0, ALL_BYTES, true);
    job_transfer(&before, VminiDoRead, 0, memory[0], BLOCK);
    job_transfer(&after, VminiDoRead, BLOCK, memory[1], BLOCK);
    job_transfer(&other, VminiDoRead, 2 * BLOCK, memory[2], BLOCK);
    other.item.Address.Lun = 7;
    mdl[0] = before.item.Mdl;
    mdl[1] = after.item.Mdl;
    mdl[2] = other.item.Mdl;
    job_submit(&before);
    job_submit(&other);
    settle();
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    job_submit(&after);
    settle();
    CHILD_CHECK(before.ended == 1 && drain.done == 1);
    CHILD_CHECK(after.ended == 0 && other.ended == 0);
    host_file_faults_clear();
    host_file_release();
    job_wait(&after);
    job_wait(&other);
    CHILD_CHECK(after.status == STATUS_SUCCESS && other.status == STATUS_SUCCESS);
    job_free(&before, mdl[0]);
    job_free(&after, mdl[1]);
    job_free(&other, mdl[2]);
    machine_halt();
}

/* Items that cannot be cancelled (a DO_CALL with an address) keep a drain open; two drains of
 * different scope overlap. */

static KEVENT gate;

static NTSTATUS wait_at_gate(PVMINI_WORK_ITEM item)
{
    (void)item;
    KeWaitForSingleObject(&gate, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

static void two_drains_overlap(void *argument)
{
    struct drain unit, target, bus, elsewhere;
    struct job jobs[2];

    (void)argument;
    machine_boot(2);
    KeInitializeEvent(&gate, SynchronizationEvent, FALSE);
    for (unsigned i = 0; i < 2; i++) {
        job_init(&jobs[i], VminiDoCall, 0, (UCHAR)i);
        jobs[i].item.Routine = wait_at_gate;
        job_submit(&jobs[i]);
    }
    settle();
    reset(VminiScopeUnit, 0, 0, 0, &unit);
    reset(VminiScopeTarget, 0, 0, 0, &target);
    reset(VminiScopeBus, 0, 0, 0, &bus);
    reset(VminiScopeTarget, 0, 4, 0, &elsewhere);
    settle();
    CHILD_CHECK(unit.done == 0 && target.done == 0 && bus.done == 0 && elsewhere.done == 1);
    KeSetEvent(&gate, IO_NO_INCREMENT, FALSE);
    settle();
    CHILD_CHECK(jobs[0].ended + jobs[1].ended == 1);
    CHILD_CHECK(unit.done == jobs[0].ended && target.done == 0 && bus.done == 0);
    KeSetEvent(&gate, IO_NO_INCREMENT, FALSE);
    settle();
    CHILD_CHECK(unit.done == 1 && target.done == 1 && bus.done == 1);
    CHILD_CHECK(target.ended_before == 2 && bus.ended_before == 2);
    machine_halt();
}

/** An item that comes and ends while a drain is open is none of the drain's business. */
static void what_comes_later_does_not_count(void *argument)
{
    struct drain drain;
    struct job before, after;

    (void)argument;
    machine_boot(2);
    KeInitializeEvent(&gate, NotificationEvent, FALSE);
    job_init(&before, VminiDoCall, 0, 0);
    before.item.Routine = wait_at_gate;
    job_submit(&before);
    settle();
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    job_init(&after, VminiDoFlush, 0, 0);
    CHILD_CHECK(job_run(&after) == STATUS_SUCCESS);
    settle();
    CHILD_CHECK(drain.done == 0);
    KeSetEvent(&gate, IO_NO_INCREMENT, FALSE);
    job_wait(&before);
    settle();
    CHILD_CHECK(drain.done == 1);
    machine_halt();
}

/* --- races --- */

static void resetter(void *argument)
{
    reset(VminiScopeUnit, 0, 0, 0, argument);
}

/** Reads race with two resets, one of the unit and one of the bus; whatever the order, all is
 * ended once, and the
 *  drains after it. */
static void resets_race_with_reads(void *argument)
{
    unsigned count = *(const unsigned *)argument;
    struct drain drains[2] = {0};
    struct nt_thread *thread;
    struct job jobs[8];
    PMDL mdl[8];

    machine_boot(2);
    for (unsigned i = 0; i < count; i++) {
        if (i % 4 == 3) {
            job_init(&jobs[i], VminiDoCompare, 0, 0);
            jobs[i].item.Length = 80 * 1024;
            mdl[i] = NULL;
        } else {
            job_transfer(&jobs[i], i % 4 == 1 ? VminiDoWrite : VminiDoRead, i * BLOCK, memory[i],
                         BLOCK);
            mdl[i] = jobs[i].item.Mdl;
            jobs[i].item.WriteThrough = i % 4 == 1; /* Its flush may be in a reset's way, too. */
            jobs[i].item.Length -= i % 2 * 512;     /* Some need a partial MDL. */
        }
        job_submit(&jobs[i]);
    }
    thread = sched_spawn("resetter", resetter, &drains[0]);
    reset(VminiScopeBus, 0, 0, 0, &drains[1]);
    for (unsigned i = 0; i < count; i++) {
        job_wait(&jobs[i]);
        CHILD_CHECK(jobs[i].status == STATUS_CANCELLED || jobs[i].status == STATUS_SUCCESS);
    }
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    settle();
    CHILD_CHECK(drains[0].done == 1 && drains[1].done == 1);
    for (unsigned i = 0; i < count; i++) {
        if (mdl[i] != NULL) {
            job_free(&jobs[i], mdl[i]);
        }
    }
    machine_halt();
}

static void test_race_seeds(void)
{
    static const unsigned count = 6;

    schedules_sweep(resets_race_with_reads, (void *)(uintptr_t)&count, SCHED_RANDOM, 400);
    schedules_sweep(resets_race_with_reads, (void *)(uintptr_t)&count, SCHED_PCT, 200);
}

/** The same with one read and one reset: small enough for every schedule with a preemption, or two. */
static void one_reset_races_with_one_read(void *argument)
{
    struct drain drain;
    struct job job;
    PMDL mdl;

    (void)argument;
    machine_boot(1);
    job_transfer(&job, VminiDoRead, 0, memory[0], BLOCK);
    mdl = job.item.Mdl;
    job_submit(&job);
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    job_wait(&job);
    settle();
    CHILD_CHECK(drain.done == 1);
    sched_explore_to_here(); /* The rest has nothing to do with it, and schedules of its own. */
    job_free(&job, mdl);
    machine_halt();
}

static void test_race_exhausted(void)
{
    schedules_exhaust(one_reset_races_with_one_read, 40000);
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(queued_items_end_at_once)
CASE(running_items_are_cancelled)
CASE(written_and_waiting_for_its_flush)
CASE(parked_between_take_and_send)
CASE(a_reset_of_nothing_is_done_at_once)
CASE(a_drain_waits_for_those_before_it_only)
CASE(two_drains_overlap)
CASE(what_comes_later_does_not_count)

CU_ErrorCode register_reset_suite(void);
CU_ErrorCode register_reset_suite(void)
{
    CU_pSuite suite = CU_add_suite("04 reset", machine_folder_create, machine_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "queued items end at once, cancelled", test_queued_items_end_at_once) ==
            NULL ||
        CU_add_test(suite, "running items are cancelled, and end by themselves",
                    test_running_items_are_cancelled) == NULL ||
        CU_add_test(suite, "a write that waits for its flush ends at once",
                    test_written_and_waiting_for_its_flush) == NULL ||
        CU_add_test(suite, "a compare stops before its next piece",
                    test_parked_between_take_and_send) == NULL ||
        CU_add_test(suite, "a reset of nothing is done at once",
                    test_a_reset_of_nothing_is_done_at_once) == NULL ||
        CU_add_test(suite, "unit, target, bus, adapter: what a scope hits", test_scopes) == NULL ||
        CU_add_test(suite, "a drain waits for those before it only",
                    test_a_drain_waits_for_those_before_it_only) == NULL ||
        CU_add_test(suite, "what comes later does not count",
                    test_what_comes_later_does_not_count) == NULL ||
        CU_add_test(suite, "drains overlap and each counts right", test_two_drains_overlap) ==
            NULL ||
        CU_add_test(suite, "two resets race with reads, writes, compares, by seeds",
                    test_race_seeds) == NULL ||
        CU_add_test(suite, "one reset, one read, exhausted", test_race_exhausted) == NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
