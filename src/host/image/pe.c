/*
 * The headers of a Windows image, see pe.h. Every offset is checked against the size of the file or
 * of the image before it is used, so that whoever reads a `struct pe` need not. What is refused
 * here Windows refuses too, but for the words.
 */
#include "image/pe.h"

#include <string.h>

#include "host.h"
#include "image/loader.h"

#define DOS_HEADER       64
#define COFF_HEADER      24 /* With the signature. */
#define OPTIONAL_HEADER  (112 + 8 * PE_DIRECTORIES)
#define MAGIC_PE32       0x10B
#define MAGIC_PE32_PLUS  0x20B
#define RELOCS_STRIPPED  0x0001
#define EXECUTABLE_IMAGE 0x0002
#define SUBSYSTEM_NATIVE 1
#define LARGEST_IMAGE    0x10000000u
#define SYMBOL_BYTES     18
#define BUILD_X64                                                                                  \
    "Build it for x64: x86_64-w64-mingw32-gcc, or the x64 configuration of Visual Studio."
#define BUILD_AGAIN "Build or copy it again; `objdump -p` shows its headers."

static uint16_t u16(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const unsigned char *at)
{
    return u16(at) | (uint32_t)u16(at + 2) << 16;
}

static uint64_t u64(const unsigned char *at)
{
    return u32(at) | (uint64_t)u32(at + 4) << 32;
}

/** Is a range inside a whole? */
static bool inside(uint64_t start, uint64_t length, uint64_t whole)
{
    return start <= whole && length <= whole - start;
}

bool pe_looks_like(const void *data, size_t size)
{
    return size >= 2 && memcmp(data, "MZ", 2) == 0;
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case 0x14C:
        return "32-bit x86";
    case 0x1C0:
    case 0x1C4:
        return "32-bit ARM";
    case 0xAA64:
        return "ARM64";
    case 0x200:
        return "Itanium";
    default:
        return "an unknown processor";
    }
}

static bool cut_short(const char *path, const char *what, struct host_error *error)
{
    image_error(error, path, BUILD_AGAIN, "is cut short: %s.", what);
    return false;
}

/** Finds the signature. \return the COFF header behind it, or NULL. */
static const unsigned char *find_header(const char *path, const struct pe_file *file,
                                        struct host_error *error)
{
    uint32_t at;

    if (!pe_looks_like(file->data, file->size)) {
        image_error(error, path, BUILD_X64, "is no Windows image.");
        return NULL;
    }
    if (file->size < DOS_HEADER) {
        cut_short(path, "not even its DOS header is whole", error);
        return NULL;
    }
    at = u32(file->data + 60);
    if (!inside(at, COFF_HEADER, file->size)) {
        cut_short(path, "its PE header is not there", error);
        return NULL;
    }
    if (memcmp(file->data + at, "PE\0\0", 4) != 0) {
        image_error(error, path, BUILD_X64, "is a DOS or 16-bit Windows program, no driver.");
        return NULL;
    }
    return file->data + at;
}

/** The part of the headers that says for whom the image is. */
static bool check_kind(const char *path, const unsigned char *header, const struct pe_file *file,
                       struct host_error *error)
{
    const unsigned char *optional = header + COFF_HEADER;
    unsigned machine = u16(header + 4), length = u16(header + 20);

    if (machine != 0x8664) {
        image_error(error, path, BUILD_X64, "is built for %s, not for x64.", machine_name(machine));
        return false;
    }
    if (!inside((uint64_t)(optional - file->data), OPTIONAL_HEADER, file->size)) {
        return cut_short(path, "its optional header is not whole", error);
    }
    if (length < OPTIONAL_HEADER || u16(optional) != MAGIC_PE32_PLUS ||
        u32(optional + 108) < PE_DIRECTORIES) {
        image_error(error, path, BUILD_X64,
                    u16(optional) == MAGIC_PE32 ? "has the header of a 32-bit image."
                                                : "has an optional header that no x64 image has.");
        return false;
    }
    if (u16(optional + 68) != SUBSYSTEM_NATIVE) {
        image_error(error, path, "Link it with -Wl,--subsystem,native (or /SUBSYSTEM:NATIVE).",
                    "is no driver but a program: its subsystem is %u, not 1 (native).",
                    u16(optional + 68));
        return false;
    }
    if ((u16(header + 22) & EXECUTABLE_IMAGE) == 0 || (u16(header + 22) & RELOCS_STRIPPED) != 0) {
        image_error(error, path, "Link it with -Wl,--dynamicbase (or /DYNAMICBASE).",
                    "has no relocations: it could only be loaded at one address.");
        return false;
    }
    return true;
}

static void read_fields(const unsigned char *header, struct pe *pe)
{
    const unsigned char *optional = header + COFF_HEADER;

    pe->section_count = u16(header + 6);
    pe->symbols = u32(header + 12);
    pe->symbol_count = u32(header + 16);
    pe->characteristics = u16(header + 22);
    pe->sections = optional + u16(header + 20);
    pe->entry = u32(optional + 16);
    pe->preferred_base = u64(optional + 24);
    pe->size = u32(optional + 56);
    pe->headers_size = u32(optional + 60);
    pe->checksum = u32(optional + 64);
    pe->subsystem = u16(optional + 68);
    for (unsigned i = 0; i < PE_DIRECTORIES; i++) {
        pe->directory[i].rva = u32(optional + 112 + 8 * i);
        pe->directory[i].size = u32(optional + 116 + 8 * i);
    }
}

