/*
 * The target as a whole: names, the list of what wants attention, and where the bus's events go.
 */
#include "tools/iscsi/conn.h"

#include <stdio.h>
#include <stdlib.h>

bool target_find(struct target *target, const char *name, struct bus_address *at)
{
    struct bus_unit units[BUS_UNITS];
    char own[LOGIN_NAME_MAXIMUM];
    unsigned count = target->bus.units(target->bus.context, units, BUS_UNITS);

    for (unsigned i = 0; i < count && i < BUS_UNITS; i++) {
        target_name(units[i].at.path, units[i].at.target, own, sizeof(own));
        if (strcasecmp(own, name) == 0) {
            *at = units[i].at;
            return true;
        }
    }
    return false;
}

static bool has_target(void *context, const char *name)
{
    struct bus_address at;

    return target_find(context, name, &at);
}

void target_begin(struct target *target, const struct bus *bus, const struct chap_account *account,
                  void (*random)(void *context, uint8_t *out, size_t length))
{
    memset(target, 0, sizeof(*target));
    target->bus = *bus;
    target->rules = (struct login_rules){
        .account = account, .has_target = has_target, .random = random, .context = target};
    target->buffers.keep = TARGET_BUFFERS_KEPT;
    target->waiting_end = &target->waiting;
}

void target_end(struct target *target)
{
    while (target->free_outs != NULL) {
        struct out *out = target->free_outs;

        target->free_outs = out->next;
        free(out);
    }
    while (target->free_tasks != NULL) {
        struct task *task = target->free_tasks;

        target->free_tasks = task->next;
        target->bus.close(target->bus.context, &task->command);
        free(task);
    }
    buffers_end(&target->buffers);
}

const char *target_name(uint8_t path, uint8_t target, char *buffer, size_t size)
{
    snprintf(buffer, size, TARGET_NAME_PREFIX ":%u.%u", path, target);
    return buffer;
}

void target_event(struct target *target, struct bus_event *event)
{
    target->on_bus--;
    if (event->kind == BUS_RESET_DONE) {
        management_reset_ended((struct management *)event);
    } else {
        answer_task((struct task *)event);
    }
    task_start_waiting(target);
}

struct conn *target_dirty(struct target *target)
{
    struct conn *conn = target->dirty;

    if (conn != NULL) {
        target->dirty = conn->next_dirty;
        conn->is_dirty = false;
    }
    return conn;
}
