/*
 * MDLs: how a buffer is described by its pages. The layout is that of x64 Windows; the page frame
 * numbers behind the structure are, in this machine, the host addresses of the pages, in the first
 * slot as in the others. So an MDL can have a virtual address that does not work (nt_mdl_create), a
 * partial MDL shares pages simply by copying slots, and whoever wants the bytes must map the MDL
 * first, as on Windows. Nothing outside this file reads a page frame number.
 */
#include "nt/iothread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Pages that an MDL of the fixed size can describe. */
#define MDL_FIXED_PAGES 23
#define MDL_SIZE(pages) (sizeof(MDL) + (size_t)(pages) * sizeof(PFN_NUMBER))
#define MDL_HAS_PAGES   (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)

static ULONG mdl_pages(const MDL *mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES((char *)mdl->StartVa + mdl->ByteOffset, mdl->ByteCount);
}

static void mdl_fill_pages(PMDL mdl, const char *first_page)
{
    PPFN_NUMBER pages = MmGetMdlPfnArray(mdl);
    ULONG count = mdl_pages(mdl);

    for (ULONG i = 0; i < count; i++) {
        pages[i] = (PFN_NUMBER)(uintptr_t)first_page + (PFN_NUMBER)i * PAGE_SIZE;
    }
}

/** Address of the first byte; the pages of one MDL are contiguous here. */
static void *mdl_address(const MDL *mdl)
{
    return (char *)(uintptr_t)MmGetMdlPfnArray(mdl)[0] + mdl->ByteOffset;
}

/** The kernel tells whether a byte can be read without faulting on it: EFAULT before the bad `how`
 *  is looked at. */
static bool address_readable(const void *address)
{
    const void *aligned = (const void *)((uintptr_t)address & ~(uintptr_t)7);

    return syscall(SYS_rt_sigprocmask, -1, aligned, NULL, 8) == -1 && errno != EFAULT;
}

static bool range_readable(const void *start, size_t length)
{
    const char *page = PAGE_ALIGN((void *)(uintptr_t)start);

    for (const char *at = page; at < (const char *)start + length; at += PAGE_SIZE) {
        if (!address_readable(at < (const char *)start ? start : at)) {
            return false;
        }
    }
    return true;
}

/* --- allocation --- */

static PMDL mdl_allocate(void *va, ULONG length)
{
    ULONG pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, length);
    bool cached = pages <= MDL_FIXED_PAGES && io_cache_wanted();
    size_t size = MDL_SIZE(cached ? MDL_FIXED_PAGES : (pages == 0 ? 1 : pages));
    PMDL mdl = cached ? io_cache_take(IO_CACHE_MDL, size)
                      : nt_pool_allocate(NonPagedPoolNx, size, NT_HOST_TAG);

    if (mdl == NULL) {
        return NULL;
    }
    MmInitializeMdl(mdl, va, length);
    mdl->Size = (CSHORT)(size > INT16_MAX ? INT16_MAX : size); /* Saturated: "too many to tell". */
    mdl->MdlFlags = cached ? MDL_ALLOCATED_FIXED_SIZE : 0;
    mdl->Process = NULL;
    mdl->MappedSystemVa = NULL;
    MmGetMdlPfnArray(mdl)[0] = (PFN_NUMBER)(uintptr_t)mdl->StartVa;
    return mdl;
}

static void mdl_release(PMDL mdl)
{
    if ((mdl->MdlFlags & MDL_ALLOCATED_FIXED_SIZE) != 0) {
        io_cache_give(IO_CACHE_MDL, mdl);
    } else {
        nt_pool_free(mdl, NT_HOST_TAG);
    }
}

static void irp_append_mdl(PIRP irp, PMDL mdl, BOOLEAN secondary)
{
    if (!secondary) {
        irp->MdlAddress = mdl;
        return;
    }
    PMDL *link = &irp->MdlAddress;
    while (*link != NULL) {
        link = &(*link)->Next;
    }
    *link = mdl;
}

PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(ChargeQuota);
    PMDL mdl = io_should_fail(NT_IO_FAIL_MDL) ? NULL : mdl_allocate(VirtualAddress, Length);
    if (mdl == NULL) {
        return NULL;
    }
    io_count(IO_MDLS, 1);
    if (Irp != NULL) {
        irp_append_mdl(Irp, mdl, SecondaryBuffer);
    }
    return mdl;
}

