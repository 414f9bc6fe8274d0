/*
 * Commands that ask a unit something: one CDB each, the answer as bytes and in words.
 */
#include "tools/nthost/commands.h"

#include "tools/nthost/decode.h"
#include "tools/nthost/scsi.h"
#include "tools/nthost/tool.h"
#include "tools/nthost/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Sends a command that brings data, dumps them. */
static bool ask(struct scsi_command *command)
{
    if (!scsi_do(command)) {
        return false;
    }
    print_hex(command->data, command->transferred);
    return true;
}

static bool inquiry(struct session *session, int argc, char **argv)
{
    uint8_t data[255] = {0};
    struct address address;
    uint64_t page = 0;
    struct scsi_command command;

    (void)session;
    if (!address_parse(argv[1], &address) ||
        (argc > 2 && !number_parse(argv[2], "page", 0xFF, &page))) {
        return false;
    }
    command = scsi_prepare(&address, 0x12, 6, HOST_DATA_IN, data, argc > 2 ? sizeof(data) : 36);
    command.cdb[1] = argc > 2;
    command.cdb[2] = (uint8_t)page;
    write_be(command.cdb + 3, 2, command.length);
    if (!ask(&command)) {
        return false;
    }
    if (argc > 2) {
        print_vpd(data, command.transferred);
    } else {
        print_inquiry(data, command.transferred);
    }
    return true;
}

static bool capacity(struct session *session, int argc, char **argv)
{
    struct scsi_geometry geometry;
    struct address address;

    (void)session;
    (void)argc;
    if (!address_parse(argv[1], &address) || !scsi_geometry(&address, &geometry)) {
        return false;
    }
    print_capacity(&geometry);
    return true;
}

static bool luns(struct session *session, int argc, char **argv)
{
    uint8_t data[8 + 8 * 256] = {0};
    struct address address;
    struct scsi_command command;

    (void)session;
    (void)argc;
    if (!address_parse(argv[1], &address)) {
        return false;
    }
    command = scsi_prepare(&address, 0xA0, 12, HOST_DATA_IN, data, sizeof(data));
    write_be(command.cdb + 6, 4, sizeof(data));
    if (!ask(&command)) {
        return false;
    }
    print_luns(data, command.transferred);
    return true;
}

static bool sense(struct session *session, int argc, char **argv)
{
    uint8_t data[252] = {0};
    struct address address;
    struct scsi_command command;

    (void)session;
    (void)argc;
    if (!address_parse(argv[1], &address)) {
        return false;
    }
    command = scsi_prepare(&address, 0x03, 6, HOST_DATA_IN, data, sizeof(data));
    command.cdb[4] = sizeof(data);
    if (!ask(&command)) {
        return false;
    }
    print_sense(data, command.transferred);
    return true;
}

static bool mode(struct session *session, int argc, char **argv)
{
    uint8_t data[512] = {0};
    struct address address;
    uint64_t page = 0x3F;
    struct scsi_command command;

    (void)session;
    if (!address_parse(argv[1], &address) ||
        (argc > 2 && !number_parse(argv[2], "page", 0x3F, &page))) {
        return false;
    }
    command = scsi_prepare(&address, 0x5A, 10, HOST_DATA_IN, data, sizeof(data));
    command.cdb[2] = (uint8_t)page;
    write_be(command.cdb + 7, 2, sizeof(data));
    if (!ask(&command)) {
        return false;
    }
    print_mode(data, command.transferred);
    return true;
}

static bool toc(struct session *session, int argc, char **argv)
{
    uint8_t data[804] = {0};
    struct address address;
    struct scsi_command command;

    (void)session;
    (void)argc;
    if (!address_parse(argv[1], &address)) {
        return false;
    }
    command = scsi_prepare(&address, 0x43, 10, HOST_DATA_IN, data, sizeof(data));
    write_be(command.cdb + 7, 2, sizeof(data));
    if (!ask(&command)) {
        return false;
    }
    print_toc(data, command.transferred);
    return true;
}

/** TEST UNIT READY, and START STOP UNIT for eject and load. */
static bool simple(const char *address_text, uint8_t opcode, uint8_t byte4)
{
    struct address address;
    struct scsi_command command;

    if (!address_parse(address_text, &address)) {
        return false;
    }
    command = scsi_prepare(&address, opcode, 6, HOST_DATA_NONE, NULL, 0);
    command.cdb[4] = byte4;
    return scsi_do(&command);
}

static bool ready(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    return simple(argv[1], 0x00, 0) && puts("ready") >= 0;
}

static bool eject(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    return simple(argv[1], 0x1B, 0x02);
}

static bool load(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    return simple(argv[1], 0x1B, 0x03);
}

/** Puts data into a file. */
static bool save(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    bool ok;

    if (file == NULL) {
        return tool_fail("check the path and the rights", "%s: %s", path, strerror(errno));
    }
    ok = fwrite(data, 1, length, file) == length;
    return (fclose(file) == 0 && ok) ||
           tool_fail("free some space", "%s: could not be written: %s", path, strerror(errno));
}

