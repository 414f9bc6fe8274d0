/*
 * vminictl on Windows: the adapter is found by the device interface that the driver registers, and
 * asked by DeviceIoControl.
 *
 * The handle is overlapped, because CONNECT, DISCONNECT and WAIT_EVENT pend: on a synchronous
 * handle nobody could press Ctrl-C. Then the request is cancelled (CancelIoEx) and *still* waited
 * for: until the driver has ended it, its buffers and the OVERLAPPED belong to the kernel.
 */
#include "tools/control/explain.h"
#include "tools/vminictl/volumes_windows.h"

#include <setupapi.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>

const char os_name_variable[] = "VMINI_CONTROL";
const char os_name_help[] = "the adapter's device interface (\\\\?\\ROOT#...); without it the\n"
                            "                first that is there";

static const GUID interface_class = VMINI_INTERFACE_GUID_INIT;

struct device_channel {
    struct adapter_channel channel;
    HANDLE device;
    HANDLE event;           /**< Manual reset: the request has ended. */
    WCHAR *path;            /**< The adapter's device interface. */
    struct volume *volumes; /**< Taken by os_take_volumes. */
    size_t volume_count;
};

static HANDLE interrupt_event; /**< Manual reset: Ctrl-C. */
static UINT old_code_page;

/* --- beginning --- */

static BOOL WINAPI interrupt(DWORD kind)
{
    if (kind != CTRL_C_EVENT && kind != CTRL_BREAK_EVENT) {
        return FALSE;
    }
    SetEvent(interrupt_event);
    return TRUE;
}

static void restore_code_page(void)
{
    SetConsoleOutputCP(old_code_page);
}

char *windows_narrow(const WCHAR *text)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *out = malloc((size_t)size + 1);

    if (out == NULL) {
        abort();
    }
    out[0] = '\0';
    WideCharToMultiByte(CP_UTF8, 0, text, -1, out, size, NULL, NULL);
    return out;
}

void os_begin(int *argc, char ***argv)
{
    int count = 0;
    WCHAR **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    char **narrowed = calloc((size_t)count + 1, sizeof(*narrowed));

    if (wide != NULL && narrowed != NULL) {
        for (int i = 0; i < count; i++) {
            narrowed[i] = windows_narrow(wide[i]);
        }
        *argc = count;
        *argv = narrowed;
    }
    LocalFree(wide);
    old_code_page = GetConsoleOutputCP();
    if (old_code_page != 0 && SetConsoleOutputCP(CP_UTF8)) {
        atexit(restore_code_page);
    }
    interrupt_event = CreateEventW(NULL, TRUE, FALSE, NULL);
    SetConsoleCtrlHandler(interrupt, TRUE);
}

bool os_interrupted(void)
{
    return WaitForSingleObject(interrupt_event, 0) == WAIT_OBJECT_0;
}

/* --- requests --- */

/** The status that became this Win32 error: of the ones that the driver gives, the first that
 *  Windows translates to it. */
static int32_t status_of(DWORD error)
{
    int32_t status;

    for (size_t i = 0; nt_status_known(i, &status); i++) {
        if (status != STATUS_SUCCESS && RtlNtStatusToDosError(status) == error) {
            return status;
        }
    }
    return (int32_t)STATUS_UNSUCCESSFUL;
}

/** Waits for a request that was sent, and cancels it at Ctrl-C. */
static int32_t finish(struct device_channel *self, OVERLAPPED *overlapped, uint32_t *returned)
{
    HANDLE events[2] = {self->event, interrupt_event};
    DWORD bytes = 0;

    if (WaitForMultipleObjects(2, events, FALSE, INFINITE) == WAIT_OBJECT_0 + 1) {
        CancelIoEx(self->device, overlapped); /* It may have ended meanwhile: then this fails. */
    }
    /* Internal is the request's NTSTATUS; what GetLastError has is a translation of it. */
    if (!GetOverlappedResult(self->device, overlapped, &bytes, TRUE)) {
        bytes = (DWORD)overlapped->InternalHigh;
    }
    *returned = bytes;
    return (int32_t)overlapped->Internal;
}

static int32_t call(struct adapter_channel *channel, const void *input, uint32_t input_length,
                    void *output, uint32_t output_length, uint32_t *returned)
{
    struct device_channel *self = (struct device_channel *)channel;
    OVERLAPPED overlapped = {.hEvent = self->event};
    DWORD error;

    ResetEvent(self->event);
    if (DeviceIoControl(self->device, IOCTL_MINIPORT_PROCESS_SERVICE_IRP, (void *)(ULONG_PTR)input,
                        input_length, output, output_length, NULL, &overlapped)) {
        return finish(self, &overlapped, returned);
    }
    error = GetLastError();
    if (error == ERROR_IO_PENDING) {
        return finish(self, &overlapped, returned);
    }
    /* It ended at once. Of a warning (more data) the kernel has written how much there is; of an
     * error, nothing. */
    *returned = error == ERROR_MORE_DATA ? (uint32_t)overlapped.InternalHigh : 0;
    return status_of(error);
}

/* --- opening --- */

