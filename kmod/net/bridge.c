// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the bridge command says and asks: bridge fdb, bridge vlan.
 *
 *	bridge fdb show				all entries, by port
 *	bridge fdb add MAC dev SWITCH self vlan VID via PORT [static|dynamic]
 *	bridge fdb del MAC dev SWITCH self vlan VID
 *	bridge fdb flush dev SWITCH self [vlan VID]
 *	bridge vlan show

 */
#include "vswitch.h"
#include "fdb.h"

#include <linux/if_bridge.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/netlink.h>

/* ---- addresses ---- */

static int check_key(const unsigned char *addr, u16 vid, struct netlink_ext_ack *extack)
{
	if (!vid) {
		NL_SET_ERR_MSG(extack, "an address of a switch needs its VLAN");
		return -EINVAL;
	}
	if (!is_valid_ether_addr(addr)) {
		NL_SET_ERR_MSG(extack, "an address of a switch must be unicast and not zero");
		return -EINVAL;
	}
	return 0;
}

int ivm_bridge_fdb_add(struct ndmsg *ndm, struct nlattr *tb[], struct net_device *dev, const unsigned char *addr,
		       u16 vid, u16 flags, struct netlink_ext_ack *extack)
{
	struct ivm_switch *sw = netdev_priv(dev);
	struct net_device *slave;
	struct ivm_port *port;
	int err;

	err = check_key(addr, vid, extack);
	if (err)
		return err;
	/* the core has no policy for it */
	if (!tb[NDA_IFINDEX] || nla_len(tb[NDA_IFINDEX]) != sizeof(u32)) {
		NL_SET_ERR_MSG(extack, "say by which port: via PORT");
		return -EINVAL;
	}
	slave = __dev_get_by_index(dev_net(dev), nla_get_u32(tb[NDA_IFINDEX]));
	port = slave ? ivm_port_get_rtnl(slave) : NULL;
	if (!port || port->sw != sw) {
		NL_SET_ERR_MSG(extack, "the device is no port of this switch");
		return -EINVAL;
	}
	return ivm_fdb_add(port, ivm_fdb_key(vid, addr), ndm->ndm_state & (NUD_PERMANENT | NUD_NOARP),
			   flags & NLM_F_REPLACE, extack);
}

int ivm_bridge_fdb_del(struct ndmsg *ndm, struct nlattr *tb[], struct net_device *dev, const unsigned char *addr,
		       u16 vid, struct netlink_ext_ack *extack)
{
	int err;

	err = check_key(addr, vid, extack);
	return err ?: ivm_fdb_del(netdev_priv(dev), ivm_fdb_key(vid, addr), extack);
}

int ivm_bridge_fdb_del_bulk(struct ndmsg *ndm, struct nlattr *tb[], struct net_device *dev, u16 vid,
			    struct netlink_ext_ack *extack)
{
	if (tb[NDA_IFINDEX] || tb[NDA_NDM_STATE_MASK] || tb[NDA_NDM_FLAGS_MASK]) {
		NL_SET_ERR_MSG(extack, "learnt addresses are flushed by VLAN, or all");
		return -EOPNOTSUPP;
	}
	ivm_fdb_flush(netdev_priv(dev), vid);
	return 0;
}

static int fill_entry(struct sk_buff *skb, struct netlink_callback *cb, struct net_device *dev,
		      const struct ivm_fdb_entry *entry)
{
	u32 age = jiffies_to_clock_t((u32)jiffies - READ_ONCE(entry->seen));
	struct nda_cacheinfo cache = { .ndm_used = age, .ndm_updated = age };
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	u8 mac[ETH_ALEN];

	nlh = nlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, RTM_NEWNEIGH, sizeof(*ndm), NLM_F_MULTI);
	if (!nlh)
		return -EMSGSIZE;
	ndm = nlmsg_data(nlh);
	memset(ndm, 0, sizeof(*ndm));
	ndm->ndm_family = AF_BRIDGE;
	ndm->ndm_ifindex = entry->port->dev->ifindex;
	ndm->ndm_state = entry->kind == IVM_FDB_LEARNT ? NUD_REACHABLE : NUD_NOARP;
	ivm_fdb_mac(entry->key, mac);
	if (nla_put(skb, NDA_LLADDR, ETH_ALEN, mac) || nla_put_u32(skb, NDA_MASTER, dev->ifindex) ||
	    nla_put_u16(skb, NDA_VLAN, ivm_fdb_vid(entry->key)) ||
	    nla_put(skb, NDA_CACHEINFO, sizeof(cache), &cache)) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nlmsg_end(skb, nlh);
	return 0;
}

