/**
 * \file
 * A tiny reader for Windows images (PE32+, x64): is this file a driver that can be loaded, what is
 * in it, which function is at an address, and how a frame of it unwinds. Works on the file's bytes,
 * trusts none of them, allocates nothing: the report of a crash uses it, also for an image that is
 * unloaded.
 */
#ifndef HOST_PE_H
#define HOST_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_error;

#define PE_PAGE 4096u

/* Section flags. */
#define PE_SECTION_DISCARDABLE 0x02000000u
#define PE_SECTION_EXECUTE     0x20000000u
#define PE_SECTION_READ        0x40000000u
#define PE_SECTION_WRITE       0x80000000u

/** A PE file in memory. */
struct pe_file {
    const unsigned char *data;
    size_t size;
};

/** A row of the section table, as it is in the file. */
struct pe_section {
    char name[8]; /**< Filled with NULs, not ended by one. */
    uint32_t virtual_size, rva;
    uint32_t raw_size, raw_offset;
    uint32_t unused[3];
    uint32_t flags;
};
_Static_assert(sizeof(struct pe_section) == 40, "IMAGE_SECTION_HEADER");

/** Tables of the image, by their place in the optional header. */
enum pe_directory {
    PE_IMPORTS = 1,
    PE_RESOURCES = 2,
    PE_EXCEPTIONS = 3,
    PE_RELOCATIONS = 5,
    PE_DIRECTORIES = 16
};

/** What the headers say. Valid after pe_read: every range lies inside the image, and every
 *  section's bytes in the file. */
struct pe {
    struct pe_file file;
    uint64_t preferred_base;
    uint32_t size; /**< Of the mapped image, whole pages. */
    uint32_t headers_size;
    uint32_t entry; /**< RVA: an address, counted from the image's start. */
    uint32_t checksum;
    uint16_t subsystem, characteristics;
    struct {
        uint32_t rva, size;
    } directory[PE_DIRECTORIES];
    const unsigned char *sections;
    unsigned section_count;
    uint32_t symbols, symbol_count; /**< COFF symbol table: file offset, entries. */
};

/** Does the file begin as a Windows image does? */
bool pe_looks_like(const void *data, size_t size);
/** Reads and checks the headers. false = it is no driver for x64, or it is damaged: `error` says
 *  what is wrong. */
bool pe_read(const char *path, const void *data, size_t size, struct pe *pe,
             struct host_error *error);
/** Row of the section table. */
struct pe_section pe_section(const struct pe *pe, unsigned index);
/** Bytes that a section occupies in memory: whole pages. */
uint32_t pe_section_pages(const struct pe_section *section);
/** The checksum that the file should have: what imagehlp's CheckSumMappedFile computes. */
uint32_t pe_checksum(const struct pe *pe);
/** `length` bytes of the file that would be mapped at an RVA, or NULL. */
const void *pe_at(const struct pe *pe, uint32_t rva, uint32_t length);

/** Where a function lies: a row of the exception directory. */
struct pe_function {
    uint32_t begin, end, unwind; /**< RVAs. */
};
/** The function that holds an RVA; leaf functions have no row. */
bool pe_function_at(const struct pe *pe, uint32_t rva, struct pe_function *out);
/** Name of the function that holds an RVA, from the COFF symbols; false = there is none. */
bool pe_function_name(const struct pe *pe, uint32_t rva, char *buffer, size_t length);

/** The registers of a frame, numbered as the processor does (3 = rbx, 4 = rsp, 5 = rbp, 6 = rsi, 7
 *  = rdi, 12 to 15). */
struct pe_frame {
    uint64_t ip;
    uint64_t registers[16];
};
#define PE_RSP 4
#define PE_RBP 5
/** From a frame of the image that is mapped at `base` to its caller's. \param read fetches a word
 *  of the stack. false = the tables do not say, or the stack cannot be read. */
bool pe_unwind(const struct pe *pe, uint64_t base, struct pe_frame *frame,
               bool (*read)(uint64_t address, uint64_t *value));

#endif
