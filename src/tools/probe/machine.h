/**
 * \file
 * Runs one check's commands in a machine of its own, in a child process: whatever the driver does
 * there, a bugcheck, a signal or a time-out, is that check's result.
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

/** A check that is running. */
struct machine {
    int child; /**< Process id; -1: it has ended, or never began. */
    int text;  /**< Its standard error. */
    struct transcript *transcript;
};

/** Starts a check's machine in a slot. \return false without memory. */
bool machine_start(struct machine *machine, unsigned slot, const struct check *check,
                   const struct probe_driver *driver, const struct probe_options *options,
                   struct images *images);
/** Waits for its end. \return the transcript, to be freed by transcript_free(). */
struct transcript *machine_wait(struct machine *machine);
void transcript_free(struct transcript *transcript);

#endif
