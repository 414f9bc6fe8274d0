/*
 * Faults on order: the n-th open, read, write, flush or close does what a test wants of it. Asked
 * by file.c and fsd.c before each operation; costs two loads when no rule is set.
 */
#include "nt/io_internal.h"

#include <pthread.h>

#define FS_MAX_FAULTS 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct host_file_fault fault;
    unsigned seen; /* Operations of its kind since the rule was added. */
} rules[FS_MAX_FAULTS];
static unsigned rule_count;

/** A synchronous operation that hangs; on its thread's stack. */
struct hung {
    KEVENT released;
    struct hung *next;
};
static struct hung *hung;

void host_file_fault_add(const struct host_file_fault *fault)
{
    pthread_mutex_lock(&lock);
    if (rule_count == FS_MAX_FAULTS) {
        pthread_mutex_unlock(&lock);
        fprintf(stderr,
                "host_file_fault_add: %d rules are set already; "
                "call host_file_faults_clear first\n",
                FS_MAX_FAULTS);
        abort();
    }
    rules[rule_count].fault = *fault;
    rules[rule_count].seen = 0;
    __atomic_store_n(&rule_count, rule_count + 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
}

void host_file_faults_clear(void)
{
    pthread_mutex_lock(&lock);
    __atomic_store_n(&rule_count, 0, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
}

/** See host_file_below. */
static struct {
    enum host_file_op op;
    void (*call)(void *context);
    void *context;
} disk_below;

void host_file_below(enum host_file_op op, void (*below)(void *context), void *context)
{
    disk_below.op = op;
    disk_below.context = context;
    __atomic_store_n(&disk_below.call, below, __ATOMIC_RELEASE);
}

struct fs_effect fs_next_effect(enum host_file_op op)
{
    struct fs_effect effect = {.short_to = UINT32_MAX};
    bool found = false;

    void (*below)(void *) = __atomic_load_n(&disk_below.call, __ATOMIC_ACQUIRE);
    if (below != NULL && disk_below.op == op) {
        below(disk_below.context);
    }
    if (__atomic_load_n(&rule_count, __ATOMIC_ACQUIRE) == 0) {
        return effect;
    }
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < rule_count; i++) {
        const struct host_file_fault *fault = &rules[i].fault;
        unsigned nth = fault->nth == 0 ? 1 : fault->nth;
        if (fault->op != op) {
            continue;
        }
        rules[i].seen++;
        if (!found && (rules[i].seen == nth || (fault->from_then_on && rules[i].seen > nth))) {
            effect = (struct fs_effect){fault->error, fault->short_to, fault->hang};
            found = true; /* The first rule that applies decides; all of them count. */
        }
    }
    pthread_mutex_unlock(&lock);
    return effect;
}

void fs_hang(void)
{
    struct hung me;

    KeInitializeEvent(&me.released, NotificationEvent, FALSE);
    pthread_mutex_lock(&lock);
    me.next = hung;
    hung = &me;
    pthread_mutex_unlock(&lock);
    nt_wait(&me.released, NULL);
}

void fs_release_hung(void)
{
    for (;;) {
        pthread_mutex_lock(&lock);
        struct hung *first = hung;
        if (first != NULL) {
            hung = first->next;
        }
        pthread_mutex_unlock(&lock);
        if (first == NULL) {
            return;
        }
        nt_set_event(&first->released);
    }
}

struct host_file_counts host_file_counts(void)
{
    return (struct host_file_counts){
        .opens = (uint64_t)io_counted(IO_OPENS),
        .closes = (uint64_t)io_counted(IO_CLOSES),
        .reads = (uint64_t)io_counted(IO_READS),
        .writes = (uint64_t)io_counted(IO_WRITES),
        .flushes = (uint64_t)io_counted(IO_FLUSHES),
        .write_through = (uint64_t)io_counted(IO_WRITE_THROUGH),
        .controls = (uint64_t)io_counted(IO_CONTROLS),
    };
}
