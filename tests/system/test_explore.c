/*
 * The life of the adapter under many schedules: a random script of everything that can happen to
 * it, a seed for each run, and the short life cycles exhausted up to one preemption, or two. A run fails
 * by a bugcheck, a crash, a leak or a hang.
 *
 * VMINI_SEEDS says how many seeds (`make explore`: 10,000), VMINI_THOROUGH that it may take long,
 * VMINI_SEED=n replays a seed and prints its trace.
 */
#include <CUnit/Basic.h>

#include <stdlib.h>
#include <string.h>

#include "nt/explore.h"
#include "nt/fiber.h"
#include "nt/nt.h"
#include "support/child.h"
#include "system/machine.h"

#define IMAGES   3
#define REQUESTS 6
#define IOCTLS   6
#define STEPS    40
#define BLOCKS   64u

static const char *images[IMAGES];

/** What a script has under way. */
struct script {
    uint64_t state;
    struct host_request *requests[REQUESTS];
    bool submitted[REQUESTS];
    uint8_t data[REQUESTS][8 * 512];
    struct host_ioctl ioctls[IOCTLS];
    bool sent[IOCTLS];
    union {
        VMINI_CONNECT_IN connect;
        VMINI_DISCONNECT_IN disconnect;
        VMINI_WAIT_EVENT_IN wait;
    } inputs[IOCTLS];
    union {
        VMINI_CONNECT_OUT connect;
        VMINI_EVENT event;
    } outputs[IOCTLS];
    bool stopped;
};

static uint32_t pick(struct script *script, uint32_t count)
{
    script->state = script->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(script->state >> 33) % count;
}

/** Waits for one request, if it is under way. */
static void reap_request(struct script *script, unsigned slot)
{
    if (script->submitted[slot]) {
        host_wait(script->requests[slot]);
        script->submitted[slot] = false;
    }
}

static void step_io(struct script *script)
{
    unsigned slot = pick(script, REQUESTS);
    struct host_request *request = script->requests[slot];
    bool write = pick(script, 2) != 0;
    uint32_t blocks = 1 + pick(script, 8);

    reap_request(script, slot);
    request->path = 0;
    request->target = (uint8_t)pick(script, IMAGES);
    request->lun = 0;
    machine_rw16(request->cdb, write ? 0x8A : 0x88, pick(script, BLOCKS), blocks);
    request->cdb[1] = write && pick(script, 4) == 0 ? 0x08 : 0; /* FUA */
    request->cdb_length = 16;
    request->direction = write ? HOST_DATA_OUT : HOST_DATA_IN;
    request->data = script->data[slot];
    request->data_length = blocks * 512;
    script->submitted[slot] = true;
    host_submit(request);
}

/** Commands of several steps, and those that are about space: some initiators at once, on the same
 *  few blocks. */
static void step_rare(struct script *script)
{
    static const struct {
        uint8_t opcode, flags;
        uint32_t blocks, length; /* Of the CDB; bytes of data. */
    } kinds[] = {{0x89, 0, 1, 1024},   {0x8B, 0, 2, 1024}, {0x8E, 0x02, 2, 1024}, {0x93, 0, 4, 512},
                 {0x93, 0x08, 4, 512}, {0x93, 0x01, 4, 0}, {0x9E, 0x12, 256, 256}};
    unsigned slot = pick(script, REQUESTS), which = pick(script, 8);
    struct host_request *request = script->requests[slot];

    reap_request(script, slot);
    request->path = 0;
    request->target = (uint8_t)pick(script, IMAGES);
    request->lun = 0;
    request->data = script->data[slot];
    memset(request->data, (int)pick(script, 2), sizeof(script->data[slot]));
    if (which == 7) {
        memset(request->cdb, 0, sizeof(request->cdb));
        memcpy(request->data,
               (uint8_t[24]){0, 22, 0, 16, [15] = (uint8_t)pick(script, 8), [19] = 8}, 24);
        request->cdb[0] = 0x42;
        request->cdb[8] = 24;
        request->cdb_length = 10;
        request->data_length = 24;
    } else {
        machine_rw16(request->cdb, kinds[which].opcode, pick(script, 8), kinds[which].blocks);
        request->cdb[1] = kinds[which].flags;
        request->cdb_length = 16;
        request->data_length = kinds[which].length;
    }
    request->direction = request->data_length == 0 ? HOST_DATA_NONE
                         : request->cdb[0] == 0x9E ? HOST_DATA_IN
                                                   : HOST_DATA_OUT;
    script->submitted[slot] = true;
    host_submit(request);
}

