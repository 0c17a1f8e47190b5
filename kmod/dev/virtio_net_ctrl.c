// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of the control queue (virtio 1.2, 5.1.6.5): class, command, data
 * of exactly the length that the command has; the answer is one byte. What was
 * not negotiated is refused like what does not exist.
 */
#include "virtio_net.h"

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/etherdevice.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

#define CTRL_OK		0
#define CTRL_ERR	1

enum ctrl_class {
	CTRL_RX = 0,		/* commands: enum ivm_vnet_rx_flag */
	CTRL_MAC = 1,
	CTRL_VLAN = 2,
	CTRL_ANNOUNCE = 3,
	CTRL_MQ = 4,
	CTRL_GUEST_OFFLOADS = 5,
};

enum { CTRL_MAC_TABLE_SET, CTRL_MAC_ADDR_SET };
enum { CTRL_VLAN_ADD, CTRL_VLAN_DEL };
enum { CTRL_ANNOUNCE_ACK };
enum { CTRL_MQ_PAIRS_SET };
enum { CTRL_OFFLOADS_SET };

/* What is left of a request. Guest memory: each byte is read once. */
struct ctrl_request {
	const struct ivm_piece *piece;
	u32 at;			/* in *piece */
	u32 left;		/* in all pieces */
};

static bool ctrl_read(struct ctrl_request *request, void *to, u32 len)
{
	u32 n;

	if (len > request->left)
		return false;
	request->left -= len;
	while (len) {
		n = min(request->piece->len - request->at, len);
		memcpy(to, request->piece->data + request->at, n);
		to += n;
		len -= n;
		request->at += n;
		if (request->at == request->piece->len) {
			request->piece++;
			request->at = 0;
		}
	}
	barrier();	/* decide by the copy */
	return true;
}

/* All of the data, which has exactly this length. */
static bool ctrl_data(struct ctrl_request *request, void *to, u32 len)
{
	return request->left == len && ctrl_read(request, to, len);
}

static bool ctrl_rx(struct ivm_virtio_net *card, u8 command, struct ctrl_request *request)
{
	unsigned long need = command <= IVM_VNET_RX_ALLMULTI ? VNET_F_CTRL_RX : VNET_F_CTRL_RX_EXTRA;
	u8 on;

	if (command >= IVM_VNET_RX_FLAGS || !(card->features & need) || !ctrl_data(request, &on, 1) || on > 1)
		return false;
	ivm_vnet_filter_flag(&card->filter, command, on);
	return true;
}

/* One of the table's two lists; what does not fit is not kept, and then all of the kind are let through. */
static bool ctrl_mac_list(struct ctrl_request *request, u8 (*mac)[ETH_ALEN], unsigned int *nr, bool *many)
{
	__le32 word;
	u8 rest[ETH_ALEN];
	u32 entries, i;

	if (!ctrl_read(request, &word, sizeof(word)))
		return false;
	entries = le32_to_cpu(word);
	if (entries > request->left / ETH_ALEN)
		return false;
	for (i = 0; i < entries; i++)
		if (!ctrl_read(request, i < IVM_VNET_MACS_MAX ? mac[i] : rest, ETH_ALEN))
			return false;
	*nr = min_t(u32, entries, IVM_VNET_MACS_MAX);
	*many = entries > IVM_VNET_MACS_MAX;
	return true;
}

static bool ctrl_mac_table(struct ivm_virtio_net *card, struct ctrl_request *request)
{
	struct ivm_vnet_filter *filter = &card->filter;
	u8 (*mac)[IVM_VNET_MACS_MAX][ETH_ALEN] = card->ctrl_mac;
	unsigned int nr[2];
	bool many[2];

	if (!(card->features & VNET_F_CTRL_RX) ||
	    !ctrl_mac_list(request, mac[0], &nr[0], &many[0]) ||
	    !ctrl_mac_list(request, mac[1], &nr[1], &many[1]) || request->left)
		return false;
	write_seqlock_bh(&filter->lock);
	memcpy(filter->mac[0], mac[0], nr[0] * ETH_ALEN);
	memcpy(filter->mac[1], mac[1], nr[1] * ETH_ALEN);
	WRITE_ONCE(filter->nr[0], nr[0]);
	WRITE_ONCE(filter->nr[1], nr[1]);
	write_sequnlock_bh(&filter->lock);
	ivm_vnet_filter_flag(filter, IVM_VNET_RX_MANY_UNI, many[0]);
	ivm_vnet_filter_flag(filter, IVM_VNET_RX_MANY_MULTI, many[1]);
	return true;
}

static bool ctrl_mac(struct ivm_virtio_net *card, u8 command, struct ctrl_request *request)
{
	u8 mac[ETH_ALEN];

	if (command == CTRL_MAC_TABLE_SET)
		return ctrl_mac_table(card, request);
	/* The definition says who the card is, not the guest (P2). */
	return command == CTRL_MAC_ADDR_SET && (card->features & VNET_F_CTRL_MAC_ADDR) &&
	       ctrl_data(request, mac, sizeof(mac)) && !memcmp(mac, card->mac, sizeof(mac));
}

static bool ctrl_vlan(struct ivm_virtio_net *card, u8 command, struct ctrl_request *request)
{
	__le16 vid;

	if (command > CTRL_VLAN_DEL || !(card->features & VNET_F_CTRL_VLAN) ||
	    !ctrl_data(request, &vid, sizeof(vid)) || le16_to_cpu(vid) >= 4096)
		return false;
	ivm_vnet_filter_vlan(&card->filter, le16_to_cpu(vid), command == CTRL_VLAN_ADD);
	return true;
}

