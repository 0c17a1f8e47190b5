// SPDX-License-Identifier: GPL-2.0-only
/* The configuration of a port: from attributes to values that make sense together. */
#include "net.h"

#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/netlink.h>

/* strict: each attribute has exactly its length, in requests by way of rtnetlink too */
const struct nla_policy ivm_port_policy[IVM_PORT_A_MAX + 1] = {
	[IVM_PORT_A_UNSPEC]	= { .strict_start_type = IVM_PORT_A_PAD },
	[IVM_PORT_A_PAD]	= { .type = NLA_REJECT },
	[IVM_PORT_A_MODE]	= NLA_POLICY_MAX(NLA_U8, IVM_PORT_TRUNK),
	[IVM_PORT_A_ACCESS]	= NLA_POLICY_RANGE(NLA_U16, IVM_VID_MIN, IVM_VID_MAX),
	[IVM_PORT_A_TRUNK]	= { .type = NLA_BINARY, .len = IVM_PORT_RANGES_MAX * sizeof(struct ivm_vlan_range) },
	[IVM_PORT_A_NATIVE]	= NLA_POLICY_MAX(NLA_U16, IVM_VID_MAX),
	[IVM_PORT_A_ROLE]	= NLA_POLICY_MAX(NLA_U8, IVM_PORT_UPLINK),
	[IVM_PORT_A_ISOLATED]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IVM_PORT_A_GUARD]	= NLA_POLICY_MAX(NLA_U8, 1),
	[IVM_PORT_A_MACS]	= { .type = NLA_BINARY, .len = IVM_PORT_MACS_MAX * ETH_ALEN },
	[IVM_PORT_A_IPS]	= { .type = NLA_BINARY, .len = IVM_PORT_IPS_MAX * sizeof(struct ivm_ip_prefix) },
	[IVM_PORT_A_SERVES]	= NLA_POLICY_MASK(NLA_U32, IVM_PORT_SERVES_ALL),
	[IVM_PORT_A_LEARN]	= { .type = NLA_U32 },
	[IVM_PORT_A_MIRROR]	= { .type = NLA_U32 },
	[IVM_PORT_A_STORM_BROADCAST]	= { .type = NLA_U32 },
	[IVM_PORT_A_STORM_MULTICAST]	= { .type = NLA_U32 },
	[IVM_PORT_A_STORM_UNKNOWN]	= { .type = NLA_U32 },
	[IVM_PORT_A_RATE_IN]	= { .type = NLA_U64 },
	[IVM_PORT_A_RATE_OUT]	= { .type = NLA_U64 },
	[IVM_PORT_A_STATS]	= { .type = NLA_REJECT },
};

void ivm_port_config_default(struct ivm_port_config *config, const u8 *card_mac)
{
	memset(config, 0, sizeof(*config));
	if (card_mac) {
		config->guard = true;
		config->nr_macs = 1;
		memcpy(config->mac[0], card_mac, ETH_ALEN);
	} else {
		config->serves = IVM_PORT_SERVES_ALL;
		config->learn = 4096;
	}
}

/* The sentence must be constant: the acknowledgement points to it. */
#define refuse(attr, text) ({				\
	NL_SET_ERR_MSG_ATTR(extack, attr, text);	\
	-EINVAL;					\
})

/* Number of elements of @size bytes, at most @max; negative when it is no list of such. */
static int elements(const struct nlattr *attr, unsigned int size, unsigned int max)
{
	unsigned int len = nla_len(attr);

	return len % size || len / size > max ? -EINVAL : (int)(len / size);
}

