/*
 * Uses every family of kernel routine once, as a driver would, in functions that nobody calls. It
 * is compiled, never run: natively by gcc and clang against src/host/wdk/nt, and by mingw against
 * its own DDK with src/host/wdk/mingw in front. That all three accept one source, and that its
 * import lists are the same, is what wdk_abi.py checks. In a folder of its own, because the abi
 * runner could not link it.
 */
#include <initguid.h>
#include <ntifs.h>
#include <ntstrsafe.h>
#include <storport.h>
#include <srbhelper.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <wdmguid.h>
#include <ioevent.h>

#define SMOKE_TAG 0x656b6d53 /* "Smke" in memory */

typedef struct _SMOKE_ITEM {
    LIST_ENTRY Link;
    SINGLE_LIST_ENTRY Next;
    LONG volatile References;
    LONG64 volatile Bytes;
    PVOID volatile Owner;
} SMOKE_ITEM, *PSMOKE_ITEM;

typedef struct _SMOKE_STATE {
    KSPIN_LOCK Lock;
    FAST_MUTEX FastMutex;
    KEVENT Event;
    KMUTEX Mutex;
    KSEMAPHORE Semaphore;
    KTIMER Timer;
    KDPC Dpc;
    IO_CSQ Queue;
    IO_REMOVE_LOCK RemoveLock;
    LIST_ENTRY Items;
    SINGLE_LIST_ENTRY Free;
    PDEVICE_OBJECT Lower;
    PVOID Notification;
} SMOKE_STATE, *PSMOKE_STATE;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SmokeUnload;
DRIVER_ADD_DEVICE SmokeAddDevice;
DRIVER_DISPATCH SmokeDispatch;
DRIVER_CANCEL SmokeCancel;
IO_COMPLETION_ROUTINE SmokeCompletion;
IO_WORKITEM_ROUTINE SmokeWork;
KSTART_ROUTINE SmokeThread;
KDEFERRED_ROUTINE SmokeDpc;
DRIVER_NOTIFICATION_CALLBACK_ROUTINE SmokeNotify;
IO_CSQ_INSERT_IRP SmokeCsqInsert;
IO_CSQ_REMOVE_IRP SmokeCsqRemove;
IO_CSQ_PEEK_NEXT_IRP SmokeCsqPeek;
IO_CSQ_ACQUIRE_LOCK SmokeCsqAcquire;
IO_CSQ_RELEASE_LOCK SmokeCsqRelease;
IO_CSQ_COMPLETE_CANCELED_IRP SmokeCsqComplete;

VOID SmokeIrql(PSMOKE_STATE State);
VOID SmokeLists(PSMOKE_STATE State);
VOID SmokeAtomics(PSMOKE_ITEM Item);
VOID SmokeDispatcher(PSMOKE_STATE State);
VOID SmokeTimers(PSMOKE_STATE State);
NTSTATUS SmokeStartThread(PVOID *Thread);
NTSTATUS SmokeTransfer(PSMOKE_STATE State, PFILE_OBJECT File, PMDL Source);
NTSTATUS SmokeFile(PUNICODE_STRING Path, PVOID Buffer, ULONG Length, PFILE_OBJECT *Object);
NTSTATUS SmokeFileQueries(HANDLE File, PULONGLONG Size);
NTSTATUS SmokeSparse(HANDLE File, LONGLONG From, LONGLONG To);
NTSTATUS SmokeRegistry(PUNICODE_STRING Path, PULONG Value);
NTSTATUS SmokeImpersonate(PIRP Irp);
NTSTATUS SmokeStrings(PUNICODE_STRING Out);
NTSTATUS SmokePnp(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo, PFILE_OBJECT File, PSMOKE_STATE State);
NTSTATUS SmokeQueue(PSMOKE_STATE State, PIRP Irp);
UCHAR SmokeSrb(PVOID Srb);

