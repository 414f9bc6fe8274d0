/*
 * Special pool: with the verifier on, each block lies on pages of its own, right-aligned against a
 * page that faults.
 *
 *     | slack, patterned | block ............ | slack < 16 | guard page, PROT_NONE |
 *
 * What is freed stays PROT_NONE in a quarantine, so that a late access faults too; a record of each
 * block outlives it, and tells the fault handler whose it was. Nonpaged and paged pool have an
 * arena each: the paged one can be closed as a whole while the simulated processor is at
 * DISPATCH_LEVEL.
 */
#include "nt/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLACK            0xb5 /* Fills what belongs to no block. */
#define FRESH            0xcd /* Fills a new block: pool is not zeroed. */
#define FILL_LIMIT       (1u << 20)
#define QUARANTINE_PAGES 32768u /* 128 MiB of addresses. */
#define ARENA_PAGES      (1u << 20)
#define BIGGEST_PAGES    (1u << 16)

/** A block, live or freed, and its pages; `pages` counts the guard page. */
struct record {
    struct nt_pool_block block;
    size_t first, pages;
    struct record *next, *previous; /**< In the arena's live list or quarantine. */
};

/** A range of addresses, cut from the left; freed ranges wait in the quarantine, then serve
 *  blocks of their size. */
struct arena {
    char *_Atomic base;    /**< NULL until it is reserved; what follows is under the mutex. */
    struct record **owner; /**< By page. */
    size_t used;           /**< Pages cut so far. */
    struct record *live;
    struct record *oldest, *newest; /**< Quarantine. */
    size_t quarantined;
    struct record *reusable;
};

static struct arena arenas[2]; /* By pool_type_paged. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool paged_closed;

/* --- lists of records --- */

static void live_insert(struct arena *arena, struct record *record)
{
    record->previous = NULL;
    record->next = arena->live;
    if (arena->live != NULL) {
        arena->live->previous = record;
    }
    arena->live = record;
}

static void live_remove(struct arena *arena, struct record *record)
{
    if (record->previous != NULL) {
        record->previous->next = record->next;
    } else {
        arena->live = record->next;
    }
    if (record->next != NULL) {
        record->next->previous = record->previous;
    }
}

static void quarantine_push(struct arena *arena, struct record *record)
{
    record->next = NULL;
    if (arena->newest != NULL) {
        arena->newest->next = record;
    } else {
        arena->oldest = record;
    }
    arena->newest = record;
    arena->quarantined += record->pages;
}

/** Lets the oldest freed blocks go until the quarantine is no bigger than it may be. */
static void quarantine_drain(struct arena *arena, size_t limit)
{
    while (arena->oldest != NULL && arena->quarantined > limit) {
        struct record *record = arena->oldest;

        arena->oldest = record->next;
        if (arena->oldest == NULL) {
            arena->newest = NULL;
        }
        arena->quarantined -= record->pages;
        record->next = arena->reusable;
        arena->reusable = record;
    }
}

/* --- pages --- */

static bool arena_reserve(struct arena *arena)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *base, *owner;

    if (arena->base != NULL) {
        return true;
    }
    base = mmap(NULL, (size_t)ARENA_PAGES * PAGE_SIZE, PROT_NONE, flags, -1, 0);
    owner = mmap(NULL, ARENA_PAGES * sizeof(struct record *), PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED || owner == MAP_FAILED) {
        return false;
    }
    arena->owner = owner;
    arena->used = 1; /* The first page guards the first block from below. */
    arena->base = base;
    return true;
}

/** A record with a range of exactly so many pages: one that has left the quarantine, or a fresh
 *  one. */
static struct record *range_take(struct arena *arena, size_t pages)
{
    struct record *record;

    quarantine_drain(arena, QUARANTINE_PAGES);
    for (struct record **link = &arena->reusable; *link != NULL; link = &(*link)->next) {
        if ((*link)->pages == pages) {
            record = *link;
            *link = record->next;
            return record;
        }
    }
    record = arena->used + pages > ARENA_PAGES ? NULL : calloc(1, sizeof *record);
    if (record != NULL) {
        record->first = arena->used;
        record->pages = pages;
        arena->used += pages;
        for (size_t page = 0; page < pages; page++) {
            arena->owner[record->first + page] = record;
        }
    }
    return record;
}

static char *range_start(const struct arena *arena, const struct record *record)
{
    return arena->base + record->first * PAGE_SIZE;
}

static size_t range_bytes(const struct record *record)
{
    return (record->pages - 1) * PAGE_SIZE;
}

static bool range_protect(const struct arena *arena, const struct record *record, int protection)
{
    return mprotect(range_start(arena, record), range_bytes(record), protection) == 0;
}

/* --- allocation --- */

/** Patterns all around the block and in it. */
static void fill(const struct arena *arena, const struct record *record)
{
    char *start = range_start(arena, record), *block = record->block.address;
    size_t bytes = record->block.bytes;

    memset(start, SLACK, (size_t)(block - start));
    memset(block, FRESH, bytes < FILL_LIMIT ? bytes : FILL_LIMIT);
    memset(block + bytes, SLACK, (size_t)(start + range_bytes(record) - (block + bytes)));
}

