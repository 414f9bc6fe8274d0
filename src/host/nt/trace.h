/**
 * \file
 * The recorder: what happened, in order, without a pointer in it, so that two runs of one seed are
 * equal as text.
 */
#ifndef HOST_NT_TRACE_H
#define HOST_NT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum trace_kind {
    TRACE_ROUTINE, /**< An imported routine was entered: name; 1 = by a driver, 0 = by the host. */
    TRACE_CALLBACK_ENTER, /**< The port calls a miniport callback: name, arguments. */
    TRACE_CALLBACK_LEAVE, /**< It returned: name, result. */
    /** SRB given to HwStartIo: id, address (path<<16|target<<8|lun), opcode, length. */
    TRACE_SRB_START,
    TRACE_SRB_COMPLETE, /**< RequestComplete: id, SRB status, SCSI status, transferred. */
    TRACE_IRQL,         /**< IRQL changed: old, new. */
    TRACE_THREAD,       /**< Thread created (1), ended (2), blocked (3), woken (4). */
    TRACE_PNP,          /**< A PnP event: name, value. */
    /** A file operation reached the simulated file system: name, offset, length, status. */
    TRACE_FILE,
    TRACE_ETW,   /**< StorPortEtwEvent: text, id, level. */
    TRACE_DEBUG, /**< DbgPrint: text. */
    /** A function of a driver that was built with -finstrument-functions: name; entered (1) or left
     *  (2); entered: 1 = by a call from outside of the driver. */
    TRACE_FUNCTION,
    /** A pool block of a driver was allocated or freed: number (with the verifier on), bytes, tag. With
     *  level 2 points the host's own blocks too. */
    TRACE_POOL,
    /** A driver with level 2 points (points.c) is about to touch memory, or calls: its function, the
     *  place in its file, what (enum point_kind, and bytes << 8), block number, offset in the block. */
    TRACE_ACCESS,
    TRACE_BUGCHECK, /**< name, code. */
};

#define TRACE_ALL ((1u << (TRACE_BUGCHECK + 1)) - 1) /**< For trace_enable: every kind. */

#define TRACE_ARGUMENTS 4
struct trace_record {
    uint64_t sequence; /**< 1, 2, 3 ... */
    uint64_t time;     /**< 100 ns. */
    uint32_t thread;
    uint8_t irql;
    uint8_t processor;
    enum trace_kind kind;
    const char *name; /**< Interned: lives as long as the process. */
    uint64_t argument[TRACE_ARGUMENTS];
};

/** Which kinds are recorded: a bit per kind. Default: none (the bench), tools and tests choose. */
void trace_enable(uint32_t kinds);
extern uint32_t trace_mask; /**< What trace_enable was given; only read outside of trace.c. */
static inline bool trace_wants(enum trace_kind kind)
{
    return (__atomic_load_n(&trace_mask, __ATOMIC_RELAXED) >> kind & 1) != 0;
}
/**
 * Appends a record, in any thread. \irql{any} \locks{any} `name` must live as long as the process: a
 * literal of the host.
 */
void trace_event(enum trace_kind kind, const char *name, uint64_t a, uint64_t b, uint64_t c,
                 uint64_t d);
/**
 * The same with text that does not live as long (a driver's: ETW, DbgPrint); it is copied once per
 * different text.
 */
void trace_text(enum trace_kind kind, const char *text, uint64_t a, uint64_t b, uint64_t c,
                uint64_t d);
size_t trace_count(void);
/** \return the record, or NULL past the end. */
const struct trace_record *trace_at(size_t index);
void trace_clear(void);
/** One line per record, the same for the same seed. */
void trace_print(FILE *out, size_t from);
/** The line of one record, without the newline. */
void trace_print_record(FILE *out, const struct trace_record *record);
const char *trace_kind_name(enum trace_kind kind);

#endif
