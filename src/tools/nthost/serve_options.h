/**
 * \file
 * The command line of `nthost serve`.
 */
#ifndef NTHOST_SERVE_OPTIONS_H
#define NTHOST_SERVE_OPTIONS_H

#include "tools/control/server.h"
#include "tools/iscsi/chap.h"
#include "tools/iscsi/server.h"
#include "tools/nthost/machine.h"

#define SERVE_IMAGES 64

struct serve_image {
    const char *path;
    uint32_t flags; /**< VMINI_CONNECT_*. */
};

struct serve_options {
    struct machine_options machine;
    struct serve_image images[SERVE_IMAGES];
    unsigned image_count;
    struct server_options server;
    struct control_server_options control;
    struct chap_account account;
    bool help;
};

/** Reads the arguments behind the subcommand, and the file with the secret. Complains itself. */
bool serve_options_parse(int argc, char **argv, struct serve_options *options);

#endif
