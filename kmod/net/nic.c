// SPDX-License-Identifier: GPL-2.0-only
/* The network card of a VM as a net_device: how it comes, goes, and what the host may do with it. */
#include "nic.h"
#include "switch.h"
#include "vswitch.h"
#include "why.h"

#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/rtnetlink.h>

/* The private part of the net_device; the card lives longer than it. */
struct nic_dev {
	struct ivm_nic *nic;
};

#define NIC_FEATURES (NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | \
		      NETIF_F_TSO_ECN | NETIF_F_GSO_UDP_L4 | NETIF_F_GSO_ROBUST)

struct ivm_nic *ivm_nic_of(const struct net_device *dev)
{
	if (dev->rtnl_link_ops != &ivm_nic_link_ops)
		return NULL;
	return ((struct nic_dev *)netdev_priv(dev))->nic;
}

/* ---- the net_device ---- */

void ivm_nic_link(struct ivm_nic *nic)
{
	struct net_device *dev = rtnl_dereference(nic->dev);
	bool up = dev && netif_running(dev) && rtnl_dereference(nic->port);

	if (up == nic->link)
		return;
	nic->link = up;
	nic->ops->link(nic->ctx, up);
}

static int nic_open(struct net_device *dev)
{
	ivm_nic_link(ivm_nic_of(dev));
	return 0;
}

static int nic_stop(struct net_device *dev)
{
	struct ivm_nic *nic = ivm_nic_of(dev);

	ivm_nic_link(nic);
	ivm_nic_purge(nic, IVM_STAT_DROP_TX_DOWN);
	ivm_nic_wake(nic);
	return 0;
}

static int nic_change_mtu(struct net_device *dev, int mtu)
{
	/* the guest was told another */
	return -EPERM;
}

static void nic_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct ivm_port *port;
	u64 sum[IVM_PORT_STATS];
	unsigned int i;

	rcu_read_lock();
	port = rcu_dereference(ivm_nic_of(dev)->port);
	if (port) {
		ivm_port_sum(port, sum);
		stats->rx_packets = sum[IVM_STAT_RX];
		stats->rx_bytes = sum[IVM_STAT_RX_BYTES];
		stats->tx_packets = sum[IVM_STAT_TX] + sum[IVM_STAT_MIRRORED];
		stats->tx_bytes = sum[IVM_STAT_TX_BYTES];
		for (i = IVM_STAT_DROP_FIRST; i < IVM_STAT_DROP_TX_RATE; i++)
			stats->rx_dropped += sum[i];
		for (; i < IVM_PORT_STATS; i++)
			stats->tx_dropped += sum[i];
	}
	rcu_read_unlock();
}

static const struct net_device_ops nic_netdev_ops = {
	.ndo_open		= nic_open,
	.ndo_stop		= nic_stop,
	.ndo_start_xmit		= ivm_nic_start_xmit,
	.ndo_features_check	= ivm_nic_features_check,
	.ndo_change_mtu		= nic_change_mtu,
	.ndo_get_stats64	= nic_get_stats64,
};

static void nic_ethtool_values(struct net_device *dev, struct ethtool_stats *request, u64 *data)
{
	u64 sum[IVM_PORT_STATS] = { };
	struct ivm_port *port;

	rcu_read_lock();
	port = rcu_dereference(ivm_nic_of(dev)->port);
	if (port)
		ivm_port_sum(port, sum);
	rcu_read_unlock();
	ivm_ethtool_values(sum, data);
}

static void nic_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, IVM_LINK_KIND_NIC, sizeof(info->driver));
	strscpy(info->version, IVM_VERSION, sizeof(info->version));
}

static const struct ethtool_ops nic_ethtool_ops = {
	.get_drvinfo		= nic_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_strings		= ivm_ethtool_strings,
	.get_sset_count		= ivm_ethtool_count,
	.get_ethtool_stats	= nic_ethtool_values,
};

/* Without setup: rtnetlink cannot make one, and without dellink it cannot delete one. */
struct rtnl_link_ops ivm_nic_link_ops __read_mostly = {
	.kind = IVM_LINK_KIND_NIC,
};

