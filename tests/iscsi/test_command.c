/**
 * \file
 * Commands of a session: immediate, unsolicited and solicited data, bursts, residuals both ways,
 * numbering, digests.
 */
#include <CUnit/CUnit.h>

#include "rig.h"

#include "tools/iscsi/conn.h"

#include <stdlib.h>
#include <string.h>

#define NO_R2T "InitialR2T=No\0ImmediateData=Yes\0FirstBurstLength=8192\0MaxBurstLength=4096\0"

static uint8_t pattern[65536];

static void fill_pattern(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)(i * 7 + i / 256);
    }
}

/** A WRITE(10) of blocks at LBA 8, with so many bytes of immediate data. \return its tag. */
static uint32_t send_write(struct rig *rig, uint8_t flags, uint16_t blocks, uint32_t expected,
                           uint32_t immediate)
{
    uint8_t header[PDU_HEADER], cdb[10];

    rig_cdb(cdb, true, 8, blocks);
    initiator_command(&rig->one, header, flags, expected, cdb, sizeof(cdb));
    initiator_send(&rig->one, header, pattern, immediate);
    return rig->one.tag;
}

/** One Data-Out. */
static void send_data(struct rig *rig, uint32_t tag, uint32_t transfer_tag, uint32_t datasn,
                      uint32_t offset, uint32_t length, bool final)
{
    uint8_t header[PDU_HEADER];

    initiator_request(&rig->one, header, PDU_DATA_OUT, final ? PDU_FINAL : 0);
    rig->one.tag--;
    put32(header + PDU_ITT, tag);
    put32(header + PDU_TTT, transfer_tag);
    put32(header + PDU_DATASN, datasn);
    put32(header + PDU_BUFFER_OFFSET, offset);
    initiator_send(&rig->one, header, pattern + offset, length);
}

/** The next answer is a SCSI response with this status, and this residual (negative: underflow). */
static void expect_response(struct rig *rig, uint8_t status, int64_t residual)
{
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_SCSI_RESPONSE);
    CU_ASSERT_EQUAL(rig->answer.header[3], status);
    CU_ASSERT_EQUAL(rig->answer.header[1] & PDU_OVERFLOW, residual > 0 ? PDU_OVERFLOW : 0);
    CU_ASSERT_EQUAL(rig->answer.header[1] & PDU_UNDERFLOW, residual < 0 ? PDU_UNDERFLOW : 0);
    CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_RESIDUAL),
                    (uint32_t)(residual < 0 ? -residual : residual));
}

/** Additional sense code and qualifier of the last response. */
static unsigned sense_code(const struct rig *rig)
{
    return rig->answer.length >= 16 ? get16(rig->answer.data + 14) : 0;
}

static bool written(const struct rig *rig, uint32_t length)
{
    return memcmp(rig->bus.data + 8 * FAKE_BLOCK, pattern, length) == 0;
}

static void immediate_data(void)
{
    struct rig *rig = rig_begin(NO_R2T);

    send_write(rig, FINAL_WRITE, 8, 4096, 4096);
    expect_response(rig, 0, 0);
    CU_ASSERT(written(rig, 4096));
    rig_end(rig);
}

static void unsolicited_data_follow(void)
{
    struct rig *rig = rig_begin(NO_R2T);
    uint32_t tag = send_write(rig, PDU_WRITE, 16, 8192, 1000);

    send_data(rig, tag, PDU_RESERVED_TAG, 0, 1000, 3000, false);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), -1);
    send_data(rig, tag, PDU_RESERVED_TAG, 1, 4000, 4192, true);
    expect_response(rig, 0, 0);
    CU_ASSERT(written(rig, 8192));
    rig_end(rig);
}

/** What exceeds the first burst is asked for, burst by burst. */
static void solicited_data(void)
{
    struct rig *rig = rig_begin(NO_R2T);
    uint32_t tag = send_write(rig, FINAL_WRITE, 32, 16384, 8192);

    for (unsigned burst = 0; burst < 2; burst++) {
        uint32_t offset = 8192 + 4096 * burst, transfer_tag;

        CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_R2T);
        CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_DATASN), burst);
        CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_BUFFER_OFFSET), offset);
        CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_DESIRED_LENGTH), 4096);
        transfer_tag = get32(rig->answer.header + PDU_TTT);
        send_data(rig, tag, transfer_tag, 0, offset, 1, false);
        send_data(rig, tag, transfer_tag, 1, offset + 1, 4095, true);
    }
    expect_response(rig, 0, 0);
    CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_DATASN), 2); /* ExpDataSN: two R2Ts */
    CU_ASSERT(written(rig, 16384));
    rig_end(rig);
}