/* ---- IRQL, spin locks, pool. */
_Use_decl_annotations_ VOID SmokeIrql(PSMOKE_STATE State)
{
    KLOCK_QUEUE_HANDLE handle;
    KIRQL irql;
    PSMOKE_ITEM item;

    PAGED_CODE();
    KeInitializeSpinLock(&State->Lock);
    KeAcquireSpinLock(&State->Lock, &irql);
    NT_ASSERT(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeReleaseSpinLock(&State->Lock, irql);
    irql = KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(&State->Lock);
    KeReleaseSpinLockFromDpcLevel(&State->Lock);
    KeLowerIrql(irql);
    KeRaiseIrql(APC_LEVEL, &irql);
    KeLowerIrql(irql);
    KeAcquireInStackQueuedSpinLock(&State->Lock, &handle);
    KeReleaseInStackQueuedSpinLock(&handle);
    item = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*item), SMOKE_TAG);
    if (item != NULL) {
        RtlZeroMemory(item, sizeof(*item));
        ExFreePoolWithTag(item, SMOKE_TAG);
    }
    item = ExAllocatePoolWithTag(PagedPool, sizeof(*item), SMOKE_TAG);
    if (item == NULL) {
        KeBugCheckEx(MEMORY_MANAGEMENT, 0, 0, 0, 0);
    }
    ExFreePool(item);
}

VOID SmokeLists(PSMOKE_STATE State)
{
    PSMOKE_ITEM item = NULL;
    PSINGLE_LIST_ENTRY entry;

    InitializeListHead(&State->Items);
    while (!IsListEmpty(&State->Items)) {
        PLIST_ENTRY link = RemoveHeadList(&State->Items);

        item = CONTAINING_RECORD(link, SMOKE_ITEM, Link);
        InsertTailList(&State->Items, &item->Link);
        InsertHeadList(&State->Items, &item->Link);
        (void)RemoveEntryList(&item->Link);
        (void)RemoveTailList(&State->Items);
        AppendTailList(&State->Items, &item->Link);
        PushEntryList(&State->Free, &item->Next);
    }
    entry = PopEntryList(&State->Free);
    if (entry != NULL && item != NULL) {
        (void)ExInterlockedInsertTailList(&State->Items, &item->Link, &State->Lock);
        (void)ExInterlockedInsertHeadList(&State->Items, &item->Link, &State->Lock);
        (void)ExInterlockedRemoveHeadList(&State->Items, &State->Lock);
        (void)ExInterlockedPushEntryList(&State->Free, entry, &State->Lock);
        (void)ExInterlockedPopEntryList(&State->Free, &State->Lock);
    }
}

VOID SmokeAtomics(PSMOKE_ITEM Item)
{
    (void)InterlockedIncrement(&Item->References);
    (void)InterlockedExchange(&Item->References, 3);
    (void)InterlockedExchangeAdd(&Item->References, 3);
    (void)InterlockedCompareExchange(&Item->References, 1, 0);
    (void)InterlockedOr(&Item->References, 4);
    (void)InterlockedAnd(&Item->References, 4);
    (void)InterlockedExchangePointer(&Item->Owner, NULL);
    (void)InterlockedCompareExchangePointer(&Item->Owner, Item, NULL);
    (void)InterlockedIncrement64(&Item->Bytes);
    (void)InterlockedExchangeAdd64(&Item->Bytes, 512);
    (void)InterlockedCompareExchange64(&Item->Bytes, 1, 0);
    KeMemoryBarrier();
    if (InterlockedDecrement(&Item->References) == 0) {
        DbgPrint("%s", "last\n");
    }
}

