/*
 * Windows' printf. The C library's own cannot be used: a driver's variable arguments are passed as
 * Windows passes them, long has 32 bits there, and %wZ, %ws, %Z and %I64x are the kernel's. One
 * loop serves narrow and wide formats: both are read and written as Unicode characters.
 */
#include "nt/nt.h"

#include <string.h>

/** Where the text goes. */
struct sink {
    char *narrow;  /**< UTF-8, or ... */
    WCHAR *wide;   /**< ... UTF-16. */
    size_t size;   /**< Units that fit, with the NUL. */
    size_t length; /**< Units that the whole text has. */
};

/** One conversion: %[flags][width][.precision][size]letter */
struct conversion {
    bool left, plus, space, alternate, zero;
    unsigned width;
    int precision; /**< -1 = none. */
    unsigned bits; /**< Of an integer. */
    bool wide;     /**< %ws, %ls, %lc, %wZ. */
    bool narrow;   /**< %hs. */
};

/** The format, narrow or wide. */
struct source {
    const char *narrow;
    const WCHAR *wide;
};

static void put_unit(struct sink *sink, uint32_t unit)
{
    if (sink->length + 1 < sink->size) {
        if (sink->wide != NULL) {
            sink->wide[sink->length] = (WCHAR)unit;
        } else {
            sink->narrow[sink->length] = (char)unit;
        }
    }
    sink->length++;
}

/** Writes a character. */
static void put(struct sink *sink, uint32_t c)
{
    if (sink->wide != NULL && c >= 0x10000) {
        put_unit(sink, 0xd800 + ((c - 0x10000) >> 10));
        put_unit(sink, 0xdc00 + (c & 0x3ff));
    } else if (sink->wide != NULL || c < 0x80) {
        put_unit(sink, c);
    } else {
        unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

        put_unit(sink, (more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | c >> (6 * more));
        while (more-- > 0) {
            put_unit(sink, 0x80 | (c >> (6 * more) & 0x3f));
        }
    }
}

static void put_padding(struct sink *sink, const struct conversion *conversion, size_t used,
                        bool before)
{
    if (conversion->left != before) {
        for (size_t i = used; i < conversion->width; i++) {
            put(sink, ' ');
        }
    }
}

/** A narrow string passes as it is (it is UTF-8 or ASCII); `count` bytes. */
static void put_narrow(struct sink *sink, const struct conversion *conversion, const char *text,
                       size_t count)
{
    put_padding(sink, conversion, count, true);
    for (size_t i = 0; i < count; i++) {
        put_unit(sink, (unsigned char)text[i]);
    }
    put_padding(sink, conversion, count, false);
}

static void put_wide(struct sink *sink, const struct conversion *conversion, const WCHAR *text,
                     size_t count)
{
    put_padding(sink, conversion, count, true);
    for (size_t i = 0; i < count; i++) {
        uint32_t c = text[i];

        if ((c & 0xfc00) == 0xd800 && i + 1 < count && (text[i + 1] & 0xfc00) == 0xdc00) {
            c = 0x10000 + ((c & 0x3ff) << 10) + (text[++i] & 0x3ff);
        } else if ((c & 0xf800) == 0xd800) {
            c = 0xfffd;
        }
        put(sink, c);
    }
    put_padding(sink, conversion, count, false);
}

/** A NUL-terminated string; a NULL pointer is written as Windows does. */
static void put_string(struct sink *sink, const struct conversion *conversion, const void *text,
                       bool wide)
{
    size_t limit = conversion->precision < 0 ? SIZE_MAX : (size_t)conversion->precision;
    size_t count = 0;

    if (text == NULL) {
        text = "(null)";
        wide = false;
    }
    if (wide) {
        while (count < limit && ((const WCHAR *)text)[count] != 0) {
            count++;
        }
        put_wide(sink, conversion, text, count);
    } else {
        while (count < limit && ((const char *)text)[count] != '\0') {
            count++;
        }
        put_narrow(sink, conversion, text, count);
    }
}

/** %Z: a counted string, ANSI or (%wZ) Unicode. */
static void put_counted(struct sink *sink, const struct conversion *conversion, const void *string)
{
    const UNICODE_STRING *wide = string;
    const STRING *narrow = string;

    if (string == NULL || wide->Buffer == NULL) {
        put_string(sink, conversion, NULL, false);
    } else if (conversion->wide) {
        put_wide(sink, conversion, wide->Buffer, wide->Length / sizeof(WCHAR));
    } else {
        put_narrow(sink, conversion, narrow->Buffer, narrow->Length);
    }
}

static void put_number(struct sink *sink, const struct conversion *conversion, uint64_t value,
                       unsigned base, bool upper, const char *prefix)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned least = conversion->precision < 0 ? 1 : (unsigned)conversion->precision;
    size_t used;
    char digits[32];
    unsigned count = 0;

    for (; value != 0; value /= base) {
        digits[count++] = set[value % base];
    }
    if (conversion->zero && !conversion->left && conversion->precision < 0 &&
        conversion->width > strlen(prefix)) {
        least = conversion->width - (unsigned)strlen(prefix);
    }
    least = least < count ? count : least;
    used = strlen(prefix) + least;
    put_padding(sink, conversion, used, true);
    for (; *prefix != '\0'; prefix++) {
        put(sink, (unsigned char)*prefix);
    }
    for (unsigned i = least; i > count; i--) {
        put(sink, '0');
    }
    while (count > 0) {
        put(sink, (unsigned char)digits[--count]);
    }
    put_padding(sink, conversion, used, false);
}

