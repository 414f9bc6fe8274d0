/*
 * The pages behind special pool. A block's range is made accessible when it is taken and
 * inaccessible when it is given back; the pages themselves stay, and serve the next block without a
 * fault: on a virtual machine a fault or a change of protection costs microseconds, and a boot
 * makes hundreds of blocks.
 *
 * Nonpaged and paged pool have an arena each. The paged one is closed as a whole when the simulated
 * processor reaches DISPATCH_LEVEL, and opened again not when it leaves, but when somebody then
 * touches it: most spin locks are held and released without anybody touching paged pool before the
 * next one.
 */
#include "nt/pool_arena.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

/** How long a freed block cannot be touched: until so many pages of younger ones are freed. */
#define QUARANTINE_PAGES 512u
#define ARENA_PAGES      (1u << 20)

static struct arena arenas[2]; /* By pool_type_paged. */
/** Seeded scheduler: the thread that runs is below DISPATCH_LEVEL. */
static bool paged_allowed = true;

/* --- addresses --- */

static bool reserve(struct arena *arena)
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

struct arena *arena_for(POOL_TYPE type)
{
    struct arena *arena = &arenas[pool_type_paged(type)];

    return reserve(arena) ? arena : NULL;
}

struct arena *arena_of(const void *address)
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

struct record *arena_record_of(const void *address)
{
    struct arena *arena = arena_of(address);

    return arena == NULL ? NULL
                         : arena->owner[(size_t)((const char *)address - arena->base) / PAGE_SIZE];
}

static bool protect(const struct arena *arena, const struct record *record, int protection)
{
    return mprotect(arena_start(arena, record), arena_bytes(record), protection) == 0;
}

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

static struct record **spares_of(struct arena *arena, size_t pages)
{
    return &arena->spare[pages < ARENA_BIG_PAGES ? pages : ARENA_BIG_PAGES];
}

static void spare_push(struct arena *arena, struct record *record)
{
    struct record **list = spares_of(arena, record->pages);

    record->next = *list;
    *list = record;
}

/** \return a spare range of exactly so many pages, or NULL. */
static struct record *spare_pop(struct arena *arena, size_t pages)
{
    struct record **link = spares_of(arena, pages), *record;

    while (*link != NULL && (*link)->pages != pages) {
        link = &(*link)->next;
    }
    record = *link;
    if (record != NULL) {
        *link = record->next;
    }
    return record;
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
static void quarantine_drain(struct arena *arena)
{
    while (arena->quarantined > QUARANTINE_PAGES) {
        struct record *record = arena->oldest;

        arena->oldest = record->next;
        if (arena->oldest == NULL) {
            arena->newest = NULL;
        }
        arena->quarantined -= record->pages;
        spare_push(arena, record);
    }
}

/* --- ranges --- */

static struct record *cut(struct arena *arena, size_t pages)
{
    struct record *record =
        arena->used + pages > ARENA_PAGES ? NULL : calloc(1, sizeof(struct record));

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

struct record *arena_take(struct arena *arena, size_t pages)
{
    struct record *record;

    quarantine_drain(arena);
    record = spare_pop(arena, pages + 1);
    if (record == NULL) {
        record = cut(arena, pages + 1);
    }
    if (record != NULL && !protect(arena, record, PROT_READ | PROT_WRITE)) {
        spare_push(arena, record); /* Too many mappings in this process. */
        return NULL;
    }
    if (record != NULL) {
        live_insert(arena, record);
    }
    return record;
}

void arena_give(struct arena *arena, struct record *record)
{
    live_remove(arena, record);
    protect(arena, record, PROT_NONE);
    if (record->pages >= ARENA_BIG_PAGES) {
        madvise(arena_start(arena, record), arena_bytes(record), MADV_DONTNEED);
    }
    quarantine_push(arena, record);
}

void arena_visit(void (*visit)(const struct record *record, void *context), void *context)
{
    for (unsigned i = 0; i < 2; i++) {
        for (struct record *record = arenas[i].live; record != NULL; record = record->next) {
            visit(record, context);
        }
    }
}

/* --- paged pool at raised IRQL --- */

void arena_open_paged(struct arena *arena)
{
    if (arena->closed && paged_allowed) {
        arena->closed = false;
        for (struct record *record = arena->live; record != NULL; record = record->next) {
            protect(arena, record, PROT_READ | PROT_WRITE);
        }
    }
}

void nt_pool_paged_access(bool accessible)
{
    struct arena *paged = &arenas[1];

    if (sched_kind() != SCHED_SEEDED) {
        return;
    }
    paged_allowed = accessible;
    if (!accessible && !paged->closed && paged->live != NULL) {
        paged->closed = true;
        mprotect(paged->base, paged->used * PAGE_SIZE, PROT_NONE);
    }
}

void nt_pool_paged_touch(const void *address)
{
    struct arena *arena = arena_of(address);

    if (arena != NULL) {
        arena_open_paged(arena);
    }
}

bool nt_pool_paged_fault(const void *address)
{
    const struct record *record = arena_record_of(address);
    struct arena *arena = arena_of(address);

    if (record == NULL || record->block.freed || !arena->closed || !paged_allowed ||
        (const char *)address >= arena_start(arena, record) + arena_bytes(record)) {
        return false;
    }
    arena_open_paged(arena);
    return true;
}
