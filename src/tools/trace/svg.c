/*
 * Rows -> SVG. Text is text, so it can be found and copied; colours follow the page (dark-mode and
 * light-mode are the classes of the docs' theme) or, alone, the reader's system. No colour carries
 * anything alone: the IRQL stands in words where it changes.
 */
#include "tools/trace/lanes.h"

#include <string.h>

#define WIDTH      1000
#define ROW_HEIGHT 19
#define HEAD       66
#define TIME_WIDTH 86
#define BAR_WIDTH  24
#define CHARACTER  7.3 /* Width of one, 12 px monospace. */
#define INDENT     14

static const char style[] =
    ".lanes{--page:#fff;--ink:#1b2430;--dim:#5c6773;--line:#c8ced6;--i0:#dff0e3;--i1:#d9e6f7;"
    "--i2:#fbe0c3;--i3:#f6c9cf;--bar:#4a67b0;--barink:#fff;"
    "font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
    "@media(prefers-color-scheme:dark){html:not(.light-mode) .lanes,.lanes:root{" /* Alone, too. */
    "--page:#1c2128;--ink:#e4e8ee;--dim:#9aa5b1;--line:#444c56;--i0:#1f4a33;--i1:#1f3d66;--i2:#"
    "6b4416;"
    "--i3:#6e2530;--bar:#7c97dd;--barink:#10151c}}"
    "html.dark-mode .lanes{--page:#1c2128;--ink:#e4e8ee;--dim:#9aa5b1;--line:#444c56;--i0:#1f4a33;"
    "--i1:#1f3d66;--i2:#6b4416;--i3:#6e2530;--bar:#7c97dd;--barink:#10151c}"
    ".lanes text{fill:var(--ink);white-space:pre}.lanes .page{fill:var(--page)}"
    ".lanes .title{font:600 15px system-ui,sans-serif}.lanes .head{font-weight:600}"
    ".lanes .dim{fill:var(--dim)}.lanes .line{stroke:var(--line);fill:none}"
    ".lanes .hand{stroke:var(--dim);fill:none;stroke-dasharray:3 3}"
    ".lanes .i0{fill:var(--i0)}.lanes .i1{fill:var(--i1)}.lanes .i2{fill:var(--i2)}"
    ".lanes .i3{fill:var(--i3)}.lanes .bar{fill:var(--bar)}.lanes .barink{fill:var(--barink)}"
    ".lanes .callback,.lanes .srb{font-weight:700}.lanes .file{font-style:italic}";

static const char *const classes[] = {
    [ROW_CALLBACK] = "callback", [ROW_FUNCTION] = "function", [ROW_ROUTINE] = "dim",
    [ROW_FILE] = "file",         [ROW_SRB] = "srb",           [ROW_PLAIN] = "dim",
};

/** Text for XML; at most `limit` characters, then an ellipsis. */
static void put_text(FILE *out, const char *text, size_t limit)
{
    size_t length = strlen(text);
    bool cut = length > limit;

    if (cut) {
        length = limit > 1 ? limit - 1 : 0;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '<' || c == '>' || c == '&' || c == '"' || c < 0x20) {
            fprintf(out, "&#%u;", c < 0x20 ? (unsigned)'?' : (unsigned)c);
        } else {
            fputc(c, out);
        }
    }
    if (cut) {
        fputs("\u2026", out);
    }
}

static unsigned gutter(const struct lanes *lanes)
{
    return TIME_WIDTH + lanes->columns * BAR_WIDTH + 8;
}

static unsigned lane_width(const struct lanes *lanes)
{
    return (WIDTH - gutter(lanes)) / lanes->lane_count;
}

static const char *level_name(unsigned irql)
{
    static const char *const names[] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL"};

    return irql < 3 ? names[irql] : "DIRQL";
}

static void draw_head(FILE *out, const struct lanes *lanes)
{
    unsigned width = lane_width(lanes);
    double x = WIDTH - 4;

    fprintf(out, "<text class=\"title\" x=\"4\" y=\"20\">");
    put_text(out, lanes->title, 90);
    fputs("</text>\n", out);
    for (int level = 2; level >= 0; level--) {
        char name[40];

        snprintf(name, sizeof name, "%d %s", level, level_name((unsigned)level));
        x -= (double)strlen(name) * CHARACTER + 12;
        fprintf(out,
                "<rect class=\"i%d\" x=\"%.0f\" y=\"8\" width=\"%.0f\" height=\"17\" rx=\"3\"/>"
                "<text x=\"%.0f\" y=\"21\">%s</text>\n",
                level, x, (double)strlen(name) * CHARACTER + 8, x + 4, name);
    }
    fprintf(out, "<text class=\"dim\" x=\"4\" y=\"56\">time</text>\n");
    for (unsigned i = 0; i < lanes->lane_count; i++) {
        unsigned left = gutter(lanes) + i * width;

        fprintf(out, "<text class=\"head\" x=\"%u\" y=\"56\">thread %u: ", left + 6,
                lanes->lane[i].thread);
        put_text(out, lanes->lane[i].name, width / 8 - 12);
        fputs("</text>\n", out);
        fprintf(out, "<path class=\"line\" d=\"M%u %dV%zu\"/>\n", left, HEAD - 24,
                HEAD + lanes->row_count * ROW_HEIGHT);
    }
    fprintf(out, "<path class=\"line\" d=\"M0 %dH%d\"/>\n", HEAD - 3, WIDTH);
}

