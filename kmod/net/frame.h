/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame on its way through the switch, wherever its bytes are.
 *
 * The switch decides by a head that nobody else can change: the linear part of
 * an skb, or a private copy of what a guest's ring holds. What comes after the
 * head is only ever copied. Builds in user space too.
 */
#ifndef IVM_NET_FRAME_H
#define IVM_NET_FRAME_H

#include <linux/types.h>

struct sk_buff;

/* Enough for two tags, IPv6 with an extension header or two, and what is behind them. */
#define IVM_FRAME_HEAD	192

/* Bytes of a guest's memory as the kernel sees them; the guest may change them at any moment. */
struct ivm_piece {
	void *data;
	u32 len;
};

/* Numbers as in virtio 1.2, 5.1.6.1 (struct virtio_net_hdr). */
enum ivm_gso {
	IVM_GSO_NONE = 0,
	IVM_GSO_TCP4 = 1,
	IVM_GSO_TCP6 = 4,
	IVM_GSO_UDP = 5,	/* USO */
};

/**
 * struct ivm_frame - one frame
 * @head:	its first bytes, from the destination address on; stable
 * @head_len:	how many: min(@len, IVM_FRAME_HEAD) at least, more for an skb
 * @len:	bytes of the whole frame, without the tag beside it, without FCS
 * @tag:	VLAN tag beside the frame (hardware-accelerated), TCI in host order; valid with @tag_proto
 * @tag_proto:	0: no tag beside the frame; else 0x8100 or 0x88a8
 * @gso:	enum ivm_gso
 * @ecn:	TCP segments carry CWR as RFC 3168 asks
 * @gso_size:	payload of a segment; not 0 with @gso
 * @hdr_len:	bytes of all headers; with @gso, checked to lie within the frame
 * @needs_csum:	checksum from @csum_start to the end goes to @csum_start + @csum_offset;
 *		both lie within the frame, checked
 * @csum_valid:	whoever brought it vouches for the checksums
 * @skb:	the frame as skb, at its Ethernet header, or NULL
 * @piece:	without @skb: all bytes of the frame, @head's too
 * @nr_pieces:	how many
 */
struct ivm_frame {
	const u8 *head;
	u32 head_len;
	u32 len;
	u16 tag, tag_proto;
	u8 gso;
	bool ecn, needs_csum, csum_valid;
	u16 gso_size, hdr_len;
	u16 csum_start, csum_offset;
	struct sk_buff *skb;
	const struct ivm_piece *piece;
	unsigned int nr_pieces;
};

#endif
