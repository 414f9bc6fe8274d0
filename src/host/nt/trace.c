/*
 * The recorder. Records lie in chunks that never move, and a slot is taken by one atomic addition,
 * so that recording needs no lock at any IRQL. A record holds no pointer that differs between two
 * runs: names are text, objects are numbered.
 */
#include "nt/nt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_RECORDS 4096u
#define CHUNKS        4096u
#define NAME_BUCKETS  4096u

/** One text of the intern table; rows are never freed. */
struct name {
    struct name *next;
    char text[];
};

uint32_t trace_mask;
/** Slots taken; may run past the last chunk: what is beyond was dropped. */
static _Atomic size_t reserved;
static struct trace_record *_Atomic chunks[CHUNKS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* Chunks and names. */
static struct name *names[NAME_BUCKETS];

void trace_enable(uint32_t kinds)
{
    __atomic_store_n(&trace_mask, kinds, __ATOMIC_RELAXED);
}

/** The chunk of a slot, made on its first use; NULL when the recorder is full. */
static struct trace_record *chunk_of(size_t slot)
{
    size_t index = slot / CHUNK_RECORDS;
    struct trace_record *chunk;

    if (index >= CHUNKS) {
        return NULL;
    }
    chunk = atomic_load_explicit(&chunks[index], memory_order_acquire);
    if (chunk == NULL) {
        pthread_mutex_lock(&mutex);
        chunk = atomic_load(&chunks[index]);
        if (chunk == NULL) {
            chunk = calloc(CHUNK_RECORDS, sizeof *chunk);
            atomic_store_explicit(&chunks[index], chunk, memory_order_release);
        }
        pthread_mutex_unlock(&mutex);
    }
    return chunk;
}

static void record(enum trace_kind kind, const char *name, const uint64_t *argument)
{
    struct nt_thread *thread = sched_current();
    size_t slot = atomic_fetch_add_explicit(&reserved, 1, memory_order_acquire);
    struct trace_record *chunk = chunk_of(slot);
    struct trace_record *entry;

    if (chunk == NULL) {
        return;
    }
    entry = &chunk[slot % CHUNK_RECORDS];
    entry->time = sched_time();
    entry->thread = thread->id;
    entry->irql = thread->irql;
    entry->processor = thread->irql >= DISPATCH_LEVEL ? thread->processor : 0;
    entry->kind = kind;
    entry->name = name;
    memcpy(entry->argument, argument, sizeof entry->argument);
    __atomic_store_n(&entry->sequence, slot + 1, __ATOMIC_RELEASE);
}

void trace_event(enum trace_kind kind, const char *name, uint64_t a, uint64_t b, uint64_t c,
                 uint64_t d)
{
    if (trace_wants(kind)) {
        record(kind, name, (const uint64_t[TRACE_ARGUMENTS]){a, b, c, d});
    }
}

/** The one copy of a text, NULL without memory. */
static const char *intern(const char *text)
{
    size_t length = strlen(text) + 1;
    uint32_t hash = 2166136261u;
    struct name **bucket, *name;

    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    bucket = &names[hash % NAME_BUCKETS];
    pthread_mutex_lock(&mutex);
    for (name = *bucket; name != NULL && strcmp(name->text, text) != 0; name = name->next) {
    }
    if (name == NULL) {
        name = malloc(sizeof *name + length);
        if (name != NULL) {
            memcpy(name->text, text, length);
            name->next = *bucket;
            *bucket = name;
        }
    }
    pthread_mutex_unlock(&mutex);
    return name == NULL ? NULL : name->text;
}

void trace_text(enum trace_kind kind, const char *text, uint64_t a, uint64_t b, uint64_t c,
                uint64_t d)
{
    if (trace_wants(kind)) {
        const char *name = intern(text);

        record(kind, name == NULL ? "" : name, (const uint64_t[TRACE_ARGUMENTS]){a, b, c, d});
    }
}

size_t trace_count(void)
{
    size_t count = atomic_load(&reserved);

    return count < (size_t)CHUNKS * CHUNK_RECORDS ? count : (size_t)CHUNKS * CHUNK_RECORDS;
}

const struct trace_record *trace_at(size_t index)
{
    struct trace_record *chunk = index < trace_count() ? chunks[index / CHUNK_RECORDS] : NULL;
    const struct trace_record *entry = chunk == NULL ? NULL : &chunk[index % CHUNK_RECORDS];

    return entry != NULL && __atomic_load_n(&entry->sequence, __ATOMIC_ACQUIRE) != 0 ? entry : NULL;
}

void trace_clear(void)
{
    size_t count = trace_count();

    for (size_t i = 0; i < count; i++) {
        struct trace_record *chunk = chunks[i / CHUNK_RECORDS];

        if (chunk != NULL) {
            /* Who wrote it wrote before who writes it next: acquired here, released below. */
            (void)__atomic_exchange_n(&chunk[i % CHUNK_RECORDS].sequence, 0, __ATOMIC_ACQUIRE);
        }
    }
    reserved = 0;
}
