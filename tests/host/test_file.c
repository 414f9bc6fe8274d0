/*
 * Files: dispositions, share access, rights of a user who is not root, queries, sparse ranges, and
 * the file system's IRPs: every shorter transfer, faults on order, hanging and cancel, both
 * schedulers.
 */
#include "io_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARE_ALL  (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define READ_WRITE (GENERIC_READ | GENERIC_WRITE)

static void boot(void)
{
    io_boot(SCHED_SEEDED, 7, true);
    io_directory();
}

static void halt(void)
{
    io_remove_directory();
    io_halt();
}

/** Opens for a status only. */
static NTSTATUS try_open(const char *name, ACCESS_MASK access, ULONG attributes)
{
    HANDLE file;
    NTSTATUS status = io_create(name, access, SHARE_ALL, FILE_OPEN, FILE_NON_DIRECTORY_FILE,
                                attributes, &file, NULL);

    if (NT_SUCCESS(status)) {
        ZwClose(file);
    }
    return status;
}

/* --- names --- */

static void names(void *unused)
{
    char name[600] = "\\??\\Z:\\";

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("a", 10);
    CHILD_CHECK(mkdir(io_path("dir"), 0755) == 0);
    io_make_file("dir/\xC3\xA4 b", 1);
    CHILD_CHECK(symlink("dir/\xC3\xA4 b", io_path("link")) == 0);
    CHILD_CHECK(symlink(io_path("dir"), io_path("dirlink")) == 0);
    CHILD_CHECK(symlink("loop", io_path("loop")) == 0);
    CHILD_CHECK(try_open("a", GENERIC_READ, 0) == STATUS_SUCCESS);
    CHILD_CHECK(try_open("dir/\xC3\xA4 b", GENERIC_READ, 0) == STATUS_SUCCESS);
    CHILD_CHECK(try_open("link", GENERIC_READ, 0) == STATUS_SUCCESS);
    CHILD_CHECK(try_open("dirlink/\xC3\xA4 b", GENERIC_READ, 0) == STATUS_SUCCESS);
    CHILD_CHECK(try_open("loop", GENERIC_READ, 0) == STATUS_REPARSE_POINT_NOT_RESOLVED);
    CHILD_CHECK(try_open("b", GENERIC_READ, 0) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHILD_CHECK(try_open("none/b", GENERIC_READ, 0) == STATUS_OBJECT_PATH_NOT_FOUND);
    CHILD_CHECK(try_open("a/b", GENERIC_READ, 0) == STATUS_OBJECT_PATH_NOT_FOUND);
    CHILD_CHECK(try_open("dir", GENERIC_READ, 0) == STATUS_FILE_IS_A_DIRECTORY);
    CHILD_CHECK(try_open("a/", GENERIC_READ, 0) == STATUS_OBJECT_NAME_INVALID);
    CHILD_CHECK(try_open("dir/../a", GENERIC_READ, 0) == STATUS_OBJECT_NAME_INVALID);
    CHILD_CHECK(try_open("a?", GENERIC_READ, 0) == STATUS_OBJECT_NAME_INVALID);
    CHILD_CHECK(try_open("\\??\\C:\\x", GENERIC_READ, 0) == STATUS_OBJECT_PATH_NOT_FOUND);
    CHILD_CHECK(try_open("\\??\\Z:", GENERIC_READ, 0) == STATUS_INVALID_DEVICE_REQUEST);
    CHILD_CHECK(try_open("\\nothing", GENERIC_READ, 0) == STATUS_OBJECT_PATH_NOT_FOUND);
    CHILD_CHECK(try_open("\\??\\UNC\\server\\share\\x", GENERIC_READ, 0) ==
                STATUS_BAD_NETWORK_PATH);
    memset(name + strlen(name), 'n', 300);
    CHILD_CHECK(try_open(name, GENERIC_READ, 0) == STATUS_NAME_TOO_LONG);
    CHILD_CHECK(mkfifo(io_path("fifo"), 0600) == 0);
    CHILD_CHECK(try_open("fifo", GENERIC_READ, 0) == STATUS_NOT_SUPPORTED); /* And does not wait. */
    halt();
}

static void test_names(void)
{
    CHILD_PASSES(names, NULL);
}

/** Bad UTF-16: a lone surrogate has no POSIX name. */
static void bad_name(void *unused)
{
    UNICODE_STRING path;
    OBJECT_ATTRIBUTES object;
    IO_STATUS_BLOCK iosb;
    HANDLE file;

    UNREFERENCED_PARAMETER(unused);
    boot();
    path = io_nt_path("ab");
    path.Buffer[path.Length / 2 - 1] = 0xD800;
    InitializeObjectAttributes(&object, &path, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHILD_CHECK(ZwOpenFile(&file, GENERIC_READ, &object, &iosb, SHARE_ALL, 0) ==
                STATUS_OBJECT_NAME_INVALID);
    path.Length--;
    CHILD_CHECK(ZwOpenFile(&file, GENERIC_READ, &object, &iosb, SHARE_ALL, 0) ==
                STATUS_OBJECT_NAME_INVALID);
    path.Length = 0;
    CHILD_CHECK(ZwOpenFile(&file, GENERIC_READ, &object, &iosb, SHARE_ALL, 0) ==
                STATUS_OBJECT_PATH_SYNTAX_BAD);
    CHILD_CHECK(file == NULL);
    halt();
}

static void test_bad_name(void)
{
    CHILD_PASSES(bad_name, NULL);
}

static void unc(void *unused)
{
    FILE_FS_DEVICE_INFORMATION volume;
    struct host_error error;
    IO_STATUS_BLOCK iosb;
    HANDLE file;

    UNREFERENCED_PARAMETER(unused);
    boot();
    CHILD_CHECK(nt_io_halt(NULL));
    CHILD_CHECK(mkdir(io_path("server"), 0755) == 0 && mkdir(io_path("server/share"), 0755) == 0);
    io_make_file("server/share/disk.img", 512);
    CHILD_CHECK(nt_io_boot(io_path(""), NULL, &error));
    CHILD_CHECK(try_open("\\??\\UNC\\nobody\\share\\x", GENERIC_READ, 0) ==
                STATUS_BAD_NETWORK_PATH);
    CHILD_CHECK(try_open("\\??\\UNC\\server\\other\\x", GENERIC_READ, 0) ==
                STATUS_BAD_NETWORK_NAME);
    CHILD_CHECK(try_open("\\??\\UNC\\server", GENERIC_READ, 0) == STATUS_BAD_NETWORK_PATH);
    CHILD_CHECK(try_open("\\??\\UNC\\server\\share\\x", GENERIC_READ, 0) ==
                STATUS_OBJECT_NAME_NOT_FOUND);
    CHILD_CHECK(io_create("\\??\\unc\\server\\share\\disk.img", GENERIC_READ, SHARE_ALL, FILE_OPEN,
                          0, 0, &file, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(ZwQueryVolumeInformationFile(file, &iosb, &volume, sizeof(volume),
                                             FileFsDeviceInformation) == STATUS_SUCCESS);
    CHILD_CHECK((volume.Characteristics & FILE_REMOTE_DEVICE) != 0);
    PFILE_OBJECT object = io_file_object(file);
    CHILD_CHECK((object->DeviceObject->Characteristics & FILE_REMOTE_DEVICE) != 0);
    ObDereferenceObject(object);
    ZwClose(file);
    halt();
}

static void test_unc(void)
{
    CHILD_PASSES(unc, NULL);
}

/* --- dispositions and options --- */

static void dispositions(void *unused)
{
    static const struct {
        ULONG disposition;
        bool exists;
        NTSTATUS status;
        ULONG_PTR information;
        off_t size; /* Afterwards; -1: no file. */
    } cases[] = {
        {FILE_OPEN, false, STATUS_OBJECT_NAME_NOT_FOUND, FILE_DOES_NOT_EXIST, -1},
        {FILE_OPEN, true, STATUS_SUCCESS, FILE_OPENED, 100},
        {FILE_CREATE, false, STATUS_SUCCESS, FILE_CREATED, 0},
        {FILE_CREATE, true, STATUS_OBJECT_NAME_COLLISION, FILE_EXISTS, 100},
        {FILE_OPEN_IF, false, STATUS_SUCCESS, FILE_CREATED, 0},
        {FILE_OPEN_IF, true, STATUS_SUCCESS, FILE_OPENED, 100},
        {FILE_OVERWRITE, false, STATUS_OBJECT_NAME_NOT_FOUND, FILE_DOES_NOT_EXIST, -1},
        {FILE_OVERWRITE, true, STATUS_SUCCESS, FILE_OVERWRITTEN, 0},
        {FILE_OVERWRITE_IF, false, STATUS_SUCCESS, FILE_CREATED, 0},
        {FILE_OVERWRITE_IF, true, STATUS_SUCCESS, FILE_OVERWRITTEN, 0},
        {FILE_SUPERSEDE, false, STATUS_SUCCESS, FILE_CREATED, 0},
        {FILE_SUPERSEDE, true, STATUS_SUCCESS, FILE_SUPERSEDED, 0},
    };

    UNREFERENCED_PARAMETER(unused);
    boot();
    for (size_t i = 0; i < RTL_NUMBER_OF(cases); i++) {
        IO_STATUS_BLOCK iosb;
        struct stat status;
        HANDLE file = NULL;

        unlink(io_path("f"));
        if (cases[i].exists) {
            io_make_file("f", 100);
        }
        CHILD_CHECK(io_create("f", READ_WRITE, SHARE_ALL, cases[i].disposition,
                              FILE_NON_DIRECTORY_FILE, 0, &file, &iosb) == cases[i].status);
        CHILD_CHECK(iosb.Status == cases[i].status && iosb.Information == cases[i].information);
        CHILD_CHECK((file != NULL) == NT_SUCCESS(cases[i].status));
        CHILD_CHECK(stat(io_path("f"), &status) == 0 ? status.st_size == cases[i].size
                                                     : cases[i].size == -1);
        if (file != NULL) {
            CHILD_CHECK(ZwClose(file) == STATUS_SUCCESS);
        }
    }
    halt();
}

static void test_dispositions(void)
{
    CHILD_PASSES(dispositions, NULL);
}

static void options(void *unused)
{
    HANDLE file;

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 100);
    CHILD_CHECK(io_create("d", GENERIC_READ, SHARE_ALL, FILE_CREATE, FILE_DIRECTORY_FILE, 0, &file,
                          NULL) == STATUS_SUCCESS);
    ZwClose(file);
    CHILD_CHECK(io_create("d", GENERIC_READ, SHARE_ALL, FILE_OPEN, FILE_DIRECTORY_FILE, 0, &file,
                          NULL) == STATUS_SUCCESS);
    ZwClose(file);
    CHILD_CHECK(io_create("f", GENERIC_READ, SHARE_ALL, FILE_OPEN, FILE_DIRECTORY_FILE, 0, &file,
                          NULL) == STATUS_NOT_A_DIRECTORY);
    CHILD_CHECK(io_create("f", FILE_READ_DATA, SHARE_ALL, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT,
                          0, &file, NULL) == STATUS_INVALID_PARAMETER); /* Needs SYNCHRONIZE. */
    CHILD_CHECK(io_create("f", GENERIC_READ, SHARE_ALL, 6, 0, 0, &file, NULL) ==
                STATUS_INVALID_PARAMETER);
    CHILD_CHECK(io_create("f", GENERIC_READ, 8, FILE_OPEN, 0, 0, &file, NULL) ==
                STATUS_INVALID_PARAMETER);
    CHILD_CHECK(io_create("f", GENERIC_READ, 7, FILE_OPEN,
                          FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE, 0, &file,
                          NULL) == STATUS_INVALID_PARAMETER);
    CHILD_CHECK(chmod(io_path("f"), 0444) == 0); /* Read-only binds root as well. */
    CHILD_CHECK(try_open("f", READ_WRITE, 0) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(try_open("f", GENERIC_READ, 0) == STATUS_SUCCESS);
    halt();
}

static void test_options(void)
{
    CHILD_PASSES(options, NULL);
}

/* --- sharing --- */

/** Every pair of accesses and shares against the rule written down independently. */
static void sharing(void *unused)
{
    static const ACCESS_MASK accesses[] = {FILE_READ_ATTRIBUTES, GENERIC_READ, GENERIC_WRITE,
                                           READ_WRITE, DELETE};

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 10);
    for (unsigned pair = 0; pair < 5 * 8 * 5 * 8; pair++) {
        ACCESS_MASK a = accesses[pair % 5], b = accesses[pair / 40 % 5];
        ULONG share_a = pair / 5 % 8, share_b = pair / 200 % 8;
        ULONG needs_a =
            (a & GENERIC_READ ? 1u : 0) | (a & GENERIC_WRITE ? 2u : 0) | (a & DELETE ? 4u : 0);
        ULONG needs_b =
            (b & GENERIC_READ ? 1u : 0) | (b & GENERIC_WRITE ? 2u : 0) | (b & DELETE ? 4u : 0);
        bool allowed = needs_a == 0 || needs_b == 0 ||
                       ((needs_b & ~share_a) == 0 && (needs_a & ~share_b) == 0);
        HANDLE first, second;

        CHILD_CHECK(io_create("f", a, share_a, FILE_OPEN, 0, 0, &first, NULL) == STATUS_SUCCESS);
        NTSTATUS status = io_create("f", b, share_b, FILE_OPEN, 0, 0, &second, NULL);
        CHILD_CHECK(status == (allowed ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION));
        if (allowed) {
            ZwClose(second);
        }
        ZwClose(first);
    }
    halt();
}

static void test_sharing(void)
{
    CHILD_PASSES(sharing, NULL);
}

/** The share is given back when the handle is closed, though the file object is still referenced;
 *  the file stays open until the last reference goes. A hard link is the same file. */
static void cleanup_and_close(void *unused)
{
    char data[10];

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 10);
    CHILD_CHECK(link(io_path("f"), io_path("g")) == 0);
    HANDLE file;
    CHILD_CHECK(io_create("f", READ_WRITE, 0, FILE_OPEN, 0, 0, &file, NULL) == STATUS_SUCCESS);
    PFILE_OBJECT object = io_file_object(file);
    CHILD_CHECK(try_open("g", GENERIC_READ, 0) == STATUS_SHARING_VIOLATION);
    ZwClose(file);
    CHILD_CHECK((object->Flags & FO_CLEANUP_COMPLETE) != 0);
    CHILD_CHECK(try_open("g", GENERIC_READ, 0) == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().closes == 1);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 10, 0, NULL) == STATUS_SUCCESS);
    ObDereferenceObject(object);
    CHILD_CHECK(host_file_counts().opens == 3 && host_file_counts().closes == 2);
    halt();
}

