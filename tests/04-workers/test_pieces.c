/*
 * The commands of several steps: what they leave in the file, what they say when a step fails, and
 * that they stop where a reset wants it. (That nobody comes in between: test_exclusion.c.)
 */
#include "machine.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH (150u * 1024) /* More than two pieces of 64 KiB. */
#define OFFSET (16u * 1024)

static uint8_t *buffer; /* 2 * LENGTH bytes of nonpaged pool. */
static uint8_t before[MACHINE_FILE_SIZE], after[MACHINE_FILE_SIZE];

static void boot(void)
{
    machine_fill_file();
    machine_boot(1);
    buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 2 * LENGTH, 'tseT');
    for (uint32_t i = 0; i < 2 * LENGTH; i++) {
        buffer[i] = (uint8_t)(i * 3 + i / 512);
    }
    machine_file_bytes(0, before, sizeof(before));
}

static void halt(void)
{
    ExFreePoolWithTag(buffer, 'tseT');
    machine_halt();
}

/** Runs a command on LENGTH bytes at OFFSET. */
static struct job run(VMINI_WORK_COMMAND command, uint32_t size)
{
    struct job job;

    job_buffer(&job, command, OFFSET, LENGTH, buffer, size);
    job.item.Comparing = true;
    job_run(&job);
    machine_file_bytes(0, after, sizeof(after));
    return job;
}

/** Nothing but the blocks of the command has changed. */
static void check_rest(void)
{
    CHILD_CHECK(memcmp(after, before, OFFSET) == 0);
    CHILD_CHECK(memcmp(after + OFFSET + LENGTH, before + OFFSET + LENGTH,
                       MACHINE_FILE_SIZE - OFFSET - LENGTH) == 0);
}

static void fill_with_file(void)
{
    memcpy(buffer, before + OFFSET, LENGTH);
}

/* --- what they do --- */

static void write_and_verify(void *argument)
{
    struct host_file_counts counts;
    struct job job;

    (void)argument;
    boot();
    job_buffer(&job, VminiDoWriteVerify, OFFSET, LENGTH, buffer, 0);
    job.item.Comparing = true;
    job.item.WriteThrough = true;
    counts = host_file_counts();
    job_run(&job);
    CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == LENGTH);
    CHILD_CHECK(host_file_counts().writes == counts.writes + 3);
    CHILD_CHECK(host_file_counts().flushes == counts.flushes + 1);
    CHILD_CHECK(host_file_counts().reads == counts.reads + 3);
    machine_file_bytes(0, after, sizeof(after));
    CHILD_CHECK(memcmp(after + OFFSET, buffer, LENGTH) == 0);
    check_rest();
    halt();
}

/** Whether to compare is one question, whether the blocks can be read another. */
static void verify_without_comparing(void *argument)
{
    struct job job;

    (void)argument;
    boot();
    job_buffer(&job, VminiDoWriteVerify, OFFSET, 512, buffer, 0);
    fault(HOST_FILE_READ, 1, false, EIO, ALL_BYTES, false);
    CHILD_CHECK(job_run(&job) == nt_status_of_errno(EIO) && !job.writing);
    job_buffer(&job, VminiDoWriteVerify, OFFSET, 512, buffer, 0);
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS && job.information == 512);
    halt();
}

static void compare_and_write(void *argument)
{
    static const uint32_t different[] = {0, 1, 65535, 65536, 131072, LENGTH - 1};
    struct job job;

    (void)argument;
    boot();
    fill_with_file();
    for (size_t i = 0; i < RTL_NUMBER_OF(different); i++) {
        buffer[different[i]] ^= 0x40;
        job = run(VminiDoCompareWrite, 0);
        CHILD_CHECK(job.status == VMINI_STATUS_MISCOMPARE && job.information == different[i]);
        CHILD_CHECK(memcmp(after, before, sizeof(after)) == 0); /* Nothing is written. */
        buffer[different[i]] ^= 0x40;
    }
    job = run(VminiDoCompareWrite, 0);
    CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == LENGTH);
    CHILD_CHECK(memcmp(after + OFFSET, buffer + LENGTH, LENGTH) == 0);
    check_rest();
    halt();
}

