/**
 * \file
 * `nthost serve` as others meet it: the program VMINI_NTHOST, sockets on loopback, a port that is
 * free. What the state machine does is tested without sockets elsewhere; here it is that the server
 * lives, whatever comes, and ends well.
 */
#include <CUnit/Basic.h>

#include "initiator.h"
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ARGUMENTS 16
#define IMAGE_BYTES    (1 << 20)

static char nthost[PATH_MAX], driver[PATH_MAX], directory[PATH_MAX];
static struct answer answer;

/** A server that runs, or has run. */
struct server_process {
    pid_t pid;
    FILE *output; /**< Standard output and error. */
    unsigned port;
    char text[8192]; /**< What it has said. */
};

static const char *at(const char *name)
{
    static char path[2 * PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void make_file(const char *name, const void *bytes, size_t length, off_t size, mode_t mode)
{
    int fd = open(at(name), O_RDWR | O_CREAT | O_TRUNC, 0600);

    CU_ASSERT_FATAL(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    CU_ASSERT(size == 0 || ftruncate(fd, size) == 0);
    CU_ASSERT(fchmod(fd, mode) == 0 && close(fd) == 0);
}

/** Starts `nthost serve` with these arguments, up to NULL, and reads until "ready" or the end. */
static struct server_process start(const char *const *arguments)
{
    char *list[MOST_ARGUMENTS + 4] = {nthost, "serve", "--driver", driver};
    struct server_process server = {.pid = -1};
    int ends[2], count = 4;
    char line[512];

    for (; *arguments != NULL && count < MOST_ARGUMENTS + 3; arguments++) {
        list[count++] = (char *)(uintptr_t)*arguments;
    }
    CU_ASSERT_FATAL(pipe(ends) == 0);
    server.pid = fork();
    if (server.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(nthost, list);
        _exit(127);
    }
    close(ends[1]);
    server.output = fdopen(ends[0], "r");
    while (fgets(line, sizeof(line), server.output) != NULL && strcmp(line, "ready\n") != 0) {
        sscanf(line, "%*s %*s iscsi://127.0.0.1:%u/", &server.port);
        strncat(server.text, line, sizeof(server.text) - strlen(server.text) - 1);
    }
    return server;
}

/** A server with one image on any port. */
static struct server_process start_one(const char *more, const char *value)
{
    static char image[2 * PATH_MAX];
    const char *arguments[] = {"--port", "0", image, more, value, NULL};

    make_file("disk.img", "", 0, IMAGE_BYTES, 0600);
    snprintf(image, sizeof(image), "%s", at("disk.img"));
    return start(arguments);
}

/** Ends it. \return exit status, 128 + signal. */
static int stop(struct server_process *server, bool kill_it)
{
    char line[512];
    int status;

    if (kill_it) {
        kill(server->pid, SIGTERM);
    }
    while (fgets(line, sizeof(line), server->output) != NULL) {
        strncat(server->text, line, sizeof(server->text) - strlen(server->text) - 1);
    }
    fclose(server->output);
    CU_ASSERT_EQUAL(waitpid(server->pid, &status, 0), server->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/** It ends well, and says that nothing was left behind. */
static void stops_well(struct server_process *server)
{
    int status = stop(server, true);

    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(server->text, "nothing was left behind"));
    if (status != 0) {
        fprintf(stderr, "\n--- status %d after:\n%s---\n", status, server->text);
    }
}

static int dial(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CU_ASSERT_FATAL(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/** A session over a socket. \return login status. */
static unsigned log_in(struct initiator *one, unsigned port, uint8_t isid, const char *keys)
{
    initiator_begin_socket(one, dial(port));
    one->isid = isid;
    one->keys = keys;
    return initiator_login(one, TARGET_ZERO);
}

/** TEST UNIT READY. \return the SCSI status, -1: no answer. */
static int ready(struct initiator *one)
{
    static const uint8_t cdb[6] = {0};
    uint8_t header[PDU_HEADER];

    initiator_command(one, header, PDU_FINAL, 0, cdb, sizeof(cdb));
    initiator_send(one, header, NULL, 0);
    return initiator_receive(one, &answer) ? answer.header[3] : -1;
}

/** Nothing more comes: the other side has closed. */
static bool closed(struct initiator *one)
{
    while (initiator_receive(one, &answer)) {
    }
    return true;
}

static void written_and_read(void)
{
    struct server_process server = start_one(NULL, NULL);
    static uint8_t data[8192];
    uint8_t header[PDU_HEADER], cdb[10];
    struct initiator one;
    FILE *image;

    memset(data, 0xA5, sizeof(data));
    CU_ASSERT_EQUAL(log_in(&one, server.port, 1,
                           "InitialR2T=No\0MaxRecvDataSegmentLength=65536\0"
                           "HeaderDigest=CRC32C\0DataDigest=CRC32C\0"),
                    0);
    CU_ASSERT_EQUAL(ready(&one), 2);
    rig_cdb(cdb, true, 16, 16);
    initiator_command(&one, header, FINAL_WRITE, sizeof(data), cdb, sizeof(cdb));
    initiator_send(&one, header, data, sizeof(data));
    CU_ASSERT(initiator_receive(&one, &answer) && answer.header[3] == 0);
    rig_cdb(cdb, false, 16, 16);
    initiator_command(&one, header, FINAL_READ, sizeof(data), cdb, sizeof(cdb));
    initiator_send(&one, header, NULL, 0);
    CU_ASSERT(initiator_receive(&one, &answer) && answer.length == sizeof(data) &&
              memcmp(answer.data, data, sizeof(data)) == 0);
    initiator_end(&one);
    stops_well(&server);
    image = fopen(at("disk.img"), "rb");
    CU_ASSERT(image != NULL && fseek(image, 8192, SEEK_SET) == 0 &&
              fread(answer.data, 1, sizeof(data), image) == sizeof(data) &&
              memcmp(answer.data, data, sizeof(data)) == 0);
    fclose(image);
}

/** A CD-ROM cannot say how much it takes at once: a read of any length works. */
static void a_long_read_of_a_cdrom(void)
{
    enum { BYTES = 3 * 1024 * 1024 + 2048 };
    uint8_t header[PDU_HEADER], cdb[10], *image = malloc(BYTES);
    char path[2 * PATH_MAX];
    const char *arguments[] = {"--port", "0", "--cdrom", path, NULL};
    struct server_process server;
    struct initiator one;
    uint32_t done = 0;

    for (size_t i = 0; i < BYTES; i++) {
        image[i] = (uint8_t)(i * 31 + i / 2048);
    }
    make_file("disk.img", image, BYTES, 0, 0600);
    snprintf(path, sizeof(path), "%s", at("disk.img"));
    server = start(arguments);
    CU_ASSERT_EQUAL(log_in(&one, server.port, 1, "MaxRecvDataSegmentLength=262144\0"), 0);
    CU_ASSERT_EQUAL(ready(&one), 2);
    rig_cdb(cdb, false, 0, BYTES / 2048);
    initiator_command(&one, header, FINAL_READ, BYTES, cdb, sizeof(cdb));
    initiator_send(&one, header, NULL, 0);
    do {
        CU_ASSERT_FATAL(initiator_receive(&one, &answer) && answer.header[3] == 0);
        CU_ASSERT_EQUAL(get32(answer.header + PDU_BUFFER_OFFSET), done);
        CU_ASSERT(done + answer.length <= BYTES &&
                  memcmp(answer.data, image + done, answer.length) == 0);
        done += answer.length;
    } while ((answer.header[1] & PDU_STATUS) == 0);
    CU_ASSERT_EQUAL(done, BYTES);
    initiator_end(&one);
    stops_well(&server);
    free(image);
}

/** Random bytes, half PDUs, PDUs of the wrong phase: the server lives, a session beside does not
 * notice. */
static void any_bytes(void)
{
    struct server_process server = start_one("--verifier", NULL);
    struct initiator witness, one;
    uint64_t state = 1;

    CU_ASSERT_EQUAL(log_in(&witness, server.port, 1, NULL), 0);
    CU_ASSERT_EQUAL(ready(&witness), 2);
    for (unsigned i = 0; i < 200; i++) {
        uint8_t bytes[300];

        for (size_t b = 0; b < sizeof(bytes); b++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[b] = (uint8_t)(state >> 40);
        }
        if (i % 2 == 0) {
            initiator_begin_socket(&one, dial(server.port));
        } else {
            CU_ASSERT_EQUAL(log_in(&one, server.port, 2, NULL), 0);
            bytes[PDU_AHS_LENGTH] = 0;
            bytes[PDU_DATA_LENGTH] = bytes[PDU_DATA_LENGTH + 1] = 0;
        }
        initiator_raw(&one, bytes, sizeof(bytes));
        shutdown(one.fd, SHUT_WR);
        CU_ASSERT(closed(&one));
        initiator_end(&one);
        CU_ASSERT_EQUAL(ready(&witness), 0);
    }
    initiator_end(&witness);
    stops_well(&server);
}

static void a_segment_longer_than_agreed(void)
{
    struct server_process server = start_one(NULL, NULL);
    uint8_t header[PDU_HEADER], cdb[10];
    struct initiator one;

    CU_ASSERT_EQUAL(log_in(&one, server.port, 1, NULL), 0);
    rig_cdb(cdb, true, 0, 1024);
    initiator_command(&one, header, FINAL_WRITE, 1024 * 512, cdb, sizeof(cdb));
    put24(header + PDU_DATA_LENGTH, 262144 + 4);
    initiator_raw(&one, header, PDU_HEADER);
    CU_ASSERT(initiator_receive(&one, &answer));
    CU_ASSERT_EQUAL(answer.header[0], PDU_REJECT);
    CU_ASSERT_EQUAL(answer.header[2], REJECT_PROTOCOL);
    CU_ASSERT(closed(&one));
    initiator_end(&one);
    stops_well(&server);
}

/** A client that dies in the middle of a write, a thousand times. */
static void killed_in_mid_write(void)
{
    struct server_process server = start_one("--verifier", NULL);
    static uint8_t data[4096];
    uint8_t header[PDU_HEADER], cdb[10];
    struct initiator one;
    struct linger at_once = {1, 0};

    for (unsigned i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL_FATAL(log_in(&one, server.port, (uint8_t)(i % 3), "InitialR2T=No\0"), 0);
        rig_cdb(cdb, true, 0, 64);
        initiator_command(&one, header, i % 2 == 0 ? FINAL_WRITE : PDU_WRITE, 32768, cdb,
                          sizeof(cdb));
        put24(header + PDU_DATA_LENGTH, sizeof(data));
        initiator_raw(&one, header, PDU_HEADER);
        initiator_raw(&one, data, i * 13 % sizeof(data));
        if (i % 5 == 0) { /* and with a command on the bus */
            initiator_raw(&one, data, sizeof(data) - i * 13 % sizeof(data));
            rig_cdb(cdb, false, 0, 64);
            initiator_command(&one, header, FINAL_READ, 32768, cdb, sizeof(cdb));
            initiator_send(&one, header, NULL, 0);
        }
        setsockopt(one.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        initiator_end(&one);
    }
    CU_ASSERT_EQUAL(log_in(&one, server.port, 9, NULL), 0);
    CU_ASSERT_EQUAL(ready(&one), 2);
    CU_ASSERT_EQUAL(ready(&one), 0);
    initiator_end(&one);
    stops_well(&server);
}

static void an_image_that_disappears(void)
{
    struct server_process server = start_one(NULL, NULL);
    uint8_t header[PDU_HEADER], cdb[10];
    struct initiator one;

    CU_ASSERT_EQUAL(log_in(&one, server.port, 1, NULL), 0);
    CU_ASSERT_EQUAL(ready(&one), 2);
    CU_ASSERT_EQUAL(truncate(at("disk.img"), 0), 0);
    rig_cdb(cdb, false, 100, 1);
    initiator_command(&one, header, FINAL_READ, 512, cdb, sizeof(cdb));
    initiator_send(&one, header, NULL, 0);
    CU_ASSERT(initiator_receive(&one, &answer) && answer.header[3] == 2);
    CU_ASSERT_EQUAL(answer.data[4] & 15, 3); /* MEDIUM ERROR: the driver's own words */
    CU_ASSERT_EQUAL(ready(&one), 0);
    CU_ASSERT_EQUAL(unlink(at("disk.img")), 0);
    CU_ASSERT_EQUAL(ready(&one), 0);
    initiator_end(&one);
    stops_well(&server);
}

static void only_who_knows_the_secret(void)
{
    char account[2 * PATH_MAX + 16];
    struct server_process server;
    struct initiator one;

    make_file("secret", "twelve bytes and more\n", 22, 0, 0600);
    snprintf(account, sizeof(account), "alice:%s", at("secret"));
    server = start_one("--chap", account);
    CU_ASSERT_EQUAL(log_in(&one, server.port, 1, NULL), LOGIN_AUTHENTICATION);
    CU_ASSERT(closed(&one));
    initiator_end(&one);
    stops_well(&server);
}

/** Starts with these arguments; it must end with a status, and say something. */
static void refuses(int status, const char *what, const char *one, const char *two,
                    const char *three, const char *four)
{
    const char *arguments[] = {one, two, three, four, NULL};
    struct server_process server = start(arguments);
    int ended = stop(&server, false);

    if (ended != status || strstr(server.text, what) == NULL ||
        strstr(server.text, "what to do: ") == NULL) {
        fprintf(stderr, "\n--- status %d, not %d, or \"%s\" is missing:\n%s---\n", ended, status,
                what, server.text);
        CU_FAIL("an error that is not clear");
    }
}

static void errors_are_clear(void)
{
    struct server_process server;
    char port[16], image[2 * PATH_MAX], account[2 * PATH_MAX + 16];

    server = start_one(NULL, NULL);
    snprintf(port, sizeof(port), "%u", server.port);
    make_file("other.img", "", 0, IMAGE_BYTES, 0600);
    snprintf(image, sizeof(image), "%s", at("other.img"));
    refuses(1, "Address already in use", image, "--port", port, NULL);
    stops_well(&server);
    refuses(1, "there is no such file", at("missing.img"), "--port", "0", NULL);
    refuses(2, "nothing to serve", "--port", "0", NULL, NULL);
    refuses(2, "unknown or ambiguous option", "--nonsense", NULL, NULL, NULL);
    refuses(2, "port", image, "--port", "70000", NULL);
    refuses(1, "nobody would be asked", image, "--listen", "0.0.0.0", NULL);
    refuses(2, "is no USER:FILE", image, "--chap", "alice", NULL);
    make_file("short", "short\n", 6, 0, 0600);
    snprintf(account, sizeof(account), "alice:%s", at("short"));
    refuses(2, "has 5 bytes", image, "--chap", account, NULL);
    make_file("open", "twelve bytes and more\n", 22, 0, 0644);
    snprintf(account, sizeof(account), "alice:%s", at("open"));
    refuses(2, "others may read it", image, "--chap", account, NULL);
    refuses(2, "No such file", image, "--chap", "alice:/nonexistent", NULL);
}

static int set_up(void)
{
    const char *program = getenv("VMINI_NTHOST"), *image = getenv("VMINI_DRIVER");

    snprintf(directory, sizeof(directory), "/tmp/vmini-serve-XXXXXX");
    signal(SIGPIPE, SIG_IGN);
    return program == NULL || image == NULL || realpath(program, nthost) == NULL ||
           realpath(image, driver) == NULL || mkdtemp(directory) == NULL;
}

static int clean_up(void)
{
    static const char *const files[] = {"disk.img", "other.img", "secret", "short", "open"};

    for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        unlink(at(files[i]));
    }
    return rmdir(directory);
}

CU_ErrorCode register_serve_suite(void)
{
    CU_TestInfo tests[] = {
        {"written, read, and in the image", written_and_read},
        {"a long read of a CD-ROM", a_long_read_of_a_cdrom},
        {"any bytes", any_bytes},
        {"a data segment longer than agreed", a_segment_longer_than_agreed},
        {"a client killed in mid-write, 1,000 times", killed_in_mid_write},
        {"an image that disappears", an_image_that_disappears},
        {"only who knows the secret", only_who_knows_the_secret},
        {"errors are clear", errors_are_clear},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"iscsi: nthost serve", set_up, clean_up, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
