/*
 * A machine: fork, boot, install with the real INF, start, connect; then, for each check, fork
 * again and send. Transcripts lie in memory that all these processes share; everything that one of
 * them learns is there when it ends, however it ends.
 */
#include "tools/probe/images.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS    20
#define CHILD_DONE 0
#define SEED       1
#define NO_CHILD   "no child process: %s\n"

/** What the machine's process needs to know. */
struct job {
    struct result *const *results; /**< Their checks have the same set-up. */
    unsigned count;
    const struct probe_driver *driver;
    const struct probe_options *options;
    struct unit_image units[2];
    unsigned unit_count;
    int text;
};

/* In a child: the checks that this process runs, for the bugcheck observer. */
static struct result *const *observed;
static unsigned observed_count;

/* --- one command --- */

static uint8_t group_length(uint8_t opcode)
{
    static const uint8_t lengths[8] = {6, 10, 10, 6, 16, 12, 6, 6};

    return lengths[opcode >> 5];
}

/** Puts the LBA of a 6, 10, 12 or 16 byte CDB in. */
static void put_lba(uint8_t *cdb, uint64_t lba)
{
    unsigned width = group_length(cdb[0]) == 16 ? 8 : 4;

    for (unsigned i = 0; i < width; i++) {
        cdb[2 + i] = (uint8_t)(lba >> (8 * (width - 1 - i)));
    }
}

static void fill_request(struct host_request *request, const struct step *step,
                         const struct job *job, uint64_t blocks, uint8_t *data)
{
    static const int64_t from_end[] = {[LBA_LAST] = -1, [LBA_END] = 0, [LBA_BEYOND] = 1};
    const struct probe_address *at = &job->options->address;

    request->path = at->path;
    request->target = (uint8_t)(at->target + step->target);
    request->lun = (uint8_t)(at->lun + step->lun);
    memcpy(request->cdb, step->cdb, sizeof(step->cdb));
    request->cdb_length = step->cdb_length != 0 ? step->cdb_length : group_length(step->cdb[0]);
    if (step->lba != LBA_AS_WRITTEN) {
        put_lba(request->cdb, blocks + (uint64_t)from_end[step->lba]);
    }
    request->direction = step->direction;
    request->data = step->length != 0 ? data : NULL;
    request->data_length = step->length;
    request->no_autosense = step->no_autosense;
    request->sense_length = step->no_sense ? 0 : step->sense != 0 ? step->sense : 255;
    memset(request->sense, POISON, sizeof(request->sense));
}

static void keep(struct answer *answer, const struct host_request *request, const uint8_t *data)
{
    uint32_t kept = request->data_length < ANSWER_KEPT ? request->data_length : ANSWER_KEPT;

    memcpy(answer->cdb, request->cdb, sizeof(answer->cdb));
    answer->cdb_length = request->cdb_length;
    answer->direction = request->direction;
    answer->length = request->data_length;
    answer->srb_status = request->srb_status;
    answer->scsi_status = request->scsi_status;
    answer->transferred = request->transferred;
    answer->sense_length = request->sense_valid;
    memcpy(answer->sense, request->sense, sizeof(answer->sense));
    memcpy(answer->data, data, kept);
}

/** What the buffer holds before the command. */
static void fill_data(const struct step *step, uint8_t *data)
{
    memset(data, step->direction == HOST_DATA_OUT ? step->fill : POISON, step->length + 1);
    if (step->halves) {
        memset(data + step->length / 2, step->second, step->length - step->length / 2);
    }
    memcpy(data, step->head, step->head_length);
}

static bool send_step(const struct job *job, const struct step *step, struct transcript *transcript)
{
    struct host_request *request = host_request_create();
    uint8_t *data = malloc(step->length + 1);

    if (request == NULL || data == NULL) {
        return false;
    }
    fill_data(step, data);
    fill_request(request, step, job, transcript->blocks, data);
    host_execute(request);
    keep(&transcript->answers[transcript->count++], request, data);
    free(data);
    host_request_free(request);
    return true;
}

/* --- the machine's process, and its copies --- */

/** For whoever has not ended: all of them, if the machine itself comes to its end. */
static void end_all(struct result *const *results, unsigned count, enum ending ending,
                    const char *words)
{
    for (unsigned i = 0; i < count; i++) {
        struct transcript *transcript = results[i]->transcript;

        if (transcript->ending == ENDED_NOT) {
            snprintf(transcript->words, sizeof(transcript->words), "%s", words);
            transcript->ending = ending;
        }
    }
}

static void complain(struct result *const *results, unsigned count, const char *format,
                     const char *what)
{
    char words[VERDICT_TEXT];

    snprintf(words, sizeof(words), format, what);
    end_all(results, count, ENDED_UNUSABLE, words);
}

static void see_bugcheck(void)
{
    const struct host_bugcheck *bugcheck = host_bugcheck();
    char words[VERDICT_TEXT];

    snprintf(words, sizeof(words), "bugcheck 0x%X %s: %s", bugcheck->code, bugcheck->name,
             bugcheck->text);
    end_all(observed, observed_count, ENDED_BUGCHECK, words);
}

