/**
 * \file
 * The management application vminictl, and the control socket that it talks through: what it does,
 * what it says, who may, and what the host does with a peer that is none.
 */
#include "tools/background.h"

#include <cjson/cJSON.h>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/control/types.h"
#include "tools/control/wire.h"

#define SOCKET "host.sock"

static char vminictl[PATH_MAX];

static int set_up(void)
{
    const char *program = getenv("VMINI_VMINICTL");

    if (program == NULL || realpath(program, vminictl) == NULL) {
        fprintf(stderr, "set VMINI_VMINICTL, as `make test` does\n");
        return 1;
    }
    setenv("VMINI_CONTROL", SOCKET, 1);
    return shell_set_up();
}

static int tear_down(void)
{
    unsetenv("VMINI_CONTROL");
    return shell_tear_down();
}

static pid_t running; /**< The host of a test that has not ended it; 0 = none. */

/** A host with a control socket, and options up to NULL. */
static struct background start_host(const char *first, ...)
{
    char *arguments[32] = {shell.nthost, (char *)"run",       (char *)"--driver",
                           shell.driver, (char *)"--control", (char *)SOCKET};
    struct background host;
    int count = 6;
    va_list list;

    va_start(list, first);
    for (const char *word = first; word != NULL && count < 31; word = va_arg(list, const char *)) {
        arguments[count++] = (char *)(uintptr_t)word;
    }
    va_end(list);
    if (running != 0) {
        kill(running, SIGKILL); /* Of a test that has failed. */
        waitpid(running, NULL, 0);
    }
    host = background_start(shell.nthost, arguments);
    running = host.process;
    CU_ASSERT_FATAL(background_prints(&host, "control socket: " SOCKET "\n"));
    return host;
}

/** Ends a host in order; it must have nothing to complain about. */
static void end_host(struct background *host)
{
    struct result result = background_end(host, SIGTERM);

    running = 0;
    CU_ASSERT(ended(&result, 0));
    CU_ASSERT(access(SOCKET, F_OK) != 0);
    free(result.text);
}

/** Runs vminictl with these arguments, up to NULL. */
static struct result control(const char *first, ...)
{
    char *arguments[32] = {vminictl};
    int count = 1;
    va_list list;

    va_start(list, first);
    for (const char *word = first; word != NULL && count < 31; word = va_arg(list, const char *)) {
        arguments[count++] = (char *)(uintptr_t)word;
    }
    va_end(list);
    return shell_spawn(vminictl, arguments, "/dev/null");
}

/* --- the command line --- */

static void test_usage(void)
{
    EXPECT(control(NULL), 2, "usage: vminictl COMMAND");
    EXPECT(control("--help", NULL), 0, "vminictl connect PATH", "vminictl watch", "Exit status:");
    EXPECT(control("list", "--help", NULL), 0, "usage: vminictl COMMAND");
    EXPECT(control("--version", NULL), 0, "vminictl 1.");
    EXPECT(control("fly", NULL), 2, "there is no command \"fly\"", "what to do");
    EXPECT(control("list", "--fast", NULL), 2, "list: unknown or ambiguous option --fast");
    EXPECT(control("list", "all", NULL), 2, "usage: vminictl list");
    EXPECT(control("connect", NULL), 2, "usage: vminictl connect PATH");
    EXPECT(control("connect", "a", "b", NULL), 2, "put quotes around a path with blanks");
    EXPECT(control("connect", "a", "--at", NULL), 2, "a value is missing behind --at");
    EXPECT(control("connect", "a", "--at", "0:300:0", NULL), 2, "\"0:300:0\" is no address");
    EXPECT(control("connect", "", NULL), 2, "an empty path");
    EXPECT(control("connect", "a:b", NULL), 2, "cannot hold the character ':'");
    EXPECT(control("watch", "--count", "few", NULL), 2, "--count \"few\" is no number");
}

