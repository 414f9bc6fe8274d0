/*
 * StorPortNotification: what a miniport tells Storport. One table of types says how each reads its
 * arguments; a type that is not in it, or that is not for a virtual miniport, is a broken rule.
 */
#include "storport/internal.h"

typedef VOID PORT_NOTIFY(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments);

static VOID PortNotifyRequestComplete(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PortRequestComplete(Adapter, PortArgument(*Arguments, PSCSI_REQUEST_BLOCK));
}

/** Ignored: Storport pushes, nobody asks it for the next request. */
static VOID PortNotifyIgnored(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Arguments);
}

/** The miniport saw a reset: queues rest for BusResetHoldTime (microseconds). */
static VOID PortNotifyResetDetected(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    ULONG milliseconds = (Adapter->Config.BusResetHoldTime + 999) / 1000;

    UNREFERENCED_PARAMETER(Arguments);
    if (milliseconds != 0) {
        PortHoldAdapter(Adapter, PORT_HOLD_PAUSED);
        PortHoldTimerStart(&Adapter->PauseTimer, milliseconds);
    }
}

/** PnP will ask for the bus relations again, and that is the scan. However often it is said before
 * that scan: one. */
static VOID PortNotifyBusChange(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    UNREFERENCED_PARAMETER(
        Arguments); /* the optional path changes nothing: a scan looks everywhere */
    if (Adapter->State == PortRunning) {
        PortTracePnp("bus-change-detected", 0);
        IoInvalidateDeviceRelations(Adapter->Pdo, BusRelations);
    }
}

static VOID PortNotifyTimerCall(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PHW_TIMER routine = PortArgument(*Arguments, PHW_TIMER);
    ULONG microseconds = PortArgument(*Arguments, ULONG);

    if (routine == NULL && microseconds != 0) {
        PORT_VIOLATION(NOTIFICATION_TYPE, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3007,
                       RequestTimerCall, 0, 0,
                       "StorPortNotification(RequestTimerCall) without a timer routine");
    }
    PortHwTimerRequest(Adapter, routine, microseconds);
}

static VOID PortNotifyLinkDown(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    UNREFERENCED_PARAMETER(Arguments);
    PortHoldAdapter(Adapter, PORT_HOLD_LINK);
    PortHoldTimerStart(&Adapter->LinkTimer, 30 * 1000); /* LinkDownTimeoutValue's default */
}

static VOID PortNotifyLinkUp(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    UNREFERENCED_PARAMETER(Arguments);
    PortHoldTimerCancel(&Adapter->LinkTimer);
    PortReleaseAdapter(Adapter, PORT_HOLD_LINK);
}

static VOID PortNotifyTickCount(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PLARGE_INTEGER ticks = PortArgument(*Arguments, PLARGE_INTEGER);

    UNREFERENCED_PARAMETER(Adapter);
    KeQueryTickCount(ticks);
}

static VOID PortNotifyOverrun(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Arguments);
    PORT_VIOLATION(BUFFER_OVERRUN, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3008, 0, 0, 0,
                   "the miniport reports that its memory was overwritten (BufferOverrunDetected)");
}

static VOID PortNotifyPassive(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PHW_PASSIVE_INITIALIZE_ROUTINE routine =
        PortArgument(*Arguments, PHW_PASSIVE_INITIALIZE_ROUTINE);
    PLONG succeeded = PortArgument(*Arguments, PLONG);

    *succeeded = Adapter->Phase == PortPhaseInitialize;
    if (*succeeded) {
        Adapter->PassiveInitialize = routine;
    }
}

static VOID PortNotifyInitializeDpc(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSTOR_DPC dpc = PortArgument(*Arguments, PSTOR_DPC);
    PHW_DPC_ROUTINE routine = PortArgument(*Arguments, PHW_DPC_ROUTINE);

    PortDpcInitialize(Adapter, dpc, routine);
}

static VOID PortNotifyIssueDpc(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSTOR_DPC dpc = PortArgument(*Arguments, PSTOR_DPC);
    PVOID first = PortArgument(*Arguments, PVOID);
    PVOID second = PortArgument(*Arguments, PVOID);
    PLONG succeeded = PortArgument(*Arguments, PLONG);

    UNREFERENCED_PARAMETER(Adapter);
    *succeeded = PortDpcIssue(dpc, first, second);
}

static VOID PortNotifyAcquireLock(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    STOR_SPINLOCK kind = PortArgument(*Arguments, STOR_SPINLOCK);
    PVOID context = PortArgument(*Arguments, PVOID);
    PSTOR_LOCK_HANDLE handle = PortArgument(*Arguments, PSTOR_LOCK_HANDLE);

    PortAcquireLock(Adapter, kind, context, handle);
}

