/**
 * \file
 * A run, read back from Chrome Trace JSON: its records as a table, for drawing.
 */
#ifndef TRACE_STEPS_H
#define TRACE_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum step_kind {
    STEP_ROUTINE,
    STEP_ENTER, /**< A callback or a function is entered ... */
    STEP_LEAVE, /**< ... and left. */
    STEP_SRB_START,
    STEP_SRB_DONE,
    STEP_FILE,
    STEP_BLOCKED,
    STEP_WOKEN,
    STEP_OTHER, /**< Shown with its category and name. */
};

struct step {
    uint64_t record; /**< Its number in the run. */
    enum step_kind kind;
    const char *category, *name; /**< In the document. */
    const char *time;            /**< Virtual time, "0.0000000". */
    unsigned thread, irql;
    bool from_host;     /**< STEP_ENTER, STEP_ROUTINE: called from outside of the driver. */
    uint64_t srb;       /**< Of STEP_SRB_*: its number. */
    uint64_t length;    /**< STEP_SRB_START, STEP_FILE: bytes; STEP_SRB_DONE: bytes moved. */
    uint64_t offset;    /**< STEP_FILE: bytes. */
    const char *unit;   /**< STEP_SRB_START. */
    const char *status; /**< STEP_SRB_DONE. */
    const char *in;     /**< Innermost function or callback of its thread, NULL: none. */
    unsigned depth;     /**< How many functions and callbacks it is inside of. */
};

struct steps {
    struct step *step;
    size_t count;
    bool functions; /**< The driver told its functions. */
    void *document; /**< The names live in it. */
};

/** Reads a file. Complains itself. */
bool steps_load(const char *path, struct steps *steps);
/** The name of a thread, "thread" if none is known. */
const char *steps_thread(const struct steps *steps, unsigned thread);
void steps_free(struct steps *steps);

#endif
