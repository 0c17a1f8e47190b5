/* SPDX-License-Identifier: GPL-2.0-only */
/* The switch as a net_device, and what rtnetlink says and hears of it. Private to net/. */
#ifndef IVM_NET_VSWITCH_H
#define IVM_NET_VSWITCH_H

#include "switch.h"

#include <linux/ethtool.h>

/* ---- vswitch.c ---- */

extern struct rtnl_link_ops ivm_switch_link_ops;
/* The host's IPv6 gives the device no address by itself. RTNL. */
void ivm_no_addresses(struct net_device *dev);

/* ---- bridge.c: answers to the bridge command ---- */

int ivm_bridge_fdb_add(struct ndmsg *ndm, struct nlattr *tb[], struct net_device *dev, const unsigned char *addr,
		       u16 vid, u16 flags, struct netlink_ext_ack *extack);
int ivm_bridge_fdb_del(struct ndmsg *ndm, struct nlattr *tb[], struct net_device *dev, const unsigned char *addr,
		       u16 vid, struct netlink_ext_ack *extack);
int ivm_bridge_fdb_del_bulk(struct ndmsg *ndm, struct nlattr *tb[], struct net_device *dev, u16 vid,
			    struct netlink_ext_ack *extack);
int ivm_bridge_fdb_dump(struct sk_buff *skb, struct netlink_callback *cb, struct net_device *dev,
			struct net_device *filter_dev, int *idx);
int ivm_bridge_getlink(struct sk_buff *skb, u32 pid, u32 seq, struct net_device *dev, u32 filter_mask, int nlflags);
int ivm_bridge_setlink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags, struct netlink_ext_ack *extack);
int ivm_bridge_dellink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags);

/* ---- slave.c: IFLA_INFO_SLAVE_DATA ---- */

int ivm_slave_changelink(struct net_device *dev, struct net_device *slave, struct nlattr *tb[],
			 struct nlattr *data[], struct netlink_ext_ack *extack);
size_t ivm_slave_size(const struct net_device *dev, const struct net_device *slave);
int ivm_slave_fill(struct sk_buff *skb, const struct net_device *dev, const struct net_device *slave);

/* ---- ethtool.c ---- */

void ivm_ethtool_strings(struct net_device *dev, u32 set, u8 *data);
int ivm_ethtool_count(struct net_device *dev, int set);
/* Sums of @stats in the order of the strings. */
void ivm_ethtool_values(const u64 stats[IVM_PORT_STATS], u64 *data);
extern const struct ethtool_ops ivm_switch_ethtool_ops;

/* All counters of the switch: of ports that are and of those that were. RTNL or RCU. */
void ivm_switch_sum(struct ivm_switch *sw, u64 sum[IVM_PORT_STATS]);

#endif
