/**
 * \file
 * The machine that the system tests run on: the driver that VMINI_DRIVER names, images in a
 * temporary folder.
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
/**
 * Makes the temporary folder (once) and an image in it, of `bytes` bytes (sparse).
 * \return its path; do not free.
 */
const char *machine_image(const char *name, uint64_t bytes);
/** Removes the temporary folder and what is in it. A suite's clean-up function. */
int machine_clean(void);

/**
 * Boots, installs the bare service with a devnode, starts; a bus of four targets, because a scan
 * asks each of them. Ends the process with a message when that fails.
 */
void machine_boot(const struct host_options *options);
/** A seeded machine with the verifier on. */
void machine_boot_seeded(uint64_t seed);
/** The same, its bus of this size; 0 = as the driver has it. */
void machine_boot_sized(const struct host_options *options, uint32_t buses, uint32_t targets,
                        uint32_t luns);
/** Connects an image and waits until Storport has seen it. Ends the process when that fails. */
VMINI_ADDRESS machine_disk(const char *path, unsigned flags);
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
uint8_t machine_scsi(VMINI_ADDRESS address, const uint8_t *cdb, uint8_t cdb_length,
                     enum host_direction direction, void *data, uint32_t length,
                     struct host_request *answer);
/** READ(16) or WRITE(16) of whole blocks. */
uint8_t machine_read(VMINI_ADDRESS address, uint64_t lba, uint32_t blocks, uint32_t block_size,
                     void *data);
uint8_t machine_write(VMINI_ADDRESS address, uint64_t lba, uint32_t blocks, uint32_t block_size,
                      void *data);
/** Fills a READ or WRITE of the form that has 6, 10, 12 or 16 bytes. */
void machine_rw_cdb(uint8_t *cdb, uint8_t form, bool write, uint64_t lba, uint32_t blocks);
/** What a request was refused with: sense key, ASC and ASCQ as 0xKKAAQQ; 0 without sense data. */
uint32_t machine_sense(const struct host_request *answer);
/** Waits for the first event after `last`. \return NTSTATUS. */
int32_t machine_event(uint64_t last, VMINI_EVENT *event);
/** Fills blocks with a pattern that says which block of which writing they are. */
void machine_pattern(uint8_t *data, uint64_t lba, uint32_t blocks, uint32_t block_size,
                     uint8_t salt);
/** Fills a READ(16) (88h) or WRITE(16) (8Ah). */
void machine_rw16(uint8_t *cdb, uint8_t opcode, uint64_t lba, uint32_t blocks);

#endif
