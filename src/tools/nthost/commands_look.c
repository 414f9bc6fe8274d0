/*
 * Commands that look inside the machine, and those that disturb it on purpose.
 */
#include "tools/nthost/commands.h"

#include "nt/trace.h"
#include "tools/nthost/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static bool census(struct session *session, int argc, char **argv)
{
    struct host_census census = host_census();

    (void)session;
    (void)argc;
    (void)argv;
    printf("  pool        %" PRIu64 " blocks, %" PRIu64 " bytes\n", census.pool_blocks,
           census.pool_bytes);
    printf("  threads     %" PRIu64 "\n  handles     %" PRIu64 "\n  objects     %" PRIu64 "\n",
           census.threads, census.handles, census.objects);
    printf("  IRPs        %" PRIu64 "\n  MDLs        %" PRIu64 "\n  timers      %" PRIu64 "\n",
           census.irps, census.mdls, census.timers);
    printf("  interfaces  %" PRIu64 "\n  PnP notifications %" PRIu64 "\n", census.interfaces,
           census.notifications);
    printf("  SRBs        %" PRIu64 " started, %" PRIu64 " completed\n", census.srbs_started,
           census.srbs_completed);
    return true;
}

static bool trace(struct session *session, int argc, char **argv)
{
    size_t total = trace_count();
    uint64_t wanted = 20;

    (void)session;
    if (argc > 1 && !number_parse(argv[1], "N", UINT32_MAX, &wanted)) {
        return false;
    }
    trace_print(stdout, wanted < total ? total - (size_t)wanted : 0);
    return true;
}

static bool settle(struct session *session, int argc, char **argv)
{
    uint64_t seconds = 0;

    (void)session;
    if (argc > 1 && !number_parse(argv[1], "SECONDS", 86400, &seconds)) {
        return false;
    }
    host_settle();
    if (seconds != 0) {
        sched_settle(sched_time() + seconds * 10000000);
    }
    return true;
}

static bool user(struct session *session, int argc, char **argv)
{
    bool administrator = strcmp(argv[1], "administrator") == 0;
    uint64_t uid = 0;

    (void)session;
    if (!administrator && strcmp(argv[1], "standard") != 0) {
        return tool_fail("administrator, or standard", "\"%s\" is no kind of user", argv[1]);
    }
    if (argc > 2 && !number_parse(argv[2], "UID", UINT32_MAX - 1, &uid)) {
        return false;
    }
    host_set_user(administrator ? HOST_USER_ADMINISTRATOR : HOST_USER_STANDARD, (unsigned)uid);
    return true;
}

/** Reads what an operation is to suffer: an errno by name, "hang", or "short=N". */
static bool parse_fault(const char *text, struct host_file_fault *fault)
{
    static const struct {
        const char *name;
        int error;
    } errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EACCES", EACCES},      {"EROFS", EROFS},
                  {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"ETIMEDOUT", ETIMEDOUT}};
    uint64_t bytes;

    fault->short_to = UINT32_MAX;
    if (strcmp(text, "hang") == 0) {
        fault->hang = true;
        return true;
    }
    if (strncmp(text, "short=", 6) == 0) {
        if (!number_parse(text + 6, "length", UINT32_MAX - 1, &bytes)) {
            return false;
        }
        fault->short_to = (uint32_t)bytes;
        return true;
    }
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(text, errors[i].name) == 0) {
            fault->error = errors[i].error;
            return true;
        }
    }
    return tool_fail("EIO, ENOSPC, EACCES, EROFS, EMFILE, ENOMEM, ETIMEDOUT, hang, or short=N",
                     "\"%s\" is no fault", text);
}

static bool fault(struct session *session, int argc, char **argv)
{
    static const char *const operations[] = {"open", "read", "write", "flush", "close", "control"};
    struct host_file_fault fault = {0};
    uint64_t nth;

    (void)session;
    if (argc == 2 && strcmp(argv[1], "clear") == 0) {
        host_file_faults_clear();
        return true;
    }
    if (argc == 2 && strcmp(argv[1], "release") == 0) {
        host_file_release();
        return true;
    }
    if (argc != 4) {
        return tool_fail("fault OP NTH ERRNO|hang|short=N, fault clear, fault release",
                         "fault wants three words");
    }
    for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(argv[1], operations[i]) == 0) {
            fault.op = (enum host_file_op)i;
            if (!number_parse(argv[2], "NTH", UINT32_MAX, &nth) || !parse_fault(argv[3], &fault)) {
                return false;
            }
            if (nth == 0) {
                return tool_fail("1 is the next one", "NTH counts from 1");
            }
            fault.nth = (unsigned)nth;
            host_file_fault_add(&fault);
            return true;
        }
    }
    return tool_fail("open, read, write, flush, close or control",
                     "\"%s\" is no operation on a file", argv[1]);
}

const struct command commands_look[] = {
    {"census", "", "what the drivers hold now", "01-adapter", 0, 0, NEEDS_NOTHING, census},
    {"trace", "[N]", "the last N records (20)", "00-how-to-read", 0, 1, NEEDS_NOTHING, trace},
    {"settle", "[SECONDS]", "waits for scans; lets simulated time pass", "00-how-to-read", 0, 1,
     NEEDS_NOTHING, settle},
    {"user", "administrator|standard [UID]", "who calls from now on; UID: whose rights to files",
     "02-dispatch", 1, 2, NEEDS_NOTHING, user},
    {"fault", "OP NTH ERRNO|hang|short=N",
     "the NTH open/read/write/flush/close/control from now fails (clear, release)", "04-workers", 1,
     3, NEEDS_NOTHING, fault},
    {0},
};