static VOID PortNotifyReleaseLock(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PortReleaseLock(Adapter, PortArgument(*Arguments, PSTOR_LOCK_HANDLE));
}

/** Something about one entity changed: the same scan. The state change routine is not called for
 * one whose entity is simply scanned with the rest, so a miniport that gives one is told that this
 * Storport does not do it. */
static VOID PortNotifyStateChange(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    ULONG entity = PortArgument(*Arguments, ULONG);
    PSTOR_ADDRESS address = PortArgument(*Arguments, PSTOR_ADDRESS);
    ULONG attributes = PortArgument(*Arguments, ULONG);
    PHW_STATE_CHANGE routine = PortArgument(*Arguments, PHW_STATE_CHANGE);
    PVOID context = PortArgument(*Arguments, PVOID);
    PULONG status = PortArgument(*Arguments, PULONG);

    UNREFERENCED_PARAMETER(attributes);
    UNREFERENCED_PARAMETER(context);
    if ((entity & (STATE_CHANGE_LUN | STATE_CHANGE_TARGET | STATE_CHANGE_BUS)) == 0 ||
        address == NULL) {
        *status = STOR_STATUS_INVALID_PARAMETER;
    } else if (routine != NULL) {
        *status = STOR_STATUS_NOT_IMPLEMENTED;
    } else {
        PortNotifyBusChange(Adapter, Arguments);
        *status = STOR_STATUS_SUCCESS;
    }
}

/** The unit must have said that it sends these; what a notification then does (a class driver's
 * media poll) ends here. */
static VOID PortNotifyAsync(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSTOR_ADDR_BTL8 address = PortArgument(*Arguments, PSTOR_ADDR_BTL8);
    ULONGLONG flags = PortArgument(*Arguments, ULONGLONG);
    PULONG status = PortArgument(*Arguments, PULONG);
    PPORT_UNIT unit;

    *status = STOR_STATUS_INVALID_PARAMETER;
    if (address == NULL || (flags & ~(ULONGLONG)RAID_ASYNC_NOTIFY_SUPPORTED_FLAGS) != 0) {
        return;
    }
    unit = PortUnitGet(Adapter, address->Path, address->Target, address->Lun, FALSE);
    if (unit != NULL) {
        *status = unit->Attributes.AsyncNotificationSupported ? STOR_STATUS_SUCCESS
                                                              : STOR_STATUS_INVALID_DEVICE_REQUEST;
        PortUnitRelease(unit);
    }
}

static const struct {
    SCSI_NOTIFICATION_TYPE Type;
    PORT_NOTIFY *Notify;
} PortNotifications[] = {
    {RequestComplete, PortNotifyRequestComplete},
    {NextRequest, PortNotifyIgnored},
    {NextLuRequest, PortNotifyIgnored},
    {ResetDetected, PortNotifyResetDetected},
    {RequestTimerCall, PortNotifyTimerCall},
    {BusChangeDetected, PortNotifyBusChange},
    {WMIEvent, PortNotifyIgnored}, /* no WMI consumer is simulated */
    {WMIReregister, PortNotifyIgnored},
    {LinkUp, PortNotifyLinkUp},
    {LinkDown, PortNotifyLinkDown},
    {QueryTickCount, PortNotifyTickCount},
    {BufferOverrunDetected, PortNotifyOverrun},
    {EnablePassiveInitialization, PortNotifyPassive},
    {InitializeDpc, PortNotifyInitializeDpc},
    {IssueDpc, PortNotifyIssueDpc},
    {AcquireSpinLock, PortNotifyAcquireLock},
    {ReleaseSpinLock, PortNotifyReleaseLock},
    {StateChangeDetectedCall, PortNotifyStateChange},
    {IoTargetRequestServiceTime, PortNotifyIgnored}, /* telemetry */
    {AsyncNotificationDetected, PortNotifyAsync},
};

/** \irql{<= DISPATCH_LEVEL} (WDK: StorPortNotification) */
VOID NTAPI StorPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension,
                                ...)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);
    PORT_ARGUMENTS arguments;

    PortArgumentsBegin(arguments, HwDeviceExtension);
    if (NotificationType == RequestComplete) { /* the one that must be fast */
        PortNotifyRequestComplete(adapter, &arguments);
        PortArgumentsEnd(arguments);
        return;
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(PortNotifications); i++) {
        if (PortNotifications[i].Type == NotificationType) {
            PortNotifications[i].Notify(adapter, &arguments);
            PortArgumentsEnd(arguments);
            return;
        }
    }
    PORT_VIOLATION(NOTIFICATION_TYPE, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3007, NotificationType, 0,
                   0, "StorPortNotification of type 0x%x, which is not for a virtual miniport",
                   NotificationType);
}
