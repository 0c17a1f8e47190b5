// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which flow a frame belongs to, so that a guest with several pairs of queues
 * gets each flow in order by one of them (5.1.6.5.5). A guest that sends
 * colliding flows unbalances the queues of its receiver, and no more.
 */
#include "virtio_net.h"

#include <linux/bitops.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <asm/unaligned.h>

#define IP4_ADDRESSES	12	/* offsets in the header, both addresses in one piece */
#define IP6_ADDRESSES	8

/* Multiply and fold: each bit that goes in reaches the upper half of what comes out. */
static u64 flow_mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static u32 flow_end(u64 hash)
{
	return (hash * 0xbf58476d1ce4e5b9ULL) >> 32;
}

static bool flow_has_ports(u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

/**
 * ivm_vnet_flow_hash() - a number that is the same for all frames of a flow
 * @head:	first bytes of a frame, from the destination address on
 * @len:	how many
 *
 * Addresses, and ports where they can be seen; fragments go by address alone,
 * first ones too, so that all of a packet stay together.
 *
 * Return: 32 bits, the upper ones no worse than the lower. Any context.
 */
u32 ivm_vnet_flow_hash(const u8 *head, unsigned int len)
{
	unsigned int at = 2 * ETH_ALEN, l4;
	u64 hash;
	u16 proto;

	if (len < ETH_HLEN)
		return 0;
	proto = get_unaligned_be16(head + at);
	while ((proto == ETH_P_8021Q || proto == ETH_P_8021AD) && at + 6 <= len) {
		at += 4;
		proto = get_unaligned_be16(head + at);
	}
	at += 2;
	if (proto == ETH_P_IP && at + 20 <= len) {
		l4 = at + 4 * (head[at] & 0xf);
		hash = flow_mix(head[at + 9], get_unaligned((const u64 *)(head + at + IP4_ADDRESSES)));
		if (flow_has_ports(head[at + 9]) && !(get_unaligned_be16(head + at + 6) & 0x3fff) && l4 + 4 <= len)
			hash = flow_mix(hash, get_unaligned((const u32 *)(head + l4)));
	} else if (proto == ETH_P_IPV6 && at + 40 <= len) {
		hash = head[at + 6];
		for (l4 = at + IP6_ADDRESSES; l4 < at + 40; l4 += 8)
			hash = flow_mix(hash, get_unaligned((const u64 *)(head + l4)));
		if (flow_has_ports(head[at + 6]) && l4 + 4 <= len)
			hash = flow_mix(hash, get_unaligned((const u32 *)(head + l4)));
	} else {
		hash = flow_mix(get_unaligned((const u32 *)(head + 8)), get_unaligned((const u64 *)head));
	}
	return flow_end(hash);
}
