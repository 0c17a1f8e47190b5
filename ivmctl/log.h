/* SPDX-License-Identifier: GPL-2.0-only */
/* P12: every command that changes something leaves one line in the system's log: who, what, when, outcome. */
#ifndef IVM_LOG_H
#define IVM_LOG_H

/* The command line as one text, quoted where a word needs it; for free(). Take it before parsing changes argv. */
char *ivm_log_command(int argc, char **argv);

/* Log @command with its outcome: @failure NULL for done. */
void ivm_log_outcome(const char *command, const char *failure);

#endif
