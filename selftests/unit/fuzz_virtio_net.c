// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two virtual network cards, each the other's only neighbour, and drivers that
 * do anything: headers, frames, buffers, commands and doorbells of any kind, in
 * any order, starts and stops in between. fake_card.c checks what the switch is
 * given; here what comes out at the other end.
 */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c selftests/unit/fake_card.c selftests/unit/fake_nic.c */
/* max_len: 4096 */
/* part: 5 */
#include "unit.h"

#include <string.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

#include "fake_card.h"
#include "dev/virtio_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAIRS	3
#define QUEUES	(2 * PAIRS + 1)

struct input {
	const u8 *at, *end;
};

static u8 byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static u64 word(struct input *in, unsigned int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | byte(in);
	return value;
}

/* Bytes of the input, then a pattern. */
static void fill(struct input *in, u8 *to, u32 len, u32 from_input)
{
	u32 i;

	for (i = 0; i < len; i++)
		to[i] = i < from_input ? byte(in) : i * 3;
}

static bool full(struct ivm_virtio_net *card, unsigned int queue)
{
	return fake_queue(card, queue)->nr >= 4000;
}

static void add_out(struct fake_chain *chain, const u8 *data, u32 len, u32 cut)
{
	u32 n;

	cut = max(cut, (len + IVM_VQ_CHAIN_MAX / 2 - 1) / (IVM_VQ_CHAIN_MAX / 2));
	for (; len; len -= n, data += n) {
		n = min(len, cut);
		fake_out(chain, data, n);
	}
}

static void start(struct input *in, struct ivm_virtio_net *card)
{
	u64 features = fake_offered(card);
	unsigned int i;

	fake_driver_stop(card);
	fake_memory_gone(card);
	if (byte(in) & 1)
		features &= word(in, 8);
	if (byte(in) & 1)
		for (i = 0; i < QUEUES; i++)
			fake_driver_enable(card, i, byte(in) & 3);
	fake_driver_start(card, features);
}

/* A header that is right about a frame with the headers of TCP or UDP, then spoilt a little. */
static void plausible(struct input *in, struct ivm_vnet_hdr *hdr, u8 *data, u32 len)
{
	bool six = byte(in) & 1, udp = byte(in) & 1;
	unsigned int l4 = ETH_HLEN + (six ? 40 : 20);

	if (len < 64)
		return;
	put_unaligned_be16(six ? 0x86dd : 0x0800, data + 12);
	memset(data + 14, 0, l4 - 14);
	data[14] = six ? 0x60 : 0x45;
	data[six ? 20 : 23] = udp ? 17 : 6;
	data[l4 + 12] = 0x50;
	*hdr = (struct ivm_vnet_hdr){
		.flags = 1,
		.gso_type = udp ? IVM_GSO_UDP : six ? IVM_GSO_TCP6 : IVM_GSO_TCP4,
		.gso_size = cpu_to_le16(word(in, 2) % 1500),
		.csum_start = cpu_to_le16(l4),
		.csum_offset = cpu_to_le16(udp ? 6 : 16),
	};
	if (byte(in) & 1)
		((u8 *)hdr)[byte(in) % sizeof(*hdr)] ^= byte(in);
	if (byte(in) & 1)
		data[12 + byte(in) % 60] ^= byte(in);
}

static void offer_frame(struct input *in, struct ivm_virtio_net *card)
{
	static u8 data[12 + 70000];
	unsigned int queue = byte(in) % QUEUES;
	u8 how = byte(in);
	u32 len = how & 1 ? word(in, 2) : byte(in), cut = byte(in) + 1;
	struct fake_chain *chain;
	struct ivm_vnet_hdr hdr;

	if (full(card, queue))
		return;
	chain = fake_chain(card, queue);
	fill(in, (u8 *)&hdr, sizeof(hdr), how & 2 ? sizeof(hdr) : 0);
	if (!(how & 2))
		memset(&hdr, 0, sizeof(hdr));
	fill(in, data + 12, len, how & 4 ? 60 : 0);
	if (how & 8)
		memcpy(data + 12, fake_mac, 6);
	if (how & 16)
		plausible(in, &hdr, data + 12, len);
	memcpy(data, &hdr, 12);
	add_out(chain, data, how & 32 ? len : len + 12, cut);
	if (how & 64)
		fake_in(chain, byte(in) + 1);
	fake_offer(card, queue);
	fake_ring(card, queue);
}

static void offer_buffers(struct input *in, struct ivm_virtio_net *card)
{
	unsigned int queue = byte(in) % QUEUES, n = byte(in) % 80, pieces = 1 + byte(in) % 8, i;
	u32 len = 1 + word(in, 2) % 9000;
	bool out = byte(in) == 1;
	struct fake_chain *chain;

	for (; n && !full(card, queue); n--) {
		chain = fake_chain(card, queue);
		if (out)
			fake_out(chain, "x", 1);
		for (i = 0; i < pieces && len > i; i++)
			fake_in(chain, len / pieces + 1);
		fake_offer(card, queue);
	}
	fake_ring(card, queue);
}

