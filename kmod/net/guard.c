// SPDX-License-Identifier: GPL-2.0-only
/* Does a frame speak in the name of the port that it comes from? */
#include "guard.h"
#include "vlan.h"

#include <linux/kernel.h>
#include <linux/string.h>

#define GUARD_TAGS	2	/* tags inside the frame that are looked through */
#define GUARD_EXT	8	/* extension headers of IPv6 */

#define TYPE_IP4	0x0800
#define TYPE_ARP	0x0806
#define TYPE_RARP	0x8035
#define TYPE_IP6	0x86dd
#define LENGTH_MAX	0x05ff	/* a length, not a type: to 0x05dc by IEEE 802.3, to here for Linux */

#define PROTO_ICMP6	58
#define PROTO_UDP	17

#define PORT_DHCP_SERVER	67
#define PORT_DHCP_CLIENT	68
#define PORT_DHCP6_CLIENT	546
#define PORT_DHCP6_SERVER	547

#define ND_RS		133	/* RFC 4861 */
#define ND_RA		134
#define ND_NS		135
#define ND_NA		136
#define ND_REDIRECT	137
#define MLD_REPORT	131	/* RFC 2710, 3810 */
#define MLD_DONE	132
#define MLD2_REPORT	143
#define ND_OPT_SOURCE	1
#define ND_OPT_TARGET	2

/*
 * What is left to look at: @at points to @seen bytes that can be read, of @len
 * that the packet has.
 */
struct rest {
	const struct ivm_port_config *config;
	const u8 *at;
	u32 seen, len;
};

static bool skip(struct rest *rest, u32 bytes)
{
	if (bytes > rest->seen)
		return false;
	rest->at += bytes;
	rest->seen -= bytes;
	rest->len -= bytes;
	return true;
}

/* Padding behind the packet is not the packet's. */
static void cut(struct rest *rest, u32 len)
{
	rest->len = len;
	rest->seen = min(rest->seen, len);
}

static u16 word(const u8 *at)
{
	return at[0] << 8 | at[1];
}

static bool own_mac(const struct ivm_port_config *config, const u8 *mac)
{
	unsigned int i;

	for (i = 0; i < config->nr_macs; i++)
		if (!memcmp(config->mac[i], mac, ETH_ALEN))
			return true;
	return false;
}

static bool in_prefix(const struct ivm_ip_prefix *prefix, const u8 *addr)
{
	unsigned int bytes = prefix->len / 8, bits = prefix->len % 8;

	return !memcmp(prefix->addr, addr, bytes) && (!bits || !((prefix->addr[bytes] ^ addr[bytes]) >> (8 - bits)));
}

static bool listed(const struct ivm_port_config *config, u8 family, const u8 *addr)
{
	unsigned int i;

	for (i = 0; i < config->nr_ips; i++)
		if (config->ip[i].family == family && in_prefix(&config->ip[i], addr))
			return true;
	return !config->nr_ips;
}

static bool all_zero(const u8 *at, unsigned int n)
{
	while (n--)
		if (*at++)
			return false;
	return true;
}

/* fe80::/64 with the interface identifier that RFC 4291 makes of one of the port's MACs. */
static bool own_link_local(const struct ivm_port_config *config, const u8 *addr)
{
	unsigned int i;

	if (addr[0] != 0xfe || addr[1] != 0x80 || !all_zero(addr + 2, 6) || addr[11] != 0xff || addr[12] != 0xfe)
		return false;
	for (i = 0; i < config->nr_macs; i++) {
		const u8 *mac = config->mac[i];

		if ((addr[8] ^ 2) == mac[0] && !memcmp(addr + 9, mac + 1, 2) && !memcmp(addr + 13, mac + 3, 3))
			return true;
	}
	return false;
}

static bool own_ip6(const struct ivm_port_config *config, const u8 *addr)
{
	return listed(config, AF_INET6, addr) || own_link_local(config, addr);
}

/* ARP over Ethernet for IPv4, and its reverse twin of the same layout. The address 0.0.0.0 probes (RFC 5227). */
static unsigned int check_arp(struct rest *rest)
{
	static const u8 kind[6] = { 0, 1, TYPE_IP4 >> 8, TYPE_IP4 & 0xff, 6, 4 };
	const u8 *at = rest->at;

	if (rest->seen < 28 || memcmp(at, kind, sizeof(kind)) || !own_mac(rest->config, at + 8))
		return IVM_STAT_DROP_GUARD_ARP;
	if (!all_zero(at + 14, 4) && !listed(rest->config, AF_INET, at + 14))
		return IVM_STAT_DROP_GUARD_ARP;
	return 0;
}