static void nothing_without_being_asked(void)
{
    struct rig *rig = rig_begin("InitialR2T=Yes\0ImmediateData=No\0");
    uint32_t tag = send_write(rig, FINAL_WRITE, 1, 512, 0);

    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_R2T);
    send_data(rig, tag, get32(rig->answer.header + PDU_TTT), 0, 0, 512, true);
    expect_response(rig, 0, 0);
    send_write(rig, FINAL_WRITE, 1, 512, 512); /* immediate data, which were refused */
    expect_response(rig, 2, -512);
    CU_ASSERT_EQUAL(sense_code(rig), 0x0C0C);
    send_write(rig, PDU_WRITE, 1, 512, 0); /* more to come, which was refused too */
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_REJECT);
    CU_ASSERT_EQUAL(rig->answer.header[2], REJECT_PROTOCOL);
    rig_end(rig);
}

/** One wrong thing about a Data-Out fails the command, and only that. */
static void wrong_data_out(void)
{
    static const struct {
        uint32_t datasn, offset, length;
    } wrong[] = {
        {1, 0, 512},                         /* a number left out */
        {27, 0, 512},                        /* a wrong number */
        {UINT32_MAX, 0, 512}, {0, 512, 512}, /* a gap */
        {0, 0, 1024 + 4},                    /* more than was asked for */
    };

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct rig *rig = rig_begin("ImmediateData=No\0");
        uint32_t tag = send_write(rig, FINAL_WRITE, 2, 1024, 0);

        CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_R2T);
        send_data(rig, tag, get32(rig->answer.header + PDU_TTT), wrong[i].datasn, wrong[i].offset,
                  wrong[i].length, true);
        expect_response(rig, 2, -1024);
        CU_ASSERT_EQUAL(sense_code(rig), 0x4B00);
        CU_ASSERT_EQUAL(rig->bus.submitted, 0);
        CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);
        rig_end(rig);
    }
}

static void data_twice(void)
{
    struct rig *rig = rig_begin("ImmediateData=No\0");
    uint32_t tag = send_write(rig, FINAL_WRITE, 2, 1024, 0), transfer_tag;

    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_R2T);
    transfer_tag = get32(rig->answer.header + PDU_TTT);
    send_data(rig, tag, transfer_tag, 0, 0, 512, false);
    send_data(rig, tag, transfer_tag, 1, 0, 512, true); /* overlaps */
    expect_response(rig, 2, -1024);
    CU_ASSERT_EQUAL(sense_code(rig), 0x4B00);
    rig_end(rig);
}

static void too_few_data(void)
{
    struct rig *rig = rig_begin("ImmediateData=No\0");
    uint32_t tag = send_write(rig, FINAL_WRITE, 2, 1024, 0);

    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_R2T);
    send_data(rig, tag, get32(rig->answer.header + PDU_TTT), 0, 0, 512, true);
    expect_response(rig, 2, -1024);
    CU_ASSERT_EQUAL(sense_code(rig), 0x0C0D);
    send_data(rig, tag, 77, 0, 0, 512, true); /* of a command that is over: ignored */
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);
    rig_end(rig);
}

/** READ(10) with an expected length. */
static void send_read(struct rig *rig, uint16_t blocks, uint32_t expected)
{
    uint8_t header[PDU_HEADER], cdb[10];

    rig_cdb(cdb, false, 8, blocks);
    initiator_command(&rig->one, header, FINAL_READ, expected, cdb, sizeof(cdb));
    initiator_send(&rig->one, header, NULL, 0);
}

static void read_in_one_pdu(void)
{
    struct rig *rig = rig_begin("MaxRecvDataSegmentLength=65536\0");
    uint32_t statsn;

    memcpy(rig->bus.data + 8 * FAKE_BLOCK, pattern, 8192);
    statsn = get32(rig->answer.header + PDU_STATSN);
    send_read(rig, 16, 8192);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_DATA_IN);
    CU_ASSERT_EQUAL(rig->answer.header[1], PDU_FINAL | PDU_STATUS);
    CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_STATSN), statsn + 1);
    CU_ASSERT(rig->answer.length == 8192 && memcmp(rig->answer.data, pattern, 8192) == 0);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), -1);
    rig_end(rig);
}

/** Segments and bursts: the final bit ends each burst, the status is in the last PDU only. */
static void read_in_pieces(void)
{
    struct rig *rig = rig_begin("MaxRecvDataSegmentLength=1536\0MaxBurstLength=4096\0");
    static const uint32_t lengths[] = {1536, 1536, 1024, 1536, 1536, 1024};
    uint32_t at = 0;

    memcpy(rig->bus.data + 8 * FAKE_BLOCK, pattern, 8192);
    send_read(rig, 16, 8192);
    for (unsigned i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_DATA_IN);
        CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_DATASN), i);
        CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_BUFFER_OFFSET), at);
        CU_ASSERT_EQUAL(rig->answer.length, lengths[i]);
        CU_ASSERT_EQUAL((rig->answer.header[1] & PDU_FINAL) != 0, i == 2 || i == 5);
        CU_ASSERT_EQUAL((rig->answer.header[1] & PDU_STATUS) != 0, i == 5);
        CU_ASSERT_EQUAL(memcmp(rig->answer.data, pattern + at, lengths[i]), 0);
        at += lengths[i];
    }
    rig_end(rig);
}

