/**
 * \file
 * The checks of an INF's text, whatever its sections mean: the encoding, quotation marks that are
 * none, %tokens% that no [Strings] defines.
 */
#include "pnp/inf_internal.h"

#include <string.h>

/** Calls a function for every field of the INF, keys included. */
static void each_field(const struct inf_file *inf, struct inf_findings *findings,
                       void (*visit)(const struct inf_file *, const struct inf_field *,
                                     struct inf_findings *))
{
    for (size_t i = 0; i < inf->section_count; i++) {
        for (size_t j = 0; j < inf->sections[i].count; j++) {
            const struct inf_line *line = &inf->sections[i].lines[j];

            if (line->key.raw != NULL) {
                visit(inf, &line->key, findings);
            }
            for (size_t k = 0; k < line->count; k++) {
                visit(inf, &line->fields[k], findings);
            }
        }
    }
}

static void check_token(const struct inf_file *inf, const struct inf_field *field,
                        struct inf_findings *findings)
{
    const char *strings = inf->strings == NULL ? "Strings" : inf->strings->name;

    if (field->problem == INF_UNKNOWN_TOKEN) {
        inf_add(findings, inf, INF_ERROR, 1235, field,
                "%%%.60s%% is not defined in [%.40s].\nDefine it there%s; a percent sign that is "
                "meant as one is written %%%%.",
                field->problem_token, strings,
                inf_same(strings, "Strings") ? ""
                                             : " too: Windows reads only one [Strings] section");
    } else if (field->problem == INF_LONE_PERCENT) {
        inf_add(findings, inf, INF_ERROR, 1235, field,
                "A percent sign stands alone in \"%.60s\".\nWrite %%%% for a percent sign, or "
                "close the %%token%%.",
                field->raw);
    } else if (field->problem == INF_EXPANDED_TOO_LONG) {
        inf_add(findings, inf, INF_ERROR, 1002, field,
                "With its strings substituted the field is longer than 4095 characters.\nShorten "
                "the strings.");
    }
}

void inf_check_strings(const struct inf_file *inf, struct inf_findings *findings)
{
    each_field(inf, findings, check_token);
}

/** Quotation marks of a page or a word processor: to Windows they are letters like any other. */
static void check_quotes(const struct inf_file *inf, const struct inf_field *field,
                         struct inf_findings *findings)
{
    /* The last two are the first two's UTF-8 bytes, read as ANSI. */
    static const char *const marks[] = {"\u201C", "\u201D", "\u201E", "\u00E2\u20AC\u0153",
                                        "\xC3\xA2\xE2\x82\xAC\xC2\x9D"};

    for (size_t i = 0; !field->quoted && i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strstr(field->raw, marks[i]) != NULL) {
            inf_add(findings, inf, INF_ERROR, INF_CODE_TYPOGRAPHIC, field,
                    "A typographic quotation mark (%s) is no quotation mark for Windows.\nType "
                    "plain \" instead: the text was probably pasted from a page.",
                    marks[i]);
            return;
        }
    }
}

static void check_encoding(const struct inf_file *inf, struct inf_findings *findings)
{
    struct inf_field place = {.line = inf->utf8_line, .column = 1};

    if (inf->encoding == INF_UTF8) {
        inf_add(findings, inf, INF_WARNING, 1003, NULL,
                "The file is UTF-8; Windows' tools want ANSI or UTF-16LE.\nSave it as UTF-16LE, or "
                "use ASCII characters only and no byte order mark.");
    } else if (inf->utf8_line != 0) {
        inf_add(findings, inf, INF_WARNING, 1003, &place,
                "The file has UTF-8 characters but no byte order mark: Windows reads them as "
                "ANSI.\nSave it as UTF-16LE, or use ASCII characters only.");
    }
}

void inf_check_text(const struct inf_file *inf, struct inf_findings *findings)
{
    check_encoding(inf, findings);
    each_field(inf, findings, check_quotes);
}
