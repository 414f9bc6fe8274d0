/*
 * Chrome Trace JSON -> steps. The file may come from anywhere: a field that is missing or of
 * another type is a complaint with the number of its event, never a crash.
 */
#include "tools/trace/steps.h"

#include "tools/nthost/tool.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAXIMUM_DEPTH 64
#define MAXIMUM_FILE  (512u << 20)

/** The functions and callbacks that a thread is inside of. */
struct frames {
    unsigned thread, depth;
    const struct step *frame[MAXIMUM_DEPTH];
};

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static uint64_t number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 9.0e15
               ? (uint64_t)item->valuedouble
               : 0;
}

static enum step_kind kind_of(const char *phase, const char *category, const char *name)
{
    static const struct {
        const char *phase, *category, *name; /* NULL: any. */
        enum step_kind kind;
    } rows[] = {
        {"B", NULL, NULL, STEP_ENTER},
        {"E", NULL, NULL, STEP_LEAVE},
        {"b", "srb", NULL, STEP_SRB_START},
        {"e", "srb", NULL, STEP_SRB_DONE},
        {"i", "routine", NULL, STEP_ROUTINE},
        {"i", "file", NULL, STEP_FILE},
        {"i", "thread", "blocked", STEP_BLOCKED},
        {"i", "thread", "woken", STEP_WOKEN},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(phase, rows[i].phase) == 0 &&
            (rows[i].category == NULL || strcmp(category, rows[i].category) == 0) &&
            (rows[i].name == NULL || strncmp(name, rows[i].name, strlen(rows[i].name)) == 0)) {
            return rows[i].kind;
        }
    }
    return STEP_OTHER;
}

/** One event. \return false when something that every event has is missing. */
static bool take_event(const cJSON *event, const char *phase, struct step *step)
{
    const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(event, "args");
    const char *caller = text_of(arguments, "caller");

    step->category = text_of(event, "cat");
    step->name = text_of(event, "name");
    step->time = text_of(arguments, "time");
    if (step->category == NULL || step->name == NULL || step->time == NULL) {
        return false;
    }
    step->kind = kind_of(phase, step->category, step->name);
    step->thread = (unsigned)number_of(event, "tid");
    step->srb = number_of(event, "id");
    step->record = number_of(arguments, "record");
    step->irql = (unsigned)number_of(arguments, "irql");
    step->length = number_of(arguments, step->kind == STEP_SRB_DONE ? "moved" : "length");
    step->offset = number_of(arguments, "offset");
    step->unit = text_of(arguments, "unit");
    step->status = text_of(arguments, "status");
    step->from_host = caller != NULL && strcmp(caller, "host") == 0;
    return true;
}

static struct frames *frames_of(struct frames **all, size_t *count, unsigned thread)
{
    struct frames *more;

    for (size_t i = 0; i < *count; i++) {
        if ((*all)[i].thread == thread) {
            return &(*all)[i];
        }
    }
    more = realloc(*all, (*count + 1) * sizeof **all);
    if (more == NULL) {
        return NULL;
    }
    *all = more;
    more[*count] = (struct frames){.thread = thread};
    return &more[(*count)++];
}

/** Finds out for each step what it happened in. A LEAVE is in what it leaves. */
static bool nest(struct steps *steps)
{
    struct frames *all = NULL, *frames;
    size_t threads = 0;

    for (size_t i = 0; i < steps->count; i++) {
        struct step *step = &steps->step[i];

        frames = frames_of(&all, &threads, step->thread);
        if (frames == NULL) {
            free(all);
            return tool_fail("use a shorter trace", "no memory for the threads");
        }
        if (frames->depth > 0 && frames->depth <= MAXIMUM_DEPTH) {
            step->in = frames->frame[frames->depth - 1]->name;
        }
        step->depth = frames->depth;
        if (step->kind == STEP_ENTER) {
            if (frames->depth < MAXIMUM_DEPTH) {
                frames->frame[frames->depth] = step;
            }
            frames->depth++;
            steps->functions |= strcmp(step->category, "function") == 0;
        } else if (step->kind == STEP_LEAVE && frames->depth > 0) {
            frames->depth--;
            step->depth--;
        }
    }
    free(all);
    return true;
}

/** The events of a document; those without a record number (names, counters) are no steps. */
static bool take_document(const char *path, struct steps *steps)
{
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(steps->document, "traceEvents");
    const cJSON *event;
    unsigned number = 0;

    steps->step = calloc((size_t)cJSON_GetArraySize(events) + 1, sizeof *steps->step);
    if (!cJSON_IsArray(events) || steps->step == NULL) {
        return tool_fail("make one with nthost run --trace FILE.json", "%s: no trace of nthost",
                         path);
    }
    cJSON_ArrayForEach(event, events)
    {
        const char *phase = text_of(event, "ph");

        number++;
        if (phase == NULL) {
            return tool_fail("make it anew with nthost run --trace FILE.json",
                             "%s: event %u has no phase", path, number);
        }
        if (phase[0] == 'M' || phase[0] == 'C') {
            continue;
        }
        if (!take_event(event, phase, &steps->step[steps->count++])) {
            return tool_fail("make it anew with nthost run --trace FILE.json",
                             "%s: event %u was not written by nthost", path, number);
        }
    }
    return nest(steps);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    long size;

    if (file == NULL) {
        tool_fail("make one with nthost run --trace FILE.json", "trace %s: %s", path,
                  strerror(errno));
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && size <= MAXIMUM_FILE &&
        fseek(file, 0, SEEK_SET) == 0 && (text = malloc((size_t)size + 1)) != NULL) {
        text[fread(text, 1, (size_t)size, file)] = '\0';
    } else {
        tool_fail("name a file of at most 512 MiB", "trace %s: cannot be read", path);
    }
    fclose(file);
    return text;
}

bool steps_load(const char *path, struct steps *steps)
{
    char *text = read_file(path);

    memset(steps, 0, sizeof *steps);
    if (text == NULL) {
        return false;
    }
    steps->document = cJSON_Parse(text);
    free(text);
    if (steps->document == NULL) {
        return tool_fail("a trace is JSON if its name ends in .json: nthost run --trace FILE.json",
                         "%s: this is no JSON", path);
    }
    return take_document(path, steps);
}

const char *steps_thread(const struct steps *steps, unsigned thread)
{
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(steps->document, "traceEvents");
    const cJSON *event;

    cJSON_ArrayForEach(event, events)
    {
        const char *phase = text_of(event, "ph"), *name = text_of(event, "name");

        if (phase != NULL && phase[0] == 'M' && name != NULL && strcmp(name, "thread_name") == 0 &&
            number_of(event, "tid") == thread) {
            const char *found = text_of(cJSON_GetObjectItemCaseSensitive(event, "args"), "name");

            return found == NULL ? "thread" : found;
        }
    }
    return "thread";
}

void steps_free(struct steps *steps)
{
    cJSON_Delete(steps->document);
    free(steps->step);
    memset(steps, 0, sizeof *steps);
}
