// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the switch to the guest: one copy, into as many buffers as the driver
 * agreed to.
 *
 * First comes the room for all of a frame, then the copy. A frame for which there
 * is too little takes nothing from the ring: what was popped for it is put back.
 */
#include "virtio_net.h"

#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

#define RX_ADDRESSES	(2 * ETH_ALEN)	/* a tag comes behind them */

/*
 * Room for @len bytes. Return: 0; -EAGAIN there is too little, and the driver was
 * asked to tell when there is more; -EMSGSIZE it would be too many buffers; -EIO
 * the ring is broken.
 */
static int rx_find_room(struct ivm_vnet_rx *rx, u32 len)
{
	unsigned int most = READ_ONCE(rx->card->features) & VNET_F_MRG_RXBUF ? IVM_VQ_ROOM_CHAINS : 1;
	struct ivm_room *room = &rx->room;
	unsigned int before;
	int ret;

	room->len = 0;
	room->nr = 0;
	room->nr_pieces = 0;
	ret = ivm_vq_pop_room(rx->vq, room, len, most);
	/*
	 * Doorbells are asked for while all that the driver offered is popped:
	 * it rings for what it adds from here on, not for what it added. If that
	 * is still too little, it is asked anew, behind what is popped by now.
	 * Each turn takes a chain, of which there are few: a driver that offers
	 * and takes back does not hold us.
	 */
	while (unlikely(!ret) && ivm_vq_notify_enable(rx->vq)) {
		before = room->nr;
		ret = ivm_vq_pop_room(rx->vq, room, len, most);
		if (room->nr == before)
			break;
	}
	if (likely(ret > 0))
		return 0;
	return ret ? ret : -EAGAIN;
}

/* Where the next bytes go. There is room for all that is written: rx_find_room() has seen to that. */
struct rx_place {
	const struct ivm_piece *piece;
	u8 *to;
	u32 left;	/* of the piece */
};

static __always_inline void rx_wrote(struct rx_place *place, u32 len)
{
	place->to += len;
	place->left -= len;
}

static __always_inline void rx_next_piece(struct rx_place *place)
{
	place->piece++;
	place->to = place->piece->data;
	place->left = place->piece->len;
}

static void rx_write(struct rx_place *place, const void *from, u32 len)
{
	while (len > place->left) {
		memcpy(place->to, from, place->left);
		from += place->left;
		len -= place->left;
		rx_next_piece(place);
	}
	memcpy(place->to, from, len);
	rx_wrote(place, len);
}

static __always_inline void rx_write_header(struct rx_place *place, const struct ivm_vnet_hdr *hdr)
{
	if (unlikely(place->left < sizeof(*hdr))) {
		rx_write(place, hdr, sizeof(*hdr));
		return;
	}
	memcpy(place->to, hdr, sizeof(*hdr));
	rx_wrote(place, sizeof(*hdr));
}

static int rx_write_skb(struct rx_place *place, const struct ivm_frame *frame, u32 offset)
{
	u32 n, len = frame->len - offset;
	int err;

	for (;;) {
		n = min(place->left, len);
		err = ivm_vnet_skb_copy(frame->skb, offset, place->to, n);
		if (unlikely(err))
			return err;
		rx_wrote(place, n);
		offset += n;
		len -= n;
		if (!len)
			return 0;
		rx_next_piece(place);
	}
}

/* All from @offset on, which is where the head ends. */
static int rx_write_pieces(struct rx_place *place, const struct ivm_frame *frame, u32 offset)
{
	const struct ivm_piece *piece = frame->piece;
	u32 left = frame->len - offset, n;
	unsigned int i;

	for (i = 0; i < frame->nr_pieces && left; i++, piece++) {
		if (piece->len <= offset) {
			offset -= piece->len;
			continue;
		}
		n = min(piece->len - offset, left);
		rx_write(place, piece->data + offset, n);
		offset = 0;
		left -= n;
	}
	return left ? -EMSGSIZE : 0;
}

static int rx_write_frame(struct rx_place *place, const struct ivm_frame *frame)
{
	u32 head_len = min(frame->head_len, frame->len), from = 0;
	u8 tag[VLAN_HLEN];

	if (frame->tag_proto) {
		put_unaligned_be16(frame->tag_proto, tag);
		put_unaligned_be16(frame->tag, tag + 2);
		from = RX_ADDRESSES;
		rx_write(place, frame->head, from);
		rx_write(place, tag, sizeof(tag));
	}
	rx_write(place, frame->head + from, head_len - from);
	if (head_len == frame->len)
		return 0;
	return frame->skb ? rx_write_skb(place, frame, head_len) : rx_write_pieces(place, frame, head_len);
}

