/*
 * File system controls (IRP_MJ_FILE_SYSTEM_CONTROL) of sparse files, over holes in POSIX files: the
 * attribute, a range of zeros, and where the data are. fsd.c takes the IRP and ends it. As with
 * NTFS, zeros in a file that is not sparse are written and take space, and such a file is one range.
 */
#define _GNU_SOURCE
#include "nt/io_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/** NTFS looks for allocated ranges in units of this size, and tells them whole: what it tells may
 *  begin before the range that was asked for, and end after it. */
#define QUERY_UNIT (64 * 1024)

/** Writes zeros: for file systems that cannot make holes, and for files that must not get any. */
static NTSTATUS write_zeros(int fd, int64_t start, int64_t end)
{
    static const char zeros[64 * 1024];

    while (start < end) {
        size_t length =
            end - start < (int64_t)sizeof(zeros) ? (size_t)(end - start) : sizeof(zeros);
        ssize_t done = pwrite(fd, zeros, length, start);

        if (done < 0 && errno != EINTR) {
            return nt_status_of_errno(errno);
        }
        start += done > 0 ? done : 0;
    }
    return STATUS_SUCCESS;
}

/** Makes a range zero. A hole, if the file is sparse; else allocated zeros. */
static NTSTATUS zero_range(struct fs_open *open, int64_t start, int64_t end)
{
    int mode = open->node->sparse ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;

    if (fallocate(open->fd, mode | FALLOC_FL_KEEP_SIZE, start, end - start) == 0) {
        return STATUS_SUCCESS;
    }
    return errno == EOPNOTSUPP || errno == ENOSYS ? write_zeros(open->fd, start, end)
                                                  : nt_status_of_errno(errno);
}

/** FSCTL_SET_ZERO_DATA; the part behind the end of the file does not exist and stays so. */
static NTSTATUS set_zero_data(struct fs_open *open, const FILE_ZERO_DATA_INFORMATION *range)
{
    int64_t start = range->FileOffset.QuadPart;
    int64_t end = range->BeyondFinalZero.QuadPart;
    struct stat status;

    if (start < 0 || end < start) {
        return STATUS_INVALID_PARAMETER;
    }
    if (fstat(open->fd, &status) != 0) {
        return nt_status_of_errno(errno);
    }
    end = end < status.st_size ? end : status.st_size;
    return end <= start ? STATUS_SUCCESS : zero_range(open, start, end);
}

/** Finds the next piece of data at or after `at` and before `end`. \return false = none. */
static bool next_data(int fd, int64_t at, int64_t end, int64_t *start, int64_t *stop)
{
    *start = lseek(fd, at, SEEK_DATA);
    if (*start < 0 || *start >= end) {
        return false;
    }
    *stop = lseek(fd, *start, SEEK_HOLE);
    *stop = *stop < 0 || *stop > end ? end : *stop;
    return true;
}

/** The ranges of a sparse file that have space. */
static NTSTATUS sparse_ranges(struct fs_open *open, int64_t at, int64_t end,
                              FILE_ALLOCATED_RANGE_BUFFER *out, ULONG room, size_t *written)
{
    int64_t start, stop;

    at = at / QUERY_UNIT * QUERY_UNIT;
    end =
        end > INT64_MAX - QUERY_UNIT ? INT64_MAX : (end + QUERY_UNIT - 1) / QUERY_UNIT * QUERY_UNIT;
    for (ULONG i = 0; next_data(open->fd, at, end, &start, &stop); i++, at = stop) {
        if (i >= room) {
            return i == 0 ? STATUS_BUFFER_TOO_SMALL : STATUS_BUFFER_OVERFLOW;
        }
        out[i].FileOffset.QuadPart = start;
        out[i].Length.QuadPart = stop - start;
        *written += sizeof(*out);
    }
    return STATUS_SUCCESS;
}

/** FSCTL_QUERY_ALLOCATED_RANGES. */
static NTSTATUS allocated_ranges(struct fs_open *open, const FILE_ALLOCATED_RANGE_BUFFER *query,
                                 FILE_ALLOCATED_RANGE_BUFFER *out, ULONG room, size_t *written)
{
    int64_t at = query->FileOffset.QuadPart;
    int64_t length = query->Length.QuadPart;

    if (at < 0 || length < 0 || length > INT64_MAX - at) {
        return STATUS_INVALID_PARAMETER;
    }
    if (length == 0) {
        return STATUS_SUCCESS;
    }
    if (open->node->sparse) {
        return sparse_ranges(open, at, at + length, out, room, written);
    }
    if (room == 0) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    out[0] = *query;
    *written = sizeof(*out);
    return STATUS_SUCCESS;
}

/** FSCTL_SET_SPARSE: without a buffer, yes. A file that was sparse and has holes stays so. */
static NTSTATUS set_sparse(struct fs_open *open, const FILE_SET_SPARSE_BUFFER *buffer, ULONG length)
{
    if (length != 0 && length < sizeof(*buffer)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (length != 0 && !buffer->SetSparse) {
        return open->node->sparse ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
    }
    open->node->sparse = true;
    return STATUS_SUCCESS;
}

NTSTATUS fs_control(PIRP irp, struct fs_effect effect, size_t *written)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = location->FileObject;
    struct fs_open *open = file->FsContext2;
    ULONG code = location->Parameters.FileSystemControl.FsControlCode;
    ULONG length = location->Parameters.FileSystemControl.InputBufferLength;
    ULONG room = location->Parameters.FileSystemControl.OutputBufferLength;
    bool query = code == FSCTL_QUERY_ALLOCATED_RANGES;
    void *input = query ? location->Parameters.FileSystemControl.Type3InputBuffer
                        : irp->AssociatedIrp.SystemBuffer;

    if (open->directory || open->path_only) {
        return STATUS_INVALID_PARAMETER;
    }
    if (query ? !file->ReadAccess : !file->WriteAccess) {
        return STATUS_ACCESS_DENIED;
    }
    if (effect.error != 0) {
        return nt_status_of_errno(effect.error);
    }
    switch (code) {
    case FSCTL_SET_SPARSE:
        return set_sparse(open, input, length);
    case FSCTL_SET_ZERO_DATA:
        return length < sizeof(FILE_ZERO_DATA_INFORMATION) ? STATUS_INVALID_PARAMETER
                                                           : set_zero_data(open, input);
    case FSCTL_QUERY_ALLOCATED_RANGES:
        return length < sizeof(FILE_ALLOCATED_RANGE_BUFFER)
                   ? STATUS_INVALID_PARAMETER
                   : allocated_ranges(open, input, irp->UserBuffer,
                                      room / (ULONG)sizeof(FILE_ALLOCATED_RANGE_BUFFER), written);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}
