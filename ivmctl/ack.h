/* SPDX-License-Identifier: GPL-2.0-only */
/* Extended acknowledgements: what the kernel says about a request that it refuses. */
#ifndef IVM_ACK_H
#define IVM_ACK_H

#include <linux/netlink.h>
#include <stdint.h>

struct nlattr;

/* Ask for them on the socket @fd. Return: 0, or negative errno with a sentence. */
int ivm_ack_enable(int fd);

/* The attributes behind an error message; none when there are none. */
void ivm_ack_parse(struct nlmsgerr *msg, struct nlattr *tb[NLMSGERR_ATTR_MAX + 1]);

/* Likewise of the message that ends a dump. *err: its errno as a negative number, or 0. */
void ivm_ack_parse_done(const struct nlmsghdr *header, int *err, struct nlattr *tb[NLMSGERR_ATTR_MAX + 1]);

/* The sentence, or NULL. */
const char *ivm_ack_text(struct nlattr *tb[NLMSGERR_ATTR_MAX + 1]);

/*
 * The attribute of @request that is at fault, nested ones included; NULL when
 * that is not told, or lies outside. @head: bytes of the family's header.
 */
const struct nlattr *ivm_ack_attr(struct nlattr *tb[NLMSGERR_ATTR_MAX + 1], const struct nlmsghdr *request,
				  uint32_t head);

/* The bounds of a policy that refused a number, as " (allowed: 1 to 64)"; empty when it tells none; for free(). */
char *ivm_ack_policy(struct nlattr *tb[NLMSGERR_ATTR_MAX + 1]);

#endif
