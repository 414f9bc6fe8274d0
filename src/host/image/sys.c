/*
 * The loader for Windows images, in the order in which Windows does it: reserve the range, copy the
 * sections, relocate, bind the imports, protect the pages. Every load has pages of its own, so
 * globals are fresh. Section INIT is closed once DriverEntry has returned; after the unload the
 * whole range is, and whoever still calls into it faults.
 */
#define _GNU_SOURCE

#include "image/loader.h"

#include <string.h>
#include <sys/mman.h>

#define RELOCATION_PADDING 0
#define RELOCATION_DIR64   10
#define BLOCK_HEADER       8

static uint32_t u32(const void *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

static void copy_sections(const struct pe *pe, char *base)
{
    memcpy(base, pe->file.data, pe->headers_size);
    for (unsigned i = 0; i < pe->section_count; i++) {
        struct pe_section section = pe_section(pe, i);
        uint32_t room = pe_section_pages(&section);

        memcpy(base + section.rva, pe->file.data + section.raw_offset,
               section.raw_size < room ? section.raw_size : room);
    }
}

static bool bad_relocation(const char *path, const char *what, uint32_t value,
                           struct host_error *error)
{
    image_error(error, path, "Build or copy it again; `objdump -p` shows its relocations.",
                "has a relocation that %s (0x%X).", what, value);
    return false;
}

/** Applies the relocations of one page. */
static bool relocate_block(const char *path, const struct pe *pe, char *base, const char *block,
                           uint32_t length, struct host_error *error)
{
    uint64_t distance = (uint64_t)base - pe->preferred_base, value;

    for (uint32_t at = BLOCK_HEADER; at < length; at += 2) {
        uint32_t entry = (uint32_t)(unsigned char)block[at] | (uint32_t)(unsigned char)block[at + 1]
                                                                  << 8;
        uint64_t rva = (uint64_t)u32(block) + (entry & 0xFFF);

        if (entry >> 12 == RELOCATION_PADDING) {
            continue;
        }
        if (entry >> 12 != RELOCATION_DIR64) {
            return bad_relocation(path, "x64 does not know: its kind", entry >> 12, error);
        }
        if (rva + sizeof value > pe->size) {
            return bad_relocation(path, "lies outside of the image", (uint32_t)rva, error);
        }
        memcpy(&value, base + rva, sizeof value);
        value += distance;
        memcpy(base + rva, &value, sizeof value);
    }
    return true;
}

static bool relocate(const char *path, const struct pe *pe, char *base, struct host_error *error)
{
    const char *table = base + pe->directory[PE_RELOCATIONS].rva;
    uint32_t left = pe->directory[PE_RELOCATIONS].size, length;

    for (; left >= BLOCK_HEADER; table += length, left -= length) {
        length = u32(table + 4);
        if (length < BLOCK_HEADER || length > left || length % 2 != 0) {
            return bad_relocation(path, "is in a block of an impossible length", length, error);
        }
        if (!relocate_block(path, pe, base, table, length, error)) {
            return false;
        }
    }
    return true;
}

static int protection(uint32_t flags)
{
    return ((flags & PE_SECTION_READ) != 0 ? PROT_READ : 0) |
           ((flags & PE_SECTION_WRITE) != 0 ? PROT_WRITE : 0) |
           ((flags & PE_SECTION_EXECUTE) != 0 ? PROT_EXEC : 0);
}

/** The headers can be read, each section does what its flags say, and what is between them is
 *  closed. */
static bool protect(const struct pe *pe, char *base)
{
    uint32_t headers = (pe->headers_size + PE_PAGE - 1) & ~(PE_PAGE - 1);
    bool ok = mprotect(base, pe->size, PROT_NONE) == 0 && mprotect(base, headers, PROT_READ) == 0;

    for (unsigned i = 0; ok && i < pe->section_count; i++) {
        struct pe_section section = pe_section(pe, i);

        ok = mprotect(base + section.rva, pe_section_pages(&section), protection(section.flags)) ==
             0;
    }
    return ok;
}

bool sys_load(const char *path, struct image_file *file, struct image *image,
              struct host_error *error)
{
    const struct pe *pe = &file->pe;
    char *base;

    if (!pe_read(path, file->bytes.data, file->bytes.size, &file->pe, error)) {
        return false;
    }
#if !defined(__x86_64__)
    image_error(error, path, "Load the driver's .so, built for this machine.",
                "is a Windows image for x64, which this processor does not run.");
    return false;
#endif
    base = mmap(NULL, pe->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        image_error(error, path, "Check that memory is left.", "needs 0x%X bytes of memory.",
                    pe->size);
        return false;
    }
    copy_sections(pe, base);
    if (!relocate(path, pe, base, error) || !sys_bind(path, pe, base, error)) {
        munmap(base, pe->size);
        return false;
    }
    if (!protect(pe, base)) {
        image_error(error, path, "Allow this process executable memory.",
                    "cannot be made executable: the system refuses it.");
        munmap(base, pe->size);
        return false;
    }
    image->base = base;
    image->size = pe->size;
    image->entry = (PDRIVER_INITIALIZE)(base + pe->entry);
    image->format = "sys";
    return true;
}

void sys_discard_init(const struct image *image, const struct pe *pe)
{
    for (unsigned i = 0; i < pe->section_count; i++) {
        struct pe_section section = pe_section(pe, i);

        if ((section.flags & PE_SECTION_DISCARDABLE) != 0) {
            mprotect((char *)image->base + section.rva, pe_section_pages(&section), PROT_NONE);
        }
    }
}

void sys_unload(struct image *image)
{
    /* Fresh pages without access: what the driver's data were is gone. */
    mmap(image->base, image->size, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}
