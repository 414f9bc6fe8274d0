/**
 * \file
 * Data buffers: page-aligned, in sizes of powers of two, kept for the next command up to a limit,
 * so that neither the allocator nor the page tables are in the way of a read.
 */
#ifndef ISCSI_BUFFERS_H
#define ISCSI_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUFFERS_LEAST   4096u
#define BUFFERS_CLASSES 13u /**< 4 KiB to 16 MiB. */
#define BUFFERS_MOST    ((size_t)BUFFERS_LEAST << (BUFFERS_CLASSES - 1))

struct buffers {
    void *free[BUFFERS_CLASSES];
    size_t kept;   /**< Bytes in the free lists. */
    size_t in_use; /**< Bytes that are out. */
    size_t keep;   /**< At most so many are kept. */
};

/** \param size up to BUFFERS_MOST. \param room what the buffer holds, for buffers_give. \return
 * NULL: no memory. */
void *buffers_take(struct buffers *buffers, size_t size, size_t *room);
void buffers_give(struct buffers *buffers, void *buffer, size_t room);
/** Frees what is kept. */
void buffers_end(struct buffers *buffers);

#endif
