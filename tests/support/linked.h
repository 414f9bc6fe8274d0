/**
 * \file
 * A machine with a port driver and *this runner's own* copy of vmini in it: the driver's objects
 * are linked into the
 * runner, so a case can call and look at what is inside. For chapters 1 and 2; everything runs in
 * a child (child.h).
 */
#ifndef TESTS_LINKED_H
#define TESTS_LINKED_H

#include "02-dispatch/connection.h"
#include "02-dispatch/dispatch.h"
#include "02-dispatch/table.h"

#include "host.h"
#include "nt/io.h"
#include "nt/nt.h"
#include "support/child.h"

#define LINKED_SERVICE "vmini"

/** The adapter of the started machine. */
PVMINI_ADAPTER linked_adapter(void);

/** Boots a seeded machine, verifier on, with the driver installed: parameters can be set now. */
void linked_boot(void);
void linked_boot_with(const struct host_options *options);
/** DriverEntry. \return its status. */
NTSTATUS linked_entry(void);
/** DriverEntry, then the adapter starts and the bus is scanned. */
void linked_start(void);
/** linked_boot + linked_start, with a bus of four targets: a scan asks each of them. */
void linked_up(void);
/** The same with a bus of 1 x 2 x 1: a scan costs little, for cases that run under many seeds. */
void linked_up_small(void);
/** Removes, unloads, halts; fails the case when anything leaked. */
void linked_down(void);

/** A folder of images for one suite: made by its initialisation, removed by its cleanup, in the
 *  parent. */
int linked_folder_create(void);
int linked_folder_remove(void);
/** Path of an image in it, made with this size if it is not there. \return a pointer good for 8
 *  calls. */
const char *linked_image(const char *name, uint64_t bytes);

/** Fills the header of a command. */
void linked_header(VMINI_COMMAND *command, ULONG code, ULONG length);
/** Fills a CONNECT for a host path at the first free address. */
void linked_connect_in(VMINI_CONNECT_IN *in, const char *path, ULONG flags);
void linked_disconnect_in(VMINI_DISCONNECT_IN *in, const char *path, const VMINI_ADDRESS *address);
/** Sends a service IRP and waits. \return NTSTATUS. */
NTSTATUS linked_call(const void *input, ULONG input_length, void *output, ULONG output_length,
                     ULONG *returned);
/** Starts one. */
void linked_begin(struct host_ioctl *ioctl, const void *input, ULONG input_length, void *output,
                  ULONG output_length);
NTSTATUS linked_connect(const char *path, ULONG flags, VMINI_CONNECT_OUT *out);
NTSTATUS linked_disconnect(const char *path);

/** Lets everybody run until all wait; time stands still. */
void linked_settle(void);
/** Lets `seconds` pass. */
void linked_pass(unsigned seconds);

/** Runs a scenario under child_seeds() of these seeds, at random and by PCT; a failure is a failed
 *  check with the seed. */
void linked_sweep(void (*scenario)(void *), void *argument, unsigned seeds);

#define LINKED_CASE(name)                                                                          \
    static void test_##name(void)                                                                  \
    {                                                                                              \
        CHILD_PASSES(name, NULL);                                                                  \
    }

#endif