void *pool_special_allocate(POOL_TYPE type, size_t bytes, uint32_t tag)
{
    struct arena *arena = &arenas[pool_type_paged(type)];
    size_t pages = BYTES_TO_PAGES(bytes) + 1;
    bool host = tag == NT_HOST_TAG;
    const void *caller = verifier_driver_caller();
    struct record *record = NULL;
    char *address = NULL;

    pthread_mutex_lock(&mutex);
    if (bytes <= (size_t)BIGGEST_PAGES * PAGE_SIZE && arena_reserve(arena)) {
        record = range_take(arena, pages);
    }
    if (record != NULL && !range_protect(arena, record, PROT_READ | PROT_WRITE)) {
        record->next = arena->reusable; /* Too many mappings in this process. */
        arena->reusable = record;
        record = NULL;
    }
    if (record != NULL) {
        /* A block of a page or more begins on a page; a smaller one ends at the guard page. */
        address = range_start(arena, record);
        if (bytes < PAGE_SIZE) {
            address += range_bytes(record) - ALIGN_UP_BY(bytes, MEMORY_ALLOCATION_ALIGNMENT);
        }
        record->block = (struct nt_pool_block){.address = address,
                                               .bytes = bytes,
                                               .tag = tag,
                                               .type = type,
                                               .allocated_in = host ? 0 : sched_current()->id,
                                               .allocated_by = caller};
        live_insert(arena, record);
        fill(arena, record);
    }
    pthread_mutex_unlock(&mutex);
    return address;
}

/* --- lookup --- */

static struct arena *arena_of(const void *address)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *base = arenas[i].base;

        if (base != NULL && (const char *)address >= base &&
            (const char *)address < base + (size_t)ARENA_PAGES * PAGE_SIZE) {
            return &arenas[i];
        }
    }
    return NULL;
}

static struct record *record_of(const void *address)
{
    struct arena *arena = arena_of(address);

    return arena == NULL ? NULL
                         : arena->owner[(size_t)((const char *)address - arena->base) / PAGE_SIZE];
}

bool pool_special_contains(const void *address)
{
    return arena_of(address) != NULL;
}

bool pool_special_find(const void *address, struct nt_pool_block *block)
{
    struct record *record = record_of(address);

    if (record != NULL) {
        *block = record->block;
    }
    return record != NULL;
}

bool nt_pool_is_freed(const void *address)
{
    const struct record *record = record_of(address);

    return record != NULL && record->block.freed;
}

bool nt_pool_is_paged(const void *address)
{
    return arena_of(address) == &arenas[1];
}

void nt_pool_check_nonpaged(const char *what, const void *object)
{
    if (nt_pool_is_paged(object)) {
        verifier_bugcheck(RULE_PAGED_OBJECT, (uint64_t)object, 0, 0, "The %s lies in paged pool.",
                          what);
    }
}

void pool_special_visit(void (*visit)(const struct nt_pool_block *block, void *context),
                        void *context)
{
    if (pthread_mutex_trylock(&mutex) != 0) {
        return; /* Called from a bugcheck inside the pool. */
    }
    for (unsigned i = 0; i < 2; i++) {
        for (struct record *record = arenas[i].live; record != NULL; record = record->next) {
            if (record->block.tag != NT_HOST_TAG) {
                visit(&record->block, context);
            }
        }
    }
    pthread_mutex_unlock(&mutex);
}

/* --- freeing --- */

/** First byte in [start, end) that is not slack any more, or NULL. */
static const char *first_damage(const char *start, const char *end)
{
    for (; start < end; start++) {
        if ((unsigned char)*start != SLACK) {
            return start;
        }
    }
    return NULL;
}

static void check_slack(const struct arena *arena, const struct record *record)
{
    const char *start = range_start(arena, record), *block = record->block.address;
    const char *end = start + range_bytes(record);
    const char *damage = first_damage(start, block);
    char text[5];

    if (damage != NULL) {
        verifier_bugcheck_at(RULE_POOL_CORRUPT_BEFORE, (uint64_t)block, (uint64_t)damage, 0, 0x23,
                             "The byte %zu before the block ('%s', %zu bytes) was overwritten.",
                             (size_t)(block - damage), pool_tag_text(record->block.tag, text),
                             record->block.bytes);
    }
    damage = first_damage(block + record->block.bytes, end);
    if (damage != NULL) {
        verifier_bugcheck_at(RULE_POOL_CORRUPT_AFTER, (uint64_t)block, (uint64_t)damage, 0, 0x24,
                             "The byte at offset %zu of a block of %zu ('%s') was overwritten.",
                             (size_t)(damage - block), record->block.bytes,
                             pool_tag_text(record->block.tag, text));
    }
}

void pool_special_free(void *address)
{
    struct record *record = record_of(address);
    struct arena *arena = arena_of(address);
    bool host = record->block.tag == NT_HOST_TAG;

    check_slack(arena, record);
    record->block.freed_by = verifier_driver_caller();
    record->block.freed_in = host ? 0 : sched_current()->id;
    pthread_mutex_lock(&mutex);
    record->block.freed = true;
    live_remove(arena, record);
    range_protect(arena, record, PROT_NONE);
    madvise(range_start(arena, record), range_bytes(record), MADV_DONTNEED);
    quarantine_push(arena, record);
    pthread_mutex_unlock(&mutex);
}

/* --- paged pool at raised IRQL --- */

void nt_pool_paged_access(bool accessible)
{
    struct arena *paged = &arenas[1];

    if (paged_closed == !accessible || sched_kind() != SCHED_SEEDED) {
        return;
    }
    paged_closed = !accessible;
    if (accessible) {
        for (struct record *record = paged->live; record != NULL; record = record->next) {
            range_protect(paged, record, PROT_READ | PROT_WRITE);
        }
    } else if (paged->live != NULL) {
        mprotect(paged->base, paged->used * PAGE_SIZE, PROT_NONE);
    }
}
