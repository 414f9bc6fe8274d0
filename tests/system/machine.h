/**
 * \file
 * The machine that the system tests run on: the driver that VMINI_DRIVER names, images in a temporary folder.
 */
#ifndef TESTS_SYSTEM_MACHINE_H
#define TESTS_SYSTEM_MACHINE_H

#include <ntifs.h>
#include <ntddscsi.h>

#include "driver/vmini_ioctl.h"
#include "host.h"

#define MACHINE_SERVICE "vmini"

/** The driver under test. */
const char *machine_driver(void);
/** Makes the temporary folder (once) and an image in it, of `bytes` bytes (sparse). \return its path; do not free. */
const char *machine_image(const char *name, uint64_t bytes);
/** Removes the temporary folder and what is in it. A suite's clean-up function. */
int machine_clean(void);

/** Boots, installs the bare service with a devnode, starts. Ends the process with a message when that fails. */
void machine_boot(const struct host_options *options);
/** A seeded machine with the verifier on. */
void machine_boot_seeded(uint64_t seed);
/** Halts; ends the process with a message when anything leaked. */
void machine_halt(void);

/** Fills a CONNECT. \return its length. */
uint32_t machine_connect_in(VMINI_CONNECT_IN *in, const char *path, unsigned flags);
/** Fills a DISCONNECT by path. */
uint32_t machine_disconnect_in(VMINI_DISCONNECT_IN *in, const char *path);
/** Connects and waits. \return NTSTATUS. */
int32_t machine_connect(const char *path, unsigned flags, VMINI_CONNECT_OUT *out);
int32_t machine_disconnect(const char *path);

/** One SCSI command, executed. \return SRB status without flags. */
uint8_t machine_scsi(VMINI_ADDRESS address, const uint8_t *cdb, uint8_t cdb_length, enum host_direction direction,
                     void *data, uint32_t length, struct host_request *answer);
/** READ(16) or WRITE(16) of whole blocks. */
uint8_t machine_read(VMINI_ADDRESS address, uint64_t lba, uint32_t blocks, uint32_t block_size, void *data);
uint8_t machine_write(VMINI_ADDRESS address, uint64_t lba, uint32_t blocks, uint32_t block_size, void *data);
/** Fills a READ(16) (88h) or WRITE(16) (8Ah). */
void machine_rw16(uint8_t *cdb, uint8_t opcode, uint64_t lba, uint32_t blocks);

#endif
