/*
 * The backing file: opened with the rights of the caller and no others, refused with the file
 * system's own reason,
 * flushed before it is closed; nothing leaks on any of the ways.
 */
#include "machine.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SOMEBODY_ELSE 65534 /* nobody: owns none of our files. */

static void make(const char *path, unsigned size, mode_t mode)
{
    FILE *file = fopen(path, "wb");

    CHILD_CHECK(file != NULL);
    for (unsigned i = 0; i < size; i++) {
        fputc(0, file);
    }
    fclose(file);
    CHILD_CHECK(chmod(path, mode) == 0);
}

/** Nothing of an open file is left: handles, objects and pool are what they were. */
static struct host_census quiet(void)
{
    struct host_census census;

    memset(&census, 0, sizeof(census));
    census.pool_blocks = nt_pool_outstanding(0, NULL);
    census.handles = nt_handle_count();
    census.objects = nt_object_count();
    census.irps = nt_irp_count();
    return census;
}

static bool same(struct host_census one, struct host_census two)
{
    return memcmp(&one, &two, sizeof(one)) == 0;
}

/* --- what opens --- */

static void a_file_knows_its_size(void *argument)
{
    static const unsigned sizes[] = {0, 1, 511, 512, 513, 65536 + 7};
    char path[160];
    PVMINI_MEDIA media;

    (void)argument;
    machine_boot(0);
    machine_path_of("sized.img", path, sizeof(path));
    for (unsigned i = 0; i < RTL_NUMBER_OF(sizes); i++) {
        make(path, sizes[i], 0644);
        CHILD_CHECK(machine_open(path, i % 2 == 0, &media) == STATUS_SUCCESS);
        CHILD_CHECK(media->Size == sizes[i] && media->ReadOnly == (i % 2 == 0) && !media->Remote);
        CHILD_CHECK(media->FileSystem == IoGetRelatedDeviceObject(media->FileObject));
        CHILD_CHECK(VminiMediaClose(media) == STATUS_SUCCESS);
    }
    machine_halt();
}

static void closing_flushes_what_may_have_been_written(void *argument)
{
    struct host_census before;
    PVMINI_MEDIA media;

    (void)argument;
    machine_boot(0);
    VminiMediaClose(machine.media);
    machine.media = NULL;
    before = quiet();
    CHILD_CHECK(host_file_counts().flushes == 1);
    CHILD_CHECK(machine_open(machine.path, true, &media) == STATUS_SUCCESS);
    CHILD_CHECK(VminiMediaClose(media) == STATUS_SUCCESS && host_file_counts().flushes == 1);
    CHILD_CHECK(machine_open(machine.path, false, &media) == STATUS_SUCCESS);
    fault(HOST_FILE_FLUSH, 1, false, EIO, ALL_BYTES, false);
    CHILD_CHECK(VminiMediaClose(media) ==
                nt_status_of_errno(EIO)); /* Told, and closed all the same. */
    CHILD_CHECK(host_file_counts().opens == host_file_counts().closes && same(quiet(), before));
    machine_halt();
}

/* --- what does not --- */

static void what_cannot_be_opened(void *argument)
{
    struct host_census before;
    char path[160], folder[160];
    PVMINI_MEDIA media;

    (void)argument;
    machine_boot(0);
    before = quiet();
    CHILD_CHECK(machine_open(machine_path_of("absent.img", path, sizeof(path)), false, &media) ==
                STATUS_OBJECT_NAME_NOT_FOUND);
    CHILD_CHECK(machine_open(machine_path_of("absent/disk.img", path, sizeof(path)), false,
                             &media) == STATUS_OBJECT_PATH_NOT_FOUND);
    CHILD_CHECK(machine_open(machine_path_of(".", folder, sizeof(folder)), false, &media) ==
                STATUS_FILE_IS_A_DIRECTORY);
    fault(HOST_FILE_OPEN, 1, false, EIO, ALL_BYTES, false);
    CHILD_CHECK(machine_open(machine.path, true, &media) == nt_status_of_errno(EIO));
    CHILD_CHECK(same(quiet(), before));
    machine_halt();
}

/** Others may read the image while it is connected, nobody may write it. */
static void sharing(void *argument)
{
    struct host_census before;
    PVMINI_MEDIA one, two;

    (void)argument;
    machine_boot(0); /* Has the file open for writing. */
    before = quiet();
    CHILD_CHECK(machine_open(machine.path, false, &one) == STATUS_SHARING_VIOLATION);
    CHILD_CHECK(machine_open(machine.path, true, &one) == STATUS_SHARING_VIOLATION);
    CHILD_CHECK(same(quiet(), before));
    VminiMediaClose(machine.media);
    machine.media = NULL;
    CHILD_CHECK(machine_open(machine.path, true, &one) == STATUS_SUCCESS);
    CHILD_CHECK(machine_open(machine.path, true, &two) == STATUS_SUCCESS);
    VminiMediaClose(two);
    CHILD_CHECK(machine_open(machine.path, false, &two) == STATUS_SHARING_VIOLATION);
    VminiMediaClose(one);
    machine_halt();
}

