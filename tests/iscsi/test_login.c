/**
 * \file
 * The login phase, request by request: who gets in, what is agreed on, and which status says why
 * not.
 */
#include <CUnit/CUnit.h>

#include "tools/iscsi/login.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAMES "InitiatorName=iqn.a", "TargetName=known"

static const struct chap_account alice = {
    .user = "alice", .secret = "a secret of many bytes", .secret_length = 22};
static struct login login;
static uint8_t response[PDU_HEADER];

static bool known_target(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "known") == 0;
}

static void counted(void *context, uint8_t *out, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++) {
        out[i] = (uint8_t)(7 * i + 1);
    }
}

static const struct login_rules open_rules = {.has_target = known_target, .random = counted};
static const struct login_rules chap_rules = {
    .account = &alice, .has_target = known_target, .random = counted};

/** Sends keys (up to NULL) with these flags. \return the status. */
static unsigned say(unsigned flags, ...)
{
    uint8_t header[PDU_HEADER] = {PDU_LOGIN_REQUEST | PDU_IMMEDIATE, (uint8_t)flags};
    char text[4096];
    size_t length = 0;
    va_list keys;

    va_start(keys, flags);
    for (const char *key = va_arg(keys, const char *); key != NULL;
         key = va_arg(keys, const char *)) {
        memcpy(text + length, key, strlen(key) + 1);
        length += strlen(key) + 1;
    }
    va_end(keys);
    put32(header + PDU_ITT, 9);
    login_request(&login, header, text, length, response);
    return get16(response + 36);
}

static bool answered(const char *pair)
{
    return memmem(login.answer.bytes, login.answer.length, pair, strlen(pair) + 1) != NULL;
}

#define OPERATIONAL_TO_FULL     0x87
#define SECURITY_TO_FULL        0x83
#define SECURITY_TO_OPERATIONAL 0x81
#define SECURITY                0x00

static void everything_in_one_request(void)
{
    login_begin(&login, &open_rules);
    CU_ASSERT_EQUAL(say(OPERATIONAL_TO_FULL, NAMES, "SessionType=Normal",
                        "HeaderDigest=CRC32C,None", "DataDigest=None", "InitialR2T=No",
                        "ImmediateData=Yes", "MaxRecvDataSegmentLength=65536",
                        "MaxBurstLength=16776192", "FirstBurstLength=131072", "MaxConnections=4",
                        "ErrorRecoveryLevel=2", "X-com.example=1", NULL),
                    0);
    CU_ASSERT_EQUAL(login.stage, LOGIN_FULL_FEATURE);
    CU_ASSERT_EQUAL(response[1], 0x87);
    CU_ASSERT(answered("TargetPortalGroupTag=1") && answered("HeaderDigest=CRC32C") &&
              answered("InitialR2T=No") && answered("MaxRecvDataSegmentLength=262144") &&
              answered("MaxBurstLength=1048576") && answered("FirstBurstLength=131072") &&
              answered("MaxConnections=1") && answered("ErrorRecoveryLevel=0") &&
              answered("X-com.example=NotUnderstood"));
    CU_ASSERT(login.negotiation.parameters.header_digest);
    CU_ASSERT_FALSE(login.negotiation.parameters.data_digest);
    CU_ASSERT_FALSE(login.negotiation.parameters.initial_r2t);
    CU_ASSERT_EQUAL(login.negotiation.parameters.peer_segment, 65536);
    login_end(&login);
}

static void values_out_of_range_are_rejected(void)
{
    login_begin(&login, &open_rules);
    CU_ASSERT_EQUAL(say(OPERATIONAL_TO_FULL, NAMES, "MaxBurstLength=511", "InitialR2T=yes",
                        "MaxRecvDataSegmentLength=0x1000000", "HeaderDigest=MD5",
                        "DataDigest=SHA,CRC32C", "MaxOutstandingR2T=0", NULL),
                    0);
    CU_ASSERT(answered("MaxBurstLength=Reject") && answered("InitialR2T=Reject") &&
              answered("MaxRecvDataSegmentLength=Reject") && answered("HeaderDigest=Reject") &&
              answered("DataDigest=CRC32C") && answered("MaxOutstandingR2T=Reject"));
    CU_ASSERT_EQUAL(login.negotiation.parameters.max_burst, 262144);
    CU_ASSERT_EQUAL(login.negotiation.parameters.peer_segment, 8192);
    login_end(&login);
}