int ivm_bridge_fdb_dump(struct sk_buff *skb, struct netlink_callback *cb, struct net_device *dev,
			struct net_device *filter_dev, int *idx)
{
	struct ivm_switch *sw = netdev_priv(dev);
	struct ivm_fdb_entry *entry;
	struct ivm_port *port;
	int err = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(port, &sw->ports, link) {
		list_for_each_entry_rcu(entry, &port->entries, link) {
			if (*idx >= cb->args[2])
				err = fill_entry(skb, cb, dev, entry);
			if (err)
				goto out;
			*idx += 1;
		}
	}
out:
	rcu_read_unlock();
	return err;
}

/* ---- VLANs ---- */

static int fill_vlan(struct sk_buff *skb, u16 vid, u16 flags)
{
	struct bridge_vlan_info info = { .vid = vid, .flags = flags };

	return nla_put(skb, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

static int fill_range(struct sk_buff *skb, u16 first, u16 last, u16 flags, bool compressed)
{
	u16 vid;

	if (first > last)
		return 0;
	if (compressed && first < last)
		return fill_vlan(skb, first, flags | BRIDGE_VLAN_INFO_RANGE_BEGIN) ?:
		       fill_vlan(skb, last, flags | BRIDGE_VLAN_INFO_RANGE_END);
	for (vid = first; vid <= last; vid++)
		if (fill_vlan(skb, vid, flags))
			return -EMSGSIZE;
	return 0;
}

static int fill_vlans(struct sk_buff *skb, struct net_device *slave, u32 filter_mask)
{
	const u16 own = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
	bool compressed = filter_mask & RTEXT_FILTER_BRVLAN_COMPRESSED;
	struct ivm_port *port = ivm_port_get_rtnl(slave);
	const struct ivm_port_config *config;
	unsigned int i;
	int err = 0;

	if (!port)
		return 0;
	config = &rtnl_dereference(port->rules)->config;
	if (config->mode == IVM_PORT_ACCESS)
		return fill_vlan(skb, config->access, own);
	if (config->mode != IVM_PORT_TRUNK)
		return 0;
	for (i = 0; i < config->nr_ranges && !err; i++) {
		const struct ivm_vlan_range *range = &config->range[i];

		if (config->native < range->first || config->native > range->last) {
			err = fill_range(skb, range->first, range->last, 0, compressed);
			continue;
		}
		err = fill_range(skb, range->first, config->native - 1, 0, compressed) ?:
		      fill_vlan(skb, config->native, own) ?:
		      fill_range(skb, config->native + 1, range->last, 0, compressed);
	}
	return err;
}

int ivm_bridge_getlink(struct sk_buff *skb, u32 pid, u32 seq, struct net_device *dev, u32 filter_mask, int nlflags)
{
	/* the core asks for the switch itself, too */
	if (ivm_is_switch(dev))
		return 0;
	if (!(filter_mask & (RTEXT_FILTER_BRVLAN | RTEXT_FILTER_BRVLAN_COMPRESSED)))
		return ndo_dflt_bridge_getlink(skb, pid, seq, dev, BRIDGE_MODE_UNDEF, 0, 0, nlflags, filter_mask, NULL);
	return ndo_dflt_bridge_getlink(skb, pid, seq, dev, BRIDGE_MODE_UNDEF, 0, 0, nlflags, filter_mask, fill_vlans);
}

int ivm_bridge_setlink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags, struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG(extack, "VLANs of a port are set by its mode: ivmctl port set");
	return -EOPNOTSUPP;
}

int ivm_bridge_dellink(struct net_device *dev, struct nlmsghdr *nlh, u16 flags)
{
	return -EOPNOTSUPP;
}
