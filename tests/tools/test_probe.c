/**
 * \file
 * The probe: it finds nothing on the finished driver, every one of its checks finds something on a
 * wrong answer, and the three forms of its report say what was found.
 */
#include "probed.h"

#include <CUnit/Basic.h>
#include <cjson/cJSON.h>

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** The article's that can be seen in bytes, and the last one of all. */
#define FIXES    9
#define LAST_FIX 21

/* --- the table --- */

static bool is_id(const char *id)
{
    for (; *id != '\0'; id++) {
        if (!islower((unsigned char)*id) && !isdigit((unsigned char)*id) && *id != '-') {
            return false;
        }
    }
    return true;
}

static void test_table(void)
{
    bool found_by[LAST_FIX + 1] = {false};

    CU_ASSERT(check_count() >= 60);
    for (unsigned i = 0; i < check_count(); i++) {
        const struct check *check = check_at(i);

        CU_ASSERT(is_id(check->id) && check->judge != NULL && check_steps(check) != 0);
        CU_ASSERT(check->command[0] != '\0' && check->clause[0] != '\0');
        CU_ASSERT(check->expect[0] != '\0' && check->why[strlen(check->why) - 1] == '.');
        CU_ASSERT_FATAL(check->fix <= LAST_FIX);
        CU_ASSERT(!check->writes || check->bus == BUS_DISK || check->bus == BUS_REMOVABLE ||
                  check->bus == BUS_THIN);
        found_by[check->fix] = true;
        for (unsigned j = 0; j < i; j++) {
            CU_ASSERT_STRING_NOT_EQUAL(check->id, check_at(j)->id);
        }
    }
    for (unsigned fix = 1; fix <= FIXES; fix++) {
        CU_ASSERT(found_by[fix]);
    }
}

static void test_finished_driver(void)
{
    const struct column *column = probed_column();

    for (unsigned i = 0; i < column->count; i++) {
        const struct result *result = &column->results[i];

        if (result->verdict.failed || result->verdict.hidden) {
            printf("\n%s: expected %s\n    got %s\n", result->check->id, result->verdict.expected,
                   result->verdict.hidden ? "nothing to judge" : result->verdict.got);
        }
    }
    CU_ASSERT_EQUAL(column->findings, 0);
    CU_ASSERT_EQUAL(column->hidden, 0);
}

/* --- every check can fail --- */

/** What may be wrong with an answer. */
enum doctored { DATA_BYTES, SENSE_BYTES, STATUS_FAILED, STATUS_SUCCESS, LENGTHS, BUS_TYPE, WAYS };

#define LOOKED_AT 1024u

static struct transcript scratch;

/** Judges the scratch. \return whether something was found, and told. */
static bool fires(const struct check *check)
{
    struct verdict verdict = check_judge(check, &scratch);

    CU_ASSERT(!verdict.failed || (verdict.got[0] != '\0' && verdict.expected[0] != '\0'));
    CU_ASSERT(verdict.mark_count <= VERDICT_MARKS);
    return verdict.failed;
}

/** Inverts one bit or all of one byte after the other. \return how often the check fired. */
static unsigned turn_bytes(const struct check *check, uint8_t *bytes, uint32_t count)
{
    static const uint8_t masks[] = {0x01, 0x10, 0x80, 0xFF};
    unsigned fired = 0;

    for (uint32_t i = 0; i < count * sizeof(masks); i++) {
        bytes[i / sizeof(masks)] ^= masks[i % sizeof(masks)];
        fired += fires(check);
        bytes[i / sizeof(masks)] ^= masks[i % sizeof(masks)];
    }
    return fired;
}

static unsigned turn_status(const struct check *check, struct answer *answer, uint8_t srb_status,
                            uint8_t scsi_status)
{
    const struct answer good = *answer;
    unsigned fired;

    answer->srb_status = srb_status;
    answer->scsi_status = scsi_status;
    answer->sense_length = 0;
    fired = fires(check);
    *answer = good;
    return fired;
}

