/* SPDX-License-Identifier: GPL-2.0-only */
/* The doors for users: generic netlink family "ivm" and /dev/ivm. Calls vm/, and dev/ for the console ring. */
#ifndef IVM_CTL_H
#define IVM_CTL_H

int ivm_netlink_init(void);
void ivm_netlink_exit(void);

int ivm_chardev_init(void);
void ivm_chardev_exit(void);

#endif
