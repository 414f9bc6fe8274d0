/*
 * The identifiers of an LU PDO, as the page on SCSI devices gives them: SCSI\<type>v(8)p(16)r(4)
 * and its shorter forms, the compatible GenDisk or GenCdRom. Spaces, commas and what cannot be
 * printed become '_'.
 */
#include "storport/internal.h"

#define PORT_ID_CHARS 512

static const struct {
    PCSTR Name, Generic;
} PortTypes[] = {
    {"Disk", "GenDisk"},       {"Sequential", "GenSequential"},
    {"Printer", "GenPrinter"}, {"Processor", "GenProcessor"},
    {"Worm", "GenWorm"},       {"CdRom", "GenCdRom"},
    {"Scanner", "GenScanner"}, {"Optical", "GenOptical"},
    {"Changer", "GenChanger"}, {"Net", "GenNet"},
};

/** Text that grows; what does not fit is cut. */
typedef struct _PORT_TEXT {
    PWCHAR Buffer;
    ULONG Used;
} PORT_TEXT, *PPORT_TEXT;

static VOID PortPut(PPORT_TEXT Text, WCHAR Character)
{
    if (Text->Used + 2 < PORT_ID_CHARS) {
        Text->Buffer[Text->Used++] = Character;
    }
}

static VOID PortPutText(PPORT_TEXT Text, PCSTR String)
{
    for (; *String != '\0'; String++) {
        PortPut(Text, (WCHAR)*String);
    }
}

static VOID PortPutInquiry(PPORT_TEXT Text, const UCHAR *Bytes, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        PortPut(Text, Bytes[i] <= ' ' || Bytes[i] >= 0x7F || Bytes[i] == ',' ? '_' : Bytes[i]);
    }
}

static VOID PortPutNumber(PPORT_TEXT Text, UCHAR Number)
{
    static const CHAR digits[] = "0123456789abcdef";

    PortPut(Text, (WCHAR)digits[Number >> 4]);
    PortPut(Text, (WCHAR)digits[Number & 15]);
}

static PCSTR PortTypeName(PPORT_UNIT Unit, BOOLEAN Generic)
{
    ULONG type = Unit->Inquiry[0] & 0x1F;

    if (type == 13) {
        return Generic ? "GenEnclosure" : "Enclosure";
    }
    if (type >= RTL_NUMBER_OF(PortTypes)) {
        return Generic ? "ScsiOther" : "Other";
    }
    return Generic ? PortTypes[type].Generic : PortTypes[type].Name;
}

/** SCSI\<type><vendor 8><product 16><revision 4>, as many parts as `Parts` says. */
static VOID PortPutDeviceId(PPORT_TEXT Text, PPORT_UNIT Unit, ULONG Product, ULONG Revision)
{
    PortPutText(Text, "SCSI\\");
    PortPutText(Text, PortTypeName(Unit, FALSE));
    PortPutInquiry(Text, Unit->Inquiry + 8, 8);
    PortPutInquiry(Text, Unit->Inquiry + 16, Product);
    PortPutInquiry(Text, Unit->Inquiry + 32, Revision);
    PortPut(Text, 0);
}

static VOID PortPutHardwareIds(PPORT_TEXT Text, PPORT_UNIT Unit)
{
    PortPutDeviceId(Text, Unit, 16, 4);
    PortPutDeviceId(Text, Unit, 16, 0);
    PortPutDeviceId(Text, Unit, 0, 0);
    PortPutText(Text, "SCSI\\");
    PortPutInquiry(Text, Unit->Inquiry + 8, 24);
    PortPutInquiry(Text, Unit->Inquiry + 32, 1);
    PortPut(Text, 0);
    PortPutInquiry(Text, Unit->Inquiry + 8, 24);
    PortPutInquiry(Text, Unit->Inquiry + 32, 1);
    PortPut(Text, 0);
    PortPutText(Text, PortTypeName(Unit, TRUE));
    PortPut(Text, 0);
}

/** Path, target and LUN: unique below the adapter. */
static VOID PortPutInstance(PPORT_TEXT Text, PPORT_UNIT Unit)
{
    PortPutNumber(Text, Unit->Path);
    PortPutNumber(Text, Unit->Target);
    PortPutNumber(Text, Unit->Lun);
}

/** \return the text in paged pool that the caller frees; STATUS_NOT_SUPPORTED for kinds that there
 * are not. */
NTSTATUS PortQueryId(PPORT_UNIT Unit, BUS_QUERY_ID_TYPE Type, PWCHAR *Text)
{
    PORT_TEXT text = {0};

    if (Type != BusQueryDeviceID && Type != BusQueryHardwareIDs && Type != BusQueryCompatibleIDs &&
        Type != BusQueryInstanceID) {
        return STATUS_NOT_SUPPORTED;
    }
    text.Buffer = ExAllocatePoolWithTag(PagedPool, PORT_ID_CHARS * sizeof(WCHAR), PORT_TAG);
    if (text.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(text.Buffer, PORT_ID_CHARS * sizeof(WCHAR));
    switch (Type) {
    case BusQueryHardwareIDs:
        PortPutHardwareIds(&text, Unit);
        break;
    case BusQueryCompatibleIDs:
        PortPutText(&text, "SCSI\\");
        PortPutText(&text, PortTypeName(Unit, FALSE));
        PortPut(&text, 0);
        PortPutText(&text, "SCSI\\RAW");
        break;
    case BusQueryInstanceID:
        PortPutInstance(&text, Unit);
        break;
    default:
        PortPutDeviceId(&text, Unit, 16, 4);
    }
    *Text = text.Buffer;
    return STATUS_SUCCESS;
}
