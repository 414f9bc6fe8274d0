/*
 * The real scheduler: every simulated thread is a POSIX thread, they run in parallel, time is the
 * monotonic clock. It is there for speed: who waits spins a moment before it sleeps, who wakes
 * another does the system call after it has let the lock go. It must never take a decision from a
 * seed; nothing here can be replayed.
 */
#define _GNU_SOURCE
#include "nt/nt.h"
#include "nt/sched_backend.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)1 << 20)
/** Rounds of spinning before a waiter sleeps: follows how long the waits last that spinning
 *  ends, and is tried out at its most now and then. A sleep and its wake-up cost about as much
 *  as the most. */
#define SPIN_LEAST 8u
#define SPIN_MOST  400u
#define SPIN_PROBE 64u

/** Values of the word that a waiter sleeps on. */
enum wake { AWAKE, WAITING, SLEEPING, WOKEN };

/** The scheduler's part of a thread. */
struct real_thread {
    _Atomic uint32_t wake;
    bool blocked; /**< In sched_block and not woken yet; dispatcher lock. */
    unsigned spin, waits;
    jmp_buf base; /**< First frame of a spawned thread: where sched_exit goes. */
};

static pthread_mutex_t dispatcher = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
/** Under the dispatcher lock: spawned threads that are not blocked, those that have ended but
 *  not yet let their object go, threads in sched_settle, machines so far. */
static unsigned running, leaving, settlers, incarnation;
static uint64_t epoch;
static pthread_key_t detach_key;
static pthread_once_t detach_once = PTHREAD_ONCE_INIT;

/** Sleepers that this thread has woken under the lock: the system calls follow when it is let
 *  go. */
static _Thread_local struct {
    _Atomic uint32_t *word[8];
    unsigned count;
} woken;

static inline struct real_thread *part(const struct nt_thread *thread)
{
    return thread->sched;
}

static uint64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 10000000u + (uint64_t)now.tv_nsec / 100;
}

uint64_t real_time(void)
{
    return clock_now() - epoch;
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/** Sleeps while *word is SLEEPING. \return false when the deadline has passed. */
static bool futex_wait(_Atomic uint32_t *word, uint64_t deadline)
{
    struct timespec until, *timeout = NULL;
    uint64_t at = deadline + epoch;

    if (deadline != UINT64_MAX && at >= deadline) {
        until.tv_sec = (time_t)(at / 10000000u);
        until.tv_nsec = (long)(at % 10000000u) * 100;
        timeout = &until;
    }
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, (uint32_t)SLEEPING, timeout, NULL,
                   FUTEX_BITSET_MATCH_ANY) == 0 ||
           errno != ETIMEDOUT;
}

static inline void pause_processor(void)
{
    YieldProcessor();
}

/* --- the dispatcher lock --- */

void real_lock(void)
{
    pthread_mutex_lock(&dispatcher);
}

void real_unlock(void)
{
    unsigned count = woken.count;

    woken.count = 0;
    pthread_mutex_unlock(&dispatcher);
    for (unsigned i = 0; i < count; i++) {
        /* The thread may have gone on, and even ended, by itself: then this wakes nobody, or
         * somebody who looks again. */
        futex_wake(woken.word[i]);
    }
}

/* --- waiting --- */

/** Spins for a while. \return whether it was woken meanwhile. */
static bool spin_for_wake(struct real_thread *self)
{
    unsigned most = ++self->waits % SPIN_PROBE == 0 ? SPIN_MOST : self->spin;

    for (unsigned i = 0; i < most; i++) {
        if (atomic_load_explicit(&self->wake, memory_order_acquire) == WOKEN) {
            unsigned wanted = 2 * i + SPIN_LEAST;

            self->spin = wanted < SPIN_MOST ? (self->spin + wanted + 1) / 2 : SPIN_MOST;
            return true;
        }
        pause_processor();
    }
    self->spin -= (self->spin - SPIN_LEAST + 7) / 8;
    return false;
}

/** Spins, then sleeps, until somebody wakes this thread or the deadline passes. */
static void wait_for_wake(struct real_thread *self, uint64_t deadline)
{
    uint32_t expected = WAITING;

    if (spin_for_wake(self)) {
        return;
    }
    if (atomic_compare_exchange_strong(&self->wake, &expected, SLEEPING)) {
        while (atomic_load_explicit(&self->wake, memory_order_acquire) != WOKEN &&
               futex_wait(&self->wake, deadline)) {
        }
    }
}

