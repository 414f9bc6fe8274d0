/*
 * What goes wrong below the driver: the file system says no, moves less than it was asked to, cuts
 * the file short, or does not answer. Each must reach Windows as the sense data that are true, with
 * nothing transferred and the program that waits for events told; and never as a success.
 */
#include <CUnit/Basic.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "system/machine.h"

#define BLOCKS    64u
#define BUS_RESET 0x0E
#define NO_DEVICE 0x08

#define MISSING      0x020403 /* NOT READY, MANUAL INTERVENTION REQUIRED */
#define WRITE_ERROR  0x030C00
#define READ_ERROR   0x031100
#define NO_SPACE     0x072707 /* SPACE ALLOCATION FAILED WRITE PROTECT */
#define PROTECTED    0x072700
#define NO_RESOURCES 0x0B5503

#define MEDIA_END_OF_FILE ((int32_t)0xC0000011)
#define MEDIA_DISK_FULL   ((int32_t)0xC000007F)

static const char *image;
static uint8_t data[BLOCKS * 512];

static VMINI_ADDRESS boot(void)
{
    machine_boot_seeded(5);
    return machine_disk(image, 0);
}

static void fault(enum host_file_op op, int error, uint32_t short_to, bool hang)
{
    struct host_file_fault rule = {
        .op = op, .nth = 1, .error = error, .short_to = short_to, .hang = hang};

    host_file_faults_clear();
    host_file_fault_add(&rule);
}

/** READ(16), WRITE(16) or SYNCHRONIZE CACHE(10). */
static uint8_t command(VMINI_ADDRESS disk, enum host_file_op op, uint64_t lba, uint32_t blocks,
                       struct host_request *answer)
{
    uint8_t cdb[16] = {0x35};

    if (op == HOST_FILE_FLUSH) {
        return machine_scsi(disk, cdb, 10, HOST_DATA_NONE, NULL, 0, answer);
    }
    machine_rw_cdb(cdb, 16, op == HOST_FILE_WRITE, lba, blocks);
    return machine_scsi(disk, cdb, 16, op == HOST_FILE_WRITE ? HOST_DATA_OUT : HOST_DATA_IN, data,
                        blocks * 512, answer);
}

/** The command failed, and said so in full. */
static void check_failed(const struct host_request *answer, uint32_t sense, uint64_t first_bad)
{
    CHILD_CHECK((answer->srb_status & 0x3F) == 4 && answer->scsi_status == 2);
    CHILD_CHECK(machine_sense(answer) == sense);
    CHILD_CHECK(answer->transferred == 0);
    if ((sense >> 16) == 3 && first_bad != UINT64_MAX) {
        CHILD_CHECK((answer->sense[0] & 0x80) != 0); /* INFORMATION is valid. */
        CHILD_CHECK(answer->sense[6] == first_bad);
    }
}

/** The next event is this media error. \return its number. */
static uint64_t check_event(uint64_t last, VMINI_ADDRESS disk, int32_t status)
{
    VMINI_EVENT event;

    CHILD_CHECK(machine_event(last, &event) == 0);
    CHILD_CHECK(event.Sequence == last + 1 && event.Lost == 0);
    CHILD_CHECK(event.Kind == VminiEventMediaError && event.Address.Target == disk.Target);
    CHILD_CHECK(status == 0 ? event.Status < 0 : event.Status == status);
    return event.Sequence;
}

/* --- errors --- */

