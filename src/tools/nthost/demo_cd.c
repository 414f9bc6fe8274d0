/*
 * A glance at a CD-ROM: the volume descriptor at block 16, the root directory that it names, the
 * first file in that (ECMA-119, 8.4 and 9.1). Whatever the medium says is checked before it is
 * used.
 */
#include "tools/nthost/demo_parts.h"

#include "tools/nthost/decode.h"
#include "tools/nthost/tool.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 2048u

static uint32_t read_le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool read_block(const struct address *address, uint32_t lba, uint8_t *data)
{
    struct scsi_command command =
        scsi_block_command(address, 0x28, lba, 1, HOST_DATA_IN, data, BLOCK);

    return scsi_do(&command);
}

/** The first record of a directory block that is a file. NULL: there is none. */
static const uint8_t *first_file(const uint8_t *block)
{
    for (unsigned at = 0; at + 34 <= BLOCK && block[at] >= 34 && at + block[at] <= BLOCK;
         at += block[at]) {
        const uint8_t *record = block + at;

        if ((record[25] & 2) == 0 && 33u + record[32] <= record[0]) {
            return record;
        }
    }
    return NULL;
}

/** Text up to the first end of line, or a few bytes when it is none. \return `buffer`. */
static const char *beginning(const uint8_t *data, size_t length, char *buffer, size_t size)
{
    size_t end = 0;

    while (end < length && end < 60 && isprint(data[end])) {
        end++;
    }
    if (end == 0) {
        return hex_line(data, length < 8 ? length : 8, buffer, size);
    }
    snprintf(buffer, size, "\"%.*s\"", (int)end, (const char *)data);
    return buffer;
}

bool demo_cdrom(const struct address *address)
{
    uint8_t volume[BLOCK], directory[BLOCK], data[BLOCK];
    char text[80];
    const uint8_t *file;
    int name = 32;

    if (!read_block(address, 16, volume)) {
        return false;
    }
    if (memcmp(volume + 1, "CD001", 5) != 0) {
        demo_words("block 16 holds no ISO 9660 volume descriptor");
        return true;
    }
    while (name > 0 && volume[39 + name] == ' ') {
        name--;
    }
    if (!read_block(address, read_le32(volume + 156 + 2), directory)) {
        return false;
    }
    demo_words("volume \"%.*s\"", name, (const char *)volume + 40);
    file = first_file(directory);
    if (file != NULL) {
        uint32_t size = read_le32(file + 10);

        if (!read_block(address, read_le32(file + 2), data)) {
            return false;
        }
        demo_words("file %.*s of %u bytes, beginning %s", file[32], (const char *)file + 33, size,
                   beginning(data, size < BLOCK ? size : BLOCK, text, sizeof(text)));
    }
    return true;
}
