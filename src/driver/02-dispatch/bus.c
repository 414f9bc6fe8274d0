/**
 * \file
 * Devices by address.
 *
 * The articles walk a list of all devices for each SRB. Here an address leads to its device in two
 * steps of a table, so that an SRB costs the same with one device and with a thousand. The table of
 * targets is allocated with the bus, the logical units of a target when it gets its first one.
 *
 * The lock is held for a few instructions and never while anything outside this file is called.
 * What is found under it is referenced under it: between "found" and "referenced" a DISCONNECT on
 * another processor could otherwise free it.
 */
#include "02-dispatch/table.h"

#include "04-workers/thread.h"

_Use_decl_annotations_ PVMINI_TARGET *VminiBusTarget(PVMINI_ADAPTER Adapter, UCHAR Path,
                                                     UCHAR Target)
{
    return &Adapter->Bus->Targets[(ULONG)Path * Adapter->MaximumTargets + Target];
}

/** Does an address lie on the bus? */
static BOOLEAN VminiBusHas(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_ADDRESS Address)
{
    return Address.Path < Adapter->NumberOfBuses && Address.Target < Adapter->MaximumTargets &&
           Address.Lun < Adapter->MaximumLuns;
}

_Use_decl_annotations_ VMINI_SLOT *VminiBusSlot(PVMINI_ADAPTER Adapter, VMINI_ADDRESS Address)
{
    PVMINI_TARGET Target;

    if (!VminiBusHas(Adapter, Address)) {
        return NULL;
    }
    Target = *VminiBusTarget(Adapter, Address.Path, Address.Target);
    return Target != NULL ? &Target->Slots[Address.Lun] : NULL;
}

_Use_decl_annotations_ PVMINI_DEVICE VminiBusFind(PVMINI_ADAPTER Adapter, VMINI_ADDRESS Address)
{
    PVMINI_BUS Bus = Adapter->Bus;
    PVMINI_DEVICE Device;
    VMINI_SLOT *Slot;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Bus->Lock, &OldIrql);
    Slot = VminiBusSlot(Adapter, Address);
    Device = Slot != NULL ? Slot->Device : NULL;
    if (Device != NULL && Device->Missing) {
        Device = NULL;
    }
    //! [reference]
    if (Device != NULL) {
        Device->References++;
    }
    //! [reference]
    KeReleaseSpinLock(&Bus->Lock, OldIrql);
    return Device;
}

/** A scan has missed the device. \locks{bus lock held} */
static VOID VminiBusReported(_Inout_ PVMINI_BUS Bus, _Inout_ PVMINI_DEVICE Device)
{
    if (!Device->ReportedMissing) {
        Device->ReportedMissing = TRUE;
        KeSetEvent(&Bus->DeleteWork, IO_NO_INCREMENT, FALSE);
    }
}

_Use_decl_annotations_ VOID VminiBusReportMissing(PVMINI_ADAPTER Adapter, VMINI_ADDRESS Address)
{
    PVMINI_BUS Bus = Adapter->Bus;
    VMINI_SLOT *Slot;
    KIRQL OldIrql;

    //! [reported]
    KeAcquireSpinLock(&Bus->Lock, &OldIrql);
    Slot = VminiBusSlot(Adapter, Address);
    if (Slot != NULL && Slot->Device != NULL && Slot->Device->Missing && Slot->Device->Unlisted) {
        VminiBusReported(Bus, Slot->Device);
    }
    KeReleaseSpinLock(&Bus->Lock, OldIrql);
    //! [reported]
}

_Use_decl_annotations_ VOID VminiBusDereference(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    PVMINI_BUS Bus = Adapter->Bus;
    BOOLEAN Wake;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Bus->Lock, &OldIrql);
    Wake = --Device->References == 1 && Device->Missing;
    if (Wake) {
        /* With the lock held: once the delete thread has freed the last device, the bus may go
         * too. */
        KeSetEvent(&Bus->DeleteWork, IO_NO_INCREMENT, FALSE);
    }
    KeReleaseSpinLock(&Bus->Lock, OldIrql);
}

_Use_decl_annotations_ BOOLEAN VminiBusTargetExists(PVMINI_ADAPTER Adapter, UCHAR Path,
                                                    UCHAR Target)
{
    VMINI_ADDRESS Address = {Path, Target, 0, 0};
    BOOLEAN Exists = FALSE;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
    if (VminiBusHas(Adapter, Address)) {
        PVMINI_TARGET Found = *VminiBusTarget(Adapter, Path, Target);
        Exists = Found != NULL && Found->Present > 0;
    }
    KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
    return Exists;
}

/** A REPORT LUNS leaves out a missing device. \locks{bus lock held} */
static VOID VminiBusUnlist(_Inout_ PVMINI_BUS Bus, _Inout_ PVMINI_DEVICE Device)
{
    Device->Unlisted = TRUE;
    if (Device->UnlistedBefore) {
        VminiBusReported(Bus, Device); /* The scan that began before this one is over. */
    }
}

