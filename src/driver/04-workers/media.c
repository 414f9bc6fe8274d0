/**
 * \file
 * The backing file: DO_CREATE and DO_CLOSE.
 *
 * The file is opened by a thread of ours, in the system process, which may open anything; so it
 * puts on the caller's identity first. That alone is not enough: a kernel-mode ZwCreateFile skips
 * the access check altogether unless OBJ_FORCE_ACCESS_CHECK asks for it. With both, a caller gets
 * no file that he could not open himself.
 */
#include "04-workers/media.h"

/** Opens the file with the rights of the client. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiMediaCreateFile(_In_ PVMINI_MEDIA_OPEN Open, _Out_ PHANDLE File)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status;

    //! [as-the-caller]
    InitializeObjectAttributes(&Attributes, &Open->Path,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE | OBJ_FORCE_ACCESS_CHECK,
                               NULL, NULL);
    Status = SeImpersonateClientEx(Open->Client, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status; /* Never open it as ourselves instead. */
    }
    /* Not for synchronous I/O: many requests may be under way. Others may read the image, nobody
     * may write it. */
    Status = ZwCreateFile(
        File, Open->ReadOnly ? FILE_GENERIC_READ : FILE_GENERIC_READ | FILE_GENERIC_WRITE,
        &Attributes, &IoStatus, NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, FILE_OPEN,
        FILE_NON_DIRECTORY_FILE | FILE_RANDOM_ACCESS, NULL, 0);
    PsRevertToSelf();
    //! [as-the-caller]
    return Status;
}

/** Learns how long the file is, and whether a redirector serves it. \irql{PASSIVE_LEVEL} */
static NTSTATUS VminiMediaQuery(_Inout_ PVMINI_MEDIA Media)
{
    FILE_STANDARD_INFORMATION Standard;
    FILE_FS_DEVICE_INFORMATION Device;
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status;

    Status = ZwQueryInformationFile(Media->File, &IoStatus, &Standard, sizeof(Standard),
                                    FileStandardInformation);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Media->Size = (ULONGLONG)Standard.EndOfFile.QuadPart;
    Status = ZwQueryVolumeInformationFile(Media->File, &IoStatus, &Device, sizeof(Device),
                                          FileFsDeviceInformation);
    if (NT_SUCCESS(Status)) {
        Media->Remote = (Device.Characteristics & FILE_REMOTE_DEVICE) != 0;
    }
    return Status;
}

/** Frees the record and what it holds, without a flush. \irql{PASSIVE_LEVEL} */
static VOID VminiMediaFree(_In_ _Post_invalid_ PVMINI_MEDIA Media)
{
    if (Media->FileObject != NULL) {
        ObDereferenceObject(Media->FileObject);
    }
    if (Media->File != NULL) {
        ZwClose(Media->File);
    }
    ExFreePoolWithTag(Media, VMINI_TAG_MEDIA);
}

_Use_decl_annotations_ NTSTATUS VminiMediaOpen(PVMINI_MEDIA_OPEN Open)
{
    PVMINI_MEDIA Media;
    NTSTATUS Status;

    Open->Media = NULL;
    Media = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Media), VMINI_TAG_MEDIA);
    if (Media == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Media, sizeof(*Media));
    Media->ReadOnly = Open->ReadOnly;
    Status = VminiMediaCreateFile(Open, &Media->File);
    if (NT_SUCCESS(Status)) {
        /* The file object, so that read and write IRPs can be sent straight to the file system. */
        Status = ObReferenceObjectByHandle(Media->File, FILE_READ_DATA, *IoFileObjectType,
                                           KernelMode, (PVOID *)&Media->FileObject, NULL);
    } else {
        Media->File = NULL;
    }
    if (NT_SUCCESS(Status)) {
        Media->FileSystem = IoGetRelatedDeviceObject(Media->FileObject);
        Status = VminiMediaQuery(Media);
    }
    if (!NT_SUCCESS(Status)) {
        VminiMediaFree(Media);
        return Status;
    }
    Open->Media = Media;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_ NTSTATUS VminiMediaClose(PVMINI_MEDIA Media)
{
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status = STATUS_SUCCESS;

    if (!Media->ReadOnly) {
        Status = ZwFlushBuffersFile(Media->File, &IoStatus);
    }
    VminiMediaFree(Media);
    return Status;
}
