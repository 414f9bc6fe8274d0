/*
 * Time-outs. One timer per adapter ticks once a second while anything with a TimeOutValue is
 * outstanding, and every outstanding request counts down. A request that reaches zero starts the
 * reset ladder on its unit (reset.c); it is not completed here, because the miniport still has it.
 * Storport keeps this clock, a miniport never does.
 */
#include "storport/internal.h"

#define PORT_TICK (-10000000LL) /* one second, relative */

VOID PortTickArm(PPORT_ADAPTER Adapter)
{
    LARGE_INTEGER due;

    if (InterlockedExchange(&Adapter->TickArmed, 1) == 0) {
        due.QuadPart = PORT_TICK;
        KeSetTimer(&Adapter->TickTimer, due, &Adapter->TickDpc);
    }
}

/** Counts a unit's requests down. \return the first whose time is up; `Waiting` if any counts
 * on. */
static PPORT_REQUEST PortUnitTick(PPORT_UNIT Unit, BOOLEAN *Waiting)
{
    PPORT_REQUEST late = NULL;

    KeAcquireSpinLockAtDpcLevel(&Unit->Lock);
    for (PLIST_ENTRY entry = Unit->Outstanding.Flink; entry != &Unit->Outstanding;
         entry = entry->Flink) {
        PPORT_REQUEST request = CONTAINING_RECORD(entry, PORT_REQUEST, Link);

        if (request->TicksLeft > 1) {
            request->TicksLeft--;
            *Waiting = TRUE;
        } else if (request->TicksLeft == 1) {
            *Waiting = TRUE; /* stays at 1 until the reset has ended: a second one may be needed */
            if (request->BypassHold) {
                request->TicksLeft = 0;
                PortResetAttemptTimedOut(Unit->Adapter, request);
            } else if (late == NULL) {
                late = request;
            }
        }
    }
    KeReleaseSpinLockFromDpcLevel(&Unit->Lock);
    return late;
}

/** \irql{DISPATCH_LEVEL} */
VOID NTAPI PortTickDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PPORT_ADAPTER adapter = Context;
    BOOLEAN waiting = FALSE;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    InterlockedExchange(&adapter->TickArmed, 0);
    for (PPORT_UNIT unit = PortUnitNext(adapter, NULL); unit != NULL;
         unit = PortUnitNext(adapter, unit)) {
        if (PortUnitTick(unit, &waiting) != NULL) {
            PortResetBegin(adapter, unit, PORT_TIER_UNIT, FALSE);
        }
    }
    if (waiting) {
        PortTickArm(adapter);
    }
}