static void step_command(struct script *script)
{
    static const uint8_t cdbs[][6] = {
        {0}, {0x12, 0, 0, 0, 36, 0}, {0x1A, 0, 0x3F, 0, 64, 0}, {0x1E, 0, 0, 0, 1, 0}};
    uint8_t data[64];
    unsigned which = pick(script, 4);
    VMINI_ADDRESS address = {0, (UCHAR)pick(script, IMAGES + 1), (UCHAR)pick(script, 2), 0};

    machine_scsi(address, cdbs[which], 6, which == 1 || which == 2 ? HOST_DATA_IN : HOST_DATA_NONE,
                 data, cdbs[which][4], NULL);
}

/**
 * Ends an IOCTL that is under way: cancelled now and then, and waited for. A WAIT_EVENT may never
 * end by itself.
 */
static void reap_ioctl(struct script *script, unsigned slot, bool cancel)
{
    if (script->sent[slot]) {
        if (cancel || script->ioctls[slot].input_length == sizeof(VMINI_WAIT_EVENT_IN)) {
            host_ioctl_cancel(&script->ioctls[slot]);
        }
        host_ioctl_wait(&script->ioctls[slot]);
        script->sent[slot] = false;
    }
}

static void step_ioctl(struct script *script)
{
    unsigned slot = pick(script, IOCTLS), what = pick(script, 5);
    struct host_ioctl *ioctl = &script->ioctls[slot];
    const char *image = images[pick(script, IMAGES)];

    reap_ioctl(script, slot, pick(script, 2) != 0);
    memset(ioctl, 0, sizeof(*ioctl));
    ioctl->code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
    ioctl->input = &script->inputs[slot];
    ioctl->output = &script->outputs[slot];
    if (what < 2) {
        ioctl->input_length = machine_connect_in(&script->inputs[slot].connect, image,
                                                 pick(script, 2) != 0 ? VMINI_CONNECT_THIN : 0);
        ioctl->output_length = sizeof(VMINI_CONNECT_OUT);
    } else if (what < 4) {
        ioctl->input_length = machine_disconnect_in(&script->inputs[slot].disconnect, image);
    } else {
        VMINI_WAIT_EVENT_IN *wait = &script->inputs[slot].wait;
        memset(wait, 0, sizeof(*wait));
        wait->Command = (VMINI_COMMAND){VMINI_COMMAND_SIGNATURE, VMINI_COMMAND_VERSION,
                                        VminiCommandWaitEvent, sizeof(*wait)};
        wait->LastSequence = pick(script, 4);
        ioctl->input_length = sizeof(*wait);
        ioctl->output_length = sizeof(VMINI_EVENT);
    }
    script->sent[slot] = true;
    host_ioctl_start(ioctl);
}

static void reap_everything(struct script *script)
{
    host_file_release();
    if (script->stopped) {
        host_adapter_restart(NULL);
        script->stopped = false;
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        reap_request(script, i);
    }
    for (unsigned i = 0; i < IOCTLS; i++) {
        reap_ioctl(script, i, false);
    }
}

/** Power transition, removal with IOCTLs still pending, a whole new start. */
static void step_adapter(struct script *script)
{
    struct host_error error;

    for (unsigned i = 0; i < REQUESTS; i++) {
        reap_request(script, i);
    }
    switch (pick(script, 3)) {
    case 0:
        script->stopped = host_adapter_stop(NULL);
        break;
    case 1:
        reap_everything(script);
        host_volume_query_remove(images[pick(script, IMAGES)]);
        break;
    default:
        host_file_release();
        if (!host_remove(&error) || !host_unload(&error) || !host_start(&error)) {
            fprintf(stderr, "script: %s; %s\n", error.message, error.remedy);
            exit(1);
        }
        break;
    }
}

static void step_reset(struct script *script)
{
    host_reset((enum host_reset_level)pick(script, 3), 0, (uint8_t)pick(script, IMAGES), 0);
}

static void step_fault(struct script *script)
{
    static const enum host_file_op ops[] = {HOST_FILE_READ, HOST_FILE_WRITE, HOST_FILE_CONTROL};
    struct host_file_fault fault = {
        .op = ops[pick(script, 3)], .nth = 1 + pick(script, 3), .short_to = UINT32_MAX};

    switch (pick(script, 3)) {
    case 0:
        fault.error = 5; /* EIO */
        break;
    case 1:
        fault.error = 28; /* ENOSPC */
        break;
    default:
        fault.short_to = 512;
        break;
    }
    host_file_fault_add(&fault);
}

