/*
 * A recorded run as Chrome Trace JSON and as a picture: what was recorded is in the file, what the
 * picture leaves out is the host's, and a file that is no trace is told so.
 */
#include "child.h"
#include "host.h"
#include "tools/trace/chrome.h"
#include "tools/trace/lanes.h"

#include <cjson/cJSON.h>
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "/tmp/vmini-test-trace-%d.json"

static char path[64];
static struct lanes lanes;

/** A small run: an SRB goes down through two functions of a driver, and is completed. */
static void record_run(void)
{
    sched_boot(&(struct sched_options){.kind = SCHED_SEEDED, .seed = 5});
    trace_enable(TRACE_ALL);
    trace_event(TRACE_SRB_START, "READ(10)", 7, 0x000102, 0x28, 4096);
    trace_event(TRACE_ROUTINE, "ExAllocatePoolWithTag", 0, 0, 0, 0);
    trace_event(TRACE_CALLBACK_ENTER, "HwStartIo", 0x51, 0, 0, 0);
    trace_text(TRACE_FUNCTION, "Upper", 1, 1, 0, 0);
    trace_event(TRACE_ROUTINE, "KeAcquireSpinLockRaiseToDpc", 1, 0, 0, 0);
    trace_event(TRACE_IRQL, "irql", 0, 2, 0, 0);
    trace_event(TRACE_ROUTINE, "KeReleaseSpinLock", 1, 0, 0, 0);
    trace_text(TRACE_FUNCTION, "Lower", 1, 0, 0, 0);
    trace_event(TRACE_ROUTINE, "KeReleaseSemaphore", 1, 0, 0, 0);
    trace_text(TRACE_DEBUG, "quote \" back \\ line\n\x80", 0, 0, 0, 0);
    trace_text(TRACE_FUNCTION, "Lower", 2, 0, 0, 0);
    trace_text(TRACE_FUNCTION, "Upper", 2, 0, 0, 0);
    trace_event(TRACE_CALLBACK_LEAVE, "HwStartIo", 1, 0, 0, 0);
    trace_event(TRACE_FILE, "read", 512, 4096, 0, 0);
    trace_event(TRACE_SRB_COMPLETE, "READ(10)", 7, 1, 0, 4096);
}

static void write_run(void)
{
    FILE *file;

    snprintf(path, sizeof path, FILE_NAME, (int)getpid());
    record_run();
    file = fopen(path, "w");
    CHILD_CHECK(file != NULL);
    chrome_write(file, true, 5);
    fclose(file);
}

/** The picture's rows. \param only names of functions, NULL: all. */
static void rows_of(const char *only, const char *srb)
{
    struct lanes_options options = {.srb = srb};
    struct steps steps;
    char list[80] = "";

    write_run();
    if (only != NULL) {
        FILE *file;

        snprintf(list, sizeof list, "%s.only", path);
        file = fopen(list, "w");
        CHILD_CHECK(file != NULL && fputs(only, file) >= 0 && fclose(file) == 0);
        options.only = list;
    }
    CHILD_CHECK(steps_load(path, &steps));
    CHILD_CHECK(lanes_choose(&steps, &options, &lanes));
    for (size_t i = 0; i < lanes.row_count; i++) {
        fprintf(stderr, "%u %u %u %s\n", lanes.row[i].lane, lanes.row[i].irql, lanes.row[i].indent,
                lanes.row[i].label);
    }
    unlink(path);
    unlink(list);
}

static void check_rows(const char *const *expected, size_t count)
{
    CHILD_CHECK(lanes.row_count == count);
    for (size_t i = 0; i < count; i++) {
        CHILD_CHECK(strcmp(lanes.row[i].label, expected[i]) == 0);
    }
}

