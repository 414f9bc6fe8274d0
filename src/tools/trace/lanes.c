/*
 * Which steps of a run become rows of the picture, and what they say. Left out is what the host does
 * of itself, and, with a list of functions, what others do; a spin lock that is taken and given back
 * without anything between is one row.
 */
#include "tools/trace/lanes.h"

#include "tools/nthost/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAXIMUM_DEPTH   64
#define MAXIMUM_THREADS 64

struct chooser {
    const struct steps *steps;
    const struct lanes_options *options;
    struct lanes *lanes;
    uint64_t srb; /**< The one SRB that is wanted, 0: all. */
    char *only;   /**< "\nname\nname\n", NULL: everything. */
    /** For each lane: which of the functions that it is inside of are shown. */
    bool shown[LANES_MAXIMUM][MAXIMUM_DEPTH];
    unsigned depth[LANES_MAXIMUM];
    bool too_many_lanes;
    size_t too_many_rows;
};

static bool is_shown(const struct chooser *chooser, const char *function)
{
    char line[LABEL_SIZE];

    if (chooser->only == NULL) {
        return true;
    }
    snprintf(line, sizeof line, "\n%s\n", function);
    return strstr(chooser->only, line) != NULL;
}

/** Is it the driver's doing, and that of a function that is shown? */
static bool is_wanted(const struct chooser *chooser, const struct step *step)
{
    bool callback = strcmp(step->category, "function") != 0;

    switch (step->kind) {
    case STEP_ENTER:
        return callback || is_shown(chooser, step->name);
    case STEP_LEAVE:
        return callback;
    case STEP_ROUTINE:
        return chooser->options->all ||
               (!step->from_host &&
                (!chooser->steps->functions || (step->in != NULL && is_shown(chooser, step->in))));
    case STEP_SRB_START:
    case STEP_SRB_DONE:
        return chooser->srb == 0 || step->srb == chooser->srb;
    case STEP_OTHER: /* Of the bookkeeping, ExAllocatePool's row is enough. */
        return chooser->options->all || strcmp(step->category, "pool") != 0;
    default:
        return true;
    }
}

static struct lane *lane_of(struct chooser *chooser, const struct step *step)
{
    struct lanes *lanes = chooser->lanes;
    unsigned i = 0;

    while (i < lanes->lane_count && lanes->lane[i].thread != step->thread) {
        i++;
    }
    if (i == LANES_MAXIMUM) {
        chooser->too_many_lanes = true;
        return NULL;
    }
    if (i == lanes->lane_count) {
        lanes->lane_count++;
        lanes->lane[i] = (struct lane){.thread = step->thread,
                                       .name = steps_thread(chooser->steps, step->thread)};
    }
    return &lanes->lane[i];
}

static unsigned indent_of(const struct chooser *chooser, unsigned lane)
{
    unsigned indent = 0;

    for (unsigned i = 0; i < chooser->depth[lane] && i < MAXIMUM_DEPTH; i++) {
        indent += chooser->shown[lane][i];
    }
    return indent;
}

/** The last row of the same lane with nothing of another lane after it, or NULL. */
static struct row *row_before(struct lanes *lanes, unsigned lane)
{
    struct row *row = lanes->row_count == 0 ? NULL : &lanes->row[lanes->row_count - 1];

    return row != NULL && row->lane == lane ? row : NULL;
}

/** Two steps that are one row: a lock without anything inside, a callback and its function. */
static bool merge(struct chooser *chooser, const struct step *step, unsigned lane)
{
    struct row *row = row_before(chooser->lanes, lane);

    if (row == NULL) {
        return false;
    }
    if (step->kind == STEP_ROUTINE && strcmp(step->name, "KeReleaseSpinLock") == 0 &&
        strcmp(row->label, "KeAcquireSpinLockRaiseToDpc") == 0) {
        snprintf(row->label, sizeof row->label, "a spin lock");
        row->irql = step->irql;
        return true;
    }
    if (step->kind == STEP_ENTER && step->from_host && row->style == ROW_CALLBACK &&
        strstr(row->label, " returns") == NULL && strchr(row->label, ' ') == NULL) {
        if (strstr(step->name, row->label) != NULL) { /* HwStartIo is XyzHwStartIo there. */
            snprintf(row->label, sizeof row->label, "%s", step->name);
        } else {
            size_t used = strlen(row->label);

            snprintf(row->label + used, sizeof row->label - used, ": %s", step->name);
        }
        return true;
    }
    return false;
}

static void add_row(struct chooser *chooser, const struct step *step, unsigned lane)
{
    struct lanes *lanes = chooser->lanes;
    struct row *row;

    if (merge(chooser, step, lane)) {
        return;
    }
    if (lanes->row_count == ROWS_MAXIMUM) {
        chooser->too_many_rows++;
        return;
    }
    row = &lanes->row[lanes->row_count++];
    *row = (struct row){.lane = lane,
                        .irql = step->irql,
                        .indent = indent_of(chooser, lane),
                        .style = lanes_style(step),
                        .time = step->time};
    lanes_label(step, row->label);
}

