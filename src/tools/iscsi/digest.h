/**
 * \file
 * The digest of headers and data: CRC32C (RFC 7143 13.1), by ISA-L.
 */
#ifndef ISCSI_DIGEST_H
#define ISCSI_DIGEST_H

#include <stdint.h>

#define DIGEST_BEGIN 0xFFFFFFFFu

/** Goes on with a digest over more bytes. \param state DIGEST_BEGIN, or what the last call gave. */
uint32_t digest_add(uint32_t state, const void *bytes, uint32_t length);
/** Writes the digest as it goes over the wire: 4 bytes. */
void digest_end(uint32_t state, uint8_t *out);

#endif
