/*
 * The page fault handler of the simulated machine: SIGSEGV and its kin become the bugcheck that
 * Windows would show. It tells apart whose address it was (pool, a closed page of paged pool, a
 * driver that was unloaded, a buffer that is not mapped, a stack's end) and whose code touched it:
 * a driver's own, or the host's on a driver's behalf. It runs on a stack of its own and allocates
 * nothing.
 */
#define _GNU_SOURCE

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "image/image.h"
#include "nt/points.h"
#include "nt/pool.h"
#include "verifier/report.h"

#define UNMAPPED_BYTES (UINT64_C(1) << 32)
#define SIGNAL_STACK   (128u * 1024)
#define NULL_PAGES     0x10000u
#define STACK_REACH    0x10000u

/** The reserved range behind verifier_unmapped_buffer, used over and over from its start. */
static char *_Atomic unmapped;
static _Atomic uint64_t unmapped_next;
static _Atomic uint8_t
    unmapped_ended[UNMAPPED_BYTES / PAGE_SIZE / 8]; /**< By first page: released. */

/** What happened, read from the signal. */
struct fault {
    const void *address;
    const void *code; /**< Instruction. */
    const char *stack;
    bool page; /**< An access to memory, not an instruction that the processor refused. */
    bool write, execute;
    KIRQL irql;
    bool driver;     /**< The instruction is a driver's. */
    bool no_address; /**< No address has this value, and so the processor does not tell it. */
};

/* --- buffers that are not mapped --- */