/** \return the status of a first request. */
static unsigned first(const struct login_rules *rules, uint8_t flags, const char *one,
                      const char *two, const char *three)
{
    unsigned status;

    login_begin(&login, rules);
    status = say(flags, one, two, three, NULL);
    login_end(&login);
    return status;
}

static void refusals(void)
{
    const char *name = "InitiatorName=iqn.a", *target = "TargetName=known";

    CU_ASSERT_EQUAL(first(&open_rules, 0x87, name, NULL, NULL), LOGIN_MISSING);
    CU_ASSERT_EQUAL(first(&open_rules, 0x87, target, NULL, NULL), LOGIN_MISSING);
    CU_ASSERT_EQUAL(first(&open_rules, 0x87, name, "TargetName=other", NULL), LOGIN_NOT_FOUND);
    CU_ASSERT_EQUAL(first(&open_rules, 0x87, name, target, "SessionType=Odd"), LOGIN_SESSION_TYPE);
    CU_ASSERT_EQUAL(first(&open_rules, 0x87, name, "SessionType=Discovery", NULL), 0);
    CU_ASSERT_EQUAL(first(&open_rules, 0x87, name, target, "no key"), LOGIN_INITIATOR_ERROR);
    CU_ASSERT_EQUAL(first(&open_rules, 0x8C, name, target, NULL), LOGIN_INITIATOR_ERROR);
    CU_ASSERT_EQUAL(first(&open_rules, 0x86, name, target, NULL), LOGIN_INITIATOR_ERROR);
    CU_ASSERT_EQUAL(first(&open_rules, 0x85, name, target, NULL), LOGIN_INITIATOR_ERROR);
    CU_ASSERT_EQUAL(first(&open_rules, 0xC7, name, target, NULL), LOGIN_INITIATOR_ERROR);
    CU_ASSERT_EQUAL(first(&open_rules, 0x87, name, target, "AuthMethod=CHAP"),
                    LOGIN_INITIATOR_ERROR); /* not in this stage */
    CU_ASSERT_EQUAL(first(&chap_rules, 0x87, name, target, NULL), LOGIN_AUTHENTICATION);
    CU_ASSERT_EQUAL(first(&chap_rules, 0x83, name, target, "AuthMethod=None"),
                    LOGIN_AUTHENTICATION);
    CU_ASSERT_EQUAL(first(&open_rules, 0x83, name, target, "AuthMethod=CHAP"),
                    LOGIN_AUTHENTICATION);
}

static void a_key_offered_twice(void)
{
    login_begin(&login, &open_rules);
    CU_ASSERT_EQUAL(say(0x04, NAMES, "MaxBurstLength=4096", "MaxBurstLength=8192", NULL),
                    LOGIN_INITIATOR_ERROR);
    login_end(&login);
}

static void a_version_of_the_future(void)
{
    uint8_t header[PDU_HEADER] = {PDU_LOGIN_REQUEST | PDU_IMMEDIATE, 0x87, 2, 1};

    login_begin(&login, &open_rules);
    login_request(&login, header, "InitiatorName=a", 16, response);
    CU_ASSERT_EQUAL(get16(response + 36), LOGIN_VERSION);
    login_end(&login);
}

static void text_in_pieces(void)
{
    login_begin(&login, &open_rules);
    CU_ASSERT_EQUAL(say(0x44, "InitiatorName=iqn.a", NULL), 0);
    CU_ASSERT_EQUAL(login.answer.length, 0);
    CU_ASSERT_EQUAL(say(OPERATIONAL_TO_FULL, "TargetName=known", NULL), 0);
    CU_ASSERT_EQUAL(login.stage, LOGIN_FULL_FEATURE);
    login_end(&login);
}

static void no_end_of_requests(void)
{
    unsigned status = 0, requests = 0;

    login_begin(&login, &open_rules);
    while (status == 0 && requests < 1000) {
        status = say(0x04, requests == 0 ? "InitiatorName=iqn.a" : NULL, "TargetName=known", NULL);
        requests++;
    }
    CU_ASSERT_EQUAL(status, LOGIN_INITIATOR_ERROR);
    CU_ASSERT(requests <= LOGIN_REQUESTS + 1);
    login_end(&login);
}

