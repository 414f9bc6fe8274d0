/**
 * \file
 * What the I/O manager keeps for each POSIX thread: caches of IRPs and MDLs, and counters, so that
 * the hot path takes no lock and shares no cache line. Internal to nt/. In Windows' calling
 * convention, as those who call them: see nt_routine_watched.
 */
#ifndef HOST_NT_IOTHREAD_H
#define HOST_NT_IOTHREAD_H

#include "nt/io.h"

/** Sizes of block that are cached. */
enum io_cache {
    IO_CACHE_MDL,
    IO_CACHE_IRP_SMALL,
    IO_CACHE_IRP_LARGE,
    IO_CACHE_COMPLETION,
    IO_CACHES
};

/** What is counted; a difference may be negative in one thread, the sum over all threads is
 *  right. */
enum io_counter {
    IO_IRPS,
    IO_MDLS,
    IO_MAPPED,
    IO_OPENS,
    IO_CLOSES,
    IO_READS,
    IO_WRITES,
    IO_FLUSHES,
    IO_WRITE_THROUGH,
    IO_CONTROLS,
    IO_COUNTERS
};

/** Takes a block of the cache's size, or `size` bytes from the C heap when it is empty. NULL: no
 *  memory. */
void *NTAPI io_cache_take(enum io_cache cache, size_t size);
void NTAPI io_cache_give(enum io_cache cache, void *block);
/** Off under the verifier and the sanitizers, which must see each block die. */
bool NTAPI io_cache_wanted(void);

void NTAPI io_count(enum io_counter counter, int64_t difference);
int64_t io_counted(enum io_counter counter);

/** Should this allocation or mapping fail? See nt_io_fail. */
bool NTAPI io_should_fail(enum nt_io_fault what);

#endif
