/*
 * Reads, writes, flushes and compares: the right bytes at the right place whatever the MDL looks
 * like, and the file
 * system's answer as it is.
 */
#include "machine.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u

static uint8_t *arena; /* Page aligned. */

static void arena_make(size_t bytes)
{
    arena = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    CHILD_CHECK(arena != NULL);
    memset(arena, 0xEE, bytes);
}

/** A machine with one worker and the file as it was at first. */
static void boot(void)
{
    machine_fill_file();
    machine_boot(1);
}

/** Runs a transfer whose MDL describes `whole` bytes at `memory`, of which `length` from `skip` on
 *  are moved. */
static struct job transfer(VMINI_WORK_COMMAND command, uint64_t offset, uint8_t *memory,
                           uint32_t whole, uint32_t skip, uint32_t length, bool through)
{
    struct job job;
    PMDL mdl;

    job_transfer(&job, command, offset, memory, whole);
    mdl = job.item.Mdl;
    job.item.Va = (uint8_t *)job.item.Va + skip;
    job.item.Length = length;
    job.item.WriteThrough = through;
    job_run(&job);
    job_free(&job, mdl);
    CHILD_CHECK(nt_mdl_mapped_count() == 0);
    return job;
}

/* --- MDLs --- */

static const uint32_t starts[] = {0, 1, 511, 512, 2047, 4094, 4095};
static const uint32_t skips[] = {0, 1, 512, 4095, 4096, 4097};
static const uint32_t lengths[] = {1, 512, 4096, 8192 + 512};

/** The MDL begins anywhere in a page, the data anywhere in the MDL: only they are written. */
static void reads_fill_just_the_part(void *argument)
{
    const uint32_t whole = 5 * PAGE;

    (void)argument;
    boot();
    arena_make(6 * PAGE);
    for (unsigned a = 0; a < RTL_NUMBER_OF(starts); a++) {
        for (unsigned s = 0; s < RTL_NUMBER_OF(skips); s++) {
            for (unsigned n = 0; n < RTL_NUMBER_OF(lengths); n++) {
                uint8_t *data = arena + starts[a] + skips[s];
                struct job job;

                memset(arena, 0xEE, 6 * PAGE);
                job = transfer(VminiDoRead, 3 * 512, arena + starts[a], whole, skips[s], lengths[n],
                               false);
                CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == lengths[n]);
                for (uint32_t i = 0; i < lengths[n]; i++) {
                    CHILD_CHECK(data[i] == machine_byte(3 * 512 + i));
                }
                CHILD_CHECK(data == arena || data[-1] == 0xEE);
                CHILD_CHECK(data[lengths[n]] == 0xEE);
            }
        }
    }
    machine_halt();
}

static void writes_take_just_the_part(void *argument)
{
    static uint8_t before[512], after[5 * PAGE];
    const uint64_t offset = 64 * 1024;

    (void)argument;
    boot();
    arena_make(6 * PAGE);
    for (uint32_t i = 0; i < 6 * PAGE; i++) {
        arena[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (unsigned a = 0; a < RTL_NUMBER_OF(starts); a++) {
        for (unsigned s = 0; s < RTL_NUMBER_OF(skips); s++) {
            uint8_t *data = arena + starts[a] + skips[s];
            struct job job = transfer(VminiDoWrite, offset, arena + starts[a], 5 * PAGE, skips[s],
                                      8192 + 512, false);

            CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == 8192 + 512);
            machine_file_bytes(offset, after, 8192 + 512);
            CHILD_CHECK(memcmp(after, data, 8192 + 512) == 0);
        }
    }
    machine_file_bytes(offset - 512, before, 512);
    machine_file_bytes(offset + 8192 + 512, after, 512);
    CHILD_CHECK(before[511] == machine_byte(offset - 1) &&
                after[0] == machine_byte(offset + 8192 + 512));
    CHILD_CHECK(host_file_counts().flushes == 0);
    machine_halt();
}

static void a_whole_mdl_is_sent_as_it_is(void *argument)
{
    struct job job;

    (void)argument;
    boot();
    arena_make(2 * PAGE);
    nt_io_fail(NT_IO_FAIL_MDL, 1, true); /* No second MDL is made... */
    job = transfer(VminiDoRead, 0, arena + 100, 512, 0, 512, false);
    CHILD_CHECK(job.status == STATUS_SUCCESS);
    job =
        transfer(VminiDoRead, 0, arena + 100, 512, 0, 511, false); /* ...unless a part is wanted. */
    CHILD_CHECK(job.status == STATUS_INSUFFICIENT_RESOURCES && job.information == 0);
    machine_halt();
}

static void beyond_four_gigabytes(void *argument)
{
    const uint64_t offset = (8ull << 40) - 512;
    char path[160];
    PVMINI_MEDIA small = NULL;
    struct job job;
    FILE *file;

    (void)argument;
    boot();
    arena_make(PAGE);
    small = machine.media;
    file = fopen(machine_path_of("big.img", path, sizeof(path)), "wb");
    CHILD_CHECK(file != NULL);
    fclose(file);
    if (truncate(path, (off_t)(8ull << 40)) == 0) { /* Not every file system has files of 8 TiB. */
        CHILD_CHECK(machine_open(path, false, &machine.media) == STATUS_SUCCESS);
        CHILD_CHECK(machine.media->Size == 8ull << 40);
        memset(arena, 0x42, 512);
        job = transfer(VminiDoWrite, offset, arena, 512, 0, 512, false);
        CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == 512);
        memset(arena, 0, 512);
        job = transfer(VminiDoRead, offset, arena, 512, 0, 512, false);
        CHILD_CHECK(job.status == STATUS_SUCCESS && arena[0] == 0x42 && arena[511] == 0x42);
        VminiMediaClose(machine.media);
        machine.media = small;
    }
    remove(path);
    machine_halt();
}

