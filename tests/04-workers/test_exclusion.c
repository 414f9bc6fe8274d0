/*
 * COMPARE AND WRITE, ORWRITE and WRITE AND VERIFY against everything else that uses the same bytes:
 * who waits for whom, step by step, and then by seeds and by every schedule: no update is lost, no
 * lock is taken twice, no item waits for ever.
 */
#include "machine.h"

#include <CUnit/CUnit.h>

#include <string.h>
#include <unistd.h>

#include "support/schedules.h"

#define BLOCK 512u
#define JOBS  6u

static struct job jobs[JOBS];
static PMDL mdls[JOBS];
static uint8_t memory[JOBS][BLOCK];
static uint8_t *data; /* Nonpaged: 2 * BLOCK bytes for each job. */

static uint8_t *data_of(unsigned job)
{
    return data + job * 2 * BLOCK;
}

static void boot(unsigned threads)
{
    machine_boot_own_file(threads);
    data = ExAllocatePoolWithTag(NonPagedPoolNx, JOBS * 2 * BLOCK, 'tseT');
    memset(data, 0, JOBS * 2 * BLOCK);
    memset(mdls, 0, sizeof(mdls));
}

static void halt(void)
{
    CHILD_CHECK(machine.queue->Exclusive == 0 && IsListEmpty(&machine.queue->Blocked));
    for (unsigned i = 0; i < JOBS; i++) {
        if (mdls[i] != NULL) {
            job_free(&jobs[i], mdls[i]);
        }
    }
    ExFreePoolWithTag(data, 'tseT');
    machine_halt();
}

/** Submits a read or write of one block. */
static void transfer(unsigned job, VMINI_WORK_COMMAND command, uint64_t offset)
{
    job_transfer(&jobs[job], command, offset, memory[job], BLOCK);
    mdls[job] = jobs[job].item.Mdl;
    job_submit(&jobs[job]);
}

/** Submits a command on one block that takes its data from data_of(job). */
static void submit(unsigned job, VMINI_WORK_COMMAND command, uint64_t offset)
{
    job_buffer(&jobs[job], command, offset, BLOCK, data_of(job), BLOCK);
    job_submit(&jobs[job]);
}

static void wait_for(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        job_wait(&jobs[i]);
    }
    settle(); /* Until the workers are back at the queue. */
}

/** Reads a block of the file, past the driver. */
static const uint8_t *block_at(uint64_t offset)
{
    static uint8_t block[BLOCK];

    machine_file_bytes(offset, block, BLOCK);
    return block;
}

static bool block_is(uint64_t offset, uint8_t value)
{
    const uint8_t *block = block_at(offset);

    return block[0] == value && memcmp(block, block + 1, BLOCK - 1) == 0;
}

/** Makes a block all `value`, before anything runs. */
static void set_block(uint64_t offset, uint8_t value)
{
    memset(memory[0], value, BLOCK);
    transfer(0, VminiDoWrite, offset);
    job_wait(&jobs[0]);
    job_free(&jobs[0], mdls[0]);
    mdls[0] = NULL;
}

/* --- step by step --- */

/** An exclusive item waits for a read in its range, and what comes later for it; others do not. */
static void an_exclusive_item_has_its_range_to_itself(void *argument)
{
    (void)argument;
    boot(1);
    machine_file_bytes(1024, data_of(1), BLOCK); /* It will be equal. */
    memset(data_of(1) + BLOCK, 0x11, BLOCK);
    memset(memory[2], 0x22, BLOCK);
    memset(memory[3], 0x33, BLOCK);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    transfer(0, VminiDoRead, 1024 + 511); /* One byte in common. */
    settle();
    submit(1, VminiDoCompareWrite, 1024);
    transfer(2, VminiDoWrite, 1024);        /* Must not overtake. */
    transfer(3, VminiDoWrite, 1024 + 4096); /* Has nothing to do with it. */
    settle();
    CHILD_CHECK(jobs[0].ended == 0 && jobs[1].ended == 0 && jobs[2].ended == 0);
    CHILD_CHECK(jobs[3].ended == 1 && block_is(1024 + 4096, 0x33));
    CHILD_CHECK(machine.queue->Exclusive == 1);
    host_file_release();
    wait_for(4);
    CHILD_CHECK(jobs[1].status == STATUS_SUCCESS); /* It saw the block as it was. */
    CHILD_CHECK(jobs[1].place < jobs[2].place && block_is(1024, 0x22));
    halt();
}

/** While one is under way, reads of its blocks wait; reads of others are let in together. */
static void others_go_on_meanwhile(void *argument)
{
    (void)argument;
    boot(2);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    submit(0, VminiDoOrWrite, 0); /* Hangs in its read. */
    settle();
    transfer(1, VminiDoRead, 0);
    transfer(2, VminiDoRead, BLOCK);
    transfer(3, VminiDoRead, BLOCK);
    submit(4, VminiDoOrWrite, 8 * BLOCK); /* Another exclusive one, elsewhere. */
    settle();
    CHILD_CHECK(jobs[0].ended == 0 && jobs[1].ended == 0);
    CHILD_CHECK(jobs[2].ended == 1 && jobs[3].ended == 1 && jobs[4].ended == 1);
    host_file_release();
    wait_for(5);
    halt();
}

