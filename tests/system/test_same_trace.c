/*
 * One source, two images: under one seed the .so and the .sys make the same calls in the same order
 * at the same virtual times, so their traces are equal as text, to the last record. Whatever the
 * compilers do differently must not show; and what somebody finds with one image can be looked at
 * with the other.
 */
#include <CUnit/Basic.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/child.h"
#include "system/machine.h"

#define SEEDS 12

/** One run of the script: what a child is told, and where it leaves its trace. */
struct run {
    const char *driver;
    uint64_t seed;
    FILE *trace;
    bool later; /**< Other machines have lived in this process. */
};

static const char *image_file;

static const char *sys_driver(void)
{
    const char *named = getenv("VMINI_SYS");
    const char *path = named != NULL ? named : "build/windows/vmini.sys";

    return access(path, R_OK) == 0 ? path : NULL;
}

static void boot(const struct run *run)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED, .seed = run->seed},
                                   .verifier = true};
    struct host_error error;

    trace_enable(UINT32_MAX);
    CHILD_CHECK(host_boot(&options, &error));
    CHILD_CHECK(host_install_bare(MACHINE_SERVICE, run->driver, true, &error));
    CHILD_CHECK(host_set_parameter(MACHINE_SERVICE, "TraceLevel", 5));
    CHILD_CHECK(host_set_parameter(MACHINE_SERVICE, "NumberOfWorkers", 3));
    CHILD_CHECK(host_start(&error));
}

/** Several requests at once, so that the workers overtake each other; a reset in their midst. */
static void overlapping_requests(VMINI_ADDRESS address)
{
    static uint8_t data[8][4096];
    struct host_request *requests[8];

    for (unsigned i = 0; i < 8; i++) {
        requests[i] = host_request_create();
        requests[i]->path = address.Path;
        requests[i]->target = address.Target;
        requests[i]->lun = address.Lun;
        machine_rw16(requests[i]->cdb, i % 2 == 0 ? 0x8A : 0x88, 8 * i, 8);
        requests[i]->cdb_length = 16;
        requests[i]->direction = i % 2 == 0 ? HOST_DATA_OUT : HOST_DATA_IN;
        requests[i]->data = data[i];
        requests[i]->data_length = sizeof data[i];
        host_submit(requests[i]);
        if (i == 5) {
            host_reset(HOST_RESET_UNIT, address.Path, address.Target, address.Lun);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        host_wait(requests[i]);
        host_request_free(requests[i]);
    }
}

/** A disk, commands good and bad, a stop and a restart, a disconnect, the whole
 *  life. */
static void live(const struct run *run)
{
    VMINI_CONNECT_OUT disk;
    uint8_t data[512] = {0}, inquiry[6] = {0x12, 1, 0x83, 0, 255, 0}, bad[6] = {0xDF};
    struct host_error error;

    boot(run);
    CHILD_CHECK(machine_connect(image_file, 0, &disk) == 0);
    CHILD_CHECK(machine_connect("/no/such/image", 0, NULL) < 0);
    host_settle();
    machine_scsi(disk.Address, inquiry, 6, HOST_DATA_IN, data, 255, NULL);
    machine_scsi(disk.Address, bad, 6, HOST_DATA_NONE, NULL, 0, NULL);
    CHILD_CHECK(machine_write(disk.Address, 63, 1, 512, data) == 1);
    CHILD_CHECK(machine_read(disk.Address, 64, 1, 512, data) != 1); /* Beyond the end. */
    overlapping_requests(disk.Address);
    CHILD_CHECK(host_adapter_stop(&error) && host_adapter_restart(&error));
    CHILD_CHECK(machine_disconnect(image_file) == 0);
    host_settle();
    CHILD_CHECK(host_remove(&error) && host_unload(&error));
    CHILD_CHECK(host_halt(stderr) == 0);
}

static void script(void *argument)
{
    const struct run *run = argument;
    struct run before = *run;

    for (unsigned i = 0; run->later && i < 3; i++) {
        before.seed++;
        live(&before);
        trace_clear();
    }
    live(run);
    trace_print(run->trace, 0);
    CHILD_CHECK(fflush(run->trace) == 0);
}

/** Runs the script. \return the trace, to be freed. */
static char *trace_of(const char *driver, uint64_t seed, bool later)
{
    struct run run = {driver, seed, fdopen(memfd_create("trace", 0), "w+"), later};
    char *text;
    long length;

    CU_ASSERT_PTR_NOT_NULL_FATAL(run.trace);
    CHILD_PASSES(script, &run);
    fseek(run.trace, 0, SEEK_END);
    length = ftell(run.trace);
    rewind(run.trace);
    text = calloc(1, (size_t)length + 1);
    CU_ASSERT_EQUAL(fread(text, 1, (size_t)length, run.trace), (size_t)length);
    fclose(run.trace);
    return text;
}

/** Two traces are the same; shows the first line that differs. */
static void compare(const char *one, const char *other, uint64_t seed)
{
    size_t at = 0, line = 1, start = 0;

    while (one[at] == other[at] && one[at] != '\0') {
        if (one[at++] == '\n') {
            line++;
            start = at;
        }
    }
    if (one[at] != other[at]) {
        printf("\nseed %llu, record %zu\n    %.*s\n    %.*s\n", (unsigned long long)seed, line,
               (int)strcspn(one + start, "\n"), one + start, (int)strcspn(other + start, "\n"),
               other + start);
        CU_FAIL("the traces differ");
    }
}

static void test_same_image_same_trace(void)
{
    char *one = trace_of(machine_driver(), 1, false), *again = trace_of(machine_driver(), 1, false);
    char *other_seed = trace_of(machine_driver(), 2, false);

    CU_ASSERT_TRUE(strlen(one) > 10000);
    compare(one, again, 1);
    CU_ASSERT_STRING_NOT_EQUAL(one, other_seed); /* The schedule does depend on the seed. */
    free(one);
    free(again);
    free(other_seed);
}

/** Exploration makes many runs in one process: none may show in the next. */
static void test_later_machine_same_trace(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        char *first = trace_of(machine_driver(), seed, false);
        char *later = trace_of(machine_driver(), seed, true);

        compare(first, later, seed);
        free(first);
        free(later);
    }
}

static void test_so_and_sys_same_trace(void)
{
    if (sys_driver() == NULL) {
        printf("\n    skipped: mingw-w64 is not installed; make deps-windows installs it ");
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char *so = trace_of(machine_driver(), seed, false),
             *sys = trace_of(sys_driver(), seed, false);

        CU_ASSERT_TRUE(strlen(so) > 10000);
        compare(so, sys, seed);
        free(so);
        free(sys);
    }
}

static int make_image(void)
{
    image_file = machine_image("trace.img", 64 * 512);
    return 0;
}

CU_ErrorCode register_same_trace_suite(void);
CU_ErrorCode register_same_trace_suite(void)
{
    static CU_TestInfo tests[] = {
        {"the same image and seed, the same trace", test_same_image_same_trace},
        {"the same seed, the same trace, whatever the process has run before",
         test_later_machine_same_trace},
        {"vmini.so and vmini.sys, the same trace for each seed", test_so_and_sys_same_trace},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"traces: .so and .sys", make_image, machine_clean, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
