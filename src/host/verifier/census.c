/*
 * What a driver leaves behind. The modules that own a kind of thing (threads, timers, IRPs ...) register how it is counted;
 * what exists when the driver is loaded is the host's own. At unload anything more is a bugcheck: a thread or a timer would
 * run in code that is no longer there, and what nothing points at any more can never be freed.
 */
#include <string.h>

#include "nt/pool.h"

#define KINDS 16

static struct kind {
    const char *name;
    uint64_t (*count)(void);
    void (*describe)(FILE *out);
    uint64_t before; /**< At verifier_load_census. */
} kinds[KINDS];
static unsigned kind_count;
static size_t pool_before;

void verifier_census_register(const char *kind, uint64_t (*count)(void),
                              void (*describe)(FILE *out))
{
    unsigned i = 0;

    while (i < kind_count && strcmp(kinds[i].name, kind) != 0) {
        i++; /* A machine that is booted again registers again. */
    }
    if (i < KINDS) {
        kinds[i] = (struct kind){kind, count, describe, 0};
        kind_count = i == kind_count ? i + 1 : kind_count;
    }
}

void verifier_load_census(void)
{
    for (unsigned i = 0; i < kind_count; i++) {
        kinds[i].before = kinds[i].count();
    }
    pool_before = nt_pool_outstanding(0, NULL);
}

static uint64_t more(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

unsigned verifier_census(FILE *out)
{
    size_t bytes, blocks = nt_pool_outstanding(0, &bytes);
    unsigned found = 0;

    for (unsigned i = 0; i < kind_count; i++) {
        uint64_t left = more(kinds[i].count(), kinds[i].before);

        if (left != 0) {
            found++;
            fprintf(out, "%s: %llu\n", kinds[i].name, (unsigned long long)left);
            if (kinds[i].describe != NULL) {
                kinds[i].describe(out);
            }
        }
    }
    if (blocks > pool_before) {
        found++;
        fprintf(out, "pool: %zu blocks, %zu bytes\n", blocks, bytes);
        pool_describe(out);
    }
    return found;
}

/** "thread: 2, timer: 1": the kinds that are left, for one line. \return how many things. */
static uint64_t left_behind(char *text, size_t length)
{
    uint64_t sum = 0;
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < kind_count; i++) {
        uint64_t left = more(kinds[i].count(), kinds[i].before);

        if (left != 0 && used < length) {
            used += (size_t)snprintf(text + used, length - used, "%s%s: %llu", used == 0 ? "" : ", ",
                                     kinds[i].name, (unsigned long long)left);
        }
        sum += left;
    }
    return sum;
}

void verifier_unload_census(const char *driver)
{
    size_t bytes, blocks = nt_pool_outstanding(0, &bytes);
    char text[300];
    uint64_t left;

    if (!verifier_enabled()) {
        return;
    }
    left = left_behind(text, sizeof text);
    if (left != 0 || blocks > pool_before) {
        fprintf(stderr, "\n%s left behind:\n", driver);
        verifier_census(stderr);
    }
    if (left != 0) {
        verifier_bugcheck_at(RULE_UNLOAD_PENDING, left, 0, 0, 0, "%s left behind %s.", driver, text);
    }
    if (blocks > pool_before) {
        verifier_bugcheck(RULE_POOL_LEAK, (uint64_t)driver, 0, blocks - pool_before,
                          "%s left behind %zu blocks of pool (%zu bytes of pool are in use).", driver,
                          blocks - pool_before, bytes);
    }
}
