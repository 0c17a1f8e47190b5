// SPDX-License-Identifier: GPL-2.0-only
/* Frames of guests as skbs, and skbs as frames for guests, with their offloads kept whole. */
#include "nic.h"
#include "vlan.h"

#include <asm/unaligned.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define MSS_MIN		48	/* as the host's own TCP; less would make thousands of segments of one frame */
#define SEGMENTS_MAX	128	/* of a UDP frame */

/* What the head says of the transport header: its protocol, 0 when it is not told by the first IP header. */
static u8 transport(const struct ivm_frame *frame, bool ip6)
{
	const u8 *ip = frame->head + ETH_HLEN;
	u16 type = get_unaligned_be16(frame->head + 12);

	if (!ip6 && type == ETH_P_IP && frame->head_len >= ETH_HLEN + sizeof(struct iphdr) &&
	    ip[0] >> 4 == 4 && frame->csum_start == ETH_HLEN + (ip[0] & 15) * 4)
		return ip[9];
	if (ip6 && type == ETH_P_IPV6 && frame->head_len >= ETH_HLEN + sizeof(struct ipv6hdr) &&
	    ip[0] >> 4 == 6 && frame->csum_start >= ETH_HLEN + sizeof(struct ipv6hdr))
		/* extension headers are walked by whoever cuts it up */
		return frame->csum_start == ETH_HLEN + sizeof(struct ipv6hdr) ? ip[6] : IPPROTO_TCP;
	return 0;
}

bool ivm_nic_offloads_sane(const struct ivm_frame *frame)
{
	u32 payload;

	if (frame->needs_csum && (frame->csum_start < ETH_HLEN ||
				  frame->csum_start + frame->csum_offset + 2 > min_t(u32, frame->len, IVM_NIC_LINEAR_MAX)))
		return false;
	if (frame->gso == IVM_GSO_NONE)
		return true;
	if (!frame->needs_csum || frame->hdr_len > min_t(u32, frame->head_len, IVM_NIC_LINEAR_MAX) || !frame->gso_size ||
	    frame->hdr_len >= frame->len)
		return false;
	payload = frame->len - frame->hdr_len;
	switch (frame->gso) {
	case IVM_GSO_TCP4:
	case IVM_GSO_TCP6:
		return transport(frame, frame->gso == IVM_GSO_TCP6) == IPPROTO_TCP && frame->gso_size >= MSS_MIN &&
		       frame->csum_offset == offsetof(struct tcphdr, check) &&
		       frame->hdr_len >= frame->csum_start + sizeof(struct tcphdr);
	case IVM_GSO_UDP:
		return (transport(frame, false) == IPPROTO_UDP || transport(frame, true) == IPPROTO_UDP) &&
		       frame->csum_offset == offsetof(struct udphdr, check) &&
		       frame->hdr_len == frame->csum_start + sizeof(struct udphdr) &&
		       DIV_ROUND_UP(payload, frame->gso_size) <= SEGMENTS_MAX;
	default:
		return false;
	}
}

/* ---- from a guest ---- */

/* Copies what the pieces hold from offset @from on into @skb; the guest may change it meanwhile, so nobody looks. */
static bool copy_pieces(struct sk_buff *skb, const struct ivm_frame *frame, u32 from)
{
	u32 at = 0, done = from, n;
	unsigned int i;

	for (i = 0; i < frame->nr_pieces && done < frame->len; i++) {
		const struct ivm_piece *piece = &frame->piece[i];

		if (done < at + piece->len) {
			n = min(at + piece->len - done, frame->len - done);
			if (skb_store_bits(skb, done, piece->data + (done - at), n))
				return false;
			done += n;
		}
		at += piece->len;
	}
	return done == frame->len;
}

static void set_gso(struct sk_buff *skb, const struct ivm_frame *frame)
{
	struct skb_shared_info *shared = skb_shinfo(skb);

	switch (frame->gso) {
	case IVM_GSO_TCP4:
		shared->gso_type = SKB_GSO_TCPV4;
		break;
	case IVM_GSO_TCP6:
		shared->gso_type = SKB_GSO_TCPV6;
		break;
	case IVM_GSO_UDP:
		shared->gso_type = SKB_GSO_UDP_L4;
		break;
	default:
		return;
	}
	if (frame->ecn && frame->gso != IVM_GSO_UDP)
		shared->gso_type |= SKB_GSO_TCP_ECN;
	/* somebody else's word: whoever cuts it up looks at the headers again */
	shared->gso_type |= SKB_GSO_DODGY;
	shared->gso_size = frame->gso_size;
	shared->gso_segs = DIV_ROUND_UP(frame->len - frame->hdr_len, frame->gso_size);
}