static void test_no_adapter(void)
{
    char *arguments[] = {shell.nthost, (char *)"run",       (char *)"--driver",
                         shell.driver, (char *)"--control", (char *)SOCKET,
                         NULL};
    struct background host;

    EXPECT(control("list", NULL), 3, SOCKET ": no adapter: no host listens there", "what to do");
    unsetenv("VMINI_CONTROL");
    EXPECT(control("list", NULL), 3, "no control socket of a running host was named",
           "VMINI_CONTROL");
    EXPECT(control("list", "--control", "no/where", NULL), 3, "no/where: no adapter");
    setenv("VMINI_CONTROL", SOCKET, 1);
    host = start_host("--no-start", NULL);
    EXPECT(control("ping", NULL), 3, "the host runs, but none is started");
    background_line(&host, "start\n");
    CU_ASSERT(background_prints(&host, "started"));
    EXPECT(control("ping", NULL), 0, "interface version 1");
    end_host(&host);
    /* A host that was killed leaves its socket; the next one takes its place. */
    host = background_start(shell.nthost, arguments);
    CU_ASSERT(background_prints(&host, "control socket"));
    free(background_end(&host, SIGKILL).text);
    CU_ASSERT(access(SOCKET, F_OK) == 0);
    EXPECT(control("list", NULL), 3, "no host listens there");
    host = start_host(NULL);
    EXPECT(control("ping", NULL), 0, "0 connected");
    end_host(&host);
}

/* --- what it does --- */

static void round_trip(const char *option)
{
    struct background host = start_host(option, NULL);

    make_image("disk.img", 1 << 20);
    make_image("cd.iso", 1 << 20);
    mkdir("a b", 0755);
    EXPECT(control("ping", NULL), 0,
           "vmini, interface version 1: 1 bus(es) x 16 targets x 8 logical units, 0 connected");
    EXPECT(control("list", NULL), 0, "nothing is connected");
    EXPECT(control("connect", "disk.img", "--removable", "--thin", "--at", "0:3:1", NULL), 0,
           "0:3:1  disk.img  2048 blocks of 512 bytes (1.0 MiB)");
    EXPECT(control("connect", "cd.iso", "--cdrom", NULL), 0,
           "0:0:0  cd.iso  512 blocks of 2048 bytes");
    EXPECT(control("list", NULL), 0, "0:3:1  enumerated    1.0 MiB removable thin  ",
           "0:0:0  enumerated    1.0 MiB CD-ROM", "/disk.img");
    background_line(&host, "write 0:3:1 0 4 ones\nunits\n");
    CU_ASSERT(background_prints(&host, "4 block(s) of 512 bytes written from LBA 0"));
    EXPECT(control("disconnect", "0:0:0", "--force", NULL), 0, ""); /* Here nothing is mounted. */
    EXPECT(control("disconnect", "a b/../disk.img", NULL), 0, "");
    EXPECT(control("list", NULL), 0, "nothing is connected");
    end_host(&host);
}

static void test_round_trip(void)
{
    round_trip(NULL);
    round_trip("--real");
}

/** Parses one answer. */
static cJSON *parse(const struct result *result)
{
    cJSON *json = cJSON_Parse(result->text);

    CU_ASSERT(ended(result, 0));
    CU_ASSERT_FATAL(json != NULL);
    return json;
}

static double number(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    CU_ASSERT_FATAL(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void test_json(void)
{
    struct background host = start_host("--unc", "net", NULL);
    struct result result;
    char path[PATH_MAX + 32];
    const cJSON *item;
    cJSON *json;

    mkdir("a b", 0755);
    make_image("a b/\xC3\xBC '\xF0\x9F\x92\xBE.img", 1 << 20);
    snprintf(path, sizeof(path), "%s/a b/\xC3\xBC '\xF0\x9F\x92\xBE.img", shell.directory);
    result =
        control("connect", "--json", "--read-only", "a b/\xC3\xBC '\xF0\x9F\x92\xBE.img", NULL);
    json = parse(&result);
    CU_ASSERT(number(json, "blockSize") == 512 && number(json, "blockCount") == 2048);
    CU_ASSERT(number(cJSON_GetObjectItem(json, "address"), "target") == 0);
    cJSON_Delete(json);
    free(result.text);

    result = control("list", "--json", NULL);
    json = parse(&result);
    CU_ASSERT_FATAL(cJSON_GetArraySize(json) == 1);
    item = cJSON_GetArrayItem(json, 0);
    CU_ASSERT_STRING_EQUAL(cJSON_GetStringValue(cJSON_GetObjectItem(item, "image")), path);
    CU_ASSERT_STRING_EQUAL(cJSON_GetStringValue(cJSON_GetObjectItem(item, "state")), "enumerated");
    CU_ASSERT(cJSON_IsTrue(cJSON_GetObjectItem(item, "readOnly")));
    CU_ASSERT(cJSON_IsFalse(cJSON_GetObjectItem(item, "thin")));
    cJSON_Delete(json);
    free(result.text);

    mkdir("net", 0755);
    mkdir("net/server", 0755);
    mkdir("net/server/share", 0755);
    make_image("net/server/share/far.img", 4096);
    EXPECT(control("connect", "\\\\server\\share\\far.img", NULL), 0, "0:1:0");
    result = control("list", "--json", NULL);
    json = parse(&result);
    CU_ASSERT_STRING_EQUAL(
        cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(json, 1), "image")),
        "\\\\server\\share\\far.img");
    cJSON_Delete(json);
    free(result.text);

    result = control("ping", "--json", NULL);
    json = parse(&result);
    CU_ASSERT(number(json, "version") == 1 && number(json, "connected") == 2);
    cJSON_Delete(json);
    free(result.text);

    result = control("watch", "--json", "--count", "1", NULL);
    json = parse(&result);
    CU_ASSERT(number(json, "sequence") == 1 && number(json, "status") == 0);
    CU_ASSERT_STRING_EQUAL(cJSON_GetStringValue(cJSON_GetObjectItem(json, "kind")), "arrival");
    CU_ASSERT_STRING_EQUAL(cJSON_GetStringValue(cJSON_GetObjectItem(json, "image")), path);
    cJSON_Delete(json);
    free(result.text);
    end_host(&host);
}

