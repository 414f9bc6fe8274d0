/**
 * \file
 * The probe: plays a protocol analyser. It connects images to the driver in a machine of its own,
 * sends what the Windows stack and an analyser send, and judges every answer by the standard. It
 * knows nothing of the driver: how an image gets connected is told by its caller, everything else
 * goes through host.h.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "host.h"

/** A place on the bus. */
struct probe_address {
    uint8_t path, target, lun;
};

/** How an image is to appear. */
enum probe_kind {
    PROBE_DISK,
    PROBE_DISK_READ_ONLY,
    PROBE_DISK_REMOVABLE,
    PROBE_DISK_THIN,
    PROBE_CDROM
};

/** Connects an image at an address and waits until Storport has seen it. Complains on stderr. */
typedef bool probe_connect(const char *path, enum probe_kind kind, const struct probe_address *at);

enum probe_format { PROBE_TEXT, PROBE_JSON, PROBE_HTML };

/** A driver under test. */
struct probe_driver {
    const char *name; /**< For the report: "before", a file name ... */
    const char *file;
    const char *inf;
};

struct probe_options {
    struct probe_driver driver;
    struct probe_driver compare; /**< The second column; file NULL: none. */
    struct probe_address address;
    const char *disk;  /**< The user's image, opened read-only; NULL: the probe makes one. */
    const char *cdrom; /**< The same. */
    const char *only;  /**< Id of the one check to run; NULL: all. */
    enum probe_format format;
    const char *output; /**< NULL: standard output. */
    bool colours;
    probe_connect *connect;
};

/** Prints id, fix, severity and title of every check. */
void probe_list(FILE *out);
/** Runs the checks and writes the report. \return 0: nothing found, 1: findings (of `compare`,
 *  if there is one), or the checks could not run, about which it complained; 2: usage. */
int probe_run(const struct probe_options *options);

#endif
