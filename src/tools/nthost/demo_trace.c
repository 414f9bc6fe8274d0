/*
 * Lines of the demo that come from trace records.
 */
#include "tools/nthost/demo_parts.h"

#include "nt/trace.h"
#include "tools/nthost/tool.h"
#include "tools/nthost/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAXIMUM_THREADS 64

void demo_record(bool everything)
{
    trace_enable(everything ? TRACE_ALL : 1u << TRACE_SRB_START | 1u << TRACE_SRB_COMPLETE);
}

#define INDENT 28
#define WIDTH  116

static int column;

void demo_line(const char *chapter, const char *label)
{
    if (chapter == NULL) {
        printf("%*s", INDENT - 1, "");
    } else {
        printf(" %s%-14s%s%s%-12s%s", tool_style(STYLE_DIM), chapter, tool_style(STYLE_PLAIN),
               tool_style(STYLE_BOLD), label, tool_style(STYLE_PLAIN));
    }
    column = INDENT - 1;
}

void demo_words(const char *format, ...)
{
    char text[400];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (column >= INDENT && column + 1 + length > WIDTH) {
        putchar('\n');
        demo_line(NULL, NULL);
    }
    printf(" %s", text);
    column += 1 + length;
}

void demo_end(void)
{
    putchar('\n');
}

void demo_callbacks(size_t from)
{
    unsigned starts = 0, threads = 0;

    for (size_t i = from; i < trace_count(); i++) {
        const struct trace_record *record = trace_at(i);

        if (record != NULL && record->kind == TRACE_THREAD && record->argument[0] == 1 &&
            strcmp(record->name, "driver") == 0) {
            threads++;
        } else if (record != NULL && record->kind == TRACE_CALLBACK_ENTER &&
                   strcmp(record->name, "HwStartIo") == 0) {
            starts++; /* The scan asks again and again. */
        } else if (record != NULL && record->kind == TRACE_CALLBACK_ENTER) {
            demo_words("%s@%u", record->name, record->irql);
        }
    }
    if (starts != 0) {
        demo_words("HwStartIo x %u", starts);
    }
    if (threads != 0) {
        demo_words("and %u threads", threads);
    }
    demo_end();
}

void demo_commands(size_t from)
{
    const char *names[64];
    unsigned counts[64] = {0}, used = 0, total = 0;

    for (size_t i = from; i < trace_count(); i++) {
        const struct trace_record *record = trace_at(i);
        unsigned at = 0;

        if (record == NULL || record->kind != TRACE_SRB_START) {
            continue;
        }
        while (at < used && strcmp(names[at], record->name) != 0) {
            at++;
        }
        if (at == used && used < 64) {
            names[used++] = record->name;
        }
        if (at < used) {
            counts[at]++;
        }
        total++;
    }
    demo_words("%u SRBs:", total);
    for (unsigned i = 0; i < used; i++) {
        demo_words("%s x %u%s", names[i], counts[i], i + 1 < used ? "," : "");
    }
    demo_end();
}

/** The name that a thread was created with. */
static const char *thread_name(uint32_t id)
{
    for (size_t i = 0; i < trace_count(); i++) {
        const struct trace_record *record = trace_at(i);

        if (record != NULL && record->kind == TRACE_THREAD && record->argument[0] == 1 &&
            record->argument[1] == id) {
            return record->name;
        }
    }
    return "caller";
}

/** What of an SRB's way is told: the places where it changes hands. \return its text, NULL: not
 * told. */
static const char *landmark(const struct trace_record *record, char *text, size_t size)
{
    static const char *const routines[] = {"KeReleaseSemaphore", "IoBuildPartialMdl",
                                           "IoAllocateIrp",      "IofCallDriver",
                                           "IofCompleteRequest", "StorPortNotification"};

    switch (record->kind) {
    case TRACE_CALLBACK_ENTER:
        return record->name;
    case TRACE_CALLBACK_LEAVE:
        return "returns";
    case TRACE_FILE:
        snprintf(text, size, "file %s of %" PRIu64 " bytes", record->name, record->argument[1]);
        return text;
    case TRACE_SRB_COMPLETE:
        snprintf(text, size, "%s, %" PRIu64 " bytes", srb_status_name((uint8_t)record->argument[1]),
                 record->argument[3]);
        return text;
    case TRACE_ROUTINE:
        for (size_t i = 0; i < sizeof(routines) / sizeof(routines[0]); i++) {
            if (strcmp(record->name, routines[i]) == 0) {
                return record->name;
            }
        }
        return NULL;
    default:
        return NULL;
    }
}

/** Index of the record that starts the SRB. */
static size_t find_start(uint64_t srb)
{
    size_t i = 0;

    while (i < trace_count()) {
        const struct trace_record *record = trace_at(i);

        if (record != NULL && record->kind == TRACE_SRB_START && record->argument[0] == srb) {
            break;
        }
        i++;
    }
    return i;
}

void demo_way(uint64_t srb)
{
    const struct trace_record *record, *before = NULL;
    char text[80];

    for (size_t i = find_start(srb); i < trace_count(); i++) {
        const char *what;

        record = trace_at(i);
        what = record != NULL ? landmark(record, text, sizeof(text)) : NULL;
        if (what == NULL) {
            continue;
        }
        if (before == NULL || before->thread != record->thread || before->irql != record->irql) {
            if (before != NULL) {
                demo_end();
            }
            demo_line(NULL, NULL);
            demo_words("thread %u (%s), IRQL %u: %s", record->thread, thread_name(record->thread),
                       record->irql, what);
        } else {
            demo_words("> %s", what);
        }
        before = record;
        if (record->kind == TRACE_SRB_COMPLETE && record->argument[0] == srb) {
            break;
        }
    }
    demo_end();
}