/* ---- Waiting. */
VOID SmokeDispatcher(PSMOKE_STATE State)
{
    LARGE_INTEGER timeout = {.QuadPart = -10000};
    PVOID objects[2] = {&State->Event, &State->Semaphore};
    NTSTATUS status;

    KeInitializeEvent(&State->Event, SynchronizationEvent, FALSE);
    KeInitializeMutex(&State->Mutex, 0);
    KeInitializeSemaphore(&State->Semaphore, 0, MAXLONG);
    ExInitializeFastMutex(&State->FastMutex);
    ExAcquireFastMutex(&State->FastMutex);
    ExReleaseFastMutex(&State->FastMutex);
    (void)KeSetEvent(&State->Event, IO_NO_INCREMENT, FALSE);
    (void)KeResetEvent(&State->Event);
    KeClearEvent(&State->Event);
    (void)KeReadStateEvent(&State->Event);
    (void)KeReleaseSemaphore(&State->Semaphore, IO_NO_INCREMENT, 1, FALSE);
    status = KeWaitForSingleObject(&State->Mutex, Executive, KernelMode, FALSE, NULL);
    if (status == STATUS_SUCCESS) {
        (void)KeReleaseMutex(&State->Mutex, FALSE);
    }
    status = KeWaitForMultipleObjects(RTL_NUMBER_OF(objects), objects, WaitAny, Executive,
                                      KernelMode, FALSE, &timeout, NULL);
    if (status == STATUS_TIMEOUT) {
        (void)KeDelayExecutionThread(KernelMode, FALSE, &timeout);
    }
    KeEnterCriticalRegion();
    NT_ASSERT(KeAreApcsDisabled());
    KeLeaveCriticalRegion();
}

_Use_decl_annotations_ VOID NTAPI SmokeDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                           PVOID SystemArgument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    (void)KeSetEvent(&((PSMOKE_STATE)DeferredContext)->Event, EVENT_INCREMENT, FALSE);
}

VOID SmokeTimers(PSMOKE_STATE State)
{
    LARGE_INTEGER due = {.QuadPart = -10000};
    LARGE_INTEGER now;

    KeInitializeTimer(&State->Timer);
    KeInitializeTimerEx(&State->Timer, SynchronizationTimer);
    KeInitializeDpc(&State->Dpc, SmokeDpc, State);
    (void)KeSetTimer(&State->Timer, due, &State->Dpc);
    (void)KeSetTimerEx(&State->Timer, due, 1000, &State->Dpc);
    (void)KeCancelTimer(&State->Timer);
    (void)KeInsertQueueDpc(&State->Dpc, NULL, NULL);
    (void)KeRemoveQueueDpc(&State->Dpc);
    KeFlushQueuedDpcs();
    KeQuerySystemTime(&now);
    now.QuadPart += (LONGLONG)KeQueryInterruptTime();
    KeQueryTickCount(&now);
    (void)KeQueryTimeIncrement();
    (void)KeQueryActiveProcessorCount(NULL);
    (void)KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
    (void)KeGetCurrentProcessorNumberEx(NULL);
}

/* ---- Threads and objects. */
_Use_decl_annotations_ VOID NTAPI SmokeThread(PVOID StartContext)
{
    UNREFERENCED_PARAMETER(StartContext);
    (void)KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    (void)PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS SmokeStartThread(PVOID *Thread)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, SmokeThread,
                                  NULL);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status =
        ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, Thread, NULL);
    (void)ZwClose(handle);
    if (NT_SUCCESS(status)) {
        ObReferenceObject(*Thread);
        (void)KeWaitForSingleObject(*Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(*Thread);
    }
    return status;
}