static void test_cleanup_and_close(void)
{
    CHILD_PASSES(cleanup_and_close, NULL);
}

/* --- rights --- */

/** Opens as another uid by its token. Needs root, because the files belong to root. */
static void rights(void *unused)
{
    ULONG check = OBJ_FORCE_ACCESS_CHECK;
    struct stat status;
    HANDLE file;

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("secret", 10);
    CHILD_CHECK(chmod(io_path("secret"), 0600) == 0);
    io_make_file("public", 10);
    CHILD_CHECK(chmod(io_path("public"), 0644) == 0);
    CHILD_CHECK(mkdir(io_path("closed"), 0700) == 0 && mkdir(io_path("open"), 0777) == 0);
    CHILD_CHECK(chmod(io_path("open"), 0777) == 0);
    io_make_file("closed/inside", 10);
    CHILD_CHECK(chmod(io_path("closed/inside"), 0666) == 0);
    CHILD_CHECK(symlink(io_path("closed/inside"), io_path("link")) == 0);
    CHILD_CHECK(try_open("secret", GENERIC_READ, check) == STATUS_SUCCESS);
    host_set_user(HOST_USER_STANDARD, 65534);
    CHILD_CHECK(try_open("secret", GENERIC_READ, check) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(try_open("secret", GENERIC_READ, 0) ==
                STATUS_SUCCESS); /* Kernel opens check nothing. */
    CHILD_CHECK(try_open("public", GENERIC_READ, check) == STATUS_SUCCESS);
    CHILD_CHECK(try_open("public", GENERIC_WRITE, check) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(try_open("secret", FILE_READ_ATTRIBUTES, check) == STATUS_SUCCESS);
    CHILD_CHECK(try_open("closed/inside", GENERIC_READ, check) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(try_open("link", GENERIC_READ, check) ==
                STATUS_ACCESS_DENIED); /* By another way. */
    CHILD_CHECK(try_open("closed/inside", GENERIC_READ, 0) == STATUS_SUCCESS);
    CHILD_CHECK(io_create("new", GENERIC_WRITE, 0, FILE_CREATE, 0, check, &file, NULL) ==
                STATUS_ACCESS_DENIED);
    CHILD_CHECK(access(io_path("new"), F_OK) != 0);
    CHILD_CHECK(io_create("open/new", GENERIC_WRITE, 0, FILE_CREATE, 0, check, &file, NULL) ==
                STATUS_SUCCESS);
    ZwClose(file);
    CHILD_CHECK(stat(io_path("open/new"), &status) == 0 && status.st_uid == 65534);
    CHILD_CHECK(try_open("open/new", READ_WRITE, check) == STATUS_SUCCESS); /* The owner's bits. */
    CHILD_CHECK(chown(io_path("secret"), 0, 65534) == 0 && chmod(io_path("secret"), 0640) == 0);
    CHILD_CHECK(try_open("secret", GENERIC_READ, check) == STATUS_SUCCESS); /* The group's bits. */
    CHILD_CHECK(chmod(io_path("secret"), 0604) == 0);
    CHILD_CHECK(try_open("secret", GENERIC_READ, check) == STATUS_ACCESS_DENIED);
    halt();
}

static void test_rights(void)
{
    if (geteuid() != 0) {
        CU_PASS("only root owns files that another user cannot read");
        return;
    }
    CHILD_PASSES(rights, NULL);
}

/* --- queries --- */

static void queries(void *unused)
{
    FILE_STANDARD_INFORMATION standard;
    FILE_END_OF_FILE_INFORMATION end = {.EndOfFile.QuadPart = 5000};
    FILE_INTERNAL_INFORMATION internal;
    FILE_ALIGNMENT_INFORMATION alignment;
    FILE_BASIC_INFORMATION basic;
    FILE_FS_SIZE_INFORMATION size;
    IO_STATUS_BLOCK iosb;
    struct stat status;
    HANDLE reader;

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 1000);
    CHILD_CHECK(stat(io_path("f"), &status) == 0);
    HANDLE file = io_open("f");
    CHILD_CHECK(ZwQueryInformationFile(file, &iosb, &standard, sizeof(standard),
                                       FileStandardInformation) == STATUS_SUCCESS);
    CHILD_CHECK(standard.EndOfFile.QuadPart == 1000 && iosb.Information == sizeof(standard));
    CHILD_CHECK(!standard.Directory && standard.NumberOfLinks == 1);
    CHILD_CHECK(ZwQueryInformationFile(file, &iosb, &standard, sizeof(standard) - 1,
                                       FileStandardInformation) == STATUS_INFO_LENGTH_MISMATCH);
    CHILD_CHECK(ZwQueryInformationFile(file, &iosb, &internal, sizeof(internal),
                                       FileInternalInformation) == STATUS_SUCCESS);
    CHILD_CHECK((ino_t)internal.IndexNumber.QuadPart == status.st_ino);
    CHILD_CHECK(ZwQueryInformationFile(file, &iosb, &alignment, sizeof(alignment),
                                       FileAlignmentInformation) == STATUS_SUCCESS);
    CHILD_CHECK(ZwQueryInformationFile(file, &iosb, &basic, sizeof(basic), FileBasicInformation) ==
                STATUS_SUCCESS);
    CHILD_CHECK(basic.FileAttributes == FILE_ATTRIBUTE_NORMAL);
    CHILD_CHECK(basic.LastWriteTime.QuadPart / 10000000 - 11644473600LL == status.st_mtim.tv_sec);
    CHILD_CHECK(ZwQueryInformationFile(file, &iosb, &basic, sizeof(basic), FileEaInformation) ==
                STATUS_INVALID_INFO_CLASS);
    CHILD_CHECK(ZwSetInformationFile(file, &iosb, &end, sizeof(end), FileEndOfFileInformation) ==
                STATUS_SUCCESS);
    CHILD_CHECK(stat(io_path("f"), &status) == 0 && status.st_size == 5000);
    end.EndOfFile.QuadPart = -1;
    CHILD_CHECK(ZwSetInformationFile(file, &iosb, &end, sizeof(end), FileEndOfFileInformation) ==
                STATUS_INVALID_PARAMETER);
    CHILD_CHECK(ZwQueryVolumeInformationFile(file, &iosb, &size, sizeof(size),
                                             FileFsSizeInformation) == STATUS_SUCCESS);
    CHILD_CHECK(size.BytesPerSector == 512 && size.TotalAllocationUnits.QuadPart > 0);
    CHILD_CHECK(ZwFlushBuffersFile(file, &iosb) == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().flushes == 1);
    CHILD_CHECK(io_create("f", GENERIC_READ, SHARE_ALL, FILE_OPEN, 0, 0, &reader, NULL) ==
                STATUS_SUCCESS);
    CHILD_CHECK(ZwFlushBuffersFile(reader, &iosb) == STATUS_ACCESS_DENIED);
    end.EndOfFile.QuadPart = 0;
    CHILD_CHECK(ZwSetInformationFile(reader, &iosb, &end, sizeof(end), FileEndOfFileInformation) ==
                STATUS_ACCESS_DENIED);
    ZwClose(reader);
    ZwClose(file);
    CHILD_CHECK(ZwQueryInformationFile((HANDLE)4000, &iosb, &basic, sizeof(basic),
                                       FileBasicInformation) == STATUS_INVALID_HANDLE);
    halt();
}

static void test_queries(void)
{
    CHILD_PASSES(queries, NULL);
}

static void sparse(void *unused)
{
    enum { SIZE = 1 << 20 };
    FILE_ZERO_DATA_INFORMATION zero = {.FileOffset.QuadPart = 65536,
                                       .BeyondFinalZero.QuadPart = 131072};
    FILE_ALLOCATED_RANGE_BUFFER query = {.Length.QuadPart = SIZE}, ranges[4];
    unsigned char data[2] = {9, 9};
    IO_STATUS_BLOCK iosb;
    struct stat status;

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", SIZE);
    HANDLE file = io_open("f");
    PFILE_OBJECT object = io_file_object(file);
    CHILD_CHECK(ZwFsControlFile(file, NULL, NULL, NULL, &iosb, FSCTL_SET_SPARSE, NULL, 0, NULL,
                                0) == STATUS_SUCCESS);
    CHILD_CHECK(ZwFsControlFile(file, NULL, NULL, NULL, &iosb, FSCTL_SET_ZERO_DATA, &zero,
                                sizeof(zero), NULL, 0) == STATUS_SUCCESS);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 2, 131071, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(data[0] == 0 && data[1] == (131072 * 7 & 0xFF));
    CHILD_CHECK(ZwFsControlFile(file, NULL, NULL, NULL, &iosb, FSCTL_QUERY_ALLOCATED_RANGES, &query,
                                sizeof(query), ranges, sizeof(ranges)) == STATUS_SUCCESS);
    CHILD_CHECK(iosb.Information == 2 * sizeof(ranges[0]));
    CHILD_CHECK(ranges[0].FileOffset.QuadPart == 0 && ranges[0].Length.QuadPart == 65536);
    CHILD_CHECK(ranges[1].FileOffset.QuadPart == 131072 &&
                ranges[1].Length.QuadPart == SIZE - 131072);
    CHILD_CHECK(ZwFsControlFile(file, NULL, NULL, NULL, &iosb, FSCTL_QUERY_ALLOCATED_RANGES, &query,
                                sizeof(query), ranges,
                                sizeof(ranges[0])) == STATUS_BUFFER_OVERFLOW);
    CHILD_CHECK(iosb.Information == sizeof(ranges[0]));
    zero.FileOffset.QuadPart = SIZE - 10;
    zero.BeyondFinalZero.QuadPart = SIZE + 100000; /* The file does not grow. */
    CHILD_CHECK(ZwFsControlFile(file, NULL, NULL, NULL, &iosb, FSCTL_SET_ZERO_DATA, &zero,
                                sizeof(zero), NULL, 0) == STATUS_SUCCESS);
    CHILD_CHECK(stat(io_path("f"), &status) == 0 && status.st_size == SIZE);
    zero.BeyondFinalZero.QuadPart = 0;
    CHILD_CHECK(ZwFsControlFile(file, NULL, NULL, NULL, &iosb, FSCTL_SET_ZERO_DATA, &zero,
                                sizeof(zero), NULL, 0) == STATUS_INVALID_PARAMETER);
    CHILD_CHECK(ZwFsControlFile(file, NULL, NULL, NULL, &iosb, FSCTL_SET_ZERO_DATA, &zero, 8, NULL,
                                0) == STATUS_INVALID_PARAMETER);
    ObDereferenceObject(object);
    ZwClose(file);
    halt();
}

static void test_sparse(void)
{
    CHILD_PASSES(sparse, NULL);
}

static NTSTATUS control(HANDLE file, ULONG code, void *input, ULONG length, void *output,
                        ULONG room, ULONG_PTR *written)
{
    IO_STATUS_BLOCK iosb;
    NTSTATUS status =
        ZwFsControlFile(file, NULL, NULL, NULL, &iosb, code, input, length, output, room);

    *written = iosb.Information;
    return status;
}

/** A file that is not sparse keeps its space, and is one range. A sparse one tells more than it was
 *  asked for: its ranges begin where its units do. */
static void sparse_or_not(void *seed)
{
    enum { SIZE = 1 << 20 };
    FILE_ZERO_DATA_INFORMATION zero = {.FileOffset.QuadPart = 65536,
                                       .BeyondFinalZero.QuadPart = 131072};
    FILE_ALLOCATED_RANGE_BUFFER query = {.FileOffset.QuadPart = 200000, .Length.QuadPart = 100};
    FILE_ALLOCATED_RANGE_BUFFER range;
    struct stat before, after;
    ULONG_PTR written;

    io_boot(SCHED_SEEDED, (uintptr_t)seed, true);
    io_directory();
    io_make_file("f", SIZE);
    HANDLE file = io_open("f");
    CHILD_CHECK(stat(io_path("f"), &before) == 0);
    CHILD_CHECK(control(file, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, &written) == 0);
    CHILD_CHECK(stat(io_path("f"), &after) == 0 && after.st_blocks >= before.st_blocks);
    CHILD_CHECK(control(file, FSCTL_QUERY_ALLOCATED_RANGES, &query, sizeof(query), &range,
                        sizeof(range), &written) == 0);
    CHILD_CHECK(written == sizeof(range) && range.FileOffset.QuadPart == 200000 &&
                range.Length.QuadPart == 100);
    CHILD_CHECK(control(file, FSCTL_QUERY_ALLOCATED_RANGES, &query, sizeof(query), NULL, 0,
                        &written) == STATUS_BUFFER_TOO_SMALL);
    CHILD_CHECK(control(file, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &written) == 0);
    CHILD_CHECK(control(file, FSCTL_QUERY_ALLOCATED_RANGES, &query, sizeof(query), &range,
                        sizeof(range), &written) == 0);
    CHILD_CHECK(written == sizeof(range) && range.FileOffset.QuadPart == 196608 &&
                range.Length.QuadPart == 65536);
    zero.FileOffset.QuadPart = 196608;
    zero.BeyondFinalZero.QuadPart = 262144;
    CHILD_CHECK(control(file, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, &written) == 0);
    CHILD_CHECK(control(file, FSCTL_QUERY_ALLOCATED_RANGES, &query, sizeof(query), &range,
                        sizeof(range), &written) == 0);
    CHILD_CHECK(written == 0);
    host_file_fault_add(&(struct host_file_fault){
        .op = HOST_FILE_CONTROL, .nth = 1, .error = ENOSPC, .short_to = UINT32_MAX});
    CHILD_CHECK(control(file, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, &written) ==
                STATUS_DISK_FULL);
    CHILD_CHECK(control(file, FSCTL_LOCK_VOLUME, NULL, 0, NULL, 0, &written) ==
                STATUS_INVALID_DEVICE_REQUEST);
    CHILD_CHECK(host_file_counts().controls == 9);
    ZwClose(file);
    halt();
}

static void test_sparse_or_not(void)
{
    for (uintptr_t seed = 1; seed < 6; seed++) {
        CHILD_PASSES(sparse_or_not, (void *)seed);
    }
}

/* --- reading and writing --- */

/** The same under both schedulers and several seeds: whatever pends, the bytes are right. */
static void transfers(void *seed)
{
    unsigned char data[3000], back[3000];
    ULONG_PTR moved;
    struct host_file_counts counts;

    io_boot(seed == NULL ? SCHED_REAL : SCHED_SEEDED, (uintptr_t)seed, seed != NULL);
    io_directory();
    io_make_file("f", 10000);
    HANDLE file = io_open("f");
    PFILE_OBJECT object = io_file_object(file);
    for (int64_t offset = 0; offset < 9000; offset += 811) {
        ULONG expected = offset + 3000 > 10000 ? (ULONG)(10000 - offset) : 3000;
        CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 3000, offset, &moved) ==
                    STATUS_SUCCESS);
        CHILD_CHECK(moved == expected);
        for (ULONG i = 0; i < expected; i++) {
            CHILD_CHECK(data[i] == ((offset + i) * 7 & 0xFF));
        }
    }
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 1, 10000, &moved) == STATUS_END_OF_FILE);
    CHILD_CHECK(moved == 0);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 0, 20000, &moved) == STATUS_SUCCESS);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 1, -3, NULL) == STATUS_INVALID_PARAMETER);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 2, INT64_MAX - 1, NULL) ==
                STATUS_INVALID_PARAMETER);
    memset(data, 0xA5, sizeof(data));
    CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, 0, data, 3000, 9999, &moved) == STATUS_SUCCESS);
    CHILD_CHECK(moved == 3000);
    CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, SL_WRITE_THROUGH, data, 10, -1, NULL) ==
                STATUS_SUCCESS); /* At the end. */
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, back, 3000, 9999, &moved) == STATUS_SUCCESS);
    CHILD_CHECK(memcmp(data, back, 3000) == 0);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, back, 3000, 12999, &moved) == STATUS_SUCCESS);
    CHILD_CHECK(moved == 10);
    CHILD_CHECK(io_transfer(object, IRP_MJ_FLUSH_BUFFERS, 0, NULL, 0, 0, NULL) == STATUS_SUCCESS);
    counts = host_file_counts();
    /* As FASTFAT: SL_WRITE_THROUGH on an IRP that goes through the cache is not looked at. */
    CHILD_CHECK(counts.writes == 2 && counts.write_through == 0 && counts.flushes == 1);
    ObDereferenceObject(object);
    ZwClose(file);
    halt();
}

