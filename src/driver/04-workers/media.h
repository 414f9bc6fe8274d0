/**
 * \file
 * The backing file of one device: opened as the caller, closed after the last request, asked for
 * its size.
 */
#ifndef VMINI_MEDIA_H
#define VMINI_MEDIA_H

#include "vmini.h"

/** An open backing file. Nonpaged; created by VminiMediaOpen, freed by VminiMediaClose. */
typedef struct _VMINI_MEDIA {
    HANDLE File;               /**< Kernel handle; NULL once closed. */
    PFILE_OBJECT FileObject;   /**< Referenced, so that read and write IRPs can be sent to it. */
    PDEVICE_OBJECT FileSystem; /**< IoGetRelatedDeviceObject(FileObject). */
    ULONGLONG Size;            /**< Bytes of the file when it was opened. */
    BOOLEAN ReadOnly;          /**< Opened without write access. */
    /** Behind a redirector. \article{Part III, Figure 4, UNCConnection} */
    BOOLEAN Remote;
} VMINI_MEDIA, *PVMINI_MEDIA;

/** What DO_CREATE needs; lives in the connection until the work item has ended. */
typedef struct _VMINI_MEDIA_OPEN {
    UNICODE_STRING Path;             /**< NT path, e.g. \\??\\C:\\images\\disk.img. */
    BOOLEAN ReadOnly;                /**< Open for reading only. */
    BOOLEAN Sparse;                  /**< Let the file have holes: for a thin disk. */
    PSECURITY_CLIENT_CONTEXT Client; /**< Whom to impersonate while opening. */
    PLONG Unwanted;                  /**< Interlocked; nonzero: nobody waits for it any more. */
    PVMINI_MEDIA Media;              /**< Result: the open file, or NULL. */
} VMINI_MEDIA_OPEN, *PVMINI_MEDIA_OPEN;

/**
 * Opens the backing file with the rights of Open->Client, whatever the rights of the thread that
 * does it.
 * \article{Part III, DO_CREATE}
 * \param Open  what to open and as whom; Open->Media receives the file.
 * \return STATUS_SUCCESS; the status of the file system (not found, access denied, sharing
 *         violation ...); STATUS_FILE_IS_A_DIRECTORY; STATUS_INSUFFICIENT_RESOURCES.
 * \irql{PASSIVE_LEVEL} \locks{none}
 */
NTSTATUS VminiMediaOpen(_Inout_ PVMINI_MEDIA_OPEN Open);

/**
 * Flushes and closes the file and frees the record. \article{Part III, DO_CLOSE}
 * \param Media  no request may use it any more.
 * \return the status of the flush: data that was acknowledged may be lost if it failed.
 * \irql{PASSIVE_LEVEL} \locks{none}
 */
NTSTATUS VminiMediaClose(_In_ _Post_invalid_ PVMINI_MEDIA Media);

#endif
