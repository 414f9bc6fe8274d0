/*
 * Special pool: with the verifier on, each block lies on pages of its own, right-aligned against a
 * page that faults.
 *
 *     | slack, patterned | block ............ | slack < 16 | guard page, PROT_NONE |
 *
 * What is freed stays PROT_NONE in a quarantine, so that a late access faults too; a record of each
 * block outlives it, and tells the fault handler whose it was. The pages are pool_arena.c's; this
 * file knows what lies on them.
 */
#include "nt/pool_arena.h"

#include <pthread.h>
#include <string.h>

#define SLACK         0xb5 /* Fills what belongs to no block. */
#define FRESH         0xcd /* Fills a new block: pool is not zeroed. */
#define FILL_LIMIT    (1u << 20)
#define BIGGEST_PAGES (1u << 16)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t numbered;

/* --- allocation --- */

/** Patterns all around the block and in it. */
static void fill(const struct arena *arena, const struct record *record)
{
    char *start = arena_start(arena, record), *block = record->block.address;
    size_t bytes = record->block.bytes;

    memset(start, SLACK, (size_t)(block - start));
    memset(block, FRESH, bytes < FILL_LIMIT ? bytes : FILL_LIMIT);
    memset(block + bytes, SLACK, (size_t)(start + arena_bytes(record) - (block + bytes)));
}

void *pool_special_allocate(POOL_TYPE type, size_t bytes, uint32_t tag)
{
    const void *caller = verifier_driver_caller();
    struct record *record = NULL;
    struct arena *arena;
    char *address = NULL;

    pthread_mutex_lock(&mutex);
    arena = bytes <= (size_t)BIGGEST_PAGES * PAGE_SIZE ? arena_for(type) : NULL;
    if (arena != NULL) {
        arena_open_paged(arena);
        record = arena_take(arena, BYTES_TO_PAGES(bytes));
    }
    if (record != NULL) {
        /* A block of a page or more begins on a page; a smaller one ends at the guard page. */
        address = arena_start(arena, record);
        if (bytes < PAGE_SIZE) {
            address += arena_bytes(record) - ALIGN_UP_BY(bytes, MEMORY_ALLOCATION_ALIGNMENT);
        }
        record->block =
            (struct nt_pool_block){.address = address,
                                   .bytes = bytes,
                                   .tag = tag,
                                   .type = type,
                                   .number = ++numbered,
                                   .allocated_in = pool_tag_is_host(tag) ? 0 : sched_current()->id,
                                   .allocated_by = caller};
        fill(arena, record);
    }
    pthread_mutex_unlock(&mutex);
    return address;
}

/* --- lookup --- */

bool pool_special_contains(const void *address)
{
    return arena_of(address) != NULL;
}

bool pool_special_find(const void *address, struct nt_pool_block *block)
{
    struct record *record = arena_record_of(address);

    if (record != NULL) {
        *block = record->block;
    }
    return record != NULL;
}

void nt_pool_boot(void)
{
    numbered = 0;
}

uint32_t nt_pool_number(const void *address, uint64_t *offset)
{
    const struct record *record = arena_record_of(address);

    if (record == NULL) {
        return 0;
    }
    *offset = (uint64_t)((const char *)address - (const char *)record->block.address);
    return record->block.number;
}

bool NTAPI nt_pool_was_freed(const void *address)
{
    const struct record *record = arena_record_of(address);

    return record != NULL && record->block.freed;
}

bool nt_pool_is_paged(const void *address)
{
    const struct record *record = arena_record_of(address);

    return record != NULL && pool_type_paged(record->block.type);
}

void nt_pool_check_nonpaged(const char *what, const void *object)
{
    if (nt_pool_is_paged(object)) {
        verifier_bugcheck(RULE_PAGED_OBJECT, (uint64_t)object, 0, 0, "The %s lies in paged pool.",
                          what);
    }
}

struct visit {
    void (*visit)(const struct nt_pool_block *block, void *context);
    void *context;
};

static void visit_record(const struct record *record, void *context)
{
    const struct visit *visit = context;

    if (!pool_tag_is_host(record->block.tag)) {
        visit->visit(&record->block, visit->context);
    }
}

void pool_special_visit(void (*visit)(const struct nt_pool_block *block, void *context),
                        void *context)
{
    if (pthread_mutex_trylock(&mutex) != 0) {
        return; /* Called from a bugcheck inside the pool. */
    }
    arena_visit(visit_record, &(struct visit){visit, context});
    pthread_mutex_unlock(&mutex);
}

/* --- freeing --- */

/** First byte in [start, end) that is not slack any more, or NULL. */
static const char *first_damage(const char *start, const char *end)
{
    static const char slack[64] = {[0 ... 63] = (char)SLACK};

    while (end - start >= (ptrdiff_t)sizeof slack && memcmp(start, slack, sizeof slack) == 0) {
        start += sizeof slack;
    }
    for (; start < end; start++) {
        if ((unsigned char)*start != SLACK) {
            return start;
        }
    }
    return NULL;
}

static void check_slack(const struct arena *arena, const struct record *record)
{
    const char *start = arena_start(arena, record), *block = record->block.address;
    const char *end = start + arena_bytes(record);
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
    struct record *record = arena_record_of(address);
    struct arena *arena = arena_of(address);

    record->block.freed_by = verifier_driver_caller();
    record->block.freed_in = pool_tag_is_host(record->block.tag) ? 0 : sched_current()->id;
    arena_open_paged(arena);
    check_slack(arena, record);
    pthread_mutex_lock(&mutex);
    record->block.freed = true;
    arena_give(arena, record);
    pthread_mutex_unlock(&mutex);
}
