/**
 * \file
 * What the files of the INF parser share: the parsed form and the one way to report something.
 * Nobody outside src/host/pnp/inf*.c includes this.
 */
#ifndef HOST_PNP_INF_INTERNAL_H
#define HOST_PNP_INF_INTERNAL_H

#include "pnp/inf.h"

/** SetupAPI's limits, in characters without the terminator. */
#define INF_MAX_FIELD        4095
#define INF_MAX_SECTION_NAME 255

/** SPSVCINST_ASSOCSERVICE of AddService. */
#define INF_ASSOCSERVICE 0x2u

/** Why a field could not be expanded. */
enum inf_problem { INF_FIELD_GOOD, INF_UNKNOWN_TOKEN, INF_LONE_PERCENT, INF_EXPANDED_TOO_LONG };

struct inf_field {
    const char *raw;  /**< As written, without its quotes; NULL: no such field. */
    const char *text; /**< With the strings substituted. */
    bool quoted;
    enum inf_problem problem;
    const char *problem_token;
    unsigned line;
    unsigned column;
};

struct inf_line {
    struct inf_field key;
    struct inf_field *fields;
    size_t count;
    bool trailing_comma;
    unsigned line;
};

struct inf_section {
    const char *name;
    unsigned line;
    struct inf_line *lines;
    size_t count;
    size_t capacity;
};

enum inf_encoding { INF_ANSI, INF_UTF8, INF_UTF16LE };

struct inf_arena;

struct inf_file {
    char *name;
    char *text; /**< The whole file: UTF-8, lines end in LF, no NUL within. */
    enum inf_encoding encoding;
    unsigned utf8_line; /**< ANSI: first line whose bytes look like UTF-8; 0 = none. */
    struct inf_section *sections;
    size_t section_count;
    size_t section_capacity;
    const struct inf_section *strings;
    uint16_t language;
    struct inf_arena
        *arena; /**< Owns the strings and field arrays; grows while others only read. */
};

/** Memory that lives as long as the INF. There is no failure to handle: out of memory ends the
 * process. */
void *inf_allocate(const struct inf_file *inf, size_t size);
char *inf_copy_text(const struct inf_file *inf, const char *text, size_t length);
/** realloc() for growing arrays: makes room for one more item. */
void *inf_grow(void *items, size_t count, size_t *capacity, size_t item_size);

/** Compares without case, ASCII only, as names in an INF are. */
bool inf_same(const char *a, const char *b);
bool inf_same_n(const char *a, const char *b, size_t length);
/** A decimal or 0x number of 32 bits, and nothing after it. */
bool inf_parse_uint(const char *text, uint32_t *value);

