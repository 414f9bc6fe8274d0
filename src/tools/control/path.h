/**
 * \file
 * From what a person types to the path that the driver is asked to open.
 */
#ifndef CONTROL_PATH_H
#define CONTROL_PATH_H

#include "tools/control/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Why a path cannot be used. */
struct path_problem {
    char what[400];
    char remedy[200];
};

/**
 * Makes a full Windows path of an image's path as it was typed (UTF-8). On Linux Z: is the root
 * directory, and a path that is in Windows' form already ("Z:\\...", "\\\\server\\...") stays as it
 * is.
 * \param out  receives at most VMINI_PATH_LENGTH characters, NUL included.
 * \return false: `problem` says why.
 */
bool control_image_path(const char *path, WCHAR *out, struct path_problem *problem);

/**
 * The driver serves whole blocks; a rest at the end of the file would silently be missing. Files
 * that are shorter than a block, or cannot be looked at, are for the driver to judge.
 * \param flags  VMINI_CONNECT_*: a CD-ROM has other blocks.
 * \return false: there is such a rest; `problem` says so.
 */
bool control_image_whole(const char *path, uint32_t flags, struct path_problem *problem);

/** The same, of a size. For the two files behind this header. */
bool control_size_whole(const char *path, uint64_t size, uint32_t flags,
                        struct path_problem *problem);

#endif
