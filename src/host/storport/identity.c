/*
 * Who answers at an address: the INQUIRY data and the VPD pages 00h, 80h and 83h, kept in the unit.
 * A unit that answers with another identity than it had is another device: it departs, and arrives
 * in the scan after that.
 */
#include "storport/internal.h"

#define PORT_INQUIRY_LENGTH   96 /* what is kept */
#define PORT_INQUIRY_IDENTITY 36
#define PORT_VPD_LENGTH       0xFF

/** SRB_STATUS_DATA_OVERRUN with fewer bytes than asked for is an underrun, and good for INQUIRY and
 * MODE SENSE. */
static BOOLEAN PortMoved(UCHAR SrbStatus, ULONG Length, ULONG Asked)
{
    return SRB_STATUS(SrbStatus) == SRB_STATUS_SUCCESS ||
           (SRB_STATUS(SrbStatus) == SRB_STATUS_DATA_OVERRUN && Length <= Asked);
}

/** A data-in command of the scan's. \return SRB status. */
static UCHAR PortScanCommand(PPORT_UNIT Unit, const UCHAR *Cdb, UCHAR CdbLength, PUCHAR Buffer,
                             ULONG *Length)
{
    PUCHAR sense = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(SENSE_DATA), PORT_PRIVATE_TAG);
    PORT_SRB_FIELDS fields = {
        .Function = SRB_FUNCTION_EXECUTE_SCSI,
        .Cdb = Cdb,
        .CdbLength = CdbLength,
        .SrbFlags =
            SRB_FLAGS_DATA_IN | SRB_FLAGS_DISABLE_SYNCH_TRANSFER | SRB_FLAGS_NO_QUEUE_FREEZE,
        .Data = Buffer,
        .DataLength = *Length,
        .Sense = sense,
        .SenseLength = sense != NULL ? sizeof(SENSE_DATA) : 0,
        .Timeout = PORT_INTERNAL_TIMEOUT,
    };
    ULONG asked = *Length;
    UCHAR status;

    RtlZeroMemory(Buffer, *Length);
    status = PortSendAndWait(Unit, &fields, NULL);
    *Length = fields.DataLength;
    if (sense != NULL) {
        ExFreePoolWithTag(sense, PORT_PRIVATE_TAG);
    }
    return PortMoved(status, *Length, asked) ? SRB_STATUS_SUCCESS : status;
}

UCHAR PortInquiry(PPORT_UNIT Unit, UCHAR VpdPage, BOOLEAN Vpd, PUCHAR Buffer, ULONG *Length)
{
    UCHAR cdb[6] = {SCSIOP_INQUIRY, Vpd ? 1 : 0, VpdPage, (UCHAR)(*Length >> 8), (UCHAR)*Length, 0};

    return PortScanCommand(Unit, cdb, sizeof(cdb), Buffer, Length);
}

UCHAR PortReportLuns(PPORT_UNIT Unit, PUCHAR Buffer, ULONG *Length)
{
    UCHAR cdb[12] = {SCSIOP_REPORT_LUNS,
                     0,
                     0,
                     0,
                     0,
                     0,
                     (UCHAR)(*Length >> 24),
                     (UCHAR)(*Length >> 16),
                     (UCHAR)(*Length >> 8),
                     (UCHAR)*Length,
                     0,
                     0};

    return PortScanCommand(Unit, cdb, sizeof(cdb), Buffer, Length);
}

/** Is a page in the list of VPD page 00h? A list that does not start with 00h is not believed. */
static BOOLEAN PortVpdListed(const UCHAR *List, ULONG Length, UCHAR Page)
{
    ULONG count = Length > 4 ? min((ULONG)List[3], Length - 4) : 0;

    if (count == 0 || List[4] != 0) {
        return FALSE;
    }
    for (ULONG i = 0; i < count; i++) {
        if (List[4 + i] == Page) {
            return TRUE;
        }
    }
    return FALSE;
}

