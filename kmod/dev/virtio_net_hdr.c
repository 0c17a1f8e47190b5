// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header before each frame (virtio 1.2, 5.1.6): what the guest claims about
 * a frame is checked against the frame, and what the switch says is told to the
 * guest. Pure functions over private copies; fuzzed by selftests/unit.
 */
#include "virtio_net.h"

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

static_assert(sizeof(struct ivm_vnet_hdr) == 12);

#define TCP_HEADER	20
#define TCP_CHECK	16	/* offset of the checksum */
#define UDP_HEADER	8
#define UDP_CHECK	6
#define IP4_HEADER	20
#define IP6_HEADER	40
#define IP6_HOP		0	/* extension headers that tell their length in units of 8 bytes */
#define IP6_ROUTING	43
#define IP6_OPTIONS	60

/* Offset behind the Ethernet header and up to two tags; 0: there is no such thing in @len bytes. */
static unsigned int hdr_network(const u8 *head, unsigned int len, u16 *proto)
{
	unsigned int at = 2 * ETH_ALEN, tags = 0;

	for (;;) {
		if (at + 2 > len)
			return 0;
		*proto = get_unaligned_be16(head + at);
		at += 2;
		if ((*proto != ETH_P_8021Q && *proto != ETH_P_8021AD) || tags++ == 2)
			return at;
		at += 2;
	}
}

/* Is there IPv4 at @at, whole, that carries @want at @transport? */
static bool hdr_ip4(const u8 *head, unsigned int len, unsigned int at, u8 want, unsigned int transport)
{
	const u8 *ip = head + at;

	if (at + IP4_HEADER > len || ip[0] >> 4 != 4)
		return false;
	return (ip[0] & 0xf) >= 5 && at + 4 * (ip[0] & 0xf) == transport && ip[9] == want &&
	       !(get_unaligned_be16(ip + 6) & 0x3fff);
}

/* Likewise IPv6, behind whatever extension headers may stand before the transport. */
static bool hdr_ip6(const u8 *head, unsigned int len, unsigned int at, u8 want, unsigned int transport)
{
	u8 next;

	if (at + IP6_HEADER > len || head[at] >> 4 != 6)
		return false;
	next = head[at + 6];
	at += IP6_HEADER;
	while (next == IP6_HOP || next == IP6_ROUTING || next == IP6_OPTIONS) {
		if (at + 8 > len)
			return false;
		next = head[at];
		at += 8 * (head[at + 1] + 1);
	}
	return next == want && at == transport;
}

static u64 hdr_gso_feature(u8 type)
{
	switch (type) {
	case IVM_GSO_TCP4:
		return VNET_F_HOST_TSO4;
	case IVM_GSO_TCP6:
		return VNET_F_HOST_TSO6;
	case IVM_GSO_UDP:
		return VNET_F_HOST_USO;
	default:
		return 0;
	}
}

/* Do the frame's own headers say what @type says? Then how long all of them are, else 0. */
static unsigned int hdr_gso_headers(u8 type, const struct ivm_frame *frame)
{
	unsigned int len = min_t(u32, frame->head_len, IVM_FRAME_HEAD), start = frame->csum_start, at;
	u8 want = type == IVM_GSO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	const u8 *head = frame->head;
	bool found = false;
	u16 proto;

	at = hdr_network(head, len, &proto);
	if (!at)
		return 0;
	if (proto == ETH_P_IP && type != IVM_GSO_TCP6)
		found = hdr_ip4(head, len, at, want, start);
	else if (proto == ETH_P_IPV6 && type != IVM_GSO_TCP4)
		found = hdr_ip6(head, len, at, want, start);
	if (!found)
		return 0;
	if (want == IPPROTO_UDP)
		return frame->csum_offset == UDP_CHECK && start + UDP_HEADER <= len ? start + UDP_HEADER : 0;
	if (frame->csum_offset != TCP_CHECK || start + TCP_HEADER > len)
		return 0;
	at = 4 * (head[start + 12] >> 4);
	return at >= TCP_HEADER && start + at <= len ? start + at : 0;
}

static enum ivm_vnet_bad hdr_check_gso(const struct ivm_vnet_hdr *hdr, u64 features, unsigned int limit,
				       struct ivm_frame *frame)
{
	u8 type = hdr->gso_type & ~VNET_HDR_GSO_ECN;
	unsigned int size = le16_to_cpu(hdr->gso_size), headers;
	bool ecn = hdr->gso_type & VNET_HDR_GSO_ECN;

