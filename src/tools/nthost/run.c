/*
 * The life of one run: up, images, commands, down. Whatever fails, the machine is taken down in
 * order and what leaked is told; only a bugcheck ends the process at once, as it would end Windows.
 */
#include "tools/nthost/run.h"

#include "nt/trace.h"
#include "tools/nthost/commands.h"
#include "tools/nthost/control.h"
#include "tools/nthost/loop.h"
#include "tools/nthost/prompt.h"
#include "tools/trace/chrome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without --trace: what a person can read, and little enough to keep of a long run. */
#define KINDS_FEW (TRACE_ALL & ~(1u << TRACE_ROUTINE) & ~(1u << TRACE_IRQL) & ~(1u << TRACE_THREAD))

static FILE *trace_file;
static bool trace_json;
static struct sched_options trace_clock;

/** Writes the trace: at the end, or when the machine dies. */
static void write_trace(void)
{
    if (trace_file != NULL) {
        if (trace_json) {
            chrome_write(trace_file, trace_clock.kind == SCHED_SEEDED, trace_clock.seed);
        } else {
            trace_print(trace_file, 0);
        }
        fclose(trace_file);
        trace_file = NULL;
    }
}

/** The file's name says what it will hold. */
static bool open_trace(const struct options *options)
{
    const char *path = options->trace, *dot = path == NULL ? NULL : strrchr(path, '.');

    if (path == NULL) {
        return true;
    }
    trace_json = dot != NULL && strcmp(dot, ".json") == 0;
    trace_clock = options->machine.host.sched;
    trace_file = fopen(path, "w");
    host_on_bugcheck(write_trace);
    return trace_file != NULL ||
           tool_fail("check the path and the rights", "trace %s: %s", path, strerror(errno));
}

static bool connect_images(const struct options *options)
{
    for (unsigned i = 0; i < options->image_count; i++) {
        const struct option_image *named = &options->images[i];
        struct control_image image = {
            .path = named->path, .flags = named->cdrom ? VMINI_CONNECT_CDROM : options->disk_flags};
        VMINI_CONNECT_OUT out;

        if (!control_connect(&image, &out)) {
            return false;
        }
        host_settle();
        printf("%u:%u:%u  %s  %" PRIu64 " blocks of %u bytes\n", out.Address.Path,
               out.Address.Target, out.Address.Lun, image.path, (uint64_t)out.BlockCount,
               (unsigned)out.BlockSize);
    }
    return true;
}

/** Is there another line? Meanwhile the control socket is served. */
static bool next_line(FILE *file, char **line, size_t *size)
{
    return (file == stdin ? loop_until_input(STDIN_FILENO) : loop_turn()) &&
           getline(line, size, file) != -1;
}

/** Obeys a file line by line. \return false at the first error. */
static bool run_script(struct session *session, FILE *file, const char *name)
{
    char *line = NULL, place[512];
    size_t size = 0;
    unsigned number = 0;
    bool ok = true;

    while (ok && !session->quit && next_line(file, &line, &size)) {
        snprintf(place, sizeof(place), "%s:%u", name, ++number);
        tool_at(place);
        ok = command_line(session, line);
    }
    if (ok && ferror(file)) {
        ok = tool_fail("check the file", "%s cannot be read: %s", name, strerror(errno));
    }
    tool_at("nthost");
    free(line);
    return ok;
}

static bool is_interactive(const struct options *options)
{
    return options->script == NULL && isatty(STDIN_FILENO);
}

static bool obey(struct session *session, const char *script)
{
    FILE *file;
    bool ok;

    if (script == NULL || strcmp(script, "-") == 0) {
        setvbuf(stdin, NULL, _IONBF, 0); /* What is read is read for good: see next_line. */
        return run_script(session, stdin, "stdin");
    }
    file = fopen(script, "r");
    if (file == NULL) {
        return tool_fail("name a script of commands, or - for standard input", "script %s: %s",
                         script, strerror(errno));
    }
    ok = run_script(session, file, script);
    fclose(file);
    return ok;
}

enum tool_exit run(const struct options *options)
{
    struct session session = {.verbose = options->verbose};
    struct machine_files files = {.driver = ""};
    enum tool_exit failure;
    bool ok;

    setvbuf(stdout, NULL, _IOLBF, 0); /* So that nothing printed is lost if the machine dies. */
    /* What a kept registry has installed is known after the boot. */
    if ((options->machine.host.registry_file == NULL && !options->machine.no_install &&
         !machine_find(&options->machine, &files)) ||
        !open_trace(options)) {
        return TOOL_FAILED;
    }
    trace_enable(options->trace != NULL ? TRACE_ALL : KINDS_FEW);
    ok = options->no_start ? machine_install(&options->machine, &files)
                           : machine_up(&options->machine, &files);
    failure = tool_failure(); /* What a command says later is no matter of usage. */
    ok = ok && connect_images(options) && loop_start(&options->control, !is_interactive(options));
    if (ok && is_interactive(options)) {
        prompt_run(&session, options->control.path != NULL);
    } else if (ok) {
        ok = obey(&session, options->script);
        if (ok && !session.quit) {
            loop_until_signal(); /* A host with a control socket stays. */
        }
    }
    loop_stop();
    ok = machine_down() && ok;
    if (ok && is_interactive(options)) {
        puts("The machine is down; nothing was left behind.");
    }
    write_trace();
    return ok ? TOOL_OK : failure;
}
