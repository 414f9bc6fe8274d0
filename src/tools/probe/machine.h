/**
 * \file
 * Runs each check's commands in a process of its own: whatever the driver does there, a bugcheck, a
 * signal or a time-out, is that check's result. Checks that begin with the same units on the same bus
 * get copies of one machine, which boots, starts and connects once.
 */
#ifndef PROBE_MACHINE_H
#define PROBE_MACHINE_H

#include "tools/probe/check.h"

/** The image files that checks run on. */
struct images;

/** Makes the probe's own images and opens the user's. Complains itself. \return NULL after an
 *  error. */
struct images *images_open(const struct probe_options *options);
void images_close(struct images *images);

/** How many machines run at once: each in a slot of its own. */
#define MACHINE_SLOTS 4

/** A machine that is running. */
struct machine {
    int child; /**< Process id; -1: it has ended, or never began. */
    int text;  /**< Its standard error. */
    struct result *const *results;
    unsigned count;
};

/** Starts a machine in a slot, for checks that begin with the same units; one that writes has a
 *  machine for itself. Their results get transcripts, to be freed by transcript_free() and complete
 *  after machine_wait(); `results` stays until then. \return false without memory: some may have one. */
bool machine_start(struct machine *machine, unsigned slot, struct result *const *results,
                   unsigned count, const struct probe_driver *driver,
                   const struct probe_options *options, struct images *images);
void machine_wait(struct machine *machine);
void transcript_free(struct transcript *transcript);

#endif
