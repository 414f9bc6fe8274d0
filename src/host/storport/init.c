/*
 * StorPortInitialize: what a miniport's DriverEntry calls, and all that it has to. It keeps the
 * registration in the driver object's extension and fills the driver object's entry points with the
 * port's. Both forms of the registration are accepted; the older one is the first B0h bytes of the
 * newer.
 */
#include "storport/internal.h"

PORT_OPTIONS PortOptions;
PPORT_ADAPTER PortTheAdapter;

/** The address is the key under which the driver extension is kept. */
static ULONG PortDriverKey;

PPORT_DRIVER PortDriverOf(PDRIVER_OBJECT DriverObject)
{
    return IoGetDriverObjectExtension(DriverObject, &PortDriverKey);
}

PPORT_ADAPTER PortAdapterOf(PVOID HwDeviceExtension)
{
    PPORT_EXTENSION_HEADER header = NULL;

    /* One that is not aligned cannot be ours, and its header could not be read. */
    if (HwDeviceExtension != NULL &&
        (ULONG_PTR)HwDeviceExtension % MEMORY_ALLOCATION_ALIGNMENT == 0) {
        header = (PPORT_EXTENSION_HEADER)HwDeviceExtension - 1;
    }
    if (header == NULL || header->Signature != PORT_EXTENSION_SIGNATURE) {
        PORT_VIOLATION(EXTENSION_BAD, SCSI_VERIFIER_DETECTED_VIOLATION, 0x3004, 0, 0, 0,
                       "a StorPort routine was called with a pointer that is not the adapter's "
                       "device extension");
    }
    return header->Adapter;
}

VOID PortSay(PPORT_ADAPTER Adapter, PCSTR Text, ULONG Value)
{
    SIZE_T used = 0;

    for (; *Text != '\0' && used < sizeof(Adapter->Reason) - 12; Text++) {
        CHAR digits[10];
        ULONG count = 0, left = Value;

        if (*Text != '#') {
            Adapter->Reason[used++] = *Text;
            continue;
        }
        do {
            digits[count++] = (CHAR)('0' + left % 10);
            left /= 10;
        } while (left != 0);
        while (count != 0) {
            Adapter->Reason[used++] = digits[--count];
        }
    }
    Adapter->Reason[used] = '\0';
}

/** Widens the registration to the newest form. */
static NTSTATUS PortCopyRegistration(PPORT_DRIVER Driver, PHW_INITIALIZATION_DATA Data)
{
    switch (Data->HwInitializationDataSize) {
    case sizeof(
        VIRTUAL_HW_INITIALIZATION_DATA): /* always of a virtual miniport, and legacy SRBs only */
        RtlCopyMemory(&Driver->Data, Data, sizeof(VIRTUAL_HW_INITIALIZATION_DATA));
        Driver->Data.FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT;
        Driver->Data.SrbTypeFlags = SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK;
        Driver->Data.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
        Driver->OldForm = TRUE;
        return STATUS_SUCCESS;
    case sizeof(HW_INITIALIZATION_DATA):
        RtlCopyMemory(&Driver->Data, Data, sizeof(HW_INITIALIZATION_DATA));
        return STATUS_SUCCESS;
    default:
        return STATUS_REVISION_MISMATCH;
    }
}

static NTSTATUS PortCopyPath(PPORT_DRIVER Driver, PUNICODE_STRING Path)
{
    Driver->RegistryPath.Buffer =
        ExAllocatePoolWithTag(NonPagedPoolNx, Path->Length + sizeof(WCHAR), PORT_TAG);
    if (Driver->RegistryPath.Buffer == NULL) {
        return STATUS_NO_MEMORY;
    }
    RtlCopyMemory(Driver->RegistryPath.Buffer, Path->Buffer, Path->Length);
    Driver->RegistryPath.Buffer[Path->Length / sizeof(WCHAR)] = 0;
    Driver->RegistryPath.Length = Path->Length;
    Driver->RegistryPath.MaximumLength = (USHORT)(Path->Length + sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/** When a miniport is told to set its tracing up and to clean up after it is not documented: here
 * at the end of StorPortInitialize and in the driver's Unload. */
static BOOLEAN PortTraces(PPORT_DRIVER Driver)
{
    return (Driver->Data.PortVersionFlags & SP_VER_TRACE_SUPPORT) != 0;
}

/** The driver's Unload, unless the miniport wraps it. \irql{PASSIVE_LEVEL} */
static VOID NTAPI PortUnload(PDRIVER_OBJECT DriverObject)
{
    PPORT_DRIVER driver = PortDriverOf(DriverObject);
    PORT_CALL call;

    if (PortTraces(driver) && driver->Data.HwCleanupTracing != NULL) {
        PortCallEnter(&call, "HwCleanupTracing", 0, 0);
        driver->Data.HwCleanupTracing(DriverObject);
        PortCallLeave(&call, 0);
    }
    ExFreePoolWithTag(driver->RegistryPath.Buffer, PORT_TAG);
    driver->RegistryPath.Buffer = NULL;
}

static VOID PortFillDriverObject(PDRIVER_OBJECT DriverObject)
{
    DriverObject->DriverExtension->AddDevice = PortAddDevice;
    DriverObject->DriverUnload = PortUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PortDispatchOpen;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PortDispatchOpen;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = PortDispatchOpen;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PortDispatchControl;
    DriverObject->MajorFunction[IRP_MJ_SCSI] = PortDispatchScsi;
    DriverObject->MajorFunction[IRP_MJ_PNP] = PortDispatchPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = PortDispatchPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = PortDispatchSystemControl;
}

/** \irql{PASSIVE_LEVEL} (WDK: StorPortInitialize) */
ULONG NTAPI StorPortInitialize(PVOID Argument1, PVOID Argument2,
                               PHW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext)
{
    PORT_DRIVER registration = {0};
    PPORT_DRIVER driver;
    PORT_CALL call;
    NTSTATUS status;

    PORT_ROUTINE(PASSIVE_LEVEL);
    UNREFERENCED_PARAMETER(HwContext); /* of ScsiPort's days: PnP tells what there is */
    if (Argument1 == NULL || Argument2 == NULL || HwInitializationData == NULL) {
        return (ULONG)STATUS_INVALID_PARAMETER;
    }
    status = PortCopyRegistration(&registration, HwInitializationData);
    if (!NT_SUCCESS(status)) {
        return (ULONG)status;
    }
    status = IoAllocateDriverObjectExtension(Argument1, &PortDriverKey, sizeof(*driver),
                                             (PVOID *)&driver);
    if (!NT_SUCCESS(status)) {
        return (ULONG)status; /* one adapter type per driver here: a second call collides */
    }
    *driver = registration;
    status = PortCopyPath(driver, Argument2);
    if (!NT_SUCCESS(status)) {
        return (ULONG)status;
    }
    PortFillDriverObject(Argument1);
    if (PortTraces(driver) && driver->Data.HwInitializeTracing != NULL) {
        PortCallEnter(&call, "HwInitializeTracing", 0, 0);
        driver->Data.HwInitializeTracing(Argument1, Argument2);
        PortCallLeave(&call, 0);
    }
    return (ULONG)STATUS_SUCCESS;
}
