// SPDX-License-Identifier: GPL-2.0-only
/* A virtual network card between a driver and a switch, both fake: frames to the guest. */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c selftests/unit/fake_card.c selftests/unit/fake_nic.c */
#include "card_fixture.h"

TEST_F(card, one_buffer_in_whatever_pieces)
{
	static const u32 lens[] = { 14, 60, 191, 192, 193, 194, 500, 1514 }, froms[] = { 0, 1, 7, 50, 192, 2000 };
	static const u32 cuts[] = { 1, 3, 11, 12, 13, 64, 203, 204, 205, 3000 };
	struct fake_chain *chain;
	unsigned int i, j, k, n = 0;

	for (k = 0; k < 2; k++) {
		start(self, k ? ALL : SIMPLE);
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			for (j = 0; j < ARRAY_SIZE(froms) * ARRAY_SIZE(cuts); j++) {
				u32 from = froms[j % ARRAY_SIZE(froms)], cut = cuts[j / ARRAY_SIZE(froms)];

				if ((lens[i] + HDR + cut - 1) / cut > IVM_VQ_CHAIN_MAX)
					continue;
				chain = offer_rx(self, lens[i] + HDR, cut, RX);
				ASSERT_EQ(0, deliver(self, lens[i], from));
				expect_frame(chain, lens[i]);
				ASSERT_EQ(1, self->got[10]);
				ASSERT_EQ(0, self->got[11]);
				n++;
			}
		ASSERT_EQ(n, fake_queue(self->card, RX)->published);
		ASSERT_EQ(n, fake_queue(self->card, RX)->interrupts);
		n = 0;
		fake_driver_stop(self->card);
		fake_memory_gone(self->card);
	}
}

TEST_F(card, without_mergeable_buffers_a_frame_fits_one_or_none)
{
	struct fake_chain *small;

	start(self, SIMPLE);
	small = offer_rx(self, HDR + 99, 1000, RX);
	offer_rx(self, HDR + 1000, 1000, RX);
	EXPECT_EQ(-EMSGSIZE, deliver(self, 100, 100));
	EXPECT_FALSE(small->popped || small->pushed);
	EXPECT_EQ(0, deliver(self, 99, 100));
	expect_frame(small, 99);
}

/* Between the look and the request to be told: the next doorbell has to be the one that ends the wait. */
TEST_F(card, buffers_that_come_while_a_doorbell_is_asked_for)
{
	struct fake_queue *q;
	unsigned int i;

	start(self, ALL);
	q = fake_queue(self->card, RX);
	for (i = 0; i < 4; i++)
		offer_rx(self, 100, 7000, RX);
	q->late = 3;
	EXPECT_EQ(-EAGAIN, deliver(self, 1000, 1000));
	EXPECT_EQ(0, q->late);
	EXPECT_TRUE(q->doorbell);
	EXPECT_EQ(4, q->asked);
	for (; i < 11; i++)
		offer_rx(self, 100, 7000, RX);
	q->late = 6;
	EXPECT_EQ(0, deliver(self, 1000, 1000));
	EXPECT_EQ(11, q->pushed);
}

TEST_F(card, mergeable_buffers_of_every_size)
{
	static const u32 froms[] = { 0, 13, 192, 4096 };
	struct fake_chain *first;
	unsigned int buffers, i;
	u32 size, len, at, n;

	start(self, ALL);
	for (size = 1; size < 1600; size += size < 40 ? 1 : 37) {
		len = min_t(u32, 1400, size * IVM_VQ_ROOM_CHAINS - min_t(u32, HDR, size * 64 - 14));
		buffers = (HDR + len + size - 1) / size;
		if (len < 14)
			continue;
		/* One too few: nothing is taken. */
		first = offer_rx(self, size, 7000, RX);
		for (i = 1; i < buffers - 1; i++)
			offer_rx(self, size, 7000, RX);
		if (buffers > 1) {
			ASSERT_EQ(-EAGAIN, deliver(self, len, froms[size % 4]));
			ASSERT_FALSE(first->popped);
			ASSERT_TRUE(fake_queue(self->card, RX)->doorbell);
			offer_rx(self, size, 7000, RX);
		}
		ASSERT_EQ(0, deliver(self, len, froms[size % 4]));
		for (i = 0, at = 0; i < buffers; i++, at += n) {
			n = min(size, HDR + len - at);
			ASSERT_TRUE(first[i].pushed);
			ASSERT_EQ(n, first[i].used);
			fake_written(&first[i], self->got + at, n);
		}
		ASSERT_EQ(HDR + len, at);
		ASSERT_EQ(buffers, get_unaligned_le16(self->got + 10));
		ASSERT_EQ(0, memcmp(self->got + HDR, self->data, len)) TH_LOG("buffers of %u", size);
		if (fake_queue(self->card, RX)->nr > 3000) {
			fake_driver_stop(self->card);
			fake_memory_gone(self->card);
			start(self, ALL);
		}
	}
}