static void residuals_of_reads(void)
{
    static const struct {
        uint32_t expected, moved;
        uint8_t flag;
        uint32_t residual;
    } cases[] = {{10000, 512, PDU_UNDERFLOW, 9488}, {200, 200, PDU_OVERFLOW, 312}};
    struct rig *rig = rig_begin("MaxRecvDataSegmentLength=65536\0");

    for (unsigned i = 0; i < 2; i++) {
        send_read(rig, 1, cases[i].expected);
        CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_DATA_IN);
        CU_ASSERT_EQUAL(rig->answer.length, cases[i].moved);
        CU_ASSERT_EQUAL(rig->answer.header[1], PDU_FINAL | PDU_STATUS | cases[i].flag);
        CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_RESIDUAL), cases[i].residual);
    }
    send_read(rig, 1, 0);
    expect_response(rig, 0, 512);
    rig_end(rig);
}

/** Fewer data than the CDB writes: whole blocks are written, what is left untouched. */
static void residuals_of_writes(void)
{
    struct rig *rig = rig_begin(NO_R2T);

    send_write(rig, FINAL_WRITE, 1, 1536, 1536);
    expect_response(rig, 0, -1024);
    CU_ASSERT(written(rig, 512) && rig->bus.data[9 * FAKE_BLOCK] == 0);
    send_write(rig, FINAL_WRITE, 3, 1024, 1024);
    expect_response(rig, 0, 512);
    CU_ASSERT(written(rig, 1024) && rig->bus.data[10 * FAKE_BLOCK] == 0);
    send_write(rig, FINAL_WRITE, 1, 200, 200);
    expect_response(rig, 2, 312);
    CU_ASSERT_EQUAL(sense_code(rig), 0x0E03);
    send_write(rig, FINAL_WRITE, 1, 0, 0);
    expect_response(rig, 0, 512);
    rig_end(rig);
}

static void an_error_moves_nothing(void)
{
    struct rig *rig = rig_begin(NULL);
    uint8_t header[PDU_HEADER], cdb[10];

    rig_cdb(cdb, false, FAKE_BLOCKS, 1);
    initiator_command(&rig->one, header, FINAL_READ, 512, cdb, sizeof(cdb));
    initiator_send(&rig->one, header, NULL, 0);
    expect_response(rig, 2, -512);
    CU_ASSERT_EQUAL(sense_code(rig), 0x2100);
    rig_end(rig);
}

static void a_unit_that_is_not_there(void)
{
    static const uint8_t inquiry[6] = {0x12, 0, 0, 0, 36, 0}, ready[6] = {0};
    struct rig *rig = rig_begin(NULL);
    uint8_t header[PDU_HEADER];

    for (unsigned lun = 3; lun < 5; lun++) { /* LUN 3, and a form that we do not know */
        initiator_command(&rig->one, header, FINAL_READ, 36, inquiry, 6);
        header[PDU_LUN + (lun == 3)] = lun == 3 ? 3 : 0x80;
        initiator_send(&rig->one, header, NULL, 0);
        CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_DATA_IN);
        CU_ASSERT(rig->answer.length == 36 && rig->answer.data[0] == 0x7F);
    }
    rig->one.target->conns->luns[3].attention = 0;
    initiator_command(&rig->one, header, PDU_FINAL, 0, ready, 6);
    header[PDU_LUN + 1] = 3;
    initiator_send(&rig->one, header, NULL, 0);
    expect_response(rig, 2, 0);
    CU_ASSERT_EQUAL(sense_code(rig), 0x2500);
    rig_end(rig);
}

/** Outside the window a command is ignored without a word (RFC 7143 4.2.2.1). */
static void numbers_outside_the_window(void)
{
    struct rig *rig = rig_begin(NULL);
    uint32_t next = rig->one.cmdsn, most = get32(rig->answer.header + PDU_MAXCMDSN);

    CU_ASSERT_EQUAL(most, next + TARGET_WINDOW - 1);
    rig->one.cmdsn = next - 1;
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0xFFFFFF);
    rig->one.cmdsn = most + 1;
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0xFFFFFF);
    rig->one.cmdsn = next;
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);
    rig_end(rig);
}

