/**
 * \file
 * The login phase (RFC 7143 section 6 and 11.12, 11.13): from the first login request to the full
 * feature phase, or to a status that says why not. Requests in, responses out; no connection, no
 * time, no I/O.
 */
#ifndef ISCSI_LOGIN_H
#define ISCSI_LOGIN_H

#include "tools/iscsi/chap.h"
#include "tools/iscsi/negotiate.h"
#include "tools/iscsi/pdu.h"

#define LOGIN_NAME_MAXIMUM 224u /**< 223 bytes and a NUL: RFC 7143 4.2.7.1. */
#define LOGIN_TEXT_MAXIMUM 16384u
#define LOGIN_REQUESTS     32u /**< More than that is a conversation that leads nowhere. */
#define LOGIN_PORTAL_GROUP 1u

/** What a login is judged by. */
struct login_rules {
    const struct chap_account *account; /**< NULL: anybody may log in. */
    bool (*has_target)(void *context, const char *name);
    void (*random)(void *context, uint8_t *out, size_t length);
    void *context;
};

/** Status class and detail (RFC 7143 11.13.5), as one number. */
enum login_status {
    LOGIN_SUCCESS = 0x0000,
    LOGIN_INITIATOR_ERROR = 0x0200,
    LOGIN_AUTHENTICATION = 0x0201,
    LOGIN_NOT_FOUND = 0x0203,
    LOGIN_VERSION = 0x0205,
    LOGIN_TOO_MANY_CONNECTIONS = 0x0206,
    LOGIN_MISSING = 0x0207,
    LOGIN_SESSION_TYPE = 0x0209,
    LOGIN_NO_SESSION = 0x020A,
    LOGIN_OUT_OF_RESOURCES = 0x0302,
};

enum login_stage { LOGIN_SECURITY = 0, LOGIN_OPERATIONAL = 1, LOGIN_FULL_FEATURE = 3 };

struct login {
    const struct login_rules *rules;
    struct negotiation negotiation;
    struct text request; /**< What came so far, until a request without the continue bit. */
    struct text answer;  /**< The data segment of the response. */
    struct chap chap;
    enum { LOGIN_CHAP_NONE, LOGIN_CHAP_CHOSEN, LOGIN_CHAP_ASKED, LOGIN_CHAP_DONE } chap_step;
    enum login_stage stage;
    enum login_status status; /**< Not SUCCESS: the connection ends after the response. */
    unsigned requests;
    bool begun; /**< A whole request has been answered. */
    bool discovery;
    uint8_t isid[6];
    uint16_t tsih;
    uint16_t cid;
    uint32_t tag;
    uint32_t cmdsn; /**< The session begins with this CmdSN. */
    char initiator[LOGIN_NAME_MAXIMUM];
    char target[LOGIN_NAME_MAXIMUM];
};

void login_begin(struct login *login, const struct login_rules *rules);
void login_end(struct login *login);

/**
 * Judges one login request. \param header its 48 bytes. \param response header of the response:
 * flags, ISID, tag, status are filled, the sequence numbers are the connection's. Its data segment
 * is login->answer. When login->stage is LOGIN_FULL_FEATURE, the login is complete.
 */
void login_request(struct login *login, const uint8_t *header, const void *data, size_t length,
                   uint8_t *response);
/** Makes the response one that refuses, after all. */
void login_refuse(struct login *login, enum login_status status, uint8_t *response);

#endif
