/*
 * The port driver: registration and its errors, the order and IRQL of the callbacks, the bus scan,
 * both SRB forms, buffers, BUSY, time-outs and the reset ladder, queue depth, stop and restart, and
 * each rule about SRBs broken by a miniport that does just that (fixtures/portcase.c).
 */
#include "port_fixture.h"

#include <ntddscsi.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start(struct port_machine machine)
{
    struct host_error error;

    if (!port_machine_start(machine, &error)) {
        fprintf(stderr, "%s\n", error.message);
        CHILD_CHECK(!"the adapter starts");
    }
}

/* --- registration and configuration --- */

static void both_forms_register(void *word)
{
    start(PORT_MACHINE(word));
    port_machine_end();
}

static void test_both_forms_register(void)
{
    CHILD_PASSES(both_forms_register, NULL); /* VIRTUAL_HW_INITIALIZATION_DATA */
    CHILD_PASSES(both_forms_register, "good");
}

struct refusal {
    const char *word;
    const char *reason;
};

static void is_refused(void *argument)
{
    const struct refusal *refusal = argument;
    struct host_error error = {.message = ""};

    CHILD_CHECK(!port_machine_start(PORT_MACHINE(refusal->word), &error));
    fprintf(stderr, "%s\n", error.message);
    CHILD_CHECK(strstr(error.message, refusal->reason) != NULL);
    CHILD_CHECK(host_halt(stderr) == 0);
}

static void test_refusals(void)
{
    static const struct refusal refusals[] = {
        {"size", "C0000059"},
        {"null", "C000000D"},
        {"physical", "STOR_FEATURE_VIRTUAL_MINIPORT"},
        {"novirtual", "VirtualDevice"},
        {"noscatter", "ScatterGather"},
        {"nomap", "MapBuffers"},
        {"notransfer", "MaximumTransferLength"},
        {"nobuses", "NumberOfBuses"},
        {"nocontrol", "HwAdapterControl"},
        {"noservice", "HwCompleteServiceIrp"},
        {"notfound", "SP_RETURN_NOT_FOUND"},
        {"initfalse", "HwInitialize"},
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(refusals); i++) {
        CHILD_PASSES(is_refused, (void *)(uintptr_t)&refusals[i]);
    }
}

/* --- the order of the callbacks --- */

static void callbacks_come_in_order(void *unused)
{
    static const struct {
        const char *name;
        uint8_t irql;
        int argument; /* -1: any */
    } order[] = {
        {"DriverEntry", PASSIVE_LEVEL, -1},
        {"HwInitializeTracing", PASSIVE_LEVEL, -1},
        {"HwFindAdapter", PASSIVE_LEVEL, -1},
        {"HwInitialize", PASSIVE_LEVEL, -1},
        {"HwPassiveInitializeRoutine", PASSIVE_LEVEL, -1},
        {"HwAdapterControl", PASSIVE_LEVEL, ScsiQuerySupportedControlTypes},
        {"HwAdapterControl", DISPATCH_LEVEL, ScsiStopAdapter},
        {"HwAdapterControl", DISPATCH_LEVEL, ScsiRestartAdapter},
        {"HwCompleteServiceIrp", PASSIVE_LEVEL, -1},
        {"HwAdapterControl", DISPATCH_LEVEL, ScsiStopAdapter},
        {"HwFreeAdapterResources", PASSIVE_LEVEL, -1},
        {"DriverUnload", PASSIVE_LEVEL, -1},
        {"HwCleanupTracing", PASSIVE_LEVEL, -1},
    };
    struct host_error error;
    size_t at = 0;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    CHILD_CHECK(host_adapter_stop(&error));
    CHILD_CHECK(host_adapter_restart(&error));
    CHILD_CHECK(host_remove(&error));
    CHILD_CHECK(host_unload(&error));
    for (size_t i = 0; i < trace_count(); i++) {
        const struct trace_record *record = trace_at(i);

        if (record->kind == TRACE_CALLBACK_ENTER && strcmp(record->name, "HwStartIo") != 0 &&
            strcmp(record->name, "AddDevice") != 0) {
            fprintf(stderr, "%s irql %u argument %d\n", record->name, record->irql,
                    (int)record->argument[0]);
            CHILD_CHECK(at < RTL_NUMBER_OF(order));
            CHILD_CHECK(strcmp(record->name, order[at].name) == 0);
            CHILD_CHECK(record->irql == order[at].irql);
            CHILD_CHECK(order[at].argument == -1 || (int)record->argument[0] == order[at].argument);
            at++;
        }
    }
    CHILD_CHECK(at == RTL_NUMBER_OF(order));
    CHILD_CHECK(host_halt(stderr) == 0);
}

