/*
 * The hooks that the kernel core and the port call: IRQL of a routine, order of locks, state around
 * a callback. Lock order is a graph: an edge from A to B says that somebody acquired B while
 * holding A. An acquisition that would close a cycle is a deadlock that needs only the right
 * moment, so it is reported even if that moment never comes.
 */
#include "nt/nt.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/** "B was acquired while A was held." */
struct edge {
    struct edge *next;
    struct node *to;
    const void *where; /**< Driver code that did it first. */
    uint32_t thread;
};

/** A lock of the order graph. */
struct node {
    struct node *next;
    const void *lock;
    struct edge *edges;
    unsigned visit; /**< Number of the search that came by last. */
};

bool verifier_is_on;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct node *nodes;
static unsigned visits;

/* --- IRQL --- */

static const char *irql_name(uint8_t irql)
{
    return irql == PASSIVE_LEVEL    ? "PASSIVE_LEVEL"
           : irql == APC_LEVEL      ? "APC_LEVEL"
           : irql == DISPATCH_LEVEL ? "DISPATCH_LEVEL"
                                    : "a device's level";
}

void verifier_check_irql(const char *routine, uint8_t max_irql)
{
    uint8_t irql = nt_irql();

    if (irql > max_irql) {
        verifier_bugcheck(strncmp(routine, "Zw", 2) == 0 ? RULE_IRQL_ZW : RULE_IRQL_TOO_HIGH, irql,
                          max_irql, 0, "%s was called at IRQL %u (%s); its maximum is %u (%s).",
                          routine, irql, irql_name(irql), max_irql, irql_name(max_irql));
    }
}

/* --- the order of locks --- */

static struct node *node_of(const void *lock)
{
    struct node *node;

    for (node = nodes; node != NULL && node->lock != lock; node = node->next) {
    }
    if (node == NULL && (node = calloc(1, sizeof *node)) != NULL) {
        node->lock = lock;
        node->next = nodes;
        nodes = node;
    }
    return node;
}

static struct edge *edge_between(const struct node *from, const struct node *to)
{
    struct edge *edge;

    for (edge = from->edges; edge != NULL && edge->to != to; edge = edge->next) {
    }
    return edge;
}

/** First edge of a way from one lock to another, or NULL. */
static struct edge *way(struct node *from, const struct node *to)
{
    from->visit = visits;
    for (struct edge *edge = from->edges; edge != NULL; edge = edge->next) {
        if (edge->to == to || (edge->to->visit != visits && way(edge->to, to) != NULL)) {
            return edge;
        }
    }
    return NULL;
}

/** Notes that `lock` is acquired while `held` is; a cycle is a bugcheck. */
static void order(const struct verifier_held *held, const void *lock, const char *kind)
{
    struct node *from = node_of(held->lock), *to = node_of(lock);
    struct edge *back, *edge;
    char name[128];

    if (from == NULL || to == NULL || edge_between(from, to) != NULL) {
        return;
    }
    visits++;
    back = way(to, from);
    if (back != NULL) {
        verifier_bugcheck(RULE_LOCK_ORDER, (uint64_t)lock, (uint64_t)held->lock, 0,
                          "The %s %p is acquired while the %s %p is held; the other way round in "
                          "thread %u by %s.",
                          kind, lock, held->kind, held->lock, back->thread,
                          verifier_function_name(back->where, name, sizeof name));
    }
    edge = calloc(1, sizeof *edge);
    if (edge != NULL) {
        *edge = (struct edge){from->edges, to, verifier_driver_caller(), sched_current()->id};
        from->edges = edge;
    }
}

void verifier_lock_acquiring(const void *lock, const char *kind)
{
    struct verifier_thread *mine;

    if (!verifier_is_on) {
        return;
    }
    nt_pool_check_nonpaged(kind, lock);
    mine = &sched_current()->verify;
    for (unsigned i = 0; i < mine->held_count; i++) {
        if (mine->held[i].lock == lock) {
            verifier_bugcheck(RULE_LOCK_SELF_DEADLOCK, (uint64_t)lock, 0, 0,
                              "The thread holds the %s %p already: it would wait for itself.", kind,
                              lock);
        }
    }
    pthread_mutex_lock(&mutex);
    for (unsigned i = 0; i < mine->held_count; i++) {
        order(&mine->held[i], lock, kind);
    }
    pthread_mutex_unlock(&mutex);
}

