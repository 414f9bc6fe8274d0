/*
 * The file system as drivers see it: two device objects (local, and network for UNC paths) that
 * take IRPs for read, write, flush, control, cleanup and close, and turn them into calls on the
 * POSIX file.
 * Beneath the drivers' workers; file.c opens. Under the real scheduler an IRP is done in the
 * caller's thread. Under the seeded one the scheduler's own choice decides for each IRP: done at
 * once, or pended, cancelable, and done by the file system's worker thread, which completes it at
 * PASSIVE_LEVEL or at DISPATCH_LEVEL, in any order. A hung IRP (fault rule) waits in the same way.
 */
#define _GNU_SOURCE
#include "nt/io_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

static PDRIVER_OBJECT driver;
static PDEVICE_OBJECT devices[2]; /* Local, remote. */

/** Pended IRPs, with the lock that IoCsq wants. */
struct fsd_queue {
    IO_CSQ csq;
    KSPIN_LOCK lock;
    LIST_ENTRY irps;
};
static struct fsd_queue pended; /* For the worker. */
static struct fsd_queue hung;   /* Until cancelled or released. */
static KEVENT work_event;       /* Synchronization: the worker looks at `pended`. */
static struct nt_thread *worker;
static bool stopping;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fs_node *nodes;
static struct fs_open *opens;

/* --- openings and sharing --- */

static struct fs_node *node_find(const struct stat *status)
{
    struct fs_node *node = nodes;

    while (node != NULL && (node->device != status->st_dev || node->inode != status->st_ino)) {
        node = node->next;
    }
    return node;
}

static struct fs_node *node_reference(const struct stat *status)
{
    struct fs_node *node = node_find(status);

    if (node == NULL && (node = calloc(1, sizeof(*node))) != NULL) {
        node->device = status->st_dev;
        node->inode = status->st_ino;
        node->next = nodes;
        nodes = node;
    }
    if (node != NULL) {
        node->references++;
    }
    return node;
}

static void node_dereference(struct fs_node *node)
{
    struct fs_node **link = &nodes;

    if (--node->references != 0) {
        return;
    }
    while (*link != node) {
        link = &(*link)->next;
    }
    *link = node->next;
    free(node);
}

/** IoCheckShareAccess: what I want, all others share; what others have, I share. Openings for
 *  attributes do not count. */
static bool share_allowed(const struct fs_node *node, bool read, bool write, bool delete,
                          ULONG share)
{
    return (!read || node->shared_read == node->open_count) &&
           (!write || node->shared_write == node->open_count) &&
           (!delete || node->shared_delete == node->open_count) &&
           (node->readers == 0 || (share & FILE_SHARE_READ) != 0) &&
           (node->writers == 0 || (share & FILE_SHARE_WRITE) != 0) &&
           (node->deleters == 0 || (share & FILE_SHARE_DELETE) != 0);
}

static void share_count(struct fs_node *node, PFILE_OBJECT file, unsigned difference)
{
    node->open_count += difference;
    node->readers += file->ReadAccess ? difference : 0;
    node->writers += file->WriteAccess ? difference : 0;
    node->deleters += file->DeleteAccess ? difference : 0;
    node->shared_read += file->SharedRead ? difference : 0;
    node->shared_write += file->SharedWrite ? difference : 0;
    node->shared_delete += file->SharedDelete ? difference : 0;
}