	if (!(features & hdr_gso_feature(type)) || !frame->needs_csum)
		return IVM_VNET_BAD_GSO;
	if (ecn && (type == IVM_GSO_UDP || !(features & VNET_F_HOST_ECN)))
		return IVM_VNET_BAD_GSO;
	headers = hdr_gso_headers(type, frame);
	/* hdr_len is a hint (5.1.6.2.2): the frame's headers are what counts. */
	if (!headers || headers > frame->len || size < IVM_VNET_GSO_SIZE_MIN || size > limit - min(headers, limit))
		return IVM_VNET_BAD_GSO;
	if (frame->len > IVM_VNET_FRAME_MAX)
		return IVM_VNET_BAD_LENGTH;
	if (frame->len - headers <= size)
		return IVM_VNET_FINE;	/* one segment is an ordinary frame */
	frame->gso = type;
	frame->ecn = ecn;
	frame->gso_size = size;
	frame->hdr_len = headers;
	return IVM_VNET_FINE;
}

/**
 * ivm_vnet_hdr_check() - believe a guest's header, or not
 * @hdr:	private copy
 * @features:	negotiated
 * @mtu:	of the card; a tag comes on top
 * @frame:	head, head_len and len are set, all else is 0; the fields of
 *		checksum and segments are filled here
 *
 * A driver must not use what it has not negotiated, must give a checksum with
 * segments, and hdr_len must not be relied on (5.1.6.2). Unknown flags are
 * ignored, as a device must (5.1.6.2.2).
 *
 * Return: IVM_VNET_FINE, or what is wrong. Any context.
 */
enum ivm_vnet_bad ivm_vnet_hdr_check(const struct ivm_vnet_hdr *hdr, u64 features, unsigned int mtu,
				     struct ivm_frame *frame)
{
	unsigned int limit = mtu + ETH_HLEN + VLAN_HLEN, start, offset;
	enum ivm_vnet_bad bad;

	if (frame->len < ETH_HLEN)
		return IVM_VNET_BAD_LENGTH;
	if (hdr->flags & VNET_HDR_NEEDS_CSUM) {
		start = le16_to_cpu(hdr->csum_start);
		offset = le16_to_cpu(hdr->csum_offset);
		if (!(features & VNET_F_CSUM) || start < ETH_HLEN || start + offset + 2 > frame->len)
			return IVM_VNET_BAD_CSUM;
		frame->needs_csum = true;
		frame->csum_start = start;
		frame->csum_offset = offset;
	}
	if (hdr->gso_type != IVM_GSO_NONE) {
		bad = hdr_check_gso(hdr, features, limit, frame);
		if (bad || frame->gso)
			return bad;
	}
	return frame->len > limit ? IVM_VNET_BAD_LENGTH : IVM_VNET_FINE;
}

/**
 * ivm_vnet_hdr_make() - the header that goes before a frame for the guest
 * @hdr:	filled
 * @offloads:	of VNET_F_GUEST_OFFLOADS, what the driver takes now
 * @frame:	a tag beside it is going to be written into it
 *
 * Return: 0, or -EMSGSIZE when the driver does not take such a frame. Any context.
 */
int ivm_vnet_hdr_make(struct ivm_vnet_hdr *hdr, u64 offloads, const struct ivm_frame *frame)
{
	unsigned int shift = frame->tag_proto ? VLAN_HLEN : 0;
	u64 need = 0;

	*hdr = (struct ivm_vnet_hdr){ .num_buffers = cpu_to_le16(1) };
	if (frame->needs_csum) {
		if (!(offloads & VNET_F_GUEST_CSUM) || frame->csum_start + shift > U16_MAX)
			return -EMSGSIZE;
		hdr->flags = VNET_HDR_NEEDS_CSUM;
		hdr->csum_start = cpu_to_le16(frame->csum_start + shift);
		hdr->csum_offset = cpu_to_le16(frame->csum_offset);
	} else if (frame->csum_valid && (offloads & VNET_F_GUEST_CSUM)) {
		hdr->flags = VNET_HDR_DATA_VALID;
	}
	if (frame->gso == IVM_GSO_NONE)
		return 0;
	switch (frame->gso) {
	case IVM_GSO_TCP4:
		need = VNET_F_GUEST_TSO4;
		break;
	case IVM_GSO_TCP6:
		need = VNET_F_GUEST_TSO6;
		break;
	case IVM_GSO_UDP:
		need = VNET_F_GUEST_USO4 | VNET_F_GUEST_USO6;
		break;
	}
	if (frame->ecn)
		need |= VNET_F_GUEST_ECN;
	/* A driver expects the checksum to be left to it (5.1.6.4.2). */
	if (!frame->needs_csum || (offloads & need) != need || frame->hdr_len + shift > U16_MAX)
		return -EMSGSIZE;
	hdr->gso_type = frame->gso | (frame->ecn ? VNET_HDR_GSO_ECN : 0);
	hdr->gso_size = cpu_to_le16(frame->gso_size);
	hdr->hdr_len = cpu_to_le16(frame->hdr_len + shift);
	return 0;
}