static int parse_trunk(struct ivm_port_config *config, const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	int i, n = elements(attr, sizeof(config->range[0]), IVM_PORT_RANGES_MAX);

	if (n < 0)
		return refuse(attr, "a trunk is a list of at most 64 pairs of first and last VLAN");
	memcpy(config->range, nla_data(attr), n * sizeof(config->range[0]));
	config->nr_ranges = n;
	for (i = 0; i < n; i++) {
		const struct ivm_vlan_range *range = &config->range[i];

		if (range->first < IVM_VID_MIN || range->last > IVM_VID_MAX)
			return refuse(attr, "VLANs are 1 to 4094");
		if (range->first > range->last)
			return refuse(attr, "a range of VLANs ends before it begins");
		if (i && range->first <= range[-1].last)
			return refuse(attr, "ranges of VLANs must ascend and not overlap");
	}
	return 0;
}

static int parse_macs(struct ivm_port_config *config, const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	int i, k, n = elements(attr, ETH_ALEN, IVM_PORT_MACS_MAX);

	if (n < 0)
		return refuse(attr, "MAC addresses are a list of at most 16 times 6 bytes");
	memcpy(config->mac, nla_data(attr), n * ETH_ALEN);
	config->nr_macs = n;
	for (i = 0; i < n; i++) {
		if (!is_valid_ether_addr(config->mac[i]))
			return refuse(attr, "a MAC address of a port must be unicast and not zero");
		for (k = 0; k < i; k++)
			if (!memcmp(config->mac[i], config->mac[k], ETH_ALEN))
				return refuse(attr, "a MAC address is listed twice");
	}
	return 0;
}

