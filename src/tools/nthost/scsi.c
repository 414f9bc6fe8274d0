/*
 * Building CDBs, sending them, and saying in words what went wrong with one. Nothing is retried:
 * what the driver answers is what the user sees.
 */
#include "tools/nthost/scsi.h"

#include "tools/nthost/tool.h"
#include "tools/nthost/words.h"

#include <ntifs.h>
#include <srb.h>

#include <string.h>

uint16_t read_be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t read_be32(const uint8_t *bytes)
{
    return (uint32_t)read_be16(bytes) << 16 | read_be16(bytes + 2);
}

uint64_t read_be64(const uint8_t *bytes)
{
    return (uint64_t)read_be32(bytes) << 32 | read_be32(bytes + 4);
}

void write_be(uint8_t *bytes, unsigned count, uint64_t value)
{
    while (count-- > 0) {
        bytes[count] = (uint8_t)value;
        value >>= 8;
    }
}

struct scsi_command scsi_prepare(const struct address *address, uint8_t opcode, uint8_t cdb_length,
                                 enum host_direction direction, void *data, uint32_t length)
{
    return (struct scsi_command){.address = *address,
                                 .cdb = {opcode},
                                 .cdb_length = cdb_length,
                                 .direction = direction,
                                 .data = data,
                                 .length = length};
}

bool scsi_send(struct scsi_command *command)
{
    struct host_request *request = host_request_create();

    request->path = command->address.path;
    request->target = command->address.target;
    request->lun = command->address.lun;
    memcpy(request->cdb, command->cdb, sizeof(request->cdb));
    request->cdb_length = command->cdb_length;
    request->direction = command->direction;
    request->data = command->data;
    request->data_length = command->length;
    command->srb_status = host_execute(request);
    command->scsi_status = request->scsi_status;
    command->transferred = request->transferred;
    command->sense_length = request->sense_valid;
    memcpy(command->sense, request->sense, sizeof(command->sense));
    command->id = request->id;
    host_request_free(request);
    return command->srb_status == SRB_STATUS_SUCCESS;
}

/** What to do about a command that failed. */
static const char *remedy_for(const struct scsi_command *command, const struct sense *sense,
                              bool has_sense)
{
    static const struct {
        uint16_t code;
        const char *remedy;
    } table[] = {
        {0x2000, "the unit does not have this command; `help` lists those of the prompt"},
        {0x2100, "`capacity` says how many blocks there are"},
        {0x2400,
         "a field of the CDB holds what the unit does not support; see the clause of the command"},
        {0x2700, "the image was connected read-only, or as a CD-ROM"},
        {0x2707, "the disk that holds the image is full: free some space"},
        {0x3A00, "`load` puts the medium back"},
        {0x1D00, "the blocks hold other data than expected"},
        {0x5302, "allow it first: `cdb` with 1e 00 00 00 00 00"},
    };

    if (has_sense) {
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
            if (table[i].code == (sense->asc << 8 | sense->ascq)) {
                return table[i].remedy;
            }
        }
        if (sense->key == 6) {
            return "a unit attention is told once: send the command again";
        }
    }
    if (command->srb_status == SRB_STATUS_NO_DEVICE ||
        command->srb_status == SRB_STATUS_INVALID_LUN ||
        command->srb_status == SRB_STATUS_INVALID_TARGET_ID ||
        command->srb_status == SRB_STATUS_INVALID_PATH_ID ||
        command->srb_status == SRB_STATUS_SELECTION_TIMEOUT) {
        return "`units` lists what is on the bus; `connect` adds to it";
    }
    return "`trace 40` shows the way it went";
}

bool scsi_complain(const struct scsi_command *command)
{
    struct sense sense = {0, 0, 0};
    bool has_sense = sense_parse(command->sense, command->sense_length, &sense);
    char words[160] = "";

    if (has_sense) {
        snprintf(words, sizeof(words), ": %s, %s (%X/%02X/%02X)", sense_key_name(sense.key),
                 asc_name(sense.asc, sense.ascq), sense.key, sense.asc, sense.ascq);
    }
    return tool_fail(remedy_for(command, &sense, has_sense),
                     "%u:%u:%u: %s ended with %s (0x%02X)%s", command->address.path,
                     command->address.target, command->address.lun, command_name(command->cdb),
                     srb_status_name(command->srb_status), command->srb_status, words);
}

bool scsi_do(struct scsi_command *command)
{
    return scsi_send(command) || scsi_complain(command);
}

bool scsi_geometry(const struct address *address, struct scsi_geometry *geometry)
{
    uint8_t data[32] = {0};
    struct scsi_command command = scsi_prepare(address, 0x25, 10, HOST_DATA_IN, data, 8);

    if (!scsi_do(&command)) {
        return false;
    }
    geometry->blocks = (uint64_t)read_be32(data) + 1;
    geometry->block_size = read_be32(data + 4);
    if (geometry->blocks ==
        0x100000000u) { /* All ones: more than this form can say (SBC-3 5.15). */
        command = scsi_prepare(address, 0x9E, 16, HOST_DATA_IN, data, sizeof(data));
        command.cdb[1] = 0x10;
        write_be(command.cdb + 10, 4, sizeof(data));
        if (!scsi_do(&command)) {
            return false;
        }
        geometry->blocks = read_be64(data) + 1;
        geometry->block_size = read_be32(data + 8);
    }
    return (geometry->block_size != 0 && geometry->block_size <= SCSI_MAXIMUM_TRANSFER) ||
           tool_fail("this is a fault of the driver", "%u:%u:%u: says that a block has %u bytes",
                     address->path, address->target, address->lun, geometry->block_size);
}

struct scsi_command scsi_block_command(const struct address *address, uint8_t opcode, uint64_t lba,
                                       uint32_t blocks, enum host_direction direction, void *data,
                                       uint32_t length)
{
    struct scsi_command command;

    if (lba <= UINT32_MAX && blocks <= UINT16_MAX) {
        command = scsi_prepare(address, opcode, 10, direction, data, length);
        write_be(command.cdb + 2, 4, lba);
        write_be(command.cdb + 7, 2, blocks);
    } else { /* 28h, 2Ah, 2Fh, 35h become 88h, 8Ah, 8Fh, 91h. */
        command = scsi_prepare(address, opcode == 0x35 ? 0x91 : (uint8_t)(opcode + 0x60), 16,
                               direction, data, length);
        write_be(command.cdb + 2, 8, lba);
        write_be(command.cdb + 10, 4, blocks);
    }
    return command;
}