static unsigned turn_lengths(const struct check *check, struct answer *answer)
{
    const struct answer good = *answer;
    unsigned fired;

    answer->transferred++;
    fired = fires(check);
    *answer = good;
    answer->sense_length = (uint8_t)(good.sense_length - 1);
    fired += fires(check);
    *answer = good;
    return fired;
}

/** Spoils a good transcript in one way. \return how often the check fired. */
static unsigned spoil(const struct check *check, enum doctored way, unsigned step)
{
    struct answer *answer = &scratch.answers[step];
    uint32_t room = answer->length < LOOKED_AT ? answer->length : LOOKED_AT;
    unsigned fired;

    switch (way) {
    case DATA_BYTES:
        return turn_bytes(check, answer->data, room);
    case SENSE_BYTES:
        return turn_bytes(check, answer->sense, sizeof(answer->sense));
    case STATUS_FAILED:
        return turn_status(check, answer, 0x04, 0x00);
    case STATUS_SUCCESS:
        return turn_status(check, answer, 0x01, 0x00);
    case LENGTHS:
        return turn_lengths(check, answer);
    default:
        scratch.bus_type ^= 0x08;
        fired = fires(check);
        scratch.bus_type ^= 0x08;
        return fired;
    }
}

/** A judge that ignores what its check is about would not fire on any of these. */
static bool judges(const struct result *result)
{
    const struct check *check = result->check;
    unsigned fired = 0;

    scratch = *result->transcript;
    CU_ASSERT(!fires(check));
    for (unsigned step = 0; step < check_steps(check); step++) {
        for (int way = 0; way < WAYS; way++) {
            fired += spoil(check, (enum doctored)way, step);
        }
    }
    return fired != 0;
}

static void test_every_check_fires(void)
{
    const struct column *column = probed_column();

    for (unsigned i = 0; i < column->count; i++) {
        if (!judges(&column->results[i])) {
            printf("\n%s fires on no wrong answer\n", column->results[i].check->id);
            CU_FAIL("a check that cannot fail");
        }
    }
}

/** Checks that look at bytes fire on those bytes, not only on a command that fails. */
static void test_bytes_fire(void)
{
    const struct column *column = probed_column();

    for (unsigned i = 0; i < column->count; i++) {
        const struct check *check = column->results[i].check;
        unsigned step = check_steps(check) - 1;
        struct answer *answer = &scratch.answers[step];

        scratch = *column->results[i].transcript;
        if (check->judge == judge_value || check->judge == judge_zero ||
            check->judge == judge_same || check->judge == judge_untouched) {
            uint32_t length = check->field.length != 0 ? check->field.length : 1;

            CU_ASSERT(turn_bytes(check, answer->data + check->field.offset, length) > 0);
        } else if (check->judge == judge_moved || check->judge == judge_moved_value ||
                   check->judge == judge_none_moved) {
            CU_ASSERT(turn_lengths(check, answer) > 0);
        } else if (check->judge == judge_sense) {
            CU_ASSERT(turn_bytes(check, answer->sense + 12, 1) > 0);
            CU_ASSERT(turn_status(check, answer, 0x04, 0x00) == 1);
        }
    }
}

static void test_every_check_tells_of_a_crash(void)
{
    static const enum ending endings[] = {ENDED_BUGCHECK, ENDED_SIGNAL, ENDED_TIMEOUT};

    for (unsigned i = 0; i < check_count(); i++) {
        for (size_t j = 0; j < sizeof(endings) / sizeof(endings[0]); j++) {
            memset(&scratch, 0, sizeof(scratch));
            scratch.ending = endings[j];
            snprintf(scratch.words, sizeof(scratch.words), "the end");
            CU_ASSERT(fires(check_at(i)));
        }
    }
}

