/*
 * Per-thread caches and counters of the I/O manager, and its low-resource injection. Beneath irp.c,
 * mdl.c and fsd.c; it must never call an NT routine. A POSIX thread's part is folded into the
 * common one when the thread ends.
 */
#include "nt/iothread.h"

#include <pthread.h>
#include <stdlib.h>

#define IO_CACHE_DEPTH 32

struct io_block {
    struct io_block *next;
};

struct io_thread {
    struct io_block *blocks[IO_CACHES];
    unsigned depth[IO_CACHES];
    int64_t counts[IO_COUNTERS]; /* Written by the owner only, read by anyone. */
    struct io_thread *next;      /* List lock. */
};

static _Thread_local struct io_thread *self;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct io_thread *threads;
static int64_t retired[IO_COUNTERS]; /* Counts of ended threads; list lock. */
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void thread_ended(void *argument)
{
    struct io_thread *thread = argument;

    pthread_mutex_lock(&list_lock);
    for (unsigned i = 0; i < IO_COUNTERS; i++) {
        retired[i] += thread->counts[i];
    }
    struct io_thread **link = &threads;
    while (*link != thread) {
        link = &(*link)->next;
    }
    *link = thread->next;
    pthread_mutex_unlock(&list_lock);
    for (unsigned i = 0; i < IO_CACHES; i++) {
        while (thread->blocks[i] != NULL) {
            struct io_block *block = thread->blocks[i];
            thread->blocks[i] = block->next;
            free(block);
        }
    }
    self = NULL;
    free(thread);
}

static void make_key(void)
{
    pthread_key_create(&key, thread_ended);
}

static __attribute__((noinline)) struct io_thread *NTAPI thread_attach(void)
{
    struct io_thread *thread = calloc(1, sizeof(*thread));

    if (thread == NULL) {
        abort();
    }
    pthread_once(&once, make_key);
    pthread_setspecific(key, thread);
    pthread_mutex_lock(&list_lock);
    thread->next = threads;
    threads = thread;
    pthread_mutex_unlock(&list_lock);
    self = thread;
    return thread;
}

static inline struct io_thread *thread_self(void)
{
    return self != NULL ? self : thread_attach();
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IO_SANITIZED 1
#endif
#endif

bool NTAPI io_cache_wanted(void)
{
#ifdef IO_SANITIZED
    return false;
#else
    return !verifier_enabled();
#endif
}

/* The C heap, apart: see nt_routine_watched. */
static __attribute__((noinline)) void *NTAPI heap_take(size_t size)
{
    return malloc(size);
}

static __attribute__((noinline)) void NTAPI heap_give(void *block)
{
    free(block);
}

void *NTAPI io_cache_take(enum io_cache cache, size_t size)
{
    struct io_thread *thread = thread_self();
    struct io_block *block = thread->blocks[cache];

    if (block == NULL) {
        return heap_take(size);
    }
    thread->blocks[cache] = block->next;
    thread->depth[cache]--;
    return block;
}

void NTAPI io_cache_give(enum io_cache cache, void *memory)
{
    struct io_thread *thread = thread_self();
    struct io_block *block = memory;

    if (thread->depth[cache] >= IO_CACHE_DEPTH) {
        heap_give(block);
        return;
    }
    block->next = thread->blocks[cache];
    thread->blocks[cache] = block;
    thread->depth[cache]++;
}

void NTAPI io_count(enum io_counter counter, int64_t difference)
{
    int64_t *count = &thread_self()->counts[counter];

    /* Only this thread writes it, so no read-modify-write is needed. */
    __atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + difference,
                     __ATOMIC_RELAXED);
}

int64_t io_counted(enum io_counter counter)
{
    pthread_mutex_lock(&list_lock);
    int64_t sum = retired[counter];
    for (struct io_thread *thread = threads; thread != NULL; thread = thread->next) {
        sum += __atomic_load_n(&thread->counts[counter], __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&list_lock);
    return sum;
}

/* --- low resources --- */

static struct {
    int64_t countdown; /* Failing starts when it reaches 0; negative or 0 from the start = off. */
    bool active;
    bool from_then_on;
} faults[NT_IO_FAULT_KINDS];

void nt_io_fail(enum nt_io_fault what, unsigned nth, bool from_then_on)
{
    __atomic_store_n(&faults[what].active, false, __ATOMIC_SEQ_CST);
    faults[what].countdown = nth;
    faults[what].from_then_on = from_then_on;
    __atomic_store_n(&faults[what].active, nth != 0, __ATOMIC_SEQ_CST);
}

bool NTAPI io_should_fail(enum nt_io_fault what)
{
    if (!__atomic_load_n(&faults[what].active, __ATOMIC_ACQUIRE)) {
        return false;
    }
    int64_t left = __atomic_sub_fetch(&faults[what].countdown, 1, __ATOMIC_SEQ_CST);
    return left == 0 || (left < 0 && faults[what].from_then_on);
}
