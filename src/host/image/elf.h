/**
 * \file
 * A tiny ELF reader: says what a file is, and finds the function at an address, static ones too.
 * Works on bytes in memory, trusts none of them, allocates nothing: the report of a crash uses it.
 */
#ifndef HOST_ELF_H
#define HOST_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** An ELF file in memory. */
struct elf_file {
    const unsigned char *data;
    size_t size;
};

/** What the first bytes say: NULL = an ELF file that this process can load; otherwise what it is
 *  instead, as the end of the sentence "FILE is ...". */
const char *elf_identify(const void *data, size_t size);
/** Range of virtual addresses of the loadable segments, page-aligned. false = not one valid. */
bool elf_extent(const struct elf_file *file, uint64_t *low, uint64_t *high);
/** Name of the function that holds a virtual address, from .symtab or else .dynsym; NULL = none.
 *  \param offset receives the distance from its start. */
const char *elf_function(const struct elf_file *file, uint64_t address, uint64_t *offset);

#endif
