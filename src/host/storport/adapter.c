/*
 * The adapter's life: AddDevice, start, stop of its I/O, remove. The order of the miniport's
 * callbacks is decided here: HwFindAdapter, HwInitialize, the passive routine, the query of control
 * types; at the end HwCompleteServiceIrp, ScsiStopAdapter, HwFreeAdapterResources. Everything runs
 * at PASSIVE_LEVEL in a PnP thread.
 */
#define INITGUID
#include "storport/internal.h"

#include <initguid.h>

DEFINE_GUID(PORT_INTERFACE_STORAGEPORT, 0x2accfe60, 0xc130, 0x11d2, 0xb0, 0x82, 0x00, 0xa0, 0xc9,
            0x1e, 0xfb, 0x8b);

static VOID PortAdapterPrepare(PPORT_ADAPTER Adapter)
{
    KeInitializeSpinLock(&Adapter->Lock);
    KeInitializeSpinLock(&Adapter->StartIoLock);
    KeInitializeSpinLock(&Adapter->InterruptLock);
    InitializeListHead(&Adapter->Units);
    InitializeListHead(&Adapter->Dpcs);
    InitializeListHead(&Adapter->Timers);
    InitializeListHead(&Adapter->Workers);
    for (ULONG i = 0; i < PORT_ISSUED_BUCKETS; i++) {
        InitializeListHead(&Adapter->Issued[i]);
    }
    KeInitializeEvent(&Adapter->Idle, NotificationEvent, FALSE);
    KeInitializeEvent(&Adapter->ScanLock, SynchronizationEvent, TRUE);
    KeInitializeTimer(&Adapter->TickTimer);
    KeInitializeDpc(&Adapter->TickDpc, PortTickDpc, Adapter);
    KeInitializeTimer(&Adapter->HwTimer);
    KeInitializeDpc(&Adapter->HwTimerDpc, PortHwTimerDpc, Adapter);
    PortHoldTimerInitialize(&Adapter->PauseTimer, Adapter, NULL, PORT_HOLD_PAUSED);
    PortHoldTimerInitialize(&Adapter->LinkTimer, Adapter, NULL, PORT_HOLD_LINK);
    PortResetInitialize(Adapter);
    Adapter->Hold = PORT_HOLD_STOPPED;
    Adapter->Rundown = 1;
}

/** \irql{PASSIVE_LEVEL} (WDK: DRIVER_ADD_DEVICE) */
NTSTATUS NTAPI PortAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PPORT_DRIVER driver = PortDriverOf(DriverObject);
    PDEVICE_OBJECT fdo;
    PPORT_ADAPTER adapter;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, sizeof(PORT_ADAPTER), NULL, FILE_DEVICE_CONTROLLER,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &fdo);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    adapter = fdo->DeviceExtension;
    RtlZeroMemory(adapter, sizeof(*adapter));
    adapter->Common.Kind = PORT_KIND_ADAPTER;
    adapter->Common.Self = fdo;
    adapter->Driver = driver;
    adapter->Pdo = PhysicalDeviceObject;
    adapter->Number = driver->Adapters++;
    PortAdapterPrepare(adapter);
    adapter->Lower = IoAttachDeviceToDeviceStack(fdo, PhysicalDeviceObject);
    if (adapter->Lower == NULL) {
        PortResetFree(adapter);
        IoDeleteDevice(fdo);
        return STATUS_NO_SUCH_DEVICE;
    }
    fdo->Flags |= DO_DIRECT_IO;
    fdo->Flags &= ~DO_DEVICE_INITIALIZING;
    PortTheAdapter = adapter;
    return STATUS_SUCCESS;
}

/** The miniport's device extension: nonpaged, zeroed once, kept until the adapter is removed. */
static BOOLEAN PortAllocateExtension(PPORT_ADAPTER Adapter)
{
    SIZE_T size = sizeof(PORT_EXTENSION_HEADER) + Adapter->Config.DeviceExtensionSize;

    if (Adapter->Header != NULL) {
        return TRUE;
    }
    Adapter->Header = ExAllocatePoolWithTag(NonPagedPoolNx, size, PORT_EXTENSION_TAG);
    if (Adapter->Header == NULL) {
        PortSay(Adapter, "There is no memory for a device extension of # bytes.",
                Adapter->Config.DeviceExtensionSize);
        return FALSE;
    }
    RtlZeroMemory(Adapter->Header, size);
    Adapter->Header->Signature = PORT_EXTENSION_SIGNATURE;
    Adapter->Header->Adapter = Adapter;
    Adapter->Extension = Adapter->Header + 1;
    return TRUE;
}

static VOID PortFreeExtension(PPORT_ADAPTER Adapter)
{
    if (Adapter->Header != NULL) {
        Adapter->Header->Signature = 0;
        ExFreePoolWithTag(Adapter->Header, PORT_EXTENSION_TAG);
        Adapter->Header = NULL;
        Adapter->Extension = NULL;
    }
}

