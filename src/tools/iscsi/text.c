/*
 * Text keys. Everything here came from somebody else: lengths are checked before bytes are looked
 * at, and a text that does not end with a NUL is never walked.
 */
#include "tools/iscsi/text.h"

#include <errno.h>
#include <nettle/base16.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free(struct text *text)
{
    free(text->bytes);
    text->bytes = NULL;
    text->length = text->room = 0;
}

/** Makes room for so many bytes more. */
static bool reserve(struct text *text, size_t more)
{
    size_t room = text->room != 0 ? text->room : 512;
    char *bytes;

    if (more > text->limit - text->length) {
        return false;
    }
    while (room < text->length + more) {
        room *= 2;
    }
    if (room == text->room) {
        return true;
    }
    bytes = realloc(text->bytes, room);
    if (bytes == NULL) {
        return false;
    }
    text->bytes = bytes;
    text->room = room;
    return true;
}

bool text_append(struct text *text, const void *bytes, size_t length)
{
    if (length == 0) {
        return true;
    }
    if (!reserve(text, length)) {
        return false;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    return true;
}

bool text_put(struct text *text, const char *key, const char *format, ...)
{
    char value[1200]; /* The longest is a CHAP response in hexadecimal digits. */
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(value, sizeof(value), format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < sizeof(value) &&
           reserve(text, strlen(key) + (size_t)length + 2) && text_append(text, key, strlen(key)) &&
           text_append(text, "=", 1) && text_append(text, value, (size_t)length + 1);
}

int text_next(struct text *text, size_t *at, struct text_pair *pair)
{
    char *line, *equals;

    if (text->length != 0 && text->bytes[text->length - 1] != '\0') {
        return -1;
    }
    while (*at < text->length && text->bytes[*at] == '\0') {
        ++*at; /* Padding that the initiator counted as data. */
    }
    if (*at >= text->length) {
        return 0;
    }
    line = text->bytes + *at;
    *at += strlen(line) + 1;
    equals = strchr(line, '=');
    if (equals == NULL || equals == line || (size_t)(equals - line) > TEXT_KEY_MAXIMUM) {
        return -1;
    }
    *equals = '\0';
    pair->key = line;
    pair->value = equals + 1;
    return 1;
}

bool text_list_has(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

bool text_number(const char *value, uint32_t least, uint32_t most, uint32_t *out)
{
    bool hexadecimal = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
    const char *digits = hexadecimal ? "0123456789abcdefABCDEF" : "0123456789";
    const char *begin = hexadecimal ? value + 2 : value;
    unsigned long long number;

    if (begin[0] == '\0' || begin[strspn(begin, digits)] != '\0') {
        return false;
    }
    errno = 0;
    number = strtoull(begin, NULL, hexadecimal ? 16 : 10);
    *out = (uint32_t)number;
    return errno == 0 && number >= least && number <= most;
}

static int binary_from_base16(const char *digits, uint8_t *out, size_t room)
{
    struct base16_decode_ctx context;
    size_t length = strlen(digits), done = 0, rest;

    if (length == 0 || (length + 1) / 2 > room) {
        return -1;
    }
    base16_decode_init(&context);
    if (length % 2 != 0) { /* The first digit stands alone: it is the low half of its byte. */
        base16_decode_update(&context, &done, out, 1, "0");
    }
    rest = room;
    if (!base16_decode_update(&context, &rest, out, length, digits) ||
        !base16_decode_final(&context)) {
        return -1;
    }
    return (int)rest;
}

static int binary_from_base64(const char *digits, uint8_t *out, size_t room)
{
    struct base64_decode_ctx context;
    size_t length = strlen(digits), done = room;

    if (length == 0 || BASE64_DECODE_LENGTH(length) > room) {
        return -1;
    }
    base64_decode_init(&context);
    if (!base64_decode_update(&context, &done, out, length, digits) ||
        !base64_decode_final(&context)) {
        return -1;
    }
    return (int)done;
}

int text_binary(const char *value, uint8_t *out, size_t room)
{
    if (value[0] != '0') {
        return -1;
    }
    if (value[1] == 'x' || value[1] == 'X') {
        return binary_from_base16(value + 2, out, room);
    }
    if (value[1] == 'b' || value[1] == 'B') {
        return binary_from_base64(value + 2, out, room);
    }
    return -1;
}
