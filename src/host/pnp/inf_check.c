/**
 * \file
 * inf_check(): what InfVerif would say of an INF, in plain words. It walks every manufacturer,
 * platform and model, not only those of the machine, so that a mistake is found by its author and
 * not by the first user of another build.
 * Source: InfVerif's error codes, as far as Microsoft documents them.
 */
#include "pnp/inf_internal.h"

#include <stdlib.h>
#include <string.h>

/** Sections that only one kind of INF has, or that are forbidden together. */
static void check_kinds(const struct inf_file *inf, struct inf_findings *findings)
{
    for (size_t i = 0; i < inf->section_count; i++) {
        const struct inf_section *section = &inf->sections[i];
        struct inf_field place = inf_at_section(section);

        if (inf_same_n(section->name, "DefaultInstall", 14) &&
            inf_find_section(inf, "Manufacturer") != NULL) {
            inf_add(findings, inf, INF_ERROR, 1212, &place,
                    "[DefaultInstall] and [Manufacturer] are in one INF.\nRemove the one that is "
                    "not meant; a device driver has [Manufacturer].");
        }
        if (inf_same_n(section->name, "ClassInstall32", 14)) {
            inf_add(findings, inf, INF_ERROR, 1285, &place,
                    "[ClassInstall32] installs a setup class, which a driver of Microsoft's class "
                    "must not.\nRemove the section.");
        }
        for (size_t j = 0; inf_same_n(section->name, "SourceDisksFiles", 16) && j < section->count;
             j++) {
            const char *file = inf_text_or_empty(&section->lines[j], 0);
            size_t length = strlen(file);

            if (length > 4 && inf_same(file + length - 4, ".cat")) {
                inf_add(findings, inf, INF_ERROR, 1213, &section->lines[j].key,
                        "The catalog \"%.80s\" is under [%.60s].\nRemove the line: the catalog is "
                        "not copied, it vouches for the files that are.",
                        file, section->name);
            }
        }
    }
}

/* --- the walk over everything that can be installed --- */

struct check {
    const struct inf_check_options *options;
    struct inf_walk walk;
    size_t ids;     /**< Hardware IDs seen. */
    bool on_target; /**< Some models are for the target that was asked for. */
};

static void check_model(struct check *check, const struct inf_line *model)
{
    struct inf_install install = {.security = ""};
    struct inf_walk *walk = &check->walk;
    struct inf_field place = inf_at_line(model);

    if (model->key.raw == NULL || model->count < 2 || inf_text_or_empty(model, 2)[0] == '\0') {
        inf_add(
            walk->findings, walk->inf, INF_ERROR, 1006, &place,
            "The model has no hardware ID.\nWrite %%Description%% = Install-section, hardware-ID.");
        return;
    }
    check->ids++;
    walk->out = &install;
    walk->write_capacity = 0;
    walk->copy_capacity = 0;
    inf_walk_install(walk, model, 1);
    inf_check_rules(walk->inf, &install, walk->findings);
    inf_install_free(&install);
}

static void check_models(struct check *check, const struct inf_section *models,
                         const char *architecture)
{
    check->walk.architecture = architecture;
    inf_walk_use(&check->walk, models);
    for (size_t i = 0; models != NULL && i < models->count; i++) {
        check_model(check, &models->lines[i]);
    }
}

/** The models of one decoration: those that a Windows of just this version and build would choose.
 */
static void check_decoration(struct check *check, const struct inf_line *line,
                             const struct inf_decoration *decoration)
{
    struct inf_target target = {decoration->architecture[0] == '\0' ? "x86"
                                                                    : decoration->architecture,
                                decoration->major, decoration->minor, decoration->build};

    check_models(check, inf_choose_models(check->walk.inf, line, &target, check->walk.findings),
                 target.architecture);
}

/** One line of [Manufacturer]: the undecorated models, and those of each decoration. */
static void check_manufacturer(struct check *check, const struct inf_line *line)
{
    const struct inf_file *inf = check->walk.inf;
    struct inf_decoration decoration = {.architecture = ""};
    struct inf_findings twice = {0};

    check_models(check, inf_find_section(inf, inf_text_or_empty(line, 1)), "x86");
    if (line->count <= 1) {
        struct inf_field place = inf_at_line(line);

        inf_add(check->walk.findings, inf, INF_WARNING, 2223, &place,
                "The models have no platform, so they are for x86 only.\nAdd one: %%Maker%% = "
                "Models, NTamd64.10.0...16299");
        check_decoration(check, line, &decoration);
    }
    for (size_t i = 2; i <= line->count; i++) {
        if (inf_parse_decoration(inf_text_or_empty(line, i), &decoration)) {
            check_decoration(check, line, &decoration);
        }
    }
    /* What this finds wrong, the walks above have reported, except for decorations that cannot be
     * parsed at all. */
    check->on_target |= inf_choose_models(inf, line, &check->options->target, &twice) != NULL;
    inf_findings_move(&twice, check->walk.findings);
}

