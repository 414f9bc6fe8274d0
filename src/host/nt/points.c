/*
 * Level 2 scheduling points. A driver that is built with -fsanitize=thread, and linked without that
 * sanitizer's runtime, calls a function of this file before each access to memory: here another
 * thread may go on, so that a race between two instructions that import nothing can be met. Accesses
 * to the thread's own stack are nobody else's business and no points. An interlocked operation is a
 * point, then the operation.
 *
 * Nothing here decides who goes on. A driver that is built without the option never comes here. In a
 * host that is itself built with ThreadSanitizer these names are the runtime's.
 */
#include "nt/points.h"

#include "image/image.h"
#include "nt/fiber.h"
#include "nt/nt.h"

#include <string.h>

bool points_present;

void points_called(const char *routine, const void *caller)
{
    if (points_present && image_contains(caller, NULL) != NULL) {
        trace_event(TRACE_ACCESS, routine, image_offset(caller), POINT_CALL, 0, 0);
    }
}

#if !defined(FIBER_TSAN)

static void record(const void *address, size_t bytes, enum point_kind kind, const void *code)
{
    uint64_t offset = 0;
    uint32_t block = nt_pool_number(address, &offset);
    char name[128];

    if (image_symbol(code, name, sizeof name) != NULL) {
        trace_text(TRACE_ACCESS, name, image_offset(code), (uint64_t)bytes << 8 | kind, block,
                   offset);
    }
}

static void point(const volatile void *address, size_t bytes, enum point_kind kind,
                  const void *code)
{
    if (sched_kind() != SCHED_SEEDED || sched_is_own_stack((const void *)address)) {
        return;
    }
    if (trace_wants(TRACE_ACCESS)) {
        record((const void *)address, bytes, kind, code);
    }
    sched_point();
}

/* --- the compiler's calls: it needs no prototypes --- */

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#ifndef __clang__ /* gcc knows them, with types that say less, as soon as any sanitizer is on. */
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

#define CODE __builtin_return_address(0)

void __tsan_init(void)
{
    points_present = true; /* Each object's constructor comes here. */
}

#define ACCESS(name, bytes, kind)                                                                  \
    void name(void *address)                                                                       \
    {                                                                                              \
        point(address, bytes, kind, CODE);                                                         \
    }
#define ACCESSES(bytes)                                                                            \
    ACCESS(__tsan_read##bytes, bytes, POINT_READ)                                                  \
    ACCESS(__tsan_write##bytes, bytes, POINT_WRITE)                                                \
    ACCESS(__tsan_unaligned_read##bytes, bytes, POINT_READ)                                        \
    ACCESS(__tsan_unaligned_write##bytes, bytes, POINT_WRITE)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(void *address, size_t bytes)
{
    point(address, bytes, POINT_READ, CODE);
}

void __tsan_write_range(void *address, size_t bytes)
{
    point(address, bytes, POINT_WRITE, CODE);
}

/* The driver's calls of the library, which the compiler does not look into: the link sends them here
 * (-Wl,--wrap). */

void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
    point(from, bytes, POINT_READ, CODE);
    point(to, bytes, POINT_WRITE, CODE);
    return memcpy(to, from, bytes);
}

void *__wrap_memmove(void *to, const void *from, size_t bytes)
{
    point(from, bytes, POINT_READ, CODE);
    point(to, bytes, POINT_WRITE, CODE);
    return memmove(to, from, bytes);
}

void *__wrap_memset(void *to, int value, size_t bytes)
{
    point(to, bytes, POINT_WRITE, CODE);
    return memset(to, value, bytes);
}

/* Interlocked operations: all of them are full barriers, whatever order the caller asks for. The
 * driver's access is made here: a page fault in this section is the driver's. */

#define FOR_DRIVER __attribute__((section("driver_access")))

#define FETCH(bits, name)                                                                          \
    FOR_DRIVER uint##bits##_t __tsan_atomic##bits##_fetch_##name(uint##bits##_t *address,          \
                                                                 uint##bits##_t value, int order)  \
    {                                                                                              \
        (void)order;                                                                               \
        point(address, bits / 8, POINT_INTERLOCKED, CODE);                                         \
        return __atomic_fetch_##name(address, value, __ATOMIC_SEQ_CST);                            \
    }
#define COMPARE(bits, strength)                                                                    \
    FOR_DRIVER int __tsan_atomic##bits##_compare_exchange_##strength(                              \
        uint##bits##_t *address, uint##bits##_t *expected, uint##bits##_t value, int order,        \
        int failed)                                                                                \
    {                                                                                              \
        (void)order, (void)failed;                                                                 \
        point(address, bits / 8, POINT_INTERLOCKED, CODE);                                         \
        return __atomic_compare_exchange_n(address, expected, value, false, __ATOMIC_SEQ_CST,      \
                                           __ATOMIC_SEQ_CST);                                      \
    }
#define ATOMICS(bits)                                                                              \
    FOR_DRIVER uint##bits##_t __tsan_atomic##bits##_load(uint##bits##_t *address, int order)       \
    {                                                                                              \
        (void)order;                                                                               \
        point(address, bits / 8, POINT_READ, CODE);                                                \
        return __atomic_load_n(address, __ATOMIC_SEQ_CST);                                         \
    }                                                                                              \
    FOR_DRIVER void __tsan_atomic##bits##_store(uint##bits##_t *address, uint##bits##_t value,     \
                                                int order)                                         \
    {                                                                                              \
        (void)order;                                                                               \
        point(address, bits / 8, POINT_WRITE, CODE);                                               \
        __atomic_store_n(address, value, __ATOMIC_SEQ_CST);                                        \
    }                                                                                              \
    FOR_DRIVER uint##bits##_t __tsan_atomic##bits##_exchange(uint##bits##_t *address,              \
                                                             uint##bits##_t value, int order)      \
    {                                                                                              \
        (void)order;                                                                               \
        point(address, bits / 8, POINT_INTERLOCKED, CODE);                                         \
        return __atomic_exchange_n(address, value, __ATOMIC_SEQ_CST);                              \
    }                                                                                              \
    FOR_DRIVER uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                          \
        uint##bits##_t *address, uint##bits##_t expected, uint##bits##_t value, int order,         \
        int failed)                                                                                \
    {                                                                                              \
        (void)order, (void)failed;                                                                 \
        point(address, bits / 8, POINT_INTERLOCKED, CODE);                                         \
        __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_SEQ_CST,            \
                                    __ATOMIC_SEQ_CST);                                             \
        return expected;                                                                           \
    }                                                                                              \
    COMPARE(bits, strong)                                                                          \
    COMPARE(bits, weak)                                                                            \
    FETCH(bits, add)                                                                               \
    FETCH(bits, sub)                                                                               \
    FETCH(bits, and)                                                                               \
    FETCH(bits, or)                                                                                \
    FETCH(bits, xor)
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order)
{
    (void)order;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

bool points_contain(const void *code)
{
    extern const char __start_driver_access[], __stop_driver_access[];

    return (const char *)code >= __start_driver_access && (const char *)code < __stop_driver_access;
}

#else

bool points_contain(const void *code)
{
    (void)code;
    return false;
}

#endif
