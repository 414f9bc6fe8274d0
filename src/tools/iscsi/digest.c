/*
 * CRC32C. The wire has its least significant byte first: the example of RFC 7143 appendix A.4 gives
 * AA 36 91 8A for 32 bytes of zeros, which is the number 8A9136AAh.
 */
#include "tools/iscsi/digest.h"

#include <isa-l/crc.h>

uint32_t digest_add(uint32_t state, const void *bytes, uint32_t length)
{
    /* ISA-L takes no const pointer, but only reads. */
    return crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)length, state);
}

void digest_end(uint32_t state, uint8_t *out)
{
    uint32_t crc = ~state;

    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(crc >> 8 * i);
    }
}
