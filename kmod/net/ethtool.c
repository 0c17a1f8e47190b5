// SPDX-License-Identifier: GPL-2.0-only
/* Counters by name: ethtool -S. */
#include "vswitch.h"

#include <linux/string.h>

/* In the order of enum ivm_port_stat. */
static const char names[IVM_PORT_STATS][ETH_GSTRING_LEN] = {
	[IVM_STAT_RX]			= "rx",
	[IVM_STAT_RX_BYTES]		= "rx_bytes",
	[IVM_STAT_TX]			= "tx",
	[IVM_STAT_TX_BYTES]		= "tx_bytes",
	[IVM_STAT_COPIES]		= "copies",
	[IVM_STAT_MIRRORED]		= "mirrored",
	[IVM_STAT_DROP_OFF]		= "drop_off",
	[IVM_STAT_DROP_RUNT]		= "drop_runt",
	[IVM_STAT_DROP_TAGGED]		= "drop_tagged",
	[IVM_STAT_DROP_NO_VLAN]		= "drop_no_vlan",
	[IVM_STAT_DROP_VLAN]		= "drop_vlan",
	[IVM_STAT_DROP_SOURCE]		= "drop_source",
	[IVM_STAT_DROP_RESERVED]	= "drop_reserved",
	[IVM_STAT_DROP_GUARD_MAC]	= "drop_guard_mac",
	[IVM_STAT_DROP_GUARD_ARP]	= "drop_guard_arp",
	[IVM_STAT_DROP_GUARD_IP4]	= "drop_guard_ip4",
	[IVM_STAT_DROP_GUARD_IP6]	= "drop_guard_ip6",
	[IVM_STAT_DROP_GUARD_ND]	= "drop_guard_nd",
	[IVM_STAT_DROP_GUARD_SERVER]	= "drop_guard_server",
	[IVM_STAT_DROP_GUARD_FRAGMENT]	= "drop_guard_fragment",
	[IVM_STAT_DROP_STORM]		= "drop_storm",
	[IVM_STAT_DROP_RATE_IN]		= "drop_rate_in",
	[IVM_STAT_DROP_MOVED]		= "drop_moved",
	[IVM_STAT_DROP_HAIRPIN]		= "drop_hairpin",
	[IVM_STAT_DROP_NOWHERE]		= "drop_nowhere",
	[IVM_STAT_DROP_ISOLATED]	= "drop_isolated",
	[IVM_STAT_DROP_MEMORY]		= "drop_memory",
	[IVM_STAT_DROP_TX_RATE]		= "drop_tx_rate",
	[IVM_STAT_DROP_TX_SIZE]		= "drop_tx_size",
	[IVM_STAT_DROP_TX_DOWN]		= "drop_tx_down",
	[IVM_STAT_DROP_TX_FULL]		= "drop_tx_full",
	[IVM_STAT_DROP_TX_FILTER]	= "drop_tx_filter",
	[IVM_STAT_DROP_TX_ERROR]	= "drop_tx_error",
};

void ivm_ethtool_strings(struct net_device *dev, u32 set, u8 *data)
{
	if (set == ETH_SS_STATS)
		memcpy(data, names, sizeof(names));
}

int ivm_ethtool_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? IVM_PORT_STATS : -EOPNOTSUPP;
}

void ivm_ethtool_values(const u64 stats[IVM_PORT_STATS], u64 *data)
{
	memcpy(data, stats, IVM_PORT_STATS * sizeof(u64));
}

static void switch_values(struct net_device *dev, struct ethtool_stats *request, u64 *data)
{
	u64 sum[IVM_PORT_STATS];

	ivm_switch_sum(netdev_priv(dev), sum);
	ivm_ethtool_values(sum, data);
}

static void switch_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, IVM_LINK_KIND_SWITCH, sizeof(info->driver));
	strscpy(info->version, IVM_VERSION, sizeof(info->version));
}

const struct ethtool_ops ivm_switch_ethtool_ops = {
	.get_drvinfo		= switch_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_strings		= ivm_ethtool_strings,
	.get_sset_count		= ivm_ethtool_count,
	.get_ethtool_stats	= switch_values,
};
