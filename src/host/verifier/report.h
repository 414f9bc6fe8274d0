/**
 * \file
 * The inside of the verifier: what bugcheck.c offers to the fault handler, and the text of a
 * report.
 */
#ifndef HOST_REPORT_H
#define HOST_REPORT_H

#include "verifier/verifier.h"

/** A text of fixed size that grows at its end; what does not fit is cut. No allocation: it is
 *  written in a crash. */
struct report_text {
    char text[16384];
    size_t length;
};
void report_add(struct report_text *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The stack, from the frame `from` on (`exact`: an instruction that faulted, not a return
 *  address); driver frames are marked. `where` receives the innermost driver function. */
void report_stack(struct report_text *report, const void *from, bool exact, char *where,
                  size_t length);

/** Windows' name of a bugcheck code. */
const char *report_code_name(uint32_t code);

/** What stops the system. */
struct report_cause {
    int rule; /**< enum verifier_rule_symbol or -1. */
    uint32_t code;
    uint64_t parameter[4];
    const char *details;
    const void *from; /**< Address in the frame with which the stack begins. */
    bool exact;       /**< It is that of a faulting instruction. */
};
_Noreturn void report_bugcheck(const struct report_cause *cause);

#endif