static void test_transfers(void)
{
    CHILD_PASSES(transfers, NULL);
    for (uintptr_t seed = 1; seed <= 20; seed++) {
        CHILD_PASSES(transfers, (void *)seed);
    }
}

static void wrong_access(void *unused)
{
    unsigned char data[512];
    HANDLE file;

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 1024);
    CHILD_CHECK(io_create("f", GENERIC_READ, SHARE_ALL, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING,
                          0, &file, NULL) == STATUS_SUCCESS);
    PFILE_OBJECT object = io_file_object(file);
    CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, 0, data, 512, 0, NULL) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 512, 1, NULL) ==
                STATUS_INVALID_PARAMETER);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 511, 0, NULL) ==
                STATUS_INVALID_PARAMETER);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 512, 512, NULL) == STATUS_SUCCESS);
    ObDereferenceObject(object);
    ZwClose(file);
    CHILD_CHECK(io_create("f", GENERIC_WRITE, SHARE_ALL, FILE_OPEN, FILE_WRITE_THROUGH, 0, &file,
                          NULL) == STATUS_SUCCESS);
    object = io_file_object(file);
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 512, 0, NULL) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, 0, data, 512, 0, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().write_through == 1);
    ObDereferenceObject(object);
    ZwClose(file);
    CHILD_CHECK(io_create("f", GENERIC_WRITE, SHARE_ALL, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING,
                          0, &file, NULL) == STATUS_SUCCESS);
    object = io_file_object(file);
    CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, 0, data, 512, 0, NULL) == STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().write_through == 1);
    CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, SL_WRITE_THROUGH, data, 512, 0, NULL) ==
                STATUS_SUCCESS);
    CHILD_CHECK(host_file_counts().write_through == 2); /* Past the cache it is. */
    ObDereferenceObject(object);
    ZwClose(file);
    halt();
}

