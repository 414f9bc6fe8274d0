/**
 * \file
 * DO_READ, DO_WRITE and flush: IRPs to the file system that holds the image. What needs several of
 * them is in pieces.c and space.c.
 *
 * The articles build an IRP, send it and wait for it, one worker for each request that is under
 * way. Here the worker sends the IRP and takes the next item; a completion routine ends the
 * request, at DISPATCH_LEVEL or below, in whatever thread the file system completes it. So a few
 * threads keep hundreds of requests in flight, and a reset can cancel each of them.
 *
 * The IRP is ours: we allocate it, we stop its completion with STATUS_MORE_PROCESSING_REQUIRED, we
 * free it. It may be freed only when its completion routine has run *and* nobody is about to call
 * IoCancelIrp on it: that is what the item's Holds count, and the last one to let go does the rest.
 *
 * A write that must be durable (Item->WriteThrough) has a second step: a flush, once all is written.
 * SL_WRITE_THROUGH would not do: file systems look at it only on IRPs that bypass the cache. The write
 * completes where a file system must not be called, so a worker sends the flush: VminiWorkFlush.
 * \article{Part III, DO_READ and DO_WRITE}
 */
#include "04-workers/queue.h"

/**
 * The file system is done with an IRP that nobody waits for.
 * \irql{<= DISPATCH_LEVEL} \locks{none} \thread{any: whoever completes the IRP}
 */
static NTSTATUS NTAPI VminiIoCompleted(_In_opt_ PDEVICE_OBJECT DeviceObject, _In_ PIRP Irp,
                                       _In_opt_ PVOID Context)
{
    PVMINI_WORK_ITEM Item = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Item == NULL) {
        return STATUS_MORE_PROCESSING_REQUIRED; /* Never so: the prototype allows NULL. */
    }
    Item->Status = Irp->IoStatus.Status;
    Item->Information = Irp->IoStatus.Information;
    VminiIoEnd(Item); /* Irp and Item may be gone. */
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/**
 * The file system is done with the flush after a write. How much was written stays in Information.
 * \irql{<= DISPATCH_LEVEL} \locks{none} \thread{any: whoever completes the IRP}
 */