/* ---- IRPs and MDLs. */
_Use_decl_annotations_ NTSTATUS NTAPI SmokeCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                      PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeMdl(Irp->MdlAddress);
    Irp->MdlAddress = NULL;
    IoFreeIrp(Irp);
    (void)KeSetEvent(&((PSMOKE_STATE)Context)->Event, IO_DISK_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS SmokeTransfer(PSMOKE_STATE State, PFILE_OBJECT File, PMDL Source)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(File);
    PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
    PMDL mdl = IoAllocateMdl(MmGetMdlVirtualAddress(Source), MmGetMdlByteCount(Source), FALSE,
                             FALSE, NULL);
    PIO_STACK_LOCATION location;

    if (irp == NULL || mdl == NULL ||
        MmGetSystemAddressForMdlSafe(Source, NormalPagePriority | MdlMappingNoExecute) == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    IoBuildPartialMdl(Source, mdl, MmGetMdlVirtualAddress(Source), MmGetMdlByteCount(Source));
    irp->MdlAddress = mdl;
    irp->Flags = IRP_NOCACHE | IRP_WRITE_OPERATION;
    irp->RequestorMode = KernelMode;
    irp->UserIosb = NULL;
    irp->Tail.Overlay.Thread = PsGetCurrentThread();
    irp->Tail.Overlay.OriginalFileObject = File;
    location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = IRP_MJ_WRITE;
    location->MinorFunction = IRP_MN_NORMAL;
    location->Flags = SL_WRITE_THROUGH;
    location->FileObject = File;
    location->DeviceObject = device;
    location->Parameters.Write.Length = MmGetMdlByteCount(mdl);
    location->Parameters.Write.ByteOffset.QuadPart = MmGetMdlByteOffset(mdl);
    IoSetCompletionRoutine(irp, SmokeCompletion, State, TRUE, TRUE, TRUE);
    (void)IoCallDriver(device, irp);
    (void)IoCancelIrp(irp);
    IoReuseIrp(irp, STATUS_SUCCESS);
    MmBuildMdlForNonPagedPool(mdl);
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    MmUnlockPages(mdl);
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID NTAPI SmokeCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

_Use_decl_annotations_ NTSTATUS NTAPI SmokeDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSMOKE_STATE state = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&state->RemoveLock, Irp);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    if (location->Parameters.DeviceIoControl.IoControlCode == IOCTL_SCSI_MINIPORT) {
        IoMarkIrpPending(Irp);
        (void)IoSetCancelRoutine(Irp, SmokeCancel);
        return STATUS_PENDING;
    }
    if (location->MinorFunction == IRP_MN_REMOVE_DEVICE) {
        IoReleaseRemoveLockAndWait(&state->RemoveLock, Irp);
        IoCopyCurrentIrpStackLocationToNext(Irp);
    } else {
        IoReleaseRemoveLock(&state->RemoveLock, Irp);
        IoSkipCurrentIrpStackLocation(Irp);
    }
    return IoCallDriver(state->Lower, Irp);
}

/* ---- Cancel-safe queue. */
_Use_decl_annotations_ VOID NTAPI SmokeCsqInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, SMOKE_STATE, Queue)->Items,
                   &Irp->Tail.Overlay.ListEntry);
}

_Use_decl_annotations_ VOID NTAPI SmokeCsqRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    (void)RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

_Use_decl_annotations_ PIRP NTAPI SmokeCsqPeek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PLIST_ENTRY head = &CONTAINING_RECORD(Csq, SMOKE_STATE, Queue)->Items;
    PLIST_ENTRY next = Irp == NULL ? head->Flink : Irp->Tail.Overlay.ListEntry.Flink;

    UNREFERENCED_PARAMETER(PeekContext);
    return next == head ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

_Use_decl_annotations_ VOID NTAPI SmokeCsqAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, SMOKE_STATE, Queue)->Lock, Irql);
}

_Use_decl_annotations_ VOID NTAPI SmokeCsqRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, SMOKE_STATE, Queue)->Lock, Irql);
}