/* --- durability: see test_durable.c, too --- */

static void write_through_and_flush_reach_the_file(void *argument)
{
    struct job job;

    (void)argument;
    boot();
    arena_make(PAGE);
    job = transfer(VminiDoWrite, 0, arena, PAGE, 512, 512, true); /* With an MDL of its own. */
    CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == 512);
    CHILD_CHECK(host_file_counts().writes == 1 && host_file_counts().flushes == 1);
    job = transfer(VminiDoWrite, 0, arena, 512, 0, 512, false);
    CHILD_CHECK(job.status == STATUS_SUCCESS && host_file_counts().flushes == 1);
    job_init(&job, VminiDoFlush, 0, 0);
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS && host_file_counts().flushes == 2);
    machine_halt();
}

/* --- what the file system refuses --- */

struct refusal {
    enum host_file_op op;
    VMINI_WORK_COMMAND command;
    int error;
    uint32_t short_to;
    NTSTATUS status;
    ULONG_PTR information;
};

static const struct refusal refusals[] = {
    {HOST_FILE_WRITE, VminiDoWrite, ENOSPC, ALL_BYTES, STATUS_DISK_FULL, 0},
    {HOST_FILE_WRITE, VminiDoWrite, EROFS, ALL_BYTES, STATUS_MEDIA_WRITE_PROTECTED, 0},
    {HOST_FILE_WRITE, VminiDoWrite, 0, 100, STATUS_SUCCESS, 100}, /* Short: the owner decides. */
    {HOST_FILE_READ, VminiDoRead, 0, 511, STATUS_SUCCESS, 511},
    {HOST_FILE_READ, VminiDoRead, 0, 0, STATUS_SUCCESS, 0},
};

static void refusals_are_passed_on(void *argument)
{
    (void)argument;
    boot();
    arena_make(PAGE);
    for (unsigned i = 0; i < RTL_NUMBER_OF(refusals); i++) {
        const struct refusal *refusal = &refusals[i];
        struct job job;

        fault(refusal->op, 1, false, refusal->error, refusal->short_to, false);
        job = transfer(refusal->command, 0, arena, 512, 0, 512, false);
        CHILD_CHECK(job.status == refusal->status && job.information == refusal->information);
        host_file_faults_clear();
    }
    machine_halt();
}

static void errors_of_the_disk_below(void *argument)
{
    static const VMINI_WORK_COMMAND commands[] = {VminiDoRead, VminiDoWrite};
    struct job job;

    (void)argument;
    boot();
    arena_make(PAGE);
    fault(HOST_FILE_READ, 1, true, EIO, ALL_BYTES, false);
    fault(HOST_FILE_WRITE, 1, true, EIO, ALL_BYTES, false);
    fault(HOST_FILE_FLUSH, 1, true, EIO, ALL_BYTES, false);
    for (unsigned i = 0; i < RTL_NUMBER_OF(commands); i++) {
        job = transfer(commands[i], 0, arena, 512, 0, 512, false);
        CHILD_CHECK(job.status == nt_status_of_errno(EIO) && NT_ERROR(job.status) &&
                    job.information == 0);
    }
    job_init(&job, VminiDoFlush, 0, 0);
    CHILD_CHECK(job_run(&job) == nt_status_of_errno(EIO));
    job_init(&job, VminiDoCompare, 0, 0);
    job.item.Length = 512;
    CHILD_CHECK(job_run(&job) == nt_status_of_errno(EIO) && job.information == 0);
    host_file_faults_clear();
    machine_halt();
}