static void test_callback_order(void)
{
    CHILD_PASSES(callbacks_come_in_order, NULL);
}

/** HwStartIo comes at PASSIVE_LEVEL and at DISPATCH_LEVEL, as the seed decides. */
static void startio_irql_varies(void *unused)
{
    unsigned levels[3] = {0};

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    for (size_t i = port_find(0, TRACE_CALLBACK_ENTER, "HwStartIo"); i != SIZE_MAX;
         i = port_find(i + 1, TRACE_CALLBACK_ENTER, "HwStartIo")) {
        levels[trace_at(i)->irql]++;
    }
    CHILD_CHECK(levels[PASSIVE_LEVEL] > 3 && levels[DISPATCH_LEVEL] > 3);
    port_machine_end();
}

static void test_startio_irql_varies(void)
{
    CHILD_PASSES(startio_irql_varies, NULL);
}

/* --- the scan --- */

static void scan_finds_who_answers(void *unused)
{
    static const uint8_t expected[5][3] = {{0, 0, 0}, {0, 1, 5}, {1, 0, 0}, {1, 0, 1}, {1, 0, 2}};
    struct host_unit units[8];

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    CHILD_CHECK(host_units(units, 8) == 5);
    for (size_t i = 0; i < 5; i++) {
        bool found = false;

        for (size_t j = 0; j < 5; j++) {
            found = found || (units[j].path == expected[i][0] &&
                              units[j].target == expected[i][1] && units[j].lun == expected[i][2]);
        }
        CHILD_CHECK(found);
        CHILD_CHECK(units[i].claimed && strcmp(units[i].vendor, "TESTS") == 0);
        CHILD_CHECK(strcmp(units[i].product, "PORT CASE") == 0 &&
                    strcmp(units[i].serial, "S1") == 0);
    }
    CHILD_CHECK(host_bus_type() == 0xE);
    port_machine_end();
}

/** Commands of the first scan at an address, by opcode. */
static unsigned scan_commands(uint8_t path, uint8_t target, uint8_t lun, uint8_t opcode)
{
    size_t end = port_find(0, TRACE_PNP, "scan-ends");
    unsigned count = 0;

    for (size_t i = 0; i < end; i++) {
        const struct trace_record *record = trace_at(i);

        count += record->kind == TRACE_SRB_START && record->argument[2] == opcode &&
                 record->argument[1] == ((uint64_t)path << 16 | (uint64_t)target << 8 | lun);
    }
    return count;
}

static void scan_probes_as_documented(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    for (uint8_t path = 0; path < 2; path++) {
        for (uint8_t target = 0; target < 2; target++) {
            CHILD_CHECK(scan_commands(path, target, 0, SCSIOP_REPORT_LUNS) == 1);
        }
    }
    CHILD_CHECK(scan_commands(0, 1, 0, SCSIOP_INQUIRY) == 0); /* REPORT LUNS did not list it */
    CHILD_CHECK(scan_commands(0, 1, 5, SCSIOP_INQUIRY) == 4); /* and VPD 00, 80, 83 */
    for (uint8_t lun = 3; lun < 8; lun++) {
        CHILD_CHECK(scan_commands(1, 0, lun, SCSIOP_INQUIRY) == 1);
    }
    CHILD_CHECK(scan_commands(1, 0, 8, SCSIOP_INQUIRY) == 0);
    CHILD_CHECK(scan_commands(1, 1, 0, SCSIOP_INQUIRY) == 1 &&
                scan_commands(1, 1, 1, SCSIOP_INQUIRY) == 0);
    port_machine_end();
}