static void or_write(void *argument)
{
    struct job job;

    (void)argument;
    boot();
    job = run(VminiDoOrWrite, 0);
    CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == LENGTH);
    for (uint32_t i = 0; i < LENGTH; i++) {
        CHILD_CHECK(after[OFFSET + i] == (before[OFFSET + i] | buffer[i]));
    }
    check_rest();
    halt();
}

static void write_same(void *argument)
{
    static const uint32_t sizes[] = {512, 2048};
    struct job job;

    (void)argument;
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(sizes); i++) {
        job = run(VminiDoWriteSame, sizes[i]);
        CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == LENGTH);
        for (uint32_t at = 0; at < LENGTH; at++) {
            CHILD_CHECK(after[OFFSET + at] == buffer[at % sizes[i]]);
        }
        check_rest();
    }
    halt();
}

static void read_into_a_buffer(void *argument)
{
    struct job job;

    (void)argument;
    boot();
    job = run(VminiDoReadBuffer, 0);
    CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == LENGTH);
    CHILD_CHECK(memcmp(buffer, before + OFFSET, LENGTH) == 0);
    CHILD_CHECK(buffer[LENGTH] == (uint8_t)(LENGTH * 3 + LENGTH / 512)); /* And no further. */
    CHILD_CHECK(memcmp(after, before, sizeof(after)) == 0);
    halt();
}

/* --- space --- */

/** Makes the file sparse, as DO_CREATE does it for a thin disk. */
static void boot_sparse(void)
{
    IO_STATUS_BLOCK status;

    boot();
    CHILD_CHECK(ZwFsControlFile(machine.media->File, NULL, NULL, NULL, &status, FSCTL_SET_SPARSE,
                                NULL, 0, NULL, 0) == STATUS_SUCCESS);
}

static struct job zero(const FILE_ZERO_DATA_INFORMATION *ranges, unsigned count, bool through)
{
    struct job job;

    memcpy(buffer, ranges, count * sizeof(*ranges));
    job_buffer(&job, VminiDoZero, 0, 0, buffer, (uint32_t)(count * sizeof(*ranges)));
    job.item.WriteThrough = through;
    job_run(&job);
    machine_file_bytes(0, after, sizeof(after));
    return job;
}

static const FILE_ZERO_DATA_INFORMATION holes[] = {
    {.FileOffset.QuadPart = 64 * 1024, .BeyondFinalZero.QuadPart = 128 * 1024},
    {.FileOffset.QuadPart = 0, .BeyondFinalZero.QuadPart = 0},
    {.FileOffset.QuadPart = 200000, .BeyondFinalZero.QuadPart = 300001},
};

static bool in_a_hole(uint32_t at)
{
    for (size_t i = 0; i < RTL_NUMBER_OF(holes); i++) {
        if (at >= holes[i].FileOffset.QuadPart && at < holes[i].BeyondFinalZero.QuadPart) {
            return true;
        }
    }
    return false;
}

static void ranges_become_zero(void *argument)
{
    struct host_file_counts counts;
    struct stat was, is;
    struct job job;

    (void)argument;
    boot_sparse();
    CHILD_CHECK(stat(machine.path, &was) == 0);
    counts = host_file_counts();
    job = zero(holes, RTL_NUMBER_OF(holes), false);
    CHILD_CHECK(job.status == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().controls == counts.controls + 3);
    CHILD_CHECK(host_file_counts().flushes == counts.flushes);
    for (uint32_t i = 0; i < MACHINE_FILE_SIZE; i++) {
        CHILD_CHECK(after[i] == (in_a_hole(i) ? 0 : before[i]));
    }
    CHILD_CHECK(stat(machine.path, &is) == 0 && is.st_size == was.st_size);
    CHILD_CHECK(is.st_blocks < was.st_blocks); /* Their space is given back. */
    job = zero(holes, 1, true);
    CHILD_CHECK(job.status == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().flushes == counts.flushes + 1);
    halt();
}