static void the_end_of_the_file(void *argument)
{
    struct job job;

    (void)argument;
    boot();
    arena_make(PAGE);
    job = transfer(VminiDoRead, MACHINE_FILE_SIZE, arena, 512, 0, 512, false);
    CHILD_CHECK(job.status == STATUS_END_OF_FILE && job.information == 0);
    job = transfer(VminiDoRead, MACHINE_FILE_SIZE - 100, arena, 512, 0, 512, false);
    CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == 100);
    machine_halt();
}

static void a_hung_request_ends_when_it_is_released(void *argument)
{
    struct job job;
    PMDL mdl;

    (void)argument;
    boot();
    arena_make(PAGE);
    fault(HOST_FILE_READ, 1, false, 0, ALL_BYTES, true);
    job_transfer(&job, VminiDoRead, 0, arena, 512);
    mdl = job.item.Mdl;
    job_submit(&job);
    settle();
    CHILD_CHECK(job.ended == 0);
    host_file_release();
    job_wait(&job);
    CHILD_CHECK(job.status == STATUS_SUCCESS && job.information == 512 &&
                arena[0] == machine_byte(0));
    job_free(&job, mdl);
    machine_halt();
}

/** A worker does not wait for what it has sent: one thread keeps many requests in flight. */
static void one_worker_many_requests_in_flight(void *argument)
{
    struct job jobs[20];
    PMDL mdl[20];

    (void)argument;
    boot();
    arena_make(20 * 512);
    fault(HOST_FILE_READ, 1, true, 0, ALL_BYTES, true);
    for (unsigned i = 0; i < 20; i++) {
        job_transfer(&jobs[i], VminiDoRead, i * 512, arena + i * 512, 512);
        mdl[i] = jobs[i].item.Mdl;
        job_submit(&jobs[i]);
    }
    settle();
    CHILD_CHECK(machine.ended == 0 && nt_irp_count() >= 20);
    host_file_faults_clear();
    host_file_release();
    for (unsigned i = 0; i < 20; i++) {
        job_wait(&jobs[i]);
        CHILD_CHECK(jobs[i].status == STATUS_SUCCESS);
        job_free(&jobs[i], mdl[i]);
    }
    machine_halt();
}

/* --- compare --- */

static NTSTATUS compare(uint64_t offset, uint8_t *data, uint32_t length, ULONG_PTR *information)
{
    struct job job;

    job_init(&job, VminiDoCompare, 0, 0);
    job.item.Offset = offset;
    job.item.Length = length;
    job.item.Buffer = data;
    job_run(&job);
    *information = job.information;
    return job.status;
}

static void comparing(void *argument)
{
    static const uint32_t different[] = {0, 1, 65535, 65536, 65537, 131071, 131072, 199999};
    const uint32_t length = 200000; /* More than three pieces of 64 KiB. */
    ULONG_PTR at;
    uint8_t *data;

    (void)argument;
    boot();
    data = ExAllocatePoolWithTag(NonPagedPoolNx, length, 'tseT');
    for (uint32_t i = 0; i < length; i++) {
        data[i] = machine_byte(1024 + i);
    }
    CHILD_CHECK(compare(1024, data, length, &at) == STATUS_SUCCESS && at == length);
    CHILD_CHECK(compare(1024, data, 65536, &at) == STATUS_SUCCESS && at == 65536);
    CHILD_CHECK(compare(1024, data, 1, &at) == STATUS_SUCCESS && at == 1);
    CHILD_CHECK(compare(1024, data, 0, &at) == STATUS_SUCCESS && at == 0);
    for (unsigned i = 0; i < RTL_NUMBER_OF(different); i++) {
        data[different[i]] ^= 0x10;
        CHILD_CHECK(compare(1024, data, length, &at) == VMINI_STATUS_MISCOMPARE &&
                    at == different[i]);
        data[different[i]] ^= 0x10;
    }
    data[70000] ^= 1;
    data[150000] ^= 1;
    CHILD_CHECK(compare(1024, data, length, &at) == VMINI_STATUS_MISCOMPARE &&
                at == 70000); /* The first one. */
    ExFreePoolWithTag(data, 'tseT');

    /* No data to compare with: the file is read all the same. */
    CHILD_CHECK(compare(0, NULL, MACHINE_FILE_SIZE, &at) == STATUS_SUCCESS &&
                at == MACHINE_FILE_SIZE);
    CHILD_CHECK(compare(0, NULL, MACHINE_FILE_SIZE + 1, &at) == STATUS_END_OF_FILE &&
                at == MACHINE_FILE_SIZE);
    CHILD_CHECK(compare(MACHINE_FILE_SIZE - 10, NULL, 20, &at) == STATUS_END_OF_FILE && at == 0);
    fault(HOST_FILE_READ, 2, false, EIO, ALL_BYTES, false);
    CHILD_CHECK(compare(0, NULL, length, &at) == nt_status_of_errno(EIO) && at == 65536);
    machine_halt();
}