static void picture(void *unused)
{
    static const char *const expected[] = {
        "SRB #7: READ(10) to 0:1:2, 4096 bytes",
        "HwStartIo: Upper",
        "a spin lock",
        "Lower",
        "KeReleaseSemaphore",
        "debug: quote \" back \\ line\n\xc2\x80",
        "HwStartIo returns",
        "file system: read, 4096 bytes at 512",
        "SRB #7 ends: SUCCESS, 4096 bytes",
    };

    (void)unused;
    rows_of(NULL, "READ(10)");
    check_rows(expected, sizeof expected / sizeof expected[0]);
    CHILD_CHECK(lanes.span_count == 1 && lanes.span[0].first == 0 && lanes.span[0].last == 8);
    CHILD_CHECK(lanes.row[3].indent == 2 && lanes.row[4].indent == 3);
}

static void picture_of_some(void *unused)
{
    static const char *const expected[] = {
        "SRB #7: READ(10) to 0:1:2, 4096 bytes",
        "HwStartIo",
        "Lower",
        "KeReleaseSemaphore",
        "debug: quote \" back \\ line\n\xc2\x80",
        "HwStartIo returns",
        "file system: read, 4096 bytes at 512",
        "SRB #7 ends: SUCCESS, 4096 bytes",
    };

    (void)unused;
    rows_of("Lower\n", NULL);
    check_rows(expected, sizeof expected / sizeof expected[0]);
    CHILD_CHECK(lanes.row[2].indent == 1);
}

static void test_picture(void)
{
    CHILD_PASSES(picture, NULL);
    CHILD_PASSES(picture_of_some, NULL);
}

/** Slices of a thread close in the order in which they opened, and time never stands still. */
static void json(void *unused)
{
    char *text = calloc(1, 1u << 16);
    cJSON *document;
    const cJSON *event;
    double last = -1;
    int depth = 0, events = 0;
    FILE *file;

    (void)unused;
    write_run();
    file = fopen(path, "r");
    CHILD_CHECK(file != NULL && text != NULL && fread(text, 1, (1u << 16) - 1, file) > 0);
    fclose(file);
    unlink(path);
    document = cJSON_Parse(text);
    CHILD_CHECK(document != NULL);
    cJSON_ArrayForEach(event, cJSON_GetObjectItem(document, "traceEvents"))
    {
        const char *phase = cJSON_GetObjectItem(event, "ph")->valuestring;
        const cJSON *time = cJSON_GetObjectItem(event, "ts");

        if (phase[0] != 'M') {
            CHILD_CHECK(time->valuedouble > last);
            last = time->valuedouble;
            events++;
        }
        depth += (phase[0] == 'B') - (phase[0] == 'E');
        CHILD_CHECK(depth >= 0);
    }
    CHILD_CHECK(depth == 0 && events == (int)trace_count());
    CHILD_CHECK(strstr(text, "\"status\":\"SUCCESS\"") != NULL);
    CHILD_CHECK(strstr(text, "\"caller\":\"host\"") != NULL);
}

static void test_json(void)
{
    CHILD_PASSES(json, NULL);
}

/* --- the command line --- */

/** Runs `nthost trace ARGUMENTS`. \return its exit status; what it said must contain `words`. */
static int trace_command(const char *arguments, const char *words)
{
    char line[1000], text[4000] = "";
    FILE *pipe;
    int status;

    snprintf(line, sizeof line, "%s trace %s 2>&1", getenv("VMINI_NTHOST"), arguments);
    pipe = popen(line, "r");
    CU_ASSERT_FATAL(pipe != NULL);
    text[fread(text, 1, sizeof text - 1, pipe)] = '\0';
    while (fgetc(pipe) != EOF) { /* Or it dies of the closed pipe. */
    }
    status = pclose(pipe);
    if (strstr(text, words) == NULL) {
        fprintf(stderr, "\n--- %s lacks: %s\n%s", line, words, text);
    }
    CU_ASSERT(strstr(text, words) != NULL);
    return WEXITSTATUS(status);
}

static void test_bad_input(void)
{
    CU_ASSERT(trace_command("", "what to do") == 2);
    CU_ASSERT(trace_command("render", "one file") == 2);
    CU_ASSERT(trace_command("render a b", "one file") == 2);
    CU_ASSERT(trace_command("render --colour a", "--colour") == 2);
    CU_ASSERT(trace_command("--help", "usage: nthost trace render") == 0);
    CU_ASSERT(trace_command("render /no/such.json", "No such file") == 1);
    CU_ASSERT(trace_command("render Makefile", "no JSON") == 1);
    CU_ASSERT(trace_command("render /dev/null", "no JSON") == 1);
}