/** An SRB begins or ends at the newest row. */
static void add_span(struct lanes *lanes, const struct step *step)
{
    unsigned i = 0;
    bool busy[SRBS_MAXIMUM] = {false};

    while (i < lanes->span_count && lanes->span[i].srb != step->srb) {
        i++;
    }
    if (i < lanes->span_count) {
        lanes->span[i].last = lanes->row_count - 1;
        return;
    }
    if (step->kind != STEP_SRB_START || i == SRBS_MAXIMUM) {
        return;
    }
    lanes->span[i] = (struct span){step->srb, step->name, lanes->row_count - 1, SIZE_MAX, 0};
    for (unsigned other = 0; other < i; other++) {
        busy[lanes->span[other].column] |= lanes->span[other].last == SIZE_MAX;
    }
    while (busy[lanes->span[i].column]) {
        lanes->span[i].column++;
    }
    lanes->span_count++;
}

static void take_step(struct chooser *chooser, const struct step *step)
{
    bool wanted = is_wanted(chooser, step);
    struct lane *lane = lane_of(chooser, step);
    unsigned number;

    if (lane == NULL) {
        return;
    }
    number = (unsigned)(lane - chooser->lanes->lane);
    if (step->kind == STEP_LEAVE && chooser->depth[number] > 0) {
        chooser->depth[number]--;
    }
    if (wanted) {
        add_row(chooser, step, number);
        lane->used |= step->kind != STEP_BLOCKED && step->kind != STEP_WOKEN;
        if (step->kind == STEP_SRB_START || step->kind == STEP_SRB_DONE) {
            add_span(chooser->lanes, step);
        }
    }
    if (step->kind == STEP_ENTER) {
        if (chooser->depth[number] < MAXIMUM_DEPTH) {
            chooser->shown[number][chooser->depth[number]] = wanted;
        }
        chooser->depth[number]++;
    }
}

/** Reads the list of functions. */
static bool read_only(const char *path, char **only)
{
    FILE *file;
    size_t used;

    *only = NULL;
    if (path == NULL) {
        return true;
    }
    file = fopen(path, "r");
    *only = calloc(1, 1u << 16);
    if (file == NULL || *only == NULL) {
        return tool_fail("name a file with one function a line", "%s: %s", path, strerror(errno));
    }
    (*only)[0] = '\n';
    used = 1 + fread(*only + 1, 1, (1u << 16) - 3, file);
    (*only)[used] = '\n';
    fclose(file);
    return true;
}

/** Lanes that only waited disappear, with their rows. */
static void drop_idle(struct lanes *lanes)
{
    unsigned place[LANES_MAXIMUM] = {0}, kept = 0;
    size_t to[ROWS_MAXIMUM] = {0}, rows = 0;

    for (unsigned i = 0; i < lanes->lane_count; i++) {
        place[i] = kept;
        if (lanes->lane[i].used) {
            lanes->lane[kept++] = lanes->lane[i];
        } else {
            place[i] = LANES_MAXIMUM;
        }
    }
    for (size_t i = 0; i < lanes->row_count; i++) {
        struct row row = lanes->row[i];

        to[i] = rows;
        row.lane = place[row.lane];
        if (row.lane != LANES_MAXIMUM) {
            lanes->row[rows++] = row;
        }
    }
    for (unsigned i = 0; i < lanes->span_count; i++) {
        struct span *span = &lanes->span[i];

        span->first = to[span->first];
        span->last = span->last == SIZE_MAX ? rows - 1 : to[span->last];
        lanes->columns = span->column >= lanes->columns ? span->column + 1 : lanes->columns;
    }
    lanes->lane_count = kept;
    lanes->row_count = rows;
}

static bool choose_window(struct chooser *chooser, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        take_step(chooser, &chooser->steps->step[i]);
    }
    if (chooser->too_many_rows != 0) {
        return tool_fail("choose with --srb N, or with --from and --to, or leave functions out "
                         "with --only",
                         "%zu rows: a picture has at most %d",
                         chooser->too_many_rows + ROWS_MAXIMUM, ROWS_MAXIMUM);
    }
    if (chooser->too_many_lanes) {
        return tool_fail("choose a shorter part with --srb N, or with --from and --to",
                         "more than %d threads", LANES_MAXIMUM);
    }
    drop_idle(chooser->lanes);
    return chooser->lanes->row_count > 0 ||
           tool_fail("--all shows what the host does too", "nothing is left to draw");
}

bool lanes_choose(const struct steps *steps, const struct lanes_options *options,
                  struct lanes *lanes)
{
    struct chooser chooser = {.steps = steps, .options = options, .lanes = lanes};
    size_t from = 0, to = 0;
    bool ok;

    memset(lanes, 0, sizeof *lanes);
    ok = lanes_window(steps, options, &chooser.srb, &from, &to) &&
         read_only(options->only, &chooser.only) && choose_window(&chooser, from, to);
    free(chooser.only);
    if (ok && options->title != NULL) {
        snprintf(lanes->title, sizeof lanes->title, "%s", options->title);
    } else if (ok && chooser.srb != 0 && lanes->span_count > 0) {
        snprintf(lanes->title, sizeof lanes->title,
                 "SRB #%" PRIu64 ", %s: its way over threads and IRQLs", chooser.srb,
                 lanes->span[0].name);
    } else if (ok) {
        snprintf(lanes->title, sizeof lanes->title, "A run, thread by thread");
    }
    return ok;
}
