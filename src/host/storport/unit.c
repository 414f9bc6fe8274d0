/*
 * Logical units by address. A unit exists as soon as somebody sends something to its address (the
 * scan sends REPORT LUNS and INQUIRY to addresses where nothing may be), so that the miniport finds
 * its LU extension there from the first command on; it lives until the last reference is gone.
 * Finding one costs the same however many there are.
 */
#include "storport/internal.h"

static ULONG PortBucket(UCHAR Path, UCHAR Target, UCHAR Lun)
{
    return (Path * 31u + Target * 7u + Lun) % PORT_BUCKETS;
}

static PPORT_UNIT PortUnitFind(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    PPORT_UNIT unit = Adapter->Buckets[PortBucket(Path, Target, Lun)];

    while (unit != NULL && (unit->Path != Path || unit->Target != Target || unit->Lun != Lun)) {
        unit = unit->NextInBucket;
    }
    return unit;
}

/** MaxIOsPerLun and the SRB form bound what InitialLunQueueDepth asks for. */
static ULONG PortInitialDepth(PPORT_ADAPTER Adapter)
{
    ULONG depth = min(Adapter->Config.InitialLunQueueDepth, Adapter->Config.MaxIOsPerLun);

    return depth == 0 ? 1 : depth;
}

static PPORT_UNIT PortUnitAllocate(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    ULONG extensionSize = Adapter->Config.SpecificLuExtensionSize;
    PPORT_UNIT unit = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*unit), PORT_PRIVATE_TAG);

    if (unit == NULL) {
        return NULL;
    }
    RtlZeroMemory(unit, sizeof(*unit));
    if (extensionSize != 0) {
        unit->Extension = ExAllocatePoolWithTag(NonPagedPoolNx, extensionSize, PORT_EXTENSION_TAG);
        if (unit->Extension == NULL) {
            ExFreePoolWithTag(unit, PORT_PRIVATE_TAG);
            return NULL;
        }
        RtlZeroMemory(unit->Extension, extensionSize);
    }
    unit->References = 1;
    unit->Adapter = Adapter;
    unit->Path = Path;
    unit->Target = Target;
    unit->Lun = Lun;
    unit->QueueDepth = PortInitialDepth(Adapter);
    KeInitializeSpinLock(&unit->Lock);
    InitializeListHead(&unit->Queue);
    InitializeListHead(&unit->Outstanding);
    KeInitializeDpc(&unit->StartDpc, PortUnitStartDpc, unit);
    PortHoldTimerInitialize(&unit->RetryTimer, Adapter, unit, PORT_HOLD_RETRY);
    PortHoldTimerInitialize(&unit->PauseTimer, Adapter, unit, PORT_HOLD_PAUSED);
    return unit;
}

static VOID PortUnitFree(PPORT_UNIT Unit)
{
    while (Unit->FreeRequests != NULL) {
        PPORT_REQUEST request = Unit->FreeRequests;

        Unit->FreeRequests = request->NextFree;
        ExFreePoolWithTag(request, PORT_PRIVATE_TAG);
    }
    if (Unit->Extension != NULL) {
        ExFreePoolWithTag(Unit->Extension, PORT_EXTENSION_TAG);
    }
    ExFreePoolWithTag(Unit, PORT_PRIVATE_TAG);
}

/** Its address no longer leads to it. \locks{Adapter->Lock held} */
static VOID PortUnitUnhash(PPORT_UNIT Unit)
{
    PPORT_UNIT *link = &Unit->Adapter->Buckets[PortBucket(Unit->Path, Unit->Target, Unit->Lun)];

    while (*link != NULL && *link != Unit) {
        link = &(*link)->NextInBucket;
    }
    if (*link == Unit) {
        *link = Unit->NextInBucket;
    }
}

VOID PortUnitReference(PPORT_UNIT Unit)
{
    InterlockedIncrement(&Unit->References);
}

/** The table itself holds no reference: a unit that nobody refers to is gone. A count of zero is
 * final, because it is only raised from above zero or under the lock. */
VOID PortUnitRelease(PPORT_UNIT Unit)
{
    PPORT_ADAPTER adapter = Unit->Adapter;
    LONG references = ReadNoFence(&Unit->References);
    KIRQL irql;

    while (references > 1) {
        LONG seen = InterlockedCompareExchange(&Unit->References, references - 1, references);

        if (seen == references) {
            return;
        }
        references = seen;
    }
    KeAcquireSpinLock(&adapter->Lock, &irql);
    if (InterlockedDecrement(&Unit->References) != 0) {
        KeReleaseSpinLock(&adapter->Lock, irql);
        return;
    }
    PortUnitUnhash(Unit);
    RemoveEntryList(&Unit->Link);
    KeReleaseSpinLock(&adapter->Lock, irql);
    PortUnitFree(Unit);
}