static void test_refusals(void)
{
    struct background host;
    char long_name[700];

    mkdir("net", 0755);
    host = start_host("--unc", "net", NULL);
    make_image("good.img", 4096);
    make_image("empty.img", 0);
    make_image("odd.img", 1000);
    mkdir("folder", 0755);
    EXPECT(control("connect", "missing.img", NULL), 1,
           "connect missing.img: there is no such file (STATUS_OBJECT_NAME_NOT_FOUND)",
           "what to do");
    EXPECT(control("connect", "no/missing.img", NULL), 1, "a directory on the way to it");
    EXPECT(control("connect", "folder", NULL), 1, "it is a directory");
    EXPECT(control("connect", "empty.img", NULL), 1, "it is empty");
    EXPECT(control("connect", "odd.img", NULL), 1, "no multiple of the block size 512");
    EXPECT(control("connect", "good.img", "--at", "7:0:0", NULL), 1, "beyond the adapter's limits");
    EXPECT(control("connect", "\\\\nowhere\\share\\x.img", NULL), 1, "STATUS_BAD_NETWORK_PATH");
    EXPECT(control("connect", "good.img", NULL), 0, "0:0:0  good.img");
    EXPECT(control("connect", "good.img", NULL), 1, "it is connected already");
    EXPECT(control("disconnect", "0:1:0", NULL), 1, "disconnect 0:1:0: nothing is connected there");
    EXPECT(control("disconnect", "missing.img", NULL), 1, "nothing is connected there");
    EXPECT(control("watch", "--since", "99", NULL), 1, "event 99 has not been yet");
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    EXPECT(control("connect", long_name, NULL), 2, "the path is too long");
    end_host(&host);
}

/* --- as it happens --- */

static void test_watch(void)
{
    char *arguments[] = {vminictl, (char *)"watch", (char *)"--count", (char *)"3", NULL};
    struct background host = start_host(NULL), watch;

    make_image("disk.img", 1 << 20);
    watch = background_start(vminictl, arguments);
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0  disk.img");
    CU_ASSERT(background_prints(&watch, "#1 arrival 0:0:0 "));
    background_line(&host, "fault read 1 EIO\n! read 0:0:0 0 1\n");
    CU_ASSERT(background_prints(&watch, "#2 media error 0:0:0 "));
    CU_ASSERT(background_prints(&watch, "STATUS_IO_DEVICE_ERROR"));
    EXPECT(control("disconnect", "0:0:0", NULL), 0, "");
    CU_ASSERT(background_prints(&watch, "#3 departure 0:0:0 "));
    EXPECT(background_end(&watch, 0), 0, "/disk.img");
    EXPECT(control("watch", "--since", "2", "--count", "1", NULL), 0, "#3 departure");
    end_host(&host);
}

