/*
 * The login phase. A request whose text does not hold what its stage wants is answered with a
 * status, never with silence; the connection then ends.
 */
#include "tools/iscsi/login.h"

#include <string.h>

void login_begin(struct login *login, const struct login_rules *rules)
{
    memset(login, 0, sizeof(*login));
    login->rules = rules;
    login->request.limit = LOGIN_TEXT_MAXIMUM;
    login->answer.limit = 8192; /* What an initiator takes before it has declared anything. */
    negotiate_begin(&login->negotiation);
}

void login_end(struct login *login)
{
    text_free(&login->request);
    text_free(&login->answer);
}

static void fail(struct login *login, enum login_status status)
{
    if (login->status == LOGIN_SUCCESS) {
        login->status = status;
    }
}

static void put(struct login *login, const char *key, const char *value)
{
    if (!text_put(&login->answer, key, "%s", value)) {
        fail(login, LOGIN_INITIATOR_ERROR);
    }
}

/* --- keys of the login itself --- */

static void copy_name(struct login *login, char *name, const char *value)
{
    size_t length = strlen(value);

    if (length == 0 || length >= LOGIN_NAME_MAXIMUM ||
        (name[0] != '\0' && strcmp(name, value) != 0)) {
        fail(login, LOGIN_INITIATOR_ERROR);
        return;
    }
    memcpy(name, value, length + 1);
}

static void take_initiator(struct login *login, const char *value)
{
    copy_name(login, login->initiator, value);
}

static void take_target(struct login *login, const char *value)
{
    copy_name(login, login->target, value);
}

static void take_session_type(struct login *login, const char *value)
{
    login->discovery = strcmp(value, "Discovery") == 0;
    if (!login->discovery && strcmp(value, "Normal") != 0) {
        fail(login, LOGIN_SESSION_TYPE);
    }
}

static bool in_security(struct login *login)
{
    if (login->stage != LOGIN_SECURITY) {
        fail(login, LOGIN_INITIATOR_ERROR);
        return false;
    }
    return true;
}

static void take_method(struct login *login, const char *value)
{
    bool wanted = login->rules->account != NULL;

    if (!in_security(login)) {
        return;
    }
    if (login->chap_step != LOGIN_CHAP_NONE || !text_list_has(value, wanted ? "CHAP" : "None")) {
        fail(login, LOGIN_AUTHENTICATION);
        return;
    }
    put(login, "AuthMethod", wanted ? "CHAP" : "None");
    login->chap_step = wanted ? LOGIN_CHAP_CHOSEN : LOGIN_CHAP_DONE;
}

static void take_algorithm(struct login *login, const char *value)
{
    char challenge[2 * CHAP_CHALLENGE + 1];

    if (!in_security(login)) {
        return;
    }
    if (login->chap_step != LOGIN_CHAP_CHOSEN || !chap_choose(&login->chap, value)) {
        fail(login, LOGIN_AUTHENTICATION);
        return;
    }
    login->rules->random(login->rules->context, &login->chap.identifier, 1);
    login->rules->random(login->rules->context, login->chap.challenge, CHAP_CHALLENGE);
    for (unsigned i = 0; i < CHAP_CHALLENGE; i++) {
        static const char digits[] = "0123456789abcdef";

        challenge[2 * i] = digits[login->chap.challenge[i] >> 4];
        challenge[2 * i + 1] = digits[login->chap.challenge[i] & 15];
    }
    challenge[2 * CHAP_CHALLENGE] = '\0';
    if (!text_put(&login->answer, "CHAP_A", "%u", (unsigned)login->chap.algorithm) ||
        !text_put(&login->answer, "CHAP_I", "%u", (unsigned)login->chap.identifier) ||
        !text_put(&login->answer, "CHAP_C", "0x%s", challenge)) {
        fail(login, LOGIN_INITIATOR_ERROR);
    }
    login->chap_step = LOGIN_CHAP_ASKED;
}

static void take_declared(struct login *login, const char *value)
{
    (void)login;
    (void)value;
}

/** The initiator wants us to prove who we are: we have no secret for that. */
static void refuse_mutual(struct login *login, const char *value)
{
    (void)value;
    fail(login, LOGIN_AUTHENTICATION);
}

static const struct {
    const char *name;
    void (*take)(struct login *, const char *);
} own_keys[] = {
    {"InitiatorName", take_initiator},  {"TargetName", take_target},
    {"SessionType", take_session_type}, {"AuthMethod", take_method},
    {"CHAP_A", take_algorithm},         {"CHAP_N", take_declared},
    {"CHAP_R", take_declared},          {"CHAP_I", refuse_mutual},
    {"CHAP_C", refuse_mutual},
};

static bool take_own(struct login *login, const struct text_pair *pair)
{
    for (size_t i = 0; i < sizeof(own_keys) / sizeof(own_keys[0]); i++) {
        if (strcmp(own_keys[i].name, pair->key) == 0) {
            own_keys[i].take(login, pair->value);
            return true;
        }
    }
    return false;
}

static void take_operational(struct login *login, const struct text_pair *pair)
{
    switch (negotiate_key(&login->negotiation, pair, &login->answer)) {
    case NEGOTIATE_ANSWERED:
        break;
    case NEGOTIATE_NOT_MINE:
        put(login, pair->key, "NotUnderstood");
        break;
    default:
        fail(login, LOGIN_INITIATOR_ERROR);
        break;
    }
}