_Use_decl_annotations_ VOID NTAPI SmokeCsqComplete(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

NTSTATUS SmokeQueue(PSMOKE_STATE State, PIRP Irp)
{
    IO_CSQ_IRP_CONTEXT context;
    NTSTATUS status = IoCsqInitialize(&State->Queue, SmokeCsqInsert, SmokeCsqRemove, SmokeCsqPeek,
                                      SmokeCsqAcquire, SmokeCsqRelease, SmokeCsqComplete);

    if (NT_SUCCESS(status)) {
        IoCsqInsertIrp(&State->Queue, Irp, &context);
        (void)IoCsqRemoveIrp(&State->Queue, &context);
        (void)IoCsqRemoveNextIrp(&State->Queue, NULL);
    }
    return status;
}

/* ---- Files. */
NTSTATUS SmokeFile(PUNICODE_STRING Path, PVOID Buffer, ULONG Length, PFILE_OBJECT *Object)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER offset = {.QuadPart = 0};
    HANDLE file;
    PVOID object;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, Path,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE | OBJ_FORCE_ACCESS_CHECK,
                               NULL, NULL);
    status = ZwCreateFile(&file, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, &iosb,
                          NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, FILE_OPEN,
                          FILE_NON_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING, NULL, 0);
    if (!NT_SUCCESS(status)) {
        return ZwOpenFile(&file, GENERIC_READ | SYNCHRONIZE, &attributes, &iosb, FILE_SHARE_READ,
                          FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    }
    status = ZwReadFile(file, NULL, NULL, NULL, &iosb, Buffer, Length, &offset, NULL);
    if (status == STATUS_PENDING) {
        (void)ZwWaitForSingleObject(file, FALSE, NULL);
    }
    (void)ZwWriteFile(file, NULL, NULL, NULL, &iosb, Buffer, Length, &offset, NULL);
    (void)ZwFlushBuffersFile(file, &iosb);
    status = ObReferenceObjectByHandle(file, FILE_READ_DATA | FILE_WRITE_DATA, *IoFileObjectType,
                                       KernelMode, &object, NULL);
    *Object = object;
    (void)ZwClose(file);
    return status;
}

NTSTATUS SmokeFileQueries(HANDLE File, PULONGLONG Size)
{
    IO_STATUS_BLOCK iosb;
    FILE_STANDARD_INFORMATION standard;
    FILE_BASIC_INFORMATION basic;
    FILE_INTERNAL_INFORMATION internal;
    FILE_ALIGNMENT_INFORMATION alignment;
    FILE_END_OF_FILE_INFORMATION end = {.EndOfFile.QuadPart = 0};
    FILE_FS_DEVICE_INFORMATION device;
    FILE_FS_SIZE_INFORMATION space;
    NTSTATUS status;

    (void)ZwQueryInformationFile(File, &iosb, &basic, sizeof(basic), FileBasicInformation);
    (void)ZwQueryInformationFile(File, &iosb, &internal, sizeof(internal), FileInternalInformation);
    (void)ZwQueryInformationFile(File, &iosb, &alignment, sizeof(alignment),
                                 FileAlignmentInformation);
    (void)ZwSetInformationFile(File, &iosb, &end, sizeof(end), FileEndOfFileInformation);
    (void)ZwQueryVolumeInformationFile(File, &iosb, &device, sizeof(device),
                                       FileFsDeviceInformation);
    (void)ZwQueryVolumeInformationFile(File, &iosb, &space, sizeof(space), FileFsSizeInformation);
    status =
        ZwQueryInformationFile(File, &iosb, &standard, sizeof(standard), FileStandardInformation);
    *Size = (ULONGLONG)standard.EndOfFile.QuadPart;
    return status;
}

NTSTATUS SmokeSparse(HANDLE File, LONGLONG From, LONGLONG To)
{
    IO_STATUS_BLOCK iosb;
    FILE_ZERO_DATA_INFORMATION zero;
    FILE_ALLOCATED_RANGE_BUFFER range;

    (void)ZwFsControlFile(File, NULL, NULL, NULL, &iosb, FSCTL_SET_SPARSE, NULL, 0, NULL, 0);
    zero.FileOffset.QuadPart = From;
    zero.BeyondFinalZero.QuadPart = To;
    (void)ZwFsControlFile(File, NULL, NULL, NULL, &iosb, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero),
                          NULL, 0);
    range.FileOffset.QuadPart = From;
    range.Length.QuadPart = To - From;
    return ZwFsControlFile(File, NULL, NULL, NULL, &iosb, FSCTL_QUERY_ALLOCATED_RANGES, &range,
                           sizeof(range), &range, sizeof(range));
}

