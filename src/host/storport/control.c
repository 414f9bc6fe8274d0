/*
 * HwAdapterControl, HwUnitControl and HwResetBus: calls that the port makes of its own accord, each
 * at the IRQL that the pages give it, or, where they contradict each other, at the one that is
 * harder on the driver. StopAdapter and RestartAdapter: DISPATCH_LEVEL, no lock (a virtual adapter
 * has no interrupt). HwResetBus: DISPATCH_LEVEL under the StartIo lock. Both can be had at
 * PASSIVE_LEVEL.
 */
#include "storport/internal.h"

/** The query is made with more entries than any miniport was compiled with: it must mind
 * MaxControlType, and it must not write beyond it. */
#define PORT_EXTRA_TYPES 11

static BOOLEAN PortControlAtDispatch(SCSI_ADAPTER_CONTROL_TYPE Type)
{
    return (Type == ScsiStopAdapter || Type == ScsiRestartAdapter) && !PortOptions.ControlAtPassive;
}

SCSI_ADAPTER_CONTROL_STATUS PortAdapterControl(PPORT_ADAPTER Adapter,
                                               SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
    SCSI_ADAPTER_CONTROL_STATUS result;
    KIRQL irql = PASSIVE_LEVEL;
    PORT_CALL call;

    if (PortControlAtDispatch(Type)) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
    }
    PortCallEnter(&call, "HwAdapterControl", Type, 0);
    result = Adapter->Driver->Data.HwAdapterControl(Adapter->Extension, Type, Parameters);
    PortCallLeave(&call, result);
    if (PortControlAtDispatch(Type)) {
        KeLowerIrql(irql);
    }
    return result;
}

SCSI_UNIT_CONTROL_STATUS PortUnitControl(PPORT_UNIT Unit, SCSI_UNIT_CONTROL_TYPE Type)
{
    PPORT_ADAPTER adapter = Unit->Adapter;
    STOR_ADDR_BTL8 address = {.Type = STOR_ADDRESS_TYPE_BTL8,
                              .Port = (USHORT)adapter->Number,
                              .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH,
                              .Path = Unit->Path,
                              .Target = Unit->Target,
                              .Lun = Unit->Lun};
    SCSI_UNIT_CONTROL_STATUS result;
    PORT_CALL call;

    if (!adapter->UnitControl[Type] || adapter->State != PortRunning) {
        return ScsiUnitControlUnsuccessful;
    }
    PortCallEnter(&call, "HwUnitControl", Type, 0);
    result = adapter->Driver->Data.HwUnitControl(adapter->Extension, Type, &address);
    PortCallLeave(&call, result);
    return result;
}

/** A list in memory of exactly its size, so that a write behind it is seen. */
static PSCSI_SUPPORTED_CONTROL_TYPE_LIST PortControlList(ULONG Maximum, SIZE_T *Size)
{
    PSCSI_SUPPORTED_CONTROL_TYPE_LIST list;

    *Size = sizeof(*list) + Maximum;
    list = ExAllocatePoolWithTag(NonPagedPoolNx, *Size, PORT_TAG);
    if (list != NULL) {
        RtlZeroMemory(list, *Size);
        list->MaxControlType = Maximum;
    }
    return list;
}

static VOID PortQueryUnitControl(PPORT_ADAPTER Adapter)
{
    PHW_UNIT_CONTROL control = Adapter->Driver->Data.HwUnitControl;
    PSCSI_SUPPORTED_CONTROL_TYPE_LIST list;
    SCSI_UNIT_CONTROL_STATUS result;
    PORT_CALL call;
    SIZE_T size;

    list = control != NULL ? PortControlList(ScsiUnitControlMax + PORT_EXTRA_TYPES, &size) : NULL;
    if (list == NULL) {
        return;
    }
    PortCallEnter(&call, "HwUnitControl", ScsiQuerySupportedUnitControlTypes, 0);
    result = control(Adapter->Extension, ScsiQuerySupportedUnitControlTypes, list);
    PortCallLeave(&call, result);
    if (result == ScsiUnitControlSuccess) {
        RtlCopyMemory(Adapter->UnitControl, list->SupportedTypeList, ScsiUnitControlMax);
    }
    ExFreePoolWithTag(list, PORT_TAG);
}

/** Which control types the miniport supports; only those are called afterwards.
 * \irql{PASSIVE_LEVEL} */
VOID PortQueryControlTypes(PPORT_ADAPTER Adapter)
{
    SIZE_T size;
    PSCSI_SUPPORTED_CONTROL_TYPE_LIST list =
        PortControlList(ScsiAdapterControlMax + PORT_EXTRA_TYPES, &size);

    RtlZeroMemory(Adapter->AdapterControl, sizeof(Adapter->AdapterControl));
    RtlZeroMemory(Adapter->UnitControl, sizeof(Adapter->UnitControl));
    if (list != NULL) {
        if (PortAdapterControl(Adapter, ScsiQuerySupportedControlTypes, list) ==
            ScsiAdapterControlSuccess) {
            RtlCopyMemory(Adapter->AdapterControl, list->SupportedTypeList, ScsiAdapterControlMax);
        }
        ExFreePoolWithTag(list, PORT_TAG);
    }
    PortQueryUnitControl(Adapter);
}

