/**
 * \file
 * An INF's life: opening, closing, and the memory that it lives in; and the small tools for names
 * and numbers that every file of the parser uses. The encoding is inf_text.c's, the syntax
 * inf_lex.c's, the look-ups and strings inf_lookup.c's, the meaning inf_install.c's.
 */
#include "pnp/inf_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A megabyte of INF is a mistake: Windows' largest are a few hundred KiB. */
#define INF_MAX_FILE (4u << 20)

struct inf_chunk {
    struct inf_chunk *next;
    _Alignas(max_align_t) char bytes[];
};

struct inf_arena {
    struct inf_chunk *first;
};

void *inf_allocate(const struct inf_file *inf, size_t size)
{
    struct inf_chunk *chunk = calloc(1, sizeof(*chunk) + size);

    if (chunk == NULL) {
        abort();
    }
    chunk->next = inf->arena->first;
    inf->arena->first = chunk;
    return chunk->bytes;
}

char *inf_copy_text(const struct inf_file *inf, const char *text, size_t length)
{
    char *copy = inf_allocate(inf, length + 1);

    memcpy(copy, text, length);
    return copy;
}

void *inf_grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
    if (count == *capacity) {
        *capacity = *capacity == 0 ? 8 : *capacity * 2;
        items = realloc(items, *capacity * item_size);
        if (items == NULL) {
            abort();
        }
    }
    return items;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool inf_same_n(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
        if (a[i] == '\0') {
            return true;
        }
    }
    return true;
}

bool inf_same(const char *a, const char *b)
{
    return inf_same_n(a, b, SIZE_MAX);
}

static int digit_value(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10
                                                : 99;
}

bool inf_parse_uint(const char *text, uint32_t *value)
{
    unsigned base = text[0] == '0' && lower(text[1]) == 'x' ? 16 : 10;
    uint64_t result = 0;

    text += base == 16 ? 2 : 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)digit_value(*text);

        result = result * base + digit;
        if (digit >= base || result > UINT32_MAX) {
            return false;
        }
    }
    *value = (uint32_t)result;
    return true;
}

struct inf_file *inf_parse_memory(const char *name, const void *bytes, size_t length,
                                  struct inf_finding *error)
{
    struct inf_file *inf = calloc(1, sizeof(*inf));

    if (inf == NULL || (inf->arena = calloc(1, sizeof(*inf->arena))) == NULL) {
        abort();
    }
    inf->name = inf_copy_text(inf, name, strlen(name));
    if (!inf_decode(inf, bytes, length, error) || !inf_lex(inf, error)) {
        inf_close(inf);
        return NULL;
    }
    inf_set_language(inf, 0x0409);
    return inf;
}

/** Reads the whole stream. \return NULL with errno set when it cannot be read or is too large to be
 * an INF. */
static uint8_t *read_all(FILE *stream, size_t *length)
{
    uint8_t *bytes = malloc(INF_MAX_FILE + 1);

    if (bytes == NULL) {
        abort();
    }
    *length = fread(bytes, 1, INF_MAX_FILE + 1, stream);
    if (ferror(stream) || *length > INF_MAX_FILE) {
        int reason = ferror(stream) ? errno : EFBIG;

        free(bytes);
        errno = reason;
        return NULL;
    }
    return bytes;
}

struct inf_file *inf_open(const char *path, struct inf_finding *error)
{
    struct inf_file nameless = {.name = (char *)path};
    FILE *stream = fopen(path, "rb");
    struct inf_file *inf = NULL;
    uint8_t *bytes = NULL;
    size_t length = 0;

    if (stream != NULL) {
        bytes = read_all(stream, &length);
    }
    if (bytes == NULL) {
        inf_report(error, &nameless, INF_ERROR, 1000, 0, 0,
                   "The INF cannot be read: %s.\nGive the path of an INF file that you may read.",
                   strerror(errno));
    } else {
        inf = inf_parse_memory(path, bytes, length, error);
    }
    if (stream != NULL) {
        fclose(stream);
    }
    free(bytes);
    return inf;
}

void inf_close(struct inf_file *inf)
{
    if (inf == NULL) {
        return;
    }
    for (size_t i = 0; i < inf->section_count; i++) {
        free(inf->sections[i].lines);
    }
    free(inf->sections);
    free(inf->text);
    while (inf->arena->first != NULL) {
        struct inf_chunk *next = inf->arena->first->next; /* taken now: the chunk is gone below */

        free(inf->arena->first);
        inf->arena->first = next;
    }
    free(inf->arena);
    free(inf);
}
