/*
 * The pool: what a block is, what is counted, and each of its rules broken in a child, beside a
 * correct twin that passes.
 */
#include "child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "nt/pool.h"

#define TAG 0x74736554u /* 'tseT' */

static void boot(enum sched_kind kind, bool verifier)
{
    struct sched_options options = {.kind = kind, .seed = 1};

    verifier_install_fault_handler();
    verifier_enable(verifier);
    sched_boot(&options);
}

/* --- what a block is --- */

static void blocks_are_aligned(void *verifier)
{
    static const size_t sizes[] = {1, 15, 16, 17, 4095, 4096, 4097, 8192, 100000};

    boot(SCHED_SEEDED, verifier != NULL);
    for (size_t i = 0; i < RTL_NUMBER_OF(sizes); i++) {
        char *block = ExAllocatePoolWithTag(NonPagedPoolNx, sizes[i], TAG);

        CHILD_CHECK(block != NULL);
        CHILD_CHECK((uintptr_t)block % (sizes[i] >= PAGE_SIZE ? PAGE_SIZE : 16) == 0);
        memset(block, 0x5a, sizes[i]);
        ExFreePoolWithTag(block, TAG);
    }
}

static void test_blocks_are_aligned(void)
{
    CHILD_PASSES(blocks_are_aligned, NULL);
    CHILD_PASSES(blocks_are_aligned, "verifier");
}

static void fresh_block_is_not_zero(void *unused)
{
    unsigned char *block;

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED, true);
    block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);
    for (unsigned i = 0; i < 100; i++) {
        CHILD_CHECK(block[i] == 0xcd);
    }
    ExFreePoolWithTag(block, TAG);
}

static void test_fresh_block_is_not_zero(void)
{
    CHILD_PASSES(fresh_block_is_not_zero, NULL);
}

static void freed_blocks_leave_the_quarantine(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED, true);
    for (unsigned i = 0; i < 40000; i++) { /* More pages than the quarantine holds. */
        char *block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);

        CHILD_CHECK(block != NULL);
        block[63] = 1;
        ExFreePoolWithTag(block, TAG);
    }
}

static void test_quarantine_is_bounded(void)
{
    CHILD_PASSES(freed_blocks_leave_the_quarantine, NULL);
}

/* --- what is counted --- */

static void census_counts(void *verifier)
{
    size_t bytes;
    void *one, *two, *host;

    boot(SCHED_SEEDED, verifier != NULL);
    CHILD_CHECK(nt_pool_outstanding(0, NULL) == 0);
    one = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);
    two = ExAllocatePoolWithTag(PagedPool, 5000, 0x324d4256u);
    host = nt_pool_allocate(NonPagedPoolNx, 10, NT_HOST_TAG);
    CHILD_CHECK(nt_pool_outstanding(0, &bytes) == 2 && bytes == 5100);
    CHILD_CHECK(nt_pool_outstanding(TAG, &bytes) == 1 && bytes == 100);
    ExFreePool(one);
    CHILD_CHECK(nt_pool_outstanding(TAG, &bytes) == 0 && bytes == 0);
    ExFreePool(two);
    CHILD_CHECK(nt_pool_outstanding(0, &bytes) == 0 && bytes == 0);
    nt_pool_free(host, NT_HOST_TAG);
}

static void test_census(void)
{
    CHILD_PASSES(census_counts, NULL);
    CHILD_PASSES(census_counts, "verifier");
}

static void leak_is_described(void *unused)
{
    char text[1000];
    FILE *out = fmemopen(text, sizeof text, "w");
    void *block;

    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED, true);
    block = ExAllocatePoolWithTag(NonPagedPoolNx, 123, TAG);
    pool_describe(out);
    fclose(out);
    CHILD_CHECK(strstr(text, "tag 'Test': 1 blocks, 123 bytes") != NULL);
    CHILD_CHECK(strstr(text, "123 bytes of nonpaged pool") != NULL);
    ExFreePool(block);
}

static void test_leak_is_described(void)
{
    CHILD_PASSES(leak_is_described, NULL);
}

