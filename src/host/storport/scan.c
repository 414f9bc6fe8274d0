/*
 * The bus scan, as a Storport developer described it: whenever PnP asks the adapter for its bus
 * relations, for every path and target a REPORT LUNS to LUN 0; where that fails, INQUIRY to LUN 0
 * and, if it answers, to LUNs 1 to 7; and the units of the last scan get an INQUIRY too. Who
 * answers is there. Runs at PASSIVE_LEVEL in the thread of the PnP IRP, one scan at a time; it
 * waits for every command.
 */
#include "storport/internal.h"

#define PORT_PROBE_LUNS         8
#define PORT_LUN_ENTRY          8
#define PORT_REPORT_LUNS_LENGTH (8 + 256 * PORT_LUN_ENTRY)

/** One INQUIRY decides: is somebody there? A unit that answers and was not known gets its PDO with
 * the relations. */
static BOOLEAN PortProbe(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    PPORT_UNIT unit = PortUnitGet(Adapter, Path, Target, Lun, TRUE);
    BOOLEAN known, answers;

    if (unit == NULL) {
        return FALSE;
    }
    if (unit->Scanned) {
        answers = unit->Present;
    } else {
        known = unit->Present;
        answers = PortIdentityRead(unit, known);
        unit->Scanned = TRUE;
        unit->Present = answers;
        if (answers && !known) {
            PortUnitReference(unit); /* that of Present */
        }
        if (known && !answers) {
            PortUnitRelease(unit);
        }
    }
    PortUnitRelease(unit);
    return answers;
}

/** LUN of a REPORT LUNS entry of 8 bytes: peripheral or flat addressing, one byte's worth. \return
 * FALSE for others. */
static BOOLEAN PortLunOfEntry(const UCHAR *Entry, ULONG *Lun)
{
    UCHAR method = Entry[0] >> 6;

    *Lun = method == 1 ? (ULONG)(Entry[0] & 0x3F) << 8 | Entry[1] : Entry[1];
    return method <= 1 && (method == 1 || (Entry[0] & 0x3F) == 0) && *Lun < 256;
}

/** What REPORT LUNS lists. \return FALSE if the command failed. */
static BOOLEAN PortScanList(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, PUCHAR Buffer)
{
    PPORT_UNIT unit = PortUnitGet(Adapter, Path, Target, 0, TRUE);
    ULONG length = PORT_REPORT_LUNS_LENGTH, listed, lun;
    UCHAR status = SRB_STATUS_ERROR;

    if (unit != NULL) {
        status = PortReportLuns(unit, Buffer, &length);
        PortUnitRelease(unit);
    }
    if (SRB_STATUS(status) != SRB_STATUS_SUCCESS || length < 8) {
        return FALSE;
    }
    listed = (ULONG)Buffer[0] << 24 | (ULONG)Buffer[1] << 16 | (ULONG)Buffer[2] << 8 | Buffer[3];
    listed = min(listed, length - 8) / PORT_LUN_ENTRY;
    for (ULONG i = 0; i < listed; i++) {
        if (PortLunOfEntry(Buffer + 8 + i * PORT_LUN_ENTRY, &lun) &&
            lun < Adapter->Config.MaximumNumberOfLogicalUnits) {
            PortProbe(Adapter, Path, Target, (UCHAR)lun);
        }
    }
    return TRUE;
}

static VOID PortScanTarget(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, PUCHAR Buffer)
{
    ULONG luns = min((ULONG)Adapter->Config.MaximumNumberOfLogicalUnits, (ULONG)PORT_PROBE_LUNS);

    if (PortScanList(Adapter, Path, Target, Buffer) || !PortProbe(Adapter, Path, Target, 0)) {
        return;
    }
    for (ULONG lun = 1; lun < luns; lun++) {
        PortProbe(Adapter, Path, Target, (UCHAR)lun);
    }
}

/** Units of the last scan that this one has not met yet. */
static VOID PortScanKnown(PPORT_ADAPTER Adapter)
{
    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        if (unit->Present && !unit->Scanned) {
            PortProbe(Adapter, unit->Path, unit->Target, unit->Lun);
        }
    }
}

VOID PortScan(PPORT_ADAPTER Adapter)
{
    PUCHAR buffer = ExAllocatePoolWithTag(NonPagedPoolNx, PORT_REPORT_LUNS_LENGTH, PORT_TAG);

    if (buffer == NULL) {
        return; /* what is known stays */
    }
    KeWaitForSingleObject(&Adapter->ScanLock, Executive, KernelMode, FALSE, NULL);
    PortTracePnp("scan-begins", 0);
    for (PPORT_UNIT unit = PortUnitNext(Adapter, NULL); unit != NULL;
         unit = PortUnitNext(Adapter, unit)) {
        unit->Scanned =
            unit->Departed; /* one that PnP is removing cannot come back before it is gone */
        unit->Replaced = unit->Departed;
    }
    for (ULONG path = 0; path < Adapter->Config.NumberOfBuses; path++) {
        for (ULONG target = 0; target < Adapter->Config.MaximumNumberOfTargets; target++) {
            PortScanTarget(Adapter, (UCHAR)path, (UCHAR)target, buffer);
        }
    }
    PortScanKnown(Adapter);
    PortTracePnp("scan-ends", 0);
    KeSetEvent(&Adapter->ScanLock, IO_NO_INCREMENT, FALSE);
    ExFreePoolWithTag(buffer, PORT_TAG);
}
