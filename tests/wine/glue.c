/*
 * What stands between the host's Storport and Wine 8's kernel, in the storport.sys that Wine loads:
 * routines of ntoskrnl.exe that Wine lacks or only has as stubs. The port calls them through the
 * import slots defined here; the miniport under test, which is the shipped vmini.sys byte for byte,
 * gets them when it registers: its slots for what Wine's loader found no implementation of are
 * filled then, and no others.
 */
#include <ntifs.h>

#include <storport.h>

#define TAG 'eniW'

/* --- driver object extensions: a stub in Wine --- */

typedef struct _GLUE_EXTENSION {
    struct _GLUE_EXTENSION *Next;
    PDRIVER_OBJECT DriverObject;
    PVOID Key;
    ULONGLONG Data[1]; /* Aligned. */
} GLUE_EXTENSION;

static GLUE_EXTENSION *GlueExtensions; /* Never freed: the process ends with the driver. */

static NTSTATUS NTAPI GlueAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID Key,
                                                        ULONG Size, PVOID *Extension)
{
    GLUE_EXTENSION *New =
        ExAllocatePoolWithTag(NonPagedPool, FIELD_OFFSET(GLUE_EXTENSION, Data) + Size, TAG);

    *Extension = NULL;
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, FIELD_OFFSET(GLUE_EXTENSION, Data) + Size);
    New->DriverObject = DriverObject;
    New->Key = Key;
    New->Next = GlueExtensions;
    GlueExtensions = New;
    *Extension = New->Data;
    return STATUS_SUCCESS;
}

static PVOID NTAPI GlueGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID Key)
{
    GLUE_EXTENSION *At = GlueExtensions;

    while (At != NULL && (At->DriverObject != DriverObject || At->Key != Key)) {
        At = At->Next;
    }
    return At != NULL ? At->Data : NULL;
}

/* --- IRQL, time, DPCs: absent --- */

static KIRQL NTAPI GlueGetCurrentIrql(VOID)
{
    return PASSIVE_LEVEL; /* All that a process of Wine ever runs at. */
}

static VOID NTAPI GlueStallExecutionProcessor(ULONG Microseconds)
{
    UNREFERENCED_PARAMETER(Microseconds);
}

/* The DDK's own names are macros here, see wdk/mingw/wdm.h. */
#undef KeQuerySystemTime
#undef KeQueryInterruptTime
extern VOID(NTAPI *__imp_KeQuerySystemTime)(PLARGE_INTEGER CurrentTime);

static VOID NTAPI GlueQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    __imp_KeQuerySystemTime(CurrentTime);
}

static ULONGLONG NTAPI GlueQueryUnbiasedInterruptTime(VOID)
{
    LARGE_INTEGER Now;

    __imp_KeQuerySystemTime(&Now);
    return (ULONGLONG)Now.QuadPart;
}

static BOOLEAN NTAPI GlueRemoveQueueDpc(PRKDPC Dpc)
{
    UNREFERENCED_PARAMETER(Dpc);
    return FALSE; /* It has run: Wine runs a DPC when it is queued. */
}

/* --- registering for a volume's removal: nobody removes one --- */

static NTSTATUS NTAPI GlueUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    UNREFERENCED_PARAMETER(NotificationEntry);
    return STATUS_SUCCESS;
}

/* --- opening files as the caller: Wine has neither impersonation in the kernel nor file systems --- */

static NTSTATUS NTAPI GlueCreateClientSecurity(PVOID Thread, PVOID Quality, BOOLEAN Remote,
                                               PVOID Context)
{
    UNREFERENCED_PARAMETER(Thread);
    UNREFERENCED_PARAMETER(Quality);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_NOT_IMPLEMENTED; /* So CONNECT ends here, and says so. */
}

/* --- the slots --- */

