/*
 * What must be durable (FUA, a write cache that is off) ends after a flush: once for a command, however
 * many pieces it has; not before the flush has ended; not at all as a success if the flush fails, or
 * if a reset comes in between.
 */
#include "machine.h"

#include <CUnit/CUnit.h>

#include <errno.h>

#include "support/schedules.h"

#define LENGTH (150u * 1024) /* More than two pieces of 64 KiB. */

static uint8_t memory[4096];
static uint8_t *buffer; /* 2 * LENGTH bytes of nonpaged pool, as the file is. */

static void boot(void)
{
    machine_fill_file();
    machine_boot(1);
    buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 2 * LENGTH, 'tseT');
    for (uint32_t i = 0; i < 2 * LENGTH; i++) {
        buffer[i] = machine_byte(i % LENGTH);
    }
}

static void halt(void)
{
    ExFreePoolWithTag(buffer, 'tseT');
    machine_halt();
}

/** Everything that writes, and in how many pieces. */
static const struct writer {
    VMINI_WORK_COMMAND command;
    unsigned writes;
} writers[] = {{VminiDoWrite, 1},   {VminiDoWriteVerify, 3}, {VminiDoCompareWrite, 3},
               {VminiDoOrWrite, 3}, {VminiDoWriteSame, 3},   {VminiDoZero, 0}};

/** Makes a job of a command that writes. \return its MDL, or NULL. */
static PMDL make(struct job *job, VMINI_WORK_COMMAND command, bool through)
{
    static FILE_ZERO_DATA_INFORMATION range = {.BeyondFinalZero.QuadPart = 4096};

    if (command == VminiDoWrite) {
        job_transfer(job, command, 0, memory, 512);
    } else if (command == VminiDoZero) {
        job_buffer(job, command, 0, 0, &range, sizeof(range));
    } else {
        job_buffer(job, command, 0, LENGTH, buffer, 512);
    }
    job->item.WriteThrough = through;
    return job->item.Mdl;
}

/** Runs it to its end. */
static struct job run(VMINI_WORK_COMMAND command, bool through)
{
    struct job job;
    PMDL mdl = make(&job, command, through);

    job_run(&job);
    if (mdl != NULL) {
        job_free(&job, mdl);
    }
    return job;
}

static void one_flush_for_each_command(void *argument)
{
    (void)argument;
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(writers); i++) {
        for (unsigned through = 0; through < 2; through++) {
            struct host_file_counts before, after;
            struct job job;

            machine_fill_file();
            before = host_file_counts();
            job = run(writers[i].command, through != 0);
            after = host_file_counts();
            CHILD_CHECK(job.status == STATUS_SUCCESS);
            CHILD_CHECK(after.writes == before.writes + writers[i].writes);
            CHILD_CHECK(after.flushes == before.flushes + through);
        }
    }
    halt();
}

/** The flush comes last: while it hangs, all is written and nothing is told. */
static void it_ends_with_the_flush(void *argument)
{
    (void)argument;
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(writers); i++) {
        struct host_file_counts before = host_file_counts();
        struct job job, other;
        PMDL mdl, other_mdl;

        machine_fill_file();
        fault(HOST_FILE_FLUSH, 1, false, 0, ALL_BYTES, true);
        mdl = make(&job, writers[i].command, true);
        job_submit(&job);
        settle();
        CHILD_CHECK(job.ended == 0);
        CHILD_CHECK(host_file_counts().writes == before.writes + writers[i].writes);
        /* There is one worker, and it does not wait for the flush. */
        job_transfer(&other, VminiDoRead, 256 * 1024, memory + 2048, 512);
        other_mdl = other.item.Mdl;
        CHILD_CHECK(job_run(&other) == STATUS_SUCCESS && job.ended == 0);
        job_free(&other, other_mdl);
        host_file_release();
        job_wait(&job);
        CHILD_CHECK(job.status == STATUS_SUCCESS);
        host_file_faults_clear();
        if (mdl != NULL) {
            job_free(&job, mdl);
        }
    }
    halt();
}

static void a_flush_that_fails(void *argument)
{
    (void)argument;
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(writers); i++) {
        struct job job;

        machine_fill_file();
        fault(HOST_FILE_FLUSH, 1, false, EIO, ALL_BYTES, false);
        job = run(writers[i].command, true);
        CHILD_CHECK(job.status == nt_status_of_errno(EIO) && job.writing);
        CHILD_CHECK(writers[i].command == VminiDoZero ||
                    job.information == (writers[i].command == VminiDoWrite ? 512 : LENGTH));
        host_file_faults_clear();
    }
    halt();
}

/** What was not written is not flushed, and says what it always said. */
static void a_write_that_fails(void *argument)
{
    (void)argument;
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(writers); i++) {
        struct host_file_counts before = host_file_counts();
        struct job job;

        fault(writers[i].writes != 0 ? HOST_FILE_WRITE : HOST_FILE_CONTROL, 1, false, ENOSPC,
              ALL_BYTES, false);
        job = run(writers[i].command, true);
        CHILD_CHECK(job.status == STATUS_DISK_FULL && job.information == 0);
        CHILD_CHECK(host_file_counts().flushes == before.flushes);
        host_file_faults_clear();
    }
    halt();
}

