/**
 * \file
 * What the parts of the simulated kernel share with each other; nothing here is visible to a driver.
 *
 * Every routine that a driver can import begins with NT_ROUTINE(max_irql): that is the level 1 scheduling point, the
 * IRQL check and the trace record in one line, so that a reader of any routine sees its contract first.
 */
#ifndef HOST_NT_NT_H
#define HOST_NT_NT_H

#include <ntifs.h>

#include "nt/sched.h"
#include "nt/trace.h"
#include "verifier/verifier.h"

/** A thread as the host sees it. Begins with a DISPATCHER_HEADER: KeWaitForSingleObject waits on it. */
struct nt_thread {
    DISPATCHER_HEADER header; /**< Signalled when the thread has ended. */
    uint32_t id;              /**< 1, 2, 3 ... in order of creation: stable for one seed. */
    const char *name;
    KIRQL irql;
    uint8_t processor; /**< Simulated processor; meaningful at IRQL >= DISPATCH_LEVEL. */
    int critical_region;
    void *token;         /**< Impersonation token (nt/security), NULL = the process's. */
    bool foreign;        /**< Not a system thread: a host API caller's own. */
    struct verifier_thread verify; /**< Held locks and the like. */
    void *sched;         /**< The scheduler's own part. */
};

/** Entry of every imported routine. */
void nt_routine_enter(const char *name, KIRQL max_irql);
#define NT_ROUTINE(max_irql) nt_routine_enter(__func__, (max_irql))

static inline KIRQL nt_irql(void)
{
    return sched_current()->irql;
}

/* --- objects and handles (nt/object.c) --- */

struct nt_object_type {
    const char *name;
    void (*destroy)(void *body);          /**< Last reference gone. */
    void (*close)(void *body);            /**< Last handle closed (IRP_MJ_CLEANUP); may be NULL. */
};
/** Allocates an object with one reference. The body is zeroed. */
void *nt_object_create(const struct nt_object_type *type, size_t body_size);
const struct nt_object_type *nt_object_type_of(const void *body);
void nt_object_reference(void *body);
void nt_object_dereference(void *body);
/** Makes a handle (takes a reference of its own). */
HANDLE nt_handle_create(void *body, ACCESS_MASK access);
/** \return the object, referenced, or NULL with *status set (STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH). */
void *nt_handle_lookup(HANDLE handle, const struct nt_object_type *type, ACCESS_MASK *access, NTSTATUS *status);
NTSTATUS nt_handle_close(HANDLE handle);

/* --- pool (nt/pool.c) --- */

/** Bytes and blocks outstanding for the census; tag 0 = all. Pool of the host itself (tag 'tsoH') is not counted. */
size_t nt_pool_outstanding(uint32_t tag, size_t *bytes);
/** From now on the n-th allocation fails, once (or all from the n-th on); 0 = none. For low-resource tests. */
void nt_pool_fail(unsigned nth, bool from_then_on);
/** Opens or closes paged pool (seeded scheduler): called on each crossing of DISPATCH_LEVEL. */
void nt_pool_paged_access(bool accessible);

#endif