/** Calls HwFindAdapter and judges what it left. \irql{PASSIVE_LEVEL; DISPATCH_LEVEL when it stands
 * for a restart} */
BOOLEAN PortCallFindAdapter(PPORT_ADAPTER Adapter)
{
    PVIRTUAL_HW_FIND_ADAPTER find = (PVIRTUAL_HW_FIND_ADAPTER)Adapter->Driver->Data.HwFindAdapter;
    BOOLEAN again = FALSE;
    PORT_CALL call;
    ULONG result;

    PortConfigInitialize(Adapter);
    Adapter->Phase = PortPhaseFindAdapter;
    PortCallEnter(&call, "HwFindAdapter", 0, 0);
    result = find(Adapter->Extension, Adapter->Pdo, Adapter->Common.Self, Adapter->Lower,
                  Adapter->DriverParameter, &Adapter->Config, &again);
    PortCallLeave(&call, result);
    Adapter->Phase = PortPhaseNone;
    if (result != SP_RETURN_FOUND) {
        PortSay(Adapter,
                result == SP_RETURN_NOT_FOUND ? "HwFindAdapter returned SP_RETURN_NOT_FOUND."
                : result == SP_RETURN_ERROR   ? "HwFindAdapter returned SP_RETURN_ERROR."
                : result == SP_RETURN_BAD_CONFIG
                    ? "HwFindAdapter returned SP_RETURN_BAD_CONFIG."
                    : "HwFindAdapter returned #, which is none of SP_RETURN_*.",
                result);
        return FALSE;
    }
    return PortConfigAccept(Adapter);
}

BOOLEAN PortCallInitialize(PPORT_ADAPTER Adapter)
{
    BOOLEAN result;
    PORT_CALL call;

    Adapter->PassiveInitialize = NULL;
    Adapter->Phase = PortPhaseInitialize;
    PortCallEnter(&call, "HwInitialize", 0, 0);
    result = Adapter->Driver->Data.HwInitialize(Adapter->Extension);
    PortCallLeave(&call, result);
    if (result && Adapter->PassiveInitialize != NULL) {
        Adapter->Phase = PortPhasePassive;
        PortCallEnter(&call, "HwPassiveInitializeRoutine", 0, 0);
        result = Adapter->PassiveInitialize(Adapter->Extension);
        PortCallLeave(&call, result);
    }
    Adapter->Phase = PortPhaseNone;
    if (!result) {
        PortSay(Adapter, "HwInitialize or its passive routine returned FALSE.", 0);
    }
    return result;
}

static VOID PortCallFreeResources(PPORT_ADAPTER Adapter)
{
    PORT_CALL call;

    PortCallEnter(&call, "HwFreeAdapterResources", 0, 0);
    Adapter->Driver->Data.HwFreeAdapterResources(Adapter->Extension);
    PortCallLeave(&call, 0);
}

/** Others find the adapter by this interface; \\.\ScsiN: and the like are names for it. */
static VOID PortEnableInterface(PPORT_ADAPTER Adapter, BOOLEAN Enable)
{
    if (Enable && Adapter->Interface.Buffer == NULL &&
        !NT_SUCCESS(IoRegisterDeviceInterface(Adapter->Pdo, &PORT_INTERFACE_STORAGEPORT, NULL,
                                              &Adapter->Interface))) {
        Adapter->Interface.Buffer = NULL;
    }
    if (Adapter->Interface.Buffer != NULL) {
        IoSetDeviceInterfaceState(&Adapter->Interface, Enable);
    }
}

/** IRP_MN_START_DEVICE, after the lower devices have started. */
NTSTATUS PortAdapterStart(PPORT_ADAPTER Adapter)
{
    PortSay(Adapter, "", 0);
    Adapter->State = PortStarting;
    PortReadParameters(Adapter);
    PortConfigInitialize(Adapter);
    if (!PortRegistrationAccept(Adapter) || !PortAllocateExtension(Adapter)) {
        Adapter->State = PortAdded;
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!PortCallFindAdapter(Adapter)) {
        PortFreeExtension(Adapter);
        Adapter->State = PortAdded;
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    if (!PortCallInitialize(Adapter)) {
        PortCallFreeResources(Adapter);
        PortObjectsFree(Adapter);
        PortFreeExtension(Adapter);
        Adapter->State = PortAdded;
        return STATUS_ADAPTER_HARDWARE_ERROR;
    }
    PortQueryControlTypes(Adapter);
    PortEnableInterface(Adapter, TRUE);
    Adapter->State = PortRunning;
    PortAdapterResumeIo(Adapter);
    return STATUS_SUCCESS;
}

VOID PortAdapterResumeIo(PPORT_ADAPTER Adapter)
{
    KeClearEvent(&Adapter->Idle);
    Adapter->Rundown = 1;
    PortReleaseAdapter(Adapter, PORT_HOLD_STOPPED);
}

VOID PortAdapterStopIo(PPORT_ADAPTER Adapter)
{
    PortHoldAdapter(Adapter, PORT_HOLD_STOPPED);
    if (InterlockedDecrement(&Adapter->Rundown) != 0) {
        KeWaitForSingleObject(&Adapter->Idle, Executive, KernelMode, FALSE, NULL);
    }
}

/** FLUSH goes to every unit before the adapter stops, if the adapter caches. */
static VOID PortFlushUnits(PPORT_ADAPTER Adapter)
{
    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        PORT_SRB_FIELDS fields = {.Function = SRB_FUNCTION_FLUSH,
                                  .SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE,
                                  .Timeout = PORT_INTERNAL_TIMEOUT};

        if (Adapter->Config.CachesData && unit->Pdo != NULL) {
            PortSendAndWait(unit, &fields, NULL);
        }
    }
}

