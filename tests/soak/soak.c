/*
 * soak: a seeded storm of operations on one unit over two sessions, against a model of every byte.
 *
 *     soak URL [--seed N] [--operations N] [--depth N] [--model FILE] [--no-unmap]
 *
 * Writes, reads, unmaps and flushes, so many of them in flight at any time, alternating between two
 * sessions of one target. Operations in flight never overlap, so what a read must find is known when
 * it is sent. At the end the whole unit is read back, and the model is written to FILE, to be compared
 * with the image. The client is libiscsi's, not ours. Exit status 1: a byte was wrong or a command
 * failed.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS    2
#define MOST_BLOCKS 256u
#define MOST_DEPTH  256u
#define BLOCK       512u

enum kind { WRITE, READ, UNMAP, FLUSH, KINDS };

struct operation {
    enum kind kind;
    bool busy;
    uint32_t lba, blocks;
    uint8_t *data;
    struct session *session;
};

struct session {
    struct iscsi_context *iscsi;
    int lun;
};

static struct session sessions[SESSIONS];
static struct operation operations[MOST_DEPTH];
static uint8_t *model;
static uint32_t blocks_of_unit;
static unsigned in_flight, depth = 32;
static uint64_t state = 1, done[KINDS], wanted = 100000, started;
static bool unmaps = true;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "soak: %s: %s\n", what, why);
    exit(1);
}

static uint32_t next_random(uint32_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % limit);
}

/** Would it overlap with one that is in flight? */
static bool overlaps(uint32_t lba, uint32_t blocks)
{
    for (unsigned i = 0; i < depth; i++) {
        const struct operation *other = &operations[i];

        if (other->busy && lba < other->lba + other->blocks && other->lba < lba + blocks) {
            return true;
        }
    }
    return false;
}

static void check(struct operation *operation, int status, struct scsi_task *task)
{
    size_t offset = (size_t)operation->lba * BLOCK, length = (size_t)operation->blocks * BLOCK;

    if (status != SCSI_STATUS_GOOD) {
        die("a command failed", iscsi_get_error(operation->session->iscsi));
    }
    if (operation->kind != READ) {
        return;
    }
    if ((size_t)task->datain.size != length) {
        die("a read", "fewer data than wanted");
    }
    for (size_t i = 0; i < length; i++) {
        if (task->datain.data[i] != model[offset + i]) {
            fprintf(stderr, "soak: byte %zu is %02x, not %02x, after %" PRIu64 " operations\n",
                    offset + i, task->datain.data[i], model[offset + i], started);
            exit(1);
        }
    }
}

static void ended(struct iscsi_context *iscsi, int status, void *command, void *context)
{
    struct operation *operation = context;

    (void)iscsi;
    check(operation, status, command);
    scsi_free_scsi_task(command);
    done[operation->kind]++;
    operation->busy = false;
    in_flight--;
}

/** What a write leaves: different for each, and not of one period. */
static void fill(struct operation *operation)
{
    uint64_t word = state;

    for (size_t i = 0; i < (size_t)operation->blocks * BLOCK; i += 8) {
        word = word * 2862933555777941757u + 3037000493u;
        memcpy(operation->data + i, &word, 8);
    }
    memcpy(model + (size_t)operation->lba * BLOCK, operation->data,
           (size_t)operation->blocks * BLOCK);
}

static struct scsi_task *send(struct operation *operation)
{
    struct session *session = operation->session;
    uint32_t length = operation->blocks * BLOCK;
    struct unmap_list list = {.lba = operation->lba, .num = operation->blocks};

    switch (operation->kind) {
    case WRITE:
        fill(operation);
        return iscsi_write10_task(session->iscsi, session->lun, operation->lba, operation->data,
                                  length, BLOCK, 0, 0, 0, 0, 0, ended, operation);
    case READ:
        return iscsi_read10_task(session->iscsi, session->lun, operation->lba, length, BLOCK, 0, 0,
                                 0, 0, 0, ended, operation);
    case UNMAP:
        memset(model + (size_t)operation->lba * BLOCK, 0, length);
        return iscsi_unmap_task(session->iscsi, session->lun, 0, 0, &list, 1, ended, operation);
    default:
        return iscsi_synchronizecache10_task(session->iscsi, session->lun, 0, 0, 0, 0, ended,
                                             operation);
    }
}

/** Starts one more: 45 % writes, 45 % reads, 9 % unmaps, 1 % flushes. */
static void start(struct operation *operation)
{
    uint32_t dice = next_random(100);

    operation->kind = dice < 45 ? WRITE : dice < 90 ? READ : dice < 99 ? UNMAP : FLUSH;
    if (operation->kind == UNMAP && !unmaps) {
        operation->kind = READ;
    }
    do {
        operation->blocks = operation->kind == FLUSH ? 0 : 1 + next_random(MOST_BLOCKS);
        operation->lba = next_random(blocks_of_unit - operation->blocks + 1);
    } while (overlaps(operation->lba, operation->blocks));
    operation->session = &sessions[started++ % SESSIONS];
    operation->busy = true;
    in_flight++;
    if (send(operation) == NULL) {
        die("a command could not be sent", iscsi_get_error(operation->session->iscsi));
    }
}