static void units_depart_and_arrive(void *unused)
{
    static const uint8_t away[6] = {SCSIOP_START_STOP_UNIT},
                         back[6] = {SCSIOP_START_STOP_UNIT, 0, 0, 0, 1};
    struct host_unit units[8];

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    CHILD_CHECK(port_command(0, 1, 5, away, 6, NULL, 0) == SRB_STATUS_SUCCESS);
    host_settle();
    CHILD_CHECK(host_units(units, 8) == 4);
    CHILD_CHECK(port_count(TRACE_PNP, "pdo-deleted") == 1);
    CHILD_CHECK(port_test_unit_ready(1) == SRB_STATUS_NO_DEVICE);
    CHILD_CHECK(port_command(0, 1, 5, back, 6, NULL, 0) == SRB_STATUS_SUCCESS);
    host_settle();
    CHILD_CHECK(host_units(units, 8) == 5);
    CHILD_CHECK(host_scan() == 5);
    port_machine_end();
}

static void test_scan(void)
{
    CHILD_PASSES(scan_finds_who_answers, NULL);
    CHILD_PASSES(scan_probes_as_documented, NULL);
    CHILD_PASSES(units_depart_and_arrive, NULL);
}

/* --- SRBs and their buffers --- */

static void srbs_take_both_forms(void *legacy)
{
    struct port_facts facts;

    start(PORT_MACHINE("good", .srb_type = legacy != NULL ? HOST_SRB_LEGACY : HOST_SRB_DEFAULT));
    facts = port_facts();
    CHILD_CHECK(facts.extended == (legacy == NULL));
    CHILD_CHECK(facts.poisoned && facts.passive);
    port_machine_end();
}

/** READ(6) of portcase.c fills with 5Ah what the SRB says, through StorPortGetSystemAddress. */
static void data_begin_anywhere(void *unused)
{
    static const uint32_t offsets[][2] = {{0, 0},     {1, 0},       {4095, 0},
                                          {512, 512}, {4000, 1000}, {3, 4096}};
    struct host_request *request;
    uint8_t *pages;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    request = host_request_create();
    pages = aligned_alloc(4096, 6 * 4096);
    for (size_t i = 0; i < RTL_NUMBER_OF(offsets); i++) {
        uint8_t *data = pages + offsets[i][0] + offsets[i][1];

        memset(pages, 0, 6 * 4096);
        request->cdb[0] = SCSIOP_READ6;
        request->cdb_length = 6;
        request->direction = HOST_DATA_IN;
        request->data = data;
        request->data_length = 5000;
        request->mdl_offset = offsets[i][1];
        CHILD_CHECK(host_execute(request) == SRB_STATUS_SUCCESS && request->transferred == 5000);
        for (uint8_t *byte = pages; byte < pages + 6 * 4096; byte++) {
            CHILD_CHECK(*byte == (byte >= data && byte < data + 5000 ? 0x5A : 0));
        }
    }
    host_request_free(request);
    free(pages);
    port_machine_end();
}

static void ram_disk_keeps_data(void *unused)
{
    uint8_t write[10] = {SCSIOP_WRITE, 0, 0, 0, 0, 9, 0, 0, 3},
            read[10] = {SCSIOP_READ, 0, 0, 0, 0, 9, 0, 0, 3};
    struct host_request *request;
    struct host_unit unit;
    uint8_t data[3 * 512], back[3 * 512];

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE(NULL));
    CHILD_CHECK(host_units(&unit, 1) == 1 && unit.block_size == 512 && unit.block_count == 512);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7);
    }
    request = host_request_create();
    memcpy(request->cdb, write, sizeof(write));
    request->cdb_length = 10;
    request->direction = HOST_DATA_OUT;
    request->data = data;
    request->data_length = sizeof(data);
    CHILD_CHECK(host_execute(request) == SRB_STATUS_SUCCESS);
    host_request_free(request);
    CHILD_CHECK(port_command(0, 0, 0, read, 10, back, sizeof(back)) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(memcmp(data, back, sizeof(data)) == 0);
    port_machine_end();
}

