/**
 * \file
 * The port driver's few threads to the simulator: scheduling points, the recorder, the verifier.
 * Everything else in the port is written on NT routines, so that with STORPORT_STANDALONE defined
 * the same files make a storport.sys of their own: then the hooks are empty and a broken rule is a
 * KeBugCheckEx with the same code.
 */
#ifndef STORPORT_HOOKS_H
#define STORPORT_HOOKS_H

#include <storport.h>

#ifndef STORPORT_STANDALONE

#include "nt/nt.h"

#define PORT_POOL_TAG NT_HOST_TAG
/** For what the miniport has no pointer to: never guarded. */
#define PORT_POOL_PRIVATE_TAG NT_PRIVATE_TAG

/** First line of every routine that a miniport imports. */
#define PORT_ROUTINE(MaximumIrql) NT_ROUTINE(MaximumIrql)

/** A rule is broken: rule symbol, bugcheck code, its first parameter, three more, the details in
 * words. */
#define PORT_VIOLATION(Rule, Code, P1, P2, P3, P4, ...)                                            \
    verifier_bugcheck(RULE_##Rule, (uint64_t)(P2), (uint64_t)(P3), (uint64_t)(P4), __VA_ARGS__)

/** Must an SRB, its extension and its sense buffer be copies in guarded pool, gone at
 * completion? */
#define PortGuardRequests() verifier_enabled()

/** One call of a miniport callback, from before it to after it. */
typedef struct _PORT_CALL {
    struct verifier_mark Mark;
    PCSTR Name;
} PORT_CALL;

static inline VOID PortCallEnter(PORT_CALL *Call, PCSTR Name, ULONG64 First, ULONG64 Second)
{
    Call->Name = Name;
    Call->Mark = verifier_callback_enter(Name);
    if (trace_wants(TRACE_CALLBACK_ENTER)) {
        trace_event(TRACE_CALLBACK_ENTER, Name, First, Second, 0, 0);
    }
}

static inline VOID PortCallLeave(PORT_CALL *Call, ULONG64 Result)
{
    if (trace_wants(TRACE_CALLBACK_LEAVE)) {
        trace_event(TRACE_CALLBACK_LEAVE, Call->Name, Result, 0, 0, 0);
    }
    verifier_callback_leave(&Call->Mark);
}

#define PortTraceStart(Name, Id, Address, Opcode, Length)                                          \
    (trace_wants(TRACE_SRB_START)                                                                  \
         ? trace_event(TRACE_SRB_START, (Name), (Id), (Address), (Opcode), (Length))               \
         : (void)0)
#define PortTraceComplete(Name, Id, SrbStatus, ScsiStatus, Transferred)                            \
    (trace_wants(TRACE_SRB_COMPLETE)                                                               \
         ? trace_event(TRACE_SRB_COMPLETE, (Name), (Id), (SrbStatus), (ScsiStatus), (Transferred)) \
         : (void)0)
#define PortTracePnp(Name, Value)                                                                  \
    (trace_wants(TRACE_PNP) ? trace_event(TRACE_PNP, (Name), (Value), 0, 0, 0) : (void)0)

/** A number below `Limit` that the seed decides; 0 under the real scheduler. */
ULONG PortRandom(ULONG Limit);
/** Spins that long; under the seeded scheduler, where time stands still for a running thread, not
 * at all. */
VOID PortStall(ULONG Microseconds);
/** StorPortEtwEvent: the text and the first of its values. */
VOID PortTraceEtw(PCWSTR Text, ULONG Id, ULONG Level, ULONGLONG First);
/** StorPortDebugPrint's text, formatted. */
VOID PortTraceDebug(ULONG Level, PCSTR Format, __builtin_ms_va_list Arguments);

#else

/* Codes that mingw's headers lack. */
#ifndef DRIVER_VERIFIER_DETECTED_VIOLATION
#define DRIVER_VERIFIER_DETECTED_VIOLATION ((ULONG)0xC4)
#endif
#ifndef SCSI_VERIFIER_DETECTED_VIOLATION
#define SCSI_VERIFIER_DETECTED_VIOLATION ((ULONG)0xF1)
#endif

#define PORT_POOL_TAG             0x72507453u /* "StPr" */
#define PORT_POOL_PRIVATE_TAG     PORT_POOL_TAG
#define PORT_ROUTINE(MaximumIrql) ((void)0)
#define PORT_VIOLATION(Rule, Code, P1, P2, P3, P4, ...)                                            \
    KeBugCheckEx((Code), (ULONG_PTR)(P1), (ULONG_PTR)(P2), (ULONG_PTR)(P3), (ULONG_PTR)(P4))
#define PortGuardRequests() FALSE
typedef struct _PORT_CALL {
    PCSTR Name;
} PORT_CALL;

/* Somebody reads along: each callback of the miniport is a line in the debugger. */
static inline VOID PortCallEnter(PORT_CALL *Call, PCSTR Name, ULONG64 First, ULONG64 Second)
{
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    Call->Name = Name;
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "storport: calls %s\n", Name);
}

static inline VOID PortCallLeave(PORT_CALL *Call, ULONG64 Result)
{
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "storport: %s returned %x\n", Call->Name,
               (ULONG)Result);
}

#define PortTraceStart(Name, Id, Address, Opcode, Length)               ((void)0)
#define PortTraceComplete(Name, Id, SrbStatus, ScsiStatus, Transferred) ((void)0)
#define PortTracePnp(Name, Value)                                       ((void)0)
#define PortRandom(Limit)                                               0u
#define PortStall                                                       KeStallExecutionProcessor
#define PortTraceEtw(Text, Id, Level, First)                                                       \
    ((void)(Text), (void)(Id), (void)(Level), (void)(First))
#define PortTraceDebug(Level, Format, Arguments) ((void)(Level), (void)(Format), (void)(Arguments))

#endif

/* Variable arguments under the Windows calling convention. */
#if defined(__x86_64__)
typedef __builtin_ms_va_list PORT_ARGUMENTS;
#define PortArgumentsBegin(List, Last) __builtin_ms_va_start(List, Last)
#define PortArgumentsEnd(List)         __builtin_ms_va_end(List)
#else
typedef va_list PORT_ARGUMENTS;
#define PortArgumentsBegin(List, Last) va_start(List, Last)
#define PortArgumentsEnd(List)         va_end(List)
#endif
#define PortArgument(List, Type) __builtin_va_arg(List, Type)

#endif
