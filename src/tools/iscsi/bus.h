/**
 * \file
 * What the target needs of a SCSI bus: units, commands, aborts and resets. The real one is the
 * simulated Windows behind host.h (host_bus.c); tests and the fuzzer have one of their own.
 */
#ifndef ISCSI_BUS_H
#define ISCSI_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct bus_address {
    uint8_t path, target, lun;
};

struct bus_unit {
    struct bus_address at;
    uint8_t device_type; /**< INQUIRY's peripheral device type. */
    uint32_t block_size; /**< 0: not known, no medium. */
};

/** Units that a bus has at most. */
#define BUS_UNITS 1024u

/** Something that the bus has finished: handed to struct bus's `done`, by any thread. */
struct bus_event {
    struct bus_event *next;
    enum { BUS_COMMAND_DONE, BUS_RESET_DONE } kind;
};

enum bus_direction { BUS_NO_DATA, BUS_DATA_IN, BUS_DATA_OUT };

#define BUS_SENSE 252u

/** One SCSI command. */
struct bus_command {
    struct bus_event event;
    struct bus_address at;
    uint8_t cdb[32];
    uint8_t cdb_length;
    enum bus_direction direction;
    void *data;
    uint32_t length; /**< Bytes of data that there is room for, or that there are. */
    /** Not 0: a READ of so many blocks is sent as several, each of at most so many blocks of
     * `block_size` bytes. */
    uint32_t piece_blocks, block_size;

    /* Valid when done. */
    uint8_t status; /**< SAM-5 status code: 00h GOOD, 02h CHECK CONDITION ... */
    uint8_t sense_length;
    uint8_t sense[BUS_SENSE];
    uint32_t transferred; /**< Bytes that moved. */
    bool absent;          /**< There is no such unit. */

    /* The bus's own, from open to close. */
    void *handle;
    void *owner;
    uint32_t piece_done;
};

enum bus_reset_level { BUS_RESET_UNIT, BUS_RESET_TARGET, BUS_RESET_BUS };

struct bus_reset {
    struct bus_event event;
    enum bus_reset_level level;
    struct bus_address at;
    bool succeeded; /**< Valid when done. */
};

struct bus {
    void *context;
    /** \return units present, at most BUS_UNITS; the first `room` are copied, by ascending
     * address. */
    unsigned (*units)(void *context, struct bus_unit *units, unsigned room);
    /** Prepares a command for any number of submits. \return false: no memory. */
    bool (*open)(void *context, struct bus_command *command);
    void (*close)(void *context, struct bus_command *command);
    /** Starts it; its event comes later, perhaps before this returns, and then on any thread. */
    void (*submit)(void *context, struct bus_command *command);
    /** Asks for a submitted command to end soon. */
    void (*abort)(void *context, struct bus_command *command);
    /** Starts a reset; its event comes later. */
    void (*reset)(void *context, struct bus_reset *reset);
};

#endif