/** Goes through CHAP; \return the last status. */
static unsigned chap_with(const char *user, const char *secret, const char *algorithms)
{
    struct chap_account account = {.secret_length = strlen(secret)};
    uint8_t hash[CHAP_HASH_MAXIMUM];
    char name[64], answer[2 * CHAP_HASH_MAXIMUM + 16] = "CHAP_R=0x", list[64];
    size_t length;
    unsigned status;

    login_begin(&login, &chap_rules);
    CU_ASSERT_EQUAL(say(SECURITY, NAMES, "AuthMethod=None,CHAP", NULL), 0);
    CU_ASSERT(answered("AuthMethod=CHAP"));
    snprintf(list, sizeof(list), "CHAP_A=%s", algorithms);
    status = say(SECURITY, list, NULL);
    if (status != 0) {
        return status;
    }
    memcpy(account.secret, secret, strlen(secret));
    length = chap_answer(&login.chap, &account, hash);
    for (size_t i = 0; i < length; i++) {
        sprintf(answer + strlen(answer), "%02x", hash[i]);
    }
    snprintf(name, sizeof(name), "CHAP_N=%s", user);
    return say(SECURITY_TO_OPERATIONAL, name, answer, NULL);
}

static void chap_lets_in_who_knows(void)
{
    static const char *const algorithms[] = {"5", "6", "7", "8", "99,8,5"};

    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(chap_with("alice", "a secret of many bytes", algorithms[i]), 0);
        CU_ASSERT_EQUAL(login.stage, LOGIN_OPERATIONAL);
        CU_ASSERT_EQUAL(say(OPERATIONAL_TO_FULL, "ImmediateData=No", NULL), 0);
        CU_ASSERT_EQUAL(login.stage, LOGIN_FULL_FEATURE);
        login_end(&login);
    }
}

static void chap_keeps_out_who_does_not(void)
{
    CU_ASSERT_EQUAL(chap_with("alice", "another secret of 22 b", "5"), LOGIN_AUTHENTICATION);
    login_end(&login);
    CU_ASSERT_EQUAL(chap_with("bob", "a secret of many bytes", "5"), LOGIN_AUTHENTICATION);
    login_end(&login);
    CU_ASSERT_EQUAL(chap_with("alice", "a secret of many bytes", "1,99"), LOGIN_AUTHENTICATION);
    login_end(&login);
}

static void chap_cannot_be_jumped(void)
{
    login_begin(&login, &chap_rules);
    CU_ASSERT_EQUAL(say(SECURITY_TO_FULL, NAMES, "AuthMethod=CHAP", NULL), 0);
    CU_ASSERT_EQUAL(response[1] & PDU_TRANSIT, 0);
    CU_ASSERT_EQUAL(login.stage, LOGIN_SECURITY);
    CU_ASSERT_EQUAL(say(SECURITY_TO_FULL, "CHAP_N=alice", "CHAP_R=0x00", NULL),
                    LOGIN_AUTHENTICATION);
    login_end(&login);
    login_begin(&login, &chap_rules);
    CU_ASSERT_EQUAL(say(SECURITY, NAMES, "AuthMethod=CHAP", NULL), 0);
    CU_ASSERT_EQUAL(say(SECURITY, "CHAP_A=5", NULL), 0);
    CU_ASSERT_EQUAL(say(SECURITY_TO_FULL, "CHAP_N=alice", "CHAP_I=1", "CHAP_C=0x1234", NULL),
                    LOGIN_AUTHENTICATION); /* mutual: we have no secret for it */
    login_end(&login);
}

CU_ErrorCode register_login_suite(void)
{
    CU_TestInfo tests[] = {
        {"everything in one request", everything_in_one_request},
        {"values out of range are rejected", values_out_of_range_are_rejected},
        {"refusals and their status", refusals},
        {"a key offered twice", a_key_offered_twice},
        {"a version of the future", a_version_of_the_future},
        {"text in pieces", text_in_pieces},
        {"a conversation without end", no_end_of_requests},
        {"CHAP lets in who knows the secret", chap_lets_in_who_knows},
        {"CHAP keeps out who does not", chap_keeps_out_who_does_not},
        {"CHAP cannot be jumped", chap_cannot_be_jumped},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"iscsi: login", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
