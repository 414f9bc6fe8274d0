/*
 * PnP notification: a driver that holds a file open is told when the volume under it is asked to
 * go, stays after all, or is gone. A volume here is a mounted POSIX file system (st_dev). Callbacks
 * run at PASSIVE_LEVEL in the thread that asks (host_volume_query_remove), one after the other,
 * without a lock held.
 */
#include "nt/io_internal.h"

#include <initguid.h>
#include <wdmguid.h>

#include <pthread.h>

/** One registration. */
struct notification {
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE callback;
    PVOID context;
    PFILE_OBJECT file; /* Not referenced: the driver must be able to close it in its callback. */
    dev_t device;
    PDRIVER_OBJECT driver;  /* Referenced. */
    struct nt_thread *runs; /* Thread in the callback, NULL = none. */
    bool removed;           /* Unregistered; freed once nothing runs and no walk stands on it. */
    bool asked;             /* Was asked QUERY_REMOVE, and not yet told how that ended. */
    uint64_t round;         /* Last event that it was told. */
    unsigned holds;         /* Walks that stand on it. */
    KEVENT idle;            /* Signalled when `runs` becomes NULL while somebody waits. */
    struct notification *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct notification *notifications;
static uint64_t rounds; /* Events so far. */
static bool refused;    /* See nt_notification_refuse. */

static void notification_free(struct notification *notification)
{
    nt_object_dereference(notification->driver);
    free(notification);
}

void nt_notification_refuse(bool refuse)
{
    refused = refuse;
}

NTSTATUS NTAPI IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                              ULONG EventCategoryFlags, PVOID EventCategoryData,
                                              PDRIVER_OBJECT DriverObject,
                                              PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                              PVOID Context, PVOID *NotificationEntry)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    PFILE_OBJECT file = EventCategoryData;
    struct notification *made;

    UNREFERENCED_PARAMETER(EventCategoryFlags);
    *NotificationEntry = NULL;
    if (EventCategory != EventCategoryTargetDeviceChange) {
        return STATUS_NOT_SUPPORTED;
    }
    if (file == NULL || nt_object_type_of(file) != &nt_file_type || file->FsContext2 == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (refused) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    made->callback = CallbackRoutine;
    made->context = Context;
    made->file = file;
    made->device = ((struct fs_open *)file->FsContext2)->device;
    made->driver = DriverObject;
    nt_object_reference(DriverObject);
    KeInitializeEvent(&made->idle, NotificationEvent, FALSE);
    pthread_mutex_lock(&lock);
    struct notification **link = &notifications;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = made;
    pthread_mutex_unlock(&lock);
    *NotificationEntry = made;
    return STATUS_SUCCESS;
}

static bool unlink_entry(struct notification *entry)
{
    struct notification **link = &notifications;

    while (*link != NULL && *link != entry) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return false;
    }
    *link = entry->next;
    return true;
}

/** Takes the registration back. \param wait for a callback that runs in another thread; in the
 *  callback itself nothing is waited for: that would never end. */
static NTSTATUS unregister(struct notification *entry, bool wait)
{
    pthread_mutex_lock(&lock);
    if (!unlink_entry(entry)) {
        pthread_mutex_unlock(&lock);
        verifier_bugcheck(RULE_NOTIFICATION_BAD, (uintptr_t)entry, 0, 0,
                          "this PnP notification is not registered, or not any more");
    }
    bool busy = entry->holds != 0;
    wait = wait && busy && entry->runs != NULL && entry->runs != sched_current();
    entry->idle.Header.SignalState = 0; /* Set when the callback that runs now has returned. */
    entry->removed = true;
    entry->holds += wait;
    pthread_mutex_unlock(&lock);
    if (wait) {
        nt_wait(&entry->idle, NULL);
        pthread_mutex_lock(&lock);
        busy = --entry->holds != 0;
        pthread_mutex_unlock(&lock);
    }
    if (!busy) {
        notification_free(entry);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return unregister(NotificationEntry, true);
}

/** The old routine does not wait: a callback may still run when it returns. */
NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    NT_ROUTINE(PASSIVE_LEVEL);
    return unregister(NotificationEntry, false);
}

