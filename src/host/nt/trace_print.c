/*
 * Trace records as text: one line each, columns that a person and diff(1) can read. What the four
 * arguments of a kind mean is said in trace.h; here is how they look.
 */
#include "nt/trace.h"

#include "nt/points.h"

#include <string.h>

typedef unsigned long long ull;

static const char *const kind_names[] = {
    [TRACE_ROUTINE] = "routine",
    [TRACE_CALLBACK_ENTER] = "callback",
    [TRACE_CALLBACK_LEAVE] = "return",
    [TRACE_SRB_START] = "srb",
    [TRACE_SRB_COMPLETE] = "srb-done",
    [TRACE_IRQL] = "irql",
    [TRACE_THREAD] = "thread",
    [TRACE_PNP] = "pnp",
    [TRACE_FILE] = "file",
    [TRACE_ETW] = "etw",
    [TRACE_DEBUG] = "debug",
    [TRACE_FUNCTION] = "function",
    [TRACE_POOL] = "pool",
    [TRACE_ACCESS] = "access",
    [TRACE_BUGCHECK] = "bugcheck",
};

const char *trace_kind_name(enum trace_kind kind)
{
    return kind < sizeof kind_names / sizeof kind_names[0] ? kind_names[kind] : "unknown";
}

static void print_arguments(FILE *out, const struct trace_record *record)
{
    unsigned last = TRACE_ARGUMENTS;

    while (last > 0 && record->argument[last - 1] == 0) {
        last--;
    }
    for (unsigned i = 0; i < last; i++) {
        fprintf(out, " 0x%llx", (ull)record->argument[i]);
    }
}

static void print_thread(FILE *out, const struct trace_record *record)
{
    static const char *const what[] = {"?", "created", "ended", "blocked", "woken"};
    uint64_t event = record->argument[0];

    fprintf(out, "%s %s", record->name, event < 5 ? what[event] : what[0]);
    if (record->argument[1] != 0) {
        fprintf(out, " %llu", (ull)record->argument[1]);
    }
}

static void print_pool(FILE *out, const struct trace_record *record)
{
    const uint64_t *a = record->argument;

    fprintf(out, "%s block %llu, %llu bytes '", record->name, (ull)a[0], (ull)a[1]);
    for (unsigned i = 0; i < 4; i++) {
        char c = (char)(a[2] >> (8 * i));

        fputc(c >= ' ' && c <= '~' ? c : '.', out);
    }
    fputc('\'', out);
}

static void print_access(FILE *out, const struct trace_record *record)
{
    static const char *const what[] = {"?", "reads", "writes", "interlocked", "call"};
    const uint64_t *a = record->argument;
    unsigned kind = (unsigned)(a[1] & 0xff);

    fprintf(out, "%s at 0x%llx %s", record->name, (ull)a[0], what[kind <= POINT_CALL ? kind : 0]);
    if (a[1] >> 8 != 0) {
        fprintf(out, " %llu", (ull)(a[1] >> 8));
    }
    if (a[2] != 0) {
        fprintf(out, " block %llu+%llu", (ull)a[2], (ull)a[3]);
    }
}

/** Text of a driver: its line breaks would break ours. */
static void print_text(FILE *out, const struct trace_record *record)
{
    size_t length = strcspn(record->name, "\r\n");

    fprintf(out, "%.*s", (int)length, record->name);
    print_arguments(out, record);
}

static void print_details(FILE *out, const struct trace_record *record)
{
    const uint64_t *a = record->argument;

    switch (record->kind) {
    case TRACE_SRB_START:
        fprintf(out, "#%llu %llu:%llu:%llu opcode 0x%02llx length %llu", (ull)a[0],
                (ull)(a[1] >> 16 & 0xff), (ull)(a[1] >> 8 & 0xff), (ull)(a[1] & 0xff), (ull)a[2],
                (ull)a[3]);
        break;
    case TRACE_SRB_COMPLETE:
        fprintf(out, "#%llu status 0x%02llx scsi 0x%02llx moved %llu", (ull)a[0], (ull)a[1],
                (ull)a[2], (ull)a[3]);
        break;
    case TRACE_IRQL:
        fprintf(out, "%llu -> %llu", (ull)a[0], (ull)a[1]);
        break;
    case TRACE_THREAD:
        print_thread(out, record);
        break;
    case TRACE_FILE:
        fprintf(out, "%s offset %llu length %llu status 0x%08x", record->name, (ull)a[0], (ull)a[1],
                (unsigned)a[2]);
        break;
    case TRACE_ROUTINE:
        fprintf(out, "%s", record->name);
        break;
    case TRACE_FUNCTION:
        fprintf(out, "%s %s", record->name, a[0] == 1 ? "entered" : "left");
        break;
    case TRACE_POOL:
        print_pool(out, record);
        break;
    case TRACE_ACCESS:
        print_access(out, record);
        break;
    case TRACE_ETW:
    case TRACE_DEBUG:
        print_text(out, record);
        break;
    default:
        fprintf(out, "%s", record->name);
        print_arguments(out, record);
        break;
    }
}

void trace_print_record(FILE *out, const struct trace_record *record)
{
    fprintf(out, "%6llu %9llu.%07llu T%-2u cpu%u irql%u %-8s ", (ull)record->sequence,
            (ull)(record->time / 10000000), (ull)(record->time % 10000000), record->thread,
            record->processor, record->irql, trace_kind_name(record->kind));
    print_details(out, record);
}

void trace_print(FILE *out, size_t from)
{
    const struct trace_record *record;

    for (size_t i = from; i < trace_count(); i++) {
        record = trace_at(i);
        if (record != NULL) {
            trace_print_record(out, record);
            fputc('\n', out);
        }
    }
}
