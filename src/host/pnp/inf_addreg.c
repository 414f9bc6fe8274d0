/**
 * \file
 * AddReg: the registry values that an install section asks for, turned into what the registry
 * stores. The root of HKR is decided by the caller, who knows which section the directive stands
 * in.
 * Source: INF AddReg Directive.
 */
#include "pnp/inf_internal.h"

#include <stdlib.h>
#include <string.h>

/** FLG_ADDREG_*: the bits that have a meaning, the type in the high half apart. */
#define ADDREG_BINARY         0x1u
#define ADDREG_KEYONLY_COMMON 0x2000u
#define ADDREG_KNOWN_BITS     0x703Fu

/** The fields of an entry, as SetupAPI counts them. */
enum { ENTRY_ROOT = 1, ENTRY_SUBKEY, ENTRY_VALUE, ENTRY_FLAGS, ENTRY_DATA };

static bool bad(struct inf_walk *walk, const struct inf_line *line, size_t index, const char *text)
{
    struct inf_field place = inf_at_line(line);
    const struct inf_field *field = inf_field(line, index);

    inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_BAD_TOKEN,
            field == NULL ? &place : field, "%s", text);
    return false;
}

static bool parse_root(struct inf_walk *walk, const struct inf_line *line, enum inf_root relative,
                       enum inf_root *root)
{
    static const struct {
        const char *name;
        enum inf_root root;
    } roots[] = {{"HKLM", INF_ROOT_LOCAL_MACHINE},
                 {"HKCR", INF_ROOT_CLASSES},
                 {"HKCU", INF_ROOT_CURRENT_USER},
                 {"HKU", INF_ROOT_USERS}};
    const char *name = inf_text_or_empty(line, ENTRY_ROOT);

    *root = relative;
    if (line->key.raw == NULL && inf_same(name, "HKR")) {
        return true;
    }
    for (size_t i = 0; line->key.raw == NULL && i < sizeof(roots) / sizeof(roots[0]); i++) {
        if (inf_same(name, roots[i].name)) {
            *root = roots[i].root;
            return true;
        }
    }
    return bad(walk, line, line->key.raw == NULL ? ENTRY_ROOT : 0,
               "A registry entry must begin with HKR, HKLM, HKCR, HKCU or HKU.\nBegin it with HKR; "
               "if it belongs to the line above, end that line with a backslash.");
}

/** Reads the flags and the registry type in them. */
static bool parse_flags(struct inf_walk *walk, const struct inf_line *line,
                        struct inf_registry_write *write)
{
    const char *text = inf_text_or_empty(line, ENTRY_FLAGS);
    uint32_t high;

    if (text[0] != '\0' && !inf_parse_uint(text, &write->flags)) {
        return bad(walk, line, ENTRY_FLAGS,
                   "The flags are no number.\nWrite 0x00010001 for REG_DWORD, 0x00000000 for "
                   "REG_SZ, 0x00010000 for REG_MULTI_SZ, 0x00020000 for REG_EXPAND_SZ, 0x00000001 "
                   "for REG_BINARY.");
    }
    high = write->flags >> 16;
    if ((write->flags & ADDREG_BINARY) != 0) {
        write->type = high == 0   ? INF_REG_BINARY
                      : high == 1 ? INF_REG_DWORD
                      : high == 2 ? INF_REG_NONE
                                  : high;
    } else {
        write->type = high == 0 ? INF_REG_SZ : high == 1 ? INF_REG_MULTI_SZ : INF_REG_EXPAND_SZ;
    }
    if ((write->flags & 0xFFFF & ~ADDREG_KNOWN_BITS) != 0 ||
        ((write->flags & ADDREG_BINARY) == 0 && high > 2)) {
        return bad(walk, line, ENTRY_FLAGS,
                   "The flags have a bit that has no meaning.\nUse the FLG_ADDREG values, for "
                   "REG_DWORD 0x00010001.");
    }
    if ((write->flags & INF_ADDREG_APPEND) != 0 && write->type != INF_REG_MULTI_SZ) {
        return bad(
            walk, line, ENTRY_FLAGS,
            "Only a REG_MULTI_SZ can be appended to.\nAdd 0x00010000 to the flags, or drop the 8.");
    }
    return true;
}

/** The bytes of the value fields, each two hexadecimal digits with or without 0x. */
static bool parse_bytes(struct inf_walk *walk, const struct inf_line *line,
                        struct inf_registry_write *write)
{
    size_t count = line->count < ENTRY_DATA ? 0 : line->count - ENTRY_DATA + 1;
    uint8_t *bytes = inf_allocate(walk->inf, count + 1);

    for (size_t i = 0; i < count; i++) {
        const char *text = inf_text_or_empty(line, ENTRY_DATA + i);
        char *end;
        unsigned long byte = strtoul(text, &end, 16);

        if (text[0] == '\0' || text[0] == '-' || *end != '\0' || byte > 0xFF) {
            return bad(walk, line, ENTRY_DATA + i,
                       "Binary data must be bytes in hexadecimal.\nWrite them as 1,0,FF with a "
                       "comma between two.");
        }
        bytes[i] = (uint8_t)byte;
    }
    write->data = bytes;
    write->size = count;
    return true;
}

