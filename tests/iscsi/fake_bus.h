/**
 * \file
 * A bus for tests of the target: one RAM disk at 0:0:0 that knows a handful of commands, and ends
 * nothing before it is told to. What the driver does is not tested here; what the target makes of it
 * is.
 */
#ifndef TESTS_FAKE_BUS_H
#define TESTS_FAKE_BUS_H

#include "tools/iscsi/target.h"

#define FAKE_BLOCK  512u
#define FAKE_BLOCKS 4096u

struct fake_bus {
    struct target *target;
    struct bus_event *first, **last; /**< Started, and not ended. */
    unsigned submitted, aborted, resets;
    enum bus_reset_level level;             /**< Of the last reset. */
    bool prevented;                         /**< PREVENT ALLOW MEDIUM REMOVAL holds the medium. */
    bool descriptor_sense;                  /**< What MODE SENSE's control page says. */
    struct bus_command last_seen;           /**< The last command, as it came. */
    uint8_t data[FAKE_BLOCK * FAKE_BLOCKS]; /**< Last: fake_bus_begin leaves it as it is. */
};

struct bus fake_bus_begin(struct fake_bus *bus, struct target *target);
/** Ends what has been started, in order, until nothing is left. */
void fake_bus_run(struct fake_bus *bus);

#endif
