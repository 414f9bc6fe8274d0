/**
 * \file
 * What the parts of the simulated kernel share with each other; nothing here is visible to a
 * driver.
 *
 * Every routine that a driver can import begins with NT_ROUTINE(max_irql): that is the level 1
 * scheduling point, the IRQL check and the trace record in one line, so that a reader of any
 * routine sees its contract first.
 */
#ifndef HOST_NT_NT_H
#define HOST_NT_NT_H

#include <ntifs.h>

#include "nt/sched.h"
#include "nt/trace.h"
#include "verifier/verifier.h"

/**
 * A thread as the host sees it. Begins with a DISPATCHER_HEADER: KeWaitForSingleObject waits on it.
 */
struct nt_thread {
    DISPATCHER_HEADER header; /**< Signalled when the thread has ended. */
    uint32_t id;              /**< 1, 2, 3 ... in order of creation: stable for one seed. */
    const char *name;
    KIRQL irql;
    uint8_t processor; /**< Simulated processor; meaningful at IRQL >= DISPATCH_LEVEL. */
    int critical_region;
    int guarded_region;
    KPRIORITY priority;
    void *token;  /**< Impersonation token (nt/security), NULL = the process's. */
    bool foreign; /**< Not a system thread: a host API caller's own. */
    bool service; /**< The host's own (clock, DPCs, work items): may idle for ever. */
    bool system;  /**< Made by PsCreateSystemThread, counted by nt_system_threads. */
    NTSTATUS exit_status;
    struct verifier_thread verify; /**< Held locks and the like. */
    LIST_ENTRY mutants;            /**< KMUTEXes that it owns; dispatcher lock. */
    /** What it waits for, in words, while it is blocked; for the deadlock report. */
    const char *waits;
    void (*run)(void *); /**< What it runs, and with which argument. */
    void *argument;
    void *sched; /**< The scheduler's own part. */
    /** storport/api.c: the host_submit that this thread is in the middle of. */
    void *submit;
};

/** The type of thread objects: what a handle from PsCreateSystemThread stands for. */
extern const struct nt_object_type nt_thread_type;
/** System threads that a driver made and that have not ended: for the census at unload. */
unsigned nt_system_threads(void);
/** The n-th PsCreateSystemThread from now on fails; 0 = none. For low-resource tests. */
void nt_thread_fail(unsigned nth);

/**
 * KeWaitForSingleObject for the host itself: no scheduling point, no trace record, no rule.
 * \param timeout as there;
 * NULL = for ever. \irql{<= APC_LEVEL, or DISPATCH_LEVEL with a zero time-out}
 */
NTSTATUS nt_wait(void *object, const LARGE_INTEGER *timeout);
/** KeSetEvent for the host itself. \return the previous state. */
LONG nt_set_event(KEVENT *event);
/** The rest of nt_raise_irql and nt_lower_irql, when somebody is to be told; see
 *  nt_routine_watched. */
void NTAPI nt_irql_watched(struct nt_thread *thread, KIRQL old);
/** Changes the IRQL of the current thread, for the host itself. \return the previous level. */
static inline KIRQL nt_raise_irql(KIRQL level)
{
    struct nt_thread *thread = sched_current();
    KIRQL old = thread->irql;

    thread->irql = level;
    if (__builtin_expect(trace_wants(TRACE_IRQL) || sched_kind() == SCHED_SEEDED, 0)) {
        nt_irql_watched(thread, old);
    }
    return old;
}
static inline void nt_lower_irql(KIRQL level)
{
    nt_raise_irql(level);
}

/** Timers that are set and not yet expired or cancelled. */
unsigned nt_timers_armed(void);
/**
 * \return an armed KTIMER or a queued KDPC that lies in the range (memory about to be freed), or
 * NULL.
 */
const void *nt_timer_within(const void *start, size_t size);
/** Work items that are allocated and not yet freed. */
unsigned nt_work_items(void);

static inline KIRQL nt_irql(void)
{
    return sched_current()->irql;
}

/** The rest of nt_routine_enter, when there is something to do. In Windows' calling convention, so
 *  that the routines, which have it too, need not save the vector registers that it preserves and
 *  this host's own convention does not. */
void NTAPI nt_routine_watched(const char *name, KIRQL max_irql, const void *caller);
/** Entry of every imported routine. Under the real scheduler with the recorder off this is a few
 *  loads and branches: it must stay so, because every imported call of a driver pays for it. */
static inline void nt_routine_enter(const char *name, KIRQL max_irql, const void *caller)
{
    if (__builtin_expect(nt_irql() > max_irql || trace_wants(TRACE_ROUTINE) ||
                             sched_kind() == SCHED_SEEDED,
                         0)) {
        nt_routine_watched(name, max_irql, caller);
    }
}
/** Before a callback of a driver: what has to be the same when it returns. */
static inline struct verifier_mark verifier_callback_enter(const char *callback)
{
    const struct nt_thread *thread = sched_current();

    return (struct verifier_mark){thread->irql, thread->verify.held_count, thread->critical_region,
                                  callback};
}
/** The rest of verifier_callback_leave: what is not the same is a bugcheck. */
void NTAPI verifier_callback_broke(const struct verifier_mark *mark);
static inline void verifier_callback_leave(const struct verifier_mark *mark)
{
    const struct nt_thread *thread = sched_current();

    if (__builtin_expect(thread->irql != mark->irql ||
                             thread->verify.held_count > mark->held_count ||
                             thread->critical_region != mark->critical_region,
                         0)) {
        verifier_callback_broke(mark);
    }
}

