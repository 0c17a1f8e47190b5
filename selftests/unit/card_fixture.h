/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of a virtual network card share: a card, a driver that offers
 * it things, a switch that delivers to it. Included once by each.
 */
#ifndef CARD_FIXTURE_H
#define CARD_FIXTURE_H

#include "unit.h"

#include <string.h>

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

#include "fake_card.h"
#include "dev/virtio_net.h"

#define MTU	1500
#define HDR	12
#define RX	0
#define TX	1

FIXTURE(card) { struct ivm_virtio_net *card; u8 data[70000], got[70000]; };
FIXTURE_SETUP(card)
{
	unsigned int i;

	for (i = 0; i < sizeof(self->data); i++)
		self->data[i] = i * 7 + i / 251;
	memcpy(self->data, fake_mac, 6);
	put_unaligned_be16(0x88b5, self->data + 12);
	self->card = fake_card(1, MTU);
	ASSERT_FALSE(IS_ERR(self->card));
}
FIXTURE_TEARDOWN(card)
{
	fake_card_destroy(self->card);
	EXPECT_EQ(0, shim_alloc_live());
}

/* Another one in its place. */
static __maybe_unused struct ivm_virtio_net *card_with(struct _test_data_card *self, unsigned int queues,
							unsigned int mtu)
{
	fake_card_destroy(self->card);
	self->card = fake_card(queues, mtu);
	return self->card;
}

#define ALL	fake_offered(self->card)
#define SIMPLE	(ALL & ~VNET_F_MRG_RXBUF)

static __maybe_unused void start(struct _test_data_card *self, u64 features)
{
	if (!fake_driver_start(self->card, features))
		__builtin_trap();
	ivm_virtio_net_work(self->card);
}

/* A frame of @len bytes behind a header, in pieces of @cut. */
static __maybe_unused struct fake_chain *offer_tx(struct _test_data_card *self, const struct ivm_vnet_hdr *hdr,
						  u32 len, u32 cut, unsigned int queue)
{
	struct fake_chain *chain = fake_chain(self->card, queue);
	u8 *all = malloc(HDR + len);
	u32 at, n;

	memcpy(all, hdr, HDR);
	memcpy(all + HDR, self->data, len);
	for (at = 0; at < HDR + len; at += n) {
		n = min_t(u32, cut, HDR + len - at);
		fake_out(chain, all + at, n);
	}
	free(all);
	fake_offer(self->card, queue);
	return chain;
}

static const struct ivm_vnet_hdr plain;

static __maybe_unused void ring_and_work(struct _test_data_card *self, unsigned int queue)
{
	fake_ring(self->card, queue);
	ivm_virtio_net_work(self->card);
}

static __maybe_unused struct fake_chain *offer_rx(struct _test_data_card *self, u32 len, u32 cut, unsigned int queue)
{
	struct fake_chain *chain = fake_chain(self->card, queue);
	u32 n;

	for (; len; len -= n) {
		n = min(len, cut);
		fake_in(chain, n);
	}
	fake_offer(self->card, queue);
	return chain;
}

static __maybe_unused int deliver(struct _test_data_card *self, u32 len, u32 cut)
{
	struct ivm_frame *frame = fake_frame(self->data, len, cut);
	int ret = fake_deliver(self->card, frame);

	fake_frame_free(frame);
	return ret;
}

#define expect_frame(chain, len) do {						\
	memset(self->got, 0, sizeof(self->got));				\
	ASSERT_TRUE((chain)->pushed);						\
	ASSERT_EQ(HDR + (len), (chain)->used);					\
	fake_written(chain, self->got, sizeof(self->got));			\
	ASSERT_EQ(0, memcmp(self->got + HDR, self->data, len));			\
} while (0)

#endif
