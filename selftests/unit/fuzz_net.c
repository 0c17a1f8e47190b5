// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any configuration that the parser accepts, any frame: what the guard lets pass
 * is looked at again by naive rules that know no headers but the first ones.
 */
/* sources: kmod/net/config.c kmod/net/guard.c kmod/net/vlan.c */
/* max_len: 1024 */
#include "unit.h"

#include <string.h>

#include <linux/bug.h>

#include "net/guard.h"
#include "net/vlan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const u8 mac[6] = { 2, 0, 0, 0xaa, 0xbb, 1 };

struct input {
	const u8 *data;
	size_t left;
};

static u8 take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

/* Up to 15 attributes of any type, length and content. Return: whether the configuration is a possible one. */
static void configure(struct input *in, struct ivm_port_config *config)
{
	static char bytes[IVM_PORT_A_MAX + 1][512] __attribute__((aligned(8)));
	struct nlattr *tb[IVM_PORT_A_MAX + 1] = { };
	struct netlink_ext_ack extack = { };
	struct ivm_port_config before = *config;
	unsigned int n = take(in) & 15, i, k, vid;
	struct ivm_vlans vlans;
	int err;

	for (i = 0; i < n; i++) {
		/* fixed lengths are the policy's business: exactly so long */
		static const u8 fixed[IVM_PORT_A_MAX + 1] = {
			[IVM_PORT_A_MODE] = 1, [IVM_PORT_A_ACCESS] = 2, [IVM_PORT_A_NATIVE] = 2, [IVM_PORT_A_ROLE] = 1,
			[IVM_PORT_A_ISOLATED] = 1, [IVM_PORT_A_GUARD] = 1, [IVM_PORT_A_SERVES] = 4, [IVM_PORT_A_LEARN] = 4,
			[IVM_PORT_A_MIRROR] = 4, [IVM_PORT_A_STORM_BROADCAST] = 4, [IVM_PORT_A_STORM_MULTICAST] = 4,
			[IVM_PORT_A_STORM_UNKNOWN] = 4, [IVM_PORT_A_RATE_IN] = 8, [IVM_PORT_A_RATE_OUT] = 8,
		};
		unsigned int type = take(in) % (IVM_PORT_A_MAX + 1), len;
		struct nlattr *a = (void *)bytes[type];

		len = fixed[type] ?: take(in);
		a->nla_type = type;
		a->nla_len = NLA_HDRLEN + len;
		for (k = 0; k < len; k++)
			bytes[type][NLA_HDRLEN + k] = take(in);
		tb[type] = a;
	}
	err = ivm_port_config_parse(config, tb, take(in) & 1, &extack);
	if (err) {
		BUG_ON(!extack._msg);
		BUG_ON(memcmp(&before, config, sizeof(before)));
	}
	BUG_ON(config->mode > IVM_PORT_TRUNK || config->nr_ranges > IVM_PORT_RANGES_MAX ||
	       config->nr_macs > IVM_PORT_MACS_MAX || config->nr_ips > IVM_PORT_IPS_MAX);
	BUG_ON(config->mode == IVM_PORT_ACCESS && (config->access < 1 || config->access > 4094));
	ivm_vlans_of(&vlans, config);
	BUG_ON(test_bit(0, vlans.member) || test_bit(4095, vlans.member));
	BUG_ON(vlans.untagged && !test_bit(vlans.untagged, vlans.member));
	for (vid = 1, k = 0; vid < 4095; vid++)
		k += test_bit(vid, vlans.member);
	BUG_ON(config->mode == IVM_PORT_ACCESS && k != 1);
	BUG_ON(config->mode == IVM_PORT_TRUNK && !k);
	BUG_ON(config->mode == IVM_PORT_OFF && k);
}

static bool may_use(const struct ivm_port_config *config, u8 family, const u8 *addr)
{
	unsigned int i, bit;

	for (i = 0; i < config->nr_ips; i++) {
		if (config->ip[i].family != family)
			continue;
		for (bit = 0; bit < config->ip[i].len; bit++)
			if ((config->ip[i].addr[bit / 8] ^ addr[bit / 8]) & 0x80 >> bit % 8)
				break;
		if (bit == config->ip[i].len)
			return true;
	}
	return !config->nr_ips;
}

static bool is_own(const struct ivm_port_config *config, const u8 *addr)
{
	unsigned int i;

	for (i = 0; i < config->nr_macs; i++)
		if (!memcmp(config->mac[i], addr, 6))
			return true;
	return false;
}

/* A frame that passed, without tags and wraps. */
static void judge(const struct ivm_port_config *config, const u8 *frame, u32 len)
{
	static const u8 none[16];
	const u8 *ip = frame + 14;
	u16 type = frame[12] << 8 | frame[13];

	BUG_ON(!is_own(config, frame + 6));
	if (type == 0x0806) {
		BUG_ON(len < 42 || !is_own(config, ip + 8));
		BUG_ON(memcmp(ip + 14, none, 4) && !may_use(config, AF_INET, ip + 14));
	}
	if (type == 0x0800) {
		u32 at = (ip[0] & 15) * 4;

		BUG_ON(len < 34);
		BUG_ON(memcmp(ip + 12, none, 4) && !may_use(config, AF_INET, ip + 12));
		if (ip[9] == 17 && !((ip[6] << 8 | ip[7]) & 0x1fff) && len >= 14 + at + 4 && !(config->serves & IVM_PORT_SERVES_DHCP))
			BUG_ON((ip[at] << 8 | ip[at + 1]) == 67 || (ip[at + 2] << 8 | ip[at + 3]) == 68);
	}
	if (type == 0x86dd) {
		BUG_ON(len < 54);
		if (memcmp(ip + 8, none, 16) && !may_use(config, AF_INET6, ip + 8))
			BUG_ON(ip[8] != 0xfe || ip[9] != 0x80 || ip[19] != 0xff || ip[20] != 0xfe);
		if (ip[6] == 58 && len > 54 && (ip[40] == 134 || ip[40] == 137))
			BUG_ON(!(config->serves & IVM_PORT_SERVES_RA));
		if (ip[6] == 58 && len >= 54 + 24 && ip[40] == 136 && !may_use(config, AF_INET6, ip + 48))
			BUG_ON(ip[48] != 0xfe || ip[49] != 0x80);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u16 types[] = { 0x0800, 0x0806, 0x86dd, 0x8100 };
	struct input in = { data, size };
	struct ivm_port_config config;
	u32 len, head_len, i;
	u8 *frame, kind;
	unsigned int verdict;

	ivm_port_config_default(&config, mac);
	configure(&in, &config);
	configure(&in, &config);
	kind = take(&in);
	len = in.left < 14 ? 14 : in.left;
	frame = malloc(len);
	for (i = 0; i < len; i++)
		frame[i] = take(&in);
	if (kind & 1)
		memcpy(frame + 6, mac, 6);
	if (kind & 2) {
		frame[12] = types[kind >> 2 & 3] >> 8;
		frame[13] = types[kind >> 2 & 3];
	}
	head_len = len < IVM_FRAME_HEAD ? len : IVM_FRAME_HEAD;
	frame = realloc(frame, head_len);	/* reading beyond shows */
	verdict = ivm_guard_check(&config, frame, head_len, len);
	BUG_ON(verdict && (verdict < IVM_STAT_DROP_GUARD_MAC || verdict > IVM_STAT_DROP_GUARD_FRAGMENT));
	if (!verdict)
		judge(&config, frame, head_len);
	free(frame);
	return 0;
}
