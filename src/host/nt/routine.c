/*
 * The entry of every imported routine, behind NT_ROUTINE, where there is more to do than a look. In
 * this order: the IRQL rule (a cheap one, so it always runs), the trace record, the scheduling
 * point.
 */
#include "nt/nt.h"

#include "image/image.h"
#include "nt/points.h"
#include "nt/sched_backend.h"

void NTAPI nt_routine_watched(const char *name, KIRQL max_irql, const void *caller)
{
    if (nt_irql() > max_irql) {
        verifier_check_irql(name, max_irql);
    }
    if (trace_wants(TRACE_ACCESS)) {
        points_called(name, caller);
    }
    if (trace_wants(TRACE_ROUTINE)) {
        trace_event(TRACE_ROUTINE, name, image_contains(caller, NULL) != NULL, 0, 0, 0);
    }
    if (__builtin_expect(sched_driver_points_only, 0) && image_contains(caller, NULL) == NULL) {
        return; /* The host's own use of a routine: see sched_explore_from_here. */
    }
    sched_point();
}
