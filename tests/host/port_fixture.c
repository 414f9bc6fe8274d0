/* The machine of port_fixture.h. */
#include "port_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool port_machine_start(struct port_machine machine, struct host_error *error)
{
    struct host_options options = {.sched = {.kind = machine.real ? SCHED_REAL : SCHED_SEEDED,
                                             .seed = machine.seed != 0 ? machine.seed : 1},
                                   .verifier = !machine.unguarded,
                                   .srb_type = machine.srb_type};
    const char *directory = getenv("VMINI_FIXTURES");
    char path[512], service[64];

    snprintf(path, sizeof(path), "%s/%s.so", directory != NULL ? directory : "build/tests/fixtures",
             machine.word != NULL ? "portcase" : "ramdisk");
    snprintf(service, sizeof(service), "case-%s", machine.word != NULL ? machine.word : "ramdisk");
    trace_enable(1u << TRACE_CALLBACK_ENTER | 1u << TRACE_CALLBACK_LEAVE | 1u << TRACE_SRB_START |
                 1u << TRACE_SRB_COMPLETE | 1u << TRACE_PNP);
    CHILD_CHECK(host_boot(&options, error));
    CHILD_CHECK(host_install_bare(service, path, true, error));
    return host_start(error);
}

void port_machine_end(void)
{
    struct host_error error;

    CHILD_CHECK(host_remove(&error));
    CHILD_CHECK(host_unload(&error));
    CHILD_CHECK(host_halt(stderr) == 0);
}

uint8_t port_command(uint8_t path, uint8_t target, uint8_t lun, const uint8_t *cdb,
                     uint8_t cdb_length, void *data, uint32_t length)
{
    struct host_request *request = host_request_create();
    uint8_t status;

    request->path = path;
    request->target = target;
    request->lun = lun;
    memcpy(request->cdb, cdb, cdb_length);
    request->cdb_length = cdb_length;
    request->direction = length != 0 ? HOST_DATA_IN : HOST_DATA_NONE;
    request->data = data;
    request->data_length = length;
    status = host_execute(request);
    host_request_free(request);
    return status;
}

uint8_t port_test_unit_ready(uint32_t timeout)
{
    struct host_request *request = host_request_create();
    uint8_t status;

    request->cdb_length = 6;
    request->timeout = timeout;
    status = host_execute(request);
    host_request_free(request);
    return status;
}

struct port_facts port_facts(void)
{
    static const uint8_t cdb[10] = {SCSIOP_READ_DATA_BUFF};
    struct port_facts facts = {0, 0, 0, 0};

    CHILD_CHECK(port_command(0, 1, 5, cdb, sizeof(cdb), &facts, sizeof(facts)) ==
                SRB_STATUS_SUCCESS);
    return facts;
}

size_t port_find(size_t from, enum trace_kind kind, const char *name)
{
    for (size_t i = from; i < trace_count(); i++) {
        if (trace_at(i)->kind == kind && strcmp(trace_at(i)->name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

unsigned port_count(enum trace_kind kind, const char *name)
{
    unsigned count = 0;

    for (size_t i = port_find(0, kind, name); i != SIZE_MAX; i = port_find(i + 1, kind, name)) {
        count++;
    }
    return count;
}