/** Reads a whole file as data-out. \return NULL after a complaint. */
static uint8_t *load_file(const char *path, uint32_t *length)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(SCSI_MAXIMUM_TRANSFER + 1);
    size_t got;

    if (file == NULL || data == NULL) {
        tool_fail("check the path and the rights", "%s: %s", path, strerror(errno));
        free(data);
        if (file != NULL) {
            fclose(file);
        }
        return NULL;
    }
    got = fread(data, 1, SCSI_MAXIMUM_TRANSFER + 1, file);
    fclose(file);
    if (got == 0 || got > SCSI_MAXIMUM_TRANSFER) {
        tool_fail("give a file of 1 byte to 1 MiB", "%s: %s", path,
                  got == 0 ? "nothing can be read from it" : "too long");
        free(data);
        return NULL;
    }
    *length = (uint32_t)got;
    return data;
}

/** What follows the bytes of a raw CDB: "in N [FILE]" or "out FILE". */
static bool cdb_data(struct scsi_command *command, int argc, char **argv)
{
    uint64_t length;

    if (argc == 0) {
        return true;
    }
    if (strcmp(argv[0], "in") == 0 && (argc == 2 || argc == 3)) {
        if (!number_parse(argv[1], "length", SCSI_MAXIMUM_TRANSFER, &length)) {
            return false;
        }
        command->direction = HOST_DATA_IN;
        command->length = (uint32_t)length;
        command->data = calloc(1, length + 1);
        return command->data != NULL || tool_fail("free some memory", "out of memory");
    }
    if (strcmp(argv[0], "out") == 0 && argc == 2) {
        command->direction = HOST_DATA_OUT;
        command->data = load_file(argv[1], &command->length);
        return command->data != NULL;
    }
    return tool_fail("cdb P:T:L BYTE... [in N [FILE] | out FILE]",
                     "\"%s\" with %d word(s) behind it is not understood", argv[0], argc - 1);
}

static bool cdb(struct session *session, int argc, char **argv)
{
    struct scsi_command command = {.direction = HOST_DATA_NONE};
    size_t length = 0;
    int at = 2;
    bool ok;

    (void)session;
    if (!address_parse(argv[1], &command.address)) {
        return false;
    }
    for (; at < argc && strcmp(argv[at], "in") != 0 && strcmp(argv[at], "out") != 0; at++) {
        if (!bytes_parse(argv[at], command.cdb, sizeof(command.cdb), &length)) {
            return false;
        }
    }
    if (length == 0) {
        return tool_fail("for example: cdb 0:0:0 12 00 00 00 24 00 in 36", "no bytes are given");
    }
    command.cdb_length = (uint8_t)length;
    ok = cdb_data(&command, argc - at, argv + at);
    if (ok) {
        scsi_send(&command); /* Whatever comes of it is the answer. */
        print_outcome(&command);
        if (command.direction == HOST_DATA_IN && command.transferred <= command.length) {
            print_hex(command.data, command.transferred);
            ok = argc - at < 3 || save(argv[at + 2], command.data, command.transferred);
        }
    }
    free(command.data);
    return ok;
}

const struct command commands_scsi[] = {
    {"inquiry", "P:T:L [PAGE]", "INQUIRY: who are you; with a VPD page", "03-scsi", 1, 2,
     NEEDS_ADAPTER, inquiry},
    {"ready", "P:T:L", "TEST UNIT READY", "03-scsi", 1, 1, NEEDS_ADAPTER, ready},
    {"capacity", "P:T:L", "READ CAPACITY", "03-scsi", 1, 1, NEEDS_ADAPTER, capacity},
    {"luns", "P:T:L", "REPORT LUNS", "03-scsi", 1, 1, NEEDS_ADAPTER, luns},
    {"sense", "P:T:L", "REQUEST SENSE", "06-compliance", 1, 1, NEEDS_ADAPTER, sense},
    {"mode", "P:T:L [PAGE]", "MODE SENSE(10), all pages or one", "03-scsi", 1, 2, NEEDS_ADAPTER,
     mode},
    {"toc", "P:T:L", "READ TOC of a CD-ROM", "03-scsi", 1, 1, NEEDS_ADAPTER, toc},
    {"eject", "P:T:L", "START STOP UNIT: the medium out", "03-scsi", 1, 1, NEEDS_ADAPTER, eject},
    {"load", "P:T:L", "START STOP UNIT: the medium in", "03-scsi", 1, 1, NEEDS_ADAPTER, load},
    {"cdb", "P:T:L BYTE... [in N [FILE] | out FILE]",
     "any CDB; prints how it ended, never fails for it", "03-scsi", 2, -1, NEEDS_ADAPTER, cdb},
    {0},
};