static NTSTATUS NTAPI VminiIoFlushed(_In_opt_ PDEVICE_OBJECT DeviceObject, _In_ PIRP Irp,
                                     _In_opt_ PVOID Context)
{
    PVMINI_WORK_ITEM Item = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Item != NULL) {
        Item->Status = Irp->IoStatus.Status;
        VminiWorkRelease(Item);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/**
 * The file system is done with an IRP that VminiIoWait waits for.
 * \irql{<= DISPATCH_LEVEL} \locks{none} \thread{any: whoever completes the IRP}
 */
static NTSTATUS NTAPI VminiIoSignal(_In_opt_ PDEVICE_OBJECT DeviceObject, _In_ PIRP Irp,
                                    _In_opt_ PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    if (Context != NULL) {
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/** Fills in a file system control. METHOD_NEITHER takes the input from the stack location, the other
 *  methods from the system buffer: both are told, and it reads the one that it knows. */
static VOID VminiIoFillControl(_Inout_ PIRP Irp, _Inout_ PIO_STACK_LOCATION Stack,
                               _In_ const VMINI_IO *Io)
{
    Irp->AssociatedIrp.SystemBuffer = Io->Input;
    Irp->UserBuffer = Io->Output;
    Stack->MinorFunction = IRP_MN_USER_FS_REQUEST;
    Stack->Parameters.FileSystemControl.FsControlCode = Io->Code;
    Stack->Parameters.FileSystemControl.Type3InputBuffer = Io->Input;
    Stack->Parameters.FileSystemControl.InputBufferLength = Io->InputLength;
    Stack->Parameters.FileSystemControl.OutputBufferLength = Io->OutputLength;
}

/** Fills the next stack location. \irql{PASSIVE_LEVEL} */
static VOID VminiIoFill(_Inout_ PIRP Irp, _In_ const VMINI_MEDIA *Media, _In_ const VMINI_IO *Io)
{
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);

    Irp->RequestorMode = KernelMode;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = Media->FileObject;
    Irp->MdlAddress = Io->Mdl;
    Stack->MajorFunction = Io->Major;
    Stack->FileObject = Media->FileObject;
    if (Io->Major == IRP_MJ_READ) {
        Stack->Parameters.Read.Length = Io->Length;
        Stack->Parameters.Read.ByteOffset.QuadPart = (LONGLONG)Io->Offset;
    } else if (Io->Major == IRP_MJ_WRITE) {
        Stack->Parameters.Write.Length = Io->Length;
        Stack->Parameters.Write.ByteOffset.QuadPart = (LONGLONG)Io->Offset;
    } else if (Io->Major == IRP_MJ_FILE_SYSTEM_CONTROL) {
        VminiIoFillControl(Irp, Stack, Io);
    }
}

/**
 * Shows the IRP to those who may want to cancel it.
 * \return FALSE: somebody already wants to; it is not sent.
 * \irql{<= DISPATCH_LEVEL}
 */
static BOOLEAN VminiIoPublish(_Inout_ PVMINI_WORK_ITEM Item, _In_ PIRP Irp)
{
    BOOLEAN Cancelled;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Item->Queue->Lock, &OldIrql);
    Cancelled = Item->Cancelled;
    if (!Cancelled) {
        Item->Irp = Irp;
    }
    KeReleaseSpinLock(&Item->Queue->Lock, OldIrql);
    return !Cancelled;
}

/**
 * Builds an IRP and sends it. \return STATUS_PENDING: it was sent, Io->Completion will run (or has
 * run); anything else: it was not sent. \irql{PASSIVE_LEVEL}
 */
static NTSTATUS VminiIoSend(_Inout_ PVMINI_WORK_ITEM Item, _In_ const VMINI_IO *Io)
{
    PVMINI_MEDIA Media = Item->Media;
    PIRP Irp = IoAllocateIrp(Media->FileSystem->StackSize, FALSE);

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    VminiIoFill(Irp, Media, Io);
    if (!VminiIoPublish(Item, Irp)) {
        Irp->MdlAddress = NULL;
        IoFreeIrp(Irp);
        return STATUS_CANCELLED;
    }
    //! [completion-ex]
    /* The Ex form holds the adapter's device object, and so our code, until the completion routine
     * has *returned*: the SRB that it ends may be the last thing that kept the driver loaded. */
    if (!NT_SUCCESS(IoSetCompletionRoutineEx(Item->Queue->Device, Irp, Io->Completion, Io->Context,
                                             TRUE, TRUE, TRUE))) {
        return STATUS_INSUFFICIENT_RESOURCES; /* Item->Irp is freed with the item. */
    }
    //! [completion-ex]
    /* Whatever it returns, the completion routine has the result. */
    (VOID) IoCallDriver(Media->FileSystem, Irp);
    return STATUS_PENDING;
}

/**
 * Describes Length bytes at Va by an MDL of our own, if the SRB's describes more: the file system
 * transfers what the MDL begins with. A split request's SRB begins in the middle of the MDL that it
 * shares with its siblings.
 * \return the MDL to send, or NULL without memory. \irql{<= DISPATCH_LEVEL}
 */
static PMDL VminiIoMdl(_Inout_ PVMINI_WORK_ITEM Item)
{
    if (Item->Va == MmGetMdlVirtualAddress(Item->Mdl) &&
        Item->Length == MmGetMdlByteCount(Item->Mdl)) {
        return Item->Mdl;
    }
    Item->PartialMdl = IoAllocateMdl(Item->Va, Item->Length, FALSE, FALSE, NULL);
    if (Item->PartialMdl != NULL) {
        IoBuildPartialMdl(Item->Mdl, Item->PartialMdl, Item->Va, Item->Length);
    }
    return Item->PartialMdl;
}

_Use_decl_annotations_ VOID VminiIoStart(PVMINI_WORK_ITEM Item)
{
    VMINI_IO Io = {.Major = IRP_MJ_FLUSH_BUFFERS,
                   .Length = Item->Length,
                   .Offset = Item->Offset,
                   .Completion = VminiIoCompleted,
                   .Context = Item};
    NTSTATUS Status;

    if (Item->Command != VminiDoFlush) {
        Io.Major = Item->Command == VminiDoRead ? IRP_MJ_READ : IRP_MJ_WRITE;
        Io.Mdl = VminiIoMdl(Item);
    }
    if (Item->Command != VminiDoFlush && Io.Mdl == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        Status = VminiIoSend(Item, &Io);
    }
    if (Status != STATUS_PENDING) {
        Item->Status = Status;
        Item->Information = 0;
        VminiWorkRelease(Item);
    }
}

_Use_decl_annotations_ BOOLEAN VminiIoTakeBack(PVMINI_WORK_ITEM Item)
{
    BOOLEAN Cancelled;
    PIRP Irp = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Item->Queue->Lock, &OldIrql);
    Cancelled = Item->Cancelled; /* Set together with the hold, so: not cancelled, no hold. */
    if (!Cancelled) {
        Irp = Item->Irp;
        Item->Irp = NULL;
    }
    KeReleaseSpinLock(&Item->Queue->Lock, OldIrql);
    if (Irp != NULL) {
        IoFreeIrp(Irp);
    }
    return !Cancelled;
}

//! [end]
_Use_decl_annotations_ VOID VminiIoEnd(PVMINI_WORK_ITEM Item)
{
    if (Item->WriteThrough && NT_SUCCESS(Item->Status)) {
        VminiWorkFlush(Item); /* It is not done before that. */
    } else {
        VminiWorkRelease(Item);
    }
}
//! [end]

_Use_decl_annotations_ VOID VminiIoFlush(PVMINI_WORK_ITEM Item)
{
    VMINI_IO Io = {.Major = IRP_MJ_FLUSH_BUFFERS, .Completion = VminiIoFlushed, .Context = Item};
    NTSTATUS Status;

    Item->Writing = TRUE; /* Whatever fails from now on: what was to be written is not safe. */
    Status = VminiIoSend(Item, &Io);
    if (Status != STATUS_PENDING) {
        Item->Status = Status;
        VminiWorkRelease(Item);
    }
}

_Use_decl_annotations_ NTSTATUS VminiIoWait(PVMINI_WORK_ITEM Item, VMINI_IO *Io,
                                            PULONG_PTR Information)
{
    NTSTATUS Status;
    KEVENT Event;

    *Information = 0;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Io->Completion = VminiIoSignal;
    Io->Context = &Event;
    Status = VminiIoSend(Item, Io);
    if (Status != STATUS_PENDING) {
        return Status;
    }
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = Item->Irp->IoStatus.Status;
    *Information = Item->Irp->IoStatus.Information;
    return VminiIoTakeBack(Item) ? Status : STATUS_CANCELLED;
}
