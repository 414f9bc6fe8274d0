/*
 * Opening files: ZwCreateFile and ZwOpenFile, with dispositions, options, share access and the
 * rights of the user who opens; the file object's life (cleanup when its last handle is closed,
 * close when its last reference is gone). Above fspath.c, which finds the file, and fsd.c, which
 * does the I/O.
 */
#define _GNU_SOURCE
#include "nt/io_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/** What an open asks for, and what it has come to. */
struct opening {
    ACCESS_MASK access; /* Generic rights resolved. */
    ULONG share, disposition, options, attributes;
    const struct nt_token *who; /* NULL: nothing is checked. */
    struct fs_name name;
    struct fs_place place;
    bool created, truncate;
    int fd;
    struct stat status;
};

/* --- the file object --- */

/** Sends IRP_MJ_CLEANUP or IRP_MJ_CLOSE; the file system's own routines for them do not pend. */
static void file_send(PFILE_OBJECT file, UCHAR major)
{
    PDEVICE_OBJECT top = IoGetRelatedDeviceObject(file);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    PIO_STACK_LOCATION location;

    if (irp == NULL) { /* Low resources must not leak the file. */
        nt_io_fail(NT_IO_FAIL_IRP, 0, false);
        irp = IoAllocateIrp(top->StackSize, FALSE);
    }
    location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = major;
    location->FileObject = file;
    nt_irp_send(top, irp);
    IoFreeIrp(irp);
}

static void file_close(void *body)
{
    file_send(body, IRP_MJ_CLEANUP);
}

static void file_destroy(void *body)
{
    PFILE_OBJECT file = body;

    if (file->FsContext2 != NULL) {
        file_send(file, IRP_MJ_CLOSE);
    }
    free(file->FileName.Buffer);
    if (file->DeviceObject != NULL) {
        nt_object_dereference(file->DeviceObject);
    }
}

const struct nt_object_type nt_file_type = {
    .name = "File",
    .destroy = file_destroy,
    .close = file_close,
};

static PFILE_OBJECT file_create(const struct opening *opening, PCUNICODE_STRING path)
{
    PFILE_OBJECT file = nt_object_create(&nt_file_type, sizeof(*file));

    if (file == NULL) {
        return NULL;
    }
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof(*file);
    file->DeviceObject = fsd_device(opening->name.remote);
    nt_object_reference(file->DeviceObject);
    file->FileName.Buffer = malloc(path->Length);
    if (file->FileName.Buffer != NULL) {
        memcpy(file->FileName.Buffer, path->Buffer, path->Length);
        file->FileName.Length = file->FileName.MaximumLength = path->Length;
    }
    file->Flags =
        FO_HANDLE_CREATED |
        ((opening->options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) != 0
             ? FO_SYNCHRONOUS_IO
             : 0) |
        ((opening->options & FILE_WRITE_THROUGH) != 0 ? FO_WRITE_THROUGH : 0) |
        ((opening->options & FILE_NO_INTERMEDIATE_BUFFERING) != 0 ? FO_NO_INTERMEDIATE_BUFFERING
                                                                  : 0);
    KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
    InitializeListHead(&file->IrpList);
    return file;
}

/* --- opening the POSIX file --- */

static ACCESS_MASK access_resolve(ACCESS_MASK access)
{
    ACCESS_MASK resolved = access & 0x03FFFFFF;

    if ((access & GENERIC_ALL) != 0) {
        resolved |= FILE_ALL_ACCESS;
    }
    if ((access & GENERIC_READ) != 0) {
        resolved |= FILE_GENERIC_READ;
    }
    if ((access & GENERIC_WRITE) != 0) {
        resolved |= FILE_GENERIC_WRITE;
    }
    if ((access & GENERIC_EXECUTE) != 0) {
        resolved |= STANDARD_RIGHTS_EXECUTE | FILE_EXECUTE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    }
    return resolved;
}