struct sk_buff *ivm_nic_build_skb(const struct ivm_frame *frame, struct net_device *dev)
{
	u32 head = min_t(u32, min(frame->head_len, frame->len), IVM_FRAME_HEAD);
	u32 linear = min_t(u32, frame->len, max_t(u32, head, frame->needs_csum ? IVM_NIC_LINEAR_MAX : IVM_FRAME_HEAD));
	struct sk_buff *skb;
	int err;

	/* a frame that fits is copied into one piece, so that nobody pulls later */
	if (frame->len <= SKB_WITH_OVERHEAD(2048) - NET_SKB_PAD - NET_IP_ALIGN)
		linear = frame->len;
	skb = alloc_skb_with_frags(NET_SKB_PAD + NET_IP_ALIGN + linear, frame->len - linear, PAGE_ALLOC_COSTLY_ORDER,
				   &err, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	skb_put(skb, linear);
	skb->data_len = frame->len - linear;
	skb->len += skb->data_len;
	memcpy(skb->data, frame->head, head);
	if (!copy_pieces(skb, frame, head)) {
		kfree_skb(skb);
		return NULL;
	}
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->mac_len = ETH_HLEN;
	skb->dev = dev;
	skb->skb_iif = dev->ifindex;
	skb->protocol = eth_hdr(skb)->h_proto;
	if (!eth_proto_is_802_3(skb->protocol))
		skb->protocol = htons(ETH_P_802_2);
	if (frame->tag_proto)
		__vlan_hwaccel_put_tag(skb, htons(frame->tag_proto), frame->tag);
	if (frame->needs_csum) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) + frame->csum_start;
		skb->csum_offset = frame->csum_offset;
		skb_set_transport_header(skb, frame->csum_start);
	}
	set_gso(skb, frame);
	return skb;
}

/* ---- to a guest ---- */

static bool gso_of(struct ivm_frame *frame, struct sk_buff *skb)
{
	const struct skb_shared_info *shared = skb_shinfo(skb);

	if (!skb_is_gso(skb))
		return true;
	if (!frame->needs_csum)
		return false;
	frame->gso_size = shared->gso_size;
	frame->ecn = shared->gso_type & SKB_GSO_TCP_ECN;
	if (shared->gso_type & SKB_GSO_TCPV4)
		frame->gso = IVM_GSO_TCP4;
	else if (shared->gso_type & SKB_GSO_TCPV6)
		frame->gso = IVM_GSO_TCP6;
	else if (shared->gso_type & SKB_GSO_UDP_L4)
		frame->gso = IVM_GSO_UDP;
	else
		return false;
	if (frame->gso == IVM_GSO_UDP) {
		frame->hdr_len = frame->csum_start + sizeof(struct udphdr);
	} else {
		struct tcphdr *tcp, copy;

		tcp = skb_header_pointer(skb, frame->csum_start, sizeof(copy), &copy);
		if (!tcp || tcp->doff < 5)
			return false;
		frame->hdr_len = frame->csum_start + tcp->doff * 4;
	}
	return frame->hdr_len < frame->len;
}

bool ivm_nic_frame_of(struct ivm_frame *frame, struct sk_buff *skb)
{
	int start;

	if (skb->len < ETH_HLEN || !pskb_may_pull(skb, min_t(u32, skb->len, IVM_FRAME_HEAD)))
		return false;
	memset(frame, 0, sizeof(*frame));
	frame->head = skb->data;
	frame->head_len = skb_headlen(skb);
	frame->len = skb->len;
	frame->skb = skb;
	if (skb_vlan_tag_present(skb)) {
		frame->tag = skb_vlan_tag_get(skb);
		frame->tag_proto = ntohs(skb->vlan_proto);
	}
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		start = skb_checksum_start_offset(skb);
		if (start < ETH_HLEN || start + skb->csum_offset + 2 > skb->len)
			return false;
		frame->needs_csum = true;
		frame->csum_start = start;
		frame->csum_offset = skb->csum_offset;
	}
	frame->csum_valid = skb->ip_summed == CHECKSUM_UNNECESSARY;
	return gso_of(frame, skb);
}
