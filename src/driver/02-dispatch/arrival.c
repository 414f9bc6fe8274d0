/**
 * \file
 * Arrival and departure: how a device gets onto the bus, and the first step of its way off it.
 *
 * A device is published when it is whole, never before: a bus scan on another processor may find it
 * in the very next instruction. Storport learns of both events in the same way, by
 * BusChangeDetected, and finds out by itself what changed: it sends REPORT LUNS and INQUIRY. That
 * notification is sent with no lock held.
 */
#include "02-dispatch/table.h"

/** Allocates the slots of a target. \irql{<= DISPATCH_LEVEL} */
static PVMINI_TARGET VminiBusAllocateTarget(_In_ PVMINI_ADAPTER Adapter)
{
    SIZE_T Bytes =
        FIELD_OFFSET(VMINI_TARGET, Slots) + (SIZE_T)Adapter->MaximumLuns * sizeof(VMINI_SLOT);
    PVMINI_TARGET Target = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, VMINI_TAG_BUS);

    if (Target != NULL) {
        RtlZeroMemory(Target, Bytes);
    }
    return Target;
}

/**
 * Takes one address if it is free.
 * \param Spare  a target to use if there is none yet; NULL once it was used.
 * \locks{bus lock held}
 */
static BOOLEAN VminiBusTake(_In_ PVMINI_ADAPTER Adapter, _In_ VMINI_ADDRESS Address,
                            _Inout_ PVMINI_TARGET *Spare)
{
    PVMINI_TARGET *Target = VminiBusTarget(Adapter, Address.Path, Address.Target);

    if (*Target == NULL) {
        if (*Spare == NULL) {
            return FALSE; /* Used already. */
        }
        *Target = *Spare;
        *Spare = NULL;
    }
    if ((*Target)->Slots[Address.Lun].Reserved) {
        return FALSE;
    }
    (*Target)->Slots[Address.Lun].Reserved = TRUE;
    return TRUE;
}

/**
 * Takes the first free address: a new target rather than a new LUN, as disks on a real bus stand.
 * \locks{bus lock held}
 */
static BOOLEAN VminiBusTakeFirst(_In_ PVMINI_ADAPTER Adapter, _Out_ PVMINI_ADDRESS Address,
                                 _Inout_ PVMINI_TARGET *Spare)
{
    ULONG Path;
    ULONG Target;
    ULONG Lun;

    for (Lun = 0; Lun < Adapter->MaximumLuns; Lun++) {
        for (Path = 0; Path < Adapter->NumberOfBuses; Path++) {
            for (Target = 0; Target < Adapter->MaximumTargets; Target++) {
                VMINI_ADDRESS Candidate = {(UCHAR)Path, (UCHAR)Target, (UCHAR)Lun, 0};
                if (VminiBusTake(Adapter, Candidate, Spare)) {
                    *Address = Candidate;
                    return TRUE;
                }
            }
        }
    }
    return FALSE;
}

_Use_decl_annotations_ NTSTATUS VminiBusReserveAddress(PVMINI_ADAPTER Adapter,
                                                       PVMINI_ADDRESS Address)
{
    BOOLEAN Any = Address->Path == 0xFF && Address->Target == 0xFF && Address->Lun == 0xFF;
    PVMINI_TARGET Spare;
    BOOLEAN Taken;
    KIRQL OldIrql;

    if (!Any &&
        (Address->Path >= Adapter->NumberOfBuses || Address->Target >= Adapter->MaximumTargets ||
         Address->Lun >= Adapter->MaximumLuns)) {
        return STATUS_INVALID_PARAMETER;
    }
    Spare = VminiBusAllocateTarget(Adapter); /* Before the lock: at most one is needed. */
    if (Spare == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
    Taken =
        Any ? VminiBusTakeFirst(Adapter, Address, &Spare) : VminiBusTake(Adapter, *Address, &Spare);
    KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
    if (Spare != NULL) {
        ExFreePoolWithTag(Spare, VMINI_TAG_BUS);
    }
    if (Taken) {
        return STATUS_SUCCESS;
    }
    return Any ? STATUS_INSUFFICIENT_RESOURCES : STATUS_DEVICE_BUSY;
}

_Use_decl_annotations_ VOID VminiBusReleaseAddress(PVMINI_ADAPTER Adapter, VMINI_ADDRESS Address)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Adapter->Bus->Lock, &OldIrql);
    VminiBusSlot(Adapter, Address)->Reserved = FALSE;
    KeReleaseSpinLock(&Adapter->Bus->Lock, OldIrql);
}

_Use_decl_annotations_ VOID VminiBusArrive(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    VMINI_ADDRESS Address = Device->Unit.Address;
    PVMINI_BUS Bus = Adapter->Bus;
    KIRQL OldIrql;

    VminiTrace(Adapter, TRACE_LEVEL_INFORMATION, VMINI_TRACE_PNP, L"arrival", L"target",
               Address.Target, L"lun", Address.Lun);
    Device->References = 1;
    Device->Since = KeQueryUnbiasedInterruptTime();

    //! [publish]
    KeAcquireSpinLock(&Bus->Lock, &OldIrql);
    InsertTailList(&Bus->Devices, &Device->Link);
    VminiBusSlot(Adapter, Address)->Device = Device;
    (*VminiBusTarget(Adapter, Address.Path, Address.Target))->Present++;
    Bus->Present++;
    KeReleaseSpinLock(&Bus->Lock, OldIrql);
    //! [publish]

    /* It watches how long the INQUIRY takes. */
    KeSetEvent(&Bus->DeleteWork, IO_NO_INCREMENT, FALSE);
    StorPortNotification(BusChangeDetected, Adapter, Address.Path);
}

_Use_decl_annotations_ BOOLEAN VminiBusMarkMissing(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    VMINI_ADDRESS Address = Device->Unit.Address;

    if (Device->Missing) {
        return FALSE;
    }
    Device->Missing = TRUE;
    Device->Since = KeQueryUnbiasedInterruptTime();
    Device->Asked = 0;
    (*VminiBusTarget(Adapter, Address.Path, Address.Target))->Present--;
    Adapter->Bus->Present--;
    return TRUE;
}

_Use_decl_annotations_ BOOLEAN VminiBusDepart(PVMINI_ADAPTER Adapter, PVMINI_DEVICE Device)
{
    UCHAR Path = Device->Unit.Address.Path;
    PVMINI_BUS Bus = Adapter->Bus;
    BOOLEAN First;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Bus->Lock, &OldIrql);
    /* The caller's reference, or being the delete thread, keeps it. */
    First = VminiBusMarkMissing(Adapter, Device);
    KeReleaseSpinLock(&Bus->Lock, OldIrql);
    if (First) {
        VminiTrace(Adapter, TRACE_LEVEL_INFORMATION, VMINI_TRACE_PNP, L"departure", L"path", Path,
                   NULL, 0);
        KeSetEvent(&Bus->DeleteWork, IO_NO_INCREMENT, FALSE);
        StorPortNotification(BusChangeDetected, Adapter, Path);
    }
    return First;
}
