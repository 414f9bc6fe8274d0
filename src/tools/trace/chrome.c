/*
 * Trace records -> Chrome Trace JSON ("JSON Array with metadata", one event a line). Every record
 * becomes one event, so nothing is lost on the way; load.c reads it back. It only writes: what a record means is said in nt/trace.h.
 */
#include "tools/trace/chrome.h"

#include "tools/nthost/words.h"

#include <inttypes.h>
#include <string.h>

#define PROCESS   1
#define TICK_USEC 10 /* Trace time counts 100 ns. */

struct writer {
    FILE *out;
    bool seeded, first;
    uint64_t last; /**< Where the previous record stands, in ticks. */
};

/** A JSON string. Text of a driver may hold any byte: what is no printable ASCII becomes an escape. */
static void write_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c > 0x7e) {
            fprintf(out, "\\u%04x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

/** Where a record stands on the time axis. */
static uint64_t place_of(struct writer *writer, const struct trace_record *record)
{
    uint64_t place = record->time;

    if (writer->seeded && place < writer->last + TICK_USEC) {
        place = writer->last + TICK_USEC;
    }
    writer->last = place;
    return place;
}

static void begin(struct writer *writer, const char *phase, const char *category, const char *name)
{
    fprintf(writer->out,
            "%s\n{\"ph\":\"%s\",\"cat\":\"%s\",\"pid\":%d,\"name\":", writer->first ? "" : ",",
            phase, category, PROCESS);
    writer->first = false;
    write_string(writer->out, name);
}

/** The fields that every record has; leaves the arguments open for more. */
static void common(struct writer *writer, const struct trace_record *record)
{
    uint64_t place = place_of(writer, record);

    fprintf(writer->out,
            ",\"tid\":%u,\"ts\":%" PRIu64 ".%" PRIu64 ",\"args\":{\"record\":%" PRIu64
            ",\"time\":\"%" PRIu64 ".%07" PRIu64 "\",\"irql\":%u",
            record->thread, place / TICK_USEC, place % TICK_USEC, record->sequence,
            record->time / 10000000, record->time % 10000000, record->irql);
}

static void write_srb_start(struct writer *writer, const struct trace_record *record)
{
    const uint64_t *a = record->argument;

    begin(writer, "b", "srb", record->name);
    fprintf(writer->out, ",\"id\":%" PRIu64, a[0]);
    common(writer, record);
    fprintf(writer->out, ",\"unit\":\"%u:%u:%u\",\"opcode\":%" PRIu64 ",\"length\":%" PRIu64 "}}",
            (unsigned)(a[1] >> 16 & 0xff), (unsigned)(a[1] >> 8 & 0xff), (unsigned)(a[1] & 0xff),
            a[2], a[3]);
}

static void write_srb_complete(struct writer *writer, const struct trace_record *record)
{
    const uint64_t *a = record->argument;

    begin(writer, "e", "srb", record->name);
    fprintf(writer->out, ",\"id\":%" PRIu64, a[0]);
    common(writer, record);
    fprintf(writer->out, ",\"status\":\"%s\",\"scsi\":\"%s\",\"moved\":%" PRIu64 "}}",
            srb_status_name((uint8_t)a[1]), scsi_status_name((uint8_t)a[2]), a[3]);
}

static void write_thread(struct writer *writer, const struct trace_record *record)
{
    static const char *const events[] = {"", "created", "ended", "blocked", "woken"};
    uint64_t event = record->argument[0];
    char name[48];

    snprintf(name, sizeof name, "%s %" PRIu64, event < 5 ? events[event] : "", record->argument[1]);
    begin(writer, "i", "thread", name);
    fprintf(writer->out, ",\"s\":\"t\"");
    common(writer, record);
    fprintf(writer->out, "}}");
}

/** A counter: nothing but the value may be among its arguments, each would become a curve. */
static void write_irql(struct writer *writer, const struct trace_record *record)
{
    uint64_t place = place_of(writer, record);
    char name[32];

    snprintf(name, sizeof name, "IRQL of thread %u", record->thread);
    begin(writer, "C", "irql", name);
    fprintf(writer->out,
            ",\"tid\":%u,\"ts\":%" PRIu64 ".%" PRIu64 ",\"args\":{\"IRQL\":%" PRIu64 "}}",
            record->thread, place / TICK_USEC, place % TICK_USEC, record->argument[1]);
}

static void write_file(struct writer *writer, const struct trace_record *record)
{
    const uint64_t *a = record->argument;

    begin(writer, "i", "file", record->name);
    fprintf(writer->out, ",\"s\":\"t\"");
    common(writer, record);
    fprintf(writer->out,
            ",\"offset\":%" PRIu64 ",\"length\":%" PRIu64 ",\"status\":\"0x%08" PRIx64 "\"}}", a[0],
            a[1], a[2]);
}

/** A slice's begin or end, or an instant. */
static void write_plain(struct writer *writer, const struct trace_record *record, const char *phase)
{
    bool function = record->kind == TRACE_FUNCTION, routine = record->kind == TRACE_ROUTINE;

    begin(writer, phase, trace_kind_name(record->kind), record->name);
    if (phase[0] == 'i') {
        fprintf(writer->out, ",\"s\":\"%s\"", record->kind == TRACE_BUGCHECK ? "g" : "t");
    }
    common(writer, record);
    if (function && phase[0] == 'B') {
        fprintf(writer->out, ",\"caller\":\"%s\"", record->argument[1] ? "host" : "driver");
    }
    if (routine) {
        fprintf(writer->out, ",\"caller\":\"%s\"", record->argument[0] ? "driver" : "host");
    }
    for (unsigned i = 0; !function && !routine && i < TRACE_ARGUMENTS; i++) {
        if (record->argument[i] != 0) {
            fprintf(writer->out, ",\"a%u\":\"0x%" PRIx64 "\"", i, record->argument[i]);
        }
    }
    fprintf(writer->out, "}}");
}

static void write_record(struct writer *writer, const struct trace_record *record)
{
    switch (record->kind) {
    case TRACE_SRB_START:
        write_srb_start(writer, record);
        break;
    case TRACE_SRB_COMPLETE:
        write_srb_complete(writer, record);
        break;
    case TRACE_THREAD:
        write_thread(writer, record);
        break;
    case TRACE_IRQL:
        write_irql(writer, record);
        break;
    case TRACE_FILE:
        write_file(writer, record);
        break;
    case TRACE_CALLBACK_ENTER:
        write_plain(writer, record, "B");
        break;
    case TRACE_CALLBACK_LEAVE:
        write_plain(writer, record, "E");
        break;
    case TRACE_FUNCTION:
        write_plain(writer, record, record->argument[0] == 1 ? "B" : "E");
        break;
    default:
        write_plain(writer, record, "i");
        break;
    }
}

static void write_metadata(struct writer *writer, const char *what, uint64_t thread,
                           const char *name)
{
    begin(writer, "M", "", what);
    fprintf(writer->out, ",\"tid\":%" PRIu64 ",\"args\":{\"name\":", thread);
    write_string(writer->out, name);
    fprintf(writer->out, "}}");
}

/** Names are known from the records of creation; the first thread is the one that booted. */
static void write_names(struct writer *writer)
{
    write_metadata(writer, "process_name", 0, "nthost");
    write_metadata(writer, "thread_name", 1, "main");
    for (size_t i = 0; i < trace_count(); i++) {
        const struct trace_record *record = trace_at(i);

        if (record != NULL && record->kind == TRACE_THREAD && record->argument[0] == 1) {
            write_metadata(writer, "thread_name", record->argument[1], record->name);
        }
    }
}

void chrome_write(FILE *out, bool seeded, uint64_t seed)
{
    struct writer writer = {.out = out, .seeded = seeded, .first = true};

    fprintf(out, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"producer\":\"nthost\",");
    fprintf(out,
            seeded ? "\"clock\":\"one record = 1 us\",\"seed\":\"%" PRIu64 "\"},"
                   : "\"clock\":\"real time\"},",
            seed);
    fprintf(out, "\"traceEvents\":[");
    write_names(&writer);
    for (size_t i = 0; i < trace_count(); i++) {
        const struct trace_record *record = trace_at(i);

        if (record != NULL) {
            write_record(&writer, record);
        }
    }
    fprintf(out, "\n]}\n");
}