static void test_wrong_access(void)
{
    CHILD_PASSES(wrong_access, NULL);
}

/* --- faults on order --- */

static void faults(void *unused)
{
    unsigned char data[100] = {0};
    ULONG_PTR moved;
    struct stat status;

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 100);
    host_file_fault_add(&(struct host_file_fault){.op = HOST_FILE_OPEN, .nth = 2, .error = EMFILE});
    HANDLE file = io_open("f");
    CHILD_CHECK(try_open("f", GENERIC_READ, 0) == STATUS_TOO_MANY_OPENED_FILES);
    CHILD_CHECK(try_open("f", GENERIC_READ, 0) == STATUS_SUCCESS);
    PFILE_OBJECT object = io_file_object(file);
    host_file_fault_add(&(struct host_file_fault){
        .op = HOST_FILE_WRITE, .nth = 2, .from_then_on = true, .error = ENOSPC, .short_to = 30});
    CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, 0, data, 100, 100, &moved) == STATUS_SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        CHILD_CHECK(io_transfer(object, IRP_MJ_WRITE, 0, data, 100, 200, &moved) ==
                    STATUS_DISK_FULL);
        CHILD_CHECK(moved == 0);
    }
    CHILD_CHECK(stat(io_path("f"), &status) == 0 &&
                status.st_size == 230); /* Half of it was written. */
    host_file_faults_clear();
    for (uint32_t shorter = 0; shorter < 100; shorter++) { /* Every shorter length. */
        host_file_fault_add(
            &(struct host_file_fault){.op = HOST_FILE_READ, .nth = 1, .short_to = shorter});
        CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 100, 0, &moved) == STATUS_SUCCESS);
        CHILD_CHECK(moved == shorter);
        host_file_faults_clear();
    }
    host_file_fault_add(&(struct host_file_fault){
        .op = HOST_FILE_FLUSH, .nth = 1, .error = EIO, .short_to = UINT32_MAX});
    CHILD_CHECK(io_transfer(object, IRP_MJ_FLUSH_BUFFERS, 0, NULL, 0, 0, NULL) ==
                STATUS_IO_DEVICE_ERROR);
    host_file_fault_add(&(struct host_file_fault){.op = HOST_FILE_READ, .nth = 1, .error = EIO});
    CHILD_CHECK(io_transfer(object, IRP_MJ_READ, 0, data, 100, 0, &moved) ==
                STATUS_IO_DEVICE_ERROR);
    ObDereferenceObject(object);
    ZwClose(file);
    halt();
}