static void nic_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &nic_netdev_ops;
	dev->ethtool_ops = &nic_ethtool_ops;
	dev->rtnl_link_ops = &ivm_nic_link_ops;
	dev->needs_free_netdev = true;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->features = NIC_FEATURES | NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_LLTX | NETIF_F_NETNS_LOCAL;
	dev->hw_features = NIC_FEATURES;
	dev->vlan_features = NIC_FEATURES;
	dev->hw_enc_features = 0;
}

/* ---- life ---- */

static struct ivm_nic *nic_alloc(const struct ivm_nic_params *params, const struct ivm_nic_ops *ops, void *ctx)
{
	struct ivm_nic *nic = kzalloc(struct_size(nic, waiter, params->queues), GFP_KERNEL);

	if (!nic)
		return NULL;
	nic->ops = ops;
	nic->ctx = ctx;
	nic->queues = params->queues;
	skb_queue_head_init(&nic->backlog);
	spin_lock_init(&nic->drain_lock);
	ivm_nic_wait_init(nic);
	return nic;
}

static struct net_device *dev_alloc(const struct ivm_nic_params *params, struct ivm_nic *nic)
{
	struct net_device *dev;

	dev = alloc_netdev_mqs(sizeof(struct nic_dev), params->ifname, NET_NAME_ENUM, nic_setup,
			       params->queues, params->queues);
	if (!dev)
		return NULL;
	((struct nic_dev *)netdev_priv(dev))->nic = nic;
	dev_net_set(dev, params->net);
	eth_hw_addr_set(dev, params->mac);
	dev->mtu = params->mtu;
	dev->min_mtu = IVM_MTU_MIN;
	dev->max_mtu = IVM_MTU_MAX;
	netif_carrier_off(dev);
	return dev;
}

/* The address of the device is the card's, hence a conflict is about that where the default is asked for. */
static int refusal(struct ivm_why *why, int err, const struct netlink_ext_ack *extack)
{
	int attr = err == -EADDRINUSE ? IVM_A_NIC_MAC : IVM_A_NIC_PORT;

	return ivm_why(why, attr, err, "%s", extack->_msg ?: "the network card cannot be plugged into its switch");
}

/* RTNL. The device is registered; whatever fails, the caller unregisters it. */
static int plug_in(struct ivm_nic *nic, struct net_device *dev, struct net_device *sw,
		   const struct ivm_port_config *config, struct ivm_why *why)
{
	struct netlink_ext_ack extack = { };
	struct ivm_port *port;
	int err;

	ivm_no_addresses(dev);
	rcu_assign_pointer(nic->dev, dev);
	port = ivm_port_attach(netdev_priv(sw), dev, config, nic, &extack);
	if (IS_ERR(port))
		return refusal(why, PTR_ERR(port), &extack);
	rcu_assign_pointer(nic->port, port);
	nic->link = true;
	err = dev_open(dev, &extack);
	if (!err)
		return 0;
	nic->link = false;
	return refusal(why, err, &extack);
}

static int check_params(const struct ivm_nic_params *params, struct ivm_why *why)
{
	if (!is_valid_ether_addr(params->mac))
		return ivm_why(why, IVM_A_NIC_MAC, -EINVAL, "the address of a network card must be unicast and not zero");
	if (!params->queues || params->queues > IVM_NIC_QUEUES_MAX)
		return ivm_why(why, IVM_A_NIC_QUEUES, -EINVAL, "a network card has 1 to %u pairs of queues", IVM_NIC_QUEUES_MAX);
	if (params->mtu < IVM_MTU_MIN || params->mtu > IVM_MTU_MAX)
		return ivm_why(why, IVM_A_NIC_MTU, -EINVAL, "the MTU of a network card is %u to %u", IVM_MTU_MIN, IVM_MTU_MAX);
	return 0;
}

static int create_dev(struct ivm_nic *nic, const struct ivm_nic_params *params, struct ivm_why *why)
{
	struct net_device *dev, *sw;
	int err;

	dev = dev_alloc(params, nic);
	if (!dev)
		return ivm_why(why, 0, -ENOMEM, "no memory for a network card");
	rtnl_lock();
	sw = __dev_get_by_name(params->net, params->switch_name);
	if (!sw || !ivm_is_switch(sw)) {
		err = ivm_why(why, IVM_A_NIC_SWITCH, -ENODEV, "there is no switch %s", params->switch_name);
		goto err_free;
	}
	err = register_netdevice(dev);
	if (err) {
		err = ivm_why(why, 0, err, "the network device %s cannot be made: %s", params->ifname,
			      err == -EEXIST ? "the name is taken" : "the kernel refuses it");
		goto err_free;
	}
	err = plug_in(nic, dev, sw, params->port, why);
	if (err)
		unregister_netdevice(dev);	/* and that unplugs it */
	rtnl_unlock();
	return err;
err_free:
	rtnl_unlock();
	free_netdev(dev);
	return err;
}

