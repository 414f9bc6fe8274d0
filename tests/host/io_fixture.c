/*
 * The I/O suites' machine and helpers, see io_fixture.h. Everything here ends the child when it
 * fails.
 */
#include "io_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[256];

void io_boot(enum sched_kind kind, uint64_t seed, bool verifier)
{
    struct sched_options options = {.kind = kind, .seed = seed, .processors = 2};
    struct host_error error = {0};

    verifier_install_fault_handler();
    verifier_enable(verifier);
    sched_boot(&options);
    if (!nt_io_boot(NULL, NULL, &error)) {
        child_fail(error.message, __FILE__, __LINE__);
    }
    verifier_load_census();
}

void io_halt(void)
{
    CHILD_CHECK(verifier_census(stderr) == 0);
    CHILD_CHECK(nt_io_halt(NULL));
    sched_halt();
}

const char *io_directory(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(directory, sizeof(directory), "%s/vmini-XXXXXX", base != NULL ? base : "/tmp");
    CHILD_CHECK(mkdtemp(directory) != NULL);
    CHILD_CHECK(chmod(directory, 0755) == 0);
    return directory;
}

void io_remove_directory(void)
{
    char command[300];

    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    CHILD_CHECK(system(command) == 0);
}

const char *io_path(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

void io_make_file(const char *name, size_t size)
{
    FILE *file = fopen(io_path(name), "w");

    CHILD_CHECK(file != NULL);
    for (size_t i = 0; i < size; i++) {
        fputc((int)(i * 7 & 0xFF), file);
    }
    CHILD_CHECK(fclose(file) == 0);
}

UNICODE_STRING io_string(const char *utf8)
{
    UNICODE_STRING string;
    size_t chars = 0;

    string.Buffer = nt_utf16(utf8, &chars);
    CHILD_CHECK(string.Buffer != NULL);
    string.Length = string.MaximumLength = (USHORT)(chars * sizeof(WCHAR));
    return string;
}

UNICODE_STRING io_nt_path(const char *name)
{
    char path[600];

    snprintf(path, sizeof(path), "\\??\\Z:%s%s%s", directory, name[0] != '\0' ? "/" : "", name);
    for (char *at = path; *at != '\0'; at++) {
        *at = *at == '/' ? '\\' : *at;
    }
    return io_string(path);
}

NTSTATUS io_create(const char *name, ACCESS_MASK access, ULONG share, ULONG disposition,
                   ULONG options, ULONG attributes, HANDLE *file, IO_STATUS_BLOCK *iosb)
{
    UNICODE_STRING path = name[0] == '\\' ? io_string(name) : io_nt_path(name);
    OBJECT_ATTRIBUTES object;
    IO_STATUS_BLOCK unused;
    NTSTATUS status;

    InitializeObjectAttributes(&object, &path, OBJ_KERNEL_HANDLE | attributes, NULL, NULL);
    status = ZwCreateFile(file, access, &object, iosb != NULL ? iosb : &unused, NULL,
                          FILE_ATTRIBUTE_NORMAL, share, disposition, options, NULL, 0);
    free(path.Buffer);
    return status;
}

HANDLE io_open(const char *name)
{
    HANDLE file;
    NTSTATUS status = io_create(name, GENERIC_READ | GENERIC_WRITE,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN,
                                FILE_NON_DIRECTORY_FILE, 0, &file, NULL);

    CHILD_CHECK(status == STATUS_SUCCESS);
    return file;
}

PFILE_OBJECT io_file_object(HANDLE file)
{
    PVOID object = NULL;

    CHILD_CHECK(ObReferenceObjectByHandle(file, 0, *IoFileObjectType, KernelMode, &object, NULL) ==
                STATUS_SUCCESS);
    return object;
}

NTSTATUS io_transfer(PFILE_OBJECT file, UCHAR major, UCHAR flags, void *data, ULONG length,
                     int64_t offset, ULONG_PTR *moved)
{
    PDEVICE_OBJECT top = IoGetRelatedDeviceObject(file);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    NTSTATUS status;

    next->MajorFunction = major;
    next->Flags = flags;
    next->FileObject = file;
    next->Parameters.Write.Length = length;
    next->Parameters.Write.ByteOffset.QuadPart = offset;
    if (major != IRP_MJ_FLUSH_BUFFERS && length != 0) {
        irp->MdlAddress = IoAllocateMdl(data, length, FALSE, FALSE, NULL);
        MmBuildMdlForNonPagedPool(irp->MdlAddress);
    }
    status = nt_irp_send(top, irp);
    if (moved != NULL) {
        *moved = irp->IoStatus.Information;
    }
    if (irp->MdlAddress != NULL) {
        IoFreeMdl(irp->MdlAddress);
    }
    IoFreeIrp(irp);
    return status;
}
