/**
 * \file
 * What a check is: the commands that it sends, and a pure function that judges the answers. Nothing
 * here knows how commands are sent (machine.c) or findings told (text.c, json.c, html.c).
 */
#ifndef PROBE_CHECK_H
#define PROBE_CHECK_H

#include "tools/probe/probe.h"

#define CHECK_STEPS   8
#define STEP_HEAD     24
#define ANSWER_KEPT   4096 /**< Bytes of an answer that are kept. */
#define IMAGE_KEPT    4096 /**< Bytes of the image's beginning that are kept. */
#define VERDICT_TEXT  512
#define VERDICT_MARKS 8

/** What a data buffer holds before a command. Not 00 or FF, which a device may send; not A5,
 *  which is what the port leaves in SRB extensions: that byte in an answer tells where it came
 *  from. */
#define POISON 0x5C

/** What is connected while the check runs. */
enum bus {
    BUS_DISK,
    BUS_READ_ONLY,
    BUS_REMOVABLE,
    BUS_CDROM,
    BUS_LUN5,  /**< A disk at LUN 5, none at LUN 0. */
    BUS_TWO,   /**< Two disks, LUN 0 and LUN 5. */
    BUS_LARGE, /**< A disk of more than 2^32 blocks. */
    BUS_THIN,  /**< A thin disk, which can be written. */
    BUS_COUNT
};

/** Which logical block a CDB is about: put into it when the size of the unit is known. */
enum lba { LBA_AS_WRITTEN, LBA_LAST, LBA_END, LBA_BEYOND };

/** One command. */
struct step {
    uint8_t cdb[16];
    uint8_t cdb_length; /**< 0: what the operation code's group says. */
    bool test_ready;    /**< It is one, although all of its CDB is 0. */
    enum host_direction direction;
    uint32_t length; /**< Bytes of the buffer, and the SRB's DataTransferLength. */
    uint8_t fill;    /**< Data-out: every byte, ... */
    bool halves;     /**< ... but those of the second half are `second`, ... */
    uint8_t second;
    uint8_t head[STEP_HEAD]; /**< ... and the first ones are these. */
    uint8_t head_length;
    enum lba lba;
    uint8_t target;    /**< Added to the address under test. */
    uint8_t lun;       /**< The same. */
    bool no_sense;     /**< The SRB has no sense buffer. */
    bool no_autosense; /**< It has one, and SRB_FLAGS_DISABLE_AUTOSENSE. */
    uint8_t sense;     /**< Bytes of the sense buffer; 0: 255. */
};

/* Commands without, with incoming, with outgoing data: buffer length, then the CDB's first
 * bytes. */
#define SEND(...)                                                                                  \
    {                                                                                              \
        .cdb = {__VA_ARGS__}, .direction = HOST_DATA_NONE                                          \
    }
#define TEST_UNIT_READY                                                                            \
    {                                                                                              \
        .test_ready = true, .direction = HOST_DATA_NONE                                            \
    }
#define IN(size, ...)                                                                              \
    {                                                                                              \
        .cdb = {__VA_ARGS__}, .direction = HOST_DATA_IN, .length = (size)                          \
    }
#define OUT(size, byte, ...)                                                                       \
    {                                                                                              \
        .cdb = {__VA_ARGS__}, .direction = HOST_DATA_OUT, .length = (size), .fill = (byte)         \
    }
/* Outgoing data that differ: two halves, each of one byte; a parameter list and nothing else. BYTES
 * holds a list together on its way through other macros. */
#define BYTES(...) (__VA_ARGS__)
#define BRACED(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define HALVES(size, one, other, ...)                                                              \
    {                                                                                              \
        .cdb = {__VA_ARGS__}, .direction = HOST_DATA_OUT, .length = (size), .fill = (one),         \
        .halves = true, .second = (other)                                                          \
    }
#define PARAMETERS(size, bytes, ...)                                                               \
    {                                                                                              \
        .cdb = {__VA_ARGS__}, .direction = HOST_DATA_OUT, .length = (size), .head = BRACED bytes,  \
        .head_length = (size)                                                                      \
    }

/** What came back. */
struct answer {
    uint8_t cdb[16]; /**< As it was sent. */
    uint8_t cdb_length;
    enum host_direction direction;
    uint32_t length; /**< Of the buffer. */
    uint8_t srb_status;
    uint8_t scsi_status;
    uint32_t transferred;
    uint8_t sense_length; /**< Valid bytes; 0 without AUTOSENSE_VALID. */
    uint8_t sense[255];   /**< The whole buffer: POISON where nothing was written. */
    uint8_t data[ANSWER_KEPT];
};

/** How a check's machine ended. */
enum ending { ENDED_NOT, ENDED_WELL, ENDED_BUGCHECK, ENDED_SIGNAL, ENDED_TIMEOUT, ENDED_UNUSABLE };

/** Everything that a judge may look at. */
struct transcript {
    enum ending ending;
    char words[VERDICT_TEXT]; /**< Bugcheck, signal, or why the machine could not be used. */
    uint64_t blocks;          /**< Of the image file, not what the device says. */
    uint32_t block_size;
    uint32_t bus_type;
    uint8_t image[IMAGE_KEPT];
    unsigned count; /**< Answers that there are. */
    struct answer answers[CHECK_STEPS];
};

/** What of an answer a finding is about. */
enum area { AREA_DATA, AREA_SENSE, AREA_STATUS, AREA_TRANSFERRED };

struct mark {
    unsigned step;
    enum area area;
    uint32_t offset, length; /**< Bytes, for data and sense. */
};

struct verdict {
    bool failed;
    bool hidden; /**< Could not be judged: another fault, which has its own check, is in the way. */
    char expected[VERDICT_TEXT];
    char got[VERDICT_TEXT];
    struct mark marks[VERDICT_MARKS];
    unsigned mark_count;
};

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

struct check;
typedef void judge_function(const struct check *check, const struct transcript *transcript,
                            struct verdict *verdict);

/** A part of an answer: what one of the general judges looks at. */
struct field {
    uint16_t offset, length;
    uint64_t mask;  /**< 0: all bits. */
    uint64_t value; /**< What it must hold. */
};

struct check {
    const char *id;
    uint8_t fix; /**< Number of the compliance fix whose fault it finds; 0: none of them. */
    enum severity severity;
    enum bus bus;
    bool legacy; /**< Sent as SCSI_REQUEST_BLOCKs. */
    bool writes; /**< Needs a medium that can be written: never the user's image. */
    const char *command;
    const char *clause;
    const char *expect;
    const char *why; /**< What breaks where this is wrong, in one sentence. */
    struct step steps[CHECK_STEPS];
    judge_function *judge;
    struct field field;
    struct field also[7]; /**< More parts, for judge_zero. */
    uint32_t code;        /**< judge_sense: key/ASC/ASCQ, as in 0x052400. */
    bool unconditional;   /**< Judged even where the answer is beyond judging. */
};

/** One check on one driver. */
struct result {
    const struct check *check;
    struct transcript *transcript;
    struct verdict verdict;
};

/** The check with this number, 0 to check_count() - 1. */
const struct check *check_at(unsigned number);
unsigned check_count(void);
/** NULL: there is none with this id. */
const struct check *check_find(const char *id);
unsigned check_steps(const struct check *check);
/** "error" ... */
const char *severity_name(enum severity severity);
/** "disk", "CD-ROM" ... : what the bus holds. */
const char *bus_name(enum bus bus);

/** Judges: the ending first, then the check's own function. */
struct verdict check_judge(const struct check *check, const struct transcript *transcript);

#endif