static void *try(void)
{
    void *block = ExAllocatePoolWithTag(NonPagedPoolNx, 16, TAG);

    if (block != NULL) {
        ExFreePool(block);
    }
    return block;
}

static void nth_allocation_fails(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED, true);
    nt_pool_fail(2, false);
    CHILD_CHECK(try() != NULL && try() == NULL && try() != NULL);
    nt_pool_fail(2, true);
    CHILD_CHECK(try() != NULL && try() == NULL && try() == NULL);
    CHILD_CHECK(nt_pool_allocate(NonPagedPoolNx, 16, NT_HOST_TAG) != NULL);
    nt_pool_fail(0, false);
    CHILD_CHECK(try() != NULL);
}

static void test_nth_allocation_fails(void)
{
    CHILD_PASSES(nth_allocation_fails, NULL);
}

static void failure_that_raises(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED, true);
    nt_pool_fail(1, false);
    ExAllocatePoolWithTag(NonPagedPoolNx | POOL_RAISE_IF_ALLOCATION_FAILURE, 16, TAG);
}

static void test_failure_that_raises(void)
{
    CHILD_BREAKS(RULE_POOL_RAISE, failure_that_raises, NULL);
}

/* --- allocation rules --- */

/** One allocation (and its release), at an IRQL. */
struct request {
    KIRQL irql;
    POOL_TYPE type;
    size_t bytes;
    ULONG tag;
    bool verifier;
};

static void allocate(void *argument)
{
    const struct request *request = argument;
    void *block;

    boot(SCHED_SEEDED, request->verifier);
    nt_raise_irql(request->irql);
    block = ExAllocatePoolWithTag(request->type, request->bytes, request->tag);
    CHILD_CHECK(block != NULL);
    ExFreePoolWithTag(block, request->tag);
    nt_lower_irql(PASSIVE_LEVEL);
}

static void test_allocation_rules(void)
{
    static struct {
        enum verifier_rule_symbol rule;
        struct request wrong, right;
    } cases[] = {
        {RULE_POOL_ZERO_BYTES,
         {0, NonPagedPoolNx, 0, TAG, false},
         {0, NonPagedPoolNx, 1, TAG, false}},
        {RULE_POOL_PAGED_IRQL, {2, PagedPool, 8, TAG, false}, {1, PagedPool, 8, TAG, false}},
        {RULE_POOL_NONPAGED_IRQL,
         {3, NonPagedPoolNx, 8, TAG, false},
         {2, NonPagedPoolNx, 8, TAG, false}},
        {RULE_POOL_TAG_ZERO, {0, NonPagedPoolNx, 8, 0, false}, {0, NonPagedPoolNx, 8, 'a', false}},
        {RULE_POOL_TAG_BAD,
         {0, NonPagedPoolNx, 8, 0x2e2e2e2e, false},
         {0, NonPagedPoolNx, 8, 0x2e2e2e31, false}},
        {RULE_POOL_MUST_SUCCEED,
         {0, NonPagedPoolMustSucceed, 8, TAG, false},
         {0, NonPagedPoolNxCacheAligned, 8, TAG, false}},
        {RULE_POOL_EXECUTABLE, {0, NonPagedPool, 8, TAG, true}, {0, NonPagedPoolNx, 8, TAG, true}},
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        CHILD_BREAKS(cases[i].rule, allocate, &cases[i].wrong);
        CHILD_PASSES(allocate, &cases[i].right);
    }
}

/* --- freeing rules --- */

/** What is done to a block of 100 bytes before it is freed. */
struct freeing {
    POOL_TYPE type;
    KIRQL irql;
    long offset; /**< Of the address that is freed. */
    ULONG tag;
    bool twice;
    bool verifier;
};

static void free_block(void *argument)
{
    const struct freeing *freeing = argument;
    char *block;

    boot(SCHED_SEEDED, freeing->verifier);
    block = ExAllocatePoolWithTag(freeing->type, 100, TAG);
    nt_raise_irql(freeing->irql);
    ExFreePoolWithTag(block + freeing->offset, freeing->tag);
    if (freeing->twice) {
        ExFreePoolWithTag(block, freeing->tag);
    }
    nt_lower_irql(PASSIVE_LEVEL);
}

