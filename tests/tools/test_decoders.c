/**
 * \file
 * Outside judges: the driver's answers, as captured by the probe, through the decoders of sg3_utils
 * and sdparm. Their exit statuses are mostly 0 whatever they read, so what counts is the wording:
 * the right words are there, and no word of complaint is.
 */
#include "probed.h"

#include <CUnit/Basic.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 8

/** An answer, the program that reads it, and what that must say. */
struct reading {
    const char *check;
    unsigned step;
    bool sense;
    const char *program; /**< %s: the file. */
    const char *words[WORDS];
};

static const struct reading readings[] = {
    {"inquiry-format",
     0,
     false,
     "sg_inq --inhex=%s",
     {"PQual=0", "RMB=0", "[SPC-4]", "Resp_data_format=2", "CmdQue=1", "length=36 (0x24)",
      "Vendor identification: VMINI", "Product identification: VIRTUAL DISK"}},
    {"inquiry-peripheral-cdrom",
     0,
     false,
     "sg_inq --inhex=%s",
     {"Peripheral device type: cd/dvd", "RMB=1", "length=36 (0x24)",
      "Product identification: VIRTUAL CD-ROM"}},
    {"vpd-00-page",
     0,
     false,
     "sg_vpd --inhex=%s",
     {"Supported VPD pages", "Unit serial number", "Device identification", "Block limits",
      "Block device characteristics", "Logical block provisioning"}},
    {"vpd-80-page", 0, false, "sg_vpd --inhex=%s", {"Unit serial number:"}},
    {"vpd-83-page",
     0,
     false,
     "sg_vpd --inhex=%s",
     {"Addressed logical unit", "designator type: T10 vendor identification", "vendor id: VMINI",
      "designator type: NAA,  code set: Binary", "  0x3"}},
    {"vpd-83-page",
     0,
     false,
     "sdparm -i --inhex=%s",
     {"Addressed logical unit", "designator type: NAA,  code set: Binary"}},
    {"vpd-b0-page",
     0,
     false,
     "sg_vpd --inhex=%s",
     {"Block limits VPD page", "Maximum transfer length: 2048 blocks",
      "Maximum unmap LBA count: 0"}},
    {"vpd-b1-page", 0, false, "sg_vpd --inhex=%s", {"Non-rotating medium"}},
    {"vpd-b2-page",
     0,
     false,
     "sg_vpd --inhex=%s",
     {"Logical block provisioning VPD page", "Unmap command supported (LBPU): 0"}},
    {"vpd-83-page-cdrom",
     0,
     false,
     "sg_vpd --inhex=%s",
     {"vendor id: VMINI", "designator type: NAA,  code set: Binary"}},
    {"mode6-length",
     0,
     false,
     "sdparm -a -6 --inhex=%s",
     {"Caching", "WCE", "Control mode page", "Informational exceptions"}},
    {"mode10-length",
     0,
     false,
     "sdparm -a --inhex=%s",
     {"Caching", "WCE", "Control mode page", "Informational exceptions"}},
    {"mode6-length-one-page", 0, false, "sdparm -a -6 --inhex=%s", {"Caching", "WCE"}},
    {"sense-status",
     0,
     true,
     "sg_decode_sense --file=%s",
     {"Fixed format, current; Sense key: Illegal Request",
      "Additional sense: Logical block address out of range", "Info fld=0x4000 [16384]"}},
    {"sense-opcode",
     0,
     true,
     "sg_decode_sense --file=%s",
     {"Sense key: Illegal Request", "Additional sense: Invalid command operation code"}},
    {"sense-prevent-allow",
     0,
     true,
     "sg_decode_sense --file=%s",
     {"Sense key: Illegal Request", "Additional sense: Invalid command operation code"}},
    {"read10-rdprotect",
     0,
     true,
     "sg_decode_sense --file=%s",
     {"Additional sense: Invalid field in cdb", "Error in Command: byte 1 bit 7"}},
    {"write10-read-only",
     0,
     true,
     "sg_decode_sense --file=%s",
     {"Sense key: Data Protect", "Additional sense: Write protected"}},
    {"ejected-ready",
     1,
     true,
     "sg_decode_sense --file=%s",
     {"Sense key: Not Ready", "Additional sense: Medium not present"}},
    {"prevent-eject",
     1,
     true,
     "sg_decode_sense --file=%s",
     {"Additional sense: Medium removal prevented"}},
    {"verify10-differs",
     0,
     true,
     "sg_decode_sense --file=%s",
     {"Sense key: Miscompare", "Additional sense: Miscompare during verify operation"}},
    {"request-sense-format",
     0,
     false,
     "sg_decode_sense --file=%s",
     {"Fixed format, current; Sense key: No Sense", "No additional sense information"}},
    {"request-sense-descriptor",
     0,
     false,
     "sg_decode_sense --file=%s",
     {"Descriptor format, current; Sense key: No Sense"}},
};

/** Words with which the decoders complain. */
static const char *const complaints[] = {
    "error",    "too short",     "only fetched",      "is expected", "unexpected",
    "Couldn't", "uninitialized", "response length=5", "no vendor",   "transport or vendor specific",
};

static char folder[64];

