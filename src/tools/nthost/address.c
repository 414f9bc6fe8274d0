/*
 * Addresses, numbers and bytes as typed. Strict: a number with anything behind it is no number.
 */
#include "tools/nthost/address.h"

#include "tools/nthost/tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Reads digits only; strtoull alone would take blanks and signs. */
static bool scan(const char *text, uint64_t limit, uint64_t *value, const char **end)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *stop;

    if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2]))) {
        return false;
    }
    errno = 0;
    *value = strtoull(text, &stop, hex ? 16 : 10);
    *end = stop;
    return errno == 0 && *value <= limit;
}

static bool scan_address(const char *text, struct address *address)
{
    uint8_t *const parts[] = {&address->path, &address->target, &address->lun};
    uint64_t value;

    for (unsigned i = 0; i < 3; i++) {
        if (!scan(text, 254, &value, &text) || *text != (i < 2 ? ':' : '\0')) {
            return false;
        }
        *parts[i] = (uint8_t)value;
        text += i < 2;
    }
    return true;
}

bool address_looks_like(const char *text)
{
    struct address address;

    return scan_address(text, &address);
}

bool address_parse(const char *text, struct address *address)
{
    return scan_address(text, address) ||
           tool_misuse("write PATH:TARGET:LUN, for example 0:0:0; `units` lists what there is",
                       "\"%s\" is no address of a unit", text);
}

bool number_parse(const char *text, const char *what, uint64_t limit, uint64_t *value)
{
    const char *end;

    if (scan(text, limit, value, &end) && *end == '\0') {
        return true;
    }
    tool_misuse("write it decimal, or hexadecimal with 0x in front",
                "%s \"%s\" is no number from 0 to %llu", what, text, (unsigned long long)limit);
    return false;
}

static int digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

bool bytes_parse(const char *text, uint8_t *bytes, size_t room, size_t *count)
{
    for (const char *at = text; *at != '\0'; at += 2) {
        int high = digit(at[0]);
        int low = high < 0 ? -1 : digit(at[1]);

        if (low < 0) {
            return tool_misuse(
                "write two hexadecimal digits for each byte, for example 12 00 00 00 24 00",
                "\"%s\" is not made of bytes", text);
        }
        if (*count == room) {
            return tool_misuse("see SPC-4 4.2: a CDB has 6, 10, 12, 16 or at most 32 bytes",
                               "more than %zu bytes", room);
        }
        bytes[(*count)++] = (uint8_t)(high << 4 | low);
    }
    return true;
}
