/**
 * \file
 * Operational keys (RFC 7143 section 13): one table says how each is negotiated and what we offer.
 */
#ifndef ISCSI_NEGOTIATE_H
#define ISCSI_NEGOTIATE_H

#include "tools/iscsi/text.h"

/** What a session and its connection have agreed on. */
struct parameters {
    bool header_digest, data_digest;
    bool initial_r2t;      /**< Yes: data only when asked for, beyond immediate data. */
    bool immediate_data;   /**< Data may come with the command. */
    uint32_t max_burst;    /**< Bytes of one sequence of Data-In or of what one R2T asks for. */
    uint32_t first_burst;  /**< Bytes that may come unasked. */
    uint32_t peer_segment; /**< Bytes of data that the initiator takes in one PDU. */
    uint32_t own_segment;  /**< Bytes that we take; 8,192 until we have said otherwise. */
};

#define NEGOTIATE_OWN_SEGMENT 262144u
#define NEGOTIATE_KEYS        20u

struct negotiation {
    struct parameters parameters;
    bool discovery;
    bool seen[NEGOTIATE_KEYS];
    bool declared; /**< We have said our MaxRecvDataSegmentLength. */
};

/** The defaults that hold before anything is said. */
void negotiate_begin(struct negotiation *negotiation);

enum negotiate_result {
    NEGOTIATE_ANSWERED,
    NEGOTIATE_NOT_MINE, /**< No operational key: login's own, or one that nobody knows. */
    NEGOTIATE_REPEATED, /**< Offered twice: a fault of the initiator's. */
    NEGOTIATE_FULL,     /**< The answer does not fit. */
};

/** Answers one key that the initiator offered, and keeps what was agreed on. */
enum negotiate_result negotiate_key(struct negotiation *negotiation, const struct text_pair *pair,
                                    struct text *answer);
/** Says what we have to say unasked: how much we take in one PDU. \return false: no room. */
bool negotiate_declare(struct negotiation *negotiation, struct text *answer);

#endif
