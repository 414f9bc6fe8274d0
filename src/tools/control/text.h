/**
 * \file
 * What the control interface tells, as lines of text: paths, images, events.
 */
#ifndef CONTROL_TEXT_H
#define CONTROL_TEXT_H

#include "tools/control/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes that hold any path of the interface as UTF-8. */
#define CONTROL_PATH_BYTES (VMINI_PATH_LENGTH * 4)

/** A path out of an answer as UTF-8. On Linux, where Z: is the root directory, "Z:\\tmp\\a.img" is
 *  "/tmp/a.img". A path without its NUL is cut. \return `buffer`. */
const char *control_path_text(const WCHAR *path, char *buffer, size_t size);
/** "16.0 MiB". \return `buffer`. */
const char *size_text(uint64_t bytes, char *buffer, size_t size);
/** "arriving", "enumerated", "departing" of VMINI_ACTIVE_ENTRY.State. */
const char *control_state_name(uint32_t state);
/** "arrival" ... of VMINI_EVENT.Kind. */
const char *control_kind_name(uint32_t kind);

/** "0:1:0  enumerated    16.0 MiB read-only  /tmp/a.img", on standard output. */
void control_print_image(const VMINI_ACTIVE_ENTRY *entry);
/** "#3 arrival 0:1:0 /tmp/a.img", on standard output. */
void control_print_event(const VMINI_EVENT *event);
/** "0:1:0  /tmp/a.img  32768 blocks of 512 bytes (16.0 MiB)". \param path as the user wrote it. */
void control_print_connected(const VMINI_CONNECT_OUT *out, const char *path);
/** "vmini, interface version 1: ...". */
void control_print_ping(const VMINI_SCSIPORT_OUT *out);

#endif
