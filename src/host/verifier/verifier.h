/**
 * \file
 * The rules, and what happens when one is broken: a bugcheck with Windows' own code, the rule in words, the stack and
 * the chapter to read. The kernel core and the port driver call the hooks; a driver never does.
 */
#ifndef HOST_VERIFIER_H
#define HOST_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One row of the table of rules (verifier/rules.c). */
struct verifier_rule {
    const char *id;      /**< Short name, e.g. "irql-too-high". */
    uint32_t code;       /**< Bugcheck code, e.g. 0xC4. */
    uint64_t parameter1; /**< First parameter, e.g. Driver Verifier's sub-code. */
    const char *rule;    /**< The rule, in words. */
    const char *chapter; /**< File under chapters/ that explains it. */
};

/** X-macro list of rules is in verifier/rules.def: VERIFIER_RULE(symbol, id, code, p1, "rule", "chapter"). */
enum verifier_rule_symbol {
#define VERIFIER_RULE(symbol, id, code, p1, rule, chapter) RULE_##symbol,
#include "verifier/rules.def"
#undef VERIFIER_RULE
    RULE_COUNT
};

/** Part of each thread that the verifier keeps. */
struct verifier_thread {
    struct verifier_held { const void *lock; const char *kind; } held[16];
    unsigned held_count;
};

/** Turns the expensive checks on: special pool, lock order, censuses. Cheap ones (IRQL, double completion) always run. */
void verifier_enable(bool on);
bool verifier_enabled(void);

/** A rule is broken. Prints the report and ends the process with status VERIFIER_EXIT_STATUS (in a child of the test
 *  runner or the probe: the parent reads the same report as a record from the descriptor given to verifier_report_fd). */
_Noreturn void verifier_bugcheck(enum verifier_rule_symbol rule, uint64_t p2, uint64_t p3, uint64_t p4,
                                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/** KeBugCheckEx called by a driver: any code. */
_Noreturn void verifier_bugcheck_code(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4,
                                      const char *text);
#define VERIFIER_EXIT_STATUS 86

/** What a child tells its parent about its bugcheck: one fixed-size record. */
struct verifier_report {
    uint32_t code;
    int32_t rule; /**< enum verifier_rule_symbol, -1 = none of ours. */
    uint64_t parameter[4];
    char text[256];   /**< The rule and the details. */
    char where[256];  /**< Innermost driver function on the stack, when known. */
    uint64_t seed;
};
void verifier_report_fd(int fd);

/** IRQL rule of an imported routine. */
void verifier_check_irql(const char *routine, uint8_t max_irql);
/** Lock discipline: order graph, self-deadlock, held at callback return. */
void verifier_lock_acquired(const void *lock, const char *kind);
void verifier_lock_released(const void *lock, const char *kind);
/** Called around each driver callback: IRQL and held locks must be the same afterwards. */
struct verifier_mark { uint8_t irql; unsigned held_count; int critical_region; const char *callback; };
struct verifier_mark verifier_callback_enter(const char *callback);
void verifier_callback_leave(const struct verifier_mark *mark);
/** At unload: threads, handles, references, pool by tag, timers, notifications, device interfaces left behind are a
 *  bugcheck (0xC4/0x62 for pool, 0xCE for a thread in the image ...). */
void verifier_unload_census(const char *driver);
/** Installs the SIGSEGV/SIGBUS/SIGILL handler that tells special pool, paged pool, unmapped image and wild pointers
 *  apart and bugchecks accordingly (0x50, 0xCC, 0xCD, 0xCE, 0xD1, 0xD5, 0xD6). */
void verifier_install_fault_handler(void);

#endif
