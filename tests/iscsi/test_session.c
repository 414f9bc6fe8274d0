/**
 * \file
 * What is kept for a session: unit attentions, prevention of medium removal, task management, ends
 * of sessions in every way.
 */
#include <CUnit/CUnit.h>

#include "rig.h"

#include "tools/iscsi/conn.h"

#include <string.h>

static const uint8_t prevent[6] = {0x1E, 0, 0, 0, 1, 0}, allow[6] = {0x1E},
                     load[6] = {0x1B, 0, 0, 0, 3, 0}, mode_select[6] = {0x15, 0x10},
                     request_sense[6] = {0x03, 0, 0, 0, 18, 0};

/** A second initiator, logged in, its first attention told. */
static void second(struct rig *rig, struct initiator *two)
{
    initiator_begin(two, &rig->target);
    two->isid = 2;
    CU_ASSERT_EQUAL(initiator_login(two, TARGET_ZERO), 0);
    CU_ASSERT_EQUAL(rig_ready(rig, two), 0x062900);
}

static void attentions_are_told_to_the_others(void)
{
    struct rig *rig = rig_begin(NULL);
    struct initiator two;

    second(rig, &two);
    CU_ASSERT_EQUAL(rig_command(rig, &rig->one, load, 6), 0);
    CU_ASSERT_EQUAL(rig_command(rig, &rig->one, mode_select, 6), 0);
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);
    CU_ASSERT_EQUAL(rig_ready(rig, &two), 0x062800);
    CU_ASSERT_EQUAL(rig_ready(rig, &two), 0x062A01);
    CU_ASSERT_EQUAL(rig_ready(rig, &two), 0);
    initiator_end(&two);
    rig_end(rig);
}

static void attentions_have_the_units_sense_format(void)
{
    struct rig *rig = rig_begin(NULL);
    struct initiator two;

    second(rig, &two);
    rig->bus.descriptor_sense = true;
    CU_ASSERT_EQUAL(rig_command(rig, &rig->one, mode_select, 6), 0);
    CU_ASSERT_EQUAL(rig_ready(rig, &two), 0x062A01);
    CU_ASSERT_EQUAL(rig->answer.data[2], 0x72);
    initiator_end(&two);
    rig_end(rig);
}

static void request_sense_tells_an_attention_as_data(void)
{
    struct rig *rig = rig_begin(NULL);
    struct initiator two;
    uint8_t header[PDU_HEADER];

    initiator_begin(&two, &rig->target);
    two.isid = 2;
    CU_ASSERT_EQUAL(initiator_login(&two, TARGET_ZERO), 0);
    initiator_command(&two, header, FINAL_READ, 18, request_sense, 6);
    initiator_send(&two, header, NULL, 0);
    CU_ASSERT_EQUAL(rig_answer(rig, &two), PDU_DATA_IN);
    CU_ASSERT(rig->answer.length == 18 && rig->answer.data[2] == 6 && rig->answer.data[12] == 0x29);
    CU_ASSERT_EQUAL(rig_ready(rig, &two), 0);
    initiator_end(&two);
    rig_end(rig);
}

static void prevention_is_each_sessions_own(void)
{
    struct rig *rig = rig_begin(NULL);
    struct initiator two;

    second(rig, &two);
    CU_ASSERT_EQUAL(rig_command(rig, &rig->one, prevent, 6), 0);
    CU_ASSERT_EQUAL(rig_command(rig, &two, prevent, 6), 0);
    CU_ASSERT_EQUAL(rig_command(rig, &two, allow, 6), 0);
    CU_ASSERT(rig->bus.prevented); /* the first still wants it */
    CU_ASSERT_EQUAL(rig_command(rig, &rig->one, allow, 6), 0);
    CU_ASSERT_FALSE(rig->bus.prevented);
    CU_ASSERT_EQUAL(rig_command(rig, &two, prevent, 6), 0);
    initiator_end(&two); /* the connection is lost */
    fake_bus_run(&rig->bus);
    CU_ASSERT_FALSE(rig->bus.prevented);
    rig_end(rig);
}

/** Sends a task management function. \return the response, 256: none yet. */
static unsigned manage(struct rig *rig, struct initiator *initiator, uint8_t function,
                       uint32_t referenced, bool run)
{
    uint8_t header[PDU_HEADER];

    initiator_request(initiator, header, PDU_TASK_REQUEST | PDU_IMMEDIATE, 0x80 | function);
    put32(header + PDU_REFERENCED_TAG, referenced);
    initiator_send(initiator, header, NULL, 0);
    if (run) {
        fake_bus_run(&rig->bus);
    }
    if (!initiator_receive(initiator, &rig->answer)) {
        return 256;
    }
    CU_ASSERT_EQUAL(pdu_opcode(rig->answer.header), PDU_TASK_RESPONSE);
    return rig->answer.header[2];
}

