/**
 * \file
 * Which field of which answer a byte belongs to: names for the reports.
 */
#ifndef PROBE_LAYOUT_H
#define PROBE_LAYOUT_H

#include "tools/probe/check.h"

/** A named run of bytes. */
struct layout_field {
    uint16_t offset, length;
    const char *name;
};

/** The field of an answer's data that holds this byte. \return false: it has no name. */
bool layout_data(const struct answer *answer, uint32_t offset, struct layout_field *field);
/** The same for sense data. */
bool layout_sense(uint32_t offset, struct layout_field *field);

#endif