/** Where the file system has no such control, zeros are written, if the item says which bytes. */
static void zeros_where_the_control_is_unknown(void *argument)
{
    static const int refusals[] = {ENOTTY, EOPNOTSUPP};
    static FILE_ZERO_DATA_INFORMATION range = {.FileOffset.QuadPart = OFFSET,
                                               .BeyondFinalZero.QuadPart = OFFSET + LENGTH};
    struct host_file_counts counts;
    struct job job;

    (void)argument;
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(refusals); i++) {
        machine_fill_file();
        fault(HOST_FILE_CONTROL, 1, true, refusals[i], ALL_BYTES, false);
        counts = host_file_counts();
        job_buffer(&job, VminiDoZero, OFFSET, LENGTH, &range, sizeof(range));
        job.item.WriteThrough = TRUE;
        CHILD_CHECK(job_run(&job) == STATUS_SUCCESS && job.information == LENGTH);
        CHILD_CHECK(host_file_counts().writes == counts.writes + 3);
        CHILD_CHECK(host_file_counts().flushes == counts.flushes + 1);
        machine_file_bytes(0, after, sizeof(after));
        for (uint32_t at = 0; at < LENGTH; at++) {
            CHILD_CHECK(after[OFFSET + at] == 0);
        }
        check_rest();
        job = zero(&range, 1, false); /* UNMAP: that much may be too much to write. */
        CHILD_CHECK(job.status == nt_status_of_errno(refusals[i]));
        host_file_faults_clear();
    }
    fault(HOST_FILE_CONTROL, 1, true, EIO, ALL_BYTES, false); /* Known, but it failed. */
    counts = host_file_counts();
    job_buffer(&job, VminiDoZero, OFFSET, LENGTH, &range, sizeof(range));
    CHILD_CHECK(job_run(&job) == nt_status_of_errno(EIO) && job.information == 0);
    CHILD_CHECK(host_file_counts().writes == counts.writes);
    halt();
}

static void a_range_that_fails(void *argument)
{
    struct host_file_counts counts;
    struct job job;

    (void)argument;
    boot_sparse();
    counts = host_file_counts();
    fault(HOST_FILE_CONTROL, 2, false, ENOSPC, ALL_BYTES, false);
    job = zero(holes, RTL_NUMBER_OF(holes), true);
    CHILD_CHECK(job.status == STATUS_DISK_FULL && job.writing);
    CHILD_CHECK(host_file_counts().controls == counts.controls + 2); /* The third is not tried. */
    CHILD_CHECK(host_file_counts().flushes == counts.flushes);
    host_file_faults_clear();
    fault(HOST_FILE_FLUSH, 1, false, EIO, ALL_BYTES, false);
    job = zero(holes, 1, true);
    CHILD_CHECK(job.status == nt_status_of_errno(EIO));
    halt();
}

/** Asks for the allocated ranges from `offset` on, with room for `room` of them. */
static unsigned allocated(uint64_t offset, unsigned room, FILE_ALLOCATED_RANGE_BUFFER *ranges)
{
    struct job job;

    ranges[0].FileOffset.QuadPart = (LONGLONG)offset;
    ranges[0].Length.QuadPart = (LONGLONG)(MACHINE_FILE_SIZE - offset);
    job_buffer(&job, VminiDoAllocated, 0, 0, ranges, (uint32_t)((room + 1) * sizeof(*ranges)));
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS);
    return (unsigned)(job.information / sizeof(*ranges));
}

static void where_the_data_are(void *argument)
{
    FILE_ALLOCATED_RANGE_BUFFER *ranges;

    (void)argument;
    boot_sparse();
    ranges = ExAllocatePoolWithTag(NonPagedPoolNx, 8 * sizeof(*ranges), 'tseT');
    CHILD_CHECK(allocated(0, 4, ranges) == 1);
    CHILD_CHECK(ranges[1].FileOffset.QuadPart == 0 &&
                ranges[1].Length.QuadPart == MACHINE_FILE_SIZE);
    zero(holes, RTL_NUMBER_OF(holes), false);
    CHILD_CHECK(allocated(0, 4, ranges) == 3);
    CHILD_CHECK(ranges[1].FileOffset.QuadPart == 0 && ranges[1].Length.QuadPart == 64 * 1024);
    CHILD_CHECK(ranges[2].FileOffset.QuadPart == 128 * 1024);
    CHILD_CHECK(ranges[2].FileOffset.QuadPart + ranges[2].Length.QuadPart >= 200000);
    CHILD_CHECK(ranges[3].FileOffset.QuadPart <= 300001);
    CHILD_CHECK(allocated(0, 2, ranges) == 2); /* More than there is room for: no error. */
    ExFreePoolWithTag(ranges, 'tseT');
    halt();
}