/** A READ that the bus keeps. */
static void start_read(struct initiator *initiator)
{
    uint8_t header[PDU_HEADER], cdb[10];

    rig_cdb(cdb, false, 0, 1);
    initiator_command(initiator, header, FINAL_READ, 512, cdb, sizeof(cdb));
    initiator_send(initiator, header, NULL, 0);
}

static void abort_reaches_the_bus(void)
{
    struct rig *rig = rig_begin(NULL);

    start_read(&rig->one);
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 1, rig->one.tag, false), 256);
    CU_ASSERT_EQUAL(rig->bus.aborted, 1);
    fake_bus_run(&rig->bus);
    CU_ASSERT_TRUE(initiator_receive(&rig->one, &rig->answer));
    CU_ASSERT_EQUAL(pdu_opcode(rig->answer.header), PDU_TASK_RESPONSE);
    CU_ASSERT_EQUAL(rig->answer.header[2], 0);
    CU_ASSERT_FALSE(initiator_receive(&rig->one, &rig->answer)); /* the READ gets none */
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 1, 12345, true), 1);
    rig_end(rig);
}

static void abort_of_a_write_that_waits_for_data(void)
{
    struct rig *rig = rig_begin("ImmediateData=No\0");
    uint8_t header[PDU_HEADER], cdb[10];

    rig_cdb(cdb, true, 0, 1);
    initiator_command(&rig->one, header, FINAL_WRITE, 512, cdb, sizeof(cdb));
    initiator_send(&rig->one, header, NULL, 0);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_R2T);
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 2, 0, true), 0);
    CU_ASSERT_EQUAL(rig->bus.submitted, 0);
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);
    rig_end(rig);
}

static void unit_reset(void)
{
    struct rig *rig = rig_begin(NULL);
    struct initiator two;

    second(rig, &two);
    CU_ASSERT_EQUAL(rig_command(rig, &two, prevent, 6), 0);
    start_read(&rig->one);
    start_read(&two);
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 5, 0, true), 0);
    CU_ASSERT(rig->bus.resets == 1 && rig->bus.level == BUS_RESET_UNIT);
    CU_ASSERT_FALSE(initiator_receive(&rig->one, &rig->answer));
    CU_ASSERT_EQUAL(rig_answer(rig, &two), PDU_DATA_IN); /* the bus did not end it; we do not lie */
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0x062903);
    CU_ASSERT_EQUAL(rig_ready(rig, &two), 0x062903);
    CU_ASSERT_FALSE(two.conn->luns[0].prevents);
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 3, 0, true), 5);
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 8, 0, true), 4);
    initiator_end(&two);
    rig_end(rig);
}

static void target_resets(void)
{
    struct rig *rig = rig_begin(NULL);

    CU_ASSERT_EQUAL(manage(rig, &rig->one, 6, 0, true), 0);
    CU_ASSERT_EQUAL(rig->bus.level, BUS_RESET_TARGET);
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0x062902);
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 7, 0, true), 0);
    CU_ASSERT_EQUAL(rig->bus.level, BUS_RESET_BUS);
    CU_ASSERT(initiator_over(&rig->one)); /* a cold reset ends the sessions */
    rig_end(rig);
}

static void the_asker_goes_while_it_waits(void)
{
    struct rig *rig = rig_begin(NULL);

    start_read(&rig->one);
    CU_ASSERT_EQUAL(manage(rig, &rig->one, 5, 0, false), 256);
    rig_end(rig);
}

static void lost_in_the_middle_of_a_transfer(void)
{
    struct rig *rig = rig_begin("ImmediateData=No\0MaxRecvDataSegmentLength=512\0");
    uint8_t header[PDU_HEADER], cdb[10];

    start_read(&rig->one);     /* on the bus */
    rig_cdb(cdb, true, 0, 16); /* waits for data */
    initiator_command(&rig->one, header, FINAL_WRITE, 8192, cdb, sizeof(cdb));
    initiator_send(&rig->one, header, NULL, 0);
    initiator_command(&rig->one, header, FINAL_WRITE, 8192, cdb, sizeof(cdb));
    put24(header + PDU_DATA_LENGTH, 8192);
    initiator_raw(&rig->one, header, 30); /* half a header */
    rig_end(rig);
}

