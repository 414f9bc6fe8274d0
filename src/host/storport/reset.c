/*
 * The reset ladder: RESET_LOGICAL_UNIT, then RESET_DEVICE, then HwResetBus, each only if the one
 * before failed. It is a small state machine in a DPC, because it starts from the time-out tick and
 * its SRBs may pend; it never runs inside the miniport's own completion call. While a rung is
 * tried, the queues of what it resets are held.
 */
#include "storport/internal.h"

/** Does the reset that is going on concern this unit? */
static BOOLEAN PortResetCovers(PPORT_RESET Reset, PPORT_UNIT Unit)
{
    switch (Reset->Tier) {
    case PORT_TIER_UNIT:
        return Unit->Path == Reset->Path && Unit->Target == Reset->Target &&
               Unit->Lun == Reset->Lun;
    case PORT_TIER_TARGET:
        return Unit->Path == Reset->Path && Unit->Target == Reset->Target;
    default:
        return TRUE; /* all queues of the adapter are paused for HwResetBus */
    }
}

/** Requests that the reset has not ended get their full time again; what happens to them on Windows
 * is not documented. One that survives reset after reset is lost: here that is a bugcheck, instead
 * of a machine that resets for ever. */
static BOOLEAN PortResetReload(PPORT_UNIT Unit)
{
    BOOLEAN covered;
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Lock, &irql);
    covered = (Unit->Hold & PORT_HOLD_RESET) != 0;
    for (PLIST_ENTRY entry = Unit->Outstanding.Flink; entry != &Unit->Outstanding;
         entry = entry->Flink) {
        PPORT_REQUEST request = CONTAINING_RECORD(entry, PORT_REQUEST, Link);

        if (!covered || request->TicksLeft != 1) {
            continue;
        }
        request->TicksLeft = SrbGetTimeOutValue(request->Srb) + 1;
        if (++request->Resets >= PORT_LOST_RESETS) {
            PORT_VIOLATION(SRB_LOST, SCSI_VERIFIER_DETECTED_VIOLATION, 0x300A, request->Id,
                           request->Opcode, 0,
                           "%s (SRB %llu) was not completed, though its unit was reset %u times",
                           PortSrbName(request->Function, request->Opcode),
                           (unsigned long long)request->Id, request->Resets);
        }
    }
    KeReleaseSpinLock(&Unit->Lock, irql);
    return covered;
}

/** Holds the queues of what is reset, or lets them go. */
static VOID PortResetHold(PPORT_ADAPTER Adapter, BOOLEAN Hold)
{
    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        if (Hold && PortResetCovers(&Adapter->Reset, unit)) {
            PortHoldUnit(unit, PORT_HOLD_RESET);
        } else if (!Hold && PortResetReload(unit)) {
            PortReleaseUnit(unit, PORT_HOLD_RESET);
        }
    }
}

/** The reset SRB has come back; its IRP stays ours. Its time-out may have ended the attempt before.
 * \irql{<= DISPATCH_LEVEL} */
