/*
 * The control interface, from the program's side. Only send() knows how a request reaches the
 * driver: as IOCTL_MINIPORT_PROCESS_SERVICE_IRP on the adapter, like any program's. There is no
 * other way in.
 */
#include "tools/nthost/control.h"

#include "tools/nthost/tool.h"
#include "tools/nthost/words.h"

#include <ntddscsi.h>
#include <ntstatus.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int32_t send(const void *input, uint32_t input_length, void *output, uint32_t output_length)
{
    return host_ioctl_call(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, input, input_length, output,
                           output_length, NULL);
}

static void fill_command(VMINI_COMMAND *command, VMINI_COMMAND_CODE code, uint32_t length)
{
    command->Signature = VMINI_COMMAND_SIGNATURE;
    command->Version = VMINI_COMMAND_VERSION;
    command->Code = (ULONG)code;
    command->Length = length;
}

static VMINI_ADDRESS wire_address(const struct address *address)
{
    VMINI_ADDRESS none = {0xFF, 0xFF, 0xFF, 0};

    if (address == NULL) {
        return none;
    }
    return (VMINI_ADDRESS){address->path, address->target, address->lun, 0};
}

/** What a status means for somebody who wanted to connect or disconnect something. */
static bool fail(const char *verb, const char *what, int32_t status)
{
    static const struct {
        int32_t status;
        const char *words;
        const char *remedy;
    } table[] = {
        {STATUS_OBJECT_NAME_NOT_FOUND, "there is no such file",
         "check the name; make one with truncate -s 16M FILE"},
        {STATUS_OBJECT_PATH_NOT_FOUND, "a directory on the way to it does not exist",
         "check the path"},
        {STATUS_OBJECT_NAME_INVALID, "this is no absolute Windows path",
         "give a path of this machine, Z:\\... or \\\\server\\share\\..."},
        {STATUS_NAME_TOO_LONG, "the path is too long", "at most 511 characters; use a shorter one"},
        {STATUS_ACCESS_DENIED, "the user may not open it that way",
         "give the user the right to it (chmod), or connect it --read-only"},
        {STATUS_MEDIA_WRITE_PROTECTED, "it lies on a file system that is mounted read-only",
         "connect it --read-only"},
        {STATUS_SHARING_VIOLATION, "somebody else has it open for writing",
         "close it there, or copy it"},
        {STATUS_OBJECT_NAME_COLLISION, "it is connected already",
         "`list` says where; disconnect it first"},
        {STATUS_FILE_IS_A_DIRECTORY, "it is a directory", "give an image file"},
        {STATUS_FILE_INVALID, "it is empty, or shorter than one block",
         "an image has at least 512 bytes (a CD-ROM's 2048)"},
        {STATUS_DEVICE_BUSY, "the address is taken",
         "leave --at out, or choose another; `list` shows which are taken"},
        {STATUS_INVALID_PARAMETER, "the address is beyond the adapter's limits",
         "`ping` tells them; more with --set NumberOfBuses=N"},
        {STATUS_INSUFFICIENT_RESOURCES, "no address is free, or memory is short",
         "disconnect something"},
        {STATUS_TOO_MANY_OPENED_FILES, "too many files are open", "raise ulimit -n"},
        {STATUS_PRIVILEGE_NOT_HELD, "the user lacks the manage-volume privilege",
         "do it as administrator"},
        {STATUS_BAD_NETWORK_PATH, "the server cannot be found",
         "name a directory that stands for the network: --unc DIR"},
        {STATUS_BAD_NETWORK_NAME, "the server has no such share",
         "make the directory DIR/SERVER/SHARE below --unc DIR"},
        {STATUS_IO_TIMEOUT, "Storport did not find the unit in time",
         "`why` may know; `trace 40` shows what happened"},
        {STATUS_DEVICE_REMOVED, "it went away before Storport had seen it", "connect it again"},
        {STATUS_DEVICE_NOT_READY, "the adapter is stopped", "`restart` it first"},
        {STATUS_REVISION_MISMATCH, "the driver speaks another version of the interface",
         "build driver and nthost from one tree"},
        {STATUS_INVALID_DEVICE_REQUEST, "the driver has no such command",
         "is it vmini? See --driver"},
        {STATUS_DISK_FULL, "its last data could not be written: the disk is full",
         "free some space; what was not flushed is lost"},
    };
    const char *name = nt_status_name(status);

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].status == status) {
            return tool_fail(table[i].remedy, "%s %s: %s (%s)", verb, what, table[i].words, name);
        }
    }
    return tool_fail("`trace 40` shows what happened before", "%s %s: failed with status %08X%s%s",
                     verb, what, (unsigned)status, name != NULL ? " " : "",
                     name != NULL ? name : "");
}

