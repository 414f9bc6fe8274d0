/**
 * \file
 * One field of an INF: where it begins and ends, its quotes, its %tokens%, and the backslash that
 * continues a line. Inside quotation marks nothing has a meaning but the quotation mark.
 * Source: General Syntax Rules for INF Files.
 */
#include "pnp/inf_internal.h"

bool inf_lex_fail(struct inf_lexer *lexer, unsigned line, unsigned column, const char *text)
{
    inf_report(lexer->error, lexer->inf, INF_ERROR, 1002, line, column, "%s", text);
    return false;
}

bool inf_lex_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool inf_lex_end(char c)
{
    return c == '\n' || c == '\0';
}

void inf_lex_advance(struct inf_lexer *lexer)
{
    if (*lexer->p == '\n') {
        lexer->line++;
        lexer->column = 1;
    } else if (((unsigned char)lexer->p[1] & 0xC0) != 0x80) {
        lexer->column++; /* not in the middle of a UTF-8 sequence */
    }
    lexer->p++;
}

void inf_lex_skip_blanks(struct inf_lexer *lexer)
{
    while (inf_lex_blank(*lexer->p)) {
        inf_lex_advance(lexer);
    }
}

void inf_lex_skip_to_end(struct inf_lexer *lexer)
{
    while (!inf_lex_end(*lexer->p)) {
        inf_lex_advance(lexer);
    }
}

/** Moves one byte of text into the field. \return false when the field is longer than SetupAPI
 * takes. */
static bool take(struct inf_lexer *lexer)
{
    if (((unsigned char)*lexer->p & 0xC0) != 0x80 && ++lexer->characters > INF_MAX_FIELD) {
        return inf_lex_fail(lexer, lexer->line, lexer->column,
                            "A field is longer than 4095 characters.\nShorten it, or split the "
                            "entry into several.");
    }
    lexer->field[lexer->length++] = *lexer->p;
    inf_lex_advance(lexer);
    return true;
}

/** At a quotation mark: takes the text up to the closing one; two in a row stand for one. */
static bool take_quoted(struct inf_lexer *lexer)
{
    unsigned line = lexer->line;
    unsigned column = lexer->column;

    inf_lex_advance(lexer);
    while (!inf_lex_end(*lexer->p)) {
        if (*lexer->p == '"') {
            inf_lex_advance(lexer);
            if (*lexer->p != '"') {
                return true;
            }
        }
        if (!take(lexer)) {
            return false;
        }
    }
    return inf_lex_fail(
        lexer, line, column,
        "The quotation mark that opens here is not closed on its line.\nClose the string with \" "
        "before the end of the line; a \" inside a string is written \"\".");
}

/** At a '%': takes a whole %token%, so that a ';' or '=' inside it means nothing; else only the
 * '%'. */
static bool take_token(struct inf_lexer *lexer)
{
    const char *end = lexer->p + 1;

    while (*end != '%' && *end != ',' && *end != '"' && !inf_lex_blank(*end) &&
           !inf_lex_end(*end)) {
        end++;
    }
    if (*end != '%') {
        return take(lexer);
    }
    for (end++; lexer->p < end;) {
        if (!take(lexer)) {
            return false;
        }
    }
    return true;
}

/** At a backslash: does nothing but blanks or a comment follow it on this line? Then the entry
 * continues below. */
static bool continues(const char *p)
{
    while (*p == '\\') {
        p++;
    }
    while (inf_lex_blank(*p)) {
        p++;
    }
    return *p == ';' || inf_lex_end(*p);
}

/** Steps over the backslash, its comment and the line's end, to the text of the next line. */
static bool continue_line(struct inf_lexer *lexer)
{
    inf_lex_skip_to_end(lexer);
    if (*lexer->p == '\n') {
        inf_lex_advance(lexer);
    }
    inf_lex_skip_blanks(lexer);
    if (*lexer->p == '[') {
        return inf_lex_fail(lexer, lexer->line, lexer->column,
                            "The line above ends in a backslash, which continues it: this section "
                            "would be swallowed.\nEnd the line above without a backslash, or put "
                            "its last value in quotation marks.");
    }
    return true;
}

bool inf_lex_field(struct inf_lexer *lexer, bool may_be_key, struct inf_field *field)
{
    size_t keep = 0; /* quoted text is never trimmed */
    bool good = true;

    inf_lex_skip_blanks(lexer);
    *field = (struct inf_field){.line = lexer->line, .column = lexer->column};
    lexer->length = 0;
    lexer->characters = 0;
    while (good && !inf_lex_end(*lexer->p) && *lexer->p != ',' && *lexer->p != ';' &&
           !(*lexer->p == '=' && may_be_key)) {
        if (*lexer->p == '"') {
            good = take_quoted(lexer);
            field->quoted = true;
            keep = lexer->length;
        } else if (*lexer->p == '%') {
            good = take_token(lexer);
        } else if (*lexer->p == '\\' && continues(lexer->p)) {
            good = continue_line(lexer);
            if (lexer->length == 0 && !field->quoted) {
                field->line = lexer->line;
                field->column = lexer->column;
            }
        } else {
            good = take(lexer);
        }
    }
    while (lexer->length > keep && inf_lex_blank(lexer->field[lexer->length - 1])) {
        lexer->length--;
    }
    field->raw = inf_copy_text(lexer->inf, lexer->field, lexer->length);
    field->text = field->raw;
    return good;
}
