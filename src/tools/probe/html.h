/**
 * \file
 * The HTML report in two files: the page (html.c), and its tables of bytes (html_bytes.c).
 */
#ifndef PROBE_HTML_H
#define PROBE_HTML_H

#include "tools/probe/judge.h"
#include "tools/probe/report.h"

#include <stdio.h>

/** Where the page goes. */
extern FILE *html;

/** What a table of bytes is about. */
struct html_table {
    const struct report *report;
    const struct result *result;
    const struct result *other; /**< The other column's; NULL: there is none. */
    unsigned step;
    enum area area;
};

/** Text, as HTML wants it. */
void html_escape(const char *text);
/** <tag class="class">text</tag> \param class NULL: none. */
void html_element(const char *tag, const char *class, const char *text);
/** A page begins: its first explanation is number 1. */
void html_tables_begin(void);
/** The first `count` bytes; nothing if there are none. */
void html_table(const struct html_table *table, const char *caption, uint32_t count);

#endif
