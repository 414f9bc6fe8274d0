/*
 * Ordered accesses and memory barriers, for both builds (mingw's DDK has none of them). Macros over
 * the compiler's atomics, callable at any IRQL; they import nothing.
 */
#pragma once

/* Plain accesses that are to be atomic and ordered, as the WDK spells them. */
#define ReadAcquire(p)            __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define ReadNoFence(p)            __atomic_load_n((p), __ATOMIC_RELAXED)
#define ReadULongAcquire(p)       __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define ReadULongNoFence(p)       __atomic_load_n((p), __ATOMIC_RELAXED)
#define ReadPointerAcquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define ReadPointerNoFence(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define WriteRelease(p, v)        __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define WriteNoFence(p, v)        __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define WritePointerRelease(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Full barriers. */
#define KeMemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
