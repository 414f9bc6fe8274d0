/**
 * \file
 * The INF's look-ups: sections by name, lines by key, fields by index; and the one [Strings]
 * section that every field is expanded with. Nothing here knows what a section means.
 * Source: INF Strings Section; General Syntax Rules for INF Files, "Using String Tokens".
 */
#include "pnp/inf_internal.h"

#include <string.h>

const char *inf_name(const struct inf_file *inf)
{
    return inf->name;
}

size_t inf_section_count(const struct inf_file *inf)
{
    return inf->section_count;
}

const struct inf_section *inf_section_at(const struct inf_file *inf, size_t index)
{
    return index < inf->section_count ? &inf->sections[index] : NULL;
}

const struct inf_section *inf_find_section(const struct inf_file *inf, const char *name)
{
    for (size_t i = 0; i < inf->section_count; i++) {
        if (inf_same(inf->sections[i].name, name)) {
            return &inf->sections[i];
        }
    }
    return NULL;
}

const char *inf_section_name(const struct inf_section *section)
{
    return section->name;
}

unsigned inf_section_line(const struct inf_section *section)
{
    return section->line;
}

size_t inf_line_count(const struct inf_section *section)
{
    return section->count;
}

const struct inf_line *inf_line_at(const struct inf_section *section, size_t index)
{
    return index < section->count ? &section->lines[index] : NULL;
}

const struct inf_line *inf_next_line(const struct inf_section *section, const char *key,
                                     const struct inf_line *after)
{
    const struct inf_line *line = after == NULL ? section->lines : after + 1;

    for (; line != NULL && line < section->lines + section->count; line++) {
        if (line->key.raw != NULL && inf_same(line->key.text, key)) {
            return line;
        }
    }
    return NULL;
}

const struct inf_line *inf_find_line(const struct inf_file *inf, const char *section,
                                     const char *key)
{
    const struct inf_section *found = inf_find_section(inf, section);

    return found == NULL ? NULL : inf_next_line(found, key, NULL);
}

unsigned inf_line_number(const struct inf_line *line)
{
    return line->line;
}

size_t inf_field_count(const struct inf_line *line)
{
    return line->count;
}

const struct inf_field *inf_field(const struct inf_line *line, size_t index)
{
    if (index == 0) {
        return line->key.raw == NULL ? NULL : &line->key;
    }
    return index <= line->count ? &line->fields[index - 1] : NULL;
}

const char *inf_field_string(const struct inf_line *line, size_t index)
{
    const struct inf_field *field = inf_field(line, index);

    return field == NULL ? NULL : field->text;
}

const char *inf_text_or_empty(const struct inf_line *line, size_t index)
{
    const char *text = line == NULL ? NULL : inf_field_string(line, index);

    return text == NULL ? "" : text;
}

bool inf_field_uint(const struct inf_line *line, size_t index, uint32_t *value)
{
    const char *text = inf_field_string(line, index);

    return text != NULL && inf_parse_uint(text, value);
}

bool inf_field_position(const struct inf_line *line, size_t index, unsigned *row, unsigned *column)
{
    const struct inf_field *field = inf_field(line, index);

    if (field == NULL) {
        return false;
    }
    *row = field->line;
    *column = field->column;
    return true;
}

/* --- strings --- */

const char *inf_strings_name(const struct inf_file *inf)
{
    return inf->strings == NULL ? NULL : inf->strings->name;
}

/** How well [Strings.hhhh] fits a language: 3 the same, 2 neutral, 1 a relative, 0 another or no
 * such name. */
static int language_fit(const char *section, uint16_t language)
{
    char number[16] = "0x";
    uint32_t id;

    if (!inf_same_n(section, "Strings.", 8) || strlen(section + 8) > 4) {
        return 0;
    }
    strcat(number, section + 8);
    if (!inf_parse_uint(number, &id) || (id & 0x3FF) != (language & 0x3FFu)) {
        return 0; /* the low ten bits are the language, the others its country */
    }
    return id == language ? 3 : id >> 10 == 0 ? 2 : 1;
}

