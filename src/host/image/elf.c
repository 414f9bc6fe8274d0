/*
 * The ELF reader behind elf.h. Every offset is checked against the size of the file before it is
 * used.
 */
#include "image/elf.h"

#include <elf.h>
#include <string.h>

#if defined(__x86_64__)
#define THIS_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#else
#error "the host runs on x86-64 and AArch64"
#endif

static const void *at(const struct elf_file *file, uint64_t offset, uint64_t bytes)
{
    return offset <= file->size && bytes <= file->size - offset ? file->data + offset : NULL;
}

/** A table of structures; one at an odd place is damage. */
static const void *table_at(const struct elf_file *file, uint64_t offset, uint64_t bytes)
{
    return offset % 8 == 0 ? at(file, offset, bytes) : NULL;
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_X86_64:
        return "built for x86-64, another machine than this one";
    case EM_AARCH64:
        return "built for AArch64, another machine than this one";
    case EM_386:
        return "built for 32-bit x86, another machine than this one";
    case EM_ARM:
        return "built for 32-bit ARM, another machine than this one";
    default:
        return "built for another machine than this one";
    }
}

/** The dynamic linker maps what the program headers say, and dies if the file is shorter. */
static bool segments_whole(const struct elf_file *file)
{
    const Elf64_Ehdr *header = table_at(file, 0, sizeof *header);
    const Elf64_Phdr *segment;

    for (unsigned i = 0; i < header->e_phnum; i++) {
        segment = table_at(file, header->e_phoff + (uint64_t)i * sizeof *segment, sizeof *segment);
        if (segment == NULL || at(file, segment->p_offset, segment->p_filesz) == NULL) {
            return false;
        }
    }
    return true;
}

const char *elf_identify(const void *data, size_t size)
{
    const Elf64_Ehdr *header = data;

    if (size == 0) {
        return "empty";
    }
    if (size >= 2 && memcmp(data, "MZ", 2) == 0) {
        return "a Windows image (PE)";
    }
    if (size >= 2 && memcmp(data, "#!", 2) == 0) {
        return "a script";
    }
    if (size >= 8 && memcmp(data, "!<arch>\n", 8) == 0) {
        return "a static library; link it into a shared object";
    }
    if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0) {
        return "not an ELF shared object";
    }
    if (size < sizeof *header) {
        return "cut short: not even its ELF header is whole";
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS64) {
        return machine_name(header->e_machine == EM_X86_64 ? EM_386 : header->e_machine);
    }
    if (header->e_machine != THIS_MACHINE) {
        return machine_name(header->e_machine);
    }
    if (header->e_type == ET_REL) {
        return "an object file; link it into a shared object (cc -shared)";
    }
    if (header->e_type != ET_DYN) {
        return "not an ELF shared object but another kind of ELF file";
    }
    return segments_whole(&(struct elf_file){data, size})
               ? NULL
               : "cut short or damaged: parts of it lie beyond its end";
}

bool elf_extent(const struct elf_file *file, uint64_t *low, uint64_t *high)
{
    const Elf64_Ehdr *header = table_at(file, 0, sizeof *header);
    const Elf64_Phdr *segment;

    *low = UINT64_MAX;
    *high = 0;
    for (unsigned i = 0; header != NULL && i < header->e_phnum; i++) {
        segment = table_at(file, header->e_phoff + (uint64_t)i * sizeof *segment, sizeof *segment);
        if (segment != NULL && segment->p_type == PT_LOAD && segment->p_memsz < UINT64_MAX / 2 &&
            segment->p_vaddr < UINT64_MAX / 2) {
            uint64_t end = segment->p_vaddr + segment->p_memsz;

            *low = segment->p_vaddr < *low ? segment->p_vaddr & ~UINT64_C(0xfff) : *low;
            *high = end > *high ? (end + 0xfff) & ~UINT64_C(0xfff) : *high;
        }
    }
    return *low < *high;
}

/** Searches one symbol table section. */
static const char *function_in(const struct elf_file *file, const Elf64_Ehdr *header,
                               const Elf64_Shdr *table, uint64_t address, uint64_t *offset)
{
    const Elf64_Shdr *strings = table_at(
        file, header->e_shoff + (uint64_t)table->sh_link * sizeof *strings, sizeof *strings);
    uint64_t count = table->sh_size / sizeof(Elf64_Sym);
    const Elf64_Sym *symbols = table_at(file, table->sh_offset, table->sh_size);
    const char *text = strings == NULL ? NULL : at(file, strings->sh_offset, strings->sh_size);

    for (uint64_t i = 0; symbols != NULL && text != NULL && i < count; i++) {
        const Elf64_Sym *symbol = &symbols[i];

        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
            address >= symbol->st_value && address - symbol->st_value < symbol->st_size &&
            symbol->st_name < strings->sh_size &&
            memchr(text + symbol->st_name, 0, strings->sh_size - symbol->st_name) != NULL) {
            *offset = address - symbol->st_value;
            return text + symbol->st_name;
        }
    }
    return NULL;
}

const char *elf_function(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
    static const uint32_t kinds[] = {SHT_SYMTAB, SHT_DYNSYM};
    const Elf64_Ehdr *header = table_at(file, 0, sizeof *header);
    const Elf64_Shdr *section;
    const char *name = NULL;

    for (unsigned kind = 0; kind < 2 && name == NULL; kind++) {
        for (unsigned i = 0; header != NULL && i < header->e_shnum && name == NULL; i++) {
            section =
                table_at(file, header->e_shoff + (uint64_t)i * sizeof *section, sizeof *section);
            if (section != NULL && section->sh_type == kinds[kind]) {
                name = function_in(file, header, section, address, offset);
            }
        }
    }
    return name;
}
