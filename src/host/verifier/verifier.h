/**
 * \file
 * The rules, and what happens when one is broken: a bugcheck with Windows' own code, the rule in
 * words, the stack and the chapter to read. The kernel core and the port driver call the hooks; a
 * driver never does.
 */
#ifndef HOST_VERIFIER_H
#define HOST_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** One row of the table of rules. */
struct verifier_rule {
    const char *id;      /**< Short name, e.g. "irql-too-high". */
    uint32_t code;       /**< Bugcheck code, e.g. 0xC4. */
    uint64_t parameter1; /**< First parameter, e.g. Driver Verifier's sub-code. */
    const char *rule;    /**< The rule, in words. */
    const char *chapter; /**< File under chapters/ that explains it. */
};

/** X-macro list of rules is in verifier/rules.def: VERIFIER_RULE(symbol, id, code, p1, "rule",
 *  "chapter"). */
enum verifier_rule_symbol {
#define VERIFIER_RULE(symbol, id, code, p1, rule, chapter) RULE_##symbol,
#include "verifier/rules.def"
#undef VERIFIER_RULE
    RULE_COUNT
};

/** Part of each thread that the verifier keeps. */
struct verifier_thread {
    struct verifier_held {
        const void *lock;
        const char *kind;
    } held[16];
    unsigned held_count;
    unsigned unremembered; /**< Locks held beyond those. */
};

/** Turns the expensive checks on: special pool, lock order, censuses. Cheap ones (IRQL, double
 *  completion) always run. */
void verifier_enable(bool on);
extern bool verifier_is_on; /**< Written by verifier_enable only. */
static inline bool verifier_enabled(void)
{
    return verifier_is_on;
}

/** A rule is broken. Prints the report and ends the process with status VERIFIER_EXIT_STATUS (in
 *  a child of the test runner or the probe: the parent reads the same report as a record from
 *  the descriptor given to verifier_report_fd). */
_Noreturn void verifier_bugcheck(enum verifier_rule_symbol rule, uint64_t p2, uint64_t p3,
                                 uint64_t p4, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/** The same for codes whose first parameter is an address or another value of the moment. */
_Noreturn void verifier_bugcheck_at(enum verifier_rule_symbol rule, uint64_t p1, uint64_t p2,
                                    uint64_t p3, uint64_t p4, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/** The row of a rule. */
const struct verifier_rule *verifier_rule(enum verifier_rule_symbol rule);
/** KeBugCheckEx called by a driver: any code. */
_Noreturn void verifier_bugcheck_code(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3,
                                      uint64_t p4, const char *text);
#define VERIFIER_EXIT_STATUS 86

/** What a child tells its parent about its bugcheck: one fixed-size record. */
struct verifier_report {
    uint32_t code;
    int32_t rule; /**< enum verifier_rule_symbol, -1 = none of ours. */
    uint64_t parameter[4];
    char text[256];  /**< The rule and the details. */
    char where[256]; /**< Innermost driver function on the stack, when known. */
    uint64_t seed;
};
void verifier_report_fd(int fd);
/** Called with the report before the process ends: a tool prints its trace. NULL = nobody. */
void verifier_on_bugcheck(void (*observe)(const struct verifier_report *report));

/** IRQL rule of an imported routine. */
void verifier_check_irql(const char *routine, uint8_t max_irql);
/** Lock discipline: order graph, self-deadlock, held at callback return. `acquiring` comes
 *  before the thread spins or waits, `acquired` after; a try-acquire calls only the second, and
 *  a recursive acquisition of a kernel mutex neither. */
void verifier_lock_acquiring(const void *lock, const char *kind);
void verifier_lock_acquired(const void *lock, const char *kind);
void verifier_lock_released(const void *lock, const char *kind);
/** Memory goes away: a lock in it that is held is a bugcheck, the others are forgotten. */
void verifier_memory_freed(const void *start, size_t bytes);
/** What must be the same after a callback of a driver as before it: see nt/nt.h, verifier_callback_enter. */
struct verifier_mark {
    uint8_t irql;
    unsigned held_count;
    int critical_region;
    const char *callback;
};
/** At unload: threads, handles, references, pool by tag, timers, notifications, device
 *  interfaces left behind are a bugcheck (0xC4/0x62 for pool, 0xCE for a thread in the image
 *  ...). */
void verifier_unload_census(const char *driver);
/** Things that a driver can leave behind, by kind ("thread", "timer" ...): how many there are,
 *  and, if not NULL, one line for each of at most a few of them. At most 16 kinds. */
void verifier_census_register(const char *kind, uint64_t (*count)(void),
                              void (*describe)(FILE *out));
/** What exists before the driver is loaded is not the driver's. */
void verifier_load_census(void);
/** Things beyond those at verifier_load_census(): written to `out`, one line per kind. \return
 *  how many kinds. */
unsigned verifier_census(FILE *out);

/** An address range that faults: DataBuffer of a READ or WRITE whose data are not mapped. Costs
 *  nothing per call. */
void *verifier_unmapped_buffer(size_t bytes);
/** The request has ended: whoever touches its buffer now is told so. */
void verifier_unmapped_buffer_release(void *buffer);
/** Gives the calling POSIX thread an alternate signal stack, so that a stack overflow in it is
 *  reported. */
void verifier_thread_attach(void);
/** Name of the function at an address, "name+0x12 (file)"; "an unknown place" for NULL. \return
 *  `buffer`. */
const char *verifier_function_name(const void *address, char *buffer, size_t length);
/** Nearest caller on the stack that is driver code, or NULL. */
const void *verifier_driver_caller(void);

/** Installs the SIGSEGV/SIGBUS/SIGILL handler that tells special pool, paged pool, unmapped
 *  image and wild pointers apart and bugchecks accordingly (0x50, 0xCC, 0xCD, 0xCE, 0xD1, 0xD5,
 *  0xD6). */
void verifier_install_fault_handler(void);

#endif