static bool prefix_ok(const struct ivm_ip_prefix *prefix)
{
	unsigned int bit;

	if (prefix->reserved[0] || prefix->reserved[1])
		return false;
	if (!(prefix->family == AF_INET && prefix->len <= 32) && !(prefix->family == AF_INET6 && prefix->len <= 128))
		return false;
	for (bit = prefix->len; bit < 128; bit++)
		if (prefix->addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static int parse_ips(struct ivm_port_config *config, const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	int i, n = elements(attr, sizeof(config->ip[0]), IVM_PORT_IPS_MAX);

	if (n < 0)
		return refuse(attr, "IP addresses are a list of at most 32 prefixes");
	memcpy(config->ip, nla_data(attr), n * sizeof(config->ip[0]));
	config->nr_ips = n;
	for (i = 0; i < n; i++)
		if (!prefix_ok(&config->ip[i]))
			return refuse(attr, "an IP prefix has an unknown family, a length out of range, or bits beyond it");
	return 0;
}

static bool in_trunk(const struct ivm_port_config *config, u16 vid)
{
	unsigned int i;

	for (i = 0; i < config->nr_ranges; i++)
		if (vid >= config->range[i].first && vid <= config->range[i].last)
			return true;
	return false;
}

/* Do the values fit each other? The attribute at fault is one that was given, if any was. */
static int check_together(const struct ivm_port_config *config, struct nlattr **tb, bool card,
			  struct netlink_ext_ack *extack)
{
	if (config->mode == IVM_PORT_ACCESS && !config->access)
		return refuse(tb[IVM_PORT_A_MODE], "mode access needs a VLAN");
	if (config->mode == IVM_PORT_TRUNK && !config->nr_ranges)
		return refuse(tb[IVM_PORT_A_TRUNK] ?: tb[IVM_PORT_A_MODE], "mode trunk needs a list of VLANs");
	if (config->native && !in_trunk(config, config->native))
		return refuse(tb[IVM_PORT_A_NATIVE] ?: tb[IVM_PORT_A_TRUNK], "the native VLAN is not one of the trunk's");
	if (config->role == IVM_PORT_UPLINK && card)
		return refuse(tb[IVM_PORT_A_ROLE], "the card of a VM cannot be an uplink");
	if (config->role == IVM_PORT_UPLINK && config->isolated)
		return refuse(tb[IVM_PORT_A_ISOLATED] ?: tb[IVM_PORT_A_ROLE], "an uplink cannot be isolated");
	if (config->guard && !config->nr_macs)
		return refuse(tb[IVM_PORT_A_MACS] ?: tb[IVM_PORT_A_GUARD], "a guarded port needs the MAC addresses that it may use");
	return 0;
}

/* Values of a fixed size; the same ranges as in the policy, for callers that have another. */
static int parse_numbers(struct ivm_port_config *config, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	static const int storm[3] = { IVM_PORT_A_STORM_BROADCAST, IVM_PORT_A_STORM_MULTICAST, IVM_PORT_A_STORM_UNKNOWN };
	int i;

	if (tb[IVM_PORT_A_MODE])
		config->mode = nla_get_u8(tb[IVM_PORT_A_MODE]);
	if (config->mode > IVM_PORT_TRUNK)
		return refuse(tb[IVM_PORT_A_MODE], "there is no such mode");
	if (tb[IVM_PORT_A_ACCESS]) {
		config->access = nla_get_u16(tb[IVM_PORT_A_ACCESS]);
		if (config->access < IVM_VID_MIN || config->access > IVM_VID_MAX)
			return refuse(tb[IVM_PORT_A_ACCESS], "VLANs are 1 to 4094");
	}
	if (tb[IVM_PORT_A_NATIVE])
		config->native = nla_get_u16(tb[IVM_PORT_A_NATIVE]);
	if (tb[IVM_PORT_A_ROLE])
		config->role = nla_get_u8(tb[IVM_PORT_A_ROLE]);
	if (config->role > IVM_PORT_UPLINK)
		return refuse(tb[IVM_PORT_A_ROLE], "there is no such role");
	if (tb[IVM_PORT_A_ISOLATED])
		config->isolated = nla_get_u8(tb[IVM_PORT_A_ISOLATED]);
	if (tb[IVM_PORT_A_GUARD])
		config->guard = nla_get_u8(tb[IVM_PORT_A_GUARD]);
	if (tb[IVM_PORT_A_SERVES])
		config->serves = nla_get_u32(tb[IVM_PORT_A_SERVES]);
	if (config->serves & ~IVM_PORT_SERVES_ALL)
		return refuse(tb[IVM_PORT_A_SERVES], "there is no such service");
	if (tb[IVM_PORT_A_LEARN])
		config->learn = nla_get_u32(tb[IVM_PORT_A_LEARN]);
	if (config->learn > IVM_PORT_LEARN_MAX)
		return refuse(tb[IVM_PORT_A_LEARN], "a port can learn at most 65536 addresses");
	if (tb[IVM_PORT_A_MIRROR])
		config->mirror = nla_get_u32(tb[IVM_PORT_A_MIRROR]);
	for (i = 0; i < 3; i++)
		if (tb[storm[i]])
			config->storm[i] = nla_get_u32(tb[storm[i]]);
	if (tb[IVM_PORT_A_RATE_IN])
		config->rate_in = nla_get_u64(tb[IVM_PORT_A_RATE_IN]);
	if (tb[IVM_PORT_A_RATE_OUT])
		config->rate_out = nla_get_u64(tb[IVM_PORT_A_RATE_OUT]);
	return 0;
}

static int parse(struct ivm_port_config *config, struct nlattr **tb, bool card, struct netlink_ext_ack *extack)
{
	int err;

	err = parse_numbers(config, tb, extack);
	if (!err && tb[IVM_PORT_A_TRUNK])
		err = parse_trunk(config, tb[IVM_PORT_A_TRUNK], extack);
	if (!err && tb[IVM_PORT_A_MACS])
		err = parse_macs(config, tb[IVM_PORT_A_MACS], extack);
	if (!err && tb[IVM_PORT_A_IPS])
		err = parse_ips(config, tb[IVM_PORT_A_IPS], extack);
	return err ?: check_together(config, tb, card, extack);
}

int ivm_port_config_parse(struct ivm_port_config *config, struct nlattr **tb, bool card,
			  struct netlink_ext_ack *extack)
{
	struct ivm_port_config *changed = kmalloc(sizeof(*changed), GFP_KERNEL);
	int err;

	if (!changed)
		return -ENOMEM;
	*changed = *config;
	err = parse(changed, tb, card, extack);
	if (!err)
		*config = *changed;
	kfree(changed);
	return err;
}
