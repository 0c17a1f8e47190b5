/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences with numbers and names in netlink's extended acknowledgements. */
#ifndef IVM_CTL_EXTACK_H
#define IVM_CTL_EXTACK_H

struct netlink_ext_ack;

/**
 * ivm_extack_text() - let the acknowledgement carry a text made at run time
 * @extack: of the request that the current task is in
 * @text:   copied
 *
 * Context: the task whose request is refused, in its handler. May sleep.
 */
void ivm_extack_text(struct netlink_ext_ack *extack, const char *text);

/* Frees what is kept. The family is unregistered: no request is under way. May sleep. */
void ivm_extack_exit(void);

#endif