/** Is this a path in Windows' form already? */
static bool is_windows_path(const char *path)
{
    return path[0] == '\\' ||
           (isalpha((unsigned char)path[0]) && path[1] == ':' && path[2] == '\\');
}

/** Windows' form as it is, one character a byte; the host turns everything else into that form. */
static bool widen(const char *path, WCHAR *out)
{
    size_t length = strlen(path);
    struct host_error error;

    if (!is_windows_path(path)) {
        return host_win32_path(path, out, VMINI_PATH_LENGTH, &error) || tool_fail_host(&error);
    }
    if (length >= VMINI_PATH_LENGTH) {
        return fail("use", path, STATUS_NAME_TOO_LONG);
    }
    for (size_t i = 0; i <= length; i++) {
        if ((unsigned char)path[i] >= 0x80) {
            return tool_fail("give the path in this machine's form",
                             "%s: a Windows path is taken as ASCII only", path);
        }
        out[i] = (WCHAR)path[i];
    }
    return true;
}

/** The driver serves whole blocks; a rest would silently be missing. */
static bool whole_blocks(const struct control_image *image)
{
    unsigned block = (image->flags & VMINI_CONNECT_CDROM) != 0 ? 2048 : 512;
    struct stat status;

    if (stat(image->path, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size < (off_t)block || status.st_size % block == 0) {
        return true; /* Everything else is for the driver to judge. */
    }
    return tool_fail(
        "truncate -s %512 FILE rounds up (a CD-ROM's: %2048); work on a copy if in doubt",
        "connect %s: its %llu bytes are no multiple of the block size %u: the last %u bytes would "
        "be missing",
        image->path, (unsigned long long)status.st_size, block, (unsigned)(status.st_size % block));
}

bool control_connect(const struct control_image *image, VMINI_CONNECT_OUT *out)
{
    VMINI_CONNECT_IN in;
    int32_t status;

    memset(&in, 0, sizeof(in));
    fill_command(&in.Command, VminiCommandConnect, sizeof(in));
    in.Flags = image->flags;
    in.Address = wire_address(image->at);
    if (!whole_blocks(image) || !widen(image->path, in.PathName)) {
        return false;
    }
    status = send(&in, sizeof(in), out, sizeof(*out));
    return status == STATUS_SUCCESS || fail("connect", image->path, status);
}

bool control_disconnect(const char *path, const struct address *address)
{
    VMINI_DISCONNECT_IN in;
    char where[16];
    int32_t status;

    memset(&in, 0, sizeof(in));
    fill_command(&in.Command, VminiCommandDisconnect, sizeof(in));
    in.Address = wire_address(address);
    if (path != NULL && !widen(path, in.PathName)) {
        return false;
    }
    status = send(&in, sizeof(in), NULL, 0);
    if (status == STATUS_SUCCESS) {
        return true;
    }
    if (path == NULL) {
        snprintf(where, sizeof(where), "%u:%u:%u", address->path, address->target, address->lun);
        path = where;
    }
    if (status == STATUS_NO_SUCH_DEVICE) {
        return tool_fail("`list` shows what is connected",
                         "disconnect %s: nothing is connected there", path);
    }
    return fail("disconnect", path, status);
}

bool control_ping(VMINI_SCSIPORT_OUT *out)
{
    VMINI_COMMAND in;
    int32_t status;

    fill_command(&in, VminiCommandScsiport, sizeof(in));
    status = send(&in, sizeof(in), out, sizeof(*out));
    if (status == STATUS_NO_SUCH_DEVICE) {
        return tool_fail("`start` it; `why` says more", "no adapter is started");
    }
    if (status != STATUS_SUCCESS || out->Signature != VMINI_COMMAND_SIGNATURE) {
        return fail("ask", "the adapter",
                    status == STATUS_SUCCESS ? STATUS_INVALID_DEVICE_REQUEST : status);
    }
    return true;
}

VMINI_ACTIVE_LIST_OUT *control_list(void)
{
    uint32_t entries = 16;
    VMINI_COMMAND in;
    int32_t status = STATUS_BUFFER_OVERFLOW;
    VMINI_ACTIVE_LIST_OUT *out = NULL;

    fill_command(&in, VminiCommandActiveList, sizeof(in));
    while (status == STATUS_BUFFER_OVERFLOW) { /* Again while the list grows faster than we ask. */
        uint32_t size = (uint32_t)(offsetof(VMINI_ACTIVE_LIST_OUT, Entries) +
                                   entries * sizeof(VMINI_ACTIVE_ENTRY));
        VMINI_ACTIVE_LIST_OUT *larger = realloc(out, size);

        if (larger == NULL) {
            free(out);
            tool_fail("free some memory", "out of memory");
            return NULL;
        }
        out = larger;
        status = send(&in, sizeof(in), out, size);
        entries = status == STATUS_BUFFER_OVERFLOW ? out->Total + 4 : entries;
    }
    if (status != STATUS_SUCCESS) {
        free(out);
        out = NULL;
        if (status == STATUS_NO_SUCH_DEVICE) {
            tool_fail("`start` it; `why` says more", "no adapter is started");
        } else {
            fail("list", "the adapter's images", status);
        }
    }
    return out;
}

int control_next_event(uint64_t last, VMINI_EVENT *event)
{
    VMINI_WAIT_EVENT_IN in = {.LastSequence = last};
    struct host_ioctl ioctl = {.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                               .input = &in,
                               .input_length = sizeof(in),
                               .output = event,
                               .output_length = sizeof(*event)};

    fill_command(&in.Command, VminiCommandWaitEvent, sizeof(in));
    host_ioctl_start(&ioctl);
    host_ioctl_cancel(&ioctl); /* Does nothing to a request that has been answered. */
    host_ioctl_wait(&ioctl);
    if (ioctl.status == STATUS_SUCCESS) {
        return 1;
    }
    if (ioctl.status == STATUS_CANCELLED) {
        return 0;
    }
    fail("wait for", "events", ioctl.status);
    return -1;
}

const char *control_path_text(const WCHAR *path, char *buffer, size_t size)
{
    bool posix = path[0] == 'Z' && path[1] == ':' && path[2] == '\\';
    size_t used = 0;

    for (const WCHAR *at = posix ? path + 2 : path; *at != 0 && used + 4 < size; at++) {
        uint32_t c = *at;

        if (c >= 0xD800 && c < 0xDC00 && at[1] >= 0xDC00 && at[1] < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + (*++at - 0xDC00u);
        }
        c = posix && c == '\\' ? '/' : c;
        if (c < 0x80) {
            buffer[used++] = (char)c;
        } else if (c < 0x800) {
            buffer[used++] = (char)(0xC0 | c >> 6);
        } else {
            if (c >= 0x10000) {
                buffer[used++] = (char)(0xF0 | c >> 18);
                buffer[used++] = (char)(0x80 | (c >> 12 & 0x3F));
            } else {
                buffer[used++] = (char)(0xE0 | c >> 12);
            }
            buffer[used++] = (char)(0x80 | (c >> 6 & 0x3F));
        }
        if (c >= 0x80) {
            buffer[used++] = (char)(0x80 | (c & 0x3F));
        }
    }
    buffer[used] = '\0';
    return buffer;
}