static NTSTATUS NTAPI PortResetSrbDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPORT_ADAPTER adapter = Context;
    ULONG tier =
        adapter->Reset.Attempt[PORT_TIER_UNIT].Irp == Irp ? PORT_TIER_UNIT : PORT_TIER_TARGET;
    LONG ended = InterlockedExchange(&adapter->Reset.Attempt[tier].Ended, 1);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (ended == 0) {
        adapter->Reset.Attempt[tier].SrbStatus = adapter->Reset.Attempt[tier].Srb.Scsi.SrbStatus;
    }
    InterlockedExchange(&adapter->Reset.Attempt[tier].Busy, 0);
    if (ended == 0) {
        KeInsertQueueDpc(&adapter->Reset.Dpc, NULL, NULL);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/** Sends the SRB of the first or second rung. \return FALSE if it cannot be sent: that rung has
 * failed. */
static BOOLEAN PortResetSend(PPORT_ADAPTER Adapter)
{
    PPORT_RESET reset = &Adapter->Reset;
    ULONG tier = reset->Tier;
    PIRP irp = reset->Attempt[tier].Irp;
    PORT_SRB_FIELDS fields = {
        .Function =
            tier == PORT_TIER_UNIT ? SRB_FUNCTION_RESET_LOGICAL_UNIT : SRB_FUNCTION_RESET_DEVICE,
        .Path = reset->Path,
        .Target = reset->Target,
        .Lun = tier == PORT_TIER_UNIT ? reset->Lun : 0,
        .SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE,
        .Timeout = PORT_INTERNAL_TIMEOUT,
    };
    PPORT_UNIT unit;

    if (irp == NULL || InterlockedExchange(&reset->Attempt[tier].Busy, 1) != 0) {
        return FALSE; /* the miniport has not given the SRB of an earlier reset back */
    }
    unit = PortUnitGet(Adapter, reset->Path, reset->Target, reset->Lun, FALSE);
    if (unit == NULL) {
        InterlockedExchange(&reset->Attempt[tier].Busy, 0);
        return FALSE;
    }
    InterlockedExchange(&reset->Attempt[tier].Ended, 0);
    PortSrbBuild(&reset->Attempt[tier].Srb,
                 Adapter->Config.SrbType == SRB_TYPE_STORAGE_REQUEST_BLOCK, &fields);
    IoReuseIrp(irp, STATUS_NOT_SUPPORTED);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_SCSI;
    IoGetNextIrpStackLocation(irp)->Parameters.Scsi.Srb = &reset->Attempt[tier].Srb.Scsi;
    IoSetCompletionRoutine(irp, PortResetSrbDone, Adapter, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(irp);
    PortUnitSubmit(unit, irp);
    PortUnitRelease(unit);
    return TRUE;
}

static VOID PortResetEnd(PPORT_ADAPTER Adapter, BOOLEAN Succeeded)
{
    PPORT_RESET reset = &Adapter->Reset;

    reset->Succeeded = Succeeded;
    reset->Tier = PORT_TIER_DONE;
    PortResetHold(Adapter, FALSE);
    InterlockedExchange(&reset->Active, 0);
    KeSetEvent(&reset->Done, IO_NO_INCREMENT, FALSE);
    PortRundownRelease(Adapter);
}

/** Tries the rung in Reset.Tier, and the next ones as long as they cannot even be sent. */
static VOID PortResetTry(PPORT_ADAPTER Adapter)
{
    PPORT_RESET reset = &Adapter->Reset;

    for (; reset->Tier < PORT_TIER_BUS; reset->Tier++) {
        PortTracePnp(reset->Tier == PORT_TIER_UNIT ? "reset-unit" : "reset-target",
                     (ULONG64)reset->Path << 16 | (ULONG64)reset->Target << 8 | reset->Lun);
        PortResetHold(Adapter, TRUE);
        if (PortResetSend(Adapter)) {
            return;
        }
        if (reset->Single) {
            PortResetEnd(Adapter, FALSE);
            return;
        }
    }
    PortTracePnp("reset-bus", reset->Path);
    PortResetHold(Adapter, TRUE);
    PortResetEnd(Adapter, PortResetBus(Adapter, reset->Path));
}

/** A rung has ended: up to the next, or done. \irql{DISPATCH_LEVEL} */
static VOID NTAPI PortResetDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PPORT_ADAPTER adapter = Context;
    PPORT_RESET reset = &adapter->Reset;
    ULONG tier = reset->Tier;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    if (reset->Active == 0 || tier >= PORT_TIER_BUS || reset->Attempt[tier].Ended == 0) {
        return; /* an SRB that timed out earlier has come back late */
    }
    if (SRB_STATUS(reset->Attempt[tier].SrbStatus) == SRB_STATUS_SUCCESS) {
        PortResetEnd(adapter, TRUE);
    } else if (reset->Single) {
        PortResetEnd(adapter, FALSE);
    } else {
        reset->Tier++;
        PortResetTry(adapter);
    }
}

/** The reset SRB itself has not come back in time. \irql{DISPATCH_LEVEL} \locks{Unit->Lock held} */
VOID PortResetAttemptTimedOut(PPORT_ADAPTER Adapter, PPORT_REQUEST Request)
{
    for (ULONG tier = PORT_TIER_UNIT; tier <= PORT_TIER_TARGET; tier++) {
        if (Adapter->Reset.Attempt[tier].Irp == Request->Irp &&
            InterlockedExchange(&Adapter->Reset.Attempt[tier].Ended, 1) == 0) {
            Adapter->Reset.Attempt[tier].SrbStatus = SRB_STATUS_TIMEOUT;
            KeInsertQueueDpc(&Adapter->Reset.Dpc, NULL, NULL);
        }
    }
}

/** Starts a reset of a unit from a rung on. `Single`: only this rung. \return FALSE if a reset is
 * going on already, or the adapter does not run. \irql{<= DISPATCH_LEVEL} */
BOOLEAN PortResetBegin(PPORT_ADAPTER Adapter, PPORT_UNIT Unit, ULONG Tier, BOOLEAN Single)
{
    PPORT_RESET reset = &Adapter->Reset;

    PortRundownReference(Adapter);
    if ((Adapter->Hold & (LONG)PORT_HOLD_STOPPED) != 0 ||
        InterlockedCompareExchange(&reset->Active, 1, 0) != 0) {
        PortRundownRelease(Adapter);
        return FALSE;
    }
    KeClearEvent(&reset->Done);
    reset->Tier = Tier;
    reset->Single = Single;
    reset->Path = Unit->Path;
    reset->Target = Unit->Target;
    reset->Lun = Unit->Lun;
    PortResetTry(Adapter);
    return TRUE;
}

VOID PortResetInitialize(PPORT_ADAPTER Adapter)
{
    KeInitializeDpc(&Adapter->Reset.Dpc, PortResetDpc, Adapter);
    KeInitializeEvent(&Adapter->Reset.Done, NotificationEvent, TRUE);
    for (ULONG tier = PORT_TIER_UNIT; tier <= PORT_TIER_TARGET; tier++) {
        Adapter->Reset.Attempt[tier].Irp = IoAllocateIrp(1, FALSE);
    }
}

/** After the rundown: no SRB is outstanding any more. */
VOID PortResetFree(PPORT_ADAPTER Adapter)
{
    KeRemoveQueueDpc(&Adapter->Reset.Dpc);
    for (ULONG tier = PORT_TIER_UNIT; tier <= PORT_TIER_TARGET; tier++) {
        if (Adapter->Reset.Attempt[tier].Irp != NULL) {
            IoFreeIrp(Adapter->Reset.Attempt[tier].Irp);
            Adapter->Reset.Attempt[tier].Irp = NULL;
        }
    }
}
