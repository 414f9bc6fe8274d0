/*
 * SRBs that are not SCSI commands: FLUSH, SHUTDOWN, PNP, POWER, IO_CONTROL, WMI, DUMP_POINTERS; and
 * the scan. Each goes the way of a host_request.
 */
#include "pnp/pnp.h"
#include "storport/api.h"

#include <string.h>

/** Sends one SRB and frees it. \return its status without flag bits. */
static uint8_t send_and_free(struct host_request *request, uint8_t path, uint8_t target,
                             uint8_t lun)
{
    uint8_t status;

    request->path = path;
    request->target = target;
    request->lun = lun;
    status = host_execute(request);
    host_request_free(request);
    return status;
}

static struct host_request *make(uint8_t function, void *buffer, uint32_t length,
                                 enum host_direction direction)
{
    struct host_request *request = host_request_create();

    request->function = function;
    request->data = buffer;
    request->data_length = length;
    request->direction = length != 0 ? direction : HOST_DATA_NONE;
    return request;
}

static PORT_SRB_FIELDS *extra(struct host_request *request)
{
    return &((struct api_request *)request->internal)->extra;
}

uint8_t host_send_flush(uint8_t path, uint8_t target, uint8_t lun)
{
    return send_and_free(make(SRB_FUNCTION_FLUSH, NULL, 0, HOST_DATA_NONE), path, target, lun);
}

uint8_t host_send_shutdown(uint8_t path, uint8_t target, uint8_t lun)
{
    return send_and_free(make(SRB_FUNCTION_SHUTDOWN, NULL, 0, HOST_DATA_NONE), path, target, lun);
}

uint8_t host_send_pnp(uint8_t path, uint8_t target, uint8_t lun, bool adapter, uint32_t action,
                      void *buffer, uint32_t length)
{
    struct host_request *request = make(SRB_FUNCTION_PNP, buffer, length, HOST_DATA_IN);

    extra(request)->Action = action;
    extra(request)->AdapterFlag = adapter ? SRB_PNP_FLAGS_ADAPTER_REQUEST : 0;
    return send_and_free(request, path, target, lun);
}

uint8_t host_send_power(uint8_t path, uint8_t target, uint8_t lun, uint32_t state, uint32_t action)
{
    struct host_request *request = make(SRB_FUNCTION_POWER, NULL, 0, HOST_DATA_NONE);

    extra(request)->PowerState = state;
    extra(request)->Action = action;
    return send_and_free(request, path, target, lun);
}

uint8_t host_send_io_control(void *srb_io_control, uint32_t length)
{
    return send_and_free(make(SRB_FUNCTION_IO_CONTROL, srb_io_control, length, HOST_DATA_IN), 0, 0,
                         0);
}

uint8_t host_send_wmi(uint8_t path, uint8_t target, uint8_t lun, void *buffer, uint32_t length)
{
    return send_and_free(make(SRB_FUNCTION_WMI, buffer, length, HOST_DATA_IN), path, target, lun);
}

uint8_t host_send_dump_pointers(void *buffer, uint32_t length)
{
    return send_and_free(make(SRB_FUNCTION_DUMP_POINTERS, buffer, length, HOST_DATA_IN), 0, 0, 0);
}

unsigned host_scan(void)
{
    pnp_scan();
    return port_units(NULL, 0);
}

void host_settle(void)
{
    pnp_settle();
}