static void free_null(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot(SCHED_SEEDED, false);
    ExFreePoolWithTag(NULL, TAG);
}

static void test_freeing_rules(void)
{
    static struct freeing right[] = {{NonPagedPoolNx, 2, 0, TAG, false, true},
                                     {NonPagedPoolNx, 2, 0, 0, false, false},
                                     {PagedPool, 1, 0, TAG, false, true}};
    static struct {
        enum verifier_rule_symbol rule;
        struct freeing wrong;
    } cases[] = {
        {RULE_POOL_FREE_BAD, {NonPagedPoolNx, 0, 16, TAG, false, true}},
        {RULE_POOL_FREE_BAD, {NonPagedPoolNx, 0, 16, TAG, false, false}},
        {RULE_POOL_FREE_BAD, {NonPagedPoolNx, 0, 1, TAG, false, false}},
        {RULE_POOL_FREE_TWICE, {NonPagedPoolNx, 0, 0, TAG, true, true}},
        {RULE_POOL_WRONG_TAG, {NonPagedPoolNx, 0, 0, TAG + 1, false, true}},
        {RULE_POOL_WRONG_TAG, {NonPagedPoolNx, 0, 0, TAG + 1, false, false}},
        {RULE_POOL_FREE_PAGED_IRQL, {PagedPool, 2, 0, TAG, false, false}},
        {RULE_POOL_FREE_NONPAGED_IRQL, {NonPagedPoolNx, 3, 0, TAG, false, true}},
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        CHILD_BREAKS(cases[i].rule, free_block, &cases[i].wrong);
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(right); i++) {
        CHILD_PASSES(free_block, &right[i]);
    }
    CHILD_BREAKS(RULE_POOL_FREE_BAD, free_null, NULL);
}

static void free_with_armed_timer(void *cancel)
{
    LARGE_INTEGER due = {.QuadPart = -10000000};
    KTIMER *timer;

    boot(SCHED_SEEDED, true);
    timer = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *timer, TAG);
    KeInitializeTimer(timer);
    KeSetTimer(timer, due, NULL);
    if (cancel != NULL) {
        KeCancelTimer(timer);
    }
    ExFreePoolWithTag(timer, TAG);
}

static void test_freeing_a_timer(void)
{
    CHILD_BREAKS(RULE_POOL_ACTIVE_TIMER, free_with_armed_timer, NULL);
    CHILD_PASSES(free_with_armed_timer, "cancel");
}

/* --- special pool --- */

/** A write at an offset of a block, in which it may be freed. */
struct touch {
    size_t bytes;
    long offset;
    bool freed;
};

static void touch(void *argument)
{
    const struct touch *touch = argument;
    volatile char *block;

    boot(SCHED_SEEDED, true);
    block = ExAllocatePoolWithTag(NonPagedPoolNx, touch->bytes, TAG);
    if (touch->freed) {
        ExFreePoolWithTag((void *)block, TAG);
    }
    block[touch->offset] = 1;
    ExFreePoolWithTag((void *)block, TAG);
}

static void test_special_pool(void)
{
    static struct touch inside[] = {
        {100, 0, false}, {100, 99, false}, {4096, 4095, false}, {5000, 4999, false}};
    static struct touch slack[] = {{100, 100, false}, {5000, 5000, false}};
    static struct touch before[] = {{100, -1, false}, {100, -16, false}};
    static struct touch beyond[] = {{112, 112, false}, {100, 112, false}, {4096, 4096, false}};
    static struct touch freed[] = {{100, 0, true}, {100, 99, true}, {5000, 0, true}};

    for (size_t i = 0; i < RTL_NUMBER_OF(inside); i++) {
        CHILD_PASSES(touch, &inside[i]);
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(slack); i++) {
        struct verifier_report report = CHILD_BREAKS(RULE_POOL_CORRUPT_AFTER, touch, &slack[i]);

        CU_ASSERT_EQUAL(report.parameter[3], 0x24);
        CU_ASSERT_EQUAL(report.parameter[1] - report.parameter[0], (uint64_t)slack[i].offset);
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(before); i++) {
        CU_ASSERT_EQUAL(CHILD_BREAKS(RULE_POOL_CORRUPT_BEFORE, touch, &before[i]).parameter[3],
                        0x23);
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(beyond); i++) {
        CU_ASSERT_EQUAL(CHILD_BREAKS(RULE_SYSTEM_OVERRUN, touch, &beyond[i]).parameter[1], 1);
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(freed); i++) {
        CHILD_BREAKS(RULE_SYSTEM_USE_AFTER_FREE, touch, &freed[i]);
    }
}