/* The client's hardware address inside a request: the lease would be somebody else's. */
static unsigned int check_dhcp_request(struct rest *rest)
{
	const u8 *bootp = rest->at + 8;

	if (rest->seen < 8 + 34)
		return rest->len < 8 + 34 ? IVM_STAT_DROP_GUARD_IP4 : IVM_STAT_DROP_GUARD_FRAGMENT;
	/* op request, Ethernet, six bytes */
	if (bootp[0] != 1 || bootp[1] != 1 || bootp[2] != ETH_ALEN || !own_mac(rest->config, bootp + 28))
		return IVM_STAT_DROP_GUARD_MAC;
	return 0;
}

static unsigned int check_ip4(struct rest *rest)
{
	const struct ivm_port_config *config = rest->config;
	const u8 *ip = rest->at;
	bool unset, served = config->serves & IVM_PORT_SERVES_DHCP;
	u16 fragment, from, to;
	u32 header;

	if (rest->seen < 20 || ip[0] >> 4 != 4)
		return IVM_STAT_DROP_GUARD_IP4;
	header = (ip[0] & 15) * 4;
	if (header < 20 || word(ip + 2) < header || word(ip + 2) > rest->len)
		return IVM_STAT_DROP_GUARD_IP4;
	cut(rest, word(ip + 2));
	/* who has no address yet may ask for one, and nothing else */
	unset = all_zero(ip + 12, 4);
	if (!unset && !listed(config, AF_INET, ip + 12))
		return IVM_STAT_DROP_GUARD_IP4;
	fragment = word(ip + 6) & 0x3fff;	/* MF and offset */
	if (ip[9] != PROTO_UDP)
		return unset && config->nr_ips ? IVM_STAT_DROP_GUARD_IP4 : 0;
	if (fragment & 0x1fff)		/* its first fragment is refused where it must be */
		return unset ? IVM_STAT_DROP_GUARD_FRAGMENT : 0;
	if (!skip(rest, header) || rest->seen < 8)
		return IVM_STAT_DROP_GUARD_FRAGMENT;
	from = word(rest->at);
	to = word(rest->at + 2);
	/* clients look at their own port only */
	if ((from == PORT_DHCP_SERVER || to == PORT_DHCP_CLIENT) && !served)
		return IVM_STAT_DROP_GUARD_SERVER;
	if (to == PORT_DHCP_SERVER && !served) {
		if (fragment)
			return IVM_STAT_DROP_GUARD_FRAGMENT;
		return check_dhcp_request(rest);
	}
	return unset && config->nr_ips && to != PORT_DHCP_SERVER ? IVM_STAT_DROP_GUARD_IP4 : 0;
}

/* Options of neighbour discovery from offset @from on: link-layer addresses in them are the port's own. */
static unsigned int check_nd_options(struct rest *rest, u32 from, bool source_forbidden)
{
	if (!skip(rest, from))
		return rest->len < from ? IVM_STAT_DROP_GUARD_ND : IVM_STAT_DROP_GUARD_FRAGMENT;
	while (rest->len) {
		if (rest->seen < 8)
			return rest->len < 8 ? IVM_STAT_DROP_GUARD_ND : IVM_STAT_DROP_GUARD_FRAGMENT;
		if (!rest->at[1] || rest->at[1] * 8 > rest->len)
			return IVM_STAT_DROP_GUARD_ND;
		if (rest->at[0] == ND_OPT_SOURCE || rest->at[0] == ND_OPT_TARGET) {
			if (rest->at[1] != 1 || !own_mac(rest->config, rest->at + 2))
				return IVM_STAT_DROP_GUARD_ND;
			if (rest->at[0] == ND_OPT_SOURCE && source_forbidden)
				return IVM_STAT_DROP_GUARD_ND;
		}
		if (!skip(rest, rest->at[1] * 8))
			return IVM_STAT_DROP_GUARD_FRAGMENT;
	}
	return 0;
}

/* @unset: the source is ::, which an interface has before it has an address. */
static unsigned int check_icmp6(struct rest *rest, bool unset)
{
	const struct ivm_port_config *config = rest->config;
	const u8 *icmp = rest->at;

	if (rest->seen < 4)
		return rest->len < 4 ? IVM_STAT_DROP_GUARD_ND : IVM_STAT_DROP_GUARD_FRAGMENT;
	switch (icmp[0]) {
	case ND_RS:
		return check_nd_options(rest, 8, unset);
	case ND_RA:
	case ND_REDIRECT:
		if (!(config->serves & IVM_PORT_SERVES_RA))
			return IVM_STAT_DROP_GUARD_SERVER;
		if (unset)
			return IVM_STAT_DROP_GUARD_ND;
		/* a redirect's target may well be somebody else */
		return icmp[0] == ND_RA ? check_nd_options(rest, 16, false) : 0;
	case ND_NS:
	case ND_NA:
		if (rest->seen < 24)
			return rest->len < 24 ? IVM_STAT_DROP_GUARD_ND : IVM_STAT_DROP_GUARD_FRAGMENT;
		/* NA claims its target; NS from :: is about to claim it (RFC 4862) */
		if ((icmp[0] == ND_NA || unset) && !own_ip6(config, icmp + 8))
			return IVM_STAT_DROP_GUARD_ND;
		if (icmp[0] == ND_NA && unset)
			return IVM_STAT_DROP_GUARD_ND;
		return check_nd_options(rest, 24, unset);
	case MLD_REPORT:
	case MLD_DONE:
	case MLD2_REPORT:
		return 0;
	default:
		return unset ? IVM_STAT_DROP_GUARD_IP6 : 0;
	}
}

