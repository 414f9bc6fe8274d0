/*
 * The end of the machine: the table of rules, the report, and the way out. The report says which
 * rule, in words, and who broke it; it goes to stderr, and as one record to the parent process if
 * that asked for it. Everything works on fixed memory: the heap, and any lock, may be in any state.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nt/nt.h"
#include "verifier/report.h"

static const struct verifier_rule rules[] = {
#define VERIFIER_RULE(symbol, id, code, p1, rule, chapter) {id, code, p1, rule, chapter},
#include "verifier/rules.def"
#undef VERIFIER_RULE
};

static int report_fd = -1;
static void (*observer)(const struct verifier_report *);
static _Atomic bool reporting;
static _Thread_local bool reporting_here;

/* Code coverage is kept, if this build counts it. */
extern void __gcov_dump(void) __attribute__((weak));
extern int __llvm_profile_write_file(void) __attribute__((weak));

const struct verifier_rule *verifier_rule(enum verifier_rule_symbol rule)
{
    return &rules[rule];
}

void verifier_report_fd(int fd)
{
    report_fd = fd;
}

void verifier_on_bugcheck(void (*observe)(const struct verifier_report *report))
{
    observer = observe;
}

const char *report_code_name(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *name;
    } names[] = {
#define NAME(code) {code, #code}
        NAME(IRQL_NOT_LESS_OR_EQUAL),
        NAME(MAXIMUM_WAIT_OBJECTS_EXCEEDED),
        NAME(MUTEX_LEVEL_NUMBER_VIOLATION),
        NAME(SPIN_LOCK_ALREADY_OWNED),
        NAME(SPIN_LOCK_NOT_OWNED),
        NAME(REFERENCE_BY_POINTER),
        NAME(BAD_POOL_HEADER),
        NAME(MEMORY_MANAGEMENT),
        NAME(KMODE_EXCEPTION_NOT_HANDLED),
        NAME(KERNEL_APC_PENDING_DURING_EXIT),
        NAME(NO_MORE_IRP_STACK_LOCATIONS),
        NAME(NO_MORE_SYSTEM_PTES),
        NAME(TARGET_MDL_TOO_SMALL),
        NAME(MULTIPLE_IRP_COMPLETE_REQUESTS),
        NAME(CANCEL_STATE_IN_COMPLETED_IRP),
        NAME(PAGE_FAULT_WITH_INTERRUPTS_OFF),
        NAME(IRQL_GT_ZERO_AT_SYSTEM_SERVICE),
        NAME(PFN_LIST_CORRUPT),
        NAME(PAGE_FAULT_IN_NONPAGED_AREA),
        NAME(PROCESS_HAS_LOCKED_PAGES),
        NAME(KERNEL_STACK_INPAGE_ERROR),
        NAME(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED),
        NAME(UNEXPECTED_KERNEL_MODE_TRAP),
        NAME(KERNEL_MODE_EXCEPTION_NOT_HANDLED),
        NAME(INVALID_KERNEL_HANDLE),
        NAME(DRIVER_POWER_STATE_FAILURE),
        NAME(ATTEMPTED_SWITCH_FROM_DPC),
        NAME(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION),
        NAME(BAD_POOL_CALLER),
        NAME(DRIVER_VERIFIER_DETECTED_VIOLATION),
        NAME(DRIVER_CORRUPTED_EXPOOL),
        NAME(IRQL_UNEXPECTED_VALUE),
        NAME(DRIVER_VERIFIER_IOMANAGER_VIOLATION),
        NAME(PNP_DETECTED_FATAL_ERROR),
        NAME(DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS),
        NAME(PAGE_FAULT_IN_FREED_SPECIAL_POOL),
        NAME(PAGE_FAULT_BEYOND_END_OF_ALLOCATION),
        NAME(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS),
        NAME(DRIVER_IRQL_NOT_LESS_OR_EQUAL),
        NAME(DRIVER_PORTION_MUST_BE_NONPAGED),
        NAME(SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD),
        NAME(DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL),
        NAME(DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION),
        NAME(SYSTEM_PTE_MISUSE),
        NAME(MANUALLY_INITIATED_CRASH),
        NAME(RESOURCE_NOT_OWNED),
        NAME(WORKER_INVALID),
        NAME(SCSI_VERIFIER_DETECTED_VIOLATION),
        NAME(DRIVER_OVERRAN_STACK_BUFFER),
        NAME(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY),
        NAME(DPC_WATCHDOG_VIOLATION),
        NAME(KERNEL_SECURITY_CHECK_FAILURE),
#undef NAME
    };

    for (size_t i = 0; i < RTL_NUMBER_OF(names); i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "a code without a name here";
}

void report_add(struct report_text *report, const char *format, ...)
{
    size_t room = sizeof report->text - report->length;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(report->text + report->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        report->length += (size_t)length < room ? (size_t)length : room - 1;
    }
}

/* --- the report --- */

static const char *irql_words(KIRQL irql)
{
    static const char *const words[] = {" (PASSIVE_LEVEL)", " (APC_LEVEL)", " (DISPATCH_LEVEL)"};

    return irql < RTL_NUMBER_OF(words) ? words[irql] : "";
}

