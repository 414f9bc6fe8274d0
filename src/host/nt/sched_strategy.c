/*
 * The three strategies of the seeded scheduler: who goes on, given who can, from the seed alone. It
 * must never look at a thread, an address or a clock: anything but the seed and the number of
 * alternatives would make two runs of one seed differ.
 */
#include "nt/fiber.h"
#include "nt/sched_backend.h"

#include <stdlib.h>

/* The random numbers are xoshiro256** seeded by splitmix64 (Blackman and Vigna, public domain
 * algorithms). */

FIBER_NO_TSAN static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

FIBER_NO_TSAN static uint64_t random_next(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/** Uniform below `limit`: the high half of a product; the bias of 2^-64 per alternative is far
 *  below what a sweep could see. */
FIBER_NO_TSAN static uint64_t random_below(uint64_t s[4], uint64_t limit)
{
    return (uint64_t)(((unsigned __int128)random_next(s) * limit) >> 64);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

FIBER_NO_TSAN void strategy_boot(struct strategy *strategy, const struct sched_options *options)
{
    uint64_t state = options->seed;
    uint64_t spread = options->expected_points != 0 ? options->expected_points : 10000;
    unsigned depth = options->depth != 0 ? options->depth : 3;

    *strategy = (struct strategy){.kind = options->strategy,
                                  .depth = depth,
                                  .lowest = UINT32_MAX,
                                  .choices = options->choices,
                                  .choice_count = options->choice_count};
    for (int i = 0; i < 4; i++) {
        strategy->random[i] = splitmix(&state);
    }
    strategy->changes = depth - 1;
    if (strategy->changes > sizeof strategy->change / sizeof strategy->change[0]) {
        sched_misuse("PCT depth is too large", "use a depth of 33 at most");
    }
    for (unsigned i = 0; i < strategy->changes; i++) {
        strategy->change[i] = 1 + random_below(strategy->random, spread);
    }
    qsort(strategy->change, strategy->changes, sizeof strategy->change[0], ascending);
}

/* Priorities: new threads get random ones above 2^32; each change point and each demotion hands
 * out the next lower one below. */

FIBER_NO_TSAN uint64_t strategy_priority(struct strategy *strategy)
{
    if (strategy->kind == SCHED_BOUNDED) {
        return strategy->turn++;
    }
    if (strategy->kind != SCHED_PCT) {
        return 0;
    }
    return ((uint64_t)1 << 32) + (random_next(strategy->random) >> 2);
}

FIBER_NO_TSAN uint64_t strategy_demote(struct strategy *strategy)
{
    return strategy->lowest--;
}

FIBER_NO_TSAN uint64_t strategy_point(struct strategy *strategy, uint64_t priority)
{
    strategy->points++;
    if (strategy->kind == SCHED_PCT) {
        while (strategy->next_change < strategy->changes &&
               strategy->change[strategy->next_change] <= strategy->points) {
            strategy->next_change++;
            priority = strategy_demote(strategy);
        }
    }
    return priority;
}

FIBER_NO_TSAN static size_t highest(const uint64_t *priorities, size_t count)
{
    size_t best = 0;

    for (size_t i = 1; i < count; i++) {
        if (priorities[i] > priorities[best]) {
            best = i;
        }
    }
    return best;
}

FIBER_NO_TSAN size_t strategy_choose(struct strategy *strategy, const uint64_t *priorities,
                                     size_t count)
{
    size_t choice = 0;

    switch (strategy->kind) {
    case SCHED_RANDOM:
        choice = (size_t)random_below(strategy->random, count);
        break;
    case SCHED_PCT:
        choice = priorities != NULL ? highest(priorities, count)
                                    : (size_t)random_below(strategy->random, count);
        break;
    case SCHED_BOUNDED:
        if (strategy->next_choice < strategy->choice_count) {
            choice = strategy->choices[strategy->next_choice++];
        }
        break;
    }
    if (choice >= count) {
        sched_misuse("the list of choices does not fit this run",
                     "the scenario must do the same for the same choices: no clock, no addresses, "
                     "no state of earlier runs");
    }
    return choice;
}
