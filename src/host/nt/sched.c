/*
 * The scheduler's front: which machine is booted, who the current thread is, and the way from each
 * sched_*() call to the real or the seeded scheduler. It must never decide anything itself: policy
 * is in the two back ends, meaning is in dispatcher.c.
 */
#define _GNU_SOURCE
#include "nt/fiber.h"
#include "nt/nt.h"
#include "nt/sched_backend.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sched_machine sched_machine;
_Thread_local struct sched_self sched_self;

/** The rest of the machine. */
static struct {
    bool booted;
    unsigned processors;
    uint64_t seed;
    _Atomic uint32_t next_id;
} machine;

static const struct sched_override *override;

/** Stands for a thread that asks before the machine is booted: PASSIVE_LEVEL, holds nothing. */
static _Thread_local struct nt_thread nobody = {.name = "nobody", .foreign = true};

static inline bool seeded(void)
{
    return sched_machine.kind == SCHED_SEEDED;
}

_Noreturn void sched_misuse(const char *what, const char *remedy)
{
    fprintf(stderr, "host: %s: %s\n", what, remedy);
    abort();
}

void sched_set_override(const struct sched_override *with)
{
    override = with;
}

bool sched_is_booted(void)
{
    return machine.booted;
}

bool sched_driver_points_only;

FIBER_NO_TSAN void sched_set_current(struct nt_thread *thread)
{
    sched_self.thread = thread;
    sched_self.generation = __atomic_load_n(&sched_machine.generation, __ATOMIC_RELAXED);
    sched_self.spawned = thread != NULL && !thread->foreign;
}

static uint32_t next_id(void)
{
    return atomic_fetch_add_explicit(&machine.next_id, 1, memory_order_relaxed) + 1;
}

FIBER_NO_TSAN void sched_boot(const struct sched_options *options)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    if (machine.booted) {
        sched_misuse("sched_boot on a machine that runs", "call sched_halt (host_halt) first");
    }
    machine.booted = true;
    sched_driver_points_only = false;
    sched_machine.kind = options->kind;
    machine.seed = override != NULL ? override->seed : options->seed;
    machine.processors = options->processors;
    if (machine.processors == 0) {
        machine.processors = seeded() ? 2 : (unsigned)(online > 0 ? online : 1);
    }
    if (machine.processors > 64) {
        sched_misuse("more than 64 processors", "ask for 1 to 64: Windows has more only in groups");
    }
    atomic_store(&machine.next_id, 0);
    __atomic_fetch_add(&sched_machine.generation, 1, __ATOMIC_SEQ_CST);
    sched_set_current(thread_create("main", next_id(), NULL, NULL));
    if (seeded()) {
        seeded_boot(options, sched_self.thread, override);
    } else {
        real_boot(options, sched_self.thread);
    }
}

FIBER_NO_TSAN void sched_halt(void)
{
    struct nt_thread *main_thread = sched_self.thread;

    if (!machine.booted) {
        return;
    }
    timer_halt();
    workitem_halt();
    if (seeded()) {
        seeded_halt();
    } else {
        real_halt();
    }
    nt_object_dereference(main_thread);
    machine.booted = false;
    __atomic_fetch_add(&sched_machine.generation, 1, __ATOMIC_SEQ_CST);
    sched_set_current(NULL);
}

unsigned sched_processors(void)
{
    return machine.processors;
}

uint64_t sched_seed(void)
{
    return machine.seed;
}

/** First call of a POSIX thread that the host did not make, or a thread that outlived its
 *  machine. */
FIBER_NO_TSAN SCHED_SELDOM struct nt_thread *sched_attach(void)
{
    if (sched_self.spawned) {
        real_park();
    }
    if (!machine.booted) {
        return &nobody;
    }
    if (seeded()) {
        sched_misuse("a second POSIX thread called into a seeded machine",
                     "the seeded scheduler has one; use the real scheduler or a simulated thread");
    }
    sched_set_current(thread_create("foreign", next_id(), NULL, NULL));
    real_attach(sched_self.thread);
    return sched_self.thread;
}

FIBER_NO_TSAN void sched_detach(void)
{
    struct nt_thread *thread = sched_self.thread;

    if (thread != NULL && machine.booted && !seeded() && thread->foreign && thread->id != 1 &&
        sched_self.generation == __atomic_load_n(&sched_machine.generation, __ATOMIC_RELAXED)) {
        nt_object_dereference(thread);
        sched_set_current(NULL);
    }
}

