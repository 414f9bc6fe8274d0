/**
 * \file
 * The machine of one run: found files, boot, installation, start, and the way down again.
 */
#ifndef NTHOST_MACHINE_H
#define NTHOST_MACHINE_H

#include "host.h"

#include <limits.h>

#define MACHINE_PARAMETERS 16

struct machine_options {
    const char *driver; /**< NULL: the file beside `inf`, else vmini.so beside this program. */
    const char *inf;    /**< NULL: the project's vmini.inf. */
    struct host_options host;
    enum host_user user;
    unsigned unix_uid;
    bool no_install; /**< An empty machine, or what the registry has. */
    const char
        *parameters[MACHINE_PARAMETERS]; /**< "NAME=VALUE" for the service's Parameters key. */
    unsigned parameter_count;
};

/** The files that the machine was made from. */
struct machine_files {
    char driver[PATH_MAX];
    char inf[PATH_MAX];
};

/** Finds the files. Complains itself. */
bool machine_find(const struct machine_options *options, struct machine_files *files);
/** The path of a file that lies beside this program, or below. Complains itself. */
bool machine_beside(const char *name, char *out, size_t size);
/** Takes one --set NAME=VALUE. Complains itself. */
bool machine_add_parameter(struct machine_options *options, const char *text);
/** Boots, installs the INF unless the registry has an installed driver, and writes the parameters.
 * Complains itself. \param files what machine_find has found, or with an empty driver: it is asked
 * when it is needed. */
bool machine_install(const struct machine_options *options, struct machine_files *files);
/** machine_install, then starts the adapter. */
bool machine_up(const struct machine_options *options, struct machine_files *files);
/** Shuts down. \return false after a complaint: something leaked. */
bool machine_down(void);

#endif