static void fail(struct os_problem *problem, enum exit_status status, const char *remedy,
                 const char *what, unsigned long error)
{
    problem->status = status;
    if (error == 0) {
        snprintf(problem->what, sizeof(problem->what), "%s", what);
    } else {
        snprintf(problem->what, sizeof(problem->what), "%s (Windows error %lu)", what, error);
    }
    snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
}

/** The path of the index-th interface in a set, allocated; NULL = there are no more. */
static WCHAR *interface_path(HDEVINFO set, DWORD index)
{
    SP_DEVICE_INTERFACE_DATA data = {.cbSize = sizeof(data)};
    SP_DEVICE_INTERFACE_DETAIL_DATA_W *detail;
    WCHAR *path = NULL;
    DWORD size = 0;

    if (!SetupDiEnumDeviceInterfaces(set, NULL, &interface_class, index, &data)) {
        return NULL;
    }
    SetupDiGetDeviceInterfaceDetailW(set, &data, NULL, 0, &size, NULL);
    detail = calloc(1, size + sizeof(*detail));
    if (detail != NULL) {
        detail->cbSize = sizeof(*detail);
        if (SetupDiGetDeviceInterfaceDetailW(set, &data, detail, size, NULL, NULL)) {
            path = _wcsdup(detail->DevicePath);
        }
        free(detail);
    }
    return path;
}

/** The first adapter that is present, allocated; NULL = there is none. */
static WCHAR *find_adapter(void)
{
    HDEVINFO set =
        SetupDiGetClassDevsW(&interface_class, NULL, NULL, DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
    WCHAR *path;

    if (set == INVALID_HANDLE_VALUE) {
        return NULL;
    }
    path = interface_path(set, 0);
    SetupDiDestroyDeviceInfoList(set);
    return path;
}

/** UTF-16 of UTF-8, allocated. */
static WCHAR *widen(const char *text)
{
    int size = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    WCHAR *out = calloc((size_t)size + 1, sizeof(*out));

    if (out != NULL) {
        MultiByteToWideChar(CP_UTF8, 0, text, -1, out, size);
    }
    return out;
}

struct adapter_channel *os_open(const char *name, struct os_problem *problem)
{
    struct device_channel *self = calloc(1, sizeof(*self));
    WCHAR *path = name != NULL ? widen(name) : find_adapter();
    DWORD error;

    if (self == NULL || path == NULL) {
        free(self);
        free(path);
        fail(problem, EXIT_NO_ADAPTER,
             "install the package, and create its device: devgen /add /bus ROOT /hardwareid "
             "root\\vmini",
             "no adapter: no vmini device is present", 0);
        return NULL;
    }
    self->channel.call = call;
    self->path = path;
    self->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    self->device =
        CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                    OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    error = GetLastError();
    if (self->device != INVALID_HANDLE_VALUE) {
        return &self->channel;
    }
    if (error == ERROR_ACCESS_DENIED) {
        fail(problem, EXIT_PERMISSION, "start it from an elevated command prompt",
             "access denied: only administrators may open the adapter", 0);
    } else {
        fail(problem, EXIT_NO_ADAPTER, "look at the adapter in Device Manager",
             "no adapter: it cannot be opened", error);
    }
    os_close(&self->channel);
    return NULL;
}

/**
 * The address of an image that is connected. \return false: `problem`. The driver would find an image
 * by another spelling of its path, too; but then its volumes had been left alone.
 */
static bool find_image(struct adapter_channel *channel, const WCHAR *path, VMINI_ADDRESS *at,
                       struct os_problem *problem)
{
    VMINI_ACTIVE_LIST_OUT *list;
    int32_t status = adapter_list(channel, &list);
    bool found = false;

    for (ULONG i = 0; status == STATUS_SUCCESS && !found && i < list->Returned; i++) {
        found = CompareStringOrdinal(path, -1, list->Entries[i].PathName, -1, TRUE) == CSTR_EQUAL;
        *at = list->Entries[i].Address;
    }
    free(list);
    if (!found) {
        fail(problem, EXIT_REFUSED,
             "vminictl list shows what is; name it in the same way, or by its address",
             "no image of that name is connected", RtlNtStatusToDosError(status));
    }
    return found;
}

bool os_take_volumes(struct adapter_channel *channel, const WCHAR *path, VMINI_ADDRESS at,
                     bool force, struct os_problem *problem)
{
    struct device_channel *self = (struct device_channel *)channel;

    if (path != NULL && !find_image(channel, path, &at, problem)) {
        return force;
    }
    if (!windows_find_volumes(self->path, at, &self->volumes, &self->volume_count, problem)) {
        return force;
    }
    return volumes_take(&windows_volume_ops, self->volumes, self->volume_count, force, problem);
}

void os_close(struct adapter_channel *channel)
{
    struct device_channel *self = (struct device_channel *)channel;

    volumes_release(&windows_volume_ops, self->volumes, self->volume_count);
    for (size_t i = 0; i < self->volume_count; i++) {
        free(self->volumes[i].path);
    }
    free(self->volumes);
    free(self->path);
    if (self->device != INVALID_HANDLE_VALUE) {
        CloseHandle(self->device);
    }
    CloseHandle(self->event);
    free(self);
}

/** A device that has gone says so itself: STATUS_DEVICE_REMOVED. */
bool os_lost(const struct adapter_channel *channel)
{
    (void)channel;
    return false;
}
