/*
 * MDLs: what they describe, how a partial one shares its source's pages, that an address which does
 * not work can be described, and each of their rules broken in a child.
 */
#include "io_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void boot(void)
{
    io_boot(SCHED_SEEDED, 1, true);
}

/** Addresses that fault when touched, `offset` bytes into their first page. */
static char *dead_address(size_t bytes, size_t offset)
{
    char *base = mmap(NULL, bytes + 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHILD_CHECK(base != MAP_FAILED);
    return base + offset;
}

/* --- layout --- */

static void nonpaged_mdl(void *unused)
{
    char buffer[10000];
    char *start = buffer + (PAGE_SIZE - BYTE_OFFSET(buffer)) % PAGE_SIZE + 100;

    UNREFERENCED_PARAMETER(unused);
    boot();
    PMDL mdl = IoAllocateMdl(start, 5000, FALSE, FALSE, NULL);
    CHILD_CHECK(mdl != NULL && nt_mdl_count() == 1);
    CHILD_CHECK(MmGetMdlVirtualAddress(mdl) == start && MmGetMdlByteCount(mdl) == 5000);
    CHILD_CHECK(MmGetMdlByteOffset(mdl) == BYTE_OFFSET(start) && mdl->StartVa == PAGE_ALIGN(start));
    CHILD_CHECK((size_t)mdl->Size >= sizeof(MDL) + 2 * sizeof(PFN_NUMBER));
    MmBuildMdlForNonPagedPool(mdl);
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == start);
    CHILD_CHECK(nt_mdl_mapped_count() == 0); /* It was mapped all along. */
    CHILD_CHECK(nt_mdl_memory(mdl, 5000) == start);
    IoFreeMdl(mdl);
    CHILD_CHECK(nt_mdl_count() == 0);
    io_halt();
}

static void test_nonpaged_mdl(void)
{
    CHILD_PASSES(nonpaged_mdl, NULL);
}

static void mdl_chain(void *unused)
{
    char a[10], b[10];

    UNREFERENCED_PARAMETER(unused);
    boot();
    PIRP irp = IoAllocateIrp(1, FALSE);
    PMDL first = IoAllocateMdl(a, sizeof(a), FALSE, FALSE, irp);
    PMDL second = IoAllocateMdl(b, sizeof(b), TRUE, FALSE, irp);
    CHILD_CHECK(irp->MdlAddress == first && first->Next == second && second->Next == NULL);
    IoFreeMdl(second);
    IoFreeMdl(first);
    IoFreeIrp(irp);
    io_halt();
}

static void test_secondary_mdl_is_appended(void)
{
    CHILD_PASSES(mdl_chain, NULL);
}

/* --- a virtual address that does not work --- */

static void dead_mdl(void *unused)
{
    char *memory = malloc(20000);
    char *claimed = dead_address(20000, 1234);

    UNREFERENCED_PARAMETER(unused);
    boot();
    PMDL mdl = nt_mdl_create(claimed, memory, 20000);
    CHILD_CHECK(MmGetMdlVirtualAddress(mdl) == claimed && !MmIsAddressValid(claimed));
    CHILD_CHECK(MmIsAddressValid(memory));
    char *mapped = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    CHILD_CHECK(mapped == memory && nt_mdl_mapped_count() == 1);
    mapped[19999] = 'x';
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == mapped);
    CHILD_CHECK(nt_mdl_mapped_count() == 1); /* The second call used the first one's mapping. */
    nt_mdl_free(mdl);
    CHILD_CHECK(nt_mdl_mapped_count() == 0);
    free(memory);
    io_halt();
}

static void test_dead_address_is_mapped(void)
{
    CHILD_PASSES(dead_mdl, NULL);
}

static void map_failure(void *unused)
{
    char *memory = malloc(100);

    UNREFERENCED_PARAMETER(unused);
    boot();
    PMDL mdl = nt_mdl_create(dead_address(100, 0), memory, 100);
    nt_io_fail(NT_IO_FAIL_MAP, 1, false);
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == NULL);
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == memory);
    nt_mdl_free(mdl);
    nt_io_fail(NT_IO_FAIL_MDL, 2, true);
    PMDL good = IoAllocateMdl(memory, 100, FALSE, FALSE, NULL);
    CHILD_CHECK(good != NULL);
    CHILD_CHECK(IoAllocateMdl(memory, 100, FALSE, FALSE, NULL) == NULL);
    CHILD_CHECK(IoAllocateMdl(memory, 100, FALSE, FALSE, NULL) == NULL);
    IoFreeMdl(good);
    free(memory);
    io_halt();
}

