/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A switch and its ports, as the files of this folder see them.
 *
 * Locks, outermost first: RTNL (which switches and ports there are, their
 * configuration), fdb_lock of a switch, wait_lock (nic_wait.c). Frames take none of
 * them: they run under RCU with bottom halves off.
 *
 * A port goes in two steps: nobody can find it any more (rx_handler, lists,
 * address table, its card), then a grace period, then it is freed.
 */
#ifndef IVM_NET_SWITCH_H
#define IVM_NET_SWITCH_H

#include "storm.h"
#include "vlan.h"

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#define IVM_PORTS_MAX		1024
#define IVM_AGEING_MIN		10
#define IVM_AGEING_MAX		1000000
#define IVM_AGEING_DEFAULT	300

struct ivm_nic;
struct ivm_port;

/*
 * (r) changed under RTNL, read under RCU  (l) protected by fdb_lock
 */
struct ivm_switch {
	struct net_device *dev;		/* constant; this is its private part */
	struct list_head ports;		/* (r) all, by link */
	struct list_head uplinks;	/* (r) those of role uplink, by uplink_link */
	unsigned int nr_ports;		/* RTNL */
	struct rhashtable fdb;		/* (l), read under RCU */
	spinlock_t fdb_lock;
	u32 ageing;			/* seconds; written under RTNL, read once */
	struct delayed_work age_work;
	atomic_long_t xmit_dropped;	/* what the host tried to send by the switch itself */
	u64 gone[IVM_PORT_STATS];	/* RTNL: counters of ports that left */
};

/* What decides about frames of a port: made anew for each change, never changed. */
struct ivm_rules {
	bool uplink, isolated, guard, learns, limits;
	struct ivm_vlans vlans;
	struct ivm_port_config config;
	struct rcu_head rcu;
};

struct ivm_port_stats {
	u64 count[IVM_PORT_STATS];
};

enum ivm_limit_kind {
	IVM_LIMIT_BROADCAST,
	IVM_LIMIT_MULTICAST,
	IVM_LIMIT_UNKNOWN,
	IVM_LIMIT_IN,
	IVM_LIMIT_OUT,
	IVM_LIMITS,
};

/* (r) and (l) as above */
struct ivm_port {
	struct ivm_switch *sw;		/* constant */
	struct net_device *dev;		/* constant */
	struct ivm_nic *nic;		/* constant; NULL unless it is a VM's card */
	struct ivm_port_stats __percpu *stats;
	struct ivm_rules __rcu *rules;	/* (r) */
	struct ivm_port __rcu *mirror;	/* (r) gets a copy of each frame */
	unsigned int mirrors;		/* RTNL, read once: ports whose mirror this is */
	struct list_head link, uplink_link;	/* (r) */
	struct list_head entries;	/* (l), read under RCU: its addresses */
	unsigned int nr_learnt;		/* (l), read once */
	bool gone;			/* (l) learns no more */
	struct ivm_limit limit[IVM_LIMITS];
	struct rcu_head rcu;
};

/* ---- port.c ---- */

bool ivm_is_switch(const struct net_device *dev);
/* The port that @dev is, or NULL. RTNL, or RCU. */
struct ivm_port *ivm_port_get_rtnl(const struct net_device *dev);

/**
 * ivm_port_attach() - make a device a port
 * @config: as accepted by ivm_port_config_parse()
 * @nic:    of a VM's card, else NULL
 *
 * All or nothing. Return: the port or ERR_PTR with @extack filled. RTNL.
 */
struct ivm_port *ivm_port_attach(struct ivm_switch *sw, struct net_device *dev, const struct ivm_port_config *config,
				 struct ivm_nic *nic, struct netlink_ext_ack *extack);
/* Waits for a grace period; the port is freed after it. RTNL. */
void ivm_port_detach(struct ivm_port *port);
/* All or nothing. RTNL. */
int ivm_port_apply(struct ivm_port *port, const struct ivm_port_config *config, struct netlink_ext_ack *extack);
/* Sums over CPUs. RTNL or RCU. */
void ivm_port_sum(const struct ivm_port *port, u64 sum[IVM_PORT_STATS]);
u64 ivm_port_sum_one(const struct ivm_port *port, enum ivm_port_stat stat);

/* ---- forward.c ---- */

rx_handler_result_t ivm_port_receive(struct sk_buff **pskb);
/* The counter for what dev_queue_xmit() returned for a frame to @dev. RCU. */
unsigned int ivm_xmit_stat(const struct net_device *dev, int rc);

/* ---- counters: bottom halves off ---- */

static inline void ivm_count(struct ivm_port *port, enum ivm_port_stat stat, u64 n)
{
	this_cpu_add(port->stats->count[stat], n);
}

/* A frame is lost, for a reason: counted, and traced. */
void ivm_drop(struct ivm_port *port, u16 vid, enum ivm_port_stat reason);

#endif
