/*
 * The tables of names. A number that no table has is told as "unknown"; the caller always prints
 * the number as well.
 */
#include "tools/nthost/words.h"

#include <ntifs.h>
#include <ntstatus.h>
#include <scsi.h>
#include <srb.h>

#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct word {
    uint32_t number;
    const char *name;
};

static const char *find(const struct word *table, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].number == number) {
            return table[i].name;
        }
    }
    return NULL;
}

static const char *find_or_unknown(const struct word *table, size_t count, uint32_t number)
{
    const char *name = find(table, count, number);

    return name != NULL ? name : "unknown";
}

const char *srb_status_name(uint8_t status)
{
    static const struct word table[] = {
        {SRB_STATUS_PENDING, "PENDING"},
        {SRB_STATUS_SUCCESS, "SUCCESS"},
        {SRB_STATUS_ABORTED, "ABORTED"},
        {SRB_STATUS_ABORT_FAILED, "ABORT_FAILED"},
        {SRB_STATUS_ERROR, "ERROR"},
        {SRB_STATUS_BUSY, "BUSY"},
        {SRB_STATUS_INVALID_REQUEST, "INVALID_REQUEST"},
        {SRB_STATUS_INVALID_PATH_ID, "INVALID_PATH_ID"},
        {SRB_STATUS_NO_DEVICE, "NO_DEVICE"},
        {SRB_STATUS_TIMEOUT, "TIMEOUT"},
        {SRB_STATUS_SELECTION_TIMEOUT, "SELECTION_TIMEOUT"},
        {SRB_STATUS_COMMAND_TIMEOUT, "COMMAND_TIMEOUT"},
        {SRB_STATUS_BUS_RESET, "BUS_RESET"},
        {SRB_STATUS_NO_HBA, "NO_HBA"},
        {SRB_STATUS_DATA_OVERRUN, "DATA_OVERRUN"},
        {SRB_STATUS_REQUEST_FLUSHED, "REQUEST_FLUSHED"},
        {SRB_STATUS_INVALID_LUN, "INVALID_LUN"},
        {SRB_STATUS_INVALID_TARGET_ID, "INVALID_TARGET_ID"},
        {SRB_STATUS_BAD_FUNCTION, "BAD_FUNCTION"},
        {SRB_STATUS_NOT_POWERED, "NOT_POWERED"},
        {SRB_STATUS_INTERNAL_ERROR, "INTERNAL_ERROR"},
    };

    return find_or_unknown(table, COUNT(table), SRB_STATUS(status));
}

const char *scsi_status_name(uint8_t status)
{
    static const struct word table[] = {
        {0x00, "GOOD"},         {0x02, "CHECK CONDITION"},      {0x04, "CONDITION MET"},
        {0x08, "BUSY"},         {0x18, "RESERVATION CONFLICT"}, {0x28, "TASK SET FULL"},
        {0x40, "TASK ABORTED"},
    };

    return find_or_unknown(table, COUNT(table), status);
}

const char *sense_key_name(uint8_t key)
{
    static const char *const names[] = {
        "NO SENSE",       "RECOVERED ERROR", "NOT READY",      "MEDIUM ERROR",
        "HARDWARE ERROR", "ILLEGAL REQUEST", "UNIT ATTENTION", "DATA PROTECT",
        "BLANK CHECK",    "VENDOR SPECIFIC", "COPY ABORTED",   "ABORTED COMMAND",
        "reserved",       "VOLUME OVERFLOW", "MISCOMPARE",     "COMPLETED",
    };

    return names[key & 0xF];
}

const char *asc_name(uint8_t asc, uint8_t ascq)
{
    static const struct word table[] = {
        {0x0000, "NO ADDITIONAL SENSE INFORMATION"},
        {0x0401, "LOGICAL UNIT IS IN PROCESS OF BECOMING READY"},
        {0x0402, "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED"},
        {0x0C00, "WRITE ERROR"},
        {0x1100, "UNRECOVERED READ ERROR"},
        {0x1A00, "PARAMETER LIST LENGTH ERROR"},
        {0x1D00, "MISCOMPARE DURING VERIFY OPERATION"},
        {0x2000, "INVALID COMMAND OPERATION CODE"},
        {0x2100, "LOGICAL BLOCK ADDRESS OUT OF RANGE"},
        {0x2400, "INVALID FIELD IN CDB"},
        {0x2500, "LOGICAL UNIT NOT SUPPORTED"},
        {0x2600, "INVALID FIELD IN PARAMETER LIST"},
        {0x2700, "WRITE PROTECTED"},
        {0x2707, "SPACE ALLOCATION FAILED WRITE PROTECT"},
        {0x2800, "NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED"},
        {0x2900, "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED"},
        {0x2902, "SCSI BUS RESET OCCURRED"},
        {0x2903, "BUS DEVICE RESET FUNCTION OCCURRED"},
        {0x3002, "CANNOT READ MEDIUM - INCOMPATIBLE FORMAT"},
        {0x3900, "SAVING PARAMETERS NOT SUPPORTED"},
        {0x3A00, "MEDIUM NOT PRESENT"},
        {0x3A01, "MEDIUM NOT PRESENT - TRAY CLOSED"},
        {0x3A02, "MEDIUM NOT PRESENT - TRAY OPEN"},
        {0x3F0E, "REPORTED LUNS DATA HAS CHANGED"},
        {0x4400, "INTERNAL TARGET FAILURE"},
        {0x5302, "MEDIUM REMOVAL PREVENTED"},
        {0x5500, "SYSTEM RESOURCE FAILURE"},
        {0x5503, "INSUFFICIENT RESOURCES"},
        {0x6400, "ILLEGAL MODE FOR THIS TRACK"},
    };
    const char *name = find(table, COUNT(table), (uint32_t)asc << 8 | ascq);

    return name != NULL ? name : find_or_unknown(table, COUNT(table), (uint32_t)asc << 8);
}