/** Says how the process of these checks ended, where it did not say so itself. */
static void take_status(int status, int text, struct result *const *results, unsigned count)
{
    char words[VERDICT_TEXT] = "";

    if (!WIFSIGNALED(status)) {
        ssize_t length = pread(text, words, sizeof(words) - 1, 0);

        words[length > 0 ? length : 0] = '\0';
        end_all(results, count, ENDED_UNUSABLE, words);
    } else if (WTERMSIG(status) == SIGALRM) {
        end_all(results, count, ENDED_TIMEOUT, "nothing: the command did not end");
    } else {
        snprintf(words, sizeof(words), "signal %d: %s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
        end_all(results, count, ENDED_SIGNAL, words);
    }
}

static int wait_for(int child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static bool start_machine(const struct job *job)
{
    struct host_options options = {
        .sched = {.kind = SCHED_SEEDED, .seed = SEED, .strategy = SCHED_RANDOM},
        .verifier = true,
        .srb_type = job->results[0]->check->legacy ? HOST_SRB_LEGACY : HOST_SRB_EXTENDED,
    };
    struct host_error error;

    if (host_boot(&options, &error) &&
        host_install(job->driver->inf, NULL, job->driver->file, &error) && host_start(&error)) {
        return true;
    }
    fprintf(stderr, "%s\n    what to do: %s\n", error.message, error.remedy);
    return false;
}

static bool connect_units(const struct job *job)
{
    for (unsigned i = 0; i < job->unit_count; i++) {
        struct probe_address at = job->options->address;

        at.lun = (uint8_t)(at.lun + job->units[i].lun);
        if (!job->options->connect(job->units[i].path, job->units[i].kind, &at)) {
            return false;
        }
        host_settle();
    }
    return true;
}

/** Sends a check's commands. The process ends without taking the machine down: a check is about
 *  answers, and what is left behind at the end has checks of its own elsewhere. */
static _Noreturn void run_check(const struct job *job, const struct result *result)
{
    struct transcript *transcript = result->transcript;

    alarm(SECONDS);
    transcript->bus_type = host_bus_type();
    for (unsigned i = 0; i < check_steps(result->check); i++) {
        if (!send_step(job, &result->check->steps[i], transcript)) {
            _exit(CHILD_DONE);
        }
    }
    transcript->ending = ENDED_WELL;
    _exit(CHILD_DONE);
}

/** Runs a check in a copy of this process, which stays as it is for the next one. */
static void run_copy(const struct job *job, struct result *const *result)
{
    int child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* Without the machine's process nobody waits for it. */
        observed = result;
        observed_count = 1;
        run_check(job, *result);
    }
    if (child < 0) {
        complain(result, 1, NO_CHILD, strerror(errno));
    } else {
        take_status(wait_for(child), job->text, result, 1);
    }
}

/** A single check needs no copy. */
static _Noreturn void be_machine(const struct job *job)
{
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

    dup2(job->text, STDERR_FILENO);
    dup2(nothing, STDOUT_FILENO);
    alarm(SECONDS);
    observed = job->results;
    observed_count = job->count;
    host_on_bugcheck(see_bugcheck);
    if (!start_machine(job) || !connect_units(job)) {
        _exit(CHILD_DONE);
    }
    if (job->count == 1) {
        run_check(job, job->results[0]);
    }
    alarm(0);
    for (unsigned i = 0; i < job->count; i++) {
        run_copy(job, &job->results[i]);
    }
    _exit(CHILD_DONE);
}

/* --- the parent --- */

static void read_image(struct transcript *transcript, const struct unit_image *unit)
{
    int fd = open(unit->path, O_RDONLY | O_CLOEXEC);

    transcript->blocks = unit->blocks;
    transcript->block_size = unit->block_size;
    if (fd >= 0) {
        ssize_t length = pread(fd, transcript->image, sizeof(transcript->image), 0);

        (void)length; /* Shorter is seen as zeros, and compared so. */
        close(fd);
    }
}

static bool make_transcripts(const struct job *job)
{
    for (unsigned i = 0; i < job->count; i++) {
        struct transcript *transcript = mmap(NULL, sizeof(*transcript), PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (transcript == MAP_FAILED) {
            return false; /* Those that there are belong to their results. */
        }
        job->results[i]->transcript = transcript;
        if (job->unit_count != 0) {
            read_image(transcript, &job->units[0]);
        }
    }
    return true;
}

/** Forks, where there is something to run on. */
static void start_process(struct machine *machine, struct job *job)
{
    if (job->unit_count == 0) {
        complain(job->results, job->count,
                 "no image for a %s\n    what to do: set TMPDIR to a file system with room and "
                 "sparse files\n",
                 bus_name(job->results[0]->check->bus));
        return;
    }
    fflush(NULL);
    job->text = machine->text = memfd_create("stderr", MFD_CLOEXEC);
    machine->child = machine->text >= 0 ? fork() : -1;
    if (machine->child == 0) {
        be_machine(job);
    }
    if (machine->child < 0) {
        complain(job->results, job->count, NO_CHILD, strerror(errno));
    }
}

bool machine_start(struct machine *machine, unsigned slot, struct result *const *results,
                   unsigned count, const struct probe_driver *driver,
                   const struct probe_options *options, struct images *images)
{
    struct job job = {.results = results, .count = count, .driver = driver, .options = options};

    *machine = (struct machine){-1, -1, results, count};
    job.unit_count = images_for(images, slot, results[0]->check, job.units);
    if (!make_transcripts(&job)) {
        return false;
    }
    start_process(machine, &job);
    return true;
}

void machine_wait(struct machine *machine)
{
    if (machine->child >= 0) {
        take_status(wait_for(machine->child), machine->text, machine->results, machine->count);
    }
    if (machine->text >= 0) {
        close(machine->text);
    }
    *machine = (struct machine){-1, -1, NULL, 0};
}

void transcript_free(struct transcript *transcript)
{
    if (transcript != NULL) {
        munmap(transcript, sizeof(*transcript));
    }
}