/** A REG_DWORD is one number, or its four bytes. */
static bool parse_dword(struct inf_walk *walk, const struct inf_line *line,
                        struct inf_registry_write *write)
{
    uint8_t *bytes = inf_allocate(walk->inf, 4);

    if (line->count == ENTRY_DATA + 3) {
        if (!parse_bytes(walk, line, write)) {
            return false;
        }
        for (int i = 3; i >= 0; i--) {
            write->dword = write->dword << 8 | write->data[i];
        }
        return true;
    }
    if (line->count < ENTRY_DATA) {
        return bad(walk, line, ENTRY_FLAGS,
                   line->trailing_comma
                       ? "A REG_DWORD has no value, and its line ends in a comma.\nPut the number "
                         "on this line, or end the line with a backslash to continue it below."
                       : "A REG_DWORD has no value.\nAdd the number after the flags.");
    }
    if (line->count > ENTRY_DATA || !inf_field_uint(line, ENTRY_DATA, &write->dword)) {
        return bad(walk, line, ENTRY_DATA,
                   "The value of a REG_DWORD is no number of 32 bits.\nWrite it in decimal or as "
                   "0x and hexadecimal digits.");
    }
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(write->dword >> (8 * i));
    }
    write->data = bytes;
    write->size = 4;
    return true;
}

static void parse_string(struct inf_walk *walk, const struct inf_line *line,
                         struct inf_registry_write *write)
{
    write->text = inf_text_or_empty(line, ENTRY_DATA);
    write->data = inf_utf16(walk->inf, write->text, &write->size);
}

/** Each string with its terminator, and one more at the end. */
static void parse_strings(struct inf_walk *walk, const struct inf_line *line,
                          struct inf_registry_write *write)
{
    size_t total = 2;
    uint8_t *bytes;

    for (size_t i = ENTRY_DATA; i <= line->count; i++) {
        total += (strlen(inf_text_or_empty(line, i)) + 1) *
                 2; /* UTF-16 has no more units than UTF-8 has bytes */
    }
    bytes = inf_allocate(walk->inf, total);
    for (size_t i = ENTRY_DATA; i <= line->count; i++) {
        size_t size;
        const uint8_t *string = inf_utf16(walk->inf, inf_text_or_empty(line, i), &size);

        if (size > 2) { /* an empty string would end the list early */
            memcpy(bytes + write->size, string, size);
            write->size += size;
        }
    }
    write->data = bytes;
    write->size += 2;
}

static bool parse_data(struct inf_walk *walk, const struct inf_line *line,
                       struct inf_registry_write *write)
{
    if ((write->flags & (INF_ADDREG_KEYONLY | ADDREG_KEYONLY_COMMON | INF_ADDREG_DELVAL)) != 0) {
        return true;
    }
    switch (write->type) {
    case INF_REG_SZ:
    case INF_REG_EXPAND_SZ:
        parse_string(walk, line, write);
        return true;
    case INF_REG_MULTI_SZ:
        parse_strings(walk, line, write);
        return true;
    case INF_REG_DWORD:
        return parse_dword(walk, line, write);
    default:
        return parse_bytes(walk, line, write);
    }
}

/** HKR,,Security in DDInstall.HW is not a value: it protects the device's objects. */
static bool is_security(const struct inf_registry_write *write)
{
    return write->root == INF_ROOT_DEVICE && write->subkey[0] == '\0' && write->text != NULL &&
           inf_same(write->value, "Security");
}

static void walk_entry(struct inf_walk *walk, const struct inf_line *line, enum inf_root relative)
{
    struct inf_registry_write write = {.subkey = inf_text_or_empty(line, ENTRY_SUBKEY),
                                       .value = inf_text_or_empty(line, ENTRY_VALUE),
                                       .line = line->line};
    struct inf_install *out = walk->out;

    if (!parse_root(walk, line, relative, &write.root) || !parse_flags(walk, line, &write) ||
        !parse_data(walk, line, &write)) {
        return;
    }
    if (is_security(&write)) {
        out->security = write.text;
        inf_check_security(walk, inf_field(line, ENTRY_DATA));
        return;
    }
    out->writes = inf_grow(out->writes, out->write_count, &walk->write_capacity, sizeof(write));
    out->writes[out->write_count++] = write;
}

void inf_walk_addreg(struct inf_walk *walk, const struct inf_section *section, enum inf_root root)
{
    const struct inf_line *line = NULL;

    while ((line = inf_next_line(section, "AddReg", line)) != NULL) {
        for (size_t i = 1; i == 1 || i <= line->count; i++) {
            const struct inf_section *entries = inf_walk_section(walk, line, i, "AddReg");

            for (size_t j = 0; entries != NULL && j < entries->count; j++) {
                walk_entry(walk, &entries->lines[j], root);
            }
        }
    }
}
