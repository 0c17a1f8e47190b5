// SPDX-License-Identifier: GPL-2.0-only
#include "fake_nic.h"

#include <stdlib.h>

#include "shim.h"
#include "why.h"
#include "dev/virtio_net.h"

#include <linux/bottom_half.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

int fake_nic_fails;

struct ivm_nic *ivm_nic_create(const struct ivm_nic_params *params, const struct ivm_nic_ops *ops, void *ctx,
			       struct ivm_why *why)
{
	struct ivm_nic *nic;

	might_sleep();
	if (fake_nic_fails)
		return ERR_PTR(ivm_why(why, IVM_A_NIC_SWITCH, fake_nic_fails, "there is no switch"));
	nic = kzalloc(sizeof(*nic), GFP_KERNEL);
	if (!nic)
		return ERR_PTR(ivm_why(why, 0, -ENOMEM, "memory"));
	nic->ops = ops;
	nic->ctx = ctx;
	nic->params = *params;
	return nic;
}

void ivm_nic_destroy(struct ivm_nic *nic)
{
	might_sleep();
	if (!nic)
		return;
	/* What a switch may do until the very last moment. */
	nic->ops->resume(nic->ctx, 0);
	nic->ops->link(nic->ctx, false);
	kfree(nic);
}

void ivm_nic_name(struct ivm_nic *nic, char name[IFNAMSIZ], u32 *ifindex)
{
	strscpy(name, "nic0", IFNAMSIZ);
	*ifindex = 7;
}

void ivm_nic_driver(struct ivm_nic *nic, bool up, const struct ivm_nic_features *features)
{
	might_sleep();
	nic->up = up;
	nic->features = *features;
	nic->told++;
}

/* All that struct ivm_frame promises. */
static void check_frame(const struct ivm_frame *f)
{
	u32 sum = 0;
	unsigned int i;

	BUG_ON(f->skb || f->tag_proto || f->tag || f->csum_valid);
	BUG_ON(f->len < ETH_HLEN || f->head_len != min_t(u32, f->len, IVM_FRAME_HEAD));
	for (i = 0; i < f->nr_pieces; i++)
		sum += f->piece[i].len;
	BUG_ON(sum != f->len);
	BUG_ON(f->needs_csum && (f->csum_start < ETH_HLEN || f->csum_start + f->csum_offset + 2 > f->len));
	BUG_ON(!f->needs_csum && (f->csum_start || f->csum_offset || f->gso));
	BUG_ON(f->gso && (!f->gso_size || f->hdr_len <= f->csum_start || f->hdr_len >= f->len));
	BUG_ON(!f->gso && (f->gso_size || f->ecn || f->hdr_len));
}

int ivm_nic_send(struct ivm_nic *nic, unsigned int queue, struct ivm_frame *frame)
{
	u32 at = 0, skip = frame->head_len, n;
	unsigned int i;

	BUG_ON(queue >= nic->params.queues || shim_irqs_off());
	check_frame(frame);
	if (nic->sending)
		nic->sending(nic);
	if (nic->again) {
		nic->again--;
		if (nic->resume_at_once)
			nic->ops->resume(nic->ctx, queue);
		return IVM_NIC_AGAIN;
	}
	nic->frames++;
	nic->last.frame = *frame;
	nic->last.queue = queue;
	memcpy(nic->last.data, frame->head, frame->head_len);
	for (i = 0; i < frame->nr_pieces; i++) {
		n = min(frame->piece[i].len, skip);
		memcpy(nic->last.data + frame->head_len + at, frame->piece[i].data + n, frame->piece[i].len - n);
		at += frame->piece[i].len - n;
		skip -= n;
	}
	if (nic->peer) {
		nic->peer_says = nic->peer->ops->deliver(nic->peer->ctx, frame, queue);
		if (nic->peer_says == -EAGAIN)
			return IVM_NIC_AGAIN;
	}
	return 0;
}

void ivm_nic_room(struct ivm_nic *nic)
{
	BUG_ON(shim_locks_held());
	__atomic_fetch_add(&nic->rooms, 1, __ATOMIC_RELAXED);
}

/* What dev/virtio_net_skb.c is in the kernel: a test's skb is its bytes. */

struct sk_buff {
	u32 len;
	const u8 *data;
};

int ivm_vnet_skb_copy(const struct sk_buff *skb, u32 offset, void *to, u32 len)
{
	if (offset > skb->len || len > skb->len - offset)
		return -EFAULT;
	memcpy(to, skb->data + offset, len);
	return 0;
}

struct ivm_nic *fake_nic(struct ivm_virtio_net *card)
{
	return card->nic;
}

int fake_deliver(struct ivm_virtio_net *card, const struct ivm_frame *frame)
{
	int ret;

	local_bh_disable();
	ret = card->nic->ops->deliver(card->nic->ctx, frame, 0);
	local_bh_enable();
	return ret;
}

struct ivm_frame *fake_frame(const void *data, u32 len, u32 cut)
{
	struct ivm_frame *frame = calloc(1, sizeof(*frame));
	struct sk_buff *skb;
	struct ivm_piece *piece;
	u8 *copy;
	u32 n;

	frame->len = len;
	frame->head_len = min_t(u32, len, IVM_FRAME_HEAD);
	copy = malloc(frame->head_len);
	memcpy(copy, data, frame->head_len);
	frame->head = copy;
	if (!cut) {
		skb = malloc(sizeof(*skb) + len);
		skb->len = len;
		skb->data = memcpy(skb + 1, data, len);
		frame->skb = skb;
		return frame;
	}
	piece = calloc(len / cut + 1, sizeof(*piece));
	frame->piece = piece;
	for (; len; len -= n, data += n, piece++) {
		n = min(len, cut);
		piece->data = memcpy(malloc(n), data, n);
		piece->len = n;
		frame->nr_pieces++;
	}
	return frame;
}

void fake_frame_free(struct ivm_frame *frame)
{
	unsigned int i;

	for (i = 0; i < frame->nr_pieces; i++)
		free(frame->piece[i].data);
	free((void *)frame->piece);
	free((void *)frame->head);
	free(frame->skb);
	free(frame);
}