/** ScsiStopAdapter with everything around it. \irql{PASSIVE_LEVEL} */
NTSTATUS PortStop(PPORT_ADAPTER Adapter)
{
    if (Adapter->State != PortRunning) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    PortFlushUnits(Adapter);
    PortAdapterStopIo(Adapter);
    Adapter->State = PortStopped;
    PortAdapterControl(Adapter, ScsiStopAdapter, NULL);
    return STATUS_SUCCESS;
}

/** ScsiRestartAdapter; a miniport that does not support it is found and initialized again, at
 * DISPATCH_LEVEL. */
NTSTATUS PortRestart(PPORT_ADAPTER Adapter)
{
    BOOLEAN running;
    KIRQL irql;

    if (Adapter->State != PortStopped) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    if (Adapter->AdapterControl[ScsiSetRunningConfig]) {
        PortAdapterControl(Adapter, ScsiSetRunningConfig, NULL);
    }
    if (Adapter->AdapterControl[ScsiRestartAdapter]) {
        running =
            PortAdapterControl(Adapter, ScsiRestartAdapter, NULL) == ScsiAdapterControlSuccess;
        if (!running) {
            PortSay(Adapter, "HwAdapterControl(ScsiRestartAdapter) failed.", 0);
        }
    } else {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        running = PortCallFindAdapter(Adapter) && PortCallInitialize(Adapter);
        KeLowerIrql(irql);
    }
    if (!running) {
        return STATUS_ADAPTER_HARDWARE_ERROR;
    }
    Adapter->State = PortRunning;
    PortAdapterResumeIo(Adapter);
    return STATUS_SUCCESS;
}

static VOID PortCallCompleteServiceIrps(PPORT_ADAPTER Adapter)
{
    PORT_CALL call;

    if (Adapter->Driver->Data.HwCompleteServiceIrp != NULL) {
        PortCallEnter(&call, "HwCompleteServiceIrp", 0, 0);
        Adapter->Driver->Data.HwCompleteServiceIrp(Adapter->Extension);
        PortCallLeave(&call, 0);
    }
}

/** Units of which PnP knows nothing any more, or never did. */
static VOID PortDeleteUnits(PPORT_ADAPTER Adapter)
{
    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        PortUnitGone(unit);
        if (unit->Pdo != NULL) {
            PortUnitDelete(unit);
        }
    }
    KeFlushQueuedDpcs(); /* a DPC of a unit holds its last reference */
}

/** IRP_MN_REMOVE_DEVICE: everything ends, in the order of the documented life cycle. */
VOID PortAdapterRemove(PPORT_ADAPTER Adapter)
{
    PORT_STATE state = Adapter->State;

    Adapter->State = PortRemoved; /* no service IRP, no rescan from here on */
    if (state == PortRunning || state == PortStopped) {
        PortEnableInterface(Adapter, FALSE);
        PortCallCompleteServiceIrps(Adapter);
        if (state == PortRunning) {
            PortFlushUnits(Adapter);
            PortAdapterStopIo(Adapter);
            PortAdapterControl(Adapter, ScsiStopAdapter, NULL);
        }
        KeCancelTimer(&Adapter->TickTimer);
        KeCancelTimer(&Adapter->HwTimer);
        PortHoldTimerCancel(&Adapter->PauseTimer);
        PortHoldTimerCancel(&Adapter->LinkTimer);
        PortDeleteUnits(Adapter);
        PortCallFreeResources(Adapter);
        if (Adapter->ServiceIrps != 0) {
            PORT_VIOLATION(SERVICE_IRP_LEFT, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x3005,
                           Adapter->ServiceIrps, 0, 0,
                           "%d service IRPs are still pending after HwCompleteServiceIrp and "
                           "HwFreeAdapterResources",
                           Adapter->ServiceIrps);
        }
    }
    PortObjectsFree(Adapter);
    PortResetFree(Adapter);
    PortFreeExtension(Adapter);
    if (Adapter->Interface.Buffer != NULL) {
        RtlFreeUnicodeString(&Adapter->Interface);
    }
    if (Adapter->DriverParameter != NULL) {
        ExFreePoolWithTag(Adapter->DriverParameter, PORT_TAG);
    }
    if (PortTheAdapter == Adapter) {
        PortTheAdapter = NULL;
    }
}
