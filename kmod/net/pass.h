/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One frame passing through a switch: what was found out about it so far. The
 * steps, in this order: admit, police, source, lookup, and then the frame goes
 * on its way. Private to net/; everything here runs under RCU with bottom
 * halves off.
 */
#ifndef IVM_NET_PASS_H
#define IVM_NET_PASS_H

#include "switch.h"

struct ivm_pass {
	struct ivm_port *in;
	const struct ivm_rules *rules;	/* of the port that it entered by */
	const u8 *head;			/* as in struct ivm_frame, the outer tag taken away */
	u32 head_len, len;
	u16 proto, tci;			/* outermost tag; proto 0: none */
	u16 type;			/* what follows the addresses and that tag */
	u16 vid;
	/* by lookup */
	struct ivm_port *to;		/* NULL: to many */
	const struct ivm_rules *to_rules;
	enum ivm_form form;		/* at @to */
	bool unknown;			/* unicast to a station that nobody knows: to uplinks only */
};

/* What the frame looks like where it is tagged. */
static inline u16 ivm_pass_tci(const struct ivm_pass *pass)
{
	return (pass->proto ? pass->tci & ~VLAN_VID_MASK : 0) | pass->vid;
}

/* May it enter, and into which VLAN? No side effects. Return: 0 or IVM_STAT_DROP_*. */
unsigned int ivm_pass_admit(struct ivm_pass *pass);
/* Does it fit the limits of its port? Uses them up. Return: 0 or IVM_STAT_DROP_*. */
unsigned int ivm_pass_police(struct ivm_pass *pass);
/* Where is its sender? Learns. Return: 0 or IVM_STAT_DROP_MOVED. */
unsigned int ivm_pass_source(struct ivm_pass *pass);
/* Where is it to go? No side effects. Return: 0 or IVM_STAT_DROP_*. */
unsigned int ivm_pass_lookup(struct ivm_pass *pass);
/* The limit of unknown unicast, known after lookup. Uses it up. */
unsigned int ivm_pass_police_unknown(struct ivm_pass *pass);
/* All of these, in the order admit, police, source, lookup, police_unknown. Return: 0 or IVM_STAT_DROP_*. */
unsigned int ivm_pass_decide(struct ivm_pass *pass);
/* Send it where lookup says; takes @skb, which is at its Ethernet header. */
void ivm_pass_send(struct ivm_pass *pass, struct sk_buff *skb);
/* Does somebody look at what passes the switch? */
bool ivm_pass_watched(const struct ivm_pass *pass);

/* Longest frame that a port's device may send now, without the tag beside it. */
static inline u32 ivm_pass_room(const struct ivm_pass *pass, const struct net_device *dev)
{
	return READ_ONCE(dev->mtu) + ETH_HLEN + (ivm_is_tag(pass->type) ? VLAN_HLEN : 0);
}

#endif
