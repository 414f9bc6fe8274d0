/*
 * Buffers come from mmap, so that one that is given back is really gone: a heap would keep the
 * pages of the busiest minute for ever.
 */
#include "tools/iscsi/buffers.h"

#include <sys/mman.h>

/** A free buffer begins with the address of the next. */
struct link {
    struct link *next;
};

static unsigned class_of(size_t size, size_t *room)
{
    unsigned class = 0;

    for (*room = BUFFERS_LEAST; *room < size; *room *= 2) {
        class ++;
    }
    return class;
}

void *buffers_take(struct buffers *buffers, size_t size, size_t *room)
{
    unsigned class = class_of(size, room);
    struct link *buffer;

    if (class >= BUFFERS_CLASSES) {
        return NULL;
    }
    buffer = buffers->free[class];
    if (buffer != NULL) {
        buffers->free[class] = buffer->next;
        buffers->kept -= *room;
    } else {
        buffer = mmap(NULL, *room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (buffer == MAP_FAILED) {
            return NULL;
        }
    }
    buffers->in_use += *room;
    return buffer;
}

void buffers_give(struct buffers *buffers, void *buffer, size_t room)
{
    struct link *link = buffer;
    size_t size;
    unsigned class = class_of(room, &size);

    buffers->in_use -= room;
    if (buffers->kept + room > buffers->keep) {
        munmap(buffer, room);
        return;
    }
    link->next = buffers->free[class];
    buffers->free[class] = link;
    buffers->kept += room;
}

void buffers_end(struct buffers *buffers)
{
    for (unsigned class = 0; class < BUFFERS_CLASSES; class ++) {
        while (buffers->free[class] != NULL) {
            struct link *link = buffers->free[class];

            buffers->free[class] = link->next;
            munmap(link, (size_t)BUFFERS_LEAST << class);
        }
    }
    buffers->kept = 0;
}