/** Who zeroes parts of the file waits for all of it; what has no range waits for nobody. */
static void ranges_of_the_whole_file(void *argument)
{
    FILE_ZERO_DATA_INFORMATION *range;

    (void)argument;
    boot(2);
    range = (FILE_ZERO_DATA_INFORMATION *)(void *)data_of(1);
    range->FileOffset.QuadPart = 300 * 1024;
    range->BeyondFinalZero.QuadPart = 301 * 1024;
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    submit(0, VminiDoOrWrite, 0);
    settle();
    job_buffer(&jobs[1], VminiDoZero, 0, 0, range, sizeof(*range));
    job_submit(&jobs[1]);
    job_init(&jobs[2], VminiDoFlush, 0, 0);
    job_submit(&jobs[2]);
    settle();
    CHILD_CHECK(jobs[1].ended == 0);
    CHILD_CHECK(jobs[2].ended == 1); /* A flush has no range. */
    host_file_release();
    wait_for(3);
    CHILD_CHECK(jobs[1].status == STATUS_SUCCESS);
    halt();
}

/** A reset ends what is blocked at once, as it ends what is queued. */
static void a_reset_ends_the_blocked_ones(void *argument)
{
    struct drain drain;

    (void)argument;
    boot(1);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    transfer(0, VminiDoRead, 0);
    settle();
    for (unsigned i = 1; i < 4; i++) {
        submit(i, VminiDoOrWrite, 0);
    }
    settle();
    CHILD_CHECK(machine.queue->Exclusive == 3);
    reset(VminiScopeUnit, 0, 0, 0, &drain);
    CHILD_CHECK(jobs[1].ended == 1 && jobs[1].status == STATUS_CANCELLED);
    CHILD_CHECK(jobs[2].ended == 1 && jobs[3].ended == 1);
    wait_for(4);
    CHILD_CHECK(drain.done == 1);
    halt();
}

/** A reset of another unit leaves them blocked, and they run later. */
static void a_reset_elsewhere_leaves_them(void *argument)
{
    struct drain drain;

    (void)argument;
    boot(1);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    transfer(0, VminiDoRead, 0);
    settle();
    submit(1, VminiDoOrWrite, 0);
    submit(2, VminiDoOrWrite, 0);
    settle();
    reset(VminiScopeUnit, 0, 5, 0, &drain);
    settle();
    CHILD_CHECK(drain.done == 1 && jobs[1].ended == 0 && jobs[2].ended == 0);
    host_file_release();
    wait_for(3);
    CHILD_CHECK(jobs[1].status == STATUS_SUCCESS && jobs[2].status == STATUS_SUCCESS);
    CHILD_CHECK(jobs[1].place < jobs[2].place);
    halt();
}

/** Parked threads start nothing, and what was blocked meanwhile is not forgotten. */
static void parked_and_blocked(void *argument)
{
    (void)argument;
    boot(2);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    transfer(0, VminiDoRead, 0);
    settle();
    submit(1, VminiDoOrWrite, 0);
    settle();
    VminiWorkQueuePark(machine.queue, TRUE);
    host_file_release();
    settle();
    CHILD_CHECK(jobs[0].ended == 1 && jobs[1].ended == 0);
    VminiWorkQueuePark(machine.queue, FALSE);
    wait_for(2);
    CHILD_CHECK(jobs[1].status == STATUS_SUCCESS);
    halt();
}

/* --- races --- */

/** Everybody takes the same lock by COMPARE AND WRITE: one gets it, and it is his. */
static void one_gets_the_lock(void *argument)
{
    unsigned winner = JOBS;

    (void)argument;
    boot(3);
    set_block(0, 0);
    for (unsigned i = 0; i < JOBS; i++) {
        memset(data_of(i) + BLOCK, (int)(i + 1), BLOCK);
        submit(i, VminiDoCompareWrite, 0);
    }
    wait_for(JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        CHILD_CHECK(jobs[i].status == STATUS_SUCCESS || jobs[i].status == VMINI_STATUS_MISCOMPARE);
        if (jobs[i].status == STATUS_SUCCESS) {
            CHILD_CHECK(winner == JOBS);
            winner = i;
        }
    }
    CHILD_CHECK(winner != JOBS && block_is(0, (uint8_t)(winner + 1)));
    halt();
}

/** Everybody sets a bit of his own: none is lost. */
static void no_bit_is_lost(void *argument)
{
    (void)argument;
    boot(3);
    set_block(0, 0);
    for (unsigned i = 0; i < JOBS; i++) {
        memset(data_of(i), 1 << i, BLOCK);
        submit(i, VminiDoOrWrite, 0);
    }
    wait_for(JOBS);
    CHILD_CHECK(block_is(0, (1 << JOBS) - 1));
    halt();
}