uint64_t nt_notification_count(void)
{
    uint64_t count = 0;

    pthread_mutex_lock(&lock);
    for (struct notification *at = notifications; at != NULL; at = at->next) {
        count++;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

void notify_halt(void)
{
    refused = false;
    while (notifications != NULL) {
        struct notification *entry = notifications;
        notifications = entry->next;
        notification_free(entry);
    }
}

/* --- delivery --- */

/** Calls one registration; entered and left with the lock held, and with a hold on the entry. */
static NTSTATUS deliver(struct notification *entry, const GUID *event)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION notification = {
        .Version = 1,
        .Size = sizeof(notification),
        .Event = *event,
        .FileObject = entry->file,
    };

    entry->runs = sched_current();
    pthread_mutex_unlock(&lock);
    struct verifier_mark mark = verifier_callback_enter("DriverNotificationCallback");
    NTSTATUS status = entry->callback(&notification, entry->context);
    verifier_callback_leave(&mark);
    pthread_mutex_lock(&lock);
    entry->runs = NULL;
    nt_set_event(&entry->idle);
    return status;
}

/** An event on its way to the registrations of a volume. */
struct volume_event {
    dev_t device;
    const GUID *guid;
    bool only_asked; /* Only to those who were asked QUERY_REMOVE. */
    bool query;      /* Is QUERY_REMOVE: may be refused. */
    uint64_t round;
};

/** First registration that is to be told and has not been, with a hold. Lock held. */
static struct notification *next_entry(const struct volume_event *event)
{
    struct notification *at = notifications;

    while (at != NULL && (at->device != event->device || at->round == event->round ||
                          (event->only_asked && !at->asked))) {
        at = at->next;
    }
    if (at != NULL) {
        at->holds++;
        at->round = event->round;
        at->asked = event->query;
    }
    return at;
}

/** Gives the hold back; frees the entry if it was unregistered meanwhile. Lock held. */
static void release_entry(struct notification *entry)
{
    if (--entry->holds == 0 && entry->removed) {
        notification_free(entry);
    }
}

static bool volume_of(const char *path, dev_t *device)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return false;
    }
    *device = status.st_dev;
    return true;
}

/** \return false when somebody refused; then the rest has not been asked. */
static bool tell(struct volume_event event)
{
    struct notification *entry;
    bool agreed = true;

    pthread_mutex_lock(&lock);
    event.round = ++rounds;
    while (agreed && (entry = next_entry(&event)) != NULL) {
        NTSTATUS status = deliver(entry, event.guid);
        agreed = !event.query || NT_SUCCESS(status);
        release_entry(entry);
    }
    pthread_mutex_unlock(&lock);
    return agreed;
}

bool host_volume_query_remove(const char *path)
{
    struct volume_event event = {.guid = &GUID_TARGET_DEVICE_QUERY_REMOVE, .query = true};

    if (!volume_of(path, &event.device)) {
        return false;
    }
    if (!tell(event)) {
        host_volume_remove_cancelled(path);
        return false;
    }
    return fsd_open_on(event.device) == 0;
}

void host_volume_remove_cancelled(const char *path)
{
    struct volume_event event = {.guid = &GUID_TARGET_DEVICE_REMOVE_CANCELLED, .only_asked = true};

    if (volume_of(path, &event.device)) {
        tell(event);
    }
}

/** Those who were not asked (a surprise) are told as well. */
void host_volume_remove_complete(const char *path)
{
    struct volume_event event = {.guid = &GUID_TARGET_DEVICE_REMOVE_COMPLETE};

    if (volume_of(path, &event.device)) {
        tell(event);
    }
}
