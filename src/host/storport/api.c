/*
 * The request part of host.h: each host_request is an IRP_MJ_SCSI with an SRB, sent to the LU's PDO
 * or, where no unit is, to the address as the bus scan does. The IRP, the SRB and the MDL belong to
 * the request and are used again; nothing is allocated in host_submit as long as the buffer stays
 * the same. With the verifier on, the data are copied to and from guarded pool, so that a byte
 * beyond them is seen.
 */
#include "storport/api.h"

#include <stdlib.h>
#include <string.h>

/* --- the buffer --- */

static void drop_buffer(struct api_request *r)
{
    if (r->mdl != NULL) {
        nt_mdl_free(r->mdl);
        verifier_unmapped_buffer_release(r->claimed);
        r->mdl = NULL;
    }
    if (r->bounce != NULL) {
        nt_pool_free(r->bounce, NT_HOST_TAG);
        r->bounce = NULL;
    }
}

/** Memory that the MDL describes: the caller's, or a copy whose last byte is followed by a page that
 * faults, wherever the caller's lies. */
static char *buffer_memory(struct api_request *r, char *start, size_t length)
{
    /* A small block of pool ends at its guard page; a big one begins on a page. */
    size_t offset = length < PAGE_SIZE ? 0 : (PAGE_SIZE - length % PAGE_SIZE) % PAGE_SIZE;

    if (!verifier_enabled()) {
        return start;
    }
    r->bounce = nt_pool_allocate(NonPagedPoolNx, offset + length, NT_HOST_TAG);
    if (r->bounce == NULL) {
        return start;
    }
    r->bounce_data = (char *)r->bounce + offset;
    memcpy(r->bounce_data, start, length);
    return r->bounce_data;
}

/** An MDL over the data and what comes before them; its virtual address does not work. \return
 * false without memory. */
static bool prepare_buffer(struct api_request *r)
{
    struct host_request *request = r->request;
    size_t length = (size_t)request->mdl_offset + request->data_length;
    char *start, *memory;

    if (request->data_length == 0 || request->data == NULL) {
        drop_buffer(r);
        return true;
    }
    start = (char *)request->data - request->mdl_offset;
    if (r->mdl != NULL && r->bounce == NULL && r->start == start && r->length == length) {
        return true;
    }
    drop_buffer(r);
    memory = buffer_memory(r, start, length);
    r->claimed = verifier_unmapped_buffer(PAGE_SIZE + length);
    r->mdl = nt_mdl_create((char *)r->claimed + BYTE_OFFSET(memory), memory, (ULONG)length);
    r->start = start;
    r->length = length;
    return r->mdl != NULL;
}

/* --- the end of a request --- */

static void take_results(struct api_request *r)
{
    struct host_request *request = r->request;
    PSCSI_REQUEST_BLOCK srb = &r->srb.Scsi;
    UCHAR sense =
        request->function == SRB_FUNCTION_EXECUTE_SCSI ? SrbGetSenseInfoBufferLength(srb) : 0;

    request->srb_status = srb->SrbStatus;
    request->scsi_status =
        request->function == SRB_FUNCTION_EXECUTE_SCSI ? SrbGetScsiStatus(srb) : 0;
    request->transferred = SrbGetDataTransferLength(srb);
    request->sense_valid = (srb->SrbStatus & SRB_STATUS_AUTOSENSE_VALID) != 0
                               ? min(sense, (UCHAR)sizeof(request->sense))
                               : 0;
    request->id = (uint64_t)(uintptr_t)r->irp->Tail.Overlay.DriverContext[2];
    if (r->bounce != NULL) {
        if (request->direction != HOST_DATA_OUT) {
            memcpy(request->data, r->bounce_data + request->mdl_offset, request->data_length);
        }
        drop_buffer(r);
    }
}

/** Publishes the end. Without `done`, the last line that touches the request is the exchange: the
 * waiter may free it. */
static void finish(struct api_request *r)
{
    struct host_request *request = r->request;
    void (*done)(struct host_request *) = request->done;

    take_results(r);
    if (atomic_exchange(&r->state, API_DONE) == API_WAITED_FOR) {
        nt_set_event(&r->event);
    }
    if (done != NULL) {
        done(request);
    }
}

static void issue(struct api_request *r);

/** Runs what `done` routines on this thread submitted meanwhile: without recursion, however long
 * the chain is. */