static void test_mapping_and_allocation_can_fail(void)
{
    CHILD_PASSES(map_failure, NULL);
}

/* --- partial MDLs --- */

/** Every offset near the page boundaries, several lengths: the partial MDL's bytes are the
 *  source's. */
static void partial_sweep(void *unused)
{
    enum { SIZE = 3 * 4096 + 100 };
    unsigned char *memory = malloc(SIZE);
    char *claimed = dead_address(SIZE, 700);

    UNREFERENCED_PARAMETER(unused);
    boot();
    for (unsigned i = 0; i < SIZE; i++) {
        memory[i] = (unsigned char)(i ^ i >> 8);
    }
    PMDL source = nt_mdl_create(claimed, memory, SIZE);
    for (ULONG offset = 0; offset < SIZE;
         offset += offset % 4096 < 3400 && offset % 4096 > 3300 ? 1 : 97) {
        for (ULONG length = 1; length <= SIZE - offset; length += 1 + length * 3) {
            PMDL part = IoAllocateMdl(claimed + offset, length, FALSE, FALSE, NULL);
            IoBuildPartialMdl(source, part, claimed + offset, length);
            CHILD_CHECK(MmGetMdlVirtualAddress(part) == claimed + offset);
            CHILD_CHECK(MmGetMdlByteCount(part) == length);
            CHILD_CHECK(nt_mdl_memory(part, length) == memory + offset);
            unsigned char *mapped = MmGetSystemAddressForMdlSafe(part, NormalPagePriority);
            CHILD_CHECK(mapped == memory + offset &&
                        mapped[length - 1] == memory[offset + length - 1]);
            IoFreeMdl(part); /* Undoes the mapping too. */
            CHILD_CHECK(nt_mdl_mapped_count() == 0);
        }
    }
    nt_mdl_free(source);
    free(memory);
    io_halt();
}

static void test_partial_mdl_shares_pages(void)
{
    CHILD_PASSES(partial_sweep, NULL);
}

static void partial_of_partial(void *unused)
{
    char *memory = malloc(9000);
    char *claimed = dead_address(9000, 5);

    UNREFERENCED_PARAMETER(unused);
    boot();
    PMDL source = nt_mdl_create(claimed, memory, 9000);
    PMDL part = IoAllocateMdl(claimed, 9000, FALSE, FALSE, NULL);
    IoBuildPartialMdl(source, part, claimed + 1000, 0); /* 0 = up to the end. */
    CHILD_CHECK(MmGetMdlByteCount(part) == 8000);
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == memory + 1000);
    MmPrepareMdlForReuse(part);
    CHILD_CHECK(nt_mdl_mapped_count() == 0);
    /* The source is mapped: the partial MDL uses that mapping, and must not undo it. */
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(source, NormalPagePriority) == memory);
    IoBuildPartialMdl(source, part, claimed + 4091, 10);
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == memory + 4091);
    CHILD_CHECK(nt_mdl_mapped_count() == 1);
    PMDL inner = IoAllocateMdl(claimed + 4095, 2, FALSE, FALSE, NULL);
    IoBuildPartialMdl(part, inner, claimed + 4095, 2);
    CHILD_CHECK(nt_mdl_memory(inner, 2) == memory + 4095);
    IoFreeMdl(inner);
    IoFreeMdl(part);
    CHILD_CHECK(nt_mdl_mapped_count() == 1);
    nt_mdl_free(source);
    free(memory);
    io_halt();
}

static void test_partial_mdl_reuse_and_nesting(void)
{
    CHILD_PASSES(partial_of_partial, NULL);
}

static void lock_and_unlock(void *unused)
{
    char *memory = malloc(PAGE_SIZE * 2);

    UNREFERENCED_PARAMETER(unused);
    boot();
    PMDL mdl = IoAllocateMdl(memory, PAGE_SIZE * 2, FALSE, FALSE, NULL);
    MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    CHILD_CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == memory);
    MmUnlockPages(mdl);
    CHILD_CHECK(nt_mdl_mapped_count() == 0);
    IoFreeMdl(mdl);
    free(memory);
    io_halt();
}

static void test_lock_and_unlock(void)
{
    CHILD_PASSES(lock_and_unlock, NULL);
}

/** A mapped partial MDL that is built anew without MmPrepareMdlForReuse loses its mapping: the
 *  census tells. */