static void put_signed(struct sink *sink, const struct conversion *conversion, uint64_t raw)
{
    unsigned shift = 64 - conversion->bits;
    int64_t value = (int64_t)(raw << shift) >> shift;

    put_number(sink, conversion, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, false,
               value < 0           ? "-"
               : conversion->plus  ? "+"
               : conversion->space ? " "
                                   : "");
}

static void put_unsigned(struct sink *sink, const struct conversion *conversion, uint64_t raw,
                         char letter)
{
    uint64_t value = raw << (64 - conversion->bits) >> (64 - conversion->bits);
    bool hex = letter == 'x' || letter == 'X';

    put_number(sink, conversion, value,
               hex             ? 16
               : letter == 'o' ? 8
                               : 10,
               letter == 'X',
               hex && conversion->alternate && value != 0 ? (letter == 'X' ? "0X" : "0x") : "");
}

/* --- reading the format --- */

static uint32_t peek(const struct source *source)
{
    return source->wide != NULL ? *source->wide : (unsigned char)*source->narrow;
}

static void advance(struct source *source)
{
    if (source->wide != NULL) {
        source->wide++;
    } else {
        source->narrow++;
    }
}

static bool accept(struct source *source, const char *text)
{
    struct source at = *source;

    for (; *text != '\0'; text++, advance(&at)) {
        if (peek(&at) != (unsigned char)*text) {
            return false;
        }
    }
    *source = at;
    return true;
}

static void read_flags(struct source *source, struct conversion *conversion)
{
    for (;; advance(source)) {
        switch (peek(source)) {
        case '-':
            conversion->left = true;
            break;
        case '+':
            conversion->plus = true;
            break;
        case ' ':
            conversion->space = true;
            break;
        case '#':
            conversion->alternate = true;
            break;
        case '0':
            conversion->zero = true;
            break;
        default:
            return;
        }
    }
}

static unsigned read_number(struct source *source)
{
    unsigned value = 0;

    for (; peek(source) >= '0' && peek(source) <= '9'; advance(source)) {
        value = value < 100000 ? value * 10 + (peek(source) - '0') : value;
    }
    return value;
}