static const struct inf_section *choose_strings(const struct inf_file *inf)
{
    const struct inf_section *best = inf_find_section(inf, "Strings");
    int best_fit = 0;

    for (size_t i = 0; i < inf->section_count; i++) {
        int fit = language_fit(inf->sections[i].name, inf->language);

        if (fit > best_fit) {
            best = &inf->sections[i];
            best_fit = fit;
        }
    }
    return best;
}

static bool all_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return length > 0;
}

/** The value of a token. \return NULL when the [Strings] in force does not define it. */
static const char *find_string(const struct inf_file *inf, const char *name, size_t length)
{
    for (size_t i = 0; inf->strings != NULL && i < inf->strings->count; i++) {
        const struct inf_line *line = &inf->strings->lines[i];

        if (line->key.raw != NULL && strlen(line->key.raw) == length &&
            inf_same_n(line->key.raw, name, length)) {
            return line->count > 0 ? line->fields[0].raw : "";
        }
    }
    return NULL;
}

/** The text of an expansion while it is made. */
struct expansion {
    char text[INF_MAX_FIELD * 4 + 1];
    size_t length;
    size_t characters;
};

/** \return false when the expansion would be longer than a field may be. */
static bool append(struct expansion *expansion, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80 && ++expansion->characters > INF_MAX_FIELD) {
            return false;
        }
        expansion->text[expansion->length++] = text[i];
    }
    return true;
}

/**
 * Expands what begins with the '%' at p. Sets the field's problem, leaving the text as it is, where
 * there is one. \return how much of p was used; 0: the expansion is too long.
 */
static size_t expand_token(const struct inf_file *inf, struct inf_field *field, const char *p,
                           struct expansion *out)
{
    const char *end = strchr(p + 1, '%');
    size_t length = end == NULL ? 0 : (size_t)(end - p - 1);
    const char *value;

    if (end == NULL) {
        field->problem = INF_LONE_PERCENT;
        return append(out, p, 1) ? 1 : 0;
    }
    if (length == 0) {
        return append(out, "%", 1) ? 2 : 0;
    }
    value = all_digits(p + 1, length) ? NULL : find_string(inf, p + 1, length);
    if (value != NULL) {
        return append(out, value, strlen(value)) ? length + 2 : 0;
    }
    if (!all_digits(p + 1, length)) {
        field->problem = INF_UNKNOWN_TOKEN;
        field->problem_token = inf_copy_text(inf, p + 1, length);
    }
    return append(out, p, length + 2) ? length + 2
                                      : 0; /* a directory (%13%) is the installer's to resolve */
}

static void expand(const struct inf_file *inf, struct inf_field *field)
{
    struct expansion out;
    size_t used;

    field->text = field->raw;
    field->problem = INF_FIELD_GOOD;
    if (field->raw == NULL || strchr(field->raw, '%') == NULL) {
        return;
    }
    out.length = 0;
    out.characters = 0;
    for (const char *p = field->raw; *p != '\0'; p += used) {
        used = *p == '%' ? expand_token(inf, field, p, &out) : append(&out, p, 1);
        if (used == 0) {
            field->problem = INF_EXPANDED_TOO_LONG;
            return;
        }
    }
    field->text = inf_copy_text(inf, out.text, out.length);
}

void inf_set_language(struct inf_file *inf, uint16_t language)
{
    inf->language = language;
    inf->strings = choose_strings(inf);
    for (size_t i = 0; i < inf->section_count; i++) {
        struct inf_section *section = &inf->sections[i];

        if (inf_same(section->name, "Strings") || inf_same_n(section->name, "Strings.", 8)) {
            continue; /* values are used as written */
        }
        for (size_t j = 0; j < section->count; j++) {
            expand(inf, &section->lines[j].key);
            for (size_t k = 0; k < section->lines[j].count; k++) {
                expand(inf, &section->lines[j].fields[k]);
            }
        }
    }
}