static void test_watch_ends(void)
{
    char *arguments[] = {vminictl, (char *)"watch", NULL};
    struct background host = start_host(NULL), watch;

    make_image("disk.img", 1 << 20);
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0  disk.img");
    watch = background_start(vminictl, arguments);
    CU_ASSERT(background_prints(&watch, "#1 arrival"));
    EXPECT(background_end(&watch, SIGINT), 0, "");
    watch = background_start(vminictl, arguments);
    CU_ASSERT(background_prints(&watch, "#1 arrival"));
    background_line(&host, "remove\n"); /* PnP takes the adapter away. */
    EXPECT(background_end(&watch, 0), 3, "watch: the adapter went away");
    end_host(&host);
    host = start_host(NULL);
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0  disk.img");
    watch = background_start(vminictl, arguments);
    CU_ASSERT(background_prints(&watch, "#1 arrival"));
    end_host(&host);
    EXPECT(background_end(&watch, 0), 3, "the adapter went away");
}

/** Ctrl-C while the file is being opened: the CONNECT is cancelled, and nothing is left of it. */
static void test_interrupted(void)
{
    char *arguments[] = {vminictl, (char *)"connect", (char *)"disk.img", NULL};
    struct background host = start_host(NULL), connect;
    bool pending = false;

    make_image("disk.img", 1 << 20);
    background_line(&host, "fault open 1 hang\necho armed\n");
    CU_ASSERT(background_prints(&host, "armed"));
    connect = background_start(vminictl, arguments);
    for (unsigned i = 0; i < 1000 && !pending; i++) { /* Once the driver lists it, it is pending. */
        struct result result = control("list", NULL);

        pending = strstr(result.text, "arriving") != NULL;
        free(result.text);
    }
    CU_ASSERT(pending);
    EXPECT(background_end(&connect, SIGINT), 130, "connect disk.img: interrupted");
    background_line(&host, "fault release\nfault clear\nsettle 1\necho released\n");
    CU_ASSERT(background_prints(&host, "released"));
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0  disk.img");
    end_host(&host);
}

/** The server for iSCSI initiators has the same socket, and may begin with an empty bus. */
static void test_serve(void)
{
    char *arguments[] = {shell.nthost,        (char *)"serve",  (char *)"--driver",
                         shell.driver,        (char *)"--port", (char *)"0",
                         (char *)"--control", (char *)SOCKET,   NULL};
    struct background server = background_start(shell.nthost, arguments);

    running = server.process;
    make_image("disk.img", 1 << 20);
    make_image("cd.iso", 1 << 20);
    CU_ASSERT_FATAL(background_prints(&server, "\nready\n"));
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0  disk.img");
    EXPECT(control("connect", "cd.iso", "--cdrom", NULL), 0, "0:1:0  cd.iso");
    EXPECT(control("disconnect", "cd.iso", NULL), 0, "");
    EXPECT(control("list", NULL), 0, "0:0:0  enumerated    1.0 MiB");
    EXPECT(tool("serve", "--driver", shell.driver, "--port", "0", "--control", SOCKET, NULL), 1,
           "another host listens there");
    end_host(&server);
}

