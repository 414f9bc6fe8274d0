/**
 * \file
 * The pages behind special pool: ranges with a guard page, their owners, the quarantine of those
 * that were freed, and paged pool's gate. Private to pool_special.c, which decides what lies in
 * them; its mutex guards everything here.
 */
#ifndef HOST_NT_POOL_ARENA_H
#define HOST_NT_POOL_ARENA_H

#include "nt/pool.h"

/** A block, live or freed, and its pages; `pages` counts the guard page. */
struct record {
    struct nt_pool_block block;
    size_t first, pages;
    struct record *next, *previous; /**< In the arena's live list, quarantine or spares. */
};

/** Ranges of so many pages and more are kept in one list, and their memory is given back. */
#define ARENA_BIG_PAGES 16u

/** A range of addresses, cut from the left; freed ranges wait in the quarantine, then serve
 *  blocks of their size. */
struct arena {
    char *_Atomic base;    /**< NULL until it is reserved. */
    struct record **owner; /**< By page. */
    size_t used;           /**< Pages cut so far. */
    struct record *live;
    struct record *oldest, *newest;            /**< Quarantine. */
    size_t quarantined;                        /**< Pages in it. */
    struct record *spare[ARENA_BIG_PAGES + 1]; /**< By pages; the last one: all the bigger ones. */
    bool closed;                               /**< Live blocks cannot be touched. */
};

/** The arena for a kind of pool, its addresses reserved. \return NULL without address space. */
struct arena *arena_for(POOL_TYPE type);
/** The arena that an address lies in, or NULL. */
struct arena *arena_of(const void *address);
/** Who has or had the page; NULL: nobody yet. */
struct record *arena_record_of(const void *address);

/** A range of so many pages and a guard page, accessible and entered as live; NULL without memory.
 *  Its contents are what they are. */
struct record *arena_take(struct arena *arena, size_t pages);
/** A live range goes into the quarantine: nobody can touch it until others of its kind have taken
 *  its place. */
void arena_give(struct arena *arena, struct record *record);

static inline char *arena_start(const struct arena *arena, const struct record *record)
{
    return arena->base + record->first * PAGE_SIZE;
}

/** Without the guard page. */
static inline size_t arena_bytes(const struct record *record)
{
    return (record->pages - 1) * PAGE_SIZE;
}

/** Calls `visit` for every live record. */
void arena_visit(void (*visit)(const struct record *record, void *context), void *context);

/** Lets paged pool be touched again, if the thread that runs may: for who is about to. */
void arena_open_paged(struct arena *arena);

#endif