static void errors(void *unused)
{
    static const struct {
        enum host_file_op op;
        int error;
        uint32_t sense;
        int32_t status; /* 0: any error. */
    } cases[] = {
        {HOST_FILE_WRITE, ENOSPC, NO_SPACE, MEDIA_DISK_FULL},
        {HOST_FILE_WRITE, EIO, WRITE_ERROR, 0},
        {HOST_FILE_WRITE, ENOMEM, NO_RESOURCES, 0},
        {HOST_FILE_WRITE, EROFS, PROTECTED, 0},
        {HOST_FILE_READ, EIO, READ_ERROR, 0},
        {HOST_FILE_READ, ENOMEM, NO_RESOURCES, 0},
        {HOST_FILE_FLUSH, EIO, WRITE_ERROR, 0},
        {HOST_FILE_FLUSH, ENOSPC, NO_SPACE, MEDIA_DISK_FULL},
    };
    VMINI_ADDRESS disk = boot();
    struct host_request answer;
    uint64_t event = 1; /* The arrival. */

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fault(cases[i].op, cases[i].error, UINT32_MAX, false);
        CHILD_CHECK(command(disk, cases[i].op, 7, 3, &answer) != 1);
        check_failed(&answer, cases[i].sense, cases[i].op == HOST_FILE_FLUSH ? UINT64_MAX : 7);
        event = check_event(event, disk, cases[i].status);
        CHILD_CHECK(command(disk, cases[i].op, 7, 3, NULL) == 1); /* It passes. */
    }
    machine_halt();
}

static void test_errors(void)
{
    CHILD_PASSES(errors, NULL);
}

/** An error of the flush is the last chance to hear of data that got lost: every command that
 *  flushes tells it, and so do FUA and DISCONNECT. */
static void flush_errors(void *unused)
{
    VMINI_ADDRESS disk = boot();
    uint8_t stop[6] = {0x1B}, cdb[16];
    struct host_request answer;

    (void)unused;
    fault(HOST_FILE_FLUSH, EIO, UINT32_MAX, false);
    CHILD_CHECK(host_send_flush(disk.Path, disk.Target, disk.Lun) != 1);
    fault(HOST_FILE_FLUSH, EIO, UINT32_MAX, false);
    CHILD_CHECK(machine_scsi(disk, stop, 6, HOST_DATA_NONE, NULL, 0, &answer) != 1);
    check_failed(&answer, WRITE_ERROR, UINT64_MAX);
    fault(HOST_FILE_WRITE, ENOSPC, UINT32_MAX, false);
    machine_rw_cdb(cdb, 10, true, 0, 1);
    cdb[1] = 0x08; /* FUA */
    CHILD_CHECK(machine_scsi(disk, cdb, 10, HOST_DATA_OUT, data, 512, &answer) != 1);
    check_failed(&answer, NO_SPACE, UINT64_MAX);
    fault(HOST_FILE_FLUSH, EIO, UINT32_MAX, false); /* Written, but not durable: not GOOD. */
    CHILD_CHECK(machine_scsi(disk, cdb, 10, HOST_DATA_OUT, data, 512, &answer) != 1);
    check_failed(&answer, WRITE_ERROR, UINT64_MAX);
    CHILD_CHECK((answer.sense[0] & 0x80) == 0); /* Which block it was, a flush does not say. */
    CHILD_CHECK(machine_scsi(disk, cdb, 10, HOST_DATA_OUT, data, 512, &answer) == 1);
    fault(HOST_FILE_FLUSH, ENOSPC, UINT32_MAX, false);
    CHILD_CHECK(machine_disconnect(image) == MEDIA_DISK_FULL);
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes); /* Closed all the same. */
    machine_halt();
}

static void test_flush_errors(void)
{
    CHILD_PASSES(flush_errors, NULL);
}

/** The close cannot fail on Windows; what it would have said, the flush before it has said. */
static void close_error(void *unused)
{
    (void)unused;
    boot();
    fault(HOST_FILE_CLOSE, EIO, UINT32_MAX, false);
    CHILD_CHECK(machine_disconnect(image) == 0);
    machine_disk(image, 0);
    machine_halt();
}

static void test_close_error(void)
{
    CHILD_PASSES(close_error, NULL);
}

/* --- less than asked for --- */

