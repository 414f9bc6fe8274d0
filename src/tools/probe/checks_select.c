/*
 * MODE SELECT: what can be changed changes, what cannot is refused, and nothing by half.
 */
#include "tools/probe/families.h"

#define SELECT6(length, list)    PARAMETERS(length, list, 0x15, 0x10, 0, 0, length)
#define SENSE6(page)             IN(255, 0x1A, 0x08, page, 0, 255)
#define CONTROL6(flags2, flags4) BYTES(0, 0, 0, 0, 0x0A, 0x0A, flags2, 0x10, flags4)
#define WRITE_BLOCK              OUT(512, 0x0F, 0x2A, 0, 0, 0, 0, 0, 0, 0, 1)
#define D_SENSE                  0x04
#define SWP                      0x08
#define INVALID_PARAMETER        0x052600
#define DESCRIPTOR_FORMAT        0x72

/** The command fails, and says so in descriptor format. */
static void judge_format(const struct check *check, const struct transcript *transcript,
                         struct verdict *verdict)
{
    const struct answer *answer = last(check, transcript);
    unsigned step = check_steps(check) - 1;
    char text[64];

    if (!must_succeed(transcript, 0, verdict)) {
        return;
    }
    judge_sense(check, transcript, verdict);
    if (!verdict->failed &&
        ((answer->sense[0] & 0x7F) != DESCRIPTOR_FORMAT || answer->sense[7] + 8u > 252 ||
         answer->sense[7] + 8u != answer->sense_length)) {
        found(verdict, "%u bytes of sense data: %s", answer->sense_length,
              bytes_text(answer->sense, 8, text, sizeof(text)));
        mark(verdict, step, AREA_SENSE, 0, 8);
    }
}

#define SELECTS(name, cmd, section, what, reason, function, ...)                                   \
    .id = name, .severity = SEVERITY_ERROR, .writes = true, .command = cmd, .clause = section,     \
    .expect = what, .why = reason, .steps = {__VA_ARGS__}, .judge = function

const struct check checks_select[] = {
    {
        SELECTS("select6-cache-off", "MODE SELECT(6), WCE = 0", "SPC-4 6.11, SBC-3 6.5",
                "MODE SENSE reports the write cache as switched off",
                "disk.sys and sdparm switch it off so, and look whether it is.", judge_value,
                SELECT6(24, BYTES(0, 0, 0, 0, 0x08, 0x12)), SENSE6(0x08)),
        .field = {6, 1, 0x04, 0},
    },
    {
        SELECTS("select6-cache-on", "MODE SELECT(6), WCE = 1", "SPC-4 6.11, SBC-3 6.5",
                "MODE SENSE reports the write cache as switched on again",
                "disk.sys and sdparm switch it on so, and look whether it is.", judge_value,
                SELECT6(24, BYTES(0, 0, 0, 0, 0x08, 0x12)),
                SELECT6(24, BYTES(0, 0, 0, 0, 0x08, 0x12, 0x04)), SENSE6(0x08)),
        .field = {6, 1, 0x04, 0x04},
    },
    {
        SELECTS("select10-control", "MODE SELECT(10), D_SENSE = 1", "SPC-4 6.12, 7.5.8",
                "MODE SENSE reports the bit", "Which form a host uses must not make a difference.",
                judge_value,
                PARAMETERS(20, BYTES(0, 0, 0, 0, 0, 0, 0, 0, 0x0A, 0x0A, D_SENSE, 0x10), 0x55, 0x10,
                           0, 0, 0, 0, 0, 0, 20),
                SENSE6(0x0A)),
        .field = {6, 1, D_SENSE, D_SENSE},
    },
    {
        SELECTS("select-write-protect", "MODE SELECT(6), SWP = 1", "SPC-4 7.5.8",
                "a write is refused", "Forensic tools protect a disk so.", judge_sense,
                SELECT6(16, CONTROL6(0, SWP)), WRITE_BLOCK),
        .code = 0x072700,
    },
    {
        SELECTS("select-write-protect-told", "MODE SELECT(6), SWP = 1", "SPC-4 7.5.8, SBC-3 6.5",
                "MODE SENSE reports WP", "Windows mounts the volume read-only.", judge_value,
                SELECT6(16, CONTROL6(0, SWP)), SENSE6(0x0A)),
        .field = {2, 1, 0x80, 0x80},
    },
    {
        SELECTS("select-write-again", "MODE SELECT(6), SWP = 0", "SPC-4 7.5.8", "it can be written",
                "What was switched on can be switched off.", judge_success,
                SELECT6(16, CONTROL6(0, SWP)), SELECT6(16, CONTROL6(0, 0)), WRITE_BLOCK),
    },
    {
        SELECTS("select-descriptor-sense", "MODE SELECT(6), D_SENSE = 1", "SPC-4 4.5.2, 7.5.8",
                "sense data are in descriptor format, as long as they say",
                "LBAs of more than 32 bits do not fit into the other one.", judge_format,
                SELECT6(16, CONTROL6(D_SENSE, 0)), SEND(0xC0, 0, 0, 0, 0, 0)),
        .code = 0x052000,
    },
    {
        SELECTS("select-unchangeable", "MODE SELECT(6), a bit that cannot be changed", "SPC-4 6.11",
                "it is refused", "A host would believe that it has changed something.", judge_sense,
                SELECT6(24, BYTES(0, 0, 0, 0, 0x08, 0x12, 0x04, 0xFF))),
        .code = INVALID_PARAMETER,
    },
    {
        SELECTS("select-by-half", "MODE SELECT(6), one good page and one bad one", "SPC-4 6.11",
                "nothing is changed: D_SENSE is 0 still",
                "A host that gets an error believes that all is as before.", judge_value,
                PARAMETERS(
                    24, BYTES(0, 0, 0, 0, 0x0A, 0x0A, D_SENSE, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0x3E),
                    0x15, 0x10, 0, 0, 18),
                SENSE6(0x0A)),
        .field = {6, 1, D_SENSE, 0},
    },
    {
        SELECTS("select-page-length", "MODE SELECT(6), a page of another length", "SPC-4 6.11",
                "it is refused", "Nobody knows where the next page begins.", judge_sense,
                SELECT6(16, BYTES(0, 0, 0, 0, 0x0A, 0x08, 0, 0x10))),
        .code = INVALID_PARAMETER,
    },
    {
        SELECTS("select-unknown-page", "MODE SELECT(6), page 3Eh", "SPC-4 6.11", "it is refused",
                "A host would believe that there is one.", judge_sense,
                SELECT6(16, BYTES(0, 0, 0, 0, 0x3E, 0x0A))),
        .code = INVALID_PARAMETER,
    },
    {
        SELECTS("select-cut", "MODE SELECT(6), a list that ends within a page", "SPC-4 6.11",
                "it is refused", "The rest of the page would be somebody else's memory.",
                judge_sense, SELECT6(10, CONTROL6(0, SWP))),
        .code = 0x051A00,
    },
    {
        SELECTS("select-save", "MODE SELECT(6), SP = 1", "SPC-4 6.11",
                "pages that cannot be saved are refused", "After a restart they would be gone.",
                judge_sense, PARAMETERS(16, CONTROL6(0, 0), 0x15, 0x11, 0, 0, 16)),
        .code = 0x052400,
    },
    {
        SELECTS("select-nothing", "MODE SELECT(6), a list of 0 bytes", "SPC-4 6.11",
                "it is no error", "Test programs send it.", judge_success,
                SEND(0x15, 0x10, 0, 0, 0)),
    },
};
const unsigned checks_select_count = sizeof(checks_select) / sizeof(checks_select[0]);
