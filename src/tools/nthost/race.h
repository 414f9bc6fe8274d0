/**
 * \file
 * The races: short scenarios, in which two things happen at once that a driver has to keep apart.
 */
#ifndef NTHOST_RACE_H
#define NTHOST_RACE_H

#include "nt/explore.h"
#include "tools/nthost/machine.h"

/** What a scenario is played on: a machine with one worker and few addresses, two small disks. */
struct race_machine {
    struct machine_options options;
    struct machine_files files;
    char folder[PATH_MAX];
    char images[2][PATH_MAX];
};

struct race {
    unsigned fix;     /**< Of chapter 6: the driver without it loses this race. */
    const char *name; /**< "read-and-disconnect" */
    const char *what; /**< In words. */
    unsigned bound;   /**< Delays of the exhaustive search. */
    /** Boots, lets it happen, halts. Ends the process if the driver loses. */
    void (*play)(const struct race_machine *machine);
};

extern const struct race races[];
extern const unsigned race_count;

/** Finds the files, makes the images. Complains itself. */
bool race_prepare(struct race_machine *machine, const char *driver);
/** Removes the images. */
void race_clean(const struct race_machine *machine);
/** PCT. \param trace a file for the trace of the last run, NULL = none. */
struct explore_result race_seeds(const struct race *race, const struct race_machine *machine,
                                 uint64_t first, uint64_t count, FILE *trace,
                                 uint64_t *failing_seed);
/** All schedules with at most `bound` delays. \param trace a file for the trace of the one that ends
 *  by a bugcheck, NULL = none. */
struct explore_result race_schedules(const struct race *race, const struct race_machine *machine,
                                     unsigned bound, FILE *trace);

#endif
