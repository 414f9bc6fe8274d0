/**
 * \file
 * Driver images: a file becomes a loaded driver with a DriverEntry, a `.so` and a `.sys` alike.
 */
#ifndef HOST_IMAGE_H
#define HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ntifs.h>

struct host_error;
struct pe_frame;

/** A loaded image. */
struct image {
    char *path;
    const char *format;       /**< "so" or "sys". */
    PDRIVER_INITIALIZE entry; /**< DriverEntry. */
    void *base;               /**< Mapped range, for telling the driver's addresses apart. */
    size_t size;
    void *loader; /**< The loader's own. */
};

/** Maps an image with fresh globals, every time. Missing file, wrong format or machine, no
 *  DriverEntry, an import that the host lacks: false, with a message that names it. */
bool image_load(const char *path, struct image **out, struct host_error *error);
/** DriverEntry has returned: a .sys loses its discardable sections, INIT above all; who calls into
 *  one faults. */
void image_discard_init(struct image *image);
/** Unmaps it: code that still runs in it faults (0xCE). */
void image_unload(struct image *image);
/** Is this address inside a loaded (or formerly loaded) image? \return its path or NULL. */
const char *image_contains(const void *address, bool *unloaded);
/** Where in its driver's file an address is, as debuggers and symbolisers count; 0: in no driver. */
uint64_t image_offset(const void *address);
/** Name of the driver function at an address, or NULL; without what compilers append (.localalias,
 *  .constprop.0 ...). */
const char *image_symbol(const void *address, char *buffer, size_t length);
/** From a frame in a .sys to its caller's: the compiler's unwinder does not know those. \param read
 *  fetches a word of the stack. false = the address is in no .sys, or its tables do not say. */
bool image_unwind(struct pe_frame *frame, bool (*read)(uint64_t address, uint64_t *value));

#endif