static bool wants_read(const struct opening *opening)
{
    return (opening->access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
}

static bool wants_write(const struct opening *opening)
{
    return (opening->access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0 || opening->truncate;
}

/** open(2) flags for the access; O_NONBLOCK so that a FIFO does not wait for its other end. */
static int open_flags(const struct opening *opening, bool directory)
{
    int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

    if (directory) {
        return flags | O_DIRECTORY | (wants_read(opening) ? O_RDONLY : O_PATH);
    }
    if (wants_write(opening)) {
        return flags | (wants_read(opening) ? O_RDWR : O_WRONLY);
    }
    return flags | (wants_read(opening) ? O_RDONLY : O_PATH);
}

/** The file exists: checks kind and rights, then turns the O_PATH descriptor into one that reads or
 *  writes. */
static NTSTATUS open_existing(struct opening *opening)
{
    const struct stat *status = &opening->place.status;
    bool directory = S_ISDIR(status->st_mode);
    unsigned rights = (wants_read(opening) ? 4u : 0) | (wants_write(opening) ? 2u : 0);
    char path[64];

    if (directory && (opening->options & FILE_NON_DIRECTORY_FILE) != 0) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    if (!directory &&
        ((opening->options & FILE_DIRECTORY_FILE) != 0 || opening->name.must_be_directory)) {
        return opening->name.must_be_directory ? STATUS_OBJECT_NAME_INVALID
                                               : STATUS_NOT_A_DIRECTORY;
    }
    if (!directory && !S_ISREG(status->st_mode)) {
        return STATUS_NOT_SUPPORTED; /* A FIFO, socket or device: no file on Windows either. */
    }
    /* No write bit at all is the read-only attribute, which binds everyone, root and the kernel
     * included. */
    if (!directory && wants_write(opening) && (status->st_mode & 0222) == 0) {
        return STATUS_ACCESS_DENIED;
    }
    if (!fs_permits(status, opening->who, directory ? rights & 4 : rights)) {
        return STATUS_ACCESS_DENIED;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", opening->place.file);
    opening->fd = open(path, open_flags(opening, directory));
    return opening->fd < 0 ? nt_status_of_errno(errno) : STATUS_SUCCESS;
}

/** The file does not exist: makes it, as the user's if the user is not the process's. */
static NTSTATUS open_new(struct opening *opening)
{
    struct fs_place *place = &opening->place;
    struct stat parent;
    int flags = open_flags(opening, false);

    if (fstat(place->parent, &parent) != 0 || !fs_permits(&parent, opening->who, 3)) {
        return STATUS_ACCESS_DENIED;
    }
    if ((opening->options & FILE_DIRECTORY_FILE) != 0) {
        if (mkdirat(place->parent, place->last, 0777) != 0) {
            return nt_status_of_errno(errno);
        }
        opening->fd =
            openat(place->parent, place->last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    } else if (opening->name.must_be_directory) {
        return STATUS_OBJECT_NAME_INVALID;
    } else {
        /* O_PATH ignores O_CREAT: a file made for its attributes only is made readable. */
        flags = (flags & O_PATH) != 0 ? (flags & ~O_PATH) | O_RDONLY : flags;
        opening->fd = openat(place->parent, place->last, flags | O_CREAT | O_EXCL | O_NOFOLLOW,
                             (opening->attributes & FILE_ATTRIBUTE_READONLY) != 0 ? 0444 : 0666);
    }
    if (opening->fd < 0) {
        return nt_status_of_errno(errno);
    }
    opening->created = true;
    if (opening->who != NULL && opening->who->uid != geteuid() &&
        fchown(opening->fd, opening->who->uid, fs_group_of(opening->who)) != 0) {
        return nt_status_of_errno(errno);
    }
    return STATUS_SUCCESS;
}

/** What the disposition makes of a file that exists, or does not. */
static NTSTATUS open_by_disposition(struct opening *opening, ULONG *information)
{
    bool exists = opening->place.file >= 0;
    ULONG disposition = opening->disposition;

    opening->truncate = exists && (disposition == FILE_SUPERSEDE || disposition == FILE_OVERWRITE ||
                                   disposition == FILE_OVERWRITE_IF);
    if (exists && disposition == FILE_CREATE) {
        *information = FILE_EXISTS;
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (!exists && (disposition == FILE_OPEN || disposition == FILE_OVERWRITE)) {
        *information = FILE_DOES_NOT_EXIST;
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *information = !exists                         ? FILE_CREATED
                   : disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED
                   : opening->truncate             ? FILE_OVERWRITTEN
                                                   : FILE_OPENED;
    return exists ? open_existing(opening) : open_new(opening);
}

/* --- the call --- */

static NTSTATUS check_parameters(const struct opening *opening, const OBJECT_ATTRIBUTES *attributes)
{
    ULONG synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    ULONG kinds = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE;

    if (opening->disposition > FILE_OVERWRITE_IF || (opening->share & ~7u) != 0 ||
        (opening->options & synchronous) == synchronous || (opening->options & kinds) == kinds ||
        ((opening->options & synchronous) != 0 && (opening->access & SYNCHRONIZE) == 0) ||
        opening->access == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (attributes->RootDirectory != NULL || (opening->access & MAXIMUM_ALLOWED) != 0 ||
        (opening->options & (FILE_DELETE_ON_CLOSE | FILE_OPEN_BY_FILE_ID)) != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    return STATUS_SUCCESS;
}

/** A kernel-mode open checks nothing, whoever the thread impersonates, unless
 *  OBJ_FORCE_ACCESS_CHECK says so. */
static const struct nt_token *who_opens(const OBJECT_ATTRIBUTES *attributes, struct nt_token *who)
{
    *who = nt_token_effective();
    return (attributes->Attributes & OBJ_FORCE_ACCESS_CHECK) != 0 ? who : NULL;
}

/** Makes the file object and enters it into the share rules; the descriptor belongs to it from then
 *  on. */
static NTSTATUS open_object(struct opening *opening, PCUNICODE_STRING path, PFILE_OBJECT *object)
{
    struct fs_open *open = calloc(1, sizeof(*open));
    PFILE_OBJECT file = open == NULL ? NULL : file_create(opening, path);

    if (file == NULL) {
        free(open);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    open->fd = opening->fd;
    open->access = opening->access;
    open->path_only = (fcntl(opening->fd, F_GETFL) & O_PATH) != 0;
    open->remote = opening->name.remote;
    open->directory = S_ISDIR(opening->status.st_mode);
    open->device = opening->status.st_dev;
    open->file = file;
    if (!fsd_share(open, &opening->status,
                   opening->access | (opening->truncate ? FILE_WRITE_DATA : 0), opening->share)) {
        free(open);
        nt_object_dereference(file);
        return STATUS_SHARING_VIOLATION;
    }
    file->FsContext = open->node;
    file->FsContext2 = open;
    opening->fd = -1;
    *object = file;
    return STATUS_SUCCESS;
}

static NTSTATUS open_file(struct opening *opening, PCUNICODE_STRING path, ULONG *information,
                          PFILE_OBJECT *file)
{
    NTSTATUS status = fs_name_parse(path, &opening->name);

    if (NT_SUCCESS(status)) {
        status = fs_walk(&opening->name, opening->who, &opening->place);
    }
    if (NT_SUCCESS(status)) {
        status = open_by_disposition(opening, information);
    }
    if (NT_SUCCESS(status) && fstat(opening->fd, &opening->status) != 0) {
        status = nt_status_of_errno(errno);
    }
    if (NT_SUCCESS(status)) {
        status = open_object(opening, path, file);
    }
    if (NT_SUCCESS(status) && opening->truncate &&
        ftruncate(((struct fs_open *)(*file)->FsContext2)->fd, 0) != 0) {
        status = nt_status_of_errno(errno);
        file_send(*file, IRP_MJ_CLEANUP);
        nt_object_dereference(*file);
    }
    if (opening->fd >= 0) {
        close(opening->fd);
    }
    fs_place_close(&opening->place);
    free(opening->name.path);
    return status;
}

static NTSTATUS open_with_faults(struct opening *opening, PCUNICODE_STRING path, ULONG *information,
                                 PFILE_OBJECT *file)
{
    struct fs_effect effect = fs_next_effect(HOST_FILE_OPEN);
    NTSTATUS status;

    io_count(IO_OPENS, 1);
    if (effect.hang) {
        fs_hang();
    }
    status = effect.error != 0 ? nt_status_of_errno(effect.error)
                               : open_file(opening, path, information, file);
    trace_event(TRACE_FILE, "open", opening->disposition, opening->access, (uint32_t)status, 0);
    return status;
}

NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    struct nt_token who;
    struct opening opening = {
        .access = access_resolve(DesiredAccess),
        .share = ShareAccess,
        .disposition = CreateDisposition,
        .options = CreateOptions,
        .attributes = FileAttributes,
        .who = who_opens(ObjectAttributes, &who),
        .place = {.parent = -1, .file = -1},
        .fd = -1,
    };
    PFILE_OBJECT file = NULL;
    ULONG information = 0;
    NTSTATUS status = check_parameters(&opening, ObjectAttributes);

    UNREFERENCED_PARAMETER(AllocationSize); /* A hint: files here grow as they are written. */
    UNREFERENCED_PARAMETER(EaBuffer);
    UNREFERENCED_PARAMETER(EaLength);
    *FileHandle = NULL;
    if (NT_SUCCESS(status)) {
        status = open_with_faults(&opening, ObjectAttributes->ObjectName, &information, &file);
    }
    if (NT_SUCCESS(status)) {
        *FileHandle = nt_handle_create(file, opening.access);
        if (*FileHandle == NULL) {
            file_send(file, IRP_MJ_CLEANUP);
            status = STATUS_INSUFFICIENT_RESOURCES;
        }
        nt_object_dereference(file);
    }
    IoStatusBlock->Status = status;
    IoStatusBlock->Information = information;
    return status;
}

NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    return ZwCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN, OpenOptions, NULL, 0);
}
