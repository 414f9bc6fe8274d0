/*
 * What a row of the picture says, and how it looks.
 */
#include "tools/trace/lanes.h"

#include <inttypes.h>
#include <string.h>

void lanes_label(const struct step *step, char *label)
{
    switch (step->kind) {
    case STEP_SRB_START:
        snprintf(label, LABEL_SIZE, "SRB #%" PRIu64 ": %s to %s, %" PRIu64 " bytes", step->srb,
                 step->name, step->unit == NULL ? "?" : step->unit, step->length);
        break;
    case STEP_SRB_DONE:
        snprintf(label, LABEL_SIZE, "SRB #%" PRIu64 " ends: %s, %" PRIu64 " bytes", step->srb,
                 step->status == NULL ? "?" : step->status, step->length);
        break;
    case STEP_FILE: /* Only a transfer has a length: other operations keep other things there. */
        if (strcmp(step->name, "read") != 0 && strcmp(step->name, "write") != 0) {
            snprintf(label, LABEL_SIZE, "file system: %s", step->name);
            break;
        }
        snprintf(label, LABEL_SIZE, "file system: %s, %" PRIu64 " bytes at %" PRIu64, step->name,
                 step->length, step->offset);
        break;
    case STEP_BLOCKED:
        snprintf(label, LABEL_SIZE, "waits");
        break;
    case STEP_WOKEN:
        snprintf(label, LABEL_SIZE, "is woken");
        break;
    case STEP_LEAVE:
        snprintf(label, LABEL_SIZE, "%s returns", step->name);
        break;
    case STEP_OTHER:
        snprintf(label, LABEL_SIZE, "%s: %s", step->category, step->name);
        break;
    default:
        snprintf(label, LABEL_SIZE, "%s", step->name);
        break;
    }
}

enum row_style lanes_style(const struct step *step)
{
    static const enum row_style styles[] = {
        [STEP_ROUTINE] = ROW_ROUTINE, [STEP_ENTER] = ROW_FUNCTION, [STEP_LEAVE] = ROW_CALLBACK,
        [STEP_SRB_START] = ROW_SRB,   [STEP_SRB_DONE] = ROW_SRB,   [STEP_FILE] = ROW_FILE,
        [STEP_BLOCKED] = ROW_PLAIN,   [STEP_WOKEN] = ROW_PLAIN,    [STEP_OTHER] = ROW_PLAIN,
    };

    return step->kind == STEP_ENTER && strcmp(step->category, "callback") == 0 ? ROW_CALLBACK
                                                                               : styles[step->kind];
}