/** CHAP_N and CHAP_R come together. */
static void judge_chap(struct login *login, const char *user, const char *answer)
{
    uint8_t bytes[CHAP_HASH_MAXIMUM];
    int length;

    if (user == NULL && answer == NULL) {
        return;
    }
    if (!in_security(login)) {
        return;
    }
    length = answer != NULL ? text_binary(answer, bytes, sizeof(bytes)) : -1;
    if (login->chap_step != LOGIN_CHAP_ASKED || user == NULL || length < 0 ||
        !chap_verify(&login->chap, login->rules->account, user, bytes, (size_t)length)) {
        fail(login, LOGIN_AUTHENTICATION);
        return;
    }
    login->chap_step = LOGIN_CHAP_DONE;
}

static void take_keys(struct login *login)
{
    const char *user = NULL, *response = NULL;
    struct text_pair pair;
    size_t at = 0;
    int got;

    while ((got = text_next(&login->request, &at, &pair)) == 1) {
        user = strcmp(pair.key, "CHAP_N") == 0 ? pair.value : user;
        response = strcmp(pair.key, "CHAP_R") == 0 ? pair.value : response;
        if (!take_own(login, &pair)) {
            take_operational(login, &pair);
        }
    }
    if (got < 0) {
        fail(login, LOGIN_INITIATOR_ERROR);
    }
    judge_chap(login, user, response);
}

/** What the first request has to say. */
static void judge_first(struct login *login)
{
    if (login->begun) {
        return;
    }
    login->begun = true;
    if (login->initiator[0] == '\0' || (!login->discovery && login->target[0] == '\0')) {
        fail(login, LOGIN_MISSING);
    } else if (login->target[0] != '\0' &&
               !login->rules->has_target(login->rules->context, login->target)) {
        fail(login, LOGIN_NOT_FOUND);
    } else if (login->target[0] != '\0' &&
               !text_put(&login->answer, "TargetPortalGroupTag", "%u", LOGIN_PORTAL_GROUP)) {
        fail(login, LOGIN_INITIATOR_ERROR);
    }
}

/** May this stage end? */
static bool stage_done(const struct login *login)
{
    return login->stage != LOGIN_SECURITY || login->rules->account == NULL ||
           login->chap_step == LOGIN_CHAP_DONE;
}

/** Form and order of a request, before its text is looked at. */
static void judge_header(struct login *login, const uint8_t *header)
{
    enum login_stage current = (enum login_stage)(header[1] >> 2 & 3);
    enum login_stage next = (enum login_stage)(header[1] & 3);
    bool transit = (header[1] & PDU_TRANSIT) != 0;

    if (header[3] > 0) { /* The least version that it speaks; ours is 0. */
        fail(login, LOGIN_VERSION);
    }
    if (login->requests++ == 0) {
        memcpy(login->isid, header + PDU_ISID, sizeof(login->isid));
        login->tsih = get16(header + PDU_TSIH);
        login->cid = get16(header + PDU_CID);
        login->tag = get32(header + PDU_ITT);
        login->cmdsn = get32(header + PDU_CMDSN);
        login->stage = current;
    }
    if (current > LOGIN_OPERATIONAL || current != login->stage ||
        login->requests > LOGIN_REQUESTS ||
        memcmp(login->isid, header + PDU_ISID, sizeof(login->isid)) != 0 ||
        login->tag != get32(header + PDU_ITT) || login->cid != get16(header + PDU_CID) ||
        (transit && (next == 2 || next <= current || (header[1] & PDU_CONTINUE) != 0))) {
        fail(login, LOGIN_INITIATOR_ERROR);
    }
    if (login->stage == LOGIN_OPERATIONAL && login->rules->account != NULL &&
        login->chap_step != LOGIN_CHAP_DONE) {
        fail(login, LOGIN_AUTHENTICATION);
    }
}

void login_refuse(struct login *login, enum login_status status, uint8_t *response)
{
    fail(login, status);
    login->answer.length = 0;
    response[1] &= (uint8_t) ~(PDU_TRANSIT | 3);
    put16(response + 36, (uint16_t)login->status);
}

void login_request(struct login *login, const uint8_t *header, const void *data, size_t length,
                   uint8_t *response)
{
    memset(response, 0, PDU_HEADER);
    response[0] = PDU_LOGIN_RESPONSE;
    login->answer.length = 0;
    judge_header(login, header);
    if (!text_append(&login->request, data, length)) {
        fail(login, LOGIN_INITIATOR_ERROR);
    }
    response[1] = (uint8_t)(login->stage << 2 & 0x0C);
    memcpy(response + PDU_ISID, login->isid, sizeof(login->isid));
    put16(response + PDU_TSIH, login->tsih);
    put32(response + PDU_ITT, login->tag);
    if (login->status == LOGIN_SUCCESS && (header[1] & PDU_CONTINUE) == 0) {
        take_keys(login);
        judge_first(login);
        login->request.length = 0;
        if ((header[1] & PDU_TRANSIT) != 0 && stage_done(login)) {
            response[1] |= PDU_TRANSIT | (header[1] & 3);
            login->stage = (enum login_stage)(header[1] & 3);
        }
        if ((response[1] >> 2 & 3) == LOGIN_OPERATIONAL &&
            !negotiate_declare(&login->negotiation, &login->answer)) {
            fail(login, LOGIN_INITIATOR_ERROR);
        }
    }
    if (login->status != LOGIN_SUCCESS) {
        login_refuse(login, login->status, response);
    }
}
