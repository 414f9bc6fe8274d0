/**
 * \file
 * The parts of the demo: what each shows is taken from the trace or from answers of this run.
 */
#ifndef NTHOST_DEMO_PARTS_H
#define NTHOST_DEMO_PARTS_H

#include "tools/nthost/scsi.h"

/** Begins a line of the demo: chapter and label, or NULL for one that goes on below. */
void demo_line(const char *chapter, const char *label);
/** One piece of the line; a blank before it, or a new line where it would not fit. */
void demo_words(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Ends the line. */
void demo_end(void);

/** Which records the demo wants: everything while it tells, SRBs only while it copies. */
void demo_record(bool everything);
/** Callbacks that the driver got since record `from`, in order, each with its IRQL, and the
 * threads that it made. */
void demo_callbacks(size_t from);
/** SRBs that came down since record `from`: how many, and which, by number. */
void demo_commands(size_t from);
/** The way of one SRB from HwStartIo to its completion: a line for each piece of it in one
 * thread at one IRQL. */
void demo_way(uint64_t srb);

/** What the copy counted. */
struct demo_copy {
    uint64_t reads, writes; /**< SRBs by the trace. */
    uint64_t failed;        /**< SRBs that did not end with SUCCESS. */
    uint64_t skipped;       /**< Transfers not written: the blank disk holds these zeros already. */
    unsigned most_in_flight; /**< SRBs that the driver had at the same time. */
    uint64_t bytes;
};

/** Copies all blocks from one unit to another, blank one. Complains itself. */
bool demo_copy(const struct address *from, const struct address *to,
               const struct scsi_geometry *geometry, struct demo_copy *copy);
/** Reads both again and compares. \return false after a complaint, about the first block that
 * differs. */
bool demo_compare(const struct address *left, const struct address *right,
                  const struct scsi_geometry *geometry, struct demo_copy *counts);

/** Shows the volume's name and the beginning of the first file of a CD-ROM's root directory.
 * Complains itself. */
bool demo_cdrom(const struct address *address);

#endif
