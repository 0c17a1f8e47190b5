// SPDX-License-Identifier: GPL-2.0-only
/* The switch as a net_device: how it comes and goes, and who joins it. */
#include "switch.h"
#include "fdb.h"
#include "nic.h"
#include "vswitch.h"

#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/rtnetlink.h>

bool ivm_is_switch(const struct net_device *dev)
{
	return dev->rtnl_link_ops == &ivm_switch_link_ops;
}

void ivm_no_addresses(struct net_device *dev)
{
	struct inet6_dev *in6 = __in6_dev_get(dev);

	if (in6)
		WRITE_ONCE(in6->cnf.disable_ipv6, 1);
}

/* ---- counters ---- */

void ivm_switch_sum(struct ivm_switch *sw, u64 sum[IVM_PORT_STATS])
{
	struct ivm_port *port;
	unsigned int i;

	for (i = 0; i < IVM_PORT_STATS; i++)
		sum[i] = READ_ONCE(sw->gone[i]);
	rcu_read_lock();
	list_for_each_entry_rcu(port, &sw->ports, link)
		for (i = 0; i < IVM_PORT_STATS; i++)
			sum[i] += ivm_port_sum_one(port, i);
	rcu_read_unlock();
}

static void switch_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct ivm_switch *sw = netdev_priv(dev);
	u64 sum[IVM_PORT_STATS];
	unsigned int i;

	ivm_switch_sum(sw, sum);
	stats->rx_packets = sum[IVM_STAT_RX];
	stats->rx_bytes = sum[IVM_STAT_RX_BYTES];
	stats->tx_packets = sum[IVM_STAT_TX];
	stats->tx_bytes = sum[IVM_STAT_TX_BYTES];
	for (i = IVM_STAT_DROP_FIRST; i < IVM_STAT_DROP_TX_RATE; i++)
		stats->rx_dropped += sum[i];
	stats->tx_dropped = atomic_long_read(&sw->xmit_dropped);
	for (; i < IVM_PORT_STATS; i++)
		stats->tx_dropped += sum[i];
}

/* ---- the device ---- */

/* The host is no station of the switch; a port of its own makes it one. */
static netdev_tx_t switch_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct ivm_switch *sw = netdev_priv(dev);

	atomic_long_inc(&sw->xmit_dropped);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static int switch_init(struct net_device *dev)
{
	struct ivm_switch *sw = netdev_priv(dev);

	sw->dev = dev;
	sw->ageing = IVM_AGEING_DEFAULT;
	INIT_LIST_HEAD(&sw->ports);
	INIT_LIST_HEAD(&sw->uplinks);
	return ivm_fdb_init(sw);
}

/* The last thing that the core calls, however the switch goes. */
static void switch_uninit(struct net_device *dev)
{
	struct ivm_switch *sw = netdev_priv(dev);
	struct ivm_port *port, *next;

	list_for_each_entry_safe(port, next, &sw->ports, link)
		ivm_port_detach(port);
	ivm_fdb_exit(sw);
}

static int switch_add_slave(struct net_device *dev, struct net_device *slave, struct netlink_ext_ack *extack)
{
	struct ivm_nic *nic = ivm_nic_of(slave);
	struct ivm_port_config *config;
	struct ivm_port *port;

	config = kmalloc(sizeof(*config), GFP_KERNEL);
	if (!config)
		return -ENOMEM;
	ivm_port_config_default(config, nic ? slave->dev_addr : NULL);
	port = ivm_port_attach(netdev_priv(dev), slave, config, nic, extack);
	kfree(config);
	if (IS_ERR(port))
		return PTR_ERR(port);
	if (nic) {
		rcu_assign_pointer(nic->port, port);
		ivm_nic_link(nic);
	}
	return 0;
}

static int switch_del_slave(struct net_device *dev, struct net_device *slave)
{
	struct ivm_port *port = ivm_port_get_rtnl(slave);

	if (!port || port->sw != netdev_priv(dev))
		return -EINVAL;
	ivm_port_detach(port);
	return 0;
}

