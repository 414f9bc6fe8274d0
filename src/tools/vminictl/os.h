/**
 * \file
 * What differs between the systems that vminictl runs on: how it finds the adapter, how an IOCTL
 * gets there, how Ctrl-C is noticed. os_windows.c and os_socket.c.
 */
#ifndef VMINICTL_OS_H
#define VMINICTL_OS_H

#include "tools/control/adapter.h"

#include <stdbool.h>

/** Exit statuses; the manual page lists them. */
enum exit_status {
    EXIT_FINE = 0,
    EXIT_REFUSED = 1,       /**< The driver said no. */
    EXIT_USAGE = 2,         /**< The command line is no good. */
    EXIT_NO_ADAPTER = 3,    /**< There is no adapter, or it went away. */
    EXIT_PERMISSION = 4,    /**< The user may not. */
    EXIT_INTERRUPTED = 130, /**< Ctrl-C. */
};

/** Why there is no way to the adapter. */
struct os_problem {
    enum exit_status status;
    char what[400];
    char remedy[300];
};

/** To be called first: makes UTF-8 of the arguments, and Ctrl-C a thing that can be asked for. */
void os_begin(int *argc, char ***argv);
/** Name of the environment variable that names the adapter, and what --help says of a name. */
extern const char os_name_variable[];
extern const char os_name_help[];
/** Opens the adapter. \param name NULL = the system's own way to find it. \return NULL: `problem`. */
struct adapter_channel *os_open(const char *name, struct os_problem *problem);
/**
 * Before a unit goes: dismounts the volumes that live on it, and keeps them locked until os_close.
 * Nothing on Linux, where no file system is mounted on what a simulated machine has.
 * \param path  the image, NULL: \p at is the unit's address.
 * \param force  also what is in use, and what cannot be found out.
 * \return false: `problem`; nothing was dismounted.
 */
bool os_take_volumes(struct adapter_channel *channel, const WCHAR *path, VMINI_ADDRESS at,
                     bool force, struct os_problem *problem);
void os_close(struct adapter_channel *channel);
/** Has the other side hung up? What a call returned then says nothing about the driver. */
bool os_lost(const struct adapter_channel *channel);
/** Was Ctrl-C pressed? A call that was under way has ended with STATUS_CANCELLED, unless it was
 *  quicker. */
bool os_interrupted(void);

#endif
