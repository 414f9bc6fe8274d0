/**
 * \file
 * Which part of an INF is for this Windows: TargetOSVersion decorations (NTamd64.10.0...16299) of
 * [Manufacturer] and Models, and the platform extensions of the other sections. It only chooses; it
 * does not read what it has chosen.
 * Source: INF Manufacturer Section; Combining Platform Extensions with Operating System Versions.
 */
#include "pnp/inf_internal.h"

#include <stdio.h>
#include <string.h>

static const char *const architectures[] = {"x86", "amd64", "arm64", "arm", "ia64"};

/** Takes one component up to the next dot. \return false when it is neither empty nor a number. */
static bool take_number(const char **p, unsigned *value)
{
    size_t length = strcspn(*p, ".");
    char digits[12];
    uint32_t number = 0;

    if (length >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, *p, length);
    digits[length] = '\0';
    if (length > 0 && !inf_parse_uint(digits, &number)) {
        return false;
    }
    *value = number;
    *p += length;
    *p += **p == '.';
    return true;
}

/**
 * NT[Architecture][.[Major][.[Minor][.[ProductType][.[SuiteMask][.[Build]]]]]]
 *
 * A part that is left out is 0, which every Windows satisfies.
 */
bool inf_parse_decoration(const char *text, struct inf_decoration *decoration)
{
    unsigned product;
    unsigned suite;
    size_t length;

    *decoration = (struct inf_decoration){.architecture = ""};
    if (!inf_same_n(text, "NT", 2)) {
        return false;
    }
    text += 2;
    length = strcspn(text, ".");
    for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++) {
        if (strlen(architectures[i]) == length && inf_same_n(text, architectures[i], length)) {
            strcpy(decoration->architecture, architectures[i]);
        }
    }
    if (length != strlen(decoration->architecture)) {
        return false;
    }
    text += length;
    text += *text == '.';
    return take_number(&text, &decoration->major) && take_number(&text, &decoration->minor) &&
           take_number(&text, &product) && take_number(&text, &suite) &&
           take_number(&text, &decoration->build) && *text == '\0';
}

/** Orders by version, build, and then a named architecture before none. */
static bool better(const struct inf_decoration *a, const struct inf_decoration *b)
{
    if (a->major != b->major) {
        return a->major > b->major;
    }
    if (a->minor != b->minor) {
        return a->minor > b->minor;
    }
    if (a->build != b->build) {
        return a->build > b->build;
    }
    return a->architecture[0] != '\0' && b->architecture[0] == '\0';
}

static bool applies(const struct inf_decoration *decoration, const struct inf_target *target)
{
    /* Since Server 2003 SP1 only x86 takes what names no architecture. */
    const char *architecture =
        decoration->architecture[0] == '\0' ? "x86" : decoration->architecture;

    if (!inf_same(architecture, target->architecture)) {
        return false;
    }
    if (decoration->major != target->major) {
        return decoration->major < target->major;
    }
    if (decoration->minor != target->minor) {
        return decoration->minor < target->minor;
    }
    return decoration->build <= target->build; /* a build counts only within its own version */
}

/** The undecorated name of a [Manufacturer] line's models: its value, or the lone name that is
 * both. */
static const char *models_name(const struct inf_line *line)
{
    return inf_text_or_empty(line, 1);
}

/** Joins name and extension; too long a name is none that a section can have. */
static const struct inf_section *find_joined(const struct inf_file *inf, const char *name,
                                             const char *middle, const char *extension)
{
    char joined[INF_MAX_SECTION_NAME * 4 + 16];
    int length = snprintf(joined, sizeof(joined), "%s%s%s", name, middle, extension);

    return length < 0 || (size_t)length >= sizeof(joined) ? NULL : inf_find_section(inf, joined);
}

/** The best decoration of a line. \return its field's index, 1 for the undecorated section, 0 for
 * none. */
static size_t choose_field(const struct inf_file *inf, const struct inf_line *line,
                           const struct inf_target *target, struct inf_findings *findings)
{
    struct inf_decoration best = {.architecture = ""};
    size_t chosen = applies(&best, target) ? 1 : 0;

    for (size_t i = 2; i <= line->count; i++) {
        const struct inf_field *field = inf_field(line, i);
        struct inf_decoration decoration;

        if (field->text[0] == '\0') {
            continue;
        }
        if (!inf_parse_decoration(field->text, &decoration)) {
            inf_add(findings, inf, INF_ERROR, INF_CODE_BAD_TOKEN, field,
                    "\"%.60s\" is no target operating system.\nWrite it as NTamd64.10.0...16299: "
                    "NT, the architecture, then version and build.",
                    field->text);
        } else if (applies(&decoration, target) && (chosen < 2 || better(&decoration, &best))) {
            best = decoration;
            chosen = i;
        }
    }
    return chosen;
}

const struct inf_section *inf_choose_models(const struct inf_file *inf, const struct inf_line *line,
                                            const struct inf_target *target,
                                            struct inf_findings *findings)
{
    size_t chosen = choose_field(inf, line, target, findings);
    const struct inf_section *section = NULL;

    if (chosen == 1) {
        section = inf_find_section(inf, models_name(line));
    } else if (chosen > 1) {
        section = find_joined(inf, models_name(line), ".", inf_text_or_empty(line, chosen));
    }
    if (section == NULL && (chosen > 1 || (chosen == 1 && line->count == 1))) {
        const char *decoration = chosen > 1 ? inf_text_or_empty(line, chosen) : "";

        inf_add(
            findings, inf, INF_ERROR, 1203, inf_field(line, chosen),
            "Section [%.80s%s%.60s], which [Manufacturer] promises, is missing.\nAdd the section, "
            "with one line \"%%Description%% = Install-section, hardware-ID\" for each model.",
            models_name(line), chosen > 1 ? "." : "", decoration);
    }
    return section;
}

const struct inf_section *inf_decorated_section(const struct inf_file *inf, const char *name,
                                                const char *architecture)
{
    const struct inf_section *section = find_joined(inf, name, ".NT", architecture);

    section = section == NULL ? find_joined(inf, name, ".NT", "") : section;
    return section == NULL ? inf_find_section(inf, name) : section;
}
