/*
 * Imports of Windows images: each name becomes the address of the host's routine of that name. Only
 * this program's own symbols count, never the C library's: those have another calling convention,
 * and a driver that found strlen there would run until it used it. The four memory functions that
 * ntoskrnl.exe does export are therefore wrapped here; they are no scheduling points, because in a
 * .so they are no imports of the kernel either.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "image/loader.h"

#define DESCRIPTOR 20
#define BY_ORDINAL (UINT64_C(1) << 63)

static int NTAPI import_memcmp(const void *left, const void *right, size_t length)
{
    return memcmp(left, right, length);
}

static void *NTAPI import_memcpy(void *to, const void *from, size_t length)
{
    return memcpy(to, from, length);
}

static void *NTAPI import_memmove(void *to, const void *from, size_t length)
{
    return memmove(to, from, length);
}

static void *NTAPI import_memset(void *to, int value, size_t length)
{
    return memset(to, value, length);
}

/** Which module of Windows exports a name that this host has. */
static const char *module_of(const char *name)
{
    return strncmp(name, "StorPort", 8) == 0 ? "storport.sys" : "ntoskrnl.exe";
}

/** The value for a name's slot, or NULL. */
static const void *find(const char *name)
{
    static const struct {
        const char *name;
        const void *address;
    } memory[] = {
        {"memcmp", (const void *)import_memcmp},
        {"memcpy", (const void *)import_memcpy},
        {"memmove", (const void *)import_memmove},
        {"memset", (const void *)import_memset},
    };
    const ElfW(Sym) *symbol = NULL;
    Dl_info there, here;
    void *address;

    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) {
        if (strcmp(name, memory[i].name) == 0) {
            return memory[i].address;
        }
    }
    address = dlsym(RTLD_DEFAULT, name);
    if (address == NULL || dladdr((const void *)sys_bind, &here) == 0 ||
        dladdr1(address, &there, (void **)&symbol, RTLD_DL_SYMENT) == 0 ||
        there.dli_fbase != here.dli_fbase) {
        return NULL;
    }
    if (symbol != NULL && ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT) {
        /* An exported variable, IoFileObjectType say: Windows puts the variable's address into the
         * slot. Our headers declare a pointer to the variable instead, because an ELF import has no
         * slot to look into; so its value. */
        return *(const void *const *)address;
    }
    return address;
}

/** A string inside the image, ended by NUL there; NULL = it is not. */
static const char *string_at(const struct pe *pe, const char *base, uint64_t rva)
{
    return rva < pe->size && memchr(base + rva, 0, pe->size - rva) != NULL ? base + rva : NULL;
}

static bool damaged(const char *path, struct host_error *error)
{
    image_error(error, path, "Build or copy it again; `objdump -p` shows its imports.",
                "has an import table that leads outside of the image.");
    return false;
}

static bool missing(const char *path, const char *module, const char *name,
                    struct host_error *error)
{
    image_error(error, path,
                "Do without it: mk/windows/ntoskrnl.def and storport.def list what there is.",
                "imports %s from %s, which this host does not have.", name, module);
    return false;
}

static bool bind_one(const char *path, const struct pe *pe, const char *base, const char *module,
                     uint64_t thunk, const void **value, struct host_error *error)
{
    const char *name;
    char number[32];

    if ((thunk & BY_ORDINAL) != 0) {
        snprintf(number, sizeof number, "its number %u", (unsigned)(thunk & 0xFFFF));
        return missing(path, module, number, error);
    }
    name = string_at(pe, base, thunk + 2); /* Two bytes of hint. */
    if (name == NULL) {
        return damaged(path, error);
    }
    *value = strcasecmp(module, module_of(name)) == 0 ? find(name) : NULL;
    return *value != NULL || missing(path, module, name, error);
}

/** Binds the imports from one module. */
static bool bind_module(const char *path, const struct pe *pe, char *base, const char *module,
                        uint64_t names, uint64_t slots, struct host_error *error)
{
    uint64_t thunk;
    const void *value;

    for (;; names += sizeof thunk, slots += sizeof value) {
        if (names + sizeof thunk > pe->size || slots + sizeof value > pe->size) {
            return damaged(path, error);
        }
        memcpy(&thunk, base + names, sizeof thunk);
        if (thunk == 0) {
            return true;
        }
        if (!bind_one(path, pe, base, module, thunk, &value, error)) {
            return false;
        }
        memcpy(base + slots, &value, sizeof value);
    }
}

bool sys_bind(const char *path, const struct pe *pe, char *base, struct host_error *error)
{
    /* Names (or 0), date, forwarder, module, slots; the last row is all zero. */
    uint32_t row[DESCRIPTOR / sizeof(uint32_t)];
    uint64_t at = pe->directory[PE_IMPORTS].rva;
    const char *name;
    char module[64]; /* A copy: a damaged table may have slots that lie over the text. */

    if (pe->directory[PE_IMPORTS].size == 0) {
        return true;
    }
    for (;; at += DESCRIPTOR) {
        if (at + DESCRIPTOR > pe->size) {
            return damaged(path, error);
        }
        memcpy(row, base + at, sizeof row);
        if (row[3] == 0 && row[4] == 0) {
            return true;
        }
        name = string_at(pe, base, row[3]);
        if (name == NULL) {
            return damaged(path, error);
        }
        snprintf(module, sizeof module, "%s", name);
        if (!bind_module(path, pe, base, module, row[0] != 0 ? row[0] : row[4], row[4], error)) {
            return false;
        }
    }
}