static void test_faults(void)
{
    CHILD_PASSES(faults, NULL);
}

static NTSTATUS NTAPI async_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(irp);
    ++*(volatile unsigned *)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/** Starts a read and leaves it. */
static PIRP start_read(PFILE_OBJECT file, void *data, ULONG length, unsigned *done,
                       NTSTATUS *status)
{
    PDEVICE_OBJECT top = IoGetRelatedDeviceObject(file);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

    next->MajorFunction = IRP_MJ_READ;
    next->FileObject = file;
    next->Parameters.Read.Length = length;
    irp->MdlAddress = IoAllocateMdl(data, length, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(irp->MdlAddress);
    IoSetCompletionRoutine(irp, async_done, done, TRUE, TRUE, TRUE);
    *status = IoCallDriver(top, irp);
    return irp;
}

static void free_read(PIRP irp)
{
    IoFreeMdl(irp->MdlAddress);
    IoFreeIrp(irp);
}

/** A hung read ends by cancel, or goes on when released; not before. */
static void hang(void *kind)
{
    unsigned char data[2][50];
    unsigned done = 0;
    NTSTATUS status;

    io_boot(kind == NULL ? SCHED_REAL : SCHED_SEEDED, 3, false);
    io_directory();
    io_make_file("f", 100);
    HANDLE file = io_open("f");
    PFILE_OBJECT object = io_file_object(file);
    host_file_fault_add(&(struct host_file_fault){.op = HOST_FILE_READ,
                                                  .nth = 1,
                                                  .from_then_on = true,
                                                  .short_to = UINT32_MAX,
                                                  .hang = true});
    PIRP first = start_read(object, data[0], 50, &done, &status);
    CHILD_CHECK(status == STATUS_PENDING && done == 0);
    PIRP second = start_read(object, data[1], 50, &done, &status);
    sched_settle(1000000);
    CHILD_CHECK(status == STATUS_PENDING && done == 0);
    CHILD_CHECK(IoCancelIrp(first) && done == 1 && first->IoStatus.Status == STATUS_CANCELLED);
    host_file_release();
    CHILD_CHECK(done == 2 && second->IoStatus.Status == STATUS_SUCCESS && data[1][3] == 21);
    CHILD_CHECK(!IoCancelIrp(second));
    free_read(first);
    free_read(second);
    ObDereferenceObject(object);
    ZwClose(file);
    halt();
}

static void test_hang(void)
{
    CHILD_PASSES(hang, NULL);
    CHILD_PASSES(hang, "seeded");
}

static volatile bool opened;

static void opener(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    HANDLE file = io_open("f");
    opened = true;
    ZwClose(file);
}

static void hanging_open(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 10);
    host_file_fault_add(&(struct host_file_fault){.op = HOST_FILE_OPEN, .nth = 1, .hang = true});
    struct nt_thread *thread = sched_spawn("opener", opener, NULL);
    sched_settle(1000000);
    CHILD_CHECK(!opened);
    host_file_release();
    nt_wait(thread, NULL);
    CHILD_CHECK(opened);
    nt_object_dereference(thread);
    halt();
}

