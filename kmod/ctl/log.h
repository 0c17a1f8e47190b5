/* SPDX-License-Identifier: GPL-2.0-only */
/* Who did what, when, and how it ended (P12). */
#ifndef IVM_CTL_LOG_H
#define IVM_CTL_LOG_H

/**
 * ivm_log_act() - log an administrative act of the current task
 * @act:    what was asked, one word
 * @target: the VM, or what is set; as it came from outside, or NULL
 * @err:    outcome: 0 or a negative errno
 *
 * Context: the task that asked. May sleep.
 */
void ivm_log_act(const char *act, const char *target, int err);

#endif