static void service(void)
{
    struct pollfd files[SESSIONS];

    for (unsigned i = 0; i < SESSIONS; i++) {
        files[i] = (struct pollfd){.fd = iscsi_get_fd(sessions[i].iscsi),
                                   .events = (short)iscsi_which_events(sessions[i].iscsi)};
    }
    if (poll(files, SESSIONS, 60000) <= 0) {
        die("the target", "no answer for a minute");
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        if (files[i].revents != 0 && iscsi_service(sessions[i].iscsi, files[i].revents) != 0) {
            die("a session ended", iscsi_get_error(sessions[i].iscsi));
        }
    }
}

static void storm(void)
{
    while (started < wanted || in_flight != 0) {
        for (unsigned i = 0; i < depth && started < wanted; i++) {
            if (!operations[i].busy) {
                start(&operations[i]);
            }
        }
        service();
    }
}

/** Reads everything, a session each half. */
static void read_back(void)
{
    for (uint32_t lba = 0; lba < blocks_of_unit; lba += MOST_BLOCKS) {
        struct operation *operation = &operations[0];
        uint32_t left = blocks_of_unit - lba;

        operation->kind = READ;
        operation->lba = lba;
        operation->blocks = left < MOST_BLOCKS ? left : MOST_BLOCKS;
        operation->session = &sessions[lba / MOST_BLOCKS % SESSIONS];
        operation->busy = true;
        in_flight++;
        if (send(operation) == NULL) {
            die("a read could not be sent", iscsi_get_error(operation->session->iscsi));
        }
        while (in_flight != 0) {
            service();
        }
    }
}

static void connect_session(struct session *session, const char *url, unsigned number)
{
    char name[64];
    struct iscsi_url *parsed;

    snprintf(name, sizeof(name), "iqn.2010-05.example.vmini:soak-%u", number);
    session->iscsi = iscsi_create_context(name);
    parsed = session->iscsi != NULL ? iscsi_parse_full_url(session->iscsi, url) : NULL;
    if (parsed == NULL) {
        die(url, session->iscsi != NULL ? iscsi_get_error(session->iscsi) : "no memory");
    }
    iscsi_set_targetname(session->iscsi, parsed->target);
    iscsi_set_session_type(session->iscsi, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(session->iscsi,
                            number == 0 ? ISCSI_HEADER_DIGEST_NONE : ISCSI_HEADER_DIGEST_CRC32C);
    session->lun = parsed->lun;
    if (iscsi_full_connect_sync(session->iscsi, parsed->portal, parsed->lun) != 0) {
        die(url, iscsi_get_error(session->iscsi));
    }
    iscsi_set_noautoreconnect(session->iscsi, 1);
    iscsi_destroy_url(parsed);
}

/** Size of the unit; the model begins as what is there. */
static void learn(void)
{
    struct scsi_task *task = iscsi_readcapacity10_sync(sessions[0].iscsi, sessions[0].lun, 0, 0);
    struct scsi_readcapacity10 *capacity = task != NULL ? scsi_datain_unmarshall(task) : NULL;

    if (capacity == NULL || capacity->block_size != BLOCK) {
        die("the unit", "its capacity cannot be read, or its blocks are not of 512 bytes");
    }
    blocks_of_unit = capacity->lba + 1;
    scsi_free_scsi_task(task);
    model = calloc(blocks_of_unit, BLOCK);
    for (unsigned i = 0; i < depth; i++) {
        operations[i].data = malloc((size_t)MOST_BLOCKS * BLOCK);
        if (model == NULL || operations[i].data == NULL) {
            die("the model", "no memory");
        }
    }
}

static void write_model(const char *path)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(model, BLOCK, blocks_of_unit, file) != blocks_of_unit ||
        fclose(file) != 0) {
        die(path, strerror(errno));
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},  {"operations", required_argument, NULL, 'n'},
        {"depth", required_argument, NULL, 'd'}, {"model", required_argument, NULL, 'm'},
        {"no-unmap", no_argument, NULL, 'u'},    {0}};
    const char *model_file = NULL;
    int code;

    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        state = code == 's' ? strtoull(optarg, NULL, 0) : state;
        wanted = code == 'n' ? strtoull(optarg, NULL, 0) : wanted;
        depth = code == 'd' ? (unsigned)strtoul(optarg, NULL, 0) : depth;
        model_file = code == 'm' ? optarg : model_file;
        unmaps = unmaps && code != 'u';
    }
    if (optind != argc - 1 || depth == 0 || depth > MOST_DEPTH) {
        fprintf(stderr,
                "usage: soak URL [--seed N] [--operations N] [--depth 1..%u] [--model "
                "FILE] [--no-unmap]\n",
                MOST_DEPTH);
        return 2;
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        connect_session(&sessions[i], argv[optind], i);
    }
    learn();
    storm();
    read_back();
    for (unsigned i = 0; i < SESSIONS; i++) {
        iscsi_logout_sync(sessions[i].iscsi);
        iscsi_destroy_context(sessions[i].iscsi);
    }
    if (model_file != NULL) {
        write_model(model_file);
    }
    printf("%" PRIu64 " operations at depth %u over %d sessions: %" PRIu64 " writes, %" PRIu64
           " reads, %" PRIu64 " unmaps, %" PRIu64 " flushes; every byte is as the model says\n",
           started, depth, SESSIONS, done[WRITE], done[READ], done[UNMAP], done[FLUSH]);
    return 0;
}
