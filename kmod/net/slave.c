// SPDX-License-Identifier: GPL-2.0-only
/* The configuration of a port by rtnetlink: IFLA_INFO_SLAVE_DATA holds IVM_PORT_A_*. */
#include "switch.h"
#include "vswitch.h"

#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/netlink.h>

/* As it is now: a mirror that has left is none any more. */
static void config_now(const struct ivm_port *port, struct ivm_port_config *config)
{
	struct ivm_port *mirror = rtnl_dereference(port->mirror);

	*config = rtnl_dereference(port->rules)->config;
	config->mirror = mirror ? mirror->dev->ifindex : 0;
}

int ivm_slave_changelink(struct net_device *dev, struct net_device *slave, struct nlattr *tb[],
			 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct ivm_port *port = ivm_port_get_rtnl(slave);
	struct ivm_port_config *config;
	int err;

	if (!port || !data)
		return -EINVAL;
	config = kmalloc(sizeof(*config), GFP_KERNEL);
	if (!config)
		return -ENOMEM;
	config_now(port, config);
	err = ivm_port_config_parse(config, data, port->nic, extack);
	if (!err)
		err = ivm_port_apply(port, config, extack);
	kfree(config);
	return err;
}

size_t ivm_slave_size(const struct net_device *dev, const struct net_device *slave)
{
	return 5 * nla_total_size(sizeof(u8)) + 2 * nla_total_size(sizeof(u16)) + 6 * nla_total_size(sizeof(u32)) +
	       2 * nla_total_size_64bit(sizeof(u64)) +
	       nla_total_size(IVM_PORT_RANGES_MAX * sizeof(struct ivm_vlan_range)) +
	       nla_total_size(IVM_PORT_MACS_MAX * ETH_ALEN) +
	       nla_total_size(IVM_PORT_IPS_MAX * sizeof(struct ivm_ip_prefix)) +
	       nla_total_size_64bit(IVM_PORT_STATS * sizeof(u64));
}

static bool fill_lists(struct sk_buff *skb, const struct ivm_port_config *config)
{
	return nla_put(skb, IVM_PORT_A_TRUNK, config->nr_ranges * sizeof(config->range[0]), config->range) ||
	       nla_put(skb, IVM_PORT_A_MACS, config->nr_macs * ETH_ALEN, config->mac) ||
	       nla_put(skb, IVM_PORT_A_IPS, config->nr_ips * sizeof(config->ip[0]), config->ip);
}

static bool fill_limits(struct sk_buff *skb, const struct ivm_port_config *config)
{
	return nla_put_u32(skb, IVM_PORT_A_STORM_BROADCAST, config->storm[0]) ||
	       nla_put_u32(skb, IVM_PORT_A_STORM_MULTICAST, config->storm[1]) ||
	       nla_put_u32(skb, IVM_PORT_A_STORM_UNKNOWN, config->storm[2]) ||
	       nla_put_u64_64bit(skb, IVM_PORT_A_RATE_IN, config->rate_in, IVM_PORT_A_PAD) ||
	       nla_put_u64_64bit(skb, IVM_PORT_A_RATE_OUT, config->rate_out, IVM_PORT_A_PAD);
}

int ivm_slave_fill(struct sk_buff *skb, const struct net_device *dev, const struct net_device *slave)
{
	struct ivm_port *port = ivm_port_get_rtnl(slave);
	const struct ivm_port_config *config;
	struct ivm_port *mirror;
	u64 stats[IVM_PORT_STATS];

	if (!port)
		return -EINVAL;
	config = &rtnl_dereference(port->rules)->config;
	mirror = rtnl_dereference(port->mirror);
	ivm_port_sum(port, stats);
	if (nla_put_u8(skb, IVM_PORT_A_MODE, config->mode) ||
	    (config->access && nla_put_u16(skb, IVM_PORT_A_ACCESS, config->access)) ||
	    nla_put_u16(skb, IVM_PORT_A_NATIVE, config->native) ||
	    nla_put_u8(skb, IVM_PORT_A_ROLE, config->role) ||
	    nla_put_u8(skb, IVM_PORT_A_ISOLATED, config->isolated) ||
	    nla_put_u8(skb, IVM_PORT_A_GUARD, config->guard) ||
	    fill_lists(skb, config) ||
	    nla_put_u32(skb, IVM_PORT_A_SERVES, config->serves) ||
	    nla_put_u32(skb, IVM_PORT_A_LEARN, config->learn) ||
	    nla_put_u32(skb, IVM_PORT_A_MIRROR, mirror ? mirror->dev->ifindex : 0) ||
	    fill_limits(skb, config) ||
	    nla_put_64bit(skb, IVM_PORT_A_STATS, sizeof(stats), stats, IVM_PORT_A_PAD))
		return -EMSGSIZE;
	return 0;
}
