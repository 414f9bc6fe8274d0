/**
 * \file
 * The prompt: libedit with history and completion of command names and files.
 */
#ifndef NTHOST_PROMPT_H
#define NTHOST_PROMPT_H

#include "tools/nthost/commands.h"

/** Reads and runs commands until `quit` or the end of input. An error does not end it. \param serve
 * there is a control socket to be served between two keys. */
void prompt_run(struct session *session, bool serve);

#endif
