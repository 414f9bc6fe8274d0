/**
 * \file
 * Answers from memory: zero where nobody wrote, cut where there is no more room, counted.
 */
#include "06-compliance/compliance.h"
#include "06-compliance/endian.h"
#include "support/fake_port.h"

#include <CUnit/CUnit.h>
#include <string.h>

static fake_srb_t fake;
static VMINI_REPLY reply;

static void build(ULONG room)
{
    static const UCHAR cdb[6] = {0x12};

    fake_srb_init(&fake, cdb, sizeof(cdb), room);
    fake_build(&fake);
}

static void a_reply_begins_empty_and_zero(void)
{
    memset(&reply, FAKE_POISON, sizeof(reply)); /* as the last request left it */
    VminiTransferBegin(&reply);
    CU_ASSERT_EQUAL(reply.Length, 0);
    CU_ASSERT(fake_all(reply.Data, sizeof(reply.Data), 0));
}

static void pieces_lie_behind_each_other(void)
{
    VminiTransferBegin(&reply);
    CU_ASSERT_PTR_EQUAL(VminiTransferAppend(&reply, 4), reply.Data);
    CU_ASSERT_PTR_EQUAL(VminiTransferAppend(&reply, 1), reply.Data + 4);
    CU_ASSERT_PTR_EQUAL(VminiTransferAppend(&reply, VMINI_REPLY_SIZE - 5), reply.Data + 5);
    CU_ASSERT_EQUAL(reply.Length, VMINI_REPLY_SIZE);
}

static void both_lengths_limit_an_answer(void)
{
    ULONG allocation, room;

    VminiTransferBegin(&reply);
    memset(VminiTransferAppend(&reply, 20), 0x5C, 20);
    for (allocation = 0; allocation <= 40; allocation++) {
        for (room = 0; room <= 40; room++) {
            ULONG window = min(allocation, room), expected = min(window, 20), moved = 99;

            build(room);
            CU_ASSERT_EQUAL(VminiTransferReply(&fake_adapter, fake.srb, &reply, allocation, &moved),
                            SRB_STATUS_SUCCESS);
            CU_ASSERT_EQUAL(moved, expected);
            CU_ASSERT(fake_all(fake.data, expected, 0x5C));
            CU_ASSERT(fake_all(fake.data + expected, window - expected, 0));
            CU_ASSERT(fake_all(fake.data + window, room - window, FAKE_POISON));
            CU_ASSERT(fake_guards_hold());
        }
    }
}

static void a_buffer_that_cannot_be_mapped_is_told(void)
{
    ULONG moved = 99;

    VminiTransferBegin(&reply);
    VminiTransferAppend(&reply, 8);
    build(8);
    fake_port.fail_mapping = true;
    CU_ASSERT_EQUAL(VminiTransferReply(&fake_adapter, fake.srb, &reply, 8, &moved), 0x84);
    CU_ASSERT_EQUAL(moved, 0);
    CU_ASSERT(fake.sense[2] == 0x0B && fake.sense[12] == 0x55 && fake.sense[13] == 0x03);
    CU_ASSERT(fake_all(fake.data, 8, FAKE_POISON));
}

static void no_buffer_is_not_asked_for(void)
{
    ULONG length = 99;

    build(0);
    CU_ASSERT_PTR_NULL(VminiTransferBuffer(&fake_adapter, fake.srb, &length));
    CU_ASSERT_EQUAL(length, 0);
    CU_ASSERT_EQUAL(fake_port.mappings, 0);
}

static void pieces_outside_the_window_are_dropped(void)
{
    VMINI_WINDOW window;

    build(10);
    CU_ASSERT_EQUAL(VminiTransferOpen(&fake_adapter, fake.srb, 6, &window), SRB_STATUS_SUCCESS);
    CU_ASSERT_EQUAL(window.Room, 6);
    CU_ASSERT_EQUAL(VminiTransferPut(&window, 0, "abcd", 4), 4);
    CU_ASSERT_EQUAL(VminiTransferPut(&window, 4, "efgh", 4), 6);
    CU_ASSERT_EQUAL(VminiTransferPut(&window, 8, "ijkl", 4), 6);
    CU_ASSERT_EQUAL(VminiTransferPut(&window, 0xFFFFFFFF, "mnop", 4), 6);
    CU_ASSERT(memcmp(fake.data, "abcdef\xA5\xA5\xA5\xA5", 10) == 0);
}

static void numbers_cross_the_wire_most_significant_byte_first(void)
{
    UCHAR bytes[9] = {0};

    VminiWriteBe16(&bytes[1], 0x1234);
    CU_ASSERT(memcmp(&bytes[1], "\x12\x34", 2) == 0 && VminiReadBe16(&bytes[1]) == 0x1234);
    VminiWriteBe24(&bytes[1], 0xFF123456);
    CU_ASSERT(memcmp(&bytes[1], "\x12\x34\x56", 3) == 0 && VminiReadBe24(&bytes[1]) == 0x123456);
    VminiWriteBe32(&bytes[1], 0x89ABCDEF);
    CU_ASSERT(memcmp(&bytes[1], "\x89\xAB\xCD\xEF", 4) == 0);
    CU_ASSERT_EQUAL(VminiReadBe32(&bytes[1]), 0x89ABCDEF);
    VminiWriteBe64(&bytes[1], 0x8123456789ABCDEFull);
    CU_ASSERT(memcmp(&bytes[1], "\x81\x23\x45\x67\x89\xAB\xCD\xEF", 8) == 0);
    CU_ASSERT_EQUAL(VminiReadBe64(&bytes[1]), 0x8123456789ABCDEFull);
}

CU_ErrorCode register_transfer_suite(void);
CU_ErrorCode register_transfer_suite(void)
{
    CU_TestInfo tests[] = {
        {"a reply begins empty and zero", a_reply_begins_empty_and_zero},
        {"pieces lie behind each other", pieces_lie_behind_each_other},
        {"both lengths limit an answer", both_lengths_limit_an_answer},
        {"a buffer that cannot be mapped is told", a_buffer_that_cannot_be_mapped_is_told},
        {"no buffer is not asked for", no_buffer_is_not_asked_for},
        {"pieces outside the window are dropped", pieces_outside_the_window_are_dropped},
        {"numbers cross the wire most significant byte first",
         numbers_cross_the_wire_most_significant_byte_first},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"06 compliance: transfers", NULL, NULL, fake_port_reset, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
