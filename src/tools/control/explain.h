/**
 * \file
 * What an NTSTATUS means to somebody who wanted an image connected or disconnected.
 */
#ifndef CONTROL_EXPLAIN_H
#define CONTROL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A status in words. */
struct explanation {
    const char *words;  /**< "there is no such file"; NULL = nothing to say but the number. */
    const char *remedy; /**< What to do. */
};

/** \return what is known about a status, never NULL. */
const struct explanation *explain_status(int32_t status);
/** "STATUS_SHARING_VIOLATION" ..., or NULL. */
const char *nt_status_name(int32_t status);
/** The statuses that are known, the likelier ones first. \return false past the end. */
bool nt_status_known(size_t index, int32_t *status);

#endif