/** One fault is told once: standard data in place of a page hide what is said about the page. */
static void test_no_finding_follows_from_another(void)
{
    const struct result *page = probed_result("vpd-83-length");
    struct verdict verdict;

    scratch = *page->transcript;
    memcpy(scratch.answers[0].data, probed_result("inquiry-format")->transcript->answers[0].data,
           36);
    verdict = check_judge(page->check, &scratch);
    CU_ASSERT(verdict.hidden && !verdict.failed);
    CU_ASSERT(fires(check_find("vpd-83-page")));
}

/* --- machines that end otherwise --- */

static bool connect_by_crash(const char *path, enum probe_kind kind, const struct probe_address *at)
{
    (void)path;
    (void)kind;
    (void)at;
    __builtin_trap();
}

static bool connect_by_death(const char *path, enum probe_kind kind, const struct probe_address *at)
{
    (void)path;
    (void)kind;
    (void)at;
    raise(SIGKILL);
    return true;
}

static bool connect_not(const char *path, enum probe_kind kind, const struct probe_address *at)
{
    (void)kind;
    (void)at;
    fprintf(stderr, "%s: not today\n", path);
    return false;
}

static void test_endings(void)
{
    const struct check *check = check_find("inquiry-format");
    struct transcript *transcript = probed_run(check, NULL, connect_by_crash);

    CU_ASSERT(transcript->ending == ENDED_BUGCHECK || transcript->ending == ENDED_SIGNAL);
    CU_ASSERT(transcript->words[0] != '\0' && check_judge(check, transcript).failed);
    transcript_free(transcript);

    transcript = probed_run(check, NULL, connect_by_death);
    CU_ASSERT_EQUAL(transcript->ending, ENDED_SIGNAL);
    CU_ASSERT(strstr(transcript->words, "signal 9") != NULL);
    transcript_free(transcript);

    transcript = probed_run(check, NULL, connect_not);
    CU_ASSERT_EQUAL(transcript->ending, ENDED_UNUSABLE);
    CU_ASSERT(strstr(transcript->words, "not today") != NULL);
    transcript_free(transcript);
}

/** Two checks that share a machine: how does each end? */
static void share(const char *one, const char *other, const char *file, probe_connect *connect,
                  enum ending endings[2], const char *words)
{
    struct result pair[2] = {{.check = check_find(one)}, {.check = check_find(other)}};
    struct result *results[2] = {&pair[0], &pair[1]};

    probed_share(results, 2, file, connect);
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(pair[i].transcript->ending, endings[i]);
        CU_ASSERT(endings[i] == ENDED_WELL || strstr(pair[i].transcript->words, words) != NULL);
        transcript_free(pair[i].transcript);
    }
}

/** A machine that is lost is lost for all; a copy of it, only for its check. */
static void test_endings_of_copies(void)
{
    static const char *const one = "inquiry-format", *const other = "inquiry-version";

    share(one, other, NULL, connect_by_death, (enum ending[2]){ENDED_SIGNAL, ENDED_SIGNAL},
          "signal 9");
    share(one, other, NULL, connect_not, (enum ending[2]){ENDED_UNUSABLE, ENDED_UNUSABLE},
          "not today");
    share(one, other, NULL, NULL, (enum ending[2]){ENDED_WELL, ENDED_WELL}, "");
    if (probed_before() == NULL) {
        printf("the driver that fails is not built (make before) ... ");
        return;
    }
    share("read10-short-buffer", one, probed_before(), NULL,
          (enum ending[2]){ENDED_BUGCHECK, ENDED_WELL}, "bugcheck");
}

/* --- reports --- */

/** A report of two checks: one as it should be, and one whose Additional Length is 0. */
static struct result pair[2];

static struct report pair_report(void)
{
    struct report report = {.options = probed_options(), .column_count = 1};

