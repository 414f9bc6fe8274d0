/**
 * \file
 * What goes over the control socket between vminictl and a running host: IOCTLs, one at a time.
 *
 *     host                                   program
 *       hello (status: may you open it?)  ->
 *                                         <-   ioctl (code, input, room for the answer)
 *                                         <-   cancel, perhaps
 *       reply (status, answer)            ->
 *
 * Both ends are on one machine, so numbers are its own. Closing the socket is closing the handle:
 * what is pending is cancelled.
 */
#ifndef CONTROL_WIRE_H
#define CONTROL_WIRE_H

#include <stdint.h>

/** "VMC1" read as a little-endian number: also the version. */
#define WIRE_MAGIC 0x31434D56u
/** No IOCTL of this interface has more input, or asks for more output. */
#define WIRE_MAXIMUM_INPUT  (64u * 1024)
#define WIRE_MAXIMUM_OUTPUT (16u * 1024 * 1024)

enum wire_kind {
    WIRE_HELLO = 1, /**< From the host, first: status. Unless it is 0 the host hangs up. */
    WIRE_IOCTL,     /**< To the host: code, length bytes of input follow, output_length. */
    WIRE_CANCEL,    /**< To the host: the one that is pending. Its reply comes nevertheless. */
    WIRE_REPLY,     /**< From the host: status, returned; length bytes of output follow. */
};

struct wire_message {
    uint32_t magic;
    uint32_t kind;
    uint32_t code;          /**< WIRE_IOCTL. */
    int32_t status;         /**< NTSTATUS: WIRE_HELLO, WIRE_REPLY. */
    uint32_t length;        /**< Bytes that follow. */
    uint32_t output_length; /**< WIRE_IOCTL: room; WIRE_REPLY: IoStatus.Information. */
};
_Static_assert(sizeof(struct wire_message) == 24, "no padding");

#endif
