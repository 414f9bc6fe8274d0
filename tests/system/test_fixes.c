/*
 * What the fixes of chapter 6 repaired and no other suite meets for certain: a transfer that is
 * longer than its buffer, a reset, and two races. A race is a short scenario under 200 schedules (PCT): the
 * finished driver survives all of them, the tree without the fix does not (`make matrix`).
 *
 * The scheduling points are those of level 1, the imported routines.
 */
#include <CUnit/Basic.h>

#include <stdlib.h>
#include <string.h>

#include <storport.h>

#include "nt/explore.h"
#include "support/child.h"
#include "system/machine.h"

#define BLOCKS 64u
#define SEEDS  200u

static const char *image;

/** A thread beside the test's own, and how it ends. */
struct helper {
    void (*body)(struct helper *);
    KEVENT done;
};

static void helper_run(void *argument)
{
    struct helper *helper = argument;

    helper->body(helper);
    KeSetEvent(&helper->done, 0, FALSE);
}

static struct nt_thread *helper_start(struct helper *helper, void (*body)(struct helper *))
{
    helper->body = body;
    KeInitializeEvent(&helper->done, NotificationEvent, FALSE);
    return sched_spawn("helper", helper_run, helper);
}

static void helper_end(struct helper *helper, struct nt_thread *thread)
{
    KeWaitForSingleObject(&helper->done, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

/** The smallest machine that the races need: few addresses to scan, one worker. */
static void boot(void)
{
    struct host_options options = {
        .sched = {.kind = SCHED_SEEDED, .depth = 3, .expected_points = 750}, .verifier = true};
    struct host_error error;

    if (!host_boot(&options, &error) ||
        !host_install_bare(MACHINE_SERVICE, machine_driver(), true, &error) ||
        !host_set_parameter(MACHINE_SERVICE, "MaximumTargets", 2) ||
        !host_set_parameter(MACHINE_SERVICE, "MaximumLuns", 1) ||
        !host_set_parameter(MACHINE_SERVICE, "NumberOfWorkers", 1) || !host_start(&error)) {
        fprintf(stderr, "%s; %s\n", error.message, error.remedy);
        exit(1);
    }
}

/* --- 04: the CDB says nine blocks, the buffer has eight --- */

static void overrun(void *cdb_opcode)
{
    struct host_request answer = {0};
    static uint8_t data[8 * 512];
    uint8_t cdb[10] = {*(const uint8_t *)cdb_opcode, 0, 0, 0, 0, 0, 0, 0, 9, 0};
    VMINI_ADDRESS address;
    uint8_t status;

    machine_boot_seeded(1);
    address = machine_disk(image, 0);
    cdb[1] = cdb[0] == SCSIOP_VERIFY ? 0x02 : 0; /* BYTCHK 1: compare with the data. */
    status = machine_scsi(address, cdb, sizeof(cdb),
                          cdb[0] == SCSIOP_READ ? HOST_DATA_IN : HOST_DATA_OUT, data, sizeof(data),
                          &answer);
    CHILD_CHECK(status == SRB_STATUS_ERROR);
    CHILD_CHECK(answer.transferred == 0);
    CHILD_CHECK(machine_sense(&answer) == 0x052400);
    machine_halt();
}

static void test_read_overrun(void)
{
    static const uint8_t opcode = SCSIOP_READ;

    CHILD_PASSES(overrun, (void *)&opcode);
}

static void test_write_overrun(void)
{
    static const uint8_t opcode = SCSIOP_WRITE;

    CHILD_PASSES(overrun, (void *)&opcode);
}

static void test_verify_overrun(void)
{
    static const uint8_t opcode = SCSIOP_VERIFY;

    CHILD_PASSES(overrun, (void *)&opcode);
}

/* --- 13: the bus is reset while the file system has a read --- */

static void reset_while_a_read_hangs(void *unused)
{
    struct host_file_fault hang = {
        .op = HOST_FILE_READ, .nth = 1, .short_to = UINT32_MAX, .hang = true};
    struct host_request *request;
    static uint8_t data[512];
    VMINI_ADDRESS address;

    (void)unused;
    machine_boot_seeded(1);
    address = machine_disk(image, 0);
    host_file_fault_add(&hang);
    request = host_request_create();
    machine_rw16(request->cdb, SCSIOP_READ16, 0, 1);
    request->cdb_length = 16;
    request->target = address.Target;
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = sizeof(data);
    host_submit(request);
    sched_settle(sched_time());
    host_reset(HOST_RESET_BUS, 0, 0, 0);
    host_file_release();
    host_wait(request);
    CHILD_CHECK(SRB_STATUS(request->srb_status) == SRB_STATUS_BUS_RESET);
    host_request_free(request);
    machine_halt();
}

static void test_reset_while_a_read_hangs(void)
{
    CHILD_PASSES(reset_while_a_read_hangs, NULL);
}

/* --- races --- */

/** Runs so many schedules (VMINI_SEEDS, if it is set), and tells what was found. */
static void survives(void (*scenario)(void *))
{
    const char *fewer = getenv("VMINI_SEEDS");
    unsigned seeds = fewer != NULL && atoi(fewer) > 0 ? (unsigned)atoi(fewer) : SEEDS;
    uint64_t seed = 0;
    struct explore_result result = sched_sweep(scenario, NULL, SCHED_PCT, 1, seeds, &seed);

    if (result.outcome != EXPLORE_PASSED) {
        printf("\n--- %s at seed %llu: %s\n    in %s\n---\n", explore_outcome_name(result.outcome),
               (unsigned long long)seed, result.report.text, result.report.where);
    }
    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    explore_result_free(&result);
}

static void scanning(struct helper *helper)
{
    (void)helper;
    host_scan();
}

/** 12: the bus is scanned while a device arrives. */
static void scan_and_connect(void *unused)
{
    static struct helper helper;
    struct nt_thread *thread;

    (void)unused;
    boot();
    thread = helper_start(&helper, scanning);
    machine_disk(image, 0);
    helper_end(&helper, thread);
    machine_halt();
}

/** 21: the adapter goes, and the driver is unloaded at once. */
static void remove_and_unload(void *unused)
{
    (void)unused;
    boot();
    machine_halt();
}

static void test_scan_and_connect(void)
{
    survives(scan_and_connect);
}

static void test_remove_and_unload(void)
{
    survives(remove_and_unload);
}

static int make_image(void)
{
    image = machine_image("a.img", BLOCKS * 512);
    return 0;
}

CU_ErrorCode register_fixes_suite(void)
{
    static const CU_TestInfo cases[] = {
        {"a READ longer than its buffer", test_read_overrun},
        {"a WRITE longer than its buffer", test_write_overrun},
        {"a VERIFY longer than its buffer", test_verify_overrun},
        {"a bus reset while a read hangs", test_reset_while_a_read_hangs},
        {"a scan while a disk arrives", test_scan_and_connect},
        {"unload right after removal", test_remove_and_unload},
    };
    CU_pSuite suite = CU_add_suite("fixes: what chapter 6 repaired", make_image, machine_clean);

    for (size_t i = 0; suite != NULL && i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (CU_add_test(suite, cases[i].pName, cases[i].pTestFunc) == NULL) {
            return CU_get_error();
        }
    }
    return suite != NULL ? CUE_SUCCESS : CU_get_error();
}
