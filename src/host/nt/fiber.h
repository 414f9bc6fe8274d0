/**
 * \file
 * A stack and a place to go on: the seeded scheduler's threads. Knows the sanitizers' ways to be
 * told of a switch, and nothing of scheduling.
 */
#ifndef HOST_NT_FIBER_H
#define HOST_NT_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#endif
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(FIBER_TSAN)
#define FIBER_TSAN 1
#endif
#if __has_feature(address_sanitizer) && !defined(FIBER_ASAN)
#define FIBER_ASAN 1
#endif
#endif

/** The scheduler's own state is used by every fiber in turn, unordered as ThreadSanitizer sees
 *  it: the functions that touch it are not instrumented, so that what it does report is a race
 *  of the simulated threads. */
#if defined(FIBER_TSAN)
#define FIBER_NO_TSAN __attribute__((no_sanitize("thread"), noinline))
#else
#define FIBER_NO_TSAN
#endif

struct fiber {
    ucontext_t context;
    void *stack; /**< Lowest usable byte; NULL for the POSIX thread's own. */
    size_t stack_size;
    void (*enter)(struct fiber *);
    void *asan_stack; /**< Its fake stack while it does not run. */
    const void *asan_bottom;
    size_t asan_size;
    void *tsan_fiber;
};

/** Makes the running POSIX thread a fiber. */
void fiber_adopt(struct fiber *fiber);
/** Gives a fiber a stack; `enter` runs on it at the first switch to it, and must not return. */
void fiber_make(struct fiber *fiber, void (*enter)(struct fiber *));
/** Goes from one to the other. \param ends `from` is never switched to again. */
void fiber_switch(struct fiber *from, struct fiber *to, bool ends);
/** Takes the stack back; the fiber must not be running. */
void fiber_free(struct fiber *fiber);
/** What was done before fiber_order_before() happened before what is done after the next
 *  fiber_order_after() on the same word: tells ThreadSanitizer of an order that one POSIX thread
 *  has anyway. */
void fiber_order_before(uint32_t *word);
void fiber_order_after(uint32_t *word);
/** Between true and false ThreadSanitizer looks away: the host's own doing, on behalf of
 *  whichever thread runs. */
void fiber_unseen(bool begin);
/** \return whether `address` lies in the running fiber's stack. */
bool fiber_stack_holds(const struct fiber *fiber, const void *address);
/** \return whether `address` lies in the guard page below the stack. */
bool fiber_guard_holds(const struct fiber *fiber, const void *address);

#endif
