/*
 * Each rule of the verifier has a fixture: a tiny driver that breaks just that rule when it is
 * loaded as the service "wrong", and breaks none when it is loaded as "right". Rules that no driver
 * of this shape can break are proven elsewhere, and the table below says where.
 */
#include "child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "image/image.h"
#include "nt/io.h"
#include "nt/nt.h"

/** Rules whose proof is in another suite. */
static const struct {
    enum verifier_rule_symbol rule;
    const char *suite;
} elsewhere[] = {
    {RULE_UNLOADED_CODE, "image"},      /* The census comes before the unload. */
    {RULE_UNMAPPED_BUFFER, "verifier"}, /* Needs a request of the port. */
    /* Broken by a miniport that the port driver has started: fixtures/portcase.c. */
    {RULE_SRB_TWICE, "storport"},
    {RULE_STALL_TOO_LONG, "storport"},
    {RULE_SRB_PENDING, "storport"},
    {RULE_SRB_FROZEN, "storport"},
    {RULE_SRB_LENGTH, "storport"},
    {RULE_EXTENSION_BAD, "storport"},
    {RULE_SERVICE_IRP_LEFT, "storport"},
    {RULE_LOCK_KIND, "storport"},
    {RULE_NOTIFICATION_TYPE, "storport"},
    {RULE_BUFFER_OVERRUN, "storport"},
    {RULE_SERVICE_IRP_TWICE, "storport"},
    {RULE_SRB_LOST, "storport"},
};

/** A run of one fixture. */
struct run {
    char path[512];
    bool wrong;
};

static bool fixture_path(char *path, size_t length, const char *id)
{
    const char *directory = getenv("VMINI_FIXTURES");

    snprintf(path, length, "%s/rule_%s.so", directory == NULL ? "build/tests/fixtures" : directory,
             id);
    return access(path, R_OK) == 0;
}

/** Loads the fixture, calls it as the I/O manager would, and unloads it. */
static void life_of_a_driver(void *argument)
{
    const struct run *run = argument;
    struct sched_options options = {.kind = SCHED_SEEDED, .seed = 1, .processors = 1};
    UNICODE_STRING service;
    struct verifier_mark mark;
    struct host_error error;
    struct image *image;
    PDRIVER_OBJECT driver;

    verifier_install_fault_handler();
    verifier_enable(true);
    sched_boot(&options);
    CHILD_CHECK(nt_io_boot(NULL, NULL, &error));
    CHILD_CHECK(image_load(run->path, &image, &error));
    driver = nt_driver_create("\\Driver\\fixture");
    if (strstr(run->path, "mdl-map-failed") != NULL) {
        nt_io_fail(NT_IO_FAIL_MAP, 1, true);
    }
    verifier_load_census();
    RtlInitUnicodeString(&service, run->wrong ? u"\\Registry\\Machine\\System\\Services\\wrong"
                                              : u"\\Registry\\Machine\\System\\Services\\right");
    mark = verifier_callback_enter("DriverEntry");
    CHILD_CHECK(image->entry(driver, &service) == STATUS_SUCCESS);
    verifier_callback_leave(&mark);
    sched_settle(sched_time());
    if (driver->DriverUnload != NULL) {
        mark = verifier_callback_enter("DriverUnload");
        driver->DriverUnload(driver);
        verifier_callback_leave(&mark);
    }
    verifier_unload_census("fixture");
    image_unload(image);
    sched_settle(sched_time());
}

static bool proven_elsewhere(unsigned rule)
{
    for (size_t i = 0; i < RTL_NUMBER_OF(elsewhere); i++) {
        if (elsewhere[i].rule == (enum verifier_rule_symbol)rule) {
            return true;
        }
    }
    return false;
}

static void test_each_rule(void)
{
    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        const char *id = verifier_rule(rule)->id;
        struct run run = {.wrong = true};

        if (proven_elsewhere(rule)) {
            continue;
        }
        if (!fixture_path(run.path, sizeof run.path, id)) {
            printf("\nno fixture for the rule %s (%s)\n", id, run.path);
            CU_FAIL("a rule without a fixture");
            continue;
        }
        child_assert_breaks(rule, life_of_a_driver, &run, id, __FILE__, __LINE__);
        run.wrong = false;
        child_assert_passes(life_of_a_driver, &run, id, __FILE__, __LINE__);
    }
}

static void test_table(void)
{
    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        const struct verifier_rule *row = verifier_rule(rule);

        CU_ASSERT_TRUE(row->code != 0 && strlen(row->rule) > 10);
        CU_ASSERT_EQUAL(row->rule[strlen(row->rule) - 1], '.');
        CU_ASSERT_PTR_NOT_NULL(strstr(row->chapter, ".md"));
        for (unsigned other = 0; other < rule; other++) {
            CU_ASSERT_STRING_NOT_EQUAL(row->id, verifier_rule(other)->id);
        }
    }
}

CU_ErrorCode register_rules_suite(void);
CU_ErrorCode register_rules_suite(void)
{
    static CU_TestInfo tests[] = {
        {"the table of rules", test_table},
        {"each rule is broken by its fixture, and only by what is wrong in it", test_each_rule},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"host: rules", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
