/**
 * \file
 * What people type: addresses, numbers, bytes. Each function complains itself and returns false for
 * what it does not understand.
 */
#ifndef NTHOST_ADDRESS_H
#define NTHOST_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A unit's place on the bus. */
struct address {
    uint8_t path, target, lun;
};

/** "0:1:0", each part 0 to 254. */
bool address_parse(const char *text, struct address *address);
/** Does the text have the form of an address? Says nothing. */
bool address_looks_like(const char *text);
/** A number, decimal or 0x..., at most `limit`. \param what names it in the complaint. */
bool number_parse(const char *text, const char *what, uint64_t limit, uint64_t *value);
/** Appends hexadecimal digits, two a byte, to `bytes`. \param count bytes there are already;
 * grows. */
bool bytes_parse(const char *text, uint8_t *bytes, size_t room, size_t *count);

#endif