/* --- paged pool at raised IRQL --- */

/** How paged pool is touched. */
struct paged {
    KIRQL irql;
    bool write;
    bool lowered; /**< Back at PASSIVE_LEVEL before it is touched. */
};

static void touch_paged(void *argument)
{
    const struct paged *paged = argument;
    volatile char *block;

    boot(SCHED_SEEDED, true);
    block = ExAllocatePoolWithTag(PagedPool, 100, TAG);
    CHILD_CHECK(nt_pool_is_paged((void *)block));
    block[5] = 7;
    nt_raise_irql(paged->irql);
    if (paged->lowered) {
        nt_lower_irql(PASSIVE_LEVEL);
    }
    CHILD_CHECK(block[5] == 7);
    if (paged->write) {
        block[5] = 8;
    }
    nt_lower_irql(PASSIVE_LEVEL);
    ExFreePool((void *)block);
}

static void test_paged_pool(void)
{
    static struct paged wrong[] = {{DISPATCH_LEVEL, false, false}, {DISPATCH_LEVEL, true, false}};
    static struct paged right[] = {
        {APC_LEVEL, true, false}, {DISPATCH_LEVEL, true, true}, {PASSIVE_LEVEL, true, false}};

    for (size_t i = 0; i < RTL_NUMBER_OF(wrong); i++) {
        CU_ASSERT_EQUAL(CHILD_BREAKS(RULE_PAGED_AT_DISPATCH, touch_paged, &wrong[i]).parameter[1],
                        DISPATCH_LEVEL);
    }
    for (size_t i = 0; i < RTL_NUMBER_OF(right); i++) {
        CHILD_PASSES(touch_paged, &right[i]);
    }
}

static void paged_object(void *type)
{
    void *block;

    boot(SCHED_SEEDED, true);
    block = ExAllocatePoolWithTag(*(POOL_TYPE *)type, 100, TAG);
    nt_pool_check_nonpaged("spin lock", block);
    ExFreePool(block);
}

static void test_paged_object(void)
{
    static POOL_TYPE paged = PagedPool, nonpaged = NonPagedPoolNx;

    CHILD_BREAKS(RULE_PAGED_OBJECT, paged_object, &paged);
    CHILD_PASSES(paged_object, &nonpaged);
}

CU_ErrorCode register_pool_suite(void);
CU_ErrorCode register_pool_suite(void)
{
    static CU_TestInfo tests[] = {
        {"blocks are aligned, a page or more to a page", test_blocks_are_aligned},
        {"a fresh block is not zeroed", test_fresh_block_is_not_zero},
        {"the quarantine of freed blocks is bounded", test_quarantine_is_bounded},
        {"blocks are counted by tag, the host's own are not", test_census},
        {"a leak is described", test_leak_is_described},
        {"the n-th allocation fails, once or from then on", test_nth_allocation_fails},
        {"a failure that is to raise an exception", test_failure_that_raises},
        {"rules of allocation", test_allocation_rules},
        {"rules of freeing", test_freeing_rules},
        {"a freed block holds no armed timer", test_freeing_a_timer},
        {"special pool finds overruns, underruns and late accesses", test_special_pool},
        {"paged pool is closed at DISPATCH_LEVEL", test_paged_pool},
        {"synchronization objects do not live in paged pool", test_paged_object},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"host: pool", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