/** The caller is what the explorer tells the driver's calls from the host's by. */
#define NT_ROUTINE(max_irql) nt_routine_enter(__func__, (max_irql), __builtin_return_address(0))

/* --- output of the drivers (nt/debug.c) --- */

#if defined(__x86_64__)
typedef __builtin_ms_va_list nt_va_list;
#define nt_va_start(list, last) __builtin_ms_va_start(list, last)
#define nt_va_end(list)         __builtin_ms_va_end(list)
#else
typedef va_list nt_va_list;
#define nt_va_start(list, last) va_start(list, last)
#define nt_va_end(list)         va_end(list)
#endif

/**
 * Windows' printf (%wZ, %ws, %I64x, 32-bit %lu ...) into UTF-8. `out` is always NUL-terminated when
 * size > 0.
 * \return the length that the whole text has.
 */
size_t nt_format(char *out, size_t size, const char *format, nt_va_list arguments);
/**
 * The same into UTF-16, from a UTF-16 format: %s is a wide string there, %S a narrow one. `chars`
 * includes the NUL.
 */
size_t nt_format_wide(WCHAR *out, size_t chars, const WCHAR *format, nt_va_list arguments);
/** Where DbgPrint goes besides the trace; NULL (the default) = nowhere, as without a debugger. */
void nt_debug_output(FILE *out);

/* --- objects and handles (nt/object.c) --- */

struct nt_object_type {
    const char *name;
    void (*destroy)(void *body); /**< Last reference gone. */
    void (*close)(void *body);   /**< Last handle closed (IRP_MJ_CLEANUP); may be NULL. */
};
/**
 * The types behind *PsThreadType (nt/thread.c), *IoFileObjectType (nt/file.c) and
 * *ExEventObjectType.
 */
extern const struct nt_object_type nt_thread_type;
extern const struct nt_object_type nt_file_type;
extern const struct nt_object_type nt_event_type;

/** Allocates an object with one reference. The body is zeroed. */
void *nt_object_create(const struct nt_object_type *type, size_t body_size);
const struct nt_object_type *nt_object_type_of(const void *body);
void nt_object_reference(void *body);
void nt_object_dereference(void *body);
/** Makes a handle (takes a reference of its own). */
HANDLE nt_handle_create(void *body, ACCESS_MASK access);
/**
 * \return the object, referenced, or NULL with *status set (STATUS_INVALID_HANDLE,
 * STATUS_OBJECT_TYPE_MISMATCH).
 */
void *nt_handle_lookup(HANDLE handle, const struct nt_object_type *type, ACCESS_MASK *access,
                       NTSTATUS *status);
NTSTATUS nt_handle_close(HANDLE handle);
/** How many there are now. */
uint64_t nt_object_count(void);
uint64_t nt_object_count_of(const struct nt_object_type *type, bool (*matches)(const void *body));
uint64_t nt_handle_count(void);

/* --- pool (nt/pool.c) --- */

#define NT_HOST_TAG 0x74736F48u /**< 'tsoH', shown as "Host": the host's own pool, in no census. */
/** For what no driver ever has a pointer to: not in special pool. */
#define NT_PRIVATE_TAG 0x76697250u /**< 'virP'. */
/**
 * What ExAllocatePoolWithTag and StorPortAllocatePool do after their NT_ROUTINE: the rules, low
 * resources, the memory. No scheduling point. The host's own structures that drivers see come from
 * here too, with NT_HOST_TAG.
 */
void *nt_pool_allocate(POOL_TYPE type, size_t bytes, ULONG tag);
/** \param tag 0 = whatever it is. */
void nt_pool_free(void *block, ULONG tag);
/** Blocks are numbered from 1 again: two machines of one seed are to number alike. */
void nt_pool_boot(void);
/** Number of the block, live or freed, that the address lies in, and the distance from its start;
 *  0: in none, or the verifier is off. */
uint32_t nt_pool_number(const void *address, uint64_t *offset);
/** Is the address in paged pool? (Verifier on: paged pool has an arena of its own then.) */
bool nt_pool_is_paged(const void *address);
/** The rest of nt_pool_is_freed. */
bool NTAPI nt_pool_was_freed(const void *address);
/**
 * Was the block that the address lies in freed? Known with the verifier on only, and for as long as
 * it is in quarantine.
 */
static inline bool nt_pool_is_freed(const void *address)
{
    return verifier_enabled() && nt_pool_was_freed(address);
}
/**
 * An object that is used at raised IRQL must not be in paged pool: bugcheck if it is. `what` e.g.
 * "spin lock".
 */
void nt_pool_check_nonpaged(const char *what, const void *object);

/**
 * Bytes and blocks outstanding for the census; tag 0 = all. Pool of the host itself (tag 'tsoH') is
 * not counted.
 */
size_t nt_pool_outstanding(uint32_t tag, size_t *bytes);
/**
 * From now on the n-th allocation fails, once (or all from the n-th on); 0 = none. For low-resource
 * tests.
 */
void nt_pool_fail(unsigned nth, bool from_then_on);
/** May paged pool be touched (seeded scheduler)? Called on each crossing of DISPATCH_LEVEL. */
void nt_pool_paged_access(bool accessible);
/** Before the operating system is given an address that may lie in paged pool: it would not fault,
 *  but fail. */
void nt_pool_paged_touch(const void *address);
/** An access has faulted: was it paged pool, which the thread may touch, but which was not opened
 *  yet? \return true: it is open now, try again. */
bool nt_pool_paged_fault(const void *address);

#endif
