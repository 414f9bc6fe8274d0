/*
 * What can be asked of, and told to, an open file: ZwQueryInformationFile, ZwSetInformationFile,
 * ZwQueryVolumeInformationFile, ZwFlushBuffersFile and ZwFsControlFile.
 * Beside file.c; the answers come from fstat and fstatvfs of the moment, nothing is cached.
 */
#define _GNU_SOURCE
#include "nt/io_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/statvfs.h>
#include <unistd.h>

/** Looks a file handle up, checks the access, and begins the status block. */
static PFILE_OBJECT file_of(HANDLE handle, ACCESS_MASK access, NTSTATUS *status)
{
    ACCESS_MASK granted = 0;
    PFILE_OBJECT file = nt_handle_lookup(handle, &nt_file_type, &granted, status);

    if (file != NULL && (granted & access) == 0 && access != 0) {
        nt_object_dereference(file);
        *status = STATUS_ACCESS_DENIED;
        return NULL;
    }
    return file;
}

static NTSTATUS finish(PIO_STATUS_BLOCK iosb, PFILE_OBJECT file, NTSTATUS status, size_t moved)
{
    if (file != NULL) {
        nt_object_dereference(file);
    }
    iosb->Status = status;
    iosb->Information = NT_ERROR(status) ? 0 : moved;
    return status;
}

/* --- queries --- */

/** 100 ns since 1601. */
static LONGLONG nt_time(struct timespec time)
{
    return (time.tv_sec + 11644473600LL) * 10000000LL + time.tv_nsec / 100;
}

static ULONG file_attributes(const struct stat *status)
{
    ULONG attributes = S_ISDIR(status->st_mode) ? FILE_ATTRIBUTE_DIRECTORY : 0;

    attributes |= (status->st_mode & 0222) == 0 ? FILE_ATTRIBUTE_READONLY : 0;
    return attributes != 0 ? attributes : FILE_ATTRIBUTE_NORMAL;
}

union file_information {
    FILE_BASIC_INFORMATION basic;
    FILE_STANDARD_INFORMATION standard;
    FILE_INTERNAL_INFORMATION internal;
    FILE_POSITION_INFORMATION position;
    FILE_ALIGNMENT_INFORMATION alignment;
    FILE_ATTRIBUTE_TAG_INFORMATION tag;
    FILE_ID_INFORMATION id;
};

/** \return size of the answer, 0 = a class that is not answered. */
static size_t fill_information(PFILE_OBJECT file, const struct stat *status, int class,
                               union file_information *out)
{
    switch (class) {
    case FileBasicInformation:
        out->basic.CreationTime.QuadPart = nt_time(status->st_ctim);
        out->basic.LastAccessTime.QuadPart = nt_time(status->st_atim);
        out->basic.LastWriteTime.QuadPart = nt_time(status->st_mtim);
        out->basic.ChangeTime.QuadPart = nt_time(status->st_ctim);
        out->basic.FileAttributes = file_attributes(status);
        return sizeof(out->basic);
    case FileStandardInformation:
        out->standard.AllocationSize.QuadPart = (LONGLONG)status->st_blocks * 512;
        out->standard.EndOfFile.QuadPart = S_ISDIR(status->st_mode) ? 0 : status->st_size;
        out->standard.NumberOfLinks = (ULONG)status->st_nlink;
        out->standard.DeletePending = status->st_nlink == 0;
        out->standard.Directory = S_ISDIR(status->st_mode);
        return sizeof(out->standard);
    case FileInternalInformation:
        out->internal.IndexNumber.QuadPart = (LONGLONG)status->st_ino;
        return sizeof(out->internal);
    case FilePositionInformation:
        out->position.CurrentByteOffset = file->CurrentByteOffset;
        return sizeof(out->position);
    case FileAlignmentInformation:
        out->alignment.AlignmentRequirement = FILE_BYTE_ALIGNMENT;
        return sizeof(out->alignment);
    case FileAttributeTagInformation:
        out->tag.FileAttributes = file_attributes(status);
        return sizeof(out->tag);
    case FileIdInformation:
        out->id.VolumeSerialNumber = status->st_dev;
        memcpy(out->id.FileId.Identifier, &status->st_ino, sizeof(status->st_ino));
        return sizeof(out->id);
    default:
        return 0;
    }
}

NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    union file_information answer;
    struct stat posix;
    size_t size;
    NTSTATUS status;
    PFILE_OBJECT file = file_of(FileHandle, 0, &status);

    if (file == NULL) {
        return finish(IoStatusBlock, NULL, status, 0);
    }
    if (fstat(((struct fs_open *)file->FsContext2)->fd, &posix) != 0) {
        return finish(IoStatusBlock, file, nt_status_of_errno(errno), 0);
    }
    memset(&answer, 0, sizeof(answer));
    size = fill_information(file, &posix, FileInformationClass, &answer);
    if (size == 0) {
        return finish(IoStatusBlock, file, STATUS_INVALID_INFO_CLASS, 0);
    }
    if (Length < size) {
        return finish(IoStatusBlock, file, STATUS_INFO_LENGTH_MISMATCH, 0);
    }
    memcpy(FileInformation, &answer, size);
    return finish(IoStatusBlock, file, STATUS_SUCCESS, size);
}

static NTSTATUS set_end_of_file(struct fs_open *open, LONGLONG size)
{
    if (size < 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (open->directory || open->path_only) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return ftruncate(open->fd, size) == 0 ? STATUS_SUCCESS : nt_status_of_errno(errno);
}

/** Reserves space without changing the size; a smaller allocation than the size cuts the file, as
 *  on Windows. */
static NTSTATUS set_allocation(struct fs_open *open, LONGLONG size)
{
    struct stat status;

    if (size < 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (fstat(open->fd, &status) != 0) {
        return nt_status_of_errno(errno);
    }
    if (size < status.st_size) {
        return set_end_of_file(open, size);
    }
    if (size != 0 && fallocate(open->fd, FALLOC_FL_KEEP_SIZE, 0, size) != 0 &&
        errno != EOPNOTSUPP) {
        return nt_status_of_errno(errno);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    bool position = FileInformationClass == FilePositionInformation;
    LARGE_INTEGER value;
    NTSTATUS status;
    PFILE_OBJECT file = file_of(FileHandle, position ? 0 : FILE_WRITE_DATA, &status);

    if (file == NULL) {
        return finish(IoStatusBlock, NULL, status, 0);
    }
    if (!position && FileInformationClass != FileEndOfFileInformation &&
        FileInformationClass != FileAllocationInformation) {
        return finish(IoStatusBlock, file, STATUS_INVALID_INFO_CLASS, 0);
    }
    if (Length < sizeof(value)) { /* All three are one LARGE_INTEGER. */
        return finish(IoStatusBlock, file, STATUS_INFO_LENGTH_MISMATCH, 0);
    }
    memcpy(&value, FileInformation, sizeof(value));
    if (position) {
        status = value.QuadPart < 0 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
        file->CurrentByteOffset = NT_SUCCESS(status) ? value : file->CurrentByteOffset;
    } else if (FileInformationClass == FileEndOfFileInformation) {
        status = set_end_of_file(file->FsContext2, value.QuadPart);
    } else {
        status = set_allocation(file->FsContext2, value.QuadPart);
    }
    return finish(IoStatusBlock, file, status, 0);
}

/* --- the volume --- */

union volume_information {
    FILE_FS_DEVICE_INFORMATION device;
    FILE_FS_SIZE_INFORMATION size;
    FILE_FS_FULL_SIZE_INFORMATION full;
};

static size_t fill_volume(PFILE_OBJECT file, const struct statvfs *volume, int class,
                          union volume_information *out)
{
    ULONG sectors = (ULONG)(volume->f_frsize / 512);

    switch (class) {
    case FileFsDeviceInformation: {
        bool remote = ((struct fs_open *)file->FsContext2)->remote;
        out->device.DeviceType = remote ? FILE_DEVICE_NETWORK_FILE_SYSTEM : FILE_DEVICE_DISK;
        out->device.Characteristics =
            FILE_DEVICE_IS_MOUNTED | (remote ? FILE_REMOTE_DEVICE : 0) |
            ((volume->f_flag & ST_RDONLY) != 0 ? FILE_READ_ONLY_DEVICE : 0);
        return sizeof(out->device);
    }
    case FileFsSizeInformation:
        out->size.TotalAllocationUnits.QuadPart = (LONGLONG)volume->f_blocks;
        out->size.AvailableAllocationUnits.QuadPart = (LONGLONG)volume->f_bavail;
        out->size.SectorsPerAllocationUnit = sectors;
        out->size.BytesPerSector = 512;
        return sizeof(out->size);
    case FileFsFullSizeInformation:
        out->full.TotalAllocationUnits.QuadPart = (LONGLONG)volume->f_blocks;
        out->full.CallerAvailableAllocationUnits.QuadPart = (LONGLONG)volume->f_bavail;
        out->full.ActualAvailableAllocationUnits.QuadPart = (LONGLONG)volume->f_bfree;
        out->full.SectorsPerAllocationUnit = sectors;
        out->full.BytesPerSector = 512;
        return sizeof(out->full);
    default:
        return 0;
    }
}

NTSTATUS NTAPI ZwQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                            PVOID FsInformation, ULONG Length,
                                            FS_INFORMATION_CLASS FsInformationClass)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    union volume_information answer;
    struct statvfs volume;
    NTSTATUS status;
    PFILE_OBJECT file = file_of(FileHandle, 0, &status);
    size_t size;

    if (file == NULL) {
        return finish(IoStatusBlock, NULL, status, 0);
    }
    if (fstatvfs(((struct fs_open *)file->FsContext2)->fd, &volume) != 0) {
        return finish(IoStatusBlock, file, nt_status_of_errno(errno), 0);
    }
    memset(&answer, 0, sizeof(answer));
    size = fill_volume(file, &volume, FsInformationClass, &answer);
    if (size == 0 || Length < size) {
        return finish(IoStatusBlock, file,
                      size == 0 ? STATUS_INVALID_INFO_CLASS : STATUS_INFO_LENGTH_MISMATCH, 0);
    }
    memcpy(FsInformation, &answer, size);
    return finish(IoStatusBlock, file, STATUS_SUCCESS, size);
}

/* --- flush --- */

/** The flush goes down the stack as an IRP, like a driver's own: whoever filters the file system
 *  sees it. */
NTSTATUS NTAPI ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    NTSTATUS status;
    PFILE_OBJECT file = file_of(FileHandle, FILE_WRITE_DATA | FILE_APPEND_DATA, &status);

    if (file == NULL) {
        return finish(IoStatusBlock, NULL, status, 0);
    }
    PDEVICE_OBJECT top = IoGetRelatedDeviceObject(file);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    if (irp == NULL) {
        return finish(IoStatusBlock, file, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoGetNextIrpStackLocation(irp)->FileObject = file;
    status = nt_irp_send(top, irp);
    IoFreeIrp(irp);
    return finish(IoStatusBlock, file, status, 0);
}

/* --- file system controls --- */

/** Sends the control as the IRP that a driver would send; fscontrol.c does it. */
static NTSTATUS control_send(PFILE_OBJECT file, ULONG code, void *input, ULONG input_length,
                             void *output, ULONG output_length, ULONG_PTR *written)
{
    PDEVICE_OBJECT top = IoGetRelatedDeviceObject(file);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    PIO_STACK_LOCATION location;
    NTSTATUS status;

    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    location->MinorFunction = IRP_MN_USER_FS_REQUEST;
    location->FileObject = file;
    location->Parameters.FileSystemControl.FsControlCode = code;
    location->Parameters.FileSystemControl.InputBufferLength = input_length;
    location->Parameters.FileSystemControl.OutputBufferLength = output_length;
    location->Parameters.FileSystemControl.Type3InputBuffer = input;
    irp->AssociatedIrp.SystemBuffer = input;
    irp->UserBuffer = output;
    status = nt_irp_send(top, irp);
    *written = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return status;
}

NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    ULONG_PTR written = 0;
    NTSTATUS status;
    PFILE_OBJECT file = file_of(FileHandle, 0, &status);
    PKEVENT event = NULL;

    UNREFERENCED_PARAMETER(ApcContext);
    if (file == NULL || ApcRoutine != NULL) {
        return finish(IoStatusBlock, file, file == NULL ? status : STATUS_NOT_SUPPORTED, 0);
    }
    if (Event != NULL && (event = nt_handle_lookup(Event, &nt_event_type, NULL, &status)) == NULL) {
        return finish(IoStatusBlock, file, status, 0);
    }
    status = control_send(file, FsControlCode, InputBuffer, InputBufferLength, OutputBuffer,
                          OutputBufferLength, &written);
    finish(IoStatusBlock, file, status, written);
    if (event != NULL) {
        nt_set_event(event);
        nt_object_dereference(event);
    }
    return status;
}
