/*
 * Objects and handles: a header with two counts before each body. A reference keeps the body; a
 * handle is a number that holds one reference, and the last one closed makes the type's `close` run
 * (IRP_MJ_CLEANUP of a file). Handle numbers are not used again soon, so that a stale one is
 * caught. The memory is the host's own pool: with the verifier on, a body that was freed faults.
 */
#include "nt/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define OBJECT_MAGIC 0x6a624f4eu
#define INDEX_BITS   14
#define HANDLES      (1u << INDEX_BITS)
#define GENERATIONS  (1u << 15)

struct object {
    uint32_t magic;
    _Atomic uint32_t handles;
    _Atomic int64_t references;
    const struct nt_object_type *type;
    LIST_ENTRY link; /**< In `objects`, under `mutex`. */
    void *alignment;
    unsigned char body[];
};
_Static_assert(offsetof(struct object, body) % MEMORY_ALLOCATION_ALIGNMENT == 0,
               "bodies are aligned");

/** One handle; a free slot (body NULL) waits its turn in the list of free ones. */
struct slot {
    void *body;
    ACCESS_MASK access;
    uint16_t generation;
    uint16_t next_free;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static LIST_ENTRY objects = {&objects, &objects};
static _Atomic uint64_t object_count;
static struct slot slots[HANDLES];
static unsigned slots_used, handle_count;
static unsigned first_free = HANDLES, last_free = HANDLES; /* HANDLES = none. */

/* --- objects --- */

/** The header of a body; one that is freed, or was never an object, is a bugcheck. */
static struct object *object_of(const void *body)
{
    struct object *object;

    if (body == NULL) {
        verifier_bugcheck_at(RULE_OBJECT_REFERENCE, 0, 0, 0, 0, "The object pointer is NULL.");
    }
    object = CONTAINING_RECORD(body, struct object, body);
    if (nt_pool_is_freed(object)) {
        verifier_bugcheck_at(RULE_OBJECT_REFERENCE, 0, (uint64_t)body, 0, 0,
                             "The object is gone: its last reference was dropped before.");
    }
    if (object->magic != OBJECT_MAGIC) {
        verifier_bugcheck_at(RULE_OBJECT_REFERENCE, 0, (uint64_t)body, 0, 0,
                             "There is no object at this address.");
    }
    return object;
}

void *nt_object_create(const struct nt_object_type *type, size_t body_size)
{
    size_t bytes = sizeof(struct object) + body_size;
    struct object *object = nt_pool_allocate(NonPagedPoolNx, bytes, NT_HOST_TAG);

    if (object == NULL) {
        return NULL;
    }
    memset(object, 0, bytes);
    object->magic = OBJECT_MAGIC;
    object->references = 1;
    object->type = type;
    pthread_mutex_lock(&mutex);
    InsertTailList(&objects, &object->link);
    pthread_mutex_unlock(&mutex);
    object_count++;
    return object->body;
}

const struct nt_object_type *nt_object_type_of(const void *body)
{
    return object_of(body)->type;
}

static int64_t object_add(void *body, int amount)
{
    struct object *object = object_of(body);
    int64_t before = atomic_fetch_add(&object->references, amount);

    if (before <= 0) {
        verifier_bugcheck_at(RULE_OBJECT_REFERENCE, (uint64_t)object->type, (uint64_t)body, 0, 0,
                             "The %s object has no reference left to %s.", object->type->name,
                             amount < 0 ? "drop" : "stand on");
    }
    if (before == 1 && amount < 0) {
        if (object->handles != 0) {
            verifier_bugcheck_at(RULE_OBJECT_REFERENCE, (uint64_t)object->type, (uint64_t)body, 0,
                                 0,
                                 "The last reference to a %s object is dropped while %u handles to "
                                 "it are open: somebody dropped a reference too many.",
                                 object->type->name, object->handles);
        }
        if (object->type->destroy != NULL) {
            object->type->destroy(body);
        }
        pthread_mutex_lock(&mutex);
        RemoveEntryList(&object->link);
        pthread_mutex_unlock(&mutex);
        object->magic = 0;
        object_count--;
        nt_pool_free(object, NT_HOST_TAG);
    }
    return before + amount;
}

void nt_object_reference(void *body)
{
    object_add(body, 1);
}

void nt_object_dereference(void *body)
{
    object_add(body, -1);
}

uint64_t nt_object_count(void)
{
    return object_count;
}

uint64_t nt_object_count_of(const struct nt_object_type *type, bool (*matches)(const void *body))
{
    uint64_t count = 0;

    pthread_mutex_lock(&mutex);
    for (PLIST_ENTRY link = objects.Flink; link != &objects; link = link->Flink) {
        const struct object *object = CONTAINING_RECORD(link, struct object, link);

        if (object->type == type && (matches == NULL || matches(object->body))) {
            count++;
        }
    }
    pthread_mutex_unlock(&mutex);
    return count;
}

/* --- handles --- */

/** Handle numbers are multiples of four, and never 0. */
static HANDLE handle_of(unsigned index)
{
    return (HANDLE)((((uintptr_t)slots[index].generation << INDEX_BITS | index) + 1) << 2);
}

/** \return the open slot behind a handle, or NULL. Called under the mutex. */
static struct slot *slot_of(HANDLE handle)
{
    uintptr_t number = (uintptr_t)handle;
    unsigned index = (unsigned)((number >> 2) - 1) % HANDLES;