static void drain(struct api_frame *frame)
{
    while (frame->again != NULL) {
        struct api_request *r = frame->again;

        frame->again = r->next;
        frame->request = r;
        frame->in_done = false;
        frame->ended = false;
        issue(r);
        frame->request = NULL;
        if (frame->ended) {
            frame->in_done = true;
            finish(r);
        }
    }
}

/** The IRP has come back: inside of issue() on this thread, then issue()'s caller goes on; or by
 * itself. \irql{<= DISPATCH_LEVEL} */
static NTSTATUS NTAPI irp_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct nt_thread *thread = sched_current();
    struct api_frame *outer = thread->submit;
    struct api_request *r = context;

    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(irp);
    if (outer != NULL && outer->request == r) {
        outer->ended = true;
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    struct api_frame frame = {.in_done = true};
    thread->submit = &frame;
    finish(r);
    drain(&frame);
    thread->submit = outer;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* --- the way down --- */

static ULONG srb_flags(const struct host_request *request)
{
    static const ULONG direction[] = {
        [HOST_DATA_NONE] = SRB_FLAGS_NO_DATA_TRANSFER,
        [HOST_DATA_IN] = SRB_FLAGS_DATA_IN,
        [HOST_DATA_OUT] = SRB_FLAGS_DATA_OUT,
    };

    return direction[request->direction] | SRB_FLAGS_DISABLE_SYNCH_TRANSFER |
           SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_QUEUE_ACTION_ENABLE |
           (request->no_autosense ? SRB_FLAGS_DISABLE_AUTOSENSE : 0);
}

static bool build_srb(struct api_request *r, PPORT_ADAPTER adapter)
{
    struct host_request *request = r->request;
    bool scsi = request->function == SRB_FUNCTION_EXECUTE_SCSI;
    PORT_SRB_FIELDS fields = r->extra;

    fields.Function = request->function;
    fields.Path = request->path;
    fields.Target = request->target;
    fields.Lun = request->lun;
    fields.CdbLength = scsi ? request->cdb_length : 0;
    fields.Cdb = request->cdb;
    fields.SenseLength = scsi ? request->sense_length : 0;
    fields.Sense = fields.SenseLength != 0 ? request->sense : NULL;
    fields.SrbFlags = srb_flags(request);
    fields.DataLength = request->data_length;
    fields.Timeout = request->timeout != 0 ? request->timeout : 10;
    fields.Data =
        r->mdl != NULL ? (char *)MmGetMdlVirtualAddress(r->mdl) + request->mdl_offset : NULL;
    return PortSrbBuild(&r->srb, adapter->Config.SrbType == SRB_TYPE_STORAGE_REQUEST_BLOCK,
                        &fields) != 0;
}

/** Ends a request that never became an IRP. */
static void fail(struct api_request *r, UCHAR srb_status)
{
    memset(&r->srb.Scsi, 0, sizeof(r->srb.Scsi));
    r->srb.Scsi.Length = sizeof(r->srb.Scsi);
    r->srb.Scsi.Function = r->request->function;
    r->srb.Scsi.SrbStatus = srb_status;
    r->irp->Tail.Overlay.DriverContext[2] = NULL;
    irp_done(NULL, r->irp, r);
}

static void send(struct api_request *r, PPORT_UNIT unit, PDEVICE_OBJECT pdo)
{
    PIO_STACK_LOCATION location;

    IoReuseIrp(r->irp, STATUS_NOT_SUPPORTED);
    r->irp->MdlAddress = r->mdl;
    location = IoGetNextIrpStackLocation(r->irp);
    location->MajorFunction = IRP_MJ_SCSI;
    location->Parameters.Scsi.Srb = &r->srb.Scsi;
    IoSetCompletionRoutine(r->irp, irp_done, r, TRUE, TRUE, TRUE);
    SrbSetOriginalRequest(&r->srb.Scsi, r->irp);
    if (pdo != NULL) {
        IoCallDriver(pdo, r->irp);
    } else {
        IoSetNextIrpStackLocation(r->irp);
        PortUnitScsi(unit, r->irp);
    }
}

static void issue(struct api_request *r)
{
    PPORT_ADAPTER adapter = PortTheAdapter;
    struct host_request *request = r->request;
    PDEVICE_OBJECT pdo;
    PPORT_UNIT unit;

    if (adapter == NULL || (adapter->State != PortRunning && adapter->State != PortStopped)) {
        fail(r, SRB_STATUS_NO_HBA);
        return;
    }
    unit = PortUnitGetWithPdo(adapter, request->path, request->target, request->lun, TRUE, &pdo);
    if (unit == NULL || !prepare_buffer(r)) {
        fail(r, SRB_STATUS_INTERNAL_ERROR);
    } else if (!build_srb(r, adapter)) {
        fail(r, SRB_STATUS_INVALID_REQUEST); /* a CDB longer than this SRB form holds */
    } else {
        send(r, unit, pdo);
    }
    if (pdo != NULL) {
        ObDereferenceObject(pdo);
    }
    if (unit != NULL) {
        PortUnitRelease(unit);
    }
}

/* --- host.h --- */

struct host_request *host_request_create(void)
{
    struct api_request *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return NULL;
    }
    r->request = &r->body;
    r->body.internal = r;
    r->body.sense_length = sizeof(r->body.sense);
    r->irp = IoAllocateIrp(1, FALSE);
    nt_irp_disown(r->irp);
    KeInitializeEvent(&r->event, SynchronizationEvent, FALSE);
    atomic_init(&r->state, API_DONE);
    if (r->irp == NULL) {
        free(r);
        return NULL;
    }
    return r->request;
}

