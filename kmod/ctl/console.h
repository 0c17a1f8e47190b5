/* SPDX-License-Identifier: GPL-2.0-only */
/* A console as a file descriptor. */
#ifndef IVM_CTL_CONSOLE_H
#define IVM_CTL_CONSOLE_H

#include <linux/types.h>

struct ivm_console;

/**
 * ivm_console_fd() - a descriptor of a console, in the current process
 * @con:   whose reference is taken over, on errors too
 * @flags: IVM_CONSOLE_*, checked
 *
 * Return: the descriptor or a negative errno. May sleep.
 */
int ivm_console_fd(struct ivm_console *con, u32 flags);

#endif