/** Fills *finding. The message and the remedy are split at the newline of the formatted text. */
void inf_report(struct inf_finding *finding, const struct inf_file *inf, enum inf_severity severity,
                unsigned code, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/** Adds to the list, unless the list already holds the same finding. Text as for inf_report(). */
void inf_add(struct inf_findings *findings, const struct inf_file *inf, enum inf_severity severity,
             unsigned code, const struct inf_field *where, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/** Moves every finding of one list to the end of another. \return true when none of them is an
 * error. */
bool inf_findings_move(struct inf_findings *from, struct inf_findings *to);
/** A place for inf_add() that is a whole line, a section's head, or (NULL) the file. */
struct inf_field inf_at_line(const struct inf_line *line);
struct inf_field inf_at_section(const struct inf_section *section);

/** The lexer's state: where it is, and the field that it is building. */
struct inf_lexer {
    struct inf_file *inf;
    const char *p;
    unsigned line;
    unsigned column;
    size_t section; /**< Index of the current section; SIZE_MAX before the first. */
    struct inf_finding *error;
    char field[(INF_MAX_FIELD + 1) * 4]; /**< The field being built: at most 4 bytes a character. */
    size_t length;
    size_t characters;
};

bool inf_lex_blank(char c);
bool inf_lex_end(char c);
/** One byte on, counting lines and characters. */
void inf_lex_advance(struct inf_lexer *lexer);
void inf_lex_skip_blanks(struct inf_lexer *lexer);
/** To the end of the line, not over it. */
void inf_lex_skip_to_end(struct inf_lexer *lexer);
/** Sets the error (1002). \return false. */
bool inf_lex_fail(struct inf_lexer *lexer, unsigned line, unsigned column, const char *text);
/**
 * Reads one field up to what ends it: ',' or '=' (only where a key may stand), a comment, the
 * line's end. The character that ended it is left at lexer->p. \return false with the error set.
 */
bool inf_lex_field(struct inf_lexer *lexer, bool may_be_key, struct inf_field *field);

/** Bytes to inf->text. \return false with *error set. */
bool inf_decode(struct inf_file *inf, const uint8_t *bytes, size_t length,
                struct inf_finding *error);
/** inf->text to sections. \return false with *error set. */
bool inf_lex(struct inf_file *inf, struct inf_finding *error);
/** Encodes one code point. \return bytes written, at most 4. */
size_t inf_put_utf8(char *out, uint32_t code_point);
/** UTF-8 to UTF-16LE bytes, terminator included, into arena memory. */
const uint8_t *inf_utf16(const struct inf_file *inf, const char *text, size_t *size);

const struct inf_field *inf_field(const struct inf_line *line, size_t index);
/** The field's text, "" when there is none. */
const char *inf_text_or_empty(const struct inf_line *line, size_t index);

/** A TargetOSVersion: NTamd64.10.0...16299 */
struct inf_decoration {
    char architecture[8]; /**< "" = not named. */
    unsigned major;
    unsigned minor;
    unsigned build;
};
bool inf_parse_decoration(const char *text, struct inf_decoration *decoration);
/** [name.NTarch], else [name.NT], else [name]: how Windows finds install sections. */
const struct inf_section *inf_decorated_section(const struct inf_file *inf, const char *name,
                                                const char *architecture);

/** The state of one walk through an install section; shared by inf_resolve_install() and
 * inf_check(). */
struct inf_walk {
    const struct inf_file *inf;
    const char *architecture;
    struct inf_findings *findings;
    bool *used; /**< One flag a section of the INF: somebody refers to it. May be NULL. */
    struct inf_install *out;
    size_t write_capacity;
    size_t copy_capacity;
};
void inf_walk_use(struct inf_walk *walk, const struct inf_section *section);
/** The section that a field names; 1203 when it is missing. `what` = "AddReg" and the like. */
const struct inf_section *inf_walk_section(struct inf_walk *walk, const struct inf_line *line,
                                           size_t index, const char *what);
/** Every AddReg of a section; HKR is `root`. */
void inf_walk_addreg(struct inf_walk *walk, const struct inf_section *section, enum inf_root root);
void inf_walk_copyfiles(struct inf_walk *walk, const struct inf_section *section);
void inf_walk_services(struct inf_walk *walk, const struct inf_section *install);
/** All of one install section; `line`/`index` is the field of the model that names it. */
void inf_walk_install(struct inf_walk *walk, const struct inf_line *line, size_t index);
void inf_walk_version(struct inf_walk *walk);

/** Encoding (1003) and typographic quotation marks (9002). */
void inf_check_text(const struct inf_file *inf, struct inf_findings *findings);
/** Tokens without a string (1235). */
void inf_check_strings(const struct inf_file *inf, struct inf_findings *findings);
/** The SDDL of a device (9006). */
void inf_check_security(struct inf_walk *walk, const struct inf_field *field);
void inf_check_version(const struct inf_file *inf, const struct inf_check_options *options,
                       struct inf_findings *findings);
void inf_check_rules(const struct inf_file *inf, const struct inf_install *install,
                     struct inf_findings *findings);

#endif