_Use_decl_annotations_ ULONG VminiBusListLuns(PVMINI_ADAPTER Adapter, UCHAR Path, UCHAR Target,
                                              PUCHAR Luns, ULONG Count)
{
    VMINI_ADDRESS Address = {Path, Target, 0, 0};
    ULONG Found = 0;
    ULONG Lun;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
    for (Lun = 0; Lun < Adapter->MaximumLuns; Lun++) {
        VMINI_SLOT *Slot;

        Address.Lun = (UCHAR)Lun;
        Slot = VminiBusSlot(Adapter, Address);
        if (Slot == NULL || Slot->Device == NULL) {
            continue;
        }
        if (Slot->Device->Missing) {
            VminiBusUnlist(Adapter->Bus, Slot->Device);
            continue;
        }
        if (Found < Count) {
            Luns[Found] = (UCHAR)Lun;
        }
        Found++;
    }
    KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
    return Found;
}

_Use_decl_annotations_ ULONG VminiBusCount(PVMINI_ADAPTER Adapter)
{
    ULONG Present;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
    Present = Adapter->Bus->Present;
    KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
    return Present;
}

_Use_decl_annotations_ BOOLEAN VminiBusMarkEnumerated(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    BOOLEAN First;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
    First = !Device->Enumerated && !Device->Missing;
    Device->Enumerated = TRUE;
    KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
    return First;
}

_Use_decl_annotations_ VOID VminiBusResetUnits(PVMINI_ADAPTER Adapter, const VMINI_SCOPE *Scope)
{
    PLIST_ENTRY Link;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
    for (Link = Adapter->Bus->Devices.Flink; Link != &Adapter->Bus->Devices; Link = Link->Flink) {
        PVMINI_DEVICE Device = CONTAINING_RECORD(Link, VMINI_DEVICE, Link);
        if (VminiScopeContains(Scope, &Device->Unit.Address)) {
            VminiUnitReset(&Device->Unit);
        }
    }
    KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
}

_Use_decl_annotations_ NTSTATUS VminiBusCreate(PVMINI_ADAPTER Adapter)
{
    SIZE_T Bytes = FIELD_OFFSET(VMINI_BUS, Targets) +
                   (SIZE_T)Adapter->NumberOfBuses * Adapter->MaximumTargets * sizeof(PVMINI_TARGET);
    PVMINI_BUS Bus = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, VMINI_TAG_BUS);
    NTSTATUS Status;

    if (Bus == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Bus, Bytes);
    KeInitializeEvent(&Bus->DeleteWork, SynchronizationEvent, FALSE);
    KeInitializeSpinLock(&Bus->Lock);
    InitializeListHead(&Bus->Devices);
    Adapter->Bus = Bus; /* Before the thread starts: it looks there. */
    Status = VminiThreadCreate(VminiDeleteThread, Adapter, &Bus->DeleteThread);
    if (!NT_SUCCESS(Status)) {
        Adapter->Bus = NULL;
        ExFreePoolWithTag(Bus, VMINI_TAG_BUS);
    }
    return Status;
}

/**
 * Nothing is left to be said to Storport: all devices are missing, and reported.
 * \locks{bus lock held}
 */
static VOID VminiBusMarkAllMissing(_In_ PVMINI_ADAPTER Adapter)
{
    PLIST_ENTRY Link;

    for (Link = Adapter->Bus->Devices.Flink; Link != &Adapter->Bus->Devices; Link = Link->Flink) {
        PVMINI_DEVICE Device = CONTAINING_RECORD(Link, VMINI_DEVICE, Link);
        (VOID) VminiBusMarkMissing(Adapter, Device);
        Device->ReportedMissing = TRUE;
    }
}

_Use_decl_annotations_ VOID VminiBusDestroy(PVMINI_ADAPTER Adapter)
{
    PVMINI_BUS Bus = Adapter->Bus;
    ULONG Count = (ULONG)Adapter->NumberOfBuses * Adapter->MaximumTargets;
    ULONG Index;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Bus->Lock, &OldIrql);
    VminiBusMarkAllMissing(Adapter);
    Bus->Ending = TRUE;
    KeReleaseSpinLock(&Bus->Lock, OldIrql);
    KeSetEvent(&Bus->DeleteWork, IO_NO_INCREMENT, FALSE);
    VminiThreadWait(Bus->DeleteThread);
    for (Index = 0; Index < Count; Index++) {
        if (Bus->Targets[Index] != NULL) {
            ExFreePoolWithTag(Bus->Targets[Index], VMINI_TAG_BUS);
        }
    }
    Adapter->Bus = NULL;
    ExFreePoolWithTag(Bus, VMINI_TAG_BUS);
}
