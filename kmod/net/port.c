// SPDX-License-Identifier: GPL-2.0-only
/* Ports: devices that join and leave a switch, and how their configuration changes. */
#include "switch.h"
#include "fdb.h"
#include "nic.h"
#include "vswitch.h"

#include <linux/if_arp.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

struct ivm_port *ivm_port_get_rtnl(const struct net_device *dev)
{
	if (rcu_access_pointer(dev->rx_handler) != ivm_port_receive)
		return NULL;
	return rcu_dereference_rtnl(dev->rx_handler_data);
}

/* ---- counters ---- */

u64 ivm_port_sum_one(const struct ivm_port *port, enum ivm_port_stat stat)
{
	unsigned int cpu;
	u64 sum = 0;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(port->stats, cpu)->count[stat]);
	return sum;
}

void ivm_port_sum(const struct ivm_port *port, u64 sum[IVM_PORT_STATS])
{
	unsigned int i;

	for (i = 0; i < IVM_PORT_STATS; i++)
		sum[i] = ivm_port_sum_one(port, i);
}

/* ---- configuration ---- */

static struct ivm_rules *rules_create(const struct ivm_port_config *config)
{
	struct ivm_rules *rules = kzalloc(sizeof(*rules), GFP_KERNEL);

	if (!rules)
		return NULL;
	rules->config = *config;
	ivm_vlans_of(&rules->vlans, config);
	rules->uplink = config->role == IVM_PORT_UPLINK;
	rules->isolated = config->isolated;
	rules->guard = config->guard;
	rules->learns = config->learn;
	rules->limits = config->storm[0] || config->storm[1] || config->storm[2] || config->rate_in;
	return rules;
}

/* The port that is to get copies; NULL with @err 0 when there is to be none. */
static struct ivm_port *find_mirror(struct ivm_switch *sw, struct net_device *dev, u32 ifindex, int *err,
				    struct netlink_ext_ack *extack)
{
	struct ivm_port *port;

	*err = 0;
	if (!ifindex)
		return NULL;
	list_for_each_entry(port, &sw->ports, link)
		if (port->dev->ifindex == ifindex && port->dev != dev)
			return port;
	NL_SET_ERR_MSG(extack, "a mirror is another port of the same switch");
	*err = -EINVAL;
	return NULL;
}

static void set_mirror(struct ivm_port *port, struct ivm_port *mirror)
{
	struct ivm_port *old = rtnl_dereference(port->mirror);

	if (old == mirror)
		return;
	rcu_assign_pointer(port->mirror, mirror);
	if (old)
		WRITE_ONCE(old->mirrors, old->mirrors - 1);
	if (mirror)
		WRITE_ONCE(mirror->mirrors, mirror->mirrors + 1);
}

static void set_uplink(struct ivm_port *port, bool uplink)
{
	if (uplink == !list_empty(&port->uplink_link))
		return;
	if (uplink) {
		list_add_tail_rcu(&port->uplink_link, &port->sw->uplinks);
	} else {
		list_del_rcu(&port->uplink_link);
		/* who reads the list may stand on this link until then */
		synchronize_net();
		INIT_LIST_HEAD(&port->uplink_link);
	}
}

int ivm_port_apply(struct ivm_port *port, const struct ivm_port_config *config, struct netlink_ext_ack *extack)
{
	struct ivm_rules *rules, *old;
	struct ivm_port *mirror;
	int err;

	ASSERT_RTNL();
	mirror = find_mirror(port->sw, port->dev, config->mirror, &err, extack);
	if (err)
		return err;
	rules = rules_create(config);
	if (!rules)
		return -ENOMEM;
	old = rtnl_dereference(port->rules);
	if (!old)
		rcu_assign_pointer(port->rules, rules);		/* frames find its entries from the first one on */
	err = ivm_fdb_claim(port, old, rules, extack);
	if (err) {
		if (old)
			kfree(rules);
		return err;
	}
	rcu_assign_pointer(port->rules, rules);
	set_uplink(port, rules->uplink);
	set_mirror(port, mirror);
	ivm_fdb_fit(port, rules);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/* ---- who may be a port ---- */

#define refuse(err, text) ({			\
	NL_SET_ERR_MSG(extack, text);		\
	err;					\
})

static int lies_on_switch(struct net_device *lower, struct netdev_nested_priv *priv)
{
	return ivm_is_switch(lower);
}

static int check_device(struct ivm_switch *sw, struct net_device *dev, struct ivm_nic *nic,
			struct netlink_ext_ack *extack)
{
	struct netdev_nested_priv priv = { };

