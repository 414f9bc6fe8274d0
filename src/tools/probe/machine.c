/*
 * A check's machine: fork, boot, install with the real INF, start, connect, send. The transcript
 * lies in memory that the child shares with its parent; everything that the child learns is there
 * when it ends, however it ends.
 */
#include "tools/probe/images.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS    20
#define CHILD_DONE 0
#define SEED       1

/** What the child needs to know. */
struct job {
    const struct check *check;
    const struct probe_driver *driver;
    const struct probe_options *options;
    struct unit_image units[2];
    unsigned unit_count;
    struct transcript *transcript;
};

/* In the child: where the bugcheck observer writes to. */
static struct transcript *observed;

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
                         const struct job *job, uint8_t *data)
{
    static const int64_t from_end[] = {[LBA_LAST] = -1, [LBA_END] = 0, [LBA_BEYOND] = 1};
    const struct probe_address *at = &job->options->address;

    request->path = at->path;
    request->target = (uint8_t)(at->target + step->target);
    request->lun = (uint8_t)(at->lun + step->lun);
    memcpy(request->cdb, step->cdb, sizeof(step->cdb));
    request->cdb_length = step->cdb_length != 0 ? step->cdb_length : group_length(step->cdb[0]);
    if (step->lba != LBA_AS_WRITTEN) {
        put_lba(request->cdb, job->transcript->blocks + (uint64_t)from_end[step->lba]);
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

static bool send_step(const struct job *job, const struct step *step, struct answer *answer)
{
    struct host_request *request = host_request_create();
    uint8_t *data = malloc(step->length + 1);

    if (request == NULL || data == NULL) {
        return false;
    }
    fill_data(step, data);
    fill_request(request, step, job, data);
    host_execute(request);
    keep(answer, request, data);
    free(data);
    host_request_free(request);
    return true;
}

/* --- the child --- */

static void see_bugcheck(void)
{
    const struct host_bugcheck *bugcheck = host_bugcheck();

    observed->ending = ENDED_BUGCHECK;
    snprintf(observed->words, sizeof(observed->words), "bugcheck 0x%X %s: %s", bugcheck->code,
             bugcheck->name, bugcheck->text);
}

static bool start_machine(const struct job *job)
{
    struct host_options options = {
        .sched = {.kind = SCHED_SEEDED, .seed = SEED, .strategy = SCHED_RANDOM},
        .verifier = true,
        .srb_type = job->check->legacy ? HOST_SRB_LEGACY : HOST_SRB_EXTENDED,
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

/** The child ends without taking the machine down: a check is about answers, and what is left
 *  behind at the end has checks of its own elsewhere. */
static _Noreturn void be_child(const struct job *job, int text)
{
    struct transcript *transcript = job->transcript;
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

    dup2(text, STDERR_FILENO);
    dup2(nothing, STDOUT_FILENO);
    alarm(SECONDS);
    observed = transcript;
    host_on_bugcheck(see_bugcheck);
    if (!start_machine(job) || !connect_units(job)) {
        transcript->ending = ENDED_UNUSABLE;
        _exit(CHILD_DONE);
    }
    transcript->bus_type = host_bus_type();
    for (unsigned i = 0; i < check_steps(job->check); i++) {
        if (!send_step(job, &job->check->steps[i], &transcript->answers[i])) {
            transcript->ending = ENDED_UNUSABLE;
            _exit(CHILD_DONE);
        }
        transcript->count = i + 1;
    }
    transcript->ending = ENDED_WELL;
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

static void take_text(int text, struct transcript *transcript)
{
    ssize_t length = pread(text, transcript->words, sizeof(transcript->words) - 1, 0);

    transcript->words[length > 0 ? length : 0] = '\0';
}

/** Says how the child ended, where it did not say so itself. */
static void take_status(int status, int text, struct transcript *transcript)
{
    if (WIFSIGNALED(status)) {
        transcript->ending = WTERMSIG(status) == SIGALRM ? ENDED_TIMEOUT : ENDED_SIGNAL;
        snprintf(transcript->words, sizeof(transcript->words),
                 transcript->ending == ENDED_TIMEOUT ? "nothing: the command did not end"
                                                     : "signal %d: %s",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (transcript->ending == ENDED_UNUSABLE || transcript->ending == ENDED_NOT) {
        transcript->ending = ENDED_UNUSABLE;
        take_text(text, transcript);
    }
}

/** Forks, where there is something to run on. */
static void start_child(struct machine *machine, const struct job *job)
{
    struct transcript *transcript = job->transcript;

    if (job->unit_count == 0) {
        snprintf(transcript->words, sizeof(transcript->words),
                 "no image for a %s\n    what to do: set TMPDIR to a file system with room and "
                 "sparse files\n",
                 bus_name(job->check->bus));
        return;
    }
    read_image(transcript, &job->units[0]);
    fflush(NULL);
    machine->text = memfd_create("stderr", MFD_CLOEXEC);
    machine->child = machine->text >= 0 ? fork() : -1;
    if (machine->child == 0) {
        be_child(job, machine->text);
    }
    if (machine->child < 0) {
        snprintf(transcript->words, sizeof(transcript->words), "no child process: %s\n",
                 strerror(errno));
    }
}

bool machine_start(struct machine *machine, unsigned slot, const struct check *check,
                   const struct probe_driver *driver, const struct probe_options *options,
                   struct images *images)
{
    struct job job = {.check = check, .driver = driver, .options = options};
    struct transcript *transcript =
        mmap(NULL, sizeof(*transcript), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    *machine = (struct machine){-1, -1, NULL};
    if (transcript == MAP_FAILED) {
        return false;
    }
    machine->transcript = transcript;
    job.transcript = transcript;
    job.unit_count = images_for(images, slot, check, job.units);
    start_child(machine, &job);
    return true;
}

struct transcript *machine_wait(struct machine *machine)
{
    struct transcript *transcript = machine->transcript;
    int status = 0;

    if (machine->child < 0) {
        transcript->ending = ENDED_UNUSABLE; /* start_child() has said why. */
    } else {
        while (waitpid(machine->child, &status, 0) < 0 && errno == EINTR) {
        }
        take_status(status, machine->text, transcript);
    }
    if (machine->text >= 0) {
        close(machine->text);
    }
    *machine = (struct machine){-1, -1, NULL};
    return transcript;
}

void transcript_free(struct transcript *transcript)
{
    if (transcript != NULL) {
        munmap(transcript, sizeof(*transcript));
    }
}