/** DO_CREATE marks the file of a thin disk; a file system that cannot have that is told. */
static void a_thin_disk_is_sparse(void *argument)
{
    SECURITY_QUALITY_OF_SERVICE quality = {sizeof(quality), SecurityImpersonation,
                                           SECURITY_STATIC_TRACKING, FALSE};
    SECURITY_CLIENT_CONTEXT client;
    LONG unwanted = 0;
    VMINI_MEDIA_OPEN open = {.Sparse = TRUE, .Client = &client, .Unwanted = &unwanted};
    struct host_file_counts counts;
    WCHAR path[256];
    char name[256];
    struct job job;

    (void)argument;
    boot();
    CHILD_CHECK(close(creat(machine_path_of("thin.img", name, sizeof(name)), 0644)) == 0);
    CHILD_CHECK(truncate(name, 65536) == 0);
    open.Path = machine_nt_path(name, path, 256);
    for (unsigned fails = 0; fails < 2; fails++) {
        CHILD_CHECK(
            NT_SUCCESS(SeCreateClientSecurity(PsGetCurrentThread(), &quality, FALSE, &client)));
        counts = host_file_counts();
        if (fails != 0) {
            fault(HOST_FILE_CONTROL, 1, false, ENOTSUP, ALL_BYTES, false);
        }
        job_init(&job, VminiDoCreate, 0, 0);
        job.item.Media = NULL;
        job.item.Open = &open;
        job_run(&job);
        SeDeleteClientSecurity(&client);
        CHILD_CHECK(host_file_counts().controls == counts.controls + 1);
        CHILD_CHECK(NT_SUCCESS(job.status) == (fails == 0));
        CHILD_CHECK((open.Media != NULL) == (fails == 0));
        if (fails == 0) {
            VminiMediaClose(open.Media);
        }
    }
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes + 1);
    halt();
}

/* --- what goes wrong --- */

static const VMINI_WORK_COMMAND commands[] = {VminiDoWriteVerify, VminiDoCompareWrite,
                                              VminiDoOrWrite, VminiDoWriteSame, VminiDoReadBuffer};

/** Each read and each write of each command, one after the other, fails or is short. */
static void each_step_may_fail(void *argument)
{
    static const enum host_file_op ops[] = {HOST_FILE_READ, HOST_FILE_WRITE};
    unsigned failures = 0;

    (void)argument;
    boot();
    for (size_t c = 0; c < RTL_NUMBER_OF(commands); c++) {
        for (size_t o = 0; o < RTL_NUMBER_OF(ops); o++) {
            for (unsigned nth = 1; nth <= 6; nth++) {
                bool is_short = nth > 3;
                struct job job;

                machine_fill_file();
                fill_with_file();
                fault(ops[o], is_short ? nth - 3 : nth, false, is_short ? 0 : EIO,
                      is_short ? 700 : ALL_BYTES, false);
                job = run(commands[c], 512);
                host_file_faults_clear();
                if (job.status == STATUS_SUCCESS) {
                    CHILD_CHECK(job.information == LENGTH);
                    continue;
                }
                failures++;
                CHILD_CHECK(job.information < LENGTH);
                CHILD_CHECK(job.writing == (ops[o] == HOST_FILE_WRITE));
                CHILD_CHECK(job.status ==
                            (is_short ? STATUS_END_OF_FILE : nt_status_of_errno(EIO)));
                check_rest();
            }
        }
    }
    /* WRITE SAME only writes, READ CD only reads; the others have three of each. All of it twice. */
    CHILD_CHECK(failures == 3 * 12 + 2 * 6);
    halt();
}

