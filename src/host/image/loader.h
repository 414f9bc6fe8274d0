/**
 * \file
 * What image.c (the front: which loader, which addresses belong to whom) and a loader of one format
 * share.
 */
#ifndef HOST_LOADER_H
#define HOST_LOADER_H

#include "image/elf.h"
#include "image/image.h"
#include "image/pe.h"

/** A file's bytes, mapped. */
struct image_file {
    int fd; /**< A private copy in memory, so that every load is a library of its own. */
    struct elf_file bytes;
    struct pe pe; /**< Of a .sys, filled by its loader; size 0: a .so. */
};

/** Sets both halves of an error. */
void image_error(struct host_error *error, const char *path, const char *remedy, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/** Loads an ELF shared object; `image->loader` and the range are set. */
bool so_load(const char *path, struct image_file *file, struct image *image,
             struct host_error *error);
/** Unloads it; its addresses fault from now on. */
void so_unload(struct image *image);

/** Loads a .sys: maps, relocates, binds, protects. */
bool sys_load(const char *path, struct image_file *file, struct image *image,
              struct host_error *error);
/** DriverEntry has returned: the discardable sections are closed. */
void sys_discard_init(const struct image *image, const struct pe *pe);
/** Closes the whole range. */
void sys_unload(struct image *image);
/** Fills the import table of the image at `base`, whose pages can still be written. */
bool sys_bind(const char *path, const struct pe *pe, char *base, struct host_error *error);

#endif
