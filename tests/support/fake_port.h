/**
 * \file
 * A Storport that is only a stage: it builds one SRB at a time, lets a handler of chapters 3 or 6
 * run on it, and looks at what it did. No queue, no threads, no file.
 *
 * All memory that the driver gets is the smallest that it may have, and ends at a page that nobody
 * can read: a byte too far is a SIGSEGV at the instruction that did it. In front of it lies a
 * poisoned strip that is checked afterwards. An SRB becomes unreadable the moment it is completed.
 */
#ifndef FAKE_PORT_H
#define FAKE_PORT_H

#include "vmini.h"

#include <stdbool.h>

/** What untouched memory is filled with. */
#define FAKE_POISON 0xA5
/** The longest data buffer that can be asked for. */
#define FAKE_DATA_MAXIMUM (1024u * 1024u + 4096u)

/** The two forms of an SRB. */
typedef enum fake_form { FAKE_LEGACY, FAKE_EXTENDED } fake_form_t;

/** An SRB under test: the first part is the test's, the second what became of it. */
typedef struct fake_srb {
    fake_form_t form;
    UCHAR cdb[16];
    UCHAR cdb_length;
    ULONG data_length;   /**< DataTransferLength, and exactly the bytes of the buffer. */
    ULONG mdl_skip;      /**< Bytes of the MDL in front of the SRB's data. */
    ULONG mdl_missing;   /**< By how many bytes the MDL is too short. */
    bool no_data_buffer; /**< DataBuffer is NULL: the data begin where the MDL does. */
    bool no_sense;       /**< SenseInfoBuffer is NULL. */
    UCHAR sense_length;
    ULONG flags;
    void *extension; /**< The SRB extension; NULL: none. */

    PSCSI_REQUEST_BLOCK srb; /**< Built by fake_build; unreadable once completed. */
    UCHAR *data;             /**< The buffer, poisoned by fake_build. */
    UCHAR *sense;            /**< The same for sense data. */

    unsigned completions; /**< How often it was given to Storport. */
    UCHAR srb_status;     /**< As it was then, and so on. */
    UCHAR scsi_status;
    ULONG moved; /**< DataTransferLength. */
    UCHAR sense_written;
} fake_srb_t;

/** What the port does, and what it saw. */
struct fake_port {
    bool fail_mapping;    /**< StorPortGetSystemAddress fails. */
    bool fail_mdl;        /**< StorPortGetOriginalMdl fails. */
    bool fail_pool;       /**< ExAllocatePoolWithTag fails. */
    unsigned pool_blocks; /**< Allocated and not freed. */
    unsigned mappings;    /**< How often a system address was asked for. */
    unsigned strangers;   /**< Calls that no handler of chapters 3 and 6 may make. */
    fake_srb_t *current;  /**< The SRB that was built last. */
};
extern struct fake_port fake_port;

/** What VminiTransferBuffer and the others take for the adapter. */
extern VMINI_ADAPTER fake_adapter;

/** Forgets everything; every test begins with it. */
void fake_port_reset(void);

/** An SRB with this CDB, `data_length` bytes of data and 18 of sense. */
void fake_srb_init(fake_srb_t *fake, const UCHAR *cdb, size_t cdb_length, ULONG data_length);

/** Builds it: lays out the SRB, poisons its buffers. */
void fake_build(fake_srb_t *fake);

/** \return the MDL that describes the data of the SRB that was built last. */
PMDL fake_mdl(void);

/** \return whether nothing was written outside the data and sense buffers of the SRB built last. */
bool fake_guards_hold(void);

/** \return whether `length` bytes are all `value`. */
bool fake_all(const UCHAR *bytes, size_t length, UCHAR value);

/** A small generator of random numbers: the same seed, the same numbers. */
ULONGLONG fake_random(ULONGLONG *state);

#endif
