/*
 * The tables of bytes of the HTML report: an answer cut into fields, each a button with its
 * explanation behind it.
 */
#include "tools/probe/html.h"
#include "tools/probe/layout.h"

#include <ctype.h>
#include <string.h>

#define ROW  16u
#define HALF 8u

static unsigned next_tip;

void html_escape(const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", html);
            break;
        case '>':
            fputs("&gt;", html);
            break;
        case '&':
            fputs("&amp;", html);
            break;
        case '"':
            fputs("&quot;", html);
            break;
        default:
            fputc(*text, html);
            break;
        }
    }
}

void html_element(const char *tag, const char *class, const char *text)
{
    fprintf(html, class != NULL ? "<%s class=\"%s\">" : "<%s>", tag, class);
    html_escape(text);
    fprintf(html, "</%s>", tag);
}

/* --- bytes --- */

static const uint8_t *bytes_of(const struct result *result, unsigned step, enum area area)
{
    const struct answer *answer = &result->transcript->answers[step];

    return area == AREA_DATA ? answer->data : answer->sense;
}

static bool is_changed(const struct html_table *table, uint32_t offset)
{
    return table->other != NULL && table->step < table->other->transcript->count &&
           bytes_of(table->result, table->step, table->area)[offset] !=
               bytes_of(table->other, table->step, table->area)[offset];
}

static bool field_at(const struct html_table *table, uint32_t offset, struct layout_field *field)
{
    const struct answer *answer = &table->result->transcript->answers[table->step];

    return table->area == AREA_DATA ? layout_data(answer, offset, field)
                                    : layout_sense(offset, field);
}

/** Do two neighbouring bytes belong into one run? */
static bool alike(const struct html_table *table, uint32_t one, uint32_t other)
{
    const uint8_t *bytes = bytes_of(table->result, table->step, table->area);
    struct layout_field first, second;
    bool named = field_at(table, one, &first), also = field_at(table, other, &second);

    return named == also && (!named || first.offset == second.offset) &&
           (named || bytes[one] == bytes[other]) &&
           is_marked(&table->result->verdict, table->step, table->area, one) ==
               is_marked(&table->result->verdict, table->step, table->area, other) &&
           is_changed(table, one) == is_changed(table, other);
}

static const char *run_class(const struct html_table *table, uint32_t from, uint32_t count)
{
    const uint8_t *bytes = bytes_of(table->result, table->step, table->area);
    bool zero = true, poison = true;

    if (is_marked(&table->result->verdict, table->step, table->area, from)) {
        return "f bad";
    }
    if (is_changed(table, from)) {
        return "f changed";
    }
    for (uint32_t i = from; i < from + count; i++) {
        zero = zero && bytes[i] == 0;
        poison = poison && bytes[i] == POISON;
    }
    return zero ? "f zero" : poison ? "f poison" : "f";
}

static void write_text_value(const uint8_t *bytes, uint32_t count)
{
    char text[ROW + 1];
    uint32_t i;

    for (i = 0; i < count && isprint(bytes[i]); i++) {
        text[i] = (char)bytes[i];
    }
    text[i] = '\0';
    if (i == count && count > 1) {
        fputs("“", html);
        html_escape(text);
        fputs("” ", html);
    } else if (count <= 8) {
        fprintf(html, "Value %llu. ", (unsigned long long)be(bytes, count));
    }
}

/** What a run of bytes has to say for itself. */
static void write_tip(const struct html_table *table, uint32_t from, uint32_t count,
                      const char *class)
{
    const uint8_t *bytes = bytes_of(table->result, table->step, table->area);
    const struct verdict *verdict = &table->result->verdict;
    struct layout_field field;
    char text[64];

    fprintf(html, "<span class=\"tip\" role=\"tooltip\" id=\"t%u\"><b>", next_tip);
    fprintf(html, count == 1 ? "Byte %u" : "Bytes %u to %u", from, from + count - 1);
    if (field_at(table, from, &field)) {
        fputs(": ", html);
        html_escape(field.name);
    }
    fputs("</b> ", html);
    if (strcmp(class, "f poison") == 0) {
        fputs("Not written: this is what the buffer held before. ", html);
    } else {
        write_text_value(bytes + from, count);
    }
    if (strcmp(class, "f bad") == 0) {
        fputs("<br>Expected: ", html);
        html_escape(verdict->expected);
        fputs("<br>", html);
        html_escape(table->result->check->why);
    }
    if (is_changed(table, from)) {
        fputs("<br>The other driver: ", html);
        html_escape(bytes_text(bytes_of(table->other, table->step, table->area) + from, count, text,
                               sizeof(text)));
    }
    fputs("</span>", html);
}

static void write_run(const struct html_table *table, uint32_t from, uint32_t count)
{
    const uint8_t *bytes = bytes_of(table->result, table->step, table->area);
    const char *class = run_class(table, from, count);
    bool stop = strcmp(class, "f bad") == 0 || strcmp(class, "f changed") == 0;

    next_tip++;
    fprintf(html,
            "<td colspan=\"%u\"%s><button type=\"button\" class=\"%s\"%s aria-describedby=\"t%u\">",
            count, from % ROW >= HALF ? " class=\"right\"" : "", class,
            stop ? "" : " tabindex=\"-1\"", next_tip);
    for (uint32_t i = from; i < from + count; i++) {
        fprintf(html, "<i>%02x</i>", bytes[i]);
    }
    fputs("</button>", html);
    write_tip(table, from, count, class);
    fputs("</td>", html);
}

void html_table(const struct html_table *table, const char *caption, uint32_t count)
{
    if (count == 0) {
        return;
    }
    fputs("<div class=\"scroll-x\"><table class=\"bytes\"><caption>", html);
    html_escape(caption);
    fputs("</caption><tr><td></td>", html);
    for (unsigned i = 0; i < ROW; i++) {
        fprintf(html, "<th scope=\"col\">%x</th>", i);
    }
    fputs("</tr>\n", html);
    for (uint32_t from = 0; from < count; from += ROW) {
        uint32_t end = from + ROW < count ? from + ROW : count;

        fprintf(html, "<tr><th scope=\"row\">%02x</th>", from);
        for (uint32_t at = from, next; at < end; at = next) {
            for (next = at + 1; next < end && alike(table, at, next);) {
                next++;
            }
            write_run(table, at, next - at);
        }
        fputs("</tr>\n", html);
    }
    fputs("</table></div>\n", html);
}

void html_tables_begin(void)
{
    next_tip = 0;
}