static void a_new_login_takes_the_old_ones_place(void)
{
    struct rig *rig = rig_begin(NULL);
    struct initiator again;

    initiator_begin(&again, &rig->target);
    CU_ASSERT_EQUAL(initiator_login(&again, TARGET_ZERO), 0);
    CU_ASSERT(initiator_over(&rig->one));
    CU_ASSERT_EQUAL(rig_ready(rig, &again), 0x062900);
    initiator_end(&again);
    rig_end(rig);
}

static void logout(void)
{
    struct rig *rig = rig_begin(NULL);
    uint8_t header[PDU_HEADER];

    CU_ASSERT_EQUAL(rig_command(rig, &rig->one, prevent, 6), 0);
    initiator_request(&rig->one, header, PDU_LOGOUT_REQUEST | PDU_IMMEDIATE, 0x82);
    initiator_send(&rig->one, header, NULL, 0);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_LOGOUT_RESPONSE);
    CU_ASSERT_EQUAL(rig->answer.header[2], 2); /* no recovery at this level */
    initiator_request(&rig->one, header, PDU_LOGOUT_REQUEST | PDU_IMMEDIATE, 0x80);
    initiator_send(&rig->one, header, NULL, 0);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_LOGOUT_RESPONSE);
    CU_ASSERT_EQUAL(rig->answer.header[2], 0);
    CU_ASSERT(initiator_over(&rig->one));
    CU_ASSERT_FALSE(rig->bus.prevented);
    rig_end(rig);
}

static void pings(void)
{
    struct rig *rig = rig_begin(NULL);
    uint8_t header[PDU_HEADER];

    initiator_request(&rig->one, header, PDU_NOP_OUT, PDU_FINAL);
    initiator_send(&rig->one, header, "are you there?", 14);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_NOP_IN);
    CU_ASSERT(rig->answer.length == 14 && memcmp(rig->answer.data, "are you there?", 14) == 0);
    CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_TTT), PDU_RESERVED_TAG);
    conn_ping(rig->one.conn);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_NOP_IN);
    CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_ITT), PDU_RESERVED_TAG);
    CU_ASSERT_NOT_EQUAL(get32(rig->answer.header + PDU_TTT), PDU_RESERVED_TAG);
    initiator_request(&rig->one, header, PDU_NOP_OUT | PDU_IMMEDIATE, PDU_FINAL);
    put32(header + PDU_ITT, PDU_RESERVED_TAG);
    memcpy(header + PDU_TTT, rig->answer.header + PDU_TTT, 4);
    initiator_send(&rig->one, header, NULL, 0);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), -1);
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);
    rig_end(rig);
}

static void names_of_targets(void)
{
    struct rig *rig = rig_begin(NULL);
    struct initiator finder;
    uint8_t header[PDU_HEADER];
    static const char expected[] = "TargetName=" TARGET_ZERO "\0TargetAddress=127.0.0.1:3260,1";

    initiator_begin(&finder, &rig->target);
    CU_ASSERT_EQUAL(initiator_login(&finder, NULL), 0);
    initiator_request(&finder, header, PDU_TEXT_REQUEST, PDU_FINAL);
    initiator_send(&finder, header, "SendTargets=All", 16);
    CU_ASSERT_EQUAL(rig_answer(rig, &finder), PDU_TEXT_RESPONSE);
    CU_ASSERT(rig->answer.length == sizeof(expected) &&
              memcmp(rig->answer.data, expected, sizeof(expected)) == 0);
    start_read(&finder); /* a discovery session has no units */
    CU_ASSERT_EQUAL(rig_answer(rig, &finder), PDU_REJECT);
    CU_ASSERT(initiator_over(&finder));
    initiator_end(&finder);
    rig_end(rig);
}

CU_ErrorCode register_session_suite(void)
{
    CU_TestInfo tests[] = {
        {"attentions are told to the others", attentions_are_told_to_the_others},
        {"attentions have the unit's sense format", attentions_have_the_units_sense_format},
        {"REQUEST SENSE tells an attention", request_sense_tells_an_attention_as_data},
        {"prevention is each session's own", prevention_is_each_sessions_own},
        {"ABORT TASK reaches the bus", abort_reaches_the_bus},
        {"abort of a write that waits for data", abort_of_a_write_that_waits_for_data},
        {"LOGICAL UNIT RESET", unit_reset},
        {"target warm and cold reset", target_resets},
        {"who asked goes while it waits", the_asker_goes_while_it_waits},
        {"lost in the middle of a transfer", lost_in_the_middle_of_a_transfer},
        {"a new login takes the old one's place", a_new_login_takes_the_old_ones_place},
        {"logout", logout},
        {"NOP both ways", pings},
        {"SendTargets", names_of_targets},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"iscsi: sessions", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