static void sense_comes_back(void *unused)
{
    struct host_request *request;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE(NULL));
    request = host_request_create();
    request->cdb[0] = 0xEE;
    request->cdb_length = 6;
    CHILD_CHECK(host_execute(request) == SRB_STATUS_ERROR);
    CHILD_CHECK((request->srb_status & SRB_STATUS_AUTOSENSE_VALID) != 0 &&
                request->sense_valid == 18);
    CHILD_CHECK(request->scsi_status == SCSISTAT_CHECK_CONDITION &&
                request->sense[2] == SCSI_SENSE_ILLEGAL_REQUEST);
    request->sense_length = 0;
    CHILD_CHECK(host_execute(request) == SRB_STATUS_ERROR && request->sense_valid == 0);
    host_request_free(request);
    port_machine_end();
}

static void long_cdb_needs_extended(void *unused)
{
    struct host_request *request;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE(NULL)); /* legacy SRBs only */
    request = host_request_create();
    request->cdb_length = 32;
    CHILD_CHECK(host_execute(request) == SRB_STATUS_INVALID_REQUEST);
    host_request_free(request);
    port_machine_end();
}

static void test_srbs(void)
{
    CHILD_PASSES(srbs_take_both_forms, NULL);
    CHILD_PASSES(srbs_take_both_forms, "legacy");
    CHILD_PASSES(data_begin_anywhere, NULL);
    CHILD_PASSES(ram_disk_keeps_data, NULL);
    CHILD_PASSES(sense_comes_back, NULL);
    CHILD_PASSES(long_cdb_needs_extended, NULL);
}

/* --- BUSY, depth, time-outs --- */

static void busy_comes_again(void *unused)
{
    uint64_t before;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("busy"));
    before = sched_time();
    CHILD_CHECK(port_test_unit_ready(10) == SRB_STATUS_SUCCESS);
    CHILD_CHECK(sched_time() - before >= 3 * 2500000 && sched_time() - before < 4 * 2500000);
    CHILD_CHECK(port_facts().tries == 4 && port_facts().poisoned);
    port_machine_end();
}

static void busy_gives_up(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("alwaysbusy"));
    CHILD_CHECK(port_test_unit_ready(60) == SRB_STATUS_BUSY);
    CHILD_CHECK(port_facts().tries == 21);
    port_machine_end();
}

static void refused_comes_again(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("refuse"));
    CHILD_CHECK(port_test_unit_ready(10) == SRB_STATUS_SUCCESS);
    port_machine_end();
}

static uint32_t release_held(void)
{
    static const uint8_t cdb[10] = {SCSIOP_WRITE_DATA_BUFF};
    uint32_t held = 0;

    CHILD_CHECK(port_command(0, 1, 5, cdb, sizeof(cdb), &held, sizeof(held)) == SRB_STATUS_SUCCESS);
    return held;
}

static void depth_is_250(void *unused)
{
    struct host_request *requests[300];

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("queue"));
    for (size_t i = 0; i < 300; i++) {
        requests[i] = host_request_create();
        requests[i]->cdb_length = 6;
        requests[i]->timeout = 60;
        host_submit(requests[i]);
    }
    sched_settle(sched_time());
    CHILD_CHECK(port_count(TRACE_SRB_START, "TEST UNIT READY") == 250);
    CHILD_CHECK(release_held() >= 250); /* a DPC starts the others as the first ones end */
    sched_settle(sched_time());
    release_held();
    CHILD_CHECK(port_count(TRACE_SRB_START, "TEST UNIT READY") == 300);
    for (size_t i = 0; i < 300; i++) {
        host_wait(requests[i]);
        CHILD_CHECK(requests[i]->srb_status == SRB_STATUS_SUCCESS);
        host_request_free(requests[i]);
    }
    port_machine_end();
}

struct ladder {
    const char *word;
    unsigned units, targets, buses;
};

/** TimeOutValue 2: the reset begins between 2 and 3 seconds, and each rung only if the one before
 * failed. */
