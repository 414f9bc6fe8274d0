/*
 * bench: what the driver and its host cost, as ratios measured in one run.
 *
 *     bench DRIVER                    everything that wall time can tell; mk/bench.sh adds the
 *                                     counted instructions
 *     bench DRIVER --reads N DEVICES  N reads with so many devices connected: what mk/bench.sh
 *                                     counts
 *
 * Each measurement boots a machine of its own in a child process (one machine per process) and
 * sends its figure back through a pipe. The real scheduler, the verifier off; then the verifier on,
 * to show what it costs.
 */
#include <ntifs.h>
#include <ntddscsi.h>

#include "driver/vmini_ioctl.h"
#include "host.h"
#include "nt/nt.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else /* Built without valgrind's headers: there is nobody to tell what to count. */
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IMAGE_BYTES (64u * 1024 * 1024)
#define BLOCK       512u
#define TRANSFER    4096u
#define DEPTH       32u
#define SECONDS     1.0
#define SERVICE     "vmini"

static const char *driver_file;
static char image_path[] = "/tmp/vmini-bench-XXXXXX";

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what, const struct host_error *error)
{
    fprintf(stderr, "bench: %s: %s; %s\n", what, error != NULL ? error->message : strerror(errno),
            error != NULL ? error->remedy : "check the path and the free space");
    _exit(1);
}

/** A small generator: the same positions in every run. */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/** Connects one image. */
static void connect_image(const char *path, unsigned flags)
{
    static VMINI_CONNECT_IN in;
    VMINI_CONNECT_OUT out;
    struct host_error error;
    int32_t status;

    memset(&in, 0, sizeof(in));
    in.Command.Signature = VMINI_COMMAND_SIGNATURE;
    in.Command.Version = VMINI_COMMAND_VERSION;
    in.Command.Code = VminiCommandConnect;
    in.Command.Length = sizeof(in);
    in.Flags = flags;
    memset(&in.Address, 0xFF, sizeof(in.Address));
    if (!host_win32_path(path, in.PathName, VMINI_PATH_LENGTH, &error)) {
        die(path, &error);
    }
    status = host_ioctl_call(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, &in, sizeof(in), &out, sizeof(out),
                             NULL);
    if (status != 0) {
        fprintf(stderr, "bench: connect %s: status %08X\n", path, (unsigned)status);
        _exit(1);
    }
}

/** Boots a machine with `devices` images on it: the real one, and others that are only there. */
static void boot(bool verifier, unsigned devices)
{
    struct host_options options = {.sched = {.kind = SCHED_REAL}, .verifier = verifier};
    struct host_error error;

    if (!host_boot(&options, &error) || !host_install_bare(SERVICE, driver_file, true, &error)) {
        die("boot", &error);
    }
    if (devices > 1) {
        host_set_parameter(SERVICE, "NumberOfBuses", 8);
        host_set_parameter(SERVICE, "MaximumTargets", 128);
        host_set_parameter(SERVICE, "MaximumLuns", 1);
    }
    if (!host_start(&error)) {
        die("start", &error);
    }
    connect_image(image_path, 0);
    for (unsigned i = 1; i < devices; i++) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "%s.%u", image_path, i);
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || ftruncate(fd, (off_t)BLOCK * 8) != 0) {
            die(path, NULL);
        }
        close(fd);
        connect_image(path, 0);
        unlink(path);
    }
    host_settle();
}

/** Fills a READ(10) for a random position. */
static void aim(struct host_request *request, uint64_t *state)
{
    uint32_t lba = next_random(state) % (IMAGE_BYTES / TRANSFER) * (TRANSFER / BLOCK);

    request->cdb[0] = 0x28;
    request->cdb[2] = (uint8_t)(lba >> 24);
    request->cdb[3] = (uint8_t)(lba >> 16);
    request->cdb[4] = (uint8_t)(lba >> 8);
    request->cdb[5] = (uint8_t)lba;
    request->cdb[8] = (uint8_t)(TRANSFER / BLOCK);
}