/** JSON of all kinds that no nthost wrote. */
static void test_foreign_json(void)
{
    static const char *const texts[] = {
        "[]",
        "{\"traceEvents\": 5}",
        "{\"traceEvents\": []}",
        "{\"traceEvents\": [1]}",
        "{\"traceEvents\": [{\"ph\": 5}]}",
        "{\"traceEvents\": [{\"ph\": \"B\"}]}",
        ("{\"traceEvents\": [{\"ph\":\"E\",\"cat\":\"f\",\"name\":\"x\",\"tid\":-1,"
         "\"args\":{\"time\":\"0\",\"irql\":1e300}}]}"),
    };
    char name[64], line[100];

    snprintf(name, sizeof name, FILE_NAME, (int)getpid());
    snprintf(line, sizeof line, "render %s --srb 1", name);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        FILE *file = fopen(name, "w");

        CU_ASSERT_FATAL(file != NULL && fputs(texts[i], file) >= 0 && fclose(file) == 0);
        CU_ASSERT(trace_command(line, "what to do") == 1);
    }
    unlink(name);
}

/** From a run of the driver to a picture: the SRB's bar and both threads are in it. */
static void test_render(void)
{
    char line[600], name[64];
    FILE *pipe;

    snprintf(name, sizeof name, FILE_NAME, (int)getpid());
    snprintf(line, sizeof line,
             "truncate -s 1M %s.img && echo 'read 0:0:0 8 1 %s.bin' | %s run --driver %s --inf "
             "src/driver/05-install/vmini.inf --disk %s.img --trace %s >/dev/null",
             name, name, getenv("VMINI_NTHOST"), getenv("VMINI_DRIVER"), name, name);
    pipe = popen(line, "r");
    CU_ASSERT_FATAL(pipe != NULL && pclose(pipe) == 0);
    snprintf(line, sizeof line, "render %s --srb '81 '", name);
    CU_ASSERT(trace_command(line, "--srb 81 : no such SRB") == 1);
    snprintf(line, sizeof line, "render %s --srb 'READ(10)'", name);
    CU_ASSERT(trace_command(line, "<svg xmlns") == 0);
    snprintf(line, sizeof line, "render %s --srb 123456", name);
    CU_ASSERT(trace_command(line, "SRB #123456 does not begin and end in this trace") == 1);
    snprintf(line, sizeof line, "render %s", name);
    CU_ASSERT(trace_command(line, "a picture has at most") == 1);
    snprintf(line, sizeof line, "render %s --from 99999999", name);
    CU_ASSERT(trace_command(line, "no record lies between") == 1);
    snprintf(line, sizeof line, "render %s --srb 'READ(10)' --output /no/such/file.svg", name);
    CU_ASSERT(trace_command(line, "check the path") == 1);
    snprintf(line, sizeof line, "rm -f %s %s.img %s.bin", name, name, name);
    pipe = popen(line, "r");
    CU_ASSERT(pipe != NULL && pclose(pipe) == 0);
}

CU_ErrorCode register_trace_suite(void);
CU_ErrorCode register_trace_suite(void)
{
    static const struct {
        const char *name;
        CU_TestFunc run;
    } tests[] = {
        {"what is recorded is in the JSON", test_json},
        {"rows of the picture", test_picture},
        {"a run of the driver as a picture", test_render},
        {"what is no trace is told so", test_bad_input},
        {"JSON that nthost did not write", test_foreign_json},
    };
    CU_pSuite suite = CU_add_suite("trace: JSON and pictures of a run", NULL, NULL);

    for (size_t i = 0; suite != NULL && i < sizeof tests / sizeof tests[0]; i++) {
        CU_add_test(suite, tests[i].name, tests[i].run);
    }
    return CU_get_error();
}