/** Every shorter length, one after the other: none is a success. */
static void short_transfers(void *argument)
{
    enum host_file_op op = *(const enum host_file_op *)argument;
    VMINI_ADDRESS disk = boot();
    struct host_request answer;

    for (uint32_t length = 0; length < 3 * 512; length++) {
        fault(op, 0, length, false);
        CHILD_CHECK(command(disk, op, 9, 3, &answer) != 1);
        check_failed(&answer, op == HOST_FILE_READ ? READ_ERROR : WRITE_ERROR, 9 + length / 512);
    }
    fault(op, 0, 3 * 512, false);
    CHILD_CHECK(command(disk, op, 9, 3, &answer) == 1 && answer.transferred == 3 * 512);
    machine_halt();
}

static void test_short_transfers(void)
{
    static enum host_file_op read = HOST_FILE_READ, write = HOST_FILE_WRITE;

    CHILD_PASSES(short_transfers, &read);
    CHILD_PASSES(short_transfers, &write);
}

/** VERIFY reads piece by piece: a piece that is short fails, too. */
static void short_verify(void *unused)
{
    VMINI_ADDRESS disk = boot();
    uint8_t verify[10] = {0x2F, 0, 0, 0, 0, 4, 0, 0, 3};
    struct host_request answer;

    (void)unused;
    for (uint32_t length = 0; length < 3 * 512; length += 97) {
        fault(HOST_FILE_READ, 0, length, false);
        CHILD_CHECK(machine_scsi(disk, verify, 10, HOST_DATA_NONE, NULL, 0, &answer) != 1);
        check_failed(&answer, READ_ERROR, UINT64_MAX);
    }
    machine_halt();
}

static void test_short_verify(void)
{
    CHILD_PASSES(short_verify, NULL);
}

/* --- the file changes underneath --- */

static void truncated(void *unused)
{
    VMINI_ADDRESS disk = boot();
    struct host_request answer;
    uint64_t event;

    (void)unused;
    CHILD_CHECK(truncate(image, 10 * 512 + 100) == 0);
    CHILD_CHECK(command(disk, HOST_FILE_READ, 0, 10, NULL) == 1);
    CHILD_CHECK(command(disk, HOST_FILE_READ, 8, 4, &answer) != 1);
    check_failed(&answer, READ_ERROR, 10); /* The first block that is not whole. */
    event = check_event(1, disk, MEDIA_END_OF_FILE);
    CHILD_CHECK(command(disk, HOST_FILE_READ, 20, 1, &answer) != 1);
    check_failed(&answer, READ_ERROR, 20);
    event = check_event(event, disk, MEDIA_END_OF_FILE);
    CHILD_CHECK(command(disk, HOST_FILE_WRITE, 20, 1, NULL) == 1); /* Makes it longer again. */
    CHILD_CHECK(command(disk, HOST_FILE_READ, 8, 4, NULL) == 1);
    machine_halt();
}

static void test_truncated(void)
{
    CHILD_PASSES(truncated, NULL);
    CU_ASSERT_EQUAL(truncate(image, BLOCKS * 512), 0);
}

/** Here a file that is open can be deleted: it goes on until it is closed, as an open file does. */
static void deleted(void *path)
{
    VMINI_ADDRESS disk;

    machine_boot_seeded(5);
    disk = machine_disk(path, 0);
    CHILD_CHECK(unlink(path) == 0);
    CHILD_CHECK(command(disk, HOST_FILE_WRITE, 1, 2, NULL) == 1);
    CHILD_CHECK(command(disk, HOST_FILE_READ, 1, 2, NULL) == 1);
    CHILD_CHECK(machine_disconnect(path) == 0);
    CHILD_CHECK(machine_connect(path, 0, NULL) == (int32_t)0xC0000034); /* Not found. */
    machine_halt();
}

static void test_deleted(void)
{
    CHILD_PASSES(deleted, (void *)(uintptr_t)machine_image("deleted.img", BLOCKS * 512));
}

/** The volume is gone under an open file, as a stick that was pulled out. */
static void volume_gone(void *unused)
{
    VMINI_ADDRESS disk = boot();
    struct host_request answer;

    (void)unused;
    fault(HOST_FILE_READ, ENODEV, UINT32_MAX, false);
    CHILD_CHECK(command(disk, HOST_FILE_READ, 0, 1, &answer) != 1);
    check_failed(&answer, MISSING, UINT64_MAX);
    machine_halt();
}

