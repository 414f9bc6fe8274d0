/**
 * \file
 * A target with a fake bus and an initiator that has logged in: what most cases begin with.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "fake_bus.h"
#include "initiator.h"

#define TARGET_ZERO TARGET_NAME_PREFIX ":0.0"

struct rig {
    struct target target;
    struct fake_bus bus;
    struct initiator one;
    struct answer answer;
};

/** \param keys for the login, NUL after each and one more; NULL: none. The first unit attention has
 * been told. */
struct rig *rig_begin(const char *keys);
/** Checks that nothing is left. */
void rig_end(struct rig *rig);
/** Lets the bus run and takes the next answer of an initiator. \return its opcode, -1: none. */
int rig_answer(struct rig *rig, struct initiator *initiator);
/** TEST UNIT READY. \return sense key, ASC and ASCQ as 0xKKAAQQ; 0 = GOOD. */
unsigned rig_ready(struct rig *rig, struct initiator *initiator);
/** A command without data. \return as rig_ready. */
unsigned rig_command(struct rig *rig, struct initiator *initiator, const uint8_t *cdb,
                     size_t length);
/** READ(10) or WRITE(10). */
void rig_cdb(uint8_t cdb[10], bool write, uint32_t lba, uint16_t blocks);

#endif
