/**
 * \file
 * What the kernel objects that a thread can wait for have in common; for the files that make such
 * objects.
 */
#ifndef HOST_NT_DISPATCHER_H
#define HOST_NT_DISPATCHER_H

#include "nt/nt.h"

/** DISPATCHER_HEADER.Type, with Windows' numbers. */
enum dispatcher_type {
    NOTIFICATION_EVENT = 0,
    SYNCHRONIZATION_EVENT = 1,
    MUTANT_OBJECT = 2,
    SEMAPHORE_OBJECT = 5,
    THREAD_OBJECT = 6,
    NOTIFICATION_TIMER = 8,
    SYNCHRONIZATION_TIMER = 9,
};

/** Prepares a header. \param size of the whole object, in bytes. */
void dispatcher_initialize(DISPATCHER_HEADER *header, enum dispatcher_type type, size_t size,
                           LONG state);
/** The object's state has risen: ends the waits that it satisfies, first come first served.
 *  Dispatcher lock held. */
void dispatcher_signal(DISPATCHER_HEADER *header);
/** Bugchecks (wait-object) unless the header is of a type in `types`, a bit per type. */
void dispatcher_check(const DISPATCHER_HEADER *header, uint32_t types, const char *routine);
/** Deadline in sched_time() of a Windows time-out: NULL never, negative from now on, positive a
 *  system time. */
uint64_t dispatcher_deadline(const LARGE_INTEGER *timeout);

/** What sched_time() was 0 at, in 100 ns since 1601. */
uint64_t time_at_boot(void);

#endif
