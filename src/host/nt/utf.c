/*
 * UTF-16 to UTF-8 and back: NT names are the first, POSIX names the second. Strict both ways, so
 * that no name is opened under a spelling that another one also has.
 */
#include "nt/io.h"

#include <stdlib.h>

static bool is_high(WCHAR unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(WCHAR unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/** Writes one code point; \return bytes. */
static size_t put_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

char *nt_utf8(const WCHAR *text, size_t chars)
{
    char *out = malloc(chars * 3 + 1);
    size_t length = 0;

    for (size_t i = 0; out != NULL && i < chars; i++) {
        uint32_t point = text[i];
        if (is_high(text[i]) && i + 1 < chars && is_low(text[i + 1])) {
            point = 0x10000 + ((point & 0x3FF) << 10) + (text[++i] & 0x3FF);
        } else if (is_high(text[i]) || is_low(text[i]) || point == 0) {
            free(out);
            return NULL;
        }
        length += put_utf8(out + length, point);
    }
    if (out != NULL) {
        out[length] = '\0';
    }
    return out;
}

/** Reads one code point; \return bytes, 0 = not UTF-8 (too long, surrogate, cut off). */
static size_t get_utf8(const unsigned char *in, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = in[0] < 0x80                    ? 1
                    : in[0] >= 0xC2 && in[0] < 0xE0 ? 2
                    : in[0] >= 0xE0 && in[0] < 0xF0 ? 3
                    : in[0] >= 0xF0 && in[0] < 0xF5 ? 4
                                                    : 0;
    uint32_t value = length == 1 ? in[0] : in[0] & (0xFFu >> (length + 1));

    for (size_t i = 1; i < length; i++) {
        if ((in[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (in[i] & 0x3F);
    }
    if (length == 0 || value < least[length] || value > 0x10FFFF ||
        (value >= 0xD800 && value <= 0xDFFF)) {
        return 0;
    }
    *point = value;
    return length;
}

WCHAR *nt_utf16(const char *text, size_t *chars)
{
    WCHAR *out = malloc((strlen(text) + 1) * sizeof(WCHAR));
    const unsigned char *in = (const unsigned char *)text;
    size_t count = 0;

    while (out != NULL && *in != '\0') {
        uint32_t point = 0;
        size_t length = get_utf8(in, &point);
        if (length == 0) {
            free(out);
            return NULL;
        }
        in += length;
        if (point >= 0x10000) {
            out[count++] = (WCHAR)(0xD800 | (point - 0x10000) >> 10);
            out[count++] = (WCHAR)(0xDC00 | (point & 0x3FF));
        } else {
            out[count++] = (WCHAR)point;
        }
    }
    if (out != NULL) {
        out[count] = 0;
        if (chars != NULL) {
            *chars = count;
        }
    }
    return out;
}
