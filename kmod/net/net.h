/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual switch: a net_device family. Knows nothing of VMs; what a
 * virtual network card must do comes in struct ivm_nic_ops.
 *
 * Ways of a frame. From a device that is a port: its rx_handler. From a card:
 * ivm_nic_send(). To a device or a card: dev_queue_xmit() on its net_device,
 * so that taps, tc and queueing disciplines see what they expect; from card to
 * card without anybody watching: straight from ring to ring.
 */
#ifndef IVM_NET_H
#define IVM_NET_H

#include "frame.h"

#include <linux/etherdevice.h>
#include <linux/ivm.h>
#include <net/netlink.h>

struct ivm_nic;
struct ivm_why;
struct net;
struct netlink_ext_ack;
struct nlattr;

int ivm_net_init(void);		/* rtnl kinds and notifier; may sleep */
void ivm_net_exit(void);	/* no card is left; switches go with their ports detached */

/* ---- configuration of a port ---- */

/* Plain values; what a request did not name keeps its default. See enum ivm_port_attr. */
struct ivm_port_config {
	u8 mode, role;
	bool isolated, guard;
	u16 access, native;
	unsigned int nr_ranges, nr_macs, nr_ips;
	struct ivm_vlan_range range[IVM_PORT_RANGES_MAX];
	u8 mac[IVM_PORT_MACS_MAX][ETH_ALEN];
	struct ivm_ip_prefix ip[IVM_PORT_IPS_MAX];
	u32 serves, learn, mirror;
	u32 storm[3];			/* broadcast, multicast, unknown */
	u64 rate_in, rate_out;
};

/* Defaults of a device that is enslaved, or of a VM's card with this address. */
void ivm_port_config_default(struct ivm_port_config *config, const u8 *card_mac);

/**
 * ivm_port_config_parse() - change what IVM_PORT_A_* attributes name
 * @config:	changed only on success
 * @tb:		attributes by number, checked against ivm_port_policy
 * @card:	of a VM's card: no uplink
 * @extack:	on refusal: sentence and attribute
 *
 * All that can be seen from the values alone is checked here: ranges, order,
 * native in trunk, unicast MACs, prefixes.
 *
 * Return: 0, -EINVAL or -ENOMEM. May sleep.
 */
int ivm_port_config_parse(struct ivm_port_config *config, struct nlattr **tb, bool card,
			  struct netlink_ext_ack *extack);
extern const struct nla_policy ivm_port_policy[IVM_PORT_A_MAX + 1];

/* ---- a virtual network card: for dev/ ---- */

#define IVM_NIC_AGAIN	1

/* What the card's driver in the guest can take. */
struct ivm_nic_features {
	bool csum, tso4, tso6, ecn, uso;
};

struct ivm_nic_ops {
	/*
	 * Put a frame into the guest's receive ring @queue (0 ... queues - 1;
	 * the callee may choose another). @vid is only of interest for the
	 * guest's receive filter: frame->tag_proto says whether the guest sees
	 * a tag, which is then to be written into the frame.
	 * Return: 0; -EAGAIN no room: ivm_nic_room() will be called when there
	 * is; -ENETDOWN no driver; -EMSGSIZE too long for it; -EPERM its filter
	 * does not want it. Bottom halves off, RCU read side; may run on
	 * several CPUs at once.
	 */
	int (*deliver)(void *ctx, const struct ivm_frame *frame, unsigned int queue);
	/* A sender that got IVM_NIC_AGAIN on @queue may try again. Any context but hard interrupts; locks of net/ may be held. */
	void (*resume)(void *ctx, unsigned int queue);
	/* Link as the guest should see it changed; it is up at first. Process or softirq context; locks of net/ may be held. */
	void (*link)(void *ctx, bool up);
};

/**
 * struct ivm_nic_params - what a card is made of
 * @net:	network namespace, referenced by the caller during the card's life
 * @switch_name: switch that it is plugged into, found in @net
 * @ifname:	name or template ("ivm3n%d") of the net_device
 * @mac:	address of the card, fixed
 * @queues:	pairs of queues
 * @mtu:	of net_device and card
 * @port:	how the port begins
 */
struct ivm_nic_params {
	struct net *net;
	char switch_name[IFNAMSIZ];
	char ifname[IFNAMSIZ];
	u8 mac[ETH_ALEN];
	u16 queues, mtu;
	const struct ivm_port_config *port;
};

/**
 * ivm_nic_create() - a net_device for a card, plugged into its switch, carrier off
 * @params:	copied, but for @params->net
 * @ops:	constant storage; called from now on
 * @ctx:	handed to @ops
 * @why:	on refusal: a sentence, and IVM_A_NIC_SWITCH, _MAC or _PORT
 *
 * All or nothing. Refused: no such device, no switch, address taken in one of
 * its VLANs, name taken. The net_device is brought up; its addresses cannot be
 * changed by rtnetlink, nor can it be deleted by it.
 *
 * Return: the card or ERR_PTR with @why filled. Takes rtnl; may sleep.
 */
struct ivm_nic *ivm_nic_create(const struct ivm_nic_params *params, const struct ivm_nic_ops *ops, void *ctx,
			       struct ivm_why *why);

/* No call of ops is under way or will come when it returns. Accepts NULL. Takes rtnl; may sleep. */
void ivm_nic_destroy(struct ivm_nic *nic);

/* Name and index of its net_device now ("" and 0 when somebody's namespace took it away). May sleep. */
void ivm_nic_name(struct ivm_nic *nic, char name[IFNAMSIZ], u32 *ifindex);

/* The driver came (features as negotiated) or went: carrier follows. Any context but hard interrupts. */
void ivm_nic_driver(struct ivm_nic *nic, bool up, const struct ivm_nic_features *features);

/**
 * ivm_nic_send() - a frame from the guest
 * @nic:	card
 * @queue:	that it came from, 0 ... queues - 1
 * @frame:	without skb; checked: len >= 14, gso and csum fields as struct ivm_frame says
 *
 * Return: 0: sent, or dropped and counted: the buffer may go back to the guest;
 * IVM_NIC_AGAIN: where it is to go there is no room now, or the port's rate is
 * used up: keep it, ops->resume() says when to try again. Nobody waits longer
 * than some 20 ms for a guest that does not read.
 * Context: task or softirq, bottom halves off, interrupts on.
 */
int ivm_nic_send(struct ivm_nic *nic, unsigned int queue, struct ivm_frame *frame);

/* There is room in a receive ring again. Any context but hard interrupts. */
void ivm_nic_room(struct ivm_nic *nic);

#endif