/* ---- Registry. */
NTSTATUS SmokeRegistry(PUNICODE_STRING Path, PULONG Value)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Value");
    UCHAR buffer[FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION info = (PKEY_VALUE_PARTIAL_INFORMATION)(PVOID)buffer;
    HANDLE key;
    ULONG length;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, Path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    status = ZwOpenKey(&key, KEY_READ, &attributes);
    if (!NT_SUCCESS(status)) {
        status = ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
    }
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ZwQueryValueKey(key, &name, KeyValuePartialInformation, info, sizeof(buffer), &length);
    if (NT_SUCCESS(status) && info->Type == REG_DWORD && info->DataLength == sizeof(ULONG)) {
        RtlCopyMemory(Value, info->Data, sizeof(ULONG));
    }
    (void)ZwEnumerateValueKey(key, 0, KeyValuePartialInformation, info, sizeof(buffer), &length);
    (void)ZwEnumerateKey(key, 0, KeyBasicInformation, NULL, 0, &length);
    (void)ZwSetValueKey(key, &name, 0, REG_DWORD, Value, sizeof(*Value));
    (void)ZwClose(key);
    return status;
}

/* ---- Security. */
NTSTATUS SmokeImpersonate(PIRP Irp)
{
    SECURITY_QUALITY_OF_SERVICE qos = {sizeof(qos), SecurityImpersonation, SECURITY_STATIC_TRACKING,
                                       FALSE};
    SECURITY_CLIENT_CONTEXT client;
    SECURITY_SUBJECT_CONTEXT subject;
    PACCESS_TOKEN token;
    NTSTATUS status;

    if (!SeSinglePrivilegeCheck(RtlConvertLongToLuid(SE_MANAGE_VOLUME_PRIVILEGE),
                                Irp->RequestorMode) ||
        IoIs32bitProcess(Irp) || IoGetRequestorProcessId(Irp) == 0) {
        return STATUS_PRIVILEGE_NOT_HELD;
    }
    status = SeCreateClientSecurity(PsGetCurrentThread(), &qos, FALSE, &client);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = SeImpersonateClientEx(&client, NULL);
    if (NT_SUCCESS(status)) {
        PsRevertToSelf();
    }
    SeDeleteClientSecurity(&client);
    SeCaptureSubjectContext(&subject);
    (void)SeTokenIsAdmin(SeQuerySubjectContextToken(&subject));
    SeReleaseSubjectContext(&subject);
    token = PsReferencePrimaryToken(IoGetRequestorProcess(Irp));
    PsDereferencePrimaryToken(token);
    return status;
}

/* ---- Strings and debug output. */
NTSTATUS SmokeStrings(PUNICODE_STRING Out)
{
    DECLARE_CONST_UNICODE_STRING(prefix, L"\\??\\");
    WCHAR buffer[64];
    CHAR narrow[64];
    UNICODE_STRING text;
    ULONG value;
    SIZE_T length;
    RTL_OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};

    RtlInitUnicodeString(&text, L"C:\\disk.img");
    RtlCopyUnicodeString(Out, &prefix);
    (void)RtlAppendUnicodeStringToString(Out, &text);
    (void)RtlAppendUnicodeToString(Out, L".bak");
    (void)RtlCompareUnicodeString(Out, &text, TRUE);
    (void)RtlUnicodeStringToInteger(&text, 10, &value);
    (void)RtlIntegerToUnicodeString(value, 10, Out);
    (void)RtlHashUnicodeString(Out, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &value);
    buffer[0] = RtlUpcaseUnicodeChar(L'x');
    (void)RtlGetVersion(&version);
    if (NT_SUCCESS(RtlStringFromGUID(&GUID_TARGET_DEVICE_QUERY_REMOVE, &text))) {
        RtlFreeUnicodeString(&text);
    }
    (void)RtlStringCbLengthW(buffer, sizeof(buffer), &length);
    (void)RtlStringCchCopyW(buffer, RTL_NUMBER_OF(buffer), L"copy");
    (void)RtlStringCbCopyW(buffer, sizeof(buffer), L"copy");
    (void)RtlStringCbCatW(buffer, sizeof(buffer), L"cat");
    (void)RtlStringCbPrintfW(buffer, sizeof(buffer), L"%wZ %u", Out, value);
    (void)RtlStringCbPrintfA(narrow, sizeof(narrow), "%wZ %u", Out, value);
    (void)RtlUnicodeStringCopyString(Out, buffer);
    DbgPrintEx(DPFLTR_STORMINIPORT_ID, DPFLTR_INFO_LEVEL, "%wZ %I64x\n", Out, (ULONGLONG)value);
    KdPrint(("%s\n", narrow));
    return RtlUnicodeStringCopy(Out, &prefix);
}