/* Return: 0 and the buffers are pushed; else nothing is taken from the ring. vq->lock held. */
static int rx_put(struct ivm_vnet_rx *rx, const struct ivm_frame *frame)
{
	const struct ivm_piece *first = rx->room.piece;
	u32 len = sizeof(struct ivm_vnet_hdr) + (frame->tag_proto ? VLAN_HLEN : 0) + frame->len;
	struct rx_place place;
	struct ivm_vnet_hdr hdr;
	int err;

	err = ivm_vnet_hdr_make(&hdr, READ_ONCE(rx->card->offloads), frame);
	if (unlikely(err))
		return err;
	err = rx_find_room(rx, len);
	if (likely(!err)) {
		hdr.num_buffers = cpu_to_le16(rx->room.nr);
		place = (struct rx_place){ .piece = first, .to = first->data, .left = first->len };
		rx_write_header(&place, &hdr);
		err = rx_write_frame(&place, frame);
	}
	if (unlikely(err)) {
		ivm_vq_unpop_room(rx->vq, &rx->room);
		return err;
	}
	ivm_vq_push_room(rx->vq, &rx->room, len);
	return 0;
}

static struct ivm_vnet_rx *rx_choose(struct ivm_virtio_net *card, const struct ivm_frame *frame)
{
	unsigned int pairs = READ_ONCE(card->pairs);
	u32 hash;

	if (pairs == 1)
		return &card->rx[0];
	hash = ivm_vnet_flow_hash(frame->head, min_t(u32, frame->head_len, IVM_FRAME_HEAD));
	return &card->rx[(u64)hash * pairs >> 32];
}

/**
 * ivm_vnet_rx_deliver() - ops->deliver of struct ivm_nic_ops: see there
 * @ctx:	card
 * @frame:	at least an Ethernet header
 * @queue:	not looked at: a flow belongs to a pair of the receiver's
 *
 * Context: bottom halves off, several CPUs at once, locks of the switch and of
 * a sender's transmit queue may be held.
 */
int ivm_vnet_rx_deliver(void *ctx, const struct ivm_frame *frame, unsigned int queue)
{
	struct ivm_virtio_net *card = ctx;
	bool interrupt = false;
	struct ivm_vnet_rx *rx;
	int err = -ENETDOWN;

	if (unlikely(frame->len < ETH_HLEN || frame->len > IVM_VNET_FRAME_MAX || frame->head_len < ETH_HLEN))
		return -EMSGSIZE;
	if (!ivm_vnet_filter_wants(card, frame))
		return -EPERM;
	rx = rx_choose(card, frame);
	spin_lock(&rx->vq->lock);
	if (likely(rx->open && !READ_ONCE(card->shut))) {
		err = rx_put(rx, frame);
		if (likely(!err)) {
			interrupt = ivm_vq_publish(rx->vq);
		} else if (err == -EAGAIN) {
			rx->starved = true;
		} else if (err == -EIO) {
			ivm_virtio_broken(card->virtio);
			ivm_vnet_ring_broken(card);
			err = -ENETDOWN;
		}
	}
	spin_unlock(&rx->vq->lock);
	if (interrupt)
		ivm_vq_interrupt(rx->vq);
	return err;
}

/**
 * ivm_vnet_rx_work() - the driver added buffers
 * @rx: queue
 *
 * Context: task, may sleep. If somebody waits for them, the switch is told; if
 * they are still too few, the next deliver() asks for doorbells again.
 */
void ivm_vnet_rx_work(struct ivm_vnet_rx *rx)
{
	struct ivm_virtio_net *card = rx->card;
	bool starved;

	clear_bit(ivm_vnet_rx_queue(rx->index), &card->pending);
	spin_lock_bh(&rx->vq->lock);
	starved = rx->open && rx->starved;
	rx->starved = false;
	if (rx->open)
		ivm_vq_notify_disable(rx->vq);
	spin_unlock_bh(&rx->vq->lock);
	if (starved)
		ivm_nic_room(card->nic);
}

void ivm_vnet_rx_init(struct ivm_vnet_rx *rx, struct ivm_virtio_net *card, unsigned int pair)
{
	rx->card = card;
	rx->index = pair;
}