TEST_F(card, a_frame_is_not_spread_over_too_many_buffers)
{
	struct fake_chain *first = NULL, *chain;
	unsigned int i;

	start(self, ALL);
	for (i = 0; i < IVM_VQ_ROOM_CHAINS; i++) {
		chain = offer_rx(self, 10, 10, RX);
		first = first ? first : chain;
	}
	EXPECT_EQ(-EMSGSIZE, deliver(self, 10 * IVM_VQ_ROOM_CHAINS - HDR + 1, 100));
	EXPECT_FALSE(first->popped);
	EXPECT_EQ(0, deliver(self, 10 * IVM_VQ_ROOM_CHAINS - HDR, 100));
	EXPECT_TRUE(first->pushed);
}

TEST_F(card, the_greatest_frame_in_buffers_as_linux_has_them)
{
	struct ivm_frame *frame;
	struct fake_chain *first;
	unsigned int i, n = (IVM_VNET_FRAME_MAX + HDR + 1535) / 1536;
	u32 at = 0;

	start(self, ALL);
	first = offer_rx(self, 1536, 1536, RX);
	for (i = 1; i < n; i++)
		offer_rx(self, 1536, 1536, RX);
	frame = fake_frame(self->data, IVM_VNET_FRAME_MAX, 4096);
	frame->needs_csum = true;
	frame->gso = IVM_GSO_TCP4;
	frame->gso_size = 1448;
	frame->hdr_len = 66;
	frame->csum_start = 34;
	frame->csum_offset = 16;
	ASSERT_EQ(0, fake_deliver(self->card, frame));
	fake_frame_free(frame);
	for (i = 0; i < n; i++)
		at += fake_written(&first[i], self->got + at, 1536);
	EXPECT_EQ(IVM_VNET_FRAME_MAX + HDR, at);
	EXPECT_EQ(0, memcmp(self->got + HDR, self->data, IVM_VNET_FRAME_MAX));
	EXPECT_EQ(n, get_unaligned_le16(self->got + 10));
	EXPECT_EQ(IVM_GSO_TCP4, self->got[1]);
	EXPECT_EQ(-EMSGSIZE, deliver(self, IVM_VNET_FRAME_MAX + 1, 4096));
}

TEST_F(card, a_tag_beside_the_frame_is_written_into_it)
{
	static const u32 froms[] = { 0, 5, 12, 100, 192 };
	struct fake_chain *chain;
	struct ivm_frame *frame;
	unsigned int i;
	u32 len;

	start(self, ALL);
	for (i = 0; i < 5; i++)
		for (len = 14; len < 400; len += 31) {
			chain = offer_rx(self, 2000, 500, RX);
			frame = fake_frame(self->data, len, froms[i]);
			frame->tag_proto = 0x8100;
			frame->tag = 0x6123;
			ASSERT_EQ(0, fake_deliver(self->card, frame));
			fake_frame_free(frame);
			ASSERT_EQ(HDR + 4 + len, chain->used);
			fake_written(chain, self->got, sizeof(self->got));
			ASSERT_EQ(0, memcmp(self->got + HDR, self->data, 12));
			ASSERT_EQ(0x8100, get_unaligned_be16(self->got + HDR + 12));
			ASSERT_EQ(0x6123, get_unaligned_be16(self->got + HDR + 14));
			ASSERT_EQ(0, memcmp(self->got + HDR + 16, self->data + 12, len - 12));
		}
}

TEST_F(card, heads_are_what_was_checked_not_what_the_sender_has_now)
{
	struct fake_chain *chain;
	struct ivm_frame *frame;

	start(self, ALL);
	chain = offer_rx(self, 2000, 2000, RX);
	frame = fake_frame(self->data, 500, 100);
	memset(frame->piece[0].data, 0x66, 100);
	memset(frame->piece[1].data, 0x66, 92);		/* up to the end of the head */
	ASSERT_EQ(0, fake_deliver(self->card, frame));
	fake_frame_free(frame);
	expect_frame(chain, 500);
}

TEST_F(card, pieces_beyond_the_frame_are_not_its_bytes)
{
	struct fake_chain *chain;
	struct ivm_frame *frame;
	u32 cut;

	start(self, ALL);
	for (cut = 100; cut <= 600; cut += 100) {
		chain = offer_rx(self, 2000, 2000, RX);
		frame = fake_frame(self->data, 600, cut);
		frame->len = 450;
		ASSERT_EQ(0, fake_deliver(self->card, frame));
		fake_frame_free(frame);
		expect_frame(chain, 450);
	}
	/* Nor is a frame whole when pieces are missing. */
	chain = offer_rx(self, 2000, 2000, RX);
	frame = fake_frame(self->data, 600, 100);
	frame->len = 601;
	EXPECT_EQ(-EMSGSIZE, fake_deliver(self->card, frame));
	EXPECT_FALSE(chain->popped);
	fake_frame_free(frame);
}

