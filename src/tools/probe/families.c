/*
 * All checks, in the order in which they run and are told: what a scan sees first comes first.
 */
#include "tools/probe/families.h"

#include <string.h>

#define FAMILY(name)                                                                               \
    {                                                                                              \
#name, checks_##name, &checks_##name##_count                                               \
    }

static const struct {
    const char *name;
    const struct check *checks;
    const unsigned *count;
} families[] = {
    FAMILY(inquiry),  FAMILY(vpd),     FAMILY(mode),   FAMILY(select),  FAMILY(capacity),
    FAMILY(opcodes),  FAMILY(blocks),  FAMILY(range),  FAMILY(rewrite), FAMILY(thin),
    FAMILY(transfer), FAMILY(sense),   FAMILY(medium), FAMILY(luns),    FAMILY(cdrom),
    FAMILY(disc),     FAMILY(adapter),
};

#define FAMILY_COUNT (sizeof(families) / sizeof(families[0]))

unsigned check_count(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        count += *families[i].count;
    }
    return count;
}

const struct check *check_at(unsigned number)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (number < *families[i].count) {
            return &families[i].checks[number];
        }
        number -= *families[i].count;
    }
    return NULL;
}

const struct check *check_find(const char *id)
{
    for (unsigned i = 0; i < check_count(); i++) {
        if (strcmp(check_at(i)->id, id) == 0) {
            return check_at(i);
        }
    }
    return NULL;
}

unsigned check_steps(const struct check *check)
{
    unsigned count = 0;

    while (count < CHECK_STEPS &&
           (check->steps[count].cdb[0] != 0 || check->steps[count].test_ready)) {
        count++;
    }
    return count;
}

const char *bus_name(enum bus bus)
{
    static const char *const names[BUS_COUNT] = {
        [BUS_DISK] = "disk",
        [BUS_READ_ONLY] = "read-only disk",
        [BUS_REMOVABLE] = "removable disk",
        [BUS_CDROM] = "CD-ROM",
        [BUS_LUN5] = "target with LUN 5 only",
        [BUS_TWO] = "target with two disks",
        [BUS_LARGE] = "disk of more than 2 TiB",
        [BUS_THIN] = "thin disk",
    };

    return names[bus];
}

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {"note", "warning", "error"};

    return names[severity];
}
