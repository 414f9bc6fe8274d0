/*
 * A driver for the tests of the loader for .sys files: what it does depends on the last character
 * of its service's name.
 *
 *   anything  counts how often DriverEntry has run in DriverObject->Flags, checks its imports
 *   k         DriverUnload stops the system, three static functions deep, one with a large frame
 *   f         DriverUnload writes through a NULL pointer instead
 *   c         DriverUnload stops the system in a callback: driver, kernel, driver, kernel
 */
#include <ntifs.h>

#define INIT __attribute__((section("INIT")))
#define KEPT __attribute__((noipa)) /* Neither inlined nor specialised. */

static ULONG Loads;      /* Fresh in each load: in .bss. */
static ULONG Wanted = 7; /* Fresh in each load: in .data. */
static WCHAR How;
static const UCHAR Table[16] = {1, 2, 3, 4, 5, 6, 7, 8};

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD PlainUnload;

KEPT static VOID PlainInner(ULONG Code)
{
    if (How == 'f') {
        *(volatile ULONG *)(ULONG_PTR)(Code & 0) = Code;
    }
    /* The last thing of the function: the address that it returns to is beyond the function. */
    KeBugCheckEx(Code, 1, 2, 3, 4);
}

/** Large enough for the compiler to set its frame pointer in the middle of the frame. */
KEPT static VOID PlainMiddle(ULONG Code)
{
    volatile UCHAR Room[1500];
    ULONG Index;

    for (Index = 0; Index < sizeof(Room); Index++) {
        Room[Index] = (UCHAR)Index;
    }
    PlainInner(Code + Room[256]);
    Room[0] = Room[1];
}

/** Saves registers that the host's calling convention does not. */
KEPT static ULONG PlainOuter(ULONG A, ULONG B, ULONG C)
{
    ULONG Sum = 0;

    for (; A < B; A++) {
        PlainMiddle(0xE0000000 + C);
        Sum += A * B + C;
    }
    return Sum;
}

static IO_CSQ_INSERT_IRP_EX PlainCsqInsert;
static IO_CSQ_REMOVE_IRP PlainCsqRemove;
static IO_CSQ_PEEK_NEXT_IRP PlainCsqPeek;
static IO_CSQ_ACQUIRE_LOCK PlainCsqAcquire;
static IO_CSQ_RELEASE_LOCK PlainCsqRelease;
static IO_CSQ_COMPLETE_CANCELED_IRP PlainCsqComplete;

static NTSTATUS NTAPI PlainCsqInsert(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    PlainOuter(1, 2, 3);
    return STATUS_SUCCESS;
}

static VOID NTAPI PlainCsqRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Irp);
}

static PIRP NTAPI PlainCsqPeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return NULL;
}

static VOID NTAPI PlainCsqAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    *Irql = PASSIVE_LEVEL;
}

static VOID NTAPI PlainCsqRelease(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Irql);
}

static VOID NTAPI PlainCsqComplete(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Irp);
}

KEPT static VOID PlainQueue(VOID)
{
    IO_CSQ Csq;
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoCsqInitializeEx(&Csq, PlainCsqInsert, PlainCsqRemove, PlainCsqPeek, PlainCsqAcquire,
                      PlainCsqRelease, PlainCsqComplete);
    if (Irp != NULL) {
        IoCsqInsertIrpEx(&Csq, Irp, NULL, NULL);
    }
}

VOID NTAPI PlainUnload(PDRIVER_OBJECT DriverObject)
{
    DriverObject->Flags += 100;
    if (How == 'k' || How == 'f') {
        DriverObject->Flags += PlainOuter(1, 2, 3);
    } else if (How == 'c') {
        PlainQueue();
        DriverObject->Flags++; /* So that it is a call, not a jump. */
    }
}

/** Do the imports do what they should, variables and the memory functions, too? */
INIT static BOOLEAN PlainImports(VOID)
{
    UCHAR Copy[sizeof(Table)];
    volatile SIZE_T Length = sizeof(Copy); /* So that calls are made. */

    RtlZeroMemory(Copy, Length);
    if (Copy[7] != 0 || *IoFileObjectType == NULL || *PsThreadType == NULL ||
        *IoFileObjectType == *PsThreadType) {
        return FALSE;
    }
    RtlCopyMemory(Copy, Table, Length);
    RtlMoveMemory(Copy + 1, Copy, Length - 1);
    return Copy[1] == 1 && memcmp(Copy + 1, Table, Length - 1) == 0 &&
           RtlCompareMemory(Copy + 1, Table, Length - 1) == Length - 1;
}

/** An address in the data: the image has a relocation. */
static PDRIVER_UNLOAD const volatile Unload = PlainUnload;

INIT NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    if (RegistryPath != NULL) {
        How = RegistryPath->Buffer[RegistryPath->Length / sizeof(WCHAR) - 1];
    }
    DriverObject->Flags = ++Loads;
    DriverObject->DriverUnload = Unload;
    return Wanted++ == 6 + Loads && PlainImports() ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
