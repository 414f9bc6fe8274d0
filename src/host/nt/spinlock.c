/*
 * Spin locks. A KSPIN_LOCK holds its owner's thread object, or 0, so that a second acquisition by
 * the owner and a release by somebody else are caught. Under the real scheduler it is one
 * compare-and-swap; under the seeded one a thread that finds it taken does not run until it is
 * free. Nothing here may block, allocate or take another lock.
 */
#include "nt/nt.h"

/* All the variants come down to acquire and release. What they do seldom is apart, in Windows'
 * calling convention: see nt_routine_watched. */

/** Somebody has the lock. \param owner who was seen with it. */
static __attribute__((noinline)) void NTAPI contend(PKSPIN_LOCK lock, KSPIN_LOCK owner,
                                                    struct nt_thread *thread, const char *kind)
{
    unsigned round = 0;

    do {
        if (owner == (KSPIN_LOCK)thread) {
            verifier_bugcheck(RULE_LOCK_SELF_DEADLOCK, (uintptr_t)lock, 0, 0,
                              "thread %u (%s) acquires a %s that it holds already", thread->id,
                              thread->name, kind);
        }
        do {
            sched_spin((const volatile uintptr_t *)lock, round++);
        } while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 0);
        owner = 0;
    } while (!__atomic_compare_exchange_n(lock, &owner, (KSPIN_LOCK)thread, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
}

static __attribute__((noinline)) void NTAPI watch_acquiring(PKSPIN_LOCK lock, const char *kind)
{
    verifier_lock_acquiring(lock, kind);
}

static __attribute__((noinline)) void NTAPI watch_acquired(PKSPIN_LOCK lock, const char *kind)
{
    verifier_lock_acquired(lock, kind);
}

static __attribute__((noinline)) void NTAPI watch_released(PKSPIN_LOCK lock, const char *kind)
{
    verifier_lock_released(lock, kind);
}

static inline void acquire(PKSPIN_LOCK lock, struct nt_thread *thread, const char *kind)
{
    KSPIN_LOCK owner = 0;

    if (verifier_enabled()) {
        watch_acquiring(lock, kind);
    }
    if (!__atomic_compare_exchange_n(lock, &owner, (KSPIN_LOCK)thread, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        contend(lock, owner, thread, kind);
    }
    if (verifier_enabled()) {
        watch_acquired(lock, kind);
    }
}

static __attribute__((noinline, noreturn)) void NTAPI not_held(PKSPIN_LOCK lock, KSPIN_LOCK owner,
                                                               struct nt_thread *thread,
                                                               const char *kind)
{
    verifier_bugcheck(RULE_LOCK_NOT_HELD, (uintptr_t)lock, owner, (uintptr_t)thread,
                      "thread %u (%s) releases a %s that %s holds", thread->id, thread->name, kind,
                      owner == 0 ? "nobody" : "another thread");
}

static inline void release(PKSPIN_LOCK lock, struct nt_thread *thread, const char *kind)
{
    KSPIN_LOCK owner = __atomic_load_n(lock, __ATOMIC_RELAXED);

    if (owner != (KSPIN_LOCK)thread) {
        not_held(lock, owner, thread, kind);
    }
    if (verifier_enabled()) {
        watch_released(lock, kind);
    }
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

static __attribute__((noinline, noreturn)) void NTAPI bad_release(const struct nt_thread *thread,
                                                                  PKSPIN_LOCK lock, KIRQL new_irql)
{
    verifier_bugcheck(RULE_SPIN_RELEASE_IRQL, thread->irql, (uintptr_t)lock, new_irql,
                      "a spin lock is released at IRQL %u, to return to IRQL %u", thread->irql,
                      new_irql);
}

static inline void check_release(const struct nt_thread *thread, PKSPIN_LOCK lock, KIRQL new_irql)
{
    if (thread->irql != DISPATCH_LEVEL || new_irql > DISPATCH_LEVEL) {
        bad_release(thread, lock, new_irql);
    }
}

static void check_dpc_level(const struct nt_thread *thread, PKSPIN_LOCK lock,
                            enum verifier_rule_symbol rule)
{
    if (thread->irql < DISPATCH_LEVEL) {
        verifier_bugcheck(rule, thread->irql, (uintptr_t)lock, 0,
                          "the DPC-level variant is called at IRQL %u", thread->irql);
    }
}

/* --- spin locks --- */

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    struct nt_thread *thread = sched_current();
    KIRQL old;

    NT_ROUTINE(DISPATCH_LEVEL);
    old = nt_raise_irql(DISPATCH_LEVEL);
    acquire(SpinLock, thread, "spin lock");
    return old;
}

VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    check_release(thread, SpinLock, NewIrql);
    release(SpinLock, thread, "spin lock");
    nt_lower_irql(NewIrql);
}

VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    check_dpc_level(thread, SpinLock, RULE_SPIN_AT_DPC_IRQL);
    acquire(SpinLock, thread, "spin lock");
}

VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    check_dpc_level(thread, SpinLock, RULE_SPIN_FROM_DPC_IRQL);
    release(SpinLock, thread, "spin lock");
}

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    struct nt_thread *thread = sched_current();
    KSPIN_LOCK owner = 0;

    NT_ROUTINE(HIGH_LEVEL);
    check_dpc_level(thread, SpinLock, RULE_SPIN_AT_DPC_IRQL);
    if (!__atomic_compare_exchange_n(SpinLock, &owner, (KSPIN_LOCK)thread, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        return FALSE;
    }
    verifier_lock_acquired(SpinLock, "spin lock");
    return TRUE;
}

/* --- in-stack queued spin locks: Windows serves the waiters in order; here they are spin locks
 * with a handle --- */

VOID NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(DISPATCH_LEVEL);
    LockHandle->LockQueue.Next = NULL;
    LockHandle->LockQueue.Lock = SpinLock;
    LockHandle->OldIrql = nt_raise_irql(DISPATCH_LEVEL);
    acquire(SpinLock, thread, "queued spin lock");
}

VOID NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    check_release(thread, LockHandle->LockQueue.Lock, LockHandle->OldIrql);
    release(LockHandle->LockQueue.Lock, thread, "queued spin lock");
    nt_lower_irql(LockHandle->OldIrql);
}

VOID NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
                                                    PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    check_dpc_level(thread, SpinLock, RULE_SPIN_AT_DPC_IRQL);
    LockHandle->LockQueue.Next = NULL;
    LockHandle->LockQueue.Lock = SpinLock;
    LockHandle->OldIrql = thread->irql;
    acquire(SpinLock, thread, "queued spin lock");
}

VOID NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    check_dpc_level(thread, LockHandle->LockQueue.Lock, RULE_SPIN_FROM_DPC_IRQL);
    release(LockHandle->LockQueue.Lock, thread, "queued spin lock");
}

/* --- lists under a spin lock, at any IRQL: Windows disables interrupts, here the level is
 * raised to the highest --- */

static KIRQL list_enter(PKSPIN_LOCK lock)
{
    KIRQL old = nt_raise_irql(HIGH_LEVEL);

    acquire(lock, sched_current(), "list lock");
    return old;
}

static void list_leave(PKSPIN_LOCK lock, KIRQL old)
{
    release(lock, sched_current(), "list lock");
    nt_lower_irql(old);
}

PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    PLIST_ENTRY first;
    KIRQL old;

    NT_ROUTINE(HIGH_LEVEL);
    old = list_enter(Lock);
    first = IsListEmpty(ListHead) ? NULL : ListHead->Flink;
    InsertHeadList(ListHead, ListEntry);
    list_leave(Lock, old);
    return first;
}

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    PLIST_ENTRY last;
    KIRQL old;

    NT_ROUTINE(HIGH_LEVEL);
    old = list_enter(Lock);
    last = IsListEmpty(ListHead) ? NULL : ListHead->Blink;
    InsertTailList(ListHead, ListEntry);
    list_leave(Lock, old);
    return last;
}

PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    PLIST_ENTRY entry;
    KIRQL old;

    NT_ROUTINE(HIGH_LEVEL);
    old = list_enter(Lock);
    entry = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);
    list_leave(Lock, old);
    return entry;
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                    PSINGLE_LIST_ENTRY Entry, PKSPIN_LOCK Lock)
{
    PSINGLE_LIST_ENTRY first;
    KIRQL old;

    NT_ROUTINE(HIGH_LEVEL);
    old = list_enter(Lock);
    first = ListHead->Next;
    PushEntryList(ListHead, Entry);
    list_leave(Lock, old);
    return first;
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    PSINGLE_LIST_ENTRY entry;
    KIRQL old;

    NT_ROUTINE(HIGH_LEVEL);
    old = list_enter(Lock);
    entry = PopEntryList(ListHead);
    list_leave(Lock, old);
    return entry;
}
