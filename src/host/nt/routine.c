/*
 * The entry of every imported routine, behind NT_ROUTINE. In this order: the IRQL rule (a cheap
 * one, so it always runs), the trace record, the scheduling point. Under the real scheduler with
 * the recorder off this is two loads and two branches: it must stay so, because every imported call
 * of a driver pays for it.
 */
#include "nt/nt.h"

void nt_routine_enter(const char *name, KIRQL max_irql)
{
    if (__builtin_expect(sched_current()->irql > max_irql, 0)) {
        verifier_check_irql(name, max_irql);
    }
    if (__builtin_expect(trace_wants(TRACE_ROUTINE), 0)) {
        trace_event(TRACE_ROUTINE, name, 0, 0, 0, 0);
    }
    sched_point();
}
