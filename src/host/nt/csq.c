/*
 * Cancel-safe IRP queues: the race between cancelling an IRP and taking it out of a queue, solved
 * once for every driver (and for this host's own file system). Whoever gets a non-NULL answer from
 * IoSetCancelRoutine(Irp, NULL) owns the IRP: the remover, or the cancel routine, never both. The
 * driver's queue lock is always taken here, the cancel lock never while it is held.
 */
#include "nt/nt.h"

/** An IRP in the queue points at its queue, or at the caller's context, which points at both. */
#define CSQ_SLOT(irp) ((irp)->Tail.Overlay.DriverContext[3])

static PIO_CSQ csq_of(PIRP irp, PIO_CSQ_IRP_CONTEXT *context)
{
    PIO_CSQ csq = CSQ_SLOT(irp);

    *context = NULL;
    if (csq->Type == IO_TYPE_CSQ_IRP_CONTEXT) {
        *context = (PIO_CSQ_IRP_CONTEXT)(PVOID)csq;
        csq = (*context)->Csq;
    }
    return csq;
}

/** Takes an IRP that this caller now owns out of the queue. Queue lock held. */
static void csq_unlink(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context)
{
    csq->CsqRemoveIrp(csq, irp);
    if (context != NULL) {
        context->Irp = NULL;
    }
    CSQ_SLOT(irp) = NULL;
}

/** The cancel routine of every queued IRP. \irql{DISPATCH_LEVEL} \locks{cancel lock held on entry,
 *  released here} */
static VOID NTAPI csq_cancel(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_CSQ_IRP_CONTEXT context;
    PIO_CSQ csq;
    KIRQL irql;

    UNREFERENCED_PARAMETER(device);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    csq = csq_of(irp, &context);
    csq->CsqAcquireLock(csq, &irql);
    csq_unlink(csq, irp, context);
    csq->CsqReleaseLock(csq, irql);
    csq->CsqCompleteCanceledIrp(csq, irp);
}

static void csq_fill(PIO_CSQ csq, ULONG type, PIO_CSQ_REMOVE_IRP remove, PIO_CSQ_PEEK_NEXT_IRP peek,
                     PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
                     PIO_CSQ_COMPLETE_CANCELED_IRP complete)
{
    csq->Type = type;
    csq->CsqRemoveIrp = remove;
    csq->CsqPeekNextIrp = peek;
    csq->CsqAcquireLock = acquire;
    csq->CsqReleaseLock = release;
    csq->CsqCompleteCanceledIrp = complete;
    csq->ReservePointer = NULL;
}

NTSTATUS NTAPI IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp,
                               PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                               PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                               PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                               PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                               PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    csq_fill(Csq, IO_TYPE_CSQ, CsqRemoveIrp, CsqPeekNextIrp, CsqAcquireLock, CsqReleaseLock,
             CsqCompleteCanceledIrp);
    Csq->CsqInsertIrp = CsqInsertIrp;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrp,
                                 PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                                 PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                                 PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                                 PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                                 PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    csq_fill(Csq, IO_TYPE_CSQ_EX, CsqRemoveIrp, CsqPeekNextIrp, CsqAcquireLock, CsqReleaseLock,
             CsqCompleteCanceledIrp);
    Csq->CsqInsertIrp = (PIO_CSQ_INSERT_IRP)(void (*)(void))CsqInsertIrp;
    return STATUS_SUCCESS;
}

static NTSTATUS csq_call_insert(PIO_CSQ csq, PIRP irp, PVOID insert_context)
{
    if (csq->Type == IO_TYPE_CSQ_EX) {
        PIO_CSQ_INSERT_IRP_EX insert = (PIO_CSQ_INSERT_IRP_EX)(void (*)(void))csq->CsqInsertIrp;
        return insert(csq, irp, insert_context);
    }
    csq->CsqInsertIrp(csq, irp);
    return STATUS_SUCCESS;
}

static void csq_attach(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context)
{
    if (context == NULL) {
        CSQ_SLOT(irp) = csq;
        return;
    }
    context->Type = IO_TYPE_CSQ_IRP_CONTEXT;
    context->Irp = irp;
    context->Csq = csq;
    CSQ_SLOT(irp) = context;
}

NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context,
                                PVOID InsertContext)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    KIRQL irql;
    NTSTATUS status;

    Csq->CsqAcquireLock(Csq, &irql);
    csq_attach(Csq, Irp, Context);
    status = csq_call_insert(Csq, Irp, InsertContext);
    if (!NT_SUCCESS(status)) {
        CSQ_SLOT(Irp) = NULL;
        Csq->CsqReleaseLock(Csq, irql);
        return status;
    }
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, csq_cancel);
    /* Cancelled before the routine was there? Whoever gets it back completes the IRP; if
     * IoCancelIrp has it already, its csq_cancel waits for the queue lock and takes the IRP out
     * itself. */
    if (__atomic_load_n(&Irp->Cancel, __ATOMIC_SEQ_CST) && IoSetCancelRoutine(Irp, NULL) != NULL) {
        csq_unlink(Csq, Irp, Context);
        Csq->CsqReleaseLock(Csq, irql);
        Csq->CsqCompleteCanceledIrp(Csq, Irp);
        return STATUS_SUCCESS;
    }
    Csq->CsqReleaseLock(Csq, irql);
    return STATUS_SUCCESS;
}

VOID NTAPI IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    IoCsqInsertIrpEx(Csq, Irp, Context, NULL);
}

PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PIRP irp = NULL;
    KIRQL irql;

    Csq->CsqAcquireLock(Csq, &irql);
    while ((irp = Csq->CsqPeekNextIrp(Csq, irp, PeekContext)) != NULL) {
        PIO_CSQ_IRP_CONTEXT context;

        /* An IRP whose cancel routine has begun is skipped: that routine will take it out. */
        if (IoSetCancelRoutine(irp, NULL) != NULL) {
            csq_of(irp, &context);
            csq_unlink(Csq, irp, context);
            break;
        }
    }
    Csq->CsqReleaseLock(Csq, irql);
    return irp;
}

PIRP NTAPI IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    PIRP irp;
    KIRQL irql;

    Csq->CsqAcquireLock(Csq, &irql);
    irp = Context->Irp;
    if (irp != NULL && IoSetCancelRoutine(irp, NULL) != NULL) {
        csq_unlink(Csq, irp, Context);
    } else {
        irp = NULL;
    }
    Csq->CsqReleaseLock(Csq, irql);
    return irp;
}
