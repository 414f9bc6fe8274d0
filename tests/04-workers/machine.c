/*
 * See machine.h.
 */
#include "machine.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct machine machine;

static PDRIVER_OBJECT driver;

uint8_t machine_byte(uint64_t offset)
{
    return (uint8_t)((offset * 2654435761u) >> 13 ^ offset);
}

/* --- the file --- */

/* The folder of this runner: one for all cases, made by the parent. Children of a sweep run side
 * by side: a scenario that looks at what it has written needs a file of its own. */
static char folder[96];

static int own_file = -1;

int machine_folder_create(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/vmini-workers-XXXXXX",
             base != NULL && strlen(base) < 60 ? base : "/tmp");
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0) {
        perror(folder);
        return 1;
    }
    snprintf(machine.path, sizeof(machine.path), "%s/disk.img", folder);
    machine_fill_file();
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

int machine_folder_remove(void)
{
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}

const char *machine_path_of(const char *name, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s/%s", folder, name);
    return buffer;
}

void machine_fill_file(void)
{
    static uint8_t content[MACHINE_FILE_SIZE];
    FILE *file;

    for (uint32_t i = 0; i < MACHINE_FILE_SIZE; i++) {
        content[i] = machine_byte(i);
    }
    file = fopen(machine.path, "wb");
    CHILD_CHECK(file != NULL && fwrite(content, 1, sizeof(content), file) == sizeof(content));
    CHILD_CHECK(fclose(file) == 0);
}

void machine_boot_own_file(unsigned threads)
{
    char name[32];

    snprintf(name, sizeof(name), "disk-%d.img", (int)getpid());
    machine_path_of(name, machine.path, sizeof(machine.path));
    machine_fill_file();
    own_file = open(machine.path, O_RDONLY);
    CHILD_CHECK(own_file >= 0);
    machine_boot(threads);
    CHILD_CHECK(unlink(machine.path) == 0); /* However this child ends. */
}

void machine_file_bytes(uint64_t offset, void *buffer, size_t length)
{
    int file = own_file >= 0 ? own_file : open(machine.path, O_RDONLY);

    CHILD_CHECK(file >= 0 && pread(file, buffer, length, (off_t)offset) == (ssize_t)length);
    if (file != own_file) {
        close(file);
    }
}

UNICODE_STRING machine_nt_path(const char *path, WCHAR *buffer, size_t chars)
{
    static const WCHAR prefix[] = u"\\??\\";
    UNICODE_STRING result;
    struct host_error error;

    memcpy(buffer, prefix, sizeof(prefix));
    CHILD_CHECK(host_win32_path(path, buffer + 4, chars - 4, &error));
    RtlInitUnicodeString(&result, buffer);
    return result;
}

NTSTATUS machine_open(const char *path, bool read_only, PVMINI_MEDIA *media)
{
    SECURITY_QUALITY_OF_SERVICE quality = {sizeof(quality), SecurityImpersonation,
                                           SECURITY_STATIC_TRACKING, FALSE};
    SECURITY_CLIENT_CONTEXT client;
    VMINI_MEDIA_OPEN open = {.ReadOnly = read_only, .Client = &client};
    WCHAR buffer[256];
    NTSTATUS status;

    open.Path = machine_nt_path(path, buffer, 256);
    status = SeCreateClientSecurity(PsGetCurrentThread(), &quality, FALSE, &client);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = VminiMediaOpen(&open);
    SeDeleteClientSecurity(&client);
    CHILD_CHECK(NT_SUCCESS(status) == (open.Media != NULL));
    *media = open.Media;
    return status;
}

/* --- jobs --- */

static VOID item_done(PVMINI_WORK_ITEM item)
{
    struct job *job = CONTAINING_RECORD(item, struct job, item);

    CHILD_CHECK(job->ended == 0);
    CHILD_CHECK(item->Irp == NULL && item->PartialMdl == NULL);
    job->ended++;
    job->writing = item->Writing;
    job->place = __atomic_add_fetch(&machine.ended, 1, __ATOMIC_RELAXED);
    job->status = item->Status;
    job->information = item->Information;
    job->irql = KeGetCurrentIrql();
    CHILD_CHECK(job->irql <= DISPATCH_LEVEL);
    memset(item, 0xDB, sizeof(*item));
    KeSetEvent(&job->done, IO_NO_INCREMENT, FALSE);
}

const VMINI_WORK_CALLBACKS machine_callbacks = {item_done};