bool fsd_share(struct fs_open *open, const struct stat *status, ACCESS_MASK access, ULONG share)
{
    PFILE_OBJECT file = open->file;
    bool read = (access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    bool write = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    bool delete = (access & DELETE) != 0;
    bool counts = read || write || delete;

    pthread_mutex_lock(&lock);
    struct fs_node *node = node_reference(status);
    bool allowed = node != NULL && (!counts || share_allowed(node, read, write, delete, share));
    if (allowed) {
        file->ReadAccess = read;
        file->WriteAccess = write;
        file->DeleteAccess = delete;
        if (counts) {
            file->SharedRead = (share & FILE_SHARE_READ) != 0;
            file->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
            file->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
            share_count(node, file, 1);
        }
        open->node = node;
        open->next = opens;
        opens = open;
    } else if (node != NULL) {
        node_dereference(node);
    }
    pthread_mutex_unlock(&lock);
    return allowed;
}

void fsd_unshare(struct fs_open *open)
{
    PFILE_OBJECT file = open->file;

    pthread_mutex_lock(&lock);
    if (file->ReadAccess || file->WriteAccess || file->DeleteAccess) {
        share_count(open->node, file, (unsigned)-1);
    }
    file->Flags |= FO_CLEANUP_COMPLETE;
    pthread_mutex_unlock(&lock);
}

void fsd_forget(struct fs_open *open)
{
    pthread_mutex_lock(&lock);
    struct fs_open **link = &opens;
    while (*link != open) {
        link = &(*link)->next;
    }
    *link = open->next;
    node_dereference(open->node);
    pthread_mutex_unlock(&lock);
}

uint64_t fsd_open_count(void)
{
    uint64_t count = 0;

    pthread_mutex_lock(&lock);
    for (struct fs_open *open = opens; open != NULL; open = open->next) {
        count++;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

unsigned fsd_open_on(dev_t device)
{
    unsigned count = 0;

    pthread_mutex_lock(&lock);
    for (struct fs_open *open = opens; open != NULL; open = open->next) {
        count += open->device == device;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

/* --- moving bytes --- */

NTSTATUS fsd_read(struct fs_open *open, void *data, uint32_t length, int64_t offset,
                  struct fs_effect effect, ULONG_PTR *moved)
{
    uint32_t wanted = length < effect.short_to ? length : effect.short_to;
    uint32_t done = 0;

    *moved = 0;
    nt_pool_paged_touch(data);
    while (done < wanted) {
        ssize_t got = pread(open->fd, (char *)data + done, wanted - done, offset + done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return nt_status_of_errno(errno);
        }
        if (got == 0) {
            break;
        }
        done += (uint32_t)got;
    }
    if (effect.error != 0) {
        return nt_status_of_errno(effect.error);
    }
    if (done == 0 && wanted != 0) {
        return STATUS_END_OF_FILE;
    }
    *moved = done;
    return STATUS_SUCCESS;
}

/** pwrite that is durable when it returns, where the file system can; else the caller syncs. */
static ssize_t write_through(int fd, const void *data, size_t length, int64_t offset, bool *synced)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
    ssize_t got = pwritev2(fd, &part, 1, offset, RWF_DSYNC);

    if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
        *synced = false;
        got = pwrite(fd, data, length, offset);
    }
    return got;
}

NTSTATUS fsd_write(struct fs_open *open, const void *data, uint32_t length, int64_t offset,
                   bool through, struct fs_effect effect, ULONG_PTR *moved)
{
    uint32_t wanted = length < effect.short_to ? length : effect.short_to;
    uint32_t done = 0;
    bool synced = true;

    *moved = 0;
    nt_pool_paged_touch(data);
    while (done < wanted) {
        const char *from = (const char *)data + done;
        ssize_t got = through ? write_through(open->fd, from, wanted - done, offset + done, &synced)
                              : pwrite(open->fd, from, wanted - done, offset + done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return nt_status_of_errno(got < 0 ? errno : EIO);
        }
        done += (uint32_t)got;
    }
    if (!synced && fdatasync(open->fd) != 0) {
        return nt_status_of_errno(errno);
    }
    if (effect.error != 0) {
        return nt_status_of_errno(effect.error);
    }
    *moved = done;
    return STATUS_SUCCESS;
}

NTSTATUS fsd_flush(struct fs_open *open, struct fs_effect effect)
{
    if (effect.error != 0) {
        return nt_status_of_errno(effect.error);
    }
    while (fsync(open->fd) != 0) {
        if (errno != EINTR) {
            return nt_status_of_errno(errno);
        }
    }
    return STATUS_SUCCESS;
}

/* --- IRPs --- */

/** Where in the IRP the effect of a fault rule waits while it is pended; DriverContext[3] is
 *  IoCsq's. */
static void irp_keep_effect(PIRP irp, struct fs_effect effect)
{
    irp->Tail.Overlay.DriverContext[0] = (PVOID)(uintptr_t)(unsigned)effect.error;
    irp->Tail.Overlay.DriverContext[1] = (PVOID)(uintptr_t)effect.short_to;
}

static struct fs_effect irp_kept_effect(PIRP irp)
{
    return (struct fs_effect){
        .error = (int)(uintptr_t)irp->Tail.Overlay.DriverContext[0],
        .short_to = (uint32_t)(uintptr_t)irp->Tail.Overlay.DriverContext[1],
    };
}

static NTSTATUS irp_end(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IofCompleteRequest(irp, IO_DISK_INCREMENT);
    return status;
}

/** The same at the given level: a disk's completion comes at DISPATCH_LEVEL. */
static NTSTATUS irp_end_at(PIRP irp, NTSTATUS status, ULONG_PTR information, KIRQL level)
{
    KIRQL old = nt_raise_irql(level);

    irp_end(irp, status, information);
    nt_lower_irql(old);
    return status;
}

/** The memory of a read or write: what the MDL describes, or a kernel address. */
static void *irp_memory(PIRP irp, ULONG length)
{
    return irp->MdlAddress != NULL ? nt_mdl_memory(irp->MdlAddress, length) : irp->UserBuffer;
}

/** Bypasses the IRP the cache? */
static bool irp_uncached(PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;

    return (file->Flags & FO_NO_INTERMEDIATE_BUFFERING) != 0 || (irp->Flags & IRP_NOCACHE) != 0;
}

#define FS_SECTOR 512
/** Turns the special offsets into real ones and checks what the file system checks. */
static NTSTATUS irp_check_transfer(PIRP irp, struct fs_open *open, bool write, ULONG length,
                                   int64_t *offset)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = location->FileObject;
    struct stat status;

    *offset = location->Parameters.Read.ByteOffset.QuadPart;
    if (open->directory || open->path_only) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (write ? !file->WriteAccess : !file->ReadAccess) {
        return STATUS_ACCESS_DENIED;
    }
    if (location->Parameters.Read.ByteOffset.HighPart == -1 && *offset >= -2) {
        bool at_end = write && *offset == -1;
        if (at_end && fstat(open->fd, &status) != 0) {
            return nt_status_of_errno(errno);
        }
        *offset = at_end ? status.st_size : file->CurrentByteOffset.QuadPart;
    }
    if (*offset < 0 || *offset > INT64_MAX - (int64_t)length) {
        return STATUS_INVALID_PARAMETER;
    }
    if (irp_uncached(irp) && (*offset % FS_SECTOR != 0 || length % FS_SECTOR != 0)) {
        return STATUS_INVALID_PARAMETER;
    }
    return length != 0 && irp->MdlAddress == NULL && irp->UserBuffer == NULL
               ? STATUS_INVALID_USER_BUFFER
               : STATUS_SUCCESS;
}

/** Is the write to be durable when the IRP ends? As with FASTFAT: the file's own flag always counts,
 *  the IRP's only if it bypasses the cache. A cached write with SL_WRITE_THROUGH is a cached write. */
static bool irp_write_through(PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    return (location->FileObject->Flags & FO_WRITE_THROUGH) != 0 ||
           ((location->Flags & SL_WRITE_THROUGH) != 0 && irp_uncached(irp));
}

static NTSTATUS irp_transfer(PIRP irp, struct fs_effect effect, KIRQL level, bool write)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = location->FileObject;
    struct fs_open *open = file->FsContext2;
    ULONG length = location->Parameters.Read.Length;
    bool through = irp_write_through(irp);
    ULONG_PTR moved = 0;
    int64_t offset;
    NTSTATUS status = irp_check_transfer(irp, open, write, length, &offset);

    if (NT_SUCCESS(status) && (length != 0 || effect.error != 0)) {
        void *memory = irp_memory(irp, length);
        status = write ? fsd_write(open, memory, length, offset, through, effect, &moved)
                       : fsd_read(open, memory, length, offset, effect, &moved);
    }
    if (NT_SUCCESS(status) && (file->Flags & FO_SYNCHRONOUS_IO) != 0) {
        file->CurrentByteOffset.QuadPart = offset + (int64_t)moved;
    }
    io_count(write ? IO_WRITES : IO_READS, 1);
    if (write && through) {
        io_count(IO_WRITE_THROUGH, 1);
    }
    if (trace_wants(TRACE_FILE)) {
        trace_event(TRACE_FILE, write ? "write" : "read", (uint64_t)offset, length,
                    (uint32_t)status, moved);
    }
    return irp_end_at(irp, status, moved, level);
}

static NTSTATUS irp_flush(PIRP irp, struct fs_effect effect, KIRQL level)
{
    struct fs_open *open = IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext2;
    NTSTATUS status = open->path_only ? STATUS_SUCCESS : fsd_flush(open, effect);

    io_count(IO_FLUSHES, 1);
    trace_event(TRACE_FILE, "flush", 0, 0, (uint32_t)status, 0);
    return irp_end_at(irp, status, 0, level);
}

static NTSTATUS irp_control(PIRP irp, struct fs_effect effect, KIRQL level)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    size_t written = 0;
    NTSTATUS status = fs_control(irp, effect, &written);

    io_count(IO_CONTROLS, 1);
    trace_event(TRACE_FILE, "control", location->Parameters.FileSystemControl.FsControlCode, 0,
                (uint32_t)status, written);
    return irp_end_at(irp, status, written, level);
}