/** Bits against whole blocks: what is there at the end is one after the other, in some order; and
 *  a WRITE AND VERIFY finds what it has written. */
static void bits_and_blocks(void *argument)
{
    uint8_t final;

    (void)argument;
    boot(3);
    set_block(0, 0x80);
    memset(memory[0], 0x40, BLOCK);
    memset(data_of(1), 0x01, BLOCK);
    memset(data_of(2), 0x20, BLOCK);
    memset(data_of(3), 0x02, BLOCK);
    transfer(0, VminiDoWrite, 0);
    submit(1, VminiDoOrWrite, 0);
    job_buffer(&jobs[2], VminiDoWriteVerify, 0, BLOCK, data_of(2), 0);
    jobs[2].item.Comparing = TRUE;
    job_submit(&jobs[2]);
    submit(3, VminiDoOrWrite, 0);
    transfer(4, VminiDoRead, 0);
    wait_for(5);
    for (unsigned i = 0; i < 5; i++) {
        CHILD_CHECK(jobs[i].status == STATUS_SUCCESS);
    }
    /* 80 was written over; one of 40 and 20 was the last to be written, and some of the bits came
     * after it. */
    final = block_at(0)[0];
    CHILD_CHECK((final & ~0x03) == 0x40 || (final & ~0x03) == 0x20);
    CHILD_CHECK(block_is(0, final));
    halt();
}

/** One write and one OR: small enough for every schedule. */
static void one_or_and_one_write(void *argument)
{
    (void)argument;
    boot(2);
    set_block(0, 0x80);
    memset(memory[0], 0x40, BLOCK);
    memset(data_of(1), 0x01, BLOCK);
    sched_explore_from_here();
    submit(1, VminiDoOrWrite, 0);
    transfer(0, VminiDoWrite, 0);
    job_wait(&jobs[0]);
    job_wait(&jobs[1]);
    sched_explore_to_here();
    settle();
    CHILD_CHECK(block_is(0, 0x40) || block_is(0, 0x41));
    _exit(0);
}

/** They race with resets, too: each ends once, and nobody is left blocked. */
static void resets_among_them(void *argument)
{
    struct drain drains[2];

    (void)argument;
    boot(3);
    set_block(0, 0);
    for (unsigned i = 0; i < JOBS; i++) {
        memset(data_of(i), 1 << i, BLOCK);
        if (i % 3 == 2) {
            transfer(i, VminiDoRead, i % 2 * BLOCK);
        } else {
            submit(i, VminiDoOrWrite, i % 2 * BLOCK);
        }
        if (i == 3) {
            reset(VminiScopeUnit, 0, 9, 0, &drains[0]);
        }
    }
    reset(VminiScopeTarget, 0, 0, 0, &drains[1]);
    wait_for(JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        CHILD_CHECK(jobs[i].status == STATUS_SUCCESS || jobs[i].status == STATUS_CANCELLED);
    }
    CHILD_CHECK(drains[0].done == 1 && drains[1].done == 1);
    halt();
}

static void test_seeds(void)
{
    schedules_sweep(one_gets_the_lock, NULL, SCHED_RANDOM, 200);
    schedules_sweep(one_gets_the_lock, NULL, SCHED_PCT, 100);
    schedules_sweep(no_bit_is_lost, NULL, SCHED_RANDOM, 200);
    schedules_sweep(bits_and_blocks, NULL, SCHED_RANDOM, 200);
    schedules_sweep(bits_and_blocks, NULL, SCHED_PCT, 100);
    schedules_sweep(resets_among_them, NULL, SCHED_RANDOM, 200);
}

static void test_every_schedule(void)
{
    schedules_exhaust(one_or_and_one_write, 40000);
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(an_exclusive_item_has_its_range_to_itself)
CASE(others_go_on_meanwhile)
CASE(ranges_of_the_whole_file)
CASE(a_reset_ends_the_blocked_ones)
CASE(a_reset_elsewhere_leaves_them)
CASE(parked_and_blocked)

CU_ErrorCode register_exclusion_suite(void);
CU_ErrorCode register_exclusion_suite(void)
{
    CU_TestInfo tests[] = {
        {"an exclusive item has its range to itself",
         test_an_exclusive_item_has_its_range_to_itself},
        {"others go on meanwhile", test_others_go_on_meanwhile},
        {"ranges of the whole file", test_ranges_of_the_whole_file},
        {"a reset ends the blocked ones", test_a_reset_ends_the_blocked_ones},
        {"a reset elsewhere leaves them", test_a_reset_elsewhere_leaves_them},
        {"parked and blocked", test_parked_and_blocked},
        {"locks, bits and blocks, resets, by seeds", test_seeds},
        {"one OR, one write, exhausted", test_every_schedule},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"04 exclusion", machine_folder_create, machine_folder_remove, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