/** The last rung of the reset ladder. \irql{<= DISPATCH_LEVEL} \return what the miniport
 * returned. */
BOOLEAN PortResetBus(PPORT_ADAPTER Adapter, UCHAR Path)
{
    KIRQL irql = KeGetCurrentIrql();
    BOOLEAN passive = PortOptions.ResetBusAtPassive && irql == PASSIVE_LEVEL;
    STOR_LOCK_HANDLE lock = {0};
    BOOLEAN result;
    PORT_CALL call;

    if (!passive) {
        PortAcquireLock(Adapter, StartIoLock, NULL, &lock);
    }
    PortCallEnter(&call, "HwResetBus", Path, 0);
    result = Adapter->Driver->Data.HwResetBus(Adapter->Extension, Path);
    PortCallLeave(&call, result);
    if (!passive) {
        PortReleaseLock(Adapter, &lock);
    }
    return result;
}

/* --- StorPortPause and its relatives: the miniport holds its own queues --- */

static PPORT_UNIT PortUnitArgument(PVOID Extension, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    return PortUnitGet(PortAdapterOf(Extension), Path, Target, Lun, FALSE);
}

BOOLEAN NTAPI StorPortPause(PVOID HwDeviceExtension, ULONG TimeOut)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);

    PortHoldAdapter(adapter, PORT_HOLD_PAUSED);
    PortHoldTimerStart(&adapter->PauseTimer, TimeOut * 1000);
    return TRUE;
}

BOOLEAN NTAPI StorPortResume(PVOID HwDeviceExtension)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);

    PortHoldTimerCancel(&adapter->PauseTimer);
    PortReleaseAdapter(adapter, PORT_HOLD_PAUSED);
    return TRUE;
}

BOOLEAN NTAPI StorPortPauseDevice(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                  ULONG TimeOut)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_UNIT unit = PortUnitArgument(HwDeviceExtension, PathId, TargetId, Lun);

    if (unit == NULL) {
        return FALSE;
    }
    PortHoldUnit(unit, PORT_HOLD_PAUSED);
    PortHoldTimerStart(&unit->PauseTimer, TimeOut * 1000);
    PortUnitRelease(unit);
    return TRUE;
}

BOOLEAN NTAPI StorPortResumeDevice(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_UNIT unit = PortUnitArgument(HwDeviceExtension, PathId, TargetId, Lun);

    if (unit == NULL) {
        return FALSE;
    }
    PortHoldTimerCancel(&unit->PauseTimer);
    PortReleaseUnit(unit, PORT_HOLD_PAUSED);
    PortUnitRelease(unit);
    return TRUE;
}

BOOLEAN NTAPI StorPortBusy(PVOID HwDeviceExtension, ULONG RequestsToComplete)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);
    LONG outstanding = ReadNoFence(&adapter->Outstanding);

    if (outstanding <= 0 || RequestsToComplete == 0) {
        return FALSE; /* nothing would ever end it */
    }
    adapter->BusyCount = min((LONG)RequestsToComplete, outstanding);
    PortHoldAdapter(adapter, PORT_HOLD_BUSY);
    return TRUE;
}

BOOLEAN NTAPI StorPortReady(PVOID HwDeviceExtension)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PortReleaseAdapter(PortAdapterOf(HwDeviceExtension), PORT_HOLD_BUSY);
    return TRUE;
}

BOOLEAN NTAPI StorPortDeviceBusy(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                 ULONG RequestsToComplete)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_UNIT unit = PortUnitArgument(HwDeviceExtension, PathId, TargetId, Lun);
    BOOLEAN held;
    KIRQL irql;

    if (unit == NULL) {
        return FALSE;
    }
    KeAcquireSpinLock(&unit->Lock, &irql);
    held = unit->OutstandingCount != 0 && RequestsToComplete != 0;
    if (held) {
        unit->BusyCount = min(RequestsToComplete, unit->OutstandingCount);
        unit->Hold |= PORT_HOLD_BUSY;
    }
    KeReleaseSpinLock(&unit->Lock, irql);
    PortUnitRelease(unit);
    return held;
}

BOOLEAN NTAPI StorPortDeviceReady(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_UNIT unit = PortUnitArgument(HwDeviceExtension, PathId, TargetId, Lun);

    if (unit == NULL) {
        return FALSE;
    }
    PortReleaseUnit(unit, PORT_HOLD_BUSY);
    PortUnitRelease(unit);
    return TRUE;
}

/** Legal once the unit has received its first INQUIRY; bounded by MaxIOsPerLun. */
BOOLEAN NTAPI StorPortSetDeviceQueueDepth(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId,
                                          UCHAR Lun, ULONG Depth)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_UNIT unit = PortUnitArgument(HwDeviceExtension, PathId, TargetId, Lun);
    BOOLEAN legal;

    if (unit == NULL) {
        return FALSE;
    }
    legal =
        ReadNoFence(&unit->Inquired) && Depth != 0 && Depth <= unit->Adapter->Config.MaxIOsPerLun;
    if (legal) {
        unit->QueueDepth = Depth;
        PortUnitKick(unit);
    }
    PortUnitRelease(unit);
    return legal;
}
