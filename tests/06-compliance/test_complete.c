/**
 * \file
 * How an SRB goes back to Storport: once, with its status, and with a length that is true.
 */
#include "06-compliance/compliance.h"
#include "support/fake_port.h"

#include <CUnit/CUnit.h>

static fake_srb_t fake;

/** Completes an SRB that wanted 512 bytes. It is unreadable afterwards, so a touch would crash. */
static void complete(fake_form_t form, UCHAR status)
{
    static const UCHAR cdb[10] = {0x28};

    fake_srb_init(&fake, cdb, sizeof(cdb), 512);
    fake.form = form;
    fake_build(&fake);
    VminiSrbComplete(&fake_adapter, fake.srb, status);
    CU_ASSERT_EQUAL(fake.completions, 1);
    CU_ASSERT_EQUAL(fake_port.strangers, 0);
    CU_ASSERT_EQUAL(fake.srb_status, status);
}

static void a_success_keeps_its_length(void)
{
    complete(FAKE_LEGACY, SRB_STATUS_SUCCESS);
    CU_ASSERT_EQUAL(fake.moved, 512);
    complete(FAKE_EXTENDED, SRB_STATUS_SUCCESS);
    CU_ASSERT_EQUAL(fake.moved, 512);
}

static void a_failure_moved_nothing(void)
{
    unsigned status;

    for (status = 2; status < 0x40; status++) {
        if (status == SRB_STATUS_BUSY) {
            continue;
        }
        complete(FAKE_LEGACY, (UCHAR)status);
        CU_ASSERT_EQUAL(fake.moved, 0);
        complete(FAKE_EXTENDED, (UCHAR)(status | SRB_STATUS_AUTOSENSE_VALID));
        CU_ASSERT_EQUAL(fake.moved, 0);
    }
}

static void a_busy_srb_is_sent_again_as_it_is(void)
{
    complete(FAKE_LEGACY, SRB_STATUS_BUSY);
    CU_ASSERT_EQUAL(fake.moved, 512);
    complete(FAKE_EXTENDED, SRB_STATUS_BUSY);
    CU_ASSERT_EQUAL(fake.moved, 512);
}

CU_ErrorCode register_complete_suite(void);
CU_ErrorCode register_complete_suite(void)
{
    CU_TestInfo tests[] = {
        {"a success keeps its length", a_success_keeps_its_length},
        {"a failure moved nothing", a_failure_moved_nothing},
        {"a busy SRB is sent again as it is", a_busy_srb_is_sent_again_as_it_is},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"06 compliance: completion", NULL, NULL, fake_port_reset, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