static void test_hanging_open(void)
{
    CHILD_PASSES(hanging_open, NULL);
}

/* --- what the seeds do --- */

static struct {
    unsigned inline_, pended, dispatch, passive;
} seen;

struct observed {
    KEVENT done;
    unsigned times;
    bool dispatch;
};

static NTSTATUS NTAPI observe(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct observed *observed = context;

    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(irp);
    observed->times++;
    observed->dispatch = KeGetCurrentIrql() == DISPATCH_LEVEL;
    KeSetEvent(&observed->done, 0, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/** Four reads at once under many choices: each way of completion is met. */
static void orders(void *unused)
{
    unsigned char data[4][10];

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 100);
    HANDLE file = io_open("f");
    PFILE_OBJECT object = io_file_object(file);
    PDEVICE_OBJECT top = IoGetRelatedDeviceObject(object);
    for (unsigned round = 0; round < 40; round++) {
        struct observed done[4];
        PIRP irps[4];

        for (unsigned i = 0; i < 4; i++) {
            memset(&done[i], 0, sizeof(done[i]));
            KeInitializeEvent(&done[i].done, NotificationEvent, FALSE);
            irps[i] = IoAllocateIrp(top->StackSize, FALSE);
            PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irps[i]);
            next->MajorFunction = IRP_MJ_READ;
            next->FileObject = object;
            next->Parameters.Read.Length = 10;
            irps[i]->UserBuffer = data[i];
            IoSetCompletionRoutine(irps[i], observe, &done[i], TRUE, TRUE, TRUE);
            NTSTATUS status = IoCallDriver(top, irps[i]);
            status == STATUS_PENDING ? seen.pended++ : seen.inline_++;
        }
        for (unsigned i = 0; i < 4; i++) {
            KeWaitForSingleObject(&done[i].done, Executive, KernelMode, FALSE, NULL);
            CHILD_CHECK(done[i].times == 1 && irps[i]->IoStatus.Information == 10);
            done[i].dispatch ? seen.dispatch++ : seen.passive++;
            IoFreeIrp(irps[i]);
        }
    }
    CHILD_CHECK(seen.inline_ > 20 && seen.pended > 20 && seen.dispatch > 10 && seen.passive > 10);
    ObDereferenceObject(object);
    ZwClose(file);
    halt();
}