static void timeout_climbs(void *argument)
{
    const struct ladder *ladder = argument;
    uint64_t before;

    start(PORT_MACHINE(ladder->word));
    before = sched_time();
    CHILD_CHECK(port_test_unit_ready(2) == SRB_STATUS_BUS_RESET);
    CHILD_CHECK(sched_time() - before >= 20000000 && sched_time() - before <= 30000000);
    CHILD_CHECK(port_count(TRACE_PNP, "reset-unit") == ladder->units);
    CHILD_CHECK(port_count(TRACE_PNP, "reset-target") == ladder->targets);
    CHILD_CHECK(port_count(TRACE_CALLBACK_ENTER, "HwResetBus") == ladder->buses);
    if (ladder->buses != 0) {
        CHILD_CHECK(trace_at(port_find(0, TRACE_CALLBACK_ENTER, "HwResetBus"))->irql ==
                    DISPATCH_LEVEL);
    }
    port_machine_end();
}

static void resets_on_demand(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("hang2"));
    CHILD_CHECK(!host_reset(HOST_RESET_UNIT, 0, 0, 0));
    CHILD_CHECK(host_reset(HOST_RESET_TARGET, 0, 0, 0));
    CHILD_CHECK(host_reset(HOST_RESET_BUS, 0, 0, 0));
    port_machine_end();
}

static void abort_resets_the_unit(void *unused)
{
    struct host_request *request;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("hang1"));
    request = host_request_create();
    request->cdb_length = 6;
    host_submit(request);
    host_abort(request);
    host_wait(request);
    CHILD_CHECK(SRB_STATUS(request->srb_status) == SRB_STATUS_BUS_RESET);
    host_request_free(request);
    port_machine_end();
}

static void test_busy_and_timeouts(void)
{
    static const struct ladder ladders[] = {
        {"hang1", 1, 0, 0}, {"hang2", 1, 1, 0}, {"hang3", 1, 1, 1}};

    CHILD_PASSES(busy_comes_again, NULL);
    CHILD_PASSES(busy_gives_up, NULL);
    CHILD_PASSES(refused_comes_again, NULL);
    CHILD_PASSES(depth_is_250, NULL);
    for (size_t i = 0; i < RTL_NUMBER_OF(ladders); i++) {
        CHILD_PASSES(timeout_climbs, (void *)(uintptr_t)&ladders[i]);
    }
    CHILD_PASSES(resets_on_demand, NULL);
    CHILD_PASSES(abort_resets_the_unit, NULL);
}

/* --- what Storport lends, stop and restart --- */

static void completes_from_elsewhere(void *word)
{
    start(PORT_MACHINE(word));
    CHILD_CHECK(port_test_unit_ready(10) == SRB_STATUS_SUCCESS);
    port_machine_end();
}

static void stopped_adapter_holds(void *unused)
{
    struct host_request *request;
    struct host_error error;
    uint64_t before;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    request = host_request_create();
    request->cdb_length = 6;
    CHILD_CHECK(host_adapter_stop(&error));
    CHILD_CHECK(!host_adapter_stop(&error));
    before = port_count(TRACE_CALLBACK_ENTER, "HwStartIo");
    host_submit(request);
    CHILD_CHECK(port_count(TRACE_CALLBACK_ENTER, "HwStartIo") == before);
    CHILD_CHECK(host_adapter_restart(&error));
    host_wait(request);
    CHILD_CHECK(request->srb_status == SRB_STATUS_SUCCESS);
    host_request_free(request);
    port_machine_end();
}

static void absent_units_are_asked(void *unused)
{
    static const uint8_t inquiry[6] = {SCSIOP_INQUIRY, 0, 0, 0, 36};
    uint8_t data[36];

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good"));
    CHILD_CHECK(port_command(0, 0, 7, inquiry, 6, data, 36) == SRB_STATUS_NO_DEVICE);
    CHILD_CHECK(port_command(0, 1, 0, inquiry, 6, data, 36) == SRB_STATUS_SUCCESS &&
                data[0] == 0x7F);
    CHILD_CHECK(host_scan() == 5);
    port_machine_end();
}

static void done_again(struct host_request *request)
{
    unsigned *left = request->context;

    if (--*left != 0) {
        host_submit(request);
    }
}