static void forgotten_mapping(void *unused)
{
    char *memory = malloc(9000);
    char *claimed = dead_address(9000, 0);

    UNREFERENCED_PARAMETER(unused);
    boot();
    PMDL source = nt_mdl_create(claimed, memory, 9000);
    PMDL part = IoAllocateMdl(claimed, 9000, FALSE, FALSE, NULL);
    IoBuildPartialMdl(source, part, claimed, 100);
    MmGetSystemAddressForMdlSafe(part, NormalPagePriority);
    IoBuildPartialMdl(source, part, claimed + 100, 100);
    IoFreeMdl(part);
    nt_mdl_free(source);
    CHILD_CHECK(nt_mdl_mapped_count() == 1 && verifier_census(stderr) == 1);
}

static void test_forgotten_mapping_is_counted(void)
{
    CHILD_PASSES(forgotten_mapping, NULL);
}

/* --- the rules --- */

static void break_rule(void *which)
{
    char *memory = malloc(PAGE_SIZE * 4);
    char *claimed = dead_address(PAGE_SIZE * 4, 0);

    boot();
    PMDL source = nt_mdl_create(claimed, memory, PAGE_SIZE * 3);
    PMDL mdl = IoAllocateMdl(claimed, PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL live = IoAllocateMdl(memory, PAGE_SIZE, FALSE, FALSE, NULL);
    switch ((enum verifier_rule_symbol)(uintptr_t)which) {
    case RULE_MDL_PARTIAL_RANGE:
        IoBuildPartialMdl(source, mdl, claimed + PAGE_SIZE * 3 - 10, 11);
        break;
    case RULE_MDL_TARGET_TOO_SMALL:
        IoBuildPartialMdl(source, mdl, claimed, PAGE_SIZE * 3);
        break;
    case RULE_MDL_NO_PAGES:
        MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
        break;
    case RULE_MDL_NOT_LOCKED:
        MmBuildMdlForNonPagedPool(live);
        MmUnlockPages(live);
        break;
    case RULE_MDL_FREED_LOCKED:
        MmProbeAndLockPages(live, KernelMode, IoReadAccess);
        IoFreeMdl(live);
        break;
    case RULE_MDL_LOCKED_TWICE:
        MmProbeAndLockPages(live, KernelMode, IoReadAccess);
        MmProbeAndLockPages(live, KernelMode, IoReadAccess);
        break;
    case RULE_MDL_PROBE_FAILED:
        MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
        break;
    case RULE_MDL_MAPPED_TWICE:
        MmMapLockedPagesSpecifyCache(source, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
        MmMapLockedPagesSpecifyCache(source, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
        break;
    case RULE_MDL_NOT_MAPPED:
        MmUnmapLockedPages(memory, source);
        break;
    case RULE_MDL_MAP_FAILED:
        nt_io_fail(NT_IO_FAIL_MAP, 1, false);
        MmMapLockedPagesSpecifyCache(source, KernelMode, MmCached, NULL, TRUE, NormalPagePriority);
        break;
    case RULE_MDL_TOO_SHORT:
        nt_mdl_memory(source, PAGE_SIZE * 3 + 1);
        break;
    default:
        break;
    }
}

static void test_rules(void)
{
    static const enum verifier_rule_symbol rules[] = {
        RULE_MDL_PARTIAL_RANGE, RULE_MDL_TARGET_TOO_SMALL, RULE_MDL_NO_PAGES,
        RULE_MDL_NOT_LOCKED,    RULE_MDL_FREED_LOCKED,     RULE_MDL_LOCKED_TWICE,
        RULE_MDL_PROBE_FAILED,  RULE_MDL_MAPPED_TWICE,     RULE_MDL_NOT_MAPPED,
        RULE_MDL_MAP_FAILED,    RULE_MDL_TOO_SHORT,
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(rules); i++) {
        CHILD_BREAKS(rules[i], break_rule, (void *)(uintptr_t)rules[i]);
    }
}

CU_ErrorCode register_mdl_suite(void);
CU_ErrorCode register_mdl_suite(void)
{
    static CU_TestInfo tests[] = {
        {"an MDL of nonpaged pool", test_nonpaged_mdl},
        {"a secondary MDL is appended", test_secondary_mdl_is_appended},
        {"an address that does not work is mapped", test_dead_address_is_mapped},
        {"mapping and allocation can fail", test_mapping_and_allocation_can_fail},
        {"a partial MDL shares its source's pages", test_partial_mdl_shares_pages},
        {"reuse and nesting of partial MDLs", test_partial_mdl_reuse_and_nesting},
        {"lock and unlock", test_lock_and_unlock},
        {"a forgotten mapping is counted", test_forgotten_mapping_is_counted},
        {"each rule", test_rules},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {.pName = "mdl", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
