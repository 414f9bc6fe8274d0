/*
 * What a driver leaves behind: threads, timers, handles, references, IRPs, MDLs, registrations and
 * pool, and whatever other modules register. What exists when the driver is loaded is the host's
 * own. At unload anything more is a bugcheck: a thread or a timer would run in code that is no
 * longer there, and what nothing points at any more can never be freed.
 */
#include <string.h>

#include "nt/io.h"
#include "nt/pool.h"

#define KINDS 16

static uint64_t count_threads(void)
{
    return nt_system_threads();
}

static uint64_t count_timers(void)
{
    return nt_timers_armed();
}

static uint64_t count_work_items(void)
{
    return nt_work_items();
}

static uint64_t count_files(void)
{
    return nt_object_count_of(&nt_file_type, NULL);
}

static uint64_t count_events(void)
{
    return nt_object_count_of(&nt_event_type, NULL);
}

static bool is_system_thread(const void *body)
{
    return ((const struct nt_thread *)body)->system;
}

static uint64_t count_thread_objects(void)
{
    return nt_object_count_of(&nt_thread_type, is_system_thread);
}

/** The first kind is that of the threads: they are looked at before anything else. */
static struct kind {
    const char *name;
    uint64_t (*count)(void);
    void (*describe)(FILE *out);
    uint64_t before; /**< At verifier_load_census. */
} kinds[KINDS] = {
    {"running thread", count_threads, NULL, 0},
    {"armed timer", count_timers, NULL, 0},
    {"work item", count_work_items, NULL, 0},
    {"open handle", nt_handle_count, NULL, 0},
    {"referenced file object", count_files, NULL, 0},
    {"referenced event object", count_events, NULL, 0},
    {"referenced thread object", count_thread_objects, NULL, 0},
    {"IRP", nt_irp_count, NULL, 0},
    {"MDL", nt_mdl_count, NULL, 0},
    {"PnP notification", nt_notification_count, NULL, 0},
    {"enabled device interface", nt_interface_count, NULL, 0},
};
static unsigned kind_count = 11;
static size_t pool_before;

void verifier_census_register(const char *kind, uint64_t (*count)(void),
                              void (*describe)(FILE *out))
{
    unsigned i = 0;

    while (i < kind_count && strcmp(kinds[i].name, kind) != 0) {
        i++; /* A machine that is booted again registers again. */
    }
    if (i < KINDS) {
        kinds[i] = (struct kind){kind, count, describe, 0};
        kind_count = i == kind_count ? i + 1 : kind_count;
    }
}

void verifier_load_census(void)
{
    for (unsigned i = 0; i < kind_count; i++) {
        kinds[i].before = kinds[i].count();
    }
    pool_before = nt_pool_outstanding(0, NULL);
}

static uint64_t more(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

unsigned verifier_census(FILE *out)
{
    size_t bytes, blocks = nt_pool_outstanding(0, &bytes);
    unsigned found = 0;

    for (unsigned i = 0; i < kind_count; i++) {
        uint64_t left = more(kinds[i].count(), kinds[i].before);

        if (left != 0) {
            found++;
            fprintf(out, "%s: %llu\n", kinds[i].name, (unsigned long long)left);
            if (kinds[i].describe != NULL) {
                kinds[i].describe(out);
            }
        }
    }
    if (blocks > pool_before) {
        found++;
        fprintf(out, "pool: %zu blocks, %zu bytes\n", blocks, bytes);
        pool_describe(out);
    }
    return found;
}

/** "thread: 2, timer: 1": the kinds that are left, for one line. \return how many things. */
static uint64_t left_behind(char *text, size_t length)
{
    uint64_t sum = 0;
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < kind_count; i++) {
        uint64_t left = more(kinds[i].count(), kinds[i].before);

        if (left != 0 && used < length) {
            used +=
                (size_t)snprintf(text + used, length - used, "%s%s: %llu", used == 0 ? "" : ", ",
                                 kinds[i].name, (unsigned long long)left);
        }
        sum += left;
    }
    return sum;
}

/** A thread of the driver that still runs when its unload routine has returned runs in code that
 *  goes away. */
static void check_threads(const char *driver)
{
    uint64_t threads = more(kinds[0].count(), kinds[0].before);

    if (threads != 0) {
        verifier_bugcheck_at(RULE_UNLOAD_PENDING, threads, 0, 0, 0,
                             "%s was unloaded while %llu of its threads run; wait for the thread "
                             "objects, not for an event that the threads set.",
                             driver, (unsigned long long)threads);
    }
}

void verifier_unload_census(const char *driver)
{
    size_t bytes, blocks;
    char text[300];
    uint64_t left;

    if (!verifier_enabled()) {
        return;
    }
    check_threads(driver);
    sched_settle(sched_time()); /* Ended threads let their objects go, cancelled requests end. */
    blocks = nt_pool_outstanding(0, &bytes);
    left = left_behind(text, sizeof text);
    if (left != 0 || blocks > pool_before) {
        fprintf(stderr, "\n%s left behind:\n", driver);
        verifier_census(stderr);
    }
    if (left != 0) {
        verifier_bugcheck_at(RULE_UNLOAD_PENDING, left, 0, 0, 0, "%s left behind %s.", driver,
                             text);
    }
    if (blocks > pool_before) {
        verifier_bugcheck(RULE_POOL_LEAK, (uint64_t)driver, 0, blocks - pool_before,
                          "%s left behind %zu blocks of pool (%zu bytes of pool are in use).",
                          driver, blocks - pool_before, bytes);
    }
}
