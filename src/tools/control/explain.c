/*
 * One table: status, name, words, remedy. The order matters where Windows has one Win32 error for
 * several statuses: the likeliest comes first.
 */
#include "tools/control/explain.h"

#include "tools/control/types.h"

#define ROW(status, words, remedy)                                                                 \
    {                                                                                              \
        (int32_t)(status), #status,                                                                \
        {                                                                                          \
            words, remedy                                                                          \
        }                                                                                          \
    }

static const struct row {
    int32_t status;
    const char *name;
    struct explanation explanation;
} rows[] = {
    ROW(STATUS_SUCCESS, NULL, ""),
    ROW(STATUS_OBJECT_NAME_NOT_FOUND, "there is no such file", "check the name"),
    ROW(STATUS_OBJECT_PATH_NOT_FOUND, "a directory on the way to it does not exist",
        "check the path"),
    ROW(STATUS_TOO_MANY_OPENED_FILES, "too many files are open",
        "close some; on Linux, raise ulimit -n where the host runs"),
    ROW(STATUS_ACCESS_DENIED, "the user may not open it that way",
        "give the user the right to it, or connect it --read-only"),
    ROW(STATUS_MEDIA_WRITE_PROTECTED, "it lies on a file system that is mounted read-only",
        "connect it --read-only"),
    ROW(STATUS_DEVICE_NOT_READY, "the adapter is stopped", "restart it first"),
    ROW(STATUS_SHARING_VIOLATION, "somebody else has it open for writing",
        "close it there, or copy it"),
    ROW(STATUS_NOT_SUPPORTED, "the file system cannot do that",
        "put the image on another file system"),
    ROW(STATUS_BAD_NETWORK_PATH, "the server cannot be found",
        "check the name; for nthost, name a directory that stands for the network: --unc DIR"),
    ROW(STATUS_NO_SUCH_DEVICE, "nothing is connected there", "`list` shows what is connected"),
    ROW(STATUS_BAD_NETWORK_NAME, "the server has no such share",
        "check the name; for nthost, make the directory DIR/SERVER/SHARE below --unc DIR"),
    ROW(STATUS_INVALID_PARAMETER, "the address is beyond the adapter's limits",
        "`ping` tells them; NumberOfBuses, MaximumTargets and MaximumLuns below the service's "
        "Parameters set them"),
    ROW(STATUS_DISK_FULL, "its last data could not be written: the disk is full",
        "free some space; what was not flushed is lost"),
    ROW(STATUS_BUFFER_TOO_SMALL, NULL, ""),
    ROW(STATUS_INVALID_BUFFER_SIZE, NULL, ""),
    ROW(STATUS_IO_TIMEOUT, "Storport did not find the unit in time",
        "look at the driver's trace; in nthost, `why` may know"),
    ROW(STATUS_OBJECT_NAME_INVALID, "this is no absolute path",
        "give a full path: Z:\\... or \\\\server\\share\\..., or a path of this machine"),
    ROW(STATUS_DEVICE_BUSY, "the address is taken",
        "leave --at out, or choose another; `list` shows which are taken"),
    ROW(STATUS_OBJECT_NAME_COLLISION, "it is connected already",
        "`list` says where; disconnect it first"),
    ROW(STATUS_NAME_TOO_LONG, "the path is too long", "at most 511 characters; use a shorter one"),
    ROW(STATUS_BUFFER_OVERFLOW, NULL, ""),
    ROW(STATUS_CANCELLED, "it was cancelled", "try again"),
    ROW(STATUS_FILE_INVALID, "it is empty, or shorter than one block",
        "an image has at least 512 bytes (a CD-ROM's 2048)"),
    ROW(STATUS_IO_DEVICE_ERROR, NULL, ""),
    ROW(STATUS_END_OF_FILE, "the file ends before the disk does",
        "somebody has cut it short; disconnect it"),
    ROW(STATUS_PRIVILEGE_NOT_HELD, "the user lacks the manage-volume privilege",
        "do it as administrator"),
    ROW(STATUS_REVISION_MISMATCH, "the driver speaks another version of the interface",
        "use driver and program of one release"),
    ROW(STATUS_INSUFFICIENT_RESOURCES, "no address is free, or memory is short",
        "disconnect something"),
    ROW(STATUS_DEVICE_REMOVED, "it went away before Storport had seen it", "connect it again"),
    ROW(STATUS_INVALID_DEVICE_REQUEST, "the driver has no such command", "is it vmini?"),
    ROW(STATUS_FILE_IS_A_DIRECTORY, "it is a directory", "give an image file"),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *find(int32_t status)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].status == status) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct explanation *explain_status(int32_t status)
{
    static const struct explanation nothing = {NULL, ""};
    const struct row *row = find(status);

    return row != NULL ? &row->explanation : &nothing;
}

const char *nt_status_name(int32_t status)
{
    const struct row *row = find(status);

    return row != NULL ? row->name : NULL;
}

bool nt_status_known(size_t index, int32_t *status)
{
    if (index >= ROWS) {
        return false;
    }
    *status = rows[index].status;
    return true;
}
