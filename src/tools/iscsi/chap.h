/**
 * \file
 * CHAP, one way: the initiator proves that it knows a secret (RFC 7143 12.1.3, RFC 1994). The
 * hashes are Nettle's.
 */
#ifndef ISCSI_CHAP_H
#define ISCSI_CHAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAP_CHALLENGE      32u
#define CHAP_HASH_MAXIMUM   32u
#define CHAP_SECRET_LEAST   12u /**< 96 bits: RFC 7143 9.2.1. */
#define CHAP_SECRET_MAXIMUM 255u
#define CHAP_USER_MAXIMUM   224u

/** Who may log in. */
struct chap_account {
    char user[CHAP_USER_MAXIMUM];
    uint8_t secret[CHAP_SECRET_MAXIMUM];
    size_t secret_length;
};

/** One challenge. */
struct chap {
    uint32_t algorithm;
    uint8_t identifier;
    uint8_t challenge[CHAP_CHALLENGE];
};

/** Chooses from the initiator's list the first that we know (strongest hashes are listed first by
 * those who have them). \return false: none. */
bool chap_choose(struct chap *chap, const char *list);
/** What the one who knows the secret answers. \return bytes. */
size_t chap_answer(const struct chap *chap, const struct chap_account *account,
                   uint8_t out[CHAP_HASH_MAXIMUM]);
/** Is this answer right? Takes the same time whether or not. */
bool chap_verify(const struct chap *chap, const struct chap_account *account, const char *user,
                 const uint8_t *answer, size_t length);

#endif