/* ---- Plug and Play, device objects, work items. */
_Use_decl_annotations_ NTSTATUS NTAPI SmokeNotify(PVOID NotificationStructure, PVOID Context)
{
    PTARGET_DEVICE_REMOVAL_NOTIFICATION notification = NotificationStructure;
    PSMOKE_STATE state = Context;

    if (IsEqualGUID(&notification->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE) ||
        IsEqualGUID(&notification->Event, &GUID_IO_VOLUME_DISMOUNT)) {
        (void)IoUnregisterPlugPlayNotificationEx(state->Notification);
    }
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID NTAPI SmokeWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeWorkItem(Context);
}

NTSTATUS SmokePnp(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo, PFILE_OBJECT File, PSMOKE_STATE State)
{
    UNICODE_STRING link;
    HANDLE key;
    ULONG number;
    ULONG length;
    PIO_WORKITEM item = IoAllocateWorkItem(Pdo);
    NTSTATUS status = IoRegisterDeviceInterface(Pdo, &GUID_DEVINTERFACE_DISK, NULL, &link);

    if (item == NULL || !NT_SUCCESS(status)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    (void)IoSetDeviceInterfaceState(&link, TRUE);
    RtlFreeUnicodeString(&link);
    IoQueueWorkItem(item, SmokeWork, DelayedWorkQueue, item);
    (void)IoGetDeviceProperty(Pdo, DevicePropertyAddress, sizeof(number), &number, &length);
    status = IoOpenDeviceRegistryKey(Pdo, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &key);
    if (NT_SUCCESS(status)) {
        (void)ZwClose(key);
    }
    IoInvalidateDeviceRelations(Pdo, BusRelations);
    IoRequestDeviceEject(Pdo);
    return IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, File, Driver,
                                          SmokeNotify, State, &State->Notification);
}

_Use_decl_annotations_ NTSTATUS NTAPI SmokeAddDevice(PDRIVER_OBJECT DriverObject,
                                                     PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT device;
    PSMOKE_STATE state;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(SMOKE_STATE), NULL, FILE_DEVICE_DISK,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &device);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    state = device->DeviceExtension;
    IoInitializeRemoveLock(&state->RemoveLock, SMOKE_TAG, 0, 0);
    state->Lower = IoAttachDeviceToDeviceStack(device, PhysicalDeviceObject);
    if (state->Lower == NULL) {
        IoDeleteDevice(device);
        return STATUS_NO_SUCH_DEVICE;
    }
    device->Flags &= (ULONG)~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

/* ---- SRBs, legacy or extended, through srbhelper.h. */
UCHAR SmokeSrb(PVOID Srb)
{
    PCDB cdb = SrbGetCdb(Srb);

    if (cdb == NULL || cdb->CDB6GENERIC.OperationCode != SCSIOP_TEST_UNIT_READY) {
        SrbSetDataTransferLength(Srb, 0);
        return SRB_STATUS_INVALID_REQUEST;
    }
    return SRB_STATUS_SUCCESS;
}

_Use_decl_annotations_ VOID NTAPI SmokeUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

_Use_decl_annotations_ NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject,
                                                  PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA data;
    ULONG i;

    RtlZeroMemory(&data, sizeof(data));
    data.HwInitializationDataSize = sizeof(data);
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        DriverObject->MajorFunction[i] = SmokeDispatch;
    }
    DriverObject->DriverExtension->AddDevice = SmokeAddDevice;
    DriverObject->DriverUnload = SmokeUnload;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &data, NULL);
}
