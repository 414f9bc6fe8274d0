/*
 * StorPortExtendedFunction: behind every StorPort inline of storport.h. One table from function
 * code to handler; the codes that a virtual miniport has no use for (DMA, interrupts, PoFx,
 * hardware) answer STOR_STATUS_NOT_IMPLEMENTED, as Storport does for a code that it does not know.
 */
#include "storport/internal.h"

typedef ULONG PORT_EXTENDED(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments);

/* --- memory --- */

static ULONG PortExtAllocatePool(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    ULONG bytes = PortArgument(*Arguments, ULONG);
    ULONG tag = PortArgument(*Arguments, ULONG);
    PVOID *buffer = PortArgument(*Arguments, PVOID *);

    UNREFERENCED_PARAMETER(Adapter);
    *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, tag);
    return *buffer != NULL ? STOR_STATUS_SUCCESS : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

static ULONG PortExtFreePool(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PVOID buffer = PortArgument(*Arguments, PVOID);

    UNREFERENCED_PARAMETER(Adapter);
    if (buffer == NULL) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    ExFreePool(buffer);
    return STOR_STATUS_SUCCESS;
}

static ULONG PortExtAllocateMdl(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PVOID buffer = PortArgument(*Arguments, PVOID);
    ULONG bytes = PortArgument(*Arguments, ULONG);
    PVOID *mdl = PortArgument(*Arguments, PVOID *);

    UNREFERENCED_PARAMETER(Adapter);
    *mdl = IoAllocateMdl(buffer, bytes, FALSE, FALSE, NULL);
    return *mdl != NULL ? STOR_STATUS_SUCCESS : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

static ULONG PortExtFreeMdl(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PMDL mdl = PortArgument(*Arguments, PMDL);

    UNREFERENCED_PARAMETER(Adapter);
    if (mdl == NULL) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    IoFreeMdl(mdl);
    return STOR_STATUS_SUCCESS;
}

static ULONG PortExtBuildMdl(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PMDL mdl = PortArgument(*Arguments, PMDL);

    UNREFERENCED_PARAMETER(Adapter);
    if (mdl == NULL) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    MmBuildMdlForNonPagedPool(mdl);
    return STOR_STATUS_SUCCESS;
}

/* --- an SRB's data --- */

/** Valid until the SRB is completed. */
static ULONG PortExtGetSystemAddress(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSCSI_REQUEST_BLOCK srb = PortArgument(*Arguments, PSCSI_REQUEST_BLOCK);
    PVOID *address = PortArgument(*Arguments, PVOID *);
    PPORT_REQUEST request = PortRequestOf(Adapter, srb);

    if (request->SenderData == NULL || request->SenderLength == 0) {
        *address = NULL;
        return STOR_STATUS_INVALID_PARAMETER;
    }
    return PortRequestMapped(request, address) ? STOR_STATUS_SUCCESS
                                               : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

static ULONG PortExtGetOriginalMdl(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSCSI_REQUEST_BLOCK srb = PortArgument(*Arguments, PSCSI_REQUEST_BLOCK);
    PVOID *mdl = PortArgument(*Arguments, PVOID *);

    *mdl = PortRequestOf(Adapter, srb)->Irp->MdlAddress;
    return *mdl != NULL ? STOR_STATUS_SUCCESS : STOR_STATUS_INVALID_PARAMETER;
}

static ULONG PortExtGetRequestInfo(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSCSI_REQUEST_BLOCK srb = PortArgument(*Arguments, PSCSI_REQUEST_BLOCK);
    PSTOR_REQUEST_INFO info = PortArgument(*Arguments, PSTOR_REQUEST_INFO);
    PPORT_REQUEST request = PortRequestOf(Adapter, srb);

    if (info == NULL) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if (info->Version != STOR_REQUEST_INFO_VER_1 || info->Size < sizeof(*info)) {
        return STOR_STATUS_UNSUPPORTED_VERSION;
    }
    info->PriorityHint = StorIoPriorityNormal;
    info->Flags = REQUEST_INFO_NO_FILE_OBJECT_FLAG;
    info->Key = 0;
    info->Length = request->SenderLength;
    info->IsWriteRequest = (SrbGetSrbFlags(request->Srb) & SRB_FLAGS_DATA_OUT) != 0;
    info->FileName = NULL;
    info->ProcessId = 0;
    return STOR_STATUS_SUCCESS;
}

/** No request here belongs to an ETW activity. */
static ULONG PortExtGetActivityId(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Arguments);
    return STOR_STATUS_UNSUCCESSFUL;
}

/* --- the adapter --- */

static ULONG PortExtCompleteServiceIrp(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PIRP irp = PortArgument(*Arguments, PIRP);

    return irp == NULL                                        ? STOR_STATUS_INVALID_PARAMETER
           : NT_SUCCESS(PortCompleteServiceIrp(Adapter, irp)) ? STOR_STATUS_SUCCESS
                                                              : STOR_STATUS_UNSUCCESSFUL;
}

static ULONG PortExtGetDeviceObjects(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PVOID *fdo = PortArgument(*Arguments, PVOID *);
    PVOID *pdo = PortArgument(*Arguments, PVOID *);
    PVOID *lower = PortArgument(*Arguments, PVOID *);

    *fdo = Adapter->Common.Self;
    *pdo = Adapter->Pdo;
    *lower = Adapter->Lower;
    return STOR_STATUS_SUCCESS;
}

static ULONG PortExtGetPortNumber(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSTOR_ADDRESS address = PortArgument(*Arguments, PSTOR_ADDRESS);

    if (address == NULL || address->Type != STOR_ADDRESS_TYPE_BTL8) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    address->Port = (USHORT)Adapter->Number;
    return STOR_STATUS_SUCCESS;
}

static ULONG PortExtSetBusType(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    ULONG busType = PortArgument(*Arguments, ULONG);

    if (Adapter->Phase != PortPhaseFindAdapter) {
        return STOR_STATUS_INVALID_DEVICE_STATE;
    }
    if (busType > 0x7F) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    Adapter->BusType = busType;
    return STOR_STATUS_SUCCESS;
}

static ULONG PortExtUpdateMaxIo(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    ULONG count = PortArgument(*Arguments, ULONG);

    if (Adapter->Phase != PortPhaseInitialize && Adapter->Phase != PortPhasePassive) {
        return STOR_STATUS_INVALID_DEVICE_REQUEST;
    }
    if (count == 0) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    Adapter->Config.MaxNumberOfIO = count;
    Adapter->Config.MaxIOsPerLun = min(Adapter->Config.MaxIOsPerLun, count);
    return STOR_STATUS_SUCCESS;
}

/** The features are those of control types that this Storport asks for anyway. */
static ULONG PortExtSetFeatureList(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    ULONG count = PortArgument(*Arguments, ULONG);
    STORPORT_FEATURE_TYPE *list = PortArgument(*Arguments, STORPORT_FEATURE_TYPE *);

    if (Adapter->Phase != PortPhaseFindAdapter) {
        return STOR_STATUS_INVALID_DEVICE_STATE;
    }
    for (ULONG i = 0; i < count; i++) {
        if (list == NULL || (ULONG)list[i] >= StorportFeatureMax) {
            return STOR_STATUS_INVALID_PARAMETER;
        }
    }
    return STOR_STATUS_SUCCESS;
}

static ULONG PortExtSetUnitAttributes(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSTOR_ADDR_BTL8 address = PortArgument(*Arguments, PSTOR_ADDR_BTL8);
    union {
        ULONG Value;
        STOR_UNIT_ATTRIBUTES Attributes;
    } given = {.Value = PortArgument(*Arguments, ULONG)};
    PPORT_UNIT unit;

    if (address == NULL || given.Attributes.Reserved != 0) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    unit = PortUnitGet(Adapter, address->Path, address->Target, address->Lun, FALSE);
    if (unit == NULL) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    unit->Attributes = given.Attributes;
    PortUnitRelease(unit);
    return STOR_STATUS_SUCCESS;
}

/* --- work items, timers, locks --- */

static ULONG PortExtInitializeWorker(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    return PortWorkerInitialize(Adapter, PortArgument(*Arguments, PVOID *));
}

static ULONG PortExtQueueWorkItem(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PHW_WORKITEM routine = PortArgument(*Arguments, PHW_WORKITEM);
    PVOID worker = PortArgument(*Arguments, PVOID);
    PVOID context = PortArgument(*Arguments, PVOID);

    return PortWorkerQueue(Adapter, routine, worker, context);
}

static ULONG PortExtFreeWorker(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    return PortWorkerFree(Adapter, PortArgument(*Arguments, PVOID));
}

static ULONG PortExtInitializeTimer(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    return PortTimerInitialize(Adapter, PortArgument(*Arguments, PVOID *));
}

static ULONG PortExtRequestTimer(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PVOID timer = PortArgument(*Arguments, PVOID);
    PHW_TIMER_EX routine = PortArgument(*Arguments, PHW_TIMER_EX);
    PVOID context = PortArgument(*Arguments, PVOID);
    ULONGLONG microseconds = PortArgument(*Arguments, ULONGLONG);

    return PortTimerRequest(Adapter, timer, routine, context, microseconds);
}

static ULONG PortExtFreeTimer(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    return PortTimerFree(Adapter, PortArgument(*Arguments, PVOID));
}

static ULONG PortExtAcquireLock(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    STOR_SPINLOCK kind = PortArgument(*Arguments, STOR_SPINLOCK);
    PVOID context = PortArgument(*Arguments, PVOID);
    PSTOR_LOCK_HANDLE handle = PortArgument(*Arguments, PSTOR_LOCK_HANDLE);

    PortAcquireLock(Adapter, kind, context, handle);
    return STOR_STATUS_SUCCESS;
}

/* --- time --- */

static ULONG PortExtPerformanceCounter(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PLARGE_INTEGER frequency = PortArgument(*Arguments, PLARGE_INTEGER);
    PLARGE_INTEGER counter = PortArgument(*Arguments, PLARGE_INTEGER);

    UNREFERENCED_PARAMETER(Adapter);
    if (frequency != NULL) {
        frequency->QuadPart = 10000000;
    }
    counter->QuadPart = (LONGLONG)KeQueryInterruptTime();
    return STOR_STATUS_SUCCESS;
}

static ULONG PortExtDelay(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    ULONG microseconds = PortArgument(*Arguments, ULONG);
    LARGE_INTEGER interval;

    UNREFERENCED_PARAMETER(Adapter);
    if (KeGetCurrentIrql() >= DISPATCH_LEVEL) {
        PortStall(microseconds);
    } else {
        interval.QuadPart = -(LONGLONG)microseconds * 10;
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    }
    return STOR_STATUS_SUCCESS;
}

/* --- ETW and the event log --- */

/** Storport's ETW channel: the recorder. Names and values of the parameters come in pairs; the
 * first value is kept. */
static ULONG PortExtEtw(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSTOR_ADDRESS address = PortArgument(*Arguments, PSTOR_ADDRESS);
    ULONG id = PortArgument(*Arguments, ULONG);
    PWSTR text = PortArgument(*Arguments, PWSTR);
    ULONGLONG keywords = PortArgument(*Arguments, ULONGLONG);
    ULONG level = PortArgument(*Arguments, ULONG);
    ULONG opcode = PortArgument(*Arguments, ULONG);
    PSCSI_REQUEST_BLOCK srb = PortArgument(*Arguments, PSCSI_REQUEST_BLOCK);
    PWSTR name = PortArgument(*Arguments, PWSTR);
    ULONGLONG value = PortArgument(*Arguments, ULONGLONG);

    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(address);
    UNREFERENCED_PARAMETER(keywords);
    UNREFERENCED_PARAMETER(opcode);
    UNREFERENCED_PARAMETER(srb);
    UNREFERENCED_PARAMETER(name);
    if (text == NULL) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    PortTraceEtw(text, id, level, name != NULL ? value : 0);
    return STOR_STATUS_SUCCESS;
}

/** The system's event log is the recorder too: event and error code. */
static ULONG PortExtLogSystemEvent(PPORT_ADAPTER Adapter, PORT_ARGUMENTS *Arguments)
{
    PSTOR_LOG_EVENT_DETAILS details = PortArgument(*Arguments, PSTOR_LOG_EVENT_DETAILS);
    PULONG maximum = PortArgument(*Arguments, PULONG);

    UNREFERENCED_PARAMETER(Adapter);
    if (details == NULL || details->InterfaceRevision != STOR_CURRENT_LOG_INTERFACE_REVISION ||
        details->Size < sizeof(*details)) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if (maximum != NULL) {
        *maximum = 150;
    }
    PortTraceEtw(u"event log", details->ErrorCode, StorportEtwLevelError, details->UniqueId);
    return STOR_STATUS_SUCCESS;
}

static PORT_EXTENDED *const PortExtended[] = {
    [ExtFunctionAllocatePool] = PortExtAllocatePool,
    [ExtFunctionFreePool] = PortExtFreePool,
    [ExtFunctionAllocateMdl] = PortExtAllocateMdl,
    [ExtFunctionFreeMdl] = PortExtFreeMdl,
    [ExtFunctionBuildMdlForNonPagedPool] = PortExtBuildMdl,
    [ExtFunctionGetSystemAddress] = PortExtGetSystemAddress,
    [ExtFunctionGetOriginalMdl] = PortExtGetOriginalMdl,
    [ExtFunctionCompleteServiceIrp] = PortExtCompleteServiceIrp,
    [ExtFunctionGetDeviceObjects] = PortExtGetDeviceObjects,
    [ExtFunctionLogSystemEvent] = PortExtLogSystemEvent,
    [ExtFunctionGetRequestInfo] = PortExtGetRequestInfo,
    [ExtFunctionInitializeWorker] = PortExtInitializeWorker,
    [ExtFunctionQueueWorkItem] = PortExtQueueWorkItem,
    [ExtFunctionFreeWorker] = PortExtFreeWorker,
    [ExtFunctionInitializeTimer] = PortExtInitializeTimer,
    [ExtFunctionRequestTimer] = PortExtRequestTimer,
    [ExtFunctionFreeTimer] = PortExtFreeTimer,
    [ExtFunctionGetActivityId] = PortExtGetActivityId,
    [ExtFunctionGetSystemPortNumber] = PortExtGetPortNumber,
    [ExtFunctionSetUnitAttributes] = PortExtSetUnitAttributes,
    [ExtFunctionQueryPerformanceCounter] = PortExtPerformanceCounter,
    [ExtFunctionMiniportEtwEvent2] = PortExtEtw,
    [ExtFunctionMiniportEtwEvent4] = PortExtEtw,
    [ExtFunctionMiniportEtwEvent8] = PortExtEtw,
    [ExtFunctionSetAdapterBusType] = PortExtSetBusType,
    [ExtFunctionUpdateAdapterMaxIO] = PortExtUpdateMaxIo,
    [ExtFunctionDelayExecution] = PortExtDelay,
    [ExtFunctionAcquireSpinLock] = PortExtAcquireLock,
    [ExtFunctionSetFeatureList] = PortExtSetFeatureList,
};

/** \irql{by function; <= DISPATCH_LEVEL} (WDK: StorPortExtendedFunction) */
ULONG NTAPI StorPortExtendedFunction(STORPORT_FUNCTION_CODE FunctionCode, PVOID HwDeviceExtension,
                                     ...)
{
    PORT_ROUTINE(DISPATCH_LEVEL);
    PPORT_ADAPTER adapter = PortAdapterOf(HwDeviceExtension);
    ULONG status = STOR_STATUS_NOT_IMPLEMENTED;
    PORT_ARGUMENTS arguments;

    PortArgumentsBegin(arguments, HwDeviceExtension);
    if ((ULONG)FunctionCode < RTL_NUMBER_OF(PortExtended) && PortExtended[FunctionCode] != NULL) {
        status = PortExtended[FunctionCode](adapter, &arguments);
    }
    PortArgumentsEnd(arguments);
    return status;
}