static void command(struct input *in, struct ivm_virtio_net *card)
{
	static const u8 right[][2] = { { 0, 1 }, { 1, 6 }, { 2, 2 }, { 3, 0 }, { 4, 2 }, { 5, 8 }, { 1, 20 }, { 1, 14 } };
	u8 data[256], how = byte(in);
	unsigned int queue = card->ctrl_index, i = byte(in) % ARRAY_SIZE(right);
	u32 len = how & 1 ? byte(in) : 2 + right[i][1];
	struct fake_chain *chain;

	if (full(card, queue))
		return;
	fill(in, data, len, len);
	if (!(how & 1))
		data[0] = right[i][0];
	if (how & 2 && len > 1)
		data[1] %= 3;
	if (how & 4)
		memset(data + 2, 0, sizeof(data) - 2);
	chain = fake_chain(card, queue);
	add_out(chain, data, len, byte(in) + 1);
	if (!(how & 8))
		fake_in(chain, 1 + byte(in) % 4);
	fake_offer(card, queue);
	fake_ring(card, queue);
}

static void from_outside(struct input *in, struct ivm_virtio_net *card)
{
	static u8 data[70000];
	u8 how = byte(in);
	u32 len = how & 1 ? word(in, 2) : 14 + byte(in);
	struct ivm_frame *frame;
	int ret;

	fill(in, data, len, how & 4 ? 60 : 0);
	if (how & 8)
		memcpy(data, fake_mac, 6);
	frame = fake_frame(data, len, how & 16 ? 0 : byte(in) * 16 + 1);
	if (how & 2) {
		frame->tag_proto = byte(in) & 1 ? 0x8100 : 0x88a8;
		frame->tag = word(in, 2);
	}
	frame->csum_valid = how & 32;
	frame->needs_csum = how & 64;
	frame->csum_start = word(in, 2);
	frame->gso = how & 128 ? byte(in) % 6 : 0;
	ret = fake_deliver(card, frame);
	BUG_ON(ret && ret != -EAGAIN && ret != -ENETDOWN && ret != -EMSGSIZE && ret != -EPERM);
	BUG_ON(!ret && (len < ETH_HLEN || len > IVM_VNET_FRAME_MAX));
	fake_frame_free(frame);
}

/* What a driver may believe of each buffer that came back: it was written as far as it says, and the frame is whole. */
static void check_received(struct ivm_virtio_net *card)
{
	u8 all[12], hdr[12];
	unsigned int queue, i, n;
	struct fake_queue *q;
	u32 len, at;

	for (queue = 0; queue < 2 * PAIRS; queue += 2) {
		q = fake_queue(card, queue);
		if (queue == card->ctrl_index)
			continue;
		for (i = 0; i < q->published; i += n) {
			BUG_ON(!q->chain[i].pushed);
			for (n = 0, at = 0; at < 12; at += len, n++) {
				BUG_ON(i + n == q->published);
				len = fake_written(&q->chain[i + n], all, 12 - at);
				memcpy(hdr + at, all, len);
			}
			n = get_unaligned_le16(hdr + 10);
			BUG_ON(!n || n > IVM_VQ_ROOM_CHAINS || i + n > q->published);
			BUG_ON(n > 1 && !(card->features & VNET_F_MRG_RXBUF));
			BUG_ON(hdr[0] & ~3 || (hdr[0] & 1 && !(card->features & VNET_F_GUEST_CSUM)));
			BUG_ON(hdr[1] && !(hdr[0] & 1));
		}
	}
}

static void step(struct input *in, struct ivm_virtio_net *card, struct ivm_virtio_net *peer)
{
	struct ivm_nic *nic = fake_nic(card);

	switch (byte(in) % 16) {
	case 0:
		start(in, card);
		break;
	case 1:
		fake_driver_stop(card);
		fake_memory_gone(card);
		break;
	case 2:
		nic->ops->link(nic->ctx, byte(in) & 1);
		break;
	case 3:
		nic->ops->resume(nic->ctx, byte(in) % 4);
		break;
	case 4:
		nic->again = byte(in) % 4;
		nic->resume_at_once = byte(in) & 1;
		break;
	case 5:
		nic->peer = byte(in) & 7 ? fake_nic(peer) : NULL;
		break;
	case 6:
		shim_work_run();
		break;
	case 7:
		fake_queue(card, byte(in) % QUEUES)->breaks = byte(in) == 0x11;
		fake_queue(card, byte(in) % QUEUES)->quiet = byte(in) & 1;
		fake_queue(card, byte(in) % QUEUES)->flicker = byte(in);
		break;
	case 8:
		ivm_virtio_net_quiesce(card);
		fake_memory_gone(card);
		break;
	case 9:
		command(in, card);
		break;
	case 10:
	case 11:
		from_outside(in, card);
		break;
	case 12:
		offer_buffers(in, card);
		break;
	default:
		offer_frame(in, card);
	}
	if (byte(in) & 3)
		ivm_virtio_net_work(card);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct ivm_virtio_net *card[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		card[i] = fake_card(PAIRS, 1500);
		BUG_ON(IS_ERR(card[i]));
		BUG_ON(!fake_driver_start(card[i], fake_offered(card[i])));
		ivm_virtio_net_work(card[i]);
	}
	fake_nic(card[0])->peer = fake_nic(card[1]);
	fake_nic(card[1])->peer = fake_nic(card[0]);
	for (i = 0; in.at < in.end; i++) {
		step(&in, card[i & 1], card[~i & 1]);
		BUG_ON(shim_locks_held() || shim_irqs_off() || shim_printed());
		check_received(card[i & 1]);
	}
	fake_nic(card[0])->peer = NULL;
	fake_nic(card[1])->peer = NULL;
	shim_work_run();
	fake_card_destroy(card[0]);
	fake_card_destroy(card[1]);
	BUG_ON(shim_alloc_live());
	return 0;
}
