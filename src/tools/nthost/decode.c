/*
 * Dumps and decoded fields. A field that lies behind the end of what was sent is not printed.
 */
#include "tools/nthost/decode.h"

#include "tools/nthost/words.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void print_hex(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    bool skipping = false;

    for (size_t at = 0; at < length; at += 16) {
        bool repeated =
            at >= 16 && at + 16 < length && memcmp(bytes + at, bytes + at - 16, 16) == 0;

        if (repeated) { /* Lines like the one before: one asterisk for all of them. */
            fputs(skipping ? "" : "  *\n", stdout);
            skipping = true;
            continue;
        }
        skipping = false;
        printf("  %06zx ", at);
        for (size_t i = 0; i < 16; i++) {
            if (at + i < length) {
                printf("%s%02x", i == 8 ? "  " : " ", bytes[at + i]);
            } else {
                printf("%s", i == 8 ? "    " : "   ");
            }
        }
        printf("  |");
        for (size_t i = at; i < length && i < at + 16; i++) {
            putchar(isprint(bytes[i]) ? bytes[i] : '.');
        }
        puts("|");
    }
}

const char *hex_line(const void *data, size_t length, char *buffer, size_t size)
{
    const uint8_t *bytes = data;
    size_t used = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < length && used + 4 <= size; i++) {
        used += (size_t)snprintf(buffer + used, size - used, "%s%02x", i > 0 ? " " : "", bytes[i]);
    }
    return buffer;
}

void print_outcome(const struct scsi_command *command)
{
    printf("  %s: SRB %s, SCSI %s, %u byte(s) moved\n", command_name(command->cdb),
           srb_status_name(command->srb_status), scsi_status_name(command->scsi_status),
           command->transferred);
    if (command->sense_length != 0) {
        print_sense(command->sense, command->sense_length);
    }
}

static void field(const char *name)
{
    printf("  %-20s ", name);
}

/** Characters of a fixed-length field, the padding cut off. */
static void text_field(const char *name, const uint8_t *data, size_t length, size_t at,
                       size_t count)
{
    if (length < at + count) {
        return;
    }
    while (count > 0 && (data[at + count - 1] == ' ' || data[at + count - 1] == '\0')) {
        count--;
    }
    field(name);
    printf("\"%.*s\"\n", (int)count, (const char *)data + at);
}

static void number_field(const char *name, uint64_t value, const char *unit)
{
    field(name);
    printf("%" PRIu64 "%s%s\n", value, unit[0] != '\0' ? " " : "", unit);
}

void print_inquiry(const uint8_t *data, size_t length)
{
    static const char *const qualifiers[] = {"connected", "not connected, but possible", "reserved",
                                             "not possible here"};

    if (length < 5) {
        puts("  (fewer bytes than the shortest INQUIRY data)");
        return;
    }
    field("device type");
    printf("%02Xh %s, %s\n", data[0] & 0x1F, device_type_name(data[0]),
           qualifiers[data[0] >> 5 & 3]);
    field("removable medium");
    puts((data[1] & 0x80) != 0 ? "yes" : "no");
    number_field("version", data[2], data[2] == 6 ? "(SPC-4)" : data[2] == 5 ? "(SPC-3)" : "");
    number_field("additional length", data[4], "");
    if (length > 7) {
        field("command queuing");
        puts((data[7] & 2) != 0 ? "yes" : "no");
    }
    text_field("vendor", data, length, 8, 8);
    text_field("product", data, length, 16, 16);
    text_field("revision", data, length, 32, 4);
}

/** VPD page 83h: one line for each designator (SPC-4 7.8.6). */
static void print_designators(const uint8_t *data, size_t length)
{
    static const char *const types[] = {"vendor specific", "T10 vendor ID", "EUI-64",     "NAA",
                                        "relative port",   "port group",    "unit group", "MD5",
                                        "SCSI name string"};
    size_t at = 4;

    while (at + 4 <= length && at + 4 + data[at + 3] <= length) {
        const uint8_t *designator = data + at;
        unsigned type = designator[1] & 0xF;
        char hex[3 * 64];

        field(type < 9 ? types[type] : "designator");
        if ((designator[0] & 0xF) == 2 || (designator[0] & 0xF) == 3) {
            printf("\"%.*s\"\n", designator[3], (const char *)designator + 4);
        } else {
            puts(hex_line(designator + 4, designator[3], hex, sizeof(hex)));
        }
        at += 4u + designator[3];
    }
}

static void print_block_limits(const uint8_t *data, size_t length)
{
    if (length >= 16) {
        number_field("optimal granularity", read_be16(data + 6), "block(s)");
        number_field("maximum transfer", read_be32(data + 8), "block(s)");
        number_field("optimal transfer", read_be32(data + 12), "block(s)");
    }
    if (length >= 28) {
        number_field("maximum UNMAP", read_be32(data + 20), "block(s)");
    }
}