VOID NTAPI IoFreeMdl(PMDL Mdl)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    if ((Mdl->MdlFlags & MDL_PAGES_LOCKED) != 0) {
        verifier_bugcheck_at(RULE_MDL_FREED_LOCKED, (uintptr_t)Mdl, 0, 0, 0,
                             "IoFreeMdl of an MDL whose pages are still locked");
    }
    if ((Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) != 0) {
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    }
    io_count(IO_MDLS, -1);
    mdl_release(Mdl);
}

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    NT_ROUTINE(HIGH_LEVEL);
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

/* --- what gives an MDL its pages --- */

VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PMDL mdl = MemoryDescriptorList;

    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    mdl->Process = NULL;
    mdl->MappedSystemVa = (char *)mdl->StartVa + mdl->ByteOffset;
    mdl_fill_pages(mdl, mdl->StartVa);
}

VOID NTAPI MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                               LOCK_OPERATION Operation)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PMDL mdl = MemoryDescriptorList;
    UNREFERENCED_PARAMETER(AccessMode);
    if ((mdl->MdlFlags & MDL_HAS_PAGES) != 0) {
        verifier_bugcheck_at(RULE_MDL_LOCKED_TWICE, 0, (uintptr_t)mdl, (uint16_t)mdl->MdlFlags, 0,
                             "MmProbeAndLockPages of an MDL that has its pages already");
    }
    /* On Windows this raises STATUS_ACCESS_VIOLATION; a driver without __try does not survive
     * it. */
    if (!range_readable(MmGetMdlVirtualAddress(mdl), mdl->ByteCount)) {
        verifier_bugcheck(RULE_MDL_PROBE_FAILED, (uintptr_t)MmGetMdlVirtualAddress(mdl),
                          mdl->ByteCount, 0, "MmProbeAndLockPages of memory that is not there");
    }
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    if (Operation != IoReadAccess) {
        mdl->MdlFlags |= MDL_WRITE_OPERATION;
    }
    mdl_fill_pages(mdl, mdl->StartVa);
}

VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PMDL mdl = MemoryDescriptorList;
    if ((mdl->MdlFlags & MDL_PAGES_LOCKED) == 0) {
        verifier_bugcheck(RULE_MDL_NOT_LOCKED, (uintptr_t)mdl, (uint16_t)mdl->MdlFlags, 0,
                          "MmUnlockPages of an MDL whose pages are not locked");
    }
    if ((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0) {
        MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
    }
    mdl->MdlFlags &= (CSHORT) ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}

/** The target's slots are copies of the source's: from then on both describe the same pages. */
static void partial_check(PMDL source, PMDL target, const char *va, ULONG length)
{
    const char *start = MmGetMdlVirtualAddress(source);
    ULONG pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, length);

    if ((source->MdlFlags & MDL_HAS_PAGES) == 0) {
        verifier_bugcheck(RULE_MDL_NO_PAGES, (uintptr_t)source, (uint16_t)source->MdlFlags, 0,
                          "IoBuildPartialMdl from an MDL that is neither locked nor built");
    }
    if (va < start || length > source->ByteCount ||
        (size_t)(va - start) > source->ByteCount - length) {
        verifier_bugcheck(RULE_MDL_PARTIAL_RANGE, (uintptr_t)source, (uintptr_t)va, length,
                          "IoBuildPartialMdl: %u bytes from %p do not lie in the source, which has "
                          "%u bytes from %p",
                          length, (const void *)va, source->ByteCount, (const void *)start);
    }
    if (target->Size != INT16_MAX && MDL_SIZE(pages) > (size_t)target->Size) {
        verifier_bugcheck_at(
            RULE_MDL_TARGET_TOO_SMALL, (uintptr_t)source, (uintptr_t)target, pages, 0,
            "IoBuildPartialMdl: the target MDL was allocated for fewer than %u pages", pages);
    }
}

VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    char *start = MmGetMdlVirtualAddress(SourceMdl);
    char *va = VirtualAddress;
    ULONG length = Length != 0 ? Length : SourceMdl->ByteCount - (ULONG)(va - start);
    CSHORT inherited = SourceMdl->MdlFlags &
                       (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE);

    partial_check(SourceMdl, TargetMdl, va, length);
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->StartVa = PAGE_ALIGN(va);
    TargetMdl->ByteOffset = BYTE_OFFSET(va);
    TargetMdl->ByteCount = length;
    TargetMdl->MdlFlags &= MDL_ALLOCATED_FIXED_SIZE;
    TargetMdl->MdlFlags |= MDL_PARTIAL | inherited;
    /* A mapping that belongs to the source is used, and not undone, by the target. */
    if ((inherited & MDL_MAPPED_TO_SYSTEM_VA) != 0) {
        TargetMdl->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA;
    }
    TargetMdl->MappedSystemVa =
        (inherited & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) != 0
            ? (char *)SourceMdl->MappedSystemVa + (va - start)
            : NULL;
    size_t first = (size_t)((char *)TargetMdl->StartVa - (char *)SourceMdl->StartVa) / PAGE_SIZE;
    memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + first,
           mdl_pages(TargetMdl) * sizeof(PFN_NUMBER));
}