static const struct net_device_ops switch_netdev_ops = {
	.ndo_init		= switch_init,
	.ndo_uninit		= switch_uninit,
	.ndo_start_xmit		= switch_xmit,
	.ndo_get_stats64	= switch_get_stats64,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_add_slave		= switch_add_slave,
	.ndo_del_slave		= switch_del_slave,
	.ndo_fdb_add		= ivm_bridge_fdb_add,
	.ndo_fdb_del		= ivm_bridge_fdb_del,
	.ndo_fdb_del_bulk	= ivm_bridge_fdb_del_bulk,
	.ndo_fdb_dump		= ivm_bridge_fdb_dump,
	.ndo_bridge_getlink	= ivm_bridge_getlink,
	.ndo_bridge_setlink	= ivm_bridge_setlink,
	.ndo_bridge_dellink	= ivm_bridge_dellink,
};

static void switch_setup(struct net_device *dev)
{
	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->netdev_ops = &switch_netdev_ops;
	dev->ethtool_ops = &ivm_switch_ethtool_ops;
	dev->needs_free_netdev = true;
	dev->min_mtu = IVM_MTU_MIN;
	dev->max_mtu = IVM_MTU_MAX;
	dev->priv_flags |= IFF_NO_QUEUE | IFF_DONT_BRIDGE;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	/* nothing can be stacked on it: frames come from it for taps only */
	dev->features = NETIF_F_LLTX | NETIF_F_NETNS_LOCAL | NETIF_F_VLAN_CHALLENGED;
}

/* ---- rtnetlink ---- */

static struct netlink_range_validation ageing_range = { .min = IVM_AGEING_MIN, .max = IVM_AGEING_MAX };

static const struct nla_policy switch_policy[IVM_SW_A_MAX + 1] = {
	[IVM_SW_A_UNSPEC]	= { .strict_start_type = IVM_SW_A_PAD },
	[IVM_SW_A_PAD]		= { .type = NLA_REJECT },
	[IVM_SW_A_AGEING]	= NLA_POLICY_FULL_RANGE(NLA_U32, &ageing_range),
	[IVM_SW_A_FLUSH]	= { .type = NLA_FLAG },
	[IVM_SW_A_LEARNT]	= { .type = NLA_REJECT },
};

static int switch_changelink(struct net_device *dev, struct nlattr *tb[], struct nlattr *data[],
			     struct netlink_ext_ack *extack)
{
	struct ivm_switch *sw = netdev_priv(dev);

	if (!data)
		return 0;
	if (data[IVM_SW_A_AGEING]) {
		WRITE_ONCE(sw->ageing, nla_get_u32(data[IVM_SW_A_AGEING]));
		/* a shorter time takes effect now */
		mod_delayed_work(system_wq, &sw->age_work, 0);
	}
	if (data[IVM_SW_A_FLUSH])
		ivm_fdb_flush(sw, 0);
	return 0;
}

static int switch_newlink(struct net *src_net, struct net_device *dev, struct nlattr *tb[], struct nlattr *data[],
			  struct netlink_ext_ack *extack)
{
	int err;

	err = register_netdevice(dev);
	if (err)
		return err;
	ivm_no_addresses(dev);
	err = switch_changelink(dev, tb, data, extack);
	/* a switch is switched on */
	if (!err)
		err = dev_open(dev, extack);
	if (err)
		unregister_netdevice(dev);
	return err;
}

static void switch_dellink(struct net_device *dev, struct list_head *list)
{
	unregister_netdevice_queue(dev, list);
}

static size_t switch_size(const struct net_device *dev)
{
	return 2 * nla_total_size(sizeof(u32));
}

static int switch_fill(struct sk_buff *skb, const struct net_device *dev)
{
	struct ivm_switch *sw = netdev_priv(dev);

	if (nla_put_u32(skb, IVM_SW_A_AGEING, sw->ageing) || nla_put_u32(skb, IVM_SW_A_LEARNT, ivm_fdb_learnt(sw)))
		return -EMSGSIZE;
	return 0;
}

struct rtnl_link_ops ivm_switch_link_ops __read_mostly = {
	.kind			= IVM_LINK_KIND_SWITCH,
	.priv_size		= sizeof(struct ivm_switch),
	.setup			= switch_setup,
	.maxtype		= IVM_SW_A_MAX,
	.policy			= switch_policy,
	.newlink		= switch_newlink,
	.changelink		= switch_changelink,
	.dellink		= switch_dellink,
	.get_size		= switch_size,
	.fill_info		= switch_fill,
	.slave_maxtype		= IVM_PORT_A_MAX,
	.slave_policy		= ivm_port_policy,
	.slave_changelink	= ivm_slave_changelink,
	.get_slave_size		= ivm_slave_size,
	.fill_slave_info	= ivm_slave_fill,
};