static void test_volume_gone(void)
{
    CHILD_PASSES(volume_gone, NULL);
}

/* --- no answer --- */

static struct host_request *hang(VMINI_ADDRESS disk, enum host_file_op op, uint32_t timeout)
{
    struct host_request *request = host_request_create();

    fault(op, 0, UINT32_MAX, true);
    request->path = disk.Path;
    request->target = disk.Target;
    request->lun = disk.Lun;
    if (op == HOST_FILE_FLUSH) {
        request->cdb[0] = 0x35;
        request->cdb_length = 10;
    } else {
        machine_rw_cdb(request->cdb, 16, op == HOST_FILE_WRITE, 3, 2);
        request->cdb_length = 16;
        request->direction = op == HOST_FILE_WRITE ? HOST_DATA_OUT : HOST_DATA_IN;
        request->data = data;
        request->data_length = 2 * 512;
    }
    request->timeout = timeout;
    host_submit(request);
    return request;
}

static void check_reset(struct host_request *request)
{
    host_wait(request);
    CHILD_CHECK((request->srb_status & 0x3F) == BUS_RESET && request->transferred == 0);
    host_request_free(request);
}

/** Nobody answers: Storport's clock runs out, the reset ladder ends the request, once. */
static void time_out(void *unused)
{
    static const enum host_file_op ops[] = {HOST_FILE_READ, HOST_FILE_WRITE, HOST_FILE_FLUSH};
    VMINI_ADDRESS disk = boot();

    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t before = sched_time();
        check_reset(hang(disk, ops[i], 2 + i));
        CHILD_CHECK(sched_time() - before >= (2 + i) * UINT64_C(10000000));
        CHILD_CHECK(command(disk, ops[i], 3, 2, NULL) == 1);
    }
    machine_halt();
}

static void test_time_out(void)
{
    CHILD_PASSES(time_out, NULL);
}

/**
 * Each rung of the ladder ends what hangs below it, and what waits behind it; not its neighbours.
 */
static void reset_of(void *argument)
{
    enum host_reset_level level = *(const enum host_reset_level *)argument;
    VMINI_ADDRESS disk = boot(), other = machine_disk(machine_image("other.img", 64 * 512), 0);
    struct host_request *write = hang(disk, HOST_FILE_WRITE, 60), *neighbour;

    sched_settle(sched_time());
    neighbour = hang(other, HOST_FILE_READ, 60);
    sched_settle(sched_time());
    CHILD_CHECK(host_reset(level, disk.Path, disk.Target, disk.Lun));
    check_reset(write);
    if (level != HOST_RESET_BUS) {
        host_file_release();
        host_wait(neighbour);
        CHILD_CHECK((neighbour->srb_status & 0x3F) == 1 && neighbour->transferred == 1024);
        host_request_free(neighbour);
    } else {
        check_reset(neighbour);
    }
    CHILD_CHECK(command(disk, HOST_FILE_WRITE, 3, 2, NULL) == 1);
    machine_halt();
}

static void test_reset(void)
{
    static enum host_reset_level levels[] = {HOST_RESET_UNIT, HOST_RESET_TARGET, HOST_RESET_BUS};

    for (unsigned i = 0; i < 3; i++) {
        CHILD_PASSES(reset_of, &levels[i]);
    }
}

/** A hundred requests, all hanging or behind those that hang; one reset ends them all. */
static void reset_of_many(void *unused)
{
    VMINI_ADDRESS disk = boot();
    struct host_file_fault all = {
        .op = HOST_FILE_READ, .nth = 1, .from_then_on = true, .hang = true, .short_to = UINT32_MAX};
    struct host_request *requests[100];

    (void)unused;
    for (unsigned i = 0; i < 100; i++) {
        requests[i] = hang(disk, HOST_FILE_READ, 60);
        host_file_faults_clear();
        host_file_fault_add(&all);
    }
    CHILD_CHECK(host_reset(HOST_RESET_UNIT, disk.Path, disk.Target, disk.Lun));
    host_file_faults_clear();
    for (unsigned i = 0; i < 100; i++) {
        host_wait(requests[i]);
        CHILD_CHECK((requests[i]->srb_status & 0x3F) == BUS_RESET ||
                    (requests[i]->srb_status & 0x3F) == 1); /* Those that came after the reset. */
        host_request_free(requests[i]);
    }
    machine_halt();
}