static void write_hex(const char *path, const uint8_t *bytes, uint32_t count)
{
    FILE *file = fopen(path, "w");

    CU_ASSERT_FATAL(file != NULL);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(file, "%02x%c", bytes[i], i % 16 == 15 ? '\n' : ' ');
    }
    fputc('\n', file);
    fclose(file);
}

/** Runs a decoder on bytes. \return its exit status; the caller frees *text. */
static int decode(const char *program, const uint8_t *bytes, uint32_t count, char **text)
{
    char path[128], line[256], format[256];
    size_t length = 0;
    FILE *out = open_memstream(text, &length), *pipe;
    int c;

    snprintf(path, sizeof(path), "%s/answer.hex", folder);
    write_hex(path, bytes, count);
    snprintf(format, sizeof(format), "PATH=$PATH:/usr/sbin:/sbin LC_ALL=C %s 2>&1", program);
    snprintf(line, sizeof(line), "%.*s%s%s", (int)(strstr(format, "%s") - format), format, path,
             strstr(format, "%s") + 2);
    pipe = popen(line, "r");
    CU_ASSERT_FATAL(out != NULL && pipe != NULL);
    while ((c = fgetc(pipe)) != EOF) {
        fputc(c, out);
    }
    fclose(out);
    return WEXITSTATUS(pclose(pipe));
}

/** The first complaint in a decoder's words, or NULL. */
static const char *complaint(const char *text)
{
    for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
        if (strstr(text, complaints[i]) != NULL) {
            return complaints[i];
        }
    }
    return NULL;
}

static const uint8_t *captured(const struct reading *reading, const struct answer *answer,
                               uint32_t *count)
{
    *count = reading->sense ? answer->sense_length : answer->transferred;
    return reading->sense ? answer->sense : answer->data;
}

static void read_one(const struct reading *reading)
{
    const struct answer *answer =
        &probed_result(reading->check)->transcript->answers[reading->step];
    uint32_t count;
    const uint8_t *bytes = captured(reading, answer, &count);
    char *text;
    bool good = decode(reading->program, bytes, count, &text) == 0 && complaint(text) == NULL;

    for (unsigned i = 0; i < WORDS && reading->words[i] != NULL; i++) {
        good = good && strstr(text, reading->words[i]) != NULL;
    }
    CU_ASSERT(good);
    if (!good) {
        printf("\n%s, by %s:\n%s\n", reading->check, reading->program, text);
    }
    free(text);
}

static void test_finished(void)
{
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        read_one(&readings[i]);
    }
}

/** The decoders do notice: a good answer with one wrong byte. */
static void notices(const char *check, bool sense, const char *program, uint32_t byte,
                    uint8_t value, const char *word)
{
    struct answer answer = probed_result(check)->transcript->answers[0];
    uint8_t *bytes = sense ? answer.sense : answer.data;
    char *text;

    bytes[byte] = value;
    decode(program, bytes, sense ? answer.sense_length : answer.transferred, &text);
    CU_ASSERT(complaint(text) != NULL || strstr(text, word) == NULL);
    free(text);
}

static void test_wrong_answers(void)
{
    notices("inquiry-format", false, "sg_inq --inhex=%s", 4, 0, "length=36");
    notices("vpd-83-page", false, "sg_vpd --inhex=%s", 7, 200, "designator type: NAA");
    notices("vpd-b0-page", false, "sg_vpd --inhex=%s", 3, 8, "Maximum transfer length");
    notices("mode6-length", false, "sdparm -a -6 --inhex=%s", 0, 255, "Control mode page");
    notices("sense-status", true, "sg_decode_sense --file=%s", 7, 0, "Additional sense:");
    notices("sense-status", true, "sg_decode_sense --file=%s", 0, 0, "Fixed format");
}

/** The driver of the articles: what its analyser found, these find too. */
static void test_before(void)
{
    static const struct reading before[] = {
        {"inquiry-additional-length", 0, false, "sg_inq --inhex=%s", {"length=36 (0x24)"}},
        {"mode6-length", 0, false, "sdparm -a -6 --inhex=%s", {"Control mode page"}},
        {"vpd-83-page", 0, false, "sg_vpd --page=di --inhex=%s", {"designator type: NAA"}},
    };

    if (probed_before() == NULL) {
        printf("not built (make before): not asked ... ");
        return;
    }
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct transcript *transcript =
            probed_run(check_find(before[i].check), probed_before(), NULL);
        const struct answer *answer = &transcript->answers[0];
        char *text;

        CU_ASSERT_EQUAL_FATAL(transcript->ending, ENDED_WELL);
        decode(before[i].program, answer->data, answer_length(answer), &text);
        CU_ASSERT(complaint(text) != NULL || strstr(text, before[i].words[0]) == NULL);
        free(text);
        transcript_free(transcript);
    }
}

static int set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/vmini-decoders-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int clean_up(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/answer.hex", folder);
    unlink(path);
    rmdir(folder);
    return 0;
}

CU_ErrorCode register_decoders_suite(void)
{
    static CU_TestInfo tests[] = {
        {"sg3_utils and sdparm read the answers", test_finished},
        {"they notice wrong ones", test_wrong_answers},
        {"they notice the driver as it was before", test_before},
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        {"decoders", set_up, clean_up, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };

    return CU_register_suites(suites);
}