static void test_orders(void)
{
    CHILD_PASSES(orders, NULL);
}

/* --- rules and paths --- */

static void at_dispatch(void *unused)
{
    char data[10];

    UNREFERENCED_PARAMETER(unused);
    boot();
    io_make_file("f", 10);
    HANDLE file = io_open("f");
    PFILE_OBJECT object = io_file_object(file);
    KeRaiseIrqlToDpcLevel();
    io_transfer(object, IRP_MJ_READ, 0, data, 10, 0, NULL);
}

static void test_file_io_at_dispatch(void)
{
    CHILD_BREAKS(RULE_FILE_IO_IRQL, at_dispatch, NULL);
}

static void test_win32_path(void)
{
    struct host_error error = {.message = ""};
    uint16_t out[40];

    CU_ASSERT_TRUE(host_win32_path("/tmp/./x//../a.img", out, 40, &error));
    static const uint16_t expected[] = u"Z:\\tmp\\a.img";
    CU_ASSERT_EQUAL(memcmp(out, expected, sizeof(expected)), 0);
    CU_ASSERT_TRUE(host_win32_path("/../..", out, 40, &error));
    CU_ASSERT_EQUAL(memcmp(out, u"Z:\\", 8), 0);
    CU_ASSERT_FALSE(host_win32_path("/tmp/a:b", out, 40, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "':'"));
    CU_ASSERT_FALSE(
        host_win32_path("/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", out, 40, &error));
    CU_ASSERT_FALSE(host_win32_path("/tmp/\xFF", out, 40, &error));
    CU_ASSERT_TRUE(error.remedy[0] != '\0');
}

CU_ErrorCode register_file_suite(void);
CU_ErrorCode register_file_suite(void)
{
    static CU_TestInfo tests[] = {
        {"names", test_names},
        {"names that cannot be", test_bad_name},
        {"network names", test_unc},
        {"dispositions", test_dispositions},
        {"options", test_options},
        {"share access, every pair", test_sharing},
        {"cleanup and close", test_cleanup_and_close},
        {"rights of another user", test_rights},
        {"queries", test_queries},
        {"sparse files", test_sparse},
        {"sparse or not", test_sparse_or_not},
        {"reads and writes", test_transfers},
        {"wrong access", test_wrong_access},
        {"faults on order", test_faults},
        {"a hung read is cancelled or released", test_hang},
        {"a hung open", test_hanging_open},
        {"completion in every way", test_orders},
        {"file I/O at DISPATCH_LEVEL", test_file_io_at_dispatch},
        {"Win32 paths", test_win32_path},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {.pName = "file", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