    pair[0] = *probed_result("inquiry-format");
    pair[1] = *probed_result("inquiry-additional-length");
    scratch = *pair[1].transcript;
    scratch.answers[0].data[4] = 0;
    pair[1].transcript = &scratch;
    pair[1].verdict = check_judge(pair[1].check, &scratch);
    CU_ASSERT(pair[1].verdict.failed);
    report.columns[0] = (struct column){&report.options->driver, pair, 2, 1, 0};
    return report;
}

/** The same beside the good one. */
static struct report compare_report(struct result good[2])
{
    struct report report = pair_report();

    good[0] = pair[0];
    good[1] = *probed_result("inquiry-additional-length");
    report.columns[1] = (struct column){&report.options->driver, good, 2, 0, 0};
    report.column_count = 2;
    return report;
}

static char *written(void (*write)(FILE *, const struct report *), const struct report *report)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    CU_ASSERT_FATAL(out != NULL);
    write(out, report);
    fclose(out);
    return text;
}

static void write_json(FILE *out, const struct report *report)
{
    CU_ASSERT(report_json(out, report));
}

static bool is_text(const cJSON *object, const char *name, const char *value)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL && (value == NULL ? text[0] != '\0' : strcmp(text, value) == 0);
}

static void test_json(void)
{
    struct report report = pair_report();
    char *text = written(write_json, &report);
    cJSON *root = cJSON_Parse(text);
    const cJSON *findings = cJSON_GetObjectItemCaseSensitive(root, "findings");
    const cJSON *item = cJSON_GetArrayItem(findings, 0);

    CU_ASSERT_EQUAL(cJSON_GetArraySize(root), 2);
    CU_ASSERT_EQUAL(cJSON_GetObjectItemCaseSensitive(root, "checks")->valueint, 2);
    CU_ASSERT_EQUAL_FATAL(cJSON_GetArraySize(findings), 1);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(item), 7);
    CU_ASSERT(is_text(item, "id", "inquiry-additional-length"));
    CU_ASSERT_EQUAL(cJSON_GetObjectItemCaseSensitive(item, "fix")->valueint, 5);
    CU_ASSERT(is_text(item, "device", "disk 0:0:0") && is_text(item, "command", "INQUIRY"));
    CU_ASSERT(is_text(item, "clause", "SPC-4 6.6.2") && is_text(item, "expected", NULL));
    CU_ASSERT(is_text(item, "got", "byte 4: 00"));
    cJSON_Delete(root);
    free(text);
}

static void test_text(void)
{
    struct report report = pair_report();
    char *text = written(report_text, &report);

    CU_ASSERT(strstr(text, "error[inquiry-additional-length] disk 0:0:0: INQUIRY\n") != NULL);
    CU_ASSERT(strstr(text, "  cdb     0 12 00 00 00 ff 00\n") != NULL);
    CU_ASSERT(strstr(text, "  data    0 00 00 06 02 00 00 00 02 56") != NULL);
    CU_ASSERT(strstr(text, "\n                        ^^\n") != NULL); /* Below byte 4. */
    CU_ASSERT(strstr(text, "  clause    SPC-4 6.6.2\n") != NULL);
    CU_ASSERT(strstr(text, "make diff FIX=05") != NULL);
    CU_ASSERT(strstr(text, "inquiry-format") == NULL);
    CU_ASSERT(strstr(text, "\n2 checks, 1 finding\n") != NULL);
    free(text);
}

static void test_two_columns(void)
{
    struct result good[2];
    struct report report = compare_report(good);
    char *text = written(report_text, &report);

    CU_ASSERT(strstr(text, "05   inquiry-additional-length") != NULL);
    CU_ASSERT(strstr(text, "byte 4: 00 ") != NULL && strstr(text, " ok\n") != NULL);
    CU_ASSERT(strstr(text, "2 checks, 0 findings\n") != NULL);
    free(text);
}

static unsigned count(const char *text, const char *word)
{
    unsigned number = 0;

    while ((text = strstr(text, word)) != NULL) {
        number++;
        text += strlen(word);
    }
    return number;
}

