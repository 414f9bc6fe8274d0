/*
 * Fast mutexes: one compare-and-swap when nobody else has it, an event otherwise; the owner is at
 * APC_LEVEL. Built on the waits of dispatcher.c. Not recursive, and nothing here may be called at
 * DISPATCH_LEVEL.
 */
#include "nt/nt.h"

/** Whoever counts itself in Contention and then fails to take the lock is woken by the next
 *  release. */
static bool take(PFAST_MUTEX mutex)
{
    LONG lock_free = FM_LOCK_BIT;

    return __atomic_compare_exchange_n(&mutex->Count, &lock_free, 0, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static void check_irql(PFAST_MUTEX mutex, KIRQL irql)
{
    if (irql > APC_LEVEL) {
        verifier_bugcheck(RULE_FAST_MUTEX_ACQUIRE_IRQL, irql, (uintptr_t)mutex, 0,
                          "a fast mutex is acquired at IRQL %u", irql);
    }
}

static void own(PFAST_MUTEX mutex, struct nt_thread *thread, KIRQL old)
{
    __atomic_store_n(&mutex->Owner, thread, __ATOMIC_RELAXED);
    mutex->OldIrql = old;
    verifier_lock_acquired(mutex, "fast mutex");
}

VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    struct nt_thread *thread = sched_current();
    KIRQL old;

    NT_ROUTINE(HIGH_LEVEL);
    check_irql(FastMutex, thread->irql);
    if (__atomic_load_n(&FastMutex->Owner, __ATOMIC_RELAXED) == thread) {
        verifier_bugcheck(RULE_LOCK_SELF_DEADLOCK, (uintptr_t)FastMutex, 0, 0,
                          "thread %u (%s) acquires a fast mutex that it holds already", thread->id,
                          thread->name);
    }
    verifier_lock_acquiring(FastMutex, "fast mutex");
    old = nt_raise_irql(APC_LEVEL);
    if (!take(FastMutex)) {
        __atomic_fetch_add(&FastMutex->Contention, 1, __ATOMIC_SEQ_CST);
        while (!take(FastMutex)) {
            nt_wait(&FastMutex->Event, NULL);
        }
        __atomic_fetch_sub(&FastMutex->Contention, 1, __ATOMIC_SEQ_CST);
    }
    own(FastMutex, thread, old);
}

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    check_irql(FastMutex, thread->irql);
    if (!take(FastMutex)) {
        return FALSE;
    }
    own(FastMutex, thread, nt_raise_irql(APC_LEVEL));
    return TRUE;
}

VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    struct nt_thread *thread = sched_current();
    KIRQL old = (KIRQL)FastMutex->OldIrql;

    NT_ROUTINE(HIGH_LEVEL);
    if (thread->irql != APC_LEVEL) {
        verifier_bugcheck(RULE_FAST_MUTEX_RELEASE_IRQL, thread->irql, (uintptr_t)FastMutex, 0,
                          "a fast mutex is released at IRQL %u", thread->irql);
    }
    if (__atomic_load_n(&FastMutex->Owner, __ATOMIC_RELAXED) != thread) {
        verifier_bugcheck(RULE_LOCK_NOT_HELD, (uintptr_t)FastMutex, 0, (uintptr_t)thread,
                          "thread %u (%s) releases a fast mutex that it does not hold", thread->id,
                          thread->name);
    }
    verifier_lock_released(FastMutex, "fast mutex");
    __atomic_store_n(&FastMutex->Owner, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&FastMutex->Count, FM_LOCK_BIT, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&FastMutex->Contention, __ATOMIC_SEQ_CST) != 0) {
        nt_set_event(&FastMutex->Event);
    }
    nt_lower_irql(old);
}