static bool is_extension(u8 next)
{
	switch (next) {
	case 0:		/* hop by hop */
	case 43:	/* routing */
	case 44:	/* fragment */
	case 51:	/* authentication */
	case 60:	/* destination */
	case 135:	/* mobility */
	case 139:	/* host identity */
	case 140:	/* shim6 */
		return true;
	default:
		return false;
	}
}

static unsigned int check_ip6(struct rest *rest)
{
	const struct ivm_port_config *config = rest->config;
	const u8 *ip = rest->at;
	bool unset, fragment = false;
	unsigned int i;
	u32 payload;
	u16 offset;
	u8 next;

	if (rest->seen < 40 || ip[0] >> 4 != 6)
		return IVM_STAT_DROP_GUARD_IP6;
	unset = all_zero(ip + 8, 16);
	if (!unset && !own_ip6(config, ip + 8))
		return IVM_STAT_DROP_GUARD_IP6;
	payload = word(ip + 4);
	next = ip[6];
	skip(rest, 40);
	if (payload > rest->len)
		return IVM_STAT_DROP_GUARD_IP6;
	/* a length of 0 would be a jumbogram (RFC 2675), whose length nobody checks here */
	if (!payload && next != 59 && rest->len)
		return IVM_STAT_DROP_GUARD_IP6;
	cut(rest, payload);
	for (i = 0; is_extension(next); i++) {
		u8 this = next;
		u32 size;

		if (i == GUARD_EXT || rest->seen < 8)
			return IVM_STAT_DROP_GUARD_FRAGMENT;
		next = rest->at[0];
		size = 8 + rest->at[1] * 8;
		if (this == 51)
			size = 8 + rest->at[1] * 4;
		if (this == 44) {
			size = 8;
			offset = word(rest->at + 2);
			/* an atomic fragment is whole (RFC 6946) */
			if (offset & 0xfff9)
				fragment = true;
			/* headers lie in the first one, which was looked at (RFC 7112) */
			if (offset & 0xfff8)
				return unset ? IVM_STAT_DROP_GUARD_FRAGMENT : 0;
		}
		if (!skip(rest, size))
			return IVM_STAT_DROP_GUARD_FRAGMENT;
	}
	switch (next) {
	case PROTO_ICMP6:
		/* discovery is never fragmented (RFC 6980) */
		if (fragment && (rest->seen < 1 || (rest->at[0] >= ND_RS && rest->at[0] <= ND_REDIRECT)))
			return IVM_STAT_DROP_GUARD_FRAGMENT;
		return check_icmp6(rest, unset);
	case PROTO_UDP:
		if (rest->seen < 8)
			return IVM_STAT_DROP_GUARD_FRAGMENT;
		if ((word(rest->at) == PORT_DHCP6_SERVER || word(rest->at + 2) == PORT_DHCP6_CLIENT) &&
		    !(config->serves & IVM_PORT_SERVES_DHCP))
			return IVM_STAT_DROP_GUARD_SERVER;
		break;
	}
	return unset ? IVM_STAT_DROP_GUARD_IP6 : 0;
}

unsigned int ivm_guard_check(const struct ivm_port_config *config, const u8 *head, u32 head_len, u32 len)
{
	static const u8 snap[6] = { 0xaa, 0xaa, 3, 0, 0, 0 };
	struct rest rest = { .config = config, .at = head, .seen = min(head_len, len), .len = len };
	unsigned int tags;
	u16 type;

	if (!own_mac(config, head + ETH_ALEN))
		return IVM_STAT_DROP_GUARD_MAC;
	type = word(head + 12);
	skip(&rest, ETH_HLEN);
	for (tags = 0; ivm_is_tag(type); tags++) {
		if (tags == GUARD_TAGS || rest.seen < 4)
			return IVM_STAT_DROP_GUARD_FRAGMENT;
		type = word(rest.at + 2);
		skip(&rest, 4);
	}
	/* RFC 1042: a length, and the type behind it */
	if (type <= LENGTH_MAX && rest.seen >= 8 && !memcmp(rest.at, snap, sizeof(snap))) {
		type = word(rest.at + 6);
		skip(&rest, 8);
	}
	switch (type) {
	case TYPE_ARP:
	case TYPE_RARP:
		return check_arp(&rest);
	case TYPE_IP4:
		return check_ip4(&rest);
	case TYPE_IP6:
		return check_ip6(&rest);
	default:
		return 0;
	}
}