	if (dev == sw->dev)
		return refuse(-ELOOP, "a switch cannot be a port of itself");
	if (ivm_is_switch(dev))
		return refuse(-ELOOP, "a switch cannot be a port of a switch");
	if (netdev_walk_all_lower_dev(dev, lies_on_switch, &priv))
		return refuse(-ELOOP, "the device lies on a switch: that would be a loop");
	if (dev->flags & IFF_LOOPBACK || dev->type != ARPHRD_ETHER || dev->addr_len != ETH_ALEN ||
	    dev->hard_header_len < ETH_HLEN || !is_valid_ether_addr(dev->dev_addr))
		return refuse(-EINVAL, "only Ethernet devices can be ports");
	if (dev->priv_flags & IFF_DONT_BRIDGE)
		return refuse(-EOPNOTSUPP, "this device cannot carry frames of others");
	if (netdev_master_upper_dev_get(dev))
		return refuse(-EBUSY, "the device belongs to another master");
	if (netdev_is_rx_handler_busy(dev))
		return refuse(-EBUSY, "somebody else, macvlan for example, takes the device's frames");
	if (sw->nr_ports >= IVM_PORTS_MAX)
		return refuse(-ENOSPC, "a switch has at most 1024 ports");
	return 0;
}

static void port_free(struct ivm_port *port)
{
	kfree(rcu_access_pointer(port->rules));
	free_percpu(port->stats);
	kfree(port);
}

static struct ivm_port *port_create(struct ivm_switch *sw, struct net_device *dev, struct ivm_nic *nic)
{
	struct ivm_port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return NULL;
	port->stats = alloc_percpu(struct ivm_port_stats);
	if (!port->stats) {
		kfree(port);
		return NULL;
	}
	port->sw = sw;
	port->dev = dev;
	port->nic = nic;
	INIT_LIST_HEAD(&port->entries);
	INIT_LIST_HEAD(&port->uplink_link);
	return port;
}

struct ivm_port *ivm_port_attach(struct ivm_switch *sw, struct net_device *dev, const struct ivm_port_config *config,
				 struct ivm_nic *nic, struct netlink_ext_ack *extack)
{
	struct ivm_port *port;
	int err;

	ASSERT_RTNL();
	err = check_device(sw, dev, nic, extack);
	if (err)
		return ERR_PTR(err);
	port = port_create(sw, dev, nic);
	if (!port)
		return ERR_PTR(-ENOMEM);
	err = ivm_port_apply(port, config, extack);
	if (err)
		goto err_rules;		/* some of its entries may have been there */
	/* a card hears what is sent to it, and nothing else comes by */
	err = nic ? 0 : dev_set_promiscuity(dev, 1);
	if (err)
		goto err_rules;
	/* first, so that who hears of the new master can be told the configuration */
	err = netdev_rx_handler_register(dev, ivm_port_receive, port);
	if (err)
		goto err_promiscuity;
	err = netdev_master_upper_dev_link(dev, sw->dev, NULL, NULL, extack);
	if (err)
		goto err_handler;
	dev_disable_lro(dev);
	sw->nr_ports++;
	list_add_tail_rcu(&port->link, &sw->ports);
	return port;

err_handler:
	netdev_rx_handler_unregister(dev);
err_promiscuity:
	if (!nic)
		dev_set_promiscuity(dev, -1);
err_rules:
	ivm_fdb_leave(port);
	set_uplink(port, false);
	set_mirror(port, NULL);
	synchronize_net();
	port_free(port);
	return ERR_PTR(err);
}

void ivm_port_detach(struct ivm_port *port)
{
	struct ivm_switch *sw = port->sw;
	struct net_device *dev = port->dev;
	struct ivm_port *other;
	unsigned int i;

	ASSERT_RTNL();
	/* no new frames from here, nor to here */
	if (port->nic)
		ivm_nic_unplugged(port->nic);
	netdev_rx_handler_unregister(dev);
	list_del_rcu(&port->link);
	sw->nr_ports--;
	set_uplink(port, false);
	ivm_fdb_leave(port);
	set_mirror(port, NULL);
	list_for_each_entry(other, &sw->ports, link)
		if (rtnl_dereference(other->mirror) == port)
			set_mirror(other, NULL);
	/* those under way */
	synchronize_net();
	netdev_upper_dev_unlink(dev, sw->dev);
	if (!port->nic)
		dev_set_promiscuity(dev, -1);
	for (i = 0; i < IVM_PORT_STATS; i++)
		sw->gone[i] += ivm_port_sum_one(port, i);
	port_free(port);
}
