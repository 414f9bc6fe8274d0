/*
 * The entry of every imported routine, behind NT_ROUTINE, where there is more to do than a look. In
 * this order: the IRQL rule (a cheap one, so it always runs), the trace record, the scheduling
 * point.
 */
#include "nt/nt.h"

void NTAPI nt_routine_watched(const char *name, KIRQL max_irql)
{
    if (nt_irql() > max_irql) {
        verifier_check_irql(name, max_irql);
    }
    if (trace_wants(TRACE_ROUTINE)) {
        trace_event(TRACE_ROUTINE, name, 0, 0, 0, 0);
    }
    sched_point();
}