struct nt_thread *sched_spawn(const char *name, void (*run)(void *), void *argument)
{
    struct nt_thread *thread;

    if (!machine.booted) {
        sched_misuse("a thread was started on no machine", "call sched_boot (host_boot) first");
    }
    thread = thread_create(name, next_id(), run, argument);
    nt_object_reference(
        thread); /* The thread's own, until it has ended; the first one is the caller's. */
    if (trace_wants(TRACE_THREAD)) {
        trace_event(TRACE_THREAD, name, 1, thread->id, 0, 0);
    }
    if (seeded()) {
        seeded_start(thread);
    } else {
        real_start(thread);
    }
    return thread;
}

_Noreturn void sched_thread_main(struct nt_thread *thread)
{
    thread->run(thread->argument);
    sched_exit();
}

_Noreturn void sched_exit(void)
{
    struct nt_thread *thread = sched_current();

    if (thread->foreign) {
        sched_misuse("sched_exit in a thread that the host did not start",
                     "return from it instead");
    }
    if (trace_wants(TRACE_THREAD)) {
        trace_event(TRACE_THREAD, thread->name, 2, thread->id, 0, 0);
    }
    thread_check_end(thread);
    sched_lock();
    thread_signal_end(thread);
    if (!seeded()) {
        real_ended();
    }
    sched_unlock();
    if (seeded()) {
        seeded_exit();
    } else {
        real_exit();
    }
}

void sched_point(void)
{
    if (seeded() && machine.booted) {
        seeded_point();
    }
}

uint64_t sched_time(void)
{
    if (!machine.booted) {
        return 0;
    }
    return seeded() ? seeded_time() : real_time();
}

void sched_lock(void)
{
    if (seeded()) {
        seeded_lock();
    } else {
        real_lock();
    }
}

void sched_unlock(void)
{
    if (seeded()) {
        seeded_unlock();
    } else {
        real_unlock();
    }
}

bool sched_block(uint64_t deadline)
{
    struct nt_thread *thread = sched_current();
    bool woken;

    if (trace_wants(TRACE_THREAD)) {
        trace_event(TRACE_THREAD, thread->name, 3, thread->id, 0, 0);
    }
    woken = seeded() ? seeded_block(deadline) : real_block(deadline);
    if (trace_wants(TRACE_THREAD)) {
        trace_event(TRACE_THREAD, thread->name, 4, thread->id, 0, 0);
    }
    return woken;
}

void sched_wake(struct nt_thread *thread)
{
    if (seeded()) {
        seeded_wake(thread);
    } else {
        real_wake(thread);
    }
}

void sched_set_deadline(struct nt_thread *thread, uint64_t deadline)
{
    if (seeded()) {
        seeded_set_deadline(thread, deadline);
    } else {
        real_wake(thread);
    }
}

void sched_spin(const volatile uintptr_t *lock, unsigned round)
{
    if (seeded()) {
        seeded_spin(lock);
    } else {
        real_spin(round);
    }
}

void sched_irql_crossed(struct nt_thread *thread)
{
    if (seeded() && machine.booted) {
        seeded_irql_crossed(thread);
    }
}

unsigned sched_processor(void)
{
    int number;

    if (seeded()) {
        return sched_current()->processor;
    }
    number = sched_getcpu();
    return number < 0 ? 0 : (unsigned)number % machine.processors;
}

uint32_t sched_random(uint32_t count)
{
    return seeded() ? seeded_random(count) : 0;
}

size_t sched_decisions(const struct sched_decision **out)
{
    return seeded() ? seeded_decisions(out) : 0;
}

void sched_settle(uint64_t until)
{
    if (sched_current()->irql >= DISPATCH_LEVEL) {
        sched_misuse("sched_settle at DISPATCH_LEVEL", "lower the IRQL first: others must run");
    }
    if (seeded()) {
        seeded_settle(until);
    } else {
        real_settle();
    }
}

bool sched_is_own_stack(const void *address)
{
    return seeded() && seeded_is_own_stack(address);
}

const char *sched_stack_guard(const void *address)
{
    return seeded() ? seeded_stack_guard(address) : NULL;
}