static struct host_request *new_read(void *data, uint64_t *state)
{
    struct host_request *request = host_request_create();

    request->cdb_length = 10;
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = TRANSFER;
    aim(request, state);
    return request;
}

static void check(const struct host_request *request)
{
    if ((request->srb_status & 0x3F) != 1 || request->transferred != request->data_length) {
        fprintf(stderr, "bench: a request failed: SRB status %02X, %u bytes\n", request->srb_status,
                request->transferred);
        _exit(1);
    }
}

/** One of the DEPTH reads that are under way; each has a line of the cache to itself. */
struct reader {
    _Alignas(64) uint64_t state; /**< Of its positions. */
    uint64_t done;
    KEVENT *ended; /**< Set when the last reader stops. */
};

static atomic_bool stop_reading;
static atomic_uint readers;

/** A read has ended: sends the next one, as a program with asynchronous I/O does.
 *  \irql{<= DISPATCH_LEVEL} */
static void read_on(struct host_request *request)
{
    struct reader *reader = request->context;

    check(request);
    reader->done++;
    if (!atomic_load_explicit(&stop_reading, memory_order_relaxed)) {
        aim(request, &reader->state);
        host_submit(request);
    } else if (atomic_fetch_sub(&readers, 1) == 1) {
        nt_set_event(reader->ended);
    }
}

/** 4 KiB random reads, DEPTH of them in flight at any time. \return IOPS. */
static double read_iops(bool verifier)
{
    static _Alignas(4096) uint8_t data[DEPTH][TRANSFER];
    static struct reader reader[DEPTH];
    const struct timespec duration = {.tv_sec = (time_t)SECONDS};
    struct host_request *requests[DEPTH];
    uint64_t done = 0;
    double start, elapsed;
    KEVENT ended;

    boot(verifier, 1);
    KeInitializeEvent(&ended, NotificationEvent, FALSE);
    atomic_store(&readers, DEPTH);
    for (unsigned i = 0; i < DEPTH; i++) {
        reader[i].state = i;
        reader[i].ended = &ended;
        requests[i] = new_read(data[i], &reader[i].state);
        requests[i]->done = read_on;
        requests[i]->context = &reader[i];
    }
    start = now();
    for (unsigned i = 0; i < DEPTH; i++) {
        host_submit(requests[i]);
    }
    nanosleep(&duration, NULL);
    atomic_store(&stop_reading, true);
    nt_wait(&ended, NULL);
    elapsed = now() - start;
    host_settle(); /* The last of them is still on its way out of its completion. */
    for (unsigned i = 0; i < DEPTH; i++) {
        done += reader[i].done;
        host_request_free(requests[i]);
    }
    host_halt(stderr);
    return (double)done / elapsed;
}

/** INQUIRY round trips in one thread. \return per second. */
static double inquiry_rate(bool verifier)
{
    uint8_t data[36];
    struct host_request *request;
    uint64_t done = 0;
    double start, elapsed;

    boot(verifier, 1);
    request = host_request_create();
    request->cdb[0] = 0x12;
    request->cdb[4] = sizeof(data);
    request->cdb_length = 6;
    request->direction = HOST_DATA_IN;
    request->data = data;
    request->data_length = sizeof(data);
    start = now();
    do {
        for (unsigned i = 0; i < 1000; i++) {
            host_execute(request);
        }
        check(request);
        done += 1000;
        elapsed = now() - start;
    } while (elapsed < SECONDS);
    host_request_free(request);
    host_halt(stderr);
    return (double)done / elapsed;
}

/** The plain loop that the driver is compared with: pread on the same file. \return IOPS. */
static double pread_iops(bool unused)
{
    uint8_t data[TRANSFER];
    int fd = open(image_path, O_RDONLY);
    uint64_t state = 1, done = 0;
    double start = now(), elapsed;

    (void)unused;
    do {
        for (unsigned i = 0; i < 1000; i++) {
            off_t offset = (off_t)(next_random(&state) % (IMAGE_BYTES / TRANSFER)) * TRANSFER;
            if (pread(fd, data, TRANSFER, offset) != TRANSFER) {
                die("pread", NULL);
            }
        }
        done += 1000;
        elapsed = now() - start;
    } while (elapsed < SECONDS);
    close(fd);
    return (double)done / elapsed;
}

