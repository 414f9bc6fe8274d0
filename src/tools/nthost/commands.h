/**
 * \file
 * The commands of the prompt and of scripts: one table in groups, one function each.
 */
#ifndef NTHOST_COMMANDS_H
#define NTHOST_COMMANDS_H

#include "host.h"
#include "tools/nthost/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What lasts from one command to the next. */
struct session {
    bool quit;
    bool stopped;        /**< Between `stop` and `restart`: requests would wait for ever. */
    bool verbose;        /**< Print what each command left in the trace. */
    uint64_t last_event; /**< Sequence number of the last driver event shown. */
};

/** Does a command send something to the adapter? Then it is refused while that is stopped. */
enum command_need { NEEDS_NOTHING, NEEDS_ADAPTER };

struct command {
    const char *name;
    const char *arguments; /**< As help shows them. "one A | two B": the first must be a verb, `one`
                                or `two`. */
    const char *help;      /**< One line. */
    const char *chapter;   /**< Chapter that explains what it shows; "" = none. */
    int fewest, most;      /**< Arguments; most < 0: any number. */
    enum command_need need;
    bool (*run)(struct session *session, int argc,
                char **argv); /**< argv[0] is the name. false: it complained. */
};

struct command_group {
    const char *title;
    const struct command *commands; /**< Ends with a NULL name. */
};

extern const struct command commands_bus[];
extern const struct command commands_scsi[];
extern const struct command commands_blocks[];
extern const struct command commands_install[];
extern const struct command commands_reg[];
extern const struct command commands_adapter[];
extern const struct command commands_look[];

/** Runs one line. \return false after a complaint. An empty line and a comment (#) succeed. A
 * line that begins with "!" succeeds when the rest of it fails. */
bool command_line(struct session *session, const char *line);
/** Runs a command that is split into words already; they may be changed. \return false after a
 * complaint. */
bool command_words(struct session *session, int argc, char **argv);
/** Are the words a command, with as many arguments as it takes, and a verb that it knows? Complains
 * itself. */
bool command_fits(int argc, char **argv);
/** The n-th command's name, NULL past the end: for completion. */
const char *command_name_at(size_t index);
/** Lists all commands, or explains one. */
bool command_help(const char *name);

/** Takes "--name" out of the arguments. \return true when it was there. */
bool argument_flag(int *argc, char **argv, const char *name);
/** Takes "--name VALUE" out of the arguments. \return VALUE, or NULL. */
const char *argument_value(int *argc, char **argv, const char *name);
/** Complains about what still begins with "--". */
bool arguments_known(int argc, char **argv);

#endif
