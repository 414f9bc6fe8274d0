/**
 * \file
 * A swim-lane picture: time goes down, each thread has a lane, the colour of a cell is the IRQL, and
 * a bar at the left is an SRB from HwStartIo to its completion. First rows are chosen (lanes.c),
 * then they are drawn (svg.c).
 */
#ifndef TRACE_LANES_H
#define TRACE_LANES_H

#include "tools/trace/steps.h"

#include <stdio.h>

#define LANES_MAXIMUM 6
#define ROWS_MAXIMUM  400
#define SRBS_MAXIMUM  64
#define LABEL_SIZE    160

struct lanes_options {
    const char *srb; /**< Only this SRB's way: a number, or a command, then the last; NULL: all. */
    uint64_t from, to; /**< Records; 0: no limit. */
    const char *only;  /**< File with names of functions, one a line: the others are left out. */
    const char *title; /**< NULL: made from what is shown. */
    bool all;          /**< Also what the host calls of itself. */
};

struct lane {
    unsigned thread;
    const char *name;
    bool used; /**< It does more than wait. */
};

enum row_style { ROW_CALLBACK, ROW_FUNCTION, ROW_ROUTINE, ROW_FILE, ROW_SRB, ROW_PLAIN };

struct row {
    unsigned lane, irql, indent;
    enum row_style style;
    const char *time;
    char label[LABEL_SIZE];
};

/** An SRB from row to row. */
struct span {
    uint64_t srb;
    const char *name;
    size_t first, last;
    unsigned column;
};

struct lanes {
    struct lane lane[LANES_MAXIMUM];
    unsigned lane_count;
    struct row row[ROWS_MAXIMUM];
    size_t row_count;
    struct span span[SRBS_MAXIMUM];
    unsigned span_count, columns;
    char title[LABEL_SIZE];
};

/** Finds the part of the run that the options name: steps [*from, *to), and the number of the one SRB
 *  that is wanted, or 0. Complains itself. */
bool lanes_window(const struct steps *steps, const struct lanes_options *options, uint64_t *srb,
                  size_t *from, size_t *to);
/** What the row of a step says. \param label LABEL_SIZE bytes. */
void lanes_label(const struct step *step, char *label);
enum row_style lanes_style(const struct step *step);
/** Chooses rows. Complains itself. */
bool lanes_choose(const struct steps *steps, const struct lanes_options *options,
                  struct lanes *lanes);
/** Writes the picture: one file that needs no other, for light and dark pages. */
void lanes_svg(FILE *out, const struct lanes *lanes);

#endif
