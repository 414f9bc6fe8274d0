/*
 * A race is played in children: what a run meets, a bugcheck above all, is its result, and what it
 * says besides is nobody's business.
 */
#include "tools/nthost/race.h"

#include "nt/trace.h"
#include "tools/nthost/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_BYTES 32768

/** What a child plays. */
struct playing {
    const struct race *race;
    const struct race_machine *machine;
    FILE *trace;
    bool always; /**< Also of a run that does not end by a bugcheck. */
};

/** Where the child's trace goes when it ends, and also when its machine dies. */
static FILE *trace_file;

static void write_trace(void)
{
    rewind(trace_file);
    if (ftruncate(fileno(trace_file), 0) == 0) { /* A run before this one may have written, too. */
        trace_print(trace_file, 0);
    }
    fflush(trace_file);
}

static void play(void *argument)
{
    const struct playing *playing = argument;
    int nowhere = open("/dev/null", O_WRONLY);

    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    trace_file = playing->trace;
    if (trace_file != NULL) {
        trace_enable(TRACE_ALL);
        host_on_bugcheck(write_trace);
    }
    playing->race->play(playing->machine);
    if (trace_file != NULL && playing->always) {
        write_trace();
    }
}

struct explore_result race_seeds(const struct race *race, const struct race_machine *machine,
                                 uint64_t first, uint64_t count, FILE *trace,
                                 uint64_t *failing_seed)
{
    struct playing playing = {race, machine, trace, true};

    return sched_sweep(play, &playing, SCHED_PCT, first, count, failing_seed);
}

struct explore_result race_schedules(const struct race *race, const struct race_machine *machine,
                                     unsigned bound, FILE *trace)
{
    struct playing playing = {race, machine, trace, false};

    return sched_explore_delays(play, &playing, bound, 0);
}

static bool make_image(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    bool ok = fd >= 0 && ftruncate(fd, IMAGE_BYTES) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return ok || tool_fail("free some space, or set TMPDIR", "%s: %s", path, strerror(errno));
}

bool race_prepare(struct race_machine *machine, const char *driver)
{
    static const char *const parameters[] = {"MaximumTargets=1", "NumberOfWorkers=1"};
    const char *base = getenv("TMPDIR");

    memset(machine, 0, sizeof(*machine));
    machine->options =
        (struct machine_options){.driver = driver,
                                 .host = {.sched = {.kind = SCHED_SEEDED, .seed = 1, .depth = 2},
                                          .verifier = true,
                                          .no_class_drivers = true},
                                 .user = HOST_USER_ADMINISTRATOR};
    for (unsigned i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        machine->options.parameters[machine->options.parameter_count++] = parameters[i];
    }
    if (!machine_find(&machine->options, &machine->files)) {
        return false;
    }
    snprintf(machine->folder, sizeof(machine->folder), "%.3000s/vmini-race-XXXXXX",
             base != NULL ? base : "/tmp");
    if (mkdtemp(machine->folder) == NULL) {
        machine->folder[0] = '\0';
        return tool_fail("set TMPDIR to where a folder may be made", "no temporary folder: %s",
                         strerror(errno));
    }
    for (unsigned i = 0; i < 2; i++) {
        snprintf(machine->images[i], sizeof(machine->images[i]), "%.3500s/%c.img", machine->folder,
                 'a' + (int)i);
        if (!make_image(machine->images[i])) {
            return false;
        }
    }
    return true;
}

void race_clean(const struct race_machine *machine)
{
    for (unsigned i = 0; i < 2; i++) {
        unlink(machine->images[i]);
    }
    if (machine->folder[0] != '\0') {
        rmdir(machine->folder);
    }
}