static void every_resource_may_be_missing(void *argument)
{
    unsigned failures = 0;

    (void)argument;
    boot();
    for (size_t c = 0; c < RTL_NUMBER_OF(commands); c++) {
        for (unsigned what = 0; what <= NT_IO_FAULT_KINDS; what++) { /* The last one: pool. */
            for (unsigned nth = 1; nth <= 8; nth++) {
                struct job job;

                machine_fill_file();
                fill_with_file();
                if (what == NT_IO_FAULT_KINDS) {
                    nt_pool_fail(nth, false);
                } else {
                    nt_io_fail(what, nth, false);
                }
                job = run(commands[c], 512);
                CHILD_CHECK(job.status == STATUS_SUCCESS ||
                            job.status == STATUS_INSUFFICIENT_RESOURCES);
                failures += job.status != STATUS_SUCCESS;
                nt_pool_fail(0, false);
                for (unsigned i = 0; i < NT_IO_FAULT_KINDS; i++) {
                    nt_io_fail(i, 0, false);
                }
                CHILD_CHECK(nt_irp_count() == 0 && nt_pool_outstanding(VMINI_TAG_WORK, NULL) == 1);
            }
        }
    }
    /* IRP and completion for each of 6 steps, or 3; MDL, pool. */
    CHILD_CHECK(failures == 3 * (6 + 6 + 2) + 2 * (3 + 3 + 2));
    halt();
}

/** A reset stops a command between two steps, and its IRP in the middle of one. */
static void a_reset_stops_it(void *argument)
{
    struct drain drain;

    (void)argument;
    boot();
    for (size_t c = 0; c < RTL_NUMBER_OF(commands); c++) {
        enum host_file_op op = commands[c] == VminiDoWriteSame ? HOST_FILE_WRITE : HOST_FILE_READ;
        struct job job;

        machine_fill_file();
        fill_with_file();
        fault(op, 2, false, 0, ALL_BYTES, true);
        job_buffer(&job, commands[c], OFFSET, LENGTH, buffer, 512);
        job_submit(&job);
        settle();
        CHILD_CHECK(job.ended == 0);
        reset(VminiScopeUnit, 0, 0, 0, &drain);
        job_wait(&job);
        settle();
        CHILD_CHECK(job.status == STATUS_CANCELLED && drain.done == 1);
        CHILD_CHECK(machine.queue->Exclusive == 0);
        host_file_faults_clear();
    }
    halt();
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(write_and_verify)
CASE(verify_without_comparing)
CASE(compare_and_write)
CASE(or_write)
CASE(write_same)
CASE(read_into_a_buffer)
CASE(ranges_become_zero)
CASE(zeros_where_the_control_is_unknown)
CASE(a_range_that_fails)
CASE(where_the_data_are)
CASE(a_thin_disk_is_sparse)
CASE(each_step_may_fail)
CASE(every_resource_may_be_missing)
CASE(a_reset_stops_it)

CU_ErrorCode register_pieces_suite(void);
CU_ErrorCode register_pieces_suite(void)
{
    CU_TestInfo tests[] = {
        {"write and verify", test_write_and_verify},
        {"verify without comparing", test_verify_without_comparing},
        {"compare and write", test_compare_and_write},
        {"or and write", test_or_write},
        {"one block over and over", test_write_same},
        {"read into a buffer", test_read_into_a_buffer},
        {"ranges become zero, and their space is given back", test_ranges_become_zero},
        {"zeros, where the file system knows no holes", test_zeros_where_the_control_is_unknown},
        {"a range that fails ends it", test_a_range_that_fails},
        {"where the data are", test_where_the_data_are},
        {"the file of a thin disk is sparse, or it is not opened", test_a_thin_disk_is_sparse},
        {"each step may fail or be short", test_each_step_may_fail},
        {"every resource may be missing", test_every_resource_may_be_missing},
        {"a reset stops it between two steps", test_a_reset_stops_it},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"04 pieces", machine_folder_create, machine_folder_remove, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