/** The thread that opens may open anything (it is the system's); the caller may not. */
static void the_callers_rights_count(void *argument)
{
    struct host_census before;
    char secret[160], public[160];
    PVMINI_MEDIA media;

    (void)argument;
    machine_boot(0);
    make(machine_path_of("secret.img", secret, sizeof(secret)), 512, 0600);
    make(machine_path_of("public.img", public, sizeof(public)), 512, 0644);
    before = quiet();
    CHILD_CHECK(machine_open(secret, true, &media) == STATUS_SUCCESS);
    VminiMediaClose(media);

    host_set_user(HOST_USER_STANDARD, SOMEBODY_ELSE);
    before = quiet();
    CHILD_CHECK(machine_open(secret, true, &media) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(machine_open(secret, false, &media) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(machine_open(public, false, &media) == STATUS_ACCESS_DENIED);
    CHILD_CHECK(same(quiet(), before));
    CHILD_CHECK(machine_open(public, true, &media) == STATUS_SUCCESS);
    VminiMediaClose(media);
    CHILD_CHECK(nt_token_effective().user ==
                HOST_USER_STANDARD); /* As before: whoever opened has reverted. */
    machine_halt();
}

/** The same through DO_CREATE: the worker belongs to the system, whose rights must not leak into
 *  the open. */
static void a_worker_opens_as_the_caller(void *argument)
{
    SECURITY_QUALITY_OF_SERVICE quality = {sizeof(quality), SecurityImpersonation,
                                           SECURITY_STATIC_TRACKING, FALSE};
    SECURITY_CLIENT_CONTEXT client;
    LONG unwanted = 0;
    VMINI_MEDIA_OPEN open = {.ReadOnly = TRUE, .Client = &client, .Unwanted = &unwanted};
    WCHAR buffer[256];
    char secret[160];
    struct job job;

    (void)argument;
    machine_boot(1);
    make(machine_path_of("secret.img", secret, sizeof(secret)), 512, 0600);
    host_set_user(HOST_USER_STANDARD, SOMEBODY_ELSE);
    CHILD_CHECK(SeCreateClientSecurity(PsGetCurrentThread(), &quality, FALSE, &client) ==
                STATUS_SUCCESS);
    host_set_user(HOST_USER_ADMINISTRATOR, 0); /* As he was when he asked, not as he has become. */
    open.Path = machine_nt_path(secret, buffer, 256);
    job_init(&job, VminiDoCreate, 0xFF, 0xFF);
    job.item.Open = &open;
    CHILD_CHECK(job_run(&job) == STATUS_ACCESS_DENIED && open.Media == NULL);
    SeDeleteClientSecurity(&client);

    CHILD_CHECK(SeCreateClientSecurity(PsGetCurrentThread(), &quality, FALSE, &client) ==
                STATUS_SUCCESS);
    job_init(&job, VminiDoCreate, 0xFF, 0xFF);
    job.item.Open = &open;
    CHILD_CHECK(job_run(&job) == STATUS_SUCCESS && open.Media != NULL);
    SeDeleteClientSecurity(&client);
    VminiMediaClose(open.Media);
    machine_halt();
}

/* --- low resources --- */

static void every_allocation_may_fail(void *argument)
{
    unsigned failures = 0;
    PVMINI_MEDIA media;

    (void)argument;
    machine_boot(0);
    VminiMediaClose(machine.media);
    machine.media = NULL;
    for (unsigned nth = 1; nth <= 6; nth++) {
        struct host_census before = quiet();
        NTSTATUS status;

        nt_pool_fail(nth, false);
        status = machine_open(machine.path, false, &media);
        nt_pool_fail(0, false);
        CHILD_CHECK(status == STATUS_SUCCESS || status == STATUS_INSUFFICIENT_RESOURCES);
        if (status == STATUS_SUCCESS) {
            VminiMediaClose(media);
        }
        failures += status != STATUS_SUCCESS;
        CHILD_CHECK(same(quiet(), before));
        CHILD_CHECK(host_file_counts().opens == host_file_counts().closes);
    }
    CHILD_CHECK(failures == 1);
    machine_halt();
}

#define CASE(name)                                                                                 \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }
CASE(a_file_knows_its_size)
CASE(closing_flushes_what_may_have_been_written)
CASE(what_cannot_be_opened)
CASE(sharing)
CASE(the_callers_rights_count)
CASE(a_worker_opens_as_the_caller)
CASE(every_allocation_may_fail)

CU_ErrorCode register_media_suite(void);
CU_ErrorCode register_media_suite(void)
{
    CU_pSuite suite = CU_add_suite("04 media", machine_folder_create, machine_folder_remove);

    if (suite == NULL ||
        CU_add_test(suite, "an open file knows its size", test_a_file_knows_its_size) == NULL ||
        CU_add_test(suite, "closing flushes, and tells when that failed",
                    test_closing_flushes_what_may_have_been_written) == NULL ||
        CU_add_test(suite, "missing, no such folder, a directory, a bad disk",
                    test_what_cannot_be_opened) == NULL ||
        CU_add_test(suite, "others may read, nobody may write", test_sharing) == NULL ||
        CU_add_test(suite, "the caller's rights count", test_the_callers_rights_count) == NULL ||
        CU_add_test(suite, "a worker opens as the caller", test_a_worker_opens_as_the_caller) ==
            NULL ||
        CU_add_test(suite, "every allocation may fail", test_every_allocation_may_fail) == NULL) {
        return CU_get_error();
    }
    return CUE_SUCCESS;
}