/** A chain of 100,000 from `done` to host_submit, on one stack. */
static void done_may_submit(void *unused)
{
    struct host_request *request;
    unsigned left = 100000;

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("good", .real = true, .unguarded = true));
    trace_enable(0);
    request = host_request_create();
    request->cdb_length = 6;
    request->done = done_again;
    request->context = &left;
    host_submit(request);
    CHILD_CHECK(left == 0);
    host_request_free(request);
    port_machine_end();
}

/** A foreign thread of the host's caller. */
static void *inquire(void *unused)
{
    static const uint8_t inquiry[6] = {SCSIOP_INQUIRY, 0, 0, 0, 36};
    uint8_t data[36];

    UNREFERENCED_PARAMETER(unused);
    for (unsigned i = 0; i < 500; i++) {
        CHILD_CHECK(port_command(0, i % 2, i % 2 * 5, inquiry, 6, data, 36) == SRB_STATUS_SUCCESS);
        CHILD_CHECK(memcmp(data + 8, "TESTS", 5) == 0);
    }
    sched_detach();
    return NULL;
}

static void many_threads_submit(void *unguarded)
{
    pthread_t threads[4];
    uint64_t started;

    start(PORT_MACHINE("good", .real = true, .unguarded = unguarded != NULL));
    started = host_census().srbs_started;
    for (size_t i = 0; i < 4; i++) {
        CHILD_CHECK(pthread_create(&threads[i], NULL, inquire, NULL) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    CHILD_CHECK(host_census().srbs_started == started + 2000);
    CHILD_CHECK(host_census().srbs_completed == host_census().srbs_started);
    port_machine_end();
}

static void print_run(FILE *out)
{
    start(PORT_MACHINE("busy", .seed = 42));
    CHILD_CHECK(port_test_unit_ready(10) == SRB_STATUS_SUCCESS);
    port_machine_end();
    trace_print(out, 0);
    trace_clear();
}

static void seed_repeats(void *unused)
{
    char *text[2];
    size_t size[2];

    UNREFERENCED_PARAMETER(unused);
    for (unsigned i = 0; i < 2; i++) {
        FILE *out = open_memstream(&text[i], &size[i]);

        print_run(out);
        fclose(out);
    }
    CHILD_CHECK(size[0] == size[1] && size[0] > 1000 && memcmp(text[0], text[1], size[0]) == 0);
    free(text[0]);
    free(text[1]);
}

static void test_life(void)
{
    CHILD_PASSES(completes_from_elsewhere, "worker");
    CHILD_PASSES(completes_from_elsewhere, "dpc");
    CHILD_PASSES(stopped_adapter_holds, NULL);
    CHILD_PASSES(absent_units_are_asked, NULL);
    CHILD_PASSES(done_may_submit, NULL);
    CHILD_PASSES(many_threads_submit, NULL);
    CHILD_PASSES(many_threads_submit, "unguarded");
    CHILD_PASSES(seed_repeats, NULL);
}

/* --- broken rules --- */

static void breaks_in_test_unit_ready(void *word)
{
    start(PORT_MACHINE(word));
    port_test_unit_ready(10);
    port_machine_end();
}

static void breaks_in_test_unit_ready_unguarded(void *word)
{
    start(PORT_MACHINE(word, .unguarded = true));
    port_test_unit_ready(10);
    port_machine_end();
}

static void reads_unmapped(void *unused)
{
    static const uint8_t read[6] = {SCSIOP_READ6};
    uint8_t data[512];

    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("unmapped"));
    port_command(0, 0, 0, read, 6, data, sizeof(data));
}

static void leaves_service_irp(void *word)
{
    struct host_ioctl ioctl = {.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP};
    struct host_error error;

    start(PORT_MACHINE(word));
    host_ioctl_start(&ioctl);
    CHILD_CHECK(host_remove(&error));
    CHILD_CHECK(host_ioctl_wait(&ioctl) == STATUS_CANCELLED);
    CHILD_CHECK(host_unload(&error));
    CHILD_CHECK(host_halt(stderr) == 0);
}

static void writes_too_many_types(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("controlmax"));
}