    return number != 0 && index < slots_used && slots[index].body != NULL &&
                   handle_of(index) == handle
               ? &slots[index]
               : NULL;
}

/** \return a free slot's index, or HANDLES. Fresh slots first, then the one that has been free
 *  for longest. */
static unsigned slot_take(void)
{
    unsigned index = first_free;

    if (slots_used < HANDLES) {
        return slots_used++;
    }
    if (index != HANDLES) {
        first_free = slots[index].next_free;
        last_free = first_free == HANDLES ? HANDLES : last_free;
    }
    return index;
}

static void slot_release(struct slot *slot)
{
    unsigned index = (unsigned)(slot - slots);

    slot->body = NULL;
    slot->generation = (uint16_t)((slot->generation + 1u) % GENERATIONS);
    slot->next_free = HANDLES;
    if (last_free == HANDLES) {
        first_free = index;
    } else {
        slots[last_free].next_free = (uint16_t)index;
    }
    last_free = index;
}

HANDLE nt_handle_create(void *body, ACCESS_MASK access)
{
    HANDLE handle = NULL;
    unsigned index;

    nt_object_reference(body);
    pthread_mutex_lock(&mutex);
    index = slot_take();
    if (index != HANDLES) {
        slots[index].body = body;
        slots[index].access = access;
        object_of(body)->handles++;
        handle_count++;
        handle = handle_of(index);
    }
    pthread_mutex_unlock(&mutex);
    if (handle == NULL) {
        nt_object_dereference(body);
    }
    return handle;
}

void *nt_handle_lookup(HANDLE handle, const struct nt_object_type *type, ACCESS_MASK *access,
                       NTSTATUS *status)
{
    struct slot *slot;
    void *body = NULL;

    pthread_mutex_lock(&mutex);
    slot = slot_of(handle);
    if (slot == NULL) {
        *status = STATUS_INVALID_HANDLE;
    } else if (type != NULL && nt_object_type_of(slot->body) != type) {
        *status = STATUS_OBJECT_TYPE_MISMATCH;
    } else {
        body = slot->body;
        *status = STATUS_SUCCESS;
        if (access != NULL) {
            *access = slot->access;
        }
        nt_object_reference(body);
    }
    pthread_mutex_unlock(&mutex);
    return body;
}

NTSTATUS nt_handle_close(HANDLE handle)
{
    const struct nt_object_type *type;
    struct slot *slot;
    void *body = NULL;
    bool last = false;

    pthread_mutex_lock(&mutex);
    slot = slot_of(handle);
    if (slot != NULL) {
        body = slot->body;
        slot_release(slot);
        handle_count--;
        last = --object_of(body)->handles == 0;
    }
    pthread_mutex_unlock(&mutex);
    if (body == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    type = nt_object_type_of(body);
    if (last && type->close != NULL) {
        type->close(body);
    }
    nt_object_dereference(body);
    return STATUS_SUCCESS;
}

uint64_t nt_handle_count(void)
{
    uint64_t count;

    pthread_mutex_lock(&mutex);
    count = handle_count;
    pthread_mutex_unlock(&mutex);
    return count;
}
