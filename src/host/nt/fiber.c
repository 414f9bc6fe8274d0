/*
 * Fibers over ucontext, with guarded stacks that are used again, and the annotations that
 * AddressSanitizer and ThreadSanitizer need to follow a switch. It must never decide when to
 * switch.
 */
#define _GNU_SOURCE
#include "nt/fiber.h"
#include "nt/sched_backend.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(FIBER_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(FIBER_TSAN)
#include <sanitizer/tsan_interface.h>
/* In the runtime, but in no header of every compiler. */
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
#endif

/** Pages are only used when touched; sanitizers make frames several times larger. */
#if defined(FIBER_ASAN) || defined(FIBER_TSAN)
#define STACK_SIZE ((size_t)1 << 20)
#else
#define STACK_SIZE ((size_t)256 << 10)
#endif
#define GUARD_SIZE ((size_t)16 << 10)

/** Stacks to use again; the link is in the stack itself. */
struct spare {
    struct spare *next;
};
static struct spare *spares;
/** Orders the last user of a stack before the next one, for ThreadSanitizer. */
static uint32_t handed_over;

FIBER_NO_TSAN static void *stack_take(void)
{
    struct spare *spare = spares;
    char *memory;

    if (spare != NULL) {
        spares = spare->next;
        return (char *)spare + sizeof *spare - STACK_SIZE;
    }
    memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD_SIZE, PROT_NONE) != 0) {
        sched_misuse("no memory for a simulated thread's stack",
                     "end some threads, or raise vm.max_map_count");
    }
    return memory + GUARD_SIZE;
}

FIBER_NO_TSAN static void stack_give(void *stack)
{
    struct spare *spare;

#if defined(FIBER_ASAN)
    __asan_unpoison_memory_region(stack, STACK_SIZE);
#endif
    spare = (struct spare *)((char *)stack + STACK_SIZE - sizeof *spare);
    spare->next = spares;
    spares = spare;
}

/** The POSIX thread's own stack: where it ends, and how far it reaches. */
static const char *own_low, *own_high;

FIBER_NO_TSAN static void find_own_stack(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;

    if (own_high == NULL && pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
        own_low = low;
        own_high = own_low + size;
    }
}

FIBER_NO_TSAN void fiber_adopt(struct fiber *fiber)
{
    fiber->stack = NULL;
    find_own_stack();
#if defined(FIBER_TSAN)
    fiber->tsan_fiber = __tsan_get_current_fiber();
#endif
}

/** The fiber that is being left; what the sanitizers want to know is known only on the other
 *  side. */
static struct fiber *left;

FIBER_NO_TSAN static void arrived(struct fiber *self)
{
#if defined(FIBER_ASAN)
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(self->asan_stack, &bottom, &size);
    left->asan_bottom = bottom;
    left->asan_size = size;
#else
    (void)self;
#endif
}

FIBER_NO_TSAN static void trampoline(unsigned low, unsigned high)
{
    struct fiber *self = (struct fiber *)((uintptr_t)low | (uintptr_t)high << 32);

    arrived(self);
    self->enter(self);
}

FIBER_NO_TSAN void fiber_make(struct fiber *fiber, void (*enter)(struct fiber *))
{
    uintptr_t self = (uintptr_t)fiber;

    fiber_order_after(&handed_over);
    fiber->stack = stack_take();
    fiber->stack_size = STACK_SIZE;
    fiber->enter = enter;
    fiber->asan_bottom = fiber->stack;
    fiber->asan_size = STACK_SIZE;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_SIZE;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, (void (*)(void))trampoline, 2, (unsigned)self,
                (unsigned)(self >> 32));
    /* The end of the chain of frames: what getcontext has put there is the creator's. */
#if defined(__x86_64__)
    fiber->context.uc_mcontext.gregs[REG_RBP] = 0;
#elif defined(__aarch64__)
    fiber->context.uc_mcontext.regs[29] = 0;
#endif
#if defined(FIBER_TSAN)
    fiber->tsan_fiber = __tsan_create_fiber(0);
#endif
}

FIBER_NO_TSAN void fiber_switch(struct fiber *from, struct fiber *to, bool ends)
{
    left = from;
    if (ends) {
        fiber_order_before(&handed_over);
    }
#if defined(FIBER_ASAN)
    __sanitizer_start_switch_fiber(ends ? NULL : &from->asan_stack, to->asan_bottom, to->asan_size);
#endif
#if defined(FIBER_TSAN)
    __tsan_switch_to_fiber(to->tsan_fiber, __tsan_switch_to_fiber_no_sync);
#endif
    swapcontext(&from->context, &to->context);
    arrived(from);
}

FIBER_NO_TSAN void fiber_free(struct fiber *fiber)
{
    if (fiber->stack == NULL) {
        return;
    }
#if defined(FIBER_TSAN)
    __tsan_destroy_fiber(fiber->tsan_fiber);
#endif
    stack_give(fiber->stack);
    fiber->stack = NULL;
}

FIBER_NO_TSAN bool fiber_stack_holds(const struct fiber *fiber, const void *address)
{
    const char *low = fiber->stack != NULL ? fiber->stack : own_low;
    const char *high = fiber->stack != NULL ? low + STACK_SIZE : own_high;

    return (const char *)address >= low && (const char *)address < high;
}

FIBER_NO_TSAN bool fiber_guard_holds(const struct fiber *fiber, const void *address)
{
    uintptr_t at = (uintptr_t)address, stack = (uintptr_t)fiber->stack;

    return fiber->stack != NULL && at >= stack - GUARD_SIZE && at < stack;
}

FIBER_NO_TSAN void fiber_unseen(bool begin)
{
#if defined(FIBER_TSAN)
    if (begin) {
        AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    } else {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
        AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
    }
#else
    (void)begin;
#endif
}

/* Instrumented on purpose: the atomics are what ThreadSanitizer is to see. */

/* Not a store, which would take the place of what others have released to this word and nobody has
 * acquired yet: a thread that settles releases without having acquired. */
void fiber_order_before(uint32_t *word)
{
    __atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
}

void fiber_order_after(uint32_t *word)
{
    (void)__atomic_load_n(word, __ATOMIC_ACQUIRE);
}
