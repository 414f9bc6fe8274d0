/**
 * \file
 * The driver's control interface from a program's side: one function for each command of
 * driver/vmini_ioctl.h. How a request reaches the driver is the channel's business: an IOCTL inside
 * the host, a socket, or DeviceIoControl.
 */
#ifndef CONTROL_ADAPTER_H
#define CONTROL_ADAPTER_H

#include "tools/control/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A way to the driver. */
struct adapter_channel {
    /** Sends IOCTL_MINIPORT_PROCESS_SERVICE_IRP and waits. \param returned receives the bytes of the
     *  answer. \return NTSTATUS. */
    int32_t (*call)(struct adapter_channel *channel, const void *input, uint32_t input_length,
                    void *output, uint32_t output_length, uint32_t *returned);
};

/** All 0xFF: the first free address. */
#define ADAPTER_ANYWHERE ((VMINI_ADDRESS){0xFF, 0xFF, 0xFF, 0})

/** Each of these: \return NTSTATUS. */
int32_t adapter_ping(struct adapter_channel *channel, VMINI_SCSIPORT_OUT *out);
/** \param path VMINI_PATH_LENGTH characters at most, NUL included. \param out its address is
 *  ADAPTER_ANYWHERE when the driver does not say where the image is (before fix 20): then
 *  adapter_list does. */
int32_t adapter_connect(struct adapter_channel *channel, const WCHAR *path, uint32_t flags,
                        VMINI_ADDRESS at, VMINI_CONNECT_OUT *out);
/** By path, or by address when `path` is NULL. */
int32_t adapter_disconnect(struct adapter_channel *channel, const WCHAR *path, VMINI_ADDRESS at);
/** \param out receives the connected images, to be freed; NULL after an error. */
int32_t adapter_list(struct adapter_channel *channel, VMINI_ACTIVE_LIST_OUT **out);
/** Waits for the first event after `last`. */
int32_t adapter_wait_event(struct adapter_channel *channel, uint64_t last, VMINI_EVENT *event);

/** Fills the request of adapter_wait_event, for those who cannot wait. */
void adapter_fill_wait_event(VMINI_WAIT_EVENT_IN *in, uint64_t last);

#endif
