/**
 * \file
 * The inside of the pool: what pool.c (rules, counters, ordinary blocks) and pool_special.c
 * (guarded blocks) share, and what the fault handler and the census ask them.
 */
#ifndef HOST_NT_POOL_H
#define HOST_NT_POOL_H

#include "nt/nt.h"

/** What the pool knows of an address. */
struct nt_pool_block {
    void *address; /**< Start of the block, as the driver has it. */
    size_t bytes;
    uint32_t tag;
    POOL_TYPE type;
    bool freed;
    uint32_t number;                     /**< 1, 2, 3 ... in order of allocation. */
    uint32_t allocated_in, freed_in;     /**< Thread numbers, 0 for the host's own blocks. */
    const void *allocated_by, *freed_by; /**< Driver code, NULL = unknown. */
};

static inline bool pool_type_paged(POOL_TYPE type)
{
    return (type & 1) != 0;
}

/** Is it the host's own memory? No census counts it, and no low-resource test fails it. */
static inline bool pool_tag_is_host(uint32_t tag)
{
    return tag == NT_HOST_TAG || tag == NT_PRIVATE_TAG;
}

/* --- pool_special.c --- */

/**
 * Takes a guarded block; NULL when the arena is exhausted or the block too big for it: take an
 * ordinary one.
 */
void *pool_special_allocate(POOL_TYPE type, size_t bytes, uint32_t tag);
bool pool_special_contains(const void *address);
/**
 * What the address belongs to: a live or freed block, or the guard page behind it.
 * \return false = never used.
 */
bool pool_special_find(const void *address, struct nt_pool_block *block);
/**
 * Checks the surroundings of a live block that begins at this address, and gives it to the
 * quarantine.
 */
void pool_special_free(void *address);
/** Calls `visit` for every live block that is not the host's. */
void pool_special_visit(void (*visit)(const struct nt_pool_block *block, void *context),
                        void *context);

/* --- pool.c --- */

/** A tag as text, unprintable characters as dots. `text` has 5 bytes. */
const char *pool_tag_text(uint32_t tag, char *text);
/** One line per tag that has blocks outstanding, and where they were allocated if that is known. */
void pool_describe(FILE *out);

#endif
