/*
 * Tasks: one for each SCSI command, from its PDU to the last byte of its answer. A connection finds
 * its own by their tags; free ones are kept, with the request that the bus has made for them.
 */
#include "tools/iscsi/conn.h"

#include <stdlib.h>

#define FREE_TASKS 256u

struct task *task_new(struct target *target)
{
    struct task *task = target->free_tasks;

    if (task != NULL) {
        target->free_tasks = task->next;
        target->free_task_count--;
    } else {
        task = calloc(1, sizeof(*task));
        if (task == NULL || !target->bus.open(target->bus.context, &task->command)) {
            free(task);
            return NULL;
        }
    }
    target->tasks++;
    task->target = target;
    return task;
}

/** Gives the buffer back. */
void task_drop_buffer(struct task *task)
{
    if (task->buffer != NULL) {
        buffers_give(&task->target->buffers, task->buffer, task->room);
        task->buffer = NULL;
    }
}

void task_stop_waiting(struct task *task)
{
    struct target *target = task->target;

    for (struct task **link = &target->waiting; *link != NULL; link = &(*link)->next_waiting) {
        if (*link == task) {
            *link = task->next_waiting;
            if (*link == NULL) {
                target->waiting_end = link;
            }
            return;
        }
    }
}

void task_free(struct task *task)
{
    struct target *target = task->target;
    void *handle = task->command.handle, *owner = task->command.owner;

    if (task->state == TASK_WAITING) {
        task_stop_waiting(task);
    }
    task_drop_buffer(task);
    target->tasks--;
    if (target->free_task_count == FREE_TASKS) {
        target->bus.close(target->bus.context, &task->command);
        free(task);
        return;
    }
    memset(task, 0, offsetof(struct task, out));
    task->then = NULL;
    task->command.handle = handle;
    task->command.owner = owner;
    task->next = target->free_tasks;
    target->free_tasks = task;
    target->free_task_count++;
}

struct task *task_find(struct conn *conn, uint32_t tag)
{
    struct task *task = conn->tasks[tag % CONN_TAG_BUCKETS];

    while (task != NULL && task->tag != tag) {
        task = task->next;
    }
    return task;
}

void task_remember(struct conn *conn, struct task *task)
{
    struct task **bucket = &conn->tasks[task->tag % CONN_TAG_BUCKETS];

    task->conn = conn;
    task->next = *bucket;
    *bucket = task;
    conn->task_count++;
    conn->in_window += !task->immediate;
    conn->immediate += task->immediate;
}

void task_forget(struct task *task)
{
    struct conn *conn = task->conn;
    struct task **link = &conn->tasks[task->tag % CONN_TAG_BUCKETS];

    while (*link != task) {
        link = &(*link)->next;
    }
    *link = task->next;
    task->next = NULL;
    task->conn = NULL;
    conn->task_count--;
    conn->in_window -= !task->immediate;
    conn->immediate -= task->immediate;
    if (conn->task == task) { /* Its data are just coming: nobody wants them any more. */
        conn->task = NULL;
        conn->data = NULL;
        conn->skip = true;
    }
}
