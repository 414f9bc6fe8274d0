/**
 * \file
 * One CDB against one logical unit, on the fake port: how the suites of this folder speak.
 *
 *     scsi_command_t command;
 *
 *     scsi_command(&command, &disk, CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8);
 *     scsi_run(&command);
 *     EXPECT_GOOD(&command, 8);
 *
 * scsi_run applies the rules that hold for every command, whatever it is: see check_rules.
 */
#ifndef SCSI_FIXTURE_H
#define SCSI_FIXTURE_H

#include "03-scsi/commands.h"
#include "support/fake_port.h"

#include <CUnit/CUnit.h>
#include <string.h>

/** A CDB and its length, as two arguments. */
#define CDB(...) (const UCHAR[]){__VA_ARGS__}, sizeof((const UCHAR[]){__VA_ARGS__})

/** A command under test. */
typedef struct scsi_command {
    fake_srb_t fake;
    VMINI_SCSI_REQUEST request;
    PVMINI_UNIT unit;
    UCHAR *data;      /**< What the data buffer holds afterwards. */
    bool data_out;    /**< The buffer is the initiator's data: it may not change. */
    const void *sent; /**< They, fake.data_length bytes; or NULL: poison. */
} scsi_command_t;

/** What a suite's tests are about: units of all kinds. */
typedef struct scsi_units {
    VMINI_MEDIA media;
    VMINI_UNIT disk;      /**< 1000 blocks. */
    VMINI_UNIT removable; /**< The same, removable. */
    VMINI_UNIT read_only; /**< The same, read-only. */
    VMINI_UNIT cdrom;     /**< 250 blocks of 2048 bytes. */
    VMINI_UNIT big;       /**< 8 TB: 2^34 blocks. */
    VMINI_UNIT thin;      /**< 1000 blocks, thin. */
    VMINI_UNIT thin_big;  /**< 8 TB, thin. */
} scsi_units_t;

#define DISK_BLOCKS  1000u
#define CDROM_BLOCKS 250u
#define BIG_BLOCKS   (1ull << 34)

extern scsi_units_t units;

/** Before every test: fresh units, a fresh port. */
void scsi_setup(void);

/** A fresh unit of `bytes`, at path 0, target 1, LUN 2. \return what VminiUnitInitialize said. */
NTSTATUS scsi_unit(PVMINI_UNIT unit, ULONGLONG bytes, ULONG flags, const WCHAR *path);

/** A unit that has the command of a row. */
PVMINI_UNIT scsi_unit_for(const VMINI_SCSI_COMMAND *row);

/** Prepares a command with `room` bytes of buffer. `unit` NULL: the absent LUN 0. */
void scsi_command(scsi_command_t *command, PVMINI_UNIT unit, const UCHAR *cdb, size_t length,
                  ULONG room);

/**
 * Runs it up to its end, or to where a work item is queued.
 * \return the SRB status, PENDING if so.
 */
UCHAR scsi_run(scsi_command_t *command);

/** The work item has ended like this. \return the SRB status. */
UCHAR scsi_work_done(scsi_command_t *command, NTSTATUS status, ULONG_PTR information);

/** scsi_command and scsi_run. */
UCHAR scsi(scsi_command_t *command, PVMINI_UNIT unit, const UCHAR *cdb, size_t length, ULONG room);

/** What REPORT LUNS will find on the target. */
void scsi_set_luns(const UCHAR *luns, ULONG count);
/** How often it has looked since. */
unsigned scsi_lists_made(void);

/* Expectations, told with the line of the test. */
#define EXPECT_GOOD(command, moved)      expect_good((command), (moved), __FILE__, __LINE__)
#define EXPECT_SENSE(command, sense)     expect_sense((command), (sense), __FILE__, __LINE__)
#define EXPECT_FIELD(command, byte, bit) expect_field((command), (byte), (bit), __FILE__, __LINE__)
#define EXPECT_PARAMETER(command, byte, bit)                                                       \
    expect_parameter((command), (byte), (bit), __FILE__, __LINE__)
#define EXPECT_INFORMATION(command, value)                                                         \
    expect_information((command), (value), __FILE__, __LINE__)
#define EXPECT_WORK(command, what, offset, bytes)                                                  \
    expect_work((command), (what), (offset), (bytes), __FILE__, __LINE__)

/** It ended well and moved so many bytes. */
void expect_good(const scsi_command_t *command, ULONG moved, const char *file, unsigned line);
/** It failed with this sense: 0x052400 is 05/24/00. */
void expect_sense(const scsi_command_t *command, VMINI_SENSE sense, const char *file,
                  unsigned line);
/** It failed with INVALID FIELD IN CDB, pointing there; bit -1: no bit pointer. */
void expect_field(const scsi_command_t *command, unsigned byte, int bit, const char *file,
                  unsigned line);
/** It failed with INVALID FIELD IN PARAMETER LIST, pointing there; bit -1: no bit pointer. */
void expect_parameter(const scsi_command_t *command, unsigned byte, int bit, const char *file,
                      unsigned line);
/** Its sense data are VALID with this INFORMATION. */
void expect_information(const scsi_command_t *command, ULONG value, const char *file,
                        unsigned line);
/** It waits for this work item. */
void expect_work(const scsi_command_t *command, VMINI_WORK_COMMAND what, ULONGLONG offset,
                 ULONG bytes, const char *file, unsigned line);

#endif