static uint64_t number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t seeds(void)
{
    return number("VMINI_SEED", 0) != 0 ? 1 : number("VMINI_SEEDS", child_seeds(400));
}

static void print_trace(void)
{
    trace_print(stdout, 0);
}

static void random_script(void *unused)
{
    static struct script script;
    struct host_options options = {.sched = {.kind = SCHED_SEEDED}, .verifier = true};

    (void)unused;
    if (number("VMINI_SEED", 0) != 0) {
        trace_enable(~(1u << TRACE_ROUTINE | 1u << TRACE_IRQL));
        host_on_bugcheck(print_trace);
    }
    machine_boot_sized(&options, 1, IMAGES, 2);
    memset(&script, 0, sizeof(script));
    script.state = sched_seed() * 2 + 1;
    for (unsigned i = 0; i < REQUESTS; i++) {
        script.requests[i] = host_request_create();
    }
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t what = pick(&script, 100);
        if (script.stopped) {
            host_adapter_restart(NULL);
            script.stopped = false;
        }
        if (what < 28) {
            step_io(&script);
        } else if (what < 40) {
            step_rare(&script);
        } else if (what < 65) {
            step_ioctl(&script);
        } else if (what < 75) {
            step_command(&script);
        } else if (what < 84) {
            step_reset(&script);
        } else if (what < 88) {
            step_fault(&script);
        } else if (what < 96) {
            host_scan();
        } else {
            step_adapter(&script);
        }
    }
    reap_everything(&script);
    for (unsigned i = 0; i < REQUESTS; i++) {
        host_request_free(script.requests[i]);
    }
    machine_halt();
}

static void report(const char *what, const struct explore_result *result, uint64_t seed)
{
    if (result->outcome != EXPLORE_PASSED) {
        printf("\n    %s: %s (status %d) at seed %llu: %s\n", what,
               explore_outcome_name(result->outcome), result->status, (unsigned long long)seed,
               result->report.text);
    } else {
        printf("\n    %s: %llu runs%s ", what, (unsigned long long)result->runs,
               result->exhausted ? ", exhausted" : "");
    }
}

static void test_random_scripts(void)
{
    uint64_t seed = 0;
    struct explore_result result =
        sched_sweep(random_script, NULL, SCHED_RANDOM, number("VMINI_SEED", 1), seeds(), &seed);

    report("random schedules", &result, seed);
    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    explore_result_free(&result);
}

static void test_pct_scripts(void)
{
    uint64_t seed = 0;
    struct explore_result result =
        sched_sweep(random_script, NULL, SCHED_PCT, 1, seeds() / 4, &seed);

    report("PCT schedules", &result, seed);
    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    explore_result_free(&result);
}

/* --- exhausted --- */

/** What is explored is the order of things, not how often they happen: one address, one worker. */
static void boot_small(bool with_disk)
{
    struct host_options options = {.sched = {.kind = SCHED_SEEDED}, .verifier = true};
    struct host_error error;

    if (!host_boot(&options, &error) ||
        !host_install_bare(MACHINE_SERVICE, machine_driver(), true, &error)) {
        fprintf(stderr, "explore: %s; %s\n", error.message, error.remedy);
        exit(1);
    }
    host_set_parameter(MACHINE_SERVICE, "MaximumTargets", 1);
    host_set_parameter(MACHINE_SERVICE, "MaximumLuns", 1);
    host_set_parameter(MACHINE_SERVICE, "NumberOfWorkers", 1);
    if (!host_start(&error)) {
        fprintf(stderr, "explore: %s; %s\n", error.message, error.remedy);
        exit(1);
    }
    if (with_disk) {
        machine_disk(images[0], 0);
    }
    host_settle();
    sched_settle(sched_time());
}

static struct host_request *read_request(void)
{
    static uint8_t data[512];
    struct host_request *request = host_request_create();

    machine_rw16(request->cdb, 0x88, 0, 1);
    request->cdb_length = 16;
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = sizeof(data);
    return request;
}

/** Stop, restart, remove, unload, with a worker and the delete thread at work. */
static void end_of_life(void *unused)
{
    struct host_error error;

    (void)unused;
    boot_small(false);
    sched_explore_from_here();
    if (!host_adapter_stop(&error) || !host_adapter_restart(&error) || !host_remove(&error) ||
        !host_unload(&error)) {
        fprintf(stderr, "explore: %s; %s\n", error.message, error.remedy);
        exit(1);
    }
    sched_explore_to_here();
    machine_halt();
}