static void test_html(void)
{
    static const char *const outside[] = {"http:", "https:", " src=", "url(", "@import", "<link"};
    struct result good[2];
    struct report report = compare_report(good);
    char *text = written(report_html, &report);

    CU_ASSERT(strncmp(text, "<!DOCTYPE html>", 15) == 0);
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        CU_ASSERT(strstr(text, outside[i]) == NULL);
    }
    CU_ASSERT_EQUAL(count(text, "<article"), 1);
    CU_ASSERT_EQUAL(count(text, "class=\"f bad\""), 1);
    CU_ASSERT_EQUAL(count(text, "class=\"f changed\""), 1);
    CU_ASSERT(strstr(text, "<i>00</i></button>") != NULL);
    CU_ASSERT(strstr(text, "additional length") != NULL);
    CU_ASSERT(strstr(text, "prefers-color-scheme: dark") != NULL);
    CU_ASSERT_EQUAL(count(text, "<button"), count(text, "</button>"));
    CU_ASSERT_EQUAL(count(text, "<table"), count(text, "</table>"));
    CU_ASSERT_EQUAL(count(text, "role=\"tooltip\""), count(text, "aria-describedby="));
    free(text);
}

/** In the browser: reach the wrong byte by keyboard, tap another, go on with the arrow key. */
static const char visit[] =
    "<script>addEventListener('load', function () {"
    "  var root = document.documentElement, bad = document.querySelector('.f.bad');"
    "  function seen(field) { return getComputedStyle(field.nextElementSibling).display; }"
    "  root.dataset.hidden = seen(bad);"
    "  root.dataset.stop = bad.tabIndex;"
    "  bad.focus(); root.dataset.focused = seen(bad);"
    "  bad.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));"
    "  root.dataset.escaped = seen(bad);"
    "  bad.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));"
    "  root.dataset.arrow = document.activeElement !== bad && seen(document.activeElement);"
    "  bad.click(); root.dataset.tapped = seen(bad);"
    "  root.dataset.articles = document.querySelectorAll('article').length;"
    "});</script>";

/** \return what the browser made of the page; NULL: there is no browser here. */
static char *browse(const char *page)
{
    char path[] = "/tmp/probe-page-XXXXXX.html", line[512];
    int fd = mkstemps(path, 5), c;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length), *pipe;

    CU_ASSERT_FATAL(fd >= 0 && out != NULL);
    dprintf(fd, "%s%s", page, visit);
    close(fd);
    snprintf(line, sizeof(line),
             "command -v chromium >/dev/null || exit 0; profile=$(mktemp -d); chromium --headless "
             "--no-sandbox --disable-gpu --disable-quic --no-first-run "
             "--disable-background-networking --disable-component-update --disable-sync "
             "--user-data-dir=$profile --dump-dom file://%s 2>/dev/null; rm -rf $profile",
             path);
    pipe = popen(line, "r");
    CU_ASSERT_FATAL(pipe != NULL);
    while ((c = fgetc(pipe)) != EOF) {
        fputc(c, out);
    }
    fclose(out);
    pclose(pipe);
    unlink(path);
    return text;
}

static void test_browser(void)
{
    static const char *const words[] = {
        "data-keys=\"ready\"",    "data-hidden=\"none\"",  "data-stop=\"0\"",
        "data-focused=\"block\"", "data-escaped=\"none\"", "data-arrow=\"block\"",
        "data-tapped=\"block\"",  "data-articles=\"1\"",
    };
    struct result good[2];
    struct report report = compare_report(good);
    char *page = written(report_html, &report), *text = browse(page);

    if (text[0] == '\0') {
        printf("no chromium here: not asked ... ");
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && text[0] != '\0'; i++) {
        CU_ASSERT(strstr(text, words[i]) != NULL);
        if (strstr(text, words[i]) == NULL) {
            printf("\n%s: %.400s\n", words[i], text);
        }
    }
    free(page);
    free(text);
}

