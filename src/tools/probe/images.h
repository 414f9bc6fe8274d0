/**
 * \file
 * Private to the probe's machines: the image files.
 */
#ifndef PROBE_IMAGES_H
#define PROBE_IMAGES_H

#include "tools/probe/machine.h"

#include <limits.h>

/** A unit of a bus. */
struct unit_image {
    const char *path;
    enum probe_kind kind;
    uint8_t lun; /**< Added to the address under test. */
    uint32_t block_size;
    uint64_t blocks;
};

/** What is to be connected for a check, the unit under test first; for a check that says that it
 *  writes, the file is made anew. Each slot has files of its own. \return how many units; 0: the file
 *  system cannot hold such an image. */
unsigned images_for(struct images *images, unsigned slot, const struct check *check,
                    struct unit_image units[2]);

#endif