static void test_reset_of_many(void)
{
    CHILD_PASSES(reset_of_many, NULL);
}

/** An open that hangs: the CONNECT can be cancelled, and what the open brings later is put away. */
static void open_hangs(void *unused)
{
    VMINI_CONNECT_IN input;
    VMINI_CONNECT_OUT output;
    struct host_ioctl ioctl = {.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                               .input = &input,
                               .output = &output,
                               .output_length = sizeof(output)};

    (void)unused;
    machine_boot_seeded(5);
    fault(HOST_FILE_OPEN, 0, UINT32_MAX, true);
    ioctl.input_length = machine_connect_in(&input, image, 0);
    host_ioctl_start(&ioctl);
    sched_settle(sched_time());
    host_ioctl_cancel(&ioctl);
    CHILD_CHECK(host_ioctl_wait(&ioctl) == (int32_t)0xC0000120);         /* STATUS_CANCELLED */
    CHILD_CHECK(machine_connect(image, 0, NULL) == (int32_t)0xC0000035); /* Still being opened. */
    host_file_release();
    sched_settle(sched_time());
    CHILD_CHECK(host_units(NULL, 0) == 0);
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    machine_disk(image, 0);
    machine_halt();
}

static void test_open_hangs(void)
{
    CHILD_PASSES(open_hangs, NULL);
}

/* --- the volume asks to go --- */

static void query_remove(void *unused)
{
    VMINI_ADDRESS disk = boot();
    struct host_request *read, answer;
    VMINI_EVENT event;

    (void)unused;
    CHILD_CHECK(command(disk, HOST_FILE_WRITE, 0, 4, NULL) == 1);
    read = hang(disk, HOST_FILE_READ, 2); /* What is under way is ended first. */
    sched_settle(sched_time());
    CHILD_CHECK(host_volume_query_remove(image));
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    host_wait(read);
    CHILD_CHECK((read->srb_status & 0x3F) == BUS_RESET);
    host_request_free(read);
    command(disk, HOST_FILE_READ, 0, 1, &answer);
    CHILD_CHECK((answer.srb_status & 0x3F) == NO_DEVICE);
    CHILD_CHECK(machine_event(1, &event) == 0 && event.Kind == VminiEventDeparture);
    host_volume_remove_cancelled(image);
    host_settle();
    CHILD_CHECK(host_units(NULL, 0) == 0);
    machine_disk(image, 0); /* The address and the file are free again. */
    machine_halt();
}

static void test_query_remove(void)
{
    CHILD_PASSES(query_remove, NULL);
}

static int make_image(void)
{
    image = machine_image("faults.img", BLOCKS * 512);
    return 0;
}

CU_ErrorCode register_faults_suite(void);
CU_ErrorCode register_faults_suite(void)
{
    static CU_TestInfo tests[] = {
        {"ENOSPC, EIO, ENOMEM, EROFS in read, write and flush", test_errors},
        {"a failed flush is told, by whomever flushed", test_flush_errors},
        {"a failed close", test_close_error},
        {"every shorter read and write is a failure", test_short_transfers},
        {"so is every shorter VERIFY", test_short_verify},
        {"a file that is truncated underneath", test_truncated},
        {"a file that is deleted underneath", test_deleted},
        {"a volume that is gone", test_volume_gone},
        {"no answer: time-out and reset", test_time_out},
        {"reset of unit, target and bus", test_reset},
        {"reset of a hundred requests", test_reset_of_many},
        {"an open that hangs, and is cancelled", test_open_hangs},
        {"query-remove of the volume", test_query_remove},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"faults: the file system says no", make_image, machine_clean, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