/** Where the processor goes from one thread to another. */
static void draw_change(FILE *out, const struct lanes *lanes, size_t i)
{
    unsigned width = lane_width(lanes);
    unsigned from = gutter(lanes) + lanes->row[i - 1].lane * width + width / 2;
    unsigned to = gutter(lanes) + lanes->row[i].lane * width + width / 2;

    fprintf(out, "<path class=\"hand\" d=\"M%u %zuH%u\"/>\n", from, HEAD + i * ROW_HEIGHT, to);
}

static void draw_row(FILE *out, const struct lanes *lanes, size_t i)
{
    const struct row *row = &lanes->row[i], *above = i == 0 ? NULL : &lanes->row[i - 1];
    unsigned width = lane_width(lanes), x = gutter(lanes) + row->lane * width;
    size_t y = HEAD + i * ROW_HEIGHT;
    unsigned indent = row->indent < 9 ? row->indent * INDENT : 9 * INDENT;
    bool fresh = above == NULL || above->lane != row->lane || above->irql != row->irql;
    unsigned tag = fresh ? 58 : 0;

    fprintf(out, "<rect class=\"i%u\" x=\"%u\" y=\"%zu\" width=\"%u\" height=\"%d\"/>\n",
            row->irql < 3 ? row->irql : 3, x + 2, y, width - 4, ROW_HEIGHT);
    fprintf(out, "<text class=\"%s\" x=\"%u\" y=\"%zu\">", classes[row->style], x + 7 + indent,
            y + 14);
    put_text(out, row->label, (size_t)((width - 14 - indent - tag) / CHARACTER));
    fputs("</text>\n", out);
    if (fresh) {
        fprintf(out, "<text class=\"dim\" x=\"%u\" y=\"%zu\" text-anchor=\"end\">IRQL %u</text>\n",
                x + width - 8, y + 14, row->irql);
    }
    if (above == NULL || strcmp(above->time, row->time) != 0) {
        fprintf(out, "<text class=\"dim\" x=\"4\" y=\"%zu\">%s</text>\n", y + 14, row->time);
    }
    if (above != NULL && above->lane != row->lane) {
        draw_change(out, lanes, i);
    }
}

static void draw_span(FILE *out, const struct span *span)
{
    unsigned x = TIME_WIDTH + span->column * BAR_WIDTH;
    size_t top = HEAD + span->first * ROW_HEIGHT,
           height = (span->last - span->first + 1) * ROW_HEIGHT;

    fprintf(out,
            "<rect class=\"bar\" x=\"%u\" y=\"%zu\" width=\"%d\" height=\"%zu\" rx=\"4\">"
            "<title>SRB #%llu</title></rect>\n",
            x, top, BAR_WIDTH - 5, height, (unsigned long long)span->srb);
    if (height > 60) {
        fprintf(out, "<text class=\"barink\" transform=\"translate(%u %zu) rotate(90)\">SRB #%llu ",
                x + 6, top + 8, (unsigned long long)span->srb);
        put_text(out, span->name, height / 8 > 12 ? height / 8 - 12 : 0);
        fputs("</text>\n", out);
    }
}

/** The picture for those who do not see it: thread and IRQL where they change, then the rows. */
static void put_words(FILE *out, const struct lanes *lanes)
{
    fputs("<desc>", out);
    for (size_t i = 0; i < lanes->row_count; i++) {
        const struct row *row = &lanes->row[i], *above = i == 0 ? NULL : &lanes->row[i - 1];

        if (above == NULL || above->lane != row->lane || above->irql != row->irql) {
            fprintf(out, "%sthread %u, IRQL %u: ", i == 0 ? "" : ". ",
                    lanes->lane[row->lane].thread, row->irql);
        } else {
            fputs(", ", out);
        }
        put_text(out, row->label, LABEL_SIZE);
    }
    fputs(".</desc>\n", out);
}

void lanes_svg(FILE *out, const struct lanes *lanes)
{
    size_t height = HEAD + lanes->row_count * ROW_HEIGHT + 6;

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lanes\" viewBox=\"0 0 %d %zu\" "
            "role=\"img\">\n<style>%s</style>\n<title>",
            WIDTH, height, style);
    put_text(out, lanes->title, LABEL_SIZE);
    fputs("</title>\n", out);
    put_words(out, lanes);
    fprintf(out, "<rect class=\"page\" width=\"%d\" height=\"%zu\"/>\n", WIDTH, height);
    draw_head(out, lanes);
    for (size_t i = 0; i < lanes->row_count; i++) {
        draw_row(out, lanes, i);
    }
    for (unsigned i = 0; i < lanes->span_count; i++) {
        draw_span(out, &lanes->span[i]);
    }
    fputs("</svg>\n", out);
}
