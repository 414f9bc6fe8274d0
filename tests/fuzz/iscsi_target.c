/**
 * \file
 * Any bytes: the target's parser and state machine under libFuzzer (make fuzz), with AddressSanitizer
 * and UBSan. An input is a little program. Its first byte says how it begins (raw bytes into a
 * connection that has not logged in; or a session, perhaps with digests, perhaps without immediate
 * data); then come steps: bytes as they are, PDUs whose lengths and numbers are put right so that they
 * get deep, a turn of the bus, a connection lost and a new one. At the end nothing may be left: no
 * command, no buffer, no task management function.
 */
#include "../iscsi/fake_bus.h"
#include "../iscsi/initiator.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);

static struct fake_bus bus;
static struct target target;
static struct initiator one;
static const uint8_t *at, *end;

static void counted(void *context, uint8_t *out, size_t length)
{
    (void)context;
    memset(out, 0x55, length);
}

static uint8_t next(void)
{
    return at < end ? *at++ : 0;
}

static void log_in(uint8_t how)
{
    static const char *const keys[] = {"", "HeaderDigest=CRC32C\0DataDigest=CRC32C\0",
                                       "InitialR2T=No\0FirstBurstLength=1024\0",
                                       "ImmediateData=No\0MaxRecvDataSegmentLength=512\0"};

    initiator_begin(&one, &target);
    if ((how & 1) != 0) {
        one.keys = keys[how >> 1 & 3];
        initiator_login(&one, (how & 8) != 0 ? NULL : TARGET_NAME_PREFIX ":0.0");
        one.length = 0;
    }
}

/** Bytes as they are. */
static void send_raw(size_t count)
{
    count = count < (size_t)(end - at) ? count : (size_t)(end - at);
    initiator_raw(&one, at, count);
    at += count;
}

/** A PDU of the input's bytes, with a length that fits, and the number that comes next. */
static void send_pdu(uint8_t control)
{
    uint8_t header[PDU_HEADER] = {0};
    static const uint8_t commands[] = {0x28, 0x2A, 0x12, 0x1A, 0x15, 0x1E, 0x1B, 0x03};
    uint32_t data;

    for (unsigned i = 0; i < PDU_HEADER && at < end; i++) {
        header[i] = *at++;
    }
    header[PDU_AHS_LENGTH] = 0;
    if ((control & 0x10) != 0) {
        put32(header + PDU_CMDSN, one.cmdsn);
        one.cmdsn += (header[0] & PDU_IMMEDIATE) == 0 && pdu_opcode(header) != PDU_DATA_OUT;
    }
    if ((control & 0x20) != 0) {
        memset(header + PDU_LUN, 0, 8);
        header[PDU_ITT] = header[PDU_ITT + 1] = header[PDU_ITT + 2] = 0;
    }
    if ((control & 0x40) != 0) {
        header[PDU_CDB] = commands[header[PDU_CDB] & 7];
        put16(header + PDU_EXPECTED_LENGTH, 0);
    }
    data = header[PDU_DATA_LENGTH + 2];
    data = data < (size_t)(end - at) ? data : (uint32_t)(end - at);
    initiator_send(&one, header, at, data);
    at += data;
}

static void step(void)
{
    uint8_t control = next();

    switch (control & 0x0F) {
    case 0:
        fake_bus_run(&bus);
        break;
    case 1:
        initiator_end(&one);
        log_in(next());
        break;
    case 2:
        conn_ping(one.conn);
        break;
    case 3:
        send_raw(next());
        break;
    default:
        send_pdu(control);
        break;
    }
    if (initiator_over(&one)) { /* Also takes what the target has to send. */
        initiator_end(&one);
        log_in(1);
    }
    one.length = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
    struct bus functions = fake_bus_begin(&bus, &target);

    at = input;
    end = input + length;
    target_begin(&target, &functions, NULL, counted);
    log_in(next());
    while (at < end) {
        step();
    }
    initiator_end(&one);
    fake_bus_run(&bus);
    if (target.tasks != 0 || target.on_bus != 0 || target.managements != NULL ||
        target.buffers.in_use != 0 || target.waiting != NULL) {
        abort();
    }
    target_end(&target);
    return 0;
}
