/*
 * The negotiation of operational keys. A value that breaks the key's form or range is answered with
 * "Reject", and the default stays (RFC 7143 6.2).
 */
#include "tools/iscsi/negotiate.h"

#include <stddef.h>
#include <string.h>

enum kind {
    KIND_DIGEST,   /**< A list of None and CRC32C: the initiator's first choice that we know. */
    KIND_AND,      /**< Yes if both say Yes. */
    KIND_OR,       /**< Yes if one says Yes. */
    KIND_LEAST,    /**< The smaller number. */
    KIND_MOST,     /**< The larger one. */
    KIND_DECLARED, /**< The initiator's own number; it gets no answer. */
    KIND_NAME,     /**< A text of the initiator's; it gets no answer. */
    KIND_OLD,      /**< Markers of RFC 3720, obsolete since: No, or Reject. */
};

#define NOWHERE SIZE_MAX

struct key {
    const char *name;
    enum kind kind;
    uint32_t least, most; /**< What the key may be. */
    uint32_t ours;        /**< What we say. */
    size_t where;         /**< In struct parameters. */
};

#define IN(field) offsetof(struct parameters, field)

static const struct key keys[] = {
    /* name, kind, from, to, ours, kept in */
    {"HeaderDigest", KIND_DIGEST, 0, 0, 0, IN(header_digest)},
    {"DataDigest", KIND_DIGEST, 0, 0, 0, IN(data_digest)},
    {"InitialR2T", KIND_OR, 0, 0, 0, IN(initial_r2t)},
    {"ImmediateData", KIND_AND, 0, 0, 1, IN(immediate_data)},
    {"MaxRecvDataSegmentLength", KIND_DECLARED, 512, 16777215, 0, IN(peer_segment)},
    {"MaxBurstLength", KIND_LEAST, 512, 16777215, 1048576, IN(max_burst)},
    {"FirstBurstLength", KIND_LEAST, 512, 16777215, 262144, IN(first_burst)},
    {"MaxConnections", KIND_LEAST, 1, 65535, 1, NOWHERE},
    {"MaxOutstandingR2T", KIND_LEAST, 1, 65535, 1, NOWHERE},
    {"ErrorRecoveryLevel", KIND_LEAST, 0, 2, 0, NOWHERE},
    {"DefaultTime2Wait", KIND_MOST, 0, 3600, 2, NOWHERE},
    {"DefaultTime2Retain", KIND_LEAST, 0, 3600, 0, NOWHERE},
    {"DataPDUInOrder", KIND_OR, 0, 0, 1, NOWHERE},
    {"DataSequenceInOrder", KIND_OR, 0, 0, 1, NOWHERE},
    {"iSCSIProtocolLevel", KIND_LEAST, 0, 31, 1, NOWHERE},
    {"InitiatorAlias", KIND_NAME, 0, 0, 0, NOWHERE},
    {"IFMarker", KIND_OLD, 0, 0, 0, NOWHERE},
    {"OFMarker", KIND_OLD, 0, 0, 0, NOWHERE},
    {"IFMarkInt", KIND_OLD, 0, 0, 1, NOWHERE},
    {"OFMarkInt", KIND_OLD, 0, 0, 1, NOWHERE},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))
_Static_assert(KEYS == NEGOTIATE_KEYS, "one seen flag a key");

void negotiate_begin(struct negotiation *negotiation)
{
    memset(negotiation, 0, sizeof(*negotiation));
    negotiation->parameters = (struct parameters){.initial_r2t = true,
                                                  .immediate_data = true,
                                                  .max_burst = 262144,
                                                  .first_burst = 65536,
                                                  .peer_segment = 8192,
                                                  .own_segment = 8192};
}

static void keep(struct negotiation *negotiation, const struct key *key, uint32_t value, bool flag)
{
    char *where = (char *)&negotiation->parameters + key->where;

    if (key->where == NOWHERE) {
        return;
    }
    if (flag) {
        *(bool *)where = value != 0;
    } else {
        memcpy(where, &value, sizeof(value));
    }
}

/** The first word of the list that we know. */
static bool answer_digest(struct negotiation *negotiation, const struct key *key, const char *list,
                          struct text *answer)
{
    const char *end = list + strlen(list);

    for (const char *at = list; at < end; at += strcspn(at, ",") + 1) {
        size_t length = strcspn(at, ",");
        bool crc = length == 6 && strncmp(at, "CRC32C", 6) == 0;

        if (crc || (length == 4 && strncmp(at, "None", 4) == 0)) {
            keep(negotiation, key, crc, true);
            return text_put(answer, key->name, "%s", crc ? "CRC32C" : "None");
        }
    }
    return text_put(answer, key->name, "Reject");
}

static bool answer_flag(struct negotiation *negotiation, const struct key *key, const char *value,
                        struct text *answer)
{
    bool yes = strcmp(value, "Yes") == 0;
    bool agreed = key->kind == KIND_AND ? (yes && key->ours != 0) : (yes || key->ours != 0);

    if (!yes && strcmp(value, "No") != 0) {
        return text_put(answer, key->name, "Reject");
    }
    keep(negotiation, key, agreed, true);
    return text_put(answer, key->name, "%s", agreed ? "Yes" : "No");
}

static bool answer_number(struct negotiation *negotiation, const struct key *key, const char *value,
                          struct text *answer)
{
    uint32_t number;

    if (!text_number(value, key->least, key->most, &number)) {
        return text_put(answer, key->name, "Reject");
    }
    if (key->kind == KIND_DECLARED) {
        keep(negotiation, key, number, false);
        return negotiate_declare(negotiation, answer);
    }
    if ((key->kind == KIND_LEAST) == (key->ours < number)) {
        number = key->ours;
    }
    keep(negotiation, key, number, false);
    return text_put(answer, key->name, "%u", (unsigned)number);
}

static bool answer_key(struct negotiation *negotiation, const struct key *key, const char *value,
                       struct text *answer)
{
    switch (key->kind) {
    case KIND_DIGEST:
        return answer_digest(negotiation, key, value, answer);
    case KIND_AND:
    case KIND_OR:
        return answer_flag(negotiation, key, value, answer);
    case KIND_NAME:
        return true;
    case KIND_OLD:
        return text_put(answer, key->name, "%s", key->ours != 0 ? "Reject" : "No");
    default:
        return answer_number(negotiation, key, value, answer);
    }
}

enum negotiate_result negotiate_key(struct negotiation *negotiation, const struct text_pair *pair,
                                    struct text *answer)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, pair->key) != 0) {
            continue;
        }
        if (negotiation->seen[i]) {
            return NEGOTIATE_REPEATED;
        }
        negotiation->seen[i] = true;
        return answer_key(negotiation, &keys[i], pair->value, answer) ? NEGOTIATE_ANSWERED
                                                                      : NEGOTIATE_FULL;
    }
    return NEGOTIATE_NOT_MINE;
}

bool negotiate_declare(struct negotiation *negotiation, struct text *answer)
{
    if (negotiation->declared) {
        return true;
    }
    negotiation->declared = true;
    negotiation->parameters.own_segment = NEGOTIATE_OWN_SEGMENT;
    return text_put(answer, "MaxRecvDataSegmentLength", "%u", NEGOTIATE_OWN_SEGMENT);
}