/** Does what the IRP asks, in this thread, and completes it at the given level. */
static NTSTATUS irp_do(PIRP irp, struct fs_effect effect, KIRQL level)
{
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;

    level = level > nt_irql() ? level : nt_irql();
    switch (major) {
    case IRP_MJ_FLUSH_BUFFERS:
        return irp_flush(irp, effect, level);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        return irp_control(irp, effect, level);
    default:
        return irp_transfer(irp, effect, level, major == IRP_MJ_WRITE);
    }
}

/* --- the queues --- */

static struct fsd_queue *queue_of(PIO_CSQ csq)
{
    return CONTAINING_RECORD(csq, struct fsd_queue, csq);
}

static VOID NTAPI queue_insert(PIO_CSQ csq, PIRP irp)
{
    InsertTailList(&queue_of(csq)->irps, &irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI queue_remove(PIO_CSQ csq, PIRP irp)
{
    UNREFERENCED_PARAMETER(csq);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

/** The worker takes them in any order: from a random place on. */
static PIRP NTAPI queue_peek(PIO_CSQ csq, PIRP irp, PVOID context)
{
    LIST_ENTRY *head = &queue_of(csq)->irps;
    LIST_ENTRY *at = irp == NULL ? head->Flink : irp->Tail.Overlay.ListEntry.Flink;
    uint32_t length = 0;

    if (irp == NULL && context != NULL) {
        for (LIST_ENTRY *entry = head->Flink; entry != head; entry = entry->Flink) {
            length++;
        }
        for (uint32_t skip = length > 1 ? sched_random(length) : 0; skip != 0; skip--) {
            at = at->Flink;
        }
    }
    return at == head ? NULL : CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI queue_lock(PIO_CSQ csq, PKIRQL irql)
{
    *irql = KeAcquireSpinLockRaiseToDpc(&queue_of(csq)->lock);
}

static VOID NTAPI queue_unlock(PIO_CSQ csq, KIRQL irql)
{
    KeReleaseSpinLock(&queue_of(csq)->lock, irql);
}

static VOID NTAPI queue_cancelled(PIO_CSQ csq, PIRP irp)
{
    UNREFERENCED_PARAMETER(csq);
    trace_event(TRACE_FILE, "cancelled", 0, 0, (uint32_t)STATUS_CANCELLED, 0);
    irp_end(irp, STATUS_CANCELLED, 0);
}

static void queue_init(struct fsd_queue *queue)
{
    KeInitializeSpinLock(&queue->lock);
    InitializeListHead(&queue->irps);
    IoCsqInitialize(&queue->csq, queue_insert, queue_remove, queue_peek, queue_lock, queue_unlock,
                    queue_cancelled);
}

static void worker_run(void *argument)
{
    UNREFERENCED_PARAMETER(argument);
    while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
        PIRP irp = IoCsqRemoveNextIrp(&pended.csq, &pended);
        if (irp == NULL) {
            nt_wait(&work_event, NULL);
            continue;
        }
        irp_do(irp, irp_kept_effect(irp), sched_random(2) == 0 ? PASSIVE_LEVEL : DISPATCH_LEVEL);
    }
}

void host_file_release(void)
{
    PIRP irp;

    fs_release_hung();
    while (driver != NULL && (irp = IoCsqRemoveNextIrp(&hung.csq, NULL)) != NULL) {
        irp_do(irp, irp_kept_effect(irp), PASSIVE_LEVEL);
    }
}

/* --- dispatch --- */

static NTSTATUS NTAPI fsd_transfer(PDEVICE_OBJECT device, PIRP irp)
{
    static const enum host_file_op ops[] = {
        [IRP_MJ_READ] = HOST_FILE_READ,
        [IRP_MJ_WRITE] = HOST_FILE_WRITE,
        [IRP_MJ_FLUSH_BUFFERS] = HOST_FILE_FLUSH,
        [IRP_MJ_FILE_SYSTEM_CONTROL] = HOST_FILE_CONTROL,
    };
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    struct fs_effect effect;

    UNREFERENCED_PARAMETER(device);
    if (nt_irql() > APC_LEVEL) {
        verifier_bugcheck(RULE_FILE_IO_IRQL, nt_irql(), major, 0,
                          "the file system is called at IRQL %u", nt_irql());
    }
    effect = fs_next_effect(ops[major]);
    if (effect.hang) {
        irp_keep_effect(irp, effect);
        IoCsqInsertIrp(&hung.csq, irp, NULL);
        return STATUS_PENDING;
    }
    if (sched_kind() == SCHED_SEEDED && sched_random(2) != 0) {
        irp_keep_effect(irp, effect);
        IoCsqInsertIrp(&pended.csq, irp, NULL);
        nt_set_event(&work_event);
        return STATUS_PENDING;
    }
    return irp_do(irp, effect, PASSIVE_LEVEL);
}

static NTSTATUS NTAPI fsd_cleanup(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    fsd_unshare(IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext2);
    return irp_end(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI fsd_close(PDEVICE_OBJECT device, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    struct fs_open *open = file->FsContext2;
    struct fs_effect effect = fs_next_effect(HOST_FILE_CLOSE);

    UNREFERENCED_PARAMETER(device);
    if (effect.hang && nt_irql() == PASSIVE_LEVEL) {
        fs_hang();
    }
    fsd_forget(open);
    close(open->fd);
    free(open);
    file->FsContext2 = NULL;
    io_count(IO_CLOSES, 1);
    /* Like close(2), IRP_MJ_CLOSE cannot fail: an error here is lost, which is why a driver flushes
     * first. */
    trace_event(TRACE_FILE, "close", 0, 0, (uint32_t)nt_status_of_errno(effect.error), 0);
    return irp_end(irp, STATUS_SUCCESS, 0);
}

PDEVICE_OBJECT fsd_device(bool remote)
{
    return devices[remote];
}

static bool fsd_create_devices(void)
{
    static const ULONG types[] = {FILE_DEVICE_DISK_FILE_SYSTEM, FILE_DEVICE_NETWORK_FILE_SYSTEM};
    static const ULONG characteristics[] = {0, FILE_REMOTE_DEVICE};

    for (unsigned i = 0; i < 2; i++) {
        if (!NT_SUCCESS(IoCreateDevice(driver, 0, NULL, types[i], characteristics[i], FALSE,
                                       &devices[i]))) {
            return false;
        }
        devices[i]->Flags &= ~DO_DEVICE_INITIALIZING;
        devices[i]->SectorSize = FS_SECTOR;
    }
    return true;
}

bool fsd_boot(void)
{
    driver = nt_driver_create("\\FileSystem\\HostFs");
    driver->MajorFunction[IRP_MJ_READ] = fsd_transfer;
    driver->MajorFunction[IRP_MJ_WRITE] = fsd_transfer;
    driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = fsd_transfer;
    driver->MajorFunction[IRP_MJ_FILE_SYSTEM_CONTROL] = fsd_transfer;
    driver->MajorFunction[IRP_MJ_CLEANUP] = fsd_cleanup;
    driver->MajorFunction[IRP_MJ_CLOSE] = fsd_close;
    queue_init(&pended);
    queue_init(&hung);
    KeInitializeEvent(&work_event, SynchronizationEvent, FALSE);
    stopping = false;
    if (sched_kind() == SCHED_SEEDED) {
        worker = sched_spawn("file system", worker_run, NULL);
        worker->service = true;
    }
    return fsd_create_devices();
}

void fsd_halt(void)
{
    host_file_faults_clear();
    host_file_release();
    if (worker != NULL) {
        __atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
        nt_set_event(&work_event);
        nt_wait(worker, NULL);
        nt_object_dereference(worker);
        worker = NULL;
    }
    for (unsigned i = 0; i < 2; i++) {
        IoDeleteDevice(devices[i]);
        devices[i] = NULL;
    }
    nt_object_dereference(driver);
    driver = NULL;
}
