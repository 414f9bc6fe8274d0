/*
 * Pool: ExAllocatePoolWithTag, ExFreePoolWithTag and their rules. With the verifier on, a block
 * comes from special pool (pool_special.c); with it off, from malloc behind a small header. Every
 * block is counted under its tag, so that what a driver leaves behind is found at unload. Nothing
 * here may call an NT routine below nt_pool_allocate and nt_pool_free: they have no scheduling
 * point.
 */
#include "nt/pool.h"
#include "nt/points.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIVE  0x6c6f6f50u
#define HEADER_FREED 0x65657246u
#define TAGS         1024
#define MOST_BYTES   ((size_t)1 << 36) /* No machine has more for one block. */

/** Before each ordinary block. Blocks of a page or more begin on a page, as Windows promises. */
struct pool_header {
    uint32_t magic;
    uint32_t tag;
    uint64_t bytes : 48;
    uint64_t type : 16;
};
_Static_assert(sizeof(struct pool_header) == MEMORY_ALLOCATION_ALIGNMENT,
               "blocks are 16-byte aligned");

/** What is outstanding under one tag; a row is never given back. */
static struct pool_tag {
    _Atomic uint32_t tag;
    _Atomic uint64_t blocks, bytes;
} tags[TAGS];

/** Allocations to go until one fails; 0 = none will. */
static _Atomic unsigned fail_in;
static _Atomic bool fail_from_then_on;

/* --- the census --- */

/** Finds or makes the row of a tag. When the table is full, the last row takes the rest. */
static struct pool_tag *tag_row(uint32_t tag)
{
    unsigned first = (tag * 2654435761u) % (TAGS - 1);

    for (unsigned i = 0; i < TAGS - 1; i++) {
        struct pool_tag *row = &tags[(first + i) % (TAGS - 1)];
        uint32_t found = atomic_load_explicit(&row->tag, memory_order_relaxed);

        if (found == 0 && atomic_compare_exchange_strong(&row->tag, &found, tag)) {
            found = tag;
        }
        if (found == tag) {
            return row;
        }
    }
    return &tags[TAGS - 1];
}

static void tag_count(uint32_t tag, size_t bytes, bool allocated)
{
    struct pool_tag *row = tag_row(tag);

    if (allocated) {
        atomic_fetch_add_explicit(&row->blocks, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&row->bytes, bytes, memory_order_relaxed);
    } else {
        atomic_fetch_sub_explicit(&row->blocks, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&row->bytes, bytes, memory_order_relaxed);
    }
}

size_t nt_pool_outstanding(uint32_t tag, size_t *bytes)
{
    size_t blocks = 0, sum = 0;

    for (unsigned i = 0; i < TAGS; i++) {
        uint32_t found = atomic_load(&tags[i].tag);

        if (tag == 0 ? !pool_tag_is_host(found) : found == tag) {
            blocks += atomic_load(&tags[i].blocks);
            sum += atomic_load(&tags[i].bytes);
        }
    }
    if (bytes != NULL) {
        *bytes = sum;
    }
    return blocks;
}

const char *pool_tag_text(uint32_t tag, char *text)
{
    for (unsigned i = 0; i < 4; i++) {
        char c = (char)(tag >> (8 * i));

        text[i] = isprint((unsigned char)c) ? c : '.';
    }
    text[4] = '\0';
    return text;
}

struct describe {
    FILE *out;
    uint32_t tag;
    unsigned lines;
};

static void describe_block(const struct nt_pool_block *block, void *context)
{
    struct describe *describe = context;
    char name[128];

    if (block->tag != describe->tag || ++describe->lines > 8) {
        return;
    }
    fprintf(describe->out, "    %zu bytes of %s pool, allocated by %s in thread %u\n", block->bytes,
            pool_type_paged(block->type) ? "paged" : "nonpaged",
            verifier_function_name(block->allocated_by, name, sizeof name), block->allocated_in);
}

void pool_describe(FILE *out)
{
    char text[5];

    for (unsigned i = 0; i < TAGS; i++) {
        struct describe describe = {out, atomic_load(&tags[i].tag), 0};
        uint64_t blocks = atomic_load(&tags[i].blocks);

        if (blocks != 0 && !pool_tag_is_host(describe.tag)) {
            fprintf(out, "  tag '%s': %llu blocks, %llu bytes\n", pool_tag_text(describe.tag, text),
                    (unsigned long long)blocks, (unsigned long long)atomic_load(&tags[i].bytes));
            pool_special_visit(describe_block, &describe);
        }
    }
}

/* --- low resources --- */