static void check_manufacturers(struct check *check)
{
    const struct inf_file *inf = check->walk.inf;
    const struct inf_section *manufacturers = inf_find_section(inf, "Manufacturer");
    const struct inf_target *target = &check->options->target;

    if (manufacturers == NULL) {
        inf_add(
            check->walk.findings, inf, INF_ERROR, 1203, NULL,
            "Section [Manufacturer] is missing.\nAdd it: %%Maker%% = Models, NTamd64.10.0...16299");
        return;
    }
    for (size_t i = 0; i < manufacturers->count; i++) {
        check_manufacturer(check, &manufacturers->lines[i]);
    }
    if (check->ids == 0) {
        struct inf_field place = inf_at_section(manufacturers);

        inf_add(check->walk.findings, inf, INF_ERROR, 1297, &place,
                "The INF installs on no device.\nAdd a model with a hardware ID, root\\name for a "
                "virtual adapter.");
    } else if (!check->on_target) {
        struct inf_field place = inf_at_section(manufacturers);

        inf_add(check->walk.findings, inf, INF_ERROR, INF_CODE_NO_TARGET, &place,
                "The INF has no models for %s Windows %u.%u build %u.\nAdd NT%s.%u.%u...%u to "
                "[Manufacturer], and the models section of that name.",
                target->architecture, target->major, target->minor, target->build,
                target->architecture, target->major, target->minor, target->build);
    }
}

/** Names that Windows looks for by itself. */
static bool reserved(const char *name)
{
    static const char *const names[] = {"Version",           "Manufacturer",     "Strings",
                                        "DestinationDirs",   "SourceDisksNames", "SourceDisksFiles",
                                        "ControlFlags",      "ClassInstall32",   "DefaultInstall",
                                        "InterfaceInstall32"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i]);

        if (inf_same_n(name, names[i], length) && (name[length] == '\0' || name[length] == '.')) {
            return true;
        }
    }
    return false;
}

/** Is this [section.Extension] of a section in use? Windows reads those of install sections, this
 * host does not. */
static bool extends_used(const struct check *check, const struct inf_section *section)
{
    static const char *const extensions[] = {"Interfaces", "CoInstallers", "Wdf",
                                             "Filters",    "Events",       "Components",
                                             "Software",   "Security",     "LogConfigOverride"};
    const char *dot = strrchr(section->name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        if (inf_same(dot + 1, extensions[i])) {
            for (size_t j = 0; j < check->walk.inf->section_count; j++) {
                const char *base = check->walk.inf->sections[j].name;

                if (check->walk.used[j] && strlen(base) == (size_t)(dot - section->name) &&
                    inf_same_n(base, section->name, strlen(base))) {
                    return true;
                }
            }
        }
    }
    return false;
}

static void check_unused(struct check *check)
{
    const struct inf_file *inf = check->walk.inf;

    for (size_t i = 0; i < inf->section_count; i++) {
        const struct inf_section *section = &inf->sections[i];
        struct inf_field place = inf_at_section(section);

        if (check->walk.used[i] || reserved(section->name)) {
            continue;
        }
        if (extends_used(check, section)) {
            inf_add(check->walk.findings, inf, INF_WARNING, INF_CODE_UNSUPPORTED, &place,
                    "Section [%.80s] is read by Windows but not by this host.\nRemove it if the "
                    "driver does not need it.",
                    section->name);
        } else {
            inf_add(check->walk.findings, inf, INF_WARNING, 2083, &place,
                    "Nothing refers to section [%.80s].\nCorrect the name that should refer to it, "
                    "or remove it.",
                    section->name);
        }
    }
}

bool inf_check(const struct inf_file *inf, const struct inf_check_options *options,
               struct inf_findings *findings)
{
    struct inf_findings own = {0};
    struct check check = {.options = options, .walk = {.inf = inf, .findings = &own}};

    check.walk.used = calloc(inf->section_count + 1, sizeof(bool));
    if (check.walk.used == NULL) {
        abort();
    }
    inf_check_text(inf, &own);
    inf_check_strings(inf, &own);
    inf_check_version(inf, options, &own);
    check_kinds(inf, &own);
    check_manufacturers(&check);
    check_unused(&check);
    free(check.walk.used);
    return inf_findings_move(&own, findings);
}
