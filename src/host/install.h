/**
 * \file
 * The host API, part two: driver packages, device nodes, the registry. What setup programs and an
 * administrator do (pnputil, devcon, sc, reg), while host.h is what a running machine does.
 *
 * Everything here reads or changes the registry; with host_options.registry_file it is kept, and
 * the next machine that boots from the file finds services and device nodes as they were. The rules
 * on errors are host.h's.
 */
#ifndef HOST_INSTALL_H
#define HOST_INSTALL_H

#include "host.h"

/** A driver package, and how it is to be installed. */
struct host_package {
    const char *inf;
    const char *hardware_id; /**< Of the device node to make; NULL = the first that the INF has. */
    const char *driver_file; /**< The image that stands for the service's binary, a .so or .sys;
                                  NULL = the file that the INF copies, from the INF's folder. */
    bool no_device;          /**< The service alone, as `sc create` makes it: no device node. */
    bool test_signing;       /**< The catalog may be missing, as on a machine that test-signs. */
};

/**
 * Installs a package: the service, the device node, and what AddReg says. A service without a
 * device node gets one. Refused: a second device node (one adapter per machine), an INF with
 * errors, a hardware ID that the INF does not have.
 * \return false: nothing was changed, and `error` says why.
 */
bool host_install_package(const struct host_package *package, struct host_error *error);

/**
 * Finds the driver's file in a package: what the INF copies for its service, beside the INF.
 * \param out  receives its path.
 * \return false when the INF has errors, or no such file lies there.
 */
bool host_package_file(const char *inf, char *out, size_t size);

/** Names the image of the installed service from now on, as `sc config binPath=` does. */
bool host_set_image(const char *driver_file, struct host_error *error);

/** Is a service installed? \return its name, or NULL. */
const char *host_service(void);

/**
 * Takes the device node of a stopped adapter away, and with `service` the service too. A machine
 * that has only the service loses that.
 */
bool host_uninstall(bool service, struct host_error *error);

/** How an INF is checked. */
struct host_inf_check {
    const char *inf;
    bool test_signing; /**< As in host_package. */
    unsigned build;    /**< Of Windows 10, x64: must have models for it. 0 = 16299 (1709). */
};

/**
 * Checks an INF as InfVerif does, and writes each finding on a line of its own:
 * `file:line:column: error 1203: what. what to do`.
 * \param warnings  receives their number.
 * \return the number of errors.
 */
unsigned host_inf_check(const struct host_inf_check *check, FILE *out, unsigned *warnings);

/* --- devices --- */

/** Is the adapter started? */
bool host_started(void);
/** Is its driver in memory? */
bool host_loaded(void);

/** One device node. */
struct host_device {
    char instance[200];    /**< "ROOT\\SCSIADAPTER\\0000". */
    char hardware_id[100]; /**< The first of them. */
    char description[100];
    char service[64]; /**< "" = none: no driver. */
    bool is_unit;     /**< A logical unit that the adapter reports; else the adapter itself. */
    bool started;
    char problem[360]; /**< Why it is not started, in words; "" = nobody has tried. */
};

/** \return device nodes; the first `count` are copied: the adapter, then what is on its bus. */
unsigned host_devices(struct host_device *devices, unsigned count);

/* --- the registry, by path --- */

/** Registry types, by their numbers in winnt.h. */
enum host_registry_type {
    HOST_REG_NONE = 0,
    HOST_REG_SZ = 1,
    HOST_REG_EXPAND_SZ = 2,
    HOST_REG_BINARY = 3,
    HOST_REG_DWORD = 4,
    HOST_REG_MULTI_SZ = 7
};

/** What is in a key: a value, or (name only, `is_key`) a key below it. */
struct host_registry_item {
    char *name; /**< UTF-8; "" = the key's unnamed value. */
    bool is_key;
    uint32_t type;
    void *data; /**< As the registry stores it; NULL = empty. */
    size_t length;
};

/**
 * Reads a key: HKLM\\..., HKEY_LOCAL_MACHINE\\... or \\Registry\\....
 * \param count  receives how many items there are.
 * \return the items, values first, each in order of creation, for host_registry_free; NULL: there
 * is no such key.
 */
struct host_registry_item *host_registry_read(const char *key, size_t *count);
void host_registry_free(struct host_registry_item *items, size_t count);
/** Writes a value; keys on the way are made. \return false: the path or the name is no good. */
bool host_registry_write(const char *key, const char *value, uint32_t type, const void *data,
                         size_t length);
/** Takes a value away, or with `value` NULL the key and all below it. \return false: there is none.
 */
bool host_registry_delete(const char *key, const char *value);
/** Text of UTF-16, and UTF-16 of text, for the data of strings. Malloc'ed; NULL when it is not
 *  valid. \param chars receives the length without a NUL; the text ends with one. */
char *host_utf8(const uint16_t *text, size_t chars);
uint16_t *host_utf16(const char *text, size_t *chars);

#endif