const char *command_name(const uint8_t *cdb)
{
    static char unnamed[16];
    static const struct word table[] = {
        {0x00, "TEST UNIT READY"},
        {0x03, "REQUEST SENSE"},
        {0x08, "READ(6)"},
        {0x0A, "WRITE(6)"},
        {0x12, "INQUIRY"},
        {0x15, "MODE SELECT(6)"},
        {0x1A, "MODE SENSE(6)"},
        {0x1B, "START STOP UNIT"},
        {0x1E, "PREVENT ALLOW MEDIUM REMOVAL"},
        {0x25, "READ CAPACITY(10)"},
        {0x28, "READ(10)"},
        {0x2A, "WRITE(10)"},
        {0x2E, "WRITE AND VERIFY(10)"},
        {0x2F, "VERIFY(10)"},
        {0x34, "PRE-FETCH(10)"},
        {0x35, "SYNCHRONIZE CACHE(10)"},
        {0x37, "READ DEFECT DATA(10)"},
        {0x41, "WRITE SAME(10)"},
        {0x42, "UNMAP"},
        {0x43, "READ TOC/PMA/ATIP"},
        {0x46, "GET CONFIGURATION"},
        {0x4A, "GET EVENT STATUS NOTIFICATION"},
        {0x51, "READ DISC INFORMATION"},
        {0x55, "MODE SELECT(10)"},
        {0x5A, "MODE SENSE(10)"},
        {0x5E, "PERSISTENT RESERVE IN"},
        {0x5F, "PERSISTENT RESERVE OUT"},
        {0x88, "READ(16)"},
        {0x89, "COMPARE AND WRITE"},
        {0x8A, "WRITE(16)"},
        {0x8B, "ORWRITE(16)"},
        {0x8E, "WRITE AND VERIFY(16)"},
        {0x8F, "VERIFY(16)"},
        {0x90, "PRE-FETCH(16)"},
        {0x91, "SYNCHRONIZE CACHE(16)"},
        {0x93, "WRITE SAME(16)"},
        {0x9E, "SERVICE ACTION IN(16)"},
        {0xA0, "REPORT LUNS"},
        {0xA3, "MAINTENANCE IN"},
        {0xA4, "REPORT KEY"},
        {0xA8, "READ(12)"},
        {0xAA, "WRITE(12)"},
        {0xAD, "READ DISC STRUCTURE"},
        {0xAE, "WRITE AND VERIFY(12)"},
        {0xAF, "VERIFY(12)"},
        {0xB7, "READ DEFECT DATA(12)"},
        {0xB9, "READ CD MSF"},
        {0xBD, "MECHANISM STATUS"},
        {0xBE, "READ CD"},
    };

    if (cdb[0] == 0x9E && (cdb[1] & 0x1F) == 0x10) {
        return "READ CAPACITY(16)";
    }
    if (find(table, COUNT(table), cdb[0]) == NULL) {
        snprintf(unnamed, sizeof(unnamed), "command %02Xh", cdb[0]);
        return unnamed;
    }
    return find(table, COUNT(table), cdb[0]);
}

const char *device_type_name(uint8_t type)
{
    static const struct word table[] = {
        {0x00, "disk"},           {0x01, "tape"},           {0x05, "CD-ROM or DVD"},
        {0x08, "medium changer"}, {0x0D, "SCSI enclosure"}, {0x1F, "no device"},
    };

    return find_or_unknown(table, COUNT(table), type & 0x1F);
}

bool sense_parse(const uint8_t *data, size_t length, struct sense *sense)
{
    uint8_t format = length != 0 ? data[0] & 0x7F : 0;

    if (format == 0x70 ||
        format == 0x71) { /* Fixed; what was cut off counts as zero (SPC-4 4.5.3). */
        sense->key = length > 2 ? data[2] & 0xF : 0;
        sense->asc = length > 12 ? data[12] : 0;
        sense->ascq = length > 13 ? data[13] : 0;
        return length > 2;
    }
    if (format == 0x72 || format == 0x73) {
        sense->key = length > 1 ? data[1] & 0xF : 0;
        sense->asc = length > 2 ? data[2] : 0;
        sense->ascq = length > 3 ? data[3] : 0;
        return length > 1;
    }
    return false;
}