struct ivm_nic *ivm_nic_create(const struct ivm_nic_params *params, const struct ivm_nic_ops *ops, void *ctx,
			       struct ivm_why *why)
{
	struct ivm_nic *nic;
	int err;

	err = check_params(params, why);
	if (err)
		return ERR_PTR(err);
	nic = nic_alloc(params, ops, ctx);
	if (!nic)
		return ERR_PTR(ivm_why(why, 0, -ENOMEM, "no memory for a network card"));
	err = create_dev(nic, params, why);
	if (err) {
		ivm_nic_destroy(nic);
		return ERR_PTR(err);
	}
	return nic;
}

void ivm_nic_destroy(struct ivm_nic *nic)
{
	struct net_device *dev;

	if (!nic)
		return;
	rtnl_lock();
	dev = rtnl_dereference(nic->dev);
	nic->link = false;	/* it need not be told any more */
	if (dev)
		unregister_netdevice(dev);
	rtnl_unlock();
	/* no sender finds it any more: grace periods have passed since it left its switch and its namespace */
	ivm_nic_wait_exit(nic);
	ivm_nic_purge(nic, IVM_STAT_DROP_TX_DOWN);
	kfree(nic);
}

void ivm_nic_unplugged(struct ivm_nic *nic)
{
	ivm_nic_purge(nic, IVM_STAT_DROP_TX_DOWN);
	RCU_INIT_POINTER(nic->port, NULL);
	ivm_nic_link(nic);
	ivm_nic_wake(nic);
}

void ivm_nic_lost(struct ivm_nic *nic)
{
	RCU_INIT_POINTER(nic->dev, NULL);
	ivm_nic_link(nic);
}

void ivm_nic_name(struct ivm_nic *nic, char name[IFNAMSIZ], u32 *ifindex)
{
	struct net_device *dev;

	name[0] = 0;
	*ifindex = 0;
	/* names change under RTNL */
	rtnl_lock();
	dev = rtnl_dereference(nic->dev);
	if (dev) {
		strscpy(name, dev->name, IFNAMSIZ);
		*ifindex = dev->ifindex;
	}
	rtnl_unlock();
}

/* ---- the driver in the guest ---- */

static u8 can(const struct ivm_nic_features *features)
{
	return (features->csum ? IVM_NIC_CAN_CSUM : 0) | (features->tso4 ? IVM_NIC_CAN_TSO4 : 0) |
	       (features->tso6 ? IVM_NIC_CAN_TSO6 : 0) | (features->ecn ? IVM_NIC_CAN_ECN : 0) |
	       (features->uso ? IVM_NIC_CAN_USO : 0);
}

void ivm_nic_driver(struct ivm_nic *nic, bool up, const struct ivm_nic_features *features)
{
	struct net_device *dev;

	rcu_read_lock();
	dev = rcu_dereference(nic->dev);
	if (up) {
		WRITE_ONCE(nic->can, can(features));
		WRITE_ONCE(nic->up, true);
		if (dev)
			netif_carrier_on(dev);
	} else {
		if (dev)
			netif_carrier_off(dev);
		WRITE_ONCE(nic->up, false);
		WRITE_ONCE(nic->can, 0);
		ivm_nic_purge(nic, IVM_STAT_DROP_TX_DOWN);
		ivm_nic_wake(nic);
	}
	rcu_read_unlock();
}

void ivm_nic_room(struct ivm_nic *nic)
{
	rcu_read_lock_bh();
	/* so that a flood from elsewhere does not take all the room from those who wait */
	ivm_nic_wake(nic);
	if (ivm_nic_has_backlog(nic) && !ivm_nic_drain(nic, IVM_NIC_BACKLOG / 16))
		ivm_nic_stall(nic);
	rcu_read_unlock_bh();
}
