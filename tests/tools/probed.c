/*
 * Answers for the suites: the probe's own machines, without its reports.
 */
#include "probed.h"

#include "tools/nthost/machine.h"
#include "tools/nthost/probing.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct column column;
static struct probe_options options;
static struct machine_files files;
static struct probe_driver driver;

static void fail(const char *what)
{
    fprintf(stderr, "probed: %s\n", what);
    exit(1);
}

static void set_up(const char *file, probe_connect *connect)
{
    struct machine_options machine = {.driver = file != NULL ? file : getenv("VMINI_DRIVER")};

    if (!machine_find(&machine, &files)) {
        fail("no driver, or no INF");
    }
    driver = (struct probe_driver){"the driver", files.driver, files.inf};
    memset(&options, 0, sizeof(options));
    options.driver = driver;
    options.connect = connect != NULL ? connect : probing_connect;
}

const struct probe_options *probed_options(void)
{
    return &options;
}

const char *probed_before(void)
{
    static char path[PATH_MAX];
    const char *nthost = getenv("VMINI_NTHOST");
    const char *slash = nthost != NULL ? strrchr(nthost, '/') : NULL;

    if (slash == NULL) {
        return NULL;
    }
    snprintf(path, sizeof(path), "%.*s/variants/before/build/vmini.so", (int)(slash - nthost),
             nthost);
    return access(path, R_OK) == 0 ? path : NULL;
}

void probed_share(struct result *const *results, unsigned count, const char *file,
                  probe_connect *connect)
{
    struct machine machine;
    struct images *images;

    set_up(file, connect);
    images = images_open(&options);
    if (images == NULL || !machine_start(&machine, 0, results, count, &driver, &options, images)) {
        fail("a check could not be started");
    }
    machine_wait(&machine);
    images_close(images);
}

struct transcript *probed_run(const struct check *check, const char *file, probe_connect *connect)
{
    struct result result = {.check = check}, *results = &result;

    probed_share(&results, 1, file, connect);
    return result.transcript;
}

static void free_column(void)
{
    column_free(&column);
}

const struct column *probed_column(void)
{
    struct images *images;

    set_up(NULL, NULL);
    if (column.results == NULL) {
        images = images_open(&options);
        column.driver = &driver;
        if (images == NULL || !column_run(&column, &options, images)) {
            fail("no images, or checks that could not be run");
        }
        images_close(images);
        atexit(free_column);
    }
    return &column;
}

const struct result *probed_result(const char *id)
{
    const struct column *all = probed_column();

    for (unsigned i = 0; i < all->count; i++) {
        if (strcmp(all->results[i].check->id, id) == 0) {
            return &all->results[i];
        }
    }
    fail(id);
    return NULL;
}