void host_request_free(struct host_request *request)
{
    struct api_request *r = request != NULL ? request->internal : NULL;

    if (r != NULL) {
        drop_buffer(r);
        IoFreeIrp(r->irp);
        free(r);
    }
}

void host_submit(struct host_request *request)
{
    struct nt_thread *thread = sched_current();
    struct api_frame *outer = thread->submit;
    struct api_request *r = request->internal;

    atomic_store(&r->state, API_IN_FLIGHT);
    if (outer != NULL && outer->in_done) { /* from a done routine: when that has returned */
        struct api_request **link = &outer->again;

        while (*link != NULL) {
            link = &(*link)->next;
        }
        r->next = NULL;
        *link = r;
        return;
    }
    struct api_frame frame = {.again = r};
    r->next = NULL;
    thread->submit = &frame;
    drain(&frame);
    thread->submit = outer;
}

void host_wait(struct host_request *request)
{
    struct api_request *r = request->internal;
    int in_flight = API_IN_FLIGHT;

    if (atomic_load(&r->state) == API_DONE) {
        return;
    }
    KeClearEvent(&r->event);
    if (atomic_compare_exchange_strong(&r->state, &in_flight, API_WAITED_FOR)) {
        nt_wait(&r->event, NULL);
    }
}

uint8_t host_execute(struct host_request *request)
{
    host_submit(request);
    host_wait(request);
    return SRB_STATUS(request->srb_status);
}

/** Still queued in the port: ended there. The miniport has it: its unit is reset, as Storport's
 * task management does for a miniport without STOR_ADAPTER_FEATURE_ABORT_COMMAND. */
void host_abort(struct host_request *request)
{
    PPORT_ADAPTER adapter = PortTheAdapter;
    struct api_request *r = request->internal;
    PPORT_UNIT unit =
        adapter != NULL ? PortUnitGet(adapter, request->path, request->target, request->lun, FALSE)
                        : NULL;

    if (unit == NULL) {
        return;
    }
    PortUnitFinishQueued(unit, r->irp, SRB_STATUS_ABORTED);
    if (atomic_load(&r->state) != API_DONE) {
        PortResetBegin(adapter, unit, PORT_TIER_UNIT, FALSE);
    }
    PortUnitRelease(unit);
}

bool host_reset(enum host_reset_level level, uint8_t path, uint8_t target, uint8_t lun)
{
    static const ULONG tiers[] = {[HOST_RESET_UNIT] = PORT_TIER_UNIT,
                                  [HOST_RESET_TARGET] = PORT_TIER_TARGET,
                                  [HOST_RESET_BUS] = PORT_TIER_BUS};
    PPORT_ADAPTER adapter = PortTheAdapter;
    PPORT_UNIT unit = adapter != NULL ? PortUnitGet(adapter, path, target, lun, TRUE) : NULL;
    bool begun = false;

    if (unit == NULL || adapter->State != PortRunning) {
        if (unit != NULL) {
            PortUnitRelease(unit);
        }
        return false;
    }
    while (!begun) { /* one reset at a time */
        nt_wait(&adapter->Reset.Done, NULL);
        begun = PortResetBegin(adapter, unit, tiers[level], TRUE);
    }
    nt_wait(&adapter->Reset.Done, NULL);
    PortUnitRelease(unit);
    return adapter->Reset.Succeeded;
}

unsigned host_units(struct host_unit *units, unsigned count)
{
    return port_units(units, count);
}
