/* SPDX-License-Identifier: GPL-2.0-only */
/* The network card of a VM, as the files of this folder see it. See net.h for what others see. */
#ifndef IVM_NET_NIC_H
#define IVM_NET_NIC_H

#include "net.h"

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define IVM_NIC_BACKLOG		1024	/* frames that wait for room in the guest's ring */
#define IVM_NIC_PATIENCE_MS	20	/* how long anybody waits for a guest that does not read */
#define IVM_NIC_LINEAR_MAX	1024	/* bytes of headers in an skb made from a guest's frame */

#define IVM_NIC_CAN_CSUM	1
#define IVM_NIC_CAN_TSO4	2
#define IVM_NIC_CAN_TSO6	4
#define IVM_NIC_CAN_ECN		8
#define IVM_NIC_CAN_USO		16

struct ivm_port;
struct rtnl_link_ops;

/* A queue of a card that cannot send: where it waits. All by wait_lock. */
struct ivm_nic_waiter {
	struct list_head link;		/* of the waiters of whom it waits for; empty when it does not wait */
	struct ivm_nic *sender;		/* constant: whose queue it is */
};

/* (r) changed under RTNL, read under RCU  (w) by wait_lock, see nic_wait.c */
struct ivm_nic {
	struct net_device __rcu *dev;	/* (r) NULL once its namespace took it away */
	struct ivm_port __rcu *port;	/* (r) NULL while it is in no switch */
	const struct ivm_nic_ops *ops;	/* constant */
	void *ctx;			/* constant */
	unsigned int queues;		/* constant */
	bool up;			/* there is a driver; read once */
	u8 can;				/* IVM_NIC_CAN_*: what it takes; read once */
	bool link;			/* RTNL: what the guest was told */

	/* to the guest */
	struct sk_buff_head backlog;	/* by its own lock */
	spinlock_t drain_lock;		/* who empties the backlog; keeps frames in order */
	struct list_head waiters;	/* (w) struct ivm_nic_waiter of senders */
	bool stalled;			/* (w) the ring was full; read once */
	bool deaf;			/* (w) and was so for too long; read once */
	u64 credit_ns;			/* (w) patience that is left */
	u64 credit_frames, credit_bytes;	/* (w) what the port had sent when it was reckoned */
	u64 stalled_ns;			/* (w) when it began */
	struct timer_list stall_timer;

	/* from the guest */
	unsigned long rate_queues;	/* bits, atomic: queues that wait for the port's rate */
	struct timer_list rate_timer;
	struct ivm_nic_waiter waiter[];	/* by queue */
};

/* ---- nic.c ---- */

extern struct rtnl_link_ops ivm_nic_link_ops;
/* The card of a device of our kind, else NULL. */
struct ivm_nic *ivm_nic_of(const struct net_device *dev);
/* Its port left the switch. RTNL; a grace period follows before the port is freed. */
void ivm_nic_unplugged(struct ivm_nic *nic);
/* Its device is being unregistered. RTNL; a grace period follows before it is freed. */
void ivm_nic_lost(struct ivm_nic *nic);
/* It is in a switch now, or its device went up or down: tell the guest. RTNL. */
void ivm_nic_link(struct ivm_nic *nic);

/* ---- nic_out.c: to the guest; bottom halves off, RCU ---- */

netdev_tx_t ivm_nic_start_xmit(struct sk_buff *skb, struct net_device *dev);
netdev_features_t ivm_nic_features_check(struct sk_buff *skb, struct net_device *dev, netdev_features_t features);
/*
 * Send by way of the net_device. Return: the counter that says what became of
 * the frame, or IVM_PORT_STATS when it waits and is counted later.
 */
unsigned int ivm_nic_queue_xmit(struct ivm_nic *nic, struct sk_buff *skb);
/* Can the guest take this frame as it is? */
bool ivm_nic_takes(const struct ivm_nic *nic, const struct ivm_frame *frame);
/* The counter for what deliver() returned; -EAGAIN is none of these. */
unsigned int ivm_nic_stat(int err);
/* Deliver what waits, at most @budget frames. Return: whether nothing waits any more. */
bool ivm_nic_drain(struct ivm_nic *nic, unsigned int budget);
static inline bool ivm_nic_has_backlog(struct ivm_nic *nic)
{
	return !skb_queue_empty_lockless(&nic->backlog);
}

/* Drop what waits, for @reason. Any context but hard interrupts. */
void ivm_nic_purge(struct ivm_nic *nic, unsigned int reason);

/* ---- nic_skb.c ---- */

/* An skb of the frame's bytes, head first, at its Ethernet header; NULL without memory. Bottom halves off. */
struct sk_buff *ivm_nic_build_skb(const struct ivm_frame *frame, struct net_device *dev);
/* The frame that an skb is; it has the same life. False when it cannot be shown so. */
bool ivm_nic_frame_of(struct ivm_frame *frame, struct sk_buff *skb);
/* Do the offload fields fit what the head says? */
bool ivm_nic_offloads_sane(const struct ivm_frame *frame);

/* ---- nic_wait.c ---- */

void ivm_nic_wait_init(struct ivm_nic *nic);
/* Nobody waits for this card, nor does it wait for others, when it returns. May sleep. */
void ivm_nic_wait_exit(struct ivm_nic *nic);
/*
 * @nic's ring is full. Its timer runs, unless it was full for too long already.
 * Return: whether it is worth waiting.
 */
bool ivm_nic_stall(struct ivm_nic *nic);
/* The same, and @queue of @sender shall be resumed when there is room. */
bool ivm_nic_wait(struct ivm_nic *nic, struct ivm_nic *sender, unsigned int queue);
/* It need not be resumed after all. */
void ivm_nic_wait_cancel(struct ivm_nic *sender, unsigned int queue);
/* Resume all that wait for @nic; it is not full any more, or not worth waiting for. */
void ivm_nic_wake(struct ivm_nic *nic);
/* @queue of @nic is to be resumed in @ns. */
void ivm_nic_wait_rate(struct ivm_nic *nic, unsigned int queue, u64 ns);

#endif
