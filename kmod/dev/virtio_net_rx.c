// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the switch to the guest: one copy, into as many buffers as the driver
 * agreed to.
 *
 * A frame for which there is no room takes nothing from the ring: what was
 * popped for it is put back, and whatever was written into those buffers is
 * written again next time; they are ours until they are pushed.
 */
#include "virtio_net.h"

#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/unaligned.h>

#define RX_ADDRESSES	(2 * ETH_ALEN)	/* a tag comes behind them */

/*
 * Begin the next chain. Return: 0; -EAGAIN there is none, and the driver was
 * asked to tell when there is; -EMSGSIZE the frame is in too many already; -EIO
 * the ring is broken.
 */
static int rx_next_chain(struct ivm_vnet_rx *rx)
{
	struct ivm_chain *chain = &rx->chain;
	int ret;

	if (unlikely(rx->nr == IVM_VNET_RX_CHAINS))
		return -EMSGSIZE;
	ret = ivm_vq_pop(rx->vq, chain);
	/*
	 * Doorbells are asked for while all that the driver offered is popped:
	 * it rings for what it adds from here on, not for what it added. One
	 * second look: a driver that offers and takes back must not hold us.
	 */
	if (unlikely(!ret) && ivm_vq_notify_enable(rx->vq))
		ret = ivm_vq_pop(rx->vq, chain);
	if (unlikely(ret <= 0))
		return ret ? ret : -EAGAIN;
	rx->done[rx->nr].head = chain->head;
	rx->done[rx->nr].used = 0;
	rx->nr++;
	rx->piece = chain->nr_out;
	rx->at = 0;
	rx->left = chain->in_len;
	return likely(rx->left) ? 0 : -EIO;	/* a buffer that is none: no driver of sound mind */
}

/* The chain is full, or there is none yet. */
static noinline int rx_next(struct ivm_vnet_rx *rx)
{
	if (rx->nr && !(READ_ONCE(rx->card->features) & VNET_F_MRG_RXBUF))
		return -EMSGSIZE;
	return rx_next_chain(rx);
}

/* Where the next bytes go, and how many may: at least one. Return: 0, or as rx_next_chain(), or -EMSGSIZE: no room. */
static __always_inline int rx_room(struct ivm_vnet_rx *rx, u8 **to, u32 *room)
{
	const struct ivm_piece *piece;
	int err;

	if (unlikely(!rx->left)) {
		err = rx_next(rx);
		if (err)
			return err;
	}
	piece = &rx->chain.piece[rx->piece];
	while (unlikely(rx->at == piece->len)) {
		piece = &rx->chain.piece[++rx->piece];
		rx->at = 0;
	}
	*to = piece->data + rx->at;
	*room = piece->len - rx->at;
	return 0;
}

static __always_inline void rx_wrote(struct ivm_vnet_rx *rx, u32 len)
{
	rx->at += len;
	rx->left -= len;
	rx->done[rx->nr - 1].used += len;
}

static int rx_write(struct ivm_vnet_rx *rx, const void *from, u32 len)
{
	u32 room;
	u8 *to;
	int err;

	while (len) {
		err = rx_room(rx, &to, &room);
		if (unlikely(err))
			return err;
		room = min(room, len);
		memcpy(to, from, room);
		rx_wrote(rx, room);
		from += room;
		len -= room;
	}
	return 0;
}

static int rx_write_skb(struct ivm_vnet_rx *rx, const struct ivm_frame *frame, u32 offset)
{
	u32 room, len = frame->len - offset;
	u8 *to;
	int err;

	while (len) {
		err = rx_room(rx, &to, &room);
		if (!err) {
			room = min(room, len);
			err = ivm_vnet_skb_copy(frame->skb, offset, to, room);
		}
		if (unlikely(err))
			return err;
		rx_wrote(rx, room);
		offset += room;
		len -= room;
	}
	return 0;
}

/* All from @offset on, which is where the head ends. */
static int rx_write_pieces(struct ivm_vnet_rx *rx, const struct ivm_frame *frame, u32 offset)
{
	const struct ivm_piece *piece = frame->piece;
	u32 left = frame->len - offset, n;
	unsigned int i;
	int err;

	for (i = 0; i < frame->nr_pieces && left; i++, piece++) {
		if (piece->len <= offset) {
			offset -= piece->len;
			continue;
		}
		n = min(piece->len - offset, left);
		err = rx_write(rx, piece->data + offset, n);
		if (unlikely(err))
			return err;
		offset = 0;
		left -= n;
	}
	return left ? -EMSGSIZE : 0;
}

static int rx_write_frame(struct ivm_vnet_rx *rx, const struct ivm_frame *frame)
{
	u32 head_len = min(frame->head_len, frame->len), from = 0;
	u8 tag[VLAN_HLEN];
	int err;

	if (frame->tag_proto) {
		put_unaligned_be16(frame->tag_proto, tag);
		put_unaligned_be16(frame->tag, tag + 2);
		from = RX_ADDRESSES;
		err = rx_write(rx, frame->head, from);
		if (!err)
			err = rx_write(rx, tag, sizeof(tag));
		if (unlikely(err))
			return err;
	}
	err = rx_write(rx, frame->head + from, head_len - from);
	if (err || head_len == frame->len)
		return err;
	return frame->skb ? rx_write_skb(rx, frame, head_len) : rx_write_pieces(rx, frame, head_len);
}

/* The header, and where the bytes of its last field went: that is known only at the end. */
static int rx_write_header(struct ivm_vnet_rx *rx, const struct ivm_vnet_hdr *hdr, u8 *buffers[2])
{
	unsigned int i;
	u32 room;
	u8 *to;
	int err;

	err = rx_room(rx, &to, &room);
	if (likely(!err && room >= sizeof(*hdr))) {
		memcpy(to, hdr, sizeof(*hdr));
		buffers[0] = to + offsetof(struct ivm_vnet_hdr, num_buffers);
		buffers[1] = buffers[0] + 1;
		rx_wrote(rx, sizeof(*hdr));
		return 0;
	}
	if (!err)
		err = rx_write(rx, hdr, offsetof(struct ivm_vnet_hdr, num_buffers));
	for (i = 0; !err && i < sizeof(hdr->num_buffers); i++) {
		err = rx_room(rx, &buffers[i], &room);
		if (err)
			break;
		err = rx_write(rx, (const u8 *)&hdr->num_buffers + i, 1);
	}
	return err;
}

/* Return: 0 and the chains are pushed; else nothing is taken from the ring. vq->lock held. */
static int rx_put(struct ivm_vnet_rx *rx, const struct ivm_frame *frame)
{
	struct ivm_vnet_hdr hdr;
	u8 *buffers[2];
	unsigned int i;
	int err;

	err = ivm_vnet_hdr_make(&hdr, READ_ONCE(rx->card->offloads), frame);
	if (unlikely(err))
		return err;
	rx->nr = 0;
	rx->left = 0;
	err = rx_write_header(rx, &hdr, buffers);
	if (!err)
		err = rx_write_frame(rx, frame);
	if (unlikely(err)) {
		while (rx->nr) {
			ivm_vq_unpop(rx->vq);
			rx->nr--;
		}
		return err;
	}
	if (rx->nr > 1) {
		*buffers[0] = rx->nr;
		*buffers[1] = 0;
	}
	for (i = 0; i < rx->nr; i++)
		ivm_vq_push(rx->vq, rx->done[i].head, rx->done[i].used);
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
