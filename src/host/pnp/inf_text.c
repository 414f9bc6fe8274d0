/**
 * \file
 * From bytes to text: the encodings of an INF. Windows takes ANSI or UTF-16LE; UTF-8 with a byte
 * order mark is read too, because editors write it, and inf_check() says that Windows' own tools
 * will not like it. The result is UTF-8 with LF at the end of each line. This file knows nothing of
 * sections and must never read past the bytes given.
 */
#include "pnp/inf_internal.h"

#include <stdlib.h>
#include <string.h>

/** Code page 1252, 80h-9Fh; the five codes without a character map to themselves, as Windows maps
 * them. */
static const uint16_t cp1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

/** The decoder's output: a buffer that is large enough from the start, and the line that it has
 * reached. */
struct output {
    char *text;
    size_t length;
    unsigned line;
    bool after_cr;
    bool ended; /**< Ctrl-Z was seen: the end of a text file for Windows. */
};

size_t inf_put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/** One character of well-formed UTF-8 at p. \return its length, or 0 when the bytes are none. */
static size_t get_utf8(const uint8_t *p, size_t left, uint32_t *c)
{
    size_t length = p[0] < 0x80   ? 1
                    : p[0] < 0xC2 ? 0
                    : p[0] < 0xE0 ? 2
                    : p[0] < 0xF0 ? 3
                    : p[0] < 0xF5 ? 4
                                  : 0;

    if (length == 0 || length > left) {
        return 0;
    }
    *c = length == 1 ? p[0] : p[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
        *c = *c << 6 | (p[i] & 0x3Fu);
    }
    if ((length == 3 && *c < 0x800) || (length == 4 && (*c < 0x10000 || *c > 0x10FFFF)) ||
        (*c >= 0xD800 && *c <= 0xDFFF)) {
        return 0;
    }
    return length;
}

/** Appends one character; CR LF and a lone CR become LF. */
static void put(struct output *out, uint32_t c)
{
    if (c == 0x1A || out->ended) {
        out->ended = true;
        return;
    }
    if (c == '\n' && out->after_cr) {
        out->after_cr = false;
        return;
    }
    out->after_cr = c == '\r';
    if (c == '\r') {
        c = '\n';
    }
    out->line += c == '\n';
    out->length += inf_put_utf8(out->text + out->length, c);
}

static bool fail(struct inf_file *inf, const struct output *out, struct inf_finding *error,
                 const char *what)
{
    inf_report(error, inf, INF_ERROR, 1003, out->line, 1,
               "%s\nSave the file as ANSI or as UTF-16LE (in Notepad: \"UTF-16 LE\").", what);
    return false;
}

static bool decode_utf16(struct inf_file *inf, struct output *out, const uint8_t *p, size_t length,
                         struct inf_finding *error)
{
    if (length % 2 != 0) {
        return fail(inf, out, error, "The file is UTF-16 but ends in the middle of a character.");
    }
    for (size_t i = 0; i < length && !out->ended; i += 2) {
        uint32_t c = p[i] | (uint32_t)p[i + 1] << 8;

        if (c >= 0xD800 && c < 0xDC00 && i + 3 < length && (p[i + 3] & 0xFC) == 0xDC) {
            c = 0x10000 + ((c - 0xD800) << 10) + (p[i + 2] | (p[i + 3] & 0x03u) << 8);
            i += 2;
        } else if (c >= 0xD800 && c < 0xE000) {
            return fail(inf, out, error, "Half of a UTF-16 surrogate pair stands alone.");
        }
        if (c == 0) {
            return fail(inf, out, error, "A NUL character is in the text.");
        }
        put(out, c);
    }
    return true;
}

static bool decode_utf8(struct inf_file *inf, struct output *out, const uint8_t *p, size_t length,
                        struct inf_finding *error)
{
    for (size_t i = 0; i < length && !out->ended;) {
        uint32_t c;
        size_t used = get_utf8(p + i, length - i, &c);

        if (used == 0) {
            return fail(inf, out, error,
                        "The file begins as UTF-8 but has bytes that are not UTF-8.");
        }
        if (c == 0) {
            return fail(inf, out, error, "A NUL character is in the text.");
        }
        put(out, c);
        i += used;
    }
    return true;
}

static bool decode_ansi(struct inf_file *inf, struct output *out, const uint8_t *p, size_t length,
                        struct inf_finding *error)
{
    for (size_t i = 0; i < length && !out->ended; i++) {
        uint32_t c;

        if (p[i] == 0) {
            return fail(inf, out, error,
                        "A zero byte is in the text: this is UTF-16 without a byte order mark, or "
                        "no text at all.");
        }
        if (inf->utf8_line == 0 && p[i] >= 0xC2 && get_utf8(p + i, length - i, &c) != 0) {
            inf->utf8_line = out->line;
        }
        put(out, p[i] >= 0x80 && p[i] < 0xA0 ? cp1252[p[i] - 0x80] : p[i]);
    }
    return true;
}

bool inf_decode(struct inf_file *inf, const uint8_t *bytes, size_t length,
                struct inf_finding *error)
{
    struct output out = {.line = 1};
    bool done;

    /* The worst case is ANSI's: one byte becomes at most three; two of UTF-16 become at most three.
     */
    inf->text = malloc(length * 3 + 1);
    if (inf->text == NULL) {
        abort();
    }
    out.text = inf->text;
    if (length >= 2 && bytes[0] == 0xFE && bytes[1] == 0xFF) {
        done = fail(inf, &out, error, "The file is UTF-16 with the high byte first (UTF-16BE).");
    } else if (length >= 2 && bytes[0] == 0xFF && bytes[1] == 0xFE) {
        inf->encoding = INF_UTF16LE;
        done = decode_utf16(inf, &out, bytes + 2, length - 2, error);
    } else if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        inf->encoding = INF_UTF8;
        done = decode_utf8(inf, &out, bytes + 3, length - 3, error);
    } else {
        inf->encoding = INF_ANSI;
        done = decode_ansi(inf, &out, bytes, length, error);
    }
    inf->text[out.length] = '\0';
    return done;
}

const uint8_t *inf_utf16(const struct inf_file *inf, const char *text, size_t *size)
{
    size_t left = strlen(text);
    uint8_t *out = inf_allocate(inf, left * 2 + 2);
    size_t n = 0;

    for (const uint8_t *p = (const uint8_t *)text; left > 0;) {
        uint32_t c = 0;
        size_t used = get_utf8(p, left, &c);

        /* The lexer cuts at ASCII characters only, so the text is still whole; never loop if it
         * were not. */
        used = used == 0 ? 1 : used;
        if (c >= 0x10000) {
            uint32_t high = 0xD800 + ((c - 0x10000) >> 10);

            out[n++] = (uint8_t)high;
            out[n++] = (uint8_t)(high >> 8);
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        out[n++] = (uint8_t)c;
        out[n++] = (uint8_t)(c >> 8);
        p += used;
        left -= used;
    }
    out[n++] = 0;
    out[n++] = 0;
    *size = n;
    return out;
}
