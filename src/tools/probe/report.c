/*
 * What all reports have in common.
 */
#include "tools/probe/report.h"

#define SHOWN_LONGEST 96u
#define SHOWN_BEHIND  8u /* Bytes behind the last one that was written: to see that nothing was. */

const char *device_text(const struct check *check, const struct probe_options *options,
                        char *buffer, size_t size)
{
    snprintf(buffer, size, "%s %u:%u:%u", bus_name(check->bus), options->address.path,
             options->address.target, options->address.lun);
    return buffer;
}

bool is_marked(const struct verdict *verdict, unsigned step, enum area area, uint32_t offset)
{
    for (unsigned i = 0; i < verdict->mark_count; i++) {
        const struct mark *mark = &verdict->marks[i];

        if (mark->step == step && mark->area == area && offset >= mark->offset &&
            offset - mark->offset < mark->length) {
            return true;
        }
    }
    return false;
}

uint32_t shown_bytes(const struct result *result, unsigned step)
{
    const struct answer *answer = &result->transcript->answers[step];
    uint32_t kept = answer->length < ANSWER_KEPT ? answer->length : ANSWER_KEPT, used = kept;

    if (answer->direction != HOST_DATA_IN) {
        return 0;
    }
    while (used > 0 && (answer->data[used - 1] == POISON || answer->data[used - 1] == 0)) {
        used--;
    }
    used += SHOWN_BEHIND;
    for (unsigned i = 0; i < result->verdict.mark_count; i++) {
        const struct mark *mark = &result->verdict.marks[i];

        if (mark->step == step && mark->area == AREA_DATA && mark->offset + 1 > used) {
            used = mark->offset + SHOWN_BEHIND;
        }
    }
    used = used < kept ? used : kept;
    return used < SHOWN_LONGEST ? used : SHOWN_LONGEST;
}
