/**
 * \file
 * What image.c (the front: which loader, which addresses belong to whom) and a loader of one format share.
 */
#ifndef HOST_LOADER_H
#define HOST_LOADER_H

#include "image/elf.h"
#include "image/image.h"

/** A file's bytes, mapped. */
struct image_file {
    int fd; /**< A private copy in memory, so that every load is a library of its own. */
    struct elf_file bytes;
};

/** Sets both halves of an error. */
void image_error(struct host_error *error, const char *path, const char *remedy, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/** Loads an ELF shared object; `image->loader` and the range are set. */
bool so_load(const char *path, struct image_file *file, struct image *image,
             struct host_error *error);
/** Unloads it; its addresses fault from now on. */
void so_unload(struct image *image);

#endif