static void test_rules(void)
{
    CHILD_BREAKS(RULE_SRB_TWICE, breaks_in_test_unit_ready, "twice");
    CHILD_BREAKS(RULE_SRB_TWICE, breaks_in_test_unit_ready_unguarded, "twice");
    CHILD_BREAKS(RULE_SRB_PENDING, breaks_in_test_unit_ready, "pending");
    CHILD_BREAKS(RULE_SRB_PENDING, breaks_in_test_unit_ready_unguarded, "pending");
    CHILD_BREAKS(RULE_SRB_FROZEN, breaks_in_test_unit_ready, "frozen");
    CHILD_BREAKS(RULE_SRB_LENGTH, breaks_in_test_unit_ready, "length");
    CHILD_BREAKS(RULE_EXTENSION_BAD, breaks_in_test_unit_ready, "wrongext");
    CHILD_BREAKS(RULE_NOTIFICATION_TYPE, breaks_in_test_unit_ready, "notify");
    CHILD_BREAKS(RULE_CALLBACK_IRQL, breaks_in_test_unit_ready, "irql");
    CHILD_BREAKS(RULE_USE_AFTER_FREE, breaks_in_test_unit_ready, "touch");
    CHILD_BREAKS(RULE_SRB_LOST, breaks_in_test_unit_ready, "lost");
    CHILD_BREAKS(RULE_UNMAPPED_BUFFER, reads_unmapped, NULL);
    CHILD_BREAKS(RULE_STALL_TOO_LONG, breaks_in_test_unit_ready, "stall");
    CHILD_BREAKS(RULE_LOCK_KIND, breaks_in_test_unit_ready, "lock");
    CHILD_BREAKS(RULE_BUFFER_OVERRUN, breaks_in_test_unit_ready, "overrun");
    CHILD_BREAKS(RULE_SERVICE_IRP_LEFT, leaves_service_irp, "leak");
    CHILD_BREAKS(RULE_SERVICE_IRP_TWICE, leaves_service_irp, "svctwice");
    CHILD_PASSES(leaves_service_irp, "good");
}

static void writes_beyond_extension(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    start(PORT_MACHINE("extension"));
    port_test_unit_ready(10);
}

/** One byte more than the SRB has, wherever in its page the initiator's buffer lies. */
static void writes_beyond_data(void *place)
{
    static const uint8_t read[6] = {SCSIOP_READ6};
    const uint32_t *offset_and_length = place;
    uint8_t *pages = aligned_alloc(PAGE_SIZE, 4 * PAGE_SIZE);

    start(PORT_MACHINE("onemore"));
    port_command(0, 0, 0, read, 6, pages + offset_and_length[0], offset_and_length[1]);
    free(pages);
}

static void test_overruns(void)
{
    static uint32_t places[][2] = {{0, 512}, {3600, 512}, {3584, 512}, {100, 4096}, {1000, 5008}};

    for (size_t i = 0; i < RTL_NUMBER_OF(places); i++) {
        CHILD_BREAKS(RULE_SYSTEM_OVERRUN, writes_beyond_data, places[i]);
    }
    CHILD_BREAKS(RULE_POOL_CORRUPT_AFTER, writes_beyond_extension, NULL);
    CHILD_BREAKS(RULE_OVERRUN, writes_too_many_types, NULL);
}

CU_ErrorCode register_storport_suite(void);
CU_ErrorCode register_storport_suite(void)
{
    static CU_TestInfo cases[] = {
        {"both forms of the registration", test_both_forms_register},
        {"what does not start says why", test_refusals},
        {"callbacks: order and IRQL", test_callback_order},
        {"HwStartIo at either IRQL", test_startio_irql_varies},
        {"the bus scan", test_scan},
        {"SRBs and their buffers", test_srbs},
        {"BUSY, queue depth, time-outs, resets", test_busy_and_timeouts},
        {"stop, restart, absent units, done routines", test_life},
        {"rules about SRBs", test_rules},
        {"overruns of what Storport lends", test_overruns},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {{"storport", NULL, NULL, NULL, NULL, cases},
                                    CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