static void a_number_left_out_ends_the_session(void)
{
    struct rig *rig = rig_begin(NULL);

    rig->one.cmdsn += 2;
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0xFFFFFF);
    CU_ASSERT_EQUAL(rig->answer.header[0], PDU_REJECT);
    CU_ASSERT(initiator_over(&rig->one));
    rig_end(rig);
}

/** The window closes as commands come, and opens as they are answered. */
static void the_window_moves(void)
{
    struct rig *rig = rig_begin("MaxRecvDataSegmentLength=65536\0");
    uint32_t most = get32(rig->answer.header + PDU_MAXCMDSN);

    for (unsigned i = 0; i < TARGET_WINDOW; i++) {
        send_read(rig, 1, 512);
    }
    CU_ASSERT_EQUAL(rig->bus.submitted, TARGET_WINDOW);
    send_read(rig, 1, 512); /* one too many */
    CU_ASSERT_EQUAL(rig->bus.submitted, TARGET_WINDOW);
    rig->one.cmdsn--;
    for (unsigned i = 0; i < TARGET_WINDOW; i++) {
        CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_DATA_IN);
        CU_ASSERT_EQUAL(get32(rig->answer.header + PDU_MAXCMDSN), most + 1 + i);
    }
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);
    rig_end(rig);
}

static void a_tag_in_use(void)
{
    struct rig *rig = rig_begin(NULL);

    send_read(rig, 1, 512);
    rig->one.tag--;
    send_read(rig, 1, 512);
    CU_ASSERT_TRUE(initiator_receive(&rig->one, &rig->answer));
    CU_ASSERT_EQUAL(rig->answer.header[0], PDU_REJECT);
    CU_ASSERT_EQUAL(rig->answer.header[2], REJECT_IN_PROGRESS);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_DATA_IN);
    rig_end(rig);
}

static void digests_are_kept_and_checked(void)
{
    struct rig *rig = rig_begin("HeaderDigest=CRC32C\0DataDigest=CRC32C\0ImmediateData=Yes\0");
    uint8_t header[PDU_HEADER], cdb[10], bad[4] = {1, 2, 3, 4}, digest[4];

    CU_ASSERT(rig->one.header_digest && rig->one.data_digest);
    send_write(rig, FINAL_WRITE, 1, 512, 512);
    expect_response(rig, 0, 0);
    send_read(rig, 1, 512);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_DATA_IN);
    CU_ASSERT_EQUAL(memcmp(rig->answer.data, pattern, 512), 0);

    rig_cdb(cdb, true, 0, 1); /* damaged data: the command fails, the session goes on */
    initiator_command(&rig->one, header, FINAL_WRITE, 512, cdb, sizeof(cdb));
    put24(header + PDU_DATA_LENGTH, 512);
    digest_end(digest_add(DIGEST_BEGIN, header, PDU_HEADER), digest);
    initiator_raw(&rig->one, header, PDU_HEADER);
    initiator_raw(&rig->one, digest, 4);
    initiator_raw(&rig->one, pattern, 512);
    initiator_raw(&rig->one, bad, 4);
    CU_ASSERT_EQUAL(rig_answer(rig, &rig->one), PDU_REJECT);
    CU_ASSERT_EQUAL(rig->answer.header[2], REJECT_DATA_DIGEST);
    expect_response(rig, 2, -512);
    CU_ASSERT_EQUAL(sense_code(rig), 0x4705);
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0);

    initiator_request(&rig->one, header, PDU_NOP_OUT, PDU_FINAL); /* a damaged header ends it */
    initiator_raw(&rig->one, header, PDU_HEADER);
    initiator_raw(&rig->one, bad, 4);
    CU_ASSERT(initiator_over(&rig->one));
    rig_end(rig);
}

static int set_up(void)
{
    fill_pattern();
    return 0;
}

CU_ErrorCode register_command_suite(void)
{
    CU_TestInfo tests[] = {
        {"immediate data", immediate_data},
        {"unsolicited data", unsolicited_data_follow},
        {"R2T and solicited data", solicited_data},
        {"InitialR2T=Yes, ImmediateData=No", nothing_without_being_asked},
        {"wrong DataSN, offset, length", wrong_data_out},
        {"overlapping data", data_twice},
        {"too few data", too_few_data},
        {"a read in one PDU", read_in_one_pdu},
        {"a read in segments and bursts", read_in_pieces},
        {"residuals of reads", residuals_of_reads},
        {"residuals of writes", residuals_of_writes},
        {"an error moves nothing", an_error_moves_nothing},
        {"a unit that is not there", a_unit_that_is_not_there},
        {"CmdSN outside the window", numbers_outside_the_window},
        {"CmdSN with a gap", a_number_left_out_ends_the_session},
        {"the window closes and opens", the_window_moves},
        {"a tag in use", a_tag_in_use},
        {"digests", digests_are_kept_and_checked},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"iscsi: commands", set_up, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
