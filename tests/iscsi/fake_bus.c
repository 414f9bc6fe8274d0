/*
 * The RAM disk behind the target under test.
 */
#include "fake_bus.h"

#include "tools/iscsi/pdu.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static unsigned units(void *context, struct bus_unit *out, unsigned room)
{
    (void)context;
    if (room > 0) {
        out[0] = (struct bus_unit){.at = {0, 0, 0}, .block_size = FAKE_BLOCK};
    }
    return 1;
}

static bool open_command(void *context, struct bus_command *command)
{
    (void)context;
    command->handle = malloc(1); /* So that a leak checker sees a close that is missing. */
    return command->handle != NULL;
}

static void close_command(void *context, struct bus_command *command)
{
    (void)context;
    free(command->handle);
}

static void append(struct fake_bus *bus, struct bus_event *event)
{
    event->next = NULL;
    *bus->last = event;
    bus->last = &event->next;
}

static void submit(void *context, struct bus_command *command)
{
    struct fake_bus *bus = context;

    bus->submitted++;
    bus->last_seen = *command;
    command->event.kind = BUS_COMMAND_DONE;
    append(bus, &command->event);
}

static void abort_command(void *context, struct bus_command *command)
{
    (void)command;
    ((struct fake_bus *)context)->aborted++;
}

static void reset(void *context, struct bus_reset *wanted)
{
    struct fake_bus *bus = context;

    bus->resets++;
    bus->level = wanted->level;
    bus->prevented = false;
    wanted->succeeded = true;
    append(bus, &wanted->event);
}

struct bus fake_bus_begin(struct fake_bus *bus, struct target *target)
{
    memset(bus, 0, offsetof(struct fake_bus, data));
    bus->target = target;
    bus->last = &bus->first;
    return (struct bus){.context = bus,
                        .units = units,
                        .open = open_command,
                        .close = close_command,
                        .submit = submit,
                        .abort = abort_command,
                        .reset = reset};
}

static void check_condition(struct bus_command *command, uint8_t key, uint8_t asc)
{
    command->status = 0x02;
    command->sense_length = 18;
    memset(command->sense, 0, 18);
    command->sense[0] = 0x70;
    command->sense[2] = key;
    command->sense[7] = 10;
    command->sense[12] = asc;
}

static void read_or_write(struct fake_bus *bus, struct bus_command *command, bool write)
{
    uint32_t lba = get32(command->cdb + 2), blocks = get16(command->cdb + 7);

    if (lba > FAKE_BLOCKS || blocks > FAKE_BLOCKS - lba) {
        check_condition(command, 0x05, 0x21);
    } else if (blocks * FAKE_BLOCK > command->length) {
        check_condition(command, 0x05, 0x24);
    } else if (blocks != 0) {
        uint8_t *at = bus->data + lba * FAKE_BLOCK;

        memcpy(write ? at : command->data, write ? command->data : at, blocks * FAKE_BLOCK);
        command->transferred = blocks * FAKE_BLOCK;
    }
}

/** Data from memory, cut to what there is room for. */
static void reply(struct bus_command *command, const void *data, uint32_t length)
{
    command->transferred = length < command->length ? length : command->length;
    if (command->transferred != 0) {
        memcpy(command->data, data, command->transferred);
    }
}

static void execute(struct fake_bus *bus, struct bus_command *command)
{
    static const uint8_t inquiry[36] = {0, 0x80, 6, 2, 31, 0, 0, 2, 'F', 'A', 'K', 'E'};
    uint8_t mode[16] = {15, 0, 0, 0, 0x0A, 10};

    command->status = 0;
    command->sense_length = 0;
    command->transferred = 0;
    command->absent = command->at.lun != 0;
    mode[6] = bus->descriptor_sense ? 4 : 0;
    switch (command->absent ? 0x00 : command->cdb[0]) {
    case 0x00:
    case 0x1B:
    case 0x15:
        break;
    case 0x12:
        reply(command, inquiry, sizeof(inquiry));
        break;
    case 0x1A:
        reply(command, mode, sizeof(mode));
        break;
    case 0x1E:
        bus->prevented = (command->cdb[4] & 1) != 0;
        break;
    case 0x28:
    case 0x2A:
        read_or_write(bus, command, command->cdb[0] == 0x2A);
        break;
    default:
        check_condition(command, 0x05, 0x20);
        break;
    }
}

void fake_bus_run(struct fake_bus *bus)
{
    while (bus->first != NULL) {
        struct bus_event *event = bus->first;

        bus->first = event->next;
        if (bus->first == NULL) {
            bus->last = &bus->first;
        }
        if (event->kind == BUS_COMMAND_DONE) {
            execute(bus, (struct bus_command *)event);
        }
        target_event(bus->target, event);
    }
}
