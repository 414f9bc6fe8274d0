/**
 * \file
 * Text keys: the data segments of login and text PDUs, "Key=Value" with a NUL after each (RFC 7143
 * 6.1). Reading changes the text in place; writing refuses what would not fit.
 */
#ifndef ISCSI_TEXT_H
#define ISCSI_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_KEY_MAXIMUM   63u  /**< RFC 7143 6.1: a key has 1 to 63 bytes. */
#define TEXT_VALUE_MAXIMUM 255u /**< ... and a value 255, but for the large binary ones. */

/** A growing text. */
struct text {
    char *bytes;
    size_t length, room;
    size_t limit; /**< More than that is refused. */
};

void text_free(struct text *text);
/** Appends bytes as they came. \return false beyond the limit or without memory. */
bool text_append(struct text *text, const void *bytes, size_t length);
/** Appends "key=value" and its NUL. \return false beyond the limit or without memory. */
bool text_put(struct text *text, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** One key of a text. */
struct text_pair {
    const char *key, *value;
};

/**
 * Takes the next pair. \param at where to go on, 0 at first; moved. The text must end with a NUL.
 * \return 1 with a pair; 0 at the end; -1: this is no "Key=Value".
 */
int text_next(struct text *text, size_t *at, struct text_pair *pair);

/** Does a comma-separated list have this word? */
bool text_list_has(const char *list, const char *word);
/** A number, decimal or 0x..., within limits. */
bool text_number(const char *value, uint32_t least, uint32_t most, uint32_t *out);
/** A binary value, 0x... or 0b... (base 64). \return its bytes, or -1. */
int text_binary(const char *value, uint8_t *out, size_t room);

#endif