/* --- low resources --- */

/** Whatever an item needs may be missing, at any point of it: it ends with "no resources", and
 *  nothing leaks. */
static void every_resource_may_be_missing(void *argument)
{
    static const VMINI_WORK_COMMAND commands[] = {VminiDoRead, VminiDoWrite, VminiDoFlush,
                                                  VminiDoCompare};
    unsigned failures = 0;

    (void)argument;
    boot();
    arena_make(PAGE);
    for (unsigned c = 0; c < RTL_NUMBER_OF(commands); c++) {
        for (unsigned what = 0; what <= NT_IO_FAULT_KINDS; what++) { /* The last one: pool. */
            for (unsigned nth = 1; nth <= 4; nth++) {
                struct job job;
                PMDL mdl;

                job_transfer(&job, commands[c], 0, arena, 1024);
                mdl = job.item.Mdl;
                job.item.Length = commands[c] == VminiDoCompare ? 130 * 1024 : 512;
                if (what == NT_IO_FAULT_KINDS) {
                    nt_pool_fail(nth, false);
                } else {
                    nt_io_fail(what, nth, false);
                }
                job_run(&job);
                CHILD_CHECK(job.status == STATUS_SUCCESS ||
                            job.status == STATUS_INSUFFICIENT_RESOURCES);
                failures += job.status != STATUS_SUCCESS;
                nt_pool_fail(0, false);
                for (unsigned i = 0; i < NT_IO_FAULT_KINDS; i++) {
                    nt_io_fail(i, 0, false);
                }
                job_free(&job, mdl);
                CHILD_CHECK(nt_irp_count() == 0 && nt_pool_outstanding(VMINI_TAG_WORK, NULL) == 1);
            }
        }
    }
    /* Read and write: IRP, MDL, completion; flush: IRP, completion; compare: 3 x (IRP,
     * completion), MDL, pool. */
    CHILD_CHECK(failures == 3 + 3 + 2 + (3 + 3 + 1 + 1));
    machine_halt();
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(reads_fill_just_the_part)
CASE(writes_take_just_the_part)
CASE(a_whole_mdl_is_sent_as_it_is)
CASE(beyond_four_gigabytes)
CASE(write_through_and_flush_reach_the_file)
CASE(refusals_are_passed_on)
CASE(errors_of_the_disk_below)
CASE(the_end_of_the_file)
CASE(a_hung_request_ends_when_it_is_released)
CASE(one_worker_many_requests_in_flight)
CASE(comparing)
CASE(every_resource_may_be_missing)

CU_ErrorCode register_io_suite(void);
CU_ErrorCode register_io_suite(void)
{
    CU_pSuite suite = CU_add_suite("04 io", machine_folder_create, machine_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "a read fills just its part of the MDL",
                    test_reads_fill_just_the_part) == NULL ||
        CU_add_test(suite, "a write takes just its part of the MDL",
                    test_writes_take_just_the_part) == NULL ||
        CU_add_test(suite, "a whole MDL is sent as it is", test_a_whole_mdl_is_sent_as_it_is) ==
            NULL ||
        CU_add_test(suite, "the last block of 8 TiB", test_beyond_four_gigabytes) == NULL ||
        CU_add_test(suite, "write-through and flush reach the file",
                    test_write_through_and_flush_reach_the_file) == NULL ||
        CU_add_test(suite, "no space, no quota, short transfers", test_refusals_are_passed_on) ==
            NULL ||
        CU_add_test(suite, "errors of the disk below", test_errors_of_the_disk_below) == NULL ||
        CU_add_test(suite, "the end of the file", test_the_end_of_the_file) == NULL ||
        CU_add_test(suite, "a request that hangs ends when it is released",
                    test_a_hung_request_ends_when_it_is_released) == NULL ||
        CU_add_test(suite, "one worker keeps many requests in flight",
                    test_one_worker_many_requests_in_flight) == NULL ||
        CU_add_test(suite, "compare: the first difference, pieces of 64 KiB, the end",
                    test_comparing) == NULL ||
        CU_add_test(suite, "every resource may be missing", test_every_resource_may_be_missing) ==
            NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
