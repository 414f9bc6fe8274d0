/*
 * IOCTL_STORAGE_QUERY_PROPERTY: the adapter, device and miniport descriptors, each made whole and
 * then cut to the caller's buffer: a caller first asks for the header alone, to learn the size.
 */
#include "storport/internal.h"

/** Room for the largest descriptor: a device's, with INQUIRY data and strings. */
typedef union _PORT_DESCRIPTOR {
    STORAGE_DESCRIPTOR_HEADER Header;
    STORAGE_ADAPTER_DESCRIPTOR Adapter;
    STORAGE_DEVICE_DESCRIPTOR Device;
    STORAGE_MINIPORT_DESCRIPTOR Miniport;
    UCHAR Bytes[512];
} PORT_DESCRIPTOR, *PPORT_DESCRIPTOR;

static VOID PortDescribeAdapter(PPORT_ADAPTER Adapter, PPORT_DESCRIPTOR Descriptor)
{
    PSTORAGE_ADAPTER_DESCRIPTOR adapter = &Descriptor->Adapter;

    adapter->Version = sizeof(*adapter);
    adapter->Size = sizeof(*adapter);
    adapter->MaximumTransferLength = Adapter->Config.MaximumTransferLength;
    adapter->MaximumPhysicalPages = Adapter->Config.NumberOfPhysicalBreaks;
    adapter->AlignmentMask = Adapter->Config.AlignmentMask;
    adapter->AdapterScansDown = Adapter->Config.AdapterScansDown;
    adapter->CommandQueueing = Adapter->Config.TaggedQueuing;
    adapter->AcceleratedTransfer = TRUE;
    adapter->BusType = (UCHAR)Adapter->BusType;
    adapter->BusMajorVersion = 2;
    adapter->SrbType = Adapter->Config.SrbType;
    adapter->AddressType = Adapter->Config.AddressType;
}

/** Appends a string of INQUIRY data, NUL-terminated. \return its offset; 0 if it is empty. */
static ULONG PortAppend(PPORT_DESCRIPTOR Descriptor, const VOID *Text, ULONG Length)
{
    ULONG offset = Descriptor->Header.Size;

    if (Length == 0) {
        return 0;
    }
    RtlCopyMemory(Descriptor->Bytes + offset, Text, Length);
    Descriptor->Header.Size += Length + 1;
    return offset;
}

static VOID PortDescribeDevice(PPORT_UNIT Unit, PPORT_DESCRIPTOR Descriptor)
{
    PSTORAGE_DEVICE_DESCRIPTOR device = &Descriptor->Device;

    device->Version = sizeof(*device);
    device->Size = FIELD_OFFSET(STORAGE_DEVICE_DESCRIPTOR, RawDeviceProperties);
    device->DeviceType = Unit->Inquiry[0] & 0x1F;
    device->RemovableMedia = (Unit->Inquiry[1] & 0x80) != 0;
    device->CommandQueueing = (Unit->Inquiry[7] & 0x02) != 0;
    device->BusType = (STORAGE_BUS_TYPE)Unit->Adapter->BusType;
    device->RawPropertiesLength = Unit->InquiryLength;
    PortAppend(Descriptor, Unit->Inquiry, Unit->InquiryLength);
    device->VendorIdOffset = PortAppend(Descriptor, Unit->Inquiry + 8, 8);
    device->ProductIdOffset = PortAppend(Descriptor, Unit->Inquiry + 16, 16);
    device->ProductRevisionOffset = PortAppend(Descriptor, Unit->Inquiry + 32, 4);
    device->SerialNumberOffset = PortAppend(Descriptor, Unit->Serial, Unit->SerialLength);
}

static VOID PortDescribeMiniport(PPORT_DESCRIPTOR Descriptor)
{
    PSTORAGE_MINIPORT_DESCRIPTOR miniport = &Descriptor->Miniport;

    miniport->Version = sizeof(*miniport);
    miniport->Size = sizeof(*miniport);
    miniport->Portdriver = StoragePortCodeSetStorport;
    miniport->LUNResetSupported = TRUE;
    miniport->TargetResetSupported = TRUE;
}

static NTSTATUS PortDescribe(PPORT_ADAPTER Adapter, PPORT_UNIT Unit, STORAGE_PROPERTY_ID Id,
                             PPORT_DESCRIPTOR Descriptor)
{
    switch (Id) {
    case StorageAdapterProperty:
        PortDescribeAdapter(Adapter, Descriptor);
        return STATUS_SUCCESS;
    case StorageMiniportProperty:
        PortDescribeMiniport(Descriptor);
        return STATUS_SUCCESS;
    case StorageDeviceProperty:
        if (Unit == NULL) {
            return STATUS_INVALID_PARAMETER;
        }
        PortDescribeDevice(Unit, Descriptor);
        return STATUS_SUCCESS;
    default:
        return STATUS_NOT_SUPPORTED;
    }
}

NTSTATUS PortQueryProperty(PPORT_ADAPTER Adapter, PPORT_UNIT Unit, PVOID Buffer, ULONG InputLength,
                           ULONG OutputLength, PULONG_PTR Information)
{
    PSTORAGE_PROPERTY_QUERY query = Buffer;
    PORT_DESCRIPTOR descriptor = {0};
    STORAGE_QUERY_TYPE type;
    NTSTATUS status;

    if (InputLength < (ULONG)FIELD_OFFSET(STORAGE_PROPERTY_QUERY, AdditionalParameters)) {
        return STATUS_INVALID_PARAMETER;
    }
    type = query->QueryType;
    if (type != PropertyStandardQuery && type != PropertyExistsQuery) {
        return STATUS_NOT_SUPPORTED;
    }
    status = PortDescribe(Adapter, Unit, query->PropertyId, &descriptor);
    if (!NT_SUCCESS(status) || type == PropertyExistsQuery) {
        return status;
    }
    if (OutputLength < sizeof(STORAGE_DESCRIPTOR_HEADER)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    *Information = min(OutputLength, descriptor.Header.Size);
    RtlCopyMemory(Buffer, &descriptor, *Information);
    return STATUS_SUCCESS;
}