/** The unit serial number without the spaces around it. */
static UCHAR PortReadSerial(PPORT_UNIT Unit, PUCHAR Buffer, CHAR *Serial)
{
    ULONG length = PORT_VPD_LENGTH, first = 4, end;

    if (PortInquiry(Unit, VPD_SERIAL_NUMBER, TRUE, Buffer, &length) != SRB_STATUS_SUCCESS ||
        length < 4 || Buffer[1] != VPD_SERIAL_NUMBER) {
        return 0;
    }
    end = 4 + min((ULONG)Buffer[3], length - 4);
    while (first < end && (Buffer[first] == ' ' || Buffer[first] == 0)) {
        first++;
    }
    while (end > first && (Buffer[end - 1] == ' ' || Buffer[end - 1] == 0)) {
        end--;
    }
    end = min(end, first + (ULONG)sizeof(Unit->Serial) - 1);
    RtlCopyMemory(Serial, Buffer + first, end - first);
    return (UCHAR)(end - first);
}

static VOID PortReadDeviceId(PPORT_UNIT Unit, PUCHAR Buffer)
{
    ULONG length = PORT_VPD_LENGTH;

    if (PortInquiry(Unit, VPD_DEVICE_IDENTIFIERS, TRUE, Buffer, &length) == SRB_STATUS_SUCCESS &&
        length > 4 && Buffer[1] == VPD_DEVICE_IDENTIFIERS) {
        RtlCopyMemory(Unit->DeviceId, Buffer, length);
        Unit->DeviceIdLength = (USHORT)length;
    }
}

/** The VPD pages; of a known unit only the serial number, to see whether it is still the same
 * device. */
static BOOLEAN PortReadVpd(PPORT_UNIT Unit, BOOLEAN Known, PUCHAR Buffer)
{
    ULONG length = PORT_VPD_LENGTH;
    CHAR serial[sizeof(Unit->Serial)] = {0};
    UCHAR serialLength = 0;
    BOOLEAN identifiers;

    if (PortInquiry(Unit, VPD_SUPPORTED_PAGES, TRUE, Buffer, &length) != SRB_STATUS_SUCCESS) {
        return TRUE;
    }
    identifiers = PortVpdListed(Buffer, length, VPD_DEVICE_IDENTIFIERS);
    if (PortVpdListed(Buffer, length, VPD_SERIAL_NUMBER)) {
        serialLength = PortReadSerial(Unit, Buffer, serial);
    }
    if (Known) {
        return serialLength == Unit->SerialLength &&
               RtlEqualMemory(serial, Unit->Serial, serialLength);
    }
    RtlCopyMemory(Unit->Serial, serial, sizeof(serial));
    Unit->SerialLength = serialLength;
    if (identifiers) {
        PortReadDeviceId(Unit, Buffer);
    }
    return TRUE;
}

/** Reads the identity. Peripheral qualifier 011b: nobody is there. \return FALSE if nobody answers,
 * or another one than before. \irql{PASSIVE_LEVEL} */
BOOLEAN PortIdentityRead(PPORT_UNIT Unit, BOOLEAN Known)
{
    PUCHAR buffer = ExAllocatePoolWithTag(NonPagedPoolNx, PORT_VPD_LENGTH, PORT_TAG);
    ULONG length = PORT_INQUIRY_LENGTH;
    BOOLEAN same = FALSE;

    if (buffer == NULL) {
        return Known;
    }
    if (PortInquiry(Unit, 0, FALSE, buffer, &length) != SRB_STATUS_SUCCESS ||
        length < PORT_INQUIRY_IDENTITY || buffer[0] >> 5 == DEVICE_QUALIFIER_NOT_SUPPORTED) {
        ExFreePoolWithTag(buffer, PORT_TAG);
        return FALSE;
    }
    if (Known) { /* type, vendor, product; the revision may change */
        same = buffer[0] == Unit->Inquiry[0] && RtlEqualMemory(buffer + 8, Unit->Inquiry + 8, 24);
    } else {
        same = TRUE;
        RtlCopyMemory(Unit->Inquiry, buffer, length);
        Unit->InquiryLength = (UCHAR)length;
    }
    same = same && PortReadVpd(Unit, Known, buffer);
    Unit->Replaced = Known && !same;
    ExFreePoolWithTag(buffer, PORT_TAG);
    return same;
}
