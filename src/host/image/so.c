/*
 * The loader for shared objects. Each load is a dlopen of a private copy of the file, so the same
 * driver can be loaded again with fresh globals, and the file may be rebuilt meanwhile. After the
 * unload the range is mapped without access: whoever still calls into it faults, and the fault
 * handler knows whose code it was.
 */
#define _GNU_SOURCE

#include "image/loader.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/** Says why dlopen failed. An import that does not exist is named. */
static void explain(const char *path, const char *why, struct host_error *error)
{
    const char *symbol = why == NULL ? NULL : strstr(why, "undefined symbol: ");

    if (symbol != NULL) {
        symbol += strlen("undefined symbol: ");
        image_error(
            error, path, "Do without it, or build the driver against this host's own headers.",
            "imports %.*s, which this host does not have.", (int)strcspn(symbol, ", \n"), symbol);
        return;
    }
    if (why != NULL && strncmp(why, "/proc/", 6) == 0 && strchr(why, ':') != NULL) {
        why = strchr(why, ':') + 2; /* The name of our copy means nothing to anybody. */
    }
    image_error(error, path, "Build it again; `readelf -d` shows what it needs.",
                "cannot be loaded: %s.", why == NULL ? "no reason was given" : why);
}

/** The mapped range of the library. */
static bool find_range(void *library, const struct image_file *file, struct image *image)
{
    struct link_map *map;
    uint64_t low, high;

    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 || !elf_extent(&file->bytes, &low, &high)) {
        return false;
    }
    image->base = (char *)(uintptr_t)map->l_addr + low;
    image->size = (size_t)(high - low);
    return true;
}

bool so_load(const char *path, struct image_file *file, struct image *image,
             struct host_error *error)
{
    char copy[64];
    void *library;

    /* By process number, not "self", so that a debugger finds the file too. */
    snprintf(copy, sizeof copy, "/proc/%ld/fd/%d", (long)getpid(), file->fd);
    library = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        explain(path, dlerror(), error);
        return false;
    }
    image->entry = (PDRIVER_INITIALIZE)dlsym(library, "DriverEntry");
    if (image->entry == NULL || !find_range(library, file, image)) {
        image_error(error, path,
                    "Define `NTSTATUS DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING)` with default "
                    "visibility.",
                    "has no DriverEntry: it is a shared object, but no driver.");
        dlclose(library);
        return false;
    }
    image->format = "so";
    image->loader = library;
    return true;
}

void so_unload(struct image *image)
{
    Dl_info info;

    dlclose(image->loader);
    /* A library that the dynamic linker keeps (nodelete) must stay as it is; its range is known
     * as unloaded. */
    if (dladdr(image->base, &info) == 0) {
        mmap(image->base, image->size, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    }
}