/* --- the command --- */

/** Runs nthost probe. \return exit status; the caller frees *text, standard error included. */
static int command(const char *arguments, char **text)
{
    char line[2 * PATH_MAX];
    size_t length = 0;
    FILE *out = open_memstream(text, &length), *pipe;
    int c;

    snprintf(line, sizeof(line), "%s probe --driver %s %s 2>&1", getenv("VMINI_NTHOST"),
             getenv("VMINI_DRIVER"), arguments);
    pipe = popen(line, "r");
    CU_ASSERT_FATAL(out != NULL && pipe != NULL);
    while ((c = fgetc(pipe)) != EOF) {
        fputc(c, out);
    }
    fclose(out);
    return WEXITSTATUS(pclose(pipe));
}

static void says(const char *arguments, int status, const char *words)
{
    char *text;

    CU_ASSERT_EQUAL(command(arguments, &text), status);
    CU_ASSERT(strstr(text, words) != NULL);
    if (strstr(text, words) == NULL) {
        printf("\nprobe %s said: %s\n", arguments, text);
    }
    free(text);
}

static void test_command(void)
{
    says("--list", 0, "inquiry-additional-length        05  error    INQUIRY\n");
    says("--help", 0, "usage: nthost probe");
    says("--only inquiry-format", 0, "1 check, 0 findings\n");
    says("--only inquiry-format --device 0:3:2", 0, "1 check, 0 findings\n");
    says("--only inquiry-format --format json", 0, "\"findings\":\t[]");
    says("--only nonsense", 2, "there is no check \"nonsense\"");
    says("--format pdf", 2, "there is no such format");
    says("--device 0:0", 2, "what to do");
    says("--before", 2, "--before and --driver");
    says("--compare x --format json", 2, "one driver only");
    says("--only inquiry-format /nowhere/a.img", 1, "/nowhere/a.img");
    says("--only inquiry-format --output /nowhere/report", 1, "/nowhere/report");
    says("--inf /nowhere/x.inf", 1, "/nowhere/x.inf");
}

/** The user's image: its size is what the driver is judged by, and not a byte of it changes. */
static void test_image(void)
{
    char path[] = "/tmp/probe-image-XXXXXX", arguments[128];
    int fd = mkstemp(path);
    struct stat before, after;

    CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, 96 * 512) == 0 && fstat(fd, &before) == 0);
    snprintf(arguments, sizeof(arguments), "--only capacity10-size %s", path);
    says(arguments, 0, "1 check, 0 findings\n");
    snprintf(arguments, sizeof(arguments), "--only write10-read10 %s", path);
    says(arguments, 0, "1 check, 0 findings\n");
    CU_ASSERT(fstat(fd, &after) == 0 && after.st_size == before.st_size);
    CU_ASSERT(after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
              after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
    CU_ASSERT(ftruncate(fd, 96 * 512 + 1) == 0);
    says(arguments, 1, "no multiple of the block size");
    close(fd);
    unlink(path);
}

CU_ErrorCode register_probe_suite(void)
{
    static CU_TestInfo tests[] = {
        {"the table of checks", test_table},
        {"nothing is found on the finished driver", test_finished_driver},
        {"every check fires on a wrong answer", test_every_check_fires},
        {"checks of bytes fire on those bytes", test_bytes_fire},
        {"a crash is every check's finding", test_every_check_tells_of_a_crash},
        {"no finding follows from another", test_no_finding_follows_from_another},
        {"bugcheck, signal, unusable machine", test_endings},
        {"a machine that checks share, and its copies", test_endings_of_copies},
        {"JSON", test_json},
        {"text", test_text},
        {"two columns", test_two_columns},
        {"HTML", test_html},
        {"HTML in a browser", test_browser},
        {"the command line", test_command},
        {"the user's image", test_image},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {"probe", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