void nt_pool_fail(unsigned nth, bool from_then_on)
{
    fail_from_then_on = from_then_on;
    fail_in = nth;
}

/** Is it this allocation's turn to fail? */
static bool fails_now(uint32_t tag)
{
    unsigned left = atomic_load_explicit(&fail_in, memory_order_relaxed);

    while (left != 0 && !pool_tag_is_host(tag)) {
        unsigned next = left == 1 && fail_from_then_on ? 1 : left - 1;

        if (atomic_compare_exchange_weak(&fail_in, &left, next)) {
            return left == 1;
        }
    }
    return false;
}

/* --- allocation --- */

static bool tag_has_letters(ULONG tag)
{
    for (unsigned i = 0; i < 4; i++) {
        if (isalnum((unsigned char)(tag >> (8 * i)))) {
            return true;
        }
    }
    return false;
}

static void check_allocation(POOL_TYPE type, size_t bytes, ULONG tag)
{
    KIRQL irql = nt_irql();

    if (bytes == 0) {
        verifier_bugcheck(RULE_POOL_ZERO_BYTES, irql, type, 0, "Zero bytes were asked for.");
    }
    if (irql > APC_LEVEL && pool_type_paged(type)) {
        verifier_bugcheck(RULE_POOL_PAGED_IRQL, irql, type, bytes,
                          "%zu bytes of paged pool were asked for at IRQL %u.", bytes, irql);
    }
    if (irql > DISPATCH_LEVEL) {
        verifier_bugcheck(RULE_POOL_NONPAGED_IRQL, irql, type, bytes,
                          "%zu bytes of nonpaged pool were asked for at IRQL %u.", bytes, irql);
    }
    if (tag == 0) {
        verifier_bugcheck(RULE_POOL_TAG_ZERO, type, bytes, 0, "The tag is 0.");
    }
    if (!tag_has_letters(tag)) {
        verifier_bugcheck_at(RULE_POOL_TAG_BAD, 0x9D, tag, type, 0, "The tag is 0x%08X.", tag);
    }
    if ((type & ~NonPagedPoolNx & 3) == NonPagedPoolMustSucceed) {
        verifier_bugcheck(RULE_POOL_MUST_SUCCEED, type, bytes, tag, "The pool type is %d.", type);
    }
    if (verifier_enabled() && !pool_type_paged(type) && (type & NonPagedPoolNx) == 0) {
        verifier_bugcheck(RULE_POOL_EXECUTABLE, (uint64_t)verifier_driver_caller(), type, tag,
                          "The pool type is %d: NonPagedPool is executable memory.", type);
    }
}

/** An ordinary block: malloc with a header just before it. */
static void *header_allocate(POOL_TYPE type, size_t bytes, uint32_t tag)
{
    bool whole_pages = bytes >= PAGE_SIZE;
    size_t before = whole_pages ? PAGE_SIZE : sizeof(struct pool_header);
    char *memory = bytes > MOST_BYTES ? NULL
                   : whole_pages      ? aligned_alloc(PAGE_SIZE, ROUND_TO_PAGES(before + bytes))
                                      : malloc(before + bytes);
    struct pool_header *header;

    if (memory == NULL) {
        return NULL;
    }
    header = (struct pool_header *)(void *)(memory + before) - 1;
    header->magic = HEADER_LIVE;
    header->tag = tag;
    header->bytes = bytes & 0xffffffffffffu;
    header->type = (uint16_t)type;
    return memory + before;
}

static void trace_block(const char *what, const void *block, size_t bytes, uint32_t tag)
{
    uint64_t offset;

    if ((!pool_tag_is_host(tag) || points_present) && trace_wants(TRACE_POOL)) {
        trace_event(TRACE_POOL, what, nt_pool_number(block, &offset), bytes, tag, 0);
    }
}

