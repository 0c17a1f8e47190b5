/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pipe to rtnetlink, by which switches and ports are made and changed.
 * Refusals come back as negative errno with the kernel's own sentence.
 */
#ifndef IVM_RTNL_H
#define IVM_RTNL_H

#include <linux/netlink.h>
#include <stdint.h>

struct ivm_rtnl;
struct nl_msg;

/* Connect, in the network namespace that the calling thread is in now. Return: 0 or negative errno. */
int ivm_rtnl_open(struct ivm_rtnl **rtnl);
void ivm_rtnl_close(struct ivm_rtnl *rtnl);	/* accepts NULL */

/* A request about a device: RTM_*, NLM_F_* beyond the usual; index 0: none yet. NULL: recorded. */
struct nl_msg *ivm_rtnl_request(int type, int flags, int index);

/**
 * ivm_rtnl_call() - send a request and wait for the kernel's verdict
 * @request:	consumed; NULL is a failure that was recorded where it was made
 * @each:	called for each message of the answer; may be NULL
 *
 * With NLM_F_DUMP in @request's flags all devices are told. A list that changed
 * meanwhile gives -EAGAIN, without a sentence. Return: 0 or negative errno.
 */
int ivm_rtnl_call(struct ivm_rtnl *rtnl, struct nl_msg *request,
		  void (*each)(const struct nlmsghdr *message, void *context), void *context);

#endif
