/**
 * \file
 * A kernel without a port driver, for the work queue alone: scheduler, I/O manager, a queue, a
 * backing file, items whose
 * end is counted. Everything here runs in a child process (support/child.h), one machine each.
 */
#ifndef WORKERS_MACHINE_H
#define WORKERS_MACHINE_H

#include "04-workers/queue.h"

#include "host.h"
#include "nt/io.h"
#include "nt/nt.h"
#include "support/child.h"

/** An item that knows how often it ended. */
struct job {
    VMINI_WORK_ITEM
    item; /**< Poisoned as soon as it has ended: the queue must not look at it again. */
    unsigned ended;
    unsigned place; /**< 1 = the first of all to end. */
    NTSTATUS status;
    ULONG_PTR information;
    BOOLEAN writing; /**< Item.Writing. */
    KIRQL irql;
    KEVENT done;
};

/** A drain that counts. */
struct drain {
    VMINI_DRAIN drain;
    unsigned done;
    unsigned ended_before; /**< How many jobs had ended by then. */
};

/** What the running machine has. */
struct machine {
    PVMINI_WORK_QUEUE queue;
    PVMINI_MEDIA media;
    PDEVICE_OBJECT device;
    unsigned ended; /**< Jobs that have ended. */
    char path[128]; /**< The backing file; set by machine_folder_create. */
};
extern struct machine machine;

#define MACHINE_FILE_SIZE (512u * 1024)

/** The byte at an offset of the backing file as machine_boot fills it. */
uint8_t machine_byte(uint64_t offset);

/** Boots a seeded machine with `threads` workers (0 = no queue) and a file of MACHINE_FILE_SIZE
 *  bytes, opened. */
void machine_boot(unsigned threads);
/** The same with a file of its own, filled anew, which has no name any more: for scenarios that run
 *  side by side and look at what they have written. */
void machine_boot_own_file(unsigned threads);
/** Ends the queue (if it is still there), closes the file, halts, and fails the case when anything
 *  leaked. */
void machine_halt(void);
/** Ends the queue with what is still in it. */
void machine_end_queue(void);
extern const VMINI_WORK_CALLBACKS machine_callbacks;

/** Makes a folder with the backing file in it, and removes it: a suite's initialisation and
 *  cleanup, in the parent. */
int machine_folder_create(void);
int machine_folder_remove(void);
/** Fills the backing file anew, for a case that looks at what it wrote. */
void machine_fill_file(void);
/** The backing file's bytes, past the driver. */
void machine_file_bytes(uint64_t offset, void *buffer, size_t length);
/** Path of another file in that folder. \return buffer. */
const char *machine_path_of(const char *name, char *buffer, size_t size);

/** NT path of a file, in `buffer`. */
UNICODE_STRING machine_nt_path(const char *path, WCHAR *buffer, size_t chars);
/** Opens it as the current user. \return what VminiMediaOpen returned. */
NTSTATUS machine_open(const char *path, bool read_only, PVMINI_MEDIA *media);

/** A job for the machine's file, at address 0:target:lun. */
void job_init(struct job *job, VMINI_WORK_COMMAND command, UCHAR target, UCHAR lun);
/** A read or write of `length` bytes at `offset`; the MDL describes `memory`. */
void job_transfer(struct job *job, VMINI_WORK_COMMAND command, uint64_t offset, void *memory,
                  uint32_t length);
/** A command that takes its data from Buffer: `size` is Size, see work.h. */
void job_buffer(struct job *job, VMINI_WORK_COMMAND command, uint64_t offset, uint32_t length,
                void *buffer, uint32_t size);
/** Gives the MDL of job_transfer back. */
void job_free(struct job *job, PMDL mdl);
void job_submit(struct job *job);
void job_wait(struct job *job);
/** Submits it and waits. */
NTSTATUS job_run(struct job *job);

/** Resets what is at a scope; `drain` may be NULL. */
void reset(VMINI_SCOPE_LEVEL level, UCHAR path, UCHAR target, UCHAR lun, struct drain *drain);
/** Lets everybody run until all wait. */
void settle(void);
/** Adds a rule for file operations. */
void fault(enum host_file_op op, unsigned nth, bool from_then_on, int error, uint32_t short_to,
           bool hang);
#define ALL_BYTES UINT32_MAX

#endif