void *nt_pool_allocate(POOL_TYPE type, size_t bytes, ULONG tag)
{
    void *block = NULL;

    if (!pool_tag_is_host(tag)) {
        check_allocation(type, bytes, tag);
    }
    if (!fails_now(tag)) {
        if (verifier_enabled() && tag != NT_PRIVATE_TAG) {
            block = pool_special_allocate(type, bytes, tag);
        }
        if (block == NULL) {
            block = header_allocate(type, bytes, tag);
        }
    }
    if (block != NULL) {
        trace_block("allocated", block, bytes, tag);
        tag_count(tag, bytes, true);
    } else if ((type & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0) {
        verifier_bugcheck(RULE_POOL_RAISE, 0, bytes, tag,
                          "An allocation of %zu bytes failed, and was to raise an exception.",
                          bytes);
    }
    return block;
}

/* --- freeing --- */

/** Looks the block up; whatever is wrong with the address itself is a bugcheck. */
static void find_block(const void *address, struct nt_pool_block *block)
{
    const struct pool_header *header;

    if (pool_special_contains(address)) {
        if (!pool_special_find(address, block) || block->address != address) {
            verifier_bugcheck(RULE_POOL_FREE_BAD, (uint64_t)address, 0, 0,
                              "The address lies in pool, but no block begins there.");
        }
        return;
    }
    header = (uint64_t)address < 0x10000 || (uint64_t)address % MEMORY_ALLOCATION_ALIGNMENT != 0
                 ? NULL
                 : (const struct pool_header *)address - 1;
    if (header == NULL || (header->magic != HEADER_LIVE && header->magic != HEADER_FREED)) {
        verifier_bugcheck(RULE_POOL_FREE_BAD, (uint64_t)address, 0, 0,
                          "No allocation returned this address.");
    }
    *block = (struct nt_pool_block){.address = (void *)address,
                                    .bytes = header->bytes,
                                    .tag = header->tag,
                                    .type = (POOL_TYPE)header->type,
                                    .freed = header->magic == HEADER_FREED};
}

static void check_free(const struct nt_pool_block *block, ULONG tag)
{
    char text[5], other[5], name[128];
    KIRQL irql = pool_tag_is_host(block->tag) ? PASSIVE_LEVEL : nt_irql();
    const void *timer;

    if (block->freed) {
        verifier_bugcheck(RULE_POOL_FREE_TWICE, 0, block->tag, (uint64_t)block->address,
                          "The block ('%s', %zu bytes) was freed before by %s.",
                          pool_tag_text(block->tag, text), block->bytes,
                          verifier_function_name(block->freed_by, name, sizeof name));
    }
    if (tag != 0 && tag != block->tag) {
        verifier_bugcheck(RULE_POOL_WRONG_TAG, (uint64_t)block->address, block->tag, tag,
                          "The block was allocated as '%s' and is freed as '%s'.",
                          pool_tag_text(block->tag, text), pool_tag_text(tag, other));
    }
    if (pool_type_paged(block->type) ? irql > APC_LEVEL : irql > DISPATCH_LEVEL) {
        verifier_bugcheck(
            pool_type_paged(block->type) ? RULE_POOL_FREE_PAGED_IRQL : RULE_POOL_FREE_NONPAGED_IRQL,
            irql, block->type, (uint64_t)block->address, "The block ('%s') is freed at IRQL %u.",
            pool_tag_text(block->tag, text), irql);
    }
    if (verifier_enabled() && !pool_tag_is_host(block->tag)) {
        verifier_memory_freed(block->address, block->bytes);
        timer = nt_timer_within(block->address, block->bytes);
        if (timer != NULL) {
            verifier_bugcheck(RULE_POOL_ACTIVE_TIMER, (uint64_t)timer, block->type,
                              (uint64_t)block->address,
                              "The block ('%s', %zu bytes) holds an armed timer or a queued DPC.",
                              pool_tag_text(block->tag, text), block->bytes);
        }
    }
}

void nt_pool_free(void *address, ULONG tag)
{
    struct nt_pool_block block;

    find_block(address, &block);
    check_free(&block, tag);
    trace_block("freed", address, block.bytes, block.tag);
    if (pool_special_contains(address)) {
        pool_special_free(address);
    } else {
        ((struct pool_header *)address - 1)->magic = HEADER_FREED;
        free((char *)address - (block.bytes >= PAGE_SIZE ? PAGE_SIZE : sizeof(struct pool_header)));
    }
    tag_count(block.tag, block.bytes, false);
}

/* --- what drivers call --- */

/** \irql{<= DISPATCH_LEVEL; paged pool <= APC_LEVEL} (WDK: ExAllocatePoolWithTag) */
PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    NT_ROUTINE(HIGH_LEVEL); /* The pool's own rules, which know the kind of pool, decide. */
    return nt_pool_allocate(PoolType, NumberOfBytes, Tag);
}

/** \irql{<= DISPATCH_LEVEL; paged pool <= APC_LEVEL} (WDK: ExFreePoolWithTag) */
VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    NT_ROUTINE(HIGH_LEVEL);
    nt_pool_free(P, Tag);
}

/** \irql{<= DISPATCH_LEVEL; paged pool <= APC_LEVEL} (WDK: ExFreePool) */
VOID NTAPI ExFreePool(PVOID P)
{
    NT_ROUTINE(HIGH_LEVEL);
    nt_pool_free(P, 0);
}
