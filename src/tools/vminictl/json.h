/**
 * \file
 * Answers as JSON (RFC 8259), one object or array a line. Only written, never read; the same few
 * shapes on both systems, so there is no library in it that one of them would lack.
 */
#ifndef VMINICTL_JSON_H
#define VMINICTL_JSON_H

#include "tools/control/types.h"

void json_connected(const VMINI_CONNECT_OUT *out);
void json_list(const VMINI_ACTIVE_LIST_OUT *list);
void json_ping(const VMINI_SCSIPORT_OUT *out);
void json_event(const VMINI_EVENT *event);

#endif
