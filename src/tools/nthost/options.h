/**
 * \file
 * The command line of `nthost run` and `nthost demo`.
 */
#ifndef NTHOST_OPTIONS_H
#define NTHOST_OPTIONS_H

#include "tools/control/server.h"
#include "tools/nthost/machine.h"

#define OPTIONS_IMAGES 64

/** One --disk or --cdrom. */
struct option_image {
    const char *path;
    bool cdrom;
};

struct options {
    struct machine_options machine;
    struct option_image images[OPTIONS_IMAGES];
    unsigned image_count;
    uint32_t disk_flags; /**< VMINI_CONNECT_* of every --disk. */
    struct control_server_options control;
    const char *trace;  /**< File that gets every trace record. */
    const char *script; /**< "-" = standard input. */
    const char *output; /**< demo: the new disk image. */
    bool no_start;
    bool verbose;
    bool help;
};

/** Reads the arguments behind the subcommand. Complains itself. \param demo read demo's options,
 * not run's. */
bool options_parse(int argc, char **argv, bool demo, struct options *options);
void options_help_run(void);
void options_help_demo(void);

#endif