static void add_cause(struct report_text *text, const struct report_cause *cause)
{
    const uint64_t *p = cause->parameter;

    report_add(text, "\n*** STOP: 0x%08X %s\n    (0x%016llX, 0x%016llX, 0x%016llX, 0x%016llX)\n\n",
               cause->code, report_code_name(cause->code), (unsigned long long)p[0],
               (unsigned long long)p[1], (unsigned long long)p[2], (unsigned long long)p[3]);
    if (cause->rule >= 0) {
        report_add(text, "  rule     %s\n           [%s]\n", rules[cause->rule].rule,
                   rules[cause->rule].id);
    }
    report_add(text, "  details  %s\n", cause->details);
}

static void add_circumstances(struct report_text *text, const struct report_cause *cause)
{
    const struct nt_thread *thread = sched_current();

    report_add(text, "  thread   %u%s%s%s, IRQL %u%s, processor %u\n", thread->id,
               thread->name == NULL ? "" : " \"", thread->name == NULL ? "" : thread->name,
               thread->name == NULL ? "" : "\"", thread->irql, irql_words(thread->irql),
               thread->processor);
    if (sched_kind() == SCHED_SEEDED) {
        report_add(text, "  seed     %llu; the same seed replays this run\n",
                   (unsigned long long)sched_seed());
    }
    if (cause->rule >= 0) {
        report_add(text, "  read     chapters/%s\n", rules[cause->rule].chapter);
    }
    report_add(text, "\n");
}

static void write_all(int fd, const void *data, size_t length)
{
    const char *at = data;

    while (length > 0) {
        ssize_t written = write(fd, at, length);

        if (written <= 0) {
            return;
        }
        at += written;
        length -= (size_t)written;
    }
}

/** Tells the parent, and whoever else wants to know. */
static void tell(const struct report_cause *cause, const char *where)
{
    static struct verifier_report report;

    report.code = cause->code;
    report.rule = cause->rule;
    memcpy(report.parameter, cause->parameter, sizeof report.parameter);
    snprintf(report.text, sizeof report.text, "%s", cause->details);
    if (cause->rule >= 0) {
        snprintf(report.text, sizeof report.text, "%s %s", rules[cause->rule].rule, cause->details);
    }
    snprintf(report.where, sizeof report.where, "%s", where);
    report.seed = sched_kind() == SCHED_SEEDED ? sched_seed() : 0;
    if (observer != NULL) {
        observer(&report);
    }
    if (report_fd >= 0) {
        write_all(report_fd, &report, sizeof report);
    }
}

static _Noreturn void leave(void)
{
    if (ftrylockfile(stdout) == 0) { /* Unless somebody died while writing. */
        fflush(stdout);
    }
    if (__gcov_dump != NULL) {
        __gcov_dump();
    }
    if (__llvm_profile_write_file != NULL) {
        __llvm_profile_write_file();
    }
    _exit(VERIFIER_EXIT_STATUS);
}

void report_bugcheck(const struct report_cause *cause)
{
    static struct report_text text;
    static char where[160];

    if (reporting_here) {
        static const char again[] = "\n*** and another fault while this was reported\n";

        write_all(STDERR_FILENO, text.text, text.length);
        write_all(STDERR_FILENO, again, sizeof again - 1);
        _exit(VERIFIER_EXIT_STATUS);
    }
    reporting_here = true;
    while (atomic_exchange(&reporting, true)) {
        pause(); /* Another thread was first; it will end the process. */
    }
    add_cause(&text, cause);
    trace_event(TRACE_BUGCHECK, report_code_name(cause->code), cause->code, 0, 0, 0);
    add_circumstances(&text, cause);
    report_stack(&text, cause->from, cause->exact, where, sizeof where);
    write_all(STDERR_FILENO, text.text, text.length);
    tell(cause, where);
    leave();
}

/* --- the interface --- */

_Noreturn static void broken(enum verifier_rule_symbol rule, const uint64_t *parameters,
                             const void *from, const char *format, va_list arguments)
{
    struct report_cause cause = {.rule = (int)rule, .code = rules[rule].code, .from = from};
    char details[512];

    vsnprintf(details, sizeof details, format, arguments);
    memcpy(cause.parameter, parameters, sizeof cause.parameter);
    cause.details = details;
    report_bugcheck(&cause);
}

void verifier_bugcheck(enum verifier_rule_symbol rule, uint64_t p2, uint64_t p3, uint64_t p4,
                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    broken(rule, (const uint64_t[4]){rules[rule].parameter1, p2, p3, p4},
           __builtin_return_address(0), format, arguments);
}

void verifier_bugcheck_at(enum verifier_rule_symbol rule, uint64_t p1, uint64_t p2, uint64_t p3,
                          uint64_t p4, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    broken(rule, (const uint64_t[4]){p1, p2, p3, p4}, __builtin_return_address(0), format,
           arguments);
}

void verifier_bugcheck_code(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4,
                            const char *text)
{
    struct report_cause cause = {-1,   code, {p1, p2, p3, p4}, text, __builtin_return_address(0),
                                 false};

    report_bugcheck(&cause);
}
