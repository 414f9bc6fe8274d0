/*
 * CHAP: answer = hash(identifier, secret, challenge). Algorithm numbers are IANA's; MD5 is the one
 * that every initiator has, and the only one that many have.
 */
#include "tools/iscsi/chap.h"

#include "tools/iscsi/text.h"

#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>
#include <string.h>

static const struct {
    uint32_t number;
    const struct nettle_hash *hash;
} algorithms[] = {
    {5, &nettle_md5},
    {6, &nettle_sha1},
    {7, &nettle_sha256},
    {8, &nettle_sha3_256},
};

static const struct nettle_hash *hash_of(uint32_t number)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (algorithms[i].number == number) {
            return algorithms[i].hash;
        }
    }
    return NULL;
}

bool chap_choose(struct chap *chap, const char *list)
{
    char word[8];

    for (const char *at = list; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        size_t length = strcspn(at, ",");
        uint32_t number;

        if (length >= sizeof(word)) {
            continue;
        }
        memcpy(word, at, length);
        word[length] = '\0';
        if (text_number(word, 0, 255, &number) && hash_of(number) != NULL) {
            chap->algorithm = number;
            return true;
        }
    }
    return false;
}

size_t chap_answer(const struct chap *chap, const struct chap_account *account,
                   uint8_t out[CHAP_HASH_MAXIMUM])
{
    const struct nettle_hash *hash = hash_of(chap->algorithm);
    union {
        struct md5_ctx md5;
        struct sha1_ctx sha1;
        struct sha256_ctx sha256;
        struct sha3_256_ctx sha3;
    } context;

    hash->init(&context);
    hash->update(&context, 1, &chap->identifier);
    hash->update(&context, account->secret_length, account->secret);
    hash->update(&context, CHAP_CHALLENGE, chap->challenge);
    hash->digest(&context, hash->digest_size, out);
    return hash->digest_size;
}

bool chap_verify(const struct chap *chap, const struct chap_account *account, const char *user,
                 const uint8_t *answer, size_t length)
{
    uint8_t right[CHAP_HASH_MAXIMUM];
    size_t size = chap_answer(chap, account, right);
    bool same = length == size && memeql_sec(right, answer, size);

    return (strcmp(user, account->user) == 0) & same;
}
