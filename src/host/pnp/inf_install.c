/**
 * \file
 * From a hardware ID to all that installing it does: [Version], the model, its install section, and
 * through the walks of inf_service.c, inf_copy.c and inf_addreg.c the service, the files and the
 * registry. It collects and reports; it installs nothing.
 * Source: INF Version Section, INF Models Section, INF DDInstall Section.
 */
#include "pnp/inf_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void inf_walk_use(struct inf_walk *walk, const struct inf_section *section)
{
    if (walk->used != NULL && section != NULL) {
        walk->used[section - walk->inf->sections] = true;
    }
}

const struct inf_section *inf_walk_section(struct inf_walk *walk, const struct inf_line *line,
                                           size_t index, const char *what)
{
    const struct inf_field *field = inf_field(line, index);
    const struct inf_section *section;
    struct inf_field place = inf_at_line(line);

    if (field == NULL || field->text[0] == '\0') {
        inf_add(walk->findings, walk->inf, INF_ERROR, 1005, &place,
                "%s names no section.\nName the section that holds its entries.", what);
        return NULL;
    }
    section = inf_find_section(walk->inf, field->text);
    if (section == NULL) {
        inf_add(
            walk->findings, walk->inf, INF_ERROR, 1203, field,
            "Section [%.80s], which %s names, is missing.\nAdd the section, or correct the name%s.",
            field->text, what,
            inf_same(what, "CopyFiles") ? "; a single file is written with @ before its name" : "");
    }
    inf_walk_use(walk, section);
    return section;
}

static const char *version_text(const struct inf_walk *walk, const char *key, size_t index)
{
    return inf_text_or_empty(inf_find_line(walk->inf, "Version", key), index);
}

/** CatalogFile.NTamd64, else CatalogFile.NT, else CatalogFile. */
static const char *catalog_name(const struct inf_walk *walk)
{
    char key[32];
    const char *name;

    snprintf(key, sizeof(key), "CatalogFile.NT%.8s", walk->architecture);
    name = version_text(walk, key, 1);
    name = name[0] == '\0' ? version_text(walk, "CatalogFile.NT", 1) : name;
    return name[0] == '\0' ? version_text(walk, "CatalogFile", 1) : name;
}

void inf_walk_version(struct inf_walk *walk)
{
    struct inf_install *out = walk->out;
    uint32_t lockdown = 0;

    out->class_name = version_text(walk, "Class", 1);
    out->class_guid = version_text(walk, "ClassGuid", 1);
    out->provider = version_text(walk, "Provider", 1);
    out->driver_date = version_text(walk, "DriverVer", 1);
    out->driver_version = version_text(walk, "DriverVer", 2);
    out->catalog = catalog_name(walk);
    out->pnp_lockdown =
        inf_parse_uint(version_text(walk, "PnpLockdown", 1), &lockdown) && lockdown == 1;
}

/** The install section's sibling: [Install.NTamd64.HW] or, without any extension, [Install.HW]. */
static const struct inf_section *sibling(struct inf_walk *walk, const struct inf_section *install,
                                         const char *extension)
{
    char name[INF_MAX_SECTION_NAME * 4 + 32];
    const struct inf_section *section;

    snprintf(name, sizeof(name), "%s.%s", install->name, extension);
    section = inf_find_section(walk->inf, name);
    inf_walk_use(walk, section);
    return section;
}

/** Include and Needs would pull in sections of INFs that only Windows has. */
static void refuse_needs(struct inf_walk *walk, const struct inf_section *section)
{
    const struct inf_line *line = inf_next_line(section, "Needs", NULL);

    if (line != NULL) {
        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_UNSUPPORTED, &line->key,
                "[%.80s] needs sections of another INF, which this host does not have.\nWrite the "
                "directives out in this INF.",
                section->name);
    }
}

void inf_walk_install(struct inf_walk *walk, const struct inf_line *line, size_t index)
{
    const struct inf_field *field = inf_field(line, index);
    const struct inf_section *install =
        inf_decorated_section(walk->inf, field->text, walk->architecture);
    const struct inf_section *hardware;

    if (install == NULL) {
        inf_walk_section(walk, line, index, "the model");
        return;
    }
    inf_walk_use(walk, install);
    walk->out->install_section = install->name;
    refuse_needs(walk, install);
    inf_walk_copyfiles(walk, install);
    inf_walk_addreg(walk, install, INF_ROOT_DRIVER);
    hardware = sibling(walk, install, "HW");
    if (hardware != NULL) {
        refuse_needs(walk, hardware);
        inf_walk_addreg(walk, hardware, INF_ROOT_DEVICE);
    }
    if (sibling(walk, install, "Services") == NULL) {
        inf_add(walk->findings, walk->inf, INF_ERROR, 1296, field,
                "[%.80s] has no [%.80s.Services]: the device would have no driver.\nAdd "
                "[%.80s.Services] with AddService = name, 2, section.",
                install->name, install->name, install->name);
    } else {
        inf_walk_services(walk, install);
    }
}