/** `l` and `L` say 32 bits for an integer, as on Windows. */
static void read_size(struct source *source, struct conversion *conversion)
{
    conversion->bits = 32;
    if (accept(source, "I32")) {
        conversion->bits = 32;
    } else if (accept(source, "I") || accept(source, "ll") || accept(source, "z")) {
        conversion->bits = 64;
        accept(source, "64");
    } else if (accept(source, "hh")) {
        conversion->bits = 8;
    } else if (accept(source, "h")) {
        conversion->bits = 16;
        conversion->narrow = true;
    } else if (accept(source, "l") || accept(source, "w") || accept(source, "L")) {
        conversion->wide = true;
    }
}

/* Every argument of Windows' convention takes 8 bytes; only as many as the conversion has are
 * its value. */
#define NEXT(arguments) va_arg(*(arguments), uint64_t)

static void read_conversion(struct source *source, nt_va_list *arguments,
                            struct conversion *conversion)
{
    read_flags(source, conversion);
    if (accept(source, "*")) {
        int width = (int)NEXT(arguments);

        conversion->left = conversion->left || width < 0;
        conversion->width = width < 0 ? 0u - (unsigned)width : (unsigned)width;
    } else {
        conversion->width = read_number(source);
    }
    if (accept(source, ".")) {
        conversion->precision =
            accept(source, "*") ? (int)NEXT(arguments) : (int)read_number(source);
    }
    read_size(source, conversion);
}

/** %s and %c are as wide as the format, %S and %C the other way round, unless a size says it. */
static bool is_wide(const struct conversion *conversion, bool same_as_format, bool wide_format)
{
    return !conversion->narrow && (conversion->wide || same_as_format == wide_format);
}

static void put_character(struct sink *sink, const struct conversion *conversion, uint64_t value,
                          bool wide)
{
    WCHAR c = wide ? (WCHAR)value : (WCHAR)(value & 0xff);

    put_wide(sink, conversion, &c, 1);
}

static void convert(struct sink *sink, struct source *source, nt_va_list *arguments)
{
    struct conversion conversion = {.precision = -1};
    bool wide = source->wide != NULL;
    uint32_t letter;

    read_conversion(source, arguments, &conversion);
    letter = peek(source);
    if (letter == 0) {
        return; /* A lone % at the end. */
    }
    advance(source);
    switch (letter) {
    case 'd':
    case 'i':
        put_signed(sink, &conversion, NEXT(arguments));
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_unsigned(sink, &conversion, NEXT(arguments), (char)letter);
        break;
    case 'p':
        conversion.precision = 16;
        put_number(sink, &conversion, NEXT(arguments), 16, true, "");
        break;
    case 's':
    case 'S':
        put_string(sink, &conversion, (const void *)NEXT(arguments),
                   is_wide(&conversion, letter == 's', wide));
        break;
    case 'Z':
        put_counted(sink, &conversion, (const void *)NEXT(arguments));
        break;
    case 'c':
    case 'C':
        put_character(sink, &conversion, NEXT(arguments),
                      is_wide(&conversion, letter == 'c', wide));
        break;
    default: /* "%%", and what nobody knows, as it stands. */
        put(sink, letter);
        break;
    }
}

static void format_all(struct sink *sink, struct source *source, nt_va_list *arguments)
{
    while (peek(source) != 0) {
        uint32_t c = peek(source);

        advance(source);
        if (c == '%') {
            convert(sink, source, arguments);
        } else {
            put_unit(sink, c);
        }
    }
}

size_t nt_format(char *out, size_t size, const char *format, nt_va_list arguments)
{
    struct sink sink = {.narrow = out, .size = size};
    struct source source = {.narrow = format};

    format_all(&sink, &source, &arguments);
    if (size > 0) {
        out[sink.length < size ? sink.length : size - 1] = '\0';
    }
    return sink.length;
}

size_t nt_format_wide(WCHAR *out, size_t chars, const WCHAR *format, nt_va_list arguments)
{
    static WCHAR nothing[1];
    struct sink sink = {.wide = out == NULL ? nothing : out, .size = chars};
    struct source source = {.wide = format};

    format_all(&sink, &source, &arguments);
    if (chars > 0) {
        out[sink.length < chars ? sink.length : chars - 1] = 0;
    }
    return sink.length;
}
