/*
 * Debug output, and the ways in which a driver stops the system by itself. DbgPrint goes to the
 * trace and, if a tool wants it, to a stream; without either it goes nowhere, as on a Windows
 * without a debugger.
 */
#include "nt/nt.h"

#include <signal.h>
#include <string.h>

static FILE *output;

void nt_debug_output(FILE *out)
{
    output = out;
}

static void print(const char *format, nt_va_list arguments)
{
    char text[512]; /* The kernel's own limit. */

    if (output == NULL && !trace_wants(TRACE_DEBUG)) {
        return;
    }
    nt_format(text, sizeof text, format, arguments);
    trace_text(TRACE_DEBUG, text, 0, 0, 0, 0);
    if (output != NULL) {
        fputs(text, output);
    }
}

/** \irql{any} (WDK: DbgPrint) */
ULONG NTAPI DbgPrint(PCSTR Format, ...)
{
    nt_va_list arguments;

    NT_ROUTINE(HIGH_LEVEL);
    nt_va_start(arguments, Format);
    print(Format, arguments);
    nt_va_end(arguments);
    return STATUS_SUCCESS;
}

/** \irql{any} (WDK: DbgPrintEx) */
ULONG NTAPI DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    nt_va_list arguments;

    NT_ROUTINE(HIGH_LEVEL);
    UNREFERENCED_PARAMETER(ComponentId); /* No filter masks: everything is shown. */
    UNREFERENCED_PARAMETER(Level);
    nt_va_start(arguments, Format);
    print(Format, arguments);
    nt_va_end(arguments);
    return STATUS_SUCCESS;
}

/** \irql{any} (WDK: vDbgPrintEx) */
ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, nt_va_list Arguments)
{
    NT_ROUTINE(HIGH_LEVEL);
    UNREFERENCED_PARAMETER(ComponentId);
    UNREFERENCED_PARAMETER(Level);
    print(Format, Arguments);
    return STATUS_SUCCESS;
}

/** Is a debugger attached to this process? */
static bool debugged(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[128];
    unsigned tracer = 0;

    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "TracerPid: %u", &tracer) == 1) {
            break;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return tracer != 0;
}

/** Stops in the debugger; without one it is a bugcheck. \irql{any} (WDK: DbgBreakPoint) */
VOID NTAPI DbgBreakPoint(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    if (!debugged()) {
        verifier_bugcheck(RULE_BREAKPOINT, (uint64_t)__builtin_return_address(0), 0, 0,
                          "DbgBreakPoint was called.");
    }
    raise(SIGTRAP);
}

/** A failed ASSERT of a checked build. \irql{any} */
VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message)
{
    const char *file = strrchr(FileName, '/');

    NT_ROUTINE(HIGH_LEVEL);
    verifier_bugcheck(RULE_BREAKPOINT, (uint64_t)__builtin_return_address(0), 0, 0,
                      "Assertion failed: %s%s%s (%s, line %u)", Message == NULL ? "" : Message,
                      Message == NULL ? "" : ": ", (const char *)FailedAssertion,
                      file == NULL ? (const char *)FileName : file + 1, LineNumber);
}

/** The driver stops the system. \irql{any} (WDK: KeBugCheckEx) */
VOID NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4)
{
    if (Code == KERNEL_SECURITY_CHECK_FAILURE && P1 == FAST_FAIL_CORRUPT_LIST_ENTRY) {
        verifier_bugcheck(RULE_CORRUPT_LIST, P2, P3, P4,
                          "An entry was inserted or removed whose neighbours do not point at it.");
    }
    verifier_bugcheck_code(Code, P1, P2, P3, P4, "KeBugCheckEx was called.");
}

/** \irql{any} (WDK: KeBugCheck) */
VOID NTAPI KeBugCheck(ULONG Code)
{
    verifier_bugcheck_code(Code, 0, 0, 0, 0, "KeBugCheck was called.");
}

/** Is there no debugger? Asked anew at each call: gdb may have come. \irql{any} (WDK:
 *  KdRefreshDebuggerNotPresent) */
BOOLEAN NTAPI KdRefreshDebuggerNotPresent(VOID)
{
    NT_ROUTINE(HIGH_LEVEL);
    return !debugged();
}
