/**
 * \file
 * Static devices: images that the registry names, connected by the driver itself when the adapter
 * starts. Users of such drivers want their disks back after a boot, without a program that connects
 * them.
 *
 * The way is CONNECT's, but that nobody waits: no IRP, and a failure ends in an event and a trace
 * line. It never fails the start, and the start does not wait for the files: a share that does not
 * answer would hold up the boot.
 *
 * Who opens the files? HwInitialize runs in the thread in which PnP starts the device, a thread of
 * the system process; so the client that is captured is SYSTEM. SYSTEM may open
 * nearly every local file, but not one whose descriptor shuts it out (OBJ_FORCE_ACCESS_CHECK asks
 * here too), and on a network it is the computer, not a person. It is the administrator who wrote
 * the key that vouches for the path.
 */
#include "02-dispatch/connection.h"

_Use_decl_annotations_ VOID VminiStaticFailed(PVMINI_ADAPTER Adapter, VMINI_ADDRESS Address,
                                              const WCHAR *Path, NTSTATUS Status)
{
    VminiTrace(Adapter, TRACE_LEVEL_ERROR, VMINI_TRACE_CONNECT, L"static device failed", L"status",
               (ULONG)Status, L"target", Address.Target);
    VminiEventPost(Adapter, VminiEventConnectFailed, Address, Path, Status);
}

/** Connects one. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiStaticConnect(_In_ PVMINI_ADAPTER Adapter,
                                   _In_ const VMINI_CONFIG_DEVICE *Device)
{
    const VMINI_CONNECTION_REQUEST Wanted = {Device->Flags, Device->Address, Device->Path, TRUE};
    PVMINI_CONNECTION Connection;
    NTSTATUS Status;

    Status = VminiConnectionCreate(Adapter, &Wanted, &Connection);
    return NT_SUCCESS(Status) ? VminiConnectionBegin(Connection, NULL) : Status;
}

_Use_decl_annotations_ VOID VminiServiceConnectStatic(PVMINI_ADAPTER Adapter)
{
    /* Nonpaged, though this is PASSIVE_LEVEL: the event of a failure copies the path under a lock. */
    PVMINI_CONFIG_DEVICE Device =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Device), VMINI_TAG_CONFIG);
    NTSTATUS Status;
    ULONG Index;

    if (Device == NULL) {
        VminiTrace(Adapter, TRACE_LEVEL_ERROR, VMINI_TRACE_CONNECT, L"no memory: no static devices",
                   NULL, 0, NULL, 0);
        return;
    }
    for (Index = 0; (Status = VminiConfigDevice(Index, Device)) != STATUS_NO_MORE_ENTRIES;
         Index++) {
        if (NT_SUCCESS(Status)) {
            Status = VminiStaticConnect(Adapter, Device);
        }
        if (Status != STATUS_PENDING) {
            VminiStaticFailed(Adapter, Device->Address, Device->Path, Status);
        }
    }
    ExFreePoolWithTag(Device, VMINI_TAG_CONFIG);
}