/* --- mapping --- */

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                         ULONG BugCheckOnFailure, ULONG Priority)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PMDL mdl = MemoryDescriptorList;
    UNREFERENCED_PARAMETER(AccessMode);
    UNREFERENCED_PARAMETER(CacheType);
    UNREFERENCED_PARAMETER(RequestedAddress);
    UNREFERENCED_PARAMETER(Priority);
    if ((mdl->MdlFlags & MDL_HAS_PAGES) == 0) {
        verifier_bugcheck(RULE_MDL_NO_PAGES, (uintptr_t)mdl, (uint16_t)mdl->MdlFlags, 0,
                          "mapping of an MDL whose pages were never locked");
    }
    if ((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0) {
        verifier_bugcheck(RULE_MDL_MAPPED_TWICE, (uintptr_t)mdl, (uint16_t)mdl->MdlFlags, 0,
                          "mapping of an MDL that is mapped already: the first mapping leaks");
    }
    if (io_should_fail(NT_IO_FAIL_MAP)) {
        if (BugCheckOnFailure) {
            verifier_bugcheck_at(RULE_MDL_MAP_FAILED, (uintptr_t)mdl, mdl->ByteCount, 0, 0,
                                 "no system address for an MDL whose mapping must not fail");
        }
        return NULL;
    }
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if ((mdl->MdlFlags & MDL_PARTIAL) != 0) {
        mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    }
    mdl->MappedSystemVa = mdl_address(mdl);
    io_count(IO_MAPPED, 1);
    return mdl->MappedSystemVa;
}

VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PMDL mdl = MemoryDescriptorList;
    if ((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0 || mdl->MappedSystemVa != BaseAddress ||
        (mdl->MdlFlags & MDL_PARENT_MAPPED_SYSTEM_VA) != 0) {
        verifier_bugcheck(RULE_MDL_NOT_MAPPED, (uintptr_t)BaseAddress, (uintptr_t)mdl,
                          (uint16_t)mdl->MdlFlags,
                          "MmUnmapLockedPages of an address that is not "
                          "this MDL's own mapping");
    }
    mdl->MdlFlags &= (CSHORT) ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
    mdl->MappedSystemVa = NULL;
    io_count(IO_MAPPED, -1);
}

BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    return address_readable(VirtualAddress);
}

/* --- for the host --- */

PMDL nt_mdl_create(void *claimed_va, void *memory, ULONG length)
{
    PMDL mdl = mdl_allocate(claimed_va, length);

    if (mdl != NULL) {
        mdl->MdlFlags |= MDL_PAGES_LOCKED | MDL_WRITE_OPERATION;
        mdl_fill_pages(mdl, (char *)memory - mdl->ByteOffset);
    }
    return mdl;
}

void nt_mdl_free(PMDL mdl)
{
    if ((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0) {
        io_count(IO_MAPPED, -1);
    }
    mdl_release(mdl);
}

void *nt_mdl_memory(PMDL mdl, ULONG length)
{
    if ((mdl->MdlFlags & MDL_HAS_PAGES) == 0) {
        verifier_bugcheck(RULE_MDL_NO_PAGES, (uintptr_t)mdl, (uint16_t)mdl->MdlFlags, 0,
                          "I/O through an MDL whose pages were never locked");
    }
    if (length > mdl->ByteCount) {
        verifier_bugcheck(RULE_MDL_TOO_SHORT, (uintptr_t)mdl, length, mdl->ByteCount,
                          "I/O of %u bytes through an MDL of %u bytes", length, mdl->ByteCount);
    }
    return mdl_address(mdl);
}

uint64_t nt_mdl_count(void)
{
    return (uint64_t)io_counted(IO_MDLS);
}

uint64_t nt_mdl_mapped_count(void)
{
    return (uint64_t)io_counted(IO_MAPPED);
}
