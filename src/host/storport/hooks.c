/*
 * The simulator's side of hooks.h, and the port's face to the rest of the host (port.h). This file
 * is not part of a storport.sys.
 */
#include "storport/internal.h"

#include <stdio.h>

#include "host.h"
#include "storport/class.h"

/** Decisions taken in this run, by whichever thread. */
static _Atomic(uint64_t) decisions;

/** splitmix64 over the seed and a counter: the n-th decision of a run is the same for the same
 * seed. */
ULONG PortRandom(ULONG Limit)
{
    uint64_t z;

    if (sched_kind() != SCHED_SEEDED) {
        return 0;
    }
    z = sched_seed() + ++decisions * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (ULONG)((z ^ (z >> 31)) % Limit);
}

VOID PortStall(ULONG Microseconds)
{
    uint64_t end = sched_time() + (uint64_t)Microseconds * 10;

    while (sched_kind() == SCHED_REAL && sched_time() < end) {
        YieldProcessor();
    }
}

VOID PortTraceEtw(PCWSTR Text, ULONG Id, ULONG Level, ULONGLONG First)
{
    char text[128];
    size_t used = 0;

    if (!trace_wants(TRACE_ETW)) {
        return;
    }
    for (; used < sizeof(text) - 1 && Text[used] != 0; used++) {
        text[used] = Text[used] < 0x80 ? (char)Text[used] : '?';
    }
    text[used] = '\0';
    trace_text(TRACE_ETW, text, Id, Level, First, 0);
}

VOID PortTraceDebug(ULONG Level, PCSTR Format, __builtin_ms_va_list Arguments)
{
    char text[512];

    if (trace_wants(TRACE_DEBUG)) {
        nt_format(text, sizeof(text), Format, Arguments);
        trace_text(TRACE_DEBUG, text, Level, 0, 0, 0);
    }
}

/* --- port.h --- */

void port_set_options(const struct port_options *options)
{
    PortOptions = (PORT_OPTIONS){.LegacySrbs = options->srb_type == HOST_SRB_LEGACY,
                                 .ControlAtPassive = options->adapter_control_passive,
                                 .ResetBusAtPassive = options->reset_bus_passive,
                                 .StartIoAtPassive = options->passive_startio,
                                 .NoClassDrivers = options->no_class_drivers};
    decisions = 0;
}

PDEVICE_OBJECT port_fdo(void)
{
    return PortTheAdapter != NULL ? PortTheAdapter->Common.Self : NULL;
}

const char *port_reason(void)
{
    return PortTheAdapter != NULL ? PortTheAdapter->Reason : "";
}

bool port_why(FILE *out)
{
    PPORT_ADAPTER adapter = PortTheAdapter;

    if (adapter == NULL) {
        fputs("The port driver has no adapter: AddDevice was not called, or the adapter was "
              "removed.\n",
              out);
        return true;
    }
    switch ((PORT_STATE)adapter->State) {
    case PortRunning:
        return false;
    case PortStopped:
        fputs("The adapter is stopped (ScsiStopAdapter) and waits to be restarted.\n", out);
        return true;
    case PortRemoved:
        fputs("The adapter is being removed.\n", out);
        return true;
    default:
        fprintf(out, "The adapter did not start. %s\n",
                adapter->Reason[0] != '\0' ? adapter->Reason : "IRP_MN_START_DEVICE has not come.");
        return true;
    }
}

NTSTATUS port_adapter_stop(PDEVICE_OBJECT fdo)
{
    return PortStop(fdo->DeviceExtension);
}

NTSTATUS port_adapter_restart(PDEVICE_OBJECT fdo)
{
    return PortRestart(fdo->DeviceExtension);
}

uint32_t port_bus_type(void)
{
    return PortTheAdapter != NULL ? PortTheAdapter->BusType : 0;
}

bool port_is_unit(PDEVICE_OBJECT pdo)
{
    PPORT_DEVICE device = pdo->DeviceExtension;

    return device->Kind == PORT_KIND_UNIT;
}

void port_counts(uint64_t *started, uint64_t *completed)
{
    *started = PortTheAdapter != NULL ? (uint64_t)PortTheAdapter->Started : 0;
    *completed = PortTheAdapter != NULL ? (uint64_t)PortTheAdapter->Completed : 0;
}

unsigned port_units(struct host_unit *units, unsigned count)
{
    unsigned found = 0;

    if (PortTheAdapter == NULL) {
        return 0;
    }
    for (PPORT_UNIT unit = PortUnitNext(PortTheAdapter, NULL); unit != NULL;
         unit = PortUnitNext(PortTheAdapter, unit)) {
        if (!unit->Present || unit->Departed || unit->Pdo == NULL) {
            continue;
        }
        if (found < count) {
            class_describe(unit, &units[found]);
        }
        found++;
    }
    return found;
}