/** Sizes and places that the headers give for the whole image. */
static bool check_whole(const char *path, const unsigned char *optional, const struct pe *pe,
                        struct host_error *error)
{
    uint32_t alignment = u32(optional + 32);
    uint64_t table = (uint64_t)(pe->sections - pe->file.data);

    if (alignment < PE_PAGE || (alignment & (alignment - 1)) != 0) {
        image_error(error, path, BUILD_AGAIN,
                    "aligns its sections to %u bytes; they must begin at page boundaries (4096).",
                    alignment);
        return false;
    }
    if (pe->size == 0 || pe->size > LARGEST_IMAGE || pe->size % PE_PAGE != 0) {
        image_error(error, path, BUILD_AGAIN, "says that it takes 0x%X bytes of memory.", pe->size);
        return false;
    }
    if (!inside(table, pe->section_count * sizeof(struct pe_section), pe->file.size) ||
        pe->headers_size > pe->file.size) {
        return cut_short(path, "its section table is not whole", error);
    }
    if (pe->headers_size > pe->size ||
        !inside(table, pe->section_count * sizeof(struct pe_section), pe->headers_size)) {
        image_error(error, path, BUILD_AGAIN, "has headers that contradict each other.");
        return false;
    }
    if (!inside(pe->symbols, (uint64_t)pe->symbol_count * SYMBOL_BYTES, pe->file.size)) {
        return cut_short(path, "its symbol table is not whole", error);
    }
    for (unsigned i = 0; i < PE_DIRECTORIES; i++) {
        /* The fourth, the signature, is a place in the file; nobody reads it here. */
        if (i != 4 && !inside(pe->directory[i].rva, pe->directory[i].size, pe->size)) {
            image_error(error, path, BUILD_AGAIN, "has a table (number %u) outside of the image.",
                        i);
            return false;
        }
    }
    return true;
}

static bool check_sections(const char *path, const struct pe *pe, struct host_error *error)
{
    uint64_t next = pe->headers_size;
    bool entry = false;

    for (unsigned i = 0; i < pe->section_count; i++) {
        struct pe_section section = pe_section(pe, i);

        if (!inside(section.raw_offset, section.raw_size, pe->file.size)) {
            image_error(error, path, BUILD_AGAIN,
                        "is cut short: section %.8s ends beyond the file.", section.name);
            return false;
        }
        if (section.rva % PE_PAGE != 0 || section.rva < next || section.rva >= pe->size ||
            !inside(section.rva, pe_section_pages(&section), pe->size)) {
            image_error(error, path, BUILD_AGAIN,
                        "has a section %.8s that lies outside of the image or over another one.",
                        section.name);
            return false;
        }
        next = (uint64_t)section.rva + pe_section_pages(&section);
        entry |= (section.flags & PE_SECTION_EXECUTE) != 0 && pe->entry >= section.rva &&
                 pe->entry < next;
    }
    if (!entry) {
        image_error(error, path, "Link it with -Wl,--entry,DriverEntry (or /ENTRY:DriverEntry).",
                    "has no entry point inside of its code.");
    }
    return entry;
}

bool pe_read(const char *path, const void *data, size_t size, struct pe *pe,
             struct host_error *error)
{
    const unsigned char *header;

    memset(pe, 0, sizeof *pe);
    pe->file = (struct pe_file){data, size};
    header = find_header(path, &pe->file, error);
    if (header == NULL || !check_kind(path, header, &pe->file, error)) {
        return false;
    }
    read_fields(header, pe);
    if (!check_whole(path, header + COFF_HEADER, pe, error) || !check_sections(path, pe, error)) {
        return false;
    }
    if (pe->checksum != pe_checksum(pe)) {
        image_error(error, path,
                    "Build or copy it again. Windows loads no driver with a wrong checksum.",
                    "is damaged, or was changed after it was linked: its checksum is %08X, and its "
                    "bytes give %08X.",
                    pe->checksum, pe_checksum(pe));
        return false;
    }
    return true;
}

struct pe_section pe_section(const struct pe *pe, unsigned index)
{
    struct pe_section section;

    memcpy(&section, pe->sections + index * sizeof section, sizeof section);
    return section;
}

uint32_t pe_section_pages(const struct pe_section *section)
{
    uint32_t bytes = section->virtual_size == 0 ? section->raw_size : section->virtual_size;

    /* Sizes near 4 GiB stay as they are: the caller finds them outside of the image. */
    return bytes > LARGEST_IMAGE ? bytes : (bytes + PE_PAGE - 1) & ~(PE_PAGE - 1);
}

uint32_t pe_checksum(const struct pe *pe)
{
    size_t field = u32(pe->file.data + 60) + COFF_HEADER + 64;
    uint32_t sum = 0;

    for (size_t at = 0; at < pe->file.size; at += 2) {
        if (at < field || at >= field + 4) {
            sum += at + 1 < pe->file.size ? u16(pe->file.data + at) : pe->file.data[at];
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
    }
    return sum + (uint32_t)pe->file.size;
}

const void *pe_at(const struct pe *pe, uint32_t rva, uint32_t length)
{
    for (unsigned i = 0; i < pe->section_count; i++) {
        struct pe_section section = pe_section(pe, i);

        if (rva >= section.rva && inside(rva - section.rva, length, section.raw_size)) {
            return pe->file.data + section.raw_offset + (rva - section.rva);
        }
    }
    return NULL;
}