TEST_F(card, a_sender_that_waits_is_told_of_room_once)
{
	struct ivm_nic *nic = fake_nic(self->card);
	struct fake_queue *q;

	start(self, ALL);
	q = fake_queue(self->card, RX);
	EXPECT_FALSE(q->doorbell);		/* nobody waits */
	offer_rx(self, 100, 100, RX);
	ring_and_work(self, RX);
	EXPECT_EQ(0, nic->rooms);
	EXPECT_EQ(-EAGAIN, deliver(self, 300, 100));
	EXPECT_TRUE(q->doorbell);
	EXPECT_EQ(0, q->published);
	offer_rx(self, 500, 100, RX);
	EXPECT_EQ(0, nic->rooms);
	ring_and_work(self, RX);
	EXPECT_EQ(1, nic->rooms);
	EXPECT_FALSE(q->doorbell);
	EXPECT_EQ(0, deliver(self, 300, 100));
	offer_rx(self, 500, 100, RX);
	ring_and_work(self, RX);
	EXPECT_EQ(1, nic->rooms);
}

TEST_F(card, interrupts_only_if_wanted)
{
	unsigned int i;

	start(self, ALL);
	fake_queue(self->card, RX)->quiet = true;
	for (i = 0; i < 4; i++) {
		offer_rx(self, 100, 100, RX);
		EXPECT_EQ(0, deliver(self, 60, 100));
	}
	EXPECT_EQ(0, fake_queue(self->card, RX)->interrupts);
	EXPECT_EQ(4, fake_queue(self->card, RX)->published);
}

TEST_F(card, buffers_that_are_none)
{
	struct fake_chain *chain;

	start(self, ALL);
	chain = fake_chain(self->card, RX);
	fake_out(chain, "read me", 7);
	fake_in(chain, 72);
	fake_offer(self->card, RX);
	EXPECT_EQ(0, deliver(self, 60, 60));	/* what we may read is left alone */
	EXPECT_EQ(72, chain->used);
	EXPECT_EQ(0, memcmp(chain->piece[0].data, "read me", 7));
	chain = fake_chain(self->card, RX);
	fake_out(chain, "read me", 7);
	fake_offer(self->card, RX);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	EXPECT_TRUE(fake_broken(self->card));
	EXPECT_FALSE(chain->pushed);
}

TEST_F(card, nothing_before_a_driver_came_and_after_it_left)
{
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	fake_driver_enable(self->card, RX, false);
	start(self, ALL);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));	/* it never enabled the queue */
	fake_driver_stop(self->card);
	fake_driver_enable(self->card, RX, true);
	start(self, ALL);
	offer_rx(self, 100, 100, RX);
	EXPECT_EQ(0, deliver(self, 60, 60));
	offer_rx(self, 100, 100, RX);
	fake_driver_stop(self->card);
	fake_memory_gone(self->card);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	start(self, ALL);
	offer_rx(self, 100, 100, RX);
	offer_tx(self, &plain, 60, 60, TX);
	fake_ring(self->card, TX);
	ivm_virtio_net_quiesce(self->card);
	fake_memory_gone(self->card);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	ivm_virtio_net_work(self->card);
	shim_work_run();
	EXPECT_EQ(0, fake_nic(self->card)->frames);
}

TEST_F(card, from_card_to_card)
{
	struct ivm_virtio_net *other = fake_card(1, MTU);
	struct ivm_nic *nic = fake_nic(self->card);
	struct fake_chain *to;
	unsigned int i;

	start(self, ALL);
	ASSERT_TRUE(fake_driver_start(other, fake_offered(other)));
	ivm_virtio_net_work(other);
	nic->peer = fake_nic(other);
	offer_tx(self, &plain, 1000, 100, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(-EAGAIN, nic->peer_says);
	EXPECT_EQ(0, fake_queue(self->card, TX)->published);
	to = fake_chain(other, RX);
	for (i = 0; i < 20; i++)
		fake_in(to, 60);
	fake_offer(other, RX);
	fake_ring(other, RX);
	ivm_virtio_net_work(other);
	EXPECT_EQ(1, nic->peer->rooms);
	nic->ops->resume(nic->ctx, 0);
	shim_work_run();
	EXPECT_EQ(0, nic->peer_says);
	EXPECT_EQ(1, fake_queue(self->card, TX)->published);
	expect_frame(to, 1000);
	fake_card_destroy(other);
}

TEST_HARNESS_MAIN
