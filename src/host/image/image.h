/**
 * \file
 * Driver images: a file becomes a loaded driver with a DriverEntry. `.so` now, `.sys` behind the same interface.
 */
#ifndef HOST_IMAGE_H
#define HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <ntifs.h>

struct host_error;

/** A loaded image. */
struct image {
    char *path;
    const char *format;       /**< "so" or "sys". */
    PDRIVER_INITIALIZE entry; /**< DriverEntry. */
    void *base;               /**< Mapped range, for telling the driver's addresses apart. */
    size_t size;
    void *loader;             /**< The loader's own. */
};

/** Maps an image with fresh globals, every time. Missing file, wrong format or machine, no DriverEntry, an import that the
 *  host lacks: false, with a message that names it. */
bool image_load(const char *path, struct image **out, struct host_error *error);
/** Unmaps it: code that still runs in it faults (0xCE). */
void image_unload(struct image *image);
/** Is this address inside a loaded (or formerly loaded) image? \return its path or NULL. */
const char *image_contains(const void *address, bool *unloaded);
/** Name of the driver function at an address, or NULL. */
const char *image_symbol(const void *address, char *buffer, size_t length);

#endif
