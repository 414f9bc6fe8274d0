/**
 * \file
 * What a run does while it waits for its next line: it answers the programs at its control socket.
 * Without --control there is nothing to do, and these functions return at once.
 */
#ifndef NTHOST_LOOP_H
#define NTHOST_LOOP_H

#include "tools/control/server.h"

/** Opens the control socket. \param signals SIGINT and SIGTERM end the run in order. Complains
 * itself. */
bool loop_start(const struct control_server_options *options, bool signals);
/** Answers until there is input at the descriptor. \return false: a signal says that it is over. */
bool loop_until_input(int fd);
/** Answers what waits, and does not wait itself. \return false: a signal says that it is over. */
bool loop_turn(void);
/** Answers until a signal comes. */
void loop_until_signal(void);
/** Closes the socket; before the machine is shut down. */
void loop_stop(void);

#endif