/** Its PDO, referenced, or NULL. \locks{Adapter->Lock held} */
static PDEVICE_OBJECT PortUnitTakePdo(PPORT_UNIT Unit)
{
    if (Unit->Pdo != NULL) {
        ObReferenceObject(Unit->Pdo);
    }
    return Unit->Pdo;
}

/** Enters a unit that is new. \locks{Adapter->Lock held} */
static VOID PortUnitHash(PPORT_UNIT Unit)
{
    PPORT_UNIT *bucket = &Unit->Adapter->Buckets[PortBucket(Unit->Path, Unit->Target, Unit->Lun)];

    Unit->NextInBucket = *bucket;
    *bucket = Unit;
    InsertTailList(&Unit->Adapter->Units, &Unit->Link);
}

PPORT_UNIT PortUnitGetWithPdo(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun,
                              BOOLEAN Create, PDEVICE_OBJECT *Pdo)
{
    PPORT_UNIT unit, fresh = NULL;
    KIRQL irql;

    for (;;) {
        KeAcquireSpinLock(&Adapter->Lock, &irql);
        unit = PortUnitFind(Adapter, Path, Target, Lun);
        if (unit != NULL) {
            InterlockedIncrement(&unit->References);
        } else if (fresh != NULL) {
            unit = fresh;
            fresh = NULL;
            PortUnitHash(unit);
        }
        if (Pdo != NULL) {
            *Pdo = unit != NULL ? PortUnitTakePdo(unit) : NULL;
        }
        KeReleaseSpinLock(&Adapter->Lock, irql);
        if (unit != NULL || !Create) {
            break;
        }
        fresh = PortUnitAllocate(Adapter, Path, Target, Lun);
        if (fresh == NULL) {
            return NULL;
        }
    }
    if (fresh != NULL) {
        PortUnitFree(fresh);
    }
    return unit;
}

PPORT_UNIT PortUnitGet(PPORT_ADAPTER Adapter, UCHAR Path, UCHAR Target, UCHAR Lun, BOOLEAN Create)
{
    return PortUnitGetWithPdo(Adapter, Path, Target, Lun, Create, NULL);
}

PPORT_UNIT PortUnitNext(PPORT_ADAPTER Adapter, PPORT_UNIT Previous)
{
    PLIST_ENTRY entry;
    PPORT_UNIT next = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&Adapter->Lock, &irql);
    entry = Previous == NULL ? Adapter->Units.Flink : Previous->Link.Flink;
    if (entry != &Adapter->Units) {
        next = CONTAINING_RECORD(entry, PORT_UNIT, Link);
        InterlockedIncrement(&next->References);
    }
    KeReleaseSpinLock(&Adapter->Lock, irql);
    if (Previous != NULL) {
        PortUnitRelease(Previous);
    }
    return next;
}

VOID PortUnitGone(PPORT_UNIT Unit)
{
    KIRQL irql;

    KeAcquireSpinLock(&Unit->Lock, &irql);
    WriteNoFence(&Unit->Gone, TRUE);
    KeReleaseSpinLock(&Unit->Lock, irql);
    KeAcquireSpinLock(&Unit->Adapter->Lock, &irql);
    PortUnitUnhash(Unit);
    KeReleaseSpinLock(&Unit->Adapter->Lock, irql);
    PortHoldTimerCancel(&Unit->RetryTimer);
    PortHoldTimerCancel(&Unit->PauseTimer);
    PortUnitFinishQueued(Unit, NULL, SRB_STATUS_NO_DEVICE);
}

/** \irql{<= DISPATCH_LEVEL} */
PVOID NTAPI StorPortGetLogicalUnit(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
    PPORT_UNIT unit;
    PVOID extension;

    PORT_ROUTINE(DISPATCH_LEVEL);
    unit = PortUnitGet(PortAdapterOf(HwDeviceExtension), PathId, TargetId, Lun, FALSE);
    if (unit == NULL) {
        return NULL;
    }
    extension = unit->Extension;
    PortUnitRelease(unit);
    return extension;
}