/** One thread less runs or leaves. */
static void count_down(unsigned *counter)
{
    --*counter;
    if (settlers != 0) {
        pthread_cond_broadcast(&idle);
    }
}

bool real_block(uint64_t deadline)
{
    struct nt_thread *thread = sched_current();
    struct real_thread *self = part(thread);
    unsigned born = incarnation;
    bool timed_out;

    self->blocked = true;
    atomic_store_explicit(&self->wake, WAITING, memory_order_relaxed);
    if (!thread->foreign) {
        count_down(&running);
    }
    real_unlock();
    wait_for_wake(self, deadline);
    real_lock();
    if (born != incarnation) {
        real_unlock();
        real_park(); /* The machine was halted while this thread slept. */
    }
    timed_out = self->blocked;
    self->blocked = false;
    running += timed_out && !thread->foreign;
    return !timed_out;
}

void real_wake(struct nt_thread *thread)
{
    struct real_thread *target = part(thread);

    if (!target->blocked) {
        return;
    }
    target->blocked = false;
    running += !thread->foreign;
    if (atomic_exchange(&target->wake, WOKEN) == SLEEPING) {
        if (woken.count < sizeof woken.word / sizeof woken.word[0]) {
            woken.word[woken.count++] = &target->wake;
        } else {
            futex_wake(&target->wake);
        }
    }
}

/** More threads than processors: who spins soon lets the holder run. */
void real_spin(unsigned round)
{
    if (round < 8) {
        for (unsigned i = 0; i < 1u << round; i++) {
            pause_processor();
        }
    } else if (round < 64) {
        sched_yield();
    } else {
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
}

void real_settle(void)
{
    unsigned own = sched_current()->foreign ? 0 : 1;

    real_lock();
    settlers++;
    while (running > own || leaving != 0) {
        pthread_cond_wait(&idle, &dispatcher);
    }
    settlers--;
    real_unlock();
}

/* --- threads --- */

_Noreturn void real_park(void)
{
    for (;;) {
        pause();
    }
}

void real_attach(struct nt_thread *thread)
{
    struct real_thread *self = calloc(1, sizeof *self);

    if (self == NULL) {
        sched_misuse("no memory for a thread", "free some memory");
    }
    self->spin = SPIN_MOST;
    thread->sched = self;
    if (thread->foreign) {
        pthread_setspecific(detach_key, thread);
    }
}

static void *run(void *argument)
{
    struct nt_thread *thread = argument;

    sched_set_current(thread);
    verifier_thread_attach();
    if (setjmp(part(thread)->base) == 0) {
        sched_thread_main(thread);
    }
    nt_object_dereference(thread);
    real_lock();
    count_down(&leaving);
    real_unlock();
    return NULL;
}

void real_start(struct nt_thread *thread)
{
    pthread_attr_t attributes;
    pthread_t id;

    real_attach(thread);
    real_lock();
    running++;
    real_unlock();
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&id, &attributes, run, thread) != 0) {
        sched_misuse("no POSIX thread to be had", "raise the limit of threads (ulimit -u)");
    }
    pthread_attr_destroy(&attributes);
}

void real_ended(void)
{
    leaving++;
    count_down(&running);
}

/** Back to run(), without unwinding: the frames between may be a driver's and have nothing to
 *  unwind. */
_Noreturn void real_exit(void)
{
    longjmp(part(sched_current())->base, 1);
}

/** A foreign POSIX thread ends without having called sched_detach. */
static void detach(void *thread)
{
    (void)thread;
    sched_detach();
}

static void make_key(void)
{
    if (pthread_key_create(&detach_key, detach) != 0) {
        sched_misuse("no thread-specific key to be had", "use fewer libraries");
    }
}

void real_boot(const struct sched_options *options, struct nt_thread *main_thread)
{
    (void)options;
    pthread_once(&detach_once, make_key);
    epoch = clock_now();
    real_attach(main_thread);
}

void real_halt(void)
{
    real_lock();
    settlers++;
    while (leaving != 0) {
        pthread_cond_wait(&idle, &dispatcher);
    }
    settlers--;
    incarnation++;
    running = 0;
    real_unlock();
}