/** \return which of the model's IDs this is, as a field's index; 0: none. NULL is everybody's
 * first. */
static size_t match_id(const struct inf_line *model, const char *hardware_id)
{
    if (hardware_id == NULL) {
        return model->count >= 2 ? 2 : 0;
    }
    for (size_t i = 2; i <= model->count; i++) {
        if (inf_same(inf_text_or_empty(model, i), hardware_id)) {
            return i;
        }
    }
    return 0;
}

/** A model that serves the ID, in the models for the walk's target; the best is the one that names
 * it earliest. */
struct match {
    const struct inf_line *manufacturer;
    const struct inf_line *model;
    const struct inf_section *models;
    size_t id;
    size_t models_seen;
    char known[200]; /**< The IDs that there are, for the message. */
};

static void match_models(const struct inf_line *manufacturer, const struct inf_section *models,
                         const char *hardware_id, struct match *match)
{
    for (size_t i = 0; i < models->count; i++) {
        const struct inf_line *model = &models->lines[i];
        size_t id = match_id(model, hardware_id);
        size_t used = strlen(match->known);

        if (id != 0 && (match->id == 0 || id < match->id)) {
            match->manufacturer = manufacturer;
            match->model = model;
            match->models = models;
            match->id = id;
        }
        snprintf(match->known + used, sizeof(match->known) - used, "%s%.60s", used == 0 ? "" : ", ",
                 inf_text_or_empty(model, 2));
    }
    match->models_seen++;
}

/** Says why the ID has no model: no section for this Windows, or none with this ID. */
static void report_no_match(struct inf_walk *walk, const struct inf_section *manufacturers,
                            const struct inf_target *target, const char *hardware_id,
                            const struct match *match)
{
    struct inf_field place = inf_at_section(manufacturers);

    if (match->models_seen == 0) {
        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_NO_TARGET, &place,
                "The INF has no models for %s Windows %u.%u build %u.\nAdd a decoration that "
                "covers it to [Manufacturer] (NT%s.%u.%u...%u), and its models section, or install "
                "on the Windows that it is for.",
                target->architecture, target->major, target->minor, target->build,
                target->architecture, target->major, target->minor, target->build);
    } else {
        inf_add(walk->findings, walk->inf, INF_ERROR, INF_CODE_NO_HWID, &place,
                "No model has the hardware ID \"%.80s\"; this INF serves: %s.\nInstall with the ID "
                "that the INF names, or correct the INF: the two must be equal.",
                hardware_id == NULL ? "(any)" : hardware_id,
                match->known[0] == '\0' ? "none" : match->known);
    }
}

static bool find_model(struct inf_walk *walk, const char *hardware_id,
                       const struct inf_target *target, struct match *match)
{
    const struct inf_section *manufacturers = inf_find_section(walk->inf, "Manufacturer");

    if (manufacturers == NULL) {
        inf_add(
            walk->findings, walk->inf, INF_ERROR, 1203, NULL,
            "Section [Manufacturer] is missing.\nAdd it: %%Maker%% = Models, NTamd64.10.0...16299");
        return false;
    }
    for (size_t i = 0; i < manufacturers->count; i++) {
        const struct inf_line *line = &manufacturers->lines[i];
        const struct inf_section *models =
            inf_choose_models(walk->inf, line, target, walk->findings);

        if (models != NULL) {
            match_models(line, models, hardware_id, match);
        }
    }
    if (match->model == NULL) {
        report_no_match(walk, manufacturers, target, hardware_id, match);
    }
    return match->model != NULL;
}

bool inf_resolve_install(const struct inf_file *inf, const char *hardware_id,
                         const struct inf_target *target, struct inf_install *out,
                         struct inf_findings *findings)
{
    struct inf_findings own = {0}; /* apart: what the list already holds must not decide */
    struct inf_walk walk = {
        .inf = inf, .architecture = target->architecture, .findings = &own, .out = out};
    struct inf_check_options options = {.target = *target, .test_signing = true};
    struct match match = {.id = 0};

    *out = (struct inf_install){.security = ""};
    inf_check_strings(inf, &own);
    inf_check_version(inf, &options, &own);
    inf_walk_version(&walk);
    if (find_model(&walk, hardware_id, target, &match)) {
        out->manufacturer =
            inf_text_or_empty(match.manufacturer, match.manufacturer->key.raw == NULL);
        out->description = inf_text_or_empty(match.model, 0);
        out->hardware_id = inf_text_or_empty(match.model, match.id);
        out->models_section = match.models->name;
        inf_walk_install(&walk, match.model, 1);
    }
    if (inf_findings_move(&own, findings)) {
        return true;
    }
    inf_install_free(out);
    return false;
}

void inf_install_free(struct inf_install *install)
{
    free(install->writes);
    free(install->copies);
    *install = (struct inf_install){.security = ""};
}
