/**
 * \file
 * CopyFiles: which files of the package go where. A file is named with its directory on the target
 * ([DestinationDirs]) and its place in the package ([SourceDisksFiles], [SourceDisksNames]); both
 * tables are looked up for the platform first.
 * Source: INF CopyFiles Directive, INF DestinationDirs, SourceDisksNames and SourceDisksFiles
 * Sections.
 */
#include "pnp/inf_internal.h"

#include <stdio.h>
#include <string.h>

/** A line of [table.architecture], else of [table]. */
static const struct inf_line *find_in_table(struct inf_walk *walk, const char *table,
                                            const char *key)
{
    char name[64];
    const struct inf_line *line;

    snprintf(name, sizeof(name), "%s.%.8s", table, walk->architecture);
    line = inf_find_line(walk->inf, name, key);
    return line == NULL ? inf_find_line(walk->inf, table, key) : line;
}

static const char *without_slash(const char *path)
{
    return path[0] == '\\' ? path + 1 : path;
}

/** Joins the path of a disk and the subdirectory of a file. */
static const char *join(struct inf_walk *walk, const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 2;
    char *joined = inf_allocate(walk->inf, size);

    snprintf(joined, size, "%s%s%s", a, a[0] != '\0' && b[0] != '\0' ? "\\" : "", b);
    return joined;
}

/** Where the file lies in the package. */
static void find_source(struct inf_walk *walk, const struct inf_field *field, struct inf_copy *copy)
{
    const struct inf_line *file = find_in_table(walk, "SourceDisksFiles", copy->source);
    const struct inf_line *disk;

    copy->source_subdir = "";
    if (file == NULL) {
        inf_add(walk->findings, walk->inf, INF_ERROR, 1230, field,
                "\"%.80s\" is copied but is not under [SourceDisksFiles] for %s.\nAdd the line "
                "\"%.80s = 1\" to [SourceDisksFiles].",
                copy->source, walk->architecture, copy->source);
        return;
    }
    disk = find_in_table(walk, "SourceDisksNames", inf_text_or_empty(file, 1));
    if (disk == NULL) {
        struct inf_field place = inf_at_line(file);

        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_BAD_TOKEN, &place,
                "Disk \"%.20s\" is not under [SourceDisksNames] for %s.\nAdd the line \"%.20s = "
                "%%Description%%\" to [SourceDisksNames].",
                inf_text_or_empty(file, 1), walk->architecture, inf_text_or_empty(file, 1));
        return;
    }
    copy->source_subdir = join(walk, without_slash(inf_text_or_empty(disk, 4)),
                               without_slash(inf_text_or_empty(file, 2)));
}

/** Where the file goes: the line of its section, else DefaultDestDir. */
static bool find_target(struct inf_walk *walk, const struct inf_field *field, const char *section,
                        struct inf_copy *copy)
{
    const struct inf_line *line =
        section == NULL ? NULL : inf_find_line(walk->inf, "DestinationDirs", section);

    if (line == NULL) {
        line = inf_find_line(walk->inf, "DestinationDirs", "DefaultDestDir");
    }
    if (line == NULL) {
        inf_add(walk->findings, walk->inf, INF_ERROR, 1013, field,
                "[DestinationDirs] does not say where \"%.80s\" goes.\nAdd DefaultDestDir = 13 "
                "(the Driver Store) to [DestinationDirs].",
                copy->target);
        return false;
    }
    if (!inf_field_uint(line, 1, &copy->target_dirid)) {
        struct inf_field place = inf_at_line(line);

        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_BAD_TOKEN, &place,
                "\"%.40s\" is no directory number.\nWrite 13 for the Driver Store.",
                inf_text_or_empty(line, 1));
        return false;
    }
    copy->target_subdir = without_slash(inf_text_or_empty(line, 2));
    return true;
}

/** Adds one file. `section` names the [DestinationDirs] entry; NULL for @file. */
static void add_copy(struct inf_walk *walk, const struct inf_field *field, const char *target,
                     const char *source, const char *section)
{
    struct inf_copy copy = {.source = source, .target = target, .line = field->line};
    struct inf_install *out = walk->out;

    if (target[0] == '\0') {
        inf_add(walk->findings, walk->inf, INF_ERROR, 1006, field,
                "A file to copy has no name.\nWrite the file's name.");
        return;
    }
    find_source(walk, field, &copy);
    if (find_target(walk, field, section, &copy)) {
        out->copies = inf_grow(out->copies, out->copy_count, &walk->copy_capacity, sizeof(copy));
        out->copies[out->copy_count++] = copy;
    }
}

/** The lines of a file list: target[,source][,unused][,flags] */
static void walk_list(struct inf_walk *walk, const struct inf_section *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct inf_line *line = &list->lines[i];
        struct inf_field place = inf_at_line(line);
        const char *target = inf_text_or_empty(line, 1);
        const char *source = inf_text_or_empty(line, 2);

        add_copy(walk, &place, target, source[0] == '\0' ? target : source, list->name);
    }
}

void inf_walk_copyfiles(struct inf_walk *walk, const struct inf_section *section)
{
    const struct inf_line *line = NULL;

    while ((line = inf_next_line(section, "CopyFiles", line)) != NULL) {
        for (size_t i = 1; i == 1 || i <= line->count; i++) {
            const char *name = inf_text_or_empty(line, i);
            const struct inf_section *list;

            if (name[0] == '@') {
                add_copy(walk, inf_field(line, i), name + 1, name + 1, NULL);
                continue;
            }
            list = inf_walk_section(walk, line, i, "CopyFiles");
            if (list != NULL) {
                walk_list(walk, list);
            }
        }
    }
}
