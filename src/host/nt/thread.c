/*
 * Threads as objects: their life from PsCreateSystemThread to the signal that wakes who waits for
 * their end, and the small routines about the current thread. How a thread gets its processor is
 * the schedulers' business; nothing here may block.
 */
#include "nt/dispatcher.h"
#include "nt/nt.h"
#include "nt/sched_backend.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic unsigned system_threads;
static _Atomic unsigned fail_countdown;

/** What PsCreateSystemThread's caller asked for, until the thread has taken it. */
struct start {
    PKSTART_ROUTINE routine;
    PVOID context;
};

static void destroy(void *body)
{
    struct nt_thread *thread = body;

    free(thread->sched);
}

const struct nt_object_type nt_thread_type = {.name = "Thread", .destroy = destroy};

struct nt_thread *thread_create(const char *name, uint32_t id, void (*run)(void *), void *argument)
{
    struct nt_thread *thread = nt_object_create(&nt_thread_type, sizeof *thread);

    if (thread == NULL) {
        sched_misuse("no memory for a thread object", "free some memory");
    }
    dispatcher_initialize(&thread->header, THREAD_OBJECT, sizeof *thread, 0);
    InitializeListHead(&thread->mutants);
    thread->id = id;
    thread->name = name;
    thread->run = run;
    thread->argument = argument;
    thread->foreign = run == NULL;
    thread->priority = 8;
    return thread;
}

/** A thread that ends at raised IRQL, with a lock or in a critical region would leave the system
 *  in a state that nobody can repair. */
void thread_check_end(const struct nt_thread *thread)
{
    if (thread->irql != PASSIVE_LEVEL) {
        verifier_bugcheck(RULE_THREAD_END_IRQL, thread->irql, 0, 0,
                          "thread %u (%s) ends at IRQL %u", thread->id, thread->name, thread->irql);
    }
    if (thread->verify.held_count != 0 || !IsListEmpty(&thread->mutants)) {
        const char *kind = thread->verify.held_count != 0 ? thread->verify.held[0].kind : "mutex";

        verifier_bugcheck(RULE_LOCK_THREAD_END, (uintptr_t)thread, 0, 0,
                          "thread %u (%s) ends and still owns a %s", thread->id, thread->name,
                          kind);
    }
    if (thread->critical_region != 0 || thread->guarded_region != 0) {
        verifier_bugcheck(
            RULE_THREAD_END_REGION, (uintptr_t)thread, (uint64_t)thread->critical_region, 0,
            "thread %u (%s) ends inside a critical or guarded region", thread->id, thread->name);
    }
}

void thread_signal_end(struct nt_thread *thread)
{
    if (thread->system) {
        atomic_fetch_sub(&system_threads, 1);
    }
    thread->header.SignalState = 1;
    dispatcher_signal(&thread->header);
}

unsigned nt_system_threads(void)
{
    return atomic_load(&system_threads);
}

static void system_thread(void *argument)
{
    struct start start = *(struct start *)argument;

    free(argument);
    sched_current()->system = true;
    start.routine(start.context);
}

void nt_thread_fail(unsigned nth)
{
    atomic_store(&fail_countdown, nth);
}

static bool should_fail(void)
{
    return atomic_load(&fail_countdown) != 0 && atomic_fetch_sub(&fail_countdown, 1) == 1;
}

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                    PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                                    PVOID StartContext)
{
    struct nt_thread *thread;
    struct start *start;

    NT_ROUTINE(PASSIVE_LEVEL);
    UNREFERENCED_PARAMETER(ObjectAttributes);
    UNREFERENCED_PARAMETER(ProcessHandle);
    start = should_fail() ? NULL : malloc(sizeof *start);
    if (start == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *start = (struct start){StartRoutine, StartContext};
    atomic_fetch_add(&system_threads, 1);
    thread = sched_spawn("driver", system_thread, start);
    if (ClientId != NULL) {
        ClientId->UniqueProcess = ULongToHandle(4);
        ClientId->UniqueThread = ULongToHandle(thread->id * 4);
    }
    *ThreadHandle = nt_handle_create(thread, DesiredAccess);
    nt_object_dereference(thread);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL); /* APC_LEVEL and below; the level at the end is a rule of its own. */
    if (!thread->system) {
        return STATUS_INVALID_PARAMETER;
    }
    thread->exit_status = ExitStatus;
    sched_exit();
}

PKTHREAD NTAPI KeGetCurrentThread(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return (PKTHREAD)sched_current();
}

HANDLE NTAPI PsGetCurrentThreadId(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return ULongToHandle(sched_current()->id * 4);
}

BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread)
{
    NT_ROUTINE(HIGH_LEVEL);
    return ((struct nt_thread *)Thread)->header.SignalState != 0;
}

/** Priorities are kept, for who asks; the schedulers do not look at them. */
KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    return __atomic_exchange_n(&((struct nt_thread *)Thread)->priority, Priority, __ATOMIC_SEQ_CST);
}

KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread)
{
    NT_ROUTINE(DISPATCH_LEVEL);
    return __atomic_load_n(&((struct nt_thread *)Thread)->priority, __ATOMIC_SEQ_CST);
}

/* Critical and guarded regions hold APCs off. There are none here; the counts are kept for the
 * rules. */

VOID NTAPI KeEnterCriticalRegion(VOID)
{
    NT_ROUTINE(APC_LEVEL);
    sched_current()->critical_region++;
}

static void leave(int *count)
{
    if (*count == 0) {
        verifier_bugcheck(RULE_CRITICAL_REGION_LEAVE, 0, 0, 0,
                          "thread %u (%s) is in no such region", sched_current()->id,
                          sched_current()->name);
    }
    --*count;
}

VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    NT_ROUTINE(APC_LEVEL);
    leave(&sched_current()->critical_region);
}

VOID NTAPI KeEnterGuardedRegion(VOID)
{
    NT_ROUTINE(APC_LEVEL);
    sched_current()->guarded_region++;
}

VOID NTAPI KeLeaveGuardedRegion(VOID)
{
    NT_ROUTINE(APC_LEVEL);
    leave(&sched_current()->guarded_region);
}

BOOLEAN NTAPI KeAreApcsDisabled(VOID)
{
    const struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    return thread->critical_region != 0 || thread->guarded_region != 0 || thread->irql >= APC_LEVEL;
}

BOOLEAN NTAPI KeAreAllApcsDisabled(VOID)
{
    const struct nt_thread *thread = sched_current();

    NT_ROUTINE(HIGH_LEVEL);
    return thread->guarded_region != 0 || thread->irql >= APC_LEVEL;
}