/* What the port itself imports: its slots, filled by the linker. */
#define SLOT(name, routine) void *__imp_##name = (void *)(routine)
SLOT(IoAllocateDriverObjectExtension, GlueAllocateDriverObjectExtension);
SLOT(IoGetDriverObjectExtension, GlueGetDriverObjectExtension);
SLOT(KeGetCurrentIrql, GlueGetCurrentIrql);
SLOT(KeStallExecutionProcessor, GlueStallExecutionProcessor);
SLOT(KeQuerySystemTimePrecise, GlueQuerySystemTimePrecise);
SLOT(KeQueryUnbiasedInterruptTime, GlueQueryUnbiasedInterruptTime);
SLOT(KeRemoveQueueDpc, GlueRemoveQueueDpc);

/* The host's cancel-safe queues (src/host/nt/csq.c), compiled into this file's driver. */
NTSTATUS NTAPI GlueCsqInitializeEx(PIO_CSQ, PVOID, PVOID, PVOID, PVOID, PVOID, PVOID);
NTSTATUS NTAPI GlueCsqInsertIrpEx(PIO_CSQ, PIRP, PIO_CSQ_IRP_CONTEXT, PVOID);
PIRP NTAPI GlueCsqRemoveNextIrp(PIO_CSQ, PVOID);

/** What a miniport gets for a routine that Wine does not have, or only as a stub. */
static const struct {
    PCSTR Name;
    PVOID Routine;
} GlueRoutines[] = {
    {"IoCsqInitializeEx", (PVOID)GlueCsqInitializeEx},
    {"IoCsqInsertIrpEx", (PVOID)GlueCsqInsertIrpEx},
    {"IoCsqRemoveNextIrp", (PVOID)GlueCsqRemoveNextIrp},
    {"IoUnregisterPlugPlayNotificationEx", (PVOID)GlueUnregisterPlugPlayNotificationEx},
    {"KeQueryUnbiasedInterruptTime", (PVOID)GlueQueryUnbiasedInterruptTime},
    {"SeCreateClientSecurity", (PVOID)GlueCreateClientSecurity},
};

static BOOLEAN GlueSame(PCSTR One, PCSTR Other)
{
    while (*One != 0 && *One == *Other) {
        One++;
        Other++;
    }
    return *One == *Other;
}

/** Fills one slot of an import table, if it is one of ours. */
static VOID GlueFill(PCSTR Name, PVOID *Slot)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(GlueRoutines); i++) {
        if (GlueSame(Name, GlueRoutines[i].Name)) {
            DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "glue: %s\n", Name);
            *Slot = GlueRoutines[i].Routine;
        }
    }
}

/** Walks the import table of a loaded image (PE32+). */
static VOID GlueFillImports(PUCHAR Base)
{
    const UCHAR *Header = Base + *(const ULONG *)(Base + 0x3C);
    const ULONG *Row = (const ULONG *)(Base + *(const ULONG *)(Header + 0x90)); /* Imports. */

    for (; Row[3] != 0; Row += 5) {
        const ULONGLONG *Name = (const ULONGLONG *)(Base + Row[0]);
        PVOID *Slot = (PVOID *)(Base + Row[4]);

        for (; *Name != 0; Name++, Slot++) {
            GlueFill((PCSTR)(Base + *Name + 2), Slot);
        }
    }
}

/** What is exported as StorPortInitialize. */
ULONG NTAPI GlueStorPortInitialize(PVOID DriverObject, PVOID RegistryPath, PVOID Data,
                                   PVOID HwContext);
ULONG NTAPI GlueStorPortInitialize(PVOID DriverObject, PVOID RegistryPath, PVOID Data,
                                   PVOID HwContext)
{
    ULONG Status;

    GlueFillImports(((PDRIVER_OBJECT)DriverObject)->DriverStart);
    Status = StorPortInitialize(DriverObject, RegistryPath, Data, HwContext);
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL,
               "storport: StorPortInitialize returned %x\n", Status);
    return Status;
}

/** Wine calls it as a library's entry, if it calls it at all. */
BOOLEAN NTAPI DriverEntryOfStorport(PVOID Module, ULONG Reason, PVOID Reserved);
BOOLEAN NTAPI DriverEntryOfStorport(PVOID Module, ULONG Reason, PVOID Reserved)
{
    UNREFERENCED_PARAMETER(Module);
    UNREFERENCED_PARAMETER(Reason);
    UNREFERENCED_PARAMETER(Reserved);
    return TRUE;
}