static char *unmapped_reserve(void)
{
    char *base = atomic_load(&unmapped), *none = NULL;

    if (base == NULL) {
        base = mmap(NULL, UNMAPPED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
        if (base == MAP_FAILED) {
            abort(); /* Addresses, no memory: only a limit on the process can refuse that. */
        }
        if (!atomic_compare_exchange_strong(&unmapped, &none, base)) {
            munmap(base, UNMAPPED_BYTES);
            base = none;
        }
    }
    return base;
}

static uint64_t page_of(const void *buffer)
{
    return (uint64_t)((const char *)buffer - atomic_load(&unmapped)) / PAGE_SIZE;
}

void *verifier_unmapped_buffer(size_t bytes)
{
    uint64_t size = ROUND_TO_PAGES(bytes == 0 ? 1 : bytes);
    char *base = unmapped_reserve();
    uint64_t start;

    if (size > UNMAPPED_BYTES / 2) {
        size = UNMAPPED_BYTES / 2;
    }
    do {
        start =
            atomic_fetch_add_explicit(&unmapped_next, size, memory_order_relaxed) % UNMAPPED_BYTES;
    } while (start + size > UNMAPPED_BYTES);
    atomic_fetch_and_explicit(&unmapped_ended[start / PAGE_SIZE / 8],
                              (uint8_t) ~(1u << (start / PAGE_SIZE % 8)), memory_order_relaxed);
    return base + start;
}

void verifier_unmapped_buffer_release(void *buffer)
{
    uint64_t page = page_of(buffer);

    atomic_fetch_or_explicit(&unmapped_ended[page / 8], (uint8_t)(1u << (page % 8)),
                             memory_order_relaxed);
}

/* --- the kinds of faults --- */

static _Noreturn void stop(const struct fault *fault, enum verifier_rule_symbol rule,
                           const uint64_t *parameters, const char *details)
{
    const struct verifier_rule *row = verifier_rule(rule);
    struct report_cause cause = {.rule = (int)rule,
                                 .code = row->code,
                                 .details = details,
                                 .from = fault->code,
                                 .exact = !fault->execute};

    memcpy(cause.parameter, parameters, sizeof cause.parameter);
    report_bugcheck(&cause);
}

/** For the codes whose parameters are address, read or write, instruction. */
static _Noreturn void stop_page(const struct fault *fault, enum verifier_rule_symbol rule,
                                const char *details)
{
    stop(fault, rule,
         (const uint64_t[4]){(uint64_t)fault->address, fault->write, (uint64_t)fault->code, 0},
         details);
}

/** For 0xD1: address, IRQL, read or write, instruction. */
static _Noreturn void stop_irql(const struct fault *fault, enum verifier_rule_symbol rule,
                                const char *details)
{
    stop(fault, rule,
         (const uint64_t[4]){(uint64_t)fault->address, fault->irql,
                             fault->execute ? 8 : fault->write, (uint64_t)fault->code},
         details);
}

static const char *verb(const struct fault *fault)
{
    return fault->execute ? "executed" : fault->write ? "written" : "read";
}

static _Noreturn void pool_fault(const struct fault *fault, const struct nt_pool_block *block)
{
    struct report_text text = {.length = 0};
    char tag[5], by[160];
    long distance = (long)((const char *)fault->address - (const char *)block->address);

    report_add(&text, "Byte %ld of a block of %zu ('%s', %s, allocated by %s) was %s", distance,
               block->bytes, pool_tag_text(block->tag, tag),
               pool_type_paged(block->type) ? "paged" : "nonpaged",
               verifier_function_name(block->allocated_by, by, sizeof by), verb(fault));
    if (block->freed) {
        report_add(&text, "; it was freed by %s.",
                   verifier_function_name(block->freed_by, by, sizeof by));
        stop_page(fault, fault->driver ? RULE_USE_AFTER_FREE : RULE_SYSTEM_USE_AFTER_FREE,
                  text.text);
    }
    if (distance >= 0 && (size_t)distance < block->bytes) {
        report_add(&text, " at IRQL %u.", fault->irql);
        stop_irql(fault, RULE_PAGED_AT_DISPATCH, text.text);
    }
    report_add(&text, "%s.", fault->driver ? "" : " by the system, for the driver");
    stop_page(fault, fault->driver ? RULE_OVERRUN : RULE_SYSTEM_OVERRUN, text.text);
}

static _Noreturn void unmapped_fault(const struct fault *fault)
{
    uint64_t page = page_of(fault->address);
    char details[160];

    snprintf(details, sizeof details, "DataBuffer of a READ or WRITE was %s%s.", verb(fault),
             (unmapped_ended[page / 8] >> page % 8 & 1) != 0
                 ? ", of a request that has been completed"
                 : "");
    stop_page(fault, RULE_UNMAPPED_BUFFER, details);
}

static _Noreturn void unloaded_fault(const struct fault *fault, const char *path)
{
    char details[400], name[160];

    snprintf(details, sizeof details, "%s in %s, which is unloaded, was %s.",
             verifier_function_name(fault->address, name, sizeof name), path, verb(fault));
    stop(fault, RULE_UNLOADED_CODE,
         (const uint64_t[4]){(uint64_t)fault->address, fault->execute ? 8 : fault->write,
                             (uint64_t)fault->code, 0},
         details);
}

/** In a loaded driver, but not as its sections allow. */
static _Noreturn void image_fault(const struct fault *fault, const char *path)
{
    char details[400], name[160];

    snprintf(details, sizeof details,
             "%s in %s was %s, which its section does not allow (INIT is gone once DriverEntry has "
             "returned).",
             verifier_function_name(fault->address, name, sizeof name), path, verb(fault));
    stop_page(fault, RULE_BAD_ADDRESS_SYSTEM, details);
}

/** Is the address just beyond the end of the stack that is in use? \return its owner's name. */
static const char *stack_owner(const struct fault *fault)
{
    const char *owner = sched_stack_guard(fault->address);
    long below = (long)(fault->stack - (const char *)fault->address);

    if (owner == NULL && below > -(long)PAGE_SIZE && below < (long)STACK_REACH) {
        owner = "the current thread";
    }
    return owner;
}

/** An address that belongs to nothing. */
static _Noreturn void wild_fault(const struct fault *fault)
{
    char details[200];

    if (fault->no_address) {
        stop(
            fault, RULE_BAD_ADDRESS_PASSIVE,
            (const uint64_t[4]){0xC0000005, (uint64_t)fault->code, 0, 0},
            "A pointer was used whose value is no address (memory that was never set holds 0xCD in "
            "every byte).");
    }
    snprintf(details, sizeof details, "Address 0x%llX was %s%s%s.",
             (unsigned long long)(uintptr_t)fault->address, verb(fault),
             fault->driver || fault->execute ? "" : " by the system",
             (uint64_t)fault->address < NULL_PAGES ? ": a NULL pointer" : "");
    if (fault->irql >= DISPATCH_LEVEL && (fault->driver || fault->execute)) {
        stop_irql(fault, RULE_BAD_ADDRESS_DISPATCH, details);
    }
    if ((uint64_t)fault->address < NULL_PAGES) {
        stop(fault, RULE_BAD_ADDRESS_PASSIVE,
             (const uint64_t[4]){0xC0000005, (uint64_t)fault->code, 0, 0}, details);
    }
    stop_page(fault, RULE_BAD_ADDRESS_SYSTEM, details);
}

static _Noreturn void page_fault(const struct fault *fault)
{
    const char *base = atomic_load(&unmapped), *path, *owner;
    struct nt_pool_block block;
    char details[200];
    bool unloaded;

    if (fault->no_address) {
        wild_fault(fault);
    }
    if (pool_special_find(fault->address, &block)) {
        pool_fault(fault, &block);
    }
    if (base != NULL && (const char *)fault->address >= base &&
        (const char *)fault->address < base + UNMAPPED_BYTES) {
        unmapped_fault(fault);
    }
    path = image_contains(fault->address, &unloaded);
    if (path != NULL && unloaded) {
        unloaded_fault(fault, path);
    }
    if (path != NULL) {
        image_fault(fault, path);
    }
    owner = (uint64_t)fault->address < NULL_PAGES ? NULL : stack_owner(fault);
    if (owner != NULL) {
        snprintf(details, sizeof details, "The kernel stack of %s is used up.", owner);
        stop(fault, RULE_STACK_OVERFLOW,
             (const uint64_t[4]){8, (uint64_t)fault->address, (uint64_t)fault->stack,
                                 (uint64_t)fault->code},
             details);
    }
    wild_fault(fault);
}

/* --- the signal --- */

#if defined(__x86_64__)
static void read_context(ucontext_t *context, struct fault *fault)
{
    greg_t *registers = context->uc_mcontext.gregs;

    fault->code = (const void *)registers[REG_RIP];
    fault->stack = (const char *)registers[REG_RSP];
    fault->write = (registers[REG_ERR] & 2) != 0;
    fault->execute = fault->page && fault->address == fault->code;
    if (fault->execute) { /* A call to nowhere: as if it had returned. */
        fault->code = *(const void *const *)fault->stack;
        registers[REG_RIP] = (greg_t)fault->code;
        registers[REG_RSP] += (greg_t)sizeof fault->code;
    }
}
#else
static void read_context(ucontext_t *context, struct fault *fault)
{
    fault->code = (const void *)context->uc_mcontext.pc;
    fault->stack = (const char *)context->uc_mcontext.sp;
    fault->write = false; /* Not told here. */
    fault->execute = fault->page && fault->address == fault->code;
    if (fault->execute) {
        fault->code = (const void *)context->uc_mcontext.regs[30];
        context->uc_mcontext.pc = context->uc_mcontext.regs[30];
    }
}
#endif

static void on_signal(int number, siginfo_t *information, void *context)
{
    struct fault fault = {.address = information->si_addr,
                          .irql = nt_irql(),
                          .page = number == SIGSEGV || number == SIGBUS,
                          .no_address = number == SIGSEGV && information->si_code == SI_KERNEL};
    bool unloaded;

    if (fault.page && !fault.no_address && nt_pool_paged_fault(fault.address)) {
        return;
    }
    read_context(context, &fault);
    fault.driver = image_contains(fault.code, &unloaded) != NULL || points_contain(fault.code);
    if (number == SIGILL) {
        stop(&fault, RULE_ILLEGAL_INSTRUCTION,
             (const uint64_t[4]){0xC000001D, (uint64_t)fault.code, 0, 0},
             "The processor met an instruction that it does not have.");
    }
    if (number == SIGFPE) {
        stop(&fault, RULE_DIVIDE_BY_ZERO,
             (const uint64_t[4]){0xC0000094, (uint64_t)fault.code, 0, 0},
             "An integer was divided by zero, or the quotient does not fit.");
    }
    page_fault(&fault);
}

static pthread_key_t stack_key;
static pthread_once_t stack_once = PTHREAD_ONCE_INIT;

static void stack_release(void *stack)
{
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    munmap(stack, SIGNAL_STACK);
}

static void stack_key_make(void)
{
    pthread_key_create(&stack_key, stack_release);
}

void verifier_thread_attach(void)
{
    stack_t wanted = {.ss_size = SIGNAL_STACK};

    pthread_once(&stack_once, stack_key_make);
    if (pthread_getspecific(stack_key) != NULL) {
        return;
    }
    wanted.ss_sp =
        mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (wanted.ss_sp != MAP_FAILED && sigaltstack(&wanted, NULL) == 0) {
        pthread_setspecific(stack_key, wanted.ss_sp);
    }
}

void verifier_install_fault_handler(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    action.sa_sigaction = on_signal;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < RTL_NUMBER_OF(numbers); i++) {
        sigaction(numbers[i], &action, NULL);
    }
    verifier_thread_attach();
}