/** At the prompt of a terminal both go on: the keys, and the socket. */
static void test_prompt(void)
{
    char piece[4096], seen[65536] = "";
    int terminal, status;
    pid_t host = forkpty(&terminal, NULL, NULL, NULL);
    size_t used = 0;
    bool asked = false, ended_it = false;
    ssize_t count;

    if (host == 0) {
        setenv("TERM", "dumb", 1);
        execl(shell.nthost, "nthost", "run", "--driver", shell.driver, "--control", SOCKET, NULL);
        _exit(127);
    }
    CU_ASSERT_FATAL(host > 0);
    while ((count = read(terminal, piece, sizeof(piece))) > 0 &&
           used + sizeof(piece) < sizeof(seen)) {
        memcpy(seen + used, piece, (size_t)count);
        used += (size_t)count;
        seen[used] = '\0';
        if (!asked && strstr(seen, "nthost> ") != NULL) {
            asked = true;
            EXPECT(control("ping", NULL), 0, "interface version 1");
            CU_ASSERT(write(terminal, "echo fine\r", 10) == 10);
        }
        if (asked && !ended_it && strstr(seen, "\r\nfine\r\n") != NULL) {
            ended_it = true;
            EXPECT(control("ping", NULL), 0, "interface version 1");
            CU_ASSERT(write(terminal, "quit\r", 5) == 5);
        }
    }
    close(terminal);
    CU_ASSERT(waitpid(host, &status, 0) == host && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT(asked && ended_it);
    CU_ASSERT(strstr(seen, "The machine is down; nothing was left behind.") != NULL);
}

/* --- who may --- */

/** The first door: the socket's owner, group and mode. */
static void test_socket_mode(void)
{
    struct background host;

    if (!have_somebody_else()) {
        return;
    }
    copy_file(vminictl, "vminictl", 0755);
    host = start_host(NULL);
    EXPECT(as_nobody("./vminictl", "ping", NULL), 4, SOCKET ": permission denied",
           "--control-mode");
    EXPECT(control("ping", NULL), 0, "interface version 1");
    end_host(&host);
    host = start_host("--control-mode", "0660", NULL);
    EXPECT(as_nobody("./vminictl", "ping", NULL), 4, "permission denied");
    end_host(&host);
}

/** The second: the descriptor that the INF gives the device. The third: the privilege. */
static void test_standard_user(void)
{
    struct background host;

    if (!have_somebody_else()) {
        return;
    }
    copy_file(vminictl, "vminictl", 0755);
    make_image("disk.img", 1 << 20);
    chmod("disk.img", 0666);
    host = start_host("--control-mode", "0666", NULL);
    EXPECT(as_nobody("./vminictl", "ping", NULL), 4, "access denied",
           "lets only administrators open");
    end_host(&host);
    copy_of_inf("open.inf", "(A;;GA;;;BA)", "(A;;GA;;;BA)(A;;GRGW;;;WD)");
    host = start_host("--control-mode", "0666", "--inf", "open.inf", NULL);
    EXPECT(as_nobody("./vminictl", "ping", NULL), 0, "interface version 1");
    EXPECT(as_nobody("./vminictl", "connect", "disk.img", NULL), 4, "STATUS_PRIVILEGE_NOT_HELD",
           "do it as administrator");
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0  disk.img");
    EXPECT(as_nobody("./vminictl", "list", NULL), 0, "0:0:0  enumerated");
    EXPECT(as_nobody("./vminictl", "disconnect", "0:0:0", NULL), 4, "STATUS_PRIVILEGE_NOT_HELD");
    EXPECT(as_nobody("./vminictl", "watch", "--count", "1", NULL), 0, "#1 arrival 0:0:0");
    end_host(&host);
}

/** The fourth: the file is opened as the caller, an administrator though he is. */
static void test_file_as_the_caller(void)
{
    struct background host;

    if (!have_somebody_else()) {
        return;
    }
    copy_file(vminictl, "vminictl", 0755);
    make_image("roots.img", 1 << 20);
    make_image("seen.img", 1 << 20);
    make_image("own.img", 1 << 20);
    chmod("roots.img", 0600);
    chmod("seen.img", 0644);
    CU_ASSERT(chmod("own.img", 0600) == 0 && chown("own.img", 65534, 65534) == 0);
    host = start_host("--control-mode", "0660", "--control-group", NOBODY_TEXT, NULL);
    EXPECT(as_nobody("./vminictl", "connect", "roots.img", NULL), 1,
           "connect roots.img: the user may not open it that way (STATUS_ACCESS_DENIED)");
    EXPECT(as_nobody("./vminictl", "connect", "seen.img", NULL), 1, "STATUS_ACCESS_DENIED");
    EXPECT(as_nobody("./vminictl", "connect", "seen.img", "--read-only", NULL), 0,
           "0:0:0  seen.img");
    EXPECT(as_nobody("./vminictl", "connect", "own.img", NULL), 0, "0:1:0  own.img");
    EXPECT(control("connect", "roots.img", NULL), 0, "0:2:0  roots.img");
    EXPECT(as_nobody("./vminictl", "disconnect", "0:2:0", NULL), 0, "");
    end_host(&host);
}

/* --- the socket file --- */

static void test_socket_file(void)
{
    struct background host;
    char long_name[200];

    write_file("script.txt", "quit\n", 5);
    write_file("precious", "data", 4);
    EXPECT(script("quit\n", "--control", "precious"), 1,
           "control socket precious: there is another file of that name", "what to do");
    free(read_file("precious", NULL));
    EXPECT(script("quit\n", "--control", "no/where"), 1, "control socket no/where: No such file");
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    EXPECT(script("quit\n", "--control", long_name), 1, "the path is too long");
    EXPECT(tool("run", "--driver", shell.driver, "--control", SOCKET, "--control-group", "nosuch",
                NULL),
           1, "there is no such group");
    CU_ASSERT(access(SOCKET, F_OK) != 0);
    EXPECT(tool("run", "--driver", shell.driver, "--control", SOCKET, "--control-mode", "rw", NULL),
           2, "--control-mode rw: no permissions in octal");
    host = start_host(NULL);
    EXPECT(script("quit\n", "--control", SOCKET), 1, "another host listens there");
    EXPECT(control("ping", NULL), 0, "interface version 1"); /* The first one goes on. */
    end_host(&host);
}

/* --- peers that are none --- */

/** Connects by hand, and reads the hello. */
static int connect_by_hand(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    struct wire_message hello;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CU_ASSERT_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    CU_ASSERT_FATAL(recv(fd, &hello, sizeof(hello), MSG_WAITALL) == (ssize_t)sizeof(hello));
    CU_ASSERT(hello.magic == WIRE_MAGIC && hello.kind == WIRE_HELLO && hello.status == 0);
    return fd;
}

/** Sends these bytes; the host hangs up. */
static void hangs_up(const void *data, size_t length)
{
    int fd = connect_by_hand();
    char byte;

    CU_ASSERT(send(fd, data, length, MSG_NOSIGNAL) == (ssize_t)length);
    CU_ASSERT(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

/** Sends one IOCTL. \return its status; fails the test when there is no whole answer. */
static int32_t send_ioctl(int fd, uint32_t code, const void *input, uint32_t length,
                          uint32_t output_length)
{
    struct wire_message message = {WIRE_MAGIC, WIRE_IOCTL, code, 0, length, output_length};
    char output[4096];

    CU_ASSERT(send(fd, &message, sizeof(message), MSG_NOSIGNAL) == (ssize_t)sizeof(message));
    CU_ASSERT(length == 0 || send(fd, input, length, MSG_NOSIGNAL) == (ssize_t)length);
    CU_ASSERT_FATAL(recv(fd, &message, sizeof(message), MSG_WAITALL) == (ssize_t)sizeof(message));
    CU_ASSERT_FATAL(message.kind == WIRE_REPLY && message.length <= sizeof(output));
    CU_ASSERT(message.length == 0 ||
              recv(fd, output, message.length, MSG_WAITALL) == (ssize_t)message.length);
    return message.status;
}

static void test_bad_messages(void)
{
    struct background host = start_host(NULL);
    struct wire_message message = {WIRE_MAGIC, WIRE_IOCTL, IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                                   0,          0,          0};
    struct wire_message longer[2], bad;
    int fd;

    hangs_up("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35);
    bad = message;
    bad.magic++;
    hangs_up(&bad, sizeof(bad));
    bad = message;
    bad.kind = WIRE_REPLY;
    hangs_up(&bad, sizeof(bad));
    bad = message;
    bad.length = WIRE_MAXIMUM_INPUT + 1;
    hangs_up(&bad, sizeof(bad));
    bad = message;
    bad.output_length = UINT32_MAX;
    hangs_up(&bad, sizeof(bad));
    bad = message;
    bad.code |= 3; /* METHOD_NEITHER: addresses of another process. */
    hangs_up(&bad, sizeof(bad));
    memset(longer, 0, sizeof(longer));
    longer[0] = message;
    longer[0].kind = WIRE_CANCEL;
    longer[0].length = 4;
    hangs_up(longer, sizeof(message) + 4);
    fd = connect_by_hand(); /* Half a message, and gone. */
    CU_ASSERT(send(fd, &message, 7, MSG_NOSIGNAL) == 7);
    close(fd);
    fd = connect_by_hand(); /* A cancel of nothing does nothing. */
    bad = message;
    bad.kind = WIRE_CANCEL;
    CU_ASSERT(send(fd, &bad, sizeof(bad), MSG_NOSIGNAL) == (ssize_t)sizeof(bad));
    CU_ASSERT(send_ioctl(fd, message.code, NULL, 0, 0) == (int32_t)STATUS_INVALID_BUFFER_SIZE);
    close(fd);
    EXPECT(control("ping", NULL), 0, "interface version 1");
    end_host(&host);
}

/** Two at a time on one handle; and a message that comes byte by byte. */
static void test_messages_in_pieces(void)
{
    struct background host = start_host(NULL);
    struct wire_message message = {WIRE_MAGIC,
                                   WIRE_IOCTL,
                                   IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                                   0,
                                   sizeof(VMINI_WAIT_EVENT_IN),
                                   sizeof(VMINI_EVENT)};
    VMINI_WAIT_EVENT_IN in = {
        {VMINI_COMMAND_SIGNATURE, VMINI_COMMAND_VERSION, VminiCommandWaitEvent, sizeof(in)}, 0};
    char bytes[sizeof(message) + sizeof(in)];
    int fd = connect_by_hand();

    memcpy(bytes, &message, sizeof(message));
    memcpy(bytes + sizeof(message), &in, sizeof(in));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        CU_ASSERT(send(fd, bytes + i, 1, MSG_NOSIGNAL) == 1);
    }
    message.kind = WIRE_CANCEL; /* It pends; so the reply is that of the cancellation. */
    message.length = 0;
    CU_ASSERT(send(fd, &message, sizeof(message), MSG_NOSIGNAL) == (ssize_t)sizeof(message));
    CU_ASSERT(recv(fd, &message, sizeof(message), MSG_WAITALL) == (ssize_t)sizeof(message));
    CU_ASSERT(message.kind == WIRE_REPLY && message.status == (int32_t)STATUS_CANCELLED);
    CU_ASSERT(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) == (ssize_t)sizeof(bytes));
    CU_ASSERT(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) == (ssize_t)sizeof(bytes));
    CU_ASSERT(recv(fd, bytes, 1, 0) <= 0); /* The second one is one too many. */
    close(fd);
    EXPECT(control("ping", NULL), 0, "interface version 1");
    end_host(&host);
}

/** Any bytes of any length, as the driver's caller may send them. */
static void test_any_buffer(void)
{
    struct background host = start_host(NULL);
    unsigned char input[2048];
    uint64_t state = 7;
    int fd = connect_by_hand();

    make_image("disk.img", 1 << 20);
    for (unsigned run = 0; run < 2000; run++) {
        VMINI_COMMAND *command = (VMINI_COMMAND *)(void *)input;
        uint32_t length, output;

        for (size_t i = 0; i < sizeof(input); i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            input[i] = (unsigned char)(state >> 56);
        }
        length = (uint32_t)(state >> 40) % (run % 3 == 0 ? 64 : sizeof(input));
        output = (uint32_t)(state >> 20) % 3000;
        if (run % 2 == 0) { /* Past the first checks. Not WAIT_EVENT: it may pend for ever. */
            *command = (VMINI_COMMAND){VMINI_COMMAND_SIGNATURE, VMINI_COMMAND_VERSION,
                                       (ULONG)(state >> 33) % VminiCommandWaitEvent, length};
        }
        send_ioctl(fd, IOCTL_MINIPORT_PROCESS_SERVICE_IRP, input, length, output);
    }
    close(fd);
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0  disk.img");
    EXPECT(control("list", NULL), 0, "0:0:0  enumerated");
    end_host(&host);
}

/** More programs than there is room for. */
static void test_many_programs(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    struct background host = start_host(NULL);
    struct wire_message hello;
    int fds[64];

    for (size_t i = 0; i < 64; i++) {
        fds[i] = connect_by_hand();
    }
    EXPECT(control("ping", NULL), 1, "busy with too many programs");
    close(fds[0]);
    fds[0] = -1;
    for (unsigned i = 0; i < 1000 && fds[0] < 0; i++) { /* Until the host has noticed. */
        fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CU_ASSERT_FATAL(connect(fds[0], (struct sockaddr *)&address, sizeof(address)) == 0);
        CU_ASSERT(recv(fds[0], &hello, sizeof(hello), MSG_WAITALL) == (ssize_t)sizeof(hello));
        if (hello.status != 0) {
            close(fds[0]);
            fds[0] = -1;
        }
    }
    CU_ASSERT(fds[0] >= 0);
    for (size_t i = 0; i < 64; i++) {
        close(fds[i]);
    }
    end_host(&host);
}

/* --- manual page, completion --- */

/** Every option and command that --help names is in the manual page, and nothing else is. */
static void test_manual_page(void)
{
    struct result help = control("--help", NULL);
    char path[PATH_MAX + 64], *page, wanted[64];
    unsigned options = 0;

    snprintf(path, sizeof(path), "%s/src/tools/vminictl/vminictl.1", shell.project);
    page = read_file(path, NULL);
    for (const char *at = help.text; (at = strstr(at, "--")) != NULL; at += 2) {
        size_t length = strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");

        snprintf(wanted, sizeof(wanted), ".It Fl -%.*s", (int)length, at + 2);
        CU_ASSERT(length == 0 || strstr(page, wanted) != NULL);
        options++;
    }
    CU_ASSERT(options > 10);
    for (const char *at = page; (at = strstr(at, ".It Cm ")) != NULL; at++) {
        snprintf(wanted, sizeof(wanted), "vminictl %.*s", (int)strcspn(at + 7, " \n"), at + 7);
        CU_ASSERT(contains(&help, wanted));
    }
    free(page);
    free(help.text);
}

/** What bash offers behind these words; the cursor is at the end. */
static struct result complete(const char *line)
{
    static const char words[] =
        "source \"$1\"; COMP_LINE=$2; COMP_POINT=${#2}; COMP_WORDS=()\n"
        /* As bash splits: at blanks, and at colons, which are words of their own. */
        "for word in ${2//:/ : }; do COMP_WORDS+=(\"$word\"); done\n"
        "[[ $2 == *' ' || $2 == *: ]] && COMP_WORDS+=('')\n"
        "COMP_WORDS[0]=$3; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vminictl\n"
        "printf '<%s>' \"${COMPREPLY[@]}\"; complete -p vminictl";
    char path[PATH_MAX + 64];
    char *arguments[] = {(char *)"bash", (char *)"-c", (char *)(uintptr_t)words,
                         (char *)"bash", path,         (char *)(uintptr_t)line,
                         vminictl,       NULL};

    snprintf(path, sizeof(path), "%s/src/tools/vminictl/vminictl.bash", shell.project);
    return shell_spawn("bash", arguments, "/dev/null");
}

static void test_completion(void)
{
    struct background host = start_host(NULL);

    make_image("disk.img", 1 << 20);
    make_image("dvd.img", 1 << 20);
    EXPECT(complete("vminictl "), 0, "<connect><disconnect><list><ping><watch><--help><--version>",
           "-F _vminictl vminictl");
    EXPECT(complete("vminictl dis"), 0, "<disconnect>complete");
    EXPECT(complete("vminictl connect --re"), 0, "<--read-only><--removable>complete");
    EXPECT(complete("vminictl watch --"), 0, "<--json><--count><--since><--control><--help>");
    EXPECT(complete("vminictl connect di"), 0, "<disk.img>complete");
    EXPECT(complete("vminictl list --control host"), 0, "<" SOCKET ">complete");
    EXPECT(complete("vminictl disconnect "), 0, "<>complete");
    EXPECT(control("connect", "disk.img", NULL), 0, "0:0:0");
    EXPECT(control("connect", "dvd.img", NULL), 0, "0:1:0");
    EXPECT(complete("vminictl disconnect "), 0, "<0:0:0><", "/disk.img><0:1:0><", "/dvd.img>");
    EXPECT(complete("vminictl disconnect 0:1"), 0, "<1:0>complete");
    EXPECT(complete("vminictl disconnect 0:"), 0, "<0:0><1:0>complete");
    end_host(&host);
}

CU_ErrorCode register_vminictl_suite(void);
CU_ErrorCode register_vminictl_suite(void)
{
    static CU_TestInfo tests[] = {
        {"help, version and bad options", test_usage},
        {"no adapter: no socket, no host, none started", test_no_adapter},
        {"connect, list, disconnect, whichever scheduler", test_round_trip},
        {"JSON, and odd names", test_json},
        {"what the driver refuses, in words", test_refusals},
        {"watch tells it as it happens", test_watch},
        {"watch ends: Ctrl-C, the adapter goes, the host goes", test_watch_ends},
        {"Ctrl-C cancels a CONNECT", test_interrupted},
        {"the socket of nthost serve", test_serve},
        {"the prompt and the socket, at once", test_prompt},
        {"who may: the socket's mode", test_socket_mode},
        {"who may: the device's descriptor, the privilege", test_standard_user},
        {"who may: the file is opened as the caller", test_file_as_the_caller},
        {"the socket file", test_socket_file},
        {"messages that are none", test_bad_messages},
        {"messages in pieces, and two at a time", test_messages_in_pieces},
        {"buffers of any length and contents", test_any_buffer},
        {"too many programs", test_many_programs},
        {"the manual page names every option", test_manual_page},
        {"completion in bash", test_completion},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"vminictl", set_up, tear_down, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