static bool ctrl_announce(struct ivm_virtio_net *card, u8 command, struct ctrl_request *request)
{
	if (command != CTRL_ANNOUNCE_ACK || !(card->features & VNET_F_GUEST_ANNOUNCE) || request->left)
		return false;
	atomic_and(~VNET_S_ANNOUNCE, &card->status);
	return true;
}

/* Pairs that the driver never enabled cannot be put to use. */
static bool ctrl_pairs_open(struct ivm_virtio_net *card, unsigned int pairs)
{
	unsigned int i;

	for (i = 0; i < pairs; i++)
		if (!READ_ONCE(card->rx[i].open) || !READ_ONCE(card->tx[i].open))
			return false;
	return true;
}

static bool ctrl_mq(struct ivm_virtio_net *card, u8 command, struct ctrl_request *request)
{
	unsigned int pairs;
	__le16 word;

	if (command != CTRL_MQ_PAIRS_SET || !(card->features & VNET_F_MQ) || !ctrl_data(request, &word, sizeof(word)))
		return false;
	pairs = le16_to_cpu(word);
	if (!pairs || pairs > card->nr_pairs || !ctrl_pairs_open(card, pairs))
		return false;
	WRITE_ONCE(card->pairs, pairs);
	return true;
}

static bool ctrl_offloads(struct ivm_virtio_net *card, u8 command, struct ctrl_request *request)
{
	__le64 word;
	u64 offloads;

	if (command != CTRL_OFFLOADS_SET || !(card->features & VNET_F_CTRL_GUEST_OFFLOADS) ||
	    !ctrl_data(request, &word, sizeof(word)))
		return false;
	offloads = le64_to_cpu(word);
	if (offloads & ~(card->features & VNET_F_GUEST_OFFLOADS))
		return false;
	/* Segments come with their checksums left out. */
	if ((offloads & ~VNET_F_GUEST_CSUM) && !(offloads & VNET_F_GUEST_CSUM))
		return false;
	WRITE_ONCE(card->offloads, offloads);
	card->ctrl_tell = true;
	return true;
}

static bool ctrl_command(struct ivm_virtio_net *card, struct ctrl_request *request)
{
	u8 what[2];

	if (!ctrl_read(request, what, sizeof(what)))
		return false;
	switch (what[0]) {
	case CTRL_RX:
		return ctrl_rx(card, what[1], request);
	case CTRL_MAC:
		return ctrl_mac(card, what[1], request);
	case CTRL_VLAN:
		return ctrl_vlan(card, what[1], request);
	case CTRL_ANNOUNCE:
		return ctrl_announce(card, what[1], request);
	case CTRL_MQ:
		return ctrl_mq(card, what[1], request);
	case CTRL_GUEST_OFFLOADS:
		return ctrl_offloads(card, what[1], request);
	default:
		return false;
	}
}

/* One command. Return: false when there is no byte to answer in. */
static bool ctrl_one(struct ivm_virtio_net *card)
{
	const struct ivm_chain *chain = &card->ctrl_chain;
	struct ctrl_request request = {
		.piece = chain->piece,
		.left = chain->out_len,
	};
	u8 answer;

	if (!chain->in_len)
		return false;
	answer = ctrl_command(card, &request) ? CTRL_OK : CTRL_ERR;
	*(u8 *)chain->piece[chain->nr_out].data = answer;
	ivm_vq_push(card->ctrl, chain->head, 1);
	return true;
}

/* Return: whether there may be more than the budget allowed. card->ctrl's lock held. */
static bool ctrl_batch(struct ivm_virtio_net *card)
{
	struct ivm_vq *vq = card->ctrl;
	unsigned int i;
	int ret;

	ivm_vq_notify_disable(vq);
	for (i = 0; i < IVM_VNET_BUDGET_COMMANDS; i++) {
		ret = ivm_vq_pop(vq, &card->ctrl_chain);
		if (!ret) {
			if (!ivm_vq_notify_enable(vq))
				return false;
			ivm_vq_notify_disable(vq);
			continue;
		}
		if (ret > 0 && ctrl_one(card))
			continue;
		if (ret > 0)
			ivm_virtio_broken(card->virtio);
		ivm_vnet_ring_broken(card);
		return false;
	}
	return true;
}

/**
 * ivm_vnet_ctrl_work() - obey the guest's commands
 * @card: with or without a control queue
 *
 * Context: task, may sleep; several at once.
 */
void ivm_vnet_ctrl_work(struct ivm_virtio_net *card)
{
	struct ivm_vq *vq = READ_ONCE(card->ctrl);
	bool more = false, tell = false, interrupt = false;

	clear_bit(READ_ONCE(card->ctrl_index), &card->pending);
	if (!vq)
		return;
	spin_lock_bh(&vq->lock);
	if (card->ctrl == vq && card->ctrl_open && !READ_ONCE(card->shut)) {
		more = ctrl_batch(card);
		tell = card->ctrl_tell;
		card->ctrl_tell = false;
	}
	spin_unlock_bh(&vq->lock);
	/* The switch knows before the guest sees its answer. */
	if (tell)
		ivm_vnet_driver_changed(card);
	spin_lock_bh(&vq->lock);
	if (card->ctrl == vq && card->ctrl_open && !READ_ONCE(card->shut))
		interrupt = ivm_vq_publish(vq);
	spin_unlock_bh(&vq->lock);
	if (interrupt)
		ivm_vq_interrupt(vq);
	if (more) {
		set_bit(READ_ONCE(card->ctrl_index), &card->pending);
		ivm_vnet_kick(card, &card->work);
	}
}