void verifier_lock_acquired(const void *lock, const char *kind)
{
    struct verifier_thread *mine;

    if (!verifier_is_on) {
        return;
    }
    mine = &sched_current()->verify;
    if (mine->held_count < RTL_NUMBER_OF(mine->held)) {
        mine->held[mine->held_count++] = (struct verifier_held){lock, kind};
    } else {
        mine->unremembered++;
    }
}

void verifier_lock_released(const void *lock, const char *kind)
{
    struct verifier_thread *mine;
    unsigned i;

    if (!verifier_is_on) {
        return;
    }
    mine = &sched_current()->verify;
    for (i = mine->held_count; i > 0 && mine->held[i - 1].lock != lock; i--) {
    }
    if (i > 0) {
        memmove(&mine->held[i - 1], &mine->held[i], (mine->held_count - i) * sizeof mine->held[0]);
        mine->held_count--;
    } else if (mine->unremembered > 0) {
        mine->unremembered--;
    } else {
        verifier_bugcheck(RULE_LOCK_NOT_HELD, (uint64_t)lock, 0, 0,
                          "The thread does not hold the %s %p.", kind, lock);
    }
}

/** Takes a lock, and the edges to it, out of the graph. */
static void forget(struct node **link)
{
    struct node *gone = *link;

    for (struct node *node = nodes; node != NULL; node = node->next) {
        for (struct edge **edge = &node->edges; *edge != NULL;) {
            struct edge *this = *edge;

            if (node == gone || this->to == gone) {
                *edge = this->next;
                free(this);
            } else {
                edge = &this->next;
            }
        }
    }
    *link = gone->next;
    free(gone);
}

static bool within(const void *address, const void *start, size_t bytes)
{
    return (const char *)address >= (const char *)start &&
           (size_t)((const char *)address - (const char *)start) < bytes;
}

void verifier_memory_freed(const void *start, size_t bytes)
{
    struct verifier_thread *mine;

    if (!verifier_is_on) {
        return;
    }
    mine = &sched_current()->verify;
    for (unsigned i = 0; i < mine->held_count; i++) {
        if (within(mine->held[i].lock, start, bytes)) {
            verifier_bugcheck(RULE_LOCK_LEAKED, (uint64_t)mine->held[i].lock, 0, 0,
                              "The memory at %p is freed while the %s in it is held.", start,
                              mine->held[i].kind);
        }
    }
    pthread_mutex_lock(&mutex);
    for (struct node **link = &nodes; *link != NULL;) {
        if (within((*link)->lock, start, bytes)) {
            forget(link);
        } else {
            link = &(*link)->next;
        }
    }
    pthread_mutex_unlock(&mutex);
}

void verifier_enable(bool on)
{
    verifier_is_on = on;
    /* The locks were another machine's. */
    while (nodes != NULL) {
        forget(&nodes);
    }
}

/* --- around callbacks --- */

void NTAPI verifier_callback_broke(const struct verifier_mark *mark)
{
    const struct nt_thread *thread = sched_current();
    const struct verifier_thread *mine = &thread->verify;

    if (mine->held_count > mark->held_count) {
        const struct verifier_held *lock = &mine->held[mine->held_count - 1];

        verifier_bugcheck(RULE_LOCK_LEAKED, (uint64_t)lock->lock, (uint64_t)thread, 0,
                          "%s returned holding the %s %p.", mark->callback, lock->kind, lock->lock);
    }
    if (thread->irql != mark->irql) {
        verifier_bugcheck_at(
            RULE_CALLBACK_IRQL, (uint64_t)thread->irql << 16 | (uint64_t)mark->irql << 8 | 2, 0, 0,
            0, "%s was called at IRQL %u (%s) and returned at %u (%s).", mark->callback, mark->irql,
            irql_name(mark->irql), thread->irql, irql_name(thread->irql));
    }
    if (thread->critical_region != mark->critical_region) {
        verifier_bugcheck(RULE_CALLBACK_CRITICAL_REGION, 0, (uint64_t)thread->critical_region,
                          (uint64_t)mark->critical_region,
                          "%s was called inside of %d critical regions and returned inside of %d.",
                          mark->callback, mark->critical_region, thread->critical_region);
    }
}