/** A READ under way, a reset of its unit. */
static void read_and_reset(void *unused)
{
    struct host_request *read;

    (void)unused;
    boot_small(true);
    read = read_request();
    sched_explore_from_here();
    host_submit(read);
    host_reset(HOST_RESET_UNIT, 0, 0, 0);
    host_wait(read);
    sched_explore_to_here();
    host_request_free(read);
    machine_halt();
}

static void send_disconnect(void *unused)
{
    (void)unused;
    machine_disconnect(images[0]);
}

/** A READ that arrives while another thread disconnects its disk. */
static void read_and_disconnect(void *unused)
{
    struct nt_thread *thread;
    struct host_request *read;

    (void)unused;
    boot_small(true);
    read = read_request();
    sched_explore_from_here();
    thread = sched_spawn("disconnect", send_disconnect, NULL);
    host_submit(read);
    sched_explore_to_here();
    host_wait(read);
    nt_wait(thread, NULL);
    nt_object_dereference(thread);
    host_request_free(read);
    machine_halt();
}

/** A CONNECT that is cancelled while its worker opens the file and Storport finds the device. */
static void connect_and_cancel(void *unused)
{
    static VMINI_CONNECT_IN in;
    static VMINI_CONNECT_OUT out;
    struct host_ioctl connect = {.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                                 .input = &in,
                                 .output = &out,
                                 .output_length = sizeof(out)};

    (void)unused;
    boot_small(false);
    connect.input_length = machine_connect_in(&in, images[0], 0);
    sched_explore_from_here();
    host_ioctl_start(&connect);
    host_ioctl_cancel(&connect);
    host_ioctl_wait(&connect);
    sched_explore_to_here();
    host_settle();
    machine_halt();
}

static void exhaust(const char *what, void (*scenario)(void *), unsigned bound)
{
    struct explore_result result;
    char words[80];

#if defined(FIBER_TSAN)
    /* Each schedule is a fork in the middle of a run, with all of its threads: ThreadSanitizer knows
     * nothing of any of them afterwards, and reports what is ordered. */
    printf("\n    skipped under ThreadSanitizer: %s ", what);
    return;
#endif
    result = sched_explore(scenario, NULL, bound, 0);

    snprintf(words, sizeof(words), "%s, %u preemptions", what, bound);
    report(words, &result, 0);
    CU_ASSERT_EQUAL(result.outcome, EXPLORE_PASSED);
    CU_ASSERT_TRUE(result.exhausted);
    explore_result_free(&result);
}

/** `make explore` looks at all of them with two preemptions, `make explore SEEDS=1000` (CI) at the
 *  short ones, `make test` at none: with one. */
static unsigned bound(bool is_long)
{
    return child_thorough() && (!is_long || seeds() >= 10000) ? CHILD_PREEMPTIONS : 1;
}

static void test_end_of_life_exhausted(void)
{
    exhaust("stop, restart, remove, unload", end_of_life, bound(false));
}

static void test_read_and_reset_exhausted(void)
{
    exhaust("READ and reset", read_and_reset, bound(false));
}

static void test_read_and_disconnect_exhausted(void)
{
    exhaust("READ and DISCONNECT", read_and_disconnect, bound(true));
}

static void test_connect_and_cancel_exhausted(void)
{
    exhaust("CONNECT and cancel", connect_and_cancel, bound(true));
}

static int make_images(void)
{
    images[0] = machine_image("a.img", BLOCKS * 512);
    images[1] = machine_image("b.img", BLOCKS * 512);
    images[2] = machine_image("c.img", BLOCKS * 512);
    return 0;
}

CU_ErrorCode register_explore_suite(void);
CU_ErrorCode register_explore_suite(void)
{
    static CU_TestInfo tests[] = {
        {"random scripts, random schedules", test_random_scripts},
        {"random scripts, PCT schedules", test_pct_scripts},
        {"stop, restart, remove, unload, exhausted", test_end_of_life_exhausted},
        {"READ and reset, exhausted", test_read_and_reset_exhausted},
        {"READ and DISCONNECT, exhausted", test_read_and_disconnect_exhausted},
        {"CONNECT and cancel, exhausted", test_connect_and_cancel_exhausted},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"explore: the adapter's life under many schedules", make_images,
                              machine_clean, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
