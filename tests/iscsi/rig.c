/*
 * Set-up and end of a case; the end is a check of its own: no command, buffer or connection is left.
 */
#include "rig.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

static void counted(void *context, uint8_t *out, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++) {
        out[i] = (uint8_t)(i + 1);
    }
}

struct rig *rig_begin(const char *keys)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct bus bus = fake_bus_begin(&rig->bus, &rig->target);

    target_begin(&rig->target, &bus, NULL, counted);
    initiator_begin(&rig->one, &rig->target);
    rig->one.keys = keys;
    CU_ASSERT_EQUAL(initiator_login(&rig->one, TARGET_ZERO), 0);
    CU_ASSERT_EQUAL(rig_ready(rig, &rig->one), 0x062900);
    return rig;
}

void rig_end(struct rig *rig)
{
    initiator_end(&rig->one);
    fake_bus_run(&rig->bus);
    CU_ASSERT_PTR_NULL(rig->target.conns);
    CU_ASSERT_PTR_NULL(rig->target.managements);
    CU_ASSERT_PTR_NULL(rig->target.waiting);
    CU_ASSERT_EQUAL(rig->target.tasks, 0);
    CU_ASSERT_EQUAL(rig->target.on_bus, 0);
    CU_ASSERT_EQUAL(rig->target.buffers.in_use, 0);
    target_end(&rig->target);
    free(rig);
}

int rig_answer(struct rig *rig, struct initiator *initiator)
{
    fake_bus_run(&rig->bus);
    return initiator_receive(initiator, &rig->answer) ? (int)pdu_opcode(rig->answer.header) : -1;
}

unsigned rig_command(struct rig *rig, struct initiator *initiator, const uint8_t *cdb,
                     size_t length)
{
    uint8_t header[PDU_HEADER];

    initiator_command(initiator, header, PDU_FINAL, 0, cdb, length);
    initiator_send(initiator, header, NULL, 0);
    if (rig_answer(rig, initiator) != PDU_SCSI_RESPONSE) {
        return 0xFFFFFF;
    }
    if (rig->answer.header[3] == 0) {
        return 0;
    }
    if (rig->answer.data[2] == 0x72) { /* descriptor format */
        return (unsigned)rig->answer.data[3] << 16 | get16(rig->answer.data + 4);
    }
    return (unsigned)(rig->answer.data[4] & 15) << 16 | get16(rig->answer.data + 14);
}

unsigned rig_ready(struct rig *rig, struct initiator *initiator)
{
    static const uint8_t cdb[6] = {0};

    return rig_command(rig, initiator, cdb, sizeof(cdb));
}

void rig_cdb(uint8_t cdb[10], bool write, uint32_t lba, uint16_t blocks)
{
    memset(cdb, 0, 10);
    cdb[0] = write ? 0x2A : 0x28;
    put32(cdb + 2, lba);
    put16(cdb + 7, blocks);
}
