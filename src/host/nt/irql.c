/*
 * IRQL: what the current simulated thread may be interrupted by. It is a property of the thread
 * here (a thread at DISPATCH_LEVEL keeps its simulated processor), and only ever changed by the
 * thread itself. Nothing here may block.
 */
#include "nt/nt.h"

/** Tells the scheduler when DISPATCH_LEVEL was crossed, and the recorder of every change. */
void NTAPI nt_irql_watched(struct nt_thread *thread, KIRQL old)
{
    KIRQL level = thread->irql;

    if ((old >= DISPATCH_LEVEL) != (level >= DISPATCH_LEVEL)) {
        sched_irql_crossed(thread);
    }
    if (old != level && trace_wants(TRACE_IRQL)) {
        trace_event(TRACE_IRQL, thread->name, old, level, 0, 0);
    }
}

KIRQL NTAPI KeGetCurrentIrql(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return nt_irql();
}

KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    if (NewIrql < thread->irql || NewIrql > HIGH_LEVEL) {
        verifier_bugcheck(RULE_IRQL_RAISE, thread->irql, NewIrql, 0, "KeRaiseIrql from %u to %u",
                          thread->irql, NewIrql);
    }
    return nt_raise_irql(NewIrql);
}

KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    if (thread->irql > DISPATCH_LEVEL) {
        verifier_bugcheck(RULE_IRQL_RAISE, thread->irql, DISPATCH_LEVEL, 0,
                          "KeRaiseIrqlToDpcLevel at %u", thread->irql);
    }
    return nt_raise_irql(DISPATCH_LEVEL);
}

VOID NTAPI KeLowerIrql(KIRQL NewIrql)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    if (NewIrql > thread->irql) {
        verifier_bugcheck(RULE_IRQL_LOWER, thread->irql, NewIrql, 0, "KeLowerIrql from %u to %u",
                          thread->irql, NewIrql);
    }
    nt_lower_irql(NewIrql);
}

/* --- processors --- */

ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    unsigned count = sched_processors();

    NT_ROUTINE(HIGH_LEVEL);
    if (ActiveProcessors != NULL) {
        *ActiveProcessors = count >= 64 ? ~(KAFFINITY)0 : ((KAFFINITY)1 << count) - 1;
    }
    return count;
}

/** There is one processor group, number 0. */
ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    NT_ROUTINE(HIGH_LEVEL);
    return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? sched_processors() : 0;
}

ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    unsigned number;

    NT_ROUTINE(HIGH_LEVEL);
    number = sched_processor();
    if (ProcNumber != NULL) {
        *ProcNumber = (PROCESSOR_NUMBER){.Group = 0, .Number = (UCHAR)number};
    }
    return number;
}