void print_vpd(const uint8_t *data, size_t length)
{
    if (length < 4) {
        puts("  (fewer bytes than the header of a page)");
        return;
    }
    field("page");
    printf("%02Xh, %u byte(s) follow\n", data[1], read_be16(data + 2));
    switch (data[1]) {
    case 0x00:
        field("supported pages");
        for (size_t i = 4; i < length; i++) {
            printf("%02Xh ", data[i]);
        }
        putchar('\n');
        break;
    case 0x80:
        text_field("serial number", data, length, 4, length - 4);
        break;
    case 0x83:
        print_designators(data, length);
        break;
    case 0xB0:
        print_block_limits(data, length);
        break;
    case 0xB1:
        if (length >= 6) {
            field("rotation");
            printf("%s\n",
                   read_be16(data + 4) == 1 ? "none: non-rotating medium" : "see bytes 4 and 5");
        }
        break;
    case 0xB2:
        if (length >= 6) {
            field("UNMAP");
            puts((data[5] & 0x80) != 0 ? "supported" : "not supported");
        }
        break;
    default:
        break;
    }
}

void print_capacity(const struct scsi_geometry *geometry)
{
    char size[32];

    number_field("blocks", geometry->blocks, "");
    number_field("block size", geometry->block_size, "bytes");
    field("capacity");
    puts(size_text(geometry->blocks * geometry->block_size, size, sizeof(size)));
}

void print_luns(const uint8_t *data, size_t length)
{
    size_t count = length >= 4 ? read_be32(data) / 8 : 0;

    number_field("logical units", count, "");
    for (size_t i = 0; i < count && 8 + 8 * (i + 1) <= length; i++) {
        const uint8_t *lun = data + 8 + 8 * i;

        field("LUN");
        printf("%u\n", (unsigned)((lun[0] & 0x3F) << 8 | lun[1]));
    }
}

void print_sense(const uint8_t *data, size_t length)
{
    struct sense sense;

    if (!sense_parse(data, length, &sense)) {
        puts("  (no sense data)");
        return;
    }
    printf("  sense %X/%02X/%02X: %s, %s\n", sense.key, sense.asc, sense.ascq,
           sense_key_name(sense.key), asc_name(sense.asc, sense.ascq));
    if ((data[0] & 0x7F) == 0x70 && length >= 18 && (data[15] & 0xC0) == 0xC0) {
        printf("  the field that is wrong: byte %u of the CDB", read_be16(data + 16));
        printf((data[15] & 0x08) != 0 ? ", bit %u\n" : "\n", data[15] & 7);
    }
    if ((data[0] & 0xFF) == 0xF0 && length >= 7) {
        printf("  information: %u\n", read_be32(data + 3));
    }
}

static const char *mode_page_name(uint8_t page)
{
    switch (page & 0x3F) {
    case 0x01:
        return "read-write error recovery";
    case 0x08:
        return "caching";
    case 0x0A:
        return "control";
    case 0x1A:
        return "power condition";
    case 0x1C:
        return "informational exceptions";
    case 0x2A:
        return "CD capabilities";
    default:
        return "page";
    }
}

void print_mode(const uint8_t *data, size_t length)
{
    size_t end, at;

    if (length < 8) {
        puts("  (fewer bytes than the header)");
        return;
    }
    end = (size_t)read_be16(data) + 2 < length ? (size_t)read_be16(data) + 2 : length;
    field("write protected");
    puts((data[3] & 0x80) != 0 ? "yes" : "no");
    field("FUA");
    puts((data[3] & 0x10) != 0 ? "supported" : "not supported");
    at = 8u + read_be16(data + 6);
    if (read_be16(data + 6) == 8 && at <= end) {
        number_field("block descriptor", read_be32(data + 12) & 0xFFFFFF, "bytes a block");
    }
    while (at + 2 <= end && at + 2 + data[at + 1] <= end) {
        char hex[3 * 64];

        field(mode_page_name(data[at]));
        printf("%02Xh: %s\n", data[at] & 0x3F,
               hex_line(data + at, 2u + data[at + 1], hex, sizeof(hex)));
        at += 2u + data[at + 1];
    }
}

void print_toc(const uint8_t *data, size_t length)
{
    if (length < 4) {
        puts("  (fewer bytes than the header)");
        return;
    }
    field("tracks");
    printf("%u to %u\n", data[2], data[3]);
    for (size_t at = 4; at + 8 <= length && at + 8 <= (size_t)read_be16(data) + 2; at += 8) {
        bool lead_out = data[at + 2] == 0xAA;

        field(lead_out ? "lead-out" : "track");
        if (!lead_out) {
            printf("%u, %s, ", data[at + 2], (data[at + 1] & 4) != 0 ? "data" : "audio");
        }
        printf("at block %u\n", read_be32(data + at + 4));
    }
}
