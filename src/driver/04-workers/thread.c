/**
 * \file
 * System threads: how a driver gets to PASSIVE_LEVEL, and how it makes sure that nobody is left
 * there.
 */
#include "04-workers/thread.h"

_Use_decl_annotations_ NTSTATUS VminiThreadCreate(PKSTART_ROUTINE Routine, PVOID Context,
                                                  PKTHREAD *Thread)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    NTSTATUS Status;

    /* A kernel handle in no process of ours: DriverEntry's caller, or a user's, must not find it in
     * its table. */
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status =
        PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL, Routine, Context);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* Cannot fail: the handle is fresh, of the right type, and access is not checked for kernel
     * mode. */
    (VOID) ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode,
                                     (PVOID *)Thread, NULL);
    ZwClose(Handle);
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID VminiThreadWait(PKTHREAD Thread)
{
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}
