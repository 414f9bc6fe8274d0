/**
 * \file
 * vminictl's commands. Each has read its options already, opens the adapter, does one thing, and
 * tells how it went.
 */
#ifndef VMINICTL_COMMANDS_H
#define VMINICTL_COMMANDS_H

#include "tools/vminictl/os.h"

#include <stdint.h>

/** What the command line says. */
struct request {
    const char *adapter; /**< NULL = the system's own way to find it. */
    const char *target;  /**< A path, or an address. */
    uint32_t flags;      /**< VMINI_CONNECT_*. */
    VMINI_ADDRESS at;
    bool json;
    bool force;     /**< disconnect: although a volume is in use. */
    uint64_t count; /**< watch: ends after so many events; 0 = never. */
    uint64_t since; /**< watch: begins after this one. */
};

enum exit_status command_connect(const struct request *request);
enum exit_status command_disconnect(const struct request *request);
enum exit_status command_list(const struct request *request);
enum exit_status command_ping(const struct request *request);
enum exit_status command_watch(const struct request *request);

/** "0:1:0". \return false: it is no address. */
bool address_read(const char *text, VMINI_ADDRESS *address);

/** Complains on standard error: what is wrong, and on a second line what to do. \return `status`. */
enum exit_status complain(enum exit_status status, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