/** Resident memory of a machine with one disk that does nothing. \return MiB. */
static double idle_memory(bool verifier)
{
    unsigned long total = 0, resident = 0;
    FILE *statm;

    boot(verifier, 1);
    statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%lu %lu", &total, &resident) != 2) {
        die("/proc/self/statm", NULL);
    }
    fclose(statm);
    host_halt(stderr);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

/** Runs one measurement in a child. */
static double measure(double (*what)(bool), bool argument)
{
    double result = 0;
    int ends[2], status;
    pid_t child = -1;

    if (pipe(ends) != 0 || (child = fork()) < 0) {
        die("fork", NULL);
    }
    if (child == 0) {
        result = what(argument);
        _exit(write(ends[1], &result, sizeof(result)) == sizeof(result) ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &result, sizeof(result)) != sizeof(result)) {
        result = 0;
    }
    close(ends[0]);
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        exit(1);
    }
    return result;
}

static double best_of_three(double (*what)(bool), bool argument)
{
    double best = 0;

    for (int i = 0; i < 3; i++) {
        double once = measure(what, argument);
        best = once > best ? once : best;
    }
    return best;
}

static void make_image(void)
{
    static uint8_t block[1024 * 1024];
    int fd = mkstemp(image_path);

    if (fd < 0) {
        die(image_path, NULL);
    }
    for (unsigned i = 0; i < IMAGE_BYTES / sizeof(block); i++) {
        memset(block, (int)(i + 1), sizeof(block));
        if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block)) {
            die(image_path, NULL);
        }
    }
    close(fd);
}

/** What mk/bench.sh runs under callgrind: reads, one after the other. */
static void counted_reads(unsigned reads, unsigned devices)
{
    static _Alignas(4096) uint8_t data[TRANSFER];
    uint64_t state = 1;
    struct host_request *request;

    boot(false, devices);
    request = new_read(data, &state);
    CALLGRIND_START_INSTRUMENTATION;
    for (unsigned i = 0; i < reads; i++) {
        aim(request, &state);
        host_execute(request);
        check(request);
    }
    CALLGRIND_STOP_INSTRUMENTATION;
    host_request_free(request);
    host_halt(stderr);
}

static void compare(void)
{
    double plain = best_of_three(pread_iops, false);
    double reads = best_of_three(read_iops, false), reads_verified = best_of_three(read_iops, true);
    double inquiries = best_of_three(inquiry_rate, false),
           inquiries_verified = best_of_three(inquiry_rate, true);

    printf("%-46s %12s %8s\n", "best of three, one second each", "per second", "ratio");
    printf("%-46s %12.0f %8s\n", "pread, 4 KiB random, one thread", plain, "1.00");
    printf("%-46s %12.0f %8.3f\n", "READ(10), 4 KiB random, depth 32", reads, reads / plain);
    printf("%-46s %12.0f %8.3f\n", "  the same with the verifier on", reads_verified,
           reads_verified / plain);
    printf("%-46s %12.0f %8s\n", "INQUIRY round trip, one thread", inquiries, "");
    printf("%-46s %12.0f %8.3f\n", "  the same with the verifier on (to INQUIRY off)",
           inquiries_verified, inquiries_verified / inquiries);
    printf("%-46s %12.1f %8s\n", "idle host with one disk, MiB resident",
           measure(idle_memory, false), "");
}

int main(int argc, char **argv)
{
    if (argc != 2 && !(argc == 5 && strcmp(argv[2], "--reads") == 0)) {
        fprintf(stderr, "usage: bench DRIVER [--reads N DEVICES]\n");
        return 2;
    }
    driver_file = argv[1];
    make_image();
    if (argc == 5) {
        counted_reads((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
    } else {
        compare();
    }
    unlink(image_path);
    return 0;
}