void job_init(struct job *job, VMINI_WORK_COMMAND command, UCHAR target, UCHAR lun)
{
    memset(job, 0, sizeof(*job));
    KeInitializeEvent(&job->done, NotificationEvent, FALSE);
    job->item.Command = command;
    job->item.Address = (VMINI_ADDRESS){0, target, lun, 0};
    job->item.Media = machine.media;
}

void job_transfer(struct job *job, VMINI_WORK_COMMAND command, uint64_t offset, void *memory,
                  uint32_t length)
{
    /* An address that does not work: whoever follows Va instead of the MDL faults. */
    void *claimed = (void *)(0xFFFF900000000000u | ((uintptr_t)memory & (PAGE_SIZE - 1)));

    job_init(job, command, 0, 0);
    job->item.Mdl = nt_mdl_create(claimed, memory, length);
    job->item.Va = claimed;
    job->item.Offset = offset;
    job->item.Length = length;
}

void job_buffer(struct job *job, VMINI_WORK_COMMAND command, uint64_t offset, uint32_t length,
                void *buffer, uint32_t size)
{
    job_init(job, command, 0, 0);
    job->item.Offset = offset;
    job->item.Length = length;
    job->item.Buffer = buffer;
    job->item.Size = size;
}

void job_free(struct job *job, PMDL mdl)
{
    CHILD_CHECK(job->ended == 1);
    nt_mdl_free(mdl);
}

void job_submit(struct job *job)
{
    VminiWorkSubmit(machine.queue, &job->item);
}

void job_wait(struct job *job)
{
    KeWaitForSingleObject(&job->done, Executive, KernelMode, FALSE, NULL);
    CHILD_CHECK(job->ended == 1);
}

NTSTATUS job_run(struct job *job)
{
    job_submit(job);
    job_wait(job);
    return job->status;
}

static VOID drain_done(PVMINI_DRAIN drain)
{
    struct drain *self = CONTAINING_RECORD(drain, struct drain, drain);

    CHILD_CHECK(self->done == 0);
    self->done++;
    self->ended_before = __atomic_load_n(&machine.ended, __ATOMIC_RELAXED);
    memset(drain, 0xDB, sizeof(*drain)); /* It is its owner's again. */
}

void reset(VMINI_SCOPE_LEVEL level, UCHAR path, UCHAR target, UCHAR lun, struct drain *drain)
{
    VMINI_SCOPE scope = {level, {path, target, lun, 0}};

    if (drain != NULL) {
        memset(drain, 0, sizeof(*drain));
        drain->drain.Done = drain_done;
    }
    VminiWorkReset(machine.queue, &scope, drain != NULL ? &drain->drain : NULL);
}

void settle(void)
{
    sched_settle(sched_time());
}

void fault(enum host_file_op op, unsigned nth, bool from_then_on, int error, uint32_t short_to,
           bool hang)
{
    struct host_file_fault rule = {op, nth, from_then_on, error, short_to, hang};

    host_file_fault_add(&rule);
}

/* --- boot and halt --- */

void machine_boot(unsigned threads)
{
    struct sched_options options = {
        .kind = SCHED_SEEDED, .seed = 1, .strategy = SCHED_RANDOM, .processors = 2};
    struct host_error error;

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
    CHILD_CHECK(nt_io_boot(NULL, NULL, &error));
    driver = nt_driver_create("\\Driver\\workers");
    CHILD_CHECK(IoCreateDevice(driver, 0, NULL, FILE_DEVICE_DISK, 0, FALSE, &machine.device) ==
                STATUS_SUCCESS);
    verifier_load_census();
    CHILD_CHECK(machine_open(machine.path, false, &machine.media) == STATUS_SUCCESS);
    if (threads != 0) {
        CHILD_CHECK(VminiWorkQueueCreate(&machine_callbacks, threads, machine.device,
                                         &machine.queue) == STATUS_SUCCESS);
    }
}

void machine_end_queue(void)
{
    if (machine.queue != NULL) {
        VminiWorkQueueDestroy(machine.queue);
        machine.queue = NULL;
    }
}

void machine_halt(void)
{
    machine_end_queue();
    if (machine.media != NULL) {
        VminiMediaClose(machine.media);
        machine.media = NULL;
    }
    CHILD_CHECK(verifier_census(stderr) == 0);
    IoDeleteDevice(machine.device);
    nt_io_halt(NULL);
    sched_halt();
}