static void a_reset_during_the_flush(void *argument)
{
    (void)argument;
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(writers); i++) {
        struct drain drain;
        struct job job;
        PMDL mdl;

        machine_fill_file();
        fault(HOST_FILE_FLUSH, 1, false, 0, ALL_BYTES, true);
        mdl = make(&job, writers[i].command, true);
        job_submit(&job);
        settle();
        reset(VminiScopeUnit, 0, 0, 0, &drain);
        job_wait(&job);
        settle();
        CHILD_CHECK(job.status == STATUS_CANCELLED && drain.done == 1);
        CHILD_CHECK(machine.queue->Exclusive == 0);
        host_file_faults_clear();
        if (mdl != NULL) {
            job_free(&job, mdl);
        }
    }
    halt();
}

/** A parked queue starts nothing new; but what has begun goes on, its flush too. */
static void parked_after_the_write(void *argument)
{
    struct job job;
    PMDL mdl;

    (void)argument;
    boot();
    fault(HOST_FILE_WRITE, 1, false, 0, ALL_BYTES, true);
    mdl = make(&job, VminiDoWrite, true);
    job_submit(&job);
    settle();
    VminiWorkQueuePark(machine.queue, TRUE);
    host_file_release();
    job_wait(&job);
    CHILD_CHECK(job.status == STATUS_SUCCESS && host_file_counts().flushes == 1);
    job_free(&job, mdl);
    VminiWorkQueuePark(machine.queue, FALSE);
    halt();
}

/** An IRP and a completion routine for the write, and again for the flush. */
static void every_resource_may_be_missing(void *argument)
{
    static const enum nt_io_fault what[] = {NT_IO_FAIL_IRP, NT_IO_FAIL_COMPLETION};
    unsigned failures = 0;

    (void)argument;
    boot();
    for (size_t w = 0; w < RTL_NUMBER_OF(what); w++) {
        for (unsigned nth = 1; nth <= 3; nth++) {
            struct job job;

            nt_io_fail(what[w], nth, false);
            job = run(VminiDoWrite, true);
            nt_io_fail(what[w], 0, false);
            CHILD_CHECK(job.status == STATUS_SUCCESS ||
                        job.status == STATUS_INSUFFICIENT_RESOURCES);
            failures += job.status != STATUS_SUCCESS;
            CHILD_CHECK(nt_irp_count() == 0);
        }
    }
    CHILD_CHECK(failures == 4 && host_file_counts().flushes == 2);
    halt();
}

/** Whatever the order of write, flush and reset: it ends once, and as a success only if the flush was. */
static void one_reset_races_with_one_write(void *argument)
{
    struct host_file_counts before;
    struct drain drain;
    struct job job;
    PMDL mdl;

    (void)argument;
    machine_boot(1);
    before = host_file_counts();
    job_transfer(&job, VminiDoWrite, 0, memory, 512);
    job.item.WriteThrough = TRUE;
    mdl = job.item.Mdl;
    job_submit(&job);
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    job_wait(&job);
    CHILD_CHECK(job.status == STATUS_CANCELLED || job.status == STATUS_SUCCESS);
    CHILD_CHECK(job.status == STATUS_CANCELLED || host_file_counts().flushes == before.flushes + 1);
    settle();
    CHILD_CHECK(drain.done == 1);
    sched_explore_to_here(); /* The rest has nothing to do with it, and schedules of its own. */
    job_free(&job, mdl);
    machine_halt();
}

static void test_race_exhausted(void)
{
    schedules_exhaust(one_reset_races_with_one_write, 100000);
}

/** The queue may go as soon as its last item has ended: nobody who woke a worker for the flush may
 *  look at it again. */
static void the_queue_goes_right_after(void *argument)
{
    struct host_file_counts before;
    struct job jobs[3];
    PMDL mdl[3];

    (void)argument;
    machine_boot(2);
    before = host_file_counts();
    for (unsigned i = 0; i < 3; i++) {
        job_transfer(&jobs[i], VminiDoWrite, i * 512, memory, 512);
        jobs[i].item.WriteThrough = TRUE;
        mdl[i] = jobs[i].item.Mdl;
        job_submit(&jobs[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        job_wait(&jobs[i]);
        CHILD_CHECK(jobs[i].status == STATUS_SUCCESS);
    }
    CHILD_CHECK(host_file_counts().flushes == before.flushes + 3);
    machine_end_queue();
    for (unsigned i = 0; i < 3; i++) {
        job_free(&jobs[i], mdl[i]);
    }
    machine_halt();
}

static void test_queue_goes(void)
{
    schedules_sweep(the_queue_goes_right_after, NULL, SCHED_RANDOM, 200);
    schedules_sweep(the_queue_goes_right_after, NULL, SCHED_PCT, 200);
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(one_flush_for_each_command)
CASE(it_ends_with_the_flush)
CASE(a_flush_that_fails)
CASE(a_write_that_fails)
CASE(a_reset_during_the_flush)
CASE(parked_after_the_write)
CASE(every_resource_may_be_missing)

CU_ErrorCode register_durable_suite(void);
CU_ErrorCode register_durable_suite(void)
{
    CU_TestInfo tests[] = {
        {"one flush for each command, and none without need", test_one_flush_for_each_command},
        {"it ends with the flush, and no worker waits", test_it_ends_with_the_flush},
        {"a flush that fails fails the command", test_a_flush_that_fails},
        {"after a write that fails there is no flush", test_a_write_that_fails},
        {"a reset during the flush cancels it", test_a_reset_during_the_flush},
        {"parked after the write, it is flushed all the same", test_parked_after_the_write},
        {"every resource may be missing", test_every_resource_may_be_missing},
        {"one reset, one write, exhausted", test_race_exhausted},
        {"the queue goes right after the flush", test_queue_goes},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"04 durable", machine_folder_create, machine_folder_remove, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
