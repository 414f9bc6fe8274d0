/**
 * \file
 * The tables of checks, one file for each family of commands. families.c puts them in order.
 */
#ifndef PROBE_FAMILIES_H
#define PROBE_FAMILIES_H

#include "tools/probe/judge.h"

#define FAMILY(name)                                                                               \
    extern const struct check checks_##name[];                                                     \
    extern const unsigned checks_##name##_count;
FAMILY(inquiry)
FAMILY(vpd)
FAMILY(mode)
FAMILY(select)
FAMILY(capacity)
FAMILY(opcodes)
FAMILY(blocks)
FAMILY(range)
FAMILY(rewrite)
FAMILY(thin)
FAMILY(transfer)
FAMILY(sense)
FAMILY(medium)
FAMILY(luns)
FAMILY(cdrom)
FAMILY(disc)
FAMILY(adapter)
#undef FAMILY

#endif
