/**
 * \file
 * From text to sections, lines and fields: the INF's syntax, and nothing of its meaning. Comments
 * and the merging of repeated sections end here; fields are inf_field.c's. Strings are not
 * substituted yet. The first thing that is no INF stops it, with the place and the remedy.
 * Source: General Syntax Rules for INF Files.
 */
#include "pnp/inf_internal.h"

#include <stdlib.h>
#include <string.h>

/** Reads the rest of an entry into *line. The fields are collected first, then moved to the arena
 * in one piece. */
static bool read_fields(struct inf_lexer *lexer, struct inf_line *line)
{
    struct inf_field *fields = NULL;
    size_t capacity = 0;
    bool more = true;
    bool good = true;

    while (good && more) {
        struct inf_field field;

        good = inf_lex_field(lexer, line->key.raw == NULL && line->count == 0, &field);
        more = *lexer->p == ',' || (*lexer->p == '=' && line->key.raw == NULL && line->count == 0);
        if (good && *lexer->p == '=' && more) {
            line->key = field;
        } else if (good && (more || field.raw[0] != '\0' || field.quoted)) {
            fields = inf_grow(fields, line->count, &capacity, sizeof(*fields));
            fields[line->count++] = field;
        } else if (good) {
            line->trailing_comma =
                line->count > 0; /* commas at the end may be left out, or be there */
        }
        if (more) {
            inf_lex_advance(lexer);
        }
    }
    if (line->count > 0) {
        line->fields = inf_allocate(lexer->inf, line->count * sizeof(*fields));
        memcpy(line->fields, fields, line->count * sizeof(*fields));
    }
    free(fields);
    return good;
}

static bool read_entry(struct inf_lexer *lexer)
{
    struct inf_line line = {.line = lexer->line};
    struct inf_section *section;

    if (lexer->section == SIZE_MAX) {
        return inf_lex_fail(lexer, lexer->line, lexer->column,
                            "Text stands before the first [section].\nBegin the file with "
                            "[Version], or make this line a comment with a semicolon.");
    }
    if (!read_fields(lexer, &line)) {
        return false;
    }
    inf_lex_skip_to_end(lexer); /* a comment */
    if (line.key.raw == NULL && line.count == 0) {
        return true;
    }
    section = &lexer->inf->sections[lexer->section];
    section->lines = inf_grow(section->lines, section->count, &section->capacity, sizeof(line));
    section->lines[section->count++] = line;
    return true;
}

/** Makes the section current; one that the file has already had is continued. */
static void enter_section(struct inf_lexer *lexer, const char *name, size_t length, unsigned line)
{
    struct inf_file *inf = lexer->inf;

    for (size_t i = 0; i < inf->section_count; i++) {
        if (strlen(inf->sections[i].name) == length &&
            inf_same_n(inf->sections[i].name, name, length)) {
            lexer->section = i;
            return;
        }
    }
    inf->sections =
        inf_grow(inf->sections, inf->section_count, &inf->section_capacity, sizeof(*inf->sections));
    inf->sections[inf->section_count] =
        (struct inf_section){.name = inf_copy_text(inf, name, length), .line = line};
    lexer->section = inf->section_count++;
}

static bool read_section(struct inf_lexer *lexer)
{
    unsigned line = lexer->line;
    unsigned column = lexer->column;
    const char *name = lexer->p + 1;
    const char *end;

    while (*lexer->p != ']' && !inf_lex_end(*lexer->p)) {
        inf_lex_advance(lexer);
    }
    if (*lexer->p != ']') {
        return inf_lex_fail(lexer, line, column,
                            "The section's name is not closed.\nWrite it as [Name].");
    }
    end = lexer->p;
    for (; name < end && inf_lex_blank(*name); name++) {
    }
    for (; end > name && inf_lex_blank(end[-1]); end--) {
    }
    if (end == name || end - name > INF_MAX_SECTION_NAME) {
        return inf_lex_fail(lexer, line, column,
                            "A section's name must have 1 to 255 characters.\nName the section.");
    }
    inf_lex_advance(lexer);
    inf_lex_skip_blanks(lexer);
    if (*lexer->p != ';' && !inf_lex_end(*lexer->p)) {
        return inf_lex_fail(lexer, lexer->line, lexer->column,
                            "Text follows the section's name.\nPut it on a line of its own, or "
                            "behind a semicolon.");
    }
    inf_lex_skip_to_end(lexer);
    enter_section(lexer, name, (size_t)(end - name), line);
    return true;
}

bool inf_lex(struct inf_file *inf, struct inf_finding *error)
{
    struct inf_lexer *lexer = calloc(1, sizeof(*lexer));
    bool good = true;

    if (lexer == NULL) {
        abort();
    }
    *lexer = (struct inf_lexer){.inf = inf, .p = inf->text, .line = 1, .column = 1, .error = error};
    lexer->section = SIZE_MAX;
    while (good && *lexer->p != '\0') {
        inf_lex_skip_blanks(lexer);
        if (*lexer->p == ';') {
            inf_lex_skip_to_end(lexer);
        } else if (*lexer->p == '\n') {
            inf_lex_advance(lexer);
        } else if (*lexer->p == '[') {
            good = read_section(lexer);
        } else if (*lexer->p != '\0') {
            good = read_entry(lexer);
        }
    }
    free(lexer);
    return good;
}
