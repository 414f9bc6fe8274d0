/**
 * \file
 * Names for numbers: SRB status, SCSI status, sense data, commands, NTSTATUS. Small tables: what a
 * reader of this project meets, not all that T10 ever assigned.
 */
#ifndef NTHOST_WORDS_H
#define NTHOST_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** "SUCCESS", "ERROR" ... without the flag bits. */
const char *srb_status_name(uint8_t status);
/** "GOOD", "CHECK CONDITION" ... */
const char *scsi_status_name(uint8_t status);
/** "ILLEGAL REQUEST" ... */
const char *sense_key_name(uint8_t key);
/** "LOGICAL BLOCK ADDRESS OUT OF RANGE" ... */
const char *asc_name(uint8_t asc, uint8_t ascq);
/** "READ(10)" ... by the CDB's operation code; good until the next call. */
const char *command_name(const uint8_t *cdb);
/** "direct-access block device (disk)" ... by INQUIRY's peripheral device type. */
const char *device_type_name(uint8_t type);

/** Key, ASC and ASCQ of sense data in the fixed or the descriptor format. */
struct sense {
    uint8_t key, asc, ascq;
};
/** \return false when the bytes are no sense data. */
bool sense_parse(const uint8_t *data, size_t length, struct sense *sense);

#endif
